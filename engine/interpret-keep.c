/* The interpreter's steps for what a service keeps: a directory tree becomes its user's.
 *
 * Done by the process that needs it, which may take its time: the manager may not. The directory's own owner is
 * changed last, so that what was interrupted is done again, and nothing at all has to be looked at when it is right. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

enum { INTERPRET_KEEP_DEPTH = 200 }; /* a descriptor and a buffer each */

struct interpret_keep_entry { /* getdents64(2) */
	uint64_t inode;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

static int interpret_keep_change(int directory_fd, const char *name, uint64_t owner, int flags)
{
	return syscall(SYS_fchownat, directory_fd, name, (uid_t)owner, (gid_t)(owner >> 32), flags) < 0
		       ? -errno
		       : 0;
}

/* A file that has other names too may be anybody's: only one that was the former owner's, is changed. */
static int interpret_keep_file(int directory_fd, const char *name, uint64_t owner, uid_t former)
{
	_cleanup_fd_ int fd = openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (status.st_nlink > 1 && status.st_uid != former)
		return 0;
	return interpret_keep_change(fd, "", owner, AT_EMPTY_PATH);
}

static int interpret_keep_tree(int directory_fd, uint64_t owner, uid_t former, int depth);

static int interpret_keep_child(int directory_fd, const struct interpret_keep_entry *entry, uint64_t owner,
				uid_t former, int depth)
{
	_cleanup_fd_ int child = -1;
	int r = 0;

	if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0)
		return 0;
	/* Some file systems do not tell what it is. What is no directory does not open as one. */
	if (entry->type == 4 /* DT_DIR */ || entry->type == 0 /* DT_UNKNOWN */) {
		child = openat(directory_fd, entry->name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
		if (child < 0 && errno != ENOTDIR && errno != ELOOP)
			return errno == ENOENT ? 0 : -errno;
		if (child >= 0)
			r = interpret_keep_tree(child, owner, former, depth + 1);
		if (r < 0)
			return r;
		if (child >= 0)
			return interpret_keep_change(child, "", owner, AT_EMPTY_PATH);
	}
	r = interpret_keep_file(directory_fd, entry->name, owner, former);
	return r == -ENOENT ? 0 : r; /* another service's process may have removed it */
}

/* What is in the directory, not itself. */
static int interpret_keep_tree(int directory_fd, uint64_t owner, uid_t former, int depth)
{
	char buffer[2048] __attribute__((aligned(__alignof__(struct interpret_keep_entry))));
	long n;

	if (depth >= INTERPRET_KEEP_DEPTH)
		return -ELOOP;
	while ((n = syscall(SYS_getdents64, directory_fd, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + n;) {
			const struct interpret_keep_entry *entry = (const struct interpret_keep_entry *)at;
			int r = interpret_keep_child(directory_fd, entry, owner, former, depth);

			if (r < 0)
				return r;
			at += entry->size;
		}
	return n < 0 ? -errno : 0;
}

int interpret_keep_own(struct interpret_run *run, const struct program_op *op)
{
	int place = op->fd != PROGRAM_NO_FD	    ? run->descriptors[op->fd]
		    : op->slot != PROGRAM_SLOT_NONE ? run->slots[op->slot]
						    : -1;
	_cleanup_fd_ int directory = -1;
	struct stat status;
	int r;

	if (fstat(place, &status) < 0)
		return -errno;
	if (status.st_uid == (uid_t)op->number && status.st_gid == (gid_t)(op->number >> 32))
		return 0;
	if (!S_ISDIR(status.st_mode))
		return interpret_keep_change(place, "", op->number, AT_EMPTY_PATH);
	directory = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	r = interpret_keep_tree(directory, op->number, status.st_uid, 0);
	return r < 0 ? r : interpret_keep_change(directory, "", op->number, AT_EMPTY_PATH);
}
