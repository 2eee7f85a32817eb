/*
 * What put.c, put_vault.c and put_read.c share. Private to them.
 */
#ifndef AGENT_PUT_INSIDE_H
#define AGENT_PUT_INSIDE_H

#include "agent/lease.h"
#include "agent/place.h"
#include "agent/publish.h"
#include "agent/put.h"
#include "agent/put_command.h"
#include "agent/rebuild.h"
#include "agent/state_folder.h"
#include "agent/stream_upload.h"

struct put {
    const struct put_options *options;
    struct put_report *report;
    struct source source;
    struct vault vault;
    struct s3_conn *conn;
    char folder[4096 + STATE_SOURCE_MAX + 2]; /* of the manifest: program.state_dir and the source's name */
    struct manifest *manifest;
    enum manifest_found found;
    char owner[STATE_FOLDER_OWNER_SIZE];
    struct lease_keeper *keeper;
    struct lease *lease;
    bool kept_renewed;
    struct rebuild_result rebuilt;
    struct publisher *publisher;
    char point[STATE_POINT_SIZE];
    int64_t started_ms;
    int64_t finished_ms; /* of the point, by the monotonic clock; 0: there is none */
    struct layout_path path;
    struct prices prices;
    struct put_command command;
    struct stream_upload *upload;
    struct stream_uploaded uploaded;
    enum state_did did;
    bool producer_failed, damaged, manifest_stale;
    struct failure failure;
};

/* put_vault.c: clients, manifest, lease, the manifest up to the vault, the point's name, no upload of a killed put. */
enum verdict put_open(struct put *put) __attribute__((warn_unused_result));
/* Lets go of everything. */
void put_close(struct put *put);

/* put_read.c: all that the producer gives, into the vault. */
enum verdict put_stream(struct put *put) __attribute__((warn_unused_result));

#endif
