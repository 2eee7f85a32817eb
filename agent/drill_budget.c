/*
 * What of the sample cannot be tested: a copy in an archive class that is not thawed. See drill_inside.h.
 */
#include "agent/drill_inside.h"

void drill_budget(struct drilling *drilling)
{
    for (size_t i = 0; i < drilling->count; i++)
        if (drilling->objects[i]->is_archived)
            drill_skip(drilling, drilling->objects[i], "archived, and not thawed");
}
