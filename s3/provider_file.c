/* See provider_file.h. */
#include "s3/provider_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A line break would be another header of the request. */
bool provider_file_is_token(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7F)
            return false;
    return length > 0 && length <= PROVIDER_FILE_MAX;
}

enum s3_status provider_file_read(const char *path, const char *origin, const char *what, bool trim,
        struct s3_secret *secret, struct s3_error *error)
{
    char bytes[PROVIDER_FILE_MAX + 1], reason[128];
    size_t used = 0;
    ssize_t got = -1;
    enum s3_status status = S3_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    while (fd >= 0 && used < sizeof bytes && (got = read(fd, bytes + used, sizeof bytes - used)) != 0) {
        if (got > 0)
            used += (size_t)got;
        else if (errno != EINTR)
            break;
    }
    if (fd < 0 || got < 0) {
        status = s3_fail(error, S3_FATAL, "TokenFile", "%s: %s: \"%.300s\" cannot be read: %s", origin, what, path,
                strerror_r(errno, reason, sizeof reason));
    } else {
        size_t length = used;
        while (trim && length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
            length--;
        if (used > PROVIDER_FILE_MAX || !provider_file_is_token(bytes, length))
            status = s3_fail(error, S3_FATAL, "TokenFile",
                    "%s: %s: \"%.300s\" is empty, longer than %d KiB, or holds a line break", origin, what, path,
                    PROVIDER_FILE_MAX / 1024);
        else if (!s3_secret_set(secret, bytes, length))
            status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    if (fd >= 0)
        (void)close(fd);
    s3_wipe(bytes, used);
    return status;
}
