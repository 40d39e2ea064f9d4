/* See word.h. The rules are those of systemd.syntax(7), "Quoting": quotes may begin inside a word, and
 * escapes mean the same with and without quotes. */
#include <string.h>

#include "base/text.h"
#include "units/word.h"

#define WORD_SPACE " \t\n\r"

static void word_append_utf8(struct text_buffer *buffer, uint32_t code)
{
	char bytes[4];
	size_t n = 0;

	if (code < 0x80) {
		bytes[n++] = (char)code;
	} else if (code < 0x800) {
		bytes[n++] = (char)(0xc0 | code >> 6);
		bytes[n++] = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		bytes[n++] = (char)(0xe0 | code >> 12);
		bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[n++] = (char)(0x80 | (code & 0x3f));
	} else {
		bytes[n++] = (char)(0xf0 | code >> 18);
		bytes[n++] = (char)(0x80 | (code >> 12 & 0x3f));
		bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[n++] = (char)(0x80 | (code & 0x3f));
	}
	text_buffer_append_bytes(buffer, bytes, n);
}

/* Reads N digits of BASE; false when one of them is none. */
static bool word_digits(const char *text, size_t n, unsigned base, uint32_t *ret)
{
	uint32_t value = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned digit = text[i] >= '0' && text[i] <= '9'   ? (unsigned)(text[i] - '0')
				 : text[i] >= 'a' && text[i] <= 'f' ? (unsigned)(text[i] - 'a' + 10)
				 : text[i] >= 'A' && text[i] <= 'F' ? (unsigned)(text[i] - 'A' + 10)
								    : 99;
		if (digit >= base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return true;
}

/* The number forms: \xHH and \OOO are bytes, \uXXXX and \UXXXXXXXX are characters. Returns the bytes used, 0
 * if TEXT is none. */
static size_t word_escape_number(const char *text, struct text_buffer *buffer)
{
	uint32_t code;
	char byte;

	if (text[0] == 'x' && word_digits(text + 1, 2, 16, &code) && code) {
		byte = (char)code;
		text_buffer_append_bytes(buffer, &byte, 1);
		return 3;
	}
	if (text[0] >= '0' && text[0] <= '3' && word_digits(text, 3, 8, &code) && code) {
		byte = (char)code;
		text_buffer_append_bytes(buffer, &byte, 1);
		return 3;
	}
	if (text[0] == 'u' && word_digits(text + 1, 4, 16, &code) && code &&
	    (code < 0xd800 || code > 0xdfff)) {
		word_append_utf8(buffer, code);
		return 5;
	}
	if (text[0] == 'U' && word_digits(text + 1, 8, 16, &code) && code && code <= 0x10ffff &&
	    (code < 0xd800 || code > 0xdfff)) {
		word_append_utf8(buffer, code);
		return 9;
	}
	return 0;
}

/* TEXT is behind the backslash. Returns the bytes used, 0 when there is no such escape. */
static size_t word_escape(const char *text, struct text_buffer *buffer)
{
	static const char names[] = "abfnrtv\\\"'s", meanings[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *at = *text ? strchr(names, *text) : NULL;

	if (!at)
		return *text ? word_escape_number(text, buffer) : 0;
	text_buffer_append_bytes(buffer, &meanings[at - names], 1);
	return 1;
}

static bool word_separates(char c, unsigned flags)
{
	return strchr(WORD_SPACE, c) || (c == ':' && flags & WORD_COLON);
}

/* One character, quote or escape of a word. Returns how much was used or a negative errno. */
static int word_step(const char *text, unsigned flags, char *quote, struct text_buffer *buffer,
		     struct failure *failure)
{
	size_t used;

	if ((*text != '\\' && *text != '"' && *text != '\'') ||
	    (*quote && *text != '\\' && *text != *quote)) {
		text_buffer_append_bytes(buffer, text, 1);
		return 1;
	}
	if (*text != '\\') {
		*quote = *quote ? '\0' : *text;
		return 1;
	}
	used = word_escape(text + 1, buffer);
	if (used > 0)
		return (int)used + 1;
	if (!(flags & WORD_RELAXED))
		return failure_set(failure, -EINVAL, NULL,
				   "'\\%.1s' is no escape sequence (write '\\\\' for a backslash)", text + 1);
	text_buffer_append_bytes(buffer, text, 1);
	return 1;
}

int word_next(const char **cursor, unsigned flags, char **ret_word, bool *ret_quoted, struct failure *failure)
{
	const char *text = *cursor;
	struct text_buffer buffer = {};
	bool quoted = false;
	char quote = '\0';
	char *word;

	while (*text && word_separates(*text, flags))
		text++;
	if (!*text) {
		*cursor = text;
		return 0;
	}
	while (*text && (quote || !word_separates(*text, flags))) {
		int used;

		quoted |= strchr("\\\"'", *text) != NULL;
		used = word_step(text, flags, &quote, &buffer, failure);
		if (used < 0) {
			text_buffer_free(&buffer);
			return used;
		}
		text += used;
	}
	if (quote) {
		text_buffer_free(&buffer);
		return failure_set(failure, -EINVAL, NULL, "a quotation mark (%c) is not closed", quote);
	}
	word = text_buffer_finish(&buffer);
	if (!word)
		return -ENOMEM;
	*cursor = text;
	*ret_word = word;
	if (ret_quoted)
		*ret_quoted = quoted;
	return 1;
}

int word_unescape(const char *text, char **ret, struct failure *failure)
{
	struct text_buffer buffer = {};

	while (*text) {
		size_t used = 0;

		if (*text != '\\')
			text_buffer_append_bytes(&buffer, text, 1);
		else if ((used = word_escape(text + 1, &buffer)) == 0) {
			text_buffer_free(&buffer);
			return failure_set(failure, -EINVAL, NULL,
					   "'\\%.1s' is no escape sequence (write '\\\\' for a backslash)",
					   text + 1);
		}
		text += used + 1;
	}
	*ret = text_buffer_finish(&buffer);
	return *ret ? 0 : -ENOMEM;
}

char *word_quote(const char *word)
{
	struct text_buffer buffer = {};

	if (*word && !strpbrk(word, WORD_SPACE "\"'\\;"))
		return strdup(word);
	text_buffer_append(&buffer, "\"");
	for (; *word; word++) {
		if (*word == '\n')
			text_buffer_append(&buffer, "\\n");
		else if (*word == '"' || *word == '\\')
			text_buffer_append(&buffer, "\\%c", *word);
		else
			text_buffer_append_bytes(&buffer, word, 1);
	}
	text_buffer_append(&buffer, "\"");
	return text_buffer_finish(&buffer);
}
