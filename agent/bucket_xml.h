/*
 * What S3 answers as XML (lifecycle, CORS, encryption, tagging, versioning, website) in the form that awscli, boto3 and
 * the other SDKs take: their JSON. Elements that are not known are carried as they are. Pure; any thread.
 */
#ifndef AGENT_BUCKET_XML_H
#define AGENT_BUCKET_XML_H

#include <stddef.h>

#include <jansson.h>

/* The root's content; the caller decrefs it. NULL: not such a document, or out of memory. */
json_t *bucket_xml_json(const char *text, size_t length);

#endif
