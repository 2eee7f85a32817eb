/*
 * A source bucket's own configuration, as a point has recorded it, as awscli commands that build such a bucket again.
 * Pure.
 */
#ifndef AGENT_BUCKET_CONFIG_H
#define AGENT_BUCKET_CONFIG_H

#include <jansson.h>

#include "state/point.h"

struct bucket_config {
    json_t *recorded; /* as it was read */
    json_t *commands; /* arrays of words, the first "aws" */
    json_t *notes;    /* lines for people: what was not recorded, or what to see to */
};
/* False: the point has no configuration (a stream), or out of memory. Free with bucket_config_free in any case. */
bool bucket_config_read(const struct state_point *point, struct bucket_config *config)
        __attribute__((warn_unused_result));
void bucket_config_free(struct bucket_config *config);

/* A shell script on stdout: each word in single quotes, each note a comment. */
void bucket_config_print(const struct state_point *point, const struct bucket_config *config);

#endif
