/* See persist.h. Everything that decides how a unit goes on is here; what follows from its configuration is
 * not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manager/job.h"
#include "manager/persist.h"
#include "manager/process.h"

static_assert(sizeof(struct unit_timestamps) == sizeof(((struct store_unit *)NULL)->timestamps),
	      "all timestamps are stored");

static void persist_write_process(struct store_process *to, const struct unit_process *from)
{
	*to = (struct store_process){
		.id = from->id,
		.started_at = from->started_at,
		.started_realtime = from->started_realtime,
		.ended_at = from->ended_at,
		.ended_realtime = from->ended_realtime,
		.pid = from->pid,
		.wait_status = from->wait_status,
		.exit_status = from->exit_status,
		.alive = from->alive,
		.executed = from->executed,
		.command = from->command,
		.index = from->index,
	};
}

static void persist_read_process(struct unit_process *to, const struct store_process *from)
{
	*to = (struct unit_process){
		.id = from->id,
		.alive = from->alive,
		.executed = from->executed,
		.pid = from->pid,
		.started_at = from->started_at,
		.started_realtime = from->started_realtime,
		.ended_at = from->ended_at,
		.ended_realtime = from->ended_realtime,
		.wait_status = from->wait_status,
		.exit_status = from->exit_status,
		.command = from->command,
		.index = from->index,
	};
}

static void persist_write_job(struct store_unit *to, const struct job *job, usec_t deadline)
{
	to->job_id = job->id;
	to->job_type = (uint8_t)job->type;
	to->job_state = (uint8_t)job->state;
	to->job_irreversible = job->private->irreversible;
	to->job_ignore_order = job->private->ignore_order;
	to->job_starts = job->private->starts;
	to->job_begin_at = job->begin_at;
	to->job_deadline = deadline;
}

static void persist_write_text(char *to, size_t size, const char *from)
{
	/* Into a zeroed buffer, cut at its end. */
	if (from)
		memcpy(to, from, strnlen(from, size - 1));
}

/* A slice that has only just come up may have no slot yet. */
static uint32_t persist_slot_of_slice(struct unit *slice)
{
	if (slice && !slice->private->slot)
		persist_write(slice);
	return slice ? slice->private->slot : 0;
}

static void persist_fill(const struct unit *unit, struct store_unit *to)
{
	const struct unit_private *private = unit->private;
	const struct failure *failure = failure_kept(unit->last_failure);

	*to = (struct store_unit){
		.state = unit->state,
		.result = (uint8_t)unit->result,
		.reload_result = (uint8_t) private->reload_result,
		.forbid_restart = private->forbid_restart,
		.automatic_restart = private->automatic_restart,
		.notified_reloading = private->notified_reloading,
		.watchdog_overridden = private->watchdog_overridden,
		.condition_result = unit->condition_result,
		.assert_result = unit->assert_result,
		.notify_access = private->notify_access,
		.status_errno = unit->status_errno,
		.n_restarts = unit->n_restarts,
		.work = private->work,
		.deadline = unit->deadline,
		.watchdog_at = unit->watchdog_at,
		.watchdog = private->watchdog,
		.reload_begin = private->reload_begin,
		.limit_begin = private->start_limit.begin,
		.limit_n = private->start_limit.n,
		.started_fingerprint = unit->started_fingerprint,
		.failure_error = failure->error,
	};
	to->slice = persist_slot_of_slice(private->slice);
	memcpy(to->timestamps, &unit->timestamps, sizeof to->timestamps);
	memcpy(to->invocation_id, unit->invocation_id, sizeof to->invocation_id);
	persist_write_process(&to->main, &unit->main);
	persist_write_process(&to->control, &unit->control);
	persist_write_text(to->status_text, sizeof to->status_text, unit->status_text);
	persist_write_text(to->failure_where, sizeof to->failure_where, failure->where);
	persist_write_text(to->failure_text, sizeof to->failure_text, failure->text);
	if (unit->job)
		persist_write_job(to, unit->job, private->deadlines[UNIT_DEADLINE_JOB].at);
}

int persist_write(struct unit *unit)
{
	struct store *store = &unit->manager->private->store;
	struct store_unit stored;
	int r;

	if (!unit->private->slot) {
		r = store_add(store, unit->name, &unit->private->slot);
		if (r < 0)
			return r;
	}
	persist_fill(unit, &stored);
	store_write(store, unit->private->slot, &stored);
	return 0;
}

void persist_forget(struct unit *unit)
{
	if (unit->private->slot)
		store_remove(&unit->manager->private->store, unit->private->slot);
	unit->private->slot = 0;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static int persist_restore_job(struct unit *unit, const struct store_unit *from)
{
	struct manager *manager = unit->manager;
	uint32_t last = manager->last_job_id;
	struct job *job;

	if (from->job_id == 0 || from->job_type > JOB_VERIFY_ACTIVE)
		return 0;
	/* The number it had. */
	manager->last_job_id = from->job_id - 1;
	job = job_new(manager, unit, from->job_type);
	manager->last_job_id = MAX_OF(last, manager->last_job_id);
	store_globals(&manager->private->store)->last_job_id = manager->last_job_id;
	if (!job)
		return -ENOMEM;
	job->state = from->job_state == JOB_RUNNING ? JOB_RUNNING : JOB_WAITING;
	job->begin_at = from->job_begin_at;
	job->private->irreversible = from->job_irreversible;
	job->private->ignore_order = from->job_ignore_order;
	job->private->starts = from->job_starts;
	unit_set_deadline(unit, UNIT_DEADLINE_JOB, from->job_deadline);
	job_restore(job);
	return 0;
}

static void persist_read_text(char *to, size_t size, const char *from, size_t from_size)
{
	snprintf(to, size, "%.*s", (int)from_size, from);
}

static int persist_read_unit(struct unit *unit, const struct store_unit *from)
{
	struct unit_private *private = unit->private;
	struct failure failure = {.error = from->failure_error};
	char status[sizeof from->status_text + 1];

	unit->state = from->state;
	unit->result = from->result < SERVICE_RESULT_MAX_ ? from->result : SERVICE_SUCCESS;
	unit->condition_result = from->condition_result;
	unit->assert_result = from->assert_result;
	unit->status_errno = from->status_errno;
	unit->n_restarts = from->n_restarts;
	unit->watchdog_at = from->watchdog_at;
	unit->started_fingerprint = from->started_fingerprint;
	private->reload_result =
		from->reload_result < SERVICE_RESULT_MAX_ ? from->reload_result : SERVICE_SUCCESS;
	private->forbid_restart = from->forbid_restart;
	private->automatic_restart = from->automatic_restart;
	private->notified_reloading = from->notified_reloading;
	private->watchdog_overridden = from->watchdog_overridden;
	private->notify_access = from->notify_access;
	private->watchdog = from->watchdog;
	private->reload_begin = from->reload_begin;
	private->work = from->work;
	private->start_limit = (struct limit){.begin = from->limit_begin, .n = from->limit_n};
	memcpy(&unit->timestamps, from->timestamps, sizeof unit->timestamps);
	memcpy(unit->invocation_id, from->invocation_id, sizeof unit->invocation_id);
	persist_read_process(&unit->main, &from->main);
	persist_read_process(&unit->control, &from->control);
	persist_read_text(failure.where, sizeof failure.where, from->failure_where,
			  sizeof from->failure_where);
	persist_read_text(failure.text, sizeof failure.text, from->failure_text, sizeof from->failure_text);
	failure_keep(&unit->last_failure, &failure);
	persist_read_text(status, sizeof status, from->status_text, sizeof from->status_text);
	return status[0] ? text_set(&unit->status_text, status) : 0;
}

static int persist_restore_unit(struct manager *manager, const char *name, const struct store_unit *from,
				uint32_t slot)
{
	static const uint8_t states[UNIT_KIND_MAX_] = {
		[UNIT_SERVICE] = SERVICE_STATE_MAX_,
		[UNIT_TARGET] = TARGET_STATE_MAX_,
		[UNIT_SLICE] = SLICE_STATE_MAX_,
	};
	struct unit *unit;
	int r = manager_restore_unit(manager, name, &unit);

	if (r == -EINVAL) { /* a name that this build does not take: nothing can be done with it */
		store_remove(&manager->private->store, slot);
		return 0;
	}
	if (r < 0)
		return r;
	unit->private->slot = slot;
	if (from->state >= states[unit->kind])
		return 0;
	r = persist_read_unit(unit, from);
	if (r < 0)
		return r;
	if (unit_active_state(unit) == UNIT_FAILED)
		manager->private->n_failed_units++;
	unit_set_deadline(unit, UNIT_DEADLINE_STATE, from->deadline);
	r = process_restore(unit);
	if (r < 0)
		return r;
	if (from->work)
		manager_add_work(unit, from->work);
	return 0;
}

/* Units that are up stay in the slices they were in, whatever the files say now. */
static void persist_restore_slices(struct manager *manager)
{
	struct store *store = &manager->private->store;

	for (uint32_t slot = 1; slot <= store->n_slots; slot++) {
		const char *name, *slice_name;
		const struct store_unit *from = store_read(store, slot, &name);
		struct unit *unit = from && from->slice ? manager_get_unit(manager, name) : NULL, *slice;

		if (!unit || from->slice > store->n_slots || !store_read(store, from->slice, &slice_name))
			continue;
		slice = manager_get_unit(manager, slice_name);
		if (slice)
			slice_restore_user(unit, slice);
	}
	slice_restore(manager);
}

int persist_restore(struct manager *manager)
{
	struct store *store = &manager->private->store;
	const struct store_unit *from;
	const char *name;
	int r;

	/* Jobs come when all units are there: installing one looks at its neighbours. */
	for (int jobs = 0; jobs <= 1; jobs++)
		for (uint32_t slot = 1; slot <= store->n_slots; slot++) {
			struct unit *unit;

			from = store_read(store, slot, &name);
			if (!from)
				continue;
			unit = manager_get_unit(manager, name);
			r = jobs ? (unit ? persist_restore_job(unit, from) : 0)
				 : persist_restore_unit(manager, name, from, slot);
			if (r < 0)
				return r;
		}
	persist_restore_slices(manager);
	return 0;
}
