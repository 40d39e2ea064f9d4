/* The end: everything that is left is ended, then svc-init itself.
 *
 * Normally the manager has stopped all units and says so; what is still there is killed. Without a manager
 * svc-init asks first (SIGTERM) and kills after a bound. How "everything" is found depends on what we are:
 *
 * - PID 1 of a container: the kernel kills the namespace when we exit;
 * - subreaper: orphans become our children, so killing children again and again until none is left ends the
 * whole tree;
 * - PID 1 of the machine: kill(-1), and only there, behind machine_is_ours(). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/init.h"
#include "init/say.h"
#include "init/shutdown.h"

#define SHUTDOWN_HOPE	    (5 * USEC_PER_SEC)
#define SHUTDOWN_GENTLE	    (5 * USEC_PER_SEC)
#define SHUTDOWN_KILLING    (10 * USEC_PER_SEC)
#define SHUTDOWN_LOOK_AGAIN (20 * USEC_PER_MSEC)

static void shutdown_signal_records(struct init *init, int signal_number)
{
	for (uint32_t i = 1; i < init->children.records.end; i++) {
		struct child *child = children_at(&init->children, i);

		if (!child || !child_is_alive(child))
			continue;
		if (child->payload_pidfd >= 0)
			syscall(SYS_pidfd_send_signal, child->payload_pidfd, signal_number, NULL, 0);
		if (child->payload_pidfd < 0 || signal_number == SIGKILL)
			syscall(SYS_pidfd_send_signal, child->pidfd, signal_number, NULL, 0);
	}
}

/* proc(5): our children's pids in decimal, each followed by a space. They cannot be reused before we reap
 * them. */
int shutdown_kill_children(void)
{
	char path[64] = "/proc/self/task/", text[4096];
	_cleanup_fd_ int fd = -1;
	pid_t pid = 0;
	ssize_t n;

	strcat(path, say_number((unsigned long)getpid()));
	strcat(path, "/children");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, text, sizeof text)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] != ' ') {
				pid = pid * 10 + (text[i] - '0');
				continue;
			}
			if (pid > 1)
				kill(pid, SIGKILL);
			pid = 0;
		}
	return 0;
}

static void shutdown_sweep(struct init *init)
{
	struct machine_facts facts;

	shutdown_signal_records(init, SIGKILL);
	if (init->mode == LAUNCH_MODE_SUBREAPER)
		shutdown_kill_children();
	if (init->mode == LAUNCH_MODE_MACHINE) {
		machine_facts(&facts);
		if (machine_is_ours(&facts))
			kill(-1, SIGKILL);
	}
	init->shutdown.next_at = time_now(CLOCK_MONOTONIC) + SHUTDOWN_LOOK_AGAIN;
}

static void shutdown_kill(struct init *init)
{
	init->shutdown.deadline = time_now(CLOCK_MONOTONIC) + SHUTDOWN_KILLING;
	/* As PID 1 of a namespace: _exit() does it, better than anything we could. */
	init->shutdown.stage = init->mode == LAUNCH_MODE_CONTAINER ? SHUTDOWN_END : SHUTDOWN_KILL;
	if (init->shutdown.stage == SHUTDOWN_KILL)
		shutdown_sweep(init);
}

static void shutdown_terminate(struct init *init)
{
	struct machine_facts facts;

	init->shutdown.stage = SHUTDOWN_TERMINATE;
	init->shutdown.deadline = time_now(CLOCK_MONOTONIC) + SHUTDOWN_GENTLE;
	shutdown_signal_records(init, SIGTERM);
	if (init->mode != LAUNCH_MODE_MACHINE)
		return;
	machine_facts(&facts);
	if (machine_is_ours(&facts))
		kill(-1, SIGTERM);
}

void shutdown_begin(struct init *init, uint32_t action, int exit_status, bool gently)
{
	if (init->shutdown.stage != SHUTDOWN_NONE)
		return;
	init->shutdown.action = action;
	init->shutdown.exit_status = exit_status;
	if (gently)
		shutdown_terminate(init);
	else
		shutdown_kill(init);
	manager_drop(init);
}

void shutdown_expect_manager(struct init *init, int signal_number)
{
	bool machine = init->mode == LAUNCH_MODE_MACHINE;

	if (init->shutdown.stage != SHUTDOWN_NONE || init->shutdown.deadline != USEC_INFINITY)
		return;
	init->shutdown.deadline = time_now(CLOCK_MONOTONIC) + SHUTDOWN_HOPE;
	init->shutdown.exit_status = 128 + signal_number;
	/* Ctrl-Alt-Del is SIGINT to PID 1. */
	init->shutdown.action = !machine		  ? LAUNCH_EXIT
				: signal_number == SIGINT ? LAUNCH_REBOOT
							  : LAUNCH_POWER_OFF;
}

void shutdown_on_timer(struct init *init, usec_t now)
{
	struct shutdown *shutdown = &init->shutdown;

	if (shutdown->deadline <= now) {
		switch (shutdown->stage) {
		case SHUTDOWN_NONE:
			say("no manager to do it: ending everything", NULL);
			shutdown_begin(init, shutdown->action, shutdown->exit_status, true);
			break;
		case SHUTDOWN_TERMINATE:
			shutdown_kill(init);
			break;
		case SHUTDOWN_KILL:
			say("some processes cannot be killed", NULL);
			shutdown->stage = SHUTDOWN_END;
			break;
		case SHUTDOWN_END:
			break;
		}
	} else if (shutdown->stage == SHUTDOWN_KILL && shutdown->next_at <= now)
		shutdown_sweep(init);
}

void shutdown_on_reap(struct init *init)
{
	if (init->shutdown.stage == SHUTDOWN_TERMINATE || init->shutdown.stage == SHUTDOWN_KILL)
		init->shutdown.stage = SHUTDOWN_END;
}
