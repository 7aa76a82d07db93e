/*
 * Every algorithm that this provider offers.
 */
#ifndef BYOK_PROVIDER_ALGORITHMS_H
#define BYOK_PROVIDER_ALGORITHMS_H

#include <openssl/core.h>

/* The table of the operation, or NULL. */
const OSSL_ALGORITHM *byok_algorithms(int operation);

extern const OSSL_DISPATCH byok_sealed_cipher[];

#endif
