/* See filesystem-volume.h. A bind mount's source is opened by the manager for each launch; an overlay over it, a named volume, a
 * file system of its own are made by the launch itself, detached in a slot, perhaps filled from the image, and then
 * placed as the plan says. */
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/filesystem.h"
#include "engine/filesystem-image.h"
#include "engine/filesystem-overlay.h"
#include "engine/filesystem-volume.h"
#include "engine/idmap.h"
#include "engine/image-policy.h"

static uint8_t filesystem_volume_id_map(const struct build *build, const struct spec_mount *mount)
{
	if (mount->ids)
		return idmap_slot(build, mount->ids);
	return build->own_ids && !mount->not_mapped &&
			       (build->spec->user_namespace != SPEC_USER_NO_MAP || mount->id_mapped)
		       ? BUILD_SLOT_USER
		       : PROGRAM_SLOT_NONE;
}

/* The entry for what is in SLOT. What is copied into it must find it writable. */
static int filesystem_volume_place(struct build *build, struct mountplan *plan,
				   const struct spec_mount *mount, uint8_t slot)
{
	struct mountplan_entry *entry;

	if (slot == PROGRAM_SLOT_NONE)
		return build_fail(build, -E2BIG, "too many volumes");
	entry = mountplan_add(plan, build, MOUNTPLAN_TREE, mount->target);
	entry->slot = slot;
	entry->copy_up = mount->copy_up;
	entry->owned = mount->owned;
	if (mount->kind == SPEC_MOUNT_TMPFS && mount->options && strstr(mount->options, "mode="))
		entry->flags = PROGRAM_COPY_CONTENT;
	if (mount->read_only)
		mountplan_add(plan, build, MOUNTPLAN_READ_ONLY, mount->target);
	return 0;
}

/* --- made in a slot ---------------------------------------------------------------------------------- */

static int filesystem_volume_overlay(struct build *build, struct mountplan *plan,
				     const struct spec_mount *mount, const char *path)
{
	uint8_t slot;
	int r;

	if (mount->ids || mount->not_mapped)
		return build_fail(build, -EOPNOTSUPP,
				  "an overlay over %s has the ids of the container: it takes no other id map",
				  path);
	slot = build_slot_take(build);
	r = slot == PROGRAM_SLOT_NONE
		    ? build_fail(build, -E2BIG, "too many volumes")
		    : filesystem_overlay_emit_over(build, path, slot, filesystem_mount_flags(mount));
	return r < 0 ? r : filesystem_volume_place(build, plan, mount, slot);
}

/* A named volume: made when it is first used, and nobody's but the host's root to look into. */
static int filesystem_volume_named(struct build *build, struct mountplan *plan,
				   const struct spec_mount *mount)
{
	const char *directory = build->context->volume_directory;
	_cleanup_free_ char *path = directory ? text_format("%s/%s", directory, mount->source) : NULL;
	const char *const paths[] = {directory, path};
	struct program_op *op;
	uint32_t text = 0;
	uint8_t slot;

	if (!directory)
		return build_fail(build, -EINVAL, "there is no directory for volumes");
	if (!path)
		return build_fail(build, -ENOMEM, "volume %s", mount->source);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		text = build_text(build, paths[i]);
		op = build_op(build, PROGRAM_MAKE_DIRECTORY);
		op->text = text;
		op->number = i == 0 ? 0700 : 0755;
	}
	if (mount->overlay)
		return filesystem_volume_overlay(build, plan, mount, path);
	slot = build_slot_take(build);
	op = build_op(build, PROGRAM_TREE);
	op->text = text;
	op->slot2 = slot;
	op->flags = filesystem_mount_flags(mount) &
		    ~(uint32_t)(PROGRAM_MOUNT_READ_ONLY | PROGRAM_MOUNT_RECURSIVE);
	op->number = filesystem_volume_id_map(build, mount);
	return filesystem_volume_place(build, plan, mount, slot);
}

static int filesystem_volume_new(struct build *build, struct mountplan *plan, const struct spec_mount *mount,
				 const char *type)
{
	_cleanup_free_ char *options = NULL;
	uint32_t text, text2;
	struct program_op *op;
	uint8_t slot = build_slot_take(build);

	options = mount->options ? strdup(mount->options) : strdup("");
	if (options && strcmp(type, "tmpfs") == 0) {
		free(options);
		options = filesystem_tmpfs_options(build, mount->options);
	}
	if (!options)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	text = build_text(build, type);
	text2 = build_text(build, options);
	op = build_op(build, PROGRAM_FILESYSTEM);
	op->text = text;
	op->text2 = text2;
	op->slot2 = slot;
	op->flags = filesystem_mount_flags(mount) &
		    ~(uint32_t)(PROGRAM_MOUNT_READ_ONLY | PROGRAM_MOUNT_RECURSIVE);
	return filesystem_volume_place(build, plan, mount, slot);
}

/* type=image: a disk image, or a directory; read-only, or with rw an overlay that keeps nothing. */
static int filesystem_volume_image(struct build *build, struct mountplan *plan,
				   const struct spec_mount *mount)
{
	struct stat status;
	uint8_t slot;
	int r;

	if (stat(mount->source, &status) < 0)
		return build_fail(build, -errno, "image %s", mount->source);
	if (S_ISDIR(status.st_mode))
		return filesystem_volume_overlay(build, plan, mount, mount->source);
	r = filesystem_image_emit_layer(build, mount->source, NULL,
					build->spec->mount_image_policy ?: IMAGE_POLICY_SERVICE, &slot);
	if (r == 0 && !mount->read_only)
		r = filesystem_overlay_emit_slot(build, slot, filesystem_mount_flags(mount));
	return r < 0 ? r : filesystem_volume_place(build, plan, mount, slot);
}

/* --- binds ------------------------------------------------------------------------------------------- */

static int filesystem_volume_bind(struct build *build, struct mountplan *plan, const struct spec_mount *mount)
{
	struct stat status;

	if (!mount->overlay)
		return filesystem_add_bind(plan, build, mount);
	if (stat(mount->source, &status) < 0)
		return mount->ignore_missing && errno == ENOENT
			       ? 0
			       : build_fail(build, -errno, "mount source %s", mount->source);
	if (!S_ISDIR(status.st_mode))
		return build_fail(build, -ENOTDIR, "an overlay over %s", mount->source);
	return filesystem_volume_overlay(build, plan, mount, mount->source);
}

static int filesystem_volume_bind_other(struct build *build, struct mountplan *plan,
					const struct spec_mount *mount, char *source, char *target)
{
	struct spec_mount other = *mount;

	other.source = source;
	other.target = target;
	return filesystem_volume_bind(build, plan, &other);
}

/* Each file that the pattern fits: in the directory TARGET, or with "/" where it is on the host. */
static int filesystem_volume_glob(struct build *build, struct mountplan *plan, const struct spec_mount *mount,
				  char ***kept)
{
	glob_t found = {};
	int r = glob(mount->source, GLOB_NOSORT, NULL, &found);

	if (r == GLOB_NOMATCH)
		r = build_fail(build, -ENOENT, "nothing fits %s", mount->source);
	else if (r != 0)
		r = build_fail(build, r == GLOB_NOSPACE ? -ENOMEM : -EIO, "pattern %s", mount->source);
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		char *source = strdup(found.gl_pathv[i]), *target = NULL;

		if (source)
			target = strcmp(mount->target, "/") == 0
					 ? strdup(source)
					 : text_format("%s%s", mount->target, strrchr(source, '/'));
		if (text_list_take(kept, source) < 0 || text_list_take(kept, target) < 0)
			r = build_fail(build, -ENOMEM, "pattern %s", mount->source);
		else
			r = filesystem_volume_bind_other(build, plan, mount, source, target);
	}
	globfree(&found);
	return r;
}

static int filesystem_volume_device(struct build *build, struct mountplan *plan,
				    const struct spec_mount *mount)
{
	struct stat status;

	if (stat(mount->source, &status) == 0 && !S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode) &&
	    !S_ISDIR(status.st_mode))
		return build_fail(build, -ENODEV, "%s is no device", mount->source);
	return filesystem_volume_bind(build, plan, mount);
}

/* --- all of them ------------------------------------------------------------------------------------- */

static int filesystem_volume_add(struct build *build, struct mountplan *plan, const struct spec_mount *mount,
				 char ***kept)
{
	switch (mount->kind) {
	case SPEC_MOUNT_BIND:
		return filesystem_volume_bind(build, plan, mount);
	case SPEC_MOUNT_VOLUME:
		return filesystem_volume_named(build, plan, mount);
	case SPEC_MOUNT_TMPFS:
		return filesystem_volume_new(build, plan, mount, "tmpfs");
	case SPEC_MOUNT_RAMFS:
		return filesystem_volume_new(build, plan, mount, "ramfs");
	case SPEC_MOUNT_DEVPTS:
		return filesystem_volume_new(build, plan, mount, "devpts");
	case SPEC_MOUNT_GLOB:
		return filesystem_volume_glob(build, plan, mount, kept);
	case SPEC_MOUNT_IMAGE:
		return filesystem_volume_image(build, plan, mount);
	case SPEC_MOUNT_DEVICE:
		return filesystem_volume_device(build, plan, mount);
	case SPEC_MOUNT_READ_ONLY:
	case SPEC_MOUNT_READ_WRITE:
	case SPEC_MOUNT_INACCESSIBLE:
	case SPEC_MOUNT_EXEC:
	case SPEC_MOUNT_NO_EXEC:
	case SPEC_MOUNT_EXTENSION:
	case SPEC_MOUNT_KIND_MAX_:
		break;
	}
	return build_fail(build, -EINVAL, "no mount of a volume");
}

int filesystem_volume_collect(struct build *build, struct mountplan *plan, char ***kept)
{
	static const uint32_t lists[] = {offsetof(struct spec, volumes), offsetof(struct spec, mounts),
					 offsetof(struct spec, devices), offsetof(struct spec, tmpfs)};

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const struct spec_mounts *mounts =
			(const struct spec_mounts *)((const char *)build->spec + lists[l]);

		for (size_t i = 0; i < mounts->n; i++) {
			int r;

			/* Without content to be copied the plan mounts a tmpfs by itself. */
			if (lists[l] == offsetof(struct spec, tmpfs) && !mounts->items[i].copy_up)
				continue;
			build_origin(build, lists[l], i);
			r = filesystem_volume_add(build, plan, &mounts->items[i], kept);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
