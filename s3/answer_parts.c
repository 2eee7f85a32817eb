/* Pages of ListParts. */
#include "s3/answer_inside.h"

#include <stdlib.h>

enum { ITEM = ANSWER_ROOT + 1, TRUNCATED, NEXT, NUMBER, SIZE, ETAG };

#define BIT(state) (UINT32_C(1) << (state))

static const struct s3_xml_step part_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "ListPartsResult" },
    { ANSWER_ROOT, TRUNCATED, "IsTruncated" },
    { ANSWER_ROOT, NEXT, "NextPartNumberMarker" },
    { ANSWER_ROOT, ITEM, "Part" },
    { ITEM, NUMBER, "PartNumber" },
    { ITEM, SIZE, "Size" },
    { ITEM, ETAG, "ETag" },
};

enum { PART_NUMBER_MAX = 10000 };
static const uint32_t required = BIT(NUMBER) | BIT(SIZE) | BIT(ETAG);

static void clear_parts(void *out)
{
    struct s3_part_page *page = out;
    page->count = 0;
    page->truncated = false;
    page->next_number = 0;
}

void s3_part_page_init(struct s3_part_page *page)
{
    *page = (struct s3_part_page){ 0 };
}

void s3_part_page_free(struct s3_part_page *page)
{
    free(page->parts);
    s3_part_page_init(page);
}

static void open_part(struct s3_parser *parser, uint8_t state)
{
    struct s3_part_page *page = parser->out;
    if (state != ITEM) {
        return;
    }
    parser->entry_seen = 0;
    struct s3_part_entry *parts =
            answer_room(parser, page->parts, &page->capacity, page->count, ANSWER_ENTRIES_MAX, sizeof *parts);
    if (parts != NULL) {
        page->parts = parts;
        page->parts[page->count++] = (struct s3_part_entry){ 0 };
    }
}

static void close_part(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_part_page *page = parser->out;
    struct s3_part_entry *part = page->count > 0 ? &page->parts[page->count - 1] : NULL;
    if (state >= NUMBER && state <= ETAG) {
        answer_once(parser, &parser->entry_seen, state);
    }
    switch (state) {
    case NUMBER:
        part->number = (uint32_t)answer_number(parser, text, PART_NUMBER_MAX);
        break;
    case SIZE:
        part->size = answer_number(parser, text, INT64_MAX);
        break;
    case ETAG:
        answer_field(parser, part->etag, sizeof part->etag, answer_unquoted(parser, text));
        break;
    case ITEM:
        if ((parser->entry_seen & required) != required || part->number == 0) {
            answer_bad(parser, "an entry lacks a required element");
        }
        break;
    case TRUNCATED:
        answer_once(parser, &parser->seen, state);
        page->truncated = answer_bool(parser, text);
        break;
    case NEXT:
        answer_once(parser, &parser->seen, state);
        page->next_number = text.len > 0 ? (uint32_t)answer_number(parser, text, PART_NUMBER_MAX) : 0;
        break;
    default:
        break;
    }
}

static const char *finish_parts(struct s3_parser *parser)
{
    const struct s3_part_page *page = parser->out;
    return page->truncated && page->next_number == 0 ? "a truncated list of parts does not say how it goes on" : NULL;
}

const struct answer_rules answer_parts = { ANSWER_STEPS(part_steps), .required = BIT(TRUNCATED), .clear = clear_parts,
    .open = open_part, .close = close_part, .finish = finish_parts };
