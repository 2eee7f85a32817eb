/*
 * One line of work: an operation's options as JSON, read by name, and what came of it. Fields that no operation asked
 * for are an error, so that a test's misspelt option cannot pass for its default. Keys and bodies are base64. A job
 * belongs to one thread.
 */
#ifndef DRIVER_JOB_H
#define DRIVER_JOB_H

#include <jansson.h>

#include "s3/object.h"

enum { JOB_KEPT = 1200 };

struct job {
    const json_t *request;
    json_t *result, *attempts, *asked;
    struct s3_conn *conn;
    struct s3_client *client, *sts;
    struct s3_error error;
    bool wrong; /* a field is missing or malformed */
    char wrong_field[64];
    void *kept[JOB_KEPT]; /* memory that lives as long as the job */
    size_t kept_count;
    struct s3_pair headers[S3_HEAD_PAIRS_MAX];
};

void job_begin(struct job *job, const json_t *request);
void job_end(struct job *job);
bool job_has_unknown_field(struct job *job);

const json_t *job_field(struct job *job, const char *name);
const char *job_text(struct job *job, const char *name); /* NULL where absent */
struct s3_text job_bytes(struct job *job, const char *name);
struct s3_text job_bytes_of(struct job *job, const json_t *base64);
uint64_t job_number(struct job *job, const char *name);
bool job_flag(struct job *job, const char *name);
void job_tags(struct job *job, const char *name, struct s3_tags *tags);
struct s3_target job_target(struct job *job);
void job_write(struct job *job, struct s3_write *write);
void job_source(struct job *job, struct s3_copy_source *source);
void *job_keep(struct job *job, void *memory);

void job_put(struct job *job, const char *name, json_t *value);
void job_put_tags(struct job *job, const struct s3_tags *tags);
void put_text(json_t *out, const char *name, const char *value);
void put_span(json_t *out, const char *name, struct s3_text value);  /* as text; base64 after "base64:" if it is none */
void put_bytes(json_t *out, const char *name, struct s3_text value); /* as base64 */
void put_number(json_t *out, const char *name, uint64_t value);
void put_flag(json_t *out, const char *name, bool value);

/* The operations, by the names that S3 and STS give them. */
struct operation {
    const char *name;
    enum s3_status (*run)(struct job *job);
};
extern const struct operation operations_object[], operations_list[], operations_bucket[], operations_multipart[];
extern const struct operation operations_lock[];

#endif
