/* Whatever order answers come in, whatever fails, whatever changes meanwhile: the walk's intervals tile the space, no
 * key comes twice, none that stayed is lost, and no error ends a walk. Thousands of small walks, each from its seed.
 * VF_WALK_SEEDS sets how many. */
#include "agent_walk_shapes.h"

#define LISTERS_MAX 16

enum flight_state { FREE, ASKED, SERVED };

struct flight {
    enum flight_state state;
    struct walk_request request;
    struct answer answer;
};

struct chaos {
    uint64_t random;
    struct world world;
    struct walk_options options;
    struct walk_bytes prefixes[4];
    struct walk_bytes fences[64];
    struct walk_plan *plan;
    struct flight flights[LISTERS_MAX];
    struct ledger ledger;
    size_t served, failed, broken;
    size_t trouble; /* of 1,000 answers so many fail */
};

static size_t seeds_wanted(void)
{
    const char *text = getenv("VF_WALK_SEEDS");
    return text != NULL ? (size_t)strtoull(text, NULL, 10) : 1500;
}

/* Short keys over a few bytes, many of them each other's prefixes: more borders a key than any bucket has. */
static size_t dense_key(unsigned char *key, uint64_t *random)
{
    static const char *const atoms[] = { "a", "b", "/", "0", "1", "9", "z", "A", "\x01", "\xE4\xB8\x80", "\xC3\xA9",
        "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF" };
    size_t len = 0;
    for (size_t i = 1 + world_below(random, 5); i > 0; i--)
        len += (size_t)snprintf((char *)key + len, 8, "%s", atoms[world_below(random, 13)]);
    return len;
}

static void make_world(struct chaos *chaos)
{
    uint64_t *random = &chaos->random;
    size_t n = world_below(random, 8) == 0 ? world_below(random, 6) : world_below(random, 1500);
    const struct shape *shape = &shapes[world_below(random, SHAPES)];
    bool dense = world_below(random, 3) == 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char key[WALK_KEY_MAX + 64];
        size_t len = dense ? dense_key(key, random) : shape->make(key, i, n, random);
        if (world_below(random, 500) == 0) { /* as long as a key may be */
            memset(key + len, 'k', WALK_KEY_MAX - len);
            len = WALK_KEY_MAX;
        }
        world_add(&chaos->world, key, len);
    }
    world_seal(&chaos->world);
    size_t restless = world_below(random, 4) * 15;
    for (size_t i = 0; i < chaos->world.count; i++) {
        chaos->world.restless[i] = world_below(random, 100) < restless;
        chaos->world.absent[i] = chaos->world.restless[i] && world_below(random, 2);
    }
}

static void make_options(struct chaos *chaos)
{
    uint64_t *random = &chaos->random;
    struct world *world = &chaos->world;
    struct walk_options *options = &chaos->options;
    options->listers = 1 + world_below(random, LISTERS_MAX);
    options->page_keys = 1 + world_below(random, 20);
    options->fence_limit = world_below(random, 2) ? 1 + world_below(random, 20) : 0;
    options->objects = world_below(random, 2) ? world_below(random, 3000) : 0;
    switch (world_below(random, 4)) {
    case 0: /* fences that may have been keys once, in order or not */
        options->fence_count = world->count == 0 ? 0 : world_below(random, 64);
        for (size_t i = 0, at = 0; i < options->fence_count; i++) {
            at += world_below(random, 1 + 2 * world->count / options->fence_count);
            chaos->fences[i] = world->keys[at % world->count];
        }
        options->fences = chaos->fences;
        break;
    case 1: { /* one to four prefixes of which none begins another */
        size_t lens[4];
        unsigned char key[WALK_KEY_MAX];
        static unsigned char texts[4][WALK_KEY_MAX];
        for (size_t i = 1 + world_below(random, 4); i > 0; i--) {
            size_t slot = options->prefix_count;
            lens[slot] = dense_key(key, random);
            if (world->count > 0 && world_below(random, 2)) {
                struct walk_bytes some = world->keys[world_below(random, world->count)];
                lens[slot] = 1 + world_below(random, some.len < 12 ? some.len : 12);
                memcpy(key, some.ptr, lens[slot]);
            }
            memcpy(texts[slot], key, lens[slot]);
            struct walk_bytes prefix = { texts[slot], lens[slot] };
            bool apart = true;
            for (size_t j = 0; j < slot; j++) {
                apart = apart && !world_begins(chaos->prefixes[j], prefix) && !world_begins(prefix, chaos->prefixes[j]);
            }
            if (apart)
                chaos->prefixes[options->prefix_count++] = prefix;
        }
        options->prefixes = chaos->prefixes;
        break;
    }
    case 2: /* between two bounds */
        if (world->count < 2)
            break;
        options->after = world->keys[world_below(random, world->count / 2)];
        options->last = world->keys[world->count / 2 + world_below(random, world->count - world->count / 2)];
        break;
    }
}

static void close_flight(struct chaos *chaos, struct flight *flight)
{
    struct walk_page page = answer_page(&flight->answer);
    struct walk_interval interval;
    flight->state = FREE;
    if (world_below(&chaos->random, 1000) < chaos->trouble) {
        walk_plan_failed(chaos->plan, &flight->request, WALK_RETRY);
        chaos->failed++;
        return;
    }
    assert_int_equal(walk_plan_answer(chaos->plan, &flight->request, &page, &interval), WALK_TAKEN);
    ledger_take(&chaos->ledger, &chaos->world, &flight->answer, &interval);
    chaos->served++;
}

/* One step of a lister chosen at random; false when the plan says that the walk is over. */
static bool step(struct chaos *chaos, enum walk_next *over)
{
    struct flight *flight = &chaos->flights[world_below(&chaos->random, chaos->options.listers)];
    if (flight->state == SERVED) {
        close_flight(chaos, flight);
    } else if (flight->state == ASKED) {
        world_list(&chaos->world, &flight->request, chaos->options.page_keys, &flight->answer);
        flight->state = SERVED;
    } else {
        enum walk_next next = walk_plan_next(chaos->plan, &flight->request);
        if (next == WALK_PAGE) {
            flight->state = ASKED;
        } else if (next != WALK_WAIT) {
            *over = next;
            return false;
        }
        struct walk_stats stats;
        walk_plan_stats(chaos->plan, &stats);
        assert_true(next != WALK_WAIT || stats.in_flight > 0);
        assert_true(stats.in_flight <= chaos->options.listers);
    }
    if (chaos->world.count > 0) {
        size_t i = world_below(&chaos->random, chaos->world.count);
        if (chaos->world.restless[i])
            chaos->world.absent[i] = !chaos->world.absent[i];
    }
    return true;
}

static void chaos_open(struct chaos *chaos, uint64_t seed)
{
    memset(chaos, 0, sizeof *chaos);
    chaos->random = seed * 7919 + 1;
    make_world(chaos);
    make_options(chaos);
    chaos->trouble = world_below(&chaos->random, 3) * 100;
    for (size_t i = 0; i < LISTERS_MAX; i++) {
        chaos->flights[i].answer.at = calloc(chaos->options.page_keys, sizeof(size_t));
        assert_non_null(chaos->flights[i].answer.at);
    }
    chaos->plan = walk_plan_new(&chaos->options);
    assert_non_null(chaos->plan);
}

static void chaos_close(struct chaos *chaos)
{
    walk_plan_free(chaos->plan);
    for (size_t i = 0; i < LISTERS_MAX; i++)
        free(chaos->flights[i].answer.at);
    ledger_clear(&chaos->ledger);
    world_clear(&chaos->world);
}

struct order {
    struct walk_key before;
    size_t count, limit;
};

static bool fence_ascends(void *ctx, struct walk_bytes key)
{
    struct order *order = ctx;
    assert_true(world_compare((struct walk_bytes){ order->before.bytes, order->before.len }, key) < 0);
    order->before.len = key.len;
    memcpy(order->before.bytes, key.ptr, key.len);
    order->count++;
    return order->count < order->limit;
}

static void any_order_of_answers_failures_and_changes_tiles_the_space(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < seeds_wanted(); seed++) {
        struct chaos chaos;
        chaos_open(&chaos, seed);
        enum walk_next over = WALK_WAIT;
        while (step(&chaos, &over)) {
        }
        if (over != WALK_DONE)
            print_error("seed %llu\n", (unsigned long long)seed);
        assert_int_equal(over, WALK_DONE);
        ledger_check(&chaos.ledger, &chaos.world, &chaos.options);
        struct walk_stats stats;
        walk_plan_stats(chaos.plan, &stats);
        assert_int_equal(stats.pages, chaos.served);
        assert_int_equal(stats.failed, chaos.failed);
        struct order order = { .limit = SIZE_MAX };
        assert_true(walk_plan_fences(chaos.plan, fence_ascends, &order));
        assert_true(order.count <= (chaos.options.fence_limit > 0 ? chaos.options.fence_limit : 4096));
        chaos_close(&chaos);
    }
}

/* Spoils a sound answer in one of the ways that the plan must refuse; false where this answer cannot be spoilt so. */
struct spoilt {
    const struct answer *answer;
    size_t at;
    struct walk_bytes key;
};

static struct walk_bytes spoilt_key(const void *ctx, size_t i)
{
    const struct spoilt *spoilt = ctx;
    return i == spoilt->at ? spoilt->key : answer_key(spoilt->answer, i);
}

static enum walk_verdict spoil(struct chaos *chaos, struct flight *flight)
{
    static const unsigned char zeros[WALK_KEY_MAX + 1];
    struct spoilt spoilt = { .answer = &flight->answer };
    struct walk_page page = { .key = spoilt_key, .ctx = &spoilt, .count = flight->answer.count, .truncated = true };
    struct walk_interval interval;
    enum walk_verdict expected = WALK_EMPTY_PAGE;
    size_t count = flight->answer.count;
    switch (world_below(&chaos->random, 4)) {
    case 0: /* promises more, brings nothing */
        page.count = 0;
        break;
    case 1: /* the page before again: its first key is the one that it should start after */
        if (flight->request.after.len == 0 || count == 0)
            return WALK_TAKEN;
        spoilt.key = (struct walk_bytes){ flight->request.after.bytes, flight->request.after.len };
        expected = WALK_OUTSIDE;
        break;
    case 2: /* a key again */
        if (count < 2)
            return WALK_TAKEN;
        spoilt.at = 1 + world_below(&chaos->random, count - 1);
        spoilt.key = answer_key(&flight->answer, world_below(&chaos->random, spoilt.at));
        expected = WALK_DISORDER;
        break;
    default:
        if (count == 0)
            return WALK_TAKEN;
        spoilt.at = world_below(&chaos->random, count);
        spoilt.key = (struct walk_bytes){ zeros, world_below(&chaos->random, 2) ? WALK_KEY_MAX + 1 : 0 };
        expected = WALK_BAD_KEY;
    }
    assert_int_equal(walk_plan_answer(chaos->plan, &flight->request, &page, &interval), expected);
    assert_true(strlen(walk_verdict_text(expected)) > 0);
    return expected;
}

static void a_refused_page_never_ends_a_walk(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < seeds_wanted(); seed++) {
        struct chaos chaos;
        chaos_open(&chaos, seed ^ 0xBADBAD);
        enum walk_next over = WALK_WAIT;
        size_t when = world_below(&chaos.random, 30);
        do {
            struct flight *flight = &chaos.flights[world_below(&chaos.random, chaos.options.listers)];
            if (flight->state != SERVED || chaos.served < when)
                continue;
            bool given_up = world_below(&chaos.random, 4) == 0;
            if (given_up)
                walk_plan_failed(chaos.plan, &flight->request, WALK_BREAK);
            if (given_up || spoil(&chaos, flight) != WALK_TAKEN) {
                flight->state = FREE;
                chaos.broken++;
                when = chaos.served + world_below(&chaos.random, 30);
            }
        } while (step(&chaos, &over));
        assert_int_equal(over, chaos.broken > 0 ? WALK_STUCK : WALK_DONE);
        struct walk_stats stats;
        walk_plan_stats(chaos.plan, &stats);
        assert_int_equal(stats.broken, chaos.broken);
        assert_int_equal(stats.live, 0);
        chaos_close(&chaos);
    }
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    static const unsigned char text[] = "aab";
    const struct walk_bytes a = { text, 1 }, aa = { text, 2 }, b = { text + 2, 1 };
    const struct walk_bytes nested[] = { aa, a }, twice[] = { a, a }, apart[] = { b, aa };
    struct walk_options wrong[] = {
        { .listers = 0 },
        { .listers = 100000 },
        { .listers = 1, .prefixes = nested, .prefix_count = 2 },
        { .listers = 1, .prefixes = twice, .prefix_count = 2 },
        { .listers = 1, .prefixes = apart, .prefix_count = 2, .after = a },
        { .listers = 1, .after = b, .last = a },
        { .listers = 1, .after = a, .last = a },
        { .listers = 1, .prefixes = &aa, .prefix_count = 1, .after = b },
        { .listers = 1, .prefixes = &aa, .prefix_count = 1, .last = a },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_null(walk_plan_new(&wrong[i]));
    struct walk_options right = { .listers = 1, .prefixes = apart, .prefix_count = 2 };
    struct walk_plan *plan = walk_plan_new(&right);
    struct walk_request request;
    assert_non_null(plan);
    assert_int_equal(walk_plan_next(plan, &request), WALK_PAGE);
    assert_int_equal(request.prefix.len, 2); /* in key order */
    walk_plan_free(plan);
    walk_plan_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_answers_failures_and_changes_tiles_the_space),
        cmocka_unit_test(a_refused_page_never_ends_a_walk),
        cmocka_unit_test(options_that_contradict_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
