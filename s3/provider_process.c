/* See provider_process.h. */
#include "s3/provider_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "s3/provider.h"
#include "s3/provider_json.h"

enum {
    ORIGIN_MAX = 320,
    WORDS_MAX = 64,
    OUTPUT_MAX = 64 * 1024,
    SLICE_MS = 200,          /* how late a stop is noticed */
    NAP_MS = 5,              /* a command ends right after its output, if it ends */
    PATIENCE_MS = 60 * 1000, /* a command that asks somebody something would wait for ever */
};

extern char **environ;

struct process {
    const struct s3_clock *clock;
    char origin[ORIGIN_MAX];
    char *text;                 /* the words, each terminated */
    char *words[WORDS_MAX + 1]; /* into text */
};

static void free_process(void *ctx)
{
    struct process *process = ctx;

    free(process->text);
    free(process);
}

/* Cuts the command into words in its place. False: an open quote, no word, or too many. */
static bool split(struct process *process)
{
    char *in = process->text, *out = in;
    size_t count = 0;

    for (;;) {
        char quote = '\0';
        while (*in == ' ' || *in == '\t')
            in++;
        if (*in == '\0')
            break;
        if (count == WORDS_MAX)
            return false;
        process->words[count++] = out;
        for (; *in != '\0' && (quote != '\0' || (*in != ' ' && *in != '\t')); in++) {
            if (quote == '\0' && (*in == '\'' || *in == '"'))
                quote = *in;
            else if (*in == quote)
                quote = '\0';
            else if (*in == '\\' && quote != '\'' && in[1] != '\0' && (quote == '\0' || in[1] == '"' || in[1] == '\\'))
                *out++ = *++in;
            else
                *out++ = *in;
        }
        if (quote != '\0')
            return false;
        if (*in != '\0')
            in++;
        *out++ = '\0';
    }
    process->words[count] = NULL;
    return count > 0;
}

/* The command gets the signals that the program itself ignores or catches as they are by default. */
static bool start(const struct process *process, int output, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    bool done;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)sigaddset(&defaults, SIGXFSZ);
    done = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) == 0 &&
           posix_spawnattr_setsigdefault(&attributes, &defaults) == 0 &&
           posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF) == 0 &&
           (errno = posix_spawnp(child, process->words[0], &actions, &attributes, process->words, environ)) == 0;
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return done;
}

static bool is_stopped(const struct process *process)
{
    return process->clock->stopped != NULL && process->clock->stopped(process->clock->ctx);
}

/* Whether there is any use in waiting for it. */
static enum s3_status look_up(const struct process *process, int64_t until, struct s3_error *error)
{
    if (is_stopped(process))
        return s3_fail(error, S3_CANCELLED, "Cancelled", "stopped");
    if (process->clock->monotonic_ms(process->clock->ctx) > until)
        return s3_fail(error, S3_FATAL, "CredentialProcess", "%s: the command did not end within %d s", process->origin,
                PATIENCE_MS / 1000);
    return S3_OK;
}

/* All that it prints. */
static enum s3_status read_output(const struct process *process, int from, int64_t until, char out[OUTPUT_MAX],
        size_t *used, struct s3_error *error)
{
    struct pollfd poller = { .fd = from, .events = POLLIN };

    for (*used = 0;;) {
        ssize_t got;
        enum s3_status status = look_up(process, until, error);
        if (status != S3_OK)
            return status;
        if (poll(&poller, 1, SLICE_MS) <= 0)
            continue;
        if (*used == OUTPUT_MAX)
            return s3_fail(error, S3_FATAL, "CredentialProcess", "%s: the command printed more than %d KiB",
                    process->origin, OUTPUT_MAX / 1024);
        got = read(from, out + *used, OUTPUT_MAX - *used);
        if (got == 0)
            return S3_OK;
        if (got < 0 && errno != EINTR)
            return s3_fail(
                    error, S3_FATAL, "CredentialProcess", "%s: the command's output cannot be read", process->origin);
        *used += got > 0 ? (size_t)got : 0;
    }
}

/* It has closed its output, which need not be its end, or is given up. */
static enum s3_status end(
        const struct process *process, pid_t child, int64_t until, enum s3_status status, struct s3_error *error)
{
    int result = 0;
    pid_t ended;

    while ((ended = waitpid(child, &result, status == S3_OK ? WNOHANG : 0)) == 0 || (ended < 0 && errno == EINTR)) {
        if (status == S3_OK && (status = look_up(process, until, error)) == S3_OK)
            (void)poll(NULL, 0, NAP_MS);
        if (status != S3_OK)
            (void)kill(child, SIGKILL);
    }
    if (status != S3_OK || (WIFEXITED(result) && WEXITSTATUS(result) == 0))
        return status;
    return s3_fail(error, S3_FATAL, "CredentialProcess", "%s: the command ended with %s %d", process->origin,
            WIFSIGNALED(result) ? "signal" : "status", WIFSIGNALED(result) ? WTERMSIG(result) : WEXITSTATUS(result));
}

static enum s3_status fetch(
        void *ctx, struct s3_conn *conn, struct s3_credentials **credentials, struct s3_error *error)
{
    const struct process *process = ctx;
    char *output = malloc(OUTPUT_MAX), reason[128];
    size_t used = 0;
    int ends[2];
    pid_t child;
    enum s3_status status;

    (void)conn;
    if (output == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (pipe2(ends, O_CLOEXEC) != 0) {
        free(output);
        return s3_fail(error, S3_FATAL, "CredentialProcess", "%s: no pipe can be made", process->origin);
    }
    if (start(process, ends[1], &child)) {
        int64_t until = process->clock->monotonic_ms(process->clock->ctx) + PATIENCE_MS;
        (void)close(ends[1]);
        status = read_output(process, ends[0], until, output, &used, error);
        if (status != S3_OK)
            (void)kill(child, SIGKILL);
        status = end(process, child, until, status, error);
        if (status == S3_OK)
            status = provider_json_parse_process(output, used, process->origin, credentials, error);
    } else {
        status = s3_fail(error, S3_FATAL, "CredentialProcess", "%s: \"%.200s\" cannot be run: %s", process->origin,
                process->words[0], strerror_r(errno, reason, sizeof reason));
        (void)close(ends[1]);
    }
    (void)close(ends[0]);
    s3_wipe(output, used);
    free(output);
    return status;
}

enum s3_status process_provider_new(const char *command, const char *origin, const struct s3_clock *clock,
        struct s3_provider **provider, struct s3_error *error)
{
    struct process *process = calloc(1, sizeof *process);

    if (process == NULL || (process->text = strdup(command)) == NULL) {
        free(process);
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    }
    process->clock = clock;
    (void)snprintf(process->origin, sizeof process->origin, "%s", origin);
    if (!split(process)) {
        free_process(process);
        return s3_fail(error, S3_FATAL, "CredentialProcess",
                "%s: the command has no word, more than %d, or a quote that stays open", origin, WORDS_MAX);
    }
    return provider_new(
            &(struct provider_source){ .fetch = fetch, .free = free_process, .ctx = process }, clock, provider, error);
}
