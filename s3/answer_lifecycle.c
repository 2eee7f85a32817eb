/* Lifecycle rules. */
#include "s3/answer_inside.h"

#include <stdlib.h>
#include <string.h>

#include "s3/lifecycle.h"

enum {
    RULE = ANSWER_ROOT + 1,
    ID,
    STATUS,
    PREFIX,
    FILTER,
    AND,
    TAG,
    TAG_KEY,
    TAG_VALUE,
    LARGER,
    SMALLER,
    EXPIRE,
    EXPIRE_DAYS,
    EXPIRE_DATE,
    EXPIRE_MARKER,
    OLD_EXPIRE, /* of noncurrent versions, as all OLD_ */
    OLD_EXPIRE_DAYS,
    OLD_EXPIRE_KEEP,
    MOVE,
    OLD_MOVE,
    MOVE_DAYS,
    MOVE_DATE,
    MOVE_CLASS,
    MOVE_KEEP,
    ABORT,
    ABORT_DAYS
};

#define BIT(state) (UINT32_C(1) << (state))

static const struct s3_xml_step lifecycle_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "LifecycleConfiguration" },
    { ANSWER_ROOT, RULE, "Rule" },
    { RULE, ID, "ID" },
    { RULE, STATUS, "Status" },
    { RULE, PREFIX, "Prefix" },
    { RULE, FILTER, "Filter" },
    { FILTER, PREFIX, "Prefix" },
    { FILTER, TAG, "Tag" },
    { FILTER, LARGER, "ObjectSizeGreaterThan" },
    { FILTER, SMALLER, "ObjectSizeLessThan" },
    { FILTER, AND, "And" },
    { AND, PREFIX, "Prefix" },
    { AND, TAG, "Tag" },
    { AND, LARGER, "ObjectSizeGreaterThan" },
    { AND, SMALLER, "ObjectSizeLessThan" },
    { TAG, TAG_KEY, "Key" },
    { TAG, TAG_VALUE, "Value" },
    { RULE, EXPIRE, "Expiration" },
    { EXPIRE, EXPIRE_DAYS, "Days" },
    { EXPIRE, EXPIRE_DATE, "Date" },
    { EXPIRE, EXPIRE_MARKER, "ExpiredObjectDeleteMarker" },
    { RULE, OLD_EXPIRE, "NoncurrentVersionExpiration" },
    { OLD_EXPIRE, OLD_EXPIRE_DAYS, "NoncurrentDays" },
    { OLD_EXPIRE, OLD_EXPIRE_KEEP, "NewerNoncurrentVersions" },
    { RULE, MOVE, "Transition" },
    { MOVE, MOVE_DAYS, "Days" },
    { MOVE, MOVE_DATE, "Date" },
    { MOVE, MOVE_CLASS, "StorageClass" },
    { RULE, OLD_MOVE, "NoncurrentVersionTransition" },
    { OLD_MOVE, MOVE_DAYS, "NoncurrentDays" },
    { OLD_MOVE, MOVE_KEEP, "NewerNoncurrentVersions" },
    { OLD_MOVE, MOVE_CLASS, "StorageClass" },
    { RULE, ABORT, "AbortIncompleteMultipartUpload" },
    { ABORT, ABORT_DAYS, "DaysAfterInitiation" },
};

/* What a rule has once at most; tags and moves come as often as they like. */
static const uint32_t once = BIT(ID) | BIT(STATUS) | BIT(PREFIX) | BIT(LARGER) | BIT(SMALLER) | BIT(EXPIRE) |
                             BIT(EXPIRE_DAYS) | BIT(EXPIRE_DATE) | BIT(EXPIRE_MARKER) | BIT(OLD_EXPIRE) |
                             BIT(OLD_EXPIRE_DAYS) | BIT(OLD_EXPIRE_KEEP) | BIT(ABORT) | BIT(ABORT_DAYS);

static void clear_lifecycle(void *out)
{
    struct s3_lifecycle *lifecycle = out;
    lifecycle->count = lifecycle->move_count = lifecycle->arena_used = 0;
}

void s3_lifecycle_init(struct s3_lifecycle *lifecycle)
{
    *lifecycle = (struct s3_lifecycle){ .count = 0 };
}

void s3_lifecycle_free(struct s3_lifecycle *lifecycle)
{
    free(lifecycle->rules);
    free(lifecycle->moves);
    free(lifecycle->arena);
    s3_lifecycle_init(lifecycle);
}

static void open_rule(struct s3_parser *parser, struct s3_lifecycle *lifecycle)
{
    struct s3_lifecycle_rule *rules = answer_room(
            parser, lifecycle->rules, &lifecycle->capacity, lifecycle->count, S3_LIFECYCLE_RULES_MAX, sizeof *rules);
    parser->entry_seen = 0;
    if (rules != NULL) {
        lifecycle->rules = rules;
        rules[lifecycle->count++] = (struct s3_lifecycle_rule){ .enabled = false };
    }
}

static void open_move(struct s3_parser *parser, struct s3_lifecycle *lifecycle, bool noncurrent)
{
    struct s3_lifecycle_move *moves = answer_room(parser, lifecycle->moves, &lifecycle->move_capacity,
            lifecycle->move_count, S3_LIFECYCLE_MOVES_MAX, sizeof *moves);
    if (moves != NULL) {
        lifecycle->moves = moves;
        moves[lifecycle->move_count++] =
                (struct s3_lifecycle_move){ .rule = lifecycle->count - 1, .noncurrent = noncurrent };
    }
}

static void open_lifecycle(struct s3_parser *parser, uint8_t state)
{
    struct s3_lifecycle *lifecycle = parser->out;
    if (state == RULE) {
        open_rule(parser, lifecycle);
    } else if (state == MOVE || state == OLD_MOVE) {
        open_move(parser, lifecycle, state == OLD_MOVE);
    } else if (state == TAG) {
        lifecycle->rules[lifecycle->count - 1].tags++;
    }
}

static bool text_is(struct s3_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static uint32_t days(struct s3_parser *parser, struct s3_text text)
{
    return (uint32_t)answer_number(parser, text, INT32_MAX);
}

static void close_in_move(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_lifecycle *lifecycle = parser->out;
    struct s3_lifecycle_move *move = &lifecycle->moves[lifecycle->move_count - 1];
    switch (state) {
    case MOVE_DAYS:
        move->days = days(parser, text);
        break;
    case MOVE_DATE:
        move->date_ms = answer_time_ms(parser, text);
        break;
    case MOVE_KEEP:
        move->keep = days(parser, text);
        break;
    default:
        move->class_ = answer_store(parser, ANSWER_ARENA(lifecycle), text);
        break;
    }
}

static void close_in_filter(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_lifecycle *lifecycle = parser->out;
    struct s3_lifecycle_rule *rule = &lifecycle->rules[lifecycle->count - 1];
    switch (state) {
    case PREFIX:
        rule->prefix = answer_store(parser, ANSWER_ARENA(lifecycle), text);
        break;
    case TAG_KEY:
        if (rule->tags == 1) {
            rule->tag_key = answer_store(parser, ANSWER_ARENA(lifecycle), text);
        }
        break;
    case TAG_VALUE:
        if (rule->tags == 1) {
            rule->tag_value = answer_store(parser, ANSWER_ARENA(lifecycle), text);
        }
        break;
    case LARGER:
        rule->larger_than = answer_number(parser, text, INT64_MAX);
        break;
    case SMALLER:
        rule->smaller_than = answer_number(parser, text, INT64_MAX);
        break;
    default:
        break;
    }
}

static void close_lifecycle(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_lifecycle *lifecycle = parser->out;
    if (state == ANSWER_ROOT) { /* which may have no rule */
        return;
    }
    struct s3_lifecycle_rule *rule = &lifecycle->rules[lifecycle->count - 1];
    if ((once & BIT(state)) != 0) {
        answer_once(parser, &parser->entry_seen, state);
    }
    if (state >= MOVE_DAYS && state <= MOVE_KEEP) {
        close_in_move(parser, state, text);
        return;
    }
    switch (state) {
    case ID:
        rule->id = answer_store(parser, ANSWER_ARENA(lifecycle), text);
        break;
    case STATUS:
        rule->enabled = !text_is(text, "Disabled");
        break;
    case EXPIRE_DAYS:
        rule->expires_days = days(parser, text);
        rule->expires = true;
        break;
    case EXPIRE_DATE:
        rule->expires_date_ms = answer_time_ms(parser, text);
        rule->expires = true;
        break;
    case EXPIRE_MARKER:
        rule->expires_markers = answer_bool(parser, text);
        break;
    case OLD_EXPIRE:
        rule->expires_noncurrent = true;
        break;
    case OLD_EXPIRE_DAYS:
        rule->noncurrent_days = days(parser, text);
        break;
    case OLD_EXPIRE_KEEP:
        rule->noncurrent_keep = days(parser, text);
        break;
    case ABORT_DAYS:
        rule->abort_days = days(parser, text);
        break;
    case RULE:
        if ((parser->entry_seen & BIT(STATUS)) == 0) {
            answer_bad(parser, "an entry lacks a required element");
        }
        break;
    default:
        close_in_filter(parser, state, text);
        break;
    }
}

static const char *finish_lifecycle(struct s3_parser *parser)
{
    struct s3_lifecycle *lifecycle = parser->out;
    for (size_t i = 0; i < lifecycle->count; i++) {
        struct s3_lifecycle_rule *rule = &lifecycle->rules[i];
        answer_place(lifecycle->arena, &rule->id);
        answer_place(lifecycle->arena, &rule->prefix);
        answer_place(lifecycle->arena, &rule->tag_key);
        answer_place(lifecycle->arena, &rule->tag_value);
    }
    for (size_t i = 0; i < lifecycle->move_count; i++) {
        answer_place(lifecycle->arena, &lifecycle->moves[i].class_);
    }
    return NULL;
}

const struct answer_rules answer_lifecycle = { ANSWER_STEPS(lifecycle_steps), .clear = clear_lifecycle,
    .open = open_lifecycle, .close = close_lifecycle, .finish = finish_lifecycle };
