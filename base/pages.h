/*
 * Anonymous memory straight from the kernel, with an inaccessible page before and after it.
 */
#ifndef BYOK_BASE_PAGES_H
#define BYOK_BASE_PAGES_H

#include "base/status.h"

#include <stddef.h>

/* Maps `pages` zeroed pages between two guard pages. `advice` is a madvise() advice that must hold
 * for them (MADV_WIPEONFORK). Fails with BYOK_R_PLATFORM where the kernel doesn't know the advice.
 */
void *byok_pages_map(size_t pages, int advice, struct byok_status *status);
void byok_pages_unmap(void *address, size_t pages);

/* The size of a page in bytes. */
size_t byok_page_size(void);

#endif
