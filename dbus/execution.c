/* Manager.ExecUnit: a command inside a running unit, its three streams passed by descriptor. The answer comes
 * when the command ends, so the call is kept here meanwhile. When the bus goes first, the call is dropped and
 * the end of the command is told to nobody. */
#include <errno.h>
#include <string.h>

#include "dbus/parts.h"

struct execution {
	struct execution *next, **link; /* in bus->executions; link is NULL once orphaned */
	const struct face *face;
	sd_bus_message *message; /* NULL once orphaned */
};

static void execution_unlink(struct execution *execution)
{
	if (execution->link) {
		*execution->link = execution->next;
		if (execution->next)
			execution->next->link = execution->link;
	}
	execution->link = NULL;
	execution->message = sd_bus_message_unref(execution->message);
}

void execution_orphan_all(struct bus *bus)
{
	while (bus->executions)
		execution_unlink(bus->executions);
}

/* The answer is (code, status) as SIGCHLD has it; (0, 0) when nobody saw the end. */
static void execution_on_done(void *data, int wait_status, const struct failure *failure)
{
	struct execution *execution = data;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int code, status;

	if (execution->message && failure && failure->error) {
		reply_error(&error, execution->face, failure->error, failure);
		sd_bus_reply_method_error(execution->message, &error);
	} else if (execution->message) {
		property_decode_status(wait_status, &code, &status);
		sd_bus_reply_method_return(execution->message, "ii", code, status);
	}
	sd_bus_error_free(&error);
	execution_unlink(execution);
	free(execution);
}

/* What the caller may choose: user (s), working-directory (s), environment (as), privileged (b). */
struct execution_options {
	const char *user, *working_directory;
	char **environment;
	int privileged;
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
	int r;

	if (!execution)
		return -ENOMEM;
	*execution = (struct execution){
		.next = bus->executions,
		.link = &bus->executions,
		.face = view->face,
		.message = sd_bus_message_ref(message),
	};
	if (execution->next)
		execution->next->link = &execution->next;
	bus->executions = execution;
	exec->done = execution_on_done;
	exec->data = execution;
	r = host_exec(bus->host, unit, exec, &failure);
	if (r >= 0)
		return 1;
	execution_unlink(execution);
	free(execution);
	return reply_error(error, view->face, r, &failure);
}

int execution_method(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct view *view = userdata;
	_cleanup_text_list_ char **argv = NULL;
	struct execution_options options = {};
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
		if (!unit)
			r = reply_no_such_unit(error, view->face, name);
		else if (!argv || !argv[0])
			r = reply_invalid(error, "command", "empty");
		else
			r = execution_start(message, view, &exec, unit, error);
	}
	text_list_free(options.environment);
	return r;
}
