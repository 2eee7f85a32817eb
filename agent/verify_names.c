/* Whether a long key's name is where a restore looks for it: names/ is listed beside data-long/, both in the order of
 * the hashes. See verify_inside.h. */
#include "agent/verify_inside.h"

#include <stdlib.h>
#include <string.h>

enum verdict verify_names_begin(struct verifying *verifying, struct verify_names *names, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct layout_path path;

    if (layout_folder(&options->vault->layout, LAYOUT_NAME, options->source, &path) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "\"%s\" is no valid name of a source", options->source);
    names->prefix_len = path.len;
    points_versions_begin(&names->cursor, options->vault, options->conn, (struct state_text){ path.ptr, path.len },
            (struct state_text){ NULL, 0 });
    return points_versions_next(&names->cursor, &names->entry, failure);
}

static int compare(const struct verify_names *names, struct state_text hash)
{
    const struct s3_text key = names->entry->key;
    size_t len = key.len - names->prefix_len;
    int order = memcmp(key.ptr + names->prefix_len, hash.ptr, len < hash.len ? len : hash.len);

    return order != 0 ? order : len < hash.len ? -1 : len > hash.len;
}

static bool is_md5_of(struct state_text key, struct s3_text etag)
{
    struct state_digest *digest = state_digest_new(STATE_MD5);
    char md5[STATE_SHA256_HEX_SIZE];
    struct state_error ignored;
    bool is;

    if (digest == NULL)
        return false;
    state_digest_update(digest, key.ptr, key.len);
    is = state_digest_hex(digest, md5, &ignored) == STATE_OK && strlen(md5) == etag.len &&
         memcmp(md5, etag.ptr, etag.len) == 0;
    state_digest_free(digest);
    return is;
}

/* An ETag that is no MD5, as of an encrypted file: its bytes say it. */
static enum verdict read_name(
        struct verifying *verifying, const struct verify_group *group, bool *is_right, struct failure *failure)
{
    const struct verify_options *options = verifying->options;
    struct layout_path path;
    struct state_error error;
    char *bytes = NULL;
    size_t len = 0;
    enum verdict verdict;

    *is_right = false;
    if (layout_name(&options->vault->layout, options->source, group->key, &path, &error) != STATE_OK)
        return failure_set(failure, VERDICT_INTERNAL, "%s", error.what);
    verdict = vault_get(options->vault, options->conn, path.ptr, path.len, NULL, STATE_KEY_MAX, &bytes, &len, failure);
    if (verdict == VERDICT_OK)
        *is_right = len == group->key.len && memcmp(bytes, group->key.ptr, len) == 0;
    free(bytes);
    return verdict == VERDICT_NOT_FOUND || verdict == VERDICT_FULL ? VERDICT_OK : verdict;
}

enum verdict verify_names_check(struct verifying *verifying, struct verify_names *names,
        const struct verify_group *group, struct failure *failure)
{
    bool found = false, hidden = false, is_right = false, first = true;
    enum verdict verdict = VERDICT_OK;

    while (verdict == VERDICT_OK && names->entry != NULL && compare(names, group->name) < 0)
        verdict = points_versions_next(&names->cursor, &names->entry, failure);
    while (verdict == VERDICT_OK && names->entry != NULL && compare(names, group->name) == 0) {
        const struct s3_page_entry *entry = names->entry;
        hidden = hidden || (first && entry->is_marker);
        if (first && !entry->is_marker) {
            is_right = entry->size == group->key.len && is_md5_of(group->key, entry->etag);
            if (!is_right)
                verdict = read_name(verifying, group, &is_right, failure);
        }
        found = found || !entry->is_marker;
        first = false;
        if (verdict == VERDICT_OK)
            verdict = points_versions_next(&names->cursor, &names->entry, failure);
    }
    if (verdict != VERDICT_OK)
        return verdict;
    if (!found)
        verify_tell(verifying, "name-missing", group->key,
                "the file under names/ that says this long key is gone: without points it could not be restored by "
                "name");
    else if (hidden)
        verify_tell(verifying, "name-missing", group->key, "a delete marker lies over the file under names/");
    else if (!is_right)
        verify_tell(verifying, "name-changed", group->key, "the file under names/ holds something else than this key");
    return VERDICT_OK;
}
