/*
 * The one growable buffer: bytes with a maximum that is set when it is made. It never shrinks on clear, so a worker's
 * buffers stop allocating after the first requests. Secrets do not go here (see secret.h).
 */
#ifndef S3_BUFFER_H
#define S3_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct s3_buffer {
    char *ptr; /* NULL while empty */
    size_t len, capacity, max;
};

void s3_buffer_init(struct s3_buffer *buffer, size_t max);
void s3_buffer_free(struct s3_buffer *buffer);  /* back to empty, with the same max */
void s3_buffer_clear(struct s3_buffer *buffer); /* len 0, memory kept */
/* All of these return false, with the content unchanged, where the maximum or the memory is reached. */
bool s3_buffer_add(struct s3_buffer *buffer, const void *bytes, size_t length) __attribute__((warn_unused_result));
bool s3_buffer_add_text(struct s3_buffer *buffer, const char *text) __attribute__((warn_unused_result));
bool s3_buffer_printf(struct s3_buffer *buffer, const char *format, ...)
        __attribute__((format(printf, 2, 3), warn_unused_result));
/* Makes room for `length` more bytes and returns where they go, without changing len; NULL where it cannot. */
char *s3_buffer_reserve(struct s3_buffer *buffer, size_t length) __attribute__((warn_unused_result));
/* Terminates the content with a NUL that does not count, and returns it; NULL where it cannot. */
const char *s3_buffer_text(struct s3_buffer *buffer) __attribute__((warn_unused_result));

#endif
