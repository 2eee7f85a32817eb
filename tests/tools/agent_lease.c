/*
 * One contender for a lease: `agent_lease CONFIG SOURCE OWNER HOLD_MS [SPEED]` takes the lease of SOURCE in the
 * config's vault, holds it for HOLD_MS or until SIGTERM, releases it, and prints a JSON line for each thing that
 * happens. With SPEED the monotonic clock, by which leases are renewed and lost, runs so many times faster. HOLD_MS -1
 * leaves without releasing, as a run that was killed.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/lease.h"

static int64_t speed = 1;

static int64_t fast_ms(void *ctx)
{
    (void)ctx;
    return clock_monotonic_ms() * speed;
}

static void say(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    (void)printf("%s\n", text);
    (void)fflush(stdout);
    free(text);
    json_decref(line);
}

static void hold(struct lease *lease, int64_t hold_ms)
{
    int64_t until = clock_monotonic_ms() + hold_ms;

    while (clock_monotonic_ms() < until && !clock_stop_asked() && lease_is_held(lease))
        (void)clock_real()->sleep_ms(clock_real()->ctx, 20);
}

static enum verdict contend(const struct program *program, char **arguments, struct failure *failure)
{
    int64_t hold_ms = strtoll(arguments[4], NULL, 10);
    struct access_options access = { .session_name = "vaultferry-test" };
    struct vault vault;
    struct lease_options options = {
        .program = program, .vault = &vault, .source = arguments[2], .owner = arguments[3]
    };
    struct s3_conn *conn = NULL;
    struct lease_keeper *keeper = NULL;
    struct lease *lease = NULL;

    while (getchar() != EOF)
        ;
    if (vault_open(program, &access, &vault, failure) != VERDICT_OK)
        return failure->verdict;
    if (program_connect(program, &conn, failure) != VERDICT_OK ||
            lease_keeper_start(program, &keeper, failure) != VERDICT_OK ||
            lease_take(&options, conn, &lease, failure) != VERDICT_OK)
        goto out;
    say(json_pack("{ss sI sb}", "event", "taken", "number", (json_int_t)lease_number(lease), "followed_dead",
            (int)lease_followed_dead(lease)));
    if (hold_ms < 0) {
        (void)fflush(NULL);
        _Exit(0);
    }
    lease_keeper_add(keeper, lease);
    hold(lease, hold_ms);
    lease_keeper_remove(keeper, lease);
    say(json_pack("{ss}", "event", lease_is_held(lease) ? "released" : "lost"));
    lease_release(lease, conn);
    failure->verdict = VERDICT_OK;
out:
    lease_keeper_stop(keeper);
    s3_conn_free(conn);
    vault_close(&vault);
    return failure->verdict;
}

int main(int argc, char **argv)
{
    struct program program = { 0 };
    struct s3_clock clock;
    struct failure failure = { .verdict = VERDICT_OK };

    if (argc != 5 && argc != 6)
        return EXIT_USAGE;
    if (argc == 6)
        speed = strtoll(argv[5], NULL, 10);
    clock_catch_signals(5000);
    event_start(false);
    program.config_option = argv[1];
    if (program_init(&program, &failure) != VERDICT_OK || program_load_config(&program, &failure) != VERDICT_OK)
        goto out;
    clock = *program.clock;
    clock.monotonic_ms = fast_ms;
    program.clock = &clock;
    (void)contend(&program, argv, &failure);
    program.clock = clock_real();
out:
    if (failure.verdict != VERDICT_OK)
        say(json_pack("{ss si ss}", "event", "failed", "verdict", (int)failure.verdict, "what", failure.what));
    program_free(&program);
    return (int)verdict_exit(failure.verdict);
}
