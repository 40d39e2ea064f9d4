/* The interpreter's steps for Landlock: rules by descriptors that were opened in the container. */
#include <errno.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

/* The kernel takes more than it knows, if that is zero: landlock_create_ruleset(2). */
struct interpret_landlock_ruleset {
	uint64_t files, ports, scope;
};

struct interpret_landlock_port {
	uint64_t access, port;
};

enum {
	INTERPRET_LANDLOCK_PORT_RULE = 2, /* LANDLOCK_RULE_NET_PORT */
	/* What a rule can say of a file that is no directory: execute, write, read, truncate, ioctl. */
	INTERPRET_LANDLOCK_OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15,
};

int interpret_landlock_ruleset(struct interpret_run *run, const struct program_op *op)
{
	struct interpret_landlock_ruleset ruleset = {op->number, op->number2, op->flags};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);

	if (fd < 0)
		return -errno;
	run->slots[op->slot2] = fd; /* born close-on-exec */
	return 0;
}

int interpret_landlock_path(struct interpret_run *run, const struct program_op *op)
{
	_cleanup_fd_ int fd = interpret_mounts_resolve(run, PROGRAM_SLOT_NONE, interpret_text(run, op->text));
	struct landlock_path_beneath_attr rule = {.allowed_access = op->number, .parent_fd = fd};
	struct stat status;

	if (fd == -ENOENT && op->flags & PROGRAM_OPTIONAL)
		return 0;
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		rule.allowed_access &= INTERPRET_LANDLOCK_OF_FILES;
	if (rule.allowed_access == 0)
		return 0;
	return syscall(SYS_landlock_add_rule, run->slots[op->slot], LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0
		       ? -errno
		       : 0;
}

int interpret_landlock_port(struct interpret_run *run, const struct program_op *op)
{
	struct interpret_landlock_port rule = {op->number, op->number2};

	return syscall(SYS_landlock_add_rule, run->slots[op->slot], INTERPRET_LANDLOCK_PORT_RULE, &rule, 0) <
			       0
		       ? -errno
		       : 0;
}

int interpret_landlock_enforce(struct interpret_run *run, const struct program_op *op)
{
	if (syscall(SYS_landlock_restrict_self, run->slots[op->slot], 0) == 0)
		return 0;
	/* As with a filter: see interpret_identity_seccomp(). */
	if (errno != EPERM || interpret_identity_no_new_privileges(run, op) < 0)
		return -errno;
	return syscall(SYS_landlock_restrict_self, run->slots[op->slot], 0) < 0 ? -errno : 0;
}
