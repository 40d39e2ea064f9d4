/* The interpreter's steps for terminals.
 *
 * The process leads a session when it comes here, so that the terminal it opens can become its controlling one. A
 * payload behind a container's init leads a session of its own: the terminal is then handed on at the fork. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/terminal.h"
#include "engine/interpret-steps.h"

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
