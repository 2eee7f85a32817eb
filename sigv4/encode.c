#include "sigv4/encode.h"

#include "sigv4/writer.h"

/* Hand-written, since isalnum() depends on the locale. */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

static bool is_upper_hex(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

static void encode_to(struct sigv4_writer *out, const char *in, size_t length, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < length;) {
        size_t start = i;
        while (i < length && (is_unreserved((unsigned char)in[i]) || (keep_slash && in[i] == '/')))
            i++;
        if (i > start)
            sigv4_writer_add(out, in + start, i - start);
        if (i == length)
            return;
        unsigned char c = (unsigned char)in[i++];
        char *place = sigv4_writer_take(out, 3);
        if (!place)
            return;
        place[0] = '%';
        place[1] = digits[c >> 4];
        place[2] = digits[c & 15];
    }
}

size_t sigv4_encode(char *out, size_t out_size, const char *in, size_t in_len, bool keep_slash)
{
    struct sigv4_writer writer;
    sigv4_writer_init(&writer, out, out_size);
    encode_to(&writer, in, in_len, keep_slash);
    return sigv4_writer_end(&writer) ? writer.used : (size_t)-1;
}

/*
 * Where a byte's encoded form sorts. `%` is below every unreserved character, and upper-case hex digits sort as the
 * byte does, so that texts can be ordered as if they were encoded without encoding them.
 */
static unsigned encoded_rank(unsigned char c)
{
    return is_unreserved(c) ? 256U + c : c;
}

static int compare_encoded(struct sigv4_text a, struct sigv4_text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < shorter; i++) {
        if (a.ptr[i] != b.ptr[i])
            return encoded_rank((unsigned char)a.ptr[i]) < encoded_rank((unsigned char)b.ptr[i]) ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static bool comes_after(const struct sigv4_pair *a, const struct sigv4_pair *b)
{
    int order = compare_encoded(a->name, b->name);
    return order != 0 ? order > 0 : compare_encoded(a->value, b->value) > 0;
}

size_t sigv4_build_query(char *out, size_t out_size, const struct sigv4_pair *parameters, size_t count)
{
    const struct sigv4_pair *sorted[SIGV4_MAX_PARAMETERS];
    if (count > SIGV4_MAX_PARAMETERS)
        return (size_t)-1;
    for (size_t i = 0; i < count; i++) {
        size_t place = i;
        if (parameters[i].name.len == 0)
            return (size_t)-1;
        for (; place > 0 && comes_after(sorted[place - 1], &parameters[i]); place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = &parameters[i];
    }

    struct sigv4_writer writer;
    sigv4_writer_init(&writer, out, out_size);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            sigv4_writer_add(&writer, "&", 1);
        encode_to(&writer, sorted[i]->name.ptr, sorted[i]->name.len, false);
        sigv4_writer_add(&writer, "=", 1);
        encode_to(&writer, sorted[i]->value.ptr, sorted[i]->value.len, false);
    }
    return sigv4_writer_end(&writer) ? writer.used : (size_t)-1;
}

/* The length of the encoded character at `at`: 1, 3, or 0 where encoding would not have written it. */
static size_t encoded_at(struct sigv4_text text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];
    if (is_unreserved(c))
        return 1;
    if (c != '%' || text.len - at < 3)
        return 0;
    return is_upper_hex((unsigned char)text.ptr[at + 1]) && is_upper_hex((unsigned char)text.ptr[at + 2]) ? 3 : 0;
}

bool sigv4_encode_is_path(struct sigv4_text path)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < path.len;) {
        size_t step = path.ptr[i] == '/' ? 1 : encoded_at(path, i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

bool sigv4_encode_is_query(struct sigv4_text query)
{
    bool in_value = false;
    size_t name_start = 0;
    for (size_t i = 0; i < query.len;) {
        size_t step = 1;
        if (query.ptr[i] == '=' && !in_value && i > name_start) {
            in_value = true;
        } else if (query.ptr[i] == '&' && in_value) {
            in_value = false;
            name_start = i + 1;
        } else {
            step = encoded_at(query, i);
        }
        if (step == 0)
            return false;
        i += step;
    }
    return in_value || query.len == 0;
}
