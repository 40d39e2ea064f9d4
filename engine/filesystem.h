/* The container's files: its root, what is mounted in it, what is hidden. */
#pragma once

#include "engine/build.h"

/* Which kind of root the spec asks for. */
enum build_root filesystem_decide_root(const struct spec *spec);

/* Whether it gets what containers have, not only what its directives name. */
bool filesystem_is_container(const struct spec *spec);

/* Fails with "WHAT PATH" when that is no directory. */
int filesystem_check_directory(struct build *build, const char *what, const char *path);

/* Checks the sources and appends everything from the private mount namespace to the detached old root. */
int filesystem_emit(struct build *build);
/* Does the service on the host's tree get a /sys of its network namespace? */
bool filesystem_wants_sysfs(const struct build *build);
