/* See put_command.h. */
#include "agent/put_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/clock.h"

enum { NAP_MS = 20, PATIENCE_MS = 5000 /* between SIGTERM and SIGKILL */ };

static void nap(void)
{
    const struct timespec span = { .tv_nsec = NAP_MS * 1000000L };

    (void)nanosleep(&span, NULL);
}

/* SIGPIPE and SIGXFSZ are ignored here, which a command would inherit: one that writes into a closed pipe has to end.
 */
static int spawn(char *const *words, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t back;
    int code = posix_spawn_file_actions_init(&actions);

    if (code != 0)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (code != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    (void)sigemptyset(&back);
    (void)sigaddset(&back, SIGPIPE);
    (void)sigaddset(&back, SIGXFSZ);
    code = posix_spawnattr_setsigdefault(&attributes, &back);
    if (code == 0)
        code = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (code == 0) /* locks and connections are not for it */
        code = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (code == 0)
        code = posix_spawnp(pid, words[0], &actions, &attributes, words, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return code;
}

enum verdict put_command_start(char *const *words, struct put_command *command, struct failure *failure)
{
    int ends[2], code;

    *command = (struct put_command){ .name = words[0], .output = -1 };
    if (pipe2(ends, O_CLOEXEC) != 0)
        return failure_set(failure, VERDICT_INTERNAL, "no pipe for command \"%s\" (error %d)", words[0], errno);
    code = spawn(words, ends[1], &command->pid);
    (void)close(ends[1]);
    if (code == 0) {
        command->output = ends[0];
        return VERDICT_OK;
    }
    command->pid = 0;
    (void)close(ends[0]);
    if (code == ENOENT)
        return failure_set(failure, VERDICT_USAGE, "command \"%s\" was not found", words[0]);
    if (code == EACCES)
        return failure_set(failure, VERDICT_USAGE, "command \"%s\" may not be executed", words[0]);
    return failure_set(failure, VERDICT_USAGE, "command \"%s\" could not be started (error %d)", words[0], code);
}

/* Whether it has ended: then *how is its status. */
static bool has_ended(struct put_command *command, int *how)
{
    pid_t got;

    do {
        got = waitpid(command->pid, how, WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    command->pid = 0;
    if (got < 0)
        *how = -1;
    return true;
}

enum verdict put_command_wait(struct put_command *command, struct failure *failure)
{
    int how = 0;

    while (!has_ended(command, &how)) {
        if (clock_stop_asked())
            return failure_set(failure, VERDICT_CANCELLED, "stopped while command \"%s\" was running", command->name);
        nap();
    }
    if (how != -1 && WIFEXITED(how) && WEXITSTATUS(how) == 0)
        return VERDICT_OK;
    if (how != -1 && WIFSIGNALED(how))
        return failure_set(failure, VERDICT_BAD_DATA,
                "command \"%s\" was killed by signal %d: what it wrote is not kept", command->name, WTERMSIG(how));
    return failure_set(failure, VERDICT_BAD_DATA, "command \"%s\" ended with exit code %d: what it wrote is not kept",
            command->name, how != -1 ? WEXITSTATUS(how) : -1);
}

void put_command_end(struct put_command *command)
{
    int64_t until = clock_monotonic_ms() + PATIENCE_MS;
    bool forced = false;
    int how;

    if (command->output >= 0)
        (void)close(command->output);
    command->output = -1;
    if (command->pid == 0)
        return;
    (void)kill(command->pid, SIGTERM);
    while (!has_ended(command, &how)) {
        if (!forced && clock_monotonic_ms() > until) {
            (void)kill(command->pid, SIGKILL);
            forced = true;
        }
        nap();
    }
}
