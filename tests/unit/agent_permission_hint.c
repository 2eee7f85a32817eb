/* What the services' words mean, as AWS writes them, and what is said to grant for a request that was refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/failure.h"
#include "agent/permission_hint.h"

#define WHO                                                                                                            \
    "User: arn:aws:sts::444455556666:assumed-role/vaultferry-vault/vaultferry-run is not authorized to perform: "
#define OBJECT " on resource: \"arn:aws:s3:::acme-vault/data/x\" "

/* As recorded from AWS; the ARNs are changed. */
static const struct {
    const char *message, *action;
    enum permission_side side;
    bool denies, of_key;
} words[] = {
    { "Access Denied", "", PERMISSION_SIDE_UNKNOWN, false, false },
    { "", "", PERMISSION_SIDE_UNKNOWN, false, false },
    { WHO "s3:PutObject" OBJECT "because no identity-based policy allows the s3:PutObject action", "s3:PutObject",
            PERMISSION_SIDE_IDENTITY, false, false },
    { WHO "s3:PutObject" OBJECT "because no resource-based policy allows the s3:PutObject action", "s3:PutObject",
            PERMISSION_SIDE_RESOURCE, false, false },
    { WHO "s3:GetObject" OBJECT "with an explicit deny in a service control policy", "s3:GetObject",
            PERMISSION_SIDE_ORGANIZATION, true, false },
    { WHO "s3:GetObject" OBJECT "because no service control policy allows the s3:GetObject action", "s3:GetObject",
            PERMISSION_SIDE_ORGANIZATION, false, false },
    { WHO "s3:GetObject" OBJECT "with an explicit deny in a resource control policy", "s3:GetObject",
            PERMISSION_SIDE_ORGANIZATION, true, false },
    { WHO "s3:GetObject" OBJECT "with an explicit deny in a resource-based policy", "s3:GetObject",
            PERMISSION_SIDE_RESOURCE, true, false },
    { WHO "s3:GetObject" OBJECT "with an explicit deny in an identity-based policy", "s3:GetObject",
            PERMISSION_SIDE_IDENTITY, true, false },
    { WHO "s3:GetObject" OBJECT "because no permissions boundary allows the s3:GetObject action", "s3:GetObject",
            PERMISSION_SIDE_BOUNDARY, false, false },
    { WHO "s3:GetObject" OBJECT "because no session policy allows the s3:GetObject action", "s3:GetObject",
            PERMISSION_SIDE_SESSION, false, false },
    { WHO "s3:GetObject" OBJECT "because no VPC endpoint policy allows the s3:GetObject action", "s3:GetObject",
            PERMISSION_SIDE_ENDPOINT, false, false },
    { WHO "s3:GetObject" OBJECT "with an explicit deny in a VPC endpoint policy", "s3:GetObject",
            PERMISSION_SIDE_ENDPOINT, true, false },
    { WHO "kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/k-1 because the resource does not exist in "
          "this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
            "kms:Decrypt", PERMISSION_SIDE_RESOURCE, false, true },
    { WHO "kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:444455556666:key/k-2 because no identity-based "
          "policy allows the kms:GenerateDataKey action",
            "kms:GenerateDataKey", PERMISSION_SIDE_IDENTITY, false, true },
    { "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are "
      "not allowed to access.",
            "", PERMISSION_SIDE_UNKNOWN, false, true },
    { WHO "sts:AssumeRole on resource: arn:aws:iam::444455556666:role/w", "sts:AssumeRole", PERMISSION_SIDE_UNKNOWN,
            false, false },
    /* nothing that a stranger writes into a message runs over */
    { "not authorized to perform: ", "", PERMISSION_SIDE_UNKNOWN, false, false },
    { "not authorized to perform: nonsense", "", PERMISSION_SIDE_UNKNOWN, false, false },
};

static void words_of_a_refusal_say_action_and_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct permission_denial denial;
        permission_denial_read(words[i].message, &denial);
        assert_string_equal(denial.action, words[i].action);
        assert_int_equal(denial.side, words[i].side);
        assert_int_equal(denial.denies, words[i].denies);
        assert_int_equal(denial.of_key, words[i].of_key);
    }
}

static const char config_text[] =
        "{\"vault\":{\"bucket\":\"acme-vault\",\"account\":\"444455556666\","
        "\"role_arn\":\"arn:aws:iam::444455556666:role/w\",\"encryption\":{\"kms_key_id\":\"k-2\"}},"
        "\"sources\":[{\"account\":\"111122223333\",\"select\":{\"buckets\":[\"docs\"]},\"policy\":\"p\"}],"
        "\"policies\":{\"p\":{}}}";

/* Which statement of which document is named; NULL: nothing is said. */
static const struct {
    const char *operation, *bucket, *code, *message;
    const char *said[4];
    const char *unsaid;
} hints[] = {
    { "ListObjectsV2", "acme-vault", "AccessDenied", "Access Denied",
            { "s3:ListBucket (\"ListVault\" of `policy "
              "vault-role`)" },
            "source" },
    { "ListObjectsV2", "docs", "AccessDenied", "Access Denied", { "\"ListAndDescribe\" of `policy source-role`" },
            "vault" },
    { "ListBuckets", "", "AccessDenied", "Access Denied", { "s3:ListAllMyBuckets (\"FindBuckets\"" }, "vault" },
    { "HeadObject", "docs", "", "HTTP status 403", { "s3:GetObject (\"LookAtObjects\"", "s3:ListBucket" }, "vault" },
    { "PutObject", "acme-vault", "AccessDenied", "Access Denied",
            { "s3:PutObject, s3:PutObjectTagging "
              "(\"WriteVault\"" },
            "PutObjectAcl" },
    { "CopyObject", "acme-vault", "AccessDenied", "Access Denied",
            { "\"WriteVault\" of `policy vault-role`", "\"ReadSources\" of `policy vault-role`",
                    "\"VaultferryRead\" of `policy source-bucket`", "vaultferry doctor" },
            NULL },
    { "CopyObject", "acme-vault", "AccessDenied",
            WHO "s3:GetObject" OBJECT "because no identity-based policy allows the s3:GetObject action",
            { "\"ReadSources\" of `policy vault-role`" }, "WriteVault" },
    { "CopyObject", "acme-vault", "AccessDenied",
            WHO "s3:GetObject" OBJECT "because no resource-based policy allows the s3:GetObject action",
            { "s3:GetObject (\"VaultferryRead\" of `policy source-bucket`)" }, "ReadSources" },
    { "CopyObject", "acme-vault", "AccessDenied",
            WHO "s3:PutObject" OBJECT "because no identity-based policy allows the s3:PutObject action",
            { "s3:PutObject (\"WriteVault\"" }, "ReadSources" },
    { "CopyObject", "acme-vault", "AccessDenied",
            WHO "kms:Decrypt on resource: k because no resource-based policy allows the kms:Decrypt action",
            { "kms:Decrypt (\"VaultferryDecrypt\" of `policy source-key`)" }, "WriteVault" },
    { "PutObject", "acme-vault", "AccessDenied",
            WHO "kms:GenerateDataKey on resource: k because no identity-based policy allows it",
            { "kms:GenerateDataKey (\"UseVaultKey\" of `policy vault-role`)" }, "PutObject" },
    { "PutObject", "acme-vault", "AccessDenied",
            WHO "s3:PutObject" OBJECT "with an explicit deny in a service control "
                "policy",
            { "control policy of the organization" }, NULL },
    { "GetObject", "acme-vault", "AccessDenied",
            "role arn:aws:iam::444455556666:role/w: " WHO "sts:AssumeRole on resource: r",
            { "trust policy", "external "
                              "id" },
            "GetObject" },
    { "DeleteObjects", "acme-vault", "AccessDenied", "Access Denied", { "s3:DeleteObject (\"WriteVault\"" }, NULL },
    { "RestoreObject", "acme-vault", "AccessDenied", "Access Denied", { "s3:RestoreObject (\"BringBack\"" }, NULL },
    { "PutObject", "elsewhere", "AccessDenied", "Access Denied", { NULL }, NULL },
    { "PutObject", "acme-vault", "SignatureDoesNotMatch", "wrong", { NULL }, NULL },
    { "PutObject", "acme-vault", "InvalidAccessKeyId", "wrong", { NULL }, NULL },
    { "NotAnOperation", "acme-vault", "AccessDenied", "Access Denied", { NULL }, NULL },
};

static void hints_name_statement_document_and_side(void **state)
{
    struct config *config = NULL;
    struct config_error wrong;

    (void)state;
    assert_int_equal(config_parse("test", config_text, sizeof config_text - 1, &config, &wrong), CONFIG_OK);
    permission_hint_know(config);
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        struct s3_error error;
        struct failure failure;
        char out[600];
        bool any;

        s3_error_clear(&error);
        error.operation = hints[i].operation;
        (void)snprintf(error.bucket, sizeof error.bucket, "%s", hints[i].bucket);
        (void)snprintf(error.code, sizeof error.code, "%s", hints[i].code);
        (void)snprintf(error.message, sizeof error.message, "%s", hints[i].message);
        any = permission_hint(&error, out, sizeof out);
        assert_int_equal(any, hints[i].said[0] != NULL);
        for (size_t j = 0; j < 4 && hints[i].said[j] != NULL; j++)
            if (strstr(out, hints[i].said[j]) == NULL)
                fail_msg("%zu: \"%s\" is not in \"%s\"", i, hints[i].said[j], out);
        if (any && hints[i].unsaid != NULL && strstr(out, hints[i].unsaid) != NULL)
            fail_msg("%zu: \"%s\" is in \"%s\"", i, hints[i].unsaid, out);
        /* the failure of a run carries it, however long the service's words are */
        failure_from_s3(&failure, S3_DENIED, &error, "%s", "copying");
        assert_int_equal(strstr(failure.what, "To grant: ") != NULL, any);
        failure_from_s3(&failure, S3_RETRY, &error, "%s", "copying");
        assert_null(strstr(failure.what, "To grant: "));
    }
    permission_hint_know(NULL);
    config_free(config);
}

static void long_words_of_a_service_leave_room_for_the_hint(void **state)
{
    struct config *config = NULL;
    struct config_error wrong;
    struct s3_error error;
    struct failure failure;

    (void)state;
    assert_int_equal(config_parse("test", config_text, sizeof config_text - 1, &config, &wrong), CONFIG_OK);
    permission_hint_know(config);
    s3_error_clear(&error);
    error.operation = "CopyObject";
    (void)snprintf(error.bucket, sizeof error.bucket, "acme-vault");
    (void)snprintf(error.code, sizeof error.code, "AccessDenied");
    memset(error.message, 'x', sizeof error.message - 1);
    memset(error.key, 'k', sizeof error.key - 1);
    error.key_len = sizeof error.key - 1;
    failure_from_s3(&failure, S3_DENIED, &error, "copying an object with a name");
    assert_non_null(strstr(failure.what, "To grant: "));
    assert_non_null(strstr(failure.what, "policy source-bucket"));
    assert_true(strlen(failure.what) < sizeof failure.what);
    permission_hint_know(NULL);
    /* without a config nothing is known */
    failure_from_s3(&failure, S3_DENIED, &error, "copying");
    assert_null(strstr(failure.what, "To grant: "));
    config_free(config);
}

static void each_s3_action_of_the_table_is_in_some_hint(void **state)
{
    static const char *const operations[] = { "ListBuckets", "ListObjectsV2", "ListObjectVersions",
        "ListMultipartUploads", "GetBucketLocation", "GetBucketVersioning", "GetBucketLifecycleConfiguration",
        "GetBucketTagging", "HeadObject", "GetObjectTagging", "GetObjectAcl", "PutObject", "PutObjectTagging",
        "PutObjectAcl", "CopyObject", "DeleteObjects", "AbortMultipartUpload", "ListParts", "RestoreObject" };
    /* a bucket's own documents are read as far as they may be: nothing fails without */
    static const char *const described[] = { "s3:GetBucketPolicy", "s3:GetBucketCORS", "s3:GetEncryptionConfiguration",
        "s3:GetBucketWebsite", "s3:GetLifecycleConfiguration", "s3:GetBucketVersioning" };
    struct config *config = NULL;
    struct config_error wrong;
    size_t count;
    const struct permission *table = permission_table(&count);

    (void)state;
    assert_int_equal(config_parse("test", config_text, sizeof config_text - 1, &config, &wrong), CONFIG_OK);
    permission_hint_know(config);
    for (size_t i = 0; i < count; i++) {
        bool of_run = table[i].document == PERMISSION_VAULT_ROLE || table[i].document == PERMISSION_SOURCE_ROLE ||
                      table[i].document == PERMISSION_SOURCE_BUCKET;
        for (size_t j = 0; of_run && permission_is_needed(config, &table[i]) && j < PERMISSION_ACTIONS_MAX &&
                           table[i].actions[j] != NULL;
                j++) {
            bool found = strncmp(table[i].actions[j], "s3:", 3) != 0;
            for (size_t k = 0; k < sizeof described / sizeof described[0]; k++)
                found = found ||
                        (table[i].document == PERMISSION_SOURCE_ROLE && strcmp(described[k], table[i].actions[j]) == 0);
            for (size_t k = 0; k < sizeof operations / sizeof operations[0] && !found; k++) {
                struct s3_error error;
                char out[600];
                s3_error_clear(&error);
                error.operation = operations[k];
                (void)snprintf(error.bucket, sizeof error.bucket, "%s",
                        table[i].document == PERMISSION_SOURCE_ROLE ? "docs" : "acme-vault");
                found = permission_hint(&error, out, sizeof out) && strstr(out, table[i].actions[j]) != NULL &&
                        strstr(out, table[i].sid) != NULL;
            }
            if (!found)
                fail_msg("%s of %s is in no hint", table[i].actions[j], table[i].sid);
        }
    }
    permission_hint_know(NULL);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_refusal_say_action_and_side),
        cmocka_unit_test(hints_name_statement_document_and_side),
        cmocka_unit_test(long_words_of_a_service_leave_room_for_the_hint),
        cmocka_unit_test(each_s3_action_of_the_table_is_in_some_hint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
