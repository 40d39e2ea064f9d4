/* Settings that were made while running: drop-ins of our own in two control folders, one that stays and one that goes with the machine.
 * They are the first of the search path, so that a setting wins over a drop-in of the same name anywhere else; that of the runtime is the
 * very first. Since they are files like others, a manager that comes after this one, and a reload, find them where all the rest is found.
 *
 * The order of a change: everything is read with the new settings (what cannot be read is refused), the files are written, the unit is
 * read again and its group changed. If that cannot be, the files are put back. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/host-private.h"
#include "units/directive.h"

enum { HOST_SETTING_VALUE_MAX = 16384, HOST_SETTING_FILE_MAX = 1 << 20 };

static char *host_setting_folder(const struct host *host, bool runtime)
{
	return text_format("%s/control", runtime ? host->runtime_directory : host->state_directory);
}

/* What an earlier svc-init of this runtime directory was told went with it. */
static void host_setting_forget(const char *folder)
{
	DIR *units = opendir(folder);
	struct dirent *unit, *file;

	while (units && (unit = readdir(units))) {
		int fd = unit->d_name[0] == '.' ? -1
						: openat(dirfd(units), unit->d_name,
							 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		DIR *files = fd < 0 ? NULL : fdopendir(fd);

		while (files && (file = readdir(files)))
			if (file->d_name[0] != '.')
				unlinkat(dirfd(files), file->d_name, 0);
		if (files)
			closedir(files);
		else
			fd_close(fd);
		unlinkat(dirfd(units), unit->d_name, AT_REMOVEDIR);
	}
	if (units)
		closedir(units);
}

int host_setting_open(struct host *host)
{
	for (int runtime = 0; runtime <= 1; runtime++) {
		_cleanup_free_ char *folder = host_setting_folder(host, runtime);
		int r = folder ? unit_search_path_prepend(&host->unit_path, folder) : -ENOMEM;

		if (r < 0)
			return r;
		if (runtime && host_first_start(host))
			host_setting_forget(folder);
	}
	return 0;
}

/* --- one change -------------------------------------------------------------------------------------- */

static int host_setting_check(const struct host_setting *setting, struct failure *failure)
{
	TEXT_LIST_FOREACH (value, setting->values) {
		size_t length = strlen(*value);

		if (length > HOST_SETTING_VALUE_MAX)
			return failure_set(failure, -EINVAL, NULL, "%s=: the value is longer than %d bytes",
					   setting->directive->name, HOST_SETTING_VALUE_MAX);
		for (size_t i = 0; i < length; i++)
			if (iscntrl((unsigned char)(*value)[i]))
				return failure_set(failure, -EINVAL, NULL,
						   "%s=: the value holds a control character",
						   setting->directive->name);
		if (length > 0 && (*value)[length - 1] == '\\')
			return failure_set(failure, -EINVAL, NULL,
					   "%s=: the value would go on in the next line",
					   setting->directive->name);
	}
	return 0;
}

/* "[Service]\nMemoryMax=64M\n" */
static void host_setting_print(struct text_buffer *text, const struct unit *unit,
			       const struct host_setting *setting)
{
	text_buffer_append(text, "[%s]\n", unit->kind == UNIT_SLICE ? "Slice" : "Service");
	if (!setting->values)
		text_buffer_append(text, "%s=\n", setting->directive->name);
	TEXT_LIST_FOREACH (value, setting->values)
		text_buffer_append(text, "%s=%s\n", setting->directive->name, *value);
}

/* Can the unit be read with these settings? */
static int host_setting_try(struct host *host, const struct unit *unit, const struct host_setting *settings,
			    size_t n, struct failure *failure)
{
	_cleanup_(cleanup_unit_config_free) struct unit_config *config = NULL;
	struct text_buffer buffer = {};
	_cleanup_free_ char *text = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = host_setting_check(&settings[i], failure);
		host_setting_print(&buffer, unit, &settings[i]);
	}
	text = text_buffer_finish(&buffer);
	if (r < 0)
		return r;
	r = text ? unit_load_with(&host->unit_path, &host->specifiers, unit->name, "set-property", text,
				  strlen(text), &config)
		 : -ENOMEM;
	if (r < 0)
		return failure_set(failure, r, unit->name, "cannot be loaded");
	if (config->load_state == UNIT_LOADED)
		return 0;
	if (!config->load_failure)
		return failure_set(failure, -EBADMSG, unit->name, "cannot be loaded");
	*failure = *config->load_failure;
	/* It is the caller's text that is wrong, which has no line worth telling. */
	if (text_starts_with(failure->where, "set-property"))
		failure->where[0] = '\0';
	return config->load_state == UNIT_BAD_SETTING ? -EINVAL : failure->error;
}

/* One drop-in: where it is, and what it was. */
struct host_setting_file {
	char *path, *before, *now; /* NULL: there was none; there is to be none */
};

static void host_setting_free_files(struct host_setting_file *files, size_t n)
{
	for (size_t i = 0; files && i < n; i++) {
		free(files[i].path);
		free(files[i].before);
		free(files[i].now);
	}
	free(files);
}

static int host_setting_write(const struct host_setting_file *file, const char *content)
{
	_cleanup_free_ char *folder = strndup(file->path, (size_t)(strrchr(file->path, '/') - file->path));
	int r;

	if (!folder)
		return -ENOMEM;
	if (!content) {
		r = unlink(file->path) < 0 && errno != ENOENT ? -errno : 0;
		rmdir(folder); /* if it was the last */
		return r;
	}
	r = fd_make_directories(folder, 0755);
	return r < 0 ? r : fd_replace_file_at(AT_FDCWD, file->path, content, strlen(content), 0644);
}

static int host_setting_plan_file(const struct host *host, const struct unit *unit, bool runtime,
				  const struct host_setting *setting, bool remove,
				  struct host_setting_file *ret)
{
	_cleanup_free_ char *folder = host_setting_folder(host, runtime);
	struct text_buffer text = {};
	ssize_t n;

	ret->path = folder ? text_format("%s/%s.d/50-%s.conf", folder, unit->name, setting->directive->name)
			   : NULL;
	if (!ret->path)
		return -ENOMEM;
	n = fd_read_file_at(AT_FDCWD, ret->path, HOST_SETTING_FILE_MAX, &ret->before);
	if (n < 0 && n != -ENOENT)
		return (int)n;
	if (remove)
		return 0;
	text_buffer_append(&text, "# Made by set-property.\n");
	host_setting_print(&text, unit, setting);
	ret->now = text_buffer_finish(&text);
	return ret->now ? 0 : -ENOMEM;
}

/* Files to write: those of the settings, and where they are to stay, none left in the runtime's folder that would hide them. */
static int host_setting_plan(const struct host *host, const struct unit *unit, bool runtime,
			     const struct host_setting *settings, size_t n, struct host_setting_file **ret)
{
	struct host_setting_file *files = calloc(2 * n, sizeof *files);
	int r = files ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = host_setting_plan_file(host, unit, runtime, &settings[i], false, &files[2 * i]);
		if (r == 0)
			r = host_setting_plan_file(host, unit, true, &settings[i], !runtime,
						   &files[2 * i + 1]);
	}
	if (r < 0)
		host_setting_free_files(files, 2 * n);
	else
		*ret = files;
	return r;
}

int host_set_properties(struct host *host, struct unit *unit, bool runtime,
			const struct host_setting *settings, size_t n, struct failure *failure)
{
	struct host_setting_file *files = NULL;
	bool limits_only = unit_fingerprint(&host->unit_path, unit->name) == unit->config->fingerprint;
	size_t written = 0;
	int r = host_setting_try(host, unit, settings, n, failure);

	if (r < 0)
		return r;
	r = host_setting_plan(host, unit, runtime, settings, n, &files);
	if (r < 0)
		return failure_set(failure, r, unit->name, "its settings cannot be kept");
	for (; written < 2 * n && r == 0; written++) {
		r = host_setting_write(&files[written], files[written].now);
		if (r < 0)
			failure_set(failure, r, files[written].path, "the setting cannot be kept");
	}
	if (r == 0)
		r = manager_reconfigure(host->manager, unit, limits_only, failure);
	if (r < 0)
		while (written-- > 0)
			host_setting_write(&files[written], files[written].before);
	host_setting_free_files(files, 2 * n);
	return r;
}
