/*
 * AWS Signature Version 4 as S3 wants it: from a request to its Authorization header, or to a presigned URL.
 *
 * Pure: no clock, no I/O, no globals, no cache shared between threads. `now` is an argument. A signer belongs to one
 * thread; it keeps the signing key of the last secret, day, region and service, and wipes it when freed.
 *
 * One spelling: sigv4_encode and sigv4_build_query make the bytes that go over the wire, and the very same bytes are
 * signed. A key is encoded once and never normalised: `//`, `/./`, `..`, `%2F` and `+` mean themselves.
 *
 * Nothing is ever cut: what does not fit an array is refused. Lengths of path, query, header values and token are not
 * bounded here, they are streamed into the hash.
 */
#ifndef SIGV4_SIGV4_H
#define SIGV4_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sigv4_status {
    SIGV4_OK,
    SIGV4_TOO_LONG,  /* an output did not fit its array, or there are more headers or parameters than below */
    SIGV4_BAD_INPUT, /* what could not be sent as it would be signed; each function says what it refuses */
    SIGV4_NO_MEMORY,
    SIGV4_CRYPTO /* OpenSSL refused */
};

enum {
    SIGV4_HASH_HEX = 64,
    SIGV4_MAX_HEADERS = 512,   /* 8 KiB of headers, S3's limit, hold at most 455 that are called x-amz-meta-NN */
    SIGV4_MAX_PARAMETERS = 64, /* with the six of a presigned URL; no operation of S3 has more than twenty */
    SIGV4_MAX_SECRET = 256,    /* AWS: 40 bytes */
    SIGV4_MAX_SCOPE_NAME = 64  /* a region or a service */
};

/* Pointer and length, so that a name or a value may hold any byte. `ptr` may be NULL where `len` is 0. */
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

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
/* SHA-256 of nothing */
#define SIGV4_EMPTY_PAYLOAD "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/*
 * A request as it will be sent; all of it is borrowed. All headers in `headers` are signed, in whatever order they
 * stand; names in any case. They must include host; headers that a proxy or the transport may change (user-agent,
 * expect, connection) do not belong there. Values of one name are joined in their order, blanks around a value are
 * dropped and runs of them inside count as one space, as servers read them: what is sent needs no change.
 *
 * The signer itself adds x-amz-date, x-amz-security-token (where there is a token) and, if `add_content_sha256` is set,
 * x-amz-content-sha256 (S3 demands it, STS does not have it).
 */
struct sigv4_request {
    struct sigv4_text method; /* "GET" */
    struct sigv4_text path;   /* encoded by sigv4_encode, as on the wire, begins with / */
    struct sigv4_text query;  /* as sigv4_build_query wrote it; may be empty */
    const struct sigv4_pair *headers;
    size_t header_count;
    struct sigv4_text payload_hash; /* 64 hex digits in lower case, or UNSIGNED-PAYLOAD */
    bool add_content_sha256;        /* send and sign x-amz-content-sha256 = payload_hash */
};

struct sigv4_signer;

/* Returns a signer (free with sigv4_signer_free, which wipes it), or NULL where memory or OpenSSL's SHA-256 is missing.
 */
struct sigv4_signer *sigv4_signer_new(void) __attribute__((warn_unused_result));
void sigv4_signer_free(struct sigv4_signer *signer);

struct sigv4_scope {
    const char *region;  /* "us-east-1" */
    const char *service; /* "s3", "sts" */
    int64_t now;         /* seconds since 1970, UTC */
};

/* What to send beside the request's own headers. Written on success only. */
struct sigv4_headers {
    char date[17];       /* x-amz-date: 20130524T000000Z, terminated */
    char *authorization; /* terminated; borrowed from the signer until its next call */
};

/*
 * Signs by header. The caller sends x-amz-date and Authorization from `out`, x-amz-security-token from the credentials,
 * and x-amz-content-sha256 from the request where add_content_sha256 is set.
 *
 * Refused as SIGV4_BAD_INPUT: a method that is not made of A-Z; a path or query that sigv4_encode and sigv4_build_query
 * would not have written; a header name that is no token, or that is authorization or one that the signer adds; CR, LF
 * or NUL in a value; no host; a payload hash of another form; an access key, region or service that is empty or not
 * printable; an empty secret; a time outside the years 1970 to 9999.
 */
enum sigv4_status sigv4_sign(struct sigv4_signer *signer, const struct sigv4_credentials *credentials,
        const struct sigv4_scope *scope, const struct sigv4_request *request, struct sigv4_headers *out)
        __attribute__((warn_unused_result));

/*
 * Presigns: writes the whole query string (without `?`), with X-Amz-Signature last, terminated, to `out`. `parameters`
 * are the request's own query parameters, not encoded; `request->query` must be empty and add_content_sha256 unset. The
 * payload hash is what the request says (S3: UNSIGNED-PAYLOAD). Whoever uses the URL has to send `headers` as given
 * here.
 *
 * Refused beside the above: a parameter that the signer adds, and an expiry that is 0 or beyond the seven days that S3
 * allows. On failure `out` is the empty string.
 */
enum sigv4_status sigv4_presign(struct sigv4_signer *signer, const struct sigv4_credentials *credentials,
        const struct sigv4_scope *scope, const struct sigv4_request *request, const struct sigv4_pair *parameters,
        size_t parameter_count, uint32_t expires_seconds, char *out, size_t out_size, size_t *out_len)
        __attribute__((warn_unused_result));

/*
 * Percent-encodes `in` by SigV4's rules (unreserved: A-Z a-z 0-9 - . _ ~; upper-case hex) into out, terminated; with
 * `keep_slash` a slash stays. Returns the length, or (size_t)-1 where it does not fit (3 * in_len + 1 always does).
 */
size_t sigv4_encode(char *out, size_t out_size, const char *in, size_t in_len, bool keep_slash)
        __attribute__((warn_unused_result));

/*
 * Writes the query string, terminated: names and values encoded, sorted by encoded name and then value, joined with &
 * and
 * =, a valueless parameter as `name=`. This one spelling is both sent and signed. Returns the length, or (size_t)-1
 * where it does not fit, there are more than SIGV4_MAX_PARAMETERS, or a name is empty.
 */
size_t sigv4_build_query(char *out, size_t out_size, const struct sigv4_pair *parameters, size_t count)
        __attribute__((warn_unused_result));

/* SHA-256 in lower-case hex, terminated, into out[65]. */
enum sigv4_status sigv4_hash_hex(const void *data, size_t length, char out[SIGV4_HASH_HEX + 1])
        __attribute__((warn_unused_result));

#endif
