/* What the process sees of files: what is there, what may be written, how it is mounted. A check of
 * read-only-ness tries it, because flags of a mount above or below can say something else than the kernel
 * does. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int filesystem_present(char **words, int n_words)
{
	int failed = 0;
	struct stat status;

	for (int i = 0; i < n_words; i++)
		if (lstat(words[i], &status) < 0)
			failed |= guest_failed("present", words[i], "%s", strerror(errno));
	return failed;
}

static int filesystem_absent(char **words, int n_words)
{
	int failed = 0;
	struct stat status;

	for (int i = 0; i < n_words; i++)
		if (lstat(words[i], &status) == 0)
			failed |= guest_failed("absent", "no such file", "%s", words[i]);
		else if (errno != ENOENT && errno != ENOTDIR)
			failed |= guest_failed("absent", words[i], "%s", strerror(errno));
	return failed;
}

/* 0 when PATH could be written to, or a negative errno. Leaves nothing behind. */
static int filesystem_try_writing(const char *path)
{
	struct stat status;
	struct timespec now;
	char probe[4096];
	bool directory;
	int fd;

	/* Others may do the same, and have the same pid in their namespaces. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (stat(path, &status) < 0)
		return -errno;
	directory = S_ISDIR(status.st_mode);
	snprintf(probe, sizeof probe, directory ? "%s/.guest-%d-%lld" : "%s", path, getpid(),
		 (long long)now.tv_nsec);
	fd = open(probe, O_WRONLY | O_CLOEXEC | O_NOCTTY | (directory ? O_CREAT | O_EXCL : 0), 0600);
	if (fd < 0)
		return -errno;
	close(fd);
	if (directory)
		unlink(probe);
	return 0;
}

static int filesystem_writable(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++) {
		int error = filesystem_try_writing(words[i]);

		if (error < 0)
			failed |= guest_failed("writable", words[i], "%s", strerror(-error));
	}
	return failed;
}

static int filesystem_read_only(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++) {
		int error = filesystem_try_writing(words[i]);

		if (error != -EROFS)
			failed |= guest_failed("read-only", words[i], "%s",
					       error ? strerror(-error) : "it writable");
	}
	return failed;
}

/* Nothing can be learnt from it: it does not open, or is an empty directory or file. */
static int filesystem_is_hidden(const char *path)
{
	char text[2];
	struct stat status;
	DIR *directory;
	int n = 0;

	if (lstat(path, &status) < 0)
		return errno == ENOENT || errno == EACCES || errno == EPERM;
	if (!S_ISDIR(status.st_mode))
		return guest_read(path, text, sizeof text) <= 0;
	directory = opendir(path);
	if (!directory)
		return errno == EACCES || errno == EPERM;
	while (readdir(directory))
		n++;
	closedir(directory);
	return n <= 2;
}

static int filesystem_hidden(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++)
		if (!filesystem_is_hidden(words[i]))
			failed |= guest_failed("hidden", words[i], "content");
	return failed;
}

/* As "hidden", but the name must be there and its mode forbid everything: InaccessiblePaths=. */
static int filesystem_inaccessible(char **words, int n_words)
{
	int failed = 0;
	struct stat status;

	for (int i = 0; i < n_words; i++)
		if (lstat(words[i], &status) < 0)
			failed |= guest_failed("inaccessible", words[i], "%s", strerror(errno));
		else if (status.st_mode & 0777)
			failed |= guest_failed("inaccessible", words[i], "mode 0%o", status.st_mode & 0777);
		else if (!filesystem_is_hidden(words[i]))
			failed |= guest_failed("inaccessible", words[i], "content");
	return failed;
}

static int filesystem_content(char **words, int n _unused_)
{
	char text[16384], check[256];
	ssize_t length = guest_read(words[0], text, sizeof text);

	snprintf(check, sizeof check, "content of %s", words[0]);
	return guest_expect_text(check, words[1], length < 0 ? strerror(-length) : text);
}

static int filesystem_content_hex(char **words, int n _unused_)
{
	char text[4096], hex[2 * sizeof text + 1] = "";
	int fd = open(words[0], O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);

	if (length < 0)
		return guest_failed("content-hex", words[0], "%s", strerror(errno));
	close(fd);
	for (ssize_t i = 0; i < length; i++)
		sprintf(hex + 2 * i, "%02x", (unsigned char)text[i]);
	return guest_expect_text("content-hex", words[1], hex);
}

static const struct {
	const char *name;
	unsigned long flag;
} filesystem_flags[] = {
	{"ro", ST_RDONLY},
	{"nosuid", ST_NOSUID},
	{"nodev", ST_NODEV},
	{"noexec", ST_NOEXEC},
};

/* "nosuid,noexec": these are set; "!noexec": this one is not. */
static int filesystem_mount_option(char **words, int n _unused_)
{
	struct statvfs status;
	char expected[256];

	snprintf(expected, sizeof expected, "%s", words[1]);
	if (statvfs(words[0], &status) < 0)
		return guest_failed("mount-option", words[0], "%s", strerror(errno));
	for (char *rest = words[1], *word; (word = strsep(&rest, ","));) {
		bool absent = *word == '!', known = false;

		for (size_t i = 0; i < ARRAY_SIZE(filesystem_flags); i++) {
			if (strcmp(filesystem_flags[i].name, word + absent) != 0)
				continue;
			known = true;
			if (!(status.f_flag & filesystem_flags[i].flag) != absent)
				return guest_failed("mount-option", expected, "%s %s %s", words[0],
						    absent ? "with" : "without", word + absent);
		}
		if (!known)
			return guest_failed("mount-option", "ro, nosuid, nodev or noexec", "%s", word);
	}
	return 0;
}

static const struct {
	const char *name;
	long magic;
} filesystem_types[] = {
	{"tmpfs", TMPFS_MAGIC},		{"proc", PROC_SUPER_MAGIC},
	{"sysfs", SYSFS_MAGIC},		{"overlay", OVERLAYFS_SUPER_MAGIC},
	{"devpts", DEVPTS_SUPER_MAGIC}, {"cgroup2", CGROUP2_SUPER_MAGIC},
	{"squashfs", 0x73717368},	{"erofs", 0xe0f5e1e2},
	{"mqueue", 0x19800202},		{"ext4", EXT4_SUPER_MAGIC},
	{"ramfs", RAMFS_MAGIC},
};

static int filesystem_type(char **words, int n _unused_)
{
	struct statfs status;

	if (statfs(words[0], &status) < 0)
		return guest_failed("filesystem", words[0], "%s", strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(filesystem_types); i++)
		if (filesystem_types[i].magic == (long)status.f_type)
			return guest_expect_text("filesystem", words[1], filesystem_types[i].name);
	return guest_failed("filesystem", words[1], "%lx", (long)status.f_type);
}

/* "directory PATH NAME,NAME…": these, in alphabetical order, and no others. */
static int filesystem_directory(char **words, int n _unused_)
{
	struct dirent **entries;
	char found[4096] = "";
	int count = scandir(words[0], &entries, NULL, alphasort);

	if (count < 0)
		return guest_failed("directory", words[0], "%s", strerror(errno));
	for (int i = 0; i < count; i++) {
		size_t length = strlen(found);

		if (entries[i]->d_name[0] != '.')
			snprintf(found + length, sizeof found - length, "%s%s", length ? "," : "",
				 entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return guest_expect_text("directory", words[1], found);
}

static int filesystem_same(char **words, int n _unused_)
{
	struct stat a, b;

	if (stat(words[0], &a) < 0 || stat(words[1], &b) < 0)
		return guest_failed("same-file", words[0], "%s", strerror(errno));
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino
		       ? 0
		       : guest_failed("same-file", words[1], "%s is another", words[0]);
}

static int filesystem_size(char **words, int n _unused_)
{
	struct statvfs status;

	if (statvfs(words[0], &status) < 0)
		return guest_failed("filesystem-size", words[0], "%s", strerror(errno));
	return guest_expect_number("filesystem-size", words[1],
				   (long long)status.f_blocks * (long long)status.f_frsize);
}

static int filesystem_owner(char **words, int n _unused_)
{
	struct stat status;

	if (stat(words[0], &status) < 0)
		return guest_failed("owner", words[0], "%s", strerror(errno));
	return guest_expect_number("owner", words[1], status.st_uid) |
	       guest_expect_number("owner (group)", words[2], status.st_gid);
}

static int filesystem_mode(char **words, int n _unused_)
{
	struct stat status;

	if (stat(words[0], &status) < 0)
		return guest_failed("mode", words[0], "%s", strerror(errno));
	return guest_expect_number("mode", words[1], status.st_mode & 07777);
}

static int filesystem_device(char **words, int n _unused_)
{
	struct stat status;
	char found[64];

	if (stat(words[0], &status) < 0)
		return guest_failed("device", words[0], "%s", strerror(errno));
	snprintf(found, sizeof found, "%u:%u", major(status.st_rdev), minor(status.st_rdev));
	return guest_expect_text("device", words[1],
				 S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ? found : "no device");
}

static int filesystem_link(char **words, int n _unused_)
{
	char target[4096] = "";

	return guest_expect_text("link", words[1],
				 readlink(words[0], target, sizeof target - 1) < 0 ? strerror(errno)
										   : target);
}

/* Tries to run a program: 0 when execve(2) took it, or its errno. */
static int filesystem_try_executing(const char *path)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		char *const arguments[] = {(char *)path, (char *)"exit", (char *)"0", NULL};

		execve(path, arguments, NULL);
		_exit(errno);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int filesystem_executable(char **words, int n _unused_)
{
	int error = filesystem_try_executing(words[0]);

	return error ? guest_failed("executable", words[0], "%s", strerror(error)) : 0;
}

static int filesystem_not_executable(char **words, int n _unused_)
{
	int error = filesystem_try_executing(words[0]);

	return error == EACCES ? 0
			       : guest_failed("not-executable", words[0], "%s",
					      error ? strerror(error) : "that it runs");
}

const struct guest_verb filesystem_verbs[] = {
	{"present", 1, -1, filesystem_present, "PATH…"},
	{"absent", 1, -1, filesystem_absent, "PATH…"},
	{"writable", 1, -1, filesystem_writable, "PATH…"},
	{"read-only", 1, -1, filesystem_read_only, "PATH…"},
	{"hidden", 1, -1, filesystem_hidden, "PATH…"},
	{"inaccessible", 1, -1, filesystem_inaccessible, "PATH…"},
	{"content", 2, 2, filesystem_content, "PATH TEXT"},
	{"content-hex", 2, 2, filesystem_content_hex, "PATH BYTES"},
	{"mount-option", 2, 2, filesystem_mount_option, "PATH [!]ro|nosuid|nodev|noexec,…"},
	{"filesystem", 2, 2, filesystem_type, "PATH TYPE"},
	{"directory", 2, 2, filesystem_directory, "PATH NAME,NAME…"},
	{"same-file", 2, 2, filesystem_same, "PATH PATH"},
	{"filesystem-size", 2, 2, filesystem_size, "PATH BYTES"},
	{"owner", 3, 3, filesystem_owner, "PATH UID GID"},
	{"mode", 2, 2, filesystem_mode, "PATH MODE"},
	{"device", 2, 2, filesystem_device, "PATH MAJOR:MINOR"},
	{"link", 2, 2, filesystem_link, "PATH TARGET"},
	{"executable", 1, 1, filesystem_executable, "PROGRAM"},
	{"not-executable", 1, 1, filesystem_not_executable, "PROGRAM"},
	{},
};
