/* See filter.h: which filters there are, in which order they are compiled. */
#include <string.h>

#include "base/text.h"
#include "engine/filter-device.h"
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
	offsetof(struct spec, filters.device_allow),
};

static char *const *filter_list(const struct spec *spec, uint32_t offset)
{
	return *(char *const *const *)((const char *)spec + offset);
}

uint32_t filter_first_rule(const struct spec *spec)
{
	if (spec->filters.device_policy != SPEC_DEVICE_AUTO && !spec->filters.device_policy_implied)
		return offsetof(struct spec, filters.device_policy);
	for (size_t i = 0; i < ARRAY_SIZE(filter_lists); i++)
		if (filter_list(spec, filter_lists[i]))
			return filter_lists[i];
	if (spec->filters.ip_accounting)
		return offsetof(struct spec, filters.ip_accounting);
	return PROGRAM_NO_ORIGIN;
}

bool filter_wanted(const struct spec *spec)
{
	return filter_device_wanted(spec) || filter_first_rule(spec) != PROGRAM_NO_ORIGIN;
}

int filter_compile(const struct spec *const *specs, _unused_ size_t n_specs, struct filter *ret,
		   struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item)
{
	struct filter filter = {};
	int r = filter_device(specs[0], &filter, failure);

	if (r == 0) {
		*ret = filter;
		return 0;
	}
	*ret_origin = filter.n ? filter.items[filter.n - 1].origin : PROGRAM_NO_ORIGIN;
	*ret_item = filter.n ? filter.items[filter.n - 1].item : 0;
	if (r == -ENOMEM)
		failure_set(failure, r, NULL, "the filters could not be put together");
	filter_deinit(&filter);
	return r;
}
