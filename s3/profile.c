/* See profile.h: the files, and what they come to together. The lines are profile_parse.c. */
#include "s3/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "s3/provider.h"

void profile_init(struct profiles *profiles)
{
    memset(profiles, 0, sizeof *profiles);
}

void profile_clear(struct profiles *profiles)
{
    while (profiles->first != NULL) {
        struct profile *gone = profiles->first;

        profiles->first = gone->next;
        for (size_t file = 0; file < PROFILE_FILES; file++)
            for (size_t key = 0; key < PROFILE_KEYS; key++)
                s3_secret_clear(&gone->values[file][key]);
        free(gone);
    }
    for (size_t file = 0; file < PROFILE_FILES; file++) {
        free(profiles->paths[file]);
        profiles->paths[file] = NULL;
    }
}

/* Reads up to PROFILE_FILE_MAX bytes; false with errno set, EFBIG where there is more. */
static bool read_all(int fd, char *bytes, size_t *used)
{
    ssize_t got;

    *used = 0;
    while ((got = read(fd, bytes + *used, PROFILE_FILE_MAX + 1 - *used)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        *used += (size_t)got;
        if (*used > PROFILE_FILE_MAX) {
            errno = EFBIG;
            return false;
        }
    }
    return true;
}

static enum s3_status read_file(
        struct profiles *profiles, enum profile_file file, const char *variable, struct s3_error *error)
{
    const char *path = profiles->paths[file];
    char reason[128], *bytes;
    size_t used = 0;
    enum s3_status status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0 && variable == NULL && (errno == ENOENT || errno == ENOTDIR))
        return S3_OK;
    bytes = fd >= 0 ? malloc(PROFILE_FILE_MAX + 1) : NULL;
    if (fd >= 0 && bytes == NULL)
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    else if (fd < 0 || !read_all(fd, bytes, &used))
        status = s3_fail(error, S3_FATAL, "BadProfile", "%s%s%.300s: %s", variable != NULL ? variable : "",
                variable != NULL ? ": " : "", path,
                errno == EFBIG ? "larger than 1 MiB" : strerror_r(errno, reason, sizeof reason));
    else
        status = profile_parse(profiles, file, path, bytes, used, error);
    if (bytes != NULL)
        s3_wipe(bytes, used);
    free(bytes);
    if (fd >= 0)
        (void)close(fd);
    return status;
}

enum s3_status profile_load(struct profiles *profiles, const struct s3_environment *environment, struct s3_error *error)
{
    static const struct {
        const char *variable, *name;
    } files[PROFILE_FILES] = { [PROFILE_CONFIG] = { "AWS_CONFIG_FILE", "/.aws/config" },
        [PROFILE_CREDENTIALS] = { "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials" } };
    const char *home = provider_variable(environment, "HOME");
    enum s3_status status = S3_OK;

    for (int i = 0; i < PROFILE_FILES && status == S3_OK; i++) {
        const char *named = provider_variable(environment, files[i].variable);
        bool in_home = named == NULL || strncmp(named, "~/", 2) == 0; /* as the SDKs expand it */
        const char *tail = named == NULL ? files[i].name : in_home ? named + 1 : named;
        size_t size = strlen(in_home && home != NULL ? home : "") + strlen(tail) + 1;

        if (in_home && home == NULL)
            continue;
        profiles->paths[i] = malloc(size);
        if (profiles->paths[i] == NULL)
            return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
        (void)snprintf(profiles->paths[i], size, "%s%s", in_home ? home : "", tail);
        status = read_file(profiles, (enum profile_file)i, named != NULL ? files[i].variable : NULL, error);
    }
    return status;
}

const struct profile *profile_find(const struct profiles *profiles, const char *name)
{
    const struct profile *at = profiles->first;

    while (at != NULL && strcmp(at->name, name) != 0)
        at = at->next;
    return at;
}

const struct s3_secret *profile_secret(const struct profile *profile, enum profile_key key)
{
    const struct s3_secret *config = profile->values[PROFILE_CONFIG],
                           *credentials = profile->values[PROFILE_CREDENTIALS];
    bool is_key = key <= PROFILE_ACCOUNT;
    bool has_keys = credentials[PROFILE_ACCESS_KEY].len > 0 || credentials[PROFILE_SECRET_KEY].len > 0;
    const struct s3_secret *found = credentials[key].len > 0 || (is_key && has_keys) ? &credentials[key] : &config[key];

    return found->len > 0 ? found : NULL;
}

const char *profile_value(const struct profile *profile, enum profile_key key)
{
    const struct s3_secret *found = profile_secret(profile, key);

    return found != NULL ? found->ptr : NULL;
}

void profile_paths(const struct profiles *profiles, char *text, size_t size)
{
    const char *config = profiles->paths[PROFILE_CONFIG], *credentials = profiles->paths[PROFILE_CREDENTIALS];

    (void)snprintf(text, size, "%.150s and %.150s", config != NULL ? config : "~/.aws/config",
            credentials != NULL ? credentials : "~/.aws/credentials");
}
