/* A version of the vault to a descriptor; see get.h. */
#include "agent/get.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/clock.h"

enum { WAIT_MS = 500 };

struct sending {
    int output;
    uint64_t written, total;
    bool begun; /* total and etag are known */
    char etag[S3_ETAG_MAX + 1];
    const struct get_found *found;
    struct s3_head head;

    /* of the answer under way */
    bool looked;
    /* why the sink gave up */
    bool stopped, differs;
    int broken; /* errno of the output */
};

/* Before the first byte of an answer goes out: it is the bytes that are still missing, and no others. */
static bool is_the_rest(struct sending *sending)
{
    const struct s3_head *head = &sending->head;

    if (!sending->begun) {
        sending->begun = true;
        sending->total = head->size;
        memcpy(sending->etag, head->etag, sizeof sending->etag);
        return head->has_size && (!sending->found->has_size || head->size == sending->found->size);
    }
    return head->has_size && head->size == sending->total - sending->written &&
           (head->etag[0] == '\0' || strcmp(head->etag, sending->etag) == 0);
}

static bool send_on(void *ctx, const char *bytes, size_t length)
{
    struct sending *sending = ctx;

    if (!sending->looked && !is_the_rest(sending)) {
        sending->differs = true;
        return false;
    }
    sending->looked = true;
    while (length > 0) {
        ssize_t done;
        if (clock_stop_asked()) {
            sending->stopped = true;
            return false;
        }
        done = write(sending->output, bytes, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            sending->broken = errno;
            return false;
        }
        bytes += done;
        length -= (size_t)done;
        sending->written += (uint64_t)done;
    }
    return true;
}

static enum s3_status ask(const struct get_place *place, struct sending *sending, struct s3_error *error)
{
    const struct get_found *found = sending->found;
    const struct s3_sink sink = { .write = send_on, .ctx = sending };
    char quoted[S3_ETAG_MAX + 3];
    struct s3_get_options options = { .target = vault_target(place->vault, found->path.ptr, found->path.len),
        .ranged = sending->written > 0,
        .first = sending->written,
        .last = UINT64_MAX };
    enum s3_status status;

    (void)snprintf(quoted, sizeof quoted, "\"%s\"", sending->etag);
    options.target.version = found->version[0] != '\0' ? found->version : NULL;
    options.if_match = sending->begun && sending->etag[0] != '\0' ? quoted : NULL;
    sending->looked = false;
    status = s3_get_object(place->conn, place->vault->client, &options, &sink, &sending->head, error);
    if (status == S3_OK && !sending->looked) /* no byte came: an empty object */
        sending->differs = !is_the_rest(sending);
    return status;
}

static enum verdict why(const struct get_place *place, const struct sending *sending, enum s3_status status,
        const struct s3_error *error, struct failure *failure)
{
    const char *what = sending->written > 0 ? "the object was cut off" : "the object was not read";

    if (sending->broken == EPIPE)
        return failure_set(failure, VERDICT_FULL, "whoever reads the output has closed it after %" PRIu64 " bytes",
                sending->written);
    if (sending->broken != 0)
        return failure_set(failure, VERDICT_FULL, "writing the output failed after %" PRIu64 " bytes: %s",
                sending->written, sending->broken == ENOSPC ? "no space left" : "an input/output error");
    if (sending->stopped)
        return failure_set(failure, VERDICT_CANCELLED, "stopped after %" PRIu64 " bytes", sending->written);
    if (sending->differs)
        return failure_set(failure, VERDICT_BAD_DATA,
                "%s after %" PRIu64 " bytes: what the vault holds under s3://%s/%s is not the object that was recorded",
                what, sending->written, place->vault->bucket, sending->found->path.ptr);
    if (status == S3_ARCHIVED)
        return failure_from_s3(failure, S3_DENIED, error, "the object lies in an archive class, restore it first");
    if (status == S3_OK)
        return VERDICT_OK;
    return failure_from_s3(failure, status, error, "%s after %" PRIu64 " bytes", what, sending->written);
}

enum verdict get_send(const struct get_place *place, const struct get_found *found, int output, uint64_t *written,
        struct failure *failure)
{
    const struct s3_clock *clock = clock_real();
    struct sending sending = { .output = output, .found = found };
    struct s3_error error;
    enum s3_status status;
    uint64_t before;
    bool again;

    s3_head_init(&sending.head);
    do {
        before = sending.written;
        status = ask(place, &sending, &error);
        /* s3/ has tried often where nothing came at all; where something came, it is worth going on behind it */
        again = (status == S3_RETRY || status == S3_BAD_DATA || status == S3_THROTTLED) && !sending.differs &&
                sending.written > before;
        if (again && sending.written == sending.total) { /* it broke off behind the last byte */
            status = S3_OK;
            again = false;
        }
    } while (again && clock->sleep_ms(clock->ctx, WAIT_MS));
    *written = sending.written;
    s3_head_free(&sending.head);
    return why(place, &sending, status, &error, failure);
}
