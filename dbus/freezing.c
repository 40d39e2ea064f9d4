/* Freeze and Thaw. As with systemd, the answer comes when the kernel says that it is so, which takes it a moment:
 * the call is kept here until the manager's observer tells of a change of the unit. The wait has a bound, because a
 * process may be in a system call that cannot be interrupted. Two calls that want the same do not wait for one
 * unit at a time, and one that wants the opposite ends the wait of the first. */
#include <errno.h>
#include <string.h>

#include "dbus/parts.h"

#define FREEZING_TIMEOUT (20 * USEC_PER_SEC) /* below the 25 s that a client waits for an answer */

struct freezing {
	struct freezing *next, **link; /* in bus->freezings */
	const struct face *face;
	sd_bus_message *message;
	sd_event_source *timeout;
	bool freeze;
	char unit[];
};

static struct freezing *freezing_free(struct freezing *freezing)
{
	*freezing->link = freezing->next;
	if (freezing->next)
		freezing->next->link = freezing->link;
	sd_event_source_disable_unref(freezing->timeout);
	sd_bus_message_unref(freezing->message);
	free(freezing);
	return NULL;
}

static void freezing_refuse(struct freezing *freezing, int code, const char *why)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct failure failure = {};

	failure_set(&failure, code, NULL, "Unit %s %s", freezing->unit, why);
	reply_error(&error, freezing->face, code, &failure);
	sd_bus_reply_method_error(freezing->message, &error);
	sd_bus_error_free(&error);
	freezing_free(freezing);
}

static int freezing_on_timeout(_unused_ sd_event_source *source, _unused_ uint64_t at, void *data)
{
	struct freezing *freezing = data;

	freezing_refuse(freezing, -ETIMEDOUT,
			freezing->freeze ? "is still freezing: a process of it cannot be interrupted"
					 : "is still thawing");
	return 0;
}

/* 1: it is so; 0: it is on the way there; else it is on the way to something else. */
static int freezing_progress(bool freeze, enum cgroup_freezer state)
{
	if (state == (freeze ? CGROUP_FROZEN : CGROUP_RUNNING))
		return 1;
	return state == (freeze ? CGROUP_FREEZING : CGROUP_THAWING) ? 0 : -ECANCELED;
}

void freezing_check(struct bus *bus, const struct unit *unit)
{
	struct freezing *next;

	for (struct freezing *freezing = bus->freezings; freezing; freezing = next) {
		int r;

		next = freezing->next;
		if (strcmp(freezing->unit, unit->name) != 0)
			continue;
		r = freezing_progress(freezing->freeze, host_freezer_state(bus->host, unit));
		if (r > 0) {
			sd_bus_reply_method_return(freezing->message, NULL);
			freezing_free(freezing);
		} else if (r < 0) {
			freezing_refuse(freezing, -EALREADY,
					freezing->freeze ? "was thawed meanwhile" : "was frozen meanwhile");
		}
	}
}

void freezing_drop(const struct connection *connection)
{
	struct freezing *next;

	for (struct freezing *freezing = connection->owner->freezings; freezing; freezing = next) {
		next = freezing->next;
		if (sd_bus_message_get_bus(freezing->message) == connection->bus)
			freezing_free(freezing);
	}
}

static int freezing_await(struct view *view, sd_bus_message *message, const char *unit, bool freeze)
{
	struct bus *bus = view->connection->owner;
	size_t size = strlen(unit) + 1;
	struct freezing *freezing = calloc(1, sizeof *freezing + size);
	int r;

	if (!freezing)
		return -ENOMEM;
	freezing->face = view->face;
	freezing->message = sd_bus_message_ref(message);
	freezing->freeze = freeze;
	memcpy(freezing->unit, unit, size);
	freezing->link = &bus->freezings;
	freezing->next = bus->freezings;
	if (freezing->next)
		freezing->next->link = &freezing->next;
	bus->freezings = freezing;
	r = sd_event_add_time_relative(bus->event, &freezing->timeout, CLOCK_MONOTONIC, FREEZING_TIMEOUT, 0,
				       freezing_on_timeout, freezing);
	if (r < 0)
		freezing_free(freezing);
	return r < 0 ? r : 1;
}

static bool freezing_is_awaited(const struct bus *bus, const char *unit, bool freeze)
{
	for (const struct freezing *freezing = bus->freezings; freezing; freezing = freezing->next)
		if (freezing->freeze == freeze && strcmp(freezing->unit, unit) == 0)
			return true;
	return false;
}

static int freezing_begin(struct view *view, sd_bus_message *message, struct unit *unit, bool freeze,
			  sd_bus_error *error)
{
	struct bus *bus = view->connection->owner;
	struct failure failure = {};
	int r;

	if (freezing_is_awaited(bus, unit->name, freeze)) {
		failure_set(&failure, -EALREADY, NULL, "Unit %s is already being %s", unit->name,
			    freeze ? "frozen" : "thawed");
		return reply_error(error, view->face, -EALREADY, &failure);
	}
	r = host_freeze(bus->host, unit, freeze, &failure);
	if (r == -EOPNOTSUPP) /* it is no job, as the name for this code elsewhere says */
		return sd_bus_error_setf(error, SD_BUS_ERROR_NOT_SUPPORTED, "%s.", failure.text);
	if (r < 0)
		return reply_error(error, view->face, r, &failure);
	if (freezing_progress(freeze, host_freezer_state(bus->host, unit)) > 0)
		return sd_bus_reply_method_return(message, NULL);
	return freezing_await(view, message, unit->name, freeze);
}

/* "Freeze", "FreezeUnit", or "Thaw", "ThawUnit". */
static bool freezing_is_freeze(sd_bus_message *message)
{
	return text_starts_with(sd_bus_message_get_member(message), "Freeze");
}

int freezing_method(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	return freezing_begin(connection_view(sd_bus_message_get_bus(message)), message, userdata,
			      freezing_is_freeze(message), error);
}

int freezing_method_of_manager(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct view *view = userdata;
	struct failure failure = {};
	struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	/* Loaded if need be: that it is not active tells more than that it is not in memory. */
	r = manager_load_unit(bus_manager(view->connection->owner), name, &unit, &failure);
	if (r < 0)
		return reply_error(error, view->face, r, &failure);
	if (unit->config->load_state == UNIT_NOT_FOUND && unit_active_state(unit) == UNIT_INACTIVE)
		return reply_no_such_unit(error, view->face, name);
	return freezing_begin(view, message, unit, freezing_is_freeze(message), error);
}
