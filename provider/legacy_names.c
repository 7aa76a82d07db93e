/*
 * Makes the sealed cipher known to EVP_get_cipherbyname(), which PHP, Ruby and Node ask and which
 * knows no provider's names.
 *
 * byok.so is a configuration module too: OpenSSL's configuration loads it, after the providers, by
 * a line `byok_names = section` whose section has `path = .../byok.so`. libcrypto looks the two
 * functions up by the names OPENSSL_init and OPENSSL_finish (CONF_modules_load(3)); its header
 * declares another OPENSSL_init, hence the other names here.
 */
#include "base/notice.h"
#include "byok/names.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#define EXPORT __attribute__((visibility("default")))

/* EVP_get_cipherbyname() ignores case; this is how OpenSSL spells such names. */
static const char legacy_name[] = "byok-aes-256-gcm";

EXPORT int byok_names_init(CONF_IMODULE *module, const CONF *conf) __asm__("OPENSSL_init");
EXPORT void byok_names_finish(CONF_IMODULE *module) __asm__("OPENSSL_finish");

int byok_names_init(CONF_IMODULE *module, const CONF *conf)
{
    struct byok_status status = BYOK_STATUS_INIT;
    EVP_CIPHER *cipher;

    (void)conf;
    ERR_set_mark();
    cipher = EVP_CIPHER_fetch(NULL, BYOK_CIPHER_SEALED, NULL);
    if (cipher != NULL
        && OBJ_NAME_add(legacy_name, OBJ_NAME_TYPE_CIPHER_METH, (const char *)cipher)) {
        CONF_imodule_set_usr_data(module, cipher);
    } else {
        EVP_CIPHER_free(cipher);
        byok_fail(&status, BYOK_R_CONFIG,
                  "activate the provider byok, and name `providers` before `byok_names`");
        byok_notice("the cipher's name cannot be registered", &status);
    }
    ERR_pop_to_mark();
    return 1; /* 0 would keep OpenSSL from reading the rest of its configuration */
}

void byok_names_finish(CONF_IMODULE *module)
{
    EVP_CIPHER *cipher = CONF_imodule_get_usr_data(module);

    if (cipher != NULL)
        OBJ_NAME_remove(legacy_name, OBJ_NAME_TYPE_CIPHER_METH);
    EVP_CIPHER_free(cipher);
}
