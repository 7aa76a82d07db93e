/*
 * NULL and zero wherever EVP lets a caller pass them.
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/params.h>
#include <stdlib.h>

static struct fixture f;

static void updates_of_nothing(void **state)
{
    unsigned char out[65536 + 100], *sealed;
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 0, "a");
    size_t sealed_len;
    int len = -1;

    (void)state;
    sealed = fixture_run(&f, 1, "a", (const unsigned char *)"text", 4, 0, &sealed_len);
    assert_non_null(sealed);
    assert_int_equal(EVP_DecryptUpdate(ctx, out, &len, NULL, 0), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, out, &len, sealed, 100), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, out, &len, NULL, 0), 1);
    assert_int_equal(len, 0);
    assert_int_equal(EVP_DecryptUpdate(ctx, out, &len, sealed + 100, (int)sealed_len - 100), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, out, &len, NULL, 0), 1);
    assert_int_equal(EVP_DecryptFinal_ex(ctx, out, &len), 1);
    assert_memory_equal(out, "text", 4);
    EVP_CIPHER_CTX_free(ctx);
    free(sealed);
}

static void no_parameters(void **state)
{
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");

    (void)state;
    (void)EVP_CIPHER_CTX_get_params(ctx, NULL); /* whatever it answers, it lives on */
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, NULL), 1);
    EVP_CIPHER_CTX_free(ctx);
}

/* What a caller meant to bind is bound, or refused; never cut. */
static void zero_byte_in_a_context(void **state)
{
    char text[] = "a=b\0,c=d";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(BYOK_CIPHER_PARAM_CONTEXT, text, sizeof text - 1),
        OSSL_PARAM_construct_end()};
    EVP_CIPHER_CTX *ctx = fixture_ctx(&f, 1, "a");

    (void)state;
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, params), 0);
    assert_int_equal(fixture_reason(), BYOK_R_BAD_CONTEXT);
    text[3] = 'x';
    assert_int_equal(EVP_CIPHER_CTX_set_params(ctx, params), 1);
    EVP_CIPHER_CTX_free(ctx);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(updates_of_nothing),
                                       cmocka_unit_test(no_parameters),
                                       cmocka_unit_test(zero_byte_in_a_context)};

    return cmocka_run_group_tests(tests, up, down);
}
