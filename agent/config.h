/*
 * The configuration, typed, with every default filled in and every rule checked: what config_parse returns can be used
 * without looking twice. It holds no secrets; `external_id` is not one, but is left out of messages all the same.
 *
 * The struct and all that it points to belong to the config and are only read after config_parse, from any thread.
 * Texts are terminated, valid UTF-8 and free of NUL; one that was not given (or null) is NULL. Each field's meaning,
 * bounds and default stand in config_table.c, from which parser, schema and writer are driven.
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "agent/json_text.h"
#include "state/entry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONFIG_UNSET = -1,   /* a number that was not given */
    CONFIG_AUTO = -1,    /* "min_size": "auto" */
    CONFIG_KEEP_ALL = -1 /* a keep count without an end */
};

struct config_strings {
    const char **items;
    size_t count;
};

struct config_pair {
    const char *name, *value;
};

struct config_pairs {
    struct config_pair *items;
    size_t count;
};

enum config_lock_mode { CONFIG_LOCK_GOVERNANCE, CONFIG_LOCK_COMPLIANCE };

struct config_lock {
    bool given; /* no lock: the other fields mean nothing */
    enum config_lock_mode mode;
    int64_t days;
    bool extend;
};

/* How to reach one side: shared by the vault and the sources. */
struct config_access {
    const char *region, *account, *role_arn, *external_id, *profile, *endpoint, *sts_endpoint;
    bool path_style;
};

struct config_vault {
    struct config_access access;
    const char *bucket;
    const char *prefix; /* "" or ends in / */
    const char *prune_role_arn;
    const char *acl;
    const char *kms_key_id;
    struct config_lock lock;
};

struct config_select {
    struct config_strings buckets, arns; /* globs */
    struct config_pairs tags;            /* the value is a glob */
    struct config_strings exclude_buckets;
    struct config_strings prefixes; /* in byte order, none contains another; none at all means every key */
    struct config_strings exclude_keys;
};

enum config_kind { CONFIG_KIND_BUCKET, CONFIG_KIND_STREAM };
enum config_copy { CONFIG_COPY_SERVER, CONFIG_COPY_STREAM };

struct config_policy;

struct config_source {
    const char *name; /* the vault's folder; NULL: the bucket's name is used */
    enum config_kind kind;
    struct config_access access;
    const char *copy_source_prefix; /* "" in AWS */
    struct config_select select;
    const char *policy_name;
    const struct config_policy *policy;
    enum config_copy copy;
    const struct json_node *node; /* where it stands, for messages */
};

struct config_tier {
    int64_t after_days;
    enum storage_class class_;
};

/* A calendar length, restic's `1y5m7d2h`. All zero: not given. */
struct config_duration {
    int64_t years, months, days, hours;
};

/* restic's forget. Counts: 0 none, CONFIG_KEEP_ALL without an end. */
struct config_keep {
    bool given; /* false: `delete_after_days` alone decides, or everything stays */
    int64_t last, hourly, daily, weekly, monthly, yearly;
    struct config_duration within, within_hourly, within_daily, within_weekly, within_monthly, within_yearly;
};

struct config_guard {
    double changed, deleted; /* shares of 0 to 1; more than this trips */
    int64_t at_least;        /* objects; smaller sources are not judged by shares */
};

enum config_transitions { CONFIG_TRANSITIONS_AUTO, CONFIG_TRANSITIONS_LIFECYCLE, CONFIG_TRANSITIONS_AGENT };
enum config_parts { CONFIG_PARTS_AUTO, CONFIG_PARTS_FAITHFUL };
enum config_tags { CONFIG_TAGS_REQUIRE, CONFIG_TAGS_BEST_EFFORT, CONFIG_TAGS_SKIP };
enum config_acl { CONFIG_ACL_IGNORE, CONFIG_ACL_RECORD };
enum config_annotations { CONFIG_ANNOTATIONS_EXCLUDE, CONFIG_ANNOTATIONS_COPY };

struct config_policy {
    const char *name;
    const char *schedule; /* NULL: no schedule of its own, always due */
    const char *timezone;
    int64_t start_window_minutes, completion_window_minutes;
    struct config_tier *tiers; /* ascending in days and coldness; the short form has become a tier of GLACIER */
    size_t tier_count;
    int64_t cold_storage_after_days; /* CONFIG_UNSET once it has become a tier */
    int64_t min_size;                /* bytes, or CONFIG_AUTO */
    enum config_transitions transitions;
    enum config_parts parts;
    struct config_keep keep;
    int64_t delete_after_days; /* or CONFIG_UNSET */
    int64_t grace_days;
    struct config_guard guard;
    enum config_tags tags;
    enum config_acl acl;
    enum config_annotations annotations;
    const struct json_node *node;
};

enum config_event { CONFIG_ON_FAILURE = 1, CONFIG_ON_GUARD = 2, CONFIG_ON_STALE = 4, CONFIG_ON_SUCCESS = 8 };

struct config_notify {
    const char *sns_topic_arn;
    unsigned on; /* of enum config_event */
};

struct config_metrics {
    bool emf;
    const char *prometheus_file;
};

struct config_limits {
    int64_t workers;
    double requests_per_second, max_cost; /* or CONFIG_UNSET */
};

/* What a class costs; CONFIG_UNSET: as in the built-in table. */
struct config_class_price {
    const char *class_;
    double storage_gb_month, put_1k, get_1k, lifecycle_1k;
    double bulk_gb, bulk_1k, standard_gb, standard_1k, expedited_gb, expedited_1k;
    double minimum_days, minimum_bytes, overhead_bytes, overhead_standard_bytes;
    const struct json_node *node;
};

struct config_prices {
    bool given;
    const char *date, *currency;
    double list_1k, transfer_gb;
    struct config_class_price *classes;
    size_t class_count;
};

struct config {
    struct config_vault vault;
    struct config_source *sources;
    size_t source_count;
    struct config_policy *policies;
    size_t policy_count;
    struct config_notify notify;
    struct config_metrics metrics;
    struct config_limits limits;
    struct config_prices prices;
    const char *schema;         /* "$schema", for editors; not used */
    struct json_text *document; /* owns everything here */
};

enum config_status {
    CONFIG_OK,
    CONFIG_BAD,        /* the text says something that cannot be meant */
    CONFIG_UNREADABLE, /* no config given, or its file or object cannot be read */
    CONFIG_NO_MEMORY
};

struct config_error {
    unsigned line, column; /* 0 where there is no place */
    char message[720];     /* one line, begins with the config's name */
};

/* Parses and checks. `name` (path, URI or variable) begins every message. Returns in *out what config_free frees. */
enum config_status config_parse(const char *name, const char *text, size_t len, struct config **out,
        struct config_error *error) __attribute__((warn_unused_result));
void config_free(struct config *config);

/* The effective policy as one line of JSON, for point.json: every field with its value, the short form resolved. The
 * caller frees it with free(). NULL without memory. */
char *config_policy_json(const struct config_policy *policy) __attribute__((warn_unused_result));

/* The config's JSON Schema (draft 2020-12), indented, with a final newline. The caller frees it with free(). */
char *config_schema(void) __attribute__((warn_unused_result));

#endif
