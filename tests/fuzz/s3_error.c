/* Error documents under any HTTP status: always a decision, and texts that can be printed. The first two bytes: chunk
 * size and status. */
#include "s3/answer.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void require_line(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    require(length < size);
    for (size_t i = 0; i < length; i++) {
        require((unsigned char)text[i] >= 0x20 && text[i] != 0x7F);
    }
    require(s3_is_utf8(text, length));
}

static enum s3_status parse(struct s3_parser *parser, int http_status, const uint8_t *data, size_t size, size_t chunk,
        struct s3_error *error)
{
    s3_error_clear(error);
    require(s3_parser_begin(parser, S3_ANSWER_ERROR_ONLY, NULL) == S3_OK);
    for (size_t at = 0; at < size; at += chunk) {
        s3_parser_feed(parser, (const char *)data + at, size - at < chunk ? size - at : chunk);
    }
    return s3_parser_finish(parser, http_status, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 200, 204, 301, 304, 400, 403, 404, 409, 412, 429, 500, 501, 503 };
    static struct s3_parser *parser;
    if (parser == NULL) {
        parser = s3_parser_new();
        require(parser != NULL);
    }
    if (size < 2) {
        return 0;
    }
    size_t chunk = (size_t)data[0] + 1;
    int http_status = statuses[data[1] % (sizeof statuses / sizeof statuses[0])];
    struct s3_error error, whole;
    enum s3_status status = parse(parser, http_status, data + 2, size - 2, chunk, &error);
    require(parse(parser, http_status, data + 2, size - 2, size, &whole) == status);
    require(strcmp(error.code, whole.code) == 0 && strcmp(error.region, whole.region) == 0);
    require(status != S3_OK || http_status < 300);
    require(!error.in_200 || (http_status < 300 && error.code[0] != '\0'));
    require_line(error.code, sizeof error.code);
    require_line(error.message, sizeof error.message);
    require_line(error.request_id, sizeof error.request_id);
    require_line(error.region, sizeof error.region);
    return 0;
}
