/* Namespaces and temporary directories that several launches have in common: all commands of one service, and the
 * services that JoinsNamespaceOf= ties together.
 *
 * They outlive each single process, and the manager. So they are made here, not by the launched process; svc-init holds
 * the namespaces' descriptors in a record of its own, and RUNTIME/shared/ID, named after that record, says in "users"
 * which units use it. A private /tmp is, as systemd has it, a directory in the host's /tmp that nobody else can enter. A
 * unit joins what a unit it is tied to has already, else makes its own; the last one to go takes everything away.
 *
 * A namespace that one launch alone needs is still made by that launch, beside other work. When a unit that is tied to
 * it comes later, it is taken from the process that runs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "manager/host-private.h"

enum { HOST_SHARE_USERS_MAX = 1 << 20 };

static const char *const host_share_bases[] = {"/tmp", "/var/tmp"};
#define HOST_SHARE_PREFIX "svcd-private-"

struct host_share {
	struct host_share *next;
	struct launch_id id; /* of the record that holds the descriptors */
	char key[33];	     /* the same in hex: the name of the directory */
	int network_fd, ipc_fd;
	bool tmp;     /* has its directories in the bases */
	char **users; /* units */
};

static struct host_share *host_share_free(struct host_share *share)
{
	if (!share)
		return NULL;
	fd_close(share->network_fd);
	fd_close(share->ipc_fd);
	text_list_free(share->users);
	free(share);
	return NULL;
}

/* --- who shares what ----------------------------------------------------------------------------------- */

/* What a unit wants for itself that can be shared. */
static struct host_shared host_share_private(const struct unit_config *config)
{
	const struct spec *spec = &config->spec;
	uint32_t namespaces = 0;

	if (spec->private_network && !spec->namespace_paths[SPEC_NAMESPACE_NETWORK] && !spec->network_unit)
		namespaces |= CLONE_NEWNET;
	if (spec->private_ipc && !spec->namespace_paths[SPEC_NAMESPACE_IPC])
		namespaces |= CLONE_NEWIPC;
	return (struct host_shared){namespaces, spec->private_tmp == SPEC_PRIVATE_TMP_YES};
}

/* The units that JoinsNamespaceOf= ties to this one, whichever of them says so. */
static char **host_share_ties(const struct host *host, const char *name)
{
	_cleanup_text_list_ char **named = NULL;
	char **ties = NULL;
	const struct unit *unit = manager_get_unit(host->manager, name);

	if (!unit || unit_list_dependencies(unit, UNIT_JOINS_NAMESPACE_OF, false, &ties) < 0)
		return NULL;
	if (unit_list_dependencies(unit, UNIT_JOINS_NAMESPACE_OF, true, &named) == 0)
		TEXT_LIST_FOREACH (other, named)
			if (!text_list_contains(ties, *other) && text_list_append(&ties, *other) < 0)
				break;
	return ties;
}

/* Has the service more than one process to start with isolation of its own? Those that join its main process have
 * what that has. A container's other commands each get a container of their own. */
static bool host_share_has_several(const struct unit_config *config)
{
	static const enum service_command joining[] = {SERVICE_EXEC_START_POST, SERVICE_EXEC_RELOAD,
						       SERVICE_EXEC_STOP};
	bool joins = config->spec.private_pids;
	size_t n = 0;

	if (config->is_container)
		return false;
	for (enum service_command command = 0; command < SERVICE_COMMAND_MAX_; command++) {
		bool skip = false;

		for (size_t i = 0; i < ARRAY_SIZE(joining) && joins; i++)
			skip |= joining[i] == command;
		for (size_t i = 0; i < config->commands[command].n && !skip; i++)
			n += !config->commands[command].items[i].full_privileges;
	}
	return n > 1;
}

struct host_shared host_share_wanted(const struct host *host, const char *name,
				     const struct unit_config *config)
{
	struct host_shared wanted = host_share_private(config);
	_cleanup_text_list_ char **ties = NULL;

	if ((!wanted.namespaces && !wanted.tmp) || host_share_has_several(config))
		return wanted;
	ties = host_share_ties(host, name);
	if (ties)
		return wanted;
	/* A /tmp cannot be taken from a process that has it. */
	return (struct host_shared){.tmp = wanted.tmp && !config->is_container};
}

static struct host_share *host_share_find(const struct host *host, const char *unit)
{
	for (struct host_share *share = host->shares; share; share = share->next)
		if (text_list_contains(share->users, unit))
			return share;
	return NULL;
}

/* --- on disk ------------------------------------------------------------------------------------------- */

static int host_share_open(const struct host *host)
{
	_cleanup_free_ char *path = text_format("%s/shared", host->runtime_directory);
	int fd;

	if (!path)
		return -ENOMEM;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int host_share_write_users(const struct host *host, const struct host_share *share)
{
	_cleanup_fd_ int base = host_share_open(host);
	_cleanup_free_ char *path = text_format("%s/users", share->key),
			    *users = text_list_join(share->users, "\n");

	if (base < 0)
		return base;
	return path && users ? fd_replace_file_at(base, path, users, strlen(users), 0600) : -ENOMEM;
}

static void host_share_remove_tmp(struct host *host, const char *key)
{
	_cleanup_free_ char *name = text_format(HOST_SHARE_PREFIX "%s", key);

	for (size_t i = 0; i < ARRAY_SIZE(host_share_bases) && name; i++) {
		_cleanup_fd_ int base = open(host_share_bases[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (base >= 0)
			host_removal_add(host, base, name, base, host_share_bases[i], NULL);
	}
}

static void host_share_remove(struct host *host, const char *key)
{
	_cleanup_fd_ int base = host_share_open(host);
	_cleanup_free_ char *where = text_format("%s/shared", host->runtime_directory);

	if (base >= 0 && where)
		host_removal_add(host, base, key, base, where, NULL);
}

/* --- making -------------------------------------------------------------------------------------------- */

static int host_share_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/* A new namespace of one kind: we go there and back. */
static int host_share_make_namespace(uint32_t flag, const char *path)
{
	_cleanup_fd_ int ours = open(path, O_RDONLY | O_CLOEXEC), made = -1;
	int r;

	if (ours < 0 || unshare((int)flag) < 0)
		return -errno;
	r = flag == CLONE_NEWNET ? host_share_loopback_up() : 0;
	made = open(path, O_RDONLY | O_CLOEXEC);
	if (made < 0 && r == 0)
		r = -errno;
	/* A manager in the wrong namespace is none: svc-init starts another. */
	if (setns(ours, (int)flag) < 0)
		abort();
	return r < 0 ? r : TAKE_FD(made);
}

/* That of the first other user's main process that has made its own. */
static int host_share_take_namespace(const struct host *host, const struct host_share *share, const char *but,
				     uint32_t flag, const char *kind)
{
	TEXT_LIST_FOREACH (user, share->users) {
		const struct unit *unit = manager_get_unit(host->manager, *user);
		char path[64];
		int fd;

		if (strcmp(*user, but) == 0 || !unit || !unit->main.alive || unit->main.pid <= 0 ||
		    !(host_share_private(unit->config).namespaces & flag))
			continue;
		snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)unit->main.pid, kind);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

static int host_share_need(struct host *host, const char *unit, struct host_share *share, uint32_t flag,
			   struct failure *failure)
{
	int *fd = flag == CLONE_NEWNET ? &share->network_fd : &share->ipc_fd;
	const char *kind = flag == CLONE_NEWNET ? "net" : "ipc";
	char path[64];

	if (*fd >= 0)
		return 0;
	snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
	*fd = host_share_take_namespace(host, share, unit, flag, kind);
	if (*fd < 0)
		*fd = host_share_make_namespace(flag, path);
	if (*fd < 0) {
		int error = *fd;

		*fd = -1;
		return failure_set(failure, error, NULL, "cannot make a namespace (%s) for several processes",
				   kind);
	}
	host_init_hold(host, &share->id, kind, *fd);
	return 0;
}

/* PARENT/NAME/tmp for everybody, in a PARENT/NAME for nobody. */
static int host_share_make_directory(int parent_fd, const char *name)
{
	_cleanup_fd_ int fd = -1;

	if (mkdirat(parent_fd, name, 0700) < 0)
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || mkdirat(fd, "tmp", 0700) < 0 || fchmodat(fd, "tmp", 01777, 0) < 0)
		return -errno;
	return 0;
}

/* Where the base cannot be written to, the runtime directory does: "ID/0/tmp", "ID/1/tmp". */
static int host_share_make_tmp(const struct host *host, const struct host_share *share, size_t i)
{
	_cleanup_free_ char *name = text_format(HOST_SHARE_PREFIX "%s", share->key),
			    *inner = text_format("%s/%zu", share->key, i);
	_cleanup_fd_ int base = open(host_share_bases[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC), shared = -1;
	int r = base < 0 ? -errno : name && inner ? host_share_make_directory(base, name) : -ENOMEM;

	if (r != -ENOENT && r != -ENOTDIR && r != -EROFS)
		return r;
	shared = host_share_open(host);
	return shared < 0 ? shared : host_share_make_directory(shared, inner);
}

static int host_share_need_tmp(const struct host *host, struct host_share *share, struct failure *failure)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_share_bases) && !share->tmp; i++) {
		int r = host_share_make_tmp(host, share, i);

		if (r < 0 && r != -EEXIST)
			return failure_set(failure, r, NULL, "cannot make a private %s", host_share_bases[i]);
	}
	share->tmp = true;
	return 0;
}

static struct host_share *host_share_new(struct host *host, struct failure *failure)
{
	_cleanup_fd_ int base = host_share_open(host);
	struct host_share *share = calloc(1, sizeof *share);
	int r = base < 0 ? base : share ? 0 : -ENOMEM;

	if (share)
		*share = (struct host_share){.network_fd = -1, .ipc_fd = -1};
	if (r == 0) {
		host->world.ops->random(&host->world, &share->id, sizeof share->id);
		host_init_key(&share->id, share->key);
		r = mkdirat(base, share->key, 0700) < 0 ? -errno : 0;
	}
	if (r < 0) {
		failure_set(failure, r, NULL, "cannot note what several processes share");
		return host_share_free(share);
	}
	share->next = host->shares;
	host->shares = share;
	return share;
}

/* What one of those has that the unit is tied to; else a new one, together with those of them that run and have made
 * their own. */
static struct host_share *host_share_choose(struct host *host, const char *name, struct failure *failure)
{
	_cleanup_text_list_ char **ties = host_share_ties(host, name);
	struct host_share *share = NULL;

	TEXT_LIST_FOREACH (other, ties) {
		share = host_share_find(host, *other);
		if (share)
			return share;
	}
	share = host_share_new(host, failure);
	TEXT_LIST_FOREACH (other, ties) {
		const struct unit *unit = manager_get_unit(host->manager, *other);

		if (share && unit && unit->main.alive && host_share_private(unit->config).namespaces)
			text_list_append(&share->users, *other);
	}
	return share;
}

int host_share_acquire(struct host *host, const char *name, struct host_shared wanted,
		       struct failure *failure)
{
	struct host_share *share = host_share_find(host, name);
	int r = 0;

	if (!share) {
		share = host_share_choose(host, name, failure);
		if (!share)
			return failure->error;
		r = text_list_append(&share->users, name);
		if (r == 0)
			r = host_share_write_users(host, share);
		if (r < 0)
			return failure_set(failure, r, NULL, "cannot note what several processes share");
	}
	if (wanted.tmp)
		r = host_share_need_tmp(host, share, failure);
	if (r == 0 && wanted.namespaces & CLONE_NEWNET)
		r = host_share_need(host, name, share, CLONE_NEWNET, failure);
	if (r == 0 && wanted.namespaces & CLONE_NEWIPC)
		r = host_share_need(host, name, share, CLONE_NEWIPC, failure);
	return r;
}

int host_share_descriptor(const struct host *host, const char *name,
			  const struct program_descriptor *descriptor)
{
	const struct host_share *share = host_share_find(host, name);
	size_t i = descriptor->index % ARRAY_SIZE(host_share_bases);
	_cleanup_free_ char *path = NULL, *inner = NULL;
	int fd;

	if (!share)
		return -ESRCH;
	if (descriptor->namespace) {
		fd = fcntl(descriptor->namespace == CLONE_NEWNET ? share->network_fd : share->ipc_fd,
			   F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	path = text_format("%s/" HOST_SHARE_PREFIX "%s/tmp", host_share_bases[i], share->key);
	inner = text_format("%s/shared/%s/%zu/tmp", host->runtime_directory, share->key, i);
	if (!path || !inner)
		return -ENOMEM;
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = open(inner, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void host_share_drop(struct host *host, struct host_share *share)
{
	struct host_share **link = &host->shares;

	while (*link && *link != share)
		link = &(*link)->next;
	if (*link)
		*link = share->next;
	if (share->network_fd >= 0 || share->ipc_fd >= 0)
		host_init_forget(&host->world, &share->id);
	host_share_remove_tmp(host, share->key);
	host_share_remove(host, share->key);
	host_share_free(share);
}

void host_share_release(struct host *host, const char *name)
{
	struct host_share *share = host_share_find(host, name);
	char **to;

	if (!share)
		return;
	to = share->users;
	for (char **from = share->users; *from; from++) {
		if (strcmp(*from, name) == 0)
			free(*from);
		else
			*to++ = *from;
	}
	*to = NULL;
	if (!share->users[0])
		host_share_drop(host, share);
	else
		host_share_write_users(host, share);
}

/* --- after a restart of the manager -------------------------------------------------------------------- */

static int host_share_parse_key(const char *key, struct launch_id *ret)
{
	if (strlen(key) != 2 * sizeof ret->bytes || key[strspn(key, "0123456789abcdef")])
		return -EINVAL;
	for (size_t i = 0; i < sizeof ret->bytes; i++)
		if (sscanf(key + 2 * i, "%2hhx", &ret->bytes[i]) != 1)
			return -EINVAL;
	return 0;
}

static int host_share_read(struct host *host, int base, const char *key)
{
	_cleanup_free_ char *path = text_format("%s/users", key), *text = NULL;
	struct host_share *share = NULL;
	struct launch_id id;
	int r = host_share_parse_key(key, &id);

	if (!path)
		return -ENOMEM;
	if (r == 0 && fd_read_file_at(base, path, HOST_SHARE_USERS_MAX, &text) < 0)
		r = -ENOENT;
	share = r == 0 ? calloc(1, sizeof *share) : NULL;
	if (!share)
		return r < 0 ? r : -ENOMEM;
	*share = (struct host_share){.network_fd = -1, .ipc_fd = -1, .id = id};
	host_init_key(&id, share->key);
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));)
		if (*line && text_list_append(&share->users, line) < 0) {
			host_share_free(share);
			return -ENOMEM;
		}
	share->next = host->shares;
	host->shares = share;
	return 0;
}

/* Nobody who could still use them is left from before the machine started; /var/tmp is not emptied then. */
static void host_share_clean_bases(struct host *host)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_share_bases); i++) {
		DIR *base = opendir(host_share_bases[i]);
		struct dirent *entry;

		while (base && (entry = readdir(base)))
			if (text_starts_with(entry->d_name, HOST_SHARE_PREFIX))
				host_removal_add(host, dirfd(base), entry->d_name, dirfd(base),
						 host_share_bases[i], NULL);
		if (base)
			closedir(base);
	}
}

void host_share_restore(struct host *host)
{
	_cleanup_free_ char *where = text_format("%s/shared", host->runtime_directory);
	DIR *directory = where ? opendir(where) : NULL;
	struct dirent *entry;

	if (host_first_start(host) && host->init_mode == LAUNCH_MODE_MACHINE)
		host_share_clean_bases(host);
	/* What is no share, or one of another svc-init's manager, is garbage. */
	while (directory && (entry = readdir(directory))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    (!host_first_start(host) && host_share_read(host, dirfd(directory), entry->d_name) == 0))
			continue;
		host_share_remove_tmp(host, entry->d_name);
		host_removal_add(host, dirfd(directory), entry->d_name, dirfd(directory), where, NULL);
	}
	if (directory)
		closedir(directory);
}

void host_share_take(struct host *host, const struct launch_record *record, int *fds, size_t n_fds)
{
	struct host_share *share = host->shares;

	while (share && memcmp(&share->id, &record->head.id, sizeof share->id) != 0)
		share = share->next;
	if (!share) {
		host_init_forget(&host->world, &record->head.id);
		return;
	}
	for (size_t i = 0; i < n_fds && i < ARRAY_SIZE(record->held_names); i++) {
		int *fd = strncmp(record->held_names[i], "net", LAUNCH_NAME_MAX) == 0 ? &share->network_fd
										      : &share->ipc_fd;

		if (*fd < 0)
			*fd = TAKE_FD(fds[i]);
	}
}

/* A unit that went down while there was no manager has told nobody. */
void host_share_synchronized(struct host *host)
{
	struct host_share *next;

	for (struct host_share *share = host->shares; share; share = next) {
		_cleanup_text_list_ char **users = NULL;

		next = share->next;
		if (!share->users) {
			host_share_drop(host, share);
			continue;
		}
		if (text_list_copy(share->users, &users) < 0)
			continue;
		TEXT_LIST_FOREACH (user, users) {
			const struct unit *unit = manager_get_unit(host->manager, *user);
			enum unit_active_state state = unit ? unit_active_state(unit) : UNIT_INACTIVE;

			if (state == UNIT_INACTIVE || state == UNIT_FAILED)
				host_share_release(host, *user);
		}
	}
}

void host_share_close(struct host *host)
{
	while (host->shares) {
		struct host_share *next = host->shares->next;

		host_share_free(host->shares);
		host->shares = next;
	}
}
