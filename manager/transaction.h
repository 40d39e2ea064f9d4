/* One job with everything it pulls in, checked as a whole before any of it is queued: all or nothing. */
#pragma once

#include "manager/job.h"

struct transaction_job {
	struct unit *unit;
	enum job_type type;
	bool failed;	/* what it needs cannot be had, or it was dropped: not part of it any more */
	bool reachable; /* pulled in by the anchor, directly or not */
	bool matters;	/* without it the anchor's job cannot be */
	bool root;	/* wanted for itself: the anchor, or one of a shutdown */
	struct transaction_job *next, *next_of_unit, *next_queued;
	struct transaction_link *needs, *needed_by;
	struct job *job; /* made ready to be installed */
};

struct transaction_link {
	struct transaction_job *subject, *object;
	bool matters,
		conflicts; /* subject cannot be without object; object is a stop because of Conflicts= */
	struct transaction_link *next_need, *next_needed_by, *next;
};

struct transaction {
	struct manager *manager;
	enum job_mode mode;
	struct transaction_job *jobs, **last_job, *anchor;
	struct transaction_link *links;
	struct transaction_job **unexpanded; /* where the jobs begin whose dependencies are not added yet */
	struct failure failure;		     /* why the anchor failed */
};

void transaction_init(struct transaction *transaction, struct manager *manager, enum job_mode mode);
void transaction_deinit(struct transaction *transaction);
/* Adds a job that is wanted for itself, and all it pulls in. The first one is the anchor. */
int transaction_add(struct transaction *transaction, enum job_type type, struct unit *unit,
		    struct failure *failure);
/* For isolate: a stop for every other unit that is up. */
int transaction_add_isolation(struct transaction *transaction);
/* Resolves contradictions, checks the order, and installs all jobs. *RET_JOB (may be NULL) is the anchor's.
 */
int transaction_apply(struct transaction *transaction, struct job **ret_job, struct failure *failure);
/* transaction-order.c: breaks or reports cycles. 0: none; 1: broken by dropping a job; -EDEADLK, -ENOMEM. */
int transaction_order_check(struct transaction *transaction, struct failure *failure);
/* Drops a job and, transitively, what cannot be without it. */
void transaction_drop(struct transaction_job *job);
/* The type that FIRST and the other live jobs of its unit, which follow it, are together. */
enum job_type transaction_merged_type(const struct transaction_job *first);
/* The first live job of a unit in the transaction; NULL. */
struct transaction_job *transaction_find(const struct unit *unit);
