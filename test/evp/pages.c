/*
 * Pages that are damaged, misplaced or foreign, messages that are no messages, and other KEKs.
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 320
#define PAGE   4096
#define SEALED 4112 /* a full page with its tag */
#define FULL   4    /* full pages */
#define LAST   100  /* bytes of plaintext in the last one */
#define LEN    (FULL * PAGE + LAST)

static struct fixture f;
static unsigned char *plain, *sealed,
    *other; /* `other` is a message with another plaintext, under the same data key */
static unsigned char work[2 * (HEADER + (FULL + 1) * SEALED)];
static size_t sealed_len;

static unsigned char *page(unsigned char *message, size_t i)
{
    return message + HEADER + i * SEALED;
}

/* `work` is refused, with at most `pages` of plaintext released. */
static void refused(size_t len, int reason, size_t pages)
{
    static const size_t steps[] = {0, 1000, 4112};
    size_t i, released;

    for (i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_int_equal(fixture_try(&f, "a", work, len, steps[i], plain, LEN, &released), reason);
        assert_true(released <= pages * PAGE);
    }
}

static void restore(void)
{
    memcpy(work, sealed, sealed_len);
}

static void every_changed_byte(void **state)
{
    size_t at, released;

    (void)state;
    restore();
    for (at = HEADER; at < sealed_len; at++) {
        work[at] ^= (unsigned char)(1 << at % 8);
        assert_int_equal(fixture_try(&f, "a", work, sealed_len, 0, plain, LEN, &released),
                         BYOK_R_BAD_PAGE);
        assert_true(released <= (at - HEADER) / SEALED * PAGE);
        work[at] = sealed[at];
    }
}

static void swapped(void **state)
{
    size_t i, j;

    (void)state;
    for (i = 0; i < FULL; i++) {
        for (j = i + 1; j < FULL; j++) {
            restore();
            memcpy(page(work, i), page(sealed, j), SEALED);
            memcpy(page(work, j), page(sealed, i), SEALED);
            refused(sealed_len, BYOK_R_BAD_PAGE, i);
        }
    }
}

static void repeated_and_removed(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < FULL; i++) {
        restore();
        memcpy(page(work, i + 1), page(sealed, i), sealed_len - HEADER - i * SEALED);
        refused(sealed_len + SEALED, BYOK_R_BAD_PAGE, i + 1);
        restore();
        memcpy(page(work, i), page(sealed, i + 1), sealed_len - HEADER - (i + 1) * SEALED);
        refused(sealed_len - SEALED, BYOK_R_BAD_PAGE, i);
    }
    restore();
    refused(sealed_len - LAST - 16, BYOK_R_TRUNCATED, FULL);
    memcpy(work + sealed_len, page(sealed, FULL), LAST + 16); /* the last one twice */
    refused(sealed_len + LAST + 16, BYOK_R_BAD_PAGE, FULL);
}

static void of_another_message(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i <= FULL; i++) {
        restore();
        memcpy(page(work, i), page(other, i), i < FULL ? SEALED : LAST + 16);
        refused(sealed_len, BYOK_R_BAD_PAGE, i);
    }
    memcpy(work, other, HEADER); /* its header */
    memcpy(work + HEADER, sealed + HEADER, sealed_len - HEADER);
    refused(sealed_len, BYOK_R_BAD_PAGE, 0);
    restore(); /* one after the other */
    memcpy(work + sealed_len, other, sealed_len);
    refused(2 * sealed_len, BYOK_R_BAD_PAGE, FULL);
}

static void appended(void **state)
{
    static const size_t more[] = {1, 15, 16, 17, 4096, 4112, 5000};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof more / sizeof *more; i++) {
        restore();
        memset(work + sealed_len, 0, more[i]);
        refused(sealed_len + more[i], BYOK_R_BAD_PAGE, FULL);
    }
}

/* A message of full pages ends with an empty one. */
static void empty_last_page(void **state)
{
    size_t len;
    unsigned char *full = fixture_run(&f, 1, "a", plain, FULL * PAGE, 0, &len);
    size_t released, cut;

    (void)state;
    assert_non_null(full);
    assert_int_equal(len, HEADER + FULL * SEALED + 16);
    memcpy(work, full, len);
    assert_int_equal(fixture_try(&f, "a", work, len, 1000, plain, FULL * PAGE, &released), 0);
    for (cut = 1; cut <= 16; cut++)
        refused(len - cut, BYOK_R_TRUNCATED, FULL);
    refused(len - 17, BYOK_R_BAD_PAGE, FULL - 1);
    memset(work + len, 0, 16);
    refused(len + 1, BYOK_R_BAD_PAGE, FULL);
    refused(len + 16, BYOK_R_BAD_PAGE, FULL);
    memcpy(work + len, full + len - 16, 16);
    refused(len + 16, BYOK_R_BAD_PAGE, FULL);
    memcpy(work + len - 16, page(sealed, FULL), LAST + 16); /* of a longer message */
    refused(len + LAST, BYOK_R_BAD_PAGE, FULL);
    work[len - 1] ^= 1;
    refused(len, BYOK_R_BAD_PAGE, FULL);
    free(full);
}

static void is_refused(const void *in, size_t len, int reason)
{
    size_t step, released;

    for (step = 0; step <= 9; step++) {
        assert_int_equal(fixture_try(&f, "a", in, len, step, plain, LEN, &released), reason);
        assert_int_equal(released, 0);
    }
}

static void text_forms(void **state)
{
    unsigned char *text = malloc(8 + 2 * sealed_len);
    int n;

    (void)state;
    assert_non_null(text);
    memcpy(text, "byok:v1:", 8);
    n = EVP_EncodeBlock(text + 8, sealed, (int)sealed_len);
    is_refused(text, 8 + (size_t)n, BYOK_R_TEXT_FORM);
    is_refused(text, 8, BYOK_R_TEXT_FORM);
    is_refused(text + 8, (size_t)n, BYOK_R_TEXT_FORM);
    is_refused(text + 8, 6, BYOK_R_TEXT_FORM);
    is_refused("byok:v2:Ql", 10, BYOK_R_NOT_SEALED);
    is_refused("byok", 4, BYOK_R_NOT_SEALED);
    is_refused("QllPR", 5, BYOK_R_NOT_SEALED);
    free(text);
}

static void no_messages(void **state)
{
    unsigned char zeros[1000] = {0};

    (void)state;
    is_refused(zeros, 1, BYOK_R_NOT_SEALED);
    is_refused(zeros, sizeof zeros, BYOK_R_NOT_SEALED);
    is_refused("Salted__12345678abcdefgh", 24, BYOK_R_NOT_SEALED);
    is_refused("\nBYOK\1\1\1\x40", 9, BYOK_R_NOT_SEALED);
    is_refused(plain, 5000, BYOK_R_NOT_SEALED);
    is_refused("", 0, BYOK_R_TRUNCATED);
}

/* Opens under `with` what was sealed under `under`. */
static int opens(const char *under, const char *with)
{
    size_t len, released;
    unsigned char *message = fixture_run(&f, 1, under, plain, LEN, 0, &len);
    int reason;

    assert_non_null(message);
    reason = fixture_try(&f, with, message, len, 0, plain, LEN, &released);
    if (reason != 0)
        assert_int_equal(released, 0);
    free(message);
    return reason;
}

static void other_keks(void **state)
{
    int turn;

    (void)state;
    for (turn = 0; turn < 2; turn++) { /* nothing that is cached makes a difference */
        assert_int_equal(opens("a", "a"), 0);
        assert_int_equal(opens("a", ""), 0);
        assert_int_equal(opens("", "a"), 0);
        assert_int_equal(opens("a", "b"), BYOK_R_WRONG_KEY);
        assert_int_equal(opens("b", "a"), BYOK_R_WRONG_KEY);
        assert_int_equal(opens("b", "context"), BYOK_R_WRONG_KEY);
        assert_int_equal(opens("a", "context"), BYOK_R_BAD_CIPHERTEXT);
        assert_int_equal(opens("context", "a"), BYOK_R_BAD_CIPHERTEXT);
        assert_int_equal(opens("context", "context"), 0);
        assert_int_equal(opens("b", "b"), 0);
    }
}

static int up(void **state)
{
    unsigned char *text = fixture_plain(LEN, 2);

    (void)state;
    fixture_up(&f, NULL);
    plain = fixture_plain(LEN, 1);
    sealed = fixture_run(&f, 1, "a", plain, LEN, 0, &sealed_len);
    assert_non_null(sealed);
    other = fixture_run(&f, 1, "a", text, LEN, 0, &sealed_len);
    assert_non_null(other);
    assert_int_equal(sealed_len, HEADER + FULL * SEALED + LAST + 16);
    free(text);
    return 0;
}

static int down(void **state)
{
    (void)state;
    free(plain);
    free(sealed);
    free(other);
    fixture_down(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_byte),
        cmocka_unit_test(swapped),
        cmocka_unit_test(repeated_and_removed),
        cmocka_unit_test(of_another_message),
        cmocka_unit_test(appended),
        cmocka_unit_test(empty_last_page),
        cmocka_unit_test(text_forms),
        cmocka_unit_test(no_messages),
        cmocka_unit_test(other_keks),
    };

    return cmocka_run_group_tests(tests, up, down);
}
