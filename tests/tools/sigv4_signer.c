/*
 * Signs requests that come as JSON lines on stdin and prints the results as JSON lines, so that the Python tests can
 * hold the signer against another one. One signer serves all lines, as a worker's does.
 *
 * In:  {"presign": 0 or seconds, "method", "key", "parameters": [[name, value]], "headers": [[name, value]],
 * "payload_hash", "content_sha256": bool, "access_key", "secret_key", "token", "region", "service", "now"} Out:
 * {"path", "query", "authorization", "date"}, of a presigned one {"path", "query"}, or {"status": n} where refused.
 */
#include "sigv4/sigv4.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

enum { MAX_LINE = 1 << 20, MAX_TEXT = 1 << 16 };

static struct sigv4_text text_of(const json_t *string)
{
    return (struct sigv4_text){ json_string_value(string), json_string_length(string) };
}

static struct sigv4_text field(const json_t *line, const char *name)
{
    return text_of(json_object_get(line, name));
}

static size_t read_pairs(const json_t *list, struct sigv4_pair *out, size_t room)
{
    size_t count = json_array_size(list) < room ? json_array_size(list) : room;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(list, i);
        out[i] = (struct sigv4_pair){ text_of(json_array_get(pair, 0)), text_of(json_array_get(pair, 1)) };
    }
    return count;
}

static json_t *answer(struct sigv4_signer *signer, const json_t *line)
{
    static char path[MAX_TEXT], query[MAX_TEXT];
    static struct sigv4_pair headers[SIGV4_MAX_HEADERS], parameters[SIGV4_MAX_PARAMETERS];
    struct sigv4_credentials credentials = { field(line, "access_key"), field(line, "secret_key"),
        field(line, "token") };
    struct sigv4_scope scope = { json_string_value(json_object_get(line, "region")),
        json_string_value(json_object_get(line, "service")), json_integer_value(json_object_get(line, "now")) };
    size_t header_count = read_pairs(json_object_get(line, "headers"), headers, SIGV4_MAX_HEADERS);
    size_t parameter_count = read_pairs(json_object_get(line, "parameters"), parameters, SIGV4_MAX_PARAMETERS);
    struct sigv4_text key = field(line, "key");
    uint32_t expires = (uint32_t)json_integer_value(json_object_get(line, "presign"));

    path[0] = '/';
    size_t path_len = sigv4_encode(path + 1, sizeof path - 1, key.ptr, key.len, true);
    size_t query_len = sigv4_build_query(query, sizeof query, parameters, parameter_count);
    if (path_len == (size_t)-1 || query_len == (size_t)-1)
        return json_pack("{s:i}", "status", SIGV4_TOO_LONG);
    struct sigv4_request request = {
        .method = field(line, "method"),
        .path = { path, path_len + 1 },
        .query = { query, expires ? 0 : query_len },
        .headers = headers,
        .header_count = header_count,
        .payload_hash = field(line, "payload_hash"),
        .add_content_sha256 = json_is_true(json_object_get(line, "content_sha256")),
    };
    if (expires) {
        enum sigv4_status status = sigv4_presign(signer, &credentials, &scope, &request, parameters, parameter_count,
                expires, query, sizeof query, &query_len);
        return status == SIGV4_OK ? json_pack("{s:s, s:s}", "path", path, "query", query)
                                  : json_pack("{s:i}", "status", status);
    }
    struct sigv4_headers out;
    enum sigv4_status status = sigv4_sign(signer, &credentials, &scope, &request, &out);
    if (status != SIGV4_OK)
        return json_pack("{s:i}", "status", status);
    return json_pack(
            "{s:s, s:s, s:s, s:s}", "path", path, "query", query, "authorization", out.authorization, "date", out.date);
}

int main(void)
{
    static char line[MAX_LINE];
    struct sigv4_signer *signer = sigv4_signer_new();
    if (!signer)
        return EXIT_FAILURE;
    while (fgets(line, sizeof line, stdin)) {
        json_error_t error;
        json_t *request = json_loads(line, JSON_ALLOW_NUL, &error);
        if (!request) {
            fprintf(stderr, "sigv4_signer: %s\n", error.text);
            sigv4_signer_free(signer);
            return EXIT_FAILURE;
        }
        json_t *result = answer(signer, request);
        int written = json_dumpf(result, stdout, JSON_COMPACT);
        json_decref(result);
        json_decref(request);
        if (written != 0 || putchar('\n') == EOF)
            break;
    }
    sigv4_signer_free(signer);
    return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
