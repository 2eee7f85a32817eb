/* See error.h. */
#include "state/error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum state_status state_fail(struct state_error *error, enum state_status status, int os_errno, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(error->what, sizeof error->what, format, arguments);
        va_end(arguments);
        error->os_errno = os_errno;
    }
    return status;
}

const char *state_status_name(enum state_status status)
{
    switch (status) {
    case STATE_OK:
        return "ok";
    case STATE_END:
        return "end";
    case STATE_NOT_FOUND:
        return "not found";
    case STATE_BUSY:
        return "busy";
    case STATE_BAD_DATA:
        return "bad data";
    case STATE_TOO_NEW:
        return "written by a newer version";
    case STATE_FULL:
        return "full";
    case STATE_REFUSED:
        return "refused";
    case STATE_NO_MEMORY:
        return "out of memory";
    case STATE_IO:
        return "input/output error";
    }
    return "unknown";
}
