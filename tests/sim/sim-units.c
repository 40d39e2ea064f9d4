/* Random units: two to eight services and targets, with dependencies, mostly in one direction so that most
 * graphs can be started, and every setting that steers the state machine. All timeouts are finite, so that
 * everything must come to an end. */
#include <signal.h>
#include <string.h>

#include "tests/sim/sim.h"

int sim_units_find(const struct sim *sim, const char *name)
{
	for (unsigned i = 0; i < sim->n_units; i++)
		if (strcmp(sim->units[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void sim_units_add_command(struct unit_config *config, enum service_command kind, bool ignore_failure)
{
	struct exec_commands *commands = &config->commands[kind];
	struct exec_command *command;

	commands->items = realloc(commands->items, (commands->n + 1) * sizeof *commands->items);
	command = &commands->items[commands->n++];
	*command = (struct exec_command){.path = strdup("/bin/payload"), .ignore_failure = ignore_failure};
	text_list_append(&command->argv, "/bin/payload");
}

static usec_t sim_units_time(struct sim *sim, unsigned from_ms, unsigned to_ms)
{
	return (from_ms + sim_below(sim, to_ms - from_ms)) * USEC_PER_MSEC;
}

static void sim_units_commands(struct sim *sim, struct unit_config *config)
{
	static const struct {
		enum service_command kind;
		unsigned percent;
	} extra[] = {
		{SERVICE_EXEC_CONDITION, 10}, {SERVICE_EXEC_START_PRE, 30}, {SERVICE_EXEC_START_POST, 20},
		{SERVICE_EXEC_RELOAD, 40},    {SERVICE_EXEC_STOP, 30},	    {SERVICE_EXEC_STOP_POST, 30},
	};

	sim_units_add_command(config, SERVICE_EXEC_START, sim_chance(sim, 5));
	while (config->type == SERVICE_ONESHOT && sim_chance(sim, 30))
		sim_units_add_command(config, SERVICE_EXEC_START, sim_chance(sim, 10));
	for (size_t i = 0; i < ARRAY_SIZE(extra); i++)
		while (sim_chance(sim, extra[i].percent))
			sim_units_add_command(config, extra[i].kind, sim_chance(sim, 20));
}

static void sim_units_service(struct sim *sim, struct unit_config *config)
{
	config->type = sim_below(sim, SERVICE_TYPE_MAX_);
	config->restart = config->type == SERVICE_ONESHOT && sim_chance(sim, 50)
				  ? SERVICE_RESTART_NO
				  : sim_below(sim, SERVICE_RESTART_MAX_);
	config->remain_after_exit = sim_chance(sim, 20);
	config->timeout_start = sim_units_time(sim, 500, 3000);
	config->timeout_start_set = true;
	config->timeout_stop = sim_units_time(sim, 500, 3000);
	config->timeout_abort = sim_chance(sim, 50) ? 0 : sim_units_time(sim, 500, 2000);
	config->runtime_max = sim_chance(sim, 10) ? sim_units_time(sim, 1000, 5000) : USEC_INFINITY;
	config->watchdog = sim_chance(sim, 10) ? sim_units_time(sim, 300, 3000) : 0;
	config->restart_delay = sim_units_time(sim, 5, 500);
	config->restart_steps = sim_chance(sim, 20) ? 4 : 0;
	config->restart_delay_max = 2 * USEC_PER_SEC;
	config->start_limit_interval = sim_chance(sim, 95) ? 10 * USEC_PER_SEC : 0;
	config->start_limit_burst = 1 + sim_below(sim, 6);
	config->kill_signal = sim_chance(sim, 90) ? SIGTERM : SIGINT;
	config->final_kill_signal = SIGKILL;
	config->send_sigkill = true;
	config->send_sighup = sim_chance(sim, 10);
	config->reload_signal = SIGHUP;
	config->watchdog_signal = SIGABRT;
	config->guess_main_pid = sim_chance(sim, 80);
	config->pid_file = config->type == SERVICE_FORKING && sim_chance(sim, 50) ? strdup("/run/pid") : NULL;
	sim_units_commands(sim, config);
}

static void sim_units_dependencies(struct sim *sim, struct unit_config *config, unsigned unit)
{
	static const enum unit_dependency kinds[] = {
		UNIT_REQUIRES,
		UNIT_REQUIRES,
		UNIT_WANTS,
		UNIT_WANTS,
		UNIT_BINDS_TO,
		UNIT_PART_OF,
		UNIT_REQUISITE,
		UNIT_UPHOLDS,
		UNIT_CONFLICTS,
		UNIT_PROPAGATES_RELOAD_TO,
		UNIT_PROPAGATES_STOP_TO,
		UNIT_ON_FAILURE,
		UNIT_ON_SUCCESS,
	};

	for (unsigned other = 0; other < sim->n_units; other++) {
		/* Seldom against the grain, which makes circles. */
		if (other == unit || !sim_chance(sim, other < unit ? 40 : 3))
			continue;
		text_list_append(&config->dependencies[kinds[sim_below(sim, ARRAY_SIZE(kinds))]],
				 sim->units[other].name);
		if (sim_chance(sim, 60))
			text_list_append(
				&config->dependencies[sim_chance(sim, 90) ? UNIT_AFTER : UNIT_BEFORE],
				sim->units[other].name);
	}
	if (sim_chance(sim, 3))
		text_list_append(&config->dependencies[sim_chance(sim, 50) ? UNIT_WANTS : UNIT_REQUIRES],
				 "missing.service");
}

struct unit_config *sim_units_config(struct sim *sim, unsigned unit)
{
	enum unit_kind kind = strstr(sim->units[unit].name, ".target")	? UNIT_TARGET
			      : strstr(sim->units[unit].name, ".slice") ? UNIT_SLICE
									: UNIT_SERVICE;
	struct unit_config *config = unit_config_new(sim->units[unit].name, kind);
	uint64_t random = sim->random;

	/* The same files give the same config, whoever asks and when. */
	sim->random = sim->units[unit].seed;
	config->load_state = UNIT_LOADED;
	config->job_timeout = sim_chance(sim, 10) ? sim_units_time(sim, 1000, 6000) : USEC_INFINITY;
	config->stop_when_unneeded = sim_chance(sim, 10);
	config->allow_isolate = true;
	config->kill_mode = sim->units[unit].kill_mode;
	if (kind == UNIT_SERVICE)
		sim_units_service(sim, config);
	sim_units_dependencies(sim, config, unit);
	if (kind == UNIT_SERVICE && sim_chance(sim, 60))
		for (unsigned other = 0; other < sim->n_units; other++)
			if (strstr(sim->units[other].name, ".slice") && sim_chance(sim, 60))
				text_set(&config->slice, sim->units[other].name);
	if (sim_chance(sim, 3)) {
		struct failure why;

		config->load_state = UNIT_BAD_SETTING;
		failure_set(&why, -EINVAL, "unit:3", "unknown key");
		failure_keep(&config->load_failure, &why);
	}
	sim->random = random;
	return config;
}

void sim_units_generate(struct sim *sim)
{
	sim->n_units = 2 + sim_below(sim, SIM_MAX_UNITS - 1);
	for (unsigned i = 0; i < sim->n_units; i++) {
		struct sim_unit *unit = &sim->units[i];

		snprintf(unit->name, sizeof unit->name, "u%u.%s", i,
			 sim_chance(sim, 15)   ? "target"
			 : sim_chance(sim, 12) ? "slice"
					       : "service");
		unit->seed = sim_random(sim);
		unit->kill_mode = sim_chance(sim, 80)	? KILL_CONTROL_GROUP
				  : sim_chance(sim, 75) ? KILL_MIXED
							: KILL_PROCESS;
	}
	for (unsigned i = 0; i < sim->n_units; i++)
		sim->units[i].config = sim_units_config(sim, i);
}
