/* Six lists become one ruleset. Each list restricts one sort of access to what it names; a sort without a list is not
 * restricted at all. What can be written or executed can be read too, if reading is restricted.
 *
 * The kernel is asked which ABI it has, and what that cannot restrict is refused: rights that it does not know would
 * silently be granted to all. Renaming between directories (REFER) is an exception the other way round, forbidden to
 * everyone in a domain unless a rule permits it, so where writing is not restricted it is permitted everywhere. */
#include <errno.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/landlock.h"

/* Of ABIs newer than the headers of Debian 12. */
#define LANDLOCK_TRUNCATE  (UINT64_C(1) << 14) /* ABI 3 */
#define LANDLOCK_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define LANDLOCK_BIND	   (UINT64_C(1) << 0)  /* ABI 4 */
#define LANDLOCK_CONNECT   (UINT64_C(1) << 1)

#define LANDLOCK_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_WRITE                                                                                    \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |       \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |    \
	 LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER | LANDLOCK_TRUNCATE)

/* One list of paths: what it restricts, and what a path in it is granted besides. */
static const struct {
	size_t offset;
	int abi;
	uint64_t restricts, grants;
	const char *lacks; /* what an older ABI cannot do */
} landlock_lists[] = {
	{offsetof(struct spec_confinement, landlock_read), 2, LANDLOCK_READ, 0,
	 "permit renaming between directories"},
	{offsetof(struct spec_confinement, landlock_write), 3, LANDLOCK_WRITE, LANDLOCK_READ,
	 "restrict truncation"},
	{offsetof(struct spec_confinement, landlock_execute), 2, LANDLOCK_ACCESS_FS_EXECUTE, LANDLOCK_READ,
	 "permit renaming between directories"},
	{offsetof(struct spec_confinement, landlock_ioctl), 5, LANDLOCK_IOCTL_DEV, 0,
	 "restrict ioctl(2) on devices"},
};

static const struct {
	size_t offset;
	uint64_t access;
} landlock_ports[] = {
	{offsetof(struct spec_confinement, landlock_bind_tcp), LANDLOCK_BIND},
	{offsetof(struct spec_confinement, landlock_connect_tcp), LANDLOCK_CONNECT},
};

/* The Linux version that brought an ABI. */
static const char *const landlock_versions[] = {"", "5.13", "5.19", "6.2", "6.7", "6.10", "6.12"};

static char **landlock_list(const struct spec *spec, size_t offset)
{
	return *(char ***)((char *)(uintptr_t)spec_confinement(spec) + offset);
}

bool landlock_wanted(const struct spec *spec)
{
	bool wanted = spec_confinement(spec)->landlock_scope != 0;

	for (size_t i = 0; i < ARRAY_SIZE(landlock_lists); i++)
		wanted |= landlock_list(spec, landlock_lists[i].offset) != NULL;
	for (size_t i = 0; i < ARRAY_SIZE(landlock_ports); i++)
		wanted |= landlock_list(spec, landlock_ports[i].offset) != NULL;
	return wanted;
}

static int landlock_need(struct build *build, size_t offset, int abi, int needed, const char *what)
{
	build_origin(build, SPEC_CONFINEMENT_ORIGIN(offset), 0);
	if (abi >= needed)
		return 0;
	if (abi < 0)
		return build_fail(build, abi,
				  abi == -EOPNOTSUPP
					  ? "Landlock is not among the kernel's security modules (lsm=)"
				  : abi == -ENOSYS ? "the kernel has no Landlock"
						   : "Landlock cannot be used");
	return build_fail(build, -EOPNOTSUPP,
			  "the kernel's Landlock (ABI %d) cannot %s; ABI %d (Linux %s) is needed", abi, what,
			  needed, landlock_versions[needed]);
}

int landlock_check(struct build *build, int abi)
{
	const struct spec *spec = build->spec;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(landlock_lists) && r == 0; i++)
		if (landlock_list(spec, landlock_lists[i].offset))
			r = landlock_need(build, landlock_lists[i].offset, abi, landlock_lists[i].abi,
					  landlock_lists[i].lacks);
	for (size_t i = 0; i < ARRAY_SIZE(landlock_ports) && r == 0; i++)
		if (landlock_list(spec, landlock_ports[i].offset))
			r = landlock_need(build, landlock_ports[i].offset, abi, 4, "restrict TCP");
	if (r == 0 && spec_confinement(spec)->landlock_scope)
		r = landlock_need(build, offsetof(struct spec_confinement, landlock_scope), abi, 6,
				  "scope processes");
	return r;
}

static void landlock_emit_path(struct build *build, uint8_t slot, const char *path, uint64_t access)
{
	bool optional = *path == '-';
	uint32_t text = build_text(build, path + optional);
	struct program_op *op = build_op(build, PROGRAM_LANDLOCK_PATH);

	op->slot = slot;
	op->text = text;
	op->number = access;
	op->flags = optional ? PROGRAM_OPTIONAL : 0;
}

static void landlock_emit_paths(struct build *build, uint8_t slot, uint64_t handled)
{
	for (size_t i = 0; i < ARRAY_SIZE(landlock_lists); i++) {
		uint64_t access = (landlock_lists[i].restricts | landlock_lists[i].grants) & handled;
		char **paths = landlock_list(build->spec, landlock_lists[i].offset);

		for (size_t j = 0; paths && paths[j]; j++) {
			build_origin(build, SPEC_CONFINEMENT_ORIGIN(landlock_lists[i].offset), j);
			if (strcmp(paths[j], "none") != 0)
				landlock_emit_path(build, slot, paths[j], access);
		}
	}
}

static void landlock_emit_ports(struct build *build, uint8_t slot)
{
	for (size_t i = 0; i < ARRAY_SIZE(landlock_ports); i++) {
		char **ports = landlock_list(build->spec, landlock_ports[i].offset);

		for (size_t j = 0; ports && ports[j]; j++) {
			struct program_op *op;

			if (strcmp(ports[j], "none") == 0)
				continue;
			build_origin(build, SPEC_CONFINEMENT_ORIGIN(landlock_ports[i].offset), j);
			op = build_op(build, PROGRAM_LANDLOCK_PORT);
			op->slot = slot;
			op->number = landlock_ports[i].access;
			op->number2 = strtoul(ports[j], NULL, 10);
		}
	}
}

int landlock_emit_rules(struct build *build)
{
	const struct spec *spec = build->spec;
	uint64_t handled = 0, ports = 0;
	struct program_op *op;
	int r;

	if (!landlock_wanted(spec))
		return 0;
	r = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	r = landlock_check(build, r < 0 ? -errno : r);
	if (r < 0)
		return r;
	for (size_t i = ARRAY_SIZE(landlock_lists); i > 0; i--)
		if (landlock_list(spec, landlock_lists[i - 1].offset)) {
			handled |= landlock_lists[i - 1].restricts;
			build_origin(build, SPEC_CONFINEMENT_ORIGIN(landlock_lists[i - 1].offset), 0);
		}
	for (size_t i = 0; i < ARRAY_SIZE(landlock_ports); i++)
		if (landlock_list(spec, landlock_ports[i].offset))
			ports |= landlock_ports[i].access;
	build->landlock_slot = build_slot_take(build);
	op = build_op(build, PROGRAM_LANDLOCK_RULESET);
	op->slot2 = build->landlock_slot;
	op->number = handled ? handled | LANDLOCK_ACCESS_FS_REFER : 0;
	op->number2 = ports;
	op->flags = spec_confinement(spec)->landlock_scope;
	if (handled && !(handled & LANDLOCK_ACCESS_FS_REFER))
		landlock_emit_path(build, build->landlock_slot, "/", LANDLOCK_ACCESS_FS_REFER);
	landlock_emit_paths(build, build->landlock_slot, handled);
	landlock_emit_ports(build, build->landlock_slot);
	return 0;
}

void landlock_emit_enforce(struct build *build)
{
	if (!landlock_wanted(build->spec))
		return;
	build_no_origin(build);
	build_op(build, PROGRAM_LANDLOCK_ENFORCE)->slot = build->landlock_slot;
	build_slot_release(build, build->landlock_slot);
}
