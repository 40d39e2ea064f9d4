/* The interpreter's steps for files that are made for one launch and exist nowhere else: credentials and secrets.
 *
 * They lie on a file system of their own, which is never swapped out, and which nobody but the service's mount namespace has. What is in them is
 * read by the process itself, from files and sockets of the host, so that no other part of svcd ever holds it; a
 * sealed credential is opened by the tool that knows the format. Without privilege it is a directory of the manager's. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

int interpret_files_begin(struct interpret_run *run, const struct program_op *op)
{
	const char *path = interpret_text(run, op->text);
	int fd;

	run->files_bytes = 0;
	if (*path) {
		/* Read-only since the launch before, if there was one. */
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && syscall(SYS_fchmod, fd, 0700) < 0) {
			fd_close(fd);
			return -errno;
		}
		fd = fd < 0 ? -errno : fd;
	} else
		fd = interpret_mounts_new("ramfs", "mode=0700",
					  PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV |
						  PROGRAM_MOUNT_NO_EXEC);
	if (fd < 0)
		return fd;
	run->slots[op->slot2] = fd;
	return 0;
}

static int interpret_files_write(struct interpret_run *run, int fd, const char *data, size_t size)
{
	if (size > PROGRAM_FILES_MAX - run->files_bytes)
		return -EFBIG;
	run->files_bytes += size;
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* All there is to read from SOURCE. */
static int interpret_files_copy(struct interpret_run *run, int source, int fd)
{
	char buffer[4096];
	ssize_t n;

	while ((n = read(source, buffer, sizeof buffer)) != 0) {
		int r = n < 0 ? (errno == EINTR ? 0 : -errno)
			      : interpret_files_write(run, fd, buffer, (size_t)n);

		if (r < 0)
			return r;
	}
	return 0;
}

/* --- sources ------------------------------------------------------------------------------------------- */

/* Tells the peer by the name of its own end which unit asks for what, as systemd.exec(5) has it: "\0ID/unit/UNIT/NAME", ID being random. */
static int interpret_files_bind(int fd, const char *name)
{
	static const char digits[] = "0123456789abcdef";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint8_t random[8];
	char *at = address.sun_path + 1;
	size_t length = strlen(name);

	if (syscall(SYS_getrandom, random, sizeof random, 0) != sizeof random)
		return -errno;
	for (size_t i = 0; i < sizeof random; i++) {
		*at++ = digits[random[i] >> 4];
		*at++ = digits[random[i] & 15];
	}
	if (length >= sizeof address.sun_path - 24)
		length = sizeof address.sun_path - 24;
	memcpy(at, name, length);
	length += (size_t)(at - (char *)&address);
	return syscall(SYS_bind, fd, &address, length) < 0 ? -errno : 0;
}

/* NAME of our end is behind the NUL of PATH. */
static int interpret_files_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof address.sun_path)
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	r = interpret_files_bind(fd, path + strlen(path) + 1);
	if (r < 0)
		return r;
	return syscall(SYS_connect, fd, &address, sizeof address) < 0 ? -errno : TAKE_FD(fd);
}

static int interpret_files_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))) {
		fd_close(fd);
		return -EINVAL;
	}
	return fd;
}

static int interpret_files_memory(const char *data, size_t size)
{
	_cleanup_fd_ int fd = (int)syscall(SYS_memfd_create, "sealed", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return syscall(SYS_lseek, fd, 0, 0 /* SEEK_SET */) < 0 ? -errno : TAKE_FD(fd);
}

/* A descriptor to read from. For DATA that is to be unsealed too. */
static int interpret_files_source(const struct interpret_run *run, const struct program_op *op)
{
	const char *text = interpret_text(run, op->text2);

	if (op->flags & PROGRAM_FILE_SOCKET)
		return interpret_files_connect(text);
	if (op->flags & PROGRAM_FILE_PATH)
		return interpret_files_open(text);
	return interpret_files_memory(text, op->number);
}

/* --- sealed credentials -------------------------------------------------------------------------------- */

static _Noreturn void interpret_files_unseal_child(int source, int sink, const char *name)
{
	char option[512] = "--name=";
	char *const argv[] =
		{(char *)"systemd-creds", (char *)"decrypt", option, (char *)"-", (char *)"-", NULL},
		    *const envp[] = {(char *)"PATH=/usr/sbin:/usr/bin", NULL};

	if (strlen(name) < sizeof option - strlen(option) && dup2(source, 0) >= 0 && dup2(sink, 1) >= 0) {
		memcpy(option + strlen("--name="), name, strlen(name) + 1);
		execve(PROGRAM_UNSEAL_TOOL, argv, envp);
	}
	_exit(127);
}

static int interpret_files_unseal(struct interpret_run *run, int source, int fd, const char *name)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	int pipe_fds[2], status, r;
	long child;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	child = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (child == 0)
		interpret_files_unseal_child(source, pipe_fds[1], name);
	r = child < 0 ? -errno : 0;
	fd_close(pipe_fds[1]);
	if (r == 0)
		r = interpret_files_copy(run, pipe_fds[0], fd);
	fd_close(pipe_fds[0]); /* ends it if it has too much to say */
	if (child < 0)
		return r;
	while (waitpid((pid_t)child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return r < 0 ? r : status == 0 ? 0 : status == 127 << 8 ? -ENOENT : -EBADMSG;
}

/* --- the steps ----------------------------------------------------------------------------------------- */

static int interpret_files_fill(struct interpret_run *run, const struct program_op *op, int fd)
{
	_cleanup_fd_ int source = -1;

	if (!(op->flags & (PROGRAM_FILE_SOCKET | PROGRAM_FILE_PATH | PROGRAM_FILE_SEALED)))
		return interpret_files_write(run, fd, interpret_text(run, op->text2), op->number);
	source = interpret_files_source(run, op);
	if (source < 0)
		return source;
	return op->flags & PROGRAM_FILE_SEALED
		       ? interpret_files_unseal(run, source, fd, interpret_text(run, op->text))
		       : interpret_files_copy(run, source, fd);
}

int interpret_files_add(struct interpret_run *run, const struct program_op *op)
{
	const char *name = interpret_text(run, op->text);
	_cleanup_fd_ int fd = -1;
	int r;

	for (const char *c = name; *c; c++)
		if (*c == '/')
			return -EBADMSG;
	if (syscall(SYS_unlinkat, run->slots[op->slot], name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(run->slots[op->slot], name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = interpret_files_fill(run, op, fd);
	if (r < 0)
		return r;
	if (syscall(SYS_fchown, fd, (uid_t)op->number2, (gid_t)(op->number2 >> 32)) < 0 ||
	    syscall(SYS_fchmod, fd, op->flags & PROGRAM_FILE_MODE) < 0)
		return -errno;
	return 0;
}

int interpret_files_end(struct interpret_run *run, const struct program_op *op)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
	int fd = run->slots[op->slot];

	if (syscall(SYS_fchownat, fd, "", (uid_t)op->number2, (gid_t)(op->number2 >> 32), AT_EMPTY_PATH) <
		    0 ||
	    syscall(SYS_fchmodat, fd, ".", op->flags & PROGRAM_FILE_MODE) < 0)
		return -errno;
	if (op->flags & PROGRAM_FILE_PATH) /* a directory of the manager's */
		return 0;
	return mount_setattr(fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0 ? -errno : 0;
}
