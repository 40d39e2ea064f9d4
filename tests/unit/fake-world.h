/* A world for tests of the manager: units are configs that the test fills in, processes are entries of an
 * array that the test moves from state to state, the clock stands still unless told otherwise. Nothing
 * happens by itself; fake_settle() lets the manager do its work. */
#pragma once

#include "manager/manager.h"

enum { FAKE_MAX_UNITS = 16, FAKE_MAX_LAUNCHES = 64 };

struct fake_launch {
	bool at_once; /* told to run as soon as it is launched */
	struct launch_record record;
	char unit[32];
	enum service_command command;
	unsigned index;
	char *environment; /* joined by spaces */
	bool alive, forgotten;
	int signal; /* the last one it got */
};

struct fake {
	struct world world; /* first */
	struct manager *manager;
	usec_t now, alarm;
	struct unit_config *configs[FAKE_MAX_UNITS];
	unsigned n_units;
	struct fake_launch launches[FAKE_MAX_LAUNCHES];
	unsigned n_launches;
	int refuse; /* the next launches fail with this errno */
	unsigned n_kill_unit;
	bool frozen;	 /* processes hear nothing but SIGKILL until thaw() */
	pid_t main_pid;	 /* what find_main_pid() says */
	bool oom_killed; /* what the kernel is said to have done */
	bool leftover;	 /* a process that is no launch is in every unit */
	void *memory;
	size_t memory_size;
	bool finished;
	uint64_t random;
	char results[512]; /* "web.service/start=done " in the order in which jobs ended */
};

void fake_init(struct fake *fake);
void fake_deinit(struct fake *fake);
/* A loaded unit of this name: the test fills in the rest before it is first used. */
struct unit_config *fake_add(struct fake *fake, const char *name);
/* A service with a command line, KillMode=control-group and timeouts of one second. */
struct unit_config *fake_add_service(struct fake *fake, const char *name, enum service_type type);
void fake_depend(struct fake *fake, const char *name, enum unit_dependency dependency, const char *on);
void fake_command(struct unit_config *config, enum service_command command, bool ignore_failure);
struct unit *fake_unit(struct fake *fake, const char *name);
/* Enqueues in mode REPLACE and settles. */
int fake_do(struct fake *fake, enum job_type type, const char *name);
void fake_settle(struct fake *fake);
/* The latest launch of a unit, or NULL. */
struct fake_launch *fake_last(struct fake *fake, const char *name);
void fake_run(struct fake *fake, struct fake_launch *launch); /* its execve succeeded */
void fake_exit(struct fake *fake, struct fake_launch *launch,
	       int status); /* and the unit is empty if it was the last */
void fake_notify(struct fake *fake, const char *name, const char *text);
/* The clock goes on, alarms are delivered in time. */
void fake_wait(struct fake *fake, usec_t by);
/* The manager dies and another takes over; WITHOUT_RECORDS: svc-init has lost everything too. */
void fake_crash(struct fake *fake, bool without_records);
const char *fake_state(struct fake *fake, const char *name);
