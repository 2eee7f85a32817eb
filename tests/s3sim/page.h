/* A page of a listing while it is written: what S3's three ways of listing a bucket have in common.
 *
 * The bucket's lock is held for reading while entries are put. Written by hand, without printf: a page of a thousand
 * keys is a matter of some ninety microseconds, as benches of listing clients need it. */
#ifndef S3SIM_PAGE_H
#define S3SIM_PAGE_H

#include "request.h"

struct page {
    struct request *q;
    struct buf *b;
    const char *prefix, *delimiter;
    size_t prefix_len, delimiter_len;
    bool url, owner, restore;
    uint64_t max, shown;
    struct buf prefixes, last; /* the last thing shown: a key, or a common prefix */
    bool truncated;
    int64_t date;
    char date_text[24];
};

bool page_open(struct page *p, struct request *q); /* reads the parameters; false: replied */
void page_close(struct page *p);
void page_text(struct page *p, const char *s, size_t n); /* by the page's encoding */
void page_element(struct page *p, const char *name, const char *s, size_t n);
void page_head(struct page *p);
void page_truncated(struct page *p);
void page_date(struct page *p, int64_t t);
void page_owner(struct page *p);
void page_common(struct page *p, int64_t mtime, const uint8_t md5[16], unsigned parts, uint64_t size, int class);
void page_restore(struct page *p, const struct version *v); /* where it was asked for */
void page_checksum(struct page *p, const struct version *v);
void page_set_last(struct page *p, const char *s, size_t n);
size_t page_rolled_up(const struct page *p, const char *key, size_t n); /* length of its common prefix, or 0 */
void page_prefix(struct page *p, const char *s, size_t n);              /* puts a common prefix */
bool page_seek_behind(struct cursor *c, struct bucket *b, const char *s, size_t n); /* first key not beginning with s */

#endif
