/* See rules.h: the rules that the policies ask for. What is there is judged in rules_judge.c. */
#include "agent/rules_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/place.h"

enum {
    INFREQUENT_DAYS = 30, /* S3's rules: before STANDARD_IA and ONEZONE_IA, and again before the tier after them */
    ID_MAX = 255
};
static const char *const kinds[RULES_KINDS] = { "data/", "data-long/" };

const char *rules_stem(const char *prefix, char out[RULES_STEM_SIZE])
{
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a: only tells the vaults of one bucket apart */

    for (const char *p = prefix; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * UINT32_C(16777619);
    if (prefix[0] == '\0')
        (void)snprintf(out, RULES_STEM_SIZE, "vaultferry-");
    else
        (void)snprintf(out, RULES_STEM_SIZE, "vaultferry-%08x-", (unsigned)hash);
    return out;
}

bool rules_id_is_ours(const char *prefix, struct s3_text id)
{
    char stem[RULES_STEM_SIZE];
    size_t length = strlen(rules_stem(prefix, stem)), digits = 0;

    if (id.len < length || memcmp(id.ptr, stem, length) != 0)
        return false;
    /* of a vault under a prefix in the same bucket? */
    while (prefix[0] == '\0' && length + digits < id.len && strchr("0123456789abcdef", id.ptr[length + digits]) != NULL)
        digits++;
    return !(digits == 8 && length + digits < id.len && id.ptr[length + digits] == '-');
}

size_t rules_folder(const char *prefix, unsigned kind, const char *folder, char out[RULES_PATH_SIZE])
{
    int length = snprintf(out, RULES_PATH_SIZE, "%s%s%s%s", prefix, kinds[kind], folder, folder[0] != '\0' ? "/" : "");

    return length > 0 && length < RULES_PATH_SIZE ? (size_t)length : 0;
}

static bool is_infrequent(const struct config_tier *tier)
{
    return tier->class_ == CLASS_STANDARD_IA || tier->class_ == CLASS_ONEZONE_IA;
}

/* A tier of which no rule is needed, and none is possible: every copy that is large enough is made in it. */
static bool is_from_the_start(const struct config_tier *tier)
{
    return is_infrequent(tier) && tier->after_days == 0;
}

bool rules_can_express(const struct config_policy *policy)
{
    for (size_t i = 0; i < policy->tier_count; i++) {
        const struct config_tier *tier = &policy->tiers[i];
        if (is_infrequent(tier) && !is_from_the_start(tier) && tier->after_days < INFREQUENT_DAYS)
            return false;
        if (i + 1 < policy->tier_count && is_infrequent(tier) &&
                tier[1].after_days - tier->after_days < INFREQUENT_DAYS)
            return false;
    }
    return true;
}

/* Of a source that the config forgot: what moves its current versions today. */
static void moves_of_found(const struct rules_task *task, const char *folder, struct rules_moves *moves)
{
    char path[RULES_PATH_SIZE];
    const struct s3_text under = { path, rules_folder(task->config->vault.prefix, 0, folder, path) };

    for (size_t i = 0; i < task->found->move_count && moves->count < RULES_MOVES; i++) {
        const struct s3_lifecycle_move *move = &task->found->moves[i];
        const struct s3_lifecycle_rule *rule = &task->found->rules[move->rule];
        struct rules_move one = { storage_class_from(move->class_.ptr, move->class_.len), move->days,
            rule->larger_than };
        bool known = false;
        if (!rule->enabled || !rules_id_is_ours(task->config->vault.prefix, rule->id) || rule->tags > 0 ||
                rule->smaller_than > 0 || move->noncurrent || move->date_ms != 0 || one.class_ == CLASS_OTHER ||
                !rules_covers(rule->prefix, under))
            continue;
        for (size_t j = 0; j < moves->count; j++)
            known = known || (moves->items[j].class_ == one.class_ && moves->items[j].days == one.days);
        if (!known)
            moves->items[moves->count++] = one;
    }
}

void rules_moves_of(const struct rules_task *task, const struct rules_source *source, struct rules_moves *moves)
{
    const struct config_policy *policy = source->policy;

    memset(moves, 0, sizeof *moves);
    if (policy == NULL) {
        moves_of_found(task, source->folder, moves);
    } else if (policy->transitions != CONFIG_TRANSITIONS_AGENT && rules_can_express(policy)) {
        for (size_t i = 0; i < policy->tier_count && moves->count < RULES_MOVES; i++) {
            const struct config_tier *tier = &policy->tiers[i];
            uint64_t from = place_min_bytes(policy, task->prices, tier->class_);
            if (from != UINT64_MAX && !is_from_the_start(tier))
                moves->items[moves->count++] = (struct rules_move){
                    tier->class_, (uint32_t)tier->after_days, from > 0 ? from - 1 : 0 /* S3's filter: greater than */
                };
        }
    }
    for (size_t i = 0; i < moves->count; i++)
        if (moves->items[i].larger_than > moves->largest)
            moves->largest = moves->items[i].larger_than;
}

static bool moves_equal(const struct rules_moves *a, const struct rules_moves *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].class_ != b->items[i].class_ || a->items[i].days != b->items[i].days ||
                a->items[i].larger_than != b->items[i].larger_than)
            return false;
    return true;
}

/* Whether each folder that there is, and each that the config may select one day, asks for the same. */
static bool all_ask_for(const struct rules_task *task, const struct rules_moves *first)
{
    struct rules_moves other;

    for (size_t i = 0; i < task->config->source_count; i++) {
        rules_moves_of(task, &(struct rules_source){ "", task->config->sources[i].policy }, &other);
        if (!moves_equal(first, &other))
            return false;
    }
    for (size_t i = 0; i < task->count; i++) {
        rules_moves_of(task, &task->sources[i], &other);
        if (!moves_equal(first, &other))
            return false;
    }
    return true;
}

static struct s3_text keep(struct rules_wanted *wanted, const char *text)
{
    char *copy = strdup(text);

    if (wanted->text_count == wanted->text_capacity) {
        size_t capacity = wanted->text_capacity == 0 ? 32 : wanted->text_capacity * 2;
        char **larger = realloc(wanted->texts, capacity * sizeof *larger);
        if (larger == NULL) {
            free(copy);
            return (struct s3_text){ NULL, 0 };
        }
        wanted->texts = larger;
        wanted->text_capacity = capacity;
    }
    if (copy == NULL)
        return (struct s3_text){ NULL, 0 };
    wanted->texts[wanted->text_count++] = copy;
    return (struct s3_text){ copy, strlen(copy) };
}

/* Adds the rule, with texts of its own. */
static bool add(struct rules_wanted *wanted, struct s3_lifecycle_rule rule, const char *id, const char *prefix)
{
    rule.id = keep(wanted, id);
    rule.prefix = keep(wanted, prefix);
    rule.enabled = true;
    return rule.id.ptr != NULL && rule.prefix.ptr != NULL && s3_lifecycle_add(&wanted->rules, &rule);
}

static bool add_moves(struct rules_wanted *wanted, const struct rules_moves *moves, uint64_t larger_than, bool one)
{
    for (unsigned noncurrent = 0; noncurrent < 2; noncurrent++)
        for (size_t i = 0; i < moves->count; i++) {
            const struct rules_move *move = &moves->items[i];
            const char *name = storage_class_name(move->class_);
            const struct s3_lifecycle_move add = { .noncurrent = noncurrent == 1,
                .days = rules_days(move, noncurrent == 1),
                .class_ = { name, strlen(name) } };
            if ((one || move->larger_than == larger_than) && !s3_lifecycle_add_move(&wanted->rules, &add))
                return false;
        }
    return true;
}

/* The rules of a folder, "" for all: tiers with one size filter share a rule; with `one` all do, with the largest. */
static bool add_folder(const struct rules_task *task, const char *folder, const struct rules_moves *moves, bool one,
        struct rules_wanted *wanted)
{
    char stem[RULES_STEM_SIZE], id[ID_MAX + 1], path[RULES_PATH_SIZE];

    (void)rules_stem(task->config->vault.prefix, stem);
    for (unsigned kind = 0; kind < RULES_KINDS; kind++) {
        unsigned number = 0;
        if (rules_folder(task->config->vault.prefix, kind, folder, path) == 0)
            return false;
        for (size_t i = 0; i < moves->count; i++) {
            const uint64_t larger_than = one ? moves->largest : moves->items[i].larger_than;
            bool first = true;
            for (size_t j = 0; j < i; j++)
                first = first && !one && moves->items[j].larger_than != larger_than;
            if (!first)
                continue;
            (void)snprintf(
                    id, sizeof id, "%s%s%s%s%u", stem, kinds[kind], folder, folder[0] != '\0' ? "/" : "", ++number);
            if (!add(wanted, (struct s3_lifecycle_rule){ .larger_than = larger_than }, id, path) ||
                    !add_moves(wanted, moves, larger_than, one))
                return false;
        }
    }
    return true;
}

static bool add_upkeep(const struct rules_task *task, struct rules_wanted *wanted)
{
    const char *prefix = task->config->vault.prefix;
    char stem[RULES_STEM_SIZE], id[ID_MAX + 1], path[RULES_PATH_SIZE];

    (void)rules_stem(prefix, stem);
    for (unsigned kind = 0; kind < RULES_KINDS; kind++) {
        (void)snprintf(id, sizeof id, "%suploads/%s", stem, kinds[kind]);
        if (rules_folder(prefix, kind, "", path) == 0 ||
                !add(wanted, (struct s3_lifecycle_rule){ .abort_days = RULES_UPLOAD_DAYS }, id, path))
            return false;
    }
    (void)snprintf(id, sizeof id, "%sleases", stem);
    (void)snprintf(path, sizeof path, "%slease/", prefix);
    /* With days, markers that hide nothing go as well, without being asked for. */
    return add(wanted,
            (struct s3_lifecycle_rule){ .expires = true,
                    .expires_days = RULES_LEASE_DAYS,
                    .expires_noncurrent = true,
                    .noncurrent_days = RULES_LEASE_DAYS },
            id, path);
}

static bool derive(const struct rules_task *task, bool one, struct rules_wanted *wanted)
{
    struct rules_moves moves = { .count = 0 };

    if (!add_upkeep(task, wanted))
        return false;
    if (task->config->source_count > 0)
        rules_moves_of(task, &(struct rules_source){ "", task->config->sources[0].policy }, &moves);
    if (moves.count > 0 && all_ask_for(task, &moves))
        return add_folder(task, "", &moves, one, wanted);
    for (size_t i = 0; i < task->count; i++) {
        rules_moves_of(task, &task->sources[i], &moves);
        if (!add_folder(task, task->sources[i].folder, &moves, one, wanted))
            return false;
    }
    return true;
}

enum verdict rules_derive(const struct rules_task *task, struct rules_wanted *wanted, struct failure *failure)
{
    size_t foreign = 0;

    memset(wanted, 0, sizeof *wanted);
    s3_lifecycle_init(&wanted->rules);
    for (size_t i = 0; i < task->found->count; i++)
        foreign += !rules_id_is_ours(task->config->vault.prefix, task->found->rules[i].id);
    if (derive(task, false, wanted) && wanted->rules.count + foreign <= S3_LIFECYCLE_RULES_MAX)
        return VERDICT_OK;
    rules_wanted_free(wanted);
    if (derive(task, true, wanted) && wanted->rules.count + foreign <= S3_LIFECYCLE_RULES_MAX)
        return VERDICT_OK;
    if (wanted->rules.count + foreign < S3_LIFECYCLE_RULES_MAX)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    return failure_set(failure, VERDICT_FULL,
            "the vault has %zu sources, whose tiers differ, and S3 takes 1,000 lifecycle rules, two a source and %zu "
            "of others: give all sources the same tiers, use more than one vault, or set \"transitions\" to \"agent\"",
            task->count, foreign);
}

void rules_wanted_free(struct rules_wanted *wanted)
{
    for (size_t i = 0; i < wanted->text_count; i++)
        free(wanted->texts[i]);
    free(wanted->texts);
    s3_lifecycle_free(&wanted->rules);
    memset(wanted, 0, sizeof *wanted);
}
