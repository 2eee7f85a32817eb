/* See fault.h. */
#include "fault.h"

#include "buf.h"
#include "digest.h"
#include "policy.h"
#include "stamp.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const kinds[FAULT_KINDS] = { "none", "error", "slowdown_rps", "error_in_200", "truncate", "reset",
    "lost_answer", "stall", "garble", "empty_body", "wrong_root", "expired_token", "skewed_clock", "mutate_overwrite",
    "mutate_delete", "list_empty_page", "list_end_early", "list_empty", "list_repeat", "list_disorder", "redirect",
    "trickle" };

struct rule {
    struct rule *next;
    char operation[40], bucket[64], caller[65];
    char *key, *key_prefix; /* decoded, as UTF-8 from JSON */
    uint64_t skip, count;   /* count 0: without end */
    uint64_t probability;   /* of 2^32 */
    uint64_t seed, matched, fired;
    double rps, allowance; /* slowdown_rps: a bucket of a second's worth */
    int64_t last_ms;
    struct fault_action action;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule *rules;
static _Atomic int any;

static void rule_free(struct rule *r)
{
    while (r) {
        struct rule *next = r->next;
        free(r->key);
        free(r->key_prefix);
        free(r);
        r = next;
    }
}

static void text(const json_t *j, const char *name, char *out, size_t n)
{
    const char *s = json_string_value(json_object_get(j, name));
    if (s)
        snprintf(out, n, "%s", s);
}

static char *own(const json_t *j, const char *name)
{
    const char *s = json_string_value(json_object_get(j, name));
    return s ? mem_dup(s, strlen(s)) : NULL;
}

static const char *read_action(const json_t *j, struct fault_action *a)
{
    const char *kind = json_string_value(json_object_get(j, "action"));
    size_t i = 1;
    while (kind && i < FAULT_KINDS && strcmp(kinds[i], kind) != 0)
        i++;
    if (!kind || i == FAULT_KINDS)
        return "action: no such fault";
    a->kind = (enum fault_kind)i;
    a->status = (int)json_integer_value(json_object_get(j, "status"));
    a->ms = json_integer_value(json_object_get(j, "ms"));
    const json_t *bytes = json_object_get(j, "bytes");
    a->bytes = json_is_integer(bytes) ? (uint64_t)json_integer_value(bytes) : UINT64_MAX;
    a->keep_alive = json_is_true(json_object_get(j, "keep_alive"));
    a->perform = json_is_true(json_object_get(j, "perform"));
    bool slow = a->status == 503;
    snprintf(a->code, sizeof a->code, "%s", slow ? "SlowDown" : "InternalError");
    snprintf(a->message, sizeof a->message, "%s",
            slow ? "Please reduce your request rate." : "We encountered an internal error. Please try again.");
    snprintf(a->region, sizeof a->region, "eu-west-1");
    text(j, "code", a->code, sizeof a->code);
    text(j, "message", a->message, sizeof a->message);
    text(j, "region", a->region, sizeof a->region);
    if (a->kind == FAULT_ERROR && a->status == 0)
        a->status = 500;
    if (a->status != 0 && (a->status < 300 || a->status > 599))
        return "status: 300 to 599";
    if (a->ms < 0 || a->ms > 3600000)
        return "ms: up to an hour";
    return NULL;
}

static const char *read_rule(const json_t *j, struct rule *r)
{
    static const char *const known[] = { "operation", "bucket", "key", "key_prefix", "caller", "skip", "count",
        "probability", "seed", "rps", "action", "status", "code", "message", "region", "ms", "bytes", "keep_alive",
        "perform" };
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)j, name, v)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && strcmp(known[i], name) != 0)
            i++;
        if (i == sizeof known / sizeof known[0])
            return "a rule has an unknown field";
    }
    text(j, "operation", r->operation, sizeof r->operation);
    text(j, "bucket", r->bucket, sizeof r->bucket);
    text(j, "caller", r->caller, sizeof r->caller);
    r->key = own(j, "key");
    r->key_prefix = own(j, "key_prefix");
    r->skip = (uint64_t)json_integer_value(json_object_get(j, "skip"));
    r->count = (uint64_t)json_integer_value(json_object_get(j, "count"));
    r->seed = digest_mix((uint64_t)json_integer_value(json_object_get(j, "seed")));
    const json_t *p = json_object_get(j, "probability");
    double share = p ? json_number_value(p) : 1;
    r->probability = share >= 1 ? (uint64_t)1 << 32 : share <= 0 ? 0 : (uint64_t)(share * 4294967296.0);
    r->rps = json_number_value(json_object_get(j, "rps"));
    r->allowance = r->rps;
    const char *why = read_action(j, &r->action);
    if (!why && r->action.kind == FAULT_SLOWDOWN_RPS && r->rps <= 0)
        why = "slowdown_rps needs rps";
    return why;
}

const char *fault_set(const json_t *list, bool append)
{
    struct rule *fresh = NULL, **last = &fresh;
    size_t i;
    json_t *j;
    if (!json_is_array(list))
        return "an array of rules is expected";
    json_array_foreach(list, i, j)
    {
        *last = mem_get(sizeof **last);
        const char *why = json_is_object(j) ? read_rule(j, *last) : "a rule is an object";
        if (why) {
            rule_free(fresh);
            return why;
        }
        last = &(*last)->next;
    }
    pthread_mutex_lock(&lock);
    if (append) {
        struct rule **at = &rules;
        while (*at)
            at = &(*at)->next;
        *at = fresh;
        fresh = NULL;
    } else {
        struct rule *old = rules;
        rules = fresh;
        fresh = old;
    }
    atomic_store(&any, rules != NULL);
    pthread_mutex_unlock(&lock);
    rule_free(fresh);
    return NULL;
}

void fault_clear(void)
{
    pthread_mutex_lock(&lock);
    rule_free(rules);
    rules = NULL;
    atomic_store(&any, 0);
    pthread_mutex_unlock(&lock);
}

static bool fits(const struct rule *r, const struct fault_query *q)
{
    if (r->operation[0] && !text_like(r->operation, q->operation))
        return false;
    if (r->bucket[0] && !text_like(r->bucket, q->bucket))
        return false;
    if (r->caller[0] && strcmp(r->caller, q->caller) != 0)
        return false;
    if (r->key && (strlen(r->key) != q->key_len || memcmp(r->key, q->key, q->key_len) != 0))
        return false;
    size_t n = r->key_prefix ? strlen(r->key_prefix) : 0;
    return n <= q->key_len && (n == 0 || !memcmp(r->key_prefix, q->key, n));
}

static bool over_rate(struct rule *r)
{
    int64_t now = clock_steady_ms();
    if (r->last_ms)
        r->allowance += r->rps * (double)(now - r->last_ms) / 1000;
    r->last_ms = now;
    if (r->allowance > r->rps)
        r->allowance = r->rps;
    if (r->allowance < 1)
        return true;
    r->allowance -= 1;
    return false;
}

static bool fires(struct rule *r)
{
    uint64_t nth = r->matched++;
    if (nth < r->skip || (r->count && r->fired >= r->count))
        return false;
    if ((digest_mix(r->seed + nth) >> 32) >= r->probability)
        return false;
    if (r->action.kind == FAULT_SLOWDOWN_RPS && !over_rate(r))
        return false;
    r->fired++;
    return true;
}

void fault_choose(const struct fault_query *q, struct fault_action *out)
{
    out->kind = FAULT_NONE;
    if (!atomic_load_explicit(&any, memory_order_relaxed))
        return;
    pthread_mutex_lock(&lock);
    for (struct rule *r = rules; r; r = r->next)
        if (fits(r, q) && fires(r)) {
            *out = r->action;
            break;
        }
    pthread_mutex_unlock(&lock);
}

json_t *fault_report(void)
{
    json_t *out = json_array();
    pthread_mutex_lock(&lock);
    for (struct rule *r = rules; r; r = r->next)
        json_array_append_new(
                out, json_pack("{s:s, s:s, s:s, s:I, s:I}", "action", kinds[r->action.kind], "operation", r->operation,
                             "bucket", r->bucket, "matched", (json_int_t)r->matched, "fired", (json_int_t)r->fired));
    pthread_mutex_unlock(&lock);
    return out;
}
