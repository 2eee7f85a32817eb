/*
 * The bytes of versions, read and compared by a crew: by ETag or checksum where they tell of the bytes, else by their
 * number. An archived object that is not thawed is counted, and no fault. See verify_inside.h.
 */
#include "agent/verify_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/crew.h"
#include "agent/verify_sum.h"

enum {
    WAITING_MAX = 256,
    WAIT_MS = 500,
    GOES_ON_MAX = 100 /* broken connections of one object, each after some bytes more */
};

struct verify_reader {
    struct verifying *verifying;
    struct crew *crew;
};

/* One version to read. Texts are terminated and lie behind the struct. */
struct reading {
    struct layout_path path;
    struct state_text key;
    uint64_t size;
    const char *version, *etag, *checksum;
};

/* One version under way. */
struct progress {
    struct verifying *verifying;
    struct s3_conn *conn;
    const struct reading *reading;
    struct verify_sum *sum;
    struct verify_parts parts;
    struct s3_head head;
    uint64_t got;
    bool looked, begun; /* at this answer; the sums know what they are to meet */
    bool stopped, wrong_size;
    char checksum[S3_CHECKSUM_MAX + 1];
};

/* An ETag says nothing of the bytes where the service encrypts with a key of its KMS. */
static bool has_plain_etag(const struct s3_head *head)
{
    return strncmp(head->encryption, "aws:kms", strlen("aws:kms")) != 0 && head->customer_algorithm[0] == '\0';
}

/* Before the first byte: whether it is the rest of what is wanted, and what to compare it with. */
static bool look(struct progress *progress)
{
    const struct reading *reading = progress->reading;
    const struct s3_head *head = &progress->head;

    progress->looked = true;
    if (!head->has_size || head->size != reading->size - progress->got) {
        progress->wrong_size = true;
        return false;
    }
    if (progress->begun)
        return true;
    progress->begun = true;
    (void)snprintf(progress->checksum, sizeof progress->checksum, "%s",
            reading->checksum[0] != '\0'                    ? reading->checksum
            : strcmp(head->checksum_type, "COMPOSITE") != 0 ? head->checksum
                                                            : "");
    verify_sum_begin(progress->sum, has_plain_etag(head) ? reading->etag : NULL, &progress->parts, progress->checksum);
    return true;
}

static bool take(void *ctx, const char *bytes, size_t length)
{
    struct progress *progress = ctx;

    if (!progress->looked && !look(progress))
        return false;
    if (clock_stop_asked()) {
        progress->stopped = true;
        return false;
    }
    verify_sum_add(progress->sum, bytes, length);
    progress->got += length;
    return true;
}

static struct s3_target target_of(const struct progress *progress)
{
    const struct reading *reading = progress->reading;
    struct s3_target target = vault_target(progress->verifying->options->vault, reading->path.ptr, reading->path.len);

    target.version = reading->version[0] != '\0' ? reading->version : NULL;
    return target;
}

static enum s3_status ask_part(
        struct progress *progress, uint32_t number, uint64_t *size, uint32_t *count, struct s3_error *error)
{
    const struct s3_head_options options = { .target = target_of(progress), .part_number = number };
    struct s3_head head;
    enum s3_status status;

    s3_head_init(&head);
    status = s3_head_object(progress->conn, progress->verifying->options->vault->client, &options, &head, error);
    *size = head.size;
    *count = head.parts;
    s3_head_free(&head);
    return status;
}

/* The parts of an object whose ETag ends in -N. A service that does not tell them leaves them unknown: no failure. */
static void find_parts(struct progress *progress)
{
    const char *dash = strchr(progress->reading->etag, '-');
    struct verify_parts *parts = &progress->parts;
    uint64_t first = 0, sum = 0;
    uint32_t count = 0, ignored;
    struct s3_error error;

    if (dash == NULL || ask_part(progress, 1, &first, &count, &error) != S3_OK || count == 0 ||
            strtoul(dash + 1, NULL, 10) != count || first == 0)
        return;
    parts->count = count;
    if ((count - 1) * first < progress->reading->size && progress->reading->size <= count * first) {
        uint64_t last = 0;
        if (ask_part(progress, count, &last, &ignored, &error) == S3_OK &&
                (count - 1) * first + last == progress->reading->size) {
            parts->even = first;
            return;
        }
    }
    parts->sizes = calloc(count, sizeof *parts->sizes);
    for (uint32_t i = 0; i < count && parts->sizes != NULL; i++) {
        if (ask_part(progress, i + 1, &parts->sizes[i], &ignored, &error) != S3_OK || clock_stop_asked())
            break;
        sum += parts->sizes[i];
    }
    if (sum != progress->reading->size) {
        free(parts->sizes);
        *parts = (struct verify_parts){ .sizes = NULL };
    }
}

static enum s3_status get(struct progress *progress, struct s3_error *error)
{
    const struct s3_clock *clock = clock_real();
    const struct s3_sink sink = { .write = take, .ctx = progress };
    enum s3_status status;
    bool again;

    for (int goes_on = 0;; goes_on++) {
        const struct s3_get_options options = { .target = target_of(progress),
            .ranged = progress->got > 0,
            .first = progress->got,
            .last = UINT64_MAX,
            .checksum = progress->got == 0 };
        uint64_t before = progress->got;
        progress->looked = false;
        status = s3_get_object(
                progress->conn, progress->verifying->options->vault->client, &options, &sink, &progress->head, error);
        if (status == S3_OK && !progress->looked) /* no byte came: an empty object */
            (void)look(progress);
        /* s3/ has tried often where nothing came at all; where something came, it is worth going on behind it */
        again = (status == S3_RETRY || status == S3_BAD_DATA || status == S3_THROTTLED) && !progress->wrong_size &&
                progress->got > before && goes_on < GOES_ON_MAX;
        if (!again)
            return status;
        if (progress->got == progress->reading->size) /* it broke off behind the last byte */
            return S3_OK;
        if (!clock->sleep_ms(clock->ctx, WAIT_MS))
            return S3_CANCELLED;
    }
}

static void count(struct progress *progress, enum verify_summed etag, enum verify_summed checksum)
{
    struct verify_report *report = progress->verifying->report;

    (void)pthread_mutex_lock(&report->lock);
    report->read++;
    report->bytes_read += progress->got;
    if (etag == VERIFY_EQUAL)
        report->by_etag++;
    else if (checksum == VERIFY_EQUAL)
        report->by_checksum++;
    else if (etag == VERIFY_NOT_COMPARED && checksum == VERIFY_NOT_COMPARED)
        report->by_size++;
    (void)pthread_mutex_unlock(&report->lock);
}

static void judge_bytes(struct progress *progress)
{
    const struct reading *reading = progress->reading;
    enum verify_summed etag, checksum;

    verify_sum_end(progress->sum, &etag, &checksum);
    count(progress, etag, checksum);
    if (checksum == VERIFY_DIFFERENT)
        verify_tell(progress->verifying, "bytes-changed", reading->key,
                "version %s: its bytes do not have the checksum %s that was recorded when they were written",
                reading->version, progress->checksum);
    else if (etag == VERIFY_DIFFERENT && checksum != VERIFY_EQUAL)
        verify_tell(progress->verifying, "bytes-changed", reading->key,
                "version %s: its bytes are not those of its ETag %s", reading->version, reading->etag);
}

static void judge(struct progress *progress, enum s3_status status, const struct s3_error *error)
{
    struct verifying *verifying = progress->verifying;
    struct verify_report *report = verifying->report;
    const struct reading *reading = progress->reading;

    if (progress->stopped || status == S3_CANCELLED) {
        (void)pthread_mutex_lock(&report->lock);
        report->stopped = true;
        (void)pthread_mutex_unlock(&report->lock);
    } else if (progress->wrong_size || (status == S3_OK && progress->got != reading->size)) {
        verify_tell(verifying, "bytes-truncated", reading->key,
                "version %s: %" PRIu64 " bytes were wanted, the vault gives %" PRIu64, reading->version, reading->size,
                progress->wrong_size ? progress->got + progress->head.size : progress->got);
    } else if (status == S3_ARCHIVED) {
        (void)pthread_mutex_lock(&report->lock);
        report->archived++;
        (void)pthread_mutex_unlock(&report->lock);
    } else if (status == S3_OK) {
        judge_bytes(progress);
    } else if (progress->got > 0) {
        verify_tell(verifying, "bytes-truncated", reading->key,
                "version %s: it breaks off after %" PRIu64 " of %" PRIu64 " bytes, again and again (%s: %s)",
                reading->version, progress->got, reading->size, error->code, error->message);
    } else {
        verify_tell(verifying, "unreadable", reading->key, "version %s: %s %d %s: %s, request %s", reading->version,
                error->operation != NULL ? error->operation : "GetObject", error->http_status, error->code,
                error->message, error->request_id);
    }
}

static void read_version(void *ctx, struct s3_conn *conn, void *task)
{
    struct verify_reader *reader = ctx;
    struct reading *reading = task;
    struct progress progress = { .verifying = reader->verifying, .conn = conn, .reading = reading };
    struct s3_error error;
    enum s3_status status;

    s3_error_clear(&error);
    s3_head_init(&progress.head);
    progress.sum = verify_sum_new();
    if (progress.sum == NULL) {
        status = s3_fail(&error, S3_NO_MEMORY, "NoMemory", "out of memory");
    } else if (clock_stop_asked()) {
        status = S3_CANCELLED;
    } else {
        find_parts(&progress);
        status = get(&progress, &error);
    }
    judge(&progress, status, &error);
    verify_sum_free(progress.sum);
    free(progress.parts.sizes);
    s3_head_free(&progress.head);
    free(reading);
}

enum verdict verify_reader_start(struct verifying *verifying, struct verify_reader **out, struct failure *failure)
{
    const struct program *program = verifying->options->program;
    struct verify_reader *reader = calloc(1, sizeof *reader);
    struct crew_options options = { .program = program,
        .workers = (unsigned)program->config->limits.workers,
        .waiting_max = WAITING_MAX,
        .work = read_version,
        .ctx = reader };
    enum verdict verdict;

    *out = NULL;
    if (reader == NULL)
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    reader->verifying = verifying;
    verdict = crew_start(&options, &reader->crew, failure);
    if (verdict == VERDICT_OK)
        *out = reader;
    else
        free(reader);
    return verdict;
}

static const char *lay(char **at, const char *ptr, size_t len)
{
    const char *text = *at;

    if (len > 0)
        memcpy(*at, ptr, len);
    (*at)[len] = '\0';
    *at += len + 1;
    return text;
}

enum verdict verify_reader_give(struct verify_reader *reader, const struct verify_change *change,
        const struct s3_page_entry *entry, struct failure *failure)
{
    const struct verify_record *record = &change->record;
    bool is_null = entry->version.len == 4 && memcmp(entry->version.ptr, "null", 4) == 0;
    size_t version_len = is_null && entry->is_latest ? 0 : entry->version.len;
    struct reading *reading =
            malloc(sizeof *reading + record->key.len + version_len + entry->etag.len + record->checksum.len + 4);
    char *at;

    if (reading == NULL || entry->key.len > STATE_PATH_MAX) {
        free(reading);
        return failure_set(failure, VERDICT_INTERNAL, "out of memory");
    }
    at = (char *)(reading + 1);
    memcpy(reading->path.ptr, entry->key.ptr, entry->key.len);
    reading->path.len = entry->key.len;
    reading->size = entry->size;
    reading->key = (struct state_text){ lay(&at, record->key.ptr, record->key.len), record->key.len };
    reading->version = lay(&at, entry->version.ptr, version_len);
    reading->etag = lay(&at, entry->etag.ptr, entry->etag.len);
    reading->checksum = lay(&at, record->checksum.ptr, record->checksum.len);
    crew_give(reader->crew, reading);
    return VERDICT_OK;
}

void verify_reader_stop(struct verify_reader *reader)
{
    if (reader == NULL)
        return;
    crew_stop(reader->crew);
    free(reader);
}
