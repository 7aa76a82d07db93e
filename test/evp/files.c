/*
 * Modes, owners and kinds of KEK files and key files.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;
static const unsigned char text[] = "what is sealed";
static unsigned char *sealed; /* under a */
static size_t sealed_len;
static char good[512];

/* The reason for which a message can't be sealed or opened, 0 when it can. */
static int run(int seal)
{
    EVP_CIPHER_CTX *ctx = fixture_bare_ctx(&f);
    unsigned char *out = NULL;
    size_t len = 0;
    int ok;

    ok =
        fixture_init(ctx, seal, "a")
        && fixture_drive(ctx, seal ? text : sealed, seal ? sizeof text : sealed_len, 0, &out, &len);
    assert_true(ok || len == 0);
    free(out);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : fixture_reason();
}

/* The same with the file at f.keks as it is made by the caller, not replaced. */
static int reason_of_the_file(void)
{
    fixture_restart(&f, NULL);
    assert_int_equal(run(0), run(1));
    return run(1);
}

static void permissions_of_the_kek_file(void **state)
{
    static const int fine[] = {0600, 0400, 0644, 0444}, unsafe[] = {0620, 0602, 0666, 0660, 0622};
    size_t i;

    (void)state;
    fixture_write(&f, "keks.cnf", good, strlen(good), 0600);
    for (i = 0; i < sizeof fine / sizeof *fine; i++) {
        assert_int_equal(chmod(f.keks, (mode_t)fine[i]), 0);
        assert_int_equal(reason_of_the_file(), 0);
    }
    for (i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        assert_int_equal(chmod(f.keks, (mode_t)unsafe[i]), 0);
        assert_int_equal(reason_of_the_file(), BYOK_R_BAD_PERMISSIONS);
    }
    assert_int_equal(chmod(f.keks, 0600), 0);
    if (geteuid() == 0) { /* another's file; who isn't root can't make one */
        assert_int_equal(chown(f.keks, 12345, (gid_t)-1), 0);
        assert_int_equal(reason_of_the_file(), BYOK_R_BAD_PERMISSIONS);
        assert_int_equal(chown(f.keks, 0, (gid_t)-1), 0);
    }
    assert_int_equal(reason_of_the_file(), 0);
}

static void kinds_of_kek_file(void **state)
{
    char other[128];

    (void)state;
    snprintf(other, sizeof other, "%s/elsewhere.cnf", f.dir);
    alarm(60);
    assert_int_equal(unlink(f.keks), 0);
    assert_int_equal(reason_of_the_file(), BYOK_R_CONFIG);
    assert_int_equal(mkfifo(f.keks, 0600), 0); /* nobody writes to it, so nobody may wait for it */
    assert_int_not_equal(reason_of_the_file(), 0);
    assert_int_equal(unlink(f.keks), 0);
    assert_int_equal(mkdir(f.keks, 0700), 0);
    assert_int_not_equal(reason_of_the_file(), 0);
    assert_int_equal(rmdir(f.keks), 0);
    fixture_write(&f, "elsewhere.cnf", good, strlen(good), 0600);
    assert_int_equal(symlink(other, f.keks), 0); /* as Kubernetes mounts */
    assert_int_equal(reason_of_the_file(), 0);
    assert_int_equal(chmod(other, 0620), 0);
    assert_int_equal(reason_of_the_file(), BYOK_R_BAD_PERMISSIONS);
    assert_int_equal(unlink(f.keks), 0);
    alarm(0);
    fixture_write(&f, "keks.cnf", good, strlen(good), 0600);
}

/* A key file of this mode and length. */
static void key_file(size_t len, int mode, int reason)
{
    unsigned char key[64];
    char path[128];
    size_t i;

    for (i = 0; i < len; i++)
        key[i] = (unsigned char)(1 + i);
    snprintf(path, sizeof path, "%s/a.key", f.dir);
    assert_int_equal(unlink(path), 0);
    fixture_write(&f, "a.key", key, len, mode);
    fixture_restart(&f, NULL);
    assert_int_equal(run(1), reason);
    assert_int_equal(run(0), reason);
    /* the same provider, and a file that was mended */
    assert_int_equal(chmod(path, 0600), 0);
    if (len == 32) {
        assert_int_equal(run(1), 0);
        assert_int_equal(run(0), 0);
    }
}

static void key_files(void **state)
{
    (void)state;
    key_file(32, 0600, 0);
    key_file(32, 0400, 0);
    key_file(32, 0644, BYOK_R_BAD_PERMISSIONS);
    key_file(32, 0640, BYOK_R_BAD_PERMISSIONS);
    key_file(32, 0620, BYOK_R_BAD_PERMISSIONS);
    key_file(32, 0601, BYOK_R_BAD_PERMISSIONS);
    key_file(0, 0600, BYOK_R_BAD_VALUE);
    key_file(31, 0600, BYOK_R_BAD_VALUE);
    key_file(33, 0600, BYOK_R_BAD_VALUE);
    key_file(64, 0600, BYOK_R_BAD_VALUE);
    key_file(32, 0600, 0);
}

static void kinds_of_key_file(void **state)
{
    char path[128], other[128];

    (void)state;
    snprintf(path, sizeof path, "%s/a.key", f.dir);
    snprintf(other, sizeof other, "%s/moved.key", f.dir);
    alarm(60);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(reason_of_the_file(), BYOK_R_NOT_FOUND);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(reason_of_the_file(), 0);
    assert_int_equal(chmod(other, 0604), 0);
    assert_int_equal(reason_of_the_file(), BYOK_R_BAD_PERMISSIONS);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_not_equal(reason_of_the_file(), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_not_equal(reason_of_the_file(), 0);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(chmod(other, 0600), 0);
    assert_int_equal(rename(other, path), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        assert_int_equal(reason_of_the_file(), BYOK_R_BAD_PERMISSIONS);
        assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    }
    alarm(0);
    assert_int_equal(reason_of_the_file(), 0);
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
    snprintf(good, sizeof good, "[a]\nuri = test://%s/a.key\n", f.dir);
    sealed = fixture_run(&f, 1, "a", text, sizeof text, 0, &sealed_len);
    assert_non_null(sealed);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(sealed);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    /* OpenSSL has error numbers for 127 providers in a process; each case loads three. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permissions_of_the_kek_file),
        cmocka_unit_test(kinds_of_kek_file),
        cmocka_unit_test(key_files),
        cmocka_unit_test(kinds_of_key_file),
    };

    return cmocka_run_group_tests(tests, up, down);
}
