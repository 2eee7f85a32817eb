/* See container.h. */
#include "s3/container.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3/provider.h"
#include "s3/provider_file.h"
#include "s3/provider_http.h"
#include "s3/provider_json.h"

#define RELATIVE_URI "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define ECS "http://169.254.170.2"

enum { TOTAL_MS = 2000, WAIT_MS = 1000, HOST_MAX = 256 };

static const char origin[] = "container";

struct container {
    const struct s3_clock *clock;
    char url[CONTAINER_URL_MAX];
    char *token_file;       /* NULL: none */
    struct s3_secret token; /* of the environment; empty: none */
};

static void free_container(void *ctx)
{
    struct container *container = ctx;

    free(container->token_file);
    s3_secret_clear(&container->token);
    free(container);
}

bool container_is_there(const struct s3_environment *environment)
{
    return provider_variable(environment, RELATIVE_URI) != NULL || provider_variable(environment, FULL_URI) != NULL;
}

/* Addresses are compared as numbers, and names are not resolved: a name could mean one host now and another then. curl
 * itself knows what localhost is. */
static bool host_is_near(const char *host)
{
    struct in_addr four;
    struct in6_addr six, eks;

    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &four) == 1) {
        uint32_t number = ntohl(four.s_addr);
        return number >> 24 == 127 || number == 0xA9FEAA02 || number == 0xA9FEAA17; /* 169.254.170.2 and .23 */
    }
    return inet_pton(AF_INET6, host, &six) == 1 && inet_pton(AF_INET6, "fd00:ec2::23", &eks) == 1 &&
           (IN6_IS_ADDR_LOOPBACK(&six) || memcmp(&six, &eks, sizeof six) == 0);
}

/* The host of http[s]://host[:port][/...], without brackets. Strict, so that curl cannot read another host from it. */
static bool split_host(const char *authority, char *host, size_t size)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    bool bracket = authority[0] == '[';
    const char *begin = authority + (bracket ? 1 : 0);
    size_t length = strspn(begin, bracket ? "0123456789abcdefABCDEF:." : name);
    const char *rest = begin + length;

    if (length == 0 || length >= size || (bracket && *rest++ != ']'))
        return false;
    memcpy(host, begin, length);
    host[length] = '\0';
    if (*rest == ':') {
        size_t digits = strspn(rest + 1, "0123456789");
        if (digits == 0 || digits > 5)
            return false;
        rest += 1 + digits;
    }
    return *rest == '\0' || *rest == '/' || *rest == '?';
}

static bool is_printable(const char *url)
{
    for (; *url != '\0'; url++)
        if ((unsigned char)*url <= ' ' || (unsigned char)*url > '~' || *url == '#' || *url == '\\')
            return false;
    return true;
}

bool container_url_is_allowed(const char *url)
{
    char host[HOST_MAX];

    if (!is_printable(url))
        return false;
    if (strncasecmp(url, "https://", 8) == 0)
        return split_host(url + 8, host, sizeof host);
    return strncasecmp(url, "http://", 7) == 0 && split_host(url + 7, host, sizeof host) && host_is_near(host);
}

/* "Authorization: <token>"; empty where there is no token. */
static enum s3_status make_header(const struct container *container, struct s3_secret *header, struct s3_error *error)
{
    static const char name[] = "Authorization: ";
    struct s3_secret read = { NULL, 0 };
    const struct s3_secret *token = &container->token;
    char line[sizeof name + PROVIDER_FILE_MAX];
    enum s3_status status = S3_OK;

    if (container->token_file != NULL) {
        status = provider_file_read(container->token_file, origin, TOKEN_FILE, false, &read, error);
        token = &read;
    }
    if (status == S3_OK && token->len > 0) {
        memcpy(line, name, sizeof name - 1);
        memcpy(line + sizeof name - 1, token->ptr, token->len);
        if (!s3_secret_set(header, line, sizeof name - 1 + token->len))
            status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
        s3_wipe(line, sizeof line);
    }
    s3_secret_clear(&read);
    return status;
}

static enum s3_status fetch(
        void *ctx, struct s3_conn *conn, struct s3_credentials **credentials, struct s3_error *error)
{
    const struct container *container = ctx;
    const struct provider_http http = {
        .conn = conn, .clock = container->clock, .origin = origin, .total_ms = TOTAL_MS, .wait_ms = WAIT_MS
    };
    struct s3_secret header = { NULL, 0 }, body = { NULL, 0 };
    int http_status;
    enum s3_status status = make_header(container, &header, error);

    if (status == S3_OK)
        status = provider_http_send(&http, "GET", container->url, header.ptr, &body, &http_status, error);
    if (status == S3_OK)
        status = provider_json_parse(body.ptr != NULL ? body.ptr : "", body.len, origin, credentials, error);
    s3_secret_clear(&header);
    s3_secret_clear(&body);
    return status;
}

enum s3_status container_url(
        const struct s3_environment *environment, char url[static CONTAINER_URL_MAX], struct s3_error *error)
{
    const char *relative = provider_variable(environment, RELATIVE_URI);
    const char *full = provider_variable(environment, FULL_URI);
    int length;

    if (relative == NULL && full == NULL)
        return s3_fail(
                error, S3_FATAL, "NoCredentials", "%s: neither " RELATIVE_URI " nor " FULL_URI " is set", origin);
    /* the rest of the address is as good as a key to some: it is not shown */
    if (relative != NULL && (relative[0] != '/' || !is_printable(relative)))
        return s3_fail(error, S3_FATAL, "BadAddress", "%s: " RELATIVE_URI " is no path", origin);
    if (relative == NULL && !container_url_is_allowed(full))
        return s3_fail(error, S3_FATAL, "BadAddress",
                "%s: " FULL_URI " is neither https nor http to this machine, 169.254.170.2, 169.254.170.23 or "
                "[fd00:ec2::23]",
                origin);
    length = snprintf(url, CONTAINER_URL_MAX, "%s%s", relative != NULL ? ECS : "", relative != NULL ? relative : full);
    if (length < 0 || length >= CONTAINER_URL_MAX)
        return s3_fail(error, S3_FATAL, "BadAddress", "%s: %s is longer than %d bytes", origin,
                relative != NULL ? RELATIVE_URI : FULL_URI, CONTAINER_URL_MAX - 1);
    return S3_OK;
}

static enum s3_status set_token(
        struct container *container, const struct s3_environment *environment, struct s3_error *error)
{
    const char *file = provider_variable(environment, TOKEN_FILE), *token = provider_variable(environment, TOKEN);

    if (file != NULL) {
        container->token_file = strdup(file);
        return container->token_file != NULL ? S3_OK : s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    if (token == NULL)
        return S3_OK;
    if (!provider_file_is_token(token, strlen(token)))
        return s3_fail(error, S3_FATAL, "Token", "%s: " TOKEN " holds a line break, or is longer than %d KiB", origin,
                PROVIDER_FILE_MAX / 1024);
    if (!s3_secret_set(&container->token, token, strlen(token)))
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    return S3_OK;
}

enum s3_status container_provider_new(const struct s3_environment *environment, const struct s3_clock *clock,
        struct s3_provider **provider, struct s3_error *error)
{
    struct container *container = calloc(1, sizeof *container);
    enum s3_status status;

    if (container == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    container->clock = clock;
    status = container_url(environment, container->url, error);
    if (status == S3_OK)
        status = set_token(container, environment, error);
    if (status != S3_OK) {
        free_container(container);
        return status;
    }
    return provider_new(&(struct provider_source){ .fetch = fetch, .free = free_container, .ctx = container }, clock,
            provider, error);
}
