/* The programs attached to the units' cgroups. Declared apart from host-private.h, for those who change limits
 * of running units. */
#pragma once

#include "engine/filter.h"
#include "manager/host-private.h"

/* Loads what CONFIG asks for and attaches it to the unit's cgroup, which GROUP_FD names. Nothing of it is needed again before the
 * group goes. On failure *RET_ORIGIN and *RET_ITEM say which rule. */
int host_filter_prepare(struct host_unit *unit, const struct unit_config *config, int group_fd,
			struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item);
/* A running unit has another CONFIG: each program that changed is replaced in one step, what is no longer wanted goes. One
 * that cannot be had leaves the old ones as they are. Nothing happens to a unit without a cgroup. */
int host_filter_update(struct host_unit *unit, const struct unit_config *config, struct failure *failure,
		       uint32_t *ret_origin, uint16_t *ret_item);
/* The group goes: what was counted is kept, shared programs are given back. */
void host_filter_release(struct host_unit *unit);
/* The unit's filters in words, one text each; heap list. What goes without saying and cannot be enforced here is told as such. */
int host_filter_explain(struct host *host, const struct unit_config *config, struct host_steps *steps,
			struct failure *failure);
void host_filter_finish(struct host *host);
