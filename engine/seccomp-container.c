/* The filter a [Container] has by default: what Docker's and Podman's users know, an allow list of what
 * ordinary programs call, widened by the calls that a granted capability is for. A known call that is not
 * allowed fails with EPERM, a number that this program has no name for with ENOSYS, so that C libraries fall
 * back as on an older kernel.
 *
 * The calls that the interpreter still makes after the filter is loaded (capset, prctl, execve, write) are
 * among the allowed. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "engine/seccomp-policy.h"

#define SECCOMP_CONTAINER_REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define SECCOMP_CONTAINER_UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

#define SECCOMP_CONTAINER_NAMESPACES                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
	 CLONE_NEWNET)

static const char seccomp_container_allowed[] =
	"@system-service @pkey @sandbox @timer fanotify_mark mlock2 modify_ldt ptrace ustat sysfs process_mrelease";

/* Members of the groups above that ordinary programs do not call, or that reach beyond the container. */
static const char seccomp_container_refused[] =
	"@keyring @obsolete io_uring_enter io_uring_register io_uring_setup get_mempolicy kcmp mbind migrate_pages move_pages "
	"process_madvise process_vm_readv process_vm_writev set_mempolicy set_mempolicy_home_node setns "
	"unshare userfaultfd";

static const struct {
	unsigned capability;
	const char *calls;
} seccomp_container_by_capability[] = {
	{CAP_SYS_ADMIN,
	 "@mount bpf clone3 fanotify_init lookup_dcookie perf_event_open quotactl quotactl_fd setdomainname sethostname "
	 "setns syslog unshare"},
	{CAP_BPF, "bpf"},
	{CAP_PERFMON, "perf_event_open"},
	{CAP_DAC_READ_SEARCH, "open_by_handle_at"},
	{CAP_SYS_BOOT, "reboot"},
	{CAP_SYS_CHROOT, "chroot"},
	{CAP_SYS_MODULE, "@module"},
	{CAP_SYS_NICE, "get_mempolicy mbind migrate_pages move_pages set_mempolicy set_mempolicy_home_node"},
	{CAP_SYS_PACCT, "acct"},
	{CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev"},
	{CAP_SYS_RAWIO, "ioperm iopl"},
	{CAP_SYS_TIME, "@clock"},
	{CAP_SYS_TTY_CONFIG, "vhangup"},
	{CAP_SYSLOG, "syslog"},
};

static void seccomp_container_arguments(struct seccomp_policy *policy, bool admin)
{
	static const uint32_t zero[] = {0};
	static const uint32_t families[] = {AF_VSOCK};
	static const uint32_t terminal_injection[] = {TIOCSTI, TIOCLINUX};
	/* Linux, with or without 32-bit addresses or uname 2.6, and "tell me". */
	static const uint32_t personalities[] = {PER_LINUX, PER_LINUX32, UNAME26, PER_LINUX32 | UNAME26,
						 UINT32_MAX};
#ifdef __s390__
	const unsigned clone_flags = 1;
#else
	const unsigned clone_flags = 0;
#endif

	if (!admin) {
		seccomp_policy_condition(seccomp_policy_rule(policy, "clone", SECCOMP_CONTAINER_REFUSED),
					 clone_flags, SECCOMP_CONTAINER_NAMESPACES, true, zero,
					 ARRAY_SIZE(zero));
		/* Its flags are behind a pointer, where a filter cannot look; C libraries then use clone(2).
		 */
		seccomp_policy_set(policy, "clone3", SECCOMP_CONTAINER_UNKNOWN);
	}
	seccomp_policy_condition(seccomp_policy_rule(policy, "socket", SECCOMP_CONTAINER_REFUSED), 0,
				 UINT32_MAX, false, families, ARRAY_SIZE(families));
	seccomp_policy_condition(seccomp_policy_rule(policy, "ioctl", SECCOMP_CONTAINER_REFUSED), 1,
				 UINT32_MAX, false, terminal_injection, ARRAY_SIZE(terminal_injection));
	seccomp_policy_condition(seccomp_policy_rule(policy, "personality", SECCOMP_CONTAINER_REFUSED), 0,
				 UINT32_MAX, true, personalities, ARRAY_SIZE(personalities));
}

void seccomp_container_fill(struct seccomp_policy *policy, uint64_t capabilities)
{
	bool admin = capabilities & (UINT64_C(1) << CAP_SYS_ADMIN);

	policy->table.beyond = SECCOMP_CONTAINER_UNKNOWN;
	for (size_t i = 0; i < SECCOMP_CODE_NUMBERS; i++)
		policy->table.actions[i] = SECCOMP_CONTAINER_UNKNOWN;
	seccomp_policy_set(policy, "@known", SECCOMP_CONTAINER_REFUSED);
	seccomp_policy_set(policy, seccomp_container_allowed, SECCOMP_RET_ALLOW);
	seccomp_policy_set(policy, seccomp_container_refused, SECCOMP_CONTAINER_REFUSED);
	for (size_t i = 0; i < ARRAY_SIZE(seccomp_container_by_capability); i++)
		if (capabilities & (UINT64_C(1) << seccomp_container_by_capability[i].capability))
			seccomp_policy_set(policy, seccomp_container_by_capability[i].calls,
					   SECCOMP_RET_ALLOW);
	seccomp_container_arguments(policy, admin);
}
