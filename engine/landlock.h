/* Landlock (landlock(7)): what the payload may do with files, TCP ports and processes beyond its own, without any privilege. */
#pragma once

#include "engine/build.h"

bool landlock_wanted(const struct spec *spec);

/* Checks that a kernel whose Landlock has this ABI (a negative errno: none) can enforce all that is asked for. The build's
 * failure and origin are set when not. */
int landlock_check(struct build *build, int abi);

/* Appends the rules, whose paths are looked up in the container, and later what enforces them. */
int landlock_emit_rules(struct build *build);
void landlock_emit_enforce(struct build *build);
