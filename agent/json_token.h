/*
 * The tokens of JSON under a cursor that counts lines and columns: strings, numbers and words. Only json_text.c uses
 * it, which makes trees of them. Nothing reads past the text; what fails has filled the cursor's error.
 */
#ifndef AGENT_JSON_TOKEN_H
#define AGENT_JSON_TOKEN_H

#include "agent/json_text.h"

struct json_cursor {
    struct json_text *document; /* owns what the tokens need */
    const unsigned char *text;  /* borrowed */
    size_t len, pos;
    unsigned line, column;         /* of the byte at pos */
    struct json_text_error *error; /* may be NULL */
};

/* The next byte, or -1 at the end. */
int json_token_peek(const struct json_cursor *p);
/* Steps over one byte; there must be one. */
void json_token_step(struct json_cursor *p);
void json_token_skip_space(struct json_cursor *p);

/* Fills the error with the cursor's place. */
void json_token_fail(struct json_cursor *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ... with what was wanted and what is there. */
void json_token_unexpected(struct json_cursor *p, const char *wanted);

/* The document's memory; NULL, and the error filled, without. */
void *json_token_alloc(struct json_cursor *p, size_t size) __attribute__((warn_unused_result));

/* At an opening quote. Returns bytes of the document, terminated and free of NUL, or NULL. */
char *json_token_string(struct json_cursor *p, size_t *len) __attribute__((warn_unused_result));
/* At - or a digit. */
bool json_token_number(struct json_cursor *p, struct json_node *node) __attribute__((warn_unused_result));
/* null, true or false. */
bool json_token_word(struct json_cursor *p, struct json_node *node) __attribute__((warn_unused_result));

#endif
