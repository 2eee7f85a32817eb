/* See selection.h. */
#include "agent/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/event.h"
#include "agent/select.h"
#include "s3/bucket.h"

enum { NAME_MAX_BYTES = 64 };

/* What is at hand while one config source is looked at. */
struct search {
    const struct program *program;
    const struct config_source *config;
    struct access *access;
    struct s3_conn *conn;
    struct select_tally *tally;
    struct selection *selection;
    const char *const *wanted;
    size_t wanted_count;
    struct failure *failure;
};

static bool add_source(struct search *search, const char *bucket, const char *region)
{
    struct selection *selection = search->selection;
    struct source *source;

    if (selection->count == selection->capacity) {
        size_t capacity = selection->capacity == 0 ? 16 : selection->capacity * 2;
        struct source *larger = realloc(selection->sources, capacity * sizeof *larger);
        if (larger == NULL)
            return false;
        selection->sources = larger;
        selection->capacity = capacity;
    }
    source = &selection->sources[selection->count++];
    memset(source, 0, sizeof *source);
    source->config = search->config;
    source->policy = search->config->policy;
    source->owner = search->config->access.account;
    source->access = search->access;
    (void)snprintf(source->name, sizeof source->name, "%s", select_folder(search->config, bucket));
    (void)snprintf(source->bucket, sizeof source->bucket, "%s", bucket);
    (void)snprintf(source->region, sizeof source->region, "%s", region != NULL ? region : "");
    return true;
}

static bool is_wanted(const struct search *search, const char *bucket)
{
    const char *folder = select_folder(search->config, bucket);

    for (size_t i = 0; i < search->wanted_count; i++)
        if (strcmp(search->wanted[i], bucket) == 0 || strcmp(search->wanted[i], folder) == 0)
            return true;
    return search->wanted_count == 0;
}

/* What cannot be looked at is told, and kept for the report: the others go on. A bucket, or NULL: the whole entry. */
static enum verdict leave_out(struct search *search, const char *bucket)
{
    struct selection *selection = search->selection;
    const struct config_select *select = &search->config->select;
    struct selection_gap *gap, *larger;

    if (search->failure->verdict == VERDICT_CANCELLED)
        return VERDICT_CANCELLED;
    larger = realloc(selection->gaps, (selection->gap_count + 1) * sizeof *larger);
    if (larger == NULL)
        return failure_set(search->failure, VERDICT_INTERNAL, "out of memory");
    selection->gaps = larger;
    gap = &selection->gaps[selection->gap_count++];
    gap->config = search->config;
    gap->whole = bucket == NULL;
    gap->failure = *search->failure;
    (void)snprintf(gap->name, sizeof gap->name, "%s",
            bucket != NULL                           ? select_folder(search->config, bucket)
            : search->config->name != NULL           ? search->config->name
            : select->buckets.count > 0              ? select->buckets.items[0]
            : select->arns.count > 0                 ? select->arns.items[0]
            : search->config->access.account != NULL ? search->config->access.account
                                                     : "(all)");
    return VERDICT_OK;
}

/* Whether the entry may have a bucket that is wanted, as far as names tell. */
static bool may_hold(const struct config_source *config, const char *wanted)
{
    const struct select_candidate candidate = { .name = wanted };
    enum select_verdict verdict = select_bucket(config, &candidate, NULL);

    return verdict == SELECT_YES || verdict == SELECT_TAGS_NEEDED ||
           (config->name != NULL && strcmp(config->name, wanted) == 0);
}

/* The tags of a bucket in the form that the selection wants, terminated; freed with free_tags. */
struct tag_texts {
    struct select_tag tags[S3_TAGS_MAX];
    size_t count;
    char *text;
};

static bool copy_tags(const struct s3_tags *tags, struct tag_texts *out)
{
    size_t size = 1;
    char *at;

    for (size_t i = 0; i < tags->count; i++)
        size += tags->tags[i].key.len + tags->tags[i].value.len + 2;
    at = out->text = malloc(size);
    if (at == NULL)
        return false;
    out->count = tags->count;
    for (size_t i = 0; i < tags->count; i++) {
        const struct s3_text texts[2] = { tags->tags[i].key, tags->tags[i].value };
        for (int part = 0; part < 2; part++) {
            if (part == 0)
                out->tags[i].key = at;
            else
                out->tags[i].value = at;
            if (texts[part].len > 0)
                memcpy(at, texts[part].ptr, texts[part].len);
            at[texts[part].len] = '\0';
            at += texts[part].len + 1;
        }
    }
    return true;
}

static enum verdict fetch_tags(struct search *search, const char *bucket, struct tag_texts *out)
{
    const struct s3_bucket_options options = { .bucket = bucket, .expected_owner = search->config->access.account };
    struct s3_tags tags;
    struct s3_error error;
    enum s3_status status;
    enum verdict verdict = VERDICT_OK;

    s3_tags_init(&tags);
    status = s3_get_bucket_tags(search->conn, access_client(search->access), &options, &tags, &error);
    if (status != S3_OK)
        verdict = failure_from_s3(search->failure, status, &error,
                "reading the tags of bucket \"%s\" to see whether it is selected", bucket);
    else if (!copy_tags(&tags, out))
        verdict = failure_set(search->failure, VERDICT_INTERNAL, "out of memory");
    s3_tags_free(&tags);
    return verdict;
}

/* Looks at one bucket that exists, or is said to. */
static enum verdict consider(struct search *search, const char *bucket, const char *region)
{
    struct select_candidate candidate = { .name = bucket, .account = search->config->access.account, .region = region };
    struct tag_texts tags = { .count = 0 };
    enum select_verdict verdict;
    enum verdict result = VERDICT_OK;

    verdict = select_bucket(search->config, &candidate, NULL);
    if (verdict == SELECT_TAGS_NEEDED) {
        if (fetch_tags(search, bucket, &tags) != VERDICT_OK)
            return search->failure->verdict;
        candidate.tags_known = true;
        candidate.tags = tags.tags;
        candidate.tag_count = tags.count;
        verdict = select_bucket(search->config, &candidate, NULL);
    }
    select_tally_add(search->tally, &candidate);
    if (verdict == SELECT_YES && select_is_vault(search->program->config, search->config, &candidate))
        event_warn("vault-skipped", bucket, "this is the vault itself: it is not backed up into itself");
    else if (verdict == SELECT_YES && is_wanted(search, bucket) && !add_source(search, bucket, region))
        result = failure_set(search->failure, VERDICT_INTERNAL, "out of memory");
    free(tags.text);
    return result;
}

static enum verdict consider_listed(struct search *search)
{
    struct s3_bucket_page page;
    struct s3_list_buckets_options options = { .max_buckets = 0 };
    char *token = NULL;
    enum verdict verdict = VERDICT_OK;

    s3_bucket_page_init(&page);
    do {
        struct s3_error error;
        enum s3_status status = s3_list_buckets(search->conn, access_client(search->access), &options, &page, &error);
        if (status != S3_OK) {
            verdict = failure_from_s3(search->failure, status, &error, "listing the buckets of account %s",
                    search->config->access.account != NULL ? search->config->access.account : "(not named)");
            break;
        }
        for (size_t i = 0; i < page.count && verdict == VERDICT_OK; i++) {
            char name[NAME_MAX_BYTES], region[32];
            (void)snprintf(name, sizeof name, "%.*s", (int)page.entries[i].name.len, page.entries[i].name.ptr);
            (void)snprintf(region, sizeof region, "%.*s", (int)page.entries[i].region.len,
                    page.entries[i].region.len > 0 ? page.entries[i].region.ptr : "");
            if (is_wanted(search, name) && consider(search, name, region[0] != '\0' ? region : NULL) != VERDICT_OK) {
                event_error(name, search->failure);
                verdict = leave_out(search, name);
            }
        }
        free(token);
        token = NULL;
        if (page.next_token.len > 0 && verdict == VERDICT_OK) {
            token = malloc(page.next_token.len);
            if (token == NULL)
                verdict = failure_set(search->failure, VERDICT_INTERNAL, "out of memory");
            else
                memcpy(token, page.next_token.ptr, page.next_token.len);
            options.token = (struct s3_text){ token, page.next_token.len };
        }
    } while (token != NULL);
    free(token);
    s3_bucket_page_free(&page);
    return verdict;
}

/* Buckets that are all named need no right to list buckets: each is asked for. */
static enum verdict consider_named(struct search *search)
{
    size_t cursor = 0;
    const char *bucket;

    while ((bucket = select_next_literal(search->config, &cursor)) != NULL) {
        const struct s3_bucket_options options = { .bucket = bucket, .expected_owner = search->config->access.account };
        struct s3_bucket_head head = { .region = "" };
        struct s3_error error;
        enum s3_status status;

        if (!is_wanted(search, bucket))
            continue;
        status = s3_head_bucket(search->conn, access_client(search->access), &options, &head, &error);
        if (status == S3_NOT_FOUND)
            continue; /* the tally tells */
        if (status != S3_OK) {
            failure_from_s3(search->failure, status, &error, "looking for bucket \"%s\"", bucket);
            select_tally_add(search->tally,
                    &(struct select_candidate){ .name = bucket, .account = search->config->access.account });
        } else if (consider(search, bucket, head.region[0] != '\0' ? head.region : NULL) == VERDICT_OK) {
            continue;
        }
        event_error(bucket, search->failure);
        if (leave_out(search, bucket) != VERDICT_OK)
            return search->failure->verdict;
    }
    return VERDICT_OK;
}

static enum verdict complain(struct search *search)
{
    enum verdict verdict = VERDICT_OK;
    struct select_reason reason;
    enum select_problem problem;
    size_t cursor = 0;

    while (verdict == VERDICT_OK &&
            (problem = select_tally_next(search->tally, &cursor, &reason)) != SELECT_NO_PROBLEM) {
        if (search->wanted_count > 0 && (problem != SELECT_MISSING || !is_wanted(search, reason.bucket)))
            continue; /* the rest was not looked at */
        event_warn(problem == SELECT_MISSING ? "bucket-missing" : "nothing-matches", NULL, "%s", reason.text);
        if (problem != SELECT_MISSING)
            continue;
        failure_set(search->failure, VERDICT_NOT_FOUND, "%s", reason.text);
        verdict = leave_out(search, reason.bucket);
    }
    return verdict;
}

static enum verdict search_source(struct search *search)
{
    struct access_options options = { .config = &search->config->access, .session_name = "vaultferry-list" };
    enum verdict verdict;

    if (access_open(search->program, &options, &search->access, search->failure) != VERDICT_OK)
        return search->failure->verdict;
    search->selection->accesses[search->selection->access_count++] = search->access;
    search->tally = select_tally_new(search->config);
    if (search->tally == NULL)
        return failure_set(search->failure, VERDICT_INTERNAL, "out of memory");
    verdict = select_needs_listing(search->config) ? consider_listed(search) : consider_named(search);
    if (verdict == VERDICT_OK)
        verdict = complain(search);
    select_tally_free(search->tally);
    return verdict;
}

static bool is_gap(const struct selection_gap *gap, const char *wanted)
{
    return gap->whole || gap->config->name != NULL ? may_hold(gap->config, wanted) : strcmp(gap->name, wanted) == 0;
}

static enum verdict check(
        const struct selection *selection, const char *const *wanted, size_t wanted_count, struct failure *failure)
{
    struct select_pick *picks = calloc(selection->count + 1, sizeof *picks);
    const struct config_source *pair[2];
    struct select_reason reason;
    bool collides;

    if (picks == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < selection->count; i++)
        picks[i] = (struct select_pick){ selection->sources[i].config, selection->sources[i].bucket };
    collides = select_collides(picks, selection->count, pair, &reason);
    free(picks);
    if (collides)
        return failure_set(failure, VERDICT_USAGE, "%s", reason.text);
    for (size_t i = 0; i < wanted_count; i++) {
        bool found = false;
        for (size_t j = 0; j < selection->count && !found; j++)
            found = strcmp(wanted[i], selection->sources[j].name) == 0 ||
                    strcmp(wanted[i], selection->sources[j].bucket) == 0;
        for (size_t j = 0; j < selection->gap_count && !found; j++)
            found = is_gap(&selection->gaps[j], wanted[i]);
        if (!found)
            return failure_set(failure, VERDICT_USAGE,
                    "--source \"%s\": no source of the config has this name or bucket", wanted[i]);
    }
    return VERDICT_OK;
}

/* Whether anything of the entry is wanted: who asks for one source is not kept from it by another's account. */
static bool is_meant(const struct search *search)
{
    for (size_t i = 0; i < search->wanted_count; i++)
        if (may_hold(search->config, search->wanted[i]))
            return true;
    return search->wanted_count == 0;
}

/* An account that cannot be looked at at all: each bucket that the config names, else what stands for all of them. */
static enum verdict leave_out_entry(struct search *search)
{
    const struct selection *selection = search->selection;
    const bool listed = select_needs_listing(search->config);
    const char *bucket = NULL;
    size_t cursor = 0;
    enum verdict verdict = VERDICT_OK;

    while (verdict == VERDICT_OK && (listed || (bucket = select_next_literal(search->config, &cursor)) != NULL)) {
        if (!listed && !is_wanted(search, bucket))
            continue;
        verdict = leave_out(search, bucket);
        if (verdict == VERDICT_OK)
            event_error(selection->gaps[selection->gap_count - 1].name, search->failure);
        if (listed)
            break;
    }
    return verdict;
}

enum verdict selection_make(const struct program *program, const char *const *wanted, size_t wanted_count,
        struct selection *selection, struct failure *failure)
{
    const struct config *config = program->config;
    struct search search = {
        .program = program, .selection = selection, .wanted = wanted, .wanted_count = wanted_count, .failure = failure
    };
    enum verdict verdict;

    memset(selection, 0, sizeof *selection);
    if (config->source_count == 0)
        return failure_set(failure, VERDICT_USAGE,
                "the config has no \"sources\": it serves only to read the vault (points, ls, diff, get, restore)");
    selection->accesses = calloc(config->source_count + 1, sizeof(struct access *));
    if (selection->accesses == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    verdict = program_connect(program, &search.conn, failure);
    for (size_t i = 0; i < config->source_count && verdict == VERDICT_OK; i++) {
        search.config = &config->sources[i];
        if (search.config->kind != CONFIG_KIND_BUCKET || !is_meant(&search))
            continue;
        verdict = search_source(&search);
        if (verdict != VERDICT_OK && verdict != VERDICT_CANCELLED) {
            verdict = leave_out_entry(&search);
        }
    }
    s3_conn_free(search.conn);
    return verdict == VERDICT_OK ? check(selection, wanted, wanted_count, failure) : verdict;
}

void selection_free(struct selection *selection)
{
    for (size_t i = 0; i < selection->access_count; i++)
        access_close(selection->accesses[i]);
    free(selection->accesses);
    free(selection->sources);
    free(selection->gaps);
    memset(selection, 0, sizeof *selection);
}
