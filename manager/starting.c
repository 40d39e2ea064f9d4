/* A service on its way up: ExecCondition=, ExecStartPre=, ExecStart=, the type's sign that it has started,
 * ExecStartPost=, running. Each function begins the next phase, or goes on to the one after if there is
 * nothing to do in it. */
#include <errno.h>
#include <syslog.h>

#include "manager/process.h"
#include "manager/service.h"

/* How often to look for a PID file: 10 ms after the first try, then twice as long each time, up to a second.
 * Daemons write it before their parent exits, so this is for the few that do not; TimeoutStartSec= ends it.
 */
enum { STARTING_FIRST_LOOK = 10000, STARTING_LAST_LOOK = 1000000 };

static bool starting_runs(struct unit *unit, enum service_state state, enum service_command command)
{
	if (unit->config->commands[command].n == 0)
		return false;
	process_launch(unit, state, command, 0);
	return true;
}

void starting_enter_running(struct unit *unit, enum service_result result)
{
	service_note_result(unit, result);
	if (unit->result != SERVICE_SUCCESS) {
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, SERVICE_SUCCESS);
	} else if (service_is_good(unit)) {
		if (unit->private->notified_reloading)
			service_set_state(unit, SERVICE_RELOAD_NOTIFY);
		else if (unit->state != SERVICE_RUNNING)
			service_set_state(unit, SERVICE_RUNNING);
	} else if (unit->config->remain_after_exit) {
		if (unit->state != SERVICE_EXITED)
			service_set_state(unit, SERVICE_EXITED);
	} else {
		stopping_enter_stop(unit, SERVICE_SUCCESS);
	}
}

static void starting_enter_post(struct unit *unit)
{
	if (!starting_runs(unit, SERVICE_START_POST, SERVICE_EXEC_START_POST))
		starting_enter_running(unit, SERVICE_SUCCESS);
}

static void starting_enter_start(struct unit *unit)
{
	if (!starting_runs(unit, SERVICE_START, SERVICE_EXEC_START)) {
		/* A oneshot that only does something when it stops. */
		service_set_state(unit, SERVICE_START);
		starting_enter_post(unit);
	}
}

static void starting_enter_pre(struct unit *unit)
{
	if (!starting_runs(unit, SERVICE_START_PRE, SERVICE_EXEC_START_PRE))
		starting_enter_start(unit);
}

/* Forgets the last run. */
static void starting_reset(struct unit *unit)
{
	struct unit_private *private = unit->private;
	struct failure failure = {};

	process_abandon(unit, &unit->main);
	process_abandon(unit, &unit->control);
	unit->n_restarts = private->automatic_restart ? unit->n_restarts + 1 : 0;
	unit->main = unit->control = (struct unit_process){.exit_status = -1};
	/* Why it had to be restarted is told as long as it runs; it is no failure any more. */
	if (private->automatic_restart && unit->result != SERVICE_SUCCESS)
		failure = *failure_kept(unit->last_failure);
	failure.error = 0;
	failure_keep(&unit->last_failure, &failure);
	unit->result = private->reload_result = SERVICE_SUCCESS;
	unit->status_errno = 0;
	text_set(&unit->status_text, NULL);
	private->automatic_restart = private->forbid_restart = false;
	private->notified_reloading = private->watchdog_overridden = false;
	private->notify_access = -1;
	private->main_pid_tries = 0;
}

/* What must not be killed must not run twice either: systemd.kill(5), SendSIGKILL=. */
static bool starting_finds_leftovers(const struct unit *unit)
{
	const struct unit_config *config = unit->config;

	return !config->send_sigkill &&
	       (config->kill_mode == KILL_CONTROL_GROUP || config->kill_mode == KILL_MIXED) &&
	       service_is_populated(unit);
}

int starting_begin(struct unit *unit, _unused_ enum service_result result)
{
	const struct unit_config *config = unit->config;
	bool automatic = unit->private->automatic_restart;

	if (!limit_allow(&unit->private->start_limit, config->start_limit_interval, config->start_limit_burst,
			 manager_now(unit->manager))) {
		unit->private->automatic_restart = false;
		unit->result = SERVICE_SUCCESS;
		failure_keep(&unit->last_failure, NULL);
		service_note_result(unit, SERVICE_FAILURE_START_LIMIT_HIT);
		manager_log(unit, LOG_WARNING, "%s too quickly: not started",
			    automatic ? "Restarted" : "Start requested");
		service_set_state(unit, SERVICE_STATE_FAILED);
		stopping_release(unit, SERVICE_SUCCESS);
		return -ECANCELED;
	}
	starting_reset(unit);
	if (starting_finds_leftovers(unit)) {
		service_note_result(unit, SERVICE_FAILURE_RESOURCES);
		manager_log(unit, LOG_WARNING,
			    "Processes of its last run are left, which SendSIGKILL=no spares: not started");
		service_set_state(unit, SERVICE_STATE_FAILED);
		stopping_release(unit, SERVICE_SUCCESS);
		return -ECANCELED;
	}
	if (!starting_runs(unit, SERVICE_CONDITION, SERVICE_EXEC_CONDITION))
		starting_enter_pre(unit);
	return 0;
}

int starting_on_condition(struct unit *unit, enum service_result result)
{
	if (result == SERVICE_SUCCESS)
		starting_enter_pre(unit);
	else
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, result);
	return 0;
}

int starting_on_pre(struct unit *unit, enum service_result result)
{
	if (result == SERVICE_SUCCESS)
		starting_enter_start(unit);
	else
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, result);
	return 0;
}

int starting_on_executed(struct unit *unit, _unused_ enum service_result result)
{
	/* Type=simple waits for this too: the launch is another process's work, and only its answer says which
	 * process the main one is. */
	switch (unit->config->type) {
	case SERVICE_SIMPLE:
	case SERVICE_IDLE:
	case SERVICE_EXEC:
		starting_enter_post(unit);
		break;
	case SERVICE_FORKING:
	case SERVICE_ONESHOT:
	case SERVICE_NOTIFY:
	case SERVICE_NOTIFY_RELOAD:
	case SERVICE_TYPE_MAX_:
		break;
	}
	return 0;
}

int starting_on_ready(struct unit *unit, _unused_ enum service_result result)
{
	enum service_type type = unit->config->type;

	unit->private->notified_reloading = false;
	if (type == SERVICE_NOTIFY || type == SERVICE_NOTIFY_RELOAD)
		starting_enter_post(unit);
	return 0;
}

int starting_on_main_exit(struct unit *unit, enum service_result result)
{
	const struct unit_config *config = unit->config;

	switch (config->type) {
	case SERVICE_ONESHOT:
		if (result == SERVICE_SUCCESS)
			starting_enter_post(unit);
		else
			stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, result);
		return 0;
	case SERVICE_NOTIFY:
	case SERVICE_NOTIFY_RELOAD:
		/* Only its word makes it running, and it cannot give that any more. */
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM,
				      result == SERVICE_SUCCESS ? SERVICE_FAILURE_PROTOCOL : result);
		return 0;
	case SERVICE_SIMPLE:
	case SERVICE_IDLE:
		/* It counted as started when there was a process, also one that could not execute its command. */
		if (unit->main.pid > 0)
			service_set_state(unit, SERVICE_RUNNING);
		break;
	case SERVICE_EXEC:
	case SERVICE_FORKING:
	case SERVICE_TYPE_MAX_:
		break;
	}
	starting_enter_running(unit, result);
	return 0;
}

/* --- Type=forking -------------------------------------------------------------------------------------- */

/* Whether the main process is known, or need not be. If not, it is being waited for, or the start has failed.
 */
static bool starting_find_main(struct unit *unit)
{
	const struct unit_config *config = unit->config;
	struct world *world = unit->manager->world;
	usec_t delay;
	pid_t pid;

	if (config->type != SERVICE_FORKING || process_id_is_set(&unit->main.id))
		return true;
	pid = config->pid_file || config->guess_main_pid
		      ? world->ops->find_main_pid(world, unit->name, config)
		      : 0;
	if (pid > 0 && process_adopt(unit, pid) >= 0)
		return true;
	if (!config->pid_file)
		return true; /* it runs as long as any of its processes does */
	if (!service_is_populated(unit)) {
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_PROTOCOL);
		return false;
	}
	delay = MIN_OF((usec_t)STARTING_FIRST_LOOK << MIN_OF(unit->private->main_pid_tries++, 16u),
		       (usec_t)STARTING_LAST_LOOK);
	unit_set_deadline(unit, UNIT_DEADLINE_MAIN_PID, manager_now(unit->manager) + delay);
	return false;
}

int starting_on_forked(struct unit *unit, enum service_result result)
{
	if (result != SERVICE_SUCCESS) {
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, result);
		return 0;
	}
	/* A PID file may also be the work of ExecStartPost=: then it is looked for after that. */
	if ((unit->config->pid_file && unit->config->commands[SERVICE_EXEC_START_POST].n) ||
	    starting_find_main(unit))
		starting_enter_post(unit);
	return 0;
}

int starting_on_post(struct unit *unit, enum service_result result)
{
	if (result != SERVICE_SUCCESS)
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, result);
	else if (starting_find_main(unit))
		starting_enter_running(unit, SERVICE_SUCCESS);
	return 0;
}

int starting_on_main_pid(struct unit *unit, _unused_ enum service_result result)
{
	if (unit->control.alive || !starting_find_main(unit))
		return 0;
	if (unit->state == SERVICE_START)
		starting_enter_post(unit);
	else
		starting_enter_running(unit, SERVICE_SUCCESS);
	return 0;
}

/* --- what ends it early -------------------------------------------------------------------------------- */

int starting_on_empty(struct unit *unit, _unused_ enum service_result result)
{
	/* No process is left that could say or do what is waited for. */
	if (!unit->main.alive && !unit->control.alive)
		stopping_enter_stop_post(unit, SERVICE_FAILURE_PROTOCOL);
	return 0;
}

int starting_on_timeout(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "The start timed out");
	stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_TIMEOUT);
	return 0;
}

int starting_check(struct unit *unit, enum service_result result)
{
	starting_enter_running(unit, result);
	return 0;
}
