/* What a unit's cgroup is to have, and the slices it lies in: from the configs of the manager's units to wishes that engine/cgroup.h
 * grants. A slice's group gets its limits when the first unit in it starts; without limits of its own it is made on the way. */
#include <errno.h>
#include <string.h>

#include "manager/host-filter.h"

bool host_limits_startup(const struct host *host)
{
	/* While the manager is being made, it restores what runs already. */
	const char *state = host->manager ? manager_system_state(host->manager) : "starting";

	return strcmp(state, "starting") == 0 || strcmp(state, "stopping") == 0;
}

/* The loaded unit of the slice whose group is the first LENGTH bytes of PATH; NULL when it is none. */
static const struct unit *host_limits_slice(const struct host *host, const char *path, size_t length)
{
	char name[256];
	const char *slash = memrchr(path, '/', length);
	size_t begin = slash ? (size_t)(slash + 1 - path) : 0;

	if (!host->manager || length - begin >= sizeof name)
		return NULL;
	memcpy(name, path + begin, length - begin);
	name[length - begin] = '\0';
	return length > begin ? manager_get_unit(host->manager, name) : NULL;
}

/* The nearest slice above PATH that has a value for those in it. "-.slice" is above all. */
static uint64_t host_limits_inherit(const struct host *host, const char *path, bool startup, bool minimum)
{
	for (size_t length = strlen(path); length > 0;) {
		const char *slash = memrchr(path, '/', length);
		const struct unit *slice;
		const struct spec_limits *limits;

		length = slash ? (size_t)(slash - path) : 0;
		slice = slash ? host_limits_slice(host, path, length)
			      : host_limits_slice(host, "-.slice", strlen("-.slice"));
		if (!slice)
			continue;
		limits = spec_limits(&slice->config->spec);
		if (minimum && limits->default_memory_min != SPEC_UNSET)
			return limits->default_memory_min;
		if (!minimum && startup && limits->default_startup_memory_low != SPEC_UNSET)
			return limits->default_startup_memory_low;
		if (!minimum && limits->default_memory_low != SPEC_UNSET)
			return limits->default_memory_low;
	}
	return SPEC_UNSET;
}

struct cgroup_wish host_limits_wish(const struct host *host, const char *path,
				    const struct unit_config *config, uid_t uid)
{
	bool startup = host_limits_startup(host);

	return (struct cgroup_wish){
		.limits = spec_limits(&config->spec),
		.startup = startup,
		.memory_min = host_limits_inherit(host, path, startup, true),
		.memory_low = host_limits_inherit(host, path, startup, false),
		.delegate_to = uid,
	};
}

static int host_limits_make_slices(struct host *host, const char *path, struct failure *failure);

/* Makes the group of a slice that lies at PATH, with those above it. */
static int host_limits_make_group(struct host *host, struct host_unit *unit, const char *path,
				  const struct unit_config *config, struct failure *failure)
{
	uint32_t origin = PROGRAM_NO_ORIGIN;
	uint16_t item = 0;
	struct cgroup_wish wish;
	int r = host_limits_make_slices(host, path, failure);

	if (r < 0)
		return r;
	wish = host_limits_wish(host, path, config, (uid_t)-1);
	if (host->cgroups.root_fd >= 0) {
		r = cgroup_make(&host->cgroups, path, &wish, failure, &origin);
	} else if (cgroup_needed(&wish)) {
		origin = cgroup_first_limit(&wish);
		r = failure_set(
			failure, -EOPNOTSUPP, NULL,
			"there is no writable cgroup v2 hierarchy; resource limits cannot be enforced");
	}
	if (r < 0)
		return host_launch_blame(config, origin, 0, failure);
	if (host->cgroups.root_fd < 0)
		return host_filter_refuse(config, failure);
	unit->cgroup_fd = r;
	r = host_filter_prepare(unit, config, unit->cgroup_fd, failure, &origin, &item);
	if (r < 0) {
		unit->cgroup_fd = fd_close(unit->cgroup_fd);
		return host_launch_blame(config, origin, item, failure);
	}
	return text_set(&unit->cgroup, path);
}

int host_limits_make_slice(struct world *world, const char *name, const struct unit_config *config,
			   struct failure *failure)
{
	struct host *host = host_of_world(world);
	struct host_unit *unit = host_unit_get(host, name);
	_cleanup_free_ char *path = unit_cgroup_path(name, config);

	if (!unit || !path)
		return failure_set(failure, -ENOMEM, name, "cannot make its cgroup");
	if (config->load_state != UNIT_LOADED)
		return failure_set(failure, -EBADMSG,
				   config->load_failure ? config->load_failure->where : name, "%s",
				   config->load_failure ? config->load_failure->text : "cannot be loaded");
	/* "-.slice" is the tree's own group, which has no limits. */
	if (unit->cgroup_fd >= 0 || !*path)
		return 0;
	return host_limits_make_group(host, unit, path, config, failure);
}

/* Makes the groups of the slices above PATH that have limits, from the top. Those of others are made on the way. */
static int host_limits_make_slices(struct host *host, const char *path, struct failure *failure)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const struct unit *slice = host_limits_slice(host, path, (size_t)(slash - path));
		int r;

		if (!slice || (!slice->config->spec.limits && !host_filter_wanted(slice->config) &&
			       slice->config->load_state == UNIT_LOADED))
			continue;
		r = host_limits_make_slice(&host->world, slice->name, slice->config, failure);
		if (r < 0)
			return r;
	}
	return 0;
}

int host_limits_make(struct host_unit *unit, const struct unit_config *config, uid_t uid,
		     struct failure *failure, uint32_t *ret_origin)
{
	struct host *host = unit->host;
	struct cgroup_wish wish;
	int r;

	*ret_origin = PROGRAM_NO_ORIGIN;
	if (unit->cgroup_fd >= 0)
		return 0;
	if (!unit->cgroup && !(unit->cgroup = unit_cgroup_path(unit->name, config)))
		return failure_set(failure, -ENOMEM, unit->name, "cannot make its cgroup");
	r = host_limits_make_slices(host, unit->cgroup, failure);
	if (r < 0)
		return r;
	wish = host_limits_wish(host, unit->cgroup, config, uid);
	if (host->cgroups.root_fd >= 0) {
		r = cgroup_make(&host->cgroups, unit->cgroup, &wish, failure, ret_origin);
		unit->cgroup_fd = r < 0 ? -1 : r;
		return MIN_OF(r, 0);
	}
	if (!cgroup_needed(&wish))
		return 0;
	*ret_origin = cgroup_first_limit(&wish);
	return failure_set(failure, -EOPNOTSUPP, unit->name,
			   "there is no writable cgroup v2 hierarchy; resource limits cannot be enforced");
}
