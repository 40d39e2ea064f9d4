/* A unit while the manager runs: its config, its state, its processes, its place in the graph. Read freely (dbus/ does);
 * written only by the files of manager/. */
#pragma once

#include "manager/world.h"
#include "units/load.h"

struct manager;
struct job;

enum unit_active_state { /* systemd's ActiveState */
			 UNIT_INACTIVE,
			 UNIT_ACTIVATING,
			 UNIT_ACTIVE,
			 UNIT_RELOADING,
			 UNIT_DEACTIVATING,
			 UNIT_FAILED,
			 UNIT_ACTIVE_STATE_MAX_,
};
extern const char *const unit_active_state_names[UNIT_ACTIVE_STATE_MAX_];

enum service_state { /* systemd's SubState of services; the table is in service.c */
		     SERVICE_DEAD,
		     SERVICE_CONDITION,
		     SERVICE_START_PRE,
		     SERVICE_START,
		     SERVICE_START_POST,
		     SERVICE_RUNNING,
		     SERVICE_EXITED,
		     SERVICE_RELOAD,
		     SERVICE_RELOAD_SIGNAL,
		     SERVICE_RELOAD_NOTIFY,
		     SERVICE_STOP,
		     SERVICE_STOP_WATCHDOG,
		     SERVICE_STOP_SIGTERM,
		     SERVICE_STOP_SIGKILL,
		     SERVICE_STOP_POST,
		     SERVICE_FINAL_SIGTERM,
		     SERVICE_FINAL_SIGKILL,
		     SERVICE_STATE_FAILED,
		     SERVICE_AUTO_RESTART,
		     SERVICE_STATE_MAX_,
};

enum slice_state { SLICE_DEAD, SLICE_ACTIVE, SLICE_STATE_MAX_ };
enum target_state { TARGET_DEAD, TARGET_ACTIVE, TARGET_STATE_MAX_ };

enum service_result { /* systemd's Result */
		      SERVICE_SUCCESS,
		      SERVICE_FAILURE_RESOURCES,
		      SERVICE_FAILURE_PROTOCOL,
		      SERVICE_FAILURE_TIMEOUT,
		      SERVICE_FAILURE_EXIT_CODE,
		      SERVICE_FAILURE_SIGNAL,
		      SERVICE_FAILURE_CORE_DUMP,
		      SERVICE_FAILURE_WATCHDOG,
		      SERVICE_FAILURE_START_LIMIT_HIT,
		      SERVICE_FAILURE_OOM_KILL,
		      SERVICE_SKIP_CONDITION,
		      SERVICE_RESULT_MAX_,
};
extern const char *const service_result_names[SERVICE_RESULT_MAX_];

/* One process of a unit, alive or the last that was. */
struct unit_process {
	struct launch_id id;
	bool alive;
	bool executed; /* its execve(2) succeeded */
	pid_t pid;     /* the payload's, as svc-init sees it; stays when dead */
	usec_t started_at, started_realtime, ended_at, ended_realtime;
	int wait_status; /* raw; valid when ended */
	int exit_status; /* of a launch that failed before execve(2): 200…; else -1 */
	uint8_t command; /* which command line: enum service_command */
	uint16_t index;
};

struct unit_timestamps { /* realtime, monotonic */
	usec_t state_change[2], inactive_exit[2], active_enter[2], active_exit[2], inactive_enter[2],
		condition[2];
};

struct unit {
	struct manager *manager;
	char *name;
	struct unit_config *config; /* never NULL */
	enum unit_kind kind;

	uint8_t state; /* enum service_state or target_state; written by unit_set_state() only */
	enum service_result result;
	struct unit_timestamps timestamps;
	uint8_t invocation_id[16];
	bool condition_result, assert_result; /* of the last start that asked; false before */

	struct unit_process main, control;
	uint64_t started_fingerprint; /* of the config that its main process was started with */
	unsigned n_restarts;	      /* automatic, since the last start by a job */
	char *status_text;	      /* STATUS= of sd_notify */
	int status_errno;
	usec_t deadline;    /* monotonic: when the current state times out; USEC_INFINITY */
	usec_t watchdog_at; /* last WATCHDOG=1 */
	struct failure *
		last_failure; /* failure_kept(): why it failed, for a user: "web.service:14: Volume=/srv/a: …" */

	struct job *job;	      /* the installed one, or NULL */
	struct unit_private *private; /* manager/'s own */
};

enum unit_active_state unit_active_state(const struct unit *unit);
const char *unit_sub_state(const struct unit *unit);
/* The units this one names in DEPENDENCY, or with REVERSE those that name it (RequiredBy, …): heap list of names. */
int unit_list_dependencies(const struct unit *unit, enum unit_dependency dependency, bool reverse,
			   char ***ret);
bool unit_can_reload(const struct unit *unit);
/* "system.slice/web.service"; of a slice its own: "a.slice/a-b.slice", "" for "-.slice". */
char *unit_cgroup_path(const char *name, const struct unit_config *config);
