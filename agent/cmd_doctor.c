/*
 * doctor: whether every permission that runs, restores and prunes need is there, and the state of what they rely on.
 * Exit code 0: all is well; 2: something should be seen to; 5: something is missing that a run needs.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/doctor.h"
#include "agent/report.h"

static bool take_options(struct program *program, int argc, char **argv, struct option_list *wanted)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 } };
    int option;

    memset(wanted, 0, sizeof *wanted);
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
        if (option != 's' || !option_list_add(wanted, optarg)) {
            (void)command_misused(program, "doctor", "option \"%s\" is unknown, lacks its value, or is given too often",
                    argv[optind - 1]);
            return false;
        }
    if (optind < argc) {
        (void)command_misused(program, "doctor", "\"%s\" is one word too many", argv[optind]);
        return false;
    }
    return true;
}

static json_t *grant_json(const struct permission *grant, enum permission_side side)
{
    json_t *actions, *json;

    if (grant == NULL)
        return json_null();
    actions = json_array();
    for (size_t i = 0; i < PERMISSION_ACTIONS_MAX && grant->actions[i] != NULL; i++)
        (void)json_array_append_new(actions, json_string(grant->actions[i]));
    json = json_pack(
            "{ss ss so}", "document", permission_document_name(grant->document), "sid", grant->sid, "actions", actions);
    if (json != NULL)
        (void)json_object_set_new(json, "side", json_string(permission_side_name(side)));
    return json;
}

static json_t *check_json(const struct doctor_check *check)
{
    json_t *json = json_pack("{ss ss ss sb ss so}", "subject", check->subject, "check", check->check, "state",
            doctor_state_name(check->state), "needed", check->needed, "detail", check->detail, "grant",
            grant_json(check->grant[0], check->side));

    /* where the service does not say which of two accounts refuses */
    if (json != NULL && check->grant[1] != NULL)
        (void)json_object_set_new(json, "or", grant_json(check->grant[1], check->side));
    return json;
}

static bool print_json(const struct doctor_report *report, enum exit_code code)
{
    json_t *checks = json_array();

    for (size_t i = 0; i < report->count; i++)
        if (json_array_append_new(checks, check_json(&report->checks[i])) != 0) {
            json_decref(checks);
            return false;
        }
    return json_print(json_pack("{ss si so}", "command", "doctor", "exit", (int)code, "checks", checks));
}

/* By subject: what is well in few words, what is not with what to do. */
static void print_text(const struct doctor_report *report)
{
    static const char *const words[] = { [DOCTOR_OK] = "ok",
        [DOCTOR_SKIPPED] = "not needed",
        [DOCTOR_UNKNOWN] = "cannot tell",
        [DOCTOR_WARNING] = "WARNING",
        [DOCTOR_MISSING] = "MISSING",
        [DOCTOR_FAILED] = "FAILED" };
    size_t bad = 0;

    for (size_t i = 0; i < report->count; i++) {
        const struct doctor_check *check = &report->checks[i];
        if (i == 0 || strcmp(check->subject, check[-1].subject) != 0)
            (void)printf("%s%s\n", i == 0 ? "" : "\n", check->subject);
        (void)printf("  %-32s %-11s%s%s\n", check->check, words[check->state], check->detail[0] != '\0' ? " " : "",
                check->detail);
        bad += check->state >= DOCTOR_WARNING;
    }
    if (bad == 0)
        (void)printf("\nAll is well.\n");
    else
        (void)printf("\n%zu to be seen to.\n", bad);
}

enum exit_code cmd_doctor(struct program *program, int argc, char **argv)
{
    struct option_list wanted;
    struct doctor_report report;
    struct failure failure;
    enum exit_code code;

    if (!take_options(program, argc, argv, &wanted))
        return EXIT_USAGE;
    clock_catch_signals(0);
    if (doctor_look(program, &wanted, &report, &failure) != VERDICT_OK) {
        doctor_report_free(&report);
        return command_fail(program, "doctor", verdict_exit(failure.verdict), &failure);
    }
    code = doctor_exit(&report);
    if (!program->json)
        print_text(&report);
    else if (!print_json(&report, code))
        code = EXIT_INTERNAL;
    doctor_report_free(&report);
    return code;
}
