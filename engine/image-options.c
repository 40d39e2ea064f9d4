/* See image-options.h. */
#include <string.h>

#include "base/text.h"
#include "engine/image-options.h"
#include "engine/program.h"

/* The pair at *CURSOR, which moves behind it: false at the end. Without any ':' all of the text is the root's. */
static bool image_options_next(const char **cursor, const char **ret_part, size_t *ret_part_length,
			       const char **ret_options, size_t *ret_length)
{
	const char *text = *cursor;
	size_t first = strcspn(text, ":");

	if (!*text)
		return false;
	*ret_part = text[first] ? text : "root";
	*ret_part_length = text[first] ? first : strlen("root");
	text += text[first] ? first + 1 : 0;
	*ret_options = text;
	*ret_length = strcspn(text, ":");
	text += *ret_length;
	*cursor = text + (*text == ':');
	return true;
}

static bool image_options_names(const char *part, size_t length, enum image_part wanted)
{
	return strlen(image_part_names[wanted]) == length &&
	       strncmp(part, image_part_names[wanted], length) == 0;
}

int image_options_check(const char *text, struct failure *failure)
{
	const char *part, *options;
	size_t part_length, length;

	while (image_options_next(&text, &part, &part_length, &options, &length)) {
		bool known = false;

		for (int i = 0; i < IMAGE_PART_MAX_; i++)
			known |= image_options_names(part, part_length, (enum image_part)i);
		if (!known)
			return failure_set(failure, -EINVAL, NULL, "'%.*s' is no partition of an image",
					   (int)part_length, part);
	}
	return 0;
}

/* False: an option of the file system. */
static bool image_options_take(struct image_options *options, const char *word, size_t length)
{
	static const struct {
		const char *name;
		uint32_t set, cleared;
	} flags[] = {
		{"nosuid", PROGRAM_MOUNT_NO_SUID, 0},
		{"suid", 0, PROGRAM_MOUNT_NO_SUID},
		{"noexec", PROGRAM_MOUNT_NO_EXEC, 0},
		{"exec", 0, PROGRAM_MOUNT_NO_EXEC},
		{"nodev", PROGRAM_MOUNT_NO_DEV, 0},
		{"dev", 0, PROGRAM_MOUNT_NO_DEV},
		{"nosymfollow", PROGRAM_MOUNT_NO_SYMLINKS, 0},
		{"symfollow", 0, PROGRAM_MOUNT_NO_SYMLINKS},
		{"noatime", PROGRAM_MOUNT_NO_ATIME, PROGRAM_MOUNT_STRICT_ATIME},
		{"strictatime", PROGRAM_MOUNT_STRICT_ATIME, PROGRAM_MOUNT_NO_ATIME},
		{"relatime", 0, PROGRAM_MOUNT_NO_ATIME | PROGRAM_MOUNT_STRICT_ATIME},
		{"nodiratime", PROGRAM_MOUNT_NO_DIR_ATIME, 0},
		{"diratime", 0, PROGRAM_MOUNT_NO_DIR_ATIME},
		{"ro", 0, 0},
		{"rw", 0, 0},
		{"defaults", 0, 0},
		{"auto", 0, 0}, /* fstab(5)'s, for whom there is nothing to do */
		{"noauto", 0, 0},
		{"nofail", 0, 0},
		{"_netdev", 0, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const char *name = flags[i].name;

		if (strlen(name) != length || strncmp(name, word, length) != 0)
			continue;
		options->mount_flags = (options->mount_flags | flags[i].set) & ~flags[i].cleared;
		if (strcmp(name, "ro") == 0 || strcmp(name, "rw") == 0) {
			options->read_only = name[1] == 'o';
			options->writable = name[1] == 'w';
		}
		if (strcmp(name, "dev") == 0 || strcmp(name, "nodev") == 0)
			options->device_nodes = *name == 'd';
		return true;
	}
	return false;
}

static void image_options_split(struct image_options *options, struct text_buffer *rest, const char *text,
				size_t length)
{
	for (const char *end = text + length; text < end;) {
		size_t word = MIN_OF(strcspn(text, ","), (size_t)(end - text));

		if (word > 0 && !image_options_take(options, text, word)) {
			if (rest->length)
				text_buffer_append_bytes(rest, ",", 1);
			text_buffer_append_bytes(rest, text, word);
		}
		text += word + (text + word < end);
	}
}

int image_options_read(const char *text, enum image_part part, struct image_options *ret)
{
	struct image_options options = {};
	struct text_buffer rest = {};
	const char *name, *words;
	size_t name_length, length;

	text = text ?: "";
	while (image_options_next(&text, &name, &name_length, &words, &length))
		if (image_options_names(name, name_length, part))
			image_options_split(&options, &rest, words, length);
	options.rest = text_buffer_finish(&rest);
	if (!options.rest)
		return -ENOMEM;
	*ret = options;
	return 0;
}
