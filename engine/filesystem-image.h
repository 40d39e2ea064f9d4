/* Disk images as parts of a root: what is emitted for them. */
#pragma once

#include "engine/build.h"
#include "engine/mountplan.h"

/* The root partition of RootImage= into the root's slot; other partitions with a place of their own (/usr, /home, …)
 * become entries of the plan. */
int filesystem_image_emit_root(struct build *build, struct mountplan *plan);

/* MountImages=: mounts that are made at once, while the host's devices can be reached, and placed by the plan. */
int filesystem_image_collect(struct build *build, struct mountplan *plan);

/* The file system of an image as a read-only tree in a slot of its own, for an overlay of several. */
int filesystem_image_emit_layer(struct build *build, const char *path, const char *options,
				const char *policy, uint8_t *ret_slot);
