/* See manifest_key.h. */
#include "state/manifest_key.h"
#include "state/manifest_hash.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { LINK_SIZE = TREE_ID + TREE_CHECK };

static const struct state_text no_text = { NULL, 0 };

enum state_status manifest_lmdb_fail(int code, struct state_error *error, const char *doing)
{
    switch (code) {
    case MDB_MAP_FULL:
        return state_fail(
                error, STATE_FULL, 0, "%s: the manifest has reached its bound; free disk space and run again", doing);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return state_fail(error, STATE_FULL, code,
                "%s: no space for the manifest (disk, quota or file size limit); free some and run again", doing);
    case ENOMEM:
        return state_fail(error, STATE_NO_MEMORY, code, "%s: out of memory", doing);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_INCOMPATIBLE:
    case MDB_NOTFOUND:
    case MDB_KEYEXIST:
    case MDB_BAD_VALSIZE:
    case MDB_PANIC:
    case MDB_CURSOR_FULL:
    case MDB_PAGE_FULL:
    case MDB_MAP_RESIZED:
    case MDB_BAD_TXN:
    case MDB_BAD_DBI:
        return state_fail(error, STATE_BAD_DATA, 0, "%s: the manifest is damaged (%s)", doing, mdb_strerror(code));
    default:
        if (code > 0) /* mdb_strerror would call strerror, which threads may not */
            return state_fail(error, STATE_IO, code, "%s failed (errno %d)", doing, code);
        return state_fail(error, STATE_IO, 0, "%s: %s", doing, mdb_strerror(code));
    }
}

static enum state_status damaged(struct state_error *error, const char *what)
{
    return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (%s)", what);
}

uint64_t tree_payload(size_t key, size_t value)
{
    return TREE_NODE + key + TREE_CHECK + value;
}

uint64_t tree_checksum(const struct tree *tree, struct state_text key, struct state_text value)
{
    return manifest_hash(manifest_hash(tree->seed, key.ptr, key.len), value.ptr, value.len);
}

bool tree_value(const struct tree *tree, struct state_text key, const MDB_val *stored, struct state_text *value)
{
    if (stored->mv_size < TREE_CHECK)
        return false;
    uint64_t check;
    memcpy(&check, stored->mv_data, sizeof check);
    *value = (struct state_text){ (const char *)stored->mv_data + TREE_CHECK, stored->mv_size - TREE_CHECK };
    return check == tree_checksum(tree, key, *value);
}

/* The place of (the rest of) a key on one level: either a record's or a link's entry. */
struct place {
    MDB_val entry;
    bool is_link;
    struct state_text rest; /* is_link: what is left for the next level */
    unsigned char bytes[TREE_ENTRY_MAX];
};

static void place_at(struct place *place, unsigned level, const unsigned char id[TREE_ID], struct state_text key)
{
    size_t take = level == 0 ? TREE_HEAD : TREE_STEP;
    place->is_link = key.len >= take;
    if (!place->is_link)
        take = key.len;
    place->rest = (struct state_text){ key.ptr + take, key.len - take };
    if (level == 0) {
        place->entry = (MDB_val){ take, (void *)key.ptr };
        return;
    }
    memcpy(place->bytes, id, TREE_ID);
    memcpy(place->bytes + TREE_ID, key.ptr, take);
    place->entry = (MDB_val){ TREE_ID + take, place->bytes };
}

static uint64_t link_checksum(const struct tree *tree, unsigned level, const MDB_val *entry, const unsigned char *id)
{
    return manifest_hash(manifest_hash(tree->seed + ~(uint64_t)level, entry->mv_data, entry->mv_size), id, TREE_ID);
}

static enum state_status link_read(const struct tree *tree, unsigned level, const MDB_val *entry, const MDB_val *stored,
        unsigned char id[TREE_ID], struct state_error *error)
{
    uint64_t check;
    if (stored->mv_size != LINK_SIZE || level + 1 >= TREE_LEVELS)
        return damaged(error, "a link of a long key");
    memcpy(id, stored->mv_data, TREE_ID);
    memcpy(&check, (const char *)stored->mv_data + TREE_ID, sizeof check);
    if (check != link_checksum(tree, level, entry, id))
        return damaged(error, "a link of a long key does not fit its checksum");
    return STATE_OK;
}

enum state_status tree_get(MDB_txn *txn, const struct tree *tree, struct state_text key, struct state_text *value,
        struct state_error *error)
{
    unsigned char id[TREE_ID] = { 0 };
    struct state_text rest = key;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        struct place place;
        MDB_val stored;
        place_at(&place, level, id, rest);
        int code = mdb_get(txn, tree->level[level], &place.entry, &stored);
        if (code == MDB_NOTFOUND)
            return STATE_NOT_FOUND;
        if (code != 0)
            return manifest_lmdb_fail(code, error, "reading a record");
        if (!place.is_link)
            return tree_value(tree, key, &stored, value) ? STATE_OK
                                                         : damaged(error, "a record does not fit its checksum");
        enum state_status status = link_read(tree, level, &place.entry, &stored, id, error);
        if (status != STATE_OK)
            return status;
        rest = place.rest;
    }
    return damaged(error, "a key that is too long");
}

/* Follows the link, or makes it. */
static enum state_status link_follow(MDB_txn *txn, const struct tree *tree, unsigned level, struct place *place,
        unsigned flags, uint64_t *next_link, struct tree_count *count, unsigned char id[TREE_ID],
        struct state_error *error)
{
    MDB_val stored;
    int code = mdb_get(txn, tree->level[level], &place->entry, &stored);
    if (code == 0)
        return link_read(tree, level, &place->entry, &stored, id, error);
    if (code != MDB_NOTFOUND)
        return manifest_lmdb_fail(code, error, "reading a link");
    unsigned char link[LINK_SIZE];
    uint64_t number = ++*next_link;
    for (unsigned i = 0; i < TREE_ID; i++)
        id[i] = (unsigned char)(number >> 8 * (TREE_ID - 1 - i));
    uint64_t check = link_checksum(tree, level, &place->entry, id);
    memcpy(link, id, TREE_ID);
    memcpy(link + TREE_ID, &check, sizeof check);
    stored = (MDB_val){ sizeof link, link };
    code = mdb_put(txn, tree->level[level], &place->entry, &stored, flags);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "writing a link");
    count->links++;
    count->payload += TREE_NODE + place->entry.mv_size + LINK_SIZE;
    return STATE_OK;
}

enum state_status tree_put(MDB_txn *txn, const struct tree *tree, struct state_text key, struct state_text value,
        size_t old, unsigned flags, uint64_t *next_link, struct tree_count *count, struct state_error *error)
{
    assert(key.len > 0 && key.len <= TREE_KEY_MAX);
    unsigned char id[TREE_ID] = { 0 };
    struct state_text rest = key;
    struct place place;
    unsigned level = 0;
    for (;; level++) {
        place_at(&place, level, id, rest);
        if (!place.is_link)
            break;
        enum state_status status = link_follow(txn, tree, level, &place, flags, next_link, count, id, error);
        if (status != STATE_OK)
            return status;
        rest = place.rest;
    }
    MDB_val stored = { TREE_CHECK + value.len, NULL };
    uint64_t check = tree_checksum(tree, key, value);
    int code = mdb_put(txn, tree->level[level], &place.entry, &stored, flags | MDB_RESERVE);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "writing a record");
    memcpy(stored.mv_data, &check, sizeof check);
    if (value.len > 0)
        memcpy((char *)stored.mv_data + TREE_CHECK, value.ptr, value.len);
    if (old == TREE_NEW) {
        count->records++;
        count->payload += tree_payload(place.entry.mv_size, value.len);
    } else {
        count->payload += value.len - old;
    }
    return STATE_OK;
}

/* Whether anything lies below an id. */
static enum state_status is_bare(
        MDB_txn *txn, MDB_dbi level, const unsigned char id[TREE_ID], bool *bare, struct state_error *error)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, level, &cursor);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "reading a link");
    MDB_val entry = { TREE_ID, (void *)id };
    MDB_val stored;
    code = mdb_cursor_get(cursor, &entry, &stored, MDB_SET_RANGE);
    *bare = code == MDB_NOTFOUND || (code == 0 && (entry.mv_size < TREE_ID || memcmp(entry.mv_data, id, TREE_ID) != 0));
    mdb_cursor_close(cursor);
    return code == 0 || code == MDB_NOTFOUND ? STATE_OK : manifest_lmdb_fail(code, error, "reading a link");
}

enum state_status tree_remove(MDB_txn *txn, const struct tree *tree, struct state_text key, size_t old,
        struct tree_count *count, struct state_error *error)
{
    struct place place[TREE_LEVELS];
    unsigned char id[TREE_LEVELS][TREE_ID] = { { 0 } };
    struct state_text rest = key;
    unsigned level = 0;
    for (;; level++) {
        assert(level < TREE_LEVELS);
        place_at(&place[level], level, id[level], rest);
        if (!place[level].is_link)
            break;
        MDB_val stored;
        int code = mdb_get(txn, tree->level[level], &place[level].entry, &stored);
        if (code != 0)
            return manifest_lmdb_fail(code, error, "removing a record");
        enum state_status status = link_read(tree, level, &place[level].entry, &stored, id[level + 1], error);
        if (status != STATE_OK)
            return status;
        rest = place[level].rest;
    }
    int code = mdb_del(txn, tree->level[level], &place[level].entry, NULL);
    if (code != 0)
        return manifest_lmdb_fail(code, error, "removing a record");
    count->records--;
    count->payload -= tree_payload(place[level].entry.mv_size, old);
    for (; level > 0; level--) {
        bool bare;
        enum state_status status = is_bare(txn, tree->level[level], id[level], &bare, error);
        if (status != STATE_OK)
            return status;
        if (!bare)
            break;
        code = mdb_del(txn, tree->level[level - 1], &place[level - 1].entry, NULL);
        if (code != 0)
            return manifest_lmdb_fail(code, error, "removing a link");
        count->links--;
        count->payload -= TREE_NODE + place[level - 1].entry.mv_size + LINK_SIZE;
    }
    return STATE_OK;
}

static void cursor_reset(struct tree_cursor *cursor)
{
    cursor->level = 0;
    cursor->ready = false;
    cursor->empty = false;
    cursor->last = no_text;
    cursor->turn = 0;
}

enum state_status tree_cursor_open(
        MDB_txn *txn, const struct tree *tree, struct tree_cursor *cursor, struct state_error *error)
{
    cursor->tree = tree;
    cursor_reset(cursor);
    for (unsigned level = 0; level < TREE_LEVELS; level++)
        cursor->at[level] = NULL;
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        int code = mdb_cursor_open(txn, tree->level[level], &cursor->at[level]);
        if (code != 0) {
            tree_cursor_close(cursor);
            return manifest_lmdb_fail(code, error, "opening a cursor");
        }
    }
    return STATE_OK;
}

enum state_status tree_cursor_renew(MDB_txn *txn, struct tree_cursor *cursor, struct state_error *error)
{
    cursor_reset(cursor);
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        int code = mdb_cursor_renew(txn, cursor->at[level]);
        if (code != 0)
            return manifest_lmdb_fail(code, error, "renewing a cursor");
    }
    return STATE_OK;
}

void tree_cursor_close(struct tree_cursor *cursor)
{
    for (unsigned level = 0; level < TREE_LEVELS; level++) {
        if (cursor->at[level] != NULL)
            mdb_cursor_close(cursor->at[level]);
        cursor->at[level] = NULL;
    }
}

/* Whether the entry where the cursor stands lies below the link that led to its level. */
static bool is_below(const struct tree_cursor *cursor)
{
    return cursor->entry.mv_size >= TREE_ID && memcmp(cursor->entry.mv_data, cursor->id[cursor->level], TREE_ID) == 0;
}

/* Moves on on the present level, and up where that level is exhausted; STATE_END behind the last. */
static enum state_status cursor_step(struct tree_cursor *cursor, struct state_error *error)
{
    for (;;) {
        int code = mdb_cursor_get(cursor->at[cursor->level], &cursor->entry, &cursor->stored, MDB_NEXT);
        if (code != 0 && code != MDB_NOTFOUND)
            return manifest_lmdb_fail(code, error, "reading on");
        if (code == 0 && (cursor->level == 0 || is_below(cursor)))
            return STATE_OK;
        if (cursor->level == 0)
            return STATE_END;
        cursor->level--;
    }
}

/* From the link where the cursor stands into its level, whose first entry it then stands on. */
static enum state_status cursor_descend(struct tree_cursor *cursor, struct state_error *error)
{
    unsigned level = cursor->level;
    if (level + 1 >= TREE_LEVELS)
        return damaged(error, "a key that is too long");
    enum state_status status =
            link_read(cursor->tree, level, &cursor->entry, &cursor->stored, cursor->id[level + 1], error);
    if (status != STATE_OK)
        return status;
    if (level == 0)
        memcpy(cursor->head, cursor->entry.mv_data, TREE_HEAD);
    else
        memcpy(cursor->head + TREE_HEAD, (const char *)cursor->entry.mv_data + TREE_ID, TREE_STEP);
    cursor->level = level + 1;
    return STATE_OK;
}

static enum state_status cursor_first_below(struct tree_cursor *cursor, struct state_error *error)
{
    cursor->entry = (MDB_val){ TREE_ID, cursor->id[cursor->level] };
    int code = mdb_cursor_get(cursor->at[cursor->level], &cursor->entry, &cursor->stored, MDB_SET_RANGE);
    if (code != 0 && code != MDB_NOTFOUND)
        return manifest_lmdb_fail(code, error, "following a link");
    if (code != 0 || !is_below(cursor))
        return damaged(error, "a link leads nowhere");
    return STATE_OK;
}

enum state_status tree_cursor_seek(
        struct tree_cursor *cursor, struct state_text key, bool after, struct state_error *error)
{
    cursor_reset(cursor);
    struct state_text rest = key;
    if (key.len == 0) {
        int code = mdb_cursor_get(cursor->at[0], &cursor->entry, &cursor->stored, MDB_FIRST);
        cursor->ready = code == 0;
        cursor->empty = code == MDB_NOTFOUND;
        return code == 0 || code == MDB_NOTFOUND ? STATE_OK : manifest_lmdb_fail(code, error, "seeking");
    }
    for (;;) {
        struct place place;
        place_at(&place, cursor->level, cursor->id[cursor->level], rest);
        MDB_val wanted = place.entry;
        cursor->entry = place.entry;
        int code = mdb_cursor_get(cursor->at[cursor->level], &cursor->entry, &cursor->stored, MDB_SET_RANGE);
        if (code != 0 && code != MDB_NOTFOUND)
            return manifest_lmdb_fail(code, error, "seeking");
        enum state_status status = STATE_OK;
        bool equal = code == 0 && cursor->entry.mv_size == wanted.mv_size &&
                     memcmp(cursor->entry.mv_data, wanted.mv_data, wanted.mv_size) == 0;
        if (equal && place.is_link) {
            rest = place.rest;
            status = cursor_descend(cursor, error);
            if (status != STATE_OK)
                return status;
            continue;
        }
        if (equal && after) {
            status = cursor_step(cursor, error);
        } else if (cursor->level > 0 && (code != 0 || !is_below(cursor))) {
            cursor->level--;
            status = cursor_step(cursor, error);
        } else if (code != 0) {
            status = STATE_END;
        }
        cursor->ready = status == STATE_OK;
        cursor->empty = status == STATE_END;
        return status == STATE_END ? STATE_OK : status;
    }
}

enum state_status tree_cursor_next(
        struct tree_cursor *cursor, struct state_text *key, struct state_text *value, struct state_error *error)
{
    enum state_status status = cursor->empty ? STATE_END : STATE_OK;
    if (!cursor->empty && !cursor->ready)
        status = cursor_step(cursor, error);
    cursor->ready = false;
    if (status == STATE_END)
        cursor->empty = true;
    while (status == STATE_OK && cursor->entry.mv_size == TREE_ENTRY_MAX) {
        status = cursor_descend(cursor, error);
        if (status == STATE_OK)
            status = cursor_first_below(cursor, error);
    }
    if (status != STATE_OK)
        return status;
    if (cursor->level == 0) {
        *key = (struct state_text){ cursor->entry.mv_data, cursor->entry.mv_size };
    } else {
        size_t head = cursor->level == 1 ? TREE_HEAD : TREE_HEAD + TREE_STEP;
        size_t rest = cursor->entry.mv_size - TREE_ID;
        char *whole = cursor->key[cursor->turn++ % 2];
        memcpy(whole, cursor->head, head);
        memcpy(whole + head, (const char *)cursor->entry.mv_data + TREE_ID, rest);
        *key = (struct state_text){ whole, head + rest };
    }
    if (!tree_value(cursor->tree, *key, &cursor->stored, value))
        return damaged(error, "a record does not fit its checksum");
    size_t shared = key->len < cursor->last.len ? key->len : cursor->last.len;
    int order = shared > 0 ? memcmp(cursor->last.ptr, key->ptr, shared) : 0;
    if (order > 0 || (order == 0 && key->len <= cursor->last.len))
        return damaged(error, "keys out of order");
    cursor->last = *key;
    return STATE_OK;
}
