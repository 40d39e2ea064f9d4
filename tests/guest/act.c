/* What a payload does: writes, exits, forks, waits, hogs. Everything is bounded, so that a test that loses
 * its payload does not lose the machine. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* "Forever" for a test; longer than any test may run. */
enum { ACT_FOREVER_SECONDS = 3600 };

static void act_sleep(double seconds)
{
	struct timespec left = {.tv_sec = (time_t)seconds,
				.tv_nsec = (long)((seconds - (time_t)seconds) * 1e9)};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static int act_do_sleep(char **words, int n _unused_)
{
	act_sleep(atof(words[0]));
	return 0;
}

static int act_forever(char **words _unused_, int n _unused_)
{
	act_sleep(ACT_FOREVER_SECONDS);
	return 0;
}

static int act_exit(char **words, int n _unused_)
{
	exit(atoi(words[0]));
}

static int act_kill_self(char **words, int n _unused_)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){});
	kill(getpid(), guest_signal(words[0]));
	act_sleep(ACT_FOREVER_SECONDS);
	return 1;
}

static int act_ignore(char **words, int n_words)
{
	for (int i = 0; i < n_words; i++)
		signal(guest_signal(words[i]), SIG_IGN);
	return 0;
}

static int act_block(char **words, int n_words)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < n_words; i++)
		sigaddset(&set, guest_signal(words[i]));
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0;
}

/* Waits for one of these signals. "block" them before telling anyone that one may come. */
static int act_await_signal(char **words, int n_words)
{
	sigset_t set;
	struct timespec limit = {.tv_sec = ACT_FOREVER_SECONDS};
	int number;

	act_block(words, n_words);
	sigemptyset(&set);
	for (int i = 0; i < n_words; i++)
		sigaddset(&set, guest_signal(words[i]));
	do
		number = sigtimedwait(&set, NULL, &limit);
	while (number < 0 && errno == EINTR);
	return number > 0 ? 0 : guest_failed("await-signal", words[0], "%s", strerror(errno));
}

static int act_write_text(const char *path, int flags, const char *text, const char *end)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644), result;

	if (fd < 0)
		return guest_failed("write", path, "%s", strerror(errno));
	result = dprintf(fd, "%s%s", text, end);
	if (close(fd) < 0 || result < 0)
		return guest_failed("write", path, "%s", strerror(errno));
	return 0;
}

static int act_write(char **words, int n _unused_)
{
	return act_write_text(words[0], O_TRUNC, words[1], "\n");
}

static int act_append(char **words, int n _unused_)
{
	return act_write_text(words[0], O_APPEND, words[1], "\n");
}

static int act_touch(char **words, int n _unused_)
{
	return act_write_text(words[0], 0, "", "");
}

static int act_pid_file(char **words, int n _unused_)
{
	char text[32];

	snprintf(text, sizeof text, "%d", getpid());
	return act_write_text(words[0], O_TRUNC, text, "\n");
}

static int act_make_directory(char **words, int n _unused_)
{
	return mkdir(words[0], 0755) < 0 && errno != EEXIST
		       ? guest_failed("make-directory", words[0], "%s", strerror(errno))
		       : 0;
}

static int act_remove(char **words, int n _unused_)
{
	return unlink(words[0]) < 0 ? guest_failed("remove", words[0], "%s", strerror(errno)) : 0;
}

static int act_print_words(FILE *file, char **words, int n_words)
{
	for (int i = 0; i < n_words; i++)
		fprintf(file, "%s%s", i ? " " : "", words[i]);
	fputc('\n', file);
	return fflush(file) ? 1 : 0;
}

static int act_print(char **words, int n_words)
{
	return act_print_words(stdout, words, n_words);
}

static int act_print_error(char **words, int n_words)
{
	return act_print_words(stderr, words, n_words);
}

/* The content of a file, for example of a sysfs file that a test wants to see. */
static int act_read_file(char **words, int n _unused_)
{
	char text[65536];
	ssize_t length = guest_read(words[0], text, sizeof text);

	if (length < 0)
		return guest_failed("read-file", words[0], "%s", strerror(-length));
	puts(text);
	return fflush(stdout) ? 1 : 0;
}

/* Waits at most a minute until a file is there. */
static int act_await_file(char **words, int n _unused_)
{
	for (int tries = 0; tries < 6000; tries++) {
		if (access(words[0], F_OK) == 0)
			return 0;
		act_sleep(0.01);
	}
	return guest_failed("await-file", words[0], "nothing after a minute");
}

/* sd_notify(3): the words are joined by newlines. */
static int act_notify(char **words, int n_words)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[1024] = "";
	int fd, result;

	if (!path || strlen(path) >= sizeof address.sun_path)
		return guest_failed("notify", "NOTIFY_SOCKET", "%s", path ? path : "nothing");
	memcpy(address.sun_path, path, strlen(path));
	if (*path == '@')
		address.sun_path[0] = 0;
	for (int i = 0; i < n_words; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? "\n" : "", words[i]);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	result = fd < 0 ? -1
			: (int)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
				      offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (result < 0)
		guest_failed("notify", path, "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return result < 0;
}

/* The rest of the verb runs in a child; the row goes on in the parent. */
static int act_child(char **words, int n_words)
{
	pid_t child = fork();

	if (child == 0)
		_exit(guest_run(words, n_words) ? 1 : 0);
	return child < 0 ? guest_failed("child", "a process", "%s", strerror(errno)) : 0;
}

/* The row goes on in a daemon (another session, no parent), when its pid stands in the file, if one is given.
 */
static int act_daemonize(char **words, int n_words)
{
	int ready[2];
	char byte;
	pid_t child;

	if (pipe2(ready, O_CLOEXEC) < 0 || (child = fork()) < 0)
		return guest_failed("daemonize", "a process", "%s", strerror(errno));
	if (child > 0) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	close(ready[0]);
	setsid();
	if (fork() != 0)
		_exit(0);
	if (n_words > 0 && act_pid_file(words, 1))
		_exit(1);
	if (write(ready[1], "", 1) < 0)
		_exit(1);
	close(ready[1]);
	return 0;
}

/* fork(2), again and again while a limit on processes is only reached because those that ended wait to be reaped: for at most
 * ten seconds. */
static pid_t act_fork_patiently(void)
{
	enum { TRIES = 1000, PAUSE = 10000 /* microseconds */ };
	pid_t pid;

	for (int i = 0; (pid = fork()) < 0 && errno == EAGAIN && i < TRIES; i++)
		usleep(PAUSE);
	return pid;
}

/* Children whose parent ends at once, then they end too. PID 1 has to reap them: see "no-zombies". */
static int act_orphans(char **words, int n _unused_)
{
	enum { BATCH = 20 };

	for (int left = atoi(words[0]); left > 0; left -= BATCH) {
		pid_t parent = act_fork_patiently();

		if (parent < 0)
			return guest_failed("orphans", words[0], "%s", strerror(errno));
		if (parent == 0) {
			for (int i = 0; i < MIN_OF(left, BATCH); i++) {
				pid_t orphan = act_fork_patiently();

				if (orphan == 0)
					_exit(0);
				if (orphan < 0)
					_exit(1);
			}
			_exit(0);
		}
		int status;
		if (waitpid(parent, &status, 0) < 0 || status != 0)
			return guest_failed("orphans", words[0], "a failed fork");
	}
	return 0;
}

/* "fork-bomb 500 <40": tries to have so many children at a time; the second word says how many there should
 * be. */
static int act_fork_bomb(char **words, int n _unused_)
{
	int wanted = MIN_OF(atoi(words[0]), 4096), n_children = 0;
	static pid_t children[4096];

	while (n_children < wanted) {
		pid_t child = fork();

		if (child == 0) {
			act_sleep(ACT_FOREVER_SECONDS);
			_exit(0);
		}
		if (child < 0)
			break;
		children[n_children++] = child;
	}
	for (int i = 0; i < n_children; i++)
		kill(children[i], SIGKILL);
	for (int i = 0; i < n_children; i++)
		waitpid(children[i], NULL, 0);
	return guest_expect_number("fork-bomb", words[1], n_children);
}

static int act_hog_memory(char **words, int n _unused_)
{
	size_t size = strtoull(words[0], NULL, 0);
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return guest_failed("hog-memory", words[0], "%s", strerror(errno));
	for (size_t i = 0; i < size; i += 4096)
		*(volatile char *)(memory + i) = 1;
	return 0;
}

static double act_time(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* "burn-cpu 2 <60": computes for two seconds of wall-clock time; the second word is the share of a CPU it
 * should get, in percent. */
static int act_burn_cpu(char **words, int n_words)
{
	double began = act_time(CLOCK_MONOTONIC), cpu_began = act_time(CLOCK_PROCESS_CPUTIME_ID);
	double seconds = MIN_OF(atof(words[0]), 60.0), wall, cpu;

	do
		wall = act_time(CLOCK_MONOTONIC) - began;
	while (wall < seconds);
	cpu = act_time(CLOCK_PROCESS_CPUTIME_ID) - cpu_began;
	printf("cpu %.3f of %.3f seconds\n", cpu, wall);
	fflush(stdout);
	return n_words > 1 ? guest_expect_number("burn-cpu", words[1], (long long)(100 * cpu / wall)) : 0;
}

/* For a VM that has nothing else: modules, mounts. */
static int act_insert_module(char **words, int n _unused_)
{
	int fd = open(words[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		return guest_failed("insert-module", words[0], "%s", strerror(errno));
	close(fd);
	return 0;
}

static int act_mount(char **words, int n _unused_)
{
	mkdir(words[2], 0755);
	return mount(words[1], words[2], words[0], 0, NULL) < 0
		       ? guest_failed("mount", words[2], "%s", strerror(errno))
		       : 0;
}

/* A row of verbs from a file, one on a line, words between blanks: for a kernel's command line, which holds
 * no row. */
static int act_run_file(char **words, int n _unused_)
{
	static char text[65536];
	ssize_t length = guest_read(words[0], text, sizeof text);
	char *row[64];
	int failed = 0;

	if (length < 0)
		return guest_failed("run-file", words[0], "%s", strerror(-length));
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));) {
		int n_row = 0;

		for (char *word; n_row < (int)ARRAY_SIZE(row) - 1 && (word = strsep(&line, " "));)
			if (*word)
				row[n_row++] = word;
		row[n_row] = NULL;
		failed += guest_run(row, n_row);
	}
	return failed > 0;
}

/* Writes the numbers of our namespaces for "@NS_net@" and its like in the files of a folder. */
static int act_name_namespaces_in(const char *path, char **kinds, int n_kinds)
{
	static char text[65536];
	ssize_t length = guest_read(path, text, sizeof text);
	FILE *file = length < 0 || !strstr(text, "@NS_") ? NULL : fopen(path, "we");

	if (!file)
		return length < 0 && length != -EISDIR
			       ? guest_failed("name-namespaces", path, "%s", strerror(-length))
			       : 0;
	for (char *at = text, *next; at; at = next) {
		bool named = false;

		next = strstr(at + 1, "@NS_");
		if (next)
			*next = 0;
		for (int i = 0; i < n_kinds && !named; i++) {
			size_t n = strlen(kinds[i]);
			char link[64], target[64] = "";

			named = strncmp(at, "@NS_", 4) == 0 && strncmp(at + 4, kinds[i], n) == 0 &&
				at[4 + n] == '@';
			snprintf(link, sizeof link, "/proc/self/ns/%s", kinds[i]);
			if (named && readlink(link, target, sizeof target - 1) > 0) {
				fprintf(file, "%llu", strtoull(strchrnul(target, '[') + 1, NULL, 10));
				fputs(at + 5 + n, file);
			}
		}
		if (!named)
			fputs(at, file);
		if (next)
			*next = '@';
	}
	fputc('\n', file);
	return fclose(file) != 0;
}

static int act_name_namespaces(char **words, int n_words)
{
	DIR *directory = opendir(words[0]);
	int failed = 0;

	if (!directory)
		return guest_failed("name-namespaces", words[0], "%s", strerror(errno));
	for (struct dirent *entry; (entry = readdir(directory));) {
		char path[4096];

		snprintf(path, sizeof path, "%s/%s", words[0], entry->d_name);
		failed |= act_name_namespaces_in(path, words + 1, n_words - 1);
	}
	closedir(directory);
	return failed;
}

/* From an initial ramdisk to a root that pivot_root(2) can leave again, as the kernel's own cannot: the
 * folder is moved over "/". */
static int act_switch_root(char **words, int n _unused_)
{
	if (mount(words[0], words[0], NULL, MS_BIND, NULL) < 0 || chdir(words[0]) < 0 ||
	    mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return guest_failed("switch-root", words[0], "%s", strerror(errno));
	return 0;
}

/* Becomes another program; the words are its command line. */
static int act_exec(char **words, int n_words)
{
	words[n_words] = NULL;
	execvp(words[0], words);
	return guest_failed("exec", words[0], "%s", strerror(errno));
}

/* Another program, which must end with this status. */
static int act_ends_with(char **words, int n_words)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		words[n_words] = NULL;
		execvp(words[1], words + 1);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return guest_failed("ends-with", words[0], "%s did not end by itself", words[1]);
	return guest_expect_number("ends-with", words[0], WEXITSTATUS(status));
}

const struct guest_verb act_verbs[] = {
	{"sleep", 1, 1, act_do_sleep, "SECONDS"},
	{"forever", 0, 0, act_forever, ""},
	{"exit", 1, 1, act_exit, "STATUS"},
	{"kill-self", 1, 1, act_kill_self, "SIGNAL"},
	{"ignore", 1, -1, act_ignore, "SIGNAL…"},
	{"block", 1, -1, act_block, "SIGNAL…"},
	{"await-signal", 1, -1, act_await_signal, "SIGNAL…"},
	{"write", 2, 2, act_write, "PATH TEXT"},
	{"append", 2, 2, act_append, "PATH TEXT"},
	{"touch", 1, 1, act_touch, "PATH"},
	{"pid-file", 1, 1, act_pid_file, "PATH"},
	{"make-directory", 1, 1, act_make_directory, "PATH"},
	{"remove", 1, 1, act_remove, "PATH"},
	{"print", 0, -1, act_print, "WORD…"},
	{"print-error", 0, -1, act_print_error, "WORD…"},
	{"read-file", 1, 1, act_read_file, "PATH"},
	{"await-file", 1, 1, act_await_file, "PATH"},
	{"notify", 1, -1, act_notify, "NAME=VALUE…"},
	{"child", 1, -1, act_child, "VERB WORD…"},
	{"daemonize", 0, 1, act_daemonize, "[PIDFILE]"},
	{"orphans", 1, 1, act_orphans, "COUNT"},
	{"fork-bomb", 2, 2, act_fork_bomb, "COUNT NUMBER"},
	{"hog-memory", 1, 1, act_hog_memory, "BYTES"},
	{"burn-cpu", 1, 2, act_burn_cpu, "SECONDS [PERCENT]"},
	{"insert-module", 1, 1, act_insert_module, "FILE"},
	{"mount", 3, 3, act_mount, "TYPE SOURCE TARGET"},
	{"name-namespaces", 2, -1, act_name_namespaces, "FOLDER KIND…"},
	{"switch-root", 1, 1, act_switch_root, "FOLDER"},
	{"run-file", 1, 1, act_run_file, "PATH"},
	{"ends-with", 2, -1, act_ends_with, "STATUS PROGRAM WORD…"},
	{"exec", 1, -1, act_exec, "PROGRAM WORD…"},
	{},
};
