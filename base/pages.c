#include "base/pages.h"

#include <sys/mman.h>
#include <unistd.h>

size_t byok_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

void *byok_pages_map(size_t pages, int advice, struct byok_status *status)
{
    size_t size = byok_page_size();
    char *map = mmap(NULL, (pages + 2) * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED) {
        byok_fail_memory(status);
        return NULL;
    }
    if (mprotect(map + size, pages * size, PROT_READ | PROT_WRITE) == 0
        && madvise(map + size, pages * size, advice) == 0)
        return map + size;
    munmap(map, (pages + 2) * size);
    byok_fail(status, BYOK_R_PLATFORM, "the kernel does not wipe memory on fork (MADV_WIPEONFORK)");
    return NULL;
}

void byok_pages_unmap(void *address, size_t pages)
{
    size_t size = byok_page_size();

    if (address != NULL)
        munmap((char *)address - size, (pages + 2) * size);
}
