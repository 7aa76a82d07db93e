#include "base/fork.h"

#include "base/pages.h"

#include <sys/mman.h>

int byok_fork_mark_init(struct byok_fork_mark *mark, struct byok_status *status)
{
    void *page = byok_pages_map(1, MADV_WIPEONFORK, status);

    if (page == NULL)
        return 0;
    mark->page = page;
    atomic_init(&mark->newest, 1);
    atomic_init(mark->page, 1);
    return 1;
}

void byok_fork_mark_cleanup(struct byok_fork_mark *mark)
{
    byok_pages_unmap(mark->page, 1);
    mark->page = NULL;
}

uint64_t byok_fork_mark_epoch(struct byok_fork_mark *mark)
{
    uint64_t epoch = atomic_load_explicit(mark->page, memory_order_acquire), wiped = 0;

    if (epoch != 0)
        return epoch;
    /* `newest` is ordinary memory, so the child inherits it: what it gives out here is above all
     * that came before. */
    epoch = atomic_fetch_add(&mark->newest, 1) + 1;
    return atomic_compare_exchange_strong(mark->page, &wiped, epoch) ? epoch : wiped;
}
