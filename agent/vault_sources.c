/* See vault_sources.h. */
#include "agent/vault_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/points_versions.h"
#include "agent/select.h"
#include "s3/list.h"

static bool add(struct vault_sources *sources, const char *name, size_t length)
{
    if (!layout_source_is_valid(name, length))
        return true; /* not a folder of ours */
    for (size_t i = 0; i < sources->count; i++)
        if (strlen(sources->names[i]) == length && memcmp(sources->names[i], name, length) == 0)
            return true;
    if (sources->count == sources->capacity) {
        size_t capacity = sources->capacity == 0 ? 16 : sources->capacity * 2;
        void *larger = realloc(sources->names, capacity * sizeof *sources->names);
        if (larger == NULL)
            return false;
        sources->names = larger;
        sources->capacity = capacity;
    }
    (void)snprintf(sources->names[sources->count++], sizeof *sources->names, "%.*s", (int)length, name);
    return true;
}

static bool is_wanted(const struct option_list *wanted, const char *name, size_t length)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (strlen(wanted->items[i]) == length && memcmp(wanted->items[i], name, length) == 0)
            return true;
    return wanted->count == 0;
}

static enum verdict add_folders(const struct vault *vault, struct s3_conn *conn, const struct option_list *wanted,
        struct vault_sources *sources, struct failure *failure)
{
    struct layout_path folder;
    struct s3_list_options options = { .bucket = vault->bucket, .expected_owner = vault->owner, .delimiter = "/" };
    char after[STATE_PATH_MAX + 8];
    struct s3_page page;
    enum verdict verdict = VERDICT_OK;
    bool more = true;

    if (layout_folder(&vault->layout, LAYOUT_POINT, NULL, &folder) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "the vault's prefix is too long");
    options.prefix = (struct s3_text){ folder.ptr, folder.len };
    s3_page_init(&page);
    while (more && verdict == VERDICT_OK) {
        struct s3_error error;
        enum s3_status status = s3_list_objects(conn, vault->client, &options, &page, &error);
        if (status != S3_OK) {
            verdict = failure_from_s3(failure, status, &error, "listing the sources in the vault");
            break;
        }
        for (size_t i = 0; i < page.prefix_count && verdict == VERDICT_OK; i++) {
            const char *name = page.prefixes[i].ptr + folder.len;
            size_t length = page.prefixes[i].len > folder.len ? page.prefixes[i].len - folder.len - 1 : 0;
            if (length > 0 && is_wanted(wanted, name, length) && !add(sources, name, length))
                verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
        }
        more = page.truncated && page.prefix_count > 0 && page.prefixes[page.prefix_count - 1].len < STATE_PATH_MAX;
        if (more) { /* on behind the last folder */
            const struct s3_text last = page.prefixes[page.prefix_count - 1];
            memcpy(after, last.ptr, last.len);
            memcpy(after + last.len, "\xf4\x8f\xbf\xbf", 4);
            options.start_after = (struct s3_text){ after, last.len + 4 };
        }
    }
    s3_page_free(&page);
    return verdict;
}

static bool add_configured(const struct config *config, const struct option_list *wanted, struct vault_sources *sources)
{
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        const char *bucket;
        size_t cursor = 0;

        if (source->kind == CONFIG_KIND_STREAM) {
            if (is_wanted(wanted, source->name, strlen(source->name)) &&
                    !add(sources, source->name, strlen(source->name)))
                return false;
            continue;
        }
        while ((bucket = select_next_literal(source, &cursor)) != NULL) {
            const char *name = select_folder(source, bucket);
            bool meant = is_wanted(wanted, name, strlen(name)) || is_wanted(wanted, bucket, strlen(bucket));
            if (meant && !add(sources, name, strlen(name)))
                return false;
        }
    }
    return true;
}

/* Whether the vault ever had something under this folder: on the worst day all of it lies behind delete markers. */
static enum verdict has_versions(const struct vault *vault, struct s3_conn *conn, enum layout_kind kind,
        const char *name, bool *has, struct failure *failure)
{
    const struct s3_page_entry *entry = NULL;
    struct points_versions cursor;
    struct layout_path folder;
    enum verdict verdict;

    if (layout_folder(&vault->layout, kind, name, &folder) != STATE_OK)
        return VERDICT_OK;
    points_versions_begin(
            &cursor, vault, conn, (struct state_text){ folder.ptr, folder.len }, (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    *has = *has || entry != NULL;
    points_versions_end(&cursor);
    return verdict;
}

/* Wanted names that neither a listing nor the config shows. */
static enum verdict add_hidden(const struct vault *vault, struct s3_conn *conn, const struct option_list *wanted,
        struct vault_sources *sources, struct failure *failure)
{
    static const enum layout_kind kinds[] = { LAYOUT_POINT, LAYOUT_DATA, LAYOUT_DATA_LONG };
    enum verdict verdict = VERDICT_OK;

    for (size_t i = 0; i < wanted->count && verdict == VERDICT_OK; i++) {
        const char *name = wanted->items[i];
        bool has = false;
        if (!layout_source_is_valid(name, strlen(name)))
            continue;
        for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0] && verdict == VERDICT_OK && !has; kind++)
            verdict = has_versions(vault, conn, kinds[kind], name, &has, failure);
        if (verdict == VERDICT_OK && has && !add(sources, name, strlen(name)))
            verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    return verdict;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

enum verdict vault_sources_find(const struct program *program, const struct vault *vault, struct s3_conn *conn,
        const struct option_list *wanted, struct vault_sources *sources, struct failure *failure)
{
    memset(sources, 0, sizeof *sources);
    if (add_folders(vault, conn, wanted, sources, failure) != VERDICT_OK)
        return failure->verdict;
    if (!add_configured(program->config, wanted, sources))
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (sources->count == 0 && add_hidden(vault, conn, wanted, sources, failure) != VERDICT_OK)
        return failure->verdict;
    if (sources->count > 0)
        qsort(sources->names, sources->count, sizeof *sources->names, by_name);
    if (sources->count == 0 && wanted->count > 0)
        return failure_set(
                failure, VERDICT_USAGE, "--source \"%s\": neither the config nor the vault knows it", wanted->items[0]);
    return VERDICT_OK;
}

const char *vault_sources_folder(const struct vault_sources *sources, const char *wanted)
{
    for (size_t i = 0; i < sources->count; i++)
        if (strcmp(sources->names[i], wanted) == 0)
            return sources->names[i];
    return sources->names[0];
}

void vault_sources_free(struct vault_sources *sources)
{
    free(sources->names);
    memset(sources, 0, sizeof *sources);
}
