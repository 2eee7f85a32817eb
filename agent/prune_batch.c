/* Deletions by version, a thousand in a request; see prune_inside.h. */
#include "agent/prune_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "s3/retention.h"

enum { ITEMS = 1000, TEXT = S3_KEY_MAX + S3_VERSION_MAX + 2, ASKED_MAX = 100 };

/* Items that wait for one request. */
struct queue {
    struct prune_item items[ITEMS];
    uint64_t groups[ITEMS];
    bool dropped[ITEMS]; /* something that had to go first was refused */
    char (*texts)[TEXT];
    size_t count;
};

struct prune_batch {
    struct pruning *pruning;
    struct queue now, afterwards;
    uint64_t group;
    bool refused; /* something of the group that is being added */
};

struct prune_batch *prune_batch_new(struct pruning *pruning)
{
    struct prune_batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL)
        return NULL;
    batch->pruning = pruning;
    batch->now.texts = calloc(ITEMS, sizeof *batch->now.texts);
    batch->afterwards.texts = calloc(ITEMS, sizeof *batch->afterwards.texts);
    if (batch->now.texts != NULL && batch->afterwards.texts != NULL)
        return batch;
    prune_batch_free(batch);
    return NULL;
}

void prune_batch_free(struct prune_batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->now.texts);
    free(batch->afterwards.texts);
    free(batch);
}

void prune_count(struct pruning *pruning, const struct prune_item *item)
{
    struct prune_report *report = pruning->report;
    struct prune_counts *counts = &report->counts;
    const struct price *price = &pruning->options->prices->classes[item->class_];
    double days = price->minimum_days;

    switch (item->kind) {
    case PRUNE_MARKER:
        counts->markers++;
        return;
    case PRUNE_NAME:
        counts->names++;
        return;
    case PRUNE_POINT_FILE:
        report->point_files++;
        return;
    case PRUNE_VERSION:
        break;
    }
    counts->versions++;
    counts->bytes += item->size;
    counts->by_class[item->class_].objects++;
    counts->by_class[item->class_].bytes += item->size;
    if ((double)item->size < price->minimum_bytes) {
        counts->small[item->class_].objects++;
        counts->small[item->class_].bytes += item->size;
    }
    days -= (double)(vault_now_ms(pruning->options->vault) - item->modified_ms) / 86400000.0;
    if (days > 0)
        price_add(&counts->early, price->storage_gb_month, price_gb(item->size) * days / 30.0);
}

static bool says_locked(struct s3_text message)
{
    char text[300];
    size_t len = message.len < sizeof text - 1 ? message.len : sizeof text - 1;

    for (size_t i = 0; i < len; i++)
        text[i] = (char)tolower((unsigned char)message.ptr[i]);
    text[len] = '\0';
    return strstr(text, "object lock") != NULL || strstr(text, "objectlock") != NULL ||
           strstr(text, "retention") != NULL;
}

/* A legal hold, which HEAD tells whoever may see it. */
static bool is_held(const struct prune_options *prune, const struct s3_target *target)
{
    const struct s3_head_options options = { .target = *target };
    struct s3_head *head = calloc(1, sizeof *head);
    struct s3_error error;
    bool is;

    if (head == NULL)
        return false;
    s3_head_init(head);
    is = s3_head_object(prune->conn, prune->vault->client, &options, head, &error) == S3_OK && head->legal_hold;
    s3_head_free(head);
    free(head);
    return is;
}

/* "AccessDenied" is both a right that is missing and a lock; some services say which, of others the version is asked.
 */
static bool is_locked(struct prune_batch *batch, const struct prune_item *item, const struct s3_deleted_entry *answer)
{
    const struct prune_options *prune = batch->pruning->options;
    struct s3_target target = vault_target(prune->vault, item->path.ptr, item->path.len);
    struct s3_retention retention;
    struct s3_error error;

    if (says_locked(answer->message))
        return true;
    /* where a right is missing for all, each need not be asked */
    if (item->kind == PRUNE_MARKER || batch->pruning->report->failed > ASKED_MAX)
        return false;
    target.version = item->version.ptr;
    if (s3_get_object_retention(prune->conn, prune->vault->client, &target, &retention, &error) == S3_OK &&
            retention.until_ms > vault_now_ms(prune->vault))
        return true;
    return is_held(prune, &target);
}

static void note_failure(struct pruning *pruning, const struct prune_item *item, const struct s3_deleted_entry *answer)
{
    struct prune_report *report = pruning->report;
    char path[400];

    if (report->failed++ > 0)
        return;
    (void)failure_set(&report->error, VERDICT_NO_ACCESS,
            "DeleteObjects: version %.*s of s3://%s/%s: %.*s: %.*s: the prune role needs s3:DeleteObjectVersion there",
            (int)item->version.len, item->version.ptr, pruning->options->vault->bucket,
            key_for_people(item->path.ptr, item->path.len, path, sizeof path), (int)answer->code.len, answer->code.ptr,
            (int)answer->message.len, answer->message.ptr);
    report->has_error = true;
    event_warn("not-removed", report->source, "%s", report->error.what);
}

/* What was to go after something of this group stays as well. */
static void drop_group(struct prune_batch *batch, uint64_t group)
{
    batch->refused = batch->refused || group == batch->group;
    for (size_t i = 0; i < batch->afterwards.count; i++)
        batch->afterwards.dropped[i] = batch->afterwards.dropped[i] || batch->afterwards.groups[i] == group;
}

static void take_answers(
        struct prune_batch *batch, const struct queue *queue, const size_t *index, const struct s3_deleted *deleted)
{
    struct pruning *pruning = batch->pruning;

    for (size_t i = 0; i < deleted->count; i++) {
        const struct s3_deleted_entry *answer = &deleted->entries[i];
        const struct prune_item *item = &queue->items[index[i]];
        if (!answer->failed) {
            prune_count(pruning, item);
            continue;
        }
        drop_group(batch, queue->groups[index[i]]);
        if (is_locked(batch, item, answer))
            pruning->report->retained_by_lock++;
        else
            note_failure(pruning, item, answer);
    }
}

static enum verdict send(struct prune_batch *batch, struct queue *queue, struct failure *failure)
{
    const struct prune_options *prune = batch->pruning->options;
    struct s3_delete_item *items = calloc(ITEMS, sizeof *items);
    size_t *index = calloc(ITEMS, sizeof *index);
    struct s3_delete_many_options options = {
        .bucket = prune->vault->bucket, .expected_owner = prune->vault->owner, .items = items
    };
    struct s3_deleted deleted;
    struct s3_error error;
    enum s3_status status = S3_OK;
    enum verdict verdict = prune_may_go_on(batch->pruning, failure);

    s3_deleted_init(&deleted);
    if (items == NULL || index == NULL)
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    for (size_t i = 0; i < queue->count && verdict == VERDICT_OK; i++) {
        if (queue->dropped[i])
            continue;
        items[options.count] = (struct s3_delete_item){ { queue->items[i].path.ptr, queue->items[i].path.len },
            { queue->items[i].version.ptr, queue->items[i].version.len } };
        index[options.count++] = i;
    }
    if (verdict == VERDICT_OK && options.count > 0)
        status = s3_delete_objects(prune->conn, prune->vault->client, &options, &deleted, &error);
    if (status != S3_OK)
        verdict = failure_from_s3(failure, status, &error, "removing versions of source \"%s\"", prune->source);
    else if (verdict == VERDICT_OK)
        take_answers(batch, queue, index, &deleted);
    queue->count = 0;
    s3_deleted_free(&deleted);
    free(index);
    free(items);
    return verdict;
}

static enum verdict send_both(struct prune_batch *batch, struct failure *failure)
{
    enum verdict verdict = batch->now.count > 0 ? send(batch, &batch->now, failure) : VERDICT_OK;

    return verdict == VERDICT_OK && batch->afterwards.count > 0 ? send(batch, &batch->afterwards, failure) : verdict;
}

void prune_batch_group(struct prune_batch *batch)
{
    batch->group++;
    batch->refused = false;
}

enum verdict prune_batch_add(
        struct prune_batch *batch, const struct prune_item *item, bool afterwards, struct failure *failure)
{
    struct queue *queue = afterwards ? &batch->afterwards : &batch->now;
    enum verdict verdict = VERDICT_OK;
    char *text;

    /* never without a version: that would be a delete marker over what lies there */
    if (item->version.len == 0 || item->path.len + item->version.len + 2 > TEXT)
        return failure_set(failure, VERDICT_BAD_DATA,
                "a version without an id, or too long a one, is listed in s3://%s",
                batch->pruning->options->vault->bucket);
    if (queue->count == ITEMS)
        verdict = afterwards ? send_both(batch, failure) : send(batch, &batch->now, failure);
    if (verdict != VERDICT_OK || (afterwards && batch->refused))
        return verdict;
    text = queue->texts[queue->count];
    memcpy(text, item->path.ptr, item->path.len);
    text[item->path.len] = '\0';
    memcpy(text + item->path.len + 1, item->version.ptr, item->version.len);
    text[item->path.len + 1 + item->version.len] = '\0';
    queue->items[queue->count] = *item;
    queue->items[queue->count].path.ptr = text;
    queue->items[queue->count].version.ptr = text + item->path.len + 1;
    queue->groups[queue->count] = batch->group;
    queue->dropped[queue->count++] = false;
    return VERDICT_OK;
}

enum verdict prune_batch_flush(struct prune_batch *batch, struct failure *failure)
{
    return send_both(batch, failure);
}
