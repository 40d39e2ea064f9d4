/* The processes of a unit: through its cgroup where there is one, else through the sessions its launches lead
 * (every launch begins with setsid(2)) and their descendants. "Empty" is an event, never a poll:
 * cgroup.events by inotify, or pidfds of what is left. */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "manager/host-filter.h"

enum {
	HOST_CGROUP_FINISH_TRIES = 100,
	HOST_CGROUP_FINISH_PAUSE = 10000, /* microseconds */
};

/* --- making and watching ------------------------------------------------------------------------------- */

struct host_watch {
	char key[16];
	struct host_unit *unit;
};

int host_cgroup_watch_file(struct host_unit *unit, const char *file)
{
	struct host *host = unit->host;
	struct host_watch *watch;
	char path[PATH_MAX];
	int wd;

	snprintf(path, sizeof path, "%s/%s/%s", host->cgroups.path, unit->cgroup, file);
	wd = inotify_add_watch(host->inotify_fd, path, IN_MODIFY);
	if (wd < 0)
		return -errno;
	watch = malloc(sizeof *watch);
	if (!watch) {
		inotify_rm_watch(host->inotify_fd, wd);
		return -ENOMEM;
	}
	watch->unit = unit;
	snprintf(watch->key, sizeof watch->key, "%d", wd);
	if (table_put(&host->watches, watch->key, watch) < 0) {
		free(watch);
		inotify_rm_watch(host->inotify_fd, wd);
		return -ENOMEM;
	}
	return wd;
}

int host_cgroup_unwatch(struct host_unit *unit, int watch)
{
	char key[16];

	if (watch < 0)
		return -1;
	snprintf(key, sizeof key, "%d", watch);
	free(table_remove(&unit->host->watches, key));
	inotify_rm_watch(unit->host->inotify_fd, watch);
	return -1;
}

int host_cgroup_add_watch(struct host_unit *unit)
{
	int watch =
		unit->events_watch >= 0 ? unit->events_watch : host_cgroup_watch_file(unit, "cgroup.events");

	if (watch < 0)
		return watch;
	unit->events_watch = watch;
	return 0;
}

int host_cgroup_prepare(struct host_unit *unit, const struct unit_config *config, uid_t uid,
			struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item)
{
	struct host *host = unit->host;
	_cleanup_fd_ int top = -1;
	int r;

	*ret_origin = PROGRAM_NO_ORIGIN;
	*ret_item = 0;
	if (unit->cgroup_fd >= 0)
		return 0;
	if (host->cgroups.root_fd < 0) {
		*ret_origin = filter_first_rule(&config->spec);
		if (*ret_origin != PROGRAM_NO_ORIGIN)
			return failure_set(
				failure, -EOPNOTSUPP, unit->name,
				"there is no writable cgroup v2 hierarchy; this filter cannot be enforced");
	}
	r = host_limits_make(unit, config, uid, failure, ret_origin);
	if (r < 0)
		return r;
	if (unit->cgroup_fd < 0)
		return host_oom_arm(unit, config, failure);
	/* What holds a delegated group must not be in the hands of who has it: the filters belong to the group above the payload's. */
	if (spec_limits(&config->spec)->delegate_subgroup) {
		top = openat(unit->cgroup_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (top < 0) {
			unit->cgroup_fd = fd_close(unit->cgroup_fd);
			return failure_set(failure, -errno, unit->name, "its cgroup cannot be opened");
		}
	}
	r = host_filter_prepare(unit, config, top < 0 ? unit->cgroup_fd : top, failure, ret_origin, ret_item);
	if (r == 0)
		r = host_oom_arm(unit, config, failure);
	if (r < 0)
		unit->cgroup_fd = fd_close(unit->cgroup_fd);
	return r;
}

int host_cgroup_attach(struct host_unit *unit, const struct unit_config *config)
{
	struct host *host = unit->host;

	if (host->cgroups.root_fd < 0 || unit->cgroup_fd >= 0)
		return 0;
	if (!unit->cgroup && !(unit->cgroup = unit_cgroup_path(unit->name, config)))
		return -ENOMEM;
	unit->cgroup_fd = openat(host->cgroups.root_fd, unit->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (unit->cgroup_fd >= 0 && spec_limits(&config->spec)->delegate_subgroup) {
		_cleanup_fd_ int top = TAKE_FD(unit->cgroup_fd);

		unit->cgroup_fd = openat(top, spec_limits(&config->spec)->delegate_subgroup,
					 O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (unit->cgroup_fd < 0)
		return -errno;
	host_oom_arm(unit, config, NULL); /* what had been possible once is no reason to give a unit up */
	return 0;
}

void host_cgroup_release(struct host_unit *unit)
{
	unit->events_watch = host_cgroup_unwatch(unit, unit->events_watch);
	host_oom_release(unit);
	host_filter_release(unit);
	unit->cgroup_fd = fd_close(unit->cgroup_fd);
	if (unit->cgroup && *unit->cgroup) /* "" is "-.slice", which is all */
		cgroup_remove(&unit->host->cgroups, unit->cgroup);
	free(TAKE(unit->cgroup));
	free(TAKE(unit->sessions));
	unit->n_sessions = 0;
	unit->oom_kills = unit->oom_seen = 0;
	unit->freezer_used = false;
}

static int host_cgroup_on_inotify(sd_event_source *source _unused_, int fd, uint32_t events _unused_,
				  void *data)
{
	struct host *host = data;
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(fd, buffer, sizeof buffer);

	for (char *at = buffer; n > 0 && at < buffer + n;) {
		const struct inotify_event *event = (const struct inotify_event *)at;
		struct host_watch *watch;
		char key[16];

		at += sizeof *event + event->len;
		if (event->mask & IN_Q_OVERFLOW) { /* some were lost: look at all */
			TABLE_FOREACH (slot, &host->units) {
				host_cgroup_check_empty(slot->value);
				host_freeze_check(slot->value);
				host_oom_check(slot->value);
			}
			continue;
		}
		snprintf(key, sizeof key, "%d", event->wd);
		watch = table_get(&host->watches, key);
		if (watch) {
			struct host_unit *unit = watch->unit; /* the watch may go with the last process */

			host_oom_check(unit);
			host_cgroup_check_empty(unit);
			host_freeze_check(unit);
		}
	}
	host_wake(host);
	return 0;
}

int host_cgroup_watch(struct host *host)
{
	host->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (host->inotify_fd < 0)
		return -errno;
	return sd_event_add_io(host->event, &host->inotify_source, host->inotify_fd, EPOLLIN,
			       host_cgroup_on_inotify, host);
}

/* --- without a cgroup: sessions and descendants ----------------------------------------------------------
 */

struct host_process {
	pid_t pid, parent, session;
	bool ours;
};

/* Parses /proc/PID/stat: the name in parentheses may hold anything, so what counts is behind the last ')'. */
static bool host_process_read(const char *pid, struct host_process *ret)
{
	char path[64], *end;
	_cleanup_free_ char *text = NULL;
	int parent, session;
	char state;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	if (fd_read_file_at(AT_FDCWD, path, 8192, &text) < 0 || !(end = strrchr(text, ')')))
		return false;
	if (sscanf(end + 1, " %c %d %*d %d", &state, &parent, &session) != 3 || state == 'Z' || state == 'X')
		return false;
	*ret = (struct host_process){.pid = atoi(pid), .parent = parent, .session = session};
	return true;
}

/* Every process of a unit without cgroup. Heap array; the caller's. */
static size_t host_process_list(const struct host_unit *unit, pid_t **ret)
{
	struct host_process *all = NULL, one;
	size_t n = 0, n_ours = 0;
	bool found = true;
	DIR *proc = opendir("/proc");

	*ret = NULL;
	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		struct host_process *larger;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !host_process_read(entry->d_name, &one))
			continue;
		for (size_t i = 0; i < unit->n_sessions; i++)
			one.ours |= one.pid == unit->sessions[i] || one.session == unit->sessions[i];
		larger = realloc(all, (n + 1) * sizeof *all);
		if (!larger)
			break;
		all = larger;
		all[n++] = one;
	}
	if (proc)
		closedir(proc);
	/* Children that began a session of their own are found through their parents. */
	while (found) {
		found = false;
		for (size_t i = 0; i < n; i++)
			for (size_t j = 0; j < n && !all[i].ours; j++)
				if (all[j].ours && all[i].parent == all[j].pid)
					found = all[i].ours = true;
	}
	*ret = n ? malloc(n * sizeof **ret) : NULL;
	for (size_t i = 0; *ret && i < n; i++)
		if (all[i].ours)
			(*ret)[n_ours++] = all[i].pid;
	free(all);
	return n_ours;
}

static int host_process_on_exit(sd_event_source *source, int fd, uint32_t events _unused_, void *data)
{
	struct host_unit *unit = data;

	sd_event_source_disable_unref(source);
	fd_close(fd);
	host_cgroup_check_empty(unit);
	host_wake(unit->host);
	return 0;
}

/* Waits for the end of one of what is left: then the whole unit is looked at again. */
static void host_process_await(struct host_unit *unit, const pid_t *pids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int fd = (int)syscall(SYS_pidfd_open, pids[i], 0);
		sd_event_source *source;

		if (fd < 0)
			continue;
		if (sd_event_add_io(unit->host->event, &source, fd, EPOLLIN, host_process_on_exit, unit) >= 0)
			return;
		fd_close(fd);
	}
}

/* --- what the manager asks for ---------------------------------------------------------------------------
 */

static int host_cgroup_signal_processes(const struct host_unit *unit, int signal, pid_t except)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = host_process_list(unit, &pids);

	for (size_t i = 0; i < n; i++) {
		_cleanup_fd_ int fd = pids[i] == except ? -1 : (int)syscall(SYS_pidfd_open, pids[i], 0);

		if (fd >= 0)
			syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
	}
	return 0;
}

int host_cgroup_kill_unit(struct world *world, const char *name, const struct unit_config *config _unused_,
			  int signal, const struct launch_id *except)
{
	struct host *host = host_of_world(world);
	struct host_unit *unit = host_unit_find(host, name);
	const struct host_launch *spared = except ? host_launch_find(host, except) : NULL;
	pid_t spared_pid = spared ? spared->pid : 0;

	if (!unit)
		return 0;
	/* A launch that has not reached its payload yet is known to svc-init only. */
	TABLE_FOREACH (slot, &host->launches) {
		const struct host_launch *launch = slot->value;

		if (launch->unit == unit && launch != spared && launch->pid <= 0)
			host_init_kill_child(host, &launch->id, signal);
	}
	if (unit->cgroup_fd < 0)
		return host_cgroup_signal_processes(unit, signal, spared_pid);
	if (signal == SIGKILL && !spared_pid)
		return cgroup_kill(&host->cgroups, unit->cgroup);
	return cgroup_signal(&host->cgroups, unit->cgroup, signal, spared_pid) < 0 ? -EIO : 0;
}

bool host_cgroup_populated(struct world *world, const char *name, const struct unit_config *config _unused_)
{
	struct host *host = host_of_world(world);
	struct host_unit *unit = host_unit_find(host, name);
	_cleanup_free_ pid_t *pids = NULL;

	if (!unit)
		return false;
	if (unit->cgroup_fd >= 0)
		return cgroup_populated(&host->cgroups, unit->cgroup) > 0;
	return unit->n_sessions > 0 && host_process_list(unit, &pids) > 0;
}

void host_cgroup_finish(struct host *host)
{
	bool any = host->cgroups.root_fd >= 0;

	/* The kernel takes a moment to end what was killed. Nothing else is left to be done, so waiting for it is no harm. */
	for (int i = 0; i < HOST_CGROUP_FINISH_TRIES && any; i++) {
		any = false;
		TABLE_FOREACH (slot, &host->units) {
			struct host_unit *unit = slot->value;

			if (!unit->cgroup || cgroup_populated(&host->cgroups, unit->cgroup) <= 0)
				continue;
			cgroup_kill(&host->cgroups, unit->cgroup);
			any = true;
		}
		if (any)
			usleep(HOST_CGROUP_FINISH_PAUSE);
	}
	cgroup_tree_remove(&host->cgroups, host->init_pid);
}

bool host_cgroup_oom_killed(struct world *world, const char *name)
{
	struct host *host = host_of_world(world);
	struct host_unit *unit = host_unit_find(host, name);
	struct cgroup_usage usage;
	bool more;

	if (!unit || unit->cgroup_fd < 0 || cgroup_read_usage(&host->cgroups, unit->cgroup, &usage) < 0 ||
	    usage.oom_kills == SPEC_UNSET)
		return false;
	more = usage.oom_kills > unit->oom_kills;
	unit->oom_kills = usage.oom_kills;
	return more;
}

void host_cgroup_check_empty(struct host_unit *unit)
{
	struct host *host = unit->host;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n;

	if (!unit->tell_empty)
		return;
	TABLE_FOREACH (slot, &host->launches) {
		const struct host_launch *launch = slot->value;

		if (launch->unit == unit && launch->child_alive)
			return; /* its end is an event of its own and comes here again */
	}
	if (unit->cgroup_fd >= 0) {
		/* Watched only from here on: most groups are empty when their last launch has ended. Looked
		 * at again when the watch is there, or the last exit could fall in between. */
		if (cgroup_populated(&host->cgroups, unit->cgroup) > 0 &&
		    (unit->events_watch >= 0 || host_cgroup_add_watch(unit) < 0 ||
		     cgroup_populated(&host->cgroups, unit->cgroup) > 0))
			return;
	} else if ((n = host_process_list(unit, &pids)) > 0) {
		host_process_await(unit, pids, n);
		return;
	}
	unit->tell_empty = false;
	manager_on_empty(host->manager, unit->name);
}

/* The group of a process in its hierarchy of version 2: heap; NULL when it cannot be told. */
static char *host_cgroup_of(const char *pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *line;

	snprintf(path, sizeof path, "/proc/%.20s/cgroup", pid);
	if (fd_read_file_at(AT_FDCWD, path, 65536, &text) < 0)
		return NULL;
	line = text_starts_with(text, "0::") ? text : strstr(text, "\n0::");
	if (!line)
		return NULL;
	line += (*line == '\n') + strlen("0::");
	return strndup(line, strcspn(line, "\n"));
}

/* In the unit's group or one below. Whoever has a group delegated may make one below it that is called as another unit's, so the whole
 * path counts; ours ends in that of the manager's own group. Known of a process that has ended, too, until it is reaped. */
static bool host_cgroup_has(const struct host_unit *unit, pid_t pid)
{
	static const char scope[] = "/init.scope";
	_cleanup_free_ char *own = host_cgroup_of("self"), *its = NULL, *wanted = NULL;
	char number[16];

	snprintf(number, sizeof number, "%d", (int)pid);
	its = host_cgroup_of(number);
	if (!own || !its || !text_ends_with(own, scope))
		return false;
	wanted = text_format("%.*s/%s", (int)(strlen(own) - strlen(scope)), own, unit->cgroup);
	return wanted && text_starts_with(its, wanted) &&
	       (its[strlen(wanted)] == '\0' || its[strlen(wanted)] == '/');
}

bool host_cgroup_is_member(const struct host_unit *unit, pid_t pid)
{
	const struct unit *managed = manager_get_unit(unit->host->manager, unit->name);
	_cleanup_free_ pid_t *pids = NULL;
	bool found = false;
	size_t n;

	if (pid <= 0)
		return false; /* from outside our PID namespace */
	if (managed && ((managed->main.alive && managed->main.pid == pid) ||
			(managed->control.alive && managed->control.pid == pid)))
		return true;
	if (unit->cgroup_fd >= 0)
		return host_cgroup_has(unit, pid);
	n = host_process_list(unit, &pids);
	for (size_t i = 0; i < n; i++)
		found |= pids[i] == pid;
	return found;
}

bool host_cgroup_owns(struct world *world, const char *name, pid_t pid)
{
	const struct host_unit *unit = host_unit_find(host_of_world(world), name);

	return unit && host_cgroup_is_member(unit, pid);
}

/* The number in PIDFile=, if it is a process of the unit. */
static pid_t host_cgroup_read_pid_file(const struct host_unit *unit, const struct unit_config *config)
{
	_cleanup_free_ char *text = NULL;
	pid_t pid;

	if (fd_read_file_at(AT_FDCWD, config->pid_file, 64, &text) < 0)
		return 0;
	pid = (pid_t)strtol(text, NULL, 10);
	/* A file that the service can write must not make us adopt, and later kill, somebody else's process. */
	return host_cgroup_is_member(unit, pid) ? pid : 0;
}

pid_t host_cgroup_find_main_pid(struct world *world, const char *name, const struct unit_config *config)
{
	struct host *host = host_of_world(world);
	struct host_unit *unit = host_unit_find(host, name);
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	pid_t found = 0;

	if (!unit)
		return 0;
	if (config->pid_file)
		return host_cgroup_read_pid_file(unit, config);
	if (unit->cgroup_fd < 0)
		n = host_process_list(unit, &pids);
	else if (cgroup_processes(&host->cgroups, unit->cgroup, &pids, &n) < 0)
		return 0;
	/* The daemon is the process that svc-init inherited; two of them leave it open which is the main one.
	 */
	for (size_t i = 0; i < n; i++) {
		struct host_process process;
		char pid[16];

		snprintf(pid, sizeof pid, "%d", (int)pids[i]);
		if (!host_process_read(pid, &process) || process.parent != host->init_pid)
			continue;
		if (found)
			return 0;
		found = process.pid;
	}
	return found;
}
