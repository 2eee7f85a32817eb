/*
 * What the config_*.c files share while one text is parsed and checked: whose text it is, who owns the memory, and how
 * a fault becomes one clear line: `acme.json: unknown field "exlude" at line 12, column 7: did you mean "exclude"?`.
 */
#ifndef AGENT_CONFIG_MESSAGE_H
#define AGENT_CONFIG_MESSAGE_H

#include "agent/config.h"

struct config_context {
    const char *name; /* of the text, for messages */
    struct json_text *document;
    struct config_error *error; /* may be NULL */
};

/* A text as it may be shown: cut at a character's boundary, control characters replaced. */
struct config_quoted {
    char text[88];
};
struct config_quoted config_quote(const char *text);

/* Fills the error with `NAME: what at line L, column C: hint` (no place where line is 0, no hint where it is NULL or
 * empty) and returns CONFIG_BAD. */
enum config_status config_complain(const struct config_context *context, unsigned line, unsigned column,
        const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6), warn_unused_result));

/* Fills the error and returns CONFIG_NO_MEMORY. */
enum config_status config_out_of_memory(const struct config_context *context) __attribute__((warn_unused_result));

#endif
