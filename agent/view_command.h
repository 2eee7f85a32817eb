/*
 * What ls and diff share: the vault, the connection and the source's folder; and what they say of a view and of an
 * object. Documents are written as they come, never held: main thread, standard output.
 */
#ifndef AGENT_VIEW_COMMAND_H
#define AGENT_VIEW_COMMAND_H

#include <jansson.h>

#include "agent/vault_sources.h"
#include "agent/view.h"

struct view_command {
    const struct program *program;
    const char *name; /* of the command */
    struct vault vault;
    struct s3_conn *conn;
    struct vault_sources sources;
    const char *source; /* the vault's folder */
};

/* `wanted`: the source's name or its bucket's. */
enum verdict view_command_open(struct view_command *command, const char *wanted, struct failure *failure)
        __attribute__((warn_unused_result));
void view_command_close(struct view_command *command);

/* Warnings of what the view lacks, as events. EXIT_PARTIAL where it may be wrong or lacks more than its point says. */
enum exit_code view_command_warn(const struct view_command *command, const struct view *view);
/* {"point", "state", "at", "from_versions", "doubtful", "passed_over", "missing", "missing_count"}; NULL without
 * memory. */
json_t *view_about_json(const struct view_about *about);

/* {"key", "size", "etag", "time", "class", "version", "copied", and where it was recorded "acl"}; "time" is null where
 * only versions are known. */
json_t *view_object_json(const struct view_object *object);
/* A line for people, after `mark`. */
void view_object_print(const char *mark, const struct view_object *object);

/* An array of a document under way: `name` with what comes before it, then items, then the end. */
void view_array_begin(const char *name);
/* Takes the value. VERDICT_FULL: standard output takes no more. */
enum verdict view_array_add(json_t *value, bool *first, struct failure *failure) __attribute__((warn_unused_result));
void view_array_end(void);
/* The rest of a document: `last` (taken), the exit code, and where it failed the error. */
enum exit_code view_document_end(const struct view_command *command, json_t *last, enum verdict verdict,
        enum exit_code code, const struct failure *failure);
/* The beginning: {"command": ..., "source": ... and the members of `about` (taken). */
void view_document_begin(const struct view_command *command, json_t *about);

/* Between two objects: VERDICT_CANCELLED where a stop was asked for, VERDICT_FULL where output is broken. */
enum verdict view_command_goes_on(const struct view_command *command, struct failure *failure)
        __attribute__((warn_unused_result));

#endif
