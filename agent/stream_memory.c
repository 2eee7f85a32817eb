/* See stream_memory.h. */
#include "agent/stream_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* malloc keeps what it got back once for pieces of the same size, which would not count any more */
enum { MAPPED_FROM = 256 * 1024 };

static bool map(size_t size, int fd, struct stream_memory *memory)
{
    void *pages = mmap(
            NULL, size, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd < 0 ? -1 : fd, 0);

    if (pages == MAP_FAILED)
        return false;
    memory->ptr = pages;
    memory->mapped = size;
    return true;
}

static void give_back(struct stream_budget *budget, size_t size)
{
    (void)pthread_mutex_lock(&budget->lock);
    budget->used -= size;
    (void)pthread_cond_broadcast(&budget->freed);
    (void)pthread_mutex_unlock(&budget->lock);
}

bool stream_memory_take(struct stream_budget *budget, size_t size, struct stream_memory *memory)
{
    *memory = (struct stream_memory){ .size = size, .budget = budget };
    (void)pthread_mutex_lock(&budget->lock);
    while (budget->used > 0 && budget->used + size > budget->limit)
        (void)pthread_cond_wait(&budget->freed, &budget->lock);
    budget->used += size;
    (void)pthread_mutex_unlock(&budget->lock);
    if (size < MAPPED_FROM)
        memory->ptr = malloc(size + 1);
    else
        (void)!map(size, -1, memory);
    if (memory->ptr == NULL)
        give_back(budget, size);
    return memory->ptr != NULL;
}

enum verdict stream_memory_spool(const char *folder, size_t size, struct stream_memory *memory, struct failure *failure)
{
    char path[4200];
    int length = snprintf(path, sizeof path, "%s/stream.XXXXXX", folder), fd, code;
    bool mapped;

    *memory = (struct stream_memory){ .size = size };
    if (length < 0 || (size_t)length >= sizeof path)
        return failure_set(failure, VERDICT_USAGE, "the path of the state folder is too long");
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return failure_set(failure, VERDICT_FULL, "no file for a large part in %s (error %d)", folder, errno);
    (void)unlink(path);
    /* reserved now, since a full disk would kill whoever writes into the mapping */
    code = posix_fallocate(fd, 0, (off_t)size);
    mapped = code == 0 && map(size, fd, memory);
    (void)close(fd);
    if (mapped)
        return VERDICT_OK;
    return failure_set(failure, VERDICT_FULL,
            "no room for a part of %zu MiB in %s (error %d): parts of long streams lie there until they are uploaded",
            size >> 20, folder, code != 0 ? code : errno);
}

void stream_memory_free(struct stream_memory *memory)
{
    if (memory->ptr == NULL)
        return;
    if (memory->mapped > 0)
        (void)munmap(memory->ptr, memory->mapped);
    else
        free(memory->ptr);
    memory->ptr = NULL;
    if (memory->budget != NULL)
        give_back(memory->budget, memory->size);
}

static bool land(void *ctx, const char *bytes, size_t length)
{
    struct stream_landing *landing = ctx;

    if (length > landing->size - landing->used)
        return false;
    if (length > 0)
        memcpy(landing->ptr + landing->used, bytes, length);
    landing->used += length;
    return true;
}

static bool land_again(void *ctx)
{
    struct stream_landing *landing = ctx;

    landing->used = 0;
    return true;
}

struct s3_sink stream_landing_sink(struct stream_landing *landing)
{
    return (struct s3_sink){ .write = land, .restart = land_again, .ctx = landing };
}
