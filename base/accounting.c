/* The files utmp(5) describes. Records have a fixed size; whoever writes holds a lock on the file, and gets it soon or not at all:
 * who waits here is a manager or a service about to start. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/accounting.h"
#include "base/fd.h"

enum { ACCOUNTING_TRIES = 20, ACCOUNTING_PAUSE = 1000000 /* nanoseconds */ };

static bool accounting_lock(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	for (int i = 0; i < ACCOUNTING_TRIES; i++) {
		if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = ACCOUNTING_PAUSE}, NULL);
	}
	return false;
}

static bool accounting_is_process(const struct utmp *record)
{
	return record->ut_type == INIT_PROCESS || record->ut_type == LOGIN_PROCESS ||
	       record->ut_type == USER_PROCESS || record->ut_type == DEAD_PROCESS;
}

/* The offset of the process record with ID, or of the end. */
static off_t accounting_seek(int fd, const char *id, struct utmp *ret, bool *ret_found)
{
	struct utmp record;
	off_t offset = 0;

	*ret_found = false;
	while (syscall(SYS_pread64, fd, &record, sizeof record, offset) == (long)sizeof record) {
		if (accounting_is_process(&record) && memcmp(record.ut_id, id, sizeof record.ut_id) == 0) {
			*ret = record;
			*ret_found = true;
			break;
		}
		offset += (off_t)sizeof record;
	}
	return offset;
}

bool accounting_find(const char id[static 4], struct utmp *ret)
{
	_cleanup_fd_ int fd = open(_PATH_UTMP, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool found = false;

	if (fd >= 0)
		accounting_seek(fd, id, ret, &found);
	return found;
}

/* A torn record at the end would shift all that follow. */
static void accounting_append(const struct utmp *record)
{
	_cleanup_fd_ int fd = open(_PATH_WTMP, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	struct stat status;

	if (fd < 0 || !accounting_lock(fd) || fstat(fd, &status) < 0)
		return;
	syscall(SYS_pwrite64, fd, record, sizeof *record,
		status.st_size - status.st_size % (off_t)sizeof *record);
}

void accounting_write(struct utmp *record)
{
	_cleanup_fd_ int fd = open(_PATH_UTMP, O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct timespec now = {};
	struct utmp before;
	bool found;

	clock_gettime(CLOCK_REALTIME, &now);
	record->ut_tv.tv_sec = (__typeof__(record->ut_tv.tv_sec))now.tv_sec;
	record->ut_tv.tv_usec = (__typeof__(record->ut_tv.tv_usec))(now.tv_nsec / 1000);
	if (fd >= 0 && accounting_lock(fd)) {
		off_t offset = accounting_seek(fd, record->ut_id, &before, &found);

		syscall(SYS_pwrite64, fd, record, sizeof *record, offset);
	}
	accounting_append(record);
}
