/*
 * The KEK file while it changes under a provider in use (doc/configuration.md).
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"
#include "test/support/kms.h"

#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 65536

static struct fixture f;
static const unsigned char text[] = "what is sealed";
static EVP_CIPHER_CTX *ready, *begun, *ended; /* with the KEK b, from before it goes */
static unsigned char begun_out[2 * BLOCK];
static int begun_len;

static const char *config_error(void)
{
    static char error[2048];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(BYOK_PROV_PARAM_CONFIG_ERROR, error, sizeof error),
        OSSL_PARAM_construct_end()};

    strcpy(error, "not read");
    assert_int_equal(OSSL_PROVIDER_get_params(f.byok, params), 1);
    return error;
}

/* The reason for which this KEK does not seal, 0 when it does. */
static int seals(const char *kek)
{
    EVP_CIPHER_CTX *ctx = fixture_bare_ctx(&f);
    unsigned char *sealed = NULL;
    size_t len;
    int ok = fixture_init(ctx, 1, kek) && fixture_drive(ctx, text, sizeof text, 0, &sealed, &len);

    free(sealed);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : fixture_reason();
}

/* A KEK file with a and, where wanted, b and c; `of_a` stands in a's section. */
static void reconfigure(const char *top, const char *of_a, int with_b, int with_c)
{
    char file[1024], b[128] = "", c[128] = "";

    if (with_b)
        snprintf(b, sizeof b, "[b]\nuri = test://%s/b.key\n", f.dir);
    if (with_c)
        snprintf(c, sizeof c, "[c]\nuri = test://%s/b.key\ncontext = x=y\n", f.dir);
    snprintf(file, sizeof file, "%s\n[a]\nuri = test://%s/a.key\n%s\n%s%s", top, f.dir, of_a, b, c);
    fixture_reconfigure(&f, file);
}

/* The tests below stand on each other, to wait as little as may be. */
static void before(void **state)
{
    unsigned char *sealed;
    size_t len;

    (void)state;
    assert_int_equal(seals("a"), 0);
    assert_int_equal(seals("b"), 0);
    assert_int_equal(seals("c"), BYOK_R_UNKNOWN_KEK);
    assert_string_equal(config_error(), "");
    ready = fixture_ctx(&f, 1, "b");
    begun = fixture_ctx(&f, 1, "b");
    assert_int_equal(EVP_CipherUpdate(begun, begun_out, &begun_len, text, sizeof text), 1);
    ended = fixture_ctx(&f, 1, "b");
    assert_int_equal(fixture_drive(ended, text, sizeof text, 0, &sealed, &len), 1);
    free(sealed);
    assert_int_equal(test_kms.wraps, 2);
}

static void one_comes_one_goes(void **state)
{
    (void)state;
    reconfigure("default-kek = c", "", 0, 1);
    assert_int_equal(seals("a"), 0);
    assert_int_equal(test_kms.wraps, 2); /* a is as it was, and so is its data key */
    assert_int_equal(seals("c"), 0);
    assert_int_equal(test_kms.wraps, 3);
    assert_int_equal(seals(""), 0); /* c now */
    assert_int_equal(test_kms.wraps, 3);
    assert_int_equal(seals("b"), BYOK_R_UNKNOWN_KEK);
    assert_string_equal(config_error(), "");
}

/* The name is looked up again when a message begins. */
static void contexts_from_before(void **state)
{
    unsigned char out[2 * BLOCK];
    int len;

    (void)state;
    assert_int_equal(EVP_CipherUpdate(ready, out, &len, text, sizeof text), 0);
    assert_int_equal(fixture_reason(), BYOK_R_UNKNOWN_KEK);
    if (fixture_init(ended, -1, NULL))
        assert_int_equal(EVP_CipherUpdate(ended, out, &len, text, sizeof text), 0);
    assert_int_equal(fixture_reason(), BYOK_R_UNKNOWN_KEK);
    assert_int_equal(EVP_CipherFinal_ex(begun, begun_out + begun_len, &len), 1);
    begun_len += len;
    EVP_CIPHER_CTX_free(ready);
    EVP_CIPHER_CTX_free(begun);
}

/* The init fails when the name isn't configured, though the context had it before. */
static void key_from_before(void **state)
{
    int ok = fixture_init(ended, -1, "b"), reason = fixture_reason();

    (void)state;
    EVP_CIPHER_CTX_free(ended);
    assert_int_equal(ok, 0);
    assert_int_equal(reason, BYOK_R_UNKNOWN_KEK);
}

static void a_mistake(void **state)
{
    const char *error;

    (void)state;
    reconfigure("default-kek = b\ndek-cache-second = 5", "", 1, 0);
    assert_int_equal(seals("a"), 0); /* all is as before */
    assert_int_equal(seals("c"), 0);
    assert_int_equal(seals(""), 0);
    assert_int_equal(seals("b"), BYOK_R_UNKNOWN_KEK);
    assert_int_equal(test_kms.wraps, 3);
    error = config_error();
    assert_non_null(strstr(error, "dek-cache-second"));
    assert_non_null(strstr(error, "dek-max-messages")); /* one of those that are */
    assert_non_null(strstr(error, "default-kek"));
}

/* A KEK whose section changed has lost what was cached for it; the others keep theirs. */
static void repaired(void **state)
{
    size_t released;

    (void)state;
    reconfigure("default-kek = b", "dek-max-messages = 1000", 1, 1);
    assert_string_equal(config_error(), "");
    assert_int_equal(seals("c"), 0);
    assert_int_equal(test_kms.wraps, 3);
    assert_int_equal(seals("a"), 0);
    assert_int_equal(test_kms.wraps, 4);
    assert_int_equal(seals("b"), 0);
    assert_int_equal(test_kms.wraps, 5);
    assert_int_equal(
        fixture_try(&f, "b", begun_out, (size_t)begun_len, 0, text, sizeof text, &released), 0);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before),
        cmocka_unit_test(one_comes_one_goes),
        cmocka_unit_test(contexts_from_before),
        cmocka_unit_test(key_from_before),
        cmocka_unit_test(a_mistake),
        cmocka_unit_test(repaired),
    };

    return cmocka_run_group_tests(tests, up, down);
}
