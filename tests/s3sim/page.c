/* See page.h. */
#include "page.h"

#include "props.h"
#include "stamp.h"

#include <stdlib.h>

void page_text(struct page *p, const char *s, size_t n)
{
    if (p->url)
        buf_list_url(p->b, s, n);
    else
        buf_xml(p->b, s, n);
}

void page_element(struct page *p, const char *name, const char *s, size_t n)
{
    buf_char(p->b, '<');
    buf_str(p->b, name);
    buf_char(p->b, '>');
    page_text(p, s, n);
    BUF_LIT(p->b, "</");
    buf_str(p->b, name);
    buf_char(p->b, '>');
}

bool page_open(struct page *p, struct request *q)
{
    const struct param *prefix = request_param(q, "prefix"), *delimiter = request_param(q, "delimiter");
    const char *encoding = request_value(q, "encoding-type"), *max = request_value(q, "max-keys");
    const char *owner = request_value(q, "fetch-owner");
    memset(p, 0, sizeof *p);
    p->q = q;
    p->b = &q->reply.text;
    p->prefix = prefix ? prefix->value : "";
    p->prefix_len = prefix ? prefix->value_len : 0;
    p->delimiter = delimiter ? delimiter->value : "";
    p->delimiter_len = delimiter ? delimiter->value_len : 0;
    p->owner = owner && !strcmp(owner, "true");
    p->max = 1000;
    p->date = INT64_MIN;
    if (encoding && strcmp(encoding, "url") != 0) {
        reply_fail_with(q, E_INVALID_ARGUMENT, "ArgumentName", "encoding-type");
        return false;
    }
    p->url = encoding != NULL;
    const char *wanted = request_header(q, "x-amz-optional-object-attributes");
    p->restore = wanted && strstr(wanted, "RestoreStatus");
    if (max && !text_u64(max, INT32_MAX, &p->max)) {
        reply_fail(q, E_MAX_KEYS);
        return false;
    }
    if (p->max > 1000)
        p->max = 1000;
    q->reply.status = 200;
    return true;
}

void page_close(struct page *p)
{
    buf_free(&p->prefixes);
    buf_free(&p->last);
}

void page_date(struct page *p, int64_t t)
{
    if (t != p->date) {
        stamp_iso(p->b, t);
        memcpy(p->date_text, p->b->p + p->b->n - 24, 24);
        p->date = t;
        return;
    }
    buf_put(p->b, p->date_text, 24);
}

void page_owner(struct page *p)
{
    BUF_LIT(p->b, "<Owner><ID>");
    buf_str(p->b, p->q->where->account);
    BUF_LIT(p->b, "</ID></Owner>");
}

#define PUT(o, lit) (memcpy((o), "" lit, sizeof(lit) - 1), (o) + sizeof(lit) - 1)

/* One reservation and plain stores: this is the inner loop of every bench of a listing client. */
void page_common(struct page *p, int64_t mtime, const uint8_t md5[16], unsigned parts, uint64_t size, int class)
{
    struct buf *b = p->b;
    BUF_LIT(b, "<LastModified>");
    page_date(p, mtime);
    char *start = buf_room(b, 256), *o = start;
    o = PUT(o, "</LastModified><ETag>&quot;");
    for (size_t i = 0; i < 16; i++) {
        *o++ = "0123456789abcdef"[md5[i] >> 4];
        *o++ = "0123456789abcdef"[md5[i] & 15];
    }
    if (parts) {
        b->n += (size_t)(o - start);
        buf_char(b, '-');
        buf_u64(b, parts);
        start = o = buf_room(b, 200);
    }
    o = PUT(o, "&quot;</ETag><Size>");
    char digits[20];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + size % 10);
    while (size /= 10);
    memcpy(o, digits + i, sizeof digits - i);
    o += sizeof digits - i;
    o = PUT(o, "</Size><StorageClass>");
    const char *name = class_name(class);
    while (*name)
        *o++ = *name++;
    o = PUT(o, "</StorageClass>");
    b->n += (size_t)(o - start);
}

void page_restore(struct page *p, const struct version *v)
{
    struct thaw t = props_thaw(v);
    int64_t now = clock_now();
    if (!p->restore || !t.asked || now >= t.expiry)
        return;
    BUF_LIT(p->b, "<RestoreStatus>");
    buf_element(p->b, "IsRestoreInProgress", now < t.ready ? "true" : "false");
    if (now >= t.ready) {
        BUF_LIT(p->b, "<RestoreExpiryDate>");
        stamp_iso(p->b, t.expiry);
        BUF_LIT(p->b, "</RestoreExpiryDate>");
    }
    BUF_LIT(p->b, "</RestoreStatus>");
}

void page_checksum(struct page *p, const struct version *v)
{
    const char *name = props_checksum_name(v->extra);
    if (!name)
        return;
    const char *type = bag_get(v->extra, "x-amz-checksum-type");
    buf_element(p->b, "ChecksumAlgorithm", name);
    buf_element(p->b, "ChecksumType", type ? type : "FULL_OBJECT");
}

void page_set_last(struct page *p, const char *s, size_t n)
{
    p->last.n = 0;
    buf_put(&p->last, s, n);
}

/* The length of the common prefix that this key rolls up into, or 0. */
size_t page_rolled_up(const struct page *p, const char *key, size_t n)
{
    if (!p->delimiter_len || n < p->prefix_len)
        return 0;
    const char *at = memmem(key + p->prefix_len, n - p->prefix_len, p->delimiter, p->delimiter_len);
    return at ? (size_t)(at - key) + p->delimiter_len : 0;
}

void page_prefix(struct page *p, const char *s, size_t n)
{
    struct buf *b = p->b;
    p->b = &p->prefixes;
    BUF_LIT(p->b, "<CommonPrefixes>");
    page_element(p, "Prefix", s, n);
    BUF_LIT(p->b, "</CommonPrefixes>");
    p->b = b;
}

/* Goes to the first key behind all that begin with s. */
bool page_seek_behind(struct cursor *c, struct bucket *bucket, const char *s, size_t n)
{
    struct buf t = { 0 };
    buf_put(&t, s, n);
    while (t.n && (unsigned char)t.p[t.n - 1] == 0xff)
        t.n--;
    if (t.n == 0)
        return false;
    t.p[t.n - 1]++;
    cursor_seek(c, bucket, t.p, t.n, false);
    buf_free(&t);
    return true;
}

void page_head(struct page *p)
{
    buf_element(p->b, "Name", p->q->where->name);
    page_element(p, "Prefix", p->prefix, p->prefix_len);
    if (p->delimiter_len)
        page_element(p, "Delimiter", p->delimiter, p->delimiter_len);
    BUF_LIT(p->b, "<MaxKeys>");
    buf_u64(p->b, p->max);
    BUF_LIT(p->b, "</MaxKeys>");
    if (p->url)
        BUF_LIT(p->b, "<EncodingType>url</EncodingType>");
}

void page_truncated(struct page *p)
{
    buf_element(p->b, "IsTruncated", p->truncated ? "true" : "false");
}
