/* The real world: construction, the door's functions that fit no other host file, and the event loop's part.
 * See host-private.h for the model. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "manager/host-filter.h"

/* --- units --------------------------------------------------------------------------------------------- */

struct host_unit *host_unit_find(const struct host *host, const char *name)
{
	return table_get(&host->units, name);
}

struct host_unit *host_unit_get(struct host *host, const char *name)
{
	struct host_unit *unit = host_unit_find(host, name);

	if (unit)
		return unit;
	unit = malloc(sizeof *unit);
	if (!unit)
		return NULL;
	*unit = (struct host_unit){.host = host,
				   .name = strdup(name),
				   .uid = (uid_t)-1,
				   .cgroup_fd = -1,
				   .events_watch = -1,
				   .oom_watch = -1,
				   .notify_fd = -1,
				   .log_fd = -1};
	if (!unit->name || table_put(&host->units, unit->name, unit) < 0) {
		free(unit->name);
		free(unit);
		return NULL;
	}
	return unit;
}

static void host_unit_free(struct host_unit *unit)
{
	host_launch_forget_programs(unit);
	host_log_detach(unit);
	host_log_rules_free(unit->log_rules);
	unit_config_free(unit->started);
	host_notify_close(unit);
	host_filter_forget(unit);
	host_oom_release(unit);
	fd_close(unit->cgroup_fd);
	free(unit->cgroup);
	free(unit->sessions);
	free(unit->name);
	free(unit);
}

bool host_unit_restarts(const struct host *host, const char *name)
{
	const struct unit *unit = manager_get_unit(host->manager, name);

	if (!unit || !unit->job)
		return unit && unit->state == SERVICE_AUTO_RESTART;
	/* A start that has begun has failed if it is down. */
	return unit->state == SERVICE_AUTO_RESTART || unit->job->type == JOB_RESTART ||
	       (unit->job->type == JOB_START && unit->job->state == JOB_WAITING);
}

/* The unit is down. Its compiled programs stay for the next start. */
static void host_release(struct world *world, const char *name, const struct unit_config *config)
{
	struct host_unit *unit = host_unit_get(host_of_world(world), name);

	if (!unit)
		return;
	if (!unit->cgroup) /* of a manager that is no more; without memory it stays until the shutdown */
		unit->cgroup = unit_cgroup_path(name, config);
	host_limits_tell_usage(unit, config);
	host_log_detach(unit);
	host_notify_close(unit);
	host_streams_release(&config->spec);
	host_cgroup_release(unit);
	host_directory_release(unit->host, name, config);
	host_accounting_release(config);
	host_credential_release(unit->host, name, config);
	host_share_release(unit->host, name);
	host_ipc_release(unit, config);
	if (!host_unit_restarts(unit->host, name))
		host_user_release(unit->host, name);
	unit->started = unit_config_free(unit->started);
	unit->tell_empty = false;
}

/* --- the door ------------------------------------------------------------------------------------------ */

static usec_t host_monotonic(struct world *world _unused_)
{
	return time_now(CLOCK_MONOTONIC);
}

static usec_t host_realtime(struct world *world _unused_)
{
	return time_now(CLOCK_REALTIME);
}

static void host_random(struct world *world _unused_, void *buffer, size_t size)
{
	/* At most 256 bytes are never cut short, and block only before the kernel's first seed. */
	if (getrandom(buffer, size, 0) != (ssize_t)size)
		abort();
}

static void host_set_alarm(struct world *world, usec_t at)
{
	struct host *host = host_of_world(world);

	if (at == USEC_INFINITY) {
		sd_event_source_set_enabled(host->alarm_source, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(host->alarm_source, at);
	sd_event_source_set_enabled(host->alarm_source, SD_EVENT_ONESHOT);
}

static int host_load(struct world *world, const char *unit, struct unit_config **ret)
{
	struct host *host = host_of_world(world);
	struct host_unit *host_unit = host_unit_find(host, unit);

	if (host_unit) /* what was compiled from the old config is out of date */
		host_launch_forget_programs(host_unit);
	return unit_load(&host->unit_path, &host->specifiers, unit, ret);
}

static void host_reloaded(struct world *world)
{
	host_filter_update_all(host_of_world(world));
}

static int host_list_unit_files(struct world *world, char ***ret_names)
{
	_cleanup_text_list_ char **paths = NULL;

	return unit_list_files(&host_of_world(world)->unit_path, ret_names, &paths);
}

static const struct world_ops host_ops = {
	.monotonic = host_monotonic,
	.realtime = host_realtime,
	.set_alarm = host_set_alarm,
	.random = host_random,
	.load = host_load,
	.list_unit_files = host_list_unit_files,
	.reloaded = host_reloaded,
	.launch = host_launch_start,
	.describe_failure = host_launch_describe,
	.forget = host_init_forget,
	.adopt = host_init_adopt,
	.owns = host_cgroup_owns,
	.kill = host_init_kill,
	.kill_unit = host_cgroup_kill_unit,
	.thaw = host_freeze_end,
	.populated = host_cgroup_populated,
	.oom_killed = host_cgroup_oom_killed,
	.release = host_release,
	.make_slice = host_limits_make_slice,
	.reconfigure = host_limits_reconfigure,
	.phase_changed = host_limits_phase_changed,
	.find_main_pid = host_cgroup_find_main_pid,
	.condition = host_condition_test,
	.memory = host_memory_grow,
	.log = host_log_message,
	.finished = host_init_finished,
};

/* --- the loop ------------------------------------------------------------------------------------------ */

static int host_on_alarm(sd_event_source *source _unused_, uint64_t at _unused_, void *data)
{
	struct host *host = data;

	manager_on_alarm(host->manager);
	host_wake(host);
	return 0;
}

/* A slice of the manager's waiting work, then the loop looks at its descriptors again. */
static int host_on_work(sd_event_source *source, void *data)
{
	struct host *host = data;

	for (int i = 0; i < 256; i++)
		if (!manager_run(host->manager))
			return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

void host_wake(struct host *host)
{
	sd_event_source_set_enabled(host->work_source, SD_EVENT_ON);
}

/* --- birth and death ----------------------------------------------------------------------------------- */

static int host_make_directories(const struct host *host, struct failure *failure)
{
	static const char *const below[] = {"", "/logs", "/notify", "/credentials", "/users"};

	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		_cleanup_free_ char *path = text_format("%s%s", host->runtime_directory, below[i]);
		int r = path ? fd_make_directories(path, 0755) : -ENOMEM;

		if (r < 0)
			return failure_set(failure, r, path, "cannot make the runtime directory");
	}
	/* The state directory is needed by few units; a read-only root must not keep the others from running.
	 */
	fd_make_directories(host->state_directory, 0755);
	return 0;
}

static int host_open_files(struct host *host, struct failure *failure)
{
	_cleanup_free_ char *path = text_format("%s/state", host->runtime_directory);

	host->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (host->null_fd < 0)
		return failure_set(failure, -errno, "/dev/null", "cannot open");
	if (!path)
		return failure_set(failure, -ENOMEM, NULL, "cannot start");
	/* What another svc-init's manager left behind is no state of this one. */
	host->memory_fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (host_first_start(host) ? O_TRUNC : 0),
		     0600);
	if (host->memory_fd < 0)
		return failure_set(failure, -errno, path, "cannot open the state file");
	return 0;
}

static int host_add_sources(struct host *host)
{
	int r = sd_event_add_time(host->event, &host->alarm_source, CLOCK_MONOTONIC, 0, 1, host_on_alarm,
				  host);

	if (r >= 0)
		r = sd_event_source_set_enabled(host->alarm_source, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(host->event, &host->work_source, host_on_work, host);
	if (r >= 0)
		r = sd_event_source_set_enabled(host->work_source, SD_EVENT_ON);
	if (r >= 0)
		r = host_cgroup_watch(host);
	return r;
}

int host_new(const struct host_options *options, sd_event *event, const struct manager_observer *observer,
	     struct host **ret, struct failure *failure)
{
	_cleanup_(cleanup_host_free) struct host *host = malloc(sizeof *host);
	int r;

	if (!host)
		return failure_set(failure, -ENOMEM, NULL, "cannot start");
	*host = (struct host){.world.ops = &host_ops,
			      .event = sd_event_ref(event),
			      .init_fd = options->init_fd,
			      .log_level = options->log_level,
			      .null_fd = -1,
			      .inotify_fd = -1,
			      .memory_fd = -1,
			      .links_fd = -1,
			      .counters_map = -1,
			      .cgroups.root_fd = -1,
			      .runtime_directory = strdup(options->runtime_directory),
			      .state_directory = strdup(options->state_directory),
			      .container_directory = text_format("%s/containers", options->state_directory),
			      .volume_directory = text_format("%s/volumes", options->state_directory)};
	host->queue_end = &host->queue;
	if (!host->runtime_directory || !host->state_directory || !host->container_directory ||
	    !host->volume_directory || host_directory_set_bases(host) < 0 || host_credential_init(host) < 0)
		return failure_set(failure, -ENOMEM, NULL, "cannot start");
	r = host_init_connect(host, failure);
	if (r == 0)
		r = host_make_directories(host, failure);
	if (r == 0)
		r = host_open_files(host, failure);
	if (r < 0)
		return r;
	r = host_add_sources(host);
	if (r < 0)
		return failure_set(failure, r, NULL, "cannot set up the event loop");
	r = unit_search_path_parse(options->unit_path, getppid() == 1, &host->unit_path);
	if (r < 0)
		return failure_set(failure, r, options->unit_path, "not a search path");
	r = host_setting_open(host);
	if (r < 0)
		return failure_set(failure, r, NULL, "cannot start");
	r = cgroup_tree_open(&host->cgroups, options->cgroup_root, getppid(), failure);
	if (r < 0)
		return r;
	r = host_user_read(host);
	if (r < 0)
		return failure_set(failure, r, NULL, "cannot read which dynamic users there are");
	r = manager_new(&host->world, observer, &host->manager);
	if (r < 0)
		return failure_set(failure, r, NULL, "cannot restore the manager's state");
	host_share_restore(host);
	r = host_init_synchronize(host, failure);
	if (r < 0)
		return r;
	host_share_synchronized(host);
	manager_synchronized(host->manager);
	host_limits_restore(host);
	host_user_purge(host);
	host_removal_resume(host);
	TABLE_FOREACH (slot, &host->units) {
		host_oom_check(slot->value);
		host_cgroup_check_empty(slot->value);
	}
	host_filter_update_all(host);
	*ret = TAKE(host);
	return 0;
}

struct host *host_free(struct host *host)
{
	if (!host)
		return NULL;
	host_init_disconnect(host);
	manager_free(host->manager);
	while (host->launches.count > 0)
		TABLE_FOREACH (slot, &host->launches) {
			host_launch_free(slot->value);
			break;
		}
	TABLE_FOREACH (slot, &host->units)
		host_unit_free(slot->value);
	TABLE_FOREACH (slot, &host->watches)
		free(slot->value);
	host_filter_finish(host);
	table_free(&host->launches);
	table_free(&host->units);
	table_free(&host->watches);
	sd_event_source_disable_unref(host->alarm_source);
	sd_event_source_disable_unref(host->work_source);
	sd_event_source_disable_unref(host->inotify_source);
	sd_event_unref(host->event);
	if (host->memory)
		munmap(host->memory, host->memory_size);
	fd_close(host->memory_fd);
	fd_close(host->inotify_fd);
	fd_close(host->null_fd);
	cgroup_tree_close(&host->cgroups);
	unit_search_path_free(&host->unit_path);
	text_list_free(host->id_ranges);
	host_share_close(host);
	host_clean_drop(host);
	host_removal_drop(host);
	host_credential_free(host);
	host_user_free_all(host);
	for (size_t i = 0; i < ARRAY_SIZE(host->directories); i++)
		free(host->directories[i]);
	free(host->runtime_directory);
	free(host->state_directory);
	free(host->container_directory);
	free(host->volume_directory);
	free(host);
	return NULL;
}

struct manager *host_manager(struct host *host)
{
	return host->manager;
}

const struct cgroup_tree *host_cgroup_tree(const struct host *host)
{
	return &host->cgroups;
}

const struct unit_search_path *host_unit_path(const struct host *host)
{
	return &host->unit_path;
}

bool host_first_start(const struct host *host)
{
	return host->manager_starts <= 1;
}

uint32_t host_init_mode(const struct host *host)
{
	return host->init_mode;
}
