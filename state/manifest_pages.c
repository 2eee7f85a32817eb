/* See manifest_pages.h. */
#include "state/manifest_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A page's header: its number, two bytes of padding, flags, and where the free space begins and ends */
enum {
    AT_FLAGS = sizeof(size_t) + 2,
    AT_LOWER = sizeof(size_t) + 4,
    AT_UPPER = sizeof(size_t) + 6,
    AT_RUN = sizeof(size_t) + 4, /* of an overflow page: how many there are, in place of the two above */
    HEADER = sizeof(size_t) + 8
};
enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4 };

/* A node: three numbers of 16 bits that are a size, or a child's page; the key's length; the key; the data */
enum { NODE_HEADER = 8, NODE_BIG = 1, NODE_DATABASE = 2 };

enum { DEPTH_MAX = 32, META_PAGES = 2 };

#define NO_PAGE SIZE_MAX

struct database {
    uint32_t pad;
    uint16_t flags;
    uint16_t depth;
    size_t branches;
    size_t leaves;
    size_t overflows;
    size_t entries;
    size_t root;
};

struct meta {
    uint32_t magic;
    uint32_t version;
    void *address;
    size_t map_size;
    struct database free;
    struct database main;
    size_t last_page;
    size_t commit;
};

enum content { CONTENT_FREE, CONTENT_MAIN, CONTENT_VALUES };

struct pages {
    const unsigned char *map;
    size_t page;
    size_t count;
    unsigned char *taken; /* a bit a page: used or free */
};

static bool walk_database(struct pages *pages, const struct database *database, enum content content);

static unsigned number16(const unsigned char *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static size_t number_word(const unsigned char *at)
{
    size_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static bool take(struct pages *pages, size_t page)
{
    if (page < META_PAGES || page >= pages->count || (pages->taken[page / 8] & 1U << page % 8) != 0)
        return false;
    pages->taken[page / 8] |= (unsigned char)(1U << page % 8);
    return true;
}

/* A node's bounds and fields; its data are `size` bytes, of which only a page's number is here where `flags` say big.
 */
struct node {
    const unsigned char *at;
    size_t total; /* with its header, even */
    size_t key;
    size_t size;
    unsigned flags;
};

static bool read_node(const unsigned char *page, size_t page_size, size_t offset, bool leaf, struct node *node)
{
    if (offset + NODE_HEADER > page_size)
        return false;
    node->at = page + offset;
    node->key = number16(node->at + 6);
    node->flags = leaf ? number16(node->at + 4) : 0;
    node->size = leaf ? number16(node->at) | (size_t)number16(node->at + 2) << 16 : 0;
    size_t here = leaf && (node->flags & NODE_BIG) != 0 ? sizeof(size_t) : node->size;
    node->total = (NODE_HEADER + node->key + here + 1) & ~(size_t)1;
    return node->key <= page_size && here <= page_size && offset + node->total <= page_size;
}

static bool walk_overflow(struct pages *pages, const struct node *node, struct database *seen)
{
    size_t first = number_word(node->at + NODE_HEADER + node->key);
    if (!take(pages, first))
        return false;
    const unsigned char *page = pages->map + first * pages->page;
    uint32_t run;
    memcpy(&run, page + AT_RUN, sizeof run);
    /* a run may be longer than its value, that took an older and longer one's place */
    if (number_word(page) != first || number16(page + AT_FLAGS) != OVERFLOW ||
            run < (HEADER - 1 + node->size) / pages->page + 1)
        return false;
    for (size_t i = 1; i < run; i++)
        if (!take(pages, first + i))
            return false;
    seen->overflows += run;
    return true;
}

/* A record of the free list: a count, and as many numbers of pages. */
static bool take_free(struct pages *pages, const unsigned char *value, size_t size)
{
    size_t word = sizeof(size_t);
    if (size < word || number_word(value) > size / word - 1)
        return false;
    for (size_t i = number_word(value); i > 0; i--)
        if (!take(pages, number_word(value + i * word)))
            return false;
    return true;
}

static bool walk_leaf_node(struct pages *pages, const struct node *node, enum content content, struct database *seen)
{
    const unsigned char *value = node->at + NODE_HEADER + node->key;
    seen->entries++;
    if (node->key == 0)
        return false;
    if (content == CONTENT_MAIN) {
        struct database below;
        if (node->flags != NODE_DATABASE || node->size != sizeof below)
            return false;
        memcpy(&below, value, sizeof below);
        return below.flags == 0 && walk_database(pages, &below, CONTENT_VALUES);
    }
    if (node->flags == NODE_BIG) {
        if (!walk_overflow(pages, node, seen))
            return false;
        value = pages->map + number_word(value) * pages->page + HEADER;
    } else if (node->flags != 0) {
        return false;
    }
    return content != CONTENT_FREE || take_free(pages, value, node->size);
}

/* One page and all below it; `height` is 1 for a leaf. */
static bool walk_page(struct pages *pages, size_t number, unsigned height, enum content content, struct database *seen)
{
    if (!take(pages, number))
        return false;
    const unsigned char *page = pages->map + number * pages->page;
    bool leaf = height == 1;
    size_t lower = number16(page + AT_LOWER);
    size_t upper = number16(page + AT_UPPER);
    if (number_word(page) != number || number16(page + AT_FLAGS) != (leaf ? LEAF : BRANCH) || lower < HEADER ||
            lower % 2 != 0 || upper < lower || upper > pages->page)
        return false;
    size_t nodes = (lower - HEADER) / 2;
    size_t filled = 0;
    if (nodes == 0)
        return false;
    *(leaf ? &seen->leaves : &seen->branches) += 1;
    for (size_t i = 0; i < nodes; i++) {
        struct node node;
        size_t offset = number16(page + HEADER + 2 * i);
        if (offset < upper || offset % 2 != 0 || !read_node(page, pages->page, offset, leaf, &node))
            return false;
        filled += node.total;
        if (leaf) {
            if (!walk_leaf_node(pages, &node, content, seen))
                return false;
            continue;
        }
        size_t child = number16(node.at) | (size_t)number16(node.at + 2) << 16;
        child |= sizeof(size_t) > 4 ? (size_t)number16(node.at + 4) << 16 << 16 : 0;
        if (!walk_page(pages, child, height - 1, content, seen))
            return false;
    }
    /* nodes lie without gaps: as many bytes as the page has from `upper` on, so that none overlap (keys differ) */
    return filled == pages->page - upper;
}

static bool walk_database(struct pages *pages, const struct database *database, enum content content)
{
    struct database seen = { 0 };
    if (database->depth > DEPTH_MAX || (database->depth == 0) != (database->root == NO_PAGE))
        return false;
    if (database->depth > 0 && !walk_page(pages, database->root, database->depth, content, &seen))
        return false;
    return seen.branches == database->branches && seen.leaves == database->leaves &&
           seen.overflows == database->overflows && seen.entries == database->entries;
}

static bool walk_all(struct pages *pages, size_t size, uint64_t commit)
{
    struct meta meta = { 0 };
    for (size_t i = 0; i < META_PAGES; i++) {
        memcpy(&meta, pages->map + i * pages->page + HEADER, sizeof meta);
        if (meta.commit == commit)
            break;
    }
    pages->count = meta.last_page + 1;
    /* pages at the end may be missing: free ones, that were never written; but not more than one transaction takes */
    if (meta.commit != commit || meta.last_page < 1 || meta.last_page > 2 * (size / pages->page) + 65536)
        return false;
    pages->taken = calloc(1, pages->count / 8 + 1);
    return pages->taken != NULL && walk_database(pages, &meta.free, CONTENT_FREE) &&
           walk_database(pages, &meta.main, CONTENT_MAIN);
}

enum state_status pages_check(const char *path, size_t page_size, uint64_t commit, struct state_error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int code = errno;
        if (fd >= 0)
            (void)close(fd);
        return state_fail(error, STATE_IO, code, "checking the manifest: it cannot be opened (errno %d)", code);
    }
    size_t size = (size_t)st.st_size;
    void *map = size >= META_PAGES * page_size ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    (void)close(fd);
    if (map == MAP_FAILED)
        return state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (its length)");
    struct pages pages = { .map = map, .page = page_size };
    bool fits = walk_all(&pages, size, commit);
    free(pages.taken);
    (void)munmap(map, size);
    return fits ? STATE_OK : state_fail(error, STATE_BAD_DATA, 0, "the manifest is damaged (its pages)");
}
