/* The search path for unit files. See load.h. */
#include <string.h>

#include "units/index.h"
#include "units/value.h"

static const struct {
	const char *path;
	bool systemd;
} path_defaults[] = {
	{"/etc/svcd/units", false},
	{"/run/svcd/units", false},
	{"/usr/local/lib/svcd/units", false},
	{"/usr/lib/svcd/units", false},
	{"/etc/systemd/system", true},
	{"/run/systemd/system", true},
	{"/usr/local/lib/systemd/system", true},
	{"/usr/lib/systemd/system", true},
	{"/etc/containers/systemd", true},
	{"/run/containers/systemd", true},
	{"/usr/share/containers/systemd", true},
};

static int path_append(struct unit_search_path *path, const char *directory, bool lenient)
{
	struct unit_directory *larger = realloc(path->items, (path->n + 1) * sizeof *larger);
	char *copy;

	if (!larger)
		return -ENOMEM;
	path->items = larger;
	copy = strdup(directory);
	if (!copy)
		return -ENOMEM;
	path->items[path->n++] = (struct unit_directory){.path = copy, .lenient = lenient};
	return 0;
}

static int path_append_defaults(struct unit_search_path *path, bool with_systemd)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(path_defaults) && r >= 0; i++)
		if (with_systemd || !path_defaults[i].systemd)
			r = path_append(path, path_defaults[i].path, path_defaults[i].systemd);
	return r;
}

/* A relative directory counts from the working directory, where a person who types it stands. */
static int path_append_given(struct unit_search_path *path, char *directory)
{
	_cleanup_free_ char *here = NULL, *absolute = NULL;
	int r;

	if (directory[0] != '/') {
		here = realpath(".", NULL);
		if (!here)
			return -errno;
		absolute = text_format("%s/%s", here, directory);
		if (!absolute)
			return -ENOMEM;
		directory = absolute;
	}
	/* "a/../b" stays as it is: what ".." means, only the file system knows. */
	if (!strstr(directory, "..")) {
		r = value_clean_path(directory, NULL);
		if (r < 0)
			return r;
	}
	return path_append(path, directory, false);
}

int unit_search_path_prepend(struct unit_search_path *path, const char *directory)
{
	struct unit_index *index = index_new(path->n + 1);
	int r = index ? path_append(path, directory, false) : -ENOMEM;
	struct unit_directory first;

	if (r < 0) {
		index_free(index);
		return r;
	}
	first = path->items[path->n - 1];
	memmove(path->items + 1, path->items, (path->n - 1) * sizeof *path->items);
	path->items[0] = first;
	index_free(path->index);
	path->index = index;
	return 0;
}

int unit_search_path_parse(const char *text, bool with_systemd, struct unit_search_path *ret)
{
	struct unit_search_path path = {};
	_cleanup_free_ char *copy = NULL;
	int r = 0;

	if (text) {
		char *rest = copy = strdup(text);

		if (!copy)
			return -ENOMEM;
		for (char *directory; r >= 0 && (directory = strsep(&rest, ":"));)
			if (*directory)
				r = path_append_given(&path, directory);
	} else {
		r = path_append_defaults(&path, with_systemd);
	}
	if (r >= 0 && !(path.index = index_new(path.n)))
		r = -ENOMEM;
	if (r < 0) {
		unit_search_path_free(&path);
		return r;
	}
	*ret = path;
	return 0;
}

void unit_search_path_free(struct unit_search_path *path)
{
	for (size_t i = 0; i < path->n; i++)
		free(path->items[i].path);
	free(path->items);
	index_free(path->index);
	*path = (struct unit_search_path){};
}
