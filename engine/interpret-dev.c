/* The interpreter's step that makes a container's /dev: a tmpfs with the few devices every program expects.
 *
 * The nodes are made with mknod(2), a tenth of the cost of bind mounts, where that is allowed; else (a host
 * that is itself a container without CAP_MKNOD) the host's nodes are bound, after checking that they are what
 * they are called. Everything is complete before the tmpfs is moved to its place. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

static const struct {
	const char *path; /* on the host */
	unsigned major_number, minor_number;
} interpret_dev_nodes[] = {
	{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
	{"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
};

static const struct {
	const char *name, *target;
} interpret_dev_links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

static int interpret_dev_bind(const struct interpret_run *run, const struct program_op *op, int dev_fd,
			      size_t i)
{
	const char *path = interpret_dev_nodes[i].path;
	_cleanup_fd_ int source = -1, tree = -1;
	int r;

	if (mknodat(dev_fd, path + strlen("dev/"), S_IFREG | 0666, 0) < 0)
		return -errno;
	if (op->slot2 == PROGRAM_SLOT_NONE)
		return -EPERM; /* no host to take them from */
	source = interpret_mounts_resolve(run, op->slot2, path);
	if (source < 0)
		return source;
	r = interpret_mounts_verify_device(source, interpret_dev_nodes[i].major_number,
					   interpret_dev_nodes[i].minor_number);
	if (r < 0)
		return r;
	tree = interpret_mounts_copy(run, source, "", PROGRAM_MOUNT_NO_EXEC | PROGRAM_MOUNT_NO_SUID,
				     PROGRAM_SLOT_NONE);
	return tree < 0 ? tree : interpret_mounts_move(tree, dev_fd, path + strlen("dev/"));
}

/* Returns 1 when nodes must be bound, for which the tmpfs has to be in its place. */
static int interpret_dev_make_nodes(int dev_fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(interpret_dev_nodes); i++) {
		dev_t device =
			makedev(interpret_dev_nodes[i].major_number, interpret_dev_nodes[i].minor_number);

		if (mknodat(dev_fd, interpret_dev_nodes[i].path + strlen("dev/"), S_IFCHR | 0666, device) ==
		    0)
			continue;
		return errno == EPERM && i == 0 ? 1 : -errno;
	}
	return 0;
}

static int interpret_dev_populate(int dev_fd)
{
	for (size_t i = 0; i < ARRAY_SIZE(interpret_dev_links); i++)
		if (symlinkat(interpret_dev_links[i].target, dev_fd, interpret_dev_links[i].name) < 0)
			return -errno;
	if (mkdirat(dev_fd, "pts", 0755) < 0 || mkdirat(dev_fd, "mqueue", 0755) < 0 ||
	    mkdirat(dev_fd, "shm", 01777) < 0)
		return -errno;
	return interpret_dev_make_nodes(dev_fd);
}

static int interpret_dev_shm(int dev_fd, const char *size)
{
	char options[128] = "mode=1777";
	_cleanup_fd_ int tree = -1;

	if (strlen(size) > 64)
		return -EINVAL;
	if (*size)
		strcat(strcat(options, ",size="), size);
	tree = interpret_mounts_new("tmpfs", options,
				    PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV | PROGRAM_MOUNT_NO_EXEC);
	return tree < 0 ? tree : interpret_mounts_move(tree, dev_fd, "shm");
}

int interpret_dev_make(struct interpret_run *run, const struct program_op *op)
{
	_cleanup_fd_ int dev = interpret_mounts_new("tmpfs", "mode=755,size=65536k",
						    PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_EXEC);
	int must_bind, r, fd = dev;

	if (dev < 0)
		return dev;
	must_bind = interpret_dev_populate(dev);
	if (must_bind < 0)
		return must_bind;
	/* Nothing can be mounted below a mount that is in no namespace (before Linux 6.15). */
	r = interpret_mounts_move_kernel(run, op, dev);
	if (r < 0)
		return r;
	(void)TAKE_FD(dev);
	for (size_t i = 0; r == 0 && must_bind && i < ARRAY_SIZE(interpret_dev_nodes); i++)
		r = interpret_dev_bind(run, op, fd, i);
	return r < 0 ? r : interpret_dev_shm(fd, interpret_text(run, op->text2));
}
