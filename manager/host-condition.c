/* Condition*= and Assert*=: questions to the filesystem, asked when a start job runs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "manager/host-private.h"
#include "units/directive.h"

static bool host_condition_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool host_condition_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool host_condition_symlink(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

static bool host_condition_not_empty(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
}

static bool host_condition_executable(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111);
}

static bool host_condition_read_write(const char *path)
{
	struct statvfs status;

	return statvfs(path, &status) == 0 && !(status.f_flag & ST_RDONLY);
}

static bool host_condition_mount_point(const char *path)
{
	struct statx status;

	return statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &status) == 0 &&
	       (status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static bool host_condition_directory_not_empty(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry = NULL;

	if (!directory)
		return false;
	do
		entry = readdir(directory);
	while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	closedir(directory);
	return entry;
}

static bool host_condition_glob(const char *pattern)
{
	glob_t found = {};
	bool any = glob(pattern, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;

	globfree(&found);
	return any;
}

/* By the directive's name behind "Condition" or "Assert". */
static const struct {
	const char *name;
	bool (*test)(const char *path);
} host_conditions[] = {
	{"PathExists", host_condition_exists},
	{"PathExistsGlob", host_condition_glob},
	{"PathIsDirectory", host_condition_directory},
	{"PathIsSymbolicLink", host_condition_symlink},
	{"PathIsMountPoint", host_condition_mount_point},
	{"PathIsReadWrite", host_condition_read_write},
	{"DirectoryNotEmpty", host_condition_directory_not_empty},
	{"FileNotEmpty", host_condition_not_empty},
	{"FileIsExecutable", host_condition_executable},
};

int host_condition_test(struct world *world _unused_, const struct unit_condition *condition)
{
	const char *name = directive_table[condition->directive].name;

	name += text_starts_with(name, "Assert") ? strlen("Assert") : strlen("Condition");
	for (size_t i = 0; i < ARRAY_SIZE(host_conditions); i++)
		if (strcmp(host_conditions[i].name, name) == 0)
			return host_conditions[i].test(condition->parameter) != condition->negate;
	return 0; /* a condition nobody can test is not met */
}
