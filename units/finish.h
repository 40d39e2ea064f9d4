/* What can be said only when every file has been read: defaults that depend on other settings, a container's
 * defaults, default dependencies, and whether it all makes sense. */
#pragma once

#include "units/assign.h"

/* Returns 0, -ENOMEM, or -EINVAL with FAILURE (and its place where a line is to blame). */
int finish_config(struct unit_config *config, struct failure *failure);
