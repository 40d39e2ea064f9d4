/* What D-Bus tells about disk images: mount options are pairs of partition and options, hashes are bytes. */
#include <stdlib.h>
#include <string.h>

#include "dbus/parts.h"
#include "engine/image-options.h"
#include "engine/image-verity.h"

/* a(ss) of "root:ro:home:nodev"; options without a partition are the root's. */
static int property_image_append_options(sd_bus_message *message, const char *text)
{
	int r = sd_bus_message_open_container(message, 'a', "(ss)");

	text = text ?: "";
	while (r >= 0 && *text) {
		size_t length = strcspn(text, ":");
		bool named = text[length] == ':';
		_cleanup_free_ char *part = named ? strndup(text, length) : strdup("root"), *options = NULL;

		text += named ? length + 1 : 0;
		length = strcspn(text, ":");
		options = strndup(text, length);
		text += length + (text[length] == ':');
		r = part && options ? sd_bus_message_append(message, "(ss)", part, options) : -ENOMEM;
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

int property_image_options(sd_bus_message *message, const struct spec *spec)
{
	return property_image_append_options(message, spec->root_image_options);
}

static int property_image_append_bytes(sd_bus_message *message, const char *text,
				       int (*read)(const char *text, uint8_t **ret, size_t *ret_size))
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size = 0;

	/* A path has a property of its own with systemd; here it is not told. */
	if (text && *text != '/' && read(text, &bytes, &size) < 0)
		size = 0;
	return sd_bus_message_append_array(message, 'y', bytes, size);
}

int property_image_hash(sd_bus_message *message, const struct spec *spec)
{
	return property_image_append_bytes(message, spec->root_hash, image_verity_decode_hex);
}

int property_image_signature(sd_bus_message *message, const struct spec *spec)
{
	return property_image_append_bytes(message, spec->root_hash_signature, image_verity_read_signature);
}

static int property_image_append(sd_bus_message *message, const struct spec_mounts *mounts, bool targets)
{
	int r = sd_bus_message_open_container(message, 'a', targets ? "(ssba(ss))" : "(sba(ss))");

	for (size_t i = 0; r >= 0 && i < mounts->n; i++) {
		const struct spec_mount *mount = &mounts->items[i];

		r = sd_bus_message_open_container(message, 'r', targets ? "ssba(ss)" : "sba(ss)");
		if (r >= 0)
			r = sd_bus_message_append(message, "s", mount->source);
		if (r >= 0 && targets)
			r = sd_bus_message_append(message, "s", mount->target);
		if (r >= 0)
			r = sd_bus_message_append(message, "b", (int)mount->ignore_missing);
		if (r >= 0)
			r = property_image_append_options(message, mount->options);
		if (r >= 0)
			r = sd_bus_message_close_container(message);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

int property_image_mounts(sd_bus_message *message, const struct spec *spec)
{
	return property_image_append(message, &spec->mount_images, true);
}

int property_image_extensions(sd_bus_message *message, const struct spec *spec)
{
	return property_image_append(message, &spec->extension_images, false);
}
