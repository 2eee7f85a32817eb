/* See config_json.h. */
#include "agent/config_json.h"

#include "agent/config_format.h"
#include "agent/suggest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One value on its way into a struct. */
struct slot {
    const struct config_field *field;
    const struct json_node *node; /* of the text, or of the default */
    char *base;                   /* the struct */
};

static const char *hint_or_null(char *out, size_t size, const struct suggest *suggest)
{
    if (suggest->best == NULL)
        return NULL;
    snprintf(out, size, "did you mean \"%s\"?", suggest->best);
    return out;
}

static enum config_status wrong_type(const struct config_context *context, const struct slot *slot, const char *wanted)
{
    return config_complain(context, slot->node->line, slot->node->column, NULL, "\"%s\" must be %s, not %s",
            slot->field->name, wanted, json_text_kind_name(slot->node->kind));
}

/* A text of the field's form. `what` it belongs to is the field's name. */
static enum config_status check_text(
        const struct config_context *context, const struct config_field *field, const struct json_node *node)
{
    const struct config_form *form = config_form(field->format);
    const char *wrong = config_format_check(field->format, node->text, node->len);

    if (wrong == NULL)
        return CONFIG_OK;
    if (form->discreet)
        return config_complain(context, node->line, node->column, wrong, "\"%s\" is not %s", field->name, form->what);
    return config_complain(context, node->line, node->column, wrong, "\"%s\" of \"%s\" is not %s",
            config_quote(node->text).text, field->name, form->what);
}

static enum config_status fill_string(const struct config_context *context, const struct slot *slot)
{
    const char *text = NULL;

    if (slot->node->kind == JSON_KIND_STRING) {
        enum config_status status = check_text(context, slot->field, slot->node);

        if (status != CONFIG_OK)
            return status;
        text = slot->node->text;
    } else if (slot->node->kind != JSON_KIND_NULL) {
        return wrong_type(context, slot, "a string");
    }
    memcpy(slot->base + slot->field->offset, &text, sizeof(text));
    return CONFIG_OK;
}

static enum config_status out_of_bounds(const struct config_context *context, const struct slot *slot)
{
    return config_complain(context, slot->node->line, slot->node->column, NULL,
            "\"%s\" must be from %" PRId64 " to %" PRId64, slot->field->name, slot->field->min, slot->field->max);
}

static enum config_status fill_integer(const struct config_context *context, const struct slot *slot)
{
    const struct json_node *node = slot->node;
    int64_t value = CONFIG_UNSET;

    if (slot->field->type == CONFIG_TYPE_SIZE && node->kind == JSON_KIND_STRING) {
        if (strcmp(node->text, "auto") != 0)
            return config_complain(context, node->line, node->column, NULL,
                    "\"%s\" must be a number of bytes or \"auto\"", slot->field->name);
        value = CONFIG_AUTO;
    } else if (node->kind != JSON_KIND_NULL) {
        if (node->kind != JSON_KIND_NUMBER)
            return wrong_type(context, slot, "a whole number");
        if (!node->is_integer)
            return config_complain(
                    context, node->line, node->column, NULL, "\"%s\" must be a whole number", slot->field->name);
        value = node->integer;
        if (value < slot->field->min || value > slot->field->max)
            return out_of_bounds(context, slot);
    }
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

static enum config_status fill_number(const struct config_context *context, const struct slot *slot)
{
    double value = CONFIG_UNSET;

    if (slot->node->kind != JSON_KIND_NULL) {
        if (slot->node->kind != JSON_KIND_NUMBER)
            return wrong_type(context, slot, "a number");
        value = slot->node->number;
        if (value < (double)slot->field->min || value > (double)slot->field->max)
            return out_of_bounds(context, slot);
    }
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

static enum config_status fill_share(const struct config_context *context, const struct slot *slot)
{
    const struct json_node *node = slot->node;
    double value = 0;
    bool good = false;

    if (node->kind == JSON_KIND_STRING) {
        good = config_share_parse(node->text, &value);
    } else if (node->kind == JSON_KIND_NUMBER) {
        value = node->number;
        good = value >= 0 && value <= 1;
    } else {
        return wrong_type(context, slot, "a percentage");
    }
    if (!good)
        return config_complain(context, node->line, node->column, "such as \"30%\", or 0.3",
                "\"%s\" must be a percentage from \"0%%\" to \"100%%\"", slot->field->name);
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

static enum config_status fill_length(const struct config_context *context, const struct slot *slot)
{
    struct config_duration value = { 0 };

    if (slot->node->kind == JSON_KIND_STRING) {
        if (!config_duration_parse(slot->node->text, &value))
            return config_complain(context, slot->node->line, slot->node->column,
                    "numbers with y, m, d and h in this order, such as \"1y5m7d2h\"",
                    "\"%s\" of \"%s\" is not a length", config_quote(slot->node->text).text, slot->field->name);
    } else if (slot->node->kind != JSON_KIND_NULL) {
        return wrong_type(context, slot, "a string");
    }
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

/* The index of a word among the field's. */
static enum config_status find_word(
        const struct config_context *context, const struct config_field *field, const struct json_node *node, int *out)
{
    char hint[120] = "one of";
    struct suggest suggest;

    suggest_init(&suggest, node->text);
    for (int i = 0; field->words[i] != NULL; i++) {
        size_t used = strlen(hint);

        if (strcmp(field->words[i], node->text) == 0) {
            *out = i;
            return CONFIG_OK;
        }
        suggest_offer(&suggest, field->words[i]);
        snprintf(hint + used, sizeof(hint) - used, "%s \"%s\"", i > 0 ? "," : "", field->words[i]);
    }
    (void)hint_or_null(hint, sizeof(hint), &suggest);
    return config_complain(context, node->line, node->column, hint, "unknown value \"%s\" of \"%s\"",
            config_quote(node->text).text, field->name);
}

static enum config_status fill_enum(const struct config_context *context, const struct slot *slot)
{
    enum config_status status;
    int value;

    if (slot->node->kind != JSON_KIND_STRING)
        return wrong_type(context, slot, "a string");
    status = find_word(context, slot->field, slot->node, &value);
    if (status != CONFIG_OK)
        return status;
    value += slot->field->first_word;
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

static enum config_status fill_bool(const struct config_context *context, const struct slot *slot)
{
    if (slot->node->kind != JSON_KIND_BOOL)
        return wrong_type(context, slot, "true or false");
    memcpy(slot->base + slot->field->offset, &slot->node->is_true, sizeof(bool));
    return CONFIG_OK;
}

static enum config_status fill_flags(const struct config_context *context, const struct slot *slot)
{
    unsigned value = 0;

    if (slot->node->kind != JSON_KIND_ARRAY)
        return wrong_type(context, slot, "an array of strings");
    for (const struct json_node *item = slot->node->first; item != NULL; item = item->next) {
        struct slot one = { slot->field, item, slot->base };
        enum config_status status;
        int word;

        if (item->kind != JSON_KIND_STRING)
            return wrong_type(context, &one, "an array of strings");
        status = find_word(context, slot->field, item, &word);
        if (status != CONFIG_OK)
            return status;
        value |= 1u << word;
    }
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

static enum config_status fill_strings(const struct config_context *context, const struct slot *slot)
{
    struct config_strings value = { 0 };

    if (slot->node->kind != JSON_KIND_ARRAY)
        return wrong_type(context, slot, "an array of strings");
    value.items = json_text_alloc(context->document, (slot->node->count + 1) * sizeof(*value.items));
    if (value.items == NULL)
        return config_out_of_memory(context);
    for (const struct json_node *item = slot->node->first; item != NULL; item = item->next) {
        struct slot one = { slot->field, item, slot->base };
        enum config_status status;

        if (item->kind != JSON_KIND_STRING)
            return wrong_type(context, &one, "an array of strings");
        status = check_text(context, slot->field, item);
        if (status != CONFIG_OK)
            return status;
        value.items[value.count++] = item->text;
    }
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

static enum config_status fill_pairs(const struct config_context *context, const struct slot *slot)
{
    struct config_pairs value = { 0 };

    if (slot->node->kind != JSON_KIND_OBJECT)
        return wrong_type(context, slot, "an object of strings");
    value.items = json_text_alloc(context->document, (slot->node->count + 1) * sizeof(*value.items));
    if (value.items == NULL)
        return config_out_of_memory(context);
    for (const struct json_node *item = slot->node->first; item != NULL; item = item->next) {
        struct slot one = { slot->field, item, slot->base };
        enum config_status status;

        if (item->kind != JSON_KIND_STRING)
            return wrong_type(context, &one, "an object of strings");
        status = check_text(context, slot->field, item);
        if (status != CONFIG_OK)
            return status;
        value.items[value.count++] = (struct config_pair){ item->name, item->text };
    }
    memcpy(slot->base + slot->field->offset, &value, sizeof(value));
    return CONFIG_OK;
}

static enum config_status fill_object(const struct config_context *context, const struct slot *slot)
{
    const struct config_field *field = slot->field;
    bool given = slot->node->kind != JSON_KIND_NULL;

    if (given && slot->node->kind != JSON_KIND_OBJECT)
        return wrong_type(context, slot, "an object");
    if (field->extra != CONFIG_NO_OFFSET)
        memcpy(slot->base + field->extra, &given, sizeof(given));
    if (!given)
        return CONFIG_OK;
    return config_fill(context, field->shape, slot->node, field->name, slot->base + field->offset);
}

static enum config_status check_element_name(
        const struct config_context *context, const struct config_field *field, const struct json_node *item)
{
    const struct config_form *form = config_form(field->shape->name_format);
    const char *wrong = config_format_check(field->shape->name_format, item->name, strlen(item->name));

    if (wrong == NULL)
        return CONFIG_OK;
    return config_complain(context, item->name_line, item->name_column, wrong, "\"%s\" in \"%s\" is not %s",
            config_quote(item->name).text, field->name, form->what);
}

/* An array of objects, or an object of named ones: both become an array of structs. */
static enum config_status fill_elements(const struct config_context *context, const struct slot *slot)
{
    const struct config_field *field = slot->field;
    const struct config_shape *shape = field->shape;
    const bool named = field->type == CONFIG_TYPE_NAMED;
    size_t count = slot->node->count;
    char *elements;

    if (slot->node->kind != (named ? JSON_KIND_OBJECT : JSON_KIND_ARRAY))
        return wrong_type(context, slot, named ? "an object of objects" : "an array of objects");
    if (field->max > 0 && (count < (size_t)field->min || count > (size_t)field->max))
        return config_complain(context, slot->node->line, slot->node->column, NULL,
                "\"%s\" must have %" PRId64 " to %" PRId64 " entries", field->name, field->min, field->max);
    elements = json_text_alloc(context->document, (count + 1) * shape->size);
    if (elements == NULL)
        return config_out_of_memory(context);
    memcpy(slot->base + field->offset, &elements, sizeof(elements));
    memcpy(slot->base + field->extra, &count, sizeof(count));
    for (const struct json_node *item = slot->node->first; item != NULL; item = item->next) {
        struct slot one = { field, item, slot->base };
        enum config_status status = CONFIG_OK;

        if (item->kind != JSON_KIND_OBJECT)
            return wrong_type(context, &one, named ? "an object of objects" : "an array of objects");
        if (named) {
            status = check_element_name(context, field, item);
            memcpy(elements + shape->name_offset, &item->name, sizeof(item->name));
        }
        if (status == CONFIG_OK)
            status = config_fill(context, shape, item, named ? item->name : field->name, elements);
        if (status != CONFIG_OK)
            return status;
        elements += shape->size;
    }
    return CONFIG_OK;
}

typedef enum config_status fill_function(const struct config_context *context, const struct slot *slot);

static fill_function *const fillers[] = {
    [CONFIG_TYPE_STRING] = fill_string,
    [CONFIG_TYPE_INTEGER] = fill_integer,
    [CONFIG_TYPE_NUMBER] = fill_number,
    [CONFIG_TYPE_BOOL] = fill_bool,
    [CONFIG_TYPE_ENUM] = fill_enum,
    [CONFIG_TYPE_FLAGS] = fill_flags,
    [CONFIG_TYPE_SIZE] = fill_integer,
    [CONFIG_TYPE_SHARE] = fill_share,
    [CONFIG_TYPE_LENGTH] = fill_length,
    [CONFIG_TYPE_STRINGS] = fill_strings,
    [CONFIG_TYPE_PAIRS] = fill_pairs,
    [CONFIG_TYPE_OBJECT] = fill_object,
    [CONFIG_TYPE_OBJECTS] = fill_elements,
    [CONFIG_TYPE_NAMED] = fill_elements,
};

static const struct config_field *find_field(const struct config_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->count; i++)
        if (strcmp(shape->fields[i].name, name) == 0)
            return &shape->fields[i];
    return NULL;
}

/* The nearest name of this object, else of the objects in it: then the field was put into the wrong place. */
static enum config_status unknown_field(
        const struct config_context *context, const struct config_shape *shape, const struct json_node *member)
{
    const char *place = NULL;
    struct suggest suggest;
    char hint[120] = "";

    suggest_init(&suggest, member->name);
    for (size_t i = 0; i < shape->count; i++)
        suggest_offer(&suggest, shape->fields[i].name);
    for (size_t i = 0; i < shape->count; i++) {
        const struct config_field *field = &shape->fields[i];
        const char *before = suggest.best;

        for (size_t k = 0; field->type == CONFIG_TYPE_OBJECT && k < field->shape->count; k++)
            suggest_offer(&suggest, field->shape->fields[k].name);
        if (suggest.best != before)
            place = field->name;
    }
    if (place != NULL)
        snprintf(hint, sizeof(hint), "did you mean \"%s\" in \"%s\"?", suggest.best, place);
    else
        (void)hint_or_null(hint, sizeof(hint), &suggest);
    return config_complain(context, member->name_line, member->name_column, hint, "unknown field \"%s\"",
            config_quote(member->name).text);
}

/* The value that stands for a missing one. */
static enum config_status default_node(const struct config_context *context, const struct config_field *field,
        const struct json_node *object, const char *name, const struct json_node **out)
{
    struct json_text_error error = { 0 };

    if (field->fallback == NULL)
        return config_complain(context, object->line, object->column, NULL, "\"%s\" is missing%s%s%s", field->name,
                name[0] != '\0' ? " in \"" : "", config_quote(name).text, name[0] != '\0' ? "\"" : "");
    *out = json_text_parse(context->document, field->fallback, strlen(field->fallback), &error);
    return *out != NULL ? CONFIG_OK : config_out_of_memory(context);
}

enum config_status config_fill(const struct config_context *context, const struct config_shape *shape,
        const struct json_node *node, const char *name, void *base)
{
    for (const struct json_node *member = node->first; member != NULL; member = member->next)
        if (find_field(shape, member->name) == NULL)
            return unknown_field(context, shape, member);
    for (size_t i = 0; i < shape->count; i++) {
        struct slot slot = { &shape->fields[i], json_text_member(node, shape->fields[i].name), base };
        enum config_status status = CONFIG_OK;

        if (slot.node == NULL)
            status = default_node(context, slot.field, node, name, &slot.node);
        if (status == CONFIG_OK && slot.node->kind == JSON_KIND_NULL &&
                (slot.field->fallback == NULL || strcmp(slot.field->fallback, "null") != 0))
            status = config_complain(
                    context, slot.node->line, slot.node->column, NULL, "\"%s\" may not be null", slot.field->name);
        if (status == CONFIG_OK)
            status = fillers[slot.field->type](context, &slot);
        if (status != CONFIG_OK)
            return status;
    }
    if (shape->node_offset != CONFIG_NO_OFFSET)
        memcpy((char *)base + shape->node_offset, &node, sizeof(node));
    return CONFIG_OK;
}
