/* Verbs that are one call: kill, freeze, thaw, clean, reset-failed, daemon-reload, cancel, and those that end the tree. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* "TERM", "SIGTERM", "15", "RTMIN+3". 0 when it is none. */
static int manage_parse_signal(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (*text && !*end)
		return number > 0 && number <= SIGRTMAX ? (int)number : 0;
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncmp(text, "RTMIN+", 6) == 0 && isdigit((unsigned char)text[6])) {
		number = SIGRTMIN + strtol(text + 6, &end, 10);
		return !*end && number <= SIGRTMAX ? (int)number : 0;
	}
	for (int i = 1; i < SIGRTMIN; i++)
		if (sigabbrev_np(i) && strcasecmp(sigabbrev_np(i), text) == 0)
			return i;
	return 0;
}

int manage_verb_kill(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	int signal = manage_parse_signal(cli->signal ? cli->signal : "SIGTERM"), status = CLI_OK;

	if (signal == 0) {
		fprintf(stderr, "Failed to parse signal string %s.\n", cli->signal);
		return CLI_FAILED;
	}
	if (call_expand(cli, arguments, &units) < 0)
		return CLI_FAILED;
	TEXT_LIST_FOREACH (unit, units) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		int r = call_manager(cli, "KillUnit", &error, NULL, "ssi", *unit,
				     cli->kill_whom ? cli->kill_whom : "all", signal);

		if (r < 0) {
			call_report(cli, r, &error, "kill unit %s", *unit);
			status = CLI_FAILED;
		}
	}
	return status;
}

/* "MemoryMax=64M" as (name, text): what is valid, the manager knows. */
static int manage_append_property(sd_bus_message *message, const char *assignment)
{
	size_t length = strcspn(assignment, "=");
	_cleanup_free_ char *name = strndup(assignment, length);

	if (!name)
		return -ENOMEM;
	return sd_bus_message_append(message, "(sv)", name, "s", assignment + length + 1);
}

int manage_verb_set_property(struct cli *cli, char **arguments)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL;
	_cleanup_free_ char *unit = call_unit_name(arguments[0]);
	int r = unit ? 0 : -ENOMEM;

	for (char **assignment = arguments + 1; *assignment; assignment++)
		if (!strchr(*assignment, '=')) {
			fprintf(stderr, "Not an assignment: %s\n", *assignment);
			return CLI_FAILED;
		}
	if (r >= 0)
		r = sd_bus_message_new_method_call(cli->bus, &message, NAMES_SERVICE, NAMES_PATH,
						   NAMES_MANAGER, "SetUnitProperties");
	if (r >= 0)
		r = sd_bus_message_append(message, "sb", unit, (int)cli->runtime);
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'a', "(sv)");
	for (char **assignment = arguments + 1; r >= 0 && *assignment; assignment++)
		r = manage_append_property(message, *assignment);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	if (r >= 0)
		r = sd_bus_call(cli->bus, message, 0, &error, NULL);
	return r < 0 ? call_report(cli, r, &error, "set unit properties on %s", arguments[0]) : CLI_OK;
}

static int manage_freeze(struct cli *cli, char **arguments, const char *member, const char *verb)
{
	_cleanup_text_list_ char **units = NULL;
	int status = CLI_OK;

	if (call_expand(cli, arguments, &units) < 0)
		return CLI_FAILED;
	TEXT_LIST_FOREACH (unit, units) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		int r = call_manager(cli, member, &error, NULL, "s", *unit);

		if (r < 0)
			status = cli_worse(status, call_report(cli, r, &error, "%s unit %s", verb, *unit));
	}
	return status;
}

int manage_verb_freeze(struct cli *cli, char **arguments)
{
	return manage_freeze(cli, arguments, "FreezeUnit", "freeze");
}

int manage_verb_thaw(struct cli *cli, char **arguments)
{
	return manage_freeze(cli, arguments, "ThawUnit", "thaw");
}

static int manage_clean_one(struct cli *cli, const char *unit, sd_bus_error *error)
{
	static char *usual[] = {(char *)"cache", (char *)"runtime", NULL};
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL;
	int r = sd_bus_message_new_method_call(cli->bus, &message, NAMES_SERVICE, NAMES_PATH, NAMES_MANAGER,
					       "CleanUnit");

	if (r >= 0)
		r = sd_bus_message_append_basic(message, 's', unit);
	if (r >= 0)
		r = sd_bus_message_append_strv(message, cli->what ? cli->what : usual);
	/* The unit file says how long it may take. */
	return r < 0 ? r : sd_bus_call(cli->bus, message, UINT64_MAX, error, NULL);
}

int manage_verb_clean(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	int status = CLI_OK;

	if (call_expand(cli, arguments, &units) < 0)
		return CLI_FAILED;
	TEXT_LIST_FOREACH (unit, units) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		int r = manage_clean_one(cli, *unit, &error);

		if (r < 0)
			status = cli_worse(status, call_report(cli, r, &error, "clean unit %s", *unit));
	}
	return status;
}

int manage_verb_reset_failed(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	int status = CLI_OK;

	if (call_expand(cli, arguments, &units) < 0)
		return CLI_FAILED;
	if (!arguments || !arguments[0]) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		int r = call_manager(cli, "ResetFailed", &error, NULL, NULL);

		return r < 0 ? call_report(cli, r, &error, "reset failed state") : CLI_OK;
	}
	TEXT_LIST_FOREACH (unit, units) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		int r = call_manager(cli, "ResetFailedUnit", &error, NULL, "s", *unit);

		if (r < 0) {
			call_report(cli, r, &error, "reset failed state of unit %s", *unit);
			status = CLI_FAILED;
		}
	}
	return status;
}

static int manage_call(struct cli *cli, const char *member, const char *what)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = call_manager(cli, member, &error, NULL, NULL);

	return r < 0 ? call_report(cli, r, &error, "%s", what) : CLI_OK;
}

int manage_verb_daemon_reload(struct cli *cli, _unused_ char **arguments)
{
	return manage_call(cli, "Reload", "reload daemon");
}

int manage_verb_cancel(struct cli *cli, char **arguments)
{
	int status = CLI_OK;

	TEXT_LIST_FOREACH (argument, arguments) {
		_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
		char *end;
		unsigned long id = strtoul(*argument, &end, 10);
		int r;

		if (!isdigit((unsigned char)**argument) || *end || id > UINT32_MAX) {
			fprintf(stderr, "Failed to parse job id \"%s\".\n", *argument);
			return CLI_USAGE;
		}
		r = call_manager(cli, "CancelJob", &error, NULL, "u", (uint32_t)id);
		if (r < 0)
			status = call_report(cli, r, &error, "cancel job %lu", id);
	}
	return status;
}

int manage_verb_exit(struct cli *cli, char **arguments)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	char *end;

	if (arguments && arguments[0]) {
		unsigned long code = strtoul(arguments[0], &end, 10);
		int r;

		if (!isdigit((unsigned char)*arguments[0]) || *end || code > 255) {
			fprintf(stderr, "Failed to parse exit code \"%s\": not a number from 0 to 255.\n",
				arguments[0]);
			return CLI_USAGE;
		}
		r = call_manager(cli, "SetExitCode", &error, NULL, "y", (uint8_t)code);
		if (r < 0)
			return call_report(cli, r, &error, "set the exit code");
	}
	return manage_call(cli, "Exit", "stop the tree");
}

int manage_verb_power_off(struct cli *cli, _unused_ char **arguments)
{
	return manage_call(cli, "PowerOff", "power off");
}

int manage_verb_reboot(struct cli *cli, _unused_ char **arguments)
{
	return manage_call(cli, "Reboot", "reboot");
}

int manage_verb_halt(struct cli *cli, _unused_ char **arguments)
{
	return manage_call(cli, "Halt", "halt");
}
