/* See view_folder.h. */
#include "agent/view_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/clock.h"

enum { NAME_SIZE = 17, READERS = 4 };

static enum verdict refuse(struct failure *failure, const char *doing, const char *path)
{
    int code = errno;
    char reason[128];

    if (code == EINTR)
        return failure_set(failure, VERDICT_CANCELLED, "stopped while %s %.300s", doing, path);
    return failure_set(failure, code == ENOSPC || code == EDQUOT ? VERDICT_FULL : VERDICT_USAGE,
            "%s %.300s failed (%s): name another folder by --state-dir", doing, path,
            strerror_r(code, reason, sizeof reason));
}

static DIR *open_listing(int views, const char *name)
{
    int fd = openat(views, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;

    if (listing == NULL && fd >= 0)
        (void)close(fd);
    return listing;
}

/* All files of a folder of ours, and the folder: there are none below it. */
static void remove_folder(int views, const char *name)
{
    DIR *listing = open_listing(views, name);
    const struct dirent *entry;

    if (listing == NULL)
        return;
    while ((entry = readdir(listing)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(listing), entry->d_name, 0);
    (void)closedir(listing);
    (void)unlinkat(views, name, AT_REMOVEDIR);
}

/* Whether the process that made it lives: it holds the manifest's lock, which it took while it held ours. */
static bool is_alive(int views, const char *name)
{
    char path[NAME_SIZE + sizeof "/lock"];
    int fd;
    bool alive;

    (void)snprintf(path, sizeof path, "%s/lock", name);
    fd = openat(views, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    alive = flock(fd, LOCK_EX | LOCK_NB) != 0;
    (void)close(fd);
    return alive;
}

static bool is_name(const char *name)
{
    return strlen(name) == NAME_SIZE - 1 && strspn(name, "0123456789abcdef") == NAME_SIZE - 1;
}

static void sweep(int views)
{
    DIR *listing = open_listing(views, ".");
    const struct dirent *entry;

    if (listing == NULL)
        return;
    while ((entry = readdir(listing)) != NULL)
        if (is_name(entry->d_name) && !is_alive(views, entry->d_name))
            remove_folder(views, entry->d_name);
    (void)closedir(listing);
}

static enum verdict open_manifest(struct view_folder *folder, struct failure *failure)
{
    const struct manifest_options options = { .folder = folder->path, .workers = READERS };
    struct state_error error;
    enum state_status status = manifest_open(&options, &folder->manifest, NULL, &error);

    return status == STATE_OK ? VERDICT_OK
                              : failure_from_state(failure, status, &error, "making an index under the state folder");
}

/* With the lock on the folder of all views, so that nobody takes a folder that is being made for one that was left. */
static enum verdict make_folder(int views, const char *parent, struct view_folder *folder, struct failure *failure)
{
    char name[NAME_SIZE];
    unsigned char chance[(NAME_SIZE - 1) / 2];

    if (!clock_random_bytes(chance, sizeof chance))
        return failure_set(failure, VERDICT_INTERNAL, "the system gives no random bytes");
    for (size_t i = 0; i < sizeof chance; i++)
        (void)snprintf(name + 2 * i, 3, "%02x", chance[i]);
    (void)snprintf(folder->path, sizeof folder->path, "%s/%s", parent, name);
    if (mkdirat(views, name, 0700) != 0) {
        enum verdict verdict = refuse(failure, "making the folder", folder->path);
        folder->path[0] = '\0';
        return verdict;
    }
    return open_manifest(folder, failure);
}

enum verdict view_folder_open(const struct program *program, struct view_folder *folder, struct failure *failure)
{
    char parent[sizeof program->state_dir + sizeof "/.views"];
    struct state_error error;
    enum verdict verdict;
    int views;

    memset(folder, 0, sizeof *folder);
    (void)snprintf(parent, sizeof parent, "%s/.views", program->state_dir);
    if (manifest_make_folder(parent, &error) != STATE_OK) {
        errno = error.os_errno;
        return refuse(failure, "making the folder", parent);
    }
    views = open(parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (views < 0 || flock(views, LOCK_EX) != 0) {
        verdict = refuse(failure, "locking the folder", parent);
    } else {
        sweep(views);
        verdict = make_folder(views, parent, folder, failure);
    }
    if (views >= 0)
        (void)close(views);
    if (verdict != VERDICT_OK)
        view_folder_close(folder);
    return verdict;
}

void view_folder_close(struct view_folder *folder)
{
    struct state_error error;

    if (folder->manifest != NULL && manifest_close(folder->manifest, false, &error) != STATE_OK) {
        /* its file is removed, whatever was wrong with it */
    }
    folder->manifest = NULL;
    if (folder->path[0] != '\0')
        remove_folder(AT_FDCWD, folder->path);
    folder->path[0] = '\0';
}
