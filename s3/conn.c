/* See conn.h. */
#include "s3/conn.h"

#include <stdlib.h>

enum s3_status s3_conn_new(
        const struct s3_tls *tls, const struct s3_clock *clock, struct s3_conn **conn, struct s3_error *error)
{
    enum s3_status status;
    struct s3_conn *made = calloc(1, sizeof *made);

    if (made == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    made->tls = tls;
    made->clock = clock;
    s3_head_init(&made->head);
    s3_buffer_init(&made->url, CONN_URL);
    s3_buffer_init(&made->lines, CONN_HEADER_LINES);
    made->scratch = malloc(CONN_SCRATCH);
    made->parser = s3_parser_new();
    status = s3_http_new(tls, clock, &made->http, error);
    if (status == S3_OK && (made->scratch == NULL || made->parser == NULL))
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (status != S3_OK) {
        s3_conn_free(made);
        return status;
    }
    *conn = made;
    return S3_OK;
}

enum s3_status s3_conn_beside(const struct s3_conn *conn, struct s3_conn **other, struct s3_error *error)
{
    return s3_conn_new(conn->tls, conn->clock, other, error);
}

void s3_conn_free(struct s3_conn *conn)
{
    if (conn == NULL)
        return;
    s3_http_free(conn->http);
    s3_parser_free(conn->parser);
    for (size_t i = 0; i < CONN_SIGNERS; i++)
        sigv4_signer_free(conn->signers[i].signer);
    s3_head_free(&conn->head);
    s3_buffer_free(&conn->url);
    s3_buffer_free(&conn->lines);
    free(conn->scratch);
    free(conn);
}

uint64_t s3_conn_opened(const struct s3_conn *conn)
{
    return s3_http_connections(conn->http);
}

struct sigv4_signer *conn_signer(struct s3_conn *conn, const struct s3_client *client, uint64_t serial)
{
    struct sigv4_signer *signer;
    unsigned slot;

    for (size_t i = 0; i < CONN_SIGNERS; i++)
        if (conn->signers[i].client == client && conn->signers[i].serial == serial)
            return conn->signers[i].signer;
    signer = sigv4_signer_new();
    if (signer == NULL)
        return NULL;
    slot = conn->next_signer++ % CONN_SIGNERS;
    sigv4_signer_free(conn->signers[slot].signer);
    conn->signers[slot].client = client;
    conn->signers[slot].serial = serial;
    conn->signers[slot].signer = signer;
    return signer;
}
