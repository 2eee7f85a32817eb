/*
 * The inside of a connection: what one thread needs to send requests, all of it used again and again. Private to s3/;
 * operations see it only by way of call.h, the providers of credentials use its HTTP handle.
 */
#ifndef S3_CONN_H
#define S3_CONN_H

#include "sigv4/sigv4.h"
#include "s3/answer.h"
#include "s3/buffer.h"
#include "s3/client.h"
#include "s3/head.h"
#include "s3/http.h"

enum {
    CONN_SIGNERS = 8, /* clients that a worker turns to in turn: some sources, the vault, STS */
    CONN_SCRATCH =
            128 * 1024, /* header values of one request: a key of 1,024 bytes is 3 KiB, encoded; tags, metadata */
    CONN_URL = 32 * 1024,
    CONN_HEADER_LINES = 256 * 1024
};

struct s3_conn {
    struct s3_http *http;
    struct s3_parser *parser;
    const struct s3_tls *tls;
    const struct s3_clock *clock;
    struct {
        const struct s3_client *client;
        uint64_t serial; /* a client that was freed and another made at its address do not share a key */
        struct sigv4_signer *signer;
    } signers[CONN_SIGNERS];
    unsigned next_signer;
    struct s3_head head; /* for operations whose caller does not want it */
    struct s3_buffer url, lines;
    char *scratch;
    size_t scratch_used;
};

/* The signer that this connection keeps for a client. */
struct sigv4_signer *conn_signer(struct s3_conn *conn, const struct s3_client *client, uint64_t serial);

#endif
