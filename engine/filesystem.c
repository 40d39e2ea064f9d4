/* From a spec's fields to a mount plan, and the root that the plan is carried out in.
 *
 * A container has a root of its own, an overlay of image layers or a directory, which becomes "/" before
 * anything is mounted in it; the host's tree goes away at the end. A service that is only sandboxed keeps the
 * host's tree, in a mount namespace of its own, and the plan is carried out in place. */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/cgroup.h"
#include "engine/credential.h"
#include "engine/directory.h"
#include "engine/filesystem.h"
#include "engine/filesystem-api.h"
#include "engine/filesystem-extension.h"
#include "engine/filesystem-image.h"
#include "engine/filesystem-overlay.h"
#include "engine/filesystem-protect.h"
#include "engine/filesystem-volume.h"
#include "engine/isolation.h"
#include "engine/view.h"

#define FILESYSTEM_SAFE (PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV)

static bool filesystem_has_mounts(const struct spec *spec)
{
	return spec->volumes.n || spec->bind_paths.n || spec->bind_read_only_paths.n ||
	       spec->temporary_file_systems.n || spec->tmpfs.n || spec->read_only_paths.n ||
	       spec->read_write_paths.n || spec->inaccessible_paths.n || spec->exec_paths.n ||
	       spec->no_exec_paths.n || spec->mask || spec->mount_images.n || spec->mounts.n ||
	       spec->devices.n || spec->extension_images.n || spec->extension_directories.n;
}

bool filesystem_is_container(const struct spec *spec)
{
	return spec->image_layers || spec->container_mounts;
}

/* TemporaryFileSystem=/: an empty root, which the other mounts fill. NULL: there is none. */
static const struct spec_mount *filesystem_find_empty_root(const struct spec *spec)
{
	for (size_t i = 0; i < spec->temporary_file_systems.n; i++)
		if (strcmp(spec->temporary_file_systems.items[i].target, "/") == 0)
			return &spec->temporary_file_systems.items[i];
	return NULL;
}

enum build_root filesystem_decide_root(const struct spec *spec)
{
	if (filesystem_find_empty_root(spec))
		return BUILD_ROOT_TMPFS;
	if (spec->image_layers)
		return BUILD_ROOT_OVERLAY;
	if (spec->root_image)
		return BUILD_ROOT_IMAGE;
	if (spec->root_directory && strcmp(spec->root_directory, "/") != 0)
		return BUILD_ROOT_DIRECTORY;
	if (spec->private_mounts || spec->mount_api_vfs || spec->private_pids || spec->read_only_root ||
	    spec->mount_propagation || filesystem_api_wants_proc(spec) || filesystem_api_wants_mqueue(spec) ||
	    filesystem_has_mounts(spec) || spec->control_groups != SPEC_CONTROL_GROUPS_HOST ||
	    filesystem_protect_wanted(spec) || directory_needs_mounts(spec))
		return BUILD_ROOT_IN_PLACE;
	return BUILD_ROOT_SHARED;
}

/* --- the root ---------------------------------------------------------------------------------------- */

int filesystem_check_directory(struct build *build, const char *what, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return build_fail(build, -errno, "%s %s", what, path);
	return S_ISDIR(st.st_mode) ? 0 : build_fail(build, -ENOTDIR, "%s %s", what, path);
}

/* The directory below what is written and gone at the end. */
static int filesystem_emit_ephemeral(struct build *build)
{
	const char *path = build->spec->root_directory;
	int r;

	BUILD_ORIGIN(build, root_directory);
	r = filesystem_check_directory(build, "root directory", path);
	if (r < 0)
		return r;
	BUILD_ORIGIN(build, root_ephemeral);
	return filesystem_overlay_emit_ephemeral(build, path, PROGRAM_SLOT_NONE);
}

static int filesystem_emit_tree(struct build *build)
{
	const char *path = build->root == BUILD_ROOT_IN_PLACE ? "" : build->spec->root_directory;
	struct program_op *op;
	uint32_t text;
	int r;

	BUILD_ORIGIN(build, root_directory);
	if (*path) {
		r = filesystem_check_directory(build, "root directory", path);
		if (r < 0)
			return r;
	} else {
		build_no_origin(build);
	}
	text = build_text(build, path);
	op = build_op(build, PROGRAM_TREE);
	op->text = text;
	op->slot2 = BUILD_SLOT_ROOT;
	if (!*path)
		return 0;
	/* Mounts below the directory, a /proc perhaps, cannot all be idmapped. */
	if (build->own_ids)
		op->number = BUILD_SLOT_USER;
	else
		op->flags = PROGRAM_MOUNT_RECURSIVE;
	return 0;
}

/* What TemporaryFileSystem= has besides what it says: systemd.exec(5). Heap. */
static char *filesystem_temporary_options(const struct build *build, const struct spec_mount *mount)
{
	const char *options = mount->options ?: "";
	_cleanup_free_ char *own = NULL;

	if (strstr(options, "mode="))
		return filesystem_tmpfs_options(build, options);
	own = text_format("mode=0755%s%s", *options ? "," : "", options);
	return own ? filesystem_tmpfs_options(build, own) : NULL;
}

static uint32_t filesystem_temporary_flags(const struct spec_mount *mount)
{
	return (filesystem_mount_flags(mount) &
		~(uint32_t)(PROGRAM_MOUNT_READ_ONLY | PROGRAM_MOUNT_RECURSIVE)) |
	       PROGRAM_MOUNT_NO_DEV | PROGRAM_MOUNT_STRICT_ATIME;
}

static int filesystem_emit_empty_root(struct build *build)
{
	const struct spec_mount *mount = filesystem_find_empty_root(build->spec);
	_cleanup_free_ char *options = filesystem_temporary_options(build, mount);
	uint32_t text = build_text(build, "tmpfs"), text2 = build_text(build, options);
	struct program_op *op;

	if (!options)
		return build_fail(build, -ENOMEM, "the root could not be planned");
	BUILD_ORIGIN_ITEM(build, temporary_file_systems,
			  (size_t)(mount - build->spec->temporary_file_systems.items));
	op = build_op(build, PROGRAM_FILESYSTEM);
	op->text = text;
	op->text2 = text2;
	op->slot2 = BUILD_SLOT_ROOT;
	op->flags = filesystem_temporary_flags(mount);
	return 0;
}

/* Is the mount namespace there for nothing but its propagation? */
static bool filesystem_only_propagation(const struct build *build)
{
	struct spec without = *build->spec;

	without.mount_propagation = 0;
	return build->spec->mount_propagation && filesystem_decide_root(&without) == BUILD_ROOT_SHARED;
}

/* What is mounted later goes the way MountFlags= says. A new root is private until here, which slave means too
 * where there is no master. */
static void filesystem_emit_propagation(struct build *build)
{
	uint32_t propagation = build->spec->mount_propagation;

	if (!propagation || filesystem_only_propagation(build) ||
	    (build->root == BUILD_ROOT_IN_PLACE && propagation == MS_SLAVE))
		return;
	BUILD_ORIGIN(build, mount_propagation);
	build_op(build, PROGRAM_PRIVATE_MOUNTS)->flags = propagation;
}

static int filesystem_emit_root(struct build *build, struct mountplan *plan, char ***kept)
{
	struct program_op *op;
	int r;

	build_no_origin(build);
	/* A sandboxed service sees what the host mounts later; a container does not. Where MountFlags= is all that
	 * was asked for, it counts at once: systemd.exec(5). */
	if (filesystem_only_propagation(build))
		BUILD_ORIGIN(build, mount_propagation);
	build_op(build, PROGRAM_PRIVATE_MOUNTS)->flags = filesystem_only_propagation(build)
								 ? build->spec->mount_propagation
							 : build->root == BUILD_ROOT_IN_PLACE ? MS_SLAVE
											      : MS_PRIVATE;
	if (build->root == BUILD_ROOT_OVERLAY)
		r = filesystem_overlay_emit(build);
	else if (build->root == BUILD_ROOT_IMAGE)
		r = filesystem_image_emit_root(build, plan);
	else if (build->root == BUILD_ROOT_DIRECTORY && build->spec->root_ephemeral)
		r = filesystem_emit_ephemeral(build);
	else if (build->root == BUILD_ROOT_TMPFS)
		r = filesystem_emit_empty_root(build);
	else
		r = filesystem_emit_tree(build);
	if (r == 0)
		r = filesystem_image_collect(build, plan);
	if (r == 0)
		r = filesystem_volume_collect(build, plan, kept);
	if (r < 0)
		return r;
	if (build->root != BUILD_ROOT_IN_PLACE) {
		op = build_op(build, PROGRAM_ATTACH_ROOT);
		op->slot = BUILD_SLOT_ROOT;
		op->slot2 = BUILD_SLOT_OLD_ROOT;
	}
	return filesystem_extension_emit(build);
}

/* --- mounts the user listed -------------------------------------------------------------------------- */

uint32_t filesystem_mount_flags(const struct spec_mount *mount)
{
	return (mount->read_only ? PROGRAM_MOUNT_READ_ONLY : 0) |
	       (mount->no_exec ? PROGRAM_MOUNT_NO_EXEC : 0) | (mount->no_suid ? PROGRAM_MOUNT_NO_SUID : 0) |
	       (mount->no_dev ? PROGRAM_MOUNT_NO_DEV : 0) | (mount->recursive ? PROGRAM_MOUNT_RECURSIVE : 0) |
	       (mount->ignore_missing ? PROGRAM_OPTIONAL : 0) |
	       (mount->propagation == SPEC_PROPAGATION_SHARED ? PROGRAM_MOUNT_SHARED : 0) |
	       (mount->propagation == SPEC_PROPAGATION_SLAVE ? PROGRAM_MOUNT_SLAVE : 0);
}

char *filesystem_tmpfs_options(const struct build *build, const char *options)
{
	options = options ?: "";
	if (build->owner == 0 || strstr(options, "uid="))
		return strdup(options);
	return text_format("%s%suid=%u,gid=%u", options, *options ? "," : "", (uint32_t)build->owner,
			   (uint32_t)(build->owner >> 32));
}

/* Are ids on disk those inside? They are wherever the container has ids of its own, so that ownership is right on both
 * sides. keep-id and nomap are there for the opposite: the host's ids are to be seen. */
static bool filesystem_is_id_mapped(const struct build *build, const struct spec_mount *mount)
{
	enum spec_user_namespace users = build->spec->user_namespace;

	if (mount->ids || mount->not_mapped)
		return false;
	return mount->id_mapped || (build->own_ids && build->root >= BUILD_ROOT_DIRECTORY &&
				    users != SPEC_USER_KEEP_ID && users != SPEC_USER_NO_MAP);
}

/* The source must be there now, and tells what the mount point has to be. Descriptors are opened anew at
 * every launch. */
int filesystem_add_bind(struct mountplan *plan, struct build *build, const struct spec_mount *mount)
{
	struct mountplan_entry *entry;
	struct stat st;

	if (stat(mount->source, &st) < 0) {
		if (errno == ENOENT && mount->ignore_missing)
			return 0;
		return build_fail(build, -errno, "mount source %s", mount->source);
	}
	entry = mountplan_add(plan, build, MOUNTPLAN_BIND, mount->target);
	entry->source = mount->source;
	entry->flags = filesystem_mount_flags(mount);
	entry->is_directory = S_ISDIR(st.st_mode);
	entry->id_mapped = filesystem_is_id_mapped(build, mount);
	entry->ids = mount->ids;
	entry->owned = mount->owned;
	if (entry->id_mapped && !(build->namespaces & CLONE_NEWUSER))
		return build_fail(build, -EINVAL,
				  "mount source %s: idmap needs a user namespace, and there is none",
				  mount->source);
	return 0;
}

/* A tmpfs becomes read-only only after what is mounted in it has found its mount points. */
static int filesystem_add_tmpfs(struct mountplan *plan, struct build *build, const struct spec_mount *mount,
				struct filesystem_api_texts *texts)
{
	bool temporary = build->origin == offsetof(struct spec, temporary_file_systems);
	char *options = temporary ? filesystem_temporary_options(build, mount)
				  : filesystem_tmpfs_options(build, mount->options);
	struct mountplan_entry *entry;

	if (text_list_take(&texts->kept, options) < 0)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	if (!temporary || strcmp(mount->target, "/") != 0) {
		entry = mountplan_add(plan, build, MOUNTPLAN_TMPFS, mount->target);
		entry->options = options;
		entry->flags =
			temporary ? filesystem_temporary_flags(mount)
				  : filesystem_mount_flags(mount) &
					    ~(uint32_t)(PROGRAM_MOUNT_READ_ONLY | PROGRAM_MOUNT_RECURSIVE);
	}
	if (mount->read_only)
		mountplan_add(plan, build, MOUNTPLAN_READ_ONLY, mount->target);
	return 0;
}

/* A path of the host's that leads into the root directory means what it leads to; nothing else of the host's can be meant, so
 * that any other is a path inside. With "+" it always is: systemd.exec(5), ReadWritePaths=. */
static const char *filesystem_inner_target(const struct spec *spec, const struct spec_mount *mount)
{
	size_t length = spec->root_directory ? strlen(spec->root_directory) : 0;

	if (length < 2 || mount->in_root || spec->image_layers || spec->root_image ||
	    !mountplan_is_below(mount->target, spec->root_directory))
		return mount->target;
	return mount->target[length] ? mount->target + length : "/";
}

static int filesystem_add(struct mountplan *plan, struct build *build, const struct spec_mount *mount,
			  struct filesystem_api_texts *texts)
{
	static const enum mountplan_kind kinds[SPEC_MOUNT_KIND_MAX_] = {
		[SPEC_MOUNT_READ_ONLY] = MOUNTPLAN_READ_ONLY, [SPEC_MOUNT_READ_WRITE] = MOUNTPLAN_READ_WRITE,
		[SPEC_MOUNT_INACCESSIBLE] = MOUNTPLAN_MASK,   [SPEC_MOUNT_EXEC] = MOUNTPLAN_EXEC,
		[SPEC_MOUNT_NO_EXEC] = MOUNTPLAN_NO_EXEC,
	};

	if (mount->kind == SPEC_MOUNT_BIND)
		return filesystem_add_bind(plan, build, mount);
	if (mount->kind == SPEC_MOUNT_TMPFS)
		return filesystem_add_tmpfs(plan, build, mount, texts);
	mountplan_add(plan, build, kinds[mount->kind], filesystem_inner_target(build->spec, mount))->flags =
		(mount->ignore_missing ? PROGRAM_OPTIONAL : 0) |
		(mount->kind == SPEC_MOUNT_INACCESSIBLE ? PROGRAM_MASK_NO_ACCESS : 0);
	return 0;
}

static int filesystem_collect_lists(struct mountplan *plan, struct build *build,
				    struct filesystem_api_texts *texts)
{
	static const uint32_t lists[] = {
		offsetof(struct spec, bind_paths),
		offsetof(struct spec, bind_read_only_paths),
		offsetof(struct spec, temporary_file_systems),
		offsetof(struct spec, tmpfs),
		offsetof(struct spec, read_only_paths),
		offsetof(struct spec, read_write_paths),
		offsetof(struct spec, inaccessible_paths),
		offsetof(struct spec, exec_paths),
		offsetof(struct spec, no_exec_paths),
	};

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const struct spec_mounts *mounts =
			(const struct spec_mounts *)((const char *)build->spec + lists[l]);

		for (size_t i = 0; i < mounts->n; i++) {
			int r;

			if (mounts->items[i].copy_up) /* filesystem-volume.c */
				continue;
			build_origin(build, lists[l], i);
			r = filesystem_add(plan, build, &mounts->items[i], texts);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* The host's file, whatever the image has. */
static int filesystem_add_timezone(struct mountplan *plan, struct build *build,
				   struct filesystem_api_texts *texts)
{
	const char *zone = build->spec->timezone;
	struct mountplan_entry *entry;
	char *source;
	struct stat st;

	if (!zone)
		return 0;
	BUILD_ORIGIN(build, timezone);
	source = strcmp(zone, "local") == 0 ? strdup("/etc/localtime")
					    : text_format("/usr/share/zoneinfo/%s", zone);
	if (text_list_take(&texts->kept, source) < 0)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	if (stat(source, &st) < 0)
		return build_fail(build, -errno, "time zone %s: %s", zone, source);
	if (!S_ISREG(st.st_mode))
		return build_fail(build, -EINVAL, "time zone %s: %s is no file", zone, source);
	entry = mountplan_add(plan, build, MOUNTPLAN_BIND, "/etc/localtime");
	entry->source = source;
	entry->flags = FILESYSTEM_SAFE | PROGRAM_MOUNT_NO_EXEC | PROGRAM_MOUNT_READ_ONLY;
	entry->is_directory = false;
	entry->implied = true;
	return 0;
}

/* A file of the host's in the container, for those who know its place. */
static void filesystem_add_file(struct mountplan *plan, struct build *build, const char *source,
				const char *target)
{
	struct mountplan_entry *entry;

	if (!source)
		return;
	entry = mountplan_add(plan, build, MOUNTPLAN_BIND, target);
	entry->source = source;
	entry->is_directory = false;
}

const char *filesystem_notify_path(const struct build *build)
{
	return build->root == BUILD_ROOT_IN_PLACE ? build->context->notify_socket : COMPILE_NOTIFY_PATH;
}

const char *filesystem_pressure_path(const struct build *build)
{
	const char *point = build->context->pressure_point;

	return build->root == BUILD_ROOT_IN_PLACE && point ? point : COMPILE_PRESSURE_PATH;
}

static void filesystem_add_notify(struct mountplan *plan, struct build *build)
{
	build_no_origin(build);
	filesystem_add_file(plan, build, build->context->notify_socket, filesystem_notify_path(build));
	build_origin(build, SPEC_LIMITS_ORIGIN(pressure_watch), 0);
	filesystem_add_file(plan, build, build->context->memory_pressure, filesystem_pressure_path(build));
	build_no_origin(build);
}

/* --- all of it --------------------------------------------------------------------------------------- */

/* passwd and group files that name a dynamic user. */
static void filesystem_add_users(struct mountplan *plan, struct build *build)
{
	const struct compile_context *context = build->context;
	const struct {
		const char *source, *target;
	} files[] = {{context->dynamic_passwd, "/etc/passwd"}, {context->dynamic_group, "/etc/group"}};

	if (!context->dynamic_uid)
		return;
	BUILD_ORIGIN(build, dynamic_user);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct mountplan_entry *entry = mountplan_add(plan, build, MOUNTPLAN_BIND, files[i].target);

		entry->source = files[i].source;
		entry->is_directory = false;
		entry->implied = true;
		entry->flags = PROGRAM_MOUNT_READ_ONLY | PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV |
			       PROGRAM_MOUNT_NO_EXEC;
	}
}

static int filesystem_emit_plan(struct build *build, struct mountplan *plan,
				struct filesystem_api_texts *texts)
{
	int r = filesystem_api_make_texts(build, texts);

	if (r < 0)
		return r;
	filesystem_api_collect(plan, build, texts);
	filesystem_api_add_log_sockets(plan, build);
	r = filesystem_collect_lists(plan, build, texts);
	if (r == 0)
		r = directory_collect(plan, build, &texts->kept);
	if (r == 0)
		r = credential_collect(plan, build, &texts->kept);
	if (r < 0)
		return r;
	filesystem_add_users(plan, build);
	r = filesystem_add_timezone(plan, build, texts);
	if (r < 0)
		return r;
	filesystem_protect_collect(plan, build);
	/* Before anything is mounted in it: what is copied from it (for NoExecPaths=) is read-only too. */
	if (build->spec->read_only_root) {
		BUILD_ORIGIN(build, read_only_root);
		mountplan_add(plan, build, MOUNTPLAN_READ_ONLY, "/");
	}
	filesystem_add_notify(plan, build);
	r = mountplan_arrange(plan, build);
	return r < 0 ? r : mountplan_emit(plan, build);
}

/* A service on the host's tree logs to the host, although its /dev is its own. */
static void filesystem_emit_log_link(struct build *build)
{
	char target[PATH_MAX];
	ssize_t n;
	uint32_t text, text2;
	struct program_op *op;

	if (!build->spec->private_devices ||
	    (build->root != BUILD_ROOT_IN_PLACE && !build->spec->bind_log_sockets))
		return;
	n = readlink("/dev/log", target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	BUILD_ORIGIN(build, private_devices);
	text = build_text(build, "/dev/log");
	text2 = build_text(build, target);
	op = build_op(build, PROGRAM_SYMLINK);
	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	op->text2 = text2;
}

int filesystem_emit(struct build *build)
{
	struct mountplan plan = {};
	struct filesystem_api_texts texts = {};
	int r;

	if (build->root == BUILD_ROOT_SHARED)
		return 0;
	r = filesystem_emit_root(build, &plan, &texts.kept);
	if (r == 0)
		r = filesystem_emit_plan(build, &plan, &texts);
	mountplan_deinit(&plan);
	filesystem_api_deinit_texts(&texts);
	if (r < 0)
		return r;
	filesystem_emit_log_link(build);
	if (build->root != BUILD_ROOT_IN_PLACE) {
		build_no_origin(build);
		build_op(build, PROGRAM_DROP_OLD_ROOT)->slot = BUILD_SLOT_OLD_ROOT;
	}
	filesystem_emit_propagation(build);
	return 0;
}
