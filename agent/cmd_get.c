/*
 * get: one object to standard output, as it was at a time. Standard output is the object's alone; where it fails before
 * the first byte, --json puts the error's document there.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/event.h"
#include "agent/get.h"
#include "agent/vault_sources.h"

enum { GRACE_MS = 5 * 1000 };

struct words {
    const char *source, *key, *at;
};

static enum exit_code misused(const struct program *program, const char *what, const char *word)
{
    return command_misused(program, "get", "%s%s%s", what, word[0] != '\0' ? ": " : "", word);
}

static enum exit_code take_words(const struct program *program, int argc, char **argv, struct words *words)
{
    static const struct option options[] = { { "source", required_argument, NULL, 's' },
        { "at", required_argument, NULL, 'a' }, { NULL, 0, NULL, 0 } };
    int option;

    memset(words, 0, sizeof *words);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        const char **into = option == 's' ? &words->source : option == 'a' ? &words->at : NULL;
        if (into == NULL || *into != NULL)
            return misused(program, "an option is unknown, lacks its value, or is given too often", argv[optind - 1]);
        *into = optarg;
    }
    if (optind < argc)
        words->key = argv[optind++];
    if (optind < argc)
        return misused(program, "one word too many", argv[optind]);
    if (words->source == NULL || words->key == NULL)
        return misused(program, words->source == NULL ? "--source is missing" : "the key is missing", "");
    return EXIT_DONE;
}

static enum verdict send_object(const struct program *program, const struct words *words, const struct get_when *when,
        uint64_t *written, bool *doubtful, struct failure *failure)
{
    const struct access_options access = { .session_name = "vaultferry-get" };
    struct option_list wanted = { .items = { words->source }, .count = 1 };
    struct vault vault = { .access = NULL };
    struct vault_sources sources = { .count = 0 };
    struct get_place place = { .vault = &vault, .key = { words->key, strlen(words->key) } };
    struct get_found found;
    enum verdict verdict = vault_open(program, &access, &vault, failure);

    if (verdict == VERDICT_OK)
        verdict = program_connect(program, &place.conn, failure);
    if (verdict == VERDICT_OK)
        verdict = vault_sources_find(program, &vault, place.conn, &wanted, &sources, failure);
    if (verdict == VERDICT_OK) {
        place.source = vault_sources_folder(&sources, words->source);
        verdict = get_find(&place, when, &found, failure);
    }
    if (verdict == VERDICT_OK) {
        *doubtful = found.doubtful;
        verdict = get_send(&place, &found, STDOUT_FILENO, written, failure);
    }
    vault_sources_free(&sources);
    s3_conn_free(place.conn);
    vault_close(&vault);
    return verdict;
}

enum exit_code cmd_get(struct program *program, int argc, char **argv)
{
    struct words words;
    struct get_when when;
    struct failure failure;
    uint64_t written = 0;
    bool doubtful = false;
    enum verdict verdict;
    enum exit_code code = take_words(program, argc, argv, &words);

    if (code != EXIT_DONE)
        return code;
    if (!get_when_parse(words.at, &when))
        return misused(program, "--at takes a point's id, a time such as 2026-11-20T03:00:00Z, or an age such as 2h",
                words.at);
    clock_catch_signals(GRACE_MS);
    verdict = send_object(program, &words, &when, &written, &doubtful, &failure);
    if (verdict == VERDICT_OK)
        return doubtful ? EXIT_PARTIAL : EXIT_DONE;
    code = verdict == VERDICT_CANCELLED                                            ? EXIT_LEFT
           : written > 0 || verdict == VERDICT_FULL || verdict == VERDICT_BAD_DATA ? EXIT_PARTIAL
                                                                                   : verdict_exit(verdict);
    if (written == 0)
        return command_fail(program, "get", code, &failure);
    event_end_progress();
    (void)fprintf(stderr, "vaultferry: %s\n", failure.what);
    return code;
}
