/* The container's files: its root, what is mounted in it, what is hidden. */
#pragma once

#include "engine/build.h"

/* Which kind of root the spec asks for. */
enum build_root filesystem_decide_root(const struct spec *spec);

/* Whether it gets what containers have, not only what its directives name. */
bool filesystem_is_container(const struct spec *spec);

/* A bind mount's entry; its texts must live as long as the plan. */
struct mountplan;
int filesystem_add_bind(struct mountplan *plan, struct build *build, const struct spec_mount *mount);
/* PROGRAM_MOUNT_* of a mount, and PROGRAM_OPTIONAL. */
uint32_t filesystem_mount_flags(const struct spec_mount *mount);
/* OPTIONS (may be NULL) of a tmpfs, whose files belong to the container's root unless they say otherwise; heap. */
char *filesystem_tmpfs_options(const struct build *build, const char *options);

/* Where the notify socket is in a mount namespace: on the host's tree where it is anyway, so that no mount point is left behind there. */
const char *filesystem_notify_path(const struct build *build);
const char *
filesystem_pressure_path(const struct build *build); /* the same for the file of memory pressure */

/* Fails with "WHAT PATH" when that is no directory. */
int filesystem_check_directory(struct build *build, const char *what, const char *path);

/* Checks the sources and appends everything from the private mount namespace to the detached old root. */
int filesystem_emit(struct build *build);
