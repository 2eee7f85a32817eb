/* See event.h. */
#include "agent/event.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/report.h"
#include "state/utc.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* guarded by lock */
static bool on_terminal, quiet_, in_progress;

void event_start(bool quiet)
{
    (void)pthread_mutex_lock(&lock);
    on_terminal = isatty(STDERR_FILENO) == 1;
    quiet_ = quiet;
    (void)pthread_mutex_unlock(&lock);
}

static void clear_progress_locked(void)
{
    if (in_progress)
        (void)fputs("\r\033[K", stderr);
    in_progress = false;
}

static void write_json(const char *event, const char *source, json_t *fields)
{
    char now[STATE_TIME_SIZE];
    json_t *line = json_object();
    char *text;

    if (state_utc_format(clock_wall_ms(), now) == 0 || line == NULL ||
            json_object_set_new(line, "time", json_string(now)) != 0 ||
            json_object_set_new(line, "event", json_string(event)) != 0 ||
            (source != NULL && json_object_set_new(line, "source", json_string(source)) != 0) ||
            (fields != NULL && json_object_update(line, fields) != 0)) {
        json_decref(line);
        return;
    }
    text = json_dumps(line, JSON_COMPACT);
    if (text != NULL)
        (void)fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(line);
}

void event_emit(const char *event, const char *source, json_t *fields, const char *text)
{
    (void)pthread_mutex_lock(&lock);
    if (!quiet_ && on_terminal && text != NULL) {
        clear_progress_locked();
        (void)fprintf(stderr, "%s%s%s\n", source != NULL ? source : "", source != NULL ? ": " : "", text);
    } else if (!quiet_ && !on_terminal) {
        write_json(event, source, fields);
    }
    (void)pthread_mutex_unlock(&lock);
    json_decref(fields);
}

static void tell(const char *event, const char *level, const char *source, const char *what)
{
    (void)pthread_mutex_lock(&lock);
    if (on_terminal) {
        clear_progress_locked();
        (void)fprintf(stderr, "%s: %s%s%s\n", level, source != NULL ? source : "", source != NULL ? ": " : "", what);
    } else {
        json_t *fields = json_pack("{ss so}", "level", level, "message", words_json(what));
        write_json(event, source, fields);
        json_decref(fields);
    }
    (void)pthread_mutex_unlock(&lock);
}

void event_warn(const char *event, const char *source, const char *format, ...)
{
    char what[700];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    tell(event, "warning", source, what);
}

void event_error(const char *source, const struct failure *failure)
{
    tell("error", "error", source, failure->what);
}

void event_progress(const char *format, ...)
{
    va_list arguments;

    (void)pthread_mutex_lock(&lock);
    if (on_terminal && !quiet_) {
        (void)fputs("\r\033[K", stderr);
        va_start(arguments, format);
        (void)vfprintf(stderr, format, arguments);
        va_end(arguments);
        (void)fflush(stderr);
        in_progress = true;
    }
    (void)pthread_mutex_unlock(&lock);
}

void event_end_progress(void)
{
    (void)pthread_mutex_lock(&lock);
    clear_progress_locked();
    (void)pthread_mutex_unlock(&lock);
}
