/*
 * AWS Signature Version 4 as S3 wants it: from a request to its Authorization header, or to a presigned URL.
 *
 * Pure: no clock, no I/O, no globals, no cache shared between threads. `now` is an argument. A signer belongs to one
 * thread; it keeps the signing key of the last day, region and service, and wipes it when cleared.
 *
 * One spelling: sigv4_encode_path and sigv4_build_query make the bytes that go over the wire, and the very same bytes are
 * signed. A key is encoded once and never normalised: `//`, `/./`, `..`, `%2F` and `+` mean themselves.
 */
#ifndef SIGV4_SIGV4_H
#define SIGV4_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sigv4_status {
    SIGV4_OK,
    SIGV4_TOO_LONG, /* an output did not fit its array */
    SIGV4_BAD_INPUT, /* CR, LF or NUL in a header, an empty method, a path that does not begin with / */
    SIGV4_NO_MEMORY,
    SIGV4_CRYPTO /* OpenSSL refused */
};

struct sigv4_text {
    const char *ptr;
    size_t len;
};

struct sigv4_pair {
    struct sigv4_text name, value;
};

/* Borrowed. `token` has length 0 where there is none. */
struct sigv4_credentials {
    struct sigv4_text access_key, secret_key, token;
};

enum { SIGV4_HASH_HEX = 64 };
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
/* SHA-256 of nothing */
#define SIGV4_EMPTY_PAYLOAD "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/*
 * A request as it will be sent. All headers in `headers` are signed, in whatever order they stand; names in any case.
 * They must include host; the signer itself adds x-amz-date, x-amz-security-token (where there is a token) and, if
 * `payload_hash` is given, x-amz-content-sha256 (S3 demands it, STS and the test vectors do not have it).
 */
struct sigv4_request {
    struct sigv4_text method;       /* "GET" */
    struct sigv4_text path;         /* encoded, as on the wire, begins with / */
    struct sigv4_text query;        /* as sigv4_build_query wrote it; may be empty */
    const struct sigv4_pair *headers;
    size_t header_count;
    struct sigv4_text payload_hash; /* 64 hex digits or UNSIGNED-PAYLOAD */
    bool add_content_sha256;        /* send and sign x-amz-content-sha256 = payload_hash */
};

struct sigv4_signer;

/* Returns a signer (free with sigv4_signer_free, which wipes it), or NULL without memory. */
struct sigv4_signer *sigv4_signer_new(void);
void sigv4_signer_free(struct sigv4_signer *signer);

struct sigv4_scope {
    const char *region;  /* "us-east-1" */
    const char *service; /* "s3", "sts" */
    int64_t now;         /* seconds since 1970, UTC */
};

/* What to send beside the request's own headers. Values are terminated; an unused one is "". */
struct sigv4_headers {
    char date[17];           /* x-amz-date: 20130524T000000Z */
    char *authorization;     /* borrowed from the signer until its next call */
};

/* Signs by header. The caller sends x-amz-date and Authorization from `out`, x-amz-security-token from the credentials, and
 * x-amz-content-sha256 from the request where add_content_sha256 is set. */
enum sigv4_status sigv4_sign(struct sigv4_signer *signer, const struct sigv4_credentials *credentials,
        const struct sigv4_scope *scope, const struct sigv4_request *request, struct sigv4_headers *out)
        __attribute__((warn_unused_result));

/*
 * Presigns: writes the whole query string (without `?`), with X-Amz-Signature last, to `out`. `parameters` are the request's own
 * query parameters, not encoded; `request->query` must be empty. The payload hash is what the request says (S3: UNSIGNED-PAYLOAD).
 */
enum sigv4_status sigv4_presign(struct sigv4_signer *signer, const struct sigv4_credentials *credentials,
        const struct sigv4_scope *scope, const struct sigv4_request *request, const struct sigv4_pair *parameters,
        size_t parameter_count, uint32_t expires_seconds, char *out, size_t out_size, size_t *out_len)
        __attribute__((warn_unused_result));

/*
 * Percent-encodes `in` by SigV4's rules (unreserved: A-Z a-z 0-9 - . _ ~; upper-case hex) into out, terminated; with
 * `keep_slash` a slash stays. Returns the length, or (size_t)-1 where it does not fit.
 */
size_t sigv4_encode(char *out, size_t out_size, const char *in, size_t in_len, bool keep_slash);

/*
 * Writes the query string: names and values encoded, sorted by encoded name and then value, joined with & and =, a valueless
 * parameter as `name=`. This one spelling is both sent and signed. Returns the length, or (size_t)-1 where it does not fit.
 */
size_t sigv4_build_query(char *out, size_t out_size, const struct sigv4_pair *parameters, size_t count);

/* SHA-256 in lower-case hex, terminated, into out[65]. */
enum sigv4_status sigv4_hash_hex(const void *data, size_t length, char out[SIGV4_HASH_HEX + 1])
        __attribute__((warn_unused_result));

#endif
