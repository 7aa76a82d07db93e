/*
 * Files that are trusted for what they say or hold.
 */
#ifndef BYOK_BASE_FILE_H
#define BYOK_BASE_FILE_H

#include "base/status.h"

#include <sys/stat.h>

#define BYOK_FILE_NOT_WRITABLE 0022 /* by others: configuration */
#define BYOK_FILE_PRIVATE      0077 /* to its owner: keys */

/*
 * Opens a regular file for reading (a symbolic link to one too: Kubernetes mounts are made of them)
 * and checks, on the open file, that root or the process's effective user owns it and that no bit
 * of `forbidden` is in its mode. Returns a descriptor, the caller's to close, or -1 with
 * BYOK_R_NOT_FOUND (it isn't there), BYOK_R_BAD_PERMISSIONS or BYOK_R_UNAVAILABLE. `what` names the
 * file's role in messages.
 */
int byok_file_open(const char *path, mode_t forbidden, const char *what, struct stat *info,
                   struct byok_status *status);

/* Whether two results of stat() are of the same content, as far as stat() tells. */
int byok_file_same(const struct stat *a, const struct stat *b);

#endif
