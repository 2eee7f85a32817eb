/* See folder.h: the steps of a key, and what lies in its place. */
#include "agent/folder_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/verify_sum.h"

enum { READ_BYTES = 64 * 1024, FOLDER_MODE = 0777 /* less what the umask takes */ };

enum verdict folder_open(const char *path, struct folder **folder, struct failure *failure)
{
    struct folder *made = calloc(1, sizeof *made);
    char reason[128];

    if (made == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    (void)snprintf(made->path, sizeof made->path, "%s", path);
    if (mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST)
        made->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the operator's own word may be a link */
    else
        made->fd = -1;
    if (made->fd < 0) {
        failure_set(failure, VERDICT_USAGE, "folder \"%s\" cannot be made or opened: %s", path,
                strerror_r(errno, reason, sizeof reason));
        free(made);
        return failure->verdict;
    }
    *folder = made;
    return VERDICT_OK;
}

void folder_close(struct folder *folder)
{
    if (folder == NULL)
        return;
    (void)close(folder->fd);
    free(folder);
}

enum verdict folder_fail(const struct folder *folder, const struct folder_object *object, const char *what, int error,
        struct failure *failure)
{
    char key[256], reason[128];

    /* EFBIG is not among them: what one file may not grow to says nothing of the others */
    return failure_set(failure, error == ENOSPC || error == EDQUOT ? VERDICT_FULL : VERDICT_USAGE,
            "\"%s\" in folder \"%.200s\": %s%s%s", key_for_people(object->key.ptr, object->key.len, key, sizeof key),
            folder->path, what, error != 0 ? ": " : "", error != 0 ? strerror_r(error, reason, sizeof reason) : "");
}

/* What no file or folder can be called. */
static const char *wrong_name(const char *name, size_t length)
{
    if (length == 0)
        return "a part of the key is empty, which no folder can be";
    if (length == 1 && name[0] == '.')
        return "a part of the key is \".\", which would be the folder itself";
    if (length == 2 && name[0] == '.' && name[1] == '.')
        return "a part of the key is \"..\", which would leave the folder";
    if (memchr(name, '\0', length) != NULL)
        return "the key holds a NUL, which no file name can";
    return length >= FOLDER_NAME_SIZE ? "a part of the key is longer than the 255 bytes that a file name may have"
                                      : NULL;
}

/* One step down. *fd is -1 where there is no such folder and none is made. */
static enum verdict step(const struct folder *folder, const struct folder_object *object, int *fd, const char *name,
        bool make, struct failure *failure)
{
    int next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = errno;

    if (next < 0 && error == ENOENT && make) {
        if (mkdirat(*fd, name, FOLDER_MODE) != 0 && errno != EEXIST) /* another thread may be as far */
            return folder_fail(folder, object, "a folder cannot be made", errno, failure);
        next = openat(*fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        error = errno;
    }
    if (next < 0 && (error == ENOTDIR || error == ELOOP))
        return folder_fail(folder, object, "a file or a link is in the way of a folder", 0, failure);
    if (next < 0 && (error != ENOENT || make))
        return folder_fail(folder, object, "a folder in its way cannot be opened", error, failure);
    (void)close(*fd);
    *fd = next;
    return VERDICT_OK;
}

void folder_place_close(struct folder_place *place)
{
    if (place->fd >= 0)
        (void)close(place->fd);
    place->fd = -1;
}

enum verdict folder_place_of(const struct folder *folder, const struct folder_object *object, bool make,
        struct folder_place *place, struct failure *failure)
{
    const char *at = object->key.ptr, *end = at + object->key.len;
    enum verdict verdict = VERDICT_OK;

    place->is_folder = end[-1] == '/';
    place->fd = -1;
    if (place->is_folder) {
        end--; /* what comes before is its name */
        if (object->size > 0)
            return folder_fail(
                    folder, object, "the key ends in \"/\" as a folder's, but the object has bytes", 0, failure);
    }
    for (const char *check = at; check <= end;) {
        const char *slash = check < end ? memchr(check, '/', (size_t)(end - check)) : NULL;
        const char *stop = slash != NULL ? slash : end;
        const char *wrong = wrong_name(check, (size_t)(stop - check));
        if (wrong != NULL)
            return folder_fail(folder, object, wrong, 0, failure);
        check = stop + 1;
    }
    place->fd = fcntl(folder->fd, F_DUPFD_CLOEXEC, 0);
    if (place->fd < 0)
        return folder_fail(folder, object, "the folder cannot be opened again", errno, failure);
    for (;;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t length = slash != NULL ? (size_t)(slash - at) : (size_t)(end - at);
        memcpy(place->name, at, length);
        place->name[length] = '\0';
        if (slash == NULL || place->fd < 0)
            return VERDICT_OK;
        verdict = step(folder, object, &place->fd, place->name, make, failure);
        if (verdict != VERDICT_OK) {
            folder_place_close(place);
            return verdict;
        }
        at = slash + 1;
    }
}

static bool is_plain_md5(const char *etag)
{
    return strlen(etag) == 32 && strspn(etag, "0123456789abcdef") == 32;
}

/* The file's bytes against a plain ETag. */
static enum verdict compare_bytes(const struct folder *folder, const struct folder_object *object,
        const struct folder_place *place, enum folder_sight *sight, struct failure *failure)
{
    int fd = openat(place->fd, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct verify_sum *sum = verify_sum_new();
    char *bytes = malloc(READ_BYTES);
    enum verify_summed etag = VERIFY_NOT_COMPARED, checksum;
    ssize_t got = -1;

    if (fd >= 0 && sum != NULL && bytes != NULL) {
        verify_sum_begin(sum, object->etag, NULL, NULL);
        while ((got = read(fd, bytes, READ_BYTES)) > 0 || (got < 0 && errno == EINTR))
            if (got > 0)
                verify_sum_add(sum, bytes, (size_t)got);
        verify_sum_end(sum, &etag, &checksum);
    }
    free(bytes);
    verify_sum_free(sum);
    if (got < 0) {
        int error = errno;
        if (fd >= 0)
            (void)close(fd);
        return folder_fail(folder, object, "the file that is there cannot be read", error, failure);
    }
    (void)close(fd);
    /* an ETag of KMS looks like an MD5 and is none: only equality tells */
    *sight = etag == VERIFY_EQUAL ? FOLDER_EQUAL : FOLDER_DIFFERENT;
    return VERDICT_OK;
}

static enum verdict look_at(const struct folder *folder, const struct folder_object *object,
        const struct folder_place *place, enum folder_sight *sight, struct failure *failure)
{
    struct stat stat;

    *sight = FOLDER_ABSENT;
    if (place->fd < 0)
        return VERDICT_OK;
    if (fstatat(place->fd, place->name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? VERDICT_OK
                               : folder_fail(folder, object, "its place cannot be looked at", errno, failure);
    if (place->is_folder ? S_ISDIR(stat.st_mode) : false) {
        *sight = FOLDER_EQUAL;
        return VERDICT_OK;
    }
    if (!S_ISREG(stat.st_mode) || place->is_folder)
        return folder_fail(folder, object,
                S_ISDIR(stat.st_mode) ? "a folder is in its place" : "what is in its place is no file", 0, failure);
    *sight = FOLDER_DIFFERENT;
    if ((uint64_t)stat.st_size != object->size)
        return VERDICT_OK;
    *sight = FOLDER_EQUAL;
    if ((int64_t)stat.st_mtim.tv_sec * 1000 + stat.st_mtim.tv_nsec / 1000000 == object->time_ms)
        return VERDICT_OK;
    if (is_plain_md5(object->etag))
        return compare_bytes(folder, object, place, sight, failure);
    *sight = FOLDER_DOUBTFUL;
    return VERDICT_OK;
}

enum verdict folder_look(const struct folder *folder, const struct folder_object *object, enum folder_sight *sight,
        struct failure *failure)
{
    struct folder_place place;
    enum verdict verdict = folder_place_of(folder, object, false, &place, failure);

    if (verdict != VERDICT_OK)
        return verdict;
    verdict = look_at(folder, object, &place, sight, failure);
    folder_place_close(&place);
    return verdict;
}
