/*
 * Multipart uploads of a source that nobody will go on with: killed runs leave them, and S3 bills their parts until
 * they are aborted. Also the notes in the manifest of uploads whose objects are gone or were copied otherwise.
 *
 * For the source's own thread, while nothing of the source is in the pool's work: after a walk and its moves.
 */
#ifndef AGENT_UPLOADS_H
#define AGENT_UPLOADS_H

#include "agent/run_inside.h"

/* Aborts what is under the source's folders and not noted for a later run to go on with. A note is kept while its copy
 * or move was not tried or has failed; after a whole walk all others are void. What cannot be listed or aborted is
 * left: the next run tries again, and the bucket's own rule ends it. */
void uploads_abort_stale(struct run *run);

#endif
