#include "sigv4/canonical.h"

#include <string.h>

#include "sigv4/encode.h"

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int compare_names(struct sigv4_text a, struct sigv4_text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < shorter; i++) {
        char x = to_lower(a.ptr[i]), y = to_lower(b.ptr[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static bool is_name(struct sigv4_text name, const char *lower_case)
{
    struct sigv4_text other = { lower_case, strlen(lower_case) };
    return name.len == other.len && compare_names(name, other) == 0;
}

/* RFC 9110's token, which is all that may be a header's name. */
static bool is_token(struct sigv4_text name)
{
    static const char marks[] = { '-', '!', '#', '$', '%', '&', '\'', '*', '+', '.', '^', '_', '`', '|', '~' };
    for (size_t i = 0; i < name.len; i++) {
        char c = to_lower(name.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !memchr(marks, c, sizeof marks))
            return false;
    }
    return name.len > 0;
}

/* Sorted by insertion: headers are a dozen and mostly in order, and equal names must keep theirs. */
static void insert(struct sigv4_canonical *canonical, const struct sigv4_pair *header)
{
    size_t place = canonical->count++;
    for (; place > 0 && compare_names(canonical->headers[place - 1]->name, header->name) > 0; place--)
        canonical->headers[place] = canonical->headers[place - 1];
    canonical->headers[place] = header;
}

enum sigv4_status sigv4_canonical_collect(struct sigv4_canonical *canonical, const struct sigv4_request *request,
        const struct sigv4_pair *added, size_t added_count)
{
    bool has_host = false;
    canonical->count = 0;
    if (request->header_count > SIGV4_MAX_HEADERS)
        return SIGV4_TOO_LONG;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct sigv4_pair *header = &request->headers[i];
        if (!is_token(header->name) || is_name(header->name, "authorization"))
            return SIGV4_BAD_INPUT;
        for (size_t j = 0; j < added_count; j++) {
            if (header->name.len == added[j].name.len && compare_names(header->name, added[j].name) == 0)
                return SIGV4_BAD_INPUT;
        }
        has_host = has_host || is_name(header->name, "host");
        insert(canonical, header);
    }
    for (size_t j = 0; j < added_count; j++)
        insert(canonical, &added[j]);
    return has_host ? SIGV4_OK : SIGV4_BAD_INPUT;
}

static bool is_repeated(const struct sigv4_canonical *canonical, size_t at)
{
    return at > 0 && compare_names(canonical->headers[at - 1]->name, canonical->headers[at]->name) == 0;
}

void sigv4_canonical_write_names(const struct sigv4_canonical *canonical, struct sigv4_writer *out)
{
    for (size_t i = 0; i < canonical->count; i++) {
        struct sigv4_text name = canonical->headers[i]->name;
        if (is_repeated(canonical, i))
            continue;
        if (i > 0)
            sigv4_writer_add(out, ";", 1);
        char *place = sigv4_writer_take(out, name.len);
        for (size_t j = 0; place && j < name.len; j++)
            place[j] = to_lower(name.ptr[j]);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The value without blanks around it, each run of blanks inside as one space. False where it could not be a value. */
static bool hash_value(struct sigv4_hash *hash, struct sigv4_text value)
{
    bool first = true;
    for (size_t i = 0; i < value.len;) {
        while (i < value.len && is_blank(value.ptr[i]))
            i++;
        size_t start = i;
        for (; i < value.len && !is_blank(value.ptr[i]); i++) {
            if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0')
                return false;
        }
        if (i == start)
            break;
        if (!first)
            sigv4_hash_add(hash, " ", 1);
        sigv4_hash_add(hash, value.ptr + start, i - start);
        first = false;
    }
    return true;
}

/* `names` holds the lower-case names in this very order, so each is taken from there. */
static bool hash_headers(struct sigv4_hash *hash, const struct sigv4_canonical *canonical, struct sigv4_text names)
{
    size_t name_at = 0;
    for (size_t i = 0; i < canonical->count; i++) {
        if (is_repeated(canonical, i)) {
            sigv4_hash_add(hash, ",", 1);
        } else {
            size_t length = canonical->headers[i]->name.len;
            if (i > 0)
                sigv4_hash_add(hash, "\n", 1);
            sigv4_hash_add(hash, names.ptr + name_at, length);
            sigv4_hash_add(hash, ":", 1);
            name_at += length + 1;
        }
        if (!hash_value(hash, canonical->headers[i]->value))
            return false;
    }
    sigv4_hash_add(hash, "\n\n", 2);
    return true;
}

static bool is_method(struct sigv4_text method)
{
    for (size_t i = 0; i < method.len; i++) {
        if (method.ptr[i] < 'A' || method.ptr[i] > 'Z')
            return false;
    }
    return method.len > 0;
}

static bool is_payload_hash(struct sigv4_text text)
{
    static const char unsigned_payload[] = SIGV4_UNSIGNED_PAYLOAD;
    if (text.len == sizeof unsigned_payload - 1)
        return memcmp(text.ptr, unsigned_payload, text.len) == 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!(text.ptr[i] >= '0' && text.ptr[i] <= '9') && !(text.ptr[i] >= 'a' && text.ptr[i] <= 'f'))
            return false;
    }
    return text.len == SIGV4_HASH_HEX;
}

enum sigv4_status sigv4_canonical_hash(const struct sigv4_canonical *canonical, const struct sigv4_request *request,
        struct sigv4_text query, struct sigv4_text names, struct sigv4_hash *hash, char hex[SIGV4_HASH_HEX])
{
    if (!is_method(request->method) || !sigv4_encode_is_path(request->path) || !sigv4_encode_is_query(query) ||
            !is_payload_hash(request->payload_hash))
        return SIGV4_BAD_INPUT;
    sigv4_hash_begin(hash);
    sigv4_hash_add(hash, request->method.ptr, request->method.len);
    sigv4_hash_add(hash, "\n", 1);
    sigv4_hash_add(hash, request->path.ptr, request->path.len);
    sigv4_hash_add(hash, "\n", 1);
    sigv4_hash_add(hash, query.ptr, query.len);
    sigv4_hash_add(hash, "\n", 1);
    if (!hash_headers(hash, canonical, names))
        return SIGV4_BAD_INPUT;
    sigv4_hash_add(hash, names.ptr, names.len);
    sigv4_hash_add(hash, "\n", 1);
    sigv4_hash_add(hash, request->payload_hash.ptr, request->payload_hash.len);
    return sigv4_hash_end(hash, hex);
}
