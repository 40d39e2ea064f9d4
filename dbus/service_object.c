/* The interface of services: what the unit file says (one property per row of the directive table), what the
 * service is doing, what it uses, and how it is isolated. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dbus/parts.h"

#define SERVICE_GETTER(name)                                                                             \
	static int name(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, \
			_unused_ const char *property, sd_bus_message *reply, void *userdata,            \
			_unused_ sd_bus_error *error)

SERVICE_GETTER(service_object_get_directive)
{
	const struct directive *row =
		table_get(&connection_view(bus)->connection->owner->service_rows, property);

	return row ? property_append(reply, row, userdata) : -EINVAL;
}

SERVICE_GETTER(service_object_get_second)
{
	const struct directive *row =
		table_get(&connection_view(bus)->connection->owner->service_rows, property);

	return row ? property_append_second(reply, row, userdata) : -EINVAL;
}

/* MainPID= and ControlPID=: 0 when there is none now. */
SERVICE_GETTER(service_object_get_pid)
{
	const struct unit_process *process = userdata;

	return sd_bus_message_append(reply, "u", process->alive ? (uint32_t)process->pid : 0);
}

SERVICE_GETTER(service_object_get_last_pid)
{
	return sd_bus_message_append(reply, "u", (uint32_t)((struct unit_process *)userdata)->pid);
}

SERVICE_GETTER(service_object_get_exit)
{
	int code, status;

	property_wait_status(userdata, &code, &status);
	return sd_bus_message_append(reply, "i", strcmp(property, "ExecMainCode") == 0 ? code : status);
}

SERVICE_GETTER(service_object_get_result)
{
	return sd_bus_message_append(reply, "s", service_result_names[((struct unit *)userdata)->result]);
}

SERVICE_GETTER(service_object_get_status_text)
{
	const struct unit *unit = userdata;

	return sd_bus_message_append(reply, "s", unit->status_text ? unit->status_text : "");
}

/* The user a running main process really has, as the host sees it; 2^32-1 when nothing runs. */
SERVICE_GETTER(service_object_get_ids)
{
	const struct unit *unit = userdata;
	uint32_t id = UINT32_MAX;
	struct stat status;
	char name[32];

	snprintf(name, sizeof name, "/proc/%d", (int)unit->main.pid);
	if (unit->main.alive && unit->main.pid > 0 && stat(name, &status) == 0)
		id = strcmp(property, "UID") == 0 ? status.st_uid : status.st_gid;
	return sd_bus_message_append(reply, "u", id);
}

/* NAME + "Ex": what became more than a boolean, as the user writes it. */
SERVICE_GETTER(service_object_get_words)
{
	const struct unit *unit = userdata;
	_cleanup_free_ char *name = strndup(property, strlen(property) - strlen("Ex"));
	const struct directive *directive = name ? directive_find("Service", name) : NULL;
	_cleanup_free_ char *text = directive ? directive_print(directive, unit->config) : NULL;

	return text ? sd_bus_message_append_basic(reply, 's', text) : -ENOMEM;
}

SERVICE_GETTER(service_object_get_clean_result)
{
	return sd_bus_message_append(
		reply, "s", host_clean_result(connection_view(bus)->connection->owner->host, userdata));
}

SERVICE_GETTER(service_object_get_isolation)
{
	_cleanup_text_list_ char **facts = NULL;
	int r = host_isolation(connection_view(bus)->connection->owner->host, userdata, &facts);

	return r < 0 ? r : property_append_list(reply, facts);
}

SERVICE_GETTER(service_object_get_last_failure)
{
	const struct unit *unit = userdata;
	char text[sizeof(struct failure)];

	return sd_bus_message_append(
		reply, "s", unit->last_failure ? failure_print(unit->last_failure, text, sizeof text) : "");
}

#define SERVICE_CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define SERVICE_MAIN	offsetof(struct unit, main)

const sd_bus_vtable service_object_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetProcesses", NULL, "a(sus)", processes_of_object, SD_BUS_VTABLE_UNPRIVILEGED),

	SD_BUS_PROPERTY("MainPID", "u", service_object_get_pid, SERVICE_MAIN, SERVICE_CHANGES),
	SD_BUS_PROPERTY("ControlPID", "u", service_object_get_pid, offsetof(struct unit, control),
			SERVICE_CHANGES),
	SD_BUS_PROPERTY("StatusText", "s", service_object_get_status_text, 0, SERVICE_CHANGES),
	SD_BUS_PROPERTY("StatusErrno", "i", NULL, offsetof(struct unit, status_errno), SERVICE_CHANGES),
	SD_BUS_PROPERTY("Result", "s", service_object_get_result, 0, SERVICE_CHANGES),
	SD_BUS_PROPERTY("CleanResult", "s", service_object_get_clean_result, 0, 0),
	SD_BUS_PROPERTY("UID", "u", service_object_get_ids, 0, SERVICE_CHANGES),
	SD_BUS_PROPERTY("GID", "u", service_object_get_ids, 0, SERVICE_CHANGES),
	SD_BUS_PROPERTY("NRestarts", "u", NULL, offsetof(struct unit, n_restarts), SERVICE_CHANGES),
	SD_BUS_PROPERTY("ExecMainStartTimestamp", "t", NULL, offsetof(struct unit, main.started_realtime),
			SERVICE_CHANGES),
	SD_BUS_PROPERTY("ExecMainStartTimestampMonotonic", "t", NULL, offsetof(struct unit, main.started_at),
			SERVICE_CHANGES),
	SD_BUS_PROPERTY("ExecMainExitTimestamp", "t", NULL, offsetof(struct unit, main.ended_realtime),
			SERVICE_CHANGES),
	SD_BUS_PROPERTY("ExecMainExitTimestampMonotonic", "t", NULL, offsetof(struct unit, main.ended_at),
			SERVICE_CHANGES),
	SD_BUS_PROPERTY("ExecMainPID", "u", service_object_get_last_pid, SERVICE_MAIN, SERVICE_CHANGES),
	SD_BUS_PROPERTY("ExecMainCode", "i", service_object_get_exit, SERVICE_MAIN, SERVICE_CHANGES),
	SD_BUS_PROPERTY("ExecMainStatus", "i", service_object_get_exit, SERVICE_MAIN, SERVICE_CHANGES),
	RESOURCE_PROPERTIES,
	SD_BUS_PROPERTY("PrivateTmpEx", "s", service_object_get_words, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("PrivateUsersEx", "s", service_object_get_words, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("ProtectControlGroupsEx", "s", service_object_get_words, 0,
			SD_BUS_VTABLE_PROPERTY_CONST),
	/* Ours. */
	SD_BUS_PROPERTY("Isolation", "as", service_object_get_isolation, 0, 0),
	SD_BUS_PROPERTY("LastFailure", "s", service_object_get_last_failure, 0, 0),
	SD_BUS_VTABLE_END,
};

int service_object_build(struct bus *bus)
{
	static const char *const sections[] = {"Service", "Container", NULL};

	return vtable_make(
		&(struct vtable_request){
			.template = service_object_vtable,
			.sections = sections,
			.get = service_object_get_directive,
			.get_second = service_object_get_second,
			.rows = &bus->service_rows,
			.made_names = &bus->made_names,
		},
		&bus->service_vtable);
}
