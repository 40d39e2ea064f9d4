/* The interpreter's steps for what is mounted in a container's root.
 *
 * Every mount is made detached (a new file system, or a copy of a tree), given its attributes while nobody
 * can see it, and then moved to a descriptor of its mount point, which was opened without leaving the root.
 * So there is no moment and no string by which what an image contains could lead a mount astray. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

int interpret_mounts_open(int root_fd, const char *path, uint64_t flags)
{
	struct open_how how = {.flags = flags | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd;

	if (root_fd < 0)
		return -EBADF;
	/* openat2(2): EAGAIN when a rename elsewhere made ".." uncertain; safe to repeat, and bounded here.
	 */
	for (int tries = 0; tries < 64; tries++) {
		fd = syscall(SYS_openat2, root_fd, *path ? path : ".", &how, sizeof how);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

/* The kernel's file system in whose place *PATH lies, and what is left of *PATH there; -1. */
static int interpret_mounts_find_kernel(const struct interpret_run *run, uint8_t slot, const char **path)
{
	for (unsigned i = run->n_kernel_mounts; i-- > 0;) {
		const char *place = interpret_text(run, run->kernel_mounts[i].text);
		size_t length = strlen(place);

		if (run->kernel_mounts[i].slot != slot || strncmp(*path, place, length) != 0 ||
		    ((*path)[length] != '/' && (*path)[length] != '\0'))
			continue;
		*path += length;
		return run->kernel_mounts[i].fd;
	}
	return -1;
}

static int interpret_mounts_find(const struct interpret_run *run, uint8_t slot, const char *path, int flags)
{
	int kernel_fd = interpret_mounts_find_kernel(run, slot, &path);
	_cleanup_fd_ int host = -1;

	if (kernel_fd >= 0)
		return interpret_mounts_open(kernel_fd, path, flags);
	if (slot != PROGRAM_SLOT_NONE)
		return interpret_mounts_open(run->slots[slot], path, flags);
	host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return host < 0 ? -errno : interpret_mounts_open(host, path, flags);
}

int interpret_mounts_resolve(const struct interpret_run *run, uint8_t slot, const char *path)
{
	return interpret_mounts_find(run, slot, path, O_PATH);
}

/* Where a file is mounted: what PATH leads to, or the link that leads nowhere, as /etc/localtime of a small image may. Who opens
 * it finds what is mounted on it, and no link. */
static int interpret_mounts_resolve_file(const struct interpret_run *run, uint8_t slot, const char *path)
{
	int r = interpret_mounts_resolve(run, slot, path);
	_cleanup_fd_ int link = -1;
	struct stat status;

	if (r != -ENOENT && r != -ELOOP)
		return r;
	link = interpret_mounts_find(run, slot, path, O_PATH | O_NOFOLLOW);
	return link >= 0 && fstat(link, &status) == 0 && S_ISLNK(status.st_mode) ? TAKE_FD(link) : r;
}

static uint64_t interpret_mounts_attributes_of(uint32_t flags)
{
	return (flags & PROGRAM_MOUNT_READ_ONLY ? MOUNT_ATTR_RDONLY : 0) |
	       (flags & PROGRAM_MOUNT_NO_SUID ? MOUNT_ATTR_NOSUID : 0) |
	       (flags & PROGRAM_MOUNT_NO_DEV ? MOUNT_ATTR_NODEV : 0) |
	       (flags & PROGRAM_MOUNT_NO_EXEC ? MOUNT_ATTR_NOEXEC : 0) |
	       (flags & PROGRAM_MOUNT_NO_ATIME ? MOUNT_ATTR_NOATIME : 0) |
	       (flags & PROGRAM_MOUNT_STRICT_ATIME ? MOUNT_ATTR_STRICTATIME : 0) |
	       (flags & PROGRAM_MOUNT_NO_DIR_ATIME ? MOUNT_ATTR_NODIRATIME : 0) |
	       (flags & PROGRAM_MOUNT_NO_SYMLINKS ? MOUNT_ATTR_NOSYMFOLLOW : 0);
}

/* A copy is a peer of what it was copied from, if that is shared; then it stays as it is. */
static uint64_t interpret_mounts_propagation(uint32_t flags)
{
	return flags & PROGRAM_MOUNT_SHARED ? 0 : flags & PROGRAM_MOUNT_SLAVE ? MS_SLAVE : MS_PRIVATE;
}

/* mount_setattr(2): how access times are kept is one choice, which must be cleared to be set. */
static uint64_t interpret_mounts_cleared_by(uint32_t flags)
{
	return flags & (PROGRAM_MOUNT_NO_ATIME | PROGRAM_MOUNT_STRICT_ATIME) ? MOUNT_ATTR__ATIME : 0;
}

/* --- making mounts ------------------------------------------------------------------------------------- */

static int interpret_mounts_option(int context_fd, const char *option, size_t length)
{
	char key[256], *value;

	if (length >= sizeof key)
		return -E2BIG;
	memcpy(key, option, length);
	key[length] = '\0';
	value = strchr(key, '=');
	if (!value)
		return fsconfig(context_fd, FSCONFIG_SET_FLAG, key, NULL, 0) < 0 ? -errno : 0;
	*value++ = '\0';
	return fsconfig(context_fd, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

int interpret_mounts_create(int context, const char *options, uint32_t flags)
{
	int fd;

	while (*options) {
		const char *end = strchrnul(options, ',');
		int r = end == options ? 0
				       : interpret_mounts_option(context, options, (size_t)(end - options));

		if (r < 0)
			return r;
		options = *end ? end + 1 : end;
	}
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)interpret_mounts_attributes_of(flags));
	return fd < 0 ? -errno : fd;
}

int interpret_mounts_new(const char *type, const char *options, uint32_t flags)
{
	_cleanup_fd_ int context = fsopen(type, FSOPEN_CLOEXEC);

	return context < 0 ? -errno : interpret_mounts_create(context, options, flags);
}

int interpret_mounts_id_map(const struct interpret_run *run, int tree_fd, uint64_t slot)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP};

	if (slot == PROGRAM_SLOT_NONE)
		return 0;
	attributes.userns_fd = (uint64_t)run->slots[slot];
	return mount_setattr(tree_fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0 ? -errno : 0;
}

int interpret_mounts_copy(const struct interpret_run *run, int directory_fd, const char *path, uint32_t flags,
			  uint64_t id_map)
{
	unsigned recursive = flags & PROGRAM_MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
	struct mount_attr attributes = {.attr_set = interpret_mounts_attributes_of(flags),
					.attr_clr = interpret_mounts_cleared_by(flags),
					.propagation = interpret_mounts_propagation(flags)};
	_cleanup_fd_ int tree = open_tree(directory_fd, path,
					  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);

	if (tree < 0)
		return -errno;
	if (id_map != PROGRAM_SLOT_NONE) {
		attributes.attr_set |= MOUNT_ATTR_IDMAP;
		attributes.userns_fd = (uint64_t)run->slots[id_map];
	}
	if (mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attributes, sizeof attributes) < 0)
		return -errno;
	return TAKE_FD(tree);
}

int interpret_mounts_move(int tree_fd, int directory_fd, const char *path)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0 : MOVE_MOUNT_T_EMPTY_PATH);

	return move_mount(tree_fd, "", directory_fd, path, flags) < 0 ? -errno : 0;
}

/* Moves TREE_FD (or passes its error on) to the operation's place in the root. Consumes TREE_FD. */
static int interpret_mounts_place(const struct interpret_run *run, const struct program_op *op, int tree_fd)
{
	const char *path = interpret_text(run, op->text);
	_cleanup_fd_ int tree = tree_fd, target = -1;
	struct stat status;

	if (tree < 0)
		return tree;
	target = interpret_mounts_resolve(run, op->slot, path);
	if ((target == -ENOENT || target == -ELOOP) && fstat(tree, &status) == 0 && !S_ISDIR(status.st_mode))
		target = interpret_mounts_resolve_file(run, op->slot, path);
	if (target == -ENOENT && op->flags & PROGRAM_OPTIONAL)
		return 0;
	return target < 0 ? target : interpret_mounts_move(tree, target, "");
}

int interpret_mounts_tmpfs(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_place(
		run, op, interpret_mounts_new("tmpfs", interpret_text(run, op->text2), op->flags));
}

/* What a link leads to is not where the payload will look, and what it was told is there would not be. */
int interpret_mounts_move_kernel(struct interpret_run *run, const struct program_op *op, int tree_fd)
{
	const char *path = interpret_text(run, op->text);
	int kernel_fd = interpret_mounts_find_kernel(run, op->slot, &path);
	_cleanup_fd_ int target = interpret_mounts_open(kernel_fd >= 0 ? kernel_fd : run->slots[op->slot],
							path, O_PATH | O_NOFOLLOW);
	struct stat status;
	int r;

	if (target < 0)
		return target;
	if (fstat(target, &status) < 0)
		return -errno;
	r = S_ISLNK(status.st_mode) ? -ELOOP : interpret_mounts_move(tree_fd, target, "");
	if (r == 0 && run->n_kernel_mounts == ARRAY_SIZE(run->kernel_mounts))
		r = -E2BIG;
	if (r == 0)
		run->kernel_mounts[run->n_kernel_mounts++] =
			(struct interpret_kernel_mount){op->slot, op->text, tree_fd};
	return r;
}

static int interpret_mounts_place_kernel(struct interpret_run *run, const struct program_op *op, int tree_fd)
{
	_cleanup_fd_ int tree = tree_fd;
	int r = tree < 0 ? tree : interpret_mounts_move_kernel(run, op, tree);

	if (r == 0)
		(void)TAKE_FD(tree);
	return r == -ENOENT && op->flags & PROGRAM_OPTIONAL ? 0 : r;
}

int interpret_mounts_proc(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_place_kernel(
		run, op, interpret_mounts_new("proc", interpret_text(run, op->text2), op->flags));
}

int interpret_mounts_sysfs(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_place_kernel(run, op, interpret_mounts_new("sysfs", "", op->flags));
}

int interpret_mounts_cgroup(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_place_kernel(
		run, op, interpret_mounts_new("cgroup2", interpret_text(run, op->text2), op->flags));
}

int interpret_mounts_mqueue(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_place(run, op, interpret_mounts_new("mqueue", "", op->flags));
}

int interpret_mounts_devpts(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_place(
		run, op, interpret_mounts_new("devpts", interpret_text(run, op->text2), op->flags));
}

/* --- binds --------------------------------------------------------------------------------------------- */

int interpret_mounts_verify_device(int fd, unsigned major_number, unsigned minor_number)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	return S_ISCHR(status.st_mode) && status.st_rdev == makedev(major_number, minor_number) ? 0 : -ENODEV;
}

/* In place of an optional source that is missing, the manager sends /dev/null. */
static bool interpret_mounts_is_absent(const struct program_op *op, int fd)
{
	return op->flags & PROGRAM_OPTIONAL && interpret_mounts_verify_device(fd, 1, 3) == 0;
}

int interpret_mounts_prepare(struct interpret_run *run)
{
	const struct program_op *ops = program_ops(run->program);

	for (uint32_t i = 0; i < run->program->n_ops; i++) {
		int tree, source;

		if (ops[i].code != PROGRAM_BIND || ops[i].fd == PROGRAM_NO_FD)
			continue;
		source = run->descriptors[ops[i].fd];
		run->op = i;
		if (interpret_mounts_is_absent(&ops[i], source))
			continue;
		tree = interpret_mounts_copy(run, source, "", ops[i].flags, PROGRAM_SLOT_NONE);
		if (tree < 0)
			return tree;
		run->descriptors[ops[i].fd] = tree;
	}
	run->op = LAUNCH_OP_CLONE;
	return run->program->clone_flags & CLONE_NEWNS && unshare(CLONE_NEWNS) < 0 ? -errno : 0;
}

/* The copy that interpret_mounts_prepare() made; the id map exists only now. */
static int interpret_mounts_prepared(struct interpret_run *run, const struct program_op *op)
{
	int tree = run->descriptors[op->fd];

	if (op->number != PROGRAM_SLOT_NONE) {
		struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP,
						.userns_fd = (uint64_t)run->slots[op->number]};
		unsigned recursive = op->flags & PROGRAM_MOUNT_RECURSIVE ? AT_RECURSIVE : 0;

		if (mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attributes, sizeof attributes) < 0)
			return -errno;
	}
	run->descriptors[op->fd] = -1;
	return tree;
}

static int interpret_mounts_source(struct interpret_run *run, const struct program_op *op)
{
	const char *path = interpret_text(run, op->text2);
	_cleanup_fd_ int source = -1;

	if (op->fd != PROGRAM_NO_FD)
		return interpret_mounts_prepared(run, op);
	if (op->slot2 == PROGRAM_SLOT_NONE) /* no old root: the host is where we are */
		return interpret_mounts_copy(run, AT_FDCWD, path, op->flags, op->number);
	if (!*path)
		return run->slots[op->slot2] < 0 ? -ENOENT : TAKE_FD(run->slots[op->slot2]);
	source = interpret_mounts_resolve(run, op->slot2, path);
	return source < 0 ? source : interpret_mounts_copy(run, source, "", op->flags, op->number);
}

int interpret_mounts_bind(struct interpret_run *run, const struct program_op *op)
{
	int tree;

	if (op->fd != PROGRAM_NO_FD && interpret_mounts_is_absent(op, run->descriptors[op->fd]))
		return 0;
	tree = interpret_mounts_source(run, op);
	if (tree == -ENOENT && op->flags & PROGRAM_OPTIONAL)
		return 0;
	/* The host's devices in a root of its own are the kernel's, too. */
	if (strcmp(interpret_text(run, op->text), "/dev") == 0)
		return interpret_mounts_place_kernel(run, op, tree);
	return interpret_mounts_place(run, op, tree);
}

/* --- mount points -------------------------------------------------------------------------------------- */

static int interpret_mounts_make_node(int parent_fd, const char *name, mode_t mode)
{
	/* A name that is there but leads nowhere (EEXIST) is found out by the caller, who opens it next. */
	if (S_ISDIR(mode))
		return mkdirat(parent_fd, name, mode & 07777) < 0 && errno != EEXIST ? -errno : 0;
	return mknodat(parent_fd, name, S_IFREG | (mode & 07777), 0) < 0 && errno != EEXIST ? -errno : 0;
}

/* Makes PATH, a directory or an empty file by MODE, with its missing parents, component by component: each is
 * opened from the root again, so that symbolic links of the image mean what they mean inside. */
static int interpret_mounts_make(const struct interpret_run *run, uint8_t slot, const char *path, mode_t mode)
{
	_cleanup_fd_ int parent = S_ISDIR(mode) ? interpret_mounts_resolve(run, slot, path)
						: interpret_mounts_resolve_file(run, slot, path);
	char partial[PATH_MAX];
	char *end = partial;

	if (parent != -ENOENT)
		return parent < 0 ? parent : 0;
	if (strlen(path) >= sizeof partial)
		return -ENAMETOOLONG;
	strcpy(partial, path);
	parent = interpret_mounts_resolve(run, slot, "");
	while (parent >= 0 && *(end += strspn(end, "/"))) {
		char *name = end, after;
		int child;

		end = name + strcspn(name, "/");
		after = *end;
		*end = '\0';
		child = interpret_mounts_resolve(run, slot, partial);
		if (child == -ENOENT) {
			int r = interpret_mounts_make_node(parent, name, after ? S_IFDIR | 0755 : mode);

			child = r < 0 ? r : interpret_mounts_resolve(run, slot, partial);
		}
		*end = after;
		fd_close(parent);
		parent = child;
	}
	return parent < 0 ? parent : 0;
}

int interpret_mounts_make_directory(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_make(run, op->slot, interpret_text(run, op->text),
				     S_IFDIR | (mode_t)(op->number & 07777));
}

int interpret_mounts_make_file(struct interpret_run *run, const struct program_op *op)
{
	return interpret_mounts_make(run, op->slot, interpret_text(run, op->text), S_IFREG | 0644);
}

int interpret_mounts_symlink(struct interpret_run *run, const struct program_op *op)
{
	const char *path = interpret_text(run, op->text), *slash = strrchr(path, '/');
	_cleanup_fd_ int parent = -1;
	char directory[PATH_MAX];
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (length >= sizeof directory)
		return -ENAMETOOLONG;
	memcpy(directory, path, length);
	directory[length] = '\0';
	parent = interpret_mounts_resolve(run, op->slot, directory);
	if (parent < 0)
		return parent;
	if (symlinkat(interpret_text(run, op->text2), parent, slash ? slash + 1 : path) < 0 &&
	    errno != EEXIST)
		return -errno;
	return 0;
}

/* --- changing what is there ---------------------------------------------------------------------------- */

int interpret_mounts_attributes(struct interpret_run *run, const struct program_op *op)
{
	unsigned recursive = op->flags & PROGRAM_MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
	struct mount_attr attributes = {.attr_set = interpret_mounts_attributes_of(op->flags),
					.attr_clr = interpret_mounts_attributes_of((uint32_t)op->number)};
	_cleanup_fd_ int target = interpret_mounts_resolve(run, op->slot, interpret_text(run, op->text)),
			 tree = -1;

	if (target == -ENOENT && op->flags & PROGRAM_OPTIONAL)
		return 0;
	if (target < 0)
		return target;
	if (mount_setattr(target, "", AT_EMPTY_PATH | recursive, &attributes, sizeof attributes) == 0)
		return 0;
	if (errno != EINVAL) /* mount_setattr(2): not a mount point */
		return -errno;
	tree = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	if (tree < 0 ||
	    mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attributes, sizeof attributes) < 0)
		return -errno;
	return interpret_mounts_move(tree, target, "");
}

/* The first empty directory is a tmpfs of its own, all others are copies of that mount: one call instead of
 * three. */
static int interpret_mounts_empty_directory(struct interpret_run *run)
{
	if (run->mask_fd >= 0)
		return interpret_mounts_copy(run, run->mask_fd, "", 0, PROGRAM_SLOT_NONE);
	return interpret_mounts_new("tmpfs", "mode=000,size=4k,nr_inodes=2",
				    PROGRAM_MOUNT_READ_ONLY | PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV |
					    PROGRAM_MOUNT_NO_EXEC);
}

/* The same with files. The tmpfs that the first one lies on is mounted over "/" for as long as it takes to copy
 * that file's mount, which cannot be done while it is detached; path lookups are not led there, as a root
 * directory is not looked up again. */
static int interpret_mounts_empty_file(struct interpret_run *run)
{
	_cleanup_fd_ int file = -1, tmpfs = -1;

	if (run->mask_file_fd >= 0)
		return interpret_mounts_copy(run, run->mask_file_fd, "", 0, PROGRAM_SLOT_NONE);
	tmpfs = interpret_mounts_new("tmpfs", "mode=000,size=4k,nr_inodes=2",
				     PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV | PROGRAM_MOUNT_NO_EXEC);
	if (tmpfs < 0)
		return tmpfs;
	if (mknodat(tmpfs, "file", S_IFREG, 0) < 0)
		return -errno;
	file = interpret_mounts_move(tmpfs, AT_FDCWD, "/");
	if (file < 0)
		return file;
	file = interpret_mounts_copy(run, tmpfs, "file", PROGRAM_MOUNT_READ_ONLY, PROGRAM_SLOT_NONE);
	if (fchdir(tmpfs) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return TAKE_FD(file);
}

static int interpret_mounts_null(const struct interpret_run *run, uint8_t slot)
{
	_cleanup_fd_ int source = interpret_mounts_resolve(run, slot, "dev/null");
	int r;

	if (source < 0)
		return source;
	r = interpret_mounts_verify_device(source, 1, 3);
	return r < 0 ? r
		     : interpret_mounts_copy(run, source, "", PROGRAM_MOUNT_NO_EXEC | PROGRAM_MOUNT_NO_SUID,
					     PROGRAM_SLOT_NONE);
}

int interpret_mounts_mask(struct interpret_run *run, const struct program_op *op)
{
	_cleanup_fd_ int target = interpret_mounts_resolve(run, op->slot, interpret_text(run, op->text)),
			 cover = -1;
	struct stat status;
	int *kept, r;

	if (target == -ENOENT && op->flags & PROGRAM_OPTIONAL)
		return 0;
	if (target < 0)
		return target;
	if (fstat(target, &status) < 0)
		return -errno;
	kept = S_ISDIR(status.st_mode)		    ? &run->mask_fd
	       : op->flags & PROGRAM_MASK_NO_ACCESS ? &run->mask_file_fd
						    : NULL;
	cover = !kept			? interpret_mounts_null(run, op->slot2)
		: kept == &run->mask_fd ? interpret_mounts_empty_directory(run)
					: interpret_mounts_empty_file(run);
	if (cover < 0)
		return cover;
	r = interpret_mounts_move(cover, target, "");
	if (r == 0 && kept && *kept < 0)
		*kept = TAKE_FD(cover);
	return r;
}
