/* See form.h. */
#include "s3/form.h"

#include <string.h>

#include "s3/buffer.h"
#include "s3/secret.h"

/* A message of SNS, of 256 KiB, with every byte encoded as three. */
enum { FORM_MAX = 800 * 1024 };

void form_add(struct form *form, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        form->fields[form->count++] = (struct sigv4_pair){ { name, strlen(name) }, { value, strlen(value) } };
}

/* The query's encoding serves the form as well: a space is %20, which every server understands, where not all take a
 * plus. */
enum s3_status form_send(struct s3_conn *conn, struct s3_client *client, const char *operation, const struct form *form,
        enum s3_answer_kind answer, void *out, struct s3_error *error)
{
    struct s3_call call;
    struct s3_buffer body;
    enum s3_status status;
    char *at;
    size_t length = (size_t)-1;

    s3_buffer_init(&body, FORM_MAX);
    at = s3_buffer_reserve(&body, FORM_MAX - 1);
    if (at != NULL)
        length = sigv4_build_query(at, FORM_MAX - 1, form->fields, form->count);
    call_begin(&call, conn, client, operation, "POST", NULL, (struct s3_text){ NULL, 0 });
    if (length == (size_t)-1)
        call.overflow = true;
    call.body = at;
    call.body_len = length;
    call.form = true;
    call_header(&call, "content-type", "application/x-www-form-urlencoded; charset=utf-8");
    call.answer = answer;
    call.answer_out = out;
    status = call_perform(&call, error);
    if (length != (size_t)-1)
        s3_wipe(at, length); /* it may hold a token */
    s3_buffer_free(&body);
    return status;
}
