/* See config.h: the effective policy as JSON. Driven by the table, so that a new field is written without being named
 * here. */
#include "agent/config_format.h"
#include "agent/config_table.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static json_t *write_object(const struct config_shape *shape, const char *base);

static int64_t read_integer(const char *at)
{
    int64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static double read_number(const char *at)
{
    double value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static json_t *write_share(double value)
{
    char text[32];

    snprintf(text, sizeof(text), "%.10g%%", value * 100);
    return json_string(text);
}

static json_t *write_string(const char *at)
{
    const char *text;

    memcpy(&text, at, sizeof(text));
    return text != NULL ? json_string(text) : json_null();
}

static json_t *write_length(const char *at)
{
    char text[CONFIG_DURATION_TEXT];
    struct config_duration value;

    memcpy(&value, at, sizeof(value));
    if (config_duration_is_zero(&value))
        return json_null();
    config_duration_format(&value, text);
    return json_string(text);
}

static json_t *write_elements(const struct config_field *field, const char *base)
{
    json_t *array = json_array();
    const char *elements;
    size_t count;

    memcpy(&elements, base + field->offset, sizeof(elements));
    memcpy(&count, base + field->extra, sizeof(count));
    for (size_t i = 0; array != NULL && i < count; i++) {
        if (json_array_append_new(array, write_object(field->shape, elements + i * field->shape->size)) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

/* Null stands for what is not given, NULL for want of memory. */
static json_t *write_value(const struct config_field *field, const char *base)
{
    const bool nullable = field->fallback != NULL && strcmp(field->fallback, "null") == 0;
    const char *at = base + field->offset;
    int word;
    bool flag;

    switch (field->type) {
    case CONFIG_TYPE_STRING:
        return write_string(at);
    case CONFIG_TYPE_INTEGER:
        return nullable && read_integer(at) == CONFIG_UNSET ? json_null() : json_integer(read_integer(at));
    case CONFIG_TYPE_BOOL:
        memcpy(&flag, at, sizeof(flag));
        return json_boolean(flag);
    case CONFIG_TYPE_ENUM:
        memcpy(&word, at, sizeof(word));
        return json_string(field->words[word - field->first_word]);
    case CONFIG_TYPE_SIZE:
        return read_integer(at) == CONFIG_AUTO ? json_string("auto") : json_integer(read_integer(at));
    case CONFIG_TYPE_SHARE:
        return write_share(read_number(at));
    case CONFIG_TYPE_LENGTH:
        return write_length(at);
    case CONFIG_TYPE_OBJECT:
        if (field->extra != CONFIG_NO_OFFSET) {
            memcpy(&flag, base + field->extra, sizeof(flag));
            if (!flag)
                return json_null();
        }
        return write_object(field->shape, at);
    case CONFIG_TYPE_OBJECTS:
        return write_elements(field, base);
    case CONFIG_TYPE_NUMBER:
    case CONFIG_TYPE_FLAGS:
    case CONFIG_TYPE_STRINGS:
    case CONFIG_TYPE_PAIRS:
    case CONFIG_TYPE_NAMED:
        break; /* no policy has them; a test writes a policy of every field */
    }
    return NULL;
}

static json_t *write_object(const struct config_shape *shape, const char *base)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < shape->count; i++) {
        json_t *value = write_value(&shape->fields[i], base);

        if (json_is_null(value))
            continue;
        if (json_object_set_new(object, shape->fields[i].name, value) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

char *config_policy_json(const struct config_policy *policy)
{
    json_t *object = write_object(&config_shape_policy, (const char *)policy), *named;
    char *text = NULL;

    if (object == NULL)
        return NULL;
    named = json_pack("{s:s}", "name", policy->name);
    if (named != NULL && json_object_update(named, object) == 0)
        text = json_dumps(named, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(named);
    json_decref(object);
    return text;
}
