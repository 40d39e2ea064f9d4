/* An operation as one line for people: its name, then what it works on, in the words of the manual pages.
 * What a run would not notice (offsets, positions) is not shown, so that two programs that do the same read
 * the same. */
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <utmp.h>

#include "base/terminal.h"
#include "base/text.h"
#include "engine/build.h"
#include "engine/control.h"

struct print_flag {
	uint32_t bit;
	const char *name;
};

static const struct print_flag print_mount_flags[] = {
	{PROGRAM_MOUNT_READ_ONLY, "ro"},
	{PROGRAM_MOUNT_NO_SUID, "nosuid"},
	{PROGRAM_MOUNT_NO_DEV, "nodev"},
	{PROGRAM_MOUNT_NO_EXEC, "noexec"},
	{PROGRAM_LOOP_LARGE, "sector=4096"},
	{PROGRAM_COPY_CONTENT, "content-only"},
	{PROGRAM_MOUNT_SHARED, "shared"},
	{PROGRAM_MOUNT_SLAVE, "slave"},
	{PROGRAM_MOUNT_NO_ATIME, "noatime"},
	{PROGRAM_MOUNT_STRICT_ATIME, "strictatime"},
	{PROGRAM_MOUNT_NO_DIR_ATIME, "nodiratime"},
	{PROGRAM_MOUNT_NO_SYMLINKS, "nosymfollow"},
	{PROGRAM_MOUNT_RECURSIVE, "recursive"},
	{PROGRAM_OVERLAY_EPHEMERAL, "ephemeral"},
	{PROGRAM_OVERLAY_PERSISTENT, "persistent"},
	{PROGRAM_OPTIONAL, "optional"},
	{PROGRAM_IGNORE_SIGPIPE, "ignore-sigpipe"},
	{PROGRAM_FORK_INIT, "init"},
	{PROGRAM_MASK_NO_ACCESS, "no-access"},
};

static const struct print_flag print_namespaces[] = {
	{CLONE_NEWNS, "mount"}, {CLONE_NEWPID, "pid"},	 {CLONE_NEWNET, "net"},	      {CLONE_NEWIPC, "ipc"},
	{CLONE_NEWUTS, "uts"},	{CLONE_NEWUSER, "user"}, {CLONE_NEWCGROUP, "cgroup"}, {CLONE_NEWTIME, "time"},
};

static const struct print_flag print_terminal_flags[] = {
	{TERMINAL_RESET, "reset"},	     {TERMINAL_HANGUP, "hangup"},
	{TERMINAL_CLEAR, "clear"},	     {PROGRAM_TERMINAL_INPUT, "input"},
	{PROGRAM_TERMINAL_OUTPUT, "output"}, {PROGRAM_TERMINAL_ERROR, "error"},
	{PROGRAM_TERMINAL_FORCE, "force"},   {PROGRAM_TERMINAL_FAIL, "fail"},
};

static const char *const print_resources[] = {
	[RLIMIT_CPU] = "cpu",		[RLIMIT_FSIZE] = "fsize",
	[RLIMIT_DATA] = "data",		[RLIMIT_STACK] = "stack",
	[RLIMIT_CORE] = "core",		[RLIMIT_RSS] = "rss",
	[RLIMIT_NPROC] = "nproc",	[RLIMIT_NOFILE] = "nofile",
	[RLIMIT_MEMLOCK] = "memlock",	[RLIMIT_AS] = "as",
	[RLIMIT_LOCKS] = "locks",	[RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_MSGQUEUE] = "msgqueue", [RLIMIT_NICE] = "nice",
	[RLIMIT_RTPRIO] = "rtprio",	[RLIMIT_RTTIME] = "rttime",
};

struct print {
	const struct program_header *program;
	const struct program_op *op;
	struct text_buffer buffer;
};

static const char *print_string(const struct print *print, uint32_t offset)
{
	return program_text(print->program, offset);
}

static void print_flags(struct print *print, const struct print_flag *flags, size_t n, uint32_t set)
{
	for (size_t i = 0; i < n; i++)
		if (set & flags[i].bit)
			text_buffer_append(&print->buffer, " %s", flags[i].name);
}

static void print_namespace_flags(struct print *print)
{
	print_flags(print, print_namespaces, ARRAY_SIZE(print_namespaces), print->op->flags);
}

/* " NAME=TEXT", with newlines as ", "; nothing for an empty text. */
static void print_value(struct print *print, const char *name, const char *text)
{
	size_t length = strlen(text);

	if (length == 0)
		return;
	text_buffer_append(&print->buffer, " %s=", name);
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\n' && i + 1 < length)
			text_buffer_append(&print->buffer, ", ");
		else if (text[i] != '\n')
			text_buffer_append_bytes(&print->buffer, text + i, 1);
}

static void print_owner(struct print *print, uint64_t owner)
{
	if (owner != 0)
		text_buffer_append(&print->buffer, " owner=%u:%u", (uint32_t)owner, (uint32_t)(owner >> 32));
}

static void print_limit(struct print *print, const char *name, uint64_t value)
{
	if (value == RLIM_INFINITY)
		text_buffer_append(&print->buffer, " %s=infinity", name);
	else
		text_buffer_append(&print->buffer, " %s=%llu", name, (unsigned long long)value);
}

static void print_capabilities(struct print *print, const char *name, uint64_t set)
{
	_cleanup_free_ char *text = control_print_capabilities(set);

	if (text)
		text_buffer_append(&print->buffer, " %s=\"%s\"", name, text);
	else
		print->buffer.failed = true;
}

/* A word of a command line, quoted when it is not plain. */
static void print_word(struct print *print, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=+,@%";

	if (*word && strspn(word, plain) == strlen(word)) {
		text_buffer_append(&print->buffer, "%s", word);
		return;
	}
	text_buffer_append(&print->buffer, "\"");
	for (; *word; word++)
		if (*word == '"' || *word == '\\')
			text_buffer_append(&print->buffer, "\\%c", *word);
		else if ((unsigned char)*word < ' ')
			text_buffer_append(&print->buffer, "\\x%02x", *word);
		else
			text_buffer_append_bytes(&print->buffer, word, 1);
	text_buffer_append(&print->buffer, "\"");
}

/* Of the last N_SECRETS assignments only the names. */
static void print_vector(struct print *print, const char *name, uint64_t offset, uint64_t n_secrets)
{
	const uint32_t *items = (const uint32_t *)print_string(print, (uint32_t)offset);
	size_t n = 0;

	while (items[n])
		n++;
	text_buffer_append(&print->buffer, " %s=[", name);
	for (size_t i = 0; i < n; i++) {
		const char *word = print_string(print, items[i]);

		if (i > 0)
			text_buffer_append(&print->buffer, " ");
		if (i + n_secrets < n)
			print_word(print, word);
		else
			text_buffer_append(&print->buffer, "%.*s=…", (int)strcspn(word, "="), word);
	}
	text_buffer_append(&print->buffer, "]");
}

static const char *print_policy(unsigned policy)
{
	static const char *const names[] = {
		[SCHED_OTHER] = "other", [SCHED_FIFO] = "fifo", [SCHED_RR] = "rr",
		[SCHED_BATCH] = "batch", [SCHED_IDLE] = "idle",
	};

	policy &= ~(unsigned)SCHED_RESET_ON_FORK;
	return policy < ARRAY_SIZE(names) && names[policy] ? names[policy] : "?";
}

static const char *print_numa(unsigned policy)
{
	static const char *const names[] = {"default", "preferred", "bind", "interleave", "local"};

	return policy < ARRAY_SIZE(names) ? names[policy] : "?";
}

/* " NAME=0-3,8" */
static void print_mask(struct print *print, const char *name)
{
	const uint8_t *mask = (const uint8_t *)print_string(print, print->op->text);
	size_t n = print->op->number * 8;
	char separator = '=';

	if (n > 0)
		text_buffer_append(&print->buffer, " %s", name);
	for (size_t i = 0; i < n; i++) {
		size_t first = i;

		if (!(mask[i / 8] >> i % 8 & 1))
			continue;
		while (i + 1 < n && mask[(i + 1) / 8] >> (i + 1) % 8 & 1)
			i++;
		text_buffer_append(&print->buffer, "%c%zu", separator, first);
		if (i > first)
			text_buffer_append(&print->buffer, "-%zu", i);
		separator = ',';
	}
}

static void print_process(struct print *print)
{
	const struct program_op *op = print->op;

	switch (op->code) {
	case PROGRAM_PTY:
		text_buffer_append(&print->buffer, " descriptor=%u", op->fd);
		break;
	case PROGRAM_TERMINAL:
		text_buffer_append(&print->buffer, " %s", print_string(print, op->text));
		print_flags(print, print_terminal_flags, ARRAY_SIZE(print_terminal_flags), op->flags);
		if (op->number || op->number2)
			text_buffer_append(&print->buffer, " size=%llux%llu", (unsigned long long)op->number2,
					   (unsigned long long)op->number);
		break;
	case PROGRAM_PASS_FD:
		text_buffer_append(&print->buffer, " descriptor=%u as=%llu", op->fd,
				   (unsigned long long)op->number);
		break;
	case PROGRAM_FILTER_PASS:
		text_buffer_append(&print->buffer, " %s", op->number ? "begin" : "end");
		break;
	case PROGRAM_UMASK:
		text_buffer_append(&print->buffer, " %04llo", (unsigned long long)op->number);
		break;
	case PROGRAM_RLIMIT:
		text_buffer_append(&print->buffer, " %s",
				   op->flags < ARRAY_SIZE(print_resources) ? print_resources[op->flags]
									   : "?");
		print_limit(print, "soft", op->number);
		print_limit(print, "hard", op->number2);
		break;
	case PROGRAM_NICE:
		text_buffer_append(&print->buffer, " %d", (int)op->number);
		break;
	case PROGRAM_TIMER_SLACK:
		text_buffer_append(&print->buffer, " %lluns", (unsigned long long)op->number);
		break;
	case PROGRAM_SCHEDULER:
		text_buffer_append(&print->buffer, " %s priority=%llu%s", print_policy((unsigned)op->number),
				   (unsigned long long)op->number2,
				   op->number & SCHED_RESET_ON_FORK ? " reset-on-fork" : "");
		break;
	case PROGRAM_IO_PRIORITY:
		text_buffer_append(&print->buffer, " class=%llu level=%llu",
				   (unsigned long long)op->number >> 13,
				   (unsigned long long)op->number & 8191);
		break;
	case PROGRAM_PERSONALITY:
		text_buffer_append(&print->buffer, " %#llx", (unsigned long long)op->number);
		break;
	case PROGRAM_MEMORY_KSM:
		text_buffer_append(&print->buffer, " %s", op->number ? "yes" : "no");
		break;
	case PROGRAM_NUMA_POLICY:
		text_buffer_append(&print->buffer, " %s", print_numa(op->flags));
		print_mask(print, "nodes");
		break;
	case PROGRAM_ACCOUNTING:
		text_buffer_append(&print->buffer, " utmp id=%.4s",
				   ((const struct utmp *)(const void *)print_string(print, op->text))->ut_id);
		break;
	case PROGRAM_CPU_AFFINITY:
		print_mask(print, "cpus");
		break;
	case PROGRAM_PARENT_DEATH:
		text_buffer_append(&print->buffer, " signal=%llu", (unsigned long long)op->number);
		break;
	default:
		print_value(print, "value", print_string(print, op->text));
		break;
	}
	if (op->code == PROGRAM_SESSION || op->code == PROGRAM_WORKING_DIRECTORY || op->code == PROGRAM_FORK)
		print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), op->flags);
}

static void print_isolation(struct print *print)
{
	const struct program_op *op = print->op;

	if (op->code == PROGRAM_USER_NAMESPACE) {
		if (op->fd != PROGRAM_NO_FD)
			text_buffer_append(&print->buffer, " descriptor=%u", op->fd);
		print_value(print, "uid-map", print_string(print, op->text));
		print_value(print, "gid-map", print_string(print, op->text2));
		if (op->flags)
			text_buffer_append(&print->buffer, " making");
	}
	if (op->code == PROGRAM_JOIN)
		text_buffer_append(&print->buffer, " descriptor=%u", op->fd);
	if (op->code == PROGRAM_TIME_NAMESPACE)
		print_value(print, "offsets", print_string(print, op->text));
	print_namespace_flags(print);
}

static void print_root(struct print *print)
{
	const struct program_op *op = print->op;

	if (op->code == PROGRAM_PRIVATE_MOUNTS)
		text_buffer_append(&print->buffer, "%s",
				   op->flags == MS_SLAVE    ? " slave"
				   : op->flags == MS_SHARED ? " shared"
							    : " private");
	if (op->code == PROGRAM_TREE)
		text_buffer_append(&print->buffer, " %s slot=%u",
				   op->text ? print_string(print, op->text) : "in-place", op->slot2);
	if (op->code == PROGRAM_OVERLAY) {
		print_value(print, "lower", print_string(print, op->text));
		print_value(print, "upper", print_string(print, op->text2));
		if (op->slot != PROGRAM_SLOT_NONE)
			text_buffer_append(&print->buffer, " idmapped");
		print_owner(print, op->number);
		text_buffer_append(&print->buffer, "%s%s", op->number2 ? " " : "",
				   print_string(print, (uint32_t)op->number2) + (op->number2 != 0));
	}
	if (op->code == PROGRAM_TREE && op->number != PROGRAM_SLOT_NONE)
		text_buffer_append(&print->buffer, " idmapped");
	if (op->code != PROGRAM_PRIVATE_MOUNTS)
		print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), op->flags);
}

static void print_image(struct print *print)
{
	const struct program_op *op = print->op;

	switch (op->code) {
	case PROGRAM_LOOP:
		text_buffer_append(&print->buffer, " descriptor=%u offset=%llu", op->fd,
				   (unsigned long long)op->number);
		if (op->number2)
			text_buffer_append(&print->buffer, " size=%llu", (unsigned long long)op->number2);
		print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), op->flags);
		break;
	case PROGRAM_VERITY:
		text_buffer_append(&print->buffer, " sectors=%u table=%s%s", op->flags,
				   print_string(print, op->text), op->number2 ? " signed" : "");
		break;
	default:
		text_buffer_append(&print->buffer, " %s", print_string(print, op->text));
		print_value(print, "options", print_string(print, op->text2));
		if (op->number != PROGRAM_SLOT_NONE)
			text_buffer_append(&print->buffer, " idmapped");
		print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), op->flags);
		break;
	}
	text_buffer_append(&print->buffer, " slot=%u", op->slot2);
}

static void print_bind_source(struct print *print)
{
	const struct program_op *op = print->op;

	if (op->fd != PROGRAM_NO_FD)
		text_buffer_append(&print->buffer, " from=descriptor-%u", op->fd);
	else if (op->text2)
		text_buffer_append(&print->buffer, " from=%s", print_string(print, op->text2));
	else
		text_buffer_append(&print->buffer, " from=slot-%u", op->slot2);
	if (op->number != PROGRAM_SLOT_NONE)
		text_buffer_append(&print->buffer, " idmapped");
}

static void print_filesystem(struct print *print)
{
	const struct program_op *op = print->op;

	text_buffer_append(&print->buffer, " %s", print_string(print, op->text));
	if (op->code == PROGRAM_BIND)
		print_bind_source(print);
	if (op->code == PROGRAM_MAKE_DIRECTORY)
		text_buffer_append(&print->buffer, " mode=%04llo", (unsigned long long)op->number);
	if (op->code == PROGRAM_MAKE_DIRECTORY || op->code == PROGRAM_MAKE_FILE)
		print_owner(print, op->number2);
	if (op->code == PROGRAM_SYSCTL)
		print_value(print, "value", print_string(print, op->text2));
	if (op->code == PROGRAM_COPY_UP)
		text_buffer_append(&print->buffer, " slot=%u", op->slot2);
	if (op->code == PROGRAM_SYMLINK)
		print_value(print, "to", print_string(print, op->text2));
	if (op->code == PROGRAM_TMPFS || op->code == PROGRAM_PROC || op->code == PROGRAM_DEVPTS)
		print_value(print, "options", print_string(print, op->text2));
	if (op->code == PROGRAM_DEV) {
		print_value(print, "shm", print_string(print, op->text2));
		print_owner(print, op->number);
	}
	print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), op->flags);
	if (op->code == PROGRAM_ATTRIBUTES && op->number) {
		text_buffer_append(&print->buffer, " cleared:");
		print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), (uint32_t)op->number);
	}
}

/* Never what is in a file. */
static void print_file(struct print *print)
{
	const struct program_op *op = print->op;

	text_buffer_append(&print->buffer, " %s", print_string(print, op->text));
	if (op->flags & (PROGRAM_FILE_PATH | PROGRAM_FILE_SOCKET))
		text_buffer_append(&print->buffer, " from=%s", print_string(print, op->text2));
	else
		text_buffer_append(&print->buffer, " bytes=%llu", (unsigned long long)op->number);
	if (op->flags & PROGRAM_FILE_SOCKET)
		text_buffer_append(&print->buffer, " socket");
	if (op->flags & PROGRAM_FILE_SEALED)
		text_buffer_append(&print->buffer, " unsealed-by=" PROGRAM_UNSEAL_TOOL);
}

static void print_keep(struct print *print)
{
	const struct program_op *op = print->op;
	bool owns = op->code == PROGRAM_OWN;

	if (op->code == PROGRAM_FILE)
		print_file(print);
	else
		print_value(print, "directory",
			    print_string(print, op->code == PROGRAM_FILES_END ? 0 : op->text));
	if (op->code == PROGRAM_FILES_BEGIN) {
		text_buffer_append(&print->buffer, " slot=%u", op->slot2);
		return;
	}
	if (owns && op->slot != PROGRAM_SLOT_NONE)
		text_buffer_append(&print->buffer, " slot=%u", op->slot);
	if (!owns)
		text_buffer_append(&print->buffer, " slot=%u mode=%04o", op->slot,
				   op->flags & PROGRAM_FILE_MODE);
	print_owner(print, owns ? op->number : op->number2);
}

static void print_identity(struct print *print)
{
	const struct program_op *op = print->op;

	switch (op->code) {
	case PROGRAM_GROUPS:
		for (uint64_t i = 0; i < op->number; i++)
			text_buffer_append(&print->buffer, " %u",
					   ((const uint32_t *)print_string(print, op->text))[i]);
		if (op->number == 0)
			text_buffer_append(&print->buffer, " none");
		break;
	case PROGRAM_USER:
		text_buffer_append(&print->buffer, " uid=%llu gid=%llu", (unsigned long long)op->number,
				   (unsigned long long)op->number2);
		break;
	case PROGRAM_BOUNDING_SET:
		print_capabilities(print, "keep", op->number);
		break;
	case PROGRAM_CAPABILITIES:
		print_capabilities(print, "permitted", op->number);
		print_capabilities(print, "ambient", op->number2);
		if (op->flags & PROGRAM_KEEP_ADMIN)
			text_buffer_append(&print->buffer, " CAP_SYS_ADMIN-until-exec");
		break;
	case PROGRAM_KEYRING:
		text_buffer_append(&print->buffer, " %s", op->number ? "shared" : "private");
		print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), op->flags);
		break;
	case PROGRAM_SECURE_BITS:
		text_buffer_append(&print->buffer, " %#llx", (unsigned long long)op->number);
		break;
	case PROGRAM_SECCOMP:
		text_buffer_append(&print->buffer, " %llu instructions", (unsigned long long)op->number);
		break;
	default:
		break;
	}
}

static void print_label(struct print *print)
{
	print_value(print, "file", print_string(print, print->op->text));
	print_value(print, "label", print_string(print, print->op->text2));
	print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), print->op->flags);
}

static const struct print_flag print_landlock_files[] = {
	{1 << 0, "execute"}, {1 << 1 | 1 << 14, "write"}, {1 << 2, "read"},
	{1 << 13, "rename"}, {1 << 15, "ioctl"},
};
static const struct print_flag print_landlock_ports[] = {{1 << 0, "bind-tcp"}, {1 << 1, "connect-tcp"}};
static const struct print_flag print_landlock_scopes[] = {{1 << 0, "abstract-unix-socket"},
							  {1 << 1, "signal"}};

static void print_landlock(struct print *print)
{
	const struct program_op *op = print->op;
	bool ruleset = op->code == PROGRAM_LANDLOCK_RULESET, path = op->code == PROGRAM_LANDLOCK_PATH;

	if (path)
		text_buffer_append(&print->buffer, " %s", print_string(print, op->text));
	if (ruleset || path)
		print_flags(print, print_landlock_files, ARRAY_SIZE(print_landlock_files),
			    (uint32_t)op->number);
	if (ruleset || op->code == PROGRAM_LANDLOCK_PORT)
		print_flags(print, print_landlock_ports, ARRAY_SIZE(print_landlock_ports),
			    (uint32_t)(ruleset ? op->number2 : op->number));
	if (ruleset)
		print_flags(print, print_landlock_scopes, ARRAY_SIZE(print_landlock_scopes), op->flags);
	if (op->code == PROGRAM_LANDLOCK_PORT)
		text_buffer_append(&print->buffer, " %llu", (unsigned long long)op->number2);
	if (path)
		print_flags(print, print_mount_flags, ARRAY_SIZE(print_mount_flags), op->flags);
}

static void print_exec(struct print *print)
{
	text_buffer_append(&print->buffer, " ");
	print_word(print, print_string(print, print->op->text));
	print_vector(print, "argv", print->op->text2, 0);
	print_vector(print, "environment", print->op->number, print->op->number2);
}

/* Which family prints an operation; one without a row has no arguments worth a word. */
static void (*const print_families[PROGRAM_CODE_MAX_])(struct print *print) = {
	[PROGRAM_SESSION] = print_process,
	[PROGRAM_STDIO] = print_process,
	[PROGRAM_TERMINAL] = print_process,
	[PROGRAM_PASS_FD] = print_process,
	[PROGRAM_FILTER_PASS] = print_process,
	[PROGRAM_UMASK] = print_process,
	[PROGRAM_RLIMIT] = print_process,
	[PROGRAM_NICE] = print_process,
	[PROGRAM_OOM_SCORE] = print_process,
	[PROGRAM_TIMER_SLACK] = print_process,
	[PROGRAM_SCHEDULER] = print_process,
	[PROGRAM_CPU_AFFINITY] = print_process,
	[PROGRAM_NUMA_POLICY] = print_process,
	[PROGRAM_IO_PRIORITY] = print_process,
	[PROGRAM_PERSONALITY] = print_process,
	[PROGRAM_COREDUMP_FILTER] = print_process,
	[PROGRAM_MEMORY_KSM] = print_process,
	[PROGRAM_ACCOUNTING] = print_process,
	[PROGRAM_PARENT_DEATH] = print_process,
	[PROGRAM_OWN] = print_keep,
	[PROGRAM_FILES_BEGIN] = print_keep,
	[PROGRAM_FILE] = print_keep,
	[PROGRAM_FILES_END] = print_keep,
	[PROGRAM_JOIN] = print_isolation,
	[PROGRAM_UNSHARE] = print_isolation,
	[PROGRAM_USER_NAMESPACE] = print_isolation,
	[PROGRAM_JOIN_OWNED] = print_isolation,
	[PROGRAM_ENTER_USER] = print_isolation,
	[PROGRAM_TIME_NAMESPACE] = print_isolation,
	[PROGRAM_HOSTNAME] = print_process,
	[PROGRAM_SYSCTL] = print_filesystem,
	[PROGRAM_LOOPBACK_UP] = print_isolation,
	[PROGRAM_PRIVATE_MOUNTS] = print_root,
	[PROGRAM_TREE] = print_root,
	[PROGRAM_OVERLAY] = print_root,
	[PROGRAM_LOOP] = print_image,
	[PROGRAM_VERITY] = print_image,
	[PROGRAM_FILESYSTEM] = print_image,
	[PROGRAM_ATTACH_ROOT] = print_root,
	[PROGRAM_EXTEND] = print_process,
	[PROGRAM_DROP_OLD_ROOT] = print_root,
	[PROGRAM_MAKE_DIRECTORY] = print_filesystem,
	[PROGRAM_MAKE_FILE] = print_filesystem,
	[PROGRAM_SYMLINK] = print_filesystem,
	[PROGRAM_BIND] = print_filesystem,
	[PROGRAM_COPY_UP] = print_filesystem,
	[PROGRAM_TMPFS] = print_filesystem,
	[PROGRAM_PROC] = print_filesystem,
	[PROGRAM_SYSFS] = print_filesystem,
	[PROGRAM_CGROUP_FS] = print_filesystem,
	[PROGRAM_MQUEUE] = print_filesystem,
	[PROGRAM_DEVPTS] = print_filesystem,
	[PROGRAM_DEV] = print_filesystem,
	[PROGRAM_ATTRIBUTES] = print_filesystem,
	[PROGRAM_MASK] = print_filesystem,
	[PROGRAM_GROUPS] = print_identity,
	[PROGRAM_USER] = print_identity,
	[PROGRAM_BOUNDING_SET] = print_identity,
	[PROGRAM_CAPABILITIES] = print_identity,
	[PROGRAM_LANDLOCK_RULESET] = print_landlock,
	[PROGRAM_LANDLOCK_PATH] = print_landlock,
	[PROGRAM_LANDLOCK_PORT] = print_landlock,
	[PROGRAM_SMACK] = print_label,
	[PROGRAM_SELINUX] = print_label,
	[PROGRAM_APPARMOR] = print_label,
	[PROGRAM_KEYRING] = print_identity,
	[PROGRAM_SECURE_BITS] = print_identity,
	[PROGRAM_NO_NEW_PRIVILEGES] = print_identity,
	[PROGRAM_SECCOMP] = print_identity,
	[PROGRAM_PTY] = print_process,
	[PROGRAM_WORKING_DIRECTORY] = print_process,
	[PROGRAM_FORK] = print_process,
	[PROGRAM_EXEC] = print_exec,
};

char *program_print_op(const struct program_header *program, uint32_t index)
{
	struct print print = {.program = program, .op = &program_ops(program)[index]};

	text_buffer_append(&print.buffer, "%s", program_op_info[print.op->code].name);
	if (print_families[print.op->code])
		print_families[print.op->code](&print);
	return text_buffer_finish(&print.buffer);
}
