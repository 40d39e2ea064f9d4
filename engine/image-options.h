/* Mount options of images: "ro,nosuid" for the root partition, or "root:ro,nosuid:home:nodev" for several. */
#pragma once

#include "engine/image.h"

/* On -EINVAL FAILURE says which partition nobody knows. Options themselves are the kernel's to judge. */
int image_options_check(const char *text, struct failure *failure);

struct image_options {
	bool read_only, writable; /* "ro", "rw" */
	uint32_t mount_flags;	  /* PROGRAM_MOUNT_* */
	bool device_nodes;	  /* "dev": overrides the nodev of every image */
	char *rest;		  /* the file system's own, joined by ','; heap */
};

/* What TEXT (may be NULL) says about PART. 0 or -ENOMEM. */
int image_options_read(const char *text, enum image_part part, struct image_options *ret);
