/* What the manager asks for. A request that makes no sense is said on standard error and ignored, unless it
 * has an answer (a launch's record): the manager is trusted, but not to be without faults. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/init.h"
#include "init/say.h"

enum { REQUEST_BATCH = 64, REQUEST_MAX_DESCRIPTORS = 2 + LAUNCH_MAX_DESCRIPTORS + LAUNCH_MAX_HELD };

union request {
	struct launch_request head;
	struct launch_hello hello;
	struct launch_spawn spawn;
	struct launch_kill kill;
	struct launch_adopt adopt;
	struct launch_hold hold;
	struct launch_shutdown shutdown;
};

/* With a PID namespace of its own a process is init there: it gets no signal that it has no handler for, and
 * the payload behind it cannot be named before it reports. SIGKILL may end the whole of it. */
static bool request_must_wait(const struct child *child)
{
	return child->is_init && child->state == LAUNCH_STATE_STARTING && child->payload_pidfd < 0;
}

static void request_kill(struct init *init, const struct launch_kill *request)
{
	struct child *child = children_find(&init->children, &request->head.id);
	int fd;

	/* A process that has ended meanwhile is what the manager will be told anyway. */
	if (!child || !child_is_alive(child) || request->signal < 0 || request->signal > 64)
		return;
	if (request_must_wait(child) && request->signal != SIGKILL && !(request->flags & LAUNCH_KILL_CHILD)) {
		child->waiting_signals |= request->signal ? 1ull << (request->signal - 1) : 0;
		return;
	}
	if (request->flags & LAUNCH_KILL_GROUP && !child->payload_ended &&
	    kill(-child->payload_pid, request->signal) == 0)
		return; /* else it leads no group yet */
	fd = request->flags & LAUNCH_KILL_CHILD || child->payload_pidfd < 0 ? child->pidfd
									    : child->payload_pidfd;
	syscall(SYS_pidfd_send_signal, fd, request->signal, NULL, 0);
}

static void request_forget(struct init *init, const struct launch_request *request)
{
	struct child *child = children_find(&init->children, &request->id);

	if (!child)
		return;
	if (child_is_alive(child))
		say("the manager wants to forget a living process", NULL);
	else
		children_remove(&init->children, child);
}

static void request_adopt(struct init *init, const struct launch_adopt *request, int *fd)
{
	struct child *child = request->pid > 1 && !children_find_pid(&init->children, request->pid)
				      ? children_add(&init->children, &request->head.id)
				      : NULL;

	if (!child) {
		say("the manager adopts a process that cannot be", NULL);
		return;
	}
	memcpy(child->label, request->label, sizeof child->label);
	child->adopted = true;
	child->pidfd = TAKE_FD(*fd);
	child->payload_pid = request->pid;
	child->state = LAUNCH_STATE_RUNNING;
	child->started_at = child->exec_at = time_now(CLOCK_MONOTONIC);
	children_set_pid(&init->children, child, request->pid);
	children_mark_changed(&init->children, child);
	/* Readable at once when it is dead already. */
	if (init_watch(init, child->pidfd, EPOLLIN,
		       INIT_EVENT_PIDFD + children_index(&init->children, child)) < 0)
		reap_adopted(init, child);
}

static void request_hold(struct init *init, const struct launch_hold *request, int *fd)
{
	struct child *child = children_find(&init->children, &request->head.id);

	if (!child)
		child = children_add(&init->children, &request->head.id);
	if (!child || children_hold(&init->children, child, TAKE_FD(*fd), request->name) < 0)
		say("no room to hold another descriptor", NULL);
}

static void request_hello(struct init *init)
{
	init->manager.stage = MANAGER_WELCOME;
	init->manager.failures = 0;
}

static void request_handle(struct init *init, const union request *request, size_t size, int *fds,
			   size_t n_fds)
{
	switch ((enum launch_type)request->head.type) {
	case LAUNCH_HELLO:
		request_hello(init);
		return;
	case LAUNCH_SPAWN:
		if (size != sizeof request->spawn || n_fds == 0)
			break;
		spawn(init, &request->spawn, fds, n_fds);
		memset(fds, -1, n_fds * sizeof *fds);
		return;
	case LAUNCH_KILL:
		if (size != sizeof request->kill)
			break;
		request_kill(init, &request->kill);
		return;
	case LAUNCH_FORGET:
		request_forget(init, &request->head);
		return;
	case LAUNCH_ADOPT:
		if (size != sizeof request->adopt || n_fds != 1)
			break;
		request_adopt(init, &request->adopt, fds);
		return;
	case LAUNCH_HOLD:
		if (size != sizeof request->hold || n_fds != 1)
			break;
		request_hold(init, &request->hold, fds);
		return;
	case LAUNCH_SHUTDOWN:
		if (size != sizeof request->shutdown)
			break;
		shutdown_begin(init, request->shutdown.action, request->shutdown.exit_status, false);
		return;
	case LAUNCH_WELCOME:
	case LAUNCH_RECORD:
	case LAUNCH_TABLE_END:
	case LAUNCH_SIGNAL:
		break;
	}
	say("the manager sent a request that is none", NULL);
}

void request_receive(struct init *init)
{
	for (int i = 0; i < REQUEST_BATCH && init->manager.socket_fd >= 0; i++) {
		union request request = {};
		int fds[REQUEST_MAX_DESCRIPTORS];
		size_t n_fds = 0;
		ssize_t n = fd_receive_message(init->manager.socket_fd, &request, sizeof request, fds,
					       ARRAY_SIZE(fds), &n_fds);

		if (n == -EAGAIN)
			return;
		if (n == -EMSGSIZE) { /* closed already; it would have been too long for any request */
			say("the manager sent a message that is too long", NULL);
			continue;
		}
		if (n <= 0) {
			manager_drop(init);
			return;
		}
		if ((size_t)n >= sizeof request.head && request.head.version == LAUNCH_VERSION)
			request_handle(init, &request, (size_t)n, fds, n_fds);
		else
			say("the manager speaks another version", NULL);
		for (size_t j = 0; j < n_fds; j++)
			fd_close(fds[j]);
	}
}
