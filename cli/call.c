/* Calls of the manager object and what their errors mean for the exit status. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* A manager that reads ten thousand unit files is slow, not dead. */
#define CALL_TIMEOUT (90 * USEC_PER_SEC)

int call_manager(struct cli *cli, const char *member, sd_bus_error *error, sd_bus_message **ret,
		 const char *types, ...)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL;
	va_list arguments;
	int r = sd_bus_message_new_method_call(cli->bus, &message, NAMES_SERVICE, NAMES_PATH, NAMES_MANAGER,
					       member);

	if (r < 0)
		return r;
	if (types) {
		va_start(arguments, types);
		r = sd_bus_message_appendv(message, types, arguments);
		va_end(arguments);
		if (r < 0)
			return r;
	}
	return sd_bus_call(cli->bus, message, CALL_TIMEOUT, error, ret);
}

bool call_is_error(const sd_bus_error *error, const char *name)
{
	size_t length = strlen(NAMES_SERVICE ".");

	return error->name && strncmp(error->name, NAMES_SERVICE ".", length) == 0 &&
	       strcmp(error->name + length, name) == 0;
}

static int call_exit_status(const sd_bus_error *error)
{
	if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED) ||
	    call_is_error(error, NAMES_ERROR_ONLY_DEPENDENCY) ||
	    call_is_error(error, NAMES_ERROR_TRANSACTION))
		return CLI_NO_PERMISSION;
	if (call_is_error(error, NAMES_ERROR_NO_SUCH_UNIT))
		return CLI_NOT_INSTALLED;
	if (call_is_error(error, NAMES_ERROR_JOB_TYPE) ||
	    sd_bus_error_has_name(error, SD_BUS_ERROR_NOT_SUPPORTED))
		return CLI_NOT_IMPLEMENTED;
	if (call_is_error(error, NAMES_ERROR_LOAD_FAILED))
		return CLI_NOT_CONFIGURED;
	return CLI_FAILED;
}

int call_report(const struct cli *cli, int r, const sd_bus_error *error, const char *format, ...)
{
	va_list arguments;

	if (!cli->quiet || !error || !error->name) {
		fputs("Failed to ", stderr);
		va_start(arguments, format);
		vfprintf(stderr, format, arguments);
		va_end(arguments);
		fprintf(stderr, ": %s\n", error && error->message ? error->message : strerror(-r));
	}
	return error && error->name ? call_exit_status(error) : CLI_FAILED;
}

char *call_unit_name(const char *text)
{
	static const char *const suffixes[] = {".service", ".target", ".socket",   ".timer",
					       ".path",	   ".mount",  ".slice",	   ".scope",
					       ".swap",	   ".device", ".automount"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (text_ends_with(text, suffixes[i]))
			return strdup(text);
	return text_format("%s.service", text);
}

char *call_unit_path(const char *unit)
{
	char *path = NULL;

	return sd_bus_path_encode(NAMES_PATH "/unit", unit, &path) < 0 ? NULL : path;
}

static int call_expand_pattern(struct cli *cli, const char *pattern, char ***names)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *name;
	int r = call_manager(cli, "ListUnitsByPatterns", &error, &reply, "asas", 0, 1, pattern);

	if (r < 0)
		return r;
	r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
	while (r >= 0 && (r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, NULL, NULL, NULL, NULL,
						  NULL, NULL, NULL, NULL)) > 0)
		r = text_list_append(names, name);
	return r < 0 ? r : 0;
}

int call_expand(struct cli *cli, char **arguments, char ***ret)
{
	_cleanup_text_list_ char **names = NULL;

	TEXT_LIST_FOREACH (argument, arguments) {
		char *name = call_unit_name(*argument);
		int r;

		if (name && strpbrk(name, "*?[")) {
			r = call_expand_pattern(cli, name, &names);
			free(name);
		} else {
			r = text_list_take(&names, name);
		}
		if (r < 0)
			return r;
	}
	*ret = TAKE(names);
	return 0;
}
