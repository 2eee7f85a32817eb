/*
 * Objects out of the vault without a restore: `agent_bring CONFIG` reads JSON lines that say what is to be brought
 * where, with all that a restore finds out by itself, and prints a JSON line for each. Several lines are one job.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bring.h"
#include "agent/clock.h"
#include "agent/event.h"

static struct failure failure;

static void check(enum verdict verdict)
{
    if (verdict == VERDICT_OK)
        return;
    (void)fprintf(stderr, "%s\n", failure.what);
    exit((int)verdict_exit(verdict));
}

static const char *text_of(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));

    return text != NULL ? text : "";
}

static const char *given(const json_t *line, const char *name)
{
    const char *text = text_of(line, name);

    return text[0] != '\0' ? text : NULL;
}

static void print(
        const json_t *line, enum s3_status status, const struct bring_result *result, const struct s3_error *error)
{
    json_t *answer =
            json_pack("{ss ss ss ss sb}", "status", s3_status_name(status), "by", state_compared_name(result->by),
                    "etag", result->etag, "version", result->version, "streamed", (int)result->streamed);

    if (status != S3_OK)
        (void)json_object_update_new(answer, json_pack("{ss? ss ss}", "operation", error->operation, "code",
                                                     error->code, "message", error->message));
    (void)json_object_set(answer, "to", json_object_get(line, "to"));
    (void)json_dumpf(answer, stdout, JSON_COMPACT);
    (void)printf("\n");
    (void)fflush(stdout);
    json_decref(answer);
}

static void do_line(struct bring_job *job, struct s3_conn *conn, const json_t *line)
{
    struct layout_path path;
    enum layout_kind kind;
    const char *key = text_of(line, "key"), *to = text_of(line, "to"), *acl = text_of(line, "acl");
    const struct bring_object object = { .path = &path,
        .version = text_of(line, "version"),
        .etag = text_of(line, "etag"),
        .size = (uint64_t)json_integer_value(json_object_get(line, "size")),
        .key = { to, strlen(to) },
        .acl = { acl, strlen(acl) } };
    struct bring_result result = { .streamed = false };
    struct s3_error error;
    enum s3_status status;

    s3_error_clear(&error);
    if (layout_data(&job->vault->layout, text_of(line, "source"), (struct state_text){ key, strlen(key) }, &path, &kind,
                NULL) != STATE_OK)
        exit(1);
    status = bring_do(job, conn, &object, &result, &error);
    print(line, status, &result, &error);
}

int main(int argc, char **argv)
{
    struct program program = { 0 };
    struct vault vault;
    struct access *access = NULL;
    struct s3_conn *conn = NULL;
    json_t *head, *line;

    if (argc != 2)
        return 1;
    event_start(false);
    clock_catch_signals(5000);
    program.config_option = argv[1];
    check(program_init(&program, &failure));
    check(program_load_config(&program, &failure));
    check(vault_open(&program, &(const struct access_options){ .session_name = "vaultferry-test" }, &vault, &failure));
    check(program_connect(&program, &conn, &failure));
    head = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL); /* the first line: the job */
    {
        const struct config_access there = { .region = "us-east-1",
            .endpoint = given(head, "endpoint"),
            .profile = given(head, "profile"),
            .path_style = true };
        struct bring_job job = { .vault = &vault,
            .from = vault.client,
            .bucket = given(head, "bucket"),
            .expected_owner = given(head, "owner"),
            .class_ = given(head, "class"),
            .copy_source_prefix = given(head, "copy_source_prefix"),
            .one_endpoint = json_is_true(json_object_get(head, "one_endpoint")),
            .website = json_is_true(json_object_get(head, "website")),
            .parts_above = UINT64_C(5) << 30 };
        if (json_is_integer(json_object_get(head, "parts_above")))
            job.parts_above = (uint64_t)json_integer_value(json_object_get(head, "parts_above"));
        check(access_open(&program, &(const struct access_options){ .config = &there }, &access, &failure));
        job.to = access_client(access);
        while ((line = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
            do_line(&job, conn, line);
            json_decref(line);
        }
    }
    json_decref(head);
    s3_conn_free(conn);
    access_close(access);
    vault_close(&vault);
    program_free(&program);
    return 0;
}
