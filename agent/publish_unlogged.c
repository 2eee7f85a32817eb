/*
 * Lines for records that no log tells of: those of a manifest that was made from the versions alone, as far as the run
 * had nothing to do with them (its source archives them, or could not be read). Without a line, verify takes them for
 * strangers and prune for what a killed run has left. See publish.h.
 */
#include "agent/publish_inside.h"

#include <stdlib.h>
#include <string.h>

#include "state/change.h"
#include "state/manifest_batch.h"
#include "state/manifest_reader.h"

enum {
    CHUNK = 500,         /* keys in one transaction */
    LOOKED_MAX = 20000,  /* records in one read transaction */
    FLUSH_LINES = 10000, /* in the outbox */
    TEXTS_MAX = STATE_ETAG_MAX + 2 * STATE_VERSION_MAX + STATE_CHECKSUM_MAX
};

struct unlogged {
    struct publisher *publisher;
    struct manifest_reader *reader;
    char last[STATE_KEY_MAX]; /* where the reading stands */
    size_t last_len, count, used, lines;
    bool ended;
    uint16_t lengths[CHUNK];
    char keys[(size_t)CHUNK * STATE_KEY_MAX];
    char line[STATE_CHANGE_LINE_MAX];
};

/* The next keys whose records name no run. */
static enum state_status read_keys(struct unlogged *walk, struct state_error *error)
{
    struct state_text key = { walk->last, walk->last_len };
    enum state_status status = manifest_reader_begin(walk->reader, error);

    walk->count = walk->used = 0;
    if (status == STATE_OK)
        status = manifest_reader_seek(walk->reader, key, walk->last_len > 0, error);
    for (int i = 0; i < LOOKED_MAX && status == STATE_OK && walk->count < CHUNK; i++) {
        struct state_entry entry;
        status = manifest_reader_next(walk->reader, &key, error);
        if (status == STATE_OK)
            status = manifest_reader_entry(walk->reader, &entry, error);
        if (status != STATE_OK)
            break;
        memcpy(walk->last, key.ptr, key.len);
        walk->last_len = key.len;
        if (entry.run.len > 0)
            continue;
        memcpy(walk->keys + walk->used, key.ptr, key.len);
        walk->used += key.len;
        walk->lengths[walk->count++] = (uint16_t)key.len;
    }
    manifest_reader_end(walk->reader);
    walk->ended = status == STATE_END;
    return walk->ended ? STATE_OK : status;
}

static void keep(char *texts, size_t *used, struct state_text *text)
{
    if (text->len > 0)
        memcpy(texts + *used, text->ptr, text->len);
    text->ptr = texts + *used;
    *used += text->len;
}

static enum state_status tell_one(
        struct unlogged *walk, struct manifest_batch *batch, struct state_text key, struct state_error *error)
{
    struct state_change change = { .did = STATE_ADOPTED, .by = STATE_BY_NOTHING };
    struct state_entry *entry = &change.entry;
    char texts[TEXTS_MAX];
    size_t used = 0, length;
    enum state_status status = manifest_batch_get(batch, key, entry, error);

    if (status == STATE_OK)
        status = state_change_format(&change, walk->line, &length, error);
    if (status != STATE_OK)
        return status;
    keep(texts, &used, &entry->etag);
    keep(texts, &used, &entry->source_version);
    keep(texts, &used, &entry->vault_version);
    keep(texts, &used, &entry->checksum);
    entry->key = key;
    entry->run = (struct state_text){ walk->publisher->point, strlen(walk->publisher->point) };
    status = manifest_batch_put(batch, entry, error);
    if (status == STATE_OK)
        status = manifest_outbox_append(batch, walk->line, length, NULL, error);
    walk->lines++;
    return status;
}

static enum state_status tell_chunk(struct unlogged *walk, struct state_error *error)
{
    struct manifest_batch *batch = NULL;
    enum state_status status = STATE_OK;
    const char *at = walk->keys;

    if (walk->count > 0)
        status = manifest_batch_begin(walk->publisher->manifest, &batch, error);
    for (size_t i = 0; i < walk->count && status == STATE_OK; i++) {
        status = tell_one(walk, batch, (struct state_text){ at, walk->lengths[i] }, error);
        at += walk->lengths[i];
    }
    if (batch != NULL && status == STATE_OK)
        return manifest_batch_commit(batch, error);
    manifest_batch_abort(batch);
    return status;
}

enum verdict publisher_tell_unlogged(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
{
    struct publish_since since;
    struct state_error error;
    struct unlogged *walk;
    enum state_status status;
    enum verdict verdict = publish_since_read(publisher->manifest, &since, failure);

    if (verdict != VERDICT_OK || since.lines < PUBLISH_NOTHING_LOGGED)
        return verdict;
    walk = calloc(1, sizeof *walk);
    if (walk == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    walk->publisher = publisher;
    status = manifest_reader_new(publisher->manifest, MANIFEST_LIVE, &walk->reader, &error);
    while (status == STATE_OK && verdict == VERDICT_OK && !walk->ended) {
        status = read_keys(walk, &error);
        if (status == STATE_OK)
            status = tell_chunk(walk, &error);
        if (status == STATE_OK && walk->lines >= FLUSH_LINES) {
            verdict = publisher_flush(publisher, conn, failure);
            walk->lines = 0;
        }
    }
    manifest_reader_free(walk->reader);
    free(walk);
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "the log of source \"%s\"", publisher->source->name);
    return verdict;
}
