/*
 * What was restored against what was backed up. The bytes are read back whole and held against the ETag or the checksum
 * that was recorded at the time of the backup; where neither tells of the bytes, against the bytes that the vault
 * gives. Headers, metadata and tags against the vault's version, and against the source where that still has the same
 * object.
 */
#include "agent/drill_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/copy_tags.h"
#include "agent/verify_sum.h"

enum { GOES_ON_MAX = 20, WAIT_MS = 500 };

/* Bytes being read: into the sums that were recorded, and into a hash. */
struct reading {
    struct s3_conn *conn;
    struct s3_client *client;
    const struct s3_target *target;
    struct verify_sum *sum; /* NULL: only the hash is wanted */
    struct state_digest *digest;
    uint64_t got, begun_at;
    bool stopped;
};

static bool take(void *ctx, const char *bytes, size_t length)
{
    struct reading *reading = ctx;

    if (clock_stop_asked()) {
        reading->stopped = true;
        return false;
    }
    if (reading->sum != NULL)
        verify_sum_add(reading->sum, bytes, length);
    state_digest_update(reading->digest, bytes, length);
    reading->got += length;
    return true;
}

/* The whole object, each byte once: behind a broken connection it goes on where that ended. */
static enum s3_status read_whole(struct reading *reading, uint64_t size, struct s3_error *error)
{
    const struct s3_clock *clock = clock_of_workers();
    const struct s3_sink sink = { .write = take, .ctx = reading };
    struct s3_head head;
    enum s3_status status = S3_OK;

    s3_head_init(&head);
    for (int tries = 0; tries < GOES_ON_MAX; tries++) {
        const struct s3_get_options options = {
            .target = *reading->target, .ranged = reading->got > 0, .first = reading->got, .last = UINT64_MAX
        };
        uint64_t before = reading->got;
        status = s3_get_object(reading->conn, reading->client, &options, &sink, &head, error);
        if (reading->stopped)
            status = S3_CANCELLED;
        if (status == S3_OK || status == S3_CANCELLED || reading->got == before)
            break;
        if (reading->got >= size) { /* it broke off behind the last byte */
            status = S3_OK;
            break;
        }
        if (!clock->sleep_ms(clock->ctx, WAIT_MS))
            status = S3_CANCELLED;
        if (status == S3_CANCELLED)
            break;
    }
    s3_head_free(&head);
    return status;
}

static bool same_text(struct s3_text a, struct s3_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static const struct s3_pair *find_pair(const struct s3_head *head, struct s3_text name)
{
    for (size_t i = 0; i < head->pair_count; i++)
        if (same_text(head->pairs[i].name, name))
            return &head->pairs[i];
    return NULL;
}

/* A service that is told no content type makes one up: that says nothing of an object that has none. */
static bool is_default_type(struct s3_text name, struct s3_text value)
{
    static const char *const types[] = { "binary/octet-stream", "application/octet-stream" };

    for (size_t i = 0; i < 2; i++)
        if (same_text(name, (struct s3_text){ "content-type", 12 }) &&
                same_text(value, (struct s3_text){ types[i], strlen(types[i]) }))
            return true;
    return false;
}

/* The first header that one has and the other lacks, or has with another value; NULL: none. */
static const struct s3_pair *differing(const struct s3_head *one, const struct s3_head *other)
{
    for (size_t i = 0; i < one->pair_count; i++) {
        const struct s3_pair *pair = &one->pairs[i], *there = find_pair(other, pair->name);
        if (there == NULL ? !is_default_type(pair->name, pair->value) : !same_text(there->value, pair->value))
            return pair;
    }
    return NULL;
}

static void compare_headers(struct drilling *drilling, struct drill_object *object, const struct s3_head *restored,
        const struct s3_head *other, const char *where)
{
    const struct s3_pair *pair = differing(restored, other);
    char name[128];
    bool is_source = strcmp(where, "source") == 0, is_meta;

    if (pair == NULL)
        pair = differing(other, restored);
    if (pair == NULL)
        return;
    is_meta = pair->name.len > 11 && memcmp(pair->name.ptr, "x-amz-meta-", 11) == 0;
    drill_tell(drilling, object,
            is_source ? (is_meta ? "source-metadata-differs" : "source-headers-differ")
                      : (is_meta ? "metadata-changed" : "headers-changed"),
            "%s is not the same on the restored object and %s",
            key_for_people(pair->name.ptr, pair->name.len, name, sizeof name),
            is_source ? "in the source, whose object is still the one that was backed up" : "in the vault");
}

/* The source may be gone, changed or denied: then there is nothing to compare with, and nothing to tell. */
static void compare_with_source(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct s3_head *restored, const struct s3_tags *tags)
{
    char quoted[S3_ETAG_MAX + 3];
    const struct s3_head_options options = {
        .target = { .bucket = drilling->point->bucket, .key = { object->key.ptr, object->key.len } }, .if_match = quoted
    };
    struct s3_head head;
    struct s3_tags theirs;
    struct s3_error error;

    if (drilling->source_client == NULL || object->etag[0] == '\0')
        return;
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", object->etag);
    s3_head_init(&head);
    s3_tags_init(&theirs);
    if (s3_head_object(conn, drilling->source_client, &options, &head, &error) == S3_OK &&
            strcmp(head.etag, object->etag) == 0 && head.size == object->size) {
        compare_headers(drilling, object, restored, &head, "source");
        if (drilling->source_tags &&
                copy_tags_get(conn, drilling->source_client, &options.target, &theirs, &error) == S3_OK &&
                !copy_tags_are_equal(tags, &theirs))
            drill_tell(drilling, object, "source-tags-differ",
                    "its tags are not those that the source has now: they were changed in the vault, or in the source "
                    "since the backup (resync --tags brings those over)");
        (void)pthread_mutex_lock(&drilling->report->lock);
        drilling->report->with_source++;
        (void)pthread_mutex_unlock(&drilling->report->lock);
    }
    s3_tags_free(&theirs);
    s3_head_free(&head);
}

/* The part size of an ETag that ends in -N, where all parts but the last are alike; even 0: not known. */
static void find_parts(struct s3_conn *conn, struct s3_client *client, const struct s3_target *target,
        struct drill_object *object, struct verify_parts *parts)
{
    const char *dash = strchr(object->etag, '-');
    const struct s3_head_options options = { .target = *target, .part_number = 1 };
    struct s3_head head;
    struct s3_error error;

    *parts = (struct verify_parts){ .sizes = NULL };
    if (dash == NULL)
        return;
    s3_head_init(&head);
    if (s3_head_object(conn, client, &options, &head, &error) == S3_OK && head.parts > 0 && head.size > 0 &&
            strtoul(dash + 1, NULL, 10) == head.parts && (head.parts - 1) * head.size < object->size &&
            object->size <= head.parts * head.size) {
        parts->count = head.parts;
        parts->even = head.size;
    }
    s3_head_free(&head);
}

static enum s3_status hash_of(
        struct reading *reading, uint64_t size, char hash[STATE_SHA256_HEX_SIZE], struct s3_error *error)
{
    enum s3_status status;

    reading->digest = state_digest_new(STATE_SHA256);
    if (reading->digest == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = read_whole(reading, size, error);
    if (status == S3_OK && state_digest_hex(reading->digest, hash, NULL) != STATE_OK)
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    state_digest_free(reading->digest);
    return status;
}

struct bytes {
    enum verify_summed etag, checksum;
    uint64_t got;
    char hash[STATE_SHA256_HEX_SIZE];
};

static enum s3_status read_restored(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct s3_target *scratch, const struct s3_head *vault, struct bytes *bytes, struct s3_error *error)
{
    bool is_plain = strncmp(vault->encryption, "aws:kms", 7) != 0 && vault->customer_algorithm[0] == '\0';
    const char *kept = strcmp(vault->checksum_type, "COMPOSITE") != 0 ? vault->checksum : "";
    struct reading reading = { .conn = conn, .client = drilling->target.client, .target = scratch };
    struct verify_parts parts;
    enum s3_status status;

    /* an ETag that the vault's copy does not share was made of other parts, or by encryption */
    is_plain = is_plain && object->etag[0] != '\0' && strcmp(vault->etag, object->etag) == 0;
    find_parts(conn, drilling->target.client, scratch, object, &parts);
    reading.sum = verify_sum_new();
    if (reading.sum == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    verify_sum_begin(
            reading.sum, is_plain ? object->etag : NULL, &parts, object->checksum[0] != '\0' ? object->checksum : kept);
    status = hash_of(&reading, object->size, bytes->hash, error);
    verify_sum_end(reading.sum, &bytes->etag, &bytes->checksum);
    verify_sum_free(reading.sum);
    bytes->got = reading.got;
    return status;
}

/* Nothing that was recorded tells of the bytes: the vault's own are read beside them. */
static enum s3_status compare_with_copy(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct s3_target *copy, const struct bytes *bytes, struct s3_error *error)
{
    struct reading reading = { .conn = conn, .client = drilling->options->vault->client, .target = copy };
    char hash[STATE_SHA256_HEX_SIZE];
    enum s3_status status = hash_of(&reading, object->size, hash, error);

    if (status == S3_OK && strcmp(hash, bytes->hash) != 0)
        drill_tell(drilling, object, "bytes-changed", "the restored bytes are not those that the vault gives");
    return status;
}

static enum s3_status compare_bytes(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct s3_target *scratch, const struct s3_target *copy, const struct s3_head *vault,
        struct s3_error *error)
{
    struct drill_report *report = drilling->report;
    struct bytes bytes = { .got = 0 };
    enum s3_status status = read_restored(drilling, conn, object, scratch, vault, &bytes, error);
    bool by_copy = bytes.etag == VERIFY_NOT_COMPARED && bytes.checksum == VERIFY_NOT_COMPARED;

    (void)pthread_mutex_lock(&report->lock);
    report->bytes_read += bytes.got;
    (void)pthread_mutex_unlock(&report->lock);
    if (status != S3_OK)
        return status;
    if (bytes.got != object->size)
        drill_tell(drilling, object, "bytes-truncated", "%" PRIu64 " bytes were backed up, %" PRIu64 " came back",
                object->size, bytes.got);
    else if (bytes.checksum == VERIFY_DIFFERENT)
        drill_tell(drilling, object, "bytes-changed",
                "its bytes do not have the checksum that was recorded when they were backed up");
    else if (bytes.etag == VERIFY_DIFFERENT && bytes.checksum != VERIFY_EQUAL)
        drill_tell(drilling, object, "bytes-changed",
                "its bytes are not those of the ETag %s that was recorded when they were backed up", object->etag);
    else if (by_copy)
        status = compare_with_copy(drilling, conn, object, copy, &bytes, error);
    (void)pthread_mutex_lock(&report->lock);
    if (by_copy)
        report->by_copy++;
    else if (bytes.etag != VERIFY_NOT_COMPARED)
        report->by_etag++;
    else
        report->by_checksum++;
    (void)pthread_mutex_unlock(&report->lock);
    return status;
}

/* Heads and tags of both. */
struct sight {
    struct s3_head restored, vault;
    struct s3_tags restored_tags, vault_tags;
};

static enum s3_status look(struct drilling *drilling, struct s3_conn *conn, const struct s3_target *scratch,
        const struct s3_target *copy, struct sight *sight, struct s3_error *error)
{
    const struct s3_head_options here = { .target = *scratch };
    const struct s3_head_options there = { .target = *copy, .checksum = true };
    struct s3_client *vault = drilling->options->vault->client;
    enum s3_status status = s3_head_object(conn, drilling->target.client, &here, &sight->restored, error);

    if (status == S3_OK)
        status = s3_head_object(conn, vault, &there, &sight->vault, error);
    if (status == S3_OK)
        status = copy_tags_get(conn, drilling->target.client, scratch, &sight->restored_tags, error);
    return status == S3_OK ? copy_tags_get(conn, vault, copy, &sight->vault_tags, error) : status;
}

enum verdict drill_compare(struct drilling *drilling, struct s3_conn *conn, struct drill_object *object,
        const struct s3_target *scratch, const struct s3_target *copy, struct failure *failure)
{
    struct sight *sight = calloc(1, sizeof *sight);
    struct s3_error error;
    enum s3_status status;

    if (sight == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    s3_error_clear(&error);
    s3_head_init(&sight->restored);
    s3_head_init(&sight->vault);
    s3_tags_init(&sight->restored_tags);
    s3_tags_init(&sight->vault_tags);
    status = look(drilling, conn, scratch, copy, sight, &error);
    if (status == S3_OK) {
        compare_headers(drilling, object, &sight->restored, &sight->vault, "vault");
        if (!copy_tags_are_equal(&sight->restored_tags, &sight->vault_tags))
            drill_tell(drilling, object, "tags-changed", "the restored object has other tags than the vault's copy");
        compare_with_source(drilling, conn, object, &sight->restored, &sight->restored_tags);
        status = compare_bytes(drilling, conn, object, scratch, copy, &sight->vault, &error);
    }
    s3_tags_free(&sight->vault_tags);
    s3_tags_free(&sight->restored_tags);
    s3_head_free(&sight->vault);
    s3_head_free(&sight->restored);
    free(sight);
    return status == S3_OK ? VERDICT_OK : failure_from_s3(failure, status, &error, "reading back what was restored");
}
