/* What became of each object: counts, marks, lines, and when to give up. See restore_inside.h. */
#include "agent/restore_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/clock.h"
#include "agent/event.h"

enum {
    IN_A_ROW_MAX = 100, /* failures for want of access, without a success between: all others would fail as well */
    PROGRESS_MS = 250,
    EVENT_MS = 30 * 1000
};

bool restore_is_over(struct restore *restore)
{
    bool over;

    (void)pthread_mutex_lock(&restore->lock);
    over = restore->over;
    (void)pthread_mutex_unlock(&restore->lock);
    return over || clock_stop_asked();
}

static void add_to(struct state_totals *totals, uint64_t bytes)
{
    totals->objects++;
    totals->bytes += bytes;
}

static void end_locked(struct restore *restore, const struct failure *failure)
{
    if (!restore->over)
        restore->failure = *failure;
    restore->over = true;
}

void restore_end(struct restore *restore, const struct failure *failure)
{
    (void)pthread_mutex_lock(&restore->lock);
    end_locked(restore, failure);
    (void)pthread_mutex_unlock(&restore->lock);
}

bool restore_is_brought(struct restore *restore, const struct restore_task *task)
{
    bool brought;

    (void)pthread_mutex_lock(&restore->lock);
    brought = restore_marks_get(&restore->marks, task->ordinal) == RESTORE_BROUGHT;
    (void)pthread_mutex_unlock(&restore->lock);
    return brought;
}

static void mark_locked(struct restore *restore, uint64_t ordinal, enum restore_mark mark)
{
    if (!restore_marks_set(&restore->marks, ordinal, mark)) {
        struct failure failure;
        (void)failure_set(&failure, VERDICT_INTERNAL, "out of memory");
        end_locked(restore, &failure);
    }
}

/* Line and event of progress, now and then. */
static void tell_locked(struct restore *restore)
{
    const struct restore_pass *pass = &restore->pass;
    int64_t now_ms = clock_monotonic_ms();

    if (now_ms - restore->shown_ms >= PROGRESS_MS) {
        restore->shown_ms = now_ms;
        event_progress("%s: %llu objects seen, %llu restored (%llu bytes), %llu equal, %llu thawing, %llu failed",
                restore->source, (unsigned long long)pass->objects, (unsigned long long)restore->restored,
                (unsigned long long)restore->restored_bytes, (unsigned long long)pass->equal,
                (unsigned long long)pass->thawing, (unsigned long long)pass->failed);
    }
    if (now_ms - restore->told_ms >= EVENT_MS) {
        restore->told_ms = now_ms;
        event_emit("restore-progress", restore->source,
                json_pack("{sI sI sI sI sI sI}", "objects", (json_int_t)pass->objects, "restored",
                        (json_int_t)restore->restored, "restored_bytes", (json_int_t)restore->restored_bytes, "equal",
                        (json_int_t)pass->equal, "thawing", (json_int_t)pass->thawing, "failed",
                        (json_int_t)pass->failed),
                NULL);
    }
}

void restore_note_equal(struct restore *restore, const struct restore_task *task)
{
    (void)pthread_mutex_lock(&restore->lock);
    if (restore_marks_get(&restore->marks, task->ordinal) == RESTORE_BROUGHT)
        restore->pass.settled++;
    else
        restore->pass.equal++;
    tell_locked(restore);
    (void)pthread_mutex_unlock(&restore->lock);
}

void restore_note_brought(struct restore *restore, const struct restore_task *task)
{
    (void)pthread_mutex_lock(&restore->lock);
    restore->pass.brought++;
    restore->restored++;
    restore->restored_bytes += task->entry.size;
    add_to(&restore->report->by_class[task->copy.class_], task->entry.size);
    restore->in_a_row = 0;
    mark_locked(restore, task->ordinal, RESTORE_BROUGHT);
    tell_locked(restore);
    (void)pthread_mutex_unlock(&restore->lock);
}

static void add_line_locked(struct restore *restore, const struct restore_task *task, const struct failure *failure)
{
    struct failure *copy = malloc(sizeof *copy);

    if (copy != NULL)
        *copy = *failure;
    source_report_add(&restore->report->lines, task->entry.key, copy);
}

void restore_note_conflict(struct restore *restore, const struct restore_task *task, const char *what)
{
    struct failure failure;
    char key[200];

    (void)failure_set(&failure, VERDICT_CHANGED, "%s: left as it is; --conflict overwrite replaces it", what);
    (void)pthread_mutex_lock(&restore->lock);
    if (restore->options->dry_run) {
        restore->report->forecast.skip++;
    } else {
        restore->pass.skipped++;
        mark_locked(restore, task->ordinal, RESTORE_SKIPPED);
    }
    add_line_locked(restore, task, &failure);
    if (restore->options->conflict == RESTORE_FAIL) {
        restore->met_conflict = true;
        (void)failure_set(&failure, VERDICT_CHANGED, "\"%s\": %s, and --conflict is fail",
                key_for_people(task->entry.key.ptr, task->entry.key.len, key, sizeof key), what);
        end_locked(restore, &failure);
    }
    (void)pthread_mutex_unlock(&restore->lock);
}

static void give_up_locked(struct restore *restore, const struct failure *last)
{
    struct failure failure = *last;

    (void)snprintf(failure.what, sizeof failure.what, "%d objects in a row failed, the last one thus: %.500s",
            (int)IN_A_ROW_MAX, last->what);
    end_locked(restore, &failure);
}

void restore_note_failed(struct restore *restore, const struct restore_task *task, const struct failure *failure)
{
    bool no_access = failure->verdict == VERDICT_NO_ACCESS || failure->verdict == VERDICT_UNREACHABLE;

    (void)pthread_mutex_lock(&restore->lock);
    if (restore_marks_get(&restore->marks, task->ordinal) == RESTORE_BROUGHT) {
        restore->restored--; /* it was not there any more when it was compared */
        restore->restored_bytes -= task->entry.size;
    }
    restore->pass.failed++;
    restore->without_access += no_access ? 1 : 0;
    restore->in_a_row = no_access ? restore->in_a_row + 1 : 0;
    mark_locked(restore, task->ordinal, RESTORE_FAILED);
    add_line_locked(restore, task, failure);
    if (restore->in_a_row >= IN_A_ROW_MAX)
        give_up_locked(restore, failure);
    else if (failure->verdict == VERDICT_FULL && restore->target.folder != NULL)
        end_locked(restore, failure);
    tell_locked(restore);
    (void)pthread_mutex_unlock(&restore->lock);
}

void restore_note_thawing(struct restore *restore, const struct restore_task *task)
{
    (void)task;
    (void)pthread_mutex_lock(&restore->lock);
    restore->pass.thawing++;
    restore->in_a_row = 0;
    tell_locked(restore);
    (void)pthread_mutex_unlock(&restore->lock);
}

void restore_note_left(struct restore *restore)
{
    (void)pthread_mutex_lock(&restore->lock);
    restore->pass.left++;
    restore->broken = true;
    (void)pthread_mutex_unlock(&restore->lock);
}

void restore_note_forecast(struct restore *restore, const struct restore_task *task)
{
    struct restore_forecast *forecast = &restore->report->forecast;

    (void)pthread_mutex_lock(&restore->lock);
    add_to(&forecast->bring[task->copy.class_], task->entry.size);
    if (task->vault == RESTORE_THAWING)
        forecast->thawing++;
    if (task->vault == RESTORE_ARCHIVED)
        add_to(&forecast->thaw[task->copy.class_], task->entry.size);
    tell_locked(restore);
    (void)pthread_mutex_unlock(&restore->lock);
}
