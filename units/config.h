/* One unit as the user wrote it, typed: the main file, its drop-ins and the defaults merged. Text in, config
 * out: needs no process, no clock, no root. Every directive's field lives here or in the embedded spec; the
 * directive table (directive.h) is the only code that knows which. */
#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "base/time.h"
#include "engine/spec.h"

enum unit_kind {
	UNIT_SERVICE,
	UNIT_TARGET,
	UNIT_SLICE,
	UNIT_KIND_MAX_,
};

enum unit_load_state { /* systemd's LoadState */
		       UNIT_LOADED,
		       UNIT_NOT_FOUND,
		       UNIT_BAD_SETTING,
		       UNIT_ERROR, /* could not be read */
		       UNIT_MASKED,
		       UNIT_LOAD_STATE_MAX_,
};

/* The dependencies a unit file can declare. The order is that of unit_dependency_names[]. */
enum unit_dependency {
	UNIT_REQUIRES,
	UNIT_REQUISITE,
	UNIT_WANTS,
	UNIT_BINDS_TO,
	UNIT_PART_OF,
	UNIT_UPHOLDS,
	UNIT_CONFLICTS,
	UNIT_BEFORE,
	UNIT_AFTER,
	UNIT_ON_FAILURE,
	UNIT_ON_SUCCESS,
	UNIT_PROPAGATES_RELOAD_TO,
	UNIT_PROPAGATES_STOP_TO,
	UNIT_JOINS_NAMESPACE_OF,
	UNIT_DEPENDENCY_MAX_,
};

enum service_type {
	SERVICE_SIMPLE,
	SERVICE_EXEC,
	SERVICE_FORKING,
	SERVICE_ONESHOT,
	SERVICE_NOTIFY,
	SERVICE_NOTIFY_RELOAD,
	SERVICE_IDLE, /* as simple */
	SERVICE_TYPE_MAX_,
};

enum service_restart {
	SERVICE_RESTART_NO,
	SERVICE_RESTART_ON_SUCCESS,
	SERVICE_RESTART_ON_FAILURE,
	SERVICE_RESTART_ON_ABNORMAL,
	SERVICE_RESTART_ON_WATCHDOG,
	SERVICE_RESTART_ON_ABORT,
	SERVICE_RESTART_ALWAYS,
	SERVICE_RESTART_MAX_,
};

enum service_command {
	SERVICE_EXEC_CONDITION,
	SERVICE_EXEC_START_PRE,
	SERVICE_EXEC_START,
	SERVICE_EXEC_START_POST,
	SERVICE_EXEC_RELOAD,
	SERVICE_EXEC_STOP,
	SERVICE_EXEC_STOP_POST,
	SERVICE_COMMAND_MAX_,
};

enum service_notify_access {
	SERVICE_NOTIFY_NONE,
	SERVICE_NOTIFY_MAIN,
	SERVICE_NOTIFY_EXEC,
	SERVICE_NOTIFY_ALL,
	SERVICE_NOTIFY_MAX_
};

enum kill_mode { KILL_CONTROL_GROUP, KILL_MIXED, KILL_PROCESS, KILL_NONE, KILL_MODE_MAX_ };

enum cgroups_mode { /* [Container] CgroupsMode=: but for one, the same */
		    CGROUPS_MODE_ENABLED,
		    CGROUPS_MODE_DISABLED,
		    CGROUPS_MODE_NO_CONMON,
		    CGROUPS_MODE_SPLIT,
		    CGROUPS_MODE_MAX_,
};

/* One command line, specifiers expanded, quotes removed; $VARIABLES are expanded when it is launched. */
struct exec_command {
	char *path;
	char **argv;
	bool ignore_failure;  /* "-" */
	bool full_privileges; /* "+" */
	bool no_setuid;	      /* "!" and "!!" */
	bool no_environment;  /* ":" no variable expansion */
};

struct exec_commands {
	struct exec_command *items;
	size_t n;
};

struct exit_status_set {
	uint64_t statuses[4]; /* bit per exit status 0..255 */
	uint64_t signals;     /* bit per signal number */
};

/* Where one setting came from. */
struct config_origin {
	uint16_t directive; /* index in directive_table */
	uint16_t item;	    /* in a list directive */
	uint16_t file;	    /* index in unit_config.files */
	uint32_t line;	    /* 1-based */
};

struct unit_condition {
	uint16_t directive; /* which: ConditionPathExists=, …: index in directive_table */
	bool trigger, negate, is_assert;
	char *parameter;
};

enum unit_log_driver { /* [Container] LogDriver= */
		       UNIT_LOG_JOURNALD,
		       UNIT_LOG_FILE,
		       UNIT_LOG_NONE,
		       UNIT_LOG_PASSTHROUGH, /* as StandardOutput= and StandardError= say */
		       UNIT_LOG_DRIVER_MAX_,
};
enum { UNIT_LOG_SIZE_MIN = 4096 };

/* How what a service prints becomes its log. */
struct unit_log {
	char *identifier;     /* NULL: none stands before the lines */
	int facility;	      /* syslog(3)'s, as a number from 0 */
	int level;	      /* of lines that do not say; LOG_* */
	bool level_prefix;    /* "<3>" before a line says its level */
	int level_max;	      /* lines above are dropped; -1: none are */
	char **fields;	      /* FIELD=VALUE for every line */
	usec_t rate_interval; /* in which rate_burst lines are taken; 0: any number */
	unsigned rate_burst;
	char **patterns; /* what a line must match one of; behind a '~', what it may not match */
	enum unit_log_driver driver;
	char *path;	   /* of UNIT_LOG_FILE */
	uint64_t max_size; /* of the file, in bytes; 0: the default */
};
extern const struct unit_log unit_log_default;

struct unit_config {
	char *name; /* "web@1.service" */
	enum unit_kind kind;
	enum unit_load_state load_state;
	struct failure *load_failure; /* when not UNIT_LOADED: failure_kept() */

	char **files;	 /* [0] the fragment, then drop-ins in the order read; NULL when not found */
	char **warnings; /* "file:line: text": what a lenient reading passed over */
	struct config_origin *origins;
	size_t n_origins;

	uint64_t fingerprint; /* unit_fingerprint() of what was read */
	unsigned held;	      /* by unit_config_hold() */

	/* [Unit] */
	char *description;
	char **documentation;
	char **dependencies[UNIT_DEPENDENCY_MAX_];
	bool default_dependencies, stop_when_unneeded, refuse_manual_start, refuse_manual_stop, allow_isolate;
	usec_t start_limit_interval;
	unsigned start_limit_burst;
	usec_t job_timeout;
	struct unit_condition *conditions;
	size_t n_conditions;

	/* [Install] */
	char **wanted_by, **required_by, **also, **alias;
	char *default_instance;

	/* [Service] */
	enum service_type type;
	enum service_restart restart;
	enum service_notify_access notify_access;
	bool notify_access_set;
	struct exec_commands commands[SERVICE_COMMAND_MAX_];
	bool remain_after_exit, guess_main_pid;
	char *pid_file;
	usec_t restart_delay;	  /* RestartSec= */
	usec_t restart_delay_max; /* RestartMaxDelaySec= */
	unsigned restart_steps;
	usec_t timeout_start, timeout_stop, timeout_abort, timeout_clean, runtime_max, watchdog;
	bool timeout_start_set;
	struct exit_status_set success_status, restart_prevent_status, restart_force_status;
	enum kill_mode kill_mode;
	int kill_signal, restart_kill_signal, final_kill_signal, watchdog_signal, reload_signal;
	bool send_sigkill, send_sighup;
	char *slice; /* "system.slice"; of a slice the one that it lies in, NULL for "-.slice" */

	bool remove_ipc;      /* the user's IPC objects go when the unit stops */
	char *container_name; /* ContainerName= */
	struct unit_log *log; /* NULL: all as in unit_log_default; read by unit_config_log() */

	bool is_container;	 /* has a [Container] section: strict isolation is the default */
	uint16_t container_file; /* where that begins: index in files, … */
	uint32_t container_line; /* … and its 1-based line */
	struct { /* [Container] settings that unit_load() merges into the fields above and below */
		char **exec, **entrypoint;
		uint64_t add_capabilities, drop_capabilities;
		bool notify;
		enum cgroups_mode cgroups_mode;
	} container;
	struct spec spec;
};

/* A config with every default and no file. NULL when out of memory. */
struct unit_config *unit_config_new(const char *name, enum unit_kind kind);
struct unit_config *unit_config_free(struct unit_config *config);
/* Stays until it has been freed once more: what runs goes by what it was started with, whatever is read since. */
struct unit_config *unit_config_hold(const struct unit_config *config);
DEFINE_CLEANUP(struct unit_config *, unit_config_free);

/* Never NULL. */
static inline const struct unit_log *unit_config_log(const struct unit_config *config)
{
	return config->log ? config->log : &unit_log_default;
}

/* Every default, nothing on the heap; not to be changed or freed. */
const struct unit_config *unit_config_prototype(void);

extern const char
	*const unit_dependency_names[UNIT_DEPENDENCY_MAX_]; /* "Requires", … : also the D-Bus properties */
extern const char *const unit_load_state_names[UNIT_LOAD_STATE_MAX_];

/* "FILE:LINE" and the directive's name for a field of the spec: ORIGIN is offsetof(struct spec, …), ITEM a
 * list index. Returns false, with nothing written, when no line of the user's asked for it (a default). */
bool unit_config_origin(const struct unit_config *config, uint32_t origin, unsigned item, char *where,
			size_t size, const char **ret_directive);
