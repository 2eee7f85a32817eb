/*
 * What a prune may take away: the pure judgement behind it. First the points: which count, which the policy keeps,
 * which still hold versions. Then, key by key, the versions: which none of those points needs.
 *
 * It believes as little as it can. A point counts only where its own words agree with the time at which the service
 * got its file, and where it follows the chain from the oldest point on by links and hashes; what does not is left
 * alone, and takes nothing away. A version goes only where two accounts agree that no holding point needs it: the
 * service's times of versions and points, and what the logs say. Where they cannot be had whole, nothing goes; where
 * two things happened in one second, which is all that S3's times tell, the logs decide if they know both.
 *
 * Any thread; nothing here knows the network or a clock.
 */
#ifndef AGENT_PRUNE_JUDGE_H
#define AGENT_PRUNE_JUDGE_H

#include "agent/config.h"
#include "agent/retain.h"
#include "state/point.h"

enum prune_trust {
    PRUNE_TRUSTED,
    PRUNE_REMOVED,    /* what is left of a point that an earlier prune has taken away */
    PRUNE_UNREADABLE, /* a folder without a point, or with one that cannot be read */
    PRUNE_FUTURE,     /* of a time that has not come */
    PRUNE_MISDATED,   /* id, own words and the time of its file disagree */
    PRUNE_UNCHAINED   /* it does not follow the chain */
};

/* One folder under points/<source>/. */
struct prune_point {
    char id[STATE_POINT_SIZE];
    bool there;                      /* a point.json */
    bool readable;                   /* with a point.json that can be read: else only the id counts */
    int64_t started_ms, finished_ms; /* its own words */
    int64_t written_ms;              /* of point.json, by the service */
    int64_t local_s;                 /* when it was started, as the clocks of the policy's zone show it */
    enum state_point_state state;
    bool walk_ended;
    bool pinned;
    int64_t forgotten_ms; /* of forgotten.json, by the service; 0: it is not there */
    int64_t until_ms;     /* so long what it needs stays, as that says; 0: not known, the policy of today says it */
    bool has_predecessor;
    struct state_point_link predecessor;
    char sha256[STATE_SHA256_HEX_SIZE];

    /* judged */
    enum prune_trust trust;
    bool sound;    /* it can be read, and its own words agree with the service's times */
    bool kept;     /* by the policy */
    bool forget;   /* its forgotten.json is to be written */
    bool remember; /* its forgotten.json is to go: the policy keeps it, and all that it needs is still there */
    bool over;     /* forgotten so long that versions may be gone */
    bool disputed; /* and yet the policy keeps it */
    bool holds;    /* what it needs stays */
    unsigned reason_count;
    char reasons[RETAIN_REASONS_MAX][RETAIN_REASON_SIZE];
};

/* The points of a source. */
struct prune_points {
    /* given */
    const struct config_policy *policy;
    int64_t now_ms; /* by the service */
    bool accept;    /* an operator has said: also what follows a break of the chain counts */
    bool in_doubt;  /* some log may be missing: that none names a version says nothing */
    bool has_root;  /* an earlier prune has taken away what was before: where the chain begins since, and its link */
    char root[STATE_POINT_SIZE];
    struct state_point_link root_removed;
    struct prune_point *items; /* ascending by id */
    size_t count;

    /* judged */
    size_t newest;          /* the newest complete point that counts; count: none, and nothing may go */
    bool contradicted;      /* a point that is said to be removed is there, and is not one that may go: ask as well */
    size_t contradicted_at; /* the first of them */
    bool broken;            /* points that somebody goes on from do not follow the chain: ask before anything goes */
    size_t broken_at;       /* the first of them */
    bool keeps_all;         /* the policy says nothing of what may go */
    size_t forgotten;       /* how many are to be forgotten now */
    int64_t *holding_s;     /* ascending: when the points that hold were written, whole seconds. Owned */
    size_t holding_count;
};

/* Judges them all. False: out of memory. prune_points_clear frees what it made; the items are the caller's. */
bool prune_judge_points(struct prune_points *points) __attribute__((warn_unused_result));
void prune_points_clear(struct prune_points *points);

/* Whether far more complete points have come since a time (0: ever) than the schedule could have made in it. */
bool prune_judge_flood(const struct prune_points *points, int64_t since_ms, uint64_t expected, uint64_t *complete)
        __attribute__((warn_unused_result));

/* The oldest point that holds, and the newest of those with a full file that is not younger than it (`has_full`, one
 * for each item): all before can go. count: nothing can. */
size_t prune_judge_root(const struct prune_points *points, const bool *has_full) __attribute__((warn_unused_result));

/* One version or delete marker of a key. */
struct prune_version {
    bool is_marker;
    int64_t modified_ms; /* by the service */
    bool named;          /* some log names it */
    bool needed;         /* by the logs: a holding point has it for the key, or it is the newest state of all */

    bool goes; /* judged */
};

/* Judges what a key has, the newest first. Nothing goes unless the judgement of the points allows it. */
void prune_judge_versions(const struct prune_points *points, struct prune_version *versions, size_t count);

/* What belongs to no version any more (the name of a long key of which nothing is left): old enough to go? */
bool prune_judge_rest(const struct prune_points *points, int64_t modified_ms) __attribute__((warn_unused_result));

/* More than a third. */
bool prune_judge_asks(uint64_t going, uint64_t all) __attribute__((warn_unused_result));

const char *prune_trust_name(enum prune_trust trust);

#endif
