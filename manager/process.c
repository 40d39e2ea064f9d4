/* See process.h. The window that matters is between launch() and a crash of this manager: the id is in the
 * store before the call, and a record stays at svc-init until it is forgotten, which happens after the store
 * holds what came of it. So a process that the store calls alive and svc-init does not know was never started
 * or was lost: either way it is gone. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>

#include "manager/process.h"
#include "manager/restart.h"
#include "manager/service.h"

enum { PROCESS_ENVIRONMENT_MAX = 6, PROCESS_VARIABLE_MAX = 320 };

struct process_environment {
	char text[PROCESS_ENVIRONMENT_MAX][PROCESS_VARIABLE_MAX];
	char *items[PROCESS_ENVIRONMENT_MAX + 1];
	unsigned n;
};

bool process_id_is_set(const struct launch_id *id)
{
	static const struct launch_id none;

	return memcmp(id, &none, sizeof none) != 0;
}

static void process_print_id(const struct launch_id *id, char key[33])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof id->bytes; i++) {
		key[2 * i] = digits[id->bytes[i] >> 4];
		key[2 * i + 1] = digits[id->bytes[i] & 15];
	}
	key[32] = '\0';
}

static char *process_key(struct unit *unit, const struct unit_process *process)
{
	return process == &unit->main ? unit->private->main_key : unit->private->control_key;
}

static bool *process_seen(struct unit *unit, const struct unit_process *process)
{
	return process == &unit->main ? &unit->private->main_seen : &unit->private->control_seen;
}

static int process_register(struct unit *unit, struct unit_process *process)
{
	char *key = process_key(unit, process);

	process_print_id(&process->id, key);
	return table_put(&unit->manager->private->launches, key, unit);
}

/* A fresh process that counts as alive from now on. */
static int process_begin(struct unit *unit, struct unit_process *process, enum service_command command,
			 unsigned index)
{
	struct world *world = unit->manager->world;

	process_abandon(unit, process);
	*process = (struct unit_process){
		.alive = true,
		.exit_status = -1,
		.started_at = world->ops->monotonic(world),
		.started_realtime = world->ops->realtime(world),
		.command = (uint8_t)command,
		.index = (uint16_t)index,
	};
	world->ops->random(world, &process->id, sizeof process->id);
	*process_seen(unit, process) = true;
	manager_touch(unit);
	return process_register(unit, process);
}

static void process_end(struct unit *unit, struct unit_process *process, int wait_status, usec_t ended_at)
{
	struct world *world = unit->manager->world;
	usec_t now = world->ops->monotonic(world), realtime = world->ops->realtime(world);

	if (ended_at == 0 || ended_at > now)
		ended_at = now;
	table_remove(&unit->manager->private->launches, process_key(unit, process));
	process->alive = false;
	process->wait_status = wait_status;
	process->ended_at = ended_at;
	process->ended_realtime = realtime - MIN_OF(realtime, now - ended_at);
	manager_touch(unit);
}

void process_abandon(struct unit *unit, struct unit_process *process)
{
	if (process->alive)
		process_end(unit, process, LAUNCH_STATUS_LOST, 0);
}

static void _printf_(2, 3) process_export(struct process_environment *environment, const char *format, ...)
{
	va_list arguments;
	unsigned n = environment->n;

	assert(n < PROCESS_ENVIRONMENT_MAX);
	va_start(arguments, format);
	vsnprintf(environment->text[n], sizeof environment->text[n], format, arguments);
	va_end(arguments);
	environment->items[n] = environment->text[n];
	environment->n++;
}

/* How the unit's run went: SERVICE_RESULT, EXIT_CODE and EXIT_STATUS, with PREFIX before their names. */
static void process_export_result(const struct unit *unit, const char *prefix,
				  struct process_environment *environment)
{
	int status = unit->main.wait_status;
	const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;

	process_export(environment, "%sSERVICE_RESULT=%s", prefix, service_result_names[unit->result]);
	if (unit->main.alive || !process_id_is_set(&unit->main.id) || status == LAUNCH_STATUS_LOST)
		return;
	process_export(environment, "%sEXIT_CODE=%s", prefix,
		       WIFEXITED(status)   ? "exited"
		       : WCOREDUMP(status) ? "dumped"
					   : "killed");
	if (name)
		process_export(environment, "%sEXIT_STATUS=%s", prefix, name);
	else
		process_export(environment, "%sEXIT_STATUS=%d", prefix,
			       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

/* The unit that ended and names this one in OnFailure= or OnSuccess=, if it is the only one that may be meant. */
static const struct unit *process_find_monitored(const struct unit *unit)
{
	static const enum unit_dependency dependencies[] = {UNIT_ON_FAILURE, UNIT_ON_SUCCESS};
	const struct unit *found = NULL;

	for (size_t d = 0; d < ARRAY_SIZE(dependencies); d++) {
		_cleanup_text_list_ char **names = NULL;

		if (graph_neighbours(unit->private->node, dependencies[d], true)->n == 0 ||
		    unit_list_dependencies(unit, dependencies[d], true, &names) < 0)
			continue;
		TEXT_LIST_FOREACH (name, names) {
			const struct unit *other = manager_get_unit(unit->manager, *name);
			bool failed = other && unit_active_state(other) == UNIT_FAILED;

			if (!other || other->kind != UNIT_SERVICE ||
			    failed != (dependencies[d] == UNIT_ON_FAILURE) ||
			    (!failed && unit_active_state(other) != UNIT_INACTIVE))
				continue;
			if (found)
				return NULL;
			found = other;
		}
	}
	return found;
}

static void process_export_monitored(const struct unit *unit, struct process_environment *environment)
{
	const struct unit *monitored = process_find_monitored(unit);
	char id[33];

	if (!monitored)
		return;
	for (size_t i = 0; i < sizeof monitored->invocation_id; i++)
		snprintf(id + 2 * i, 3, "%02x", monitored->invocation_id[i]);
	process_export_result(monitored, "MONITOR_", environment);
	process_export(environment, "MONITOR_INVOCATION_ID=%s", id);
	process_export(environment, "MONITOR_UNIT=%s", monitored->name);
}

/* What systemd.exec(5) lists for the commands around the main process, and for what another unit's end has started. */
static void process_make_environment(const struct unit *unit, enum service_command command,
				     struct process_environment *environment)
{
	*environment = (struct process_environment){};
	if (unit->main.alive && unit->main.pid > 0 && command != SERVICE_EXEC_START)
		process_export(environment, "MAINPID=%d", unit->main.pid);
	if (command == SERVICE_EXEC_STOP || command == SERVICE_EXEC_STOP_POST)
		process_export_result(unit, "", environment);
	if (command == SERVICE_EXEC_START || command == SERVICE_EXEC_START_PRE)
		process_export_monitored(unit, environment);
}

/* Nothing runs: noted as an exit, which manager_run() takes up. */
static void process_refuse(struct unit *unit, struct unit_process *process, const struct failure *failure,
			   int exit_status)
{
	exit_status = exit_status > 0 && exit_status < 256 ? exit_status : 1;
	failure_keep(&unit->last_failure, failure);
	process_end(unit, process, W_EXITCODE(exit_status, 0), 0);
	process->exit_status = exit_status;
	manager_add_work(unit, process == &unit->main ? UNIT_WORK_MAIN_ENDED : UNIT_WORK_CONTROL_ENDED);
}

void process_launch(struct unit *unit, enum service_state state, enum service_command command, unsigned index)
{
	const struct unit_config *config = unit->config;
	bool as_main = command == SERVICE_EXEC_START && config->type != SERVICE_FORKING;
	struct unit_process *process = as_main ? &unit->main : &unit->control;
	struct world *world = unit->manager->world;
	struct process_environment environment;
	struct failure failure = {};
	int exit_status = -1, r;

	process_make_environment(unit, command, &environment);
	if (command == SERVICE_EXEC_START)
		unit->started_fingerprint = config->fingerprint;
	r = process_begin(unit, process, command, index);
	if (r < 0)
		failure_set(&failure, r, unit->name, "cannot keep track of a process");
	service_set_state(unit, state);
	if (r >= 0) {
		struct world_launch launch = {
			.unit = unit->name,
			.config = config,
			.command = command,
			.index = index,
			.is_main =
				command == SERVICE_EXEC_START &&
				(config->type != SERVICE_ONESHOT || index + 1 == config->commands[command].n),
			.environment = environment.items,
			.id = process->id,
			.invocation_id = unit->invocation_id,
		};

		manager_commit(unit->manager);
		world->ops->thaw(world, unit->name);
		r = world->ops->launch(world, &launch, &failure, &exit_status);
	}
	if (r < 0)
		process_refuse(unit, process, &failure, exit_status);
}

int process_adopt(struct unit *unit, pid_t pid)
{
	struct world *world = unit->manager->world;
	struct unit_process old = unit->main;
	int r = process_begin(unit, &unit->main, SERVICE_EXEC_START, 0);

	if (r >= 0) {
		unit->main.pid = pid;
		unit->main.executed = true;
		manager_commit(unit->manager);
		r = world->ops->adopt(world, unit->name, &unit->main.id, pid);
	}
	if (r < 0) {
		/* As if it had not been tried. Room in the table is what was just given back. */
		table_remove(&unit->manager->private->launches, unit->private->main_key);
		unit->main = old;
		if (old.alive && process_register(unit, &unit->main) < 0)
			unit->main.alive = false;
		manager_touch(unit);
	}
	return r;
}

/* --- records ------------------------------------------------------------------------------------------- */

/* What a manager whose memory was damaged finds: a unit that it does not remember, and a living main process of it (by the label,
 * "web.service/ExecStart"). It goes on. Of a unit that is remembered there is none that is not remembered too. */
static bool process_recover(struct manager *manager, const struct launch_record *record)
{
	char name[sizeof record->label + 1];
	struct failure failure;
	struct unit *unit;
	char *command;

	snprintf(name, sizeof name, "%.*s", (int)sizeof record->label, record->label);
	command = strrchr(name, '/');
	if (manager->private->synchronized || record->state != LAUNCH_STATE_RUNNING || !command ||
	    (strcmp(command, "/ExecStart") != 0 && strcmp(command, "/main") != 0))
		return false;
	*command = '\0';
	if (manager_load_unit(manager, name, &unit, &failure) < 0 || unit->kind != UNIT_SERVICE ||
	    unit->config->load_state != UNIT_LOADED || unit->private->slot || unit->main.alive)
		return false;
	unit->main = (struct unit_process){.id = record->head.id,
					   .alive = true,
					   .executed = true,
					   .exit_status = -1,
					   .command = SERVICE_EXEC_START};
	if (process_register(unit, &unit->main) < 0) {
		unit->main.alive = false;
		return false;
	}
	manager_log(unit, LOG_WARNING, "What was remembered of it is lost, but it runs: it goes on");
	service_set_state(unit, SERVICE_RUNNING);
	return true;
}

/* Nobody waits for this process: a former main process of a living unit may go on, what belongs to none may
 * not. */
static void process_on_stranger(struct manager *manager, const struct launch_record *record)
{
	struct world *world = manager->world;
	char name[sizeof record->label + 1];
	const struct unit *unit;

	switch ((enum launch_state)record->state) {
	case LAUNCH_STATE_STARTING:
	case LAUNCH_STATE_RUNNING:
		snprintf(name, sizeof name, "%.*s", (int)sizeof record->label, record->label);
		name[strcspn(name, "/")] = '\0';
		unit = manager_get_unit(manager, name);
		if (!unit || unit_is_down(unit) || unit->state == SERVICE_AUTO_RESTART)
			world->ops->kill(world, &record->head.id, SIGKILL);
		return;
	case LAUNCH_STATE_FAILED:
	case LAUNCH_STATE_EXITED:
		world->ops->forget(world, &record->head.id);
		return;
	case LAUNCH_STATE_HOLDING: /* descriptors, which are the world's */
		return;
	}
}

static void process_update(struct unit *unit, struct unit_process *process,
			   const struct launch_record *record)
{
	pid_t pid = record->payload_pid ? record->payload_pid : record->pid;
	struct world *world = unit->manager->world;
	usec_t now = world->ops->monotonic(world);

	if (pid > 0 && pid != process->pid) {
		process->pid = pid;
		manager_touch(unit);
	}
	if (record->started_at && record->started_at != process->started_at && record->started_at <= now) {
		process->started_at = record->started_at;
		process->started_realtime = world->ops->realtime(world) - (now - record->started_at);
		manager_touch(unit);
	}
}

static void process_on_executed(struct unit *unit, struct unit_process *process)
{
	if (process->executed)
		return;
	process->executed = true;
	manager_touch(unit);
	if (process == &unit->main)
		service_dispatch(unit, SERVICE_EVENT_EXECUTED, SERVICE_SUCCESS);
}

/* It never became the payload. */
static void process_on_failed(struct unit *unit, struct unit_process *process,
			      const struct launch_record *record)
{
	struct world *world = unit->manager->world;
	struct failure failure = {};
	int exit_status = 1;

	world->ops->describe_failure(world, unit->name, record, &failure, &exit_status);
	failure_keep(&unit->last_failure, &failure);
	process_end(unit, process, W_EXITCODE(exit_status & 0xff, 0), record->ended_at);
	process->exit_status = exit_status & 0xff;
	service_on_process_end(unit, process);
}

void process_on_record(struct manager *manager, const struct launch_record *record)
{
	struct world *world = manager->world;
	struct unit_process *process;
	struct unit *unit;
	char key[33];

	process_print_id(&record->head.id, key);
	unit = table_get(&manager->private->launches, key);
	if (!unit && process_recover(manager, record))
		unit = table_get(&manager->private->launches, key);
	if (!unit) {
		process_on_stranger(manager, record);
		return;
	}
	process = strcmp(key, unit->private->main_key) == 0 ? &unit->main : &unit->control;
	*process_seen(unit, process) = true;
	process_update(unit, process, record);
	switch ((enum launch_state)record->state) {
	case LAUNCH_STATE_STARTING:
	case LAUNCH_STATE_HOLDING:
		return;
	case LAUNCH_STATE_RUNNING:
		process_on_executed(unit, process);
		return;
	case LAUNCH_STATE_FAILED:
		process_on_failed(unit, process, record);
		break;
	case LAUNCH_STATE_EXITED:
		/* It may have run and ended between two looks. */
		if (record->exec_at)
			process_on_executed(unit, process);
		process_end(unit, process, record->wait_status, record->ended_at);
		service_on_process_end(unit, process);
		break;
	}
	/* Only now is what came of it in the store. */
	manager_commit(manager);
	world->ops->forget(world, &record->head.id);
}

int process_restore(struct unit *unit)
{
	struct unit_process *processes[] = {&unit->main, &unit->control};

	for (size_t i = 0; i < ARRAY_SIZE(processes); i++)
		if (processes[i]->alive && process_register(unit, processes[i]) < 0)
			return -ENOMEM;
	service_restore(unit);
	return 0;
}

void process_check_lost(struct unit *unit)
{
	struct unit_process *processes[] = {&unit->main, &unit->control};

	for (size_t i = 0; i < ARRAY_SIZE(processes); i++)
		if (processes[i]->alive && !*process_seen(unit, processes[i])) {
			manager_log(unit, LOG_WARNING, "A process ended while nobody watched");
			process_end(unit, processes[i], LAUNCH_STATUS_LOST, 0);
			service_on_process_end(unit, processes[i]);
		}
}

void process_on_refused(struct unit *unit, struct unit_process *process)
{
	service_on_process_end(unit, process);
}
