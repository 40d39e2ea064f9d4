/* What a client can do with a unit, by the manager object or by the unit's own: put in jobs, send signals. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "dbus/parts.h"

static int unit_method_job_type(const struct unit *unit, const char *verb, enum job_type *ret)
{
	bool can_reload = unit_can_reload(unit);
	enum unit_active_state state = unit_active_state(unit);
	const struct {
		const char *verb;
		enum job_type type;
	} verbs[] = {
		{"Start", JOB_START},
		{"Stop", JOB_STOP},
		{"Reload", JOB_RELOAD},
		{"Restart", JOB_RESTART},
		{"TryRestart", JOB_TRY_RESTART},
		{"ReloadOrRestart", can_reload ? JOB_RELOAD_OR_START : JOB_RESTART},
		{"ReloadOrTryRestart", can_reload && (state == UNIT_ACTIVE || state == UNIT_RELOADING)
					       ? JOB_RELOAD
					       : JOB_TRY_RESTART},
	};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].verb, verb) == 0) {
			*ret = verbs[i].type;
			return 0;
		}
	}
	return -EOPNOTSUPP;
}

static int unit_method_job_mode(const char *text, enum job_mode *ret)
{
	for (int mode = 0; mode < JOB_MODE_MAX_; mode++) {
		if (text_equal(job_mode_names[mode], text)) {
			*ret = mode;
			return 0;
		}
	}
	return -EINVAL;
}

int unit_method_enqueue(struct view *view, sd_bus_message *message, struct unit *unit, const char *verb,
			const char *mode_text, sd_bus_error *error)
{
	struct bus *bus = view->connection->owner;
	_cleanup_free_ char *path = NULL;
	struct failure failure = {};
	struct job *job = NULL;
	enum job_type type;
	enum job_mode mode;
	int r;

	if (unit_method_job_mode(mode_text, &mode) < 0)
		return reply_invalid(error, "job mode", mode_text);
	r = unit_method_job_type(unit, verb, &type);
	if (r < 0)
		return r;
	/* As with systemd, it is an error to stop what never was. */
	if (type == JOB_STOP && unit->config->load_state == UNIT_NOT_FOUND &&
	    unit_active_state(unit) == UNIT_INACTIVE)
		return reply_no_such_unit(error, view->face, unit->name);
	r = connection_follow_jobs(view->connection, message);
	if (r < 0)
		return r;
	r = manager_enqueue(bus_manager(bus), type, unit, mode, &job, &failure);
	host_wake(bus->host);
	if (r < 0)
		return reply_error(error, view->face, r, &failure);
	path = face_job_path(view->face, job->id);
	return path ? sd_bus_reply_method_return(message, "o", path) : -ENOMEM;
}

/* Start, Stop, …: the method's name is the verb. */
int unit_method_on_job(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const char *mode;
	int r = sd_bus_message_read(message, "s", &mode);

	if (r < 0)
		return r;
	return unit_method_enqueue(connection_view(sd_bus_message_get_bus(message)), message, userdata,
				   sd_bus_message_get_member(message), mode, error);
}

int unit_method_kill(struct view *view, sd_bus_message *message, struct unit *unit, const char *who_text,
		     int signal, sd_bus_error *error)
{
	struct bus *bus = view->connection->owner;
	struct failure failure = {};
	enum world_who who;
	int r;

	if (text_equal(who_text, "all") || text_equal(who_text, "all-fail") || who_text[0] == '\0')
		who = WORLD_ALL;
	else if (text_equal(who_text, "main") || text_equal(who_text, "main-fail"))
		who = WORLD_MAIN;
	else if (text_equal(who_text, "control") || text_equal(who_text, "control-fail"))
		who = WORLD_CONTROL;
	else
		return reply_invalid(error, "who argument", who_text);
	if (signal <= 0 || signal > SIGRTMAX)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Signal number %d is out of range",
					 signal);
	r = manager_kill(bus_manager(bus), unit, who, signal, &failure);
	host_wake(bus->host);
	if (r < 0)
		return reply_error(error, view->face, r, &failure);
	return sd_bus_reply_method_return(message, NULL);
}

int unit_method_on_kill(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const char *who;
	int32_t signal;
	int r = sd_bus_message_read(message, "si", &who, &signal);

	if (r < 0)
		return r;
	return unit_method_kill(connection_view(sd_bus_message_get_bus(message)), message, userdata, who,
				signal, error);
}

int unit_method_on_reset_failed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	struct bus *bus = connection_view(sd_bus_message_get_bus(message))->connection->owner;
	int r = manager_reset_failed(bus_manager(bus), userdata);

	host_wake(bus->host);
	return r < 0 ? r : sd_bus_reply_method_return(message, NULL);
}
