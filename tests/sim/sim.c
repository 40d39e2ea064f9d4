/* Deterministic histories of the manager: random units, random users, random mishaps, all from one printed
 *seed.
 *
 *	sim [--histories=N] [--seed=S] [--verbose] [--mutate=NAME]
 *
 * Without --seed the histories have the seeds 1…N; with it one history runs, --verbose prints it. --mutate
 *plants a bug. Without
 * --mutate and --seed the last tests plant each bug and expect that some history finds it. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { SIM_ACTIONS = 30, SIM_MAX_RUNS = 20000, SIM_MUTATION_HISTORIES = 400, SIM_MAX_STEPS = 100000 };

const char *const sim_mutation_names[SIM_MUTATION_MAX_] = {
	"nothing", "lose-exits", "lose-memory", "ignore-order", "spare-group", "stop-clock", "keep-records",
};

uint64_t sim_random(struct sim *sim)
{
	/* splitmix64 */
	uint64_t z = (sim->random += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (!sim->verbose || sim->dead)
		return;
	printf("# %10.6f ", (double)(sim->now - 1000 * USEC_PER_SEC) / (double)USEC_PER_SEC);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

/* --- the manager's lives ------------------------------------------------------------------------------- */

static void sim_drain(struct sim *sim)
{
	unsigned n = 0;

	while (sim->manager && !sim->dead && manager_run(sim->manager))
		if (++n > SIM_MAX_RUNS) {
			sim_violate(sim, "the manager spins");
			return;
		}
}

static void sim_begin_manager(struct sim *sim)
{
	struct manager_observer observer = sim_check_observer;

	observer.data = sim;
	if (manager_new(&sim->world, &observer, &sim->manager) < 0)
		abort();
	sim->connected_at = sim->now;
}

static void sim_end_manager(struct sim *sim)
{
	sim->manager = manager_free(sim->manager);
	if (sim->frozen) {
		free(sim->memory);
		sim->memory = TAKE(sim->frozen);
		sim->memory_size = sim->frozen_size;
	}
	if (sim->mutation == SIM_MUTATE_LOSE_MEMORY && sim->memory_size > 2000)
		memset((char *)sim->memory + 1000, 0, sim->memory_size - 1000);
	sim->dead = false;
	sim->crash_in = 0;
	sim_world_disconnect(sim);
}

/* Kills the manager, lets the world go on without it, and starts another. WAS: what a user saw before, if
 * that can be compared. */
static void sim_crash(struct sim *sim, const char *was)
{
	usec_t until = sim->now + sim_below(sim, 3000) * USEC_PER_MSEC;
	_cleanup_free_ char *is = NULL;

	sim_end_manager(sim);
	sim_trace(sim, "--- the manager is dead");
	while (sim_world_step(sim, until))
		;
	sim_begin_manager(sim);
	sim_trace(sim, "--- the manager is back");
	is = sim_check_dump(sim);
	if (was && strcmp(was, is) != 0)
		sim_violate(sim, "a crash changed\n%s\nto\n%s", was, is);
	sim_world_reconnect(sim);
	manager_synchronized(sim->manager);
	sim_drain(sim);
	sim_check_step(sim);
}

/* After anything that may have killed the manager in the middle of a call. */
static void sim_settle(struct sim *sim)
{
	sim_drain(sim);
	while (sim->dead)
		sim_crash(sim, NULL);
	if (!sim->violation[0])
		sim_check_step(sim);
}

static void sim_run_until(struct sim *sim, usec_t until)
{
	unsigned n = 0;

	while (!sim->violation[0] && sim_world_step(sim, until)) {
		sim_settle(sim);
		if (++n > SIM_MAX_STEPS)
			sim_violate(sim, "too much happens");
	}
}

/* --- users --------------------------------------------------------------------------------------------- */

static struct unit *sim_pick_unit(struct sim *sim)
{
	struct unit *unit = NULL;

	manager_load_unit(sim->manager, sim->units[sim_below(sim, sim->n_units)].name, &unit, NULL);
	return unit;
}

static void sim_request_job(struct sim *sim)
{
	static const enum job_type types[] = {JOB_START,   JOB_START,  JOB_START,	JOB_STOP,
					      JOB_RESTART, JOB_RELOAD, JOB_TRY_RESTART, JOB_RELOAD_OR_START};
	static const enum job_mode modes[] = {JOB_REPLACE,
					      JOB_REPLACE,
					      JOB_REPLACE,
					      JOB_FAIL,
					      JOB_IGNORE_DEPENDENCIES,
					      JOB_IGNORE_REQUIREMENTS,
					      JOB_ISOLATE};
	enum job_type type = types[sim_below(sim, ARRAY_SIZE(types))];
	enum job_mode mode = modes[sim_below(sim, ARRAY_SIZE(modes))];
	struct unit *unit = sim_pick_unit(sim);
	struct failure failure = {};
	struct job *job = NULL;
	size_t n_jobs = sim->manager->jobs.count;
	int r;

	if (mode == JOB_ISOLATE && (type != JOB_START || sim_chance(sim, 60)))
		mode = JOB_REPLACE;
	sim_trace(sim, "--- user: %s %s, mode %s", job_type_names[type], unit->name, job_mode_names[mode]);
	r = manager_enqueue(sim->manager, type, unit, mode, &job, &failure);
	if (r < 0) {
		sim_trace(sim, "refused: %s", failure.text);
		if (!failure.text[0] || failure.error != r)
			sim_violate(sim, "a refusal without a reason");
		if (sim->manager->jobs.count != n_jobs)
			sim_violate(sim, "a refused transaction left jobs behind");
	} else if (!job) {
		sim_violate(sim, "a transaction without a job");
	}
}

static void sim_cancel_job(struct sim *sim)
{
	struct unit *unit = sim_pick_unit(sim);

	if (!unit->job)
		return;
	sim_trace(sim, "--- user: cancel job %u", unit->job->id);
	manager_cancel_job(sim->manager, unit->job);
}

static void sim_kill(struct sim *sim)
{
	static const int signals[] = {SIGTERM, SIGKILL, SIGHUP};
	struct unit *unit = sim_pick_unit(sim);

	sim_trace(sim, "--- user: kill %s", unit->name);
	manager_kill(sim->manager, unit, sim_below(sim, WORLD_ALL + 1),
		     signals[sim_below(sim, ARRAY_SIZE(signals))], NULL);
}

static void sim_reload(struct sim *sim)
{
	unsigned unit = sim_below(sim, sim->n_units);

	sim_trace(sim, "--- user: edit %s, reload", sim->units[unit].name);
	sim->units[unit].seed = sim_random(sim);
	unit_config_free(sim->units[unit].config);
	sim->units[unit].config = sim_units_config(sim, unit);
	manager_reload(sim->manager, NULL);
}

static void sim_act(struct sim *sim)
{
	unsigned dice = sim_below(sim, 100);

	if (dice < 60) {
		sim_request_job(sim);
	} else if (dice < 65) {
		sim_cancel_job(sim);
	} else if (dice < 70) {
		manager_reset_failed(sim->manager, sim_chance(sim, 50) ? sim_pick_unit(sim) : NULL);
	} else if (dice < 75) {
		sim_kill(sim);
	} else if (dice < 80) {
		sim_reload(sim);
	} else if (dice < 90) {
		_cleanup_free_ char *was = sim_check_dump(sim);

		sim_crash(sim, was);
	} else {
		sim->crash_in = 1 + sim_below(sim, 12);
	}
	sim_settle(sim);
}

/* --- histories ----------------------------------------------------------------------------------------- */

static void sim_end_history(struct sim *sim)
{
	usec_t limit = sim->now + 120 * USEC_PER_SEC;

	sim->quiet_faults = true;
	sim->crash_in = sim_chance(sim, 20) ? 1 + sim_below(sim, 20) : 0;
	sim_trace(sim, "--- shutdown");
	manager_shutdown(sim->manager, LAUNCH_EXIT, 0);
	sim_settle(sim);
	while (!sim->finished && !sim->violation[0] && sim->now < limit)
		sim_run_until(sim, sim->now + USEC_PER_SEC);
	if (!sim->violation[0])
		sim_run_until(sim, sim->now + 2 * USEC_PER_SEC);
	if (!sim->violation[0])
		sim_check_end(sim);
}

/* Returns whether all went well; else the reason is in VIOLATION. */
static bool sim_history(uint64_t seed, enum sim_mutation mutation, bool verbose, char violation[4096])
{
	struct sim sim = {.seed = seed,
			  .random = seed * 0x2545f4914f6cdd1dULL,
			  .mutation = mutation,
			  .verbose = verbose};

	sim_world_init(&sim);
	sim_units_generate(&sim);
	sim_begin_manager(&sim);
	manager_synchronized(sim.manager);
	sim_drain(&sim);
	for (unsigned i = 0; i < SIM_ACTIONS && !sim.violation[0]; i++) {
		sim_act(&sim);
		sim_run_until(&sim,
			      sim.now + sim_below(&sim, sim_chance(&sim, 50) ? 50 : 1500) * USEC_PER_MSEC);
	}
	if (!sim.violation[0])
		sim_end_history(&sim);
	memcpy(violation, sim.violation, sizeof sim.violation);
	sim.manager = manager_free(sim.manager);
	sim_world_deinit(&sim);
	return !violation[0];
}

static void sim_print_violation(uint64_t seed, const char *violation)
{
	printf("# seed %" PRIu64 ": ", seed);
	for (; *violation; violation++) {
		putchar(*violation);
		if (*violation == '\n')
			fputs("# ", stdout);
	}
	putchar('\n');
}

/* The first of N histories that goes wrong; 0: none. */
static uint64_t sim_search(uint64_t n, enum sim_mutation mutation, char violation[4096])
{
	for (uint64_t seed = 1; seed <= n; seed++)
		if (!sim_history(seed, mutation, false, violation))
			return seed;
	return 0;
}

static int sim_run_all(uint64_t n_histories)
{
	char violation[4096];
	int failed = 0;
	uint64_t seed;

	printf("1..%d\n", (int)SIM_MUTATION_MAX_);
	seed = sim_search(n_histories, SIM_MUTATE_NOTHING, violation);
	if (seed)
		sim_print_violation(seed, violation);
	printf("%sok 1 %" PRIu64 " histories\n", seed ? "not " : "", n_histories);
	failed |= seed != 0;
	for (int mutation = SIM_MUTATE_NOTHING + 1; mutation < SIM_MUTATION_MAX_; mutation++) {
		seed = sim_search(SIM_MUTATION_HISTORIES, (enum sim_mutation)mutation, violation);
		printf("%sok %d %s is found (seed %" PRIu64 ")\n", seed ? "" : "not ", mutation + 1,
		       sim_mutation_names[mutation], seed);
		failed |= seed == 0;
	}
	return failed;
}

static int sim_run_one(uint64_t seed, enum sim_mutation mutation, bool verbose)
{
	char violation[4096];
	bool well = sim_history(seed, mutation, verbose, violation);

	puts("1..1");
	if (!well)
		sim_print_violation(seed, violation);
	printf("%sok 1 seed %" PRIu64 "\n", well ? "" : "not ", seed);
	return !well;
}

static int sim_find_mutation(const char *name)
{
	for (int i = 0; i < SIM_MUTATION_MAX_; i++)
		if (strcmp(name, sim_mutation_names[i]) == 0)
			return i;
	return -1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"histories", required_argument, NULL, 'n'},
						{"seed", required_argument, NULL, 's'},
						{"mutate", required_argument, NULL, 'm'},
						{"verbose", no_argument, NULL, 'v'},
						{}};
	uint64_t n_histories = 10000, seed = 0;
	int mutation = SIM_MUTATE_NOTHING, option;
	bool verbose = false;
	char violation[4096];

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'n')
			n_histories = strtoull(optarg, NULL, 10);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (option == 'm')
			mutation = sim_find_mutation(optarg);
		else if (option == 'v')
			verbose = true;
		else
			return 2;
	}
	if (mutation < 0)
		return 2;
	if (seed)
		return sim_run_one(seed, (enum sim_mutation)mutation, verbose);
	if (mutation == SIM_MUTATE_NOTHING)
		return sim_run_all(n_histories);
	seed = sim_search(n_histories, (enum sim_mutation)mutation, violation);
	if (seed)
		sim_print_violation(seed, violation);
	return seed != 0;
}
