/*
 * What publishing and rebuilding keep under names in a manifest's meta: the point that the manifest stands at
 * ("point"), the logs that were put but that no point names yet ("logs"), and what lies behind the last full file
 * ("since_full"). Plain text, a line an item. Reading from any thread, writing in a batch of the committer's.
 */
#ifndef AGENT_PUBLISH_META_H
#define AGENT_PUBLISH_META_H

#include "agent/failure.h"
#include "state/manifest_batch.h"
#include "state/point.h"

#define PUBLISH_META_POINT "point"
#define PUBLISH_META_LOGS "logs"
#define PUBLISH_META_SINCE "since_full"

struct publish_logs {
    struct state_point_file *items; /* ascending by folder and number once they were put */
    size_t count, capacity;
};
void publish_logs_free(struct publish_logs *logs);
/* False without memory. */
bool publish_logs_add(struct publish_logs *logs, const struct state_point_file *file)
        __attribute__((warn_unused_result));
bool publish_logs_has(const struct publish_logs *logs, const struct state_point_file *file);
void publish_logs_sort(struct publish_logs *logs);

/* Logs that were applied or published since the last full file. */
struct publish_since {
    uint64_t lines, files;
};
/* So many lines or more: no log tells of the records, which were made from versions alone. */
#define PUBLISH_NOTHING_LOGGED (UINT64_MAX / 2)
void publish_since_add(struct publish_since *since, const struct publish_logs *logs);

/* Nothing there: empty, VERDICT_OK. */
enum verdict publish_logs_read(struct manifest *manifest, struct publish_logs *logs, struct failure *failure)
        __attribute__((warn_unused_result));
enum verdict publish_since_read(struct manifest *manifest, struct publish_since *since, struct failure *failure)
        __attribute__((warn_unused_result));

enum { PUBLISH_POINT_TEXT_SIZE = STATE_POINT_SIZE + STATE_SHA256_HEX_SIZE + 1, PUBLISH_SINCE_TEXT_SIZE = 48 };
/* The values, for a batch or a load; the length is returned. */
size_t publish_point_text(const struct state_point_link *link, char out[PUBLISH_POINT_TEXT_SIZE]);
size_t publish_since_text(const struct publish_since *since, char out[PUBLISH_SINCE_TEXT_SIZE]);

/* In a batch; a NULL link and empty logs remove the name. */
enum state_status publish_point_put(struct manifest_batch *batch, const struct state_point_link *link,
        struct state_error *error) __attribute__((warn_unused_result));
enum state_status publish_logs_put(struct manifest_batch *batch, struct publish_logs *logs, struct state_error *error)
        __attribute__((warn_unused_result));
enum state_status publish_since_put(struct manifest_batch *batch, const struct publish_since *since,
        struct state_error *error) __attribute__((warn_unused_result));

#endif
