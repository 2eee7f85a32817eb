/* Reads the XML that clients send: small documents, into a tree. No DTD, no entities but the five and numbers. */
#ifndef S3SIM_XMLIN_H
#define S3SIM_XMLIN_H

#include <stddef.h>

struct xml {
    char *name; /* without prefix */
    char *text; /* its own character data, joined */
    size_t text_len;
    struct xml *child, *next;
};

struct xml *xml_parse(const char *p, size_t n); /* NULL: not well-formed; free with xml_free */
void xml_free(struct xml *x);
struct xml *xml_child(const struct xml *x, const char *name);      /* first of that name or NULL; x may be NULL */
const char *xml_text(const struct xml *x, const char *child_name); /* its text or NULL */

#endif
