/* See config_check.h: sources that mean nothing, the vault, or each other's buckets. What only a listing can show is
 * found by select_collides. */
#include "agent/config_check.h"

#include "agent/glob.h"
#include "agent/select.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Literals times globs that are compared. More than this no one writes by hand, and the listing finds it all the same.
 */
enum { COMPARISONS_MAX = 4 * 1000 * 1000 };

static enum config_status check_stream(const struct config_context *context, const struct config_source *source)
{
    const struct json_node *where = json_text_member(source->node, "select");

    if (source->name == NULL)
        return config_complain(context, source->node->line, source->node->column, NULL, "a stream needs a \"name\"");
    if (where != NULL)
        return config_complain(
                context, where->line, where->column, NULL, "a stream has no buckets: \"select\" means nothing");
    return CONFIG_OK;
}

static enum config_status check_bucket_source(
        const struct config_context *context, const struct config *config, const struct config_source *source)
{
    const struct config_select *select = &source->select;
    const struct json_node *where = config_where(source->node, "select");
    const char *vault = config->vault.access.endpoint, *own = source->access.endpoint;
    const char *literal;
    size_t first = 0;

    if (select->buckets.count == 0 && select->arns.count == 0 && select->tags.count == 0)
        return config_complain(context, where->line, where->column, "give \"buckets\", \"arns\" or \"tags\"",
                "a source that selects nothing");
    if (source->name != NULL &&
            (select->buckets.count + select->arns.count != 1 || select_next_literal(source, &first) == NULL)) {
        where = config_where(source->node, "name");
        return config_complain(context, where->line, where->column, "without it each source is named by its bucket",
                "\"name\" needs a source of exactly one literal bucket");
    }
    if (source->copy == CONFIG_COPY_SERVER && own != NULL && vault != NULL && strcmp(own, vault) != 0) {
        where = config_where(source->node, "endpoint");
        return config_complain(context, where->line, where->column, "set \"copy\": \"stream\"",
                "the source's endpoint is not the vault's, so that the store cannot copy by itself");
    }
    for (size_t cursor = 0; (literal = select_next_literal(source, &cursor)) != NULL;) {
        struct select_candidate bucket = { .name = literal };

        if (select_is_vault(config, source, &bucket))
            return config_complain(
                    context, where->line, where->column, NULL, "the vault \"%s\" cannot be a source", literal);
    }
    return CONFIG_OK;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In byte order, without those that another one contains. The empty prefix is every key, and so is having none. */
static void reduce_prefixes(struct config_strings *prefixes)
{
    size_t kept = 0;

    if (prefixes->count == 0)
        return;
    qsort(prefixes->items, prefixes->count, sizeof(*prefixes->items), compare_text);
    for (size_t i = 0; i < prefixes->count; i++) {
        const char *last = kept > 0 ? prefixes->items[kept - 1] : NULL;

        if (last == NULL || strncmp(prefixes->items[i], last, strlen(last)) != 0)
            prefixes->items[kept++] = prefixes->items[i];
    }
    prefixes->count = prefixes->items[0][0] == '\0' ? 0 : kept;
}

static bool equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether both list the same buckets, as far as can be told: same account, or the same way to get at it. */
static bool same_listing(const struct config_access *a, const struct config_access *b)
{
    if (!equal(a->endpoint, b->endpoint))
        return false;
    if (a->account != NULL && b->account != NULL)
        return strcmp(a->account, b->account) == 0;
    return equal(a->account, b->account) && equal(a->role_arn, b->role_arn) && equal(a->profile, b->profile);
}

/* A literal bucket of one source that a glob of another one will find as well. */
static enum config_status check_globs(const struct config_context *context, const struct config *config,
        const struct select_pick *picks, size_t count)
{
    size_t comparisons = 0;

    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];

        if (source->select.tags.count > 0 || !select_needs_listing(source))
            continue;
        for (size_t k = 0; k < count; k++) {
            struct select_candidate bucket = { .name = picks[k].bucket };
            const struct json_node *where;

            comparisons += source->select.buckets.count + source->select.arns.count + 1;
            if (comparisons > COMPARISONS_MAX)
                return CONFIG_OK;
            if (bucket.name == NULL || picks[k].source == source ||
                    !same_listing(&source->access, &picks[k].source->access) ||
                    select_bucket(source, &bucket, NULL) != SELECT_YES)
                continue;
            where = config_where(picks[k].source->node, "select");
            return config_complain(context, where->line, where->column, "exclude it from one of them",
                    "the source at line %u, column %u also selects the bucket \"%s\"", source->node->line,
                    source->node->column, bucket.name);
        }
    }
    return CONFIG_OK;
}

/* Every bucket and stream that is named literally, held against all others. */
static enum config_status check_overlaps(const struct config_context *context, const struct config *config)
{
    enum config_status status = CONFIG_OK;
    const struct config_source *pair[2];
    struct select_reason reason;
    struct select_pick *picks;
    size_t count = 0;

    for (size_t i = 0; i < config->source_count; i++)
        count += config->sources[i].select.buckets.count + config->sources[i].select.arns.count + 1;
    picks = calloc(count, sizeof(*picks));
    if (picks == NULL)
        return config_out_of_memory(context);
    count = 0;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        const char *bucket;

        if (source->kind == CONFIG_KIND_STREAM)
            picks[count++].source = source;
        for (size_t cursor = 0; (bucket = select_next_literal(source, &cursor)) != NULL;)
            picks[count++] = (struct select_pick){ source, bucket };
    }
    if (select_collides(picks, count, pair, &reason)) {
        status = config_complain(context, 0, 0, NULL, "%s", reason.text);
        if (context->error != NULL) {
            context->error->line = pair[1]->node->line;
            context->error->column = pair[1]->node->column;
        }
    } else {
        status = check_globs(context, config, picks, count);
    }
    free(picks);
    return status;
}

enum config_status config_check_sources(const struct config_context *context, struct config *config)
{
    for (size_t i = 0; i < config->source_count; i++) {
        struct config_source *source = &config->sources[i];
        enum config_status status;

        status = source->kind == CONFIG_KIND_STREAM ? check_stream(context, source)
                                                    : check_bucket_source(context, config, source);
        if (status != CONFIG_OK)
            return status;
        reduce_prefixes(&source->select.prefixes);
    }
    return check_overlaps(context, config);
}
