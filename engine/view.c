/* The compile-time view of a container: a path is looked up in the volume with the longest target above it,
 * or else in each directory that the root is made of, uppermost first. Whiteouts of an upper layer are not
 * followed: what is found is only used to tell the user early, or to choose a name that the container's own
 * execve(2) then checks. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/view.h"

static int view_open_in(const char *root, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_fd_ int root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root_fd < 0)
		return -errno;
	/* openat2(2): EAGAIN when a rename or mount elsewhere made ".." uncertain; safe to repeat, and bounded here. */
	for (int tries = 0; tries < 64; tries++) {
		fd = (int)syscall(SYS_openat2, root_fd, *path ? path : "/", &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* The part of PATH below DIRECTORY: "" for the directory itself, NULL when it is not below. */
static const char *view_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (length == 1)
		return path;
	if (strncmp(path, directory, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	return path + length;
}

/* Finds the bind mount with the longest target above PATH. */
static const struct spec_mount *view_find_mount(const struct spec *spec, const char *path)
{
	const struct spec_mounts *const lists[] = {&spec->volumes, &spec->mounts, &spec->bind_paths,
						   &spec->bind_read_only_paths};
	const struct spec_mount *best = NULL;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++) {
			const struct spec_mount *mount = &lists[l]->items[i];

			if (mount->kind == SPEC_MOUNT_BIND && view_below(path, mount->target) &&
			    (!best || strlen(mount->target) > strlen(best->target)))
				best = mount;
		}
	return best;
}

static int view_open_root(const struct spec *spec, const char *path, int flags)
{
	int fd = -ENOENT;

	/* What is in an image nobody sees before it is mounted; its users are the host's. */
	if (spec->root_image)
		return view_open_in("/", path, flags);
	if (!spec->image_layers)
		return view_open_in(spec->root_directory ?: "/", path, flags);
	if (spec->upper == SPEC_UPPER_PERSISTENT && spec->upper_directory) {
		_cleanup_free_ char *upper = text_format("%s/data", spec->upper_directory);

		if (!upper)
			return -ENOMEM;
		fd = view_open_in(upper, path, flags);
	}
	for (char **layer = spec->image_layers; *layer && fd < 0; layer++)
		fd = view_open_in(*layer, path, flags);
	return fd;
}

int view_open(const struct spec *spec, const char *path, int flags)
{
	const struct spec_mount *mount = view_find_mount(spec, path);
	const char *below = mount ? view_below(path, mount->target) : NULL;
	int fd;

	if (!mount)
		return view_open_root(spec, path, flags);
	if (*below)
		return view_open_in(mount->source, below, flags);
	/* A single file may be mounted too: it is opened itself, not searched. */
	fd = open(mount->source, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int view_type(const struct spec *spec, const char *directory, const char *path)
{
	_cleanup_fd_ int fd =
		directory ? view_open_in(directory, path, O_PATH) : view_open_root(spec, path, O_PATH);
	struct stat st;

	if (fd < 0)
		return fd;
	return fstat(fd, &st) < 0 ? -errno : (int)(st.st_mode & S_IFMT);
}

bool view_is_opaque(const struct spec *spec)
{
	struct stat st;

	if (spec->root_image || spec->mount_images.n || spec->extension_images.n)
		return true;
	TEXT_LIST_FOREACH (layer, spec->image_layers)
		if (stat(*layer, &st) == 0 && !S_ISDIR(st.st_mode))
			return true;
	return false;
}

bool view_is_executable(const struct spec *spec, const char *path)
{
	_cleanup_fd_ int fd = view_open(spec, path, O_PATH);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

ssize_t view_read(const struct spec *spec, const char *path, size_t limit, char **ret_text)
{
	/* O_NONBLOCK: a FIFO in the container must not hold the manager. */
	_cleanup_fd_ int fd = view_open(spec, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > limit)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	n = fd_read_all(fd, text, (size_t)st.st_size);
	if (n < 0)
		return n;
	text[n] = '\0';
	*ret_text = TAKE(text);
	return n;
}
