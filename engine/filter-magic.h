/* File systems by name: the numbers by which the kernel knows their superblocks, and the groups they are in. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

enum { FILTER_MAGIC_EACH = 5 };

struct filter_magic {
	const char *name;
	const char *group;		     /* "@network"; NULL: none but @known */
	uint32_t numbers[FILTER_MAGIC_EACH]; /* 0 ends */
};
extern const struct filter_magic filter_magics[];
extern const size_t filter_n_magics;

const struct filter_magic *filter_magic_find(const char *name);
/* "@known", or a group that is named in the table. */
bool filter_magic_is_group(const char *name);
bool filter_magic_in_group(const struct filter_magic *magic, const char *group);
