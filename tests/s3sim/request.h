/* One request and the answer that grows from it.
 *
 * Borrows the header strings from the connection; owns target, decoded names and body. One thread at a time. An
 * operation (ops.h) reads this and fills `reply`; it never sees the HTTP library. */
#ifndef S3SIM_REQUEST_H
#define S3SIM_REQUEST_H

#include "account.h"
#include "buf.h"
#include "fault.h"
#include "store.h"

#include <stdbool.h>

struct header {
    const char *name, *value;
    size_t name_len;
};
struct param { /* decoded, NUL behind; has_value tells ?acl= from ?acl */
    char *name, *value;
    size_t name_len, value_len;
    bool has_value;
};

enum { MAX_HEADERS = 100, MAX_PARAMS = 40, KEY_MAX = 1024 };

struct reply {
    int status;
    struct buf headers;  /* name NUL value NUL ... */
    struct buf text;     /* the body, unless `body` */
    struct body *body;   /* reference */
    uint64_t from, size; /* of body */
    const char *code;    /* S3's error code, for the journal; NULL when none */
    bool is_xml;
};

struct operation;

struct request {
    const char *method;
    char *target; /* as it came */
    size_t path_len;
    bool tls, is_head, over_limit;
    struct header header[MAX_HEADERS];
    unsigned headers, params;
    struct param param[MAX_PARAMS];
    char *decoded, *trailers; /* what params and key, and a chunked body's trailing headers point into */
    uint64_t received;
    struct buf upload; /* the request's body */
    char bucket[64];
    const char *key;
    size_t key_len;
    const char *bad_target; /* why the target cannot be served, or NULL */
    const struct operation *op;
    uint64_t id;
    char caller[65]; /* the role or user whose key is named, for faults and the journal */
    /* authentication */
    struct credential *credential; /* NULL: anonymous */
    char region[40], service[8];   /* of the signature's scope */
    char payload_hash[72];
    struct buf detail;    /* XML that an error's answer shows besides */
    struct bucket *where; /* the bucket, under the world lock */
    struct fault_action fault;
    struct reply reply;
};

enum s3_error {
#define E(id, status, code, message) E_##id,
#include "errors.inc"
#undef E
    E_COUNT
};

const char *request_header(const struct request *q, const char *name); /* NULL when absent; name in lower case */
const struct param *request_param(const struct request *q, const char *name);
const char *request_value(const struct request *q, const char *name); /* the parameter's value or NULL */
char *request_form(const struct request *q, const char *name); /* a field of the form in the body, or NULL; free it */
void request_target(struct request *q); /* splits and decodes the target, finds bucket and key by path or host */
bool request_aws_chunked(
        struct request *q); /* takes the framing off the body; false: malformed. Trailers become headers */
void request_free(struct request *q);

void reply_header(struct request *q, const char *name, const char *value);
void reply_header_u64(struct request *q, const char *name, uint64_t value);
void reply_header_time(struct request *q, const char *name, int64_t seconds);
void reply_etag(struct request *q, const struct version *v);
void reply_xml(struct request *q, const char *root); /* begins <?xml?><root xmlns=…>; the caller closes it */
void reply_fail(struct request *q, enum s3_error e);
void reply_fail_as(struct request *q, int status, const char *code, const char *message);
void reply_fail_with(struct request *q, enum s3_error e, const char *element, const char *value); /* one more element */

#endif
