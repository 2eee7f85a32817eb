/* See world.h. */
#include "world.h"

#include "account.h"
#include "fault.h"
#include "latency.h"
#include "stamp.h"
#include "store.h"

#include <string.h>

static pthread_rwlock_t lock;
static const struct limits as_aws = {
    .min_part_size = 5u << 20, .max_copy_size = 5368709120u, .max_put_size = 5368709120u, .min_session_seconds = 900
};
static struct limits limits;

void world_start(void)
{
    pthread_rwlockattr_t a;
    pthread_rwlockattr_init(&a);
    pthread_rwlockattr_setkind_np(&a, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock, &a);
    pthread_rwlockattr_destroy(&a);
    limits = as_aws;
    account_start();
}

void world_stop(void)
{
    bucket_delete_all();
    account_reset();
    fault_clear();
    pthread_rwlock_destroy(&lock);
}

void world_read(void)
{
    pthread_rwlock_rdlock(&lock);
}

void world_write(void)
{
    pthread_rwlock_wrlock(&lock);
}

void world_unlock(void)
{
    pthread_rwlock_unlock(&lock);
}

void world_reset(void)
{
    world_write();
    bucket_delete_all();
    account_reset();
    account_start();
    limits = as_aws;
    clock_offset(0, 0);
    world_unlock();
    fault_clear();
    latency_clear();
}

const struct limits *world_limits(void)
{
    return &limits;
}

const char *world_set_limits(const json_t *j)
{
    const char *name;
    json_t *v;
    struct limits l = limits;
    json_object_foreach((json_t *)j, name, v)
    {
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return "a limit is a number";
        json_int_t n = json_integer_value(v);
        if (!strcmp(name, "min_part_size"))
            l.min_part_size = (uint64_t)n;
        else if (!strcmp(name, "max_copy_size"))
            l.max_copy_size = (uint64_t)n;
        else if (!strcmp(name, "max_put_size"))
            l.max_put_size = (uint64_t)n;
        else if (!strcmp(name, "min_session_seconds"))
            l.min_session_seconds = n;
        else
            return "known limits: min_part_size, max_copy_size, max_put_size, min_session_seconds";
    }
    limits = l;
    return NULL;
}
