/* See failure.h. */
#include "agent/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/permission_hint.h"

enum verdict verdict_of_s3(enum s3_status status)
{
    switch (status) {
    case S3_OK:
        return VERDICT_OK;
    case S3_NOT_FOUND:
        return VERDICT_NOT_FOUND;
    case S3_CHANGED:
        return VERDICT_CHANGED;
    case S3_DENIED:
    case S3_EXPIRED:
    case S3_CLOCK:
    case S3_REDIRECT:
    case S3_FATAL: /* no credentials, a CA file that is missing, a certificate that is not trusted */
        return VERDICT_NO_ACCESS;
    case S3_RETRY:
    case S3_THROTTLED:
        return VERDICT_UNREACHABLE;
    case S3_BAD_DATA:
        return VERDICT_BAD_DATA;
    case S3_CANCELLED:
        return VERDICT_CANCELLED;
    case S3_FULL:
        return VERDICT_FULL;
    case S3_ARCHIVED:
    case S3_REFUSED:
    case S3_NO_MEMORY:
        break;
    }
    return VERDICT_INTERNAL;
}

enum verdict verdict_of_state(enum state_status status)
{
    switch (status) {
    case STATE_OK:
        return VERDICT_OK;
    case STATE_NOT_FOUND:
        return VERDICT_NOT_FOUND;
    case STATE_BUSY:
        return VERDICT_HELD;
    case STATE_BAD_DATA:
        return VERDICT_BAD_DATA;
    case STATE_REFUSED:
    case STATE_TOO_NEW:
        return VERDICT_USAGE;
    case STATE_FULL:
        return VERDICT_FULL;
    case STATE_END:
    case STATE_NO_MEMORY:
    case STATE_IO:
        break;
    }
    return VERDICT_INTERNAL;
}

enum exit_code verdict_exit(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_OK:
        return EXIT_DONE;
    case VERDICT_USAGE:
        return EXIT_USAGE;
    case VERDICT_HELD:
        return EXIT_LEASED;
    case VERDICT_NO_ACCESS:
    case VERDICT_NOT_FOUND:
    case VERDICT_UNREACHABLE:
        return EXIT_NO_ACCESS;
    case VERDICT_CANCELLED:
        return EXIT_LEFT;
    case VERDICT_CHANGED:
    case VERDICT_BAD_DATA:
    case VERDICT_FULL:
    case VERDICT_INTERNAL:
        break;
    }
    return EXIT_INTERNAL;
}

enum exit_code exit_worse(enum exit_code one, enum exit_code other)
{
    static const enum exit_code order[] = { EXIT_INTERNAL, EXIT_NO_ACCESS, EXIT_GUARDED, EXIT_PARTIAL, EXIT_LEFT,
        EXIT_LEASED, EXIT_USAGE };

    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (one == order[i] || other == order[i])
            return order[i];
    return EXIT_DONE;
}

static void begin(struct failure *failure, enum verdict verdict)
{
    failure->verdict = verdict;
    s3_error_clear(&failure->s3);
}

enum verdict failure_set(struct failure *failure, enum verdict verdict, const char *format, ...)
{
    va_list arguments;

    if (failure == NULL)
        return verdict;
    begin(failure, verdict);
    va_start(arguments, format);
    (void)vsnprintf(failure->what, sizeof failure->what, format, arguments);
    va_end(arguments);
    return verdict;
}

/* "reading x: GetObject s3://bucket/key: AccessDenied (403): message [request id]" */
static void describe(struct failure *failure, const struct s3_error *error)
{
    size_t used = strlen(failure->what), room = sizeof failure->what - used;
    char key[200];
    int length;

    (void)key_for_people(error->key, error->key_len, key, sizeof key);
    length = snprintf(failure->what + used, room, ": %s%s%s%s%s%s%s%s",
            error->operation != NULL ? error->operation : "", error->bucket[0] != '\0' ? " s3://" : "", error->bucket,
            error->bucket[0] != '\0' && error->key_len > 0 ? "/" : "", key, error->operation != NULL ? ": " : "",
            error->code, error->code[0] != '\0' ? ": " : "");
    if (length < 0 || (size_t)length >= room)
        return;
    used += (size_t)length;
    room -= (size_t)length;
    length = snprintf(failure->what + used, room, "%s", error->message[0] != '\0' ? error->message : "no message");
    if (length < 0 || (size_t)length >= room)
        return;
    used += (size_t)length;
    room -= (size_t)length;
    if (error->request_id[0] != '\0')
        (void)snprintf(failure->what + used, room, " [request %s]", error->request_id);
}

/* What to grant, behind what was refused. It has its room also where the service had much to say. */
static void advise(struct failure *failure, enum s3_status status, const struct s3_error *error)
{
    enum { ROOM = 500 };
    char hint[ROOM];
    size_t used = strlen(failure->what);

    if (status != S3_DENIED || !permission_hint(error, hint, sizeof hint))
        return;
    if (used + ROOM + 16 > sizeof failure->what)
        used = sizeof failure->what - ROOM - 16;
    while (used > 0 && ((unsigned char)failure->what[used] & 0xc0) == 0x80) /* not in the middle of a character */
        used--;
    (void)snprintf(failure->what + used, sizeof failure->what - used, ". To grant: %s", hint);
}

enum verdict failure_from_s3(
        struct failure *failure, enum s3_status status, const struct s3_error *error, const char *format, ...)
{
    va_list arguments;

    if (failure == NULL)
        return verdict_of_s3(status);
    begin(failure, verdict_of_s3(status));
    va_start(arguments, format);
    (void)vsnprintf(failure->what, sizeof failure->what, format, arguments);
    va_end(arguments);
    failure->s3 = *error;
    describe(failure, error);
    advise(failure, status, error);
    return failure->verdict;
}

enum verdict failure_from_state(
        struct failure *failure, enum state_status status, const struct state_error *error, const char *format, ...)
{
    va_list arguments;
    size_t used;

    if (failure == NULL)
        return verdict_of_state(status);
    begin(failure, verdict_of_state(status));
    va_start(arguments, format);
    (void)vsnprintf(failure->what, sizeof failure->what, format, arguments);
    va_end(arguments);
    used = strlen(failure->what);
    (void)snprintf(failure->what + used, sizeof failure->what - used, ": %s", error->what);
    return failure->verdict;
}

const char *key_for_people(const char *key, size_t length, char *out, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    size_t used = 0;

    for (size_t i = 0; i < length && used + 7 < size; i++) {
        unsigned char byte = (unsigned char)key[i];
        if (byte == '"' || byte == '\\') {
            out[used++] = '\\';
            out[used++] = (char)byte;
        } else if (byte == '\n' || byte == '\r' || byte == '\t') {
            out[used++] = '\\';
            out[used++] = byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
        } else if (byte < 0x20 || byte == 0x7f) {
            memcpy(out + used, "\\u00", 4);
            out[used + 4] = hex[byte >> 4];
            out[used + 5] = hex[byte & 15];
            used += 6;
        } else {
            out[used++] = (char)byte;
        }
    }
    /* not in the middle of a character */
    if (used + 7 >= size)
        while (used > 0 && ((unsigned char)out[used - 1] & 0xc0) == 0x80)
            used--;
    if (used + 7 >= size && used > 0 && ((unsigned char)out[used - 1] & 0x80) != 0)
        used--;
    out[used] = '\0';
    return out;
}
