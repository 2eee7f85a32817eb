/* What the vault has of one source: its newest point, its lease; see doctor_inside.h. */
#include "agent/doctor_inside.h"

#include <string.h>

#include "agent/lease_sight.h"
#include "agent/newest.h"

enum { HOUR_MS = 3600 * 1000 };

static void look_at_lease(struct doctor *doctor, const char *source, const char *subject)
{
    struct lease_seen seen;
    struct failure failure;
    enum verdict verdict = lease_sight_last(&doctor->vault, doctor->conn, source, &seen, &failure);
    int64_t now_ms = vault_now_ms(&doctor->vault);
    long long age_s;

    if (verdict == VERDICT_NOT_FOUND) {
        (void)doctor_say(doctor, subject, "lease", DOCTOR_OK, "nobody has run it yet");
        return;
    }
    if (verdict != VERDICT_OK) {
        (void)doctor_say_failure(doctor, subject, "lease", &failure);
        return;
    }
    age_s = (now_ms - seen.renewed_ms) / 1000;
    switch (lease_judge(&seen, "", now_ms)) {
    case LEASE_IS_HELD:
        (void)doctor_say(doctor, subject, "lease", DOCTOR_OK, "a run is under way: %s on %s, renewed %lld s ago",
                seen.is_readable ? seen.document.program : "somebody", seen.is_readable ? seen.document.host : "a host",
                age_s);
        return;
    case LEASE_IS_DEAD:
        (void)doctor_say(doctor, subject, "lease", DOCTOR_OK,
                "the last run, on %s, ended without releasing it %lld min ago: the next one looks after what it left",
                seen.is_readable ? seen.document.host : "a host that is not known", age_s / 60);
        return;
    case LEASE_IS_FREE:
    case LEASE_IS_OURS:
        break;
    }
    (void)doctor_say(doctor, subject, "lease", DOCTOR_OK, "free");
}

void doctor_look_at_points(struct doctor *doctor, const char *source, const char *subject)
{
    struct newest newest;
    struct failure failure;
    int64_t age_ms;

    if (!doctor->vault_answers)
        return;
    if (newest_find(&doctor->vault, doctor->conn, source, &newest, &failure) != VERDICT_OK) {
        /* also points of a format that is newer than this program knows */
        (void)doctor_say_failure(doctor, subject, "points", &failure);
        return;
    }
    if (newest.has_good) {
        age_ms = vault_now_ms(&doctor->vault) - newest.good.point->finished_ms;
        doctor->objects += state_point_totals(newest.good.point).objects;
        (void)doctor_say(doctor, subject, "points", DOCTOR_OK, "the last good one, %s, is %lld h old%s%s",
                newest.good.point->id, age_ms > 0 ? (long long)(age_ms / HOUR_MS) : 0,
                strcmp(newest.state, "complete") == 0 ? "" : "; the newest is ",
                strcmp(newest.state, "complete") == 0 ? "" : newest.state);
    } else {
        (void)doctor_say(doctor, subject, "points", DOCTOR_OK, "no complete point yet%s%s",
                newest.has_any ? "; the newest is " : "", newest.state);
    }
    newest_free(&newest);
    look_at_lease(doctor, source, subject);
}
