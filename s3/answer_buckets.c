/* Pages of ListBuckets. */
#include "s3/answer_inside.h"

#include <stdlib.h>

enum { ITEM = ANSWER_ROOT + 1, GROUP, NEXT, NAME, REGION, CREATED };

#define BIT(state) (UINT32_C(1) << (state))

static const struct s3_xml_step bucket_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "ListAllMyBucketsResult" },
    { ANSWER_ROOT, NEXT, "ContinuationToken" },
    { ANSWER_ROOT, GROUP, "Buckets" },
    { GROUP, ITEM, "Bucket" },
    { ITEM, NAME, "Name" },
    { ITEM, REGION, "BucketRegion" },
    { ITEM, CREATED, "CreationDate" },
};

static void clear_buckets(void *out)
{
    struct s3_bucket_page *page = out;
    page->count = page->arena_used = 0;
    page->next_token = (struct s3_text){ 0 };
}

void s3_bucket_page_init(struct s3_bucket_page *page)
{
    *page = (struct s3_bucket_page){ 0 };
}

void s3_bucket_page_free(struct s3_bucket_page *page)
{
    free(page->entries);
    free(page->arena);
    s3_bucket_page_init(page);
}

static void open_bucket(struct s3_parser *parser, uint8_t state)
{
    struct s3_bucket_page *page = parser->out;
    if (state != ITEM) {
        return;
    }
    parser->entry_seen = 0;
    struct s3_bucket_entry *entries =
            answer_room(parser, page->entries, &page->capacity, page->count, ANSWER_BUCKETS_MAX, sizeof *entries);
    if (entries != NULL) {
        page->entries = entries;
        page->entries[page->count++] = (struct s3_bucket_entry){ 0 };
    }
}

static void close_bucket(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_bucket_page *page = parser->out;
    struct s3_bucket_entry *entry = page->count > 0 ? &page->entries[page->count - 1] : NULL;
    if (state >= NAME && state <= CREATED) {
        answer_once(parser, &parser->entry_seen, state);
    }
    switch (state) {
    case NAME:
        if (text.len == 0 || text.len > S3_BUCKET_MAX) {
            answer_bad(parser, "a bucket's name is empty or too long");
        }
        entry->name = answer_store(parser, ANSWER_ARENA(page), text);
        break;
    case REGION:
        entry->region = answer_store(parser, ANSWER_ARENA(page), text);
        break;
    case CREATED:
        entry->created_ms = answer_time_ms(parser, text);
        break;
    case ITEM:
        if ((parser->entry_seen & BIT(NAME)) == 0) {
            answer_bad(parser, "an entry lacks a required element");
        }
        break;
    case NEXT:
        answer_once(parser, &parser->seen, state);
        page->next_token = answer_store(parser, ANSWER_ARENA(page), text);
        break;
    case GROUP:
        answer_once(parser, &parser->seen, state);
        break;
    default:
        break;
    }
}

static const char *finish_buckets(struct s3_parser *parser)
{
    struct s3_bucket_page *page = parser->out;
    for (size_t i = 0; i < page->count; i++) {
        answer_place(page->arena, &page->entries[i].name);
        answer_place(page->arena, &page->entries[i].region);
    }
    answer_place(page->arena, &page->next_token);
    return NULL;
}

const struct answer_rules answer_buckets = { ANSWER_STEPS(bucket_steps), .required = BIT(GROUP), .clear = clear_buckets,
    .open = open_bucket, .close = close_bucket, .finish = finish_buckets };
