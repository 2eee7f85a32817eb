/* See manifest_check.h. */
#include "state/manifest_check.h"
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

enum { LMDB_FREE = 0, LMDB_MAIN = 1 /* LMDB's own databases, always open */ };

struct check {
    MDB_txn *txn;
    const struct manifest_db *db;
    size_t page;    /* bytes */
    uint64_t pages; /* that the file has */
    uint64_t used;
    unsigned char *is_free; /* a bit a page */
};

static enum state_status damaged(struct state_error *error, const char *what)
{
    return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (%s)", what);
}

static enum state_status count_pages(struct check *check, MDB_dbi dbi, struct state_error *error)
{
    MDB_stat stat;
    int code = mdb_stat(check->txn, dbi, &stat);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "checking the manifest");
    check->used += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
    return STATE_OK;
}

/* One record of the free list: how many, and their numbers. */
static bool mark_free(struct check *check, const MDB_val *stored)
{
    size_t count;
    if (stored->mv_size < sizeof count)
        return false;
    memcpy(&count, stored->mv_data, sizeof count);
    if (count > stored->mv_size / sizeof count - 1)
        return false;
    for (size_t i = 1; i <= count; i++) {
        size_t page;
        memcpy(&page, (const char *)stored->mv_data + i * sizeof page, sizeof page);
        if (page < 2 || page >= check->pages || (check->is_free[page / 8] & 1U << page % 8) != 0)
            return false;
        check->is_free[page / 8] |= (unsigned char)(1U << page % 8);
    }
    check->used += count;
    return true;
}

static enum state_status read_free_list(struct check *check, struct state_error *error)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(check->txn, LMDB_FREE, &cursor);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "checking the free list");
    enum state_status status = STATE_OK;
    MDB_val key;
    MDB_val stored;
    while (status == STATE_OK && (code = mdb_cursor_get(cursor, &key, &stored, MDB_NEXT)) == 0)
        if (!mark_free(check, &stored))
            status = damaged(error, "its free list");
    mdb_cursor_close(cursor);
    if (status == STATE_OK && code != MDB_NOTFOUND)
        status = manifest_lmdb_fail(code, error, "checking the free list");
    if (status == STATE_OK)
        status = count_pages(check, LMDB_FREE, error);
    if (status == STATE_OK)
        status = count_pages(check, LMDB_MAIN, error);
    return status;
}

/* LMDB does not tell where the map begins, but a page begins with its own number. */
static size_t page_of(const struct check *check, const void *ptr)
{
    size_t page;
    memcpy(&page, (const char *)ptr - (uintptr_t)ptr % check->page, sizeof page);
    return page;
}

static bool in_use(const struct check *check, const void *ptr)
{
    size_t page = page_of(check, ptr);
    return page < check->pages && (check->is_free[page / 8] & 1U << page % 8) == 0;
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
        else if (!in_use(check, stored.mv_data))
            wrong = "a page that is free and in use";
        else if (part != NULL && !db_value(part, &key, &stored, &value))
            wrong = "a value does not fit its checksum";
        else if ((last.mv_data == NULL || page_of(check, key.mv_data) != page_of(check, last.mv_data)) &&
                 (!in_use(check, key.mv_data) || !is_found(check, dbi, key, stored.mv_data) ||
                         (last.mv_data != NULL && !is_found(check, dbi, last, last_stored))))
            wrong = "its tree of pages";
        last = key;
        last_stored = stored.mv_data;
    }
    mdb_cursor_close(cursor);
    if (wrong != NULL)
        return damaged(error, wrong);
    if (code != MDB_NOTFOUND)
        return manifest_lmdb_fail(code, error, "checking the manifest");
    return count_pages(check, dbi, error);
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
    if (status == STATE_OK)
        status = read_free_list(check, error);
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
    if (status == STATE_OK && check->used + 2 > check->pages)
        status = damaged(error, "more pages than the file has");
    return status;
}

enum state_status check_file(const char *path, uint64_t size, struct state_error *error)
{
    struct manifest_db db;
    enum state_status status = db_open(path, DB_READ_ONLY, size + (UINT64_C(1) << 20), 8, &db, error);
    if (status != STATE_OK)
        return status;
    struct check check = { .db = &db };
    MDB_envinfo info;
    MDB_stat stat;
    int code = mdb_env_info(db.env, &info);
    if (code == 0)
        code = mdb_env_stat(db.env, &stat);
    if (code == 0)
        code = mdb_txn_begin(db.env, NULL, MDB_RDONLY, &check.txn);
    if (code != 0) {
        status = manifest_lmdb_fail(code, error, "checking the manifest");
        goto out;
    }
    check.page = stat.ms_psize;
    check.pages = info.me_last_pgno + 1;
    /* pages that were never written may be missing at the end: those of one transaction */
    if (check.pages > 2 * (size / check.page) + 65536) {
        status = damaged(error, "its end is missing");
        goto out;
    }
    check.is_free = calloc(1, check.pages / 8 + 1);
    status = check.is_free != NULL ? check_all(&check, error)
                                   : state_fail(error, STATE_NO_MEMORY, 0, "checking the manifest: out of memory");
out:
    free(check.is_free);
    mdb_txn_abort(check.txn);
    db_close(&db);
    return status;
}

struct verdict {
    enum state_status status;
    struct state_error error;
};

static void run_child(const char *path, uint64_t size, unsigned seconds, int out) __attribute__((noreturn));
static void run_child(const char *path, uint64_t size, unsigned seconds, int out)
{
    static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGTERM, SIGINT };
    sigset_t none;
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

enum state_status check_in_child(const char *path, uint64_t size, unsigned seconds, struct state_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return state_fail(error, STATE_IO, errno, "checking the manifest: pipe failed (errno %d)", errno);
    pid_t child = fork();
    if (child == 0)
        run_child(path, size, seconds, ends[1]);
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
    if (verdict.status != STATE_OK && error != NULL) {
        *error = verdict.error;
        error->what[sizeof error->what - 1] = '\0';
    }
    return verdict.status;
}
