/*
 * Telling a forked child from its parent. Process ids repeat across namespaces, so a page that the
 * kernel wipes on fork is asked.
 */
#ifndef BYOK_BASE_FORK_H
#define BYOK_BASE_FORK_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdint.h>

struct byok_fork_mark {
    _Atomic uint64_t *page;  /* reads as 0 in a child that has not looked yet */
    _Atomic uint64_t newest; /* the highest epoch given out here or in a forebear */
};

/* Maps the page. Fails with BYOK_R_PLATFORM where the kernel can't wipe on fork (before
 * Linux 4.14). */
int byok_fork_mark_init(struct byok_fork_mark *mark, struct byok_status *status);
void byok_fork_mark_cleanup(struct byok_fork_mark *mark);

/* The epoch of this process: never 0, the same for all its threads, and another than any that was
 * given out in a forebear before the fork. */
uint64_t byok_fork_mark_epoch(struct byok_fork_mark *mark);

#endif
