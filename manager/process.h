/* The processes of a unit: at most a main and a control process, each known to svc-init by a launch id. */
#pragma once

#include "manager/private.h"

/* Enters STATE and launches one command line in it: the main process for ExecStart= (unless Type=forking),
 * else the control process. The store knows of it before the world does. A launch that is refused is handled
 * as an exit by manager_run(). */
void process_launch(struct unit *unit, enum service_state state, enum service_command command,
		    unsigned index);
/* A process that svc-init reaps becomes the main process. */
int process_adopt(struct unit *unit, pid_t pid);
/* No longer the unit's business: if it lives, its end will be forgotten. */
void process_abandon(struct unit *unit, struct unit_process *process);
/* What svc-init has to say about a launch. */
void process_on_record(struct manager *manager, const struct launch_record *record);
/* After persist_restore(): living processes are found again by their ids. */
int process_restore(struct unit *unit);
/* Living processes of a restored unit that no record told of have died unseen. */
void process_check_lost(struct unit *unit);
/* A launch was refused: the exit it stands for. Called from manager_run(). */
void process_on_refused(struct unit *unit, struct unit_process *process);
bool process_id_is_set(const struct launch_id *id);
