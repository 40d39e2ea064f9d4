/* How mounts and properties of mounts go together.
 *
 * The entries are applied in the order of their targets, parents first, so that a mount covers what was there
 * and is itself covered only by what is deeper. A property (read-only, no-exec) holds for its target with all
 * that is mounted below it then, but not for mounts made later by deeper entries. An exception from a
 * property (ReadWritePaths= in ReadOnlyPaths=) is a copy of the mounts below it, made before the property is
 * applied and put back after: so it keeps just the flags it had, and a mount that was read-only for other
 * reasons does not become writable. For the same reason mount points that are missing below a target are made
 * before it becomes read-only. */
#include <stdlib.h>
#include <string.h>

#include "engine/mountplan.h"

bool mountplan_is_property(const struct mountplan_entry *entry)
{
	return entry->kind >= MOUNTPLAN_NO_EXEC;
}

bool mountplan_restricts(const struct mountplan_entry *entry)
{
	return entry->kind == MOUNTPLAN_READ_ONLY || entry->kind == MOUNTPLAN_NO_EXEC;
}

bool mountplan_excepts(const struct mountplan_entry *entry)
{
	return entry->kind == MOUNTPLAN_READ_WRITE || entry->kind == MOUNTPLAN_EXEC;
}

bool mountplan_is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (length == 1)
		return true;
	return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

struct mountplan_entry *mountplan_add(struct mountplan *plan, struct build *build, enum mountplan_kind kind,
				      const char *target)
{
	static struct mountplan_entry scratch;
	struct mountplan_entry *entry = &scratch;

	if (plan->n == plan->room) {
		size_t room = MAX_OF(plan->room * 2, (size_t)64);
		struct mountplan_entry *entries = reallocarray(plan->entries, room, sizeof(*entries));

		if (entries) {
			plan->entries = entries;
			plan->room = room;
		} else {
			plan->failed = true;
		}
	}
	if (plan->n < plan->room)
		entry = &plan->entries[plan->n++];
	*entry = (struct mountplan_entry){
		.kind = kind,
		.target = target,
		.is_directory = true,
		.origin = build->origin,
		.origin_item = build->origin_item,
		.slot = PROGRAM_SLOT_NONE,
	};
	return entry;
}

/* By components: "/a/b" before "/a-b". */
static int mountplan_compare_paths(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return (*a == '/' ? 1 : (unsigned char)*a) - (*b == '/' ? 1 : (unsigned char)*b);
}

static int mountplan_compare(const void *a, const void *b)
{
	const struct mountplan_entry *x = a, *y = b;
	int order = mountplan_compare_paths(x->target, y->target);

	if (order == 0)
		order = (int)mountplan_is_property(x) - (int)mountplan_is_property(y);
	if (order == 0 && !mountplan_is_property(x))
		order = (int)x->implied - (int)y->implied;
	if (order == 0)
		order = (int)x->kind - (int)y->kind;
	/* Of two masks the stricter, which is the last, stays. */
	if (order == 0)
		order = (int)(x->flags & PROGRAM_MASK_NO_ACCESS) - (int)(y->flags & PROGRAM_MASK_NO_ACCESS);
	if (order == 0)
		order = (x->origin > y->origin) - (x->origin < y->origin);
	return order ? order : (int)x->origin_item - (int)y->origin_item;
}

static bool mountplan_texts_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* ENTRY has the same target as the mount KEPT, which comes first: an explicit one, if any. */
static int mountplan_check_duplicate(struct build *build, const struct mountplan_entry *kept,
				     const struct mountplan_entry *entry)
{
	if (entry->implied && !kept->implied)
		return 0;
	if (entry->implied && entry->kind == MOUNTPLAN_KEEP)
		return 0;
	if (kept->kind == entry->kind && mountplan_texts_equal(kept->source, entry->source) &&
	    mountplan_texts_equal(kept->options, entry->options) && kept->flags == entry->flags)
		return 0;
	build_origin(build, entry->origin, entry->origin_item);
	return build_fail(build, -EEXIST, "two different mounts have the target %s", entry->target);
}

/* The property entries of one target: the stricter of two that contradict, and masked is all there is to say.
 */
static bool mountplan_is_overruled(const struct mountplan *plan, size_t i)
{
	const struct mountplan_entry *entry = &plan->entries[i];

	for (size_t j = i + 1; j < plan->n && strcmp(plan->entries[j].target, entry->target) == 0; j++) {
		enum mountplan_kind other = plan->entries[j].kind;

		if (!mountplan_is_property(&plan->entries[j]))
			continue;
		if (other == entry->kind || other == MOUNTPLAN_MASK)
			return true;
		if (entry->kind == MOUNTPLAN_READ_WRITE && other == MOUNTPLAN_READ_ONLY)
			return true;
	}
	for (size_t j = i; j-- > 0 && strcmp(plan->entries[j].target, entry->target) == 0;)
		if (entry->kind == MOUNTPLAN_EXEC && plan->entries[j].kind == MOUNTPLAN_NO_EXEC)
			return true;
	return false;
}

/* The nearest earlier entry above ENTRY for which WANTED holds, unless a mount between them starts anew. */
static const struct mountplan_entry *mountplan_find_above(const struct mountplan *plan, size_t i,
							  enum mountplan_kind wanted)
{
	const struct mountplan_entry *entry = &plan->entries[i];

	for (size_t j = i; j-- > 0;) {
		const struct mountplan_entry *above = &plan->entries[j];

		if (!mountplan_is_below(entry->target, above->target))
			continue;
		if (above->kind == wanted &&
		    (wanted != MOUNTPLAN_MASK || strcmp(above->target, entry->target) != 0))
			return above;
		if (!mountplan_is_property(above))
			return NULL;
	}
	return NULL;
}

/* Whether a property excepted from at I is in force there: the nearest of the two kinds above is the
 * restricting one. */
const struct mountplan_entry *mountplan_find_restriction(const struct mountplan *plan, size_t i,
							 enum mountplan_kind restriction,
							 enum mountplan_kind exception)
{
	const struct mountplan_entry *restricts = mountplan_find_above(plan, i, restriction);
	const struct mountplan_entry *excepts = mountplan_find_above(plan, i, exception);

	return restricts && (!excepts || excepts < restricts) ? restricts : NULL;
}

/* Drops entries for which there is nothing to do; fails for mounts that nobody could reach. */
static int mountplan_check_mask(struct mountplan *plan, struct build *build, size_t i, bool *ret_drop)
{
	const struct mountplan_entry *entry = &plan->entries[i];
	const struct mountplan_entry *mask = mountplan_find_above(plan, i, MOUNTPLAN_MASK);

	*ret_drop = mask != NULL;
	if (!mask || mountplan_is_property(entry) || entry->implied)
		return 0;
	build_origin(build, entry->origin, entry->origin_item);
	return build_fail(build, -EINVAL, "%s lies below %s, which is made inaccessible", entry->target,
			  mask->target);
}

static int mountplan_deduplicate(struct mountplan *plan, struct build *build)
{
	size_t to = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct mountplan_entry *entry = &plan->entries[i],
					     *last = to > 0 ? &plan->entries[to - 1] : NULL;
		bool drop = false;
		int r = 0;

		if (mountplan_is_property(entry))
			drop = mountplan_is_overruled(plan, i);
		else if (last && strcmp(last->target, entry->target) == 0 && !mountplan_is_property(last)) {
			drop = true;
			r = mountplan_check_duplicate(build, last, entry);
		}
		if (r < 0)
			return r;
		if (drop)
			continue;
		plan->entries[to++] = plan->entries[i];
	}
	plan->n = to;
	return 0;
}

const struct mountplan_entry *mountplan_find_ground(const struct mountplan *plan, size_t i)
{
	for (size_t j = i; j-- > 0;)
		if (!mountplan_is_property(&plan->entries[j]) &&
		    mountplan_is_below(plan->entries[i].target, plan->entries[j].target) &&
		    strcmp(plan->entries[i].target, plan->entries[j].target) != 0)
			return &plan->entries[j];
	return NULL;
}

/* A managed directory that is where it has always been and can be written to. */
static bool mountplan_is_in_place(const struct mountplan *plan, size_t i)
{
	const struct mountplan_entry *entry = &plan->entries[i];

	if (!entry->managed || entry->flags & PROGRAM_MOUNT_READ_ONLY || entry->id_mapped ||
	    strcmp(entry->source, entry->target) != 0)
		return false;
	for (size_t j = i; j-- > 0;)
		if (mountplan_is_below(entry->target, plan->entries[j].target) &&
		    (plan->entries[j].kind == MOUNTPLAN_READ_ONLY ||
		     !mountplan_is_property(&plan->entries[j])))
			return false;
	return true;
}

/* Compacts again, in order, so that what is above an entry is final when the entry is judged. */
static int mountplan_drop_idle(struct mountplan *plan, struct build *build)
{
	size_t to = 0, n = plan->n;

	for (size_t i = 0; i < n; i++) {
		bool drop;
		int r;

		plan->entries[to] = plan->entries[i];
		plan->n = to + 1;
		r = mountplan_check_mask(plan, build, to, &drop);
		if (r < 0)
			return r;
		drop |= build->root == BUILD_ROOT_IN_PLACE && mountplan_is_in_place(plan, to);
		/* On the host's tree the manager has made it, unless something covers the place. */
		drop |= plan->entries[to].kind == MOUNTPLAN_SYMLINK && build->root == BUILD_ROOT_IN_PLACE &&
			!mountplan_find_ground(plan, to);
		if (plan->entries[to].kind == MOUNTPLAN_READ_WRITE)
			drop |= !mountplan_find_restriction(plan, to, MOUNTPLAN_READ_ONLY,
							    MOUNTPLAN_READ_WRITE);
		if (plan->entries[to].kind == MOUNTPLAN_EXEC)
			drop |= !mountplan_find_restriction(plan, to, MOUNTPLAN_NO_EXEC, MOUNTPLAN_EXEC);
		to += !drop;
	}
	plan->n = to;
	return 0;
}

int mountplan_arrange(struct mountplan *plan, struct build *build)
{
	int r;

	if (plan->failed)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	for (size_t i = 0; i < plan->n; i++)
		if (!mountplan_is_property(&plan->entries[i]) && strcmp(plan->entries[i].target, "/") == 0) {
			build_origin(build, plan->entries[i].origin, plan->entries[i].origin_item);
			return build_fail(
				build, -EINVAL,
				"/ cannot be mounted over; a root of its own is what RootDirectory= and TemporaryFileSystem= are for");
		}
	if (plan->n > 0)
		qsort(plan->entries, plan->n, sizeof(*plan->entries), mountplan_compare);
	r = mountplan_deduplicate(plan, build);
	return r < 0 ? r : mountplan_drop_idle(plan, build);
}

void mountplan_deinit(struct mountplan *plan)
{
	free(plan->entries);
	*plan = (struct mountplan){};
}
