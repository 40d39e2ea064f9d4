/* Directives whose D-Bus property has another type than their kind of value would give, because systemd's
 * namesake has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/parts.h"

#define PROPERTY_CPU_MAX 8192 /* bits of a CPU set that are shown */

static int property_exception_users(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b", (int)(spec->user_namespace != SPEC_USER_HOST));
}

static int property_exception_pids(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "s", spec->private_pids ? "yes" : "no");
}

static int property_exception_control_groups(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b", (int)(spec->control_groups != SPEC_CONTROL_GROUPS_HOST));
}

static int property_exception_tmp(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b", (int)spec->private_tmp);
}

static int property_exception_nice(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "i", spec->nice_set ? spec->nice : 0);
}

static int property_exception_timer_slack(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "t",
				     spec->timer_slack_set ? spec->timer_slack_nsec : UINT64_C(50000));
}

/* Which of the families are allowed, or not allowed. */
static int property_exception_families(sd_bus_message *message, const struct spec *spec)
{
	char **families = spec->restrict_address_families;
	bool deny = families && text_equal(families[0], "~");

	return property_append_allow_list(message, families && !deny, families ? families + deny : NULL);
}

/* "0-3,8" as bytes of bits, least significant first, no longer than needed. */
static int property_exception_append_set(sd_bus_message *message, const char *list)
{
	uint8_t bits[PROPERTY_CPU_MAX / 8] = {};
	size_t size = 0;

	while (list && *list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (end == list || last >= PROPERTY_CPU_MAX)
			break;
		for (unsigned long i = first; i <= last; i++) {
			bits[i / 8] |= (uint8_t)(1u << i % 8);
			size = MAX_OF(size, i / 8 + 1);
		}
		list = end + (*end == ',');
	}
	return sd_bus_message_append_array(message, 'y', bits, size);
}

static int property_exception_cpus(sd_bus_message *message, const struct spec *spec)
{
	return property_exception_append_set(message, spec->limits.allowed_cpus);
}

static int property_exception_memory_nodes(sd_bus_message *message, const struct spec *spec)
{
	return property_exception_append_set(message, spec->limits.allowed_memory_nodes);
}

static const struct property_exception property_exceptions[] = {
	{"PrivateUsers", "b", property_exception_users},
	{"PrivatePIDs", "s", property_exception_pids},
	{"ProtectControlGroups", "b", property_exception_control_groups},
	{"PrivateTmp", "b", property_exception_tmp},
	{"Nice", "i", property_exception_nice},
	{"TimerSlackNSec", "t", property_exception_timer_slack},
	{"RestrictAddressFamilies", "(bas)", property_exception_families},
	{"AllowedCPUs", "ay", property_exception_cpus},
	{"AllowedMemoryNodes", "ay", property_exception_memory_nodes},
	{"TemporaryFileSystem", "a(ss)", NULL},
};

const struct property_exception *property_exception_find(const struct directive *directive)
{
	const char *name = property_name(directive);

	for (size_t i = 0; name && i < ARRAY_SIZE(property_exceptions); i++)
		if (strcmp(property_exceptions[i].name, name) == 0)
			return &property_exceptions[i];
	return NULL;
}
