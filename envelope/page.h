/*
 * Pages: AES-256-GCM under a message key, the page's number as the nonce. doc/format.md, Pages.
 */
#ifndef BYOK_ENVELOPE_PAGE_H
#define BYOK_ENVELOPE_PAGE_H

#include "base/crypto.h"

#include <stdint.h>

#define BYOK_PAGE_BYTES  4096                                   /* of plaintext */
#define BYOK_PAGE_SEALED (BYOK_PAGE_BYTES + BYOK_GCM_TAG_BYTES) /* bytes of a full page */
#define BYOK_PAGES_MAX   (UINT64_C(1) << 32)

struct byok_pager {
    EVP_CIPHER_CTX *gcm; /* owned */
    int sealing;
    uint64_t page; /* the number of the page at hand */
};

/* Starts a message at page 0. `message_key` is read here only. */
int byok_pager_start(struct byok_pager *pager, const struct byok_crypto *crypto,
                     const unsigned char message_key[BYOK_KEY_BYTES], int sealing,
                     struct byok_status *status);

/* Sealing: begin a page, encrypt its bytes as they come, end it with its tag. `out` may be `in`,
 * and overlaps it in no other way. */
int byok_page_begin(struct byok_pager *pager, struct byok_status *status);
int byok_page_encrypt(struct byok_pager *pager, unsigned char *out, const unsigned char *in,
                      size_t len, struct byok_status *status);
int byok_page_end(struct byok_pager *pager, unsigned char tag[BYOK_GCM_TAG_BYTES],
                  struct byok_status *status);

/* Opening: decrypts the page in[0..len), tag included, to out[0..len - tag), which is wiped when
 * the tag is wrong (BYOK_R_BAD_PAGE). */
int byok_page_open(struct byok_pager *pager, unsigned char *out, const unsigned char *in,
                   size_t len, struct byok_status *status);

/* A copy that goes on by itself. */
int byok_pager_copy(struct byok_pager *to, const struct byok_pager *from,
                    struct byok_status *status);

/* Wipes the message key. */
void byok_pager_clear(struct byok_pager *pager);

#endif
