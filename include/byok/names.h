/*
 * Names by which an application speaks to the byok provider through EVP.
 */
#ifndef BYOK_NAMES_H
#define BYOK_NAMES_H

/* The provider, as in OSSL_PROVIDER_load() and `openssl -provider`. */
#define BYOK_PROVIDER_NAME "byok"

/*
 * The sealed cipher. Its key is the name of a configured KEK: 1 to 64 bytes, padded with zero bytes
 * to any length in that range (32 by default); zeros alone mean the default KEK. It has no IV.
 * Buffers must be sized by EVP_CIPHER_get_block_size(). The message that it writes is specified in
 * doc/format.md.
 */
#define BYOK_CIPHER_SEALED "BYOK-AES-256-GCM"

/*
 * UTF-8 string, get and set, on an EVP_CIPHER_CTX before a message's first data: the name=value
 * pairs that the message belongs to, separated by commas, percent-encoded where a name or value
 * holds a comma, an equals sign, a percent sign, or a space at an edge
 * ("organization_id=org_123,table=users"). Stays set until it is changed ("" clears it) or
 * an init names a cipher again, which makes the context new: best given in each init's parameters.
 * Limits: doc/format.md, Context.
 */
#define BYOK_CIPHER_PARAM_CONTEXT "byok-context"

/*
 * UTF-8 string, get, on the provider: reads the configuration and says what is wrong with it, ""
 * when all is well. While a newer file has a mistake the earlier configuration stays in force.
 */
#define BYOK_PROV_PARAM_CONFIG_ERROR "byok-config-error"

#endif
