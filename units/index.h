/* What the directories of a search path hold. One listing serves ten thousand lookups; a directory is read
 * again when it has changed. */
#pragma once

#include "base/table.h"
#include "units/load.h"

/* Makes the listings true. Call once at the start of each operation, then look up freely. Returns 0 or
 * -ENOMEM; a directory that cannot be read counts as empty. */
int index_refresh(const struct unit_search_path *path);

/* Does directory number I hold NAME? *RET_IS_LINK (may be NULL) is true unless it certainly is no symbolic
 * link. */
bool index_has(const struct unit_search_path *path, size_t i, const char *name, bool *ret_is_link);

/* The names in directory number I, in no order: keys of a table. */
const struct table *index_names(const struct unit_search_path *path, size_t i);

/* Is DIRECTORY (without symbolic links in it) one of the path? */
bool index_is_member(const struct unit_search_path *path, const char *directory);

struct unit_index *index_new(size_t n);
struct unit_index *index_free(struct unit_index *index);
