/* Directory trees on their way out, a slice per turn of the loop and only when it has nothing else to do.
 *
 * A tree is first renamed to BASE/.svcd-removed-ID, so that it is out of everybody's sight at once and a service can start anew. It is taken
 * apart flat: what is in it is unlinked, and a directory found in one of its directories is moved up to the top, where its turn comes. So
 * two descriptors do for any depth, and every step is one system call on a name that only we know. What a crash of the manager
 * left is found by its name when the next one starts. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "manager/host-private.h"

#define HOST_REMOVAL_PREFIX ".svcd-removed-"

enum {
	HOST_REMOVAL_SLICE = 256,	 /* names per turn of the loop */
	HOST_REMOVAL_LAST_SLICES = 4096, /* at the shutdown */
};

struct host_removal {
	struct host_removal *next;
	int base_fd; /* what the tree lies in */
	char *name;
	char *where; /* the base's path, for the log */
	DIR *top;    /* the tree */
	DIR *inner;  /* the directory in it that is being emptied; NULL: none */
	char inner_name[256];
	uint64_t moved; /* directories moved up so far */
	struct host_clean *clean;
};

static struct host_removal *host_removal_free(struct host_removal *removal)
{
	if (!removal)
		return NULL;
	if (removal->inner)
		closedir(removal->inner);
	if (removal->top)
		closedir(removal->top);
	fd_close(removal->base_fd);
	free(removal->name);
	free(removal->where);
	free(removal);
	return NULL;
}
DEFINE_CLEANUP(struct host_removal *, host_removal_free);

/* Without privilege a directory may have to be opened up before it can be emptied. */
static DIR *host_removal_open(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	DIR *directory;

	if (fd < 0 && errno == EACCES && fchmodat(parent_fd, name, 0700, 0) == 0)
		fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 0700) != 0700)
		fchmod(fd, 0700);
	directory = fdopendir(fd);
	if (!directory)
		fd_close(fd);
	return directory;
}

static bool host_removal_is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A name in the directory being emptied. */
static int host_removal_inner_step(struct host_removal *removal, const char *name)
{
	int inner = dirfd(removal->inner), r;
	char moved[64];

	if (unlinkat(inner, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(inner, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY)
		return -errno;
	if (geteuid() != 0) /* to be moved it has to be writable */
		fchmodat(inner, name, 0700, 0);
	do
		snprintf(moved, sizeof moved, "%" PRIu64, removal->moved++);
	while ((r = renameat2(inner, name, dirfd(removal->top), moved, RENAME_NOREPLACE)) < 0 &&
	       errno == EEXIST);
	return r < 0 ? -errno : 0;
}

/* The next directory of the top, or its end. Returns 1 when all is done. */
static int host_removal_top_step(struct host_removal *removal)
{
	struct dirent *entry;

	errno = 0;
	entry = readdir(removal->top);
	if (!entry && errno)
		return -errno;
	if (!entry) {
		if (unlinkat(removal->base_fd, removal->name, AT_REMOVEDIR) == 0 || errno == EBUSY)
			return 1; /* a mount point stays, empty */
		/* What was moved up meanwhile need not have been seen. */
		if (errno != ENOTEMPTY)
			return -errno;
		rewinddir(removal->top);
		return 0;
	}
	if (host_removal_is_dots(entry->d_name) || unlinkat(dirfd(removal->top), entry->d_name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(dirfd(removal->top), entry->d_name, AT_REMOVEDIR) == 0)
		return 0;
	removal->inner = host_removal_open(dirfd(removal->top), entry->d_name);
	if (!removal->inner)
		return -errno;
	snprintf(removal->inner_name, sizeof removal->inner_name, "%s", entry->d_name);
	return 0;
}

/* Deals with one name. Returns 1 when the tree is gone. */
static int host_removal_step(struct host_removal *removal)
{
	struct dirent *entry;

	if (!removal->inner)
		return host_removal_top_step(removal);
	errno = 0;
	entry = readdir(removal->inner);
	if (entry)
		return host_removal_is_dots(entry->d_name) ? 0
							   : host_removal_inner_step(removal, entry->d_name);
	if (errno)
		return -errno;
	closedir(removal->inner);
	removal->inner = NULL;
	if (unlinkat(dirfd(removal->top), removal->inner_name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY)
		return -errno;
	return 0;
}

/* The first in the list is finished, with RESULT. */
static void host_removal_end(struct host *host, int result)
{
	struct host_removal *removal = host->removals;
	char text[512];

	host->removals = removal->next;
	if (result < 0) {
		snprintf(text, sizeof text, "%s/%s cannot be removed: %s", removal->where, removal->name,
			 strerror(-result));
		host_log_message(&host->world, LOG_WARNING, NULL, text);
	}
	if (removal->clean)
		host_clean_done(removal->clean, result);
	host_removal_free(removal);
}

/* A slice of the work. False when there is none left. */
static bool host_removal_run(struct host *host)
{
	for (int i = 0; i < HOST_REMOVAL_SLICE && host->removals; i++) {
		int r = host_removal_step(host->removals);

		if (r != 0)
			host_removal_end(host, r);
	}
	return host->removals;
}

static int host_removal_on_idle(sd_event_source *source, void *data)
{
	return host_removal_run(data) ? 0 : sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int host_removal_enqueue(struct host *host, struct host_removal *removal)
{
	struct host_removal **last = &host->removals;
	int r = 0;

	if (!host->removal_source) {
		r = sd_event_add_defer(host->event, &host->removal_source, host_removal_on_idle, host);
		if (r >= 0)
			r = sd_event_source_set_priority(host->removal_source, SD_EVENT_PRIORITY_IDLE);
	}
	if (r >= 0)
		r = sd_event_source_set_enabled(host->removal_source, SD_EVENT_ON);
	if (r < 0)
		return r;
	while (*last)
		last = &(*last)->next;
	*last = removal;
	return 0;
}

/* Takes NAME over, also on failure. */
static int host_removal_begin(struct host *host, int base_fd, char *name, const char *where,
			      struct host_clean *clean)
{
	_cleanup_(cleanup_host_removal_free) struct host_removal *removal = malloc(sizeof *removal);
	int r;

	if (!removal) {
		free(name);
		return -ENOMEM;
	}
	*removal = (struct host_removal){
		.name = name, .where = strdup(where), .base_fd = fcntl(base_fd, F_DUPFD_CLOEXEC, 3)};
	if (!name || !removal->where || removal->base_fd < 0)
		return -ENOMEM;
	removal->top = host_removal_open(base_fd, name);
	if (!removal->top)
		return -errno;
	r = host_removal_enqueue(host, removal);
	if (r < 0)
		return r;
	removal->clean = clean;
	if (clean)
		clean->n_pending++;
	TAKE(removal);
	return 0;
}

int host_removal_add(struct host *host, int parent_fd, const char *name, int base_fd, const char *where,
		     struct host_clean *clean)
{
	char *aside;
	uint64_t id;

	if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EBUSY)
		return -errno;
	host->world.ops->random(&host->world, &id, sizeof id);
	aside = text_format(HOST_REMOVAL_PREFIX "%016" PRIx64, id);
	if (!aside)
		return -ENOMEM;
	if (renameat(parent_fd, name, base_fd, aside) < 0) {
		int error = -errno;

		free(aside);
		/* A mount point, or on another file system: taken apart where it is. */
		return error == -EBUSY || error == -EXDEV
			       ? host_removal_begin(host, parent_fd, strdup(name), where, clean)
			       : error;
	}
	return host_removal_begin(host, base_fd, aside, where, clean);
}

void host_removal_resume(struct host *host)
{
	for (size_t i = 0; i <= SPEC_DIRECTORY_MAX_; i++) {
		const char *path =
			i < SPEC_DIRECTORY_MAX_ ? host->directories[i] : host->credentials_directory;
		DIR *base = opendir(path);
		struct dirent *entry;

		while (base && (entry = readdir(base)))
			if (text_starts_with(entry->d_name, HOST_REMOVAL_PREFIX))
				host_removal_begin(host, dirfd(base), strdup(entry->d_name), path, NULL);
		if (base)
			closedir(base);
	}
}

void host_removal_finish(struct host *host)
{
	for (int i = 0; i < HOST_REMOVAL_LAST_SLICES && host_removal_run(host); i++)
		;
}

void host_removal_drop(struct host *host)
{
	while (host->removals) {
		struct host_removal *removal = host->removals;

		host->removals = removal->next;
		host_removal_free(removal);
	}
	host->removal_source = sd_event_source_disable_unref(host->removal_source);
}
