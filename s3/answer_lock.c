/* Object Lock: the retention of a version, the configuration of a bucket. */
#include "s3/answer_inside.h"

#include <string.h>

#include "s3/retention.h"

enum { YEARS_MAX = 100, DAYS_MAX = 36500 }; /* S3's bounds */

#define BIT(state) (UINT32_C(1) << (state))

static bool is_mode(struct s3_text text)
{
    return strcmp(text.ptr, "GOVERNANCE") == 0 || strcmp(text.ptr, "COMPLIANCE") == 0;
}

static void take_mode(struct s3_parser *parser, char *field, size_t size, struct s3_text text)
{
    if (!is_mode(text)) {
        answer_bad(parser, "the mode of a lock is neither GOVERNANCE nor COMPLIANCE");
    }
    answer_field(parser, field, size, text);
}

/* -- of a version -- */

enum { RETENTION_MODE = ANSWER_ROOT + 1, RETENTION_UNTIL };

static const struct s3_xml_step retention_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "Retention" },
    { ANSWER_ROOT, RETENTION_MODE, "Mode" },
    { ANSWER_ROOT, RETENTION_UNTIL, "RetainUntilDate" },
};

static void clear_retention(void *out)
{
    *(struct s3_retention *)out = (struct s3_retention){ .until_ms = 0 };
}

static void close_retention(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_retention *retention = parser->out;
    if (state == ANSWER_ROOT) {
        return;
    }
    answer_once(parser, &parser->seen, state);
    if (state == RETENTION_MODE) {
        take_mode(parser, retention->mode, sizeof retention->mode, text);
    } else {
        retention->until_ms = answer_time_ms(parser, text);
    }
}

const struct answer_rules answer_retention = { ANSWER_STEPS(retention_steps),
    .required = BIT(RETENTION_MODE) | BIT(RETENTION_UNTIL), .clear = clear_retention, .close = close_retention };

/* -- of a bucket -- */

enum { LOCK_ENABLED = ANSWER_ROOT + 1, LOCK_RULE, LOCK_DEFAULT, LOCK_MODE, LOCK_DAYS, LOCK_YEARS };

static const struct s3_xml_step lock_steps[] = {
    { S3_XML_START, ANSWER_ROOT, "ObjectLockConfiguration" },
    { ANSWER_ROOT, LOCK_ENABLED, "ObjectLockEnabled" },
    { ANSWER_ROOT, LOCK_RULE, "Rule" },
    { LOCK_RULE, LOCK_DEFAULT, "DefaultRetention" },
    { LOCK_DEFAULT, LOCK_MODE, "Mode" },
    { LOCK_DEFAULT, LOCK_DAYS, "Days" },
    { LOCK_DEFAULT, LOCK_YEARS, "Years" },
};

static void clear_lock(void *out)
{
    *(struct s3_bucket_lock *)out = (struct s3_bucket_lock){ .enabled = false };
}

static void close_lock(struct s3_parser *parser, uint8_t state, struct s3_text text)
{
    struct s3_bucket_lock *lock = parser->out;
    if (state == ANSWER_ROOT) {
        return;
    }
    answer_once(parser, &parser->seen, state);
    switch (state) {
    case LOCK_ENABLED:
        lock->enabled = strcmp(text.ptr, "Enabled") == 0;
        if (!lock->enabled) {
            answer_bad(parser, "Object Lock is there and not enabled");
        }
        break;
    case LOCK_MODE:
        take_mode(parser, lock->default_mode, sizeof lock->default_mode, text);
        break;
    case LOCK_DAYS:
        lock->default_days = (uint32_t)answer_number(parser, text, DAYS_MAX);
        break;
    case LOCK_YEARS:
        lock->default_years = (uint32_t)answer_number(parser, text, YEARS_MAX);
        break;
    default:
        break;
    }
}

const struct answer_rules answer_bucket_lock = { ANSWER_STEPS(lock_steps), .clear = clear_lock, .close = close_lock };
