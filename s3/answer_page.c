/*
 * Pages of ListObjectsV2, ListObjectVersions and ListMultipartUploads. The hot path of the whole program: no allocation
 * an entry, text goes from the reader's buffer into the page's arena once. Whether keys are URL-encoded is known only
 * in the end, as no order of elements is assumed, so that keys are decoded there.
 */
#include "s3/answer_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRY = ANSWER_ROOT + 1,
    MARKER,
    PREFIXES,
    PREFIX,
    TRUNCATED,
    ENCODING,
    NEXT_TOKEN,
    NEXT_KEY,
    NEXT_VERSION,
    /* of an entry */
    KEY,
    ETAG,
    SIZE,
    MODIFIED,
    CLASS,
    VERSION,
    LATEST,
    RESTORE,
    RESTORING,
    RESTORE_EXPIRY,
    STATES
};
static_assert((int)STATES <= (int)ANSWER_STATES_MAX, "a state is a bit");

#define BIT(state) (UINT32_C(1) << (state))
enum { CLASS_MAX = 64, ESCAPED_KEY_MAX = 3 * S3_KEY_MAX };

static const struct s3_xml_step list_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "ListBucketResult" },
    { ANSWER_ROOT, TRUNCATED, "IsTruncated" },
    { ANSWER_ROOT, ENCODING, "EncodingType" },
    { ANSWER_ROOT, NEXT_TOKEN, "NextContinuationToken" },
    { ANSWER_ROOT, PREFIXES, "CommonPrefixes" },
    { PREFIXES, PREFIX, "Prefix" },
    { ANSWER_ROOT, ENTRY, "Contents" },
    { ENTRY, KEY, "Key" },
    { ENTRY, ETAG, "ETag" },
    { ENTRY, SIZE, "Size" },
    { ENTRY, MODIFIED, "LastModified" },
    { ENTRY, CLASS, "StorageClass" },
    { ENTRY, RESTORE, "RestoreStatus" },
    { RESTORE, RESTORING, "IsRestoreInProgress" },
    { RESTORE, RESTORE_EXPIRY, "RestoreExpiryDate" },
};

static const struct s3_xml_step version_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "ListVersionsResult" },
    { S3_XML_START, ANSWER_ROOT, "ListBucketVersionsResult" },
    { ANSWER_ROOT, TRUNCATED, "IsTruncated" },
    { ANSWER_ROOT, ENCODING, "EncodingType" },
    { ANSWER_ROOT, NEXT_KEY, "NextKeyMarker" },
    { ANSWER_ROOT, NEXT_VERSION, "NextVersionIdMarker" },
    { ANSWER_ROOT, PREFIXES, "CommonPrefixes" },
    { PREFIXES, PREFIX, "Prefix" },
    { ANSWER_ROOT, ENTRY, "Version" },
    { ENTRY, KEY, "Key" },
    { ENTRY, ETAG, "ETag" },
    { ENTRY, SIZE, "Size" },
    { ENTRY, MODIFIED, "LastModified" },
    { ENTRY, CLASS, "StorageClass" },
    { ENTRY, VERSION, "VersionId" },
    { ENTRY, LATEST, "IsLatest" },
    { ENTRY, RESTORE, "RestoreStatus" },
    { RESTORE, RESTORING, "IsRestoreInProgress" },
    { RESTORE, RESTORE_EXPIRY, "RestoreExpiryDate" },
    { ANSWER_ROOT, MARKER, "DeleteMarker" },
    { MARKER, KEY, "Key" },
    { MARKER, MODIFIED, "LastModified" },
    { MARKER, VERSION, "VersionId" },
    { MARKER, LATEST, "IsLatest" },
};

static const struct s3_xml_step upload_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "ListMultipartUploadsResult" },
    { ANSWER_ROOT, TRUNCATED, "IsTruncated" },
    { ANSWER_ROOT, ENCODING, "EncodingType" },
    { ANSWER_ROOT, NEXT_KEY, "NextKeyMarker" },
    { ANSWER_ROOT, NEXT_VERSION, "NextUploadIdMarker" },
    { ANSWER_ROOT, PREFIXES, "CommonPrefixes" },
    { PREFIXES, PREFIX, "Prefix" },
    { ANSWER_ROOT, ENTRY, "Upload" },
    { ENTRY, KEY, "Key" },
    { ENTRY, VERSION, "UploadId" },
    { ENTRY, MODIFIED, "Initiated" },
    { ENTRY, CLASS, "StorageClass" },
};

static const uint32_t marker_required = BIT(KEY) | BIT(MODIFIED) | BIT(VERSION) | BIT(LATEST);

static uint32_t entry_required(const struct answer_rules *rules)
{
    if (rules == &answer_list) {
        return BIT(KEY) | BIT(ETAG) | BIT(SIZE) | BIT(MODIFIED);
    }
    if (rules == &answer_versions) {
        return marker_required | BIT(ETAG) | BIT(SIZE);
    }
    return BIT(KEY) | BIT(MODIFIED) | BIT(VERSION);
}

static void clear(void *out)
{
    struct s3_page *page = out;
    page->count = page->prefix_count = page->arena_used = 0;
    page->truncated = false;
    page->next_token = page->next_key = page->next_version = (struct s3_text){ 0 };
}

void s3_page_init(struct s3_page *page)
{
    *page = (struct s3_page){ 0 };
}

void s3_page_free(struct s3_page *page)
{
    free(page->entries);
    free(page->prefixes);
    free(page->arena);
    s3_page_init(page);
}

static void open_element(struct s3_parser *parser, uint8_t state)
{
    struct s3_page *page = parser->out;
    if (state != ENTRY && state != MARKER && state != PREFIXES) {
        return;
    }
    parser->entry_seen = 0;
    if (state == PREFIXES) {
        return;
    }
    struct s3_page_entry *entries =
            answer_room(parser, page->entries, &page->capacity, page->count, ANSWER_ENTRIES_MAX, sizeof *page->entries);
    if (entries != NULL) {
        page->entries = entries;
        page->entries[page->count] = (struct s3_page_entry){ .is_marker = state == MARKER };
        page->count++;
    }
}

static struct s3_text store(struct s3_parser *parser, struct s3_text text, size_t max)
{
    if (text.len > max) {
        answer_bad(parser, "an element's text is too long");
    }
    return answer_store(parser, ANSWER_ARENA((struct s3_page *)parser->out), text);
}

static void close_prefix(struct s3_parser *parser, struct s3_text text)
{
    struct s3_page *page = parser->out;
    struct s3_text *prefixes = answer_room(
            parser, page->prefixes, &page->prefix_capacity, page->prefix_count, ANSWER_ENTRIES_MAX, sizeof *prefixes);
    if (prefixes != NULL) {
        page->prefixes = prefixes;
        page->prefixes[page->prefix_count] = store(parser, text, ESCAPED_KEY_MAX);
        page->prefix_count++;
    }
}

static void close_of_entry(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_page *page = parser->out;
    struct s3_page_entry *entry = &page->entries[page->count - 1];
    answer_once(parser, &parser->entry_seen, state);
    switch (state) {
    case KEY:
        entry->key = store(parser, text, ESCAPED_KEY_MAX);
        break;
    case ETAG:
        entry->etag = store(parser, answer_unquoted(parser, text), S3_ETAG_MAX);
        break;
    case SIZE:
        entry->size = answer_number(parser, text, INT64_MAX);
        break;
    case MODIFIED:
        entry->modified_ms = answer_time_ms(parser, text);
        break;
    case CLASS:
        entry->class_ = store(parser, text, CLASS_MAX);
        break;
    case VERSION:
        if (text.len == 0) {
            answer_bad(parser, "an entry's version is empty");
        }
        entry->version = store(parser, text, S3_VERSION_MAX);
        break;
    case LATEST:
        entry->is_latest = answer_bool(parser, text);
        break;
    case RESTORING:
        entry->restore_in_progress = answer_bool(parser, text);
        break;
    case RESTORE_EXPIRY:
        entry->restore_expiry_ms = answer_time_ms(parser, text);
        break;
    default:
        break;
    }
}

static void close_of_root(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_page *page = parser->out;
    answer_once(parser, &parser->seen, state);
    switch (state) {
    case TRUNCATED:
        page->truncated = answer_bool(parser, text);
        break;
    case ENCODING:
        parser->url = text.len == 3 && memcmp(text.ptr, "url", 3) == 0;
        if (!parser->url && text.len > 0) {
            answer_bad(parser, "the answer has an unknown encoding type");
        }
        break;
    case NEXT_TOKEN:
        page->next_token = store(parser, text, S3_XML_TEXT_MAX);
        break;
    case NEXT_KEY:
        page->next_key = store(parser, text, ESCAPED_KEY_MAX);
        break;
    case NEXT_VERSION:
        page->next_version = store(parser, text, S3_VERSION_MAX);
        break;
    default:
        break;
    }
}

static void close_element(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    switch (state) {
    case ANSWER_ROOT:
    case RESTORE:
        break;
    case ENTRY:
    case MARKER: {
        uint32_t required = state == MARKER ? marker_required : entry_required(parser->rules);
        if ((parser->entry_seen & required) != required) {
            answer_bad(parser, "an entry lacks a required element");
        }
        break;
    }
    case PREFIX:
        answer_once(parser, &parser->entry_seen, state);
        close_prefix(parser, text);
        break;
    case PREFIXES:
        if ((parser->entry_seen & BIT(PREFIX)) == 0) {
            answer_bad(parser, "a common prefix lacks its text");
        }
        break;
    default:
        if (state >= KEY) {
            close_of_entry(parser, state, text);
        } else {
            close_of_root(parser, state, text);
        }
        break;
    }
}

/*
 * The key to go on after. RGW leaves it unencoded in an encoded page: where it is the last entry's key as it stands, it
 * is that key. And it may be a key that XML cannot carry; a page without prefixes ends at its last entry, so that is
 * what it must have said.
 */
static bool place_next(const struct s3_parser *parser, struct s3_page *page)
{
    const struct s3_page_entry *last = page->count > 0 ? &page->entries[page->count - 1] : NULL;
    answer_place(page->arena, &page->next_version);
    struct s3_text *next = &page->next_key;
    if (next->len == 0) {
        next->ptr = NULL;
        if (page->truncated && parser->rules != &answer_list && last != NULL && page->prefix_count == 0) {
            *next = last->key;
            page->next_version = last->version;
        }
        return true;
    }
    bool is_last = last != NULL && last->key.len == next->len &&
                   memcmp(page->arena + (uintptr_t)next->ptr, last->key.ptr, next->len) == 0;
    return answer_place_key(page->arena, next, parser->url && !is_last);
}

static const char *finish(struct s3_parser *parser)
{
    struct s3_page *page = parser->out;
    for (size_t i = 0; i < page->count; i++) {
        struct s3_page_entry *entry = &page->entries[i];
        if (!answer_place_key(page->arena, &entry->key, parser->url)) {
            return "a key is empty, too long, wrongly escaped or not UTF-8";
        }
        answer_place(page->arena, &entry->etag);
        answer_place(page->arena, &entry->class_);
        answer_place(page->arena, &entry->version);
    }
    for (size_t i = 0; i < page->prefix_count; i++) {
        if (!answer_place_key(page->arena, &page->prefixes[i], parser->url)) {
            return "a common prefix is empty, too long, wrongly escaped or not UTF-8";
        }
    }
    answer_place(page->arena, &page->next_token);
    return place_next(parser, page) ? NULL : "the marker of the next page is too long, wrongly escaped or not UTF-8";
}

#define PAGE_RULES                                                                                                     \
    .required = BIT(TRUNCATED), .clear = clear, .open = open_element, .close = close_element, .finish = finish

const struct answer_rules answer_list = { .grammar = { list_steps, sizeof list_steps / sizeof list_steps[0],
                                                  &answer_error_grammar, BIT(NEXT_TOKEN) },
    PAGE_RULES };
const struct answer_rules answer_versions = {
    .grammar = { version_steps, sizeof version_steps / sizeof version_steps[0], &answer_error_grammar, BIT(NEXT_KEY) },
    PAGE_RULES
};
const struct answer_rules answer_uploads = { .grammar = { upload_steps, sizeof upload_steps / sizeof upload_steps[0],
                                                     &answer_error_grammar, BIT(NEXT_KEY) },
    PAGE_RULES };
