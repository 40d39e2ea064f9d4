/* What a container engine can be asked for, as plain data. The engine knows no unit file: each field is
 * named for what it does, the directive table (units/) points into this struct, and compile.h turns it
 * into a launch program. A zero-initialised spec followed by spec_init() is a plain process: no isolation.
 *
 * Every pointer is owned by the spec and freed by spec_deinit(). Paths are absolute and lexically clean
 * (no "..", no "//") unless a comment says otherwise. An operation of a compiled program names the field
 * that asked for it by offsetof(struct spec, field) and the item's index in a list. */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/failure.h"
#include "base/macros.h"
#include "base/time.h"

#define SPEC_UNSET   UINT64_MAX /* a number nobody set; also "infinity" where a limit allows it */
#define SPEC_CAP_ALL UINT64_MAX /* every capability the kernel has */

/* --- isolation --------------------------------------------------------------------------------------- */

enum spec_namespace {
	SPEC_NAMESPACE_MOUNT,
	SPEC_NAMESPACE_PID,
	SPEC_NAMESPACE_NETWORK,
	SPEC_NAMESPACE_IPC,
	SPEC_NAMESPACE_UTS,
	SPEC_NAMESPACE_USER,
	SPEC_NAMESPACE_CGROUP,
	SPEC_NAMESPACE_TIME,
	SPEC_NAMESPACE_MAX_,
};

enum spec_user_namespace {
	SPEC_USER_HOST, /* none of its own */
	SPEC_USER_SELF, /* maps the service's own user and root 1:1, all others are nobody; PrivateUsers=yes */
	SPEC_USER_IDENTITY, /* maps 0..65535 1:1 */
	SPEC_USER_AUTO,	    /* 65536 ids from a range chosen for this unit; files are idmapped; UserNS=auto */
	SPEC_USER_MAP,	    /* uid_map and gid_map below */
	SPEC_USER_FULL,	    /* maps all ids 1:1 */
	SPEC_USER_KEEP_ID, /* the manager's own ids become keep_uid and keep_gid; those below move up by one */
	SPEC_USER_NO_MAP, /* as AUTO, but nothing of the host's but the image is idmapped: it is all nobody's */
	SPEC_USER_SUB,	  /* the ranges that /etc/subuid and /etc/subgid have for sub_user and sub_group */
	SPEC_USER_NAMESPACE_MAX_,
};

struct spec_id_range {
	uint32_t inside, outside, count;
};

struct spec_id_map {
	struct spec_id_range *ranges;
	size_t n_ranges;
};

enum spec_control_groups {
	SPEC_CONTROL_GROUPS_HOST,      /* ProtectControlGroups=no */
	SPEC_CONTROL_GROUPS_READ_ONLY, /* =yes: cgroupfs read-only */
	SPEC_CONTROL_GROUPS_PRIVATE,   /* =private: a cgroup namespace */
	SPEC_CONTROL_GROUPS_STRICT,    /* =strict: a cgroup namespace, cgroupfs read-only */
	SPEC_CONTROL_GROUPS_MAX_,
};

/* --- filesystem -------------------------------------------------------------------------------------- */

enum spec_upper {
	SPEC_UPPER_EPHEMERAL,  /* on a tmpfs that goes with the container */
	SPEC_UPPER_PERSISTENT, /* in `upper_directory` */
	SPEC_UPPER_NONE,       /* the overlay is read-only */
	SPEC_UPPER_MAX_,
};

enum spec_mount_kind {
	SPEC_MOUNT_BIND,	 /* source on the host -> target */
	SPEC_MOUNT_TMPFS,	 /* an empty tmpfs; options are the filesystem's ("size=1m,mode=755") */
	SPEC_MOUNT_READ_ONLY,	 /* what is there becomes read-only, with all below it */
	SPEC_MOUNT_READ_WRITE,	 /* an exception from a read-only parent */
	SPEC_MOUNT_INACCESSIBLE, /* replaced by an empty node nobody may open */
	SPEC_MOUNT_EXEC,	 /* an exception from no-exec */
	SPEC_MOUNT_NO_EXEC,
	SPEC_MOUNT_IMAGE,     /* the file system of the disk image `source`; options: image-options.h */
	SPEC_MOUNT_EXTENSION, /* the directory or disk image `source` extends /usr and /opt; no target */
	SPEC_MOUNT_VOLUME,    /* the volume `source`, a name, kept for the container */
	SPEC_MOUNT_RAMFS,
	SPEC_MOUNT_DEVPTS,
	SPEC_MOUNT_GLOB, /* all that the pattern `source` fits on the host -> a file each in the directory `target` */
	SPEC_MOUNT_DEVICE, /* a device node, or a directory of them, on the host -> target; options: access, of "rwm" */
	SPEC_MOUNT_KIND_MAX_,
};

enum spec_propagation { /* of mounts made later below the source */
			SPEC_PROPAGATION_PRIVATE,
			SPEC_PROPAGATION_SLAVE,
			SPEC_PROPAGATION_SHARED,
};

/* Which ids on disk ("inside") are which on the host, or where it is relative, in the user namespace. */
struct spec_mount_ids {
	struct spec_id_map maps[2]; /* of users, of groups */
	bool relative[2];
};

struct spec_mount {
	enum spec_mount_kind kind;
	char *source;  /* bind: absolute path on the host; else NULL */
	char *target;  /* absolute path in the container */
	char *options; /* tmpfs: filesystem options; image: image-options.h; else NULL */
	bool read_only, recursive, no_exec, no_suid, no_dev;
	bool copy_up; /* volume, tmpfs: while it is empty, filled with what the image has in its place */
	bool overlay; /* bind, volume: what is written to it is gone at the end */
	enum spec_propagation propagation; /* bind */
	bool in_root;	     /* a "+" prefix: a path in the container even where its root is named in front */
	bool ignore_missing; /* a "-" prefix: a missing source or target is no error */
	bool id_mapped; /* bind: ids on disk are the container's, not the host's, whatever the user namespace */
	bool not_mapped;	    /* bind, volume: they are the host's, whatever the user namespace */
	bool owned;		    /* bind, volume, tmpfs: what is there becomes the service's user's */
	struct spec_mount_ids *ids; /* bind, volume: or mapped like this; NULL */
};

/* One list per directive, so that an item's origin is exact. */
struct spec_mounts {
	struct spec_mount *items;
	size_t n;
};

enum spec_private_tmp {
	SPEC_PRIVATE_TMP_NO,
	SPEC_PRIVATE_TMP_YES,	       /* compile_context.shared_tmp, else as DISCONNECTED */
	SPEC_PRIVATE_TMP_DISCONNECTED, /* file systems of its own */
};

enum spec_protect_system {
	SPEC_PROTECT_SYSTEM_NO,
	SPEC_PROTECT_SYSTEM_YES,    /* /usr, /boot, /efi read-only */
	SPEC_PROTECT_SYSTEM_FULL,   /* and /etc */
	SPEC_PROTECT_SYSTEM_STRICT, /* everything but /dev, /proc, /sys */
	SPEC_PROTECT_SYSTEM_MAX_,
};

enum spec_protect_home {
	SPEC_PROTECT_HOME_NO,
	SPEC_PROTECT_HOME_YES, /* /home, /root, /run/user inaccessible */
	SPEC_PROTECT_HOME_READ_ONLY,
	SPEC_PROTECT_HOME_TMPFS,
	SPEC_PROTECT_HOME_MAX_,
};

enum spec_protect_proc { /* the procfs mount option hidepid= */
			 SPEC_PROTECT_PROC_DEFAULT,
			 SPEC_PROTECT_PROC_NO_ACCESS,
			 SPEC_PROTECT_PROC_INVISIBLE,
			 SPEC_PROTECT_PROC_PTRACEABLE,
			 SPEC_PROTECT_PROC_MAX_,
};

/* --- operation control ------------------------------------------------------------------------------- */

/* SystemCallFilter=: names and @groups in the order given. The first item decides the kind of list. */
struct spec_system_calls {
	char **names;	     /* "read", "@system-service", "~mount", "ptrace:EPERM"; a leading "~" inverts */
	bool allow_list;     /* the first assignment had no "~": everything else is refused */
	bool ignore_unknown; /* names that this machine does not know do no harm */
};

enum spec_seccomp_default {
	SPEC_SECCOMP_NONE,
	SPEC_SECCOMP_PROFILE,	/* seccomp_profile */
	SPEC_SECCOMP_CONTAINER, /* the filter [Container] gets unless SeccompProfile=unconfined */
	SPEC_SECCOMP_DEFAULT_MAX_,
};

enum spec_keyring {
	SPEC_KEYRING_DEFAULT, /* as PRIVATE, but a kernel that has no keyrings to give is no failure */
	SPEC_KEYRING_INHERIT,
	SPEC_KEYRING_PRIVATE, /* an own session keyring */
	SPEC_KEYRING_SHARED,  /* and the user's keyring linked to it */
	SPEC_KEYRING_MAX_,
};

/* --- limits ------------------------------------------------------------------------------------------ */

/* One line of a list of limits: on a device, or on a named resource ("2MB", "mlx5_0", "sev"). */
struct spec_io_limit {
	char *path;	/* a device node or a file on the device; or the resource's name */
	uint64_t value; /* bytes or operations per second, a weight, microseconds, a count */
};

struct spec_io_limits {
	struct spec_io_limit *items;
	size_t n;
};

enum spec_cpu_partition { /* cpuset.cpus.partition */
			  SPEC_CPU_PARTITION_MEMBER,
			  SPEC_CPU_PARTITION_ROOT,
			  SPEC_CPU_PARTITION_ISOLATED,
			  SPEC_CPU_PARTITION_MAX_,
};

enum spec_oom_policy { /* what becomes of the others when the kernel kills one process for want of memory */
		       SPEC_OOM_DEFAULT, /* stop; with Delegate= continue */
		       SPEC_OOM_CONTINUE,
		       SPEC_OOM_STOP,
		       SPEC_OOM_KILL, /* memory.oom.group */
		       SPEC_OOM_MAX_,
};

enum spec_pressure_watch {
	SPEC_PRESSURE_WATCH_AUTO, /* where memory is accounted */
	SPEC_PRESSURE_WATCH_OFF,
	SPEC_PRESSURE_WATCH_ON,
	SPEC_PRESSURE_WATCH_SKIP, /* the service is told nothing */
	SPEC_PRESSURE_WATCH_MAX_,
};

enum spec_managed_oom { SPEC_MANAGED_OOM_AUTO, SPEC_MANAGED_OOM_KILL, SPEC_MANAGED_OOM_MAX_ };
enum spec_oom_preference {
	SPEC_OOM_PREFERENCE_NONE,
	SPEC_OOM_PREFERENCE_AVOID,
	SPEC_OOM_PREFERENCE_OMIT,
	SPEC_OOM_PREFERENCE_MAX_,
};

/* cgroup v2 knobs; SPEC_UNSET leaves the kernel's value, SPEC_LIMIT_MAX writes "max". Sizes are bytes, times microseconds.
 * What a startup_… field says holds while the system starts or stops. Which file a field goes to: cgroup-limits.c. */
#define SPEC_LIMIT_MAX	     (UINT64_MAX - 1)
#define SPEC_CPU_WEIGHT_IDLE 0 /* a cpu weight: cpu.idle */
struct spec_limits {
	bool cpu_accounting, memory_accounting, io_accounting, tasks_accounting;
	bool zswap_writeback;
	bool delegate;	   /* the payload may manage its own cgroup subtree */
	bool delegate_all; /* with every controller there is */
	bool coredump_receive;
	uint8_t disable_controllers;  /* CGROUP_* bits that groups below do not get */
	uint8_t delegate_controllers; /* CGROUP_* bits that the payload gets for sure */
	enum spec_cpu_partition cpu_partition;
	enum spec_oom_policy oom_policy;
	enum spec_pressure_watch pressure_watch;
	enum spec_managed_oom managed_oom_pressure;
	enum spec_oom_preference oom_preference;
	unsigned managed_oom_limit; /* parts per ten thousand of the time; 0: the default */
	usec_t managed_oom_duration, pressure_threshold;
	char *delegate_subgroup;

	uint64_t cpu_weight, startup_cpu_weight; /* 1..10000, SPEC_CPU_WEIGHT_IDLE */
	uint64_t cpu_quota;			 /* of CPU time per second of wall-clock time */
	uint64_t cpu_period, cpu_burst;
	char *allowed_cpus, *startup_allowed_cpus; /* "0-3,8" for cpuset.cpus; NULL: unset */
	char *allowed_memory_nodes, *startup_allowed_memory_nodes;
	uint64_t memory_min, memory_low, startup_memory_low;
	uint64_t default_memory_min, default_memory_low, default_startup_memory_low; /* of the groups below */
	uint64_t memory_high, startup_memory_high, memory_max, startup_memory_max;
	uint64_t memory_swap_max, startup_memory_swap_max, memory_zswap_max, startup_memory_zswap_max;
	uint64_t io_weight, startup_io_weight; /* 1..10000 */
	struct spec_io_limits io_device_weight, io_read_bandwidth, io_write_bandwidth, io_read_iops,
		io_write_iops, io_latency_target;
	uint64_t tasks_max;
	struct spec_io_limits hugetlb_max, hugetlb_reserved_max, rdma_handles_max, rdma_objects_max, misc_max;
};
extern const struct spec_limits spec_limits_default; /* nothing is limited */

/* The origin of an operation or failure that a field of the limits asked for: they stand behind a pointer, so offsetof() alone would not
 * tell them apart. */
#define SPEC_LIMITS_ORIGIN(field) \
	((uint32_t)offsetof(struct spec, limits) | ((uint32_t)offsetof(struct spec_limits, field) + 1) << 16)

/* What security modules are asked for. */
struct spec_confinement {
	/* each with "-" before it: errors do not matter */
	char *apparmor_profile, *selinux_context, *smack_label;
	/* parts of a container's SELinux context */
	char *label_type, *label_level, *label_file_type;
	bool label_disable, label_nested;
	uint32_t landlock_scope; /* LANDLOCK_SCOPE_* */
	char **landlock_read, **landlock_write, **landlock_execute,
		**landlock_ioctl;			  /* paths, "-" before one: may be missing; "none" */
	char **landlock_bind_tcp, **landlock_connect_tcp; /* ports, or "none" */
};
extern const struct spec_confinement spec_confinement_default;

/* As SPEC_LIMITS_ORIGIN, of a field at OFFSET in the confinement. */
#define SPEC_CONFINEMENT_ORIGIN(offset) \
	((uint32_t)offsetof(struct spec, confinement) | ((uint32_t)(offset) + 1) << 16)

/* --- filters ----------------------------------------------------------------------------------------- */

enum spec_device_policy {
	SPEC_DEVICE_AUTO,   /* all devices, or as CLOSED where something says which */
	SPEC_DEVICE_CLOSED, /* null, zero, full, random, urandom, tty, ptmx, pts and what is listed */
	SPEC_DEVICE_STRICT, /* what is listed */
	SPEC_DEVICE_POLICY_MAX_,
};

/* eBPF programs of the unit's control group (filter.h). The rules are text lists in the form of filter-text.h. */
struct spec_filters {
	bool ip_accounting;
	char **device_allow;		/* "/dev/sda rw", "char-pts rwm" */
	char **ip_allow, **ip_deny;	/* "10.0.0.0/8" */
	char **ip_ingress, **ip_egress; /* paths of pinned programs */
	char **programs;		/* "TYPE:PATH" of a pinned program */
	char **bind_allow, **bind_deny; /* "ipv4:tcp:80-89" */
	char **interfaces;   /* those that may be used; behind a first item "~", those that may not */
	char **nft_sets;     /* "cgroup:inet:TABLE:SET" */
	char **file_systems; /* names and @groups; behind a first item "~", those that may not */
};
extern const struct spec_filters spec_filters_default; /* nothing is filtered */

/* As SPEC_LIMITS_ORIGIN. */
#define SPEC_FILTERS_ORIGIN(field)                                                                       \
	((uint32_t)offsetof(struct spec, filters) | ((uint32_t)offsetof(struct spec_filters, field) + 1) \
							    << 16)

/* --- process ----------------------------------------------------------------------------------------- */

enum spec_stdio {
	SPEC_STDIO_NULL,
	SPEC_STDIO_LOG,	    /* the manager's log pipe; "journal" and "kmsg" mean this too */
	SPEC_STDIO_INHERIT, /* output: as standard output, standard error as output; input: null */
	SPEC_STDIO_FILE,    /* the path below, not truncated */
	SPEC_STDIO_APPEND,
	SPEC_STDIO_TRUNCATE,
	SPEC_STDIO_TTY, /* tty_path; as the input it becomes the controlling terminal, once it is free */
	SPEC_STDIO_TTY_FORCE, /* input: taken from whom has it */
	SPEC_STDIO_TTY_FAIL,  /* input: or not at all */
	SPEC_STDIO_DATA,      /* input: standard_input_data */
	SPEC_STDIO_SOCKET,    /* the one socket that is passed */
	SPEC_STDIO_FD,	      /* the passed descriptor whose name is `path` */
	SPEC_STDIO_LOG_KMSG,  /* the log, and a copy to the kernel's or the console */
	SPEC_STDIO_LOG_CONSOLE,
	SPEC_STDIO_LOG_KMSG_CONSOLE,
	SPEC_STDIO_MAX_,
};

struct spec_stream {
	enum spec_stdio kind;
	char *path; /* FILE, APPEND, TRUNCATE: opened on the host before any isolation; FD: a name */
};

/* An input that is read from and written to. */
static inline bool spec_stream_is_terminal(const struct spec_stream *input)
{
	return input->kind == SPEC_STDIO_TTY || input->kind == SPEC_STDIO_TTY_FORCE ||
	       input->kind == SPEC_STDIO_TTY_FAIL;
}

static inline bool spec_stream_is_both_ways(const struct spec_stream *input)
{
	return spec_stream_is_terminal(input) || input->kind == SPEC_STDIO_SOCKET ||
	       input->kind == SPEC_STDIO_FD;
}

static inline bool spec_stream_is_log(const struct spec_stream *output)
{
	return output->kind == SPEC_STDIO_LOG || output->kind >= SPEC_STDIO_LOG_KMSG;
}

/* What standard input yields, for SPEC_STDIO_DATA. */
struct spec_data {
	char *bytes;
	size_t size;
};

enum { /* spec_open_file.flags */
       SPEC_OPEN_READ_ONLY = 1 << 0,
       SPEC_OPEN_APPEND = 1 << 1,
       SPEC_OPEN_TRUNCATE = 1 << 2,
       SPEC_OPEN_GRACEFUL = 1 << 3, /* when it cannot be opened, the service does without */
};

/* A file of the host, or a socket to connect to, that the main process gets as a descriptor. */
struct spec_open_file {
	char *path, *name;
	unsigned flags;
};

struct spec_open_files {
	struct spec_open_file *items;
	size_t n;
};

enum spec_utmp { SPEC_UTMP_INIT, SPEC_UTMP_LOGIN, SPEC_UTMP_USER, SPEC_UTMP_MAX_ };

struct spec_rlimit {
	rlim_t soft, hard;
	bool set;
};
enum { SPEC_N_RLIMITS = RLIM_NLIMITS }; /* indexed by RLIMIT_* */

struct spec_environment_file {
	char *path;
	bool ignore_missing;
};

/* Directories on the host that belong to a service: directory.h. */
enum spec_directory {
	SPEC_DIRECTORY_RUNTIME,
	SPEC_DIRECTORY_STATE,
	SPEC_DIRECTORY_CACHE,
	SPEC_DIRECTORY_LOGS,
	SPEC_DIRECTORY_CONFIGURATION,
	SPEC_DIRECTORY_MAX_,
};

/* Where a credential comes from, in the order in which the first of a name counts: credential.h. */
enum spec_credential {
	SPEC_CREDENTIAL_LOAD,
	SPEC_CREDENTIAL_LOAD_ENCRYPTED,
	SPEC_CREDENTIAL_IMPORT,
	SPEC_CREDENTIAL_SET,
	SPEC_CREDENTIAL_SET_ENCRYPTED,
	SPEC_CREDENTIAL_MAX_,
};

enum spec_preserve { SPEC_PRESERVE_NO, SPEC_PRESERVE_YES, SPEC_PRESERVE_RESTART, SPEC_PRESERVE_MAX_ };

struct spec {
	/* isolation: a namespace each */
	bool private_mounts;
	bool private_pids;
	bool private_network; /* with the loopback interface up */
	bool private_ipc;
	bool private_hostname; /* UTS: who has CAP_SYS_ADMIN in it may set its names */
	bool protect_hostname; /* the same, and nobody may: ProtectHostname= */
	bool private_time;
	enum spec_control_groups control_groups;
	enum spec_user_namespace user_namespace;
	struct spec_id_map uid_map,
		gid_map;	      /* for SPEC_USER_MAP; for AUTO and NO_MAP what is mapped besides */
	uint32_t user_namespace_size; /* AUTO, NO_MAP, KEEP_ID: ids in the namespace; 0: 65536 */
	uint32_t keep_uid, keep_gid;  /* KEEP_ID */
	uint32_t
		mount_propagation; /* MS_SHARED, MS_SLAVE or MS_PRIVATE for a mount namespace; 0: the default */
	char *sub_user, *sub_group; /* SUB */
	char *hostname;		    /* set in the UTS namespace; implies private_hostname */
	int64_t time_offset_monotonic, time_offset_boottime; /* nanoseconds; imply private_time when not 0 */
	bool run_init; /* with a PID namespace: the payload runs below our own init (default true) */
	char *namespace_paths[SPEC_NAMESPACE_MAX_]; /* joined instead of created */
	char *network_unit;			    /* a unit whose network namespace is joined */
	char **sysctls;				    /* NAME=VALUE of the container's own namespaces */

	/* filesystem: the root */
	char *root_directory;		       /* RootDirectory=; NULL: the host's root */
	char *root_image, *root_image_options; /* RootImage=, RootImageOptions=: image-options.h */
	char *root_hash,
		*root_hash_signature; /* hexadecimal or a path; "base64:…" or a path; NULL: beside the image */
	char *root_verity;
	char *root_image_policy, *mount_image_policy,
		*extension_image_policy; /* image-policy.h; NULL: the default */
	bool root_ephemeral;		 /* writes to the root directory or image are gone at the end */
	char **image_layers; /* Image=: directories, uppermost first; an overlay is made of them. None may lie inside
				  another on one file system: overlayfs cannot stack them (compile() says so) */
	enum spec_upper upper; /* what catches writes to the overlay */
	char *upper_directory; /* SPEC_UPPER_PERSISTENT: holds "data" and "work"; made if missing, in a directory that exists;
				  NULL: compile_context.state_directory/name */
	bool read_only_root; /* ReadOnly= */
	bool read_only_tmpfs; /* then /run, /tmp and /var/tmp are tmpfs that can be written to (default true) */
	bool mount_api_vfs;   /* /proc, /sys, /run of its own and the host's /dev, in a root of its own */
	bool container_mounts; /* what containers have, and always with image_layers: /dev and /tmp of their own too, what the kernel
				  tells of the machine hidden */
	bool bind_log_sockets; /* the host's logger can be reached in a root of its own */

	/* filesystem: what is mounted in it; applied after sorting by target */
	struct spec_mounts volumes;	    /* Volume= */
	struct spec_mounts mounts, devices; /* Mount=, AddDevice= */
	struct spec_mounts bind_paths, bind_read_only_paths, temporary_file_systems, tmpfs;
	struct spec_mounts mount_images, extension_images, extension_directories;
	struct spec_mounts read_only_paths, read_write_paths, inaccessible_paths, exec_paths, no_exec_paths;
	char **mask, **unmask; /* Mask=, Unmask=: on top of the default masked paths */
	enum spec_private_tmp private_tmp;
	bool private_devices;
	enum spec_protect_system protect_system;
	enum spec_protect_home protect_home;
	enum spec_protect_proc protect_proc;
	bool process_subset_pid; /* ProcSubset=pid */
	bool protect_kernel_tunables, protect_kernel_modules, protect_kernel_logs, protect_clock;
	uint64_t shm_size; /* bytes; SPEC_UNSET: the kernel's default */

	/* what outlives a run */
	char **directories
		[SPEC_DIRECTORY_MAX_]; /* "PATH[:LINK[:ro]]", below compile_context.directories[kind] */
	mode_t directory_modes[SPEC_DIRECTORY_MAX_];
	char **credentials[SPEC_CREDENTIAL_MAX_]; /* credential.h */
	char **secrets;				  /* "NAME[,OPTION=VALUE…]" */
	enum spec_preserve runtime_preserve; /* do the runtime directories stay when the service stops? */

	/* operation control */
	uint64_t capability_bounding_set; /* bit per capability; SPEC_CAP_ALL */
	uint64_t ambient_capabilities;
	bool no_new_privileges;
	enum spec_seccomp_default seccomp_default;
	char *seccomp_profile; /* a JSON file on the host */
	struct spec_system_calls system_call_filter;
	struct spec_system_calls system_call_log; /* allow_list: these are logged; else all but these */
	int system_call_errno; /* what a refused call returns; 0: the process is killed with SIGSYS */
	char **system_call_architectures; /* "native", "x86", …; NULL: all */
	bool restrict_realtime, restrict_suid_sgid, lock_personality, memory_deny_write_execute;
	uint64_t restrict_namespaces; /* CLONE_NEW* bits that remain allowed; SPEC_UNSET: no restriction */
	char **restrict_address_families; /* "AF_INET", …; first item "~": deny list; NULL: no restriction */
	struct spec_confinement *confinement; /* NULL: none; read through spec_confinement() */

	/* limits */
	struct spec_limits *limits; /* NULL: none is set; read through spec_limits() */
	enum spec_device_policy device_policy;
	bool device_policy_implied;   /* a default, which goes without saying where it cannot be enforced */
	struct spec_filters *filters; /* NULL: none is set; read through spec_filters() */

	/* process */
	bool dynamic_user;  /* `user` exists while the service runs */
	char *user, *group; /* name or number; NULL: root */
	char **supplementary_groups;
	mode_t umask;
	int login_environment;	 /* HOME, LOGNAME, USER and SHELL: 0 no, 1 yes, -1 with a user */
	char *working_directory; /* "~" is the user's home; NULL: "/" */
	bool working_directory_optional;
	char *timezone;	    /* of the container: an area, or "local": the host's */
	char **environment; /* NAME=VALUE, later ones win */
	struct spec_environment_file *environment_files;
	size_t n_environment_files;
	char **pass_environment, **unset_environment;
	bool environment_host;	     /* all of the manager's own */
	struct spec_rlimit *rlimits; /* NULL: none is set; or SPEC_N_RLIMITS of them */
	int nice;		     /* -20..19 */
	bool nice_set;
	int oom_score_adjust;
	bool oom_score_adjust_set;
	int timer_slack_set;
	uint64_t timer_slack_nsec;
	bool ignore_sigpipe;   /* default true */
	char *utmp_identifier; /* NULL: no records */
	enum spec_utmp utmp_mode;
	char **exec_search_path; /* directories where a command without a slash is looked for; NULL: PATH */
	/* How the kernel treats the process; each -1 when unset. */
	int cpu_policy;	  /* SCHED_* */
	int cpu_priority; /* of a realtime policy */
	bool cpu_reset_on_fork;
	char *cpu_affinity;	 /* "0-3,8", or "numa": the CPUs of numa_mask */
	int numa_policy;	 /* MPOL_* */
	char *numa_mask;	 /* "0-1", or "all" */
	int io_priority;	 /* class << 13 | level: ioprio_set(2) */
	int personality;	 /* PER_* */
	int64_t coredump_filter; /* bits of /proc/PID/coredump_filter */
	int memory_ksm;		 /* 0, 1 */
	int secure_bits;	 /* SECBIT_*; 0: none */
	enum spec_keyring keyring;
	struct spec_stream standard_input, standard_output, standard_error;
	struct spec_data standard_input_data;
	char *tty_path;				      /* NULL: /dev/console */
	bool tty_reset, tty_vhangup, tty_disallocate; /* before and after */
	uint16_t tty_rows, tty_columns;		      /* 0: as they are */
	struct spec_open_files open_files;
};

/* Sets every field to what an unset directive means. */
void spec_init(struct spec *spec);
void spec_deinit(struct spec *spec);
void spec_mounts_deinit(struct spec_mounts *mounts);
extern const struct spec_rlimit spec_rlimits_default[SPEC_N_RLIMITS]; /* none is set */
/* As SPEC_LIMITS_ORIGIN, of the limit on a RESOURCE. */
#define SPEC_RLIMIT_ORIGIN(resource)                                                                        \
	((uint32_t)offsetof(struct spec, rlimits) | (uint32_t)((resource) * sizeof(struct spec_rlimit) + 1) \
							    << 16)
/* Never NULL. */
static inline const struct spec_confinement *spec_confinement(const struct spec *spec)
{
	return spec->confinement ? spec->confinement : &spec_confinement_default;
}
static inline const struct spec_filters *spec_filters(const struct spec *spec)
{
	return spec->filters ? spec->filters : &spec_filters_default;
}
static inline const struct spec_limits *spec_limits(const struct spec *spec)
{
	return spec->limits ? spec->limits : &spec_limits_default;
}
void spec_open_files_deinit(struct spec_open_files *files);
/* Appends a zeroed mount and returns it; NULL when out of memory. */
struct spec_mount *spec_mounts_append(struct spec_mounts *mounts);
