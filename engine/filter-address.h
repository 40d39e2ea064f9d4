/* With whom the sockets of a unit may exchange packets, and how much they do: IPAddressAllow=, IPAddressDeny= and
 * IPAccounting= of systemd.resource-control(5). */
#pragma once

#include "engine/filter.h"

/* The lists of all specs together, as keys of LPM tries. */
struct filter_address_lists {
	struct filter_map allow4, allow6, deny4, deny6;
};

bool filter_address_wanted(const struct spec *const *specs, size_t n_specs);
int filter_address_lists(const struct spec *const *specs, size_t n_specs, struct filter_address_lists *ret);
void filter_address_lists_deinit(struct filter_address_lists *lists);
/* The program for one direction. It takes LISTS over, map by map, as far as it asks them. */
int filter_address_assemble(struct filter_program *program, bool egress, bool counted,
			    struct filter_address_lists *lists);
