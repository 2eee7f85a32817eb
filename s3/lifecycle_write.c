/* Documents of lifecycle rules; see lifecycle.h. */
#include "s3/lifecycle.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "s3/xml_write.h"

/* Room for one more element: the array, maybe moved, or NULL, and then it is as it was. */
static void *room(void *array, size_t *capacity, size_t count, size_t max, size_t size)
{
    size_t larger = *capacity == 0 ? 16 : *capacity * 2;
    void *moved;

    if (count >= max)
        return NULL;
    if (count < *capacity)
        return array;
    moved = realloc(array, larger * size);
    if (moved != NULL)
        *capacity = larger;
    return moved;
}

bool s3_lifecycle_add(struct s3_lifecycle *lifecycle, const struct s3_lifecycle_rule *rule)
{
    struct s3_lifecycle_rule *rules =
            room(lifecycle->rules, &lifecycle->capacity, lifecycle->count, S3_LIFECYCLE_RULES_MAX, sizeof *rules);

    if (rules == NULL)
        return false;
    lifecycle->rules = rules;
    rules[lifecycle->count++] = *rule;
    return true;
}

bool s3_lifecycle_add_move(struct s3_lifecycle *lifecycle, const struct s3_lifecycle_move *move)
{
    struct s3_lifecycle_move *moves;

    if (lifecycle->count == 0)
        return false;
    moves = room(
            lifecycle->moves, &lifecycle->move_capacity, lifecycle->move_count, S3_LIFECYCLE_MOVES_MAX, sizeof *moves);
    if (moves == NULL)
        return false;
    lifecycle->moves = moves;
    moves[lifecycle->move_count] = *move;
    moves[lifecycle->move_count++].rule = lifecycle->count - 1;
    return true;
}

/* Filters with more than one condition have <And> around them. */
static bool write_filter(const struct s3_lifecycle_rule *rule, bool moves, struct s3_buffer *out)
{
    return s3_buffer_add_text(out, moves ? "<Filter><And>" : "<Filter>") &&
           xml_add_element(out, "Prefix", rule->prefix) &&
           (!moves || s3_buffer_printf(out, "<ObjectSizeGreaterThan>%" PRIu64 "</ObjectSizeGreaterThan></And>",
                              rule->larger_than)) &&
           s3_buffer_add_text(out, "</Filter>");
}

static bool write_move(const struct s3_lifecycle_move *move, struct s3_buffer *out)
{
    const char *element = move->noncurrent ? "NoncurrentVersionTransition" : "Transition";
    const char *days = move->noncurrent ? "NoncurrentDays" : "Days";

    return s3_buffer_printf(out, "<%s><%s>%" PRIu32 "</%s>", element, days, move->days, days) &&
           xml_add_element(out, "StorageClass", move->class_) && s3_buffer_printf(out, "</%s>", element);
}

static bool write_ends(const struct s3_lifecycle_rule *rule, struct s3_buffer *out)
{
    return (!rule->expires ||
                   s3_buffer_printf(out, "<Expiration><Days>%" PRIu32 "</Days></Expiration>", rule->expires_days)) &&
           (!rule->expires_noncurrent || s3_buffer_printf(out,
                                                 "<NoncurrentVersionExpiration><NoncurrentDays>%" PRIu32
                                                 "</NoncurrentDays></NoncurrentVersionExpiration>",
                                                 rule->noncurrent_days)) &&
           (rule->abort_days == 0 || s3_buffer_printf(out,
                                             "<AbortIncompleteMultipartUpload><DaysAfterInitiation>%" PRIu32
                                             "</DaysAfterInitiation></AbortIncompleteMultipartUpload>",
                                             rule->abort_days));
}

bool s3_lifecycle_write(const struct s3_lifecycle *lifecycle, struct s3_buffer *out)
{
    size_t move = 0;

    for (size_t i = 0; i < lifecycle->count; i++) {
        const struct s3_lifecycle_rule *rule = &lifecycle->rules[i];
        bool moves = move < lifecycle->move_count && lifecycle->moves[move].rule == i;

        if (!xml_can_carry(rule->prefix) || !s3_buffer_add_text(out, "<Rule>") ||
                !xml_add_element(out, "ID", rule->id) || !write_filter(rule, moves, out) ||
                !s3_buffer_printf(out, "<Status>%s</Status>", rule->enabled ? "Enabled" : "Disabled"))
            return false;
        for (; move < lifecycle->move_count && lifecycle->moves[move].rule == i; move++)
            if (!write_move(&lifecycle->moves[move], out))
                return false;
        if (!write_ends(rule, out) || !s3_buffer_add_text(out, "</Rule>"))
            return false;
    }
    return true;
}

/* A tag, comment or the like of a document that a parser has taken already. */
struct piece {
    const char *from, *to; /* to: behind its > */
    bool opens, closes;    /* both: an empty element; neither: no element */
    const char *name;
    size_t name_len;
};

static const char *find(const char *from, const char *end, const char *what)
{
    size_t length = strlen(what);

    for (; (size_t)(end - from) >= length; from++)
        if (memcmp(from, what, length) == 0)
            return from + length;
    return NULL;
}

/* The next piece from `at` on; false at the end, or where it is cut off. */
static bool next_piece(const char *at, const char *end, struct piece *piece)
{
    const char *tag = memchr(at, '<', (size_t)(end - at));
    const char *name;

    if (tag == NULL || end - tag < 3)
        return false;
    *piece = (struct piece){ .from = tag };
    if (tag[1] == '?' || tag[1] == '!') {
        bool comment = end - tag >= 4 && memcmp(tag, "<!--", 4) == 0;
        bool data = end - tag >= 9 && memcmp(tag, "<![CDATA[", 9) == 0;
        piece->to = find(tag, end, comment ? "-->" : data ? "]]>" : ">");
        return piece->to != NULL;
    }
    piece->to = find(tag, end, ">"); /* no element of these documents has an attribute with one */
    if (piece->to == NULL)
        return false;
    piece->closes = tag[1] == '/' || piece->to[-2] == '/';
    piece->opens = tag[1] != '/';
    name = tag + (piece->opens ? 1 : 2);
    for (const char *p = name; p < piece->to && strchr(" \t\r\n/>", *p) == NULL; p++) {
        piece->name_len++;
        if (*p == ':') { /* a prefix of a namespace */
            name = p + 1;
            piece->name_len = 0;
        }
    }
    piece->name = name;
    return true;
}

static bool is_named(const struct piece *piece, const char *name)
{
    return piece->name_len == strlen(name) && memcmp(piece->name, name, piece->name_len) == 0;
}

bool s3_lifecycle_cut(struct s3_text document, size_t index, struct s3_buffer *out)
{
    const char *end = document.ptr + document.len, *copied = NULL;
    struct piece piece = { .to = document.ptr };
    size_t depth = 0, rules = 0; /* 1: in the root, 2: in a rule, 3: in what it consists of */

    while (document.len > 0 && next_piece(piece.to, end, &piece)) {
        bool mine = copied != NULL, wraps = mine && is_named(&piece, "Prefix");

        if (piece.opens) {
            if (depth == 1 && is_named(&piece, "Rule") && rules++ == index)
                copied = piece.from;
            if (wraps && depth == 2) {
                if (!s3_buffer_add(out, copied, (size_t)(piece.from - copied)) || !s3_buffer_add_text(out, "<Filter>"))
                    return false;
                copied = piece.from;
            }
            depth++;
        }
        if (!piece.closes)
            continue;
        if (depth == 0)
            return false;
        depth--;
        if (wraps && depth == 2) {
            if (!s3_buffer_add(out, copied, (size_t)(piece.to - copied)) || !s3_buffer_add_text(out, "</Filter>"))
                return false;
            copied = piece.to;
        }
        if (copied != NULL && depth == 1)
            return s3_buffer_add(out, copied, (size_t)(piece.to - copied));
    }
    return false;
}

enum s3_status s3_lifecycle_read(struct s3_text document, struct s3_lifecycle *lifecycle, struct s3_error *error)
{
    struct s3_parser *parser = s3_parser_new();
    enum s3_status status = S3_NO_MEMORY;

    if (parser != NULL && s3_parser_begin(parser, S3_ANSWER_LIFECYCLE, lifecycle) == S3_OK) {
        s3_parser_feed(parser, document.ptr, document.len);
        status = s3_parser_finish(parser, 200, error);
    }
    s3_parser_free(parser);
    return status;
}
