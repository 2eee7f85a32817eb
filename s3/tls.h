/*
 * The CA certificates that servers are checked against, loaded once and shared by all connections: 64 handles with
 * stores of their own cost 62 MiB and 3.3 s of CPU. Read-only after s3_tls_new, so any thread may use it. TLS 1.2 is
 * the least; checks cannot be switched off.
 */
#ifndef S3_TLS_H
#define S3_TLS_H

#include "s3/error.h"

struct s3_tls;

/* `ca_bundle`: a PEM file (AWS_CA_BUNDLE), or NULL or "" for the system's certificates. A file that is missing, empty
 * or no PEM is S3_FATAL with a line that names it. */
enum s3_status s3_tls_new(const char *ca_bundle, struct s3_tls **tls, struct s3_error *error)
        __attribute__((warn_unused_result));
void s3_tls_free(struct s3_tls *tls);
/* Makes an SSL_CTX (passed as void * to keep OpenSSL's headers out of here) use the store. False where OpenSSL refuses.
 */
bool s3_tls_use(const struct s3_tls *tls, void *ssl_ctx) __attribute__((warn_unused_result));

#endif
