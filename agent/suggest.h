/*
 * The nearest known name to a mistyped one: "exlude_buckets" is meant to be "exclude_buckets". Distance counts
 * inserted, dropped, changed and swapped neighbouring letters; case does not count. Pure; nothing is allocated.
 */
#ifndef AGENT_SUGGEST_H
#define AGENT_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *word; /* borrowed */
    const char *best; /* the nearest name offered so far, or NULL where none is near enough to be worth a question */
    size_t distance;
};

void suggest_init(struct suggest *suggest, const char *word);
/* Borrows `name` as long as `best` is used. */
void suggest_offer(struct suggest *suggest, const char *name);

#endif
