/* Freezing: the processes of a unit stay where they are, and use no processor, until they are thawed. The kernel's
 * freezer of cgroup v2 does it, and it alone knows the state; here it is asked.
 *
 * It takes a moment, because each process has to come to a point where it can be stopped. The end of that is a
 * change of cgroup.events, which the unit's watch tells.
 *
 * A frozen process gets no signal but SIGKILL, and a process started into its group freezes too. So whatever the
 * manager itself wants of the unit (a stop, a reload) thaws it first, by world_ops.thaw. */
#include <errno.h>

#include "manager/host-private.h"

static void host_freeze_tell(const struct host_unit *unit)
{
	struct manager *manager = unit->host->manager;
	struct unit *changed = manager_get_unit(manager, unit->name);

	if (changed)
		manager->observer.unit_changed(manager->observer.data, changed);
}

static int host_freeze_set(struct host_unit *unit, bool freeze)
{
	int r;

	/* Before it is asked for, or its end could be missed. */
	r = host_cgroup_add_watch(unit);
	if (r == 0)
		r = cgroup_freeze(&unit->host->cgroups, unit->cgroup, freeze);
	if (r < 0)
		return r;
	unit->freezer_used = true;
	host_freeze_tell(unit);
	return 0;
}

/* Is the unit in a state to be frozen (which is when it is active and no command runs beside it) or thawed? */
static bool host_freeze_applies(const struct unit *unit, bool freeze)
{
	enum unit_active_state state = unit_active_state(unit);

	return freeze ? state == UNIT_ACTIVE : state != UNIT_INACTIVE && state != UNIT_FAILED;
}

int host_freeze(struct host *host, struct unit *unit, bool freeze, struct failure *failure)
{
	struct host_unit *host_unit = host_unit_find(host, unit->name);
	const char *what = freeze ? "frozen" : "thawed";
	int r;

	if (unit->kind != UNIT_SERVICE)
		return failure_set(failure, -EOPNOTSUPP, NULL,
				   "Unit %s has no processes of its own that could be %s", unit->name, what);
	if (!host_freeze_applies(unit, freeze))
		return failure_set(failure, -EHOSTDOWN, NULL, "Unit %s is not active and cannot be %s",
				   unit->name, what);
	if (host->cgroups.root_fd < 0)
		return failure_set(failure, -EOPNOTSUPP, NULL,
				   "There is no writable cgroup v2 hierarchy, so unit %s cannot be %s",
				   unit->name, what);
	if (!host_unit || host_unit->cgroup_fd < 0)
		return failure_set(failure, -EHOSTDOWN, NULL, "Unit %s has no process that could be %s",
				   unit->name, what);
	r = host_freeze_set(host_unit, freeze);
	return r < 0 ? failure_set(failure, r, unit->name, "cannot be %s", what) : 0;
}

enum cgroup_freezer host_freezer_state(const struct host *host, const struct unit *unit)
{
	const struct host_unit *host_unit = host_unit_find(host, unit->name);

	return host_unit && host_unit->cgroup_fd >= 0 ? cgroup_freezer(&host->cgroups, host_unit->cgroup)
						      : CGROUP_RUNNING;
}

void host_freeze_end(struct world *world, const char *name)
{
	struct host_unit *unit = host_unit_find(host_of_world(world), name);

	if (!unit || unit->cgroup_fd < 0 ||
	    cgroup_freezer(&unit->host->cgroups, unit->cgroup) == CGROUP_RUNNING)
		return;
	/* Without a watch, for want of memory, it still must go on. */
	if (host_freeze_set(unit, false) < 0)
		cgroup_freeze(&unit->host->cgroups, unit->cgroup, false);
}

void host_freeze_check(struct host_unit *unit)
{
	if (unit->freezer_used)
		host_freeze_tell(unit);
}
