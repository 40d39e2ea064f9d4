/* See transaction.h. Pulling in follows systemd's rules with a queue instead of recursion:
 *
 *	start, restart	Requires=, BindsTo= must start; Wants=, Upholds= may; Requisite= must be up;
 *Conflicts= must stop, both ways stop		what Requires=, is Requisite=, BindsTo= or is PartOf= it stops
 *too, and what it passes its stop to restart		the same units restart if they are up reload
 *PropagatesReloadTo=, those that are up
 *
 * Links remember who pulled in whom. A job that cannot be takes with it, along the links that matter, all
 *that cannot be without it; when that reaches the anchor, the transaction fails. What the anchor no longer
 *reaches is not done. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manager/service.h"
#include "manager/transaction.h"

void transaction_init(struct transaction *transaction, struct manager *manager, enum job_mode mode)
{
	*transaction = (struct transaction){.manager = manager, .mode = mode};
	transaction->last_job = &transaction->jobs;
	transaction->unexpanded = &transaction->jobs;
}

void transaction_deinit(struct transaction *transaction)
{
	for (struct transaction_job *job = transaction->jobs, *next; job; job = next) {
		next = job->next;
		job->unit->private->transaction_jobs = NULL;
		job_free(job->job);
		free(job);
	}
	for (struct transaction_link *link = transaction->links, *next; link; link = next) {
		next = link->next;
		free(link);
	}
}

struct transaction_job *transaction_find(const struct unit *unit)
{
	struct transaction_job *job = unit->private->transaction_jobs;

	while (job && job->failed)
		job = job->next_of_unit;
	return job;
}

static struct transaction_job *transaction_find_type(const struct unit *unit, enum job_type type)
{
	struct transaction_job *job = unit->private->transaction_jobs;

	while (job && job->type != type)
		job = job->next_of_unit;
	return job;
}

void transaction_drop(struct transaction_job *job)
{
	struct transaction_job *queue = job, **last = &job->next_queued;

	if (job->failed)
		return;
	job->failed = true;
	job->next_queued = NULL;
	for (; queue; queue = queue->next_queued)
		for (struct transaction_link *link = queue->needed_by; link; link = link->next_needed_by)
			if (link->matters && !link->subject->failed) {
				link->subject->failed = true;
				link->subject->next_queued = NULL;
				*last = link->subject;
				last = &link->subject->next_queued;
			}
}

/* Marks what the roots pull in along all links, or along those that matter only. */
static void transaction_mark(struct transaction *transaction, bool only_matters)
{
	struct transaction_job *queue = NULL, **last = &queue;

	for (struct transaction_job *job = transaction->jobs; job; job = job->next) {
		bool *mark = only_matters ? &job->matters : &job->reachable;

		*mark = job->root && !job->failed;
		job->next_queued = NULL;
		if (*mark) {
			*last = job;
			last = &job->next_queued;
		}
	}
	for (; queue; queue = queue->next_queued)
		for (struct transaction_link *link = queue->needs; link; link = link->next_need) {
			bool *mark = only_matters ? &link->object->matters : &link->object->reachable;

			if (link->object->failed || *mark || (only_matters && !link->matters))
				continue;
			*mark = true;
			*last = link->object;
			last = &link->object->next_queued;
		}
}

/* What the roots do not reach any more is not done. */
static void transaction_collect(struct transaction *transaction)
{
	transaction_mark(transaction, false);
	transaction_mark(transaction, true);
	for (struct transaction_job *job = transaction->jobs; job; job = job->next)
		if (!job->reachable)
			job->failed = true;
}

/* --- pulling in ---------------------------------------------------------------------------------------- */

static int transaction_check(enum job_type type, const struct unit *unit, struct failure *failure)
{
	int r = type == JOB_STOP || type == JOB_NOP ? 0 : unit_check_loaded(unit, failure);

	if (r < 0)
		return r;
	if (type == JOB_RELOAD && !unit_can_reload(unit))
		return failure_set(failure, -EOPNOTSUPP, NULL,
				   "Job type reload is not applicable for unit %s", unit->name);
	return 0;
}

static int transaction_link(struct transaction *transaction, struct transaction_job *subject,
			    struct transaction_job *object, bool matters, bool conflicts)
{
	struct transaction_link *link = malloc(sizeof *link);

	if (!link)
		return -ENOMEM;
	*link = (struct transaction_link){
		.subject = subject,
		.object = object,
		.matters = matters,
		.conflicts = conflicts,
		.next_need = subject->needs,
		.next_needed_by = object->needed_by,
		.next = transaction->links,
	};
	subject->needs = object->needed_by = transaction->links = link;
	return 0;
}

/* The job of this type for the unit, made and queued for its dependencies if need be. */
static int transaction_get(struct transaction *transaction, enum job_type type, struct unit *unit,
			   struct transaction_job **ret)
{
	struct transaction_job *job = transaction_find_type(unit, type);

	if (!job) {
		job = calloc(1, sizeof *job);
		if (!job)
			return -ENOMEM;
		*job = (struct transaction_job){
			.unit = unit, .type = type, .next_of_unit = unit->private->transaction_jobs};
		unit->private->transaction_jobs = job;
		*transaction->last_job = job;
		transaction->last_job = &job->next;
	}
	*ret = job;
	return 0;
}

struct transaction_pull { /* one rule of the table at the head of this file */
	enum unit_dependency dependency;
	bool reverse;
	enum job_type type; /* collapsed in the unit's present state; JOB_NOP pulls in nothing */
	bool matters, conflicts;
};

static int transaction_pull_unit(struct transaction *transaction, struct transaction_job *job,
				 struct graph_node *node, const struct transaction_pull *pull)
{
	bool stops = pull->type == JOB_STOP || pull->type == JOB_TRY_RESTART || pull->type == JOB_RELOAD;
	struct unit *unit = node->unit;
	struct transaction_job *object;
	struct failure failure = {};
	enum job_type type;
	int r;

	/* What is not loaded is not up. */
	if (!unit && stops)
		return 0;
	r = unit ? 0 : manager_resolve(transaction->manager, node, &unit, &failure);
	if (r == -ENOMEM)
		return r;
	type = r < 0 ? pull->type : job_type_collapse(pull->type, unit);
	if (type == JOB_NOP || (type == JOB_RELOAD && !unit_is_up(unit)))
		return 0;
	r = r < 0 ? r : transaction_check(type, unit, &failure);
	if (r == -EOPNOTSUPP)
		return 0;
	object = r < 0 ? NULL : transaction_find_type(unit, type);
	if (r < 0 || (object && object->failed)) {
		if (!pull->matters)
			return 0;
		if (!transaction->failure.error)
			transaction->failure = failure;
		transaction_drop(job);
		return 0;
	}
	r = transaction_get(transaction, type, unit, &object);
	return r < 0 ? r : transaction_link(transaction, job, object, pull->matters, pull->conflicts);
}

static int transaction_pull_all(struct transaction *transaction, struct transaction_job *job,
				const struct transaction_pull *pulls, size_t n)
{
	const struct graph_node *node = job->unit->private->node;
	int r;

	for (size_t i = 0; i < n; i++)
		/* Loading a unit may move the lists: they are looked up each time. */
		for (uint32_t j = 0; j < graph_neighbours(node, pulls[i].dependency, pulls[i].reverse)->n;
		     j++) {
			r = transaction_pull_unit(
				transaction, job,
				graph_neighbours(node, pulls[i].dependency, pulls[i].reverse)->items[j].other,
				&pulls[i]);
			if (r < 0)
				return r;
			if (job->failed)
				return 0;
		}
	return 0;
}

/* A slice goes with all that is up in it. */
static int transaction_pull_slice(struct transaction *transaction, struct transaction_job *job,
				  enum job_type type)
{
	if (job->unit->kind != UNIT_SLICE)
		return 0;
	TABLE_FOREACH (slot, &transaction->manager->units) {
		struct unit *unit = slot->value;
		struct transaction_job *object;
		enum job_type own = slice_has(job->unit, unit) ? job_type_collapse(type, unit) : JOB_NOP;

		if (own == JOB_NOP)
			continue;
		if (transaction_get(transaction, own, unit, &object) < 0 ||
		    transaction_link(transaction, job, object, true, false) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int transaction_pull_in(struct transaction *transaction, struct transaction_job *job)
{
	static const struct transaction_pull on_start[] = {
		{UNIT_REQUIRES, false, JOB_START, true},
		{UNIT_BINDS_TO, false, JOB_START, true},
		{UNIT_WANTS, false, JOB_START, false},
		{UNIT_UPHOLDS, false, JOB_START, false},
		{UNIT_REQUISITE, false, JOB_VERIFY_ACTIVE, true},
		{UNIT_CONFLICTS, false, JOB_STOP, true, true},
		{UNIT_CONFLICTS, true, JOB_STOP, false, true},
	};
	static const struct transaction_pull on_stop[] = {
		{UNIT_REQUIRES, true, JOB_STOP, true},
		{UNIT_REQUISITE, true, JOB_STOP, true},
		{UNIT_BINDS_TO, true, JOB_STOP, true},
		{UNIT_PART_OF, true, JOB_STOP, true},
		{UNIT_PROPAGATES_STOP_TO, false, JOB_STOP, true},
	};
	static const struct transaction_pull on_restart[] = {
		{UNIT_REQUIRES, true, JOB_TRY_RESTART, true},
		{UNIT_REQUISITE, true, JOB_TRY_RESTART, true},
		{UNIT_BINDS_TO, true, JOB_TRY_RESTART, true},
		{UNIT_PART_OF, true, JOB_TRY_RESTART, true},
	};
	static const struct transaction_pull on_reload[] = {
		{UNIT_PROPAGATES_RELOAD_TO, false, JOB_RELOAD, false},
	};
	int r;

	switch (job->type) {
	case JOB_START:
		return transaction_pull_all(transaction, job, on_start, ARRAY_SIZE(on_start));
	case JOB_RESTART:
		r = transaction_pull_all(transaction, job, on_start, ARRAY_SIZE(on_start));
		if (r >= 0)
			r = transaction_pull_slice(transaction, job, JOB_TRY_RESTART);
		return r < 0 ? r : transaction_pull_all(transaction, job, on_restart, ARRAY_SIZE(on_restart));
	case JOB_STOP:
		r = transaction_pull_slice(transaction, job, JOB_STOP);
		return r < 0 ? r : transaction_pull_all(transaction, job, on_stop, ARRAY_SIZE(on_stop));
	case JOB_RELOAD:
		return transaction_pull_all(transaction, job, on_reload, ARRAY_SIZE(on_reload));
	case JOB_VERIFY_ACTIVE:
	case JOB_TRY_RESTART:
	case JOB_RELOAD_OR_START:
	case JOB_NOP:
	case JOB_TYPE_MAX_:
		break;
	}
	return 0;
}

/* Adds what the queued jobs pull in, and what that pulls in. */
static int transaction_expand(struct transaction *transaction)
{
	bool ignore =
		transaction->mode == JOB_IGNORE_DEPENDENCIES || transaction->mode == JOB_IGNORE_REQUIREMENTS;

	while (*transaction->unexpanded) {
		struct transaction_job *job = *transaction->unexpanded;
		int r = ignore || job->failed ? 0 : transaction_pull_in(transaction, job);

		if (r < 0)
			return r;
		transaction->unexpanded = &job->next;
	}
	return 0;
}

int transaction_add(struct transaction *transaction, enum job_type type, struct unit *unit,
		    struct failure *failure)
{
	struct transaction_job *job;
	int r;

	type = job_type_collapse(type, unit);
	r = transaction_check(type, unit, failure);
	if (r >= 0) {
		r = transaction_get(transaction, type, unit, &job);
		if (r < 0)
			failure_set(failure, r, unit->name, "cannot queue a job");
	}
	if (r < 0)
		return r;
	job->root = true;
	if (!transaction->anchor)
		transaction->anchor = job;
	r = transaction_expand(transaction);
	if (r < 0)
		return failure_set(failure, r, unit->name, "cannot queue a job");
	if (!job->failed)
		return 0;
	if (failure)
		*failure = transaction->failure;
	return transaction->failure.error ? transaction->failure.error : -EINVAL;
}

int transaction_add_isolation(struct transaction *transaction)
{
	TABLE_FOREACH (slot, &transaction->manager->units) {
		struct unit *unit = slot->value;
		struct transaction_job *job;

		/* A slice goes by itself, with the last unit in it. */
		if ((!unit->job && (unit_is_down(unit) || unit->kind == UNIT_SLICE)) ||
		    transaction_find(unit))
			continue;
		if (transaction_get(transaction, JOB_STOP, unit, &job) < 0 ||
		    transaction_link(transaction, transaction->anchor, job, true, false) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* --- one job per unit ---------------------------------------------------------------------------------- */

static bool transaction_is_conflicted(const struct transaction_job *job)
{
	for (const struct transaction_link *link = job->needed_by; link; link = link->next_needed_by)
		if (link->conflicts && !link->subject->failed)
			return true;
	return false;
}

/* Which of two jobs of one unit that exclude each other gives way; NULL when both have to be. */
static struct transaction_job *transaction_choose_loser(struct transaction_job *a, struct transaction_job *b)
{
	struct transaction_job *stop = a->type == JOB_STOP ? a : b, *other = stop == a ? b : a;

	if (a->matters != b->matters)
		return a->matters ? b : a;
	if (a->matters)
		return NULL;
	/* Rather do not stop than do not start, unless somebody else's Conflicts= asks for the stop. */
	return transaction_is_conflicted(stop) ? other : stop;
}

/* Merges the jobs of one unit into the first. 0: done; 1: a job was dropped, begin anew; -EBUSY. */
static int transaction_merge_unit(struct transaction_job *first, struct failure *failure)
{
	struct transaction_job *loser, *job;
	enum job_type type = first->type;

	for (job = first->next_of_unit; job; job = job->next_of_unit) {
		if (job->failed)
			continue;
		if (job_type_merge(type, job->type, &type)) {
			type = job_type_collapse(type, job->unit);
			continue;
		}
		loser = transaction_choose_loser(first, job);
		if (!loser)
			return failure_set(failure, -EBUSY, NULL,
					   "Transaction contains conflicting jobs '%s' and '%s' for %s",
					   job_type_names[first->type], job_type_names[job->type],
					   first->unit->name);
		transaction_drop(loser);
		return 1;
	}
	return 0;
}

static int transaction_merge(struct transaction *transaction, struct failure *failure)
{
	int r;

	for (struct transaction_job *job = transaction->jobs; job; job = job->next) {
		if (job->failed || job != transaction_find(job->unit))
			continue;
		r = transaction_merge_unit(job, failure);
		if (r != 0)
			return r;
	}
	return 0;
}

enum job_type transaction_merged_type(const struct transaction_job *first)
{
	enum job_type type = first->type;

	for (const struct transaction_job *job = first->next_of_unit; job; job = job->next_of_unit)
		if (!job->failed && job_type_merge(type, job->type, &type))
			type = job_type_collapse(type, job->unit);
	return type;
}

/* Folds the jobs of each unit into one that has all their types. Links of the others stay where they are:
 * nothing is dropped after this. */
static void transaction_fold(struct transaction *transaction)
{
	for (struct transaction_job *job = transaction->jobs; job; job = job->next) {
		struct transaction_job *first = transaction_find(job->unit);

		if (job->failed || job != first)
			continue;
		first->type = transaction_merged_type(first);
		for (struct transaction_job *other = first->next_of_unit; other;
		     other = other->next_of_unit) {
			if (!other->failed && other == transaction->anchor)
				transaction->anchor = first;
			first->root |= other->root && !other->failed;
			other->failed = true;
		}
	}
}

/* --- what may be done ---------------------------------------------------------------------------------- */

static bool transaction_conflicts_with_installed(const struct transaction_job *job)
{
	enum job_type merged;

	return job->unit->job && job->type != JOB_NOP &&
	       !job_type_merge(job->type, job->unit->job->type, &merged);
}

/* Mode "fail" spares whatever runs or is queued, where the anchor can do without the change. */
static void transaction_minimize(struct transaction *transaction)
{
	for (struct transaction_job *job = transaction->jobs; job; job = job->next) {
		bool stops = job->type == JOB_STOP && !unit_is_down(job->unit);

		if (!job->failed && !job->matters && (stops || transaction_conflicts_with_installed(job)))
			transaction_drop(job);
	}
}

static bool transaction_is_redundant(const struct transaction_job *first)
{
	for (const struct transaction_job *job = first; job; job = job->next_of_unit)
		if (!job->failed && (job->root || !job_type_is_redundant(job->type, job->unit) ||
				     transaction_conflicts_with_installed(job)))
			return false;
	return true;
}

/* A unit that is already what all its jobs want needs none. */
static void transaction_drop_redundant(struct transaction *transaction)
{
	for (struct transaction_job *job = transaction->jobs; job; job = job->next)
		if (!job->failed && transaction_is_redundant(job->unit->private->transaction_jobs))
			for (struct transaction_job *other = job->unit->private->transaction_jobs; other;
			     other = other->next_of_unit)
				other->failed = true;
}

static int transaction_check_destructive(const struct transaction *transaction, struct failure *failure)
{
	for (struct transaction_job *job = transaction->jobs; job; job = job->next) {
		const struct job *installed = job->unit->job;
		bool protected;

		if (job->failed || !transaction_conflicts_with_installed(job))
			continue;
		protected = transaction->mode == JOB_FAIL || (installed->private->irreversible &&
							      transaction->mode != JOB_REPLACE_IRREVERSIBLY);
		if (protected)
			return failure_set(
				failure, -EBUSY, NULL,
				"Transaction for %s/%s is destructive (%s has '%s' job queued, but '%s' is included in it)",
				transaction->anchor->unit->name, job_type_names[transaction->anchor->type],
				job->unit->name, job_type_names[installed->type], job_type_names[job->type]);
	}
	return 0;
}

/* Brings the jobs into a state in which they can be installed. */
static int transaction_resolve(struct transaction *transaction, struct failure *failure)
{
	int r;

	transaction_collect(transaction);
	if (transaction->mode == JOB_FAIL)
		transaction_minimize(transaction);
	transaction_drop_redundant(transaction);
	/* Each round drops a job, or is the last. */
	do {
		transaction_collect(transaction);
		if (transaction->anchor->failed)
			return failure_set(failure, -EBUSY, NULL, "Transaction for %s contradicts itself",
					   transaction->anchor->unit->name);
		r = transaction_merge(transaction, failure);
		if (r == 0)
			r = transaction_order_check(transaction, failure);
	} while (r > 0);
	if (r < 0)
		return r;
	transaction_fold(transaction);
	return transaction_check_destructive(transaction, failure);
}

int transaction_apply(struct transaction *transaction, struct job **ret_job, struct failure *failure)
{
	struct job *anchor = NULL;
	int r = transaction_resolve(transaction, failure);

	if (r < 0)
		return r;
	/* First everything that can fail, then everything that cannot. */
	for (struct transaction_job *job = transaction->jobs; job; job = job->next) {
		if (job->failed)
			continue;
		job->job = job_new(transaction->manager, job->unit, job->type);
		if (!job->job)
			return failure_set(failure, -ENOMEM, job->unit->name, "cannot queue a job");
		job->job->private->irreversible = transaction->mode == JOB_REPLACE_IRREVERSIBLY;
		job->job->private->ignore_order = transaction->mode == JOB_IGNORE_DEPENDENCIES;
	}
	if (transaction->mode == JOB_ISOLATE)
		/* Jobs of others that were waiting have no place in what was asked for. */
		TABLE_FOREACH (slot, &transaction->manager->units) {
			struct unit *unit = slot->value;

			if (!unit->job || transaction_find(unit))
				continue;
			job_finish(unit->job, JOB_CANCELED, false);
			/* One that waited for its restart has nothing to wait for any more. */
			if (unit->kind == UNIT_SERVICE)
				service_on_job_lost(unit);
		}
	for (struct transaction_job *job = transaction->jobs; job; job = job->next) {
		bool is_anchor = job == transaction->anchor;
		struct job *installed = job->failed ? NULL : job_install(TAKE(job->job));

		if (is_anchor)
			anchor = installed;
	}
	if (ret_job)
		*ret_job = anchor;
	return 0;
}
