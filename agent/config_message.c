/* See config_message.h. */
#include "agent/config_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void replace_controls(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            *text = '?';
}

struct config_quoted config_quote(const char *text)
{
    struct config_quoted out = { "" };
    const size_t room = sizeof(out.text) - sizeof("...");
    size_t len = strlen(text);

    if (len > room) {
        for (len = room; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
            len--;
        memcpy(out.text + len, "...", sizeof("..."));
    }
    memcpy(out.text, text, len);
    replace_controls(out.text);
    return out;
}

/* Names of configs may be long paths: then their end tells more than their beginning. */
static const char *short_name(const char *name)
{
    const size_t room = 256;
    size_t len = strlen(name);

    if (len <= room)
        return name;
    name += len - room;
    while (((unsigned char)*name & 0xC0) == 0x80)
        name++;
    return name;
}

enum config_status config_complain(
        const struct config_context *context, unsigned line, unsigned column, const char *hint, const char *format, ...)
{
    char what[256], place[64] = "";
    va_list args;

    if (context->error == NULL)
        return CONFIG_BAD;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (line > 0)
        snprintf(place, sizeof(place), " at line %u, column %u", line, column);
    context->error->line = line;
    context->error->column = column;
    if (hint == NULL)
        hint = "";
    snprintf(context->error->message, sizeof(context->error->message), "%s: %s%s%s%.120s", short_name(context->name),
            what, place, hint[0] != '\0' ? ": " : "", hint);
    replace_controls(context->error->message);
    return CONFIG_BAD;
}

enum config_status config_out_of_memory(const struct config_context *context)
{
    (void)!config_complain(context, 0, 0, NULL, "out of memory");
    return CONFIG_NO_MEMORY;
}
