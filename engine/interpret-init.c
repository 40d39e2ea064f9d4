/* The process that stays behind at PROGRAM_FORK: PID 1 of the container's namespace, or a relay outside of
 * one that was joined.
 *
 * It is svc-init's child and the payload's parent, lives as long as the payload and is inside the container's
 * reach, so it keeps next to nothing: one capability (CAP_KILL, for a payload of another user), one
 * descriptor (the report socket), no directory of the host, and it cannot be traced or looked into through
 * /proc. It never executes anything, so its bounding set is without effect; no_new_privs covers that case
 * too. */
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/interpret-steps.h"

/* The order is free: each part only takes away. What cannot be taken away was not there. */
static void interpret_init_confine(int report_fd)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {};

	if (chdir("/") < 0)
		_exit(program_op_info[PROGRAM_FORK].exit_status);
	if (report_fd > 0)
		close_range(0, (unsigned)report_fd - 1, 0);
	close_range((unsigned)report_fd + 1, ~0u, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capget, &header, sets);
	sets[0] = (struct __user_cap_data_struct){.permitted = sets[0].permitted & 1u << CAP_KILL,
						  .effective = sets[0].permitted & 1u << CAP_KILL};
	sets[1] = (struct __user_cap_data_struct){};
	if (syscall(SYS_capset, &header, sets) < 0)
		_exit(program_op_info[PROGRAM_CAPABILITIES].exit_status);
}

int interpret_wait_as_init(int payload)
{
	sigset_t all;

	sigfillset(&all);
	for (;;) {
		int status, signal_number;
		pid_t pid;

		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == payload)
				return status;
		/* A child that ends between the two calls leaves SIGCHLD pending, as all signals are blocked.
		 */
		signal_number = sigwaitinfo(&all, NULL);
		if (signal_number > 0 && signal_number != SIGCHLD && signal_number != SIGTTIN &&
		    signal_number != SIGTTOU)
			kill(payload, signal_number);
	}
}

_Noreturn void interpret_init_stay(struct interpret_run *run, pid_t payload)
{
	struct launch_report report = {.type = LAUNCH_REPORT_RUNNING};
	int status;

	/* When the payload failed before execve(2) it has reported that itself, earlier on the same socket.
	 * When svc-init is gone nobody listens, and the payload goes on. */
	interpret_report(run->report_fd, &report);
	interpret_init_confine(run->report_fd);
	status = interpret_wait_as_init(payload);
	report = (struct launch_report){.type = LAUNCH_REPORT_EXITED, .wait_status = status};
	interpret_report(run->report_fd, &report);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
