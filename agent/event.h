/*
 * What a run tells while it is under way, on stderr: a progress line on a terminal, one JSON line an event elsewhere.
 * Any thread.
 */
#ifndef AGENT_EVENT_H
#define AGENT_EVENT_H

#include <stdbool.h>

#include <jansson.h>

#include "agent/failure.h"

/* Once, before threads start. `quiet`: only warnings and errors. */
void event_start(bool quiet);

/* Takes `fields` (a JSON object; may be NULL). `event` is a stable name: "source-started", "log-written". On a terminal
 * `text` is shown, if not NULL. */
void event_emit(const char *event, const char *source, json_t *fields, const char *text);
/* Something that a person should see although the run goes on. */
void event_warn(const char *event, const char *source, const char *format, ...) __attribute__((format(printf, 3, 4)));
void event_error(const char *source, const struct failure *failure);
/* The progress of all sources together; shown on a terminal only, over the last one. */
void event_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the progress line. */
void event_end_progress(void);

#endif
