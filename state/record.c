/* See record.h. */
#include "state/record.h"
#include "state/record_form.h"
#include "state/utc.h"

#include <string.h>

enum { ETAG_NONE, ETAG_MD5, ETAG_PARTS, ETAG_TEXT };
enum { CHECKSUM_NONE = 0, CHECKSUM_TEXT = 7 };
enum { RUN_NONE, RUN_POINT, RUN_TEXT };

/* The first byte */
enum { CLASS_BITS = 0x07, ETAG_SHIFT = 3, HAS_VAULT = 0x20, HAS_SOURCE = 0x40, SOURCE_SECONDS = 0x80 };
/* The second byte; its upper bits are 0 */
enum { CHECKSUM_BITS = 0x07, RUN_SHIFT = 3, COPIED_SECONDS = 0x20, SECOND_UNUSED = 0xc0 };

static unsigned char *put_number(unsigned char *p, uint64_t value)
{
    while (value >= 0x80) {
        *p++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *p++ = (unsigned char)value;
    return p;
}

static unsigned char *put_signed(unsigned char *p, int64_t value)
{
    uint64_t bits = (uint64_t)value << 1;
    return put_number(p, value < 0 ? ~bits : bits);
}

static unsigned char *put_bytes(unsigned char *p, const void *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

static unsigned char *put_text(unsigned char *p, struct state_text text)
{
    return put_bytes(put_number(p, text.len), text.ptr, text.len);
}

static bool is_seconds(int64_t ms)
{
    return ms % 1000 == 0;
}

static unsigned char *put_time(unsigned char *p, int64_t ms)
{
    return put_signed(p, is_seconds(ms) ? ms / 1000 : ms);
}

static unsigned char *put_etag(unsigned char *p, struct state_text etag, unsigned *form)
{
    unsigned char md5[FORM_MD5_SIZE];
    uint64_t parts = 0;
    *form = etag.len == 0 ? ETAG_NONE : ETAG_TEXT;
    if (etag.len >= FORM_MD5_TEXT && form_md5_pack(etag.ptr, md5)) {
        if (etag.len == FORM_MD5_TEXT)
            *form = ETAG_MD5;
        else if (etag.ptr[FORM_MD5_TEXT] == '-' &&
                 form_parts_pack(etag.ptr + FORM_MD5_TEXT + 1, etag.len - FORM_MD5_TEXT - 1, &parts))
            *form = ETAG_PARTS;
    }
    if (*form == ETAG_MD5 || *form == ETAG_PARTS)
        p = put_bytes(p, md5, sizeof md5);
    if (*form == ETAG_PARTS)
        p = put_number(p, parts);
    if (*form == ETAG_TEXT)
        p = put_text(p, etag);
    return p;
}

static unsigned char *put_checksum(unsigned char *p, struct state_text checksum, unsigned *form)
{
    *form = CHECKSUM_NONE;
    if (checksum.len == 0)
        return p;
    unsigned char raw[FORM_RAW_MAX];
    *form = form_checksum_pack(checksum, raw);
    if (*form != 0)
        return put_bytes(p, raw, form_checksum_size(*form));
    *form = CHECKSUM_TEXT;
    return put_text(p, checksum);
}

static unsigned char *put_run(unsigned char *p, struct state_text run, int64_t copied_ms, unsigned *form)
{
    int64_t seconds = 0;
    *form = RUN_NONE;
    if (run.len == 0)
        return p;
    if (state_utc_from_point(run.ptr, run.len, &seconds)) {
        *form = RUN_POINT;
        return put_signed(p, seconds - copied_ms / 1000);
    }
    *form = RUN_TEXT;
    return put_text(p, run);
}

size_t record_encode(const struct state_entry *entry, unsigned char out[RECORD_MAX])
{
    if (entry->etag.len > STATE_ETAG_MAX || entry->vault_version.len > STATE_VERSION_MAX ||
            entry->source_version.len > STATE_VERSION_MAX || entry->checksum.len > STATE_CHECKSUM_MAX ||
            entry->run.len > STATE_RUN_MAX || (unsigned)entry->class_ >= CLASS_COUNT)
        return 0;
    unsigned etag = 0;
    unsigned checksum = 0;
    unsigned run = 0;
    unsigned char *p = out + 2;
    p = put_number(p, entry->size);
    p = put_time(p, entry->source_time_ms);
    p = put_etag(p, entry->etag, &etag);
    if (entry->vault_version.len > 0)
        p = put_text(p, entry->vault_version);
    if (entry->source_version.len > 0)
        p = put_text(p, entry->source_version);
    p = put_time(p, entry->copied_ms);
    p = put_checksum(p, entry->checksum, &checksum);
    p = put_run(p, entry->run, entry->copied_ms, &run);
    out[0] = (unsigned char)((unsigned)entry->class_ | etag << ETAG_SHIFT |
                             (entry->vault_version.len > 0 ? HAS_VAULT : 0U) |
                             (entry->source_version.len > 0 ? HAS_SOURCE : 0U) |
                             (is_seconds(entry->source_time_ms) ? SOURCE_SECONDS : 0U));
    out[1] = (unsigned char)(checksum | run << RUN_SHIFT | (is_seconds(entry->copied_ms) ? COPIED_SECONDS : 0U));
    return (size_t)(p - out);
}

/* Reading: `p` never passes `end`; `bad` is set once something did not fit, and everything after reads as empty. */
struct cursor {
    const unsigned char *p;
    const unsigned char *end;
    bool bad;
};

static uint64_t get_number(struct cursor *c)
{
    uint64_t value = 0;
    for (unsigned shift = 0; c->p < c->end && shift < 64; shift += 7) {
        unsigned char byte = *c->p++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    c->bad = true;
    return 0;
}

static int64_t get_signed(struct cursor *c)
{
    uint64_t bits = get_number(c);
    int64_t half = (int64_t)(bits >> 1);
    return (bits & 1) != 0 ? -1 - half : half;
}

static const unsigned char *get_bytes(struct cursor *c, uint64_t len)
{
    if (c->bad || len > (uint64_t)(c->end - c->p)) {
        c->bad = true;
        return NULL;
    }
    const unsigned char *bytes = c->p;
    c->p += len;
    return bytes;
}

static struct state_text get_text(struct cursor *c, size_t max)
{
    uint64_t len = get_number(c);
    if (len > max)
        c->bad = true;
    const unsigned char *bytes = get_bytes(c, len);
    return bytes == NULL ? (struct state_text){ NULL, 0 } : (struct state_text){ (const char *)bytes, (size_t)len };
}

static int64_t get_time(struct cursor *c, bool seconds)
{
    int64_t value = get_signed(c);
    int64_t ms = value;
    if (seconds && __builtin_mul_overflow(value, (int64_t)1000, &ms))
        c->bad = true;
    return ms;
}

static struct state_text get_etag(struct cursor *c, unsigned form, char spelled[48])
{
    if (form == ETAG_NONE)
        return (struct state_text){ NULL, 0 };
    if (form == ETAG_TEXT)
        return get_text(c, STATE_ETAG_MAX);
    const unsigned char *md5 = get_bytes(c, FORM_MD5_SIZE);
    if (md5 == NULL)
        return (struct state_text){ NULL, 0 };
    form_md5_spell(md5, spelled);
    size_t len = FORM_MD5_TEXT;
    if (form == ETAG_PARTS) {
        spelled[len++] = '-';
        len += form_parts_spell(get_number(c), spelled + len);
    }
    return (struct state_text){ spelled, len };
}

static struct state_text get_checksum(struct cursor *c, unsigned form, char spelled[64])
{
    if (form == CHECKSUM_NONE)
        return (struct state_text){ NULL, 0 };
    if (form == CHECKSUM_TEXT)
        return get_text(c, STATE_CHECKSUM_MAX);
    size_t size = form_checksum_size(form);
    const unsigned char *raw = get_bytes(c, size);
    if (size == 0 || raw == NULL) {
        c->bad = true;
        return (struct state_text){ NULL, 0 };
    }
    return (struct state_text){ spelled, form_checksum_spell(form, raw, spelled) };
}

static struct state_text get_run(struct cursor *c, unsigned form, int64_t copied_ms, char spelled[20])
{
    if (form == RUN_NONE)
        return (struct state_text){ NULL, 0 };
    if (form == RUN_TEXT)
        return get_text(c, STATE_RUN_MAX);
    int64_t seconds = 0;
    _Static_assert(STATE_POINT_SIZE <= 20, "a point id fits");
    if (form != RUN_POINT || __builtin_add_overflow(get_signed(c), copied_ms / 1000, &seconds) ||
            !state_utc_to_point(seconds, spelled)) {
        c->bad = true;
        return (struct state_text){ NULL, 0 };
    }
    return (struct state_text){ spelled, STATE_POINT_LEN };
}

bool record_decode(const unsigned char *ptr, size_t len, struct record_texts *texts, struct state_entry *entry)
{
    if (len < 2 || (ptr[1] & SECOND_UNUSED) != 0)
        return false;
    struct cursor c = { ptr + 2, ptr + len, false };
    const struct state_text none = { NULL, 0 };
    unsigned first = ptr[0];
    unsigned second = ptr[1];
    entry->class_ = (enum storage_class)(first & CLASS_BITS);
    entry->size = get_number(&c);
    entry->source_time_ms = get_time(&c, (first & SOURCE_SECONDS) != 0);
    entry->etag = get_etag(&c, first >> ETAG_SHIFT & 3, texts->etag);
    entry->vault_version = (first & HAS_VAULT) != 0 ? get_text(&c, STATE_VERSION_MAX) : none;
    entry->source_version = (first & HAS_SOURCE) != 0 ? get_text(&c, STATE_VERSION_MAX) : none;
    entry->copied_ms = get_time(&c, (second & COPIED_SECONDS) != 0);
    entry->checksum = get_checksum(&c, second & CHECKSUM_BITS, texts->checksum);
    entry->run = get_run(&c, second >> RUN_SHIFT & 3, entry->copied_ms, texts->run);
    return !c.bad && c.p == c.end;
}

bool record_matches(const unsigned char *ptr, size_t len, struct state_text etag, uint64_t size, int64_t source_time_ms)
{
    if (len < 2)
        return false;
    struct cursor c = { ptr + 2, ptr + len, false };
    if (get_number(&c) != size || get_time(&c, (ptr[0] & SOURCE_SECONDS) != 0) != source_time_ms)
        return false;
    char spelled[48];
    struct state_text known = get_etag(&c, (unsigned)ptr[0] >> ETAG_SHIFT & 3, spelled);
    return !c.bad && known.len == etag.len && (etag.len == 0 || memcmp(known.ptr, etag.ptr, etag.len) == 0);
}

enum storage_class record_class(const unsigned char *ptr, size_t len)
{
    return len > 0 ? (enum storage_class)(ptr[0] & CLASS_BITS) : CLASS_OTHER;
}

bool record_class_size(const unsigned char *ptr, size_t len, enum storage_class *class_, uint64_t *size)
{
    if (len < 2)
        return false;
    struct cursor c = { ptr + 2, ptr + len, false };
    *class_ = (enum storage_class)(ptr[0] & CLASS_BITS);
    *size = get_number(&c);
    return !c.bad;
}
