/* See consequence.h. Jobs that nobody asked for are limited: a unit that is started by such a rule more than
 * 16 times in ten seconds is left alone, so that units which start or stop each other cannot spin. */
#include <errno.h>
#include <syslog.h>

#include "manager/consequence.h"
#include "manager/job.h"
#include "manager/process.h"
#include "manager/service.h"

enum { CONSEQUENCE_BURST = 16 };
#define CONSEQUENCE_INTERVAL (10 * USEC_PER_SEC)

static void consequence_enqueue(struct unit *unit, enum job_type type)
{
	struct manager *manager = unit->manager;

	if (manager->shutting_down)
		return;
	if (limit_allow(&unit->private->automatic_limit, CONSEQUENCE_INTERVAL, CONSEQUENCE_BURST,
			manager_now(manager)))
		manager_enqueue_automatic(manager, type, unit, JOB_REPLACE);
	else
		manager_log(unit, LOG_WARNING, "Not to %s it: that was done too often", job_type_names[type]);
}

static bool consequence_is_stopping(const struct unit *unit)
{
	return unit_is_down(unit) || unit_active_state(unit) == UNIT_DEACTIVATING ||
	       (unit->job && (unit->job->type == JOB_STOP || unit->job->type == JOB_RESTART));
}

/* It is down: whoever is bound to it goes too. */
static void consequence_stop_bound(struct unit *unit)
{
	const struct graph_node *node = unit->private->node;

	if (!unit_is_down(unit) || unit->job)
		return;
	for (uint32_t i = 0; i < graph_neighbours(node, UNIT_BINDS_TO, true)->n; i++) {
		struct unit *bound = graph_neighbours(node, UNIT_BINDS_TO, true)->items[i].other->unit;

		if (bound && !consequence_is_stopping(bound))
			consequence_enqueue(bound, JOB_STOP);
	}
}

static bool consequence_may_uphold(const struct unit *upholder, const struct unit *upheld)
{
	return upholder && unit_is_up(upholder) && !consequence_is_stopping(upholder) &&
	       unit_is_down(upheld) && !upheld->job &&
	       !(unit_active_state(upheld) == UNIT_FAILED &&
		 upheld->result == SERVICE_FAILURE_START_LIMIT_HIT);
}

/* Upholds=, from either end: an active unit starts what it upholds; what went down is started by who upholds
 * it. */
static void consequence_uphold(struct unit *unit)
{
	const struct graph_node *node = unit->private->node;

	for (uint32_t i = 0; i < graph_neighbours(node, UNIT_UPHOLDS, false)->n; i++) {
		struct unit *upheld = graph_neighbours(node, UNIT_UPHOLDS, false)->items[i].other->unit;

		if (upheld && consequence_may_uphold(unit, upheld))
			consequence_enqueue(upheld, JOB_START);
	}
	for (uint32_t i = 0; i < graph_neighbours(node, UNIT_UPHOLDS, true)->n; i++)
		if (consequence_may_uphold(graph_neighbours(node, UNIT_UPHOLDS, true)->items[i].other->unit,
					   unit))
			consequence_enqueue(unit, JOB_START);
}

static void consequence_trigger(struct unit *unit, enum unit_dependency dependency)
{
	const struct graph_node *node = unit->private->node;

	for (uint32_t i = 0; i < graph_neighbours(node, dependency, false)->n; i++) {
		struct unit *other = NULL;

		if (manager_resolve(unit->manager, graph_neighbours(node, dependency, false)->items[i].other,
				    &other, NULL) >= 0)
			consequence_enqueue(other, JOB_START);
	}
}

/* StopWhenUnneeded=: does anything that is up, or about to be, still need it? */
static void consequence_stop_unneeded(struct unit *unit)
{
	static const enum unit_dependency needs[] = {UNIT_REQUIRES, UNIT_REQUISITE, UNIT_WANTS, UNIT_BINDS_TO,
						     UNIT_UPHOLDS};

	if (!unit->config->stop_when_unneeded || consequence_is_stopping(unit) || unit->job)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		const struct graph_list *list = graph_neighbours(unit->private->node, needs[i], true);

		for (uint32_t j = 0; j < list->n; j++) {
			const struct unit *other = list->items[j].other->unit;

			if (other && (!unit_is_down(other) || other->job))
				return;
		}
	}
	consequence_enqueue(unit, JOB_STOP);
}

void consequence_handle(struct unit *unit)
{
	struct unit_private *private = unit->private;
	unsigned work = private->work & ~(unsigned)UNIT_WORK_SIGNAL;
	unsigned one = work & -work; /* the lowest bit: exits come before what they lead to */

	/* Only a successor finds this here: see enum unit_work. */
	if (private->work & UNIT_WORK_SIGNAL)
		service_resend_signal(unit);
	private->work &= ~one;
	manager_touch(unit);
	switch (one) {
	case UNIT_WORK_MAIN_ENDED:
		process_on_refused(unit, &unit->main);
		break;
	case UNIT_WORK_CONTROL_ENDED:
		process_on_refused(unit, &unit->control);
		break;
	case UNIT_WORK_RESTART:
		service_restart(unit);
		break;
	case UNIT_WORK_BOUND:
		consequence_stop_bound(unit);
		break;
	case UNIT_WORK_UPHOLD:
		consequence_uphold(unit);
		break;
	case UNIT_WORK_ON_FAILURE:
		consequence_trigger(unit, UNIT_ON_FAILURE);
		break;
	case UNIT_WORK_ON_SUCCESS:
		consequence_trigger(unit, UNIT_ON_SUCCESS);
		break;
	case UNIT_WORK_UNNEEDED:
		consequence_stop_unneeded(unit);
		break;
	case UNIT_WORK_SLICE:
		slice_on_empty(unit);
		break;
	default:
		break;
	}
	if (private->work & ~(unsigned)UNIT_WORK_SIGNAL)
		queue_push(&unit->manager->private->work, &private->work_link);
}
