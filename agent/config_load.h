/*
 * Where the configuration comes from: `-c`, then VAULTFERRY_CONFIG (both a path or an s3:// URI), then
 * VAULTFERRY_CONFIG_JSON (the text itself). Choosing is pure; a file is read here, bounded; an object is fetched by the
 * caller's function, since this file knows no network. Any thread.
 */
#ifndef AGENT_CONFIG_LOAD_H
#define AGENT_CONFIG_LOAD_H

#include "agent/config.h"

enum config_origin_kind { CONFIG_ORIGIN_FILE, CONFIG_ORIGIN_S3, CONFIG_ORIGIN_TEXT };

/* Borrows the texts that it was chosen from. */
struct config_origin {
    enum config_origin_kind kind;
    const char *name; /* for messages: the path, the URI, or "VAULTFERRY_CONFIG_JSON" */
    const char *text; /* of CONFIG_ORIGIN_TEXT */
    char bucket[64];  /* of CONFIG_ORIGIN_S3, with `key` */
    const char *key;
};

/* `option` is -c's value, the others are the variables' values; NULL or "" is not given. */
enum config_status config_source_choose(const char *option, const char *env_config, const char *env_json,
        struct config_origin *out, struct config_error *error) __attribute__((warn_unused_result));

/* Fetches an object of at most JSON_TEXT_MAX bytes. On success *text is the caller's to free(); on failure `why` (at
 * most `why_size` bytes, terminated) says what happened. */
typedef enum config_status config_fetch(
        void *ctx, const char *bucket, const char *key, char **text, size_t *len, char *why, size_t why_size);

/* Reads and parses what was chosen. `fetch` may be NULL, then an s3:// URI is an error. `config_free` frees *out. */
enum config_status config_load(const struct config_origin *origin, config_fetch *fetch, void *ctx, struct config **out,
        struct config_error *error) __attribute__((warn_unused_result));

#endif
