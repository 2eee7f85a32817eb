/*
 * A run of a stream source: what a descriptor gives until its end, or what a command writes, becomes an object of the
 * source and a new recovery point.
 *
 * As a run of buckets: lease, manifest to the vault's newest point, upload, record, point. A command that fails, a
 * stop, the end of the window, a lease that is lost: then there is no object, no upload and no point.
 */
#ifndef AGENT_PUT_H
#define AGENT_PUT_H

#include "agent/report.h"

struct put_options {
    const struct program *program;
    const struct config_source *source; /* of kind stream */
    struct state_text name;             /* the object's key */
    char *const *command;               /* NULL: standard input */
    int64_t deadline_s;                 /* from now, instead of the policy's window; 0: that one */
};

struct put_report {
    enum exit_code exit;
    char point[STATE_POINT_SIZE];
    char version[S3_VERSION_MAX + 1];
    uint64_t bytes;
    uint32_t parts;
    bool has_error;
    struct failure error;
};

/* Fills in the report; never fails otherwise. */
void put_do(const struct put_options *options, struct put_report *report);

#endif
