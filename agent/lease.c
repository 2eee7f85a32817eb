/* See lease.h. */
#include "agent/lease_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/lease_sight.h"

static int64_t monotonic(const struct lease *lease)
{
    return lease->program->clock->monotonic_ms(lease->program->clock->ctx);
}

static bool draw(char out[LEASE_ID_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char chance[LEASE_ID_LEN / 2];

    if (!clock_random_bytes(chance, sizeof chance))
        return false;
    for (size_t i = 0; i < sizeof chance; i++) {
        out[2 * i] = hex[chance[i] >> 4];
        out[2 * i + 1] = hex[chance[i] & 15];
    }
    out[LEASE_ID_LEN] = '\0';
    return true;
}

/* A name of other bytes than ASCII's is not worth a failed run. */
static void find_host(char out[LEASE_HOST_MAX + 1])
{
    if (gethostname(out, LEASE_HOST_MAX + 1) != 0)
        out[0] = '\0';
    out[LEASE_HOST_MAX] = '\0';
    for (char *p = out; *p != '\0'; p++)
        if (*p < 0x21 || *p > 0x7e)
            *p = '?';
    if (out[0] == '\0')
        (void)snprintf(out, LEASE_HOST_MAX + 1, "unknown");
}

/* The line for those who have to wait: who, since when, and until when at most. */
static enum verdict held(struct failure *failure, const char *source, const struct lease_seen *seen)
{
    char started[STATE_TIME_SIZE], renewed[STATE_TIME_SIZE], dead[STATE_TIME_SIZE], host[100];
    bool readable = seen->is_readable && state_utc_format(seen->document.started_ms, started) > 0;

    if (state_utc_format(seen->renewed_ms, renewed) == 0 ||
            state_utc_format(seen->renewed_ms + LEASE_DEAD_MS, dead) == 0)
        return failure_set(failure, VERDICT_HELD, "source \"%s\" is held by lease %llu, of no known time", source,
                (unsigned long long)seen->number);
    if (!readable)
        return failure_set(failure, VERDICT_HELD,
                "source \"%s\" is held by lease %llu, which cannot be read: last renewed %s, and counts as dead from "
                "%s on",
                source, (unsigned long long)seen->number, renewed, dead);
    return failure_set(failure, VERDICT_HELD,
            "source \"%s\" is being run on host %s, process %lld, since %s: its lease was last renewed %s, and "
            "counts as dead from %s on",
            source, key_for_people(seen->document.host, strlen(seen->document.host), host, sizeof host),
            (long long)seen->document.pid, started, renewed, dead);
}

/* -> VERDICT_OK where the source may be taken; the lease then has its number. */
static enum verdict look(struct lease *lease, struct s3_conn *conn, const char *owner, struct failure *failure)
{
    struct lease_seen seen;
    enum verdict verdict = lease_sight_last(lease->vault, conn, lease->source, &seen, failure);
    enum lease_standing standing;

    if (verdict == VERDICT_NOT_FOUND) {
        lease->number = 1;
        return VERDICT_OK;
    }
    if (verdict != VERDICT_OK)
        return verdict;
    standing = lease_judge(&seen, owner, vault_now_ms(lease->vault));
    if (standing == LEASE_IS_HELD)
        return held(failure, lease->source, &seen);
    if (seen.number >= STATE_LEASE_MAX)
        return failure_set(failure, VERDICT_FULL, "the lease numbers of source \"%s\" are used up", lease->source);
    lease->number = seen.number + 1;
    /* where only delete markers are left nobody knows, and looking before copying costs little */
    lease->followed_dead = !(seen.is_readable && seen.document.released);
    return VERDICT_OK;
}

static enum verdict put(struct lease *lease, struct s3_conn *conn, bool only_if_absent, struct vault_put_result *result,
        struct failure *failure)
{
    int64_t sent = monotonic(lease);
    struct vault_put options = { .path = lease->path.ptr,
        .path_len = lease->path.len,
        .content_type = "application/json",
        .only_if_absent = only_if_absent };
    enum verdict verdict;
    char *text;

    lease->document.renewed_ms = vault_now_ms(lease->vault);
    if (only_if_absent)
        lease->document.started_ms = lease->document.renewed_ms;
    text = lease_document_write(&lease->document);
    if (text == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    options.bytes = text;
    options.len = strlen(text);
    verdict = vault_put(lease->vault, conn, &options, result, failure);
    free(text);
    /* from before it was sent: the server's 90 s begin later */
    if (verdict == VERDICT_OK || only_if_absent)
        atomic_store(&lease->renewed, sent);
    return verdict;
}

/*
 * Creates our number and makes sure that it is ours, by the oldest version. Neither of the two answers suffices: 412
 * also comes where a first attempt was done and its answer lost, and 200 from a store that ignores the condition.
 */
static enum verdict create(struct lease *lease, struct s3_conn *conn, struct failure *failure)
{
    struct vault_put_result result = { .version = "" };
    struct lease_seen seen;
    bool is_oldest;
    enum verdict verdict = put(lease, conn, true, &result, failure);

    if (verdict != VERDICT_OK && verdict != VERDICT_CHANGED)
        return verdict;
    verdict = lease_sight_one(lease->vault, conn, lease->source, lease->number,
            verdict == VERDICT_OK ? result.version : "", &is_oldest, &seen, failure);
    if (verdict == VERDICT_OK && is_oldest)
        return VERDICT_OK;
    if (verdict == VERDICT_OK && seen.is_readable && strcmp(seen.document.nonce, lease->document.nonce) == 0)
        return VERDICT_OK;
    if (verdict == VERDICT_OK && seen.has_content)
        return held(failure, lease->source, &seen);
    if (verdict == VERDICT_OK || verdict == VERDICT_NOT_FOUND)
        return failure_set(
                failure, VERDICT_HELD, "the lease of source \"%s\" went to another run, just now", lease->source);
    return verdict;
}

enum verdict lease_take(
        const struct lease_options *options, struct s3_conn *conn, struct lease **lease, struct failure *failure)
{
    struct failure unused;
    struct lease *made = calloc(1, sizeof *made);
    enum verdict verdict;

    failure = failure != NULL ? failure : &unused;
    *lease = NULL;
    if (made == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    made->program = options->program;
    made->vault = options->vault;
    (void)snprintf(made->source, sizeof made->source, "%s", options->source);
    (void)snprintf(made->document.owner, sizeof made->document.owner, "%s", options->owner);
    (void)snprintf(made->document.program, sizeof made->document.program, "vaultferry %s", VAULTFERRY_VERSION);
    made->document.pid = (int64_t)getpid();
    find_host(made->document.host);
    if (!draw(made->document.nonce))
        verdict = failure_set(failure, VERDICT_INTERNAL, "the system gives no random bytes");
    else
        verdict = look(made, conn, options->owner, failure);
    if (verdict == VERDICT_OK &&
            layout_lease(&made->vault->layout, made->source, made->number, &made->path) != STATE_OK)
        verdict = failure_set(failure, VERDICT_INTERNAL, "the lease of source \"%s\" has no path", made->source);
    if (verdict == VERDICT_OK)
        verdict = create(made, conn, failure);
    if (verdict != VERDICT_OK) {
        free(made);
        return verdict;
    }
    *lease = made;
    return VERDICT_OK;
}

/* Nobody may take it before LEASE_DEAD_MS, so whoever stops at LEASE_LOST_MS was never second. */
static bool is_late(const struct lease *lease)
{
    return monotonic(lease) - atomic_load(&lease->renewed) > LEASE_LOST_MS;
}

bool lease_is_held(const struct lease *lease)
{
    return !atomic_load(&lease->lost) && !is_late(lease);
}

uint64_t lease_number(const struct lease *lease)
{
    return lease->number;
}

bool lease_followed_dead(const struct lease *lease)
{
    return lease->followed_dead;
}

static enum verdict lose(struct lease *lease, struct failure *failure, const char *why)
{
    atomic_store(&lease->lost, true);
    return failure_set(failure, VERDICT_HELD, "the lease of source \"%s\" was lost: %s", lease->source, why);
}

enum verdict lease_renew(struct lease *lease, struct s3_conn *conn, struct failure *failure)
{
    static const char late[] = "it could not be renewed in time";
    bool above;
    enum verdict verdict;

    if (!lease_is_held(lease))
        return lose(lease, failure, late);
    verdict = lease_sight_above(lease->vault, conn, lease->source, lease->number, &above, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (above)
        return lose(lease, failure, "another run has taken it");
    if (is_late(lease))
        return lose(lease, failure, late);
    verdict = put(lease, conn, false, NULL, failure);
    return verdict;
}

void lease_release(struct lease *lease, struct s3_conn *conn)
{
    struct failure unused;

    if (lease == NULL)
        return;
    if (lease_is_held(lease)) {
        lease->document.released = true;
        (void)!put(lease, conn, false, NULL, &unused);
    }
    free(lease);
}
