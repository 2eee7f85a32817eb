/* What --at says; see get.h. */
#include "agent/get.h"

#include <string.h>

#include "agent/age.h"

bool get_when_parse(const char *text, struct get_when *when)
{
    int64_t seconds;

    memset(when, 0, sizeof *when);
    if (text == NULL || strcmp(text, "latest") == 0) {
        when->kind = GET_LATEST;
        return true;
    }
    if (state_utc_from_point(text, strlen(text), &seconds)) {
        when->kind = GET_POINT;
        memcpy(when->point, text, STATE_POINT_SIZE);
        return true;
    }
    if (state_utc_parse(text, strlen(text), &when->value)) {
        when->kind = GET_TIME;
        return true;
    }
    when->kind = GET_AGE;
    return age_parse(text, &when->value);
}

int64_t get_when_ms(const struct get_when *when, int64_t now_ms)
{
    switch (when->kind) {
    case GET_TIME:
        return when->value;
    case GET_AGE:
        return now_ms - when->value * 1000;
    case GET_LATEST:
    case GET_POINT:
        break;
    }
    return INT64_MAX;
}
