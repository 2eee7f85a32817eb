/* See config_table.h. Defaults are JSON. */
#include "agent/config_table.h"

#include "agent/config.h"

#define ROW(t, n, k, m, f) .name = n, .type = CONFIG_TYPE_##k, .offset = offsetof(struct t, m), .fallback = f
#define SHAPE(t, rows) .fields = rows, .count = sizeof(rows) / sizeof(rows[0]), .size = sizeof(struct t)
#define ANONYMOUS .node_offset = CONFIG_NO_OFFSET, .name_offset = CONFIG_NO_OFFSET

enum {
    DAYS_MAX = 36500,   /* a century: S3's own bound of retention */
    MINUTES_MAX = 10080 /* a week */
};
#define SIZE_LIMIT_VALUE (INT64_C(50) << 40) /* the largest S3 object */

_Static_assert(sizeof(enum config_kind) == sizeof(int), "enums are written through int");

static const char *const kinds[] = { "bucket", "stream", NULL };
static const char *const copies[] = { "server", "stream", NULL };
static const char *const lock_modes[] = { "governance", "compliance", NULL };
static const char *const classes[] = { "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER",
    "DEEP_ARCHIVE", NULL };
static const char *const transitions[] = { "auto", "lifecycle", "agent", NULL };
static const char *const parts[] = { "auto", "faithful", NULL };
static const char *const tags[] = { "require", "best-effort", "skip", NULL };
static const char *const acls[] = { "ignore", "record", NULL };
static const char *const annotations[] = { "exclude", "copy", NULL };
static const char *const events[] = { "failure", "guard", "stale", "success", NULL };

/* clang-format off: it takes the rows for blocks */
#define ACCESS(t)                                                                                                      \
    { ROW(t, "region", STRING, access.region, "null"), .format = CONFIG_FORMAT_REGION,                                 \
        .doc = "Region; null: AWS_REGION or the profile's." },                                                         \
            { ROW(t, "account", STRING, access.account, "null"), .format = CONFIG_FORMAT_ACCOUNT,                      \
                .doc = "Account id of 12 digits; requests then name it as the expected bucket owner." },               \
            { ROW(t, "role_arn", STRING, access.role_arn, "null"), .format = CONFIG_FORMAT_ROLE_ARN,                   \
                .doc = "Role to assume; null: the ambient credentials." },                                             \
            { ROW(t, "external_id", STRING, access.external_id, "null"), .format = CONFIG_FORMAT_EXTERNAL_ID,          \
                .doc = "External id that the role's trust policy demands." },                                          \
            { ROW(t, "profile", STRING, access.profile, "null"), .format = CONFIG_FORMAT_PROFILE,                      \
                .doc = "Profile of the shared AWS config." },                                                          \
            { ROW(t, "endpoint", STRING, access.endpoint, "null"), .format = CONFIG_FORMAT_URL,                        \
                .doc = "URL of the S3 endpoint; null: AWS's, or AWS_ENDPOINT_URL_S3." },                               \
            { ROW(t, "sts_endpoint", STRING, access.sts_endpoint, "null"), .format = CONFIG_FORMAT_URL,                \
                .doc = "URL of the STS endpoint; null: AWS's, or AWS_ENDPOINT_URL_STS." },                             \
    {                                                                                                                  \
        ROW(t, "path_style", BOOL, access.path_style, "false"),                                                        \
                .doc = "Bucket names in the path instead of the host name."                                            \
    }
/* clang-format on */

static const struct config_field lock_rows[] = {
    { ROW(config_lock, "mode", ENUM, mode, "\"governance\""), .words = lock_modes, .doc = "Object Lock mode." },
    { ROW(config_lock, "days", INTEGER, days, NULL), .min = 1, .max = DAYS_MAX,
            .doc = "Days that each copy is locked for, from the beginning of its run." },
    { ROW(config_lock, "extend", BOOL, extend, "false"),
            .doc = "Extend the locks of what recovery points need, at each prune." },
};
static const struct config_shape lock_shape = { SHAPE(config_lock, lock_rows), ANONYMOUS };

static const struct config_field encryption_rows[] = {
    { ROW(config_vault, "kms_key_id", STRING, kms_key_id, "null"), .format = CONFIG_FORMAT_KMS_KEY,
            .doc = "KMS key of the copies; null: the vault bucket's own default encryption." },
};
/* its member lies in the vault's struct: the row's offset is relative to that */
static const struct config_shape encryption_shape = { SHAPE(config_vault, encryption_rows), ANONYMOUS };

static const struct config_field vault_rows[] = {
    { ROW(config_vault, "bucket", STRING, bucket, NULL), .format = CONFIG_FORMAT_BUCKET, .doc = "The vault bucket." },
    ACCESS(config_vault),
    { ROW(config_vault, "prefix", STRING, prefix, "\"\""), .format = CONFIG_FORMAT_VAULT_PREFIX,
            .doc = "Put before every path of the vault; empty, or ends in /." },
    { ROW(config_vault, "prune_role_arn", STRING, prune_role_arn, "null"), .format = CONFIG_FORMAT_ROLE_ARN,
            .doc = "Role that prune assumes; the only one that may remove versions." },
    { ROW(config_vault, "acl", STRING, acl, "null"), .format = CONFIG_FORMAT_ACL,
            .doc = "Canned ACL of the copies, for stores with tenants." },
    { .name = "encryption",
            .type = CONFIG_TYPE_OBJECT,
            .offset = 0,
            .extra = CONFIG_NO_OFFSET,
            .fallback = "{}",
            .shape = &encryption_shape,
            .doc = "Encryption of the copies." },
    { ROW(config_vault, "lock", OBJECT, lock, "null"), .extra = offsetof(struct config_vault, lock.given),
            .shape = &lock_shape, .doc = "Object Lock of the copies and points; null: none." },
};
static const struct config_shape vault_shape = { SHAPE(config_vault, vault_rows), ANONYMOUS };

static const struct config_field select_rows[] = {
    { ROW(config_select, "buckets", STRINGS, buckets, "[]"), .format = CONFIG_FORMAT_BUCKET_GLOB,
            .doc = "Bucket names; globs with *, ?, [a-z], [!a-z]." },
    { ROW(config_select, "arns", STRINGS, arns, "[]"), .format = CONFIG_FORMAT_BUCKET_ARN,
            .doc = "Bucket ARNs; the name may be a glob. Buckets that match `buckets` or `arns` are selected." },
    { ROW(config_select, "tags", PAIRS, tags, "{}"), .format = CONFIG_FORMAT_TAG_VALUE,
            .doc = "Bucket tags that all must be there; values are globs, * for any." },
    { ROW(config_select, "exclude_buckets", STRINGS, exclude_buckets, "[]"), .format = CONFIG_FORMAT_BUCKET_GLOB,
            .doc = "Bucket names or globs that are never selected; exclusions win." },
    { ROW(config_select, "prefixes", STRINGS, prefixes, "[]"), .format = CONFIG_FORMAT_KEY_PREFIX,
            .doc = "Only keys that begin with one of these; none: all keys." },
    { ROW(config_select, "exclude_keys", STRINGS, exclude_keys, "[]"), .format = CONFIG_FORMAT_KEY_GLOB,
            .doc = "Globs of keys that are left out; * matches / too." },
};
static const struct config_shape select_shape = { SHAPE(config_select, select_rows), ANONYMOUS };

static const struct config_field source_rows[] = {
    { ROW(config_source, "name", STRING, name, "null"), .format = CONFIG_FORMAT_SOURCE_NAME,
            .doc = "The vault's folder instead of the bucket's name; only for exactly one literal bucket, or a "
                   "stream." },
    { ROW(config_source, "kind", ENUM, kind, "\"bucket\""), .words = kinds,
            .doc = "Objects of buckets, or a stream that `put` writes." },
    ACCESS(config_source),
    { ROW(config_source, "copy_source_prefix", STRING, copy_source_prefix, "\"\""),
            .format = CONFIG_FORMAT_COPY_SOURCE_PREFIX,
            .doc = "Put before the bucket in copy sources, for stores with tenants: \"111122223333:\"." },
    { ROW(config_source, "select", OBJECT, select, "{}"), .extra = CONFIG_NO_OFFSET, .shape = &select_shape,
            .doc = "Which buckets and keys." },
    { ROW(config_source, "policy", STRING, policy_name, NULL), .format = CONFIG_FORMAT_POLICY_NAME,
            .doc = "Name of the policy." },
    { ROW(config_source, "copy", ENUM, copy, "\"server\""), .words = copies,
            .doc = "Copy inside the store, or through this program where no one principal can read and write both "
                   "sides." },
};
static const struct config_shape source_shape = { SHAPE(config_source, source_rows),
    .node_offset = offsetof(struct config_source, node), .name_offset = CONFIG_NO_OFFSET };

static const struct config_field tier_rows[] = {
    { ROW(config_tier, "after_days", INTEGER, after_days, NULL), .min = 0, .max = DAYS_MAX,
            .doc = "Age in days from which objects belong into the class." },
    { ROW(config_tier, "class", ENUM, class_, NULL), .words = classes, .first_word = CLASS_STANDARD_IA,
            .doc = "Storage class." },
};
static const struct config_shape tier_shape = { SHAPE(config_tier, tier_rows), ANONYMOUS };

#define KEEP(n, text)                                                                                                  \
    {                                                                                                                  \
        ROW(config_keep, #n, INTEGER, n, "0"), .min = CONFIG_KEEP_ALL, .max = INT32_MAX, .doc = text                   \
    }
#define WITHIN(n, m, text)                                                                                             \
    {                                                                                                                  \
        ROW(config_keep, n, LENGTH, m, "null"), .doc = text                                                            \
    }
static const struct config_field keep_rows[] = {
    KEEP(last, "Newest points to keep; -1: all."),
    KEEP(hourly, "Hours whose newest point is kept; -1: all."),
    KEEP(daily, "Days whose newest point is kept; -1: all."),
    KEEP(weekly, "ISO weeks whose newest point is kept; -1: all."),
    KEEP(monthly, "Months whose newest point is kept; -1: all."),
    KEEP(yearly, "Years whose newest point is kept; -1: all."),
    WITHIN("within", within, "Keep all points of this long before the newest, such as 1y5m7d2h."),
    WITHIN("within_hourly", within_hourly, "Hourly points within this long before the newest."),
    WITHIN("within_daily", within_daily, "Daily points within this long before the newest."),
    WITHIN("within_weekly", within_weekly, "Weekly points within this long before the newest."),
    WITHIN("within_monthly", within_monthly, "Monthly points within this long before the newest."),
    WITHIN("within_yearly", within_yearly, "Yearly points within this long before the newest."),
};
static const struct config_shape keep_shape = { SHAPE(config_keep, keep_rows), ANONYMOUS };

static const struct config_field guard_rows[] = {
    { ROW(config_guard, "changed", SHARE, changed, "\"30%\""),
            .doc = "Largest share of a source that may be replaced in one run, as \"30%\" or 0.3." },
    { ROW(config_guard, "deleted", SHARE, deleted, "\"10%\""),
            .doc = "Largest share of a source that may be missing in one run." },
    { ROW(config_guard, "at_least", INTEGER, at_least, "20"), .min = 0, .max = INT32_MAX,
            .doc = "Sources with fewer objects are not judged by shares." },
};
static const struct config_shape guard_shape = { SHAPE(config_guard, guard_rows), ANONYMOUS };

static const struct config_field policy_rows[] = {
    { ROW(config_policy, "schedule", STRING, schedule, "null"), .format = CONFIG_FORMAT_SCHEDULE,
            .doc = "cron(minute hour day month weekday year) or rate(n unit), as EventBridge; null: always due." },
    { ROW(config_policy, "timezone", STRING, timezone, "\"UTC\""), .format = CONFIG_FORMAT_TIMEZONE,
            .doc = "Time zone of the schedule and of keep's days." },
    { ROW(config_policy, "start_window_minutes", INTEGER, start_window_minutes, "60"), .min = 1, .max = MINUTES_MAX,
            .doc = "Minutes after its time by which a run should have begun; status then calls it overdue." },
    { ROW(config_policy, "completion_window_minutes", INTEGER, completion_window_minutes, "180"), .min = 1,
            .max = MINUTES_MAX,
            .doc = "Minutes within which a run must end; then it stops cleanly and goes on next time." },
    { ROW(config_policy, "tiers", OBJECTS, tiers, "[]"), .extra = offsetof(struct config_policy, tier_count),
            .shape = &tier_shape, .doc = "Storage classes by age, ascending." },
    { ROW(config_policy, "cold_storage_after_days", INTEGER, cold_storage_after_days, "null"), .min = 0,
            .max = DAYS_MAX, .doc = "Short form of one tier of GLACIER." },
    { ROW(config_policy, "min_size", SIZE, min_size, "\"auto\""), .min = 0, .max = SIZE_LIMIT_VALUE,
            .doc = "Bytes below which objects stay in STANDARD; auto: where moving saves money." },
    { ROW(config_policy, "transitions", ENUM, transitions, "\"auto\""), .words = transitions,
            .doc = "Who moves objects later: lifecycle rules, the agent, or rules where the vault has them." },
    { ROW(config_policy, "parts", ENUM, parts, "\"auto\""), .words = parts,
            .doc = "faithful: multipart objects keep their parts, and so their ETag, below 5 GB too." },
    { ROW(config_policy, "keep", OBJECT, keep, "null"), .extra = offsetof(struct config_policy, keep.given),
            .shape = &keep_shape, .doc = "Which points stay; null: all, up to delete_after_days." },
    { ROW(config_policy, "delete_after_days", INTEGER, delete_after_days, "null"), .min = 1, .max = DAYS_MAX,
            .doc = "Age at which points expire, whatever `keep` says; null: no bound." },
    { ROW(config_policy, "grace_days", INTEGER, grace_days, "7"), .min = 0, .max = DAYS_MAX,
            .doc = "Days between a point's expiry and the removal of its versions." },
    { ROW(config_policy, "guard", OBJECT, guard, "{}"), .extra = CONFIG_NO_OFFSET, .shape = &guard_shape,
            .doc = "When a run stops and asks before it marks deletions." },
    { ROW(config_policy, "tags", ENUM, tags, "\"require\""), .words = tags,
            .doc = "Objects' tags: fail without them, copy what can be read, or do not ask." },
    { ROW(config_policy, "acl", ENUM, acl, "\"ignore\""), .words = acls,
            .doc = "record: the ACL of each object that is copied is kept in its change line, for one request more." },
    { ROW(config_policy, "annotations", ENUM, annotations, "\"exclude\""), .words = annotations,
            .doc = "Whether objects' annotations are copied; each is billed as a PUT." },
};
const struct config_shape config_shape_policy = { SHAPE(config_policy, policy_rows),
    .node_offset = offsetof(struct config_policy, node), .name_offset = offsetof(struct config_policy, name),
    .name_format = CONFIG_FORMAT_POLICY_NAME };

static const struct config_field notify_rows[] = {
    { ROW(config_notify, "sns_topic_arn", STRING, sns_topic_arn, "null"), .format = CONFIG_FORMAT_TOPIC_ARN,
            .doc = "SNS topic for notifications; null: none." },
    { ROW(config_notify, "on", FLAGS, on, "[\"failure\", \"guard\", \"stale\"]"), .words = events,
            .doc = "What to notify of." },
};
static const struct config_shape notify_shape = { SHAPE(config_notify, notify_rows), ANONYMOUS };

static const struct config_field metrics_rows[] = {
    { ROW(config_metrics, "emf", BOOL, emf, "false"), .doc = "CloudWatch embedded metrics on standard output." },
    { ROW(config_metrics, "prometheus_file", STRING, prometheus_file, "null"), .format = CONFIG_FORMAT_PATH,
            .doc = "File for the node exporter's textfile collector; null: none." },
};
static const struct config_shape metrics_shape = { SHAPE(config_metrics, metrics_rows), ANONYMOUS };

static const struct config_field limits_rows[] = {
    { ROW(config_limits, "workers", INTEGER, workers, "64"), .min = 1, .max = 1024, .doc = "Requests in flight." },
    { ROW(config_limits, "requests_per_second", NUMBER, requests_per_second, "null"), .min = 1, .max = 100000,
            .doc = "Bound of the request rate; null: what the store takes." },
    { ROW(config_limits, "max_cost", NUMBER, max_cost, "null"), .min = 0, .max = INT32_MAX,
            .doc = "A run of a source that would cost more than this does not start; null: no bound." },
};
static const struct config_shape limits_shape = { SHAPE(config_limits, limits_rows), ANONYMOUS };

#define PRICE(t, n, text)                                                                                              \
    {                                                                                                                  \
        ROW(t, #n, NUMBER, n, "null"), .min = 0, .max = INT32_MAX, .doc = text                                         \
    }
static const struct config_field class_rows[] = {
    PRICE(config_class_price, storage_gb_month, "A GB for a month."),
    PRICE(config_class_price, put_1k, "1,000 PUT, COPY or POST requests."),
    PRICE(config_class_price, get_1k, "1,000 GET or HEAD requests."),
    PRICE(config_class_price, lifecycle_1k, "1,000 transitions into the class by rule."),
    PRICE(config_class_price, bulk_gb, "A GB of bulk retrieval."),
    PRICE(config_class_price, bulk_1k, "1,000 bulk retrievals."),
    PRICE(config_class_price, standard_gb, "A GB of retrieval (standard tier)."),
    PRICE(config_class_price, standard_1k, "1,000 retrievals (standard tier)."),
    PRICE(config_class_price, expedited_gb, "A GB of expedited retrieval."),
    PRICE(config_class_price, expedited_1k, "1,000 expedited retrievals."),
    PRICE(config_class_price, minimum_days, "Days that are billed at least."),
    PRICE(config_class_price, minimum_bytes, "Bytes that each object is billed for at least."),
    PRICE(config_class_price, overhead_bytes, "Bytes billed beside each object, at this class's price."),
    PRICE(config_class_price, overhead_standard_bytes, "Bytes billed beside each object, at STANDARD's price."),
};
static const struct config_shape class_shape = { SHAPE(config_class_price, class_rows),
    .node_offset = offsetof(struct config_class_price, node),
    .name_offset = offsetof(struct config_class_price, class_), .name_format = CONFIG_FORMAT_CLASS };

static const struct config_field prices_rows[] = {
    { ROW(config_prices, "date", STRING, date, "null"), .format = CONFIG_FORMAT_DATE,
            .doc = "Date of these prices, for the reports." },
    { ROW(config_prices, "currency", STRING, currency, "\"USD\""), .format = CONFIG_FORMAT_CURRENCY,
            .doc = "Currency of all prices." },
    PRICE(config_prices, list_1k, "1,000 LIST requests."),
    PRICE(config_prices, transfer_gb, "A GB of transfer to the vault."),
    { ROW(config_prices, "classes", NAMED, classes, "{}"), .extra = offsetof(struct config_prices, class_count),
            .shape = &class_shape, .doc = "Prices by storage class; what is left out is as in the built-in table." },
};
static const struct config_shape prices_shape = { SHAPE(config_prices, prices_rows), ANONYMOUS };

static const struct config_field root_rows[] = {
    { ROW(config, "$schema", STRING, schema, "null"), .doc = "For editors; not used." },
    { ROW(config, "vault", OBJECT, vault, NULL), .extra = CONFIG_NO_OFFSET, .shape = &vault_shape,
            .doc = "Where the backups go." },
    { ROW(config, "sources", OBJECTS, sources, "[]"), .extra = offsetof(struct config, source_count), .max = 4096,
            .shape = &source_shape, .doc = "What is backed up. Without any, the vault can be read." },
    { ROW(config, "policies", NAMED, policies, "{}"), .extra = offsetof(struct config, policy_count), .max = 1024,
            .shape = &config_shape_policy, .doc = "How, how often, and for how long, by name." },
    { ROW(config, "notify", OBJECT, notify, "{}"), .extra = CONFIG_NO_OFFSET, .shape = &notify_shape,
            .doc = "Who is told." },
    { ROW(config, "metrics", OBJECT, metrics, "{}"), .extra = CONFIG_NO_OFFSET, .shape = &metrics_shape,
            .doc = "Figures for monitoring." },
    { ROW(config, "limits", OBJECT, limits, "{}"), .extra = CONFIG_NO_OFFSET, .shape = &limits_shape,
            .doc = "Bounds of a run." },
    { ROW(config, "prices", OBJECT, prices, "null"), .extra = offsetof(struct config, prices.given),
            .shape = &prices_shape, .doc = "Prices that replace the built-in table's." },
};
const struct config_shape config_shape_root = { SHAPE(config, root_rows), ANONYMOUS };
