/* See verify_choice.h. */
#include "agent/verify_choice.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX UINT64_C(1000000)
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static bool read_number(const char **text, uint64_t *number)
{
    char *end;

    if (**text < '0' || **text > '9' || strlen(*text) > 20)
        return false;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return *number <= PARTS_MAX;
}

bool verify_choice_subset(const char *text, struct verify_choice *choice)
{
    uint64_t part, parts;

    if (!read_number(&text, &part) || *text++ != '/' || !read_number(&text, &parts) || *text != '\0')
        return false;
    *choice = (struct verify_choice){ .kind = VERIFY_SUBSET, .part = part - 1, .parts = parts };
    return part >= 1 && part <= parts;
}

bool verify_choice_sample(const char *text, int64_t now_ms, struct verify_choice *choice)
{
    uint64_t millionths, digits = 0;

    if (!read_number(&text, &millionths) || millionths > 100)
        return false;
    millionths *= 10000;
    if (*text == '.' && (text[1] < '0' || text[1] > '9'))
        return false;
    if (*text == '.')
        for (uint64_t worth = 1000; *++text >= '0' && *text <= '9'; worth /= 10)
            digits += (uint64_t)(*text - '0') * worth; /* beyond a millionth: nothing */
    millionths += digits;
    if (text[0] != '%' || text[1] != '\0' || millionths == 0 || millionths > 1000000)
        return false;
    *choice = (struct verify_choice){ .kind = millionths == 1000000 ? VERIFY_ALL : VERIFY_SAMPLE,
        .below = UINT64_MAX / 1000000 * millionths,
        .seed = (uint64_t)(now_ms / DAY_MS) };
    return true;
}

/* FNV-1a, and murmur's finish, since the last bytes of keys are often all that differs. */
static uint64_t hash_of(uint64_t seed, struct state_text key)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ seed * UINT64_C(11400714819323198485);

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * UINT64_C(1099511628211);
    hash = (hash ^ hash >> 33) * UINT64_C(18397679294719823053);
    hash = (hash ^ hash >> 33) * UINT64_C(14181476777654086739);
    return hash ^ hash >> 33;
}

bool verify_choice_has(const struct verify_choice *choice, struct state_text key)
{
    switch (choice->kind) {
    case VERIFY_SUBSET:
        return hash_of(0, key) % choice->parts == choice->part;
    case VERIFY_SAMPLE:
        return hash_of(choice->seed, key) < choice->below;
    case VERIFY_ALL:
        break;
    }
    return true;
}
