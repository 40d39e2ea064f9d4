/* Puts one setting into a config and remembers where it came from. */
#pragma once

#include "units/value.h"

/* Where a setting stands: an index of unit_config.files and a 1-based line. */
struct assign_place {
	uint16_t file;
	uint32_t line;
};

/* Assigns as the unit language says: lists grow, an empty value brings the default back. A failure names the
 * directive; its place is for the caller to add. Returns 0, -EINVAL or -ENOMEM. */
int assign_setting(const struct directive_line *line, struct assign_place place, struct failure *failure);

/* Did any line set the field with this KEY (directive_key(): the offset in struct unit_config, unless it is in a group)? */
bool assign_was_set(const struct unit_config *config, size_t key);
#define ASSIGN_WAS_SET(config, member) assign_was_set((config), offsetof(struct unit_config, member))
