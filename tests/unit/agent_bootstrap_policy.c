/* Policy documents are compared by what they mean, and merged without loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/bootstrap_policy.h"

/* Documents are written with ' for ". */
static json_t *parse(const char *text)
{
    char quoted[2000];
    size_t i = 0;

    for (; text[i] != '\0' && i < sizeof quoted - 1; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    quoted[i] = '\0';
    json_t *document = json_loads(quoted, 0, NULL);
    assert_non_null(document);
    return document;
}

static void spelling_makes_no_difference(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        { "{'Statement':[{'Sid':'a','Action':['x','y']}]}", "{'Statement':[{'Action':['y','x'],'Sid':'a'}]}", true },
        { "{'Statement':[{'Sid':'a','Action':['x']}]}", "{'Statement':{'Sid':'a','Action':'x'}}", true },
        { "{'Statement':[{'Sid':'a'},{'Sid':'b'}]}", "{'Statement':[{'Sid':'b'},{'Sid':'a'}]}", true },
        { "{'Statement':[{'Principal':'*'}]}", "{'Statement':[{'Principal':{'AWS':'*'}}]}", true },
        { "{'Statement':[{'Condition':{'Bool':{'k':true}}}]}", "{'Statement':[{'Condition':{'Bool':{'k':'true'}}}]}",
                true },
        { "{'Statement':[{'Action':['x','x']}]}", "{'Statement':[{'Action':'x'}]}", true },
        { "{'Statement':[{'Action':'x'}]}", "{'Statement':[{'Action':'X'}]}", false },
        { "{'Statement':[{'Action':'x'},{'Action':'x'}]}", "{'Statement':[{'Action':'x'},{'Action':'y'}]}", false },
        { "{'Statement':[{'Action':'x'}]}", "{'Statement':[]}", false },
        { "{'Statement':[{'Effect':'Allow'}]}", "{'Statement':[{'Effect':'Deny'}]}", false },
        { "{'Statement':[{'NotAction':'x'}]}", "{'Statement':[{'Action':'x'}]}", false },
        { "{'Statement':[{'Principal':{'AWS':'*','Service':'s'}}]}", "{'Statement':[{'Principal':'*'}]}", false },
        { "{'Statement':[{'Resource':['a','b']}]}", "{'Statement':[{'Resource':['a']}]}", false },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *one = parse(rows[i].one), *other = parse(rows[i].other);
        assert_int_equal(bootstrap_policy_same(one, other), rows[i].same);
        assert_int_equal(bootstrap_policy_same(other, one), rows[i].same);
        json_decref(one);
        json_decref(other);
    }
}

static void assert_merges(const char *found, const char *wanted, bool keep, const char *result)
{
    json_t *there = found != NULL ? parse(found) : NULL, *ours = parse(wanted), *expected = parse(result);
    json_t *merged = bootstrap_policy_merge(there, ours, keep);

    assert_true(bootstrap_policy_same(merged, expected));
    assert_string_equal(json_string_value(json_object_get(merged, "Version")), "2012-10-17");
    json_decref(there);
    json_decref(ours);
    json_decref(expected);
    json_decref(merged);
}

static void statements_of_others_stay(void **state)
{
    (void)state;
    assert_merges(NULL, "{'Statement':[{'Sid':'a'}]}", false, "{'Statement':[{'Sid':'a'}]}");
    assert_merges("{'Statement':[{'Sid':'t','Action':'1'},{'Action':'2'},{'Sid':'a','Action':'old'}]}",
            "{'Statement':[{'Sid':'a','Action':'new'},{'Sid':'b'}]}", false,
            "{'Statement':[{'Sid':'t','Action':'1'},{'Action':'2'},{'Sid':'a','Action':'new'},{'Sid':'b'}]}");
    /* one statement that is no list; no Sid is nobody's */
    assert_merges("{'Statement':{'Action':'2'}}", "{'Statement':[{'Sid':'a'}]}", false,
            "{'Statement':[{'Action':'2'},{'Sid':'a'}]}");
}

static void another_vault_stays_let_in_and_what_was_deleted_goes(void **state)
{
    (void)state;
    assert_merges("{'Statement':[{'Sid':'a','Principal':{'AWS':['arn:2','AROADELETED','arn:1']}}]}",
            "{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:1'}}]}", true,
            "{'Statement':[{'Sid':'a','Principal':{'AWS':['arn:1','arn:2']}}]}");
    assert_merges("{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:2'}}]}",
            "{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:1'}}]}", false,
            "{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:1'}}]}");
    /* everybody was let in: that is not another vault */
    assert_merges("{'Statement':[{'Sid':'a','Principal':'*'}]}",
            "{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:1'}}]}", true,
            "{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:1'}}]}");
    assert_merges("{'Statement':[{'Sid':'a','Principal':{'AWS':'*'}}]}",
            "{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:1'}}]}", true,
            "{'Statement':[{'Sid':'a','Principal':{'AWS':'arn:1'}}]}");
}

static void trust_that_was_narrowed_stays_narrow(void **state)
{
    (void)state;
    static const char wanted[] = "{'Statement':[{'Sid':'v','Effect':'Allow','Principal':{'AWS':'root'},'Action':'t',"
                                 "'Condition':{'StringEquals':{'id':'new'}}}]}";
    static const struct {
        const char *found, *result;
    } rows[] = {
        { wanted, wanted },
        { "{'Statement':[{'Sid':'v','Effect':'Allow','Principal':{'AWS':'me'},'Action':'t',"
          "'Condition':{'Bool':{'mfa':'true'}}}]}",
                "{'Statement':[{'Sid':'v','Effect':'Allow','Principal':{'AWS':'me'},'Action':'t',"
                "'Condition':{'Bool':{'mfa':'true'},'StringEquals':{'id':'new'}}}]}" },
        { "{'Statement':[{'Sid':'v','Effect':'Allow','Principal':{'AWS':'me'},'Action':'t',"
          "'Condition':{'StringEquals':{'id':'old'}}},{'Sid':'x'}]}",
                "{'Statement':[{'Sid':'x'},{'Sid':'v','Effect':'Allow','Principal':{'AWS':'me'},'Action':'t',"
                "'Condition':{'StringEquals':{'id':'new'}}}]}" },
        /* made by others: nobody more is let in */
        { "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'me'},'Action':'t'}]}",
                "{'Statement':[{'Effect':'Allow','Principal':{'AWS':'me'},'Action':'t'}]}" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *found = parse(rows[i].found), *ours = parse(wanted), *expected = parse(rows[i].result);
        json_t *made = bootstrap_policy_trust(found, ours);
        assert_true(bootstrap_policy_same(made, expected));
        json_decref(found);
        json_decref(ours);
        json_decref(expected);
        json_decref(made);
    }
}

static void a_statement_is_taken_out_by_its_sid(void **state)
{
    (void)state;
    json_t *document = parse("{'Statement':[{'Sid':'a'},{'Sid':'b'}]}"), *left = parse("{'Statement':[{'Sid':'b'}]}");

    assert_true(bootstrap_policy_drop(document, "a"));
    assert_false(bootstrap_policy_drop(document, "a"));
    assert_true(bootstrap_policy_same(document, left));
    json_decref(document);
    json_decref(left);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_makes_no_difference),
        cmocka_unit_test(statements_of_others_stay),
        cmocka_unit_test(another_vault_stays_let_in_and_what_was_deleted_goes),
        cmocka_unit_test(trust_that_was_narrowed_stays_narrow),
        cmocka_unit_test(a_statement_is_taken_out_by_its_sid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
