/* Unit files as they lie in the search path: which there are, whether they are enabled, whether they have
 * changed. See load.h. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "units/fragment.h"
#include "units/index.h"

/* --- list
 * ---------------------------------------------------------------------------------------------------- */

struct state_file {
	char *name, *path;
};

struct state_files {
	struct state_file *items;
	size_t n, room;
};

static void state_files_free(struct state_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->items[i].name);
		free(files->items[i].path);
	}
	free(files->items);
}

static int state_compare(const void *a, const void *b)
{
	return strcmp(((const struct state_file *)a)->name, ((const struct state_file *)b)->name);
}

static int state_append(struct state_files *files, char *name, char *path)
{
	struct state_file *larger = files->items;

	if (files->n == files->room) {
		size_t room = files->room ? files->room * 2 : 64;

		larger = realloc(files->items, room * sizeof *larger);
		if (larger)
			files->room = room;
	}
	if (!larger || !name || !path) {
		free(name);
		free(path);
		return -ENOMEM;
	}
	files->items = larger;
	files->items[files->n++] = (struct state_file){.name = name, .path = path};
	return 0;
}

/* Adds FILE of directory I unless its unit is there already. */
static int state_add(const struct unit_search_path *path, size_t i, const char *file, struct table *seen,
		     struct state_files *files)
{
	char *name = fragment_unit_name(file);
	int r;

	/* In one directory web.service comes before web.container, as when it is loaded. */
	if (!name || table_get(seen, name) || (strcmp(name, file) != 0 && index_has(path, i, name, NULL))) {
		free(name);
		return 0;
	}
	r = state_append(files, name, text_format("%s/%s", path->items[i].path, file));
	return r < 0 ? r : table_put(seen, name, name);
}

static int state_hand_over(struct state_files *files, char ***ret_names, char ***ret_paths)
{
	_cleanup_text_list_ char **names = NULL, **paths = NULL;

	qsort(files->items, files->n, sizeof *files->items, state_compare);
	names = calloc(files->n + 1, sizeof *names);
	paths = calloc(files->n + 1, sizeof *paths);
	if (!names || !paths)
		return -ENOMEM;
	for (size_t i = 0; i < files->n; i++) {
		names[i] = TAKE(files->items[i].name);
		paths[i] = TAKE(files->items[i].path);
	}
	*ret_names = TAKE(names);
	*ret_paths = TAKE(paths);
	return 0;
}

int unit_list_files(const struct unit_search_path *path, char ***ret_names, char ***ret_paths)
{
	_cleanup_(state_files_free) struct state_files files = {};
	_cleanup_(table_free) struct table seen = {};
	int r = index_refresh(path);

	for (size_t i = 0; i < path->n && r >= 0; i++)
		TABLE_FOREACH (slot, index_names(path, i)) {
			r = state_add(path, i, slot->key, &seen, &files);
			if (r < 0)
				break;
		}
	if (r < 0)
		return r;
	if (files.n == 0) {
		*ret_names = *ret_paths = NULL;
		return 0;
	}
	return state_hand_over(&files, ret_names, ret_paths);
}

/* --- enabled?
 * ------------------------------------------------------------------------------------------------- */

static bool state_is_runtime(const struct unit_search_path *path, size_t i)
{
	return text_starts_with(path->items[i].path, "/run/");
}

static bool state_link_exists(const char *directory, const char *folder, const char *name)
{
	_cleanup_free_ char *link = text_format("%s/%s/%s", directory, folder, name);
	struct stat status;

	return link && lstat(link, &status) >= 0 && S_ISLNK(status.st_mode);
}

/* Does any TARGET.wants/ or TARGET.requires/ of directory I hold NAME (or for a template, its default
 * instance)? */
static bool state_is_wanted(const struct unit_search_path *path, size_t i, const char *name,
			    const char *instance)
{
	TABLE_FOREACH (slot, index_names(path, i)) {
		if (!text_ends_with(slot->key, ".wants") && !text_ends_with(slot->key, ".requires"))
			continue;
		if (state_link_exists(path->items[i].path, slot->key, name) ||
		    (instance && state_link_exists(path->items[i].path, slot->key, instance)))
			return true;
	}
	return false;
}

static bool state_has_alias(const struct unit_search_path *path, size_t i, const struct unit_config *config)
{
	TEXT_LIST_FOREACH (alias, config->alias)
		if (state_link_exists(path->items[i].path, ".", *alias))
			return true;
	return false;
}

static const char *state_of_fragment(const struct unit_search_path *path, const struct unit_config *config,
				     const char *instance)
{
	struct stat status;

	for (size_t i = 0; i < path->n; i++)
		if (state_is_wanted(path, i, config->name, instance) || state_has_alias(path, i, config))
			return state_is_runtime(path, i) ? "enabled-runtime" : "enabled";
	if (lstat(config->files[0], &status) >= 0 && S_ISLNK(status.st_mode))
		return text_starts_with(config->files[0], "/run/") ? "linked-runtime" : "linked";
	if (config->wanted_by || config->required_by || config->alias)
		return "disabled";
	return config->also ? "indirect" : "static";
}

const char *unit_file_state(const struct unit_search_path *path, const struct unit_config *config)
{
	_cleanup_free_ char *instance = NULL;

	if (config->load_state == UNIT_MASKED)
		return config->files && text_starts_with(config->files[0], "/run/") ? "masked-runtime"
										    : "masked";
	if (!config->files)
		return "";
	if (config->load_state != UNIT_LOADED && !unit_name_is_template(config->name))
		return "bad";
	if (index_refresh(path) < 0)
		return "bad";
	if (unit_name_is_template(config->name) && config->default_instance)
		instance = text_format("%.*s%s%s", (int)strcspn(config->name, "@") + 1, config->name,
				       config->default_instance, strrchr(config->name, '.'));
	return state_of_fragment(path, config, instance);
}

uint64_t unit_fingerprint(const struct unit_search_path *path, const char *name)
{
	_cleanup_(fragment_deinit) struct fragment fragment = {};

	if (unit_name_parse(name, NULL, NULL) < 0 || fragment_find(path, name, &fragment, NULL) < 0)
		return 0;
	return fragment_fingerprint(&fragment);
}
