/* The payload's system call filter, from all the fields of a spec that ask for one. */
#pragma once

#include "engine/build.h"
#include "engine/seccomp-code.h"

/* Whether the spec asks for any filter, and whether one that the user wrote (which implies no_new_privileges
 * for a payload without CAP_SYS_ADMIN, as systemd.exec(5) has it). */
bool seccomp_wanted(const struct spec *spec);
bool seccomp_wanted_by_user(const struct spec *spec);

/* Makes the filter for a payload that has CAPABILITIES. FILTER's instructions are the caller's. The build's
 * failure and origin are set on failure: -EINVAL for a name that is no system call, group, architecture or
 * address family. */
int seccomp_compile(struct build *build, uint64_t capabilities, struct seccomp_code_filter *filter);

/* Appends SECCOMP. */
int seccomp_emit(struct build *build, uint64_t capabilities);
