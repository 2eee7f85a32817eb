/*
 * The vault's lifecycle rules without a bootstrap: `agent_rules CONFIG [--dry-run]` does what bootstrap does to them,
 * with the vault's credentials of the config. Prints one JSON line; exit 0, or what the failure asks for.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/event.h"
#include "agent/rules.h"

int main(int argc, char **argv)
{
    const struct access_options access = { .session_name = "vaultferry-rules" };
    struct program program = { 0 };
    struct rules_install done = { .ours = 0 };
    struct failure failure = { .what = "" };
    struct vault vault = { .access = NULL };
    struct s3_conn *conn = NULL;
    enum verdict verdict;
    json_t *told;

    if (argc < 2) {
        (void)fprintf(stderr, "agent_rules CONFIG [--dry-run]\n");
        return 1;
    }
    event_start(true);
    program.config_option = argv[1];
    verdict = program_init(&program, &failure);
    if (verdict == VERDICT_OK)
        verdict = program_load_config(&program, &failure);
    if (verdict == VERDICT_OK)
        verdict = vault_open(&program, &access, &vault, &failure);
    if (verdict == VERDICT_OK)
        verdict = program_connect(&program, &conn, &failure);
    if (verdict == VERDICT_OK)
        verdict = rules_install(&program, &vault, conn, argc > 2 && strcmp(argv[2], "--dry-run") == 0, &done, &failure);
    told = json_pack("{sb sb sI sI ss ss}", "differs", done.differs, "sizes_dropped", done.sizes_dropped, "ours",
            (json_int_t)done.ours, "foreign", (json_int_t)done.foreign, "detail", done.detail, "failure", failure.what);
    (void)json_dumpf(told, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(told);
    s3_conn_free(conn);
    vault_close(&vault);
    program_free(&program);
    return (int)verdict_exit(verdict);
}
