/* See source.h. */
#include "agent/source.h"

#include <string.h>

#include "agent/select.h"

bool source_wants_key(const struct source *source, const char *key, size_t length)
{
    const struct config_strings *prefixes = &source->config->select.prefixes;
    bool inside = prefixes->count == 0;

    for (size_t i = 0; i < prefixes->count && !inside; i++) {
        size_t prefix = strlen(prefixes->items[i]);
        inside = length >= prefix && memcmp(key, prefixes->items[i], prefix) == 0;
    }
    return inside && select_key(source->config, key, length);
}
