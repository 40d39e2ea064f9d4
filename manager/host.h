/* The real world: svc-init's socket, the cgroup tree, the files under the runtime directory, logs, notify sockets; run by an sd-event
 * loop. Also what a running system can be asked that is no business of the state machines: explain, exec, logs. */
#pragma once

#include <systemd/sd-event.h>

#include "engine/cgroup.h"
#include "engine/exposure.h"
#include "engine/filter.h"
#include "manager/manager.h"

struct host;

struct host_options {
	const char *unit_path; /* --unit-path=; NULL: the default */
	const char *runtime_directory, *state_directory;
	const char *cgroup_root; /* NULL: see cgroup_tree_open() */
	int init_fd;		 /* the socket to svc-init */
	int log_level;		 /* as syslog(3) */
};

/* Connects to svc-init, loads what it remembers and yields the manager that runs over it. OBSERVER as manager_new(). */
int host_new(const struct host_options *options, sd_event *event, const struct manager_observer *observer,
	     struct host **ret, struct failure *failure);
struct host *host_free(struct host *host);
DEFINE_CLEANUP(struct host *, host_free);

struct manager *host_manager(struct host *host);
const struct cgroup_tree *host_cgroup_tree(const struct host *host);
const struct unit_search_path *host_unit_path(const struct host *host);

/* Is this the first manager that svc-init has started? Later ones continue and must not start the default unit again. */
bool host_first_start(const struct host *host);
uint32_t host_init_mode(const struct host *host); /* LAUNCH_MODE_* */

/* Calls manager_run() until idle before the loop sleeps again. Whoever changed the manager from outside (a bus method) calls this. */
void host_wake(struct host *host);

/* One step of the launch program of a unit, and the line that asked for it. */
struct host_step {
	char *command;	 /* "ExecStart" */
	char *operation; /* program_print_op() */
	char *where;	 /* "/etc/svcd/units/web.service:14"; "" for what follows from no line */
	char *directive; /* "Volume"; "" */
};
struct host_steps {
	struct host_step *items;
	size_t n;
};
/* Compiles as a start would, and tells. A unit that cannot start fails with the same FAILURE a start would give. */
int host_explain(struct host *host, struct unit *unit, struct host_steps *ret, struct failure *failure);
void host_steps_free(struct host_steps *steps);

/* What the unit has sent and received under IPAccounting=, since it was started; it stays when it stops. -ENODATA: not counted. */
int host_filter_traffic(const struct host *host, const struct unit *unit, struct filter_counters *ret);

/* "pid=private", "network=host", "root=overlay", "capabilities=…": what isolation is in force, in a fixed order. */
int host_isolation(struct host *host, const struct unit *unit, char ***ret);

/* What the launch of the unit's main command leaves exposed. A unit that cannot start fails with the same FAILURE a start would give. */
int host_security(struct host *host, struct unit *unit, struct exposure *ret, struct failure *failure);
/* What the unit asks of its control group that this machine cannot enforce, one sentence each: such a unit does not start, unless nobody
 * asked for it in words. */
int host_unenforceable(struct host *host, const struct unit *unit, char ***ret);

/* What `svcctl set-property` asks for: settings of the unit's own section that limit its cgroup. Each value is what follows "NAME=" in a
 * unit file; several lines of one directive follow each other. All or nothing: they are written as drop-ins 50-NAME.conf of the unit in
 * the control folder of the state directory (RUNTIME: of the runtime directory, for as long as the machine is up), and hold at once. */
struct host_setting {
	const struct directive *directive;
	char **values; /* of a list: all its lines; an empty text brings the default back */
};
int host_set_properties(struct host *host, struct unit *unit, bool runtime,
			const struct host_setting *settings, size_t n, struct failure *failure);

/* Asks the kernel to stop every process of an active unit where it is, or to let them go on. It is done when host_freezer_state() says
 * so, which may be now or later: the manager's observer hears of each change. Nothing is remembered: the kernel is asked, so a manager
 * that comes after this one knows. Errors: -EOPNOTSUPP without a cgroup tree or for a unit without processes of its own, -EHOSTDOWN
 * when the unit is not active (a frozen one may be thawed in any state). */
int host_freeze(struct host *host, struct unit *unit, bool freeze, struct failure *failure);
enum cgroup_freezer host_freezer_state(const struct host *host, const struct unit *unit);

/* A user who exists while one of his units runs: DynamicUser=. */
struct host_user {
	struct host_user *next;
	char *name;
	uid_t uid; /* and group */
	char **units;
};
const struct host_user *host_users(const struct host *host);

/* Takes away what an inactive unit keeps: WHAT is a bit per enum spec_directory. DONE is called once, when all is gone or cannot be
 * removed, or with -ETIMEDOUT after TimeoutCleanSec=; not at all, and 1 is returned, when that is so already. -EALREADY: it is not
 * inactive. -EUNATCH: it has none of these. */
const char *host_clean_result(const struct host *host,
			      const struct unit *unit); /* "success", "timeout", "resources" */
int host_clean(struct host *host, struct unit *unit, unsigned what, void (*done)(void *data, int result),
	       void *data, struct failure *failure);

/* Runs a command inside a running unit with its identity, capabilities and filter. The descriptors are not consumed. DONE is called once:
 * with the raw wait status; or with a failure (error != 0) when it could not be started, and systemd's exit status for that: 203 when it
 * was the command itself. */
typedef void host_exec_done(void *data, int wait_status, const struct failure *failure, int exit_status);

struct host_exec {
	char *const *argv; /* empty: the user's shell */
	int stdio[3];
	int terminal_fd; /* a socket that gets the master of a new pseudo terminal, which stdio then is; -1 */
	uint16_t rows, columns;
	const char *user;	       /* USER[:GROUP]; NULL: the service's */
	const char *working_directory; /* NULL: the service's */
	char *const *environment;      /* in addition to the service's */
	bool privileged;	       /* all capabilities, no filter */
	host_exec_done *done;
	void *data;
};
int host_exec(struct host *host, struct unit *unit, const struct host_exec *exec, struct failure *failure,
	      int *ret_exit_status);
/* Whoever waits for the command with this DATA has gone: DONE is not called, the command gets SIGHUP and then SIGKILL. */
void host_exec_abandon(struct host *host, const void *data);

/* The unit's log file, opened read-only; the caller's. Lines: "REALTIME_USEC PRIORITY PID TEXT". -ENOENT: nothing logged yet. */
int host_open_log(struct host *host, const char *unit);
