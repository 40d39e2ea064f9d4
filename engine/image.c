/* See image.h. A partition table is taken only when its checksums are right: a copy that was cut off or a file
 * system with leftovers of a table is neither one nor the other by chance. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/fs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/image.h"

const char *const image_part_names[IMAGE_PART_MAX_] = {
	[IMAGE_ROOT] = "root",
	[IMAGE_USR] = "usr",
	[IMAGE_HOME] = "home",
	[IMAGE_SRV] = "srv",
	[IMAGE_ESP] = "esp",
	[IMAGE_XBOOTLDR] = "xbootldr",
	[IMAGE_SWAP] = "swap",
	[IMAGE_ROOT_VERITY] = "root-verity",
	[IMAGE_USR_VERITY] = "usr-verity",
	[IMAGE_ROOT_VERITY_SIGNATURE] = "root-verity-sig",
	[IMAGE_USR_VERITY_SIGNATURE] = "usr-verity-sig",
	[IMAGE_TMP] = "tmp",
	[IMAGE_VAR] = "var",
};

/* --- file systems ------------------------------------------------------------------------------------ */

static const struct image_type {
	const char *name;
	uint64_t offset; /* of the magic bytes */
	const char *magic;
	size_t length;
	bool read_only;
	const char *read_only_options;
} image_types[] = {
	{"squashfs", 0, "hsqs", 4, true, ""},
	{"erofs", 1024, "\xe2\xe1\xf5\xe0", 4, true, ""},
	{"xfs", 0, "XFSB", 4, false, "norecovery"},
	{"btrfs", 0x10040, "_BHRfS_M", 8, false, "rescue=nologreplay"},
	{"ext4", 1024 + 56, "\x53\xef", 2, false, "noload"},
	{"crypto_LUKS", 0, "LUKS\xba\xbe", 6, false, ""},
	{"vfat", 0x52, "FAT32   ", 8, false, ""},
	{"vfat", 0x36, "FAT1", 4, false, ""},
};

static const struct image_type *image_find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(image_types); i++)
		if (strcmp(image_types[i].name, name) == 0)
			return &image_types[i];
	return NULL;
}

const char *image_detect(int fd, uint64_t offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(image_types); i++) {
		const struct image_type *type = &image_types[i];
		char found[8];

		if (pread(fd, found, type->length, (off_t)(offset + type->offset)) == (ssize_t)type->length &&
		    memcmp(found, type->magic, type->length) == 0)
			return type->name;
	}
	return NULL;
}

const char *image_read_only_options(const char *type)
{
	const struct image_type *found = image_find_type(type);

	return found ? found->read_only_options : "";
}

bool image_is_read_only_type(const char *type)
{
	const struct image_type *found = image_find_type(type);

	return found && found->read_only;
}

/* --- the partition table ----------------------------------------------------------------------------- */

/* UEFI Specification 2.10, 5.3.2 and 5.3.3. All numbers are little-endian. */
struct image_gpt_header {
	char signature[8]; /* "EFI PART" */
	uint32_t revision, header_size, header_crc, reserved;
	uint64_t my_lba, other_lba, first_usable, last_usable;
	uint8_t disk_uuid[16];
	uint64_t entries_lba;
	uint32_t n_entries, entry_size, entries_crc;
} __attribute__((packed));

struct image_gpt_entry {
	uint8_t type[16], uuid[16];
	uint64_t first_lba, last_lba, attributes;
	uint16_t name[36];
};
static_assert(sizeof(struct image_gpt_entry) == 128, "as on disk");

enum { IMAGE_TABLE_MAX = 1 << 20, IMAGE_READ_ONLY_BIT = 60, IMAGE_NO_AUTO_BIT = 63 };

/* Types as they are written down, for this architecture. */
static const struct image_gpt_type {
	const char *uuid;
	enum image_part part;
} image_gpt_types[] = {
#if defined(__x86_64__)
	{"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", IMAGE_ROOT},
	{"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", IMAGE_ROOT_VERITY},
	{"41092b05-9fc8-4523-994f-2def0408b176", IMAGE_ROOT_VERITY_SIGNATURE},
	{"8484680c-9521-48c6-9c11-b0720656f69e", IMAGE_USR},
	{"77ff5f63-e7b6-4633-acf4-1565b864c0e6", IMAGE_USR_VERITY},
	{"e7bb33fb-06cf-4e81-8273-e543b413e2e2", IMAGE_USR_VERITY_SIGNATURE},
#elif defined(__aarch64__)
	{"b921b045-1df0-41c3-af44-4c6f280d3fae", IMAGE_ROOT},
	{"df3300ce-d69f-4c92-978c-9bfb0f38d820", IMAGE_ROOT_VERITY},
	{"6db69de6-29f4-4758-a7a5-962190f00ce3", IMAGE_ROOT_VERITY_SIGNATURE},
	{"b0e01050-ee5f-4390-949a-9101b17104e9", IMAGE_USR},
	{"6e11a4e7-fbca-4ded-b9e9-e1a512bb664e", IMAGE_USR_VERITY},
	{"c23ce4ff-44bd-4b00-b2d4-b41b3419e02a", IMAGE_USR_VERITY_SIGNATURE},
#endif
	{"933ac7e1-2eb4-4f13-b844-0e14e2aef915", IMAGE_HOME},
	{"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", IMAGE_SRV},
	{"4d21b016-b534-45c2-a9fb-5c16e091fd2d", IMAGE_VAR},
	{"7ec6f557-3bc5-4aca-b293-16ef5df639d1", IMAGE_TMP},
	{"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", IMAGE_ESP},
	{"bc13c2ff-59e6-4262-a352-b275fd6f7172", IMAGE_XBOOTLDR},
	{"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", IMAGE_SWAP},
};
static const char image_gpt_linux[] = "0fc63daf-8483-4772-8e79-3d69d8477de4";

static bool image_uuid_is(const uint8_t uuid[16], const char *text)
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	char written[37], *to = written;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = "0123456789abcdef"[uuid[order[i]] >> 4];
		*to++ = "0123456789abcdef"[uuid[order[i]] & 15];
	}
	*to = '\0';
	return strcmp(written, text) == 0;
}

static uint32_t image_crc32(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* 1 when there is a table with this size of sectors, whose header is right. */
static int image_read_header(int fd, unsigned sector, struct image_gpt_header *ret)
{
	char block[512];
	struct image_gpt_header *header = (struct image_gpt_header *)block;
	uint32_t crc;

	if (pread(fd, block, sizeof block, sector) != (ssize_t)sizeof block ||
	    memcmp(header->signature, "EFI PART", sizeof header->signature) != 0)
		return 0;
	if (header->header_size < sizeof *header || header->header_size > sizeof block)
		return -EUCLEAN;
	crc = header->header_crc;
	header->header_crc = 0;
	if (image_crc32(block, header->header_size) != crc ||
	    header->entry_size < sizeof(struct image_gpt_entry) ||
	    (uint64_t)header->entry_size * header->n_entries > IMAGE_TABLE_MAX ||
	    header->entries_lba > UINT64_MAX / 2 / sector / 2)
		return -EUCLEAN;
	*ret = *header;
	return 1;
}

/* The place of an entry in bytes; false when it lies outside the image. */
static bool image_place(const struct image_gpt_entry *entry, unsigned sector, uint64_t image_size,
			struct image_partition *ret)
{
	uint64_t sectors = image_size / sector;

	if (entry->first_lba == 0 || entry->last_lba < entry->first_lba || entry->last_lba >= sectors)
		return false;
	*ret = (struct image_partition){
		.found = true,
		.offset = entry->first_lba * sector,
		.size = (entry->last_lba - entry->first_lba + 1) * sector,
		.read_only = entry->attributes >> IMAGE_READ_ONLY_BIT & 1,
	};
	memcpy(ret->uuid, entry->uuid, sizeof ret->uuid);
	return true;
}

static int image_take_entry(struct image *image, int fd, const struct image_gpt_entry *entry, unsigned sector,
			    uint64_t size, struct image_partition *generic, unsigned *n_generic)
{
	struct image_partition found;

	if (!image_place(entry, sector, size, &found))
		return -EUCLEAN;
	if (image_uuid_is(entry->type, image_gpt_linux)) {
		*generic = found;
		++*n_generic;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(image_gpt_types); i++)
		if (image_uuid_is(entry->type, image_gpt_types[i].uuid)) {
			struct image_partition *part = &image->parts[image_gpt_types[i].part];

			if (entry->attributes >> IMAGE_NO_AUTO_BIT & 1)
				return 0;
			/* Of two the first counts, as where a newer version waits beside the old one. */
			if (!part->found)
				*part = found;
			part->type = image_detect(fd, part->offset);
			return 0;
		}
	return 0;
}

static int image_read_table(struct image *image, int fd, const struct image_gpt_header *header,
			    unsigned sector, uint64_t size)
{
	size_t table_size = (size_t)header->entry_size * header->n_entries;
	_cleanup_free_ char *table = malloc(MAX_OF(table_size, (size_t)1));
	struct image_partition generic = {};
	unsigned n_generic = 0;
	static const uint8_t unused[16];

	if (!table)
		return -ENOMEM;
	if (pread(fd, table, table_size, (off_t)(header->entries_lba * sector)) != (ssize_t)table_size ||
	    image_crc32(table, table_size) != header->entries_crc)
		return -EUCLEAN;
	for (uint32_t i = 0; i < header->n_entries; i++) {
		struct image_gpt_entry entry;
		int r;

		memcpy(&entry, table + (size_t)i * header->entry_size, sizeof entry);
		if (memcmp(entry.type, unused, sizeof unused) == 0)
			continue;
		r = image_take_entry(image, fd, &entry, sector, size, &generic, &n_generic);
		if (r < 0)
			return r;
	}
	image->has_table = true;
	if (!image->parts[IMAGE_ROOT].found && !image->parts[IMAGE_USR].found && n_generic == 1) {
		generic.type = image_detect(fd, generic.offset);
		image->parts[IMAGE_ROOT] = generic;
	}
	return 0;
}

/* --- the image --------------------------------------------------------------------------------------- */

static int image_size(int fd, const struct stat *status, uint64_t *ret)
{
	if (S_ISREG(status->st_mode)) {
		*ret = (uint64_t)status->st_size;
		return 0;
	}
	return ioctl(fd, BLKGETSIZE64, ret) < 0 ? -errno : 0;
}

static int image_look(struct image *image, int fd, uint64_t size, const char *path, struct failure *failure)
{
	static const unsigned sectors[] = {512, 4096};

	for (size_t i = 0; i < ARRAY_SIZE(sectors); i++) {
		struct image_gpt_header header;
		int r = image_read_header(fd, sectors[i], &header);

		if (r > 0)
			r = image_read_table(image, fd, &header, sectors[i], size);
		else if (r == 0)
			continue;
		if (r < 0)
			return failure_set(failure, r, NULL,
					   "image %s: the partition table at offset %u is damaged", path,
					   sectors[i]);
		return 0;
	}
	image->parts[IMAGE_ROOT] = (struct image_partition){.found = true, .type = image_detect(fd, 0)};
	if (!image->parts[IMAGE_ROOT].type)
		return failure_set(failure, -EMEDIUMTYPE, NULL,
				   "image %s: neither a partition table nor a known file system at offset 0",
				   path);
	return 0;
}

int image_probe(const char *path, struct image *ret, struct failure *failure)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct image image = {};
	struct stat status;
	uint64_t size;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0)
		return failure_set(failure, -errno, NULL, "image %s", path);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return failure_set(failure, -ENOTBLK, NULL, "image %s is neither a file nor a block device",
				   path);
	r = image_size(fd, &status, &size);
	if (r < 0)
		return failure_set(failure, r, NULL, "image %s", path);
	r = image_look(&image, fd, size, path, failure);
	if (r < 0)
		return r;
	image.size = size;
	image.writable = access(path, W_OK) == 0;
	*ret = image;
	return 0;
}
