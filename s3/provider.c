/*
 * See credentials.h and provider.h. Deadlines are kept on the monotonic clock, counted from the moment of the fetch, so
 * that a local clock that is wrong, or is set while a run goes on, neither keeps dead keys nor throws away good ones.
 */
#include "s3/provider.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* The SDKs' windows before the end: from the first on, one thread renews beside the others; from the second on, the
       others wait for it. Short sessions have shorter ones. */
    ADVISORY_MS = 15 * 60 * 1000,
    MANDATORY_MS = 10 * 60 * 1000,
    ADVISORY_PART = 4, /* of the life */
    MANDATORY_PART = 6,
    /* How long the old keys are used without a new attempt after one that failed: a sixtieth of the life, a minute at
       most. */
    BACK_OFF_MS = 60 * 1000,
    BACK_OFF_PART = 60
};

struct s3_provider {
    /* fixed once made */
    struct provider_source source; /* without a fetch: `current` never changes */
    const struct s3_clock *clock;

    pthread_mutex_t lock;
    pthread_cond_t ended; /* a fetch has ended */
    /* guarded by lock */
    struct s3_credentials *current;                             /* NULL until the first fetch, and after a rejection */
    int64_t advisory_at, mandatory_at, expires_at, next_try_at; /* monotonic, in milliseconds */
    int64_t life_ms;
    bool fetching;
    uint64_t fetches;           /* that have ended */
    enum s3_status last_status; /* of the last that ended */
    struct s3_error last_error;
};

enum need { NONE, ADVISED, DEMANDED, MISSING };

static enum need need_locked(const struct s3_provider *provider, int64_t now)
{
    if (provider->current == NULL || now >= provider->expires_at)
        return MISSING;
    if (now >= provider->mandatory_at)
        return DEMANDED;
    return now >= provider->advisory_at ? ADVISED : NONE;
}

static struct s3_credentials *retain(struct s3_credentials *credentials)
{
    atomic_fetch_add_explicit(&credentials->references, 1, memory_order_relaxed);
    return credentials;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t monotonic(const struct s3_provider *provider)
{
    return provider->clock->monotonic_ms(provider->clock->ctx);
}

static void keep_locked(struct s3_provider *provider, struct s3_credentials *fetched, int64_t life_ms, int64_t now)
{
    s3_credentials_release(provider->current);
    provider->current = fetched;
    provider->life_ms = life_ms;
    provider->next_try_at = now;
    if (fetched->expires == 0) {
        provider->advisory_at = provider->mandatory_at = provider->expires_at = INT64_MAX;
        return;
    }
    provider->expires_at = now + life_ms;
    provider->advisory_at = provider->expires_at - least(ADVISORY_MS, life_ms / ADVISORY_PART);
    provider->mandatory_at = provider->expires_at - least(MANDATORY_MS, life_ms / MANDATORY_PART);
}

/* Fetches without the lock, which the caller holds before and after. */
static void fetch_locked(struct s3_provider *provider, struct s3_conn *conn)
{
    struct s3_credentials *fetched = NULL;
    struct s3_error error;
    enum s3_status status;
    int64_t life_ms = 0, now;

    provider->fetching = true;
    (void)pthread_mutex_unlock(&provider->lock);
    s3_error_clear(&error);
    status = provider->source.fetch(provider->source.ctx, conn, &fetched, &error);
    if (status == S3_OK && fetched->expires != 0) {
        int64_t its_now = provider->source.now_ms != NULL ? provider->source.now_ms(provider->source.ctx)
                                                          : provider->clock->wall_ms(provider->clock->ctx);
        life_ms = fetched->expires * 1000 - its_now;
        if (life_ms <= 0) {
            status = s3_fail(&error, S3_RETRY, "ExpiredCredentials",
                    "%s: the keys that were just given expired %lld s ago; is the clock right?", fetched->origin,
                    (long long)(-life_ms / 1000));
            s3_credentials_release(fetched);
        }
    }
    (void)pthread_mutex_lock(&provider->lock);
    now = monotonic(provider);
    if (status == S3_OK)
        keep_locked(provider, fetched, life_ms, now);
    else
        provider->next_try_at = now + least(BACK_OFF_MS, provider->life_ms / BACK_OFF_PART);
    provider->last_status = status;
    provider->last_error = error;
    provider->fetching = false;
    provider->fetches++;
    (void)pthread_cond_broadcast(&provider->ended);
}

/* Bucket and key are the request's own, the rest is the fetch's. */
static void tell(const struct s3_error *from, struct s3_error *error)
{
    if (error == NULL)
        return;
    error->operation = from->operation;
    error->http_status = from->http_status;
    memcpy(error->code, from->code, sizeof error->code);
    memcpy(error->message, from->message, sizeof error->message);
    memcpy(error->request_id, from->request_id, sizeof error->request_id);
    error->retry_after_ms = from->retry_after_ms;
}

enum s3_status s3_provider_get(
        struct s3_provider *provider, struct s3_conn *conn, struct s3_credentials **credentials, struct s3_error *error)
{
    enum s3_status status = S3_OK;

    if (provider->source.fetch == NULL) {
        *credentials = retain(provider->current);
        return S3_OK;
    }
    (void)pthread_mutex_lock(&provider->lock);
    for (;;) {
        int64_t now = monotonic(provider);
        enum need need = need_locked(provider, now);
        uint64_t seen = provider->fetches;

        if (need == NONE || (need == ADVISED && provider->fetching) ||
                (need != MISSING && !provider->fetching && now < provider->next_try_at))
            break;
        if (provider->fetching)
            while (provider->fetches == seen)
                (void)pthread_cond_wait(&provider->ended, &provider->lock);
        else
            fetch_locked(provider, conn);
        /* those that waited share the failure: each trying in turn would make a queue of time-outs */
        if (provider->last_status != S3_OK) {
            if (need_locked(provider, monotonic(provider)) == MISSING) {
                status = provider->last_status;
                tell(&provider->last_error, error);
            }
            break;
        }
        /* what was just fetched is good for one use, however short its life */
        if (provider->current != NULL)
            break;
    }
    if (status == S3_OK)
        *credentials = retain(provider->current);
    (void)pthread_mutex_unlock(&provider->lock);
    return status;
}

void s3_provider_rejected(struct s3_provider *provider, const struct s3_credentials *credentials)
{
    if (provider->source.fetch == NULL)
        return;
    (void)pthread_mutex_lock(&provider->lock);
    if (provider->current == credentials) {
        s3_credentials_release(provider->current); /* the caller holds another reference */
        provider->current = NULL;
    }
    (void)pthread_mutex_unlock(&provider->lock);
}

enum s3_status provider_new(const struct provider_source *source, const struct s3_clock *clock,
        struct s3_provider **provider, struct s3_error *error)
{
    struct s3_provider *made = calloc(1, sizeof *made);

    if (made == NULL) {
        if (source->free != NULL)
            source->free(source->ctx);
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    made->source = *source;
    made->clock = clock;
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_cond_init(&made->ended, NULL);
    *provider = made;
    return S3_OK;
}

enum s3_status provider_new_fixed(
        struct s3_credentials *credentials, struct s3_provider **provider, struct s3_error *error)
{
    static const struct provider_source none;
    enum s3_status status;

    if (credentials == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = provider_new(&none, NULL, provider, error);
    if (status == S3_OK)
        (*provider)->current = credentials;
    else
        s3_credentials_release(credentials);
    return status;
}

void s3_provider_free(struct s3_provider *provider)
{
    if (provider == NULL)
        return;
    if (provider->source.free != NULL)
        provider->source.free(provider->source.ctx);
    s3_credentials_release(provider->current);
    (void)pthread_cond_destroy(&provider->ended);
    (void)pthread_mutex_destroy(&provider->lock);
    free(provider);
}
