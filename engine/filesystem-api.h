/* The API file systems of a root. */
#pragma once

#include "engine/build.h"
#include "engine/mountplan.h"

/* Strings that entries borrow while the plan lives. */
struct filesystem_api_texts {
	char *proc, *devpts, *run, *shm, *cgroup;
	char **kept;
};

int filesystem_api_make_texts(struct build *build, struct filesystem_api_texts *texts);
void filesystem_api_deinit_texts(struct filesystem_api_texts *texts);

/* Is a /proc needed for a PID namespace that is joined, a /dev/mqueue for an IPC namespace? */
bool filesystem_api_wants_proc(const struct spec *spec);
bool filesystem_api_wants_mqueue(const struct spec *spec);
/* Does the service on the host's tree get a /sys of its network namespace? */
bool filesystem_api_wants_sysfs(const struct build *build);

void filesystem_api_collect(struct mountplan *plan, struct build *build,
			    const struct filesystem_api_texts *texts);
/* The sockets of the host's logger, in a root of its own. */
void filesystem_api_add_log_sockets(struct mountplan *plan, struct build *build);
