/* See record_form.h. */
#include "state/record_form.h"

#include <string.h>

/* Four bytes become eight digits at a time: this runs for each unchanged object, where a digit's loop would show. */
void form_md5_spell(const unsigned char bytes[FORM_MD5_SIZE], char out[FORM_MD5_TEXT])
{
    for (size_t i = 0; i < FORM_MD5_SIZE; i += 4) {
        uint64_t lanes = (uint64_t)bytes[i] | (uint64_t)bytes[i + 1] << 16 | (uint64_t)bytes[i + 2] << 32 |
                         (uint64_t)bytes[i + 3] << 48;
        uint64_t nibbles = (lanes >> 4 & 0x000f000f000f000f) | (lanes & 0x000f000f000f000f) << 8;
        uint64_t letters = (nibbles + 0x0606060606060606) >> 4 & 0x0101010101010101;
        uint64_t digits = nibbles + 0x3030303030303030 + letters * ('a' - '0' - 10);
        for (size_t j = 0; j < 8; j++)
            out[2 * i + j] = (char)(digits >> 8 * j);
    }
}

/* Without a branch a digit; what was no digit shows when the bytes are spelled again. */
bool form_md5_pack(const char *text, unsigned char out[FORM_MD5_SIZE])
{
    char again[FORM_MD5_TEXT];
    unsigned char nibbles[FORM_MD5_TEXT];
    for (size_t i = 0; i < FORM_MD5_TEXT; i++) {
        unsigned char c = (unsigned char)text[i];
        nibbles[i] = (unsigned char)((c & 0x0f) + 9 * (c >> 6));
    }
    for (size_t i = 0; i < FORM_MD5_SIZE; i++)
        out[i] = (unsigned char)(nibbles[2 * i] << 4 | (nibbles[2 * i + 1] & 0x0f));
    form_md5_spell(out, again);
    return memcmp(again, text, sizeof again) == 0;
}

bool form_parts_pack(const char *text, size_t len, uint64_t *parts)
{
    if (len < 1 || len > 5 || text[0] == '0')
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *parts = value;
    return true;
}

size_t form_parts_spell(uint64_t parts, char out[5])
{
    char reversed[5];
    size_t len = 0;
    do {
        reversed[len++] = (char)('0' + parts % 10);
        parts /= 10;
    } while (parts > 0 && len < sizeof reversed);
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    return len;
}

static const struct {
    const char *prefix;
    size_t raw;
} checksums[FORM_CHECKSUMS] = {
    { "CRC64NVME:", 8 },
    { "CRC32:", 4 },
    { "CRC32C:", 4 },
    { "SHA1:", 20 },
    { "SHA256:", 32 },
};

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static size_t base64_spell(const unsigned char *raw, size_t size, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)raw[i] << 16 | (left > 1 ? (uint32_t)raw[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)raw[i + 2] : 0);
        out[len++] = base64_digits[group >> 18 & 63];
        out[len++] = base64_digits[group >> 12 & 63];
        out[len++] = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        out[len++] = left > 2 ? base64_digits[group & 63] : '=';
    }
    return len;
}

/* Lenient about the last group: the caller spells the result again and compares. */
static bool base64_pack(const char *text, size_t size, unsigned char *raw)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t done = 0;
    for (size_t i = 0; done < size; i++) {
        const char *digit = text[i] != '\0' ? strchr(base64_digits, text[i]) : NULL;
        if (digit == NULL)
            return false;
        bits = bits << 6 | (uint32_t)(digit - base64_digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            raw[done++] = (unsigned char)(bits >> have);
        }
    }
    return true;
}

size_t form_checksum_size(unsigned form)
{
    return form >= 1 && form <= FORM_CHECKSUMS ? checksums[form - 1].raw : 0;
}

unsigned form_checksum_pack(struct state_text text, unsigned char raw[FORM_RAW_MAX])
{
    for (unsigned form = 1; form <= FORM_CHECKSUMS; form++) {
        size_t prefix = strlen(checksums[form - 1].prefix);
        size_t size = checksums[form - 1].raw;
        if (text.len != prefix + (size + 2) / 3 * 4 || memcmp(text.ptr, checksums[form - 1].prefix, prefix) != 0)
            continue;
        char again[64];
        if (!base64_pack(text.ptr + prefix, size, raw))
            return 0;
        size_t len = form_checksum_spell(form, raw, again);
        return len == text.len && memcmp(again, text.ptr, len) == 0 ? form : 0;
    }
    return 0;
}

size_t form_checksum_spell(unsigned form, const unsigned char *raw, char out[64])
{
    size_t prefix = strlen(checksums[form - 1].prefix);
    memcpy(out, checksums[form - 1].prefix, prefix);
    return prefix + base64_spell(raw, checksums[form - 1].raw, out + prefix);
}
