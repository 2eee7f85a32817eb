/* See mutate.h. */
#include "mutate.h"

#include "digest.h"
#include "stamp.h"

void mutate_now(struct fault_action *f, struct bucket *b, const char *key, size_t n)
{
    if (f->kind == FAULT_MUTATE_DELETE) {
        bool marker;
        uint64_t id;
        store_delete(b, key, n, clock_now(), &marker, &id);
    } else if (f->kind == FAULT_MUTATE_OVERWRITE) {
        struct buf text = { 0 };
        BUF_LIT(&text, "overwritten ");
        buf_u64(&text, version_new_id());
        struct version v = { .size = text.n, .mtime = clock_now() };
        v.body = body_bytes(text.p, text.n);
        body_md5(v.body, v.md5);
        (void)store_put(b, key, n, &v, NULL);
    } else {
        return;
    }
    f->kind = FAULT_NONE;
}
