/* A launch program: the flat, position-independent block that makes a container out of a child process.
 *
 *	struct program_header
 *	struct program_op[n_ops]	at ops_offset, executed in order
 *	bytes[data_size]		at data_offset: NUL-terminated strings, argument vectors (arrays of
 *					uint32_t data offsets ending with 0), BPF filters (8-byte aligned)
 *
 * The manager compiles it (compile.h) and keeps it in a sealed memfd; svc-init's child maps it and
 * interprets it (interpret.h): system calls only, no heap, no library. Data offset 0 is the empty string.
 *
 * Operations share a small file of slots: descriptors that live only in the child. Slots 0..31; each op says
 * which it reads and writes. `descriptor` arguments index the list sent along with the launch
 * (launch.h), in which 0..2 are always standard input, output and error.
 *
 * The program runs in one process from top to bottom, except at PROGRAM_FORK: there the child goes on with
 * the rest and the parent stays behind as the container's init (or as a relay). Mounts are made while the
 * process still has the host's user namespace, so that they do not depend on what a user namespace may
 * mount; the new user namespace is *made* earlier (its id map is needed for idmapped mounts) but
 * *entered* after the root is complete. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "base/failure.h"

#define PROGRAM_MAGIC	 0x31706c73u /* "slp1", little-endian */
#define PROGRAM_MAX_SIZE (4u << 20)  /* bytes */
#define PROGRAM_MAX_OPS	 4096
enum { PROGRAM_N_SLOTS = 32, PROGRAM_SLOT_NONE = 255 };

/* One row per operation: PROGRAM_OPS(row) with row(code, name, exit status, fields used for printing).
 * The exit status is systemd's (systemd.exec(5), "Process Exit Codes"). The arguments of each:
 *
 * text, text2	data offset of a string	  number	64-bit value
 * fd		descriptor index	  slot, slot2	slot read / written
 * flags	operation-specific bits
 */
enum program_code {
	/* process */
	PROGRAM_SESSION, /* setsid(2), default signal dispositions and an empty mask; flags: PROGRAM_IGNORE_SIGPIPE */
	PROGRAM_STDIO, /* descriptors 0..2 become standard input, output, error */
	PROGRAM_TERMINAL, /* text: a terminal's path on the host; flags: PROGRAM_TERMINAL_*. With INPUT it becomes the controlling
			     terminal, standard input and, as flags say, output and error; number: rows, number2: columns, 0: as they are.
			     After SESSION and STDIO */
	PROGRAM_PASS_FD, /* descriptor fd becomes number (3…), without close-on-exec, when exec comes: before the first
				   SECCOMP, for a filter may forbid it, else at EXEC. All PASS_FDs precede both */
	PROGRAM_FILTER_PASS, /* descriptor fd: the storage of RestrictFileSystems=' filter, which lets this task pass from here on
				   (number 1) or no longer (0) */
	PROGRAM_UMASK,	     /* number */
	PROGRAM_RLIMIT,	     /* flags: RLIMIT_*; number: soft; number2: hard */
	PROGRAM_NICE,	     /* number (as int) */
	PROGRAM_OOM_SCORE,   /* text: decimal, to /proc/self/oom_score_adj */
	PROGRAM_TIMER_SLACK, /* number: nanoseconds */
	PROGRAM_SCHEDULER, /* number: SCHED_*, perhaps with SCHED_RESET_ON_FORK, which an init that forks would use up: such a
				   program has a second one behind its FORK; number2: priority */
	PROGRAM_CPU_AFFINITY,	 /* text: a data offset of number bytes of CPU mask */
	PROGRAM_NUMA_POLICY,	 /* flags: MPOL_*; text: a data offset of number bytes of node mask */
	PROGRAM_IO_PRIORITY,	 /* number: class << 13 | level */
	PROGRAM_PERSONALITY,	 /* number */
	PROGRAM_COREDUMP_FILTER, /* text: hexadecimal, to /proc/self/coredump_filter */
	PROGRAM_MEMORY_KSM,	 /* number: 0, 1 */
	PROGRAM_ACCOUNTING, /* text: a struct utmp, number: its size: written with our process id, once for each type from INIT_PROCESS
				   up to its own; while the host's files are there */
	PROGRAM_PARENT_DEATH, /* number: signal when the parent dies */
	/* what the service keeps; while the process is the host's still */
	PROGRAM_OWN, /* descriptor fd or what is in slot, the directory text (for people only), with all that is in it becomes number's (owner), top last;
				   nothing is done when its top is that already. flags: PROGRAM_EXIT_STATUS() */
	PROGRAM_FILES_BEGIN, /* slot2 = a new file system for files that exist nowhere else, never swapped out; or the
				   directory text of the host, if not "" */
	PROGRAM_FILE, /* the file text in slot; flags: PROGRAM_FILE_*, number2: owner. Content: number bytes at text2; or all that can
				   be read from the file or socket of the host with the path text2, behind whose NUL is a name for our end of the
				   socket. At most PROGRAM_FILES_MAX bytes since FILES_BEGIN */
	PROGRAM_FILES_END, /* slot: nothing is added any more: flags: its mode, PROGRAM_FILE_PATH for a directory of the host; number2: owner */
	/* isolation */
	PROGRAM_JOIN, /* fd: a namespace descriptor or a pidfd; flags: CLONE_NEW* to join, by one setns(2). CLONE_NEWPID takes
				   effect at the FORK that follows; CLONE_NEWNS changes root and working directory too */
	PROGRAM_UNSHARE, /* flags: CLONE_NEW* made in place */
	PROGRAM_USER_NAMESPACE, /* makes one by a helper process: text uid_map, text2 gid_map; slot2: the namespace. Or
				   fd: a descriptor of one that is there;
				   flags: further CLONE_NEW* (net, ipc, uts) that it shall own, which the helper goes on to make
				   while the program goes on too (a network namespace, its loopback interface up, takes the
				   kernel longer than most of the mounts). Comes while /proc is still the host's */
	PROGRAM_JOIN_OWNED, /* waits for the helper and joins the flags of USER_NAMESPACE, once; before what needs them */
	PROGRAM_ENTER_USER, /* slot: a namespace from USER_NAMESPACE; then flags: CLONE_NEW* unshared inside it */
	PROGRAM_TIME_NAMESPACE, /* text: content for timens_offsets, may be empty; unshares and enters. Comes before any mount,
				   while /proc is the host's */
	PROGRAM_HOSTNAME, /* text */
	PROGRAM_SYSCTL, /* text: a path below /proc/sys; text2: what is written to it; number: uid of the owner of its namespace */
	PROGRAM_LOOPBACK_UP, /* in the current network namespace */
	/* filesystem: `slot` is the root of the tree being built, paths (text) are resolved in it with
	   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, text2 is a path on the host or a value. Paths are resolved with all mounts made
	   so far. "owner" is uid | gid << 32 in host ids: what is created is made as that owner (by fsuid, so that it
	   works on an idmapped layer). PROGRAM_OPTIONAL: when text does not exist, nothing is done */
	PROGRAM_PRIVATE_MOUNTS, /* the whole current tree: flags MS_PRIVATE or MS_SLAVE, recursive */
	PROGRAM_TREE, /* slot2 = a detached copy (with PROGRAM_MOUNT_RECURSIVE: and all mounts below) of path text, resolved in slot, or
				   with PROGRAM_SLOT_NONE as a path on the host; flags: further PROGRAM_MOUNT_* become its attributes;
				   number: slot of a user namespace to idmap by, or PROGRAM_SLOT_NONE. PROGRAM_OPTIONAL and missing: slot2 is
				   empty. With text "" slot2 = the process's own root itself, not copied: no ATTACH_ROOT follows */
	PROGRAM_OVERLAY, /* slot2 = a detached overlay: text lower layers joined by ':' (each with ':' and '\' escaped; one that does not
				   begin with '/' is the number of the slot with its mount, which is closed),
				   text2: directory holding "data" and "work" (these are made if missing), or "" ; flags: PROGRAM_OVERLAY_*;
				   slot: user namespace to idmap the lower layers (and a persistent upper one) by, or PROGRAM_SLOT_NONE;
				   number: owner of an ephemeral upper directory's root (0 without a user namespace). Neither flag: read-only;
				   number2: data offset of further options, each behind a comma, or 0 */
	PROGRAM_LOOP, /* slot2 = a block device with the bytes of descriptor fd, a disk image, from number on, number2 of them (0: all); the
				   device goes with its last user. PROGRAM_MOUNT_READ_ONLY: it cannot be written to; PROGRAM_LOOP_LARGE */
	PROGRAM_VERITY, /* slot2 = the block device in slot as dm-verity lets it be read: number: slot of the hash device (both are closed);
				   text: the table behind the devices; flags: its sectors of 512 bytes; text2: signature of the root hash,
				   number2 bytes, 0: none */
	PROGRAM_FILESYSTEM, /* slot2 = a detached new file system: text its type, text2 options; slot: the block device it is on, which is
				   closed, or PROGRAM_SLOT_NONE; flags PROGRAM_MOUNT_*; number: slot of a user namespace to idmap by,
				   or PROGRAM_SLOT_NONE */
	PROGRAM_ATTACH_ROOT, /* mounts the tree in slot over "/"; the old root is kept in slot2. From here slot is the attached root, but
				   the process's root is still the old one, so that nothing covers the new one while it is filled */
	PROGRAM_EXTEND, /* lays extensions over usr, opt and etc of the attached root in slot: text has a line "SLOT NAME" for each, uppermost first;
				   -ESTALE when one was made for another system. The slots are closed */
	PROGRAM_DROP_OLD_ROOT, /* slot: the tree of ATTACH_ROOT becomes the process's root by pivot_root(2) and the old one is detached:
				   from here no host path exists. Must follow ATTACH_ROOT before FORK and EXEC */
	PROGRAM_MAKE_DIRECTORY, /* text in slot, if missing; number: mode; missing parents are made 0755; number2: owner. With
				   PROGRAM_SLOT_NONE text is a path on the host: before ATTACH_ROOT */
	PROGRAM_MAKE_FILE, /* text in slot: an empty file as a mount point, if missing; its parents as above; number2: owner */
	PROGRAM_SYMLINK, /* text in slot -> text2; an existing name is left alone */
	PROGRAM_BIND, /* descriptor fd (O_PATH on the host, opened at compile or launch), or with fd == PROGRAM_NO_FD the
				   host path text2 below slot2 (old root), to text in slot; flags PROGRAM_MOUNT_*;
				   number: slot of a user namespace to idmap by, or PROGRAM_SLOT_NONE. With fd == PROGRAM_NO_FD and text2 ""
				   the detached tree in slot2 (of a TREE) is itself moved to text and the slot is closed; an empty slot2
				   does nothing when PROGRAM_OPTIONAL */
	PROGRAM_COPY_UP, /* what is in text in slot is copied to the mount in slot2, if nothing is in that; number: owner */
	PROGRAM_TMPFS,	   /* text in slot; text2 options; flags */
	PROGRAM_PROC,	   /* text in slot; text2 options ("hidepid=invisible,subset=pid"); flags */
	PROGRAM_SYSFS,	   /* text in slot; flags */
	PROGRAM_CGROUP_FS, /* text in slot; text2 options; flags */
	PROGRAM_MQUEUE,	   /* text in slot */
	PROGRAM_DEVPTS,	   /* text in slot; text2 options */
	PROGRAM_DEV, /* a tmpfs on text in slot with null, zero, full, random, urandom, tty, fd, stdin…, ptmx, pts/, shm/, mqueue/:
				   nodes are bind mounts of the host's below slot2 (the old root), verified char devices; shm/ is a tmpfs (mode 1777),
				   text2: its size option's value or "" for the kernel's default; pts/ and mqueue/ are empty directories for DEVPTS
				   and MQUEUE, ptmx a link to pts/ptmx; number: owner of the tmpfs and of what is made in it */
	PROGRAM_ATTRIBUTES, /* mount attributes of text in slot: flags PROGRAM_MOUNT_* set, number: cleared; makes a mount
				   point of it first if it is none; PROGRAM_MOUNT_RECURSIVE: of all mounts below too */
	PROGRAM_MASK, /* text in slot: a directory becomes an empty read-only tmpfs (mode 000), a file a bind of a verified /dev/null, which
				   comes from /dev/null below slot2 (the old root), or with PROGRAM_MASK_NO_ACCESS an empty read-only
				   regular file (mode 000) */
	/* identity and operation control */
	PROGRAM_GROUPS, /* text: a data offset of uint32_t[number]; setgroups(2) */
	PROGRAM_USER, /* number: uid, number2: gid; setresgid, setresuid; keeps capabilities for the steps below */
	PROGRAM_BOUNDING_SET, /* number: capabilities kept */
	PROGRAM_CAPABILITIES, /* number: permitted and effective, as far as the process has them (one the manager lacks cannot be given);
				   number2: ambient (inheritable is the same as ambient): here a missing one is a failure.
				   flags: PROGRAM_KEEP_ADMIN: CAP_SYS_ADMIN too, for a filter, until execve(2) takes it */
	PROGRAM_LANDLOCK_RULESET, /* slot2 = a ruleset; number: LANDLOCK_ACCESS_FS_* it restricts, number2: _NET_*, flags: scopes */
	PROGRAM_LANDLOCK_PATH, /* slot: a ruleset; text: a path, looked up in the process's root; number: what is permitted below it.
				   PROGRAM_OPTIONAL: when it does not exist, nothing is done */
	PROGRAM_LANDLOCK_PORT,	  /* slot: a ruleset; number2: a port; number: what is permitted with it */
	PROGRAM_LANDLOCK_ENFORCE, /* slot: a ruleset, for good */
	/* text: a file of a procfs, reached without crossing a mount; text2: what is written to it. PROGRAM_OPTIONAL: no error is a failure */
	PROGRAM_SMACK,
	PROGRAM_SELINUX,
	PROGRAM_APPARMOR,
	PROGRAM_KEYRING, /* an own session keyring; number: 1: the user's linked to it. PROGRAM_OPTIONAL: none to be had is no failure */
	PROGRAM_SECURE_BITS,	    /* number: SECBIT_* set besides those there are */
	PROGRAM_DENY_WRITE_EXECUTE, /* PR_SET_MDWE; a kernel before Linux 6.3 has only the filter */
	PROGRAM_NO_NEW_PRIVILEGES,
	PROGRAM_SECCOMP, /* text: data offset of sock_filter[number]; flags for seccomp(2) */
	PROGRAM_PTY, /* fd: a socket of the launch, which gets the master of a new pseudo terminal of the devpts that is below the
			process's root; the other side becomes the controlling terminal and the three standard streams. number: rows,
			number2: columns, 0: as they are. After FORK and USER, whom it belongs to */
	PROGRAM_WORKING_DIRECTORY, /* text; flags: PROGRAM_OPTIONAL */
	/* the two that change who goes on */
	PROGRAM_FORK, /* flags: PROGRAM_FORK_INIT: the parent stays as PID 1 of the namespace (reaps, forwards signals); without:
				   as a relay outside a PID namespace that was joined. After a SESSION the payload leads one of its own */
	PROGRAM_EXEC, /* text: path, or with PROGRAM_EXEC_SEARCH several joined by ':', of which the first that is there is taken; text2: data offset of argv vector; number: data offset of envp vector, of which the last number2 are
				   secrets: never shown. PROGRAM_EXEC_TELL: where a variable's value is PROGRAM_PID_PLACE or
				   PROGRAM_INVOCATION_PLACE the process puts its own id and the launch's invocation id */
	PROGRAM_CODE_MAX_,
};

#define PROGRAM_NO_FD		 0xffffu
#define PROGRAM_PID_PLACE	 "@this-process-id@"
#define PROGRAM_INVOCATION_PLACE "@this-invocation-id@"
enum { PROGRAM_MAX_MASK = 1024 }; /* bytes: 8192 CPUs or nodes */

enum {
	PROGRAM_OPTIONAL = 1 << 0, /* ENOENT is no failure */
	PROGRAM_MOUNT_READ_ONLY = 1 << 1,
	PROGRAM_MOUNT_NO_SUID = 1 << 2,
	PROGRAM_MOUNT_NO_DEV = 1 << 3,
	PROGRAM_MOUNT_NO_EXEC = 1 << 4,
	PROGRAM_MOUNT_RECURSIVE = 1 << 5,
	PROGRAM_OVERLAY_EPHEMERAL = 1 << 6, /* upper and work directory on a fresh tmpfs */
	PROGRAM_OVERLAY_PERSISTENT = 1 << 7,
	PROGRAM_IGNORE_SIGPIPE = 1 << 8,
	PROGRAM_FORK_INIT = 1 << 9,
	PROGRAM_KEEP_ADMIN = 1 << 9,
	PROGRAM_MASK_NO_ACCESS = 1 << 10,
	PROGRAM_EXEC_TELL = 1 << 22,
	PROGRAM_LOOP_LARGE = 1 << 18,	/* LOOP: sectors of 4096 bytes */
	PROGRAM_COPY_CONTENT = 1 << 19, /* COPY_UP: the directory itself keeps its owner and mode */
	PROGRAM_EXEC_SEARCH = 1 << 23,
	PROGRAM_MOUNT_SHARED =
		1 << 20, /* mounts made below go both ways between this copy and what was copied, … */
	PROGRAM_MOUNT_SLAVE = 1 << 21, /* … or from there to here; neither: none does */
	PROGRAM_MOUNT_NO_ATIME = 1 << 24,
	PROGRAM_MOUNT_STRICT_ATIME = 1 << 25,
	PROGRAM_MOUNT_NO_DIR_ATIME = 1 << 26,
	PROGRAM_MOUNT_NO_SYMLINKS = 1 << 27, /* none is followed */
};

enum { /* flags of FILE */
       PROGRAM_FILE_MODE = 07777,
       PROGRAM_FILE_PATH = 1 << 12,
       PROGRAM_FILE_SOCKET = 1 << 13,
       PROGRAM_FILE_SEALED = 1 << 14, /* PROGRAM_UNSEAL_TOOL has the last word about the content */
};
#define PROGRAM_FILES_MAX   (1u << 20)
#define PROGRAM_UNSEAL_TOOL "/usr/bin/systemd-creds"
enum { /* flags of TERMINAL; the first three are base/terminal.h's */
       PROGRAM_TERMINAL_INPUT = 1 << 8,
       PROGRAM_TERMINAL_OUTPUT = 1 << 9,
       PROGRAM_TERMINAL_ERROR = 1 << 10,
       PROGRAM_TERMINAL_FORCE = 1 << 11, /* taken from the session that has it */
       PROGRAM_TERMINAL_FAIL = 1 << 12,	 /* not waited for */
};

struct program_op {
	uint16_t code;	      /* enum program_code */
	uint16_t fd;	      /* descriptor index, or PROGRAM_NO_FD */
	uint8_t slot, slot2;  /* or PROGRAM_SLOT_NONE */
	uint16_t origin_item; /* index in a list field */
	uint32_t flags;
	uint32_t origin;      /* offsetof(struct spec, field) that asked for this; PROGRAM_NO_ORIGIN */
	uint32_t text, text2; /* data offsets */
	uint64_t number, number2;
};
static_assert(sizeof(struct program_op) == 40, "the block's layout is a contract with svc-init");
#define PROGRAM_NO_ORIGIN UINT32_MAX

struct program_header {
	uint32_t magic;
	uint32_t size; /* of the whole block */
	uint32_t n_ops, ops_offset;
	uint32_t data_size, data_offset;
	uint32_t n_descriptors; /* how many the launch must bring, standard streams included */
	uint32_t reserved;
	uint64_t
		clone_flags; /* CLONE_NEW{NS,PID,NET,IPC,UTS}; the others have operations: a cgroup namespace from clone3(2)
				 would be rooted at svc-init's cgroup */
};

/* In the flags of an operation that serves several directives: the exit status of its failure. */
#define PROGRAM_EXIT_STATUS(status) ((uint32_t)(status) << 24)

/* What is known about an operation without running it. */
struct program_op_info {
	const char *name; /* "mount-overlay" */
	int exit_status;
};
extern const struct program_op_info program_op_info[PROGRAM_CODE_MAX_];
/* The exit status that a failure of OP counts as. */
int program_exit_status(const struct program_op *op);

/* Checks that BLOCK of SIZE bytes is a program whose every offset, slot, descriptor index and vector lies
 * inside it. Needs no heap: the interpreter calls it on what it was sent. Returns 0 or -EBADMSG. */
int program_validate(const void *block, size_t size);

static inline const struct program_op *program_ops(const struct program_header *program)
{
	return (const struct program_op *)((const char *)program + program->ops_offset);
}
static inline const char *program_text(const struct program_header *program, uint32_t offset)
{
	return (const char *)program + program->data_offset + offset;
}
