/* Values that name what a service keeps and what it is handed: its directories, its credentials. See value.h.
 *
 * An entry stays a text in one form, "PATH[:LINK[:ro]]", as engine/directory.h reads it: a service without such
 * directories, which is almost every one, pays a pointer. */
#include <string.h>

#include "base/base64.h"
#include "engine/credential.h"
#include "units/value.h"
#include "units/word.h"

enum { VALUE_DIRECTORY_MAX = 2048 };

/* Checks a path below one of the base directories and cleans it in place. */
static int value_clean_below(char *text, const char *what, struct failure *failure)
{
	const char *from = text;
	char *to = text;

	if (text[0] == '/')
		return failure_set(failure, -EINVAL, NULL, "%s '%s' must be relative", what, text);
	if (strlen(text) > VALUE_DIRECTORY_MAX)
		return failure_set(failure, -EINVAL, NULL, "%s is longer than %d bytes", what,
				   VALUE_DIRECTORY_MAX);
	while (*from) {
		size_t length = strcspn(from, "/");

		if (length == 2 && from[0] == '.' && from[1] == '.')
			return failure_set(failure, -EINVAL, NULL, "%s may not contain '..'", what);
		if (length > 255)
			return failure_set(failure, -EINVAL, NULL, "%s has a part of more than 255 bytes",
					   what);
		if (length > 0 && !(length == 1 && from[0] == '.')) {
			if (to > text)
				*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
		from += *from == '/';
	}
	*to = '\0';
	if (to == text)
		return failure_set(failure, -EINVAL, NULL, "%s is empty", what);
	/* Where the directories of dynamic users are, and those on their way out. */
	if (strcmp(text, "private") == 0 || text_starts_with(text, "private/") ||
	    text_starts_with(text, ".svcd-removed-"))
		return failure_set(failure, -EINVAL, NULL, "%s '%s' has a name that is reserved", what, text);
	return 0;
}

/* Takes the part up to the next ':' of *CURSOR, with specifiers expanded. */
static int value_take_part(const struct directive_line *line, char **cursor, char **ret,
			   struct failure *failure)
{
	char *part = strsep(cursor, ":");

	*ret = NULL;
	return part ? value_expand(line, part, ret, failure) : 0;
}

static int value_read_directory(const struct directive_line *line, char *word, char **ret,
				struct failure *failure)
{
	_cleanup_free_ char *path = NULL, *link = NULL, *flags = NULL;
	char *cursor = word;
	bool read_only;
	int r = value_take_part(line, &cursor, &path, failure);

	if (r >= 0)
		r = value_take_part(line, &cursor, &link, failure);
	if (r >= 0)
		r = value_take_part(line, &cursor, &flags, failure);
	if (r >= 0)
		r = value_clean_below(path, "the directory", failure);
	if (r < 0)
		return r;
	if (line->directive->argument == SPEC_DIRECTORY_CONFIGURATION && link)
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' can have neither a link nor flags: it is for the administrator",
				   path);
	read_only = flags && strcmp(flags, "ro") == 0;
	if (cursor || (flags && *flags && !read_only))
		return failure_set(failure, -EINVAL, NULL, "behind '%s' there may be ':LINK' and ':ro' only",
				   path);
	if (link && *link) {
		r = value_clean_below(link, "the link", failure);
		if (r < 0)
			return r;
		if (strcmp(link, path) == 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' cannot be a link to itself", path);
	}
	*ret = text_format("%s%s%s%s", path, (link && *link) || read_only ? ":" : "", link ? link : "",
			   read_only ? ":ro" : "");
	return *ret ? 0 : -ENOMEM;
}

int value_parse_directories(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;

	for (;;) {
		_cleanup_free_ char *word = NULL;
		char *entry = NULL;
		int r = word_next(&cursor, line->lenient ? WORD_RELAXED : 0, &word, NULL, failure);

		if (r <= 0)
			return r;
		r = value_read_directory(line, word, &entry, failure);
		if (r < 0)
			return r;
		if (text_list_contains(*(char ***)field, entry))
			free(entry);
		else if (text_list_take(field, entry) < 0)
			return -ENOMEM;
	}
}

char *value_print_directories(const struct directive *directive, const void *field)
{
	return value_print_text_list(directive, field);
}

/* --- credentials --- */

/* "NAME:VALUE": VALUE is taken as it is, a check away from what the engine reads. */
static int value_check_credential_value(const struct directive_line *line, const char *name,
					const char *value, struct failure *failure)
{
	bool sealed = line->directive->argument == SPEC_CREDENTIAL_SET_ENCRYPTED;
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = sealed ? base64_decode(value, &data, &size) : credential_unescape(value, &data, &size);

	if (r == -EINVAL)
		return failure_set(failure, r, NULL, "the value of '%s' %s", name,
				   sealed ? "is not Base64" : "has an escape that does not exist");
	if (r < 0)
		return r;
	return sealed && size == 0 ? failure_set(failure, -EINVAL, NULL, "the value of '%s' is empty", name)
				   : 0;
}

static int value_check_credential_source(const struct directive_line *line, const char *name, char *value,
					 struct failure *failure)
{
	if (line->directive->argument == SPEC_CREDENTIAL_IMPORT) {
		if (!*value || credential_name_valid(value))
			return 0;
		return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a credential", value);
	}
	if (*value == '/')
		return value_clean_path(value, failure);
	return credential_name_valid(value)
		       ? 0
		       : failure_set(failure, -EINVAL, NULL,
				     "the source of '%s' is neither an absolute path nor a name", name);
}

/* "*" may stand at the end of what is imported. */
static bool value_credential_name_valid(const struct directive_line *line, const char *name)
{
	const char *star = strchr(name, '*');

	if (line->directive->argument != SPEC_CREDENTIAL_IMPORT)
		return credential_name_valid(name);
	return star ? star[1] == '\0' && (star == name || credential_name_valid(name))
		    : credential_name_valid(name);
}

static int value_read_secret(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_(credential_secret_deinit) struct credential_secret secret = {};
	_cleanup_free_ char *text = NULL;
	int r = value_expand(line, line->value, &text, failure);

	if (r >= 0)
		r = credential_read_secret(text, &secret, failure);
	return r < 0 ? r : text_list_take(field, TAKE(text));
}

int value_parse_credentials(const struct directive_line *line, void *field, struct failure *failure)
{
	bool sets = line->directive->argument == SPEC_CREDENTIAL_SET ||
		    line->directive->argument == SPEC_CREDENTIAL_SET_ENCRYPTED;
	size_t length = strcspn(line->value, ":");
	_cleanup_free_ char *written = NULL, *name = NULL, *value = NULL;
	int r;

	if (line->directive->argument == SPEC_CREDENTIAL_MAX_)
		return value_read_secret(line, field, failure);
	written = strndup(line->value, length);
	if (!written)
		return -ENOMEM;
	r = value_expand(line, written, &name, failure);
	if (r < 0)
		return r;
	if (!value_credential_name_valid(line, name))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a credential", name);
	if (sets && !line->value[length])
		return failure_set(failure, -EINVAL, NULL, "'%s' has no value", name);
	if (!line->value[length])
		return text_list_take(field, TAKE(name));
	if (sets) {
		value = strdup(line->value + length + 1);
		r = value ? value_check_credential_value(line, name, value, failure) : -ENOMEM;
	} else {
		r = value_expand(line, line->value + length + 1, &value, failure);
		if (r >= 0)
			r = value_check_credential_source(line, name, value, failure);
	}
	return r < 0 ? r : text_list_take(field, text_format("%s:%s", name, value));
}

/* Names and sources; never what is in one. */
char *value_print_credentials(const struct directive *directive, const void *field)
{
	bool sets = directive->argument == SPEC_CREDENTIAL_SET ||
		    directive->argument == SPEC_CREDENTIAL_SET_ENCRYPTED;
	struct text_buffer buffer = {};

	TEXT_LIST_FOREACH (entry, *(char ***)field)
		text_buffer_append(&buffer, "%s%.*s", buffer.length ? " " : "",
				   (int)(sets ? strcspn(*entry, ":") : strlen(*entry)), *entry);
	return text_buffer_finish(&buffer);
}
