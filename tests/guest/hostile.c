/* What an attacker in a container would try. Each verb tries for as long as it is told and fails when it got
 * somewhere; everything it tries is harmless where it is refused. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double hostile_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Opens what /proc shows of process PID. */
static int hostile_open_part(const char *pid, const char *part, int flags)
{
	char path[512];

	snprintf(path, sizeof path, "/proc/%s/%s", pid, part);
	return open(path, flags | O_CLOEXEC);
}

/* Entries of /proc/PID/PART that lead somewhere. That there are some may be seen. */
static int hostile_peek_entries(const char *pid, const char *part)
{
	int fd = hostile_open_part(pid, part, O_RDONLY | O_DIRECTORY), failed = 0;
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	char target[4096];

	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		int inner = *entry->d_name == '.'
				    ? -1
				    : openat(fd, entry->d_name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (inner >= 0 || readlinkat(fd, entry->d_name, target, sizeof target) > 0)
			failed |=
				guest_failed("peek", "no access", "/proc/%s/%s/%s", pid, part, entry->d_name);
		if (inner >= 0)
			close(inner);
	}
	if (directory)
		closedir(directory);
	return failed;
}

/* Neither files, memory nor descriptors of PID can be had. */
static int hostile_peek(char **words, int n _unused_)
{
	static const char *const parts[] = {"exe",  "root", "cwd",   "mem",   "environ",
					    "maps", "auxv", "stack", "ns/mnt"};
	pid_t pid = atoi(words[0]);
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), fd;
	int failed = hostile_peek_entries(words[0], "fd") | hostile_peek_entries(words[0], "map_files") |
		     hostile_peek_entries(words[0], "ns");

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		fd = hostile_open_part(words[0], parts[i], O_RDONLY);
		/* Some open for anyone and only refuse to be read. */
		if (fd >= 0 && (read(fd, &byte, 1) > 0 || errno == EISDIR || errno == EINVAL))
			failed |= guest_failed("peek", "no access", "%s of process %d", parts[i], pid);
		if (fd >= 0)
			close(fd);
	}
	for (int i = 0; i < 64 && pidfd >= 0; i++)
		if (syscall(SYS_pidfd_getfd, pidfd, i, 0) >= 0)
			failed |= guest_failed("peek", "no access", "descriptor %d of process %d", i, pid);
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) > 0)
		failed |= guest_failed("peek", "no access", "memory of process %d", pid);
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0)
		failed |= guest_failed("peek", "no access", "process %d traced", pid);
	return failed;
}

/* The file of program PID opened for writing: at once, and by way of a descriptor that is held until the program ends. */
static bool hostile_overwrites(const char *pid)
{
	char again[64];
	int fd = hostile_open_part(pid, "exe", O_WRONLY), held;
	bool success = fd >= 0;

	if (fd >= 0)
		close(fd);
	held = hostile_open_part(pid, "exe", O_PATH);
	if (held < 0)
		return success;
	snprintf(again, sizeof again, "/proc/self/fd/%d", held);
	for (int tries = 0; tries < 200 && !success; tries++) {
		fd = open(again, O_WRONLY | O_CLOEXEC);
		success = fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	close(held);
	return success;
}

static int hostile_spy_descriptors(const char *pid, const char *own)
{
	char path[512], target[4096];
	DIR *directory;
	int failed = 0;

	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);

		if (length <= 0)
			continue;
		target[length] = 0;
		if (*target == '/' && strcmp(target, "/dev/null") != 0 && strncmp(target, "/proc", 5) != 0 &&
		    strcmp(target, own) != 0)
			failed |= guest_failed("spy", "no descriptors", "%s -> %s", path, target);
	}
	if (directory)
		closedir(directory);
	return failed;
}

/* Looks for so many seconds at every process that is not of our own program, as it comes: none lets us see its
 * file, its root or its descriptors, let alone write to its program. */
static int hostile_spy(char **words, int n _unused_)
{
	double end = hostile_now() + MIN_OF(atof(words[0]), 300.0);
	char own[4096] = "", target[4096];
	long rounds = 0;
	int failed = 0;

	if (readlink("/proc/self/exe", own, sizeof own - 1) < 0)
		return guest_failed("spy", "/proc", "%s", strerror(errno));
	while (hostile_now() < end && !failed) {
		DIR *directory = opendir("/proc");

		for (struct dirent *entry; directory && (entry = readdir(directory));) {
			char path[300];
			ssize_t length;

			if (atoi(entry->d_name) <= 0 || atoi(entry->d_name) == getpid())
				continue;
			snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
			length = readlink(path, target, sizeof target - 1);
			target[MAX_OF(length, 0)] = 0;
			if (length > 0 && strcmp(target, own) != 0 && hostile_overwrites(entry->d_name))
				failed = guest_failed("spy", "no writing", "%s -> %s", path, target);
			failed |= hostile_spy_descriptors(entry->d_name, own);
		}
		if (directory)
			closedir(directory);
		rounds++;
	}
	printf("%ld rounds\n", rounds);
	fflush(stdout);
	return failed;
}

/* Exchanges two names of a directory, as fast as it can, until it is ended. */
static int hostile_swap(char **words, int n _unused_)
{
	for (;;)
		if (syscall(SYS_renameat2, AT_FDCWD, words[0], AT_FDCWD, words[1], RENAME_EXCHANGE) < 0)
			return guest_failed("swap", words[0], "%s", strerror(errno));
}

static int hostile_link(char **words, int n _unused_)
{
	return symlink(words[0], words[1]) < 0 && errno != EEXIST
		       ? guest_failed("make-link", words[1], "%s", strerror(errno))
		       : 0;
}

static int hostile_connect_abstract(char **words, int n _unused_)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = MIN_OF(strlen(words[0]), sizeof address.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	memcpy(address.sun_path + 1, words[0], length);
	result = connect(fd, (struct sockaddr *)&address,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length));
	result = result < 0 ? errno : 0;
	close(fd);
	return guest_expect_text("connect-abstract", words[1], result ? strerrorname_np(result) : "success");
}

/* "kill -1 KILL": signals others; whether it is allowed and what it does is for others to see. */
static int hostile_kill(char **words, int n_words)
{
	int result = kill(atoi(words[0]), guest_signal(words[1])) < 0 ? errno : 0;

	return n_words > 2 ? guest_expect_text("kill", words[2], result ? strerrorname_np(result) : "success")
			   : 0;
}

/* Writes so many bytes to standard output, in lines of a thousand or in one. */
static int hostile_flood(char **words, int n_words)
{
	static char block[1 << 16];

	memset(block, 'x', sizeof block);
	for (size_t i = 999; n_words < 2 && i < sizeof block; i += 1000)
		block[i] = '\n';
	for (long long left = strtoll(words[0], NULL, 0); left > 0;) {
		ssize_t done = write(STDOUT_FILENO, block, MIN_OF((size_t)left, sizeof block));

		if (done < 0)
			return guest_failed("flood", words[0], "%s", strerror(errno));
		left -= done;
	}
	return 0;
}

/* "open-error PATH w EROFS": how opening for reading (r) or writing (w) ends; "success" leaves the file alone. */
static int hostile_open_error(char **words, int n _unused_)
{
	int fd = open(words[0], (*words[1] == 'w' ? O_WRONLY : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return guest_expect_text("open-error", words[2], error ? strerrorname_np(error) : "success");
}

/* "write-error PATH TEXT EPERM" */
static int hostile_write_error(char **words, int n _unused_)
{
	int fd = open(words[0], O_WRONLY | O_CLOEXEC | O_NOCTTY), error = 0;

	if (fd < 0 || write(fd, words[1], strlen(words[1])) < 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	return guest_expect_text("write-error", words[2], error ? strerrorname_np(error) : "success");
}

/* Every procfs, and every /dev of the machine, that is mounted anywhere has what belongs to it hidden and its variables read-only: one that a neighbour has led
 * elsewhere too. */
static int hostile_own_proc(char **words _unused_, int n _unused_)
{
	static const char *const denied[] = {"sysrq-trigger", "sys/kernel/hostname",
					     "irq/default_smp_affinity", "kmsg"};
	char line[4096], type[64], point[1024], path[1200];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	int failed = 0;

	while (file && fgets(line, sizeof line, file)) {
		char *dash = strstr(line, " - ");

		if (!dash || sscanf(line, "%*s %*s %*s %*s %1023s", point) != 1 ||
		    sscanf(dash, " - %63s", type) != 1 ||
		    (strcmp(type, "proc") != 0 && strcmp(type, "devtmpfs") != 0))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
			int fd;

			snprintf(path, sizeof path, "%s/%s", point, denied[i]);
			fd = open(path, O_WRONLY | O_CLOEXEC);
			if (fd >= 0)
				failed |= guest_failed("own-proc", "it protected", "%s to be writable", path);
			if (fd >= 0)
				close(fd);
		}
	}
	if (file)
		fclose(file);
	return failed;
}

/* "make-suid PATH EPERM": by every call that sets a mode. */
static int hostile_make_suid(char **words, int n _unused_)
{
	char made[4096];
	int fd = open(words[0], O_RDONLY | O_CLOEXEC), errors[4], failed = 0;

	snprintf(made, sizeof made, "%s.suid", words[0]);
	errors[0] = chmod(words[0], 04755) < 0 ? errno : 0;
	errors[1] = fchmod(fd, 02755) < 0 ? errno : 0;
	errors[2] = fchmodat(AT_FDCWD, words[0], 06755, 0) < 0 ? errno : 0;
	errors[3] = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 04755) < 0 ? errno : 0;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		failed |= guest_expect_text("make-suid", words[1],
					    errors[i] ? strerrorname_np(errors[i]) : "success");
	close(fd);
	return failed;
}

const struct guest_verb hostile_verbs[] = {
	{"make-suid", 2, 2, hostile_make_suid, "PATH ERRNO"},
	{"own-proc", 0, 0, hostile_own_proc, ""},
	{"peek", 1, 1, hostile_peek, "PID"},
	{"spy", 1, 1, hostile_spy, "SECONDS"},
	{"swap", 2, 2, hostile_swap, "PATH PATH"},
	{"make-link", 2, 2, hostile_link, "TARGET PATH"},
	{"connect-abstract", 2, 2, hostile_connect_abstract, "NAME ERRNO|success"},
	{"kill", 2, 3, hostile_kill, "PID SIGNAL [ERRNO|success]"},
	{"flood", 1, 2, hostile_flood, "BYTES [one-line]"},
	{"open-error", 3, 3, hostile_open_error, "PATH r|w ERRNO|success"},
	{"write-error", 3, 3, hostile_write_error, "PATH TEXT ERRNO|success"},
	{},
};
