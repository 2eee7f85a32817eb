/*
 * What the fuzzers of pages share. The first byte of the input selects the size of the chunks; the same document is
 * then parsed a second time in one piece, and the verdict and the page must be the same.
 */
#ifndef TESTS_FUZZ_S3_PAGE_CHECK_H
#define TESTS_FUZZ_S3_PAGE_CHECK_H

#include "s3/answer.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static enum s3_status fuzz_parse(
        struct s3_parser *parser, enum s3_answer_kind kind, void *out, const uint8_t *data, size_t size, size_t chunk)
{
    struct s3_error error;
    s3_error_clear(&error);
    require(s3_parser_begin(parser, kind, out) == S3_OK);
    for (size_t at = 0; at < size; at += chunk) {
        size_t part = size - at < chunk ? size - at : chunk;
        s3_parser_feed(parser, (const char *)data + at, part);
    }
    enum s3_status status = s3_parser_finish(parser, 200, &error);
    require(strlen(error.message) < sizeof error.message);
    require(status == S3_OK || error.code[0] != '\0');
    return status;
}

static inline bool in_arena(const struct s3_page *page, struct s3_text text)
{
    return text.len == 0 || (text.ptr >= page->arena && text.ptr + text.len <= page->arena + page->arena_used);
}

static inline bool is_key(const struct s3_page *page, struct s3_text text)
{
    return in_arena(page, text) && text.len >= 1 && text.len <= S3_KEY_MAX && s3_is_utf8(text.ptr, text.len);
}

static inline bool same_text(struct s3_text a, struct s3_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline void check_page(const struct s3_page *page, const struct s3_page *other)
{
    require(page->count <= 2000 && page->prefix_count <= 2000);
    require(page->count == other->count && page->prefix_count == other->prefix_count);
    require(page->truncated == other->truncated && same_text(page->next_token, other->next_token) &&
            same_text(page->next_key, other->next_key) && same_text(page->next_version, other->next_version));
    for (size_t i = 0; i < page->count; i++) {
        const struct s3_page_entry *entry = &page->entries[i];
        require(is_key(page, entry->key) && in_arena(page, entry->etag) && in_arena(page, entry->class_) &&
                in_arena(page, entry->version));
        require(entry->etag.len <= S3_ETAG_MAX && entry->version.len <= S3_VERSION_MAX && entry->size <= INT64_MAX);
        const struct s3_page_entry *twin = &other->entries[i];
        require(same_text(entry->key, twin->key) && same_text(entry->etag, twin->etag) && entry->size == twin->size &&
                entry->modified_ms == twin->modified_ms && entry->is_marker == twin->is_marker);
    }
    for (size_t i = 0; i < page->prefix_count; i++) {
        require(is_key(page, page->prefixes[i]));
    }
    require(in_arena(page, page->next_token) && in_arena(page, page->next_version));
    require(page->next_key.len == 0 || is_key(page, page->next_key));
}

static inline bool mentions(const uint8_t *data, size_t size, const char *word)
{
    return memmem(data, size, word, strlen(word)) != NULL;
}

static inline int page_check(
        enum s3_answer_kind kind, const char *root, const char *other_root, const uint8_t *data, size_t size)
{
    /* Kept between inputs: that nothing of one document reaches the next is part of the claim. */
    static struct s3_parser *parser;
    static struct s3_page page, whole;
    if (parser == NULL) {
        parser = s3_parser_new();
        require(parser != NULL);
    }
    if (size == 0) {
        return 0;
    }
    size_t chunk = (size_t)data[0] + 1;
    data++, size--;
    enum s3_status status = fuzz_parse(parser, kind, &page, data, size, chunk);
    require(fuzz_parse(parser, kind, &whole, data, size, size > 0 ? size : 1) == status);
    check_page(&page, &whole);
    if (status == S3_OK) {
        require(mentions(data, size, root) || mentions(data, size, other_root));
        require(mentions(data, size, "IsTruncated"));
        require(!mentions(data, size, "<!DOCTYPE") || mentions(data, size, "<!--") || mentions(data, size, "CDATA") ||
                mentions(data, size, "<?"));
    } else {
        require(page.count == 0 && page.prefix_count == 0);
    }
    return 0;
}

#endif
