/* See call_inside.h: address, headers and signature of one attempt. */
#include "s3/call_inside.h"

#include <string.h>

#include "s3/client_inside.h"
#include "s3/conn.h"

enum {
    HASHED_BODY_MAX = 1024 * 1024
}; /* larger ones over TLS go unsigned: TLS and Content-MD5 or a checksum guard them */

enum s3_status call_too_long(struct s3_error *error)
{
    return s3_fail(error, S3_REFUSED, "TooLong", "a value of the request is longer than this client sends");
}

/* By parts: for each request, printf would cost more than the rest of its address. */
static bool write_url(const struct call_attempt *at, const char *scheme)
{
    struct s3_buffer *url = &at->call->conn->url;

    s3_buffer_clear(url);
    return s3_buffer_add_text(url, scheme) && s3_buffer_add_text(url, "://") && s3_buffer_add_text(url, at->host) &&
           s3_buffer_add(url, at->path, at->path_len) &&
           (at->query_len == 0 || (s3_buffer_add_text(url, "?") && s3_buffer_add(url, at->query, at->query_len))) &&
           s3_buffer_text(url) != NULL;
}

enum s3_status call_address(struct call_attempt *at)
{
    struct s3_call *call = at->call;
    struct s3_client *client = call->client;
    struct s3_endpoint endpoint;
    enum s3_status status = S3_OK;
    bool in_path = false;
    size_t length;

    s3_client_region(client, call->bucket, at->region, sizeof at->region);
    if (client->custom.custom)
        endpoint = client->custom;
    else
        status = s3_endpoint_aws(client->service, at->region, &endpoint, at->error);
    if (status == S3_OK)
        status = s3_endpoint_address(&endpoint, call->bucket != NULL ? call->bucket : "", client->path_style, at->host,
                sizeof at->host, &in_path, at->error);
    if (status != S3_OK)
        return status;
    at->https = strcmp(endpoint.scheme, "https") == 0;
    at->path[0] = '/';
    at->path_len = 1;
    if (in_path) {
        length = sigv4_encode(at->path + 1, sizeof at->path - 2, call->bucket, strlen(call->bucket), false);
        if (length == (size_t)-1)
            return call_too_long(at->error);
        at->path_len += length;
        if (call->key.len > 0)
            at->path[at->path_len++] = '/';
    }
    length = sigv4_encode(at->path + at->path_len, sizeof at->path - at->path_len, call->key.ptr, call->key.len, true);
    if (length == (size_t)-1)
        return call_too_long(at->error);
    at->path_len += length;
    at->path[at->path_len] = '\0';
    at->query_len = sigv4_build_query(at->query, sizeof at->query, call->parameters, call->parameter_count);
    if (at->query_len == (size_t)-1)
        return call_too_long(at->error);
    return write_url(at, endpoint.scheme) ? S3_OK : call_too_long(at->error);
}

static enum s3_status hash_payload(struct call_attempt *at)
{
    const struct s3_call *call = at->call;
    const char *fixed = NULL;

    if (call->reader != NULL || (call->body_len > HASHED_BODY_MAX && at->https))
        fixed = SIGV4_UNSIGNED_PAYLOAD;
    else if (call->body_len == 0)
        fixed = SIGV4_EMPTY_PAYLOAD;
    if (fixed != NULL)
        memcpy(at->payload_hash, fixed, strlen(fixed) + 1);
    else if (sigv4_hash_hex(call->body, call->body_len, at->payload_hash) != SIGV4_OK)
        return s3_fail(at->error, S3_FATAL, "Digest", "SHA-256 is not available");
    return S3_OK;
}

static struct sigv4_text text_of(const char *text)
{
    return (struct sigv4_text){ text, strlen(text) };
}

enum s3_status call_sign(
        struct call_attempt *at, struct sigv4_pair *headers, size_t *count, struct sigv4_headers *signature)
{
    struct s3_call *call = at->call;
    struct sigv4_signer *signer;
    struct sigv4_request request;
    struct sigv4_credentials keys;
    struct sigv4_scope scope;
    enum s3_status status = hash_payload(at);

    if (status != S3_OK || at->credentials == NULL)
        return status;
    signer = conn_signer(call->conn, call->client, call->client->serial);
    if (signer == NULL)
        return s3_fail(at->error, S3_NO_MEMORY, "NoMemory", "out of memory");
    headers[*count] = (struct sigv4_pair){ text_of("host"), text_of(at->host) };
    request = (struct sigv4_request){ .method = text_of(call->method),
        .path = { at->path, at->path_len },
        .query = { at->query, at->query_len },
        .headers = headers,
        .header_count = *count + 1,
        .payload_hash = text_of(at->payload_hash),
        .add_content_sha256 = !call->form };
    keys = (struct sigv4_credentials){ .access_key = { at->credentials->access_key.ptr,
                                               at->credentials->access_key.len },
        .secret_key = { at->credentials->secret_key.ptr, at->credentials->secret_key.len },
        .token = { at->credentials->token.ptr, at->credentials->token.len } };
    scope = (struct sigv4_scope){
        .region = at->region, .service = call->client->service, .now = s3_client_now_ms(call->client) / 1000
    };
    if (sigv4_sign(signer, &keys, &scope, &request, signature) != SIGV4_OK)
        return s3_fail(at->error, S3_REFUSED, "NotSigned",
                "the request cannot be signed: a header holds a line break, a value is too long, or a key is "
                "malformed");
    /* curl sends host by itself: its place goes to the date */
    headers[(*count)++] = (struct sigv4_pair){ text_of("x-amz-date"), text_of(signature->date) };
    if (!call->form)
        headers[(*count)++] = (struct sigv4_pair){ text_of("x-amz-content-sha256"), text_of(at->payload_hash) };
    if (keys.token.len > 0)
        headers[(*count)++] = (struct sigv4_pair){ text_of("x-amz-security-token"), keys.token };
    headers[(*count)++] = (struct sigv4_pair){ text_of("authorization"), text_of(signature->authorization) };
    return S3_OK;
}

/* A value as it goes over the wire: without blanks around it, which the signature does not count either, and which
 * would hide from curl that there is nothing. */
static struct sigv4_text trimmed(struct sigv4_text value)
{
    while (value.len > 0 && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) {
        value.ptr++;
        value.len--;
    }
    while (value.len > 0 && (value.ptr[value.len - 1] == ' ' || value.ptr[value.len - 1] == '\t'))
        value.len--;
    return value;
}

bool call_write_lines(struct s3_buffer *lines, const struct sigv4_pair *headers, size_t count, const char **out)
{
    size_t total = 0;
    char *at, *begin;

    for (size_t i = 0; i < count; i++)
        total += headers[i].name.len + headers[i].value.len + 3;
    s3_buffer_clear(lines);
    begin = at = s3_buffer_reserve(lines, total + 1);
    if (at == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct sigv4_text value = trimmed(headers[i].value);

        out[i] = at;
        memcpy(at, headers[i].name.ptr, headers[i].name.len);
        at += headers[i].name.len;
        if (value.len == 0) {
            *at++ = ';';
        } else {
            *at++ = ':';
            *at++ = ' ';
            memcpy(at, value.ptr, value.len);
            at += value.len;
        }
        *at++ = '\0';
    }
    lines->len = (size_t)(at - begin);
    return true;
}
