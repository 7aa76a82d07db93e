/*
 * A KMS that counts, delays and fails on command: the scheme `test`, as in test:///path/to/key. It
 * does what `local` does with that key file, and is linked in place of kms/backends.c.
 */
#ifndef BYOK_TEST_SUPPORT_KMS_H
#define BYOK_TEST_SUPPORT_KMS_H

#include <stdatomic.h>

struct test_kms {
    /* what was asked of it */
    _Atomic unsigned int wraps, unwraps, identifies;
    /* what it does with the next requests */
    _Atomic int fail_with;     /* a BYOK_R_ reason; 0: nothing */
    _Atomic int delay_ms;      /* before each reply */
    _Atomic int cut_reply_to;  /* bytes of the reply to keep; -1: all */
    _Atomic int grow_reply_by; /* zero bytes appended to the reply */
    /* Whether it takes replies of any length, as a backend may whose wraps have none: what its
     * callers make of them is seen then. */
    _Atomic int trusting;
};

extern struct test_kms test_kms;

/* Counts nothing, fails nothing. */
void test_kms_reset(void);

#endif
