/*
 * The source bucket's own configuration, as far as it may be read: kept in each point, so that a lost account can be
 * built again.
 */
#ifndef AGENT_SOURCE_CONFIG_H
#define AGENT_SOURCE_CONFIG_H

#include "agent/source.h"

struct source_config {
    char *json;   /* {"policy": "...", "cors": null, "website": {"error": "AccessDenied"}, ...}; freed with
                     source_config_free */
    bool website; /* the bucket serves a website: its objects may be redirects */
};

/* What may not be read is noted, and no failure; a bucket that is missing, or an account that cannot be reached, is. */
enum verdict source_config_read(const struct source *source, struct s3_client *client, struct s3_conn *conn,
        struct source_config *config, struct failure *failure) __attribute__((warn_unused_result));
void source_config_free(struct source_config *config);

#endif
