/*
 * The rules between fields, after config_fill: impossible policies, sources that mean the same bucket, names that lead
 * nowhere. It also finishes the structs: the short form becomes a tier, sources get their policy, prefixes are sorted
 * and reduced.
 */
#ifndef AGENT_CONFIG_CHECK_H
#define AGENT_CONFIG_CHECK_H

#include "agent/config_message.h"

/* `root` is the text that `config` was filled from. */
enum config_status config_check(const struct config_context *context, struct config *config,
        const struct json_node *root) __attribute__((warn_unused_result));

/* config_check's two halves. */
enum config_status config_check_policy(const struct config_context *context, struct config_policy *policy)
        __attribute__((warn_unused_result));
enum config_status config_check_sources(const struct config_context *context, struct config *config)
        __attribute__((warn_unused_result));

/* Where to point at: the object's member of that name, or the object. */
const struct json_node *config_where(const struct json_node *object, const char *name);

#endif
