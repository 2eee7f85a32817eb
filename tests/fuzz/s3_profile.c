/* Any bytes as a file of profiles: no crash, and an error that does not show a value. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "s3/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct profiles profiles;
    struct s3_error error;
    enum s3_status status;

    if (size == 0)
        return 0;
    profile_init(&profiles);
    s3_error_clear(&error);
    status = profile_parse(&profiles, (data[0] & 1) != 0 ? PROFILE_CREDENTIALS : PROFILE_CONFIG, "FILE",
            (const char *)data + 1, size - 1, &error);
    /* what a malformed line is told begins with its place */
    if (status != S3_OK && (status != S3_FATAL || strncmp(error.message, "FILE:", 5) != 0))
        abort();
    for (const struct profile *at = profiles.first; at != NULL; at = at->next) {
        if (at->name[0] == '\0' || profile_find(&profiles, at->name) == NULL)
            abort();
        for (int key = 0; key < PROFILE_KEYS; key++) {
            const char *value = profile_value(at, (enum profile_key)key);
            if (value != NULL && (value[0] == '\0' || strpbrk(value, "\r\n") != NULL))
                abort();
        }
    }
    profile_clear(&profiles);
    return 0;
}
