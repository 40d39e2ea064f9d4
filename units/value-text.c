/* Values that are text: strings, paths, lists, environments, users, standard streams. See value.h. */
#include <ctype.h>
#include <string.h>

#include "units/load.h"
#include "units/value.h"
#include "units/word.h"

static char *value_print_string(const char *text)
{
	return strdup(text ? text : "");
}

/* A list as words that would be read back. */
static char *value_print_words(char *const *list)
{
	struct text_buffer buffer = {};

	for (; list && *list; list++) {
		_cleanup_free_ char *word = word_quote(*list);

		text_buffer_append(&buffer, "%s%s", buffer.length ? " " : "", word ? word : "");
		buffer.failed |= !word;
	}
	return text_buffer_finish(&buffer);
}

static void value_replace(char **field, char *text)
{
	free(*field);
	*field = text;
}

int value_parse_text(const struct directive_line *line, void *field, struct failure *failure)
{
	char *text;
	int r = value_expand(line, line->value, &text, failure);

	if (r < 0)
		return r;
	value_replace(field, text);
	return 0;
}

char *value_print_text(const struct directive *directive _unused_, const void *field)
{
	return value_print_string(*(char *const *)field);
}

int value_parse_path(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *path = NULL;
	int r = value_expand(line, line->value, &path, failure);

	if (r >= 0)
		r = value_clean_path(path, failure);
	if (r < 0)
		return r;
	value_replace(field, TAKE(path));
	return 0;
}

char *value_print_path(const struct directive *directive _unused_, const void *field)
{
	return value_print_string(*(char *const *)field);
}

/* --- lists ------------------------------------------------------------------------------------------------
 */

static int value_check_list_path(const struct directive *directive, char *word, struct failure *failure)
{
	if (directive->argument & VALUE_LIST_ALL && strcasecmp(word, "all") == 0) {
		memcpy(word, "ALL", 3);
		return 0;
	}
	return value_clean_path(word, failure);
}

int value_parse_path_list(const struct directive_line *line, void *field, struct failure *failure)
{
	unsigned flags = (unsigned)line->directive->argument;
	const char *cursor = line->value;
	char ***list = field;
	int r;

	if (flags & VALUE_LIST_CONTINUES && !*list)
		return failure_set(failure, -EINVAL, NULL,
				   "there is nothing to add to: Image= must come first");
	if (flags & VALUE_LIST_REPLACES)
		*list = text_list_free(*list);
	for (;;) {
		_cleanup_free_ char *word = NULL, *path = NULL;

		r = word_next(&cursor, flags & VALUE_LIST_COLON ? WORD_COLON : 0, &word, NULL, failure);
		if (r <= 0)
			return r;
		r = value_expand(line, word, &path, failure);
		if (r >= 0)
			r = value_check_list_path(line->directive, path, failure);
		if (r >= 0)
			r = text_list_take(list, TAKE(path));
		if (r < 0)
			return r;
	}
}

char *value_print_path_list(const struct directive *directive _unused_, const void *field)
{
	return value_print_words(*(char *const *const *)field);
}

bool value_variable_valid(const char *name, size_t length)
{
	if (length == 0 || isdigit((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	return true;
}

bool value_user_valid(const char *text)
{
	size_t length = strlen(text);
	uint64_t id;

	if (isdigit((unsigned char)text[0]))
		/* 4294967295 and 65535 mean "leave it" to chown(2), in 32 and in 16 bits. */
		return value_read_number(text, UINT32_MAX - 1, &id) == 0 && id != 65535 &&
		       (text[0] != '0' || length == 1);
	if (length == 0 || length > 31 || (!isalpha((unsigned char)text[0]) && text[0] != '_'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("_-.", text[i]) &&
		    !(text[i] == '$' && i > 0 && i == length - 1))
			return false;
	return true;
}

static int value_check_list_word(const struct directive *directive, char *word, struct failure *failure)
{
	uint64_t port;

	if (directive->argument & VALUE_LIST_USERS && !value_user_valid(word))
		return failure_set(failure, -EINVAL, NULL, "'%s' is neither a valid name nor a valid id",
				   word);
	if (directive->argument & VALUE_LIST_VARIABLES && !value_variable_valid(word, strcspn(word, "=")))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a variable", word);
	if (directive->argument & VALUE_LIST_PORTS && strcmp(word, "none") != 0 &&
	    value_read_number(word, 65535, &port) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is neither a port nor 'none'", word);
	if (directive->argument & VALUE_LIST_OPTIONAL_PATHS && strcmp(word, "none") != 0)
		return value_clean_path(word + (*word == '-'), failure);
	return 0;
}

int value_parse_text_list(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r;

	if (line->directive->argument & VALUE_LIST_REPLACES)
		*(char ***)field = text_list_free(*(char ***)field);
	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		r = value_check_list_word(line->directive, word, failure);
		if (r >= 0)
			r = text_list_take(field, TAKE(word));
		if (r < 0)
			return r;
	}
}

char *value_print_text_list(const struct directive *directive _unused_, const void *field)
{
	return value_print_words(*(char *const *const *)field);
}

int value_parse_unit_list(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	char ***list = field;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (!unit_name_valid(word))
			return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a unit", word);
		if (!text_list_contains(*list, word) && text_list_take(list, TAKE(word)) < 0)
			return -ENOMEM;
	}
}

char *value_print_unit_list(const struct directive *directive _unused_, const void *field)
{
	return text_list_join(*(char *const *const *)field, " ");
}

int value_parse_environment(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (!strchr(word, '=') || !value_variable_valid(word, strcspn(word, "=")))
			return failure_set(failure, -EINVAL, NULL, "'%s' is no NAME=VALUE", word);
		r = text_list_take(field, TAKE(word));
		if (r < 0)
			return r;
	}
}

char *value_print_environment(const struct directive *directive _unused_, const void *field)
{
	return value_print_words(*(char *const *const *)field);
}

/* The field is two members of the spec, the array and its length. */
struct value_environment_files {
	struct spec_environment_file *items;
	size_t n;
};
static_assert(offsetof(struct spec, n_environment_files) - offsetof(struct spec, environment_files) ==
		      offsetof(struct value_environment_files, n),
	      "two members that are read as one");

int value_parse_environment_files(const struct directive_line *line, void *field, struct failure *failure)
{
	struct value_environment_files *files = field;
	bool optional = line->value[0] == '-';
	_cleanup_free_ char *path = NULL;
	struct spec_environment_file *larger;
	int r;

	r = value_expand(line, line->value + optional, &path, failure);
	if (r >= 0)
		r = value_clean_path(path, failure);
	if (r < 0)
		return r;
	larger = realloc(files->items, (files->n + 1) * sizeof *larger);
	if (!larger)
		return -ENOMEM;
	files->items = larger;
	files->items[files->n++] =
		(struct spec_environment_file){.path = TAKE(path), .ignore_missing = optional};
	return 0;
}

char *value_print_environment_files(const struct directive *directive _unused_, const void *field)
{
	const struct value_environment_files *files = field;
	struct text_buffer buffer = {};

	for (size_t i = 0; i < files->n; i++)
		text_buffer_append(&buffer, "%s%s (ignore_errors=%s)", i ? " " : "", files->items[i].path,
				   files->items[i].ignore_missing ? "yes" : "no");
	return text_buffer_finish(&buffer);
}

int value_parse_user_name(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *name = NULL;
	int r = value_expand(line, line->value, &name, failure);

	if (r < 0)
		return r;
	if (!value_user_valid(name))
		return failure_set(failure, -EINVAL, NULL, "'%s' is neither a valid name nor a valid id",
				   name);
	value_replace(field, TAKE(name));
	return 0;
}

char *value_print_user_name(const struct directive *directive _unused_, const void *field)
{
	return value_print_string(*(char *const *)field);
}

/* --- standard streams: `argument` 0 is the input, 1 an output
 * --------------------------------------------------------- */

static const struct value_stream {
	const char *text;
	enum spec_stdio kind;
	bool input, output, path; /* allowed for which; the path stands behind */
} value_streams[] = {
	{"null", SPEC_STDIO_NULL, true, true, false},
	{"inherit", SPEC_STDIO_INHERIT, false, true, false},
	{"journal", SPEC_STDIO_LOG, false, true, false},
	{"syslog", SPEC_STDIO_LOG, false, true, false},
	{"kmsg", SPEC_STDIO_LOG_KMSG, false, true, false},
	{"journal+console", SPEC_STDIO_LOG_CONSOLE, false, true, false},
	{"syslog+console", SPEC_STDIO_LOG_CONSOLE, false, true, false},
	{"kmsg+console", SPEC_STDIO_LOG_KMSG_CONSOLE, false, true, false},
	{"tty", SPEC_STDIO_TTY, true, true, false},
	{"tty-force", SPEC_STDIO_TTY_FORCE, true, false, false},
	{"tty-fail", SPEC_STDIO_TTY_FAIL, true, false, false},
	{"data", SPEC_STDIO_DATA, true, false, false},
	{"socket", SPEC_STDIO_SOCKET, true, true, false},
	{"fd", SPEC_STDIO_FD, true, true, false},
	{"fd:", SPEC_STDIO_FD, true, true, true},
	{"file:", SPEC_STDIO_FILE, true, true, true},
	{"append:", SPEC_STDIO_APPEND, false, true, true},
	{"truncate:", SPEC_STDIO_TRUNCATE, false, true, true},
};

/* systemd.socket(5), FileDescriptorName=: printable ASCII without ':', at most 255 bytes. */
bool value_fd_name_valid(const char *name)
{
	size_t length = strlen(name);

	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || *c == ':')
			return false;
	return length > 0 && length <= 255;
}

static const struct value_stream *value_find_stream(const char *text, bool output)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_streams); i++) {
		const struct value_stream *stream = &value_streams[i];

		if (output ? !stream->output : !stream->input)
			continue;
		if (stream->path ? text_starts_with(text, stream->text) : strcmp(text, stream->text) == 0)
			return stream;
	}
	return NULL;
}

int value_parse_stream(const struct directive_line *line, void *field, struct failure *failure)
{
	const struct value_stream *row = value_find_stream(line->value, line->directive->argument);
	struct spec_stream *stream = field;
	_cleanup_free_ char *path = NULL;
	int r;

	if (!row && line->directive->argument)
		return failure_set(
			failure, -EINVAL, NULL,
			"'%s' is none of: null, inherit, journal, kmsg, journal+console, "
			"kmsg+console, tty, socket, fd:NAME, file:PATH, append:PATH, truncate:PATH",
			line->value);
	if (!row)
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is none of: null, tty, tty-force, tty-fail, data, socket, fd:NAME, "
				   "file:PATH",
				   line->value);
	if (row->path) {
		r = value_expand(line, line->value + strlen(row->text), &path, failure);
		if (r >= 0 && row->kind == SPEC_STDIO_FD && !value_fd_name_valid(path))
			r = failure_set(failure, -EINVAL, NULL, "'%s' is no name of a descriptor", path);
		if (r >= 0 && row->kind != SPEC_STDIO_FD)
			r = value_clean_path(path, failure);
		if (r < 0)
			return r;
	} else if (row->kind == SPEC_STDIO_FD) {
		/* systemd.exec(5): without a name it is the stream's own. */
		path = strdup(!line->directive->argument			? "stdin"
			      : strcmp(line->directive->name, "StandardOutput") ? "stderr"
										: "stdout");
		if (!path)
			return -ENOMEM;
	}
	free(stream->path);
	*stream = (struct spec_stream){.kind = row->kind, .path = TAKE(path)};
	return 0;
}

char *value_print_stream(const struct directive *directive _unused_, const void *field)
{
	static const char *const names[SPEC_STDIO_MAX_] = {
		[SPEC_STDIO_NULL] = "null",
		[SPEC_STDIO_LOG] = "journal",
		[SPEC_STDIO_INHERIT] = "inherit",
		[SPEC_STDIO_FILE] = "file",
		[SPEC_STDIO_APPEND] = "append",
		[SPEC_STDIO_TRUNCATE] = "truncate",
		[SPEC_STDIO_TTY] = "tty",
		[SPEC_STDIO_TTY_FORCE] = "tty-force",
		[SPEC_STDIO_TTY_FAIL] = "tty-fail",
		[SPEC_STDIO_DATA] = "data",
		[SPEC_STDIO_SOCKET] = "socket",
		[SPEC_STDIO_FD] = "fd",
		[SPEC_STDIO_LOG_KMSG] = "kmsg",
		[SPEC_STDIO_LOG_CONSOLE] = "journal+console",
		[SPEC_STDIO_LOG_KMSG_CONSOLE] = "kmsg+console",
	};
	const struct spec_stream *stream = field;

	return text_format("%s%s%s", names[stream->kind], stream->path ? ":" : "",
			   stream->path ? stream->path : "");
}

/* --- what cannot be had ------------------------------------------------------------------------------- */

int value_parse_refused(const struct directive_line *line, void *field, struct failure *failure)
{
	(void)field;
	for (const char *const *name = line->directive->names; name && *name; name++)
		if (text_equal(line->value, *name))
			return 0;
	return failure_set(failure, -EOPNOTSUPP, NULL, "cannot be had: %s", line->directive->summary);
}

char *value_print_refused(const struct directive *directive, const void *field)
{
	(void)directive, (void)field;
	return strdup("");
}
