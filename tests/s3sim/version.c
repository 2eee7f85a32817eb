/* Versions of objects: ETags, ids, classes and locks. See store.h. */
#include "store.h"

#include "buf.h"
#include "digest.h"
#include "stamp.h"

#include <stdatomic.h>
#include <string.h>

static const char *const classes[] = { "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR",
    "GLACIER", "DEEP_ARCHIVE", "REDUCED_REDUNDANCY", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE" };
enum { CLASSES = 8 }; /* the rest needs hardware that nobody puts a backup on */

const char *class_name(int storage_class)
{
    return classes[storage_class];
}

int class_by_name(const char *name)
{
    for (int i = 0; i < CLASSES; i++)
        if (!strcmp(classes[i], name))
            return i;
    return -1;
}

void version_drop(struct version *v)
{
    body_drop(v->body);
    bag_drop(v->attrs);
    bag_drop(v->extra);
    bag_drop(v->tags);
    parts_drop(v->parts);
    v->body = NULL;
    v->attrs = v->extra = v->tags = NULL;
    v->parts = NULL;
}

struct body *version_body(const struct version *v)
{
    if (v->body || v->size == 0)
        return body_hold(v->body);
    return body_pattern(v->md5, v->size);
}

void version_etag(const struct version *v, struct buf *out)
{
    buf_hex(out, v->md5, 16);
    if (v->parts) {
        buf_char(out, '-');
        buf_u64(out, v->parts->n);
    }
}

bool version_etag_is(const struct version *v, const char *list)
{
    struct buf etag = { 0 };
    bool yes = false;
    version_etag(v, &etag);
    for (const char *p = list; *p && !yes;) {
        while (*p == ' ' || *p == ',')
            p++;
        if (p[0] == 'W' && p[1] == '/')
            p += 2;
        size_t n = strcspn(p, ",");
        const char *next = p + n;
        while (n > 0 && p[n - 1] == ' ')
            n--;
        if (n >= 2 && p[0] == '"' && p[n - 1] == '"')
            p++, n -= 2;
        yes = (n == 1 && *p == '*') || (n == etag.n && !memcmp(p, etag.p, n));
        p = next;
    }
    buf_free(&etag);
    return yes;
}

bool version_is_locked(const struct version *v, int64_t now, bool bypass)
{
    const char *hold = bag_get(v->extra, "x-amz-object-lock-legal-hold");
    const char *mode = bag_get(v->extra, "x-amz-object-lock-mode");
    const char *until = bag_get(v->extra, "x-amz-object-lock-retain-until-date");
    int64_t end;
    if (hold && !strcmp(hold, "ON"))
        return true;
    if (!mode || !until || !stamp_parse(until, &end) || end <= now)
        return false;
    return !(bypass && !strcmp(mode, "GOVERNANCE"));
}

uint64_t version_new_id(void)
{
    static _Atomic uint64_t sequence;
    uint64_t id;
    do
        id = digest_mix(atomic_fetch_add(&sequence, 1) + 7);
    while (id == 0);
    return id;
}

static void hex16(char *o, uint64_t v)
{
    for (int i = 15; i >= 0; i--, v >>= 4)
        o[i] = "0123456789abcdef"[v & 15];
}

void version_id_text(uint64_t id, char out[40])
{
    if (id == 0) {
        memcpy(out, "null", 5);
        return;
    }
    hex16(out, id);
    hex16(out + 16, digest_mix(id)); /* lets a made-up id be told from a real one */
    out[32] = 0;
}

bool version_id_parse(const char *text, size_t n, uint64_t *out)
{
    *out = 0;
    if (n == 4 && !memcmp(text, "null", 4))
        return true;
    if (n != 32)
        return false;
    uint64_t v = 0;
    for (int i = 0; i < 16; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    char again[40];
    version_id_text(v, again);
    *out = v;
    return v != 0 && !memcmp(again, text, 32);
}
