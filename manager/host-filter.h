/* The programs attached to the units' cgroups. Declared apart from host-private.h, for those who make and change
 * these groups. */
#pragma once

#include "engine/filter.h"
#include "manager/host-private.h"

/* Loads what CONFIG and the unit's slices ask for and attaches it to the unit's cgroup, which GROUP_FD names. What is attached there
 * already stays or is replaced. On failure *RET_ORIGIN and *RET_ITEM say which rule, and what was there still is. */
int host_filter_prepare(struct host_unit *unit, const struct unit_config *config, int group_fd,
			struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item);
/* The storage in which a launch says that it is one (PROGRAM_FILTER_PASS); -1: the unit has none. Not the caller's. */
int host_filter_launching(const struct host_unit *unit);
/* Does CONFIG by itself ask for any? */
bool host_filter_wanted(const struct unit_config *config);
/* Where there is no cgroup: fails, blaming the line, when somebody asked for a filter in words. */
int host_filter_refuse(const struct unit_config *config, struct failure *failure);
/* A running unit may have other rules now: each program that changed is replaced in one step, what is no longer wanted goes.
 * Programs that cannot be had leave the old ones in force. Nothing happens when the rules are the same, or there is no cgroup. */
int host_filter_update(struct host_unit *unit, const struct unit_config *config, struct failure *failure);
/* The same for all running units, after any config has changed; also for what an earlier manager left running. What cannot be changed is
 * told in the unit's log. */
void host_filter_update_all(struct host *host);
/* The group goes: what was counted is kept, shared programs are given back. */
void host_filter_release(struct host_unit *unit);
/* The unit is forgotten, and what was counted for it too. */
void host_filter_forget(struct host_unit *unit);
/* Appends the unit's filters in words. What goes without saying and cannot be enforced here is told as such. */
int host_filter_explain(struct host *host, const struct unit_config *config, struct host_steps *steps,
			struct failure *failure);
/* Closes all. What is attached stays. */
void host_filter_finish(struct host *host);
