/* Writing change lines, and the words in them; see change.h. */
#include "state/change.h"
#include "state/utc.h"
#include "state/utf8.h"

#include <string.h>

static const char *const dids[] = {
    [STATE_COPIED] = "copied",
    [STATE_RECOPIED] = "recopied",
    [STATE_ADOPTED] = "adopted",
    [STATE_MOVED] = "moved",
    [STATE_DELETED] = "deleted",
    [STATE_IS] = "is",
};

static const char *const comparisons[] = {
    [STATE_BY_NOTHING] = "",
    [STATE_BY_ETAG] = "etag",
    [STATE_BY_CHECKSUM] = "checksum",
    [STATE_BY_SIZE] = "size",
};

const char *state_did_name(enum state_did did)
{
    return (unsigned)did < sizeof dids / sizeof *dids ? dids[did] : "";
}

const char *state_compared_name(enum state_compared by)
{
    return (unsigned)by < sizeof comparisons / sizeof *comparisons ? comparisons[by] : "";
}

/* Bounds are checked before; STATE_CHANGE_LINE_MAX holds every text at its bound with each byte as \u00XX. */
static char *put(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

#define PUT(out, literal) put(out, literal, sizeof(literal) - 1)

static char *put_string(char *out, const char *ptr, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t done = 0;
    *out++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        out = put(out, ptr + done, i - done);
        done = i + 1;
        if (c < 0x20) {
            out = PUT(out, "\\u00");
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        } else {
            *out++ = '\\';
            *out++ = (char)c;
        }
    }
    if (len > done)
        out = put(out, ptr + done, len - done);
    *out++ = '"';
    return out;
}

static char *put_uint(char *out, uint64_t value)
{
    char reversed[20];
    size_t n = 0;
    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n > 0)
        *out++ = reversed[--n];
    return out;
}

/* `name` is the field's, with its quotes, comma and colon. */
static char *put_text(char *out, const char *name, struct state_text text)
{
    return text.len == 0 ? out : put_string(put(out, name, strlen(name)), text.ptr, text.len);
}

static char *put_word(char *out, const char *name, const char *word)
{
    return put_text(out, name, (struct state_text){ word, strlen(word) });
}

static enum state_status check_text(struct state_text text, size_t max, const char *name, struct state_error *error)
{
    if (text.len > max)
        return state_fail(error, STATE_BAD_DATA, 0, "the %s of an object is longer than %zu bytes", name, max);
    if (!state_utf8_is_valid(text.ptr, text.len))
        return state_fail(error, STATE_BAD_DATA, 0, "the %s of an object is not valid UTF-8", name);
    return STATE_OK;
}

static enum state_status check(const struct state_change *change, struct state_error *error)
{
    const struct state_entry *entry = &change->entry;
    const struct {
        struct state_text text;
        size_t max;
        const char *name;
    } texts[] = {
        { entry->key, STATE_KEY_MAX, "key" },
        { entry->etag, STATE_ETAG_MAX, "ETag" },
        { entry->source_version, STATE_VERSION_MAX, "source version" },
        { entry->vault_version, STATE_VERSION_MAX, "vault version" },
        { entry->checksum, STATE_CHECKSUM_MAX, "checksum" },
        { entry->run, STATE_RUN_MAX, "run" },
        { change->acl, STATE_ACL_MAX, "ACL" },
    };
    if (entry->key.len == 0)
        return state_fail(error, STATE_BAD_DATA, 0, "the key of an object is empty");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enum state_status status = check_text(texts[i].text, texts[i].max, texts[i].name, error);
        if (status != STATE_OK)
            return status;
    }
    return STATE_OK;
}

enum state_status state_change_format(
        const struct state_change *change, char out[STATE_CHANGE_LINE_MAX], size_t *len, struct state_error *error)
{
    const struct state_entry *entry = &change->entry;
    char source_time[STATE_TIME_SIZE], copied[STATE_TIME_SIZE];
    enum state_status status = check(change, error);
    if (status != STATE_OK)
        return status;
    if (state_utc_format(entry->source_time_ms, source_time) == 0 || state_utc_format(entry->copied_ms, copied) == 0)
        return state_fail(error, STATE_BAD_DATA, 0, "a time of an object is outside of the years 1 to 9999");
    char *p = PUT(out, "{\"key\":");
    p = put_string(p, entry->key.ptr, entry->key.len);
    p = put_word(p, ",\"did\":", state_did_name(change->did));
    p = put_uint(PUT(p, ",\"size\":"), entry->size);
    p = put_text(p, ",\"etag\":", entry->etag);
    p = put_text(p, ",\"version\":", entry->source_version);
    p = put_word(p, ",\"time\":", source_time);
    p = put_text(p, ",\"vault\":", entry->vault_version);
    p = put_word(p, ",\"class\":", storage_class_name(entry->class_));
    if (change->did == STATE_MOVED)
        p = put_word(p, ",\"from\":", storage_class_name(change->from));
    p = put_text(p, ",\"checksum\":", entry->checksum);
    p = put_word(p, ",\"at\":", copied);
    p = put_word(p, ",\"by\":", state_compared_name(change->by));
    p = put_text(p, ",\"run\":", entry->run);
    p = put_text(p, ",\"acl\":", change->acl);
    p = PUT(p, "}\n");
    *len = (size_t)(p - out);
    return STATE_OK;
}
