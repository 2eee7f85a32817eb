/*
 * XML as events, by libxml2's push interface: a document is a walk through the states of a grammar, and only elements
 * that the grammar names are seen; everything else is skipped with all that is in it. Text is gathered for leaves: an
 * element that has another one inside has no text.
 *
 * Bounded: 16 levels, 16 KiB of text a leaf, 32 MiB a document. A document type declaration is refused, so there are no
 * entities but XML's own five. Nothing is ever fetched. One reader belongs to one thread and keeps its memory between
 * documents.
 *
 * One thing is forgiven: characters that XML cannot carry (&#x01;) in elements that are skipped, or in the grammar's
 * `loose` state. Servers echo a request's start-after, and hand out tokens, made of keys that have such bytes; a page
 * of well-encoded keys must survive that.
 */
#ifndef S3_XML_H
#define S3_XML_H

#include "s3/error.h"

enum { S3_XML_DEPTH_MAX = 16, S3_XML_TEXT_MAX = 16 * 1024, S3_XML_BYTES_MAX = 32 * 1024 * 1024 };
enum { S3_XML_START = 0 }; /* the state before the root */

/* Inside `from`, an element of this name leads to `to` (1 to 254), until it is closed. */
struct s3_xml_step {
    uint8_t from, to;
    const char *name;
};

struct s3_xml_grammar {
    const struct s3_xml_step *steps;
    size_t count;
    const struct s3_xml_grammar *also; /* more steps, or NULL */
    uint32_t loose; /* a bit a state (under 32): leaves whose text becomes empty where XML cannot carry it */
};

/* Either may call s3_xml_fail. `text` is borrowed for the call and terminated; it may hold no NUL itself, since XML
 * cannot. */
struct s3_xml_events {
    void (*open)(void *context, uint8_t state);
    void (*close)(void *context, uint8_t state, const char *text, size_t length);
};

struct s3_xml;
struct s3_xml *s3_xml_new(void);
void s3_xml_free(struct s3_xml *xml);
/* Costs nothing until the first byte of a document comes: most answers have no body. */
void s3_xml_begin(
        struct s3_xml *xml, const struct s3_xml_grammar *grammar, const struct s3_xml_events *events, void *context);
/* After a failure it ignores what comes. White space before the document is skipped. */
void s3_xml_feed(struct s3_xml *xml, const char *bytes, size_t length);
/* Fails the document; the first failure stays. `why` is static text. */
void s3_xml_fail(struct s3_xml *xml, enum s3_status status, const char *why);
/*
 * Ends the document. S3_OK: it was well-formed to its last byte. S3_NOT_FOUND: there was nothing but white space. Else
 * S3_BAD_DATA or S3_NO_MEMORY, or what s3_xml_fail said; *why is then a reason without anything of the document in it
 * (static, or valid until the next begin).
 */
enum s3_status s3_xml_finish(struct s3_xml *xml, const char **why) __attribute__((warn_unused_result));
/* Whether what came began like XML at all. */
bool s3_xml_is_markup(const struct s3_xml *xml);
/* The state of the root, S3_XML_START while there was none that the grammar knows. */
uint8_t s3_xml_root(const struct s3_xml *xml);
/* Overwrites what is left of the document in this reader's buffers. */
void s3_xml_wipe(struct s3_xml *xml);

#endif
