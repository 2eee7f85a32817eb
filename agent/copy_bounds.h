/*
 * Where the parts of a large copy begin and end: as those of the object that is copied do, so that the copy gets its
 * ETag, or as suits us. For copies into the vault and out of it.
 */
#ifndef AGENT_COPY_BOUNDS_H
#define AGENT_COPY_BOUNDS_H

#include "s3/object.h"

/* The parts of a large copy, in their order. */
struct copying_piece {
    uint64_t first, size;
    char etag[S3_ETAG_MAX + 1]; /* "" while not done */
};
struct copying_bounds {
    struct copying_piece *pieces; /* the caller frees them, also after a failure */
    uint32_t count;
};

/* The object that is copied, and who asks for it. */
struct copy_shape {
    struct s3_conn *conn;
    struct s3_client *client;
    struct s3_target target;
    const char *etag;     /* "..-N" where it has parts */
    const char *if_match; /* that it is still this one; NULL: a version is named */
    uint64_t size;        /* not 0 */
    bool streamed;        /* each part is held in memory on its way */
};

enum s3_status copy_lay_bounds(const struct copy_shape *shape, struct copying_bounds *bounds, struct s3_error *error)
        __attribute__((warn_unused_result));

#endif
