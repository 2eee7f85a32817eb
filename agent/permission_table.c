/* The table; see permission.h. Actions are named as IAM names them, which is not always as S3 names its requests. */
#include "agent/permission.h"

static const struct permission table[] = {
    { PERMISSION_SOURCE_BUCKET, "VaultferryList", PERMISSION_SOURCE, { "s3:ListBucket" },
            "without it an object that is gone looks like one that is denied", PERMISSION_ALWAYS },
    { PERMISSION_SOURCE_BUCKET, "VaultferryRead", PERMISSION_SOURCE_OBJECTS, { "s3:GetObject", "s3:GetObjectTagging" },
            "copies: one principal reads the source and writes the vault", PERMISSION_ALWAYS },

    { PERMISSION_SOURCE_ROLE, "FindBuckets", PERMISSION_EVERYTHING, { "s3:ListAllMyBuckets" },
            "buckets that are chosen by pattern or tag", PERMISSION_ALWAYS },
    { PERMISSION_SOURCE_ROLE, "ListAndDescribe", PERMISSION_SOURCE,
            { "s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketTagging", "s3:GetBucketPolicy",
                    "s3:GetLifecycleConfiguration", "s3:GetBucketCORS", "s3:GetEncryptionConfiguration",
                    "s3:GetBucketVersioning", "s3:GetBucketWebsite" },
            "the listing; and the bucket's configuration, which each recovery point keeps as far as it may be read",
            PERMISSION_ALWAYS },
    { PERMISSION_SOURCE_ROLE, "LookAtObjects", PERMISSION_SOURCE_OBJECTS, { "s3:GetObject", "s3:GetObjectTagging" },
            "objects that are large, streamed, or looked at once more", PERMISSION_ALWAYS },
    { PERMISSION_SOURCE_ROLE, "ReadAcls", PERMISSION_SOURCE_OBJECTS, { "s3:GetObjectAcl" }, "\"acl\": \"record\"",
            PERMISSION_WITH_RECORDED_ACL },

    { PERMISSION_SOURCE_KEY, "VaultferryDecrypt", PERMISSION_EVERYTHING, { "kms:Decrypt" },
            "copies of objects that are encrypted by this key", PERMISSION_ALWAYS },

    { PERMISSION_VAULT_ROLE, "ListVault", PERMISSION_VAULT,
            { "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads", "s3:GetBucketVersioning",
                    "s3:GetLifecycleConfiguration" },
            "points, leases, and the look at the vault's health", PERMISSION_ALWAYS },
    { PERMISSION_VAULT_ROLE, "WriteVault", PERMISSION_VAULT_OBJECTS,
            { "s3:PutObject", "s3:PutObjectTagging", "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging",
                    "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts" },
            "copies, delete markers, points and leases; never a version's end", PERMISSION_ALWAYS },
    { PERMISSION_VAULT_ROLE, "BringBack", PERMISSION_VAULT_OBJECTS,
            { "s3:GetObjectVersionTagging", "s3:RestoreObject" }, "restores and drills, where they use this role",
            PERMISSION_ALWAYS },
    { PERMISSION_VAULT_ROLE, "WriteVaultAcls", PERMISSION_VAULT_OBJECTS, { "s3:PutObjectAcl" }, "\"acl\" of the vault",
            PERMISSION_WITH_ACL },
    { PERMISSION_VAULT_ROLE, "UseVaultKey", PERMISSION_VAULT_ENCRYPTION, { "kms:GenerateDataKey", "kms:Decrypt" },
            "everything that is written to the vault", PERMISSION_WITH_KEY },
    { PERMISSION_VAULT_ROLE, "TellTopic", PERMISSION_TOPIC, { "sns:Publish" }, "messages to \"notify.sns_topic_arn\"",
            PERMISSION_WITH_TOPIC },
    { PERMISSION_VAULT_ROLE, "ListSources", PERMISSION_SOURCE, { "s3:ListBucket" },
            "without it an object that is gone looks like one that is denied", PERMISSION_ALWAYS },
    { PERMISSION_VAULT_ROLE, "ReadSources", PERMISSION_SOURCE_OBJECTS, { "s3:GetObject", "s3:GetObjectTagging" },
            "copies: one principal reads the source and writes the vault", PERMISSION_ALWAYS },
    { PERMISSION_VAULT_ROLE, "DecryptSources", PERMISSION_SOURCE_ENCRYPTION, { "kms:Decrypt" },
            "copies of objects that are encrypted by a key of the source's account", PERMISSION_ALWAYS },

    { PERMISSION_VAULT_KEY, "VaultferryWrite", PERMISSION_EVERYTHING, { "kms:GenerateDataKey", "kms:Decrypt" },
            "everything that is written to the vault", PERMISSION_ALWAYS },

    { PERMISSION_RESTORE_ROLE, "ListVault", PERMISSION_VAULT, { "s3:ListBucket", "s3:ListBucketVersions" },
            "points, and what the vault holds", PERMISSION_ALWAYS },
    { PERMISSION_RESTORE_ROLE, "ReadVault", PERMISSION_VAULT_OBJECTS,
            { "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging" },
            "what is brought back", PERMISSION_ALWAYS },
    { PERMISSION_RESTORE_ROLE, "ThawVault", PERMISSION_VAULT_OBJECTS, { "s3:RestoreObject" },
            "what lies in an archive class", PERMISSION_ALWAYS },
    { PERMISSION_RESTORE_ROLE, "RecordDrills", PERMISSION_VAULT_POINTS, { "s3:PutObject" },
            "the record that a drill leaves beside its point", PERMISSION_ALWAYS },
    { PERMISSION_RESTORE_ROLE, "UseVaultKey", PERMISSION_VAULT_ENCRYPTION, { "kms:Decrypt" }, "what is brought back",
            PERMISSION_WITH_KEY },
};

const struct permission *permission_table(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}
