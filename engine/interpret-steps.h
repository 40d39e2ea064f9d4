/* What the files of the interpreter share: the state of one run and a function per operation.
 *
 * Every step is `int (struct interpret_run *, const struct program_op *)`: 0 or a negative errno, which ends
 * the run. The steps own no heap and call no library; descriptors they leave open are close-on-exec and go
 * with execve(2) or _exit(2). */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "engine/interpret.h"
#include "engine/launch.h"

enum { INTERPRET_MAX_TOLD = 4 };

struct interpret_run {
	const struct program_header *program;
	uint32_t op; /* running now, for the report */
	int report_fd;
	int slots[PROGRAM_N_SLOTS];
	int descriptors[LAUNCH_MAX_DESCRIPTORS]; /* what BIND takes has been replaced by a detached copy */
	int proc_fd;				 /* a procfs in which /proc/self is us; -1 until needed */
	pid_t helper;				 /* of USER_NAMESPACE, until it has been waited for; 0 */
	int helper_pidfd, helper_gate,
		helper_answer; /* it goes on when told, answers with an int, ends at the gate's end */
	int mask_fd,
		mask_file_fd; /* an attached empty directory and file to copy for MASK; -1 until needed */
	uint64_t owner;	      /* uid | gid << 32 that new files get now */
	uint32_t files_bytes; /* written since FILES_BEGIN */
	int securebits;	      /* to restore when owner returns to 0 */
	mode_t umask;	      /* for the payload; while the program runs it is 0 */
	struct rlimit
		files; /* RLIMIT_NOFILE for the payload: our own descriptors lie behind all of svc-init's */
	bool has_files;
	/* The kernel's file systems that were mounted in a root, by the place they were meant for: whatever becomes of the
	 * names that led there, what is to be hidden or read-only in them is found in them. */
	struct interpret_kernel_mount {
		uint8_t slot;
		uint32_t text;
		int fd;
	} kernel_mounts[8];
	unsigned n_kernel_mounts;
	int root_fd;		/* the new root, attached but not ours yet (its slot owns it); -1 */
	unsigned n_scratches;	/* scratch mounts on top of the old root */
	bool leads_session;	/* a payload behind an init shall lead one too */
	bool controls_terminal; /* which is standard input */
	bool sealed;		/* descriptors are where the payload wants them */
	char **argv, **envp;
	const uint8_t *invocation_id;
	char told[INTERPRET_MAX_TOLD][64]; /* variables that are known only now */
};

typedef int interpret_step(struct interpret_run *run, const struct program_op *op);

static inline const char *interpret_text(const struct interpret_run *run, uint32_t offset)
{
	return program_text(run->program, offset);
}

/* Makes what the following steps create belong to OWNER (uid | gid << 32), by the file system ids, keeping
 * all capabilities: the only way that also works on an idmapped layer, where uid 0 has no meaning. */
int interpret_own(struct interpret_run *run, uint64_t owner);

/* Brings descriptors, umask and the vectors of EXEC in place; does nothing the second time. */
int interpret_seal(struct interpret_run *run);

/* Tells svc-init. Nobody may be listening: there is nothing a caller could do about a failure. */
int interpret_report(int report_fd, const struct launch_report *report);

/* The parent's half of FORK: waits for the payload with hardly a privilege left, tells svc-init, ends. */
_Noreturn void interpret_init_stay(struct interpret_run *run, pid_t payload);

/* Waits for the end of the helper of USER_NAMESPACE, if this process has one: no payload finds a child it did
 * not make. */
void interpret_namespaces_reap(struct interpret_run *run);

/* A descriptor (owned by RUN) of a procfs instance in which the process sees itself, mounted or not. */
int interpret_namespaces_proc(struct interpret_run *run);

/* Before the first step: detached copies of all that BIND takes by descriptor, then the mount namespace that
 * the header asks for. A mount can be copied only from within its own mount namespace. */
int interpret_mounts_prepare(struct interpret_run *run);
/* Opens PATH below ROOT_FD with the flags of open(2), without ever leaving it, and again when openat2(2) cannot tell whether it
 * would. The caller owns the descriptor. */
int interpret_mounts_open(int root_fd, const char *path, uint64_t flags);
/* Opens (O_PATH) PATH below the root in SLOT (PROGRAM_SLOT_NONE: the process's own root) without ever leaving it. The
 * caller owns the descriptor. */
int interpret_mounts_resolve(const struct interpret_run *run, uint8_t slot, const char *path);
/* A detached new file system: comma-separated OPTIONS, PROGRAM_MOUNT_* FLAGS. The caller owns the descriptor.
 */
int interpret_mounts_new(const char *type, const char *options, uint32_t flags);
/* The same from an open context (which is not consumed) whose source, if it has one, is set. */
int interpret_mounts_create(int context_fd, const char *options, uint32_t flags);
/* Idmaps the detached mount TREE_FD by the user namespace in SLOT; PROGRAM_SLOT_NONE: does nothing. */
int interpret_mounts_id_map(const struct interpret_run *run, int tree_fd, uint64_t slot);
/* A detached copy of the mount at PATH below DIRECTORY_FD (with "": of DIRECTORY_FD itself), private, with
 * PROGRAM_MOUNT_* FLAGS and idmapped by the user namespace in slot ID_MAP (PROGRAM_SLOT_NONE: not). The
 * caller owns the descriptor. */
int interpret_mounts_copy(const struct interpret_run *run, int directory_fd, const char *path, uint32_t flags,
			  uint64_t id_map);
/* move_mount(2) of the mount TREE_FD onto PATH below DIRECTORY_FD, or onto DIRECTORY_FD itself for "". */
int interpret_mounts_move(int tree_fd, int directory_fd, const char *path);
/* As interpret_mounts_move() to the operation's place, which must not be a link. TREE_FD belongs to RUN then, and paths below that
 * place are resolved in it. */
int interpret_mounts_move_kernel(struct interpret_run *run, const struct program_op *op, int tree_fd);
/* 0 when FD is the character device MAJOR:MINOR, else -ENODEV. */
int interpret_mounts_verify_device(int fd, unsigned major_number, unsigned minor_number);

interpret_step interpret_filter_pass;
interpret_step interpret_identity_rlimit, interpret_identity_nice, interpret_identity_oom_score,
	interpret_identity_timer_slack, interpret_identity_parent_death, interpret_identity_groups,
	interpret_identity_user, interpret_identity_bounding_set, interpret_identity_capabilities,
	interpret_identity_deny_write_execute, interpret_identity_no_new_privileges,
	interpret_identity_seccomp, interpret_identity_working_directory;
interpret_step interpret_label_set;
interpret_step interpret_landlock_ruleset, interpret_landlock_path, interpret_landlock_port,
	interpret_landlock_enforce;
interpret_step interpret_attributes_scheduler, interpret_attributes_cpu_affinity,
	interpret_attributes_numa_policy, interpret_attributes_io_priority, interpret_attributes_personality,
	interpret_attributes_coredump_filter, interpret_attributes_memory_ksm,
	interpret_attributes_accounting, interpret_attributes_keyring, interpret_attributes_secure_bits;
interpret_step interpret_keep_own, interpret_files_begin, interpret_files_add, interpret_files_end;
interpret_step interpret_namespaces_join, interpret_namespaces_unshare, interpret_namespaces_user,
	interpret_namespaces_join_owned, interpret_namespaces_enter_user, interpret_namespaces_time,
	interpret_namespaces_hostname, interpret_namespaces_sysctl, interpret_namespaces_loopback_up;
interpret_step interpret_root_private_mounts, interpret_root_tree, interpret_root_overlay,
	interpret_root_attach, interpret_root_drop_old;
interpret_step interpret_mounts_make_directory, interpret_mounts_make_file, interpret_mounts_symlink,
	interpret_mounts_bind, interpret_mounts_tmpfs, interpret_mounts_proc, interpret_mounts_sysfs,
	interpret_mounts_cgroup, interpret_mounts_mqueue, interpret_mounts_devpts,
	interpret_mounts_attributes, interpret_mounts_mask;
/* Before and after FORK: the controlling terminal goes from the process that stays behind to the payload. */
int interpret_terminal_release(const struct interpret_run *run);
int interpret_terminal_take(const struct interpret_run *run);

interpret_step interpret_terminal_new;
interpret_step interpret_terminal_open;
interpret_step interpret_dev_make;
interpret_step interpret_copy_up, interpret_extend_root;
interpret_step interpret_image_loop, interpret_image_verity, interpret_image_filesystem;
