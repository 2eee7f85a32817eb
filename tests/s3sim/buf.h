/* A growable byte buffer, and the few ways in which S3's answers write text into it.
 *
 * Writers never fail: this is a test server, and running out of memory ends it. No printf, because a page of a thousand
 * keys has to be written in tens of microseconds. Not thread-safe; each request owns its buffers. */
#ifndef S3SIM_BUF_H
#define S3SIM_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *p;
    size_t n, cap;
};

void *mem_get(size_t n);                /* zeroed; never NULL */
char *mem_dup(const char *p, size_t n); /* returns a copy with a NUL behind it */

void buf_free(struct buf *b);
void buf_grow(struct buf *b, size_t more);

static inline char *buf_room(struct buf *b, size_t more)
{
    if (b->cap - b->n < more)
        buf_grow(b, more);
    return b->p + b->n;
}
static inline void buf_put(struct buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    memcpy(buf_room(b, n), p, n);
    b->n += n;
}
static inline void buf_str(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}
static inline void buf_char(struct buf *b, char c)
{
    *buf_room(b, 1) = c;
    b->n++;
}
#define BUF_LIT(b, lit) buf_put((b), "" lit, sizeof(lit) - 1)

const char *buf_cstr(struct buf *b); /* borrows: puts a NUL behind the content, which it does not count */
void buf_u64(struct buf *b, uint64_t v);
void buf_hex(struct buf *b, const uint8_t *p, size_t n);
void buf_base64(struct buf *b, const uint8_t *p, size_t n);
void buf_xml(struct buf *b, const char *p, size_t n);
void buf_xmls(struct buf *b, const char *s);
void buf_uri(struct buf *b, const char *p, size_t n);      /* RFC 3986: all but the unreserved as %XX */
void buf_list_url(struct buf *b, const char *p, size_t n); /* as S3 writes encoding-type=url: '+' for space, '/' kept */
void buf_element(struct buf *b, const char *name, const char *value); /* <name>value</name>, escaped */

/* Both return the number of bytes written, or -1 for malformed input. `out` needs n bytes. */
long text_unescape(const char *p, size_t n, char *out, int plus_is_space);
long text_base64(const char *p, size_t n, uint8_t *out);
int text_is_utf8(const char *p, size_t n);
int text_u64(const char *s, uint64_t max, uint64_t *out); /* whole string decimal, 1 when right */

#endif
