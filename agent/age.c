/* See age.h. */
#include "agent/age.h"

bool age_parse(const char *text, int64_t *seconds)
{
    const int64_t most = INT64_C(100) * 366 * 86400;
    int64_t number = 0, unit;

    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (*text - '0');
        if (number > most)
            return false;
    }
    switch (*text) {
    case 's':
        unit = 1;
        break;
    case 'm':
        unit = 60;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'd':
        unit = 86400;
        break;
    case 'w':
        unit = 7 * 86400;
        break;
    default:
        return false;
    }
    if (text[1] != '\0' || number == 0 || number > most / unit)
        return false;
    *seconds = number * unit;
    return true;
}
