/* The interpreter's steps for terminals.
 *
 * The process leads a session when it comes here, so that the terminal it opens can become its controlling one. A
 * payload behind a container's init leads a session of its own: the terminal is then handed on at the fork. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/terminal.h"
#include "engine/interpret-steps.h"

enum { INTERPRET_TERMINAL_MAJOR = 5, INTERPRET_TERMINAL_MASTER = 2 };

/* One try. EPERM: another session has it. What the terminal sends whom it is taken from, or to us, is not for
 * us. */
static int interpret_terminal_control(int fd, bool force)
{
	int r;

	signal(SIGHUP, SIG_IGN);
	r = ioctl(fd, TIOCSCTTY, (unsigned long)force) < 0 ? -errno : 0;
	signal(SIGHUP, SIG_DFL);
	return r;
}

static void interpret_terminal_flush(int watch)
{
	char buffer[1024];

	while (read(watch, buffer, sizeof buffer) > 0)
		;
}

/* Waits until somebody has closed the file behind WATCH, however long that takes: whoever bounds the start bounds
 * this. */
static int interpret_terminal_wait(int watch)
{
	char buffer[1024];
	ssize_t n;

	if (fcntl(watch, F_SETFL, 0) < 0)
		return -errno;
	do
		n = read(watch, buffer, sizeof buffer);
	while (n < 0 && errno == EINTR);
	return n < 0 || fcntl(watch, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* The end of the session that had it hangs the terminal up for all, so it is opened anew each time. */
static int interpret_terminal_acquire(const char *path, uint32_t flags)
{
	_cleanup_fd_ int watch = -1;

	if (!(flags & (PROGRAM_TERMINAL_FORCE | PROGRAM_TERMINAL_FAIL))) {
		watch = (int)syscall(SYS_inotify_init1, IN_CLOEXEC | IN_NONBLOCK);
		if (watch < 0 || syscall(SYS_inotify_add_watch, watch, path, IN_CLOSE) < 0)
			return -errno;
	}
	for (;;) {
		_cleanup_fd_ int fd = -1;
		int r;

		if (watch >= 0)
			interpret_terminal_flush(watch);
		fd = terminal_open(path, O_RDWR);
		if (fd < 0)
			return fd;
		r = interpret_terminal_control(fd, flags & PROGRAM_TERMINAL_FORCE);
		if (r == 0)
			return TAKE_FD(fd);
		if (r != -EPERM || watch < 0)
			return r;
		r = interpret_terminal_wait(watch);
		if (r < 0)
			return r;
	}
}

int interpret_terminal_open(struct interpret_run *run, const struct program_op *op)
{
	const char *path = interpret_text(run, op->text);
	_cleanup_fd_ int fd = -1;

	/* Best effort, as systemd has it: a terminal that cannot be used fails below. */
	terminal_prepare(path, op->flags & (TERMINAL_RESET | TERMINAL_HANGUP | TERMINAL_CLEAR));
	if (!(op->flags & PROGRAM_TERMINAL_INPUT))
		return 0;
	fd = interpret_terminal_acquire(path, op->flags);
	if (fd < 0)
		return fd;
	terminal_set_size(fd, (unsigned short)op->number, (unsigned short)op->number2);
	run->controls_terminal = true;
	if (dup2(fd, 0) < 0 || (op->flags & PROGRAM_TERMINAL_OUTPUT && dup2(fd, 1) < 0) ||
	    (op->flags & PROGRAM_TERMINAL_ERROR && dup2(fd, 2) < 0))
		return -errno;
	return 0;
}

/* The leader of a session that lets its terminal go gets a SIGHUP for it. */
int interpret_terminal_release(const struct interpret_run *run)
{
	int r;

	if (!run->controls_terminal)
		return 0;
	signal(SIGHUP, SIG_IGN);
	r = ioctl(0, TIOCNOTTY) < 0 ? -errno : 0;
	signal(SIGHUP, SIG_DFL);
	return r;
}

int interpret_terminal_take(const struct interpret_run *run)
{
	return run->controls_terminal ? interpret_terminal_control(0, false) : 0;
}

/* --- a new one ----------------------------------------------------------------------------------------- */

/* The multiplexer of the devpts that the container sees. What lies there is looked at before it is opened, and
 * what was opened again: whatever the container may put there, it is this device or a failure. */
static int interpret_terminal_master(const char *path)
{
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), seen = -1, fd = -1;
	int r;

	if (root < 0)
		return -errno;
	seen = interpret_mounts_open(root, path, O_PATH);
	if (seen < 0)
		return seen;
	r = interpret_mounts_verify_device(seen, INTERPRET_TERMINAL_MAJOR, INTERPRET_TERMINAL_MASTER);
	if (r < 0)
		return r;
	fd = interpret_mounts_open(root, path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	r = interpret_mounts_verify_device(fd, INTERPRET_TERMINAL_MAJOR, INTERPRET_TERMINAL_MASTER);
	return r < 0 ? r : TAKE_FD(fd);
}

/* The other side, by descriptor: there is no path to it that could lead elsewhere. */
static int interpret_terminal_peer(int master)
{
	_cleanup_fd_ int fd = -1;
	struct statfs status;
	int unlocked = 0;

	if (ioctl(master, TIOCSPTLCK, (unsigned long)&unlocked) < 0)
		return -errno;
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &status) < 0)
		return -errno;
	return status.f_type == DEVPTS_SUPER_MAGIC ? TAKE_FD(fd) : -ENODEV;
}

int interpret_terminal_new(struct interpret_run *run, const struct program_op *op)
{
	_cleanup_fd_ int master = interpret_terminal_master("dev/pts/ptmx"), fd = -1;
	int r;

	/* devpts lets only root open the one in it, unless told otherwise; beside it is one for all. */
	if (master == -EACCES || master == -ENOENT)
		master = interpret_terminal_master("dev/ptmx");
	if (master < 0)
		return master;
	fd = interpret_terminal_peer(master);
	if (fd < 0)
		return fd;
	terminal_set_size(fd, (unsigned short)op->number, (unsigned short)op->number2);
	r = interpret_terminal_control(fd, false);
	if (r == 0)
		r = fd_send_message(run->descriptors[op->fd], "", 1, &master, 1);
	for (int i = 0; r == 0 && i < 3; i++)
		if (dup2(fd, i) < 0)
			r = -errno;
	return r;
}
