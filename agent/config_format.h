/*
 * The forms that texts of the configuration may take: a bucket's name, an ARN, a time zone. A form is a row of a
 * pattern, bounds and a sentence for people; few need code besides. The same pattern goes into the schema. Pure, any
 * thread.
 */
#ifndef AGENT_CONFIG_FORMAT_H
#define AGENT_CONFIG_FORMAT_H

#include "agent/config.h"

enum config_format {
    CONFIG_FORMAT_ANY,
    CONFIG_FORMAT_BUCKET,
    CONFIG_FORMAT_BUCKET_GLOB,
    CONFIG_FORMAT_BUCKET_ARN,
    CONFIG_FORMAT_SOURCE_NAME,
    CONFIG_FORMAT_POLICY_NAME,
    CONFIG_FORMAT_REGION,
    CONFIG_FORMAT_ACCOUNT,
    CONFIG_FORMAT_ROLE_ARN,
    CONFIG_FORMAT_TOPIC_ARN,
    CONFIG_FORMAT_EXTERNAL_ID,
    CONFIG_FORMAT_PROFILE,
    CONFIG_FORMAT_URL,
    CONFIG_FORMAT_KMS_KEY,
    CONFIG_FORMAT_ACL,
    CONFIG_FORMAT_VAULT_PREFIX,
    CONFIG_FORMAT_COPY_SOURCE_PREFIX,
    CONFIG_FORMAT_KEY_PREFIX,
    CONFIG_FORMAT_KEY_GLOB,
    CONFIG_FORMAT_TAG_VALUE,
    CONFIG_FORMAT_SCHEDULE,
    CONFIG_FORMAT_TIMEZONE,
    CONFIG_FORMAT_PATH,
    CONFIG_FORMAT_CLASS,
    CONFIG_FORMAT_DATE,
    CONFIG_FORMAT_CURRENCY,
    CONFIG_FORMAT_COUNT
};

/* What a form is, for messages and the schema. */
struct config_form {
    const char *what;                                   /* "a bucket name" */
    const char *rule;                                   /* "3 to 63 characters of a-z, 0-9, - and ." */
    const char *pattern;                                /* POSIX extended and ECMAScript alike, anchored; NULL: any */
    size_t min, max;                                    /* length in bytes */
    bool discreet;                                      /* the value is left out of messages */
    const char *(*check)(const char *text, size_t len); /* NULL, or says what is wrong, or returns NULL */
};

const struct config_form *config_form(enum config_format format);

/* NULL where `text` (terminated, free of NUL) has the form; else what is wrong, constant. */
const char *config_format_check(enum config_format format, const char *text, size_t len)
        __attribute__((warn_unused_result));

/* "30%" or "0.5%" to 0.3 or 0.005; false where it is not a percentage of 0 to 100. */
bool config_share_parse(const char *text, double *out) __attribute__((warn_unused_result));
/* restic's lengths: numbers with y, m, d, h, each at most once and in this order, at least one and not all zero. */
bool config_duration_parse(const char *text, struct config_duration *out) __attribute__((warn_unused_result));
#define CONFIG_SHARE_PATTERN "^([0-9]|[1-9][0-9]|100)([.][0-9]+)?%$"
#define CONFIG_DURATION_PATTERN "^([0-9]+y)?([0-9]+m)?([0-9]+d)?([0-9]+h)?$"
enum {
    CONFIG_DURATION_DIGITS = 6 /* a number of a length */,
    CONFIG_DURATION_TEXT = 4 * (CONFIG_DURATION_DIGITS + 1) + 1
};

/* Writes the length back, in the same spelling. */
void config_duration_format(const struct config_duration *duration, char out[CONFIG_DURATION_TEXT]);
bool config_duration_is_zero(const struct config_duration *duration);

#endif
