/*
 * JSON text into a tree that knows where everything stands, for files that people write: a message can name line and
 * column of a member, which jansson does not keep.
 *
 * Strict RFC 8259 and stricter: UTF-8 checked, a member given twice is an error, no NUL in strings, and size, depth and
 * members are bounded. A byte order mark at the beginning is skipped. All memory belongs to the document; trees
 * parsed into one document live and die with it. Not thread-safe while parsing; a finished tree is only read.
 */
#ifndef AGENT_JSON_TEXT_H
#define AGENT_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JSON_TEXT_MAX = 1 << 20,     /* bytes of text: a config with thousands of sources is a tenth of it */
    JSON_TEXT_DEPTH_MAX = 32,    /* the config itself needs 6 */
    JSON_TEXT_MEMBERS_MAX = 1024 /* of one object: finding duplicates costs its square */
};

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT
};

/* Lines and columns count from 1; a column is a character, not a byte. */
struct json_node {
    enum json_kind kind;
    unsigned line, column;
    const char *name; /* of an object's member, terminated, free of NUL; else NULL */
    unsigned name_line, name_column;
    const char *text; /* a string's bytes, terminated and free of NUL; else NULL */
    size_t len;
    bool is_true;
    bool is_integer; /* written without fraction and exponent, and within int64_t */
    int64_t integer;
    double number;
    struct json_node *first, *next; /* of an array or object, in the order of the text */
    size_t count;
};

struct json_text_error {
    unsigned line, column; /* 0 where there is no place, e.g. out of memory */
    char what[160];        /* "expected , or }" */
    bool no_memory;
};

struct json_text;

/* Returns an empty document (free with json_text_free), or NULL without memory. */
struct json_text *json_text_new(void);
void json_text_free(struct json_text *document);

/* Parses one JSON value that fills all of `text`. Borrows the text, returns a tree that the document owns, or NULL with
 * the error filled. May be called several times for one document. */
const struct json_node *json_text_parse(struct json_text *document, const char *text, size_t len,
        struct json_text_error *error) __attribute__((warn_unused_result));

/* Zeroed memory that lives as long as the document, aligned for anything; NULL without memory. */
void *json_text_alloc(struct json_text *document, size_t size) __attribute__((warn_unused_result));

/* The member of that name, or NULL. `object` may be NULL or something else than an object. */
const struct json_node *json_text_member(const struct json_node *object, const char *name);

/* "a string", "an object": for messages. */
const char *json_text_kind_name(enum json_kind kind);

#endif
