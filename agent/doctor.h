/*
 * Whether everything that a run, a restore and a prune need is there, before the night in which it is needed: every
 * permission of the table, asked for with the real credentials, and the state of vault, sources and machine.
 *
 * It changes no object of a source or a backup. What it writes is one small object under lease/.doctor/ in the vault
 * and a delete marker over it, which rules of the vault remove as they do old leases; a prune role removes them at
 * once. On a store that ignores the condition of a copy, a copy of a source's smallest object goes the same way.
 * Its requests are few for each source. Main thread.
 */
#ifndef AGENT_DOCTOR_H
#define AGENT_DOCTOR_H

#include "agent/command.h"
#include "agent/permission_hint.h"
#include "agent/program.h"

enum doctor_state {
    DOCTOR_OK,
    DOCTOR_SKIPPED, /* this config does not need it */
    DOCTOR_UNKNOWN, /* cannot be told without doing harm, or on this store */
    DOCTOR_WARNING, /* somebody should see to it */
    DOCTOR_MISSING, /* a permission */
    DOCTOR_FAILED
};

struct doctor_check {
    char subject[128]; /* whom it is about: "vault role", "source docs" */
    char check[96];    /* "s3:PutObject", "versioning" */
    enum doctor_state state;
    bool needed; /* runs end with exit code 5 without it */
    char detail[1100];
    const struct permission *grant[2]; /* of a permission: what grants it; across accounts, on both sides */
    enum permission_side side;
};

struct doctor_report {
    struct doctor_check *checks;
    size_t count, capacity;
    bool stopped; /* a signal came: it is not whole */
    bool no_memory;
};

/* `wanted`: names or buckets of sources; none: all. VERDICT_USAGE where the config has not one of them. What it finds
 * is in the report, whatever it is. */
enum verdict doctor_look(const struct program *program, const struct option_list *wanted, struct doctor_report *report,
        struct failure *failure) __attribute__((warn_unused_result));
void doctor_report_free(struct doctor_report *report);

const char *doctor_state_name(enum doctor_state state);
enum exit_code doctor_exit(const struct doctor_report *report);

#endif
