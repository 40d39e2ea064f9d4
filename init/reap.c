/* What children report and how they end.
 *
 * Every zombie is reaped, known or not. A record changes to EXITED or FAILED when its process has been
 * reaped, not when a report announces it: from then on nothing of it is left, a whole PID namespace included,
 * as the kernel lets its init be reaped last. Reports that still wait in the socket are read before. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/init.h"

/* A report with what the kernel added to it. */
struct reap_report {
	struct launch_report report;
	pid_t sender;
	int fd; /* owned; -1 */
};

static ssize_t reap_receive(int report_fd, struct reap_report *ret)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec vector = {.iov_base = &ret->report, .iov_len = sizeof ret->report};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof control};
	ssize_t n = recvmsg(report_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	ret->sender = 0;
	ret->fd = -1;
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		struct ucred credentials;

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(&ret->fd, CMSG_DATA(c), sizeof ret->fd);
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
			ret->sender = credentials.pid;
		}
	}
	return n < 0 ? -errno : n;
}

static void reap_set_running(struct init *init, struct child *child)
{
	if (child->state != LAUNCH_STATE_STARTING || child->failed)
		return;
	child->state = LAUNCH_STATE_RUNNING;
	child->exec_at = time_now(CLOCK_MONOTONIC);
	children_mark_changed(&init->children, child);
}

/* What was to be delivered to the payload before it could be named. */
static void reap_deliver_signals(struct child *child)
{
	int fd = child->payload_pidfd >= 0 ? child->payload_pidfd : child->pidfd;

	for (int i = 1; child->waiting_signals && i <= 64; i++)
		if (child->waiting_signals & 1ull << (i - 1))
			syscall(SYS_pidfd_send_signal, fd, i, NULL, 0);
	child->waiting_signals = 0;
}

static void reap_set_payload(struct init *init, struct child *child, struct reap_report *report)
{
	if (report->sender <= 0 || report->fd < 0 || child->payload_pidfd >= 0)
		return;
	child->payload_pid = report->sender;
	child->payload_pidfd = TAKE_FD(report->fd);
	reap_deliver_signals(child);
	if (child->state == LAUNCH_STATE_RUNNING) /* else it is told when it has executed */
		children_mark_changed(&init->children, child);
}

static void reap_take_report(struct init *init, struct child *child, struct reap_report *report)
{
	switch (report->report.type) {
	case LAUNCH_REPORT_FAILED:
		child->failed = true;
		child->failed_op = report->report.op;
		child->failed_errno = report->report.error;
		break;
	case LAUNCH_REPORT_PAYLOAD:
		reap_set_payload(init, child, report);
		break;
	case LAUNCH_REPORT_RUNNING:
		reap_set_running(init, child);
		break;
	case LAUNCH_REPORT_EXITED:
		child->payload_ended = true;
		child->wait_status = report->report.wait_status;
		break;
	}
	fd_close(report->fd);
}

static void reap_close_reports(struct init *init, struct child *child)
{
	init_unwatch(init, child->report_fd);
	child->report_fd = fd_close(child->report_fd);
}

void reap_reports(struct init *init, struct child *child)
{
	while (child->report_fd >= 0) {
		struct reap_report report;
		ssize_t n = reap_receive(child->report_fd, &report);

		if (n == -EINTR)
			continue;
		if (n == -EAGAIN)
			return;
		if (n == sizeof report.report) {
			reap_take_report(init, child, &report);
			continue;
		}
		fd_close(report.fd);
		if (n <= 0) { /* the end: execve(2) closed it, or a death that is seen by and by */
			reap_close_reports(init, child);
			reap_set_running(init, child);
			if (child->state == LAUNCH_STATE_RUNNING)
				reap_deliver_signals(child);
		}
	}
}

static void reap_end(struct init *init, struct child *child, int status)
{
	if (child->report_fd >= 0) {
		reap_reports(init, child);
		if (child->report_fd >= 0)
			reap_close_reports(init, child);
	}
	if (!child->payload_ended)
		child->wait_status = status;
	child->state = child->failed ? LAUNCH_STATE_FAILED : LAUNCH_STATE_EXITED;
	child->ended_at = time_now(CLOCK_MONOTONIC);
	children_set_pid(&init->children, child, 0);
	if (child->adopted)
		init_unwatch(init, child->pidfd);
	child->pidfd = fd_close(child->pidfd);
	child->payload_pidfd = fd_close(child->payload_pidfd);
	children_mark_changed(&init->children, child);
}

void reap_all(struct init *init)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		struct child *child = children_find_pid(&init->children, pid);

		if (child)
			reap_end(init, child, status);
		else if (pid == init->manager.pid)
			manager_on_exit(init);
		else if (pid == init->shell_pid) {
			init->shell_pid = 0;
			init->manager.start_at =
				0; /* whoever was at the console may have repaired something */
		}
	}
	if (pid < 0 && errno == ECHILD)
		shutdown_on_reap(init);
}

void reap_adopted(struct init *init, struct child *child)
{
	/* Its parent may have exited this instant, and the zombie be ours. */
	reap_all(init);
	if (child->in_use && child->adopted && child_is_alive(child))
		reap_end(init, child, LAUNCH_STATUS_LOST);
}
