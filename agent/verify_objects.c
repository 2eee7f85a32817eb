/*
 * The versions of a source, in one listing, against what the logs say of them. Of each key the newest recorded version
 * must be the one on top; older ones that a kept point needs must be there; what lies on top and is recorded nowhere is
 * foreign, unless a run that did not end explains it. See verify_inside.h.
 */
#include "agent/verify_inside.h"

#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"

enum { PROGRESS_EVERY = 10000 };

/* A version on top that no log tells of. */
struct top {
    bool is, is_marker;
    uint64_t size;
    int64_t modified_ms;
    size_t etag_len;
    char etag[S3_ETAG_MAX], version[200];
};

/* One pass over data-long/ or data/. */
struct pass {
    struct verifying *verifying;
    struct verify_reader *reader;
    struct points_versions cursor;
    const struct s3_page_entry *entry; /* the next version; NULL: none */
    size_t prefix_len;
    struct verify_group group; /* the next place of the history; count 0: none of this kind */
    bool is_long;
    struct verify_names names;
    uint64_t seen;

    /* of the key that is looked at */
    struct top top;
    size_t hint;        /* where the next version probably is in the group */
    bool any, matched;  /* a version was listed; one of the recorded ones was */
    bool top_is_object; /* what lies on top is no delete marker */
    size_t last;        /* the last one that matched */
    int64_t last_ms;
    struct verify_change *current; /* beside the first that matched */
    size_t current_etag_len;
    char current_etag[S3_ETAG_MAX];
};

static bool same(struct state_text a, struct s3_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int compare(struct s3_text key, size_t prefix_len, struct state_text name)
{
    size_t len = key.len - prefix_len;
    int order = memcmp(key.ptr + prefix_len, name.ptr, len < name.len ? len : name.len);

    return order != 0 ? order : len < name.len ? -1 : len > name.len;
}

static bool is_deleted(const struct verify_change *change)
{
    return change->record.did == STATE_DELETED;
}

/* A record that does not know its version is met by the first that could be it. */
static bool could_be(const struct verify_change *change, const struct s3_page_entry *entry)
{
    return change->record.version.len == 0 && !change->seen && is_deleted(change) == entry->is_marker &&
           (entry->is_marker || change->record.size == entry->size);
}

/* The newest change that recorded this version; group.count: none. */
static size_t find(const struct pass *pass, const struct s3_page_entry *entry)
{
    const struct verify_group *group = &pass->group;

    if (pass->hint < group->count && same(group->changes[pass->hint].record.version, entry->version) &&
            (pass->hint == 0 || !same(group->changes[pass->hint - 1].record.version, entry->version)))
        return pass->hint;
    for (size_t i = 0; i < group->count; i++)
        if (same(group->changes[i].record.version, entry->version))
            return i;
    for (size_t i = 0; i < group->count; i++)
        if (could_be(&group->changes[i], entry))
            return i;
    return group->count;
}

static void compare_entry(struct pass *pass, const struct verify_change *change, const struct s3_page_entry *entry)
{
    const struct verify_record *record = &change->record;
    struct verifying *verifying = pass->verifying;
    enum storage_class class_ = storage_class_from(entry->class_.ptr, entry->class_.len);

    if (entry->is_marker != is_deleted(change)) {
        verify_tell(verifying, "kind-differs", record->key, "version %.*s is %s, and point %s recorded %s",
                (int)entry->version.len, entry->version.ptr, entry->is_marker ? "a delete marker" : "an object",
                verifying->points[record->point].listed.id, is_deleted(change) ? "a deletion" : "an object");
        return;
    }
    if (entry->is_marker)
        return;
    if (entry->size != record->size)
        verify_tell(verifying, "size-differs", record->key, "version %.*s has %llu bytes, point %s recorded %llu",
                (int)entry->version.len, entry->version.ptr, (unsigned long long)entry->size,
                verifying->points[record->point].listed.id, (unsigned long long)record->size);
    else if (record->by == STATE_BY_ETAG && !same(record->etag, entry->etag))
        verify_tell(verifying, "etag-differs", record->key, "version %.*s has the ETag %.*s, point %s recorded %.*s",
                (int)entry->version.len, entry->version.ptr, (int)entry->etag.len, entry->etag.ptr,
                verifying->points[record->point].listed.id, (int)record->etag.len, record->etag.ptr);
    if (class_ != record->class_)
        verify_note(verifying, VERIFY_NOTE_CLASS, "from %s to %s", storage_class_name(record->class_),
                storage_class_name(class_));
}

/* The same version may have been recorded more than once: copied, and adopted by a later run. */
static bool mark_seen(struct pass *pass, size_t at, const struct s3_page_entry *entry)
{
    bool needed = false;

    for (size_t i = at; i < pass->group.count; i++) {
        struct verify_change *change = &pass->group.changes[i];
        if (i != at && (change->record.version.len == 0 || !same(change->record.version, entry->version)))
            continue;
        change->seen = true;
        needed = needed || change->needed;
    }
    return needed;
}

static enum verdict take_match(struct pass *pass, size_t at, const struct s3_page_entry *entry, struct failure *failure)
{
    struct verify_change *change = &pass->group.changes[at];
    bool needed;

    if (pass->matched && at < pass->last && entry->modified_ms < pass->last_ms)
        verify_tell(pass->verifying, "order", change->record.key,
                "version %.*s lies under older ones: it was recorded after them", (int)entry->version.len,
                entry->version.ptr);
    if (!pass->matched && !entry->is_marker) {
        pass->current_etag_len = entry->etag.len < S3_ETAG_MAX ? entry->etag.len : S3_ETAG_MAX;
        if (pass->current_etag_len > 0)
            memcpy(pass->current_etag, entry->etag.ptr, pass->current_etag_len);
    }
    if (!pass->matched)
        pass->current = change;
    pass->matched = true;
    pass->last = at;
    pass->last_ms = entry->modified_ms;
    pass->hint = at + 1;
    needed = mark_seen(pass, at, entry);
    compare_entry(pass, change, entry);
    if (!needed || entry->is_marker)
        return VERDICT_OK;
    pass->verifying->report->versions++;
    return pass->reader != NULL ? verify_reader_give(pass->reader, change, entry, failure) : VERDICT_OK;
}

static void take_unknown(struct pass *pass, const struct s3_page_entry *entry)
{
    struct top *top = &pass->top;

    if (pass->matched || top->is) {
        verify_note(pass->verifying, VERIFY_NOTE_LEFT, "version %.*s of %.*s", (int)entry->version.len,
                entry->version.ptr, (int)(entry->key.len < 100 ? entry->key.len : 100), entry->key.ptr);
        return;
    }
    top->is = true;
    top->is_marker = entry->is_marker;
    top->size = entry->size;
    top->modified_ms = entry->modified_ms;
    top->etag_len = entry->etag.len < sizeof top->etag ? entry->etag.len : sizeof top->etag;
    if (top->etag_len > 0)
        memcpy(top->etag, entry->etag.ptr, top->etag_len);
    (void)snprintf(top->version, sizeof top->version, "%.*s", (int)entry->version.len, entry->version.ptr);
}

static void describe(const struct top *top, char out[400])
{
    char time[STATE_TIME_SIZE];

    if (state_utc_format(top->modified_ms, time) == 0)
        time[0] = '\0';
    if (top->is_marker)
        (void)snprintf(out, 400, "delete marker %s of %s", top->version, time);
    else
        (void)snprintf(out, 400, "version %s of %s, %llu bytes", top->version, time, (unsigned long long)top->size);
}

/* Whether what lies on top has the very content of what was recorded: a copy whose answer was lost, made twice. */
static bool is_twin(const struct pass *pass)
{
    const struct top *top = &pass->top;

    return pass->current != NULL && pass->current == &pass->group.changes[0] && !is_deleted(pass->current) &&
           !top->is_marker && top->size == pass->current->record.size && top->etag_len == pass->current_etag_len &&
           memcmp(top->etag, pass->current_etag, top->etag_len) == 0;
}

/* Something that no log tells of is what a listing of the vault shows. */
static enum verdict judge_top(struct pass *pass, struct state_text key, bool chosen, struct failure *failure)
{
    struct verifying *verifying = pass->verifying;
    const struct verify_change *newest = pass->group.count > 0 ? &pass->group.changes[0] : NULL;
    bool is_live = newest != NULL && !is_deleted(newest);
    enum verify_reason reason;
    char what[400];
    enum verdict verdict;

    describe(&pass->top, what);
    if (pass->top.is_marker && !is_live) { /* dead before and after */
        verify_note(verifying, VERIFY_NOTE_LEFT, "%s", what);
        return VERDICT_OK;
    }
    verdict = verify_explain(verifying, pass->top.modified_ms, &reason, failure);
    if (verdict != VERDICT_OK)
        return verdict;
    if (reason == VERIFY_UNFINISHED_RUN || (reason == VERIFY_RUN && is_twin(pass)))
        verify_note(verifying, VERIFY_NOTE_UNFINISHED, "%s", what);
    else if (reason == VERIFY_LOST_FILE)
        verify_note(verifying, VERIFY_NOTE_LOST, "%s", what);
    else if (!chosen)
        return VERDICT_OK;
    else if (pass->top.is_marker)
        verify_tell(verifying, "foreign-delete-marker", key,
                "%s lies over it, and no run has put it: the points say that the object is live", what);
    else if (newest == NULL)
        verify_tell(verifying, "foreign-object", key, "%s: no run has written it, and no point knows the key", what);
    else
        verify_tell(verifying, "foreign-version", key, "%s lies over what the points recorded%s: no run has written it",
                what, is_live ? "" : ", a deletion");
    return VERDICT_OK;
}

static void tell_missing(struct pass *pass)
{
    const struct verify_group *group = &pass->group;
    struct verifying *verifying = pass->verifying;
    const struct verify_change *older = NULL;
    uint64_t gone = 0;

    for (size_t i = 0; i < group->count; i++) {
        const struct verify_change *change = &group->changes[i];
        if (change->seen || !change->needed)
            continue;
        if (i == 0)
            verify_tell(verifying, "version-missing", group->key, "version %.*s, which point %s recorded, is gone",
                    (int)change->record.version.len, change->record.version.ptr,
                    verifying->points[change->record.point].listed.id);
        else if (gone++ == 0)
            older = change;
    }
    if (gone > 0)
        verify_tell(verifying, "version-missing", group->key,
                "%llu older version%s gone that kept points need, the newest of them %.*s, which point %s recorded",
                (unsigned long long)gone, gone > 1 ? "s are" : " is", (int)older->record.version.len,
                older->record.version.ptr, verifying->points[older->record.point].listed.id);
    if (group->count > 0 && is_deleted(&group->changes[0]) && !group->changes[0].seen && pass->any && !pass->top.is &&
            pass->top_is_object)
        verify_tell(verifying, "marker-missing", group->key,
                "the delete marker that point %s recorded is gone: the object looks live",
                verifying->points[group->changes[0].record.point].listed.id);
}

static void count_live(struct pass *pass)
{
    struct verifying *verifying = pass->verifying;
    const struct verify_group *group = &pass->group;

    for (size_t i = 0; i < group->count; i++) {
        const struct verify_change *change = &group->changes[i];
        if (change->record.point > verifying->newest) /* after the newest point */
            continue;
        if (!is_deleted(change)) {
            verifying->live.objects++;
            verifying->live.bytes += change->record.size;
        }
        return;
    }
}

static void begin_key(struct pass *pass)
{
    pass->top.is = pass->any = pass->matched = pass->top_is_object = false;
    pass->hint = pass->last = 0;
    pass->current = NULL;
}

/* One place of the history with all versions that are listed there. */
static enum verdict check_recorded(struct pass *pass, struct failure *failure)
{
    struct verifying *verifying = pass->verifying;
    const struct verify_group *group = &pass->group;
    bool chosen = verify_choice_has(&verifying->options->choice, group->key), is_needed = false;
    struct verify_reader *reader = pass->reader;
    enum verdict verdict = VERDICT_OK;

    begin_key(pass);
    count_live(pass);
    pass->reader = chosen ? reader : NULL;
    for (size_t i = 0; i < group->count; i++)
        is_needed = is_needed || group->changes[i].needed;
    while (verdict == VERDICT_OK && pass->entry != NULL &&
            compare(pass->entry->key, pass->prefix_len, group->name) == 0) {
        size_t at = find(pass, pass->entry);
        pass->top_is_object = pass->any ? pass->top_is_object : !pass->entry->is_marker;
        pass->any = true;
        if (at == group->count)
            take_unknown(pass, pass->entry);
        else if (chosen)
            verdict = take_match(pass, at, pass->entry, failure);
        else
            pass->matched = true;
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&pass->cursor, &pass->entry, failure);
    }
    pass->reader = reader;
    if (verdict == VERDICT_OK && pass->is_long && is_needed && chosen)
        verdict = verify_names_check(verifying, &pass->names, group, failure);
    if (verdict != VERDICT_OK || !chosen)
        return verdict;
    verifying->report->checked += !is_deleted(&group->changes[0]);
    if (pass->top.is)
        verdict = judge_top(pass, group->key, chosen, failure);
    tell_missing(pass);
    return verdict;
}

/* Versions of a place that the history does not know. */
static enum verdict check_unknown(struct pass *pass, struct failure *failure)
{
    struct verify_group known = pass->group;
    char name[S3_KEY_MAX];
    struct state_text key = { name, pass->entry->key.len - pass->prefix_len };
    enum verdict verdict = VERDICT_OK;

    memcpy(name, pass->entry->key.ptr + pass->prefix_len, key.len);
    begin_key(pass);
    while (verdict == VERDICT_OK && pass->entry != NULL && compare(pass->entry->key, pass->prefix_len, key) == 0) {
        take_unknown(pass, pass->entry);
        verdict = points_versions_next(&pass->cursor, &pass->entry, failure);
    }
    pass->group.count = 0;
    if (verdict == VERDICT_OK)
        verdict = judge_top(pass, key, verify_choice_has(&pass->verifying->options->choice, key), failure);
    pass->group = known;
    return verdict;
}

static enum verdict merge(struct pass *pass, const struct verify_record **ahead, struct failure *failure)
{
    struct verifying *verifying = pass->verifying;
    enum verdict verdict = VERDICT_OK;
    bool has = false;

    while (verdict == VERDICT_OK && !verify_stops(verifying)) {
        if (!has && *ahead != NULL && (*ahead)->is_long == pass->is_long) {
            verdict = verify_group_next(verifying, ahead, &pass->group, failure);
            has = verdict == VERDICT_OK;
            if (!has)
                return verdict;
        }
        if (!has && pass->entry == NULL)
            return VERDICT_OK;
        if (!has)
            pass->group.count = 0;
        if (has && (pass->entry == NULL || compare(pass->entry->key, pass->prefix_len, pass->group.name) >= 0)) {
            verdict = check_recorded(pass, failure);
            has = false;
        } else {
            verdict = check_unknown(pass, failure);
        }
        if (++pass->seen % PROGRESS_EVERY == 0)
            event_progress("%s: %llu keys compared", verifying->options->source, (unsigned long long)pass->seen);
    }
    return verdict;
}

static enum verdict check_kind(struct verifying *verifying, struct verify_reader *reader, bool is_long,
        const struct verify_record **ahead, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct pass pass = { .verifying = verifying, .reader = reader, .is_long = is_long };
    struct layout_path path;
    enum verdict verdict;

    if (layout_folder(&options->vault->layout, is_long ? LAYOUT_DATA_LONG : LAYOUT_DATA, options->source, &path) !=
            STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", options->source);
    pass.prefix_len = path.len;
    points_versions_begin(&pass.cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    verdict = points_versions_next(&pass.cursor, &pass.entry, failure);
    if (verdict == VERDICT_OK && is_long)
        verdict = verify_names_begin(verifying, &pass.names, failure);
    if (verdict == VERDICT_OK)
        verdict = merge(&pass, ahead, failure);
    verify_group_free(&pass.group);
    if (is_long)
        points_versions_end(&pass.names.cursor);
    points_versions_end(&pass.cursor);
    return verdict;
}

enum verdict verify_check_objects(struct verifying *verifying, struct verify_reader *reader, struct failure *failure)
{
    const struct verify_record *ahead = NULL;
    enum verdict verdict = verify_sort_begin(verifying->history, failure);

    if (verdict == VERDICT_OK)
        verdict = verify_sort_next(verifying->history, &ahead, failure);
    if (verdict == VERDICT_OK)
        verdict = check_kind(verifying, reader, true, &ahead, failure);
    if (verdict == VERDICT_OK && !verify_stops(verifying))
        verdict = check_kind(verifying, reader, false, &ahead, failure);
    return verdict;
}
