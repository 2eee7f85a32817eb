/* See outcome.h. */
#include "agent/outcome.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/metrics.h"
#include "s3/sns.h"

enum { PROBLEMS_SHOWN = 10 };

void outcome_begin(struct outcome *outcome, const struct program *program, const char *command)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->program = program;
    outcome->command = command;
    if (program->config->notify.sns_topic_arn != NULL)
        outcome->into = open_memstream(&outcome->text, &outcome->length);
}

void outcome_problem(struct outcome *outcome, const char *format, ...)
{
    va_list arguments;

    if (outcome->into == NULL || outcome->shown++ >= PROBLEMS_SHOWN || ftell(outcome->into) > S3_SNS_MESSAGE_MAX / 2)
        return;
    va_start(arguments, format);
    (void)fputs("  ", outcome->into);
    (void)vfprintf(outcome->into, format, arguments);
    (void)fputc('\n', outcome->into);
    va_end(arguments);
}

void outcome_source(struct outcome *outcome, const struct outcome_source *source)
{
    const struct metrics_check check = { .command = outcome->command,
        .source = source->source,
        .exit = source->exit,
        .checked = source->checked,
        .problems = source->problems };

    if (outcome->program->config->metrics.emf && !outcome->program->json &&
            !metrics_print_check(&check, clock_wall_ms()))
        event_warn("metrics-not-written", source->source, "standard output fails");
    notify_take(&outcome->count, source->exit, source->source);
    if (outcome->into != NULL && ftell(outcome->into) <= S3_SNS_MESSAGE_MAX / 2) {
        (void)fprintf(outcome->into, "%s: exit code %d, %llu problems%s%s\n", source->source, (int)source->exit,
                (unsigned long long)source->problems, source->error != NULL ? "\n  " : "",
                source->error != NULL ? source->error->what : "");
    }
    outcome->shown = 0;
}

void outcome_end(struct outcome *outcome, const struct failure *failure)
{
    if (failure != NULL) {
        notify_take(&outcome->count, verdict_exit(failure->verdict), outcome->program->config->vault.bucket);
        if (outcome->into != NULL)
            (void)fprintf(outcome->into, "%s\n", failure->what);
    }
    if (outcome->into != NULL && fclose(outcome->into) == 0)
        notify_of_check(outcome->program, outcome->command, &outcome->count, outcome->text);
    free(outcome->text);
    memset(outcome, 0, sizeof *outcome);
}
