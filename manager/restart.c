/* See restart.h. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "manager/restart.h"

static bool restart_set_contains(const struct exit_status_set *set, int wait_status)
{
	unsigned number;

	if (wait_status == LAUNCH_STATUS_LOST)
		return false;
	if (WIFEXITED(wait_status)) {
		number = (unsigned)WEXITSTATUS(wait_status);
		return set->statuses[number / 64] >> number % 64 & 1;
	}
	number = (unsigned)WTERMSIG(wait_status);
	return number < 64 && (set->signals >> number & 1);
}

enum service_result restart_classify(const struct unit *unit, const struct unit_process *process)
{
	bool daemon = process == &unit->main && unit->config->type != SERVICE_ONESHOT;
	int status = process->wait_status;
	struct world *world = unit->manager->world;

	/* How it ended nobody knows; that it was watched and is not there any more is against the protocol.
	 */
	if (status == LAUNCH_STATUS_LOST)
		return SERVICE_FAILURE_PROTOCOL;
	if (restart_set_contains(&unit->config->success_status, status))
		return SERVICE_SUCCESS;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0 ? SERVICE_SUCCESS : SERVICE_FAILURE_EXIT_CODE;
	if (daemon && (WTERMSIG(status) == SIGHUP || WTERMSIG(status) == SIGINT ||
		       WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGPIPE))
		return SERVICE_SUCCESS;
	if (WTERMSIG(status) == SIGKILL && world->ops->oom_killed(world, unit->name))
		return SERVICE_FAILURE_OOM_KILL;
	return WCOREDUMP(status) ? SERVICE_FAILURE_CORE_DUMP : SERVICE_FAILURE_SIGNAL;
}

bool restart_is_due(const struct unit *unit)
{
	/* Bit per result, row per setting: the table "Exit causes and the effect of the Restart= settings".
	 */
	enum {
		CLEAN = 1 << SERVICE_SUCCESS,
		CODE = 1 << SERVICE_FAILURE_EXIT_CODE,
		SIGNALLED = 1 << SERVICE_FAILURE_SIGNAL | 1 << SERVICE_FAILURE_CORE_DUMP,
		WATCHDOG = 1 << SERVICE_FAILURE_WATCHDOG,
		OTHER = 1 << SERVICE_FAILURE_RESOURCES | 1 << SERVICE_FAILURE_PROTOCOL |
			1 << SERVICE_FAILURE_TIMEOUT | 1 << SERVICE_FAILURE_OOM_KILL,
	};
	static const unsigned due[SERVICE_RESTART_MAX_] = {
		[SERVICE_RESTART_NO] = 0,
		[SERVICE_RESTART_ON_SUCCESS] = CLEAN,
		[SERVICE_RESTART_ON_FAILURE] = CODE | SIGNALLED | WATCHDOG | OTHER,
		[SERVICE_RESTART_ON_ABNORMAL] = SIGNALLED | WATCHDOG | OTHER,
		[SERVICE_RESTART_ON_WATCHDOG] = WATCHDOG,
		[SERVICE_RESTART_ON_ABORT] = SIGNALLED,
		[SERVICE_RESTART_ALWAYS] = CLEAN | CODE | SIGNALLED | WATCHDOG | OTHER,
	};
	const struct unit_config *config = unit->config;
	bool ended = unit->main.ended_at && !unit->main.alive;

	if (unit->private->forbid_restart || unit->manager->shutting_down)
		return false;
	if (ended && restart_set_contains(&config->restart_prevent_status, unit->main.wait_status))
		return false;
	if (ended && restart_set_contains(&config->restart_force_status, unit->main.wait_status))
		return true;
	return due[config->restart] >> unit->result & 1;
}

usec_t restart_delay(const struct unit *unit)
{
	const struct unit_config *config = unit->config;
	usec_t first = config->restart_delay, last = config->restart_delay_max;
	unsigned step = unit->n_restarts; /* restarts so far: 0 gives the first delay */

	if (config->restart_steps == 0 || step == 0 || first == 0 || last == USEC_INFINITY || first >= last)
		return first;
	if (step >= config->restart_steps)
		return last;
	/* Each step multiplies by the same factor. */
	return (usec_t)((double)first *
			pow((double)last / (double)first, (double)step / config->restart_steps));
}

const char *restart_describe(const struct unit_process *process, char *buffer, size_t size)
{
	int status = process->wait_status;
	const char *name;

	if (status == LAUNCH_STATUS_LOST) {
		snprintf(buffer, size, "unseen");
	} else if (WIFEXITED(status)) {
		snprintf(buffer, size, "code=exited, status=%d", WEXITSTATUS(status));
	} else {
		name = sigabbrev_np(WTERMSIG(status));
		snprintf(buffer, size, "code=%s, status=%d/%s", WCOREDUMP(status) ? "dumped" : "killed",
			 WTERMSIG(status), name ? name : "?");
	}
	return buffer;
}
