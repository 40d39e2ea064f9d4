/* Manager.ExecUnit: a command inside a running unit, its three streams passed by descriptor. The answer comes
 * when the command ends, so the call is kept here meanwhile. When the bus goes first, the call is dropped and
 * the end of the command is told to nobody. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/parts.h"

enum { EXECUTION_EXIT_EXEC = 203 }; /* systemd.exec(5) */

struct execution {
	struct execution *next, **link; /* in bus->executions; link is NULL once orphaned */
	const struct face *face;
	struct host *host;
	sd_bus_message *message;
	sd_bus_track *caller; /* on the system bus */
};

static struct execution *execution_free(struct execution *execution)
{
	if (execution->link) {
		*execution->link = execution->next;
		if (execution->next)
			execution->next->link = execution->link;
	}
	sd_bus_track_unref(execution->caller);
	sd_bus_message_unref(execution->message);
	free(execution);
	return NULL;
}

static void execution_abandon(struct execution *execution)
{
	host_exec_abandon(execution->host, execution);
	execution_free(execution);
}

void execution_abandon_all(struct bus *bus, const sd_bus *connection)
{
	struct execution *next;

	for (struct execution *execution = bus->executions; execution; execution = next) {
		next = execution->next;
		if (!connection || sd_bus_message_get_bus(execution->message) == connection)
			execution_abandon(execution);
	}
}

static int execution_on_caller_gone(_unused_ sd_bus_track *track, void *userdata)
{
	execution_abandon(userdata);
	return 0;
}

/* EXIT_STATUS 203 says that it is the command itself that could not be executed, as podman tells apart: 127 when there
 * is none, 126 when it is not to be executed. */
static void execution_set_error(const struct execution *execution, const struct failure *failure,
				int exit_status, sd_bus_error *error)
{
	char name[128], text[sizeof(struct failure)];

	if (exit_status != EXECUTION_EXIT_EXEC && failure->error != -ENOENT) {
		reply_error(error, execution->face, failure->error, failure);
		return;
	}
	if (exit_status != EXECUTION_EXIT_EXEC) { /* of a unit it would mean that there is none */
		failure_print(failure, text, sizeof text);
		sd_bus_error_set(error, SD_BUS_ERROR_FILE_NOT_FOUND, text);
		return;
	}
	snprintf(name, sizeof name, "%s%s", execution->face->error_prefix,
		 failure->error == -ENOENT ? NAMES_ERROR_NO_COMMAND : NAMES_ERROR_COMMAND_REFUSED);
	if (failure->error == -ENOENT)
		snprintf(text, sizeof text, "%s: %s", failure->where, failure->text);
	else
		failure_print(failure, text, sizeof text);
	sd_bus_error_set(error, name, text);
}

/* The answer is (code, status) as SIGCHLD has it; (0, 0) when nobody saw the end. */
static void execution_on_done(void *data, int wait_status, const struct failure *failure, int exit_status)
{
	struct execution *execution = data;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char text[sizeof(struct failure)];
	int code, status;

	if (failure && failure->error) {
		if (exit_status == EXECUTION_EXIT_EXEC)
			execution_set_error(execution, failure, exit_status, &error);
		else { /* a step of the launch: its errno says why, not what sort of answer this is */
			failure_print(failure, text, sizeof text);
			sd_bus_error_set(&error, SD_BUS_ERROR_FAILED, text);
		}
		sd_bus_reply_method_error(execution->message, &error);
	} else {
		property_decode_status(wait_status, &code, &status);
		sd_bus_reply_method_return(execution->message, "ii", code, status);
	}
	sd_bus_error_free(&error);
	execution_free(execution);
}

/* What the caller may choose: user (s), working-directory (s), environment (as), privileged (b), terminal (h: a socket
 * that gets the master), rows (q), columns (q). */
struct execution_options {
	const char *user, *working_directory;
	char **environment;
	int privileged, terminal_fd;
	uint16_t rows, columns;
};

static int execution_read_option(sd_bus_message *message, struct execution_options *options,
				 sd_bus_error *error)
{
	const char *name;
	int r = sd_bus_message_read_basic(message, 's', &name);

	if (r < 0)
		return r;
	if (text_equal(name, "user"))
		return sd_bus_message_read(message, "v", "s", &options->user);
	if (text_equal(name, "working-directory"))
		return sd_bus_message_read(message, "v", "s", &options->working_directory);
	if (text_equal(name, "privileged"))
		return sd_bus_message_read(message, "v", "b", &options->privileged);
	if (text_equal(name, "terminal"))
		return sd_bus_message_read(message, "v", "h", &options->terminal_fd);
	if (text_equal(name, "rows"))
		return sd_bus_message_read(message, "v", "q", &options->rows);
	if (text_equal(name, "columns"))
		return sd_bus_message_read(message, "v", "q", &options->columns);
	if (!text_equal(name, "environment"))
		return reply_invalid(error, "option of ExecUnit", name);
	r = sd_bus_message_enter_container(message, 'v', "as");
	if (r < 0)
		return r;
	options->environment = text_list_free(options->environment);
	r = sd_bus_message_read_strv(message, &options->environment);
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int execution_read_options(sd_bus_message *message, struct execution_options *options,
				  sd_bus_error *error)
{
	int r = sd_bus_message_enter_container(message, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = execution_read_option(message, options, error);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int execution_start(sd_bus_message *message, struct view *view, struct host_exec *exec,
			   struct unit *unit, sd_bus_error *error)
{
	struct bus *bus = view->connection->owner;
	struct execution *execution = calloc(1, sizeof *execution);
	struct failure failure = {};
	int exit_status = 0, r;

	if (!execution)
		return -ENOMEM;
	*execution = (struct execution){
		.next = bus->executions,
		.link = &bus->executions,
		.face = view->face,
		.host = bus->host,
		.message = sd_bus_message_ref(message),
	};
	if (execution->next)
		execution->next->link = &execution->next;
	bus->executions = execution;
	exec->done = execution_on_done;
	exec->data = execution;
	if (view->connection->is_system) {
		r = sd_bus_track_new(view->connection->bus, &execution->caller, execution_on_caller_gone,
				     execution);
		if (r >= 0)
			r = sd_bus_track_add_sender(execution->caller, message);
		if (r < 0) {
			execution_free(execution);
			return r;
		}
	}
	r = host_exec(bus->host, unit, exec, &failure, &exit_status);
	if (r >= 0)
		return 1;
	execution_set_error(execution, &failure, exit_status, error);
	execution_free(execution);
	return sd_bus_error_get_errno(error) ? -sd_bus_error_get_errno(error) : r;
}

int execution_method(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct view *view = userdata;
	_cleanup_text_list_ char **argv = NULL;
	struct execution_options options = {.terminal_fd = -1};
	struct host_exec exec = {};
	struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r >= 0)
		r = sd_bus_message_read_strv(message, &argv);
	if (r >= 0)
		r = execution_read_options(message, &options, error);
	if (r >= 0)
		r = sd_bus_message_read(message, "hhh", &exec.stdio[0], &exec.stdio[1], &exec.stdio[2]);
	if (r >= 0) {
		unit = manager_get_unit(bus_manager(view->connection->owner), name);
		exec.argv = argv;
		exec.user = options.user;
		exec.working_directory = options.working_directory;
		exec.environment = options.environment;
		exec.privileged = options.privileged;
		exec.terminal_fd = options.terminal_fd;
		exec.rows = options.rows;
		exec.columns = options.columns;
		if (!unit)
			r = reply_no_such_unit(error, view->face, name);
		else if (options.privileged && !connection_is_root(view->connection, message))
			r = sd_bus_error_set(
				error, SD_BUS_ERROR_ACCESS_DENIED,
				"Only root may execute with more privileges than the service has");
		else
			r = execution_start(message, view, &exec, unit, error);
	}
	text_list_free(options.environment);
	return r;
}
