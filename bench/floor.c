/* The floor: what the kernel alone takes for a container with the isolation of bench/start's unit. No
 *manager, no records, no errors told, no log, nothing prepared or cached: the system calls one would write
 *down in a row, from a process that is tiny.
 *
 *	floor PAYLOAD FILTER [--steps]
 *
 * reads a byte from standard input, makes one container that runs PAYLOAD (a path below /) and waits for it;
 *answers with three uint64_t: CLOCK_MONOTONIC nanoseconds before clone3(2), as PAYLOAD told them, and after
 *waitid(2). FILTER holds the sock_filter array that is loaded. Each failing call ends it with its line. With --steps it says at its end, on standard error, what each call
 * took. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>

/* With --steps: what each call costs, summed over all containers and both processes, by the line it stands in. */
struct floor_step {
	const char *call;
	uint64_t nanoseconds, count;
};
enum { FLOOR_MAX_LINES = 512 };
static struct floor_step *floor_steps; /* shared with the children; NULL without --steps */

static uint64_t floor_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void floor_note(const char *call, unsigned line, uint64_t begin)
{
	struct floor_step *step = &floor_steps[line % FLOOR_MAX_LINES];

	step->call = call;
	__atomic_add_fetch(&step->nanoseconds, floor_now() - begin, __ATOMIC_RELAXED);
	__atomic_add_fetch(&step->count, 1, __ATOMIC_RELAXED);
}

#define MUST(call)                                                                    \
	({                                                                            \
		uint64_t begin_ = floor_steps ? floor_now() : 0;                      \
		long must_ = (long)(call);                                            \
		if (floor_steps)                                                      \
			floor_note(#call, __LINE__, begin_);                          \
		if (must_ < 0) {                                                      \
			fprintf(stderr, "floor: line %d: %s: %m\n", __LINE__, #call); \
			_exit(1);                                                     \
		}                                                                     \
		must_;                                                                \
	})

enum { FLOOR_ID_BASE = 1 << 30, FLOOR_ID_COUNT = 65536 };

static void floor_write(const char *path, const char *text)
{
	int fd = (int)MUST(open(path, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, text, strlen(text)));
	close(fd);
}

static void floor_bind(const char *from, const char *to)
{
	close((int)MUST(open(to, O_CREAT | O_CLOEXEC | O_WRONLY, 0666)));
	MUST(mount(from, to, NULL, MS_BIND, NULL));
}

static void floor_mask(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return;
	if (S_ISDIR(status.st_mode))
		MUST(mount("tmpfs", path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
			   "nr_blocks=1,nr_inodes=1"));
	else
		MUST(mount("/dev/null", path, NULL, MS_BIND, NULL));
}

static void floor_read_only(const char *path)
{
	if (access(path, F_OK) < 0)
		return;
	MUST(mount(path, path, NULL, MS_BIND | MS_REC, NULL));
	MUST(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		   NULL));
}

static void floor_filesystem(void)
{
	static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const masked[] = {"/proc/acpi",	    "/proc/kcore",	"/proc/keys",
					     "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
					     "/proc/sched_debug",   "/proc/scsi",	"/sys/firmware",
					     "/sys/fs/selinux",	    "/sys/dev/block"};
	static const char *const read_only[] = {"/proc/asound", "/proc/bus", "/proc/fs",
						"/proc/irq",	"/proc/sys", "/proc/sysrq-trigger"};
	unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char from[64], to[64];

	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755"));
	MUST(mkdir("/tmp/upper", 0755));
	MUST(mkdir("/tmp/work", 0755));
	MUST(mkdir("/tmp/root", 0755));
	MUST(mount("overlay", "/tmp/root", "overlay", 0, "lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work"));
	MUST(chdir("/tmp/root"));
	MUST(mount("proc", "proc", "proc", safe, NULL));
	MUST(mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, NULL));
	MUST(mount("cgroup2", "sys/fs/cgroup", "cgroup2", safe | MS_RDONLY, NULL));
	MUST(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k"));
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		snprintf(from, sizeof from, "/dev/%s", nodes[i]);
		snprintf(to, sizeof to, "dev/%s", nodes[i]);
		floor_bind(from, to);
	}
	MUST(mkdir("dev/pts", 0755));
	MUST(mkdir("dev/shm", 0755));
	MUST(mkdir("dev/mqueue", 0755));
	MUST(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620"));
	MUST(mount("shm", "dev/shm", "tmpfs", safe, "mode=1777"));
	MUST(mount("mqueue", "dev/mqueue", "mqueue", safe, NULL));
	MUST(symlink("/proc/self/fd", "dev/fd"));
	MUST(symlink("/proc/self/fd/0", "dev/stdin"));
	MUST(symlink("/proc/self/fd/1", "dev/stdout"));
	MUST(symlink("/proc/self/fd/2", "dev/stderr"));
	MUST(symlink("pts/ptmx", "dev/ptmx"));
	MUST(mount("tmpfs", "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755"));
	MUST(mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"));
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(umount2(".", MNT_DETACH));
	MUST(chdir("/"));
	for (size_t i = 0; i < sizeof masked / sizeof *masked; i++)
		floor_mask(masked[i]);
	for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++)
		floor_read_only(read_only[i]);
}

static void floor_loopback_up(void)
{
	int fd = (int)MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	MUST(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static void floor_identity(const struct sock_fprog *filter)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {};

	MUST(setresgid(0, 0, 0));
	MUST(setresuid(0, 0, 0));
	for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
		MUST(prctl(PR_CAPBSET_DROP, capability));
	MUST(syscall(SYS_capset, &header, none));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter));
}

/* In the container, as its PID 1; the payload is its child, as svcd's is. */
static void floor_child(const char *payload, const struct sock_fprog *filter, int tell, int go, int output)
{
	char byte = 0;
	siginfo_t info;
	pid_t pid;

	MUST(setsid());
	MUST(unshare(CLONE_NEWCGROUP));
	MUST(sethostname("floor", 5));
	floor_loopback_up();
	floor_filesystem();
	MUST(dup2(output, 1));
	/* The user namespace comes last: inside one, an overlay over "/" and a new /proc may not be mounted.
	 */
	MUST(unshare(CLONE_NEWUSER));
	MUST(write(tell, &byte, 1));
	MUST(read(go, &byte, 1));
	MUST(unshare(CLONE_NEWTIME));
	pid = (pid_t)MUST(vfork());
	if (pid == 0) {
		floor_identity(filter);
		execve(payload, (char *[]){(char *)payload, NULL}, (char *[]){NULL});
		_exit(203);
	}
	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED));
	_exit(info.si_status);
}

static void floor_once(const char *payload, const struct sock_fprog *filter)
{
	uint64_t times[3];
	struct clone_args arguments = {.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
						CLONE_NEWUTS,
				       .exit_signal = SIGCHLD};
	char path[64], map[64];
	int tell[2], go[2], output[2];
	char byte;
	siginfo_t info;
	pid_t pid;

	times[0] = floor_now();
	MUST(pipe2(tell, O_CLOEXEC));
	MUST(pipe2(go, O_CLOEXEC));
	MUST(pipe2(output, O_CLOEXEC));
	pid = (pid_t)MUST(syscall(SYS_clone3, &arguments, sizeof arguments));
	if (pid == 0)
		floor_child(payload, filter, tell[1], go[0], output[1]);
	MUST(read(tell[0], &byte, 1));
	snprintf(map, sizeof map, "0 %d %d\n", FLOOR_ID_BASE, FLOOR_ID_COUNT);
	snprintf(path, sizeof path, "/proc/%d/uid_map", pid);
	floor_write(path, map);
	snprintf(path, sizeof path, "/proc/%d/gid_map", pid);
	floor_write(path, map);
	MUST(write(go[1], "", 1));
	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED));
	times[2] = floor_now();
	if (info.si_code != CLD_EXITED || info.si_status != 0 || read(output[0], &times[1], 8) != 8) {
		fprintf(stderr, "floor: the payload ended with %d\n", info.si_status);
		exit(1);
	}
	for (int i = 0; i < 2; i++) {
		close(tell[i]);
		close(go[i]);
		close(output[i]);
	}
	MUST(write(1, times, sizeof times));
}

static int floor_compare(const void *a, const void *b)
{
	const struct floor_step *left = a, *right = b;

	return left->nanoseconds < right->nanoseconds ? 1 : -1;
}

static void floor_print_steps(uint64_t n)
{
	qsort(floor_steps, FLOOR_MAX_LINES, sizeof *floor_steps, floor_compare);
	for (size_t i = 0; i < FLOOR_MAX_LINES && floor_steps[i].count; i++)
		fprintf(stderr, "%8.1f us  %4.1f x  %.90s\n",
			(double)floor_steps[i].nanoseconds / 1e3 / (double)n,
			(double)floor_steps[i].count / (double)n, floor_steps[i].call);
}

int main(int argc, char **argv)
{
	static struct sock_filter instructions[4096];
	struct sock_fprog filter = {.filter = instructions};
	uint64_t n = 0;
	char byte;
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: floor PAYLOAD FILTER [--steps]\n");
		return 2;
	}
	fd = (int)MUST(open(argv[2], O_RDONLY | O_CLOEXEC));
	filter.len = (unsigned short)(MUST(read(fd, instructions, sizeof instructions)) /
				      (long)sizeof *instructions);
	if (argc > 3) {
		floor_steps = mmap(NULL, FLOOR_MAX_LINES * sizeof *floor_steps, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (floor_steps == MAP_FAILED)
			return 1;
	}
	for (; read(0, &byte, 1) == 1; n++)
		floor_once(argv[1], &filter);
	if (floor_steps && n)
		floor_print_steps(n);
	return 0;
}
