/* See index.h.
 *
 * A directory's mtime tells that it has changed, but only as finely as the kernel's clock ticks: an entry
 * made in the same tick as our reading would go unseen. So a listing whose directory changed shortly before
 * it was read is not trusted the next time. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/time.h"
#include "units/index.h"

#define INDEX_DOUBT (50 * USEC_PER_MSEC)

struct index_listing {
	struct table names; /* name -> its d_type plus one, as a pointer; the keys are ours */
	char *real_path;    /* NULL: there is no such directory */
	dev_t device;
	ino_t inode;
	usec_t changed;
	bool doubtful;
};

struct unit_index {
	size_t n;
	struct index_listing listings[];
};

struct unit_index *index_new(size_t n)
{
	struct unit_index *index = calloc(1, sizeof *index + n * sizeof index->listings[0]);

	if (index)
		index->n = n;
	return index;
}

static void index_clear(struct index_listing *listing)
{
	TABLE_FOREACH (slot, &listing->names)
		free((char *)(uintptr_t)slot->key);
	table_free(&listing->names);
	free(listing->real_path);
	*listing = (struct index_listing){};
}

struct unit_index *index_free(struct unit_index *index)
{
	for (size_t i = 0; index && i < index->n; i++)
		index_clear(&index->listings[i]);
	free(index);
	return NULL;
}

static int index_add(struct index_listing *listing, const struct dirent *entry)
{
	char *name;
	int r;

	if (entry->d_name[0] == '.')
		return 0;
	name = strdup(entry->d_name);
	if (!name)
		return -ENOMEM;
	r = table_put(&listing->names, name, (void *)(uintptr_t)(entry->d_type + 1));
	if (r < 0)
		free(name);
	return r == -EEXIST ? 0 : r;
}

static int index_read(struct index_listing *listing, const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!directory)
		return 0;
	listing->real_path = realpath(path, NULL);
	if (!listing->real_path)
		r = -ENOMEM;
	while (r >= 0 && (entry = readdir(directory)))
		r = index_add(listing, entry);
	closedir(directory);
	return r;
}

static int index_refresh_one(struct index_listing *listing, const char *path)
{
	struct stat status;
	usec_t changed;
	int r;

	if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode)) {
		index_clear(listing);
		return 0;
	}
	changed = (usec_t)status.st_mtim.tv_sec * USEC_PER_SEC + (usec_t)status.st_mtim.tv_nsec / 1000;
	if (listing->real_path && !listing->doubtful && listing->changed == changed &&
	    listing->device == status.st_dev && listing->inode == status.st_ino)
		return 0;
	index_clear(listing);
	listing->doubtful = time_add(changed, INDEX_DOUBT) >= time_now(CLOCK_REALTIME);
	listing->changed = changed;
	listing->device = status.st_dev;
	listing->inode = status.st_ino;
	r = index_read(listing, path);
	if (r < 0)
		index_clear(listing);
	return r;
}

int index_refresh(const struct unit_search_path *path)
{
	for (size_t i = 0; i < path->n; i++) {
		int r = index_refresh_one(&path->index->listings[i], path->items[i].path);

		if (r < 0)
			return r;
	}
	return 0;
}

bool index_has(const struct unit_search_path *path, size_t i, const char *name, bool *ret_is_link)
{
	void *type = table_get(&path->index->listings[i].names, name);

	if (!type)
		return false;
	if (ret_is_link)
		*ret_is_link = (uintptr_t)type != DT_REG + 1 && (uintptr_t)type != DT_DIR + 1;
	return true;
}

const struct table *index_names(const struct unit_search_path *path, size_t i)
{
	return &path->index->listings[i].names;
}

bool index_is_member(const struct unit_search_path *path, const char *directory)
{
	for (size_t i = 0; i < path->n; i++)
		if (text_equal(path->index->listings[i].real_path, directory))
			return true;
	return false;
}
