/* See restore_listing.h. */
#include "agent/restore_listing.h"

#include <string.h>

void restore_listing_begin(struct restore_listing *listing, struct s3_client *client, struct s3_conn *conn,
        const char *bucket, struct s3_text prefix)
{
    memset(listing, 0, sizeof *listing);
    listing->client = client;
    listing->conn = conn;
    listing->bucket = bucket;
    s3_page_init(&listing->page);
    listing->prefix_len = prefix.len <= sizeof listing->prefix ? prefix.len : 0;
    if (listing->prefix_len > 0)
        memcpy(listing->prefix, prefix.ptr, prefix.len);
    if (prefix.len > sizeof listing->prefix)
        listing->verdict = failure_set(&listing->failure, VERDICT_USAGE, "the prefix is longer than a key can be");
}

void restore_listing_end(struct restore_listing *listing)
{
    s3_page_free(&listing->page);
}

static enum verdict bad(struct restore_listing *listing, const char *what)
{
    return failure_set(&listing->failure, VERDICT_BAD_DATA,
            "ListObjectsV2 of s3://%s: %s, so the listing cannot be trusted", listing->bucket, what);
}

static enum verdict next_page(struct restore_listing *listing)
{
    const struct s3_list_options options = { .bucket = listing->bucket,
        .prefix = { listing->prefix, listing->prefix_len },
        .start_after = { listing->last_key, listing->has_last ? listing->last_len : 0 } };
    struct s3_error error;
    enum s3_status status = s3_list_objects(listing->conn, listing->client, &options, &listing->page, &error);

    if (status != S3_OK)
        return failure_from_s3(&listing->failure, status, &error, "listing the destination s3://%s", listing->bucket);
    listing->at = 0;
    listing->last = !listing->page.truncated;
    return listing->last || listing->page.count > 0 ? VERDICT_OK
                                                    : bad(listing, "a page is empty but says that more "
                                                                   "follow");
}

/* Keys ascend, over pages as well: so it gets on, and a merge can rely on it. */
static enum verdict check_order(struct restore_listing *listing, const struct s3_page_entry *entry)
{
    size_t shared = entry->key.len < listing->last_len ? entry->key.len : listing->last_len;
    int order;

    if (entry->key.len == 0 || entry->key.len > sizeof listing->last_key)
        return bad(listing, "a key is empty or too long");
    if (entry->key.len < listing->prefix_len || memcmp(entry->key.ptr, listing->prefix, listing->prefix_len) != 0)
        return bad(listing, "a key does not have the prefix");
    order = shared > 0 ? memcmp(listing->last_key, entry->key.ptr, shared) : 0;
    if (listing->has_last && (order > 0 || (order == 0 && listing->last_len >= entry->key.len)))
        return bad(listing, "its keys are not in order");
    memcpy(listing->last_key, entry->key.ptr, entry->key.len);
    listing->last_len = entry->key.len;
    listing->has_last = true;
    return VERDICT_OK;
}

enum verdict restore_listing_next(
        struct restore_listing *listing, const struct s3_page_entry **entry, struct failure *failure)
{
    *entry = NULL;
    while (listing->verdict == VERDICT_OK && listing->at == listing->page.count && !listing->last)
        listing->verdict = next_page(listing);
    if (listing->verdict == VERDICT_OK && listing->at < listing->page.count) {
        *entry = &listing->page.entries[listing->at++];
        listing->verdict = check_order(listing, *entry);
    }
    if (listing->verdict != VERDICT_OK) {
        *entry = NULL;
        *failure = listing->failure;
    }
    return listing->verdict;
}
