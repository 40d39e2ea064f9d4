/* The interpreter's steps for labels of security modules.
 *
 * A label that lands in the wrong file confines nothing, and the root of a container is not ours: something may be
 * mounted over /proc or over a file in it (CVE-2019-16884). So the file is opened without crossing a mount from the root of
 * what is a procfs, and looked at once more before it is written. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

enum { INTERPRET_LABEL_PROC_ROOT = 1 }; /* the inode of a procfs's root directory */

static bool interpret_label_is_procfs(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

static int interpret_label_open(int proc_fd, const char *path)
{
	struct open_how how = {.flags = O_WRONLY | O_CLOEXEC | O_NOCTTY,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};
	_cleanup_fd_ int fd = -1;
	struct stat root;

	if (fstat(proc_fd, &root) < 0)
		return -errno;
	if (!interpret_label_is_procfs(proc_fd) || root.st_ino != INTERPRET_LABEL_PROC_ROOT)
		return -EXDEV;
	fd = (int)syscall(SYS_openat2, proc_fd, path, &how, sizeof how);
	if (fd < 0)
		return -errno;
	return interpret_label_is_procfs(fd) ? TAKE_FD(fd) : -EXDEV;
}

static int interpret_label_write(struct interpret_run *run, const struct program_op *op)
{
	static const char directories[][11] = {"/apparmor/", "/smack/"};
	const char *path = interpret_text(run, op->text), *label = interpret_text(run, op->text2);
	int proc_fd = interpret_namespaces_proc(run);
	_cleanup_fd_ int fd = proc_fd < 0 ? proc_fd : interpret_label_open(proc_fd, path);
	char shared[64];

	/* Before Linux 5.8 the modules shared one directory. */
	for (size_t i = 0; i < ARRAY_SIZE(directories) && fd == -ENOENT; i++) {
		const char *found = strstr(path, directories[i]);

		if (!found || strlen(path) >= sizeof shared)
			continue;
		memcpy(shared, path, (size_t)(found - path) + 1);
		strcpy(shared + (found - path) + 1, found + strlen(directories[i]));
		fd = interpret_label_open(proc_fd, shared);
	}
	if (fd < 0)
		return fd;
	/* One write is one label. */
	if (write(fd, label, strlen(label)) != (ssize_t)strlen(label))
		return errno ? -errno : -EIO;
	return 0;
}

int interpret_label_set(struct interpret_run *run, const struct program_op *op)
{
	int r;

	errno = 0;
	r = interpret_label_write(run, op);
	return op->flags & PROGRAM_OPTIONAL ? 0 : r;
}
