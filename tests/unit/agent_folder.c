/* A folder as a destination: which keys can be files in it, what is seen in their places, and that no link leads out.
 */
#include "agent/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define MD5_OF_ABC "900150983cd24fb0d6963f7d28e17f72"
#define TIME_MS INT64_C(1795000000123)

struct scene {
    char root[64], path[160];
    struct folder *folder;
    struct failure failure;
};

static int remove_one(const char *path, const struct stat *stat, int flag, struct FTW *ftw)
{
    (void)stat;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static struct scene *scene_new(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    const char *tmp = getenv("TMPDIR");
    assert_non_null(scene);
    (void)snprintf(
            scene->root, sizeof scene->root, "%.40s/folder-XXXXXX", tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(scene->root));
    (void)snprintf(scene->path, sizeof scene->path, "%s/to", scene->root);
    assert_int_equal(folder_open(scene->path, &scene->folder, &scene->failure), VERDICT_OK);
    return scene;
}

static void scene_free(struct scene *scene)
{
    folder_close(scene->folder);
    assert_int_equal(nftw(scene->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(scene);
}

static const char *at(const struct scene *scene, const char *name)
{
    static char path[1400];
    (void)snprintf(path, sizeof path, "%s/%s", scene->path, name);
    return path;
}

static void plant(const struct scene *scene, const char *name, const char *bytes, int64_t time_ms)
{
    int fd = open(at(scene, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const struct timespec time = { .tv_sec = time_ms / 1000, .tv_nsec = (long)(time_ms % 1000) * 1000000 };
    const struct timespec times[2] = { time, time };
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    assert_int_equal(futimens(fd, times), 0);
    assert_int_equal(close(fd), 0);
}

static enum verdict look(
        struct scene *scene, const char *key, size_t length, uint64_t size, const char *etag, enum folder_sight *sight)
{
    const struct folder_object object = {
        .key = { key, length }, .size = size, .time_ms = TIME_MS, .version = "", .etag = etag
    };
    return folder_look(scene->folder, &object, sight, &scene->failure);
}

static void keys_that_can_be_no_file_are_told_each_with_its_reason(void **state)
{
    (void)state;
    char long_name[300];
    memset(long_name, 'n', sizeof long_name);
    const struct {
        const char *key;
        size_t length;
        uint64_t size;
        const char *reason;
    } rows[] = {
        { "../../etc/x", 11, 1, "\"..\"" },
        { "a/../b", 6, 1, "\"..\"" },
        { "..", 2, 1, "\"..\"" },
        { ".", 1, 1, "the folder itself" },
        { "a/./b", 5, 1, "the folder itself" },
        { "/etc/passwd", 11, 1, "empty" },
        { "a//b", 4, 1, "empty" },
        { "/", 1, 0, "empty" },
        { "a//", 3, 0, "empty" },
        { "a\0b", 3, 1, "NUL" },
        { "a/", 2, 5, "but the object has bytes" },
        { long_name, 256, 1, "longer than the 255 bytes" },
    };
    struct scene *scene = scene_new();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum folder_sight sight;
        if (look(scene, rows[i].key, rows[i].length, rows[i].size, "", &sight) == VERDICT_OK)
            fail_msg("row %zu is taken", i);
        if (strstr(scene->failure.what, rows[i].reason) == NULL)
            fail_msg("row %zu: %s", i, scene->failure.what);
    }
    scene_free(scene);
}

static void strange_keys_that_can_be_files_are_taken(void **state)
{
    (void)state;
    static const char *const keys[] = { "a", "a/b", "...", ".a", "a\\b", "a\nb", " ", "~", "-rf", "a:b", "\xc3\xa4" };
    struct scene *scene = scene_new();
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        enum folder_sight sight = FOLDER_EQUAL;
        if (look(scene, keys[i], strlen(keys[i]), 1, "", &sight) != VERDICT_OK)
            fail_msg("%s: %s", keys[i], scene->failure.what);
        assert_int_equal(sight, FOLDER_ABSENT);
    }
    scene_free(scene);
}

static void file_is_known_by_size_and_time_or_by_its_bytes(void **state)
{
    (void)state;
    struct scene *scene = scene_new();
    static const struct {
        const char *bytes;
        int64_t time_ms;
        uint64_t size;
        const char *etag;
        enum folder_sight sight;
    } rows[] = {
        { "abc", TIME_MS, 3, "whatever-3", FOLDER_EQUAL },
        { "abc", TIME_MS, 4, MD5_OF_ABC, FOLDER_DIFFERENT },
        { "abc", TIME_MS + 1, 3, MD5_OF_ABC, FOLDER_EQUAL },
        { "abd", TIME_MS + 1, 3, MD5_OF_ABC, FOLDER_DIFFERENT },
        { "abc", TIME_MS + 1, 3, MD5_OF_ABC "-2", FOLDER_DOUBTFUL },
        { "abc", TIME_MS + 1, 3, "", FOLDER_DOUBTFUL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum folder_sight sight;
        plant(scene, "f", rows[i].bytes, rows[i].time_ms);
        assert_int_equal(look(scene, "f", 1, rows[i].size, rows[i].etag, &sight), VERDICT_OK);
        if (sight != rows[i].sight)
            fail_msg("row %zu: %d", i, (int)sight);
    }
    scene_free(scene);
}

static void links_are_never_followed(void **state)
{
    (void)state;
    struct scene *scene = scene_new();
    enum folder_sight sight;
    char outside[160];
    (void)snprintf(outside, sizeof outside, "%s/outside", scene->root);
    assert_int_equal(mkdir(outside, 0700), 0);
    assert_int_equal(symlink(outside, at(scene, "out")), 0);
    assert_int_equal(symlink("../outside/file", at(scene, "file")), 0);
    assert_int_not_equal(look(scene, "out/x", 5, 1, "", &sight), VERDICT_OK);
    assert_non_null(strstr(scene->failure.what, "a link is in the way"));
    assert_int_not_equal(look(scene, "file", 4, 1, "", &sight), VERDICT_OK);
    assert_non_null(strstr(scene->failure.what, "no file"));
    scene_free(scene);
}

static void file_beside_a_folder_of_its_name_is_one_clear_line(void **state)
{
    (void)state;
    struct scene *scene = scene_new();
    enum folder_sight sight;
    plant(scene, "a", "x", TIME_MS);
    assert_int_not_equal(look(scene, "a/b", 3, 1, "", &sight), VERDICT_OK);
    assert_non_null(strstr(scene->failure.what, "in the way of a folder"));
    assert_int_equal(mkdir(at(scene, "c"), 0700), 0);
    assert_int_not_equal(look(scene, "c", 1, 1, "", &sight), VERDICT_OK);
    assert_non_null(strstr(scene->failure.what, "a folder is in its place"));
    assert_int_equal(look(scene, "c/", 2, 0, "", &sight), VERDICT_OK);
    assert_int_equal(sight, FOLDER_EQUAL);
    assert_int_equal(look(scene, "d/", 2, 0, "", &sight), VERDICT_OK);
    assert_int_equal(sight, FOLDER_ABSENT);
    scene_free(scene);
}

static void folder_that_cannot_be_is_refused(void **state)
{
    (void)state;
    struct scene *scene = scene_new();
    struct folder *folder;
    plant(scene, "file", "x", TIME_MS);
    assert_int_equal(folder_open(at(scene, "file"), &folder, &scene->failure), VERDICT_USAGE);
    assert_int_equal(folder_open(at(scene, "no/such/parent"), &folder, &scene->failure), VERDICT_USAGE);
    assert_int_equal(folder_open(scene->path, &folder, &scene->failure), VERDICT_OK);
    folder_close(folder);
    scene_free(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_can_be_no_file_are_told_each_with_its_reason),
        cmocka_unit_test(strange_keys_that_can_be_files_are_taken),
        cmocka_unit_test(file_is_known_by_size_and_time_or_by_its_bytes),
        cmocka_unit_test(links_are_never_followed),
        cmocka_unit_test(file_beside_a_folder_of_its_name_is_one_clear_line),
        cmocka_unit_test(folder_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
