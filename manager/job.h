/* A job: what a unit is to become. At most one is installed per unit; it waits until the jobs it is ordered
 * behind are gone, runs once, and is finished by the unit's state. A restart job is a stop that turns into a
 * start. */
#pragma once

#include "manager/private.h"

/* What one job of both types would be; false when they exclude each other. */
bool job_type_merge(enum job_type a, enum job_type b, enum job_type *ret);
/* The unit is already what the job wants. */
bool job_type_is_redundant(enum job_type type, const struct unit *unit);
/* What try-restart and reload-or-start mean in the unit's present state. */
enum job_type job_type_collapse(enum job_type type, const struct unit *unit);
/* Does a job of type A wait for one of type B, when A's unit is ordered AFTER (else before) B's? What goes
 * down goes first and in reverse order, whatever else happens. */
bool job_type_waits(enum job_type a, enum job_type b, bool after);

/* A job with an id that can be found, not installed. NULL without memory. */
struct job *job_new(struct manager *manager, struct unit *unit, enum job_type type);
struct job *job_free(struct job *job);
/* Makes JOB the job of its unit, or merges it into the one there is (then JOB is freed), or replaces that.
 * Returns the one installed. */
struct job *job_install(struct job *job);
/* Puts a remembered job back as it was. */
void job_restore(struct job *job);

/* Ends a job and frees it. PROPAGATE: jobs that need it end with JOB_DEPENDENCY. A restart that is JOB_DONE
 * goes on as a start. */
void job_finish(struct job *job, enum job_result result, bool propagate);
/* Asks a waiting job again whether it can run. */
void job_wake(struct job *job);
/* The unit's active state is NOW another one. */
void job_on_unit_state(struct unit *unit, enum unit_active_state now);
/* Takes one job from the queue and runs it if nothing is before it. False when the queue is empty. */
bool job_run_next(struct manager *manager);
/* True while JOB stands for a start that others may need. */
bool job_is_start(const struct job *job);

static inline struct job_private *job_of_link(struct queue_link *link)
{
	return QUEUE_ENTRY(link, struct job_private, run_link);
}
