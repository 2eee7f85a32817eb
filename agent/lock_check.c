/* See lock_check.h. */
#include "agent/lock_check.h"

#include <stdio.h>

enum { WEEK = 7, MONTH = 31, YEAR = 366 };

enum verdict lock_judge_bucket(
        const struct s3_bucket_lock *found, const char *bucket, char warning[LOCK_TEXT], struct failure *failure)
{
    warning[0] = '\0';
    if (!found->enabled)
        return failure_set(failure, VERDICT_USAGE,
                "the config asks for a lock, but vault bucket \"%s\" has no Object Lock: enable it (\"vaultferry "
                "bootstrap\" does so), or take \"lock\" out of the config",
                bucket);
    if (found->default_mode[0] != '\0')
        (void)snprintf(warning, LOCK_TEXT,
                "vault bucket \"%s\" has a default retention (%s): it locks leases as well, which then pile up. Take "
                "it "
                "away: each copy has a lock of its own",
                bucket, found->default_mode);
    return VERDICT_OK;
}

static int64_t days_of(const struct config_duration *within)
{
    return within->years * YEAR + within->months * MONTH + within->days + (within->hours > 0 ? 1 : 0);
}

static void reach(int64_t *most, int64_t count, int64_t days)
{
    int64_t end = count == CONFIG_KEEP_ALL || count > INT64_MAX / days ? INT64_MAX : count * days;

    if (end > *most)
        *most = end;
}

/* For how many days at most a point is kept; INT64_MAX: for ever. */
static int64_t longest_kept(const struct config_policy *policy)
{
    const struct config_keep *keep = &policy->keep;
    const struct config_duration *const within[] = { &keep->within, &keep->within_hourly, &keep->within_daily,
        &keep->within_weekly, &keep->within_monthly, &keep->within_yearly };
    int64_t most = 0;

    if (!keep->given)
        return policy->delete_after_days == CONFIG_UNSET ? INT64_MAX : policy->delete_after_days;
    reach(&most, keep->last, 1);
    reach(&most, keep->hourly, 1);
    reach(&most, keep->daily, 1);
    reach(&most, keep->weekly, WEEK);
    reach(&most, keep->monthly, MONTH);
    reach(&most, keep->yearly, YEAR);
    for (size_t i = 0; i < sizeof within / sizeof within[0]; i++)
        reach(&most, 1, days_of(within[i]) > 0 ? days_of(within[i]) : 1);
    if (policy->delete_after_days != CONFIG_UNSET && policy->delete_after_days < most)
        most = policy->delete_after_days;
    return most;
}

bool lock_outlasts(const struct config_lock *lock, const struct config_policy *policy, char out[LOCK_TEXT])
{
    int64_t kept = longest_kept(policy);

    if (!lock->given || kept == INT64_MAX || lock->days <= kept + policy->grace_days)
        return false;
    (void)snprintf(out, LOCK_TEXT,
            "the vault's lock holds for %lld days, but policy \"%.60s\" keeps no point for more than %lld: what it "
            "forgets is paid for until its lock ends",
            (long long)lock->days, policy->name, (long long)kept);
    return true;
}
