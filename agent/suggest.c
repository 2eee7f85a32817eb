/* See suggest.h. */
#include "agent/suggest.h"

#include <string.h>

enum { WORD_MAX = 64 }; /* longer words are not compared: nobody mistypes them by a letter and needs help */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: three rows are enough. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *previous = rows[1], *current = rows[2];

    for (size_t j = 0; j <= b_len; j++)
        previous[j] = before[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        current[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            size_t best = previous[j - 1] + (x != y);

            best = least(best, least(previous[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
                best = least(best, before[j - 2] + 1);
            current[j] = best;
        }
        size_t *spare = before;
        before = previous;
        previous = current;
        current = spare;
    }
    return previous[b_len];
}

void suggest_init(struct suggest *suggest, const char *word)
{
    *suggest = (struct suggest){ .word = word };
}

void suggest_offer(struct suggest *suggest, const char *name)
{
    size_t word_len = strlen(suggest->word), name_len = strlen(name), found;

    if (word_len > WORD_MAX || name_len > WORD_MAX)
        return;
    found = distance(suggest->word, word_len, name, name_len);
    /* a third of the letters wrong is still a typing mistake, more is another word */
    if (found > (word_len + 2) / 3)
        return;
    if (suggest->best == NULL || found < suggest->distance) {
        suggest->best = name;
        suggest->distance = found;
    }
}
