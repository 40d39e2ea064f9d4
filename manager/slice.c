/* A slice: a group of units that share limits (systemd.slice(5)). It is up as long as a unit in it is, which need not be said by any
 * dependency: a unit that comes up brings its slice up, and that the one above it; the last that goes down takes it along. One that was
 * started by itself stays until it has been used or is stopped. To stop a slice is to stop what is in it. */
#include <errno.h>
#include <string.h>
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

/* Sets the slice in force to NAME, and remembers what the files say. */
static void slice_put(struct unit *unit, struct unit_config *config, const char *name)
{
	char *kept = strdup(name);

	free(TAKE(unit->private->next_slice));
	if (!kept || text_equal(config->slice, name)) {
		free(kept);
		return;
	}
	unit->private->next_slice = config->slice;
	config->slice = kept;
}

void slice_keep(struct unit *unit, struct unit_config *config)
{
	if (unit->private->slice && unit->kind != UNIT_SLICE)
		slice_put(unit, config, unit->private->slice->name);
	else
		free(TAKE(unit->private->next_slice));
}

void slice_restore_user(struct unit *unit, struct unit *slice)
{
	if (unit->private->slice || unit_is_down(unit) || slice->kind != UNIT_SLICE || slice == unit)
		return;
	unit->private->slice = slice;
	slice->private->n_users++;
	slice_keep(unit, unit->config);
	if (unit_is_down(slice))
		unit_set_state(slice, SLICE_ACTIVE);
}

void slice_on_unit_state(struct unit *unit)
{
	struct unit *slice = unit->private->slice;

	if (!unit_is_down(unit) && !slice && unit->private->next_slice) {
		free(unit->config->slice);
		unit->config->slice = TAKE(unit->private->next_slice);
	}

	if (unit_is_down(unit) && slice) {
		unit->private->slice = NULL;
		/* Later: the group of the unit is still to be removed. */
		if (--slice->private->n_users == 0 || slice->job)
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

/* Where services are unless they say otherwise: its group would be made and removed with every service that runs now
 * and then. systemd keeps it, too. */
static bool slice_is_perpetual(const struct unit *unit)
{
	return strcmp(unit->name, "system.slice") == 0 && !unit->job && !unit->manager->shutting_down;
}

void slice_on_empty(struct unit *unit)
{
	struct world *world = unit->manager->world;

	if (unit->private->n_users > 0) {
		if (unit->job)
			job_wake(unit->job);
		return;
	}
	if (unit_is_down(unit) || slice_is_perpetual(unit))
		return;
	unit->private->slice_asked = false;
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

/* How far the units in a slice are on their way down. */
enum slice_leaving {
	SLICE_LEAVING, /* one of them is on it */
	SLICE_WAITING, /* all that are left wait for their turn */
	SLICE_STAYING, /* one does not mean to go */
};

static enum slice_leaving slice_look(const struct unit *unit)
{
	enum slice_leaving leaving = SLICE_WAITING;

	TABLE_FOREACH (slot, &unit->manager->units) {
		const struct unit *user = slot->value;
		const struct job *job = user->job;
		bool stops = job && (job->type == JOB_STOP || job->type == JOB_RESTART);

		if (!slice_has(unit, user))
			continue;
		if (unit_active_state(user) == UNIT_DEACTIVATING || (stops && job->state == JOB_RUNNING))
			leaving = SLICE_LEAVING;
		else if (!stops)
			return SLICE_STAYING;
	}
	return leaving;
}

void slice_on_user(struct unit *user)
{
	struct unit *slice = user->private->slice;

	if (slice && slice->job)
		job_wake(slice->job);
}

static int slice_stop(struct unit *unit)
{
	/* To restart a slice is to restart what is in it. */
	if (unit->job && unit->job->type == JOB_RESTART)
		return -EALREADY;
	if (unit->private->n_users > 0) {
		switch (slice_look(unit)) {
		case SLICE_LEAVING:
			unit->private->slice_asked = false;
			return -EAGAIN; /* slice_on_empty() ends the job */
		case SLICE_WAITING:
			/* Their jobs may be next in the queue; or they wait, by orderings of the user's, for this one to be done. */
			if (unit->private->slice_asked)
				return -EALREADY;
			unit->private->slice_asked = true;
			manager_add_work(unit, UNIT_WORK_SLICE);
			return -EAGAIN;
		case SLICE_STAYING:
			return -EBUSY;
		}
	}
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
