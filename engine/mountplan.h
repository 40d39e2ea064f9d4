/* What is mounted in a container, planned before anything is emitted: collected in any order, sorted so that
 * a parent comes before what is in it, deduplicated, and then turned into operations. */
#pragma once

#include "engine/build.h"

enum mountplan_kind {
	/* a mount of its own */
	MOUNTPLAN_BIND,
	MOUNTPLAN_TMPFS,
	MOUNTPLAN_PROC,
	MOUNTPLAN_SYSFS,
	MOUNTPLAN_CGROUP_FS,
	MOUNTPLAN_MQUEUE,
	MOUNTPLAN_DEVPTS,
	MOUNTPLAN_DEV,
	MOUNTPLAN_TREE,	   /* a mount that is ready in `slot` */
	MOUNTPLAN_INNER,   /* what is at `source` in the container itself */
	MOUNTPLAN_SYMLINK, /* no mount, but a name that has to be there: a link to `source` */
	MOUNTPLAN_KEEP,	   /* what is at the target now stays, though a parent is covered */
	/* a property of what is there */
	MOUNTPLAN_NO_EXEC,
	MOUNTPLAN_EXEC,
	MOUNTPLAN_READ_WRITE,
	MOUNTPLAN_READ_ONLY,
	MOUNTPLAN_MASK,
};

struct mountplan_entry {
	enum mountplan_kind kind;
	const char *target;  /* in the container; borrowed */
	const char *source;  /* BIND: on the host; INNER: in the container; SYMLINK: what it says; borrowed */
	const char *options; /* TMPFS, PROC, DEVPTS, DEV: text2; borrowed */
	uint32_t flags;	     /* PROGRAM_MOUNT_*, PROGRAM_OPTIONAL, PROGRAM_MASK_NO_ACCESS */
	bool implied;	     /* not asked for by name: gives way to an explicit mount of the same target */
	bool id_mapped;	     /* BIND */
	bool copy_up;	     /* TREE: filled with what is at the target; PROGRAM_COPY_CONTENT */
	bool owned;	     /* BIND, TREE: what is there becomes the service's user's */
	const struct spec_mount_ids *ids; /* BIND: idmapped so; borrowed; NULL */
	bool managed;			  /* BIND: a directory of the service's own (directory.h) */
	uint8_t shared;			  /* BIND: 1 + the index of a directory that several launches share */
	bool is_directory;		  /* what the mount point is made as */
	uint32_t origin;
	uint16_t origin_item;
	uint8_t slot; /* TREE; else while emitting: a copy made before the parent changed */
};

struct mountplan {
	struct mountplan_entry *entries;
	size_t n, room;
	bool failed;
};

/* Appends an entry with the build's present origin, optional target and no flags. Never NULL: after failure a
 * scratch entry. */
struct mountplan_entry *mountplan_add(struct mountplan *plan, struct build *build, enum mountplan_kind kind,
				      const char *target);

/* Sorts by target, mounts before properties, and drops what is said twice or has no effect. Returns 0,
 * -EEXIST when two different mounts have one target, -EINVAL when a mount lies below a masked path, -ENOMEM;
 * the build's failure is set. */
int mountplan_arrange(struct mountplan *plan, struct build *build);

/* Appends the operations. The plan must have been arranged. */
int mountplan_emit(struct mountplan *plan, struct build *build);

void mountplan_deinit(struct mountplan *plan);

/* --- what mountplan-emit.c asks of an arranged plan ------------------------------------------------------ */

/* Read-only, no-exec, masked, or an exception from one: no mount of its own. */
bool mountplan_is_property(const struct mountplan_entry *entry);
/* A property that changes mounts, and so has exceptions. */
bool mountplan_restricts(const struct mountplan_entry *entry);
/* Such an exception. */
bool mountplan_excepts(const struct mountplan_entry *entry);
/* The restriction in force at entry I; NULL when the nearest of the two kinds above it is the exception, or there is none. */
const struct mountplan_entry *mountplan_find_restriction(const struct mountplan *plan, size_t i,
							 enum mountplan_kind restriction,
							 enum mountplan_kind exception);
/* The mount of the plan that the target of entry I lies on; NULL: the root. */
const struct mountplan_entry *mountplan_find_ground(const struct mountplan *plan, size_t i);

/* Whether PATH is DIRECTORY or lies below it. */
bool mountplan_is_below(const char *path, const char *directory);
