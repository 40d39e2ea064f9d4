/* What the files of the cgroup tree share. */
#pragma once

#include "engine/cgroup.h"

/* Controllers by name: CGROUP_CPU = 1 << 0 is [0], … */
enum { CGROUP_N_CONTROLLERS = 8 };
extern const char *const cgroup_controller_names[CGROUP_N_CONTROLLERS];

/* The names in a "cgroup.controllers" file as bits. */
unsigned cgroup_parse_controllers(const char *text);

/* Opens the group PATH (relative, without "..") below the tree's root; "" is the root itself. */
int cgroup_open(const struct cgroup_tree *tree, const char *path);

/* Writes LIMITS to the group's files. */
int cgroup_limits_write(const struct cgroup_tree *tree, int group_fd, const char *path,
			const struct spec_limits *limits, struct failure *failure, uint32_t *ret_origin);
/* Fails with -EOPNOTSUPP for the first limit whose controller is not among AVAILABLE. */
int cgroup_limits_check(const struct cgroup_tree *tree, const char *path, const struct spec_limits *limits,
			unsigned available, struct failure *failure, uint32_t *ret_origin);

/* Where cgroup2 is mounted and which group of it this process is in: *RET_PATH is that group's absolute
 * directory and *RET_REAL_ROOT says that it is the root of the hierarchy. -ENOENT: there is no cgroup2 that
 * shows us. */
int cgroup_find_own(char **ret_path, bool *ret_real_root);
/* -ENOTSUP when PATH is not on a cgroup2 file system. */
int cgroup_find_check(const char *path);
