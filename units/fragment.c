/* See fragment.h. The order of search is that of systemd.unit(5): the first directory that has the name wins;
 * a drop-in hides those of the same file name in later directories and in the folders of more general names.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "units/fragment.h"
#include "units/index.h"

enum { FRAGMENT_MAX_ALIASES = 8 };

void fragment_deinit(struct fragment *fragment)
{
	for (size_t i = 0; i < fragment->n_dropins; i++)
		free(fragment->dropins[i].path);
	free(fragment->dropins);
	text_list_free(fragment->wants);
	text_list_free(fragment->requires);
	free(fragment->name);
	free(fragment->path);
	*fragment = (struct fragment){};
}

char *fragment_unit_name(const char *file)
{
	_cleanup_free_ char *name = NULL;

	if (text_ends_with(file, ".container"))
		name = text_format("%.*s.service", (int)(strlen(file) - strlen(".container")), file);
	else
		name = strdup(file);
	return name && unit_name_parse(name, NULL, NULL) >= 0 ? TAKE(name) : NULL;
}

/* "web.service" -> "web.container"; NULL for other kinds. */
static char *fragment_container_name(const char *name)
{
	if (!text_ends_with(name, ".service"))
		return NULL;
	return text_format("%.*s.container", (int)(strlen(name) - strlen(".service")), name);
}

/* An empty file, or a link to /dev/null, says: this is not to be. */
static bool fragment_is_mask(const char *path)
{
	struct stat status;

	return stat(path, &status) >= 0 &&
	       (S_ISCHR(status.st_mode) || (S_ISREG(status.st_mode) && status.st_size == 0));
}

/* What the link PATH makes NAME another name of: heap; NULL with *RET 0 when it is no alias. A link whose
 * target is not a unit in the search path, or is the template of the instance NAME, only says where the file
 * is. */
static int fragment_read_alias(const struct unit_search_path *path, const char *file, const char *name,
			       char **ret)
{
	_cleanup_free_ char *target = realpath(file, NULL), *unit = NULL,
			    *template = unit_name_template(name);
	const char *at;
	char *slash;

	*ret = NULL;
	if (!target)
		return errno == ENOMEM ? -ENOMEM : 0;
	slash = strrchr(target, '/');
	*slash = '\0';
	if (!index_is_member(path, slash == target ? "/" : target))
		return 0;
	unit = fragment_unit_name(slash + 1);
	if (!unit || strcmp(unit, name) == 0 || text_equal(unit, template) ||
	    strcmp(strrchr(unit, '.'), strrchr(name, '.')) != 0)
		return 0;
	if (!unit_name_is_template(unit)) {
		*ret = TAKE(unit);
		return 0;
	}
	/* "a@1" linked to "b@" is b@1; a plain name cannot be a template. */
	at = strchr(name, '@');
	if (!at)
		return 0;
	*ret = text_format("%.*s%s", (int)(strchr(unit, '@') - unit), unit, at);
	return *ret ? 0 : -ENOMEM;
}

/* Looks for one FILE name in all directories. Returns 1 when it was found (ret filled), 2 when it is an alias
 * (*RET_ALIAS), 0. */
static int fragment_look_up(const struct unit_search_path *path, size_t i, const char *file, const char *name,
			    struct fragment *ret, char **ret_alias)
{
	bool is_link;
	int r;

	if (!index_has(path, i, file, &is_link))
		return 0;
	ret->path = text_format("%s/%s", path->items[i].path, file);
	if (!ret->path)
		return -ENOMEM;
	ret->lenient = path->items[i].lenient;
	ret->directory = i;
	ret->masked = fragment_is_mask(ret->path);
	ret->is_link = is_link;
	if (!is_link || ret->masked)
		return 1;
	r = fragment_read_alias(path, ret->path, name, ret_alias);
	if (r < 0 || !*ret_alias)
		return r < 0 ? r : 1;
	free(TAKE(ret->path));
	return 2;
}

/* Returns as fragment_look_up(). NAME itself comes before its template, in whatever directory. */
static int fragment_find_main(const struct unit_search_path *path, const char *name, struct fragment *ret,
			      char **ret_alias)
{
	_cleanup_free_ char *template = unit_name_template(name);
	const char *const names[] = {name, template};

	for (size_t k = 0; k < ARRAY_SIZE(names) && names[k]; k++) {
		_cleanup_free_ char *container = fragment_container_name(names[k]);
		const char *const files[] = {names[k], container};

		for (size_t i = 0; i < path->n; i++)
			for (size_t f = 0; f < ARRAY_SIZE(files) && files[f]; f++) {
				int r = fragment_look_up(path, i, files[f], name, ret, ret_alias);

				if (r != 0)
					return r;
			}
	}
	return 0;
}

/* --- folders beside the fragment
 * ------------------------------------------------------------------------------- */

/* Names whose ".d" folders apply to NAME, the most particular first: itself, its template, what is left of it
 * when cut at dashes
 * ("a-b.service": "a-.service"), and its kind. */
static int fragment_folder_names(const char *name, const char *file, char ***ret)
{
	_cleanup_text_list_ char **names = NULL;
	_cleanup_free_ char *template = unit_name_template(name);
	const char *suffix = strrchr(name, '.'), *base = strrchr(file ? file : name, '/');
	size_t stem = strcspn(name, "@");
	int r = text_list_append(&names, name);

	if (r >= 0 && base && text_ends_with(base, ".container"))
		r = text_list_append(&names, base + 1);
	if (r >= 0 && template)
		r = text_list_append(&names, template);
	if (stem > (size_t)(suffix - name))
		stem = (size_t)(suffix - name);
	while (r >= 0 && stem > 1) {
		/* The last dash before the end, not counting one at the very end. */
		for (stem--; stem > 0 && name[stem - 1] != '-'; stem--)
			;
		if (stem > 1)
			r = text_list_take(&names, text_format("%.*s%s", (int)stem, name, suffix));
	}
	if (r >= 0)
		r = text_list_append(&names, suffix + 1);
	if (r < 0)
		return r;
	*ret = TAKE(names);
	return 0;
}

/* Inserts sorted by file name; a name that is there already stays as it is. */
static int fragment_add_dropin(struct fragment *fragment, const char *folder, const char *file, bool lenient)
{
	struct fragment_file *larger;
	size_t at = 0;
	char *path;

	for (; at < fragment->n_dropins; at++) {
		int r = strcmp(strrchr(fragment->dropins[at].path, '/') + 1, file);

		if (r == 0)
			return 0;
		if (r > 0)
			break;
	}
	path = text_format("%s/%s", folder, file);
	larger = path ? realloc(fragment->dropins, (fragment->n_dropins + 1) * sizeof *larger) : NULL;
	if (!larger) {
		free(path);
		return -ENOMEM;
	}
	fragment->dropins = larger;
	memmove(&larger[at + 1], &larger[at], (fragment->n_dropins++ - at) * sizeof *larger);
	larger[at] = (struct fragment_file){.path = path, .lenient = lenient};
	return 0;
}

static int fragment_scan_dropins(struct fragment *fragment, const char *folder, bool lenient)
{
	DIR *directory = opendir(folder);
	struct dirent *entry;
	int r = 0;

	if (!directory)
		return 0;
	while (r >= 0 && (entry = readdir(directory)))
		if (entry->d_name[0] != '.' && text_ends_with(entry->d_name, ".conf"))
			r = fragment_add_dropin(fragment, folder, entry->d_name, lenient);
	closedir(directory);
	return r;
}

static int fragment_find_dropins(const struct unit_search_path *path, char *const *names,
				 struct fragment *fragment)
{
	for (; *names; names++) {
		_cleanup_free_ char *folder = text_format("%s.d", *names);

		if (!folder)
			return -ENOMEM;
		for (size_t i = 0; i < path->n; i++) {
			_cleanup_free_ char *full = NULL;
			int r;

			if (!index_has(path, i, folder, NULL))
				continue;
			full = text_format("%s/%s", path->items[i].path, folder);
			r = full ? fragment_scan_dropins(fragment, full, path->items[i].lenient) : -ENOMEM;
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Links in DIRECTORY/FOLDER name units, by the link's own name. */
static int fragment_scan_links(const char *directory, const char *folder, char ***list)
{
	_cleanup_free_ char *full = text_format("%s/%s", directory, folder);
	struct dirent *entry;
	DIR *stream;
	int r = 0;

	if (!full)
		return -ENOMEM;
	stream = opendir(full);
	if (!stream)
		return 0;
	while (r >= 0 && (entry = readdir(stream))) {
		_cleanup_free_ char *unit = NULL;

		if (entry->d_name[0] == '.')
			continue;
		unit = text_ends_with(entry->d_name, ".container") ? fragment_unit_name(entry->d_name)
								   : strdup(entry->d_name);
		if (unit && unit_name_valid(unit) && !text_list_contains(*list, unit))
			r = text_list_take(list, TAKE(unit));
	}
	closedir(stream);
	return r;
}

static int fragment_find_links(const struct unit_search_path *path, const char *suffix, const char *name,
			       char ***list)
{
	_cleanup_free_ char *template = unit_name_template(name);
	const char *const names[] = {name, template};

	for (size_t k = 0; k < ARRAY_SIZE(names) && names[k]; k++) {
		_cleanup_free_ char *folder = text_format("%s.%s", names[k], suffix);

		if (!folder)
			return -ENOMEM;
		for (size_t i = 0; i < path->n; i++) {
			int r = index_has(path, i, folder, NULL)
					? fragment_scan_links(path->items[i].path, folder, list)
					: 0;

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Follows aliases until NAME has a fragment or none. */
static int fragment_resolve(const struct unit_search_path *path, const char *name, struct fragment *fragment,
			    struct failure *failure)
{
	fragment->name = strdup(name);
	if (!fragment->name)
		return -ENOMEM;
	for (unsigned n = 0; n < FRAGMENT_MAX_ALIASES; n++) {
		char *alias = NULL;
		int r = fragment_find_main(path, fragment->name, fragment, &alias);

		if (r != 2)
			return r;
		free(fragment->name);
		fragment->name = alias;
	}
	return failure_set(failure, -ELOOP, NULL, "too many aliases lead from '%s' to another unit", name);
}

int fragment_find(const struct unit_search_path *path, const char *name, struct fragment *ret,
		  struct failure *failure)
{
	_cleanup_(fragment_deinit) struct fragment fragment = {};
	_cleanup_text_list_ char **names = NULL;
	int r;

	r = index_refresh(path);
	if (r >= 0)
		r = fragment_resolve(path, name, &fragment, failure);
	if (r >= 0)
		r = fragment_folder_names(fragment.name, fragment.path, &names);
	if (r >= 0 && !fragment.masked)
		r = fragment_find_dropins(path, names, &fragment);
	if (r >= 0 && !fragment.masked)
		r = fragment_find_links(path, "wants", fragment.name, &fragment.wants);
	if (r >= 0 && !fragment.masked)
		r = fragment_find_links(path, "requires", fragment.name, &fragment.requires);
	if (r < 0)
		return r;
	*ret = fragment;
	fragment = (struct fragment){};
	return 0;
}

/* --- the fingerprint --- */

/* --- changed?
 * ------------------------------------------------------------------------------------------------- */

static uint64_t fragment_hash(uint64_t hash, const void *data, size_t size)
{
	for (const unsigned char *byte = data; size > 0; size--)
		hash = (hash ^ *byte++) * UINT64_C(1099511628211);
	return hash;
}

static uint64_t fragment_hash_file(uint64_t hash, const char *path)
{
	struct stat status = {};

	hash = fragment_hash(hash, path, strlen(path) + 1);
	if (stat(path, &status) < 0)
		return hash;
	hash = fragment_hash(hash, &status.st_dev, sizeof status.st_dev);
	hash = fragment_hash(hash, &status.st_ino, sizeof status.st_ino);
	hash = fragment_hash(hash, &status.st_size, sizeof status.st_size);
	hash = fragment_hash(hash, &status.st_mtim.tv_sec, sizeof status.st_mtim.tv_sec);
	return fragment_hash(hash, &status.st_mtim.tv_nsec, sizeof status.st_mtim.tv_nsec);
}

/* Names in a directory come in any order, which must not count. */
static uint64_t fragment_hash_names(char *const *names)
{
	uint64_t sum = 0;

	for (; names && *names; names++)
		sum += fragment_hash(UINT64_C(14695981039346656037), *names, strlen(*names) + 1);
	return sum;
}

uint64_t fragment_fingerprint(const struct fragment *fragment)
{
	uint64_t hash = UINT64_C(14695981039346656037), links[2];

	hash = fragment_hash(hash, fragment->name, strlen(fragment->name) + 1);
	if (fragment->path)
		hash = fragment_hash_file(hash, fragment->path);
	for (size_t i = 0; i < fragment->n_dropins; i++)
		hash = fragment_hash_file(hash, fragment->dropins[i].path);
	links[0] = fragment_hash_names(fragment->wants);
	links[1] = fragment_hash_names(fragment->requires);
	return fragment_hash(hash, links, sizeof links);
}
