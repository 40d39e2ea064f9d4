/* Tries system calls that a sandbox may forbid. Each runs in a child of its own and is chosen so that it
 * changes nothing where it is allowed: with an argument that the kernel only looks at after it has asked for
 * the permission. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REFUSED_NOWHERE "/nonexistent-guest/file"

static long refused_mount(void)
{
	return mount(NULL, "/", NULL, MS_PRIVATE, NULL);
}

static long refused_umount(void)
{
	return umount2(REFUSED_NOWHERE, 0);
}

static long refused_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : setns(fd, CLONE_NEWUTS);
}

#define REFUSED_UNSHARE(name, flag)              \
	static long refused_unshare_##name(void) \
	{                                        \
		return unshare(flag);            \
	}
REFUSED_UNSHARE(user, CLONE_NEWUSER)
REFUSED_UNSHARE(mount, CLONE_NEWNS)
REFUSED_UNSHARE(net, CLONE_NEWNET)
REFUSED_UNSHARE(uts, CLONE_NEWUTS)
REFUSED_UNSHARE(ipc, CLONE_NEWIPC)
REFUSED_UNSHARE(pid, CLONE_NEWPID)
REFUSED_UNSHARE(cgroup, CLONE_NEWCGROUP)

static long refused_clone_user(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long refused_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0);
}

static long refused_keyctl(void)
{
	return syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* KEY_SPEC_SESSION_KEYRING */, 0);
}

static long refused_bpf(void)
{
	return syscall(SYS_bpf, -1, NULL, 0);
}

static long refused_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

/* The kernel wants the capability first, then the magic numbers, which are wrong. */
static long refused_reboot(void)
{
	return syscall(SYS_reboot, 0, 0, 0, NULL);
}

static long refused_kexec_load(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, -1);
}

static long refused_init_module(void)
{
	return syscall(SYS_init_module, NULL, 0, NULL);
}

static long refused_delete_module(void)
{
	return syscall(SYS_delete_module, "guest_no_such_module", O_NONBLOCK);
}

#define REFUSED_SOCKET(name, family, type)                       \
	static long refused_socket_##name(void)                  \
	{                                                        \
		return socket(family, (type) | SOCK_CLOEXEC, 0); \
	}
REFUSED_SOCKET(inet, AF_INET, SOCK_DGRAM)
REFUSED_SOCKET(inet6, AF_INET6, SOCK_DGRAM)
REFUSED_SOCKET(unix, AF_UNIX, SOCK_DGRAM)
REFUSED_SOCKET(netlink, AF_NETLINK, SOCK_RAW)
REFUSED_SOCKET(packet, AF_PACKET, SOCK_RAW)

static long refused_personality(void)
{
	return personality(PER_LINUX32);
}

static long refused_write_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			       MAP_FAILED
		       ? -1
		       : 0;
}

static long refused_make_exec(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long refused_chmod_suid(void)
{
	return chmod(REFUSED_NOWHERE, S_ISUID | 0755);
}

static long refused_chmod(void)
{
	return chmod(REFUSED_NOWHERE, 0755);
}

/* Other ways to the same bits. */
static long refused_fchmodat2_suid(void)
{
	return syscall(452 /* fchmodat2 */, AT_FDCWD, REFUSED_NOWHERE, S_ISUID | 0755, 0);
}

static long refused_open_suid(void)
{
	return syscall(SYS_openat, AT_FDCWD, REFUSED_NOWHERE, O_CREAT | O_WRONLY, S_ISUID | 0755);
}

static long refused_temporary_suid(void)
{
	return syscall(SYS_openat, AT_FDCWD, REFUSED_NOWHERE, O_TMPFILE | O_WRONLY, S_ISGID | 0755);
}

static long refused_openat2(void)
{
	return syscall(SYS_openat2, AT_FDCWD, REFUSED_NOWHERE, NULL, 0);
}

static long refused_mkdir_sgid(void)
{
	return mkdir(REFUSED_NOWHERE, S_ISGID | 0755);
}

static long refused_mknod_suid(void)
{
	return mknod(REFUSED_NOWHERE, S_IFREG | S_ISUID | 0755, 0);
}

static long refused_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 0, NULL);
}

static long refused_shm_exec(void)
{
	return syscall(SYS_shmat, -1, NULL, SHM_EXEC);
}

static long refused_mseal(void)
{
	return syscall(462 /* mseal */, NULL, 0, -1);
}

/* getpid by the x32 table, which a kernel without it answers with ENOSYS. */
static long refused_x32(void)
{
	return syscall(0x40000000 + SYS_getpid);
}

static long refused_sched_realtime(void)
{
	struct sched_param parameters = {.sched_priority = 1};

	return sched_setscheduler(0, SCHED_RR, &parameters);
}

/* A tick of zero is not valid, which is looked at after the capability. */
static long refused_adjtimex(void)
{
	struct timex change = {.modes = ADJ_TICK, .tick = 0};

	return adjtimex(&change);
}

static long refused_clock_settime(void)
{
	struct timespec never = {.tv_nsec = -1};

	return clock_settime(CLOCK_REALTIME, &never);
}

/* Sets the console's log level to one that does not exist. */
static long refused_syslog(void)
{
	return syscall(SYS_syslog, 8, NULL, 0);
}

static long refused_sethostname(void)
{
	char name[256] = "";

	gethostname(name, sizeof name - 1);
	return sethostname(name, strlen(name));
}

static long refused_chroot(void)
{
	return chroot("/");
}

static long refused_pivot_root(void)
{
	return syscall(SYS_pivot_root, "/", "/");
}

static long refused_mknod(void)
{
	return mknod(REFUSED_NOWHERE, S_IFCHR | 0600, 0);
}

static long refused_swapon(void)
{
	return swapon(REFUSED_NOWHERE, 0);
}

static long refused_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, -1);
}

static long refused_perf_event_open(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long refused_open_by_handle(void)
{
	return syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0);
}

static long refused_iopl(void)
{
	return syscall(SYS_iopl, 4);
}

static long refused_setuid_root(void)
{
	return setuid(0);
}

static long refused_raise_priority(void)
{
	return setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - 1);
}

static long refused_getpid(void)
{
	return syscall(SYS_getpid);
}

static long refused_uname(void)
{
	return syscall(SYS_uname, NULL);
}

static long refused_mkdir(void)
{
	return mkdir(REFUSED_NOWHERE, 0755);
}

/* A call by the x86 32-bit table (20 is getpid there), which SystemCallArchitectures=native forbids. */
static long refused_x86(void)
{
#ifdef __x86_64__
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return result;
#else
	errno = ENOSYS;
	return -1;
#endif
}

/* Calls by the other two tables of x86-64. Arguments are numbers, or strings below 4 GiB, as a static program's are. */
#ifdef __x86_64__
static long refused_call_x86(long number, long first, long second, long third)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third), "S"(0L), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

static long refused_x86_socketcall(void)
{
	static uint32_t arguments[3] = {AF_PACKET, SOCK_RAW, 0};

	return refused_call_x86(102, 1 /* SYS_SOCKET */, (long)arguments, 0);
}

static long refused_x86_mount(void)
{
	return refused_call_x86(21, 0, (long)"/", 0);
}

static long refused_x86_socket_inet(void)
{
	return refused_call_x86(359, AF_INET, SOCK_DGRAM, 0);
}

static long refused_x86_unshare_user(void)
{
	return refused_call_x86(310, CLONE_NEWUSER, 0, 0);
}

static long refused_x86_keyctl(void)
{
	return refused_call_x86(288, 0, -3, 0);
}

static long refused_x32_getpid(void)
{
	return syscall(0x40000000 | SYS_getpid);
}

static long refused_x32_mount(void)
{
	return syscall(0x40000000 | SYS_mount, NULL, "/", NULL, MS_PRIVATE, NULL);
}
#else
#define REFUSED_ABSENT(name)             \
	static long refused_##name(void) \
	{                                \
		errno = ENOSYS;          \
		return -1;               \
	}
REFUSED_ABSENT(x86_socketcall)
REFUSED_ABSENT(x86_mount)
REFUSED_ABSENT(x86_socket_inet)
REFUSED_ABSENT(x86_unshare_user)
REFUSED_ABSENT(x86_keyctl)
REFUSED_ABSENT(x32_getpid)
REFUSED_ABSENT(x32_mount)
#endif

static long refused_setgroups(void)
{
	return setgroups(0, NULL);
}

/* Into our own standard input: a byte for whoever reads that terminal. */
static long refused_tiocsti(void)
{
	return ioctl(STDIN_FILENO, TIOCSTI, "#");
}

static long refused_tioclinux(void)
{
	return ioctl(STDIN_FILENO, TIOCLINUX, "\3");
}

static long refused_controlling_tty(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

static const struct refused_call {
	const char *name;
	long (*call)(void);
} refused_calls[] = {
	{"mount", refused_mount},
	{"umount", refused_umount},
	{"setns", refused_setns},
	{"unshare-user", refused_unshare_user},
	{"unshare-mount", refused_unshare_mount},
	{"unshare-net", refused_unshare_net},
	{"unshare-uts", refused_unshare_uts},
	{"unshare-ipc", refused_unshare_ipc},
	{"unshare-pid", refused_unshare_pid},
	{"unshare-cgroup", refused_unshare_cgroup},
	{"clone-user", refused_clone_user},
	{"clone3", refused_clone3},
	{"keyctl", refused_keyctl},
	{"bpf", refused_bpf},
	{"ptrace", refused_ptrace},
	{"reboot", refused_reboot},
	{"kexec-load", refused_kexec_load},
	{"init-module", refused_init_module},
	{"delete-module", refused_delete_module},
	{"socket-inet", refused_socket_inet},
	{"socket-inet6", refused_socket_inet6},
	{"socket-unix", refused_socket_unix},
	{"socket-netlink", refused_socket_netlink},
	{"socket-packet", refused_socket_packet},
	{"personality", refused_personality},
	{"write-exec", refused_write_exec},
	{"make-exec", refused_make_exec},
	{"chmod-suid", refused_chmod_suid},
	{"chmod", refused_chmod},
	{"fchmodat2-suid", refused_fchmodat2_suid},
	{"open-suid", refused_open_suid},
	{"temporary-suid", refused_temporary_suid},
	{"openat2", refused_openat2},
	{"mkdir-sgid", refused_mkdir_sgid},
	{"mknod-suid", refused_mknod_suid},
	{"io-uring", refused_io_uring},
	{"shm-exec", refused_shm_exec},
	{"mseal", refused_mseal},
	{"x32", refused_x32},
	{"sched-realtime", refused_sched_realtime},
	{"adjtimex", refused_adjtimex},
	{"clock-settime", refused_clock_settime},
	{"syslog", refused_syslog},
	{"sethostname", refused_sethostname},
	{"chroot", refused_chroot},
	{"pivot-root", refused_pivot_root},
	{"mknod", refused_mknod},
	{"swapon", refused_swapon},
	{"userfaultfd", refused_userfaultfd},
	{"perf-event-open", refused_perf_event_open},
	{"open-by-handle", refused_open_by_handle},
	{"iopl", refused_iopl},
	{"setuid-root", refused_setuid_root},
	{"raise-priority", refused_raise_priority},
	{"getpid", refused_getpid},
	{"uname", refused_uname},
	{"mkdir", refused_mkdir},
	{"x86", refused_x86},
	{"x86-socketcall", refused_x86_socketcall},
	{"x86-mount", refused_x86_mount},
	{"x86-socket-inet", refused_x86_socket_inet},
	{"x86-unshare-user", refused_x86_unshare_user},
	{"x86-keyctl", refused_x86_keyctl},
	{"x32-getpid", refused_x32_getpid},
	{"x32-mount", refused_x32_mount},
	{"setgroups", refused_setgroups},
	{"tiocsti", refused_tiocsti},
	{"tioclinux", refused_tioclinux},
	{"controlling-tty", refused_controlling_tty},
};

/* The raw wait status of a child that makes the call and exits with its errno; -1 when there is no such call.
 */
static int refused_try(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_calls); i++) {
		int status = -1;
		pid_t child;

		if (strcmp(refused_calls[i].name, name) != 0)
			continue;
		child = fork();
		if (child == 0) {
			/* The core of a process that is killed on purpose helps nobody. */
			setrlimit(RLIMIT_CORE, &(struct rlimit){});
			errno = 0;
			_exit(refused_calls[i].call() < 0 ? errno : 0);
		}
		if (child > 0)
			waitpid(child, &status, 0);
		return status;
	}
	return -1;
}

static const char *refused_describe(int status, char *buffer, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buffer, size, "SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		snprintf(buffer, size, "%s", strerrorname_np(WEXITSTATUS(status)));
	else
		snprintf(buffer, size, "success");
	return buffer;
}

/* "refused mount", "refused mount ENOSYS", "refused mount SIGSYS" (killed) */
static int refused_refused(char **words, int n_words)
{
	int status = refused_try(words[0]);
	char found[64], check[128];

	snprintf(check, sizeof check, "refused %s", words[0]);
	if (status == -1)
		return guest_failed(check, "a known call", "none of this name, or no child");
	return guest_expect_text(check, n_words > 1 ? words[1] : "EPERM",
				 refused_describe(status, found, sizeof found));
}

/* "refused-somehow x86": whatever it ends with, it does not succeed. */
static int refused_somehow(char **words, int n_words _unused_)
{
	int status = refused_try(words[0]);
	char found[64], check[128];

	snprintf(check, sizeof check, "refused-somehow %s", words[0]);
	if (status == -1)
		return guest_failed(check, "a known call", "none of this name, or no child");
	refused_describe(status, found, sizeof found);
	return status == 0 ? guest_failed(check, "EPERM, ENOSYS or SIGSYS", "%s", found) : 0;
}

static int refused_allowed(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++) {
		int status = refused_try(words[i]);
		char found[64], check[128];

		snprintf(check, sizeof check, "allowed %s", words[i]);
		if (status == -1)
			failed |= guest_failed(check, "a known call", "none of this name, or no child");
		else if (WIFSIGNALED(status) || WEXITSTATUS(status) == EPERM ||
			 WEXITSTATUS(status) == EACCES || WEXITSTATUS(status) == ENOSYS ||
			 WEXITSTATUS(status) == EAFNOSUPPORT)
			failed |= guest_failed(check, "it to be allowed", "%s",
					       refused_describe(status, found, sizeof found));
	}
	return failed;
}

const struct guest_verb refused_verbs[] = {
	{"refused", 1, 2, refused_refused, "CALL [ERRNO|SIGNAL]"},
	{"refused-somehow", 1, 1, refused_somehow, "CALL"},
	{"allowed", 1, -1, refused_allowed, "CALL…"},
	{},
};
