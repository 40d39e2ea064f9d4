/* The overlay that a container's root is. */
#pragma once

#include "engine/build.h"

/* Checks the layers and the upper directory, and appends the overlay, in BUILD_SLOT_ROOT. */
int filesystem_overlay_emit(struct build *build);

/* An overlay whose upper layer is gone at the end, in BUILD_SLOT_ROOT, over a directory, or with PATH NULL over the mount in
 * SLOT. */
int filesystem_overlay_emit_ephemeral(struct build *build, const char *path, uint8_t slot);
/* The same in SLOT, over a directory, or over what is in SLOT; FLAGS PROGRAM_MOUNT_*. */
int filesystem_overlay_emit_over(struct build *build, const char *path, uint8_t slot, uint32_t flags);
int filesystem_overlay_emit_slot(struct build *build, uint8_t slot, uint32_t flags);
