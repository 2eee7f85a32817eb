/* Full files: all live records of the manifest, in key order; see publish.h. */
#include "agent/publish_inside.h"

#include <string.h>

#include "agent/acls.h"
#include "state/manifest_reader.h"

enum {
    FULL_ENOUGH = 15 * 1024 * 1024 / 2, /* with what still lies in the compressor a file stays below 8 MiB */
    READ_RECORDS = 2000                 /* in one read transaction, which must not span a put */
};

/* Where the walk over the records stands. */
struct full_walk {
    struct manifest_reader *reader;
    struct acls acls;
    bool ended;
    size_t last_len; /* 0: at the start */
    char last[STATE_KEY_MAX];
};

/* Records into the file, up to the end of the transaction, of the file or of the records. */
static enum state_status add_records(
        struct full_walk *walk, struct change_file_writer *writer, struct state_error *error)
{
    struct state_change change = { .did = STATE_IS };
    struct state_text key = { walk->last, walk->last_len };
    enum state_status status = manifest_reader_seek(walk->reader, key, walk->last_len > 0, error);

    for (unsigned i = 0; i < READ_RECORDS && status == STATE_OK && change_file_writer_bytes(writer) < FULL_ENOUGH;
            i++) {
        status = manifest_reader_next(walk->reader, &key, error);
        if (status == STATE_OK)
            status = manifest_reader_entry(walk->reader, &change.entry, error);
        if (status == STATE_OK)
            status = acls_find(&walk->acls, change.entry.key, &change.acl, error);
        if (status == STATE_OK)
            status = change_file_writer_add(writer, &change, error);
        if (status == STATE_OK) {
            memcpy(walk->last, change.entry.key.ptr, change.entry.key.len);
            walk->last_len = change.entry.key.len;
        }
    }
    if (status != STATE_END)
        return status;
    walk->ended = true;
    return STATE_OK;
}

static enum state_status fill(struct full_walk *walk, struct change_file_writer *writer, struct state_error *error)
{
    enum state_status status = STATE_OK;

    while (status == STATE_OK && !walk->ended && change_file_writer_bytes(writer) < FULL_ENOUGH) {
        status = manifest_reader_begin(walk->reader, error);
        if (status == STATE_OK)
            status = acls_begin(&walk->acls, error);
        if (status == STATE_OK)
            status = add_records(walk, writer, error);
        acls_end(&walk->acls);
        manifest_reader_end(walk->reader);
    }
    return status;
}

static enum verdict put_full(
        struct publisher *publisher, struct s3_conn *conn, struct full_walk *walk, struct failure *failure)
{
    struct state_point_file file = { .kind = LAYOUT_FULL, .number = publisher->fulls.count + 1 };
    struct change_file_writer *writer = NULL;
    struct state_error error;
    enum state_status status;
    enum verdict verdict = publish_file_begin(publisher, LAYOUT_FULL, file.number, &writer, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    status = fill(walk, writer, &error);
    if (status != STATE_OK) {
        change_file_writer_free(writer);
        return failure_from_state(failure, status, &error, "the full file of source \"%s\"", publisher->source->name);
    }
    verdict = publish_file_end(publisher, conn, writer, &file, failure);
    if (verdict == VERDICT_OK && !publish_logs_add(&publisher->fulls, &file))
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    return verdict;
}

enum verdict publisher_full(struct publisher *publisher, struct s3_conn *conn, struct failure *failure)
{
    struct full_walk walk = { .reader = NULL };
    struct state_error error;
    enum state_status status;
    enum verdict verdict = VERDICT_OK;

    publisher->fulls.count = 0;
    status = manifest_reader_new(publisher->manifest, MANIFEST_LIVE, &walk.reader, &error);
    if (status == STATE_OK)
        status = acls_open(publisher->manifest, &walk.acls, &error);
    if (status != STATE_OK) {
        manifest_reader_free(walk.reader);
        return failure_from_state(failure, status, &error, "the full file of source \"%s\"", publisher->source->name);
    }
    while (verdict == VERDICT_OK && !walk.ended)
        verdict = put_full(publisher, conn, &walk, failure);
    acls_close(&walk.acls);
    manifest_reader_free(walk.reader);
    if (verdict != VERDICT_OK)
        publisher->fulls.count = 0; /* a part of the records is not named by a point */
    return verdict;
}
