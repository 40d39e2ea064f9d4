/* Directives about how the kernel treats the process, whose values are names or lists of their own. See special.h: an empty
 * value restores the default. */
#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <linux/securebits.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>

#include "units/special.h"

struct special_name {
	const char *name;
	int value;
};

static bool special_find_name(const struct special_name *names, size_t n, const char *text, int *ret)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i].name, text) == 0) {
			*ret = names[i].value;
			return true;
		}
	return false;
}

static const char *special_name_of(const struct special_name *names, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].value == value)
			return names[i].name;
	return "";
}

/* One of NAMES, or -1 for an empty value. */
static int special_parse_name(const struct directive_line *line, const struct special_name *names, size_t n,
			      int *field, struct failure *failure)
{
	struct text_buffer all = {};
	_cleanup_free_ char *text = NULL;

	if (!*line->value) {
		*field = -1;
		return 0;
	}
	if (special_find_name(names, n, line->value, field))
		return 0;
	for (size_t i = 0; i < n; i++)
		text_buffer_append(&all, "%s%s", i ? ", " : "", names[i].name);
	text = text_buffer_finish(&all);
	return failure_set(failure, -EINVAL, NULL, "'%s' is none of: %s", line->value, text ? text : "");
}

/* --- CPU ----------------------------------------------------------------------------------------------- */

static const struct special_name special_cpu_policies[] = {
	{"other", SCHED_OTHER}, {"batch", SCHED_BATCH}, {"idle", SCHED_IDLE},
	{"fifo", SCHED_FIFO},	{"rr", SCHED_RR},
};

int special_parse_cpu_policy(const struct directive_line *line, void *field, struct failure *failure)
{
	return special_parse_name(line, special_cpu_policies, ARRAY_SIZE(special_cpu_policies), field,
				  failure);
}

char *special_print_cpu_policy(const void *field)
{
	return strdup(special_name_of(special_cpu_policies, ARRAY_SIZE(special_cpu_policies),
				      MAX_OF(*(const int *)field, 0)));
}

int special_parse_cpu_priority(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t value;

	if (!*line->value) {
		*(int *)field = -1;
		return 0;
	}
	if (value_read_number(line->value, 99, &value) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no priority from 0 to 99", line->value);
	*(int *)field = (int)value;
	return 0;
}

char *special_print_cpu_priority(const void *field)
{
	return text_format("%d", MAX_OF(*(const int *)field, 0));
}

/* A list after "numa", or "numa" after a list, starts anew: systemd.exec(5), CPUAffinity=. */
static int special_parse_list_or(const char *word, const struct directive_line *line, void *field,
				 struct failure *failure)
{
	char **list = field;

	if (strcmp(line->value, word) == 0)
		return text_set(list, word);
	if (*list && strcmp(*list, word) == 0 && text_set(list, NULL) < 0)
		return -ENOMEM;
	return special_parse_cpu_list(line, field, failure);
}

int special_parse_cpu_affinity(const struct directive_line *line, void *field, struct failure *failure)
{
	return special_parse_list_or("numa", line, field, failure);
}

char *special_print_cpu_affinity(const void *field)
{
	return special_print_cpu_list(field);
}

/* --- NUMA ---------------------------------------------------------------------------------------------- */

static const struct special_name special_numa_policies[] = {
	{"default", MPOL_DEFAULT},	 {"preferred", MPOL_PREFERRED}, {"bind", MPOL_BIND},
	{"interleave", MPOL_INTERLEAVE}, {"local", MPOL_LOCAL},
};

int special_parse_numa_policy(const struct directive_line *line, void *field, struct failure *failure)
{
	return special_parse_name(line, special_numa_policies, ARRAY_SIZE(special_numa_policies), field,
				  failure);
}

char *special_print_numa_policy(const void *field)
{
	return strdup(special_name_of(special_numa_policies, ARRAY_SIZE(special_numa_policies),
				      *(const int *)field));
}

int special_parse_numa_mask(const struct directive_line *line, void *field, struct failure *failure)
{
	return special_parse_list_or("all", line, field, failure);
}

char *special_print_numa_mask(const void *field)
{
	return special_print_cpu_list(field);
}

/* --- IO: class and level share a field, as they share a number in ioprio_set(2) -------------------------- */

enum { SPECIAL_IO_SHIFT = 13, SPECIAL_IO_BEST_EFFORT = 2, SPECIAL_IO_LEVEL = 4 };

static const struct special_name special_io_classes[] = {
	{"none", 0}, {"realtime", 1}, {"best-effort", 2}, {"idle", 3}, {"0", 0}, {"1", 1}, {"2", 2}, {"3", 3},
};

int special_parse_io_class(const struct directive_line *line, void *field, struct failure *failure)
{
	int *priority = field, class = 0, level = SPECIAL_IO_LEVEL;
	int r = special_parse_name(line, special_io_classes, ARRAY_SIZE(special_io_classes), &class, failure);

	if (r < 0 || class < 0) {
		*priority = -1;
		return r;
	}
	if (*priority >= 0)
		level = *priority & 7;
	*priority = class ? class << SPECIAL_IO_SHIFT | level : 0;
	return 0;
}

char *special_print_io_class(const void *field)
{
	int priority = *(const int *)field;
	int class = priority < 0 ? SPECIAL_IO_BEST_EFFORT : priority >> SPECIAL_IO_SHIFT;

	return strdup(special_name_of(special_io_classes, ARRAY_SIZE(special_io_classes), class));
}

int special_parse_io_level(const struct directive_line *line, void *field, struct failure *failure)
{
	int *priority = field, class = *priority < 0 ? 0 : *priority >> SPECIAL_IO_SHIFT;
	uint64_t level;

	if (!*line->value) {
		*priority = -1;
		return 0;
	}
	if (value_read_number(line->value, 7, &level) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no priority from 0 to 7", line->value);
	*priority = (class ?: SPECIAL_IO_BEST_EFFORT) << SPECIAL_IO_SHIFT | (int)level;
	return 0;
}

char *special_print_io_level(const void *field)
{
	int priority = *(const int *)field;

	return text_format("%d", priority < 0 ? SPECIAL_IO_LEVEL : priority & 7);
}

/* --- execution domain, core dumps, memory merging -------------------------------------------------------- */

/* The machine's own and its 32-bit companion. */
static const struct special_name special_personalities[] = {
#if defined __x86_64__
	{"x86-64", PER_LINUX},
	{"x86", PER_LINUX32},
#elif defined __aarch64__
	{"arm64", PER_LINUX},
	{"arm", PER_LINUX32},
#elif defined __s390x__
	{"s390x", PER_LINUX},
	{"s390", PER_LINUX32},
#elif defined __powerpc64__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	{"ppc64-le", PER_LINUX},
	{"ppc-le", PER_LINUX32},
#elif defined __i386__
	{"x86", PER_LINUX},
#elif defined __riscv
	{"riscv64", PER_LINUX},
#else
	{"native", PER_LINUX},
#endif
};

int special_parse_personality(const struct directive_line *line, void *field, struct failure *failure)
{
	return special_parse_name(line, special_personalities, ARRAY_SIZE(special_personalities), field,
				  failure);
}

char *special_print_personality(const void *field)
{
	return strdup(special_name_of(special_personalities, ARRAY_SIZE(special_personalities),
				      *(const int *)field));
}

/* core(5), "Controlling which mappings are written to the core dump": by bit. */
static const struct special_name special_mappings[] = {
	{"private-anonymous", 1 << 0},
	{"shared-anonymous", 1 << 1},
	{"private-file-backed", 1 << 2},
	{"shared-file-backed", 1 << 3},
	{"elf-headers", 1 << 4},
	{"private-huge", 1 << 5},
	{"shared-huge", 1 << 6},
	{"private-dax", 1 << 7},
	{"shared-dax", 1 << 8},
	{"default", 0x33},
	{"all", 0x1ff},
};

static bool special_read_mapping(const char *word, uint64_t *ret)
{
	char *end;
	int bits;

	if (special_find_name(special_mappings, ARRAY_SIZE(special_mappings), word, &bits)) {
		*ret = (uint64_t)bits;
		return true;
	}
	errno = 0;
	*ret = strtoull(word, &end, 16);
	return errno == 0 && *word != '-' && *word != '+' && end > word && !*end && *ret <= INT32_MAX;
}

int special_parse_coredump_filter(const struct directive_line *line, void *field, struct failure *failure)
{
	int64_t *filter = field;
	const char *cursor = line->value;
	uint64_t sum = 0, bits;

	if (!*line->value) {
		*filter = -1;
		return 0;
	}
	for (;;) {
		_cleanup_free_ char *word = NULL;
		int r = value_next_word(line, &cursor, &word, failure);

		if (r < 0)
			return r;
		if (r == 0)
			break;
		if (!special_read_mapping(word, &bits))
			return failure_set(
				failure, -EINVAL, NULL,
				"'%s' is neither a kind of mapping (such as 'private-anonymous') nor a hexadecimal mask",
				word);
		sum |= bits;
	}
	*filter = (int64_t)sum | MAX_OF(*filter, 0);
	return 0;
}

char *special_print_coredump_filter(const void *field)
{
	int64_t filter = *(const int64_t *)field;

	return text_format("%#" PRIx64, filter < 0 ? 0x33 : filter);
}

int special_parse_memory_ksm(const struct directive_line *line, void *field, struct failure *failure)
{
	bool yes = false;
	int r = *line->value ? value_parse_bool(line, &yes, failure) : 0;

	if (r == 0)
		*(int *)field = *line->value ? yes : -1;
	return r;
}

char *special_print_memory_ksm(const void *field)
{
	return strdup(*(const int *)field > 0 ? "yes" : "no");
}

/* --- securebits, keyring ---------------------------------------------------------------------------------- */

static const struct special_name special_secure_bits[] = {
	{"keep-caps", SECBIT_KEEP_CAPS},
	{"keep-caps-locked", SECBIT_KEEP_CAPS_LOCKED},
	{"no-setuid-fixup", SECBIT_NO_SETUID_FIXUP},
	{"no-setuid-fixup-locked", SECBIT_NO_SETUID_FIXUP_LOCKED},
	{"noroot", SECBIT_NOROOT},
	{"noroot-locked", SECBIT_NOROOT_LOCKED},
};

int special_parse_secure_bits(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int *bits = field, bit, r;

	if (!*line->value)
		*bits = 0;
	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (!special_find_name(special_secure_bits, ARRAY_SIZE(special_secure_bits), word, &bit))
			return failure_set(
				failure, -EINVAL, NULL,
				"'%s' is none of: keep-caps, no-setuid-fixup, noroot, each also with -locked",
				word);
		*bits |= bit;
	}
}

char *special_print_secure_bits(const void *field)
{
	struct text_buffer buffer = {};
	int bits = *(const int *)field;

	for (size_t i = 0; i < ARRAY_SIZE(special_secure_bits); i++)
		if (bits & special_secure_bits[i].value)
			text_buffer_append(&buffer, "%s%s", buffer.length ? " " : "",
					   special_secure_bits[i].name);
	return text_buffer_finish(&buffer);
}

static const struct special_name special_keyrings[] = {
	{"private", SPEC_KEYRING_PRIVATE},
	{"inherit", SPEC_KEYRING_INHERIT},
	{"shared", SPEC_KEYRING_SHARED},
	{"private", SPEC_KEYRING_DEFAULT},
};

int special_parse_keyring(const struct directive_line *line, void *field, struct failure *failure)
{
	int mode = SPEC_KEYRING_DEFAULT;
	int r = special_parse_name(line, special_keyrings, 3, &mode, failure);

	*(enum spec_keyring *)field = mode < 0 ? SPEC_KEYRING_DEFAULT : (enum spec_keyring)mode;
	return r;
}

char *special_print_keyring(const void *field)
{
	return strdup(special_name_of(special_keyrings, ARRAY_SIZE(special_keyrings),
				      (int)*(const enum spec_keyring *)field));
}
