/* svcctl clean: directories of a unit that is down are taken away when somebody asks for it. They are out of sight at
 * once; who asked hears when they are gone, or that it takes too long, and then they go all the same. */
#include <errno.h>
#include <string.h>

#include "manager/host-private.h"

static struct host_clean *host_clean_free(struct host_clean *clean)
{
	struct host_clean **link = &clean->host->cleans;

	while (*link && *link != clean)
		link = &(*link)->next;
	if (*link)
		*link = clean->next;
	sd_event_source_disable_unref(clean->timeout);
	free(clean);
	return NULL;
}

const char *host_clean_result(const struct host *host, const struct unit *unit)
{
	const struct host_unit *host_unit = host_unit_find(host, unit->name);
	int result = host_unit ? host_unit->clean_result : 0;

	return result == -ETIMEDOUT ? "timeout" : result < 0 ? "resources" : "success";
}

static void host_clean_tell(struct host_clean *clean)
{
	struct host_unit *unit = host_unit_get(clean->host, clean->unit);

	if (unit)
		unit->clean_result = clean->result;
	if (clean->done)
		clean->done(clean->data, clean->result);
	clean->done = NULL;
}

void host_clean_done(struct host_clean *clean, int result)
{
	if (result < 0 && clean->result == 0)
		clean->result = result;
	if (--clean->n_pending > 0)
		return;
	host_clean_tell(clean);
	host_clean_free(clean);
}

static int host_clean_on_timeout(sd_event_source *source _unused_, uint64_t at _unused_, void *data)
{
	struct host_clean *clean = data;

	clean->result = -ETIMEDOUT;
	host_clean_tell(clean); /* freed when its last tree is gone */
	return 0;
}

void host_clean_drop(struct host *host)
{
	while (host->cleans)
		host_clean_free(host->cleans);
}

static int host_clean_check(const struct unit *unit, unsigned what, struct failure *failure)
{
	enum unit_active_state state = unit_active_state(unit);

	if (unit->kind != UNIT_SERVICE)
		return failure_set(failure, -EOPNOTSUPP, NULL, "Unit %s does not support cleaning",
				   unit->name);
	if ((state != UNIT_INACTIVE && state != UNIT_FAILED) || unit->job)
		return failure_set(failure, -EALREADY, NULL, "Unit %s is not inactive or has a job pending",
				   unit->name);
	for (size_t kind = 0; kind < SPEC_DIRECTORY_MAX_; kind++)
		if (what & (1u << kind) && unit->config->spec.directories[kind])
			return 0;
	return failure_set(failure, -EUNATCH, NULL, "Unit %s has nothing of that sort to clean", unit->name);
}

int host_clean(struct host *host, struct unit *unit, unsigned what, void (*done)(void *data, int result),
	       void *data, struct failure *failure)
{
	size_t size = strlen(unit->name) + 1;
	struct host_clean *clean;
	int r = host_clean_check(unit, what, failure);

	if (r < 0)
		return r;
	clean = malloc(sizeof *clean + size);
	if (!clean)
		return failure_set(failure, -ENOMEM, unit->name, "cannot clean");
	*clean = (struct host_clean){.host = host, .n_pending = 1, .next = host->cleans};
	memcpy(clean->unit, unit->name, size);
	host->cleans = clean;
	if (unit->config->timeout_clean != USEC_INFINITY)
		r = sd_event_add_time_relative(host->event, &clean->timeout, CLOCK_MONOTONIC,
					       unit->config->timeout_clean, 0, host_clean_on_timeout, clean);
	for (enum spec_directory kind = 0; kind < SPEC_DIRECTORY_MAX_ && r >= 0; kind++)
		if (what & (1u << kind))
			r = host_directory_remove_all(host, &unit->config->spec, kind, clean);
	if (r < 0)
		failure_set(failure, r, unit->name, "cannot remove all of its directories");
	else if (clean->n_pending > 1) {
		clean->done = done;
		clean->data = data;
	} else
		r = 1;
	host_clean_done(clean, 0);
	return r < 0 ? r : r > 0;
}
