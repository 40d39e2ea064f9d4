/* Named groups of system calls. */
#pragma once

#include "base/macros.h"

struct seccomp_group {
	const char *name;    /* "@file-system" */
	const char *members; /* names and other groups, separated by single spaces */
};

/* In alphabetical order. */
extern const struct seccomp_group seccomp_groups[];
extern const size_t seccomp_n_groups;

/* NULL when there is no such group. */
const struct seccomp_group *seccomp_groups_find(const char *name);
