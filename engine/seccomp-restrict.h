/* The fields of a spec that each forbid one kind of act: Restrict*=, Protect*=, LockPersonality=,
 * MemoryDenyWriteExecute=. */
#pragma once

#include "engine/build.h"
#include "engine/seccomp-policy.h"

bool seccomp_restrict_wanted(const struct spec *spec);

/* Adds their rules. Sets the build's failure and origin. */
int seccomp_restrict_apply(struct build *build, struct seccomp_policy *policy);
