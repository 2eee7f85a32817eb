/* See entry.h. */
#include "state/entry.h"

#include <string.h>

static const char *const names[CLASS_COUNT] = { "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
    "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE", "OTHER" };

const char *storage_class_name(enum storage_class class_)
{
    return (unsigned)class_ < CLASS_COUNT ? names[class_] : names[CLASS_OTHER];
}

enum storage_class storage_class_from(const char *text, size_t length)
{
    if (length == 0)
        return CLASS_STANDARD;
    for (int i = 0; i < CLASS_OTHER; i++)
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
            return (enum storage_class)i;
    return CLASS_OTHER;
}

bool storage_class_is_archive(enum storage_class class_)
{
    return class_ == CLASS_GLACIER || class_ == CLASS_DEEP_ARCHIVE;
}

/* The classes' order is their coldness, but one zone's data cannot go back to several by a rule. */
bool storage_class_may_follow(enum storage_class before, enum storage_class after)
{
    static const int rank[CLASS_COUNT] = { [CLASS_STANDARD] = 0,
        [CLASS_STANDARD_IA] = 1,
        [CLASS_INTELLIGENT_TIERING] = 2,
        [CLASS_ONEZONE_IA] = 3,
        [CLASS_GLACIER_IR] = 4,
        [CLASS_GLACIER] = 5,
        [CLASS_DEEP_ARCHIVE] = 6 };

    if (before == CLASS_OTHER || after == CLASS_OTHER || (before == CLASS_ONEZONE_IA && after == CLASS_GLACIER_IR))
        return false;
    return rank[after] > rank[before];
}
