/* The interpreter's step that lays system extensions over a root (systemd.exec(5), ExtensionImages=; systemd-sysext(8)).
 *
 * An extension says for which system it was made, in a file that carries its name; what does not fit is refused. Of one
 * for the system /usr and /opt are taken, of one for the configuration /etc: each becomes a read-only overlay over what the root
 * has there. The trees are attached to a scratch tmpfs, for overlayfs takes layers by name, and the overlays are
 * copied off it, so that nothing of it stays. An extension is somebody else's: its directories count only where
 * they are directories, not links. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret-steps.h"

enum {
	INTERPRET_EXTEND_MAX = 24,    /* extensions */
	INTERPRET_EXTEND_TEXT = 8192, /* bytes of a release file that are looked at */
	INTERPRET_EXTEND_VALUE = 128,
	INTERPRET_EXTEND_STALE = ESTALE, /* what systemd says of an extension that does not fit */
};

struct interpret_extension {
	char directory[8]; /* in the scratch directory */
	bool system, configuration;
};

struct interpret_extend {
	struct interpret_run *run;
	int scratch;
	char root_release[INTERPRET_EXTEND_TEXT];
	struct interpret_extension extensions[INTERPRET_EXTEND_MAX]; /* uppermost first */
	size_t n;
};

/* --- release files ----------------------------------------------------------------------------------- */

static int interpret_extend_read(int root, const char *path, char text[INTERPRET_EXTEND_TEXT])
{
	_cleanup_fd_ int fd = interpret_mounts_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, text + length, INTERPRET_EXTEND_TEXT - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	return n < 0 ? -errno : 0;
}

/* The value of KEY ("ID="), without quotes; "" when there is none. */
static void interpret_extend_value(const char *text, const char *key, char value[INTERPRET_EXTEND_VALUE])
{
	size_t length = strlen(key), end;

	*value = '\0';
	for (const char *line = text; *line; line += end + (line[end] == '\n')) {
		const char *from = line + length;

		end = strcspn(line, "\n");
		if (strncmp(line, key, length) != 0)
			continue;
		from += *from == '"' || *from == '\'';
		length = strcspn(from, "\"'\n \r");
		if (length >= INTERPRET_EXTEND_VALUE)
			return;
		memcpy(value, from, length);
		value[length] = '\0';
		return;
	}
}

/* Both have it and it is the same; *RET_BOTH: whether both have it. */
static bool interpret_extend_same(const char *a, const char *b, const char *key, bool *ret_both)
{
	char x[INTERPRET_EXTEND_VALUE], y[INTERPRET_EXTEND_VALUE];

	interpret_extend_value(a, key, x);
	interpret_extend_value(b, key, y);
	*ret_both = *x && *y;
	return strcmp(x, y) == 0;
}

/* os-release(5) and systemd-sysext(8): the same ID, or _any; then the same level, or, without levels, the same version. */
static bool interpret_extend_fits(const char *root, const char *extension, const char *level)
{
#if defined(__x86_64__)
	static const char architecture[] = "x86-64";
#elif defined(__aarch64__)
	static const char architecture[] = "arm64";
#endif
	char value[INTERPRET_EXTEND_VALUE];
	bool both;

	interpret_extend_value(extension, "ARCHITECTURE=", value);
	if (*value && strcmp(value, "_any") != 0 && strcmp(value, architecture) != 0)
		return false;
	interpret_extend_value(extension, "ID=", value);
	if (strcmp(value, "_any") == 0)
		return true;
	if (!*value || !interpret_extend_same(root, extension, "ID=", &both))
		return false;
	if (interpret_extend_same(root, extension, level, &both) && both)
		return true;
	return !both && interpret_extend_same(root, extension, "VERSION_ID=", &both);
}

/* --- extensions -------------------------------------------------------------------------------------- */

static int interpret_extend_judge(struct interpret_extend *extend, int tree, const char *name,
				  struct interpret_extension *extension)
{
	static const struct {
		const char *directory, *level;
	} kinds[] = {{"usr/lib/extension-release.d/extension-release.", "SYSEXT_LEVEL="},
		     {"etc/extension-release.d/extension-release.", "CONFEXT_LEVEL="}};
	char text[INTERPRET_EXTEND_TEXT], path[512];
	bool *const found[] = {&extension->system, &extension->configuration};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int r;

		if (strlen(kinds[i].directory) + strlen(name) >= sizeof path)
			return -ENAMETOOLONG;
		strcat(strcpy(path, kinds[i].directory), name);
		r = interpret_extend_read(tree, path, text);
		if (r == -ENOENT || r == -ENOTDIR)
			continue;
		if (r < 0)
			return r;
		if (!interpret_extend_fits(extend->root_release, text, kinds[i].level))
			return -INTERPRET_EXTEND_STALE;
		*found[i] = true;
	}
	return extension->system || extension->configuration ? 0 : -ENOENT;
}

static void interpret_extend_name(char *name, char letter, size_t number)
{
	name[0] = letter;
	name[1] = (char)('0' + number / 10 % 10);
	name[2] = (char)('0' + number % 10);
	name[3] = '\0';
}

/* Attaches the mount in SLOT, whose release file carries NAME. */
static int interpret_extend_add(struct interpret_extend *extend, unsigned slot, const char *name)
{
	struct interpret_extension *extension = &extend->extensions[extend->n];
	int tree, r;

	if (extend->n == INTERPRET_EXTEND_MAX)
		return -E2BIG;
	if (slot >= PROGRAM_N_SLOTS || extend->run->slots[slot] < 0)
		return -EBADF;
	tree = extend->run->slots[slot];
	r = interpret_extend_judge(extend, tree, name, extension);
	if (r < 0)
		return r;
	interpret_extend_name(extension->directory, 'e', extend->n++);
	if (mkdirat(extend->scratch, extension->directory, 0755) < 0)
		return -errno;
	r = interpret_mounts_move(tree, extend->scratch, extension->directory);
	extend->run->slots[slot] = fd_close(tree);
	return r;
}

/* "SLOT NAME\n…", uppermost first. */
static int interpret_extend_add_all(struct interpret_extend *extend, const char *list)
{
	int r = 0;

	while (r == 0 && *list) {
		size_t end = strcspn(list, "\n");
		char name[256];
		unsigned slot = 0;

		for (; *list >= '0' && *list <= '9' && slot < PROGRAM_N_SLOTS; list++, end--)
			slot = slot * 10 + (unsigned)(*list - '0');
		if (*list != ' ' || end >= sizeof name)
			return -EBADMSG;
		memcpy(name, list + 1, end - 1);
		name[end - 1] = '\0';
		r = interpret_extend_add(extend, slot, name);
		list += end + (list[end] == '\n');
	}
	return r;
}

/* --- overlays ---------------------------------------------------------------------------------------- */

static bool interpret_extend_has(const struct interpret_extend *extend,
				 const struct interpret_extension *extension, const char *hierarchy,
				 char path[16])
{
	struct stat status;

	strcat(strcat(strcpy(path, extension->directory), "/"), hierarchy);
	return (strcmp(hierarchy, "etc") == 0 ? extension->configuration : extension->system) &&
	       fstatat(extend->scratch, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

/* What the root has becomes the lowest layer, or an empty directory does. */
static int interpret_extend_add_root(const struct interpret_extend *extend, int target, const char *name)
{
	_cleanup_fd_ int tree = -1;

	if (mkdirat(extend->scratch, name, 0755) < 0)
		return -errno;
	if (target < 0)
		return 0;
	tree = interpret_mounts_copy(extend->run, target, "", 0, PROGRAM_SLOT_NONE);
	return tree < 0 ? tree : interpret_mounts_move(tree, extend->scratch, name);
}

/* The overlay for HIERARCHY over TARGET (may be missing), detached; -ENODATA: no extension has it. */
static int interpret_extend_overlay(const struct interpret_extend *extend, int target, const char *hierarchy,
				    size_t number)
{
	char options[sizeof "lowerdir=" + INTERPRET_EXTEND_MAX * 16 + 16] = "lowerdir=", path[16], root[8],
								      place[8];
	size_t n = 0;
	int tree, r;

	for (size_t i = 0; i < extend->n; i++)
		if (interpret_extend_has(extend, &extend->extensions[i], hierarchy, path)) {
			strcat(strcat(options, path), ":");
			n++;
		}
	if (n == 0)
		return -ENODATA;
	interpret_extend_name(root, 'r', number);
	interpret_extend_name(place, 'o', number);
	r = interpret_extend_add_root(extend, target, root);
	if (r < 0)
		return r;
	strcat(options, root);
	if (mkdirat(extend->scratch, place, 0755) < 0 || fchdir(extend->scratch) < 0)
		return -errno;
	if (mount("overlay", place, "overlay", MS_RDONLY | MS_NODEV, options) < 0)
		return -errno;
	tree = interpret_mounts_copy(extend->run, extend->scratch, place, 0, PROGRAM_SLOT_NONE);
	return tree;
}

static int interpret_extend_place(const struct interpret_extend *extend, const struct program_op *op,
				  const char *hierarchy, size_t number)
{
	_cleanup_fd_ int target = interpret_mounts_resolve(extend->run, op->slot, hierarchy), tree = -1;

	if (target < 0 && target != -ENOENT)
		return target;
	tree = interpret_extend_overlay(extend, target, hierarchy, number);
	if (tree == -ENODATA)
		return 0;
	if (tree < 0)
		return tree;
	if (target < 0) {
		if (mkdirat(extend->run->slots[op->slot], hierarchy, 0755) < 0)
			return -errno;
		target = interpret_mounts_resolve(extend->run, op->slot, hierarchy);
	}
	return target < 0 ? target : interpret_mounts_move(tree, target, "");
}

int interpret_extend_root(struct interpret_run *run, const struct program_op *op)
{
	static const char *const hierarchies[] = {"usr", "opt", "etc"};
	struct interpret_extend extend = {.run = run};
	_cleanup_fd_ int scratch = interpret_mounts_new("tmpfs", "mode=700", 0);
	int r;

	if (scratch < 0)
		return scratch;
	extend.scratch = scratch;
	r = interpret_extend_read(run->slots[op->slot], "etc/os-release", extend.root_release);
	if (r == -ENOENT)
		r = interpret_extend_read(run->slots[op->slot], "usr/lib/os-release", extend.root_release);
	if (r == 0)
		r = interpret_mounts_move(scratch, AT_FDCWD, "/");
	if (r == 0)
		r = interpret_extend_add_all(&extend, interpret_text(run, op->text));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(hierarchies); i++)
		r = interpret_extend_place(&extend, op, hierarchies[i], i);
	if (r < 0)
		return r; /* the launch ends here, and its mount namespace with it */
	if (fchdir(scratch) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}
