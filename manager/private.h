/* What the files of manager/ know of each other's objects: the private halves of a unit, a job and the
 * manager.
 *
 * The life of an event: a public function of manager.h (or manager_run()) changes units and jobs in memory;
 * whatever it changed is *dirty*. manager_commit() writes all dirty units into the store as one step, tells
 * the observer and sets the alarm. It runs before anything that a successor of this manager must know of has
 * an effect outside (a launch, a signal), and at the end of every public function. What follows for *other*
 * units (a bound unit to stop, OnFailure=) is noted as work and done by a later manager_run(), so nothing
 * ever recurses through the graph. */
#pragma once

#include "manager/deadline.h"
#include "manager/graph.h"
#include "manager/limit.h"
#include "manager/manager.h"
#include "manager/queue.h"
#include "manager/store.h"

enum unit_deadline {
	UNIT_DEADLINE_STATE,	/* unit->deadline */
	UNIT_DEADLINE_WATCHDOG, /* the next WATCHDOG=1 is due */
	UNIT_DEADLINE_MAIN_PID, /* look again for the main process of Type=forking */
	UNIT_DEADLINE_JOB,	/* JobTimeoutSec= */
	UNIT_DEADLINE_MAX_,
};

/* What manager_run() has to do for a unit. Stored, so that a successor does it. */
enum unit_work {
	UNIT_WORK_MAIN_ENDED = 1 << 0, /* a launch was refused: handle it as an exit */
	UNIT_WORK_CONTROL_ENDED = 1 << 1,
	UNIT_WORK_RESTART = 1 << 2, /* RestartSec= is over */
	UNIT_WORK_BOUND = 1 << 3,   /* it went down: stop what BindsTo= it */
	UNIT_WORK_UPHOLD = 1 << 4,  /* it went down: start it again if an active unit Upholds= it */
	UNIT_WORK_ON_FAILURE = 1 << 5,
	UNIT_WORK_ON_SUCCESS = 1 << 6,
	UNIT_WORK_UNNEEDED = 1 << 7, /* it may have become unneeded (StopWhenUnneeded=) */
	/* Not queued: set while the state says that a signal was sent, but it has not been yet. */
	UNIT_WORK_SIGNAL = 1 << 8,
	UNIT_WORK_SLICE = 1 << 9, /* the last unit in the slice went down */
};

/* What a kind of unit can do. */
struct unit_class {
	const char *(*sub_state)(uint8_t state);
	enum unit_active_state (*active_state)(uint8_t state);
	bool (*can_reload)(const struct unit *unit);
	/* For a job. 0: begun, the job goes on until the state says it is done; -EALREADY: nothing to do;
	 * -EAGAIN: not now, ask again when the state has changed; -ENOEXEC: not in this state; another error:
	 * failed. */
	int (*start)(struct unit *unit);
	int (*stop)(struct unit *unit);
	int (*reload)(struct unit *unit);
	void (*on_deadline)(struct unit *unit, enum unit_deadline deadline);
	void (*reset_failed)(struct unit *unit);
};

struct unit_private {
	struct unit *unit;
	const struct unit_class *class;
	struct graph_node *node;
	struct deadline deadlines[UNIT_DEADLINE_MAX_];
	struct queue_link dirty_link, work_link;
	struct queue waiters; /* jobs that may run only after this unit's job */
	unsigned work;	      /* enum unit_work */
	uint32_t slot;	      /* in the store, from 1; 0: none */

	struct limit start_limit, automatic_limit;

	struct unit *slice; /* that this one, being up, keeps up */
	char *next_slice; /* the config's slice, while that of the run before an edit is in force; NULL: the same */
	unsigned n_users; /* of a slice: units that are up in it, slices too */
	bool slice_asked; /* its stop job has let the others in the queue go first */

	/* Services. */
	enum service_result reload_result;
	bool forbid_restart;	 /* it is being stopped on purpose */
	bool automatic_restart;	 /* the restart job in place is Restart='s */
	bool notified_reloading; /* RELOADING=1 came last, not READY=1 */
	bool watchdog_overridden;
	usec_t watchdog;   /* WATCHDOG_USEC= of the service, when overridden */
	int notify_access; /* NOTIFYACCESS= of the service; -1: the config's */
	usec_t reload_begin;
	unsigned main_pid_tries;
	char main_key[33],
		control_key[33];      /* the launch ids in hexadecimal: keys of manager_private.launches */
	bool main_seen, control_seen; /* this manager launched it, or has been told its record */

	/* While a transaction is built. */
	struct transaction_job *transaction_jobs;
	uint64_t order_visit;
	bool order_open;
};

struct job_private {
	struct job job; /* first */
	struct queue_link run_link, wait_link;
	char key[12];	   /* of manager->jobs */
	bool irreversible; /* only another irreversible job replaces it */
	bool ignore_order;
	bool starts; /* a start job is merged into it: if it fails, what needs the unit fails */
	bool finished;
	enum job_result result; /* when finished, until it is freed */
	struct queue_link finish_link;
};

struct manager_private {
	struct graph graph;
	struct table launches; /* launch id in hexadecimal -> struct unit *, of living processes */
	struct deadline_heap deadlines;
	usec_t alarm; /* as the world was told last */
	struct queue dirty, work, runnable;
	struct store store;
	uint64_t order_visit;
	unsigned n_failed_units, n_unfound; /* units that failed; units without a file */
	unsigned shutdown_rounds;
	bool synchronized;  /* svc-init has told of all that it has */
	bool boot_finished; /* the queue of jobs has been empty once */
	bool collect;	    /* look for units that nobody needs, when idle */
	bool finished;	    /* the world has been told that all is down */
};

/* The unit's visible state changed. */
void manager_touch(struct unit *unit);
/* Writes through, tells the observer, sets the alarm. */
void manager_commit(struct manager *manager);
/* Notes work for manager_run(). */
void manager_add_work(struct unit *unit, enum unit_work work);
/* A transaction that no user asked for (a restart, OnFailure=): failures are logged. */
int manager_enqueue_automatic(struct manager *manager, enum job_type type, struct unit *unit,
			      enum job_mode mode);
void manager_log(struct unit *unit, int priority, const char *format, ...) _printf_(3, 4);
usec_t manager_now(const struct manager *manager);
/* The unit of a node, loaded now if need be. Errors as manager_load_unit(). */
int manager_resolve(struct manager *manager, const struct graph_node *node, struct unit **ret,
		    struct failure *failure);
/* Puts a unit that the store remembered into the manager. */
int manager_restore_unit(struct manager *manager, const char *name, struct unit **ret);

/* unit.c */
int unit_new(struct manager *manager, const char *name, struct unit_config *config,
	     struct unit **ret); /* takes CONFIG on success */
struct unit *unit_free(struct unit *unit);
/* The only writer of unit->state: timestamps, counters, the job, and what follows for others. */
void unit_set_state(struct unit *unit, uint8_t state);
void unit_set_deadline(struct unit *unit, enum unit_deadline deadline, usec_t at);
static inline bool unit_is_down(const struct unit *unit)
{
	enum unit_active_state state = unit_active_state(unit);

	return state == UNIT_INACTIVE || state == UNIT_FAILED;
}
static inline bool unit_is_up(const struct unit *unit)
{
	enum unit_active_state state = unit_active_state(unit);

	return state == UNIT_ACTIVE || state == UNIT_RELOADING;
}
/* Begins a start for a job: conditions, BindsTo=, then the class. */
int unit_start(struct unit *unit);
int unit_stop(struct unit *unit);
int unit_reload(struct unit *unit);
/* 0, or why it cannot be started, with its text. */
int unit_check_loaded(const struct unit *unit, struct failure *failure);

extern const struct unit_class target_class, service_class, slice_class;

/* slice.c */
/* UNIT came up or went down: its slice follows. */
void slice_on_unit_state(struct unit *unit);
/* After the store's units are there: who is in which slice, as far as the store does not know. */
void slice_restore(struct manager *manager);
/* The store says that UNIT was in SLICE. */
void slice_restore_user(struct unit *unit, struct unit *slice);
/* CONFIG is to be that of UNIT, which stays in the slice it is in for as long as it is up. */
void slice_keep(struct unit *unit, struct unit_config *config);
/* A unit that may be in a slice changed its state, or lost its job: a job of the slice looks again. */
void slice_on_user(struct unit *user);
/* UNIT_WORK_SLICE */
void slice_on_empty(struct unit *unit);
/* Is OTHER up in the slice UNIT? */
bool slice_has(const struct unit *unit, const struct unit *other);
