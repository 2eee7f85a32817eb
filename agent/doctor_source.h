/*
 * One source bucket: whether its own credentials list, describe and read it, whether the vault's role can copy from it,
 * and how its objects are encrypted. For doctor_sources.c only.
 */
#ifndef AGENT_DOCTOR_SOURCE_H
#define AGENT_DOCTOR_SOURCE_H

#include "agent/doctor_inside.h"

struct doctor_source {
    const struct config_source *config;
    char subject[128]; /* of the account */
    const char *name, *bucket;
    struct access *access;
    struct s3_client *client;
};

void doctor_look_at_source(struct doctor *doctor, const struct doctor_source *source);

#endif
