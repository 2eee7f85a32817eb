/* See points_versions.h. */
#include "agent/points_versions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t shared = a_len < b_len ? a_len : b_len;
    int order = shared > 0 ? memcmp(a, b, shared) : 0;

    return order != 0 ? order : a_len < b_len ? -1 : a_len > b_len;
}

static int by_key(const void *a, const void *b)
{
    const struct s3_page_entry *one = a, *other = b;
    int order = compare(one->key.ptr, one->key.len, other->key.ptr, other->key.len);

    if (order != 0)
        return order;
    if (one->is_latest != other->is_latest)
        return one->is_latest ? -1 : 1;
    return one->modified_ms > other->modified_ms ? -1 : one->modified_ms < other->modified_ms;
}

/* Some stores give the versions of a page first and its delete markers then. */
static void sort_page(struct s3_page *page)
{
    for (size_t i = 1; i < page->count; i++) {
        const struct s3_page_entry *before = &page->entries[i - 1], *entry = &page->entries[i];
        if (compare(before->key.ptr, before->key.len, entry->key.ptr, entry->key.len) > 0) {
            qsort(page->entries, page->count, sizeof *page->entries, by_key);
            return;
        }
    }
}

void points_versions_begin(struct points_versions *cursor, const struct vault *vault, struct s3_conn *conn,
        struct state_text prefix, struct state_text after)
{
    memset(cursor, 0, sizeof *cursor);
    cursor->vault = vault;
    cursor->conn = conn;
    s3_page_init(&cursor->page);
    if (prefix.len >= sizeof cursor->prefix || after.len >= sizeof cursor->marker) {
        cursor->verdict = failure_set(&cursor->failure, VERDICT_INTERNAL, "a prefix of the vault is too long");
        return;
    }
    if (prefix.len > 0)
        memcpy(cursor->prefix, prefix.ptr, prefix.len);
    cursor->prefix_len = prefix.len;
    if (after.len > 0)
        memcpy(cursor->marker, after.ptr, after.len);
    cursor->marker_len = after.len;
}

void points_versions_end(struct points_versions *cursor)
{
    s3_page_free(&cursor->page);
}

static enum verdict bad(struct points_versions *cursor, const char *what)
{
    return failure_set(&cursor->failure, VERDICT_BAD_DATA,
            "ListObjectVersions of s3://%s/%s: %s, so the listing cannot be trusted", cursor->vault->bucket,
            cursor->prefix, what);
}

/* Where the next page begins; it must be further on, or the listing would never end. */
static enum verdict move_marker(struct points_versions *cursor)
{
    struct s3_text key = cursor->page.next_key, version = cursor->page.next_version;
    int order;

    if (key.len == 0 && cursor->page.count > 0) {
        key = cursor->page.entries[cursor->page.count - 1].key;
        version = cursor->page.entries[cursor->page.count - 1].version;
    }
    if (key.len == 0 || key.len >= sizeof cursor->marker || version.len >= sizeof cursor->version)
        return bad(cursor, "a page says that more follow but not where");
    order = compare(key.ptr, key.len, cursor->marker, cursor->marker_len);
    if (order < 0 || (order == 0 && compare(version.ptr, version.len, cursor->version, cursor->version_len) == 0))
        return bad(cursor, "its pages do not get on");
    memcpy(cursor->marker, key.ptr, key.len);
    cursor->marker_len = key.len;
    if (version.len > 0)
        memcpy(cursor->version, version.ptr, version.len);
    cursor->version_len = version.len;
    return VERDICT_OK;
}

static enum verdict next_page(struct points_versions *cursor)
{
    const struct s3_versions_options options = { .bucket = cursor->vault->bucket,
        .expected_owner = cursor->vault->owner,
        .prefix = { cursor->prefix, cursor->prefix_len },
        .key_marker = { cursor->marker, cursor->marker_len },
        .version_marker = { cursor->version, cursor->version_len },
        .restore_status = cursor->restore_status };
    struct s3_error error;
    enum s3_status status = s3_list_versions(cursor->conn, cursor->vault->client, &options, &cursor->page, &error);

    if (status != S3_OK)
        return failure_from_s3(
                &cursor->failure, status, &error, "listing versions under \"%s\" in the vault", cursor->prefix);
    cursor->at = 0;
    cursor->last = !cursor->page.truncated;
    sort_page(&cursor->page);
    return cursor->last ? VERDICT_OK : move_marker(cursor);
}

static enum verdict check_order(struct points_versions *cursor, const struct s3_page_entry *entry)
{
    if (entry->key.len == 0 || entry->key.len > sizeof cursor->last_key)
        return bad(cursor, "a key is empty or too long");
    if (entry->key.len < cursor->prefix_len || memcmp(entry->key.ptr, cursor->prefix, cursor->prefix_len) != 0)
        return bad(cursor, "a key does not have the prefix");
    if (cursor->has_last && compare(entry->key.ptr, entry->key.len, cursor->last_key, cursor->last_len) < 0)
        return bad(cursor, "its keys are not in order");
    memcpy(cursor->last_key, entry->key.ptr, entry->key.len);
    cursor->last_len = entry->key.len;
    cursor->has_last = true;
    return VERDICT_OK;
}

enum verdict points_versions_next(
        struct points_versions *cursor, const struct s3_page_entry **entry, struct failure *failure)
{
    *entry = NULL;
    while (cursor->verdict == VERDICT_OK && cursor->at == cursor->page.count && !cursor->last)
        cursor->verdict = next_page(cursor);
    if (cursor->verdict == VERDICT_OK && cursor->at < cursor->page.count) {
        *entry = &cursor->page.entries[cursor->at++];
        cursor->verdict = check_order(cursor, *entry);
    }
    if (cursor->verdict != VERDICT_OK) {
        *entry = NULL;
        if (failure != NULL)
            *failure = cursor->failure;
    }
    return cursor->verdict;
}

enum verdict points_versions_oldest(const struct vault *vault, struct s3_conn *conn, const struct layout_path *path,
        char version[S3_VERSION_MAX + 1], struct failure *failure)
{
    const struct state_text prefix = { path->ptr, path->len };
    struct points_versions cursor;
    const struct s3_page_entry *entry = NULL;
    bool found = false;
    enum verdict verdict;

    points_versions_begin(&cursor, vault, conn, prefix, (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&cursor, &entry, failure);
    while (verdict == VERDICT_OK && entry != NULL && entry->key.len == path->len) {
        if (!entry->is_marker) {
            (void)snprintf(version, S3_VERSION_MAX + 1, "%.*s", (int)entry->version.len, entry->version.ptr);
            if (entry->is_latest && strcmp(version, "null") == 0)
                version[0] = '\0';
            found = true;
        }
        verdict = points_versions_next(&cursor, &entry, failure);
    }
    points_versions_end(&cursor);
    if (verdict == VERDICT_OK && !found)
        verdict = failure_set(failure, VERDICT_NOT_FOUND, "s3://%s/%s is not in the vault", vault->bucket, path->ptr);
    return verdict;
}
