/*
 * See run_inside.h: what the manifest holds outside of the selected prefixes. A walk lists the prefixes alone, so keys
 * of a prefix that is no longer selected are in no page: they are looked up here, and join the pending keys.
 */
#include "agent/run_inside.h"

#include <stdlib.h>
#include <string.h>

#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum { CHUNK = 1000 }; /* keys in one read transaction, and in one commit */

/* The stretch between two prefixes; `until` of no length: to the end. */
struct gap {
    char from[STATE_KEY_MAX + 1];
    size_t from_len;
    bool after; /* without `from` itself */
    struct state_text until;
};

struct chunk {
    char *bytes; /* CHUNK keys of the greatest length */
    struct state_text keys[CHUNK];
    size_t count;
};

static bool is_before(struct state_text key, struct state_text until)
{
    int order = memcmp(key.ptr, until.ptr, key.len < until.len ? key.len : until.len);

    return order < 0 || (order == 0 && key.len < until.len);
}

/* Reads the gap's next keys, and moves its beginning behind them. */
static enum state_status read_chunk(
        struct manifest_reader *reader, struct gap *gap, struct chunk *chunk, struct state_error *error)
{
    struct state_text key;
    size_t used = 0;
    enum state_status status = manifest_reader_begin(reader, error);

    chunk->count = 0;
    if (status == STATE_OK)
        status = manifest_reader_seek(reader, (struct state_text){ gap->from, gap->from_len }, gap->after, error);
    while (status == STATE_OK && chunk->count < CHUNK) {
        status = manifest_reader_next(reader, &key, error);
        if (status != STATE_OK || (gap->until.len > 0 && !is_before(key, gap->until)))
            break;
        memcpy(chunk->bytes + used, key.ptr, key.len);
        chunk->keys[chunk->count++] = (struct state_text){ chunk->bytes + used, key.len };
        used += key.len;
    }
    manifest_reader_end(reader);
    if (chunk->count > 0) {
        const struct state_text last = chunk->keys[chunk->count - 1];
        memcpy(gap->from, last.ptr, last.len);
        gap->from_len = last.len;
        gap->after = true;
    }
    return status == STATE_END ? STATE_OK : status;
}

static enum state_status note(struct run *run, const struct chunk *chunk, struct state_error *error)
{
    struct manifest_batch *batch = NULL;
    enum state_status status;

    if (run->job.preview != NULL) {
        for (size_t i = 0; i < chunk->count; i++) {
            const struct action action = { .kind = ACTION_MISSING, .key = chunk->keys[i] };
            run->job.preview(run->job.preview_ctx, &action);
        }
        return STATE_OK;
    }
    status = manifest_batch_begin(run->manifest, &batch, error);
    for (size_t i = 0; i < chunk->count && status == STATE_OK; i++)
        status = manifest_pending_add(batch, chunk->keys[i], error);
    if (status != STATE_OK) {
        manifest_batch_abort(batch);
        return status;
    }
    status = manifest_batch_commit(batch, error);
    if (status == STATE_OK)
        run->recorder.pending += chunk->count;
    return status;
}

/* From behind all keys of a prefix: no key has a byte 0xff. */
static void begin_behind(struct gap *gap, const char *prefix)
{
    gap->from_len = strlen(prefix);
    memcpy(gap->from, prefix, gap->from_len);
    if (gap->from_len < STATE_KEY_MAX)
        gap->from[gap->from_len++] = (char)0xff;
    gap->after = true;
}

enum verdict run_outside(struct run *run)
{
    const struct config_strings *prefixes = &run->source.config->select.prefixes;
    struct chunk *chunk = calloc(1, sizeof *chunk);
    struct gap gap = { .from_len = 0 };
    struct manifest_reader *reader = NULL;
    struct state_error error;
    enum state_status status = STATE_OK;

    if (chunk == NULL || (chunk->bytes = malloc((size_t)CHUNK * STATE_KEY_MAX)) == NULL)
        status = state_fail(&error, STATE_NO_MEMORY, 0, "out of memory");
    if (status == STATE_OK)
        status = manifest_reader_new(run->manifest, MANIFEST_LIVE, &reader, &error);
    for (size_t i = 0; prefixes->count > 0 && i <= prefixes->count && status == STATE_OK; i++) {
        if (i > 0)
            begin_behind(&gap, prefixes->items[i - 1]);
        gap.until = (struct state_text){ NULL, 0 };
        if (i < prefixes->count)
            gap.until = (struct state_text){ prefixes->items[i], strlen(prefixes->items[i]) };
        do {
            status = read_chunk(reader, &gap, chunk, &error);
            if (status == STATE_OK && chunk->count > 0)
                status = note(run, chunk, &error);
        } while (status == STATE_OK && chunk->count == CHUNK);
    }
    manifest_reader_free(reader);
    if (chunk != NULL)
        free(chunk->bytes);
    free(chunk);
    if (status != STATE_OK)
        return failure_from_state(
                &run->failure, status, &error, "reading the manifest of source \"%s\"", run->source.name);
    return VERDICT_OK;
}
