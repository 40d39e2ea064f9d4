/* svcctl exec and shell: a command inside a running service. Our three streams are passed by descriptor, or the
 * command gets a terminal of its own, which we are the other end of (terminal.c). The answer comes when the command
 * ends, and svcctl ends as the command did: with its exit status, or 128 and its signal. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "cli/terminal.h"

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

/* The terminal is said to be what ours is, if it is one, unless the caller says otherwise. */
static int exec_append_terminal(struct cli *cli, sd_bus_message *message, const struct terminal *terminal)
{
	const char *type = isatty(STDIN_FILENO) ? getenv("TERM") : NULL;
	uint16_t rows = 0, columns = 0;
	bool told = false;
	int r;

	TEXT_LIST_FOREACH (item, cli->environment)
		told |= text_starts_with(*item, "TERM=");
	if (!told) {
		r = text_list_take(&cli->environment, text_format("TERM=%s", type && *type ? type : "xterm"));
		if (r < 0)
			return r;
	}
	terminal_size(&rows, &columns);
	return sd_bus_message_append(message, "{sv}{sv}{sv}", "terminal", "h", terminal_socket(terminal),
				     "rows", "q", rows, "columns", "q", columns);
}

static int exec_build(struct cli *cli, const char *unit, char **command, const struct terminal *terminal,
		      sd_bus_message **ret)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL;
	_cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
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
	if (r >= 0 && terminal)
		r = exec_append_terminal(cli, message, terminal);
	if (r >= 0 && cli->environment)
		r = exec_append_environment(message, cli->environment);
	if (r >= 0)
		r = sd_bus_message_close_container(message);
	if (r >= 0 && null < 0)
		r = -errno;
	if (r >= 0)
		r = sd_bus_message_append(message, "hhh", cli->interactive && !terminal ? STDIN_FILENO : null,
					  terminal ? null : STDOUT_FILENO, terminal ? null : STDERR_FILENO);
	if (r < 0)
		return r;
	*ret = TAKE(message);
	return 0;
}

/* What a call leads to: its answer, while terminals are proxied. */
struct exec_wait {
	sd_event *event;
	sd_bus_message *reply;
	sd_bus_error error;
	int result;
};

static int exec_on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ignored)
{
	struct exec_wait *wait = userdata;

	(void)ignored;
	if (sd_bus_message_is_method_error(reply, NULL)) {
		wait->result = -sd_bus_message_get_errno(reply);
		sd_bus_error_copy(&wait->error, sd_bus_message_get_error(reply));
	} else {
		wait->reply = sd_bus_message_ref(reply);
	}
	return sd_event_exit(wait->event, 0);
}

/* A command may take as long as it likes; when the manager goes, the connection's end is an answer too. */
static int exec_call(struct cli *cli, sd_bus_message *message, struct terminal *terminal,
		     struct exec_wait *wait)
{
	int r = sd_event_default(&wait->event);

	if (r >= 0)
		r = sd_bus_attach_event(cli->bus, wait->event, 0);
	if (r >= 0)
		r = sd_bus_call_async(cli->bus, NULL, message, exec_on_reply, wait, UINT64_MAX);
	if (r >= 0 && terminal)
		r = terminal_attach(terminal, wait->event);
	if (r >= 0)
		r = sd_event_loop(wait->event);
	if (terminal)
		terminal_end(terminal);
	sd_bus_detach_event(cli->bus);
	wait->event = sd_event_unref(wait->event);
	return r < 0 ? r : wait->result;
}

/* As podman exec: 127 when there is no such command, 126 when it cannot be executed, 125 for everything else. */
static int exec_report(struct cli *cli, int r, const sd_bus_error *error, const char *unit)
{
	int status = call_report(cli, r, error, "execute in %s", unit);

	if (call_is_error(error, NAMES_ERROR_NO_COMMAND))
		return 127;
	if (call_is_error(error, NAMES_ERROR_COMMAND_REFUSED))
		return 126;
	return status == CLI_NOT_INSTALLED ? CLI_NOT_INSTALLED : 125;
}

static int exec_run(struct cli *cli, const char *unit, char **command)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL;
	_cleanup_(terminal_freep) struct terminal *terminal = NULL;
	struct exec_wait wait = {.error = SD_BUS_ERROR_NULL};
	int32_t code = 0, status = 0;
	int r = 0;

	if (cli->tty)
		r = terminal_new(cli->interactive, &terminal);
	if (r >= 0)
		r = exec_build(cli, unit, command, terminal, &message);
	if (r >= 0)
		r = exec_call(cli, message, terminal, &wait);
	if (r >= 0)
		r = sd_bus_message_read(wait.reply, "ii", &code, &status);
	if (r < 0)
		r = exec_report(cli, r, &wait.error, unit);
	else if (code == 0) {
		fprintf(stderr, "How the command in %s ended is not known.\n", unit);
		r = 125;
	} else
		r = code == CLD_EXITED ? status : 128 + status;
	sd_bus_message_unref(wait.reply);
	sd_bus_error_free(&wait.error);
	return r;
}

int exec_verb(struct cli *cli, char **arguments)
{
	_cleanup_free_ char *unit = call_unit_name(arguments[0]);

	if (!unit)
		return call_report(cli, -ENOMEM, NULL, "execute in %s", arguments[0]);
	return exec_run(cli, unit, arguments + 1);
}

int exec_verb_shell(struct cli *cli, char **arguments)
{
	cli->interactive = true;
	cli->tty = isatty(STDIN_FILENO);
	return exec_verb(cli, arguments);
}
