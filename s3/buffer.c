/* See buffer.h. One byte beyond `max` may be allocated: the NUL of s3_buffer_text. */
#include "s3/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void s3_buffer_init(struct s3_buffer *buffer, size_t max)
{
    assert(max < SIZE_MAX / 2); /* so that doubling cannot overflow */
    *buffer = (struct s3_buffer){ .max = max };
}

void s3_buffer_free(struct s3_buffer *buffer)
{
    free(buffer->ptr);
    *buffer = (struct s3_buffer){ .max = buffer->max };
}

void s3_buffer_clear(struct s3_buffer *buffer)
{
    buffer->len = 0;
}

/* Room for `length` more bytes and a NUL. */
static bool make_room(struct s3_buffer *buffer, size_t length)
{
    if (length > buffer->max - buffer->len) {
        return false;
    }
    size_t wanted = buffer->len + length + 1;
    if (wanted <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity * 2;
    if (capacity < FIRST_CAPACITY) {
        capacity = FIRST_CAPACITY;
    }
    if (capacity < wanted) {
        capacity = wanted;
    }
    if (capacity > buffer->max + 1) {
        capacity = buffer->max + 1;
    }
    char *ptr = realloc(buffer->ptr, capacity);
    if (ptr == NULL) {
        return false;
    }
    buffer->ptr = ptr;
    buffer->capacity = capacity;
    return true;
}

bool s3_buffer_add(struct s3_buffer *buffer, const void *bytes, size_t length)
{
    if (!make_room(buffer, length)) {
        return false;
    }
    if (length > 0) {
        memcpy(buffer->ptr + buffer->len, bytes, length);
        buffer->len += length;
    }
    return true;
}

bool s3_buffer_add_text(struct s3_buffer *buffer, const char *text)
{
    return s3_buffer_add(buffer, text, strlen(text));
}

bool s3_buffer_printf(struct s3_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0 || !make_room(buffer, (size_t)length)) {
        return false;
    }
    va_start(arguments, format);
    int written = vsnprintf(buffer->ptr + buffer->len, (size_t)length + 1, format, arguments);
    va_end(arguments);
    if (written != length) {
        return false;
    }
    buffer->len += (size_t)length;
    return true;
}

char *s3_buffer_reserve(struct s3_buffer *buffer, size_t length)
{
    return make_room(buffer, length) ? buffer->ptr + buffer->len : NULL;
}

const char *s3_buffer_text(struct s3_buffer *buffer)
{
    if (!make_room(buffer, 0)) {
        return NULL;
    }
    buffer->ptr[buffer->len] = '\0';
    return buffer->ptr;
}
