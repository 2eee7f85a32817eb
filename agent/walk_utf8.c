#include "agent/walk_utf8.h"

static bool continues(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t walk_utf8_floor(const unsigned char *bytes, size_t len, size_t at)
{
    if (at >= len)
        return len;
    while (at > 0 && continues(bytes[at]))
        at--;
    return at;
}

unsigned walk_utf8_follow(unsigned char first)
{
    if (first >= 0xC2 && first <= 0xDF)
        return 1;
    if (first >= 0xE0 && first <= 0xEF)
        return 2;
    return first >= 0xF0 && first <= 0xF4 ? 3 : 0;
}

void walk_utf8_second(unsigned char first, unsigned char *low, unsigned char *high)
{
    *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
}
