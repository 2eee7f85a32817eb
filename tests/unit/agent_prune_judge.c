/* What a prune may take away, on points and versions that are written down here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/prune_judge.h"
#include "state/utc.h"

#define DAY_MS INT64_C(86400000)
#define START_MS INT64_C(1763607600000) /* 2025-11-20T03:00:00Z */

enum { MOST = 400 };

struct source {
    struct config_policy policy;
    struct prune_point items[MOST];
    struct prune_points points;
};

/* A chain of so many daily points, each a minute long, looked at an hour after the last; keep: last 2. */
static struct source *source_new(size_t count)
{
    struct source *source = calloc(1, sizeof *source);

    assert_non_null(source);
    source->policy.timezone = "UTC";
    source->policy.delete_after_days = CONFIG_UNSET;
    source->policy.keep = (struct config_keep){ .given = true, .last = 2 };
    source->points = (struct prune_points){ .policy = &source->policy, .items = source->items, .count = count };
    for (size_t i = 0; i < count; i++) {
        struct prune_point *point = &source->items[i];
        int64_t at_ms = START_MS + (int64_t)i * DAY_MS;
        *point = (struct prune_point){ .there = true,
            .readable = true,
            .started_ms = at_ms,
            .finished_ms = at_ms + 60000,
            .written_ms = at_ms + 60500,
            .local_s = at_ms / 1000,
            .state = STATE_POINT_COMPLETE,
            .walk_ended = true,
            .has_predecessor = i > 0 };
        assert_true(state_utc_to_point(at_ms / 1000, point->id));
        (void)snprintf(point->sha256, sizeof point->sha256, "%064zx", i + 1);
        if (i > 0) {
            memcpy(point->predecessor.point, source->items[i - 1].id, sizeof point->id);
            memcpy(point->predecessor.sha256, source->items[i - 1].sha256, sizeof point->sha256);
        }
    }
    source->points.now_ms = START_MS + (int64_t)(count - 1) * DAY_MS + 3600000;
    return source;
}

static void judge(struct source *source)
{
    assert_true(prune_judge_points(&source->points));
}

static void source_free(struct source *source)
{
    prune_points_clear(&source->points);
    free(source);
}

/* Which hold: "..HH"; forgotten now: "f", and holding for their grace "F"; what does not count: "-". */
static void assert_fates(const struct source *source, const char *wanted)
{
    char fates[MOST + 1];

    for (size_t i = 0; i < source->points.count; i++) {
        const struct prune_point *point = &source->items[i];
        fates[i] = point->trust != PRUNE_TRUSTED ? '-'
                   : point->forget               ? point->holds ? 'F' : 'f'
                   : point->holds                ? 'H'
                                                 : '.';
    }
    fates[source->points.count] = '\0';
    assert_string_equal(fates, wanted);
}

static void what_the_policy_drops_is_forgotten(void **state)
{
    struct source *source = source_new(5);

    (void)state;
    judge(source);
    assert_fates(source, "fffHH");
    assert_int_equal(source->points.newest, 4);
    assert_int_equal(source->points.forgotten, 3);
    assert_int_equal(source->points.holding_count, 2);
    source_free(source);
}

static void a_forgotten_point_holds_for_its_grace(void **state)
{
    struct source *source = source_new(5);

    (void)state;
    source->policy.grace_days = 7;
    source->items[0].forgotten_ms = source->points.now_ms - 7 * DAY_MS;
    source->items[1].forgotten_ms = source->points.now_ms - 7 * DAY_MS + 1;
    judge(source);
    assert_fates(source, ".HFHH");
    source_free(source);
}

static void what_is_kept_again_within_its_grace_is_remembered(void **state)
{
    struct source *source = source_new(4);

    (void)state;
    source->policy.grace_days = 7;
    source->items[2].forgotten_ms = source->points.now_ms - DAY_MS;
    judge(source);
    assert_true(source->items[2].remember);
    assert_false(source->items[2].disputed);
    source_free(source);
}

static void a_long_forgotten_point_does_not_stand_in_the_place_of_one_that_is_there(void **state)
{
    struct source *source = source_new(6);

    (void)state;
    source->policy.keep = (struct config_keep){ .given = true, .monthly = 1 };
    source->policy.keep.last = 3;
    source->items[4].forgotten_ms = source->points.now_ms - 30 * DAY_MS;
    judge(source);
    /* 5, 3, 2 are the last three that are there; 4 was one of the last three of all, and holds what it needs */
    assert_fates(source, "ffHHHH");
    assert_true(source->items[4].disputed);
    source_free(source);
}

static void pinned_points_hold(void **state)
{
    struct source *source = source_new(5);

    (void)state;
    source->items[1].pinned = true;
    judge(source);
    assert_fates(source, "fHfHH");
    source_free(source);
}

static void what_somebody_laid_there_neither_counts_nor_holds(void **state)
{
    struct source *source = source_new(8);

    (void)state;
    source->items[7].started_ms += 365 * DAY_MS; /* the id is of another time */
    source->items[6].written_ms += 2 * 3600000;  /* put long after it says that it was finished */
    source->items[5].readable = false;
    source->points.count = 8;
    judge(source);
    assert_fates(source, "fffHH---");
    assert_int_equal(source->items[7].trust, PRUNE_MISDATED);
    assert_int_equal(source->items[6].trust, PRUNE_MISDATED);
    assert_int_equal(source->items[5].trust, PRUNE_UNREADABLE);
    assert_int_equal(source->points.newest, 4);
    for (int64_t i = 0; i < 2; i++) { /* ahead of its start, as ids ascend; or further than a run's can be */
        source->items[3].started_ms = START_MS + 3 * DAY_MS - 280000 - 200000 * i;
        judge(source);
        assert_int_equal(source->items[3].trust, i == 0 ? PRUNE_TRUSTED : PRUNE_MISDATED);
    }
    source->items[3].started_ms = START_MS + 3 * DAY_MS;
    source->points.now_ms = START_MS + 4 * DAY_MS - 400000;
    judge(source);
    assert_int_equal(source->items[4].trust, PRUNE_FUTURE);
    source_free(source);
}

static void a_point_beside_the_chain_does_not_count(void **state)
{
    struct source *source = source_new(5);

    (void)state;
    source->items[4].predecessor = source->items[3].predecessor; /* a fork */
    judge(source);
    assert_fates(source, "ffHH-");
    assert_int_equal(source->items[4].trust, PRUNE_UNCHAINED);
    assert_false(source->points.broken);
    source_free(source);
}

static void a_break_that_somebody_goes_on_from_is_asked_for(void **state)
{
    struct source *source = source_new(6);

    (void)state;
    source->items[2].readable = false;
    judge(source);
    assert_true(source->points.broken);
    assert_int_equal(source->points.broken_at, 3);
    assert_fates(source, "HH----");
    source->points.accept = true;
    judge(source);
    assert_true(source->points.broken);
    assert_fates(source, "ff-fHH");
    source_free(source);
}

static void a_chain_begins_where_a_prune_has_said(void **state)
{
    struct source *source = source_new(6);

    (void)state;
    source->points.has_root = true;
    memcpy(source->points.root, source->items[2].id, sizeof source->points.root);
    source->points.root_removed = source->items[2].predecessor;
    source->items[1].forgotten_ms = source->points.now_ms - 1;
    source->items[0].readable = false;
    judge(source);
    assert_fates(source, "--ffHH");
    assert_false(source->points.contradicted);
    assert_int_equal(source->items[1].trust, PRUNE_REMOVED);
    source->points.root_removed.sha256[0] = 'f';
    judge(source);
    assert_true(source->points.broken);
    assert_int_equal(source->points.newest, 6);
    source_free(source);
}

static void a_root_that_no_prune_can_have_set_is_asked_for(void **state)
{
    struct source *source = source_new(6);

    (void)state;
    source->points.has_root = true;
    memcpy(source->points.root, source->items[5].id, sizeof source->points.root);
    source->points.root_removed = source->items[5].predecessor;
    source->policy.grace_days = 3;
    for (size_t i = 0; i < 5; i++)
        source->items[i].forgotten_ms = source->points.now_ms - 3 * DAY_MS;
    judge(source);
    assert_true(source->points.contradicted); /* the policy keeps it */
    assert_int_equal(source->points.contradicted_at, 4);
    source->policy.keep.last = 1;
    judge(source);
    assert_false(source->points.contradicted);
    source->items[3].forgotten_ms += 1; /* its grace is not over */
    judge(source);
    assert_true(source->points.contradicted);
    assert_int_equal(source->points.contradicted_at, 3);
    source->items[3].forgotten_ms = 0; /* nobody has forgotten it */
    judge(source);
    assert_true(source->points.contradicted);
    source_free(source);
}

static void what_is_older_than_the_root_is_no_killed_run_s(void **state)
{
    struct source *source = source_new(6);
    struct prune_version version = { .modified_ms = START_MS + 2 * DAY_MS - 1000 };

    (void)state;
    judge(source);
    prune_judge_versions(&source->points, &version, 1);
    assert_true(version.goes); /* no log names it */
    source->points.has_root = true;
    memcpy(source->points.root, source->items[2].id, sizeof source->points.root);
    source->points.root_removed = source->items[2].predecessor;
    source->items[0].forgotten_ms = source->items[1].forgotten_ms = START_MS;
    judge(source);
    assert_int_equal(source->items[2].trust, PRUNE_TRUSTED);
    prune_judge_versions(&source->points, &version, 1);
    assert_false(version.goes);
    version.modified_ms += 1000;
    prune_judge_versions(&source->points, &version, 1);
    assert_true(version.goes);
    source_free(source);
}

static void nothing_is_forgotten_without_a_complete_point_or_a_policy(void **state)
{
    struct source *source = source_new(4);
    struct prune_version version = { .modified_ms = START_MS };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        source->items[i].state = STATE_POINT_PARTIAL;
    judge(source);
    assert_int_equal(source->points.newest, 4);
    assert_int_equal(source->points.forgotten, 0);
    prune_judge_versions(&source->points, &version, 1);
    assert_false(version.goes);
    assert_false(prune_judge_rest(&source->points, START_MS));
    for (size_t i = 0; i < 4; i++)
        source->items[i].state = STATE_POINT_COMPLETE;
    source->policy.keep = (struct config_keep){ .given = false };
    judge(source);
    assert_true(source->points.keeps_all);
    prune_judge_versions(&source->points, &version, 1);
    assert_false(version.goes);
    source->policy.keep.given = true; /* a keep that counts nothing */
    judge(source);
    assert_true(source->points.keeps_all);
    assert_int_equal(source->points.forgotten, 0);
    source_free(source);
}

static void a_flood_is_more_than_three_times_what_was_expected_and_than_thirty(void **state)
{
    struct source *source = source_new(100);
    uint64_t complete;

    (void)state;
    judge(source);
    assert_false(prune_judge_flood(&source->points, 0, 34, &complete));
    assert_int_equal(complete, 100);
    assert_true(prune_judge_flood(&source->points, 0, 33, &complete));
    assert_false(prune_judge_flood(&source->points, source->items[69].written_ms, 0, &complete));
    assert_int_equal(complete, 30);
    assert_true(prune_judge_flood(&source->points, source->items[68].written_ms, 0, &complete));
    source_free(source);
}

static void the_root_is_the_newest_full_file_up_to_the_oldest_point_that_holds(void **state)
{
    struct source *source = source_new(8);
    bool has_full[8] = { true, false, true, false, true, false, true, false };

    (void)state;
    judge(source);
    assert_fates(source, "ffffffHH");
    assert_int_equal(prune_judge_root(&source->points, has_full), 6);
    source->items[3].pinned = true;
    judge(source);
    assert_int_equal(prune_judge_root(&source->points, has_full), 2);
    source->items[1].pinned = true;
    judge(source);
    assert_int_equal(prune_judge_root(&source->points, has_full), 8); /* nothing is before the first */
    source_free(source);
}

/* One key's versions, the newest first: 'n' named, 'N' needed, 'o' named by no log, 'm' a marker; at minutes after the
 * start. What goes is told by 'x', what stays by '-'. */
struct entry {
    char kind;
    double day;
};

static void assert_gone(const struct source *source, const struct entry *entries, size_t count, const char *wanted)
{
    struct prune_version versions[16];
    char found[17];

    for (size_t i = 0; i < count; i++)
        versions[i] = (struct prune_version){ .is_marker = entries[i].kind == 'm',
            .modified_ms = START_MS + (int64_t)(entries[i].day * (double)DAY_MS),
            .named = entries[i].kind != 'o',
            .needed = entries[i].kind == 'N' };
    prune_judge_versions(&source->points, versions, count);
    for (size_t i = 0; i < count; i++)
        found[i] = versions[i].goes ? 'x' : '-';
    found[count] = '\0';
    assert_string_equal(found, wanted);
}

#define GONE(source, wanted, ...)                                                                                      \
    assert_gone(source, (const struct entry[]){ __VA_ARGS__ },                                                         \
            sizeof((const struct entry[]){ __VA_ARGS__ }) / sizeof(struct entry), wanted)

static void a_version_goes_where_both_accounts_agree(void **state)
{
    struct source *source = source_new(10); /* those of day 8 and 9 hold */

    (void)state;
    judge(source);
    GONE(source, "-x", { 'N', 5 }, { 'n', 2 });     /* it was overwritten before */
    GONE(source, "--", { 'N', 5 }, { 'N', 2 });     /* the logs say that it is needed */
    GONE(source, "--", { 'N', 8.5 }, { 'n', 2 });   /* the times do */
    GONE(source, "xx", { 'm', 8.9 }, { 'n', 8.5 }); /* made and deleted between two points */
    GONE(source, "-", { 'n', 9.5 });                /* newer than the newest complete point */
    GONE(source, "-xxx", { 'N', 7 }, { 'n', 6 }, { 'n', 5 }, { 'n', 4 });
    source_free(source);
}

static void in_one_second_the_logs_decide_if_they_know_both(void **state)
{
    struct source *source = source_new(10);
    double at = 8 + 60.5 / 86400; /* when the point of day 8 was written, to the millisecond */

    (void)state;
    judge(source);
    GONE(source, "-x", { 'N', at }, { 'n', 2 });
    GONE(source, "x-", { 'o', at }, { 'n', 2 });
    source->points.in_doubt = true;
    GONE(source, "--", { 'N', at }, { 'n', 2 });
    source_free(source);
}

static void markers_go_with_what_they_hide(void **state)
{
    struct source *source = source_new(10);

    (void)state;
    judge(source);
    GONE(source, "xx", { 'm', 5 }, { 'n', 2 });
    GONE(source, "--", { 'm', 8.5 }, { 'N', 2 });
    GONE(source, "x", { 'm', 5 });
    GONE(source, "-", { 'm', 9.5 });
    GONE(source, "--xx", { 'm', 8.5 }, { 'N', 6 }, { 'm', 5 }, { 'n', 2 });
    GONE(source, "--x", { 'm', 8.8 }, { 'N', 6 }, { 'm', 5 });
    /* a store that lists versions before markers: by time it hides what stays */
    GONE(source, "--", { 'N', 6 }, { 'm', 8.5 });
    source_free(source);
}

static void orphans_go_after_their_grace(void **state)
{
    struct source *source = source_new(10);

    (void)state;
    source->policy.grace_days = 3;
    judge(source);
    GONE(source, "x-", { 'o', 4 }, { 'N', 2 });
    GONE(source, "--", { 'o', 7 }, { 'N', 2 });
    GONE(source, "x", { 'o', 4 });
    GONE(source, "-", { 'o', 9.0 });
    source->points.in_doubt = true;
    GONE(source, "--", { 'o', 4 }, { 'N', 2 });
    source->points.in_doubt = false;
    source->points.broken = true;
    GONE(source, "--", { 'o', 4 }, { 'N', 2 });
    source_free(source);
}

static void an_upload_that_is_dated_by_its_begin_makes_nobody_older(void **state)
{
    struct source *source = source_new(10);

    (void)state;
    judge(source);
    /* it lies on top and is dated before what it overwrote: until when that was current, the times do not say */
    GONE(source, "---", { 'N', 9.5 }, { 'n', 2 }, { 'n', 6 });
    source_free(source);
}

static void more_than_a_third_is_asked_for(void **state)
{
    (void)state;
    assert_false(prune_judge_asks(0, 0));
    assert_true(prune_judge_asks(1, 1));
    assert_false(prune_judge_asks(1, 3));
    assert_true(prune_judge_asks(2, 5));
    assert_false(prune_judge_asks(3, 10));
    assert_true(prune_judge_asks(4, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_policy_drops_is_forgotten),
        cmocka_unit_test(a_forgotten_point_holds_for_its_grace),
        cmocka_unit_test(what_is_kept_again_within_its_grace_is_remembered),
        cmocka_unit_test(a_long_forgotten_point_does_not_stand_in_the_place_of_one_that_is_there),
        cmocka_unit_test(pinned_points_hold),
        cmocka_unit_test(what_somebody_laid_there_neither_counts_nor_holds),
        cmocka_unit_test(a_point_beside_the_chain_does_not_count),
        cmocka_unit_test(a_break_that_somebody_goes_on_from_is_asked_for),
        cmocka_unit_test(a_chain_begins_where_a_prune_has_said),
        cmocka_unit_test(a_root_that_no_prune_can_have_set_is_asked_for),
        cmocka_unit_test(what_is_older_than_the_root_is_no_killed_run_s),
        cmocka_unit_test(nothing_is_forgotten_without_a_complete_point_or_a_policy),
        cmocka_unit_test(a_flood_is_more_than_three_times_what_was_expected_and_than_thirty),
        cmocka_unit_test(the_root_is_the_newest_full_file_up_to_the_oldest_point_that_holds),
        cmocka_unit_test(a_version_goes_where_both_accounts_agree),
        cmocka_unit_test(in_one_second_the_logs_decide_if_they_know_both),
        cmocka_unit_test(markers_go_with_what_they_hide),
        cmocka_unit_test(orphans_go_after_their_grace),
        cmocka_unit_test(an_upload_that_is_dated_by_its_begin_makes_nobody_older),
        cmocka_unit_test(more_than_a_third_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
