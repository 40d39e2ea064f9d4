/* See image-verity.h. The kernel does the checking; here is found what to tell it. The superblock is read without
 * trust: a wrong one gives a table that the root hash does not match. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/image-verity.h"

enum { IMAGE_VERITY_TEXT_MAX = 4096, IMAGE_VERITY_SIGNATURE_MAX = 1 << 16 };

/* As veritysetup(8) writes it (https://gitlab.com/cryptsetup/cryptsetup/-/wikis/DMVerity); little-endian. */
struct image_verity_superblock {
	char signature[8];
	uint32_t version, hash_type;
	uint8_t uuid[16];
	char algorithm[32];
	uint32_t data_block_size, hash_block_size;
	uint64_t data_blocks;
	uint16_t salt_size;
	uint8_t padding[6];
	uint8_t salt[256];
	uint8_t rest[168];
};
static_assert(sizeof(struct image_verity_superblock) == 512, "as on disk");

static int image_verity_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int image_verity_decode_hex(const char *text, uint8_t **ret, size_t *ret_size)
{
	size_t length = strlen(text);
	_cleanup_free_ uint8_t *bytes = malloc(length / 2 + 1);

	if (!bytes)
		return -ENOMEM;
	if (length == 0 || length % 2 != 0)
		return -EINVAL;
	for (size_t i = 0; i < length / 2; i++) {
		int high = image_verity_digit(text[2 * i]), low = image_verity_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = TAKE(bytes);
	*ret_size = length / 2;
	return 0;
}

static int image_verity_decode_base64(const char *text, uint8_t **ret, size_t *ret_size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	_cleanup_free_ uint8_t *bytes = malloc(strlen(text) / 4 * 3 + 3);
	uint32_t group = 0;
	size_t size = 0, n = 0;

	if (!bytes)
		return -ENOMEM;
	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			return -EINVAL;
		group = group << 6 | (uint32_t)(digit - digits);
		if (++n % 4 != 0)
			continue;
		bytes[size++] = (uint8_t)(group >> 16);
		bytes[size++] = (uint8_t)(group >> 8);
		bytes[size++] = (uint8_t)group;
	}
	if (n % 4 == 1 || strspn(text, "=") != strlen(text) || size + n % 4 == 0)
		return -EINVAL;
	if (n % 4 >= 2)
		bytes[size++] = (uint8_t)(group >> (n % 4 == 2 ? 4 : 10));
	if (n % 4 == 3)
		bytes[size++] = (uint8_t)(group >> 2);
	*ret = TAKE(bytes);
	*ret_size = size;
	return 0;
}

int image_verity_read_signature(const char *text, uint8_t **ret, size_t *ret_size)
{
	char *bytes;
	ssize_t n;

	if (text_starts_with(text, "base64:"))
		return image_verity_decode_base64(text + strlen("base64:"), ret, ret_size);
	n = fd_read_file_at(AT_FDCWD, text, IMAGE_VERITY_SIGNATURE_MAX, &bytes);
	if (n < 0)
		return (int)n;
	*ret = (uint8_t *)bytes;
	*ret_size = (size_t)n;
	return n > 0 ? 0 : -EINVAL;
}

/* The path beside the image whose name ends in SUFFIX instead of ".raw". NULL when out of memory. */
static char *image_verity_beside(const char *image, const char *suffix)
{
	size_t length = strlen(image) - (text_ends_with(image, ".raw") ? strlen(".raw") : 0);

	return text_format("%.*s%s", (int)length, image, suffix);
}

/* --- the root hash ----------------------------------------------------------------------------------- */

/* Hexadecimal digits in a file, perhaps with a newline. */
static int image_verity_read_hash(const char *path, char **ret)
{
	ssize_t n = fd_read_file_at(AT_FDCWD, path, IMAGE_VERITY_TEXT_MAX, ret);

	if (n < 0)
		return (int)n;
	(*ret)[strcspn(*ret, " \t\r\n")] = '\0';
	return 0;
}

/* 0 with *RET NULL: there is none. */
static int image_verity_find_hash(const struct image_verity_request *request, char **ret,
				  struct failure *failure)
{
	_cleanup_free_ char *path = NULL;
	char value[IMAGE_VERITY_TEXT_MAX];
	ssize_t n;
	int r;

	*ret = NULL;
	if (request->hash && *request->hash != '/') {
		*ret = strdup(request->hash);
		return *ret ? 0 : -ENOMEM;
	}
	if (request->hash) {
		r = image_verity_read_hash(request->hash, ret);
		return r < 0 ? failure_set(failure, r, NULL, "root hash %s", request->hash) : 0;
	}
	n = getxattr(request->image, "user.verity.roothash", value, sizeof value - 1);
	if (n > 0) {
		*ret = strndup(value, (size_t)n);
		return *ret ? 0 : -ENOMEM;
	}
	path = image_verity_beside(request->image, ".roothash");
	if (!path)
		return -ENOMEM;
	r = image_verity_read_hash(path, ret);
	return r < 0 && r != -ENOENT ? failure_set(failure, r, NULL, "root hash %s", path) : 0;
}

static int image_verity_find_signature(const struct image_verity_request *request,
				       struct image_verity *verity, struct failure *failure)
{
	_cleanup_free_ char *path = NULL;
	const char *from = request->signature;
	int r;

	if (!from) {
		path = image_verity_beside(request->image, ".roothash.p7s");
		if (!path)
			return -ENOMEM;
		if (access(path, F_OK) < 0)
			return 0;
		from = path;
	}
	r = image_verity_read_signature(from, &verity->signature, &verity->signature_size);
	return r < 0 ? failure_set(failure, r, NULL, "root hash signature %s", from) : 0;
}

/* --- the tree ---------------------------------------------------------------------------------------- */

static int image_verity_find_data(const struct image_verity_request *request, struct image_verity *verity,
				  struct failure *failure)
{
	_cleanup_free_ char *path = NULL;

	if (request->data || !request->tree->found) {
		path = request->data ? strdup(request->data) : image_verity_beside(request->image, ".verity");
		if (!path)
			return -ENOMEM;
		if (access(path, F_OK) < 0)
			return failure_set(failure, -errno, NULL, "integrity data %s of image %s", path,
					   request->image);
		verity->data = TAKE(path);
		return 0;
	}
	verity->data = strdup(request->image);
	verity->data_offset = request->tree->offset;
	verity->data_size = request->tree->size;
	return verity->data ? 0 : -ENOMEM;
}

static bool image_verity_is_block_size(uint32_t size)
{
	return size >= 512 && size <= 65536 && (size & (size - 1)) == 0;
}

static bool image_verity_sane(const struct image_verity_superblock *block)
{
	size_t length = strnlen(block->algorithm, sizeof block->algorithm);

	return memcmp(block->signature, "verity\0\0", sizeof block->signature) == 0 && block->version == 1 &&
	       block->hash_type == 1 && image_verity_is_block_size(block->data_block_size) &&
	       image_verity_is_block_size(block->hash_block_size) && block->salt_size <= sizeof block->salt &&
	       length > 0 && length < sizeof block->algorithm &&
	       strspn(block->algorithm, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
	       block->data_blocks > 0 &&
	       block->data_blocks <= (uint64_t)UINT32_MAX * 512 / block->data_block_size;
}

static int image_verity_make_table(struct image_verity *verity, const struct image_verity_superblock *block,
				   const char *hash)
{
	struct text_buffer buffer = {};

	text_buffer_append(&buffer, "%u %u %llu 1 %s ", block->data_block_size, block->hash_block_size,
			   (unsigned long long)block->data_blocks, block->algorithm);
	for (const char *c = hash; *c; c++) {
		char lower = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;

		text_buffer_append_bytes(&buffer, &lower, 1);
	}
	text_buffer_append(&buffer, block->salt_size ? " " : " -");
	for (size_t i = 0; i < block->salt_size; i++)
		text_buffer_append(&buffer, "%02x", block->salt[i]);
	verity->sectors = (uint32_t)(block->data_blocks * (block->data_block_size / 512));
	verity->table = text_buffer_finish(&buffer);
	return verity->table ? 0 : -ENOMEM;
}

static int image_verity_read_tree(struct image_verity *verity, const char *hash, struct failure *failure)
{
	_cleanup_fd_ int fd = open(verity->data, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct image_verity_superblock block;

	if (fd < 0)
		return failure_set(failure, -errno, NULL, "integrity data %s", verity->data);
	if (pread(fd, &block, sizeof block, (off_t)verity->data_offset) != (ssize_t)sizeof block ||
	    !image_verity_sane(&block))
		return failure_set(failure, -EUCLEAN, NULL,
				   "integrity data %s: no superblock of dm-verity at offset %llu",
				   verity->data, (unsigned long long)verity->data_offset);
	return image_verity_make_table(verity, &block, hash);
}

int image_verity_find(const struct image_verity_request *request, struct image_verity *ret,
		      struct failure *failure)
{
	_cleanup_free_ char *hash = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct image_verity verity = {};
	size_t size;
	int r = image_verity_find_hash(request, &hash, failure);

	if (r == 0 && !hash) {
		*ret = verity;
		if (!request->data && !request->signature)
			return 0;
		return failure_set(failure, -ENOKEY, NULL, "image %s has integrity data but no root hash",
				   request->image);
	}
	if (r == 0) {
		r = image_verity_decode_hex(hash, &bytes, &size);
		if (r < 0)
			failure_set(failure, r, NULL, "the root hash of image %s is not hexadecimal",
				    request->image);
	}
	if (r == 0)
		r = image_verity_find_signature(request, &verity, failure);
	if (r == 0)
		r = image_verity_find_data(request, &verity, failure);
	if (r == 0)
		r = image_verity_read_tree(&verity, hash, failure);
	if (r < 0) {
		image_verity_deinit(&verity);
		return r;
	}
	*ret = verity;
	return 0;
}

void image_verity_deinit(struct image_verity *verity)
{
	free(verity->data);
	free(verity->table);
	free(verity->signature);
	*verity = (struct image_verity){};
}
