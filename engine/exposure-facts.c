/* A launch program read for what it adds up to. See exposure.h. */
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>

#include "engine/build.h"
#include "engine/exposure.h"

#define EXPOSURE_CAP(name) (UINT64_C(1) << CAP_##name)

/* Capabilities that the kernel asks for in the first user namespace only: in another one they are worth nothing. */
#define EXPOSURE_CAPS_OF_THE_HOST                                                                          \
	(EXPOSURE_CAP(SYS_MODULE) | EXPOSURE_CAP(SYS_TIME) | EXPOSURE_CAP(SYSLOG) |                        \
	 EXPOSURE_CAP(SYS_RAWIO) | EXPOSURE_CAP(SYS_BOOT) | EXPOSURE_CAP(MKNOD) |                          \
	 EXPOSURE_CAP(AUDIT_CONTROL) | EXPOSURE_CAP(AUDIT_READ) | EXPOSURE_CAP(AUDIT_WRITE) |              \
	 EXPOSURE_CAP(MAC_ADMIN) | EXPOSURE_CAP(MAC_OVERRIDE) | EXPOSURE_CAP(BLOCK_SUSPEND) |              \
	 EXPOSURE_CAP(WAKE_ALARM) | EXPOSURE_CAP(LINUX_IMMUTABLE) | EXPOSURE_CAP(SYS_PACCT) |              \
	 EXPOSURE_CAP(SYS_RESOURCE) | EXPOSURE_CAP(IPC_LOCK) | EXPOSURE_CAP(BPF) | EXPOSURE_CAP(PERFMON) | \
	 EXPOSURE_CAP(SYS_TTY_CONFIG) | EXPOSURE_CAP(LEASE))

#define EXPOSURE_FOREACH(op, launch)                                               \
	for (const struct program_op *op = program_ops((launch)->program->block),  \
				     *end_ = op + (launch)->program->block->n_ops; \
	     op < end_; op++)

static const char *exposure_text(const struct exposure_launch *launch, uint32_t offset)
{
	return program_text(launch->program->block, offset);
}

bool exposure_has(const struct exposure_launch *launch, enum program_code code)
{
	EXPOSURE_FOREACH(op, launch)
	if (op->code == code)
		return true;
	return false;
}

bool exposure_separate(const struct exposure_launch *launch, uint64_t namespaces)
{
	uint64_t own = launch->program->block->clone_flags;

	EXPOSURE_FOREACH(op, launch)
	{
		if (op->code == PROGRAM_UNSHARE || op->code == PROGRAM_ENTER_USER ||
		    op->code == PROGRAM_JOIN || op->code == PROGRAM_USER_NAMESPACE)
			own |= op->flags;
		if (op->code == PROGRAM_ENTER_USER)
			own |= CLONE_NEWUSER;
		if (op->code == PROGRAM_TIME_NAMESPACE)
			own |= CLONE_NEWTIME;
	}
	return (own & namespaces) == namespaces;
}

uint64_t exposure_capabilities(const struct exposure_launch *launch)
{
	uint64_t bounding = UINT64_MAX, permitted = UINT64_MAX;
	bool fixed = exposure_has(launch, PROGRAM_NO_NEW_PRIVILEGES);

	EXPOSURE_FOREACH(op, launch)
	{
		if (op->code == PROGRAM_BOUNDING_SET)
			bounding &= op->number;
		if (op->code == PROGRAM_CAPABILITIES)
			permitted = op->number;
	}
	/* Without no_new_privs a program with file capabilities or a set-user-ID bit gives back what the bounding
	 * set has. */
	if (fixed)
		bounding &= permitted;
	/* They reach as far as the process can name other processes. */
	if (exposure_separate(launch, CLONE_NEWPID))
		bounding &= ~(EXPOSURE_CAP(KILL) | EXPOSURE_CAP(SYS_PTRACE));
	if (exposure_separate(launch, CLONE_NEWUSER) && launch->program->uid != 0)
		bounding &= ~EXPOSURE_CAPS_OF_THE_HOST;
	return bounding & ((UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1);
}

bool exposure_own_root(const struct exposure_launch *launch)
{
	return exposure_has(launch, PROGRAM_ATTACH_ROOT);
}

static bool exposure_covers(const char *place, const char *path)
{
	size_t length = strlen(place);

	if (length <= 1)
		return true;
	return strncmp(place, path, length) == 0 && (path[length] == '/' || !path[length]);
}

/* Is what is mounted the service's own directory, not the host's? */
static bool exposure_is_own(const struct exposure_launch *launch, const struct program_op *op)
{
	const struct program *program = launch->program;

	if (op->fd == PROGRAM_NO_FD || op->fd < 3 || op->fd - 3u >= program->n_descriptors)
		return false;
	return program->descriptors[op->fd - 3].kind == PROGRAM_DESCRIPTOR_SHARED ||
	       program->descriptors[op->fd - 3].kind == PROGRAM_DESCRIPTOR_DIRECTORY;
}

enum exposure_path exposure_path(const struct exposure_launch *launch, const char *path)
{
	enum exposure_path state = exposure_own_root(launch) ? EXPOSURE_HIDDEN : EXPOSURE_WRITABLE;

	EXPOSURE_FOREACH(op, launch)
	{
		const char *place = exposure_text(launch, op->text);
		bool read_only = op->flags & PROGRAM_MOUNT_READ_ONLY, exact = strcmp(place, path) == 0;

		if ((op->code != PROGRAM_MASK && op->code != PROGRAM_TMPFS && op->code != PROGRAM_BIND &&
		     op->code != PROGRAM_ATTRIBUTES) ||
		    op->slot != BUILD_SLOT_ROOT || !exposure_covers(place, path))
			continue;
		if (op->code == PROGRAM_MASK || op->code == PROGRAM_TMPFS)
			state = EXPOSURE_HIDDEN;
		else if (op->code == PROGRAM_BIND && exposure_is_own(launch, op))
			state = EXPOSURE_HIDDEN;
		else if (op->code == PROGRAM_BIND)
			state = read_only ? EXPOSURE_READ_ONLY : EXPOSURE_WRITABLE;
		else if (read_only && state == EXPOSURE_WRITABLE &&
			 (exact || op->flags & PROGRAM_MOUNT_RECURSIVE))
			state = EXPOSURE_READ_ONLY;
	}
	return state;
}

const char *exposure_mount_options(const struct exposure_launch *launch, enum program_code code)
{
	const char *options = NULL;

	EXPOSURE_FOREACH(op, launch)
	if (op->code == code)
		options = exposure_text(launch, op->text2);
	return options;
}
