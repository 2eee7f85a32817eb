/* See manifest_check.h. */
#include "state/manifest_check.h"
#include "state/manifest_pages.h"
#include "state/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct check {
    MDB_txn *txn;
    const struct manifest_db *db;
    size_t page; /* bytes */
};

static enum state_status damaged(struct state_error *error, const char *what)
{
    return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (%s)", what);
}

static uintptr_t page_of(const struct check *check, const void *ptr)
{
    return (uintptr_t)ptr / check->page;
}

static bool is_found(const struct check *check, MDB_dbi dbi, MDB_val key, const void *stored)
{
    MDB_val found;
    return mdb_get(check->txn, dbi, &key, &found) == 0 && found.mv_data == stored;
}

static bool is_ascending(const MDB_val *a, const MDB_val *b)
{
    size_t shared = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
    int order = memcmp(a->mv_data, b->mv_data, shared);
    return order < 0 || (order == 0 && a->mv_size < b->mv_size);
}

/* One of LMDB's databases as such. `part`: its values have checksums of their own (outbox and meta). */
static enum state_status check_database(struct check *check, MDB_dbi dbi, const char *part, struct state_error *error)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(check->txn, dbi, &cursor);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "checking the manifest");
    const char *wrong = NULL;
    MDB_val key;
    MDB_val stored;
    MDB_val last = { 0, NULL };
    const void *last_stored = NULL;
    while (wrong == NULL && (code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT)) == 0) {
        struct state_text value;
        if (last.mv_data != NULL && !is_ascending(&last, &key))
            wrong = "keys out of order";
        else if (part != NULL && !db_value(part, &key, &stored, &value))
            wrong = "a value does not fit its checksum";
        else if ((last.mv_data == NULL || page_of(check, key.mv_data) != page_of(check, last.mv_data)) &&
                 (!is_found(check, dbi, key, stored.mv_data) ||
                         (last.mv_data != NULL && !is_found(check, dbi, last, last_stored))))
            wrong = "a look-up misses what a walk finds";
        last = key;
        last_stored = stored.mv_data;
    }
    mdb_cursor_close(cursor);
    if (wrong != NULL)
        return damaged(error, wrong);
    if (code != MDB_NOTFOUND)
        return manifest_lmdb_fail(code, error, "checking the manifest");
    return STATE_OK;
}

static bool count_live(struct manifest_counts *seen, struct state_text value)
{
    struct record_texts texts;
    struct state_entry entry;
    if (!record_decode((const unsigned char *)value.ptr, value.len, &texts, &entry))
        return false;
    db_count_entry(seen, entry.class_, entry.size, true);
    return true;
}

/* One part as a map of keys: every checksum, every link. */
static enum state_status check_part(
        struct check *check, enum manifest_part part, struct manifest_counts *seen, struct state_error *error)
{
    struct tree_cursor *cursor = malloc(sizeof *cursor);
    if (cursor == NULL)
        return state_fail(error, STATE_NO_MEMORY, 0, "checking the manifest: out of memory");
    enum state_status status = tree_cursor_open(check->txn, &check->db->tree[part], cursor, error);
    struct state_text key;
    struct state_text value;
    while (status == STATE_OK && (status = tree_cursor_next(cursor, &key, &value, error)) == STATE_OK) {
        seen->tree[part].records++;
        if (part == MANIFEST_LIVE && !count_live(seen, value))
            status = damaged(error, "a record");
    }
    if (status == STATE_END)
        status = STATE_OK;
    tree_cursor_close(cursor);
    free(cursor);
    return status;
}

static enum state_status check_all(struct check *check, struct state_error *error)
{
    struct manifest_counts counts;
    struct manifest_counts seen = { 0 };
    enum state_status status = db_counts_get(check->txn, check->db, &counts, error);
    if (status == STATE_OK)
        status = db_counts_agree(check->txn, check->db, &counts, error);
    for (unsigned part = 0; part < DB_PARTS && status == STATE_OK; part++) {
        for (unsigned level = 0; level < TREE_LEVELS && status == STATE_OK; level++)
            status = check_database(check, check->db->tree[part].level[level], NULL, error);
        if (status == STATE_OK)
            status = check_part(check, (enum manifest_part)part, &seen, error);
        if (status == STATE_OK && seen.tree[part].records != counts.tree[part].records)
            status = damaged(error, "the number of records is not the recorded one");
    }
    if (status == STATE_OK && memcmp(seen.by_class, counts.by_class, sizeof seen.by_class) != 0)
        status = damaged(error, "the totals by class");
    if (status == STATE_OK)
        status = check_database(check, check->db->outbox, DB_OUTBOX, error);
    if (status == STATE_OK)
        status = check_database(check, check->db->meta, DB_META, error);
    return status;
}

enum state_status check_file(const char *path, uint64_t size, struct state_error *error)
{
    struct manifest_db db;
    enum state_status status = db_open(path, DB_READ_ONLY, size + (UINT64_C(1) << 20), 8, &db, error);
    if (status != STATE_OK)
        return status;
    struct check check = { .db = &db };
    MDB_stat stat;
    int code = mdb_env_stat(db.env, &stat);
    if (code == 0)
        code = mdb_txn_begin(db.env, NULL, MDB_RDONLY, &check.txn);
    if (code != 0) {
        status = manifest_lmdb_fail(code, error, "checking the manifest");
    } else {
        check.page = stat.ms_psize;
        status = pages_check(path, stat.ms_psize, mdb_txn_id(check.txn), error);
        if (status == STATE_OK)
            status = check_all(&check, error);
        mdb_txn_abort(check.txn);
    }
    db_close(&db);
    return status;
}

struct verdict {
    enum state_status status;
    struct state_error error;
};

static void run_child(const char *path, uint64_t size, unsigned seconds, int lock, int out) __attribute__((noreturn));
static void run_child(const char *path, uint64_t size, unsigned seconds, int lock, int out)
{
    static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGTERM, SIGINT };
    sigset_t none;
    (void)close(lock); /* the parent's lock must end with the parent */
    (void)sigemptyset(&none);
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        (void)signal(deadly[i], SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(seconds);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    /* LMDB's assertions write to standard error before they abort: here that is an expected way to learn of damage */
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        (void)dup2(null, STDERR_FILENO);
    struct verdict verdict;
    memset(&verdict, 0, sizeof verdict);
    verdict.status = check_file(path, size, &verdict.error);
    ssize_t sent = write(out, &verdict, sizeof verdict);
    _exit(sent == (ssize_t)sizeof verdict ? 0 : 1);
}

enum state_status check_in_child(const char *path, uint64_t size, unsigned seconds, int lock, struct state_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return state_fail(error, STATE_IO, errno, "checking the manifest: pipe failed (errno %d)", errno);
    pid_t child = fork();
    if (child == 0)
        run_child(path, size, seconds, lock, ends[1]);
    int fork_errno = errno;
    (void)close(ends[1]);
    struct verdict verdict;
    ssize_t got = 0;
    int result = 0;
    if (child > 0) {
        do
            got = read(ends[0], &verdict, sizeof verdict); /* ends when the child has written or is dead */
        while (got < 0 && errno == EINTR);
        while (waitpid(child, &result, 0) < 0 && errno == EINTR)
            continue;
    }
    (void)close(ends[0]);
    if (child < 0)
        return state_fail(error, STATE_IO, fork_errno, "checking the manifest: fork failed (errno %d)", fork_errno);
    if (got != (ssize_t)sizeof verdict)
        return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (reading it ended with signal %d)",
                WIFSIGNALED(result) ? WTERMSIG(result) : 0);
    if (verdict.status == STATE_OK)
        return STATE_OK;
    if (error != NULL) {
        *error = verdict.error;
        error->what[sizeof error->what - 1] = '\0';
    }
    /* what looks like a lack of memory or a failing call is, in a file that was just seen, a number that is not true */
    return verdict.status == STATE_TOO_NEW ? STATE_TOO_NEW : STATE_BAD_DATA;
}
