/* Answers of STS: sessions and identities. The parser's buffers are wiped after a session, whatever became of it. */
#include "s3/answer_inside.h"

#include <openssl/crypto.h>
#include <string.h>

enum { RESULT = ANSWER_ROOT + 1, CREDENTIALS, USER, ACCESS_KEY, SECRET_KEY, TOKEN, EXPIRATION, ARN, USER_ID, ACCOUNT };

#define BIT(state) (UINT32_C(1) << (state))

static const struct s3_xml_step session_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "AssumeRoleResponse" },
    { ANSWER_ROOT, RESULT, "AssumeRoleResult" },
    { S3_XML_START, ANSWER_ROOT, "AssumeRoleWithWebIdentityResponse" },
    { ANSWER_ROOT, RESULT, "AssumeRoleWithWebIdentityResult" },
    { RESULT, CREDENTIALS, "Credentials" },
    { CREDENTIALS, ACCESS_KEY, "AccessKeyId" },
    { CREDENTIALS, SECRET_KEY, "SecretAccessKey" },
    { CREDENTIALS, TOKEN, "SessionToken" },
    { CREDENTIALS, EXPIRATION, "Expiration" },
    { RESULT, USER, "AssumedRoleUser" },
    { USER, ARN, "Arn" },
};

void s3_session_answer_wipe(struct s3_session_answer *answer)
{
    OPENSSL_cleanse(answer, sizeof *answer);
}

static void clear_session(void *out)
{
    s3_session_answer_wipe(out);
}

/* The account of arn:aws:sts::444455556666:assumed-role/...; "" where there is none. */
static void take_account(char *account, size_t size, struct s3_text arn)
{
    size_t at = 0;
    for (unsigned colons = 0; colons < 4; colons++) {
        const char *colon = memchr(arn.ptr + at, ':', arn.len - at);
        if (colon == NULL) {
            return;
        }
        at = (size_t)(colon - arn.ptr) + 1;
    }
    const char *end = memchr(arn.ptr + at, ':', arn.len - at);
    size_t length = end != NULL ? (size_t)(end - arn.ptr) - at : size;
    if (length < size) {
        memcpy(account, arn.ptr + at, length);
        account[length] = '\0';
    }
}

static void close_session(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_session_answer *session = parser->out;
    if (state >= ACCESS_KEY) {
        answer_once(parser, &parser->seen, state);
    }
    switch (state) {
    case ACCESS_KEY:
        answer_field(parser, session->access_key, sizeof session->access_key, text);
        break;
    case SECRET_KEY:
        answer_field(parser, session->secret_key, sizeof session->secret_key, text);
        break;
    case TOKEN:
        answer_field(parser, session->token, sizeof session->token, text);
        break;
    case EXPIRATION:
        session->expires = answer_time_ms(parser, text) / 1000;
        break;
    case ARN:
        take_account(session->account, sizeof session->account, text);
        break;
    default:
        break;
    }
}

static const char *finish_session(struct s3_parser *parser)
{
    const struct s3_session_answer *session = parser->out;
    bool whole = session->access_key[0] != '\0' && session->secret_key[0] != '\0' && session->token[0] != '\0';
    return whole ? NULL : "the session's credentials are incomplete";
}

const struct answer_rules answer_assume_role = { ANSWER_STEPS(session_steps),
    .required = BIT(ACCESS_KEY) | BIT(SECRET_KEY) | BIT(TOKEN) | BIT(EXPIRATION), .secret = true,
    .clear = clear_session, .close = close_session, .finish = finish_session };

static const struct s3_xml_step identity_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "GetCallerIdentityResponse" },
    { ANSWER_ROOT, RESULT, "GetCallerIdentityResult" },
    { RESULT, ARN, "Arn" },
    { RESULT, USER_ID, "UserId" },
    { RESULT, ACCOUNT, "Account" },
};

static void clear_identity(void *out)
{
    struct s3_identity_answer *identity = out;
    identity->account[0] = identity->arn[0] = identity->user_id[0] = '\0';
}

static void close_identity(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_identity_answer *identity = parser->out;
    if (state >= ARN) {
        answer_once(parser, &parser->seen, state);
    }
    switch (state) {
    case ARN:
        answer_field(parser, identity->arn, sizeof identity->arn, text);
        break;
    case USER_ID:
        answer_field(parser, identity->user_id, sizeof identity->user_id, text);
        break;
    case ACCOUNT:
        answer_field(parser, identity->account, sizeof identity->account, text);
        break;
    default:
        break;
    }
}

static const char *finish_identity(struct s3_parser *parser)
{
    const struct s3_identity_answer *identity = parser->out;
    return identity->account[0] == '\0' || identity->arn[0] == '\0' ? "the identity is incomplete" : NULL;
}

const struct answer_rules answer_caller_identity = { ANSWER_STEPS(identity_steps), .required = BIT(ARN) | BIT(ACCOUNT),
    .clear = clear_identity, .close = close_identity, .finish = finish_identity };
