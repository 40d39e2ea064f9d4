/* The manager's process: started over an inherited socket, started again when it ends or closes the socket.
 * Nobody notices: what it must know when it comes back stands in the table.
 *
 * One that was up comes back at once; one that dies young, or never says HELLO, is started less and less
 * often. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/init.h"
#include "init/say.h"

#define MANAGER_FD		3
#define MANAGER_FD_ASSIGNMENT	LAUNCH_FD_ENVIRONMENT "=3"
#define MANAGER_FIRST_BACK_OFF	(100 * USEC_PER_MSEC)
#define MANAGER_MAX_BACK_OFF	(10 * USEC_PER_SEC)
#define MANAGER_MAX_BACK_OFF_UP USEC_PER_SEC
#define MANAGER_OLD_ENOUGH	(5 * USEC_PER_SEC)
enum { MANAGER_FAILURES_TO_SHELL = 5 };

/* Our environment with the socket's number, made once. */
static char **manager_environment(void)
{
	static const char name[] = LAUNCH_FD_ENVIRONMENT "=";
	size_t n = 0, kept = 0;
	char **copy;

	while (environ[n])
		n++;
	copy = mmap(NULL, (n + 2) * sizeof *copy, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], name, strlen(name)) != 0)
			copy[kept++] = environ[i];
	copy[kept] = (char *)MANAGER_FD_ASSIGNMENT;
	return copy;
}

int manager_init(struct manager *manager, const char *path, char *const *arguments)
{
	*manager = (struct manager){.path = path,
				    .arguments = arguments,
				    .environment = manager_environment(),
				    .pidfd = -1,
				    .socket_fd = -1,
				    .start_at = 0,
				    .retry_at = USEC_INFINITY};
	return manager->environment ? 0 : -ENOMEM;
}

bool manager_is_up(const struct init *init)
{
	return init->manager.stage == MANAGER_UP;
}

static _Noreturn void manager_child(const struct init *init, int socket_fd)
{
	const struct manager *manager = &init->manager;

	spawn_clean_child(init);
	if (socket_fd == MANAGER_FD ? fcntl(socket_fd, F_SETFD, 0) < 0 : dup2(socket_fd, MANAGER_FD) < 0)
		_exit(202);
	execve(manager->path, manager->arguments, manager->environment);
	say("cannot run ", manager->path, ": ", say_error(errno), NULL);
	_exit(203);
}

static int manager_clone(struct init *init, int socket_fd)
{
	struct clone_args arguments = {.flags = CLONE_PIDFD,
				       .pidfd = (uint64_t)(uintptr_t)&init->manager.pidfd,
				       .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &arguments, sizeof arguments);

	if (pid == 0)
		manager_child(init, socket_fd);
	if (pid < 0)
		return -errno;
	init->manager.pid = (pid_t)pid;
	return 0;
}

static void manager_schedule(struct manager *manager, usec_t now, usec_t longest)
{
	manager->start_at = now + manager->back_off;
	manager->back_off = MIN_OF(MAX_OF(manager->back_off * 2, MANAGER_FIRST_BACK_OFF), longest);
}

void manager_start(struct init *init)
{
	struct manager *manager = &init->manager;
	usec_t now = time_now(CLOCK_MONOTONIC);
	int pair[2], r;

	manager->start_at = USEC_INFINITY;
	r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : 0;
	if (r == 0) {
		manager->socket_fd = pair[0];
		r = init_watch(init, pair[0], EPOLLIN, INIT_EVENT_MANAGER);
		if (r == 0)
			r = manager_clone(init, pair[1]);
		close(pair[1]);
	}
	if (r < 0) {
		say("cannot start the manager: ", say_error(r), NULL);
		manager->socket_fd = fd_close(manager->socket_fd);
		manager_schedule(manager, now, MANAGER_MAX_BACK_OFF);
		return;
	}
	manager->stage = MANAGER_STARTED;
	manager->started_at = now;
	manager->starts++;
	manager->failures++; /* until it says HELLO */
	manager->wants_writable = false;
}

static void manager_disconnect(struct init *init)
{
	struct manager *manager = &init->manager;

	if (manager->socket_fd >= 0) {
		init_unwatch(init, manager->socket_fd);
		manager->socket_fd = fd_close(manager->socket_fd);
	}
	manager->retry_at = USEC_INFINITY;
}

void manager_drop(struct init *init)
{
	manager_disconnect(init);
	if (init->manager.pid)
		syscall(SYS_pidfd_send_signal, init->manager.pidfd, SIGKILL, NULL, 0);
}

void manager_on_exit(struct init *init)
{
	struct manager *manager = &init->manager;
	usec_t now = time_now(CLOCK_MONOTONIC);
	bool was_up = manager->stage > MANAGER_STARTED;

	/* It may have said something last, LAUNCH_SHUTDOWN for one. */
	request_receive(init);
	manager_disconnect(init);
	manager->pidfd = fd_close(manager->pidfd);
	manager->pid = 0;
	manager->stage = MANAGER_DOWN;
	if (init->shutdown.stage != SHUTDOWN_NONE)
		return;
	if (was_up && now - manager->started_at >= MANAGER_OLD_ENOUGH)
		manager->back_off = 0;
	manager_schedule(manager, now, was_up ? MANAGER_MAX_BACK_OFF_UP : MANAGER_MAX_BACK_OFF);
	say("the manager has ended; starting it again", NULL);
	if (init->mode == LAUNCH_MODE_MACHINE && manager->failures >= MANAGER_FAILURES_TO_SHELL)
		machine_emergency_shell(init);
}

void manager_on_timer(struct init *init, usec_t now)
{
	if (init->manager.pid == 0 && init->shutdown.stage == SHUTDOWN_NONE && init->manager.start_at <= now)
		manager_start(init);
}
