/* When memory runs out.
 *
 * OOMPolicy=stop: the kernel counts in memory.events whom it killed; inotify tells that the file changed.
 *
 * ManagedOOMMemoryPressure=kill: a trigger of the kernel's (accounting/psi.rst) fires once per window as long as the processes of a group
 * spend more of their time waiting for memory than the limit. When it has fired all through the duration, one service of the group is
 * ended: of those that may be, the one that uses most. Nothing is polled. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "manager/host-private.h"

enum {
	HOST_OOM_LIMIT = 6000,	       /* parts per ten thousand: oomd.conf(5), DefaultMemoryPressureLimit= */
	HOST_OOM_PAUSE = 15 * 1000000, /* microseconds in which a kill may have its effect */
};
#define HOST_OOM_WINDOW	  (2 * USEC_PER_SEC)  /* the only one that the kernel gives to everyone */
#define HOST_OOM_DURATION (30 * USEC_PER_SEC) /* oomd.conf(5), DefaultMemoryPressureDurationSec= */

struct host_pressure {
	struct host_unit *unit;
	int fd;
	sd_event_source *source;
	unsigned limit;
	usec_t duration;
	usec_t since, last; /* the first and the last time it fired in a row */
	usec_t killed;
};

/* --- OOMPolicy= -------------------------------------------------------------------------------------- */

/* Counted apart from host_cgroup_oom_killed(), which tells whether it was the main process. */
void host_oom_check(struct host_unit *unit)
{
	struct cgroup_usage usage;

	if (unit->oom_watch < 0 || cgroup_read_usage(&unit->host->cgroups, unit->cgroup, &usage) < 0 ||
	    usage.oom_kills == SPEC_UNSET || usage.oom_kills <= unit->oom_seen)
		return;
	unit->oom_seen = usage.oom_kills;
	manager_on_oom(unit->host->manager, unit->name);
}

static void host_oom_watch_events(struct host_unit *unit, const struct unit_config *config)
{
	enum spec_oom_policy policy = spec_limits(&config->spec)->oom_policy;
	bool wanted = config->kind == UNIT_SERVICE && unit->host->cgroups.controllers & CGROUP_MEMORY &&
		      (policy == SPEC_OOM_DEFAULT || policy == SPEC_OOM_STOP);

	if (!wanted)
		unit->oom_watch = host_cgroup_unwatch(unit, unit->oom_watch);
	else if (unit->oom_watch < 0) {
		int watch = host_cgroup_watch_file(unit, "memory.events");

		unit->oom_watch = watch < 0 ? -1 : watch; /* without the file, nobody can tell */
	}
}

/* --- ManagedOOMMemoryPressure= ----------------------------------------------------------------------- */

/* Is CANDIDATE, rather than BEST, the one to end? */
static bool host_oom_is_better(const struct unit *candidate, uint64_t memory, const struct unit *best,
			       uint64_t best_memory)
{
	bool avoid = spec_limits(&candidate->config->spec)->oom_preference == SPEC_OOM_PREFERENCE_AVOID,
	     best_avoid =
		     best && spec_limits(&best->config->spec)->oom_preference == SPEC_OOM_PREFERENCE_AVOID;

	return !best || (best_avoid && !avoid) || (best_avoid == avoid && memory > best_memory);
}

/* The service in the group at PATH that is to go; NULL when there is none. */
static const struct unit *host_oom_choose(const struct host *host, const char *path)
{
	const struct unit *best = NULL;
	size_t length = strlen(path);
	uint64_t best_memory = 0;

	TABLE_FOREACH (slot, &host->units) {
		const struct host_unit *own = slot->value;
		const struct unit *unit = manager_get_unit(host->manager, own->name);
		struct cgroup_usage usage;

		if (!unit || unit->kind != UNIT_SERVICE || !own->cgroup ||
		    strncmp(own->cgroup, path, length) != 0 ||
		    (length > 0 && own->cgroup[length] != '/' && own->cgroup[length] != '\0') ||
		    spec_limits(&unit->config->spec)->oom_preference == SPEC_OOM_PREFERENCE_OMIT ||
		    cgroup_populated(&host->cgroups, own->cgroup) <= 0 ||
		    cgroup_read_usage(&host->cgroups, own->cgroup, &usage) < 0)
			continue;
		if (usage.memory_current == SPEC_UNSET)
			usage.memory_current = 0;
		if (host_oom_is_better(unit, usage.memory_current, best, best_memory)) {
			best = unit;
			best_memory = usage.memory_current;
		}
	}
	return best;
}

static int host_oom_on_pressure(sd_event_source *source, int fd _unused_, uint32_t events, void *data)
{
	struct host_pressure *pressure = data;
	struct host *host = pressure->unit->host;
	usec_t now = time_now(CLOCK_MONOTONIC);
	const struct unit *victim;
	char why[128];

	if (events & EPOLLERR) { /* the group is gone */
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	/* It missed a window: the pressure had gone. */
	if (pressure->last == 0 || now - pressure->last > 2 * HOST_OOM_WINDOW)
		pressure->since = now - HOST_OOM_WINDOW;
	pressure->last = now;
	if (now - pressure->since < pressure->duration ||
	    (pressure->killed && now - pressure->killed < HOST_OOM_PAUSE))
		return 0;
	victim = host_oom_choose(host, pressure->unit->cgroup);
	if (!victim)
		return 0;
	pressure->killed = now;
	pressure->last = 0;
	snprintf(why, sizeof why, "Memory pressure in %.64s was above %u.%02u%% for too long",
		 pressure->unit->name, pressure->limit / 100, pressure->limit % 100);
	manager_oom_kill(host->manager, victim->name, why);
	host_wake(host);
	return 0;
}

static struct host_pressure *host_pressure_free(struct host_pressure *pressure)
{
	if (!pressure)
		return NULL;
	sd_event_source_disable_unref(pressure->source);
	fd_close(pressure->fd);
	free(pressure);
	return NULL;
}
DEFINE_CLEANUP(struct host_pressure *, host_pressure_free);

static int host_oom_set_trigger(struct host_pressure *pressure, struct failure *failure)
{
	struct host *host = pressure->unit->host;
	_cleanup_free_ char *path =
		text_format("%s/%s/memory.pressure", host->cgroups.path, pressure->unit->cgroup);
	char text[64];
	int r;

	snprintf(text, sizeof text, "full %llu %llu",
		 (unsigned long long)(HOST_OOM_WINDOW * pressure->limit / 10000),
		 (unsigned long long)HOST_OOM_WINDOW);
	pressure->fd = path ? open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) : -1;
	/* The NUL belongs to the text. */
	if (pressure->fd < 0 || write(pressure->fd, text, strlen(text) + 1) < 0)
		return failure_set(failure, -errno, NULL, "memory pressure cannot be watched by %s",
				   path ? path : "");
	r = sd_event_add_io(host->event, &pressure->source, pressure->fd, EPOLLPRI, host_oom_on_pressure,
			    pressure);
	return r < 0 ? failure_set(failure, r, NULL, "memory pressure cannot be watched") : 0;
}

static int host_oom_watch_pressure(struct host_unit *unit, const struct unit_config *config,
				   struct failure *failure)
{
	_cleanup_(cleanup_host_pressure_free) struct host_pressure *pressure = NULL;
	const struct spec_limits *limits = spec_limits(&config->spec);
	int r;

	unit->pressure = host_pressure_free(unit->pressure);
	if (limits->managed_oom_pressure != SPEC_MANAGED_OOM_KILL)
		return 0;
	pressure = malloc(sizeof *pressure);
	if (!pressure)
		return failure_set(failure, -ENOMEM, NULL, "memory pressure cannot be watched");
	*pressure = (struct host_pressure){
		.unit = unit,
		.fd = -1,
		.limit = limits->managed_oom_limit ? limits->managed_oom_limit : HOST_OOM_LIMIT,
		.duration = limits->managed_oom_duration == USEC_INFINITY
				    ? HOST_OOM_DURATION
				    : MAX_OF(limits->managed_oom_duration, USEC_PER_SEC),
	};
	r = host_oom_set_trigger(pressure, failure);
	if (r < 0)
		return host_launch_blame(config, SPEC_LIMITS_ORIGIN(managed_oom_pressure), 0, failure);
	unit->pressure = TAKE(pressure);
	return 0;
}

/* --- MemoryPressureWatch= ---------------------------------------------------------------------------- */

/* With the mount option nsdelegate nobody inside a cgroup namespace may write to the files of its root, which the payload's group is. */
static bool host_oom_is_forbidden(struct host *host, const struct unit_config *config)
{
	if (config->spec.control_groups < SPEC_CONTROL_GROUPS_PRIVATE)
		return false;
	if (!host->namespaces_known) {
		_cleanup_free_ char *options = NULL;

		host->namespaces_delegate =
			cgroup_find_options(&options) < 0 || strstr(options, "nsdelegate");
		host->namespaces_known = true;
	}
	return host->namespaces_delegate;
}

bool host_oom_wants_watch(struct host *host, const struct unit_config *config)
{
	const struct spec_limits *limits = spec_limits(&config->spec);
	const struct cgroup_wish wish = {
		.limits = limits, .memory_min = SPEC_UNSET, .memory_low = SPEC_UNSET};

	if (host->cgroups.root_fd < 0)
		return false;
	return limits->pressure_watch == SPEC_PRESSURE_WATCH_ON ||
	       (limits->pressure_watch == SPEC_PRESSURE_WATCH_AUTO && cgroup_needed(&wish) & CGROUP_MEMORY &&
		!host_oom_is_forbidden(host, config));
}

static int host_oom_check_watch(struct host *host, const struct unit_config *config, struct failure *failure)
{
	if (spec_limits(&config->spec)->pressure_watch != SPEC_PRESSURE_WATCH_ON)
		return 0;
	if (host->cgroups.root_fd < 0)
		failure_set(failure, -EOPNOTSUPP, NULL,
			    "there is no writable cgroup v2 hierarchy; memory pressure cannot be watched");
	else if (host_oom_is_forbidden(host, config))
		failure_set(
			failure, -EOPNOTSUPP, NULL,
			"the cgroup hierarchy is mounted with nsdelegate: memory pressure cannot be watched from a "
			"cgroup namespace (ProtectControlGroups=no does without one)");
	else
		return 0;
	host_launch_blame(config, SPEC_LIMITS_ORIGIN(pressure_watch), 0, failure);
	return -EOPNOTSUPP;
}

/* RFC 4648. Heap. */
static char *host_oom_encode(const char *data, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;

	for (size_t i = 0; text && i < size; i += 3) {
		uint32_t bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (i + j < size ? (unsigned char)data[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			*to++ = i + j <= size ? digits[bits >> (18 - 6 * j) & 63] : '=';
	}
	if (text)
		*to = '\0';
	return text;
}

/* systemd's protocol (systemd.io/MEMORY_PRESSURE): where to look, and what to write there, with its NUL. */
int host_oom_add_environment(struct host *host, const char *unit, const struct unit_config *config,
			     char ***environment, char **ret_path)
{
	const struct spec_limits *limits = spec_limits(&config->spec);
	usec_t threshold = limits->pressure_threshold;
	_cleanup_free_ char *path = NULL, *encoded = NULL;
	char text[64];
	int r;

	*ret_path = NULL;
	if (limits->pressure_watch == SPEC_PRESSURE_WATCH_OFF)
		return text_list_append(environment, "MEMORY_PRESSURE_WATCH=/dev/null");
	if (!host_oom_wants_watch(host, config))
		return 0;
	path = unit_cgroup_path(unit, config);
	snprintf(text, sizeof text, "some %llu %llu", (unsigned long long)threshold,
		 (unsigned long long)MAX_OF(threshold, HOST_OOM_WINDOW));
	encoded = host_oom_encode(text, strlen(text) + 1);
	*ret_path = path ? text_format("%s/%s/memory.pressure", host->cgroups.path, path) : NULL;
	r = encoded && *ret_path ? 0 : -ENOMEM;
	return r < 0 ? r : text_list_take(environment, text_format("MEMORY_PRESSURE_WRITE=%s", encoded));
}

int host_oom_arm(struct host_unit *unit, const struct unit_config *config, struct failure *failure)
{
	int r = host_oom_check_watch(unit->host, config, failure);

	if (r < 0)
		return r;
	if (unit->host->cgroups.root_fd < 0 || !unit->cgroup) {
		if (spec_limits(&config->spec)->managed_oom_pressure != SPEC_MANAGED_OOM_KILL)
			return 0;
		failure_set(failure, -EOPNOTSUPP, NULL,
			    "there is no writable cgroup v2 hierarchy; memory pressure cannot be watched");
		return host_launch_blame(config, SPEC_LIMITS_ORIGIN(managed_oom_pressure), 0, failure);
	}
	host_oom_watch_events(unit, config);
	return host_oom_watch_pressure(unit, config, failure);
}

void host_oom_release(struct host_unit *unit)
{
	unit->oom_watch = host_cgroup_unwatch(unit, unit->oom_watch);
	unit->pressure = host_pressure_free(unit->pressure);
}
