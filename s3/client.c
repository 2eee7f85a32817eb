/* See client.h. */
#include "s3/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/client_inside.h"

enum {
    /* Of the SDKs' 500 for one caller; sixty-four threads share this one, and a bulk job prefers to wait over giving
       up. */
    BUDGET = 20000
};

static atomic_uint_fast64_t serials;

static enum s3_status set_address(
        struct s3_client *client, const struct s3_client_options *options, struct s3_error *error)
{
    const char *service = options->service != NULL ? options->service : "s3";
    const char *region = options->region != NULL && options->region[0] != '\0' ? options->region : "us-east-1";

    if (!s3_region_is_valid(region))
        return s3_fail(error, S3_FATAL, "Region", "\"%.64s\" is no name of a region", region);
    (void)snprintf(client->service, sizeof client->service, "%s", service);
    (void)snprintf(client->region, sizeof client->region, "%s", region);
    if (options->endpoint != NULL && options->endpoint[0] != '\0')
        return s3_endpoint_parse(options->endpoint, &client->custom, error);
    return S3_OK;
}

enum s3_status s3_client_new(const struct s3_client_options *options, struct s3_client **client, struct s3_error *error)
{
    enum s3_status status;
    struct s3_client *made = calloc(1, sizeof *made);

    if (made == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    status = set_address(made, options, error);
    if (status != S3_OK) {
        free(made);
        return status;
    }
    made->serial = atomic_fetch_add(&serials, 1) + 1;
    made->path_style = options->path_style;
    made->credentials = options->credentials;
    made->limiter = options->limiter;
    made->clock = options->clock;
    made->attempts = options->attempts > 0 ? options->attempts : S3_RETRY_ATTEMPTS;
    made->trace = options->trace;
    made->trace_ctx = options->trace_ctx;
    s3_retry_budget_init(&made->budget, BUDGET);
    (void)pthread_rwlock_init(&made->lock, NULL);
    *client = made;
    return S3_OK;
}

void s3_client_free(struct s3_client *client)
{
    if (client == NULL)
        return;
    while (client->regions != NULL) {
        struct client_region *gone = client->regions;
        client->regions = gone->next;
        free(gone);
    }
    (void)pthread_rwlock_destroy(&client->lock);
    free(client);
}

int64_t s3_client_now_ms(const struct s3_client *client)
{
    return client->clock->wall_ms(client->clock->ctx) + atomic_load_explicit(&client->offset_ms, memory_order_relaxed);
}

static struct client_region *find_locked(const struct s3_client *client, const char *bucket)
{
    for (struct client_region *at = client->regions; at != NULL; at = at->next)
        if (strcmp(at->bucket, bucket) == 0)
            return at;
    return NULL;
}

void s3_client_region(struct s3_client *client, const char *bucket, char *region, size_t region_size)
{
    const struct client_region *found = NULL;

    (void)pthread_rwlock_rdlock(&client->lock);
    if (bucket != NULL && client->regions != NULL)
        found = find_locked(client, bucket);
    (void)memccpy(region, found != NULL ? found->region : client->region, '\0', region_size);
    region[region_size - 1] = '\0';
    (void)pthread_rwlock_unlock(&client->lock);
}

void s3_client_set_region(struct s3_client *client, const char *bucket, const char *region)
{
    struct client_region *entry;

    if (!s3_region_is_valid(region))
        return;
    (void)pthread_rwlock_wrlock(&client->lock);
    entry = find_locked(client, bucket);
    if (entry == NULL && strcmp(region, client->region) != 0) {
        size_t length = strlen(bucket) + 1;
        entry = malloc(sizeof *entry + length);
        if (entry != NULL) { /* without memory the next request is redirected once more */
            memcpy(entry->bucket, bucket, length);
            entry->next = client->regions;
            client->regions = entry;
        }
    }
    if (entry != NULL)
        (void)snprintf(entry->region, sizeof entry->region, "%s", region);
    (void)pthread_rwlock_unlock(&client->lock);
}
