/* See imds.h. */
#include "s3/imds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3/endpoint.h"
#include "s3/provider.h"
#include "s3/provider_http.h"
#include "s3/provider_json.h"

#define ENDPOINT "AWS_EC2_METADATA_SERVICE_ENDPOINT"
#define ENDPOINT_MODE "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
#define ROLES "latest/meta-data/iam/security-credentials/"

enum {
    /* The service is a link-local hop away: it answers in milliseconds, or there is none. */
    TOTAL_MS = 1000,
    WAIT_MS = 200,
    ROLE_MAX = 64,
    TOKEN_MAX = 4096
};

static const char origin[] = "instance metadata";

struct imds {
    const struct s3_clock *clock;
    char base[300]; /* http://host:port/ */
    char *absent;
    bool seen; /* it has given keys: silence is a failure now, not an absence */
};

static void free_imds(void *ctx)
{
    struct imds *imds = ctx;

    free(imds->absent);
    free(imds);
}

bool imds_is_disabled(const struct s3_environment *environment)
{
    const char *disabled = provider_variable(environment, "AWS_EC2_METADATA_DISABLED");

    return disabled != NULL && strcasecmp(disabled, "true") == 0;
}

static enum s3_status absent(const struct imds *imds, const char *why, struct s3_error *error)
{
    return s3_fail(error, S3_FATAL, "NoCredentials", "%s (%s)", imds->absent, why);
}

static bool is_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
                    (name[i] >= '0' && name[i] <= '9') || (name[i] != '\0' && strchr("_+=,.@-", name[i]) != NULL)))
            return false;
    return length > 0 && length <= ROLE_MAX;
}

/* The header line that proves that we could ask by PUT. */
static enum s3_status get_token(
        const struct imds *imds, const struct provider_http *http, struct s3_secret *header, struct s3_error *error)
{
    static const char name[] = "X-aws-ec2-metadata-token: ";
    struct s3_secret token = { NULL, 0 };
    char url[sizeof imds->base + 32], line[sizeof name + TOKEN_MAX];
    int http_status;
    enum s3_status status;

    (void)snprintf(url, sizeof url, "%slatest/api/token", imds->base);
    status = provider_http_send(
            http, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds: 21600", &token, &http_status, error);
    if ((status == S3_RETRY && http_status == 0 && !imds->seen) || http_status == 403 || http_status == 404 ||
            http_status == 405)
        return absent(imds, error->message, error);
    if (status != S3_OK)
        return status;
    if (token.len == 0 || token.len > TOKEN_MAX || strcspn(token.ptr, "\r\n") != token.len) {
        status = s3_fail(error, S3_BAD_DATA, "BadAnswer", "%s: the token is empty or malformed", origin);
    } else {
        memcpy(line, name, sizeof name - 1);
        memcpy(line + sizeof name - 1, token.ptr, token.len);
        if (!s3_secret_set(header, line, sizeof name - 1 + token.len))
            status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
        s3_wipe(line, sizeof line);
    }
    s3_secret_clear(&token);
    return status;
}

static enum s3_status get_role(const struct imds *imds, const struct provider_http *http, const char *header,
        char role[static ROLE_MAX + 1], struct s3_error *error)
{
    struct s3_secret body = { NULL, 0 };
    char url[sizeof imds->base + sizeof ROLES];
    size_t length;
    int http_status;
    enum s3_status status;

    (void)snprintf(url, sizeof url, "%s" ROLES, imds->base);
    status = provider_http_send(http, "GET", url, header, &body, &http_status, error);
    if (http_status == 404)
        return absent(imds, "the instance has no role", error);
    if (status != S3_OK)
        return status;
    length = body.ptr != NULL ? strcspn(body.ptr, "\r\n") : 0;
    if (is_name(body.ptr, length)) {
        memcpy(role, body.ptr, length);
        role[length] = '\0';
    } else {
        status = s3_fail(error, S3_BAD_DATA, "BadAnswer", "%s: the name of the instance's role is malformed", origin);
    }
    s3_secret_clear(&body);
    return status;
}

static enum s3_status fetch(
        void *ctx, struct s3_conn *conn, struct s3_credentials **credentials, struct s3_error *error)
{
    struct imds *imds = ctx;
    const struct provider_http http = {
        .conn = conn, .clock = imds->clock, .origin = origin, .total_ms = TOTAL_MS, .wait_ms = WAIT_MS
    };
    struct s3_secret header = { NULL, 0 }, body = { NULL, 0 };
    char role[ROLE_MAX + 1], url[sizeof imds->base + sizeof ROLES + ROLE_MAX];
    int http_status;
    enum s3_status status = get_token(imds, &http, &header, error);

    if (status == S3_OK)
        status = get_role(imds, &http, header.ptr, role, error);
    if (status == S3_OK) {
        (void)snprintf(url, sizeof url, "%s" ROLES "%s", imds->base, role);
        status = provider_http_send(&http, "GET", url, header.ptr, &body, &http_status, error);
    }
    if (status == S3_OK)
        status = provider_json_parse(body.ptr != NULL ? body.ptr : "", body.len, origin, credentials, error);
    s3_secret_clear(&header);
    s3_secret_clear(&body);
    imds->seen = imds->seen || status == S3_OK;
    return status;
}

static enum s3_status set_base(struct imds *imds, const struct s3_environment *environment, struct s3_error *error)
{
    const char *custom = provider_variable(environment, ENDPOINT);
    const char *mode = provider_variable(environment, ENDPOINT_MODE);
    bool six = mode != NULL && strcasecmp(mode, "IPv6") == 0;
    struct s3_endpoint endpoint;
    struct s3_error why;
    char port[16] = "";

    if (mode != NULL && !six && strcasecmp(mode, "IPv4") != 0)
        return s3_fail(error, S3_FATAL, "BadAddress", ENDPOINT_MODE " is \"%.64s\", not IPv4 or IPv6", mode);
    if (custom == NULL) {
        (void)snprintf(imds->base, sizeof imds->base, "http://%s/", six ? "[fd00:ec2::254]" : "169.254.169.254");
        return S3_OK;
    }
    if (s3_endpoint_parse(custom, &endpoint, &why) != S3_OK)
        return s3_fail(error, S3_FATAL, "BadAddress", ENDPOINT ": %s", why.message);
    if (endpoint.port != 0)
        (void)snprintf(port, sizeof port, ":%u", endpoint.port);
    (void)snprintf(imds->base, sizeof imds->base, "%s://%s%s/", endpoint.scheme, endpoint.host, port);
    return S3_OK;
}

enum s3_status imds_provider_new(const struct s3_environment *environment, const struct s3_clock *clock,
        const char *absent, struct s3_provider **provider, struct s3_error *error)
{
    struct imds *imds = calloc(1, sizeof *imds);
    enum s3_status status;

    if (imds == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    imds->clock = clock;
    imds->absent = strdup(absent);
    status = imds->absent != NULL ? set_base(imds, environment, error)
                                  : s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (status != S3_OK) {
        free_imds(imds);
        return status;
    }
    return provider_new(
            &(struct provider_source){ .fetch = fetch, .free = free_imds, .ctx = imds }, clock, provider, error);
}
