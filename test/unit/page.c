/*
 * envelope/page: against AES-256-GCM straight from libcrypto.
 */
#include "envelope/page.h"

#include "test/unit/check.h"

static struct byok_crypto *crypto;
static unsigned char key[BYOK_KEY_BYTES], plain[BYOK_PAGE_BYTES];

/* The page of this number, made here. */
static void make(uint64_t number, const unsigned char *in, size_t len, unsigned char *out)
{
    EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
    unsigned char nonce[12] = {0};
    int n;

    byok_put_u64(nonce + 4, number);
    assert_int_equal(EVP_EncryptInit_ex(gcm, EVP_aes_256_gcm(), NULL, key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(gcm, out, &n, in, (int)len), 1);
    assert_int_equal(n, len);
    assert_int_equal(EVP_EncryptFinal_ex(gcm, out + n, &n), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, out + len), 1);
    EVP_CIPHER_CTX_free(gcm);
}

static void start(struct byok_pager *pager, int sealing)
{
    unsigned char *copy = exact(key, sizeof key);

    WORKS(byok_pager_start(pager, crypto, copy, sealing, &status));
    free(copy); /* read there only */
}

/* Seals plain[0..len) in runs of `run`, in place. */
static void seal(struct byok_pager *pager, size_t len, size_t run, unsigned char *out)
{
    size_t done, n;

    memcpy(out, plain, len);
    WORKS(byok_page_begin(pager, &status));
    for (done = 0; done < len; done += n) {
        n = len - done < run ? len - done : run;
        WORKS(byok_page_encrypt(pager, out + done, out + done, n, &status));
    }
    WORKS(byok_page_end(pager, out + len, &status));
}

static void sealed_pages_are_as_the_format_says(void **state)
{
    static const size_t sizes[] = {4096, 4096, 0, 1, 15, 16, 17, 4095, 4096, 100};
    static const size_t runs[] = {4096, 1, 5, 16, 17};
    unsigned char out[BYOK_PAGE_SEALED], expected[BYOK_PAGE_SEALED];
    struct byok_pager pager = {NULL, 0, 0};
    size_t r, i;

    (void)state;
    for (r = 0; r < sizeof runs / sizeof *runs; r++) {
        start(&pager, 1); /* the same context serves every message */
        for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            assert_int_equal(pager.page, i);
            seal(&pager, sizes[i], runs[r], out);
            make(i, plain, sizes[i], expected);
            assert_memory_equal(out, expected, sizes[i] + 16);
        }
        key[0]++; /* and another key */
    }
    byok_pager_clear(&pager);
    assert_null(pager.gcm);
}

static int open_page(struct byok_pager *pager, const unsigned char *in, size_t len,
                     unsigned char *out)
{
    unsigned char *copy = exact(in, len), *room = malloc(len - 16 + 1);
    int ok;

    assert_non_null(room);
    ok = byok_page_open(pager, room, copy, len, &status);
    memcpy(out, room, len - 16);
    free(copy);
    free(room);
    return ok;
}

static void pages_open_in_their_order(void **state)
{
    static const size_t sizes[] = {4096, 0, 1, 16, 4095, 4096, 4096};
    unsigned char page[BYOK_PAGE_SEALED], out[BYOK_PAGE_BYTES];
    struct byok_pager pager = {NULL, 0, 0};
    size_t i;

    (void)state;
    start(&pager, 0);
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make(i, plain, sizes[i], page);
        memset(out, 0, sizeof out);
        WORKS(open_page(&pager, page, sizes[i] + 16, out));
        assert_memory_equal(out, plain, sizes[i]);
        assert_int_equal(pager.page, i + 1);
    }
    byok_pager_clear(&pager);
}

/* A pager that stands before page `number`. */
static void start_at(struct byok_pager *pager, uint64_t number)
{
    unsigned char page[16], out[1];
    uint64_t i;

    start(pager, 0);
    for (i = 0; i < number; i++) {
        make(i, plain, 0, page);
        WORKS(open_page(pager, page, 16, out));
    }
}

static void no_other_page_opens(struct byok_pager *pager, uint64_t number,
                                const unsigned char *page, size_t len)
{
    static const unsigned char zeros[BYOK_PAGE_BYTES];
    unsigned char out[BYOK_PAGE_BYTES];

    start_at(pager, number);
    memset(out, 0xcc, sizeof out);
    FAILS(BYOK_R_BAD_PAGE, open_page(pager, page, len, out));
    assert_memory_equal(out, zeros, len - 16); /* wiped */
}

static void changed_and_misplaced_pages_do_not_open(void **state)
{
    static const size_t sizes[] = {0, 1, 16, 100, 4096};
    unsigned char page[BYOK_PAGE_SEALED];
    struct byok_pager pager = {NULL, 0, 0};
    size_t s, at, len;
    uint64_t number;

    (void)state;
    for (s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (number = 0; number < 3; number++) {
            len = sizes[s] + 16;
            make(number + 1, plain, sizes[s], page);
            no_other_page_opens(&pager, number, page, len);
            make(number, plain, sizes[s], page);
            if (sizes[s] > 0)
                no_other_page_opens(&pager, number, page, len - 1);
            for (at = 0; at < len; at += at < 40 || at > len - 20 ? 1 : 97) {
                page[at] ^= 0x80;
                no_other_page_opens(&pager, number, page, len);
                page[at] ^= 0x80;
            }
            key[31] ^= 1;
            no_other_page_opens(&pager, number, page, len);
            key[31] ^= 1;
        }
    byok_pager_clear(&pager);
}

static void pages_are_at_most_2_to_the_32(void **state)
{
    unsigned char out[16], expected[16], opened[1];
    struct byok_pager pager = {NULL, 0, 0};

    (void)state;
    assert_int_equal(BYOK_PAGES_MAX, UINT64_C(4294967296));
    start(&pager, 1);
    pager.page = BYOK_PAGES_MAX - 1;
    seal(&pager, 0, 1, out);
    make(UINT64_C(0xffffffff), plain, 0, expected);
    assert_memory_equal(out, expected, sizeof out);
    FAILS(BYOK_R_TOO_LARGE, byok_page_begin(&pager, &status));
    start(&pager, 0);
    pager.page = BYOK_PAGES_MAX - 1;
    WORKS(open_page(&pager, expected, 16, opened));
    make(BYOK_PAGES_MAX, plain, 0, expected);
    FAILS(BYOK_R_TOO_LARGE, open_page(&pager, expected, 16, opened));
    byok_pager_clear(&pager);
}

static void sealing_and_opening_take_turns(void **state)
{
    unsigned char page[116], expected[116], out[100];
    struct byok_pager pager = {NULL, 0, 0};
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        key[1]++;
        start(&pager, 1);
        seal(&pager, 100, 7, page);
        make(0, plain, 100, expected);
        assert_memory_equal(page, expected, sizeof page);
        start(&pager, 0);
        WORKS(open_page(&pager, page, 116, out));
        assert_memory_equal(out, plain, 100);
        page[0] ^= 1;
        start(&pager, 0);
        FAILS(BYOK_R_BAD_PAGE, open_page(&pager, page, 116, out));
    }
    byok_pager_clear(&pager);
}

static void a_copy_goes_on_by_itself(void **state)
{
    unsigned char pages[3][66], out[50];
    struct byok_pager pager = {NULL, 0, 0}, copy = {NULL, 0, 0}, none = {NULL, 0, 0};
    uint64_t i;

    (void)state;
    for (i = 0; i < 3; i++)
        make(i, plain + i, 50, pages[i]);
    start(&pager, 0);
    WORKS(byok_pager_copy(&copy, &pager, &status)); /* before page 0 */
    WORKS(open_page(&copy, pages[0], 66, out));
    assert_memory_equal(out, plain, 50);
    assert_int_equal(pager.page, 0);
    WORKS(open_page(&pager, pages[0], 66, out));
    WORKS(open_page(&pager, pages[1], 66, out));
    WORKS(byok_pager_copy(&copy, &pager, &status)); /* over an old one */
    assert_int_equal(copy.page, 2);
    byok_pager_clear(&pager);
    WORKS(open_page(&copy, pages[2], 66, out));
    assert_memory_equal(out, plain + 2, 50);
    WORKS(byok_pager_copy(&copy, &none, &status));
    assert_null(copy.gcm);
}

static int group_up(void **state)
{
    size_t i;

    (void)state;
    memset(&status, 0, sizeof status);
    crypto = byok_crypto_new("default", &status);
    for (i = 0; i < sizeof plain; i++)
        plain[i] = (unsigned char)(i * 5 + i / 256);
    for (i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)(i + 1);
    return crypto != NULL ? 0 : -1;
}

static int group_down(void **state)
{
    (void)state;
    byok_crypto_free(crypto);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_pages_are_as_the_format_says),
        cmocka_unit_test(pages_open_in_their_order),
        cmocka_unit_test(changed_and_misplaced_pages_do_not_open),
        cmocka_unit_test(pages_are_at_most_2_to_the_32),
        cmocka_unit_test(sealing_and_opening_take_turns),
        cmocka_unit_test(a_copy_goes_on_by_itself),
    };

    return cmocka_run_group_tests(tests, group_up, group_down);
}
