/* Elements of packet filter sets that are there while the unit is up (NFTSet=). The rules that ask the sets are the
 * administrator's; what we put into them we take out again. A manager that comes after puts the same in once more, which changes
 * nothing. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "engine/nft.h"
#include "manager/host-filter-private.h"

struct host_sets {
	size_t n;
	struct host_set_element {
		struct filter_set set;
		uint64_t value;
	} items[];
};

/* What the set is to hold; the user as the main process has it. */
static int host_sets_value(struct host_unit *unit, const struct filter_set *set, uint64_t *ret)
{
	if (set->source == FILTER_SET_CGROUP) {
		*ret = unit->cgroup ? cgroup_read_id(&unit->host->cgroups, unit->cgroup) : 0;
		return *ret ? 0 : -EOPNOTSUPP;
	}
	host_launch_learn_ids(unit);
	*ret = set->source == FILTER_SET_USER ? unit->uid : unit->gid;
	return unit->uid == (uid_t)-1 ? -ESRCH : 0;
}

static bool host_sets_have(const struct host_sets *sets, const struct host_set_element *element)
{
	for (size_t i = 0; sets && i < sets->n; i++)
		if (sets->items[i].value == element->value &&
		    memcmp(&sets->items[i].set, &element->set, sizeof element->set) == 0)
			return true;
	return false;
}

/* Another unit of the same user has put the same into the same set. */
static bool host_sets_are_shared(const struct host_unit *unit, const struct host_set_element *element)
{
	TABLE_FOREACH (slot, &unit->host->units) {
		const struct host_unit *other = slot->value;

		if (other != unit && host_sets_have(other->sets, element))
			return true;
	}
	return false;
}

/* Takes out what is in SETS but not in KEPT. */
static void host_sets_take_out(struct host_unit *unit, const struct host_sets *sets,
			       const struct host_sets *kept)
{
	struct failure failure = {};
	char text[sizeof failure];

	for (size_t i = 0; sets && i < sets->n; i++)
		if (!host_sets_have(kept, &sets->items[i]) && !host_sets_are_shared(unit, &sets->items[i]) &&
		    nft_change(&sets->items[i].set, sets->items[i].value, false, &failure) < 0)
			host_log_message(&unit->host->world, LOG_WARNING, unit->name,
					 failure_print(&failure, text, sizeof text));
}

int host_sets_apply(struct host_unit *unit, char *const *rules, struct failure *failure, uint16_t *ret_item)
{
	struct host_sets *wanted;
	size_t n = text_list_length(rules);
	int r = 0;

	*ret_item = 0;
	if (n == 0 && !unit->sets)
		return 0;
	wanted = calloc(1, sizeof *wanted + n * sizeof wanted->items[0]);
	if (!wanted)
		return failure_set(failure, -ENOMEM, NULL, "the sets cannot be changed");
	for (; wanted->n < n; wanted->n++) {
		struct host_set_element *element = &wanted->items[wanted->n];

		*ret_item = (uint16_t)wanted->n;
		r = filter_text_set(rules[wanted->n], &element->set);
		if (r == 0)
			r = host_sets_value(unit, &element->set, &element->value);
		if (r < 0)
			failure_set(failure, r, NULL, "there is no %s to put into the set",
				    element->set.source == FILTER_SET_CGROUP ? "cgroup" : "user");
		else if (!host_sets_have(unit->sets, element))
			r = nft_change(&element->set, element->value, true, failure);
		if (r < 0)
			break;
	}
	if (r < 0) {
		host_sets_take_out(unit, wanted, unit->sets);
		free(wanted);
		return r;
	}
	host_sets_take_out(unit, unit->sets, wanted);
	free(unit->sets);
	unit->sets = wanted;
	return 0;
}

void host_sets_end(struct host_unit *unit)
{
	host_sets_take_out(unit, unit->sets, NULL);
	free(TAKE(unit->sets));
}
