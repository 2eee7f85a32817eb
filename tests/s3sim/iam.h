/* IAM's query API for roles: CreateRole, GetRole, UpdateAssumeRolePolicy, PutRolePolicy, GetRolePolicy and
 * ListRolePolicies, with AWS's shapes of answers and errors. It works on the roles that the control API knows too. */
#ifndef S3SIM_IAM_H
#define S3SIM_IAM_H

#include "ops.h"

/* Whether the form in its body asks IAM for this. */
bool iam_is_asked(const struct request *q, const char *action);

#endif
