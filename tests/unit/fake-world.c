/* See fake-world.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/fake-world.h"

static struct fake *fake_of(struct world *world)
{
	return (struct fake *)world;
}

static usec_t fake_monotonic(struct world *world)
{
	return fake_of(world)->now;
}

static usec_t fake_realtime(struct world *world)
{
	return fake_of(world)->now + 1000 * USEC_PER_SEC;
}

static void fake_set_alarm(struct world *world, usec_t at)
{
	fake_of(world)->alarm = at;
}

static void fake_random(struct world *world, void *buffer, size_t size)
{
	memset(buffer, 0, size);
	memcpy(buffer, &(uint64_t){++fake_of(world)->random}, MIN_OF(size, sizeof(uint64_t)));
}

static struct unit_config *fake_config(const struct fake *fake, const char *name)
{
	for (unsigned i = 0; i < fake->n_units; i++)
		if (strcmp(fake->configs[i]->name, name) == 0)
			return fake->configs[i];
	return NULL;
}

/* What a test may set, copied: the manager owns what it gets. */
static int fake_load(struct world *world, const char *name, struct unit_config **ret)
{
	const struct unit_config *from = fake_config(fake_of(world), name);
	bool target = strstr(name, ".target");
	struct unit_config *config = unit_config_new(name, target ? UNIT_TARGET : UNIT_SERVICE), plain;

	if (!from) {
		config->load_state = UNIT_NOT_FOUND;
		*ret = config;
		return 0;
	}
	plain = *config;
	*config = *from;
	/* Pointers must not be shared. */
	config->load_failure = NULL;
	failure_keep(&config->load_failure, from->load_failure);
	config->name = plain.name;
	config->slice = plain.slice;
	config->spec = plain.spec;
	config->description = plain.description;
	config->conditions = from->n_conditions ? calloc(from->n_conditions, sizeof *from->conditions) : NULL;
	for (size_t i = 0; i < from->n_conditions; i++) {
		config->conditions[i] = from->conditions[i];
		config->conditions[i].parameter = strdup("/x");
	}
	config->pid_file = from->pid_file ? strdup(from->pid_file) : NULL;
	for (int i = 0; i < UNIT_DEPENDENCY_MAX_; i++) {
		config->dependencies[i] = NULL;
		text_list_copy(from->dependencies[i], &config->dependencies[i]);
	}
	for (enum service_command i = 0; i < SERVICE_COMMAND_MAX_; i++) {
		config->commands[i] = (struct exec_commands){};
		for (size_t j = 0; j < from->commands[i].n; j++)
			fake_command(config, i, from->commands[i].items[j].ignore_failure);
	}
	*ret = config;
	return 0;
}

static int fake_list_unit_files(_unused_ struct world *world, char ***ret_names)
{
	*ret_names = NULL;
	return 0;
}

static int fake_launch(struct world *world, const struct world_launch *launch, struct failure *failure,
		       int *ret_exit_status)
{
	struct fake *fake = fake_of(world);
	struct fake_launch *new;

	if (fake->refuse || fake->n_launches == FAKE_MAX_LAUNCHES) {
		*ret_exit_status = 217;
		return failure_set(failure, fake->refuse ? fake->refuse : -ENOSPC, "web.service:3",
				   "no such user");
	}
	new = &fake->launches[fake->n_launches++];
	*new = (struct fake_launch){.command = launch->command, .index = launch->index, .alive = true};
	snprintf(new->unit, sizeof new->unit, "%s", launch->unit);
	snprintf(new->record.label, sizeof new->record.label, "%s/x", launch->unit);
	new->environment = text_list_join(launch->environment, " ");
	new->record.head.id = launch->id;
	new->at_once = launch->config->type == SERVICE_SIMPLE && launch->command == SERVICE_EXEC_START;
	new->record.state = LAUNCH_STATE_STARTING;
	new->record.pid = new->record.payload_pid = (pid_t)(1000 + fake->n_launches);
	return 0;
}

static void fake_describe(_unused_ struct world *world, _unused_ const char *unit,
			  const struct launch_record *record, struct failure *failure, int *ret_exit_status)
{
	failure_set(failure, -record->failed_errno, "web.service:14", "cannot mount /srv/a");
	*ret_exit_status = 226;
}

static struct fake_launch *fake_find(struct fake *fake, const struct launch_id *id)
{
	for (unsigned i = 0; i < fake->n_launches; i++)
		if (memcmp(&fake->launches[i].record.head.id, id, sizeof *id) == 0)
			return &fake->launches[i];
	return NULL;
}

static void fake_forget(struct world *world, const struct launch_id *id)
{
	struct fake_launch *launch = fake_find(fake_of(world), id);

	if (launch)
		launch->forgotten = true;
}

static int fake_adopt(struct world *world, const char *unit, const struct launch_id *id, pid_t pid)
{
	struct fake *fake = fake_of(world);
	struct fake_launch *new = &fake->launches[fake->n_launches++];

	*new = (struct fake_launch){.command = SERVICE_EXEC_START, .alive = true, .environment = strdup("")};
	snprintf(new->unit, sizeof new->unit, "%s", unit);
	new->record.head.id = *id;
	new->record.state = LAUNCH_STATE_RUNNING;
	new->record.pid = new->record.payload_pid = pid;
	return 0;
}

static int fake_kill(struct world *world, const struct launch_id *id, int signal)
{
	struct fake_launch *launch = fake_find(fake_of(world), id);

	if (!launch || !launch->alive)
		return -ESRCH;
	if (signal != SIGCONT && (!fake_of(world)->frozen || signal == SIGKILL))
		launch->signal = signal;
	return 0;
}

static int fake_kill_unit(struct world *world, const char *unit, _unused_ const struct unit_config *config,
			  int signal, const struct launch_id *except)
{
	struct fake *fake = fake_of(world);

	fake->n_kill_unit++;
	for (unsigned i = 0; i < fake->n_launches; i++)
		if (signal != SIGCONT && strcmp(fake->launches[i].unit, unit) == 0 &&
		    fake->launches[i].alive &&
		    !(except && memcmp(&fake->launches[i].record.head.id, except, sizeof *except) == 0))
			fake->launches[i].signal = signal;
	if (signal == SIGKILL)
		fake->leftover = false;
	return 0;
}

static void fake_thaw(struct world *world, _unused_ const char *unit)
{
	fake_of(world)->frozen = false;
}

static bool fake_owns(_unused_ struct world *world, _unused_ const char *unit, _unused_ pid_t pid)
{
	return true;
}

static bool fake_oom_killed(struct world *world, _unused_ const char *unit)
{
	return fake_of(world)->oom_killed;
}

static bool fake_populated(struct world *world, const char *unit, _unused_ const struct unit_config *config)
{
	const struct fake *fake = fake_of(world);

	for (unsigned i = 0; i < fake->n_launches; i++)
		if (strcmp(fake->launches[i].unit, unit) == 0 && fake->launches[i].alive)
			return true;
	return fake->leftover;
}

static void fake_release(_unused_ struct world *world, _unused_ const char *unit,
			 _unused_ const struct unit_config *config)
{
}

static pid_t fake_find_main_pid(struct world *world, _unused_ const char *unit,
				_unused_ const struct unit_config *config)
{
	return fake_of(world)->main_pid;
}

static int fake_condition(_unused_ struct world *world, const struct unit_condition *condition)
{
	return condition->negate;
}

static void *fake_memory(struct world *world, size_t size)
{
	struct fake *fake = fake_of(world);

	if (size > fake->memory_size) {
		fake->memory = realloc(fake->memory, size);
		memset((char *)fake->memory + fake->memory_size, 0, size - fake->memory_size);
		fake->memory_size = size;
	}
	return fake->memory;
}

static void fake_log(_unused_ struct world *world, _unused_ int priority, _unused_ const char *unit,
		     _unused_ const char *text)
{
}

static void fake_finished(struct world *world, _unused_ uint32_t action, _unused_ int exit_status)
{
	fake_of(world)->finished = true;
}

static const struct world_ops fake_ops = {
	.monotonic = fake_monotonic,
	.realtime = fake_realtime,
	.set_alarm = fake_set_alarm,
	.random = fake_random,
	.load = fake_load,
	.list_unit_files = fake_list_unit_files,
	.launch = fake_launch,
	.describe_failure = fake_describe,
	.forget = fake_forget,
	.adopt = fake_adopt,
	.kill = fake_kill,
	.kill_unit = fake_kill_unit,
	.thaw = fake_thaw,
	.populated = fake_populated,
	.owns = fake_owns,
	.oom_killed = fake_oom_killed,
	.release = fake_release,
	.find_main_pid = fake_find_main_pid,
	.condition = fake_condition,
	.memory = fake_memory,
	.log = fake_log,
	.finished = fake_finished,
};

static void fake_job_removed(void *data, struct job *job, enum job_result result)
{
	struct fake *fake = data;
	size_t length = strlen(fake->results);

	snprintf(fake->results + length, sizeof fake->results - length, "%s/%s=%s ", job->unit->name,
		 job_type_names[job->type], job_result_names[result]);
}

static void fake_begin(struct fake *fake)
{
	struct manager_observer observer = {.job_removed = fake_job_removed, .data = fake};

	if (manager_new(&fake->world, &observer, &fake->manager) < 0)
		abort();
}

void fake_init(struct fake *fake)
{
	*fake = (struct fake){.world.ops = &fake_ops, .now = 100 * USEC_PER_SEC, .alarm = USEC_INFINITY};
	fake_begin(fake);
	manager_synchronized(fake->manager);
}

void fake_deinit(struct fake *fake)
{
	manager_free(fake->manager);
	for (unsigned i = 0; i < fake->n_units; i++)
		unit_config_free(fake->configs[i]);
	for (unsigned i = 0; i < fake->n_launches; i++)
		free(fake->launches[i].environment);
	free(fake->memory);
}

struct unit_config *fake_add(struct fake *fake, const char *name)
{
	struct unit_config *config =
		unit_config_new(name, strstr(name, ".target") ? UNIT_TARGET : UNIT_SERVICE);

	config->load_state = UNIT_LOADED;
	fake->configs[fake->n_units++] = config;
	return config;
}

struct unit_config *fake_add_service(struct fake *fake, const char *name, enum service_type type)
{
	struct unit_config *config = fake_add(fake, name);

	config->type = type;
	config->timeout_start_set = true;
	config->timeout_start = config->timeout_stop = USEC_PER_SEC;
	config->restart_delay = 100 * USEC_PER_MSEC;
	config->kill_mode = KILL_CONTROL_GROUP;
	config->send_sigkill = true;
	fake_command(config, SERVICE_EXEC_START, false);
	return config;
}

void fake_depend(struct fake *fake, const char *name, enum unit_dependency dependency, const char *on)
{
	text_list_append(&fake_config(fake, name)->dependencies[dependency], on);
}

void fake_command(struct unit_config *config, enum service_command command, bool ignore_failure)
{
	struct exec_commands *commands = &config->commands[command];

	commands->items = realloc(commands->items, (commands->n + 1) * sizeof *commands->items);
	commands->items[commands->n] =
		(struct exec_command){.path = strdup("/bin/x"), .ignore_failure = ignore_failure};
	text_list_append(&commands->items[commands->n].argv, "/bin/x");
	commands->n++;
}

struct unit *fake_unit(struct fake *fake, const char *name)
{
	struct unit *unit = NULL;

	manager_load_unit(fake->manager, name, &unit, NULL);
	return unit;
}

void fake_settle(struct fake *fake)
{
	bool told;

	do {
		while (manager_run(fake->manager))
			;
		told = false;
		/* What a simple service runs is executed at once; the others are told by the test. */
		for (unsigned i = 0; i < fake->n_launches && !told; i++) {
			struct fake_launch *launch = &fake->launches[i];

			told = launch->at_once && launch->alive &&
			       launch->record.state == LAUNCH_STATE_STARTING;
			if (!told)
				continue;
			launch->record.state = LAUNCH_STATE_RUNNING;
			manager_on_record(fake->manager, &launch->record);
		}
	} while (told);
}

int fake_do(struct fake *fake, enum job_type type, const char *name)
{
	int r = manager_enqueue(fake->manager, type, fake_unit(fake, name), JOB_REPLACE, NULL, NULL);

	fake_settle(fake);
	return r;
}

struct fake_launch *fake_last(struct fake *fake, const char *name)
{
	for (unsigned i = fake->n_launches; i-- > 0;)
		if (strcmp(fake->launches[i].unit, name) == 0)
			return &fake->launches[i];
	return NULL;
}

void fake_run(struct fake *fake, struct fake_launch *launch)
{
	launch->record.state = LAUNCH_STATE_RUNNING;
	launch->record.exec_at = fake->now;
	manager_on_record(fake->manager, &launch->record);
	fake_settle(fake);
}

void fake_exit(struct fake *fake, struct fake_launch *launch, int status)
{
	char unit[sizeof launch->unit];

	memcpy(unit, launch->unit, sizeof unit);
	launch->alive = false;
	launch->record.state = LAUNCH_STATE_EXITED;
	launch->record.exec_at = fake->now;
	launch->record.wait_status = status;
	manager_on_record(fake->manager, &launch->record);
	fake_settle(fake);
	if (!fake_populated(&fake->world, unit, NULL))
		manager_on_empty(fake->manager, unit);
	fake_settle(fake);
}

void fake_notify(struct fake *fake, const char *name, const char *text)
{
	manager_on_notify(fake->manager, name, fake_unit(fake, name)->main.pid, text);
	fake_settle(fake);
}

void fake_wait(struct fake *fake, usec_t by)
{
	usec_t until = fake->now + by;

	while (fake->alarm <= until) {
		fake->now = MAX_OF(fake->now, fake->alarm);
		fake->alarm = USEC_INFINITY;
		manager_on_alarm(fake->manager);
		fake_settle(fake);
	}
	fake->now = until;
}

void fake_crash(struct fake *fake, bool without_records)
{
	fake->manager = manager_free(fake->manager);
	fake->alarm = USEC_INFINITY;
	fake_begin(fake);
	for (unsigned i = 0; i < fake->n_launches && !without_records; i++)
		if (!fake->launches[i].forgotten)
			manager_on_record(fake->manager, &fake->launches[i].record);
	manager_synchronized(fake->manager);
	fake_settle(fake);
}

const char *fake_state(struct fake *fake, const char *name)
{
	return unit_sub_state(fake_unit(fake, name));
}
