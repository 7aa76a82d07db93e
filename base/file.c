#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int check(const struct stat *info, const char *path, mode_t forbidden, const char *what,
                 struct byok_status *status)
{
    if (!S_ISREG(info->st_mode))
        return byok_fail(status, BYOK_R_BAD_PERMISSIONS, "%s %s is not a regular file", what, path);
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return byok_fail(
            status, BYOK_R_BAD_PERMISSIONS,
            "%s %s belongs to user %lu; chown it to the user of this process, or to root", what,
            path, (unsigned long)info->st_uid);
    if (info->st_mode & forbidden)
        return byok_fail(status, BYOK_R_BAD_PERMISSIONS, "%s %s has mode %04lo; run chmod %s on it",
                         what, path, (unsigned long)info->st_mode & 07777,
                         forbidden == BYOK_FILE_PRIVATE ? "0600" : "go-w");
    return 1;
}

int byok_file_open(const char *path, mode_t forbidden, const char *what, struct stat *info,
                   struct byok_status *status)
{
    int fd;

    do
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* never waits on a FIFO */
    while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        int reason = errno == ENOENT || errno == ENOTDIR ? BYOK_R_NOT_FOUND
                     : errno == EACCES || errno == EPERM ? BYOK_R_BAD_PERMISSIONS
                                                         : BYOK_R_UNAVAILABLE;

        byok_fail(status, reason, "%s %s cannot be opened: %s", what, path, strerror(errno));
        return -1;
    }
    if (fstat(fd, info) != 0)
        byok_fail(status, BYOK_R_UNAVAILABLE, "%s %s cannot be examined: %s", what, path,
                  strerror(errno));
    else if (check(info, path, forbidden, what, status))
        return fd;
    close(fd);
    return -1;
}

int byok_file_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size
           && a->st_mode == b->st_mode && a->st_uid == b->st_uid
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec
           && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}
