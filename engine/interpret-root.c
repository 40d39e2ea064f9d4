/* The interpreter's steps for a container's root: a copied tree or an overlay becomes "/", the old root goes.
 *
 * Overlay layers are attached to a scratch tmpfs under short names ("000", "001", …) that are then given as
 * relative paths: layers may be idmapped (which needs attached mounts before Linux 6.15), may have paths of
 * any length and with any character, and mount(2)'s one page of options has room for more layers than
 * overlayfs takes. The scratch tmpfs is mounted over the host's /proc as we see it, and goes with the old
 * root; where there is no /proc, over "/" itself, a place that exists in every image: path lookups go on
 * below it, as a root directory is not looked up again. It then goes right before the old root.
 *
 * The new root is mounted there too and filled by descriptor. Only then pivot_root(".", ".") swaps the two,
 * without needing a directory for the old one (pivot_root(2), NOTES), and the old one goes at once: while it
 * is mounted on top of the new root, ".." in a symbolic link of the image leads into it, RESOLVE_IN_ROOT or
 * not, as a lookup that stays at its root crosses what is mounted there. Where the old root cannot be pivoted
 * away, because it is the kernel's first root (an initramfs) or because we are in a chroot, the new root
 * simply stays on top and chroot(2) goes there, as switch_root does; nothing leads below it again, and the
 * first root cannot be unmounted anyway.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

int interpret_root_private_mounts(struct interpret_run *run _unused_, const struct program_op *op)
{
	return mount(NULL, "/", NULL, MS_REC | op->flags, NULL) < 0 ? -errno : 0;
}

int interpret_root_tree(struct interpret_run *run, const struct program_op *op)
{
	const char *path = interpret_text(run, op->text);
	_cleanup_fd_ int source = -1;
	int tree;

	if (!*path) {
		tree = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (tree < 0)
			return -errno;
	} else if (op->slot == PROGRAM_SLOT_NONE)
		tree = interpret_mounts_copy(run, AT_FDCWD, path, op->flags, op->number);
	else {
		source = interpret_mounts_resolve(run, op->slot, path);
		tree = source < 0 ? source : interpret_mounts_copy(run, source, "", op->flags, op->number);
	}
	if (tree == -ENOENT && op->flags & PROGRAM_OPTIONAL)
		return 0;
	if (tree < 0)
		return tree;
	run->slots[op->slot2] = tree;
	return 0;
}

/* --- overlay ------------------------------------------------------------------------------------------- */

struct interpret_overlay {
	struct interpret_run *run;
	const struct program_op *op;
	int scratch_fd;
	unsigned n_layers;
	mode_t mode; /* of the uppermost layer's root */
	char options[4096];
};

/* Appends to the options; what does not fit a page is more than overlayfs takes. */
static int interpret_root_append(struct interpret_overlay *overlay, const char *text)
{
	if (strlen(overlay->options) + strlen(text) >= sizeof overlay->options)
		return -E2BIG;
	strcat(overlay->options, text);
	return 0;
}

static int interpret_root_attach_layer(const struct interpret_overlay *overlay, const char *path,
				       const char *name)
{
	_cleanup_fd_ int tree = interpret_mounts_copy(overlay->run, AT_FDCWD, path, 0, overlay->op->slot);

	if (tree < 0)
		return tree;
	if (mkdirat(overlay->scratch_fd, name, 0755) < 0)
		return -errno;
	return interpret_mounts_move(tree, overlay->scratch_fd, name);
}

/* A layer that a step before has mounted, in the slot that NUMBER, a decimal, says. */
static int interpret_root_attach_slot(struct interpret_overlay *overlay, const char *number, const char *name)
{
	unsigned slot = 0;
	int r;

	for (; *number >= '0' && *number <= '9' && slot < PROGRAM_N_SLOTS; number++)
		slot = slot * 10 + (unsigned)(*number - '0');
	if (*number || slot >= PROGRAM_N_SLOTS || overlay->run->slots[slot] < 0)
		return -EBADF;
	if (mkdirat(overlay->scratch_fd, name, 0755) < 0)
		return -errno;
	r = interpret_mounts_move(overlay->run->slots[slot], overlay->scratch_fd, name);
	overlay->run->slots[slot] = fd_close(overlay->run->slots[slot]);
	return r;
}

static int interpret_root_add_lower(struct interpret_overlay *overlay, const char *path)
{
	unsigned n = overlay->n_layers++;
	char name[4] = {(char)('0' + n / 100 % 10), (char)('0' + n / 10 % 10), (char)('0' + n % 10)};
	struct stat status;
	int r = 0;

	if (*path == '/')
		r = interpret_root_attach_layer(overlay, path, name);
	else if (*path)
		r = interpret_root_attach_slot(overlay, path, name);

	if (r == 0 && !*path && mkdirat(overlay->scratch_fd, name, 0755) < 0)
		r = -errno;
	if (r == 0 && n == 0) {
		if (fstatat(overlay->scratch_fd, name, &status, 0) < 0)
			return -errno;
		overlay->mode = status.st_mode & 07777;
	}
	if (r == 0 && n > 0)
		r = interpret_root_append(overlay, ":");
	return r < 0 ? r : interpret_root_append(overlay, name);
}

/* TEXT: layers joined by ':', in which '\' makes the next character an ordinary one. */
static int interpret_root_add_lowers(struct interpret_overlay *overlay, const char *text)
{
	char path[PATH_MAX];
	size_t length = 0;
	int r = interpret_root_append(overlay, "lowerdir=");

	for (; r == 0; text++) {
		bool end = !*text || *text == ':';

		if (*text == '\\' && text[1])
			text++;
		if (!end && length == sizeof path - 1)
			return -ENAMETOOLONG;
		if (!end) {
			path[length++] = *text;
			continue;
		}
		path[length] = '\0';
		r = length == 0 ? -EINVAL : interpret_root_add_lower(overlay, path);
		length = 0;
		if (!*text)
			break;
	}
	return r;
}

static int interpret_root_make(int directory_fd, const char *name, mode_t mode)
{
	return mkdirat(directory_fd, name, mode) < 0 && errno != EEXIST ? -errno : 0;
}

/* The directories are made as the operation's owner: the root directory of the container is the upper one. */
static int interpret_root_add_upper(struct interpret_overlay *overlay)
{
	int fd = overlay->scratch_fd, r;

	if (overlay->op->flags & PROGRAM_OVERLAY_EPHEMERAL) {
		r = interpret_root_make(fd, "data", overlay->mode);
		if (r == 0)
			r = interpret_root_make(fd, "work", 0700);
		return r < 0 ? r : interpret_root_append(overlay, ",upperdir=data,workdir=work");
	}
	if (overlay->op->flags & PROGRAM_OVERLAY_PERSISTENT) {
		r = interpret_root_attach_layer(overlay, interpret_text(overlay->run, overlay->op->text2),
						"upper");
		if (r == 0)
			r = interpret_root_make(fd, "upper/data", overlay->mode);
		if (r == 0)
			r = interpret_root_make(fd, "upper/work", 0700);
		return r < 0 ? r : interpret_root_append(overlay, ",upperdir=upper/data,workdir=upper/work");
	}
	/* Without an upper layer overlayfs wants two lower ones; an empty one changes nothing. */
	return overlay->n_layers == 1 ? interpret_root_add_lower(overlay, "") : 0;
}

/* Relative layer names are resolved in the working directory. */
static int interpret_root_mount_overlay(const struct interpret_overlay *overlay)
{
	int fd;

	if (mkdirat(overlay->scratch_fd, "root", 0755) < 0 || fchdir(overlay->scratch_fd) < 0)
		return -errno;
	if (mount("overlay", "root", "overlay",
		  (overlay->op->flags & PROGRAM_MOUNT_NO_EXEC ? MS_NOEXEC : 0) |
			  (overlay->op->flags & PROGRAM_MOUNT_NO_SUID ? MS_NOSUID : 0) |
			  (overlay->op->flags & PROGRAM_MOUNT_NO_DEV ? MS_NODEV : 0),
		  overlay->options) < 0)
		return -errno;
	fd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || chdir("/") < 0 ? -errno : fd;
}

int interpret_root_overlay(struct interpret_run *run, const struct program_op *op)
{
	struct interpret_overlay overlay = {.run = run, .op = op};
	_cleanup_fd_ int scratch = interpret_mounts_new("tmpfs", "mode=755", 0);
	int r;

	if (scratch < 0)
		return scratch;
	overlay.scratch_fd = scratch;
	/* Over /proc, if that is there, it goes with the old root by one umount(2); over "/" it needs one of
	 * its own, and each costs the kernel a grace period. */
	r = interpret_mounts_move(scratch, AT_FDCWD, "/proc");
	if (r < 0) {
		r = interpret_mounts_move(scratch, AT_FDCWD, "/");
		run->n_scratches += r == 0;
	}
	if (r == 0)
		r = interpret_root_add_lowers(&overlay, interpret_text(run, op->text));
	if (r == 0)
		r = interpret_root_add_upper(&overlay);
	if (r == 0)
		r = interpret_root_append(&overlay, interpret_text(run, (uint32_t)op->number2));
	if (r == 0)
		r = interpret_root_mount_overlay(&overlay);
	if (r < 0)
		return r;
	run->slots[op->slot2] = r;
	return 0;
}

/* --- the swap ------------------------------------------------------------------------------------------ */

int interpret_root_attach(struct interpret_run *run, const struct program_op *op)
{
	int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0)
		return -errno;
	run->slots[op->slot2] = old;
	run->root_fd = run->slots[op->slot];
	return run->root_fd < 0 ? -EBADF : interpret_mounts_move(run->root_fd, AT_FDCWD, "/");
}

int interpret_root_drop_old(struct interpret_run *run, const struct program_op *op)
{
	if (fchdir(run->root_fd) < 0)
		return -errno;
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return errno != EINVAL || chroot(".") < 0 ? -errno : 0;
	/* The old root now covers the new one, and is covered by the scratch mounts itself; umount(2) takes
	 * the uppermost each time. "/" means the new root below them. */
	if (fchdir(run->slots[op->slot]) < 0)
		return -errno;
	for (unsigned i = 0; i <= run->n_scratches; i++)
		if (umount2(".", MNT_DETACH) < 0)
			return -errno;
	run->slots[op->slot] = fd_close(run->slots[op->slot]);
	return chdir("/") < 0 ? -errno : 0;
}
