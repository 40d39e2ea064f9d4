/* The container's files as they can be seen at compile time, before it exists: volumes, image layers, the
 * root directory, or the host. Used to find commands, passwd and group files, and whether a mount point is
 * there. */
#pragma once

#include <sys/types.h>

#include "engine/spec.h"

/* Opens PATH (absolute, in the container) as openat2(2) with RESOLVE_IN_ROOT would in the container, with
 * FLAGS | O_CLOEXEC. Returns the descriptor or a negative errno. A volume hides what is below it in the root;
 * tmpfs mounts are not considered. */
int view_open(const struct spec *spec, const char *path, int flags);

/* The file type (S_IFMT bits) of PATH in the container's root without any volume, or with DIRECTORY given in
 * that one instead, or a negative errno: what a mount point would be found as. */
int view_type(const struct spec *spec, const char *directory, const char *path);

/* Whether there is something that cannot be seen before it is mounted: a disk image. */
bool view_is_opaque(const struct spec *spec);

/* Whether PATH is a regular file that somebody may execute. */
bool view_is_executable(const struct spec *spec, const char *path);

/* A regular file of at most LIMIT bytes as a heap string, the caller's. Returns its length or a negative
 * errno. */
ssize_t view_read(const struct spec *spec, const char *path, size_t limit, char **ret_text);
