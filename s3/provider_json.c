/* See provider_json.h. Uses jansson; the only file of s3/ that does. */
#include "s3/provider_json.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "s3/decode.h"
#include "s3/provider.h"

/* jansson frees its strings as they are. Their memory is writable, whatever its accessor's type says. */
static void wipe(json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_is_string(value)) {
        s3_wipe((void *)(uintptr_t)json_string_value(value), json_string_length(value));
    } else if (json_is_object(value)) {
        json_object_foreach(value, name, member) wipe(member);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, member) wipe(member);
    }
}

static enum s3_status bad(struct s3_error *error, const char *origin, const char *what)
{
    return s3_fail(error, S3_BAD_DATA, "BadAnswer", "%s: the answer %s", origin, what);
}

/* An absent or null member is empty; false where it is something else than a string. */
static bool get(const json_t *object, const char *name, struct s3_text *text)
{
    const json_t *value = json_object_get(object, name);

    *text = (struct s3_text){ "", 0 };
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return false;
    *text = (struct s3_text){ json_string_value(value), json_string_length(value) };
    return true;
}

/* The service's word for its failure, where it looks like one: it goes into a message. */
static bool is_code(struct s3_text code)
{
    if (code.len == 0 || code.len > 64)
        return false;
    for (size_t i = 0; i < code.len; i++)
        if (!((code.ptr[i] >= 'A' && code.ptr[i] <= 'Z') || (code.ptr[i] >= 'a' && code.ptr[i] <= 'z')))
            return false;
    return true;
}

static bool is_account(struct s3_text account)
{
    for (size_t i = 0; i < account.len; i++)
        if (account.ptr[i] < '0' || account.ptr[i] > '9')
            return false;
    return account.len == 12;
}

static enum s3_status read_object(const json_t *object, const char *token_name, const char *origin,
        struct s3_credentials **credentials, struct s3_error *error)
{
    struct s3_text code, access_key, secret_key, token, expiration, account;
    int64_t expires_ms = 0;
    const char *what;
    struct s3_credentials *made;

    if (!json_is_object(object))
        return bad(error, origin, "is no JSON object");
    if (!get(object, "Code", &code) || !get(object, "AccessKeyId", &access_key) ||
            !get(object, "SecretAccessKey", &secret_key) || !get(object, token_name, &token) ||
            !get(object, "Expiration", &expiration) || !get(object, "AccountId", &account))
        return bad(error, origin, "has a member that is no string");
    if (code.len > 0 && (code.len != 7 || memcmp(code.ptr, "Success", 7) != 0))
        return s3_fail(error, S3_BAD_DATA, "BadAnswer", "%s: the answer's code is %.*s, not Success", origin,
                is_code(code) ? (int)code.len : 5, is_code(code) ? code.ptr : "other");
    if (!provider_keys_are_sound(access_key, secret_key, token, &what))
        return s3_fail(error, S3_BAD_DATA, "BadAnswer", "%s: the answer's %s is missing or malformed", origin, what);
    if (expiration.len > 0 && (!s3_parse_iso_time(expiration.ptr, expiration.len, &expires_ms) || expires_ms < 1000))
        return bad(error, origin, "has a malformed Expiration");
    made = s3_credentials_new(access_key, secret_key, token, expires_ms / 1000, origin);
    if (made == NULL)
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "out of memory");
    if (is_account(account))
        (void)snprintf(made->account, sizeof made->account, "%.*s", (int)account.len, account.ptr);
    *credentials = made;
    return S3_OK;
}

static enum s3_status parse(const char *text, size_t length, bool of_process, const char *origin,
        struct s3_credentials **credentials, struct s3_error *error)
{
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL); /* NULL is no object */
    enum s3_status status;

    if (of_process && json_is_object(object) && json_integer_value(json_object_get(object, "Version")) != 1)
        status = bad(error, origin, "is not of Version 1");
    else
        status = read_object(object, of_process ? "SessionToken" : "Token", origin, credentials, error);
    wipe(object);
    json_decref(object);
    return status;
}

enum s3_status provider_json_parse(const char *text, size_t length, const char *origin,
        struct s3_credentials **credentials, struct s3_error *error)
{
    return parse(text, length, false, origin, credentials, error);
}

enum s3_status provider_json_parse_process(const char *text, size_t length, const char *origin,
        struct s3_credentials **credentials, struct s3_error *error)
{
    return parse(text, length, true, origin, credentials, error);
}
