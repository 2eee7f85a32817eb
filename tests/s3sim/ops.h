/* S3's operations: one function each, from a request that is signed, allowed and has its bucket (q->where) to a reply.
 *
 * They run under the world lock: its write side where the table in route.c says so. */
#ifndef S3SIM_OPS_H
#define S3SIM_OPS_H

#include "request.h"

enum level { ON_SERVICE = 'S', ON_BUCKET = 'B', ON_OBJECT = 'O' };
enum op_flags {
    OP_WRITES_WORLD = 1,
    OP_NO_BUCKET = 2,  /* the bucket need not exist */
    OP_OWN_ACCESS = 4, /* decides on access itself */
    OP_LISTS = 8,      /* for the listing faults */
    OP_COPIES = 16     /* may answer 200 with an error inside */
};

struct operation {
    const char *name, *method;
    enum level level;
    const char *param, *header; /* must be there; NULL: none */
    void (*run)(struct request *q);
    const char *action, *version_action; /* the second where versionId is given */
    unsigned flags;
    int document; /* for those on a bucket's documents */
};

const struct operation *ops_route(const struct request *q); /* never NULL */
const struct operation *ops_at(size_t i);                   /* NULL past the end */
size_t ops_index(const struct operation *op);

void op_list_buckets(struct request *q);
void op_create_bucket(struct request *q);
void op_delete_bucket(struct request *q);
void op_head_bucket(struct request *q);
void op_get_location(struct request *q);
void op_get_versioning(struct request *q);
void op_put_versioning(struct request *q);
void op_get_document(struct request *q);
void op_put_document(struct request *q);
void op_delete_document(struct request *q);
void op_get_bucket_tagging(struct request *q);
void op_put_bucket_tagging(struct request *q);
void op_delete_bucket_tagging(struct request *q);

void op_put_object(struct request *q);
void op_get_object(struct request *q); /* and HEAD */
void op_delete_object(struct request *q);
void op_delete_objects(struct request *q);
void op_copy_object(struct request *q);
void op_get_tagging(struct request *q);
void op_put_tagging(struct request *q);
void op_delete_tagging(struct request *q);
void op_restore_object(struct request *q);
void op_get_object_acl(struct request *q);
void op_put_object_acl(struct request *q);
void op_get_object_lock(struct request *q);
void op_put_object_lock(struct request *q);

void op_list_objects(struct request *q); /* versions 1 and 2 */
void op_list_versions(struct request *q);

void op_create_upload(struct request *q);
void op_upload_part(struct request *q);
void op_upload_part_copy(struct request *q);
void op_complete_upload(struct request *q);
void op_abort_upload(struct request *q);
void op_list_parts(struct request *q);
void op_list_uploads(struct request *q);

void op_iam(struct request *q);
void op_sts(struct request *q);
void op_not_implemented(struct request *q);

#endif
