/* Volumes and devices of a container. */
#pragma once

#include "engine/build.h"
#include "engine/mountplan.h"

/* Volume=, Mount= and AddDevice=: binds become entries of the plan; what has to be made first is made in a slot, before the root is
 * attached. Texts that the plan borrows are appended to KEPT. */
int filesystem_volume_collect(struct build *build, struct mountplan *plan, char ***kept);
