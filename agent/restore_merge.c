/* See restore_merge.h. */
#include "agent/restore_merge.h"

#include <stdio.h>
#include <string.h>

#include "agent/thaw.h"

/* How a key of a stream, without the bytes before, stands to the object's. */
static int compare(const struct s3_page_entry *entry, size_t skip, struct state_text key)
{
    size_t len = entry->key.len > skip ? entry->key.len - skip : 0;
    size_t shared = len < key.len ? len : key.len;
    int order = shared > 0 ? memcmp(entry->key.ptr + skip, key.ptr, shared) : 0;

    return order != 0 ? order : len < key.len ? -1 : len > key.len;
}

static bool is_text(struct state_text text, const struct s3_text *other)
{
    return text.len == other->len && (text.len == 0 || memcmp(text.ptr, other->ptr, text.len) == 0);
}

enum restore_vault restore_state(const struct s3_page_entry *entry, int64_t now_ms)
{
    if (entry->restore_in_progress) /* INTELLIGENT_TIERING as well, of which a listing tells nothing else */
        return RESTORE_THAWING;
    if (!storage_class_is_archive(storage_class_from(entry->class_.ptr, entry->class_.len)))
        return RESTORE_READABLE;
    return entry->restore_expiry_ms > now_ms + THAW_LEFT_MS_MIN ? RESTORE_READABLE : RESTORE_ARCHIVED;
}

bool restore_is_version(const struct state_entry *recorded, const struct s3_page_entry *entry, int64_t *best_ms)
{
    const int64_t within_ms = 999; /* a time that HEAD told has whole seconds */

    if (recorded->vault_version.len > 0)
        return !entry->is_marker && is_text(recorded->vault_version, &entry->version);
    if (entry->modified_ms > recorded->copied_ms + within_ms || entry->modified_ms <= *best_ms)
        return false;
    *best_ms = entry->modified_ms;
    return true;
}

void restore_merge_begin(struct restore_merge *merge, const struct restore_streams *streams, int64_t now_ms)
{
    memset(merge, 0, sizeof *merge);
    merge->streams = streams;
    merge->now_ms = now_ms;
}

static enum verdict next_version(struct restore_merge *merge, struct failure *failure)
{
    return merge->streams->version(merge->streams->ctx, &merge->version, failure);
}

static enum verdict next_there(struct restore_merge *merge, struct failure *failure)
{
    return merge->streams->there(merge->streams->ctx, &merge->there, failure);
}

static enum verdict begin(struct restore_merge *merge, struct failure *failure)
{
    enum verdict verdict = next_version(merge, failure);

    if (verdict == VERDICT_OK && merge->streams->there != NULL)
        verdict = next_there(merge, failure);
    merge->begun = true;
    return verdict;
}

enum restore_vault restore_take(struct restore_copy *copy, const struct s3_page_entry *entry, int64_t now_ms)
{
    /* what was there before the bucket had versions is named by nothing as long as it is the current one */
    bool nameless = entry->is_latest && is_text((struct state_text){ "null", 4 }, &entry->version);
    (void)snprintf(copy->version, sizeof copy->version, "%.*s", nameless ? 0 : (int)entry->version.len,
            entry->version.len > 0 ? entry->version.ptr : "");
    (void)snprintf(
            copy->etag, sizeof copy->etag, "%.*s", (int)entry->etag.len, entry->etag.len > 0 ? entry->etag.ptr : "");
    copy->size = entry->size;
    copy->class_ = storage_class_from(entry->class_.ptr, entry->class_.len);
    return entry->is_marker ? RESTORE_GONE : restore_state(entry, now_ms);
}

/* What the vault has of the object now. */
static enum verdict look_in_vault(struct restore_merge *merge, struct restore_sight *sight, struct failure *failure)
{
    const struct state_entry *recorded = &sight->object->entry;
    size_t skip = merge->streams->version_skip;
    int64_t best_ms = INT64_MIN;

    sight->vault = RESTORE_GONE;
    if (skip + recorded->key.len > STATE_PATH_MAX) {
        sight->vault = RESTORE_SINGLY;
        return VERDICT_OK;
    }
    while (merge->version != NULL) {
        int order = compare(merge->version, skip, recorded->key);
        if (order > 0)
            break;
        if (order == 0 && restore_is_version(recorded, merge->version, &best_ms))
            sight->vault = restore_take(&sight->copy, merge->version, merge->now_ms);
        if (next_version(merge, failure) != VERDICT_OK)
            return failure->verdict;
    }
    return VERDICT_OK;
}

static enum restore_there judge(const struct restore_sight *sight, const struct s3_page_entry *there)
{
    const struct state_entry *recorded = &sight->object->entry;
    const struct state_text vaults = { sight->copy.etag, strlen(sight->copy.etag) };

    if (there->size != recorded->size)
        return RESTORE_DIFFERENT;
    if (there->etag.len > 0 && (is_text(recorded->etag, &there->etag) || is_text(vaults, &there->etag)))
        return RESTORE_EQUAL;
    return RESTORE_DOUBTFUL;
}

static enum verdict look_there(struct restore_merge *merge, struct restore_sight *sight, struct failure *failure)
{
    size_t skip = merge->streams->there_skip;

    sight->there = merge->streams->there == NULL ? RESTORE_UNSEEN : RESTORE_ABSENT;
    while (merge->there != NULL) {
        int order = compare(merge->there, skip, sight->object->entry.key);
        if (order > 0)
            break;
        if (order == 0)
            sight->there = judge(sight, merge->there);
        if (next_there(merge, failure) != VERDICT_OK)
            return failure->verdict;
    }
    return VERDICT_OK;
}

enum verdict restore_merge_next(struct restore_merge *merge, struct restore_sight *sight, struct failure *failure)
{
    const struct view_object *object = NULL;

    memset(sight, 0, sizeof *sight);
    if (!merge->begun && begin(merge, failure) != VERDICT_OK)
        return failure->verdict;
    if (merge->streams->object(merge->streams->ctx, &object, failure) != VERDICT_OK)
        return failure->verdict;
    if (object == NULL)
        return VERDICT_OK;
    sight->object = object;
    sight->ordinal = merge->ordinal++;
    if (look_in_vault(merge, sight, failure) != VERDICT_OK || look_there(merge, sight, failure) != VERDICT_OK) {
        sight->object = NULL;
        return failure->verdict;
    }
    return VERDICT_OK;
}
