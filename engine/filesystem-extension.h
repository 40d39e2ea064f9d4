/* System extensions. */
#pragma once

#include "engine/build.h"

/* ExtensionImages= and ExtensionDirectories=: laid over the attached root in BUILD_SLOT_ROOT. */
int filesystem_extension_emit(struct build *build);
