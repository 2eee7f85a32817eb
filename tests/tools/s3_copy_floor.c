/*
 * What a copied object costs at least: threads that sign a CopyObject and send it by libcurl, and do nothing else. No
 * retries, no listing, no manifest, answers are thrown away. For bench/measure.py, which runs it beside the program.
 *
 * s3_copy_floor URL VAULT SOURCE THREADS COPIES: copies the keys 0000000000 and up of a flat synthetic bucket, with the
 * keys of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and the CA of AWS_CA_BUNDLE. Exits 1 at the first answer that is
 * no 200.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "sigv4/sigv4.h"

enum { THREADS_MAX = 256, LINE_MAX_BYTES = 1024 };

static struct {
    const char *url, *host, *vault, *source, *access_key, *secret_key, *ca;
    long copies;
    atomic_long next;
    atomic_bool failed;
} floor_;

static struct sigv4_text text_of(const char *text)
{
    return (struct sigv4_text){ text, strlen(text) };
}

static size_t drop(char *bytes, size_t size, size_t count, void *ctx)
{
    (void)bytes, (void)ctx;
    return size * count;
}

static struct curl_slist *add(struct curl_slist *list, const char *name, const char *value)
{
    char line[LINE_MAX_BYTES];

    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    return curl_slist_append(list, line);
}

/* The headers that the program sends, signed. */
static struct curl_slist *sign(struct sigv4_signer *signer, const char *path, const char *from)
{
    static const char *const names[] = { "host", "x-amz-copy-source", "x-amz-storage-class", "x-amz-metadata-directive",
        "x-amz-tagging-directive", "x-amz-object-annotation-directive" };
    const char *values[] = { floor_.host, from, "STANDARD", "COPY", "COPY", "EXCLUDE" };
    enum { COUNT = sizeof names / sizeof names[0] };
    struct sigv4_pair pairs[COUNT];
    struct sigv4_request request = { .method = text_of("PUT"),
        .path = text_of(path),
        .headers = pairs,
        .header_count = COUNT,
        .payload_hash = text_of(SIGV4_EMPTY_PAYLOAD),
        .add_content_sha256 = true };
    struct sigv4_credentials keys = { .access_key = text_of(floor_.access_key),
        .secret_key = text_of(floor_.secret_key) };
    struct sigv4_scope scope = { .region = "us-east-1", .service = "s3", .now = time(NULL) };
    struct sigv4_headers signature;
    struct curl_slist *list = NULL;

    for (size_t i = 0; i < COUNT; i++)
        pairs[i] = (struct sigv4_pair){ text_of(names[i]), text_of(values[i]) };
    if (sigv4_sign(signer, &keys, &scope, &request, &signature) != SIGV4_OK)
        return NULL;
    for (size_t i = 1; i < COUNT; i++) /* curl sends the host */
        list = add(list, names[i], values[i]);
    list = add(list, "x-amz-date", signature.date);
    list = add(list, "x-amz-content-sha256", SIGV4_EMPTY_PAYLOAD);
    list = add(list, "authorization", signature.authorization);
    list = curl_slist_append(list, "Expect:");
    list = curl_slist_append(list, "Accept:");
    return curl_slist_append(list, "Content-Type:");
}

static bool copy(CURL *curl, struct sigv4_signer *signer, long number)
{
    char path[LINE_MAX_BYTES], from[LINE_MAX_BYTES], url[LINE_MAX_BYTES];
    struct curl_slist *headers;
    CURLcode result;
    long status = 0;

    (void)snprintf(path, sizeof path, "/%s/data/%s/%010ld", floor_.vault, floor_.source, number);
    (void)snprintf(from, sizeof from, "/%s/%010ld", floor_.source, number);
    if ((size_t)snprintf(url, sizeof url, "%s%s", floor_.url, path) >= sizeof url)
        return false;
    headers = sign(signer, path, from);
    if (headers == NULL)
        return false;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    result = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (result != CURLE_OK || status != 200)
        (void)fprintf(stderr, "%s: %s, HTTP status %ld\n", path, curl_easy_strerror(result), status);
    return result == CURLE_OK && status == 200;
}

static void *work(void *ctx)
{
    CURL *curl = curl_easy_init();
    struct sigv4_signer *signer = sigv4_signer_new();
    bool good = curl != NULL && signer != NULL;

    (void)ctx;
    if (good) {
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "PUT");
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
        if (floor_.ca != NULL)
            (void)curl_easy_setopt(curl, CURLOPT_CAINFO, floor_.ca);
    }
    while (good && !atomic_load(&floor_.failed)) {
        long number = atomic_fetch_add(&floor_.next, 1);
        if (number >= floor_.copies)
            break;
        good = copy(curl, signer, number);
    }
    if (!good)
        atomic_store(&floor_.failed, true);
    curl_easy_cleanup(curl);
    sigv4_signer_free(signer);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    long wanted = argc == 6 ? strtol(argv[4], NULL, 10) : 0, started = 0;

    floor_.access_key = getenv("AWS_ACCESS_KEY_ID");
    floor_.secret_key = getenv("AWS_SECRET_ACCESS_KEY");
    floor_.ca = getenv("AWS_CA_BUNDLE");
    if (wanted < 1 || wanted > THREADS_MAX || strstr(argv[1], "://") == NULL || floor_.access_key == NULL ||
            floor_.secret_key == NULL) {
        (void)fprintf(stderr, "s3_copy_floor URL VAULT SOURCE THREADS COPIES, with keys in the environment\n");
        return 2;
    }
    floor_.url = argv[1];
    floor_.host = strstr(argv[1], "://") + 3;
    floor_.vault = argv[2];
    floor_.source = argv[3];
    floor_.copies = strtol(argv[5], NULL, 10);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 1;
    while (started < wanted && pthread_create(&threads[started], NULL, work, NULL) == 0)
        started++;
    for (long i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    curl_global_cleanup();
    return started == wanted && !atomic_load(&floor_.failed) ? 0 : 1;
}
