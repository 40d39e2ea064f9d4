/* What the manager is told: who we are, the table, then every record that changes. All of it is state, so
 * when the socket is full the telling stops in the middle and goes on when there is room; nothing queues up
 * here. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/init.h"

enum { TELL_RETRY_MSEC = 20 };

static struct launch_request tell_head(enum launch_type type)
{
	return (struct launch_request){.type = type, .version = LAUNCH_VERSION};
}

static int tell_welcome(struct init *init)
{
	struct launch_welcome welcome = {.head = tell_head(LAUNCH_WELCOME),
					 .mode = init->mode,
					 .manager_starts = init->manager.starts,
					 .pid = getpid()};
	int r = fd_send_message(init->manager.socket_fd, &welcome, sizeof welcome, NULL, 0);

	if (r == 0) {
		init->manager.stage = MANAGER_TABLE;
		init->manager.table_next = 1;
	}
	return r;
}

static int tell_table(struct init *init)
{
	struct manager *manager = &init->manager;

	for (; manager->table_next < init->children.records.end; manager->table_next++) {
		struct child *child = children_at(&init->children, manager->table_next);
		struct launch_record record;
		int fds[LAUNCH_MAX_HELD], r;

		if (!child)
			continue;
		children_describe(&init->children, child, &record, fds);
		r = fd_send_message(manager->socket_fd, &record, sizeof record, fds, record.n_held);
		if (r < 0)
			return r;
		children_unmark_changed(&init->children, child);
	}
	manager->stage = MANAGER_TABLE_END;
	return 0;
}

static int tell_table_end(struct init *init)
{
	struct launch_request end = tell_head(LAUNCH_TABLE_END);
	int r = fd_send_message(init->manager.socket_fd, &end, sizeof end, NULL, 0);

	if (r == 0)
		init->manager.stage = MANAGER_UP;
	return r;
}

static int tell_signals(struct init *init)
{
	for (int i = 1; init->manager.signals && i <= 64; i++) {
		struct launch_signal message = {.head = tell_head(LAUNCH_SIGNAL), .signal = i};
		int r;

		if (!(init->manager.signals & 1ull << (i - 1)))
			continue;
		r = fd_send_message(init->manager.socket_fd, &message, sizeof message, NULL, 0);
		if (r < 0)
			return r;
		init->manager.signals &= ~(1ull << (i - 1));
	}
	if (init->shutdown.stage == SHUTDOWN_NONE)
		init->shutdown.deadline = USEC_INFINITY; /* it is the manager's business now */
	return 0;
}

static int tell_changes(struct init *init)
{
	struct child *child;

	while ((child = children_first_changed(&init->children))) {
		struct launch_record record;
		int r;

		children_describe(&init->children, child, &record, NULL);
		r = fd_send_message(init->manager.socket_fd, &record, sizeof record, NULL, 0);
		if (r < 0)
			return r;
		children_unmark_changed(&init->children, child);
	}
	return 0;
}

static int tell_next(struct init *init)
{
	switch (init->manager.stage) {
	case MANAGER_DOWN:
	case MANAGER_STARTED:
		return -ENOTCONN;
	case MANAGER_WELCOME:
		return tell_welcome(init);
	case MANAGER_TABLE:
		return tell_table(init);
	case MANAGER_TABLE_END:
		return tell_table_end(init);
	case MANAGER_UP:
		break;
	}
	return init->manager.signals ? tell_signals(init) : tell_changes(init);
}

static void tell_want_writable(struct init *init, bool wanted)
{
	struct epoll_event event = {.events = EPOLLIN | (wanted ? EPOLLOUT : 0u),
				    .data.u32 = INIT_EVENT_MANAGER};

	if (init->manager.wants_writable == wanted)
		return;
	if (epoll_ctl(init->epoll_fd, EPOLL_CTL_MOD, init->manager.socket_fd, &event) == 0)
		init->manager.wants_writable = wanted;
}

void tell(struct init *init)
{
	int r;

	if (init->manager.stage <= MANAGER_STARTED)
		return;
	do
		r = tell_next(init);
	while (r == 0 &&
	       (init->manager.stage != MANAGER_UP || init->manager.signals || init->children.first_changed));
	init->manager.retry_at = USEC_INFINITY;
	if (r == -ETOOMANYREFS) { /* unix(7): the manager has not yet taken what was sent before */
		init->manager.retry_at = time_now(CLOCK_MONOTONIC) + TELL_RETRY_MSEC * USEC_PER_MSEC;
		r = 0;
	}
	if (r == 0 || r == -EAGAIN || r == -ENOBUFS)
		tell_want_writable(init, r != 0);
	else
		manager_drop(init);
}

void tell_refusal(struct init *init, const struct launch_spawn *request, int error)
{
	struct launch_record record = {.head = tell_head(LAUNCH_RECORD),
				       .state = LAUNCH_STATE_FAILED,
				       .failed_op = LAUNCH_OP_CLONE,
				       .failed_errno = error};

	record.head.id = request->head.id;
	memcpy(record.label, request->label, sizeof record.label);
	fd_send_message(init->manager.socket_fd, &record, sizeof record, NULL, 0);
}
