/*
 * Reading a manifest from end to end, for the case that its last process was killed. A damaged LMDB file can crash its
 * reader, send it in circles, or make a look-up miss what a walk finds; so the reading is done in a child, and finds
 * out more than that every checksum fits:
 *   - its pages are sound and each has one use (manifest_pages.h);
 *   - in every database keys ascend, and each page's first and last key are found by a look-up, from which follows that
 * the branches above are right;
 *   - the counts agree with LMDB's and with what was read.
 *
 * Threads: forks, so call it before any thread is started. Internal to the manifest.
 */
#ifndef STATE_MANIFEST_CHECK_H
#define STATE_MANIFEST_CHECK_H

#include "state/manifest_db.h"

/* In this process. STATE_OK, or why not. May crash on a damaged file. */
enum state_status check_file(const char *path, uint64_t size, struct state_error *error)
        __attribute__((warn_unused_result));

/*
 * In a child that is killed after `seconds`, and that closes the descriptor `lock`. A child that crashes or is killed
 * is STATE_BAD_DATA.
 */
enum state_status check_in_child(const char *path, uint64_t size, unsigned seconds, int lock, struct state_error *error)
        __attribute__((warn_unused_result));

#endif
