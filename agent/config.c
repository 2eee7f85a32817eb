/* See config.h. */
#include "agent/config.h"

#include "agent/config_check.h"
#include "agent/config_json.h"

#include <stdlib.h>

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    json_text_free(config->document);
    free(config);
}

static enum config_status fill_and_check(
        const struct config_context *context, const char *text, size_t len, struct config *config)
{
    struct json_text_error error = { 0 };
    const struct json_node *root = json_text_parse(context->document, text, len, &error);
    enum config_status status;

    if (root == NULL && error.no_memory)
        return config_out_of_memory(context);
    if (root == NULL)
        return config_complain(context, error.line, error.column, NULL, "not valid JSON: %s", error.what);
    if (root->kind != JSON_KIND_OBJECT)
        return config_complain(context, root->line, root->column, NULL, "a config is an object, not %s",
                json_text_kind_name(root->kind));
    status = config_fill(context, &config_shape_root, root, "", config);
    return status == CONFIG_OK ? config_check(context, config, root) : status;
}

enum config_status config_parse(
        const char *name, const char *text, size_t len, struct config **out, struct config_error *error)
{
    struct config_context context = { .name = name, .error = error };
    struct config *config = calloc(1, sizeof(*config));
    enum config_status status;

    *out = NULL;
    if (config == NULL)
        return config_out_of_memory(&context);
    config->document = context.document = json_text_new();
    status = context.document != NULL ? fill_and_check(&context, text, len, config) : config_out_of_memory(&context);
    if (status != CONFIG_OK) {
        config_free(config);
        return status;
    }
    *out = config;
    return CONFIG_OK;
}
