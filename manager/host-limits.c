/* What a unit's cgroup is to have, and the slices it lies in: from the configs of the manager's units to wishes that engine/cgroup.h
 * grants. A slice's group gets its limits when the first unit in it starts; without limits of its own it is made on the way. */
#include <errno.h>
#include <syslog.h>
#include <unistd.h>
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

/* A config that a slice has not got yet, or has no more: taken for the manager's where that slice is looked at. */
struct host_limits_instead {
	const char *slice;
	const struct unit_config *config;
};

/* The nearest slice above PATH that has a value for those in it. "-.slice" is above all. */
static uint64_t host_limits_inherit(const struct host *host, const char *path, bool startup, bool minimum,
				    const struct host_limits_instead *instead)
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
		limits = spec_limits(instead && strcmp(instead->slice, slice->name) == 0
					     ? &instead->config->spec
					     : &slice->config->spec);
		if (minimum && limits->default_memory_min != SPEC_UNSET)
			return limits->default_memory_min;
		if (!minimum && startup && limits->default_startup_memory_low != SPEC_UNSET)
			return limits->default_startup_memory_low;
		if (!minimum && limits->default_memory_low != SPEC_UNSET)
			return limits->default_memory_low;
	}
	return SPEC_UNSET;
}

static struct cgroup_wish host_limits_wish(const struct host *host, const char *path,
					   const struct unit_config *config, bool startup,
					   const struct host_limits_instead *instead)
{
	return (struct cgroup_wish){
		.limits = spec_limits(&config->spec),
		.startup = startup,
		.memory_min = host_limits_inherit(host, path, startup, true, instead),
		.memory_low = host_limits_inherit(host, path, startup, false, instead),
		.delegate_to = (uid_t)-1,
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
	wish = host_limits_wish(host, path, config, host_limits_startup(host), NULL);
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
	r = text_set(&unit->cgroup, path);
	if (r == 0)
		r = host_oom_arm(unit, config, failure);
	if (r < 0)
		unit->cgroup_fd = fd_close(unit->cgroup_fd);
	return r;
}

/* "-.slice" is the tree's own group, whose limits are somebody else's to set: what it says for those below it is all it can say. */
static int host_limits_check_root(const struct host *host, const struct unit_config *config,
				  struct failure *failure)
{
	const struct spec_limits *limits = spec_limits(&config->spec);
	struct cgroup_wish wish = host_limits_wish(host, "", config, host_limits_startup(host), NULL);
	uint32_t origin = cgroup_first_limit(&wish);

	if (limits->disable_controllers)
		origin = SPEC_LIMITS_ORIGIN(disable_controllers);
	if (limits->managed_oom_pressure == SPEC_MANAGED_OOM_KILL)
		origin = SPEC_LIMITS_ORIGIN(managed_oom_pressure);
	if (origin == PROGRAM_NO_ORIGIN)
		return 0;
	failure_set(failure, -EOPNOTSUPP, NULL,
		    "the root of the hierarchy takes no limits; a slice below it does");
	host_launch_blame(config, origin, 0, failure);
	return -EOPNOTSUPP;
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
	if (!*path)
		return host_limits_check_root(host, config, failure);
	if (unit->cgroup_fd >= 0)
		return 0;
	return host_limits_make_group(host, unit, path, config, failure);
}

/* Makes the groups of the slices above PATH that have limits, from the top. Those of others are made on the way. */
static int host_limits_make_slices(struct host *host, const char *path, struct failure *failure)
{
	const struct unit *root = host_limits_slice(host, "-.slice", strlen("-.slice"));

	if (root && (root->config->spec.limits || root->config->load_state != UNIT_LOADED)) {
		int r = host_limits_make_slice(&host->world, root->name, root->config, failure);

		if (r < 0)
			return r;
	}
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
	wish = host_limits_wish(host, unit->cgroup, config, host_limits_startup(host), NULL);
	wish.delegate_to = uid;
	wish.pressure = host_oom_wants_watch(host, config);
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

/* --- of what runs ------------------------------------------------------------------------------------ */

/* The group of UNIT gets what NOW wishes and OLD did not. One that is not there needs nothing. */
static int host_limits_change(struct host *host, const char *path, const struct cgroup_wish *old,
			      const struct cgroup_wish *now, const struct unit_config *config,
			      struct failure *failure)
{
	uint32_t origin = PROGRAM_NO_ORIGIN;
	_cleanup_free_ char *events = text_format("%s/cgroup.type", path);
	int r;

	if (!events)
		return failure_set(failure, -ENOMEM, config->name, "cannot change its limits");
	if (faccessat(host->cgroups.root_fd, events, F_OK, 0) < 0)
		return 0;
	r = cgroup_change(&host->cgroups, path, old, now, failure, &origin);
	return r < 0 ? host_launch_blame(config, origin, 0, failure) : 0;
}

/* Everything that is up in the slice NAME: what it inherits changes from OLD's values to NOW's. Failures are told, no more: what they
 * concern is protection that others give. */
static void host_limits_pass_on(struct host *host, const char *name, const struct unit_config *old,
				const struct unit_config *now)
{
	const struct host_limits_instead before = {name, old}, after = {name, now};
	_cleanup_free_ char *slice = unit_cgroup_path(name, now);
	size_t length = slice ? strlen(slice) : 0;
	bool startup = host_limits_startup(host);

	TABLE_FOREACH (slot, &host->units) {
		const struct host_unit *own = slot->value;
		const struct unit *unit = manager_get_unit(host->manager, own->name);
		struct cgroup_wish was, is;
		struct failure failure = {};

		if (!slice || !unit || !own->cgroup || strncmp(own->cgroup, slice, length) != 0 ||
		    (length > 0 && own->cgroup[length] != '/'))
			continue;
		was = host_limits_wish(host, own->cgroup, unit->config, startup, &before);
		is = host_limits_wish(host, own->cgroup, unit->config, startup, &after);
		if (host_limits_change(host, own->cgroup, &was, &is, unit->config, &failure) < 0) {
			char text[sizeof failure];

			host_log_message(&host->world, LOG_WARNING, own->name,
					 failure_print(&failure, text, sizeof text));
		}
	}
}

int host_limits_reconfigure(struct world *world, const char *name, const struct unit_config *old,
			    const struct unit_config *now, struct failure *failure)
{
	struct host *host = host_of_world(world);
	struct host_unit *unit = host_unit_find(host, name);
	_cleanup_free_ char *path = unit && unit->cgroup ? strdup(unit->cgroup) : unit_cgroup_path(name, now);
	const struct spec_limits *from = spec_limits(&old->spec), *to = spec_limits(&now->spec);
	bool startup = host_limits_startup(host), is_slice = now->kind == UNIT_SLICE;
	struct cgroup_wish was, is;
	int r = 0;

	if (now->kind == UNIT_TARGET)
		return 0;
	if (!path)
		return failure_set(failure, -ENOMEM, name, "cannot change its limits");
	was = host_limits_wish(host, path, old, startup, NULL);
	is = host_limits_wish(host, path, now, startup, NULL);
	if (host->cgroups.root_fd < 0) {
		if ((is_slice || !unit || unit->cgroup_fd < 0) && cgroup_needed(&is) & ~cgroup_needed(&was))
			return host_launch_blame(
				now, cgroup_first_limit(&is), 0,
				(failure_set(
					 failure, -EOPNOTSUPP, NULL,
					 "there is no writable cgroup v2 hierarchy; resource limits cannot be enforced"),
				 failure));
		return 0;
	}
	if (is_slice && !*path) {
		r = host_limits_check_root(host, now, failure);
		if (r == 0)
			host_limits_pass_on(host, name, old, now);
		return r;
	}
	if (is_slice && (!unit || unit->cgroup_fd < 0))
		return host_limits_make_slice(world, name, now, failure);
	if (old->spec.limits || now->spec.limits)
		r = host_limits_change(host, path, &was, &is, now, failure);
	if (r == 0 && unit)
		r = host_filter_update(unit, now, failure);
	if (r == 0 && unit && unit->cgroup_fd >= 0) {
		struct cgroup_usage usage;

		/* What was killed while that was nobody's business still is not. */
		if (unit->oom_watch < 0 && cgroup_read_usage(&host->cgroups, path, &usage) == 0 &&
		    usage.oom_kills != SPEC_UNSET)
			unit->oom_seen = usage.oom_kills;
		r = host_oom_arm(unit, now, failure);
	}
	if (r < 0) {
		host_limits_change(host, path, &is, &was, old, NULL);
		return r;
	}
	if (is_slice && (from->default_memory_min != to->default_memory_min ||
			 from->default_memory_low != to->default_memory_low ||
			 from->default_startup_memory_low != to->default_startup_memory_low))
		host_limits_pass_on(host, name, old, now);
	return 0;
}

void host_limits_phase_changed(struct world *world)
{
	struct host *host = host_of_world(world);
	bool startup = host_limits_startup(host);

	TABLE_FOREACH (slot, &host->units) {
		const struct host_unit *own = slot->value;
		const struct unit *unit = manager_get_unit(host->manager, own->name);
		struct cgroup_wish was, is;
		struct failure failure = {};

		if (!unit || !own->cgroup || host->cgroups.root_fd < 0)
			continue;
		was = host_limits_wish(host, own->cgroup, unit->config, !startup, NULL);
		is = host_limits_wish(host, own->cgroup, unit->config, startup, NULL);
		if ((unit->config->spec.limits || was.memory_low != is.memory_low) &&
		    host_limits_change(host, own->cgroup, &was, &is, unit->config, &failure) < 0) {
			char text[sizeof failure];

			host_log_message(world, LOG_WARNING, own->name,
					 failure_print(&failure, text, sizeof text));
		}
	}
}

void host_limits_restore(struct host *host)
{
	TABLE_FOREACH (slot, &host->manager->units) {
		const struct unit *unit = slot->value;
		struct failure failure = {};

		if (unit->kind != UNIT_SLICE || unit_active_state(unit) != UNIT_ACTIVE ||
		    !unit->config->spec.limits)
			continue;
		if (host_limits_make_slice(&host->world, unit->name, unit->config, &failure) < 0) {
			char text[sizeof failure];

			host_log_message(&host->world, LOG_WARNING, unit->name,
					 failure_print(&failure, text, sizeof text));
		}
	}
}

/* "3.2M" as a person says it. */
static void host_limits_print_bytes(struct text_buffer *text, uint64_t bytes, const char *what)
{
	static const char units[] = "BKMGTPE";
	size_t unit = 0;
	double value = (double)bytes;

	if (bytes == SPEC_UNSET)
		return;
	for (; value >= 1024 && unit + 2 < sizeof units; unit++)
		value /= 1024;
	text_buffer_append(text, ", %.*f%c %s", unit > 0 && value < 100, value, units[unit], what);
}

/* What the run has cost, while its group is still there to tell. */
void host_limits_tell_usage(struct host_unit *unit, const struct unit_config *config)
{
	const struct host *host = unit->host;
	const struct unit *managed = host->manager ? manager_get_unit(host->manager, unit->name) : NULL;
	const struct spec_limits *limits = spec_limits(&config->spec);
	bool counted = limits->cpu_accounting || limits->io_accounting ||
		       (limits->memory_accounting && host->cgroups.controllers & CGROUP_MEMORY);
	enum unit_active_state state = managed ? unit_active_state(managed) : UNIT_ACTIVE;
	struct text_buffer text = {};
	struct filter_counters traffic;
	bool has_traffic = managed && host_filter_traffic(host, managed, &traffic) == 0;
	struct cgroup_usage usage;
	_cleanup_free_ char *line = NULL;

	if (!(counted || has_traffic) || (state != UNIT_INACTIVE && state != UNIT_FAILED) ||
	    unit->cgroup_fd < 0 || cgroup_read_usage(&host->cgroups, unit->cgroup, &usage) < 0 ||
	    usage.cpu_usage_nsec == SPEC_UNSET)
		return;
	text_buffer_append(&text, "Consumed %.3fs CPU time", (double)usage.cpu_usage_nsec / 1e9);
	host_limits_print_bytes(&text, usage.memory_peak, "memory peak");
	host_limits_print_bytes(&text, usage.memory_swap_peak ? usage.memory_swap_peak : SPEC_UNSET,
				"memory swap peak");
	if (limits->io_accounting) {
		host_limits_print_bytes(&text, usage.io_read_bytes, "read from disk");
		host_limits_print_bytes(&text, usage.io_write_bytes, "written to disk");
	}
	if (has_traffic) {
		host_limits_print_bytes(&text, traffic.ingress_bytes, "of IP traffic received");
		host_limits_print_bytes(&text, traffic.egress_bytes, "sent");
	}
	line = text_buffer_finish(&text);
	if (line)
		host_log_message(&unit->host->world, LOG_INFO, unit->name, line);
}

struct host_limits_explaining {
	const struct unit_config *config;
	struct host_steps *steps;
};

static int host_limits_explain_one(void *data, uint32_t origin, const char *file, const char *text)
{
	const struct host_limits_explaining *explaining = data;
	struct host_steps *steps = explaining->steps;
	struct host_step *larger = reallocarray(steps->items, steps->n + 1, sizeof *larger), *step;
	const char *directive = "";
	char where[256] = "";

	if (!larger)
		return -ENOMEM;
	steps->items = larger;
	if (!unit_config_origin(explaining->config, origin, 0, where, sizeof where, &directive))
		where[0] = '\0';
	step = &larger[steps->n++];
	*step = (struct host_step){
		.command = strdup("cgroup"),
		.operation = text_format("limit %s %s", file, text),
		.where = strdup(where),
		.directive = strdup(directive),
	};
	return step->command && step->operation && step->where && step->directive ? 0 : -ENOMEM;
}

int host_limits_explain(const struct host *host, const struct unit *unit, struct host_steps *steps)
{
	struct host_limits_explaining explaining = {unit->config, steps};
	_cleanup_free_ char *path = unit_cgroup_path(unit->name, unit->config);
	struct cgroup_wish wish;

	if (!path)
		return -ENOMEM;
	wish = host_limits_wish(host, path, unit->config, host_limits_startup(host), NULL);
	return cgroup_tell(&wish, host_limits_explain_one, &explaining);
}
