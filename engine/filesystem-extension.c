/* See filesystem-extension.h. Which system an extension was made for is checked by the launch, as the release files of
 * images are seen only when they are mounted. */
#include <string.h>
#include <sys/stat.h>

#include "engine/filesystem.h"
#include "engine/filesystem-extension.h"
#include "engine/filesystem-image.h"
#include "engine/image-policy.h"

/* The name that the release file of the extension at PATH carries: without directories and ".raw". */
static void filesystem_extension_append(struct text_buffer *buffer, uint8_t slot, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t length = strlen(name);

	if (text_ends_with(name, ".raw"))
		length -= strlen(".raw");
	text_buffer_append(buffer, "%s%u %.*s", buffer->length ? "\n" : "", slot, (int)length, name);
}

static int filesystem_extension_directory(struct build *build, const char *path, uint8_t *ret_slot)
{
	int r = filesystem_check_directory(build, "extension", path);
	uint8_t slot = build_slot_take(build);
	struct program_op *op;
	uint32_t text;

	if (r < 0)
		return r;
	if (slot == PROGRAM_SLOT_NONE)
		return build_fail(build, -E2BIG, "too many extensions");
	text = build_text(build, path);
	op = build_op(build, PROGRAM_TREE);
	op->text = text;
	op->slot2 = slot;
	op->flags = PROGRAM_MOUNT_READ_ONLY | PROGRAM_MOUNT_NO_DEV;
	if (build->own_ids)
		op->number = BUILD_SLOT_USER;
	*ret_slot = slot;
	return 0;
}

/* From the last, which is uppermost, to the first. */
static int filesystem_extension_collect(struct build *build, uint32_t list, struct text_buffer *buffer)
{
	const struct spec *spec = build->spec;
	const struct spec_mounts *mounts = (const struct spec_mounts *)((const char *)spec + list);
	bool images = list == offsetof(struct spec, extension_images);

	for (size_t i = mounts->n; i-- > 0;) {
		const struct spec_mount *mount = &mounts->items[i];
		struct stat status;
		uint8_t slot;
		int r;

		build_origin(build, list, i);
		if (mount->ignore_missing && stat(mount->source, &status) < 0 && errno == ENOENT)
			continue;
		r = images ? filesystem_image_emit_layer(
				     build, mount->source, mount->options,
				     spec->extension_image_policy ?: IMAGE_POLICY_EXTENSION, &slot)
			   : filesystem_extension_directory(build, mount->source, &slot);
		if (r < 0)
			return r;
		filesystem_extension_append(buffer, slot, mount->source);
	}
	return 0;
}

int filesystem_extension_emit(struct build *build)
{
	const struct spec *spec = build->spec;
	struct text_buffer buffer = {};
	_cleanup_free_ char *list = NULL;
	uint32_t text;
	struct program_op *op;
	int r;

	if (!spec->extension_images.n && !spec->extension_directories.n)
		return 0;
	r = filesystem_extension_collect(build, offsetof(struct spec, extension_directories), &buffer);
	if (r == 0)
		r = filesystem_extension_collect(build, offsetof(struct spec, extension_images), &buffer);
	list = text_buffer_finish(&buffer);
	if (r < 0)
		return r;
	if (!list)
		return build_fail(build, -ENOMEM, "the extensions could not be planned");
	if (spec->extension_images.n)
		BUILD_ORIGIN(build, extension_images);
	else
		BUILD_ORIGIN(build, extension_directories);
	text = build_text(build, list);
	op = build_op(build, PROGRAM_EXTEND);
	op->slot = BUILD_SLOT_ROOT;
	op->text = text;
	return 0;
}
