/* A slice: a group of units that share limits (systemd.slice(5)). It is up as long as a unit in it is, which need not be said by any
 * dependency: a unit that comes up brings its slice up, and that the one above it; the last that goes down takes it along. One that was
 * started by itself stays until it has been used or is stopped. To stop a slice is to stop what is in it. */
#include <errno.h>
#include <syslog.h>

#include "manager/job.h"
#include "manager/private.h"

static const struct {
	const char *name;
	enum unit_active_state active_state;
} slice_states[SLICE_STATE_MAX_] = {
	[SLICE_DEAD] = {"dead", UNIT_INACTIVE},
	[SLICE_ACTIVE] = {"active", UNIT_ACTIVE},
};

/* The slice UNIT lies in, loaded if need be; NULL when there is none that could be up. */
static struct unit *slice_find(const struct unit *unit)
{
	struct world *world = unit->manager->world;
	struct unit *slice;

	if (unit->kind == UNIT_TARGET || !unit->config->slice || !world->ops->make_slice ||
	    manager_load_unit(unit->manager, unit->config->slice, &slice, NULL) < 0 ||
	    slice->kind != UNIT_SLICE)
		return NULL;
	return slice;
}

void slice_on_unit_state(struct unit *unit)
{
	struct unit *slice = unit->private->slice;

	if (unit_is_down(unit) && slice) {
		unit->private->slice = NULL;
		/* Later: the group of the unit is still to be removed. */
		if (--slice->private->n_users == 0)
			manager_add_work(slice, UNIT_WORK_SLICE);
	} else if (!unit_is_down(unit) && !slice && (slice = slice_find(unit))) {
		unit->private->slice = slice;
		slice->private->n_users++;
		if (unit_is_down(slice))
			unit_set_state(slice, SLICE_ACTIVE);
	}
}

void slice_restore(struct manager *manager)
{
	bool found = true;

	/* To load a slice changes the table that is walked through. */
	while (found) {
		found = false;
		TABLE_FOREACH (slot, &manager->units) {
			struct unit *unit = slot->value;

			if (unit_is_down(unit) || unit->private->slice || !slice_find(unit))
				continue;
			slice_on_unit_state(unit);
			found = true;
			break;
		}
	}
}

bool slice_has(const struct unit *unit, const struct unit *other)
{
	return other->private->slice == unit;
}

void slice_on_empty(struct unit *unit)
{
	struct world *world = unit->manager->world;

	if (unit->private->n_users > 0 || unit_is_down(unit))
		return;
	unit_set_state(unit, SLICE_DEAD);
	world->ops->release(world, unit->name, unit->config);
}

static const char *slice_sub_state(uint8_t state)
{
	return slice_states[state].name;
}

static enum unit_active_state slice_active_state(uint8_t state)
{
	return slice_states[state].active_state;
}

static bool slice_can_reload(_unused_ const struct unit *unit)
{
	return false;
}

static int slice_start(struct unit *unit)
{
	struct world *world = unit->manager->world;
	struct failure failure = {};
	int r = world->ops->make_slice ? world->ops->make_slice(world, unit->name, unit->config, &failure)
				       : 0;

	if (r < 0) {
		char text[sizeof failure];

		manager_log(unit, LOG_ERR, "%s", failure_print(&failure, text, sizeof text));
		failure_keep(&unit->last_failure, &failure);
		return r == -ENOMEM ? r : -EIO;
	}
	unit_set_state(unit, SLICE_ACTIVE);
	return 0;
}

static int slice_stop(struct unit *unit)
{
	/* To restart a slice is to restart what is in it. */
	if (unit->job && unit->job->type == JOB_RESTART)
		return -EALREADY;
	if (unit->private->n_users > 0)
		return -EAGAIN; /* slice_on_empty() ends the job */
	slice_on_empty(unit);
	return 0;
}

static int slice_reload(_unused_ struct unit *unit)
{
	return -EALREADY;
}

static void slice_on_deadline(_unused_ struct unit *unit, _unused_ enum unit_deadline deadline)
{
}

static void slice_reset_failed(_unused_ struct unit *unit)
{
}

const struct unit_class slice_class = {
	.sub_state = slice_sub_state,
	.active_state = slice_active_state,
	.can_reload = slice_can_reload,
	.start = slice_start,
	.stop = slice_stop,
	.reload = slice_reload,
	.on_deadline = slice_on_deadline,
	.reset_failed = slice_reset_failed,
};
