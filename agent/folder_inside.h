/* What folder.c and folder_receive.c share. Private to them. */
#ifndef AGENT_FOLDER_INSIDE_H
#define AGENT_FOLDER_INSIDE_H

#include "agent/folder.h"

enum { FOLDER_NAME_SIZE = 256 }; /* what Linux' file systems take, with its NUL */

struct folder {
    int fd;
    char path[4096]; /* for messages */
};

/* A key's place: the folder that holds it, and its name there. */
struct folder_place {
    int fd; /* -1: that folder does not exist */
    char name[FOLDER_NAME_SIZE];
    bool is_folder; /* the key ends in "/": an empty object that stands for a folder */
};

/* Takes the steps of a key, making folders where `make`. The caller closes place->fd. */
enum verdict folder_place_of(const struct folder *folder, const struct folder_object *object, bool make,
        struct folder_place *place, struct failure *failure) __attribute__((warn_unused_result));
void folder_place_close(struct folder_place *place);

/* A failure of one object, with errno's words. */
enum verdict folder_fail(const struct folder *folder, const struct folder_object *object, const char *what, int error,
        struct failure *failure);

#endif
