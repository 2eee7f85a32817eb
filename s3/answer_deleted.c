/* Results of DeleteObjects, key by key: the answer as a whole is a success even where every key failed. */
#include "s3/answer_inside.h"

#include <stdlib.h>

enum { ITEM = ANSWER_ROOT + 1, FAILED, KEY, VERSION, MARKER, MARKER_VERSION, CODE, MESSAGE };

#define BIT(state) (UINT32_C(1) << (state))

static const struct s3_xml_step deleted_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "DeleteResult" },
    { ANSWER_ROOT, ITEM, "Deleted" },
    { ITEM, KEY, "Key" },
    { ITEM, VERSION, "VersionId" },
    { ITEM, MARKER, "DeleteMarker" },
    { ITEM, MARKER_VERSION, "DeleteMarkerVersionId" },
    { ANSWER_ROOT, FAILED, "Error" },
    { FAILED, KEY, "Key" },
    { FAILED, VERSION, "VersionId" },
    { FAILED, CODE, "Code" },
    { FAILED, MESSAGE, "Message" },
};

static void clear_deleted(void *out)
{
    struct s3_deleted *deleted = out;
    deleted->count = deleted->arena_used = 0;
}

void s3_deleted_init(struct s3_deleted *deleted)
{
    *deleted = (struct s3_deleted){ 0 };
}

void s3_deleted_free(struct s3_deleted *deleted)
{
    free(deleted->entries);
    free(deleted->arena);
    s3_deleted_init(deleted);
}

static void open_deleted(struct s3_parser *parser, uint8_t state)
{
    struct s3_deleted *deleted = parser->out;
    if (state != ITEM && state != FAILED) {
        return;
    }
    parser->entry_seen = 0;
    struct s3_deleted_entry *entries = answer_room(
            parser, deleted->entries, &deleted->capacity, deleted->count, ANSWER_ENTRIES_MAX, sizeof *entries);
    if (entries != NULL) {
        deleted->entries = entries;
        deleted->entries[deleted->count++] = (struct s3_deleted_entry){ .failed = state == FAILED };
    }
}

static void close_deleted(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_deleted *deleted = parser->out;
    struct answer_arena arena = ANSWER_ARENA(deleted);
    struct s3_deleted_entry *entry = deleted->count > 0 ? &deleted->entries[deleted->count - 1] : NULL;
    if (state >= KEY) {
        answer_once(parser, &parser->entry_seen, state);
    }
    switch (state) {
    case KEY:
        entry->key = answer_store(parser, arena, text);
        break;
    case VERSION:
        entry->version = answer_store(parser, arena, text);
        break;
    case MARKER:
        entry->is_marker = answer_bool(parser, text);
        break;
    case MARKER_VERSION:
        entry->marker_version = answer_store(parser, arena, text);
        break;
    case CODE:
        entry->code = answer_store(parser, arena, text);
        break;
    case MESSAGE:
        entry->message = answer_store(parser, arena, text);
        break;
    case ITEM:
    case FAILED:
        if ((parser->entry_seen & BIT(KEY)) == 0 || (state == FAILED && entry->code.len == 0)) {
            answer_bad(parser, "an entry lacks a required element");
        }
        break;
    default:
        break;
    }
}

static const char *finish_deleted(struct s3_parser *parser)
{
    struct s3_deleted *deleted = parser->out;
    for (size_t i = 0; i < deleted->count; i++) {
        struct s3_deleted_entry *entry = &deleted->entries[i];
        if (!answer_place_key(deleted->arena, &entry->key, false)) {
            return "a key is empty, too long or not UTF-8";
        }
        answer_place(deleted->arena, &entry->version);
        answer_place(deleted->arena, &entry->marker_version);
        answer_place(deleted->arena, &entry->code);
        answer_place(deleted->arena, &entry->message);
    }
    return NULL;
}

const struct answer_rules answer_deleted = { ANSWER_STEPS(deleted_steps), .clear = clear_deleted, .open = open_deleted,
    .close = close_deleted, .finish = finish_deleted };
