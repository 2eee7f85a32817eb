/*
 * Policy documents, compared and merged by what they mean: a service gives a document back with lists in another order,
 * with one element in place of a list of one. Statements are known by their Sid. Pure; any thread.
 */
#ifndef AGENT_BOOTSTRAP_POLICY_H
#define AGENT_BOOTSTRAP_POLICY_H

#include <stdbool.h>

#include <jansson.h>

/* Whether both say the same. */
bool bootstrap_policy_same(const json_t *one, const json_t *other);

/*
 * `found` (NULL: there is none) with the statements of `wanted` in place of those with the same Sid; every other
 * statement stays. With `keep_principals` whom our statement has let in already stays in, so that a bucket can serve
 * two vaults; what is left of a principal that was deleted goes. The caller decrefs it. NULL without memory.
 */
json_t *bootstrap_policy_merge(const json_t *found, const json_t *wanted, bool keep_principals);

/* Takes the statement with that Sid out of a document; false where there is none. */
bool bootstrap_policy_drop(json_t *document, const char *sid);

/* A role's trust policy as it should be, where a role is there: whom our statement lets in, and what it asks for,
 * stays, as somebody may have narrowed it; a document without our statement stays as it is. */
json_t *bootstrap_policy_trust(const json_t *found, const json_t *wanted);

#endif
