/* What a group has used, from its controllers' files; a file that is not there leaves its number unset. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"

enum { CGROUP_USAGE_FILE_MAX = 1 << 20 };

static uint64_t cgroup_usage_number(int group_fd, const char *file)
{
	_cleanup_free_ char *text = NULL;

	if (fd_read_file_at(group_fd, file, CGROUP_USAGE_FILE_MAX, &text) <= 0 || *text < '0' || *text > '9')
		return SPEC_UNSET;
	return strtoull(text, NULL, 10);
}

/* The number after "KEY " at the beginning of a line of FILE. */
static uint64_t cgroup_usage_line(int group_fd, const char *file, const char *key)
{
	_cleanup_free_ char *text = NULL;
	size_t length = strlen(key);
	const char *line;

	if (fd_read_file_at(group_fd, file, CGROUP_USAGE_FILE_MAX, &text) <= 0)
		return SPEC_UNSET;
	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoull(line + length + 1, NULL, 10);
	return SPEC_UNSET;
}

/* The sum of all "KEY=NUMBER" in io.stat, over the devices. */
static uint64_t cgroup_usage_io(const char *text, const char *key)
{
	size_t length = strlen(key);
	uint64_t sum = 0;

	for (const char *c = strstr(text, key); c; c = strstr(c + length, key))
		if (c != text && c[-1] == ' ' && c[length] == '=')
			sum += strtoull(c + length + 1, NULL, 10);
	return sum;
}

int cgroup_read_usage(const struct cgroup_tree *tree, const char *path, struct cgroup_usage *ret)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	_cleanup_free_ char *io = NULL;
	uint64_t usec;

	if (fd < 0)
		return fd;
	usec = cgroup_usage_line(fd, "cpu.stat", "usage_usec");
	*ret = (struct cgroup_usage){
		.memory_current = cgroup_usage_number(fd, "memory.current"),
		.memory_peak = cgroup_usage_number(fd, "memory.peak"),
		.memory_swap_current = cgroup_usage_number(fd, "memory.swap.current"),
		.memory_swap_peak = cgroup_usage_number(fd, "memory.swap.peak"),
		.memory_zswap_current = cgroup_usage_number(fd, "memory.zswap.current"),
		.cpu_usage_nsec = usec == SPEC_UNSET ? SPEC_UNSET : usec * 1000,
		.tasks_current = cgroup_usage_number(fd, "pids.current"),
		.oom_kills = cgroup_usage_line(fd, "memory.events", "oom_kill"),
		.io_read_bytes = SPEC_UNSET,
		.io_write_bytes = SPEC_UNSET,
		.io_read_operations = SPEC_UNSET,
		.io_write_operations = SPEC_UNSET,
	};
	if (fd_read_file_at(fd, "io.stat", CGROUP_USAGE_FILE_MAX, &io) < 0)
		return 0;
	ret->io_read_bytes = cgroup_usage_io(io, "rbytes");
	ret->io_write_bytes = cgroup_usage_io(io, "wbytes");
	ret->io_read_operations = cgroup_usage_io(io, "rios");
	ret->io_write_operations = cgroup_usage_io(io, "wios");
	return 0;
}

uint64_t cgroup_read_least(const struct cgroup_tree *tree, const char *path, const char *file,
			   const char *used)
{
	uint64_t least = SPEC_UNSET;

	for (size_t length = strlen(path); length > 0;) {
		_cleanup_free_ char *above = strndup(path, length);
		_cleanup_fd_ int fd = above ? cgroup_open(tree, above) : -1;
		uint64_t value = fd < 0 ? SPEC_UNSET : cgroup_usage_number(fd, file), taken = 0;
		const char *slash = memrchr(path, '/', length);

		if (value != SPEC_UNSET && used)
			taken = cgroup_usage_number(fd, used);
		if (value != SPEC_UNSET && taken != SPEC_UNSET)
			least = MIN_OF(least, value - MIN_OF(value, taken));
		length = slash ? (size_t)(slash - path) : 0;
	}
	return least;
}

int cgroup_read_text(const struct cgroup_tree *tree, const char *path, const char *file, char **ret)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	ssize_t n = fd < 0 ? fd : fd_read_file_at(fd, file, CGROUP_USAGE_FILE_MAX, ret);

	if (n < 0)
		return (int)n;
	(*ret)[strcspn(*ret, "\n")] = '\0';
	return 0;
}

uint64_t cgroup_read_id(const struct cgroup_tree *tree, const char *path)
{
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	struct stat status;

	return fd < 0 || fstat(fd, &status) < 0 ? 0 : status.st_ino;
}

int cgroup_read_pressure(const struct cgroup_tree *tree, const char *path, enum cgroup_resource resource,
			 struct cgroup_pressure *ret)
{
	static const char *const files[CGROUP_RESOURCE_MAX_] = {
		[CGROUP_PRESSURE_CPU] = "cpu.pressure",
		[CGROUP_PRESSURE_MEMORY] = "memory.pressure",
		[CGROUP_PRESSURE_IO] = "io.pressure",
	};
	_cleanup_fd_ int fd = cgroup_open(tree, path);
	_cleanup_free_ char *text = NULL;
	struct cgroup_pressure pressure = {};
	ssize_t n = fd < 0 ? fd : fd_read_file_at(fd, files[resource], CGROUP_USAGE_FILE_MAX, &text);
	const char *full;

	if (n < 0)
		return n == -EOPNOTSUPP ? -ENOENT : (int)n; /* psi=0 on the kernel's command line */
	if (sscanf(text, "some avg10=%lf avg60=%lf avg300=%lf total=%" SCNu64, &pressure.some.average10,
		   &pressure.some.average60, &pressure.some.average300, &pressure.some.total_usec) != 4)
		return -ENOENT;
	full = strstr(text, "full ");
	if (full)
		sscanf(full, "full avg10=%lf avg60=%lf avg300=%lf total=%" SCNu64, &pressure.full.average10,
		       &pressure.full.average60, &pressure.full.average300, &pressure.full.total_usec);
	*ret = pressure;
	return 0;
}
