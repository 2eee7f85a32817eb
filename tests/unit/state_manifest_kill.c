/*
 * A writer that is killed at any instant leaves each committed batch whole, and nothing of another: records, outbox,
 * totals and meta in step. A full disk is STATE_FULL, and what was committed before stays.
 */
#include "tests/unit/state_manifest_test.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

enum { KILLS = 40, EARLY_KILLS = 4, GROUPS = 12, MEMBERS = 60, LINES_KEPT = 400 };

/* A failed claim in a child must end it there, and not go on with the next test. */
static pid_t fork_child(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    return child;
}

/* Of the writer, to the parent: what it knows to be committed, and what it had begun. */
struct progress {
    _Atomic uint64_t committed;
    _Atomic uint64_t begun;
};

static struct state_text member(unsigned group, unsigned number, char bytes[STATE_KEY_MAX])
{
    size_t len = number % 5 == 0 ? 700 : 40;
    memset(bytes, 'g', len);
    int wrote = snprintf(bytes + len - 14, 15, "%06u-%06u", group, number);
    assert_int_equal(wrote, 13);
    return (struct state_text){ bytes, len - 1 };
}

/*
 * Batch n gives all members of one group the number n, drops the odd ones of another, writes a line a member, trims old
 * lines, and notes n in meta.
 */
static void write_batch(struct manifest *manifest, uint64_t n)
{
    struct manifest_batch *batch;
    char key[STATE_KEY_MAX];
    char line[64];
    uint64_t sequence = 0;
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = 0; i < MEMBERS; i++) {
        test_put(batch, member((unsigned)(n % GROUPS), i, key), n);
        int len = snprintf(line, sizeof line, "%" PRIu64 " %u", n, i);
        OK(manifest_outbox_append(batch, line, (size_t)len, &sequence, &why));
    }
    for (unsigned i = 1; i < MEMBERS; i += 2) {
        enum state_status status = manifest_batch_remove(batch, member((unsigned)((n + 5) % GROUPS), i, key), &why);
        assert_true(status == STATE_OK || status == STATE_NOT_FOUND);
    }
    if (sequence > LINES_KEPT)
        OK(manifest_outbox_trim(batch, sequence - LINES_KEPT, &why));
    OK(manifest_meta_put(batch, "batch", &n, sizeof n, &why));
    OK(manifest_batch_commit(batch, &why));
}

static uint64_t last_batch(struct manifest *manifest)
{
    uint64_t n = 0;
    size_t length;
    enum state_status status = manifest_meta_get(manifest, "batch", &n, sizeof n, &length, &why);
    assert_true(status == STATE_OK || status == STATE_NOT_FOUND);
    return n;
}

static void writer(struct progress *progress) __attribute__((noreturn));
static void writer(struct progress *progress)
{
    struct manifest_options options = test_options();
    struct manifest *manifest;
    if (manifest_open(&options, &manifest, NULL, &why) != STATE_OK)
        _exit(2);
    for (uint64_t n = last_batch(manifest) + 1;; n++) {
        progress->begun = n;
        write_batch(manifest, n);
        progress->committed = n;
        if (n % 17 == 0 && manifest_compact(manifest, &why) != STATE_OK)
            _exit(3);
    }
}

struct lines {
    uint64_t batch;
    uint64_t next; /* the number of the last line, counted from its batch */
    uint64_t count;
};

static enum state_status check_line(void *ctx, uint64_t sequence, const char *line, size_t length)
{
    struct lines *lines = ctx;
    char wanted[64];
    int len = snprintf(
            wanted, sizeof wanted, "%" PRIu64 " %" PRIu64, (sequence - 1) / MEMBERS + 1, (sequence - 1) % MEMBERS);
    assert_true(test_same_text((struct state_text){ line, length }, (struct state_text){ wanted, (size_t)len }));
    lines->batch = (sequence - 1) / MEMBERS + 1;
    lines->next = (sequence - 1) % MEMBERS;
    lines->count++;
    return STATE_OK;
}

/* Which number a member must have after batch n; 0: none. */
static uint64_t expected_number(uint64_t n, unsigned group, unsigned number)
{
    for (uint64_t b = n; b > 0 && b + 2 * (uint64_t)GROUPS > n; b--) {
        if (number % 2 == 1 && (b + 5) % GROUPS == group)
            return 0;
        if (b % GROUPS == group)
            return b;
    }
    return 0;
}

static void expect_all_of(struct manifest *manifest, uint64_t n)
{
    struct manifest_reader *reader;
    struct manifest_totals totals;
    struct state_entry entry;
    struct test_texts texts;
    struct lines lines = { 0, 0, 0 };
    uint64_t last = 0;
    uint64_t count = 0;
    uint64_t records = 0;
    char key[STATE_KEY_MAX];
    OK(manifest_reader_new(manifest, MANIFEST_LIVE, &reader, &why));
    OK(manifest_reader_begin(reader, &why));
    for (unsigned group = 0; group < GROUPS; group++)
        for (unsigned i = 0; i < MEMBERS; i++) {
            uint64_t number = expected_number(n, group, i);
            struct state_text name = member(group, i, key);
            GIVES(number == 0 ? STATE_NOT_FOUND : STATE_OK, manifest_reader_get(reader, name, &why));
            if (number == 0)
                continue;
            records++;
            OK(manifest_reader_entry(reader, &entry, &why));
            struct state_entry wanted = test_entry(name, number, &texts);
            assert_true(test_same(&entry, &wanted));
        }
    manifest_reader_free(reader);
    manifest_totals(manifest, &totals);
    assert_int_equal(totals.records, records);
    OK(manifest_outbox_read(manifest, 0, SIZE_MAX, check_line, &lines, &last, &count, &why));
    assert_int_equal(lines.batch, n);
    assert_int_equal(lines.count, totals.outbox_lines);
    assert_int_equal(lines.count, n * MEMBERS < LINES_KEPT ? n * MEMBERS : LINES_KEPT);
    assert_true(n == 0 || lines.next == MEMBERS - 1);
}

/* The writer is killed by what it has done, not by the clock: a loaded machine is slow. The first few die early. */
static void wait_for_batches(const struct progress *progress, uint64_t begun)
{
    struct timespec pause = { 0, 500000 };
    for (unsigned i = 0; progress->begun < begun; i++) {
        if (i > 120000)
            fail_msg("the writer has not begun batch %u within a minute", (unsigned)begun);
        (void)nanosleep(&pause, NULL);
    }
}

static void a_killed_writer_leaves_whole_batches(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct progress *progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t seed = 9;
    unsigned verified = 0;
    assert_true(progress != MAP_FAILED);
    for (unsigned i = 0; i < KILLS; i++) {
        uint64_t before = progress->begun;
        pid_t child = fork_child();
        if (child == 0)
            writer(progress);
        if (i >= EARLY_KILLS)
            wait_for_batches(progress, before + 2 + test_random(&seed) % 3);
        struct timespec pause = { 0, (long)(test_random(&seed) % 4000000) };
        (void)nanosleep(&pause, NULL);
        int result = 0;
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_true(WIFSIGNALED(result));
        struct manifest *manifest;
        enum manifest_found found;
        OK(manifest_open(&options, &manifest, &found, &why));
        verified += found == MANIFEST_VERIFIED;
        uint64_t n = last_batch(manifest);
        assert_true(n >= progress->committed && n <= progress->begun);
        expect_all_of(manifest, n);
        OK(manifest_close(manifest, i % 3 == 0, &why));
    }
    print_message("%u kills, %u of them left an unclean manifest, %u batches\n", KILLS, verified,
            (unsigned)progress->committed);
    assert_true(verified >= KILLS - EARLY_KILLS && progress->committed >= KILLS - EARLY_KILLS);
    (void)munmap(progress, sizeof *progress);
}

/* Writes until it is full; returns the last batch that was committed. */
static uint64_t write_until_full(struct manifest *manifest)
{
    static char value[4096];
    for (uint64_t n = 1;; n++) {
        struct manifest_batch *batch;
        enum state_status status = STATE_OK;
        char key[32];
        memset(&why, 0, sizeof why);
        OK(manifest_batch_begin(manifest, &batch, &why));
        for (unsigned i = 0; i < 20 && status == STATE_OK; i++) {
            (void)snprintf(key, sizeof key, "%08" PRIu64 "-%02u", n, i);
            status = manifest_job_put(batch, 'm', test_text(key), (struct state_text){ value, sizeof value }, &why);
        }
        if (status == STATE_OK)
            status = manifest_meta_put(batch, "batch", &n, sizeof n, &why);
        if (status != STATE_OK) {
            GIVES(STATE_FULL, status);
            GIVES(STATE_FULL, manifest_batch_commit(batch, &why));
            return n - 1;
        }
        status = manifest_batch_commit(batch, &why);
        if (status != STATE_OK) {
            GIVES(STATE_FULL, status);
            return n - 1;
        }
        assert_true(n < 100000);
    }
}

static void expect_jobs(struct manifest *manifest, uint64_t batches)
{
    struct manifest_totals totals;
    manifest_totals(manifest, &totals);
    assert_int_equal(last_batch(manifest), batches);
    assert_int_equal(totals.jobs, batches * 20);
}

static void a_file_at_its_bound_is_full_and_stays_whole(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest;
    enum manifest_found found;
    options.map_max = 2 << 20;
    OK(manifest_open(&options, &manifest, &found, &why));
    uint64_t batches = write_until_full(manifest);
    assert_non_null(strstr(why.what, "free disk space"));
    assert_true(batches > 0);
    expect_jobs(manifest, batches);
    OK(manifest_close(manifest, false, &why));
    options.map_max = 0;
    OK(manifest_open(&options, &manifest, &found, &why));
    assert_int_equal(found, MANIFEST_VERIFIED);
    expect_jobs(manifest, batches);
    write_batch(manifest, batches + 1);
    OK(manifest_close(manifest, true, &why));
}

/* In a child, whose limit ends with it. */
static void file_size_limit(void)
{
    struct manifest_options options = test_options();
    struct manifest *manifest;
    struct rlimit limit;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 3 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    OK(manifest_open(&options, &manifest, NULL, &why));
    uint64_t batches = write_until_full(manifest);
    assert_non_null(strstr(why.what, "no space"));
    expect_jobs(manifest, batches);
    assert_int_equal(write_until_full(manifest), 0);
    limit.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    GIVES(STATE_FULL, manifest_compact(manifest, &why));
    expect_jobs(manifest, batches);
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    OK(manifest_compact(manifest, &why));
    expect_jobs(manifest, batches);
    write_batch(manifest, batches + 1);
    OK(manifest_close(manifest, false, &why));
    OK(manifest_open(&options, &manifest, NULL, &why));
    OK(manifest_close(manifest, true, &why));
}

static void a_write_that_fails_in_the_middle_is_full_and_undone(void **state)
{
    (void)state;
    pid_t child = fork_child();
    if (child == 0) {
        file_size_limit(); /* a failed assertion ends it with another code */
        _exit(0);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

static int small_disk(void)
{
    char data[32];
    (void)snprintf(data, sizeof data, "size=%d", 8 << 20);
    char parent[80];
    (void)snprintf(parent, sizeof parent, "%s/state", test_root);
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mkdir(parent, 0700) != 0 || mount("none", parent, "tmpfs", 0, data) != 0)
        return 77;
    struct manifest_options options = test_options();
    struct manifest *manifest;
    OK(manifest_open(&options, &manifest, NULL, &why));
    uint64_t batches = write_until_full(manifest);
    assert_non_null(strstr(why.what, "KiB left"));
    assert_true(batches > 10);
    expect_jobs(manifest, batches);
    GIVES(STATE_FULL, manifest_compact(manifest, &why));
    expect_jobs(manifest, batches);
    OK(manifest_close(manifest, true, &why));
    OK(manifest_open(&options, &manifest, NULL, &why));
    expect_jobs(manifest, batches);
    OK(manifest_close(manifest, true, &why));
    return 0;
}

static void a_full_disk_is_said_before_a_commit(void **state)
{
    (void)state;
    pid_t child = fork_child();
    if (child == 0)
        _exit(small_disk());
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    if (WEXITSTATUS(result) == 77) {
        print_message("no right to mount a small disk: skipped\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(result), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_writer_leaves_whole_batches, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_file_at_its_bound_is_full_and_stays_whole, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_write_that_fails_in_the_middle_is_full_and_undone, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_is_said_before_a_commit, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
