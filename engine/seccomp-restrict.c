/* One function per directive of systemd.exec(5) that is enforced by a look at arguments. Where a call passes
 * what matters behind a pointer, it is refused as a whole with ENOSYS: the C library then uses an older call.
 * io_uring can open files and sockets without a system call of their own, so it goes where those are
 * restricted. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "engine/seccomp-restrict.h"

#define SECCOMP_RESTRICT_REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define SECCOMP_RESTRICT_ABSENT	 (SECCOMP_RET_ERRNO | ENOSYS)

static const struct {
	const char *name;
	uint32_t number;
} seccomp_restrict_families[] = {
	{"AF_UNIX", AF_UNIX},
	{"AF_LOCAL", AF_UNIX},
	{"AF_INET", AF_INET},
	{"AF_INET6", AF_INET6},
	{"AF_NETLINK", AF_NETLINK},
	{"AF_PACKET", AF_PACKET},
	{"AF_VSOCK", AF_VSOCK},
	{"AF_BLUETOOTH", AF_BLUETOOTH},
	{"AF_CAN", AF_CAN},
	{"AF_ALG", AF_ALG},
	{"AF_XDP", AF_XDP},
	{"AF_TIPC", AF_TIPC},
	{"AF_KEY", AF_KEY},
	{"AF_RDS", AF_RDS},
	{"AF_AX25", AF_AX25},
	{"AF_IPX", AF_IPX},
	{"AF_APPLETALK", AF_APPLETALK},
	{"AF_NETROM", AF_NETROM},
	{"AF_BRIDGE", AF_BRIDGE},
	{"AF_ATMPVC", AF_ATMPVC},
	{"AF_X25", AF_X25},
	{"AF_ROSE", AF_ROSE},
	{"AF_ATMSVC", AF_ATMSVC},
	{"AF_PPPOX", AF_PPPOX},
	{"AF_LLC", AF_LLC},
	{"AF_IB", AF_IB},
	{"AF_MPLS", AF_MPLS},
	{"AF_RXRPC", AF_RXRPC},
	{"AF_ISDN", AF_ISDN},
	{"AF_PHONET", AF_PHONET},
	{"AF_IEEE802154", AF_IEEE802154},
	{"AF_CAIF", AF_CAIF},
	{"AF_NFC", AF_NFC},
	{"AF_KCM", AF_KCM},
	{"AF_QIPCRTR", AF_QIPCRTR},
	{"AF_SMC", AF_SMC},
};

static void seccomp_restrict_any_bit(struct seccomp_policy *policy, const char *call, unsigned argument,
				     uint32_t bits)
{
	static const uint32_t zero[] = {0};

	seccomp_policy_condition(seccomp_policy_rule(policy, call, SECCOMP_RESTRICT_REFUSED), argument, bits,
				 true, zero, 1);
}

static void seccomp_restrict_realtime(struct seccomp_policy *policy)
{
	static const uint32_t ordinary[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE};

	seccomp_policy_condition(seccomp_policy_rule(policy, "sched_setscheduler", SECCOMP_RESTRICT_REFUSED),
				 1, ~(uint32_t)SCHED_RESET_ON_FORK, true, ordinary, ARRAY_SIZE(ordinary));
	seccomp_policy_refuse(policy, "sched_setattr", SECCOMP_RESTRICT_REFUSED);
}

static void seccomp_restrict_suid_sgid(struct seccomp_policy *policy)
{
	static const struct {
		const char *call;
		uint8_t mode, flags;
	} calls[] = {
		{"chmod", 1, 0}, {"fchmod", 1, 0},  {"fchmodat", 2, 0}, {"fchmodat2", 2, 0},
		{"mkdir", 1, 0}, {"mkdirat", 2, 0}, {"mknod", 1, 0},	{"mknodat", 2, 0},
		{"creat", 1, 0}, {"open", 2, 1},    {"openat", 3, 2},
	};
	static const uint32_t zero[] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct seccomp_code_rule *rule =
			seccomp_policy_rule(policy, calls[i].call, SECCOMP_RESTRICT_REFUSED);

		seccomp_policy_condition(rule, calls[i].mode, S_ISUID | S_ISGID, true, zero, 1);
		/* Where nothing is created the mode is not looked at, and may be anything. */
		if (calls[i].flags)
			seccomp_policy_condition(rule, calls[i].flags, O_CREAT | (O_TMPFILE & ~O_DIRECTORY),
						 true, zero, 1);
	}
	seccomp_policy_refuse(policy, "openat2 io_uring_setup", SECCOMP_RESTRICT_ABSENT);
}

static void seccomp_restrict_write_execute(struct seccomp_policy *policy)
{
	static const uint32_t both[] = {PROT_WRITE | PROT_EXEC}, attach[] = {21 /* SHMAT of ipc(2) */},
			      zero[] = {0};
	struct seccomp_code_rule *rule;

	/* An architecture that has mmap2 passes the arguments of the old mmap behind a pointer. */
	if (seccomp_policy_number(policy, "mmap2") >= 0)
		seccomp_policy_refuse(policy, "mmap", SECCOMP_RESTRICT_REFUSED);
	seccomp_policy_condition(seccomp_policy_rule(policy, "mmap", SECCOMP_RESTRICT_REFUSED), 2,
				 PROT_WRITE | PROT_EXEC, false, both, 1);
	seccomp_policy_condition(seccomp_policy_rule(policy, "mmap2", SECCOMP_RESTRICT_REFUSED), 2,
				 PROT_WRITE | PROT_EXEC, false, both, 1);
	seccomp_restrict_any_bit(policy, "mprotect", 2, PROT_EXEC);
	seccomp_restrict_any_bit(policy, "pkey_mprotect", 2, PROT_EXEC);
	seccomp_restrict_any_bit(policy, "shmat", 2, SHM_EXEC);
	rule = seccomp_policy_rule(policy, "ipc", SECCOMP_RESTRICT_REFUSED);
	seccomp_policy_condition(rule, 0, UINT16_MAX, false, attach, 1);
	seccomp_policy_condition(rule, 2, SHM_EXEC, true, zero, 1);
}

/* What the payload begins with, and the question. */
static void seccomp_restrict_personality(struct seccomp_policy *policy, int personality)
{
	const uint32_t unchanged[] = {personality < 0 ? PER_LINUX : (uint32_t)personality, UINT32_MAX};

	seccomp_policy_condition(seccomp_policy_rule(policy, "personality", SECCOMP_RESTRICT_REFUSED), 0,
				 UINT32_MAX, true, unchanged, ARRAY_SIZE(unchanged));
}

static void seccomp_restrict_namespaces(struct seccomp_policy *policy, uint64_t allowed)
{
	const uint32_t all = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
			     CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;
	const uint32_t refused = all & ~(uint32_t)allowed;
	static const uint32_t zero[] = {0};

	if (refused == 0)
		return;
		/* In clone(2) the bit of CLONE_NEWTIME belongs to the exit signal. */
#ifdef __s390__
	seccomp_restrict_any_bit(policy, "clone", 1, refused & ~(uint32_t)CLONE_NEWTIME);
#else
	seccomp_restrict_any_bit(policy, "clone", 0, refused & ~(uint32_t)CLONE_NEWTIME);
#endif
	seccomp_restrict_any_bit(policy, "unshare", 0, refused);
	seccomp_restrict_any_bit(policy, "setns", 1, refused);
	/* 0 is "whatever it is". */
	seccomp_policy_condition(seccomp_policy_rule(policy, "setns", SECCOMP_RESTRICT_REFUSED), 1,
				 UINT32_MAX, false, zero, 1);
	seccomp_policy_refuse(policy, "clone3", SECCOMP_RESTRICT_ABSENT);
}

static bool seccomp_restrict_family(const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(seccomp_restrict_families); i++)
		if (strcmp(seccomp_restrict_families[i].name, name) == 0) {
			*ret = seccomp_restrict_families[i].number;
			return true;
		}
	return false;
}

static int seccomp_restrict_address_families(struct build *build, struct seccomp_policy *policy)
{
	char **names = build->spec->restrict_address_families;
	bool deny_list = names[0] && strcmp(names[0], "~") == 0;
	uint32_t values[SECCOMP_CODE_VALUES];
	size_t n = 0;

	for (size_t i = deny_list; names[i]; i++) {
		const char *name = names[i] + (names[i][0] == '~');

		BUILD_ORIGIN_ITEM(build, restrict_address_families, i);
		if (strcmp(name, "none") == 0)
			continue;
		if (n == ARRAY_SIZE(values))
			return build_fail(build, -E2BIG, "too many address families");
		if (!seccomp_restrict_family(name, &values[n++]))
			return build_fail(build, -EINVAL, "\"%s\" is no address family", name);
	}
	seccomp_policy_condition(seccomp_policy_rule(policy, "socket", SECCOMP_RET_ERRNO | EAFNOSUPPORT), 0,
				 UINT32_MAX, !deny_list, values, n);
	seccomp_policy_refuse(policy, "socketcall io_uring_setup", SECCOMP_RESTRICT_ABSENT);
	return 0;
}

bool seccomp_restrict_wanted(const struct spec *spec)
{
	return spec->restrict_realtime || spec->restrict_suid_sgid || spec->lock_personality ||
	       spec->memory_deny_write_execute || spec->restrict_namespaces != SPEC_UNSET ||
	       spec->restrict_address_families || spec->protect_kernel_modules || spec->protect_kernel_logs ||
	       spec->protect_clock || spec->private_devices || spec->protect_kernel_tunables ||
	       spec->protect_hostname;
}

int seccomp_restrict_apply(struct build *build, struct seccomp_policy *policy)
{
	const struct spec *spec = build->spec;

	if (spec->restrict_realtime)
		seccomp_restrict_realtime(policy);
	if (spec->restrict_suid_sgid)
		seccomp_restrict_suid_sgid(policy);
	if (spec->lock_personality)
		seccomp_restrict_personality(policy, spec->personality);
	if (spec->memory_deny_write_execute)
		seccomp_restrict_write_execute(policy);
	if (spec->restrict_namespaces != SPEC_UNSET)
		seccomp_restrict_namespaces(policy, spec->restrict_namespaces);
	if (spec->protect_kernel_modules)
		seccomp_policy_refuse(policy, "@module", SECCOMP_RESTRICT_REFUSED);
	if (spec->protect_kernel_logs)
		seccomp_policy_refuse(policy, "syslog", SECCOMP_RESTRICT_REFUSED);
	if (spec->protect_clock)
		seccomp_policy_refuse(policy, "@clock", SECCOMP_RESTRICT_REFUSED);
	if (spec->private_devices)
		seccomp_policy_refuse(policy, "@raw-io", SECCOMP_RESTRICT_REFUSED);
	if (spec->protect_hostname)
		seccomp_policy_refuse(policy, "sethostname setdomainname", SECCOMP_RESTRICT_REFUSED);
	if (spec->protect_kernel_tunables)
		seccomp_policy_refuse(policy, "_sysctl", SECCOMP_RESTRICT_REFUSED);
	return spec->restrict_address_families ? seccomp_restrict_address_families(build, policy) : 0;
}
