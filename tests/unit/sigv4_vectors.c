/*
 * The public SigV4 test suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4): 38 cases, each signed by header
 * and by query. It is read from the folder that SIGV4_VECTORS or the first argument names; the project does not carry
 * it. Where it is absent this test is skipped and says so, and unit_sigv4_cases holds the signer alone.
 *
 * S3 encodes a key once and never normalises a path. So 32 cases must be equal to the byte, and the six whose path
 * would have to be normalised must not be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4/sigv4.h"

enum { CASES = 38, MAX_HEADERS = 8, MAX_PARAMETERS = 4, MAX_FILE = 8192, MAX_VALUE = 256 };

static const char *const must_differ[] = { "get-relative-normalized", "get-relative-relative-normalized",
    "get-slash-normalized", "get-slash-dot-slash-normalized", "get-slash-pointless-dot-normalized",
    "get-slashes-normalized" };

static const char *folder;

/* One case as read from its files. */
struct vector {
    char request_file[MAX_FILE], context[MAX_FILE], header_file[MAX_FILE], signature[MAX_FILE],
            query_canonical[MAX_FILE];
    char path[MAX_VALUE], query[MAX_VALUE], token[1024], payload_hash[SIGV4_HASH_HEX + 1];
    char values[MAX_HEADERS][MAX_VALUE], names[MAX_PARAMETERS][MAX_VALUE];
    struct sigv4_pair headers[MAX_HEADERS], parameters[MAX_PARAMETERS];
    size_t header_count, parameter_count;
    struct sigv4_request request;
};

static struct sigv4_text text_of(const char *text)
{
    return (struct sigv4_text){ text, strlen(text) };
}

static void read_file(char out[MAX_FILE], const char *name, const char *file)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", folder, name, file);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t length = fread(out, 1, MAX_FILE - 1, in);
    assert_true(feof(in));
    fclose(in);
    out[length] = '\0';
}

/* The string behind `"name": "` in the context, whose few fields are written in one way in all cases. */
static void read_context(const char *context, const char *name, char *out, size_t room)
{
    char field[64];
    snprintf(field, sizeof field, "\"%s\": \"", name);
    const char *start = strstr(context, field);
    out[0] = '\0';
    if (!start)
        return;
    start += strlen(field);
    size_t length = strcspn(start, "\"");
    assert_true(length < room);
    memcpy(out, start, length);
    out[length] = '\0';
}

/* Undoes %XX, since two cases give their query half encoded. */
static void decode(char *text)
{
    char *out = text;
    for (; *text; text++) {
        unsigned byte;
        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
            *out++ = (char)byte;
            text += 2;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static void read_parameters(struct vector *vector, char *query)
{
    while (query && *query) {
        char *next = strchr(query, '&');
        if (next)
            *next++ = '\0';
        assert_true(vector->parameter_count < MAX_PARAMETERS && strlen(query) < MAX_VALUE);
        size_t at = vector->parameter_count++;
        char *name = vector->names[at], *value;
        memcpy(name, query, strlen(query) + 1);
        value = strchr(name, '=');
        assert_non_null(value);
        *value++ = '\0';
        decode(name);
        decode(value);
        vector->parameters[at] = (struct sigv4_pair){ text_of(name), text_of(value) };
        query = next;
    }
}

/* A line that begins with a blank goes on with the value of the line before: it counts as a space. */
static void read_header(struct vector *vector, char *line)
{
    if (line[0] == ' ') {
        char *value = vector->values[vector->header_count - 1];
        size_t length = strlen(value);
        snprintf(value + length, MAX_VALUE - length, " %s", line);
        vector->headers[vector->header_count - 1].value = text_of(value);
        return;
    }
    char *value = strchr(line, ':');
    assert_true(value && vector->header_count < MAX_HEADERS);
    *value++ = '\0';
    size_t at = vector->header_count++;
    snprintf(vector->values[at], MAX_VALUE, "%s", value);
    vector->headers[at] = (struct sigv4_pair){ text_of(line), text_of(vector->values[at]) };
}

static void read_request(struct vector *vector)
{
    char *line = vector->request_file;
    char *body = strstr(line, "\n\n");
    if (body) {
        *body = '\0';
        body += 2;
    }
    char *headers = strchr(line, '\n');
    char *target = strchr(line, ' ');
    assert_true(headers && target);
    *headers++ = '\0';
    *target++ = '\0';
    char *end = strrchr(target, ' '); /* a path may hold spaces */
    assert_true(end && strcmp(end, " HTTP/1.1") == 0);
    *end = '\0';
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    assert_true(sigv4_encode(vector->path, sizeof vector->path, target, strlen(target), true) != (size_t)-1);
    read_parameters(vector, query);
    assert_true(sigv4_build_query(vector->query, sizeof vector->query, vector->parameters, vector->parameter_count) !=
                (size_t)-1);
    while (headers && *headers) {
        char *next = strchr(headers, '\n');
        if (next)
            *next++ = '\0';
        read_header(vector, headers);
        headers = next;
    }
    const char *hashed = body ? body : "";
    assert_int_equal(sigv4_hash_hex(hashed, strlen(hashed), vector->payload_hash), SIGV4_OK);
    vector->request = (struct sigv4_request){ text_of(line), text_of(vector->path), text_of(vector->query),
        vector->headers, vector->header_count, text_of(vector->payload_hash),
        strstr(vector->context, "\"sign_body\": true") != NULL };
}

/* Reads the case and signs it by header and by query. Returns whether both are as the suite has them, to the byte. */
static bool is_equal(struct sigv4_signer *signer, struct vector *vector, const char *name)
{
    const struct sigv4_scope scope = { "us-east-1", "service", 1440938160 };
    *vector = (struct vector){ .header_count = 0 };
    read_file(vector->request_file, name, "request.txt");
    read_file(vector->context, name, "context.json");
    read_file(vector->header_file, name, "header-signed-request.txt");
    read_file(vector->query_canonical, name, "query-canonical-request.txt");
    read_file(vector->signature, name, "query-signature.txt");
    read_request(vector);
    read_context(vector->context, "token", vector->token, sizeof vector->token);
    struct sigv4_credentials credentials = { text_of("AKIDEXAMPLE"),
        text_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), text_of(vector->token) };
    if (strstr(vector->context, "\"omit_session_token\": true"))
        credentials.token.len = 0; /* it is sent, but added after the signature */

    struct sigv4_headers out;
    char line[MAX_FILE], url[4096];
    assert_int_equal(sigv4_sign(signer, &credentials, &scope, &vector->request, &out), SIGV4_OK);
    assert_string_equal(out.date, "20150830T123600Z");
    snprintf(line, sizeof line, "\nAuthorization:%s\n", out.authorization);
    bool by_header = strstr(vector->header_file, line) != NULL;

    size_t length;
    vector->request.query.len = 0;
    vector->request.add_content_sha256 = false;
    assert_int_equal(sigv4_presign(signer, &credentials, &scope, &vector->request, vector->parameters,
                             vector->parameter_count, 3600, url, sizeof url, &length),
            SIGV4_OK);
    char *signature = strstr(url, "&X-Amz-Signature=");
    assert_non_null(signature);
    *signature = '\0';
    snprintf(line, sizeof line, "\n%s\n", url);
    bool query = strstr(vector->query_canonical, line) != NULL;
    assert_true(query); /* the six differ in their paths only */
    bool by_query = strcmp(signature + strlen("&X-Amz-Signature="), vector->signature) == 0;
    assert_true(by_header == by_query);
    return by_header;
}

static bool is_listed(const char *name)
{
    for (size_t i = 0; i < sizeof must_differ / sizeof *must_differ; i++) {
        if (strcmp(name, must_differ[i]) == 0)
            return true;
    }
    return false;
}

static void the_suite_matches_but_for_six_normalised_paths(void **state)
{
    static struct vector vector;
    (void)state;
    DIR *cases = folder ? opendir(folder) : NULL;
    if (!cases) {
        print_message("skipped: SIGV4_VECTORS names no folder with the public SigV4 test suite; "
                      "the project's own table of cases is unit_sigv4_cases\n");
        skip();
    }
    struct sigv4_signer *signer = sigv4_signer_new();
    assert_non_null(signer);
    unsigned equal = 0, different = 0;
    for (const struct dirent *entry; (entry = readdir(cases));) {
        if (entry->d_name[0] == '.')
            continue;
        bool same = is_equal(signer, &vector, entry->d_name);
        if (same == is_listed(entry->d_name))
            fail_msg("%s: %s", entry->d_name, same ? "is equal, but its path is normalised" : "differs");
        equal += same;
        different += !same;
    }
    closedir(cases);
    sigv4_signer_free(signer);
    print_message("%u cases equal, %u differ as they must\n", equal, different);
    assert_int_equal(different, sizeof must_differ / sizeof *must_differ);
    assert_int_equal(equal + different, CASES);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_suite_matches_but_for_six_normalised_paths) };
    static char below[4096];
    folder = argc > 1 ? argv[1] : getenv("SIGV4_VECTORS");
    if (folder) {
        /* the suite's own folder or, as it is often kept, the one above */
        snprintf(below, sizeof below, "%s/v4", folder);
        DIR *inner = opendir(below);
        if (inner) {
            closedir(inner);
            folder = below;
        }
    }
    return cmocka_run_group_tests_name("sigv4_vectors", tests, NULL, NULL);
}
