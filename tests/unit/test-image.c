/* Disk images that are somebody else's: tables whose checksums are right and whose numbers are not, policies, options, root
 * hashes. Every partition that is found lies inside the file. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/image.h"
#include "engine/image-options.h"
#include "engine/image-policy.h"
#include "engine/image-verity.h"
#include "engine/program.h"
#include "tests/unit/test.h"

enum { SECTOR = 512, SIZE = 64 * SECTOR, ENTRIES_AT = 2 * SECTOR, N_ENTRIES = 4, ENTRY = 128, HEADER = 92 };

static const uint8_t linux_type[16] = {0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47,
				       0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4};

static uint8_t disk[SIZE];

static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void put(size_t at, uint64_t value, size_t size)
{
	memcpy(disk + at, &value, size);
}

/* After changes: the checksums are right again. */
static void seal_disk(void)
{
	put(SECTOR + 88, crc32_of(disk + ENTRIES_AT, N_ENTRIES * ENTRY), 4);
	put(SECTOR + 16, 0, 4);
	put(SECTOR + 16, crc32_of(disk + SECTOR, HEADER), 4);
}

static void make_disk(void)
{
	memset(disk, 0, sizeof disk);
	memcpy(disk + SECTOR, "EFI PART", 8);
	put(SECTOR + 12, HEADER, 4);
	put(SECTOR + 72, 2, 8);
	put(SECTOR + 80, N_ENTRIES, 4);
	put(SECTOR + 84, ENTRY, 4);
	memcpy(disk + ENTRIES_AT, linux_type, sizeof linux_type);
	put(ENTRIES_AT + 32, 8, 8);
	put(ENTRIES_AT + 40, 63, 8);
	memcpy(disk + (size_t)8 * SECTOR, "hsqs", 4);
	seal_disk();
}

static int probe_disk(struct image *image)
{
	int fd = memfd_create("image", MFD_CLOEXEC), r;
	struct failure failure = {};
	char path[64];

	EXPECT(fd >= 0 && write(fd, disk, sizeof disk) == (ssize_t)sizeof disk);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	r = image_probe(path, image, &failure);
	EXPECT(r == 0 || (failure.error == r && *failure.text));
	close(fd);
	return r;
}

TEST(a_table_with_one_partition)
{
	struct image image;

	make_disk();
	EXPECT(probe_disk(&image) == 0 && image.has_table);
	EXPECT(image.parts[IMAGE_ROOT].found && image.parts[IMAGE_ROOT].offset == 8 * SECTOR);
	EXPECT(image.parts[IMAGE_ROOT].size == 56 * SECTOR);
	EXPECT_TEXT(image.parts[IMAGE_ROOT].type, "squashfs");
}

TEST(numbers_that_lead_outside)
{
	static const struct {
		size_t at, size;
		uint64_t value;
	} changes[] = {
		{ENTRIES_AT + 40, 8, 64},	  {ENTRIES_AT + 40, 8, UINT64_MAX},
		{ENTRIES_AT + 40, 8, 7},	  {ENTRIES_AT + 32, 8, 0},
		{ENTRIES_AT + 32, 8, UINT64_MAX}, {SECTOR + 72, 8, UINT64_MAX},
		{SECTOR + 72, 8, UINT64_MAX / 2}, {SECTOR + 72, 8, 1000},
		{SECTOR + 80, 4, UINT32_MAX},	  {SECTOR + 84, 4, 0},
		{SECTOR + 84, 4, UINT32_MAX},	  {SECTOR + 12, 4, 0},
		{SECTOR + 12, 4, UINT32_MAX},
	};
	struct image image;

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		make_disk();
		put(changes[i].at, changes[i].value, changes[i].size);
		seal_disk();
		EXPECT(probe_disk(&image) == -EUCLEAN);
	}
}

/* From a fixed seed; the checksums are made right, so that the numbers behind them are met. */
TEST(any_table_at_all)
{
	unsigned seed = 4711, good = 0;
	struct image image;

	for (int round = 0; round < 3000; round++) {
		make_disk();
		for (int i = rand_r(&seed) % 4; i >= 0; i--)
			disk[SECTOR + (size_t)rand_r(&seed) % (SECTOR + N_ENTRIES * ENTRY)] =
				(uint8_t)rand_r(&seed);
		seal_disk();
		if (probe_disk(&image) < 0)
			continue;
		good++;
		for (int part = 0; part < IMAGE_PART_MAX_; part++)
			EXPECT(image.parts[part].offset <= SIZE &&
			       image.parts[part].size <= SIZE - image.parts[part].offset);
	}
	EXPECT(good > 100);
}

TEST(policies)
{
	EXPECT(image_policy_get("root=verity:=ignore", IMAGE_ROOT) ==
	       (IMAGE_POLICY_VERITY | IMAGE_POLICY_SIGNED));
	EXPECT(image_policy_get("root=verity:=open", IMAGE_HOME) & IMAGE_POLICY_UNPROTECTED);
	EXPECT(image_policy_get("root=verity", IMAGE_HOME) == (IMAGE_POLICY_UNUSED | IMAGE_POLICY_ABSENT));
	EXPECT(image_policy_get("~", IMAGE_ROOT) == IMAGE_POLICY_ABSENT);
	EXPECT(image_policy_get("*", IMAGE_ROOT) & IMAGE_POLICY_UNPROTECTED);
	EXPECT(!(image_policy_get("-", IMAGE_ROOT) & IMAGE_POLICY_USES));
	EXPECT(image_policy_get(IMAGE_POLICY_SERVICE, IMAGE_ROOT) & IMAGE_POLICY_UNPROTECTED);
	EXPECT(image_policy_check(IMAGE_POLICY_SERVICE, NULL) == 0 &&
	       image_policy_check(IMAGE_POLICY_EXTENSION, NULL) == 0);
	EXPECT(image_policy_check("root=verity+", NULL) == -EINVAL);
	EXPECT(image_policy_check("=verity:=signed", NULL) == -EINVAL);
	EXPECT(image_policy_check("root", NULL) == -EINVAL);
}

TEST(options)
{
	struct image_options options;

	EXPECT(image_options_read("root:ro,nosuid,discard:home:noexec", IMAGE_ROOT, &options) == 0);
	EXPECT(options.read_only && options.mount_flags == PROGRAM_MOUNT_NO_SUID);
	EXPECT_TEXT(options.rest, "discard");
	free(options.rest);
	EXPECT(image_options_read("root:ro:home:noexec", IMAGE_HOME, &options) == 0);
	EXPECT(!options.read_only && options.mount_flags == PROGRAM_MOUNT_NO_EXEC && !*options.rest);
	free(options.rest);
	EXPECT(image_options_read("noatime,data=journal,dev", IMAGE_ROOT, &options) == 0);
	EXPECT(options.device_nodes && options.mount_flags == PROGRAM_MOUNT_NO_ATIME);
	EXPECT_TEXT(options.rest, "data=journal");
	free(options.rest);
}

TEST(signatures_and_hashes)
{
	uint8_t *bytes = NULL;
	size_t size;

	EXPECT(image_verity_decode_hex("00fFa0", &bytes, &size) == 0 && size == 3 &&
	       memcmp(bytes, "\0\xff\xa0", 3) == 0);
	free(bytes);
	EXPECT(image_verity_decode_hex("0", &bytes, &size) == -EINVAL &&
	       image_verity_decode_hex("0g", &bytes, &size) == -EINVAL);
	for (size_t i = 0; i < 3; i++) {
		static const char *const texts[] = {"base64:YWJj", "base64:YWI=", "base64:YQ=="};

		EXPECT(image_verity_read_signature(texts[i], &bytes, &size) == 0 && size == 3 - i &&
		       memcmp(bytes, "abc", size) == 0);
		free(bytes);
	}
	EXPECT(image_verity_read_signature("base64:", &bytes, &size) == -EINVAL);
	EXPECT(image_verity_read_signature("base64:Y", &bytes, &size) == -EINVAL);
	EXPECT(image_verity_read_signature("base64:Y*Jj", &bytes, &size) == -EINVAL);
}

TEST_MAIN
