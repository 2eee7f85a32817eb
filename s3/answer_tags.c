/* The tags of an object or of a bucket. */
#include "s3/answer_inside.h"

#include <stdlib.h>

enum { ITEM = ANSWER_ROOT + 1, GROUP, KEY, VALUE };

#define BIT(state) (UINT32_C(1) << (state))

static const struct s3_xml_step tag_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "Tagging" },
    { ANSWER_ROOT, GROUP, "TagSet" },
    { GROUP, ITEM, "Tag" },
    { ITEM, KEY, "Key" },
    { ITEM, VALUE, "Value" },
};

static const uint32_t required = BIT(KEY) | BIT(VALUE);

static void clear_tags(void *out)
{
    struct s3_tags *tags = out;
    tags->count = tags->arena_used = 0;
}

void s3_tags_init(struct s3_tags *tags)
{
    *tags = (struct s3_tags){ .count = 0 };
}

void s3_tags_free(struct s3_tags *tags)
{
    free(tags->arena);
    s3_tags_init(tags);
}

static void open_tag(struct s3_parser *parser, uint8_t state)
{
    struct s3_tags *tags = parser->out;
    if (state != ITEM) {
        return;
    }
    parser->entry_seen = 0;
    if (tags->count >= S3_TAGS_MAX) {
        answer_bad(parser, "there are too many tags");
        return;
    }
    tags->tags[tags->count].key = tags->tags[tags->count].value = (struct s3_text){ 0 };
    tags->count++;
}

static void close_tag(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_tags *tags = parser->out;
    size_t last = tags->count - 1; /* a tag is open wherever it is used */
    switch (state) {
    case KEY:
    case VALUE:
        answer_once(parser, &parser->entry_seen, state);
        if (text.len > (state == KEY ? S3_TAG_KEY_MAX : S3_TAG_VALUE_MAX)) {
            answer_bad(parser, "a tag is too long");
        }
        *(state == KEY ? &tags->tags[last].key : &tags->tags[last].value) =
                answer_store(parser, ANSWER_ARENA(tags), text);
        break;
    case ITEM:
        if ((parser->entry_seen & required) != required || tags->tags[last].key.len == 0) {
            answer_bad(parser, "an entry lacks a required element");
        }
        break;
    case GROUP:
        answer_once(parser, &parser->seen, state);
        break;
    default:
        break;
    }
}

static const char *finish_tags(struct s3_parser *parser)
{
    struct s3_tags *tags = parser->out;
    for (size_t i = 0; i < tags->count; i++) {
        answer_place(tags->arena, &tags->tags[i].key);
        answer_place(tags->arena, &tags->tags[i].value);
    }
    return NULL;
}

const struct answer_rules answer_tags = { ANSWER_STEPS(tag_steps), .required = BIT(GROUP), .clear = clear_tags,
    .open = open_tag, .close = close_tag, .finish = finish_tags };
