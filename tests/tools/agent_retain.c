/*
 * Reads JSON lines {"policy": {...}, "now": S, "points": [{"time": S, "state": "complete", "ended": true, "pinned":
 * false}]} and prints for each the reasons why the points are kept, [] for those that are not. Times are UTC, seconds.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/retain.h"

enum { POINTS_MAX = 4000, LINE_MAX_BYTES = 1 << 20 };

static struct retain_point points[POINTS_MAX];
static char line[LINE_MAX_BYTES];

static enum state_point_state state_of(const char *name)
{
    return strcmp(name, "complete") == 0  ? STATE_POINT_COMPLETE
           : strcmp(name, "partial") == 0 ? STATE_POINT_PARTIAL
                                          : STATE_POINT_GUARDED;
}

static size_t read_points(const json_t *list)
{
    size_t i;
    json_t *one;

    memset(points, 0, sizeof points);
    json_array_foreach(list, i, one)
    {
        points[i].started_s = points[i].local_s = json_integer_value(json_object_get(one, "time"));
        points[i].state = state_of(json_string_value(json_object_get(one, "state")));
        points[i].walk_ended = json_is_true(json_object_get(one, "ended"));
        points[i].pinned = json_is_true(json_object_get(one, "pinned"));
    }
    return json_array_size(list);
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

static void print(size_t count)
{
    json_t *all = json_array();
    char *text;

    for (size_t i = 0; i < count; i++) {
        json_t *reasons = json_array();
        for (unsigned k = 0; points[i].kept && k < points[i].reason_count; k++)
            (void)json_array_append_new(reasons, json_string(points[i].reasons[k]));
        (void)json_array_append_new(all, reasons);
    }
    text = json_dumps(all, JSON_COMPACT);
    (void)puts(text);
    free(text);
    json_decref(all);
}

int main(void)
{
    while (fgets(line, sizeof line, stdin) != NULL) {
        json_t *asked = json_loads(line, 0, NULL);
        struct config *config;
        size_t count;
        if (asked == NULL || json_array_size(json_object_get(asked, "points")) > POINTS_MAX)
            return 2;
        config = read_policy(json_object_get(asked, "policy"));
        count = read_points(json_object_get(asked, "points"));
        retain(&config->policies[0], json_integer_value(json_object_get(asked, "now")), points, count);
        print(count);
        config_free(config);
        json_decref(asked);
    }
    return 0;
}
