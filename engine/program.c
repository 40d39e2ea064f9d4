/* What is known about launch programs without running them: the operations' names and exit statuses, and the
 * check that a block is a program at all.
 *
 * svc-init's child interprets what it was sent without asking again, so everything that could lead it outside
 * the block is refused here: each operation has a row that says which of its arguments are offsets, slots or
 * descriptors. A slot must have been written by an earlier operation before it is read. Whether a program
 * *makes sense* is the compiler's business, and the kernel's. */
#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#include "base/macros.h"
#include "engine/launch.h"
#include "engine/program.h"

/* systemd.exec(5), "Process Exit Codes". */
enum {
	EXIT_CHDIR = 200,
	EXIT_NICE = 201,
	EXIT_FDS = 202,
	EXIT_EXEC = 203,
	EXIT_MEMORY = 204,
	EXIT_LIMITS = 205,
	EXIT_OOM_ADJUST = 206,
	EXIT_STDIN = 208,
	EXIT_IO_PRIORITY = 211,
	EXIT_TIMER_SLACK = 212,
	EXIT_SECURE_BITS = 213,
	EXIT_SCHEDULER = 214,
	EXIT_CPU_AFFINITY = 215,
	EXIT_GROUP = 216,
	EXIT_USER = 217,
	EXIT_CAPABILITIES = 218,
	EXIT_SETSID = 220,
	EXIT_NETWORK = 225,
	EXIT_NAMESPACE = 226,
	EXIT_NO_NEW_PRIVILEGES = 227,
	EXIT_SECCOMP = 228,
	EXIT_SELINUX = 229,
	EXIT_PERSONALITY = 230,
	EXIT_APPARMOR = 231,
	EXIT_SMACK = 236,
	EXIT_KEYRING = 237,
	EXIT_NUMA_POLICY = 242,
	EXIT_KSM = 245,
	EXIT_STATE_DIRECTORY = 238,
	EXIT_CREDENTIALS = 243,
	EXIT_BPF = 244,
};

const struct program_op_info program_op_info[PROGRAM_CODE_MAX_] = {
	[PROGRAM_SESSION] = {"session", EXIT_SETSID},
	[PROGRAM_STDIO] = {"stdio", EXIT_STDIN},
	[PROGRAM_TERMINAL] = {"terminal", EXIT_STDIN},
	[PROGRAM_PASS_FD] = {"pass-fd", EXIT_FDS},
	[PROGRAM_FILTER_PASS] = {"filter-pass", EXIT_BPF},
	[PROGRAM_UMASK] = {"umask", EXIT_MEMORY},
	[PROGRAM_RLIMIT] = {"rlimit", EXIT_LIMITS},
	[PROGRAM_NICE] = {"nice", EXIT_NICE},
	[PROGRAM_OOM_SCORE] = {"oom-score", EXIT_OOM_ADJUST},
	[PROGRAM_TIMER_SLACK] = {"timer-slack", EXIT_TIMER_SLACK},
	[PROGRAM_SCHEDULER] = {"scheduler", EXIT_SCHEDULER},
	[PROGRAM_CPU_AFFINITY] = {"cpu-affinity", EXIT_CPU_AFFINITY},
	[PROGRAM_NUMA_POLICY] = {"numa-policy", EXIT_NUMA_POLICY},
	[PROGRAM_IO_PRIORITY] = {"io-priority", EXIT_IO_PRIORITY},
	[PROGRAM_PERSONALITY] = {"personality", EXIT_PERSONALITY},
	[PROGRAM_COREDUMP_FILTER] = {"coredump-filter", EXIT_LIMITS},
	[PROGRAM_MEMORY_KSM] = {"memory-ksm", EXIT_KSM},
	[PROGRAM_ACCOUNTING] = {"accounting", EXIT_STDIN},
	[PROGRAM_PARENT_DEATH] = {"parent-death", EXIT_SETSID},
	[PROGRAM_OWN] = {"own", EXIT_STATE_DIRECTORY},
	[PROGRAM_FILES_BEGIN] = {"begin-files", EXIT_CREDENTIALS},
	[PROGRAM_FILE] = {"make-secret-file", EXIT_CREDENTIALS},
	[PROGRAM_FILES_END] = {"end-files", EXIT_CREDENTIALS},
	[PROGRAM_JOIN] = {"join-namespace", EXIT_NAMESPACE},
	[PROGRAM_UNSHARE] = {"unshare", EXIT_NAMESPACE},
	[PROGRAM_USER_NAMESPACE] = {"make-user-namespace", EXIT_NAMESPACE},
	[PROGRAM_JOIN_OWNED] = {"join-owned", EXIT_NAMESPACE},
	[PROGRAM_ENTER_USER] = {"enter-user-namespace", EXIT_NAMESPACE},
	[PROGRAM_TIME_NAMESPACE] = {"time-namespace", EXIT_NAMESPACE},
	[PROGRAM_HOSTNAME] = {"hostname", EXIT_NAMESPACE},
	[PROGRAM_SYSCTL] = {"sysctl", EXIT_NAMESPACE},
	[PROGRAM_LOOPBACK_UP] = {"loopback-up", EXIT_NETWORK},
	[PROGRAM_PRIVATE_MOUNTS] = {"private-mounts", EXIT_NAMESPACE},
	[PROGRAM_TREE] = {"copy-tree", EXIT_NAMESPACE},
	[PROGRAM_OVERLAY] = {"mount-overlay", EXIT_NAMESPACE},
	[PROGRAM_LOOP] = {"attach-image", EXIT_NAMESPACE},
	[PROGRAM_VERITY] = {"verify-image", EXIT_NAMESPACE},
	[PROGRAM_FILESYSTEM] = {"mount-filesystem", EXIT_NAMESPACE},
	[PROGRAM_ATTACH_ROOT] = {"attach-root", EXIT_NAMESPACE},
	[PROGRAM_EXTEND] = {"extend-root", EXIT_NAMESPACE},
	[PROGRAM_DROP_OLD_ROOT] = {"drop-old-root", EXIT_NAMESPACE},
	[PROGRAM_MAKE_DIRECTORY] = {"make-directory", EXIT_NAMESPACE},
	[PROGRAM_MAKE_FILE] = {"make-file", EXIT_NAMESPACE},
	[PROGRAM_SYMLINK] = {"symlink", EXIT_NAMESPACE},
	[PROGRAM_BIND] = {"bind", EXIT_NAMESPACE},
	[PROGRAM_COPY_UP] = {"copy-up", EXIT_NAMESPACE},
	[PROGRAM_TMPFS] = {"mount-tmpfs", EXIT_NAMESPACE},
	[PROGRAM_PROC] = {"mount-proc", EXIT_NAMESPACE},
	[PROGRAM_SYSFS] = {"mount-sysfs", EXIT_NAMESPACE},
	[PROGRAM_CGROUP_FS] = {"mount-cgroup2", EXIT_NAMESPACE},
	[PROGRAM_MQUEUE] = {"mount-mqueue", EXIT_NAMESPACE},
	[PROGRAM_DEVPTS] = {"mount-devpts", EXIT_NAMESPACE},
	[PROGRAM_DEV] = {"make-dev", EXIT_NAMESPACE},
	[PROGRAM_ATTRIBUTES] = {"mount-attributes", EXIT_NAMESPACE},
	[PROGRAM_MASK] = {"mask", EXIT_NAMESPACE},
	[PROGRAM_GROUPS] = {"set-groups", EXIT_GROUP},
	[PROGRAM_USER] = {"set-user", EXIT_USER},
	[PROGRAM_BOUNDING_SET] = {"bounding-set", EXIT_CAPABILITIES},
	[PROGRAM_CAPABILITIES] = {"set-capabilities", EXIT_CAPABILITIES},
	[PROGRAM_LANDLOCK_RULESET] = {"landlock-ruleset", EXIT_NAMESPACE},
	[PROGRAM_LANDLOCK_PATH] = {"landlock-path", EXIT_NAMESPACE},
	[PROGRAM_LANDLOCK_PORT] = {"landlock-port", EXIT_NAMESPACE},
	[PROGRAM_LANDLOCK_ENFORCE] = {"landlock-enforce", EXIT_NAMESPACE},
	[PROGRAM_SMACK] = {"smack-label", EXIT_SMACK},
	[PROGRAM_SELINUX] = {"selinux-context", EXIT_SELINUX},
	[PROGRAM_APPARMOR] = {"apparmor-profile", EXIT_APPARMOR},
	[PROGRAM_KEYRING] = {"keyring", EXIT_KEYRING},
	[PROGRAM_SECURE_BITS] = {"secure-bits", EXIT_SECURE_BITS},
	[PROGRAM_DENY_WRITE_EXECUTE] = {"deny-write-execute", EXIT_SECCOMP},
	[PROGRAM_NO_NEW_PRIVILEGES] = {"no-new-privileges", EXIT_NO_NEW_PRIVILEGES},
	[PROGRAM_SECCOMP] = {"load-seccomp", EXIT_SECCOMP},
	[PROGRAM_PTY] = {"allocate-terminal", EXIT_STDIN},
	[PROGRAM_WORKING_DIRECTORY] = {"working-directory", EXIT_CHDIR},
	[PROGRAM_FORK] = {"fork", EXIT_NAMESPACE},
	[PROGRAM_EXEC] = {"exec", EXIT_EXEC},
};

int program_exit_status(const struct program_op *op)
{
	bool own = op->code == PROGRAM_OWN && op->flags >> 24;

	return own ? (int)(op->flags >> 24) : program_op_info[op->code].exit_status;
}

#define PROGRAM_NAMESPACES                                                                         \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUSER | \
	 CLONE_NEWCGROUP | CLONE_NEWTIME)
/* A cgroup namespace made by clone3(2) is rooted at the *parent's* cgroup, also with CLONE_INTO_CGROUP; user
 * and time namespaces need their maps and offsets first. All three have operations of their own. */
#define PROGRAM_CLONE_NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)

enum program_argument { /* what a row's arguments are; bits */
			TEXT = 1 << 0,
			TEXT2 = 1 << 1,
			TEXT_IDS = 1 << 2,	 /* text: uint32_t[number] */
			TEXT_FILTER = 1 << 3,	 /* text: sock_filter[number] */
			TEXT2_VECTOR = 1 << 4,	 /* text2: offsets of strings, at least one */
			NUMBER_VECTOR = 1 << 5,	 /* number: as above, may be empty */
			NUMBER_SLOT = 1 << 6,	 /* number: a slot that is read, or PROGRAM_SLOT_NONE */
			NUMBER_TARGET = 1 << 7,	 /* number: a descriptor number for the payload */
			DESCRIPTOR = 1 << 8,	 /* fd */
			MAY_DESCRIPTOR = 1 << 9, /* fd, or PROGRAM_NO_FD */
			SLOT = 1 << 10,		 /* slot is read */
			MAY_SLOT = 1 << 11,	 /* slot is read, unless PROGRAM_SLOT_NONE */
			MAY_SLOT2 = 1 << 12,	 /* slot2 is read, unless PROGRAM_SLOT_NONE */
			WRITE_SLOT2 = 1 << 13,	 /* slot2 is written */
			NAMESPACES = 1 << 14,	 /* flags: CLONE_NEW* only */
			RESOURCE = 1 << 15,	 /* flags: RLIMIT_* */
			READ_SLOT2 = 1 << 26,	 /* slot2 is read */
			TEXT2_BYTES = 1 << 25,	 /* text2: uint8_t[number2] */
			TEXT2_CONTENT = 1 << 28, /* text2: as flags say, number bytes, or two strings */
			TEXT_MASK = 1 << 24,	 /* text: a mask of number bytes */
			NUMBER2_TEXT = 1 << 25,	 /* number2: a string, perhaps empty */
};

static const uint32_t program_arguments[PROGRAM_CODE_MAX_] = {
	[PROGRAM_TERMINAL] = TEXT,
	[PROGRAM_PASS_FD] = DESCRIPTOR | NUMBER_TARGET,
	[PROGRAM_FILTER_PASS] = DESCRIPTOR,
	[PROGRAM_RLIMIT] = RESOURCE,
	[PROGRAM_OOM_SCORE] = TEXT,
	[PROGRAM_CPU_AFFINITY] = TEXT_MASK,
	[PROGRAM_NUMA_POLICY] = TEXT_MASK,
	[PROGRAM_COREDUMP_FILTER] = TEXT,
	[PROGRAM_ACCOUNTING] = TEXT_MASK,
	[PROGRAM_OWN] = TEXT | MAY_DESCRIPTOR | MAY_SLOT,
	[PROGRAM_FILES_BEGIN] = TEXT | WRITE_SLOT2,
	[PROGRAM_FILE] = TEXT | SLOT | TEXT2_CONTENT,
	[PROGRAM_FILES_END] = SLOT,
	[PROGRAM_JOIN] = DESCRIPTOR | NAMESPACES,
	[PROGRAM_UNSHARE] = NAMESPACES,
	[PROGRAM_USER_NAMESPACE] = TEXT | TEXT2 | MAY_DESCRIPTOR | WRITE_SLOT2 | NAMESPACES,
	[PROGRAM_JOIN_OWNED] = NAMESPACES,
	[PROGRAM_ENTER_USER] = SLOT | NAMESPACES,
	[PROGRAM_TIME_NAMESPACE] = TEXT,
	[PROGRAM_HOSTNAME] = TEXT,
	[PROGRAM_SYSCTL] = TEXT | TEXT2,
	[PROGRAM_TREE] = TEXT | MAY_SLOT | NUMBER_SLOT | WRITE_SLOT2,
	[PROGRAM_OVERLAY] = TEXT | TEXT2 | MAY_SLOT | WRITE_SLOT2 | NUMBER2_TEXT,
	[PROGRAM_LOOP] = DESCRIPTOR | WRITE_SLOT2,
	[PROGRAM_VERITY] = TEXT | TEXT2_BYTES | SLOT | NUMBER_SLOT | WRITE_SLOT2,
	[PROGRAM_FILESYSTEM] = TEXT | TEXT2 | MAY_SLOT | NUMBER_SLOT | WRITE_SLOT2,
	[PROGRAM_ATTACH_ROOT] = SLOT | WRITE_SLOT2,
	[PROGRAM_EXTEND] = TEXT | SLOT,
	[PROGRAM_DROP_OLD_ROOT] = SLOT,
	[PROGRAM_MAKE_DIRECTORY] = TEXT | MAY_SLOT,
	[PROGRAM_MAKE_FILE] = TEXT | SLOT,
	[PROGRAM_SYMLINK] = TEXT | TEXT2 | SLOT,
	[PROGRAM_BIND] = TEXT | TEXT2 | SLOT | MAY_SLOT2 | MAY_DESCRIPTOR | NUMBER_SLOT,
	[PROGRAM_COPY_UP] = TEXT | SLOT | READ_SLOT2,
	[PROGRAM_TMPFS] = TEXT | TEXT2 | SLOT,
	[PROGRAM_PROC] = TEXT | TEXT2 | SLOT,
	[PROGRAM_SYSFS] = TEXT | SLOT,
	[PROGRAM_CGROUP_FS] = TEXT | TEXT2 | SLOT,
	[PROGRAM_MQUEUE] = TEXT | SLOT,
	[PROGRAM_DEVPTS] = TEXT | TEXT2 | SLOT,
	[PROGRAM_DEV] = TEXT | TEXT2 | SLOT | MAY_SLOT2,
	[PROGRAM_ATTRIBUTES] = TEXT | SLOT,
	[PROGRAM_MASK] = TEXT | SLOT | MAY_SLOT2,
	[PROGRAM_GROUPS] = TEXT_IDS,
	[PROGRAM_LANDLOCK_RULESET] = WRITE_SLOT2,
	[PROGRAM_LANDLOCK_PATH] = TEXT | SLOT,
	[PROGRAM_LANDLOCK_PORT] = SLOT,
	[PROGRAM_LANDLOCK_ENFORCE] = SLOT,
	[PROGRAM_SMACK] = TEXT | TEXT2,
	[PROGRAM_SELINUX] = TEXT | TEXT2,
	[PROGRAM_APPARMOR] = TEXT | TEXT2,
	[PROGRAM_SECCOMP] = TEXT_FILTER,
	[PROGRAM_PTY] = DESCRIPTOR,
	[PROGRAM_WORKING_DIRECTORY] = TEXT,
	[PROGRAM_EXEC] = TEXT | TEXT2_VECTOR | NUMBER_VECTOR,
};

struct program_check {
	const struct program_header *header;
	const char *data;
	uint32_t written; /* bit per slot */
	bool sealed;	  /* past the first SECCOMP: descriptors are in place */
	bool half_rooted; /* between ATTACH_ROOT and DROP_OLD_ROOT: the payload would see the host */
	unsigned n_forks;
};
static_assert(PROGRAM_N_SLOTS <= 32, "program_check.written has a bit per slot");

static bool program_text_ok(const struct program_check *check, uint64_t offset)
{
	return offset < check->header->data_size; /* and the data end with a NUL */
}

static bool program_array_ok(const struct program_check *check, uint64_t offset, uint64_t count, size_t item,
			     uint64_t max_count)
{
	return count <= max_count && offset % MIN_OF(item, 8u) == 0 && offset <= check->header->data_size &&
	       count * item <= check->header->data_size - offset;
}

static bool program_vector_ok(const struct program_check *check, uint64_t offset, bool may_be_empty)
{
	const uint32_t *items;

	if (offset % sizeof(uint32_t) != 0 || offset > check->header->data_size)
		return false;
	items = (const uint32_t *)(check->data + offset);
	for (size_t i = 0; i < (check->header->data_size - offset) / sizeof *items; i++) {
		if (items[i] == 0)
			return i > 0 || may_be_empty;
		if (!program_text_ok(check, items[i]))
			return false;
	}
	return false;
}

static bool program_slot_ok(const struct program_check *check, uint64_t slot, bool may_be_none)
{
	if (slot == PROGRAM_SLOT_NONE)
		return may_be_none;
	return slot < PROGRAM_N_SLOTS && check->written & (1u << slot);
}

static bool program_content_ok(const struct program_check *check, const struct program_op *op)
{
	if (!(op->flags & (PROGRAM_FILE_PATH | PROGRAM_FILE_SOCKET)))
		return program_array_ok(check, op->text2, op->number, 1, PROGRAM_FILES_MAX);
	return program_text_ok(check, op->text2) &&
	       program_text_ok(check, op->text2 + strlen(check->data + op->text2) + 1);
}

static bool program_texts_ok(const struct program_check *check, const struct program_op *op, uint32_t has)
{
	if (has & TEXT && !program_text_ok(check, op->text))
		return false;
	if (has & TEXT2 && !program_text_ok(check, op->text2))
		return false;
	if (has & TEXT_IDS && !program_array_ok(check, op->text, op->number, sizeof(uint32_t), 65536))
		return false;
	if (has & TEXT2_BYTES && !program_array_ok(check, op->text2, op->number2, 1, PROGRAM_MAX_SIZE))
		return false;
	if (has & TEXT_FILTER &&
	    (op->number == 0 ||
	     !program_array_ok(check, op->text, op->number, sizeof(struct sock_filter), BPF_MAXINSNS)))
		return false;
	if (has & TEXT2_CONTENT && !program_content_ok(check, op))
		return false;
	if (has & NUMBER2_TEXT && !program_text_ok(check, op->number2))
		return false;
	if (has & TEXT_MASK && !program_array_ok(check, op->text, op->number, 1, PROGRAM_MAX_MASK))
		return false;
	if (has & TEXT2_VECTOR && !program_vector_ok(check, op->text2, false))
		return false;
	return !(has & NUMBER_VECTOR) || program_vector_ok(check, op->number, true);
}

static bool program_descriptors_ok(const struct program_check *check, const struct program_op *op,
				   uint32_t has)
{
	bool none = op->fd == PROGRAM_NO_FD;

	if (has & DESCRIPTOR && op->fd >= check->header->n_descriptors)
		return false;
	if (has & MAY_DESCRIPTOR && !none && op->fd >= check->header->n_descriptors)
		return false;
	if (has & NUMBER_TARGET &&
	    (op->number < 3 || op->number >= 3 + LAUNCH_MAX_DESCRIPTORS || check->sealed))
		return false;
	if (has & (SLOT | MAY_SLOT) && !program_slot_ok(check, op->slot, has & MAY_SLOT))
		return false;
	if (has & READ_SLOT2 && !program_slot_ok(check, op->slot2, false))
		return false;
	if (has & MAY_SLOT2 && !program_slot_ok(check, op->slot2, true))
		return false;
	if (has & NUMBER_SLOT && !program_slot_ok(check, op->number, true))
		return false;
	return !(has & WRITE_SLOT2) || op->slot2 < PROGRAM_N_SLOTS;
}

static bool program_op_ok(struct program_check *check, const struct program_op *op)
{
	uint32_t has;

	if (op->code >= PROGRAM_CODE_MAX_)
		return false;
	has = program_arguments[op->code];
	if (has & NAMESPACES && op->flags & ~(uint32_t)PROGRAM_NAMESPACES)
		return false;
	if (has & RESOURCE && op->flags >= RLIM_NLIMITS)
		return false;
	if (!program_texts_ok(check, op, has) || !program_descriptors_ok(check, op, has))
		return false;
	if (has & WRITE_SLOT2)
		check->written |= 1u << op->slot2;
	if (op->code == PROGRAM_SECCOMP)
		check->sealed = true;
	if (op->code == PROGRAM_ATTACH_ROOT || op->code == PROGRAM_DROP_OLD_ROOT) {
		if (check->half_rooted == (op->code == PROGRAM_ATTACH_ROOT))
			return false;
		check->half_rooted = !check->half_rooted;
	}
	if (check->half_rooted &&
	    (op->code == PROGRAM_FORK || op->code == PROGRAM_EXEC || op->code == PROGRAM_ENTER_USER))
		return false;
	/* A second parent that stays behind could not be told apart from the first in the reports. */
	return op->code != PROGRAM_FORK || check->n_forks++ == 0;
}

/* The parts lie inside the block, aligned, and no string can run out of the data. */
static bool program_layout_ok(const struct program_header *header, size_t size)
{
	if (header->magic != PROGRAM_MAGIC || header->size != size ||
	    header->clone_flags & ~PROGRAM_CLONE_NAMESPACES)
		return false;
	if (header->n_descriptors < 3 || header->n_descriptors > LAUNCH_MAX_DESCRIPTORS)
		return false;
	if (header->n_ops == 0 || header->n_ops > PROGRAM_MAX_OPS || header->ops_offset % 8 ||
	    header->data_offset % 8)
		return false;
	if (header->ops_offset < sizeof *header || header->ops_offset > size ||
	    header->n_ops * sizeof(struct program_op) > size - header->ops_offset)
		return false;
	if (header->data_offset < sizeof *header || header->data_offset > size || header->data_size == 0 ||
	    header->data_size > size - header->data_offset)
		return false;
	return *program_text(header, 0) == '\0' && *program_text(header, header->data_size - 1) == '\0';
}

int program_validate(const void *block, size_t size)
{
	struct program_check check = {.header = block};
	const struct program_op *ops;

	if (size < sizeof *check.header || size > PROGRAM_MAX_SIZE || (uintptr_t)block % 8 != 0)
		return -EBADMSG;
	if (!program_layout_ok(check.header, size))
		return -EBADMSG;
	check.data = program_text(check.header, 0);
	ops = program_ops(check.header);
	for (uint32_t i = 0; i < check.header->n_ops; i++)
		if (!program_op_ok(&check, &ops[i]) ||
		    (ops[i].code == PROGRAM_EXEC) != (i == check.header->n_ops - 1))
			return -EBADMSG; /* EXEC is the last operation, and no other is */
	return 0;
}
