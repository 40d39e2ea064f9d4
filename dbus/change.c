/* Signals. The manager tells of changes while it works; nothing is sent then. Units that changed are
 * collected, each once, and what else happened is kept in order; change_flush(), which runs when the loop's
 * iteration has done its work, sends it: first the units' properties, so that whoever hears of a job's end
 * finds the state it led to.
 *
 * Only those hear who asked: changes go to clients that called Subscribe(), the end of jobs also to those who
 * put in a job. When there is no such client, nothing is collected: a thousand starts then cost no message.
 */
#include <string.h>

#include "dbus/parts.h"

enum change_kind {
	CHANGE_UNIT_NEW,
	CHANGE_UNIT_REMOVED,
	CHANGE_JOB_NEW,
	CHANGE_JOB_REMOVED,
	CHANGE_RELOADING
};

struct change {
	struct change *next;
	enum change_kind kind;
	uint32_t job;
	enum job_result result;
	bool active;
	char unit[]; /* name; "" when it is about none */
};

static bool change_wanted(const struct bus *bus, bool jobs)
{
	for (struct connection *connection = bus->connections; connection; connection = connection->next)
		if (jobs ? connection_wants_jobs(connection) : connection_wants_changes(connection))
			return true;
	return false;
}

/* NULL when nobody wants it or there is no memory: a lost signal is less than a lost manager. */
static struct change *change_push(struct bus *bus, enum change_kind kind, const char *unit)
{
	struct change *change;
	size_t length = strlen(unit) + 1;

	if (!bus->host || !change_wanted(bus, kind == CHANGE_JOB_REMOVED))
		return NULL;
	change = calloc(1, sizeof *change + length);
	if (!change)
		return NULL;
	change->kind = kind;
	memcpy(change->unit, unit, length);
	*bus->last_change = change;
	bus->last_change = &change->next;
	bus_wake(bus);
	return change;
}

void change_unit_new(void *data, struct unit *unit)
{
	change_push(data, CHANGE_UNIT_NEW, unit->name);
}

void change_unit_removed(void *data, struct unit *unit)
{
	struct bus *bus = data;

	table_remove(&bus->changed, unit->name);
	if (bus->usage_of == unit)
		bus->usage_of = NULL;
	change_push(bus, CHANGE_UNIT_REMOVED, unit->name);
}

void change_unit(void *data, struct unit *unit)
{
	struct bus *bus = data;

	freezing_check(bus, unit);
	if (!bus->host || !change_wanted(bus, false))
		return;
	if (table_put(&bus->changed, unit->name, unit) == 0)
		bus_wake(bus);
}

void change_job_new(void *data, struct job *job)
{
	struct change *change = change_push(data, CHANGE_JOB_NEW, job->unit->name);

	if (change)
		change->job = job->id;
}

void change_job_removed(void *data, struct job *job, enum job_result result)
{
	struct change *change = change_push(data, CHANGE_JOB_REMOVED, job->unit->name);

	if (!change)
		return;
	change->job = job->id;
	change->result = result;
}

void change_reloading(void *data, bool active)
{
	struct change *change = change_push(data, CHANGE_RELOADING, "");

	if (change)
		change->active = active;
}

/* --- sending ----------------------------------------------------------------------------------------- */

static int change_send_unit(sd_bus *bus, const struct face *face, const struct change *change)
{
	_cleanup_free_ char *path = face_unit_path(face, change->unit);

	return sd_bus_emit_signal(bus, face->path, face->manager,
				  change->kind == CHANGE_UNIT_NEW ? "UnitNew" : "UnitRemoved", "so",
				  change->unit, path);
}

static int change_send_job(sd_bus *bus, const struct face *face, const struct change *change)
{
	_cleanup_free_ char *path = face_job_path(face, change->job);

	if (change->kind == CHANGE_JOB_NEW)
		return sd_bus_emit_signal(bus, face->path, face->manager, "JobNew", "uos", change->job, path,
					  change->unit);
	return sd_bus_emit_signal(bus, face->path, face->manager, "JobRemoved", "uoss", change->job, path,
				  change->unit, job_result_names[change->result]);
}

static int change_send(sd_bus *bus, const struct face *face, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_UNIT_NEW:
	case CHANGE_UNIT_REMOVED:
		return change_send_unit(bus, face, change);
	case CHANGE_JOB_NEW:
	case CHANGE_JOB_REMOVED:
		return change_send_job(bus, face, change);
	case CHANGE_RELOADING:
		return sd_bus_emit_signal(bus, face->path, face->manager, "Reloading", "b", change->active);
	}
	return -EINVAL;
}

static int change_send_properties(sd_bus *bus, const struct face *face, const struct unit *unit)
{
	_cleanup_free_ char *path = face_unit_path(face, unit->name);
	int r;

	if (!path)
		return -ENOMEM;
	r = sd_bus_emit_properties_changed_strv(bus, path, face->unit, NULL);
	if (r >= 0 && unit->kind == UNIT_SERVICE)
		r = sd_bus_emit_properties_changed_strv(bus, path, face->service_interface, NULL);
	return r;
}

static void change_flush_to(struct connection *connection)
{
	bool all = connection_wants_changes(connection), jobs = connection_wants_jobs(connection);
	uint64_t queued = 0;

	/* One that does not read is dropped before it costs us our memory. One burst, however long, is not
	 * its fault. */
	if (!connection->is_system && sd_bus_get_n_queued_write(connection->bus, &queued) >= 0 &&
	    queued > CONNECTION_MAX_SIGNALS) {
		connection_kill(connection);
		return;
	}
	for (int i = 0; i < FACE_MAX_; i++) {
		const struct view *view = &connection->views[i];

		if (!view->registered || !jobs)
			continue;
		/* A send fails when the client has gone, of which sd-bus tells us by itself. */
		if (all && connection->owner->failed_changed)
			sd_bus_emit_properties_changed(connection->bus, view->face->path, view->face->manager,
						       "NFailedUnits", NULL);
		if (all)
			TABLE_FOREACH (slot, &connection->owner->changed)
				change_send_properties(connection->bus, view->face, slot->value);
		for (struct change *change = connection->owner->first_change; change; change = change->next)
			if (all || change->kind == CHANGE_JOB_REMOVED)
				change_send(connection->bus, view->face, change);
	}
}

void change_flush(struct bus *bus)
{
	unsigned n_failed;

	if (!bus->first_change && !bus->changed.count)
		return;
	n_failed = manager_count_failed(bus_manager(bus));
	bus->failed_changed = n_failed != bus->n_failed;
	bus->n_failed = n_failed;
	for (struct connection *connection = bus->connections; connection; connection = connection->next)
		change_flush_to(connection);
	change_clear(bus);
}

void change_clear(struct bus *bus)
{
	struct change *next;

	for (struct change *change = bus->first_change; change; change = next) {
		next = change->next;
		free(change);
	}
	bus->first_change = NULL;
	bus->last_change = &bus->first_change;
	table_free(&bus->changed);
}
