/* See call.h: what goes into a request. How it is sent is call_send.c. */
#include "s3/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "s3/conn.h"

static struct sigv4_text text_of(const char *text)
{
    return (struct sigv4_text){ text, strlen(text) };
}

void call_begin(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const char *bucket, struct s3_text key)
{
    /* parameters and headers are written before they are read: clearing their 6 KiB would cost more than the rest of
     * this function */
    call->conn = conn;
    call->client = client;
    call->operation = operation;
    call->method = method;
    call->bucket = bucket;
    call->key = key;
    call->parameter_count = 0;
    call->header_count = 0;
    call->body = NULL;
    call->body_len = 0;
    call->reader = NULL;
    call->form = false;
    call->answer = S3_ANSWER_ERROR_ONLY;
    call->answer_out = NULL;
    call->sink = NULL;
    call->head = NULL;
    call->slow = false;
    call->partial = false;
    call->overflow = false;
    call->no_key = false;
    call->scratch_begin = conn->scratch_used;
}

static bool is_key(struct s3_text key)
{
    return key.len > 0 && key.len <= S3_KEY_MAX;
}

void call_begin_object(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const char *bucket, struct s3_text key)
{
    call_begin(call, conn, client, operation, method, bucket, key);
    call->no_key = !is_key(key);
}

void call_target(struct s3_call *call, struct s3_conn *conn, struct s3_client *client, const char *operation,
        const char *method, const struct s3_target *target)
{
    call_begin_object(call, conn, client, operation, method, target->bucket, target->key);
    if (target->version != NULL && target->version[0] != '\0')
        call_parameter(call, "versionId", target->version);
    call_header(call, "x-amz-expected-bucket-owner", target->expected_owner);
}

char *call_scratch(struct s3_call *call, const char *bytes, size_t length)
{
    struct s3_conn *conn = call->conn;
    char *at = conn->scratch + conn->scratch_used;

    if (length >= CONN_SCRATCH - conn->scratch_used) {
        call->overflow = true;
        return NULL;
    }
    memcpy(at, bytes, length);
    at[length] = '\0';
    conn->scratch_used += length + 1;
    return at;
}

static void add_parameter(struct s3_call *call, const char *name, struct sigv4_text value)
{
    if (call->parameter_count == S3_CALL_PARAMETERS) {
        call->overflow = true;
        return;
    }
    call->parameters[call->parameter_count++] = (struct sigv4_pair){ text_of(name), value };
}

void call_parameter(struct s3_call *call, const char *name, const char *value)
{
    add_parameter(call, name, text_of(value != NULL ? value : ""));
}

void call_parameter_text(struct s3_call *call, const char *name, struct s3_text value)
{
    if (value.len > 0)
        add_parameter(call, name, (struct sigv4_text){ value.ptr, value.len });
}

void call_parameter_number(struct s3_call *call, const char *name, uint64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    const char *kept;

    if (value == 0 || (kept = call_scratch(call, digits, (size_t)length)) == NULL)
        return;
    add_parameter(call, name, text_of(kept));
}

static void add_header(struct s3_call *call, struct sigv4_text name, struct sigv4_text value)
{
    if (call->header_count == S3_CALL_HEADERS) {
        call->overflow = true;
        return;
    }
    call->headers[call->header_count++] = (struct sigv4_pair){ name, value };
}

void call_header(struct s3_call *call, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        add_header(call, text_of(name), text_of(value));
}

void call_header_text(struct s3_call *call, const char *name, struct s3_text value)
{
    add_header(call, text_of(name), (struct sigv4_text){ value.ptr != NULL ? value.ptr : "", value.len });
}

void call_header_printf(struct s3_call *call, const char *name, const char *format, ...)
{
    struct s3_conn *conn = call->conn;
    char *at = conn->scratch + conn->scratch_used;
    size_t room = CONN_SCRATCH - conn->scratch_used;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(at, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room) {
        call->overflow = true;
        return;
    }
    conn->scratch_used += (size_t)length + 1;
    add_header(call, text_of(name), (struct sigv4_text){ at, (size_t)length });
}

void call_header_http_time(struct s3_call *call, const char *name, int64_t seconds)
{
    static const char days[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" }; /* 1970 began on a Thursday */
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
        "Dec" };
    int64_t day = seconds / 86400, rest = seconds % 86400;
    int64_t era, of_era, year_of_era, day_of_year, shifted, year, month;

    if (seconds <= 0)
        return;
    /* days to a date in the calendar that counts eras of 400 years from 1 March of year 0 */
    era = (day + 719468) / 146097;
    of_era = (day + 719468) % 146097;
    year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    shifted = (5 * day_of_year + 2) / 153;
    month = shifted < 10 ? shifted + 2 : shifted - 10; /* from 0 */
    year = year_of_era + era * 400 + (month <= 1 ? 1 : 0);
    call_header_printf(call, name, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[day % 7],
            (int)(day_of_year - (153 * shifted + 2) / 5 + 1), months[month], (int)year, (int)(rest / 3600),
            (int)(rest / 60 % 60), (int)(rest % 60));
}

void call_write(struct s3_call *call, const struct s3_write *write)
{
    for (size_t i = 0; i < write->header_count; i++)
        add_header(call, (struct sigv4_text){ write->headers[i].name.ptr, write->headers[i].name.len },
                (struct sigv4_text){ write->headers[i].value.ptr, write->headers[i].value.len });
    call_header(call, "x-amz-storage-class", write->storage_class);
    call_header(call, "x-amz-acl", write->acl);
    if (write->tagging != NULL)
        call_header_text(call, "x-amz-tagging", (struct s3_text){ write->tagging, strlen(write->tagging) });
    call_header(call, "x-amz-server-side-encryption", write->encryption);
    call_header(call, "x-amz-server-side-encryption-aws-kms-key-id", write->kms_key_id);
    call_header(call, "x-amz-server-side-encryption-context", write->kms_context);
    call_header(call, "x-amz-server-side-encryption-bucket-key-enabled", write->bucket_key ? "true" : NULL);
    call_header(call, "x-amz-object-lock-mode", write->lock_mode);
    call_header(call, "x-amz-object-lock-retain-until-date", write->lock_until);
    call_header(call, "x-amz-object-lock-legal-hold", write->legal_hold ? "ON" : NULL);
    call_header(call, "x-amz-checksum-algorithm", write->checksum_algorithm);
    call_header(call, "x-amz-checksum-type", write->checksum_type);
    call_header(call, "if-match", write->if_match);
    call_header(call, "if-none-match", write->if_none_match);
}

void call_copy_source(struct s3_call *call, const struct s3_copy_source *source)
{
    struct s3_conn *conn = call->conn;
    char *begin = conn->scratch + conn->scratch_used, *at = begin;
    size_t room = CONN_SCRATCH - conn->scratch_used, length;
    int head = snprintf(at, room, "/%s%s/", source->prefix != NULL ? source->prefix : "", source->bucket);

    call->no_key = call->no_key || !is_key(source->key);
    if (head < 0 || (size_t)head >= room) {
        call->overflow = true;
        return;
    }
    at += head;
    room -= (size_t)head;
    length = sigv4_encode(at, room, source->key.ptr, source->key.len, true);
    if (length == (size_t)-1) {
        call->overflow = true;
        return;
    }
    at += length;
    room -= length;
    if (source->version != NULL && source->version[0] != '\0') {
        static const char name[] = "?versionId=";
        if (room < sizeof name || (length = sigv4_encode(at + sizeof name - 1, room - sizeof name + 1, source->version,
                                           strlen(source->version), false)) == (size_t)-1) {
            call->overflow = true;
            return;
        }
        memcpy(at, name, sizeof name - 1);
        at += sizeof name - 1 + length;
    }
    *at = '\0';
    conn->scratch_used += (size_t)(at - begin) + 1;
    add_header(call, text_of("x-amz-copy-source"), (struct sigv4_text){ begin, (size_t)(at - begin) });
    call_header(call, "x-amz-copy-source-if-match", source->if_match);
    call_header(call, "x-amz-copy-source-if-none-match", source->if_none_match);
    call_header_http_time(call, "x-amz-copy-source-if-unmodified-since", source->if_unmodified_since_s);
    call_header_http_time(call, "x-amz-copy-source-if-modified-since", source->if_modified_since_s);
    call_header(call, "x-amz-source-expected-bucket-owner", source->expected_owner);
}

void call_content_md5(struct s3_call *call)
{
    unsigned char digest[EVP_MAX_MD_SIZE], encoded[2 * EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const char *kept;

    if (EVP_Digest(call->body != NULL ? call->body : "", call->body_len, digest, &length, EVP_md5(), NULL) != 1) {
        call->overflow = true;
        return;
    }
    (void)EVP_EncodeBlock(encoded, digest, (int)length);
    kept = call_scratch(call, (const char *)encoded, strlen((const char *)encoded));
    call_header(call, "content-md5", kept);
}
