/* See select.h. */
#include "agent/select.h"

#include "agent/config_message.h"
#include "agent/glob.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void explain(struct select_reason *reason, const char *format, ...)
{
    va_list args;

    if (reason == NULL)
        return;
    va_start(args, format);
    vsnprintf(reason->text, sizeof(reason->text), format, args);
    va_end(args);
}

static bool matches(const char *pattern, const char *text)
{
    return glob_match(pattern, strlen(pattern), text, strlen(text));
}

/* The name behind the ARN's empty region and account; config_check has seen that they are there. */
static const char *arn_name(const char *arn)
{
    const char *colons = strstr(arn, ":::");

    return colons != NULL ? colons + 3 : arn;
}

static bool arn_matches(const char *pattern, const struct select_candidate *candidate)
{
    if (candidate->arn != NULL)
        return matches(pattern, candidate->arn);
    return matches(arn_name(pattern), candidate->name);
}

static const char *matching_name(const struct config_strings *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (matches(patterns->items[i], name))
            return patterns->items[i];
    return NULL;
}

static bool is_foreign(const struct config_source *source, const struct select_candidate *candidate)
{
    return source->access.account != NULL && candidate->account != NULL &&
           strcmp(source->access.account, candidate->account) != 0;
}

/* The pattern of `buckets` or `arns` that takes the bucket; without any of these, its tags decide alone. */
static enum select_verdict match_names(
        const struct config_source *source, const struct select_candidate *candidate, struct select_reason *reason)
{
    const struct config_select *select = &source->select;
    const char *pattern = matching_name(&select->buckets, candidate->name);

    if (pattern != NULL) {
        explain(reason, "matches \"%s\" of \"buckets\"", config_quote(pattern).text);
        return SELECT_YES;
    }
    for (size_t i = 0; i < select->arns.count; i++) {
        if (arn_matches(select->arns.items[i], candidate)) {
            explain(reason, "matches \"%s\" of \"arns\"", config_quote(select->arns.items[i]).text);
            return SELECT_YES;
        }
    }
    if (select->buckets.count == 0 && select->arns.count == 0 && select->tags.count > 0) {
        explain(reason, "has the tags of \"tags\"");
        return SELECT_YES;
    }
    explain(reason, "matches nothing of \"buckets\" and \"arns\"");
    return SELECT_NO;
}

static enum select_verdict match_tags(
        const struct config_source *source, const struct select_candidate *candidate, struct select_reason *reason)
{
    const struct config_pairs *wanted = &source->select.tags;

    if (wanted->count > 0 && !candidate->tags_known) {
        explain(reason, "depends on its tags");
        return SELECT_TAGS_NEEDED;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        const char *name = wanted->items[i].name, *found = NULL;

        for (size_t k = 0; k < candidate->tag_count && found == NULL; k++)
            if (strcmp(candidate->tags[k].key, name) == 0)
                found = candidate->tags[k].value;
        if (found == NULL) {
            explain(reason, "lacks the tag \"%s\"", config_quote(name).text);
            return SELECT_NO;
        }
        if (!matches(wanted->items[i].value, found)) {
            explain(reason, "its tag \"%s\" is \"%s\", not \"%s\"", config_quote(name).text, config_quote(found).text,
                    config_quote(wanted->items[i].value).text);
            return SELECT_NO;
        }
    }
    return SELECT_YES;
}

enum select_verdict select_bucket(
        const struct config_source *source, const struct select_candidate *candidate, struct select_reason *reason)
{
    enum select_verdict verdict;
    const char *excluded;

    if (source->kind == CONFIG_KIND_STREAM) {
        explain(reason, "a stream has no buckets");
        return SELECT_NO;
    }
    if (is_foreign(source, candidate)) {
        explain(reason, "belongs to account %s, not %s", config_quote(candidate->account).text, source->access.account);
        return SELECT_NO;
    }
    excluded = matching_name(&source->select.exclude_buckets, candidate->name);
    verdict = match_names(source, candidate, reason);
    if (verdict == SELECT_YES && excluded != NULL) {
        explain(reason, "matches \"%s\" of \"exclude_buckets\"", config_quote(excluded).text);
        return SELECT_EXCLUDED;
    }
    if (verdict != SELECT_YES)
        return verdict;
    return match_tags(source, candidate, reason);
}

bool select_needs_listing(const struct config_source *source)
{
    const struct config_select *select = &source->select;
    size_t literals = 0, cursor = 0;

    if (source->kind == CONFIG_KIND_STREAM)
        return false;
    while (select_next_literal(source, &cursor) != NULL)
        literals++;
    return literals == 0 || literals < select->buckets.count + select->arns.count;
}

static const char *pattern_at(const struct config_source *source, size_t i)
{
    const struct config_select *select = &source->select;

    if (i < select->buckets.count)
        return select->buckets.items[i];
    return i - select->buckets.count < select->arns.count ? select->arns.items[i - select->buckets.count] : NULL;
}

const char *select_next_literal(const struct config_source *source, size_t *cursor)
{
    const char *pattern;

    while ((pattern = pattern_at(source, *cursor)) != NULL) {
        (*cursor)++;
        if (glob_is_literal(pattern, strlen(pattern)))
            return arn_name(pattern);
    }
    return NULL;
}

static bool equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool select_is_vault(
        const struct config *config, const struct config_source *source, const struct select_candidate *candidate)
{
    const char *owner = candidate->account != NULL ? candidate->account : source->access.account;
    const char *vault_owner = config->vault.access.account;

    if (strcmp(candidate->name, config->vault.bucket) != 0)
        return false;
    return equal(source->access.endpoint, config->vault.access.endpoint) &&
           (owner == NULL || vault_owner == NULL || strcmp(owner, vault_owner) == 0);
}

const char *select_folder(const struct config_source *source, const char *bucket)
{
    return source->name != NULL ? source->name : bucket;
}

enum means { MEANS_NOT, MEANS_MAYBE, MEANS_SURELY };

static enum means means(const struct config_source *source, const char *folder)
{
    const struct select_candidate bucket = { .name = folder };
    enum select_verdict verdict;
    const char *literal;
    size_t cursor = 0;

    if (source->name != NULL)
        return strcmp(source->name, folder) == 0 ? MEANS_SURELY : MEANS_NOT;
    verdict = select_bucket(source, &bucket, NULL);
    while (verdict == SELECT_YES && (literal = select_next_literal(source, &cursor)) != NULL)
        if (strcmp(literal, folder) == 0)
            return MEANS_SURELY;
    return verdict == SELECT_YES || verdict == SELECT_TAGS_NEEDED ? MEANS_MAYBE : MEANS_NOT;
}

const struct config_source *select_next_source_of(const struct config *config, const char *folder, size_t *cursor)
{
    enum means most = MEANS_MAYBE;

    for (size_t i = 0; i < config->source_count && most != MEANS_SURELY; i++)
        if (means(&config->sources[i], folder) == MEANS_SURELY)
            most = MEANS_SURELY;
    while (*cursor < config->source_count) {
        const struct config_source *source = &config->sources[(*cursor)++];
        if (means(source, folder) == most)
            return source;
    }
    return NULL;
}

const struct config_source *select_source_of(const struct config *config, const char *folder)
{
    size_t cursor = 0;

    return select_next_source_of(config, folder, &cursor);
}

bool select_key(const struct config_source *source, const char *key, size_t len)
{
    const struct config_strings *patterns = &source->select.exclude_keys;

    for (size_t i = 0; i < patterns->count; i++)
        if (glob_match(patterns->items[i], strlen(patterns->items[i]), key, len))
            return false;
    return true;
}

struct select_tally {
    const struct config_source *source;
    bool selected; /* at least one bucket */
    size_t count;
    bool hit[]; /* by pattern: buckets, then ARNs */
};

struct select_tally *select_tally_new(const struct config_source *source)
{
    size_t count = source->select.buckets.count + source->select.arns.count;
    struct select_tally *tally = calloc(1, sizeof(*tally) + count * sizeof(tally->hit[0]));

    if (tally != NULL) {
        tally->source = source;
        tally->count = count;
    }
    return tally;
}

void select_tally_free(struct select_tally *tally)
{
    free(tally);
}

void select_tally_add(struct select_tally *tally, const struct select_candidate *candidate)
{
    const struct config_select *select = &tally->source->select;

    if (is_foreign(tally->source, candidate))
        return;
    for (size_t i = 0; i < tally->count; i++) {
        const char *pattern = pattern_at(tally->source, i);

        if (!tally->hit[i])
            tally->hit[i] =
                    i < select->buckets.count ? matches(pattern, candidate->name) : arn_matches(pattern, candidate);
    }
    tally->selected = tally->selected || select_bucket(tally->source, candidate, NULL) == SELECT_YES;
}

enum select_problem select_tally_next(const struct select_tally *tally, size_t *cursor, struct select_reason *reason)
{
    const struct json_node *node = tally->source->node;

    while (*cursor < tally->count) {
        const char *pattern = pattern_at(tally->source, *cursor);
        bool hit = tally->hit[(*cursor)++];

        if (hit)
            continue;
        if (glob_is_literal(pattern, strlen(pattern))) {
            explain(reason, "bucket \"%s\" of the source at line %u, column %u does not exist, or may not be seen",
                    config_quote(arn_name(pattern)).text, node->line, node->column);
            if (reason != NULL)
                reason->bucket = arn_name(pattern);
            return SELECT_MISSING;
        }
        explain(reason, "\"%s\" of the source at line %u, column %u matches no bucket", config_quote(pattern).text,
                node->line, node->column);
        return SELECT_UNMATCHED;
    }
    if (*cursor == tally->count) {
        (*cursor)++;
        if (!tally->selected && tally->source->select.tags.count > 0) {
            explain(reason, "no bucket has the tags of the source at line %u, column %u", node->line, node->column);
            return SELECT_UNMATCHED;
        }
    }
    return SELECT_NO_PROBLEM;
}

static int compare(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

/* Sources with an unknown account come first, so that they stand beside one of each account. */
static int compare_buckets(const void *left, const void *right)
{
    const struct select_pick *a = left, *b = right;
    int order = compare(a->bucket, b->bucket);

    if (order == 0)
        order = compare(a->source->access.endpoint, b->source->access.endpoint);
    return order != 0 ? order : compare(a->source->access.account, b->source->access.account);
}

static int compare_folders(const void *left, const void *right)
{
    const struct select_pick *a = left, *b = right;

    return compare(select_folder(a->source, a->bucket), select_folder(b->source, b->bucket));
}

static bool same_bucket(const struct select_pick *a, const struct select_pick *b)
{
    const char *account = a->source->access.account, *other = b->source->access.account;

    return a->bucket != NULL && b->bucket != NULL && strcmp(a->bucket, b->bucket) == 0 &&
           equal(a->source->access.endpoint, b->source->access.endpoint) &&
           (account == NULL || other == NULL || strcmp(account, other) == 0);
}

/* Says `what` of both, and hands them out in the order of the text. */
static void explain_pair(struct select_reason *reason, const struct config_source *pair[2],
        const struct select_pick picks[2], const char *what, const char *name)
{
    const struct json_node *x = picks[0].source->node, *y = picks[1].source->node;
    const bool in_order = x->line < y->line || (x->line == y->line && x->column < y->column);

    pair[0] = picks[in_order ? 0 : 1].source;
    pair[1] = picks[in_order ? 1 : 0].source;
    explain(reason, "the sources at line %u, column %u and line %u, column %u %s \"%s\"", pair[0]->node->line,
            pair[0]->node->column, pair[1]->node->line, pair[1]->node->column, what, config_quote(name).text);
}

bool select_collides(
        struct select_pick *picks, size_t count, const struct config_source *pair[2], struct select_reason *reason)
{
    qsort(picks, count, sizeof(*picks), compare_buckets);
    for (size_t i = 1; i < count; i++) {
        if (picks[i].source != picks[i - 1].source && same_bucket(&picks[i], &picks[i - 1])) {
            explain_pair(reason, pair, &picks[i - 1], "select the same bucket", picks[i].bucket);
            return true;
        }
    }
    qsort(picks, count, sizeof(*picks), compare_folders);
    for (size_t i = 1; i < count; i++) {
        if (picks[i].source != picks[i - 1].source && compare_folders(&picks[i], &picks[i - 1]) == 0) {
            explain_pair(
                    reason, pair, &picks[i - 1], "have the same name", select_folder(picks[i].source, picks[i].bucket));
            return true;
        }
    }
    return false;
}
