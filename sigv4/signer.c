/*
 * The signer: holds what is reused from request to request (the hash, the signing key, the arrays), and puts the parts
 * together. One allocation when it is made, none of its own afterwards.
 */
#include "sigv4/sigv4.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "sigv4/canonical.h"
#include "sigv4/encode.h"
#include "sigv4/hash.h"
#include "sigv4/key.h"
#include "sigv4/scope.h"
#include "sigv4/writer.h"

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";

enum {
    MAX_ACCESS_KEY = 128, /* IAM's limit */
    MAX_CREDENTIAL = MAX_ACCESS_KEY + 1 + sizeof(((struct sigv4_scope_text *)0)->text),
    MAX_AUTHORIZATION = 12 * 1024, /* S3 takes 8 KiB of headers in all; their names alone are less */
    PRESIGN_PARAMETERS = 6,
    MAX_EXPIRY_SECONDS = 7 * 24 * 3600
};

struct sigv4_signer {
    struct sigv4_hash hash;
    struct sigv4_key key;
    struct sigv4_canonical canonical;
    char authorization[MAX_AUTHORIZATION];
};

struct sigv4_signer *sigv4_signer_new(void)
{
    struct sigv4_signer *signer = calloc(1, sizeof *signer);
    if (!signer)
        return NULL;
    if (!sigv4_hash_init(&signer->hash) || !sigv4_key_init(&signer->key)) {
        sigv4_signer_free(signer);
        return NULL;
    }
    return signer;
}

void sigv4_signer_free(struct sigv4_signer *signer)
{
    if (!signer)
        return;
    sigv4_hash_clear(&signer->hash);
    sigv4_key_clear(&signer->key);
    OPENSSL_cleanse(signer, sizeof *signer);
    free(signer);
}

static struct sigv4_text text_of(const char *text)
{
    return (struct sigv4_text){ text, strlen(text) };
}

/* `<access key>/<scope>`. The access key goes into a header or a URL as it is, so it must be fit for both. */
static enum sigv4_status write_credential(
        char out[MAX_CREDENTIAL], struct sigv4_text access_key, const struct sigv4_scope_text *scope)
{
    if (access_key.len == 0)
        return SIGV4_BAD_INPUT;
    if (access_key.len > MAX_ACCESS_KEY)
        return SIGV4_TOO_LONG;
    for (size_t i = 0; i < access_key.len; i++) {
        if (access_key.ptr[i] <= ' ' || access_key.ptr[i] >= 0x7f || access_key.ptr[i] == ',')
            return SIGV4_BAD_INPUT;
    }
    struct sigv4_writer writer;
    sigv4_writer_init(&writer, out, MAX_CREDENTIAL);
    sigv4_writer_add(&writer, access_key.ptr, access_key.len);
    sigv4_writer_add(&writer, "/", 1);
    sigv4_writer_add(&writer, scope->text, scope->len);
    return sigv4_writer_end(&writer) ? SIGV4_OK : SIGV4_TOO_LONG;
}

/* From the canonical request's hash to the signature: 64 digits at `hex`, not terminated. */
static enum sigv4_status sign_hash(struct sigv4_signer *signer, struct sigv4_text secret,
        const struct sigv4_scope *scope, const struct sigv4_scope_text *text, const char *request_hash, char *hex)
{
    char to_sign[sizeof ALGORITHM + sizeof text->date + sizeof text->text + SIGV4_HASH_HEX + 1];
    enum sigv4_status status = sigv4_key_use(&signer->key, secret, text->date, scope);
    if (status != SIGV4_OK)
        return status;
    struct sigv4_writer writer;
    sigv4_writer_init(&writer, to_sign, sizeof to_sign);
    sigv4_writer_text(&writer, ALGORITHM);
    sigv4_writer_add(&writer, "\n", 1);
    sigv4_writer_text(&writer, text->date);
    sigv4_writer_add(&writer, "\n", 1);
    sigv4_writer_add(&writer, text->text, text->len);
    sigv4_writer_add(&writer, "\n", 1);
    sigv4_writer_add(&writer, request_hash, SIGV4_HASH_HEX);
    bool fits = sigv4_writer_end(&writer);
    assert(fits); /* each part has its maximum */
    return sigv4_key_sign(&signer->key, to_sign, writer.used, hex);
}

static size_t list_added(struct sigv4_pair added[SIGV4_MAX_ADDED], const struct sigv4_credentials *credentials,
        const struct sigv4_request *request, const struct sigv4_scope_text *scope)
{
    size_t count = 0;
    if (request->add_content_sha256)
        added[count++] = (struct sigv4_pair){ text_of("x-amz-content-sha256"), request->payload_hash };
    added[count++] = (struct sigv4_pair){ text_of("x-amz-date"), text_of(scope->date) };
    if (credentials->token.len > 0)
        added[count++] = (struct sigv4_pair){ text_of("x-amz-security-token"), credentials->token };
    return count;
}

enum sigv4_status sigv4_sign(struct sigv4_signer *signer, const struct sigv4_credentials *credentials,
        const struct sigv4_scope *scope, const struct sigv4_request *request, struct sigv4_headers *out)
{
    struct sigv4_scope_text scope_text;
    struct sigv4_pair added[SIGV4_MAX_ADDED];
    struct sigv4_writer writer;
    char credential[MAX_CREDENTIAL], request_hash[SIGV4_HASH_HEX];
    enum sigv4_status status = sigv4_scope_write(scope, &scope_text);
    if (status == SIGV4_OK)
        status = write_credential(credential, credentials->access_key, &scope_text);
    if (status == SIGV4_OK)
        status = sigv4_canonical_collect(
                &signer->canonical, request, added, list_added(added, credentials, request, &scope_text));
    if (status != SIGV4_OK)
        return status;

    sigv4_writer_init(&writer, signer->authorization, sizeof signer->authorization);
    sigv4_writer_text(&writer, ALGORITHM);
    sigv4_writer_text(&writer, " Credential=");
    sigv4_writer_text(&writer, credential);
    sigv4_writer_text(&writer, ", SignedHeaders=");
    size_t names_at = writer.used;
    sigv4_canonical_write_names(&signer->canonical, &writer);
    struct sigv4_text names = { signer->authorization + names_at, writer.used - names_at };
    sigv4_writer_text(&writer, ", Signature=");
    char *signature = sigv4_writer_take(&writer, SIGV4_HASH_HEX);
    if (!sigv4_writer_end(&writer))
        return SIGV4_TOO_LONG;

    status = sigv4_canonical_hash(&signer->canonical, request, request->query, names, &signer->hash, request_hash);
    if (status == SIGV4_OK)
        status = sign_hash(signer, credentials->secret_key, scope, &scope_text, request_hash, signature);
    if (status != SIGV4_OK)
        return status;
    memcpy(out->date, scope_text.date, sizeof out->date);
    out->authorization = signer->authorization;
    return SIGV4_OK;
}

static bool is_ours(struct sigv4_text name)
{
    static const char *const ours[] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires",
        "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders" };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (name.len == strlen(ours[i]) && memcmp(name.ptr, ours[i], name.len) == 0)
            return true;
    }
    return false;
}

/* Copies the caller's parameters; the signer's own come behind them. */
static enum sigv4_status take_parameters(struct sigv4_pair *all, const struct sigv4_pair *parameters, size_t count)
{
    if (count > SIGV4_MAX_PARAMETERS - PRESIGN_PARAMETERS)
        return SIGV4_TOO_LONG;
    for (size_t i = 0; i < count; i++) {
        if (parameters[i].name.len == 0 || is_ours(parameters[i].name))
            return SIGV4_BAD_INPUT;
        all[i] = parameters[i];
    }
    return SIGV4_OK;
}

static struct sigv4_text write_number(char digits[10], uint32_t value)
{
    size_t at = 10;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return (struct sigv4_text){ digits + at, 10 - at };
}

static enum sigv4_status presign(struct sigv4_signer *signer, const struct sigv4_credentials *credentials,
        const struct sigv4_scope *scope, const struct sigv4_request *request, struct sigv4_pair *all, size_t count,
        uint32_t expires_seconds, struct sigv4_writer *out)
{
    struct sigv4_scope_text scope_text;
    struct sigv4_writer names;
    char credential[MAX_CREDENTIAL], request_hash[SIGV4_HASH_HEX], digits[10];
    enum sigv4_status status = sigv4_scope_write(scope, &scope_text);
    if (status == SIGV4_OK)
        status = write_credential(credential, credentials->access_key, &scope_text);
    if (status == SIGV4_OK)
        status = sigv4_canonical_collect(&signer->canonical, request, NULL, 0);
    if (status != SIGV4_OK)
        return status;

    sigv4_writer_init(&names, signer->authorization, sizeof signer->authorization);
    sigv4_canonical_write_names(&signer->canonical, &names);
    if (!sigv4_writer_end(&names))
        return SIGV4_TOO_LONG;
    struct sigv4_text signed_headers = { names.at, names.used };

    all[count++] = (struct sigv4_pair){ text_of("X-Amz-Algorithm"), text_of(ALGORITHM) };
    all[count++] = (struct sigv4_pair){ text_of("X-Amz-Credential"), text_of(credential) };
    all[count++] = (struct sigv4_pair){ text_of("X-Amz-Date"), text_of(scope_text.date) };
    all[count++] = (struct sigv4_pair){ text_of("X-Amz-Expires"), write_number(digits, expires_seconds) };
    if (credentials->token.len > 0)
        all[count++] = (struct sigv4_pair){ text_of("X-Amz-Security-Token"), credentials->token };
    all[count++] = (struct sigv4_pair){ text_of("X-Amz-SignedHeaders"), signed_headers };
    size_t length = sigv4_build_query(out->at, out->size, all, count);
    if (length == (size_t)-1)
        return SIGV4_TOO_LONG;
    out->used = length;
    sigv4_writer_text(out, "&X-Amz-Signature=");
    char *signature = sigv4_writer_take(out, SIGV4_HASH_HEX);
    if (!sigv4_writer_end(out))
        return SIGV4_TOO_LONG;

    struct sigv4_text query = { out->at, length };
    status = sigv4_canonical_hash(&signer->canonical, request, query, signed_headers, &signer->hash, request_hash);
    if (status != SIGV4_OK)
        return status;
    return sign_hash(signer, credentials->secret_key, scope, &scope_text, request_hash, signature);
}

enum sigv4_status sigv4_presign(struct sigv4_signer *signer, const struct sigv4_credentials *credentials,
        const struct sigv4_scope *scope, const struct sigv4_request *request, const struct sigv4_pair *parameters,
        size_t parameter_count, uint32_t expires_seconds, char *out, size_t out_size, size_t *out_len)
{
    struct sigv4_pair all[SIGV4_MAX_PARAMETERS];
    struct sigv4_writer writer;
    enum sigv4_status status = take_parameters(all, parameters, parameter_count);
    if (request->query.len > 0 || request->add_content_sha256 || expires_seconds == 0 ||
            expires_seconds > MAX_EXPIRY_SECONDS)
        status = SIGV4_BAD_INPUT;
    sigv4_writer_init(&writer, out, out_size);
    if (status == SIGV4_OK)
        status = presign(signer, credentials, scope, request, all, parameter_count, expires_seconds, &writer);
    if (status != SIGV4_OK) {
        if (out_size > 0)
            out[0] = '\0';
        return status;
    }
    *out_len = writer.used;
    return SIGV4_OK;
}
