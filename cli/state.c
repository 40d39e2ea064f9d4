/* The verbs that answer with a word and an exit status: is-active, is-failed, is-enabled, is-system-running.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* One property of a unit, as text; "" after an error. */
static char *state_get(struct cli *cli, const char *unit, const char *property)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *path = call_unit_path(unit);
	char *text = NULL;

	if (!path || sd_bus_get_property_string(cli->bus, NAMES_SERVICE, path, NAMES_UNIT, property, &error,
						&text) < 0)
		return strdup("");
	return text;
}

static void state_print(const struct cli *cli, struct json_object *all, const char *unit, const char *state)
{
	if (cli->json)
		json_object_object_add(all, unit, json_object_new_string(state));
	else if (!cli->quiet)
		puts(state);
}

static void state_end(const struct cli *cli, struct json_object *all)
{
	if (cli->json)
		print_json(all);
	json_object_put(all);
}

/* Exit status 0 when any of the units is in one of the GOOD states; else BAD, or UNKNOWN when none exists. */
static int state_check(struct cli *cli, char **arguments, const char *const *good, int bad, int unknown)
{
	_cleanup_text_list_ char **units = NULL;
	struct json_object *all = json_object_new_object();
	bool found = false, exists = false;

	if (call_expand(cli, arguments, &units) < 0) {
		json_object_put(all);
		return CLI_FAILED;
	}
	TEXT_LIST_FOREACH (unit, units) {
		_cleanup_free_ char *state = state_get(cli, *unit, "ActiveState");
		_cleanup_free_ char *load = state_get(cli, *unit, "LoadState");

		for (const char *const *word = good; *word; word++)
			found |= text_equal(state, *word);
		exists |= load && load[0] && strcmp(load, "not-found") != 0;
		state_print(cli, all, *unit, state && state[0] ? state : "inactive");
	}
	state_end(cli, all);
	return found ? CLI_OK : exists ? bad : unknown;
}

int state_verb_is_active(struct cli *cli, char **arguments)
{
	static const char *const good[] = {"active", "reloading", NULL};

	return state_check(cli, arguments, good, CLI_NOT_RUNNING, CLI_UNKNOWN);
}

int state_verb_is_failed(struct cli *cli, char **arguments)
{
	static const char *const good[] = {"failed", NULL};

	return state_check(cli, arguments, good, CLI_FAILED, CLI_FAILED);
}

int state_verb_is_enabled(struct cli *cli, char **arguments)
{
	static const char *const good[] = {"enabled",  "enabled-runtime", "static", "alias",
					   "indirect", "generated",	  NULL};
	struct json_object *all = json_object_new_object();
	bool found = false;
	int status = CLI_FAILED;

	TEXT_LIST_FOREACH (argument, arguments) {
		sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		_cleanup_free_ char *unit = call_unit_name(*argument);
		const char *state;
		int r = unit ? call_manager(cli, "GetUnitFileState", &error, &reply, "s", unit) : -ENOMEM;

		if (r >= 0)
			r = sd_bus_message_read(reply, "s", &state);
		if (r < 0) {
			call_report(cli, r, &error, "get unit file state for %s", *argument);
			status = CLI_UNKNOWN;
			continue;
		}
		for (const char *const *word = good; *word; word++)
			found |= strcmp(state, *word) == 0;
		state_print(cli, all, unit, state);
	}
	state_end(cli, all);
	return found ? CLI_OK : status;
}

int state_verb_is_system_running(struct cli *cli, _unused_ char **arguments)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *state = NULL;
	struct json_object *all = json_object_new_object();
	int r = sd_bus_get_property_string(cli->bus, NAMES_SERVICE, NAMES_PATH, NAMES_MANAGER, "SystemState",
					   &error, &state);

	if (r < 0) {
		json_object_put(all);
		return call_report(cli, r, &error, "get the system's state");
	}
	state_print(cli, all, "state", state);
	state_end(cli, all);
	return strcmp(state, "running") == 0 ? CLI_OK : CLI_FAILED;
}
