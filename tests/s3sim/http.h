/* The HTTP side: libmicrohttpd's daemons, one plain and one with TLS, and the answers as they go out, broken ones too.
 */
#ifndef S3SIM_HTTP_H
#define S3SIM_HTTP_H

#include <stdint.h>

struct http;

struct http_options {
    uint16_t port; /* 0: a free one */
    unsigned threads;
    const char *certificate, *key; /* PEM text; both NULL: no TLS */
};

struct http *http_start(const struct http_options *o); /* NULL when the port cannot be had */
uint16_t http_port(const struct http *h);
void http_stop(struct http *h); /* after timer_stop */

#endif
