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

/* --- what clients send ----------------------------------------------------------------------------------- */

static char *property_rules_read_ports(sd_bus_message *message)
{
	struct filter_ports ports = {};

	return sd_bus_message_read(message, "(iiqq)", &ports.family, &ports.protocol, &ports.n,
				   &ports.first) > 0
		       ? filter_text_print_ports(&ports)
		       : NULL;
}

static char *property_rules_read_set(sd_bus_message *message)
{
	struct filter_set set = {};
	const char *table, *name;
	int32_t source;

	if (sd_bus_message_read(message, "(iiss)", &source, &set.family, &table, &name) <= 0)
		return NULL;
	set.source = (enum filter_set_source)source;
	return filter_text_print_set(&set, table, name);
}

static char *property_rules_read_pair(sd_bus_message *message, char between)
{
	const char *first, *second;

	return sd_bus_message_read(message, "(ss)", &first, &second) > 0
		       ? text_format("%s%c%s", first, between, second)
		       : NULL;
}

/* The lines of an array: each is one more rule; an empty array is no rule. */
static int property_rules_read_array(sd_bus_message *message, const char *type, const char *name,
				     char ***list)
{
	int r = sd_bus_message_enter_container(message, 'a', type + 1);

	while (r >= 0 && (r = sd_bus_message_at_end(message, false)) == 0)
		r = text_list_take(list,
				   strcmp(type, "a(iiqq)") == 0 ? property_rules_read_ports(message)
				   : strcmp(type, "a(iiss)") == 0
					   ? property_rules_read_set(message)
					   : property_rules_read_pair(
						     message, strcmp(name, "BPFProgram") == 0 ? ':' : ' '));
	if (r >= 0 && !*list)
		r = text_list_append(list, "");
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* (is it a list of what is allowed?, names): all that is to be. */
static int property_rules_read_inverted(sd_bus_message *message, char ***list)
{
	_cleanup_free_ char *line = NULL;
	char **names = NULL;
	int allow, r = sd_bus_message_enter_container(message, 'r', "bas");

	if (r >= 0)
		r = sd_bus_message_read_basic(message, 'b', &allow);
	if (r >= 0)
		r = sd_bus_message_read_strv(message, &names);
	line = text_list_join(names, " ");
	text_list_free(names);
	if (r >= 0)
		r = text_list_append(list, "");
	if (r >= 0)
		r = text_list_take(list, line ? text_format("%s%s", allow || !*line ? "" : "~", line) : NULL);
	return r < 0 ? r : sd_bus_message_exit_container(message);
}

int property_rules_read(sd_bus_message *message, const char *type, const char *name, char ***ret)
{
	_cleanup_text_list_ char **list = NULL;
	int r;

	if (strcmp(type, "(bas)") == 0)
		r = property_rules_read_inverted(message, &list);
	else if (strcmp(type, "a(iiqq)") == 0 || strcmp(type, "a(iiss)") == 0 || strcmp(type, "a(ss)") == 0)
		r = property_rules_read_array(message, type, name, &list);
	else
		return -ENOTSUP;
	*ret = r < 0 ? NULL : TAKE(list);
	return MIN_OF(r, 0);
}
