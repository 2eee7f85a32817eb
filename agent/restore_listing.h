/*
 * What a destination bucket holds under a prefix, one key at a time in byte order; one request a page of 1,000. For one
 * thread, with its connection. An error never looks like the end: it stays, and comes out of every later call.
 */
#ifndef AGENT_RESTORE_LISTING_H
#define AGENT_RESTORE_LISTING_H

#include "agent/failure.h"
#include "s3/list.h"

struct restore_listing {
    struct s3_client *client;
    struct s3_conn *conn;
    const char *bucket; /* borrowed */
    struct s3_page page;
    size_t at;     /* the page's next entry */
    bool last;     /* no page follows */
    bool has_last; /* last_key is set */
    enum verdict verdict;
    struct failure failure;
    size_t prefix_len, last_len;
    char prefix[S3_KEY_MAX], last_key[S3_KEY_MAX];
};

/* The prefix has at most S3_KEY_MAX bytes. */
void restore_listing_begin(struct restore_listing *listing, struct s3_client *client, struct s3_conn *conn,
        const char *bucket, struct s3_text prefix);
/* The next key, borrowed until the next call; *entry is NULL at the end. */
enum verdict restore_listing_next(struct restore_listing *listing, const struct s3_page_entry **entry,
        struct failure *failure) __attribute__((warn_unused_result));
void restore_listing_end(struct restore_listing *listing);

#endif
