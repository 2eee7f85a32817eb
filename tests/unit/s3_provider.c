/* When keys are renewed, by whom, who waits, and what a failure comes to; with a source that the tests script. */
#include "s3_credentials_world.h"

#include "s3/provider.h"

enum { HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000, THREADS = 32 };

struct script {
    struct world *world;
    struct s3_provider *provider;
    atomic_int fetches, under_way, most_under_way;
    _Atomic int64_t life_ms;
    atomic_int status;    /* of the next fetches */
    atomic_int delay_ms;  /* real time */
    atomic_bool released; /* the tests let a fetch go on that holds */
    atomic_bool hold;
};

static enum s3_status scripted_fetch(
        void *ctx, struct s3_conn *conn, struct s3_credentials **credentials, struct s3_error *error)
{
    struct script *script = ctx;
    int number = atomic_fetch_add(&script->fetches, 1) + 1;
    int under_way = atomic_fetch_add(&script->under_way, 1) + 1;
    int delay_ms = atomic_load(&script->delay_ms);
    int64_t life_ms = atomic_load(&script->life_ms);
    char key[16];

    (void)conn;
    if (under_way > atomic_load(&script->most_under_way))
        atomic_store(&script->most_under_way, under_way);
    if (delay_ms > 0)
        (void)nanosleep(&(struct timespec){ delay_ms / 1000, delay_ms % 1000 * 1000000L }, NULL);
    while (atomic_load(&script->hold) && !atomic_load(&script->released))
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    atomic_fetch_sub(&script->under_way, 1);
    if (atomic_load(&script->status) != S3_OK)
        return s3_fail(error, (enum s3_status)atomic_load(&script->status), "Scripted", "fetch %d fails", number);
    (void)snprintf(key, sizeof key, "K%d", number);
    *credentials = s3_credentials_new((struct s3_text){ key, strlen(key) }, (struct s3_text){ "S", 1 },
            (struct s3_text){ "T", 1 }, life_ms == 0 ? 0 : (world_now(script->world) + life_ms) / 1000, "script");
    return *credentials != NULL ? S3_OK : S3_NO_MEMORY;
}

static struct script *script_new(int64_t life_ms)
{
    struct script *script = calloc(1, sizeof *script);
    assert_non_null(script);
    script->world = world_new();
    atomic_store(&script->life_ms, life_ms);
    assert_int_equal(provider_new(&(struct provider_source){ .fetch = scripted_fetch, .ctx = script },
                             &script->world->clock, &script->provider, &script->world->error),
            S3_OK);
    return script;
}

static void script_free(struct script *script)
{
    s3_provider_free(script->provider);
    world_free(script->world);
    free(script);
}

static void after(struct script *script, int64_t ms)
{
    atomic_fetch_add(&script->world->now_ms, ms);
}

/* The next get gives the keys of this fetch, and this is how many there have been then. */
static void assert_gives(struct script *script, const char *key, int fetches)
{
    struct s3_credentials *credentials;
    if (world_fetch(script->world, script->provider, &credentials) != S3_OK)
        fail_msg("%s", script->world->error.message);
    assert_string_equal(credentials->access_key.ptr, key);
    s3_credentials_release(credentials);
    assert_int_equal(atomic_load(&script->fetches), fetches);
}

static void keys_are_renewed_a_quarter_hour_before_their_end(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    assert_gives(script, "K1", 1);
    after(script, 44 * MINUTE_MS);
    assert_gives(script, "K1", 1);
    after(script, 2 * MINUTE_MS);
    assert_gives(script, "K2", 2);
    assert_gives(script, "K2", 2);
    script_free(script);
}

static void short_session_is_renewed_in_its_last_quarter(void **state)
{
    (void)state;
    struct script *script = script_new(2000);
    assert_gives(script, "K1", 1);
    after(script, 1400);
    assert_gives(script, "K1", 1);
    after(script, 200);
    assert_gives(script, "K2", 2);
    script_free(script);
}

static void keys_without_an_end_are_fetched_once(void **state)
{
    (void)state;
    struct script *script = script_new(0);
    assert_gives(script, "K1", 1);
    after(script, INT64_C(1000) * 24 * HOUR_MS);
    assert_gives(script, "K1", 1);
    script_free(script);
}

static void failed_renewal_keeps_the_old_keys_until_their_end(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    struct s3_credentials *credentials;
    assert_gives(script, "K1", 1);
    atomic_store(&script->status, S3_DENIED);
    after(script, 46 * MINUTE_MS);
    assert_gives(script, "K1", 2);
    assert_gives(script, "K1", 2); /* not again at once */
    after(script, MINUTE_MS + 1);
    assert_gives(script, "K1", 3);
    after(script, 9 * MINUTE_MS); /* the mandatory window */
    assert_gives(script, "K1", 4);
    assert_gives(script, "K1", 4);
    after(script, 5 * MINUTE_MS); /* past the end */
    (void)snprintf(script->world->error.bucket, sizeof script->world->error.bucket, "x");
    assert_int_equal(world_fetch(script->world, script->provider, &credentials), S3_DENIED);
    assert_string_equal(script->world->error.message, "fetch 5 fails");
    assert_string_equal(script->world->error.code, "Scripted");
    assert_int_equal(world_fetch(script->world, script->provider, &credentials), S3_DENIED);
    assert_int_equal(atomic_load(&script->fetches), 6);
    atomic_store(&script->status, S3_OK);
    assert_gives(script, "K7", 7);
    script_free(script);
}

static void error_leaves_the_requests_bucket_and_key_alone(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    struct s3_credentials *credentials;
    struct s3_error error;
    s3_error_clear(&error);
    memcpy(error.bucket, "b", 2);
    memcpy(error.key, "k", 2);
    atomic_store(&script->status, S3_RETRY);
    assert_int_equal(s3_provider_get(script->provider, script->world->conn, &credentials, &error), S3_RETRY);
    assert_string_equal(error.bucket, "b");
    assert_string_equal(error.key, "k");
    assert_string_equal(error.message, "fetch 1 fails");
    script_free(script);
}

static void rejected_keys_are_fetched_anew_once(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    struct s3_credentials *first, *again;
    assert_int_equal(world_fetch(script->world, script->provider, &first), S3_OK);
    s3_provider_rejected(script->provider, first);
    assert_gives(script, "K2", 2);
    s3_provider_rejected(script->provider, first); /* somebody has fetched since */
    assert_gives(script, "K2", 2);
    assert_int_equal(world_fetch(script->world, script->provider, &again), S3_OK);
    s3_provider_rejected(script->provider, again);
    atomic_store(&script->status, S3_DENIED);
    s3_credentials_release(again);
    assert_int_equal(world_fetch(script->world, script->provider, &again), S3_DENIED); /* never the rejected ones */
    assert_string_equal(first->access_key.ptr, "K1");
    s3_credentials_release(first);
    script_free(script);
}

static void keys_that_come_expired_are_an_error(void **state)
{
    (void)state;
    struct script *script = script_new(-5000);
    struct s3_credentials *credentials;
    assert_int_equal(world_fetch(script->world, script->provider, &credentials), S3_RETRY);
    assert_string_equal(script->world->error.code, "ExpiredCredentials");
    assert_non_null(strstr(script->world->error.message, "script: the keys that were just given expired 5 s ago"));
    script_free(script);
}

static int64_t wall_a_day_back(void *ctx)
{
    struct script *script = ctx;
    return world_now(script->world) - (atomic_load(&script->fetches) > 0 ? 24 * (int64_t)HOUR_MS : 0);
}

static int64_t monotonic_of_script(void *ctx)
{
    return world_now(((struct script *)ctx)->world);
}

static void wall_clock_that_is_set_back_does_not_prolong_keys(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    const struct s3_clock clock = { .wall_ms = wall_a_day_back, .monotonic_ms = monotonic_of_script, .ctx = script };
    s3_provider_free(script->provider);
    assert_int_equal(
            provider_new(
                    &(struct provider_source){ .fetch = scripted_fetch, .now_ms = monotonic_of_script, .ctx = script },
                    &clock, &script->provider, &script->world->error),
            S3_OK);
    assert_gives(script, "K1", 1);
    after(script, 46 * MINUTE_MS);
    assert_gives(script, "K2", 2);
    script_free(script);
}

struct getter {
    struct script *script;
    pthread_barrier_t *barrier;
    char key[16];
    enum s3_status status;
    struct s3_error error;
};

static void *get_in_thread(void *ctx)
{
    struct getter *getter = ctx;
    struct s3_credentials *credentials = NULL;
    (void)pthread_barrier_wait(getter->barrier);
    s3_error_clear(&getter->error);
    getter->status = s3_provider_get(getter->script->provider, NULL, &credentials, &getter->error);
    if (getter->status == S3_OK)
        (void)snprintf(getter->key, sizeof getter->key, "%s", credentials->access_key.ptr);
    s3_credentials_release(credentials);
    return NULL;
}

static void get_in_threads(struct script *script, struct getter *getters)
{
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        getters[i].script = script;
        getters[i].barrier = &barrier;
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_thread, &getters[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    (void)pthread_barrier_destroy(&barrier);
}

static void thirty_two_threads_share_the_first_fetch(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    static struct getter getters[THREADS];
    atomic_store(&script->delay_ms, 300);
    get_in_threads(script, getters);
    assert_int_equal(atomic_load(&script->fetches), 1);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(getters[i].status, S3_OK);
        assert_string_equal(getters[i].key, "K1");
    }
    script_free(script);
}

static void those_that_waited_share_the_failure(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    static struct getter getters[THREADS];
    atomic_store(&script->delay_ms, 300);
    atomic_store(&script->status, S3_RETRY);
    get_in_threads(script, getters);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(getters[i].status, S3_RETRY);
        assert_string_equal(getters[i].error.code, "Scripted");
    }
    /* a thread that came late may have tried for itself, but never beside another */
    assert_true(atomic_load(&script->fetches) < 4);
    assert_int_equal(atomic_load(&script->most_under_way), 1);
    script_free(script);
}

/* The fetch is held until all others have their keys: had one waited, this test would never end. */
static void nobody_waits_in_the_advisory_window(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    pthread_t renewer;
    pthread_barrier_t alone;
    static struct getter first, others[THREADS];
    assert_gives(script, "K1", 1);
    after(script, 46 * MINUTE_MS);
    atomic_store(&script->hold, true);
    assert_int_equal(pthread_barrier_init(&alone, NULL, 1), 0);
    first = (struct getter){ .script = script, .barrier = &alone };
    assert_int_equal(pthread_create(&renewer, NULL, get_in_thread, &first), 0);
    while (atomic_load(&script->under_way) == 0)
        (void)nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
    get_in_threads(script, others);
    for (size_t i = 0; i < THREADS; i++)
        assert_string_equal(others[i].key, "K1");
    atomic_store(&script->released, true);
    (void)pthread_join(renewer, NULL);
    assert_string_equal(first.key, "K2");
    assert_gives(script, "K2", 2);
    (void)pthread_barrier_destroy(&alone);
    script_free(script);
}

static void past_the_mandatory_limit_all_get_the_new_keys_of_one_fetch(void **state)
{
    (void)state;
    struct script *script = script_new(HOUR_MS);
    static struct getter getters[THREADS];
    assert_gives(script, "K1", 1);
    after(script, 51 * MINUTE_MS);
    atomic_store(&script->delay_ms, 300);
    get_in_threads(script, getters);
    for (size_t i = 0; i < THREADS; i++)
        assert_string_equal(getters[i].key, "K2");
    assert_int_equal(atomic_load(&script->fetches), 2);
    script_free(script);
}

struct worker {
    struct script *script;
    size_t gets;
};

static void *work(void *ctx)
{
    struct worker *worker = ctx;
    for (int i = 0; i < 500; i++) {
        struct s3_credentials *credentials;
        struct s3_error error;
        if (s3_provider_get(worker->script->provider, NULL, &credentials, &error) != S3_OK)
            continue;
        worker->gets += credentials->access_key.len > 1 ? 1 : 0;
        if (i % 50 == 0)
            s3_provider_rejected(worker->script->provider, credentials);
        s3_credentials_release(credentials);
        atomic_fetch_add(&worker->script->world->now_ms, 7);
    }
    return NULL;
}

static void sessions_that_end_under_many_threads_never_give_dead_memory(void **state)
{
    (void)state;
    struct script *script = script_new(2000);
    struct worker workers[8];
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        workers[i] = (struct worker){ .script = script };
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].gets, 500);
    }
    assert_int_equal(atomic_load(&script->most_under_way), 1);
    script_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_renewed_a_quarter_hour_before_their_end),
        cmocka_unit_test(short_session_is_renewed_in_its_last_quarter),
        cmocka_unit_test(keys_without_an_end_are_fetched_once),
        cmocka_unit_test(failed_renewal_keeps_the_old_keys_until_their_end),
        cmocka_unit_test(error_leaves_the_requests_bucket_and_key_alone),
        cmocka_unit_test(rejected_keys_are_fetched_anew_once),
        cmocka_unit_test(keys_that_come_expired_are_an_error),
        cmocka_unit_test(wall_clock_that_is_set_back_does_not_prolong_keys),
        cmocka_unit_test(thirty_two_threads_share_the_first_fetch),
        cmocka_unit_test(those_that_waited_share_the_failure),
        cmocka_unit_test(nobody_waits_in_the_advisory_window),
        cmocka_unit_test(past_the_mandatory_limit_all_get_the_new_keys_of_one_fetch),
        cmocka_unit_test(sessions_that_end_under_many_threads_never_give_dead_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
