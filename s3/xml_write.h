/*
 * Writing the small XML documents that requests carry. Private to s3/.
 */
#ifndef S3_XML_WRITE_H
#define S3_XML_WRITE_H

#include "s3/buffer.h"
#include "s3/error.h"

/* Whether XML 1.0 can carry the text: no control bytes but tab and line feed (a carriage return is changed by parsers),
 * no U+FFFE and U+FFFF. */
bool xml_can_carry(struct s3_text text);
/* Adds <name>text</name>, escaped. */
bool xml_add_element(struct s3_buffer *out, const char *name, struct s3_text text) __attribute__((warn_unused_result));

#endif
