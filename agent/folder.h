/*
 * A local folder as the place where objects are brought back to. A key's parts become folders and a file below it; no
 * key leaves it, and no symbolic link is followed, whoever puts one there while the work goes on: every step is taken
 * from the descriptor of the step before. A file appears whole or not at all, with the object's time as its own, by
 * which a later restore knows it again without reading it.
 *
 * A key that cannot be a file here (a part that is empty, "." or "..", too long for the file system, or a file that is
 * in the way of a folder of the same name) is a failure of that one object, and says why.
 *
 * Any thread, with its connection.
 */
#ifndef AGENT_FOLDER_H
#define AGENT_FOLDER_H

#include "agent/vault.h"
#include "state/entry.h"

struct folder;

/* Makes it where it is missing. */
enum verdict folder_open(const char *path, struct folder **folder, struct failure *failure)
        __attribute__((warn_unused_result));
void folder_close(struct folder *folder);

struct folder_object {
    struct state_text key;
    uint64_t size;
    int64_t time_ms;                /* the file's time, to the millisecond */
    const struct layout_path *path; /* in the vault */
    const char *version;            /* "": the current one */
    const char *etag;
};

enum folder_sight {
    FOLDER_ABSENT,
    FOLDER_EQUAL,    /* its size and time, or its size and bytes */
    FOLDER_DOUBTFUL, /* its size, another time, and an ETag that does not tell of the bytes */
    FOLDER_DIFFERENT
};
enum verdict folder_look(const struct folder *folder, const struct folder_object *object, enum folder_sight *sight,
        struct failure *failure) __attribute__((warn_unused_result));

/* Reads it from the vault into its file, which replaces what is there. What was read is held against the ETag or a
 * checksum where they tell of the bytes. *archived: it has to be thawed first. */
enum verdict folder_receive(const struct folder *folder, const struct folder_object *object, const struct vault *vault,
        struct s3_conn *conn, bool *archived, struct failure *failure) __attribute__((warn_unused_result));

#endif
