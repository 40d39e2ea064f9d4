/* A disk image as it can be seen without mounting it: a file system from its first byte on, or a partition table
 * with partitions that say what they are (the Discoverable Partitions Specification,
 * https://uapi-group.org/specifications/specs/discoverable_partitions_specification/). All that is read is
 * somebody else's: nothing in it is taken for a number that fits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/failure.h"

enum image_part { /* what a partition is for; the order is that of image_part_names[] */
		  IMAGE_ROOT,
		  IMAGE_USR,
		  IMAGE_HOME,
		  IMAGE_SRV,
		  IMAGE_ESP,
		  IMAGE_XBOOTLDR,
		  IMAGE_SWAP,
		  IMAGE_ROOT_VERITY,
		  IMAGE_USR_VERITY,
		  IMAGE_ROOT_VERITY_SIGNATURE,
		  IMAGE_USR_VERITY_SIGNATURE,
		  IMAGE_TMP,
		  IMAGE_VAR,
		  IMAGE_PART_MAX_,
};
extern const char
	*const image_part_names[IMAGE_PART_MAX_]; /* as in image policies and mount options: "root" */

struct image_partition {
	bool found;
	bool read_only;	       /* marked so in the table */
	uint64_t offset, size; /* bytes; of a bare file system the whole file: size 0 */
	const char *type;      /* of file system: "squashfs"; NULL: none that is known */
	uint8_t uuid[16];      /* as written: four bytes, two, two little-endian */
};

struct image {
	struct image_partition parts[IMAGE_PART_MAX_];
	bool has_table;
	uint64_t size; /* bytes */
	bool writable; /* the file can be opened for writing */
};

/* Looks at PATH, a regular file or a block device. With a partition table the root is its root partition, or its only one of
 * the generic Linux type. On failure FAILURE names the path, and the offset where that says something. */
int image_probe(const char *path, struct image *ret, struct failure *failure);

/* "ext4" for a file system that starts at OFFSET of FD; NULL. */
const char *image_detect(int fd, uint64_t offset);

/* Options that keep a read-only mount of file system TYPE from writing to the device all the same, to replay a
 * journal perhaps; "" when it has none to replay. */
const char *image_read_only_options(const char *type);
/* File systems that cannot be written to at all. */
bool image_is_read_only_type(const char *type);
