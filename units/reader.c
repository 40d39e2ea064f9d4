/* See reader.h.
 *
 * inih pulls lines from us through its reader callback. We hand it one logical line at a time: comments and
 * blank lines taken out, continuation lines joined, checked for what inih would silently accept (a ':' for
 * '=', text behind a heading's ']', a section name cut at 50 bytes). So the line inih is working on when it
 * calls the handler is always the last one handed out, which is how a handler without a line number knows its
 * line. */
#include <ctype.h>
#include <ini.h>
#include <string.h>

#include "base/text.h"
#include "units/reader.h"

#define READER_SPACE " \t\r"

enum { READER_MAX_SECTION = 49 }; /* inih keeps no more of a section's name */

struct reader {
	const char *text, *end; /* what is left */
	uint32_t next_line;	/* number of the line at `text` */
	uint32_t line;		/* number of the logical line handed out last */
	char *logical;		/* that line, with a newline at its end */
	size_t logical_room, logical_length, handed_out;
	reader_handler handler;
	void *data;
	struct failure *failure;
	int error;
};

/* The length of the UTF-8 sequence at TEXT (RFC 3629: no surrogates, no overlong forms), 0 if it is none. */
static size_t reader_utf8_length(const unsigned char *text, const unsigned char *end)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (length == 0 || text[0] > 0xf4 || (size_t)(end - text) < length)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

static int reader_check_bytes(struct reader *reader, const char *text, size_t length)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + length;

	while (at < end) {
		size_t sequence = reader_utf8_length(at, end);

		if (sequence == 0)
			return failure_set(reader->failure, -EINVAL, NULL, "the line is not valid UTF-8");
		if (*at == 0)
			return failure_set(reader->failure, -EINVAL, NULL, "the line contains a NUL byte");
		if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
			return failure_set(reader->failure, -EINVAL, NULL,
					   "the line contains the control character 0x%02x", *at);
		at += sequence;
	}
	return 0;
}

/* Takes one physical line off the text, without its line end. False at the end of the text. */
static bool reader_take_line(struct reader *reader, const char **ret_text, size_t *ret_length)
{
	const char *newline;

	if (reader->text == reader->end)
		return false;
	newline = memchr(reader->text, '\n', (size_t)(reader->end - reader->text));
	*ret_text = reader->text;
	*ret_length = (size_t)((newline ? newline : reader->end) - reader->text);
	reader->text = newline ? newline + 1 : reader->end;
	reader->next_line++;
	if (*ret_length > 0 && (*ret_text)[*ret_length - 1] == '\r')
		(*ret_length)--;
	return true;
}

static int reader_append(struct reader *reader, const char *text, size_t length)
{
	size_t needed = reader->logical_length + length + 2;
	char *larger;

	if (needed > READER_MAX_LINE)
		return failure_set(reader->failure, -EINVAL, NULL, "the line is longer than %d bytes",
				   READER_MAX_LINE);
	if (needed > reader->logical_room) {
		size_t room = MAX_OF(needed, reader->logical_room * 2);

		larger = realloc(reader->logical, MAX_OF(room, 256u));
		if (!larger)
			return -ENOMEM;
		reader->logical = larger;
		reader->logical_room = MAX_OF(room, 256u);
	}
	memcpy(reader->logical + reader->logical_length, text, length);
	reader->logical_length += length;
	reader->logical[reader->logical_length] = '\0';
	return 0;
}

/* An odd number of backslashes at its end continues a line; an even one is escaped backslashes. */
static bool reader_continues(const char *text, size_t length)
{
	size_t n = 0;

	while (n < length && text[length - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/* Joins the next logical line. Returns 1, 0 at the end of the text, or a negative errno. */
static int reader_join(struct reader *reader)
{
	bool continued = false;
	const char *text;
	size_t length;
	int r;

	reader->logical_length = reader->handed_out = 0;
	while (reader_take_line(reader, &text, &length)) {
		size_t blank = strspn(text, READER_SPACE);

		if (!continued)
			reader->line = reader->next_line - 1;
		r = reader_check_bytes(reader, text, length);
		if (r < 0)
			return r;
		if (blank < length && (text[blank] == '#' || text[blank] == ';'))
			continue;
		if (blank >= length && !continued)
			continue;
		continued = reader_continues(text, length);
		r = reader_append(reader, text, continued ? length - 1 : length);
		if (r >= 0 && continued)
			r = reader_append(reader, " ", 1);
		if (r < 0)
			return r;
		if (!continued)
			return 1;
	}
	return reader->logical_length > 0;
}

/* "[Section]": tells the handler, because inih does not. */
static int reader_check_heading(struct reader *reader, char *line)
{
	char *end = strchr(line, ']');
	struct reader_line heading = {.section = line + 1, .line = reader->line};
	int r;

	if (!end || end[1 + strspn(end + 1, READER_SPACE)])
		return failure_set(reader->failure, -EINVAL, NULL,
				   "a section heading must be '[Name]' and nothing else");
	if (end == line + 1 || end - line - 1 > READER_MAX_SECTION)
		return failure_set(reader->failure, -EINVAL, NULL, "a section's name has 1 to %d characters",
				   READER_MAX_SECTION);
	*end = '\0';
	r = reader->handler(reader->data, &heading, reader->failure);
	*end = ']';
	return r;
}

static int reader_check_assignment(struct reader *reader, const char *line)
{
	size_t length = strcspn(line, "=");
	const char *key_end;

	if (!line[length])
		return failure_set(
			reader->failure, -EINVAL, NULL,
			"neither a section heading, nor an assignment (Name=value), nor a comment");
	for (key_end = line + length; key_end > line && strchr(READER_SPACE, key_end[-1]);)
		key_end--;
	if (key_end == line)
		return failure_set(reader->failure, -EINVAL, NULL, "an assignment without a name before '='");
	for (const char *at = line; at < key_end; at++)
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_' && *at != '.')
			return failure_set(reader->failure, -EINVAL, NULL, "'%.*s' is no name of a setting",
					   (int)MIN_OF(key_end - line, 80), line);
	return 0;
}

static int reader_next(struct reader *reader)
{
	char *line;
	int r = reader_join(reader);

	if (r <= 0)
		return r;
	/* Without its indentation, which some inih would take for a continuation. */
	reader->handed_out = strspn(reader->logical, READER_SPACE);
	line = reader->logical + reader->handed_out;
	r = *line == '[' ? reader_check_heading(reader, line) : reader_check_assignment(reader, line);
	if (r >= 0)
		r = reader_append(reader, "\n", 1);
	return r < 0 ? r : 1;
}

/* fgets(3) for inih: at most SIZE - 1 bytes, up to and with the newline. */
static char *reader_hand_out(char *buffer, int size, void *stream)
{
	struct reader *reader = stream;
	size_t length;

	if (reader->error < 0 || size < 2)
		return NULL;
	if (reader->handed_out == reader->logical_length) {
		int r = reader_next(reader);

		if (r <= 0) {
			reader->error = r;
			return NULL;
		}
	}
	length = MIN_OF((size_t)size - 1, reader->logical_length - reader->handed_out);
	memcpy(buffer, reader->logical + reader->handed_out, length);
	buffer[length] = '\0';
	reader->handed_out += length;
	return buffer;
}

static int reader_handle(void *data, const char *section, const char *key, const char *value
#if INI_HANDLER_LINENO
			 ,
			 int line _unused_
#endif
)
{
	struct reader *reader = data;
	struct reader_line setting = {.section = section, .key = key, .value = value, .line = reader->line};

	/* The end of the text is the only way to stop every inih. */
	if (reader->error == 0)
		reader->error = reader->handler(reader->data, &setting, reader->failure);
	return reader->error == 0;
}

/* inih on Debian reads its limits from variables; elsewhere they are fixed when it is built, and the build
 * checks them. */
static void reader_configure_inih(void)
{
#if READER_INIH_VARIABLES
	static char no_prefixes[] = "";

	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_allow_bom = false;
	ini_start_comment_prefixes = no_prefixes;
	ini_stop_on_first_error = true;
	ini_use_stack = false;
	ini_allow_realloc = true;
	ini_initial_alloc = 1024;
	ini_max_line = READER_MAX_LINE + 16;
#endif
}

int reader_parse(const char *text, size_t length, reader_handler handler, void *data, uint32_t *ret_line,
		 struct failure *failure)
{
	struct reader reader = {
		.text = text,
		.end = text + length,
		.next_line = 1,
		.handler = handler,
		.data = data,
		.failure = failure,
	};
	int r;

	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		reader.text += 3;
	reader_configure_inih();
	r = ini_parse_stream(reader_hand_out, &reader, reader_handle, &reader);
	free(reader.logical);
	*ret_line = reader.line;
	if (reader.error < 0)
		return reader.error;
	if (r == -2)
		return -ENOMEM;
	if (r != 0)
		return failure_set(failure, -EINVAL, NULL, "the line cannot be read");
	return 0;
}
