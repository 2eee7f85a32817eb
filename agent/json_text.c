/* See json_text.h. */
#include "agent/json_token.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    size_t size, used;
    max_align_t bytes[];
};

struct json_text {
    struct block *blocks;
};

enum { BLOCK_SIZE = 16 * 1024 };

static struct json_node *parse_value(struct json_cursor *p, int depth);

struct json_text *json_text_new(void)
{
    return calloc(1, sizeof(struct json_text));
}

void json_text_free(struct json_text *document)
{
    if (document == NULL)
        return;
    for (struct block *block = document->blocks, *next; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(document);
}

void *json_text_alloc(struct json_text *document, size_t size)
{
    struct block *block = document->blocks;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

        block = calloc(1, sizeof(*block) + room);
        if (block == NULL)
            return NULL;
        block->size = room;
        block->next = document->blocks;
        document->blocks = block;
    }
    void *memory = (char *)block->bytes + block->used;
    block->used += size;
    return memory;
}

/* At a member's name: reads it and the colon. */
static bool parse_name(struct json_cursor *p, const struct json_node *object, struct json_node *name)
{
    size_t len;

    if (json_token_peek(p) != '"') {
        json_token_unexpected(p, "a quoted name");
        return false;
    }
    name->name_line = p->line;
    name->name_column = p->column;
    name->name = json_token_string(p, &len);
    if (name->name == NULL)
        return false;
    const struct json_node *twin = json_text_member(object, name->name);
    if (twin != NULL) {
        p->line = name->name_line;
        p->column = name->name_column;
        json_token_fail(p, "\"%.60s\" is given twice, first in line %u", name->name, twin->name_line);
        return false;
    }
    if (object->count >= JSON_TEXT_MEMBERS_MAX) {
        json_token_fail(p, "an object with more than %d members", JSON_TEXT_MEMBERS_MAX);
        return false;
    }
    json_token_skip_space(p);
    if (json_token_peek(p) != ':') {
        json_token_unexpected(p, "\":\"");
        return false;
    }
    json_token_step(p);
    json_token_skip_space(p);
    return true;
}

/* Behind the opening bracket of an array or object. */
static bool parse_members(struct json_cursor *p, struct json_node *parent, int depth)
{
    const bool named = parent->kind == JSON_KIND_OBJECT;
    const int close = named ? '}' : ']';
    struct json_node **tail = &parent->first;

    json_token_skip_space(p);
    if (json_token_peek(p) == close) {
        json_token_step(p);
        return true;
    }
    for (;;) {
        struct json_node name = { 0 }, *child;

        if (named && !parse_name(p, parent, &name))
            return false;
        child = parse_value(p, depth);
        if (child == NULL)
            return false;
        child->name = name.name;
        child->name_line = name.name_line;
        child->name_column = name.name_column;
        *tail = child;
        tail = &child->next;
        parent->count++;
        json_token_skip_space(p);
        int c = json_token_peek(p);
        if (c == close || c == ',')
            json_token_step(p);
        if (c == close)
            return true;
        if (c != ',') {
            json_token_unexpected(p, named ? "\",\" or \"}\"" : "\",\" or \"]\"");
            return false;
        }
        json_token_skip_space(p);
    }
}

static struct json_node *parse_value(struct json_cursor *p, int depth)
{
    struct json_node *node = json_token_alloc(p, sizeof(*node));
    bool good;
    int c = json_token_peek(p);

    if (node == NULL)
        return NULL;
    node->line = p->line;
    node->column = p->column;
    if (c == '{' || c == '[') {
        node->kind = c == '{' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
        if (depth >= JSON_TEXT_DEPTH_MAX) {
            json_token_fail(p, "more than %d levels of nesting", JSON_TEXT_DEPTH_MAX);
            return NULL;
        }
        json_token_step(p);
        good = parse_members(p, node, depth + 1);
    } else if (c == '"') {
        node->kind = JSON_KIND_STRING;
        node->text = json_token_string(p, &node->len);
        good = node->text != NULL;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        node->kind = JSON_KIND_NUMBER;
        good = json_token_number(p, node);
    } else {
        good = json_token_word(p, node);
    }
    return good ? node : NULL;
}

const struct json_node *json_text_parse(
        struct json_text *document, const char *text, size_t len, struct json_text_error *error)
{
    struct json_cursor p = {
        .document = document, .text = (const unsigned char *)text, .len = len, .line = 1, .column = 1
    };
    const struct json_node *root;

    p.error = error;
    if (len > JSON_TEXT_MAX) {
        json_token_fail(&p, "more than %d bytes", JSON_TEXT_MAX);
        return NULL;
    }
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        p.pos = 3;
    json_token_skip_space(&p);
    root = parse_value(&p, 0);
    if (root == NULL)
        return NULL;
    json_token_skip_space(&p);
    if (p.pos < len) {
        json_token_unexpected(&p, "nothing after the value");
        return NULL;
    }
    return root;
}

const struct json_node *json_text_member(const struct json_node *object, const char *name)
{
    if (object == NULL || object->kind != JSON_KIND_OBJECT)
        return NULL;
    for (const struct json_node *member = object->first; member != NULL; member = member->next)
        if (strcmp(member->name, name) == 0)
            return member;
    return NULL;
}

const char *json_text_kind_name(enum json_kind kind)
{
    static const char *const names[] = { "null", "a boolean", "a number", "a string", "an array", "an object" };

    return names[kind];
}
