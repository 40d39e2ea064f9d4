/* See notify.h. A datagram is a set of facts: first those about the service (its main process, its status)
 * are taken in, then what they mean for the state, in the order in which it could have happened: reloading or
 * stopping, then ready. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "manager/notify.h"
#include "manager/process.h"
#include "manager/service.h"

enum { NOTIFY_STATUS_MAX = 1024 };

struct notify_message {
	bool ready, reloading, stopping;
	uint64_t reload_at; /* MONOTONIC_USEC=; 0: not said */
};

static bool notify_number(const char *value, uint64_t *ret)
{
	char *end;

	if (*value < '0' || *value > '9')
		return false;
	errno = 0;
	*ret = strtoull(value, &end, 10);
	return errno == 0 && *end == '\0';
}

static void notify_main_pid(struct unit *unit, const char *value, _unused_ struct notify_message *message)
{
	uint64_t pid;

	if (!notify_number(value, &pid) || pid < 2 || pid > INT32_MAX ||
	    (unit->main.alive && unit->main.pid == (pid_t)pid))
		return;
	if (unit->state != SERVICE_START && unit->state != SERVICE_START_POST &&
	    unit->state != SERVICE_RUNNING && unit_active_state(unit) != UNIT_RELOADING)
		return;
	/* Or its stop would end somebody else's. */
	if (!unit->manager->world->ops->owns(unit->manager->world, unit->name, (pid_t)pid) ||
	    process_adopt(unit, (pid_t)pid) < 0)
		manager_log(unit, LOG_WARNING, "MAINPID=%s is none of its processes", value);
}

static void notify_status(struct unit *unit, const char *value, _unused_ struct notify_message *message)
{
	char text[NOTIFY_STATUS_MAX];

	text[0] = '\0';
	strncat(text, value, sizeof text - 1);
	text_set(&unit->status_text, text[0] ? text : NULL);
}

static void notify_errno(struct unit *unit, const char *value, _unused_ struct notify_message *message)
{
	uint64_t number;

	if (notify_number(value, &number) && number < 4096)
		unit->status_errno = (int)number;
}

static void notify_watchdog(struct unit *unit, const char *value, _unused_ struct notify_message *message)
{
	if (strcmp(value, "1") == 0)
		service_ping_watchdog(unit);
	else if (strcmp(value, "trigger") == 0)
		service_dispatch(unit, SERVICE_EVENT_WATCHDOG, SERVICE_SUCCESS);
}

static void notify_watchdog_usec(struct unit *unit, const char *value,
				 _unused_ struct notify_message *message)
{
	uint64_t interval;

	if (!notify_number(value, &interval))
		return;
	unit->private->watchdog = interval;
	unit->private->watchdog_overridden = true;
	service_ping_watchdog(unit);
}

static void notify_extend_timeout(struct unit *unit, const char *value,
				  _unused_ struct notify_message *message)
{
	uint64_t by;

	if (notify_number(value, &by) && by != USEC_INFINITY)
		service_extend_timeout(unit, by);
}

static void notify_access(struct unit *unit, const char *value, _unused_ struct notify_message *message)
{
	static const char *const names[SERVICE_NOTIFY_MAX_] = {[SERVICE_NOTIFY_NONE] = "none",
							       [SERVICE_NOTIFY_MAIN] = "main",
							       [SERVICE_NOTIFY_EXEC] = "exec",
							       [SERVICE_NOTIFY_ALL] = "all"};

	for (int i = 0; i < SERVICE_NOTIFY_MAX_; i++)
		if (strcmp(value, names[i]) == 0)
			unit->private->notify_access = i;
}

static void notify_ready(_unused_ struct unit *unit, const char *value, struct notify_message *message)
{
	message->ready = strcmp(value, "1") == 0;
}

static void notify_reloading(_unused_ struct unit *unit, const char *value, struct notify_message *message)
{
	message->reloading = strcmp(value, "1") == 0;
}

static void notify_stopping(_unused_ struct unit *unit, const char *value, struct notify_message *message)
{
	message->stopping = strcmp(value, "1") == 0;
}

static void notify_monotonic(_unused_ struct unit *unit, const char *value, struct notify_message *message)
{
	notify_number(value, &message->reload_at);
}

static const struct {
	const char *name;
	void (*apply)(struct unit *unit, const char *value, struct notify_message *message);
} notify_assignments[] = {
	{"READY", notify_ready},
	{"RELOADING", notify_reloading},
	{"STOPPING", notify_stopping},
	{"MONOTONIC_USEC", notify_monotonic},
	{"MAINPID", notify_main_pid},
	{"STATUS", notify_status},
	{"ERRNO", notify_errno},
	{"WATCHDOG", notify_watchdog},
	{"WATCHDOG_USEC", notify_watchdog_usec},
	{"EXTEND_TIMEOUT_USEC", notify_extend_timeout},
	{"NOTIFYACCESS", notify_access},
};

static bool notify_may_speak(const struct unit *unit, pid_t pid)
{
	const struct unit_config *config = unit->config;
	bool by_type = config->type == SERVICE_NOTIFY || config->type == SERVICE_NOTIFY_RELOAD ||
		       config->watchdog > 0;
	int access =
		unit->private->notify_access >= 0 ? unit->private->notify_access : (int)config->notify_access;

	if (access == SERVICE_NOTIFY_NONE && by_type && !config->notify_access_set &&
	    unit->private->notify_access < 0)
		access = SERVICE_NOTIFY_MAIN;
	if (access == SERVICE_NOTIFY_ALL)
		return true;
	if (access == SERVICE_NOTIFY_NONE || pid <= 0)
		return false;
	return (unit->main.alive && unit->main.pid == pid) ||
	       (access == SERVICE_NOTIFY_EXEC && unit->control.alive && unit->control.pid == pid);
}

static void notify_apply(struct unit *unit, char *line, struct notify_message *message)
{
	char *value = strchr(line, '=');

	if (!value)
		return;
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(notify_assignments); i++)
		if (strcmp(line, notify_assignments[i].name) == 0)
			notify_assignments[i].apply(unit, value, message);
}

void notify_receive(struct unit *unit, pid_t pid, const char *text)
{
	_cleanup_free_ char *copy = NULL;
	struct notify_message message = {};
	char *line, *rest;

	if (unit->kind != UNIT_SERVICE || !notify_may_speak(unit, pid))
		return;
	rest = copy = strdup(text);
	if (!copy)
		return;
	while ((line = strsep(&rest, "\n")))
		notify_apply(unit, line, &message);
	/* An answer to an earlier reload is not one to this. */
	if (message.reloading && unit->state == SERVICE_RELOAD_SIGNAL && message.reload_at &&
	    message.reload_at < unit->private->reload_begin)
		message.reloading = false;
	if (message.reloading || message.ready)
		unit->private->notified_reloading = message.reloading && !message.ready;
	if (message.reloading)
		service_dispatch(unit, SERVICE_EVENT_RELOADING, SERVICE_SUCCESS);
	if (message.stopping)
		service_dispatch(unit, SERVICE_EVENT_STOPPING, SERVICE_SUCCESS);
	if (message.ready)
		service_dispatch(unit, SERVICE_EVENT_READY, SERVICE_SUCCESS);
	manager_touch(unit);
}
