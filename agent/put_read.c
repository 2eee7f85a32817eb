/* From a descriptor to an object; see put_inside.h. */
#include "agent/put_inside.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/event.h"

enum { LOOK_UP_MS = 200, PROGRESS_MS = 500 };

/* Whether there is any use in going on. */
static enum verdict look_up(struct put *put)
{
    if (clock_stop_asked())
        return failure_set(&put->failure, VERDICT_CANCELLED, "stopped: nothing of \"%s\" is kept", put->path.ptr);
    if (!lease_is_held(put->lease))
        return failure_set(&put->failure, VERDICT_HELD, "the lease of source \"%s\" was lost: another put has taken it",
                put->source.name);
    return VERDICT_OK;
}

/* Fills `size` bytes; fewer only at the end. */
static enum verdict fill(struct put *put, int input, char *at, size_t size, size_t *filled)
{
    struct pollfd waiting = { .fd = input, .events = POLLIN };

    *filled = 0;
    while (*filled < size) {
        ssize_t got;
        int ready = poll(&waiting, 1, LOOK_UP_MS);
        if (look_up(put) != VERDICT_OK)
            return put->failure.verdict;
        if (stream_upload_has_failed(put->upload))
            return VERDICT_OK; /* who asks for more room is told */
        if (ready == 0 || (ready < 0 && errno == EINTR))
            continue;
        got = read(input, at + *filled, size - *filled);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return failure_set(&put->failure, VERDICT_BAD_DATA, "reading the stream failed (error %d)", errno);
        if (got == 0)
            return VERDICT_OK;
        *filled += (size_t)got;
    }
    return VERDICT_OK;
}

static enum verdict read_all(struct put *put, int input, size_t *last)
{
    uint64_t sum = 0;
    int64_t shown_ms = 0;

    for (;;) {
        char *at;
        size_t size;
        if (stream_upload_room(put->upload, &at, &size, &put->failure) != VERDICT_OK ||
                fill(put, input, at, size, last) != VERDICT_OK)
            return put->failure.verdict;
        sum += *last;
        if (clock_monotonic_ms() - shown_ms > PROGRESS_MS) {
            shown_ms = clock_monotonic_ms();
            event_progress("%s: %llu MiB", put->source.name, (unsigned long long)(sum >> 20));
        }
        if (stream_upload_has_failed(put->upload))
            continue;
        if (*last < size)
            return VERDICT_OK;
        if (stream_upload_give(put->upload, &put->failure) != VERDICT_OK)
            return put->failure.verdict;
    }
}

/* The object is made only when the producer has ended well; all that goes before can be taken back. */
static enum verdict carry(struct put *put)
{
    bool by_command = put->options->command != NULL;
    size_t last = 0;
    enum verdict verdict = read_all(put, by_command ? put->command.output : STDIN_FILENO, &last);

    if (verdict == VERDICT_OK && by_command) {
        verdict = put_command_wait(&put->command, &put->failure);
        if (verdict == VERDICT_BAD_DATA && clock_stop_asked()) /* a terminal's interrupt reaches the command as well */
            verdict = look_up(put);
        put->producer_failed = verdict == VERDICT_BAD_DATA;
    } else if (verdict == VERDICT_BAD_DATA) {
        put->producer_failed = true;
    }
    if (verdict == VERDICT_OK)
        verdict = look_up(put);
    if (verdict == VERDICT_OK)
        verdict = stream_upload_finish(put->upload, last, &put->uploaded, &put->failure);
    return verdict;
}

/* New as it is, only a tier of 0 days takes it. */
static enum storage_class class_for(void *ctx, uint64_t size)
{
    const struct put *put = ctx;
    const int64_t now_ms = vault_now_ms(&put->vault);

    return place_class(put->source.policy, &put->prices, size, now_ms, now_ms);
}

enum verdict put_stream(struct put *put)
{
    const struct stream_upload_options options = { .program = put->options->program,
        .vault = &put->vault,
        .conn = put->conn,
        .path = &put->path,
        .spool_folder = put->folder,
        .class_for = class_for,
        .policy = put->source.policy->name,
        .ctx = put };
    enum verdict verdict = stream_upload_new(&options, &put->upload, &put->failure);

    put->command.output = -1;
    if (verdict == VERDICT_OK && put->options->command != NULL)
        verdict = put_command_start(put->options->command, &put->command, &put->failure);
    if (verdict == VERDICT_OK)
        verdict = carry(put);
    put_command_end(&put->command);
    stream_upload_free(put->upload);
    put->upload = NULL;
    return verdict;
}
