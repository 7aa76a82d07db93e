#include "provider/algorithms.h"

#include "byok/names.h"

#include <openssl/core_dispatch.h>

#define PROPERTIES "provider=byok"

static const OSSL_ALGORITHM ciphers[] = {
    {BYOK_CIPHER_SEALED, PROPERTIES, byok_sealed_cipher,
     "envelope encryption; the key is the name of a KEK"},
    {NULL, NULL, NULL, NULL},
};

const OSSL_ALGORITHM *byok_algorithms(int operation)
{
    switch (operation) {
    case OSSL_OP_CIPHER:
        return ciphers;
    default:
        return NULL;
    }
}
