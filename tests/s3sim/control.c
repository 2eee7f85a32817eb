/* See control.h; README.md describes each path with an example. */
#include "control.h"

#include "account.h"
#include "fault.h"
#include "latency.h"
#include "lifecycle.h"
#include "stamp.h"
#include "stats.h"
#include "synth.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static const char *text(const json_t *j, const char *name, const char *unset)
{
    const char *s = json_string_value(json_object_get(j, name));
    return s ? s : unset;
}

static const char *set_clock(const json_t *j)
{
    const json_t *now = json_object_get(j, "now"), *offset = json_object_get(j, "offset_seconds");
    int tolerant = json_is_true(json_object_get(j, "accept_real_time"));
    int64_t t;
    if (json_is_integer(offset))
        clock_offset(json_integer_value(offset), tolerant);
    else if (json_is_integer(now))
        clock_offset(json_integer_value(now) - clock_real(), tolerant);
    else if (json_is_string(now) && stamp_parse(json_string_value(now), &t))
        clock_offset(t - clock_real(), tolerant);
    else
        return "offset_seconds: a number, or now: a time";
    return NULL;
}

/* {"account","name","policy"} and what is the user's or the role's own. */
static const char *make_identity(const json_t *j, bool is_role)
{
    const char *account = text(j, "account", NULL), *name = text(j, "name", NULL), *why = NULL;
    const char *key = text(j, "access_key", NULL), *secret = text(j, "secret_key", NULL);
    const json_t *document = json_object_get(j, "policy"), *trust = json_object_get(j, "trust");
    struct policy *p = NULL;
    if (!account || strlen(account) != 12 || !name || !*name || strlen(name) > 64)
        return "account: 12 digits, and name";
    if (!is_role && (!key || !secret))
        return "access_key and secret_key";
    if (json_is_object(document) && !(p = policy_new(document, &why)))
        return why;
    struct identity *w = is_role ? account_role(account, name) : account_user(account, name, key, secret);
    policy_free(w->policy);
    w->policy = p;
    if (!is_role)
        return NULL;
    free(w->trust_text);
    w->trust_text = NULL;
    json_decref(w->inline_policies);
    w->inline_policies = NULL;
    json_decref(w->trust);
    w->trust = json_is_array(trust) ? json_deep_copy(trust) : json_array();
    if (json_is_string(trust))
        json_array_append_new(w->trust, json_string(json_string_value(trust)));
    free(w->external_id);
    const char *id = text(j, "external_id", NULL);
    w->external_id = id ? mem_dup(id, strlen(id)) : NULL;
    const json_t *max = json_object_get(j, "max_session_seconds");
    w->max_seconds = json_is_integer(max) ? json_integer_value(max) : 3600;
    return NULL;
}

static const char *set_users(const json_t *j)
{
    return make_identity(j, false);
}

static const char *set_roles(const json_t *j)
{
    return make_identity(j, true);
}

static const char *set_bucket(const json_t *j)
{
    const char *name = text(j, "name", NULL), *versioning = text(j, "versioning", NULL);
    const json_t *document = json_object_get(j, "policy"), *v;
    if (!name || strlen(name) > 63 || strlen(name) < 3)
        return "name: 3 to 63 characters";
    struct policy *p = NULL;
    const char *why;
    if (json_is_object(document) && !(p = policy_new(document, &why)))
        return why;
    struct bucket *b = bucket_find(name);
    if (!b)
        b = bucket_create(name, text(j, "account", "111122223333"), text(j, "region", "us-east-1"), clock_now());
    else if (json_object_get(j, "region"))
        snprintf(b->region, sizeof b->region, "%s", text(j, "region", "us-east-1"));
    if ((v = json_object_get(j, "check_region")))
        b->check_region = json_is_true(v);
    if ((v = json_object_get(j, "metadata_only")))
        b->metadata_only = json_is_true(v);
    if ((v = json_object_get(j, "object_lock")))
        b->object_lock = json_is_true(v);
    if (b->object_lock)
        b->versioning = VERSIONING_ENABLED;
    if (versioning)
        b->versioning = !strcmp(versioning, "Enabled")     ? VERSIONING_ENABLED
                        : !strcmp(versioning, "Suspended") ? VERSIONING_SUSPENDED
                                                           : VERSIONING_NEVER;
    if (p) {
        char *t = json_dumps(document, JSON_COMPACT);
        policy_free(b->policy);
        b->policy = p;
        bucket_set_document(b, DOC_POLICY, t, strlen(t));
        free(t);
    }
    return NULL;
}

static const char *set_synthetic(const json_t *j)
{
    const char *name = text(j, "bucket", NULL), *why = NULL;
    if (!name || strlen(name) > 63)
        return "bucket: a name";
    struct bucket *b = bucket_find(name);
    struct synth *s = synth_make(j, b ? b->synth : NULL, clock_now(), &why);
    if (!s)
        return why;
    if (!b)
        b = bucket_create(name, text(j, "account", "111122223333"), text(j, "region", "us-east-1"), clock_now());
    store_set_synth(b, s);
    return NULL;
}

static const char *set_faults(const json_t *j)
{
    if (json_is_object(j))
        return fault_set(json_object_get(j, "rules"), json_is_true(json_object_get(j, "append")));
    return fault_set(j, false);
}

static const char *clear_faults(const json_t *j)
{
    (void)j;
    fault_clear();
    return NULL;
}

static const char *reset_counters(const json_t *j)
{
    (void)j;
    stats_reset();
    return NULL;
}

static const char *reset_all(const json_t *j)
{
    (void)j;
    world_reset();
    stats_reset();
    return NULL;
}

/* The ETag and the checksums stay as they are: what a service finds out only when somebody reads. */
static const char *damage(const json_t *j)
{
    const char *key = text(j, "key", ""), *version = text(j, "version", NULL);
    const json_t *offset = json_object_get(j, "offset");
    struct bucket *b = bucket_find(text(j, "bucket", ""));
    struct version_ref which = { .given = version != NULL };
    struct version found;
    if (version && !version_id_parse(version, strlen(version), &which.id))
        return "version: one of this server's";
    if (!b || store_get(b, key, strlen(key), which, &found) != FOUND)
        return "bucket, key: an object";
    bool done = body_damage(found.body, json_is_integer(offset) ? (uint64_t)json_integer_value(offset) : 0);
    version_drop(&found);
    return done ? NULL : "offset: within the object's bytes, which are stored";
}

static const char *move_class(const json_t *j)
{
    const char *key = text(j, "key", ""), *version = text(j, "version", NULL);
    int class_ = class_by_name(text(j, "class", ""));
    struct bucket *b = bucket_find(text(j, "bucket", ""));
    struct version_ref which = { .given = version != NULL };
    if (version && !version_id_parse(version, strlen(version), &which.id))
        return "version: one of this server's";
    if (class_ < 0)
        return "class: a storage class";
    return b && store_set_class(b, key, strlen(key), which, (enum storage_class)class_) == FOUND
                   ? NULL
                   : "bucket, key: an object";
}

static const char *pass_lifecycle(const json_t *j)
{
    const char *name = text(j, "bucket", NULL);
    if (name && !bucket_find(name))
        return "bucket: one that there is, or none for all";
    for (size_t i = 0; bucket_at(i); i++)
        if (!name || !strcmp(bucket_at(i)->name, name))
            lifecycle_pass(bucket_at(i), clock_now());
    return NULL;
}

static const struct {
    const char *method, *path;
    const char *(*run)(const json_t *j); /* NULL, or what is wrong */
    bool locks;                          /* run under the world's write lock */
} paths[] = {
    { "POST", "counters/reset", reset_counters, false },
    { "POST", "reset", reset_all, false },
    { "POST", "clock", set_clock, false },
    { "POST", "latency", latency_set, false },
    { "POST", "limits", world_set_limits, true },
    { "POST", "users", set_users, true },
    { "POST", "roles", set_roles, true },
    { "POST", "bucket", set_bucket, true },
    { "POST", "synthetic", set_synthetic, true },
    { "POST", "faults", set_faults, false },
    { "DELETE", "faults", clear_faults, false },
    { "POST", "damage", damage, true },
    { "POST", "class", move_class, true },
    { "POST", "lifecycle", pass_lifecycle, true },
};

static json_t *report(const struct request *q, const char *path)
{
    if (!strcmp(path, "counters"))
        return stats_counters();
    if (!strcmp(path, "faults"))
        return fault_report();
    if (!strcmp(path, "clock"))
        return json_pack("{s:I}", "now", (json_int_t)clock_now());
    uint64_t last = 100;
    const char *p = strstr(q->target, "last=");
    if (p)
        last = strtoull(p + 5, NULL, 10);
    return !strcmp(path, "requests") ? stats_requests((size_t)last) : NULL;
}

static void finish(struct request *q, int status, json_t *takes)
{
    char *t = json_dumps(takes, JSON_COMPACT);
    q->reply.status = status;
    buf_str(&q->reply.text, t ? t : "{}");
    free(t);
    json_decref(takes);
}

void control_serve(struct request *q)
{
    char path[40] = "";
    size_t n = strcspn(q->target + 8, "?");
    if (n < sizeof path)
        memcpy(path, q->target + 8, n);
    if (!strcmp(q->method, "GET")) {
        json_t *j = report(q, path);
        finish(q, j ? 200 : 404, j ? j : json_pack("{s:s}", "error", "no such path"));
        return;
    }
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(paths[i].path, path) != 0 || strcmp(paths[i].method, q->method) != 0)
            continue;
        json_error_t e;
        json_t *j = q->upload.n ? json_loadb(q->upload.p, q->upload.n, 0, &e) : json_object();
        if (paths[i].locks)
            world_write();
        const char *why = j ? paths[i].run(j) : e.text;
        json_t *answer = why ? json_pack("{s:s}", "error", why) : json_pack("{s:b}", "ok", 1);
        if (paths[i].locks)
            world_unlock();
        finish(q, why ? 400 : 200, answer);
        json_decref(j);
        return;
    }
    finish(q, 404, json_pack("{s:s}", "error", "no such path"));
}
