/* See special.h. An empty value comes here too and restores the default. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "units/load.h"
#include "units/special.h"
#include "units/word.h"

int special_parse_timeouts(const struct directive_line *line, void *field, struct failure *failure)
{
	struct unit_config *config = line->config;
	usec_t value;

	if (!*line->value) {
		config->timeout_start = config->timeout_stop = 90 * USEC_PER_SEC;
		return 0;
	}
	if (value_parse_usec(line, &value, failure) < 0)
		return -EINVAL;
	*(usec_t *)field = config->timeout_stop = value ? value : USEC_INFINITY;
	return 0;
}

char *special_print_timeouts(const void *field)
{
	return value_format_usec(*(const usec_t *)field);
}

int special_parse_nice(const struct directive_line *line, void *field, struct failure *failure)
{
	int value = 0;

	if (*line->value && (value_parse_int(line, &value, NULL) < 0 || value < -20 || value > 19))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no nice level from -20 to 19",
				   line->value);
	*(int *)field = value;
	return 0;
}

char *special_print_nice(const void *field)
{
	return text_format("%d", *(const int *)field);
}

int special_parse_timer_slack(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *text = line->value;
	uint64_t value = 0;
	usec_t usec;

	/* A bare number counts nanoseconds; with a unit it is a time span. */
	if (!*text || value_read_number(text, INT64_MAX, &value) == 0) {
		*(uint64_t *)field = value;
		return 0;
	}
	if (text_ends_with(text, "ns") || text_ends_with(text, "nsec")) {
		_cleanup_free_ char *digits = strndup(text, strspn(text, "0123456789"));

		if (!digits)
			return -ENOMEM;
		if (value_read_number(digits, INT64_MAX, &value) == 0 &&
		    (strcmp(text + strlen(digits), "ns") == 0 ||
		     strcmp(text + strlen(digits), "nsec") == 0)) {
			*(uint64_t *)field = value;
			return 0;
		}
	} else if (value_read_usec(text, 1, &usec) == 0 && usec < INT64_MAX / 1000) {
		*(uint64_t *)field = usec * 1000;
		return 0;
	}
	return failure_set(failure, -EINVAL, NULL, "'%s' is no time span (a bare number counts nanoseconds)",
			   text);
}

char *special_print_timer_slack(const void *field)
{
	return text_format("%" PRIu64, *(const uint64_t *)field);
}

int special_parse_working_directory(const struct directive_line *line, void *field, struct failure *failure)
{
	bool optional = line->value[0] == '-';
	_cleanup_free_ char *path = NULL;
	int r;

	if (*line->value) {
		r = value_expand(line, line->value + optional, &path, failure);
		if (r >= 0 && strcmp(path, "~") != 0)
			r = value_clean_path(path, failure);
		if (r < 0)
			return r;
	}
	free(*(char **)field);
	*(char **)field = TAKE(path);
	line->config->spec.working_directory_optional = optional;
	return 0;
}

char *special_print_working_directory(const void *field)
{
	const struct spec *spec =
		(const struct spec *)((const char *)field - offsetof(struct spec, working_directory));

	return text_format("%s%s", spec->working_directory_optional ? "!" : "",
			   spec->working_directory ? spec->working_directory : "");
}

int special_parse_process_subset(const struct directive_line *line, void *field, struct failure *failure)
{
	if (*line->value && strcmp(line->value, "all") != 0 && strcmp(line->value, "pid") != 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is none of: all, pid", line->value);
	*(bool *)field = strcmp(line->value, "pid") == 0;
	return 0;
}

char *special_print_process_subset(const void *field)
{
	return strdup(*(const bool *)field ? "pid" : "all");
}

int special_parse_private_tmp(const struct directive_line *line, void *field, struct failure *failure)
{
	enum spec_private_tmp *tmp = field;
	bool yes = false;

	if (strcmp(line->value, "disconnected") == 0) {
		*tmp = SPEC_PRIVATE_TMP_DISCONNECTED;
		return 0;
	}
	if (*line->value && value_read_bool(line->value, &yes) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is none of: yes, no, disconnected",
				   line->value);
	*tmp = yes ? SPEC_PRIVATE_TMP_YES : SPEC_PRIVATE_TMP_NO;
	return 0;
}

char *special_print_private_tmp(const void *field)
{
	switch (*(const enum spec_private_tmp *)field) {
	case SPEC_PRIVATE_TMP_YES:
		return strdup("yes");
	case SPEC_PRIVATE_TMP_DISCONNECTED:
		return strdup("disconnected");
	case SPEC_PRIVATE_TMP_NO:
		break;
	}
	return strdup("no");
}

static bool special_address_family_valid(const char *word)
{
	if (!text_starts_with(word, "AF_") || !word[3])
		return false;
	for (word += 3; *word; word++)
		if (!isupper((unsigned char)*word) && !isdigit((unsigned char)*word))
			return false;
	return true;
}

static void special_list_remove(char **list, const char *word)
{
	char **to = list;

	for (char **from = list; from && *from; from++) {
		if (strcmp(*from, word) == 0)
			free(*from);
		else
			*to++ = *from;
	}
	if (to)
		*to = NULL;
}

/* One name of a list of families. A list that begins with "~" holds what is refused; a word that goes against
 * the sense of the list is taken out of it: systemd.exec(5), RestrictAddressFamilies=. */
static int special_add_address_family(char ***list, bool invert, char *word)
{
	bool refuses = *list && strcmp((*list)[0], "~") == 0;

	if (refuses != invert) {
		special_list_remove(*list, word);
		/* What is left of a list of allowed families must still refuse all the others. */
		return *list && !(*list)[0] ? text_list_append(list, "none") : 0;
	}
	special_list_remove(*list, "none");
	return text_list_contains(*list, word) ? 0 : text_list_append(list, word);
}

int special_parse_address_families(const struct directive_line *line, void *field, struct failure *failure)
{
	char ***list = field;
	bool invert = line->value[0] == '~';
	const char *cursor = line->value + invert;
	int r = 0;

	if (!*line->value || strcmp(line->value, "none") == 0) {
		*list = text_list_free(*list);
		return *line->value ? text_list_append(list, "none") : 0;
	}
	if (!*list && invert)
		r = text_list_append(list, "~");
	while (r >= 0) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (!special_address_family_valid(word))
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is no address family (such as 'AF_INET')", word);
		r = special_add_address_family(list, invert, word);
	}
	return r;
}

char *special_print_address_families(const void *field)
{
	return text_list_join(*(char *const *const *)field, " ");
}

int special_parse_slice(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *slice = NULL;
	int r = value_expand(line, *line->value ? line->value : "system.slice", &slice, failure);

	if (r < 0)
		return r;
	if (!unit_name_is_slice(slice))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a slice (such as 'web.slice')",
				   slice);
	free(*(char **)field);
	*(char **)field = TAKE(slice);
	return 0;
}

char *special_print_slice(const void *field)
{
	const char *slice = *(char *const *)field;

	return strdup(slice ? slice : "");
}

int special_parse_hostname(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *name = NULL;
	int r;

	if (!*line->value)
		return text_set(field, NULL);
	r = value_expand(line, line->value, &name, failure);
	if (r < 0)
		return r;
	/* uname(2) has room for 64; the characters are those of RFC 1123, and '_' because people use it. */
	if (strlen(name) > 64 || !isalnum((unsigned char)*name) || strstr(name, "..") ||
	    text_ends_with(name, ".") ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")])
		return failure_set(failure, -EINVAL, NULL, "'%s' is no host name", name);
	free(*(char **)field);
	*(char **)field = TAKE(name);
	return 0;
}

char *special_print_hostname(const void *field)
{
	const char *name = *(char *const *)field;

	return strdup(name ? name : "");
}

int special_parse_container_capabilities(const struct directive_line *line, void *field,
					 struct failure *failure)
{
	uint64_t *set = field;
	const char *cursor = line->value;
	int r;

	if (!*line->value)
		*set = 0;
	for (;;) {
		_cleanup_free_ char *word = NULL;
		uint64_t bit;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (value_read_capability(word, true, &bit) < 0)
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is no capability (such as 'CAP_NET_BIND_SERVICE' or 'all')",
					   word);
		*set |= bit;
	}
}

char *special_print_container_capabilities(const void *field)
{
	return *(const uint64_t *)field == SPEC_CAP_ALL ? strdup("all")
							: value_print_capabilities(NULL, field);
}

/* "nofile=1024:4096". "host" is what an absent Ulimit= means anyway. */
int special_parse_ulimit(const struct directive_line *line, void *field, struct failure *failure)
{
	static const struct {
		const char *name;
		int resource;
	} names[] = {
		{"as", RLIMIT_AS},	     {"core", RLIMIT_CORE},	    {"cpu", RLIMIT_CPU},
		{"data", RLIMIT_DATA},	     {"fsize", RLIMIT_FSIZE},	    {"locks", RLIMIT_LOCKS},
		{"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
		{"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},	    {"rss", RLIMIT_RSS},
		{"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},	    {"sigpending", RLIMIT_SIGPENDING},
		{"stack", RLIMIT_STACK}};
	struct spec_rlimit *rlimits = field;
	struct directive plain = *line->directive;
	struct directive_line bounds = *line;
	size_t length = strcspn(line->value, "=");

	if (!*line->value)
		memset(rlimits, 0, sizeof spec_rlimits_default);
	if (!*line->value || strcmp(line->value, "host") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(names) && line->value[length]; i++)
		if (strlen(names[i].name) == length && strncasecmp(names[i].name, line->value, length) == 0) {
			plain.argument = names[i].resource;
			bounds.directive = &plain;
			bounds.value = line->value + length + 1;
			/* Podman writes -1 for infinity. */
			if (strcmp(bounds.value, "-1") == 0 || strcmp(bounds.value, "-1:-1") == 0)
				bounds.value = "infinity";
			return value_parse_rlimit(&bounds, &rlimits[names[i].resource], failure);
		}
	return failure_set(failure, -EINVAL, NULL, "'%s' is no NAME=SOFT[:HARD] (such as 'nofile=1024')",
			   line->value);
}

char *special_print_ulimit(const void *field _unused_)
{
	return strdup("");
}

int special_parse_notify(const struct directive_line *line, void *field, struct failure *failure)
{
	bool notify = false;

	if (*line->value && value_parse_bool(line, &notify, NULL) < 0)
		return failure_set(
			failure, -EINVAL, NULL, "'%s' is neither yes nor no%s", line->value,
			strcmp(line->value, "healthy") == 0 ? " (health checks are not supported yet)" : "");
	*(bool *)field = notify;
	return 0;
}

char *special_print_notify(const void *field)
{
	return strdup(*(const bool *)field ? "yes" : "no");
}
