/* A service on its way down, wanted or not:
 *
 *	ExecStop= -> KillSignal= -> SIGKILL -> ExecStopPost= -> KillSignal= -> SIGKILL for what is left ->
 *dead, failed, or a wait
 *
 * Every arrow is taken when nothing is left to wait for, or after a timeout; none waits for ever (unless the
 *user said "infinity"). A signal is sent after the state that waits for its effect is in the store, and noted
 *as work until it is sent. */
#include <errno.h>
#include <signal.h>
#include <syslog.h>

#include "manager/job.h"
#include "manager/process.h"
#include "manager/restart.h"
#include "manager/service.h"

static bool stopping_state_kills(enum service_state state)
{
	return state == SERVICE_STOP_SIGKILL || state == SERVICE_FINAL_SIGKILL;
}

/* Does the signal of STATE go to the whole unit (else only to its main and control process)? systemd.kill(5).
 */
static bool stopping_reaches_all(const struct unit *unit, enum service_state state)
{
	return unit->config->kill_mode == KILL_CONTROL_GROUP ||
	       (unit->config->kill_mode == KILL_MIXED && stopping_state_kills(state));
}

/* Is there anything that the signal of STATE could end? */
static bool stopping_must_wait(const struct unit *unit, enum service_state state)
{
	if (unit->config->kill_mode == KILL_NONE)
		return false;
	return unit->main.alive || unit->control.alive ||
	       (stopping_reaches_all(unit, state) && service_is_populated(unit));
}

static int stopping_signal_of(const struct unit *unit, enum service_state state)
{
	const struct unit_config *config = unit->config;
	bool restarts = unit->job && unit->job->type == JOB_RESTART;

	if (stopping_state_kills(state))
		return config->final_kill_signal ? config->final_kill_signal : SIGKILL;
	if (state == SERVICE_STOP_WATCHDOG && config->watchdog_signal)
		return config->watchdog_signal;
	if (restarts && config->restart_kill_signal)
		return config->restart_kill_signal;
	return config->kill_signal ? config->kill_signal : SIGTERM;
}

static void stopping_send(struct unit *unit, int signal)
{
	struct world *world = unit->manager->world;
	const struct launch_id *main = unit->main.alive ? &unit->main.id : NULL;

	/* Errors are no news: whoever is gone already is reported by its record, who cannot be signalled by
	 * the timeout. */
	if (main)
		world->ops->kill(world, main, signal);
	if (stopping_reaches_all(unit, unit->state))
		world->ops->kill_unit(world, unit->name, unit->config, signal, main);
	else if (unit->control.alive)
		world->ops->kill(world, &unit->control.id, signal);
}

void stopping_signal(struct unit *unit)
{
	int signal = stopping_signal_of(unit, unit->state);

	unit->manager->world->ops->thaw(unit->manager->world, unit->name);
	stopping_send(unit, signal);
	if (unit->config->send_sighup && signal != SIGHUP && !stopping_state_kills(unit->state) &&
	    unit->state != SERVICE_STOP_WATCHDOG)
		stopping_send(unit, SIGHUP);
	/* A stopped process would see none of it. */
	if (signal != SIGKILL && signal != SIGCONT)
		stopping_send(unit, SIGCONT);
	unit->private->work &= ~(unsigned)UNIT_WORK_SIGNAL;
	manager_touch(unit);
}

/* Down: what may follow is a restart, or nothing. */
static void stopping_enter_dead(struct unit *unit, enum service_result result, bool may_restart)
{
	bool clean, job_stops = unit->job && (unit->job->type == JOB_STOP || unit->job->type == JOB_RESTART);

	service_note_result(unit, result);
	clean = unit->result == SERVICE_SUCCESS || unit->result == SERVICE_SKIP_CONDITION;
	if (!clean)
		manager_log(unit, LOG_WARNING, "Failed with result '%s'", service_result_names[unit->result]);
	process_abandon(unit, &unit->main);
	process_abandon(unit, &unit->control);
	/* A refused launch that nobody waits for any more. */
	unit->private->work &= ~(unsigned)(UNIT_WORK_MAIN_ENDED | UNIT_WORK_CONTROL_ENDED);
	if (may_restart && !job_stops && restart_is_due(unit)) {
		/* The start that was asked for is over, even if another attempt follows. */
		if (unit->job && unit->job->state == JOB_RUNNING)
			job_finish(unit->job, clean ? JOB_DONE : JOB_FAILED, true);
		service_set_state(unit, SERVICE_AUTO_RESTART);
	} else {
		service_set_state(unit, clean ? SERVICE_DEAD : SERVICE_STATE_FAILED);
	}
	stopping_release(unit, SERVICE_SUCCESS);
}

void stopping_enter_signal(struct unit *unit, enum service_state state, enum service_result result)
{
	service_note_result(unit, result);
	for (;;) {
		bool first = state == SERVICE_STOP_WATCHDOG || state == SERVICE_STOP_SIGTERM;

		if (stopping_must_wait(unit, state)) {
			service_set_state(unit, state);
			unit->private->work |= UNIT_WORK_SIGNAL;
			manager_commit(unit->manager);
			stopping_signal(unit);
			return;
		}
		if (first && unit->config->send_sigkill) {
			state = SERVICE_STOP_SIGKILL;
		} else if (first || state == SERVICE_STOP_SIGKILL) {
			stopping_enter_stop_post(unit, SERVICE_SUCCESS);
			return;
		} else if (state == SERVICE_FINAL_SIGTERM && unit->config->send_sigkill) {
			state = SERVICE_FINAL_SIGKILL;
		} else {
			stopping_enter_dead(unit, SERVICE_SUCCESS, true);
			return;
		}
	}
}

void stopping_enter_stop_post(struct unit *unit, enum service_result result)
{
	service_note_result(unit, result);
	if (unit->config->commands[SERVICE_EXEC_STOP_POST].n)
		process_launch(unit, SERVICE_STOP_POST, SERVICE_EXEC_STOP_POST, 0);
	else
		stopping_enter_signal(unit, SERVICE_FINAL_SIGTERM, SERVICE_SUCCESS);
}

void stopping_enter_stop(struct unit *unit, enum service_result result)
{
	service_note_result(unit, result);
	if (unit->config->commands[SERVICE_EXEC_STOP].n)
		process_launch(unit, SERVICE_STOP, SERVICE_EXEC_STOP, 0);
	else
		stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, SERVICE_SUCCESS);
}

/* --- what begins it ------------------------------------------------------------------------------------ */

/* Whether it comes back is from here on the job's business. */
static void stopping_forbid_restart(struct unit *unit)
{
	unit->private->forbid_restart = true;
	unit->private->automatic_restart &= unit->job && unit->job->type == JOB_RESTART;
	manager_touch(unit);
}

int stopping_begin(struct unit *unit, _unused_ enum service_result result)
{
	stopping_forbid_restart(unit);
	stopping_enter_stop(unit, SERVICE_SUCCESS);
	return 0;
}

int stopping_begin_hard(struct unit *unit, _unused_ enum service_result result)
{
	stopping_forbid_restart(unit);
	stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, SERVICE_SUCCESS);
	return 0;
}

int stopping_cancel_restart(struct unit *unit, _unused_ enum service_result result)
{
	stopping_forbid_restart(unit);
	service_set_state(unit, SERVICE_DEAD);
	return 0;
}

int stopping_on_runtime_max(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "It has run for RuntimeMaxSec=: stopping it");
	stopping_enter_stop(unit, SERVICE_FAILURE_TIMEOUT);
	return 0;
}

int stopping_on_watchdog(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "Its watchdog was not served in time");
	stopping_enter_signal(unit, SERVICE_STOP_WATCHDOG, SERVICE_FAILURE_WATCHDOG);
	return 0;
}

int stopping_on_oom(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "A process was killed for want of memory: stopping it");
	stopping_enter_stop(unit, SERVICE_FAILURE_OOM_KILL);
	return 0;
}

int stopping_on_oom_hard(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "A process was killed for want of memory: terminating it");
	stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_OOM_KILL);
	return 0;
}

void stopping_oom_kill(struct unit *unit)
{
	service_note_result(unit, SERVICE_FAILURE_OOM_KILL);
	stopping_enter_signal(unit, SERVICE_STOP_SIGKILL, SERVICE_FAILURE_OOM_KILL);
}

int stopping_by_service(struct unit *unit, _unused_ enum service_result result)
{
	/* It says that it is going: only the time for that is watched. */
	service_set_state(unit, SERVICE_STOP_SIGTERM);
	return 0;
}

/* --- the way ------------------------------------------------------------------------------------------- */

int stopping_on_command(struct unit *unit, enum service_result result)
{
	stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, result);
	return 0;
}

int stopping_on_command_timeout(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "ExecStop= timed out: terminating");
	stopping_enter_signal(unit, SERVICE_STOP_SIGTERM, SERVICE_FAILURE_TIMEOUT);
	return 0;
}

int stopping_on_exit(struct unit *unit, enum service_result result)
{
	/* Others of the unit that linger are dealt with at the end. */
	if (!unit->main.alive && !unit->control.alive)
		stopping_enter_stop_post(unit, result);
	return 0;
}

int stopping_on_sigterm_timeout(struct unit *unit, _unused_ enum service_result result)
{
	if (unit->config->send_sigkill) {
		manager_log(unit, LOG_WARNING, "The stop timed out: killing");
		stopping_enter_signal(unit, SERVICE_STOP_SIGKILL, SERVICE_FAILURE_TIMEOUT);
	} else {
		manager_log(unit, LOG_WARNING, "The stop timed out: going on without");
		stopping_enter_stop_post(unit, SERVICE_FAILURE_TIMEOUT);
	}
	return 0;
}

int stopping_on_sigkill_timeout(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "Processes still around after SIGKILL: ignoring them");
	stopping_enter_stop_post(unit, SERVICE_FAILURE_TIMEOUT);
	return 0;
}

int stopping_on_post(struct unit *unit, enum service_result result)
{
	if (!unit->control.alive)
		stopping_enter_signal(unit, SERVICE_FINAL_SIGTERM, result);
	return 0;
}

int stopping_on_post_timeout(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "ExecStopPost= timed out: terminating");
	stopping_enter_signal(unit, SERVICE_FINAL_SIGTERM, SERVICE_FAILURE_TIMEOUT);
	return 0;
}

int stopping_on_final_exit(struct unit *unit, enum service_result result)
{
	service_note_result(unit, result);
	/* KillMode=control-group: nothing of the unit may be left. */
	if (stopping_must_wait(unit, unit->state))
		return 0;
	if (unit->state == SERVICE_FINAL_SIGTERM && unit->config->send_sigkill)
		stopping_enter_signal(unit, SERVICE_FINAL_SIGKILL, SERVICE_SUCCESS);
	else
		stopping_enter_dead(unit, SERVICE_SUCCESS, true);
	return 0;
}

int stopping_on_final_sigterm_timeout(struct unit *unit, _unused_ enum service_result result)
{
	if (unit->config->send_sigkill)
		stopping_enter_signal(unit, SERVICE_FINAL_SIGKILL, SERVICE_FAILURE_TIMEOUT);
	else
		stopping_enter_dead(unit, SERVICE_FAILURE_TIMEOUT, false);
	return 0;
}

int stopping_on_final_sigkill_timeout(struct unit *unit, _unused_ enum service_result result)
{
	manager_log(unit, LOG_WARNING, "Processes still around after the final SIGKILL: given up");
	stopping_enter_dead(unit, SERVICE_FAILURE_TIMEOUT, true);
	return 0;
}

/* --- the end ------------------------------------------------------------------------------------------- */

int stopping_release(struct unit *unit, _unused_ enum service_result result)
{
	struct world *world = unit->manager->world;

	/* What KillMode= left running keeps its cgroup until it is gone: manager_on_empty() comes here again.
	 */
	if (!service_is_populated(unit))
		world->ops->release(world, unit->name, unit->config);
	return 0;
}

int stopping_on_restart_due(struct unit *unit, _unused_ enum service_result result)
{
	manager_add_work(unit, UNIT_WORK_RESTART);
	return 0;
}
