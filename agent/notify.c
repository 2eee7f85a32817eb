/* See notify.h. */
#include "agent/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/access.h"
#include "agent/event.h"
#include "s3/sns.h"

enum { FAILURES_SHOWN = 10, REGION_SIZE = 32 };

/* arn:aws:sns:<region>:<account>:<name>; the config's check has seen its form. */
static void region_of(const char *arn, char region[static REGION_SIZE])
{
    const char *at = arn;

    for (int i = 0; i < 3 && at != NULL; i++) {
        at = strchr(at, ':');
        at = at != NULL ? at + 1 : NULL;
    }
    (void)snprintf(region, REGION_SIZE, "%.*s", at != NULL ? (int)strcspn(at, ":") : 0, at != NULL ? at : "");
}

static enum verdict publish(
        const struct program *program, const char *subject, const char *message, struct failure *failure)
{
    const struct access_options options = { .config = &program->config->vault.access,
        .session_name = "vaultferry-notify" };
    const char *topic = program->config->notify.sns_topic_arn;
    struct s3_publish_answer answer;
    struct s3_client *client = NULL;
    struct s3_conn *conn = NULL;
    struct access *access = NULL;
    struct s3_error error;
    enum s3_status status;
    char region[REGION_SIZE];
    enum verdict verdict = access_open(program, &options, &access, failure);

    region_of(topic, region);
    if (verdict == VERDICT_OK)
        verdict = access_service(program, access, "sns", region, &client, failure);
    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &conn, failure);
    if (verdict == VERDICT_OK) {
        status = s3_publish(conn, client, topic, subject, message, &answer, &error);
        if (status != S3_OK)
            verdict = failure_from_s3(failure, status, &error, "telling topic %s", topic);
    }
    s3_conn_free(conn);
    s3_client_free(client);
    access_close(access);
    return verdict;
}

static void send_message(const struct program *program, const char *subject, const char *message)
{
    struct failure failure;

    if (publish(program, subject, message, &failure) != VERDICT_OK)
        event_warn("not-notified", NULL, "%s", failure.what);
}

static enum config_event event_of(enum exit_code code)
{
    switch (code) {
    case EXIT_GUARDED:
        return CONFIG_ON_GUARD;
    case EXIT_PARTIAL:
    case EXIT_NO_ACCESS:
    case EXIT_INTERNAL:
    case EXIT_USAGE:
        return CONFIG_ON_FAILURE;
    case EXIT_DONE:
        return CONFIG_ON_SUCCESS;
    case EXIT_LEASED: /* another run is at it */
    case EXIT_LEFT:   /* the next run goes on */
        break;
    }
    return 0;
}

static void write_source(FILE *message, const struct source_report *report)
{
    char key[256];

    (void)fprintf(message, "%s: %s, exit code %d%s%s\n", report->source, report->state, (int)report->exit,
            report->point[0] != '\0' ? ", point " : "", report->point);
    if (report->has_error)
        (void)fprintf(message, "  %s\n", report->error.what);
    if (report->failed > 0)
        (void)fprintf(message, "  %llu objects could not be copied\n", (unsigned long long)report->failed);
    for (size_t i = 0; i < report->failure_count && i < FAILURES_SHOWN; i++)
        (void)fprintf(message, "  \"%s\": %s\n",
                key_for_people(report->failures[i].key, report->failures[i].key_len, key, sizeof key),
                report->failures[i].failure != NULL ? report->failures[i].failure->what : "");
    if (report->exit == EXIT_GUARDED && strcmp(report->state, "guarded") == 0)
        (void)fprintf(message,
                "  The guard has seen too much replaced or missing. Nothing was marked as deleted, and every earlier "
                "point can be\n  restored. If this is what you meant: vaultferry run --accept %s\n",
                report->source);
}

/* "vaultferry run: acme-invoices is guarded (vault acme-vault)": names one source, counts more. */
static void make_subject(const struct program *program, const char *command, const struct notify_count *count,
        char subject[static S3_SNS_SUBJECT_MAX + 1])
{
    size_t bad = count->failed + count->guarded;

    if (bad + count->done == 1)
        (void)snprintf(subject, S3_SNS_SUBJECT_MAX + 1, "vaultferry %s: %s %s (vault %s)", command, count->first,
                count->failed == 1            ? "failed"
                : count->guarded == 0         ? "is done"
                : strcmp(command, "run") == 0 ? "is guarded"
                                              : "was stopped",
                program->config->vault.bucket);
    else if (bad == 0)
        (void)snprintf(subject, S3_SNS_SUBJECT_MAX + 1, "vaultferry %s: %zu sources are done (vault %s)", command,
                count->done, program->config->vault.bucket);
    else
        (void)snprintf(subject, S3_SNS_SUBJECT_MAX + 1, "vaultferry %s: %zu failed, %zu %s (vault %s)", command,
                count->failed, count->guarded, strcmp(command, "run") == 0 ? "guarded" : "stopped",
                program->config->vault.bucket);
}

void notify_take(struct notify_count *count, enum exit_code code, const char *source)
{
    size_t *kind;

    switch (event_of(code)) {
    case CONFIG_ON_FAILURE:
        kind = &count->failed;
        break;
    case CONFIG_ON_GUARD:
        kind = &count->guarded;
        break;
    case CONFIG_ON_SUCCESS:
        kind = &count->done;
        break;
    default:
        return;
    }
    (*kind)++;
    if (count->first == NULL || (code != EXIT_DONE && count->failed + count->guarded == 1))
        count->first = source;
}

/* Of what happened, that which the config wants to be told. */
static bool keep_wanted(const struct config_notify *notify, struct notify_count *count)
{
    if ((notify->on & CONFIG_ON_FAILURE) == 0)
        count->failed = 0;
    if ((notify->on & CONFIG_ON_GUARD) == 0)
        count->guarded = 0;
    if ((notify->on & CONFIG_ON_SUCCESS) == 0)
        count->done = 0;
    return count->failed + count->guarded + count->done > 0;
}

void notify_of_check(
        const struct program *program, const char *command, const struct notify_count *count, const char *lines)
{
    char subject[S3_SNS_SUBJECT_MAX + 1];
    struct notify_count wanted = *count;

    if (program->config->notify.sns_topic_arn == NULL || !keep_wanted(&program->config->notify, &wanted))
        return;
    make_subject(program, command, &wanted, subject);
    send_message(program, subject, lines);
}

void notify_of_run(const struct program *program, const struct notify_run *run)
{
    const struct config_notify *notify = &program->config->notify;
    struct notify_count count = { .first = NULL };
    char subject[S3_SNS_SUBJECT_MAX + 1];
    char *message = NULL;
    size_t length = 0;
    FILE *into;

    if (notify->sns_topic_arn == NULL || (into = open_memstream(&message, &length)) == NULL)
        return;
    for (size_t i = 0; i < run->count; i++) {
        const struct source_report *report = &run->reports[i];
        enum config_event event = event_of(report->exit);
        if ((notify->on & event) == 0 || (event == CONFIG_ON_SUCCESS && strcmp(report->state, "skipped") == 0))
            continue;
        notify_take(&count, report->exit, report->source);
        if (ftell(into) < S3_SNS_MESSAGE_MAX / 2)
            write_source(into, report);
    }
    if (fclose(into) == 0 && count.first != NULL) {
        make_subject(program, run->command, &count, subject);
        send_message(program, subject, message);
    }
    free(message);
}

void notify_of_stale(const struct program *program, size_t stale, const char *lines)
{
    const struct config_notify *notify = &program->config->notify;
    char subject[S3_SNS_SUBJECT_MAX + 1];

    if (notify->sns_topic_arn == NULL || (notify->on & CONFIG_ON_STALE) == 0 || stale == 0)
        return;
    (void)snprintf(subject, sizeof subject, "vaultferry: %zu %s stale (vault %s)", stale,
            stale == 1 ? "source is" : "sources are", program->config->vault.bucket);
    send_message(program, subject, lines);
}
