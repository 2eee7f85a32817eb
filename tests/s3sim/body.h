/* The bytes of objects: reference-counted and immutable, so that a copy inside the server costs a counter.
 *
 * Four kinds: stored bytes, a repeated pattern of 16 bytes (any size up to terabytes in no memory), a slice of another
 * body, and a rope of parts. The MD5 of a body that consists of patterns and is over BODY_TRUE_MD5 bytes is not
 * computed but made up from its content's description: equal content still gives an equal sum. Any thread. */
#ifndef S3SIM_BODY_H
#define S3SIM_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_TRUE_MD5 (1u << 20)

struct body;

struct body *body_bytes(void *takes, size_t n); /* takes a malloc'd block */
struct body *body_pattern(const uint8_t pattern[16], uint64_t size);
struct body *body_slice(struct body *borrows, uint64_t offset, uint64_t size);
struct body *body_rope(struct body **takes_refs, size_t n);
struct body *body_hold(struct body *b); /* NULL is fine */
void body_drop(struct body *b);
uint64_t body_size(const struct body *b);
const void *body_flat(
        const struct body *b, uint64_t offset, uint64_t n); /* pointer where stored in one piece, else NULL */
void body_read(const struct body *b, uint64_t offset, void *out, size_t n);
/* Turns a bit of a stored byte over, in place, as a failing disk does: all that shares the bytes has it. */
bool body_damage(const struct body *b, uint64_t offset);
void body_md5(const struct body *b, uint8_t out[16]);
size_t body_sum(const struct body *b, int algorithm, uint8_t out[32]); /* reads all bytes: bound the size first */

/* An immutable list of name and value strings: headers, metadata, tags. */
struct bag;
struct bag *bag_new(void);
void bag_add(struct bag **b, const char *name, const char *value); /* only before it is shared; *b may be NULL */
struct bag *bag_hold(struct bag *b);
void bag_drop(struct bag *b);
const char *bag_get(const struct bag *b, const char *name); /* NULL when absent; case-sensitive */
int bag_next(const struct bag *b, size_t *at, const char **name, const char **value); /* *at = 0 first; 0 at the end */
size_t bag_count(const struct bag *b);

/* The parts that a multipart object was made of. */
struct part_info {
    uint64_t size;
    uint8_t md5[16];
};
struct parts {
    _Atomic int refs;
    unsigned n;
    struct part_info part[];
};
struct parts *parts_new(unsigned n);
struct parts *parts_hold(struct parts *p);
void parts_drop(struct parts *p);

#endif
