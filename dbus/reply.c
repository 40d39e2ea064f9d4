/* Errors, in systemd's names: a client tells by the name what went wrong, and shows the message to its user.
 */
#include <stdio.h>
#include <string.h>

#include "dbus/parts.h"

static const struct {
	int code;
	const char *name;
} reply_names[] = {
	{-ENOENT, NAMES_ERROR_NO_SUCH_UNIT},	  {-EBADMSG, NAMES_ERROR_BAD_UNIT_SETTING},
	{-ESHUTDOWN, NAMES_ERROR_UNIT_MASKED},	  {-EDEADLK, NAMES_ERROR_ORDER_CYCLE},
	{-EBUSY, NAMES_ERROR_TRANSACTION},	  {-EPERM, NAMES_ERROR_ONLY_DEPENDENCY},
	{-EOPNOTSUPP, NAMES_ERROR_JOB_TYPE},	  {-ESRCH, NAMES_ERROR_NO_PROCESSES},
	{-EHOSTDOWN, NAMES_ERROR_INACTIVE},	  {-EALREADY, NAMES_ERROR_UNIT_BUSY},
	{-EUNATCH, NAMES_ERROR_NOTHING_TO_CLEAN},
};

const char *reply_error_name(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(reply_names); i++)
		if (reply_names[i].code == code)
			return reply_names[i].name;
	return NULL;
}

const char *reply_load_error_name(enum unit_load_state state)
{
	static const char *const names[UNIT_LOAD_STATE_MAX_] = {
		[UNIT_NOT_FOUND] = NAMES_ERROR_NO_SUCH_UNIT,
		[UNIT_BAD_SETTING] = NAMES_ERROR_BAD_UNIT_SETTING,
		[UNIT_ERROR] = NAMES_ERROR_LOAD_FAILED,
		[UNIT_MASKED] = NAMES_ERROR_UNIT_MASKED,
	};

	return names[state];
}

int reply_error(sd_bus_error *error, const struct face *face, int code, const struct failure *failure)
{
	const char *name = reply_error_name(code);
	char full[128], text[sizeof(struct failure)];

	if (!failure || !failure->text[0])
		snprintf(text, sizeof text, "%s", strerror(-code));
	else if (name) /* the name says what sort of error it is: strerror's words would be about something
			  else. A sentence ends as systemd's do. */
		snprintf(text, sizeof text, "%s%s%s%s", failure->where, failure->where[0] ? ": " : "",
			 failure->text, failure->where[0] ? "" : ".");
	else
		failure_print(failure, text, sizeof text);
	if (!name)
		return sd_bus_error_set_errnof(error, code, "%s", text);
	snprintf(full, sizeof full, "%s%s", face->error_prefix, name);
	return sd_bus_error_set(error, full, text);
}

int reply_no_such_unit(sd_bus_error *error, const struct face *face, const char *name)
{
	char full[128];

	snprintf(full, sizeof full, "%s" NAMES_ERROR_NO_SUCH_UNIT, face->error_prefix);
	return sd_bus_error_setf(error, full, "Unit %s not loaded.", name);
}

int reply_invalid(sd_bus_error *error, const char *what, const char *value)
{
	return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Invalid %s: %s", what, value);
}
