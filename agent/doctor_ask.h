/*
 * How each permission of the table is asked for: by a request that changes nothing. For doctor_probe.c only.
 */
#ifndef AGENT_DOCTOR_ASK_H
#define AGENT_DOCTOR_ASK_H

#include "agent/doctor_inside.h"

struct doctor_ask {
    const char *action;
    enum s3_status (*request)(struct doctor *doctor, const struct doctor_side *side, struct s3_error *error);
    bool of_object; /* what is not there may be denied to who may not list */
    bool optional;  /* runs only say less, or a restore is what needs it */
    bool of_upload; /* of none that is there */
};

/* NULL: nothing harmless tells. */
const struct doctor_ask *doctor_ask_for(const char *action);

#endif
