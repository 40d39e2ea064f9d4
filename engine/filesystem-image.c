/* Disk images as parts of a container's root. What an image is, whether its policy allows it and what it is checked
 * against is decided here, when a program is compiled; the launch attaches, verifies and mounts it. Every launch
 * has a mount of its own: nothing is left of it when the last process is gone. */
#include <string.h>
#include <sys/stat.h>

#include "engine/filesystem-image.h"
#include "engine/filesystem-overlay.h"
#include "engine/image-options.h"
#include "engine/image-policy.h"
#include "engine/image-verity.h"

/* What to do with one image. */
struct filesystem_image {
	const char *path, *options, *policy;
	const char *hash, *signature, *verity_data; /* RootHash= and so on; NULL */
	bool read_only;
	struct image found;
	uint16_t fd; /* the descriptor of the launch, shared by all partitions; PROGRAM_NO_FD until needed */
	bool writable;
};

static int filesystem_image_probe(struct build *build, struct filesystem_image *image)
{
	int r = image_probe(image->path, &image->found, build->failure);

	image->fd = PROGRAM_NO_FD;
	return r;
}

static uint16_t filesystem_image_descriptor(struct build *build, struct filesystem_image *image)
{
	if (image->fd == PROGRAM_NO_FD) {
		image->fd = build_descriptor(build, PROGRAM_DESCRIPTOR_IMAGE, image->path, false);
		if (image->fd != PROGRAM_NO_FD)
			build->descriptors[image->fd - 3].writable = image->writable;
	}
	return image->fd;
}

/* --- the policy -------------------------------------------------------------------------------------- */

/* Whether PART may be used as it was found. 0: it is to be left alone; 1: it is to be mounted. */
static int filesystem_image_judge(struct build *build, const struct filesystem_image *image,
				  enum image_part part, const struct image_verity *verity)
{
	const struct image_partition *found = &image->found.parts[part];
	unsigned allowed = image_policy_get(image->policy, part);
	const char *name = image_part_names[part],
		   *kind = verity->signature ? "signed" : "protected by verity";
	unsigned is = verity->signature ? IMAGE_POLICY_SIGNED
		      : verity->table	? IMAGE_POLICY_VERITY
					: IMAGE_POLICY_UNPROTECTED;

	if (!found->found) {
		if (allowed & IMAGE_POLICY_ABSENT)
			return 0;
		return build_fail(build, -ERFKILL, "image %s has no %s partition, which its policy wants",
				  image->path, name);
	}
	if (text_equal(found->type, "crypto_LUKS"))
		is = IMAGE_POLICY_ENCRYPTED;
	if (verity->table == NULL)
		kind = is == IMAGE_POLICY_ENCRYPTED ? "encrypted" : "unprotected";
	if (allowed & IMAGE_POLICY_READ_ONLY_ON && !found->read_only)
		return build_fail(build, -ERFKILL, "the %s partition of image %s is not marked read-only",
				  name, image->path);
	if (allowed & IMAGE_POLICY_READ_ONLY_OFF && found->read_only)
		return build_fail(build, -ERFKILL, "the %s partition of image %s is marked read-only", name,
				  image->path);
	if (!(allowed & is)) {
		if (allowed & IMAGE_POLICY_UNUSED)
			return 0;
		return build_fail(build, -ERFKILL,
				  "the %s partition of image %s is %s, which its policy forbids", name,
				  image->path, kind);
	}
	if (is == IMAGE_POLICY_ENCRYPTED)
		return build_fail(build, -EOPNOTSUPP,
				  "the %s partition of image %s is encrypted, and there is no key for it",
				  name, image->path);
	if (!found->type)
		return build_fail(build, -EMEDIUMTYPE, "image %s: no known file system at offset %llu",
				  image->path, (unsigned long long)found->offset);
	return 1;
}

/* --- operations -------------------------------------------------------------------------------------- */

static uint8_t filesystem_image_emit_loop(struct build *build, uint16_t fd, uint64_t offset, uint64_t size,
					  uint32_t flags)
{
	uint8_t slot = build_slot_take(build);
	struct program_op *op = build_op(build, PROGRAM_LOOP);

	op->fd = fd;
	op->number = offset;
	op->number2 = size;
	op->flags = flags;
	op->slot2 = slot;
	return slot;
}

/* The device DATA becomes the one that is checked. */
static void filesystem_image_emit_verity(struct build *build, struct filesystem_image *image, uint8_t data,
					 const struct image_verity *verity)
{
	uint16_t fd = strcmp(verity->data, image->path) == 0
			      ? image->fd
			      : build_descriptor(build, PROGRAM_DESCRIPTOR_IMAGE, verity->data, false);
	uint8_t tree = filesystem_image_emit_loop(build, fd, verity->data_offset, verity->data_size,
						  PROGRAM_MOUNT_READ_ONLY);
	uint32_t text = build_text(build, verity->table),
		 text2 = verity->signature ? build_bytes(build, verity->signature, verity->signature_size, 1)
					   : 0;
	struct program_op *op = build_op(build, PROGRAM_VERITY);

	op->slot = data;
	op->number = tree;
	op->slot2 = data;
	op->text = text;
	op->text2 = text2;
	op->number2 = verity->signature_size;
	op->flags = verity->sectors;
	build_slot_release(build, tree);
}

static void filesystem_image_emit_mount(struct build *build, const struct image_partition *found,
					uint8_t device, bool read_only, const struct image_options *options,
					uint8_t slot)
{
	const char *own = read_only ? image_read_only_options(found->type) : "";
	_cleanup_free_ char *joined =
		text_format("%s%s%s", own, *own && *options->rest ? "," : "", options->rest);
	uint32_t text = build_text(build, found->type), text2 = build_text(build, joined);
	struct program_op *op = build_op(build, PROGRAM_FILESYSTEM);

	if (!joined)
		build->failed = true;
	op->text = text;
	op->text2 = text2;
	op->slot = device;
	op->slot2 = slot;
	op->flags = options->mount_flags | (read_only ? PROGRAM_MOUNT_READ_ONLY : 0) |
		    (options->device_nodes ? 0 : PROGRAM_MOUNT_NO_DEV);
	if (build->own_ids)
		op->number = BUILD_SLOT_USER;
}

static bool filesystem_image_is_read_only(const struct filesystem_image *image, enum image_part part,
					  const struct image_verity *verity,
					  const struct image_options *options)
{
	const struct image_partition *found = &image->found.parts[part];

	return image->read_only || verity->table || options->read_only || found->read_only ||
	       !image->found.writable || (found->type && image_is_read_only_type(found->type));
}

/* squashfs reads its tables in sectors: large ones halve the time of its mount. Nothing may be left over behind the last. */
static bool filesystem_image_takes_large_sectors(const struct filesystem_image *image,
						 const struct image_partition *found)
{
	uint64_t size = found->size ?: image->found.size;

	return text_equal(found->type, "squashfs") && found->offset % 4096 == 0 && size % 4096 == 0;
}

static int filesystem_image_emit_checked(struct build *build, struct filesystem_image *image,
					 enum image_part part, const struct image_verity *verity,
					 uint8_t slot)
{
	const struct image_partition *found = &image->found.parts[part];
	struct image_options options;
	uint8_t device;
	bool read_only;
	int r = image_options_read(image->options, part, &options);

	if (r < 0)
		return build_fail(build, r, "image %s", image->path);
	read_only = filesystem_image_is_read_only(image, part, verity, &options);
	device = filesystem_image_emit_loop(
		build, filesystem_image_descriptor(build, image), found->offset, found->size,
		(read_only ? PROGRAM_MOUNT_READ_ONLY : 0) |
			(!verity->table && filesystem_image_takes_large_sectors(image, found)
				 ? PROGRAM_LOOP_LARGE
				 : 0));
	if (verity->table)
		filesystem_image_emit_verity(build, image, device, verity);
	if (part == IMAGE_TMP)
		options.mount_flags |= PROGRAM_MOUNT_NO_SUID;
	filesystem_image_emit_mount(build, found, device, read_only, &options, slot);
	build_slot_release(build, device);
	free(options.rest);
	if (device == PROGRAM_SLOT_NONE)
		return build_fail(build, -E2BIG, "too many images");
	return 0;
}

/* Mounts PART into SLOT. 1: done; 0: the policy leaves it out. */
static int filesystem_image_emit_part(struct build *build, struct filesystem_image *image,
				      enum image_part part, uint8_t slot)
{
	const struct image_verity_request request = {
		.image = image->path,
		.hash = image->hash,
		.signature = image->signature,
		.data = image->verity_data,
		.tree = &image->found.parts[IMAGE_ROOT_VERITY],
	};
	struct image_verity verity = {};
	int r = 0;

	if (part == IMAGE_ROOT)
		r = image_verity_find(&request, &verity, build->failure);
	if (r == 0)
		r = filesystem_image_judge(build, image, part, &verity);
	if (r > 0) {
		r = filesystem_image_emit_checked(build, image, part, &verity, slot);
		r = r < 0 ? r : 1;
	}
	image_verity_deinit(&verity);
	return r;
}

/* --- the root ---------------------------------------------------------------------------------------- */

static bool filesystem_image_wants_writing(const struct filesystem_image *image)
{
	for (int part = 0; part < IMAGE_PART_MAX_; part++) {
		static const struct image_verity none;
		struct image_options options;
		bool read_only;

		if (!image->found.parts[part].found || !image->found.parts[part].type ||
		    image_options_read(image->options, (enum image_part)part, &options) < 0)
			continue;
		read_only = filesystem_image_is_read_only(image, (enum image_part)part, &none, &options);
		free(options.rest);
		if (!read_only)
			return true;
	}
	return false;
}

/* The other partitions that have a place, as far as the policy has them. */
static int filesystem_image_emit_others(struct build *build, struct filesystem_image *image,
					struct mountplan *plan)
{
	static const struct {
		enum image_part part;
		const char *target;
	} places[] = {
		{IMAGE_USR, "/usr"}, {IMAGE_HOME, "/home"},   {IMAGE_SRV, "/srv"},
		{IMAGE_VAR, "/var"}, {IMAGE_TMP, "/var/tmp"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint8_t slot = build_slot_take(build);
		struct mountplan_entry *entry;
		int r = slot == PROGRAM_SLOT_NONE
				? build_fail(build, -E2BIG, "too many images")
				: filesystem_image_emit_part(build, image, places[i].part, slot);

		if (r < 0)
			return r;
		if (r == 0) {
			build_slot_release(build, slot);
			continue;
		}
		if (places[i].part == IMAGE_USR &&
		    (build->spec->extension_images.n || build->spec->extension_directories.n))
			return build_fail(
				build, -EOPNOTSUPP,
				"image %s has a /usr partition, which extensions cannot be laid over",
				image->path);
		entry = mountplan_add(plan, build, MOUNTPLAN_TREE, places[i].target);
		entry->slot = slot;
		entry->implied = true;
	}
	return 0;
}

int filesystem_image_emit_root(struct build *build, struct mountplan *plan)
{
	const struct spec *spec = build->spec;
	struct filesystem_image image = {
		.path = spec->root_image,
		.options = spec->root_image_options,
		.policy = spec->root_image_policy ?: IMAGE_POLICY_SERVICE,
		.hash = spec->root_hash,
		.signature = spec->root_hash_signature,
		.verity_data = spec->root_verity,
		.read_only = spec->root_ephemeral,
	};
	uint8_t slot;
	int r;

	BUILD_ORIGIN(build, root_image);
	r = filesystem_image_probe(build, &image);
	if (r < 0)
		return r;
	image.writable = filesystem_image_wants_writing(&image);
	slot = spec->root_ephemeral ? build_slot_take(build) : BUILD_SLOT_ROOT;
	r = filesystem_image_emit_part(build, &image, IMAGE_ROOT, slot);
	if (r == 0)
		return build_fail(build, -ENOENT, "image %s has no root partition that can be used",
				  spec->root_image);
	if (r > 0 && spec->root_ephemeral) {
		BUILD_ORIGIN(build, root_ephemeral);
		r = filesystem_overlay_emit_ephemeral(build, NULL, slot);
		build_slot_release(build, slot);
		BUILD_ORIGIN(build, root_image);
	}
	return r < 0 ? r : filesystem_image_emit_others(build, &image, plan);
}

/* --- further images ---------------------------------------------------------------------------------- */

static int filesystem_image_emit_tree(struct build *build, struct filesystem_image *image, uint8_t *ret_slot)
{
	uint8_t slot;
	int r = filesystem_image_probe(build, image);

	if (r < 0)
		return r;
	image->writable = filesystem_image_wants_writing(image);
	slot = build_slot_take(build);
	if (slot == PROGRAM_SLOT_NONE)
		return build_fail(build, -E2BIG, "too many images");
	r = filesystem_image_emit_part(build, image, IMAGE_ROOT, slot);
	if (r == 0)
		return build_fail(build, -ENOENT, "image %s has no root partition that can be used",
				  image->path);
	*ret_slot = slot;
	return r < 0 ? r : 0;
}

int filesystem_image_emit_layer(struct build *build, const char *path, const char *options,
				const char *policy, uint8_t *ret_slot)
{
	struct filesystem_image image = {
		.path = path, .options = options, .policy = policy, .read_only = true};

	return filesystem_image_emit_tree(build, &image, ret_slot);
}

static int filesystem_image_add(struct build *build, struct mountplan *plan, const struct spec_mount *mount)
{
	struct filesystem_image image = {
		.path = mount->source,
		.options = mount->options,
		.policy = build->spec->mount_image_policy ?: IMAGE_POLICY_SERVICE,
		.read_only = mount->read_only,
	};
	uint8_t slot = PROGRAM_SLOT_NONE;
	int r = filesystem_image_emit_tree(build, &image, &slot);

	if (r < 0)
		return r;
	mountplan_add(plan, build, MOUNTPLAN_TREE, mount->target)->slot = slot;
	return 0;
}

int filesystem_image_collect(struct build *build, struct mountplan *plan)
{
	const struct spec_mounts *mounts = &build->spec->mount_images;

	for (size_t i = 0; i < mounts->n; i++) {
		struct stat status;
		int r;

		BUILD_ORIGIN_ITEM(build, mount_images, i);
		if (mounts->items[i].ignore_missing && stat(mounts->items[i].source, &status) < 0 &&
		    errno == ENOENT)
			continue;
		r = filesystem_image_add(build, plan, &mounts->items[i]);
		if (r < 0)
			return r;
	}
	return 0;
}
