/* Services: the table of states, the table of what each event does in each state, and what both share. */
#pragma once

#include "manager/private.h"

enum service_event {
	SERVICE_EVENT_START, /* jobs */
	SERVICE_EVENT_STOP,
	SERVICE_EVENT_RELOAD,
	SERVICE_EVENT_EXECUTED, /* the main process's execve(2) succeeded */
	SERVICE_EVENT_MAIN_EXIT,
	SERVICE_EVENT_CONTROL_EXIT,
	SERVICE_EVENT_EMPTY,	/* no process of the unit is left */
	SERVICE_EVENT_TIMEOUT,	/* of the state */
	SERVICE_EVENT_WATCHDOG, /* no WATCHDOG=1 in time */
	SERVICE_EVENT_MAIN_PID, /* time to look for the main process again */
	SERVICE_EVENT_READY,	/* sd_notify(3) */
	SERVICE_EVENT_RELOADING,
	SERVICE_EVENT_STOPPING,
	SERVICE_EVENT_OOM, /* the kernel killed one of its processes for want of memory, and OOMPolicy=stop */
	SERVICE_EVENT_MAX_,
};

/* What an event does. RESULT: how the process ended that the event is about. The answer is for the jobs
 * (unit_class). */
typedef int service_action(struct unit *unit, enum service_result result);

extern service_action *const service_transitions[SERVICE_STATE_MAX_][SERVICE_EVENT_MAX_];

int service_dispatch(struct unit *unit, enum service_event event, enum service_result result);
/* Enters STATE: lets go of processes it may not have, arms its timeout and the watchdog. */
void service_set_state(struct unit *unit, enum service_state state);
/* Remembers the first failure. */
void service_note_result(struct unit *unit, enum service_result result);
/* Is the service running as far as can be told? */
bool service_is_good(const struct unit *unit);
bool service_is_populated(const struct unit *unit);
/* A process of the unit has ended and the unit says so. */
void service_on_process_end(struct unit *unit, struct unit_process *process);
/* After a restart of the manager: what is not stored because it follows from the state. */
void service_restore(struct unit *unit);
/* The state says that a signal was sent, but the manager died before it was sure. */
void service_resend_signal(struct unit *unit);
/* RestartSec= is over. */
void service_restart(struct unit *unit);
/* The unit's job ended without having been done. */
void service_on_job_lost(struct unit *unit);
/* The watchdog interval in force; USEC_INFINITY: none. */
usec_t service_watchdog(const struct unit *unit);
void service_ping_watchdog(struct unit *unit);
void service_extend_timeout(struct unit *unit, usec_t by);

/* starting.c: from the first command to running */
service_action starting_begin, starting_on_condition, starting_on_pre, starting_on_executed,
	starting_on_forked, starting_on_main_exit, starting_on_post, starting_on_empty, starting_on_main_pid,
	starting_on_ready, starting_on_timeout, starting_check;
void starting_enter_running(struct unit *unit, enum service_result result);

/* reloading.c */
service_action reloading_begin, reloading_on_command, reloading_on_main_exit, reloading_on_ready,
	reloading_on_reloading, reloading_on_timeout, reloading_note;
void reloading_signal(struct unit *unit);

/* stopping.c: from ExecStop= to dead, or to the wait before a restart */
service_action stopping_begin, stopping_begin_hard, stopping_cancel_restart, stopping_on_runtime_max,
	stopping_on_watchdog, stopping_on_oom, stopping_on_oom_hard, stopping_by_service, stopping_on_command,
	stopping_on_command_timeout, stopping_on_exit, stopping_on_sigterm_timeout,
	stopping_on_sigkill_timeout, stopping_on_post, stopping_on_post_timeout, stopping_on_final_exit,
	stopping_on_final_sigterm_timeout, stopping_on_final_sigkill_timeout, stopping_on_restart_due,
	stopping_release;
void stopping_enter_stop(struct unit *unit, enum service_result result);
/* STATE: one of the states that begin with a signal. */
void stopping_enter_signal(struct unit *unit, enum service_state state, enum service_result result);
void stopping_enter_stop_post(struct unit *unit, enum service_result result);
void stopping_signal(struct unit *unit);
/* SIGKILL for all of it, with the result oom-kill. */
void stopping_oom_kill(struct unit *unit);
