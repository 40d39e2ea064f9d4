/* A simulated world under the manager's real code: a virtual clock, a svc-init that spawns, tells and
 *remembers, processes that behave as a seeded random generator has them, and a manager that may be killed at
 *any instant.
 *
 *	sim-world.c	struct world_ops over simulated processes
 *	sim-units.c	random unit configurations
 *	sim-check.c	what must always hold
 *	sim.c		histories: what users do, crashes, and the end */
#pragma once

#include <stdio.h>

#include "manager/job.h"

enum { SIM_MAX_UNITS = 8, SIM_FIRST_PID = 100 };

/* Bugs to plant, to see that the checks can fail. */
enum sim_mutation {
	SIM_MUTATE_NOTHING,
	SIM_MUTATE_LOSE_EXITS,	 /* every 7th exit is never told */
	SIM_MUTATE_LOSE_MEMORY,	 /* a crash takes some of the store with it */
	SIM_MUTATE_IGNORE_ORDER, /* the manager does not get to see After= and Before= */
	SIM_MUTATE_SPARE_GROUP,	 /* kill_unit() does nothing */
	SIM_MUTATE_STOP_CLOCK,	 /* alarms are not delivered */
	SIM_MUTATE_KEEP_RECORDS, /* forget() does nothing */
	SIM_MUTATION_MAX_,
};
extern const char *const sim_mutation_names[SIM_MUTATION_MAX_];

struct sim_process {
	struct launch_record record;
	unsigned unit; /* index in sim.units */
	enum service_command command;
	bool is_main, alive, recorded, spawned;
	bool ignores_term, reloads; /* answers the reload signal */
	bool muted;		    /* svc-init cannot tell about it until the manager reconnects */
	bool daemon;		    /* lives until killed or its time is up; else a command */
	bool tell_queued;
	bool lost; /* the request never arrived */
	int pending_signal;
	bool spared; /* left behind by a unit whose KillMode= was then not to kill it */
	struct sim_process *next;
};

enum sim_event_type {
	SIM_SPAWN,
	SIM_EXECUTE,
	SIM_FAIL,
	SIM_EXIT,
	SIM_TELL,
	SIM_EMPTY,
	SIM_NOTIFY,
	SIM_FORK,
};

struct sim_event {
	usec_t at;
	enum sim_event_type type;
	struct sim_process *process;
	unsigned unit;
	int value; /* a wait status */
	const char *text;
	struct sim_event *next;
};

struct sim_unit {
	char name[24];
	uint64_t seed;		    /* of its configuration */
	struct unit_config *config; /* as the files are */
	enum unit_active_state last;
	bool launched;		  /* something, since it was down last */
	enum kill_mode kill_mode; /* stays through all edits, so that it is known what may be left running */
};

struct sim {
	struct world world; /* first */
	uint64_t seed, random;
	enum sim_mutation mutation;
	bool verbose, quiet_faults; /* no more mishaps: the end of a history */

	usec_t now, alarm;
	struct manager *manager; /* NULL while it is down */
	struct sim_unit units[SIM_MAX_UNITS];
	unsigned n_units;

	struct sim_process *processes;
	struct sim_event *events;
	int last_pid;
	unsigned n_exits;

	void *memory;
	size_t memory_size;
	size_t frozen_size;
	void *frozen; /* the memory as it was when the manager was killed inside a call */
	usec_t connected_at;
	unsigned crash_in; /* world calls; 0: not planned */
	bool dead;	   /* killed, but its function has not returned yet: nothing it does counts */
	bool finished;
	char violation[4096]; /* "" while all is well */
};

/* --- random: the same for the same seed ------------------------------------------------------------------
 */
uint64_t sim_random(struct sim *sim);
static inline unsigned sim_below(struct sim *sim, unsigned n)
{
	return (unsigned)(sim_random(sim) % n);
}
static inline bool sim_chance(struct sim *sim, unsigned percent)
{
	return sim_below(sim, 100) < percent;
}
void sim_trace(const struct sim *sim, const char *format, ...) _printf_(2, 3);
void sim_violate(struct sim *sim, const char *format, ...) _printf_(2, 3);

/* sim-world.c */
void sim_world_init(struct sim *sim);
void sim_world_deinit(struct sim *sim);
/* Does what is due next, not later than UNTIL; false when nothing is. */
bool sim_world_step(struct sim *sim, usec_t until);
/* The manager is gone / is back and has said hello. */
void sim_world_disconnect(struct sim *sim);
void sim_world_reconnect(struct sim *sim);
bool sim_world_populated(const struct sim *sim, unsigned unit);

/* sim-units.c */
void sim_units_generate(struct sim *sim);
struct unit_config *sim_units_config(struct sim *sim, unsigned unit);
int sim_units_find(const struct sim *sim, const char *name);

/* sim-check.c */
extern const struct manager_observer sim_check_observer;
/* After every step with the manager at rest. */
void sim_check_step(struct sim *sim);
/* A launch is requested: is it its turn? */
void sim_check_launch(struct sim *sim, const struct world_launch *launch);
void sim_check_end(struct sim *sim);
/* Everything a user can see, as text on the heap. */
char *sim_check_dump(struct sim *sim);
