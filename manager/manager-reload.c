/* Unit files that are read again: what changes for units that are loaded, and for those that run. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "manager/job.h"
#include "manager/private.h"

/* A unit that runs keeps what it was started with when its files are gone or broken, so that it can still be
 * stopped. */
static void manager_swap_config(struct unit *unit, struct unit_config *config)
{
	struct unit_config *old = unit->config;

	if (config->load_state != UNIT_LOADED && !unit_is_down(unit) && old->load_state == UNIT_LOADED) {
		old->load_state = config->load_state;
		failure_keep(&old->load_failure, config->load_failure);
		unit_config_free(config);
		return;
	}
	if (config->kind != unit->kind) { /* cannot be: the kind is in the name */
		unit_config_free(config);
		return;
	}
	slice_keep(unit, config);
	unit->config = config;
	unit_config_free(old);
}

/* The limits of what runs follow; what they cannot be changed to stays to be told. */
static int manager_apply_config(struct unit *unit, const struct unit_config *config, struct failure *failure)
{
	struct world *world = unit->manager->world;

	if (unit_is_down(unit) || !world->ops->reconfigure || config->load_state != UNIT_LOADED ||
	    unit->config->load_state != UNIT_LOADED || config->kind != unit->kind)
		return 0;
	return world->ops->reconfigure(world, unit->name, unit->config, config, failure);
}

int manager_reconfigure(struct manager *manager, struct unit *unit, bool limits_only, struct failure *failure)
{
	_cleanup_(cleanup_unit_config_free) struct unit_config *config = NULL;
	int r = manager->world->ops->load(manager->world, unit->name, &config);

	if (r < 0)
		return failure_set(failure, r, unit->name, "cannot be loaded");
	if (config->load_state != UNIT_LOADED) {
		if (failure && config->load_failure)
			*failure = *config->load_failure;
		return config->load_failure ? config->load_failure->error : -EBADMSG;
	}
	r = manager_apply_config(unit, config, failure);
	if (r < 0)
		return r;
	/* What its main process was started with is then still what it says. */
	if (limits_only && unit->started_fingerprint == unit->config->fingerprint)
		unit->started_fingerprint = config->fingerprint;
	manager_swap_config(unit, TAKE(config));
	r = graph_replace(&manager->private->graph, unit->private->node, unit->config);
	if (unit->kind == UNIT_SLICE && manager->world->ops->reloaded) /* it counts for the units in it too */
		manager->world->ops->reloaded(manager->world);
	manager_touch(unit);
	manager_commit(manager);
	return r < 0 ? failure_set(failure, r, unit->name, "cannot keep its dependencies") : 0;
}

static void manager_reload_unit(struct unit *unit, struct unit_config *config)
{
	struct failure failure = {};
	char text[768];

	if (manager_apply_config(unit, config, &failure) < 0)
		manager_log(unit, LOG_ERR, "What its files say now holds from the next start on: %s",
			    failure_print(&failure, text, sizeof text));
	manager_swap_config(unit, config);
}

int manager_reload(struct manager *manager, struct failure *failure)
{
	struct unit_config *config;
	int r = 0;

	if (manager->observer.reloading)
		manager->observer.reloading(manager->observer.data, true);
	TABLE_FOREACH (slot, &manager->units) {
		struct unit *unit = slot->value;

		r = manager->world->ops->load(manager->world, unit->name, &config);
		if (r < 0)
			break;
		manager_reload_unit(unit, config);
		r = graph_replace(&manager->private->graph, unit->private->node, unit->config);
		if (r < 0)
			break;
	}
	/* What depends on whom may be different now: who waits, looks again. */
	TABLE_FOREACH (slot, &manager->jobs)
		job_wake(slot->value);
	manager->private->collect = true;
	if (manager->world->ops->reloaded)
		manager->world->ops->reloaded(manager->world);
	if (manager->observer.reloading)
		manager->observer.reloading(manager->observer.data, false);
	manager_commit(manager);
	return r < 0 ? failure_set(failure, r, NULL, "cannot reload all units") : 0;
}
