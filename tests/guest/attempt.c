/* Tries what a security module may forbid, and compares how it ends: "success" or the name of the error. What it makes it
 * removes again. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

static int attempt_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : close(fd);
}

static int attempt_read(const char *path)
{
	return attempt_open(path, O_RDONLY);
}

static int attempt_write(const char *path)
{
	return attempt_open(path, O_WRONLY);
}

static int attempt_list(const char *path)
{
	DIR *directory = opendir(path);

	return directory ? closedir(directory) : -errno;
}

static int attempt_truncate(const char *path)
{
	struct stat status;

	return stat(path, &status) < 0 || truncate(path, status.st_size) < 0 ? -errno : 0;
}

static int attempt_create(const char *path)
{
	int r = attempt_open(path, O_WRONLY | O_CREAT | O_EXCL);

	if (r == 0)
		unlink(path);
	return r;
}

static int attempt_make_directory(const char *path)
{
	if (mkdir(path, 0755) < 0)
		return -errno;
	return rmdir(path) < 0 ? -errno : 0;
}

static int attempt_unlink(const char *path)
{
	return unlink(path) < 0 ? -errno : 0;
}

/* "FROM:TO", and back */
static int attempt_rename(const char *paths)
{
	char from[256];
	const char *to = strchr(paths, ':') + 1;

	snprintf(from, sizeof from, "%.*s", (int)(to - 1 - paths), paths);
	if (rename(from, to) < 0)
		return -errno;
	return rename(to, from) < 0 ? -errno : 0;
}

static int attempt_execute(const char *path)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execl(path, path, "print", NULL);
		_exit(errno);
	}
	return child < 0 || waitpid(child, &status, 0) < 0 ? -errno : -WEXITSTATUS(status);
}

/* What is no terminal says ENOTTY. */
static int attempt_ioctl(const char *path)
{
	struct winsize size;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = ioctl(fd, TIOCGWINSZ, &size) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int attempt_with_socket(int domain, const void *address, socklen_t size, bool binds)
{
	int fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = (binds ? bind(fd, address, size) : connect(fd, address, size)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int attempt_port(const char *port, bool binds)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)atoi(port)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return attempt_with_socket(AF_INET, &address, sizeof address, binds);
}

static int attempt_bind(const char *port)
{
	return attempt_port(port, true);
}

static int attempt_connect(const char *port)
{
	return attempt_port(port, false);
}

static socklen_t attempt_abstract_address(const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path + 1, name, strlen(name));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static int attempt_abstract(const char *name)
{
	struct sockaddr_un address;
	socklen_t size = attempt_abstract_address(name, &address);

	return attempt_with_socket(AF_UNIX, &address, size, false);
}

static int attempt_signal(const char *pid)
{
	return kill(atoi(pid), 0) < 0 ? -errno : 0;
}

static int attempt(char **words, int n_words _unused_)
{
	static const struct {
		const char *name;
		int (*try)(const char *what);
	} attempts[] = {
		{"read", attempt_read},
		{"write", attempt_write},
		{"list", attempt_list},
		{"truncate", attempt_truncate},
		{"create", attempt_create},
		{"make-directory", attempt_make_directory},
		{"unlink", attempt_unlink},
		{"rename", attempt_rename},
		{"execute", attempt_execute},
		{"ioctl", attempt_ioctl},
		{"bind", attempt_bind},
		{"connect", attempt_connect},
		{"abstract-socket", attempt_abstract},
		{"signal", attempt_signal},
	};
	char check[320];

	snprintf(check, sizeof check, "attempt %s %s", words[0], words[1]);
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		if (strcmp(attempts[i].name, words[0]) == 0) {
			int r = attempts[i].try(words[1]);

			return guest_expect_text(check, words[2], r < 0 ? strerrorname_np(-r) : "success");
		}
	return guest_failed(check, "a known attempt", "none of this name");
}

/* Listens on an abstract socket until it is ended. */
static int attempt_listen(char **words, int n_words _unused_)
{
	struct sockaddr_un address;
	socklen_t size = attempt_abstract_address(words[0], &address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, 4) < 0)
		return guest_failed("listen-abstract", words[0], "%s", strerror(errno));
	for (;;)
		pause();
}

/* A file written in one piece, as the kernel wants a policy. */
static int attempt_load_file(char **words, int n_words _unused_)
{
	static char policy[1 << 20];
	int from = open(words[0], O_RDONLY | O_CLOEXEC), to = open(words[1], O_WRONLY | O_CLOEXEC);
	ssize_t n = from < 0 ? -1 : read(from, policy, sizeof policy);

	if (to < 0 || n <= 0 || write(to, policy, (size_t)n) != n)
		return guest_failed("load-file", words[1], "%s", strerror(errno));
	close(from);
	return close(to);
}

/* A line of the kernel's log is like this. It is written by a thread of the kernel, so it may take a moment. */
static int attempt_kernel_log(char **words, int n_words _unused_)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char line[8192];

	for (int tries = 0; fd >= 0 && tries < 100; tries++) {
		ssize_t n;

		while ((n = read(fd, line, sizeof line - 1)) > 0 || (n < 0 && errno == EPIPE)) {
			const char *text;

			line[n < 0 ? 0 : n] = '\0';
			text = strchr(line, ';');
			line[strcspn(line, "\n")] = '\0';
			if (text && fnmatch(words[0], text + 1, 0) == 0)
				return close(fd);
		}
		usleep(50000);
	}
	return guest_failed("kernel-log", words[0], "no such line");
}

/* The last record of an id in a file of utmp(5): "init tty1", "user tty1 anna"; it is ours, or "dead" with its line alone */
static int attempt_accounting(char **words, int n_words _unused_)
{
	static const char *const types[] = {[INIT_PROCESS] = "init",
					    [LOGIN_PROCESS] = "login",
					    [USER_PROCESS] = "user",
					    [DEAD_PROCESS] = "dead"};
	struct utmp record, last = {};
	int fd = open(words[0], O_RDONLY | O_CLOEXEC);
	char found[128];

	while (fd >= 0 && read(fd, &record, sizeof record) == (ssize_t)sizeof record)
		if (strncmp(record.ut_id, words[1], sizeof record.ut_id) == 0)
			last = record;
	if (fd >= 0)
		close(fd);
	if (last.ut_type != DEAD_PROCESS && last.ut_pid != getpid())
		return guest_failed("accounting", "our process", "%d", last.ut_pid);
	snprintf(found, sizeof found, "%s %.32s%s%.32s",
		 last.ut_type >= INIT_PROCESS && last.ut_type <= DEAD_PROCESS ? types[last.ut_type] : "none",
		 last.ut_line, *last.ut_user ? " " : "", last.ut_user);
	return guest_expect_text("accounting", words[2], found);
}

const struct guest_verb attempt_verbs[] = {
	{"attempt", 3, 3, attempt, "WHAT OBJECT success|ERRNO"},
	{"accounting", 3, 3, attempt_accounting, "FILE ID TEXT"},
	{"load-file", 2, 2, attempt_load_file, "FROM TO"},
	{"kernel-log", 1, 1, attempt_kernel_log, "PATTERN"},
	{"listen-abstract", 1, 1, attempt_listen, "NAME"},
	{},
};
