/* Attributes of the process that need a list read or a name looked up: masks of CPUs and memory nodes become
 * bits here, so that the child makes one system call for each.
 *
 * All are set while the process is still the host's and privileged, and inherited from there: over fork(2),
 * by the container's init too. Only SCHED_RESET_ON_FORK is not, so it waits for the fork; setting it again for the
 * same policy needs no privilege (sched(7)). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <utmp.h>

#include "base/fd.h"
#include "engine/attributes.h"
#include "engine/identity.h"

#define ATTRIBUTES_NODES "/sys/devices/system/node"

ssize_t attributes_read_list(const char *list, uint8_t *mask, size_t size)
{
	size_t used = 0;

	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (end == list)
			return -EINVAL;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
		}
		if (end == list || last < first || last >= size * 8 || (*end && *end != ',' && *end != '\n'))
			return -EINVAL;
		for (unsigned long i = first; i <= last; i++)
			mask[i / 8] |= (uint8_t)(1u << i % 8);
		used = MAX_OF(used, last / 8 + 1);
		list = end + (*end != '\0');
	}
	return (ssize_t)used;
}

/* A file of the kernel's that holds a list. */
static ssize_t attributes_read_file(struct build *build, const char *path, uint8_t *mask)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n = fd_read_file_at(AT_FDCWD, path, 65536, &text);

	if (n >= 0)
		n = attributes_read_list(text, mask, PROGRAM_MAX_MASK);
	return n < 0 ? build_fail(build, (int)n, "%s cannot be read", path) : n;
}

/* The mask goes to the kernel in whole words. */
static void attributes_emit_mask(struct build *build, struct program_op *op, const uint8_t *mask, size_t used)
{
	size_t size = (used + 7) / 8 * 8, position = (size_t)(op - build->ops);
	uint32_t text = size ? build_bytes(build, mask, size, 8) : 0;

	if (position >= build->n_ops)
		return; /* out of memory: remembered */
	build->ops[position].text = text;
	build->ops[position].number = size;
}

static ssize_t attributes_nodes(struct build *build, uint8_t mask[static PROGRAM_MAX_MASK])
{
	const char *list = build->spec->numa_mask;

	if (!list)
		return 0;
	if (strcmp(list, "all") == 0)
		return attributes_read_file(build, ATTRIBUTES_NODES "/online", mask);
	return attributes_read_list(list, mask, PROGRAM_MAX_MASK);
}

/* The CPUs of the nodes of NUMAMask=. */
static ssize_t attributes_numa_cpus(struct build *build, uint8_t mask[static PROGRAM_MAX_MASK])
{
	uint8_t nodes[PROGRAM_MAX_MASK] = {};
	ssize_t used = attributes_nodes(build, nodes), most = 0;

	for (ssize_t node = 0; node < used * 8; node++) {
		_cleanup_free_ char *path = NULL;
		ssize_t n;

		if (!(nodes[node / 8] >> node % 8 & 1))
			continue;
		path = text_format(ATTRIBUTES_NODES "/node%zd/cpulist", node);
		if (!path)
			return build_fail(build, -ENOMEM, "the CPUs of the nodes could not be read");
		n = attributes_read_file(build, path, mask);
		if (n < 0)
			return n;
		most = MAX_OF(most, n);
	}
	return used < 0 ? used : most;
}

static int attributes_emit_affinity(struct build *build)
{
	const char *list = build->spec->cpu_affinity;
	uint8_t mask[PROGRAM_MAX_MASK] = {};
	ssize_t used;

	if (!list)
		return 0;
	BUILD_ORIGIN(build, cpu_affinity);
	used = strcmp(list, "numa") == 0 ? attributes_numa_cpus(build, mask)
					 : attributes_read_list(list, mask, sizeof mask);
	if (used < 0)
		return (int)used;
	if (used == 0)
		return build_fail(build, -EINVAL, "CPUAffinity=numa needs NUMAMask=");
	attributes_emit_mask(build, build_op(build, PROGRAM_CPU_AFFINITY), mask, (size_t)used);
	return 0;
}

static int attributes_emit_numa(struct build *build)
{
	uint8_t mask[PROGRAM_MAX_MASK] = {};
	struct program_op *op;
	ssize_t used;

	if (build->spec->numa_policy < 0)
		return 0;
	BUILD_ORIGIN(build, numa_policy);
	used = attributes_nodes(build, mask);
	if (used < 0)
		return (int)used;
	op = build_op(build, PROGRAM_NUMA_POLICY);
	op->flags = (uint32_t)build->spec->numa_policy;
	attributes_emit_mask(build, op, mask, (size_t)used);
	return 0;
}

static void attributes_emit_number(struct build *build, enum program_code code, uint32_t origin,
				   int64_t value)
{
	if (value < 0)
		return;
	build_origin(build, origin, 0);
	build_op(build, code)->number = (uint64_t)value;
}
#define EMIT_NUMBER(code, field) \
	attributes_emit_number(build, (code), offsetof(struct spec, field), build->spec->field)

void attributes_accounting_id(const char *identifier, char ret[static 4])
{
	size_t length = strlen(identifier), skipped = length > 4 ? length - 4 : 0;

	memset(ret, 0, 4);
	memcpy(ret, identifier + skipped, length - skipped);
}

static bool attributes_schedules(const struct spec *spec)
{
	return spec->cpu_policy >= 0 || spec->cpu_priority >= 0 || spec->cpu_reset_on_fork;
}

static void attributes_emit_scheduler(struct build *build, bool reset_on_fork)
{
	const struct spec *spec = build->spec;
	int policy = MAX_OF(spec->cpu_policy, SCHED_OTHER);
	bool realtime = policy == SCHED_FIFO || policy == SCHED_RR;
	struct program_op *op;

	BUILD_ORIGIN(build, cpu_policy);
	op = build_op(build, PROGRAM_SCHEDULER);
	op->number = (uint64_t)policy | (reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	op->number2 = (uint64_t)MAX_OF(spec->cpu_priority, realtime ? 1 : 0);
}

/* Who leads a session on the terminal. A longer identifier is known by its end: systemd.exec(5), UtmpIdentifier=. */
static void attributes_emit_accounting(struct build *build)
{
	const struct spec *spec = build->spec;
	const char *id = spec->utmp_identifier, *line = spec->tty_path;
	struct utmp record = {.ut_type = (short)(INIT_PROCESS + spec->utmp_mode)};
	struct program_op *op;
	uint32_t text;

	if (!id || build->context->join_pidfd >= 0)
		return;
	BUILD_ORIGIN(build, utmp_identifier);
	attributes_accounting_id(id, record.ut_id);
	if (line)
		strncpy(record.ut_line, text_starts_with(line, "/dev/") ? line + 5 : line,
			sizeof record.ut_line - 1);
	if (spec->utmp_mode == SPEC_UTMP_USER && build->identity->name)
		strncpy(record.ut_user, build->identity->name, sizeof record.ut_user - 1);
	text = build_bytes(build, &record, sizeof record, 8);
	op = build_op(build, PROGRAM_ACCOUNTING);
	op->text = text;
	op->number = sizeof record;
}

int attributes_emit(struct build *build)
{
	const struct spec *spec = build->spec;
	_cleanup_free_ char *filter = NULL;
	uint32_t text;
	int r;

	if (attributes_schedules(spec))
		attributes_emit_scheduler(build, false);
	r = attributes_emit_affinity(build);
	if (r == 0)
		r = attributes_emit_numa(build);
	if (r < 0)
		return r;
	attributes_emit_accounting(build);
	EMIT_NUMBER(PROGRAM_IO_PRIORITY, io_priority);
	EMIT_NUMBER(PROGRAM_PERSONALITY, personality);
	EMIT_NUMBER(PROGRAM_MEMORY_KSM, memory_ksm);
	if (spec->coredump_filter >= 0) {
		BUILD_ORIGIN(build, coredump_filter);
		filter = text_format("%#llx", (unsigned long long)spec->coredump_filter);
		if (!filter)
			build->failed = true;
		text = build_text(build, filter);
		build_op(build, PROGRAM_COREDUMP_FILTER)->text = text;
	}
	return 0;
}

void attributes_emit_forked(struct build *build)
{
	if (build->spec->cpu_reset_on_fork)
		attributes_emit_scheduler(build, true);
}

void attributes_emit_keyring(struct build *build)
{
	enum spec_keyring mode = build->spec->keyring;
	struct program_op *op;

	if (mode == SPEC_KEYRING_INHERIT)
		return;
	BUILD_ORIGIN(build, keyring);
	op = build_op(build, PROGRAM_KEYRING);
	op->number = mode == SPEC_KEYRING_SHARED;
	op->flags = mode == SPEC_KEYRING_DEFAULT ? PROGRAM_OPTIONAL : 0;
}
