/* See filter.h: which filters there are, in which order they are compiled. */
#include <string.h>

#include "base/text.h"
#include "engine/filter-address.h"
#include "engine/filter-device.h"
#include "engine/filter-text.h"
#include "engine/filter.h"
#include "engine/program.h"

struct filter_program *filter_append(struct filter *filter, const char *name, uint32_t type, uint32_t attach,
				     uint32_t origin)
{
	struct filter_program *larger = reallocarray(filter->items, filter->n + 1, sizeof *larger);

	if (!larger)
		return NULL;
	filter->items = larger;
	larger[filter->n] =
		(struct filter_program){.name = name, .type = type, .attach = attach, .origin = origin};
	return &larger[filter->n++];
}

unsigned filter_add_map(struct filter_program *program, struct filter_map map)
{
	assert(program->n_maps < FILTER_MAPS);
	program->maps[program->n_maps] = map;
	return program->n_maps++;
}

void filter_deinit(struct filter *filter)
{
	for (size_t i = 0; i < filter->n; i++) {
		struct filter_program *program = &filter->items[i];

		for (unsigned map = 0; map < program->n_maps; map++)
			if (program->maps[map].kind == FILTER_MAP_INTERFACES)
				text_list_free(program->maps[map].keys);
			else
				free(program->maps[map].keys);
		bpf_code_deinit(&program->code);
		free(program->words);
	}
	free(filter->items);
	*filter = (struct filter){};
}

/* The lists whose first item asks for a program. */
static const uint32_t filter_lists[] = {
	offsetof(struct spec_filters, device_allow), offsetof(struct spec_filters, ip_deny),
	offsetof(struct spec_filters, ip_ingress),   offsetof(struct spec_filters, ip_egress),
	offsetof(struct spec_filters, programs),     offsetof(struct spec_filters, bind_deny),
	offsetof(struct spec_filters, interfaces),   offsetof(struct spec_filters, file_systems),
	offsetof(struct spec_filters, nft_sets),
};

static char *const *filter_list(const struct spec *spec, uint32_t offset)
{
	return *(char *const *const *)((const char *)spec_filters(spec) + offset);
}

uint32_t filter_first_rule(const struct spec *spec)
{
	if (spec->device_policy != SPEC_DEVICE_AUTO && !spec->device_policy_implied)
		return offsetof(struct spec, device_policy);
	for (size_t i = 0; i < ARRAY_SIZE(filter_lists); i++)
		if (filter_list(spec, filter_lists[i]))
			return SPEC_FILTERS_ORIGIN(device_allow) +
			       ((filter_lists[i] - (uint32_t)offsetof(struct spec_filters, device_allow))
				<< 16);
	return spec_filters(spec)->ip_accounting ? SPEC_FILTERS_ORIGIN(ip_accounting) : PROGRAM_NO_ORIGIN;
}

bool filter_wanted(const struct spec *const *specs, size_t n_specs)
{
	return filter_device_wanted(specs[0]) || filter_first_rule(specs[0]) != PROGRAM_NO_ORIGIN ||
	       filter_address_wanted(specs, n_specs);
}

static void filter_hash_list(uint64_t *hash, char *const *list)
{
	for (; list && *list; list++)
		for (const char *c = *list;; c++) { /* FNV-1a, the end of each text included */
			*hash = (*hash ^ (uint8_t)*c) * 1099511628211u;
			if (!*c)
				break;
		}
	*hash = (*hash ^ 0xff) * 1099511628211u;
}

uint64_t filter_rules(const struct spec *const *specs, size_t n_specs)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < ARRAY_SIZE(filter_lists); i++)
		filter_hash_list(&hash, filter_list(specs[0], filter_lists[i]));
	filter_hash_list(&hash, spec_filters(specs[0])->bind_allow);
	for (size_t i = 0; i < n_specs; i++) {
		filter_hash_list(&hash, spec_filters(specs[i])->ip_allow);
		filter_hash_list(&hash, spec_filters(specs[i])->ip_deny);
	}
	hash ^= (uint64_t)filter_device_policy(specs[0]) << 1 ^
		(uint64_t)spec_filters(specs[0])->ip_accounting << 3 ^ (uint64_t)specs[0]->protect_clock << 4;
	return hash;
}

static int filter_pin(struct filter *filter, uint32_t attach, const char *path, uint32_t origin, size_t item)
{
	struct filter_program *program = filter_append(filter, NULL, BPF_PROG_TYPE_UNSPEC, attach, origin);

	if (!program)
		return -ENOMEM;
	program->item = (uint16_t)item;
	program->pinned = path;
	program->words = text_format("program %s", path);
	return program->words ? 0 : -ENOMEM;
}

/* Programs that somebody else has made and pinned. */
static int filter_pinned(const struct spec *spec, struct filter *filter)
{
	const struct spec_filters *filters = spec_filters(spec);
	int r = 0;

	for (size_t i = 0; r == 0 && filters->ip_ingress && filters->ip_ingress[i]; i++)
		r = filter_pin(filter, BPF_CGROUP_INET_INGRESS, filters->ip_ingress[i],
			       SPEC_FILTERS_ORIGIN(ip_ingress), i);
	for (size_t i = 0; r == 0 && filters->ip_egress && filters->ip_egress[i]; i++)
		r = filter_pin(filter, BPF_CGROUP_INET_EGRESS, filters->ip_egress[i],
			       SPEC_FILTERS_ORIGIN(ip_egress), i);
	for (size_t i = 0; r == 0 && filters->programs && filters->programs[i]; i++) {
		const char *colon = strchr(filters->programs[i], ':');
		_cleanup_free_ char *type =
			strndup(filters->programs[i], (size_t)(colon - filters->programs[i]));

		r = type ? filter_text_attach(type) : -ENOMEM;
		if (r >= 0)
			r = filter_pin(filter, (uint32_t)r, colon + 1, SPEC_FILTERS_ORIGIN(programs), i);
	}
	return r;
}

int filter_compile(const struct spec *const *specs, size_t n_specs, struct filter *ret,
		   struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item)
{
	struct filter filter = {};
	int r = filter_device(specs[0], &filter, failure);

	if (r == 0)
		r = filter_address(specs, n_specs, &filter);
	if (r == 0)
		r = filter_socket(specs[0], &filter);
	if (r == 0)
		r = filter_pinned(specs[0], &filter);
	if (r == 0)
		r = filter_files(specs[0], &filter, failure);
	if (r == 0) {
		*ret = filter;
		return 0;
	}
	*ret_origin = filter.n ? filter.items[filter.n - 1].origin : PROGRAM_NO_ORIGIN;
	*ret_item = filter.n ? filter.items[filter.n - 1].item : 0;
	if (r == -ENOMEM || r == -E2BIG)
		failure_set(failure, r, NULL, "the filters could not be put together");
	filter_deinit(&filter);
	return r;
}
