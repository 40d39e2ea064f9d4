/* See service.h. A service is where its state says; what happens next is service_transitions[state][event], a
 * table without empty cells, and what a state may hold and for how long is service_states[state]. The actions
 * are in starting.c, reloading.c and stopping.c. */
#include <errno.h>
#include <stdio.h>
#include <syslog.h>
#include <sys/wait.h>

#include "manager/job.h"
#include "manager/process.h"
#include "manager/restart.h"
#include "manager/service.h"

enum service_timeout {
	TIMEOUT_NONE,
	TIMEOUT_START,
	TIMEOUT_STOP,
	TIMEOUT_ABORT,
	TIMEOUT_RUNTIME,
	TIMEOUT_RESTART
};

static const struct {
	const char *name;
	enum unit_active_state active_state;
	enum service_timeout timeout;
	bool main, control; /* processes that may be alive in it */
	bool watchdog;
	int command; /* whose lines are worked through in it; -1: none */
} service_states[SERVICE_STATE_MAX_] = {
	[SERVICE_DEAD] = {"dead", UNIT_INACTIVE, TIMEOUT_NONE, .command = -1},
	[SERVICE_CONDITION] = {"condition", UNIT_ACTIVATING, TIMEOUT_START, .control = true,
			       .command = SERVICE_EXEC_CONDITION},
	[SERVICE_START_PRE] = {"start-pre", UNIT_ACTIVATING, TIMEOUT_START, .control = true,
			       .command = SERVICE_EXEC_START_PRE},
	[SERVICE_START] = {"start", UNIT_ACTIVATING, TIMEOUT_START, true, true,
			   .command = SERVICE_EXEC_START},
	[SERVICE_START_POST] = {"start-post", UNIT_ACTIVATING, TIMEOUT_START, true, true, true,
				SERVICE_EXEC_START_POST},
	[SERVICE_RUNNING] = {"running", UNIT_ACTIVE, TIMEOUT_RUNTIME, .main = true, .watchdog = true,
			     .command = -1},
	[SERVICE_EXITED] = {"exited", UNIT_ACTIVE, TIMEOUT_NONE, .command = -1},
	[SERVICE_RELOAD] = {"reload", UNIT_RELOADING, TIMEOUT_START, true, true, true, SERVICE_EXEC_RELOAD},
	[SERVICE_RELOAD_SIGNAL] = {"reload-signal", UNIT_RELOADING, TIMEOUT_START, .main = true,
				   .watchdog = true, .command = -1},
	[SERVICE_RELOAD_NOTIFY] = {"reload-notify", UNIT_RELOADING, TIMEOUT_START, .main = true,
				   .watchdog = true, .command = -1},
	[SERVICE_STOP] = {"stop", UNIT_DEACTIVATING, TIMEOUT_STOP, true, true, .command = SERVICE_EXEC_STOP},
	[SERVICE_STOP_WATCHDOG] = {"stop-watchdog", UNIT_DEACTIVATING, TIMEOUT_ABORT, true, true,
				   .command = -1},
	[SERVICE_STOP_SIGTERM] = {"stop-sigterm", UNIT_DEACTIVATING, TIMEOUT_STOP, true, true, .command = -1},
	[SERVICE_STOP_SIGKILL] = {"stop-sigkill", UNIT_DEACTIVATING, TIMEOUT_STOP, true, true, .command = -1},
	[SERVICE_STOP_POST] = {"stop-post", UNIT_DEACTIVATING, TIMEOUT_STOP, true, true,
			       .command = SERVICE_EXEC_STOP_POST},
	[SERVICE_FINAL_SIGTERM] = {"final-sigterm", UNIT_DEACTIVATING, TIMEOUT_STOP, true, true,
				   .command = -1},
	[SERVICE_FINAL_SIGKILL] = {"final-sigkill", UNIT_DEACTIVATING, TIMEOUT_STOP, true, true,
				   .command = -1},
	[SERVICE_STATE_FAILED] = {"failed", UNIT_FAILED, TIMEOUT_NONE, .command = -1},
	[SERVICE_AUTO_RESTART] = {"auto-restart", UNIT_ACTIVATING, TIMEOUT_RESTART, .command = -1},
};

/* --- answers that do nothing --------------------------------------------------------------------------- */

static int service_ignore(_unused_ struct unit *unit, _unused_ enum service_result result)
{
	return 0;
}

static int service_again(_unused_ struct unit *unit, _unused_ enum service_result result)
{
	return -EAGAIN;
}

static int service_already(_unused_ struct unit *unit, _unused_ enum service_result result)
{
	return -EALREADY;
}

static int service_invalid(_unused_ struct unit *unit, _unused_ enum service_result result)
{
	return -ENOEXEC;
}

/* Stops on its way already: the job waits for it, and no restart follows. */
static int service_join_stop(struct unit *unit, _unused_ enum service_result result)
{
	unit->private->forbid_restart = true;
	manager_touch(unit);
	return 0;
}

/* --- what happens -------------------------------------------------------------------------------------- */

/* Columns: START STOP RELOAD | EXECUTED MAIN_EXIT CONTROL_EXIT EMPTY | TIMEOUT WATCHDOG MAIN_PID | READY
 * RELOADING STOPPING | OOM */
#define ROW(start, stop, reload, executed, main_exit, control_exit, empty, timeout, watchdog, main_pid,      \
	    ready, reloading, stopping, oom)                                                                 \
	{                                                                                                    \
		[SERVICE_EVENT_START] = start, [SERVICE_EVENT_STOP] = stop, [SERVICE_EVENT_RELOAD] = reload, \
		[SERVICE_EVENT_EXECUTED] = executed, [SERVICE_EVENT_MAIN_EXIT] = main_exit,                  \
		[SERVICE_EVENT_CONTROL_EXIT] = control_exit, [SERVICE_EVENT_EMPTY] = empty,                  \
		[SERVICE_EVENT_TIMEOUT] = timeout, [SERVICE_EVENT_WATCHDOG] = watchdog,                      \
		[SERVICE_EVENT_MAIN_PID] = main_pid, [SERVICE_EVENT_READY] = ready,                          \
		[SERVICE_EVENT_RELOADING] = reloading, [SERVICE_EVENT_STOPPING] = stopping,                  \
		[SERVICE_EVENT_OOM] = oom,                                                                   \
	}
#define NOTHING service_ignore

service_action *const service_transitions[SERVICE_STATE_MAX_][SERVICE_EVENT_MAX_] = {
	/* clang-format off */
	[SERVICE_DEAD] = ROW(starting_begin, service_already, service_invalid,
			     NOTHING, NOTHING, NOTHING, stopping_release,
			     NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_STATE_FAILED] = ROW(starting_begin, service_already, service_invalid,
			     NOTHING, NOTHING, NOTHING, stopping_release,
			     NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_AUTO_RESTART] = ROW(starting_begin, stopping_cancel_restart, service_again,
			     NOTHING, NOTHING, NOTHING, stopping_release,
			     stopping_on_restart_due, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_CONDITION] = ROW(NOTHING, stopping_begin_hard, service_again,
			     NOTHING, NOTHING, starting_on_condition, NOTHING,
			     starting_on_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, stopping_on_oom_hard),
	[SERVICE_START_PRE] = ROW(NOTHING, stopping_begin_hard, service_again,
			     NOTHING, NOTHING, starting_on_pre, NOTHING,
			     starting_on_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, stopping_on_oom_hard),
	[SERVICE_START] = ROW(NOTHING, stopping_begin_hard, service_again,
			     starting_on_executed, starting_on_main_exit, starting_on_forked, starting_on_empty,
			     starting_on_timeout, NOTHING, starting_on_main_pid, starting_on_ready, reloading_note, NOTHING, stopping_on_oom_hard),
	[SERVICE_START_POST] = ROW(NOTHING, stopping_begin_hard, service_again,
			     NOTHING, reloading_on_main_exit, starting_on_post, starting_on_empty,
			     starting_on_timeout, stopping_on_watchdog, starting_on_main_pid, reloading_note, reloading_note, NOTHING, stopping_on_oom_hard),
	[SERVICE_RUNNING] = ROW(service_already, stopping_begin, reloading_begin,
			     NOTHING, starting_check, NOTHING, starting_check,
			     stopping_on_runtime_max, stopping_on_watchdog, NOTHING, NOTHING, reloading_on_reloading, stopping_by_service, stopping_on_oom),
	[SERVICE_EXITED] = ROW(service_already, stopping_begin, reloading_begin,
			     NOTHING, NOTHING, NOTHING, NOTHING,
			     NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, stopping_on_oom),
	[SERVICE_RELOAD] = ROW(service_already, stopping_begin_hard, service_again,
			     NOTHING, reloading_on_main_exit, reloading_on_command, NOTHING,
			     reloading_on_timeout, stopping_on_watchdog, NOTHING, reloading_note, reloading_note, NOTHING, stopping_on_oom_hard),
	[SERVICE_RELOAD_SIGNAL] = ROW(service_already, stopping_begin_hard, service_again,
			     NOTHING, reloading_on_main_exit, NOTHING, starting_check,
			     reloading_on_timeout, stopping_on_watchdog, NOTHING, NOTHING, reloading_on_reloading, stopping_by_service, stopping_on_oom_hard),
	[SERVICE_RELOAD_NOTIFY] = ROW(service_already, stopping_begin_hard, service_again,
			     NOTHING, reloading_on_main_exit, NOTHING, starting_check,
			     reloading_on_timeout, stopping_on_watchdog, NOTHING, reloading_on_ready, NOTHING, stopping_by_service, stopping_on_oom_hard),
	[SERVICE_STOP] = ROW(service_again, service_join_stop, service_invalid,
			     NOTHING, NOTHING, stopping_on_command, NOTHING,
			     stopping_on_command_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_STOP_WATCHDOG] = ROW(service_again, service_join_stop, service_invalid,
			     NOTHING, stopping_on_exit, stopping_on_exit, stopping_on_exit,
			     stopping_on_sigterm_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_STOP_SIGTERM] = ROW(service_again, service_join_stop, service_invalid,
			     NOTHING, stopping_on_exit, stopping_on_exit, stopping_on_exit,
			     stopping_on_sigterm_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_STOP_SIGKILL] = ROW(service_again, service_join_stop, service_invalid,
			     NOTHING, stopping_on_exit, stopping_on_exit, stopping_on_exit,
			     stopping_on_sigkill_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_STOP_POST] = ROW(service_again, service_join_stop, service_invalid,
			     NOTHING, stopping_on_post, stopping_on_post, NOTHING,
			     stopping_on_post_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_FINAL_SIGTERM] = ROW(service_again, service_join_stop, service_invalid,
			     NOTHING, stopping_on_final_exit, stopping_on_final_exit, stopping_on_final_exit,
			     stopping_on_final_sigterm_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	[SERVICE_FINAL_SIGKILL] = ROW(service_again, service_join_stop, service_invalid,
			     NOTHING, stopping_on_final_exit, stopping_on_final_exit, stopping_on_final_exit,
			     stopping_on_final_sigkill_timeout, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
	/* clang-format on */
};
#undef ROW
#undef NOTHING

int service_dispatch(struct unit *unit, enum service_event event, enum service_result result)
{
	return service_transitions[unit->state][event](unit, result);
}

/* --- states -------------------------------------------------------------------------------------------- */

bool service_is_populated(const struct unit *unit)
{
	struct world *world = unit->manager->world;

	return world->ops->populated(world, unit->name, unit->config);
}

bool service_is_good(const struct unit *unit)
{
	bool main_unknown = unit->config->type == SERVICE_FORKING && !process_id_is_set(&unit->main.id);

	return unit->main.alive || (main_unknown && service_is_populated(unit));
}

void service_note_result(struct unit *unit, enum service_result result)
{
	struct failure failure;

	if (unit->result != SERVICE_SUCCESS || result == SERVICE_SUCCESS)
		return;
	unit->result = result;
	/* So that a printed failure has no "Invalid argument" behind it: see failure_print(). */
	if (failure_kept(unit->last_failure)->error == 0) {
		failure_set(&failure, -EINVAL, unit->name, "failed with result '%s'",
			    service_result_names[result]);
		failure_keep(&unit->last_failure, &failure);
	}
	manager_touch(unit);
}

/* 0 means "no limit" in unit files. */
static usec_t service_interval(usec_t configured)
{
	return configured == 0 ? USEC_INFINITY : configured;
}

static usec_t service_deadline(const struct unit *unit, enum service_timeout timeout)
{
	const struct unit_config *config = unit->config;
	usec_t now = manager_now(unit->manager), abort = service_interval(config->timeout_abort);

	switch (timeout) {
	case TIMEOUT_NONE:
		break;
	case TIMEOUT_START:
		/* A oneshot may work as long as it likes unless told otherwise (systemd.service(5)). */
		if (config->type == SERVICE_ONESHOT && !config->timeout_start_set)
			return USEC_INFINITY;
		return time_add(now, service_interval(config->timeout_start));
	case TIMEOUT_STOP:
		return time_add(now, service_interval(config->timeout_stop));
	case TIMEOUT_ABORT:
		return time_add(now, abort == USEC_INFINITY ? service_interval(config->timeout_stop) : abort);
	case TIMEOUT_RUNTIME:
		return time_add(unit->timestamps.active_enter[1], service_interval(config->runtime_max));
	case TIMEOUT_RESTART:
		return time_add(now, restart_delay(unit));
	}
	return USEC_INFINITY;
}

usec_t service_watchdog(const struct unit *unit)
{
	return service_interval(unit->private->watchdog_overridden ? unit->private->watchdog
								   : unit->config->watchdog);
}

void service_ping_watchdog(struct unit *unit)
{
	unit->watchdog_at = manager_now(unit->manager);
	if (service_states[unit->state].watchdog)
		unit_set_deadline(unit, UNIT_DEADLINE_WATCHDOG,
				  time_add(unit->watchdog_at, service_watchdog(unit)));
	manager_touch(unit);
}

void service_extend_timeout(struct unit *unit, usec_t by)
{
	usec_t until = time_add(manager_now(unit->manager), by);

	if (unit->deadline == USEC_INFINITY || unit->deadline >= until)
		return;
	unit_set_deadline(unit, UNIT_DEADLINE_STATE, until);
	manager_touch(unit);
}

void service_set_state(struct unit *unit, enum service_state state)
{
	bool had_watchdog = service_states[unit->state].watchdog,
	     was_between = unit->state == SERVICE_AUTO_RESTART;

	if (!service_states[state].main)
		process_abandon(unit, &unit->main);
	if (!service_states[state].control)
		process_abandon(unit, &unit->control);
	/* A signal that was due in the former state is not in this one. */
	if (state != unit->state)
		unit->private->work &= ~(unsigned)UNIT_WORK_SIGNAL;
	if (state != SERVICE_START && state != SERVICE_START_POST)
		unit_set_deadline(unit, UNIT_DEADLINE_MAIN_PID, USEC_INFINITY);
	unit_set_state(unit, state);
	unit_set_deadline(unit, UNIT_DEADLINE_STATE, service_deadline(unit, service_states[state].timeout));
	if (!service_states[state].watchdog)
		unit_set_deadline(unit, UNIT_DEADLINE_WATCHDOG, USEC_INFINITY);
	else if (!had_watchdog)
		service_ping_watchdog(unit);
	/* What it kept for the restart, which will not come. */
	if (was_between && unit_is_down(unit) && !unit->job)
		stopping_release(unit, SERVICE_SUCCESS);
}

/* --- processes ----------------------------------------------------------------------------------------- */

/* The command line that PROCESS runs or ran; NULL when a reload took it away. */
static const struct exec_command *service_command_of(const struct unit *unit,
						     const struct unit_process *process)
{
	const struct exec_commands *commands = &unit->config->commands[process->command];

	return process->index < commands->n ? &commands->items[process->index] : NULL;
}

static enum service_result service_judge(const struct unit *unit, const struct unit_process *process)
{
	enum service_result result = restart_classify(unit, process);
	const struct exec_command *command = service_command_of(unit, process);
	bool is_condition = process == &unit->control && process->command == SERVICE_EXEC_CONDITION;

	if (command && command->ignore_failure)
		return SERVICE_SUCCESS;
	/* ExecCondition=: 1 to 254 skip the unit, 255 and signals fail it. */
	if (is_condition && result == SERVICE_FAILURE_EXIT_CODE && WEXITSTATUS(process->wait_status) < 255)
		return SERVICE_SKIP_CONDITION;
	return result;
}

void service_on_process_end(struct unit *unit, struct unit_process *process)
{
	bool is_main = process == &unit->main, reloads = unit_active_state(unit) == UNIT_RELOADING;
	enum service_result result = service_judge(unit, process);
	const struct exec_commands *commands = &unit->config->commands[process->command];
	const char *why =
		result == SERVICE_FAILURE_OOM_KILL ? ": the kernel ran out of memory for it (OOM)" : "";
	struct failure failure;
	char text[64];

	restart_describe(process, text, sizeof text);
	if (result != SERVICE_SUCCESS && failure_kept(unit->last_failure)->error == 0) {
		failure_set(&failure, -EINVAL, unit->name, "%s process ended: %s%s",
			    is_main ? "main" : "control", text, why);
		failure_keep(&unit->last_failure, &failure);
	}
	if (result != SERVICE_SUCCESS)
		manager_log(unit, LOG_NOTICE, "%s process ended: %s%s", is_main ? "Main" : "Control", text,
			    why);
	if (is_main || !reloads)
		service_note_result(unit, result);
	/* The next line of the same kind, if the unit is still at it. */
	if (result == SERVICE_SUCCESS && service_states[unit->state].command == process->command &&
	    process->index + 1u < commands->n && (!is_main || unit->config->type == SERVICE_ONESHOT))
		process_launch(unit, unit->state, process->command, process->index + 1u);
	else
		service_dispatch(unit, is_main ? SERVICE_EVENT_MAIN_EXIT : SERVICE_EVENT_CONTROL_EXIT,
				 result);
}

/* --- the rest of the class ----------------------------------------------------------------------------- */

void service_restore(struct unit *unit)
{
	bool starts = unit->state == SERVICE_START || unit->state == SERVICE_START_POST;

	/* The signal is sent only now, and so the time begins in which it has to have an effect. */
	if (unit->private->work & UNIT_WORK_SIGNAL)
		unit_set_deadline(unit, UNIT_DEADLINE_STATE,
				  service_deadline(unit, service_states[unit->state].timeout));
	/* What the service said while nobody listened is lost: its watchdog begins anew. */
	if (service_states[unit->state].watchdog)
		unit_set_deadline(unit, UNIT_DEADLINE_WATCHDOG,
				  time_add(manager_now(unit->manager), service_watchdog(unit)));
	if (starts && unit->config->type == SERVICE_FORKING && !unit->control.alive &&
	    !process_id_is_set(&unit->main.id))
		unit_set_deadline(unit, UNIT_DEADLINE_MAIN_PID, manager_now(unit->manager));
}

void service_resend_signal(struct unit *unit)
{
	if (unit_active_state(unit) == UNIT_RELOADING)
		reloading_signal(unit);
	else if (unit_active_state(unit) == UNIT_DEACTIVATING)
		stopping_signal(unit);
}

void service_restart(struct unit *unit)
{
	if (unit->state != SERVICE_AUTO_RESTART || (unit->job && unit->job->type == JOB_STOP))
		return;
	unit->private->automatic_restart = true;
	manager_log(unit, LOG_INFO, "Restarts, restart counter is at %u", unit->n_restarts + 1);
	manager_touch(unit);
	if (manager_enqueue_automatic(unit->manager, JOB_RESTART, unit, JOB_REPLACE) >= 0)
		return;
	service_note_result(unit, SERVICE_FAILURE_RESOURCES);
	service_set_state(unit, SERVICE_STATE_FAILED);
}

void service_on_job_lost(struct unit *unit)
{
	/* A restart that was called off: nothing else would ever move the unit. */
	if (unit->state == SERVICE_AUTO_RESTART && unit->deadline == USEC_INFINITY &&
	    !(unit->private->work & UNIT_WORK_RESTART))
		service_set_state(unit,
				  unit->result == SERVICE_SUCCESS ? SERVICE_DEAD : SERVICE_STATE_FAILED);
}

static const char *service_sub_state(uint8_t state)
{
	return service_states[state].name;
}

static enum unit_active_state service_active_state(uint8_t state)
{
	return service_states[state].active_state;
}

static bool service_can_reload(const struct unit *unit)
{
	return unit->config->commands[SERVICE_EXEC_RELOAD].n > 0 ||
	       unit->config->type == SERVICE_NOTIFY_RELOAD;
}

static int service_start(struct unit *unit)
{
	return service_dispatch(unit, SERVICE_EVENT_START, SERVICE_SUCCESS);
}

static int service_stop(struct unit *unit)
{
	return service_dispatch(unit, SERVICE_EVENT_STOP, SERVICE_SUCCESS);
}

static int service_reload(struct unit *unit)
{
	return service_dispatch(unit, SERVICE_EVENT_RELOAD, SERVICE_SUCCESS);
}

static void service_on_deadline(struct unit *unit, enum unit_deadline deadline)
{
	static const enum service_event events[UNIT_DEADLINE_MAX_] = {
		[UNIT_DEADLINE_STATE] = SERVICE_EVENT_TIMEOUT,
		[UNIT_DEADLINE_WATCHDOG] = SERVICE_EVENT_WATCHDOG,
		[UNIT_DEADLINE_MAIN_PID] = SERVICE_EVENT_MAIN_PID,
	};

	assert(deadline != UNIT_DEADLINE_JOB);
	service_dispatch(unit, events[deadline], SERVICE_SUCCESS);
}

static void service_reset_failed(struct unit *unit)
{
	unit->n_restarts = 0;
	unit->result = SERVICE_SUCCESS;
	failure_keep(&unit->last_failure, NULL);
	service_set_state(unit, SERVICE_DEAD);
}

const struct unit_class service_class = {
	.sub_state = service_sub_state,
	.active_state = service_active_state,
	.can_reload = service_can_reload,
	.start = service_start,
	.stop = service_stop,
	.reload = service_reload,
	.on_deadline = service_on_deadline,
	.reset_failed = service_reset_failed,
};
