/* How the manifest is found at open, and whom and what it refuses. */
#include "tests/unit/state_manifest_test.h"

#include "state/manifest_hash.h"

#include <lmdb.h>

static struct manifest *open_as(enum manifest_found expected)
{
    struct manifest_options options = test_options();
    struct manifest *manifest;
    enum manifest_found found;
    OK(manifest_open(&options, &manifest, &found, &why));
    assert_int_equal(found, expected);
    return manifest;
}

static void close_clean(struct manifest *manifest)
{
    OK(manifest_close(manifest, true, &why));
}

static void write_file(const char *name, const char *text)
{
    int fd = open(test_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void fill(struct manifest *manifest, unsigned records)
{
    struct manifest_batch *batch;
    char key[16];
    OK(manifest_batch_begin(manifest, &batch, &why));
    for (unsigned i = 1; i <= records; i++) {
        (void)snprintf(key, sizeof key, "key-%06u", i);
        test_put(batch, test_text(key), i);
    }
    OK(manifest_batch_commit(batch, &why));
}

static uint64_t records(struct manifest *manifest)
{
    struct manifest_totals totals;
    manifest_totals(manifest, &totals);
    return totals.records;
}

static void it_is_found_as_it_was_left(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest = open_as(MANIFEST_NEW);
    fill(manifest, 3);
    close_clean(manifest);
    assert_int_equal(access(test_path("dirty"), F_OK), -1);
    manifest = open_as(MANIFEST_CLEAN);
    assert_int_equal(access(test_path("dirty"), F_OK), 0);
    assert_int_equal(records(manifest), 3);
    OK(manifest_close(manifest, false, &why));
    manifest = open_as(MANIFEST_VERIFIED);
    assert_int_equal(records(manifest), 3);
    close_clean(manifest);
    manifest = open_as(MANIFEST_CLEAN);
    close_clean(manifest);
    OK(manifest_discard(&options, &why));
    close_clean(open_as(MANIFEST_NEW));
}

static void another_boot_means_a_rebuild(void **state)
{
    (void)state;
    static const char *const left[] = { "0b0fbd0c-another-boot\n", "" };
    for (size_t i = 0; i < 2; i++) {
        struct manifest_options options = test_options();
        struct manifest *manifest = open_as(MANIFEST_NEW);
        enum manifest_found found = MANIFEST_NEW;
        close_clean(manifest);
        write_file("dirty", left[i]);
        GIVES(STATE_BAD_DATA, manifest_open(&options, &manifest, &found, &why));
        assert_int_equal(found, MANIFEST_REBUILD);
        assert_null(manifest);
        OK(manifest_discard(&options, &why));
    }
    /* the id is asked for at the path that the options name */
    write_file("boot", "one\n");
    char path[160];
    (void)snprintf(path, sizeof path, "%s", test_path("boot"));
    struct manifest_options options = test_options();
    options.boot_id_path = path;
    struct manifest *manifest;
    OK(manifest_open(&options, &manifest, NULL, &why));
    OK(manifest_close(manifest, false, &why));
    OK(manifest_open(&options, &manifest, NULL, &why));
    OK(manifest_close(manifest, false, &why));
    write_file("boot", "two\n");
    GIVES(STATE_BAD_DATA, manifest_open(&options, &manifest, NULL, &why));
    /* a system that does not tell never counts as the same */
    OK(manifest_discard(&options, &why));
    options.boot_id_path = "/nonexistent";
    OK(manifest_open(&options, &manifest, NULL, &why));
    OK(manifest_close(manifest, false, &why));
    GIVES(STATE_BAD_DATA, manifest_open(&options, &manifest, NULL, &why));
}

static void the_folder_is_private(void **state)
{
    (void)state;
    struct stat st;
    char parent[80];
    close_clean(open_as(MANIFEST_NEW));
    assert_true(stat(test_folder, &st) == 0 && (st.st_mode & 0777) == 0700);
    (void)snprintf(parent, sizeof parent, "%s/state", test_root);
    assert_true(stat(parent, &st) == 0 && (st.st_mode & 0777) == 0700);
    assert_true(stat(test_path("manifest.mdb"), &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_int_equal(chmod(test_folder, 0755), 0);
    close_clean(open_as(MANIFEST_CLEAN));
    assert_true(stat(test_folder, &st) == 0 && (st.st_mode & 0777) == 0700);
}

static void a_second_process_is_told_busy(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *second;
    struct manifest *manifest = open_as(MANIFEST_NEW);
    GIVES(STATE_BUSY, manifest_open(&options, &second, NULL, &why));
    GIVES(STATE_BUSY, manifest_discard(&options, &why));
    close_clean(manifest);
    close_clean(open_as(MANIFEST_CLEAN));
}

static void network_file_systems_and_files_are_refused(void **state)
{
    (void)state;
    static const uint64_t unfit[] = { 0x6969, 0x517b, 0xff534d42, 0xfe534d42 };
    struct manifest_options options = test_options();
    struct manifest *manifest;
    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        options.file_system = unfit[i];
        GIVES(STATE_REFUSED, manifest_open(&options, &manifest, NULL, &why));
        assert_non_null(strstr(why.what, "local disk"));
    }
    options.file_system = 0x01021994; /* tmpfs */
    OK(manifest_open(&options, &manifest, NULL, &why));
    close_clean(manifest);
    char file[160];
    (void)snprintf(file, sizeof file, "%s", test_path("lock"));
    options.folder = file;
    GIVES(STATE_REFUSED, manifest_open(&options, &manifest, NULL, &why));
}

/* Writes another format version straight into the file, with the checksum that belongs to it. */
static void set_format(uint32_t format)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val key = { 7, (void *)".format" };
    MDB_val value;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 16), 0);
    assert_int_equal(mdb_env_open(env, test_path("manifest.mdb"), MDB_NOSUBDIR | MDB_NOLOCK, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    unsigned char stored[12];
    uint64_t check = manifest_hash(manifest_hash(manifest_hash(0, "meta", 4), ".format", 7), &format, 4);
    memcpy(stored, &check, 8);
    memcpy(stored + 8, &format, 4);
    value = (MDB_val){ sizeof stored, stored };
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void a_newer_format_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct manifest_options options = test_options();
    struct manifest *manifest = open_as(MANIFEST_NEW);
    fill(manifest, 100);
    close_clean(manifest);
    set_format(MANIFEST_FORMAT + 1);
    for (unsigned i = 0; i < 2; i++) {
        GIVES(STATE_TOO_NEW, manifest_open(&options, &manifest, NULL, &why));
        assert_non_null(strstr(why.what, "newer vaultferry"));
        assert_int_equal(access(test_path("dirty"), F_OK), -1);
    }
    set_format(MANIFEST_FORMAT - 1);
    GIVES(STATE_BAD_DATA, manifest_open(&options, &manifest, NULL, &why));
    assert_non_null(strstr(why.what, "older format"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_found_as_it_was_left, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(another_boot_means_a_rebuild, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(the_folder_is_private, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_second_process_is_told_busy, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(network_file_systems_and_files_are_refused, test_setup, test_teardown),
        cmocka_unit_test_setup_teardown(a_newer_format_is_refused_and_left_alone, test_setup, test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
