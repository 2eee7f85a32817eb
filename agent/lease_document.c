/* See lease_document.h. */
#include "agent/lease_document.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agent/lease.h"
#include "state/utc.h"

bool lease_id_is_valid(const char *text, size_t len)
{
    if (len != LEASE_ID_LEN)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
    return true;
}

static bool read_text(const json_t *object, const char *name, char *out, size_t max)
{
    const json_t *value = json_object_get(object, name);
    size_t len = json_string_length(value);

    if (!json_is_string(value) || len > max)
        return false;
    memcpy(out, json_string_value(value), len + 1);
    return true;
}

static bool read_id(const json_t *object, const char *name, char *out)
{
    return read_text(object, name, out, LEASE_ID_LEN) && lease_id_is_valid(out, strlen(out));
}

static bool read_time(const json_t *object, const char *name, int64_t *out)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) && state_utc_parse(json_string_value(value), json_string_length(value), out);
}

bool lease_document_read(const char *text, size_t len, struct lease_document *out)
{
    json_t *root = len <= LEASE_DOCUMENT_MAX ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *format = json_object_get(root, "format"), *pid = json_object_get(root, "pid");
    const json_t *released = json_object_get(root, "released");
    bool ok;

    memset(out, 0, sizeof *out);
    ok = json_is_object(root) && json_is_integer(format) && json_integer_value(format) == 1 && json_is_integer(pid) &&
         json_integer_value(pid) > 0 && json_is_boolean(released) && read_id(root, "owner", out->owner) &&
         read_id(root, "nonce", out->nonce) && read_text(root, "host", out->host, LEASE_HOST_MAX) &&
         read_text(root, "program", out->program, LEASE_PROGRAM_MAX) && read_time(root, "started", &out->started_ms) &&
         read_time(root, "renewed", &out->renewed_ms);
    if (ok) {
        out->pid = (int64_t)json_integer_value(pid);
        out->released = json_is_true(released);
    } else {
        memset(out, 0, sizeof *out);
    }
    json_decref(root);
    return ok;
}

char *lease_document_write(const struct lease_document *document)
{
    char started[STATE_TIME_SIZE], renewed[STATE_TIME_SIZE];
    json_t *root;
    char *text;

    if (!lease_id_is_valid(document->owner, strlen(document->owner)) ||
            !lease_id_is_valid(document->nonce, strlen(document->nonce)) ||
            state_utc_format(document->started_ms, started) == 0 ||
            state_utc_format(document->renewed_ms, renewed) == 0)
        return NULL;
    root = json_pack("{si ss ss ss sI ss ss ss sb}", "format", 1, "owner", document->owner, "nonce", document->nonce,
            "host", document->host, "pid", (json_int_t)document->pid, "program", document->program, "started", started,
            "renewed", renewed, "released", (int)document->released);
    text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

enum lease_standing lease_judge(const struct lease_seen *seen, const char *owner, int64_t now_ms)
{
    if (!seen->has_content)
        return LEASE_IS_FREE;
    if (seen->is_readable && seen->document.released)
        return LEASE_IS_FREE;
    if (seen->is_readable && strcmp(seen->document.owner, owner) == 0)
        return LEASE_IS_OURS;
    return now_ms - seen->renewed_ms > LEASE_DEAD_MS ? LEASE_IS_DEAD : LEASE_IS_HELD;
}
