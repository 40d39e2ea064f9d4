/* Names and paths of the bus face: what the server (dbus/) and the client (cli/) must agree on. */
#pragma once

#define NAMES_SERVICE		"org.svcd1"
#define NAMES_PATH		"/org/svcd1"
#define NAMES_MANAGER		"org.svcd1.Manager"
#define NAMES_UNIT		"org.svcd1.Unit"
#define NAMES_SERVICE_INTERFACE "org.svcd1.Service"
#define NAMES_TARGET		"org.svcd1.Target"
#define NAMES_JOB		"org.svcd1.Job"

/* The namesake of a system without systemd: same objects, names swapped. */
#define NAMES_SYSTEMD_SERVICE "org.freedesktop.systemd1"
#define NAMES_SYSTEMD_PATH    "/org/freedesktop/systemd1"

#define NAMES_RUNTIME_ENVIRONMENT "SVCD_RUNTIME_DIR"
#define NAMES_DEFAULT_RUNTIME	  "/run/svcd"
#define NAMES_PRIVATE_SOCKET	  "bus" /* in the runtime directory */

/* Errors, after systemd's. */
#define NAMES_ERROR_NO_SUCH_UNIT     "NoSuchUnit" /* behind "org.svcd1." or "org.freedesktop.systemd1." */
#define NAMES_ERROR_LOAD_FAILED	     "LoadFailed"
#define NAMES_ERROR_BAD_UNIT_SETTING "BadUnitSetting"
#define NAMES_ERROR_UNIT_MASKED	     "UnitMasked"
#define NAMES_ERROR_NO_SUCH_JOB	     "NoSuchJob"
#define NAMES_ERROR_JOB_TYPE	     "JobTypeNotApplicable"
#define NAMES_ERROR_TRANSACTION	     "TransactionIsDestructive"
#define NAMES_ERROR_ORDER_CYCLE	     "TransactionOrderIsCyclic"
#define NAMES_ERROR_ONLY_DEPENDENCY  "OnlyByDependency"
#define NAMES_ERROR_NO_PROCESSES     "NoSuchProcess"
#define NAMES_ERROR_NO_COMMAND	     "NoSuchCommand"
#define NAMES_ERROR_COMMAND_REFUSED  "CommandNotExecutable"
#define NAMES_ERROR_INACTIVE	     "UnitInactive"
#define NAMES_ERROR_UNIT_BUSY	     "UnitBusy"
#define NAMES_ERROR_NOTHING_TO_CLEAN "NothingToClean"
#define NAMES_ERROR_NO_SUCH_USER     "NoSuchDynamicUser"
