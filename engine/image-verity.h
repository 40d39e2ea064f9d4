/* Integrity data of images (dm-verity): the root hash that a user trusts, the superblock that says how the hashes
 * below it are laid out, and the signature of the root hash, if there is one. */
#pragma once

#include "engine/image.h"

struct image_verity {
	char *data;	      /* the file with the hash tree; NULL: not wanted */
	uint64_t data_offset; /* of the tree in it */
	uint64_t data_size;   /* 0: to the end */
	char *table;	      /* parameters behind the two devices, for the kernel */
	uint32_t sectors;     /* of 512 bytes, that are checked */
	uint8_t *signature;   /* DER; NULL: none */
	size_t signature_size;
};

struct image_verity_request {
	const char *image;     /* the image's path */
	const char *hash;      /* RootHash=: hexadecimal or a file's path; NULL: beside the image */
	const char *signature; /* RootHashSignature=: a file's path or "base64:…"; NULL: beside the image */
	const char *data;      /* RootVerity=; NULL: beside the image, or the partition */
	const struct image_partition *tree; /* the partition that holds it; may be not found */
};

/* *RET is empty when nobody asked for verity. What was asked for and cannot be had is a failure. */
int image_verity_find(const struct image_verity_request *request, struct image_verity *ret,
		      struct failure *failure);
void image_verity_deinit(struct image_verity *verity);

/* Bytes written as hexadecimal digits; the caller's heap. -EINVAL. */
int image_verity_decode_hex(const char *text, uint8_t **ret, size_t *ret_size);
/* "base64:…" or the file; the caller's heap. */
int image_verity_read_signature(const char *text, uint8_t **ret, size_t *ret_size);
