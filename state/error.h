/*
 * The status and the error of state/. A status is a decision for the caller; the error says what happened to whom.
 * Functions that can fail take a `struct state_error *` last; it may be NULL, and is only written on failure.
 */
#ifndef STATE_ERROR_H
#define STATE_ERROR_H

enum state_status {
    STATE_OK,
    STATE_END,       /* a cursor or a reader has yielded everything: never stands for a failure */
    STATE_NOT_FOUND, /* no such record, file or folder */
    STATE_BUSY,      /* another process holds the folder */
    STATE_BAD_DATA,  /* damaged, malformed, or not what its checksum says: rebuild or report, never use */
    STATE_TOO_NEW,   /* written by a newer format version */
    STATE_FULL,      /* a bound or the disk is reached */
    STATE_REFUSED,   /* the place is unfit, e.g. a network file system */
    STATE_NO_MEMORY,
    STATE_IO /* the operating system or a writer said no */
};

struct state_error {
    int os_errno;   /* 0 where none is to blame */
    char what[240]; /* one clear line, without a newline */
};

/* Fills `error` (which may be NULL) by printf's rules and returns `status`, so that a failing path is one line. */
enum state_status state_fail(struct state_error *error, enum state_status status, int os_errno, const char *format, ...)
        __attribute__((format(printf, 4, 5), warn_unused_result));

const char *state_status_name(enum state_status status);

#endif
