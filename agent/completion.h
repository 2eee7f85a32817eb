/*
 * Scripts that complete the command line in bash, zsh and fish: made from the usage texts, so that they know what help
 * knows. Only words are completed, no sources or points: a completion must not ask the vault.
 *
 * For the main thread.
 */
#ifndef AGENT_COMPLETION_H
#define AGENT_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

/* A command as help shows it. */
struct completion_command {
    const char *name, *usage, *what;
    const char *arguments; /* words that may follow, parted by blanks; NULL: as the usage says */
};

enum { COMPLETION_WORD = 64, COMPLETION_CHOICES = 160 };

/* One option of a usage text. */
struct completion_option {
    char name[COMPLETION_WORD]; /* with its dashes */
    bool takes_value;
    char choices[COMPLETION_CHOICES]; /* of the value, parted by blanks; "" where any may be */
};

/* The next option at or after *at, which moves on; false at the end. Pure. */
bool completion_next_option(const char **at, struct completion_option *option);

/* Prints the script for "bash", "zsh" or "fish" on standard output. False: there is no such shell. */
bool completion_print(const char *shell, const struct completion_command *commands, size_t count);

#endif
