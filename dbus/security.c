/* Manager.GetUnitSecurity: what a unit's launch leaves exposed. Ours; systemd-analyze(1) finds it out in the client. */
#include <errno.h>

#include "dbus/parts.h"

static int security_append(sd_bus_message *reply, const struct exposure *exposure, char **missing)
{
	int r = sd_bus_message_append(reply, "us", exposure->score, exposure->predicate);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(sssuuu)");
	for (size_t i = 0; r >= 0 && i < exposure->n; i++) {
		const struct exposure_row *row = &exposure->rows[i];

		r = sd_bus_message_append(reply, "(sssuuu)", exposure_room_names[row->room], row->name,
					  row->text, row->badness, row->range, row->weight);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : property_append_list(reply, missing);
}

int security_method(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	struct bus *bus = view->connection->owner;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	_cleanup_text_list_ char **missing = NULL;
	struct failure failure = {};
	struct exposure exposure;
	struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	r = manager_load_unit(bus_manager(bus), name, &unit, &failure);
	if (r >= 0)
		r = host_security(bus->host, unit, &exposure, &failure);
	if (r >= 0)
		r = host_unenforceable(bus->host, unit, &missing);
	if (r < 0)
		return reply_error(error, view->face, r, &failure);
	r = sd_bus_message_new_method_return(message, &reply);
	if (r >= 0)
		r = security_append(reply, &exposure, missing);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
