/* Limits as files. One row says which field goes to which file in which form, and which directive a user
 * knows it by. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"

const char *const cgroup_controller_names[CGROUP_N_CONTROLLERS] = {"cpu",  "cpuset",  "io",   "memory",
								   "pids", "hugetlb", "rdma", "misc"};

enum cgroup_limits_form {
	CGROUP_LIMITS_NUMBER,  /* uint64_t; SPEC_LIMIT_MAX is "max" */
	CGROUP_LIMITS_TEXT,    /* char * */
	CGROUP_LIMITS_FLAG,    /* int, -1 unset */
	CGROUP_LIMITS_QUOTA,   /* cpu.max, with cpu_period */
	CGROUP_LIMITS_DEFAULT, /* uint64_t after "default" */
	CGROUP_LIMITS_DEVICES, /* struct spec_io_limits, "MAJOR:MINOR KEY=VALUE" or, without key, "MAJOR:MINOR
				  VALUE" */
};

static const struct cgroup_limits_row {
	uint32_t offset; /* in struct spec_limits */
	unsigned controller;
	enum cgroup_limits_form form;
	const char *file, *key, *directive;
} cgroup_limits_rows[] = {
#define ROW(field, ...)                                          \
	{                                                        \
		offsetof(struct spec_limits, field), __VA_ARGS__ \
	}
	ROW(cpu_weight, CGROUP_CPU, CGROUP_LIMITS_NUMBER, "cpu.weight", NULL, "CPUWeight"),
	ROW(cpu_quota, CGROUP_CPU, CGROUP_LIMITS_QUOTA, "cpu.max", NULL, "CPUQuota"),
	ROW(allowed_cpus, CGROUP_CPUSET, CGROUP_LIMITS_TEXT, "cpuset.cpus", NULL, "AllowedCPUs"),
	ROW(allowed_memory_nodes, CGROUP_CPUSET, CGROUP_LIMITS_TEXT, "cpuset.mems", NULL,
	    "AllowedMemoryNodes"),
	ROW(memory_min, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.min", NULL, "MemoryMin"),
	ROW(memory_low, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.low", NULL, "MemoryLow"),
	ROW(memory_high, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.high", NULL, "MemoryHigh"),
	ROW(memory_max, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.max", NULL, "MemoryMax"),
	ROW(memory_swap_max, CGROUP_MEMORY, CGROUP_LIMITS_NUMBER, "memory.swap.max", NULL, "MemorySwapMax"),
	ROW(oom_group, CGROUP_MEMORY, CGROUP_LIMITS_FLAG, "memory.oom.group", NULL, "OOMPolicy"),
	ROW(io_weight, CGROUP_IO, CGROUP_LIMITS_DEFAULT, "io.weight", NULL, "IOWeight"),
	ROW(io_device_weight, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.weight", NULL, "IODeviceWeight"),
	ROW(io_read_bandwidth, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "rbps", "IOReadBandwidthMax"),
	ROW(io_write_bandwidth, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "wbps", "IOWriteBandwidthMax"),
	ROW(io_read_iops, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "riops", "IOReadIOPSMax"),
	ROW(io_write_iops, CGROUP_IO, CGROUP_LIMITS_DEVICES, "io.max", "wiops", "IOWriteIOPSMax"),
	ROW(tasks_max, CGROUP_PIDS, CGROUP_LIMITS_NUMBER, "pids.max", NULL, "TasksMax"),
#undef ROW
};

enum { CGROUP_LIMITS_CPU_PERIOD = 100000, CGROUP_LIMITS_CPU_QUOTA_MIN = 1000 };

static const void *cgroup_limits_field(const struct cgroup_limits_row *row, const struct spec_limits *limits)
{
	return (const char *)limits + row->offset;
}

static bool cgroup_limits_is_set(const struct cgroup_limits_row *row, const struct spec_limits *limits)
{
	const void *field = cgroup_limits_field(row, limits);

	switch (row->form) {
	case CGROUP_LIMITS_NUMBER:
	case CGROUP_LIMITS_QUOTA:
	case CGROUP_LIMITS_DEFAULT:
		return *(const uint64_t *)field != SPEC_UNSET;
	case CGROUP_LIMITS_TEXT:
		return *(char *const *)field != NULL;
	case CGROUP_LIMITS_FLAG:
		return *(const int *)field >= 0;
	case CGROUP_LIMITS_DEVICES:
		return ((const struct spec_io_limits *)field)->n > 0;
	}
	return false;
}

unsigned cgroup_needed(const struct spec_limits *limits)
{
	unsigned needed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++)
		if (cgroup_limits_is_set(&cgroup_limits_rows[i], limits))
			needed |= cgroup_limits_rows[i].controller;
	return needed;
}

static uint32_t cgroup_limits_origin(const struct cgroup_limits_row *row)
{
	return (uint32_t)offsetof(struct spec, limits) + row->offset;
}

uint32_t cgroup_first_limit(const struct spec_limits *limits)
{
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++)
		if (cgroup_limits_is_set(&cgroup_limits_rows[i], limits))
			return cgroup_limits_origin(&cgroup_limits_rows[i]);
	return PROGRAM_NO_ORIGIN;
}

static void cgroup_limits_set_origin(const struct cgroup_limits_row *row, uint32_t *ret_origin)
{
	if (ret_origin)
		*ret_origin = cgroup_limits_origin(row);
}

int cgroup_limits_check(const struct cgroup_tree *tree, const char *path, const struct spec_limits *limits,
			unsigned available, struct failure *failure, uint32_t *ret_origin)
{
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++) {
		const struct cgroup_limits_row *row = &cgroup_limits_rows[i];

		if (!cgroup_limits_is_set(row, limits) || (row->controller & available))
			continue;
		cgroup_limits_set_origin(row, ret_origin);
		return failure_set(failure, -EOPNOTSUPP, NULL,
				   "the %s controller is not available in %s/%s: %s= cannot be enforced",
				   cgroup_controller_names[__builtin_ctz(row->controller)], tree->path, path,
				   row->directive);
	}
	return 0;
}

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

static int cgroup_limits_write_device(int group_fd, const struct cgroup_limits_row *row,
				      const struct spec_io_limit *limit)
{
	unsigned device_major, device_minor;
	char value[32], text[96];
	int r = cgroup_limits_find_device(limit->path, &device_major, &device_minor);

	if (r < 0)
		return r;
	if (limit->value == SPEC_LIMIT_MAX)
		strcpy(value, "max");
	else
		snprintf(value, sizeof(value), "%llu", (unsigned long long)limit->value);
	snprintf(text, sizeof(text), "%u:%u %s%s%s", device_major, device_minor, row->key ?: "",
		 row->key ? "=" : "", value);
	return fd_write_file_at(group_fd, row->file, text);
}

static void cgroup_limits_format_quota(const struct spec_limits *limits, char *text, size_t size)
{
	uint64_t period = limits->cpu_period == SPEC_UNSET ? CGROUP_LIMITS_CPU_PERIOD : limits->cpu_period;
	uint64_t quota;

	if (limits->cpu_quota == SPEC_LIMIT_MAX) {
		snprintf(text, size, "max %llu", (unsigned long long)period);
		return;
	}
	quota = (uint64_t)((unsigned __int128)limits->cpu_quota * period / 1000000);
	snprintf(text, size, "%llu %llu",
		 (unsigned long long)MAX_OF(quota, (uint64_t)CGROUP_LIMITS_CPU_QUOTA_MIN),
		 (unsigned long long)period);
}

static int cgroup_limits_write_row(int group_fd, const struct cgroup_limits_row *row,
				   const struct spec_limits *limits)
{
	const void *field = cgroup_limits_field(row, limits);
	const struct spec_io_limits *devices = field;
	const char *prefix = row->form == CGROUP_LIMITS_DEFAULT ? "default " : "";
	char text[64];
	int r = 0;

	switch (row->form) {
	case CGROUP_LIMITS_TEXT:
		return fd_write_file_at(group_fd, row->file, *(char *const *)field);
	case CGROUP_LIMITS_DEVICES:
		for (size_t i = 0; i < devices->n && r == 0; i++)
			r = cgroup_limits_write_device(group_fd, row, &devices->items[i]);
		return r;
	case CGROUP_LIMITS_QUOTA:
		cgroup_limits_format_quota(limits, text, sizeof(text));
		break;
	case CGROUP_LIMITS_FLAG:
		snprintf(text, sizeof(text), "%d", *(const int *)field);
		break;
	case CGROUP_LIMITS_NUMBER:
	case CGROUP_LIMITS_DEFAULT:
		if (*(const uint64_t *)field == SPEC_LIMIT_MAX)
			snprintf(text, sizeof(text), "%smax", prefix);
		else
			snprintf(text, sizeof(text), "%s%llu", prefix,
				 (unsigned long long)*(const uint64_t *)field);
		break;
	}
	return fd_write_file_at(group_fd, row->file, text);
}

int cgroup_limits_write(const struct cgroup_tree *tree, int group_fd, const char *path,
			const struct spec_limits *limits, struct failure *failure, uint32_t *ret_origin)
{
	for (size_t i = 0; i < ARRAY_SIZE(cgroup_limits_rows); i++) {
		const struct cgroup_limits_row *row = &cgroup_limits_rows[i];
		int r;

		if (!cgroup_limits_is_set(row, limits))
			continue;
		r = cgroup_limits_write_row(group_fd, row, limits);
		if (r == 0)
			continue;
		cgroup_limits_set_origin(row, ret_origin);
		return failure_set(failure, r, NULL, "%s= cannot be enforced by %s/%s/%s", row->directive,
				   tree->path, path, row->file);
	}
	return 0;
}
