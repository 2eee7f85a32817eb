/*
 * A bounded text writer: appends to an array of the caller's and remembers when something did not fit, so that a row of
 * appends needs one check at its end. Never writes past the array, never terminates in the middle of a piece that was
 * taken: what did not fit makes the whole text void.
 */
#ifndef SIGV4_WRITER_H
#define SIGV4_WRITER_H

#include <stdbool.h>
#include <stddef.h>

struct sigv4_writer {
    char *at; /* borrowed */
    size_t size, used;
    bool overflow; /* sticky */
};

void sigv4_writer_init(struct sigv4_writer *writer, char *at, size_t size);
void sigv4_writer_add(struct sigv4_writer *writer, const char *bytes, size_t length);
void sigv4_writer_text(struct sigv4_writer *writer, const char *text);

/* Where the next `length` bytes go, which count as written; NULL without room. */
char *sigv4_writer_take(struct sigv4_writer *writer, size_t length);

/* Terminates the text. False where it or the terminator did not fit: the text must not be used. */
bool sigv4_writer_end(struct sigv4_writer *writer) __attribute__((warn_unused_result));

#endif
