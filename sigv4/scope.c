#include "sigv4/scope.h"

#include <string.h>

#include "sigv4/writer.h"

static const int64_t SECONDS_A_DAY = 86400;
static const int64_t END_OF_9999 = 253402300800; /* 10000-01-01: a year has four digits here */

static void put_number(char *out, int digits, unsigned value)
{
    while (digits-- > 0) {
        out[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

/* The Gregorian calendar from a count of days, in eras of 400 years that begin on March 1 so that leap days come last.
 */
static void put_day(char out[8], int64_t days_since_1970)
{
    unsigned days = (unsigned)(days_since_1970 + 719468); /* since March 1 of the year 0 */
    unsigned era = days / 146097, day_of_era = days % 146097;
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month_from_march = (5 * day_of_year + 2) / 153;
    unsigned day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    put_number(out, 4, era * 400 + year_of_era + (month <= 2));
    put_number(out + 4, 2, month);
    put_number(out + 6, 2, day);
}

static void put_date(char out[17], int64_t now)
{
    unsigned second = (unsigned)(now % SECONDS_A_DAY);
    put_day(out, now / SECONDS_A_DAY);
    out[8] = 'T';
    put_number(out + 9, 2, second / 3600);
    put_number(out + 11, 2, second / 60 % 60);
    put_number(out + 13, 2, second % 60);
    out[15] = 'Z';
    out[16] = '\0';
}

static enum sigv4_status check_name(const char *name)
{
    size_t length = 0;
    for (; name[length]; length++) {
        unsigned char c = (unsigned char)name[length];
        if (c <= ' ' || c >= 0x7f || c == '/' || c == ',')
            return SIGV4_BAD_INPUT;
        if (length == SIGV4_MAX_SCOPE_NAME)
            return SIGV4_TOO_LONG;
    }
    return length > 0 ? SIGV4_OK : SIGV4_BAD_INPUT;
}

enum sigv4_status sigv4_scope_write(const struct sigv4_scope *scope, struct sigv4_scope_text *out)
{
    enum sigv4_status status = check_name(scope->region);
    if (status == SIGV4_OK)
        status = check_name(scope->service);
    if (status == SIGV4_OK && (scope->now < 0 || scope->now >= END_OF_9999))
        status = SIGV4_BAD_INPUT;
    if (status != SIGV4_OK)
        return status;

    struct sigv4_writer writer;
    put_date(out->date, scope->now);
    sigv4_writer_init(&writer, out->text, sizeof out->text);
    sigv4_writer_add(&writer, out->date, 8);
    sigv4_writer_add(&writer, "/", 1);
    sigv4_writer_text(&writer, scope->region);
    sigv4_writer_add(&writer, "/", 1);
    sigv4_writer_text(&writer, scope->service);
    sigv4_writer_text(&writer, "/aws4_request");
    out->len = writer.used;
    return sigv4_writer_end(&writer) ? SIGV4_OK : SIGV4_TOO_LONG;
}
