/* Values that are numbers: switches, counts, sizes, time spans, resource limits. See value.h. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <fcntl.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/fd.h"
#include "units/value.h"

int value_read_bool(const char *text, bool *ret)
{
	static const char *const words[][2] = {{"no", "yes"}, {"false", "true"}, {"off", "on"},
					       {"0", "1"},    {"n", "y"},	 {"f", "t"}};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int value = 0; value < 2; value++)
			if (strcasecmp(text, words[i][value]) == 0) {
				*ret = value;
				return 0;
			}
	return -EINVAL;
}

int value_read_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (digit > 9)
			return -EINVAL;
		if (value > (max - digit) / 10 || digit > max)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = value;
	return 0;
}

/* A decimal with a fraction at *TEXT, times SCALE, rounded down. Returns false when there is none or it does
 * not fit 64 bits. */
static bool value_take_decimal(const char **text, uint64_t scale, uint64_t *ret)
{
	unsigned __int128 whole = 0, fraction = 0, divisor = 1;
	const char *at = *text;

	if (!isdigit((unsigned char)*at) && !(at[0] == '.' && isdigit((unsigned char)at[1])))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		whole = whole * 10 + (unsigned)(*at - '0');
		if (whole > UINT64_MAX)
			return false;
	}
	if (*at == '.')
		for (at++; isdigit((unsigned char)*at); at++)
			if (divisor < 1000000000000u) {
				fraction = fraction * 10 + (unsigned)(*at - '0');
				divisor *= 10;
			}
	whole = whole * scale + fraction * scale / divisor;
	/* The two topmost numbers mean "unset" and "infinity". */
	if (whole >= UINT64_MAX - 1)
		return false;
	*ret = (uint64_t)whole;
	*text = at;
	return true;
}

static const struct {
	const char *name;
	usec_t usec;
} value_time_units[] = {
	{"seconds", USEC_PER_SEC},
	{"second", USEC_PER_SEC},
	{"sec", USEC_PER_SEC},
	{"s", USEC_PER_SEC},
	{"minutes", 60 * USEC_PER_SEC},
	{"minute", 60 * USEC_PER_SEC},
	{"min", 60 * USEC_PER_SEC},
	{"months", 2629800 * USEC_PER_SEC},
	{"month", 2629800 * USEC_PER_SEC},
	{"M", 2629800 * USEC_PER_SEC},
	{"msec", USEC_PER_MSEC},
	{"ms", USEC_PER_MSEC},
	{"m", 60 * USEC_PER_SEC},
	{"hours", 3600 * USEC_PER_SEC},
	{"hour", 3600 * USEC_PER_SEC},
	{"hr", 3600 * USEC_PER_SEC},
	{"h", 3600 * USEC_PER_SEC},
	{"days", 86400 * USEC_PER_SEC},
	{"day", 86400 * USEC_PER_SEC},
	{"d", 86400 * USEC_PER_SEC},
	{"weeks", 604800 * USEC_PER_SEC},
	{"week", 604800 * USEC_PER_SEC},
	{"w", 604800 * USEC_PER_SEC},
	{"years", 31557600 * USEC_PER_SEC},
	{"year", 31557600 * USEC_PER_SEC},
	{"y", 31557600 * USEC_PER_SEC},
	{"usec", 1},
	{"us", 1},
	{"μs", 1},
	{"µs", 1},
};

/* The unit at *TEXT, whose name ends where no letter follows. 0: none. */
static usec_t value_take_time_unit(const char **text)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_time_units); i++) {
		size_t length = strlen(value_time_units[i].name);

		if (strncmp(*text, value_time_units[i].name, length) == 0 &&
		    !isalpha((unsigned char)(*text)[length])) {
			*text += length;
			return value_time_units[i].usec;
		}
	}
	return 0;
}

int value_read_usec(const char *text, usec_t unit, usec_t *ret)
{
	usec_t sum = 0;

	if (strcmp(text, "infinity") == 0) {
		*ret = USEC_INFINITY;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		const char *number = text, *number_end;
		usec_t scale, part;

		/* The unit stands behind the number it scales: skip the number, read the unit, then come
		 * back. */
		number_end = text += strspn(text, "0123456789.");
		text += strspn(text, " \t");
		scale = value_take_time_unit(&text);
		if (scale == 0) {
			if (*text && !isdigit((unsigned char)*text))
				return -EINVAL;
			scale = unit;
		}
		if (!value_take_decimal(&number, scale, &part) || number != number_end)
			return -EINVAL;
		sum = time_add(sum, part);
		text += strspn(text, " \t");
	}
	if (sum == USEC_INFINITY)
		return -ERANGE;
	*ret = sum;
	return 0;
}

int value_read_size(const char *text, unsigned base, uint64_t *ret)
{
	static const char letters[] = "BKMGTPE";
	const char *end = text + strspn(text, "0123456789."), *suffix = end + strspn(end, " \t"), *letter;
	uint64_t scale = 1, value;

	letter = *suffix ? strchr(letters, *suffix) : letters;
	if (!letter || (*suffix && suffix[1]))
		return -EINVAL;
	for (; letter > letters; letter--)
		scale *= base;
	if (!value_take_decimal(&text, scale, &value) || text != end)
		return -EINVAL;
	*ret = value;
	return 0;
}

int value_parse_bool(const struct directive_line *line, void *field, struct failure *failure)
{
	if (value_read_bool(line->value, field) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is neither yes nor no", line->value);
	return 0;
}

char *value_print_bool(const struct directive *directive _unused_, const void *field)
{
	return strdup(*(const bool *)field ? "yes" : "no");
}

int value_parse_int(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *text = line->value;
	bool negative = *text == '-';
	uint64_t bound = line->directive->argument ? (uint64_t)line->directive->argument : INT32_MAX, value;
	int r = value_read_number(text + (*text == '-' || *text == '+'), bound, &value);

	if (r == -ERANGE)
		return failure_set(failure, -EINVAL, NULL, "'%s' is not between -%" PRIu64 " and %" PRIu64,
				   text, bound, bound);
	if (r < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no number", text);
	*(int *)field = negative ? -(int)value : (int)value;
	return 0;
}

char *value_print_int(const struct directive *directive _unused_, const void *field)
{
	return text_format("%d", *(const int *)field);
}

int value_parse_unsigned(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t value;

	if (value_read_number(line->value, UINT32_MAX, &value) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no number between 0 and %u", line->value,
				   UINT32_MAX);
	*(unsigned *)field = (unsigned)value;
	return 0;
}

char *value_print_unsigned(const struct directive *directive _unused_, const void *field)
{
	return text_format("%u", *(const unsigned *)field);
}

int value_parse_usec(const struct directive_line *line, void *field, struct failure *failure)
{
	usec_t value;

	if (value_read_usec(line->value, USEC_PER_SEC, &value) < 0)
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no time span (such as '90', '5min 20s' or 'infinity')",
				   line->value);
	if (value == 0 && line->directive->argument & VALUE_USEC_ZERO_IS_INFINITY)
		value = USEC_INFINITY;
	*(usec_t *)field = value;
	return 0;
}

char *value_format_usec(usec_t usec)
{
	static const struct {
		const char *name;
		usec_t usec;
	} units[] = {{"w", 604800 * USEC_PER_SEC},
		     {"d", 86400 * USEC_PER_SEC},
		     {"h", 3600 * USEC_PER_SEC},
		     {"min", 60 * USEC_PER_SEC},
		     {"s", USEC_PER_SEC},
		     {"ms", USEC_PER_MSEC},
		     {"us", 1}};
	struct text_buffer buffer = {};

	if (usec == USEC_INFINITY)
		return strdup("infinity");
	if (usec == 0)
		return strdup("0");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (usec >= units[i].usec) {
			text_buffer_append(&buffer, "%s%" PRIu64 "%s", buffer.length ? " " : "",
					   usec / units[i].usec, units[i].name);
			usec %= units[i].usec;
		}
	return text_buffer_finish(&buffer);
}

char *value_print_usec(const struct directive *directive _unused_, const void *field)
{
	return value_format_usec(*(const usec_t *)field);
}

/* The three numbers that are no number. */
static char *value_print_u64(uint64_t value)
{
	if (value == SPEC_UNSET)
		return strdup("[not set]");
	if (value == SPEC_LIMIT_MAX)
		return strdup("infinity");
	return text_format("%" PRIu64, value);
}

int value_parse_size(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t value;

	if (strcmp(line->value, "infinity") == 0)
		value = SPEC_UNSET;
	else if (value_read_size(line->value, 1024, &value) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no size (such as '64M')", line->value);
	*(uint64_t *)field = value;
	return 0;
}

char *value_print_size(const struct directive *directive _unused_, const void *field)
{
	return value_print_u64(*(const uint64_t *)field);
}

int value_read_percent(const char *text, uint64_t *ret)
{
	const char *end = text;

	if (!value_take_decimal(&end, 100, ret) || strcmp(end, "%") != 0)
		return -EINVAL;
	return 0;
}

int value_parse_limit_size(const struct directive_line *line, void *field, struct failure *failure)
{
	struct sysinfo machine;
	uint64_t value;

	if (strcmp(line->value, "infinity") == 0) {
		value = SPEC_LIMIT_MAX;
	} else if (value_read_percent(line->value, &value) == 0) {
		bool swap = line->directive->argument & VALUE_SIZE_OF_SWAP;

		if (value > 10000 || sysinfo(&machine) < 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' is more than there is", line->value);
		value = (uint64_t)((unsigned __int128)(swap ? machine.totalswap : machine.totalram) *
				   machine.mem_unit * value / 10000);
		value &= ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
	} else if (value_read_size(line->value, 1024, &value) < 0) {
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no size (such as '64M', '10%%' or 'infinity')", line->value);
	}
	if (value == 0 && line->directive->argument & VALUE_SIZE_POSITIVE)
		return failure_set(failure, -EINVAL, NULL, "'%s' is too little to run in", line->value);
	*(uint64_t *)field = value;
	return 0;
}

char *value_print_limit_size(const struct directive *directive _unused_, const void *field)
{
	return value_print_u64(*(const uint64_t *)field);
}

/* As many processes as the kernel can have: the lesser of two bounds. */
static uint64_t value_read_most_tasks(void)
{
	static const char *const files[] = {"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"};
	uint64_t most = 4194304; /* PID_MAX_LIMIT */

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *text = NULL;
		uint64_t value;

		if (fd_read_file_at(AT_FDCWD, files[i], 64, &text) <= 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if (value_read_number(text, UINT32_MAX, &value) == 0 && value > 0)
			most = MIN_OF(most, value);
	}
	return most;
}

int value_parse_limit_count(const struct directive_line *line, void *field, struct failure *failure)
{
	bool podman = line->directive->argument & VALUE_COUNT_MINUS_IS_INFINITY,
	     percent = line->directive->argument & VALUE_COUNT_PERCENT;
	uint64_t value;

	if (strcmp(line->value, "infinity") == 0 ||
	    (podman && (strcmp(line->value, "-1") == 0 || strcmp(line->value, "0") == 0)))
		value = SPEC_LIMIT_MAX;
	else if (percent && value_read_percent(line->value, &value) == 0 && value > 0 && value <= 10000)
		value = MAX_OF(value_read_most_tasks() * value / 10000, (uint64_t)1);
	else if (value_read_number(line->value, INT64_MAX, &value) < 0 || value == 0)
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is neither a number above 0%s nor 'infinity'", line->value,
				   percent ? " nor a share of 100%" : "");
	*(uint64_t *)field = value;
	return 0;
}

char *value_print_limit_count(const struct directive *directive _unused_, const void *field)
{
	return value_print_u64(*(const uint64_t *)field);
}

int value_parse_weight(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t value;

	if (line->directive->argument & VALUE_WEIGHT_IDLE && strcmp(line->value, "idle") == 0)
		value = SPEC_CPU_WEIGHT_IDLE;
	else if (value_read_number(line->value, 10000, &value) < 0 || value == 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no weight from 1 to 10000", line->value);
	*(uint64_t *)field = value;
	return 0;
}

char *value_print_weight(const struct directive *directive, const void *field)
{
	if (directive->argument & VALUE_WEIGHT_IDLE && *(const uint64_t *)field == SPEC_CPU_WEIGHT_IDLE)
		return strdup("idle");
	return value_print_u64(*(const uint64_t *)field);
}

int value_parse_cpu_quota(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t value;

	if (strcmp(line->value, "infinity") == 0)
		value = SPEC_UNSET;
	else if (value_read_percent(line->value, &value) < 0 || value == 0 || value > UINT64_MAX / 200)
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no share of a CPU's time (such as '20%%')", line->value);
	else
		value *= 100; /* 10000 parts of a second's 1000000 microseconds */
	*(uint64_t *)field = value;
	return 0;
}

char *value_print_cpu_quota(const struct directive *directive _unused_, const void *field)
{
	uint64_t value = *(const uint64_t *)field;

	if (value >= SPEC_LIMIT_MAX)
		return strdup("infinity");
	return value_format_usec(value);
}

int value_parse_mode(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *text = line->value;
	mode_t mode = 0;

	if (!*text || strlen(text) > 5 || text[strspn(text, "01234567")])
		return failure_set(failure, -EINVAL, NULL, "'%s' is no octal file mode (such as '0022')",
				   text);
	for (; *text; text++)
		mode = mode * 8 + (mode_t)(*text - '0');
	if (mode > 07777)
		return failure_set(failure, -EINVAL, NULL, "'%s' is beyond 7777", line->value);
	*(mode_t *)field = mode;
	return 0;
}

char *value_print_mode(const struct directive *directive _unused_, const void *field)
{
	return text_format("%04o", *(const mode_t *)field);
}

int value_parse_time_offset(const struct directive_line *line, void *field, struct failure *failure)
{
	bool negative = line->value[0] == '-';
	usec_t value;

	if (value_read_usec(line->value + (negative || line->value[0] == '+'), USEC_PER_SEC, &value) < 0 ||
	    value > INT64_MAX / 1000)
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no offset in time (such as '-1h' or '2d')", line->value);
	*(int64_t *)field = (negative ? -1 : 1) * (int64_t)value * 1000;
	return 0;
}

char *value_print_time_offset(const struct directive *directive _unused_, const void *field)
{
	int64_t value = *(const int64_t *)field;
	_cleanup_free_ char *text = value_format_usec((usec_t)(value < 0 ? -value : value) / 1000);

	return text ? text_format("%s%s", value < 0 ? "-" : "", text) : NULL;
}

/* One bound of RESOURCE in the unit the kernel counts it in. */
static int value_read_rlimit(const char *text, int resource, rlim_t *ret)
{
	uint64_t value;

	if (strcmp(text, "infinity") == 0) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	switch (resource) {
	case RLIMIT_NICE: /* "-5" or "+5" is a nice level, a bare number the kernel's 20 - level */
		if (*text == '+' || *text == '-') {
			if (value_read_number(text + 1, 20, &value) < 0 || (*text == '+' && value > 19))
				return -EINVAL;
			*ret = *text == '+' ? 20 - value : 20 + value;
			return 0;
		}
		if (value_read_number(text, 40, ret) < 0)
			return -EINVAL;
		return 0;
	case RLIMIT_CPU: /* whole seconds, rounded up */
		if (value_read_usec(text, USEC_PER_SEC, &value) < 0)
			return -EINVAL;
		*ret = (value + USEC_PER_SEC - 1) / USEC_PER_SEC;
		return 0;
	case RLIMIT_RTTIME:
		return value_read_usec(text, 1, ret);
	case RLIMIT_NOFILE:
	case RLIMIT_NPROC:
	case RLIMIT_LOCKS:
	case RLIMIT_SIGPENDING:
	case RLIMIT_RTPRIO:
		return value_read_number(text, INT64_MAX, ret);
	default:
		return value_read_size(text, 1024, ret);
	}
}

int value_parse_rlimit(const struct directive_line *line, void *field, struct failure *failure)
{
	struct spec_rlimit *rlimit = field;
	const char *colon = strchr(line->value, ':');
	_cleanup_free_ char *soft = strndup(line->value, strcspn(line->value, ":"));

	if (!soft)
		return -ENOMEM;
	if (value_read_rlimit(soft, line->directive->argument, &rlimit->soft) < 0 ||
	    value_read_rlimit(colon ? colon + 1 : soft, line->directive->argument, &rlimit->hard) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no resource limit (LIMIT or SOFT:HARD)",
				   line->value);
	if (rlimit->soft > rlimit->hard)
		return failure_set(failure, -EINVAL, NULL, "the soft limit is above the hard limit in '%s'",
				   line->value);
	rlimit->set = true;
	return 0;
}

static void value_append_rlimit(struct text_buffer *buffer, rlim_t value)
{
	if (value == RLIM_INFINITY)
		text_buffer_append(buffer, "infinity");
	else
		text_buffer_append(buffer, "%" PRIu64, (uint64_t)value);
}

char *value_print_rlimit(const struct directive *directive _unused_, const void *field)
{
	const struct spec_rlimit *rlimit = field;
	struct text_buffer buffer = {};

	if (!rlimit->set)
		return strdup("");
	value_append_rlimit(&buffer, rlimit->soft);
	if (rlimit->hard != rlimit->soft) {
		text_buffer_append(&buffer, ":");
		value_append_rlimit(&buffer, rlimit->hard);
	}
	return text_buffer_finish(&buffer);
}
