/* Filters of the units' cgroups. The kernel is the memory: a program lives with the group it is attached to, so a
 * manager that comes after finds it there by its name. Programs without state of their own are loaded once and shared
 * by all units that ask for the same, whatever their rules were called.
 *
 * Replacing is one step of the kernel's: between the old rules and the new ones no packet and no open(2) goes
 * unjudged. Nothing is detached at a stop: that the group is removed ends its programs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/bpf.h"
#include "manager/host-filter.h"

/* Programs that no unit uses are kept for the next start up to this number. */
enum { HOST_FILTER_IDLE_MAX = 64 };

/* A program in the kernel. */
struct host_filter_loaded {
	char key[48]; /* in host->filters; "" for one that is a unit's own */
	unsigned references;
	int fd;
	uint32_t id, attach;
	const char *name; /* NULL: pinned by somebody else */
	void *content;	  /* what it was made of */
	size_t size;
};

struct host_filters {
	struct host_filter_loaded **items;
	size_t n;
};

/* --- loading, once ------------------------------------------------------------------------------------- */

static struct host_filter_loaded *host_filter_loaded_free(struct host_filter_loaded *loaded)
{
	if (!loaded)
		return NULL;
	fd_close(loaded->fd);
	free(loaded->content);
	free(loaded);
	return NULL;
}
DEFINE_CLEANUP(struct host_filter_loaded *, host_filter_loaded_free);

static void host_filter_unref(struct host *host, struct host_filter_loaded *loaded)
{
	if (--loaded->references > 0)
		return;
	if (loaded->key[0] && host->filters_idle < HOST_FILTER_IDLE_MAX) {
		host->filters_idle++;
		return;
	}
	if (loaded->key[0])
		table_remove(&host->filters, loaded->key);
	host_filter_loaded_free(loaded);
}

/* All that makes one program differ from another. */
static int host_filter_content(const struct filter_program *program, void **ret, size_t *ret_size)
{
	struct text_buffer buffer = {};

	text_buffer_append(&buffer, "%u %u", program->attach, program->btf_id);
	text_buffer_append_bytes(&buffer, (const char *)program->code.insns,
				 program->code.n * sizeof *program->code.insns);
	for (unsigned i = 0; i < program->n_maps; i++) {
		const struct filter_map *map = &program->maps[i];

		text_buffer_append(&buffer, "%d %u", map->kind, map->n_keys);
		text_buffer_append_bytes(&buffer, map->keys, (size_t)map->key_size * map->n_keys);
	}
	*ret_size = buffer.length;
	*ret = text_buffer_finish(&buffer);
	return *ret ? 0 : -ENOMEM;
}

static uint64_t host_filter_hash(const void *content, size_t size)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)content)[i]) * 1099511628211u;
	return hash;
}

static int host_filter_load_code(const struct filter_program *program, struct failure *failure)
{
	const struct bpf_source source = {
		.name = program->name,
		.type = program->type,
		.attach = program->attach,
		.btf_id = program->btf_id,
		.insns = program->code.insns,
		.n = program->code.n,
	};

	return bpf_load(&source, failure);
}

/* Adds the reference of the caller. */
static int host_filter_load(struct host *host, const struct filter_program *program,
			    struct host_filter_loaded **ret, struct failure *failure)
{
	_cleanup_(cleanup_host_filter_loaded_free) struct host_filter_loaded *loaded =
		calloc(1, sizeof *loaded);
	struct host_filter_loaded *known;
	struct bpf_about about;
	int r;

	if (!loaded || host_filter_content(program, &loaded->content, &loaded->size) < 0)
		return failure_set(failure, -ENOMEM, NULL, "the filter %s cannot be loaded", program->name);
	loaded->fd = -1;
	snprintf(loaded->key, sizeof loaded->key, "%016llx.%zu",
		 (unsigned long long)host_filter_hash(loaded->content, loaded->size), loaded->size);
	known = table_get(&host->filters, loaded->key);
	if (known && memcmp(known->content, loaded->content, loaded->size) == 0) {
		host->filters_idle -= known->references == 0;
		known->references++;
		*ret = known;
		return 0;
	}
	loaded->fd = host_filter_load_code(program, failure);
	if (loaded->fd < 0)
		return loaded->fd;
	r = bpf_about(loaded->fd, &about);
	if (r == 0 && known)
		loaded->key[0] = '\0'; /* another one of the same hash: this one is not shared */
	else if (r == 0)
		r = table_put(&host->filters, loaded->key, loaded);
	if (r < 0)
		return failure_set(failure, r, NULL, "the filter %s cannot be kept", program->name);
	loaded->id = about.id;
	loaded->attach = program->attach;
	loaded->name = program->name;
	loaded->references = 1;
	*ret = TAKE(loaded);
	return 0;
}

/* --- attaching ----------------------------------------------------------------------------------------- */

static struct host_filters *host_filters_free(struct host *host, struct host_filters *filters)
{
	if (!filters)
		return NULL;
	for (size_t i = 0; i < filters->n; i++)
		host_filter_unref(host, filters->items[i]);
	free(filters->items);
	free(filters);
	return NULL;
}

static bool host_filters_have(const struct host_filters *filters, uint32_t id)
{
	for (size_t i = 0; filters && i < filters->n; i++)
		if (filters->items[i]->id == id)
			return true;
	return false;
}

/* Is the program of this id one that a manager attached? *RET_FD is its descriptor then, the caller's. */
static bool host_filter_is_ours(uint32_t id, const char *name, int *ret_fd)
{
	_cleanup_fd_ int fd = bpf_open_program(id);
	struct bpf_about about;

	if (fd < 0 || bpf_about(fd, &about) < 0 || !text_starts_with(about.name, name ?: "svcd_"))
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
		if (!host_filters_have(wanted, ids[i]))
			host_filter_is_ours(ids[i], loaded->name, &replaced);
	return bpf_attach(group_fd, loaded->fd, loaded->attach, replaced);
}

/* Loads all, and only then attaches: half of the rules is none. */
static int host_filters_load(struct host *host, const struct filter *filter, struct host_filters *ret,
			     struct failure *failure, size_t *ret_failed)
{
	ret->items = calloc(filter->n + 1, sizeof *ret->items);
	if (!ret->items)
		return failure_set(failure, -ENOMEM, NULL, "the filters cannot be loaded");
	for (size_t i = 0; i < filter->n; i++) {
		struct failure why = {};
		int r = host_filter_load(host, &filter->items[i], &ret->items[ret->n], &why);

		if (r == 0) {
			ret->n++;
		} else if (filter->items[i].implied && r != -ENOMEM) {
			host->filters_error = r;
		} else {
			*ret_failed = i;
			if (failure)
				*failure = why;
			return r;
		}
	}
	return 0;
}

static int host_filters_attach(int group_fd, const struct filter *filter, const struct host_filters *filters,
			       struct failure *failure, size_t *ret_failed)
{
	for (size_t i = 0; i < filters->n; i++) {
		int r = host_filter_attach(group_fd, filters, filters->items[i]);

		if (r == 0)
			continue;
		for (*ret_failed = 0; *ret_failed + 1 < filter->n; (*ret_failed)++)
			if (text_equal(filter->items[*ret_failed].name, filters->items[i]->name))
				break;
		return failure_set(failure, r, NULL, "the filter %s cannot be attached to the cgroup",
				   filters->items[i]->name ?: filter->items[*ret_failed].pinned);
	}
	return 0;
}

/* --- what the units ask for ---------------------------------------------------------------------------- */

static int host_filter_compile(struct host *host, const struct unit_config *config, struct filter *ret,
			       struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item)
{
	const struct spec *specs[] = {&config->spec};

	(void)host;
	return filter_compile(specs, 1, ret, failure, ret_origin, ret_item);
}

int host_filter_prepare(struct host_unit *unit, const struct unit_config *config, int group_fd,
			struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item)
{
	struct host *host = unit->host;
	struct host_filters *filters;
	struct filter filter;
	size_t failed = 0;
	int r;

	if (!filter_wanted(&config->spec))
		return 0;
	r = host_filter_compile(host, config, &filter, failure, ret_origin, ret_item);
	if (r < 0)
		return r;
	filters = calloc(1, sizeof *filters);
	r = filters ? host_filters_load(host, &filter, filters, failure, &failed)
		    : failure_set(failure, -ENOMEM, NULL, "the filters cannot be loaded");
	if (r == 0)
		r = host_filters_attach(group_fd, &filter, filters, failure, &failed);
	if (r == 0) {
		host_filters_free(host, unit->filters);
		unit->filters = TAKE(filters);
	} else if (failed < filter.n) {
		*ret_origin = filter.items[failed].origin;
		*ret_item = filter.items[failed].item;
	}
	host_filters_free(host, filters);
	filter_deinit(&filter);
	return r;
}

/* Detaches from the group what a manager attached and FILTERS do not want. */
static int host_filter_sweep(int group_fd, const struct host_filters *filters)
{
	static const uint32_t types[] = {BPF_CGROUP_DEVICE};
	int failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		uint32_t ids[BPF_ATTACHED_MAX];
		int n = bpf_attached(group_fd, types[i], ids), r;

		for (int j = 0; j < n; j++) {
			_cleanup_fd_ int fd = -1;

			if (host_filters_have(filters, ids[j]) || !host_filter_is_ours(ids[j], NULL, &fd))
				continue;
			r = bpf_detach(group_fd, fd, types[i]);
			failed = failed ?: r;
		}
	}
	return failed;
}

int host_filter_update(struct host_unit *unit, const struct unit_config *config, struct failure *failure,
		       uint32_t *ret_origin, uint16_t *ret_item)
{
	int r;

	*ret_origin = PROGRAM_NO_ORIGIN;
	*ret_item = 0;
	if (unit->cgroup_fd < 0)
		return 0;
	r = host_filter_prepare(unit, config, unit->cgroup_fd, failure, ret_origin, ret_item);
	if (r < 0)
		return r;
	if (!filter_wanted(&config->spec))
		unit->filters = host_filters_free(unit->host, unit->filters);
	r = host_filter_sweep(unit->cgroup_fd, unit->filters);
	return r < 0 ? failure_set(failure, r, unit->name, "a filter cannot be detached from the cgroup") : 0;
}

void host_filter_release(struct host_unit *unit)
{
	unit->filters = host_filters_free(unit->host, unit->filters);
}

void host_filter_finish(struct host *host)
{
	TABLE_FOREACH (slot, &host->filters)
		host_filter_loaded_free(slot->value);
	table_free(&host->filters);
}

/* --- explain ------------------------------------------------------------------------------------------- */

static int host_filter_explain_one(struct host *host, const struct unit_config *config,
				   const struct filter_program *program, struct host_steps *steps)
{
	struct host_step *larger = reallocarray(steps->items, steps->n + 1, sizeof *larger);
	int error = host->cgroups.root_fd < 0 ? -ENOENT : host->filters_error;
	const char *directive = "";
	char where[256] = "";

	if (!larger)
		return -ENOMEM;
	steps->items = larger;
	if (!unit_config_origin(config, program->origin, program->item, where, sizeof where, &directive))
		where[0] = '\0';
	larger[steps->n] = (struct host_step){
		.command = strdup("cgroup"),
		.operation = program->implied && error
				     ? text_format("not enforced here (%s): filter %s",
						   error == -ENOENT ? "no writable cgroup v2 hierarchy"
								    : strerror(-error),
						   program->words)
				     : text_format("filter %s", program->words),
		.where = strdup(where),
		.directive = strdup(directive),
	};
	steps->n++;
	return larger[steps->n - 1].command && larger[steps->n - 1].operation && larger[steps->n - 1].where &&
			       larger[steps->n - 1].directive
		       ? 0
		       : -ENOMEM;
}

int host_filter_explain(struct host *host, const struct unit_config *config, struct host_steps *steps,
			struct failure *failure)
{
	struct filter filter;
	uint32_t origin = PROGRAM_NO_ORIGIN;
	uint16_t item = 0;
	int r;

	if (!filter_wanted(&config->spec))
		return 0;
	r = host_filter_compile(host, config, &filter, failure, &origin, &item);
	if (r < 0)
		return host_launch_blame(config, origin, item, failure);
	for (size_t i = 0; i < filter.n && r == 0; i++)
		r = host_filter_explain_one(host, config, &filter.items[i], steps);
	filter_deinit(&filter);
	return r;
}
