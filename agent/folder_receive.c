/* One object of the vault into its file; see folder.h. */
#include "agent/folder_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/copy_bounds.h"
#include "agent/verify_sum.h"
#include "state/digest.h"

enum { FILE_MODE = 0666 /* less what the umask takes */, GOES_ON_MAX = 100, WAIT_MS = 500 };

/* One object on its way. */
struct receiving {
    const struct folder *folder;
    const struct folder_object *object;
    const struct vault *vault;
    struct s3_conn *conn;
    int fd;
    uint64_t written;
    struct s3_head head;
    struct verify_sum *sum;
    struct verify_parts parts;
    char etag[S3_ETAG_MAX + 1];
    char checksum[S3_CHECKSUM_MAX + 1];
    bool looked, begun;    /* at this answer; the sums know what they are to meet */
    bool stopped, differs; /* why the sink gave up */
    int broken;            /* errno of the file */
};

/* Before the first byte of an answer: it is the rest of what is wanted. */
static bool is_the_rest(struct receiving *receiving)
{
    const struct s3_head *head = &receiving->head;
    bool plain = strncmp(head->encryption, "aws:kms", strlen("aws:kms")) != 0 && head->customer_algorithm[0] == '\0';

    receiving->looked = true;
    if (!head->has_size || head->size != receiving->object->size - receiving->written)
        return false;
    if (!receiving->begun) {
        receiving->begun = true;
        (void)snprintf(receiving->etag, sizeof receiving->etag, "%s", head->etag);
        (void)snprintf(receiving->checksum, sizeof receiving->checksum, "%s",
                strcmp(head->checksum_type, "COMPOSITE") != 0 ? head->checksum : "");
        verify_sum_begin(receiving->sum, plain ? receiving->etag : NULL, &receiving->parts, receiving->checksum);
    }
    return true;
}

static bool take(void *ctx, const char *bytes, size_t length)
{
    struct receiving *receiving = ctx;

    if (!receiving->looked && !is_the_rest(receiving)) {
        receiving->differs = true;
        return false;
    }
    while (length > 0) {
        ssize_t done;
        if (clock_stop_asked()) {
            receiving->stopped = true;
            return false;
        }
        done = write(receiving->fd, bytes, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            receiving->broken = errno;
            return false;
        }
        verify_sum_add(receiving->sum, bytes, (size_t)done);
        bytes += done;
        length -= (size_t)done;
        receiving->written += (uint64_t)done;
    }
    return true;
}

static struct s3_target target_of(const struct receiving *receiving)
{
    const struct folder_object *object = receiving->object;
    struct s3_target target = vault_target(receiving->vault, object->path->ptr, object->path->len);

    target.version = object->version[0] != '\0' ? object->version : NULL;
    return target;
}

static enum s3_status ask(struct receiving *receiving, struct s3_error *error)
{
    const struct s3_sink sink = { .write = take, .ctx = receiving };
    char quoted[S3_ETAG_MAX + 3];
    struct s3_get_options options = { .target = target_of(receiving),
        .ranged = receiving->written > 0,
        .first = receiving->written,
        .last = UINT64_MAX,
        .checksum = receiving->written == 0 };
    enum s3_status status;

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", receiving->etag);
    options.if_match = receiving->begun && receiving->etag[0] != '\0' ? quoted : NULL;
    receiving->looked = false;
    status = s3_get_object(receiving->conn, receiving->vault->client, &options, &sink, &receiving->head, error);
    if (status == S3_OK && !receiving->looked) /* an empty object */
        receiving->differs = !is_the_rest(receiving);
    return status;
}

/* The bounds of its parts, by which its ETag is made. A service that does not tell them leaves it without. */
static enum s3_status find_parts(struct receiving *receiving, struct s3_error *error)
{
    const struct folder_object *object = receiving->object;
    const struct copy_shape shape = { .conn = receiving->conn,
        .client = receiving->vault->client,
        .target = target_of(receiving),
        .etag = object->etag,
        .size = object->size };
    struct copying_bounds bounds = { NULL, 0 };
    const char *dash = strchr(object->etag, '-');
    enum s3_status status;

    if (dash == NULL || object->size == 0)
        return S3_OK;
    status = copy_lay_bounds(&shape, &bounds, error);
    if (status == S3_OK && strtoul(dash + 1, NULL, 10) == bounds.count &&
            (receiving->parts.sizes = calloc(bounds.count, sizeof *receiving->parts.sizes)) != NULL) {
        receiving->parts.count = bounds.count;
        for (uint32_t i = 0; i < bounds.count; i++)
            receiving->parts.sizes[i] = bounds.pieces[i].size;
    }
    free(bounds.pieces);
    return status;
}

static enum verdict why(const struct receiving *receiving, enum s3_status status, const struct s3_error *error,
        bool *archived, struct failure *failure)
{
    *archived = status == S3_ARCHIVED;
    if (receiving->broken != 0)
        return folder_fail(receiving->folder, receiving->object, "writing the file failed", receiving->broken, failure);
    if (receiving->stopped)
        return failure_set(failure, VERDICT_CANCELLED, "stopped");
    if (receiving->differs)
        return failure_set(failure, VERDICT_BAD_DATA, "the vault's version has another size than was recorded");
    if (status == S3_OK)
        return VERDICT_OK;
    return failure_from_s3(failure, status, error, "bringing it back");
}

/* All its bytes, each once: after a broken connection it goes on behind the last one. */
static enum verdict read_all(struct receiving *receiving, bool *archived, struct failure *failure)
{
    const struct s3_clock *clock = clock_of_workers();
    struct s3_error error;
    enum s3_status status = find_parts(receiving, &error);

    for (int i = 0; status == S3_OK; i++) {
        uint64_t before = receiving->written;
        status = ask(receiving, &error);
        if (status != S3_RETRY || receiving->broken != 0 || receiving->stopped || receiving->differs ||
                i == GOES_ON_MAX || receiving->written == before || !clock->sleep_ms(clock->ctx, WAIT_MS))
            break;
        status = S3_OK;
    }
    return why(receiving, status, &error, archived, failure);
}

static enum verdict judge(const struct receiving *receiving, struct failure *failure)
{
    enum verify_summed etag, checksum;

    if (receiving->written != receiving->object->size)
        return failure_set(failure, VERDICT_BAD_DATA, "%" PRIu64 " bytes came of %" PRIu64, receiving->written,
                receiving->object->size);
    verify_sum_end(receiving->sum, &etag, &checksum);
    if (etag == VERIFY_DIFFERENT || (etag == VERIFY_NOT_COMPARED && checksum == VERIFY_DIFFERENT))
        return failure_set(failure, VERDICT_BAD_DATA,
                "the vault gave other bytes than its %s %s tells of: damaged there, or on the way",
                etag == VERIFY_DIFFERENT ? "ETag" : "checksum",
                etag == VERIFY_DIFFERENT ? receiving->etag : receiving->checksum);
    return VERDICT_OK;
}

/* The file that is not whole yet: of a name that follows from the whole one's, so that what a killed restore left is
 * used again. */
static enum verdict open_partial(struct receiving *receiving, const struct folder_place *place,
        char name[static FOLDER_NAME_SIZE], struct failure *failure)
{
    char hash[STATE_SHA256_HEX_SIZE];
    struct state_error error;

    if (state_sha256_hex(place->name, strlen(place->name), hash, &error) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "%s", error.what);
    (void)snprintf(name, FOLDER_NAME_SIZE, ".vaultferry-partial-%.32s", hash);
    receiving->fd = openat(place->fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, FILE_MODE);
    if (receiving->fd < 0)
        return folder_fail(receiving->folder, receiving->object, "a file cannot be made", errno, failure);
    if (flock(receiving->fd, LOCK_EX | LOCK_NB) != 0 || ftruncate(receiving->fd, 0) != 0) {
        (void)folder_fail(receiving->folder, receiving->object,
                errno == EWOULDBLOCK ? "another restore is writing it" : "a file cannot be made", errno, failure);
        (void)close(receiving->fd);
        receiving->fd = -1;
        return failure->verdict;
    }
    return VERDICT_OK;
}

static enum verdict finish(const struct receiving *receiving, const struct folder_place *place, const char *partial,
        struct failure *failure)
{
    const struct folder_object *object = receiving->object;
    const struct timespec time = { .tv_sec = (time_t)(object->time_ms / 1000),
        .tv_nsec = (long)(object->time_ms % 1000) * 1000000 };
    const struct timespec times[2] = { time, time };

    if (futimens(receiving->fd, times) != 0 || fsync(receiving->fd) != 0)
        return folder_fail(receiving->folder, object, "the file cannot be finished", errno, failure);
    if (renameat(place->fd, partial, place->fd, place->name) != 0)
        return folder_fail(receiving->folder, object,
                errno == EISDIR || errno == ENOTEMPTY ? "a folder is in its place" : "the file cannot be put in place",
                errno, failure);
    return VERDICT_OK;
}

static enum verdict receive(
        struct receiving *receiving, const struct folder_place *place, bool *archived, struct failure *failure)
{
    char partial[FOLDER_NAME_SIZE];
    enum verdict verdict;

    if (open_partial(receiving, place, partial, failure) != VERDICT_OK)
        return failure->verdict;
    s3_head_init(&receiving->head);
    receiving->sum = verify_sum_new();
    verdict = receiving->sum != NULL ? read_all(receiving, archived, failure)
                                     : failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (verdict == VERDICT_OK)
        verdict = judge(receiving, failure);
    if (verdict == VERDICT_OK)
        verdict = finish(receiving, place, partial, failure);
    if (verdict != VERDICT_OK)
        (void)unlinkat(place->fd, partial, 0);
    verify_sum_free(receiving->sum);
    s3_head_free(&receiving->head);
    free(receiving->parts.sizes);
    (void)close(receiving->fd);
    return verdict;
}

enum verdict folder_receive(const struct folder *folder, const struct folder_object *object, const struct vault *vault,
        struct s3_conn *conn, bool *archived, struct failure *failure)
{
    struct receiving receiving = { .folder = folder, .object = object, .vault = vault, .conn = conn, .fd = -1 };
    struct folder_place place;
    enum verdict verdict = folder_place_of(folder, object, true, &place, failure);

    *archived = false;
    if (verdict != VERDICT_OK)
        return verdict;
    if (!place.is_folder)
        verdict = receive(&receiving, &place, archived, failure);
    else if (mkdirat(place.fd, place.name, 0777) != 0 && errno != EEXIST)
        verdict = folder_fail(folder, object, "a folder cannot be made", errno, failure);
    folder_place_close(&place);
    return verdict;
}
