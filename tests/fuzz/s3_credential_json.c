/* Any bytes as the JSON that container or instance answer: keys that are sound, or a refusal. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "s3/provider_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3_credentials *credentials = NULL;
    struct s3_error error;
    enum s3_status status = provider_json_parse((const char *)data, size, "origin", &credentials, &error);

    if (status != S3_OK) {
        if (status != S3_BAD_DATA || strncmp(error.message, "origin: ", 8) != 0)
            abort();
        return 0;
    }
    if (credentials->access_key.len == 0 || credentials->secret_key.len == 0 || credentials->expires < 0 ||
            memchr(credentials->token.len > 0 ? credentials->token.ptr : "", '\n', credentials->token.len) != NULL)
        abort();
    s3_credentials_release(credentials);
    return 0;
}
