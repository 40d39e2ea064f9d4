/* The manager: units, the graph, jobs. Everything happens in response to a call below; after any of them the caller (the event loop,
 * the simulation) calls manager_run() until it returns false. */
#pragma once

#include "manager/unit.h"
#include "base/table.h"

enum job_type {
	JOB_START,
	JOB_STOP,
	JOB_RELOAD,
	JOB_RESTART,
	JOB_VERIFY_ACTIVE,
	JOB_TRY_RESTART,
	JOB_RELOAD_OR_START,
	JOB_NOP /* what try-restart of an inactive unit becomes: done at once, never installed */,
	JOB_TYPE_MAX_
};
enum job_mode {
	JOB_REPLACE,
	JOB_FAIL,
	JOB_ISOLATE,
	JOB_IGNORE_DEPENDENCIES,
	JOB_REPLACE_IRREVERSIBLY,
	JOB_IGNORE_REQUIREMENTS,
	JOB_MODE_MAX_
};
enum job_state { JOB_WAITING, JOB_RUNNING, JOB_STATE_MAX_ };
enum job_result {
	JOB_DONE,
	JOB_CANCELED,
	JOB_TIMEOUT,
	JOB_FAILED,
	JOB_DEPENDENCY,
	JOB_SKIPPED,
	JOB_INVALID,
	JOB_ASSERT,
	JOB_RESULT_MAX_
};
extern const char *const job_type_names[JOB_TYPE_MAX_],
	*const job_mode_names[JOB_MODE_MAX_], *const job_state_names[JOB_STATE_MAX_],
						      *const job_result_names[JOB_RESULT_MAX_];

struct job {
	uint32_t id;
	enum job_type type;
	enum job_state state;
	struct unit *unit;
	usec_t begin_at;
	struct job_private *private; /* manager/'s own */
};

/* Who wants to hear of changes (the D-Bus face). Called from within manager_run() and the calls below; must not call back. */
struct manager_observer {
	void (*unit_new)(void *data, struct unit *unit);
	void (*unit_removed)(void *data, struct unit *unit);
	void (*unit_changed)(void *data, struct unit *unit); /* state, processes, job or status text */
	void (*job_new)(void *data, struct job *job);
	void (*job_removed)(void *data, struct job *job, enum job_result result); /* the job is freed after */
	void (*reloading)(void *data, bool active);
	void *data;
};

struct manager {
	struct world *world;
	struct table units; /* name -> struct unit * */
	struct table jobs;  /* decimal id -> struct job * */
	struct manager_observer observer;
	uint32_t last_job_id;
	unsigned n_installed_jobs, n_failed_jobs;
	usec_t started_at; /* monotonic */
	bool shutting_down;
	struct manager_private *private;
};

/* A manager over WORLD, with the state that world->memory holds from an earlier one, if any: its units are loaded, their states,
 * processes, deadlines and jobs are as they were. Call manager_on_record() for what svc-init remembers, then
 * manager_synchronized(). */
int manager_new(struct world *world, const struct manager_observer *observer, struct manager **ret);
struct manager *manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free);

/* Loaded units only. */
struct unit *manager_get_unit(const struct manager *manager, const char *name);
/* Loads it if need be. Fails only on an invalid name or without memory: a unit that could not be loaded has config->load_state. */
int manager_load_unit(struct manager *manager, const char *name, struct unit **ret, struct failure *failure);

/* Puts a job with everything it pulls in into the queue, as one transaction: all or nothing. Errors: -ENOENT not found, -EBADMSG bad setting,
 * -ESHUTDOWN masked, -EDEADLK a cycle of orderings, -EBUSY conflicting jobs in mode "fail", -EPERM refused manual start, -EOPNOTSUPP not possible for the unit. */
int manager_enqueue(struct manager *manager, enum job_type type, struct unit *unit, enum job_mode mode,
		    struct job **ret, struct failure *failure);
struct job *manager_get_job(const struct manager *manager, uint32_t id);
void manager_cancel_job(struct manager *manager, struct job *job);
int manager_reset_failed(struct manager *manager, struct unit *unit); /* NULL: all */
int manager_kill(struct manager *manager, struct unit *unit, enum world_who who, int signal,
		 struct failure *failure);
/* Reads every loaded unit's files anew; running services go on. */
int manager_reload(struct manager *manager, struct failure *failure);
/* Reads one unit's files anew and makes true for its running processes what can be. LIMITS_ONLY: nothing else has changed since it was
 * read last. On failure everything is as before. */
int manager_reconfigure(struct manager *manager, struct unit *unit, bool limits_only,
			struct failure *failure);
/* Stops everything, then world->finished(). */
int manager_shutdown(struct manager *manager, uint32_t action, int exit_status);

/* Events. */
void manager_on_record(struct manager *manager, const struct launch_record *record);
void manager_synchronized(
	struct manager
		*manager); /* all records of a reconnect have been told: what is missing has died unseen */
void manager_on_empty(struct manager *manager, const char *unit);
/* The kernel killed a process of the unit for want of memory: OOMPolicy=stop. */
void manager_on_oom(struct manager *manager, const char *unit);
/* Ends all processes of a service that keeps others waiting for memory: ManagedOOMMemoryPressure=kill. */
void manager_oom_kill(struct manager *manager, const char *unit, const char *why);
/* A datagram on the unit's notify socket: newline-separated assignments, from PID (as svc-init sees it). */
void manager_on_notify(struct manager *manager, const char *unit, pid_t pid, const char *text);
void manager_on_alarm(struct manager *manager);

/* Does one piece of waiting work (a runnable job, a restart). False when there is none. */
bool manager_run(struct manager *manager);

/* "running", "degraded", "starting", "stopping". */
const char *manager_system_state(const struct manager *manager);
unsigned manager_count_failed(const struct manager *manager);
