/*
 * What is to be done to one key, and what came of it. The actions of one page share one piece of memory, which goes
 * when the last of them was recorded. An action travels: diff -> queue -> worker -> committer, and belongs to one of
 * them at a time.
 */
#ifndef AGENT_ACTION_H
#define AGENT_ACTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "agent/failure.h"
#include "state/change.h"

enum action_kind {
    ACTION_COPY,   /* a key that the manifest does not have */
    ACTION_RECOPY, /* one that differs from its record */
    ACTION_NOTE,   /* a multipart copy to go on with: `text` (length in size) is kept for its key; none: no longer. No
                      request */
    ACTION_TAGS,   /* a key of the manifest whose tags are compared */
    ACTION_MOVE,   /* a record whose copy is due to lie in a colder class */
    ACTION_MISSING /* a key of the manifest that the listing did not have: no request, goes to the pending keys */
};

enum action_outcome {
    OUTCOME_DONE,     /* copied: `result` says what lies in the vault now */
    OUTCOME_ADOPTED,  /* was in the vault already: `result` likewise */
    OUTCOME_GONE,     /* the source deleted it after it was listed: the next walk sees to it */
    OUTCOME_ARCHIVED, /* in an archive class at the source: reported, not failed */
    OUTCOME_FAILED,   /* `failure` says why */
    OUTCOME_THAWING,  /* ACTION_MOVE: lies in an archive class, and its thaw is under way: a later run moves it */
    OUTCOME_LEFT      /* not tried, or broken off: a stop was asked for */
};

struct action_page {
    atomic_uint left; /* actions that are not recorded yet */
    size_t bytes;     /* of this page in all, for the queue's bound */
    bool queued;      /* counts towards that bound */
};

struct action {
    struct action *next; /* of the list it is in */
    struct action_page *page;
    enum action_kind kind;
    bool look_first; /* after an unclean end: ask the vault before copying */
    bool again;      /* a former run failed at it: tried before the walk, which sees it again */
    bool marking;    /* ACTION_MISSING that comes back from mark.c, with an outcome */

    /* as listed; texts lie in the page */
    struct state_text key, etag;
    uint64_t size;
    int64_t source_time_ms;
    enum storage_class source_class;
    enum storage_class from_class, to_class; /* ACTION_MOVE: where it lies by its record, where it is to be */
    struct state_text version;               /* ACTION_MOVE: the record's, in the vault; laid by action_lay */

    enum action_outcome outcome;
    struct state_change result; /* outcome DONE and ADOPTED: texts lie in the page or in `text` */
    bool in_seconds;            /* its copied_ms was told in whole seconds: the version may be newer by 999 ms */
    char *text;                 /* what the vault answered; freed with the action */
    struct failure *failure;    /* OUTCOME_FAILED; freed with the action */
};

/* Frees what the action holds, and the page after its last one: then returns the bytes that no longer count for the
 * queue, else 0. */
size_t action_release(struct action *action);

/* Builds the actions of a page. */
struct action_maker {
    struct action_page *page;
    char *at, *end;
    struct action *first, **last;
    size_t count;
};
/* Room for `count` actions whose texts have `text_bytes` in all. False without memory. */
bool action_maker_begin(struct action_maker *maker, size_t count, size_t text_bytes)
        __attribute__((warn_unused_result));
/* The next one, with its texts copied. */
struct action *action_maker_add(
        struct action_maker *maker, enum action_kind kind, struct state_text key, struct state_text etag);

/* One more text of an action, for which there is room: what it returns lies in the page. */
struct state_text action_lay(struct action_maker *maker, struct state_text text);

/* Gives back a maker to which nothing was added. */
void action_maker_abandon(struct action_maker *maker);

#endif
