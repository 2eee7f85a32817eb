/* See acls.h. */
#include "agent/acls.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CLEAR_BATCH = 500 };

enum state_status acls_note(struct manifest_batch *batch, const struct state_change *change, struct state_error *error)
{
    enum state_status status;

    if (change->did != STATE_DELETED && change->acl.len > 0)
        return manifest_job_put(batch, JOB_KIND_ACL, change->entry.key, change->acl, error);
    if (change->did == STATE_ADOPTED || change->did == STATE_MOVED)
        return STATE_OK;
    status = manifest_job_remove(batch, JOB_KIND_ACL, change->entry.key, error);
    return status == STATE_NOT_FOUND ? STATE_OK : status;
}

enum state_status acls_open(struct manifest *manifest, struct acls *acls, struct state_error *error)
{
    struct manifest_totals totals;

    acls->reader = NULL;
    manifest_totals(manifest, &totals);
    return totals.jobs == 0 ? STATE_OK : manifest_reader_new(manifest, MANIFEST_JOBS, &acls->reader, error);
}

enum state_status acls_begin(struct acls *acls, struct state_error *error)
{
    return acls->reader == NULL ? STATE_OK : manifest_reader_begin(acls->reader, error);
}

enum state_status acls_find(struct acls *acls, struct state_text key, struct state_text *acl, struct state_error *error)
{
    char with_kind[1 + STATE_KEY_MAX];
    struct state_text found = { with_kind, 1 + key.len };
    unsigned char kind;
    enum state_status status;

    *acl = (struct state_text){ NULL, 0 };
    if (acls->reader == NULL)
        return STATE_OK;
    assert(key.len <= STATE_KEY_MAX);
    with_kind[0] = JOB_KIND_ACL;
    memcpy(with_kind + 1, key.ptr, key.len);
    status = manifest_reader_get(acls->reader, found, error);
    if (status == STATE_OK)
        manifest_reader_job(acls->reader, &kind, &found, acl);
    return status == STATE_NOT_FOUND ? STATE_OK : status;
}

void acls_end(struct acls *acls)
{
    if (acls->reader != NULL)
        manifest_reader_end(acls->reader);
}

void acls_close(struct acls *acls)
{
    manifest_reader_free(acls->reader);
    acls->reader = NULL;
}

/* Up to a batch of them. The keys are copied first: a batch must not change what is read. */
static enum state_status collect(
        struct acls *acls, char keys[][STATE_KEY_MAX], size_t *lengths, size_t *count, struct state_error *error)
{
    const char kind_of_acls[] = { JOB_KIND_ACL };
    struct state_text key, value;
    unsigned char kind = JOB_KIND_ACL;
    enum state_status status = acls_begin(acls, error);

    *count = 0;
    if (status == STATE_OK)
        status = manifest_reader_seek(acls->reader, (struct state_text){ kind_of_acls, 1 }, false, error);
    while (status == STATE_OK && *count < CLEAR_BATCH) {
        status = manifest_reader_next(acls->reader, &key, error);
        if (status == STATE_OK)
            manifest_reader_job(acls->reader, &kind, &key, &value);
        if (status != STATE_OK || kind != JOB_KIND_ACL)
            break;
        memcpy(keys[*count], key.ptr, key.len);
        lengths[(*count)++] = key.len;
    }
    acls_end(acls);
    return status == STATE_END ? STATE_OK : status;
}

static enum state_status remove_all(struct manifest *manifest, char keys[][STATE_KEY_MAX], const size_t *lengths,
        size_t count, struct state_error *error)
{
    struct manifest_batch *batch = NULL;
    enum state_status status = manifest_batch_begin(manifest, &batch, error);

    for (size_t i = 0; i < count && status == STATE_OK; i++)
        status = manifest_job_remove(batch, JOB_KIND_ACL, (struct state_text){ keys[i], lengths[i] }, error);
    if (status == STATE_OK)
        return manifest_batch_commit(batch, error);
    manifest_batch_abort(batch);
    return status;
}

enum state_status acls_clear(struct manifest *manifest, struct state_error *error)
{
    char(*keys)[STATE_KEY_MAX] = NULL;
    size_t lengths[CLEAR_BATCH], count = 0;
    struct acls acls;
    enum state_status status = acls_open(manifest, &acls, error);

    if (status != STATE_OK || acls.reader == NULL)
        return status;
    keys = malloc(CLEAR_BATCH * sizeof *keys);
    if (keys == NULL)
        status = state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    do {
        if (status == STATE_OK)
            status = collect(&acls, keys, lengths, &count, error);
        if (status == STATE_OK && count > 0)
            status = remove_all(manifest, keys, lengths, count, error);
    } while (status == STATE_OK && count == CLEAR_BATCH);
    free(keys);
    acls_close(&acls);
    return status;
}
