/* See health.h. */
#include "agent/health.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event.h"
#include "agent/lock_check.h"
#include "s3/bucket.h"

/* Where the objects lie, and what is needed to find them; a lease is of no use after its run. */
static const struct {
    const char *name;
    bool catalog; /* must be readable at once: without it nothing is found */
} folders[] = { { "data/", false }, { "data-long/", false }, { "names/", true }, { "points/", true },
    { "prune/", true } };

enum { FOLDERS = sizeof folders / sizeof folders[0] };

/* A rule's prefix and a folder have keys in common where one begins with the other. */
static bool reaches(struct s3_text rule, const char *prefix, const char *folder)
{
    char path[STATE_PREFIX_MAX + 16];
    int length = snprintf(path, sizeof path, "%s%s", prefix, folder);
    size_t common;

    if (length < 0 || (size_t)length >= sizeof path)
        return true;
    common = rule.len < (size_t)length ? rule.len : (size_t)length;
    return common == 0 || memcmp(rule.ptr, path, common) == 0;
}

static bool expires(const struct s3_lifecycle_rule *rule)
{
    return rule->expires || rule->expires_noncurrent;
}

/* The class to which the rule moves what has to be readable; empty: none. */
static struct s3_text archives_to(const struct s3_lifecycle *rules, size_t index)
{
    for (size_t i = 0; i < rules->move_count; i++) {
        const struct s3_lifecycle_move *move = &rules->moves[i];
        if (move->rule == index && storage_class_is_archive(storage_class_from(move->class_.ptr, move->class_.len)))
            return move->class_;
    }
    return (struct s3_text){ NULL, 0 };
}

/* "points/, names/": the folders that it reaches, of the catalog only or of all. */
static bool name_folders(const struct s3_lifecycle_rule *rule, const char *prefix, bool catalog, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < FOLDERS; i++) {
        int length;
        if ((catalog && !folders[i].catalog) || !reaches(rule->prefix, prefix, folders[i].name))
            continue;
        length = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", folders[i].name);
        if (length > 0 && (size_t)length < size - used)
            used += (size_t)length;
    }
    return used > 0;
}

bool health_judge_rule(const struct s3_lifecycle *rules, size_t index, const char *prefix, char out[HEALTH_TEXT])
{
    const struct s3_lifecycle_rule *rule = &rules->rules[index];
    struct s3_text class_ = archives_to(rules, index);
    char where[80], id[80];
    const char *what = rule->expires
                               ? rule->expires_noncurrent ? "versions, current and noncurrent" : "current versions"
                               : "noncurrent versions";

    if (!rule->enabled)
        return false;
    (void)key_for_people(rule->id.ptr, rule->id.len, id, sizeof id);
    if (expires(rule) && name_folders(rule, prefix, false, where, sizeof where)) {
        (void)snprintf(out, HEALTH_TEXT,
                "lifecycle rule \"%s\" of the vault is not one of vaultferry's and expires %s under %s%s: recovery "
                "points would lose their objects. Disable it",
                id, what, where, rule->tags > 0 ? " (by tag)" : "");
        return true;
    }
    if (class_.len > 0 && name_folders(rule, prefix, true, where, sizeof where)) {
        (void)snprintf(out, HEALTH_TEXT,
                "lifecycle rule \"%s\" of the vault is not one of vaultferry's and moves %s to %.*s: a catalog there "
                "cannot be read without a thaw. Disable it",
                id, where, (int)(class_.len < 40 ? class_.len : 40), class_.ptr);
        return true;
    }
    return false;
}

enum verdict health_judge_versioning(
        const struct s3_versioning_answer *versioning, const char *bucket, struct failure *failure)
{
    if (versioning->enabled)
        return VERDICT_OK;
    return failure_set(failure, VERDICT_USAGE,
            "vault bucket \"%s\" is not versioned%s: without versions it keeps no history. Enable versioning", bucket,
            versioning->suspended ? " any more (suspended)" : "");
}

static void warn(struct health *health, const char *event, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static void warn(struct health *health, const char *event, const char *format, ...)
{
    char text[HEALTH_TEXT];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    event_warn(event, NULL, "%s", text);
    if (health->count < HEALTH_WARNINGS)
        memcpy(health->warnings[health->count++], text, sizeof text);
}

/*
 * Denied with the owner that the config names: S3 does not say whether that is why. Asked without it, a bucket that
 * answers is somebody else's.
 */
static void judge_denied(const struct vault *vault, struct s3_conn *conn, struct health *health)
{
    struct s3_bucket_options options = { .bucket = vault->bucket, .expected_owner = vault->owner };
    struct s3_bucket_head head;
    struct s3_error error;

    if (vault->owner != NULL && s3_head_bucket(conn, vault->client, &options, &head, &error) == S3_DENIED) {
        options.expected_owner = NULL;
        if (s3_head_bucket(conn, vault->client, &options, &head, &error) == S3_OK) {
            failure_set(&health->failure, VERDICT_NO_ACCESS,
                    "vault bucket \"%s\" does not belong to account %s, which the config names: nothing is written to "
                    "it",
                    vault->bucket, vault->owner);
            health->refused = true;
            return;
        }
        warn(health, "vault-not-checked",
                "vault bucket \"%s\" may not be looked at: it does not belong to account %s, or the vault's role lacks "
                "s3:ListBucket and s3:GetBucketVersioning",
                vault->bucket, vault->owner);
        return;
    }
    warn(health, "vault-not-checked",
            "whether the vault is versioned may not be read: grant s3:GetBucketVersioning on \"%s\"", vault->bucket);
}

static void check_versioning(const struct vault *vault, struct s3_conn *conn, struct health *health)
{
    const struct s3_bucket_options options = { .bucket = vault->bucket, .expected_owner = vault->owner };
    struct s3_versioning_answer versioning;
    struct s3_error error;
    enum s3_status status = s3_get_bucket_versioning(conn, vault->client, &options, &versioning, &error);

    /* credentials that are wrong, or a role that may not be taken, are told as they are */
    if (status == S3_DENIED && strcmp(error.code, "AccessDenied") == 0 &&
            strcmp(error.operation, "GetBucketVersioning") == 0) {
        judge_denied(vault, conn, health);
        return;
    }
    if (status != S3_OK)
        failure_from_s3(&health->failure, status, &error, "looking at the vault");
    if (status != S3_OK || health_judge_versioning(&versioning, vault->bucket, &health->failure) != VERDICT_OK)
        health->refused = true;
}

/* Neither by rule nor by the agent, who does not copy what is locked: tiers are for first copies only. */
static void warn_unmoved(const struct rules_task *task, struct health *health)
{
    for (size_t i = 0; i < task->count; i++) {
        const struct rules_source *source = &task->sources[i];
        if (!task->config->vault.lock.given || source->policy->transitions != CONFIG_TRANSITIONS_AUTO ||
                rules_can_express(source->policy))
            continue;
        warn(health, "vault-rules-differ",
                "source \"%s\": nothing moves its copies to colder classes later: the vault has a lock, and lifecycle "
                "rules need 30 days before STANDARD_IA or ONEZONE_IA and 30 more after it. Change the tiers of policy "
                "\"%s\"",
                source->folder, source->policy->name);
        return;
    }
}

/* Whether what lacks is somebody else's: with "auto", the agent moves where there are no rules, but not under a lock.
 */
static bool is_agents(const struct rules_task *task, const struct rules_source *source, enum rules_found found)
{
    return found == RULES_NONE && source->policy->transitions == CONFIG_TRANSITIONS_AUTO &&
           !task->config->vault.lock.given;
}

void health_judge_rules(const struct rules_task *task, struct health *health)
{
    char first[RULES_TEXT] = "", text[RULES_TEXT];
    size_t differing = 0;

    health->rules = (struct rules){ .entries = calloc(task->count + 1, sizeof *health->rules.entries) };
    for (size_t i = 0; health->rules.entries != NULL && i < task->count; i++) {
        const struct rules_source *source = &task->sources[i];
        struct rules_entry *entry = &health->rules.entries[health->rules.count++];
        (void)snprintf(entry->folder, sizeof entry->folder, "%s", source->folder);
        entry->found = rules_judge(task, source, text);
        if (entry->found == RULES_INSTALLED || is_agents(task, source, entry->found))
            continue;
        if (differing++ == 0)
            memcpy(first, text, sizeof first);
    }
    warn_unmoved(task, health);
    if (differing == 0 && (!rules_has_ours(task) || rules_judge_upkeep(task, first)))
        return;
    text[0] = '\0';
    if (differing > 1)
        (void)snprintf(text, sizeof text, " (and %zu more)", differing - 1);
    warn(health, "vault-rules-differ",
            "the vault's lifecycle rules are not what the policies ask for: %.240s%.24s. \"vaultferry bootstrap\" "
            "writes them",
            first, text);
}

/* Beside what takes away: what is to be there. */
static void compare_rules(const struct program *program, const struct s3_lifecycle *found, const struct source *sources,
        size_t count, struct health *health)
{
    struct rules_source *wanted = calloc(count + 1, sizeof *wanted);
    struct prices prices;
    struct failure failure = { .what = "out of memory" };

    for (size_t i = 0; wanted != NULL && i < count; i++)
        wanted[i] = (struct rules_source){ sources[i].name, sources[i].policy };
    if (wanted == NULL || prices_load(program->config, &prices, &failure) != VERDICT_OK)
        warn(health, "vault-not-checked", "whether the vault has its lifecycle rules is not known: %.200s",
                failure.what);
    else
        health_judge_rules(&(struct rules_task){ .config = program->config,
                                   .prices = &prices,
                                   .sources = wanted,
                                   .count = count,
                                   .found = found },
                health);
    free(wanted);
}

static void check_rules(const struct program *program, const struct vault *vault, struct s3_conn *conn,
        const struct source *sources, size_t count, struct health *health)
{
    const struct s3_bucket_options options = { .bucket = vault->bucket, .expected_owner = vault->owner };
    struct s3_lifecycle rules;
    struct s3_error error;
    enum s3_status status;
    char text[HEALTH_TEXT];

    s3_lifecycle_init(&rules);
    status = s3_get_bucket_lifecycle(conn, vault->client, &options, &rules, &error);
    for (size_t i = 0; status == S3_OK && i < rules.count; i++)
        if (health_judge_rule(&rules, i, vault->config->prefix, text))
            warn(health, "vault-rule-foreign", "%s", text);
    if (status == S3_OK)
        compare_rules(program, &rules, sources, count, health);
    if (status == S3_DENIED)
        warn(health, "vault-not-checked",
                "the vault's lifecycle rules may not be read: grant s3:GetLifecycleConfiguration on \"%s\"",
                vault->bucket);
    else if (status != S3_OK && status != S3_CANCELLED)
        warn(health, "vault-not-checked", "the vault's lifecycle rules cannot be read: %s%s%s", error.code,
                error.code[0] != '\0' ? ": " : "", error.message);
    s3_lifecycle_free(&rules);
}

/* Whether the bucket can do what the config asks for; and what the lock does beside the policies of this run. */
static void check_lock(const struct vault *vault, struct s3_conn *conn, const struct source *sources, size_t count,
        struct health *health)
{
    const struct s3_bucket_options options = { .bucket = vault->bucket, .expected_owner = vault->owner };
    struct s3_bucket_lock lock;
    struct s3_error error;
    enum s3_status status;
    char text[LOCK_TEXT];

    if (!vault->config->lock.given)
        return;
    status = s3_get_bucket_lock(conn, vault->client, &options, &lock, &error);
    if (status == S3_DENIED) {
        warn(health, "vault-not-checked",
                "whether the vault can lock may not be read: grant s3:GetBucketObjectLockConfiguration on \"%s\"",
                vault->bucket);
    } else if (status != S3_OK) {
        failure_from_s3(&health->failure, status, &error, "looking at the vault's Object Lock");
        health->refused = true;
    } else if (lock_judge_bucket(&lock, vault->bucket, text, &health->failure) != VERDICT_OK) {
        health->refused = true;
    } else if (text[0] != '\0') {
        warn(health, "vault-locks-by-default", "%s", text);
    }
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (sources[first].policy != sources[i].policy)
            first++;
        if (first == i && lock_outlasts(&vault->config->lock, sources[i].policy, text))
            warn(health, "lock-outlasts-policy", "%s", text);
    }
}

void health_check(const struct program *program, const struct access *vault_access, const struct source *sources,
        size_t count, struct health *health)
{
    const struct config_vault *config = &program->config->vault;
    const struct vault vault = { .config = config,
        .bucket = config->bucket,
        .owner = config->access.account,
        .client = access_client(vault_access) };
    struct s3_conn *conn = NULL;

    memset(health, 0, sizeof *health);
    if (program_connect(program, &conn, &health->failure) != VERDICT_OK) {
        health->refused = true;
        return;
    }
    check_versioning(&vault, conn, health);
    if (!health->refused)
        check_lock(&vault, conn, sources, count, health);
    if (!health->refused)
        check_rules(program, &vault, conn, sources, count, health);
    s3_conn_free(conn);
}

void health_free(struct health *health)
{
    rules_free(&health->rules);
}
