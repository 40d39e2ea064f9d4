/* Job objects: /org/svcd1/job/ID. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/parts.h"

static int job_object_find(_unused_ sd_bus *bus, const char *path, _unused_ const char *interface,
			   void *userdata, void **ret_found, _unused_ sd_bus_error *error)
{
	struct view *view = userdata;
	_cleanup_free_ char *id = NULL;
	struct job *job;
	int r;

	r = sd_bus_path_decode(path, view->face->job_path, &id);
	if (r <= 0)
		return r;
	job = table_get(&bus_manager(view->connection->owner)->jobs, id);
	if (!job)
		return 0;
	*ret_found = job;
	return 1;
}

static int job_object_enumerate(_unused_ sd_bus *bus, _unused_ const char *prefix, void *userdata,
				char ***ret_nodes, _unused_ sd_bus_error *error)
{
	struct view *view = userdata;
	_cleanup_text_list_ char **nodes = NULL;

	TABLE_FOREACH (slot, &bus_manager(view->connection->owner)->jobs) {
		int r = text_list_take(&nodes, face_job_path(view->face, ((struct job *)slot->value)->id));

		if (r < 0)
			return r;
	}
	*ret_nodes = TAKE(nodes);
	return 0;
}

int job_object_append(sd_bus_message *message, const struct face *face, const struct job *job)
{
	_cleanup_free_ char *path = face_job_path(face, job->id),
			    *unit = face_unit_path(face, job->unit->name);

	if (!path || !unit)
		return -ENOMEM;
	return sd_bus_message_append(message, "(usssoo)", job->id, job->unit->name, job_type_names[job->type],
				     job_state_names[job->state], path, unit);
}

static int job_object_method_cancel(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	struct bus *bus = connection_view(sd_bus_message_get_bus(message))->connection->owner;

	manager_cancel_job(bus_manager(bus), userdata);
	host_wake(bus->host);
	return sd_bus_reply_method_return(message, NULL);
}

#define JOB_GETTER(name)                                                                                 \
	static int name(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, \
			_unused_ const char *property, sd_bus_message *reply, void *userdata,            \
			_unused_ sd_bus_error *error)

JOB_GETTER(job_object_get_unit)
{
	const struct job *job = userdata;
	_cleanup_free_ char *unit = face_unit_path(connection_view(bus)->face, job->unit->name);

	return unit ? sd_bus_message_append(reply, "(so)", job->unit->name, unit) : -ENOMEM;
}

JOB_GETTER(job_object_get_type)
{
	return sd_bus_message_append(reply, "s", job_type_names[((struct job *)userdata)->type]);
}

JOB_GETTER(job_object_get_state)
{
	return sd_bus_message_append(reply, "s", job_state_names[((struct job *)userdata)->state]);
}

const sd_bus_vtable job_object_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Cancel", NULL, NULL, job_object_method_cancel, 0),
	SD_BUS_PROPERTY("Id", "u", NULL, offsetof(struct job, id), SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Unit", "(so)", job_object_get_unit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("JobType", "s", job_object_get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("State", "s", job_object_get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

int job_object_register(struct view *view)
{
	sd_bus *bus = view->connection->bus;
	int r = sd_bus_add_fallback_vtable(bus, NULL, view->face->job_path, view->face->job,
					   job_object_vtable, job_object_find, view);

	if (r >= 0)
		r = sd_bus_add_node_enumerator(bus, NULL, view->face->job_path, job_object_enumerate, view);
	return r < 0 ? r : 0;
}
