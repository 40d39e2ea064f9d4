/* The table of questions. A question is a function from a launch (and the row's argument) to a badness between 0 and the
 * row's range; the score is the weighted part of all badness. Names and weights follow systemd-analyze(1), so that a
 * user's sense of the numbers carries over; what systemd does not ask (limits) weighs little. */
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "engine/exposure.h"
#include "engine/filter-device.h"
#include "engine/seccomp-ask.h"

const char *const exposure_room_names[EXPOSURE_ROOM_MAX_] = {
	[EXPOSURE_ISOLATION] = "isolation",   [EXPOSURE_IDENTITY] = "identity",
	[EXPOSURE_FILESYSTEM] = "filesystem", [EXPOSURE_CONTROL] = "control",
	[EXPOSURE_LIMITS] = "limits",
};

struct exposure_question {
	enum exposure_room room;
	unsigned weight, range;
	const char *name;
	const char *good, *bad;
	unsigned (*assess)(const struct exposure_launch *launch, const struct exposure_question *question);
	uint64_t number;  /* namespaces, capabilities, an address family, … */
	const char *list; /* paths, system calls */
};

#define CAP(name) (UINT64_C(1) << CAP_##name)

/* --- questions ----------------------------------------------------------------------------------------- */

static unsigned exposure_namespace(const struct exposure_launch *launch,
				   const struct exposure_question *question)
{
	return !exposure_separate(launch, question->number);
}

static unsigned exposure_capability(const struct exposure_launch *launch,
				    const struct exposure_question *question)
{
	return !!(exposure_capabilities(launch) & question->number);
}

static unsigned exposure_calls(const struct exposure_launch *launch, const struct exposure_question *question)
{
	return seccomp_ask_any(launch->program->block, question->list);
}

/* A call whose argument NUMBER (the first one, or that of the row's list "CALL:INDEX") is what should be refused. */
static unsigned exposure_call(const struct exposure_launch *launch, const struct exposure_question *question)
{
	uint64_t arguments[6] = {};
	char name[32];
	unsigned index = 0;

	if (sscanf(question->list, "%31[^:]:%u", name, &index) < 1 || index >= ARRAY_SIZE(arguments))
		return question->range;
	arguments[index] = question->number;
	return seccomp_ask_call(launch->program->block, name, arguments);
}

/* In a network namespace of its own there is nobody to talk to but through a socket of the file system. */
static unsigned exposure_family(const struct exposure_launch *launch,
				const struct exposure_question *question)
{
	if (question->number != AF_UNIX && exposure_separate(launch, CLONE_NEWNET))
		return 0;
	return exposure_call(launch, question);
}

/* clone3(2) hides its flags from a filter, so that a filter which means it refuses that call altogether. */
static unsigned exposure_new_namespace(const struct exposure_launch *launch,
				       const struct exposure_question *question)
{
	static const char *const calls[] = {"unshare", "clone", "clone3"};
	uint64_t arguments[6] = {question->number};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (seccomp_ask_call(launch->program->block, calls[i], arguments))
			return 1;
	return 0;
}

static unsigned exposure_has_not(const struct exposure_launch *launch,
				 const struct exposure_question *question)
{
	return !exposure_has(launch, (enum program_code)question->number);
}

static unsigned exposure_visible(const struct exposure_launch *launch,
				 const struct exposure_question *question)
{
	enum exposure_path state = exposure_path(launch, question->list);

	return state == EXPOSURE_HIDDEN	     ? 0
	       : state == EXPOSURE_READ_ONLY ? question->range / 2
					     : question->range;
}

static unsigned exposure_writable(const struct exposure_launch *launch,
				  const struct exposure_question *question)
{
	return exposure_path(launch, question->list) == EXPOSURE_WRITABLE;
}

static unsigned exposure_system(const struct exposure_launch *launch,
				const struct exposure_question *question _unused_)
{
	if (exposure_path(launch, "/usr") == EXPOSURE_WRITABLE)
		return 10;
	if (exposure_path(launch, "/etc") == EXPOSURE_WRITABLE)
		return 5;
	return exposure_path(launch, "/var") == EXPOSURE_WRITABLE ? 1 : 0;
}

static unsigned exposure_home(const struct exposure_launch *launch,
			      const struct exposure_question *question _unused_)
{
	static const char *const homes[] = {"/home", "/root", "/run/user"};
	unsigned worst = 0;

	for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
		enum exposure_path state = exposure_path(launch, homes[i]);

		worst = MAX_OF(worst, state == EXPOSURE_WRITABLE    ? 10u
				      : state == EXPOSURE_READ_ONLY ? 5u
								    : 0u);
	}
	return worst;
}

/* An own cgroupfs shows the service's group only, and is read-only unless it is delegated. */
static unsigned exposure_control_groups(const struct exposure_launch *launch,
					const struct exposure_question *question _unused_)
{
	if (exposure_has(launch, PROGRAM_CGROUP_FS) || exposure_own_root(launch))
		return 0;
	return exposure_path(launch, "/sys/fs/cgroup") == EXPOSURE_WRITABLE;
}

static unsigned exposure_kernel_log(const struct exposure_launch *launch,
				    const struct exposure_question *question _unused_)
{
	return !!(exposure_capabilities(launch) & CAP(SYSLOG));
}

static unsigned exposure_modules(const struct exposure_launch *launch,
				 const struct exposure_question *question _unused_)
{
	return exposure_capabilities(launch) & CAP(SYS_MODULE) &&
	       seccomp_ask_any(launch->program->block, "@module");
}

static unsigned exposure_clock(const struct exposure_launch *launch,
			       const struct exposure_question *question _unused_)
{
	return exposure_capabilities(launch) & CAP(SYS_TIME) &&
	       seccomp_ask_any(launch->program->block, "@clock");
}

static unsigned exposure_hostname(const struct exposure_launch *launch,
				  const struct exposure_question *question _unused_)
{
	return !exposure_separate(launch, CLONE_NEWUTS) && exposure_capabilities(launch) & CAP(SYS_ADMIN);
}

static unsigned exposure_processes(const struct exposure_launch *launch,
				   const struct exposure_question *question _unused_)
{
	const char *options = exposure_mount_options(launch, PROGRAM_PROC);

	if (exposure_separate(launch, CLONE_NEWPID))
		return 0;
	if (!options || !strstr(options, "hidepid="))
		return 3;
	return strstr(options, "hidepid=noaccess") ? 1 : 0;
}

static unsigned exposure_subset(const struct exposure_launch *launch,
				const struct exposure_question *question _unused_)
{
	const char *options = exposure_mount_options(launch, PROGRAM_PROC);

	return !options || !strstr(options, "subset=pid");
}

static unsigned exposure_user(const struct exposure_launch *launch,
			      const struct exposure_question *question _unused_)
{
	uint32_t uid = launch->program->uid;

	return uid == 0 ? 10 : uid == 65534 ? 9 : 0;
}

static unsigned exposure_groups(const struct exposure_launch *launch,
				const struct exposure_question *question _unused_)
{
	const struct program_header *program = launch->program->block;

	for (uint32_t i = 0; i < program->n_ops; i++)
		if (program_ops(program)[i].code == PROGRAM_GROUPS)
			return program_ops(program)[i].number > 1;
	return 0;
}

static unsigned exposure_ambient(const struct exposure_launch *launch,
				 const struct exposure_question *question _unused_)
{
	const struct program_header *program = launch->program->block;

	for (uint32_t i = 0; i < program->n_ops; i++)
		if (program_ops(program)[i].code == PROGRAM_CAPABILITIES)
			return program_ops(program)[i].number2 != 0;
	return 0;
}

static unsigned exposure_umask(const struct exposure_launch *launch,
			       const struct exposure_question *question _unused_)
{
	const struct program_header *program = launch->program->block;
	uint64_t mask = 0;

	for (uint32_t i = 0; i < program->n_ops; i++)
		if (program_ops(program)[i].code == PROGRAM_UMASK)
			mask = program_ops(program)[i].number;
	return !(mask & 0002) ? 10 : !(mask & 0004) ? 5 : !(mask & 0040) ? 2 : 0;
}

static unsigned exposure_foreign(const struct exposure_launch *launch,
				 const struct exposure_question *question)
{
	return seccomp_ask_foreign(launch->program->block) ? question->range : 0;
}

static unsigned exposure_notify(const struct exposure_launch *launch,
				const struct exposure_question *question _unused_)
{
	return launch->notify_all;
}

/* In an IPC namespace of its own they go with it. */
static unsigned exposure_ipc_left(const struct exposure_launch *launch,
				  const struct exposure_question *question _unused_)
{
	return !launch->removes_ipc && !exposure_separate(launch, CLONE_NEWIPC) && launch->program->uid != 0;
}

static unsigned exposure_delegate(const struct exposure_launch *launch,
				  const struct exposure_question *question _unused_)
{
	return spec_limits(launch->spec)->delegate;
}

static unsigned exposure_device_nodes(const struct exposure_launch *launch,
				      const struct exposure_question *question _unused_)
{
	return !exposure_has(launch, PROGRAM_DEV);
}

static unsigned exposure_devices(const struct exposure_launch *launch,
				 const struct exposure_question *question)
{
	const struct spec_filters *filters = spec_filters(launch->spec);

	if (!launch->cgroup || !filter_device_wanted(launch->spec))
		return question->range;
	return filters->device_allow ? question->range / 5 : 0;
}

static unsigned exposure_addresses(const struct exposure_launch *launch,
				   const struct exposure_question *question)
{
	const struct spec_filters *filters = spec_filters(launch->spec);

	if (exposure_separate(launch, CLONE_NEWNET))
		return 0;
	if (!launch->cgroup || !filters->ip_deny)
		return question->range;
	return filters->ip_allow ? question->range / 2 : 0;
}

static unsigned exposure_limit(const struct exposure_launch *launch, const struct exposure_question *question)
{
	uint64_t value = *(const uint64_t *)((const char *)spec_limits(launch->spec) + question->number);

	return !launch->cgroup || value == SPEC_UNSET || value == SPEC_LIMIT_MAX;
}

/* --- the table ----------------------------------------------------------------------------------------- */

#define NAMESPACE(weight, name, flag, what)                                             \
	{                                                                               \
		EXPOSURE_ISOLATION, weight, 1, name, "Has " what " of its own",         \
			"Shares " what " with the host", exposure_namespace, flag, NULL \
	}
#define CAPS(weight, name, set, what)                                                                     \
	{                                                                                                 \
		EXPOSURE_CONTROL, weight, 1, "CapabilityBoundingSet=~" name, "Cannot " what, "May " what, \
			exposure_capability, set, NULL                                                    \
	}
#define CALLS(weight, group, what)                                                                     \
	{                                                                                              \
		EXPOSURE_CONTROL, weight, 1, "SystemCallFilter=~" group, "Filter refuses calls " what, \
			"Filter allows calls " what, exposure_calls, 0, group                          \
	}
#define NEW(weight, word, flag)                                                                              \
	{                                                                                                    \
		EXPOSURE_CONTROL, weight, 1, "RestrictNamespaces=~" word, "Cannot make " word " namespaces", \
			"May make " word " namespaces", exposure_new_namespace, flag, NULL                   \
	}
#define FAMILY(weight, name, family, what)                                                              \
	{                                                                                               \
		EXPOSURE_CONTROL, weight, 1, "RestrictAddressFamilies=~" name,                          \
			"Cannot reach anything by " what, "May talk by " what, exposure_family, family, \
			"socket:0"                                                                      \
	}
#define REFUSES(weight, name, call, value, what)                                                           \
	{                                                                                                  \
		EXPOSURE_CONTROL, weight, 1, name, "Cannot " what, "May " what, exposure_call, value, call \
	}
#define QUESTION(room, weight, range, name, good, bad, ...)                  \
	{                                                                    \
		EXPOSURE_##room, weight, range, name, good, bad, __VA_ARGS__ \
	}

/* clang-format off */
static const struct exposure_question exposure_questions[] = {
	NAMESPACE(2500, "PrivateNetwork=", CLONE_NEWNET, "a network"),
	NAMESPACE(1000, "PrivateUsers=", CLONE_NEWUSER, "users"),
	NAMESPACE(1000, "PrivateMounts=", CLONE_NEWNS, "mounts"),
	NAMESPACE(500, "PrivatePIDs=", CLONE_NEWPID, "processes"),
	NAMESPACE(250, "PrivateIPC=", CLONE_NEWIPC, "inter-process communication"),
	QUESTION(ISOLATION, 50, 1, "ProtectHostname=", "Cannot change the host's name", "May change the host's name", exposure_hostname),
	QUESTION(ISOLATION, 1000, 3, "ProtectProc=", "Does not see other processes", "Sees processes of the host in /proc", exposure_processes),
	QUESTION(ISOLATION, 1000, 1, "ProtectControlGroups=", "Cannot change control groups", "May change control groups of the host", exposure_control_groups),

	QUESTION(IDENTITY, 2000, 10, "User=", "Is nobody of power on the host", "Is root, or nobody, on the host", exposure_user),
	QUESTION(IDENTITY, 200, 1, "SupplementaryGroups=", "Has no further groups", "Has further groups", exposure_groups),
	QUESTION(IDENTITY, 500, 1, "AmbientCapabilities=", "Has no ambient capabilities", "Hands capabilities on to what it executes", exposure_ambient),
	QUESTION(IDENTITY, 1000, 1, "NoNewPrivileges=", "Cannot gain privileges by what it executes", "May gain privileges by what it executes", exposure_has_not, PROGRAM_NO_NEW_PRIVILEGES),
	QUESTION(IDENTITY, 100, 10, "UMask=", "Makes files that others cannot read", "Makes files that others can read or write", exposure_umask),
	QUESTION(IDENTITY, 1000, 1, "KeyringMode=", "Has a keyring of its own", "Shares the keyring of the manager", exposure_has_not, PROGRAM_KEYRING),
	QUESTION(IDENTITY, 1000, 1, "NotifyAccess=", "Its child processes cannot speak for it", "Every process of it may speak for it", exposure_notify),
	QUESTION(IDENTITY, 100, 1, "RemoveIPC=", "Leaves no shared memory behind", "May leave shared memory behind", exposure_ipc_left),

	QUESTION(FILESYSTEM, 200, 1, "RootDirectory=/Image=", "Has a root of its own", "Is in the host's root", exposure_has_not, PROGRAM_ATTACH_ROOT),
	QUESTION(FILESYSTEM, 1000, 10, "ProtectSystem=", "Cannot write to the host's system", "May write to the host's system", exposure_system),
	QUESTION(FILESYSTEM, 1000, 10, "ProtectHome=", "Does not see home directories", "Sees home directories", exposure_home),
	QUESTION(FILESYSTEM, 1000, 1, "PrivateTmp=", "Has a /tmp of its own", "Shares /tmp with the host", exposure_visible, 0, "/tmp"),
	QUESTION(FILESYSTEM, 1000, 1, "PrivateDevices=", "Has a /dev of its own", "Sees the host's devices", exposure_device_nodes),
	QUESTION(FILESYSTEM, 1000, 1, "ProtectKernelTunables=", "Cannot change kernel variables", "May change kernel variables", exposure_writable, 0, "/proc/sys"),
	QUESTION(FILESYSTEM, 10, 1, "ProcSubset=", "Sees nothing but processes in /proc", "Sees the kernel's files in /proc", exposure_subset),

	QUESTION(CONTROL, 1000, 1, "ProtectKernelModules=", "Cannot load kernel modules", "May load kernel modules", exposure_modules),
	QUESTION(CONTROL, 1000, 1, "ProtectKernelLogs=", "Cannot read the kernel's log", "May read the kernel's log", exposure_kernel_log),
	QUESTION(CONTROL, 1000, 1, "ProtectClock=", "Cannot set the clock", "May set the clock", exposure_clock),
	CAPS(1500, "CAP_SYS_ADMIN", CAP(SYS_ADMIN), "administer the machine"),
	CAPS(1500, "CAP_SET(UID|GID|PCAP)", CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP), "become another user"),
	CAPS(1500, "CAP_SYS_PTRACE", CAP(SYS_PTRACE), "trace any process"),
	CAPS(1000, "CAP_SYS_TIME", CAP(SYS_TIME), "set the clocks"),
	CAPS(1000, "CAP_NET_ADMIN", CAP(NET_ADMIN), "configure networks"),
	CAPS(1000, "CAP_SYS_RAWIO", CAP(SYS_RAWIO), "access hardware directly"),
	CAPS(1000, "CAP_SYS_MODULE", CAP(SYS_MODULE), "load modules"),
	CAPS(500, "CAP_AUDIT_*", CAP(AUDIT_CONTROL) | CAP(AUDIT_READ) | CAP(AUDIT_WRITE), "use the audit subsystem"),
	CAPS(500, "CAP_SYSLOG", CAP(SYSLOG), "read the kernel's log"),
	CAPS(500, "CAP_SYS_(NICE|RESOURCE)", CAP(SYS_NICE) | CAP(SYS_RESOURCE), "take more than its share of resources"),
	CAPS(500, "CAP_MKNOD", CAP(MKNOD), "make device nodes"),
	CAPS(1000, "CAP_(CHOWN|FSETID|SETFCAP)", CAP(CHOWN) | CAP(FSETID) | CAP(SETFCAP), "change owners of files"),
	CAPS(1000, "CAP_(DAC_*|FOWNER|IPC_OWNER)", CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(IPC_OWNER), "override permissions of files"),
	CAPS(500, "CAP_KILL", CAP(KILL), "send signals to any process"),
	CAPS(500, "CAP_NET_(BIND_SERVICE|BROADCAST|RAW)", CAP(NET_BIND_SERVICE) | CAP(NET_BROADCAST) | CAP(NET_RAW), "use privileged ports and raw sockets"),
	CAPS(100, "CAP_SYS_BOOT", CAP(SYS_BOOT), "reboot"),
	CAPS(100, "CAP_MAC_*", CAP(MAC_ADMIN) | CAP(MAC_OVERRIDE), "change mandatory access control"),
	CAPS(75, "CAP_LINUX_IMMUTABLE", CAP(LINUX_IMMUTABLE), "mark files immutable"),
	CAPS(50, "CAP_IPC_LOCK", CAP(IPC_LOCK), "lock memory"),
	CAPS(50, "CAP_SYS_CHROOT", CAP(SYS_CHROOT), "change its root"),
	CAPS(25, "CAP_BLOCK_SUSPEND", CAP(BLOCK_SUSPEND), "keep the machine awake"),
	CAPS(25, "CAP_WAKE_ALARM", CAP(WAKE_ALARM), "wake the machine"),
	CAPS(25, "CAP_LEASE", CAP(LEASE), "lease files"),
	CAPS(25, "CAP_SYS_TTY_CONFIG", CAP(SYS_TTY_CONFIG), "configure terminals"),
	CAPS(25, "CAP_SYS_PACCT", CAP(SYS_PACCT), "switch accounting"),
	CAPS(25, "CAP_BPF", CAP(BPF), "load eBPF programs"),
	CALLS(1000, "@swap", "for swap space"),
	CALLS(250, "@obsolete", "that are obsolete"),
	CALLS(1000, "@clock", "that set clocks"),
	CALLS(250, "@cpu-emulation", "that emulate processors"),
	CALLS(1000, "@debug", "for debugging"),
	CALLS(1000, "@mount", "that mount"),
	CALLS(1000, "@module", "for kernel modules"),
	CALLS(1000, "@raw-io", "for hardware"),
	CALLS(1000, "@reboot", "that reboot"),
	CALLS(700, "@privileged", "for the privileged"),
	CALLS(700, "@resources", "that change resource use"),
	QUESTION(CONTROL, 1000, 10, "SystemCallArchitectures=", "Calls of other architectures are refused", "Calls of other architectures are allowed", exposure_foreign),
	NEW(1500, "user", CLONE_NEWUSER),
	NEW(500, "mnt", CLONE_NEWNS),
	NEW(500, "ipc", CLONE_NEWIPC),
	NEW(500, "pid", CLONE_NEWPID),
	NEW(500, "cgroup", CLONE_NEWCGROUP),
	NEW(500, "net", CLONE_NEWNET),
	NEW(100, "uts", CLONE_NEWUTS),
	FAMILY(1500, "AF_(INET|INET6)", AF_INET, "the internet protocols"),
	FAMILY(25, "AF_UNIX", AF_UNIX, "local sockets"),
	FAMILY(200, "AF_NETLINK", AF_NETLINK, "netlink"),
	FAMILY(1000, "AF_PACKET", AF_PACKET, "raw packets"),
	FAMILY(1250, "…", AF_VSOCK, "other families of sockets"),
	REFUSES(100, "LockPersonality=", "personality:0", 0x0008, "change its execution domain"),
	REFUSES(100, "MemoryDenyWriteExecute=", "mmap:2", PROT_READ | PROT_WRITE | PROT_EXEC, "have memory that is writable and executable"),
	REFUSES(500, "RestrictRealtime=", "sched_setscheduler:1", SCHED_FIFO, "take a processor for itself"),
	REFUSES(1000, "RestrictSUIDSGID=", "fchmodat:2", 04755, "make set-user-ID files"),

	QUESTION(LIMITS, 1000, 10, "DeviceAllow=", "Opens no devices but the harmless", "May open devices", exposure_devices),
	QUESTION(LIMITS, 1000, 10, "IPAddressDeny=", "Reaches no address, or few", "Reaches every address", exposure_addresses),
	QUESTION(LIMITS, 100, 1, "Delegate=", "Does not manage control groups", "Manages control groups of its own", exposure_delegate),
	QUESTION(LIMITS, 100, 1, "MemoryMax=", "Has a limit on memory", "May use all memory", exposure_limit, offsetof(struct spec_limits, memory_max)),
	QUESTION(LIMITS, 100, 1, "TasksMax=", "Has a limit on processes", "May make any number of processes", exposure_limit, offsetof(struct spec_limits, tasks_max)),
	QUESTION(LIMITS, 50, 1, "CPUQuota=", "Has a limit on processor time", "May use all processors", exposure_limit, offsetof(struct spec_limits, cpu_quota)),
};
/* clang-format on */
static_assert(ARRAY_SIZE(exposure_questions) <= ARRAY_SIZE(((struct exposure *)NULL)->rows), "room for all");

/* systemd-analyze(1) */
const char *exposure_predicate(unsigned score)
{
	static const struct {
		unsigned from;
		const char *name;
	} predicates[] = {{100, "DANGEROUS"}, {90, "UNSAFE"}, {75, "EXPOSED"},
			  {50, "MEDIUM"},     {10, "OK"},     {1, "SAFE"}};

	for (size_t i = 0; i < ARRAY_SIZE(predicates); i++)
		if (score >= predicates[i].from)
			return predicates[i].name;
	return "PERFECT";
}

void exposure_assess(const struct exposure_launch *launch, struct exposure *ret)
{
	uint64_t bad = 0, all = 0;

	*ret = (struct exposure){.n = ARRAY_SIZE(exposure_questions)};
	for (size_t i = 0; i < ret->n; i++) {
		const struct exposure_question *question = &exposure_questions[i];
		unsigned badness = MIN_OF(question->assess(launch, question), question->range);

		ret->rows[i] = (struct exposure_row){
			question->room,	  question->name, badness ? question->bad : question->good,
			question->weight, badness,	  question->range};
		bad += (uint64_t)question->weight * badness * 1000 / question->range;
		all += (uint64_t)question->weight * 1000;
	}
	ret->score = (unsigned)((bad * 100 + all / 2) / all);
	if (ret->score == 0 && bad > 0)
		ret->score = 1;
	ret->predicate = exposure_predicate(ret->score);
}
