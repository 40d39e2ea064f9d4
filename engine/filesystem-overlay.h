/* The overlay that a container's root is. */
#pragma once

#include "engine/build.h"

/* Checks the layers and the upper directory, and appends the overlay, in BUILD_SLOT_ROOT. */
int filesystem_overlay_emit(struct build *build);
