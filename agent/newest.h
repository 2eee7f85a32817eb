/*
 * The newest points of a source: what a monitor asks for. Reads the vault alone. A damaged point is told as an event
 * and passed over.
 */
#ifndef AGENT_NEWEST_H
#define AGENT_NEWEST_H

#include "agent/points.h"

struct newest {
    bool has_any, has_good; /* a point at all; a complete one */
    char state[16];         /* of the newest, whatever it is */
    int64_t served_ms;      /* when the newest began whose run no signal has ended; 0: none */
    struct point_read good; /* the newest complete one */
};

enum verdict newest_find(const struct vault *vault, struct s3_conn *conn, const char *source, struct newest *newest,
        struct failure *failure) __attribute__((warn_unused_result));
void newest_free(struct newest *newest);

#endif
