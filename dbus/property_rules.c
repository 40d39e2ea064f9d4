/* The rules of filters as systemd's properties have them: the spec keeps each as one text (filter-text.h). */
#include <netinet/in.h>
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
	return property_rules_append(message, "(ss)", spec_filters(spec)->device_allow,
				     property_rules_append_device);
}

static int property_rules_append_prefix(sd_bus_message *message, const char *item)
{
	struct filter_prefix prefix;
	int r = filter_text_prefix(item, &prefix);

	if (r >= 0)
		r = sd_bus_message_open_container(message, 'r', "iayu");
	if (r >= 0)
		r = sd_bus_message_append(message, "i", prefix.family);
	if (r >= 0)
		r = sd_bus_message_append_array(message, 'y', prefix.address,
						prefix.family == AF_INET ? 4 : 16);
	if (r >= 0)
		r = sd_bus_message_append(message, "u", prefix.length);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

int property_rules_ip_allow(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_append(message, "(iayu)", spec_filters(spec)->ip_allow,
				     property_rules_append_prefix);
}

int property_rules_ip_deny(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_append(message, "(iayu)", spec_filters(spec)->ip_deny,
				     property_rules_append_prefix);
}

static int property_rules_append_program(sd_bus_message *message, const char *item)
{
	return property_rules_append_pair(message, item, strchr(item, ':'));
}

int property_rules_programs(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_append(message, "(ss)", spec_filters(spec)->programs,
				     property_rules_append_program);
}

static int property_rules_append_ports(sd_bus_message *message, const char *item)
{
	struct filter_ports ports;
	int r = filter_text_ports(item, &ports);

	return r < 0 ? r
		     : sd_bus_message_append(message, "(iiqq)", ports.family, ports.protocol, ports.n,
					     ports.first);
}

int property_rules_bind_allow(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_append(message, "(iiqq)", spec_filters(spec)->bind_allow,
				     property_rules_append_ports);
}

int property_rules_bind_deny(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_append(message, "(iiqq)", spec_filters(spec)->bind_deny,
				     property_rules_append_ports);
}

/* (is it a list of what is allowed?, names) */
static int property_rules_inverted(sd_bus_message *message, char **names)
{
	bool deny = names && strcmp(names[0], "~") == 0;

	return property_append_allow_list(message, names && !deny, names ? names + deny : NULL);
}

int property_rules_interfaces(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_inverted(message, spec_filters(spec)->interfaces);
}

int property_rules_file_systems(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_inverted(message, spec_filters(spec)->file_systems);
}

static int property_rules_append_set(sd_bus_message *message, const char *item)
{
	struct filter_set set;
	int r = filter_text_set(item, &set);

	return r < 0 ? r
		     : sd_bus_message_append(message, "(iiss)", (int)set.source, set.family, set.table,
					     set.set);
}

int property_rules_sets(sd_bus_message *message, const struct spec *spec)
{
	return property_rules_append(message, "(iiss)", spec_filters(spec)->nft_sets,
				     property_rules_append_set);
}
