/* How much of the machine a service could reach if it were taken over: a table of questions to its compiled launch,
 * each with a weight, and a number from 0 to 10 out of them. systemd-analyze(1), "security", asks the unit file; here
 * the launch program itself is asked, so that what is said is what is enforced. */
#pragma once

#include "engine/compile.h"

enum exposure_room {
	EXPOSURE_ISOLATION,
	EXPOSURE_IDENTITY,
	EXPOSURE_FILESYSTEM,
	EXPOSURE_CONTROL,
	EXPOSURE_LIMITS,
	EXPOSURE_ROOM_MAX_,
};
extern const char *const exposure_room_names[EXPOSURE_ROOM_MAX_];

/* The launch of a service's main command, and what is done outside the program. */
struct exposure_launch {
	const struct program *program;
	const struct spec *spec; /* limits and filters of the control group */
	bool cgroup;		 /* the service has a control group, on which those are enforced */
	bool notify_all;	 /* any process may speak for it: NotifyAccess=all */
	bool removes_ipc;	 /* RemoveIPC= */
};

struct exposure_row {
	enum exposure_room room;
	const char *name;	 /* the setting, in systemd's words: "PrivateNetwork=" */
	const char *text;	 /* what is the case */
	unsigned weight;	 /* what the question counts */
	unsigned badness, range; /* 0: nothing to reach … range: all of it */
};

struct exposure {
	struct exposure_row rows[96];
	size_t n;
	unsigned score;	       /* 0 … 100 tenths */
	const char *predicate; /* "OK" */
};

void exposure_assess(const struct exposure_launch *launch, struct exposure *ret);
const char *exposure_predicate(unsigned score);

/* --- exposure-facts.c: what the table's questions are made of ---------------------------------------------- */

enum exposure_path { EXPOSURE_WRITABLE, EXPOSURE_READ_ONLY, EXPOSURE_HIDDEN };

bool exposure_has(const struct exposure_launch *launch, enum program_code code);
/* Has the service these namespaces (CLONE_NEW*) of its own, or joined from another that is not the host's? */
bool exposure_separate(const struct exposure_launch *launch, uint64_t namespaces);
/* The capabilities that it has or can get, as far as they count outside its user namespace. */
uint64_t exposure_capabilities(const struct exposure_launch *launch);
/* What the service sees of PATH of the host. */
enum exposure_path exposure_path(const struct exposure_launch *launch, const char *path);
bool exposure_own_root(const struct exposure_launch *launch);
/* The options of the last mount of CODE; NULL: there is none. */
const char *exposure_mount_options(const struct exposure_launch *launch, enum program_code code);
