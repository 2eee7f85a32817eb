/* See lock_extend.h. */
#include "agent/lock_extend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/crew.h"
#include "s3/retention.h"

#define DAY_MS (INT64_C(86400) * 1000)

enum { MARGIN_DAYS_MAX = 14, DAYS_OF_YEAR = 365 };

int64_t lock_extend_margin_ms(int64_t days)
{
    int64_t third = days * DAY_MS / 3;

    return third < MARGIN_DAYS_MAX * DAY_MS ? third : MARGIN_DAYS_MAX * DAY_MS;
}

/* An end counts from the beginning of the run that wrote the version, which may have been some hours before: a day is
 * taken off. */
bool lock_extend_may_be_due(int64_t days, int64_t written_ms, int64_t now_ms)
{
    return now_ms - written_ms >= (days - 1) * DAY_MS - lock_extend_margin_ms(days);
}

bool lock_extend_is_due(int64_t days, int64_t until_ms, int64_t now_ms)
{
    return until_ms - now_ms < lock_extend_margin_ms(days);
}

struct lock_extend_year lock_extend_year(const struct prices *prices, int64_t days, uint64_t versions)
{
    const struct price *price = &prices->classes[CLASS_STANDARD]; /* such requests cost the same in every class */
    double apart = (double)(days * DAY_MS - lock_extend_margin_ms(days)) / (double)DAY_MS;
    struct lock_extend_year year = { .price = 0 };

    year.looks = (double)versions * DAYS_OF_YEAR;
    year.extensions = (double)versions * DAYS_OF_YEAR / apart;
    price_add(&year.price, price->get_1k, year.looks / 1000);
    price_add(&year.price, price->put_1k, year.extensions / 1000);
    return year;
}

bool lock_extend_wanted(const struct vault *vault)
{
    return vault->config->lock.given && vault->config->lock.extend;
}

json_t *lock_extended_json(const struct lock_extended *extended, const struct prices *prices, int64_t days)
{
    const struct lock_extend_year year = lock_extend_year(prices, days, extended->versions);

    return json_pack("{sI sI sI sI sf so}", "versions", (json_int_t)extended->versions, "looked",
            (json_int_t)extended->looked, "extended", (json_int_t)extended->extended, "failed",
            (json_int_t)extended->failed, "requests_a_year", year.looks + year.extensions, "price_a_year",
            year.price < 0 ? json_null() : json_real(year.price));
}

enum { WORKERS_MAX = 32, WAITING_MAX = 256 };

struct lock_extender {
    const struct vault *vault;
    bool dry;
    int64_t now_ms; /* the vault's, when it began: one end for all */
    struct crew *crew;
    struct lock_extended done; /* versions and looked are the giver's; the rest is guarded by lock */
    pthread_mutex_t lock;
};

/* One version to look at. Its texts lie behind the struct. */
struct looking {
    const char *path, *version; /* the version is terminated; "" where there is none */
    size_t path_len;
};

static enum s3_status extend(const struct lock_extender *extender, struct s3_conn *conn, const struct looking *looking,
        bool *extended, const char **doing, struct s3_error *error)
{
    const struct vault *vault = extender->vault;
    struct s3_put_retention_options options = { .target = vault_target(vault, looking->path, looking->path_len) };
    struct s3_retention now;
    struct s3_write lock = { .lock_mode = NULL };
    char until[STATE_TIME_SIZE];
    enum s3_status status;

    options.target.version = looking->version[0] != '\0' ? looking->version : NULL;
    *doing = "looking at the lock of a version (it takes s3:GetObjectRetention)";
    status = s3_get_object_retention(conn, vault->client, &options.target, &now, error);
    if (status != S3_OK || !lock_extend_is_due(vault->config->lock.days, now.until_ms, extender->now_ms))
        return status;
    vault_lock_from(vault, extender->now_ms, &lock, until);
    options.mode = strcmp(now.mode, "COMPLIANCE") == 0 ? now.mode : lock.lock_mode; /* it cannot be made weaker */
    options.until = until;
    *doing = "extending the lock of a version (it takes s3:PutObjectRetention)";
    status = s3_put_object_retention(conn, vault->client, &options, error);
    *extended = status == S3_OK;
    return status;
}

static void work(void *ctx, struct s3_conn *conn, void *task)
{
    struct lock_extender *extender = ctx;
    bool extended = false;
    const char *doing = NULL;
    struct s3_error error;
    enum s3_status status = S3_CANCELLED;

    s3_error_clear(&error);
    if (!clock_stop_asked())
        status = extend(extender, conn, task, &extended, &doing, &error);
    (void)pthread_mutex_lock(&extender->lock);
    extender->done.extended += extended;
    if (status != S3_OK && status != S3_CANCELLED && extender->done.failed++ == 0)
        (void)failure_from_s3(&extender->done.failure, status, &error, "%s", doing);
    (void)pthread_mutex_unlock(&extender->lock);
    free(task);
}

enum verdict lock_extender_new(const struct program *program, const struct vault *vault, bool dry,
        struct lock_extender **extender, struct failure *failure)
{
    struct lock_extender *made = calloc(1, sizeof *made);
    const int64_t workers = program->config->limits.workers;
    const struct crew_options options = { .program = program,
        .workers = (unsigned)(workers < WORKERS_MAX ? workers : WORKERS_MAX),
        .waiting_max = WAITING_MAX,
        .work = work,
        .ctx = made };

    *extender = NULL;
    if (made == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    made->vault = vault;
    made->dry = dry;
    made->now_ms = vault_now_ms(vault);
    (void)pthread_mutex_init(&made->lock, NULL);
    if (!dry && crew_start(&options, &made->crew, failure) != VERDICT_OK) {
        (void)pthread_mutex_destroy(&made->lock);
        free(made);
        return failure->verdict;
    }
    *extender = made;
    return VERDICT_OK;
}

enum verdict lock_extender_give(struct lock_extender *extender, struct state_text path, struct state_text version,
        int64_t written_ms, struct failure *failure)
{
    struct looking *looking;
    char *text;

    extender->done.versions++;
    if (!lock_extend_may_be_due(extender->vault->config->lock.days, written_ms, extender->now_ms))
        return VERDICT_OK;
    extender->done.looked++;
    if (extender->dry)
        return VERDICT_OK;
    looking = malloc(sizeof *looking + path.len + version.len + 1);
    if (looking == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    text = (char *)(looking + 1);
    *looking = (struct looking){ .path = text, .path_len = path.len, .version = text + path.len };
    memcpy(text, path.ptr, path.len);
    if (version.len > 0)
        memcpy(text + path.len, version.ptr, version.len);
    text[path.len + version.len] = '\0';
    crew_give(extender->crew, looking);
    return VERDICT_OK;
}

void lock_extender_end(struct lock_extender *extender, struct lock_extended *out)
{
    if (extender == NULL)
        return;
    crew_stop(extender->crew);
    *out = extender->done;
    (void)pthread_mutex_destroy(&extender->lock);
    free(extender);
}
