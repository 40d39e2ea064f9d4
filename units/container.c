/* See container.h. ContainerName= is looked for as text: a specifier in it is not understood, a drop-in not read. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "units/container.h"
#include "units/fragment.h"

enum { CONTAINER_FILE_MAX = 1 << 20 };

/* Has TEXT a line "ContainerName = NAME"? */
static bool container_is_called(char *text, const char *name, size_t length)
{
	static const char key[] = "ContainerName";

	for (char *line; (line = strsep(&text, "\n"));) {
		line += strspn(line, " \t");
		if (strncmp(line, key, sizeof key - 1) != 0)
			continue;
		line += sizeof key - 1;
		line += strspn(line, " \t");
		if (*line++ != '=')
			continue;
		line += strspn(line, " \t");
		if (strncmp(line, name, length) == 0 && !line[length + strspn(line + length, " \t\r")])
			return true;
	}
	return false;
}

/* The unit's name: heap; NULL when there is none, with 0, or no memory, with -ENOMEM. */
static int container_find(const struct unit_search_path *path, const char *name, size_t length, char **ret)
{
	_cleanup_text_list_ char **names = NULL, **files = NULL;
	int r = unit_list_files(path, &names, &files);

	*ret = NULL;
	for (size_t i = 0; r == 0 && names && names[i] && !*ret; i++) {
		_cleanup_free_ char *text = NULL;

		if (text_ends_with(names[i], ".service") &&
		    fd_read_file_at(AT_FDCWD, files[i], CONTAINER_FILE_MAX, &text) > 0 &&
		    container_is_called(text, name, length) && !(*ret = strdup(names[i])))
			r = -ENOMEM;
	}
	return r;
}

int container_resolve(const struct unit_search_path *path, struct unit_config *config)
{
	static const enum unit_dependency kinds[] = {UNIT_REQUIRES, UNIT_AFTER};
	const char *name = config->spec.network_unit;
	_cleanup_(fragment_deinit) struct fragment fragment = {};
	_cleanup_free_ char *found = NULL;
	int r;

	if (!name || fragment_find(path, name, &fragment, NULL) == -ENOMEM || fragment.path)
		return 0;
	r = container_find(path, name, strlen(name) - strlen(".service"), &found);
	if (r < 0 || !found)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		TEXT_LIST_FOREACH (item, config->dependencies[kinds[i]])
			if (strcmp(*item, name) == 0 && text_set(item, found) < 0)
				return -ENOMEM;
	return text_set(&config->spec.network_unit, found);
}
