/* See lock_extend.h. */
#include "agent/lock_extend.h"

#include <string.h>

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

static bool fail(struct lock_extend *extend, enum s3_status status, const struct s3_error *error, const char *doing)
{
    if (extend->failed++ == 0)
        (void)failure_from_s3(&extend->failure, status, error, "%s", doing);
    return false;
}

bool lock_extend_version(
        struct lock_extend *extend, const char *path, size_t path_len, const char *version, int64_t written_ms)
{
    const struct vault *vault = extend->vault;
    struct s3_put_retention_options options = { .target = vault_target(vault, path, path_len) };
    struct s3_retention now = { .until_ms = 0 };
    struct s3_write lock = { .lock_mode = NULL };
    char until[STATE_TIME_SIZE];
    struct s3_error error;
    enum s3_status status;

    if (!lock_extend_wanted(vault))
        return true;
    extend->versions++;
    if (!lock_extend_may_be_due(vault->config->lock.days, written_ms, extend->now_ms))
        return true;
    options.target.version = version;
    extend->looked++;
    status = s3_get_object_retention(extend->conn, vault->client, &options.target, &now, &error);
    if (status != S3_OK)
        return fail(extend, status, &error, "looking at the lock of a version (grant s3:GetObjectRetention)");
    if (!lock_extend_is_due(vault->config->lock.days, now.until_ms, extend->now_ms))
        return true;
    vault_lock_from(vault, extend->now_ms, &lock, until);
    options.mode = strcmp(now.mode, "COMPLIANCE") == 0 ? now.mode : lock.lock_mode; /* it cannot be made weaker */
    options.until = until;
    if (!extend->dry) {
        status = s3_put_object_retention(extend->conn, vault->client, &options, &error);
        if (status != S3_OK)
            return fail(extend, status, &error, "extending the lock of a version (grant s3:PutObjectRetention)");
    }
    extend->extended++;
    return true;
}
