/* See move.h. */
#include "agent/move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/copy_inside.h"
#include "agent/schedule.h"
#include "agent/thaw.h"

enum {
    THAW_DAYS_LEAST = 2, /* a bulk thaw takes up to two days, and the next run may come late */
    THAW_DAYS_MOST = 40,
    WEEK_DAYS = 7,
    MONTH_DAYS = 31,
    DAY_S = 86400
};

/* One object on its way to another class. */
struct move {
    struct copying copying;
    char version[S3_VERSION_MAX + 1]; /* that the record names; "": none */
    enum storage_class lies_in;
    bool adopted; /* it lies on top of the recorded one in another class already */
    bool thawing, thaw_failed;
    struct failure thaw_failure;
};

/* The longest time between two slots of a cron expression, roughly; its zone does not matter for that. */
static unsigned cron_gap_days(const struct schedule *schedule)
{
    const uint32_t every_month = 0x1ffe, every_day = 0xfffffffe, every_weekday = 0xfe;

    if ((schedule->months & every_month) != every_month || schedule->nth != 0 || schedule->last_of != 0)
        return THAW_DAYS_MOST;
    if (schedule->by_weekday)
        return (schedule->weekdays & every_weekday) == every_weekday ? 1 : WEEK_DAYS;
    return schedule->days == every_day ? 1 : MONTH_DAYS;
}

unsigned move_thaw_days(const struct config_policy *policy)
{
    struct schedule schedule;
    int64_t days = THAW_DAYS_LEAST;

    if (policy->schedule != NULL && schedule_parse(policy->schedule, &schedule) == NULL)
        days = (schedule.period_s > 0 ? schedule.period_s / DAY_S : cron_gap_days(&schedule)) + 1;
    return (unsigned)(days < THAW_DAYS_LEAST ? THAW_DAYS_LEAST : days < THAW_DAYS_MOST ? days : THAW_DAYS_MOST);
}

void move_set_up(struct move_setup *setup, const struct copy_job *copies)
{
    const struct vault *vault = copies->vault;
    const struct source *source = copies->source;

    setup->policy = *source->policy;
    setup->policy.transitions = CONFIG_TRANSITIONS_AGENT;
    setup->policy.tags = CONFIG_TAGS_REQUIRE; /* those that the vault has are its own, and may not get lost */
    setup->config = *source->config;
    setup->config.copy = CONFIG_COPY_SERVER;
    setup->config.copy_source_prefix = "";
    setup->vault_as_source = *source;
    setup->vault_as_source.config = &setup->config;
    setup->vault_as_source.policy = &setup->policy;
    setup->vault_as_source.owner = vault->owner;
    setup->vault_as_source.client = vault->client;
    (void)snprintf(setup->vault_as_source.bucket, sizeof setup->vault_as_source.bucket, "%s", vault->bucket);
    setup->job = *copies;
    setup->job.source = &setup->vault_as_source;
    setup->thaw_days = move_thaw_days(&setup->policy);
    setup->job.website = true; /* a redirect that the copy has must be set anew */
}

static bool has_parts(const char *text)
{
    return strchr(text, '-') != NULL;
}

/* Of whole objects by one algorithm; those of parts say nothing of another number of parts. */
static bool checksums_compare(const struct s3_head *a, const struct s3_head *b)
{
    const size_t algorithm = strcspn(a->checksum, ":");

    return a->checksum[0] != '\0' && strncmp(a->checksum, b->checksum, algorithm + 1) == 0 && !has_parts(a->checksum) &&
           !has_parts(b->checksum);
}

/* An ETag of parts, or under a KMS key, is another one after each copy. */
static bool etag_is_of_content(const struct s3_head *head)
{
    return !has_parts(head->etag) && strncmp(head->encryption, "aws:kms", strlen("aws:kms")) != 0;
}

bool move_is_twin(const struct s3_head *recorded, const struct s3_head *top)
{
    if (recorded->size != top->size || top->modified_s < recorded->modified_s || !copying_same_headers(recorded, top))
        return false;
    if (strcmp(recorded->etag, top->etag) == 0)
        return true;
    if (checksums_compare(recorded, top))
        return strcmp(recorded->checksum, top->checksum) == 0;
    return !etag_is_of_content(recorded) || !etag_is_of_content(top);
}

static enum s3_status look_at(
        const struct copying *copying, const char *version, struct s3_head *head, struct s3_error *error)
{
    const struct vault *vault = copying->job->vault;
    struct s3_head_options options = { .target = vault_target(vault, copying->path.ptr, copying->path.len),
        .checksum = true };

    options.target.version = version;
    return s3_head_object(copying->conn, vault->client, &options, head, error);
}

/* Another version lies on top of the recorded one. */
static enum s3_status judge_other(struct move *move, struct s3_error *error)
{
    struct copying *copying = &move->copying;
    struct s3_head *heads = calloc(2, sizeof *heads);
    enum s3_status status;
    bool same;

    if (heads == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    s3_head_init(&heads[0]);
    s3_head_init(&heads[1]);
    status = look_at(copying, move->version, &heads[0], error);
    if (status == S3_OK)
        status = look_at(copying, copying->source.version, &heads[1], error);
    same = status == S3_OK && move_is_twin(&heads[0], &heads[1]);
    s3_head_free(&heads[0]);
    s3_head_free(&heads[1]);
    free(heads);
    if (status == S3_NOT_FOUND)
        return s3_fail(error, S3_CHANGED, "NotThere",
                "version %.64s, which was recorded, is gone, and another one lies there: `verify` tells more",
                move->version);
    if (status != S3_OK)
        return status;
    if (!same)
        return s3_fail(error, S3_CHANGED, "Overwritten",
                "version %.64s, which no run has recorded, lies over the copy, so that it was left: `verify` tells "
                "more, `resync --recopy` copies the object again",
                copying->source.version);
    move->adopted = move->lies_in != copying->action->from_class;
    return S3_OK;
}

/* What lies on top, and whether it is what was recorded. */
static enum s3_status look(struct move *move, struct s3_error *error)
{
    struct copying *copying = &move->copying;
    enum s3_status status = copying_look_at_source(copying, false, error);

    if (status == S3_NOT_FOUND)
        return s3_fail(error, S3_CHANGED, "NotThere",
                "the vault shows no such object: a delete marker lies over it, or its versions are gone. `verify` "
                "tells more");
    if (status != S3_OK)
        return status;
    move->lies_in = storage_class_from(copying->source.class_, strlen(copying->source.class_));
    if (move->version[0] != '\0' && strcmp(move->version, copying->source.version) != 0)
        status = judge_other(move, error);
    else if (copying->size != copying->action->size)
        return s3_fail(error, S3_BAD_DATA, "NotEqual", "it has %llu bytes in the vault, and %llu were recorded",
                (unsigned long long)copying->size, (unsigned long long)copying->action->size);
    if (copying->source.version[0] != '\0')
        copying->from_version = copying->source.version;
    return status;
}

/* Asks for its thaw, or finds that it is under way or done. */
static enum s3_status thaw(struct move *move, unsigned days, struct s3_error *error)
{
    const struct copying *copying = &move->copying;
    const struct vault *vault = copying->job->vault;
    const struct thaw_request request = { .vault = vault,
        .client = vault->client,
        .path = &copying->path,
        .version = copying->source.version,
        .class_ = move->lies_in,
        .tier = THAW_BULK,
        .days = days };
    enum thaw_state state = thaw_state_of(&copying->source, vault_now_ms(vault));

    if (state == THAW_NEEDED && thaw_ask(&request, copying->conn, &state, &move->thaw_failure) != VERDICT_OK) {
        move->thaw_failed = true;
        *error = move->thaw_failure.s3;
        return move->thaw_failure.verdict == VERDICT_CANCELLED ? S3_CANCELLED : S3_REFUSED;
    }
    move->thawing = state == THAW_UNDER_WAY;
    return S3_OK;
}

static bool wants_parts(const struct copying *copying)
{
    return copying->size > copying->job->parts_above ||
           (copying->job->source->policy->parts == CONFIG_PARTS_FAITHFUL && strchr(copying->etag, '-') != NULL);
}

static enum s3_status carry(struct move *move, const struct move_setup *setup, struct s3_error *error)
{
    struct copying *copying = &move->copying;
    enum s3_status status = look(move, error);

    if (status != S3_OK || move->adopted)
        return status;
    if (!storage_class_may_follow(move->lies_in, copying->action->to_class)) { /* a rule has moved it in place */
        move->adopted = true;
        return S3_OK;
    }
    if (storage_class_is_archive(move->lies_in)) {
        status = thaw(move, setup->thaw_days, error);
        if (status != S3_OK || move->thawing)
            return status;
    }
    copying->over = copying->quoted;
    status = wants_parts(copying) ? copying_by_parts(copying, error) : copying_by_one_request(copying, error);
    if (status == S3_ARCHIVED) { /* its thaw has just ended: the next run asks again */
        move->thawing = true;
        return S3_OK;
    }
    if (status == S3_NOT_FOUND) /* not to be taken for an object that the source deleted */
        return s3_fail(error, S3_CHANGED, "NotThere", "it went while it was copied");
    return status;
}

/* What the record is to say: version, class, time, checksum; the rest stays. */
static bool fill_result(const struct move *move)
{
    const struct copying *copying = &move->copying;
    struct action *action = copying->action;
    struct state_change *result = &action->result;
    const char *version = move->adopted ? copying->source.version : copying->version;
    const char *checksum = move->adopted ? copying->source.checksum : copying->checksum;
    const size_t version_len = strlen(version), checksum_len = strlen(checksum);

    action->text = malloc(version_len + checksum_len + 1);
    if (action->text == NULL)
        return false;
    memcpy(action->text, version, version_len);
    memcpy(action->text + version_len, checksum, checksum_len);
    result->entry.key = action->key;
    result->entry.vault_version = (struct state_text){ action->text, version_len };
    result->entry.checksum = (struct state_text){ action->text + version_len, checksum_len };
    result->entry.size = action->size;
    result->entry.class_ = move->adopted ? move->lies_in : copying->class_;
    result->entry.copied_ms = move->adopted ? copying->source.modified_s * 1000 : copying->copied_ms;
    action->in_seconds = move->adopted || copying->in_seconds;
    result->did = move->adopted && strcmp(version, move->version) == 0 ? STATE_IS : STATE_MOVED;
    /* lines name the source's ETag: the vault's may be another, and then only says that nothing was lost on this way */
    result->by = STATE_BY_SIZE;
    if ((move->adopted || copying->by == STATE_BY_ETAG) && action->etag.len == strlen(copying->etag) &&
            memcmp(action->etag.ptr, copying->etag, action->etag.len) == 0)
        result->by = STATE_BY_ETAG;
    return true;
}

static void fail(struct action *action, const struct move *move, enum s3_status status, const struct s3_error *error)
{
    action->outcome = OUTCOME_FAILED;
    action->failure = malloc(sizeof *action->failure);
    if (action->failure == NULL)
        return;
    if (move->thaw_failed)
        *action->failure = move->thaw_failure;
    else
        failure_from_s3(action->failure, status, error, "moving it from %s to %s",
                storage_class_name(action->from_class), storage_class_name(action->to_class));
}

static void settle(struct move *move, enum s3_status status, struct s3_error *error)
{
    struct action *action = move->copying.action;

    if (status == S3_OK && !move->thawing && !fill_result(move))
        status = s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (status == S3_CANCELLED)
        action->outcome = OUTCOME_LEFT;
    else if (status != S3_OK)
        fail(action, move, status, error);
    else
        action->outcome = move->thawing ? OUTCOME_THAWING : move->adopted ? OUTCOME_ADOPTED : OUTCOME_DONE;
}

void move_do(const struct move_setup *setup, struct s3_conn *conn, struct action *action)
{
    const struct copy_job *job = &setup->job;
    struct move *move = calloc(1, sizeof *move); /* heads are large, and a worker's stack is not ours alone */
    struct s3_error error;
    struct state_error bad;
    enum layout_kind kind;
    enum s3_status status;

    s3_error_clear(&error);
    action->outcome = OUTCOME_FAILED;
    if (move == NULL)
        return;
    move->copying = (struct copying){ .job = job, .conn = conn, .action = action, .class_ = action->to_class };
    s3_head_init(&move->copying.source);
    (void)snprintf(move->version, sizeof move->version, "%.*s", (int)action->version.len, action->version.ptr);
    if (layout_data(&job->vault->layout, job->source->name, action->key, &move->copying.path, &kind, &bad) ==
            STATE_OK) {
        move->copying.from = (struct s3_text){ move->copying.path.ptr, move->copying.path.len };
        status = carry(move, setup, &error);
    } else {
        status = s3_fail(&error, S3_REFUSED, "BadKey", "%s", bad.what);
    }
    settle(move, status, &error);
    s3_head_free(&move->copying.source);
    free(move);
}
