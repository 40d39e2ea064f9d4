/* What the process is: identity, limits, environment, descriptors, signals. System calls only, so that it
 * works in a root that holds nothing, without /proc. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int process_pid(char **words, int n _unused_)
{
	return guest_expect_number("pid", words[0], getpid());
}

static int process_parent(char **words, int n _unused_)
{
	return guest_expect_number("parent", words[0], getppid());
}

static int process_uid(char **words, int n _unused_)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) < 0)
		return guest_failed("uid", words[0], "%s", strerror(errno));
	return guest_expect_number("uid (real)", words[0], real) +
		       guest_expect_number("uid (effective)", words[0], effective) +
		       guest_expect_number("uid (saved)", words[0], saved) >
	       0;
}

static int process_gid(char **words, int n _unused_)
{
	gid_t real, effective, saved;

	if (getresgid(&real, &effective, &saved) < 0)
		return guest_failed("gid", words[0], "%s", strerror(errno));
	return guest_expect_number("gid (real)", words[0], real) +
		       guest_expect_number("gid (effective)", words[0], effective) +
		       guest_expect_number("gid (saved)", words[0], saved) >
	       0;
}

static int process_compare_gid(const void *a, const void *b)
{
	gid_t left = *(const gid_t *)a, right = *(const gid_t *)b;

	return left < right ? -1 : left > right;
}

/* "4,24" in ascending order, "none" without any. The primary group is left out: setgroups(2) may repeat it.
 */
static int process_groups(char **words, int n_words _unused_)
{
	gid_t groups[256];
	char found[2048] = "";
	int n = getgroups(ARRAY_SIZE(groups), groups);

	qsort(groups, n < 0 ? 0 : n, sizeof groups[0], process_compare_gid);
	for (int i = 0; i < n; i++) {
		size_t length = strlen(found);

		if (groups[i] != getgid())
			snprintf(found + length, sizeof found - length, "%s%u", length ? "," : "", groups[i]);
	}
	return guest_expect_text("groups", words[0], *found ? found : "none");
}

static int process_umask(char **words, int n _unused_)
{
	mode_t mask = umask(0);

	umask(mask);
	return guest_expect_number("umask", words[0], mask);
}

static int process_cwd(char **words, int n _unused_)
{
	char path[4096];

	return guest_expect_text("cwd", words[0], getcwd(path, sizeof path) ? path : strerror(errno));
}

static int process_nice(char **words, int n _unused_)
{
	return guest_expect_number("nice", words[0], getpriority(PRIO_PROCESS, 0));
}

static int process_oom_score(char **words, int n _unused_)
{
	char text[32];
	ssize_t length = guest_read("/proc/self/oom_score_adj", text, sizeof text);

	if (length < 0)
		return guest_failed("oom-score", words[0], "%s", strerror(-length));
	return guest_expect_number("oom-score", words[0], atoi(text));
}

static int process_timer_slack(char **words, int n _unused_)
{
	return guest_expect_number("timer-slack", words[0], prctl(PR_GET_TIMERSLACK));
}

static const struct {
	const char *name;
	int resource;
} process_limits[] = {
	{"AS", RLIMIT_AS},	     {"CORE", RLIMIT_CORE},	    {"CPU", RLIMIT_CPU},
	{"DATA", RLIMIT_DATA},	     {"FSIZE", RLIMIT_FSIZE},	    {"LOCKS", RLIMIT_LOCKS},
	{"MEMLOCK", RLIMIT_MEMLOCK}, {"MSGQUEUE", RLIMIT_MSGQUEUE}, {"NICE", RLIMIT_NICE},
	{"NOFILE", RLIMIT_NOFILE},   {"NPROC", RLIMIT_NPROC},	    {"RSS", RLIMIT_RSS},
	{"RTPRIO", RLIMIT_RTPRIO},   {"RTTIME", RLIMIT_RTTIME},	    {"SIGPENDING", RLIMIT_SIGPENDING},
	{"STACK", RLIMIT_STACK},
};

static int process_expect_limit(const char *check, const char *expected, rlim_t found)
{
	if (found == RLIM_INFINITY)
		return guest_expect_text(check, expected, "infinity");
	return strcmp(expected, "infinity") == 0
		       ? guest_failed(check, expected, "%llu", (unsigned long long)found)
		       : guest_expect_number(check, expected, found);
}

static int process_rlimit(char **words, int n_words)
{
	struct rlimit limit;

	for (size_t i = 0; i < ARRAY_SIZE(process_limits); i++) {
		if (strcmp(process_limits[i].name, words[0]) != 0)
			continue;
		if (getrlimit(process_limits[i].resource, &limit) < 0)
			return guest_failed("rlimit", words[0], "%s", strerror(errno));
		return process_expect_limit("rlimit (soft)", words[1], limit.rlim_cur) +
			       process_expect_limit("rlimit (hard)", words[n_words > 2 ? 2 : 1],
						    limit.rlim_max) >
		       0;
	}
	return guest_failed("rlimit", "the name of a limit", "%s", words[0]);
}

static int process_session_leader(char **words _unused_, int n _unused_)
{
	if (getsid(0) == getpid() && getpgid(0) == getpid())
		return 0;
	return guest_failed("session-leader", "to lead its session", "session %d, group %d, pid %d",
			    getsid(0), getpgid(0), getpid());
}

/* The name that FILE has for the number ID. */
static int process_name(const char *check, const char *file, unsigned id, const char *expected)
{
	char text[65536];
	ssize_t length = guest_read(file, text, sizeof text);

	if (length < 0)
		return guest_failed(check, file, "%s", strerror(-length));
	for (char *cursor = text, *line; (line = strsep(&cursor, "\n"));) {
		const char *name = strsep(&line, ":");

		if (line && strsep(&line, ":") && line && strtoul(line, NULL, 10) == id)
			return guest_expect_text(check, expected, name);
	}
	return guest_failed(check, expected, "nobody with the id %u", id);
}

static int process_user_name(char **words, int n _unused_)
{
	return process_name("user-name", "/etc/passwd", getuid(), words[0]);
}

static int process_group_name(char **words, int n _unused_)
{
	return process_name("group-name", "/etc/group", getgid(), words[0]);
}

static int process_environment(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++) {
		char *equals = strchr(words[i], '=');
		const char *value;

		if (!equals)
			return guest_failed("environment", "NAME=VALUE", "%s", words[i]);
		*equals = 0;
		value = getenv(words[i]);
		failed |= value ? guest_expect_text(words[i], equals + 1, value)
				: guest_failed(words[i], equals + 1, "no such variable");
		*equals = '=';
	}
	return failed;
}

static int process_no_environment(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++)
		if (getenv(words[i]))
			failed |= guest_failed("no-environment", "no such variable", "%s=%s", words[i],
					       getenv(words[i]));
	return failed;
}

/* Two words of the command line: what quoting, specifiers and variables made of it. */
static int process_equal(char **words, int n _unused_)
{
	return guest_expect_text("equal", words[1], words[0]);
}

static int process_words(char **words, int n_words)
{
	return guest_expect_number("words", words[0], n_words - 1);
}

/* Which descriptors are open: exactly these. */
static int process_descriptors(char **words, int n _unused_)
{
	char found[1024] = "";

	for (int fd = 0; fd < 4096; fd++) {
		size_t length = strlen(found);

		if (fcntl(fd, F_GETFD) >= 0)
			snprintf(found + length, sizeof found - length, "%s%d", length ? "," : "", fd);
	}
	return guest_expect_text("descriptors", words[0], found);
}

static const char *process_describe(int fd, char *buffer, size_t size)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return "closed";
	if (S_ISFIFO(status.st_mode))
		return "pipe";
	if (S_ISSOCK(status.st_mode))
		return "socket";
	if (S_ISREG(status.st_mode))
		return "file";
	if (S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3))
		return "null";
	if (isatty(fd))
		return "tty";
	snprintf(buffer, size, "mode 0%o", status.st_mode);
	return buffer;
}

/* "stdin null", "stdout pipe", "stderr file /x" */
static int process_stream(char **words, int n_words)
{
	static const char *const names[] = {"stdin", "stdout", "stderr"};
	struct stat status, other;
	char buffer[64];

	for (int fd = 0; fd < 3; fd++) {
		if (strcmp(names[fd], words[0]) != 0)
			continue;
		if (guest_expect_text(words[0], words[1], process_describe(fd, buffer, sizeof buffer)))
			return 1;
		if (n_words < 3)
			return 0;
		if (fstat(fd, &status) < 0 || stat(words[2], &other) < 0)
			return guest_failed(words[0], words[2], "%s", strerror(errno));
		if (status.st_dev != other.st_dev || status.st_ino != other.st_ino)
			return guest_failed(words[0], words[2], "another file");
		return 0;
	}
	return guest_failed("stream", "stdin, stdout or stderr", "%s", words[0]);
}

/* Which signals execve(2) handed down as ignored, and none blocked. */
static int process_signals_ignored(char **words, int n _unused_)
{
	char found[512] = "";
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int number = 1; number < 32; number++) {
		struct sigaction action;
		size_t length = strlen(found);

		if (sigismember(&blocked, number) == 1)
			return guest_failed("signals-ignored", "no signal blocked", "%s blocked",
					    sigabbrev_np(number));
		if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			snprintf(found + length, sizeof found - length, "%s%s", length ? "," : "",
				 sigabbrev_np(number));
	}
	return guest_expect_text("signals-ignored", words[0], *found ? found : "none");
}

static int process_no_new_privileges(char **words, int n _unused_)
{
	return guest_expect_number("no-new-privileges", words[0], prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

static int process_seccomp(char **words, int n _unused_)
{
	return guest_expect_number("seccomp", words[0], prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
}

const struct guest_verb process_verbs[] = {
	{"pid", 1, 1, process_pid, "NUMBER"},
	{"parent", 1, 1, process_parent, "NUMBER"},
	{"uid", 1, 1, process_uid, "NUMBER"},
	{"gid", 1, 1, process_gid, "NUMBER"},
	{"groups", 1, 1, process_groups, "N,N…|none"},
	{"umask", 1, 1, process_umask, "MODE"},
	{"cwd", 1, 1, process_cwd, "PATH"},
	{"nice", 1, 1, process_nice, "NUMBER"},
	{"oom-score", 1, 1, process_oom_score, "NUMBER"},
	{"timer-slack", 1, 1, process_timer_slack, "NANOSECONDS"},
	{"rlimit", 2, 3, process_rlimit, "NAME SOFT [HARD]"},
	{"session-leader", 0, 0, process_session_leader, ""},
	{"user-name", 1, 1, process_user_name, "NAME"},
	{"group-name", 1, 1, process_group_name, "NAME"},
	{"environment", 1, -1, process_environment, "NAME=VALUE…"},
	{"no-environment", 1, -1, process_no_environment, "NAME…"},
	{"equal", 2, 2, process_equal, "WORD WORD"},
	{"words", 1, -1, process_words, "COUNT WORD…"},
	{"descriptors", 1, 1, process_descriptors, "N,N…"},
	{"stream", 2, 3, process_stream, "stdin|stdout|stderr null|pipe|socket|file|tty|closed [PATH]"},
	{"signals-ignored", 1, 1, process_signals_ignored, "NAME,NAME…|none"},
	{"no-new-privileges", 1, 1, process_no_new_privileges, "0|1"},
	{"seccomp", 1, 1, process_seccomp, "0|2"},
	{},
};
