/* The root of a container: image layers as an overlay, and what catches the writes to it. What overlayfs would
 * refuse with nothing but a number is found here, where it can be told. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/filesystem.h"
#include "engine/filesystem-image.h"
#include "engine/filesystem-overlay.h"
#include "engine/image-policy.h"

/* A layer as PROGRAM_OVERLAY wants it: ':' and '\' escaped. */
static void filesystem_overlay_append(struct text_buffer *buffer, const char *layer)
{
	for (const char *c = layer; *c; c++) {
		if (*c == ':' || *c == '\\')
			text_buffer_append_bytes(buffer, "\\", 1);
		text_buffer_append_bytes(buffer, c, 1);
	}
}

/* A layer that is a directory by its path, one that is a disk image by the slot where it is mounted. */
static int filesystem_overlay_add_layer(struct build *build, const char *layer, struct text_buffer *buffer)
{
	struct stat status;
	uint8_t slot;
	int r;

	if (stat(layer, &status) < 0 || !(S_ISREG(status.st_mode) || S_ISBLK(status.st_mode))) {
		r = filesystem_check_directory(build, "image layer", layer);
		if (r == 0)
			filesystem_overlay_append(buffer, layer);
		return r;
	}
	r = filesystem_image_emit_layer(build, layer, NULL,
					build->spec->root_image_policy ?: IMAGE_POLICY_SERVICE, &slot);
	if (r == 0)
		text_buffer_append(buffer, "%u", slot);
	return r;
}

/* The layers joined by ':'. */
static int filesystem_overlay_join(struct build *build, char **ret)
{
	struct text_buffer buffer = {};

	for (char **layer = build->spec->image_layers; *layer; layer++) {
		int r;

		BUILD_ORIGIN_ITEM(build, image_layers, (size_t)(layer - build->spec->image_layers));
		if (buffer.length)
			text_buffer_append_bytes(&buffer, ":", 1);
		r = filesystem_overlay_add_layer(build, *layer, &buffer);
		if (r < 0) {
			text_buffer_free(&buffer);
			return r;
		}
	}
	*ret = text_buffer_finish(&buffer);
	return *ret ? 0 : build_fail(build, -ENOMEM, "the layers could not be joined");
}

/* A directory, and the mount it was reached by. ".." from the root of a mount leads to where that was mounted,
 * which is no ancestor for the file system. */
struct filesystem_overlay_place {
	uint64_t mount;
	uint32_t device_major, device_minor;
	uint64_t inode;
};

static bool filesystem_overlay_find(int fd, struct filesystem_overlay_place *ret)
{
	struct statx status;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &status) < 0)
		return false;
	*ret = (struct filesystem_overlay_place){status.stx_mnt_id, status.stx_dev_major,
						 status.stx_dev_minor, status.stx_ino};
	return true;
}

static bool filesystem_overlay_same(const struct filesystem_overlay_place *a,
				    const struct filesystem_overlay_place *b)
{
	return a->inode == b->inode && a->device_major == b->device_major &&
	       a->device_minor == b->device_minor;
}

/* Whether INNER is OUTER or lies below it, within one mount: what overlayfs answers with ELOOP. A directory that
 * cannot be looked at is overlayfs's to refuse. */
static bool filesystem_overlay_is_nested(const char *inner, const char *outer)
{
	_cleanup_fd_ int fd = open(inner, O_PATH | O_DIRECTORY | O_CLOEXEC),
			 outer_fd = open(outer, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct filesystem_overlay_place outer_place, place, parent;

	if (!filesystem_overlay_find(outer_fd, &outer_place) || !filesystem_overlay_find(fd, &place))
		return false;
	for (size_t depth = 0; depth < PATH_MAX; depth++) {
		int parent_fd;

		if (filesystem_overlay_same(&place, &outer_place))
			return true;
		parent_fd = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		fd_close(fd);
		fd = parent_fd;
		if (!filesystem_overlay_find(fd, &parent) || parent.mount != place.mount ||
		    filesystem_overlay_same(&parent, &place))
			return false;
		place = parent;
	}
	return false;
}

static int filesystem_overlay_check_nesting(struct build *build)
{
	char **layers = build->spec->image_layers;

	for (size_t i = 0; layers[i]; i++)
		for (size_t j = 0; layers[j]; j++) {
			if (i == j || !filesystem_overlay_is_nested(layers[i], layers[j]))
				continue;
			BUILD_ORIGIN_ITEM(build, image_layers, i);
			return build_fail(
				build, -EINVAL,
				"image layer %s lies inside the layer %s, on one file system: overlayfs cannot stack "
				"a directory on its own ancestor. Mount or copy one of the two elsewhere",
				layers[i], layers[j]);
		}
	return 0;
}

static int filesystem_overlay_get_upper(struct build *build, char **ret)
{
	const struct spec *spec = build->spec;

	if (spec->upper_directory)
		BUILD_ORIGIN(build, upper_directory);
	else
		BUILD_ORIGIN(build, upper);
	if (spec->upper != SPEC_UPPER_PERSISTENT) {
		*ret = strdup("");
	} else if (spec->upper_directory) {
		*ret = strdup(spec->upper_directory);
	} else {
		if (!build->context->state_directory || !build->context->name)
			return build_fail(build, -EINVAL,
					  "there is no directory for a persistent upper layer");
		*ret = text_format("%s/%s", build->context->state_directory, build->context->name);
	}
	return *ret ? 0 : build_fail(build, -ENOMEM, "the upper layer's name could not be made");
}

/* What cannot be made later is told now. A directory that the user named is made in one that exists, so that
 * a misspelt path is told, not made; the default one is made with all its parents. */
static int filesystem_overlay_check_upper(struct build *build, const char *upper)
{
	_cleanup_free_ char *parent = NULL;
	struct stat st;

	if (stat(upper, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0 : build_fail(build, -ENOTDIR, "upper directory %s", upper);
	if (errno != ENOENT)
		return build_fail(build, -errno, "upper directory %s", upper);
	if (!build->spec->upper_directory)
		return 0;
	parent = strndup(upper, MAX_OF((size_t)(strrchr(upper, '/') - upper), (size_t)1));
	if (!parent)
		return build_fail(build, -ENOMEM, "the upper layer's name could not be made");
	return filesystem_check_directory(build, "the upper directory's parent", parent);
}

/* Nobody but the host's root comes near what a container left behind, programs with set-user-ID bits perhaps. */
static int filesystem_overlay_emit_upper(struct build *build, const char *upper)
{
	struct program_op *op;
	uint32_t text;
	int r;

	if (build->spec->upper != SPEC_UPPER_PERSISTENT)
		return 0;
	r = filesystem_overlay_check_upper(build, upper);
	if (r < 0)
		return r;
	text = build_text(build, upper);
	op = build_op(build, PROGRAM_MAKE_DIRECTORY);
	op->text = text;
	op->number = 0700;
	return 0;
}

int filesystem_overlay_emit(struct build *build)
{
	_cleanup_free_ char *lower = NULL, *upper = NULL;
	const struct spec *spec = build->spec;
	uint32_t text, text2;
	struct program_op *op;
	int r = filesystem_overlay_join(build, &lower);

	if (r == 0)
		r = filesystem_overlay_check_nesting(build);
	if (r == 0)
		r = filesystem_overlay_get_upper(build, &upper);
	if (r == 0)
		r = filesystem_overlay_emit_upper(build, upper);
	if (r < 0)
		return r;
	BUILD_ORIGIN(build, image_layers);
	text = build_text(build, lower);
	text2 = build_text(build, upper);
	op = build_op(build, PROGRAM_OVERLAY);
	op->text = text;
	op->text2 = text2;
	op->slot = build->own_ids ? BUILD_SLOT_USER : PROGRAM_SLOT_NONE;
	op->slot2 = BUILD_SLOT_ROOT;
	op->number = build->owner;
	if (spec->upper == SPEC_UPPER_EPHEMERAL)
		op->flags = PROGRAM_OVERLAY_EPHEMERAL;
	if (spec->upper == SPEC_UPPER_PERSISTENT)
		op->flags = PROGRAM_OVERLAY_PERSISTENT;
	return 0;
}

static int filesystem_overlay_emit_lower(struct build *build, const char *path, uint8_t lower_slot,
					 uint8_t slot, uint32_t flags)
{
	struct text_buffer buffer = {};
	_cleanup_free_ char *lower = NULL;
	struct program_op *op;
	uint32_t text;

	if (path)
		filesystem_overlay_append(&buffer, path);
	else
		text_buffer_append(&buffer, "%u", lower_slot);
	lower = text_buffer_finish(&buffer);
	if (!lower)
		return build_fail(build, -ENOMEM, "the overlay could not be planned");
	text = build_text(build, lower);
	op = build_op(build, PROGRAM_OVERLAY);
	op->text = text;
	op->slot = build->own_ids ? BUILD_SLOT_USER : PROGRAM_SLOT_NONE;
	op->slot2 = slot;
	op->number = build->owner;
	op->flags = PROGRAM_OVERLAY_EPHEMERAL |
		    (flags & (PROGRAM_MOUNT_NO_EXEC | PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV));
	return 0;
}

int filesystem_overlay_emit_ephemeral(struct build *build, const char *path, uint8_t slot)
{
	return filesystem_overlay_emit_lower(build, path, slot, BUILD_SLOT_ROOT, 0);
}

int filesystem_overlay_emit_over(struct build *build, const char *path, uint8_t slot, uint32_t flags)
{
	return filesystem_overlay_emit_lower(build, path, PROGRAM_SLOT_NONE, slot, flags);
}

int filesystem_overlay_emit_slot(struct build *build, uint8_t slot, uint32_t flags)
{
	return filesystem_overlay_emit_lower(build, NULL, slot, slot, flags);
}
