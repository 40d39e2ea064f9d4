/* What surrounds the process: namespaces, id maps, network interfaces, cgroup, the other processes. */
#include "guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/shm.h>
#include <sys/sem.h>
#include <sys/msg.h>
#include <sys/mman.h>
#include <sys/ipc.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

static int isolation_hostname(char **words, int n _unused_)
{
	char name[256] = "";

	gethostname(name, sizeof name - 1);
	return guest_expect_text("hostname", words[0], name);
}

static int isolation_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Names of the interfaces in alphabetical order: "eth0,lo". */
static int isolation_interfaces(char **words, int n_words _unused_)
{
	char names[64][IFNAMSIZ], found[2048] = "", line[512];
	FILE *file = fopen("/proc/self/net/dev", "re");
	size_t n = 0;

	if (!file)
		return guest_failed("interfaces", words[0], "/proc/self/net/dev: %s", strerror(errno));
	while (n < ARRAY_SIZE(names) && fgets(line, sizeof line, file)) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = 0;
		snprintf(names[n++], IFNAMSIZ, "%s", line + strspn(line, " "));
	}
	fclose(file);
	qsort(names, n, IFNAMSIZ, isolation_compare);
	for (size_t i = 0; i < n; i++)
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", i ? "," : "", names[i]);
	return guest_expect_text("interfaces", words[0], *found ? found : "none");
}

static int isolation_interface_up(char **words, int n _unused_)
{
	struct ifreq request = {};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), result;

	snprintf(request.ifr_name, IFNAMSIZ, "%s", words[0]);
	result = fd < 0 ? -1 : ioctl(fd, SIOCGIFFLAGS, &request);
	if (fd >= 0)
		close(fd);
	if (result < 0)
		return guest_failed("interface-up", words[0], "%s", strerror(errno));
	return request.ifr_flags & IFF_UP ? 0 : guest_failed("interface-up", words[0], "it down");
}

/* The kernel's table with single blanks: "0 524288 65536"; further ranges behind ", ". */
static int isolation_map(const char *check, const char *path, const char *expected)
{
	char text[4096], found[4096] = "";
	ssize_t length = guest_read(path, text, sizeof text);

	if (length < 0)
		return guest_failed(check, expected, "%s: %s", path, strerror(-length));
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));) {
		unsigned inside, outside, count;

		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3)
			snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u %u %u",
				 *found ? ", " : "", inside, outside, count);
	}
	return guest_expect_text(check, expected, found);
}

static int isolation_uid_map(char **words, int n _unused_)
{
	return isolation_map("uid-map", "/proc/self/uid_map", words[0]);
}

static int isolation_gid_map(char **words, int n _unused_)
{
	return isolation_map("gid-map", "/proc/self/gid_map", words[0]);
}

/* "namespace net differs 4026531840", "namespace net is 4026531840" */
static int isolation_namespace(char **words, int n _unused_)
{
	char path[64], target[64] = "", check[64], expected[128], *inode;
	bool differs = strcmp(words[1], "differs") == 0;

	snprintf(check, sizeof check, "namespace %s", words[0]);
	snprintf(expected, sizeof expected, "%s %s", differs ? "another than" : "the same as", words[2]);
	snprintf(path, sizeof path, "/proc/self/ns/%s", words[0]);
	if (readlink(path, target, sizeof target - 1) < 0)
		return guest_failed(check, expected, "%s: %s", path, strerror(errno));
	inode = strchr(target, '[');
	if (!inode)
		return guest_failed(check, expected, "%s", target);
	inode++;
	inode[strcspn(inode, "]")] = 0;
	if ((strcmp(inode, words[2]) != 0) == differs)
		return 0;
	return guest_failed(check, expected, "%s", inode);
}

/* The numbers of all eight, as "net=4026531840 …", into a file: for a test that looks later whether they are
 * gone. */
static int isolation_record_namespaces(char **words, int n _unused_)
{
	static const char *const kinds[] = {"mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time"};
	FILE *file = fopen(words[0], "we");

	if (!file)
		return guest_failed("record-namespaces", words[0], "%s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		char path[64], target[64] = "";

		snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i]);
		if (readlink(path, target, sizeof target - 1) > 0)
			fprintf(file, "%s\n", target);
	}
	return fclose(file) == 0 ? 0 : guest_failed("record-namespaces", words[0], "%s", strerror(errno));
}

static int isolation_time_offset(char **words, int n _unused_)
{
	char text[512];
	ssize_t length = guest_read("/proc/self/timens_offsets", text, sizeof text);

	if (length < 0)
		return guest_failed("time-offset", words[1], "%s", strerror(-length));
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));) {
		char clock[32];
		long long seconds;

		if (sscanf(line, "%31s %lld", clock, &seconds) == 2 && strcmp(clock, words[0]) == 0)
			return guest_expect_number("time-offset", words[1], seconds);
	}
	return guest_failed("time-offset", words[0], "no such clock");
}

static int isolation_read_cgroup(char *buffer, size_t size)
{
	char text[4096];
	ssize_t length = guest_read("/proc/self/cgroup", text, sizeof text);

	if (length < 0)
		return length;
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));)
		if (strncmp(line, "0::", 3) == 0) {
			snprintf(buffer, size, "%s", line + 3);
			return 0;
		}
	return -ENOENT;
}

static int isolation_cgroup(char **words, int n _unused_)
{
	char path[4096];
	int error = isolation_read_cgroup(path, sizeof path);

	return guest_expect_text("cgroup", words[0], error < 0 ? strerror(-error) : path);
}

/* Where the version 2 hierarchy is mounted, and which of its groups is the mount's root. */
static int isolation_find_cgroup_mount(char *point, char *root)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	int result = -ENOENT;

	if (!file)
		return -errno;
	while (result < 0 && fgets(line, sizeof line, file))
		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*s %*s %*s %1023s %1023s", root, point) == 2 && access(point, X_OK) == 0)
			result = 0; /* and not covered by another mount */
	fclose(file);
	return result;
}

/* Where NAME of the own cgroup is found in the file system. */
static int isolation_find_cgroup_path(const char *name, char *buffer, size_t size)
{
	char own[1024], point[1024], root[1024];
	int error = isolation_read_cgroup(own, sizeof own);
	size_t skip;

	if (error == 0)
		error = isolation_find_cgroup_mount(point, root);
	if (error < 0)
		return guest_failed("cgroup", "a cgroup2 mount", "%s", strerror(-error));
	skip = strcmp(root, "/") != 0 && strncmp(own, root, strlen(root)) == 0 ? strlen(root) : 0;
	snprintf(buffer, size, "%s%s/%s", point, own + skip, name);
	return 0;
}

/* The process may make groups below its own. */
static int isolation_cgroup_delegated(char **words _unused_, int n _unused_)
{
	char path[4096];

	if (isolation_find_cgroup_path("guest", path, sizeof path))
		return 1;
	if (mkdir(path, 0755) < 0)
		return guest_failed("cgroup-delegated", "to make a group", "%s: %s", path, strerror(errno));
	rmdir(path);
	return 0;
}

static int isolation_cgroup_file(char **words, int n _unused_)
{
	char path[4096], text[4096], check[128];
	ssize_t length;

	if (isolation_find_cgroup_path(words[0], path, sizeof path))
		return 1;
	snprintf(check, sizeof check, "cgroup-file %s", words[0]);
	length = guest_read(path, text, sizeof text);
	if (length < 0)
		return guest_failed(check, words[1], "%s: %s", path, strerror(-length));
	return guest_expect_text(check, words[1], text);
}

/* "propagation / shared": what the mount that has this very place says of itself. */
static int isolation_propagation(char **words, int n _unused_)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], found[64] = "not mounted";

	if (!file)
		return guest_failed("propagation", words[1], "%s", strerror(errno));
	while (fgets(line, sizeof line, file)) {
		char point[1024];

		if (sscanf(line, "%*s %*s %*s %*s %1023s", point) != 1 || strcmp(point, words[0]) != 0)
			continue;
		snprintf(found, sizeof found, "%s%s", strstr(line, " master:") ? "slave" : "",
			 strstr(line, " shared:") ? "shared" : "");
		if (!*found)
			snprintf(found, sizeof found, "private");
	}
	fclose(file);
	return guest_expect_text("propagation", words[1], found);
}

static int isolation_cgroup_attribute(char **words, int n _unused_)
{
	char path[4096], text[256], check[128];
	ssize_t length;

	if (isolation_find_cgroup_path(".", path, sizeof path))
		return 1;
	snprintf(check, sizeof check, "cgroup-attribute %s", words[0]);
	length = getxattr(path, words[0], text, sizeof text - 1);
	if (length < 0 && errno == ENODATA)
		return guest_expect_text(check, words[1], "none");
	if (length < 0)
		return guest_failed(check, words[1], "%s: %s", path, strerror(errno));
	text[length] = '\0';
	return guest_expect_text(check, words[1], text);
}

/* One object of each kind, that stays. */
static int isolation_make_ipc(char **words, int n _unused_)
{
	int fd;

	if (shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) < 0 || semget(IPC_PRIVATE, 1, IPC_CREAT | 0600) < 0 ||
	    msgget(IPC_PRIVATE, IPC_CREAT | 0600) < 0)
		return guest_failed("make-ipc", "System V objects", "%s", strerror(errno));
	fd = shm_open(words[0], O_CREAT | O_RDWR, 0600);
	if (fd < 0)
		return guest_failed("make-ipc", words[0], "%s", strerror(errno));
	close(fd);
	return 0;
}

/* $MEMORY_PRESSURE_WATCH takes what $MEMORY_PRESSURE_WRITE says, which is TEXT and a NUL. */
static int isolation_memory_pressure(char **words, int n _unused_)
{
	const char *path = getenv("MEMORY_PRESSURE_WATCH"), *encoded = getenv("MEMORY_PRESSURE_WRITE");
	char text[256] = "";
	size_t size = 0;
	uint32_t bits = 0;
	int fd;

	if (!path || !encoded)
		return guest_failed("memory-pressure", words[0], "no variables");
	for (size_t i = 0; encoded[i] && encoded[i] != '=' && size + 1 < sizeof text; i++) {
		char c = encoded[i];

		bits = bits << 6 | (uint32_t)(c >= 'a'	 ? c - 'a' + 26
					      : c >= 'A' ? c - 'A'
					      : c >= '0' ? c - '0' + 52
					      : c == '+' ? 62
							 : 63);
		if (i % 4 > 0)
			text[size++] = (char)(bits >> (6 - 2 * (i % 4)) & 255);
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return guest_failed("memory-pressure", words[0], "%s: %s", path, strerror(errno));
	if (size == 0 || text[size - 1] != '\0' || write(fd, text, size) < 0)
		return guest_failed("memory-pressure", words[0], "%s: %zu bytes: %s", path, size,
				    strerror(errno));
	close(fd);
	return guest_expect_text("memory-pressure", words[0], text);
}

static int isolation_count_processes(char wanted_state)
{
	DIR *directory = opendir("/proc");
	int count = 0;

	if (!directory)
		return -errno;
	for (struct dirent *entry; (entry = readdir(directory));) {
		char path[300], text[1024], *state;

		if (atoi(entry->d_name) <= 0)
			continue;
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		if (guest_read(path, text, sizeof text) < 0)
			continue;
		state = strrchr(text, ')');
		count += !wanted_state || (state && state[1] && state[2] == wanted_state);
	}
	closedir(directory);
	return count;
}

static int isolation_processes(char **words, int n _unused_)
{
	return guest_expect_number("processes", words[0], isolation_count_processes(0));
}

/* All dead processes get reaped: waits at most ten seconds. */
static int isolation_no_zombies(char **words _unused_, int n _unused_)
{
	int count = -1;

	for (int tries = 0; tries < 1000 && count != 0; tries++) {
		count = isolation_count_processes('Z');
		if (count != 0)
			usleep(10000);
	}
	return guest_expect_number("no-zombies", "0", count);
}

/* The name of PID 1, as it is seen from here. */
static int isolation_init(char **words, int n _unused_)
{
	char name[64];
	ssize_t length = guest_read("/proc/1/comm", name, sizeof name);

	return guest_expect_text("init", words[0], length < 0 ? strerror(-length) : name);
}

const struct guest_verb isolation_verbs[] = {
	{"hostname", 1, 1, isolation_hostname, "NAME"},
	{"interfaces", 1, 1, isolation_interfaces, "NAME,NAME…|none"},
	{"interface-up", 1, 1, isolation_interface_up, "NAME"},
	{"uid-map", 1, 1, isolation_uid_map, "'INSIDE OUTSIDE COUNT, …'"},
	{"gid-map", 1, 1, isolation_gid_map, "'INSIDE OUTSIDE COUNT, …'"},
	{"namespace", 3, 3, isolation_namespace, "KIND is|differs INODE"},
	{"record-namespaces", 1, 1, isolation_record_namespaces, "PATH"},
	{"make-ipc", 1, 1, isolation_make_ipc, "/NAME"},
	{"propagation", 2, 2, isolation_propagation, "PATH shared|slave|private"},
	{"time-offset", 2, 2, isolation_time_offset, "monotonic|boottime SECONDS"},
	{"cgroup", 1, 1, isolation_cgroup, "PATH"},
	{"cgroup-delegated", 0, 0, isolation_cgroup_delegated, ""},
	{"cgroup-file", 2, 2, isolation_cgroup_file, "NAME TEXT"},
	{"memory-pressure", 1, 1, isolation_memory_pressure, "TEXT"},
	{"cgroup-attribute", 2, 2, isolation_cgroup_attribute, "NAME TEXT|none"},
	{"processes", 1, 1, isolation_processes, "COUNT"},
	{"no-zombies", 0, 0, isolation_no_zombies, ""},
	{"init", 1, 1, isolation_init, "NAME"},
	{},
};
