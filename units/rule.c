/* Directives that are lists of rules: each line's words are checked and appended to the list in the one form
 * that filter-text.h describes. */
#include <string.h>

#include "engine/filter-magic.h"
#include "engine/filter-text.h"
#include "units/special.h"
#include "units/word.h"

/* Appends what is not there yet. TEXT is taken over; NULL: out of memory. */
static int rule_append(char ***list, char *text)
{
	if (text && text_list_contains(*list, text)) {
		free(text);
		return 0;
	}
	return text_list_take(list, text);
}

/* DEVICE [ACCESS], one to a line. */
int special_parse_device_allow(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *device = NULL, *access = NULL, *more = NULL;
	const char *cursor = line->value;
	int r = value_next_word(line, &cursor, &device, failure);

	if (r > 0)
		r = value_next_word(line, &cursor, &access, failure);
	if (r > 0)
		r = value_next_word(line, &cursor, &more, failure);
	if (r < 0)
		return r;
	if (more)
		return failure_set(failure, -EINVAL, NULL, "'%s' follows the device and its access", more);
	if (!filter_text_device_valid(device))
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no path below /dev, char-GROUP or block-GROUP", device);
	if (*device == '/' && (r = value_clean_path(device, failure)) < 0)
		return r;
	if (access && !filter_text_access_valid(access))
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no access such as rwm: read, write, mknod", access);
	return rule_append(field, text_format("%s %s", device, access ?: "rwm"));
}

/* Addresses with or without length, and the words any, localhost, link-local and multicast. */
int special_parse_ip_prefixes(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r = 0;

	for (;;) {
		_cleanup_free_ char *word = NULL;
		struct filter_prefix prefix;
		const char *const *meant;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		meant = filter_text_prefix_word(word);
		for (; r >= 0 && meant && *meant; meant++)
			r = rule_append(field, strdup(*meant));
		if (filter_text_prefix_word(word)) {
			if (r < 0)
				return r;
			continue;
		}
		r = filter_text_prefix(word, &prefix);
		if (r == -EINVAL)
			return failure_set(
				failure, r, NULL,
				"'%s' is no address such as 10.0.0.0/8 or ::1, and none of any, localhost, "
				"link-local, multicast",
				word);
		if (r == 0)
			r = rule_append(field, filter_text_print_prefix(&prefix));
		if (r < 0)
			return r;
	}
}

int special_parse_bind_rules(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;
		struct filter_ports ports;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		r = filter_text_ports(word, &ports);
		if (r == -EINVAL)
			return failure_set(failure, r, NULL,
					   "'%s' is no rule such as ipv4:tcp:80, udp:1024-2048 or any", word);
		if (r == 0)
			r = rule_append(field, filter_text_print_ports(&ports));
		if (r < 0)
			return r;
	}
}

static void rule_remove(char **list, const char *word)
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

/* One word of a list that the first assignment made one of what is allowed or, with "~", of what is denied. A word that
 * goes against the sense of the list is taken out of it. */
static int rule_add_or_remove(char ***list, bool invert, const char *word)
{
	bool denies;

	if (!*list && invert && text_list_append(list, "~") < 0)
		return -ENOMEM;
	denies = *list && strcmp((*list)[0], "~") == 0;
	if (denies == invert)
		return rule_append(list, strdup(word));
	rule_remove(*list + denies, word);
	if (!(*list)[denies]) /* systemd takes a list that lost its last item for none */
		*list = text_list_free(*list);
	return 0;
}

/* Words that VALID takes, "~" before all of them. */
static int rule_parse_inverted(const struct directive_line *line, char ***list,
			       bool (*valid)(const char *word), const char *what, struct failure *failure)
{
	bool invert = line->value[0] == '~';
	const char *cursor = line->value + invert;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (!valid(word))
			return failure_set(failure, -EINVAL, NULL, "'%s' is no %s", word, what);
		r = rule_add_or_remove(list, invert, word);
		if (r < 0)
			return r;
	}
}

/* Names, and groups that stand for their members. */
int special_parse_file_systems(const struct directive_line *line, void *field, struct failure *failure)
{
	bool invert = line->value[0] == '~';
	const char *cursor = line->value + invert;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (!filter_magic_is_group(word) && !filter_magic_find(word))
			return failure_set(failure, -EINVAL, NULL, "'%s' is no known %s", word,
					   *word == '@' ? "group of file systems" : "file system");
		for (size_t i = 0; i < filter_n_magics && r >= 0; i++)
			if (*word == '@' ? filter_magic_in_group(&filter_magics[i], word)
					 : strcmp(filter_magics[i].name, word) == 0)
				r = rule_add_or_remove(field, invert, filter_magics[i].name);
		if (r < 0)
			return r;
	}
}

int special_parse_interfaces(const struct directive_line *line, void *field, struct failure *failure)
{
	return rule_parse_inverted(line, field, filter_text_interface_valid, "name of a network interface",
				   failure);
}

/* SOURCE:FAMILY:TABLE:SET, words. */
int special_parse_nft_sets(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;
		struct filter_set set;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (filter_text_set(word, &set) < 0)
			return failure_set(
				failure, -EINVAL, NULL,
				"'%s' is not SOURCE:FAMILY:TABLE:SET, such as cgroup:inet:filter:servers",
				word);
		r = rule_append(field, TAKE(word));
		if (r < 0)
			return r;
	}
}

/* TYPE:PATH, words. */
int special_parse_bpf_programs(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;
		char *path;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		path = strchr(word, ':');
		if (!path)
			return failure_set(failure, -EINVAL, NULL, "'%s' is not TYPE:PATH", word);
		*path++ = '\0';
		if (filter_text_attach(word) < 0)
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is no type of program such as egress, bind4 or device",
					   word);
		r = value_clean_path(path, failure);
		if (r == 0)
			r = rule_append(field, text_format("%s:%s", word, path));
		if (r < 0)
			return r;
	}
}
