/* Directives that limit a cgroup and whose value is like no other's. See special.h; an empty value comes here too and restores the
 * default. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "engine/cgroup.h"
#include "units/special.h"
#include "units/word.h"

/* One "N" or "N-M" of a list. */
static int special_read_cpu_range(const char *word)
{
	_cleanup_free_ char *first = strndup(word, strcspn(word, "-"));
	const char *dash = strchr(word, '-');
	uint64_t from, to;

	if (!first)
		return -ENOMEM;
	if (value_read_number(first, 8191, &from) < 0)
		return -EINVAL;
	return dash && (value_read_number(dash + 1, 8191, &to) < 0 || to < from) ? -EINVAL : 0;
}

/* Lists add up; the kernel's form has commas only. */
int special_parse_cpu_list(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *copy = strdup(line->value);
	char **list = field, *rest = copy;
	struct text_buffer buffer = {};

	if (!copy)
		return -ENOMEM;
	if (!*copy)
		return text_set(list, NULL);
	text_buffer_append(&buffer, "%s", *list ? *list : "");
	for (char *word; (word = strsep(&rest, ", \t"));) {
		if (!*word)
			continue;
		if (special_read_cpu_range(word) < 0) {
			text_buffer_free(&buffer);
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is no list of numbers and ranges (such as '0-3,8')",
					   line->value);
		}
		text_buffer_append(&buffer, "%s%s", buffer.length ? "," : "", word);
	}
	free(*list);
	*list = text_buffer_finish(&buffer);
	return *list ? 0 : -ENOMEM;
}

char *special_print_cpu_list(const void *field)
{
	const char *list = *(char *const *)field;

	return strdup(list ? list : "");
}

/* Names of controllers, separated by spaces, into bits. Those of systemd's that are no controllers of the kernel's are none here. */
static int special_read_controllers(const struct directive_line *line, unsigned *ret, struct failure *failure)
{
	static const char *const others[] = {
		"cpuacct",     "blkio",	      "devices",	 "bpf-firewall",
		"bpf-devices", "bpf-foreign", "bpf-socket-bind", "bpf-restrict-network-interfaces"};
	unsigned bits = 0;

	for (const char *word = line->value; *word; word += strspn(word, " \t")) {
		size_t length = strcspn(word, " \t");
		unsigned bit = cgroup_controller_parse(word, length);

		for (size_t i = 0; !bit && i < ARRAY_SIZE(others); i++)
			if (strlen(others[i]) == length && strncmp(word, others[i], length) == 0)
				goto next;
		if (!bit)
			return failure_set(failure, -EINVAL, NULL, "'%.*s' is no cgroup controller",
					   (int)length, word);
		bits |= bit;
	next:
		word += length;
	}
	*ret = bits;
	return 0;
}

static char *special_print_controllers(unsigned bits)
{
	struct text_buffer buffer = {};

	for (size_t i = 0; cgroup_controller_names[i]; i++)
		if (bits & 1u << i)
			text_buffer_append(&buffer, "%s%s", buffer.length ? " " : "",
					   cgroup_controller_names[i]);
	return buffer.length || buffer.failed ? text_buffer_finish(&buffer) : strdup("");
}

int special_parse_disable_controllers(const struct directive_line *line, void *field, struct failure *failure)
{
	unsigned bits = 0;
	int r = special_read_controllers(line, &bits, failure);

	if (r >= 0)
		*(uint8_t *)field = (uint8_t)(*line->value ? *(uint8_t *)field | bits : 0);
	return r;
}

char *special_print_disable_controllers(const void *field)
{
	return special_print_controllers(*(const uint8_t *)field);
}

/* yes, no, or controllers; nothing: delegated, without a controller (systemd.resource-control(5)). */
int special_parse_delegate(const struct directive_line *line, void *field, struct failure *failure)
{
	struct spec_limits *limits =
		(struct spec_limits *)((char *)field - offsetof(struct spec_limits, delegate));
	unsigned bits = 0;
	bool yes = true;
	int r = 0;

	limits->delegate_all = false;
	if (!*line->value) {
		limits->delegate_controllers = 0;
	} else if (value_read_bool(line->value, &yes) == 0) {
		limits->delegate_all = yes;
		limits->delegate_controllers = 0;
	} else {
		r = special_read_controllers(line, &bits, failure);
		limits->delegate_controllers |= (uint8_t)bits;
	}
	limits->delegate = yes;
	return r;
}

char *special_print_delegate(const void *field)
{
	const struct spec_limits *limits =
		(const struct spec_limits *)((const char *)field - offsetof(struct spec_limits, delegate));

	if (limits->delegate_controllers)
		return special_print_controllers(limits->delegate_controllers);
	return strdup(limits->delegate ? "yes" : "no");
}

/* A directory's name below the unit's group. */
int special_parse_subgroup(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *name = NULL;
	int r;

	if (!*line->value)
		return text_set(field, NULL);
	r = value_expand(line, line->value, &name, failure);
	if (r < 0)
		return r;
	if (!*name || strlen(name) > 255 || *name == '.' || strchr(name, '/') ||
	    text_starts_with(name, "cgroup."))
		return failure_set(failure, -EINVAL, NULL, "'%.255s' is no name of a control group", name);
	free(*(char **)field);
	*(char **)field = TAKE(name);
	return 0;
}

char *special_print_subgroup(const void *field)
{
	const char *name = *(char *const *)field;

	return strdup(name ? name : "");
}

int special_parse_pressure_limit(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t parts = 0;

	if (*line->value && (value_read_percent(line->value, &parts) < 0 || parts > 10000))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no share of the time (such as '60%%')",
				   line->value);
	*(unsigned *)field = (unsigned)parts;
	return 0;
}

char *special_print_pressure_limit(const void *field)
{
	unsigned parts = *(const unsigned *)field;

	return text_format(parts % 100 ? "%u.%02u%%" : "%u%%", parts / 100, parts % 100);
}

/* The weights of cgroup version 1, as systemd translates them: 1024 shares, or a block weight of 500, are today's 100. */
static int special_read_old_weight(const struct directive_line *line, void *field, uint64_t first,
				   uint64_t last, uint64_t middle, struct failure *failure)
{
	uint64_t value;

	if (!*line->value) {
		*(uint64_t *)field = SPEC_UNSET;
		return 0;
	}
	if (value_read_number(line->value, last, &value) < 0 || value < first)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no number from %" PRIu64 " to %" PRIu64,
				   line->value, first, last);
	value = value * 100 / middle;
	*(uint64_t *)field = MIN_OF(MAX_OF(value, (uint64_t)1), (uint64_t)10000);
	return 0;
}

static char *special_print_number(const void *field)
{
	uint64_t value = *(const uint64_t *)field;

	return value == SPEC_UNSET ? strdup("[not set]") : text_format("%" PRIu64, value);
}

int special_parse_cpu_shares(const struct directive_line *line, void *field, struct failure *failure)
{
	return special_read_old_weight(line, field, 2, 262144, 1024, failure);
}

char *special_print_cpu_shares(const void *field)
{
	return special_print_number(field);
}

int special_parse_block_weight(const struct directive_line *line, void *field, struct failure *failure)
{
	return special_read_old_weight(line, field, 10, 1000, 500, failure);
}

char *special_print_block_weight(const void *field)
{
	return special_print_number(field);
}
