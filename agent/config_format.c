/* See config_format.h. */
#include "agent/config_format.h"

#include "agent/glob.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *check_bucket(const char *text, size_t len)
{
    (void)len;
    if (strstr(text, "..") != NULL)
        return "no two dots in a row";
    if (strspn(text, "0123456789.") == strlen(text) && strchr(text, '.') != NULL)
        return "not an IP address";
    return NULL;
}

static const char *check_port(const char *text, size_t len)
{
    const char *colon = strrchr(text, ':');

    (void)len;
    /* the pattern has seen to it that what follows the last colon is digits, or part of the scheme or of an IPv6
     * address */
    if (colon[1] == '/' || strchr(colon, ']') != NULL || strtol(colon + 1, NULL, 10) <= 65535)
        return NULL;
    return "a port is at most 65535";
}

static const char *check_arn(const char *text, size_t len)
{
    const char *name = strstr(text, ":::") + 3;

    return glob_check(name, len - (size_t)(name - text));
}

/* In ECMAScript `[]` is an empty set, so that the brackets of globs are spelled outside of sets. */
#define BUCKET_GLOB "([a-z0-9.*?!^-]|\\\\|\\[|\\])+"
#define PARTITION "aws(-[a-z]+)*"

static const struct config_form forms[CONFIG_FORMAT_COUNT] = {
    [CONFIG_FORMAT_ANY] = { "a text", "at most 4096 bytes", NULL, 0, 4096, false, NULL },
    [CONFIG_FORMAT_BUCKET] = { "a bucket name", "3 to 63 characters of a-z, 0-9, \"-\" and \".\"",
            "^[a-z0-9][a-z0-9.-]*[a-z0-9]$", 3, 63, false, check_bucket },
    [CONFIG_FORMAT_BUCKET_GLOB] = { "a bucket name or glob", "a-z, 0-9, \"-\" and \".\", with *, ? and [a-z]",
            "^" BUCKET_GLOB "$", 1, 256, false, glob_check },
    [CONFIG_FORMAT_BUCKET_ARN] = { "a bucket's ARN", "arn:aws:s3:::NAME, where NAME may be a glob",
            "^arn:" PARTITION ":s3:::" BUCKET_GLOB "$", 1, 256, false, check_arn },
    [CONFIG_FORMAT_SOURCE_NAME] = { "a source's name", "1 to 63 characters of a-z, 0-9, \"-\" and \".\"",
            "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", 1, 63, false, NULL },
    [CONFIG_FORMAT_POLICY_NAME] = { "a policy's name", "1 to 50 characters of letters, digits, \"-\", \"_\" and \".\"",
            "^[A-Za-z0-9_.-]+$", 1, 50, false, NULL },
    [CONFIG_FORMAT_REGION] = { "a region", "such as \"eu-west-1\"", "^[a-z0-9]+(-[a-z0-9]+)*$", 1, 32, false, NULL },
    [CONFIG_FORMAT_ACCOUNT] = { "an account id", "12 digits, as a string", "^[0-9]{12}$", 12, 12, false, NULL },
    [CONFIG_FORMAT_ROLE_ARN] = { "a role's ARN", "arn:aws:iam::ACCOUNT:role/NAME with 12 digits of account",
            "^arn:" PARTITION ":iam::[0-9]{12}:role/([A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]+$", 20, 2048, false,
            NULL },
    [CONFIG_FORMAT_TOPIC_ARN] = { "a topic's ARN", "arn:aws:sns:REGION:ACCOUNT:NAME",
            "^arn:" PARTITION ":sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+([.]fifo)?$", 20, 512, false, NULL },
    [CONFIG_FORMAT_EXTERNAL_ID] = { "an external id", "2 to 1224 characters of letters, digits and +=,.@:/-_",
            "^[A-Za-z0-9+=,.@:/_-]+$", 2, 1224, true, NULL },
    [CONFIG_FORMAT_PROFILE] = { "a profile's name", "1 to 256 letters, digits, spaces and _.@/+:,-",
            "^[A-Za-z0-9_.@/+:, -]+$", 1, 256, false, NULL },
    [CONFIG_FORMAT_URL] = { "an endpoint", "http:// or https://, a host and at most a port: no path, no query, no user",
            "^https?://([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$", 8, 512, true,
            check_port },
    [CONFIG_FORMAT_KMS_KEY] = { "a KMS key", "a key's id or ARN, or an alias", "^[A-Za-z0-9:/_-]+$", 1, 2048, false,
            NULL },
    [CONFIG_FORMAT_ACL] = { "a canned ACL", "such as \"bucket-owner-full-control\"",
            "^(private|bucket-owner-read|bucket-owner-full-control|authenticated-read|aws-exec-read)$", 1, 64, false,
            NULL },
    [CONFIG_FORMAT_VAULT_PREFIX] = { "a prefix of the vault",
            "empty, or names of letters, digits and _.-, each followed by one \"/\"", "^([A-Za-z0-9_.-]+/)*$", 0, 200,
            false, NULL },
    [CONFIG_FORMAT_COPY_SOURCE_PREFIX] = { "a prefix of copy sources", "such as \"111122223333:\", without \"/\"",
            "^([A-Za-z0-9_.-]+:)?$", 0, 64, false, NULL },
    [CONFIG_FORMAT_KEY_PREFIX] = { "a key prefix", "at most 1024 bytes", NULL, 0, 1024, false, NULL },
    [CONFIG_FORMAT_KEY_GLOB] = { "a glob of keys", "1 to 1024 bytes", NULL, 1, 1024, false, glob_check },
    [CONFIG_FORMAT_TAG_VALUE] = { "a tag's value", "at most 1024 bytes", NULL, 0, 1024, false, glob_check },
    [CONFIG_FORMAT_SCHEDULE] = { "a schedule", "cron() with six fields, or rate(n minutes|hours|days), or nothing",
            "^(cron\\([0-9A-Za-z,*/?#-]+( +[0-9A-Za-z,*/?#-]+){5}\\)|rate\\([1-9][0-9]* (minute|hour|day)s?\\))?$", 0,
            256, false, NULL },
    [CONFIG_FORMAT_TIMEZONE] = { "a time zone", "such as \"UTC\" or \"Europe/Berlin\"",
            "^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$", 1, 64, false, NULL },
    [CONFIG_FORMAT_PATH] = { "a path", "1 to 4096 bytes", NULL, 1, 4096, false, NULL },
    [CONFIG_FORMAT_CLASS] = { "a storage class", "such as \"GLACIER\"",
            "^(STANDARD|STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER_IR|GLACIER|DEEP_ARCHIVE)$", 1, 32, false,
            NULL },
    [CONFIG_FORMAT_DATE] = { "a date", "such as \"2026-11-20\"", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", 10, 10, false, NULL },
    [CONFIG_FORMAT_CURRENCY] = { "a currency", "three letters, such as \"USD\"", "^[A-Z]{3}$", 3, 3, false, NULL },
};

const struct config_form *config_form(enum config_format format)
{
    return &forms[format];
}

/* A pattern that cannot be compiled (memory) matches nothing: the config is refused, not half checked. */
static bool pattern_matches(const char *pattern, const char *text)
{
    regex_t compiled;
    bool matches;

    if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    matches = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return matches;
}

const char *config_format_check(enum config_format format, const char *text, size_t len)
{
    const struct config_form *form = &forms[format];

    if (len < form->min || len > form->max)
        return form->rule;
    if (form->pattern != NULL && !pattern_matches(form->pattern, text))
        return form->rule;
    return form->check != NULL ? form->check(text, len) : NULL;
}

bool config_share_parse(const char *text, double *out)
{
    if (strlen(text) > 16 || !pattern_matches(CONFIG_SHARE_PATTERN, text))
        return false;
    *out = strtod(text, NULL) / 100;
    return *out <= 1;
}

bool config_duration_parse(const char *text, struct config_duration *out)
{
    static const char units[] = "ymdh";
    int64_t *const parts[] = { &out->years, &out->months, &out->days, &out->hours };
    size_t next = 0;

    *out = (struct config_duration){ 0 };
    while (*text != '\0') {
        size_t digits = strspn(text, "0123456789");
        const char *unit;

        if (digits == 0 || digits > CONFIG_DURATION_DIGITS || text[digits] == '\0')
            return false;
        unit = strchr(units + next, text[digits]);
        if (unit == NULL)
            return false;
        *parts[unit - units] = strtoll(text, NULL, 10);
        next = (size_t)(unit - units) + 1;
        text += digits + 1;
    }
    return !config_duration_is_zero(out);
}

bool config_duration_is_zero(const struct config_duration *duration)
{
    return duration->years == 0 && duration->months == 0 && duration->days == 0 && duration->hours == 0;
}

void config_duration_format(const struct config_duration *duration, char out[CONFIG_DURATION_TEXT])
{
    const int64_t parts[] = { duration->years, duration->months, duration->days, duration->hours };
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < 4; i++)
        if (parts[i] > 0)
            used += (size_t)snprintf(out + used, CONFIG_DURATION_TEXT - used, "%lld%c", (long long)parts[i], "ymdh"[i]);
}
