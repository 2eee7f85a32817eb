/* URL decoding: never longer, never beyond its bytes; what decodes and is encoded again decodes to the same. */
#include "s3/decode.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    char *text = malloc(size + 1); /* malloc(0) may be NULL */
    char *again = malloc(size * 3 + 1);
    require(text != NULL && again != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    size_t length = s3_url_decode(text, size);
    if (length != (size_t)-1) {
        require(length <= size);
        size_t at = 0;
        for (size_t i = 0; i < length; i++) {
            unsigned char byte = (unsigned char)text[i];
            again[at++] = '%';
            again[at++] = hex[byte >> 4];
            again[at++] = hex[byte & 15];
        }
        require(s3_url_decode(again, at) == length && memcmp(again, text, length) == 0);
    } else {
        require(memchr(data, '%', size) != NULL);
    }
    int64_t number;
    uint64_t whole;
    (void)s3_parse_iso_time((const char *)data, size, &number);
    (void)s3_parse_http_time((const char *)data, size, &number);
    (void)s3_parse_number((const char *)data, size, &whole);
    (void)s3_is_utf8((const char *)data, size);
    free(text);
    free(again);
    return 0;
}
