/* See lock_watch.h. */
#include "agent/lock_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event.h"
#include "agent/vault.h"
#include "s3/retention.h"

/* Ends of one run may lie some hours apart; an end that is nearer than a day less than was asked for is set anew. */
#define SHORT_BY_MS (INT64_C(86400) * 1000)

enum knowledge { UNKNOWN, HONOURED, IGNORED };

struct lock_watch {
    atomic_bool unseen; /* locks may not be looked at */
    struct {
        pthread_mutex_t looking;
        _Atomic int known; /* enum knowledge; leaves UNKNOWN once, under `looking` */
    } ways[LOCK_WAYS];
};

struct lock_watch *lock_watch_new(void)
{
    struct lock_watch *watch = calloc(1, sizeof *watch);

    for (int i = 0; watch != NULL && i < LOCK_WAYS; i++)
        (void)pthread_mutex_init(&watch->ways[i].looking, NULL);
    return watch;
}

void lock_watch_free(struct lock_watch *watch)
{
    for (int i = 0; watch != NULL && i < LOCK_WAYS; i++)
        (void)pthread_mutex_destroy(&watch->ways[i].looking);
    free(watch);
}

static enum s3_status set_lock(const struct vault *vault, struct s3_conn *conn, const struct lock_written *written,
        const char *mode, struct s3_error *error)
{
    struct s3_put_retention_options options = { .target = vault_target(vault, written->path, written->path_len) };
    struct s3_write write = { .lock_mode = NULL };
    char until[STATE_TIME_SIZE];

    vault_write_lock(vault, &write, until);
    options.target.version = written->version[0] != '\0' ? written->version : NULL;
    options.mode = mode != NULL ? mode : write.lock_mode;
    options.until = until;
    return s3_put_object_retention(conn, vault->client, &options, error);
}

/* Whether a lock is what was asked for: its end as far away, its mode as strict. */
static bool is_enough(const struct vault *vault, const struct lock_written *written, const char *mode, int64_t until_ms)
{
    bool strict = vault->config->lock.mode != CONFIG_LOCK_COMPLIANCE || strcmp(mode, "COMPLIANCE") == 0;
    int64_t wanted_ms = vault_now_ms(vault) + vault->config->lock.days * SHORT_BY_MS - SHORT_BY_MS;

    return until_ms > 0 && (written->any_end || (until_ms >= wanted_ms && strict));
}

static void warn_unseen(const struct vault *vault)
{
    if (atomic_exchange(&vault->lock_watch->unseen, true))
        return;
    event_warn("lock-not-checked", NULL,
            "whether copies are locked may not be looked at: grant s3:GetObjectRetention on \"%s\" to the vault's role",
            vault->bucket);
}

static void warn_ignored(enum lock_way way)
{
    static const char *const names[] = {
        [LOCK_BY_COPY] = "copies", [LOCK_BY_UPLOAD] = "multipart uploads", [LOCK_BY_PUT] = "puts"
    };

    event_warn("lock-set-afterwards", NULL,
            "the vault's store does not lock %s as they ask for: each is locked by a request of its own", names[way]);
}

static enum s3_status settle_unseen(
        const struct vault *vault, struct s3_conn *conn, const struct lock_written *written, struct s3_error *error)
{
    return written->earlier ? set_lock(vault, conn, written, NULL, error) : S3_OK;
}

/* Asks for the retention of the version. *known becomes what that tells of the way; unchanged by a failure. */
static enum s3_status look(const struct vault *vault, struct s3_conn *conn, const struct lock_written *written,
        enum knowledge *known, struct s3_error *error)
{
    struct s3_target target = vault_target(vault, written->path, written->path_len);
    struct s3_retention now = { .until_ms = 0 };
    enum s3_status status;

    target.version = written->version[0] != '\0' ? written->version : NULL;
    status = s3_get_object_retention(conn, vault->client, &target, &now, error);
    if (status == S3_DENIED) {
        warn_unseen(vault);
        *known = HONOURED;
        return settle_unseen(vault, conn, written, error);
    }
    if (status != S3_OK)
        return status;
    if (is_enough(vault, written, now.mode, now.until_ms)) {
        *known = HONOURED;
        return S3_OK;
    }
    /* what was begun or written by others tells nothing of how this store treats ours */
    *known = written->earlier || written->any_end ? UNKNOWN : IGNORED;
    return set_lock(vault, conn, written, strcmp(now.mode, "COMPLIANCE") == 0 ? now.mode : NULL, error);
}

static enum s3_status look_first(const struct vault *vault, struct s3_conn *conn, const struct lock_written *written,
        bool *done, struct s3_error *error)
{
    struct lock_watch *watch = vault->lock_watch;
    enum knowledge known = UNKNOWN;
    enum s3_status status = S3_OK;

    (void)pthread_mutex_lock(&watch->ways[written->way].looking);
    if (atomic_load(&watch->ways[written->way].known) == UNKNOWN) {
        status = look(vault, conn, written, &known, error);
        if (known == IGNORED)
            warn_ignored(written->way);
        atomic_store(&watch->ways[written->way].known, (int)known);
        *done = true;
    }
    (void)pthread_mutex_unlock(&watch->ways[written->way].looking);
    return status;
}

enum s3_status lock_watch_settle(
        const struct vault *vault, struct s3_conn *conn, const struct lock_written *written, struct s3_error *error)
{
    struct lock_watch *watch = vault->lock_watch;
    bool foreign = written->earlier || written->any_end, done = false;
    enum knowledge known = UNKNOWN, ignored = UNKNOWN;
    int64_t until_ms = 0;
    enum s3_status status;

    if (!vault->config->lock.given)
        return S3_OK;
    if (written->head != NULL &&
            s3_parse_iso_time(written->head->lock_until, strlen(written->head->lock_until), &until_ms) &&
            is_enough(vault, written, written->head->lock_mode, until_ms))
        return S3_OK;
    if (atomic_load(&watch->unseen))
        return settle_unseen(vault, conn, written, error);
    known = (enum knowledge)atomic_load(&watch->ways[written->way].known);
    if (known == UNKNOWN) {
        status = look_first(vault, conn, written, &done, error);
        if (done)
            return status;
        known = (enum knowledge)atomic_load(&watch->ways[written->way].known);
    }
    if (foreign)
        return look(vault, conn, written, &ignored, error);
    return known == IGNORED ? set_lock(vault, conn, written, NULL, error) : S3_OK;
}
