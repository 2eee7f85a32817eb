/*
 * What the files rules*.c share: the moves that a source asks for, and how rules are named and placed. Private to them.
 */
#ifndef AGENT_RULES_INSIDE_H
#define AGENT_RULES_INSIDE_H

#include "agent/rules.h"

enum {
    RULES_KINDS = 2, /* data/ and data-long/ */
    RULES_STEM_SIZE = 32,
    RULES_PATH_SIZE = STATE_PREFIX_MAX + STATE_SOURCE_MAX + 16,
    RULES_MOVES = 2 * CLASS_COUNT
};

struct rules_move {
    enum storage_class class_;
    uint32_t days;
    uint64_t larger_than;
};
struct rules_moves {
    struct rules_move items[RULES_MOVES];
    size_t count;
    uint64_t largest; /* of the filters: what all share where there are too many rules */
};
/* What the source's policy asks rules for; without a policy, what moves its current versions today. */
void rules_moves_of(const struct rules_task *task, const struct rules_source *source, struct rules_moves *moves);

/* Of a version that was replaced the clock begins then; S3 takes no 0 there. */
static inline uint32_t rules_days(const struct rules_move *move, bool noncurrent)
{
    return noncurrent && move->days == 0 ? 1 : move->days;
}

/* What the ids of a vault's rules begin with. */
const char *rules_stem(const char *prefix, char out[RULES_STEM_SIZE]);
bool rules_id_is_ours(const char *prefix, struct s3_text id);
/* "<prefix>data/<folder>/", its length; with "" the folder of all sources. */
size_t rules_folder(const char *prefix, unsigned kind, const char *folder, char out[RULES_PATH_SIZE]);
/* Whether every key under `folder` begins with the rule's prefix. */
bool rules_covers(struct s3_text rule, struct s3_text folder);
/* Whether the store gave back no size filter at all: it does not keep them. */
bool rules_sizes_dropped(const struct s3_lifecycle *found);

#endif
