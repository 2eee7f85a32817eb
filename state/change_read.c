/* Reading change lines; see change.h. Some 40 million of these are read in a rebuild, so nothing is copied without
 * need. */
#include "state/change.h"
#include "state/json_scan.h"
#include "state/utc.h"

#include <string.h>

enum field {
    FIELD_KEY,
    FIELD_DID,
    FIELD_SIZE,
    FIELD_ETAG,
    FIELD_VERSION,
    FIELD_TIME,
    FIELD_VAULT,
    FIELD_CLASS,
    FIELD_FROM,
    FIELD_CHECKSUM,
    FIELD_AT,
    FIELD_BY,
    FIELD_RUN,
    FIELD_ACL,
    FIELD_COUNT
};

static const struct {
    const char *name;
    size_t len;
    const char *member; /* as a writer of ours begins it, behind another one */
} fields[FIELD_COUNT] = {
#define NAMED(text)                                                                                                    \
    {                                                                                                                  \
        text, sizeof text - 1, ",\"" text "\":"                                                                        \
    }
    [FIELD_KEY] = NAMED("key"),
    [FIELD_DID] = NAMED("did"),
    [FIELD_SIZE] = NAMED("size"),
    [FIELD_ETAG] = NAMED("etag"),
    [FIELD_VERSION] = NAMED("version"),
    [FIELD_TIME] = NAMED("time"),
    [FIELD_VAULT] = NAMED("vault"),
    [FIELD_CLASS] = NAMED("class"),
    [FIELD_FROM] = NAMED("from"),
    [FIELD_CHECKSUM] = NAMED("checksum"),
    [FIELD_AT] = NAMED("at"),
    [FIELD_BY] = NAMED("by"),
    [FIELD_RUN] = NAMED("run"),
    [FIELD_ACL] = NAMED("acl"),
#undef NAMED
};

struct reading {
    struct json_scan scan;
    struct state_change_arena *arena;
    struct state_change *out;
    const char *why; /* what is wrong beyond JSON */
    bool too_new;
};

static bool wrong(struct reading *r, const char *why)
{
    r->why = why;
    return false;
}

static enum field find_field(struct state_text name)
{
    unsigned field = 0;
    if (name.ptr == NULL) /* longer than any of ours */
        return FIELD_COUNT;
    while (field < FIELD_COUNT &&
            (name.len != fields[field].len || memcmp(name.ptr, fields[field].name, name.len) != 0))
        field++;
    return (enum field)field;
}

/*
 * The next member's field; `more` is false at the end. Nearly all lines are of our own writing: the fields in their
 * order, without blanks, so the bytes of the likely next ones are compared first.
 */
static bool next_field(struct reading *r, bool first, unsigned likely, enum field *field, bool *more)
{
    struct state_text name;
    char room[16]; /* longer than any field's name */
    *more = true;
    for (unsigned i = likely; i < FIELD_COUNT && i < likely + 3 && !first; i++)
        if (json_scan_literal(&r->scan, fields[i].member, fields[i].len + 4)) {
            *field = (enum field)i;
            return true;
        }
    if (!json_scan_member(&r->scan, first, room, sizeof room, &name, more))
        return false;
    *field = *more ? find_field(name) : FIELD_COUNT;
    return true;
}

static bool read_text(struct reading *r, size_t max, const char *too_long, struct state_text *out)
{
    struct state_change_arena *arena = r->arena;
    char *room = arena->bytes + arena->used;
    if (!json_scan_string(&r->scan, room, sizeof arena->bytes - arena->used, out))
        return false;
    if (out->len > max)
        return wrong(r, too_long);
    if (out->ptr == NULL) /* cannot be: the arena has room for every field at its bound */
        return wrong(r, "the texts of a line exceed their bounds");
    if (out->ptr == room)
        arena->used += out->len;
    return true;
}

/* A text of a few bytes that is only looked at. */
static bool read_word(struct reading *r, char room[64], struct state_text *out)
{
    if (!json_scan_string(&r->scan, room, 64, out))
        return false;
    return out->len <= 64 || wrong(r, "a field is too long");
}

static bool read_time(struct reading *r, int64_t *ms)
{
    char room[64];
    struct state_text text;
    if (!read_word(r, room, &text))
        return false;
    return state_utc_parse(text.ptr, text.len, ms) || wrong(r, "a time is not RFC 3339");
}

static bool read_class(struct reading *r, enum storage_class *class_)
{
    char room[64];
    struct state_text text;
    if (!read_word(r, room, &text))
        return false;
    *class_ = storage_class_from(text.ptr, text.len);
    return text.len > 0 || wrong(r, "a class is empty");
}

static bool text_is(struct state_text text, const char *word)
{
    return strlen(word) == text.len && memcmp(text.ptr, word, text.len) == 0;
}

static bool read_did(struct reading *r)
{
    char room[64];
    struct state_text text;
    if (!read_word(r, room, &text))
        return false;
    for (int did = STATE_COPIED; did <= STATE_IS; did++)
        if (text_is(text, state_did_name((enum state_did)did))) {
            r->out->did = (enum state_did)did;
            return true;
        }
    r->too_new = true;
    return wrong(r, "it says that something was done which this version does not know");
}

/* A comparison that is not known counts as none. */
static bool read_by(struct reading *r)
{
    char room[64];
    struct state_text text;
    if (!read_word(r, room, &text))
        return false;
    for (int by = STATE_BY_ETAG; by <= STATE_BY_SIZE; by++)
        if (text_is(text, state_compared_name((enum state_compared)by)))
            r->out->by = (enum state_compared)by;
    return true;
}

static bool read_field(struct reading *r, enum field field)
{
    struct state_entry *entry = &r->out->entry;
    switch (field) {
    case FIELD_KEY:
        if (!read_text(r, STATE_KEY_MAX, "a key is longer than 1,024 bytes", &entry->key))
            return false;
        return entry->key.len > 0 || wrong(r, "a key is empty");
    case FIELD_DID:
        return read_did(r);
    case FIELD_SIZE:
        return json_scan_uint(&r->scan, &entry->size);
    case FIELD_ETAG:
        return read_text(r, STATE_ETAG_MAX, "an ETag is too long", &entry->etag);
    case FIELD_VERSION:
        return read_text(r, STATE_VERSION_MAX, "a version is too long", &entry->source_version);
    case FIELD_TIME:
        return read_time(r, &entry->source_time_ms);
    case FIELD_VAULT:
        return read_text(r, STATE_VERSION_MAX, "a version is too long", &entry->vault_version);
    case FIELD_CLASS:
        return read_class(r, &entry->class_);
    case FIELD_FROM:
        return read_class(r, &r->out->from);
    case FIELD_CHECKSUM:
        return read_text(r, STATE_CHECKSUM_MAX, "a checksum is too long", &entry->checksum);
    case FIELD_AT:
        return read_time(r, &entry->copied_ms);
    case FIELD_BY:
        return read_by(r);
    case FIELD_RUN:
        return read_text(r, STATE_RUN_MAX, "a run is too long", &entry->run);
    case FIELD_ACL:
        return read_text(r, STATE_ACL_MAX, "an ACL is too long", &r->out->acl);
    case FIELD_COUNT:
        break;
    }
    return json_scan_skip(&r->scan);
}

static bool read_line(struct reading *r, unsigned *seen)
{
    bool more;
    unsigned likely = 0;
    enum field field;
    if (!json_scan_object(&r->scan))
        return false;
    for (bool first = true;; first = false) {
        if (!next_field(r, first, likely, &field, &more))
            return false;
        if (!more)
            return json_scan_end(&r->scan);
        if (field != FIELD_COUNT) {
            if ((*seen & 1U << field) != 0)
                return wrong(r, "a field is there twice");
            *seen |= 1U << field;
            likely = (unsigned)field + 1;
        }
        if (!read_field(r, field))
            return false;
    }
}

static bool is_complete(unsigned seen, const struct state_change *change)
{
    unsigned must = 1U << FIELD_KEY | 1U << FIELD_DID;
    if (change->did != STATE_DELETED)
        must |= 1U << FIELD_SIZE | 1U << FIELD_TIME | 1U << FIELD_CLASS | 1U << FIELD_AT;
    if (change->did == STATE_MOVED)
        must |= 1U << FIELD_FROM;
    return (seen & must) == must;
}

enum state_status state_change_parse(const char *line, size_t len, struct state_change *out,
        struct state_change_arena *arena, struct state_error *error)
{
    struct reading r = { .arena = arena, .out = out };
    unsigned seen = 0;
    memset(out, 0, sizeof *out);
    arena->used = 0;
    json_scan_init(&r.scan, line, len);
    bool ok = read_line(&r, &seen);
    if (ok && !is_complete(seen, out))
        ok = wrong(&r, "a field is missing");
    if (ok)
        return STATE_OK;
    const char *why = r.why != NULL ? r.why : r.scan.why;
    return state_fail(error, r.too_new ? STATE_TOO_NEW : STATE_BAD_DATA, 0, "a change line is damaged at byte %zu: %s",
            (size_t)(r.scan.p - r.scan.start), why);
}
