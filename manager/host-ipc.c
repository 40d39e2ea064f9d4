/* RemoveIPC=: when a unit has gone down, the System V and POSIX inter-process communication objects of its user and
 * group go too, as systemd.exec(5) has it: not those of root, not what is in use, and not while another unit runs as
 * the same user. What was made in an IPC namespace or a /dev/shm of the unit's own has gone with that. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/host-private.h"

enum { HOST_IPC_FILE_MAX = 16 << 20, HOST_IPC_DEPTH_MAX = 16, HOST_IPC_ENTRIES_MAX = 100000 };

struct host_ipc {
	uid_t uid;
	gid_t gid;
	unsigned n; /* names looked at */
};

/* Id 0 is nobody's: root's objects stay. */
static bool host_ipc_owns(const struct host_ipc *ipc, unsigned uid, unsigned gid)
{
	return (ipc->uid != 0 && uid == ipc->uid) || (ipc->gid != 0 && gid == ipc->gid);
}

/* --- System V: one line per object in /proc/sysvipc ---------------------------------------------------------- */

static void host_ipc_remove_shm(const struct host_ipc *ipc, const char *line)
{
	unsigned attached, uid, gid;
	int id;

	if (sscanf(line, "%*d %d %*o %*u %*d %*d %u %u %u", &id, &attached, &uid, &gid) == 4 &&
	    attached == 0 && host_ipc_owns(ipc, uid, gid))
		shmctl(id, IPC_RMID, NULL);
}

static void host_ipc_remove_sem(const struct host_ipc *ipc, const char *line)
{
	unsigned uid, gid;
	int id;

	if (sscanf(line, "%*d %d %*o %*u %u %u", &id, &uid, &gid) == 3 && host_ipc_owns(ipc, uid, gid))
		semctl(id, 0, IPC_RMID);
}

static void host_ipc_remove_msg(const struct host_ipc *ipc, const char *line)
{
	unsigned uid, gid;
	int id;

	if (sscanf(line, "%*d %d %*o %*u %*u %*d %*d %u %u", &id, &uid, &gid) == 3 &&
	    host_ipc_owns(ipc, uid, gid))
		msgctl(id, IPC_RMID, NULL);
}

static void host_ipc_clean_table(const struct host_ipc *ipc, const char *path,
				 void (*remove)(const struct host_ipc *ipc, const char *line))
{
	_cleanup_free_ char *text = NULL;

	if (fd_read_file_at(AT_FDCWD, path, HOST_IPC_FILE_MAX, &text) < 0)
		return;
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));)
		remove(ipc, line);
}

/* --- POSIX: files -------------------------------------------------------------------------------------- */

/* Consumes FD. */
static void host_ipc_clean_directory(struct host_ipc *ipc, int fd, int depth)
{
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!directory) {
		fd_close(fd);
		return;
	}
	while ((entry = readdir(directory)) && ipc->n++ < HOST_IPC_ENTRIES_MAX) {
		struct stat status;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(status.st_mode) && depth < HOST_IPC_DEPTH_MAX)
			host_ipc_clean_directory(
				ipc,
				openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				depth + 1);
		if (host_ipc_owns(ipc, status.st_uid, status.st_gid))
			unlinkat(fd, entry->d_name, S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0);
	}
	closedir(directory);
}

static bool host_ipc_is_shared(const struct host_unit *unit)
{
	TABLE_FOREACH (slot, &unit->host->units) {
		const struct host_unit *other = slot->value;
		const struct unit *managed = manager_get_unit(unit->host->manager, other->name);
		enum unit_active_state state = managed ? unit_active_state(managed) : UNIT_INACTIVE;

		if (other != unit && other->uid == unit->uid && state != UNIT_INACTIVE &&
		    state != UNIT_FAILED)
			return true;
	}
	return false;
}

void host_ipc_release(struct host_unit *unit, const struct unit_config *config)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct host_ipc ipc;

	if (!host_ipc_wanted(config))
		return;
	host_launch_learn_ids(unit);
	ipc = (struct host_ipc){.uid = unit->uid, .gid = unit->gid};
	if (unit->uid == (uid_t)-1 || host_ipc_is_shared(unit))
		return;
	host_ipc_clean_table(&ipc, "/proc/sysvipc/shm", host_ipc_remove_shm);
	host_ipc_clean_table(&ipc, "/proc/sysvipc/sem", host_ipc_remove_sem);
	host_ipc_clean_table(&ipc, "/proc/sysvipc/msg", host_ipc_remove_msg);
	host_ipc_clean_directory(&ipc, open("/dev/shm", flags), 0);
	host_ipc_clean_directory(&ipc, open("/dev/mqueue", flags), 0);
}

bool host_ipc_wanted(const struct unit_config *config)
{
	const struct spec *spec = &config->spec;

	return (config->remove_ipc && (spec->user || spec->group)) || spec->dynamic_user;
}
