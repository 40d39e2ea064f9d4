/* What a service's standard input yields, its terminal's size, and the files that are opened for it. See
 * special.h. */
#include <string.h>

#include "base/base64.h"
#include "units/special.h"
#include "units/word.h"

enum {
	SPECIAL_STDIO_DATA_MAX = 64 << 20, /* bytes, as systemd has it */
	SPECIAL_STDIO_FILES_MAX = 32,	   /* they are descriptors of the launch: LAUNCH_MAX_DESCRIPTORS */
};

/* --- StandardInputText=, StandardInputData= ------------------------------------------------------------ */

static int special_data_append(struct spec_data *data, const char *bytes, size_t size,
			       struct failure *failure)
{
	char *larger;

	if (size > SPECIAL_STDIO_DATA_MAX - data->size)
		return failure_set(failure, -EINVAL, NULL, "more than 64 MiB of standard input");
	larger = realloc(data->bytes, data->size + size + 1);
	if (!larger)
		return -ENOMEM;
	data->bytes = larger;
	memcpy(larger + data->size, bytes, size);
	data->size += size;
	return 0;
}

static int special_data_reset(struct spec_data *data)
{
	free(data->bytes);
	*data = (struct spec_data){};
	return 0;
}

int special_parse_input_text(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *plain = NULL, *text = NULL;
	int r;

	if (!*line->value)
		return special_data_reset(field);
	r = word_unescape(line->value, &plain, failure);
	if (r >= 0)
		r = value_expand(line, plain, &text, failure);
	if (r >= 0)
		r = special_data_append(field, text, strlen(text), failure);
	return r < 0 ? r : special_data_append(field, "\n", 1, failure);
}

int special_parse_input_data(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *bytes = NULL;
	size_t size;
	int r;

	if (!*line->value)
		return special_data_reset(field);
	r = base64_decode(line->value, &bytes, &size);
	if (r == -EINVAL)
		return failure_set(failure, r, NULL, "this is no Base64");
	return r < 0 ? r : special_data_append(field, bytes, size, failure);
}

static char *special_print_data(const struct spec_data *data)
{
	return base64_encode(data->bytes, data->size);
}

char *special_print_input_text(const void *field)
{
	return special_print_data(field);
}

char *special_print_input_data(const void *field)
{
	return special_print_data(field);
}

/* --- TTYRows=, TTYColumns= ----------------------------------------------------------------------------- */

int special_parse_tty_size(const struct directive_line *line, void *field, struct failure *failure)
{
	uint64_t value = 0;

	if (*line->value && value_read_number(line->value, UINT16_MAX, &value) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no number between 0 and %d", line->value,
				   UINT16_MAX);
	*(uint16_t *)field = (uint16_t)value;
	return 0;
}

char *special_print_tty_size(const void *field)
{
	return text_format("%u", *(const uint16_t *)field);
}

/* --- OpenFile= ----------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned flag;
} special_open_options[] = {
	{"read-only", SPEC_OPEN_READ_ONLY},
	{"append", SPEC_OPEN_APPEND},
	{"truncate", SPEC_OPEN_TRUNCATE},
	{"graceful", SPEC_OPEN_GRACEFUL},
};

static int special_read_open_options(const char *text, unsigned *ret, struct failure *failure)
{
	unsigned flags = 0, way;

	while (*text) {
		size_t length = strcspn(text, ","), i = 0;

		while (i < ARRAY_SIZE(special_open_options) &&
		       (strlen(special_open_options[i].name) != length ||
			strncmp(special_open_options[i].name, text, length) != 0))
			i++;
		if (i == ARRAY_SIZE(special_open_options))
			return failure_set(failure, -EINVAL, NULL,
					   "'%.*s' is none of: read-only, append, truncate, graceful",
					   (int)length, text);
		flags |= special_open_options[i].flag;
		text += length + (text[length] == ',');
	}
	way = flags & ~(unsigned)SPEC_OPEN_GRACEFUL;
	if (way & (way - 1))
		return failure_set(failure, -EINVAL, NULL,
				   "read-only, append and truncate exclude each other");
	*ret = flags;
	return 0;
}

/* The next part of *CURSOR, up to a ':', with specifiers expanded; heap. A path may be quoted. */
static int special_open_part(const struct directive_line *line, const char **cursor, char **ret,
			     struct failure *failure)
{
	size_t length = strcspn(*cursor, ":");
	_cleanup_free_ char *part = strndup(*cursor, length), *word = NULL;
	const char *at = part;
	int r;

	if (!part)
		return -ENOMEM;
	*cursor += length + ((*cursor)[length] == ':');
	r = value_next_word(line, &at, &word, failure);
	if (r < 0)
		return r;
	*ret = word ? TAKE(word) : strdup("");
	return *ret ? 0 : -ENOMEM;
}

static const char *special_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int special_parse_open_file(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *path = NULL, *name = NULL, *options = NULL;
	struct spec_open_files *files = field;
	const char *cursor = line->value;
	struct spec_open_file *larger;
	unsigned flags = 0;
	int r;

	if (!*line->value) {
		spec_open_files_deinit(files);
		return 0;
	}
	r = special_open_part(line, &cursor, &path, failure);
	if (r >= 0)
		r = special_open_part(line, &cursor, &name, failure);
	if (r >= 0)
		r = special_open_part(line, &cursor, &options, failure);
	if (r >= 0)
		r = value_clean_path(path, failure);
	if (r >= 0)
		r = special_read_open_options(options, &flags, failure);
	if (r >= 0 && !*name)
		r = text_set(&name, special_last_part(path));
	if (r < 0)
		return r;
	if (*cursor)
		return failure_set(failure, -EINVAL, NULL, "there is more than PATH:NAME:OPTIONS");
	if (!value_fd_name_valid(name))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a descriptor", name);
	if (files->n == SPECIAL_STDIO_FILES_MAX)
		return failure_set(failure, -EINVAL, NULL, "more than %d files", SPECIAL_STDIO_FILES_MAX);
	larger = reallocarray(files->items, files->n + 1, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	files->items = larger;
	larger[files->n++] = (struct spec_open_file){.path = TAKE(path), .name = TAKE(name), .flags = flags};
	return 0;
}

char *special_print_open_file(const void *field)
{
	const struct spec_open_files *files = field;
	struct text_buffer buffer = {};

	for (size_t i = 0; i < files->n; i++) {
		const char *separator = ":";

		text_buffer_append(&buffer, "%s%s:%s", i ? " " : "", files->items[i].path,
				   files->items[i].name);
		for (size_t j = 0; j < ARRAY_SIZE(special_open_options); j++)
			if (files->items[i].flags & special_open_options[j].flag) {
				text_buffer_append(&buffer, "%s%s", separator, special_open_options[j].name);
				separator = ",";
			}
	}
	return text_buffer_finish(&buffer);
}
