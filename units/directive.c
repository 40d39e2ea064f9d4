/* Finding a row, or the row that was meant. See directive.h. */
#include <string.h>

#include "units/value.h"

enum { DIRECTIVE_ROOM = 512 };

/* Row numbers sorted by name and then section; made at the first lookup. */
static uint16_t directive_order[DIRECTIVE_ROOM];
static bool directive_sorted;

static int directive_compare(const char *section, const char *name, const struct directive *directive)
{
	int r = strcmp(name, directive->name);

	return r ? r : strcmp(section, directive->section);
}

static int directive_compare_rows(const void *a, const void *b)
{
	const struct directive *row = &directive_table[*(const uint16_t *)a];

	return directive_compare(row->section, row->name, &directive_table[*(const uint16_t *)b]);
}

static void directive_sort(void)
{
	assert(directive_count <= DIRECTIVE_ROOM);
	for (size_t i = 0; i < directive_count; i++)
		directive_order[i] = (uint16_t)i;
	qsort(directive_order, directive_count, sizeof *directive_order, directive_compare_rows);
	directive_sorted = true;
}

/* A slice takes what limits a cgroup: rows of [Service]. */
static bool directive_is_slice(const char *section)
{
	return strcmp(section, "Slice") == 0;
}

bool directive_in_slice(const struct directive *directive)
{
	return (directive->applies == APPLIES_CGROUP || directive->applies == APPLIES_NEVER) &&
	       strcmp(directive->section, "Service") == 0;
}

static const struct directive *directive_search(const char *section, const char *name)
{
	size_t low = 0, high = directive_count;

	if (!directive_sorted)
		directive_sort();
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct directive *row = &directive_table[directive_order[middle]];
		int r = directive_compare(section, name, row);

		if (r == 0)
			return row;
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct directive *directive_find(const char *section, const char *name)
{
	const struct directive *found;

	if (!directive_is_slice(section))
		return directive_search(section, name);
	found = directive_search("Service", name);
	return found && directive_in_slice(found) ? found : NULL;
}

/* A quarter of the letters may be wrong; beyond that a guess confuses more than it helps. */
static unsigned directive_tolerance(const char *name)
{
	return MIN_OF((unsigned)strlen(name) / 4 + 1, 4u);
}

static unsigned directive_distance(const char *known, const char *name, unsigned limit)
{
	return strcasecmp(known, name) == 0 ? 0 : text_distance(known, name, limit);
}

const char *directive_nearest(const char *section, const char *name)
{
	unsigned best = directive_tolerance(name);
	const char *nearest = NULL;

	/* The right name in the wrong section is a likelier mistake than a wrong name. */
	for (size_t i = 0; i < directive_count; i++)
		if (strcmp(directive_table[i].name, name) == 0)
			return directive_table[i].section;
	for (size_t i = 0; i < directive_count; i++) {
		unsigned distance;

		if (directive_is_slice(section) ? !directive_in_slice(&directive_table[i])
						: strcmp(directive_table[i].section, section) != 0)
			continue;
		distance = directive_distance(directive_table[i].name, name, best);
		if (distance < best) {
			best = distance;
			nearest = directive_table[i].name;
		}
	}
	return nearest;
}

static const char *const directive_sections[UNIT_KIND_MAX_][5] = {
	[UNIT_SERVICE] = {"Unit", "Install", "Service", "Container"},
	[UNIT_TARGET] = {"Unit", "Install"},
	[UNIT_SLICE] = {"Unit", "Install", "Slice"},
};

bool directive_section_known(const char *section, enum unit_kind kind)
{
	for (const char *const *known = directive_sections[kind]; *known; known++)
		if (strcmp(*known, section) == 0)
			return true;
	return false;
}

const char *directive_nearest_section(const char *section, enum unit_kind kind)
{
	unsigned best = directive_tolerance(section);
	const char *nearest = NULL;

	for (const char *const *known = directive_sections[kind]; *known; known++) {
		unsigned distance = directive_distance(*known, section, best);

		if (distance < best) {
			best = distance;
			nearest = *known;
		}
	}
	return nearest;
}

const struct directive_group directive_group_limits = {
	.pointer = offsetof(struct unit_config, spec.limits),
	.size = sizeof(struct spec_limits),
	.defaults = &spec_limits_default,
};
const struct directive_group directive_group_confinement = {
	.pointer = offsetof(struct unit_config, spec.confinement),
	.size = sizeof(struct spec_confinement),
	.defaults = &spec_confinement_default,
};
const struct directive_group directive_group_filters = {
	.pointer = offsetof(struct unit_config, spec.filters),
	.size = sizeof(struct spec_filters),
	.defaults = &spec_filters_default,
};
const struct directive_group directive_group_rlimits = {
	.pointer = offsetof(struct unit_config, spec.rlimits),
	.size = sizeof spec_rlimits_default,
	.defaults = spec_rlimits_default,
};
const struct directive_group directive_group_log = {
	.pointer = offsetof(struct unit_config, log),
	.size = sizeof(struct unit_log),
	.defaults = &unit_log_default,
};
static_assert(offsetof(struct unit_config, spec) + sizeof(struct spec) < 1 << 16,
	      "half a key holds an offset");

static void **directive_group_pointer(const struct directive_group *group, const struct unit_config *config)
{
	return (void **)((char *)(uintptr_t)config + group->pointer);
}

const void *directive_field(const struct directive *directive, const struct unit_config *config)
{
	const char *object = (const char *)config;

	if (directive->group)
		object = *directive_group_pointer(directive->group, config) ?: directive->group->defaults;
	return object + directive->offset;
}

void *directive_make_field(const struct directive *directive, struct unit_config *config)
{
	const struct directive_group *group = directive->group;
	void **object;

	if (!group)
		return (char *)config + directive->offset;
	object = directive_group_pointer(group, config);
	if (!*object) {
		*object = malloc(group->size);
		if (!*object)
			return NULL;
		memcpy(*object, group->defaults, group->size);
	}
	return (char *)*object + directive->offset;
}

char *directive_print(const struct directive *directive, const struct unit_config *config)
{
	return value_print(directive, directive_field(directive, config));
}
