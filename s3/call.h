/*
 * One request from start to end, attempts included: what every operation is written with. Private to s3/.
 *
 * A call is filled by call_* functions, which note a value that does not fit and let call_perform report it, so that an
 * operation reads as a list of what it sends. Every call that was begun is performed: that gives its scratch memory
 * back, in the manner of a stack, since fetching credentials makes calls of its own on the same connection.
 * call_perform signs and sends until there is a final answer: it waits for the limiter, follows one region redirect,
 * renews expired credentials and corrects the clock once, and retries as retry.h decides.
 */
#ifndef S3_CALL_H
#define S3_CALL_H

#include "sigv4/sigv4.h"
#include "s3/answer.h"
#include "s3/client.h"
#include "s3/head.h"
#include "s3/object.h"

enum { S3_CALL_PARAMETERS = 16, S3_CALL_HEADERS = S3_HEAD_PAIRS_MAX + 40 };

struct s3_call {
    struct s3_conn *conn;
    struct s3_client *client;
    const char *operation, *method;
    const char *bucket; /* NULL: the service itself */
    struct s3_text key;
    struct sigv4_pair parameters[S3_CALL_PARAMETERS];
    size_t parameter_count;
    struct sigv4_pair headers[S3_CALL_HEADERS];
    size_t header_count;
    const void *body;
    size_t body_len;
    const struct s3_reader *reader;
    bool form; /* an STS query: the body is signed and x-amz-content-sha256 is not sent */
    enum s3_answer_kind answer;
    void *answer_out;
    const struct s3_sink *sink; /* takes the body of an answer under 300 instead of the parser */
    struct s3_head *head;       /* NULL: headers are not wanted */
    bool slow;                  /* the service may think for minutes before and while it answers: copies, completes */
    bool partial;               /* a range was asked for: a whole object in its place is no answer */
    bool overflow;              /* private: a value did not fit */
    bool no_key;                /* private: an object's key is empty or too long */
    size_t scratch_begin;       /* private */
};

void call_begin(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const char *bucket, struct s3_text key);
/* The same for an object: a key that none can have is refused, since without its key a DELETE of an object would be the
 * bucket's. */
void call_begin_object(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const char *bucket, struct s3_text key);
void call_target(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const struct s3_target *target); /* with version and expected owner */
/* A parameter; a NULL value means a valueless one. Names are static text; values are borrowed until call_perform is
 * done. */
void call_parameter(struct s3_call *call, const char *name, const char *value);
void call_parameter_text(struct s3_call *call, const char *name, struct s3_text value); /* not sent where empty */
void call_parameter_number(struct s3_call *call, const char *name, uint64_t value);     /* not sent where 0 */
/* A header; not sent where the value is NULL or "". */
void call_header(struct s3_call *call, const char *name, const char *value);
void call_header_text(struct s3_call *call, const char *name, struct s3_text value); /* sent also where empty */
void call_header_printf(struct s3_call *call, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void call_header_http_time(struct s3_call *call, const char *name, int64_t seconds); /* not sent where 0 */
void call_write(struct s3_call *call, const struct s3_write *write);
void call_copy_source(struct s3_call *call, const struct s3_copy_source *source);
/* Content-MD5 of the body in memory. */
void call_content_md5(struct s3_call *call);
/* Copies bytes into the call's scratch memory, terminated; NULL where they do not fit, which call_perform will say. */
char *call_scratch(struct s3_call *call, const char *bytes, size_t length);

enum s3_status call_perform(struct s3_call *call, struct s3_error *error) __attribute__((warn_unused_result));

#endif
