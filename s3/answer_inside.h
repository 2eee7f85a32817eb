/*
 * What the files answer*.c share: a kind of answer is a grammar and a few functions, in one table of answer.c. Private
 * to them.
 *
 * States of a kind are 1 (its root) to 31, so that "seen" is a bit; those of error documents begin at 200 and are the
 * same for all kinds.
 */
#ifndef S3_ANSWER_INSIDE_H
#define S3_ANSWER_INSIDE_H

#include "s3/answer.h"
#include "s3/xml.h"

enum { ANSWER_ROOT = 1, ANSWER_STATES_MAX = 32 };
/* Twice what a page of 1,000 may hold, so that a server's own idea of a page is not taken for an attack. */
enum {
    ANSWER_ENTRIES_MAX = 2000,
    ANSWER_BUCKETS_MAX = 20000,
    ANSWER_ARENA_FIRST = 64 * 1024,
    ANSWER_ARENA_MAX = 16 * 1024 * 1024
};

struct answer_rules {
    struct s3_xml_grammar grammar;
    uint32_t required; /* a bit a state that must have been seen in the document */
    bool secret;       /* the parser's buffers are wiped after it */
    void (*clear)(void *out);
    void (*open)(struct s3_parser *parser, uint8_t state); /* NULL: nothing to do */
    void (*close)(struct s3_parser *parser, uint8_t state, struct s3_text text);
    const char *(*finish)(struct s3_parser *parser); /* what is wrong, or NULL; the function may be NULL */
};

extern const struct answer_rules answer_list, answer_versions, answer_uploads; /* answer_page.c */
extern const struct answer_rules answer_lifecycle;
extern const struct answer_rules answer_retention, answer_bucket_lock; /* answer_lock.c */
extern const struct answer_rules answer_buckets, answer_parts, answer_deleted, answer_tags;
extern const struct answer_rules answer_copy, answer_complete, answer_create_upload, answer_versioning;
extern const struct answer_rules answer_location;                            /* these two lines: answer_object.c */
extern const struct answer_rules answer_assume_role, answer_caller_identity; /* answer_sts.c */
extern const struct answer_rules answer_role, answer_role_policy, answer_role_policies; /* answer_iam.c */
extern const struct answer_rules answer_publish;                                        /* answer_sns.c */
extern const struct s3_xml_grammar answer_error_grammar;                                /* answer.c */

struct s3_parser {
    struct s3_xml *xml;
    const struct answer_rules *rules;
    void *out;
    uint32_t seen, entry_seen; /* a bit a state: in the document, in the entry that is open */
    bool url;                  /* EncodingType */
    unsigned rank;             /* of the checksum that was taken */
    struct {
        char code[64], message[512], request_id[72], region[32];
    } error;
};

/* The grammar of a kind, by its table of steps. */
#define ANSWER_STEPS(table)                                                                                            \
    .grammar = { .steps = (table), .count = sizeof(table) / sizeof(table)[0], .also = &answer_error_grammar }

void answer_bad(struct s3_parser *parser, const char *why);
/* Notes that a leaf was seen; an element that comes twice in one place fails the document. */
void answer_once(struct s3_parser *parser, uint32_t *seen, uint8_t state);
/* Copies text into a field with its NUL; what does not fit fails the document. */
void answer_field(struct s3_parser *parser, char *field, size_t size, struct s3_text text);
bool answer_bool(struct s3_parser *parser, struct s3_text text);
uint64_t answer_number(struct s3_parser *parser, struct s3_text text, uint64_t max);
int64_t answer_time_ms(struct s3_parser *parser, struct s3_text text);
struct s3_text answer_unquoted(struct s3_parser *parser, struct s3_text etag);

/*
 * Text in an arena, seen through the three fields of the struct that holds it. As growing moves it, a stored text is an
 * offset in pointer's clothing until answer_place, which each kind's finish calls for all of its texts.
 */
struct answer_arena {
    char **ptr;
    size_t *used, *capacity;
};
#define ANSWER_ARENA(holder)                                                                                           \
    ((struct answer_arena){ &(holder)->arena, &(holder)->arena_used, &(holder)->arena_capacity })
struct s3_text answer_store(struct s3_parser *parser, struct answer_arena arena, struct s3_text text);
void answer_place(char *arena, struct s3_text *text);
/* As answer_place, then URL-decodes in place and holds the result to be a key: 1 to 1,024 bytes of valid UTF-8. */
bool answer_place_key(char *arena, struct s3_text *text, bool url);
/* Room for one more element of `size` bytes: the array, maybe moved, or NULL (the document has failed then). */
void *answer_room(struct s3_parser *parser, void *array, size_t *capacity, size_t count, size_t max, size_t size);

#endif
