/*
 * A file of change lines: changes-NNNN.ndjson.zst (a log) and full-NNNN.ndjson.zst. Inside one zstd frame lie a header
 * line, the change lines, and a trailer line which counts and hashes all before it:
 *
 *   {"format":1,"kind":"changes","source":"acme-docs","point":"20261120T030000Z","number":1}
 *   ...
 *   {"lines":2,"sha256":"…"}
 *
 * so that a file which was cut anywhere, mixed up or moved to another place is never taken for a whole one. Full files
 * hold "is" lines only, in strict key order, also from one number to the next. One thread at a time; failures are
 * sticky.
 */
#ifndef STATE_CHANGE_FILE_H
#define STATE_CHANGE_FILE_H

#include "state/change.h"
#include "state/error.h"
#include "state/layout.h"
#include "state/stream.h"

#include <stddef.h>
#include <stdint.h>

enum { CHANGE_FILE_FORMAT = 1 };

/* Which file: as its path says. */
struct change_file_id {
    enum layout_kind kind; /* LAYOUT_CHANGES or LAYOUT_FULL */
    char source[STATE_SOURCE_MAX + 1];
    char point[STATE_POINT_SIZE];
    uint64_t number;
};

/* What point.json says of a file. */
struct change_file_sum {
    uint64_t lines;                     /* change lines: header and trailer not counted */
    uint64_t bytes;                     /* compressed */
    char sha256[STATE_SHA256_HEX_SIZE]; /* of the compressed file */
};

/* The compressed bytes go to the sink. Free it without finish, and what the sink got is no file. */
struct change_file_writer;
enum state_status change_file_writer_new(const struct change_file_id *id, struct state_sink sink,
        struct change_file_writer **out, struct state_error *error) __attribute__((warn_unused_result));
void change_file_writer_free(struct change_file_writer *writer);
/* Formats and adds. In a full file the change must be STATE_IS and its key above the last. entry.run is left out where
 * it is the file's point. */
enum state_status change_file_writer_add(struct change_file_writer *writer, const struct state_change *change,
        struct state_error *error) __attribute__((warn_unused_result));
/* Adds a line that state_change_format made (as it lay in the outbox), newline included. Logs only. */
enum state_status change_file_writer_add_line(struct change_file_writer *writer, const char *line, size_t len,
        struct state_error *error) __attribute__((warn_unused_result));
/* Lines so far, and compressed bytes that have left: for deciding when a file is large enough. */
uint64_t change_file_writer_lines(const struct change_file_writer *writer);
uint64_t change_file_writer_bytes(const struct change_file_writer *writer);
enum state_status change_file_writer_finish(struct change_file_writer *writer, struct change_file_sum *sum,
        struct state_error *error) __attribute__((warn_unused_result));

/*
 * The reader takes compressed bytes as they arrive and calls `change` for each line; entry.run is the header's point
 * where the line has none; all texts live until the call returns. Changes arrive BEFORE the file is proven whole: keep
 * them apart (a transaction, a new file) until change_file_reader_finish has said STATE_OK.
 */
struct change_file_visitor {
    enum state_status (*change)(void *ctx, const struct state_change *change); /* not OK: stops, and is handed back */
    void *ctx;
};
struct change_file_reader;
struct change_file_reader *change_file_reader_new(struct change_file_visitor visitor)
        __attribute__((warn_unused_result));
void change_file_reader_free(struct change_file_reader *reader);
/*
 * Begins a file, of which the header must say `id`; `expect` (may be NULL) is what point.json says of it. A full file
 * whose number follows the one read before (same source, same point) must also follow it in key order; number 1 starts
 * a new order.
 */
enum state_status change_file_reader_begin(struct change_file_reader *reader, const struct change_file_id *id,
        const struct change_file_sum *expect, struct state_error *error) __attribute__((warn_unused_result));
enum state_status change_file_reader_write(struct change_file_reader *reader, const void *ptr, size_t len,
        struct state_error *error) __attribute__((warn_unused_result));
/* STATE_OK: the whole file was read, and is what its trailer (and `expect`) says. `sum` may be NULL. */
enum state_status change_file_reader_finish(struct change_file_reader *reader, struct change_file_sum *sum,
        struct state_error *error) __attribute__((warn_unused_result));

#endif
