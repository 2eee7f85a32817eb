/* See config_check.h: what a policy cannot ask for. */
#include "agent/config_check.h"

#include "agent/schedule.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    COLD_DAYS = 90, /* GLACIER bills at least these */
    RULE_DAYS = 30  /* lifecycle rules: before STANDARD_IA and ONEZONE_IA, and again before the tier after them */
};

/* The node of the i-th tier, or the policy's where the tier came from the short form. */
static const struct json_node *tier_node(const struct config_policy *policy, size_t i)
{
    const struct json_node *tiers = json_text_member(policy->node, "tiers");
    const struct json_node *node = tiers != NULL ? tiers->first : NULL;

    while (node != NULL && i-- > 0)
        node = node->next;
    return node != NULL ? node : config_where(policy->node, "cold_storage_after_days");
}

static bool is_infrequent(enum storage_class class_)
{
    return class_ == CLASS_STANDARD_IA || class_ == CLASS_ONEZONE_IA;
}

static enum config_status resolve_short_form(const struct config_context *context, struct config_policy *policy)
{
    const struct json_node *where = config_where(policy->node, "cold_storage_after_days");

    if (policy->cold_storage_after_days == CONFIG_UNSET)
        return CONFIG_OK;
    if (policy->tier_count > 0)
        return config_complain(context, where->line, where->column, "it is a tier of \"GLACIER\"",
                "\"cold_storage_after_days\" and \"tiers\" exclude each other");
    policy->tiers = json_text_alloc(context->document, sizeof(*policy->tiers));
    if (policy->tiers == NULL)
        return config_out_of_memory(context);
    policy->tiers[0] = (struct config_tier){ policy->cold_storage_after_days, CLASS_GLACIER };
    policy->tier_count = 1;
    policy->cold_storage_after_days = CONFIG_UNSET;
    return CONFIG_OK;
}

static enum config_status check_order(const struct config_context *context, const struct config_policy *policy)
{
    for (size_t i = 1; i < policy->tier_count; i++) {
        const struct config_tier *before = &policy->tiers[i - 1], *tier = &policy->tiers[i];
        const struct json_node *where = tier_node(policy, i);
        const char *name = storage_class_name(tier->class_), *before_name = storage_class_name(before->class_);

        if (tier->after_days <= before->after_days)
            return config_complain(context, where->line, where->column, "tiers stand in ascending order of days",
                    "tier %s begins after %" PRId64 " days, not later than tier %s before it (%" PRId64 ")", name,
                    tier->after_days, before_name, before->after_days);
        if (!storage_class_may_follow(before->class_, tier->class_))
            return config_complain(context, where->line, where->column, "objects only move to colder classes",
                    "tier %s cannot follow %s", name, before_name);
    }
    return CONFIG_OK;
}

static enum config_status check_rules(const struct config_context *context, const struct config_policy *policy)
{
    for (size_t i = 0; policy->transitions == CONFIG_TRANSITIONS_LIFECYCLE && i < policy->tier_count; i++) {
        const struct config_tier *tier = &policy->tiers[i];
        const struct json_node *where = tier_node(policy, i);
        const char *name = storage_class_name(tier->class_);

        if (is_infrequent(tier->class_) && tier->after_days < RULE_DAYS)
            return config_complain(context, where->line, where->column, "S3 demands at least 30 days before this class",
                    "lifecycle rules cannot move to %s after %" PRId64 " days", name, tier->after_days);
        if (i > 0 && is_infrequent(tier[-1].class_) && tier->after_days - tier[-1].after_days < RULE_DAYS)
            return config_complain(context, where->line, where->column, "S3 demands 30 days in the class before",
                    "lifecycle rules cannot move from %s to %s after %" PRId64 " days",
                    storage_class_name(tier[-1].class_), name, tier->after_days - tier[-1].after_days);
    }
    return CONFIG_OK;
}

static enum config_status check_deletion(const struct config_context *context, const struct config_policy *policy)
{
    const struct json_node *where = config_where(policy->node, "delete_after_days");
    const int64_t end = policy->delete_after_days;
    bool cold = false;
    char hint[96];

    for (size_t i = 0; end != CONFIG_UNSET && i < policy->tier_count; i++) {
        const struct config_tier *tier = &policy->tiers[i];
        const char *name = storage_class_name(tier->class_);

        if (!cold && storage_class_is_archive(tier->class_)) {
            cold = true;
            snprintf(hint, sizeof(hint), "it must be at least %" PRId64 ", 90 days after cold storage",
                    tier->after_days + COLD_DAYS);
            if (end < tier->after_days + COLD_DAYS)
                return config_complain(context, where->line, where->column, hint,
                        "\"delete_after_days\" is %" PRId64 ", but objects go to %s after %" PRId64 " days", end, name,
                        tier->after_days);
        }
        if (tier->after_days >= end) {
            where = tier_node(policy, i);
            return config_complain(context, where->line, where->column, NULL,
                    "tier %s after %" PRId64 " days is never reached: \"delete_after_days\" is %" PRId64, name,
                    tier->after_days, end);
        }
    }
    return CONFIG_OK;
}

static enum config_status check_keep(const struct config_context *context, const struct config_policy *policy)
{
    const struct config_keep *keep = &policy->keep;
    const struct json_node *where = config_where(policy->node, "keep");
    const struct config_duration *const lengths[] = { &keep->within, &keep->within_hourly, &keep->within_daily,
        &keep->within_weekly, &keep->within_monthly, &keep->within_yearly };
    bool any = keep->last != 0 || keep->hourly != 0 || keep->daily != 0 || keep->weekly != 0 || keep->monthly != 0 ||
               keep->yearly != 0;

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        any = any || lengths[i]->years != 0 || lengths[i]->months != 0 || lengths[i]->days != 0 ||
              lengths[i]->hours != 0;
    if (!keep->given || any)
        return CONFIG_OK;
    return config_complain(context, where->line, where->column, "leave it out to keep every point",
            "\"keep\" of policy \"%s\" keeps nothing", policy->name);
}

static enum config_status check_schedule(const struct config_context *context, const struct config_policy *policy)
{
    const struct json_node *where = config_where(policy->node, "schedule");
    struct schedule schedule;
    const char *wrong = policy->schedule != NULL ? schedule_parse(policy->schedule, &schedule) : NULL;

    if (wrong != NULL)
        return config_complain(context, where->line, where->column, "such as \"cron(0 3 * * ? *)\"",
                "\"schedule\" of policy \"%s\": %s", policy->name, wrong);
    where = config_where(policy->node, "timezone");
    if (!schedule_zone_is_known(policy->timezone)) /* keep's days are of it as well */
        return config_complain(context, where->line, where->column, "is tzdata installed?",
                "\"timezone\" of policy \"%s\": this machine knows no \"%s\"", policy->name, policy->timezone);
    return CONFIG_OK;
}

enum config_status config_check_policy(const struct config_context *context, struct config_policy *policy)
{
    enum config_status status = resolve_short_form(context, policy);

    if (policy->schedule != NULL && policy->schedule[0] == '\0')
        policy->schedule = NULL;
    if (status == CONFIG_OK)
        status = check_order(context, policy);
    if (status == CONFIG_OK)
        status = check_rules(context, policy);
    if (status == CONFIG_OK)
        status = check_deletion(context, policy);
    if (status == CONFIG_OK)
        status = check_keep(context, policy);
    if (status == CONFIG_OK)
        status = check_schedule(context, policy);
    return status;
}
