/* sd-bus vtables made at start-up: a hand-written part with what a unit is doing, then one property per row
 * of the directive table. A row whose name the hand-written part has is skipped: it is shown there with what
 * the manager added to it. */
#include <errno.h>
#include <string.h>

#include "dbus/parts.h"

struct vtable_building {
	const struct vtable_request *request;
	sd_bus_vtable *vtable;
	size_t n;
};

static bool vtable_has(const struct vtable_building *building, const char *name)
{
	for (size_t i = 0; i < building->n; i++) {
		const sd_bus_vtable *row = &building->vtable[i];

		if (row->type == _SD_BUS_VTABLE_PROPERTY && strcmp(row->x.property.member, name) == 0)
			return true;
	}
	return false;
}

static int vtable_add(struct vtable_building *building, const char *name, const char *signature,
		      sd_bus_property_get_t get, const struct directive *directive)
{
	int r;

	if (!name || vtable_has(building, name))
		return 0;
	r = table_put(building->request->rows, name, (void *)directive);
	if (r < 0)
		return r;
	building->vtable[building->n++] =
		(sd_bus_vtable)SD_BUS_PROPERTY(name, signature, get, 0, SD_BUS_VTABLE_PROPERTY_CONST);
	return 0;
}

static int vtable_add_directive(struct vtable_building *building, const struct directive *directive)
{
	const char *name = property_name(directive), *suffix = property_second_suffix(directive);
	char *second;
	int r = vtable_add(building, name, property_signature(directive), building->request->get, directive);

	if (r < 0 || !name || !suffix)
		return r;
	second = text_format("%s%s", name, suffix);
	r = text_list_take(building->request->made_names, second);
	if (r < 0)
		return r;
	return vtable_add(building, second, property_second_signature(directive),
			  building->request->get_second, directive);
}

static bool vtable_wants(const struct vtable_request *request, const struct directive *directive)
{
	for (const char *const *wanted = request->sections; *wanted; wanted++)
		if (strcmp(*wanted, directive->section) == 0 ||
		    (strcmp(*wanted, "Slice") == 0 && directive_in_slice(directive)))
			return true;
	return false;
}

int vtable_make(const struct vtable_request *request, sd_bus_vtable **ret)
{
	struct vtable_building building = {.request = request};
	const sd_bus_vtable *row = request->template;
	int r = 0;

	while (row->type != _SD_BUS_VTABLE_END)
		row++;
	/* Zeroed, because sd-bus compares padding too (sd-bus-vtable.h). */
	building.vtable = calloc((size_t)(row - request->template) + 2 * directive_count + 1, sizeof *row);
	if (!building.vtable)
		return -ENOMEM;
	building.n = (size_t)(row - request->template);
	memcpy(building.vtable, request->template, building.n * sizeof *row);
	for (size_t i = 0; r >= 0 && i < directive_count; i++)
		if (vtable_wants(request, &directive_table[i]))
			r = vtable_add_directive(&building, &directive_table[i]);
	if (r < 0) {
		free(building.vtable);
		return r;
	}
	building.vtable[building.n] = (sd_bus_vtable)SD_BUS_VTABLE_END;
	*ret = building.vtable;
	return 0;
}
