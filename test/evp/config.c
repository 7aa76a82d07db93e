/*
 * KEK files that are wrong: what is refused, why, and what the error says.
 */
#include "byok/names.h"
#include "byok/reasons.h"
#include "test/support/cmocka.h"
#include "test/support/fixture.h"

#include <openssl/err.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static const unsigned char text[] = "what is sealed";
static unsigned char *sealed; /* under a */
static size_t sealed_len;
static char error[2048];

/* The reason for which a message can't be sealed or opened, 0 when it can; the last error's text is
 * in `error`. */
static int run(int seal)
{
    EVP_CIPHER_CTX *ctx = fixture_bare_ctx(&f);
    const char *data = "";
    unsigned char *out = NULL;
    size_t len = 0;
    int flags, ok;

    ok =
        fixture_init(ctx, seal, "a")
        && fixture_drive(ctx, seal ? text : sealed, seal ? sizeof text : sealed_len, 0, &out, &len);
    assert_true(ok || len == 0);
    ERR_peek_last_error_data(&data, &flags);
    snprintf(error, sizeof error, "%s", ok ? "" : data);
    free(out);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? 0 : fixture_reason();
}

/* A provider on this KEK file: each operation fails with a reason from least to most, and an error
 * with these words. */
static void refused(const char *file, int least, int most, const char *word, const char *other)
{
    char param[2048] = "not read";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(BYOK_PROV_PARAM_CONFIG_ERROR, param, sizeof param),
        OSSL_PARAM_construct_end()};
    int reason;

    fixture_restart(&f, file);
    reason = run(1);
    assert_in_range(reason, least, most);
    assert_non_null(strstr(error, word));
    assert_non_null(strstr(error, other));
    assert_null(strstr(error, "s3cret"));
    assert_int_equal(run(0), reason);
    assert_int_equal(OSSL_PROVIDER_get_params(f.byok, params), 1);
    assert_non_null(strstr(param, word));
    assert_null(strstr(param, "s3cret"));
}

static void unknown_options(void **state)
{
    (void)state;
    refused("dek-cache-second = s3cret\n[a]\nuri = test:///x\n", BYOK_R_UNKNOWN_OPTION,
            BYOK_R_UNKNOWN_OPTION, "dek-cache-second", "default-kek");
    refused("[a]\nuri = test:///x\nurl = s3cret\n", BYOK_R_UNKNOWN_OPTION, BYOK_R_UNKNOWN_OPTION,
            "url", "uri");
    refused("[a]\nuri = test:///x\ndefault-kek = a\n", BYOK_R_UNKNOWN_OPTION, BYOK_R_UNKNOWN_OPTION,
            "default-kek", "dek-max-bytes");
    refused("uri = test:///x\n[a]\nuri = test:///x\n", BYOK_R_UNKNOWN_OPTION, BYOK_R_UNKNOWN_OPTION,
            "uri", "context");
    refused("[a]\nuri = test:///x\nDEK-CACHE-SECONDS = 5\n", BYOK_R_UNKNOWN_OPTION,
            BYOK_R_UNKNOWN_OPTION, "dek-cache-seconds", "");
    /* a key in the wrong place */
    refused("[a]\nuri = test:///x\ns3cretAAECAwQFBgcICQoLDA0ODw = \n", BYOK_R_UNKNOWN_OPTION,
            BYOK_R_UNKNOWN_OPTION, "uri", "");
}

static void values_out_of_range(void **state)
{
    static const char *const bad[] = {"86401", "-1", "s3cret", "1.5", "99999999999999999999999",
                                      "0x10",  "5s", "+5",     "1 2", "18446744073709551616"};
    char file[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(file, sizeof file, "[a]\nuri = test:///x\ndek-cache-seconds = %s\n", bad[i]);
        refused(file, BYOK_R_BAD_VALUE, BYOK_R_BAD_VALUE, "dek-cache-seconds", "86400");
    }
    refused("dek-max-messages = 0\n[a]\nuri = test:///x\n", BYOK_R_BAD_VALUE, BYOK_R_BAD_VALUE,
            "dek-max-messages", "4294967296");
    refused("dek-max-bytes = 0\n[a]\nuri = test:///x\n", BYOK_R_BAD_VALUE, BYOK_R_BAD_VALUE,
            "dek-max-bytes", "1152921504606846976");
}

static void uris(void **state)
{
    static const char *const bad[] = {"nosuch:///x",    "x",
                                      "test:x",         "test://x",
                                      "test:",          "local:relative",
                                      "local://host/x", "test:///x%zz",
                                      "test:///x%00",   ":"};
    char file[256];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(file, sizeof file, "[a]\nuri = %s\n", bad[i]);
        refused(file, BYOK_R_BAD_VALUE, BYOK_R_BAD_VALUE, "\"a\"", "");
    }
    refused("[a]\nuri = nosuch:///x\n", BYOK_R_BAD_VALUE, BYOK_R_BAD_VALUE, "local",
            ""); /* the ones there are */
    refused("[a]\n", BYOK_R_CONFIG, BYOK_R_BAD_VALUE, "\"a\"", "uri");
    refused("[a]\ndek-cache-seconds = 5\n", BYOK_R_CONFIG, BYOK_R_BAD_VALUE, "\"a\"", "uri");
}

static void other_mistakes(void **state)
{
    char file[256];

    (void)state;
    refused("[a\nuri = test:///x\n", BYOK_R_CONFIG, BYOK_R_CONFIG, "1", "");
    refused("default-kek = s0meone\n[a]\nuri = test:///x\n", BYOK_R_CONFIG, BYOK_R_BAD_VALUE,
            "default-kek", "");
    refused("[a]\nuri = test:///x\ncontext = s3cret\n", BYOK_R_CONFIG, BYOK_R_BAD_VALUE, "context",
            "");
    refused("[a]\nuri = test:///x\n[-b]\nuri = test:///x\n", BYOK_R_CONFIG, BYOK_R_BAD_VALUE, "",
            "");
    snprintf(file, sizeof file, "[a]\nuri = test:///x\n[%065d]\nuri = test:///x\n", 1);
    refused(file, BYOK_R_CONFIG, BYOK_R_BAD_VALUE, "64", "");
}

static int up(void **state)
{
    (void)state;
    fixture_up(&f, NULL);
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
        cmocka_unit_test(unknown_options),
        cmocka_unit_test(values_out_of_range),
        cmocka_unit_test(uris),
        cmocka_unit_test(other_mistakes),
    };

    return cmocka_run_group_tests(tests, up, down);
}
