/* svc-init's whole state, and who does what with it. Nothing here allocates after init_run() has begun,
 * nothing blocks, and no error ends it: what cannot be done is told to the manager, or on standard error, and
 * life goes on. */
#pragma once

#include <signal.h>
#include <sys/resource.h>

#include "base/time.h"
#include "init/children.h"

enum manager_stage {
	MANAGER_DOWN,	 /* no process */
	MANAGER_STARTED, /* has not said HELLO */
	MANAGER_WELCOME, /* said HELLO: is to be told who we are, */
	MANAGER_TABLE,	 /* the table, */
	MANAGER_TABLE_END,
	MANAGER_UP, /* and then what changes */
};

struct manager {
	const char *path;
	char *const *arguments; /* argv[0] included */
	char **environment;
	enum manager_stage stage;
	pid_t pid; /* 0: no process */
	int pidfd;
	int socket_fd;
	uint32_t starts;
	uint32_t table_next;	     /* MANAGER_TABLE: the record to be told next */
	uint64_t signals;	     /* bit signal-1: received by us, to be told */
	bool wants_writable;	     /* the socket was full: epoll waits for room */
	usec_t started_at, start_at; /* start_at: when to start the next one; USEC_INFINITY */
	usec_t retry_at; /* descriptors in flight are at their limit: try again then; USEC_INFINITY */
	usec_t back_off;
	unsigned failures; /* in a row, without a HELLO */
};

enum shutdown_stage {
	SHUTDOWN_NONE,
	SHUTDOWN_TERMINATE, /* SIGTERM has been sent to all that is left */
	SHUTDOWN_KILL,	    /* SIGKILL */
	SHUTDOWN_END,
};

struct shutdown {
	enum shutdown_stage stage;
	uint32_t action;
	int exit_status;
	usec_t deadline; /* of the stage, or in SHUTDOWN_NONE: when to give up hope for a manager;
			    USEC_INFINITY */
	usec_t next_at;	 /* next look for survivors; USEC_INFINITY */
};

struct init {
	uint32_t mode; /* LAUNCH_MODE_* */
	int epoll_fd, signal_fd;
	struct rlimit files; /* RLIMIT_NOFILE as it was: what children get */
	char *title; /* the memory of argv's strings, which ps(1) shows; a container's init says there whose it is */
	size_t title_size;
	struct manager manager;
	struct shutdown shutdown;
	struct children children;
	pid_t shell_pid; /* emergency shell; 0: none */
};

/* What an epoll event is about: one of these, or INIT_EVENT_CHILD + a record's index for its report socket,
 * or INIT_EVENT_PIDFD + index for the pidfd of an adopted process. */
enum init_event {
	INIT_EVENT_SIGNAL = 1,
	INIT_EVENT_MANAGER,
	INIT_EVENT_CHILD = 1 << 20,
	INIT_EVENT_PIDFD = 1 << 21
};
static_assert(CHILDREN_LIMIT <= (uint32_t)INIT_EVENT_CHILD, "an index fits below the kinds of events");

/* Opens what the loop needs. Returns 0 or a negative errno. */
int init_setup(struct init *init);
/* The event loop. Returns the exit status of svc-init, after a shutdown. */
int init_run(struct init *init);
int init_watch(struct init *init, int fd, uint32_t events, uint32_t what);
/* Before a watched descriptor is closed: a child that has not executed yet may have a copy of it, which would
 * keep the watch. */
void init_unwatch(struct init *init, int fd);

/* single.c: `svc-init -- CMD`. Returns the exit status. */
int single_run(char *const *argv, bool subreaper);

/* manager.c: its process. */
int manager_init(struct manager *manager, const char *path, char *const *arguments);
void manager_start(struct init *init);
/* The connection has ended or makes no sense: kills the process; when that is reaped, the next one is
 * scheduled. */
void manager_drop(struct init *init);
/* The process has been reaped. */
void manager_on_exit(struct init *init);
void manager_on_timer(struct init *init, usec_t now);
bool manager_is_up(const struct init *init);

/* tell.c: to the manager. */
/* Sends what there is to tell, as far as the socket takes it. */
void tell(struct init *init);
/* A launch that has no record: the table is full. Best effort. */
void tell_refusal(struct init *init, const struct launch_spawn *request, int error);

/* request.c: from the manager. */
void request_receive(struct init *init);

/* spawn.c: DESCRIPTORS are those of the message, in order; all are consumed. The outcome is a record, in any
 * case. */
void spawn(struct init *init, const struct launch_spawn *request, int *descriptors, size_t n_descriptors);
/* Every descriptor from 3 on is close-on-exec; signals are as a new process wants them. For children that do
 * not interpret. */
void spawn_clean_child(const struct init *init);

/* reap.c */
void reap_all(struct init *init);
void reap_reports(struct init *init, struct child *child);
/* The pidfd of an adopted process says that it is dead. */
void reap_adopted(struct init *init, struct child *child);

/* shutdown.c */
/* Ends everything that is left, then svc-init. */
void shutdown_begin(struct init *init, uint32_t action, int exit_status, bool gently);
/* A signal that asks for the end came, and the manager, whose business that is, cannot be told yet. */
void shutdown_expect_manager(struct init *init, int signal_number);
void shutdown_on_timer(struct init *init, usec_t now);
/* After something was reaped. */
void shutdown_on_reap(struct init *init);

/* machine.c */
/* What svc-init is, seen from the kernel. */
struct machine_facts {
	pid_t pid;
	bool is_nsfs; /* the two below come from the kernel's namespace filesystem, not from a file that looks
			 so */
	uint64_t pid_namespace, user_namespace; /* inode numbers */
	bool may_boot;				/* CAP_SYS_BOOT */
};
void machine_facts(struct machine_facts *ret);
/* True only for the init process of a really booted machine: what may end every process and reboot.
 * SAFETY.md. */
bool machine_is_ours(const struct machine_facts *facts);
void machine_mount_api(void);
/* A shell on the console, once; svc-init goes on. */
void machine_emergency_shell(struct init *init);
/* Unmounts, syncs and reboots, powers off or halts. Returns only on failure. */
void machine_end(uint32_t action);
