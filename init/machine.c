/* What only the init of a machine does: mount the kernel's file systems, offer a shell when nothing else
 * works, end the machine. And the check, used before each act that would hurt a host: is this really a
 * machine's init? SAFETY.md.
 *
 * The kernel gives the first PID and user namespaces fixed inode numbers (include/uapi/linux/nsfs.h
 * since 6.17, and the same since 3.8). They are read from a procfs that belongs to us, mounted or only
 * opened. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/init.h"
#include "init/say.h"

enum { MACHINE_FIRST_PID_NAMESPACE = 0xEFFFFFFC, MACHINE_FIRST_USER_NAMESPACE = 0xEFFFFFFD };

/* A procfs: the mounted one, or before anything is mounted one that only we see. The caller owns the
 * descriptor. */
static int machine_open_proc(void)
{
	_cleanup_fd_ int context = -1;
	int fd = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fd_close(fd);
		return open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	context = fsopen("proc", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, 0);
}

static bool machine_namespace(int proc_fd, const char *path, uint64_t *ret)
{
	_cleanup_fd_ int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	struct statfs filesystem;
	struct stat status;

	if (fd < 0 || fstatfs(fd, &filesystem) < 0 || filesystem.f_type != NSFS_MAGIC ||
	    fstat(fd, &status) < 0)
		return false;
	*ret = status.st_ino;
	return true;
}

void machine_facts(struct machine_facts *ret)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {};
	_cleanup_fd_ int proc = machine_open_proc();

	*ret = (struct machine_facts){.pid = getpid()};
	if (syscall(SYS_capget, &header, sets) == 0)
		ret->may_boot = sets[0].effective & 1u << CAP_SYS_BOOT;
	ret->is_nsfs = proc >= 0 && machine_namespace(proc, "self/ns/pid", &ret->pid_namespace) &&
		       machine_namespace(proc, "self/ns/user", &ret->user_namespace);
}

bool machine_is_ours(const struct machine_facts *facts)
{
	return facts->pid == 1 && facts->may_boot && facts->is_nsfs &&
	       facts->pid_namespace == (uint32_t)MACHINE_FIRST_PID_NAMESPACE &&
	       facts->user_namespace == (uint32_t)MACHINE_FIRST_USER_NAMESPACE;
}

/* --- start --------------------------------------------------------------------------------------------- */

static const struct {
	const char *type, *target, *parent;
	unsigned long flags;
	const char *options;
} machine_mounts[] = {
	{"proc", "/proc", "/", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"sysfs", "/sys", "/", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
	{"devtmpfs", "/dev", "/", MS_NOSUID, "mode=755"},
	{"devpts", "/dev/pts", "/dev", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666,gid=5"},
	{"tmpfs", "/dev/shm", "/dev", MS_NOSUID | MS_NODEV, "mode=1777"},
	{"tmpfs", "/run", "/", MS_NOSUID | MS_NODEV, "mode=755"},
	/* cgroup_namespaces(7): whoever has a group delegated may not change what binds it as a whole */
	{"cgroup2", "/sys/fs/cgroup", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC,
	 "nsdelegate,memory_recursiveprot"},
};

static bool machine_is_mounted(const char *target, const char *parent)
{
	struct stat here, above;

	return stat(target, &here) == 0 && stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

void machine_mount_api(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(machine_mounts); i++) {
		const char *target = machine_mounts[i].target;

		if (machine_is_mounted(target, machine_mounts[i].parent))
			continue;
		mkdir(target, 0755); /* there already, or mount(2) tells */
		if (mount(machine_mounts[i].type, target, machine_mounts[i].type, machine_mounts[i].flags,
			  machine_mounts[i].options) < 0)
			say("cannot mount ", target, ": ", say_error(errno), NULL);
	}
	reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del becomes SIGINT to us */
}

/* --- nothing else works -------------------------------------------------------------------------------- */

static _Noreturn void machine_shell_child(const struct init *init)
{
	static char *const sulogin[] = {(char *)"sulogin", NULL}, *const shell[] = {(char *)"sh", NULL};
	static char *const environment[] = {
		(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		(char *)"HOME=/root", (char *)"TERM=linux", NULL};
	int console = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);

	spawn_clean_child(init);
	setsid();
	if (console >= 0) {
		ioctl(console, TIOCSCTTY, 1);
		for (int i = 0; i < 3; i++)
			dup2(console, i);
	}
	say("the manager does not come up: a shell for repairs. It is tried again when the shell ends", NULL);
	execve("/sbin/sulogin", sulogin, environment);
	execve("/bin/sh", shell, environment);
	say("no shell either: ", say_error(errno), NULL);
	_exit(203);
}

void machine_emergency_shell(struct init *init)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	long pid;

	if (init->shell_pid)
		return;
	pid = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (pid == 0)
		machine_shell_child(init);
	if (pid > 0)
		init->shell_pid = (pid_t)pid;
}

/* --- end ----------------------------------------------------------------------------------------------- */

/* proc(5), mounts: space, tab, newline and backslash are written as three octal digits. */
static void machine_unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 3;
		} else
			*to++ = *text;
	}
	*to = '\0';
}

/* "source target type …": what can be unmounted goes, what is in use (the root) becomes read-only. */
static void machine_unmount_line(char *line)
{
	static const char *const kernel[] = {"proc",	"sysfs",  "devtmpfs", "devpts",
					     "cgroup2", "rootfs", "tmpfs"};
	char *target = strchr(line, ' '), *type = target ? strchr(target + 1, ' ') : NULL, *end;

	if (!type)
		return;
	*target++ = *type++ = '\0';
	end = strchr(type, ' ');
	if (end)
		*end = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(kernel); i++)
		if (strcmp(type, kernel[i]) == 0)
			return;
	machine_unescape(target);
	if (umount2(target, 0) < 0 && mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		say("cannot unmount ", target, ": ", say_error(errno), NULL);
}

/* From the last mount to the first. */
static void machine_unmount_all(void)
{
	static char text[65536];
	_cleanup_fd_ int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_all(fd, text, sizeof text - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *line = text + n; line > text;) {
		while (line > text && line[-1] == '\n')
			*--line = '\0';
		while (line > text && line[-1] != '\n')
			line--;
		machine_unmount_line(line);
	}
}

void machine_end(uint32_t action)
{
	static const int commands[] = {[LAUNCH_EXIT] = RB_POWER_OFF,
				       [LAUNCH_REBOOT] = RB_AUTOBOOT,
				       [LAUNCH_POWER_OFF] = RB_POWER_OFF,
				       [LAUNCH_HALT] = RB_HALT_SYSTEM};
	struct machine_facts facts;

	sync();
	machine_facts(&facts);
	if (!machine_is_ours(&facts))
		return;
	machine_unmount_all();
	sync();
	reboot(action < ARRAY_SIZE(commands) ? commands[action] : RB_POWER_OFF);
	say("cannot end the machine: ", say_error(errno), NULL);
}
