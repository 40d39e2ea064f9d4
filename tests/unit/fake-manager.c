#include "tests/unit/fake-manager.h"
#include "units/directive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

struct host {
	struct manager manager;
	struct world world;
	struct cgroup_tree tree;
	struct unit_search_path path;
	sd_event_source *work;
	struct job job;
	bool job_waits;
	enum cgroup_freezer freezer;
	char id[16];
};

static int fake_load(_unused_ struct world *world, const char *name, struct unit_config **ret)
{
	struct unit_config *config =
		unit_config_new(name, text_ends_with(name, ".target") ? UNIT_TARGET : UNIT_SERVICE);

	struct failure why;

	if (!config)
		return -ENOMEM;
	if (!text_starts_with(name, "web")) {
		config->load_state = UNIT_NOT_FOUND;
		failure_set(&why, -ENOENT, NULL, "Unit %s not found", name);
		failure_keep(&config->load_failure, &why);
	} else {
		text_list_append(&config->files, "/etc/svcd/units/web.service");
		text_set(&config->description, "A web server");
	}
	*ret = config;
	return 0;
}

static const struct world_ops fake_ops = {.load = fake_load};

int manager_load_unit(struct manager *manager, const char *name, struct unit **ret, struct failure *failure)
{
	struct unit *unit = table_get(&manager->units, name);

	if (!unit) {
		if (unit_name_parse(name, NULL, failure) < 0)
			return -EINVAL;
		unit = calloc(1, sizeof *unit);
		unit->manager = manager;
		unit->name = strdup(name);
		fake_load(manager->world, name, &unit->config);
		unit->kind = unit->config->kind;
		table_put(&manager->units, unit->name, unit);
		manager->observer.unit_new(manager->observer.data, unit);
	}
	*ret = unit;
	return 0;
}

struct unit *manager_get_unit(const struct manager *manager, const char *name)
{
	return table_get(&manager->units, name);
}

static struct host *host_of(struct manager *manager)
{
	return (struct host *)((char *)manager - offsetof(struct host, manager));
}

int manager_enqueue(struct manager *manager, enum job_type type, struct unit *unit,
		    enum job_mode _unused_ mode, struct job **ret, struct failure *failure)
{
	struct host *host = host_of(manager);

	if (unit->config->load_state == UNIT_NOT_FOUND)
		return failure_set(failure, -ENOENT, NULL, "Unit %s not found", unit->name);
	if (host->job_waits)
		return failure_set(failure, -EBUSY, NULL, "Another job is queued for %s", unit->name);
	host->job = (struct job){.id = ++manager->last_job_id, .type = type, .unit = unit};
	host->job_waits = true;
	snprintf(host->id, sizeof host->id, "%u", host->job.id);
	table_put(&manager->jobs, host->id, &host->job);
	unit->job = &host->job;
	manager->observer.job_new(manager->observer.data, &host->job);
	manager->observer.unit_changed(manager->observer.data, unit);
	*ret = &host->job;
	return 0;
}

void host_wake(struct host *host)
{
	sd_event_source_set_enabled(host->work, SD_EVENT_ONESHOT);
}

static int fake_work(_unused_ sd_event_source *source, void *userdata)
{
	struct host *host = userdata;
	struct unit *unit = host->job.unit;

	if (host->freezer == CGROUP_FREEZING || host->freezer == CGROUP_THAWING) {
		host->freezer = host->freezer == CGROUP_FREEZING ? CGROUP_FROZEN : CGROUP_RUNNING;
		host->manager.observer.unit_changed(host->manager.observer.data,
						    table_get(&host->manager.units, "web.service"));
	}
	if (!host->job_waits)
		return 0;
	unit->state = host->job.type == JOB_STOP ? SERVICE_DEAD : SERVICE_RUNNING;
	unit->timestamps.state_change[0] = time_now(CLOCK_REALTIME);
	unit->job = NULL;
	host->job_waits = false;
	table_remove(&host->manager.jobs, host->id);
	host->manager.observer.unit_changed(host->manager.observer.data, unit);
	host->manager.observer.job_removed(host->manager.observer.data, &host->job, JOB_DONE);
	return 0;
}

struct host *fake_manager_new(sd_event *event, const struct manager_observer *observer)
{
	struct host *host = calloc(1, sizeof *host);
	struct unit *web;

	host->world.ops = &fake_ops;
	host->tree.root_fd = -1;
	host->manager.world = &host->world;
	host->manager.observer = *observer;
	host->manager.started_at = time_now(CLOCK_MONOTONIC);
	sd_event_add_defer(event, &host->work, fake_work, host);
	sd_event_source_set_enabled(host->work, SD_EVENT_OFF);
	manager_load_unit(&host->manager, "web.service", &web, NULL);
	web->state = SERVICE_RUNNING;
	web->main = (struct unit_process){.alive = true, .pid = getpid(), .command = SERVICE_EXEC_START};
	return host;
}

struct host *fake_manager_free(struct host *host)
{
	TABLE_FOREACH (slot, &host->manager.units) {
		struct unit *unit = slot->value;

		unit_config_free(unit->config);
		free(unit->name);
		free(unit);
	}
	table_free(&host->manager.units);
	table_free(&host->manager.jobs);
	sd_event_source_disable_unref(host->work);
	free(host);
	return NULL;
}

/* --- the rest of what dbus/ asks --------------------------------------------------------------------- */

const char *const unit_active_state_names[UNIT_ACTIVE_STATE_MAX_] = {"inactive",  "activating",	  "active",
								     "reloading", "deactivating", "failed"};
const char *const service_result_names[SERVICE_RESULT_MAX_] = {"success"};
const char *const job_type_names[JOB_TYPE_MAX_] = {"start", "stop"};
const char *const job_mode_names[JOB_MODE_MAX_] = {"replace", "fail"};
const char *const job_state_names[JOB_STATE_MAX_] = {"waiting", "running"};
const char *const job_result_names[JOB_RESULT_MAX_] = {"done"};

enum unit_active_state unit_active_state(const struct unit *unit)
{
	return unit->state == SERVICE_RUNNING ? UNIT_ACTIVE : UNIT_INACTIVE;
}

const char *unit_sub_state(const struct unit *unit)
{
	return unit->state == SERVICE_RUNNING ? "running" : "dead";
}

int unit_list_dependencies(const struct unit *unit, enum unit_dependency dependency, bool reverse,
			   char ***ret)
{
	return reverse ? 0 : text_list_copy(unit->config->dependencies[dependency], ret);
}

bool unit_can_reload(_unused_ const struct unit *unit)
{
	return false;
}

char *unit_cgroup_path(const char *name, _unused_ const struct unit_config *config)
{
	return text_format("system.slice/%s", name);
}

struct job *manager_get_job(const struct manager *manager, uint32_t id)
{
	char text[16];

	snprintf(text, sizeof text, "%u", id);
	return table_get(&manager->jobs, text);
}

void manager_cancel_job(_unused_ struct manager *manager, _unused_ struct job *job)
{
}

int manager_reset_failed(_unused_ struct manager *manager, _unused_ struct unit *unit)
{
	return 0;
}

int manager_kill(_unused_ struct manager *manager, _unused_ struct unit *unit, enum world_who _unused_ who,
		 int _unused_ signal, _unused_ struct failure *failure)
{
	return 0;
}

int manager_reload(_unused_ struct manager *manager, _unused_ struct failure *failure)
{
	return 0;
}

int manager_shutdown(_unused_ struct manager *manager, uint32_t _unused_ action, int _unused_ exit_status)
{
	return 0;
}

const char *manager_system_state(_unused_ const struct manager *manager)
{
	return "running";
}

unsigned manager_count_failed(_unused_ const struct manager *manager)
{
	return 0;
}

struct manager *host_manager(struct host *host)
{
	return &host->manager;
}

const struct cgroup_tree *host_cgroup_tree(const struct host *host)
{
	return &host->tree;
}

const struct unit_search_path *host_unit_path(const struct host *host)
{
	return &host->path;
}

int host_explain(_unused_ struct host *host, struct unit *unit, struct host_steps *ret,
		 _unused_ struct failure *failure)
{
	ret->items = calloc(1, sizeof *ret->items);
	ret->n = 1;
	ret->items[0] = (struct host_step){.command = strdup("ExecStart"),
					   .operation = strdup("execve /usr/sbin/web"),
					   .where = text_format("/etc/svcd/units/%s:3", unit->name),
					   .directive = strdup("ExecStart")};
	return 0;
}

int host_security(_unused_ struct host *host, _unused_ struct unit *unit, struct exposure *ret,
		  _unused_ struct failure *failure)
{
	*ret = (struct exposure){.n = 1, .score = 42, .predicate = "OK"};
	ret->rows[0] = (struct exposure_row){
		EXPOSURE_CONTROL, "NoNewPrivileges=", "May gain privileges", 1000, 1, 1};
	return 0;
}

int host_unenforceable(_unused_ struct host *host, _unused_ const struct unit *unit, char ***ret)
{
	*ret = NULL;
	return 0;
}

void host_steps_free(struct host_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		free(steps->items[i].command);
		free(steps->items[i].operation);
		free(steps->items[i].where);
		free(steps->items[i].directive);
	}
	free(steps->items);
	*steps = (struct host_steps){};
}

int host_filter_traffic(_unused_ const struct host *host, _unused_ const struct unit *unit,
			_unused_ struct filter_counters *ret)
{
	return -ENODATA;
}

int host_isolation(_unused_ struct host *host, _unused_ const struct unit *unit, char ***ret)
{
	return text_list_append(ret, "pid=private");
}

/* Changes nothing: fails with what it was asked for, each line of a unit file followed by ';'. */
int host_set_properties(struct host *host _unused_, struct unit *unit _unused_, bool runtime,
			const struct host_setting *settings, size_t n, struct failure *failure)
{
	struct text_buffer text = {};
	_cleanup_free_ char *lines = NULL;

	for (size_t i = 0; i < n; i++)
		TEXT_LIST_FOREACH (value, settings[i].values)
			text_buffer_append(&text, "%s=%s;", settings[i].directive->name, *value);
	lines = text_buffer_finish(&text);
	return failure_set(failure, -EINVAL, NULL, "%s%s", runtime ? "runtime: " : "", lines ? lines : "");
}

/* web.service freezes and thaws when the loop comes round; web-busy.service never gets there. */
int host_freeze(struct host *host, struct unit *unit, bool freeze, struct failure *failure)
{
	if (unit->kind != UNIT_SERVICE)
		return failure_set(failure, -EOPNOTSUPP, NULL, "Unit %s has no processes", unit->name);
	host->freezer = freeze ? CGROUP_FREEZING : CGROUP_THAWING;
	host->manager.observer.unit_changed(host->manager.observer.data, unit);
	if (strcmp(unit->name, "web.service") == 0)
		host_wake(host);
	return 0;
}

const char *host_clean_result(_unused_ const struct host *host, _unused_ const struct unit *unit)
{
	return "success";
}

const struct host_user *host_users(_unused_ const struct host *host)
{
	static const struct host_user second = {.name = (char *)"cache", .uid = 61999},
				      first = {.next = (struct host_user *)&second,
					       .name = (char *)"web",
					       .uid = 61184};

	return &first;
}

/* Runtime directories are gone at once, the state takes until never. */
int host_clean(_unused_ struct host *host, struct unit *unit, unsigned what,
	       void (*done)(void *data, int result), void *data, struct failure *failure)
{
	if (unit->kind != UNIT_SERVICE)
		return failure_set(failure, -EOPNOTSUPP, NULL, "Unit %s does not support cleaning",
				   unit->name);
	if (what & (1u << SPEC_DIRECTORY_LOGS))
		return failure_set(failure, -EUNATCH, NULL, "Unit %s has nothing to clean", unit->name);
	if (what & (1u << SPEC_DIRECTORY_STATE))
		done(data, -ETIMEDOUT);
	return what & (1u << SPEC_DIRECTORY_STATE) ? 0 : 1;
}

enum cgroup_freezer host_freezer_state(const struct host *host, _unused_ const struct unit *unit)
{
	return host->freezer;
}

/* Says "hello" on the command's standard output, as if the command had; ends with the number that argv[1] is.
 */
int host_exec(_unused_ struct host *host, _unused_ struct unit *unit, const struct host_exec *exec,
	      struct failure *failure, int *ret_exit_status)
{
	*ret_exit_status = 203;
	if (strcmp(exec->argv[0], "missing") == 0)
		return failure_set(failure, -ENOENT, "missing", "no such command");
	if (write(exec->stdio[1], "hello\n", 6) != 6)
		return failure_set(failure, -EIO, NULL, "cannot write");
	exec->done(exec->data, W_EXITCODE(exec->argv[1] ? atoi(exec->argv[1]) : 0, 0), NULL, 0);
	return 0;
}

void host_exec_abandon(_unused_ struct host *host, _unused_ const void *data)
{
}

int host_open_log(_unused_ struct host *host, _unused_ const char *unit)
{
	return -ENOENT;
}
