/* Reading logs and full files; see points.h. */
#include "agent/points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/points_versions.h"

static bool is_expected(const struct change_file_sum *expect, const char *bytes, size_t len)
{
    char hash[STATE_SHA256_HEX_SIZE];

    return expect->bytes == len && state_sha256_hex(bytes, len, hash, NULL) == STATE_OK &&
           strcmp(hash, expect->sha256) == 0;
}

/* The current version does where it is what `expect` says; else the oldest is the one that was written. */
static enum verdict fetch(const struct vault *vault, struct s3_conn *conn, const struct layout_path *path,
        const struct change_file_sum *expect, char **bytes, size_t *len, struct failure *failure)
{
    char version[S3_VERSION_MAX + 1];
    enum verdict verdict;

    if (expect != NULL) {
        verdict = vault_get(vault, conn, path->ptr, path->len, NULL, POINT_FILE_BYTES_MAX, bytes, len, failure);
        if (verdict == VERDICT_OK && is_expected(expect, *bytes, *len))
            return VERDICT_OK;
        if (verdict == VERDICT_OK)
            free(*bytes);
        else if (verdict != VERDICT_NOT_FOUND && verdict != VERDICT_FULL)
            return verdict;
    }
    *bytes = NULL;
    verdict = points_versions_oldest(vault, conn, path, version, failure);
    if (verdict == VERDICT_OK)
        verdict = vault_get(vault, conn, path->ptr, path->len, version[0] != '\0' ? version : NULL,
                POINT_FILE_BYTES_MAX, bytes, len, failure);
    if (verdict == VERDICT_OK && expect != NULL && !is_expected(expect, *bytes, *len)) {
        free(*bytes);
        verdict = failure_set(failure, VERDICT_BAD_DATA, "s3://%s/%s is not the file that its point names (SHA-256 %s)",
                vault->bucket, path->ptr, expect->sha256);
    }
    return verdict;
}

static enum state_status see_nothing(void *ctx, const struct state_change *change)
{
    (void)ctx;
    (void)change;
    return STATE_OK;
}

struct file_bytes {
    const char *ptr;
    size_t len;
};

static enum state_status read_bytes(const struct file_bytes *bytes, const struct change_file_id *id,
        const struct change_file_sum *expect, struct change_file_visitor visitor, struct change_file_sum *sum,
        struct state_error *error)
{
    struct change_file_reader *reader = change_file_reader_new(visitor);
    enum state_status status;

    if (reader == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "out of memory");
    status = change_file_reader_begin(reader, id, expect, error);
    if (status == STATE_OK)
        status = change_file_reader_write(reader, bytes->ptr, bytes->len, error);
    if (status == STATE_OK)
        status = change_file_reader_finish(reader, sum, error);
    change_file_reader_free(reader);
    return status;
}

enum verdict points_read_file(const struct vault *vault, struct s3_conn *conn, const struct change_file_id *id,
        const struct change_file_sum *expect, struct change_file_visitor visitor, struct change_file_sum *sum,
        struct failure *failure)
{
    const struct change_file_visitor nobody = { see_nothing, NULL };
    struct change_file_sum unused;
    struct layout_path path;
    char *bytes = NULL;
    size_t len = 0;
    struct state_error error;
    enum state_status status = layout_point_file(&vault->layout, id->source, id->point, id->kind, id->number, &path);
    enum verdict verdict;

    if (status != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "a file of point \"%s\" has no valid name", id->point);
    verdict = fetch(vault, conn, &path, expect, &bytes, &len, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    const struct file_bytes file = { bytes, len };
    if (expect == NULL)
        status = read_bytes(&file, id, NULL, nobody, NULL, &error);
    if (status == STATE_OK)
        status = read_bytes(&file, id, expect, visitor, sum != NULL ? sum : &unused, &error);
    free(bytes);
    if (status != STATE_OK)
        return failure_from_state(failure, status, &error, "reading s3://%s/%s", vault->bucket, path.ptr);
    return VERDICT_OK;
}
