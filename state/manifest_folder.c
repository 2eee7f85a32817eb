/* See manifest_folder.h. */
#include "state/manifest_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Where mmap, flock or both mean less than on a local disk; EFS is NFS. Numbers as in linux/magic.h and statfs(2). */
static const struct {
    uint64_t magic;
    const char *name;
} unfit[] = {
    { 0x6969, "NFS or EFS" },
    { 0x517b, "SMB" },
    { 0xff534d42, "CIFS" },
    { 0xfe534d42, "SMB2" },
    { 0x5346414f, "AFS" },
    { 0x00c36400, "Ceph" },
    { 0x0bd00bd3, "Lustre" },
};

/* A place that is none is refused: whoever named it has to name another. */
static enum state_status status_of(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STATE_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
        return STATE_REFUSED;
    default:
        return STATE_IO;
    }
}

static enum state_status system_fail(struct state_error *error, const char *doing, const char *path)
{
    int code = errno;
    char reason[128];
    return state_fail(
            error, status_of(code), code, "%s %s failed: %s", doing, path, strerror_r(code, reason, sizeof reason));
}

enum state_status manifest_make_folder(const char *path, struct state_error *error)
{
    char part[FOLDER_PATH_MAX];
    size_t length = strlen(path), end = length;
    if (length == 0 || length >= sizeof part)
        return state_fail(error, STATE_REFUSED, 0, "the path of the state folder is empty or too long");
    memcpy(part, path, length + 1);
    while (mkdir(part, 0700) != 0 && errno != EEXIST) { /* up to what is there */
        if (errno != ENOENT)
            return system_fail(error, "making the folder", part);
        while (end > 0 && part[end - 1] != '/')
            end--;
        while (end > 0 && part[end - 1] == '/')
            end--;
        if (end == 0)
            return system_fail(error, "making the folder", path);
        part[end] = '\0';
    }
    while (end < length) {
        part[end] = '/';
        end += strlen(part + end);
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return system_fail(error, "making the folder", part);
    }
    return STATE_OK;
}

static enum state_status check_place(const struct manifest_options *options, int fd, struct state_error *error)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return system_fail(error, "asking for the file system of", options->folder);
    /* f_type is signed: CIFS' number must not be extended by its sign */
    uint64_t magic = options->file_system != 0 ? options->file_system : (uint64_t)fs.f_type & 0xffffffff;
    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++)
        if (magic == unfit[i].magic)
            return state_fail(error, STATE_REFUSED, 0,
                    "%s lies on %s: the manifest is a memory-mapped file and needs a local disk (--state-dir)",
                    options->folder, unfit[i].name);
    struct stat st;
    if (fstat(fd, &st) != 0)
        return system_fail(error, "asking for the mode of", options->folder);
    if ((st.st_mode & 077) != 0 && fchmod(fd, 0700) != 0)
        return system_fail(error, "closing others out of", options->folder);
    return STATE_OK;
}

static enum state_status take_lock(struct manifest_folder *folder, struct state_error *error)
{
    folder->lock = openat(folder->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (folder->lock < 0)
        return system_fail(error, "opening the lock in", folder->path);
    /* the checking child of a process that was killed just now holds it for a moment longer */
    const struct timespec moment = { 0, 10 * 1000 * 1000 };
    for (unsigned attempt = 0; attempt < 8; attempt++) {
        if (flock(folder->lock, LOCK_EX | LOCK_NB) == 0)
            return STATE_OK;
        if (errno != EWOULDBLOCK)
            break;
        (void)nanosleep(&moment, NULL);
        errno = EWOULDBLOCK;
    }
    if (errno == EWOULDBLOCK)
        return state_fail(error, STATE_BUSY, 0, "another process is at work in %s", folder->path);
    return system_fail(error, "locking", folder->path);
}

static void read_line(int at, const char *path, char out[FOLDER_BOOT_ID_SIZE])
{
    out[0] = '\0';
    int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, out, FOLDER_BOOT_ID_SIZE - 1);
    (void)close(fd);
    out[got > 0 ? got : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

enum state_status manifest_folder_open(
        const struct manifest_options *options, struct manifest_folder *folder, struct state_error *error)
{
    folder->fd = -1;
    folder->lock = -1;
    size_t len = strlen(options->folder);
    if (len == 0 || len + sizeof FOLDER_FILE_LOCK + 8 > sizeof folder->path)
        return state_fail(error, STATE_REFUSED, 0, "the path of the state folder is empty or too long");
    memcpy(folder->path, options->folder, len + 1);
    enum state_status status = manifest_make_folder(folder->path, error);
    if (status != STATE_OK)
        return status;
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return errno == ENOTDIR ? state_fail(error, STATE_REFUSED, ENOTDIR, "%s is not a folder", folder->path)
                                : system_fail(error, "opening", folder->path);
    status = check_place(options, folder->fd, error);
    if (status == STATE_OK)
        status = take_lock(folder, error);
    if (status != STATE_OK) {
        manifest_folder_close(folder);
        return status;
    }
    read_line(AT_FDCWD, options->boot_id_path != NULL ? options->boot_id_path : "/proc/sys/kernel/random/boot_id",
            folder->boot_id);
    return STATE_OK;
}

void manifest_folder_close(struct manifest_folder *folder)
{
    if (folder->lock >= 0)
        (void)close(folder->lock); /* and with it the lock */
    if (folder->fd >= 0)
        (void)close(folder->fd);
    folder->lock = -1;
    folder->fd = -1;
}

enum state_status folder_dirt(const struct manifest_folder *folder, enum folder_dirt *dirt, struct state_error *error)
{
    if (faccessat(folder->fd, FOLDER_FILE_DIRTY, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT)
            return system_fail(error, "looking for the dirty file in", folder->path);
        *dirt = FOLDER_CLEAN;
        return STATE_OK;
    }
    char left[FOLDER_BOOT_ID_SIZE];
    read_line(folder->fd, FOLDER_FILE_DIRTY, left);
    *dirt = left[0] != '\0' && strcmp(left, folder->boot_id) == 0 ? FOLDER_SAME_BOOT : FOLDER_OTHER_BOOT;
    return STATE_OK;
}

enum state_status folder_mark_dirty(const struct manifest_folder *folder, struct state_error *error)
{
    /* made under another name: a dirty file without its boot id would cost a rebuild */
    int fd = openat(folder->fd, FOLDER_FILE_DIRTY ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return system_fail(error, "writing the dirty file in", folder->path);
    size_t len = strlen(folder->boot_id);
    bool done = write(fd, folder->boot_id, len) == (ssize_t)len && fsync(fd) == 0;
    if (!done) {
        enum state_status status = system_fail(error, "writing the dirty file in", folder->path);
        (void)close(fd);
        return status;
    }
    (void)close(fd);
    return folder_rename(folder, FOLDER_FILE_DIRTY ".new", FOLDER_FILE_DIRTY, error);
}

enum state_status folder_mark_clean(const struct manifest_folder *folder, struct state_error *error)
{
    enum state_status status = folder_remove(folder, FOLDER_FILE_DIRTY, error);
    if (status == STATE_OK && fsync(folder->fd) != 0)
        return system_fail(error, "syncing", folder->path);
    return status;
}

enum state_status folder_file(
        const struct manifest_folder *folder, const char *name, char out[FOLDER_PATH_MAX], struct state_error *error)
{
    int len = snprintf(out, FOLDER_PATH_MAX, "%s/%s", folder->path, name);
    if (len < 0 || len >= FOLDER_PATH_MAX)
        return state_fail(error, STATE_REFUSED, 0, "the path of the state folder is too long");
    return STATE_OK;
}

enum state_status folder_size(
        const struct manifest_folder *folder, const char *name, uint64_t *bytes, struct state_error *error)
{
    struct stat st;
    if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? STATE_NOT_FOUND : system_fail(error, "asking for a file's size in", folder->path);
    *bytes = (uint64_t)st.st_size;
    return STATE_OK;
}

enum state_status folder_remove(const struct manifest_folder *folder, const char *name, struct state_error *error)
{
    if (unlinkat(folder->fd, name, 0) != 0 && errno != ENOENT)
        return system_fail(error, "removing a file in", folder->path);
    return STATE_OK;
}

enum state_status folder_rename(
        const struct manifest_folder *folder, const char *from, const char *to, struct state_error *error)
{
    if (renameat(folder->fd, from, folder->fd, to) != 0 || fsync(folder->fd) != 0)
        return system_fail(error, "renaming a file in", folder->path);
    return STATE_OK;
}

enum state_status folder_free_space(const struct manifest_folder *folder, uint64_t *bytes, struct state_error *error)
{
    struct statvfs fs;
    if (fstatvfs(folder->fd, &fs) != 0)
        return system_fail(error, "asking for the free space of", folder->path);
    *bytes = (uint64_t)fs.f_bavail * (uint64_t)fs.f_frsize;
    return STATE_OK;
}

bool folder_can_grow(const struct manifest_folder *folder, uint64_t size)
{
    static const char some[64 * 1024];
    int fd = openat(folder->fd, "probe", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool grew = pwrite(fd, some, sizeof some, (off_t)size) == (ssize_t)sizeof some;
    (void)close(fd);
    (void)unlinkat(folder->fd, "probe", 0);
    return grew;
}
