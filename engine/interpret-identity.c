/* The interpreter's steps for what a process is and may do: ids, capabilities, filters, limits. The system
 * calls are made directly where the C library would first synchronize threads that are not there. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

/* How many descriptors the payload may have is only remembered, for interpret_seal(), as we need more of them ourselves
 * than it may get; what has to be raised is raised now, while we may. */
static int interpret_identity_files(struct interpret_run *run, const struct rlimit *wanted)
{
	struct rlimit before, now;

	if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &before) < 0)
		return -errno;
	now = (struct rlimit){.rlim_cur = MAX_OF(before.rlim_cur, wanted->rlim_cur),
			      .rlim_max = MAX_OF(before.rlim_max, wanted->rlim_max)};
	run->files = *wanted;
	run->has_files = true;
	if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &now, NULL) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	run->files.rlim_max = MIN_OF(wanted->rlim_max, before.rlim_max);
	run->files.rlim_cur = MIN_OF(wanted->rlim_cur, run->files.rlim_max);
	return 0;
}

/* Like systemd's setrlimit_closest(): without CAP_SYS_RESOURCE a hard limit cannot be raised, and a unit that
 * asks for more files than the container around us may have still runs with what there is. */
int interpret_identity_rlimit(struct interpret_run *run, const struct program_op *op)
{
	struct rlimit limit = {.rlim_cur = op->number, .rlim_max = op->number2}, before;

	if (op->flags == RLIMIT_NOFILE)
		return interpret_identity_files(run, &limit);
	if (syscall(SYS_prlimit64, 0, op->flags, &limit, NULL) == 0)
		return 0;
	if (errno != EPERM || syscall(SYS_prlimit64, 0, op->flags, NULL, &before) < 0)
		return -errno;
	limit.rlim_max = MIN_OF(limit.rlim_max, before.rlim_max);
	limit.rlim_cur = MIN_OF(limit.rlim_cur, limit.rlim_max);
	return syscall(SYS_prlimit64, 0, op->flags, &limit, NULL) < 0 ? -errno : 0;
}

int interpret_identity_nice(struct interpret_run *run _unused_, const struct program_op *op)
{
	return setpriority(PRIO_PROCESS, 0, (int)op->number) < 0 ? -errno : 0;
}

int interpret_identity_oom_score(struct interpret_run *run, const struct program_op *op)
{
	int proc_fd = interpret_namespaces_proc(run);

	return proc_fd < 0 ? proc_fd
			   : fd_write_file_at(proc_fd, "self/oom_score_adj", interpret_text(run, op->text));
}

int interpret_identity_timer_slack(struct interpret_run *run _unused_, const struct program_op *op)
{
	return prctl(PR_SET_TIMERSLACK, op->number, 0, 0, 0) < 0 ? -errno : 0;
}

int interpret_identity_parent_death(struct interpret_run *run _unused_, const struct program_op *op)
{
	return prctl(PR_SET_PDEATHSIG, op->number, 0, 0, 0) < 0 ? -errno : 0;
}

int interpret_identity_groups(struct interpret_run *run, const struct program_op *op)
{
	return syscall(SYS_setgroups, op->number, interpret_text(run, op->text)) < 0 ? -errno : 0;
}

static int interpret_identity_capget(uint64_t *ret_permitted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) < 0)
		return -errno;
	*ret_permitted = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
	return 0;
}

static int interpret_identity_capset(uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	for (int i = 0; i < 2; i++)
		sets[i] = (struct __user_cap_data_struct){.effective = (uint32_t)(permitted >> 32 * i),
							  .permitted = (uint32_t)(permitted >> 32 * i),
							  .inheritable = (uint32_t)(inheritable >> 32 * i)};
	return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

/* Leaving uid 0 clears the effective set even with PR_SET_KEEPCAPS; the steps below need it. */
int interpret_identity_user(struct interpret_run *run _unused_, const struct program_op *op)
{
	uid_t uid = (uid_t)op->number;
	gid_t gid = (gid_t)op->number2;
	uint64_t permitted = 0;
	int r;

	if (uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_setresgid, gid, gid, gid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
		return -errno;
	if (uid == 0)
		return 0;
	r = interpret_identity_capget(&permitted);
	return r < 0 ? r : interpret_identity_capset(permitted, 0);
}

int interpret_identity_bounding_set(struct interpret_run *run _unused_, const struct program_op *op)
{
	for (unsigned long capability = 0; capability < 64; capability++) {
		if (op->number & 1ull << capability || prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return 0; /* past the last one this kernel knows */
		/* Without CAP_SETPCAP nothing can be dropped; that is only right for what is not there. */
		if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) != 0)
			return -EPERM;
	}
	return 0;
}

int interpret_identity_capabilities(struct interpret_run *run _unused_, const struct program_op *op)
{
	uint64_t held = 0, kept = op->number;
	int r = interpret_identity_capget(&held);

	if (op->flags & PROGRAM_KEEP_ADMIN)
		kept |= 1ull << CAP_SYS_ADMIN;
	if (r < 0)
		return r;
	if (op->number2 & ~(held & op->number))
		return -EPERM; /* capabilities(7): ambient is a subset of permitted */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	r = interpret_identity_capset(held & kept, op->number2);
	for (unsigned long capability = 0; r == 0 && capability < 64; capability++)
		if (op->number2 & 1ull << capability &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
			r = -errno;
	return r;
}

int interpret_identity_deny_write_execute(struct interpret_run *run _unused_,
					  const struct program_op *op _unused_)
{
	enum { SET = 65, REFUSE_EXEC_GAIN = 1 }; /* PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN */

	return prctl(SET, REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL ? -errno : 0;
}

int interpret_identity_no_new_privileges(struct interpret_run *run _unused_,
					 const struct program_op *op _unused_)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* A manager without CAP_SYS_ADMIN could not know that no_new_privs is needed: systemd.exec(5) has it implied. */
int interpret_identity_seccomp(struct interpret_run *run, const struct program_op *op)
{
	struct sock_fprog filter = {.len = (unsigned short)op->number,
				    .filter = (struct sock_filter *)interpret_text(run, op->text)};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &filter) == 0)
		return 0;
	if (errno != EACCES || interpret_identity_no_new_privileges(run, op) < 0)
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, op->flags, &filter) < 0 ? -errno : 0;
}

int interpret_identity_working_directory(struct interpret_run *run, const struct program_op *op)
{
	char path[4096];

	if (chdir(interpret_text(run, op->text)) < 0) {
		if (errno != ENOENT || !(op->flags & PROGRAM_OPTIONAL))
			return -errno;
		if (chdir("/") < 0)
			return -errno;
	}
	/* A path in an image may go through a magic link of /proc to a directory outside of the root; the
	 * kernel then says
	 * "(unreachable)" (getcwd(2)). The raw call: the C library's would search for a name. */
	if (syscall(SYS_getcwd, path, sizeof path) < 0)
		return -errno;
	return path[0] == '/' ? 0 : -EXDEV;
}
