/* The orderings between the jobs of a transaction, and those already queued, must have no cycle, or the jobs
 * would wait for each other for ever. A depth-first search with a stack of its own finds one; a job on it
 * that the anchor can do without is dropped, else the transaction is refused and the cycle named.
 *
 * Searched twice: as the jobs are, and as they will be when the stops are done and each restart has become a
 * start. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manager/transaction.h"

struct transaction_order_frame {
	struct graph_walk walk;
	struct unit *unit;
	enum job_type type;
};

struct transaction_order_stack {
	struct transaction_order_frame *frames;
	size_t n, room;
	bool starts; /* the second search */
	uint64_t visit;
};

/* What the unit's job would be; JOB_NOP: it has none that counts. */
static enum job_type transaction_order_type(const struct transaction_order_stack *stack,
					    const struct unit *unit)
{
	const struct transaction_job *job = transaction_find(unit);
	enum job_type type = JOB_NOP;

	if (job) {
		type = transaction_merged_type(job);
		if (unit->job && type != JOB_NOP && job_type_merge(type, unit->job->type, &type))
			type = job_type_collapse(type, unit);
	} else if (unit->job) {
		type = unit->job->type;
	}
	if (stack->starts && type == JOB_RESTART)
		return JOB_START;
	return stack->starts && type == JOB_STOP ? JOB_NOP : type;
}

static int transaction_order_push(struct transaction_order_stack *stack, struct unit *unit,
				  enum job_type type)
{
	if (stack->n == stack->room) {
		size_t room = stack->room ? stack->room * 2 : 32;
		struct transaction_order_frame *frames = reallocarray(stack->frames, room, sizeof *frames);

		if (!frames)
			return -ENOMEM;
		stack->frames = frames;
		stack->room = room;
	}
	stack->frames[stack->n++] = (struct transaction_order_frame){
		.walk = {.node = unit->private->node}, .unit = unit, .type = type};
	unit->private->order_visit = stack->visit;
	unit->private->order_open = true;
	return 0;
}

/* The stack from FIRST to its top waits in a circle. */
static int transaction_order_break(struct transaction_order_stack *stack, const struct unit *first,
				   struct failure *failure)
{
	char text[400];
	size_t begin = stack->n, length = 0;
	int n;

	while (stack->frames[--begin].unit != first)
		;
	for (size_t i = stack->n; i-- > begin;) {
		struct transaction_job *job = transaction_find(stack->frames[i].unit);

		if (job && !job->matters && !job->root) {
			for (; job; job = transaction_find(stack->frames[i].unit))
				transaction_drop(job);
			return 1;
		}
	}
	for (size_t i = begin; i < stack->n && length < sizeof text; i++) {
		n = snprintf(text + length, sizeof text - length, "%s/%s after ", stack->frames[i].unit->name,
			     job_type_names[stack->frames[i].type]);
		length += (size_t)MAX_OF(n, 0);
	}
	return failure_set(failure, -EDEADLK, NULL, "Transaction order is cyclic: %s%s", text, first->name);
}

/* One step of the search: the next unit that the top of the stack waits for. */
static int transaction_order_step(struct transaction_order_stack *stack, struct failure *failure)
{
	struct transaction_order_frame *top = &stack->frames[stack->n - 1];
	enum job_type type;
	struct unit *other;
	bool after;

	while ((other = graph_next_ordered(&top->walk, &after))) {
		type = transaction_order_type(stack, other);
		if (type == JOB_NOP || !job_type_waits(top->type, type, after))
			continue;
		if (other->private->order_visit != stack->visit)
			return transaction_order_push(stack, other, type);
		if (other->private->order_open)
			return transaction_order_break(stack, other, failure);
	}
	top->unit->private->order_open = false;
	stack->n--;
	return 0;
}

static int transaction_order_search(struct transaction *transaction, bool starts, struct failure *failure)
{
	struct transaction_order_stack stack = {.starts = starts,
						.visit = ++transaction->manager->private->order_visit};
	int r = 0;

	for (struct transaction_job *job = transaction->jobs; job && r == 0; job = job->next) {
		enum job_type type = job->failed ? JOB_NOP : transaction_order_type(&stack, job->unit);

		if (type == JOB_NOP || job->unit->private->order_visit == stack.visit)
			continue;
		r = transaction_order_push(&stack, job->unit, type);
		while (r == 0 && stack.n > 0)
			r = transaction_order_step(&stack, failure);
	}
	free(stack.frames);
	return r == -ENOMEM ? failure_set(failure, r, NULL, "cannot check the order of jobs") : r;
}

int transaction_order_check(struct transaction *transaction, struct failure *failure)
{
	int r;

	if (transaction->mode == JOB_IGNORE_DEPENDENCIES)
		return 0;
	r = transaction_order_search(transaction, false, failure);
	return r == 0 ? transaction_order_search(transaction, true, failure) : r;
}
