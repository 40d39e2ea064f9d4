/* The manager's only door to the world. svcd's real world is manager/host.c; tests/sim has a simulated one with a virtual
 * clock and injected faults. No function here blocks and none calls back into the manager. */
#pragma once

#include "base/failure.h"
#include "base/time.h"
#include "engine/launch.h"
#include "units/config.h"

struct world;

/* Which of a unit's command lines is launched. */
struct world_launch {
	const char *unit;
	const struct unit_config *config;
	enum service_command command;
	unsigned index; /* in config->commands[command] */
	bool is_main;	/* the main process: ExecStart of all types but oneshot's earlier lines */
	char *const *
		environment; /* MAINPID=…, SERVICE_RESULT=…: added for this launch; an empty list lets the cached program be used */
	struct launch_id id;	      /* chosen by the manager */
	const uint8_t *invocation_id; /* 16 bytes: of the unit's present run */
};

enum world_who { WORLD_MAIN, WORLD_CONTROL, WORLD_ALL };

struct world_ops {
	usec_t (*monotonic)(struct world *world);
	usec_t (*realtime)(struct world *world);
	/* One alarm: manager_on_alarm() is due at this monotonic time; USEC_INFINITY: none. */
	void (*set_alarm)(struct world *world, usec_t at);
	/* Random bytes (launch ids, invocation ids). */
	void (*random)(struct world *world, void *buffer, size_t size);

	/* A unit's config as the files are now. Always yields one unless out of memory (see unit_load). */
	int (*load)(struct world *world, const char *unit, struct unit_config **ret);
	/* Every unit file name there is (heap list). */
	int (*list_unit_files)(struct world *world, char ***ret_names);

	/* Starts a process. 0: a record for the id will come by manager_on_record(). A negative errno: nothing was
	 * started, FAILURE says why (an unresolvable user, a missing volume source, a limit without its controller …) and
	 * *RET_EXIT_STATUS is the exit status this counts as (217 for an unknown user, 226 for a mount …). */
	int (*launch)(struct world *world, const struct world_launch *launch, struct failure *failure,
		      int *ret_exit_status);
	/* A record in LAUNCH_STATE_FAILED, for a user: fills FAILURE (where: the unit's line, or the unit) and the exit status
	 * this counts as, as launch() does (203 for the execve(2) itself). */
	void (*describe_failure)(struct world *world, const char *unit, const struct launch_record *record,
				 struct failure *failure, int *ret_exit_status);
	/* The manager has dealt with the record's end. */
	void (*forget)(struct world *world, const struct launch_id *id);
	/* Puts a process that svc-init reaps under a launch id (Type=forking's main process). */
	int (*adopt)(struct world *world, const char *unit, const struct launch_id *id, pid_t pid);
	/* Whether the process is one of the unit's. */
	bool (*owns)(struct world *world, const char *unit, pid_t pid);
	/* Signals one launch's payload (WORLD_MAIN and WORLD_CONTROL are for the caller's bookkeeping, not used here). */
	int (*kill)(struct world *world, const struct launch_id *id, int signal);
	/* Signals every process of the unit but EXCEPT (a launch id or NULL). SIGKILL goes through cgroup.kill. */
	int (*kill_unit)(struct world *world, const char *unit, const struct unit_config *config, int signal,
			 const struct launch_id *except);
	/* Lets a frozen unit run, so that what it is sent or made to execute next has an effect. */
	void (*thaw)(struct world *world, const char *unit);
	/* Is any process of the unit left? When it turns false, manager_on_empty() is called, once per launch or adoption. */
	bool (*populated)(struct world *world, const char *unit, const struct unit_config *config);
	/* Did the kernel kill a process of the unit for want of memory since it was last asked? */
	bool (*oom_killed)(struct world *world, const char *unit);
	/* The unit is down: removes its cgroup, notify socket, cached descriptors. */
	void (*release)(struct world *world, const char *unit, const struct unit_config *config);
	/* Makes the cgroup of a slice that is started by itself, with its limits. Without it there are no slices. */
	int (*make_slice)(struct world *world, const char *unit, const struct unit_config *config,
			  struct failure *failure);
	/* The unit is up and its config is to be NOW instead of OLD: makes true at once what can be (limits, filters). On failure all is as
	 * with OLD. May be NULL. */
	int (*reconfigure)(struct world *world, const char *unit, const struct unit_config *old,
			   const struct unit_config *now, struct failure *failure);
	/* The system has started, or begins to stop: other limits hold (Startup…=). May be NULL. */
	void (*phase_changed)(struct world *world);
	/* PIDFile=, or the only process left in the unit; 0 when it cannot be told. */
	pid_t (*find_main_pid)(struct world *world, const char *unit, const struct unit_config *config);
	/* Condition*=/Assert*=: 1 met, 0 not. */
	int (*condition)(struct world *world, const struct unit_condition *condition);

	/* A memory that outlives the manager: SIZE bytes, zeroed when new, the same content after a crash. Grows on demand and
	 * may then move; never shrinks. NULL when out of memory. */
	void *(*memory)(struct world *world, size_t size);

	/* A line for the unit's log and the manager's own. PRIORITY as syslog(3). */
	void (*log)(struct world *world, int priority, const char *unit, const char *text);
	/* Configs have been read again, all or a slice's: what runs gets what can be changed while it runs. May be NULL. */
	void (*reloaded)(struct world *world);
	/* Everything has been stopped for a shutdown. */
	void (*finished)(struct world *world, uint32_t action, int exit_status);
};

struct world {
	const struct world_ops *ops;
};
