/* See tls.h. */
#include "s3/tls.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct s3_tls {
    X509_STORE *store;
};

static enum s3_status load(X509_STORE *store, const char *ca_bundle, struct s3_error *error)
{
    if (ca_bundle == NULL) {
        if (X509_STORE_set_default_paths(store) != 1)
            return s3_fail(error, S3_FATAL, "CAFile", "the system's CA certificates cannot be loaded");
        return S3_OK;
    }
    if (X509_STORE_load_file(store, ca_bundle) != 1)
        return s3_fail(error, S3_FATAL, "CAFile", "CA file \"%s\" cannot be read, or holds no certificate in PEM form",
                ca_bundle);
    return S3_OK;
}

enum s3_status s3_tls_new(const char *ca_bundle, struct s3_tls **tls, struct s3_error *error)
{
    enum s3_status status;
    struct s3_tls *made = calloc(1, sizeof *made);

    if (ca_bundle != NULL && ca_bundle[0] == '\0')
        ca_bundle = NULL;
    if (made != NULL)
        made->store = X509_STORE_new();
    if (made == NULL || made->store == NULL)
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    else
        status = load(made->store, ca_bundle, error);
    ERR_clear_error();
    if (status != S3_OK) {
        s3_tls_free(made);
        return status;
    }
    *tls = made;
    return S3_OK;
}

void s3_tls_free(struct s3_tls *tls)
{
    if (tls == NULL)
        return;
    X509_STORE_free(tls->store);
    free(tls);
}

bool s3_tls_use(const struct s3_tls *tls, void *ssl_ctx)
{
    SSL_CTX *ctx = ssl_ctx;

    if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
        return false;
    SSL_CTX_set1_cert_store(ctx, tls->store);
    return true;
}
