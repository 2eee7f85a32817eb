/* Answers of IAM: a role, an inline policy of it, the names of them. IAM writes documents URL-encoded, RGW as they
 * are. */
#include "s3/answer_inside.h"

#include <string.h>

enum { RESULT = ANSWER_ROOT + 1, ROLE, ARN, TRUST, DOCUMENT, NAMES, NAME, TRUNCATED };

#define BIT(state) (UINT32_C(1) << (state))

static const struct s3_xml_step role_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "GetRoleResponse" },
    { ANSWER_ROOT, RESULT, "GetRoleResult" },
    { S3_XML_START, ANSWER_ROOT, "CreateRoleResponse" },
    { ANSWER_ROOT, RESULT, "CreateRoleResult" },
    { RESULT, ROLE, "Role" },
    { ROLE, ARN, "Arn" },
    { ROLE, TRUST, "AssumeRolePolicyDocument" },
};

static void take_document(struct s3_parser *parser, char *field, size_t size, struct s3_text text)
{
    size_t length;

    answer_field(parser, field, size, text);
    if (text.len == 0 || text.len >= size || text.ptr[0] != '%')
        return;
    length = s3_url_decode(field, text.len);
    if (length == (size_t)-1) {
        answer_bad(parser, "a document is not URL-encoded");
        return;
    }
    field[length] = '\0';
    if (strlen(field) != length)
        answer_bad(parser, "a document has a NUL in it");
}

static void clear_role(void *out)
{
    struct s3_role_answer *role = out;
    role->arn[0] = role->trust[0] = '\0';
}

static void close_role(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_role_answer *role = parser->out;
    if (state == ARN || state == TRUST)
        answer_once(parser, &parser->seen, state);
    if (state == ARN)
        answer_field(parser, role->arn, sizeof role->arn, text);
    else if (state == TRUST)
        take_document(parser, role->trust, sizeof role->trust, text);
}

static const char *finish_role(struct s3_parser *parser)
{
    const struct s3_role_answer *role = parser->out;
    return role->arn[0] == '\0' ? "the role has no ARN" : NULL;
}

const struct answer_rules answer_role = { ANSWER_STEPS(role_steps), .required = BIT(ARN), .clear = clear_role,
    .close = close_role, .finish = finish_role };

static const struct s3_xml_step policy_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "GetRolePolicyResponse" },
    { ANSWER_ROOT, RESULT, "GetRolePolicyResult" },
    { RESULT, DOCUMENT, "PolicyDocument" },
};

static void clear_policy(void *out)
{
    struct s3_role_policy_answer *policy = out;
    policy->document[0] = '\0';
}

static void close_policy(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_role_policy_answer *policy = parser->out;
    if (state != DOCUMENT)
        return;
    answer_once(parser, &parser->seen, state);
    take_document(parser, policy->document, sizeof policy->document, text);
}

const struct answer_rules answer_role_policy = { ANSWER_STEPS(policy_steps), .required = BIT(DOCUMENT),
    .clear = clear_policy, .close = close_policy };

static const struct s3_xml_step names_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "ListRolePoliciesResponse" },
    { ANSWER_ROOT, RESULT, "ListRolePoliciesResult" },
    { RESULT, NAMES, "PolicyNames" },
    { NAMES, NAME, "member" },
    { RESULT, TRUNCATED, "IsTruncated" },
};

static void clear_names(void *out)
{
    struct s3_role_policies_answer *answer = out;
    answer->count = 0;
    answer->more = false;
}

static void close_names(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_role_policies_answer *answer = parser->out;
    if (state == RESULT) {
        answer_once(parser, &parser->seen, state);
    } else if (state == TRUNCATED) {
        answer->more = answer->more || answer_bool(parser, text);
    } else if (state == NAME && answer->count < S3_ROLE_POLICIES_MAX) {
        answer_field(parser, answer->names[answer->count], sizeof answer->names[0], text);
        answer->count++;
    } else if (state == NAME) {
        answer->more = true;
    }
}

const struct answer_rules answer_role_policies = { ANSWER_STEPS(names_steps), .required = BIT(RESULT),
    .clear = clear_names, .close = close_names };
