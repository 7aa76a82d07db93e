/*
 * How programs end: with live contexts, with the library context gone first, with the provider
 * loaded again and again. Each is this program started anew; under a leak checker that is what it
 * is for.
 */
#include "byok/names.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <dirent.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 65536

static struct fixture f;

static EVP_CIPHER_CTX *live[4]; /* what a program forgets */

static void remove_folder(void)
{
    char command[96];

    snprintf(command, sizeof command, "rm -rf %s", f.dir);
    if (system(command) != 0)
        abort();
}

/* Begins to seal and to open. */
static void begin(void)
{
    static unsigned char out[BLOCK + 5000];
    size_t len;
    unsigned char *plain = fixture_plain(5000, 1);
    unsigned char *sealed = fixture_run(&f, 1, "a", plain, 5000, 0, &len);
    int i, n;

    if (sealed == NULL)
        abort();
    for (i = 0; i < 4; i++) {
        live[i] = fixture_ctx(&f, i % 2, i < 2 ? "a" : "b");
        if (i < 3
            && !EVP_CipherUpdate(live[i], out, &n, i % 2 ? plain : sealed, i == 0 ? 4600 : 300))
            abort();
    }
    free(sealed);
    free(plain);
}

static void end(void)
{
    int i;

    for (i = 0; i < 4; i++)
        EVP_CIPHER_CTX_free(live[i]);
}

static int exit_with_live_contexts(void)
{
    begin();
    remove_folder();
    return 0;
}

static int exit_with_live_contexts_in_a_hurry(void)
{
    begin();
    remove_folder();
    exit(0);
}

static int cleanup_then_exit(void)
{
    begin();
    end();
    EVP_CIPHER_free(f.cipher);
    OSSL_PROVIDER_unload(f.byok);
    OSSL_PROVIDER_unload(f.dflt);
    OSSL_LIB_CTX_free(f.libctx);
    remove_folder();
    OPENSSL_cleanup();
    return 0;
}

/* A context holds its cipher, and the cipher its provider. */
static int contexts_outlive_all(void)
{
    begin();
    EVP_CIPHER_free(f.cipher);
    OSSL_PROVIDER_unload(f.byok);
    OSSL_PROVIDER_unload(f.dflt);
    OSSL_LIB_CTX_free(f.libctx);
    end();
    remove_folder();
    return 0;
}

/* The provider unloaded, the library context still there: a context that has begun may fail then,
 * or go on. */
static int contexts_used_after_unload(void)
{
    unsigned char out[BLOCK + 100] = {0};
    int n;

    begin();
    OSSL_PROVIDER_unload(f.byok);
    (void)EVP_CipherUpdate(live[1], out, &n, out, 100);
    (void)EVP_CipherFinal_ex(live[1], out, &n);
    (void)fixture_init(live[1], 1, NULL);
    end();
    EVP_CIPHER_free(f.cipher);
    OSSL_PROVIDER_unload(f.dflt);
    OSSL_LIB_CTX_free(f.libctx);
    remove_folder();
    return 0;
}

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static int mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int c, n = 0;

    while ((c = fgetc(maps)) != EOF)
        n += c == '\n';
    fclose(maps);
    return n;
}

/* The first hundred times bring all that stays (caches of libcrypto, of the heap); the second
 * hundred nothing more. */
static int load_and_unload(void)
{
    unsigned char *out, text[100] = {0};
    int turn, files = 0, maps = 0;
    EVP_CIPHER_CTX *ctx;
    size_t len;

    for (turn = 0; turn < 200; turn++) {
        if (turn == 100) {
            files = open_files();
            maps = mappings();
        }
        fixture_restart(&f, NULL);
        if (turn % 2)
            continue; /* loaded, not used */
        ctx = fixture_ctx(&f, 1, "a");
        if (!fixture_drive(ctx, text, sizeof text, 0, &out, &len))
            return 10;
        free(out);
        EVP_CIPHER_CTX_free(ctx);
    }
    if (open_files() != files)
        return 11;
    if (mappings() > maps + 50)
        return 12;
    fixture_down(&f);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} programs[] = {
    {"live", exit_with_live_contexts},        {"exit", exit_with_live_contexts_in_a_hurry},
    {"cleanup", cleanup_then_exit},           {"outlive", contexts_outlive_all},
    {"unloaded", contexts_used_after_unload}, {"again", load_and_unload},
};

static const char *program;

/* Runs this program anew; its exit status. */
static int run(const char *name)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        execl(program, program, name, (char *)NULL);
        _exit(99);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 98;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void live_contexts(void **state)
{
    (void)state;
    assert_int_equal(run("live"), 0);
    assert_int_equal(run("exit"), 0);
}

static void explicit_cleanup(void **state)
{
    (void)state;
    assert_int_equal(run("cleanup"), 0);
}

static void library_context_goes_first(void **state)
{
    (void)state;
    assert_int_equal(run("outlive"), 0);
}

static void provider_goes_first(void **state)
{
    (void)state;
    assert_int_equal(run("unloaded"), 0);
}

static void loaded_again_and_again(void **state)
{
    (void)state;
    assert_int_equal(run("again"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_contexts),
        cmocka_unit_test(explicit_cleanup),
        cmocka_unit_test(library_context_goes_first),
        cmocka_unit_test(provider_goes_first),
        cmocka_unit_test(loaded_again_and_again),
    };
    size_t i;

    program = argv[0];
    for (i = 0; argc == 2 && i < sizeof programs / sizeof *programs; i++) {
        if (strcmp(argv[1], programs[i].name) == 0) {
            fixture_up(&f, NULL);
            return programs[i].run();
        }
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
