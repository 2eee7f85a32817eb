/* See bootstrap.h: the order of things, and how they are told. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/bootstrap_inside.h"
#include "agent/clock.h"
#include "agent/event.h"

static const char *state_name(const struct bootstrap *work, enum bootstrap_state state)
{
    switch (state) {
    case BOOTSTRAP_OK:
        return "ok";
    case BOOTSTRAP_CREATE:
        return work->options->dry_run ? "would create" : "created";
    case BOOTSTRAP_CHANGE:
        return work->options->dry_run ? "would change" : "changed";
    case BOOTSTRAP_SKIPPED:
        break;
    }
    return "skipped";
}

static void add(struct bootstrap *work, const char *what, const char *where, const char *state, const char *detail)
{
    (void)json_array_append_new(work->report->steps,
            json_pack("{ss ss ss ss}", "what", what, "where", where, "state", state, "detail", detail));
}

void bootstrap_note(struct bootstrap *work, const char *what, const char *where, enum bootstrap_state state,
        const char *format, ...)
{
    char detail[800];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    add(work, what, where, state_name(work, state), detail);
}

void bootstrap_failed(struct bootstrap *work, const char *what, const char *where, const struct failure *failure,
        enum permission_document document, const char *sid)
{
    struct bootstrap_report *report = work->report;
    char detail[sizeof failure->what + 200];
    enum exit_code code = verdict_exit(failure->verdict);

    if (failure->verdict == VERDICT_NO_ACCESS && failure->s3.http_status == 403)
        (void)snprintf(detail, sizeof detail, "%s. What it needs is statement %s of `vaultferry policy %s`",
                failure->what, sid, permission_document_name(document));
    else
        (void)snprintf(detail, sizeof detail, "%s", failure->what);
    add(work, what, where, "failed", detail);
    report->exit = report->has_error ? exit_worse(report->exit, code) : code;
    if (!report->has_error) {
        report->error = *failure;
        (void)snprintf(report->error.what, sizeof report->error.what, "%s: %.*s", what,
                (int)(sizeof report->error.what - strlen(what) - 3), detail);
        report->has_error = true;
    }
    work->stop = work->stop || failure->verdict == VERDICT_UNREACHABLE || failure->verdict == VERDICT_CANCELLED;
}

bool bootstrap_goes_on(struct bootstrap *work)
{
    if (!work->stop && clock_stop_asked()) {
        work->stop = true;
        work->report->exit = EXIT_LEFT;
        work->report->has_error = true;
        (void)failure_set(&work->report->error, VERDICT_CANCELLED,
                "stopped by a signal: what is done stays, and the next bootstrap goes on");
    }
    return !work->stop;
}

bool bootstrap_is_mute(const struct access *access, const struct failure *failure)
{
    return access_endpoint(access) != NULL && failure->verdict != VERDICT_UNREACHABLE &&
           failure->verdict != VERDICT_CANCELLED;
}

/* A bucket that is made with the keys of another account is hard to get rid of: the first question is who asks. */
static void check_identity(struct bootstrap *work, const struct access *access)
{
    struct failure failure;
    char arn[2048], account[16];

    if (access_identity(access, work->conn, arn, sizeof arn, &failure) != VERDICT_OK) {
        if (bootstrap_is_mute(access, &failure)) {
            bootstrap_note(work, "identity", work->account, BOOTSTRAP_SKIPPED,
                    "this store does not say whose credentials these are");
        } else {
            bootstrap_failed(work, "identity", work->account, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
            work->stop = true; /* with these credentials nothing else would go better */
        }
        return;
    }
    permission_account_of(arn, account);
    if (work->account[0] == '\0')
        memcpy(work->account, account, sizeof account);
    if (strcmp(account, work->account) != 0) {
        failure_set(&failure, VERDICT_USAGE,
                "these are credentials of account %s (%.200s), but the vault's account is %s: name a profile of that "
                "account by --profile",
                account, arn, work->account);
        bootstrap_failed(work, "identity", account, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
        work->stop = true;
        return;
    }
    bootstrap_note(work, "identity", account, BOOTSTRAP_OK, "%s", arn);
}

/* The vault's account as its administrator sees it: without the role that a run takes. */
static void as_admin(const struct bootstrap *work, struct program *admin, struct config *config)
{
    *admin = *work->program;
    *config = *work->program->config;
    config->vault.access.role_arn = NULL;
    config->vault.access.external_id = NULL;
    if (work->options->profile != NULL)
        config->vault.access.profile = work->options->profile;
    admin->config = config;
}

static void bootstrap_account(struct bootstrap *work)
{
    struct program admin;
    struct config config;
    struct access_options options = { .session_name = "vaultferry-bootstrap" };
    struct access *access = NULL;
    struct failure failure;

    as_admin(work, &admin, &config);
    options.config = &config.vault.access;
    if (access_open(&admin, &options, &access, &failure) != VERDICT_OK) {
        bootstrap_failed(work, "identity", work->account, &failure, PERMISSION_BOOTSTRAP, "LookAtVault");
        work->stop = true;
        return;
    }
    check_identity(work, access);
    if (bootstrap_goes_on(work))
        bootstrap_vault_bucket(work, &admin);
    if (bootstrap_goes_on(work))
        bootstrap_vault_roles(work, access);
    access_close(access);
}

void bootstrap_do(
        const struct program *program, const struct bootstrap_options *options, struct bootstrap_report *report)
{
    struct bootstrap work = { .program = program, .options = options, .report = report };

    *report = (struct bootstrap_report){ .steps = json_array(), .grants = json_array(), .exit = EXIT_DONE };
    permission_vault_account(program->config, work.account);
    if (program_connect(program, &work.conn, &report->error) != VERDICT_OK) {
        report->has_error = true;
        report->exit = verdict_exit(report->error.verdict);
        return;
    }
    bootstrap_account(&work);
    if (bootstrap_goes_on(&work))
        bootstrap_sources(&work);
    s3_conn_free(work.conn);
}

void bootstrap_report_clear(struct bootstrap_report *report)
{
    json_decref(report->steps);
    json_decref(report->grants);
    report->steps = report->grants = NULL;
}
