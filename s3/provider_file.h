/*
 * A secret that lies in a file of its own: the tokens of containers and of web identities, which are exchanged on disk
 * while the program runs, and therefore read for each use. Private to s3/.
 */
#ifndef S3_PROVIDER_FILE_H
#define S3_PROVIDER_FILE_H

#include "s3/credentials.h"

enum { PROVIDER_FILE_MAX = 32 * 1024 };

/* S3_FATAL where it cannot be read, or is empty, too long, or holds a control byte; the message begins with `origin`,
 * then names `what` the file is and where it lies, and shows nothing of it. With `trim` a line end after it is cut. */
enum s3_status provider_file_read(const char *path, const char *origin, const char *what, bool trim,
        struct s3_secret *secret, struct s3_error *error) __attribute__((warn_unused_result));

/* The same rules for a token from elsewhere. */
bool provider_file_is_token(const char *bytes, size_t length);

#endif
