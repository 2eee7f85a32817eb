/* Answers about one object or one bucket: copies, completed and created uploads, versioning, location. */
#include "s3/answer_inside.h"

#include "s3/endpoint.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BIT(state) (UINT32_C(1) << (state))

/* -- copies and completed uploads -- */

enum {
    ETAG = ANSWER_ROOT + 1,
    MODIFIED,
    CHECKSUM_TYPE,
    CHECKSUM
}; /* CHECKSUM and those after it: by strength, weakest first */

static const char *const checksums[] = { "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512" };
enum { CHECKSUMS = sizeof checksums / sizeof checksums[0] };

#define CHECKSUM_STEPS                                                                                                 \
    { ANSWER_ROOT, CHECKSUM_TYPE, "ChecksumType" }, { ANSWER_ROOT, CHECKSUM, "ChecksumCRC32" },                        \
            { ANSWER_ROOT, CHECKSUM + 1, "ChecksumCRC32C" }, { ANSWER_ROOT, CHECKSUM + 2, "ChecksumCRC64NVME" },       \
            { ANSWER_ROOT, CHECKSUM + 3, "ChecksumSHA1" }, { ANSWER_ROOT, CHECKSUM + 4, "ChecksumSHA256" },            \
            { ANSWER_ROOT, CHECKSUM + 5, "ChecksumSHA512" },

static const struct s3_xml_step copy_steps[] = { { S3_XML_START, ANSWER_ROOT, "CopyObjectResult" },
    { S3_XML_START, ANSWER_ROOT, "CopyPartResult" }, { ANSWER_ROOT, ETAG, "ETag" },
    { ANSWER_ROOT, MODIFIED, "LastModified" }, CHECKSUM_STEPS };

static const struct s3_xml_step complete_steps[] = { { S3_XML_START, ANSWER_ROOT, "CompleteMultipartUploadResult" },
    { ANSWER_ROOT, ETAG, "ETag" }, CHECKSUM_STEPS };

static void clear_copy(void *out)
{
    *(struct s3_copy_answer *)out = (struct s3_copy_answer){ 0 };
}

static void close_copy(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_copy_answer *copy = parser->out;
    if (state == ANSWER_ROOT) {
        return;
    }
    answer_once(parser, &parser->seen, state);
    switch (state) {
    case ETAG:
        answer_field(parser, copy->etag, sizeof copy->etag, answer_unquoted(parser, text));
        break;
    case MODIFIED:
        copy->modified_ms = answer_time_ms(parser, text);
        break;
    case CHECKSUM_TYPE:
        answer_field(parser, copy->checksum_type, sizeof copy->checksum_type, text);
        break;
    default: {
        unsigned rank = (unsigned)state - CHECKSUM + 1;
        if (text.len > 0 && rank > parser->rank) {
            parser->rank = rank;
            int length = snprintf(copy->checksum, sizeof copy->checksum, "%s:%s", checksums[rank - 1], text.ptr);
            if (length < 0 || (size_t)length >= sizeof copy->checksum) {
                answer_bad(parser, "a checksum is too long");
            }
        }
        break;
    }
    }
}

static const char *finish_copy(struct s3_parser *parser)
{
    const struct s3_copy_answer *copy = parser->out;
    static_assert(CHECKSUM + CHECKSUMS <= ANSWER_STATES_MAX, "a state is a bit");
    return copy->etag[0] == '\0' ? "the copy's ETag is empty" : NULL;
}

const struct answer_rules answer_copy = { ANSWER_STEPS(copy_steps), .required = BIT(ETAG), .clear = clear_copy,
    .close = close_copy, .finish = finish_copy };

/* RGW leaves the ETag of the first answer empty. */
const struct answer_rules answer_complete = { ANSWER_STEPS(complete_steps), .required = BIT(ETAG), .clear = clear_copy,
    .close = close_copy };

/* -- created uploads -- */

enum { UPLOAD_ID = ANSWER_ROOT + 1 };

static const struct s3_xml_step upload_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "InitiateMultipartUploadResult" },
    { ANSWER_ROOT, UPLOAD_ID, "UploadId" },
};

static void clear_upload(void *out)
{
    ((struct s3_upload_answer *)out)->upload_id[0] = '\0';
}

static void close_upload(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_upload_answer *upload = parser->out;
    if (state == UPLOAD_ID) {
        answer_once(parser, &parser->seen, state);
        answer_field(parser, upload->upload_id, sizeof upload->upload_id, text);
    }
}

static const char *finish_upload(struct s3_parser *parser)
{
    const struct s3_upload_answer *upload = parser->out;
    return upload->upload_id[0] == '\0' ? "the upload's id is empty" : NULL;
}

const struct answer_rules answer_create_upload = { ANSWER_STEPS(upload_steps), .required = BIT(UPLOAD_ID),
    .clear = clear_upload, .close = close_upload, .finish = finish_upload };

/* -- versioning; a bucket that never had it answers with an empty root -- */

enum { STATUS = ANSWER_ROOT + 1, MFA_DELETE };

static const struct s3_xml_step versioning_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "VersioningConfiguration" },
    { S3_XML_START, ANSWER_ROOT, "GetBucketVersioningResponse" }, /* moto */
    { ANSWER_ROOT, STATUS, "Status" },
    { ANSWER_ROOT, MFA_DELETE, "MfaDelete" },
    { ANSWER_ROOT, MFA_DELETE, "MFADelete" },
};

static void clear_versioning(void *out)
{
    *(struct s3_versioning_answer *)out = (struct s3_versioning_answer){ 0 };
}

static void close_versioning(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_versioning_answer *versioning = parser->out;
    if (state == ANSWER_ROOT) {
        return;
    }
    answer_once(parser, &parser->seen, state);
    bool enabled = strcmp(text.ptr, "Enabled") == 0;
    if (state == MFA_DELETE) {
        versioning->mfa_delete = enabled;
        return;
    }
    versioning->enabled = enabled;
    versioning->suspended = strcmp(text.ptr, "Suspended") == 0;
    if (!versioning->enabled && !versioning->suspended) {
        answer_bad(parser, "versioning is neither enabled nor suspended");
    }
}

const struct answer_rules answer_versioning = { ANSWER_STEPS(versioning_steps), .clear = clear_versioning,
    .close = close_versioning };

/* -- location -- */

static const struct s3_xml_step location_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "LocationConstraint" },
};

static void clear_location(void *out)
{
    ((struct s3_location_answer *)out)->region[0] = '\0';
}

static void close_location(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_location_answer *location = parser->out;
    (void)state; /* only the root */
    /* The two names that are older than regions' names. */
    if (text.len == 0) {
        text = (struct s3_text){ "us-east-1", 9 };
    } else if (strcmp(text.ptr, "EU") == 0) {
        text = (struct s3_text){ "eu-west-1", 9 };
    } else if (!s3_region_is_valid(text.ptr)) {
        answer_bad(parser, "the location is no region");
    }
    answer_field(parser, location->region, sizeof location->region, text);
}

const struct answer_rules answer_location = { ANSWER_STEPS(location_steps), .clear = clear_location,
    .close = close_location };
