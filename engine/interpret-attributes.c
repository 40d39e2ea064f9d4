/* The interpreter's steps for how the kernel treats the process: scheduling, memory policy, execution domain,
 * keyring, securebits. */
#include <errno.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/accounting.h"
#include "base/fd.h"
#include "engine/interpret-steps.h"

#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67 /* Linux 6.4 */
#endif

enum { INTERPRET_ATTRIBUTES_PROCESS = 1 }; /* IOPRIO_WHO_PROCESS of ioprio_set(2) */

int interpret_attributes_scheduler(struct interpret_run *run _unused_, const struct program_op *op)
{
	struct sched_param parameter = {.sched_priority = (int)op->number2};

	return syscall(SYS_sched_setscheduler, 0, (int)op->number, &parameter) < 0 ? -errno : 0;
}

int interpret_attributes_cpu_affinity(struct interpret_run *run, const struct program_op *op)
{
	return syscall(SYS_sched_setaffinity, 0, op->number, interpret_text(run, op->text)) < 0 ? -errno : 0;
}

/* maxnode counts one more than there are bits: the kernel looks at maxnode - 1 of them. */
int interpret_attributes_numa_policy(struct interpret_run *run, const struct program_op *op)
{
	const char *mask = op->number ? interpret_text(run, op->text) : NULL;

	return syscall(SYS_set_mempolicy, op->flags, mask, mask ? op->number * 8 + 1 : 0) < 0 ? -errno : 0;
}

int interpret_attributes_io_priority(struct interpret_run *run _unused_, const struct program_op *op)
{
	return syscall(SYS_ioprio_set, INTERPRET_ATTRIBUTES_PROCESS, 0, (int)op->number) < 0 ? -errno : 0;
}

int interpret_attributes_personality(struct interpret_run *run _unused_, const struct program_op *op)
{
	return syscall(SYS_personality, (unsigned)op->number) < 0 ? -errno : 0;
}

int interpret_attributes_coredump_filter(struct interpret_run *run, const struct program_op *op)
{
	int proc_fd = interpret_namespaces_proc(run);

	return proc_fd < 0 ? proc_fd
			   : fd_write_file_at(proc_fd, "self/coredump_filter", interpret_text(run, op->text));
}

int interpret_attributes_memory_ksm(struct interpret_run *run _unused_, const struct program_op *op)
{
	return prctl(PR_SET_MEMORY_MERGE, op->number, 0, 0, 0) < 0 ? -errno : 0;
}

/* The number by which the host knows us: what its /proc/self leads to. */
int interpret_attributes_accounting(struct interpret_run *run, const struct program_op *op)
{
	int proc_fd = interpret_namespaces_proc(run), type;
	struct utmp record;
	char number[16];
	long n;

	if (op->number != sizeof record)
		return -EBADMSG;
	memcpy(&record, interpret_text(run, op->text), sizeof record);
	type = record.ut_type;
	n = proc_fd < 0 ? -1 : syscall(SYS_readlinkat, proc_fd, "self", number, sizeof number);
	for (long i = 0; i < n; i++)
		record.ut_pid = record.ut_pid * 10 + (number[i] - '0');
	record.ut_session = record.ut_pid;
	for (record.ut_type = INIT_PROCESS; record.ut_type <= type; record.ut_type++)
		accounting_write(&record);
	return 0;
}

/* A container around us may forbid keyctl(2), and a user may have as many keyrings as its quota allows. */
static bool interpret_attributes_no_keyring(int error)
{
	return error == ENOSYS || error == EPERM || error == EACCES || error == EDQUOT;
}

int interpret_attributes_keyring(struct interpret_run *run _unused_, const struct program_op *op)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return op->flags & PROGRAM_OPTIONAL && interpret_attributes_no_keyring(errno) ? 0 : -errno;
	if (op->number &&
	    syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_SESSION_KEYRING) < 0)
		return -errno;
	return 0;
}

int interpret_attributes_secure_bits(struct interpret_run *run _unused_, const struct program_op *op)
{
	int bits = prctl(PR_GET_SECUREBITS);

	return bits < 0 || prctl(PR_SET_SECUREBITS, (unsigned long)bits | op->number) < 0 ? -errno : 0;
}
