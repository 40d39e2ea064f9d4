/* A unit's life apart from its kind: creation, its one state and what a change of it means for others,
 * conditions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "manager/job.h"
#include "manager/private.h"

static const struct unit_class *const unit_classes[UNIT_KIND_MAX_] = {
	[UNIT_SERVICE] = &service_class,
	[UNIT_TARGET] = &target_class,
	[UNIT_SLICE] = &slice_class,
};

int unit_new(struct manager *manager, const char *name, struct unit_config *config, struct unit **ret)
{
	struct unit *unit = calloc(1, sizeof *unit);
	struct unit_private *private;

	if (!unit)
		return -ENOMEM;
	*unit = (struct unit){
		.manager = manager, .config = config, .kind = config->kind, .deadline = USEC_INFINITY};
	unit->name = strdup(name);
	private = unit->private = calloc(1, sizeof *private);
	if (!unit->name || !private)
		goto fail;
	private->unit = unit;
	private->class = unit_classes[unit->kind];
	private->notify_access = -1;
	unit->main.exit_status = unit->control.exit_status = -1;
	queue_init(&private->waiters);
	for (unsigned i = 0; i < UNIT_DEADLINE_MAX_; i++)
	private->deadlines[i] = (struct deadline){.at = USEC_INFINITY, .owner = unit, .kind = i};
	if (deadline_reserve(&manager->private->deadlines, UNIT_DEADLINE_MAX_) < 0)
		goto fail;
	if (graph_attach(&manager->private->graph, unit, &private->node) < 0 ||
	    table_put(&manager->units, unit->name, unit) < 0) {
		deadline_release(&manager->private->deadlines, UNIT_DEADLINE_MAX_);
		goto fail;
	}
	*ret = unit;
	return 0;
fail:
	if (private && private->node)
		graph_detach(&manager->private->graph, private->node);
	free(private);
	free(unit->name);
	free(unit);
	return -ENOMEM;
}

struct unit *unit_free(struct unit *unit)
{
	struct manager *manager;

	if (!unit)
		return NULL;
	manager = unit->manager;
	table_remove(&manager->units, unit->name);
	for (unsigned i = 0; i < UNIT_DEADLINE_MAX_; i++)
		deadline_set(&manager->private->deadlines, &unit->private->deadlines[i], USEC_INFINITY);
	deadline_release(&manager->private->deadlines, UNIT_DEADLINE_MAX_);
	queue_remove(&unit->private->dirty_link);
	queue_remove(&unit->private->work_link);
	graph_detach(&manager->private->graph, unit->private->node);
	unit_config_free(unit->config);
	failure_keep(&unit->last_failure, NULL);
	free(unit->private->next_slice);
	free(unit->status_text);
	free(unit->private);
	free(unit->name);
	free(unit);
	return NULL;
}

enum unit_active_state unit_active_state(const struct unit *unit)
{
	return unit->private->class->active_state(unit->state);
}

const char *unit_sub_state(const struct unit *unit)
{
	return unit->private->class->sub_state(unit->state);
}

bool unit_can_reload(const struct unit *unit)
{
	/* A unit that has nothing to reload may still pass it on. */
	return unit->private->class->can_reload(unit) ||
	       graph_neighbours(unit->private->node, UNIT_PROPAGATES_RELOAD_TO, false)->n > 0;
}

int unit_list_dependencies(const struct unit *unit, enum unit_dependency dependency, bool reverse,
			   char ***ret)
{
	const struct graph_list *list = graph_neighbours(unit->private->node, dependency, reverse);
	_cleanup_text_list_ char **names = NULL;

	for (uint32_t i = 0; i < list->n; i++)
		if (graph_edge_holds(unit->private->node, list, i) &&
		    text_list_append(&names, list->items[i].other->name) < 0)
			return -ENOMEM;
	*ret = TAKE(names);
	return 0;
}

char *unit_cgroup_path(const char *name, const struct unit_config *config)
{
	bool is_slice = config->kind == UNIT_SLICE;
	const char *slice = is_slice	    ? name
			    : config->slice ? config->slice
					    : "system.slice",
		   *end = strrchr(slice, '.');
	struct text_buffer path = {};

	/* "a-b.slice" lies in "a.slice"; "-.slice" is the root (systemd.slice(5)). */
	if (!end)
		end = slice + strlen(slice);
	for (const char *dash = slice; strcmp(slice, "-.slice") != 0 && dash <= end; dash++)
		if (dash == end || *dash == '-')
			text_buffer_append(&path, "%s%.*s.slice", path.length ? "/" : "", (int)(dash - slice),
					   slice);
	text_buffer_append(&path, "%s%s", path.length && !is_slice ? "/" : "", is_slice ? "" : name);
	return text_buffer_finish(&path);
}

void unit_set_deadline(struct unit *unit, enum unit_deadline deadline, usec_t at)
{
	deadline_set(&unit->manager->private->deadlines, &unit->private->deadlines[deadline], at);
	if (deadline == UNIT_DEADLINE_STATE)
		unit->deadline = at;
}

static void unit_stamp(usec_t stamp[2], usec_t realtime, usec_t monotonic)
{
	stamp[0] = realtime;
	stamp[1] = monotonic;
}

static void unit_set_timestamps(struct unit *unit, enum unit_active_state old, enum unit_active_state now)
{
	struct world *world = unit->manager->world;
	usec_t realtime = world->ops->realtime(world), monotonic = world->ops->monotonic(world);
	struct unit_timestamps *stamps = &unit->timestamps;
	bool was_down = old == UNIT_INACTIVE || old == UNIT_FAILED,
	     was_up = old == UNIT_ACTIVE || old == UNIT_RELOADING;

	unit_stamp(stamps->state_change, realtime, monotonic);
	if (was_down && !unit_is_down(unit))
		unit_stamp(stamps->inactive_exit, realtime, monotonic);
	if (!was_down && unit_is_down(unit))
		unit_stamp(stamps->inactive_enter, realtime, monotonic);
	if (!was_up && unit_is_up(unit))
		unit_stamp(stamps->active_enter, realtime, monotonic);
	if (was_up && !unit_is_up(unit))
		unit_stamp(stamps->active_exit, realtime, monotonic);
	if (was_down && now == UNIT_ACTIVATING)
		world->ops->random(world, unit->invocation_id, sizeof unit->invocation_id);
}

/* What others have to do because this unit went down, or failed. Noted here, done by manager_run(). */
static void unit_note_consequences(struct unit *unit, enum unit_active_state old, enum unit_active_state now)
{
	const struct graph_node *node = unit->private->node;
	static const enum unit_dependency needs[] = {UNIT_REQUIRES, UNIT_REQUISITE, UNIT_WANTS, UNIT_BINDS_TO,
						     UNIT_UPHOLDS};
	bool restarting = unit->job && unit->job->type == JOB_RESTART;

	if (now == UNIT_FAILED && unit->config->dependencies[UNIT_ON_FAILURE])
		manager_add_work(unit, UNIT_WORK_ON_FAILURE);
	if (!unit_is_down(unit) || old == UNIT_FAILED)
		return;
	if (now == UNIT_INACTIVE && unit->result == SERVICE_SUCCESS && !restarting &&
	    unit->config->dependencies[UNIT_ON_SUCCESS])
		manager_add_work(unit, UNIT_WORK_ON_SUCCESS);
	if (graph_neighbours(node, UNIT_BINDS_TO, true)->n)
		manager_add_work(unit, UNIT_WORK_BOUND);
	if (graph_neighbours(node, UNIT_UPHOLDS, true)->n)
		manager_add_work(unit, UNIT_WORK_UPHOLD);
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		const struct graph_list *list = graph_neighbours(node, needs[i], false);

		for (uint32_t j = 0; j < list->n; j++) {
			struct unit *needed = list->items[j].other->unit;

			if (needed && needed->config->stop_when_unneeded)
				manager_add_work(needed, UNIT_WORK_UNNEEDED);
		}
	}
}

void unit_set_state(struct unit *unit, uint8_t state)
{
	enum unit_active_state old = unit_active_state(unit), now;

	unit->state = state;
	now = unit_active_state(unit);
	manager_touch(unit);
	if (old == now)
		return;
	slice_on_unit_state(unit);
	slice_on_user(unit);
	unit->manager->private->n_failed_units += (now == UNIT_FAILED) - (unsigned)(old == UNIT_FAILED);
	unit_set_timestamps(unit, old, now);
	job_on_unit_state(unit, now);
	unit_note_consequences(unit, old, now);
	/* An upholder that came up looks after what it upholds; a dependency that came up may be needed by
	 * nobody. */
	if (now == UNIT_ACTIVE) {
		if (unit->config->dependencies[UNIT_UPHOLDS])
			manager_add_work(unit, UNIT_WORK_UPHOLD);
		if (unit->config->stop_when_unneeded)
			manager_add_work(unit, UNIT_WORK_UNNEEDED);
	}
}

int unit_check_loaded(const struct unit *unit, struct failure *failure)
{
	const struct failure *why = failure_kept(unit->config->load_failure);

	switch (unit->config->load_state) {
	case UNIT_LOADED:
		return 0;
	case UNIT_MASKED:
		return failure_set(failure, -ESHUTDOWN, NULL, "Unit %s is masked", unit->name);
	case UNIT_BAD_SETTING:
		return failure_set(failure, -EBADMSG, why->where, "%s", why->text);
	case UNIT_ERROR:
		return failure_set(failure, why->error < 0 ? why->error : -EIO, why->where, "%s", why->text);
	case UNIT_NOT_FOUND:
	case UNIT_LOAD_STATE_MAX_:
		break;
	}
	return failure_set(failure, -ENOENT, NULL, "Unit %s not found", unit->name);
}

/* Every condition without "|" must hold, and one of those with it (systemd.unit(5)). */
static bool unit_conditions_hold(struct unit *unit, bool asserts)
{
	struct world *world = unit->manager->world;
	bool any_trigger = false, triggered = false;

	for (size_t i = 0; i < unit->config->n_conditions; i++) {
		const struct unit_condition *condition = &unit->config->conditions[i];
		bool holds;

		if (condition->is_assert != asserts || (condition->trigger && triggered))
			continue;
		holds = world->ops->condition(world, condition) > 0;
		if (!condition->trigger && !holds)
			return false;
		any_trigger |= condition->trigger;
		triggered |= condition->trigger && holds;
	}
	return triggered || !any_trigger;
}

/* BindsTo= together with After=: the other one must be up by now. */
static bool unit_bound_units_up(const struct unit *unit)
{
	const struct graph_list *list = graph_neighbours(unit->private->node, UNIT_BINDS_TO, false);

	for (uint32_t i = 0; i < list->n; i++)
		if (graph_has_edge(unit->private->node, UNIT_AFTER, list->items[i].other) &&
		    !(list->items[i].other->unit && unit_is_up(list->items[i].other->unit)))
			return false;
	return true;
}

int unit_start(struct unit *unit)
{
	struct world *world = unit->manager->world;

	if (unit_is_up(unit))
		return -EALREADY;
	if (unit_check_loaded(unit, NULL) < 0)
		return -EINVAL;
	if (unit_is_down(unit)) {
		unit->condition_result = unit_conditions_hold(unit, false);
		unit->assert_result = unit_conditions_hold(unit, true);
		unit_stamp(unit->timestamps.condition, world->ops->realtime(world),
			   world->ops->monotonic(world));
		manager_touch(unit);
		if (!unit->condition_result) {
			manager_log(unit, LOG_INFO, "A condition is not met: not started");
			return -ECOMM;
		}
		if (!unit->assert_result) {
			manager_log(unit, LOG_ERR, "An assertion does not hold: not started");
			return -EPROTO;
		}
		if (!unit_bound_units_up(unit))
			return -ENOLINK;
	}
	return unit->private->class->start(unit);
}

int unit_stop(struct unit *unit)
{
	return unit_is_down(unit) ? -EALREADY : unit->private->class->stop(unit);
}

int unit_reload(struct unit *unit)
{
	enum unit_active_state state = unit_active_state(unit);

	/* On the way up or reloading already: what was asked for is a reload after that. */
	if (state == UNIT_RELOADING || state == UNIT_ACTIVATING)
		return -EAGAIN;
	if (state != UNIT_ACTIVE)
		return -ENOEXEC;
	return unit->private->class->can_reload(unit) ? unit->private->class->reload(unit) : -EALREADY;
}
