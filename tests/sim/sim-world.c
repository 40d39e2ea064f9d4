/* See sim.h. svc-init and the kernel as the manager sees them: requests arrive after a moment, states are
 * told after another, what is not told in time is told at the next reconnect. A manager that is `dead` in the
 * middle of a call does nothing any more. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/sim/sim.h"

static struct sim *sim_of(struct world *world)
{
	return (struct sim *)world;
}

/* --- events -------------------------------------------------------------------------------------------- */

static struct sim_event *sim_world_schedule(struct sim *sim, usec_t delay, enum sim_event_type type,
					    struct sim_process *process, unsigned unit)
{
	struct sim_event *event = calloc(1, sizeof *event), **at = &sim->events;

	*event = (struct sim_event){.at = sim->now + delay, .type = type, .process = process, .unit = unit};
	while (*at && (*at)->at <= event->at)
		at = &(*at)->next;
	event->next = *at;
	*at = event;
	return event;
}

static usec_t sim_world_delay(struct sim *sim, unsigned from_usec, unsigned to_usec)
{
	return from_usec + sim_below(sim, to_usec - from_usec);
}

static void sim_world_cancel(struct sim *sim, const struct sim_process *process)
{
	struct sim_event **at = &sim->events;

	while (*at) {
		struct sim_event *event = *at;

		if (event->process == process) {
			*at = event->next;
			free(event);
		} else {
			at = &event->next;
		}
	}
}

/* --- processes ----------------------------------------------------------------------------------------- */

static struct sim_process *sim_world_find(const struct sim *sim, const struct launch_id *id)
{
	struct sim_process *process = sim->processes;

	while (process && !(process->recorded && memcmp(&process->record.head.id, id, sizeof *id) == 0))
		process = process->next;
	return process;
}

static struct sim_process *sim_world_new_process(struct sim *sim, unsigned unit)
{
	struct sim_process *process = calloc(1, sizeof *process);

	*process = (struct sim_process){
		.unit = unit, .next = sim->processes, .ignores_term = sim_chance(sim, 15)};
	sim->processes = process;
	return process;
}

static void sim_world_remove(struct sim *sim, struct sim_process *process)
{
	struct sim_process **at = &sim->processes;

	sim_world_cancel(sim, process);
	while (*at != process)
		at = &(*at)->next;
	*at = process->next;
	free(process);
}

bool sim_world_populated(const struct sim *sim, unsigned unit)
{
	for (const struct sim_process *process = sim->processes; process; process = process->next)
		if (process->unit == unit && process->alive)
			return true;
	return false;
}

static void sim_world_tell(struct sim *sim, struct sim_process *process)
{
	if (!process->recorded || process->muted || process->tell_queued || !sim->manager)
		return;
	process->tell_queued = true;
	sim_world_schedule(sim, sim_world_delay(sim, 10, 2000), SIM_TELL, process, process->unit);
}

static void sim_world_on_end(struct sim *sim, struct sim_process *process, int wait_status)
{
	unsigned unit = process->unit;

	process->alive = false;
	process->record.state = LAUNCH_STATE_EXITED;
	process->record.wait_status = wait_status;
	process->record.ended_at = sim->now;
	sim_trace(sim, "%s: pid %d ended, status %#x", sim->units[unit].name, process->record.pid,
		  (unsigned)wait_status);
	sim_world_cancel(sim, process);
	process->tell_queued = false;
	if (!process->recorded)
		sim_world_remove(sim, process);
	else if (sim->mutation != SIM_MUTATE_LOSE_EXITS || ++sim->n_exits % 7 != 0)
		sim_world_tell(sim, process);
	if (!sim_world_populated(sim, unit) && sim->manager)
		for (unsigned n = sim_chance(sim, 10) ? 2 : 1; n-- > 0;)
			sim_world_schedule(sim, sim_world_delay(sim, 10, 5000), SIM_EMPTY, NULL, unit);
}

static void sim_world_exit_in(struct sim *sim, struct sim_process *process, usec_t delay, int wait_status)
{
	sim_world_schedule(sim, delay, SIM_EXIT, process, process->unit)->value = wait_status;
}

static void sim_world_signal(struct sim *sim, struct sim_process *process, int signal)
{
	if (!process->spawned) {
		process->pending_signal = signal == SIGCONT ? process->pending_signal : signal;
		return;
	}
	if (!process->alive || signal == SIGCONT)
		return;
	if (signal == SIGKILL) {
		sim_world_exit_in(sim, process, sim_world_delay(sim, 10, 1000), SIGKILL);
	} else if (signal == SIGHUP && process->reloads) {
		sim_world_schedule(sim, sim_world_delay(sim, 10, 50000), SIM_NOTIFY, process, process->unit)
			->text = "RELOADING=1";
		if (sim_chance(sim, 80))
			sim_world_schedule(sim, sim_world_delay(sim, 50000, 500000), SIM_NOTIFY, process,
					   process->unit)
				->text = "READY=1";
	} else if (!process->ignores_term) {
		sim_world_exit_in(sim, process, sim_world_delay(sim, 10, 50000),
				  sim_chance(sim, 30) ? 0 : signal);
	}
}

/* What a process does once its execve(2) has succeeded. */
static int sim_world_any_status(struct sim *sim, unsigned clean_percent)
{
	static const int signals[] = {SIGSEGV | 0x80, SIGKILL, SIGTERM, SIGABRT};

	if (sim_chance(sim, clean_percent))
		return 0;
	return sim_chance(sim, 60) ? W_EXITCODE((int)sim_below(sim, 256), 0)
				   : signals[sim_below(sim, ARRAY_SIZE(signals))];
}

static void sim_world_live(struct sim *sim, struct sim_process *process)
{
	const struct unit_config *config = sim->units[process->unit].config;
	bool notifies =
		process->is_main && (config->type == SERVICE_NOTIFY || config->type == SERVICE_NOTIFY_RELOAD);

	process->reloads = process->is_main && config->type == SERVICE_NOTIFY_RELOAD;
	if (process->daemon) {
		if (sim_chance(sim, 60))
			sim_world_exit_in(sim, process, sim_world_delay(sim, 1000, 20000000),
					  sim_world_any_status(sim, 40));
	} else if (sim->quiet_faults || !sim_chance(sim, 6)) {
		sim_world_exit_in(sim, process, sim_world_delay(sim, 100, 800000),
				  sim_world_any_status(sim, 85));
	}
	if (notifies && !sim_chance(sim, 12))
		sim_world_schedule(sim, sim_world_delay(sim, 100, 1500000), SIM_NOTIFY, process,
				   process->unit)
			->text = "READY=1";
	if (process->is_main && config->watchdog)
		for (usec_t at = config->watchdog / 2, n = sim_below(sim, 12); n-- > 0;
		     at += config->watchdog / 2)
			sim_world_schedule(sim, at, SIM_NOTIFY, process, process->unit)->text =
				"WATCHDOG=1\nSTATUS=ping";
	if (process->is_main && sim_chance(sim, 5))
		sim_world_schedule(sim, sim_world_delay(sim, 100, 5000000), SIM_NOTIFY, process,
				   process->unit)
			->text = "STOPPING=1";
	if (sim_chance(sim,
		       process->command == SERVICE_EXEC_START && config->type == SERVICE_FORKING ? 85 : 12))
		sim_world_schedule(sim, 50, SIM_FORK, process, process->unit);
}

static void sim_world_fork(struct sim *sim, const struct sim_process *parent)
{
	struct sim_process *child = sim_world_new_process(sim, parent->unit);

	child->alive = child->spawned = true;
	child->record.pid = child->record.payload_pid = ++sim->last_pid;
	sim_trace(sim, "%s: pid %d forked %d", sim->units[parent->unit].name, parent->record.pid,
		  child->record.pid);
	if (sim_chance(sim, 60))
		sim_world_exit_in(sim, child, sim_world_delay(sim, 1000, 10000000),
				  sim_world_any_status(sim, 60));
}

/* --- what happens -------------------------------------------------------------------------------------- */

static void sim_world_spawn(struct sim *sim, struct sim_process *process)
{
	process->spawned = process->alive = true;
	process->record.state = LAUNCH_STATE_STARTING;
	process->record.pid = process->record.payload_pid = ++sim->last_pid;
	process->record.started_at = sim->now;
	if (process->is_main)
		for (struct sim_process *other = sim->processes; other; other = other->next)
			if (other != process && other->alive && other->is_main &&
			    other->unit == process->unit)
				sim_violate(sim, "%s has two main processes", sim->units[process->unit].name);
	sim_world_tell(sim, process);
	sim_world_schedule(sim, sim_world_delay(sim, 100, 3000),
			   !sim->quiet_faults && sim_chance(sim, 5) ? SIM_FAIL : SIM_EXECUTE, process,
			   process->unit);
	if (process->pending_signal)
		sim_world_signal(sim, process, process->pending_signal);
}

static void sim_world_fail(struct sim *sim, struct sim_process *process)
{
	sim_world_on_end(sim, process, 0);
	process->record.state = LAUNCH_STATE_FAILED;
	process->record.failed_errno = ENOENT;
}

static void sim_world_deliver(struct sim *sim, struct sim_event *event)
{
	struct sim_process *process = event->process;

	switch (event->type) {
	case SIM_TELL:
		process->tell_queued = false;
		sim_trace(sim, "%s: told of pid %d, state %u", sim->units[event->unit].name,
			  process->record.pid, process->record.state);
		manager_on_record(sim->manager, &process->record);
		return;
	case SIM_EMPTY:
		manager_on_empty(sim->manager, sim->units[event->unit].name);
		return;
	case SIM_NOTIFY:
		sim_trace(sim, "%s: notify %s", sim->units[event->unit].name, event->text);
		manager_on_notify(sim->manager, sim->units[event->unit].name, process->record.payload_pid,
				  event->text);
		return;
	case SIM_SPAWN:
	case SIM_EXECUTE:
	case SIM_FAIL:
	case SIM_EXIT:
	case SIM_FORK:
		return;
	}
}

static void sim_world_do(struct sim *sim, struct sim_event *event)
{
	struct sim_process *process = event->process;

	switch (event->type) {
	case SIM_SPAWN:
		sim_world_spawn(sim, process);
		return;
	case SIM_EXECUTE:
		process->record.state = LAUNCH_STATE_RUNNING;
		process->record.exec_at = sim->now;
		sim_world_tell(sim, process);
		sim_world_live(sim, process);
		return;
	case SIM_FAIL:
		sim_world_fail(sim, process);
		return;
	case SIM_EXIT:
		sim_world_on_end(sim, process, event->value);
		return;
	case SIM_FORK:
		sim_world_fork(sim, process);
		return;
	case SIM_TELL:
	case SIM_EMPTY:
	case SIM_NOTIFY:
		if (sim->manager)
			sim_world_deliver(sim, event);
		else if (event->type == SIM_NOTIFY) /* waits in the socket */
			sim_world_schedule(sim, 100000, SIM_NOTIFY, process, event->unit)->text = event->text;
		return;
	}
}

bool sim_world_step(struct sim *sim, usec_t until)
{
	struct sim_event *event = sim->events;
	usec_t alarm = sim->manager && sim->mutation != SIM_MUTATE_STOP_CLOCK ? sim->alarm : USEC_INFINITY;

	if (alarm <= until && (!event || alarm <= event->at)) {
		sim->now = MAX_OF(sim->now, alarm);
		sim->alarm = USEC_INFINITY;
		manager_on_alarm(sim->manager);
		return true;
	}
	if (!event || event->at > until) {
		sim->now = MAX_OF(sim->now, until);
		return false;
	}
	sim->now = MAX_OF(sim->now, event->at);
	sim->events = event->next;
	sim_world_do(sim, event);
	free(event);
	return true;
}

/* Requests on their way when the manager dies have arrived, or never will. */
void sim_world_disconnect(struct sim *sim)
{
	for (struct sim_process *process = sim->processes; process; process = process->next) {
		process->tell_queued = false;
		if (process->recorded && !process->spawned && !process->lost) {
			sim_world_cancel(sim, process);
			if (sim_chance(sim, 50))
				sim_world_spawn(sim, process);
			else
				process->lost = true;
		}
	}
	sim->alarm = USEC_INFINITY;
}

void sim_world_reconnect(struct sim *sim)
{
	for (struct sim_process *process = sim->processes, *next; process; process = next) {
		next = process->next;
		process->muted = false;
		process->tell_queued = process->recorded && process->spawned;
		if (process->recorded && !process->spawned)
			sim_world_remove(sim, process);
	}
	/* What the manager does with a record changes the list: the search begins anew each time. */
	for (struct sim_process *process = sim->processes; process;) {
		if (!process->tell_queued) {
			process = process->next;
			continue;
		}
		process->tell_queued = false;
		manager_on_record(sim->manager, &process->record);
		process = sim->processes;
	}
}

/* --- struct world_ops ---------------------------------------------------------------------------------- */

/* True while the calling manager is dead. May kill it right here. */
static bool sim_world_is_dead(struct sim *sim)
{
	if (!sim->dead && sim->crash_in > 0 && --sim->crash_in == 0) {
		sim_trace(sim, "--- the manager is killed inside a call");
		sim->dead = true;
		sim->frozen_size = sim->memory_size;
		sim->frozen = malloc(sim->memory_size);
		memcpy(sim->frozen, sim->memory, sim->memory_size);
	}
	return sim->dead;
}

static usec_t sim_world_monotonic(struct world *world)
{
	return sim_of(world)->now;
}

static usec_t sim_world_realtime(struct world *world)
{
	return sim_of(world)->now + 1000000 * USEC_PER_SEC;
}

static void sim_world_set_alarm(struct world *world, usec_t at)
{
	if (!sim_of(world)->dead)
		sim_of(world)->alarm = at;
}

static void sim_world_random(struct world *world, void *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = (uint8_t)sim_random(sim_of(world));
}

static int sim_world_load(struct world *world, const char *name, struct unit_config **ret)
{
	struct sim *sim = sim_of(world);
	int unit = sim_units_find(sim, name);
	struct unit_config *config;

	if (unit < 0) {
		bool is_slice = strstr(name, ".slice") != NULL; /* which needs no file */

		config = unit_config_new(name, is_slice ? UNIT_SLICE : UNIT_SERVICE);
		config->load_state = is_slice ? UNIT_LOADED : UNIT_NOT_FOUND;
	} else {
		config = sim_units_config(sim, (unsigned)unit);
	}
	if (sim->mutation == SIM_MUTATE_IGNORE_ORDER)
		for (enum unit_dependency order = UNIT_BEFORE; order <= UNIT_AFTER; order++)
			config->dependencies[order] = text_list_free(config->dependencies[order]);
	*ret = config;
	return 0;
}

static int sim_world_list_unit_files(_unused_ struct world *world, char ***ret_names)
{
	*ret_names = NULL;
	return 0;
}

static int sim_world_launch(struct world *world, const struct world_launch *launch, struct failure *failure,
			    int *ret_exit_status)
{
	struct sim *sim = sim_of(world);
	struct sim_process *process;
	unsigned unit;

	if (sim_world_is_dead(sim))
		return 0;
	unit = (unsigned)sim_units_find(sim, launch->unit);
	sim_check_launch(sim, launch);
	sim_trace(sim, "%s: launch command %d line %u", launch->unit, (int)launch->command, launch->index);
	if (!sim->quiet_faults && sim_chance(sim, 4)) {
		*ret_exit_status = 217;
		return failure_set(failure, -ESRCH, launch->unit, "no such user");
	}
	process = sim_world_new_process(sim, unit);
	process->recorded = true;
	process->record.head.id = launch->id;
	process->command = launch->command;
	process->is_main = launch->is_main && launch->config->type != SERVICE_FORKING;
	process->daemon = process->is_main && launch->config->type != SERVICE_ONESHOT;
	process->muted = !sim->quiet_faults && sim_chance(sim, 1);
	process->lost = !sim->quiet_faults && sim_chance(sim, 1);
	snprintf(process->record.label, sizeof process->record.label, "%s/x", launch->unit);
	if (!process->lost)
		sim_world_schedule(sim, sim_world_delay(sim, 1, 500), SIM_SPAWN, process, unit);
	return 0;
}

static void sim_world_describe_failure(_unused_ struct world *world, const char *unit,
				       const struct launch_record *record, struct failure *failure,
				       int *ret_exit_status)
{
	failure_set(failure, -record->failed_errno, unit, "a mount failed");
	*ret_exit_status = 226;
}

static void sim_world_forget(struct world *world, const struct launch_id *id)
{
	struct sim *sim = sim_of(world);
	struct sim_process *process;

	if (sim_world_is_dead(sim) || sim->mutation == SIM_MUTATE_KEEP_RECORDS)
		return;
	process = sim_world_find(sim, id);
	if (process && process->spawned && !process->alive)
		sim_world_remove(sim, process);
}

static int sim_world_adopt(struct world *world, _unused_ const char *unit, const struct launch_id *id,
			   pid_t pid)
{
	struct sim *sim = sim_of(world);

	if (sim_world_is_dead(sim))
		return 0;
	for (struct sim_process *process = sim->processes; process; process = process->next)
		if (process->alive && !process->recorded && process->record.pid == pid) {
			process->recorded = process->is_main = true;
			process->record.head.id = *id;
			process->record.state = LAUNCH_STATE_RUNNING;
			process->record.exec_at = sim->now;
			snprintf(process->record.label, sizeof process->record.label, "%s/x", unit);
			sim_world_tell(sim, process);
			return 0;
		}
	return -ESRCH;
}

static int sim_world_kill(struct world *world, const struct launch_id *id, int signal)
{
	struct sim *sim = sim_of(world);
	struct sim_process *process;

	if (sim_world_is_dead(sim))
		return 0;
	process = sim_world_find(sim, id);
	if (!process)
		return -ESRCH;
	sim_trace(sim, "%s: signal %d to pid %d", sim->units[process->unit].name, signal,
		  process->record.pid);
	sim_world_signal(sim, process, signal);
	return 0;
}

static int sim_world_kill_unit(struct world *world, const char *name,
			       _unused_ const struct unit_config *config, int signal,
			       const struct launch_id *except)
{
	struct sim *sim = sim_of(world);
	unsigned unit = (unsigned)sim_units_find(sim, name);

	if (sim_world_is_dead(sim) || sim->mutation == SIM_MUTATE_SPARE_GROUP)
		return 0;
	sim_trace(sim, "%s: signal %d to all", name, signal);
	for (struct sim_process *process = sim->processes; process; process = process->next)
		if (process->unit == unit && process->alive &&
		    !(except && process->recorded &&
		      memcmp(except, &process->record.head.id, sizeof *except) == 0))
			sim_world_signal(sim, process, signal);
	return 0;
}

static bool sim_world_owns(_unused_ struct world *world, _unused_ const char *unit, _unused_ pid_t pid)
{
	return true;
}

static bool sim_world_oom_killed(_unused_ struct world *world, _unused_ const char *unit)
{
	return false;
}

static bool sim_world_is_populated(struct world *world, const char *unit,
				   _unused_ const struct unit_config *config)
{
	int index = sim_units_find(sim_of(world), unit);

	return index >= 0 && sim_world_populated(sim_of(world), (unsigned)index);
}

static int sim_world_make_slice(struct world *world, const char *unit _unused_,
				const struct unit_config *config, struct failure *failure)
{
	struct sim *sim = sim_of(world);

	if (config->load_state != UNIT_LOADED || (!sim->quiet_faults && sim_chance(sim, 5)))
		return failure_set(failure, -EOPNOTSUPP, NULL, "no such controller");
	return 0;
}

static void sim_world_release(_unused_ struct world *world, _unused_ const char *unit,
			      _unused_ const struct unit_config *config)
{
}

static pid_t sim_world_find_main_pid(struct world *world, const char *name, const struct unit_config *config)
{
	struct sim *sim = sim_of(world);
	unsigned unit = (unsigned)sim_units_find(sim, name);
	const struct sim_process *found = NULL;

	if (config->pid_file && !sim->quiet_faults && sim_chance(sim, 30))
		return 0;
	for (const struct sim_process *process = sim->processes; process; process = process->next)
		if (process->unit == unit && process->alive && !process->recorded) {
			if (found && !config->pid_file)
				return 0;
			found = process;
		}
	return found ? found->record.pid : 0;
}

static int sim_world_condition(_unused_ struct world *world, _unused_ const struct unit_condition *condition)
{
	return 1;
}

static void *sim_world_memory(struct world *world, size_t size)
{
	struct sim *sim = sim_of(world);

	if (size > sim->memory_size) {
		/* It moves whenever it may, so that a pointer kept too long is found out. */
		void *memory = calloc(1, size);

		if (sim->memory)
			memcpy(memory, sim->memory, sim->memory_size);
		free(sim->memory);
		sim->memory = memory;
		sim->memory_size = size;
	}
	return sim->memory;
}

static void sim_world_log(struct world *world, _unused_ int priority, const char *unit, const char *text)
{
	if (!sim_of(world)->dead)
		sim_trace(sim_of(world), "%s: \"%s\"", unit, text);
}

static void sim_world_finished(struct world *world, _unused_ uint32_t action, _unused_ int exit_status)
{
	if (!sim_world_is_dead(sim_of(world)))
		sim_of(world)->finished = true;
}

/* Nothing freezes in a simulation. */
static void sim_world_thaw(_unused_ struct world *world, _unused_ const char *name)
{
}

static const struct world_ops sim_world_ops = {
	.monotonic = sim_world_monotonic,
	.realtime = sim_world_realtime,
	.set_alarm = sim_world_set_alarm,
	.random = sim_world_random,
	.load = sim_world_load,
	.list_unit_files = sim_world_list_unit_files,
	.launch = sim_world_launch,
	.describe_failure = sim_world_describe_failure,
	.forget = sim_world_forget,
	.adopt = sim_world_adopt,
	.kill = sim_world_kill,
	.kill_unit = sim_world_kill_unit,
	.thaw = sim_world_thaw,
	.populated = sim_world_is_populated,
	.owns = sim_world_owns,
	.oom_killed = sim_world_oom_killed,
	.release = sim_world_release,
	.make_slice = sim_world_make_slice,
	.find_main_pid = sim_world_find_main_pid,
	.condition = sim_world_condition,
	.memory = sim_world_memory,
	.log = sim_world_log,
	.finished = sim_world_finished,
};

void sim_world_init(struct sim *sim)
{
	sim->world.ops = &sim_world_ops;
	sim->now = 1000 * USEC_PER_SEC;
	sim->alarm = USEC_INFINITY;
	sim->last_pid = SIM_FIRST_PID;
}

void sim_world_deinit(struct sim *sim)
{
	while (sim->processes)
		sim_world_remove(sim, sim->processes);
	while (sim->events) {
		struct sim_event *event = sim->events;

		sim->events = event->next;
		free(event);
	}
	for (unsigned i = 0; i < sim->n_units; i++)
		sim->units[i].config = unit_config_free(sim->units[i].config);
	free(sim->memory);
	free(sim->frozen);
}
