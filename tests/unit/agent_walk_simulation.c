/* Walks over a million keys of many shapes, by listers that each wait 30 ms for an answer: what they hand out is
 * checked to the key, how many requests they send against the promise. Times are the simulation's, so they may be
 * asserted. VF_WALK_KEYS sets the keys a bucket (default 100,000, 30,000 under sanitizers; 1,000,000 for the figures
 * that are published). */
#include "agent_walk_shapes.h"

#define LATENCY_MS 30
#define LISTERS_MAX 64

struct flight {
    bool busy;
    uint64_t due; /* ms */
    struct walk_request request;
    struct answer answer;
};

struct outcome {
    struct walk_stats stats;
    uint64_t ms;
    uint64_t digest; /* of all requests, in order */
};

struct fences {
    struct walk_bytes *keys;
    size_t count;
};

static bool keep_fence(void *ctx, struct walk_bytes key)
{
    struct fences *fences = ctx;
    if (fences->count % 64 == 0) {
        fences->keys = realloc(fences->keys, (fences->count + 64) * sizeof *fences->keys);
        assert_non_null(fences->keys);
    }
    fences->keys[fences->count++] = ledger_keep(key.ptr, key.len);
    return true;
}

static void fences_clear(struct fences *fences)
{
    for (size_t i = 0; i < fences->count; i++)
        free((void *)(uintptr_t)fences->keys[i].ptr);
    free(fences->keys);
    *fences = (struct fences){ 0 };
}

static void fences_use(struct walk_options *options, const struct fences *fences, uint64_t objects)
{
    options->fences = fences->keys;
    options->fence_count = fences->count;
    options->objects = objects;
}

static uint64_t digest_add(uint64_t digest, const struct walk_request *request)
{
    for (size_t i = 0; i < request->after.len; i++)
        digest = (digest ^ request->after.bytes[i]) * 0x100000001B3U;
    return (digest ^ request->after.len) * 0x100000001B3U;
}

/* All idle listers ask, in order; whoever gets a page is answered `latency` later by the bucket of that time. */
static enum walk_next ask(struct walk_plan *plan, struct flight *flights, size_t listers, uint64_t now,
        uint64_t *jitter, uint64_t *digest)
{
    for (size_t i = 0; i < listers; i++) {
        if (flights[i].busy)
            continue;
        enum walk_next next = walk_plan_next(plan, &flights[i].request);
        if (next != WALK_PAGE)
            return next;
        *digest = digest_add(*digest, &flights[i].request);
        flights[i].busy = true;
        flights[i].due = now + LATENCY_MS + (jitter != NULL ? world_below(jitter, 30) : 0);
    }
    return WALK_WAIT;
}

static struct outcome simulate(
        struct world *world, const struct walk_options *options, uint64_t *jitter, struct fences *fences)
{
    static struct flight flights[LISTERS_MAX];
    struct outcome outcome = { 0 };
    struct ledger ledger = { 0 };
    size_t page_keys = options->page_keys > 0 ? options->page_keys : 1000;
    struct answer answer = { .at = calloc(page_keys, sizeof *answer.at) };
    struct walk_plan *plan = walk_plan_new(options);
    assert_true(plan != NULL && answer.at != NULL);
    memset(world->delivered, 0, world->count);
    memset(flights, 0, sizeof flights);
    while (ask(plan, flights, options->listers, outcome.ms, jitter, &outcome.digest) == WALK_WAIT) {
        struct flight *first = NULL;
        for (size_t i = 0; i < options->listers; i++) {
            if (flights[i].busy && (first == NULL || flights[i].due < first->due))
                first = &flights[i];
        }
        assert_non_null(first);
        outcome.ms = first->due;
        first->busy = false;
        world_list(world, &first->request, page_keys, &answer);
        struct walk_page page = answer_page(&answer);
        struct walk_interval interval;
        assert_int_equal(walk_plan_answer(plan, &first->request, &page, &interval), WALK_TAKEN);
        ledger_take(&ledger, world, &answer, &interval);
    }
    struct walk_request request;
    assert_int_equal(walk_plan_next(plan, &request), WALK_DONE);
    ledger_check(&ledger, world, options);
    walk_plan_stats(plan, &outcome.stats);
    if (fences != NULL)
        assert_true(walk_plan_fences(plan, keep_fence, fences));
    ledger_clear(&ledger);
    free(answer.at);
    walk_plan_free(plan);
    return outcome;
}

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

/* Sanitizers are five times as slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) ||                 \
        HAS_FEATURE(thread_sanitizer)
#define KEYS 30000
#else
#define KEYS 100000
#endif

static size_t keys_wanted(void)
{
    const char *text = getenv("VF_WALK_KEYS");
    return text != NULL ? (size_t)strtoull(text, NULL, 10) : KEYS;
}

static void print_outcome(const char *name, const char *how, size_t count, const struct outcome *outcome)
{
    double pages = (double)count / 1000;
    print_message("%-22s %-8s %8zu keys %6llu requests (%+6.1f %%) %5llu ms %4zu ranges\n", name, how, count,
            (unsigned long long)outcome->stats.pages, ((double)outcome->stats.pages / pages - 1) * 100,
            (unsigned long long)outcome->ms, outcome->stats.ranges);
}

/* Below a million keys the probes that look for the space's borders weigh more: they get four requests a lister. */
static void assert_cold(const struct shape *shape, size_t count, const struct outcome *outcome)
{
    double spare = count < 900000 ? 4 * LISTERS_MAX : 0;
    assert_true((double)outcome->stats.pages <= (double)count / 1000 * shape->cold + spare);
    assert_true(outcome->ms <= shape->rounds * LATENCY_MS);
}

static void every_shape_is_walked_cold_and_by_fences(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHAPES; s++) {
        const struct shape *shape = &shapes[s];
        struct world world = { 0 };
        size_t n = keys_wanted();
        shape_fill(&world, shape, shape->most > 0 && n > shape->most ? shape->most : n, 42);
        struct walk_options options = { .listers = LISTERS_MAX };
        struct fences fences = { 0 };
        struct outcome cold = simulate(&world, &options, NULL, &fences);
        print_outcome(shape->name, "cold", world.count, &cold);
        assert_cold(shape, world.count, &cold);

        double most = (double)world.count / 1000 + 2 * LISTERS_MAX;
        fences_use(&options, &fences, world.count);
        struct fences again = { 0 };
        struct outcome fenced = simulate(&world, &options, NULL, &again);
        print_outcome(shape->name, "fences", world.count, &fenced);
        assert_true((double)fenced.stats.pages <= most);
        fences_use(&options, &again, world.count);
        uint64_t jitter = 7;
        struct outcome jittered = simulate(&world, &options, &jitter, NULL);
        print_outcome(shape->name, "jitter", world.count, &jittered);
        assert_true((double)jittered.stats.pages <= most);
        fences_clear(&fences);
        fences_clear(&again);
        world_clear(&world);
    }
}

static void a_small_bucket_costs_a_few_requests(void **state)
{
    (void)state;
    static const size_t counts[] = { 0, 1, 999, 1000, 1001, 2000, 9000 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct world world = { 0 };
        shape_fill(&world, &shapes[0], counts[i], 1);
        struct walk_options options = { .listers = LISTERS_MAX };
        struct fences fences = { 0 };
        struct outcome cold = simulate(&world, &options, NULL, &fences);
        print_outcome("small", "cold", counts[i], &cold);
        size_t pages = counts[i] / 1000 + 1;
        assert_true(counts[i] > 1000 ? cold.stats.pages <= pages + 24 : cold.stats.pages == 1);
        fences_use(&options, &fences, counts[i]);
        struct outcome known = simulate(&world, &options, NULL, NULL);
        print_outcome("small", "known", counts[i], &known);
        assert_true(known.stats.pages <= pages + fences.count);
        fences_clear(&fences);
        world_clear(&world);
    }
}

static void the_same_calls_give_the_same_requests(void **state)
{
    (void)state;
    struct world world = { 0 };
    shape_fill(&world, &shapes[3], 50000, 3);
    struct walk_options options = { .listers = 16 };
    uint64_t one = 5, two = 5, other = 6;
    struct outcome first = simulate(&world, &options, &one, NULL);
    struct outcome second = simulate(&world, &options, &two, NULL);
    struct outcome third = simulate(&world, &options, &other, NULL);
    assert_true(first.digest == second.digest && first.ms == second.ms);
    assert_true(first.digest != third.digest);
    world_clear(&world);
}

/* The last walk saw a tenth: what came since lies behind its last fence, or all over. */
static void outdated_fences_do_not_serialize_a_walk(void **state)
{
    (void)state;
    static const size_t which[] = { 0, 2, 3 };
    for (size_t i = 0; i < 3; i++) {
        const struct shape *shape = &shapes[which[i]];
        struct world old = { 0 }, now = { 0 };
        size_t n = keys_wanted();
        unsigned char key[WALK_KEY_MAX];
        uint64_t random = 42;
        for (size_t j = 0; j < n / 10; j++)
            world_add(&old, key, shape->make(key, j, n, &random));
        world_seal(&old);
        shape_fill(&now, shape, n, 42);
        struct walk_options options = { .listers = LISTERS_MAX };
        struct fences fences = { 0 };
        simulate(&old, &options, NULL, &fences);
        fences_use(&options, &fences, old.count);
        struct outcome grown = simulate(&now, &options, NULL, NULL);
        print_outcome(shape->name, "grown", now.count, &grown);
        assert_true((double)grown.stats.pages <= (double)now.count / 1000 * 1.25 + 4 * LISTERS_MAX);
        assert_true(grown.ms <= 60 * LATENCY_MS);
        fences_clear(&fences);
        world_clear(&old);
        world_clear(&now);
    }
}

/* 10 keys a page stand for a bucket that is a hundred times as large. */
static void fences_of_a_huge_bucket_are_thinned(void **state)
{
    (void)state;
    struct world world = { 0 };
    shape_fill(&world, &shapes[2], keys_wanted(), 9);
    struct walk_options options = { .listers = LISTERS_MAX, .page_keys = 10, .fence_limit = 256 };
    struct fences fences = { 0 };
    simulate(&world, &options, NULL, &fences);
    assert_in_range(fences.count, 100, 256);
    fences_use(&options, &fences, world.count);
    struct outcome fenced = simulate(&world, &options, NULL, NULL);
    assert_true(fenced.stats.pages <= world.count / 10 + 2 * LISTERS_MAX);
    fences_clear(&fences);
    world_clear(&world);
}

static void many_prefixes_are_covered_by_few_listers(void **state)
{
    (void)state;
    enum { PREFIXES = 3000 };
    struct world world = { 0 };
    static char texts[PREFIXES][16];
    static struct walk_bytes prefixes[PREFIXES];
    shape_fill(&world, &shapes[0], 60000, 1);
    for (size_t i = 0; i < PREFIXES; i++) { /* every second ten keys */
        int len = snprintf(texts[i], sizeof texts[i], "%011zu", 2 * i);
        prefixes[i] = (struct walk_bytes){ (const unsigned char *)texts[i], (size_t)len };
    }
    struct walk_options options = { .listers = 8, .prefixes = prefixes, .prefix_count = PREFIXES };
    struct outcome outcome = simulate(&world, &options, NULL, NULL);
    assert_int_equal(outcome.stats.pages, PREFIXES);
    assert_int_equal(outcome.stats.keys, PREFIXES * 10);
    world_clear(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_is_walked_cold_and_by_fences),
        cmocka_unit_test(a_small_bucket_costs_a_few_requests),
        cmocka_unit_test(the_same_calls_give_the_same_requests),
        cmocka_unit_test(outdated_fences_do_not_serialize_a_walk),
        cmocka_unit_test(fences_of_a_huge_bucket_are_thinned),
        cmocka_unit_test(many_prefixes_are_covered_by_few_listers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
