/* Finds our place in the cgroup2 hierarchy. It may be mounted anywhere (on a hybrid host at
 * /sys/fs/cgroup/unified), and a mount may show only a part of it (in a container), so mountinfo and our own
 * group are read together. The only file that calls libmount. */
#include <fcntl.h>
#include <libmount/libmount.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/cgroup-private.h"

enum { CGROUP_FIND_FILE_MAX = 64 << 10 };

/* Our group's path in the cgroup namespace: the line "0::PATH" of /proc/self/cgroup. */
static int cgroup_find_group(char **ret)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n = fd_read_file_at(AT_FDCWD, "/proc/self/cgroup", CGROUP_FIND_FILE_MAX, &text);
	char *line, *end;

	if (n < 0)
		return (int)n;
	line = text_starts_with(text, "0::") ? text : strstr(text, "\n0::");
	if (!line)
		return -ENOENT;
	line = strchr(line, '/');
	if (!line)
		return -ENOENT;
	end = strchr(line, '\n');
	*ret = end ? strndup(line, (size_t)(end - line)) : strdup(line);
	return *ret ? 0 : -ENOMEM;
}

/* The part of GROUP below the mount's own root; NULL when the mount does not show it. */
static const char *cgroup_find_below(const char *group, const char *root)
{
	size_t length = strlen(root);

	if (text_equal(root, "/"))
		return group;
	if (strncmp(group, root, length) != 0 || (group[length] != '/' && group[length] != '\0'))
		return NULL;
	return group + length;
}

static int cgroup_find_in_table(struct libmnt_table *table, const char *group, char **ret)
{
	struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int r = -ENOENT;

	if (!iterator)
		return -ENOMEM;
	while (r == -ENOENT && mnt_table_next_fs(table, iterator, &fs) == 0) {
		const char *below;

		if (!text_equal(mnt_fs_get_fstype(fs), "cgroup2"))
			continue;
		below = cgroup_find_below(group, mnt_fs_get_root(fs) ?: "/");
		if (!below || strstr(below, "/.."))
			continue;
		*ret = text_format("%s%s", mnt_fs_get_target(fs), text_equal(below, "/") ? "" : below);
		r = !*ret ? -ENOMEM : access(*ret, F_OK) == 0 ? 0 : -ENOENT;
		if (r < 0)
			text_set(ret, NULL);
	}
	mnt_free_iter(iterator);
	return r;
}

int cgroup_find_own(char **ret_path, bool *ret_real_root)
{
	_cleanup_free_ char *group = NULL, *path = NULL, *type = NULL;
	struct libmnt_table *table;
	int r = cgroup_find_group(&group);

	if (r < 0)
		return r;
	table = mnt_new_table_from_file("/proc/self/mountinfo");
	if (!table)
		return -ENOENT;
	r = cgroup_find_in_table(table, group, &path);
	mnt_unref_table(table);
	if (r < 0)
		return r;
	/* cgroups(7): the root of the hierarchy is the only group without a type. */
	type = text_format("%s/cgroup.type", path);
	if (!type)
		return -ENOMEM;
	*ret_real_root = access(type, F_OK) < 0;
	*ret_path = TAKE(path);
	return 0;
}

int cgroup_find_options(char **ret)
{
	/* What the kernel was asked for, not what it says by itself. */
	static const char *const known[] = {"nsdelegate",
					    "favordynmods",
					    "memory_localevents",
					    "memory_recursiveprot",
					    "memory_hugetlb_accounting",
					    "pids_localevents"};
	struct libmnt_table *table = mnt_new_table_from_file("/proc/self/mountinfo");
	struct text_buffer buffer = {};
	struct libmnt_iter *iterator;
	struct libmnt_fs *fs = NULL;

	if (!table)
		return -ENOENT;
	iterator = mnt_new_iter(MNT_ITER_FORWARD);
	while (iterator && mnt_table_next_fs(table, iterator, &fs) == 0 &&
	       !text_equal(mnt_fs_get_fstype(fs), "cgroup2"))
		fs = NULL;
	mnt_free_iter(iterator);
	for (size_t i = 0; fs && i < ARRAY_SIZE(known); i++)
		if (mnt_fs_get_option(fs, known[i], NULL, NULL) == 0)
			text_buffer_append(&buffer, "%s%s", buffer.length ? "," : "", known[i]);
	mnt_unref_table(table);
	*ret = buffer.length ? text_buffer_finish(&buffer) : strdup("");
	return *ret ? 0 : -ENOMEM;
}

int cgroup_find_check(const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return -errno;
	return fs.f_type == CGROUP2_SUPER_MAGIC ? 0 : -ENOTSUP;
}
