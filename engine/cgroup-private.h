/* What the files of the cgroup tree share. */
#pragma once

#include "engine/cgroup.h"

enum { CGROUP_N_CONTROLLERS = 8 };

/* The names in a "cgroup.controllers" file as bits. */
unsigned cgroup_parse_controllers(const char *text);

/* Enables WANTED for the children of a group, each by a write of its own: one that fails must not hinder the others. Returns those that
 * are enabled after. */
unsigned cgroup_enable(int group_fd, unsigned wanted);
/* What is remembered of the groups at and below PATH is not true any more. */
void cgroup_make_forget(struct cgroup_tree *tree, const char *path);

/* Opens the group PATH (relative, without "..") below the tree's root; "" is the root itself. */
int cgroup_open(const struct cgroup_tree *tree, const char *path);

/* Writes to the group's files what WISH says and OLD (NULL: a new group) does not. *RET_WRITTEN counts the files written, also on
 * failure. */
int cgroup_limits_write(const struct cgroup_tree *tree, int group_fd, const char *path,
			const struct cgroup_wish *old, const struct cgroup_wish *wish,
			struct failure *failure, uint32_t *ret_origin, unsigned *ret_written);
/* Fails with -EOPNOTSUPP for the first limit whose controller is not among AVAILABLE. */
int cgroup_limits_check(const struct cgroup_tree *tree, const char *path, const struct cgroup_wish *wish,
			unsigned available, struct failure *failure, uint32_t *ret_origin);

/* Where cgroup2 is mounted and which group of it this process is in: *RET_PATH is that group's absolute
 * directory and *RET_REAL_ROOT says that it is the root of the hierarchy. -ENOENT: there is no cgroup2 that
 * shows us. */
int cgroup_find_own(char **ret_path, bool *ret_real_root);
/* -ENOTSUP when PATH is not on a cgroup2 file system. */
int cgroup_find_check(const char *path);
