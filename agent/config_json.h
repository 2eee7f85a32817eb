/*
 * From a parsed text to the structs of config.h, driven by the table: unknown fields, missing ones, wrong types, values
 * out of bounds and malformed texts end here. Rules between fields are config_check's.
 */
#ifndef AGENT_CONFIG_JSON_H
#define AGENT_CONFIG_JSON_H

#include "agent/config_message.h"
#include "agent/config_table.h"

/* Fills the shape's struct at `base` (zeroed before) from `node`, defaults included. `name` is what the object is
 * called. */
enum config_status config_fill(const struct config_context *context, const struct config_shape *shape,
        const struct json_node *node, const char *name, void *base) __attribute__((warn_unused_result));

#endif
