/* See config_check.h. */
#include "agent/config_check.h"

#include "agent/suggest.h"

#include <stdio.h>
#include <string.h>

const struct json_node *config_where(const struct json_node *object, const char *name)
{
    const struct json_node *member = json_text_member(object, name);

    return member != NULL ? member : object;
}

static enum config_status resolve_policy(
        const struct config_context *context, const struct config *config, struct config_source *source)
{
    const struct json_node *where = config_where(source->node, "policy");
    struct suggest suggest;
    char hint[96] = "";

    suggest_init(&suggest, source->policy_name);
    for (size_t i = 0; i < config->policy_count; i++) {
        if (strcmp(config->policies[i].name, source->policy_name) == 0) {
            source->policy = &config->policies[i];
            return CONFIG_OK;
        }
        suggest_offer(&suggest, config->policies[i].name);
    }
    if (suggest.best != NULL)
        snprintf(hint, sizeof(hint), "did you mean \"%s\"?", suggest.best);
    return config_complain(context, where->line, where->column, hint, "unknown policy \"%s\"", source->policy_name);
}

/* `object` is the vault's or a source's. A profile may name the role itself. */
static enum config_status check_access(
        const struct config_context *context, const struct config_access *access, const struct json_node *object)
{
    const struct json_node *where = config_where(object, "external_id");

    if (access->external_id == NULL || access->role_arn != NULL || access->profile != NULL)
        return CONFIG_OK;
    return config_complain(
            context, where->line, where->column, NULL, "\"external_id\" means nothing without \"role_arn\"");
}

/* A locked version that was moved by copying stays beside its copy until the lock ends: both are paid for. */
static enum config_status check_lock(const struct config_context *context, const struct config *config)
{
    for (size_t i = 0; config->vault.lock.given && i < config->policy_count; i++) {
        const struct config_policy *policy = &config->policies[i];
        const struct json_node *where = config_where(policy->node, "transitions");

        if (policy->transitions == CONFIG_TRANSITIONS_AGENT)
            return config_complain(context, where->line, where->column, "use \"lifecycle\" or \"auto\"",
                    "\"transitions\" may not be \"agent\" where the vault has a lock");
    }
    return CONFIG_OK;
}

enum config_status config_check(
        const struct config_context *context, struct config *config, const struct json_node *root)
{
    enum config_status status = check_access(context, &config->vault.access, json_text_member(root, "vault"));

    for (size_t i = 0; status == CONFIG_OK && i < config->policy_count; i++)
        status = config_check_policy(context, &config->policies[i]);
    if (status == CONFIG_OK)
        status = check_lock(context, config);
    for (size_t i = 0; status == CONFIG_OK && i < config->source_count; i++) {
        status = resolve_policy(context, config, &config->sources[i]);
        if (status == CONFIG_OK)
            status = check_access(context, &config->sources[i].access, config->sources[i].node);
    }
    return status == CONFIG_OK ? config_check_sources(context, config) : status;
}
