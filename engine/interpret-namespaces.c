/* The interpreter's steps for namespaces.
 *
 * A user namespace is made by a helper process that does nothing but exist until its id maps are written:
 * they must be written from outside, by a process that has its capabilities over the host's ids. Which
 * process of /proc the helper is follows from its pidfd's fdinfo, so that any procfs works that shows us at
 * all, be we PID 1 of a new namespace or not. The same helper makes the namespaces that the user namespace
 * shall own, beside us: on a second processor they cost nothing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

int interpret_namespaces_proc(struct interpret_run *run)
{
	struct statfs status;

	if (run->proc_fd >= 0)
		return run->proc_fd;
	/* A container's root may hold anything under that name: it counts only if it is procfs. */
	run->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (run->proc_fd >= 0 && fstatfs(run->proc_fd, &status) == 0 && status.f_type == PROC_SUPER_MAGIC &&
	    faccessat(run->proc_fd, "self/ns", F_OK, 0) == 0)
		return run->proc_fd;
	run->proc_fd = fd_close(run->proc_fd);
	run->proc_fd = interpret_mounts_new("proc", "", 0);
	return run->proc_fd;
}

/* Appends VALUE's digits and TAIL to the PREFIX in BUFFER. */
static void interpret_namespaces_path(char buffer[static 64], const char *prefix, unsigned value,
				      const char *tail)
{
	char digits[11], *digit = digits + sizeof digits - 1;

	*digit = '\0';
	do
		*--digit = (char)('0' + value % 10);
	while (value /= 10);
	strcpy(buffer, prefix);
	strcat(buffer, digit);
	strcat(buffer, tail);
}

static int interpret_namespaces_write(int proc_fd, const char *path, const char *text)
{
	return *text ? fd_write_file_at(proc_fd, path, text) : 0;
}

/* The number under which PROC_FD shows the process of PIDFD: "Pid:" in its fdinfo. */
static int interpret_namespaces_number_in(int proc_fd, int pidfd, unsigned *ret)
{
	char path[64], text[512], *line;
	_cleanup_fd_ int fd = -1;
	unsigned number = 0;
	ssize_t n;

	interpret_namespaces_path(path, "self/fdinfo/", (unsigned)pidfd, "");
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = fd_read_all(fd, text, sizeof text - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	line = strstr(text, "\nPid:\t");
	for (line = line ? line + strlen("\nPid:\t") : text; *line >= '0' && *line <= '9'; line++)
		number = number * 10 + (unsigned)(*line - '0');
	if (number == 0)
		return -ESRCH;
	*ret = number;
	return 0;
}

/* Maps the helper's namespace and keeps it in the slot. */
static int interpret_namespaces_map(struct interpret_run *run, const struct program_op *op)
{
	int proc_fd = interpret_namespaces_proc(run), fd, r;
	unsigned number = 0;
	char path[64];

	if (proc_fd < 0)
		return proc_fd;
	r = interpret_namespaces_number_in(proc_fd, run->helper_pidfd, &number);
	if (r == 0) {
		interpret_namespaces_path(path, "", number, "/uid_map");
		r = interpret_namespaces_write(proc_fd, path, interpret_text(run, op->text));
	}
	if (r == 0) {
		interpret_namespaces_path(path, "", number, "/gid_map");
		r = interpret_namespaces_write(proc_fd, path, interpret_text(run, op->text2));
	}
	if (r < 0)
		return r;
	interpret_namespaces_path(path, "", number, "/ns/user");
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	run->slots[op->slot2] = fd;
	return 0;
}

/* The helper's life: once its ids are mapped it makes what its namespace shall own, says how that went, and
 * holds it until the gate closes. */
static _Noreturn void interpret_namespaces_help(const struct interpret_run *run, const struct program_op *op,
						int gate, int answer)
{
	int result = 0;
	char byte;

	if (read(gate, &byte, 1) != 1)
		_exit(0);
	if (op->fd != PROGRAM_NO_FD && setns(run->descriptors[op->fd], CLONE_NEWUSER) < 0)
		result = -errno;
	else if (unshare((int)op->flags) < 0)
		result = -errno;
	else if (op->flags & CLONE_NEWNET)
		result = interpret_namespaces_loopback_up(NULL, op);
	if (write(answer, &result, sizeof result) == sizeof result)
		result = (int)read(gate, &byte, 1);
	_exit(result != 0);
}

static void interpret_namespaces_dismiss(struct interpret_run *run)
{
	run->helper_gate = fd_close(run->helper_gate);
	run->helper_answer = fd_close(run->helper_answer);
	run->helper_pidfd = fd_close(run->helper_pidfd);
}

int interpret_namespaces_user(struct interpret_run *run, const struct program_op *op)
{
	bool joins = op->fd != PROGRAM_NO_FD;
	struct clone_args arguments = {.flags = (joins ? 0 : CLONE_NEWUSER) | CLONE_PIDFD,
				       .pidfd = (uint64_t)(uintptr_t)&run->helper_pidfd,
				       .exit_signal = SIGCHLD};
	struct interpret_run first;
	int gate[2], answer[2], r;
	long helper;

	/* A helper that is done need only be waited for; one that works on is put aside. */
	if (run->helper > 0 && run->helper_gate < 0)
		interpret_namespaces_reap(run);
	first = *run;

	if (joins) {
		run->slots[op->slot2] = fcntl(run->descriptors[op->fd], F_DUPFD_CLOEXEC, 3);
		if (run->slots[op->slot2] < 0 || !op->flags)
			return run->slots[op->slot2] < 0 ? -errno : 0;
	}
	if (pipe2(gate, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
		return -errno;
	helper = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (helper == 0) {
		close(gate[1]);
		close(answer[0]);
		interpret_namespaces_help(run, op, gate[0], answer[1]);
	}
	r = helper < 0 ? -errno : 0;
	close(gate[0]);
	close(answer[1]);
	run->helper = MAX_OF((pid_t)helper, 0);
	run->helper_gate = gate[1];
	run->helper_answer = answer[0];
	if (r == 0 && !joins)
		r = interpret_namespaces_map(run, op);
	if (r == 0 && op->flags && write(run->helper_gate, "", 1) != 1)
		r = -errno;
	if (r < 0 || !op->flags)
		interpret_namespaces_dismiss(run);
	if (first.helper > 0) {
		interpret_namespaces_reap(run);
		run->helper = first.helper;
		run->helper_gate = first.helper_gate;
		run->helper_answer = first.helper_answer;
		run->helper_pidfd = first.helper_pidfd;
	}
	return r;
}

int interpret_namespaces_join_owned(struct interpret_run *run, const struct program_op *op)
{
	int result;
	ssize_t n = fd_read_all(run->helper_answer, &result, sizeof result);

	if (n < 0)
		return (int)n;
	if (n != sizeof result)
		return -ECHILD;
	if (result == 0 && setns(run->helper_pidfd, (int)op->flags) < 0)
		result = -errno;
	interpret_namespaces_dismiss(run);
	return result;
}

void interpret_namespaces_reap(struct interpret_run *run)
{
	/* A program that never joined what it asked for would wait for a helper that waits for it. */
	interpret_namespaces_dismiss(run);
	while (run->helper > 0 && waitpid(run->helper, NULL, 0) < 0 && errno == EINTR)
		;
	run->helper = 0;
}

int interpret_namespaces_enter_user(struct interpret_run *run, const struct program_op *op)
{
	if (setns(run->slots[op->slot], CLONE_NEWUSER) < 0)
		return -errno;
	/* Root of the new namespace where it has one, else whoever USER says next. */
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	if (syscall(SYS_setresuid, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	return op->flags && unshare((int)op->flags) < 0 ? -errno : 0;
}

int interpret_namespaces_join(struct interpret_run *run, const struct program_op *op)
{
	return setns(run->descriptors[op->fd], (int)op->flags) < 0 ? -errno : 0;
}

int interpret_namespaces_unshare(struct interpret_run *run _unused_, const struct program_op *op)
{
	return unshare((int)op->flags) < 0 ? -errno : 0;
}

/* time_namespaces(7): the offsets can be set until a process has entered; unshare(2) alone would leave us
 * outside. */
int interpret_namespaces_time(struct interpret_run *run, const struct program_op *op)
{
	int proc_fd = interpret_namespaces_proc(run), r;
	_cleanup_fd_ int fd = -1;

	if (proc_fd < 0)
		return proc_fd;
	if (unshare(CLONE_NEWTIME) < 0)
		return -errno;
	r = interpret_namespaces_write(proc_fd, "self/timens_offsets", interpret_text(run, op->text));
	if (r < 0)
		return r;
	fd = openat(proc_fd, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	return fd < 0 || setns(fd, CLONE_NEWTIME) < 0 ? -errno : 0;
}

int interpret_namespaces_hostname(struct interpret_run *run, const struct program_op *op)
{
	const char *name = interpret_text(run, op->text);

	return sethostname(name, strlen(name)) < 0 ? -errno : 0;
}

static int interpret_namespaces_write_sysctl(int proc_fd, const char *name, const char *value)
{
	_cleanup_fd_ int fd = openat(proc_fd, "sys", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd_write_file_at(fd, name, value);
}

/* The variables of the namespaces that the process is in. Where its /proc shows them read-only (the host is a
 * container itself), a procfs of our own does not. */
int interpret_namespaces_sysctl(struct interpret_run *run, const struct program_op *op)
{
	const char *name = interpret_text(run, op->text), *value = interpret_text(run, op->text2);
	int proc_fd = interpret_namespaces_proc(run), r;
	_cleanup_fd_ int own = -1;

	if (proc_fd < 0)
		return proc_fd;
	r = interpret_namespaces_write_sysctl(proc_fd, name, value);
	if (r == -EROFS) {
		proc_fd = own = interpret_mounts_new("proc", "", 0);
		r = own < 0 ? own : interpret_namespaces_write_sysctl(own, name, value);
	}
	/* Those of an IPC namespace belong to the root of the user namespace that owns it, and a capability
	 * does not help. */
	if (r == -EACCES && op->number && syscall(SYS_setresuid, -1, (uid_t)op->number, -1) == 0) {
		r = interpret_namespaces_write_sysctl(proc_fd, name, value);
		if (syscall(SYS_setresuid, -1, 0, -1) < 0)
			return -errno;
	}
	return r;
}

int interpret_namespaces_loopback_up(struct interpret_run *run _unused_, const struct program_op *op _unused_)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	/* Any socket reaches the interfaces; this family is always there. */
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}
