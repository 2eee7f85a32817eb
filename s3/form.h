/*
 * A request of the query services, STS and SNS: a form that is posted to the service itself. Private to s3/.
 */
#ifndef S3_FORM_H
#define S3_FORM_H

#include "s3/answer.h"
#include "s3/call.h"
#include "sigv4/sigv4.h"

enum { FORM_FIELDS = 8 };

struct form {
    struct sigv4_pair fields[FORM_FIELDS];
    size_t count;
};

/* A value that is NULL or empty is not sent. Borrows it. */
void form_add(struct form *form, const char *name, const char *value);
enum s3_status form_send(struct s3_conn *conn, struct s3_client *client, const char *operation, const struct form *form,
        enum s3_answer_kind answer, void *out, struct s3_error *error) __attribute__((warn_unused_result));

#endif
