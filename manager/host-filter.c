/* Filters of the units' cgroups. The kernel is the memory: a program lives with the group it is attached to, so a
 * manager that comes after finds it there by its name, and puts its own in its place.
 *
 * Replacing is one step of the kernel's: between the old rules and the new ones no packet and no open(2) goes
 * unjudged. Nothing is detached at a stop: that the group is removed ends its programs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "engine/bpf.h"
#include "manager/host-filter-private.h"

enum { HOST_FILTER_SPECS = 32 };

/* FNV-1a. */
uint64_t host_filter_hash(uint64_t hash, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)data)[i]) * 1099511628211u;
	return hash;
}

/* --- attaching ----------------------------------------------------------------------------------------- */

static struct host_filters *host_filters_free(struct host *host, struct host_filters *filters)
{
	if (!filters)
		return NULL;
	for (size_t i = 0; i < filters->n; i++)
		host_filter_unref(host, filters->items[i]);
	free(filters->items);
	free(filters->from);
	free(filters);
	return NULL;
}

static bool host_filters_have(const struct host_filters *filters, uint32_t id, uint32_t attach)
{
	for (size_t i = 0; filters && i < filters->n; i++)
		if (filters->items[i]->id == id && filters->items[i]->attach == attach)
			return true;
	return false;
}

/* Is the program of this id one that a manager attached? *RET_FD is its descriptor then, the caller's. */
static bool host_filter_is_ours(uint32_t id, const char *name, int *ret_fd)
{
	_cleanup_fd_ int fd = bpf_open_program(id);
	struct bpf_about about;

	if (fd < 0 || bpf_about(fd, &about) < 0 ||
	    (name ? strcmp(about.name, name) != 0 : !text_starts_with(about.name, "svcd_")))
		return false;
	*ret_fd = TAKE_FD(fd);
	return true;
}

/* Attaches one, in place of an older one of its name that is wanted no longer. */
static int host_filter_attach(int group_fd, const struct host_filters *wanted,
			      const struct host_filter_loaded *loaded)
{
	uint32_t ids[BPF_ATTACHED_MAX];
	int n = bpf_attached(group_fd, loaded->attach, ids);
	_cleanup_fd_ int replaced = -1;

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (ids[i] == loaded->id)
			return 0;
	for (int i = 0; i < n && replaced < 0 && loaded->name; i++)
		if (!host_filters_have(wanted, ids[i], loaded->attach))
			host_filter_is_ours(ids[i], loaded->name, &replaced);
	return bpf_attach(group_fd, loaded->fd, loaded->attach, replaced);
}

/* Takes off what OLD had of other people's programs, and all of ours, unless they are wanted. */
static int host_filter_sweep(int group_fd, const struct host_filters *old, const struct host_filters *wanted)
{
	static const uint32_t types[] = {BPF_CGROUP_DEVICE,	 BPF_CGROUP_INET_INGRESS,
					 BPF_CGROUP_INET_EGRESS, BPF_CGROUP_INET4_BIND,
					 BPF_CGROUP_INET6_BIND,	 BPF_LSM_CGROUP};
	uint32_t ids[BPF_ATTACHED_MAX];
	int failed = 0, r;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int n = bpf_attached(group_fd, types[i], ids);

		for (int j = 0; j < n; j++) {
			_cleanup_fd_ int fd = -1;

			if (host_filters_have(wanted, ids[j], types[i]) ||
			    !host_filter_is_ours(ids[j], NULL, &fd))
				continue;
			r = bpf_detach(group_fd, fd, types[i]);
			failed = failed ?: r;
		}
	}
	for (size_t i = 0; old && i < old->n; i++) {
		const struct host_filter_loaded *loaded = old->items[i];

		if (loaded->name || host_filters_have(wanted, loaded->id, loaded->attach))
			continue;
		r = bpf_detach(group_fd, loaded->fd, loaded->attach);
		failed = failed ?: r == -ENOENT ? 0 : r;
	}
	return failed;
}

/* --- what a unit asks for ------------------------------------------------------------------------------ */

int host_filter_launching(const struct host_unit *unit)
{
	for (size_t i = 0; unit->filters && i < unit->filters->n; i++)
		if (unit->filters->items[i]->launching)
			return unit->filters->items[i]->map;
	return -1;
}

bool host_filter_wanted(const struct unit_config *config)
{
	return filter_wanted((const struct spec *const[]){&config->spec}, 1);
}

int host_filter_refuse(const struct unit_config *config, struct failure *failure)
{
	uint32_t origin = filter_first_rule(&config->spec);

	if (origin == PROGRAM_NO_ORIGIN)
		return 0;
	failure_set(failure, -EOPNOTSUPP, NULL,
		    "there is no writable cgroup v2 hierarchy; this filter cannot be enforced");
	return host_launch_blame(config, origin, 0, failure);
}

/* What is asked for a slice's own group, borrowed from its config. */
struct host_filter_slice {
	struct spec spec;
	struct spec_filters filters;
};

/* The unit's spec, and those of the slices it lies in, the inmost first. */
static size_t host_filter_specs(const struct host *host, const struct unit_config *config,
				struct host_filter_slice *slice,
				const struct spec *specs[static HOST_FILTER_SPECS])
{
	_cleanup_free_ char *path = unit_cgroup_path(config->name, config);
	size_t n = 0;

	/* What a slice denies, a unit in it may allow: its addresses are judged by the units' programs. */
	if (config->kind == UNIT_SLICE) {
		slice->spec = config->spec;
		slice->filters = *spec_filters(&config->spec);
		slice->filters.ip_allow = slice->filters.ip_deny = NULL;
		slice->spec.filters = &slice->filters;
		specs[0] = &slice->spec;
		return 1;
	}
	specs[n++] = &config->spec;
	while (path && *path && host->manager && n < HOST_FILTER_SPECS) {
		char *slash = strrchr(path, '/'), *name;
		const struct unit *outer;

		*(slash ? slash : path) = '\0';
		name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		outer = manager_get_unit(host->manager, *name ? name : "-.slice");
		if (outer && outer->config && outer->config != config)
			specs[n++] = &outer->config->spec;
	}
	return n;
}

static struct host_filters *host_filters_new(struct host *host, size_t n)
{
	struct host_filters *filters = calloc(1, sizeof *filters);

	if (!filters)
		return NULL;
	filters->items = calloc(n + 1, sizeof *filters->items);
	filters->from = calloc(n + 1, sizeof *filters->from);
	return filters->items && filters->from ? filters : host_filters_free(host, filters);
}

/* Loads all, and only then attaches: half of the rules is none. *RET_FAILED is the program that failed. */
static int host_filters_apply(struct host_unit *unit, int group_fd, const struct filter *filter,
			      struct host_filters *filters, struct failure *failure, size_t *ret_failed)
{
	int r = 0;

	for (size_t i = 0; i < filter->n; i++) {
		struct failure why = {};

		*ret_failed = i;
		r = host_filter_load(unit, &filter->items[i], &filters->items[filters->n], &why);
		if (r == 0) {
			filters->from[filters->n++] = (uint16_t)i;
		} else if (filter->items[i].implied && r != -ENOMEM) {
			unit->host->filters_error = r;
		} else {
			if (failure)
				*failure = why;
			return r;
		}
	}
	for (size_t i = 0; i < filters->n; i++) {
		const struct filter_program *program = &filter->items[filters->from[i]];

		*ret_failed = filters->from[i];
		r = host_filter_attach(group_fd, filters, filters->items[i]);
		if (r < 0 && program->implied)
			unit->host->filters_error = r;
		else if (r < 0)
			return failure_set(failure, r, NULL,
					   "the program %s cannot be attached to the cgroup",
					   program->name ?: program->pinned);
	}
	return 0;
}

int host_filter_prepare(struct host_unit *unit, const struct unit_config *config, int group_fd,
			struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item)
{
	const struct spec *specs[HOST_FILTER_SPECS];
	struct host_filter_slice slice;
	size_t n_specs = host_filter_specs(unit->host, config, &slice, specs), failed = 0;
	struct host_filters *filters;
	struct filter filter;
	int r;

	*ret_origin = PROGRAM_NO_ORIGIN;
	*ret_item = 0;
	r = host_sets_apply(unit, spec_filters(&config->spec)->nft_sets, failure, ret_item);
	if (r < 0) {
		*ret_origin = SPEC_FILTERS_ORIGIN(nft_sets);
		return r;
	}
	if (!filter_wanted(specs, n_specs)) {
		unit->filter_rules = filter_rules(specs, n_specs);
		return 0;
	}
	if (spec_filters(&config->spec)->ip_accounting && (r = host_traffic_begin(unit, group_fd)) < 0) {
		*ret_origin = SPEC_FILTERS_ORIGIN(ip_accounting);
		return failure_set(failure, r, NULL, "no counters can be had");
	}
	r = filter_compile(specs, n_specs, &filter, failure, ret_origin, ret_item);
	if (r < 0)
		return r;
	filters = host_filters_new(unit->host, filter.n);
	r = filters ? host_filters_apply(unit, group_fd, &filter, filters, failure, &failed)
		    : failure_set(failure, -ENOMEM, NULL, "no filter can be loaded");
	if (r == 0) {
		host_filters_free(unit->host, unit->filters);
		unit->filters = TAKE(filters);
		unit->filter_rules = filter_rules(specs, n_specs);
	} else if (failed < filter.n) {
		*ret_origin = filter.items[failed].origin;
		*ret_item = filter.items[failed].item;
	}
	host_filters_free(unit->host, filters);
	filter_deinit(&filter);
	return r;
}

/* --- what changes while it runs ------------------------------------------------------------------------ */

int host_filter_update(struct host_unit *unit, const struct unit_config *config, struct failure *failure)
{
	const struct spec *specs[HOST_FILTER_SPECS];
	struct host_filter_slice slice;
	size_t n_specs = host_filter_specs(unit->host, config, &slice, specs);
	struct host_filters *old = unit->filters;
	_cleanup_fd_ int group = -1;
	uint32_t origin;
	uint16_t item;
	int r;

	if (unit->cgroup_fd < 0 || filter_rules(specs, n_specs) == unit->filter_rules)
		return 0;
	/* The unit's own group: its processes may be in one below (DelegateSubgroup=). */
	group = openat(unit->host->cgroups.root_fd, unit->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (group < 0)
		return failure_set(failure, -errno, unit->name, "its cgroup cannot be opened");
	unit->filters = NULL;
	r = host_filter_prepare(unit, config, group, failure, &origin, &item);
	if (r < 0) {
		unit->filters = old;
		return host_launch_blame(config, origin, item, failure);
	}
	if (!spec_filters(&config->spec)->ip_accounting)
		host_traffic_end(unit);
	r = host_filter_sweep(group, old, unit->filters);
	host_filters_free(unit->host, old);
	return r < 0 ? failure_set(failure, r, unit->name, "a program cannot be detached from the cgroup")
		     : 0;
}

void host_filter_update_all(struct host *host)
{
	TABLE_FOREACH (slot, &host->units) {
		struct host_unit *unit = slot->value;
		const struct unit *managed = manager_get_unit(host->manager, unit->name);
		char text[sizeof(struct failure)];
		struct failure failure = {};

		if (unit->cgroup_fd >= 0 && managed && managed->config &&
		    host_filter_update(unit, managed->config, &failure) < 0)
			host_log_message(&host->world, LOG_ERR, unit->name,
					 failure_print(&failure, text, sizeof text));
	}
}

void host_filter_release(struct host_unit *unit)
{
	host_sets_end(unit);
	host_traffic_end(unit);
	unit->filters = host_filters_free(unit->host, unit->filters);
	unit->filter_rules = 0;
}

void host_filter_forget(struct host_unit *unit)
{
	/* What is in the kernel stays there for the manager that comes after. */
	free(TAKE(unit->sets));
	host_traffic_end(unit);
	unit->filters = host_filters_free(unit->host, unit->filters);
	free(TAKE(unit->traffic));
}

/* --- explain ------------------------------------------------------------------------------------------- */

/* One step that a rule asked for. The text is taken over; NULL: out of memory. */
static int host_filter_explain_step(const struct unit_config *config, uint32_t origin, uint16_t item,
				    char *text, struct host_steps *steps)
{
	struct host_step *larger = reallocarray(steps->items, steps->n + 1, sizeof *larger), *step;
	const char *directive = "";
	char where[256] = "";

	if (!larger) {
		free(text);
		return -ENOMEM;
	}
	steps->items = larger;
	if (!unit_config_origin(config, origin, item, where, sizeof where, &directive))
		where[0] = '\0';
	step = &larger[steps->n++];
	*step = (struct host_step){.command = strdup("cgroup"),
				   .operation = text,
				   .where = strdup(where),
				   .directive = strdup(directive)};
	return step->command && step->operation && step->where && step->directive ? 0 : -ENOMEM;
}

static int host_filter_explain_one(const struct host *host, const struct unit_config *config,
				   const struct filter_program *program, struct host_steps *steps)
{
	bool no_cgroup = host->cgroups.root_fd < 0;
	char *text = program->implied && (no_cgroup || host->filters_error)
			     ? text_format("not enforced here (%s): filter %s",
					   no_cgroup ? "no writable cgroup v2 hierarchy"
						     : strerror(-host->filters_error),
					   program->words)
			     : text_format("filter %s", program->words);

	return host_filter_explain_step(config, program->origin, program->item, text, steps);
}

int host_filter_explain(struct host *host, const struct unit_config *config, struct host_steps *steps,
			struct failure *failure)
{
	const struct spec *specs[HOST_FILTER_SPECS];
	struct host_filter_slice slice;
	size_t n_specs = host_filter_specs(host, config, &slice, specs);
	uint32_t origin = PROGRAM_NO_ORIGIN;
	uint16_t item = 0;
	struct filter filter;
	int r;

	if (!filter_wanted(specs, n_specs))
		return 0;
	r = filter_compile(specs, n_specs, &filter, failure, &origin, &item);
	if (r < 0)
		return host_launch_blame(config, origin, item, failure);
	for (size_t i = 0; i < filter.n && r == 0; i++)
		r = host_filter_explain_one(host, config, &filter.items[i], steps);
	for (size_t i = 0; r == 0 && i < text_list_length(spec_filters(&config->spec)->nft_sets); i++)
		r = host_filter_explain_step(
			config, SPEC_FILTERS_ORIGIN(nft_sets), (uint16_t)i,
			text_format("packet filter set %s", spec_filters(&config->spec)->nft_sets[i]), steps);
	filter_deinit(&filter);
	return r;
}
