/* Writing the rules into the bucket, beside those of others; see rules.h. */
#include "agent/rules_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/select.h"
#include "agent/vault_sources.h"

/* Small objects go to an archive class only where a filter of ours lets them; the rules of others keep what they had.
 */
#define MINIMUM "varies_by_storage_class"

struct installing {
    const struct program *program;
    const struct vault *vault;
    struct s3_conn *conn;
    struct prices prices;
    struct rules_task task;
    struct rules_wanted wanted;
    struct s3_buffer document; /* as the bucket has it */
    struct s3_lifecycle found;
    char minimum[S3_LIFECYCLE_MINIMUM_SIZE];
};

static size_t moves_of(const struct s3_lifecycle *rules, size_t index)
{
    size_t count = 0;

    for (size_t i = 0; i < rules->move_count; i++)
        count += rules->moves[i].rule == index;
    return count;
}

static bool text_equal(struct s3_text a, struct s3_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool has_move(const struct s3_lifecycle *rules, size_t index, const struct s3_lifecycle_move *move)
{
    for (size_t i = 0; i < rules->move_count; i++) {
        const struct s3_lifecycle_move *other = &rules->moves[i];
        if (other->rule == index && other->noncurrent == move->noncurrent && other->days == move->days &&
                other->keep == move->keep && other->date_ms == move->date_ms && text_equal(other->class_, move->class_))
            return true;
    }
    return false;
}

/* Whether two rules do the same; a store may have put the moves into another order. */
static bool does_same(const struct s3_lifecycle *a, size_t i, const struct s3_lifecycle *b, size_t j, bool sizes)
{
    const struct s3_lifecycle_rule *one = &a->rules[i], *two = &b->rules[j];

    if (!text_equal(one->id, two->id) || !text_equal(one->prefix, two->prefix) || one->enabled != two->enabled ||
            one->tags != two->tags || !text_equal(one->tag_key, two->tag_key) ||
            !text_equal(one->tag_value, two->tag_value) || one->expires != two->expires ||
            one->expires_days != two->expires_days || one->expires_date_ms != two->expires_date_ms ||
            one->expires_markers != two->expires_markers || one->expires_noncurrent != two->expires_noncurrent ||
            one->noncurrent_days != two->noncurrent_days || one->noncurrent_keep != two->noncurrent_keep ||
            one->abort_days != two->abort_days || moves_of(a, i) != moves_of(b, j) ||
            (sizes && (one->larger_than != two->larger_than || one->smaller_than != two->smaller_than)))
        return false;
    for (size_t k = 0; k < a->move_count; k++)
        if (a->moves[k].rule == i && !has_move(b, j, &a->moves[k]))
            return false;
    return true;
}

/* What is not as wanted, and the first of it in `id`. */
static size_t count_differences(const struct installing *installing, bool sizes, char id[80])
{
    const struct s3_lifecycle *found = &installing->found, *wanted = &installing->wanted.rules;
    size_t differences = 0;

    for (size_t i = 0; i < wanted->count; i++) {
        bool there = false;
        for (size_t j = 0; j < found->count && !there; j++)
            there = does_same(wanted, i, found, j, sizes);
        if (!there && differences++ == 0)
            (void)key_for_people(wanted->rules[i].id.ptr, wanted->rules[i].id.len, id, 80);
    }
    for (size_t j = 0; j < found->count; j++) {
        const struct s3_text name = found->rules[j].id;
        bool known = !rules_id_is_ours(installing->vault->config->prefix, name);
        for (size_t i = 0; i < wanted->count && !known; i++)
            known = text_equal(wanted->rules[i].id, name);
        if (!known && differences++ == 0)
            (void)key_for_people(name.ptr, name.len, id, 80);
    }
    return differences;
}

static enum verdict read_rules(struct installing *installing, struct failure *failure)
{
    const struct vault *vault = installing->vault;
    const struct s3_bucket_options options = { .bucket = vault->bucket, .expected_owner = vault->owner };
    struct s3_error error;
    enum s3_status status;

    s3_buffer_clear(&installing->document);
    installing->found.count = installing->found.move_count = 0;
    status = s3_get_bucket_lifecycle_document(
            installing->conn, vault->client, &options, &installing->document, installing->minimum, &error);
    if (status == S3_OK && installing->document.len > 0)
        status = s3_lifecycle_read(
                (struct s3_text){ installing->document.ptr, installing->document.len }, &installing->found, &error);
    if (status != S3_OK)
        return failure_from_s3(failure, status, &error, "reading the vault's lifecycle rules");
    return VERDICT_OK;
}

static enum verdict derive(struct installing *installing, struct failure *failure)
{
    const struct option_list all = { .count = 0 };
    struct vault_sources folders;
    struct rules_source *sources = NULL;
    enum verdict verdict = prices_load(installing->program->config, &installing->prices, failure);

    memset(&folders, 0, sizeof folders);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(installing->program, installing->vault, installing->conn, &all, &folders, failure);
    if (verdict == VERDICT_OK) {
        sources = calloc(folders.count + 1, sizeof *sources);
        if (sources == NULL)
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    for (size_t i = 0; verdict == VERDICT_OK && i < folders.count; i++) {
        const struct config_source *source = select_source_of(installing->program->config, folders.names[i]);
        sources[i] = (struct rules_source){ folders.names[i], source != NULL ? source->policy : NULL };
    }
    installing->task = (struct rules_task){ .config = installing->program->config,
        .prices = &installing->prices,
        .sources = sources,
        .count = folders.count,
        .found = &installing->found };
    if (verdict == VERDICT_OK)
        verdict = rules_derive(&installing->task, &installing->wanted, failure);
    installing->task.sources = NULL;
    installing->task.count = 0;
    free(sources);
    vault_sources_free(&folders);
    return verdict;
}

/* The new document: others' rules as they are, then ours. */
static bool compose(const struct installing *installing, struct s3_buffer *document)
{
    const struct s3_text old = { installing->document.ptr, installing->document.len };

    if (!s3_buffer_add_text(document, S3_LIFECYCLE_HEAD))
        return false;
    for (size_t i = 0; i < installing->found.count; i++)
        if (!rules_id_is_ours(installing->vault->config->prefix, installing->found.rules[i].id) &&
                !s3_lifecycle_cut(old, i, document))
            return false;
    return s3_lifecycle_write(&installing->wanted.rules, document) && s3_buffer_add_text(document, S3_LIFECYCLE_TAIL);
}

/* Reads what is about to be written: every rule of others has to be in it, in its order, and nothing else but ours. */
static bool is_whole(const struct installing *installing, const struct s3_buffer *document)
{
    struct s3_lifecycle written;
    struct s3_error error;
    size_t at = 0;
    bool whole;

    s3_lifecycle_init(&written);
    whole = s3_lifecycle_read((struct s3_text){ document->ptr, document->len }, &written, &error) == S3_OK;
    for (size_t i = 0; whole && i < installing->found.count; i++)
        if (!rules_id_is_ours(installing->vault->config->prefix, installing->found.rules[i].id))
            whole = at < written.count && does_same(&installing->found, i, &written, at++, true);
    for (size_t i = 0; whole && i < installing->wanted.rules.count; i++)
        whole = at < written.count && does_same(&installing->wanted.rules, i, &written, at++, true);
    whole = whole && at == written.count;
    s3_lifecycle_free(&written);
    return whole;
}

static bool foreign_moves(const struct installing *installing)
{
    const struct s3_lifecycle *found = &installing->found;

    for (size_t i = 0; i < found->move_count; i++)
        if (!rules_id_is_ours(installing->vault->config->prefix, found->rules[found->moves[i].rule].id))
            return true;
    return false;
}

static enum verdict write_rules(struct installing *installing, struct failure *failure)
{
    const struct vault *vault = installing->vault;
    const struct s3_bucket_options options = { .bucket = vault->bucket, .expected_owner = vault->owner };
    const bool keeps = installing->minimum[0] != '\0' && foreign_moves(installing);
    struct s3_buffer document;
    struct s3_error error;
    enum s3_status status;
    enum verdict verdict = VERDICT_OK;

    s3_buffer_init(&document, S3_LIFECYCLE_BYTES_MAX);
    if (!compose(installing, &document) || !is_whole(installing, &document)) {
        verdict = failure_set(failure, VERDICT_BAD_DATA,
                "the vault's lifecycle rules have a form that cannot be kept beside vaultferry's: take others' rules "
                "away, or write all of them by hand");
    } else {
        status = s3_put_bucket_lifecycle(installing->conn, vault->client, &options,
                (struct s3_text){ document.ptr, document.len }, keeps ? installing->minimum : MINIMUM, &error);
        if (status != S3_OK)
            verdict = failure_from_s3(failure, status, &error, "writing the vault's lifecycle rules");
    }
    s3_buffer_free(&document);
    return verdict;
}

static void tell(const struct installing *installing, size_t differences, const char *id, struct rules_install *out)
{
    const char *more = out->sizes_dropped ? "; this store keeps no size filters: small objects move as well"
                       : out->unconfirmed ? "; written, but not read back yet: look again in some minutes"
                                          : "";

    out->ours = installing->wanted.rules.count;
    out->foreign = 0;
    for (size_t i = 0; i < installing->found.count; i++)
        out->foreign += !rules_id_is_ours(installing->vault->config->prefix, installing->found.rules[i].id);
    if (differences > 0)
        (void)snprintf(out->detail, RULES_TEXT, "%zu rules, %zu of them lack or differ (the first: \"%s\")%s",
                out->ours, differences, id, more);
    else
        (void)snprintf(out->detail, RULES_TEXT, "%zu rules%s", out->ours, more);
}

static enum verdict install(
        struct installing *installing, bool dry_run, struct rules_install *out, struct failure *failure)
{
    char id[80] = "", unused[80];
    size_t differences, without_sizes, still;

    if (read_rules(installing, failure) != VERDICT_OK || derive(installing, failure) != VERDICT_OK)
        return failure->verdict;
    differences = count_differences(installing, true, id);
    without_sizes = count_differences(installing, false, unused);
    /* only sizes lack, and all of them: the store does not keep them, or somebody took them away */
    out->sizes_dropped = differences > 0 && without_sizes == 0 && rules_sizes_dropped(&installing->found);
    out->differs = differences > 0 && !out->sizes_dropped;
    if (differences == 0 || dry_run) {
        tell(installing, out->differs ? differences : 0, id, out);
        return VERDICT_OK;
    }
    if (write_rules(installing, failure) != VERDICT_OK || read_rules(installing, failure) != VERDICT_OK)
        return failure->verdict;
    still = count_differences(installing, true, unused);
    out->sizes_dropped =
            still > 0 && count_differences(installing, false, unused) == 0 && rules_sizes_dropped(&installing->found);
    out->unconfirmed = still > 0 && !out->sizes_dropped;
    out->differs = out->differs || still == 0;
    tell(installing, out->differs ? differences : 0, id, out);
    return VERDICT_OK;
}

enum verdict rules_install(const struct program *program, const struct vault *vault, struct s3_conn *conn, bool dry_run,
        struct rules_install *out, struct failure *failure)
{
    struct installing installing = { .program = program, .vault = vault, .conn = conn };
    struct failure own;
    enum verdict verdict;

    memset(out, 0, sizeof *out);
    s3_buffer_init(&installing.document, S3_LIFECYCLE_BYTES_MAX);
    s3_lifecycle_init(&installing.found);
    verdict = install(&installing, dry_run, out, failure != NULL ? failure : &own);
    rules_wanted_free(&installing.wanted);
    s3_lifecycle_free(&installing.found);
    s3_buffer_free(&installing.document);
    return verdict;
}
