/* Groups that are made and changed. A group's controllers are enabled by the group above it, and there by the one above that: only
 * those that something below needs or wants are. What each *inner* group (one that holds groups: a slice) has enabled is remembered with
 * its descriptor, so that to make one more service's group costs a mkdir(2) and an open(2). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"

struct cgroup_inner {
	char *path;
	struct cgroup_inner *parent; /* NULL: the tree's root */
	int fd;
	unsigned enabled;  /* for the groups in it; what it can enable is what its parent has */
	unsigned disabled; /* DisableControllers= of its own and of those above */
};

/* A path made of names that the kernel does not use itself, so that no group can be mistaken for a control
 * file. */
static bool cgroup_make_is_valid(const char *path)
{
	if (!*path)
		return false;
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 0 || length > 255 || path[0] == '.' || strncmp(path, "cgroup.", 7) == 0)
			return false;
		path += length;
		if (*path == '/' && !*++path)
			return false;
	}
	return true;
}

/* --- inner groups ------------------------------------------------------------------------------------ */

static void cgroup_inner_free(struct cgroup_inner *inner)
{
	fd_close(inner->fd);
	free(inner->path);
	free(inner);
}

void cgroup_make_forget(struct cgroup_tree *tree, const char *path)
{
	size_t length = strlen(path);
	bool found = true;

	/* The table must not change under a walk through it. */
	while (found) {
		found = false;
		TABLE_FOREACH (slot, &tree->inner) {
			struct cgroup_inner *inner = slot->value;

			if (strncmp(inner->path, path, length) != 0 ||
			    (length > 0 && inner->path[length] != '\0' && inner->path[length] != '/'))
				continue;
			table_remove(&tree->inner, inner->path);
			cgroup_inner_free(inner);
			found = true;
			break;
		}
	}
}

/* Enables as many of CONTROLLERS as can be had, here and above. */
static void cgroup_inner_enable(struct cgroup_inner *inner, unsigned controllers)
{
	unsigned missing;

	if (!inner)
		return; /* the root has all it can enable enabled */
	missing = controllers & ~inner->enabled & ~inner->disabled;
	if (!missing)
		return;
	cgroup_inner_enable(inner->parent, missing);
	inner->enabled = cgroup_enable(inner->fd, missing);
}

static unsigned cgroup_inner_enabled(const struct cgroup_tree *tree, const struct cgroup_inner *inner)
{
	return inner ? inner->enabled & ~inner->disabled : tree->controllers;
}

static int cgroup_inner_open(const struct cgroup_tree *tree, const struct cgroup_inner *parent,
			     const char *name)
{
	int parent_fd = parent ? parent->fd : tree->root_fd, fd;

	if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The inner group of the first LENGTH bytes of PATH, made with those above it if need be. *RET is NULL for the root. */
static int cgroup_inner_get(struct cgroup_tree *tree, const char *path, size_t length,
			    struct cgroup_inner **ret)
{
	_cleanup_free_ char *own = strndup(path, length);
	struct cgroup_inner *inner, *parent;
	char *slash;
	int r, fd;

	*ret = NULL;
	if (!own)
		return -ENOMEM;
	if (!*own || (*ret = table_get(&tree->inner, own)))
		return 0;
	slash = strrchr(own, '/');
	r = cgroup_inner_get(tree, own, slash ? (size_t)(slash - own) : 0, &parent);
	fd = r < 0 ? r : cgroup_inner_open(tree, parent, slash ? slash + 1 : own);
	if (fd < 0)
		return fd;
	inner = malloc(sizeof(*inner));
	if (!inner || table_put(&tree->inner, own, inner) < 0) {
		close(fd);
		free(inner);
		return -ENOMEM;
	}
	*inner = (struct cgroup_inner){
		.path = TAKE(own),
		.parent = parent,
		.fd = fd,
		.enabled = cgroup_enable(fd, 0),
		.disabled = parent ? parent->disabled : 0,
	};
	*ret = inner;
	return 0;
}

/* The group that PATH is in. *RET_NAME is the rest of PATH. */
static int cgroup_inner_of(struct cgroup_tree *tree, const char *path, struct cgroup_inner **ret,
			   const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	*ret_name = slash ? slash + 1 : path;
	return cgroup_inner_get(tree, path, slash ? (size_t)(slash - path) : 0, ret);
}

/* DisableControllers=: takes them from the groups below, now and in future. */
static int cgroup_inner_disable(struct cgroup_tree *tree, const char *path, unsigned controllers)
{
	struct cgroup_inner *inner;
	int r = cgroup_inner_get(tree, path, strlen(path), &inner);

	if (r < 0)
		return r;
	inner->disabled = controllers | (inner->parent ? inner->parent->disabled : 0);
	for (size_t i = 0; i < CGROUP_N_CONTROLLERS; i++) {
		char text[16];

		if (!(inner->enabled & inner->disabled & (1u << i)))
			continue;
		snprintf(text, sizeof(text), "-%s", cgroup_controller_names[i]);
		r = fd_write_file_at(inner->fd, "cgroup.subtree_control", text);
		if (r < 0)
			return r; /* something below that still runs has it */
		inner->enabled &= ~(1u << i);
	}
	return 0;
}

/* --- one group --------------------------------------------------------------------------------------- */

/* cgroups(7), "Delegation": the directory and the files that move processes and enable controllers. */
static int cgroup_make_delegate(int group_fd, uid_t uid)
{
	static const char *const files[] = {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"};

	if (fchown(group_fd, uid, (gid_t)-1) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (fchownat(group_fd, files[i], uid, (gid_t)-1, 0) < 0)
			return -errno;
	return 0;
}

/* The group in which the payload of a delegated group begins. */
static int cgroup_make_subgroup(int group_fd, const char *name, uid_t uid)
{
	_cleanup_fd_ int fd = -1;
	int r;

	if (mkdirat(group_fd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(group_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = uid == (uid_t)-1 ? 0 : cgroup_make_delegate(fd, uid);
	return r < 0 ? r : TAKE_FD(fd);
}

static int cgroup_make_failed(const struct cgroup_tree *tree, const char *path, int error, const char *what,
			      struct failure *failure)
{
	return failure_set(failure, error, NULL, "control group %s/%s could not be %s", tree->path, path,
			   what);
}

/* Delegates the group FD if the limits say so. Returns the descriptor for the payload; FD is consumed. */
static int cgroup_make_hand_over(const struct cgroup_tree *tree, const char *path, int fd,
				 const struct cgroup_wish *wish, struct failure *failure)
{
	_cleanup_fd_ int group = fd;
	int r = 0;

	if (!wish->limits->delegate)
		return TAKE_FD(group);
	if (wish->delegate_to != (uid_t)-1)
		r = cgroup_make_delegate(group, wish->delegate_to);
	if (r == 0 && wish->limits->delegate_subgroup)
		r = cgroup_make_subgroup(group, wish->limits->delegate_subgroup, wish->delegate_to);
	if (r < 0)
		return cgroup_make_failed(tree, path, r, "delegated", failure);
	return r > 0 ? r : TAKE_FD(group);
}

/* The group itself, empty of limits. *RET_AVAILABLE are the controllers it has, WISH gets what is disabled. */
static int cgroup_make_open(struct cgroup_tree *tree, const char *path, struct cgroup_wish *wish,
			    unsigned *ret_available)
{
	struct cgroup_inner *inner;
	const char *name;
	int r = cgroup_inner_of(tree, path, &inner, &name);

	if (r < 0)
		return r;
	wish->disabled = inner ? inner->disabled : 0;
	wish->disabled_by = inner ? inner->path : NULL;
	cgroup_inner_enable(inner, (cgroup_needed(wish) | cgroup_wanted(wish)) & tree->controllers);
	*ret_available = cgroup_inner_enabled(tree, inner);
	return cgroup_inner_open(tree, inner, name);
}

int cgroup_make(struct cgroup_tree *tree, const char *path, const struct cgroup_wish *wish,
		struct failure *failure, uint32_t *ret_origin)
{
	struct cgroup_wish own = *wish;
	_cleanup_fd_ int fd = -1;
	unsigned available = 0;
	int r;

	if (ret_origin)
		*ret_origin = PROGRAM_NO_ORIGIN;
	if (tree->root_fd < 0 || !cgroup_make_is_valid(path))
		return failure_set(failure, tree->root_fd < 0 ? -ENOENT : -EINVAL, NULL,
				   "there is no control group %s", path);
	r = cgroup_limits_check(tree, path, wish, tree->controllers, failure, ret_origin);
	if (r < 0)
		return r;
	fd = cgroup_make_open(tree, path, &own, &available);
	if (fd == -ENOENT || fd == -ENODEV) { /* somebody removed a slice's group under our hands */
		cgroup_make_forget(tree, "");
		fd = cgroup_make_open(tree, path, &own, &available);
	}
	if (fd < 0)
		return cgroup_make_failed(tree, path, fd, "made", failure);
	r = cgroup_limits_check(tree, path, &own, available, failure, ret_origin);
	if (r == 0)
		r = cgroup_limits_write(tree, fd, path, NULL, &own, failure, ret_origin, NULL);
	if (r < 0)
		return r;
	if (wish->limits->disable_controllers) {
		r = cgroup_inner_disable(tree, path, wish->limits->disable_controllers);
		if (r < 0)
			return cgroup_make_failed(tree, path, r, "kept from having controllers", failure);
	}
	if (wish->pressure && wish->delegate_to != (uid_t)-1 &&
	    fchownat(fd, "memory.pressure", wish->delegate_to, (gid_t)-1, 0) < 0) {
		if (ret_origin)
			*ret_origin = SPEC_LIMITS_ORIGIN(pressure_watch);
		return failure_set(failure, -errno, NULL, "%s/%s/memory.pressure could not be handed over",
				   tree->path, path);
	}
	return cgroup_make_hand_over(tree, path, TAKE_FD(fd), wish, failure);
}

int cgroup_change(struct cgroup_tree *tree, const char *path, const struct cgroup_wish *old,
		  const struct cgroup_wish *wish, struct failure *failure, uint32_t *ret_origin)
{
	struct cgroup_wish own = *wish;
	_cleanup_fd_ int fd = -1;
	unsigned available = 0;
	int r;

	*ret_origin = PROGRAM_NO_ORIGIN;
	fd = cgroup_make_open(tree, path, &own, &available);
	if (fd < 0)
		return cgroup_make_failed(tree, path, fd, "changed", failure);
	r = cgroup_limits_check(tree, path, &own, available, failure, ret_origin);
	if (r == 0) {
		r = cgroup_limits_write(tree, fd, path, old, &own, failure, ret_origin, NULL);
		if (r < 0)
			cgroup_limits_write(tree, fd, path, &own, old, NULL, NULL, NULL);
	}
	if (r == 0 && wish->limits->disable_controllers != old->limits->disable_controllers) {
		r = cgroup_inner_disable(tree, path, wish->limits->disable_controllers);
		if (r < 0)
			cgroup_make_failed(tree, path, r, "kept from having controllers", failure);
	}
	return r;
}
