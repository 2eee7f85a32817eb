/*
 * Reads lines "SECONDS ZONE EXPRESSION" and prints for each "NEXT LATEST" in seconds, "-" where there is none, or
 * "error: " and what is wrong with the expression.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/schedule.h"

static void print(bool found, int64_t at_s)
{
    if (found)
        (void)printf("%lld", (long long)at_s);
    else
        (void)printf("-");
}

int main(void)
{
    char line[512];

    while (fgets(line, sizeof line, stdin) != NULL) {
        struct schedule schedule;
        long long at;
        char zone[64];
        int length = 0;
        int64_t found_s;
        bool found;
        const char *wrong;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%lld %63s %n", &at, zone, &length) != 2)
            return 2;
        wrong = schedule_parse(line + length, &schedule);
        if (wrong != NULL) {
            (void)printf("error: %s\n", wrong);
            continue;
        }
        found = schedule_next(&schedule, zone, at, &found_s);
        print(found, found_s);
        (void)printf(" ");
        found = schedule_latest(&schedule, zone, at, &found_s);
        print(found, found_s);
        (void)printf("\n");
    }
    return 0;
}
