/* `svcctl exec` and `shell`: a command inside a running unit, which is a launch that joins.
 *
 * It joins the namespaces that the unit's main process really has, is born in the unit's cgroup and gets the
 * identity, capabilities and filters of the configuration that the main process was started with, whatever has been
 * read since, bounded by what that process still has: never more, unless it is asked for. It lives as long as
 * somebody waits for it: when its caller is gone, or the manager that knew the caller, its session gets SIGHUP and,
 * after a while, SIGKILL. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/control.h"
#include "manager/host-private.h"

#define HOST_EXEC_PATIENCE (5 * USEC_PER_SEC) /* between SIGHUP and SIGKILL */
enum { HOST_EXIT_EXEC = 203 };

int host_exec_namespaces(pid_t pid, uint32_t *ret)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} kinds[] = {
		{"mnt", CLONE_NEWNS},	 {"pid", CLONE_NEWPID},	      {"net", CLONE_NEWNET},
		{"ipc", CLONE_NEWIPC},	 {"uts", CLONE_NEWUTS},	      {"user", CLONE_NEWUSER},
		{"time", CLONE_NEWTIME}, {"cgroup", CLONE_NEWCGROUP},
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct stat theirs, ours;
		char path[64];

		snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kinds[i].name);
		if (stat(path, &theirs) < 0)
			return -errno;
		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i].name);
		if (stat(path, &ours) < 0)
			return -errno;
		if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
			flags |= kinds[i].flag;
	}
	*ret = flags;
	return 0;
}

/* --- what it may be ------------------------------------------------------------------------------------ */

static bool host_exec_is_root(const char *user)
{
	return !user || strcmp(user, "root") == 0 || strcmp(user, "0") == 0;
}

/* What a process has: a number of its /proc/PID/status, 0 without one. */
static uint64_t host_exec_status(const char *status, const char *name, int base)
{
	const char *line = strstr(status, name);

	return line ? strtoull(line + strlen(name), NULL, base) : 0;
}

/* Takes from SPEC what the main process has given up or never had. */
static int host_exec_bound(pid_t pid, struct spec *spec)
{
	_cleanup_free_ char *theirs = NULL, *ours = NULL;
	char path[64];
	int r;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	r = fd_read_file_at(AT_FDCWD, path, 65536, &theirs);
	if (r >= 0)
		r = fd_read_file_at(AT_FDCWD, "/proc/self/status", 65536, &ours);
	if (r < 0)
		return r;
	spec->capability_bounding_set &=
		~(host_exec_status(ours, "\nCapBnd:", 16) & ~host_exec_status(theirs, "\nCapBnd:", 16));
	spec->ambient_capabilities &= host_exec_status(theirs, "\nCapAmb:", 16);
	spec->ambient_capabilities &= control_bounding_set(spec);
	if (host_exec_status(theirs, "\nNoNewPrivs:", 10) != 0)
		spec->no_new_privileges = true;
	return 0;
}

/* Has the file with the filter changed since the main process was started? Then nobody knows what that got. */
static bool host_exec_profile_changed(const struct unit_config *config, const struct unit *unit)
{
	struct stat status;
	usec_t changed;

	if (!config->spec.seccomp_profile)
		return false;
	if (stat(config->spec.seccomp_profile, &status) < 0)
		return true;
	changed = (usec_t)status.st_ctim.tv_sec * USEC_PER_SEC + (usec_t)status.st_ctim.tv_nsec / 1000;
	return changed > unit->main.started_realtime;
}

/* What the main process was started with. NULL: that cannot be told any more. */
static const struct unit_config *host_exec_config(const struct host_unit *host_unit, const struct unit *unit)
{
	const struct unit_config *config = host_unit->started;

	if (!config && unit->started_fingerprint == unit->config->fingerprint)
		config = unit->config;
	return config && !host_exec_profile_changed(config, unit) ? config : NULL;
}

/* The spec of the command: what the service has, with what the caller may change. The strings stay whose they are:
 * this copy is never deinitialised. USER and GROUP are the caller's or NULL. */
static struct spec host_exec_spec(const struct unit_config *config, const struct host_exec *exec, char *user,
				  char *group)
{
	struct spec spec = config->spec;

	/* Whoever becomes another user, root too, has no more capabilities than the service was started with. */
	if (user && (spec.dynamic_user || !host_exec_is_root(spec.user)))
		spec.capability_bounding_set &= spec.ambient_capabilities;
	if (user) {
		spec.user = user;
		spec.dynamic_user = false;
		spec.group = group;
		spec.supplementary_groups = NULL;
	}
	if (exec->working_directory) {
		spec.working_directory = (char *)exec->working_directory;
		spec.working_directory_optional = false;
	}
	if (exec->privileged)
		control_lift(&spec);
	return spec;
}

/* --- starting it --------------------------------------------------------------------------------------- */

static int host_exec_send(struct host_unit *unit, const struct unit *running, struct host_program *program,
			  int pidfd, const struct host_exec *exec, struct failure *failure)
{
	struct host *host = unit->host;
	struct host_passed passed = {.n = 1, .fds = {exec->terminal_fd}};
	struct host_bag bag = {};
	struct host_launch *launch;
	struct launch_spawn spawn;
	struct launch_id id;
	int ignored, r;

	host->world.ops->random(&host->world, &id, sizeof id);
	host_launch_head(&spawn, &id, unit, program->program, "exec");
	memcpy(spawn.invocation_id, running->invocation_id, sizeof spawn.invocation_id);
	r = host_bag_put_copy(&bag, program->memfd);
	if (r == 0 && unit->cgroup_fd >= 0)
		r = host_bag_put_copy(&bag, unit->cgroup_fd);
	for (size_t i = 0; i < 3 && r == 0; i++)
		r = host_bag_put_copy(&bag, exec->stdio[i]);
	if (r < 0)
		failure_set(failure, r, unit->name, "no descriptor for the command");
	else
		r = host_launch_descriptors(unit, &bag, program->program, pidfd, &passed, running->config,
					    failure, &ignored);
	launch = r < 0 ? NULL : host_launch_new(host, &id, unit);
	if (!launch) {
		host_bag_close(&bag);
		return r < 0 ? r : failure_set(failure, -ENOMEM, unit->name, "cannot execute");
	}
	launch->exec_done = exec->done;
	launch->exec_data = exec->data;
	launch->program = program;
	program->references++;
	unit->tell_empty = true;
	r = host_init_send(host, &spawn, sizeof spawn, bag.fds, bag.n);
	if (r < 0) {
		host_launch_free(launch);
		return failure_set(failure, r, unit->name, "cannot reach svc-init");
	}
	return 0;
}

/* Compiles into a program of its own, which ends with the command. */
static int host_exec_compile(struct host_unit *host_unit, const struct unit *unit,
			     const struct host_exec *exec, int pidfd, struct host_program *program,
			     struct failure *failure, int *ret_exit_status)
{
	struct host *host = host_unit->host;
	const struct unit_config *config = host_exec_config(host_unit, unit);
	_cleanup_free_ char *user = exec->user ? strdup(exec->user) : NULL;
	char *group = user ? strchr(user, ':') : NULL;
	struct compile_command command = {
		.path = exec->argv ? exec->argv[0] : NULL, .argv = exec->argv, .no_terminal = true};
	struct compile_context context = {
		.name = unit->name,
		.environment = exec->environment,
		.state_directory = host->container_directory,
		.volume_directory = host->volume_directory,
		.directories = (const char *const *)host->directories,
		.in_cgroup = host_unit->cgroup_fd >= 0,
		.terminal = exec->terminal_fd >= 0,
		.terminal_rows = exec->rows,
		.terminal_columns = exec->columns,
		.join_exactly = true,
		.join_pidfd = pidfd,
	};
	_cleanup_text_list_ char **kept = NULL;
	uint32_t origin = PROGRAM_NO_ORIGIN;
	struct spec spec;
	int r;

	if (exec->user && !user)
		return failure_set(failure, -ENOMEM, unit->name, "cannot execute");
	if (group)
		*group++ = '\0';
	if (user && (!*user || (group && !*group)))
		return failure_set(failure, -EINVAL, unit->name, "'%s' is no USER[:GROUP]", exec->user);
	if (!config && !exec->privileged)
		return failure_set(failure, -ESTALE, unit->name,
				   "its configuration changed since it was started; restart it or use "
				   "--privileged");
	spec = host_exec_spec(config ?: unit->config, exec, user, group);
	r = exec->privileged ? 0 : host_exec_bound(unit->main.pid, &spec);
	if (r < 0)
		return failure_set(failure, r, unit->name, "cannot tell what its main process %d may do",
				   (int)unit->main.pid);
	r = host_exec_namespaces(unit->main.pid, &context.join_namespaces);
	if (r < 0)
		return failure_set(failure, r, unit->name,
				   "cannot tell the namespaces of its main process %d", (int)unit->main.pid);
	if (host_launch_prepare(host, unit->name, &spec, &context, &kept) < 0)
		return failure_set(failure, -ENOMEM, unit->name, "cannot execute");
	if (spec.user_namespace == SPEC_USER_AUTO || spec.user_namespace == SPEC_USER_NO_MAP)
		context.auto_range = host_memory_id_range(host, unit->name, spec.user_namespace_size);
	r = compile(&spec, &command, &context, &program->program, failure, &origin, NULL);
	if (r == -ENOENT && origin == PROGRAM_NO_ORIGIN)
		*ret_exit_status = HOST_EXIT_EXEC;
	if (r < 0)
		return failure_add_where(failure, unit->name);
	program->memfd = program_seal(program->program);
	return program->memfd < 0 ? failure_set(failure, program->memfd, unit->name,
						"cannot keep the launch program in a memfd")
				  : 0;
}

int host_exec(struct host *host, struct unit *unit, const struct host_exec *exec, struct failure *failure,
	      int *ret_exit_status)
{
	struct host_unit *host_unit = host_unit_get(host, unit->name);
	struct host_program *program;
	_cleanup_fd_ int pidfd = -1;
	int r;

	*ret_exit_status = HOST_EXIT_FDS;
	if (!unit->main.alive || unit->main.pid <= 0)
		return failure_set(failure, -ESRCH, unit->name, "is not running");
	/* The command would freeze with it, and its caller wait. */
	if (host_freezer_state(host, unit) != CGROUP_RUNNING)
		return failure_set(failure, -EALREADY, unit->name, "is frozen");
	pidfd = (int)syscall(SYS_pidfd_open, unit->main.pid, 0);
	if (pidfd < 0)
		return failure_set(failure, -errno, unit->name, "cannot open its main process %d",
				   (int)unit->main.pid);
	program = host_unit ? calloc(1, sizeof *program) : NULL;
	if (!program)
		return failure_set(failure, -ENOMEM, unit->name, "cannot execute");
	*program = (struct host_program){.references = 1, .memfd = -1};
	r = host_exec_compile(host_unit, unit, exec, pidfd, program, failure, ret_exit_status);
	if (r == 0)
		r = host_exec_send(host_unit, unit, program, pidfd, exec, failure);
	host_program_unref(program);
	return r;
}

/* --- ending it ----------------------------------------------------------------------------------------- */

bool host_exec_is_label(const struct launch_record *record)
{
	static const char end[] = "/exec";
	size_t length = strnlen(record->label, sizeof record->label);

	return length >= sizeof end - 1 && length < sizeof record->label &&
	       memcmp(record->label + length - (sizeof end - 1), end, sizeof end - 1) == 0;
}

static void host_exec_on_ended(void *data, int wait_status, const struct failure *failure, int exit_status)
{
	(void)data, (void)wait_status, (void)failure, (void)exit_status;
}

/* Its group, and whoever of the unit is in its session: a shell's jobs have groups of their own. A number is looked
 * at again once it is held by a pidfd. */
static void host_exec_signal(const struct host_launch *launch, int signal)
{
	const struct host_unit *unit = launch->unit;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	host_init_kill_group(launch->host, &launch->id, signal);
	if (launch->pid <= 0 || !unit || !unit->cgroup || launch->host->cgroups.root_fd < 0 ||
	    cgroup_processes(&launch->host->cgroups, unit->cgroup, &pids, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		_cleanup_fd_ int pidfd = -1;

		if (pids[i] == launch->pid || getsid(pids[i]) != launch->pid)
			continue;
		pidfd = (int)syscall(SYS_pidfd_open, pids[i], 0);
		if (pidfd >= 0 && getsid(pids[i]) == launch->pid)
			syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
	}
}

static int host_exec_on_timer(sd_event_source *source _unused_, uint64_t at _unused_, void *data)
{
	host_exec_signal(data, SIGKILL);
	return 0;
}

void host_exec_end(struct host_launch *launch)
{
	if (launch->exec_timer)
		return;
	launch->exec_done = host_exec_on_ended;
	launch->exec_data = NULL;
	if (sd_event_add_time_relative(launch->host->event, &launch->exec_timer, CLOCK_MONOTONIC,
				       HOST_EXEC_PATIENCE, 0, host_exec_on_timer, launch) < 0) {
		host_exec_signal(launch, SIGKILL);
		return;
	}
	host_exec_signal(launch, SIGHUP);
	host_exec_signal(launch, SIGCONT); /* one that is stopped would never hear it */
}

void host_exec_abandon(struct host *host, const void *data)
{
	TABLE_FOREACH (slot, &host->launches) {
		struct host_launch *launch = slot->value;

		if (launch->exec_done && launch->exec_data == data) {
			host_exec_end(launch);
			return;
		}
	}
}
