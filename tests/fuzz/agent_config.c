/*
 * Any text as a config: refused with one line, or understood; then its policies can be written, and selection takes
 * whatever patterns it holds.
 */
#include "agent/config.h"
#include "agent/glob.h"
#include "agent/select.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct config *config)
{
    const struct select_candidate candidate = { .name = "docs-2", .account = "111122223333", .tags_known = true };

    for (size_t i = 0; i < config->policy_count; i++) {
        char *text = config_policy_json(&config->policies[i]);

        if (text == NULL)
            abort();
        free(text);
    }
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        struct select_tally *tally = select_tally_new(source);
        struct select_reason reason;
        size_t cursor = 0;

        if (source->policy == NULL || tally == NULL)
            abort();
        (void)!select_bucket(source, &candidate, &reason);
        (void)select_key(source, "a/b.part", 8);
        select_tally_add(tally, &candidate);
        while (select_tally_next(tally, &cursor, &reason) != SELECT_NO_PROBLEM)
            ;
        select_tally_free(tally);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_error error = { 0 };
    struct config *config = NULL;
    const size_t half = size / 2;
    const char *text = (const char *)data;
    enum config_status status = config_parse("c", text, size, &config, &error);

    if (status == CONFIG_OK)
        use(config);
    else if (status != CONFIG_BAD || config != NULL || error.message[0] == '\0' ||
             strpbrk(error.message, "\r\n") != NULL)
        abort();
    config_free(config);

    /* a malformed pattern may match nothing, but neither may read past its end */
    if (glob_match(text, half, text + half, size - half) && half == 0 && size - half > 0)
        abort();
    (void)glob_check(text, size);
    return 0;
}
