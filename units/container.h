/* Units that are found by what they call their container. */
#pragma once

#include "units/load.h"

/* Where Network=container:NAME names no unit: takes the unit of the search path whose ContainerName= is NAME, if there is
 * one, in its place. Reads unit files only then. Returns 0 or -ENOMEM. */
int container_resolve(const struct unit_search_path *path, struct unit_config *config);
