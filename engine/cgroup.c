/* The tree of control groups below our root. A group that holds processes has no groups with controllers
 * below it (the kernel's "no internal processes" rule), so slices are inner nodes, services leaves, and the
 * manager itself sits in the leaf "init.scope".
 *
 * Nothing is ever made or changed outside the root: every path is looked up below its descriptor. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"

/* Of /proc/self/ns/pid in the machine's first PID namespace; the kernel's PROC_PID_INIT_INO. */
#define CGROUP_FIRST_PID_NAMESPACE 0xeffffffcu

enum { CGROUP_DEPTH_MAX = 32, CGROUP_FILE_MAX = 1 << 20, CGROUP_KILL_ROUNDS = 64 };

unsigned cgroup_controller_parse(const char *name, size_t length)
{
	for (size_t i = 0; i < CGROUP_N_CONTROLLERS; i++)
		if (strlen(cgroup_controller_names[i]) == length &&
		    strncmp(name, cgroup_controller_names[i], length) == 0)
			return 1u << i;
	return 0;
}

unsigned cgroup_parse_controllers(const char *text)
{
	unsigned controllers = 0;

	while (*text) {
		size_t length = strcspn(text, " \n");

		controllers |= cgroup_controller_parse(text, length);
		text += length;
		text += strspn(text, " \n");
	}
	return controllers;
}

int cgroup_open(const struct cgroup_tree *tree, const char *path)
{
	const struct open_how how = {
		.flags = O_DIRECTORY | O_RDONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	int fd;

	if (tree->root_fd < 0)
		return -ENOENT;
	fd = (int)syscall(SYS_openat2, tree->root_fd, *path ? path : ".", &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

static unsigned cgroup_read_controllers(int group_fd, const char *file)
{
	_cleanup_free_ char *text = NULL;

	return fd_read_file_at(group_fd, file, CGROUP_FILE_MAX, &text) < 0 ? 0
									   : cgroup_parse_controllers(text);
}

unsigned cgroup_enable(int group_fd, unsigned wanted)
{
	unsigned enabled = cgroup_read_controllers(group_fd, "cgroup.subtree_control");

	for (size_t i = 0; i < CGROUP_N_CONTROLLERS; i++) {
		char text[16];

		if (!(wanted & ~enabled & (1u << i)))
			continue;
		snprintf(text, sizeof(text), "+%s", cgroup_controller_names[i]);
		if (fd_write_file_at(group_fd, "cgroup.subtree_control", text) == 0)
			enabled |= 1u << i;
	}
	return enabled;
}

/* --- the tree ---------------------------------------------------------------------------------------- */

static int cgroup_move(int group_fd, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return fd_write_file_at(group_fd, "cgroup.procs", text);
}

static bool cgroup_is_real_root(const char *path)
{
	_cleanup_free_ char *type = text_format("%s/cgroup.type", path);

	return !type || access(type, F_OK) < 0;
}

/* Chooses our directory where the caller named none. */
static int cgroup_choose_root(int init_pid, char **ret_path, bool *ret_made)
{
	_cleanup_free_ char *own = NULL, *parent = NULL;
	struct stat st = {};
	bool real_root, machine;
	int r = cgroup_find_own(&own, &real_root);

	if (r < 0)
		return r;
	if (stat("/proc/self/ns/pid", &st) < 0)
		st.st_ino = 0;
	machine = st.st_ino == CGROUP_FIRST_PID_NAMESPACE && init_pid == 1;
	*ret_made = real_root && !machine;
	if (*ret_made && st.st_ino == CGROUP_FIRST_PID_NAMESPACE) {
		*ret_path = text_format("%s/svcd.%d", own, init_pid);
	} else if (*ret_made) {
		*ret_path = text_format("%s/svcd.%d-%llu", own, init_pid, (unsigned long long)st.st_ino);
	} else if (text_ends_with(own, "/" CGROUP_SCOPE)) {
		/* A manager that was started again is where its predecessor moved it, unless this is another
		 * init's scope. */
		parent = strndup(own, strlen(own) - strlen("/" CGROUP_SCOPE));
		if (!parent)
			return -ENOMEM;
		*ret_made = strstr(parent, "/svcd.") != NULL;
		*ret_path = machine || !cgroup_is_real_root(parent) ? TAKE(parent) : TAKE(own);
	} else {
		*ret_path = TAKE(own);
	}
	return *ret_path ? 0 : -ENOMEM;
}

/* Moves svc-init and this process to a leaf, so that the root may become an inner node. */
static int cgroup_settle(int root_fd, int init_pid)
{
	_cleanup_fd_ int scope = -1;
	int r;

	if (mkdirat(root_fd, CGROUP_SCOPE, 0755) < 0 && errno != EEXIST)
		return -errno;
	scope = openat(root_fd, CGROUP_SCOPE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scope < 0)
		return -errno;
	r = init_pid > 0 && init_pid != getpid() ? cgroup_move(scope, init_pid) : 0;
	return r < 0 ? r : cgroup_move(scope, getpid());
}

int cgroup_tree_open(struct cgroup_tree *tree, const char *root, int init_pid, struct failure *failure)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_fd_ int fd = -1;
	bool made = false;
	int r;

	*tree = (struct cgroup_tree){.root_fd = -1};
	if (root) {
		path = strdup(root);
		r = path ? fd_make_directories(path, 0755) : -ENOMEM;
		if (r == 0)
			r = cgroup_find_check(path);
		if (r < 0)
			return failure_set(failure, r, NULL, "%s cannot hold control groups", root);
	} else {
		r = cgroup_choose_root(init_pid, &path, &made);
		if (r == -ENOMEM)
			return failure_set(failure, r, NULL, "the control group could not be found");
		if (r < 0 || (made && mkdir(path, 0755) < 0 && errno != EEXIST))
			return 0;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : cgroup_settle(fd, init_pid);
	if (r < 0) {
		/* Not ours to write: run without groups, unless these were asked for. */
		if (made)
			rmdir(path);
		return root ? failure_set(failure, r, NULL, "%s cannot hold control groups", root) : 0;
	}
	tree->controllers = cgroup_enable(fd, cgroup_read_controllers(fd, "cgroup.controllers"));
	tree->path = TAKE(path);
	tree->root_fd = TAKE_FD(fd);
	tree->made = made;
	return 0;
}

void cgroup_tree_close(struct cgroup_tree *tree)
{
	cgroup_make_forget(tree, "");
	table_free(&tree->inner);
	tree->root_fd = fd_close(tree->root_fd);
	free(tree->path);
	*tree = (struct cgroup_tree){.root_fd = -1};
}

void cgroup_tree_remove(struct cgroup_tree *tree, int init_pid)
{
	_cleanup_fd_ int parent = -1;

	if (tree->root_fd < 0)
		return;
	if (tree->made) {
		parent = openat(tree->root_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent >= 0 && init_pid > 0)
			cgroup_move(parent, init_pid);
		if (parent >= 0)
			cgroup_move(parent, getpid());
	}
	cgroup_remove(tree, "");
	if (tree->made)
		rmdir(tree->path);
}

/* --- its processes ----------------------------------------------------------------------------------- */

/* Calls VISIT for a group and all below it, the deepest first. Stops at the first negative result. */
static int cgroup_walk(int group_fd, unsigned depth, int (*visit)(int group_fd, void *data), void *data)
{
	int copy = openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r = 0;

	if (!directory) {
		r = -errno;
		fd_close(copy);
		return r;
	}
	while (r == 0 && depth < CGROUP_DEPTH_MAX && (entry = readdir(directory))) {
		_cleanup_fd_ int child = -1;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(group_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			r = cgroup_walk(child, depth + 1, visit, data);
	}
	closedir(directory);
	return r < 0 ? r : visit(group_fd, data);
}

static int cgroup_walk_path(const struct cgroup_tree *tree, const char *path,
			    int (*visit)(int group_fd, void *data), void *data)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);

	return fd < 0 ? fd : cgroup_walk(fd, 0, visit, data);
}

struct cgroup_pids {
	pid_t *pids;
	size_t n;
};

static int cgroup_visit_pids(int group_fd, void *data)
{
	_cleanup_free_ char *text = NULL;
	struct cgroup_pids *list = data;
	ssize_t n = fd_read_file_at(group_fd, "cgroup.procs", CGROUP_FILE_MAX, &text);
	char *cursor = text;

	/* The group vanished meanwhile, or is threaded and shows its processes further up. */
	if (n == -ENOENT || n == -ENODEV || n == -EOPNOTSUPP)
		return 0;
	if (n < 0)
		return (int)n;
	while (*cursor) {
		long pid = strtol(cursor, &cursor, 10);
		pid_t *pids;

		cursor += strspn(cursor, "\n");
		/* 0: a process that our PID namespace cannot see. */
		if (pid <= 0)
			continue;
		pids = reallocarray(list->pids, list->n + 1, sizeof(*pids));
		if (!pids)
			return -ENOMEM;
		list->pids = pids;
		pids[list->n++] = (pid_t)pid;
	}
	return 0;
}

int cgroup_processes(const struct cgroup_tree *tree, const char *path, pid_t **ret_pids, size_t *ret_n)
{
	struct cgroup_pids list = {};
	int r = cgroup_walk_path(tree, path, cgroup_visit_pids, &list);

	if (r < 0) {
		free(list.pids);
		return r;
	}
	*ret_pids = list.pids;
	*ret_n = list.n;
	return 0;
}

int cgroup_signal(const struct cgroup_tree *tree, const char *path, int signal, pid_t except_pid)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r = cgroup_processes(tree, path, &pids, &n), count = 0;

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (pids[i] != except_pid && pids[i] != getpid() && kill(pids[i], signal) == 0)
			count++;
	return count;
}

int cgroup_kill(const struct cgroup_tree *tree, const char *path)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	int r;

	if (fd < 0)
		return fd;
	r = fd_write_file_at(fd, "cgroup.kill", "1");
	if (r != -ENOENT)
		return r;
	/* Before Linux 5.14. A process may fork between being listed and being killed: until nobody is left
	 * to. */
	for (unsigned round = 0; round < CGROUP_KILL_ROUNDS; round++) {
		r = cgroup_signal(tree, path, SIGKILL, 0);
		if (r <= 0)
			return r;
	}
	return -EBUSY;
}

int cgroup_freeze(const struct cgroup_tree *tree, const char *path, bool freeze)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);

	return fd < 0 ? fd : fd_write_file_at(fd, "cgroup.freeze", freeze ? "1" : "0");
}

enum cgroup_freezer cgroup_freezer(const struct cgroup_tree *tree, const char *path)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	_cleanup_free_ char *asked = NULL, *events = NULL;

	if (fd < 0 || fd_read_file_at(fd, "cgroup.freeze", CGROUP_FILE_MAX, &asked) < 0 ||
	    fd_read_file_at(fd, "cgroup.events", CGROUP_FILE_MAX, &events) < 0)
		return CGROUP_RUNNING;
	if (strstr(events, "frozen 1"))
		return asked[0] == '1' ? CGROUP_FROZEN : CGROUP_THAWING;
	return asked[0] == '1' ? CGROUP_FREEZING : CGROUP_RUNNING;
}

int cgroup_populated(const struct cgroup_tree *tree, const char *path)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	_cleanup_free_ char *text = NULL;

	if (fd < 0 || fd_read_file_at(fd, "cgroup.events", CGROUP_FILE_MAX, &text) < 0)
		return 0;
	return strstr(text, "populated 1") != NULL;
}

static int cgroup_remove_children(int group_fd, unsigned depth)
{
	int copy = openat(group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int r = 0;

	if (!directory) {
		r = -errno;
		fd_close(copy);
		return r;
	}
	while ((entry = readdir(directory))) {
		_cleanup_fd_ int child = -1;
		int removed = 0;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || depth >= CGROUP_DEPTH_MAX)
			continue;
		child = openat(group_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			removed = cgroup_remove_children(child, depth + 1);
		if (removed == 0 && unlinkat(group_fd, entry->d_name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			removed = -errno;
		r = r == 0 ? removed : r;
	}
	closedir(directory);
	return r;
}

int cgroup_remove(struct cgroup_tree *tree, const char *path)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	int r;

	cgroup_make_forget(tree, path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = cgroup_remove_children(fd, 0);
	if (r == 0 && *path && unlinkat(tree->root_fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}
