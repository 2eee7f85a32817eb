/* See head.h. */
#include "s3/head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3/answer.h"

enum { TEXT_MAX = 64 * 1024 };

void s3_head_init(struct s3_head *head)
{
    memset(head, 0, sizeof *head);
    s3_buffer_init(&head->text, TEXT_MAX);
}

void s3_head_free(struct s3_head *head)
{
    s3_buffer_free(&head->text);
}

void s3_head_clear(struct s3_head *head)
{
    struct s3_buffer text = head->text;

    memset(head, 0, sizeof *head);
    head->text = text;
    s3_buffer_clear(&head->text);
}

static void take_text(struct s3_head *head, char *out, size_t size, const char *value, size_t length)
{
    if (length >= size) {
        head->overflow = true;
        return;
    }
    memcpy(out, value, length);
    out[length] = '\0';
}

static void take_etag(struct s3_head *head, const char *value, size_t length)
{
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value++;
        length -= 2;
    }
    take_text(head, head->etag, sizeof head->etag, value, length);
}

static uint64_t take_number(struct s3_head *head, const char *value, size_t length)
{
    uint64_t number = 0;

    if (length == 0)
        head->overflow = true;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9' || number > (UINT64_MAX - 9) / 10) {
            head->overflow = true;
            return 0;
        }
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    return number;
}

static uint32_t take_small(struct s3_head *head, const char *value, size_t length)
{
    uint64_t number = take_number(head, value, length);

    if (number > UINT32_MAX)
        head->overflow = true;
    return (uint32_t)number;
}

static bool take_true(const char *value, size_t length)
{
    return length == 4 && strncasecmp(value, "true", 4) == 0;
}

/* ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT" */
static void take_restore(struct s3_head *head, const char *value, size_t length)
{
    static const char expiry[] = "expiry-date=\"";
    const char *found = memmem(value, length, expiry, sizeof expiry - 1);

    head->restore_present = true;
    head->restore_ongoing = memmem(value, length, "ongoing-request=\"true\"", 22) != NULL;
    if (found != NULL) {
        const char *begin = found + sizeof expiry - 1;
        const char *end = memchr(begin, '"', (size_t)(value + length - begin));
        if (end == NULL || !s3_parse_http_time(begin, (size_t)(end - begin), &head->restore_expiry_s))
            head->overflow = true;
    }
}

/* bytes 0-9/443 */
static void take_range(struct s3_head *head, const char *value, size_t length)
{
    const char *slash = memchr(value, '/', length);

    if (slash != NULL && slash + 1 < value + length && slash[1] != '*')
        head->whole_size = take_number(head, slash + 1, (size_t)(value + length - slash - 1));
}

/* The strongest is kept where several are given. */
static void take_checksum(struct s3_head *head, const char *algorithm, const char *value, size_t length)
{
    static const char *const order[] = { "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256" };
    size_t rank = 0, held = 0;

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (strcasecmp(order[i], algorithm) == 0)
            rank = i + 1;
        if (strncmp(head->checksum, order[i], strlen(order[i])) == 0 && head->checksum[strlen(order[i])] == ':')
            held = i + 1;
    }
    if (rank <= held)
        return;
    if (strlen(order[rank - 1]) + 1 + length >= sizeof head->checksum) {
        head->overflow = true;
        return;
    }
    memcpy(head->checksum, order[rank - 1], strlen(order[rank - 1]));
    head->checksum[strlen(order[rank - 1])] = ':';
    memcpy(head->checksum + strlen(order[rank - 1]) + 1, value, length);
    head->checksum[strlen(order[rank - 1]) + 1 + length] = '\0';
}

/* Pairs hold offsets until the answer has ended, as the buffer may move. */
static void take_pair(struct s3_head *head, const char *name, size_t name_len, const char *value, size_t value_len)
{
    struct s3_pair *pair;
    char *at;

    if (head->pair_count == S3_HEAD_PAIRS_MAX || (at = s3_buffer_reserve(&head->text, name_len + value_len)) == NULL) {
        head->overflow = true;
        return;
    }
    for (size_t i = 0; i < name_len; i++)
        at[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    memcpy(at + name_len, value, value_len);
    head->text.len += name_len + value_len;
    pair = &head->pairs[head->pair_count++];
    pair->name = (struct s3_text){ NULL, name_len };
    pair->value = (struct s3_text){ NULL, value_len };
}

static bool is(const char *name, size_t name_len, const char *wanted)
{
    return strlen(wanted) == name_len && strncasecmp(name, wanted, name_len) == 0;
}

static void take_amz(struct s3_head *head, const char *name, size_t name_len, const char *value, size_t length)
{
    const char *rest = name + 6; /* after x-amz- */
    size_t rest_len = name_len - 6;

#define TEXT(wanted, field)                                                                                            \
    if (is(rest, rest_len, wanted)) {                                                                                  \
        take_text(head, head->field, sizeof head->field, value, length);                                               \
        return;                                                                                                        \
    }
    TEXT("version-id", version)
    TEXT("copy-source-version-id", source_version)
    TEXT("storage-class", class_)
    TEXT("archive-status", archive)
    TEXT("checksum-type", checksum_type)
    TEXT("server-side-encryption", encryption)
    TEXT("server-side-encryption-aws-kms-key-id", kms_key)
    TEXT("server-side-encryption-customer-algorithm", customer_algorithm)
    TEXT("object-lock-mode", lock_mode)
    TEXT("object-lock-retain-until-date", lock_until)
    TEXT("bucket-region", region)
    TEXT("replication-status", replication)
    TEXT("transition-default-minimum-object-size", transition_minimum)
#undef TEXT
    if (rest_len > 5 && strncasecmp(rest, "meta-", 5) == 0) {
        take_pair(head, name, name_len, value, length);
    } else if (is(rest, rest_len, "website-redirect-location")) {
        take_pair(head, name, name_len, value, length);
    } else if (is(rest, rest_len, "restore")) {
        take_restore(head, value, length);
    } else if (is(rest, rest_len, "delete-marker")) {
        head->delete_marker = take_true(value, length);
    } else if (is(rest, rest_len, "object-lock-legal-hold")) {
        head->legal_hold = length == 2 && strncasecmp(value, "ON", 2) == 0;
    } else if (is(rest, rest_len, "mp-parts-count")) {
        head->parts = take_small(head, value, length);
    } else if (is(rest, rest_len, "tagging-count")) {
        head->tags = take_small(head, value, length);
    } else if (is(rest, rest_len, "missing-meta")) {
        head->missing_meta = take_small(head, value, length);
    } else if (rest_len > 9 && rest_len < 24 && strncasecmp(rest, "checksum-", 9) == 0) {
        char algorithm[16];
        memcpy(algorithm, rest + 9, rest_len - 9);
        algorithm[rest_len - 9] = '\0';
        take_checksum(head, algorithm, value, length);
    }
}

void s3_head_line(struct s3_head *head, const char *name, size_t name_len, const char *value, size_t value_len)
{
    static const char *const content[] = { "content-type", "content-encoding", "content-disposition",
        "content-language", "cache-control", "expires" };

    if (name_len > 6 && strncasecmp(name, "x-amz-", 6) == 0) {
        take_amz(head, name, name_len, value, value_len);
    } else if (is(name, name_len, "etag")) {
        take_etag(head, value, value_len);
    } else if (is(name, name_len, "content-length")) {
        head->size = take_number(head, value, value_len);
        head->has_size = true;
    } else if (is(name, name_len, "content-range")) {
        take_range(head, value, value_len);
    } else if (is(name, name_len, "last-modified")) {
        if (!s3_parse_http_time(value, value_len, &head->modified_s))
            head->overflow = true;
    } else {
        for (size_t i = 0; i < sizeof content / sizeof content[0]; i++)
            if (is(name, name_len, content[i]))
                take_pair(head, name, name_len, value, value_len);
    }
}

bool s3_head_finish(struct s3_head *head)
{
    const char *at = head->text.ptr;

    for (size_t i = 0; i < head->pair_count; i++) {
        head->pairs[i].name.ptr = at;
        head->pairs[i].value.ptr = at + head->pairs[i].name.len;
        at += head->pairs[i].name.len + head->pairs[i].value.len;
    }
    if (head->whole_size == 0)
        head->whole_size = head->size;
    return !head->overflow;
}
