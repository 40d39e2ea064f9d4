/* Directives whose D-Bus property has another type than their kind of value would give, because systemd's
 * namesake has. */
#include <errno.h>
#include <limits.h>
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

static int property_exception_hostname(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b", spec->protect_hostname || spec->private_hostname);
}

static int property_exception_mount_flags(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "t", (uint64_t)spec->mount_propagation);
}

static int property_exception_login_environment(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b",
				     spec->login_environment < 0 ? !!spec->user : spec->login_environment);
}

static int property_exception_tmp(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b", spec->private_tmp != SPEC_PRIVATE_TMP_NO);
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

/* Numbers that stand in the unit under names; what is unset, the process inherits from the manager. */
#define PROPERTY_EXCEPTION_INT(name, value)                                                    \
	static int property_exception_##name(sd_bus_message *message, const struct spec *spec) \
	{                                                                                      \
		return sd_bus_message_append(message, "i", (int)(value));                      \
	}
PROPERTY_EXCEPTION_INT(cpu_policy, MAX_OF(spec->cpu_policy, 0))
PROPERTY_EXCEPTION_INT(cpu_priority,
		       MAX_OF(spec->cpu_priority, spec->cpu_policy == 1 || spec->cpu_policy == 2 ? 1 : 0))
PROPERTY_EXCEPTION_INT(numa_policy, spec->numa_policy)
PROPERTY_EXCEPTION_INT(io_class, spec->io_priority < 0 ? 2 : spec->io_priority >> 13)
PROPERTY_EXCEPTION_INT(io_level, spec->io_priority < 0 ? 4 : spec->io_priority & 7)
/* The number that stands for "kill". */
PROPERTY_EXCEPTION_INT(errno, spec->system_call_errno ?: INT_MAX - 1)
PROPERTY_EXCEPTION_INT(secure_bits, spec->secure_bits)

static int property_exception_coredump_filter(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(
		message, "t", spec->coredump_filter < 0 ? UINT64_C(0x33) : (uint64_t)spec->coredump_filter);
}

static int property_exception_memory_ksm(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b", spec->memory_ksm > 0);
}

/* Whether errors matter, and the label. */
static int property_exception_append_label(sd_bus_message *message, const char *label)
{
	bool optional = label && *label == '-';

	return sd_bus_message_append(message, "(bs)", (int)optional, label ? label + optional : "");
}

static int property_exception_apparmor(sd_bus_message *message, const struct spec *spec)
{
	return property_exception_append_label(message, spec_confinement(spec)->apparmor_profile);
}

static int property_exception_selinux(sd_bus_message *message, const struct spec *spec)
{
	return property_exception_append_label(message, spec_confinement(spec)->selinux_context);
}

static int property_exception_smack(sd_bus_message *message, const struct spec *spec)
{
	return property_exception_append_label(message, spec_confinement(spec)->smack_label);
}

/* "0-3,8" as bytes of bits, least significant first, no longer than needed. */
int property_append_set(sd_bus_message *message, const char *list)
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
	return property_append_set(message, spec_limits(spec)->allowed_cpus);
}

static int property_exception_memory_nodes(sd_bus_message *message, const struct spec *spec)
{
	return property_append_set(message, spec_limits(spec)->allowed_memory_nodes);
}

static int property_exception_startup_cpus(sd_bus_message *message, const struct spec *spec)
{
	return property_append_set(message, spec_limits(spec)->startup_allowed_cpus);
}

static int property_exception_startup_memory_nodes(sd_bus_message *message, const struct spec *spec)
{
	return property_append_set(message, spec_limits(spec)->startup_allowed_memory_nodes);
}

static int property_exception_delegate(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "b", (int)spec_limits(spec)->delegate);
}

int property_append_controllers(sd_bus_message *message, unsigned controllers)
{
	int r = sd_bus_message_open_container(message, 'a', "s");

	for (size_t i = 0; r >= 0 && cgroup_controller_names[i]; i++)
		if (controllers & 1u << i)
			r = sd_bus_message_append_basic(message, 's', cgroup_controller_names[i]);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* A share of 2^32, as systemd has it. */
static int property_exception_pressure_limit(sd_bus_message *message, const struct spec *spec)
{
	uint64_t parts = spec_limits(spec)->managed_oom_limit;

	return sd_bus_message_append(message, "u", (uint32_t)(parts * UINT32_MAX / 10000));
}

static int property_exception_disable_controllers(sd_bus_message *message, const struct spec *spec)
{
	return property_append_controllers(message, spec_limits(spec)->disable_controllers);
}

static int property_exception_affinity(sd_bus_message *message, const struct spec *spec)
{
	return property_append_set(message, spec->cpu_affinity);
}

static int property_exception_numa_mask(sd_bus_message *message, const struct spec *spec)
{
	return property_append_set(message, spec->numa_mask);
}

static int property_exception_input_data(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append_array(message, 'y', spec->standard_input_data.bytes,
					   spec->standard_input_data.size);
}

static int property_exception_rows(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "q", spec->tty_rows ? spec->tty_rows : UINT16_MAX);
}

static int property_exception_columns(sd_bus_message *message, const struct spec *spec)
{
	return sd_bus_message_append(message, "q", spec->tty_columns ? spec->tty_columns : UINT16_MAX);
}

static int property_exception_open_files(sd_bus_message *message, const struct spec *spec)
{
	const struct spec_open_files *files = &spec->open_files;
	int r = sd_bus_message_open_container(message, 'a', "(sst)");

	/* systemd's OpenFileFlag counts its bits as spec.h does. */
	for (size_t i = 0; r >= 0 && i < files->n; i++)
		r = sd_bus_message_append(message, "(sst)", files->items[i].path, files->items[i].name,
					  (uint64_t)files->items[i].flags);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static const struct unit_log *property_exception_log(const struct spec *spec)
{
	return unit_config_log(
		(const struct unit_config *)((const char *)spec - offsetof(struct unit_config, spec)));
}
PROPERTY_EXCEPTION_INT(facility, property_exception_log(spec)->facility)
PROPERTY_EXCEPTION_INT(level, property_exception_log(spec)->level)
PROPERTY_EXCEPTION_INT(level_max, property_exception_log(spec)->level_max)

static int property_exception_log_fields(sd_bus_message *message, const struct spec *spec)
{
	char **fields = property_exception_log(spec)->fields;
	int r = sd_bus_message_open_container(message, 'a', "ay");

	TEXT_LIST_FOREACH (field, fields)
		if (r >= 0)
			r = sd_bus_message_append_array(message, 'y', *field, strlen(*field));
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Whether it says what is kept, and the pattern. */
static int property_exception_log_patterns(sd_bus_message *message, const struct spec *spec)
{
	char **patterns = property_exception_log(spec)->patterns;
	int r = sd_bus_message_open_container(message, 'a', "(bs)");

	TEXT_LIST_FOREACH (pattern, patterns)
		if (r >= 0)
			r = sd_bus_message_append(message, "(bs)", (int)(**pattern != '~'),
						  *pattern + (**pattern == '~'));
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static const struct property_exception property_exceptions[] = {
	{"SyslogFacility", "i", property_exception_facility},
	{"SyslogLevel", "i", property_exception_level},
	{"LogLevelMax", "i", property_exception_level_max},
	{"LogExtraFields", "aay", property_exception_log_fields},
	{"LogFilterPatterns", "a(bs)", property_exception_log_patterns},
	{"StandardInputData", "ay", property_exception_input_data},
	{"TTYRows", "q", property_exception_rows},
	{"TTYColumns", "q", property_exception_columns},
	{"OpenFile", "a(sst)", property_exception_open_files},
	{"CPUSchedulingPolicy", "i", property_exception_cpu_policy},
	{"CPUSchedulingPriority", "i", property_exception_cpu_priority},
	{"CPUAffinity", "ay", property_exception_affinity},
	{"NUMAPolicy", "i", property_exception_numa_policy},
	{"NUMAMask", "ay", property_exception_numa_mask},
	{"IOSchedulingClass", "i", property_exception_io_class},
	{"IOSchedulingPriority", "i", property_exception_io_level},
	{"SystemCallErrorNumber", "i", property_exception_errno},
	{"AppArmorProfile", "(bs)", property_exception_apparmor},
	{"SELinuxContext", "(bs)", property_exception_selinux},
	{"SmackProcessLabel", "(bs)", property_exception_smack},
	{"SecureBits", "i", property_exception_secure_bits},
	{"CoredumpFilter", "t", property_exception_coredump_filter},
	{"MemoryKSM", "b", property_exception_memory_ksm},
	{"PrivateUsers", "b", property_exception_users},
	{"PrivatePIDs", "s", property_exception_pids},
	{"ProtectControlGroups", "b", property_exception_control_groups},
	{"ProtectHostname", "b", property_exception_hostname},
	{"MountFlags", "t", property_exception_mount_flags},
	{"SetLoginEnvironment", "b", property_exception_login_environment},
	{"PrivateTmp", "b", property_exception_tmp},
	{"Nice", "i", property_exception_nice},
	{"TimerSlackNSec", "t", property_exception_timer_slack},
	{"RestrictAddressFamilies", "(bas)", property_exception_families},
	{"AllowedCPUs", "ay", property_exception_cpus},
	{"AllowedMemoryNodes", "ay", property_exception_memory_nodes},
	{"DeviceAllow", "a(ss)", property_rules_devices},
	{"IPAddressAllow", "a(iayu)", property_rules_ip_allow},
	{"IPAddressDeny", "a(iayu)", property_rules_ip_deny},
	{"BPFProgram", "a(ss)", property_rules_programs},
	{"SocketBindAllow", "a(iiqq)", property_rules_bind_allow},
	{"SocketBindDeny", "a(iiqq)", property_rules_bind_deny},
	{"RestrictNetworkInterfaces", "(bas)", property_rules_interfaces},
	{"NFTSet", "a(iiss)", property_rules_sets},
	{"RestrictFileSystems", "(bas)", property_rules_file_systems},
	{"StartupAllowedCPUs", "ay", property_exception_startup_cpus},
	{"StartupAllowedMemoryNodes", "ay", property_exception_startup_memory_nodes},
	{"Delegate", "b", property_exception_delegate},
	{"ManagedOOMMemoryPressureLimit", "u", property_exception_pressure_limit},
	{"DisableControllers", "as", property_exception_disable_controllers},
	{"TemporaryFileSystem", "a(ss)", NULL},
	{"RootImageOptions", "a(ss)", property_image_options},
	{"RootHash", "ay", property_image_hash},
	{"RootHashSignature", "ay", property_image_signature},
	{"MountImages", "a(ssba(ss))", property_image_mounts},
	{"ExtensionImages", "a(sba(ss))", property_image_extensions},
};

const struct property_exception *property_exception_find(const struct directive *directive)
{
	const char *name = property_name(directive);

	for (size_t i = 0; name && i < ARRAY_SIZE(property_exceptions); i++)
		if (strcmp(property_exceptions[i].name, name) == 0)
			return &property_exceptions[i];
	return NULL;
}
