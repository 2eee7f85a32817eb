/* All versions of a source, in one listing, against what the logs say of them; see prune_inside.h. */
#include "agent/prune_inside.h"

#include <stdlib.h>
#include <string.h>

#include "agent/event.h"

enum { PROGRESS_EVERY = 10000 };

/* One version of the key that is looked at; its id lies at `text`. */
struct listed {
    size_t text, version_len;
    uint64_t size;
    enum storage_class class_;
};

/* One pass over data-long/ or data/. */
struct pass {
    struct pruning *pruning;
    struct prune_batch *batch; /* NULL: only counting */
    bool is_long;
    struct points_versions cursor, names;
    const struct s3_page_entry *entry, *name; /* the next ones; NULL: none */
    size_t prefix_len, names_prefix_len;
    struct verify_group group; /* the next place of the history; count 0: none */
    uint64_t seen;

    /* of the key that is looked at */
    char path[S3_KEY_MAX];
    size_t path_len;
    struct prune_version *versions;
    struct listed *listed;
    size_t count, capacity;
    char *text;
    size_t text_used, text_capacity;
};

static void pass_clear(struct pass *pass)
{
    free(pass->versions);
    free(pass->listed);
    free(pass->text);
    verify_group_free(&pass->group);
    points_versions_end(&pass->cursor);
    points_versions_end(&pass->names);
}

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

    return order != 0 ? order : a_len < b_len ? -1 : a_len > b_len;
}

static bool grow(struct pass *pass)
{
    size_t capacity = pass->capacity == 0 ? 16 : pass->capacity * 2;
    struct prune_version *versions = realloc(pass->versions, capacity * sizeof *versions);
    struct listed *listed;

    if (versions == NULL)
        return false;
    pass->versions = versions;
    listed = realloc(pass->listed, capacity * sizeof *listed);
    if (listed == NULL)
        return false;
    pass->listed = listed;
    pass->capacity = capacity;
    return true;
}

static bool add(struct pass *pass, const struct s3_page_entry *entry)
{
    size_t len = entry->version.len;

    if (pass->count == pass->capacity && !grow(pass))
        return false;
    if (pass->text_used + len + 1 > pass->text_capacity) {
        size_t capacity = (pass->text_used + len + 1) * 2;
        char *text = realloc(pass->text, capacity);
        if (text == NULL)
            return false;
        pass->text = text;
        pass->text_capacity = capacity;
    }
    if (len > 0)
        memcpy(pass->text + pass->text_used, entry->version.ptr, len);
    pass->versions[pass->count] =
            (struct prune_version){ .is_marker = entry->is_marker, .modified_ms = entry->modified_ms };
    pass->listed[pass->count++] = (struct listed){ .text = pass->text_used,
        .version_len = len,
        .size = entry->is_marker ? 0 : entry->size,
        .class_ = entry->is_marker ? CLASS_STANDARD : storage_class_from(entry->class_.ptr, entry->class_.len) };
    pass->text_used += len + 1;
    return true;
}

/* All versions of the key that is next in the listing. */
static enum verdict take_key(struct pass *pass, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    pass->count = pass->text_used = 0;
    pass->path_len = pass->entry->key.len;
    memcpy(pass->path, pass->entry->key.ptr, pass->path_len);
    while (verdict == VERDICT_OK && pass->entry != NULL &&
            compare(pass->entry->key.ptr, pass->entry->key.len, pass->path, pass->path_len) == 0) {
        if (!add(pass, pass->entry))
            return failure_set(failure, VERDICT_INTERNAL, "out of memory");
        verdict = points_versions_next(&pass->cursor, &pass->entry, failure);
    }
    return verdict;
}

/* What the logs say of each version. A record that does not know its version may mean any of them. */
static void ask_logs(struct pass *pass)
{
    const struct verify_group *group = &pass->group;
    bool unknown = false, unknown_needed = false;

    for (size_t c = 0; c < group->count; c++)
        if (group->changes[c].record.version.len == 0 && group->changes[c].record.did != STATE_DELETED) {
            unknown = true;
            unknown_needed = unknown_needed || group->changes[c].needed;
        }
    for (size_t i = 0; i < pass->count; i++) {
        const struct listed *listed = &pass->listed[i];
        struct prune_version *version = &pass->versions[i];
        version->named = unknown;
        version->needed = unknown_needed;
        for (size_t c = 0; c < group->count; c++) {
            const struct state_text recorded = group->changes[c].record.version;
            if (recorded.len == 0 || recorded.len != listed->version_len ||
                    memcmp(recorded.ptr, pass->text + listed->text, recorded.len) != 0)
                continue;
            version->named = true;
            version->needed = version->needed || group->changes[c].needed;
        }
    }
}

static enum verdict give(struct pass *pass, const struct prune_item *item, bool afterwards, struct failure *failure)
{
    if (pass->batch != NULL)
        return prune_batch_add(pass->batch, item, afterwards, failure);
    prune_count(pass->pruning, item);
    return VERDICT_OK;
}

/* The key's versions, judged: what goes, goes; *left: something stays. */
static enum verdict settle_key(struct pass *pass, bool *left, struct failure *failure)
{
    struct prune_report *report = pass->pruning->report;
    enum verdict verdict = VERDICT_OK;

    ask_logs(pass);
    prune_judge_versions(&report->points, pass->versions, pass->count);
    for (size_t i = 0; i < pass->count && verdict == VERDICT_OK; i++) {
        const struct prune_version *version = &pass->versions[i];
        const struct prune_item item = { .kind = version->is_marker ? PRUNE_MARKER : PRUNE_VERSION,
            .path = { pass->path, pass->path_len },
            .version = { pass->text + pass->listed[i].text, pass->listed[i].version_len },
            .class_ = pass->listed[i].class_,
            .size = pass->listed[i].size,
            .modified_ms = version->modified_ms };
        report->all_versions += pass->batch == NULL && !version->is_marker;
        *left = *left || !version->goes;
        if (version->goes && !version->is_marker)
            verdict = give(pass, &item, false, failure);
        else if (!version->goes && version->needed && !version->is_marker && pass->batch == NULL)
            verdict = prune_extend(pass->pruning, &item, failure);
    }
    /* what hides something goes after the service has said that this is gone */
    for (size_t i = 0; i < pass->count && verdict == VERDICT_OK; i++) {
        const struct prune_item item = { .kind = PRUNE_MARKER,
            .path = { pass->path, pass->path_len },
            .version = { pass->text + pass->listed[i].text, pass->listed[i].version_len },
            .modified_ms = pass->versions[i].modified_ms };
        if (pass->versions[i].goes && pass->versions[i].is_marker)
            verdict = give(pass, &item, true, failure);
    }
    return verdict;
}

/* The names up to this hash (NULL: all that are left): a name goes where nothing is left that has it. */
static enum verdict settle_names(struct pass *pass, const char *hash, size_t len, bool left, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;

    while (verdict == VERDICT_OK && pass->is_long && pass->name != NULL) {
        const struct s3_page_entry *entry = pass->name;
        const struct prune_item item = { .kind = PRUNE_NAME,
            .path = { entry->key.ptr, entry->key.len },
            .version = { entry->version.ptr, entry->version.len },
            .modified_ms = entry->modified_ms };
        int order = hash == NULL ? -1
                                 : compare(entry->key.ptr + pass->names_prefix_len,
                                           entry->key.len - pass->names_prefix_len, hash, len);
        if (order > 0)
            break;
        if (!(order == 0 && left) && !pass->pruning->report->points.in_doubt && !pass->pruning->report->points.broken &&
                prune_judge_rest(&pass->pruning->report->points, entry->modified_ms))
            verdict = give(pass, &item, true, failure);
        else if (order == 0 && left && !entry->is_marker && pass->batch == NULL)
            verdict = prune_extend(pass->pruning, &item, failure);
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&pass->names, &pass->name, failure);
    }
    return verdict;
}

/* The next place, of the history, of the listing, or of both. */
static enum verdict settle_place(struct pass *pass, bool *has, struct failure *failure)
{
    struct verify_group *group = &pass->group;
    int order = pass->entry == NULL ? 1
                : !*has             ? -1
                        : compare(pass->entry->key.ptr + pass->prefix_len, pass->entry->key.len - pass->prefix_len,
                                  group->name.ptr, group->name.len);
    size_t recorded = group->count;
    bool left = false;
    enum verdict verdict = VERDICT_OK;

    if (pass->batch != NULL)
        prune_batch_group(pass->batch);
    if (order > 0) { /* recorded, and nothing is there any more */
        for (size_t i = 0; i < group->count; i++)
            left = left || group->changes[i].needed;
        *has = false;
        return settle_names(pass, group->name.ptr, group->name.len, left, failure);
    }
    verdict = take_key(pass, failure);
    if (order < 0)
        group->count = 0;
    if (verdict == VERDICT_OK)
        verdict = settle_key(pass, &left, failure);
    group->count = recorded;
    *has = *has && order != 0;
    if (verdict != VERDICT_OK)
        return verdict;
    return settle_names(pass, pass->path + pass->prefix_len, pass->path_len - pass->prefix_len, left, failure);
}

static enum verdict merge(struct pass *pass, const struct verify_record **ahead, struct failure *failure)
{
    enum verdict verdict = VERDICT_OK;
    bool has = false;

    while (verdict == VERDICT_OK) {
        if (!has && *ahead != NULL && (*ahead)->is_long == pass->is_long) {
            verdict = verify_group_next(&pass->pruning->verifying, ahead, &pass->group, failure);
            has = verdict == VERDICT_OK;
        }
        if (verdict == VERDICT_OK && !has && pass->entry == NULL)
            return settle_names(pass, NULL, 0, false, failure);
        if (verdict == VERDICT_OK)
            verdict = settle_place(pass, &has, failure);
        if (++pass->seen % PROGRESS_EVERY == 0) {
            event_progress("%s: %llu keys judged", pass->pruning->options->source, (unsigned long long)pass->seen);
            if (verdict == VERDICT_OK)
                verdict = prune_may_go_on(pass->pruning, failure);
        }
    }
    return verdict;
}

static enum verdict begin(struct pass *pass, enum layout_kind kind, struct points_versions *cursor,
        const struct s3_page_entry **entry, size_t *prefix_len, struct failure *failure)
{
    const struct prune_options *options = pass->pruning->options;
    struct layout_path path;

    if (layout_folder(&options->vault->layout, kind, options->source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", options->source);
    *prefix_len = path.len;
    points_versions_begin(cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    return points_versions_next(cursor, entry, failure);
}

static enum verdict pass_kind(struct pruning *pruning, struct prune_batch *batch, bool is_long,
        const struct verify_record **ahead, struct failure *failure)
{
    struct pass *pass = calloc(1, sizeof *pass);
    enum verdict verdict;

    if (pass == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    *pass = (struct pass){ .pruning = pruning, .batch = batch, .is_long = is_long };
    s3_page_init(&pass->names.page);
    verdict = begin(
            pass, is_long ? LAYOUT_DATA_LONG : LAYOUT_DATA, &pass->cursor, &pass->entry, &pass->prefix_len, failure);
    if (verdict == VERDICT_OK && is_long)
        verdict = begin(pass, LAYOUT_NAME, &pass->names, &pass->name, &pass->names_prefix_len, failure);
    if (verdict == VERDICT_OK)
        verdict = merge(pass, ahead, failure);
    pass_clear(pass);
    free(pass);
    return verdict;
}

enum verdict prune_pass(struct pruning *pruning, bool only_count, struct failure *failure)
{
    const struct verify_record *ahead = NULL;
    struct prune_batch *batch = only_count ? NULL : prune_batch_new(pruning);
    enum verdict verdict = verify_sort_begin(pruning->verifying.history, failure);

    if (!only_count && batch == NULL)
        verdict = failure_set(failure, VERDICT_INTERNAL, "out of memory");
    if (verdict == VERDICT_OK)
        verdict = verify_sort_next(pruning->verifying.history, &ahead, failure);
    if (verdict == VERDICT_OK)
        verdict = pass_kind(pruning, batch, true, &ahead, failure);
    if (verdict == VERDICT_OK)
        verdict = pass_kind(pruning, batch, false, &ahead, failure);
    if (verdict == VERDICT_OK && batch != NULL)
        verdict = prune_batch_flush(batch, failure);
    prune_batch_free(batch);
    return verdict;
}
