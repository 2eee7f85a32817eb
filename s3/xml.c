/*
 * See xml.h. An entry of a list costs some fifteen callbacks, so the way from an element's name to the next state is
 * one look into a small cache by the name's address: libxml2 keeps each name once in a dictionary. The dictionary
 * outlives the documents, as xmlCtxtResetPush keeps it, and is thrown away with its context where strange documents
 * have made it large.
 */
#include "s3/xml.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 255, CACHE_SLOTS = 256, NAMES_MAX = 1000 };

struct slot {
    const xmlChar *name;
    uint8_t from, to;
};

struct s3_xml {
    xmlParserCtxtPtr parser;
    const struct s3_xml_grammar *grammar;
    const struct s3_xml_events *events;
    void *context;
    struct slot cache[CACHE_SLOTS];

    uint8_t states[S3_XML_DEPTH_MAX + 1]; /* of the open elements that the grammar knows; [0] is S3_XML_START */
    unsigned depth, skip_depth;
    uint8_t root;
    bool root_seen, root_closed, begun, markup, is_leaf, gathers, illegal_text, forgave;
    enum s3_status status;
    const char *why;
    char reason[96];
    size_t fed, text_length;
    char text[S3_XML_TEXT_MAX + 1];
};

void s3_xml_fail(struct s3_xml *xml, enum s3_status status, const char *why)
{
    if (xml->status == S3_OK) {
        xml->status = status;
        xml->why = why;
        xml->gathers = false; /* the rest of the chunk is parsed, and ignored */
    }
}

static uint8_t find_step(const struct s3_xml_grammar *grammar, uint8_t from, const char *name)
{
    for (; grammar != NULL; grammar = grammar->also) {
        for (size_t i = 0; i < grammar->count; i++) {
            if (grammar->steps[i].from == from && strcmp(grammar->steps[i].name, name) == 0) {
                return grammar->steps[i].to;
            }
        }
    }
    return SKIPPED;
}

static uint8_t next_state(struct s3_xml *xml, uint8_t from, const xmlChar *name)
{
    /* Names lie in the dictionary at any address; the multiplier spreads neighbours. */
    size_t hash = (size_t)(((uintptr_t)name + from) * UINT64_C(0x9E3779B97F4A7C15) >> 56);
    struct slot *slot = &xml->cache[hash % CACHE_SLOTS];
    if (slot->name != name || slot->from != from) {
        slot->to = find_step(xml->grammar, from, (const char *)name);
        slot->name = name;
        slot->from = from;
    }
    return slot->to;
}

static void on_open(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespace_count,
        const xmlChar **namespaces, int attribute_count, int defaulted_count, const xmlChar **attributes)
{
    struct s3_xml *xml = context;
    (void)prefix, (void)uri, (void)namespace_count, (void)namespaces;
    (void)attribute_count, (void)defaulted_count, (void)attributes;
    if (xml->forgave) {
        /* libxml2 leaves out every &apos; and &amp; that follows a complaint: keys would be taken for others */
        xml->parser->wellFormed = 1;
    }
    if (xml->status != S3_OK) {
        return;
    }
    if (xml->depth + xml->skip_depth >= S3_XML_DEPTH_MAX) {
        s3_xml_fail(xml, S3_BAD_DATA, "the document is nested too deeply");
        return;
    }
    uint8_t state = SKIPPED;
    if (xml->skip_depth == 0) {
        state = next_state(xml, xml->states[xml->depth], name);
    }
    if (!xml->root_seen) {
        xml->root_seen = true;
        xml->root = state == SKIPPED ? S3_XML_START : state;
    }
    xml->text_length = 0;
    xml->illegal_text = false;
    if (state == SKIPPED) {
        xml->skip_depth++;
        xml->is_leaf = false;
        xml->gathers = false;
        return;
    }
    xml->depth++;
    xml->states[xml->depth] = state;
    xml->is_leaf = true;
    xml->gathers = true;
    xml->events->open(xml->context, state);
}

static void on_close(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    struct s3_xml *xml = context;
    (void)name, (void)prefix, (void)uri;
    if (xml->status != S3_OK) {
        return;
    }
    if (xml->skip_depth > 0) {
        xml->skip_depth--;
    } else {
        size_t length = xml->is_leaf && !xml->illegal_text ? xml->text_length : 0;
        xml->text[length] = '\0';
        xml->gathers = false;
        xml->events->close(xml->context, xml->states[xml->depth], xml->text, length);
        xml->depth--;
        xml->is_leaf = false;
    }
    if (xml->depth + xml->skip_depth == 0) {
        xml->root_closed = true;
    }
}

static void on_text(void *context, const xmlChar *text, int length)
{
    struct s3_xml *xml = context;
    if (!xml->gathers || length <= 0) {
        return;
    }
    if ((size_t)length > S3_XML_TEXT_MAX - xml->text_length) {
        s3_xml_fail(xml, S3_BAD_DATA, "an element's text is too long");
        return;
    }
    memcpy(xml->text + xml->text_length, text, (size_t)length);
    xml->text_length += (size_t)length;
}

static void on_doctype(void *context, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id)
{
    (void)name, (void)external_id, (void)system_id;
    struct s3_xml *xml = context;
    s3_xml_fail(xml, S3_BAD_DATA, "the document has a type declaration");
    xmlStopParser(
            xml->parser); /* not a byte of its declarations is read; libxml2 looks for this right after the call */
}

/*
 * Every violation comes by here, and libxml2 goes on after it (XML_PARSE_RECOVER), so that the one that is forgiven can
 * be told from the others. It is not stopped from inside: its own code after a complaint still moves in the input.
 */
static void on_complaint(void *context, xmlErrorPtr complaint)
{
    struct s3_xml *xml = context;
    if (complaint->level < XML_ERR_ERROR) {
        return;
    }
    /* The same code stands for bytes that are no UTF-8, which libxml2 would go on to read as Latin-1; only a character
     * has a number. */
    if (complaint->code == XML_ERR_INVALID_CHAR && complaint->int1 > 0) {
        uint8_t state = xml->states[xml->depth];
        bool is_loose = state < 32 && (xml->grammar->loose >> state & 1) != 0;
        if (xml->skip_depth > 0 || is_loose) {
            xml->illegal_text = xml->forgave = true;
            return;
        }
    }
    if (xml->status == S3_OK) {
        (void)snprintf(xml->reason, sizeof xml->reason, "the document is cut off or not well-formed (libxml2 error %d)",
                complaint->code);
        s3_xml_fail(xml, complaint->code == XML_ERR_NO_MEMORY ? S3_NO_MEMORY : S3_BAD_DATA, xml->reason);
    }
}

static void initialise_library(void)
{
    xmlInitParser();
}

static xmlParserCtxtPtr new_parser(struct s3_xml *xml)
{
    xmlSAXHandler sax;
    memset(&sax, 0, sizeof sax);
    sax.initialized = XML_SAX2_MAGIC;
    sax.startElementNs = on_open;
    sax.endElementNs = on_close;
    sax.characters = on_text;
    sax.ignorableWhitespace = on_text;
    sax.cdataBlock = on_text;
    sax.internalSubset = on_doctype;
    sax.serror = on_complaint;
    xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&sax, xml, NULL, 0, NULL);
    /* The encoding is UTF-8 whatever a document says of itself: no converter is ever loaded. */
    if (parser != NULL && xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_RECOVER) != 0) {
        xmlFreeParserCtxt(parser);
        parser = NULL;
    }
    return parser;
}

struct s3_xml *s3_xml_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, initialise_library) != 0) {
        return NULL;
    }
    struct s3_xml *xml = calloc(1, sizeof *xml);
    if (xml != NULL) {
        xml->parser = new_parser(xml);
        if (xml->parser == NULL) {
            free(xml);
            xml = NULL;
        }
    }
    return xml;
}

void s3_xml_free(struct s3_xml *xml)
{
    if (xml != NULL) {
        if (xml->parser != NULL) {
            xmlFreeParserCtxt(xml->parser);
        }
        free(xml);
    }
}

static bool renew_parser(struct s3_xml *xml)
{
    bool usable = xml->parser != NULL && xmlDictSize(xml->parser->dict) < NAMES_MAX;
    if (usable && xmlCtxtResetPush(xml->parser, NULL, 0, NULL, NULL) == 0) {
        return true;
    }
    if (xml->parser != NULL) {
        xmlFreeParserCtxt(xml->parser);
    }
    memset(xml->cache, 0, sizeof xml->cache);
    xml->parser = new_parser(xml);
    return xml->parser != NULL;
}

void s3_xml_begin(
        struct s3_xml *xml, const struct s3_xml_grammar *grammar, const struct s3_xml_events *events, void *context)
{
    if (xml->grammar != grammar) {
        memset(xml->cache, 0, sizeof xml->cache);
    }
    xml->grammar = grammar;
    xml->events = events;
    xml->context = context;
    xml->states[0] = S3_XML_START;
    xml->depth = xml->skip_depth = 0;
    xml->root = S3_XML_START;
    xml->root_seen = xml->root_closed = xml->begun = xml->markup = xml->is_leaf = xml->gathers = false;
    xml->illegal_text = xml->forgave = false;
    xml->fed = xml->text_length = 0;
    xml->why = "";
    xml->status = S3_OK;
}

void s3_xml_feed(struct s3_xml *xml, const char *bytes, size_t length)
{
    while (!xml->begun && length > 0) {
        if (*bytes == ' ' || *bytes == '\n' || *bytes == '\r' || *bytes == '\t') {
            bytes++;
            length--;
        } else {
            xml->begun = true;
            xml->markup = *bytes == '<' || (unsigned char)*bytes == 0xEF; /* or a byte order mark */
            if (xml->markup && !renew_parser(xml)) {
                s3_xml_fail(xml, S3_NO_MEMORY, "no memory");
            }
        }
    }
    if (length == 0 || xml->status != S3_OK) {
        return;
    }
    if (!xml->markup) {
        s3_xml_fail(xml, S3_BAD_DATA, "the answer is no XML");
        return;
    }
    /* No XML in UTF-8 has one, but UTF-16 does, which libxml2 would see through. */
    if (memchr(bytes, '\0', length) != NULL) {
        s3_xml_fail(xml, S3_BAD_DATA, "the document has a zero byte");
        return;
    }
    if (length > S3_XML_BYTES_MAX - xml->fed) {
        s3_xml_fail(xml, S3_BAD_DATA, "the document is too long");
        return;
    }
    xml->fed += length;
    (void)xmlParseChunk(xml->parser, bytes, (int)length, 0); /* the verdict is read in finish */
}

enum s3_status s3_xml_finish(struct s3_xml *xml, const char **why)
{
    if (xml->status == S3_OK && !xml->begun) {
        xml->status = S3_NOT_FOUND;
        xml->why = "the answer is empty";
    }
    if (xml->status == S3_OK) {
        (void)xmlParseChunk(xml->parser, NULL, 0, 1);
    }
    /* Belt and braces: a complaint would have been heard. */
    bool is_utf8 = xml->status != S3_OK || xml->parser->charset == XML_CHAR_ENCODING_UTF8;
    if (xml->status == S3_OK && (!xml->root_closed || !is_utf8 || (!xml->parser->wellFormed && !xml->forgave))) {
        s3_xml_fail(xml, S3_BAD_DATA, "the document is cut off or not well-formed");
    }
    *why = xml->why;
    return xml->status;
}

bool s3_xml_is_markup(const struct s3_xml *xml)
{
    return xml->markup;
}

uint8_t s3_xml_root(const struct s3_xml *xml)
{
    return xml->root;
}

void s3_xml_wipe(struct s3_xml *xml)
{
    OPENSSL_cleanse(xml->text, sizeof xml->text);
    xmlParserInputPtr input = xml->parser != NULL ? xml->parser->input : NULL;
    if (input != NULL && input->buf != NULL && input->base != NULL && input->end > input->base) {
        /* libxml2's own copy of what came; declared const to its readers, but its buffer is plain memory. */
        OPENSSL_cleanse((void *)(uintptr_t)input->base, (size_t)(input->end - input->base));
    }
}
