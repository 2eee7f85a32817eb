/* See secret.h. */
#include "s3/secret.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

bool s3_secret_set(struct s3_secret *secret, const char *bytes, size_t length)
{
    char *copy = NULL;

    if (length > 0) {
        copy = malloc(length + 1);
        if (copy != NULL) {
            memcpy(copy, bytes, length);
            copy[length] = '\0';
        }
    }
    s3_secret_clear(secret);
    if (copy == NULL)
        return length == 0;
    secret->ptr = copy;
    secret->len = length;
    return true;
}

void s3_secret_clear(struct s3_secret *secret)
{
    if (secret->ptr != NULL) {
        OPENSSL_cleanse(secret->ptr, secret->len);
        free(secret->ptr);
    }
    secret->ptr = NULL;
    secret->len = 0;
}

void s3_wipe(void *memory, size_t length)
{
    OPENSSL_cleanse(memory, length);
}
