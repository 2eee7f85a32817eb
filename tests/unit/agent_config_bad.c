/* Every config that must be refused, with the exact line that the user sees. */
#include "agent/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The smallest config around a vault, a source's selection, or a policy, each in a line of its own. */
#define AROUND(vault, sources, policies)                                                                               \
    "{\"vault\": {" vault "},\n\"sources\": [" sources "],\n\"policies\": {" policies "}}"
#define V "\"bucket\": \"the-vault\""
#define S "{\"select\": {\"buckets\": [\"docs\"]}, \"policy\": \"p\"}"
#define VAULT(x) AROUND(x, S, "\"p\": {}")
#define SOURCE(x) AROUND(V, "{" x ", \"policy\": \"p\"}", "\"p\": {}")
#define SOURCES(x) AROUND(V, x, "\"p\": {}")
#define SELECT(x) SOURCE("\"select\": {" x "}")
#define POLICY(x) AROUND(V, S, "\"p\": {" x "}")
#define TIERS(x) POLICY("\"tiers\": [" x "]")
#define TIER(d, c) "{\"after_days\": " d ", \"class\": \"" c "\"}"
#define TOP(x) "{\"vault\": {" V "},\n\"sources\": [" S "],\n\"policies\": {\"p\": {}},\n" x "}"

static const struct {
    const char *text, *message;
} cases[] = {
    { "", "c: not valid JSON: expected a value, but the text ends at line 1, column 1" },
    { "[]", "c: a config is an object, not an array at line 1, column 1" },
    { "{", "c: not valid JSON: expected a quoted name, but the text ends at line 1, column 2" },
    { "{}", "c: \"vault\" is missing at line 1, column 1" },
    { "{\"vault\": {}}", "c: \"bucket\" is missing in \"vault\" at line 1, column 11" },
    { "{\"vault\": null}", "c: \"vault\" may not be null at line 1, column 11" },
    { "{\"vault\": {" V "}, \"sources\": {}, \"policies\": {}}",
            "c: \"sources\" must be an array of objects, not an object at line 1, column 47" },
    { "{\"vault\": {" V "}, \"sources\": [7], \"policies\": {}}",
            "c: \"sources\" must be an array of objects, not a number at line 1, column 48" },
    { "{\"vualt\": {" V "}}", "c: unknown field \"vualt\" at line 1, column 2: did you mean \"vault\"?" },
    { "{\"some\\nthing\\u007f\": 1}", "c: unknown field \"some?thing?\" at line 1, column 2" },
    { "{\"a name that is so long that nobody would ever want to see all of it in a message, or would they, with more "
      "and more of it\": 1}",
            "c: unknown field \"a name that is so long that nobody would ever want to see all of it in a message, "
            "or...\" at line 1, column 2" },
    { SELECT("\n\"buckets\": [\"a-b\"], \"exlude_buckets\": []"),
            "c: unknown field \"exlude_buckets\" at line 3, column 21: did you mean \"exclude_buckets\"?" },
    { SOURCE("\"prefixes\": []"),
            "c: unknown field \"prefixes\" at line 2, column 14: did you mean \"prefixes\" in \"select\"?" },
    { SOURCE("\"bucket\": \"docs\""),
            "c: unknown field \"bucket\" at line 2, column 14: did you mean \"buckets\" in \"select\"?" },
    { POLICY("\"teirs\": []"), "c: unknown field \"teirs\" at line 3, column 20: did you mean \"tiers\"?" },
    { POLICY("\"keep\": {\"dayly\": 7}"), "c: unknown field \"dayly\" at line 3, column 29: did you mean \"daily\"?" },
    { POLICY("\"keep\": {\"daily\": \"7\"}"),
            "c: \"daily\" must be a whole number, not a string at line 3, column 38" },
    { POLICY("\"keep\": {\"daily\": 1.5}"), "c: \"daily\" must be a whole number at line 3, column 38" },
    { POLICY("\"keep\": {\"daily\": -2}"), "c: \"daily\" must be from -1 to 2147483647 at line 3, column 38" },
    { POLICY("\"keep\": {\"within\": \"2w\"}"), "c: \"2w\" of \"within\" is not a length at line 3, column 39: numbers "
                                                "with y, m, d and h in this order, such as \"1y5m7d2h\"" },
    { POLICY("\"keep\": {\"within\": \"0d\"}"), "c: \"0d\" of \"within\" is not a length at line 3, column 39: numbers "
                                                "with y, m, d and h in this order, such as \"1y5m7d2h\"" },
    { POLICY("\"keep\": {\"within\": 7}"), "c: \"within\" must be a string, not a number at line 3, column 39" },
    { POLICY("\"keep\": {}"),
            "c: \"keep\" of policy \"p\" keeps nothing at line 3, column 28: leave it out to keep every point" },
    { POLICY("\"keep\": {\"last\": 0, \"daily\": 0}"),
            "c: \"keep\" of policy \"p\" keeps nothing at line 3, column 28: leave it out to keep every point" },
    { POLICY("\"grace_days\": null"), "c: \"grace_days\" may not be null at line 3, column 34" },
    { POLICY("\"grace_days\": 1e2"), "c: \"grace_days\" must be a whole number at line 3, column 34" },
    { POLICY("\"delete_after_days\": 0"), "c: \"delete_after_days\" must be from 1 to 36500 at line 3, column 41" },
    { POLICY("\"delete_after_days\": 99999999999999999999"),
            "c: \"delete_after_days\" must be a whole number at line 3, column 41" },
    { POLICY("\"start_window_minutes\": 0"),
            "c: \"start_window_minutes\" must be from 1 to 10080 at line 3, column 44" },
    { POLICY("\"min_size\": \"128K\""), "c: \"min_size\" must be a number of bytes or \"auto\" at line 3, column 32" },
    { POLICY("\"min_size\": -1"), "c: \"min_size\" must be from 0 to 54975581388800 at line 3, column 32" },
    { POLICY("\"transitions\": \"lifecylce\""),
            "c: unknown value \"lifecylce\" of \"transitions\" at line 3, column 35: did you mean \"lifecycle\"?" },
    { POLICY("\"tags\": \"never\""), "c: unknown value \"never\" of \"tags\" at line 3, column 28: one of \"require\", "
                                     "\"best-effort\", \"skip\"" },
    { POLICY("\"tags\": true"), "c: \"tags\" must be a string, not a boolean at line 3, column 28" },
    { POLICY("\"guard\": {\"changed\": 30}"), "c: \"changed\" must be a percentage from \"0%\" to \"100%\" at line 3, "
                                              "column 41: such as \"30%\", or 0.3" },
    { POLICY("\"guard\": {\"changed\": \"130%\"}"), "c: \"changed\" must be a percentage from \"0%\" to \"100%\" at "
                                                    "line 3, column 41: such as \"30%\", or 0.3" },
    { POLICY("\"guard\": {\"deleted\": \"ten\"}"), "c: \"deleted\" must be a percentage from \"0%\" to \"100%\" at "
                                                   "line 3, column 41: such as \"30%\", or 0.3" },
    { POLICY("\"guard\": {\"deleted\": true}"),
            "c: \"deleted\" must be a percentage, not a boolean at line 3, column 41" },
    { POLICY("\"schedule\": \"0 3 * * *\""), "c: \"0 3 * * *\" of \"schedule\" is not a schedule at line 3, column 32: "
                                             "cron() with six fields, or rate(n minutes|hours|days), or nothing" },
    { POLICY("\"schedule\": \"cron(0 3 * * *)\""),
            "c: \"cron(0 3 * * *)\" of \"schedule\" is not a schedule at line 3, column 32: cron() with six fields, or "
            "rate(n minutes|hours|days), or nothing" },
    { POLICY("\"schedule\": \"cron(0 3 * * * *)\""), "c: \"schedule\" of policy \"p\": exactly one of the day of the "
                                                     "month and the day of the week must be \"?\" "
                                                     "at line 3, column 32: such as \"cron(0 3 * * ? *)\"" },
    { POLICY("\"schedule\": \"rate(1 day)\", \"timezone\": \"Mars/Olympus\""),
            "c: \"timezone\" of policy \"p\": this machine knows no \"Mars/Olympus\" at line 3, column 59: is tzdata "
            "installed?" },
    { POLICY("\"keep\": {\"daily\": 7}, \"timezone\": \"Mars/Olympus\""),
            "c: \"timezone\" of policy \"p\": this machine knows no \"Mars/Olympus\" at line 3, column 54: is tzdata "
            "installed?" },
    { POLICY("\"timezone\": \"America/Argentina\""), /* a folder of zones */
            "c: \"timezone\" of policy \"p\": this machine knows no \"America/Argentina\" at line 3, column 32: is "
            "tzdata installed?" },
    { POLICY("\"timezone\": \"berlin\""), "c: \"berlin\" of \"timezone\" is not a time zone at line 3, column 32: such "
                                          "as \"UTC\" or \"Europe/Berlin\"" },
    { TIERS(TIER("30", "STANDARD")),
            "c: unknown value \"STANDARD\" of \"class\" at line 3, column 58: did you mean \"STANDARD_IA\"?" },
    { TIERS(TIER("30", "GLACEIR")),
            "c: unknown value \"GLACEIR\" of \"class\" at line 3, column 58: did you mean \"GLACIER\"?" },
    { TIERS("{\"after_days\": 30}"), "c: \"class\" is missing in \"tiers\" at line 3, column 30" },
    { TIERS(TIER("90", "STANDARD_IA") ", " TIER("30", "GLACIER")),
            "c: tier GLACIER begins after 30 days, not later than tier STANDARD_IA before it (90) at line 3, column "
            "74: tiers stand in ascending order of days" },
    { TIERS(TIER("30", "STANDARD_IA") ", " TIER("30", "GLACIER")),
            "c: tier GLACIER begins after 30 days, not later than tier STANDARD_IA before it (30) at line 3, column "
            "74: tiers stand in ascending order of days" },
    { TIERS(TIER("30", "GLACIER") ", " TIER("60", "STANDARD_IA")),
            "c: tier STANDARD_IA cannot follow GLACIER at line 3, column 70: objects only move to colder classes" },
    { TIERS(TIER("30", "GLACIER") ", " TIER("60", "GLACIER")),
            "c: tier GLACIER cannot follow GLACIER at line 3, column 70: objects only move to colder classes" },
    { TIERS(TIER("30", "ONEZONE_IA") ", " TIER("90", "GLACIER_IR")),
            "c: tier GLACIER_IR cannot follow ONEZONE_IA at line 3, column 73: objects only move to colder classes" },
    { POLICY("\"delete_after_days\": 119, \"tiers\": [" TIER("30", "GLACIER") "]"),
            "c: \"delete_after_days\" is 119, but objects go to GLACIER after 30 days at line 3, column 41: it must be "
            "at least 120, 90 days after cold storage" },
    { POLICY("\"delete_after_days\": 365, \"tiers\": [" TIER("30", "GLACIER") ", " TIER("365", "DEEP_ARCHIVE") "]"),
            "c: tier DEEP_ARCHIVE after 365 days is never reached: \"delete_after_days\" is 365 at line 3, column 96" },
    { POLICY("\"delete_after_days\": 30, \"tiers\": [" TIER("30", "STANDARD_IA") "]"),
            "c: tier STANDARD_IA after 30 days is never reached: \"delete_after_days\" is 30 at line 3, column 55" },
    { POLICY("\"cold_storage_after_days\": 90, \"delete_after_days\": 179"),
            "c: \"delete_after_days\" is 179, but objects go to GLACIER after 90 days at line 3, column 72: it must be "
            "at least 180, 90 days after cold storage" },
    { POLICY("\"cold_storage_after_days\": 90, \"tiers\": [" TIER("30", "STANDARD_IA") "]"),
            "c: \"cold_storage_after_days\" and \"tiers\" exclude each other at line 3, column 47: it is a tier of "
            "\"GLACIER\"" },
    { POLICY("\"transitions\": \"lifecycle\", \"tiers\": [" TIER("29", "STANDARD_IA") "]"),
            "c: lifecycle rules cannot move to STANDARD_IA after 29 days at line 3, column 58: S3 demands at least 30 "
            "days before this class" },
    { POLICY("\"transitions\": \"lifecycle\", \"tiers\": [" TIER("30", "STANDARD_IA") ", " TIER("59", "GLACIER") "]"),
            "c: lifecycle rules cannot move from STANDARD_IA to GLACIER after 29 days at line 3, column 102: S3 "
            "demands 30 days in the class before" },
    { AROUND(V, S, "\"p 1\": {}"), "c: \"p 1\" in \"policies\" is not a policy's name at line 3, column 14: 1 to 50 "
                                   "characters of letters, digits, \"-\", \"_\" and \".\"" },
    { AROUND(V, S, "\"p\": []"), "c: \"policies\" must be an object of objects, not an array at line 3, column 19" },
    { AROUND(V ", \"lock\": {\"days\": 30}", S, "\"p\": {\"transitions\": \"agent\"}"),
            "c: \"transitions\" may not be \"agent\" where the vault has a lock at line 3, column 35: use "
            "\"lifecycle\" or \"auto\"" },
    { VAULT(V ", \"lock\": {}"), "c: \"days\" is missing in \"lock\" at line 1, column 43" },
    { VAULT(V ", \"lock\": {\"days\": 0}"), "c: \"days\" must be from 1 to 36500 at line 1, column 52" },
    { VAULT(V ", \"lock\": {\"mode\": \"GOVERNANCE\", \"days\": 1}"),
            "c: unknown value \"GOVERNANCE\" of \"mode\" at line 1, column 52: did you mean \"governance\"?" },
    { VAULT("\"bucket\": \"The_Vault\""), "c: \"The_Vault\" of \"bucket\" is not a bucket name at line 1, column 22: 3 "
                                          "to 63 characters of a-z, 0-9, \"-\" and \".\"" },
    { VAULT("\"bucket\": \"a..b\""),
            "c: \"a..b\" of \"bucket\" is not a bucket name at line 1, column 22: no two dots in a row" },
    { VAULT("\"bucket\": \"192.168.1.1\""),
            "c: \"192.168.1.1\" of \"bucket\" is not a bucket name at line 1, column 22: not an IP address" },
    { VAULT("\"bucket\": \"ab\""), "c: \"ab\" of \"bucket\" is not a bucket name at line 1, column 22: 3 to 63 "
                                   "characters of a-z, 0-9, \"-\" and \".\"" },
    { VAULT(V ", \"account\": 111122223333"), "c: \"account\" must be a string, not a number at line 1, column 46" },
    { VAULT(V ", \"account\": \"11112222333\""),
            "c: \"11112222333\" of \"account\" is not an account id at line 1, column 46: 12 digits, as a string" },
    { VAULT(V ", \"region\": \"EU West\""),
            "c: \"EU West\" of \"region\" is not a region at line 1, column 45: such as \"eu-west-1\"" },
    { VAULT(V ", \"role_arn\": \"arn:aws:iam::1111:role/x\""),
            "c: \"arn:aws:iam::1111:role/x\" of \"role_arn\" is not a role's ARN at line 1, column 47: "
            "arn:aws:iam::ACCOUNT:role/NAME with 12 digits of account" },
    { VAULT(V ", \"role_arn\": \"arn:aws:iam::111122223333:user/x\""),
            "c: \"arn:aws:iam::111122223333:user/x\" of \"role_arn\" is not a role's ARN at line 1, column 47: "
            "arn:aws:iam::ACCOUNT:role/NAME with 12 digits of account" },
    { VAULT(V ", \"external_id\": \"abc\""),
            "c: \"external_id\" means nothing without \"role_arn\" at line 1, column 50" },
    { VAULT(V ", \"role_arn\": \"arn:aws:iam::111122223333:role/x\", \"external_id\": \"hidden id\""),
            "c: \"external_id\" is not an external id at line 1, column 98: 2 to 1224 characters of letters, digits "
            "and +=,.@:/-_" },
    { VAULT(V ", \"endpoint\": \"s3.example.com\""),
            "c: \"endpoint\" is not an endpoint at line 1, column 47: http:// or https://, a host and at most a port: "
            "no path, no query, no user" },
    { VAULT(V ", \"endpoint\": \"https://s3.example.com/path\""),
            "c: \"endpoint\" is not an endpoint at line 1, column 47: http:// or https://, a host and at most a port: "
            "no path, no query, no user" },
    { VAULT(V ", \"endpoint\": \"https://s3.example.com?x\""),
            "c: \"endpoint\" is not an endpoint at line 1, column 47: http:// or https://, a host and at most a port: "
            "no path, no query, no user" },
    { VAULT(V ", \"endpoint\": \"https://user:pw@s3.example.com\""),
            "c: \"endpoint\" is not an endpoint at line 1, column 47: http:// or https://, a host and at most a port: "
            "no path, no query, no user" },
    { VAULT(V ", \"endpoint\": \"https://[::1]:65536\""),
            "c: \"endpoint\" is not an endpoint at line 1, column 47: a port is at most 65535" },
    { VAULT(V ", \"path_style\": \"yes\""),
            "c: \"path_style\" must be true or false, not a string at line 1, column 49" },
    { VAULT(V ", \"prefix\": \"backups\""),
            "c: \"backups\" of \"prefix\" is not a prefix of the vault at line 1, column 45: empty, or names of "
            "letters, digits and _.-, each followed by one \"/\"" },
    { VAULT(V ", \"acl\": \"public-read\""), "c: \"public-read\" of \"acl\" is not a canned ACL at line 1, column 42: "
                                             "such as \"bucket-owner-full-control\"" },
    { VAULT(V ", \"kms_key_id\": \"k\""),
            "c: unknown field \"kms_key_id\" at line 1, column 35: did you mean \"kms_key_id\" in \"encryption\"?" },
    { SOURCE("\"kind\": \"stream\""), "c: a stream needs a \"name\" at line 2, column 13" },
    { SOURCE("\"kind\": \"stream\", \"name\": \"dumps\", \"select\": {}"),
            "c: a stream has no buckets: \"select\" means nothing at line 2, column 59" },
    { SOURCE("\"name\": \"docs\""),
            "c: a source that selects nothing at line 2, column 13: give \"buckets\", \"arns\" or \"tags\"" },
    { SOURCE("\"select\": {}"),
            "c: a source that selects nothing at line 2, column 24: give \"buckets\", \"arns\" or \"tags\"" },
    { SOURCE("\"select\": null"), "c: \"select\" may not be null at line 2, column 24" },
    { SOURCE("\"select\": [\"docs\"]"), "c: \"select\" must be an object, not an array at line 2, column 24" },
    { SOURCE("\"select\": {\"bukets\": []}"),
            "c: unknown field \"bukets\" at line 2, column 25: did you mean \"buckets\"?" },
    { POLICY("\"keep\": {\"within\": \"5\"}"), "c: \"5\" of \"within\" is not a length at line 3, column 39: numbers "
                                               "with y, m, d and h in this order, such as \"1y5m7d2h\"" },
    { POLICY("\"keep\": {\"within\": \"1d1y\"}"), "c: \"1d1y\" of \"within\" is not a length at line 3, column 39: "
                                                  "numbers with y, m, d and h in this order, such as \"1y5m7d2h\"" },
    { "{\"éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé\": 1}",
            "c: unknown field \"éééééééééééééééééééééééééééééééééééééééééé...\" at line 1, column 2" },
    { SELECT("\"exclude_buckets\": [\"a\"]"),
            "c: a source that selects nothing at line 2, column 24: give \"buckets\", \"arns\" or \"tags\"" },
    { SOURCE("\"name\": \"Dumps\", \"select\": {\"buckets\": [\"docs\"]}"),
            "c: \"Dumps\" of \"name\" is not a source's name at line 2, column 22: 1 to 63 characters of a-z, 0-9, "
            "\"-\" and \".\"" },
    { SOURCE("\"name\": \"x\", \"select\": {\"buckets\": [\"doc*\"]}"),
            "c: \"name\" needs a source of exactly one literal bucket at line 2, column 22: without it each source is "
            "named by its bucket" },
    { SOURCE("\"name\": \"x\", \"select\": {\"buckets\": [\"a-1\", \"a-2\"]}"),
            "c: \"name\" needs a source of exactly one literal bucket at line 2, column 22: without it each source is "
            "named by its bucket" },
    { SELECT("\"buckets\": \"docs\""),
            "c: \"buckets\" must be an array of strings, not a string at line 2, column 36" },
    { SELECT("\"buckets\": [1]"), "c: \"buckets\" must be an array of strings, not a number at line 2, column 37" },
    { SELECT("\"buckets\": [\"Docs\"]"), "c: \"Docs\" of \"buckets\" is not a bucket name or glob at line 2, column "
                                         "37: a-z, 0-9, \"-\" and \".\", with *, ? and [a-z]" },
    { SELECT("\"buckets\": [\"docs-[a\"]"),
            "c: \"docs-[a\" of \"buckets\" is not a bucket name or glob at line 2, column 37: [ without ]" },
    { SELECT("\"buckets\": [\"\"]"), "c: \"\" of \"buckets\" is not a bucket name or glob at line 2, column 37: a-z, "
                                     "0-9, \"-\" and \".\", with *, ? and [a-z]" },
    { SELECT("\"arns\": [\"docs\"]"), "c: \"docs\" of \"arns\" is not a bucket's ARN at line 2, column 34: "
                                      "arn:aws:s3:::NAME, where NAME may be a glob" },
    { SELECT("\"arns\": [\"arn:aws:s3:::docs/key\"]"),
            "c: \"arn:aws:s3:::docs/key\" of \"arns\" is not a bucket's ARN at line 2, column 34: arn:aws:s3:::NAME, "
            "where NAME may be a glob" },
    { SELECT("\"arns\": [\"arn:aws:s3:::doc[s\"]"),
            "c: \"arn:aws:s3:::doc[s\" of \"arns\" is not a bucket's ARN at line 2, column 34: [ without ]" },
    { SELECT("\"tags\": [\"backup\"]"), "c: \"tags\" must be an object of strings, not an array at line 2, column 33" },
    { SELECT("\"tags\": {\"backup\": true}"),
            "c: \"tags\" must be an object of strings, not a boolean at line 2, column 44" },
    { SELECT("\"buckets\": [\"docs\"], \"exclude_keys\": [\"tmp/[\"]"),
            "c: \"tmp/[\" of \"exclude_keys\" is not a glob of keys at line 2, column 63: [ without ]" },
    { SELECT("\"buckets\": [\"docs\"], \"exclude_keys\": [\"\"]"),
            "c: \"\" of \"exclude_keys\" is not a glob of keys at line 2, column 63: 1 to 1024 bytes" },
    { SELECT("\"buckets\": [\"the-vault\"]"), "c: the vault \"the-vault\" cannot be a source at line 2, column 24" },
    { SOURCE("\"copy\": \"sever\", \"select\": {\"buckets\": [\"docs\"]}"),
            "c: unknown value \"sever\" of \"copy\" at line 2, column 22: did you mean \"server\"?" },
    { SOURCE("\"copy_source_prefix\": \"a/b\", \"select\": {\"buckets\": [\"docs\"]}"),
            "c: \"a/b\" of \"copy_source_prefix\" is not a prefix of copy sources at line 2, column 36: such as "
            "\"111122223333:\", without \"/\"" },
    { AROUND(V ", \"endpoint\": \"http://a\"",
              "{\"endpoint\": \"http://b\", \"select\": {\"buckets\": [\"docs\"]}, \"policy\": \"p\"}", "\"p\": {}"),
            "c: the source's endpoint is not the vault's, so that the store cannot copy by itself at line 2, column "
            "26: set \"copy\": \"stream\"" },
    { AROUND(V, "{\"select\": {\"buckets\": [\"docs\"]}, \"policy\": \"document-storage\"}",
              "\"document_storage\": {}"),
            "c: unknown policy \"document-storage\" at line 2, column 57: did you mean \"document_storage\"?" },
    { AROUND(V, "{\"select\": {\"buckets\": [\"docs\"]}, \"policy\": \"gold\"}", "\"p\": {}"),
            "c: unknown policy \"gold\" at line 2, column 57" },
    { AROUND(V, "{\"select\": {\"buckets\": [\"docs\"]}}", "\"p\": {}"),
            "c: \"policy\" is missing in \"sources\" at line 2, column 13" },
    { SOURCES(S ",\n" S), "c: the sources at line 2, column 13 and line 3, column 1 select the same bucket \"docs\"" },
    { SOURCES(S ",\n{\"select\": {\"arns\": [\"arn:aws:s3:::docs\"]}, \"policy\": \"p\"}"),
            "c: the sources at line 2, column 13 and line 3, column 1 select the same bucket \"docs\"" },
    { SOURCES(S ",\n{\"select\": {\"buckets\": [\"d*\"]}, \"policy\": \"p\"}"),
            "c: the source at line 3, column 1 also selects the bucket \"docs\" at line 2, column 24: exclude it from "
            "one of them" },
    { SOURCES("{\"name\": \"docs\", \"kind\": \"stream\", \"policy\": \"p\"},\n" S),
            "c: the sources at line 2, column 13 and line 3, column 1 have the same name \"docs\"" },
    { SOURCES("{\"name\": \"x\", \"kind\": \"stream\", \"policy\": \"p\"},\n{\"name\": \"x\", \"kind\": \"stream\", "
              "\"policy\": \"p\"}"),
            "c: the sources at line 2, column 13 and line 3, column 1 have the same name \"x\"" },
    { TOP("\"notify\": {\"on\": [\"failures\"]}"),
            "c: unknown value \"failures\" of \"on\" at line 4, column 19: did you mean \"failure\"?" },
    { TOP("\"notify\": {\"on\": \"failure\"}"),
            "c: \"on\" must be an array of strings, not a string at line 4, column 18" },
    { TOP("\"notify\": {\"on\": [1]}"), "c: \"on\" must be an array of strings, not a number at line 4, column 19" },
    { TOP("\"notify\": {\"sns_topic_arn\": \"arn:aws:sqs:eu-west-1:111122223333:q\"}"),
            "c: \"arn:aws:sqs:eu-west-1:111122223333:q\" of \"sns_topic_arn\" is not a topic's ARN at line 4, column "
            "29: arn:aws:sns:REGION:ACCOUNT:NAME" },
    { TOP("\"metrics\": {\"emf\": 1}"), "c: \"emf\" must be true or false, not a number at line 4, column 20" },
    { TOP("\"metrics\": {\"prometheus_file\": \"\"}"),
            "c: \"\" of \"prometheus_file\" is not a path at line 4, column 32: 1 to 4096 bytes" },
    { TOP("\"limits\": {\"workers\": 0}"), "c: \"workers\" must be from 1 to 1024 at line 4, column 23" },
    { TOP("\"limits\": {\"workers\": 1025}"), "c: \"workers\" must be from 1 to 1024 at line 4, column 23" },
    { TOP("\"limits\": {\"requests_per_second\": \"all\"}"),
            "c: \"requests_per_second\" must be a number, not a string at line 4, column 35" },
    { TOP("\"limits\": {\"requests_per_second\": 0.5}"),
            "c: \"requests_per_second\" must be from 1 to 100000 at line 4, column 35" },
    { TOP("\"limits\": {\"max_cost\": -1}"), "c: \"max_cost\" must be from 0 to 2147483647 at line 4, column 24" },
    { TOP("\"prices\": {\"classes\": {\"COLD\": {}}}"),
            "c: \"COLD\" in \"classes\" is not a storage class at line 4, column 24: such as \"GLACIER\"" },
    { TOP("\"prices\": {\"currency\": \"euro\"}"),
            "c: \"euro\" of \"currency\" is not a currency at line 4, column 24: three letters, such as \"USD\"" },
};

static void each_bad_config_gives_its_one_clear_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_error error = { 0 };
        struct config *config = NULL;

        if (config_parse("c", cases[i].text, strlen(cases[i].text), &config, &error) != CONFIG_BAD)
            fail_msg("accepted: %s", cases[i].text);
        assert_null(config);
        assert_string_equal(error.message, cases[i].message);
        if (config_parse("c", cases[i].text, strlen(cases[i].text), &config, NULL) != CONFIG_BAD)
            fail_msg("accepted without an error to fill: %s", cases[i].text);
    }
}

static void a_message_is_one_line_whatever_the_name(void **state)
{
    struct config_error error = { 0 };
    struct config *config = NULL;
    char name[4096];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(config_parse(name, "{", 1, &config, &error), CONFIG_BAD);
    assert_non_null(strstr(
            error.message, "nnn: not valid JSON: expected a quoted name, but the text ends at line 1, column 2"));
    assert_int_equal(config_parse("a\nb", "{", 1, &config, &error), CONFIG_BAD);
    assert_null(strchr(error.message, '\n'));
    assert_int_equal(error.line, 1);
    assert_int_equal(error.column, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bad_config_gives_its_one_clear_line),
        cmocka_unit_test(a_message_is_one_line_whatever_the_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
