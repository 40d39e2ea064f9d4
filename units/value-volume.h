/* Mounts as Podman writes them; see value-volume.c. PARTS are a line split at its colons. All return 0, or -EINVAL with
 * FAILURE filled, or -ENOMEM. */
#pragma once

#include "units/value.h"

int value_volume_read(const struct directive_line *line, char *const *parts, size_t n,
		      struct spec_mount *mount, struct failure *failure);
int value_volume_read_options(const struct directive_line *line, struct spec_mount *mount,
			      struct failure *failure);
int value_volume_read_device(const struct directive_line *line, char *const *parts, size_t n,
			     struct spec_mount *mount, struct failure *failure);

/* One option that bind mounts and tmpfs know: "ro", "rslave", "idmap"; 1: it is none of those. */
int value_volume_option(struct spec_mount *mount, const char *option, struct failure *failure);

/* value-mount.c: "idmap", "idmap=…", "noidmap", "U"; 1: it is none of those. */
int value_mount_ids(struct spec_mount *mount, const char *option, struct failure *failure);

void value_volume_print_options(struct text_buffer *buffer, const struct spec_mount *mount);
void value_volume_print_device(struct text_buffer *buffer, const struct spec_mount *mount);
