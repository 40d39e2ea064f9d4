/* The interpreter's step that fills an empty volume or tmpfs with what the image has in its place.
 *
 * Both trees may be a stranger's. So no path is followed: every name is opened in its directory's descriptor without
 * following a link, files are made anew, and what is no file, directory, link or FIFO is left out. How deep it goes is
 * bounded, as the descriptors and the stack are. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

enum { INTERPRET_COPY_DEPTH = 64, INTERPRET_COPY_BLOCK = 1 << 30 };

struct interpret_copy_entry { /* getdents64(2) */
	uint64_t inode;
	int64_t offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

static bool interpret_copy_is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static long interpret_copy_read(int fd, char *buffer, size_t size)
{
	long n = syscall(SYS_getdents64, fd, buffer, size);

	return n < 0 ? -errno : n;
}

/* 1 when DIRECTORY has nothing in it. */
static int interpret_copy_is_empty(int directory)
{
	_Alignas(struct interpret_copy_entry) char buffer[1024];
	_cleanup_fd_ int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;

	if (fd < 0)
		return -errno;
	while ((n = interpret_copy_read(fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < n;) {
			const struct interpret_copy_entry *entry = (const void *)(buffer + at);

			if (!interpret_copy_is_dot(entry->name))
				return 0;
			at += entry->length;
		}
	return n < 0 ? (int)n : 1;
}

/* Owner and mode by descriptor, as a name may be exchanged for another beside us; a change of owner takes set-user-ID bits away, so
 * the mode comes after it. */
static int interpret_copy_status(int fd, const struct stat *status)
{
	if (syscall(SYS_fchown, fd, status->st_uid, status->st_gid) < 0 ||
	    syscall(SYS_fchmod, fd, status->st_mode & 07777) < 0)
		return -errno;
	return 0;
}

static int interpret_copy_file(int from, int to, const char *name, const struct stat *status)
{
	_cleanup_fd_ int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
			 target = -1;
	long n;

	if (source < 0)
		return -errno;
	target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target < 0)
		return -errno;
	do
		n = syscall(SYS_sendfile, target, source, NULL, (size_t)INTERPRET_COPY_BLOCK);
	while (n > 0);
	return n < 0 ? -errno : interpret_copy_status(target, status);
}

static int interpret_copy_link(int from, int to, const char *name, const struct stat *status)
{
	char target[PATH_MAX];
	long n = syscall(SYS_readlinkat, from, name, target, sizeof target - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0 ||
	    syscall(SYS_fchownat, to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int interpret_copy_directory(int from, int to, int depth);

static int interpret_copy_enter(int from, int to, const char *name, const struct stat *status, int depth)
{
	int r;
	_cleanup_fd_ int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			 target = -1;

	if (source < 0 || mkdirat(to, name, 0700) < 0)
		return -errno;
	target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return -errno;
	r = interpret_copy_directory(source, target, depth - 1);
	return r < 0 ? r : interpret_copy_status(target, status);
}

static int interpret_copy_one(int from, int to, const char *name, int depth)
{
	const struct timespec *times;
	struct stat status;
	int r;

	if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	switch (status.st_mode & S_IFMT) {
	case S_IFREG:
		r = interpret_copy_file(from, to, name, &status);
		break;
	case S_IFDIR:
		r = interpret_copy_enter(from, to, name, &status, depth);
		break;
	case S_IFLNK:
		r = interpret_copy_link(from, to, name, &status);
		break;
	case S_IFIFO:
		r = mknodat(to, name, S_IFIFO | (status.st_mode & 0777), 0) < 0 ? -errno : 0;
		break;
	default:
		return 0;
	}
	/* Another container that fills the same volume was faster. */
	if (r == -EEXIST)
		return 0;
	times = (const struct timespec[]){status.st_atim, status.st_mtim};
	return r < 0 || syscall(SYS_utimensat, to, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? r : -errno;
}

static int interpret_copy_directory(int from, int to, int depth)
{
	_Alignas(struct interpret_copy_entry) char buffer[4096];
	long n;
	int r = 0;

	if (depth == 0)
		return -ELOOP;
	while (r == 0 && (n = interpret_copy_read(from, buffer, sizeof buffer)) != 0) {
		if (n < 0)
			return (int)n;
		for (long at = 0; r == 0 && at < n;) {
			const struct interpret_copy_entry *entry = (const void *)(buffer + at);

			if (!interpret_copy_is_dot(entry->name))
				r = interpret_copy_one(from, to, entry->name, depth);
			at += entry->length;
		}
	}
	return r;
}

int interpret_copy_up(struct interpret_run *run, const struct program_op *op)
{
	_cleanup_fd_ int place = interpret_mounts_resolve(run, op->slot, interpret_text(run, op->text)),
			 from = -1, to = -1;
	struct stat status;
	int r;

	if (place == -ENOENT)
		return 0;
	if (place < 0 || run->slots[op->slot2] < 0)
		return place < 0 ? place : -EBADF;
	if (fstat(place, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return 0;
	r = interpret_copy_is_empty(run->slots[op->slot2]);
	if (r <= 0)
		return r;
	from = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	to = openat(run->slots[op->slot2], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0 || to < 0)
		return -errno;
	r = interpret_copy_directory(from, to, INTERPRET_COPY_DEPTH);
	return r < 0 || op->flags & PROGRAM_COPY_CONTENT ? r : interpret_copy_status(to, &status);
}
