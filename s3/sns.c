/* See sns.h. */
#include "s3/sns.h"

#include "s3/form.h"

enum s3_status s3_publish(struct s3_conn *conn, struct s3_client *client, const char *topic_arn, const char *subject,
        const char *message, struct s3_publish_answer *answer, struct s3_error *error)
{
    struct form form = { .count = 0 };

    form_add(&form, "Action", "Publish");
    form_add(&form, "Version", "2010-03-31");
    form_add(&form, "TopicArn", topic_arn);
    form_add(&form, "Subject", subject);
    form_add(&form, "Message", message);
    return form_send(conn, client, "Publish", &form, S3_ANSWER_PUBLISH, answer, error);
}
