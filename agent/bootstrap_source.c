/*
 * What the sources' accounts grant: done with --source-profile in the account that it belongs to, and told for every
 * other. See bootstrap.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bootstrap_inside.h"
#include "agent/select.h"
#include "agent/selection.h"

static const char *account_of(const struct config_source *source)
{
    return source->access.account != NULL ? source->access.account : "";
}

/* The documents are about all sources of a config: here it is one that has this one only. */
static struct config only(const struct config *config, struct config_source *source)
{
    struct config out = *config;

    out.sources = source;
    out.source_count = 1;
    return out;
}

static void grant(struct bootstrap *work, const struct config *config, const struct config_source *source,
        enum permission_document document, const char *name)
{
    struct failure failure;
    json_t *policy;

    if (permission_policy(config, document, name, &policy, &failure) != VERDICT_OK) {
        bootstrap_failed(work, "grants", account_of(source), &failure, PERMISSION_BOOTSTRAP_SOURCE, "GrantBuckets");
        return;
    }
    (void)json_array_append_new(work->report->grants,
            json_pack("{ss ss ss so}", "account", account_of(source), "source", name != NULL ? name : "", "document",
                    permission_document_name(document), "policy", policy));
}

/* A source's copies are made by the vault's role, unless they are streamed. */
static bool is_read_by_vault(const struct config_source *source)
{
    return source->copy == CONFIG_COPY_SERVER;
}

static void grant_buckets(struct bootstrap *work, const struct config *config, const struct config_source *source)
{
    const char *bucket;
    size_t cursor = 0;

    if (select_needs_listing(source)) {
        grant(work, config, source, PERMISSION_SOURCE_BUCKET, NULL);
        return;
    }
    while ((bucket = select_next_literal(source, &cursor)) != NULL)
        grant(work, config, source, PERMISSION_SOURCE_BUCKET, bucket);
}

static bool is_first_with_role(const struct config *config, size_t index)
{
    const char *role = config->sources[index].access.role_arn;

    for (size_t i = 0; i < index && role != NULL; i++)
        if (config->sources[i].access.role_arn != NULL && strcmp(config->sources[i].access.role_arn, role) == 0)
            return false;
    return true;
}

/* All sources that are read with the same role, since it has one policy for all of them. Free its sources. */
static struct config with_role(const struct config *config, const char *role)
{
    struct config out = *config;

    out.sources = calloc(config->source_count, sizeof *out.sources);
    out.source_count = 0;
    for (size_t i = 0; i < config->source_count && out.sources != NULL; i++)
        if (config->sources[i].kind == CONFIG_KIND_BUCKET && config->sources[i].access.role_arn != NULL &&
                strcmp(config->sources[i].access.role_arn, role) == 0)
            out.sources[out.source_count++] = config->sources[i];
    return out;
}

/* What is to be granted by hand for one source. */
static void tell(struct bootstrap *work, size_t index)
{
    const struct config *config = work->program->config;
    struct config_source *source = &config->sources[index];
    struct config one = only(config, source);
    bool vault_reads = is_read_by_vault(source) && config->vault.access.role_arn != NULL;

    if (vault_reads)
        grant_buckets(work, &one, source);
    if (vault_reads && source->access.endpoint == NULL)
        grant(work, &one, source, PERMISSION_SOURCE_KEY, NULL);
    if (source->access.role_arn == NULL) {
        grant(work, &one, source, PERMISSION_SOURCE_ROLE, NULL);
    } else if (is_first_with_role(config, index)) {
        struct config shared = with_role(config, source->access.role_arn);
        grant(work, &shared, source, PERMISSION_SOURCE_ROLE, NULL);
        grant(work, &shared, source, PERMISSION_SOURCE_TRUST, NULL);
        free(shared.sources);
    }
}

static void grant_bucket_now(struct bootstrap *work, const struct config *config, const struct source *source)
{
    const struct bootstrap_bucket bucket = {
        .client = access_client(source->access), .name = source->bucket, .owner = source->owner
    };
    struct failure failure;
    json_t *wanted;

    if (permission_policy(config, PERMISSION_SOURCE_BUCKET, source->bucket, &wanted, &failure) != VERDICT_OK) {
        bootstrap_failed(work, "source bucket", source->bucket, &failure, PERMISSION_BOOTSTRAP_SOURCE, "GrantBuckets");
        return;
    }
    bootstrap_bucket_policy(work, &bucket, wanted, true, PERMISSION_BOOTSTRAP_SOURCE, "source bucket's policy",
            "the vault role may read it; statements of others stay");
    json_decref(wanted);
}

/* The selected buckets of one source, by the profile's credentials. */
static void grant_buckets_now(struct bootstrap *work, const struct config *config, struct config_source *source)
{
    struct config_source mine = *source;
    struct config one = only(config, &mine);
    struct program program = *work->program;
    struct selection selection;
    struct failure failure;

    mine.access.profile = work->options->source_profile;
    mine.access.role_arn = mine.access.external_id = NULL;
    program.config = &one;
    if (selection_make(&program, NULL, 0, &selection, &failure) != VERDICT_OK) {
        bootstrap_failed(
                work, "source buckets", account_of(source), &failure, PERMISSION_BOOTSTRAP_SOURCE, "GrantBuckets");
    }
    for (size_t i = 0; i < selection.gap_count; i++)
        bootstrap_failed(work, "source buckets", account_of(source), &selection.gaps[i].failure,
                PERMISSION_BOOTSTRAP_SOURCE, "GrantBuckets");
    for (size_t i = 0; i < selection.count && bootstrap_goes_on(work); i++)
        grant_bucket_now(work, &one, &selection.sources[i]);
    selection_free(&selection);
}

static void make_role_now(struct bootstrap *work, const struct access *access, const char *account, size_t index)
{
    const struct config *config = work->program->config;
    struct config shared = with_role(config, config->sources[index].access.role_arn);
    struct bootstrap_role role = { .what = "source role",
        .arn = config->sources[index].access.role_arn,
        .account = account,
        .config = &shared,
        .policy = PERMISSION_SOURCE_ROLE,
        .trust = PERMISSION_SOURCE_TRUST,
        .needs = PERMISSION_BOOTSTRAP_SOURCE,
        .sid = "SetUpRole" };
    struct failure failure;

    if (access_iam(work->program, access, &role.iam, &failure) == VERDICT_OK)
        bootstrap_role(work, &role);
    else
        bootstrap_failed(work, role.what, role.arn, &failure, role.needs, role.sid);
    s3_client_free(role.iam);
    free(shared.sources);
}

/* One source with the credentials of who administers its account. */
static void apply(struct bootstrap *work, const struct access *access, const char *account, size_t index)
{
    const struct config *config = work->program->config;
    struct config_source *source = &config->sources[index];
    struct config one = only(config, source);
    bool vault_reads = is_read_by_vault(source) && config->vault.access.role_arn != NULL;

    if (source->access.role_arn == NULL)
        grant(work, &one, source, PERMISSION_SOURCE_ROLE, NULL);
    else if (is_first_with_role(config, index))
        make_role_now(work, access, account, index);
    if (vault_reads && bootstrap_goes_on(work))
        grant_buckets_now(work, config, source);
    if (vault_reads && source->access.endpoint == NULL)
        grant(work, &one, source, PERMISSION_SOURCE_KEY, NULL); /* which keys there are, only their owner knows */
}

/* The account of the profile; "" where the store does not say. The access is made for a source's endpoint. */
static bool open_profile(
        struct bootstrap *work, const struct config_source *source, struct access **access, char account[16])
{
    struct config_access config = source->access;
    const struct access_options options = { .config = &config, .session_name = "vaultferry-bootstrap" };
    struct failure failure;
    char arn[2048];

    config.profile = work->options->source_profile;
    config.role_arn = config.external_id = NULL;
    account[0] = '\0';
    *access = NULL;
    if (access_open(work->program, &options, access, &failure) == VERDICT_OK &&
            access_identity(*access, work->conn, arn, sizeof arn, &failure) == VERDICT_OK) {
        permission_account_of(arn, account);
        return true;
    }
    if (*access != NULL && bootstrap_is_mute(*access, &failure))
        return true;
    bootstrap_failed(work, "source account", account_of(source), &failure, PERMISSION_BOOTSTRAP_SOURCE, "FindBuckets");
    access_close(*access);
    *access = NULL;
    return false;
}

void bootstrap_sources(struct bootstrap *work)
{
    const struct config *config = work->program->config;

    if (config->vault.kms_key_id != NULL && config->vault.access.role_arn != NULL) {
        const struct config_source vault = { .access = { .account = work->account } };
        grant(work, config, &vault, PERMISSION_VAULT_KEY, NULL);
    }
    for (size_t i = 0; i < config->source_count && bootstrap_goes_on(work); i++) {
        const struct config_source *source = &config->sources[i];
        struct access *access = NULL;
        char account[16];

        if (source->kind != CONFIG_KIND_BUCKET)
            continue;
        if (work->options->source_profile == NULL) {
            tell(work, i);
        } else if (open_profile(work, source, &access, account)) {
            if (account[0] == '\0' || account_of(source)[0] == '\0' || strcmp(account, account_of(source)) == 0)
                apply(work, access, account, i);
            else
                tell(work, i); /* another account's */
            access_close(access);
        }
    }
}
