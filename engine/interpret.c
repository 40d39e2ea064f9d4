/* The interpreter's loop, and the steps that concern the process itself: its session, its descriptors, fork
 * and exec.
 *
 * It runs in a child of svc-init that shares nothing with it any more but a socket. One row per operation:
 * the function, and whose files the operation makes. The first step that fails is reported as (operation,
 * errno) and the process ends with the operation's exit status; success needs no words, as the socket closes
 * at execve(2).
 *
 * A seccomp filter may forbid anything but what the payload needs, so whatever execve(2) requires is prepared
 * before the first filter is loaded (interpret_seal). A report is one write(2). */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <linux/securebits.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

enum interpret_owner {
	INTERPRET_OWNER_ROOT, /* the process's own ids */
	INTERPRET_OWNER_KEEP, /* whoever owned the last thing made: mounts, and what has no owner of its own
			       */
	INTERPRET_OWNER_NUMBER,
	INTERPRET_OWNER_NUMBER2,
};

int interpret_own(struct interpret_run *run, uint64_t owner)
{
	uid_t uid = (uid_t)owner;
	gid_t gid = (gid_t)(owner >> 32);

	if (owner == run->owner)
		return 0;
	if (run->owner == 0) {
		run->securebits = prctl(PR_GET_SECUREBITS);
		if (prctl(PR_SET_SECUREBITS, run->securebits | SECBIT_NO_SETUID_FIXUP) < 0)
			return -errno;
	}
	setfsgid(gid);
	setfsuid(uid);
	/* These two tell failure only by what they leave; an invalid id changes nothing. */
	if ((gid_t)setfsgid((gid_t)-1) != gid || (uid_t)setfsuid((uid_t)-1) != uid)
		return -EPERM;
	if (owner == 0 && prctl(PR_SET_SECUREBITS, run->securebits) < 0)
		return -errno;
	run->owner = owner;
	return 0;
}

static int interpret_session(struct interpret_run *run, const struct program_op *op)
{
	sigset_t none;

	run->leads_session = true;
	/* svc-init has no handler and ignores no signal (init/main.c), so that there is nothing to reset. */
	if (setsid() < 0 && errno != EPERM) /* EPERM: leads its group already */
		return -errno;
	if (op->flags & PROGRAM_IGNORE_SIGPIPE && signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int interpret_stdio(struct interpret_run *run, const struct program_op *op _unused_)
{
	for (int i = 0; i < 3; i++) {
		int fd = run->descriptors[i];

		/* None of the received descriptors is below 3: svc-init keeps 0..2 occupied. */
		if (dup2(fd, i) < 0)
			return -errno;
	}
	return 0;
}

/* Done at once for all of them by interpret_seal(). */
static int interpret_pass_fd(struct interpret_run *run _unused_, const struct program_op *op _unused_)
{
	return 0;
}

static int interpret_umask(struct interpret_run *run, const struct program_op *op)
{
	run->umask = (mode_t)op->number & 0777;
	return 0;
}

/* Turns a vector of offsets into one of pointers, in memory that goes with execve(2). */
static int interpret_vector(const struct interpret_run *run, uint64_t offset, char ***ret)
{
	const uint32_t *items = (const uint32_t *)interpret_text(run, (uint32_t)offset);
	size_t n = 0;
	char **vector;

	while (items[n])
		n++;
	vector = mmap(NULL, (n + 1) * sizeof *vector, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (vector == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < n; i++)
		vector[i] = (char *)interpret_text(run, items[i]);
	*ret = vector;
	return 0;
}

/* Moves what is to be passed out of the way of the numbers it shall get, then to them. */
static int interpret_pass(struct interpret_run *run, unsigned *ret_end)
{
	const struct program_op *ops = program_ops(run->program);
	int high[LAUNCH_MAX_DESCRIPTORS];
	unsigned end = 3;

	for (uint32_t i = 0; i < run->program->n_ops; i++)
		if (ops[i].code == PROGRAM_PASS_FD)
			end = MAX_OF(end, (unsigned)ops[i].number + 1);
	*ret_end = end;
	if (end == 3)
		return 0;
	for (uint32_t i = 0; i < run->program->n_descriptors; i++)
		if ((high[i] = fcntl(run->descriptors[i], F_DUPFD_CLOEXEC, (int)end)) < 0)
			return -errno;
	if (run->report_fd < (int)end) {
		int fd = fcntl(run->report_fd, F_DUPFD_CLOEXEC, (int)end);

		if (fd < 0)
			return -errno;
		run->report_fd = fd;
	}
	close_range(3, end - 1, 0);
	run->proc_fd = run->mask_fd = run->mask_file_fd = -1; /* may have been among them */
	run->n_kernel_mounts = 0;
	for (uint32_t i = 0; i < run->program->n_ops; i++)
		if (ops[i].code == PROGRAM_PASS_FD && dup2(high[ops[i].fd], (int)ops[i].number) < 0)
			return -errno;
	return 0;
}

/* NAME, which ends with '=', and this process's id. Returns false when that does not fit. */
static bool interpret_tell_pid(char *to, size_t size, const char *name, size_t length)
{
	char digits[12];
	size_t n = 0;

	for (pid_t pid = getpid(); pid > 0; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	if (length + n >= size)
		return false;
	memcpy(to, name, length);
	for (to += length; n > 0;)
		*to++ = digits[--n];
	*to = '\0';
	return true;
}

static bool interpret_tell_invocation(const struct interpret_run *run, char *to, size_t size,
				      const char *name, size_t length)
{
	static const char hexadecimal[] = "0123456789abcdef";

	if (length + 32 >= size)
		return false;
	memcpy(to, name, length);
	to += length;
	for (int i = 0; i < 16; i++) {
		uint8_t byte = run->invocation_id ? run->invocation_id[i] : 0;

		*to++ = hexadecimal[byte >> 4];
		*to++ = hexadecimal[byte & 15];
	}
	*to = '\0';
	return true;
}

/* The variables that no program can hold: it is the same at the next start. */
static void interpret_tell(struct interpret_run *run)
{
	unsigned n = 0;

	for (char **variable = run->envp; *variable && n < INTERPRET_MAX_TOLD; variable++) {
		const char *value = strchr(*variable, '=');
		size_t length;
		bool told = false;

		if (!value || value[1] != PROGRAM_PID_PLACE[0])
			continue;
		length = (size_t)(value + 1 - *variable);
		if (strcmp(value + 1, PROGRAM_PID_PLACE) == 0)
			told = interpret_tell_pid(run->told[n], sizeof run->told[n], *variable, length);
		else if (strcmp(value + 1, PROGRAM_INVOCATION_PLACE) == 0)
			told = interpret_tell_invocation(run, run->told[n], sizeof run->told[n], *variable,
							 length);
		if (told)
			*variable = run->told[n++];
	}
}

int interpret_seal(struct interpret_run *run)
{
	const struct program_op *last = program_ops(run->program) + run->program->n_ops - 1;
	unsigned end;
	int r;

	if (run->sealed)
		return 0;
	r = interpret_vector(run, last->text2, &run->argv);
	if (r == 0)
		r = interpret_vector(run, last->number, &run->envp);
	if (r == 0 && last->flags & PROGRAM_EXEC_TELL)
		interpret_tell(run);
	if (r == 0)
		r = interpret_pass(run, &end);
	if (r < 0)
		return r;
	/* All of ours are close-on-exec from birth; this also covers what svc-init itself may have inherited.
	 */
	if (close_range(end, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	if (run->has_files && syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &run->files, NULL) < 0)
		return -errno;
	umask(run->umask);
	run->sealed = true;
	return 0;
}

static int interpret_seccomp(struct interpret_run *run, const struct program_op *op)
{
	int r = interpret_seal(run);

	return r < 0 ? r : interpret_identity_seccomp(run, op);
}

int interpret_report(int report_fd, const struct launch_report *report)
{
	return write(report_fd, report, sizeof *report) < 0 ? -errno : 0;
}

/* Says, as the payload, who the payload is: svc-init's end of the socket asks the kernel for the sender's
 * pid. */
static int interpret_announce(const struct interpret_run *run)
{
	struct launch_report report = {.type = LAUNCH_REPORT_PAYLOAD};
	_cleanup_fd_ int self = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (self < 0)
		return -errno;
	return fd_send_message(run->report_fd, &report, sizeof report, &self, 1);
}

/* CLONE_VFORK without CLONE_VM: the parent goes on when the payload has executed or is dead, with a memory of
 * its own. */
static int interpret_fork(struct interpret_run *run, const struct program_op *op _unused_)
{
	struct clone_args arguments = {.flags = CLONE_VFORK, .exit_signal = SIGCHLD};
	sigset_t all, before;
	long payload;
	int r;

	/* Never visible through /proc to anyone in the container: its /proc/1/exe is a file of the host. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	r = interpret_terminal_release(run);
	if (r < 0)
		return r;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	payload = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (payload < 0)
		return -errno;
	if (payload > 0)
		interpret_init_stay(run, (pid_t)payload); /* reaps the helper too */
	run->helper = 0;
	if (sigprocmask(SIG_SETMASK, &before, NULL) < 0 || (run->leads_session && setsid() < 0))
		return -errno;
	r = interpret_terminal_take(run);
	return r < 0 ? r : interpret_announce(run);
}

/* One of PATHS, joined by ':': what could not be looked for before the root was there. As execvp(3) has it, EACCES counts
 * for more than ENOENT. */
static int interpret_search(const struct interpret_run *run, const char *paths)
{
	int error = -ENOENT;

	while (*paths) {
		char path[PATH_MAX];
		size_t length = strcspn(paths, ":");

		if (length < sizeof path) {
			memcpy(path, paths, length);
			path[length] = '\0';
			execve(path, run->argv, run->envp);
			if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
				return -errno;
			if (errno == EACCES)
				error = -EACCES;
		}
		paths += length + (paths[length] == ':');
	}
	return error;
}

static int interpret_exec(struct interpret_run *run, const struct program_op *op)
{
	int r = interpret_seal(run);

	if (r < 0)
		return r;
	interpret_namespaces_reap(run);
	if (op->flags & PROGRAM_EXEC_SEARCH)
		return interpret_search(run, interpret_text(run, op->text));
	execve(interpret_text(run, op->text), run->argv, run->envp);
	return -errno;
}

static const struct {
	interpret_step *run;
	enum interpret_owner owner;
} interpret_steps[PROGRAM_CODE_MAX_] = {
	[PROGRAM_SESSION] = {interpret_session},
	[PROGRAM_STDIO] = {interpret_stdio},
	[PROGRAM_TERMINAL] = {interpret_terminal_open},
	[PROGRAM_PASS_FD] = {interpret_pass_fd},
	[PROGRAM_FILTER_PASS] = {interpret_filter_pass},
	[PROGRAM_UMASK] = {interpret_umask},
	[PROGRAM_RLIMIT] = {interpret_identity_rlimit},
	[PROGRAM_NICE] = {interpret_identity_nice},
	[PROGRAM_OOM_SCORE] = {interpret_identity_oom_score},
	[PROGRAM_TIMER_SLACK] = {interpret_identity_timer_slack},
	[PROGRAM_SCHEDULER] = {interpret_attributes_scheduler},
	[PROGRAM_CPU_AFFINITY] = {interpret_attributes_cpu_affinity},
	[PROGRAM_NUMA_POLICY] = {interpret_attributes_numa_policy},
	[PROGRAM_IO_PRIORITY] = {interpret_attributes_io_priority},
	[PROGRAM_PERSONALITY] = {interpret_attributes_personality},
	[PROGRAM_COREDUMP_FILTER] = {interpret_attributes_coredump_filter},
	[PROGRAM_ACCOUNTING] = {interpret_attributes_accounting},
	[PROGRAM_MEMORY_KSM] = {interpret_attributes_memory_ksm},
	[PROGRAM_PARENT_DEATH] = {interpret_identity_parent_death},
	[PROGRAM_OWN] = {interpret_keep_own},
	[PROGRAM_FILES_BEGIN] = {interpret_files_begin},
	[PROGRAM_FILE] = {interpret_files_add},
	[PROGRAM_FILES_END] = {interpret_files_end},
	[PROGRAM_JOIN] = {interpret_namespaces_join},
	[PROGRAM_UNSHARE] = {interpret_namespaces_unshare},
	[PROGRAM_USER_NAMESPACE] = {interpret_namespaces_user},
	[PROGRAM_JOIN_OWNED] = {interpret_namespaces_join_owned, INTERPRET_OWNER_KEEP},
	[PROGRAM_ENTER_USER] = {interpret_namespaces_enter_user},
	[PROGRAM_TIME_NAMESPACE] = {interpret_namespaces_time},
	[PROGRAM_HOSTNAME] = {interpret_namespaces_hostname, INTERPRET_OWNER_KEEP},
	[PROGRAM_SYSCTL] = {interpret_namespaces_sysctl},
	[PROGRAM_LOOPBACK_UP] = {interpret_namespaces_loopback_up, INTERPRET_OWNER_KEEP},
	[PROGRAM_PRIVATE_MOUNTS] = {interpret_root_private_mounts, INTERPRET_OWNER_KEEP},
	[PROGRAM_TREE] = {interpret_root_tree, INTERPRET_OWNER_KEEP},
	[PROGRAM_OVERLAY] = {interpret_root_overlay, INTERPRET_OWNER_NUMBER},
	[PROGRAM_LOOP] = {interpret_image_loop, INTERPRET_OWNER_KEEP},
	[PROGRAM_VERITY] = {interpret_image_verity, INTERPRET_OWNER_KEEP},
	[PROGRAM_FILESYSTEM] = {interpret_image_filesystem, INTERPRET_OWNER_KEEP},
	[PROGRAM_ATTACH_ROOT] = {interpret_root_attach, INTERPRET_OWNER_KEEP},
	[PROGRAM_EXTEND] = {interpret_extend_root, INTERPRET_OWNER_KEEP},
	[PROGRAM_DROP_OLD_ROOT] = {interpret_root_drop_old, INTERPRET_OWNER_KEEP},
	[PROGRAM_MAKE_DIRECTORY] = {interpret_mounts_make_directory, INTERPRET_OWNER_NUMBER2},
	[PROGRAM_MAKE_FILE] = {interpret_mounts_make_file, INTERPRET_OWNER_NUMBER2},
	[PROGRAM_SYMLINK] = {interpret_mounts_symlink, INTERPRET_OWNER_KEEP},
	[PROGRAM_BIND] = {interpret_mounts_bind, INTERPRET_OWNER_KEEP},
	[PROGRAM_COPY_UP] = {interpret_copy_up, INTERPRET_OWNER_NUMBER},
	[PROGRAM_TMPFS] = {interpret_mounts_tmpfs, INTERPRET_OWNER_KEEP},
	[PROGRAM_PROC] = {interpret_mounts_proc, INTERPRET_OWNER_KEEP},
	[PROGRAM_SYSFS] = {interpret_mounts_sysfs, INTERPRET_OWNER_KEEP},
	[PROGRAM_CGROUP_FS] = {interpret_mounts_cgroup, INTERPRET_OWNER_KEEP},
	[PROGRAM_MQUEUE] = {interpret_mounts_mqueue, INTERPRET_OWNER_KEEP},
	[PROGRAM_DEVPTS] = {interpret_mounts_devpts, INTERPRET_OWNER_KEEP},
	[PROGRAM_DEV] = {interpret_dev_make, INTERPRET_OWNER_NUMBER},
	[PROGRAM_ATTRIBUTES] = {interpret_mounts_attributes, INTERPRET_OWNER_KEEP},
	[PROGRAM_MASK] = {interpret_mounts_mask, INTERPRET_OWNER_KEEP},
	[PROGRAM_GROUPS] = {interpret_identity_groups},
	[PROGRAM_USER] = {interpret_identity_user},
	[PROGRAM_BOUNDING_SET] = {interpret_identity_bounding_set},
	[PROGRAM_CAPABILITIES] = {interpret_identity_capabilities},
	[PROGRAM_LANDLOCK_RULESET] = {interpret_landlock_ruleset},
	[PROGRAM_LANDLOCK_PATH] = {interpret_landlock_path},
	[PROGRAM_LANDLOCK_PORT] = {interpret_landlock_port},
	[PROGRAM_LANDLOCK_ENFORCE] = {interpret_landlock_enforce},
	[PROGRAM_SMACK] = {interpret_label_set},
	[PROGRAM_SELINUX] = {interpret_label_set},
	[PROGRAM_APPARMOR] = {interpret_label_set},
	[PROGRAM_KEYRING] = {interpret_attributes_keyring},
	[PROGRAM_SECURE_BITS] = {interpret_attributes_secure_bits},
	[PROGRAM_DENY_WRITE_EXECUTE] = {interpret_identity_deny_write_execute},
	[PROGRAM_NO_NEW_PRIVILEGES] = {interpret_identity_no_new_privileges},
	[PROGRAM_SECCOMP] = {interpret_seccomp},
	[PROGRAM_PTY] = {interpret_terminal_new},
	[PROGRAM_WORKING_DIRECTORY] = {interpret_identity_working_directory},
	[PROGRAM_FORK] = {interpret_fork},
	[PROGRAM_EXEC] = {interpret_exec},
};

static _Noreturn void interpret_fail(const struct interpret_run *run, int error)
{
	struct launch_report report = {.type = LAUNCH_REPORT_FAILED, .op = run->op, .error = -error};
	int status = program_op_info[PROGRAM_UNSHARE].exit_status; /* LAUNCH_OP_CLONE: no operation's */

	if (run->op < run->program->n_ops)
		status = program_exit_status(&program_ops(run->program)[run->op]);
	interpret_report(run->report_fd, &report);
	_exit(status);
}

static int interpret_step_run(struct interpret_run *run, const struct program_op *op)
{
	uint64_t owner = 0;
	int r;

	switch (interpret_steps[op->code].owner) {
	case INTERPRET_OWNER_ROOT:
		break;
	case INTERPRET_OWNER_KEEP:
		owner = run->owner;
		break;
	case INTERPRET_OWNER_NUMBER:
		owner = op->number;
		break;
	case INTERPRET_OWNER_NUMBER2:
		owner = op->number2;
		break;
	}
	r = interpret_own(run, owner);
	return r < 0 ? r : interpret_steps[op->code].run(run, op);
}

_Noreturn void interpret(const struct interpreter *interpreter)
{
	struct interpret_run run = {
		.program = interpreter->program,
		.op = LAUNCH_OP_CLONE,
		.report_fd = interpreter->report_fd,
		.invocation_id = interpreter->invocation_id,
		.proc_fd = -1,
		.helper_pidfd = -1,
		.helper_gate = -1,
		.helper_answer = -1,
		.mask_fd = -1,
		.mask_file_fd = -1,
		.root_fd = -1,
		.umask = 0022,
	};
	int r;

	for (size_t i = 0; i < PROGRAM_N_SLOTS; i++)
		run.slots[i] = -1;
	for (uint32_t i = 0; i < run.program->n_descriptors; i++)
		run.descriptors[i] = interpreter->descriptors[i];
	if (interpreter->files) {
		run.files = *interpreter->files;
		run.has_files = true;
	}
	umask(0);
	r = interpret_mounts_prepare(&run);
	if (r < 0)
		interpret_fail(&run, r);
	for (run.op = 0; run.op < run.program->n_ops; run.op++) {
		r = interpret_step_run(&run, &program_ops(run.program)[run.op]);
		if (r < 0)
			interpret_fail(&run, r);
	}
	interpret_fail(&run, -EBADMSG); /* a program ends with EXEC: program_validate() */
}
