/*
 * The example of EVP_EncryptInit(3): files in pieces of 1024 bytes, and a buffer that is larger by
 * EVP_MAX_BLOCK_LENGTH, not by this cipher's block size. Sealing works with it (doc/evp.md,
 * Emission).
 */
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANARY 65536

static struct fixture f;

/* As in the manual but for the cipher, the canary, and that it looks at what it is told. */
static int do_crypt(FILE *in, FILE *out, int do_encrypt)
{
    static struct {
        unsigned char bytes[1024 + EVP_MAX_BLOCK_LENGTH], canary[CANARY];
    } outbuf;
    unsigned char inbuf[1024], key[32] = "a", expected[CANARY];
    EVP_CIPHER_CTX *ctx;
    int inlen, outlen;

    memset(outbuf.canary, 0xc5, CANARY);
    memset(expected, 0xc5, CANARY);
    ctx = EVP_CIPHER_CTX_new();
    if (!EVP_CipherInit_ex2(ctx, f.cipher, NULL, NULL, do_encrypt, NULL)) {
        EVP_CIPHER_CTX_free(ctx);
        return 0;
    }
    assert_int_equal(EVP_CIPHER_CTX_get_key_length(ctx), 32);
    assert_int_equal(EVP_CIPHER_CTX_get_iv_length(ctx), 0);
    if (!EVP_CipherInit_ex2(ctx, NULL, key, NULL, do_encrypt, NULL)) {
        EVP_CIPHER_CTX_free(ctx);
        return 0;
    }
    for (;;) {
        inlen = (int)fread(inbuf, 1, sizeof inbuf, in);
        if (inlen <= 0)
            break;
        if (!EVP_CipherUpdate(ctx, outbuf.bytes, &outlen, inbuf, inlen)) {
            EVP_CIPHER_CTX_free(ctx);
            return 0;
        }
        assert_in_range(outlen, 0, sizeof outbuf.bytes);
        assert_int_equal(fwrite(outbuf.bytes, 1, (size_t)outlen, out), outlen);
    }
    if (!EVP_CipherFinal_ex(ctx, outbuf.bytes, &outlen)) {
        EVP_CIPHER_CTX_free(ctx);
        return 0;
    }
    assert_in_range(outlen, 0, sizeof outbuf.bytes);
    assert_int_equal(fwrite(outbuf.bytes, 1, (size_t)outlen, out), outlen);
    EVP_CIPHER_CTX_free(ctx);
    assert_memory_equal(outbuf.canary, expected, CANARY);
    return 1;
}

static void seal_file(size_t len)
{
    unsigned char *plain = fixture_plain(len, (unsigned int)len), *sealed;
    size_t sealed_len = 320 + len + 16 * (len / 4096 + 1), released;
    FILE *in = tmpfile(), *out = tmpfile();

    assert_non_null(in);
    assert_non_null(out);
    assert_int_equal(fwrite(plain, 1, len, in), len);
    rewind(in);
    assert_int_equal(do_crypt(in, out, 1), 1);
    assert_int_equal(ftell(out), sealed_len);
    rewind(out);
    sealed = malloc(sealed_len);
    assert_non_null(sealed);
    assert_int_equal(fread(sealed, 1, sealed_len, out), sealed_len);
    assert_int_equal(fixture_try(&f, "a", sealed, sealed_len, 1000, plain, len, &released), 0);
    fclose(in);
    fclose(out);
    free(sealed);
    free(plain);
}

static void sealing_files(void **state)
{
    static const size_t lens[] = {0,    1,    16,   100,  1023, 1024, 1025,  2048,   4080,   4095,
                                  4096, 4097, 5120, 8191, 8192, 8193, 12288, 100000, 1048576};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof lens / sizeof *lens; i++)
        seal_file(lens[i]);
    for (i = 0; i < 4200; i += 61)
        seal_file(i);
}

FIXTURE_GROUP(f)

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sealing_files)};

    return cmocka_run_group_tests(tests, up, down);
}
