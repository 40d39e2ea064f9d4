/* From an arranged plan to operations: each entry with the mount point it needs, what it must save before its parent changes and put back
 * after. See mountplan.c for why. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/idmap.h"
#include "engine/identity.h"
#include "engine/isolation.h"
#include "engine/mountplan.h"
#include "engine/view.h"

/* Whether the mount point of entry I may be missing when the program runs. */
static bool mountplan_may_lack_point(const struct mountplan *plan, const struct build *build, size_t i)
{
	const struct mountplan_entry *entry = &plan->entries[i], *ground = mountplan_find_ground(plan, i);
	const struct spec *spec = build->spec;

	/* A kernel file system has its mount points, a device directory those of its own. */
	if (ground && (ground->kind == MOUNTPLAN_PROC || ground->kind == MOUNTPLAN_SYSFS ||
		       ground->kind == MOUNTPLAN_CGROUP_FS))
		return false;
	if (ground && ground->kind == MOUNTPLAN_DEV)
		return entry->kind == MOUNTPLAN_BIND || entry->kind == MOUNTPLAN_TMPFS ||
		       entry->kind == MOUNTPLAN_TREE;
	if (ground && ground->kind == MOUNTPLAN_TMPFS)
		return true;
	/* The container itself may have removed it from a root that keeps changes. */
	if (!ground && (build->root == BUILD_ROOT_DIRECTORY || build->root == BUILD_ROOT_IMAGE ||
			build->root == BUILD_ROOT_TMPFS ||
			(build->root == BUILD_ROOT_OVERLAY && spec->upper == SPEC_UPPER_PERSISTENT)))
		return true;
	if (ground && ground->kind == MOUNTPLAN_BIND)
		return view_type(spec, ground->source, entry->target + strlen(ground->target)) < 0;
	return ground || view_type(spec, NULL, entry->target) < 0;
}

static void mountplan_emit_link(struct build *build, const struct mountplan_entry *entry)
{
	_cleanup_free_ char *parent =
		strndup(entry->target, (size_t)(strrchr(entry->target, '/') - entry->target));
	uint32_t text, text2;
	struct program_op *op;

	build_origin(build, entry->origin, entry->origin_item);
	build->failed |= !parent;
	text = build_text(build, parent);
	op = build_op(build, PROGRAM_MAKE_DIRECTORY);
	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	op->number = 0755;
	op->number2 = build->owner;
	text = build_text(build, entry->target);
	text2 = build_text(build, entry->source);
	op = build_op(build, PROGRAM_SYMLINK);
	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	op->text2 = text2;
}

static void mountplan_emit_point(const struct mountplan *plan, struct build *build, size_t i)
{
	const struct mountplan_entry *entry = &plan->entries[i];
	struct program_op *op;
	uint32_t text;

	if (entry->kind == MOUNTPLAN_SYMLINK) {
		mountplan_emit_link(build, entry);
		return;
	}
	/* Only a source that is there is a reason to make a place for it. */
	if ((entry->flags & PROGRAM_OPTIONAL) && entry->kind != MOUNTPLAN_BIND)
		return;
	if (!mountplan_may_lack_point(plan, build, i))
		return;
	build_origin(build, entry->origin, entry->origin_item);
	text = build_text(build, entry->target);
	op = build_op(build, entry->is_directory ? PROGRAM_MAKE_DIRECTORY : PROGRAM_MAKE_FILE);
	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	op->number = entry->is_directory ? 0755 : 0;
	op->number2 = build->owner;
}

static uint8_t mountplan_old_root(const struct build *build)
{
	return build->root == BUILD_ROOT_IN_PLACE ? BUILD_SLOT_ROOT : BUILD_SLOT_OLD_ROOT;
}

/* Copies what is at the target of ENTRY into a slot. */
static int mountplan_save(struct build *build, struct mountplan_entry *entry)
{
	uint32_t text;
	struct program_op *op;

	if (entry->slot != PROGRAM_SLOT_NONE)
		return 0;
	build_origin(build, entry->origin, entry->origin_item);
	entry->slot = build_slot_take(build);
	if (entry->slot == PROGRAM_SLOT_NONE)
		return build_fail(build, -E2BIG, "too many exceptions from read-only paths; %d are possible",
				  PROGRAM_N_SLOTS - BUILD_SLOT_FIRST_FREE);
	text = build_text(build, entry->target);
	op = build_op(build, PROGRAM_TREE);
	op->slot = BUILD_SLOT_ROOT;
	op->slot2 = entry->slot;
	op->text = text;
	op->flags = PROGRAM_MOUNT_RECURSIVE | (entry->flags & PROGRAM_OPTIONAL);
	return 0;
}

/* Before entry I restricts its target: saves the exceptions below and makes the mount points that are
 * missing. */
static int mountplan_emit_before(struct mountplan *plan, struct build *build, size_t i)
{
	struct mountplan_entry *entry = &plan->entries[i];

	for (size_t j = i + 1; j < plan->n; j++) {
		struct mountplan_entry *inner = &plan->entries[j];
		int r = 0;

		if (!mountplan_is_below(inner->target, entry->target))
			break;
		const struct mountplan_entry *ground = mountplan_find_ground(plan, j);
		/* What lies on a mount that comes later is made there; only what is kept is from before. */
		if (ground && ground >= entry && inner->kind != MOUNTPLAN_KEEP)
			continue;
		if (mountplan_excepts(inner) || inner->kind == MOUNTPLAN_KEEP)
			r = mountplan_save(build, inner);
		else if (!mountplan_is_property(inner))
			mountplan_emit_point(plan, build, j);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A KEEP below a mount must be saved before the mount covers it. */
static int mountplan_save_kept(struct mountplan *plan, struct build *build, size_t i)
{
	for (size_t j = i + 1;
	     j < plan->n && mountplan_is_below(plan->entries[j].target, plan->entries[i].target); j++)
		if (plan->entries[j].kind == MOUNTPLAN_KEEP) {
			int r = mountplan_save(build, &plan->entries[j]);

			if (r < 0)
				return r;
		}
	return 0;
}

static void mountplan_emit_attributes(struct build *build, const struct mountplan_entry *entry,
				      uint32_t attributes)
{
	uint32_t text = build_text(build, entry->target);
	struct program_op *op = build_op(build, PROGRAM_ATTRIBUTES);

	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	op->flags = attributes | PROGRAM_MOUNT_RECURSIVE | (entry->flags & PROGRAM_OPTIONAL);
}

/* Puts a saved copy back, and applies to it the restriction that it is no exception from. */
static void mountplan_emit_saved(struct mountplan *plan, struct build *build, size_t i)
{
	struct mountplan_entry *entry = &plan->entries[i];
	uint32_t text = build_text(build, entry->target);
	struct program_op *op;

	if (entry->slot == PROGRAM_SLOT_NONE)
		return;
	op = build_op(build, PROGRAM_BIND);
	op->slot = BUILD_SLOT_ROOT;
	op->slot2 = entry->slot;
	op->text = text;
	op->flags = PROGRAM_MOUNT_RECURSIVE | (entry->flags & PROGRAM_OPTIONAL);
	build_slot_release(build, entry->slot);
	if (entry->kind == MOUNTPLAN_READ_WRITE &&
	    mountplan_find_restriction(plan, i, MOUNTPLAN_NO_EXEC, MOUNTPLAN_EXEC))
		mountplan_emit_attributes(build, entry, PROGRAM_MOUNT_NO_EXEC);
	if (entry->kind == MOUNTPLAN_EXEC &&
	    mountplan_find_restriction(plan, i, MOUNTPLAN_READ_ONLY, MOUNTPLAN_READ_WRITE))
		mountplan_emit_attributes(build, entry, PROGRAM_MOUNT_READ_ONLY);
}

/* Makes what is in the source the service's user's, as he is on disk. */
static int mountplan_emit_own(struct build *build, const struct mountplan_entry *entry)
{
	uint32_t uid = build->identity->uid, gid = build->identity->gid, text;
	struct program_op *op;
	uint16_t fd;
	int r = entry->id_mapped ? 0 : idmap_on_disk(build, entry->ids, &uid, &gid);

	if (r < 0)
		return build_fail(build, r, "mount source %s: no id on disk is the service's user",
				  entry->source);
	fd = build_descriptor(build, PROGRAM_DESCRIPTOR_PATH, entry->source, false);
	text = build_text(build, entry->source);
	op = build_op(build, PROGRAM_OWN);
	op->fd = fd;
	op->text = text;
	op->number = uid | (uint64_t)gid << 32;
	op->flags = PROGRAM_EXIT_STATUS(226);
	return 0;
}

/* The descriptor by which directory_emit() made the directory the user's. */
static uint16_t mountplan_managed(struct build *build, const struct mountplan_entry *entry)
{
	for (size_t i = 0; i < build->n_descriptors; i++) {
		const struct program_descriptor *descriptor = &build->descriptors[i];

		if (descriptor->kind == PROGRAM_DESCRIPTOR_DIRECTORY && descriptor->origin == entry->origin &&
		    descriptor->origin_item == entry->origin_item)
			return (uint16_t)(3 + i);
	}
	return build_descriptor(build, PROGRAM_DESCRIPTOR_DIRECTORY, entry->source, false);
}

static int mountplan_emit_bind(struct build *build, const struct mountplan_entry *entry)
{
	bool optional = entry->flags & PROGRAM_OPTIONAL;
	uint16_t fd = entry->managed ? mountplan_managed(build, entry)
				     : build_descriptor(build,
							entry->shared ? PROGRAM_DESCRIPTOR_SHARED
								      : PROGRAM_DESCRIPTOR_PATH,
							entry->source, optional);
	uint32_t text = build_text(build, entry->target);
	struct program_op *op;
	int r = entry->owned ? mountplan_emit_own(build, entry) : 0;

	if (r < 0)
		return r;
	op = build_op(build, PROGRAM_BIND);
	if (entry->shared && fd != PROGRAM_NO_FD)
		build->descriptors[fd - 3].index = entry->shared - 1u;
	op->fd = fd;
	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	/* The copy that is mounted exists from the start: the owner is changed through it. */
	op->flags = entry->flags & ~(entry->managed ? (uint32_t)PROGRAM_MOUNT_READ_ONLY : 0);
	if (entry->id_mapped)
		op->number = BUILD_SLOT_USER;
	if (entry->ids)
		op->number = idmap_slot(build, entry->ids);
	return 0;
}

/* What is in the container already, at another place too. */
static void mountplan_emit_inner(struct build *build, const struct mountplan_entry *entry)
{
	uint32_t text, text2;
	struct program_op *op;

	build_origin(build, entry->origin, entry->origin_item);
	text = build_text(build, entry->target);
	text2 = build_text(build, entry->source);
	op = build_op(build, PROGRAM_BIND);
	op->slot = op->slot2 = BUILD_SLOT_ROOT;
	op->text = text;
	op->text2 = text2;
	op->flags = entry->flags;
}

static void mountplan_emit_mount(struct build *build, const struct mountplan_entry *entry,
				 enum program_code code)
{
	uint32_t text = build_text(build, entry->target), options = build_text(build, entry->options);
	struct program_op *op = build_op(build, code);

	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	op->text2 = options;
	op->flags = entry->flags;
	if (code == PROGRAM_DEV || code == PROGRAM_MASK)
		op->slot2 = mountplan_old_root(build);
	if (code == PROGRAM_DEV)
		op->number = build->owner;
}

static int mountplan_emit_entry(struct mountplan *plan, struct build *build, size_t i)
{
	static const enum program_code codes[] = {
		[MOUNTPLAN_TMPFS] = PROGRAM_TMPFS,   [MOUNTPLAN_PROC] = PROGRAM_PROC,
		[MOUNTPLAN_SYSFS] = PROGRAM_SYSFS,   [MOUNTPLAN_CGROUP_FS] = PROGRAM_CGROUP_FS,
		[MOUNTPLAN_MQUEUE] = PROGRAM_MQUEUE, [MOUNTPLAN_DEVPTS] = PROGRAM_DEVPTS,
		[MOUNTPLAN_DEV] = PROGRAM_DEV,	     [MOUNTPLAN_MASK] = PROGRAM_MASK,
	};
	struct mountplan_entry *entry = &plan->entries[i];
	int r;

	switch (entry->kind) {
	case MOUNTPLAN_BIND:
		r = mountplan_emit_bind(build, entry);
		if (r < 0)
			return r;
		/* What is the service's own may be written to, not executed from. */
		if (entry->managed && mountplan_find_restriction(plan, i, MOUNTPLAN_NO_EXEC, MOUNTPLAN_EXEC))
			mountplan_emit_attributes(build, entry, PROGRAM_MOUNT_NO_EXEC);
		if (entry->managed && entry->flags & PROGRAM_MOUNT_READ_ONLY)
			mountplan_emit_attributes(build, entry, PROGRAM_MOUNT_READ_ONLY);
		break;
	case MOUNTPLAN_INNER: /* last of all: what it comes from must be there */
		break;
	case MOUNTPLAN_SYMLINK: /* made as its own place */
		break;
	case MOUNTPLAN_TREE:
	case MOUNTPLAN_KEEP:
	case MOUNTPLAN_READ_WRITE:
	case MOUNTPLAN_EXEC:
		mountplan_emit_saved(plan, build, i);
		break;
	case MOUNTPLAN_READ_ONLY:
		mountplan_emit_attributes(build, entry, PROGRAM_MOUNT_READ_ONLY);
		break;
	case MOUNTPLAN_NO_EXEC:
		mountplan_emit_attributes(build, entry, PROGRAM_MOUNT_NO_EXEC);
		break;
	case MOUNTPLAN_TMPFS:
	case MOUNTPLAN_PROC:
	case MOUNTPLAN_SYSFS:
	case MOUNTPLAN_CGROUP_FS:
	case MOUNTPLAN_MQUEUE:
	case MOUNTPLAN_DEVPTS:
	case MOUNTPLAN_DEV:
	case MOUNTPLAN_MASK:
		mountplan_emit_mount(build, entry, codes[entry->kind]);
		break;
	}
	return 0;
}

/* Whether an entry before I, on the same ground, made all mount points below its target already. */
static bool mountplan_point_was_made(const struct mountplan *plan, size_t i)
{
	const struct mountplan_entry *ground = mountplan_find_ground(plan, i);

	for (size_t j = 0; j < i; j++)
		if (mountplan_restricts(&plan->entries[j]) &&
		    mountplan_is_below(plan->entries[i].target, plan->entries[j].target) &&
		    (!ground || &plan->entries[j] > ground))
			return true;
	return false;
}

/* sysfs shows the network namespace it was mounted in, mqueue the IPC namespace: they, and what is mounted
 * below them, come last while these namespaces are still being made beside us. */
static bool mountplan_is_late(const struct mountplan *plan, size_t i)
{
	for (size_t j = 0; j <= i; j++)
		if ((plan->entries[j].kind == MOUNTPLAN_SYSFS || plan->entries[j].kind == MOUNTPLAN_MQUEUE) &&
		    (j == i || mountplan_is_below(plan->entries[i].target, plan->entries[j].target)))
			return true;
	return false;
}

/* Before there is a mount point that was not there. */
static void mountplan_emit_copy_up(struct build *build, const struct mountplan_entry *entry)
{
	uint32_t text = build_text(build, entry->target);
	struct program_op *op;

	build_origin(build, entry->origin, entry->origin_item);
	op = build_op(build, PROGRAM_COPY_UP);
	op->slot = BUILD_SLOT_ROOT;
	op->slot2 = entry->slot;
	op->text = text;
	op->number = build->owner;
	op->flags = entry->flags & PROGRAM_COPY_CONTENT;
}

/* Makes what is in the entry's slot, with what was copied into it, the service's user's: through the mount, by his ids
 * outside. */
static void mountplan_emit_own_slot(struct build *build, const struct mountplan_entry *entry)
{
	uint32_t text = build_text(build, entry->target);
	struct program_op *op;

	build_origin(build, entry->origin, entry->origin_item);
	op = build_op(build, PROGRAM_OWN);
	op->slot = entry->slot;
	op->text = text;
	op->number = isolation_outside_uid(build, build->identity->uid) |
		     (uint64_t)isolation_outside_gid(build, build->identity->gid) << 32;
	op->flags = PROGRAM_EXIT_STATUS(226);
}

static int mountplan_emit_one(struct mountplan *plan, struct build *build, size_t i)
{
	struct mountplan_entry *entry = &plan->entries[i];
	int r = 0;

	if (entry->copy_up)
		mountplan_emit_copy_up(build, entry);
	if (entry->owned && entry->kind == MOUNTPLAN_TREE)
		mountplan_emit_own_slot(build, entry);
	if (mountplan_restricts(entry))
		r = mountplan_emit_before(plan, build, i);
	else if (!mountplan_is_property(entry) && entry->kind != MOUNTPLAN_KEEP) {
		r = mountplan_save_kept(plan, build, i);
		if (!mountplan_point_was_made(plan, i))
			mountplan_emit_point(plan, build, i);
	}
	if (r < 0)
		return r;
	build_origin(build, entry->origin, entry->origin_item);
	return mountplan_emit_entry(plan, build, i);
}

int mountplan_emit(struct mountplan *plan, struct build *build)
{
	bool late = build->owned_pending;

	for (size_t i = 0; i < plan->n; i++) {
		int r = late && mountplan_is_late(plan, i) ? 0 : mountplan_emit_one(plan, build, i);

		if (r < 0)
			return r;
	}
	isolation_emit_owned(build);
	for (size_t i = 0; i < plan->n && late; i++) {
		int r = mountplan_is_late(plan, i) ? mountplan_emit_one(plan, build, i) : 0;

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < plan->n; i++)
		if (plan->entries[i].kind == MOUNTPLAN_INNER)
			mountplan_emit_inner(build, &plan->entries[i]);
	return 0;
}
