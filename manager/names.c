/* The words of systemd's interface for what the manager counts: states, results, job types. */
#include "manager/manager.h"

const char *const unit_active_state_names[UNIT_ACTIVE_STATE_MAX_] = {
	[UNIT_INACTIVE] = "inactive",	[UNIT_ACTIVATING] = "activating",     [UNIT_ACTIVE] = "active",
	[UNIT_RELOADING] = "reloading", [UNIT_DEACTIVATING] = "deactivating", [UNIT_FAILED] = "failed",
};

const char *const service_result_names[SERVICE_RESULT_MAX_] = {
	[SERVICE_SUCCESS] = "success",
	[SERVICE_FAILURE_RESOURCES] = "resources",
	[SERVICE_FAILURE_PROTOCOL] = "protocol",
	[SERVICE_FAILURE_TIMEOUT] = "timeout",
	[SERVICE_FAILURE_EXIT_CODE] = "exit-code",
	[SERVICE_FAILURE_SIGNAL] = "signal",
	[SERVICE_FAILURE_CORE_DUMP] = "core-dump",
	[SERVICE_FAILURE_WATCHDOG] = "watchdog",
	[SERVICE_FAILURE_START_LIMIT_HIT] = "start-limit-hit",
	[SERVICE_FAILURE_OOM_KILL] = "oom-kill",
	[SERVICE_SKIP_CONDITION] = "exec-condition",
};

const char *const job_type_names[JOB_TYPE_MAX_] = {
	[JOB_START] = "start",
	[JOB_STOP] = "stop",
	[JOB_RELOAD] = "reload",
	[JOB_RESTART] = "restart",
	[JOB_VERIFY_ACTIVE] = "verify-active",
	[JOB_TRY_RESTART] = "try-restart",
	[JOB_RELOAD_OR_START] = "reload-or-start",
	[JOB_NOP] = "nop",
};

const char *const job_mode_names[JOB_MODE_MAX_] = {
	[JOB_REPLACE] = "replace",
	[JOB_FAIL] = "fail",
	[JOB_ISOLATE] = "isolate",
	[JOB_IGNORE_DEPENDENCIES] = "ignore-dependencies",
	[JOB_REPLACE_IRREVERSIBLY] = "replace-irreversibly",
	[JOB_IGNORE_REQUIREMENTS] = "ignore-requirements",
};

const char *const job_state_names[JOB_STATE_MAX_] = {[JOB_WAITING] = "waiting", [JOB_RUNNING] = "running"};

const char *const job_result_names[JOB_RESULT_MAX_] = {
	[JOB_DONE] = "done",	   [JOB_CANCELED] = "canceled",	    [JOB_TIMEOUT] = "timeout",
	[JOB_FAILED] = "failed",   [JOB_DEPENDENCY] = "dependency", [JOB_SKIPPED] = "skipped",
	[JOB_INVALID] = "invalid", [JOB_ASSERT] = "assert",
};
