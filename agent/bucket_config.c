/* See bucket_config.h. */
#include "agent/bucket_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bucket_xml.h"

enum { WORD_MAX = 100 * 1000 }; /* Linux takes 128 KiB a word */

/* In the order in which a bucket takes them. */
static const struct {
    const char *name, *command, *option;
    bool is_json; /* else XML */
} documents[] = {
    { "versioning", "put-bucket-versioning", "--versioning-configuration", false },
    { "encryption", "put-bucket-encryption", "--server-side-encryption-configuration", false },
    { "tagging", "put-bucket-tagging", "--tagging", false },
    { "lifecycle", "put-bucket-lifecycle-configuration", "--lifecycle-configuration", false },
    { "cors", "put-bucket-cors", "--cors-configuration", false },
    { "website", "put-bucket-website", "--website-configuration", false },
    { "policy", "put-bucket-policy", "--policy", true },
};

static bool note(struct bucket_config *config, const char *format, const char *what, const char *why)
{
    return json_array_append_new(config->notes, json_sprintf(format, what, why)) == 0;
}

static bool create(const struct state_point *point, struct bucket_config *config)
{
    json_t *words = json_pack("[s s s s s]", "aws", "s3api", "create-bucket", "--bucket", point->bucket);
    bool well = words != NULL;

    if (well && point->region[0] != '\0')
        well = json_array_append_new(words, json_string("--region")) == 0 &&
               json_array_append_new(words, json_string(point->region)) == 0;
    if (well && point->region[0] != '\0' && strcmp(point->region, "us-east-1") != 0) /* which S3 takes as the absence */
        well = json_array_append_new(words, json_string("--create-bucket-configuration")) == 0 &&
               json_array_append_new(words, json_sprintf("LocationConstraint=%s", point->region)) == 0;
    if (!well || json_array_append(config->commands, words) != 0) {
        json_decref(words);
        return false;
    }
    json_decref(words);
    return point->region[0] != '\0' ||
           note(config, "the region was not recorded: %s%s", "name it", " with --region where it matters");
}

/* The MFA of a bucket's versioning is set by its root user with a device at hand. */
static bool without_mfa(struct bucket_config *config, json_t *versioning)
{
    const char *mfa = json_string_value(json_object_get(versioning, "MFADelete"));

    if (mfa != NULL && strcmp(mfa, "Enabled") == 0 &&
            !note(config, "%s was on: %s", "MFA delete", "the root user of the account sets it, with --mfa"))
        return false;
    (void)json_object_del(versioning, "MFADelete");
    return true;
}

static bool apply(struct bucket_config *config, const char *bucket, size_t which, const json_t *document)
{
    const char *text = json_string_value(document);
    size_t length = json_string_length(document);
    json_t *value = documents[which].is_json ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL)
                                             : bucket_xml_json(text, length);
    char *option = NULL;
    bool well = true, wanted = true;

    if (!json_is_object(value)) {
        json_decref(value);
        return note(config, "the %s was recorded, but cannot be said to awscli: see it%s", documents[which].name,
                " with --json");
    }
    if (strcmp(documents[which].name, "versioning") == 0) {
        well = without_mfa(config, value);
        wanted = json_object_get(value, "Status") != NULL; /* else it never was versioned */
    }
    if (well && wanted) {
        option = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);
        if (option != NULL && strlen(option) > WORD_MAX) {
            free(option);
            json_decref(value);
            return note(config, "the %s is too long for a command: %s", documents[which].name, "see it with --json");
        }
        well = option != NULL && json_array_append_new(config->commands,
                                         json_pack("[s s s s s s s]", "aws", "s3api", documents[which].command,
                                                 "--bucket", bucket, documents[which].option, option)) == 0;
    }
    free(option);
    json_decref(value);
    return well;
}

static bool add(struct bucket_config *config, const char *bucket, size_t which)
{
    const json_t *document = json_object_get(config->recorded, documents[which].name);
    const char *code = json_string_value(json_object_get(document, "error"));

    if (json_is_string(document))
        return apply(config, bucket, which, document);
    if (document == NULL || json_is_null(document))
        return true;
    return note(config, "the %s could not be read: %s", documents[which].name, code != NULL ? code : "no reason");
}

bool bucket_config_read(const struct state_point *point, struct bucket_config *config)
{
    bool well;

    memset(config, 0, sizeof *config);
    if (point->configuration == NULL)
        return false;
    config->recorded = json_loads(point->configuration, JSON_DECODE_ANY, NULL);
    config->commands = json_array();
    config->notes = json_array();
    well = json_is_object(config->recorded) && config->commands != NULL && config->notes != NULL &&
           create(point, config);
    for (size_t i = 0; i < sizeof documents / sizeof documents[0] && well; i++)
        well = add(config, point->bucket, i);
    return well && note(config, "not recorded: %s%s", "ownership, ACL, public access block, logging, replication, ",
                           "notifications, object lock");
}

void bucket_config_free(struct bucket_config *config)
{
    json_decref(config->recorded);
    json_decref(config->commands);
    json_decref(config->notes);
    memset(config, 0, sizeof *config);
}

/* In a comment a line's end would begin a command. */
static void print_comment(const char *text)
{
    (void)fputs("# ", stdout);
    for (; *text != '\0'; text++)
        (void)fputc((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text, stdout);
    (void)fputc('\n', stdout);
}

/* Plain words stay as they are, all others are put in single quotes, in which only the quote itself means anything. */
static void print_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._=/";

    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        (void)fputs(word, stdout);
        return;
    }
    (void)fputc('\'', stdout);
    for (; *word != '\0'; word++) {
        if (*word == '\'')
            (void)fputs("'\\''", stdout);
        else
            (void)fputc(*word, stdout);
    }
    (void)fputc('\'', stdout);
}

void bucket_config_print(const struct state_point *point, const struct bucket_config *config)
{
    const json_t *item;
    size_t i, j;

    (void)puts("#!/bin/sh");
    (void)printf("# The bucket of source %s as point %s recorded it.\n", point->source, point->id);
    json_array_foreach(config->notes, i, item) print_comment(json_string_value(item));
    (void)puts("set -e");
    json_array_foreach(config->commands, i, item)
    {
        const json_t *word;
        json_array_foreach(item, j, word)
        {
            if (j > 0)
                (void)fputc(' ', stdout);
            print_word(json_string_value(word));
        }
        (void)fputc('\n', stdout);
    }
}
