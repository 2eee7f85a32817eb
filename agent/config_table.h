/*
 * The configuration as data: one row a field, from which the parser, the schema and the writer are driven. A new field
 * is a member of config.h and a row here; nothing else has to know it. Constant, any thread. Only the config_*.c files
 * use it.
 */
#ifndef AGENT_CONFIG_TABLE_H
#define AGENT_CONFIG_TABLE_H

#include "agent/config_format.h"

#include <stddef.h>
#include <stdint.h>

/* The C type at the field's offset stands beside it. */
enum config_type {
    CONFIG_TYPE_STRING,  /* const char * */
    CONFIG_TYPE_INTEGER, /* int64_t; null is CONFIG_UNSET */
    CONFIG_TYPE_NUMBER,  /* double; null is CONFIG_UNSET */
    CONFIG_TYPE_BOOL,    /* bool */
    CONFIG_TYPE_ENUM,    /* an enum */
    CONFIG_TYPE_FLAGS,   /* unsigned: an array of words, bit 1 << index */
    CONFIG_TYPE_SIZE,    /* int64_t: bytes, or "auto" as CONFIG_AUTO */
    CONFIG_TYPE_SHARE,   /* double of 0 to 1: "30%" or 0.3 */
    CONFIG_TYPE_LENGTH,  /* struct config_duration: "1y5m7d2h" */
    CONFIG_TYPE_STRINGS, /* struct config_strings */
    CONFIG_TYPE_PAIRS,   /* struct config_pairs: an object of strings */
    CONFIG_TYPE_OBJECT,  /* the shape's struct itself */
    CONFIG_TYPE_OBJECTS, /* pointer to an array of the shape's structs, and a size_t at `extra` */
    CONFIG_TYPE_NAMED    /* the same, from an object whose members' names are the elements' names */
};

struct config_field {
    const char *name;
    enum config_type type;
    size_t offset;
    size_t extra;              /* OBJECTS, NAMED: offset of the count; a nullable OBJECT: of its bool `given` */
    const char *fallback;      /* the default as JSON; "null" makes the field nullable; NULL: it must be given */
    enum config_format format; /* of STRING, STRINGS' items */
    int64_t min, max;          /* of numbers; of a list's length where max is not 0 */
    const char *const *words;  /* of ENUM and FLAGS, up to NULL */
    int first_word;            /* ENUM: the value of words[0] */
    const struct config_shape *shape;
    const char *doc;
};

#define CONFIG_NO_OFFSET ((size_t)-1)

struct config_shape {
    const struct config_field *fields;
    size_t count;
    size_t size;        /* of the struct */
    size_t node_offset; /* of its `node`, or CONFIG_NO_OFFSET */
    size_t name_offset; /* NAMED: of its name */
    enum config_format name_format;
};

extern const struct config_shape config_shape_root, config_shape_policy;

#endif
