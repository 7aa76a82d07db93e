/*
 * base/status: what a failure leaves behind.
 */
#include "base/status.h"

#include "test/unit/check.h"

#include <openssl/err.h>
#include <openssl/evp.h>

static void a_failure_fills_the_status(void **state)
{
    struct byok_status s = BYOK_STATUS_INIT;

    (void)state;
    assert_int_equal(s.reason, 0);
    assert_string_equal(s.text, "");
    assert_int_equal(byok_fail(&s, BYOK_R_BAD_VALUE, "%s is %d", "it", 7), 0);
    assert_int_equal(s.line, __LINE__ - 1);
    assert_int_equal(s.reason, BYOK_R_BAD_VALUE);
    assert_string_equal(s.text, "it is 7");
    assert_string_equal(s.function, "a_failure_fills_the_status");
    assert_string_equal(s.file, __FILE__);
}

static void the_first_failure_stands(void **state)
{
    struct byok_status s = BYOK_STATUS_INIT, before;

    (void)state;
    byok_fail(&s, BYOK_R_WRONG_KEY, "first");
    before = s;
    assert_int_equal(byok_fail(&s, BYOK_R_BAD_VALUE, "second"), 0);
    assert_int_equal(byok_fail_memory(&s), 0);
    assert_int_equal(byok_fail_crypto(&s, "third"), 0);
    assert_memory_equal(&s, &before, sizeof s);
}

static void characters_that_do_not_belong_become_question_marks(void **state)
{
    char text[256], expected[256];
    int i;

    (void)state;
    for (i = 1; i < 256; i++) {
        text[i - 1] = (char)i;
        expected[i - 1] = (char)(i >= 0x20 && i <= 0x7e ? i : '?');
    }
    text[255] = expected[255] = '\0';
    byok_fail(memset(&status, 0, sizeof status), BYOK_R_CONFIG, "%s", text);
    assert_string_equal(status.text, expected);
}

static void long_texts_are_cut(void **state)
{
    struct {
        struct byok_status s;
        unsigned char behind[64];
    } both;
    char text[2 * BYOK_STATUS_TEXT];
    size_t len;

    (void)state;
    for (len = BYOK_STATUS_TEXT - 2; len < sizeof text - 1; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        memset(&both.s, 0, sizeof both.s);
        memset(both.behind, 0x5a, sizeof both.behind);
        byok_fail(&both.s, BYOK_R_CONFIG, "%s", text);
        assert_int_equal(strlen(both.s.text), len < BYOK_STATUS_TEXT ? len : BYOK_STATUS_TEXT - 1);
        assert_memory_equal(both.s.text, text, strlen(both.s.text));
        assert_int_equal(both.behind[0], 0x5a);
    }
}

static void memory_has_its_reason(void **state)
{
    (void)state;
    FAILS(BYOK_R_OUT_OF_MEMORY, byok_fail_memory(&status));
    assert_int_equal(byok_reason_find(status.reason)->retryable, 1);
}

static void libcrypto_says_why(void **state)
{
    EVP_CIPHER *cipher;

    (void)state;
    ERR_clear_error();
    FAILS(BYOK_R_INTERNAL, byok_fail_crypto(&status, "the thing"));
    SAYS("the thing");
    ERR_set_mark();
    cipher = EVP_CIPHER_fetch(NULL, "NO-SUCH-CIPHER", NULL);
    assert_null(cipher);
    FAILS(BYOK_R_INTERNAL, byok_fail_crypto(&status, "a fetch"));
    SAYS("a fetch");
    SAYS("unsupported");
    assert_int_not_equal(ERR_peek_error(), 0); /* the caller's to pop */
    ERR_pop_to_mark();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_fills_the_status),
        cmocka_unit_test(the_first_failure_stands),
        cmocka_unit_test(characters_that_do_not_belong_become_question_marks),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(memory_has_its_reason),
        cmocka_unit_test(libcrypto_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
