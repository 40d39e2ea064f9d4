/* The rules of filters as systemd's properties have them: the spec keeps each as one text (filter-text.h). */
#include <string.h>

#include "dbus/parts.h"
#include "engine/filter-text.h"

/* Appends each item of LIST by APPEND to an array of SIGNATURE. */
static int property_rules_append(sd_bus_message *message, const char *signature, char *const *list,
				 int (*append)(sd_bus_message *message, const char *item))
{
	int r = sd_bus_message_open_container(message, 'a', signature);

	for (; r >= 0 && list && *list; list++)
		r = append(message, *list);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* The two parts of ITEM around the first (or last) SEPARATOR. */
static int property_rules_append_pair(sd_bus_message *message, const char *item, const char *separator)
{
	_cleanup_free_ char *first = separator ? strndup(item, (size_t)(separator - item)) : NULL;

	return first ? sd_bus_message_append(message, "(ss)", first, separator + 1) : -ENOMEM;
}

static int property_rules_append_device(sd_bus_message *message, const char *item)
{
	return property_rules_append_pair(message, item, strrchr(item, ' '));
}

int property_rules_devices(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_append(message, "(ss)", spec->filters.device_allow,
				     property_rules_append_device);
}
