/* Capabilities and the order in which privilege is given up. The only file that calls libcap (for the names).
 *
 * A filter is loaded last, so that nothing of ours but execve(2) has to pass through it. But seccomp(2) wants either
 * no_new_privs or CAP_SYS_ADMIN. A payload that is to have neither still holds CAP_SYS_ADMIN until then: execve(2)
 * takes it, as it is neither in the bounding set, which is all that user 0 gets, nor ambient, which is all that
 * another gets (capabilities(7), "Transformation of capabilities during execve()"). */
#include <linux/capability.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>

#include "engine/attributes.h"
#include "engine/control.h"
#include "engine/identity.h"
#include "engine/label.h"
#include "engine/landlock.h"
#include "engine/seccomp.h"

#define CONTROL_BIT(capability) (UINT64_C(1) << (capability))

static void control_append_name(struct text_buffer *buffer, int capability)
{
	char *name = cap_to_name(capability);
	char upper[64];
	size_t n = 0;

	for (; name && name[n] && n < sizeof(upper) - 1; n++)
		upper[n] = (char)(name[n] >= 'a' && name[n] <= 'z' ? name[n] - 'a' + 'A' : name[n]);
	upper[n] = '\0';
	if (name && n > 0 && (upper[0] < '0' || upper[0] > '9'))
		text_buffer_append(buffer, "%s%s", buffer->length ? " " : "", upper);
	else
		text_buffer_append(buffer, "%sCAP_%d", buffer->length ? " " : "", capability);
	if (name)
		cap_free(name);
}

bool control_find_capability(const char *name, unsigned *ret)
{
	cap_value_t number;

	if (cap_from_name(name, &number) < 0 || number < 0 || number > 63)
		return false;
	*ret = (unsigned)number;
	return true;
}

char *control_print_capabilities(uint64_t set)
{
	struct text_buffer buffer = {};
	bool all_but = set >> 63; /* no capability has that number: it comes from SPEC_CAP_ALL */

	if (set == 0 || set == SPEC_CAP_ALL)
		return strdup(set ? "all" : "none");
	if (all_but)
		text_buffer_append(&buffer, "all but");
	for (int bit = 0; bit < 64; bit++)
		if (!!(set & CONTROL_BIT(bit)) != all_but)
			control_append_name(&buffer, bit);
	return text_buffer_finish(&buffer);
}

uint64_t control_bounding_set(const struct spec *spec)
{
	uint64_t set = spec->capability_bounding_set;

	if (spec->protect_kernel_modules)
		set &= ~CONTROL_BIT(CAP_SYS_MODULE);
	if (spec->protect_kernel_logs)
		set &= ~CONTROL_BIT(CAP_SYSLOG);
	if (spec->protect_clock)
		set &= ~(CONTROL_BIT(CAP_SYS_TIME) | CONTROL_BIT(CAP_WAKE_ALARM));
	if (spec->private_devices)
		set &= ~(CONTROL_BIT(CAP_MKNOD) | CONTROL_BIT(CAP_SYS_RAWIO));
	return set;
}

/* What the payload is left with when it is executed. */
static uint64_t control_permitted(const struct build *build)
{
	bool root = build->command->no_setuid || build->identity->uid == 0;
	uint64_t bounding = control_bounding_set(build->spec);

	return root ? bounding : build->spec->ambient_capabilities & bounding;
}

bool control_no_new_privileges(const struct build *build)
{
	bool admin = control_permitted(build) & CONTROL_BIT(CAP_SYS_ADMIN);

	return build->spec->no_new_privileges ||
	       ((seccomp_wanted_by_user(build->spec) || landlock_wanted(build->spec)) && !admin);
}

void control_lift(struct spec *spec)
{
	struct spec plain;

	spec_init(&plain);
	spec->capability_bounding_set = plain.capability_bounding_set;
	spec->ambient_capabilities = plain.ambient_capabilities;
	spec->secure_bits = plain.secure_bits;
	spec->no_new_privileges = false;
	spec->seccomp_default = SPEC_SECCOMP_NONE;
	spec->seccomp_profile = NULL;
	spec->system_call_filter = spec->system_call_log = (struct spec_system_calls){};
	spec->system_call_architectures = spec->restrict_address_families = NULL;
	spec->restrict_realtime = spec->restrict_suid_sgid = spec->lock_personality = false;
	spec->memory_deny_write_execute = false;
	spec->restrict_namespaces = plain.restrict_namespaces;
	/* Whose mounts the container has already. */
	spec->protect_kernel_modules = spec->protect_kernel_logs = spec->protect_clock = false;
	spec->protect_kernel_tunables = spec->protect_hostname = spec->private_devices = false;
	spec->confinement = NULL;
}

static int control_check_set(struct build *build, uint64_t set)
{
	/* The running kernel's, not that of the headers. */
	uint64_t unknown = set & ~(CONTROL_BIT(MIN_OF(cap_max_bits(), 63)) - 1);

	if (set == SPEC_CAP_ALL || unknown == 0)
		return 0;
	/* A complement ("~CAP_X") has all the unknown bits. */
	if (set >> 63)
		return 0;
	return build_fail(build, -EINVAL, "capability %d does not exist", __builtin_ctzll(unknown));
}

int control_check(struct build *build)
{
	const struct spec *spec = build->spec;
	uint64_t missing = spec->ambient_capabilities & ~control_bounding_set(spec);
	int r;

	BUILD_ORIGIN(build, capability_bounding_set);
	r = control_check_set(build, spec->capability_bounding_set);
	if (r < 0)
		return r;
	BUILD_ORIGIN(build, ambient_capabilities);
	r = control_check_set(build, spec->ambient_capabilities);
	if (r < 0)
		return r;
	if (missing) {
		_cleanup_free_ char *names = control_print_capabilities(missing);

		return build_fail(build, -EINVAL, "the ambient set has %s, which the bounding set lacks",
				  names ?: "a capability");
	}
	return 0;
}

void control_emit_bounding_set(struct build *build)
{
	uint64_t set = control_bounding_set(build->spec);
	struct program_op *op;

	if (set == SPEC_CAP_ALL)
		return;
	BUILD_ORIGIN(build, capability_bounding_set);
	op = build_op(build, PROGRAM_BOUNDING_SET);
	op->number = set;
}

/* Which bits can be set needs CAP_SETPCAP, so it is done before that is given up. */
static void control_emit_secure_bits(struct build *build)
{
	if (build->spec->secure_bits == 0)
		return;
	BUILD_ORIGIN(build, secure_bits);
	build_op(build, PROGRAM_SECURE_BITS)->number = (uint64_t)build->spec->secure_bits;
}

static void control_emit_capabilities(struct build *build)
{
	const struct spec *spec = build->spec;
	bool changed = control_bounding_set(spec) != SPEC_CAP_ALL || spec->ambient_capabilities;
	struct program_op *op;

	/* A program that changed its user keeps its capabilities until here. */
	for (size_t i = 0; i < build->n_ops && !changed; i++)
		changed = build->ops[i].code == PROGRAM_USER;
	if (!changed)
		return;
	if (spec->ambient_capabilities)
		BUILD_ORIGIN(build, ambient_capabilities);
	else
		BUILD_ORIGIN(build, capability_bounding_set);
	op = build_op(build, PROGRAM_CAPABILITIES);
	op->number = control_permitted(build);
	if (seccomp_wanted(spec) && !control_no_new_privileges(build))
		op->flags = PROGRAM_KEEP_ADMIN;
	op->number2 = spec->ambient_capabilities;
}

int control_emit(struct build *build)
{
	const struct spec *spec = build->spec;

	if (build->command->full_privileges)
		return 0;
	attributes_emit_keyring(build);
	label_emit(build);
	control_emit_secure_bits(build);
	control_emit_capabilities(build);
	if (spec->memory_deny_write_execute) {
		BUILD_ORIGIN(build, memory_deny_write_execute);
		build_op(build, PROGRAM_DENY_WRITE_EXECUTE);
	}
	if (control_no_new_privileges(build)) {
		BUILD_ORIGIN(build, no_new_privileges);
		build_op(build, PROGRAM_NO_NEW_PRIVILEGES);
	}
	landlock_emit_enforce(build);
	return seccomp_emit(build, control_bounding_set(spec));
}
