/* See lease_sight.h. */
#include "agent/lease_sight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/list.h"

/* So many versions are looked through for the owner's newest: its renewals lie above the losers of the one contest
 * unless it died within 20 s, and then it counts as dead by its age. */
enum { RECENT = 16 };

/* The versions of one number, gathered over pages. */
struct versions {
    uint64_t number;
    bool found, has_content;
    size_t recent_count;
    char recent[RECENT][S3_VERSION_MAX + 1]; /* newest first */
    char oldest[S3_VERSION_MAX + 1];
    int64_t newest_ms;
};

static bool number_of(const struct vault *vault, const char *source, struct s3_text key, uint64_t *number)
{
    struct layout_parts parts;

    if (layout_parse(&vault->layout, key.ptr, key.len, &parts) != STATE_OK || parts.kind != LAYOUT_LEASE ||
            parts.source.len != strlen(source) || memcmp(parts.source.ptr, source, parts.source.len) != 0)
        return false;
    *number = parts.number;
    return true;
}

static bool keep(char out[S3_VERSION_MAX + 1], struct s3_text version)
{
    if (version.len > S3_VERSION_MAX)
        return false;
    memcpy(out, version.ptr, version.len);
    out[version.len] = '\0';
    return true;
}

/* Takes what belongs to the highest number so far: a page comes in the order of keys, a key's newest version first. */
static bool gather(const struct vault *vault, const char *source, const struct s3_page *page, uint64_t from,
        struct versions *versions)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct s3_page_entry *entry = &page->entries[i];
        uint64_t number;
        if (!number_of(vault, source, entry->key, &number) || number < from ||
                (versions->found && number < versions->number))
            continue;
        if (!versions->found || number > versions->number) {
            versions->found = true;
            versions->number = number;
            versions->has_content = false;
            versions->recent_count = 0;
        }
        if (entry->is_marker)
            continue;
        if (!versions->has_content)
            versions->newest_ms = entry->modified_ms;
        versions->has_content = true;
        if (!keep(versions->oldest, entry->version))
            return false;
        if (versions->recent_count < RECENT)
            memcpy(versions->recent[versions->recent_count++], versions->oldest, sizeof versions->oldest);
    }
    return true;
}

/* Lists versions under a prefix from behind a key on, and keeps those of the highest number, `from` at least. */
static enum verdict list_versions(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct layout_path *prefix, const struct layout_path *behind, uint64_t from, struct versions *versions,
        struct failure *failure)
{
    char key[S3_KEY_MAX], version[S3_VERSION_MAX];
    struct s3_versions_options options = { .bucket = vault->bucket,
        .expected_owner = vault->owner,
        .prefix = { prefix->ptr, prefix->len },
        .key_marker = { behind->ptr, behind->len } };
    struct s3_page page;
    struct s3_error error;
    enum verdict verdict = VERDICT_OK;

    memset(versions, 0, sizeof *versions);
    s3_page_init(&page);
    for (;;) {
        enum s3_status status = s3_list_versions(conn, vault->client, &options, &page, &error);
        if (status != S3_OK) {
            verdict = failure_from_s3(failure, status, &error, "looking for the lease of source \"%s\"", source);
            break;
        }
        if (!gather(vault, source, &page, from, versions)) {
            verdict = failure_set(
                    failure, VERDICT_BAD_DATA, "the lease of source \"%s\" has a version id that is too long", source);
            break;
        }
        if (!page.truncated)
            break;
        if (page.next_key.len == 0 || page.next_key.len > sizeof key || page.next_version.len > sizeof version ||
                (page.next_key.len == options.key_marker.len && page.next_version.len == options.version_marker.len &&
                        memcmp(page.next_key.ptr, options.key_marker.ptr, page.next_key.len) == 0 &&
                        (page.next_version.len == 0 ||
                                memcmp(page.next_version.ptr, version, page.next_version.len) == 0))) {
            verdict = failure_set(failure, VERDICT_BAD_DATA,
                    "the vault's list of the leases of source \"%s\" does not go on", source);
            break;
        }
        /* the page's memory is used again by the next one */
        memcpy(key, page.next_key.ptr, page.next_key.len);
        options.key_marker = (struct s3_text){ key, page.next_key.len };
        if (page.next_version.len > 0)
            memcpy(version, page.next_version.ptr, page.next_version.len);
        options.version_marker = (struct s3_text){ version, page.next_version.len };
    }
    s3_page_free(&page);
    return verdict;
}

/* *readable false: it is gone, too large, archived, or no lease; that is no failure. */
static enum verdict read_version(const struct vault *vault, struct s3_conn *conn, const struct layout_path *path,
        const char *version, struct lease_document *document, bool *readable, struct failure *failure)
{
    const char *wanted = strcmp(version, "null") == 0 || version[0] == '\0' ? NULL : version;
    char *bytes = NULL;
    size_t len = 0;
    enum verdict verdict =
            vault_get(vault, conn, path->ptr, path->len, wanted, LEASE_DOCUMENT_MAX, &bytes, &len, failure);

    *readable = verdict == VERDICT_OK && lease_document_read(bytes, len, document);
    free(bytes);
    /* what the service said of this one object is not for others: an archived object is a refusal */
    if (verdict == VERDICT_NOT_FOUND || verdict == VERDICT_BAD_DATA || verdict == VERDICT_FULL ||
            (verdict == VERDICT_INTERNAL && failure->s3.http_status != 0))
        return VERDICT_OK;
    return verdict;
}

static enum verdict read_seen(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct versions *versions, struct lease_seen *seen, struct failure *failure)
{
    struct layout_path path;
    struct lease_document newer;
    enum verdict verdict;
    bool readable;

    *seen = (struct lease_seen){
        .number = versions->number, .has_content = versions->has_content, .renewed_ms = versions->newest_ms
    };
    if (!versions->has_content)
        return VERDICT_OK;
    if (layout_lease(&vault->layout, source, versions->number, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "the lease of source \"%s\" has no path", source);
    verdict = read_version(vault, conn, &path, versions->oldest, &seen->document, &seen->is_readable, failure);
    if (!seen->is_readable)
        return verdict;
    for (size_t i = 0; verdict == VERDICT_OK && i < versions->recent_count; i++) {
        if (strcmp(versions->recent[i], versions->oldest) == 0)
            break;
        verdict = read_version(vault, conn, &path, versions->recent[i], &newer, &readable, failure);
        if (verdict == VERDICT_OK && readable && strcmp(newer.nonce, seen->document.nonce) == 0) {
            seen->document = newer;
            break;
        }
    }
    return verdict;
}

/* The highest number that a plain listing shows: pages of keys, not of versions. */
static enum verdict last_visible(const struct vault *vault, struct s3_conn *conn, const char *source,
        const struct layout_path *folder, uint64_t *last, bool *any, struct failure *failure)
{
    char after[S3_KEY_MAX];
    struct s3_list_options options = {
        .bucket = vault->bucket, .expected_owner = vault->owner, .prefix = { folder->ptr, folder->len }
    };
    struct s3_page page;
    struct s3_error error;
    enum verdict verdict = VERDICT_OK;

    *any = false;
    s3_page_init(&page);
    for (;;) {
        enum s3_status status = s3_list_objects(conn, vault->client, &options, &page, &error);
        if (status != S3_OK) {
            verdict = failure_from_s3(failure, status, &error, "looking for the lease of source \"%s\"", source);
            break;
        }
        for (size_t i = 0; i < page.count; i++) {
            uint64_t number;
            if (number_of(vault, source, page.entries[i].key, &number) && (!*any || number > *last)) {
                *last = number;
                *any = true;
            }
        }
        if (!page.truncated)
            break;
        if (page.count == 0 || page.entries[page.count - 1].key.len > sizeof after ||
                (options.start_after.len == page.entries[page.count - 1].key.len &&
                        memcmp(after, page.entries[page.count - 1].key.ptr, options.start_after.len) == 0)) {
            verdict = failure_set(failure, VERDICT_BAD_DATA,
                    "the vault's list of the leases of source \"%s\" does not go on", source);
            break;
        }
        options.start_after.len = page.entries[page.count - 1].key.len;
        memcpy(after, page.entries[page.count - 1].key.ptr, options.start_after.len);
        options.start_after.ptr = after;
    }
    s3_page_free(&page);
    return verdict;
}

enum verdict lease_sight_last(const struct vault *vault, struct s3_conn *conn, const char *source,
        struct lease_seen *seen, struct failure *failure)
{
    struct layout_path folder, behind = { .len = 0 };
    struct versions versions;
    uint64_t last = 0;
    bool any = false;
    enum verdict verdict;

    if (layout_folder(&vault->layout, LAYOUT_LEASE, source, &folder) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "source \"%s\" has no place for leases", source);
    verdict = last_visible(vault, conn, source, &folder, &last, &any, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    /* from that number on the versions: its own, and numbers that a delete marker hides */
    if (any && last > 1 && layout_lease(&vault->layout, source, last - 1, &behind) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "the lease of source \"%s\" has no path", source);
    verdict = list_versions(vault, conn, source, &folder, &behind, last, &versions, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    return versions.found ? read_seen(vault, conn, source, &versions, seen, failure) : VERDICT_NOT_FOUND;
}

enum verdict lease_sight_one(const struct vault *vault, struct s3_conn *conn, const char *source, uint64_t number,
        const char *version, bool *is_oldest, struct lease_seen *seen, struct failure *failure)
{
    struct layout_path path, start = { .len = 0 };
    struct versions versions;
    enum verdict verdict;

    *is_oldest = false;
    if (layout_lease(&vault->layout, source, number, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "the lease of source \"%s\" has no path", source);
    verdict = list_versions(vault, conn, source, &path, &start, number, &versions, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (!versions.found)
        return VERDICT_NOT_FOUND;
    *is_oldest = versions.has_content && version[0] != '\0' && strcmp(version, "null") != 0 &&
                 strcmp(version, versions.oldest) == 0;
    return *is_oldest ? VERDICT_OK : read_seen(vault, conn, source, &versions, seen, failure);
}

enum verdict lease_sight_above(const struct vault *vault, struct s3_conn *conn, const char *source, uint64_t number,
        bool *above, struct failure *failure)
{
    struct layout_path folder, path;
    struct s3_page page;
    struct s3_error error;
    enum s3_status status;

    if (layout_folder(&vault->layout, LAYOUT_LEASE, source, &folder) != STATE_OK ||
            layout_lease(&vault->layout, source, number, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "the lease of source \"%s\" has no path", source);
    s3_page_init(&page);
    status = s3_list_objects(conn, vault->client,
            &(struct s3_list_options){ .bucket = vault->bucket,
                    .expected_owner = vault->owner,
                    .prefix = { folder.ptr, folder.len },
                    .start_after = { path.ptr, path.len } },
            &page, &error);
    *above = false;
    for (size_t i = 0; status == S3_OK && i < page.count; i++) {
        uint64_t found;
        if (number_of(vault, source, page.entries[i].key, &found) && found > number)
            *above = true;
    }
    s3_page_free(&page);
    return status == S3_OK ? VERDICT_OK
                           : failure_from_s3(failure, status, &error, "renewing the lease of source \"%s\"", source);
}
