/* The cgroup v2 tree: where the service's processes live, what they may use, how they end. Called by the manager;
 * nothing here waits. Paths are relative to the tree's root ("system.slice/web.service"). */
#pragma once

#include "base/table.h"
#include "engine/program.h"
#include "engine/spec.h"

enum { /* controllers, as bits */
       CGROUP_CPU = 1 << 0,
       CGROUP_CPUSET = 1 << 1,
       CGROUP_IO = 1 << 2,
       CGROUP_MEMORY = 1 << 3,
       CGROUP_PIDS = 1 << 4,
       CGROUP_HUGETLB = 1 << 5,
       CGROUP_RDMA = 1 << 6,
       CGROUP_MISC = 1 << 7,
};

#define CGROUP_SCOPE "init.scope" /* the group of the manager and svc-init themselves */

struct cgroup_tree {
	int root_fd;	      /* O_PATH|O_DIRECTORY of our part of the hierarchy; -1: no writable cgroup v2 */
	char *path;	      /* absolute, for messages: "/sys/fs/cgroup/unified/svcd" */
	unsigned controllers; /* that can be enabled for children */
	bool made;	      /* the directory is ours alone: cgroup_tree_remove() removes it */
	struct table
		inner; /* path -> struct cgroup_inner, of the groups that hold groups: private to cgroup.c */
};

/* Finds (or with ROOT given, takes) the part of the hierarchy that is ours and enables its controllers for children.
 * ROOT is an absolute directory on a cgroup2 filesystem, made if missing. Without ROOT: the manager's own cgroup; when that is the
 * real root of the hierarchy and svc-init is not the machine's PID 1, a directory below it ("svcd.<pid of svc-init>", and in a PID namespace
 * "-<the namespace's number>" too, as every namespace has a PID 1).
 * The manager's and svc-init's own processes move to "init.scope" in it first, as no process may be in an inner node.
 * No usable cgroup2 is not an error: root_fd is -1. */
int cgroup_tree_open(struct cgroup_tree *tree, const char *root, int init_pid, struct failure *failure);
void cgroup_tree_close(struct cgroup_tree *tree);
/* At the very end: removes all empty groups, and where the directory was made by us, moves this process and svc-init out of it and
 * removes it too. */
void cgroup_tree_remove(struct cgroup_tree *tree, int init_pid);

/* The controller of this name as a bit; 0 when there is none. */
unsigned cgroup_controller_parse(const char *name, size_t length);
extern const char *const cgroup_controller_names[]; /* by bit; NULL ends */

/* What one group is to have: its own limits, and what follows for it from elsewhere. */
struct cgroup_wish {
	const struct spec_limits *limits;
	bool startup; /* startup_… fields hold */
	uint64_t memory_min,
		memory_low; /* where it has none: of the nearest group above that sets it for those below; SPEC_UNSET */
	uid_t delegate_to; /* with limits->delegate */
	bool pressure;	   /* the payload, of the user delegate_to, watches memory.pressure itself */
	/* cgroup_make() fills these in. */
	unsigned disabled;	 /* controllers that a group above forbids */
	const char *disabled_by; /* its name, for messages */
};

/* Which controllers a group cannot do without. */
unsigned cgroup_needed(const struct cgroup_wish *wish);
/* Those it has where the tree has them: for its figures, or to be delegated. */
unsigned cgroup_wanted(const struct cgroup_wish *wish);
/* The first limit that is set, as an origin of the spec; PROGRAM_NO_ORIGIN: none is. For what there is to say where there is no tree at
 * all. */
uint32_t cgroup_first_limit(const struct cgroup_wish *wish);

/* Makes PATH with its parents, enables in the parents what the group needs, and applies the limits. A limit whose controller is missing
 * fails with -EOPNOTSUPP, and *RET_ORIGIN. Returns a directory descriptor for CLONE_INTO_CGROUP, the caller's: of the group, or of its
 * DelegateSubgroup=. */
int cgroup_make(struct cgroup_tree *tree, const char *path, const struct cgroup_wish *wish,
		struct failure *failure, uint32_t *ret_origin);
/* The group is there and had the limits of OLD: writes the files whose content is another now. When a write fails, what was written is
 * taken back. */
int cgroup_change(struct cgroup_tree *tree, const char *path, const struct cgroup_wish *old,
		  const struct cgroup_wish *wish, struct failure *failure, uint32_t *ret_origin);
/* What would be written to which files, and the setting that asks for each. Stops at the first negative answer. */
typedef int cgroup_teller(void *data, uint32_t origin, const char *file, const char *text);
int cgroup_tell(const struct cgroup_wish *wish, cgroup_teller *tell, void *data);
/* cgroup.kill; on a kernel without it (before 5.14) SIGKILL to each process until none is new. -ENOENT: no such group. */
int cgroup_kill(const struct cgroup_tree *tree, const char *path);
/* SIGNAL to each process of the group and the groups below, once; except EXCEPT_PID (0: none). Returns how many. */
int cgroup_signal(const struct cgroup_tree *tree, const char *path, int signal, pid_t except_pid);
/* Asks for it; the kernel stops (or lets go) the group and the groups below one by one: see cgroup_freezer(). */
int cgroup_freeze(const struct cgroup_tree *tree, const char *path, bool freeze);
/* What is asked for and how far the kernel is: cgroup.freeze and "frozen" in cgroup.events, kernel's cgroup-v2.rst. A group that is
 * not there runs. One below a frozen group that is not frozen itself is CGROUP_THAWING. */
enum cgroup_freezer { CGROUP_RUNNING, CGROUP_FREEZING, CGROUP_FROZEN, CGROUP_THAWING, CGROUP_FREEZER_MAX_ };
enum cgroup_freezer cgroup_freezer(const struct cgroup_tree *tree, const char *path);
/* 1: processes in it or below, 0: none (or no such group). */
int cgroup_populated(const struct cgroup_tree *tree, const char *path);
/* An inotify-able path of its events file is PATH/cgroup.events. Removes PATH and all groups below it: -EBUSY while populated; 0 if none. */
int cgroup_remove(struct cgroup_tree *tree, const char *path);
/* Pids in PATH and below: a heap array that the caller frees. */
int cgroup_processes(const struct cgroup_tree *tree, const char *path, pid_t **ret_pids, size_t *ret_n);

/* What a group has used. SPEC_UNSET where the controller is missing. */
struct cgroup_usage {
	uint64_t memory_current, memory_peak, cpu_usage_nsec, tasks_current, oom_kills;
	uint64_t memory_swap_current, memory_swap_peak, memory_zswap_current;
	uint64_t io_read_bytes, io_write_bytes, io_read_operations, io_write_operations;
};
int cgroup_read_usage(const struct cgroup_tree *tree, const char *path, struct cgroup_usage *ret);

/* cgroup-find.c: the options that the hierarchy is mounted with, "" without any; heap. A mount made outside of a cgroup namespace
 * sets them for all. -ENOENT where nothing can be found out. */
int cgroup_find_options(char **ret);
/* The least number that FILE holds in PATH's group and those above it, "max" counting for nothing; SPEC_UNSET: none. With USED, of what
 * is left: the number less that of the file USED. */
uint64_t cgroup_read_least(const struct cgroup_tree *tree, const char *path, const char *file,
			   const char *used);
/* The text of a group's FILE without the newline at its end; heap. */
int cgroup_read_text(const struct cgroup_tree *tree, const char *path, const char *file, char **ret);
/* The number that names the group in the kernel: its directory's inode. 0: there is none. */
uint64_t cgroup_read_id(const struct cgroup_tree *tree, const char *path);

/* How long processes of a group waited for a resource, kernel's accounting/psi.rst: shares of the time in percent, and in sum. */
struct cgroup_pressure {
	struct {
		double average10, average60, average300;
		uint64_t total_usec;
	} some, full;
};
enum cgroup_resource {
	CGROUP_PRESSURE_CPU,
	CGROUP_PRESSURE_MEMORY,
	CGROUP_PRESSURE_IO,
	CGROUP_RESOURCE_MAX_,
};
/* -ENOENT: no such group, or a kernel that does not tell. */
int cgroup_read_pressure(const struct cgroup_tree *tree, const char *path, enum cgroup_resource resource,
			 struct cgroup_pressure *ret);
