/* See verify_sort.h. Sorted runs of an arena each, merged by a heap of their heads. */
#include "agent/verify_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "state/manifest.h"

enum {
    ARENA = 16 * 1024 * 1024,
    BUFFERS = 16 * 1024 * 1024, /* of all runs together, while they are merged */
    BUFFER_LEAST = 8 * 1024,    /* more than the longest record */
    BUFFER_MOST = 256 * 1024,
    RUNS_MAX = 8192 /* 128 GiB of lines */
};

/* Before the texts of a record, in memory and in the file. */
struct head {
    uint64_t sequence, size;
    int64_t copied_ms;
    uint32_t total, point;
    uint16_t name_len, key_len, version_len, etag_len, checksum_len;
    uint8_t is_long, did, by, class_;
};
enum { RECORD_MAX = sizeof(struct head) + 2 * STATE_KEY_MAX + STATE_VERSION_MAX + STATE_ETAG_MAX + STATE_CHECKSUM_MAX };
_Static_assert((int)RECORD_MAX <= (int)BUFFER_LEAST, "a buffer holds a record");

/* One sorted run in the file. */
struct run {
    off_t at, end; /* what was not read yet */
    off_t first;
    char *buffer;
    size_t used, filled;
};

struct verify_sort {
    const char *folder;
    int fd;
    char *arena;
    size_t arena_size, arena_used;
    size_t *offsets; /* of the arena's records */
    size_t count, capacity, next;
    struct run *runs;
    size_t run_count, run_capacity, buffer_size;
    size_t *heap; /* runs that are not at their end, the one with the least head first */
    size_t heap_count;
    bool begun, popped; /* popped: the head of the heap's first run was handed out */
    off_t file_end;
    struct verify_record record;
    enum verdict verdict;
    struct failure failure;
};

static enum verdict fail(struct verify_sort *sort, struct failure *failure, enum verdict verdict, const char *what)
{
    sort->verdict = failure_set(&sort->failure, verdict,
            "sorting what the logs say, in %s: %s (error %d); --state-dir names another folder", sort->folder, what,
            errno);
    if (failure != NULL)
        *failure = sort->failure;
    return sort->verdict;
}

static enum verdict no_memory(struct verify_sort *sort, struct failure *failure)
{
    sort->verdict = failure_set(&sort->failure, VERDICT_INTERNAL, "out of memory");
    if (failure != NULL)
        *failure = sort->failure;
    return sort->verdict;
}

/* What failed once. */
static enum verdict again(const struct verify_sort *sort, struct failure *failure)
{
    if (failure != NULL)
        *failure = sort->failure;
    return sort->verdict;
}

enum verdict verify_sort_new(const char *folder, size_t memory, struct verify_sort **out, struct failure *failure)
{
    struct verify_sort *sort = calloc(1, sizeof *sort);

    *out = sort;
    if (sort != NULL) {
        sort->folder = folder;
        sort->fd = -1;
        sort->arena_size = memory > 0 ? memory : ARENA;
        sort->arena = malloc(sort->arena_size);
        if (sort->arena != NULL)
            return VERDICT_OK;
    }
    verify_sort_free(sort);
    *out = NULL;
    return failure_set(failure, VERDICT_INTERNAL, "out of memory");
}

void verify_sort_free(struct verify_sort *sort)
{
    if (sort == NULL)
        return;
    for (size_t i = 0; i < sort->run_count; i++)
        free(sort->runs[i].buffer);
    if (sort->fd >= 0)
        (void)close(sort->fd);
    free(sort->runs);
    free(sort->heap);
    free(sort->offsets);
    free(sort->arena);
    free(sort);
}

static int compare(const char *a, const char *b)
{
    struct head one, other;
    int order;

    memcpy(&one, a, sizeof one);
    memcpy(&other, b, sizeof other);
    if (one.is_long != other.is_long)
        return one.is_long ? -1 : 1;
    order = memcmp(a + sizeof one, b + sizeof one, one.name_len < other.name_len ? one.name_len : other.name_len);
    if (order == 0)
        order = one.name_len < other.name_len ? -1 : one.name_len > other.name_len;
    if (order == 0)
        order = one.sequence > other.sequence ? -1 : one.sequence < other.sequence;
    return order;
}

/* qsort hands over no context; a thread sorts one arena at a time. */
static _Thread_local const char *sorted_arena;

static int by_order(const void *a, const void *b)
{
    return compare(sorted_arena + *(const size_t *)a, sorted_arena + *(const size_t *)b);
}

static void sort_arena(struct verify_sort *sort)
{
    sorted_arena = sort->arena;
    if (sort->count > 1)
        qsort(sort->offsets, sort->count, sizeof *sort->offsets, by_order);
}

static enum verdict open_file(struct verify_sort *sort, struct failure *failure)
{
    char path[4200];
    int length = snprintf(path, sizeof path, "%s/verify.XXXXXX", sort->folder);

    if (length < 0 || (size_t)length >= sizeof path)
        return fail(sort, failure, VERDICT_USAGE, "its path is too long");
    (void)!manifest_make_folder(sort->folder, NULL); /* where it fails, so does the next */
    sort->fd = mkostemp(path, O_CLOEXEC);
    if (sort->fd < 0)
        return fail(sort, failure, VERDICT_FULL, "no file can be made");
    (void)unlink(path);
    return VERDICT_OK;
}

static bool write_all(struct verify_sort *sort, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t done = pwrite(sort->fd, bytes, length, sort->file_end);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        bytes += done;
        length -= (size_t)done;
        sort->file_end += done;
    }
    return true;
}

/* Through a buffer: records are small, and lie in the arena in another order. */
static bool write_records(struct verify_sort *sort, char *buffer)
{
    size_t used = 0;

    for (size_t i = 0; i < sort->count; i++) {
        const char *record = sort->arena + sort->offsets[i];
        struct head head;
        memcpy(&head, record, sizeof head);
        if (used + head.total > BUFFER_MOST) {
            if (!write_all(sort, buffer, used))
                return false;
            used = 0;
        }
        memcpy(buffer + used, record, head.total);
        used += head.total;
    }
    return write_all(sort, buffer, used);
}

static enum verdict spill(struct verify_sort *sort, struct failure *failure)
{
    off_t first = sort->file_end;
    char *buffer;
    bool written;

    if (sort->fd < 0 && open_file(sort, failure) != VERDICT_OK)
        return sort->verdict;
    if (sort->run_count == RUNS_MAX)
        return fail(sort, failure, VERDICT_FULL, "there are too many lines");
    if (sort->run_count == sort->run_capacity) {
        size_t capacity = sort->run_capacity == 0 ? 16 : sort->run_capacity * 2;
        struct run *runs = realloc(sort->runs, capacity * sizeof *runs);
        if (runs == NULL)
            return no_memory(sort, failure);
        sort->runs = runs;
        sort->run_capacity = capacity;
    }
    buffer = malloc(BUFFER_MOST);
    if (buffer == NULL)
        return no_memory(sort, failure);
    sort_arena(sort);
    written = write_records(sort, buffer);
    free(buffer);
    if (!written)
        return fail(sort, failure, VERDICT_FULL, "writing failed");
    sort->runs[sort->run_count++] = (struct run){ .first = first, .end = sort->file_end };
    sort->arena_used = sort->count = 0;
    return VERDICT_OK;
}

static char *lay(char *at, struct state_text text)
{
    if (text.len > 0)
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

enum verdict verify_sort_add(struct verify_sort *sort, const struct verify_record *record, struct failure *failure)
{
    struct head head = { .sequence = record->sequence,
        .size = record->size,
        .copied_ms = record->copied_ms,
        .point = record->point,
        .name_len = (uint16_t)record->name.len,
        .key_len = record->is_long ? (uint16_t)record->key.len : 0,
        .version_len = (uint16_t)record->version.len,
        .etag_len = (uint16_t)record->etag.len,
        .checksum_len = (uint16_t)record->checksum.len,
        .is_long = record->is_long,
        .did = (uint8_t)record->did,
        .by = (uint8_t)record->by,
        .class_ = (uint8_t)record->class_ };
    char *at;

    if (sort->verdict != VERDICT_OK)
        return again(sort, failure);
    if (sort->arena_size - sort->arena_used < RECORD_MAX && spill(sort, failure) != VERDICT_OK)
        return sort->verdict;
    if (sort->count == sort->capacity) {
        size_t capacity = sort->capacity == 0 ? 1024 : sort->capacity * 2;
        size_t *offsets = realloc(sort->offsets, capacity * sizeof *offsets);
        if (offsets == NULL)
            return no_memory(sort, failure);
        sort->offsets = offsets;
        sort->capacity = capacity;
    }
    at = lay(sort->arena + sort->arena_used + sizeof head, record->name);
    if (head.key_len > 0)
        at = lay(at, record->key);
    at = lay(lay(lay(at, record->version), record->etag), record->checksum);
    head.total = (uint32_t)(at - (sort->arena + sort->arena_used));
    memcpy(sort->arena + sort->arena_used, &head, sizeof head);
    sort->offsets[sort->count++] = sort->arena_used;
    sort->arena_used += head.total;
    return VERDICT_OK;
}

static struct state_text take(const char **at, size_t length)
{
    struct state_text text = { *at, length };

    *at += length;
    return text;
}

static void unpack(struct verify_sort *sort, const char *bytes)
{
    struct verify_record *record = &sort->record;
    const char *at = bytes + sizeof(struct head);
    struct head head;

    memcpy(&head, bytes, sizeof head);
    record->is_long = head.is_long;
    record->name = take(&at, head.name_len);
    record->key = head.is_long ? take(&at, head.key_len) : record->name;
    record->version = take(&at, head.version_len);
    record->etag = take(&at, head.etag_len);
    record->checksum = take(&at, head.checksum_len);
    record->sequence = head.sequence;
    record->size = head.size;
    record->copied_ms = head.copied_ms;
    record->point = head.point;
    record->did = (enum state_did)head.did;
    record->by = (enum state_compared)head.by;
    record->class_ = (enum storage_class)head.class_;
}

/* Makes the run's next record whole in its buffer; *has false at its end. */
static enum verdict fill(struct verify_sort *sort, struct run *run, bool *has, struct failure *failure)
{
    size_t left = run->filled - run->used;
    struct head head = { .total = 0 };

    if (left >= sizeof head)
        memcpy(&head, run->buffer + run->used, sizeof head);
    if (left >= sizeof head && left >= head.total) {
        *has = true;
        return VERDICT_OK;
    }
    memmove(run->buffer, run->buffer + run->used, left);
    run->used = 0;
    run->filled = left;
    while (run->at < run->end && run->filled < sort->buffer_size) {
        size_t room = sort->buffer_size - run->filled;
        size_t wanted = (off_t)room < run->end - run->at ? room : (size_t)(run->end - run->at);
        ssize_t done = pread(sort->fd, run->buffer + run->filled, wanted, run->at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(sort, failure, VERDICT_FULL, "reading failed");
        run->at += done;
        run->filled += (size_t)done;
    }
    *has = run->filled > 0;
    return VERDICT_OK;
}

static bool is_before(const struct verify_sort *sort, size_t a, size_t b)
{
    const struct run *one = &sort->runs[a], *other = &sort->runs[b];

    return compare(one->buffer + one->used, other->buffer + other->used) < 0;
}

static void sink(struct verify_sort *sort, size_t at)
{
    for (;;) {
        size_t least = at, child = 2 * at + 1, swapped = sort->heap[at];
        if (child < sort->heap_count && is_before(sort, sort->heap[child], sort->heap[least]))
            least = child;
        if (child + 1 < sort->heap_count && is_before(sort, sort->heap[child + 1], sort->heap[least]))
            least = child + 1;
        if (least == at)
            return;
        sort->heap[at] = sort->heap[least];
        sort->heap[least] = swapped;
        at = least;
    }
}

static enum verdict open_runs(struct verify_sort *sort, struct failure *failure)
{
    size_t size = BUFFERS / sort->run_count;
    bool has;

    sort->buffer_size = size < BUFFER_LEAST ? BUFFER_LEAST : size > BUFFER_MOST ? BUFFER_MOST : size;
    if (sort->heap == NULL)
        sort->heap = malloc(sort->run_count * sizeof *sort->heap);
    if (sort->heap == NULL)
        return no_memory(sort, failure);
    sort->heap_count = 0;
    for (size_t i = 0; i < sort->run_count; i++) {
        struct run *run = &sort->runs[i];
        if (run->buffer == NULL)
            run->buffer = malloc(sort->buffer_size);
        if (run->buffer == NULL)
            return no_memory(sort, failure);
        run->at = run->first;
        run->used = run->filled = 0;
        if (fill(sort, run, &has, failure) != VERDICT_OK)
            return sort->verdict;
        if (has)
            sort->heap[sort->heap_count++] = i;
    }
    for (size_t i = sort->heap_count / 2; i > 0; i--)
        sink(sort, i - 1);
    return VERDICT_OK;
}

enum verdict verify_sort_begin(struct verify_sort *sort, struct failure *failure)
{
    sort->next = 0;
    sort->popped = false;
    if (sort->verdict != VERDICT_OK)
        return again(sort, failure);
    if (!sort->begun && sort->run_count > 0 && sort->count > 0 && spill(sort, failure) != VERDICT_OK)
        return sort->verdict;
    if (!sort->begun && sort->run_count > 0) { /* the memory is the buffers' now */
        free(sort->arena);
        free(sort->offsets);
        sort->arena = NULL;
        sort->offsets = NULL;
    } else if (!sort->begun) {
        sort_arena(sort);
    }
    sort->begun = true;
    return sort->run_count > 0 ? open_runs(sort, failure) : VERDICT_OK;
}

/* The first run's head was handed out: it goes on. */
static enum verdict step(struct verify_sort *sort, struct failure *failure)
{
    struct run *run = &sort->runs[sort->heap[0]];
    struct head head;
    bool has;

    memcpy(&head, run->buffer + run->used, sizeof head);
    run->used += head.total;
    if (fill(sort, run, &has, failure) != VERDICT_OK)
        return sort->verdict;
    if (!has)
        sort->heap[0] = sort->heap[--sort->heap_count];
    if (sort->heap_count > 1)
        sink(sort, 0);
    return VERDICT_OK;
}

enum verdict verify_sort_next(struct verify_sort *sort, const struct verify_record **record, struct failure *failure)
{
    *record = NULL;
    if (sort->verdict != VERDICT_OK)
        return again(sort, failure);
    if (sort->run_count == 0) {
        if (sort->next == sort->count)
            return VERDICT_OK;
        unpack(sort, sort->arena + sort->offsets[sort->next++]);
    } else {
        if (sort->popped && sort->heap_count > 0 && step(sort, failure) != VERDICT_OK)
            return sort->verdict;
        sort->popped = sort->heap_count > 0;
        if (sort->heap_count == 0)
            return VERDICT_OK;
        unpack(sort, sort->runs[sort->heap[0]].buffer + sort->runs[sort->heap[0]].used);
    }
    *record = &sort->record;
    return VERDICT_OK;
}
