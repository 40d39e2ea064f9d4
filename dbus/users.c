/* Users that exist while a service runs: for whoever wants to know whose number it is, for there is no module of the
 * C library that asks us. */
#include <string.h>

#include "dbus/parts.h"

static const struct host_user *users_of(void *userdata)
{
	return host_users(((const struct view *)userdata)->connection->owner->host);
}

static int users_refuse(void *userdata, sd_bus_error *error, const char *who)
{
	char name[128];

	snprintf(name, sizeof name, "%s" NAMES_ERROR_NO_SUCH_USER,
		 ((const struct view *)userdata)->face->error_prefix);
	return sd_bus_error_setf(error, name, "Dynamic user %s does not exist.", who);
}

int users_method_by_name(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	for (const struct host_user *user = users_of(userdata); user; user = user->next)
		if (strcmp(user->name, name) == 0)
			return sd_bus_reply_method_return(message, "u", (uint32_t)user->uid);
	return users_refuse(userdata, error, name);
}

int users_method_by_uid(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	uint32_t uid;
	char text[16];
	int r = sd_bus_message_read(message, "u", &uid);

	if (r < 0)
		return r;
	for (const struct host_user *user = users_of(userdata); user; user = user->next)
		if (user->uid == uid)
			return sd_bus_reply_method_return(message, "s", user->name);
	snprintf(text, sizeof text, "ID %u", uid);
	return users_refuse(userdata, error, text);
}

int users_method_list(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int r = sd_bus_message_new_method_return(message, &reply);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(us)");
	for (const struct host_user *user = users_of(userdata); user && r >= 0; user = user->next)
		r = sd_bus_message_append(reply, "(us)", (uint32_t)user->uid, user->name);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
