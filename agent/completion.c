/* See completion.h. */
#include "agent/completion.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char globals[] = "-c --config --state-dir --json -v --verbose -q --quiet --help --version";

static size_t copy_word(const char *from, size_t length, char *out, size_t size)
{
    if (length >= size)
        length = size - 1;
    memcpy(out, from, length);
    out[length] = '\0';
    return length;
}

/* "skip|overwrite|fail" are choices; "s3://B/P|DIR" and "26h" are only examples. */
static bool are_choices(const char *value, size_t length)
{
    bool several = false;

    for (size_t i = 0; i < length; i++) {
        if (value[i] == '|')
            several = true;
        else if (value[i] < 'a' || value[i] > 'z')
            return false;
    }
    return several;
}

bool completion_next_option(const char **at, struct completion_option *option)
{
    const char *name = strstr(*at, "--"), *value;
    size_t length;

    while (name != NULL && !isalpha((unsigned char)name[2])) /* "-- COMMAND" */
        name = strstr(name + 2, "--");
    if (name == NULL)
        return false;
    length = 2 + strspn(name + 2, "abcdefghijklmnopqrstuvwxyz-");
    (void)copy_word(name, length, option->name, sizeof option->name);
    value = name + length;
    option->choices[0] = '\0';
    option->takes_value = value[0] == ' ' && value[1] != '|' && value[1] != '-' && value[1] != '[';
    *at = value;
    if (!option->takes_value)
        return true;
    value++;
    length = strcspn(value, " ]");
    *at = value + length;
    if (are_choices(value, length)) {
        (void)copy_word(value, length, option->choices, sizeof option->choices);
        for (char *bar = option->choices; (bar = strchr(bar, '|')) != NULL;)
            *bar = ' ';
    }
    return true;
}

/* What may follow a command where it is a choice of words, "check | schema"; "" where it is not. */
static void arguments_of(const struct completion_command *command, char out[COMPLETION_CHOICES])
{
    size_t used = 0;

    out[0] = '\0';
    if (command->arguments != NULL) {
        (void)copy_word(command->arguments, strlen(command->arguments), out, COMPLETION_CHOICES);
        return;
    }
    if (strchr(command->usage, '|') == NULL || !islower((unsigned char)command->usage[0]))
        return;
    for (const char *at = command->usage; *at != '\0' && used + 1 < COMPLETION_CHOICES; at++)
        if (*at == ' ' && (used == 0 || out[used - 1] != ' '))
            out[used++] = ' ';
        else if (islower((unsigned char)*at))
            out[used++] = *at;
    out[used] = '\0';
}

static void print_names(const struct completion_command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)printf("%s%s", i > 0 ? " " : "", commands[i].name);
}

/* A branch of the case over commands: its options, and those of its values that are choices. */
static void print_branch(const struct completion_command *command, const char *indent)
{
    struct completion_option option;
    char arguments[COMPLETION_CHOICES];
    const char *at = command->usage;

    arguments_of(command, arguments);
    (void)printf("%s%s)\n%s    words=\"%s", indent, command->name, indent, arguments);
    while (completion_next_option(&at, &option))
        (void)printf(" %s", option.name);
    (void)printf("\"\n%s    case $before in\n", indent);
    at = command->usage;
    while (completion_next_option(&at, &option))
        if (option.takes_value)
            (void)printf("%s    %s) words=\"%s\" value=1 ;;\n", indent, option.name, option.choices);
    (void)printf("%s    esac\n%s    ;;\n", indent, indent);
}

/* Bash and zsh differ in how they tell the line ("line": the words before the one that is completed, "before": the last
   of them) and in how they are told what may stand there. */
static void print_script(const struct completion_command *commands, size_t count, const char *head, const char *answer)
{
    (void)fputs(head, stdout);
    (void)fputs("    local command= words= value= skip= one\n"
                "    for one in \"${line[@]}\"; do\n"
                "        if [ -n \"$skip\" ]; then skip=; continue; fi\n"
                "        case $one in\n"
                "        -c | --config | --state-dir) skip=1 ;;\n"
                "        -*) ;;\n"
                "        *) command=$one; break ;;\n"
                "        esac\n"
                "    done\n"
                "    case $command in\n"
                "    '')\n",
            stdout);
    (void)printf("        words=\"%s ", globals);
    print_names(commands, count);
    (void)fputs("\"\n"
                "        case $before in -c | --config | --state-dir) words= value=1 ;; esac\n"
                "        ;;\n",
            stdout);
    for (size_t i = 0; i < count; i++)
        print_branch(&commands[i], "    ");
    (void)fputs("    esac\n", stdout);
    (void)fputs(answer, stdout);
}

static const char bash_head[] = "# vaultferry completion for bash: source <(vaultferry completion bash)\n"
                                "_vaultferry() {\n"
                                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                                "    local -a line=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\n";

static const char bash_answer[] = "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                                  "    if [ -n \"$value\" ] && [ -z \"$words\" ]; then\n"
                                  "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                                  "    fi\n"
                                  "}\n"
                                  "complete -F _vaultferry vaultferry\n";

static const char zsh_head[] = "#compdef vaultferry\n"
                               "# vaultferry completion for zsh: a file _vaultferry in a folder of $fpath\n"
                               "_vaultferry() {\n"
                               "    local before=${words[CURRENT-1]}\n"
                               "    local -a line=(\"${(@)words[2,CURRENT-1]}\")\n";

static const char zsh_answer[] = "    if [ -n \"$value\" ] && [ -z \"$words\" ]; then\n"
                                 "        _files\n"
                                 "    else\n"
                                 "        compadd -- ${=words}\n"
                                 "    fi\n"
                                 "}\n"
                                 "if [ \"$funcstack[1]\" = _vaultferry ]; then\n"
                                 "    _vaultferry \"$@\"\n"
                                 "else\n"
                                 "    compdef _vaultferry vaultferry\n"
                                 "fi\n";

/* In single quotes, as fish wants them. */
static void print_quoted(const char *text)
{
    (void)putchar('\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            (void)putchar('\\');
        (void)putchar(*text);
    }
    (void)putchar('\'');
}

static void print_fish(const struct completion_command *commands, size_t count)
{
    (void)fputs("# vaultferry completion for fish: vaultferry completion fish | source\n"
                "complete -c vaultferry -f\n"
                "complete -c vaultferry -n __fish_use_subcommand -s c -l config -r -F\n"
                "complete -c vaultferry -n __fish_use_subcommand -l state-dir -r -F\n"
                "complete -c vaultferry -n __fish_use_subcommand -l json\n"
                "complete -c vaultferry -n __fish_use_subcommand -s v -l verbose\n"
                "complete -c vaultferry -n __fish_use_subcommand -s q -l quiet\n",
            stdout);
    for (size_t i = 0; i < count; i++) {
        const char *at = commands[i].usage;
        struct completion_option option;
        char arguments[COMPLETION_CHOICES];
        (void)printf("complete -c vaultferry -n __fish_use_subcommand -a %s -d ", commands[i].name);
        print_quoted(commands[i].what);
        (void)putchar('\n');
        arguments_of(&commands[i], arguments);
        if (arguments[0] != '\0')
            (void)printf("complete -c vaultferry -n '__fish_seen_subcommand_from %s' -a '%s'\n", commands[i].name,
                    arguments);
        while (completion_next_option(&at, &option)) {
            (void)printf("complete -c vaultferry -n '__fish_seen_subcommand_from %s' -l %s%s", commands[i].name,
                    option.name + 2, option.takes_value ? " -r" : "");
            if (option.choices[0] != '\0')
                (void)printf(" -a '%s'", option.choices);
            else if (option.takes_value)
                (void)fputs(" -F", stdout);
            (void)putchar('\n');
        }
    }
}

bool completion_print(const char *shell, const struct completion_command *commands, size_t count)
{
    if (strcmp(shell, "bash") == 0)
        print_script(commands, count, bash_head, bash_answer);
    else if (strcmp(shell, "zsh") == 0)
        print_script(commands, count, zsh_head, zsh_answer);
    else if (strcmp(shell, "fish") == 0)
        print_fish(commands, count);
    else
        return false;
    return true;
}
