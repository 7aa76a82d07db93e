#include "envelope/page.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <string.h>

int byok_pager_start(struct byok_pager *pager, const struct byok_crypto *crypto,
                     const unsigned char message_key[BYOK_KEY_BYTES], int sealing,
                     struct byok_status *status)
{
    static const unsigned char nonce[BYOK_GCM_IV_BYTES] = {0}; /* of page 0 */
    /* A context that has the cipher already keeps it: making its state anew is dearer than the
     * key. */
    const EVP_CIPHER *cipher = crypto->aes_256_gcm;

    if (pager->gcm == NULL)
        pager->gcm = EVP_CIPHER_CTX_new();
    else if (EVP_CIPHER_CTX_get0_cipher(pager->gcm) == cipher)
        cipher = NULL;
    pager->sealing = sealing;
    pager->page = 0;
    return (pager->gcm != NULL
            && EVP_CipherInit_ex2(pager->gcm, cipher, message_key, nonce, sealing, NULL))
           || byok_fail_crypto(status, "AES-256-GCM");
}

int byok_page_begin(struct byok_pager *pager, struct byok_status *status)
{
    unsigned char nonce[BYOK_GCM_IV_BYTES] = {0};

    if (pager->page == 0)
        return 1; /* its nonce came with the key */
    if (pager->page == BYOK_PAGES_MAX)
        return byok_fail(status, BYOK_R_TOO_LARGE, "it goes beyond its last page");
    byok_put_u64(nonce + sizeof nonce - 8, pager->page);
    return EVP_CipherInit_ex2(pager->gcm, NULL, NULL, nonce, pager->sealing, NULL)
           || byok_fail_crypto(status, "AES-256-GCM");
}

int byok_page_encrypt(struct byok_pager *pager, unsigned char *out, const unsigned char *in,
                      size_t len, struct byok_status *status)
{
    int n;

    return EVP_EncryptUpdate(pager->gcm, out, &n, in, (int)len)
           || byok_fail_crypto(status, "AES-256-GCM");
}

/* The tag by parameter: EVP_CIPHER_CTX_ctrl() would come to the same by a longer way. */
static int tag_get(struct byok_pager *pager, unsigned char tag[BYOK_GCM_TAG_BYTES])
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, BYOK_GCM_TAG_BYTES),
        OSSL_PARAM_construct_end()};

    return EVP_CIPHER_CTX_get_params(pager->gcm, params);
}

static int tag_set(struct byok_pager *pager, const unsigned char tag[BYOK_GCM_TAG_BYTES])
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                                             (unsigned char *)tag,
                                                             BYOK_GCM_TAG_BYTES),
                           OSSL_PARAM_construct_end()};

    return EVP_CIPHER_CTX_set_params(pager->gcm, params);
}

int byok_page_end(struct byok_pager *pager, unsigned char tag[BYOK_GCM_TAG_BYTES],
                  struct byok_status *status)
{
    int n;

    if (!EVP_EncryptFinal_ex(pager->gcm, tag, &n) || !tag_get(pager, tag))
        return byok_fail_crypto(status, "AES-256-GCM");
    pager->page++;
    return 1;
}

int byok_page_open(struct byok_pager *pager, unsigned char *out, const unsigned char *in,
                   size_t len, struct byok_status *status)
{
    size_t plain = len - BYOK_GCM_TAG_BYTES;
    int n;

    if (!byok_page_begin(pager, status))
        return 0;
    if (!tag_set(pager, in + plain) || !EVP_DecryptUpdate(pager->gcm, out, &n, in, (int)plain))
        return byok_fail_crypto(status, "AES-256-GCM");
    if (!EVP_DecryptFinal_ex(pager->gcm, out + plain, &n)) {
        OPENSSL_cleanse(out, plain);
        return byok_fail(status, BYOK_R_BAD_PAGE, "page %llu, counted from 0",
                         (unsigned long long)pager->page);
    }
    pager->page++;
    return 1;
}

int byok_pager_copy(struct byok_pager *to, const struct byok_pager *from,
                    struct byok_status *status)
{
    if (from->gcm == NULL) {
        byok_pager_clear(to);
        return 1;
    }
    if (to->gcm == NULL)
        to->gcm = EVP_CIPHER_CTX_new();
    to->sealing = from->sealing;
    to->page = from->page;
    return (to->gcm != NULL && EVP_CIPHER_CTX_copy(to->gcm, from->gcm))
           || byok_fail_crypto(status, "copying AES-256-GCM");
}

void byok_pager_clear(struct byok_pager *pager)
{
    EVP_CIPHER_CTX_free(pager->gcm);
    memset(pager, 0, sizeof *pager);
}
