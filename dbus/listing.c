/* The manager's lists: units, unit files, jobs. Patterns are fnmatch(3)'s, states match the load, active or
 * sub state. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/parts.h"

#define LISTING_UNIT "(ssssssouso)"

static int listing_append_unit(sd_bus_message *reply, const struct face *face, const struct unit *unit)
{
	_cleanup_free_ char *path = face_unit_path(face, unit->name);
	int r;

	if (!path)
		return -ENOMEM;
	r = sd_bus_message_open_container(reply, 'r', "ssssssouso");
	if (r >= 0)
		r = sd_bus_message_append(reply, "sssssso", unit->name, unit_object_description(unit),
					  unit_object_load_state(unit),
					  unit_active_state_names[unit_active_state(unit)],
					  unit_sub_state(unit), "", path);
	if (r >= 0)
		r = unit_object_append_job(reply, face, unit);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static bool listing_has_state(const struct unit *unit, char *const *states)
{
	return !states || text_list_contains(states, unit_object_load_state(unit)) ||
	       text_list_contains(states, unit_active_state_names[unit_active_state(unit)]) ||
	       text_list_contains(states, unit_sub_state(unit));
}

static bool listing_matches(const char *name, char *const *patterns)
{
	if (!patterns || !*patterns)
		return true;
	for (char *const *pattern = patterns; *pattern; pattern++)
		if (fnmatch(*pattern, name, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

static int listing_answer(sd_bus_message *message, const struct view *view, char *const *states,
			  char *const *patterns)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int r = sd_bus_message_new_method_return(message, &reply);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', LISTING_UNIT);
	TABLE_FOREACH (slot, &bus_manager(view->connection->owner)->units) {
		const struct unit *unit = slot->value;

		if (r >= 0 && listing_has_state(unit, states) && listing_matches(unit->name, patterns))
			r = listing_append_unit(reply, view->face, unit);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* An empty list of states means any. */
static int listing_read_states(sd_bus_message *message, char ***ret)
{
	int r = sd_bus_message_read_strv(message, ret);

	if (r >= 0 && *ret && !**ret)
		*ret = text_list_free(*ret);
	return r;
}

int listing_units(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	return listing_answer(message, userdata, NULL, NULL);
}

int listing_units_filtered(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	_cleanup_text_list_ char **states = NULL;
	int r = listing_read_states(message, &states);

	return r < 0 ? r : listing_answer(message, userdata, states, NULL);
}

int listing_units_by_patterns(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	_cleanup_text_list_ char **states = NULL, **patterns = NULL;
	int r = listing_read_states(message, &states);

	if (r >= 0)
		r = sd_bus_message_read_strv(message, &patterns);
	return r < 0 ? r : listing_answer(message, userdata, states, patterns);
}

/* Units that are not loaded are loaded; names that cannot be are left out. */
int listing_units_by_names(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	const struct view *view = userdata;
	_cleanup_text_list_ char **names = NULL;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int r = sd_bus_message_read_strv(message, &names);

	if (r >= 0)
		r = sd_bus_message_new_method_return(message, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', LISTING_UNIT);
	TEXT_LIST_FOREACH (name, names) {
		_cleanup_free_ char *path = face_unit_path(view->face, *name);
		struct unit *unit = NULL;

		if (r >= 0 && path && unit_object_find(userdata, path, &unit) > 0)
			r = listing_append_unit(reply, view->face, unit);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* --- unit files -------------------------------------------------------------------------------------- */

/* "enabled", "static", …; the answer to a unit that is not loaded reads its file without loading it. */
static const char *listing_file_state(const struct view *view, const char *name)
{
	struct bus *bus = view->connection->owner;
	struct manager *manager = bus_manager(bus);
	struct unit *unit = manager_get_unit(manager, name);
	struct unit_config *config = NULL;
	const char *state;

	if (unit && unit->config->files)
		return unit_file_state(host_unit_path(bus->host), unit->config);
	if (manager->world->ops->load(manager->world, name, &config) < 0)
		return NULL;
	state = config->load_state == UNIT_NOT_FOUND ? NULL
						     : unit_file_state(host_unit_path(bus->host), config);
	unit_config_free(config);
	return state;
}

static int listing_answer_files(sd_bus_message *message, const struct view *view, char *const *states,
				char *const *patterns)
{
	_cleanup_text_list_ char **names = NULL, **paths = NULL;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int r = unit_list_files(host_unit_path(view->connection->owner->host), &names, &paths);

	if (r >= 0)
		r = sd_bus_message_new_method_return(message, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(ss)");
	for (size_t i = 0; r >= 0 && names && names[i]; i++) {
		const char *state =
			listing_matches(names[i], patterns) ? listing_file_state(view, names[i]) : NULL;

		if (state && (!states || text_list_contains(states, state)))
			r = sd_bus_message_append(reply, "(ss)", paths[i], state);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int listing_unit_files(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	return listing_answer_files(message, userdata, NULL, NULL);
}

int listing_unit_files_by_patterns(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	_cleanup_text_list_ char **states = NULL, **patterns = NULL;
	int r = listing_read_states(message, &states);

	if (r >= 0)
		r = sd_bus_message_read_strv(message, &patterns);
	return r < 0 ? r : listing_answer_files(message, userdata, states, patterns);
}

int listing_unit_file_state(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const char *name, *state;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	if (unit_name_parse(name, NULL, NULL) < 0)
		return reply_invalid(error, "unit name", name);
	state = listing_file_state(userdata, name);
	if (!state) /* systemd answers this with the errno's own error name, and systemctl knows that */
		return sd_bus_error_setf(error, SD_BUS_ERROR_FILE_NOT_FOUND, "Unit file %s does not exist.",
					 name);
	return sd_bus_reply_method_return(message, "s", state);
}

/* --- jobs -------------------------------------------------------------------------------------------- */

int listing_jobs(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	const struct view *view = userdata;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int r = sd_bus_message_new_method_return(message, &reply);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(usssoo)");
	TABLE_FOREACH (slot, &bus_manager(view->connection->owner)->jobs) {
		if (r >= 0)
			r = job_object_append(reply, view->face, slot->value);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
