/* Limits as files: the one table of what there is. A row says which field goes to which file in which form, which other field takes
 * its place while the system starts or stops, how the kernel's own value is written, and which directive a user knows it by.
 *
 * A group's *wish* is written row by row. Of a group that is there already only those rows are written whose value differs from what the
 * group has (the old wish); a value that is not wished for any more is reset. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"

const char *const cgroup_controller_names[] = {"cpu",	  "cpuset", "io",   "memory", "pids",
					       "hugetlb", "rdma",   "misc", NULL};
static_assert(ARRAY_SIZE(cgroup_controller_names) == CGROUP_N_CONTROLLERS + 1, "a name for each");

enum cgroup_limits_form {
	CGROUP_LIMITS_NUMBER,	  /* uint64_t; SPEC_LIMIT_MAX is "max" */
	CGROUP_LIMITS_TEXT,	  /* char * */
	CGROUP_LIMITS_CPU_WEIGHT, /* as NUMBER, or SPEC_CPU_WEIGHT_IDLE: "1" in cpu.idle */
	CGROUP_LIMITS_QUOTA,	  /* cpu.max, with cpu_period */
	CGROUP_LIMITS_PARTITION,  /* enum spec_cpu_partition */
	CGROUP_LIMITS_OOM,	  /* enum spec_oom_policy: "1" is all together */
	CGROUP_LIMITS_NOT,	  /* bool: "0" where it is false */
	CGROUP_LIMITS_DEVICES, /* struct spec_io_limits, "MAJOR:MINOR KEY=VALUE", or "MAJOR:MINOR VALUE" without a key */
	CGROUP_LIMITS_NAMED,	  /* the same with a name instead of the numbers */
	CGROUP_LIMITS_XATTR,	  /* bool: an extended attribute that is "1"; others read it */
	CGROUP_LIMITS_PREFERENCE, /* enum spec_oom_preference: one of two such attributes */
	CGROUP_LIMITS_FILES,	  /* the same with the name in that of the file, for "%s" */
};

struct cgroup_limits_row {
	uint32_t offset, startup; /* in struct spec_limits; startup: 0 for none */
	unsigned controller;
	enum cgroup_limits_form form;
	const char *file, *key, *reset, *directive;
};

static const struct cgroup_limits_row cgroup_limits_rows[] = {
#define AT(field) offsetof(struct spec_limits, field)
#define ROW(field, ...)                   \
	{                                 \
		AT(field), 0, __VA_ARGS__ \
	}
#define STARTUP_ROW(field, ...)                             \
	{                                                   \
		AT(field), AT(startup_##field), __VA_ARGS__ \
	}
	/* clang-format off */
	STARTUP_ROW(cpu_weight, CGROUP_CPU, CGROUP_LIMITS_CPU_WEIGHT, "cpu.weight", NULL, "100", "CPUWeight"),
	ROW(cpu_quota, CGROUP_CPU, CGROUP_LIMITS_QUOTA, "cpu.max", NULL, "max 100000", "CPUQuota"),
	ROW(cpu_burst, CGROUP_CPU, CGROUP_LIMITS_NUMBER, "cpu.max.burst", NULL, "0", "CPUQuotaBurstSec"),
	STARTUP_ROW(allowed_cpus, CGROUP_CPUSET, CGROUP_LIMITS_TEXT, "cpuset.cpus", NULL, "\n", "AllowedCPUs"),
	STARTUP_ROW(allowed_memory_nodes, CGROUP_CPUSET, CGROUP_LIMITS_TEXT, "cpuset.mems", NULL, "\n", "AllowedMemoryNodes"),
	ROW(cpu_partition, CGROUP_CPUSET, CGROUP_LIMITS_PARTITION, "cpuset.cpus.partition", NULL, "member", "CPUSetPartition"),
	ROW(memory_min, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.min", NULL, "0", "MemoryMin"),
	STARTUP_ROW(memory_low, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.low", NULL, "0", "MemoryLow"),
	STARTUP_ROW(memory_high, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.high", NULL, "max", "MemoryHigh"),
	STARTUP_ROW(memory_max, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.max", NULL, "max", "MemoryMax"),
	STARTUP_ROW(memory_swap_max, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.swap.max", NULL, "max", "MemorySwapMax"),
	STARTUP_ROW(memory_zswap_max, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.zswap.max", NULL, "max", "MemoryZSwapMax"),
	ROW(zswap_writeback, CGROUP_MEMORY, CGROUP_LIMITS_NOT, "memory.zswap.writeback", NULL, "1", "MemoryZSwapWriteback"),
	ROW(oom_policy, CGROUP_MEMORY, CGROUP_LIMITS_OOM, "memory.oom.group", NULL, "0", "OOMPolicy"),
	STARTUP_ROW(io_weight, CGROUP_IO, CGROUP_LIMITS_NUMBER, "io.weight", "default ", "default 100", "IOWeight"),
	ROW(io_device_weight, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.weight", NULL, "default", "IODeviceWeight"),
	ROW(io_read_bandwidth, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "rbps=", "max", "IOReadBandwidthMax"),
	ROW(io_write_bandwidth, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "wbps=", "max", "IOWriteBandwidthMax"),
	ROW(io_read_iops, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "riops=", "max", "IOReadIOPSMax"),
	ROW(io_write_iops, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "wiops=", "max", "IOWriteIOPSMax"),
	ROW(io_latency_target, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.latency", "target=", "0", "IODeviceLatencyTargetSec"),
	ROW(tasks_max, CGROUP_PIDS, CGROUP_LIMITS_NUMBER, "pids.max", NULL, "max", "TasksMax"),
	ROW(hugetlb_max, CGROUP_HUGETLB, CGROUP_LIMITS_FILES, "hugetlb.%s.max", NULL, "max", "HugeTLBMax"),
	ROW(hugetlb_reserved_max, CGROUP_HUGETLB, CGROUP_LIMITS_FILES, "hugetlb.%s.rsvd.max", NULL, "max", "HugeTLBReservedMax"),
	ROW(rdma_handles_max, CGROUP_RDMA, CGROUP_LIMITS_NAMED, "rdma.max", "hca_handle=", "max", "RDMAHandlesMax"),
	ROW(rdma_objects_max, CGROUP_RDMA, CGROUP_LIMITS_NAMED, "rdma.max", "hca_object=", "max", "RDMAObjectsMax"),
	ROW(misc_max, CGROUP_MISC, CGROUP_LIMITS_NAMED, "misc.max", NULL, "max", "MiscMax"),
	ROW(coredump_receive, 0, CGROUP_LIMITS_XATTR, "user.coredump_receive", NULL, NULL, "CoredumpReceive"),
	ROW(oom_preference, 0, CGROUP_LIMITS_PREFERENCE, "user.oomd_", NULL, NULL, "ManagedOOMPreference"),
/* clang-format on */
#undef STARTUP_ROW
#undef ROW
};

enum { CGROUP_LIMITS_CPU_PERIOD = 100000, CGROUP_LIMITS_CPU_QUOTA_MIN = 1000 };

/* --- which value holds ------------------------------------------------------------------------------- */

static bool cgroup_limits_field_is_set(const struct cgroup_limits_row *row, const void *field)
{
	switch (row->form) {
	case CGROUP_LIMITS_NUMBER:
	case CGROUP_LIMITS_CPU_WEIGHT:
	case CGROUP_LIMITS_QUOTA:
		return *(const uint64_t *)field != SPEC_UNSET;
	case CGROUP_LIMITS_TEXT:
		return *(char *const *)field != NULL;
	case CGROUP_LIMITS_PARTITION:
		return *(const enum spec_cpu_partition *)field != SPEC_CPU_PARTITION_MEMBER;
	case CGROUP_LIMITS_OOM:
		return *(const enum spec_oom_policy *)field == SPEC_OOM_KILL;
	case CGROUP_LIMITS_NOT:
		return !*(const bool *)field;
	case CGROUP_LIMITS_XATTR:
		return *(const bool *)field;
	case CGROUP_LIMITS_PREFERENCE:
		return *(const enum spec_oom_preference *)field != SPEC_OOM_PREFERENCE_NONE;
	case CGROUP_LIMITS_DEVICES:
	case CGROUP_LIMITS_NAMED:
	case CGROUP_LIMITS_FILES:
		return ((const struct spec_io_limits *)field)->n > 0;
	}
	return false;
}

/* The field that holds now; NULL when none is set. *RET_OFFSET is its place in struct spec_limits. */
static const void *cgroup_limits_value(const struct cgroup_limits_row *row, const struct cgroup_wish *wish,
				       uint32_t *ret_offset)
{
	const char *limits = (const char *)wish->limits;
	const uint64_t *inherited = row->offset == AT(memory_min)   ? &wish->memory_min
				    : row->offset == AT(memory_low) ? &wish->memory_low
								    : NULL;

	*ret_offset = row->offset;
	if (wish->startup && row->startup && cgroup_limits_field_is_set(row, limits + row->startup)) {
		*ret_offset = row->startup;
		return limits + row->startup;
	}
	if (cgroup_limits_field_is_set(row, limits + row->offset))
		return limits + row->offset;
	return inherited && *inherited != SPEC_UNSET ? inherited : NULL;
}
#undef AT

static bool cgroup_limits_lists_equal(const struct spec_io_limits *a, const struct spec_io_limits *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->items[i].value != b->items[i].value || strcmp(a->items[i].path, b->items[i].path) != 0)
			return false;
	return true;
}

static bool cgroup_limits_equal(const struct cgroup_limits_row *row, const void *a, const void *b)
{
	if (!a || !b)
		return a == b;
	switch (row->form) {
	case CGROUP_LIMITS_NUMBER:
	case CGROUP_LIMITS_CPU_WEIGHT:
	case CGROUP_LIMITS_QUOTA:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case CGROUP_LIMITS_TEXT:
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	case CGROUP_LIMITS_PARTITION:
		return *(const enum spec_cpu_partition *)a == *(const enum spec_cpu_partition *)b;
	case CGROUP_LIMITS_PREFERENCE:
		return *(const enum spec_oom_preference *)a == *(const enum spec_oom_preference *)b;
	case CGROUP_LIMITS_OOM:
	case CGROUP_LIMITS_NOT:
	case CGROUP_LIMITS_XATTR:
		return true; /* set in one way only */
	case CGROUP_LIMITS_DEVICES:
	case CGROUP_LIMITS_NAMED:
	case CGROUP_LIMITS_FILES:
		return cgroup_limits_lists_equal(a, b);
	}
	return false;
}

/* --- which controllers that takes -------------------------------------------------------------------- */

unsigned cgroup_needed(const struct cgroup_wish *wish)
{
	unsigned needed = wish->limits->delegate_controllers;
	uint32_t offset;

	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++)
		if (cgroup_limits_value(&cgroup_limits_rows[i], wish, &offset))
			needed |= cgroup_limits_rows[i].controller;
	return needed;
}

unsigned cgroup_wanted(const struct cgroup_wish *wish)
{
	const struct spec_limits *limits = wish->limits;
	unsigned wanted = 0;

	if (limits->delegate_all)
		wanted = (1u << CGROUP_N_CONTROLLERS) - 1;
	if (limits->memory_accounting)
		wanted |= CGROUP_MEMORY;
	if (limits->tasks_accounting)
		wanted |= CGROUP_PIDS;
	if (limits->io_accounting)
		wanted |= CGROUP_IO;
	if (limits->cpu_accounting) /* cpu.stat has the time without it; with it also the throttling */
		wanted |= CGROUP_CPU;
	return wanted & ~wish->disabled;
}

static uint32_t cgroup_limits_origin(uint32_t offset)
{
	return (uint32_t)offsetof(struct spec, limits) | (offset + 1) << 16;
}

uint32_t cgroup_first_limit(const struct cgroup_wish *wish)
{
	uint32_t offset;

	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++)
		if (cgroup_limits_rows[i].controller &&
		    cgroup_limits_value(&cgroup_limits_rows[i], wish, &offset))
			return cgroup_limits_origin(offset);
	return wish->limits->delegate_controllers ? SPEC_LIMITS_ORIGIN(delegate) : PROGRAM_NO_ORIGIN;
}

static int cgroup_limits_missing(const struct cgroup_tree *tree, const char *path,
				 const struct cgroup_wish *wish, unsigned controller, const char *directive,
				 struct failure *failure)
{
	const char *name = cgroup_controller_names[__builtin_ctz(controller)];

	if (controller & wish->disabled)
		return failure_set(
			failure, -EOPNOTSUPP, NULL,
			"the %s controller is disabled by DisableControllers= of %s: %s= cannot be enforced",
			name, wish->disabled_by ?: "a group above", directive);
	return failure_set(failure, -EOPNOTSUPP, NULL,
			   "the %s controller is not available in %s/%s: %s= cannot be enforced", name,
			   tree->path, path, directive);
}

int cgroup_limits_check(const struct cgroup_tree *tree, const char *path, const struct cgroup_wish *wish,
			unsigned available, struct failure *failure, uint32_t *ret_origin)
{
	unsigned missing = wish->limits->delegate_controllers & ~available;
	uint32_t offset;

	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++) {
		const struct cgroup_limits_row *row = &cgroup_limits_rows[i];

		if (!row->controller || (row->controller & available) ||
		    !cgroup_limits_value(row, wish, &offset))
			continue;
		if (ret_origin)
			*ret_origin = cgroup_limits_origin(offset);
		return cgroup_limits_missing(tree, path, wish, row->controller, row->directive, failure);
	}
	if (!missing)
		return 0;
	if (ret_origin)
		*ret_origin = SPEC_LIMITS_ORIGIN(delegate);
	return cgroup_limits_missing(tree, path, wish, missing & -missing, "Delegate", failure);
}

/* --- writing ----------------------------------------------------------------------------------------- */

/* The whole disk under PATH, a device node or any file: io.max knows no partitions. */
static int cgroup_limits_find_device(const char *path, unsigned *ret_major, unsigned *ret_minor)
{
	char sys[128], *text = NULL;
	struct stat st;
	dev_t device;
	int n;

	if (stat(path, &st) < 0)
		return -errno;
	device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	/* Such a number is made up for a file system without one device. */
	if (major(device) == 0)
		return -ENODEV;
	*ret_major = major(device);
	*ret_minor = minor(device);
	snprintf(sys, sizeof(sys), "/sys/dev/block/%u:%u/partition", *ret_major, *ret_minor);
	if (access(sys, F_OK) < 0)
		return 0;
	snprintf(sys, sizeof(sys), "/sys/dev/block/%u:%u/../dev", *ret_major, *ret_minor);
	if (fd_read_file_at(AT_FDCWD, sys, 64, &text) < 0)
		return 0;
	n = sscanf(text, "%u:%u", ret_major, ret_minor);
	free(text);
	return n == 2 ? 0 : -ENODEV;
}

/* Where the files' contents go: into a group, or to somebody who wants to know. */
struct cgroup_limits_sink {
	int group_fd;
	cgroup_teller *tell; /* NULL: write */
	void *data;
	uint32_t origin;
};

static int cgroup_limits_put(const struct cgroup_limits_sink *sink, const char *file, const char *text)
{
	return sink->tell ? sink->tell(sink->data, sink->origin, file, text)
			  : fd_write_file_at(sink->group_fd, file, text);
}

static const char *cgroup_limits_print(uint64_t value, char text[32])
{
	if (value == SPEC_LIMIT_MAX)
		return "max";
	snprintf(text, 32, "%" PRIu64, value);
	return text;
}

/* One item of a list, or with VALUE NULL its reset. */
static int cgroup_limits_write_item(const struct cgroup_limits_sink *sink,
				    const struct cgroup_limits_row *row, const char *name, const char *value)
{
	char text[512], file[320];
	unsigned device_major, device_minor;
	int r;

	value = value ?: row->reset;
	if (row->form == CGROUP_LIMITS_FILES) {
		const char *hole = strstr(row->file, "%s");

		snprintf(file, sizeof(file), "%.*s%s%s", (int)(hole - row->file), row->file, name, hole + 2);
		return cgroup_limits_put(sink, file, value);
	}
	if (row->form == CGROUP_LIMITS_NAMED) {
		snprintf(text, sizeof(text), "%.255s %s%s", name, row->key ?: "", value);
		return cgroup_limits_put(sink, row->file, text);
	}
	r = cgroup_limits_find_device(name, &device_major, &device_minor);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%u:%u %s%s", device_major, device_minor, row->key ?: "", value);
	return cgroup_limits_put(sink, row->file, text);
}

static bool cgroup_limits_list_has(const struct spec_io_limits *list, const char *name)
{
	for (size_t i = 0; list && i < list->n; i++)
		if (strcmp(list->items[i].path, name) == 0)
			return true;
	return false;
}

static int cgroup_limits_write_list(const struct cgroup_limits_sink *sink,
				    const struct cgroup_limits_row *row, const struct spec_io_limits *old,
				    const struct spec_io_limits *list)
{
	char text[32];
	int r = 0;

	/* A device that is gone takes its limit with it. */
	for (size_t i = 0; old && i < old->n && r == 0; i++)
		if (!cgroup_limits_list_has(list, old->items[i].path)) {
			r = cgroup_limits_write_item(sink, row, old->items[i].path, NULL);
			r = r == -ENOENT || r == -ENODEV ? 0 : r;
		}
	for (size_t i = 0; list && i < list->n && r == 0; i++)
		r = cgroup_limits_write_item(sink, row, list->items[i].path,
					     cgroup_limits_print(list->items[i].value, text));
	return r;
}

static int cgroup_limits_write_cpu_weight(const struct cgroup_limits_sink *sink,
					  const struct cgroup_limits_row *row, const uint64_t *old,
					  const uint64_t *weight)
{
	char text[32];
	int r = 0;

	if (weight && *weight == SPEC_CPU_WEIGHT_IDLE)
		return cgroup_limits_put(sink, "cpu.idle", "1");
	/* An idle group takes no weight. */
	if (old && *old == SPEC_CPU_WEIGHT_IDLE)
		r = cgroup_limits_put(sink, "cpu.idle", "0");
	return r < 0 ? r
		     : cgroup_limits_put(sink, row->file,
					 weight ? cgroup_limits_print(*weight, text) : row->reset);
}

static int cgroup_limits_set_attribute(const struct cgroup_limits_sink *sink, const char *name, bool set)
{
	char path[64];

	if (sink->tell)
		return set ? sink->tell(sink->data, sink->origin, name, "1") : 0;
	/* The directory may be an O_PATH descriptor. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", sink->group_fd);
	if (set)
		return setxattr(path, name, "1", 1, 0) < 0 ? -errno : 0;
	return removexattr(path, name) < 0 && errno != ENODATA ? -errno : 0;
}

static int cgroup_limits_write_preference(const struct cgroup_limits_sink *sink,
					  const enum spec_oom_preference *value)
{
	int r = cgroup_limits_set_attribute(sink, "user.oomd_avoid",
					    value && *value == SPEC_OOM_PREFERENCE_AVOID);

	return r < 0 ? r
		     : cgroup_limits_set_attribute(sink, "user.oomd_omit",
						   value && *value == SPEC_OOM_PREFERENCE_OMIT);
}

static uint64_t cgroup_limits_period(const struct cgroup_wish *wish)
{
	uint64_t period = wish->limits->cpu_period;

	/* The kernel takes 1 ms to 1 s; systemd.resource-control(5) brings others to the nearest. */
	if (period == SPEC_UNSET)
		return CGROUP_LIMITS_CPU_PERIOD;
	return MIN_OF(MAX_OF(period, (uint64_t)1000), (uint64_t)1000000);
}

static void cgroup_limits_format_quota(uint64_t quota, uint64_t period, char *text, size_t size)
{
	if (quota == SPEC_LIMIT_MAX) {
		snprintf(text, size, "max %" PRIu64, period);
		return;
	}
	quota = (uint64_t)((unsigned __int128)quota * period / 1000000);
	snprintf(text, size, "%" PRIu64 " %" PRIu64, MAX_OF(quota, (uint64_t)CGROUP_LIMITS_CPU_QUOTA_MIN),
		 period);
}

/* Writes the row's VALUE, or with NULL its reset; OLD is what the group has, NULL for the kernel's. */
static int cgroup_limits_write_row(const struct cgroup_limits_sink *sink, const struct cgroup_limits_row *row,
				   const struct cgroup_wish *wish, const void *old, const void *value)
{
	static const char *const partitions[SPEC_CPU_PARTITION_MAX_] = {"member", "root", "isolated"};
	char number[32], text[64] = "";
	const char *content = text;

	switch (row->form) {
	case CGROUP_LIMITS_DEVICES:
	case CGROUP_LIMITS_NAMED:
	case CGROUP_LIMITS_FILES:
		return cgroup_limits_write_list(sink, row, old, value);
	case CGROUP_LIMITS_CPU_WEIGHT:
		return cgroup_limits_write_cpu_weight(sink, row, old, value);
	case CGROUP_LIMITS_XATTR:
		return cgroup_limits_set_attribute(sink, row->file, value != NULL);
	case CGROUP_LIMITS_PREFERENCE:
		return cgroup_limits_write_preference(sink, value);
	case CGROUP_LIMITS_TEXT:
		content = value ? *(char *const *)value : NULL;
		break;
	case CGROUP_LIMITS_PARTITION:
		content = value ? partitions[*(const enum spec_cpu_partition *)value] : NULL;
		break;
	case CGROUP_LIMITS_OOM:
		content = "1";
		break;
	case CGROUP_LIMITS_NOT:
		content = "0";
		break;
	case CGROUP_LIMITS_QUOTA:
		if (value)
			cgroup_limits_format_quota(*(const uint64_t *)value, cgroup_limits_period(wish), text,
						   sizeof(text));
		break;
	case CGROUP_LIMITS_NUMBER:
		if (value)
			snprintf(text, sizeof(text), "%s%s", row->key ?: "",
				 cgroup_limits_print(*(const uint64_t *)value, number));
		break;
	}
	return cgroup_limits_put(sink, row->file, value ? content : row->reset);
}

static bool cgroup_limits_changed(const struct cgroup_limits_row *row, const struct cgroup_wish *old,
				  const struct cgroup_wish *wish, const void *before, const void *value)
{
	if (!old)
		return value != NULL;
	return !cgroup_limits_equal(row, before, value) ||
	       (row->form == CGROUP_LIMITS_QUOTA && value &&
		cgroup_limits_period(old) != cgroup_limits_period(wish));
}

int cgroup_limits_write(const struct cgroup_tree *tree, int group_fd, const char *path,
			const struct cgroup_wish *old, const struct cgroup_wish *wish,
			struct failure *failure, uint32_t *ret_origin, unsigned *ret_written)
{
	const struct cgroup_limits_sink sink = {.group_fd = group_fd};
	unsigned written = 0;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows) && r == 0; i++) {
		const struct cgroup_limits_row *row = &cgroup_limits_rows[i];
		uint32_t offset, ignored;
		const void *before = old ? cgroup_limits_value(row, old, &ignored) : NULL;
		const void *value = cgroup_limits_value(row, wish, &offset);

		if (!cgroup_limits_changed(row, old, wish, before, value))
			continue;
		written++;
		r = cgroup_limits_write_row(&sink, row, wish, before, value);
		if (r == 0)
			continue;
		if (ret_origin)
			*ret_origin = cgroup_limits_origin(offset);
		failure_set(failure, r, NULL, "%s= cannot be enforced by %s/%s/%s", row->directive,
			    tree->path, path, row->file);
	}
	if (ret_written)
		*ret_written = written;
	return r;
}

int cgroup_tell(const struct cgroup_wish *wish, cgroup_teller *tell, void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++) {
		const struct cgroup_limits_row *row = &cgroup_limits_rows[i];
		uint32_t offset;
		const void *value = cgroup_limits_value(row, wish, &offset);
		const struct cgroup_limits_sink sink = {
			.group_fd = -1, .tell = tell, .data = data, .origin = cgroup_limits_origin(offset)};
		int r = value ? cgroup_limits_write_row(&sink, row, wish, NULL, value) : 0;

		if (r == -ENOENT || r == -ENODEV) /* a device that is not there */
			r = tell(data, sink.origin, row->file, "of a device that is not there");
		if (r < 0)
			return r;
	}
	return 0;
}
