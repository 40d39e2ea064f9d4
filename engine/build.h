/* A compilation in progress: what is compiled, what has been decided about it, and the program so far. The
 * rooms (isolation, filesystem, control, …) each append their operations to it; compile.c calls them in
 * order.
 *
 * Running out of memory while appending is remembered in `failed` and reported once, by build_finish(). */
#pragma once

#include "base/text.h"
#include "engine/compile.h"

/* The slots of every program. */
enum {
	BUILD_SLOT_ROOT = 0,	 /* the container's root directory */
	BUILD_SLOT_OLD_ROOT = 1, /* the host's, until it is dropped */
	BUILD_SLOT_USER = 2,	 /* the user namespace */
	BUILD_SLOT_FIRST_FREE = 3,
};

enum build_root {
	BUILD_ROOT_SHARED,    /* no mount namespace: the host's tree */
	BUILD_ROOT_IN_PLACE,  /* the host's tree in a mount namespace */
	BUILD_ROOT_DIRECTORY, /* RootDirectory= */
	BUILD_ROOT_IMAGE,     /* RootImage= */
	BUILD_ROOT_TMPFS,     /* TemporaryFileSystem=/ */
	BUILD_ROOT_OVERLAY,   /* Image= */
};

/* A user namespace that is there for the id map of a mount. */
struct build_mount_ids {
	const struct spec_mount_ids *ids;
	uint8_t slot;
};

struct build {
	const struct spec *spec;
	const struct compile_command *command;
	const struct compile_context *context;
	struct failure *failure;

	/* what has been decided */
	enum build_root root;
	uint64_t namespaces;   /* CLONE_NEW* the container has of its own, user namespace included */
	uint8_t landlock_slot; /* the ruleset, once there is one */
	bool own_ids;	       /* the user namespace maps to other ids: files are idmapped */
	uint64_t owner;	       /* uid | gid << 32 of the container's root, as the host sees it */
	struct identity *identity;
	uint8_t credentials_slot, secrets_slot; /* the files made for them */
	struct spec_id_map uid_map, gid_map;	/* of the user namespace; empty: ids are the host's */

	/* the program */
	uint32_t origin; /* of what is appended now */
	uint16_t origin_item;
	uint64_t clone_flags;
	uint16_t filter_fd; /* of PROGRAM_FILTER_PASS */
	bool owned_pending; /* the helper makes namespaces that have not been joined yet */
	struct program_op *ops;
	size_t n_ops, ops_room;
	char *data;
	size_t data_size, data_room;
	struct program_descriptor *descriptors;
	size_t n_descriptors;
	uint32_t slots_used; /* bit per slot */
	struct build_mount_ids mount_ids[8];
	size_t n_mount_ids;
	bool failed;
	struct program_op scratch; /* where an operation goes that has no memory */
};

/* What is appended from here on was asked for by FIELD of the spec (item ITEM of a list). */
#define BUILD_ORIGIN(build, field)	      build_origin((build), offsetof(struct spec, field), 0)
#define BUILD_ORIGIN_ITEM(build, field, item) build_origin((build), offsetof(struct spec, field), (item))
void build_origin(struct build *build, uint32_t origin, size_t item);
void build_no_origin(struct build *build);

/* Appends an operation without arguments and returns it, to be filled in before the next append. Never NULL.
 */
struct program_op *build_op(struct build *build, enum program_code code);

/* Data offsets. Equal strings are stored once; "" is 0. */
uint32_t build_text(struct build *build, const char *text);
uint32_t build_bytes(struct build *build, const void *bytes, size_t size, size_t alignment);
uint32_t build_vector(struct build *build, char *const *texts);

/* Appends a descriptor that the launch must bring and returns its index, 3 or more. PATH may be NULL. */
uint16_t build_descriptor(struct build *build, int kind, const char *path, bool optional);

/* A free slot, or PROGRAM_SLOT_NONE. */
uint8_t build_slot_take(struct build *build);
void build_slot_release(struct build *build, uint8_t slot);

/* failure_set() for what is being compiled. */
int build_fail(struct build *build, int error, const char *format, ...) _printf_(3, 4);

/* The finished program, the caller's. Checks the limits of program.h and launch.h. */
int build_finish(struct build *build, struct program **ret);
void build_deinit(struct build *build);
