/* A config, what a bucket has, and what is derived from them: what the tests of rules share. */
#ifndef TESTS_UNIT_AGENT_RULES_WORLD_H
#define TESTS_UNIT_AGENT_RULES_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/health.h"

#define TIERS                                                                                                          \
    "\"tiers\": [{\"after_days\": 30, \"class\": \"STANDARD_IA\"}, {\"after_days\": 90, \"class\": \"GLACIER\"}]"
#define DEEP "\"tiers\": [{\"after_days\": 365, \"class\": \"DEEP_ARCHIVE\"}]"
#define POLICY(name, fields) "\"" name "\": {\"delete_after_days\": 3650, \"min_size\": 1000, " fields "}"
#define SOURCE(name, policy) "{\"select\": {\"buckets\": [\"" name "\"]}, \"policy\": \"" policy "\"}"
#define CONFIG(vault, sources, policies)                                                                               \
    "{\"vault\": {\"bucket\": \"acme-vault\"" vault "}, \"sources\": [" sources "], \"policies\": {" policies "}}"

static struct config *config;
static struct prices prices;
static struct s3_lifecycle found;
static struct rules_wanted wanted;
static struct failure failure;

static inline struct s3_text text(const char *s)
{
    return (struct s3_text){ s, strlen(s) };
}

static inline void use(const char *document)
{
    struct config_error error;

    config_free(config);
    s3_lifecycle_free(&found);
    if (config_parse("c", document, strlen(document), &config, &error) != CONFIG_OK)
        fail_msg("%s", error.message);
    assert_int_equal(prices_load(config, &prices, &failure), VERDICT_OK);
}

static inline struct rules_task task_of(const struct rules_source *sources, size_t count)
{
    return (struct rules_task){
        .config = config, .prices = &prices, .sources = sources, .count = count, .found = &found
    };
}

static inline enum verdict derive(const struct rules_source *sources, size_t count)
{
    const struct rules_task task = task_of(sources, count);

    rules_wanted_free(&wanted);
    return rules_derive(&task, &wanted, &failure);
}

/* Takes as found what was derived, with one thing changed by `change`. */
static inline void take_wanted(const char *from, const char *to)
{
    struct s3_buffer document;
    struct s3_error error;
    const char *read;
    char *changed, *at;

    s3_buffer_init(&document, S3_LIFECYCLE_BYTES_MAX);
    assert_true(s3_buffer_add_text(&document, S3_LIFECYCLE_HEAD));
    assert_true(s3_lifecycle_write(&wanted.rules, &document));
    assert_true(s3_buffer_add_text(&document, S3_LIFECYCLE_TAIL));
    read = s3_buffer_text(&document);
    assert_non_null(read);
    changed = malloc(strlen(read) + strlen(to) + 1);
    assert_non_null(changed);
    at = strstr(read, from);
    assert_non_null(at);
    (void)snprintf(changed, strlen(read) + strlen(to) + 1, "%.*s%s%s", (int)(at - read), read, to, at + strlen(from));
    s3_lifecycle_free(&found);
    if (s3_lifecycle_read(text(changed), &found, &error) != S3_OK)
        fail_msg("%s: %s", error.message, changed);
    free(changed);
    s3_buffer_free(&document);
}

/* After all tests. */
static inline int give_back(void **state)
{
    (void)state;
    rules_wanted_free(&wanted);
    s3_lifecycle_free(&found);
    config_free(config);
    return 0;
}

#endif
