/* Runs a launch program in the child that svc-init cloned for it. System calls only. */
#pragma once

#include <sys/resource.h>

#include "engine/program.h"

struct interpreter {
	const struct program_header *program; /* validated */
	const int *descriptors;		      /* program->n_descriptors of them */
	const uint8_t *invocation_id;	      /* 16 bytes for PROGRAM_INVOCATION_PLACE; NULL: all zero */
	int report_fd;			      /* SOCK_SEQPACKET to svc-init, see launch.h; close-on-exec */
	const struct rlimit
		*files; /* the payload's RLIMIT_NOFILE unless the program says otherwise; NULL: as it is */
};

/* Does not return: ends in execve(2), in the container's init loop, or in _exit(2) with the exit status of
 * the operation that failed, after reporting it. */
_Noreturn void interpret(const struct interpreter *interpreter);

/* The loop of a container's PID 1 or of a relay: waits for PAYLOAD (a child), reaps everything else that is
 * reparented here, and forwards SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT and real-time signals
 * to it. Returns PAYLOAD's raw wait status. Signals must be blocked by the caller. */
int interpret_wait_as_init(int payload);
