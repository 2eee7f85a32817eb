/* See doctor.h: the order of the looks, and their report. */
#include "agent/doctor_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"

static const char *const state_names[] = { [DOCTOR_OK] = "ok",
    [DOCTOR_SKIPPED] = "skipped",
    [DOCTOR_UNKNOWN] = "unknown",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_MISSING] = "missing",
    [DOCTOR_FAILED] = "failed" };

const char *doctor_state_name(enum doctor_state state)
{
    return state_names[state];
}

struct doctor_check *doctor_say(
        struct doctor *doctor, const char *subject, const char *check, enum doctor_state state, const char *format, ...)
{
    static struct doctor_check spare;
    struct doctor_report *report = doctor->report;
    struct doctor_check *into = &spare;
    va_list arguments;

    if (report->count == report->capacity) {
        size_t capacity = report->capacity == 0 ? 64 : report->capacity * 2;
        struct doctor_check *larger = realloc(report->checks, capacity * sizeof *larger);
        if (larger == NULL) {
            report->no_memory = true;
        } else {
            report->checks = larger;
            report->capacity = capacity;
        }
    }
    if (report->count < report->capacity)
        into = &report->checks[report->count++];
    memset(into, 0, sizeof *into);
    into->state = state;
    (void)snprintf(into->subject, sizeof into->subject, "%s", subject);
    (void)snprintf(into->check, sizeof into->check, "%s", check);
    va_start(arguments, format);
    (void)vsnprintf(into->detail, sizeof into->detail, format, arguments);
    va_end(arguments);
    return into;
}

struct doctor_check *doctor_say_failure(
        struct doctor *doctor, const char *subject, const char *check, const struct failure *failure)
{
    struct doctor_check *said;

    if (failure->verdict == VERDICT_CANCELLED)
        return doctor_say(doctor, subject, check, DOCTOR_UNKNOWN, "stopped");
    said = doctor_say(doctor, subject, check, DOCTOR_FAILED, "%s", failure->what);
    said->needed = true;
    return said;
}

enum exit_code doctor_exit(const struct doctor_report *report)
{
    enum exit_code code = EXIT_DONE;

    for (size_t i = 0; i < report->count; i++) {
        const struct doctor_check *check = &report->checks[i];
        if (check->state >= DOCTOR_WARNING)
            code = check->needed || code == EXIT_NO_ACCESS ? EXIT_NO_ACCESS : EXIT_PARTIAL;
    }
    if (report->no_memory)
        return EXIT_INTERNAL;
    return report->stopped && code == EXIT_DONE ? EXIT_LEFT : code;
}

bool doctor_identity(struct doctor *doctor, const char *subject, const struct access *access, const char *account)
{
    char arn[512] = "", *at = arn;
    bool other;
    struct failure failure;
    enum verdict verdict = access_identity(access, doctor->conn, arn, sizeof arn, &failure);

    if (verdict == VERDICT_OK) {
        for (int colons = 0; colons < 4 && at != NULL; colons++) /* arn:aws:sts::ACCOUNT:... */
            at = strchr(at, ':') != NULL ? strchr(at, ':') + 1 : NULL;
        /* no fault by itself: a bucket's policy may let another account in */
        other = account != NULL && at != NULL && strncmp(at, account, strlen(account)) != 0;
        (void)doctor_say(doctor, subject, "credentials", DOCTOR_OK, "%s%s%s", arn,
                other ? ", of another account than the bucket's, " : "", other ? account : "");
        return true;
    }
    if (failure.s3.operation != NULL && strcmp(failure.s3.operation, "GetCallerIdentity") == 0 &&
            verdict != VERDICT_UNREACHABLE && verdict != VERDICT_CANCELLED && !permission_is_of_role(&failure.s3)) {
        (void)doctor_say(doctor, subject, "credentials", DOCTOR_OK,
                "there are credentials; this store does not say whose (%s)", failure.s3.code);
        return true;
    }
    (void)doctor_say_failure(doctor, subject, "credentials", &failure);
    return false;
}

static bool random_name(char out[17])
{
    unsigned char chance[8];

    if (!clock_random_bytes(chance, sizeof chance))
        return false;
    for (size_t i = 0; i < sizeof chance; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", chance[i]);
    return true;
}

static enum verdict prepare(struct doctor *doctor, struct failure *failure)
{
    const struct access_options options = { .session_name = "vaultferry-doctor" };
    char name[17];

    if (program_connect(doctor->program, &doctor->conn, failure) != VERDICT_OK ||
            vault_open(doctor->program, &options, &doctor->vault, failure) != VERDICT_OK ||
            access_hasty(doctor->vault.access, DOCTOR_ATTEMPTS, &doctor->hasty, failure) != VERDICT_OK ||
            access_hasty(doctor->vault.access, 1, &doctor->once, failure) != VERDICT_OK)
        return failure->verdict;
    if (!random_name(name))
        return failure_set(failure, VERDICT_INTERNAL, "the system gives no random bytes");
    doctor->vault.client = doctor->hasty;
    (void)snprintf(doctor->probe, sizeof doctor->probe, "%slease/.doctor/%s", doctor->vault.config->prefix, name);
    return VERDICT_OK;
}

/* What is about one subject stands together, where the first of it stood: some can only be tried at the end. */
static void group(struct doctor_report *report)
{
    struct doctor_check *grouped = malloc((report->count + 1) * sizeof *grouped);
    bool *taken = calloc(report->count + 1, sizeof *taken);
    size_t count = 0;

    for (size_t i = 0; grouped != NULL && taken != NULL && i < report->count; i++)
        for (size_t j = i; !taken[i] && j < report->count; j++)
            if (!taken[j] && (j == i || strcmp(report->checks[j].subject, report->checks[i].subject) == 0)) {
                grouped[count++] = report->checks[j];
                taken[j] = j > i;
            }
    if (count == report->count && grouped != NULL) {
        free(report->checks);
        report->checks = grouped;
        report->capacity = report->count + 1;
        grouped = NULL;
    }
    free(grouped);
    free(taken);
}

enum verdict doctor_look(const struct program *program, const struct option_list *wanted, struct doctor_report *report,
        struct failure *failure)
{
    struct doctor doctor = { .program = program, .wanted = wanted, .report = report };
    enum verdict verdict;

    memset(report, 0, sizeof *report);
    verdict = prepare(&doctor, failure);
    if (verdict == VERDICT_OK) {
        doctor_look_at_vault(&doctor);
        verdict = doctor_look_at_sources(&doctor, failure);
        doctor_look_at_health(&doctor);
        doctor_look_at_roles(&doctor);
        doctor_look_at_machine(&doctor);
    }
    report->stopped = clock_stop_asked();
    group(report);
    free(doctor.sources);
    s3_client_free(doctor.hasty);
    s3_client_free(doctor.once);
    vault_close(&doctor.vault);
    s3_conn_free(doctor.conn);
    return verdict;
}

void doctor_report_free(struct doctor_report *report)
{
    free(report->checks);
    memset(report, 0, sizeof *report);
}
