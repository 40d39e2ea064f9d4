/* See manager.h, and private.h for the life of an event. This file: units coming and going, the public calls,
 * the events. What units mean for each other is in consequence.c. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "manager/consequence.h"
#include "manager/notify.h"
#include "manager/persist.h"
#include "manager/process.h"
#include "manager/service.h"
#include "manager/transaction.h"

enum {
	MANAGER_MAX_UNITS = 1 << 17,
	MANAGER_MAX_UNFOUND = 512,   /* names that somebody asked for and that do not exist */
	MANAGER_SHUTDOWN_ROUNDS = 3, /* attempts to stop what came up while all was going down */
};

usec_t manager_now(const struct manager *manager)
{
	return manager->world->ops->monotonic(manager->world);
}

void manager_log(struct unit *unit, int priority, const char *format, ...)
{
	struct world *world = unit->manager->world;
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	world->ops->log(world, priority, unit->name, text);
}

void manager_touch(struct unit *unit)
{
	queue_push(&unit->manager->private->dirty, &unit->private->dirty_link);
}

void manager_add_work(struct unit *unit, enum unit_work work)
{
	unit->private->work |= work;
	queue_push(&unit->manager->private->work, &unit->private->work_link);
	manager_touch(unit);
}

/* Was there ever more to it than its files? */
static bool manager_must_remember(const struct unit *unit)
{
	return unit->private->slot || unit->state != 0 || unit->job || unit->private->work ||
	       unit->timestamps.condition[1] || unit->timestamps.state_change[1] ||
	       unit->result != SERVICE_SUCCESS;
}

static void manager_write_through(struct unit *unit)
{
	if (!manager_must_remember(unit) || persist_write(unit) >= 0)
		return;
	manager_log(unit, LOG_CRIT, "Out of memory for its state: a restart of the manager would forget it");
}

void manager_commit(struct manager *manager)
{
	struct manager_private *private = manager->private;
	struct deadline *first = deadline_first(&private->deadlines);
	usec_t alarm = first ? first->at : USEC_INFINITY;
	struct queue_link *link;
	struct queue told;

	queue_init(&told);
	while ((link = queue_pop(&private->dirty))) {
		manager_write_through(QUEUE_ENTRY(link, struct unit_private, dirty_link)->unit);
		queue_push(&told, link);
	}
	store_commit(&private->store);
	while ((link = queue_pop(&told)))
		if (manager->observer.unit_changed)
			manager->observer.unit_changed(
				manager->observer.data,
				QUEUE_ENTRY(link, struct unit_private, dirty_link)->unit);
	if (alarm != private->alarm) {
		private->alarm = alarm;
		manager->world->ops->set_alarm(manager->world, alarm);
	}
}

/* --- units --------------------------------------------------------------------------------------------- */

struct unit *manager_get_unit(const struct manager *manager, const char *name)
{
	return table_get(&manager->units, name);
}

static int manager_add_unit(struct manager *manager, const char *name, struct unit **ret)
{
	_cleanup_(cleanup_unit_config_free) struct unit_config *config = NULL;
	struct unit *unit;
	int r;

	if (manager->units.count >= MANAGER_MAX_UNITS)
		return -ENOMEM;
	r = manager->world->ops->load(manager->world, name, &config);
	if (r >= 0)
		r = unit_new(manager, name, config, &unit);
	if (r < 0)
		return r;
	TAKE(config);
	if (unit->config->load_state != UNIT_LOADED && ++manager->private->n_unfound > MANAGER_MAX_UNFOUND)
		manager->private->collect = true;
	if (manager->observer.unit_new)
		manager->observer.unit_new(manager->observer.data, unit);
	*ret = unit;
	return 0;
}

int manager_load_unit(struct manager *manager, const char *name, struct unit **ret, struct failure *failure)
{
	struct unit *unit = manager_get_unit(manager, name);
	int r;

	if (!unit) {
		r = unit_name_parse(name, NULL, failure);
		if (r < 0)
			return r;
		if (unit_name_is_template(name))
			return failure_set(failure, -EINVAL, NULL,
					   "Unit name %s is missing the instance name", name);
		r = manager_add_unit(manager, name, &unit);
		if (r < 0)
			return failure_set(failure, r, name, "cannot load the unit");
	}
	*ret = unit;
	return 0;
}

int manager_resolve(struct manager *manager, const struct graph_node *node, struct unit **ret,
		    struct failure *failure)
{
	return manager_load_unit(manager, node->name, ret, failure);
}

int manager_restore_unit(struct manager *manager, const char *name, struct unit **ret)
{
	return manager_load_unit(manager, name, ret, NULL);
}

static void manager_drop_unit(struct unit *unit)
{
	struct manager *manager = unit->manager;

	manager->private->n_failed_units -= unit_active_state(unit) == UNIT_FAILED;
	if (manager->observer.unit_removed)
		manager->observer.unit_removed(manager->observer.data, unit);
	persist_forget(unit);
	unit_free(unit);
}

/* Kept is what runs, failed, has a job, is mentioned by another unit, or has run and could again. */
static bool manager_is_garbage(const struct unit *unit)
{
	bool useful = unit->config->load_state == UNIT_LOADED && unit->private->slot;

	return unit_active_state(unit) == UNIT_INACTIVE && !unit->job && !unit->private->work && !useful &&
	       !graph_is_referenced(unit->private->node);
}

static void manager_collect(struct manager *manager)
{
	struct unit *unit;

	manager->private->collect = false;
	manager->private->n_unfound = 0;
	/* The table must not change under a walk through it: each find is dropped, and the walk goes on at
	 * the same place. */
	for (size_t i = 0; i < manager->units.room;) {
		unit = manager->units.slots[i].key ? manager->units.slots[i].value : NULL;
		if (unit && manager_is_garbage(unit)) {
			manager_drop_unit(unit);
			continue;
		}
		manager->private->n_unfound += unit && unit->config->load_state != UNIT_LOADED;
		i++;
	}
}

/* --- jobs ---------------------------------------------------------------------------------------------- */

struct job *manager_get_job(const struct manager *manager, uint32_t id)
{
	char key[12];

	snprintf(key, sizeof key, "%u", id);
	return table_get(&manager->jobs, key);
}

static int manager_run_transaction(struct manager *manager, enum job_type type, struct unit *unit,
				   enum job_mode mode, struct job **ret, struct failure *failure)
{
	struct transaction transaction;
	int r;

	if (manager->shutting_down && type != JOB_STOP)
		return failure_set(failure, -EBUSY, NULL, "Everything is being stopped: %s cannot be started",
				   unit->name);
	transaction_init(&transaction, manager, mode);
	r = transaction_add(&transaction, type, unit, failure);
	if (r >= 0 && mode == JOB_ISOLATE) {
		r = transaction_add_isolation(&transaction);
		if (r < 0)
			failure_set(failure, r, unit->name, "cannot queue its jobs");
	}
	if (r >= 0)
		r = transaction_apply(&transaction, ret, failure);
	transaction_deinit(&transaction);
	return r;
}

static int manager_check_request(const struct unit *unit, enum job_type type, enum job_mode mode,
				 struct failure *failure)
{
	bool starts = type != JOB_STOP && type != JOB_RELOAD,
	     stops = type == JOB_STOP || type == JOB_RESTART || type == JOB_TRY_RESTART;

	if (mode == JOB_ISOLATE && type != JOB_START)
		return failure_set(failure, -EINVAL, NULL, "Isolate is only valid for start");
	if (mode == JOB_ISOLATE && unit->config->load_state == UNIT_LOADED && !unit->config->allow_isolate)
		return failure_set(failure, -EPERM, NULL, "Operation refused, unit %s may not be isolated",
				   unit->name);
	if ((starts && unit->config->refuse_manual_start) || (stops && unit->config->refuse_manual_stop))
		return failure_set(failure, -EPERM, NULL,
				   "Operation refused, unit %s may be requested by dependency only",
				   unit->name);
	return 0;
}

int manager_enqueue(struct manager *manager, enum job_type type, struct unit *unit, enum job_mode mode,
		    struct job **ret, struct failure *failure)
{
	int r = manager_check_request(unit, type, mode, failure);

	if (r >= 0)
		r = manager_run_transaction(manager, type, unit, mode, ret, failure);
	manager_commit(manager);
	return r;
}

int manager_enqueue_automatic(struct manager *manager, enum job_type type, struct unit *unit,
			      enum job_mode mode)
{
	struct failure failure = {};
	char text[768];
	int r = manager_run_transaction(manager, type, unit, mode, NULL, &failure);

	if (r < 0)
		manager_log(unit, LOG_ERR, "Cannot %s it: %s", job_type_names[type],
			    failure_print(&failure, text, sizeof text));
	return r;
}

void manager_cancel_job(struct manager *manager, struct job *job)
{
	job_finish(job, JOB_CANCELED, true);
	manager_commit(manager);
}

static void manager_reset_unit(struct unit *unit)
{
	unit->private->start_limit = unit->private->automatic_limit = (struct limit){};
	if (unit_active_state(unit) == UNIT_FAILED)
		unit->private->class->reset_failed(unit);
	manager_touch(unit);
}

int manager_reset_failed(struct manager *manager, struct unit *unit)
{
	if (unit) {
		manager_reset_unit(unit);
	} else {
		TABLE_FOREACH (slot, &manager->units) {
			struct unit *each = slot->value;

			if (unit_active_state(each) == UNIT_FAILED)
				manager_reset_unit(each);
		}
	}
	manager_commit(manager);
	return 0;
}

/* Every unit that is up in the slice, and in those in it. Returns how many got it. */
static unsigned manager_kill_slice(struct manager *manager, const struct unit *slice, int signal)
{
	unsigned n = 0;

	TABLE_FOREACH (slot, &manager->units) {
		struct unit *unit = slot->value;

		if (!slice_has(slice, unit))
			continue;
		if (unit->kind == UNIT_SLICE)
			n += manager_kill_slice(manager, unit, signal);
		else
			n += manager_kill(manager, unit, WORLD_ALL, signal, NULL) == 0;
	}
	return n;
}

int manager_kill(struct manager *manager, struct unit *unit, enum world_who who, int signal,
		 struct failure *failure)
{
	struct world *world = manager->world;
	const struct unit_process *process = who == WORLD_MAIN ? &unit->main : &unit->control;
	int r;

	if (unit->kind == UNIT_SLICE && who == WORLD_ALL) {
		if (manager_kill_slice(manager, unit, signal) > 0)
			return 0;
		return failure_set(failure, -ESRCH, NULL, "No process of unit %s to kill", unit->name);
	}
	if (who == WORLD_ALL) {
		if (!world->ops->populated(world, unit->name, unit->config))
			return failure_set(failure, -ESRCH, NULL, "No process of unit %s to kill",
					   unit->name);
		r = world->ops->kill_unit(world, unit->name, unit->config, signal, NULL);
	} else {
		if (!process->alive)
			return failure_set(failure, -ESRCH, NULL, "No %s process of unit %s to kill",
					   who == WORLD_MAIN ? "main" : "control", unit->name);
		r = world->ops->kill(world, &process->id, signal);
	}
	return r < 0 ? failure_set(failure, r, unit->name, "cannot send signal %d", signal) : 0;
}

/* --- shutdown ------------------------------------------------------------------------------------------ */

static int manager_stop_all(struct manager *manager)
{
	struct transaction transaction;
	int r = 0;

	transaction_init(&transaction, manager, JOB_REPLACE_IRREVERSIBLY);
	TABLE_FOREACH (slot, &manager->units) {
		struct unit *unit = slot->value;

		/* A slice goes by itself, with the last unit in it. */
		if (r >= 0 && (unit->job || (!unit_is_down(unit) && unit->kind != UNIT_SLICE)))
			r = transaction_add(&transaction, JOB_STOP, unit, NULL);
	}
	if (r >= 0 && transaction.anchor)
		r = transaction_apply(&transaction, NULL, NULL);
	transaction_deinit(&transaction);
	return r;
}

/* Orderings that form a circle, or no memory: then each for itself. */
static void manager_stop_each(struct manager *manager)
{
	TABLE_FOREACH (slot, &manager->units) {
		struct unit *unit = slot->value;

		if (unit->job || (!unit_is_down(unit) && unit->kind != UNIT_SLICE))
			manager_run_transaction(manager, JOB_STOP, unit, JOB_IGNORE_DEPENDENCIES, NULL, NULL);
	}
}

int manager_shutdown(struct manager *manager, uint32_t action, int exit_status)
{
	struct store_globals *globals = store_globals(&manager->private->store);

	globals->shutdown_action = action;
	globals->shutdown_exit_status = exit_status;
	globals->shutting_down = STORE_SHUTTING_DOWN;
	manager->shutting_down = true;
	manager->private->finished = false;
	manager->private->shutdown_rounds = 0;
	if (manager->world->ops->phase_changed)
		manager->world->ops->phase_changed(manager->world);
	if (manager_stop_all(manager) < 0)
		manager_stop_each(manager);
	manager_commit(manager);
	return 0;
}

/* All jobs are done: is all down? */
static void manager_continue_shutdown(struct manager *manager)
{
	const struct store_globals *globals = store_globals(&manager->private->store);
	bool any_up = false;

	/* A slice goes by itself, with the last unit in it. */
	TABLE_FOREACH (slot, &manager->units)
		any_up |=
			!unit_is_down(slot->value) && ((const struct unit *)slot->value)->kind != UNIT_SLICE;
	if (any_up && manager->private->shutdown_rounds++ < MANAGER_SHUTDOWN_ROUNDS) {
		manager_stop_each(manager);
		return;
	}
	manager->private->finished = true;
	manager->world->ops->finished(manager->world, globals->shutdown_action,
				      globals->shutdown_exit_status);
}

/* --- events -------------------------------------------------------------------------------------------- */

void manager_on_record(struct manager *manager, const struct launch_record *record)
{
	process_on_record(manager, record);
	manager_commit(manager);
}

static void manager_check_empty(struct unit *unit)
{
	/* Late, or told before the end of a process that is known: that end says more. */
	if (unit->kind != UNIT_SERVICE || unit->main.alive || unit->control.alive ||
	    service_is_populated(unit) ||
	    unit->private->work & (UNIT_WORK_MAIN_ENDED | UNIT_WORK_CONTROL_ENDED))
		return;
	service_dispatch(unit, SERVICE_EVENT_EMPTY, SERVICE_SUCCESS);
}

void manager_on_empty(struct manager *manager, const char *name)
{
	struct unit *unit = manager_get_unit(manager, name);

	if (unit)
		manager_check_empty(unit);
	manager_commit(manager);
}

void manager_on_oom(struct manager *manager, const char *name)
{
	struct unit *unit = manager_get_unit(manager, name);

	if (unit && unit->kind == UNIT_SERVICE)
		service_dispatch(unit, SERVICE_EVENT_OOM, SERVICE_SUCCESS);
	manager_commit(manager);
}

void manager_oom_kill(struct manager *manager, const char *name, const char *why)
{
	struct unit *unit = manager_get_unit(manager, name);

	if (unit && unit->kind == UNIT_SERVICE && !unit_is_down(unit) &&
	    unit_active_state(unit) != UNIT_DEACTIVATING) {
		manager_log(unit, LOG_WARNING, "%s: killing it", why);
		stopping_oom_kill(unit);
	}
	manager_commit(manager);
}

void manager_synchronized(struct manager *manager)
{
	TABLE_FOREACH (slot, &manager->units) {
		struct unit *unit = slot->value;

		if (unit->kind != UNIT_SERVICE)
			continue;
		process_check_lost(unit);
		/* Nobody listened when its last process went. */
		if (!unit_is_down(unit))
			manager_check_empty(unit);
	}
	manager->private->synchronized = true;
	manager_commit(manager);
}

void manager_on_notify(struct manager *manager, const char *name, pid_t pid, const char *text)
{
	struct unit *unit = manager_get_unit(manager, name);

	if (unit)
		notify_receive(unit, pid, text);
	manager_commit(manager);
}

static void manager_on_deadline(struct unit *unit, enum unit_deadline deadline)
{
	if (deadline != UNIT_DEADLINE_JOB) {
		unit->private->class->on_deadline(unit, deadline);
	} else if (unit->job) {
		manager_log(unit, LOG_WARNING, "Job %s timed out", job_type_names[unit->job->type]);
		job_finish(unit->job, JOB_TIMEOUT, true);
	}
}

void manager_on_alarm(struct manager *manager)
{
	usec_t now = manager_now(manager);
	struct deadline *first;

	/* The world's alarm is used up. */
	manager->private->alarm = USEC_INFINITY;
	while ((first = deadline_first(&manager->private->deadlines)) && first->at <= now) {
		struct unit *unit = first->owner;

		unit_set_deadline(unit, first->kind, USEC_INFINITY);
		manager_touch(unit);
		manager_on_deadline(unit, first->kind);
	}
	manager_commit(manager);
}

static void manager_on_idle(struct manager *manager)
{
	struct manager_private *private = manager->private;

	if (private->collect)
		manager_collect(manager);
	if (manager->n_installed_jobs > 0)
		return;
	if (!private->boot_finished) {
		private->boot_finished = true;
		store_globals(&private->store)->boot_finished = 1;
		if (manager->world->ops->phase_changed)
			manager->world->ops->phase_changed(manager->world);
	}
	if (manager->shutting_down && !private->finished)
		manager_continue_shutdown(manager);
}

bool manager_run(struct manager *manager)
{
	struct queue_link *link = queue_pop(&manager->private->work);
	bool busy = true;

	if (link)
		consequence_handle(QUEUE_ENTRY(link, struct unit_private, work_link)->unit);
	else if (!job_run_next(manager)) {
		manager_on_idle(manager);
		busy = queue_first(&manager->private->work) || queue_first(&manager->private->runnable);
	}
	manager_commit(manager);
	return busy;
}

const char *manager_system_state(const struct manager *manager)
{
	if (manager->shutting_down)
		return "stopping";
	if (!manager->private->boot_finished)
		return "starting";
	return manager->private->n_failed_units ? "degraded" : "running";
}

unsigned manager_count_failed(const struct manager *manager)
{
	return manager->private->n_failed_units;
}

/* --- coming and going ---------------------------------------------------------------------------------- */

int manager_new(struct world *world, const struct manager_observer *observer, struct manager **ret)
{
	_cleanup_(cleanup_manager_free) struct manager *manager = calloc(1, sizeof *manager);
	struct manager_private *private;
	const struct store_globals *globals;
	int r;

	if (!manager)
		return -ENOMEM;
	private = manager->private = calloc(1, sizeof *private);
	if (!private)
		return -ENOMEM;
	manager->world = world;
	if (observer)
		manager->observer = *observer;
	queue_init(&private->dirty);
	queue_init(&private->work);
	queue_init(&private->runnable);
	private->alarm = USEC_INFINITY;
	manager->started_at = manager_now(manager);
	r = store_open(&private->store, world);
	if (r < 0)
		return r;
	globals = store_globals(&private->store);
	manager->last_job_id = globals->last_job_id;
	manager->shutting_down = globals->shutting_down == STORE_SHUTTING_DOWN;
	private->boot_finished = globals->boot_finished;
	r = persist_restore(manager);
	if (r < 0)
		return r;
	manager_commit(manager);
	*ret = TAKE(manager);
	return 0;
}

struct manager *manager_free(struct manager *manager)
{
	if (!manager)
		return NULL;
	if (manager->private) {
		while (manager->jobs.count)
			for (size_t i = 0; i < manager->jobs.room; i++)
				job_free(manager->jobs.slots[i].key ? manager->jobs.slots[i].value : NULL);
		while (manager->units.count)
			for (size_t i = 0; i < manager->units.room; i++)
				unit_free(manager->units.slots[i].key ? manager->units.slots[i].value : NULL);
		graph_free(&manager->private->graph);
		table_free(&manager->private->launches);
		deadline_free(&manager->private->deadlines);
		store_close(&manager->private->store);
		free(manager->private);
	}
	table_free(&manager->units);
	table_free(&manager->jobs);
	free(manager);
	return NULL;
}
