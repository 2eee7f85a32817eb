/* See config.h: the table as JSON Schema. Rules between fields are config_check's, and not in it. */
#include "agent/config_format.h"
#include "agent/config_table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *object_schema(const struct config_shape *shape);

static json_t *typed(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

/* All of these take `value`, which may be NULL for want of memory, and say so by false. */
static bool put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0;
}

static json_t *text_schema(enum config_format format)
{
    const struct config_form *form = config_form(format);
    json_t *schema = typed("string");
    bool good = schema != NULL;

    if (good && form->min > 0)
        good = put(schema, "minLength", json_integer((json_int_t)form->min));
    if (good)
        good = put(schema, "maxLength", json_integer((json_int_t)form->max));
    if (good && form->pattern != NULL)
        good = put(schema, "pattern", json_string(form->pattern));
    if (!good) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

static json_t *number_schema(const struct config_field *field, const char *type)
{
    return json_pack(
            "{s:s, s:I, s:I}", "type", type, "minimum", (json_int_t)field->min, "maximum", (json_int_t)field->max);
}

static json_t *words_schema(const struct config_field *field)
{
    json_t *words = json_array();

    for (size_t i = 0; field->words[i] != NULL; i++) {
        if (words == NULL || json_array_append_new(words, json_string(field->words[i])) != 0) {
            json_decref(words);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", words);
}

static json_t *elements_schema(const struct config_field *field)
{
    json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", object_schema(field->shape));

    if (schema != NULL && field->max > 0 &&
            (!put(schema, "minItems", json_integer((json_int_t)field->min)) ||
                    !put(schema, "maxItems", json_integer((json_int_t)field->max)))) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

static json_t *named_schema(const struct config_field *field)
{
    json_t *schema = json_pack("{s:s, s:o, s:o}", "type", "object", "propertyNames",
            text_schema(field->shape->name_format), "additionalProperties", object_schema(field->shape));

    if (schema != NULL && field->max > 0 && !put(schema, "minProperties", json_integer((json_int_t)field->min))) {
        json_decref(schema);
        return NULL;
    }
    return schema;
}

/* Of the value itself; null comes on top. */
static json_t *value_schema(const struct config_field *field)
{
    switch (field->type) {
    case CONFIG_TYPE_STRING:
        return text_schema(field->format);
    case CONFIG_TYPE_INTEGER:
        return number_schema(field, "integer");
    case CONFIG_TYPE_NUMBER:
        return number_schema(field, "number");
    case CONFIG_TYPE_BOOL:
        return typed("boolean");
    case CONFIG_TYPE_ENUM:
        return words_schema(field);
    case CONFIG_TYPE_FLAGS:
        return json_pack("{s:s, s:o}", "type", "array", "items", words_schema(field));
    case CONFIG_TYPE_SIZE:
        return json_pack("{s:[o, {s:s}]}", "anyOf", number_schema(field, "integer"), "const", "auto");
    case CONFIG_TYPE_SHARE:
        return json_pack("{s:[{s:s, s:s}, {s:s, s:i, s:i}]}", "anyOf", "type", "string", "pattern",
                CONFIG_SHARE_PATTERN, "type", "number", "minimum", 0, "maximum", 1);
    case CONFIG_TYPE_LENGTH:
        return json_pack("{s:s, s:i, s:s}", "type", "string", "minLength", 2, "pattern", CONFIG_DURATION_PATTERN);
    case CONFIG_TYPE_STRINGS:
        return json_pack("{s:s, s:o}", "type", "array", "items", text_schema(field->format));
    case CONFIG_TYPE_PAIRS:
        return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", text_schema(field->format));
    case CONFIG_TYPE_OBJECT:
        return object_schema(field->shape);
    case CONFIG_TYPE_OBJECTS:
        return elements_schema(field);
    case CONFIG_TYPE_NAMED:
        return named_schema(field);
    }
    return NULL;
}

static json_t *field_schema(const struct config_field *field)
{
    json_t *schema = value_schema(field), *fallback;

    if (schema != NULL && field->fallback != NULL && strcmp(field->fallback, "null") == 0)
        schema = json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    if (schema == NULL || !put(schema, "description", json_string(field->doc)))
        goto failed;
    if (field->fallback != NULL) {
        fallback = json_loads(field->fallback, JSON_DECODE_ANY, NULL);
        if (!put(schema, "default", fallback))
            goto failed;
    }
    return schema;
failed:
    json_decref(schema);
    return NULL;
}

static json_t *object_schema(const struct config_shape *shape)
{
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < shape->count; i++) {
        const struct config_field *field = &shape->fields[i];

        if (properties == NULL || required == NULL || !put(properties, field->name, field_schema(field)) ||
                (field->fallback == NULL && json_array_append_new(required, json_string(field->name)) != 0)) {
            json_decref(properties);
            json_decref(required);
            return NULL;
        }
    }
    return json_pack("{s:s, s:b, s:o, s:o}", "type", "object", "additionalProperties", 0, "required", required,
            "properties", properties);
}

char *config_schema(void)
{
    json_t *schema = json_pack("{s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
            "vaultferry's configuration");
    json_t *root = object_schema(&config_shape_root);
    char *text = NULL, *ended;

    if (schema != NULL && root != NULL && json_object_update(schema, root) == 0)
        text = json_dumps(schema, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(schema);
    json_decref(root);
    if (text == NULL)
        return NULL;
    size_t len = strlen(text);
    ended = realloc(text, len + 2);
    if (ended == NULL) {
        free(text);
        return NULL;
    }
    ended[len] = '\n';
    ended[len + 1] = '\0';
    return ended;
}
