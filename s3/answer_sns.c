/* The answer of SNS to a message. */
#include "s3/answer_inside.h"

enum { RESULT = ANSWER_ROOT + 1, MESSAGE_ID };

static const struct s3_xml_step steps[] = {
    { S3_XML_START, ANSWER_ROOT, "PublishResponse" },
    { ANSWER_ROOT, RESULT, "PublishResult" },
    { RESULT, MESSAGE_ID, "MessageId" },
};

static void clear(void *out)
{
    struct s3_publish_answer *answer = out;

    answer->message_id[0] = '\0';
}

static void close_element(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_publish_answer *answer = parser->out;

    if (state != MESSAGE_ID)
        return;
    answer_once(parser, &parser->seen, state);
    answer_field(parser, answer->message_id, sizeof answer->message_id, text);
}

static const char *finish(struct s3_parser *parser)
{
    const struct s3_publish_answer *answer = parser->out;

    return answer->message_id[0] != '\0' ? NULL : "the message has no id";
}

const struct answer_rules answer_publish = { ANSWER_STEPS(steps), .required = UINT32_C(1) << MESSAGE_ID, .clear = clear,
    .close = close_element, .finish = finish };
