/* See job.h. */
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

void job_begin(struct job *job, const json_t *request)
{
    job->request = request;
    job->result = json_object();
    job->attempts = json_array();
    job->asked = json_object();
    job->wrong = false;
    job->wrong_field[0] = '\0';
    job->kept_count = 0;
    s3_error_clear(&job->error);
}

void job_end(struct job *job)
{
    for (size_t i = 0; i < job->kept_count; i++)
        free(job->kept[i]);
    json_decref(job->result);
    json_decref(job->attempts);
    json_decref(job->asked);
}

static void complain(struct job *job, const char *name)
{
    if (!job->wrong)
        (void)snprintf(job->wrong_field, sizeof job->wrong_field, "%s", name);
    job->wrong = true;
}

bool job_has_unknown_field(struct job *job)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)job->request, name, value)
    {
        if (json_object_get(job->asked, name) == NULL)
            complain(job, name);
    }
    return job->wrong;
}

void *job_keep(struct job *job, void *memory)
{
    if (memory == NULL || job->kept_count == JOB_KEPT)
        abort(); /* a test's own memory */
    job->kept[job->kept_count++] = memory;
    return memory;
}

const json_t *job_field(struct job *job, const char *name)
{
    json_object_set_new(job->asked, name, json_true());
    return json_object_get(job->request, name);
}

const char *job_text(struct job *job, const char *name)
{
    const json_t *field = job_field(job, name);

    if (field != NULL && !json_is_string(field))
        complain(job, name);
    return json_string_value(field);
}

struct s3_text job_bytes_of(struct job *job, const json_t *base64)
{
    size_t length = json_string_length(base64);
    const char *text = json_string_value(base64);
    unsigned char *out;
    int decoded;

    if (text == NULL || length == 0)
        return (struct s3_text){ NULL, 0 };
    out = job_keep(job, malloc(length + 4));
    decoded = EVP_DecodeBlock(out, (const unsigned char *)text, (int)length);
    if (decoded < 0) {
        complain(job, "base64");
        return (struct s3_text){ NULL, 0 };
    }
    while (length > 0 && text[length - 1] == '=') { /* padding is decoded to zeros */
        decoded--;
        length--;
    }
    return (struct s3_text){ (const char *)out, (size_t)decoded };
}

struct s3_text job_bytes(struct job *job, const char *name)
{
    const json_t *field = job_field(job, name);

    if (field != NULL && !json_is_string(field))
        complain(job, name);
    return job_bytes_of(job, field);
}

uint64_t job_number(struct job *job, const char *name)
{
    const json_t *field = job_field(job, name);

    if (field != NULL && !json_is_integer(field))
        complain(job, name);
    return (uint64_t)json_integer_value(field);
}

bool job_flag(struct job *job, const char *name)
{
    const json_t *field = job_field(job, name);

    if (field != NULL && !json_is_boolean(field))
        complain(job, name);
    return json_is_true(field);
}

static struct s3_text span(const char *text)
{
    return (struct s3_text){ text, strlen(text) };
}

void job_tags(struct job *job, const char *name, struct s3_tags *tags)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)job_field(job, name), key, value)
    {
        if (tags->count == S3_TAGS_MAX) {
            complain(job, name);
            return;
        }
        tags->tags[tags->count].key = span(key);
        tags->tags[tags->count++].value = (struct s3_text){ json_string_value(value), json_string_length(value) };
    }
}

struct s3_target job_target(struct job *job)
{
    return (struct s3_target){ .bucket = job_text(job, "bucket"),
        .key = job_bytes(job, "key"),
        .version = job_text(job, "version"),
        .expected_owner = job_text(job, "expected_owner") };
}

static const char *encoded_tags(struct job *job)
{
    enum { ENCODED_MAX = 64 * 1024 };
    struct s3_tags *tags;
    char *text;

    if (job_field(job, "tags") == NULL)
        return job_text(job, "tagging");
    tags = job_keep(job, malloc(sizeof *tags));
    s3_tags_init(tags);
    job_tags(job, "tags", tags);
    text = job_keep(job, malloc(ENCODED_MAX));
    if (s3_tags_encode(tags, text, ENCODED_MAX) == (size_t)-1)
        complain(job, "tags");
    return text;
}

void job_write(struct job *job, struct s3_write *write)
{
    const char *name;
    json_t *value;

    *write = (struct s3_write){ .headers = job->headers,
        .storage_class = job_text(job, "storage_class"),
        .acl = job_text(job, "acl"),
        .tagging = encoded_tags(job),
        .encryption = job_text(job, "encryption"),
        .kms_key_id = job_text(job, "kms_key_id"),
        .kms_context = job_text(job, "kms_context"),
        .bucket_key = job_flag(job, "bucket_key"),
        .lock_mode = job_text(job, "lock_mode"),
        .lock_until = job_text(job, "lock_until"),
        .legal_hold = job_flag(job, "legal_hold"),
        .checksum_algorithm = job_text(job, "checksum_algorithm"),
        .checksum_type = job_text(job, "checksum_type"),
        .if_match = job_text(job, "if_match"),
        .if_none_match = job_text(job, "if_none_match") };
    json_object_foreach((json_t *)job_field(job, "headers"), name, value)
    {
        if (write->header_count == S3_HEAD_PAIRS_MAX) {
            complain(job, "headers");
            return;
        }
        job->headers[write->header_count].name = span(name);
        job->headers[write->header_count++].value =
                (struct s3_text){ json_string_value(value), json_string_length(value) };
    }
}

void job_source(struct job *job, struct s3_copy_source *source)
{
    *source = (struct s3_copy_source){ .prefix = job_text(job, "source_prefix"),
        .bucket = job_text(job, "source_bucket"),
        .key = job_bytes(job, "source_key"),
        .version = job_text(job, "source_version"),
        .if_match = job_text(job, "source_if_match"),
        .if_none_match = job_text(job, "source_if_none_match"),
        .if_unmodified_since_s = (int64_t)job_number(job, "source_if_unmodified_since"),
        .if_modified_since_s = (int64_t)job_number(job, "source_if_modified_since"),
        .expected_owner = job_text(job, "source_expected_owner") };
    if (source->bucket == NULL)
        complain(job, "source_bucket");
}

void job_put(struct job *job, const char *name, json_t *value)
{
    json_object_set_new(job->result, name, value);
}

void job_put_tags(struct job *job, const struct s3_tags *tags)
{
    json_t *list = json_array();

    for (size_t i = 0; i < tags->count; i++) {
        json_t *pair = json_object();
        put_span(pair, "name", tags->tags[i].key);
        put_span(pair, "value", tags->tags[i].value);
        json_array_append_new(list, pair);
    }
    job_put(job, "tags", list);
}

void put_text(json_t *out, const char *name, const char *value)
{
    put_span(out, name, (struct s3_text){ value != NULL ? value : "", value != NULL ? strlen(value) : 0 });
}

void put_span(json_t *out, const char *name, struct s3_text value)
{
    json_t *text = json_stringn(value.ptr != NULL ? value.ptr : "", value.len);

    if (text != NULL) {
        json_object_set_new(out, name, text);
        return;
    }
    put_bytes(out, name, value);
    json_object_set_new(
            out, name, json_sprintf("base64:%s", json_string_value(json_object_get(out, name)))); /* no UTF-8 */
}

void put_bytes(json_t *out, const char *name, struct s3_text value)
{
    unsigned char *text = malloc(value.len / 3 * 4 + 8);

    if (text == NULL)
        abort();
    text[0] = '\0';
    if (value.len > 0)
        (void)EVP_EncodeBlock(text, (const unsigned char *)value.ptr, (int)value.len);
    json_object_set_new(out, name, json_string((const char *)text));
    free(text);
}

void put_number(json_t *out, const char *name, uint64_t value)
{
    json_object_set_new(out, name, json_integer((json_int_t)value));
}

void put_flag(json_t *out, const char *name, bool value)
{
    json_object_set_new(out, name, json_boolean(value));
}
