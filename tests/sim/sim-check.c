/* See sim.h. What must hold in every history. The checks look at the unit files as the world has them and at
 * the simulated processes, not at what the manager believes about either. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "manager/process.h"
#include "tests/sim/sim.h"

#define SIM_JOB_LIMIT \
	(300 * USEC_PER_SEC)	    /* no job may take longer: the sum of all timeouts is far below \
					    */
#define SIM_TELL_LIMIT USEC_PER_SEC /* from the end of a process to the manager having dealt with it */
#define SIM_LATE_LIMIT USEC_PER_SEC

void sim_violate(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (sim->violation[0])
		return;
	va_start(arguments, format);
	vsnprintf(sim->violation, sizeof sim->violation, format, arguments);
	va_end(arguments);
	sim_trace(sim, "VIOLATION: %s", sim->violation);
}

/* --- ordering ------------------------------------------------------------------------------------------ */

static bool sim_check_says(const struct sim *sim, unsigned unit, enum unit_dependency order, unsigned other)
{
	/* A file that became bad does not count: what runs goes on as it was. */
	return sim->units[unit].config->load_state == UNIT_LOADED &&
	       text_list_contains(sim->units[unit].config->dependencies[order], sim->units[other].name);
}

static bool sim_check_is_after(const struct sim *sim, unsigned unit, unsigned other)
{
	return sim_check_says(sim, unit, UNIT_AFTER, other) || sim_check_says(sim, other, UNIT_BEFORE, unit);
}

void sim_check_launch(struct sim *sim, const struct world_launch *launch)
{
	unsigned unit = (unsigned)sim_units_find(sim, launch->unit);
	const struct unit *managed = manager_get_unit(sim->manager, launch->unit);

	bool first = !sim->units[unit].launched; /* since it was down */

	sim->units[unit].launched = true;
	if (!first || launch->command > SERVICE_EXEC_START || !managed || !managed->job ||
	    managed->job->private->ignore_order)
		return;
	for (unsigned other = 0; other < sim->n_units; other++) {
		const struct unit *neighbour = manager_get_unit(sim->manager, sim->units[other].name);
		const struct job *job = neighbour ? neighbour->job : NULL;
		bool after = sim_check_is_after(sim, unit, other),
		     before = sim_check_is_after(sim, other, unit);

		if (other == unit || !job)
			continue;
		if (after && !before)
			sim_violate(sim, "%s starts before the %s of %s is done", launch->unit,
				    job_type_names[job->type], neighbour->name);
		if (before && !after && (job->type == JOB_STOP || job->type == JOB_RESTART))
			sim_violate(sim, "%s starts before %s has stopped", launch->unit, neighbour->name);
	}
}

static void sim_check_stop_order(struct sim *sim, unsigned unit, const struct unit *managed)
{
	bool by_job = managed->job && managed->job->state == JOB_RUNNING &&
		      !managed->job->private->ignore_order &&
		      (managed->job->type == JOB_STOP || managed->job->type == JOB_RESTART);

	for (unsigned other = 0; by_job && other < sim->n_units; other++) {
		const struct unit *neighbour = manager_get_unit(sim->manager, sim->units[other].name);
		const struct job *job = neighbour ? neighbour->job : NULL;

		if (other != unit && job && (job->type == JOB_STOP || job->type == JOB_RESTART) &&
		    sim_check_is_after(sim, other, unit) && !sim_check_is_after(sim, unit, other))
			sim_violate(sim, "%s stops before %s, which is after it", managed->name,
				    neighbour->name);
	}
}

static void sim_check_unit_changed(void *data, struct unit *managed)
{
	struct sim *sim = data;
	int unit = sim_units_find(sim, managed->name);
	enum unit_active_state now = unit_active_state(managed);

	if (unit < 0 || sim->dead)
		return;
	if (sim->units[unit].last != now)
		sim_trace(sim, "%s: %s (%s)", managed->name, unit_active_state_names[now],
			  unit_sub_state(managed));
	if (sim->units[unit].last == UNIT_ACTIVE && now == UNIT_DEACTIVATING)
		sim_check_stop_order(sim, (unsigned)unit, managed);
	sim->units[unit].last = now;
	sim->units[unit].launched &= !unit_is_down(managed) && managed->state != SERVICE_AUTO_RESTART;
}

static void sim_check_job_new(void *data, struct job *job)
{
	sim_trace(data, "job %u: %s %s", job->id, job_type_names[job->type], job->unit->name);
}

static void sim_check_job_removed(void *data, struct job *job, enum job_result result)
{
	sim_trace(data, "job %u: %s %s is %s", job->id, job_type_names[job->type], job->unit->name,
		  job_result_names[result]);
}

const struct manager_observer sim_check_observer = {
	.unit_changed = sim_check_unit_changed,
	.job_new = sim_check_job_new,
	.job_removed = sim_check_job_removed,
};

/* --- at rest ------------------------------------------------------------------------------------------- */

static bool sim_check_is_moving(const struct unit *unit)
{
	enum unit_active_state state = unit_active_state(unit);

	return state == UNIT_ACTIVATING || state == UNIT_RELOADING || state == UNIT_DEACTIVATING;
}

/* Every state on the way to another ends in bounded time. */
static void sim_check_stuck(struct sim *sim, const struct unit *unit)
{
	bool restart_queued = unit->kind == UNIT_SERVICE && unit->state == SERVICE_AUTO_RESTART && unit->job;

	if (sim_check_is_moving(unit) && unit->deadline == USEC_INFINITY && !restart_queued)
		sim_violate(sim, "%s is in %s without a deadline", unit->name, unit_sub_state(unit));
	if (unit->deadline != USEC_INFINITY &&
	    MAX_OF(MAX_OF(unit->deadline, unit->timestamps.state_change[1]), sim->connected_at) +
			    SIM_LATE_LIMIT <
		    sim->now)
		sim_violate(sim, "%s is in %s past its deadline", unit->name, unit_sub_state(unit));
	if (unit->job && unit->job->begin_at + SIM_JOB_LIMIT < sim->now)
		sim_violate(sim, "job %s of %s never ends", job_type_names[unit->job->type], unit->name);
}

static bool sim_check_is_same(const struct unit_process *process, const struct sim_process *simulated)
{
	return process->alive && memcmp(&process->id, &simulated->record.head.id, sizeof process->id) == 0;
}

static void sim_check_process(struct sim *sim, struct sim_process *process)
{
	const char *name = sim->units[process->unit].name;
	const struct unit *unit = manager_get_unit(sim->manager, name);
	enum kill_mode mode = unit ? unit->config->kill_mode : KILL_CONTROL_GROUP;
	bool gone = !unit || unit_is_down(unit) || unit->state == SERVICE_AUTO_RESTART,
	     kills_all = mode <= KILL_MIXED;

	if (process->alive && gone && !kills_all)
		process->spared = true;
	if (process->alive && gone && !process->spared)
		sim_violate(sim, "%s is down, its pid %d lives", name, process->record.pid);
	if (process->recorded && process->spawned && !process->alive && !process->muted &&
	    MAX_OF(process->record.ended_at, sim->connected_at) + SIM_TELL_LIMIT < sim->now)
		sim_violate(sim, "%s: pid %d has ended and %s", name, process->record.pid,
			    unit && (sim_check_is_same(&unit->main, process) ||
				     sim_check_is_same(&unit->control, process))
				    ? "its unit does not know"
				    : "its record is kept for ever");
}

static void sim_check_units_processes(struct sim *sim, const struct unit *unit)
{
	if (unit->kind == UNIT_SERVICE && unit_is_down(unit) && (unit->main.alive || unit->control.alive))
		sim_violate(sim, "%s is down and believes in a living process", unit->name);
	if (unit_is_down(unit) && unit->job && unit->job->state == JOB_RUNNING)
		sim_violate(sim, "%s is down, its job %s runs", unit->name, job_type_names[unit->job->type]);
}

/* A slice is up while something in it is, and knows what. */
static void sim_check_slices(struct sim *sim)
{
	TABLE_FOREACH (slot, &sim->manager->units) {
		const struct unit *slice = slot->value;
		unsigned n = 0;

		TABLE_FOREACH (other, &sim->manager->units) {
			const struct unit *unit = other->value;

			if (unit->private->slice != slice)
				continue;
			n++;
			if (unit_is_down(unit))
				sim_violate(sim, "%s is down and keeps %s up", unit->name, slice->name);
		}
		if (n != slice->private->n_users)
			sim_violate(sim, "%s has %u users and counts %u", slice->name, n,
				    slice->private->n_users);
		if (n > 0 && unit_is_down(slice))
			sim_violate(sim, "%s is down with %u units in it", slice->name, n);
		if (slice->kind == UNIT_SERVICE && !unit_is_down(slice) && !slice->private->slice)
			sim_violate(sim, "%s is up in no slice", slice->name);
	}
}

void sim_check_step(struct sim *sim)
{
	unsigned n_failed = 0, n_jobs = 0;

	if (!sim->manager)
		return;
	for (unsigned i = 0; i < sim->n_units; i++) {
		const struct unit *unit = manager_get_unit(sim->manager, sim->units[i].name);

		if (!unit)
			continue;
		n_failed += unit_active_state(unit) == UNIT_FAILED;
		n_jobs += unit->job != NULL;
		sim_check_stuck(sim, unit);
		sim_check_units_processes(sim, unit);
	}
	if (n_failed != manager_count_failed(sim->manager) || n_jobs != sim->manager->n_installed_jobs)
		sim_violate(sim, "%u failed units and %u jobs, counted are %u and %u", n_failed, n_jobs,
			    manager_count_failed(sim->manager), sim->manager->n_installed_jobs);
	if (sim->manager->jobs.count != n_jobs)
		sim_violate(sim, "%zu jobs are known, %u are installed", sim->manager->jobs.count, n_jobs);
	for (struct sim_process *process = sim->processes; process; process = process->next)
		sim_check_process(sim, process);
	sim_check_slices(sim);
}

void sim_check_end(struct sim *sim)
{
	if (!sim->finished)
		sim_violate(sim, "the shutdown never ended");
	if (sim->manager->n_installed_jobs)
		sim_violate(sim, "%u jobs outlive the shutdown", sim->manager->n_installed_jobs);
	for (const struct sim_process *process = sim->processes; process; process = process->next)
		if (process->recorded && process->spawned && !process->muted)
			sim_violate(sim, "%s: the record of pid %d outlives the shutdown",
				    sim->units[process->unit].name, process->record.pid);
	if (sim->memory_size > 1 << 20)
		sim_violate(sim, "the store has grown to %zu bytes", sim->memory_size);
}

/* --- what a user sees ---------------------------------------------------------------------------------- */

static void sim_check_dump_process(struct text_buffer *text, const char *name,
				   const struct unit_process *process)
{
	if (!process_id_is_set(&process->id))
		return;
	text_buffer_append(text, " %s=", name);
	for (size_t i = 0; i < sizeof process->id.bytes; i++)
		text_buffer_append(text, "%02x", process->id.bytes[i]);
	text_buffer_append(text, "/%d/%d/%#x/%d/%u.%u/%" PRIu64 "/%" PRIu64, process->pid,
			   process->alive + 2 * process->executed, (unsigned)process->wait_status,
			   process->exit_status, process->command, process->index, process->started_at,
			   process->ended_at);
}

static void sim_check_dump_unit(struct text_buffer *text, const struct unit *unit)
{
	const struct failure *failure = failure_kept(unit->last_failure);

	text_buffer_append(text,
			   "%s %s/%s result=%s restarts=%u deadline=%" PRIu64
			   " status=\"%.90s\" failure=%d:%.90s:%.180s",
			   unit->name, unit_active_state_names[unit_active_state(unit)], unit_sub_state(unit),
			   service_result_names[unit->result], unit->n_restarts, unit->deadline,
			   unit->status_text ? unit->status_text : "", failure->error, failure->where,
			   failure->text);
	sim_check_dump_process(text, "main", &unit->main);
	sim_check_dump_process(text, "control", &unit->control);
	for (size_t i = 0; i < sizeof unit->timestamps / sizeof(usec_t); i++)
		text_buffer_append(text, " %" PRIu64, ((const usec_t *)&unit->timestamps)[i]);
	if (unit->job)
		text_buffer_append(text, " job=%u/%s/%s/%" PRIu64 "/%" PRIu64, unit->job->id,
				   job_type_names[unit->job->type], job_state_names[unit->job->state],
				   unit->job->begin_at, unit->private->deadlines[UNIT_DEADLINE_JOB].at);
	text_buffer_append(text, "\n");
}

char *sim_check_dump(struct sim *sim)
{
	struct text_buffer text = {};

	for (unsigned i = 0; i < sim->n_units; i++) {
		const struct unit *unit = manager_get_unit(sim->manager, sim->units[i].name);

		/* One that was only looked at is not remembered. */
		if (unit && (unit->timestamps.state_change[1] || unit->job || unit->timestamps.condition[1]))
			sim_check_dump_unit(&text, unit);
	}
	text_buffer_append(&text, "%s %u failed", manager_system_state(sim->manager),
			   manager_count_failed(sim->manager));
	return text_buffer_finish(&text);
}
