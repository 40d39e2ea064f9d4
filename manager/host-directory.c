/* The directories of services on the host: StateDirectory= and its siblings (engine/directory.h).
 *
 * They are made, and opened, for each launch, with no more than a few system calls each: what can take long is done by the launched
 * process itself (a change of owner) or in the background (host-removal.c). A service that owns one directory may have put anything into it,
 * so the way to one below it is gone step by step and no symbolic link is followed.
 *
 * The base directories are those of the system (/run, /var/lib, /var/cache, /var/log, /etc) for a manager whose own directories are the
 * usual ones. One that was given others keeps all that belongs to its services there too: RUNTIME/run, STATE/lib, STATE/cache, STATE/log,
 * STATE/etc. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "engine/directory.h"
#include "manager/host-private.h"

#define HOST_PRIVATE	     "private" /* below each base: the directories of dynamic users */
#define HOST_DEFAULT_RUNTIME "/run/svcd"
#define HOST_DEFAULT_STATE   "/var/lib/svcd"

int host_directory_set_bases(struct host *host)
{
	static const struct {
		const char *usual, *below;
	} rows[SPEC_DIRECTORY_MAX_] = {
		[SPEC_DIRECTORY_RUNTIME] = {"/run", "run"},
		[SPEC_DIRECTORY_STATE] = {"/var/lib", "lib"},
		[SPEC_DIRECTORY_CACHE] = {"/var/cache", "cache"},
		[SPEC_DIRECTORY_LOGS] = {"/var/log", "log"},
		[SPEC_DIRECTORY_CONFIGURATION] = {"/etc", "etc"},
	};
	bool usual_runtime = strcmp(host->runtime_directory, HOST_DEFAULT_RUNTIME) == 0,
	     usual_state = strcmp(host->state_directory, HOST_DEFAULT_STATE) == 0;

	for (size_t i = 0; i < SPEC_DIRECTORY_MAX_; i++) {
		bool runtime = i == SPEC_DIRECTORY_RUNTIME;

		host->directories[i] =
			(runtime ? usual_runtime : usual_state)
				? strdup(rows[i].usual)
				: text_format("%s/%s",
					      runtime ? host->runtime_directory : host->state_directory,
					      rows[i].below);
		if (!host->directories[i])
			return -ENOMEM;
	}
	host->specifiers.runtime_directory = host->directories[SPEC_DIRECTORY_RUNTIME];
	host->specifiers.state_directory = host->directories[SPEC_DIRECTORY_STATE];
	host->specifiers.cache_directory = host->directories[SPEC_DIRECTORY_CACHE];
	host->specifiers.logs_directory = host->directories[SPEC_DIRECTORY_LOGS];
	host->specifiers.configuration_directory = host->directories[SPEC_DIRECTORY_CONFIGURATION];
	return 0;
}

/* --- walking ----------------------------------------------------------------------------------------- */

/* Opens (O_PATH) the directory NAME, one part of a path, in PARENT_FD. */
static int host_directory_step(int parent_fd, const char *name)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				     .resolve =
					     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, parent_fd, name, &how, sizeof how);
	struct stat status;

	if (fd >= 0)
		return (int)fd;
	/* O_DIRECTORY with O_NOFOLLOW says of a link what it says of a file. */
	if (errno == ENOTDIR && fstatat(parent_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(status.st_mode))
		return -ELOOP;
	return -errno;
}

/* As above; made with MODE if it is missing. *RET_MADE may be NULL. */
static int host_directory_step_making(int parent_fd, const char *name, mode_t mode, bool *ret_made)
{
	int fd = host_directory_step(parent_fd, name);

	if (ret_made)
		*ret_made = false;
	if (fd != -ENOENT)
		return fd;
	if (mkdirat(parent_fd, name, mode) < 0 && errno != EEXIST)
		return -errno;
	if (ret_made)
		*ret_made = true;
	return host_directory_step(parent_fd, name);
}

/* The directory above the last part of PATH, which lies below BASE_FD; with MAKE, missing parts are made. *RET_NAME is that last part. The
 * descriptor is the caller's. */
static int host_directory_parent(int base_fd, const char *path, bool make, const char **ret_name)
{
	int fd = fcntl(base_fd, F_DUPFD_CLOEXEC, 3);

	while (fd >= 0) {
		size_t length = strcspn(path, "/");
		char name[256];
		int next;

		*ret_name = path;
		if (!path[length])
			return fd;
		if (length >= sizeof name) {
			fd_close(fd);
			return -ENAMETOOLONG;
		}
		snprintf(name, sizeof name, "%.*s", (int)length, path);
		next = make ? host_directory_step_making(fd, name, 0755, NULL)
			    : host_directory_step(fd, name);
		fd_close(fd);
		if (next < 0)
			return next;
		fd = next;
		path += length + 1;
	}
	return -errno;
}

static int host_directory_open_base(const struct host *host, enum spec_directory kind, bool make)
{
	const char *base = host->directories[kind];
	int fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && make) {
		int r = fd_make_directories(base, 0755);

		if (r < 0)
			return r;
		fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/* --- making ------------------------------------------------------------------------------------------ */

struct host_directory {
	const struct host *host;
	const struct spec *spec;
	enum spec_directory kind;
	const char *path, *link; /* of the entry */
	const char *real;	 /* where it is: PATH, or below "private" */
	struct failure *failure;
};

static int host_directory_fail(const struct host_directory *directory, const char *path, int error,
			       const char *what)
{
	const char *base = directory->host->directories[directory->kind];

	if (error == -ELOOP)
		return failure_set(directory->failure, error, NULL,
				   "%s/%s: a symbolic link is where a directory should be", base, path);
	if (error == -ENOTDIR)
		return failure_set(directory->failure, error, NULL,
				   "%s/%s: a file is where a directory should be", base, path);
	return failure_set(directory->failure, error, NULL, "cannot %s %s/%s", what, base, path);
}

/* A descriptor of the directory itself; its mode is right, its owner is left to the launch unless it is new. */
static int host_directory_make(const struct host_directory *directory, int base_fd)
{
	const char *name;
	_cleanup_fd_ int parent = host_directory_parent(base_fd, directory->real, true, &name), fd = -1;
	mode_t mode = directory->spec->directory_modes[directory->kind];
	struct stat status;
	char link[64];
	bool made;

	if (parent < 0)
		return host_directory_fail(directory, directory->real, parent, "make");
	fd = host_directory_step_making(parent, name, mode & 0777, &made);
	if (fd < 0)
		return host_directory_fail(directory, directory->real, fd, "make");
	/* What an administrator has in /etc stays as it is. */
	if (!made && !directory_kinds[directory->kind].owned)
		return TAKE_FD(fd);
	if (fstat(fd, &status) < 0)
		return host_directory_fail(directory, directory->real, -errno, "look at");
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd); /* fchmod(2) does not take O_PATH */
	if ((status.st_mode & 07777) != mode && chmod(link, mode) < 0)
		return host_directory_fail(directory, directory->real, -errno, "set the mode of");
	return TAKE_FD(fd);
}

/* Makes the link AT, below the base, say TO. */
static int host_directory_link(const struct host_directory *directory, int base_fd, const char *at,
			       const char *to)
{
	char found[4096];
	const char *name;
	_cleanup_fd_ int parent = host_directory_parent(base_fd, at, true, &name);
	ssize_t n;

	if (parent < 0)
		return host_directory_fail(directory, at, parent, "make");
	if (symlinkat(to, parent, name) == 0)
		return 0;
	if (errno != EEXIST)
		return host_directory_fail(directory, at, -errno, "make the link");
	n = readlinkat(parent, name, found, sizeof found - 1);
	if (n >= 0)
		found[n] = '\0';
	if (n >= 0 && strcmp(found, to) == 0)
		return 0;
	return failure_set(directory->failure, -EEXIST, NULL, "%s/%s is in the way of a link to %s",
			   directory->host->directories[directory->kind], at, to);
}

static int host_directory_make_link(const struct host_directory *directory, int base_fd, const char *link)
{
	_cleanup_free_ char *to = directory_relative(directory->real, link);

	if (!to)
		return host_directory_fail(directory, directory->path, -ENOMEM, "make");
	return host_directory_link(directory, base_fd, link, to);
}

/* --- private ones ------------------------------------------------------------------------------------ */

/* From one place below the base to another, where there is nothing yet. -ENOENT: it is not there. */
static int host_directory_move(int base_fd, const char *from, const char *to)
{
	const char *from_name, *to_name;
	_cleanup_fd_ int from_parent = host_directory_parent(base_fd, from, false, &from_name),
			 to_parent = -1;

	if (from_parent < 0)
		return from_parent;
	to_parent = host_directory_parent(base_fd, to, true, &to_name);
	if (to_parent < 0)
		return to_parent;
	return renameat2(from_parent, from_name, to_parent, to_name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static bool host_directory_is_there(int base_fd, const char *path)
{
	const char *name;
	_cleanup_fd_ int parent = host_directory_parent(base_fd, path, false, &name);
	_cleanup_fd_ int fd = parent < 0 ? -1 : host_directory_step(parent, name);

	return fd >= 0;
}

/* Nobody but root gets to what is in "private". One that was not private before moves there. */
static int host_directory_hide(const struct host_directory *directory, int base_fd)
{
	_cleanup_fd_ int fd = host_directory_step_making(base_fd, HOST_PRIVATE, 0700, NULL);
	struct stat status;
	int r;

	if (fd < 0)
		return host_directory_fail(directory, HOST_PRIVATE, fd, "make");
	if (fstat(fd, &status) < 0 || status.st_uid != geteuid())
		return host_directory_fail(directory, HOST_PRIVATE, -EPERM, "trust");
	if ((status.st_mode & 0777) != 0700 && fchmodat(base_fd, HOST_PRIVATE, 0700, 0) < 0)
		return host_directory_fail(directory, HOST_PRIVATE, -errno, "set the mode of");
	if (directory_is_inner(directory->spec, directory->kind, directory->path) ||
	    !host_directory_is_there(base_fd, directory->path))
		return 0;
	r = host_directory_move(base_fd, directory->path, directory->real);
	return r < 0 ? host_directory_fail(directory, directory->path, r, "make private what is in") : 0;
}

/* The other way round: a link of ours is where the directory should be, for a dynamic user had it. */
static int host_directory_unhide(const struct host_directory *directory, int base_fd)
{
	_cleanup_free_ char *hidden = text_format(HOST_PRIVATE "/%s", directory->path);
	_cleanup_free_ char *to = hidden ? directory_relative(hidden, directory->path) : NULL;
	char found[4096];
	const char *name;
	_cleanup_fd_ int parent = host_directory_parent(base_fd, directory->path, false, &name);
	ssize_t n = parent < 0 ? -1 : readlinkat(parent, name, found, sizeof found - 1);

	if (!to)
		return -ENOMEM;
	if (n < 0 || (size_t)n != strlen(to) || strncmp(found, to, (size_t)n) != 0)
		return -ELOOP;
	if (unlinkat(parent, name, 0) < 0)
		return -errno;
	return host_directory_move(base_fd, hidden, directory->path);
}

/* Where an entry's directory really is, below its base. Heap. */
static char *host_directory_real(const struct spec *spec, enum spec_directory kind, const char *entry)
{
	return text_format("%s%.*s", directory_is_private(spec, kind) ? HOST_PRIVATE "/" : "",
			   (int)strcspn(entry, ":"), entry);
}

/* Which entry of the config a descriptor of a program means. */
static const char *host_directory_entry(const struct spec *spec, const struct program_descriptor *descriptor,
					enum spec_directory *ret_kind)
{
	size_t kind = (descriptor->origin - offsetof(struct spec, directories)) / sizeof(char **);

	if (descriptor->origin < offsetof(struct spec, directories) || kind >= SPEC_DIRECTORY_MAX_ ||
	    descriptor->origin_item >= text_list_length(spec->directories[kind]))
		return NULL;
	*ret_kind = (enum spec_directory)kind;
	return spec->directories[kind][descriptor->origin_item];
}

int host_directory_open(const struct host *host, const struct spec *spec,
			const struct program_descriptor *descriptor, struct failure *failure)
{
	struct host_directory directory = {.host = host, .spec = spec, .failure = failure};
	const char *entry = host_directory_entry(spec, descriptor, &directory.kind);
	_cleanup_free_ char *path = entry ? directory_path(entry) : NULL,
			    *link = entry ? directory_link(entry) : NULL,
			    *real = entry ? host_directory_real(spec, directory.kind, entry) : NULL;
	_cleanup_fd_ int base = -1, fd = -1;
	bool private = entry && directory_is_private(spec, directory.kind);
	int r = 0;

	if (!path || !real)
		return failure_set(failure, entry ? -ENOMEM : -EINVAL, NULL, "cannot make the directory");
	directory.path = path;
	directory.link = link;
	directory.real = real;
	base = host_directory_open_base(host, directory.kind, true);
	if (base < 0)
		return failure_set(failure, base, NULL, "cannot make %s", host->directories[directory.kind]);
	if (private)
		r = host_directory_hide(&directory, base);
	if (r < 0)
		return r;
	fd = host_directory_make(&directory, base);
	if (fd == -ELOOP && !private && host_directory_unhide(&directory, base) == 0) {
		*failure = (struct failure){};
		fd = host_directory_make(&directory, base);
	}
	if (fd < 0)
		return fd;
	if (private && !directory_is_inner(spec, directory.kind, path))
		r = host_directory_make_link(&directory, base, path);
	if (r == 0 && link)
		r = host_directory_make_link(&directory, base, link);
	return r < 0 ? r : TAKE_FD(fd);
}

/* --- removing ---------------------------------------------------------------------------------------- */

/* Out of the way at once, gone in the background. What is no directory is not ours, and stays. */
static int host_directory_remove(struct host *host, enum spec_directory kind, int base_fd, const char *path,
				 struct host_clean *clean)
{
	const char *name;
	_cleanup_fd_ int parent = host_directory_parent(base_fd, path, false, &name);
	struct stat status;

	if (parent < 0)
		return parent;
	if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOENT;
	return host_removal_add(host, parent, name, base_fd, host->directories[kind], clean);
}

static void host_directory_remove_link(int base_fd, const char *link)
{
	const char *name;
	_cleanup_fd_ int parent = host_directory_parent(base_fd, link, false, &name);
	struct stat status;

	if (parent >= 0 && fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(status.st_mode))
		unlinkat(parent, name, 0);
}

int host_directory_remove_all(struct host *host, const struct spec *spec, enum spec_directory kind,
			      struct host_clean *clean)
{
	_cleanup_fd_ int base = -1;
	int result = 0;

	if (!spec->directories[kind])
		return 0;
	base = host_directory_open_base(host, kind, false);
	if (base < 0)
		return base == -ENOENT ? 0 : base;
	TEXT_LIST_FOREACH (entry, spec->directories[kind]) {
		_cleanup_free_ char *path = directory_path(*entry), *link = directory_link(*entry),
				    *real = host_directory_real(spec, kind, *entry);
		int r = path && real ? host_directory_remove(host, kind, base, real, clean) : -ENOMEM;

		if (path && directory_is_private(spec, kind))
			host_directory_remove_link(base, path);
		if (link)
			host_directory_remove_link(base, link);
		if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -ELOOP)
			result = r;
	}
	return result;
}

void host_directory_release(struct host *host, const char *name, const struct unit_config *config)
{
	const struct spec *spec = &config->spec;
	char text[256];
	int r;

	if (!spec->directories[SPEC_DIRECTORY_RUNTIME] || spec->runtime_preserve == SPEC_PRESERVE_YES ||
	    (spec->runtime_preserve == SPEC_PRESERVE_RESTART && host_unit_restarts(host, name)))
		return;
	r = host_directory_remove_all(host, spec, SPEC_DIRECTORY_RUNTIME, NULL);
	if (r < 0) {
		snprintf(text, sizeof text, "A runtime directory cannot be removed: %s", strerror(-r));
		host_log_message(&host->world, LOG_WARNING, name, text);
	}
}
