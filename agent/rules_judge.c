/* Whether a bucket's rules do what the policies ask for; see rules.h. */
#include "agent/rules_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One folder of a source, and what is to happen under it. */
struct judging {
    const struct rules_task *task;
    const struct rules_source *source;
    struct rules_moves wanted;
    bool sizes_dropped;
    bool any; /* a rule moves something of the source */
    char paths[RULES_KINDS][RULES_PATH_SIZE];
    char *out;
};

bool rules_covers(struct s3_text rule, struct s3_text folder)
{
    return rule.len <= folder.len && (rule.len == 0 || memcmp(rule.ptr, folder.ptr, rule.len) == 0);
}

bool rules_sizes_dropped(const struct s3_lifecycle *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->rules[i].larger_than > 0 || found->rules[i].smaller_than > 0)
            return false;
    return true;
}

bool rules_has_ours(const struct rules_task *task)
{
    for (size_t i = 0; i < task->found->count; i++)
        if (rules_id_is_ours(task->config->vault.prefix, task->found->rules[i].id))
            return true;
    return false;
}

static bool is_near(const struct judging *judging, uint64_t found, uint64_t wanted)
{
    const struct config_policy *policy = judging->source->policy;

    if (found == wanted || judging->sizes_dropped)
        return true;
    return policy != NULL && policy->min_size == CONFIG_AUTO && found >= wanted / 2 && found / 2 <= wanted;
}

/* Whether this move of the bucket's is that one. */
static bool is_move(const struct judging *judging, const struct s3_lifecycle_move *found,
        const struct rules_move *wanted, bool noncurrent)
{
    const struct s3_lifecycle_rule *rule = &judging->task->found->rules[found->rule];

    return rule->tags == 0 && rule->smaller_than == 0 && found->noncurrent == noncurrent && found->date_ms == 0 &&
           found->keep == 0 && found->days == rules_days(wanted, noncurrent) &&
           storage_class_from(found->class_.ptr, found->class_.len) == wanted->class_ &&
           (is_near(judging, rule->larger_than, wanted->larger_than) ||
                   is_near(judging, rule->larger_than, judging->wanted.largest));
}

static struct s3_text path_of(const struct judging *judging, unsigned kind)
{
    return (struct s3_text){ judging->paths[kind], strlen(judging->paths[kind]) };
}

static bool is_there(struct judging *judging, unsigned kind, const struct rules_move *wanted, bool noncurrent)
{
    const struct s3_lifecycle *found = judging->task->found;

    for (size_t i = 0; i < found->move_count; i++) {
        const struct s3_lifecycle_rule *rule = &found->rules[found->moves[i].rule];
        if (rule->enabled && rules_covers(rule->prefix, path_of(judging, kind)) &&
                is_move(judging, &found->moves[i], wanted, noncurrent)) {
            judging->any = true;
            return true;
        }
    }
    return false;
}

/* Puts the first that lacks into `out`. */
static bool all_there(struct judging *judging)
{
    bool all = true;

    for (unsigned kind = 0; kind < RULES_KINDS; kind++)
        for (size_t i = 0; i < judging->wanted.count; i++)
            for (unsigned noncurrent = 0; noncurrent < 2; noncurrent++) {
                const struct rules_move *move = &judging->wanted.items[i];
                if (is_there(judging, kind, move, noncurrent == 1))
                    continue;
                if (all)
                    (void)snprintf(judging->out, RULES_TEXT,
                            "source \"%s\": no rule moves its %s versions under %.200s to %s after %" PRIu32
                            " days from %" PRIu64 " bytes on",
                            judging->source->folder, noncurrent == 1 ? "noncurrent" : "current", judging->paths[kind],
                            storage_class_name(move->class_), rules_days(move, noncurrent == 1), move->larger_than + 1);
                all = false;
            }
    return all;
}

static bool is_wanted(const struct judging *judging, const struct s3_lifecycle_move *found)
{
    for (size_t i = 0; i < judging->wanted.count; i++)
        if (is_move(judging, found, &judging->wanted.items[i], found->noncurrent))
            return true;
    return false;
}

/* Moves under our ids that reach the source and that nobody asks for. What others' rules move is their affair. */
static bool none_besides(struct judging *judging)
{
    const struct s3_lifecycle *found = judging->task->found;
    bool none = true;

    for (size_t i = 0; i < found->move_count; i++) {
        const struct s3_lifecycle_move *move = &found->moves[i];
        const struct s3_lifecycle_rule *rule = &found->rules[move->rule];
        bool reaches = false, covers = false;
        for (unsigned kind = 0; kind < RULES_KINDS; kind++) {
            const struct s3_text path = path_of(judging, kind);
            covers = covers || rules_covers(rule->prefix, path);
            reaches = reaches || covers || rules_covers(path, rule->prefix);
        }
        if (!rule->enabled || !reaches || !rules_id_is_ours(judging->task->config->vault.prefix, rule->id))
            continue;
        judging->any = true;
        if (covers && is_wanted(judging, move))
            continue;
        if (none && judging->out[0] == '\0') {
            char id[80];
            (void)snprintf(judging->out, RULES_TEXT,
                    "source \"%s\": rule \"%s\" moves %s versions to %.*s after %" PRIu32
                    " days, which its policy does not ask for",
                    judging->source->folder, key_for_people(rule->id.ptr, rule->id.len, id, sizeof id),
                    move->noncurrent ? "noncurrent" : "current", (int)(move->class_.len < 40 ? move->class_.len : 40),
                    move->class_.ptr, move->days);
        }
        none = false;
    }
    return none;
}

enum rules_found rules_judge(const struct rules_task *task, const struct rules_source *source, char out[RULES_TEXT])
{
    struct judging judging = {
        .task = task, .source = source, .sizes_dropped = rules_sizes_dropped(task->found), .out = out
    };
    bool all, none;

    out[0] = '\0';
    rules_moves_of(task, source, &judging.wanted);
    for (unsigned kind = 0; kind < RULES_KINDS; kind++)
        (void)rules_folder(task->config->vault.prefix, kind, source->folder, judging.paths[kind]);
    all = all_there(&judging);
    none = none_besides(&judging);
    if (all && none)
        return RULES_INSTALLED;
    return judging.any ? RULES_DIFFER : RULES_NONE;
}

static bool has_upkeep(const struct rules_task *task, const char *prefix, bool leases)
{
    for (size_t i = 0; i < task->found->count; i++) {
        const struct s3_lifecycle_rule *rule = &task->found->rules[i];
        bool does = leases ? rule->expires && rule->expires_noncurrent : rule->abort_days > 0;
        if (rule->enabled && does && rule->tags == 0 && rule->larger_than == 0 && rule->smaller_than == 0 &&
                rules_covers(rule->prefix, (struct s3_text){ prefix, strlen(prefix) }))
            return true;
    }
    return false;
}

bool rules_judge_upkeep(const struct rules_task *task, char out[RULES_TEXT])
{
    const char *prefix = task->config->vault.prefix;
    char path[RULES_PATH_SIZE];

    for (unsigned kind = 0; kind < RULES_KINDS; kind++)
        if (rules_folder(prefix, kind, "", path) > 0 && !has_upkeep(task, path, false)) {
            (void)snprintf(out, RULES_TEXT, "no rule aborts uploads under %.200s that nobody goes on with", path);
            return false;
        }
    (void)snprintf(path, sizeof path, "%slease/", prefix);
    if (has_upkeep(task, path, true))
        return true;
    (void)snprintf(out, RULES_TEXT, "no rule expires old leases under %.200s", path);
    return false;
}

enum rules_found rules_of_source(const struct rules *rules, const char *folder)
{
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->entries[i].folder, folder) == 0)
            return rules->entries[i].found;
    return RULES_UNREADABLE;
}

void rules_free(struct rules *rules)
{
    free(rules->entries);
    *rules = (struct rules){ .count = 0 };
}
