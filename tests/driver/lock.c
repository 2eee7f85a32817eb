/* Object Lock: of versions and of buckets. */
#include "s3/retention.h"

#include "job.h"

static enum s3_status get_retention(struct job *job)
{
    struct s3_target target = job_target(job);
    struct s3_retention retention;
    enum s3_status status = s3_get_object_retention(job->conn, job->client, &target, &retention, &job->error);

    if (status == S3_OK) {
        put_text(job->result, "mode", retention.mode);
        put_number(job->result, "until_ms", (uint64_t)retention.until_ms);
    }
    return status;
}

static enum s3_status put_retention(struct job *job)
{
    const struct s3_put_retention_options options = {
        .target = job_target(job), .mode = job_text(job, "mode"), .until = job_text(job, "until")
    };

    return s3_put_object_retention(job->conn, job->client, &options, &job->error);
}

static struct s3_bucket_options bucket_of(struct job *job)
{
    return (struct s3_bucket_options){ .bucket = job_text(job, "bucket"),
        .expected_owner = job_text(job, "expected_owner") };
}

static enum s3_status get_lock(struct job *job)
{
    const struct s3_bucket_options options = bucket_of(job);
    struct s3_bucket_lock lock;
    enum s3_status status = s3_get_bucket_lock(job->conn, job->client, &options, &lock, &job->error);

    if (status == S3_OK) {
        put_flag(job->result, "enabled", lock.enabled);
        put_text(job->result, "mode", lock.default_mode);
        put_number(job->result, "days", lock.default_days);
        put_number(job->result, "years", lock.default_years);
    }
    return status;
}

static enum s3_status put_lock(struct job *job)
{
    const struct s3_bucket_options options = bucket_of(job);

    return s3_put_bucket_lock(job->conn, job->client, &options, &job->error);
}

const struct operation operations_lock[] = { { "GetObjectRetention", get_retention },
    { "PutObjectRetention", put_retention }, { "GetObjectLockConfiguration", get_lock },
    { "PutObjectLockConfiguration", put_lock }, { NULL, NULL } };
