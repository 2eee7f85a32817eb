/* What the answers mean, and the way through the table; see doctor_inside.h. */
#include <stdio.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/doctor_ask.h"

static bool is_optional(const char *action)
{
    const struct doctor_ask *ask = doctor_ask_for(action);

    return ask != NULL && ask->optional;
}

static bool is_not_there(const struct s3_error *error)
{
    return error->http_status == 501 || error->http_status == 405 || strcmp(error->code, "NotImplemented") == 0 ||
           strcmp(error->code, "MethodNotAllowed") == 0;
}

/* Answers that come only once the request was allowed. */
static bool is_past_permission(enum s3_status status, const struct s3_error *error)
{
    switch (status) {
    case S3_OK:
    case S3_CHANGED:
    case S3_ARCHIVED:
        return true;
    case S3_NOT_FOUND:
        return strcmp(error->code, "NoSuchBucket") != 0;
    default:
        return strcmp(error->code, "BadDigest") == 0 || strcmp(error->code, "InvalidObjectState") == 0 ||
               strcmp(error->code, "InvalidRequest") == 0;
    }
}

static void fill_missing(const struct doctor *doctor, struct doctor_check *check, const struct doctor_side *side,
        const char *action, const struct s3_error *error)
{
    struct permission_denial denial;
    const struct permission *grant[2] = { permission_find(side->document, action, side->on_source), NULL };
    char where[400] = "";
    const char *advice;

    permission_denial_read(error->message, &denial);
    if (side->other != PERMISSION_DOCUMENTS)
        grant[1] = permission_find(side->other, action, side->on_source);
    else if (grant[0] != NULL)
        grant[1] = permission_find_other(doctor->program->config, grant[0], action, side->on_source);
    if (side->other != PERMISSION_DOCUMENTS && grant[0] != NULL && grant[1] != NULL &&
            denial.side == PERMISSION_SIDE_RESOURCE) {
        grant[0] = grant[1];
        grant[1] = NULL;
    } else if (denial.side == PERMISSION_SIDE_IDENTITY && side->other != PERMISSION_DOCUMENTS) {
        grant[1] = NULL;
    }
    check->grant[0] = grant[0];
    check->grant[1] = grant[1];
    check->side = denial.side;
    advice = permission_side_advice(&denial);
    if (grant[0] != NULL)
        (void)snprintf(where, sizeof where, "; grant it: statement \"%s\" of `policy %s`%s%s%s%s%s", grant[0]->sid,
                permission_document_name(grant[0]->document), grant[1] != NULL ? ", and \"" : "",
                grant[1] != NULL ? grant[1]->sid : "", grant[1] != NULL ? "\" of `policy " : "",
                grant[1] != NULL ? permission_document_name(grant[1]->document) : "",
                grant[1] != NULL ? "`: the service does not say which of the two is missing" : "");
    (void)snprintf(check->detail, sizeof check->detail, "%s: %s: %s%s%s%s%s%s%s",
            error->operation != NULL ? error->operation : "", error->code,
            error->message[0] != '\0' ? error->message : "no message", error->request_id[0] != '\0' ? " [request " : "",
            error->request_id, error->request_id[0] != '\0' ? "]" : "", where, advice != NULL ? "; " : "",
            advice != NULL ? advice : "");
}

static bool is_said(const struct doctor *doctor, const char *subject, const char *action)
{
    for (size_t i = 0; i < doctor->report->count; i++)
        if (strcmp(doctor->report->checks[i].subject, subject) == 0 &&
                strcmp(doctor->report->checks[i].check, action) == 0)
            return true;
    return false;
}

/* S3 asks for the key once its own rights were there, so it is the key alone that is refused. Whether that matters, the
 * document says: who copies within the store never opens what its own credentials list. */
static bool is_of_key(const char *action, enum s3_status status, const struct s3_error *error, char key_action[80])
{
    struct permission_denial denial;

    if (status != S3_DENIED || strncmp(action, "kms:", 4) == 0)
        return false;
    permission_denial_read(error->message, &denial);
    (void)snprintf(key_action, 80, "%s", denial.action);
    return strncmp(key_action, "kms:", 4) == 0;
}

static void judge_key(
        struct doctor *doctor, const struct doctor_side *side, const char *action, const struct s3_error *error)
{
    const struct permission *permission = permission_find(side->document, action, side->on_source);
    struct doctor_side of_key = *side;

    of_key.other = side->on_source ? PERMISSION_DOCUMENTS : PERMISSION_VAULT_KEY;
    /* the vault role's way to a source's key is asked for by itself: doctor_source.c */
    if (permission != NULL && permission_is_needed(doctor->program->config, permission) &&
            !(side->on_source && side->document == PERMISSION_VAULT_ROLE) && !is_said(doctor, side->subject, action))
        (void)doctor_judge(doctor, &of_key, action, S3_DENIED, error);
}

enum doctor_state doctor_judge(struct doctor *doctor, const struct doctor_side *side, const char *action,
        enum s3_status status, const struct s3_error *error)
{
    char key_action[80];
    bool needed = !side->not_needed && !is_optional(action);
    struct doctor_check *check;
    struct failure failure;

    if (is_past_permission(status, error))
        return doctor_say(doctor, side->subject, action, DOCTOR_OK, "%s", "")->state;
    if (status == S3_CANCELLED)
        return doctor_say(doctor, side->subject, action, DOCTOR_UNKNOWN, "stopped")->state;
    if (is_of_key(action, status, error, key_action)) {
        judge_key(doctor, side, key_action, error);
        return doctor_say(doctor, side->subject, action, DOCTOR_OK, "%s", "")->state;
    }
    if (status == S3_DENIED && error->operation != NULL && !permission_is_of_role(error) &&
            strncmp(error->code, "Signature", 9) != 0 && strcmp(error->code, "InvalidAccessKeyId") != 0) {
        check = doctor_say(doctor, side->subject, action, DOCTOR_MISSING, "%s", "");
        fill_missing(doctor, check, side, action, error);
        check->needed = needed;
        return DOCTOR_MISSING;
    }
    if (is_not_there(error))
        return doctor_say(doctor, side->subject, action, DOCTOR_UNKNOWN, "this store does not do it: %s%s%s",
                error->code, error->message[0] != '\0' ? ": " : "", error->message)
                ->state;
    failure_from_s3(&failure, status, error, "asking for %s", action);
    check = doctor_say_failure(doctor, side->subject, action, &failure);
    check->needed = needed;
    return check->state;
}

/* What no harmless request tells. */
static const char *why_not(const char *action)
{
    if (strcmp(action, "sns:Publish") == 0)
        return "only a message would tell, and none is sent";
    if (strncmp(action, "kms:", 4) == 0)
        return "told by what is written and read with the key";
    return "no harmless request tells";
}

enum doctor_state doctor_probe(struct doctor *doctor, const struct doctor_side *side, const char *action)
{
    const struct doctor_ask *ask = doctor_ask_for(action);
    struct s3_error error;
    enum s3_status status;

    if (ask == NULL)
        return doctor_say(doctor, side->subject, action, DOCTOR_UNKNOWN, "%s", why_not(action))->state;
    s3_error_clear(&error);
    status = ask->request(doctor, side, &error);
    if (status == S3_DENIED && !side->lists && (ask->of_upload || (ask->of_object && !side->key_exists)))
        return doctor_say(doctor, side->subject, action, DOCTOR_UNKNOWN,
                "without s3:ListBucket what is not there is denied as well")
                ->state;
    return doctor_judge(doctor, side, action, status, &error);
}

/* Deletions come last, over what was looked at until then. */
static bool is_asked_elsewhere(const struct doctor *doctor, const struct doctor_side *side, const char *action)
{
    return strcmp(action, "s3:DeleteObject") == 0 || strcmp(action, "s3:DeleteObjectVersion") == 0 ||
           is_said(doctor, side->subject, action);
}

void doctor_probe_all(struct doctor *doctor, const struct doctor_side *side)
{
    size_t count;
    const struct permission *table = permission_table(&count);

    for (size_t i = 0; i < count && !clock_stop_asked(); i++) {
        if (table[i].document != side->document || table[i].resource == PERMISSION_EVERYTHING ||
                !permission_is_needed(doctor->program->config, &table[i]))
            continue;
        for (size_t j = 0; j < PERMISSION_ACTIONS_MAX && table[i].actions[j] != NULL; j++)
            if (permission_find(side->document, table[i].actions[j], side->on_source) == &table[i] &&
                    !is_asked_elsewhere(doctor, side, table[i].actions[j]))
                (void)doctor_probe(doctor, side, table[i].actions[j]);
    }
}
