/*
 * What doctor writes in the vault, to try what no other request tells: one small object under lease/.doctor/, delete
 * markers over it, and their end by the prune role. For doctor_vault.c only.
 */
#ifndef AGENT_DOCTOR_WRITE_H
#define AGENT_DOCTOR_WRITE_H

#include "agent/doctor_inside.h"

/* A write of the vault's own kind. Where it is refused, a plainer one tells what of it is: the ACL, or the key. */
void doctor_try_writing(struct doctor *doctor, const struct doctor_side *side);
/* Rights that end at a folder: bytes with a wrong sum are offered, which no store keeps that looks at sums. */
void doctor_try_folders(struct doctor *doctor, const struct doctor_side *side);
/* As deletions are marked: many at once. Over what doctor wrote, or over nothing. */
void doctor_try_deleting(struct doctor *doctor, const struct doctor_side *side);
/* Who writes the vault must not be able to end what is in it: tried on what doctor wrote itself. */
void doctor_try_ending(struct doctor *doctor, const struct doctor_side *side);
/* What doctor wrote goes for good, by the only one who may. */
void doctor_try_pruning(struct doctor *doctor, const struct doctor_side *side);

#endif
