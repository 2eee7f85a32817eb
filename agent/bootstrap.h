/*
 * A backup account made ready: the vault's bucket and its settings, the roles, and what the sources' accounts have to
 * grant. Each step looks first and changes only what is not as it should be, so it can be called again and again, and
 * after it was killed anywhere. It never weakens: a stricter setting stays, and so does what others have put there.
 *
 * Main thread.
 */
#ifndef AGENT_BOOTSTRAP_H
#define AGENT_BOOTSTRAP_H

#include <jansson.h>

#include "agent/program.h"

struct bootstrap_options {
    bool dry_run;
    const char *profile;        /* of who administers the backup account; NULL: the config's, else the ambient keys */
    const char *source_profile; /* of who administers a source's account: grants there; NULL: they are only told */
};

struct bootstrap_report {
    json_t *steps;  /* [{"what", "where", "state", "detail"}] */
    json_t *grants; /* [{"account", "source", "document", "policy"}] */
    enum exit_code exit;
    bool has_error;
    struct failure error; /* the first */
};

/* Fills `report`, whose JSON bootstrap_report_clear frees. */
void bootstrap_do(
        const struct program *program, const struct bootstrap_options *options, struct bootstrap_report *report);
void bootstrap_report_clear(struct bootstrap_report *report);

#endif
