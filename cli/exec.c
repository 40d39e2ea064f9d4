/* svcctl exec: a command inside a running service. Our three streams are passed by descriptor; the answer
 * comes when the command ends, and svcctl ends as the command did: with its exit status, or 128 and its
 * signal. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static int exec_append_option(sd_bus_message *message, const char *name, const char *type, const char *value)
{
	return value ? sd_bus_message_append(message, "{sv}", name, type, value) : 0;
}

static int exec_append_environment(sd_bus_message *message, char **environment)
{
	int r = sd_bus_message_open_container(message, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(message, "s", "environment");
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'v', "as");
	if (r >= 0)
		r = sd_bus_message_append_strv(message, environment);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int exec_build(struct cli *cli, const char *unit, char **command, sd_bus_message **ret)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL;
	int r = sd_bus_message_new_method_call(cli->bus, &message, NAMES_SERVICE, NAMES_PATH, NAMES_MANAGER,
					       "ExecUnit");

	if (r >= 0)
		r = sd_bus_message_append(message, "s", unit);
	if (r >= 0)
		r = sd_bus_message_append_strv(message, command);
	if (r >= 0)
		r = sd_bus_message_open_container(message, 'a', "{sv}");
	if (r >= 0)
		r = exec_append_option(message, "user", "s", cli->user);
	if (r >= 0)
		r = exec_append_option(message, "working-directory", "s", cli->directory);
	if (r >= 0 && cli->privileged)
		r = sd_bus_message_append(message, "{sv}", "privileged", "b", true);
	if (r >= 0 && cli->environment)
		r = exec_append_environment(message, cli->environment);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	if (r >= 0)
		r = sd_bus_message_append(message, "hhh", STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
	if (r < 0)
		return r;
	*ret = TAKE(message);
	return 0;
}

int exec_verb(struct cli *cli, char **arguments)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL, *_cleanup_(sd_bus_message_unrefp)
										 reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *unit = call_unit_name(arguments[0]);
	int32_t code, status;
	int r = unit ? exec_build(cli, unit, arguments + 1, &message) : -ENOMEM;

	if (r >= 0) /* a command may take as long as it likes */
		r = sd_bus_call(cli->bus, message, UINT64_MAX, &error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "ii", &code, &status);
	if (r < 0) {
		r = call_report(cli, r, &error, "execute in %s", unit ? unit : arguments[0]);
		return r == CLI_NOT_INSTALLED ? CLI_NOT_INSTALLED
					      : 125; /* as podman exec: the command never ran */
	}
	if (code == 0) {
		fprintf(stderr, "How the command in %s ended is not known.\n", unit);
		return 125;
	}
	return code == CLD_EXITED ? status : 128 + status;
}
