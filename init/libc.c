/* The part of a C library that svc-init needs: its entry point, system calls under their usual names;
 * libc-text.c has the strings.
 *
 * The sources of svc-init and of the interpreter are ordinary C that also runs, in tests, over the system's
 * library. A static glibc would work too, but costs 700 KiB of resident memory for relocations, locales and
 * buffers that an init has no use for, and its wrappers need a thread control block. What is not defined here
 * does not link, which is also a guarantee: there is no heap.
 *
 * Every call uses the form that all Linux architectures have (openat for open, and so on). Declarations come
 * from the system's headers; the compiler checks that we agree with them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- entry and system calls ---------------------------------------------------------------------------- */

extern int main(int argc, char **argv);
_Noreturn void libc_start(long *stack);

#if defined(__x86_64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call libc_start\n");

static long libc_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return number;
}
#elif defined(__aarch64__)
__asm__(".globl _start\n"
	"_start:\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	mov x0, sp\n"
	"	bl libc_start\n");

static long libc_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "init/libc.c needs the entry point and the system call instruction of this architecture"
#endif

char **environ;

_Noreturn void libc_start(long *stack)
{
	char **argv = (char **)(stack + 1);

	environ = argv + stack[0] + 1;
	_exit(main((int)stack[0], argv));
}

int *__errno_location(void)
{
	static int error;

	return &error;
}

static long libc_result(long result)
{
	if (result >= 0 || result < -4095)
		return result;
	errno = (int)-result;
	return -1;
}

/* Up to six arguments, each made a long. */
#define LIBC_ARGUMENT(value) ((long)(value))
#define LIBC_CALL0(n)	     libc_result(libc_call(n, 0, 0, 0, 0, 0, 0))
#define LIBC_CALL1(n, a)     libc_result(libc_call(n, LIBC_ARGUMENT(a), 0, 0, 0, 0, 0))
#define LIBC_CALL2(n, a, b)  libc_result(libc_call(n, LIBC_ARGUMENT(a), LIBC_ARGUMENT(b), 0, 0, 0, 0))
#define LIBC_CALL3(n, a, b, c) \
	libc_result(libc_call(n, LIBC_ARGUMENT(a), LIBC_ARGUMENT(b), LIBC_ARGUMENT(c), 0, 0, 0))
#define LIBC_CALL4(n, a, b, c, d) \
	libc_result(              \
		libc_call(n, LIBC_ARGUMENT(a), LIBC_ARGUMENT(b), LIBC_ARGUMENT(c), LIBC_ARGUMENT(d), 0, 0))
#define LIBC_CALL5(n, a, b, c, d, e)                                                                     \
	libc_result(libc_call(n, LIBC_ARGUMENT(a), LIBC_ARGUMENT(b), LIBC_ARGUMENT(c), LIBC_ARGUMENT(d), \
			      LIBC_ARGUMENT(e), 0))
#define LIBC_CALL6(n, a, b, c, d, e, f)                                                                  \
	libc_result(libc_call(n, LIBC_ARGUMENT(a), LIBC_ARGUMENT(b), LIBC_ARGUMENT(c), LIBC_ARGUMENT(d), \
			      LIBC_ARGUMENT(e), LIBC_ARGUMENT(f)))

enum { LIBC_SIGSET_SIZE = 8 }; /* the kernel's, in bytes */

long syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	return LIBC_CALL6(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
			  arguments[5]);
}

/* --- processes ----------------------------------------------------------------------------------------- */

_Noreturn void _exit(int status)
{
	for (;;)
		libc_call(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

pid_t getpid(void)
{
	return (pid_t)LIBC_CALL0(SYS_getpid);
}

pid_t setsid(void)
{
	return (pid_t)LIBC_CALL0(SYS_setsid);
}

int setpgid(pid_t pid, pid_t group)
{
	return (int)LIBC_CALL2(SYS_setpgid, pid, group);
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	return (int)LIBC_CALL3(SYS_execve, path, argv, envp);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return (pid_t)LIBC_CALL4(SYS_wait4, pid, status, options, 0);
}

int prctl(int option, ...)
{
	long arguments[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	return (int)LIBC_CALL5(SYS_prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

int setpriority(__priority_which_t which, id_t who, int priority)
{
	return (int)LIBC_CALL3(SYS_setpriority, which, who, priority);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	return (int)LIBC_CALL4(SYS_prlimit64, 0, resource, 0, limit);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	return (int)LIBC_CALL4(SYS_prlimit64, 0, resource, limit, 0);
}

int setfsuid(uid_t uid)
{
	return (int)LIBC_CALL1(SYS_setfsuid, uid);
}

int setfsgid(gid_t gid)
{
	return (int)LIBC_CALL1(SYS_setfsgid, gid);
}

int setns(int fd, int kind)
{
	return (int)LIBC_CALL2(SYS_setns, fd, kind);
}

int unshare(int flags)
{
	return (int)LIBC_CALL1(SYS_unshare, flags);
}

int sethostname(const char *name, size_t length)
{
	return (int)LIBC_CALL2(SYS_sethostname, name, length);
}

int reboot(int command)
{
	return (int)LIBC_CALL3(SYS_reboot, 0xfee1dead, 672274793, command);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	return (int)LIBC_CALL2(SYS_clock_gettime, clock, time);
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
	return (int)LIBC_CALL2(SYS_nanosleep, time, rest);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return (void *)LIBC_CALL6(SYS_mmap, address, length, protection, flags, fd, offset);
}

/* --- signals ------------------------------------------------------------------------------------------- */

int kill(pid_t pid, int signal_number)
{
	return (int)LIBC_CALL2(SYS_kill, pid, signal_number);
}

int sigemptyset(sigset_t *set)
{
	memset(set, 0, sizeof *set);
	return 0;
}

int sigfillset(sigset_t *set)
{
	memset(set, 0xff, sizeof *set);
	return 0;
}

int sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
	return (int)LIBC_CALL4(SYS_rt_sigprocmask, how, set, before, LIBC_SIGSET_SIZE);
}

int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	return (int)LIBC_CALL4(SYS_rt_sigtimedwait, set, info, 0, LIBC_SIGSET_SIZE);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	return (int)LIBC_CALL4(SYS_signalfd4, fd, set, LIBC_SIGSET_SIZE, flags);
}

/* Only for SIG_DFL and SIG_IGN: a handler would need a trampoline to return by. */
__sighandler_t signal(int signal_number, __sighandler_t handler)
{
	struct {
		__sighandler_t handler;
		unsigned long flags;
		void (*restorer)(void);
		unsigned long mask;
	} action = {.handler = handler};

	return LIBC_CALL4(SYS_rt_sigaction, signal_number, &action, 0, LIBC_SIGSET_SIZE) < 0 ? SIG_ERR
											     : SIG_DFL;
}

int __libc_current_sigrtmin(void)
{
	return 34; /* glibc keeps the kernel's first two for itself; what users call SIGRTMIN follows it */
}

/* --- files --------------------------------------------------------------------------------------------- */

static mode_t libc_mode(int flags, va_list list)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = libc_mode(flags, list);
	va_end(list);
	return (int)LIBC_CALL4(SYS_openat, AT_FDCWD, path, flags, mode);
}

int openat(int directory_fd, const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = libc_mode(flags, list);
	va_end(list);
	return (int)LIBC_CALL4(SYS_openat, directory_fd, path, flags, mode);
}

int close(int fd)
{
	return (int)LIBC_CALL1(SYS_close, fd);
}

int close_range(unsigned first, unsigned last, int flags)
{
	return (int)LIBC_CALL3(SYS_close_range, first, last, flags);
}

ssize_t read(int fd, void *buffer, size_t size)
{
	return LIBC_CALL3(SYS_read, fd, buffer, size);
}

ssize_t write(int fd, const void *buffer, size_t size)
{
	return LIBC_CALL3(SYS_write, fd, buffer, size);
}

int dup2(int from, int to)
{
	if (from == to) /* which dup3(2) refuses; as dup2(2), it leaves close-on-exec alone */
		return (int)LIBC_CALL2(SYS_fcntl, from, F_GETFD) < 0 ? -1 : to;
	return (int)LIBC_CALL3(SYS_dup3, from, to, 0);
}

int pipe2(int fds[2], int flags)
{
	return (int)LIBC_CALL2(SYS_pipe2, fds, flags);
}

int fcntl(int fd, int command, ...)
{
	va_list list;
	long argument;

	va_start(list, command);
	argument = va_arg(list, long);
	va_end(list);
	return (int)LIBC_CALL3(SYS_fcntl, fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	long argument;

	va_start(list, request);
	argument = va_arg(list, long);
	va_end(list);
	return (int)LIBC_CALL3(SYS_ioctl, fd, request, argument);
}

int fstat(int fd, struct stat *status)
{
	return (int)LIBC_CALL4(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH);
}

int stat(const char *path, struct stat *status)
{
	return (int)LIBC_CALL4(SYS_newfstatat, AT_FDCWD, path, status, 0);
}

int fstatat(int directory_fd, const char *path, struct stat *status, int flags)
{
	return (int)LIBC_CALL4(SYS_newfstatat, directory_fd, path, status, flags);
}

int fstatfs(int fd, struct statfs *status)
{
	return (int)LIBC_CALL2(SYS_fstatfs, fd, status);
}

int access(const char *path, int mode)
{
	return (int)LIBC_CALL3(SYS_faccessat, AT_FDCWD, path, mode);
}

int faccessat(int directory_fd, const char *path, int mode, int flags)
{
	if (flags) {
		errno = EINVAL;
		return -1;
	}
	return (int)LIBC_CALL3(SYS_faccessat, directory_fd, path, mode);
}

ssize_t readlink(const char *path, char *buffer, size_t size)
{
	return LIBC_CALL4(SYS_readlinkat, AT_FDCWD, path, buffer, size);
}

int mkdir(const char *path, mode_t mode)
{
	return (int)LIBC_CALL3(SYS_mkdirat, AT_FDCWD, path, mode);
}

int mkdirat(int directory_fd, const char *path, mode_t mode)
{
	return (int)LIBC_CALL3(SYS_mkdirat, directory_fd, path, mode);
}

int mknodat(int directory_fd, const char *path, mode_t mode, dev_t device)
{
	/* The kernel takes 32 bits, in which major and minor lie as glibc's dev_t has them. */
	return (int)LIBC_CALL4(SYS_mknodat, directory_fd, path, mode, (unsigned)device);
}

dev_t gnu_dev_makedev(unsigned major_number, unsigned minor_number)
{
	return (dev_t)(major_number & 0xfffu) << 8 | (dev_t)(major_number & ~0xfffu) << 32 |
	       (minor_number & 0xffu) | (dev_t)(minor_number & ~0xffu) << 12;
}

unsigned gnu_dev_major(dev_t device)
{
	return (unsigned)((device >> 8 & 0xfff) | (device >> 32 & ~0xfffu));
}

unsigned gnu_dev_minor(dev_t device)
{
	return (unsigned)((device & 0xff) | (device >> 12 & ~0xffu));
}

int symlinkat(const char *target, int directory_fd, const char *path)
{
	return (int)LIBC_CALL3(SYS_symlinkat, target, directory_fd, path);
}

mode_t umask(mode_t mask)
{
	return (mode_t)LIBC_CALL1(SYS_umask, mask);
}

int chdir(const char *path)
{
	return (int)LIBC_CALL1(SYS_chdir, path);
}

int fchdir(int fd)
{
	return (int)LIBC_CALL1(SYS_fchdir, fd);
}

int chroot(const char *path)
{
	return (int)LIBC_CALL1(SYS_chroot, path);
}

void sync(void)
{
	LIBC_CALL0(SYS_sync);
}

/* --- mounts -------------------------------------------------------------------------------------------- */

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
	return (int)LIBC_CALL5(SYS_mount, source, target, type, flags, data);
}

int umount2(const char *target, int flags)
{
	return (int)LIBC_CALL2(SYS_umount2, target, flags);
}

int fsopen(const char *type, unsigned flags)
{
	return (int)LIBC_CALL2(SYS_fsopen, type, flags);
}

int fsconfig(int fd, unsigned command, const char *key, const void *value, int number)
{
	return (int)LIBC_CALL5(SYS_fsconfig, fd, command, key, value, number);
}

int fsmount(int fd, unsigned flags, unsigned attributes)
{
	return (int)LIBC_CALL3(SYS_fsmount, fd, flags, attributes);
}

int open_tree(int directory_fd, const char *path, unsigned flags)
{
	return (int)LIBC_CALL3(SYS_open_tree, directory_fd, path, flags);
}

int move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return (int)LIBC_CALL5(SYS_move_mount, from_fd, from, to_fd, to, flags);
}

int mount_setattr(int directory_fd, const char *path, unsigned flags, struct mount_attr *attributes,
		  size_t size)
{
	return (int)LIBC_CALL5(SYS_mount_setattr, directory_fd, path, flags, attributes, size);
}

/* --- sockets and events -------------------------------------------------------------------------------- */

int socket(int family, int type, int protocol)
{
	return (int)LIBC_CALL3(SYS_socket, family, type, protocol);
}

int socketpair(int family, int type, int protocol, int fds[2])
{
	return (int)LIBC_CALL4(SYS_socketpair, family, type, protocol, fds);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	return (int)LIBC_CALL5(SYS_setsockopt, fd, level, option, value, size);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return LIBC_CALL3(SYS_sendmsg, fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return LIBC_CALL3(SYS_recvmsg, fd, message, flags);
}

struct cmsghdr *__cmsg_nxthdr(struct msghdr *message, struct cmsghdr *header)
{
	char *end = (char *)message->msg_control + message->msg_controllen, *next;

	if (header->cmsg_len < sizeof *header)
		return NULL;
	next = (char *)header + CMSG_ALIGN(header->cmsg_len);
	return next + sizeof *header > end ? NULL : (struct cmsghdr *)next;
}

int epoll_create1(int flags)
{
	return (int)LIBC_CALL1(SYS_epoll_create1, flags);
}

int epoll_ctl(int fd, int operation, int watched_fd, struct epoll_event *event)
{
	return (int)LIBC_CALL4(SYS_epoll_ctl, fd, operation, watched_fd, event);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	return (int)LIBC_CALL6(SYS_epoll_pwait, fd, events, n, timeout, 0, LIBC_SIGSET_SIZE);
}
