/* The interpreter's step that has to do with the filters of the control group. */
#include <errno.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/interpret-steps.h"

/* Says in the storage of the filter's that this task is a launch program (or is one no longer). */
int interpret_filter_pass(struct interpret_run *run, const struct program_op *op)
{
	int self = (int)syscall(SYS_pidfd_open, getpid(), 0), value = 1;
	union bpf_attr attr = {
		.map_fd = (uint32_t)run->descriptors[op->fd],
		.key = (uintptr_t)&self,
		.value = op->number ? (uintptr_t)&value : 0,
	};
	long r;

	if (self < 0)
		return -errno;
	r = syscall(SYS_bpf, op->number ? BPF_MAP_UPDATE_ELEM : BPF_MAP_DELETE_ELEM, &attr, sizeof attr);
	r = r < 0 ? -errno : 0;
	close(self);
	return (int)r;
}
