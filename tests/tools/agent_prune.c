/*
 * Reads JSON lines and prints for each what a prune would judge:
 *
 *   {"policy": {...}, "now": MS, "root": null or {"point", "removed": {"point", "sha256"}},
 *    "points": [{"id", "started", "finished", "written", "forgotten": MS, "state", "ended", "pinned", "full",
 *                "sha256", "before": null or {"point", "sha256"}}],
 *    "keys": [[{"at": MS, "marker", "named", "live", "in": null or [first point, last point]}]]}
 *
 *   {"trust": [...], "kept": [...], "forget": [...], "holds": [...], "root": index or -1, "goes": [[...]]}
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/prune_judge.h"

enum { POINTS_MAX = 4000, VERSIONS_MAX = 4000 };

static struct prune_point items[POINTS_MAX];
static bool full[POINTS_MAX];
static struct prune_version versions[VERSIONS_MAX];

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void copy(char *out, size_t size, const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

static bool read_link(const json_t *object, const char *name, struct state_point_link *link)
{
    const json_t *one = json_object_get(object, name);

    if (!json_is_object(one))
        return false;
    copy(link->point, sizeof link->point, one, "point");
    copy(link->sha256, sizeof link->sha256, one, "sha256");
    return true;
}

static size_t read_points(const json_t *list)
{
    size_t i;
    json_t *one;

    memset(items, 0, sizeof items);
    json_array_foreach(list, i, one)
    {
        const char *state = json_string_value(json_object_get(one, "state"));
        struct prune_point *point = &items[i];
        copy(point->id, sizeof point->id, one, "id");
        copy(point->sha256, sizeof point->sha256, one, "sha256");
        point->readable = true;
        point->started_ms = number(one, "started");
        point->finished_ms = number(one, "finished");
        point->written_ms = number(one, "written");
        point->forgotten_ms = number(one, "forgotten");
        point->local_s = point->started_ms / 1000;
        point->state = strcmp(state, "complete") == 0  ? STATE_POINT_COMPLETE
                       : strcmp(state, "partial") == 0 ? STATE_POINT_PARTIAL
                                                       : STATE_POINT_GUARDED;
        point->walk_ended = json_is_true(json_object_get(one, "ended"));
        point->pinned = json_is_true(json_object_get(one, "pinned"));
        point->has_predecessor = read_link(one, "before", &point->predecessor);
        full[i] = json_is_true(json_object_get(one, "full"));
    }
    return json_array_size(list);
}

/* Whether a point that holds has a version, which the points from first to last have. */
static bool is_in_holding(const json_t *span)
{
    if (!json_is_array(span))
        return false;
    for (json_int_t i = json_integer_value(json_array_get(span, 0)); i <= json_integer_value(json_array_get(span, 1));
            i++)
        if (items[i].holds)
            return true;
    return false;
}

static json_t *judge_key(const struct prune_points *points, const json_t *key)
{
    json_t *goes = json_array(), *one;
    size_t i;

    json_array_foreach(key, i, one)
    {
        versions[i] = (struct prune_version){ .is_marker = json_is_true(json_object_get(one, "marker")),
            .modified_ms = number(one, "at"),
            .named = json_is_true(json_object_get(one, "named")),
            .needed = json_is_true(json_object_get(one, "live")) || is_in_holding(json_object_get(one, "in")) };
    }
    prune_judge_versions(points, versions, json_array_size(key));
    for (i = 0; i < json_array_size(key); i++)
        (void)json_array_append_new(goes, json_boolean(versions[i].goes));
    return goes;
}

static json_t *answer(const struct prune_points *points, const json_t *keys)
{
    json_t *trust = json_array(), *kept = json_array(), *forget = json_array(), *holds = json_array(),
           *goes = json_array(), *key;
    size_t root = prune_judge_root(points, full), i;

    for (i = 0; i < points->count; i++) {
        (void)json_array_append_new(trust, json_boolean(items[i].trust == PRUNE_TRUSTED));
        (void)json_array_append_new(kept, json_boolean(items[i].kept));
        (void)json_array_append_new(forget, json_boolean(items[i].forget));
        (void)json_array_append_new(holds, json_boolean(items[i].holds));
    }
    json_array_foreach(keys, i, key)(void) json_array_append_new(goes, judge_key(points, key));
    return json_pack("{so so so so sI so}", "trust", trust, "kept", kept, "forget", forget, "holds", holds, "root",
            root < points->count ? (json_int_t)root : (json_int_t)-1, "goes", goes);
}

static struct config *read_policy(json_t *policy)
{
    json_t *whole = json_pack("{s{ss} s{sO}}", "vault", "bucket", "vault", "policies", "p", policy);
    char *text = json_dumps(whole, 0);
    struct config_error error;
    struct config *config = NULL;

    if (config_parse("policy", text, strlen(text), &config, &error) != CONFIG_OK) {
        (void)fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    free(text);
    json_decref(whole);
    return config;
}

int main(void)
{
    json_t *asked;

    while ((asked = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        struct config *config = read_policy(json_object_get(asked, "policy"));
        struct prune_points points = { .policy = &config->policies[0], .now_ms = number(asked, "now"), .items = items };
        const json_t *root = json_object_get(asked, "root");
        json_t *said;
        char *text;
        points.count = read_points(json_object_get(asked, "points"));
        if (json_is_object(root)) {
            points.has_root = true;
            copy(points.root, sizeof points.root, root, "point");
            (void)!read_link(root, "removed", &points.root_removed);
        }
        if (!prune_judge_points(&points))
            return 2;
        said = answer(&points, json_object_get(asked, "keys"));
        text = json_dumps(said, JSON_COMPACT);
        (void)puts(text);
        (void)fflush(stdout);
        free(text);
        json_decref(said);
        prune_points_clear(&points);
        config_free(config);
        json_decref(asked);
    }
    return 0;
}
