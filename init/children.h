/* The table of children: what svc-init remembers of every process it was asked to start, and what it holds
 * for them.
 *
 * A record is found by its launch id, and by its pid while the process has not been reaped. Records that
 * changed stand in a queue (each at most once) until the manager has been told their present state. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "engine/launch.h"
#include "init/pool.h"

#define CHILDREN_LIMIT 65536u
enum { CHILDREN_N_BUCKETS = 4096 };

struct child { /* the first four bytes are the free list's (pool.h) */
	uint32_t next_by_id, next_by_pid, next_changed;
	uint32_t held; /* first of its held descriptors, in the pool of those */
	struct launch_id id;
	bool in_use, changed;
	bool adopted;	    /* not cloned by us: somebody else might reap it */
	bool is_init;	    /* born as PID 1 of a PID namespace */
	bool failed;	    /* an operation failed; FAILED when it is reaped */
	bool payload_ended; /* its init said so */
	uint8_t state;	    /* enum launch_state */
	pid_t pid, payload_pid;
	int pidfd, payload_pidfd, report_fd; /* -1 when absent */
	int wait_status, failed_errno;
	uint32_t failed_op;
	uint64_t waiting_signals; /* bit signal-1: for a payload that has not shown itself yet */
	uint64_t started_at, exec_at, ended_at;
	char label[sizeof((struct launch_record *)NULL)->label];
};

struct child_held {
	uint32_t next;
	int fd;
	char name[LAUNCH_NAME_MAX];
};

struct children {
	struct pool records, held;
	uint32_t by_id[CHILDREN_N_BUCKETS], by_pid[CHILDREN_N_BUCKETS];
	uint32_t first_changed, last_changed;
};

int children_init(struct children *children);
/* A new record in state HOLDING; NULL when the id has one already (EEXIST) or the table is full (ENOSPC), in
 * errno. */
struct child *children_add(struct children *children, const struct launch_id *id);
struct child *children_find(const struct children *children, const struct launch_id *id);
struct child *children_find_pid(const struct children *children, pid_t pid);
/* The record at INDEX (1 … records.end - 1), NULL when it is not in use. */
struct child *children_at(const struct children *children, uint32_t index);
uint32_t children_index(const struct children *children, const struct child *child);

/* The record's process is alive and ours to reap: pid becomes findable; with 0, no longer (the record keeps
 * its number). */
void children_set_pid(struct children *children, struct child *child, pid_t pid);
/* Takes FD over in any case; NAME is a message's field, NUL-terminated or cut. -ENOSPC when the record has
 * LAUNCH_MAX_HELD already. */
int children_hold(struct children *children, struct child *child, int fd,
		  const char name[static LAUNCH_NAME_MAX]);
/* Closes and releases all of it. */
void children_remove(struct children *children, struct child *child);

void children_mark_changed(struct children *children, struct child *child);
/* The first changed record; it stays so until children_unmark_changed(). */
struct child *children_first_changed(const struct children *children);
void children_unmark_changed(struct children *children, struct child *child);

static inline bool child_is_alive(const struct child *child)
{
	return child->state == LAUNCH_STATE_STARTING || child->state == LAUNCH_STATE_RUNNING;
}
/* The wire form of a record; FDS (room for LAUNCH_MAX_HELD, or NULL) gets its held descriptors, still owned
 * by it. */
void children_describe(const struct children *children, const struct child *child, struct launch_record *ret,
		       int *fds);
