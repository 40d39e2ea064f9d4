/* The manager object: /org/svcd1. Its userdata is the view. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "dbus/parts.h"

/* --- units ------------------------------------------------------------------------------------------- */

static int manager_object_load(const struct view *view, const char *name, struct unit **ret,
			       sd_bus_error *error)
{
	struct failure failure = {};
	int r = manager_load_unit(bus_manager(view->connection->owner), name, ret, &failure);

	return r < 0 ? reply_error(error, view->face, r, &failure) : 0;
}

static int manager_object_answer_path(sd_bus_message *message, const struct view *view,
				      const struct unit *unit)
{
	_cleanup_free_ char *path = face_unit_path(view->face, unit->name);

	return path ? sd_bus_reply_method_return(message, "o", path) : -ENOMEM;
}

static int manager_object_get_unit(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	const struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	unit = manager_get_unit(bus_manager(view->connection->owner), name);
	return unit ? manager_object_answer_path(message, view, unit)
		    : reply_no_such_unit(error, view->face, name);
}

static int manager_object_load_unit(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct view *view = userdata;
	struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	if (!view->connection->caller_trusted) {
		_cleanup_free_ char *path = face_unit_path(view->face, name);

		/* Anyone may look; only root makes the manager remember names that have no file. */
		if (path && unit_object_find(view, path, &unit) > 0)
			return manager_object_answer_path(message, view, unit);
		return reply_no_such_unit(error, view->face, name);
	}
	r = manager_object_load(view, name, &unit, error);
	return r < 0 ? r : manager_object_answer_path(message, view, unit);
}

/* The process id of the caller, for GetUnitByPID(0). */
static pid_t manager_object_caller(sd_bus_message *message)
{
	sd_bus_creds *_cleanup_(sd_bus_creds_unrefp) creds = NULL;
	pid_t pid = 0;

	if (sd_bus_query_sender_creds(message, SD_BUS_CREDS_PID, &creds) >= 0)
		sd_bus_creds_get_pid(creds, &pid);
	return pid;
}

static int manager_object_get_unit_by_pid(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	const struct unit *unit;
	uint32_t pid;
	char text[32];
	int r = sd_bus_message_read(message, "u", &pid);

	if (r < 0)
		return r;
	if (pid == 0 &&
	    !view->connection->is_system) /* on the system bus that would be a question to wait for */
		pid = (uint32_t)manager_object_caller(message);
	unit = pid && pid <= INT32_MAX ? processes_find_unit(view->connection->owner, (pid_t)pid) : NULL;
	if (unit)
		return manager_object_answer_path(message, view, unit);
	snprintf(text, sizeof text, "of PID %u", pid);
	return reply_no_such_unit(error, view->face, text);
}

static int manager_object_get_unit_by_invocation(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	const void *id;
	size_t size;
	int r = sd_bus_message_read_array(message, 'y', &id, &size);

	if (r < 0)
		return r;
	if (size != 16)
		return reply_invalid(error, "invocation ID", "16 bytes are needed");
	TABLE_FOREACH (slot, &bus_manager(view->connection->owner)->units) {
		const struct unit *unit = slot->value;

		if (memcmp(unit->invocation_id, id, size) == 0)
			return manager_object_answer_path(message, view, unit);
	}
	return reply_no_such_unit(error, view->face, "with that invocation ID");
}

/* StartUnit, ReloadOrRestartUnit, …: the verb is the method's name without "Unit". */
static int manager_object_queue(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	char verb[32];
	const char *name, *mode;
	struct unit *unit;
	int r = sd_bus_message_read(message, "ss", &name, &mode);

	if (r >= 0)
		r = manager_object_load(userdata, name, &unit, error);
	if (r < 0)
		return r;
	snprintf(verb, sizeof verb, "%s", sd_bus_message_get_member(message));
	verb[strlen(verb) - strlen("Unit")] = '\0';
	return unit_method_enqueue(userdata, message, unit, verb, mode, error);
}

static int manager_object_kill_unit(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct view *view = userdata;
	const char *name, *who;
	struct unit *unit;
	int32_t signal;
	int r = sd_bus_message_read(message, "ssi", &name, &who, &signal);

	if (r < 0)
		return r;
	unit = manager_get_unit(bus_manager(view->connection->owner), name);
	return unit ? unit_method_kill(view, message, unit, who, signal, error)
		    : reply_no_such_unit(error, view->face, name);
}

static int manager_object_reset_failed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	struct bus *bus = view->connection->owner;
	struct unit *unit = NULL;
	const char *name;
	int r;

	if (strcmp(sd_bus_message_get_member(message), "ResetFailedUnit") == 0) {
		r = sd_bus_message_read(message, "s", &name);
		if (r < 0)
			return r;
		unit = manager_get_unit(bus_manager(bus), name);
		if (!unit)
			return reply_no_such_unit(error, view->face, name);
	}
	r = manager_reset_failed(bus_manager(bus), unit);
	host_wake(bus->host);
	return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

/* --- jobs -------------------------------------------------------------------------------------------- */

static int manager_object_read_job(sd_bus_message *message, const struct view *view, struct job **ret,
				   sd_bus_error *error)
{
	char name[128];
	uint32_t id;
	int r = sd_bus_message_read(message, "u", &id);

	if (r < 0)
		return r;
	*ret = manager_get_job(bus_manager(view->connection->owner), id);
	if (*ret)
		return 0;
	snprintf(name, sizeof name, "%s" NAMES_ERROR_NO_SUCH_JOB, view->face->error_prefix);
	return sd_bus_error_setf(error, name, "Job %u does not exist.", id);
}

static int manager_object_get_job(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	_cleanup_free_ char *path = NULL;
	struct job *job;
	int r = manager_object_read_job(message, view, &job, error);

	if (r < 0)
		return r;
	path = face_job_path(view->face, job->id);
	return path ? sd_bus_reply_method_return(message, "o", path) : -ENOMEM;
}

static int manager_object_cancel_job(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	struct bus *bus = view->connection->owner;
	struct job *job;
	int r = manager_object_read_job(message, view, &job, error);

	if (r < 0)
		return r;
	manager_cancel_job(bus_manager(bus), job);
	host_wake(bus->host);
	return sd_bus_reply_method_return(message, NULL);
}

/* --- the manager itself ------------------------------------------------------------------------------ */

static int manager_object_reload(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	struct bus *bus = view->connection->owner;
	struct failure failure = {};
	int r = manager_reload(bus_manager(bus), &failure);

	host_wake(bus->host);
	return r < 0 ? reply_error(error, view->face, r, &failure)
		     : sd_bus_reply_method_return(message, NULL);
}

static int manager_object_subscribe(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	char name[128];
	int r = connection_subscribe(view->connection, message);

	if (r == -EALREADY) {
		snprintf(name, sizeof name, "%sAlreadySubscribed", view->face->error_prefix);
		return sd_bus_error_set(error, name, "Client is already subscribed.");
	}
	return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

static int manager_object_unsubscribe(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	char name[128];
	int r = connection_unsubscribe(view->connection, message);

	if (r == -ENOENT) {
		snprintf(name, sizeof name, "%sNotSubscribed", view->face->error_prefix);
		return sd_bus_error_set(error, name, "Client is not subscribed.");
	}
	return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

static int manager_object_set_exit_code(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	const struct view *view = userdata;
	int r = sd_bus_message_read(message, "y", &view->connection->owner->exit_code);

	return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}

/* The answer goes out first: when everything has been stopped there will be nobody to send it. */
static int manager_object_shut_down(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	static const struct {
		const char *member;
		uint32_t action;
	} actions[] = {
		{"Exit", LAUNCH_EXIT},
		{"Reboot", LAUNCH_REBOOT},
		{"PowerOff", LAUNCH_POWER_OFF},
		{"Halt", LAUNCH_HALT},
	};
	struct bus *bus = ((const struct view *)userdata)->connection->owner;
	size_t i = 0;
	int r;

	while (strcmp(actions[i].member, sd_bus_message_get_member(message)) != 0)
		i++;
	r = sd_bus_reply_method_return(message, NULL);
	if (r < 0)
		return r;
	r = manager_shutdown(bus_manager(bus), actions[i].action, bus->exit_code);
	host_wake(bus->host);
	return r < 0 ? r : 1;
}

/* --- ours: containers -------------------------------------------------------------------------------- */

static int manager_object_append_steps(sd_bus_message *reply, const struct host_steps *steps)
{
	int r = sd_bus_message_open_container(reply, 'a', "(ssss)");

	for (size_t i = 0; r >= 0 && i < steps->n; i++)
		r = sd_bus_message_append(reply, "(ssss)", steps->items[i].command, steps->items[i].operation,
					  steps->items[i].where, steps->items[i].directive);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int manager_object_explain(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	struct host_steps steps = {};
	struct failure failure = {};
	struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r >= 0)
		r = manager_object_load(view, name, &unit, error);
	if (r < 0)
		return r;
	r = host_explain(view->connection->owner->host, unit, &steps, &failure);
	if (r < 0)
		return reply_error(error, view->face, r, &failure);
	r = sd_bus_message_new_method_return(message, &reply);
	if (r >= 0)
		r = manager_object_append_steps(reply, &steps);
	host_steps_free(&steps);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int manager_object_open_log(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	_cleanup_fd_ int fd = -1;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	if (unit_name_parse(name, NULL, NULL) < 0)
		return reply_invalid(error, "unit name", name);
	fd = host_open_log(view->connection->owner->host, name);
	if (fd == -ENOENT)
		return sd_bus_error_setf(error, SD_BUS_ERROR_FILE_NOT_FOUND, "%s has logged nothing yet",
					 name);
	if (fd < 0)
		return sd_bus_error_set_errnof(error, fd, "cannot open the log of %s: %s", name,
					       strerror(-fd));
	return sd_bus_reply_method_return(message, "h", fd);
}

/* --- properties -------------------------------------------------------------------------------------- */

#define MANAGER_GETTER(name)                                                                             \
	static int name(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, \
			_unused_ const char *property, sd_bus_message *reply, void *userdata,            \
			_unused_ sd_bus_error *error)

static struct manager *manager_object_of(void *userdata)
{
	return bus_manager(((struct view *)userdata)->connection->owner);
}

/* Clients of systemd's API find out by its number what they can ask for. */
MANAGER_GETTER(manager_object_get_version)
{
	const struct view *view = userdata;

	return sd_bus_message_append(reply, "s",
				     view->face == &face_table[FACE_SYSTEMD] ? "252 (svcd " SVCD_VERSION ")"
									     : SVCD_VERSION);
}

MANAGER_GETTER(manager_object_get_features)
{
	(void)userdata;
	return sd_bus_message_append(reply, "s", "+SECCOMP +LIBCAP +LIBMOUNT -PAM -SELINUX -APPARMOR");
}

MANAGER_GETTER(manager_object_get_empty)
{
	(void)userdata;
	return sd_bus_message_append(reply, "s", "");
}

MANAGER_GETTER(manager_object_get_architecture)
{
	struct utsname name;
	char *dash;

	(void)userdata;
	if (uname(&name) < 0)
		return -errno;
	while ((dash = strchr(name.machine, '_'))) /* "x86_64" is "x86-64" here */
		*dash = '-';
	return sd_bus_message_append(reply, "s", name.machine);
}

MANAGER_GETTER(manager_object_get_started)
{
	usec_t started = manager_object_of(userdata)->started_at;

	if (!text_ends_with(property, "Monotonic")) {
		usec_t ago = time_now(CLOCK_MONOTONIC) - started;

		started = time_now(CLOCK_REALTIME) - ago;
	}
	return sd_bus_message_append(reply, "t", started);
}

MANAGER_GETTER(manager_object_get_n_units)
{
	return sd_bus_message_append(reply, "u", (uint32_t)manager_object_of(userdata)->units.count);
}

MANAGER_GETTER(manager_object_get_n_failed)
{
	return sd_bus_message_append(reply, "u", manager_count_failed(manager_object_of(userdata)));
}

MANAGER_GETTER(manager_object_get_n_jobs)
{
	return sd_bus_message_append(reply, "u", (uint32_t)manager_object_of(userdata)->jobs.count);
}

MANAGER_GETTER(manager_object_get_n_installed)
{
	return sd_bus_message_append(reply, "u", manager_object_of(userdata)->n_installed_jobs);
}

MANAGER_GETTER(manager_object_get_n_failed_jobs)
{
	return sd_bus_message_append(reply, "u", manager_object_of(userdata)->n_failed_jobs);
}

MANAGER_GETTER(manager_object_get_progress)
{
	const struct manager *manager = manager_object_of(userdata);
	double all = manager->n_installed_jobs, open = (double)manager->jobs.count;

	return sd_bus_message_append(reply, "d",
				     all > 0 && open < all ? 1.0 - open / all
				     : all > 0		   ? 0.0
							   : 1.0);
}

MANAGER_GETTER(manager_object_get_unit_path)
{
	const struct unit_search_path *search =
		host_unit_path(((struct view *)userdata)->connection->owner->host);
	int r = sd_bus_message_open_container(reply, 'a', "s");

	for (size_t i = 0; r >= 0 && i < search->n; i++)
		r = sd_bus_message_append(reply, "s", search->items[i].path);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

MANAGER_GETTER(manager_object_get_control_group)
{
	const struct bus *owner = ((struct view *)userdata)->connection->owner;
	_cleanup_free_ char *group = unit_object_cgroup(owner, NULL);

	return group ? sd_bus_message_append(reply, "s", group) : -ENOMEM;
}

MANAGER_GETTER(manager_object_get_state)
{
	return sd_bus_message_append(reply, "s", manager_system_state(manager_object_of(userdata)));
}

MANAGER_GETTER(manager_object_get_exit_code)
{
	return sd_bus_message_append(reply, "y", ((struct view *)userdata)->connection->owner->exit_code);
}

#define MANAGER_READ  SD_BUS_VTABLE_UNPRIVILEGED
#define MANAGER_CONST SD_BUS_VTABLE_PROPERTY_CONST

const sd_bus_vtable manager_object_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetUnit", "s", "o", manager_object_get_unit, MANAGER_READ),
	SD_BUS_METHOD("GetUnitByPID", "u", "o", manager_object_get_unit_by_pid, MANAGER_READ),
	SD_BUS_METHOD("GetUnitByInvocationID", "ay", "o", manager_object_get_unit_by_invocation,
		      MANAGER_READ),
	SD_BUS_METHOD("LoadUnit", "s", "o", manager_object_load_unit, MANAGER_READ),
	SD_BUS_METHOD("StartUnit", "ss", "o", manager_object_queue, 0),
	SD_BUS_METHOD("StopUnit", "ss", "o", manager_object_queue, 0),
	SD_BUS_METHOD("ReloadUnit", "ss", "o", manager_object_queue, 0),
	SD_BUS_METHOD("RestartUnit", "ss", "o", manager_object_queue, 0),
	SD_BUS_METHOD("TryRestartUnit", "ss", "o", manager_object_queue, 0),
	SD_BUS_METHOD("ReloadOrRestartUnit", "ss", "o", manager_object_queue, 0),
	SD_BUS_METHOD("ReloadOrTryRestartUnit", "ss", "o", manager_object_queue, 0),
	SD_BUS_METHOD("KillUnit", "ssi", NULL, manager_object_kill_unit, 0),
	SD_BUS_METHOD("FreezeUnit", "s", NULL, freezing_method_of_manager, 0),
	SD_BUS_METHOD("ThawUnit", "s", NULL, freezing_method_of_manager, 0),
	SD_BUS_METHOD("CleanUnit", "sas", NULL, cleaning_method_of_manager, 0),
	SD_BUS_METHOD("ResetFailedUnit", "s", NULL, manager_object_reset_failed, 0),
	SD_BUS_METHOD("ResetFailed", NULL, NULL, manager_object_reset_failed, 0),
	SD_BUS_METHOD("LookupDynamicUserByName", "s", "u", users_method_by_name, MANAGER_READ),
	SD_BUS_METHOD("LookupDynamicUserByUID", "u", "s", users_method_by_uid, MANAGER_READ),
	SD_BUS_METHOD("GetDynamicUsers", NULL, "a(us)", users_method_list, MANAGER_READ),
	SD_BUS_METHOD("GetUnitProcesses", "s", "a(sus)", processes_of_unit, MANAGER_READ),
	SD_BUS_METHOD("GetJob", "u", "o", manager_object_get_job, MANAGER_READ),
	SD_BUS_METHOD("CancelJob", "u", NULL, manager_object_cancel_job, 0),
	SD_BUS_METHOD("ListJobs", NULL, "a(usssoo)", listing_jobs, MANAGER_READ),
	SD_BUS_METHOD("SetUnitProperties", "sba(sv)", NULL, setting_method_of_manager, 0),
	SD_BUS_METHOD("ListUsage", NULL, "a(sttttttttt)", resource_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("ListUnits", NULL, "a(ssssssouso)", listing_units, MANAGER_READ),
	SD_BUS_METHOD("ListUnitsFiltered", "as", "a(ssssssouso)", listing_units_filtered, MANAGER_READ),
	SD_BUS_METHOD("ListUnitsByPatterns", "asas", "a(ssssssouso)", listing_units_by_patterns,
		      MANAGER_READ),
	SD_BUS_METHOD("ListUnitsByNames", "as", "a(ssssssouso)", listing_units_by_names, MANAGER_READ),
	SD_BUS_METHOD("ListUnitFiles", NULL, "a(ss)", listing_unit_files, MANAGER_READ),
	SD_BUS_METHOD("ListUnitFilesByPatterns", "asas", "a(ss)", listing_unit_files_by_patterns,
		      MANAGER_READ),
	SD_BUS_METHOD("GetUnitFileState", "s", "s", listing_unit_file_state, MANAGER_READ),
	SD_BUS_METHOD("Reload", NULL, NULL, manager_object_reload, 0),
	SD_BUS_METHOD("Subscribe", NULL, NULL, manager_object_subscribe, MANAGER_READ),
	SD_BUS_METHOD("Unsubscribe", NULL, NULL, manager_object_unsubscribe, MANAGER_READ),
	SD_BUS_METHOD("SetExitCode", "y", NULL, manager_object_set_exit_code, 0),
	SD_BUS_METHOD("Exit", NULL, NULL, manager_object_shut_down, 0),
	SD_BUS_METHOD("Reboot", NULL, NULL, manager_object_shut_down, 0),
	SD_BUS_METHOD("PowerOff", NULL, NULL, manager_object_shut_down, 0),
	SD_BUS_METHOD("Halt", NULL, NULL, manager_object_shut_down, 0),
	/* Ours. What a service is allowed to do is no secret; what it says may be. */
	SD_BUS_METHOD("ExplainUnit", "s", "a(ssss)", manager_object_explain, 0),
	SD_BUS_METHOD("GetUnitSecurity", "s", "usa(sssuuu)as", security_method, 0),
	SD_BUS_METHOD("ExecUnit", "sasa{sv}hhh", "ii", execution_method, 0),
	SD_BUS_METHOD("OpenUnitLog", "s", "h", manager_object_open_log, 0),

	SD_BUS_SIGNAL("UnitNew", "so", 0),
	SD_BUS_SIGNAL("UnitRemoved", "so", 0),
	SD_BUS_SIGNAL("JobNew", "uos", 0),
	SD_BUS_SIGNAL("JobRemoved", "uoss", 0),
	SD_BUS_SIGNAL("Reloading", "b", 0),

	SD_BUS_PROPERTY("Version", "s", manager_object_get_version, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("Features", "s", manager_object_get_features, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("Virtualization", "s", manager_object_get_empty, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("Architecture", "s", manager_object_get_architecture, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("Tainted", "s", manager_object_get_empty, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("UserspaceTimestamp", "t", manager_object_get_started, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("UserspaceTimestampMonotonic", "t", manager_object_get_started, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("NNames", "u", manager_object_get_n_units, 0, 0),
	SD_BUS_PROPERTY("NFailedUnits", "u", manager_object_get_n_failed, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("NJobs", "u", manager_object_get_n_jobs, 0, 0),
	SD_BUS_PROPERTY("NInstalledJobs", "u", manager_object_get_n_installed, 0, 0),
	SD_BUS_PROPERTY("NFailedJobs", "u", manager_object_get_n_failed_jobs, 0, 0),
	SD_BUS_PROPERTY("Progress", "d", manager_object_get_progress, 0, 0),
	SD_BUS_PROPERTY("UnitPath", "as", manager_object_get_unit_path, 0, MANAGER_CONST),
	SD_BUS_PROPERTY("ControlGroup", "s", manager_object_get_control_group, 0, 0),
	SD_BUS_PROPERTY("SystemState", "s", manager_object_get_state, 0, 0),
	SD_BUS_PROPERTY("ExitCode", "y", manager_object_get_exit_code, 0, 0),
	SD_BUS_VTABLE_END,
};

int manager_object_register(struct view *view)
{
	int r = sd_bus_add_object_vtable(view->connection->bus, NULL, view->face->path, view->face->manager,
					 manager_object_vtable, view);

	return r < 0 ? r : 0;
}
