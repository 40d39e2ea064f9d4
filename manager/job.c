/* See job.h. Propagation is a phase of its own with a queue: finishing a job may finish others, but no unit
 * acts before manager_run() takes the next job. A job that must wait hangs on the one unit that holds it up,
 * so the end of a job looks only at those that wait for it. */
#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "manager/job.h"
#include "manager/service.h"

bool job_type_merge(enum job_type a, enum job_type b, enum job_type *ret)
{
	/* Symmetric; JOB_NOP marks what cannot be one job. Only types that can be installed meet here. */
	static const enum job_type merged[][JOB_VERIFY_ACTIVE + 1] = {
		[JOB_START] = {JOB_START, JOB_NOP, JOB_RELOAD_OR_START, JOB_RESTART, JOB_START},
		[JOB_STOP] = {JOB_NOP, JOB_STOP, JOB_NOP, JOB_NOP, JOB_NOP},
		[JOB_RELOAD] = {JOB_RELOAD_OR_START, JOB_NOP, JOB_RELOAD, JOB_RESTART, JOB_RELOAD},
		[JOB_RESTART] = {JOB_RESTART, JOB_NOP, JOB_RESTART, JOB_RESTART, JOB_RESTART},
		[JOB_VERIFY_ACTIVE] = {JOB_START, JOB_NOP, JOB_RELOAD, JOB_RESTART, JOB_VERIFY_ACTIVE},
	};

	static_assert(ARRAY_SIZE(merged) == JOB_VERIFY_ACTIVE + 1, "a row per type that can be installed");
	assert(a <= JOB_VERIFY_ACTIVE && b <= JOB_VERIFY_ACTIVE);
	if (merged[a][b] == JOB_NOP)
		return false;
	*ret = merged[a][b];
	return true;
}

/* Everything that OTHER would do, TYPE does too. */
static bool job_type_covers(enum job_type type, enum job_type other)
{
	enum job_type merged;

	return job_type_merge(type, other, &merged) && merged == type;
}

bool job_type_is_redundant(enum job_type type, const struct unit *unit)
{
	switch (type) {
	case JOB_START:
	case JOB_VERIFY_ACTIVE:
		return unit_is_up(unit);
	case JOB_STOP:
		return unit_is_down(unit);
	case JOB_RELOAD:
		return unit_active_state(unit) == UNIT_RELOADING;
	case JOB_NOP:
		return true;
	case JOB_RESTART:
	case JOB_TRY_RESTART:
	case JOB_RELOAD_OR_START:
	case JOB_TYPE_MAX_:
		break;
	}
	return false;
}

enum job_type job_type_collapse(enum job_type type, const struct unit *unit)
{
	bool going_or_gone = unit_is_down(unit) || unit_active_state(unit) == UNIT_DEACTIVATING;

	if (type == JOB_TRY_RESTART)
		return going_or_gone ? JOB_NOP : JOB_RESTART;
	if (type == JOB_RELOAD_OR_START)
		return going_or_gone ? JOB_START : JOB_RELOAD;
	return type;
}

static bool job_type_stops(enum job_type type)
{
	return type == JOB_STOP || type == JOB_RESTART;
}

bool job_type_waits(enum job_type a, enum job_type b, bool after)
{
	if (a == JOB_NOP || b == JOB_NOP)
		return false;
	return after ? !job_type_stops(a) : job_type_stops(b);
}

static struct job_private *job_private(struct job *job)
{
	return job->private;
}

bool job_is_start(const struct job *job)
{
	return job->type == JOB_START || job->type == JOB_VERIFY_ACTIVE ||
	       (job->type == JOB_RELOAD && job->private->starts);
}

struct job *job_new(struct manager *manager, struct unit *unit, enum job_type type)
{
	struct job_private *private = calloc(1, sizeof *private);

	if (!private)
		return NULL;
	private->job = (struct job){
		.type = type, .unit = unit, .private = private, .begin_at = manager_now(manager)};
	private->starts = type == JOB_START;
	do {
		if (++manager->last_job_id == 0)
			++manager->last_job_id;
		private->job.id = manager->last_job_id;
		snprintf(private->key, sizeof private->key, "%u", private->job.id);
	} while (table_get(&manager->jobs, private->key));
	if (table_put(&manager->jobs, private->key, &private->job) < 0) {
		free(private);
		return NULL;
	}
	store_globals(&manager->private->store)->last_job_id = manager->last_job_id;
	return &private->job;
}

struct job *job_free(struct job *job)
{
	struct job_private *private;

	if (!job)
		return NULL;
	private = job_private(job);
	table_remove(&job->unit->manager->jobs, private->key);
	queue_remove(&private->run_link);
	queue_remove(&private->wait_link);
	queue_remove(&private->finish_link);
	free(private);
	return NULL;
}

/* Its type or state changed: whoever waits for it has to look again. */
static void job_wake_waiters(struct unit *unit)
{
	struct queue_link *link;

	while ((link = queue_pop(&unit->private->waiters)))
		job_wake(&QUEUE_ENTRY(link, struct job_private, wait_link)->job);
}

void job_wake(struct job *job)
{
	if (job->state != JOB_WAITING)
		return;
	queue_remove(&job_private(job)->wait_link);
	queue_push(&job->unit->manager->private->runnable, &job_private(job)->run_link);
}

static void job_arm_timeout(struct job *job)
{
	usec_t timeout = job->unit->config->job_timeout;

	unit_set_deadline(job->unit, UNIT_DEADLINE_JOB,
			  timeout == 0 ? USEC_INFINITY : time_add(job->begin_at, timeout));
}

static void job_set_type(struct job *job, enum job_type type)
{
	job->type = type;
	job->state = JOB_WAITING;
	job_wake_waiters(job->unit);
	job_wake(job);
	manager_touch(job->unit);
}

static struct job *job_merge(struct job *installed, struct job *job)
{
	struct job_private *into = job_private(installed);
	enum job_type type = installed->type;
	_unused_ bool mergeable = job_type_merge(installed->type, job->type, &type);
	bool covered;

	assert(mergeable);
	/* A running reload may have read the old configuration: it does not stand for a later one. */
	covered = installed->state == JOB_RUNNING && job->type != JOB_RELOAD &&
		  job_type_covers(installed->type, job->type);
	into->irreversible |= job_private(job)->irreversible;
	into->ignore_order &= job_private(job)->ignore_order;
	into->starts |= job_private(job)->starts;
	job_free(job);
	if (!covered)
		job_set_type(installed, job_type_collapse(type, installed->unit));
	manager_touch(installed->unit);
	return installed;
}

struct job *job_install(struct job *job)
{
	struct unit *unit = job->unit;
	struct manager *manager = unit->manager;
	enum job_type merged;

	if (job->type == JOB_NOP) {
		job_wake(job);
	} else {
		if (unit->job && job_type_merge(unit->job->type, job->type, &merged))
			return job_merge(unit->job, job);
		if (unit->job)
			job_finish(unit->job, JOB_CANCELED, false);
		unit->job = job;
		manager->n_installed_jobs++;
		job_arm_timeout(job);
		job_wake(job);
		manager_touch(unit);
	}
	if (manager->observer.job_new)
		manager->observer.job_new(manager->observer.data, job);
	return job;
}

void job_restore(struct job *job)
{
	struct manager *manager = job->unit->manager;

	job->unit->job = job;
	manager->n_installed_jobs++;
	job_wake(job);
	if (manager->observer.job_new)
		manager->observer.job_new(manager->observer.data, job);
}

/* --- the end of a job ---------------------------------------------------------------------------------- */

static void job_queue_finish(struct queue *finishing, struct job *job, enum job_result result)
{
	struct job_private *private = job_private(job);

	if (private->finished)
		return;
	private->finished = true;
	private->result = result;
	queue_push(finishing, &private->finish_link);
}

/* Those that name UNIT in DEPENDENCY and are about to start cannot. */
static void job_fail_dependents(struct queue *finishing, struct unit *unit, enum unit_dependency dependency)
{
	const struct graph_list *list = graph_neighbours(unit->private->node, dependency, true);

	for (uint32_t i = 0; i < list->n; i++) {
		struct unit *other = list->items[i].other->unit;

		if (other && other->job && job_is_start(other->job))
			job_queue_finish(finishing, other->job, JOB_DEPENDENCY);
	}
}

static void job_propagate(struct queue *finishing, const struct job *job, enum job_result result)
{
	if (result == JOB_DONE) {
		/* A verify-active that was merged into a start must fail who asked for it, if the unit is not
		 * up after all. */
		if (job->type == JOB_START && !unit_is_up(job->unit))
			job_fail_dependents(finishing, job->unit, UNIT_REQUISITE);
		return;
	}
	if (job_is_start(job)) {
		job_fail_dependents(finishing, job->unit, UNIT_REQUIRES);
		job_fail_dependents(finishing, job->unit, UNIT_REQUISITE);
		job_fail_dependents(finishing, job->unit, UNIT_BINDS_TO);
	} else if (job->type == JOB_STOP) {
		job_fail_dependents(finishing, job->unit, UNIT_CONFLICTS);
	}
}

static void job_log_result(const struct job *job, enum job_result result)
{
	static const char *const verbs[JOB_TYPE_MAX_] = {
		[JOB_START] = "start",		[JOB_STOP] = "stop",
		[JOB_RELOAD] = "reload",	[JOB_RESTART] = "restart",
		[JOB_VERIFY_ACTIVE] = "verify",
	};

	if (!verbs[job->type] || result == JOB_CANCELED || result == JOB_SKIPPED)
		return;
	if (result == JOB_DONE)
		manager_log(job->unit, LOG_INFO, "Job to %s it is done", verbs[job->type]);
	else
		manager_log(job->unit, LOG_ERR, "Failed to %s it: %s", verbs[job->type],
			    job_result_names[result]);
}

static void job_finish_one(struct queue *finishing, struct job *job, enum job_result result, bool propagate)
{
	struct unit *unit = job->unit;
	struct manager *manager = unit->manager;

	job_log_result(job, result);
	if (unit->job == job) {
		unit->job = NULL;
		manager->n_installed_jobs--;
		unit_set_deadline(unit, UNIT_DEADLINE_JOB, USEC_INFINITY);
		job_wake_waiters(unit);
		manager_touch(unit);
		if (propagate)
			job_propagate(finishing, job, result);
		if (propagate && result != JOB_DONE && unit->kind == UNIT_SERVICE)
			service_on_job_lost(unit);
		slice_on_user(unit);
	}
	if (result == JOB_FAILED || result == JOB_TIMEOUT || result == JOB_DEPENDENCY)
		manager->n_failed_jobs++;
	/* A failed unit triggers this itself; one that never got to run does not. */
	if ((result == JOB_TIMEOUT || result == JOB_DEPENDENCY) &&
	    unit->config->dependencies[UNIT_ON_FAILURE])
		manager_add_work(unit, UNIT_WORK_ON_FAILURE);
	if (manager->observer.job_removed)
		manager->observer.job_removed(manager->observer.data, job, result);
	job_free(job);
}

void job_finish(struct job *job, enum job_result result, bool propagate)
{
	struct queue finishing;
	struct queue_link *link;

	if (job->type == JOB_RESTART && result == JOB_DONE) {
		job_private(job)->starts = true;
		job_set_type(job, JOB_START);
		return;
	}
	queue_init(&finishing);
	job_queue_finish(&finishing, job, result);
	while ((link = queue_pop(&finishing))) {
		struct job_private *private = QUEUE_ENTRY(link, struct job_private, finish_link);

		job_finish_one(&finishing, &private->job, private->result, propagate);
	}
}

/* --- running ------------------------------------------------------------------------------------------- */

/* A unit whose job has to be gone before JOB may run; NULL when there is none. */
static struct unit *job_find_blocker(const struct job *job)
{
	struct graph_walk walk = {.node = job->unit->private->node};
	struct unit *other;
	bool after;

	if (job->type == JOB_NOP || job->private->ignore_order)
		return NULL;
	while ((other = graph_next_ordered(&walk, &after)))
		if (other->job && job_type_waits(job->type, other->job->type, after))
			return other;
	return NULL;
}

static int job_verify_active(const struct unit *unit)
{
	if (unit_is_up(unit))
		return -EALREADY;
	return unit_active_state(unit) == UNIT_ACTIVATING ? -EAGAIN : -EBADR;
}

static int job_perform(const struct job *job)
{
	switch (job->type) {
	case JOB_START:
		return unit_start(job->unit);
	case JOB_STOP:
	case JOB_RESTART:
		return unit_stop(job->unit);
	case JOB_RELOAD:
		return unit_reload(job->unit);
	case JOB_VERIFY_ACTIVE:
		return job_verify_active(job->unit);
	case JOB_NOP:
		return -EALREADY;
	case JOB_TRY_RESTART:
	case JOB_RELOAD_OR_START:
	case JOB_TYPE_MAX_:
		break;
	}
	assert(!"a job of this type is never installed");
	return -EINVAL;
}

/* What the answer of a unit means for the job that asked. */
static void job_take_answer(struct job *job, int answer)
{
	switch (answer) {
	case 0:
		return;
	case -EAGAIN:
		job->state = JOB_WAITING; /* a change of the unit's state wakes it */
		manager_touch(job->unit);
		return;
	case -EALREADY:
	case -ECOMM:
		job_finish(job, JOB_DONE, true);
		return;
	case -EBADR:
		job_finish(job, JOB_SKIPPED, true);
		return;
	case -ENOEXEC:
		job_finish(job, JOB_INVALID, true);
		return;
	case -EPROTO:
		job_finish(job, JOB_ASSERT, true);
		return;
	case -ENOLINK:
		job_finish(job, JOB_DEPENDENCY, true);
		return;
	default:
		job_finish(job, JOB_FAILED, true);
	}
}

bool job_run_next(struct manager *manager)
{
	struct queue_link *link = queue_pop(&manager->private->runnable);
	struct unit *blocker;
	struct job *job;
	uint32_t id;
	int r;

	if (!link)
		return false;
	job = &job_of_link(link)->job;
	blocker = job_find_blocker(job);
	if (blocker) {
		queue_push(&blocker->private->waiters, &job_private(job)->wait_link);
		return true;
	}
	id = job->id;
	job->state = JOB_RUNNING;
	manager_touch(job->unit);
	r = job_perform(job);
	/* The unit's new state may have finished it already, or a restart may be waiting to start now. */
	job = manager_get_job(manager, id);
	if (job && job->state == JOB_RUNNING)
		job_take_answer(job, r);
	return true;
}

static enum job_result job_result_when_down(enum unit_active_state now)
{
	return now == UNIT_FAILED ? JOB_FAILED : JOB_DONE;
}

void job_on_unit_state(struct unit *unit, enum unit_active_state now)
{
	struct job *job = unit->job;
	bool down = now == UNIT_INACTIVE || now == UNIT_FAILED;

	if (!job)
		return;
	switch (job->type) {
	case JOB_START:
	case JOB_VERIFY_ACTIVE:
		if (now == UNIT_ACTIVE || now == UNIT_RELOADING)
			job_finish(job, JOB_DONE, true);
		else if (job->state == JOB_RUNNING && down)
			job_finish(job, job_result_when_down(now), true);
		else
			job_wake(job);
		return;
	case JOB_RELOAD:
		if (job->state == JOB_RUNNING && now == UNIT_ACTIVE)
			job_finish(job,
				   unit->private->reload_result == SERVICE_SUCCESS ? JOB_DONE : JOB_FAILED,
				   true);
		else if (job->state == JOB_RUNNING && down)
			job_finish(job, job_result_when_down(now), true);
		else
			job_wake(job);
		return;
	case JOB_STOP:
	case JOB_RESTART:
		if (down)
			job_finish(job, JOB_DONE, true);
		else if (job->state == JOB_RUNNING && now != UNIT_DEACTIVATING)
			job_finish(job, JOB_FAILED, true);
		else
			job_wake(job);
		return;
	case JOB_TRY_RESTART:
	case JOB_RELOAD_OR_START:
	case JOB_NOP:
	case JOB_TYPE_MAX_:
		break;
	}
	assert(!"a job of this type is never installed");
}
