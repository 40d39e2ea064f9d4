/* The program builder: grows the operations, the string table and the list of descriptors, and joins them
 * into one block. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/fd.h"
#include "engine/build.h"
#include "engine/identity.h"
#include "engine/isolation.h"
#include "engine/launch.h"

/* An empty word in a vector cannot be offset 0, which ends it: the second NUL of the data is its place. */
enum { BUILD_EMPTY_WORD = 1, BUILD_DATA_START = 2 };

void build_origin(struct build *build, uint32_t origin, size_t item)
{
	build->origin = origin;
	build->origin_item = (uint16_t)MIN_OF(item, (size_t)UINT16_MAX);
}

void build_no_origin(struct build *build)
{
	build_origin(build, PROGRAM_NO_ORIGIN, 0);
}

struct program_op *build_op(struct build *build, enum program_code code)
{
	struct program_op *op = &build->scratch;

	if (build->n_ops == build->ops_room) {
		size_t room = MAX_OF(build->ops_room * 2, (size_t)64);
		struct program_op *ops = reallocarray(build->ops, room, sizeof(*ops));

		if (ops) {
			build->ops = ops;
			build->ops_room = room;
		} else {
			build->failed = true;
		}
	}
	if (build->n_ops < build->ops_room)
		op = &build->ops[build->n_ops++];

	*op = (struct program_op){
		.code = code,
		.fd = PROGRAM_NO_FD,
		.slot = PROGRAM_SLOT_NONE,
		.slot2 = PROGRAM_SLOT_NONE,
		.origin = build->origin,
		.origin_item = build->origin_item,
	};
	/* Here a number is the slot of a user namespace. */
	if (code == PROGRAM_TREE || code == PROGRAM_BIND || code == PROGRAM_FILESYSTEM)
		op->number = PROGRAM_SLOT_NONE;
	return op;
}

/* Makes room for SIZE more bytes of data, and for the two NULs that every program's data begins with. */
static bool build_reserve(struct build *build, size_t size)
{
	size_t needed = MAX_OF(build->data_size, (size_t)BUILD_DATA_START) + size;
	size_t room = MAX_OF(build->data_room, (size_t)1024);
	char *data;

	if (needed > PROGRAM_MAX_SIZE) {
		build->failed = true;
		return false;
	}
	while (room < needed)
		room *= 2;
	if (room != build->data_room) {
		data = realloc(build->data, room);
		if (!data) {
			build->failed = true;
			return false;
		}
		build->data = data;
		build->data_room = room;
	}
	if (build->data_size == 0) {
		memset(build->data, 0, BUILD_DATA_START);
		build->data_size = BUILD_DATA_START;
	}
	return true;
}

uint32_t build_bytes(struct build *build, const void *bytes, size_t size, size_t alignment)
{
	size_t padding, offset;

	if (!build_reserve(build, size + alignment))
		return 0;
	padding = (alignment - build->data_size % alignment) % alignment;
	memset(build->data + build->data_size, 0, padding);
	offset = build->data_size + padding;
	if (size > 0)
		memcpy(build->data + offset, bytes, size);
	build->data_size = offset + size;
	return (uint32_t)offset;
}

uint32_t build_text(struct build *build, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 1;
	const char *found;

	if (size == 1)
		return 0;
	/* A few kilobytes are searched faster than a table is kept. Only whole strings match: one byte before
	 * is a NUL. */
	if (build->data) {
		found = memmem(build->data + 1, build->data_size - 1, text, size);
		while (found && found[-1] != '\0')
			found = memmem(found + 1, build->data_size - (size_t)(found + 1 - build->data), text,
				       size);
		if (found)
			return (uint32_t)(found - build->data);
	}
	return build_bytes(build, text, size, 1);
}

uint32_t build_vector(struct build *build, char *const *texts)
{
	size_t n = text_list_length(texts);
	_cleanup_free_ uint32_t *offsets = calloc(n + 1, sizeof(*offsets));

	if (!offsets) {
		build->failed = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		offsets[i] = *texts[i] ? build_text(build, texts[i]) : BUILD_EMPTY_WORD;
	return build_bytes(build, offsets, (n + 1) * sizeof(*offsets), sizeof(*offsets));
}

uint16_t build_descriptor(struct build *build, int kind, const char *path, bool optional)
{
	struct program_descriptor *descriptors =
		reallocarray(build->descriptors, build->n_descriptors + 1, sizeof(*descriptors));
	struct program_descriptor *descriptor;

	if (!descriptors) {
		build->failed = true;
		return PROGRAM_NO_FD;
	}
	build->descriptors = descriptors;
	descriptor = &descriptors[build->n_descriptors];
	*descriptor = (struct program_descriptor){
		.kind = kind,
		.path = path ? strdup(path) : NULL,
		.optional = optional,
		.origin = build->origin,
		.origin_item = build->origin_item,
	};
	if (path && !descriptor->path)
		build->failed = true;
	return (uint16_t)(3 + build->n_descriptors++);
}

uint8_t build_slot_take(struct build *build)
{
	for (uint8_t slot = BUILD_SLOT_FIRST_FREE; slot < PROGRAM_N_SLOTS; slot++)
		if (!(build->slots_used & (1u << slot))) {
			build->slots_used |= 1u << slot;
			return slot;
		}
	return PROGRAM_SLOT_NONE;
}

void build_slot_release(struct build *build, uint8_t slot)
{
	if (slot < PROGRAM_N_SLOTS)
		build->slots_used &= ~(1u << slot);
}

int build_fail(struct build *build, int error, const char *format, ...)
{
	char text[sizeof(build->failure->text)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return failure_set(build->failure, error, NULL, "%s", text);
}

static int build_check_limits(struct build *build, size_t size)
{
	if (build->failed)
		return build_fail(build, -ENOMEM, "the launch program could not be built");
	if (build->n_ops > PROGRAM_MAX_OPS || size > PROGRAM_MAX_SIZE)
		return build_fail(
			build, -E2BIG,
			"the launch program has %zu operations and %zu bytes; %u and %u are the limits",
			build->n_ops, size, PROGRAM_MAX_OPS, PROGRAM_MAX_SIZE);
	if (3 + build->n_descriptors > LAUNCH_MAX_DESCRIPTORS)
		return build_fail(build, -E2BIG,
				  "the launch needs %zu descriptors (volumes, sockets); %u is the limit",
				  3 + build->n_descriptors, LAUNCH_MAX_DESCRIPTORS);
	return 0;
}

int build_finish(struct build *build, struct program **ret)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	size_t ops_size, data_offset, size;
	int r;

	build_bytes(build, "", 1, 1); /* no string may run out of the data */
	ops_size = build->n_ops * sizeof(*build->ops);
	data_offset = sizeof(struct program_header) + ops_size;
	size = data_offset + build->data_size;
	r = build_check_limits(build, size);
	if (r < 0)
		return r;

	program = calloc(1, sizeof(*program));
	if (!program)
		return build_fail(build, -ENOMEM, "the launch program could not be built");
	program->block = calloc(1, size);
	if (!program->block)
		return build_fail(build, -ENOMEM, "the launch program could not be built");
	*program->block = (struct program_header){
		.magic = PROGRAM_MAGIC,
		.size = (uint32_t)size,
		.n_ops = (uint32_t)build->n_ops,
		.ops_offset = sizeof(struct program_header),
		.data_size = (uint32_t)build->data_size,
		.data_offset = (uint32_t)data_offset,
		.n_descriptors = (uint32_t)(3 + build->n_descriptors),
		.clone_flags = build->clone_flags,
	};
	if (build->n_ops > 0)
		memcpy((char *)program->block + sizeof(struct program_header), build->ops, ops_size);
	memcpy((char *)program->block + data_offset, build->data, build->data_size);
	program->descriptors = TAKE(build->descriptors);
	program->n_descriptors = build->n_descriptors;
	program->uid = isolation_outside_uid(build, build->identity->uid);
	program->gid = isolation_outside_gid(build, build->identity->gid);
	build->n_descriptors = 0;
	*ret = TAKE(program);
	return 0;
}

static void build_free_descriptors(struct program_descriptor *descriptors, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(descriptors[i].path);
	free(descriptors);
}

void build_deinit(struct build *build)
{
	identity_free(build->identity);
	free(build->uid_map.ranges);
	free(build->gid_map.ranges);
	build_free_descriptors(build->descriptors, build->n_descriptors);
	free(build->ops);
	if (build->data)
		explicit_bzero(build->data, build->data_size); /* it may hold secrets */
	free(build->data);
	*build = (struct build){};
}

struct program *program_free(struct program *program)
{
	if (!program)
		return NULL;
	build_free_descriptors(program->descriptors, program->n_descriptors);
	if (program->block)
		explicit_bzero(program->block, program->block->size); /* it may hold secrets */
	free(program->block);
	free(program);
	return NULL;
}

int program_seal(const struct program *program)
{
	_cleanup_fd_ int fd = memfd_create("launch-program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, program->block, program->block->size);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	return TAKE_FD(fd);
}
