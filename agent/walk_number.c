#include "agent/walk_number.h"

#include <string.h>

#include "agent/walk_utf8.h"
#include "state/utf8.h"

/* The classes by which an alphabet is closed. Letters up to f are their own, for the sake of hexadecimal. The first
 * bytes of longer code points are closed as well: a listing begins with the lowest, and others will follow. */
enum { DIGIT, HEX_LOWER, LOWER, HEX_UPPER, UPPER, TWO_BYTES, THREE_BYTES, CONTINUATION, CLASSES };

static const struct {
    size_t word; /* each lies in one word of a set */
    uint64_t bits;
} class_bytes[CLASSES] = {
    [DIGIT] = { 0, 0x03FF000000000000U },       /* 0 to 9 */
    [HEX_LOWER] = { 1, 0x0000007E00000000U },   /* a to f */
    [LOWER] = { 1, 0x07FFFF8000000000U },       /* g to z */
    [HEX_UPPER] = { 1, 0x000000000000007EU },   /* A to F */
    [UPPER] = { 1, 0x0000000007FFFF80U },       /* G to Z */
    [TWO_BYTES] = { 3, 0x00000000FFFFFFFCU },   /* 0xC2 to 0xDF */
    [THREE_BYTES] = { 3, 0x0000FFFF00000000U }, /* 0xE0 to 0xEF */
    [CONTINUATION] = { 2, UINT64_MAX },         /* 0x80 to 0xBF */
};

/* A position of which no more bytes were seen (or no more than one part in so many of what others show) has hardly been
 * seen. One with MANY may mix more than letters and digits. */
enum { FEW = 4, MANY = 40 };

#define BIT(class_) (1U << (class_))
/* The classes that people mix in one position: numbers in base 16, 36, 62. */
#define MIXABLE (BIT(DIGIT) | BIT(HEX_LOWER) | BIT(LOWER) | BIT(HEX_UPPER) | BIT(UPPER))

static bool set_has(const struct walk_set *set, unsigned char byte)
{
    return (set->bits[byte >> 6] >> (byte & 63)) & 1;
}

static void set_add(struct walk_set *set, unsigned char byte)
{
    set->bits[byte >> 6] |= (uint64_t)1 << (byte & 63);
}

static bool set_covers(const struct walk_set *set, const struct walk_set *part)
{
    uint64_t beyond = 0;
    for (size_t i = 0; i < 4; i++)
        beyond |= part->bits[i] & ~set->bits[i];
    return beyond == 0;
}

static void set_join(struct walk_set *set, const struct walk_set *more)
{
    for (size_t i = 0; i < 4; i++)
        set->bits[i] |= more->bits[i];
}

static unsigned set_size(const struct walk_set *set)
{
    int size = 0;
    for (size_t i = 0; i < 4; i++)
        size += __builtin_popcountll(set->bits[i]);
    return (unsigned)size;
}

static unsigned set_rank(const struct walk_set *set, unsigned char byte)
{
    int rank = 0;
    for (size_t i = 0; i < (size_t)(byte >> 6); i++)
        rank += __builtin_popcountll(set->bits[i]);
    uint64_t below = ((uint64_t)1 << (byte & 63)) - 1;
    return (unsigned)(rank + __builtin_popcountll(set->bits[byte >> 6] & below));
}

static unsigned char set_member(const struct walk_set *set, unsigned rank)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        if (set_has(set, (unsigned char)byte) && rank-- == 0)
            return (unsigned char)byte;
    }
    return 0;
}

static unsigned classes_of(const struct walk_set *set)
{
    unsigned classes = 0;
    for (unsigned class_ = 0; class_ < CLASSES; class_++) {
        if (set->bits[class_bytes[class_].word] & class_bytes[class_].bits)
            classes |= BIT(class_);
    }
    return classes;
}

/* Whether only code points of four bytes begin here. Of their planes few are in use, in blocks: there the second byte
 * is not closed by class. */
static bool begins_rare_planes(const struct walk_set *seen)
{
    uint64_t leads = seen->bits[3] & 0x001FFFFFFFFFFFFCU; /* 0xC2 to 0xF4 */
    return (leads >> 48) != 0 && leads << 16 == 0;
}

/* A listing begins with the lowest keys, so a position of which little was seen may have shown its digits only: it is
 * given the letters too if some other position mixes them. */
static void close_position(struct walk_alphabet *alphabet, size_t at)
{
    const struct walk_set *seen = &alphabet->seen[at];
    if (set_size(seen) == 0)
        return;
    unsigned classes = classes_of(seen);
    if (set_size(seen) <= FEW && (classes & alphabet->mixed) != 0)
        classes |= alphabet->mixed;
    if (classes & BIT(LOWER))
        classes |= BIT(HEX_LOWER);
    if (classes & BIT(UPPER))
        classes |= BIT(HEX_UPPER);
    bool rare = at > 0 && begins_rare_planes(&alphabet->seen[at - 1]);
    if (rare)
        classes &= ~BIT(CONTINUATION);
    struct walk_set *closed = &alphabet->closed[at];
    *closed = *seen;
    for (unsigned class_ = 0; class_ < CLASSES; class_++) {
        if (classes & BIT(class_))
            closed->bits[class_bytes[class_].word] |= class_bytes[class_].bits;
    }
    if (!rare && FEW * set_size(seen) <= set_size(&alphabet->rich) && set_covers(&alphabet->rich, seen))
        set_join(closed, &alphabet->rich);
}

void walk_alphabet_learn(struct walk_alphabet *alphabet, struct walk_bytes key, size_t from, size_t until)
{
    unsigned mixed = alphabet->mixed;
    bool richer = false;
    for (size_t i = from; i < key.len && i < until; i++) {
        struct walk_set *seen = &alphabet->seen[i];
        if (set_has(seen, key.ptr[i]))
            continue;
        set_add(seen, key.ptr[i]);
        unsigned classes = classes_of(seen) & MIXABLE;
        if ((classes & BIT(DIGIT)) && classes != BIT(DIGIT))
            mixed |= classes;
        if (set_size(seen) >= MANY && !set_covers(&alphabet->rich, seen)) {
            set_join(&alphabet->rich, seen);
            richer = true;
        }
        close_position(alphabet, i);
    }
    if (until >= key.len)
        alphabet->ends[key.len] = true;
    if (richer || mixed != alphabet->mixed) {
        alphabet->mixed = mixed;
        for (size_t i = 0; i < WALK_KEY_MAX; i++)
            close_position(alphabet, i);
    }
}

/* The digits of one position: `follow` tells how many continuation bytes are still due there. */
struct digits {
    struct walk_set set;
    unsigned end; /* 1 where the key may end here */
    unsigned count;
};

static struct digits digits_at(const struct walk_alphabet *alphabet, size_t at, unsigned follow)
{
    struct digits digits = { .set = alphabet->closed[at] };
    if (follow > 0) {
        digits.set.bits[0] = digits.set.bits[1] = digits.set.bits[3] = 0;
    } else {
        digits.set.bits[2] = 0; /* 0x80 to 0xBF */
        digits.end = alphabet->ends[at] ? 1 : 0;
    }
    digits.count = set_size(&digits.set) + digits.end;
    return digits;
}

static unsigned follow_after(unsigned follow, unsigned char byte)
{
    return follow > 0 ? follow - 1 : walk_utf8_follow(byte);
}

/* Below this a digit no longer moves a double that may be near 1. */
#define FINEST 1e-17

double walk_number_of(const struct walk_alphabet *alphabet, struct walk_bytes key, size_t base)
{
    double number = 0;
    double scale = 1;
    unsigned follow = 0;
    for (size_t i = base; i < key.len && scale > FINEST; i++) {
        struct digits digits = digits_at(alphabet, i, follow);
        if (digits.count == 0)
            break;
        scale /= digits.count;
        number += (set_rank(&digits.set, key.ptr[i]) + digits.end) * scale;
        if (!set_has(&digits.set, key.ptr[i]))
            break;
        follow = follow_after(follow, key.ptr[i]);
    }
    return number > 1 ? 1 : number;
}

double walk_number_share(const struct walk_alphabet *alphabet, struct walk_bytes key, size_t base, size_t until)
{
    double share = 1;
    unsigned follow = 0;
    for (size_t i = base; i < key.len && i < until; i++) {
        struct digits digits = digits_at(alphabet, i, follow);
        if (digits.count > 1)
            share /= digits.count;
        follow = follow_after(follow, key.ptr[i]);
    }
    return share;
}

/* Alphabets know which bytes come at a position, not which follow each other: 0xE0 0x80 may come out, and is moved to
 * the nearest that may be. */
static unsigned char legal_second(unsigned char first, unsigned char byte)
{
    unsigned char low, high;
    walk_utf8_second(first, &low, &high);
    return byte < low ? low : byte > high ? high : byte;
}

bool walk_number_key(const struct walk_alphabet *alphabet, struct walk_bytes head, size_t base, double number,
        double step, struct walk_key *key)
{
    memcpy(key->bytes, head.ptr, base);
    size_t len = base;
    size_t whole = base; /* up to here code points are complete */
    double scale = 1;
    unsigned follow = 0;
    for (; len < WALK_KEY_MAX && (scale > step || follow > 0); len++) {
        struct digits digits = digits_at(alphabet, len, follow);
        if (digits.count == 0)
            break;
        double scaled = number * digits.count;
        unsigned digit = scaled <= 0 ? 0 : scaled >= digits.count ? digits.count - 1 : (unsigned)scaled;
        number = scaled - digit;
        scale /= digits.count;
        if (digit < digits.end)
            break;
        unsigned char byte = set_member(&digits.set, digit - digits.end);
        if (follow > 0 && walk_utf8_follow(key->bytes[len - 1]) > 0)
            byte = legal_second(key->bytes[len - 1], byte);
        key->bytes[len] = byte;
        follow = follow_after(follow, byte);
        if (follow == 0)
            whole = len + 1;
    }
    key->len = whole;
    return whole > base && state_utf8_is_valid((const char *)key->bytes, whole);
}
