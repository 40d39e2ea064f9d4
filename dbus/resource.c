/* What a unit with a cgroup uses and may use, read from the kernel when asked: the properties that services and slices have in common.
 * Numbers that cannot be told are UINT64_MAX, as with systemd. */
#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "dbus/parts.h"

#define RESOURCE_GETTER(name)                                                                     \
	int name(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, \
		 _unused_ const char *property, sd_bus_message *reply, void *userdata,            \
		 _unused_ sd_bus_error *error)

/* The path of the unit's group in the tree; NULL when it has none now. Heap. */
static char *resource_path(const struct bus *bus, const struct unit *unit)
{
	const struct cgroup_tree *tree = host_cgroup_tree(bus->host);
	enum unit_active_state state = unit_active_state(unit);

	return tree && tree->root_fd >= 0 && unit->kind != UNIT_TARGET && state != UNIT_INACTIVE
		       ? unit_cgroup_path(unit->name, unit->config)
		       : NULL;
}

RESOURCE_GETTER(resource_get_control_group)
{
	const struct bus *owner = connection_view(bus)->connection->owner;
	const struct unit *unit = userdata;
	_cleanup_free_ char *group = NULL;

	if (unit_active_state(unit) == UNIT_INACTIVE || unit_active_state(unit) == UNIT_FAILED)
		return sd_bus_message_append(reply, "s", "");
	group = unit_object_cgroup(owner, unit);
	return group ? sd_bus_message_append(reply, "s", group) : -ENOMEM;
}

RESOURCE_GETTER(resource_get_id)
{
	const struct bus *owner = connection_view(bus)->connection->owner;
	_cleanup_free_ char *group = resource_path(owner, userdata);

	return sd_bus_message_append(
		reply, "t", group ? cgroup_read_id(host_cgroup_tree(owner->host), group) : UINT64_C(0));
}

static const struct {
	const char *property;
	size_t offset;
} resource_usages[] = {
	{"MemoryCurrent", offsetof(struct cgroup_usage, memory_current)},
	{"MemoryPeak", offsetof(struct cgroup_usage, memory_peak)},
	{"MemorySwapCurrent", offsetof(struct cgroup_usage, memory_swap_current)},
	{"MemorySwapPeak", offsetof(struct cgroup_usage, memory_swap_peak)},
	{"MemoryZSwapCurrent", offsetof(struct cgroup_usage, memory_zswap_current)},
	{"CPUUsageNSec", offsetof(struct cgroup_usage, cpu_usage_nsec)},
	{"TasksCurrent", offsetof(struct cgroup_usage, tasks_current)},
	{"IOReadBytes", offsetof(struct cgroup_usage, io_read_bytes)},
	{"IOReadOperations", offsetof(struct cgroup_usage, io_read_operations)},
	{"IOWriteBytes", offsetof(struct cgroup_usage, io_write_bytes)},
	{"IOWriteOperations", offsetof(struct cgroup_usage, io_write_operations)},
};

/* One answer asks for all of these: the files are read once per iteration of the loop. */
static const struct cgroup_usage *resource_usage(struct bus *bus, const struct unit *unit)
{
	_cleanup_free_ char *path = NULL;
	uint64_t iteration = 0;

	sd_event_get_iteration(bus->event, &iteration);
	if (bus->usage_of == unit && bus->usage_iteration == iteration)
		return &bus->usage;
	memset(&bus->usage, 0xff, sizeof bus->usage); /* SPEC_UNSET everywhere */
	bus->usage_of = unit;
	bus->usage_iteration = iteration;
	path = resource_path(bus, unit);
	if (path && cgroup_read_usage(host_cgroup_tree(bus->host), path, &bus->usage) < 0)
		memset(&bus->usage, 0xff, sizeof bus->usage);
	return &bus->usage;
}

RESOURCE_GETTER(resource_get_usage)
{
	const struct cgroup_usage *usage = resource_usage(connection_view(bus)->connection->owner, userdata);
	size_t i = 0;

	while (strcmp(resource_usages[i].property, property) != 0)
		i++;
	return sd_bus_message_append_basic(reply, 't', (const char *)usage + resource_usages[i].offset);
}

/* What IPAccounting= counts. */
RESOURCE_GETTER(resource_get_traffic)
{
	static const struct {
		const char *property;
		size_t offset;
	} counters[] = {
		{"IPIngressBytes", offsetof(struct filter_counters, ingress_bytes)},
		{"IPIngressPackets", offsetof(struct filter_counters, ingress_packets)},
		{"IPEgressBytes", offsetof(struct filter_counters, egress_bytes)},
		{"IPEgressPackets", offsetof(struct filter_counters, egress_packets)},
	};
	struct filter_counters traffic;
	size_t i = 0;

	if (host_filter_traffic(connection_view(bus)->connection->owner->host, userdata, &traffic) < 0)
		memset(&traffic, 0xff, sizeof traffic);
	while (strcmp(counters[i].property, property) != 0)
		i++;
	return sd_bus_message_append_basic(reply, 't', (const char *)&traffic + counters[i].offset);
}

static uint64_t resource_machine_memory(bool available)
{
	struct sysinfo machine;

	if (sysinfo(&machine) < 0)
		return UINT64_MAX;
	return (uint64_t)(available ? machine.freeram : machine.totalram) * machine.mem_unit;
}

/* The bound that holds, of its own and of the slices it lies in. */
RESOURCE_GETTER(resource_get_effective)
{
	const struct bus *owner = connection_view(bus)->connection->owner;
	const struct cgroup_tree *tree = host_cgroup_tree(owner->host);
	_cleanup_free_ char *group = resource_path(owner, userdata);
	uint64_t value = UINT64_MAX;

	if (!group)
		return sd_bus_message_append(reply, "t", value);
	if (strcmp(property, "EffectiveTasksMax") == 0)
		value = cgroup_read_least(tree, group, "pids.max", NULL);
	else if (strcmp(property, "EffectiveMemoryMax") == 0)
		value = MIN_OF(cgroup_read_least(tree, group, "memory.max", NULL),
			       resource_machine_memory(false));
	else if (strcmp(property, "EffectiveMemoryHigh") == 0)
		value = MIN_OF(cgroup_read_least(tree, group, "memory.high", NULL),
			       resource_machine_memory(false));
	else /* MemoryAvailable */
		value = MIN_OF(MIN_OF(cgroup_read_least(tree, group, "memory.max", "memory.current"),
				      cgroup_read_least(tree, group, "memory.high", "memory.current")),
			       resource_machine_memory(true));
	return sd_bus_message_append(reply, "t", value);
}

RESOURCE_GETTER(resource_get_set)
{
	const struct bus *owner = connection_view(bus)->connection->owner;
	_cleanup_free_ char *group = resource_path(owner, userdata), *list = NULL;

	if (group)
		cgroup_read_text(host_cgroup_tree(owner->host), group,
				 strcmp(property, "EffectiveCPUs") == 0 ? "cpuset.cpus.effective"
									: "cpuset.mems.effective",
				 &list);
	return property_append_set(reply, list);
}

RESOURCE_GETTER(resource_get_delegate_controllers)
{
	const struct unit *unit = userdata;
	const struct spec_limits *limits = spec_limits(&unit->config->spec);
	const struct cgroup_tree *tree = host_cgroup_tree(connection_view(bus)->connection->owner->host);
	unsigned all = tree && tree->root_fd >= 0 ? tree->controllers : 0;

	return property_append_controllers(reply, limits->delegate_all ? all : limits->delegate_controllers);
}

/* a(sdddt): "some" and "full" with the shares of the last 10, 60 and 300 seconds in percent and the sum in microseconds. */
RESOURCE_GETTER(resource_get_pressure)
{
	const struct bus *owner = connection_view(bus)->connection->owner;
	_cleanup_free_ char *group = resource_path(owner, userdata);
	enum cgroup_resource resource = *property == 'C'   ? CGROUP_PRESSURE_CPU
					: *property == 'I' ? CGROUP_PRESSURE_IO
							   : CGROUP_PRESSURE_MEMORY;
	struct cgroup_pressure p;

	if (!group || cgroup_read_pressure(host_cgroup_tree(owner->host), group, resource, &p) < 0)
		return sd_bus_message_append(reply, "a(sdddt)", 0);
	return sd_bus_message_append(reply, "a(sdddt)", 2, "some", p.some.average10, p.some.average60,
				     p.some.average300, p.some.total_usec, "full", p.full.average10,
				     p.full.average60, p.full.average300, p.full.total_usec);
}

/* Manager.ListUsage(): of each active unit with a group (name, CPU time in ns, memory, swap, tasks, bytes read, bytes written, and the
 * microseconds that some of it waited for CPU, memory and IO): all that svcctl top shows, in one answer. */
int resource_list(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	const struct bus *owner = ((const struct view *)userdata)->connection->owner;
	const struct cgroup_tree *tree = host_cgroup_tree(owner->host);
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int r = sd_bus_message_new_method_return(message, &reply);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(sttttttttt)");
	TABLE_FOREACH (slot, &bus_manager(owner)->units) {
		const struct unit *unit = slot->value;
		_cleanup_free_ char *group = resource_path(owner, unit);
		uint64_t waits[CGROUP_RESOURCE_MAX_];
		struct cgroup_usage usage;

		if (r < 0 || !group || cgroup_read_usage(tree, group, &usage) < 0)
			continue;
		for (int i = 0; i < CGROUP_RESOURCE_MAX_; i++) {
			struct cgroup_pressure pressure;

			waits[i] = cgroup_read_pressure(tree, group, i, &pressure) < 0
					   ? UINT64_MAX
					   : pressure.some.total_usec;
		}
		r = sd_bus_message_append(reply, "(sttttttttt)", unit->name, usage.cpu_usage_nsec,
					  usage.memory_current, usage.memory_swap_current,
					  usage.tasks_current, usage.io_read_bytes, usage.io_write_bytes,
					  waits[CGROUP_PRESSURE_CPU], waits[CGROUP_PRESSURE_MEMORY],
					  waits[CGROUP_PRESSURE_IO]);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* --- the interface of slices ------------------------------------------------------------------------- */

static RESOURCE_GETTER(resource_get_slice_directive)
{
	const struct directive *row =
		table_get(&connection_view(bus)->connection->owner->slice_rows, property);

	return row ? property_append(reply, row, userdata) : -EINVAL;
}

static RESOURCE_GETTER(resource_get_parent)
{
	const struct unit *unit = userdata;

	return sd_bus_message_append(reply, "s", unit->config->slice ? unit->config->slice : "");
}

const sd_bus_vtable slice_object_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("GetProcesses", NULL, "a(sus)", processes_of_object, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Slice", "s", resource_get_parent, 0, 0),
	RESOURCE_PROPERTIES,
	SD_BUS_VTABLE_END,
};

int slice_object_build(struct bus *bus)
{
	static const char *const sections[] = {"Slice", NULL};

	return vtable_make(
		&(struct vtable_request){
			.template = slice_object_vtable,
			.sections = sections,
			.get = resource_get_slice_directive,
			.get_second = resource_get_slice_directive,
			.rows = &bus->slice_rows,
			.made_names = &bus->made_names,
		},
		&bus->slice_vtable);
}
