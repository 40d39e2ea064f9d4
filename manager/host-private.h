/* What the files host*.c share. The model:
 *
 * - svc-init owns the processes; the host keeps, per launch, what it needs to explain a failure and to read
 * the log (struct host_launch), and per unit what all its launches share (struct host_unit).
 * - Nothing blocks: requests to svc-init wait in a queue while its socket is full.
 * - What must outlive a crash is held by svc-init (log pipes, notify sockets) or lies in files (state, logs).
 */
#pragma once

#include <sys/uio.h>

#include "base/fd.h"
#include "engine/compile.h"
#include "manager/host.h"

/* A compiled command line, kept for the next start. Reference-counted: a running launch keeps its own. */
struct host_program {
	unsigned references;
	struct program *program;
	int memfd;	 /* sealed; -1 until first launched */
	uint8_t command; /* which command line */
	uint16_t index;
};

struct host_log_rules; /* host-log-rules.c */

struct host_unit {
	char *name;
	struct host *host;
	struct host_program *
		*programs; /* the cache, one per command line launched without extra environment */
	size_t n_programs;
	uint64_t generation;	     /* of the files that name users; another one empties the cache */
	struct unit_config *started; /* what its main process was started with; NULL: by an earlier manager */

	int clean_result; /* of the last svcctl clean */
	char *cgroup;	  /* path in the tree; NULL until made */
	int cgroup_fd;	  /* for CLONE_INTO_CGROUP; -1 */
	int events_watch; /* inotify watch of cgroup.events; -1 */
	uid_t uid;	  /* of its last launch, on the host; (uid_t)-1 */
	gid_t gid;
	struct host_traffic *traffic; /* counted by them; NULL: never */
	struct host_filters *filters; /* attached to the cgroup; NULL: none */
	struct host_sets *sets;	      /* elements of packet filter sets that are there for it; NULL: none */
	uint64_t filter_rules;	      /* of what they were made: filter_rules() */
	pid_t *sessions;	      /* without cgroup: sessions its launches lead */
	size_t n_sessions;
	uint64_t oom_kills;		/* that the manager has been told of */
	uint64_t oom_seen;		/* by host_oom_check() */
	int oom_watch;			/* inotify watch of memory.events; -1 */
	struct host_pressure *pressure; /* ManagedOOMMemoryPressure=kill */
	bool freezer_used;		/* by this manager: its observer hears of what becomes of it */
	bool tell_empty;		/* manager_on_empty() is owed once nothing is left */

	unsigned n_unnamed; /* launches whose payload svc-init has not named yet */
	int notify_fd;
	sd_event_source *notify_source;

	struct host_log *logs; /* pipes that processes of the unit may still write to */
	int log_fd;	       /* the file, while something is written to it; -1 */
	uint64_t log_size;
	struct host_log_rules *log_rules; /* NULL until they are needed */
};

/* The output of one launch. It belongs to the unit, not to the launch: a daemon goes on writing to the pipe
 * that the process which started it had. */
struct host_log {
	struct host_log *next;
	struct host_unit *unit;
	struct launch_id id;
	pid_t pid;
	int pipe;	 /* read end */
	unsigned copies; /* HOST_LOG_* */
	sd_event_source *source;
	char *partial; /* a line that has not ended yet */
	size_t partial_length;
};

/* One process that svc-init has a record of. */
struct host_launch {
	char key[33]; /* the launch id in hex */
	struct launch_id id;
	struct host *host;
	struct host_unit *unit;	      /* NULL for a launch without unit */
	struct host_program *program; /* NULL after a restart of the manager */
	pid_t pid;		      /* the payload's */
	bool named;		      /* the payload's pid is known, or will never be */
	bool child_alive;
	uint8_t command;
	uint16_t index;

	/* svcctl exec: no business of the manager's */
	host_exec_done *exec_done;
	void *exec_data;
	sd_event_source *exec_timer; /* while it is being ended */
};

/* A message to svc-init that did not fit its socket. */
struct host_message {
	struct host_message *next;
	size_t size, n_fds;
	int fds[FD_MESSAGE_MAX];
	char data[];
};

struct host {
	struct world world; /* first: world_ops get a pointer to it */
	struct manager *manager;
	sd_event *event;
	sd_event_source *init_source, *alarm_source, *work_source, *inotify_source;
	char *runtime_directory, *state_directory;
	char *credentials_directory; /* below the runtime directory: per unit */
	char *secret_directory;	     /* below the state directory */
	char **credential_stores, **sealed_credential_stores;
	bool may_mount;
	char *directories[SPEC_DIRECTORY_MAX_]; /* what StateDirectory= and its siblings are below of */
	char *volume_directory;			/* below the state directory: named volumes */
	char *container_directory;		/* below the state directory: persistent upper layers */
	struct unit_search_path unit_path;
	struct unit_specifiers specifiers;
	struct cgroup_tree cgroups;
	int log_level;

	int init_fd;
	uint32_t init_mode, manager_starts;
	pid_t init_pid;
	struct host_message *queue, **queue_end;
	bool welcomed, synchronized; /* LAUNCH_WELCOME, LAUNCH_TABLE_END have come */

	struct table units;    /* name -> struct host_unit */
	struct table launches; /* key -> struct host_launch */

	bool namespaces_known, namespaces_delegate; /* is the hierarchy mounted with nsdelegate? host-oom.c */
	int null_fd, inotify_fd;
	struct table watches; /* decimal watch descriptor -> struct host_unit, whose key is in watch_keys */

	void *memory;
	size_t memory_size;
	int memory_fd;

	int links_fd; /* rtnetlink, for rules that name interfaces; -1 */
	sd_event_source *links_source;
	struct table filters;	       /* content -> loaded program: host-filter.c */
	int counters_map;	       /* of IPAccounting=; -1 until needed */
	uint64_t filters_ready;	       /* bit per BPF_CGROUP_*: where a program stays attached */
	unsigned filters_idle;	       /* of these, used by no unit now */
	int filters_error;	       /* why a filter that goes without saying was left out; 0 */
	struct host_user *users;       /* dynamic ones */
	struct host_removal *removals; /* trees on their way out */
	struct host_share *shares;     /* what several launches have in common */
	sd_event_source *removal_source;

	struct host_clean *cleans;

	char **id_ranges; /* unit names; the place in the list is the range */
	bool finishing;
};

static inline struct host *host_of_world(struct world *world)
{
	return (struct host *)world;
}

/* host.c */
struct host_unit *host_unit_get(struct host *host,
				const char *name); /* made if need be; NULL without memory */
struct host_unit *host_unit_find(const struct host *host, const char *name);
/* The unit is down, but only to come up again. */
bool host_unit_restarts(const struct host *host, const char *name);

/* host-init.c: the link to svc-init */
/* Says hello and waits for the welcome, which tells the mode; then, with a manager to tell, for the table. */
int host_init_connect(struct host *host, struct failure *failure);
int host_init_synchronize(struct host *host, struct failure *failure);
void host_init_disconnect(struct host *host);
/* Sends or queues. The descriptors are consumed, also on failure. */
int host_init_send(struct host *host, const void *message, size_t size, int *fds, size_t n_fds);
int host_init_kill(struct world *world, const struct launch_id *id, int signal);
void host_init_kill_child(struct host *host, const struct launch_id *id, int signal);
/* The group that the payload leads. */
void host_init_kill_group(struct host *host, const struct launch_id *id, int signal);
int host_init_adopt(struct world *world, const char *unit, const struct launch_id *id, pid_t pid);
void host_init_forget(struct world *world, const struct launch_id *id);
void host_init_finished(struct world *world, uint32_t action, int exit_status);
/* An id in hex. */
void host_init_key(const struct launch_id *id, char key[static 33]);
/* Has svc-init hold a copy of FD, in the record of this id, made if need be. */
void host_init_hold(struct host *host, const struct launch_id *id, const char *name, int fd);
struct host_launch *host_launch_find(const struct host *host, const struct launch_id *id);
struct host_launch *host_launch_new(struct host *host, const struct launch_id *id, struct host_unit *unit);
struct host_launch *host_launch_free(struct host_launch *launch);

/* systemd's EXIT_* for what fails outside the launch program (systemd.exec(5)). */
enum {
	HOST_EXIT_FDS = 202,
	HOST_EXIT_USER = 217,
	HOST_EXIT_CGROUP = 219,
	HOST_EXIT_NETWORK = 225,
	HOST_EXIT_NAMESPACE = 226,
	HOST_EXIT_BPF = 244,
};

/* host-launch.c: from a launch program to a running process */
/* Everything that goes along with LAUNCH_SPAWN, in its order; closed by host_bag_close() or consumed by the
 * send. */
struct host_bag {
	int fds[FD_MESSAGE_MAX];
	size_t n;
};
void host_bag_close(struct host_bag *bag);
/* Takes FD over (a negative errno is passed on). */
int host_bag_put(struct host_bag *bag, int fd);
int host_bag_put_copy(struct host_bag *bag, int fd);
struct host_passed;
void host_launch_head(struct launch_spawn *spawn, const struct launch_id *id, const struct host_unit *unit,
		      const struct program *program, const char *command);
/* Puts what the program lists into the bag. PIDFD: for "join"; -1. */
int host_launch_descriptors(const struct host_unit *unit, struct host_bag *bag, const struct program *program,
			    int pidfd, const struct host_passed *passed, const struct unit_config *config,
			    struct failure *failure, int *ret_exit_status);

/* host-exec.c: a command inside a running unit, which is a launch that joins */
/* Which namespaces (CLONE_NEW*) a process has that we have not. */
int host_exec_namespaces(pid_t pid, uint32_t *ret);
/* Where a command joins: a process, with just these of its namespaces. */
struct host_join {
	int pidfd; /* -1: nowhere */
	uint32_t namespaces;
};
/* Nobody waits for the command any more: it is told so by SIGHUP, and ended when it does not listen. */
void host_exec_end(struct host_launch *launch);
bool host_exec_is_label(const struct launch_record *record);
int host_launch_start(struct world *world, const struct world_launch *launch, struct failure *failure,
		      int *ret_exit_status);

/* host-streams.c: what is opened for a launch */
enum { HOST_PASSED_MAX = 48 }; /* LAUNCH_MAX_DESCRIPTORS less what a program needs itself */

/* Descriptors 3… of the main process. */
struct host_passed {
	size_t n;
	int fds[HOST_PASSED_MAX];
	const char *names[HOST_PASSED_MAX]; /* the config's */
};
/* Appends the files of OpenFile=. */
int host_passed_open(const struct unit_config *config, struct host_passed *passed, struct failure *failure);
void host_passed_close(struct host_passed *passed);

enum { /* where a line goes besides the unit's log */
       HOST_LOG_KMSG = 1 << 0,
       HOST_LOG_CONSOLE = 1 << 1,
};
struct host_log_pipe {
	int read_end, write_end; /* -1 when it is not used */
	unsigned copies;	 /* HOST_LOG_* */
};
struct host_streams {
	struct host_log_pipe pipes[2];
};
/* Puts the three standard streams into the bag. STREAMS gets the pipes for the log, the caller's to close. */
int host_streams_open_all(struct host *host, struct host_bag *bag, const struct unit_config *config,
			  bool no_terminal, const struct host_passed *passed, struct host_streams *streams,
			  struct failure *failure, int *ret_exit_status);
void host_streams_close(struct host_streams *streams);
/* The unit is down: its terminal is left as TTYReset= and its siblings want it. */
void host_streams_release(const struct spec *spec);

/* host-program.c */
/* Has this command line no use for the unit's terminal (systemd.exec(5), StandardInput=)? */
bool host_command_no_terminal(enum service_command command);
extern const char *const host_command_names[SERVICE_COMMAND_MAX_]; /* "ExecStart", … */
void host_launch_describe(struct world *world, const char *unit, const struct launch_record *record,
			  struct failure *failure, int *ret_exit_status);
/* Fills CONTEXT with what the host keeps for the unit, as host_credential_prepare(). */
int host_launch_prepare(const struct host *host, const char *unit, const struct spec *spec,
			struct compile_context *context, char ***kept);
/* Puts the place and the directive that asked for it in front of a message of the engine's. Returns the
 * failure's error. */
int host_launch_blame(const struct unit_config *config, uint32_t origin, unsigned item,
		      struct failure *failure);
bool host_launch_wants_notify(const struct unit_config *config);
/* The main process if this command runs inside the container that is up; the descriptor is the caller's. */
struct host_join host_launch_join(struct host *host, const struct world_launch *launch);
/* The program for a launch, with a reference for the caller. */
int host_launch_program(struct host_unit *unit, const struct world_launch *launch, struct host_join join,
			const struct host_passed *passed, struct host_program **ret, struct failure *failure,
			int *ret_exit_status);
/* The program of the unit's main process, with a reference: cached, or compiled for the occasion. NULL when
 * it has none or does not compile. */
struct host_program *host_launch_main_program(struct host *host, const struct unit *unit);
/* Who the unit runs as, where an earlier manager has launched it: unit->uid stays (uid_t)-1 when that cannot be told. */
void host_launch_learn_ids(struct host_unit *unit);
struct host_program *host_program_unref(struct host_program *program);
void host_launch_forget_programs(struct host_unit *unit);

/* host-cgroup.c: processes of a unit */
/* Makes the unit's cgroup, unless it is there. UID is the payload's, on the host: Delegate= is to it. */
int host_cgroup_prepare(struct host_unit *unit, const struct unit_config *config, uid_t uid,
			struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item);
/* Finds the group again after a restart of the manager. */
int host_cgroup_attach(struct host_unit *unit, const struct unit_config *config);
int host_cgroup_kill_unit(struct world *world, const char *unit, const struct unit_config *config, int signal,
			  const struct launch_id *except);
bool host_cgroup_populated(struct world *world, const char *unit, const struct unit_config *config);
void host_cgroup_release(struct host_unit *unit);
/* At the shutdown: ends what KillMode=none has spared and removes all groups. */
void host_cgroup_finish(struct host *host);
bool host_cgroup_owns(struct world *world, const char *unit, pid_t pid);
bool host_cgroup_oom_killed(struct world *world, const char *unit);
/* Is PID, a number of svc-init's PID namespace, a process of the unit? Not for one that has ended. */
bool host_cgroup_is_member(const struct host_unit *unit, pid_t pid);
pid_t host_cgroup_find_main_pid(struct world *world, const char *unit, const struct unit_config *config);
int host_cgroup_watch(struct host *host);
/* An inotify watch of a file of the unit's cgroup, or a negative errno. What is looked at when it changes: all that there is. */
int host_cgroup_watch_file(struct host_unit *unit, const char *file);
/* Ends it, -1 is none; returns -1. */
int host_cgroup_unwatch(struct host_unit *unit, int watch);
/* Has host_cgroup_check_empty() and host_freeze_check() called when the group's cgroup.events changes. */
int host_cgroup_add_watch(struct host_unit *unit);
/* Is it empty now, and is the manager owed the news? Called when a process of the unit ended. */
void host_cgroup_check_empty(struct host_unit *unit);

/* host-limits.c */
/* Do the Startup…= settings hold? */
bool host_limits_startup(const struct host *host);
/* Makes the unit's cgroup with those of its slices, unless it is there. */
int host_limits_make(struct host_unit *unit, const struct unit_config *config, uid_t uid,
		     struct failure *failure, uint32_t *ret_origin);
int host_limits_make_slice(struct world *world, const char *unit, const struct unit_config *config,
			   struct failure *failure);

int host_limits_reconfigure(struct world *world, const char *unit, const struct unit_config *old,
			    const struct unit_config *now, struct failure *failure);
void host_limits_phase_changed(struct world *world);
/* After a restart of the manager: takes up the slices that are up. */
void host_limits_restore(struct host *host);
/* The unit's limits as steps of `svcctl explain`. */
int host_limits_explain(const struct host *host, const struct unit *unit, struct host_steps *steps);
/* Logs what a unit that is down has used, before its group goes. */
void host_limits_tell_usage(struct host_unit *unit, const struct unit_config *config);

/* host-oom.c */
/* Watches for what OOMPolicy= and ManagedOOMMemoryPressure= of CONFIG want to know of the unit's group, which is there; anew where that
 * has changed. */
int host_oom_arm(struct host_unit *unit, const struct unit_config *config, struct failure *failure);
/* Has the kernel killed a process of the unit for want of memory? */
void host_oom_check(struct host_unit *unit);
void host_oom_release(struct host_unit *unit);
/* MemoryPressureWatch=: does the payload get to watch its memory pressure itself? */
bool host_oom_wants_watch(struct host *host, const struct unit_config *config);
/* Adds to the ENVIRONMENT what it needs for that (or says that it is not to). *RET_PATH: the file on the host, heap; NULL for none. */
int host_oom_add_environment(struct host *host, const char *unit, const struct unit_config *config,
			     char ***environment, char **ret_path);

/* host-setting.c */
/* Adds the control folders to the search path. */
int host_setting_open(struct host *host);

/* host-freeze.c */
void host_freeze_end(struct world *world, const char *unit);
/* Something has happened in the unit's cgroup. */
void host_freeze_check(struct host_unit *unit);

/* host-log.c */
/* READ_END is consumed. NAME is what it is held by. */
int host_log_attach(struct host_unit *unit, const struct launch_id *id, pid_t pid, const char *name,
		    int read_end);
/* The name that a pipe with these copies (HOST_LOG_*) is held by: "log", "log+kmsg", … */
const char *host_log_name(unsigned copies);
bool host_log_is_name(const char *name);
bool host_log_attached(const struct host_unit *unit, const struct launch_id *id, const char *name);
void host_log_set_pid(struct host_unit *unit, const struct launch_id *id, pid_t pid);
void host_log_drain(struct host_unit *unit);  /* takes what has been written so far */
void host_log_detach(struct host_unit *unit); /* drains and closes: no process of the unit is left */
void host_log_line(struct host_unit *unit, const struct unit_log *log, int level, pid_t pid, const char *text,
		   size_t length);
/* host-log-rules.c */
/* Is this line of output taken? RET_LEVEL is its level; a prefix that says so is cut off TEXT. */
bool host_log_admit(struct host_unit *unit, int *ret_level, const char **text, size_t *length,
		    const struct unit_log **ret_log);
/* The unit's settings; never NULL. *RET_CONFIG may be NULL. */
const struct unit_log *host_log_settings(const struct host_unit *unit, const struct unit_config **ret_config);
void host_log_rules_free(struct host_log_rules *rules);
void host_log_message(struct world *world, int priority, const char *unit, const char *text);

/* host-notify.c */
int host_notify_open(struct host_unit *unit);
int host_notify_attach(struct host_unit *unit, int fd); /* consumes; after a restart of the manager */
/* Takes in what waits on the socket, now that it can be told who sent it. */
void host_notify_drain(struct host_unit *unit);
void host_notify_close(struct host_unit *unit);
char *host_notify_path(const struct host *host, const char *unit);

/* host-directory.c: StateDirectory= and its siblings */
int host_directory_set_bases(struct host *host);
/* Makes, if need be, and opens (O_PATH) the directory that DESCRIPTOR, of a program of SPEC's, asks for. */
int host_directory_open(const struct host *host, const struct spec *spec,
			const struct program_descriptor *descriptor, struct failure *failure);
/* Takes away all directories of one kind, with their links. CLEAN as host_removal_add(). */
int host_directory_remove_all(struct host *host, const struct spec *spec, enum spec_directory kind,
			      struct host_clean *clean);
/* The unit is down: what is for one run goes. */
void host_accounting_release(const struct unit_config *config); /* config may be NULL */
void host_directory_release(struct host *host, const char *name, const struct unit_config *config);

/* host-credential.c */
int host_credential_init(struct host *host);
void host_credential_free(struct host *host);
/* Says in CONTEXT where the unit's are; KEPT, which is the caller's, gets the strings that it borrows. */
int host_credential_prepare(const struct host *host, const char *unit, const struct spec *spec,
			    struct compile_context *context, char ***kept);
void host_credential_release(struct host *host, const char *unit, const struct unit_config *config);

/* host-user.c: DynamicUser= */
int host_user_read(struct host *host);
void host_user_free_all(struct host *host);
/* Gives the unit its user, if it has a dynamic one, and makes the files that name him. */
int host_user_acquire(struct host *host, const char *unit, const struct spec *spec, struct failure *failure);
void host_user_release(struct host *host, const char *unit);
void host_user_purge(struct host *host);
/* Whom the unit has, or would get; 0 without a dynamic user. */
uid_t host_user_of(const struct host *host, const char *unit, const struct spec *spec);
/* The unit's own "passwd" or "group". Heap. */
char *host_user_file(const struct host *host, const char *unit, const char *which);

/* host-removal.c: trees that go in the background */
/* Removes the directory NAME, in PARENT_FD; a tree is renamed into BASE_FD, on the same file system, whose path is WHERE. CLEAN, which may be NULL, hears of
 * the end of it. -ENOENT: there was nothing. */
int host_removal_add(struct host *host, int parent_fd, const char *name, int base_fd, const char *where,
		     struct host_clean *clean);
/* Goes on with what an earlier manager began. */
void host_removal_resume(struct host *host);
/* All of it now, within bounds. */
void host_removal_finish(struct host *host);
void host_removal_drop(struct host *host);

/* host-clean.c: svcctl clean */
struct host_clean {
	struct host_clean *next;
	struct host *host;
	unsigned n_pending; /* trees */
	int result;
	sd_event_source *timeout;
	void (*done)(void *data, int result);
	void *data;
	char unit[];
};
/* One of its trees is gone, or cannot be removed. */
void host_clean_done(struct host_clean *clean, int result);
void host_clean_drop(struct host *host);

/* host-condition.c */
int host_condition_test(struct world *world, const struct unit_condition *condition);

/* host-share.c: namespaces and directories of more than one launch */
struct host_shared {
	uint32_t namespaces; /* CLONE_NEWNET, CLONE_NEWIPC */
	bool tmp;
};
/* What of the unit's is made once for all of its processes, and those of units it is tied to, instead of by each launch. */
struct host_shared host_share_wanted(const struct host *host, const char *name,
				     const struct unit_config *config);
/* Sees that what is WANTED is there for the unit, which then uses it until host_share_release(). */
int host_share_acquire(struct host *host, const char *name, struct host_shared wanted,
		       struct failure *failure);
void host_share_release(struct host *host, const char *name);
/* A descriptor of it, for the launch; the caller's. */
int host_share_descriptor(const struct host *host, const char *name,
			  const struct program_descriptor *descriptor);
/* After a restart of the manager: reads what there is, takes the descriptors back, lets go what nobody uses any more. */
void host_share_restore(struct host *host);
void host_share_take(struct host *host, const struct launch_record *record, int *fds, size_t n_fds);
void host_share_synchronized(struct host *host);
void host_share_close(struct host *host);

/* host-ipc.c */
bool host_ipc_wanted(const struct unit_config *config);
/* The unit is down: its user's IPC objects go, if it says so. */
void host_ipc_release(struct host_unit *unit, const struct unit_config *config);

/* host-memory.c */
void *host_memory_grow(struct world *world, size_t size);
/* The first host id of the range for UNIT of SIZE ids (0: 65536), always the same one; 0 when there is none. */
uint32_t host_memory_id_range(struct host *host, const char *unit, uint32_t size);
