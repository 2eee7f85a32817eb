/* See bootstrap_policy.h. */
#include "agent/bootstrap_policy.h"

#include <stdlib.h>
#include <string.h>

static int by_text(const void *one, const void *other)
{
    return strcmp(json_string_value(*(json_t *const *)one), json_string_value(*(json_t *const *)other));
}

static bool all_text(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i)))
            return false;
    return true;
}

/* A list of texts in order and each once; of one element, the element. */
static json_t *plain_list(const json_t *list)
{
    size_t count = json_array_size(list);
    json_t **items = calloc(count + 1, sizeof(json_t *)), *out = json_array();

    for (size_t i = 0; i < count && items != NULL; i++)
        items[i] = json_array_get(list, i);
    if (items != NULL && all_text(list))
        qsort(items, count, sizeof(json_t *), by_text);
    for (size_t i = 0; i < count && items != NULL; i++)
        if (i == 0 || !json_equal(items[i], items[i - 1]))
            (void)json_array_append(out, items[i]);
    free(items);
    if (json_array_size(out) == 1) {
        json_t *only = json_incref(json_array_get(out, 0));
        json_decref(out);
        return only;
    }
    return out;
}

/* One spelling for all that means the same. Documents are a few levels deep; what is deeper compares as it is. */
static json_t *plain(const json_t *value, unsigned depth)
{
    json_t *out, *member;
    const char *name;
    size_t i;

    if (depth > 8 || (!json_is_object(value) && !json_is_array(value)))
        return json_is_boolean(value) ? json_string(json_is_true(value) ? "true" : "false") : json_deep_copy(value);
    if (json_is_array(value)) {
        json_t *list = json_array(), *made;
        json_array_foreach(value, i, member)(void) json_array_append_new(list, plain(member, depth + 1));
        made = plain_list(list);
        json_decref(list);
        return made;
    }
    out = json_object();
    json_object_foreach((json_t *)value, name, member)(void) json_object_set_new(out, name, plain(member, depth + 1));
    /* {"AWS": "*"} is "*" for all that is not a key's policy */
    member = json_object_get(out, "Principal");
    if (json_is_object(member) && json_object_size(member) == 1 && json_is_string(json_object_get(member, "AWS")) &&
            strcmp(json_string_value(json_object_get(member, "AWS")), "*") == 0)
        (void)json_object_set_new(out, "Principal", json_string("*"));
    return out;
}

static json_t *statements(const json_t *document)
{
    json_t *list = json_object_get(document, "Statement"), *one;

    if (!json_is_object(list))
        return list != NULL ? json_incref(list) : json_array();
    one = json_array();
    (void)json_array_append(one, list);
    return one;
}

static const char *sid_of(const json_t *statement)
{
    const char *sid = json_string_value(json_object_get(statement, "Sid"));

    return sid != NULL ? sid : "";
}

static json_t *find(const json_t *list, const char *sid)
{
    for (size_t i = 0; i < json_array_size(list) && sid[0] != '\0'; i++)
        if (strcmp(sid_of(json_array_get(list, i)), sid) == 0)
            return json_array_get(list, i);
    return NULL;
}

bool bootstrap_policy_same(const json_t *one, const json_t *other)
{
    json_t *lists[2] = { statements(one), statements(other) };
    bool same = json_array_size(lists[0]) == json_array_size(lists[1]);

    /* each of one's in the other, used up, so that two equal ones are not held against one */
    json_t *left = json_copy(lists[1]);
    for (size_t i = 0; i < json_array_size(lists[0]) && same; i++) {
        json_t *wanted = plain(json_array_get(lists[0], i), 0);
        bool found = false;
        for (size_t j = 0; j < json_array_size(left) && !found; j++) {
            json_t *there = plain(json_array_get(left, j), 0);
            found = json_equal(wanted, there) != 0;
            json_decref(there);
            if (found)
                (void)json_array_remove(left, j);
        }
        json_decref(wanted);
        same = found;
    }
    json_decref(left);
    json_decref(lists[0]);
    json_decref(lists[1]);
    return same;
}

/* What stands for a principal that was deleted has the form of an id. */
static bool is_principal(const json_t *value)
{
    const char *text = json_string_value(value);

    return text != NULL && (strncmp(text, "arn:", 4) == 0 || strspn(text, "0123456789") == strlen(text));
}

static json_t *aws_of(const json_t *statement)
{
    return json_object_get(json_object_get(statement, "Principal"), "AWS");
}

static void keep(json_t *into, json_t *principal)
{
    for (size_t i = 0; i < json_array_size(into); i++)
        if (json_equal(json_array_get(into, i), principal))
            return;
    (void)json_array_append(into, principal);
}

/* Our statement with whom the one that is there lets in as well. */
static json_t *with_principals(const json_t *found, const json_t *wanted)
{
    json_t *out = json_deep_copy(wanted), *there = aws_of(found), *all = json_array();

    keep(all, aws_of(wanted));
    if (is_principal(there))
        keep(all, there);
    for (size_t i = 0; i < json_array_size(there); i++)
        if (is_principal(json_array_get(there, i)))
            keep(all, json_array_get(there, i));
    (void)json_object_set_new(json_object_get(out, "Principal"), "AWS", all);
    return out;
}

json_t *bootstrap_policy_merge(const json_t *found, const json_t *wanted, bool keep_principals)
{
    json_t *out = json_object(), *list = json_array(), *there = statements(found), *ours = statements(wanted), *one;
    size_t i;

    json_array_foreach(there, i, one) if (find(ours, sid_of(one)) == NULL)(void) json_array_append(list, one);
    json_array_foreach(ours, i, one)
    {
        json_t *old = find(there, sid_of(one));
        (void)json_array_append_new(list, keep_principals && old != NULL && json_is_string(aws_of(one))
                                                  ? with_principals(old, one)
                                                  : json_deep_copy(one));
    }
    (void)json_object_set_new(out, "Version", json_string("2012-10-17"));
    (void)json_object_set_new(out, "Statement", list);
    if (json_object_get(found, "Id") != NULL)
        (void)json_object_set(out, "Id", json_object_get(found, "Id"));
    json_decref(there);
    json_decref(ours);
    return out;
}

bool bootstrap_policy_drop(json_t *document, const char *sid)
{
    json_t *list = json_object_get(document, "Statement");

    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(sid_of(json_array_get(list, i)), sid) == 0)
            return json_array_remove(list, i) == 0;
    return false;
}

json_t *bootstrap_policy_trust(const json_t *found, const json_t *wanted)
{
    json_t *there = statements(found), *ours = statements(wanted), *one = json_array_get(ours, 0);
    json_t *old = find(there, sid_of(one)), *made = json_deep_copy(one), *conditions, *out;

    if (old == NULL) {
        json_decref(there);
        json_decref(ours);
        json_decref(made);
        return json_deep_copy(found);
    }
    if (json_object_get(old, "Principal") != NULL)
        (void)json_object_set(made, "Principal", json_object_get(old, "Principal"));
    conditions = json_deep_copy(json_object_get(old, "Condition"));
    if (conditions != NULL && json_object_get(made, "Condition") != NULL)
        (void)json_object_update_recursive(conditions, json_object_get(made, "Condition"));
    if (conditions != NULL)
        (void)json_object_set_new(made, "Condition", conditions);
    json_decref(ours);
    ours = json_pack("{s[o]}", "Statement", made);
    out = bootstrap_policy_merge(found, ours, false);
    json_decref(ours);
    json_decref(there);
    return out;
}
