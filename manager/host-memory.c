/* What outlives a manager in files: its state (a mapped file in the runtime directory: a store to memory is
 * all an update costs, and the kernel keeps it when the process is killed) and which range of user ids
 * belongs to which unit (in the state directory). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/host-private.h"

/* Ranges of 65536 ids, as systemd and shadow leave free for containers: 524288…1879048191
 * (0x80000…0x6fffffff). */
enum { HOST_ID_RANGE_SIZE = 65536, HOST_ID_RANGE_FIRST = 8, HOST_ID_RANGE_END = 28672 };

void *host_memory_grow(struct world *world, size_t size)
{
	struct host *host = host_of_world(world);
	struct stat status;
	void *memory;

	if (host->memory_fd < 0)
		return NULL;
	if (size <= host->memory_size)
		return host->memory;
	if (fstat(host->memory_fd, &status) < 0)
		return NULL;
	/* Allocated now: a full disk must fail here, not as SIGBUS at a later store. */
	if ((uint64_t)status.st_size < size && posix_fallocate(host->memory_fd, 0, (off_t)size) != 0)
		return NULL;
	size = MAX_OF(size, (size_t)status.st_size);
	memory = host->memory ? mremap(host->memory, host->memory_size, size, MREMAP_MAYMOVE)
			      : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, host->memory_fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	host->memory = memory;
	host->memory_size = size;
	return memory;
}

/* "UNIT\n" per line; the line number is the range. Read once, appended to. */
static int host_memory_read_ranges(struct host *host)
{
	_cleanup_free_ char *path = text_format("%s/id-ranges", host->state_directory), *text = NULL;
	ssize_t n;

	if (!path)
		return -ENOMEM;
	n = fd_read_file_at(AT_FDCWD, path, 16 << 20, &text);
	if (n == -ENOENT)
		return 0;
	if (n < 0)
		return (int)n;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (text_list_append(&host->id_ranges, line) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int host_memory_append_ranges(const struct host *host, char *const *units)
{
	_cleanup_free_ char *path = text_format("%s/id-ranges", host->state_directory),
			    *names = text_list_join(units, "\n"),
			    *line = names ? text_format("%s\n", names) : NULL;
	_cleanup_fd_ int fd = -1;

	if (!path || !line)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));
}

/* A larger range is several in a row, under names of their own: "UNIT*3" is the first of three, of which the
 * others are called "UNIT*3+". So a unit that wants more than before gets another range. */
uint32_t host_memory_id_range(struct host *host, const char *unit, uint32_t size)
{
	unsigned count = MAX_OF((size + HOST_ID_RANGE_SIZE - 1) / HOST_ID_RANGE_SIZE, 1u);
	_cleanup_free_ char *first = count > 1 ? text_format("%s*%u", unit, count) : strdup(unit),
			    *next = text_format("%s*%u+", unit, count);
	_cleanup_text_list_ char **names = NULL;
	size_t n = 0;

	if (!first || !next || (!host->id_ranges && host_memory_read_ranges(host) < 0))
		return 0;
	TEXT_LIST_FOREACH (name, host->id_ranges) {
		if (strcmp(*name, first) == 0)
			return (uint32_t)(HOST_ID_RANGE_FIRST + n) * HOST_ID_RANGE_SIZE;
		n++;
	}
	if (HOST_ID_RANGE_FIRST + n + count > HOST_ID_RANGE_END)
		return 0;
	for (unsigned i = 0; i < count; i++)
		if (text_list_append(&names, i == 0 ? first : next) < 0)
			return 0;
	/* Written before it is used, and all at once: two units must never share a range, not even after a
	 * crash. */
	if (host_memory_append_ranges(host, names) < 0)
		return 0;
	TEXT_LIST_FOREACH (name, names)
		if (text_list_append(&host->id_ranges, *name) < 0)
			return 0;
	return (uint32_t)(HOST_ID_RANGE_FIRST + n) * HOST_ID_RANGE_SIZE;
}
