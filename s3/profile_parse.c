/* See profile.h: the lines. Pure. */
#include "s3/profile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PROFILES_MAX = 8192 }; /* they are searched one by one */

static const char *const names[PROFILE_KEYS] = {
    [PROFILE_ACCESS_KEY] = "aws_access_key_id",
    [PROFILE_SECRET_KEY] = "aws_secret_access_key",
    [PROFILE_TOKEN] = "aws_session_token",
    [PROFILE_ACCOUNT] = "aws_account_id",
    [PROFILE_ROLE_ARN] = "role_arn",
    [PROFILE_SOURCE_PROFILE] = "source_profile",
    [PROFILE_CREDENTIAL_SOURCE] = "credential_source",
    [PROFILE_EXTERNAL_ID] = "external_id",
    [PROFILE_SESSION_NAME] = "role_session_name",
    [PROFILE_DURATION] = "duration_seconds",
    [PROFILE_REGION] = "region",
    [PROFILE_MFA] = "mfa_serial",
    [PROFILE_WEB_IDENTITY] = "web_identity_token_file",
    [PROFILE_PROCESS] = "credential_process",
    [PROFILE_LOGIN] = "login_session",
};

struct reader {
    struct profiles *profiles;
    enum profile_file file;
    const char *path;
    unsigned line;
    struct profile *profile; /* NULL: in a section that is passed over */
    bool in_section;
    /* of the property above */
    bool has_property, is_ours, is_empty;
    size_t indent;
    struct s3_error *error;
};

static enum s3_status malformed(const struct reader *reader, const char *what)
{
    return s3_fail(reader->error, S3_FATAL, "BadProfile", "%.400s:%u: %s", reader->path, reader->line, what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct s3_text trim(struct s3_text text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static bool begins_comment(char c)
{
    return c == '#' || c == ';';
}

static bool is_word(struct s3_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

static struct s3_text unquote(struct s3_text text)
{
    if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') && text.ptr[text.len - 1] == text.ptr[0]) {
        text.ptr++;
        text.len -= 2;
    }
    return text;
}

static enum s3_status open_profile(struct reader *reader, struct s3_text name)
{
    struct profile **at = &reader->profiles->first;
    unsigned count = 0;

    for (; *at != NULL && !is_word(name, (*at)->name); count++)
        at = &(*at)->next;
    if (*at == NULL) {
        if (count == PROFILES_MAX)
            return malformed(reader, "more profiles than 8192");
        *at = calloc(1, sizeof **at);
        if (*at == NULL)
            return s3_fail(reader->error, S3_NO_MEMORY, "NoMemory", "out of memory");
        memcpy((*at)->name, name.ptr, name.len);
    }
    reader->profile = *at;
    return S3_OK;
}

/* `[default]` beside `[profile default]` does not count, whichever comes first. */
static void choose_default(struct reader *reader, bool prefixed)
{
    struct profile *profile = reader->profile;

    if (prefixed && !profile->prefixed) {
        for (size_t i = 0; i < PROFILE_KEYS; i++)
            s3_secret_clear(&profile->values[PROFILE_CONFIG][i]);
        profile->prefixed = true;
    } else if (!prefixed && profile->prefixed) {
        reader->profile = NULL;
    }
}

static enum s3_status read_section(struct reader *reader, struct s3_text line)
{
    const char *end = memchr(line.ptr, ']', line.len);
    struct s3_text name, rest;
    bool prefixed = false;
    enum s3_status status;

    if (end == NULL)
        return malformed(reader, "a section without its ]");
    name = trim((struct s3_text){ line.ptr + 1, (size_t)(end - line.ptr) - 1 });
    rest = trim((struct s3_text){ end + 1, line.len - (size_t)(end - line.ptr) - 1 });
    if (rest.len > 0 && !begins_comment(rest.ptr[0]))
        return malformed(reader, "text after a section's ]");
    reader->in_section = true;
    reader->has_property = false;
    reader->profile = NULL;
    if (reader->file == PROFILE_CONFIG) {
        prefixed = name.len > 7 && memcmp(name.ptr, "profile", 7) == 0 && is_blank(name.ptr[7]);
        if (prefixed)
            name = trim((struct s3_text){ name.ptr + 7, name.len - 7 });
        else if (!is_word(name, "default"))
            return name.len > 0 ? S3_OK : malformed(reader, "a section without a name");
    }
    name = unquote(name);
    if (name.len == 0 || name.len > PROFILE_NAME_MAX)
        return malformed(reader, "a profile's name is empty, or longer than 255 bytes");
    status = open_profile(reader, name);
    if (status == S3_OK && reader->file == PROFILE_CONFIG && is_word(name, "default"))
        choose_default(reader, prefixed);
    return status;
}

static size_t find_key(struct s3_text name)
{
    if (name.len > 4 && strncasecmp(name.ptr, "sso_", 4) == 0)
        return PROFILE_SSO;
    for (size_t i = 0; i < PROFILE_SSO; i++)
        if (strlen(names[i]) == name.len && strncasecmp(names[i], name.ptr, name.len) == 0)
            return i;
    return PROFILE_KEYS;
}

static struct s3_text without_comment(struct s3_text value)
{
    for (size_t i = 1; i < value.len; i++)
        if (begins_comment(value.ptr[i]) && is_blank(value.ptr[i - 1]))
            return trim((struct s3_text){ value.ptr, i });
    return value;
}

static enum s3_status read_property(struct reader *reader, struct s3_text line, size_t indent)
{
    const char *equals = memchr(line.ptr, '=', line.len);
    struct s3_text name, value;
    size_t key;

    if (equals == NULL)
        return malformed(reader, "neither a section, nor name = value, nor a comment");
    name = trim((struct s3_text){ line.ptr, (size_t)(equals - line.ptr) });
    if (name.len == 0)
        return malformed(reader, "a value without a name");
    if (!reader->in_section)
        return malformed(reader, "a property before the first section");
    /* with its leading blanks, so that a value may be nothing but a comment */
    value = without_comment((struct s3_text){ equals + 1, line.len - (size_t)(equals - line.ptr) - 1 });
    value = trim(value);
    key = find_key(name);
    reader->has_property = true;
    reader->indent = indent;
    reader->is_empty = value.len == 0;
    reader->is_ours = reader->profile != NULL && key != PROFILE_KEYS;
    if (reader->is_ours && !s3_secret_set(&reader->profile->values[reader->file][key], value.ptr, value.len))
        return s3_fail(reader->error, S3_NO_MEMORY, "NoMemory", "out of memory");
    return S3_OK;
}

static enum s3_status read_line(struct reader *reader, struct s3_text line)
{
    size_t indent = 0;

    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (memchr(line.ptr, '\0', line.len) != NULL || memchr(line.ptr, '\r', line.len) != NULL)
        return malformed(reader, "a control byte");
    while (indent < line.len && is_blank(line.ptr[indent]))
        indent++;
    line = trim(line);
    if (line.len == 0 || begins_comment(line.ptr[0]))
        return S3_OK;
    if (reader->has_property && indent > reader->indent)
        return reader->is_ours && !reader->is_empty ? malformed(reader, "an indented line after a value") : S3_OK;
    if (line.ptr[0] == '[')
        return read_section(reader, line);
    return read_property(reader, line, indent);
}

enum s3_status profile_parse(struct profiles *profiles, enum profile_file file, const char *path, const char *text,
        size_t length, struct s3_error *error)
{
    struct reader reader = { .profiles = profiles, .file = file, .path = path, .error = error };
    size_t at = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    enum s3_status status = S3_OK;

    while (status == S3_OK && at < length) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t used = end != NULL ? (size_t)(end - text) - at : length - at;

        reader.line++;
        status = read_line(&reader, (struct s3_text){ text + at, used });
        at += used + 1;
    }
    return status;
}
