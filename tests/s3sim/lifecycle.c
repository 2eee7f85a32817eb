/* See lifecycle.h. A pass first decides, then acts: nothing changes under the cursor. */
#include "lifecycle.h"

#include "multipart.h"
#include "stamp.h"

#include <stdlib.h>
#include <string.h>

enum { DAY = 86400, SMALL = 128 * 1024, RULES_MAX = 1000, INFREQUENT_DAYS = 30, CLASS_ONEZONE_IA = 2, CLASS_GIR = 4 };

enum act { MOVE, MARK, END };

struct deed {
    enum act act;
    char *key;
    size_t n;
    uint64_t id;
    int class_;
};

struct pass {
    struct bucket *b;
    const struct xml *rules; /* the first child of the document */
    int64_t now;
    struct deed *deed;
    size_t deeds, cap;
};

/* A rule's filter, wherever the document has its parts. */
struct filter {
    const char *prefix;
    const struct xml *tags; /* the first Tag among its siblings */
    bool sized;
    uint64_t larger, smaller;
};

static uint64_t number(const struct xml *x, const char *name)
{
    const char *text = xml_text(x, name);
    return text ? strtoull(text, NULL, 10) : 0;
}

static bool is(const struct xml *x, const char *name)
{
    return !strcmp(x->name, name);
}

static struct filter filter_of(const struct xml *rule)
{
    const struct xml *in = xml_child(rule, "Filter");
    struct filter f = { .prefix = xml_text(rule, "Prefix"), .smaller = UINT64_MAX };
    if (xml_child(in, "And"))
        in = xml_child(in, "And");
    if (!f.prefix)
        f.prefix = xml_text(in, "Prefix");
    f.tags = xml_child(in, "Tag");
    if (xml_child(in, "ObjectSizeGreaterThan"))
        f.sized = true, f.larger = number(in, "ObjectSizeGreaterThan") + 1;
    if (xml_child(in, "ObjectSizeLessThan"))
        f.sized = true, f.smaller = number(in, "ObjectSizeLessThan");
    if (!f.prefix)
        f.prefix = "";
    return f;
}

static bool is_infrequent(int class_)
{
    return class_ == class_by_name("STANDARD_IA") || class_ == CLASS_ONEZONE_IA;
}

static const char *check_moves(const struct xml *rule)
{
    for (const struct xml *x = rule->child; x; x = x->next) {
        bool old = is(x, "NoncurrentVersionTransition");
        if (!old && !is(x, "Transition"))
            continue;
        const char *name = xml_text(x, "StorageClass"), *days = xml_text(x, old ? "NoncurrentDays" : "Days");
        int class_ = name ? class_by_name(name) : -1;
        if (class_ <= CLASS_STANDARD || class_ > CLASS_DEEP_ARCHIVE)
            return "StorageClass";
        if (!days && (old || !xml_text(x, "Date")))
            return "Days";
        if (days && is_infrequent(class_) && strtoull(days, NULL, 10) < INFREQUENT_DAYS)
            return "'Days' in Transition action must be greater than or equal to 30 for storageClass";
        if (old && !strcmp(days, "0"))
            return "'NoncurrentDays' must be positive";
    }
    return NULL;
}

static const char *check_rule(const struct xml *rule, bool *base, bool *filtered)
{
    const char *status = xml_text(rule, "Status"), *id = xml_text(rule, "ID");
    const struct xml *ends = xml_child(rule, "Expiration"), *filter = xml_child(rule, "Filter");
    struct filter f = filter_of(rule);
    size_t conditions = 0;
    if (!status || (strcmp(status, "Enabled") != 0 && strcmp(status, "Disabled") != 0))
        return "Status";
    if (id && strlen(id) > 255)
        return "ID length should not exceed allowed limit of 255";
    *base = *base || xml_child(rule, "Prefix");
    *filtered = *filtered || filter;
    if (!filter && !xml_child(rule, "Prefix"))
        return "Filter";
    if (*base && *filtered)
        return "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.";
    for (const struct xml *x = filter ? filter->child : NULL; x; x = x->next)
        conditions++;
    if (conditions > 1)
        return "Filter: more than one condition without And";
    if (xml_child(rule, "AbortIncompleteMultipartUpload") && (f.tags || f.sized))
        return "AbortIncompleteMultipartUpload cannot be specified with Tags or sizes.";
    if (ends && xml_child(ends, "ExpiredObjectDeleteMarker") && (xml_child(ends, "Days") || f.tags))
        return "ExpiredObjectDeleteMarker cannot be specified with Days or Tags.";
    if (ends && xml_child(ends, "Days") && number(ends, "Days") == 0)
        return "'Days' for Expiration action must be a positive integer";
    return check_moves(rule);
}

const char *lifecycle_check(const struct xml *document)
{
    bool base = false, filtered = false;
    size_t rules = 0;
    if (!is(document, "LifecycleConfiguration"))
        return "LifecycleConfiguration";
    for (const struct xml *rule = document->child; rule; rule = rule->next) {
        const char *why = is(rule, "Rule") ? check_rule(rule, &base, &filtered) : "Rule";
        const char *id = xml_text(rule, "ID");
        for (const struct xml *x = document->child; !why && id && x != rule; x = x->next)
            if (xml_text(x, "ID") && !strcmp(xml_text(x, "ID"), id))
                why = "Rule ID must be unique. Found same ID for more than one rule";
        if (why)
            return why;
        rules++;
    }
    return rules == 0 || rules > RULES_MAX ? "one to a thousand rules" : NULL;
}

static bool is_due(const struct pass *p, int64_t from, uint64_t days)
{
    int64_t due = (from + (int64_t)days * DAY + DAY - 1) / DAY * DAY;
    return due <= p->now;
}

/* By the Days, or the Date, of an action. */
static bool action_is_due(const struct pass *p, const struct xml *action, const char *days, int64_t from)
{
    const char *date = xml_text(action, "Date");
    int64_t when;
    if (xml_child(action, days))
        return is_due(p, from, number(action, days));
    return date && stamp_parse(date, &when) && when <= p->now;
}

static bool matches(const struct xml *rule, const struct entry *e, const struct version *v, struct filter *f)
{
    const char *status = xml_text(rule, "Status");
    *f = filter_of(rule);
    size_t n = strlen(f->prefix);
    if (!status || strcmp(status, "Enabled") != 0 || e->n < n || memcmp(e->key, f->prefix, n) != 0)
        return false;
    if (v->marker)
        return !f->tags && !f->sized;
    if (f->sized && (v->size < f->larger || v->size >= f->smaller))
        return false;
    for (const struct xml *t = f->tags; t; t = t->next) {
        const char *key = xml_text(t, "Key"), *value = xml_text(t, "Value");
        const char *has = key && is(t, "Tag") ? bag_get(v->tags, key) : NULL;
        if (is(t, "Tag") && (!has || strcmp(has, value ? value : "") != 0))
            return false;
    }
    return true;
}

/* S3's waterfall. */
static bool may_move(int from, int to)
{
    static const int rank[] = { 0, 1, 3, 2, 4, 5, 6, 0 };
    return rank[to] > rank[from] && !(from == CLASS_ONEZONE_IA && to == CLASS_GIR);
}

/* Without a size filter of the rule the bucket's own minimum holds. */
static bool is_large_enough(const struct pass *p, const struct filter *f, const struct version *v, int to)
{
    return f->sized || v->size >= SMALL || (p->b->small_moves && to >= CLASS_GLACIER);
}

static void plan(struct pass *p, enum act act, const struct entry *e, uint64_t id, int class_)
{
    if (p->deeds == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 64;
        p->deed = realloc(p->deed, p->cap * sizeof *p->deed);
        if (!p->deed)
            abort();
    }
    p->deed[p->deeds++] =
            (struct deed){ .act = act, .key = mem_dup(e->key, e->n), .n = e->n, .id = id, .class_ = class_ };
}

/* Whether a rule ends the version now. Index 0 is the current one; `since`: when it was made, or was replaced. */
static bool ends(const struct pass *p, const struct xml *rule, const struct version *v, size_t index, int64_t since)
{
    const struct xml *x = xml_child(rule, index == 0 ? "Expiration" : "NoncurrentVersionExpiration");
    if (!x)
        return false;
    if (index > 0)
        return is_due(p, since, number(x, "NoncurrentDays")) && index > number(x, "NewerNoncurrentVersions");
    if (!v->marker)
        return action_is_due(p, x, "Days", since);
    const char *marker = xml_text(x, "ExpiredObjectDeleteMarker");
    return !v->older && ((marker && !strcmp(marker, "true")) || action_is_due(p, x, "Days", since));
}

static void judge_version(struct pass *p, const struct entry *e, const struct version *v, size_t index, int64_t since)
{
    const char *action = index == 0 ? "Transition" : "NoncurrentVersionTransition";
    bool ending = false;
    int to = v->storage_class;
    for (const struct xml *rule = p->rules; rule; rule = rule->next) {
        struct filter f;
        if (!matches(rule, e, v, &f))
            continue;
        ending = ending || ends(p, rule, v, index, since);
        for (const struct xml *x = rule->child; x && !v->marker; x = x->next) {
            int class_ = is(x, action) ? class_by_name(xml_text(x, "StorageClass")) : -1;
            if (class_ >= 0 && may_move(to, class_) && is_large_enough(p, &f, v, class_) &&
                    action_is_due(p, x, index == 0 ? "Days" : "NoncurrentDays", since))
                to = class_;
        }
    }
    bool stays = index == 0 && !v->marker && p->b->versioning != VERSIONING_NEVER; /* under a marker */
    if (ending && stays)
        plan(p, MARK, e, 0, 0);
    else if (ending && !version_is_locked(v, p->now, false))
        plan(p, END, e, v->id, 0);
    else if (to != v->storage_class)
        plan(p, MOVE, e, v->id, to);
}

static void judge(struct pass *p)
{
    struct cursor c;
    struct entry e;
    pthread_rwlock_rdlock(&p->b->lock);
    cursor_seek(&c, p->b, "", 0, false);
    while (cursor_next(&c, &e)) {
        size_t index = 0;
        int64_t since = e.head ? e.head->mtime : 0; /* synthetic objects stay */
        for (const struct version *v = e.head; v; since = v->mtime, v = v->older)
            judge_version(p, &e, v, index++, since);
    }
    pthread_rwlock_unlock(&p->b->lock);
}

static void act(struct pass *p)
{
    for (size_t i = 0; i < p->deeds; i++) {
        struct deed *d = &p->deed[i];
        bool marker;
        uint64_t id;
        if (d->act == MOVE)
            (void)store_set_class(
                    p->b, d->key, d->n, (struct version_ref){ true, d->id }, (enum storage_class)d->class_);
        else if (d->act == MARK)
            store_delete(p->b, d->key, d->n, p->now, &marker, &id);
        else
            (void)store_delete_version(p->b, d->key, d->n, d->id, p->now, false);
        free(d->key);
    }
    free(p->deed);
}

static void abort_uploads(struct pass *p)
{
    pthread_mutex_lock(&p->b->upload_lock);
    for (struct upload **at = &p->b->uploads; *at;) {
        const struct entry e = { .key = (*at)->key, .n = (*at)->key_len };
        const struct version any = { .size = 0 };
        bool over = false;
        for (const struct xml *rule = p->rules; rule; rule = rule->next) {
            const struct xml *x = xml_child(rule, "AbortIncompleteMultipartUpload");
            struct filter f;
            over = over ||
                   (x && matches(rule, &e, &any, &f) && is_due(p, (*at)->initiated, number(x, "DaysAfterInitiation")));
        }
        if (over) {
            struct upload *gone = *at;
            *at = gone->next;
            multipart_free(gone);
        } else {
            at = &(*at)->next;
        }
    }
    pthread_mutex_unlock(&p->b->upload_lock);
}

void lifecycle_pass(struct bucket *b, int64_t now)
{
    const char *text = b->document[DOC_LIFECYCLE];
    struct xml *document = text ? xml_parse(text, strlen(text)) : NULL;
    struct pass p = { .b = b, .rules = document ? document->child : NULL, .now = now };
    judge(&p);
    act(&p);
    abort_uploads(&p);
    xml_free(document);
}
