/* A running service that reads its configuration anew: by ExecReload=, by a signal it answers with
 * RELOADING=1 and READY=1 (Type=notify-reload), or of its own accord. However that ends, the service runs on.
 */
#include <errno.h>
#include <signal.h>
#include <syslog.h>

#include "manager/process.h"
#include "manager/service.h"

void reloading_signal(struct unit *unit)
{
	struct world *world = unit->manager->world;

	if (unit->config->type == SERVICE_NOTIFY_RELOAD && unit->main.alive) {
		world->ops->thaw(world, unit->name);
		world->ops->kill(world, &unit->main.id, unit->config->reload_signal);
	}
	unit->private->work &= ~(unsigned)UNIT_WORK_SIGNAL;
	manager_touch(unit);
}

int reloading_begin(struct unit *unit, _unused_ enum service_result result)
{
	bool by_signal = unit->config->type == SERVICE_NOTIFY_RELOAD && unit->main.alive;

	unit->private->reload_result = SERVICE_SUCCESS;
	unit->private->reload_begin = manager_now(unit->manager);
	if (!by_signal && unit->config->commands[SERVICE_EXEC_RELOAD].n == 0)
		return -EALREADY;
	service_set_state(unit, unit->config->commands[SERVICE_EXEC_RELOAD].n ? SERVICE_RELOAD
									      : SERVICE_RELOAD_SIGNAL);
	if (by_signal)
		unit->private->work |= UNIT_WORK_SIGNAL;
	if (unit->state == SERVICE_RELOAD)
		process_launch(unit, SERVICE_RELOAD, SERVICE_EXEC_RELOAD, 0);
	else
		manager_commit(unit->manager);
	if (by_signal)
		reloading_signal(unit);
	return 0;
}

int reloading_on_command(struct unit *unit, enum service_result result)
{
	unit->private->reload_result = result;
	starting_enter_running(unit, SERVICE_SUCCESS);
	return 0;
}

int reloading_on_main_exit(struct unit *unit, enum service_result result)
{
	/* The command that runs beside it first comes to its end. */
	if (!unit->control.alive)
		stopping_enter_stop(unit, result);
	return 0;
}

int reloading_note(struct unit *unit, _unused_ enum service_result result)
{
	/* What came last decides where the state leads: notify.c has noted it. */
	manager_touch(unit);
	return 0;
}

int reloading_on_reloading(struct unit *unit, _unused_ enum service_result result)
{
	service_set_state(unit, SERVICE_RELOAD_NOTIFY);
	return 0;
}

int reloading_on_ready(struct unit *unit, _unused_ enum service_result result)
{
	starting_enter_running(unit, SERVICE_SUCCESS);
	return 0;
}

int reloading_on_timeout(struct unit *unit, _unused_ enum service_result result)
{
	struct world *world = unit->manager->world;

	manager_log(unit, LOG_WARNING, "The reload timed out");
	if (unit->control.alive) {
		world->ops->kill(world, &unit->control.id, SIGKILL);
		process_abandon(unit, &unit->control);
	}
	unit->private->reload_result = SERVICE_FAILURE_TIMEOUT;
	unit->private->notified_reloading = false;
	starting_enter_running(unit, SERVICE_SUCCESS);
	return 0;
}
