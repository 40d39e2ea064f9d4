/* Properties of paths that a spec asks for by a word (ProtectSystem=strict) instead of by listing them. */
#pragma once

#include "engine/mountplan.h"

bool filesystem_protect_wanted(const struct spec *spec);
void filesystem_protect_collect(struct mountplan *plan, struct build *build);
