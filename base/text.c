/* See text.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

size_t text_list_length(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

int text_list_take(char ***list, char *item)
{
	size_t n = text_list_length(*list);
	char **larger;

	if (!item)
		return -ENOMEM;
	/* The array doubles at powers of two, so that n appends cost n, without storing its size. */
	if ((n & (n - 1)) == 0 || !*list) {
		larger = realloc(*list, sizeof(char *) * (n ? 2 * n + 1 : 2));
		if (!larger) {
			free(item);
			return -ENOMEM;
		}
		*list = larger;
	}
	(*list)[n] = item;
	(*list)[n + 1] = NULL;
	return 0;
}

int text_list_append(char ***list, const char *item)
{
	return text_list_take(list, strdup(item));
}

bool text_list_contains(char *const *list, const char *item)
{
	for (; list && *list; list++)
		if (strcmp(*list, item) == 0)
			return true;
	return false;
}

int text_list_copy(char *const *list, char ***ret)
{
	_cleanup_text_list_ char **copy = NULL;

	for (; list && *list; list++)
		if (text_list_append(&copy, *list) < 0)
			return -ENOMEM;
	*ret = TAKE(copy);
	return 0;
}

char **text_list_free(char **list)
{
	TEXT_LIST_FOREACH (item, list)
		free(*item);
	free(list);
	return NULL;
}

char *text_list_join(char *const *list, const char *separator)
{
	struct text_buffer buffer = {};

	for (size_t i = 0; list && list[i]; i++)
		text_buffer_append(&buffer, "%s%s", i ? separator : "", list[i]);
	return text_buffer_finish(&buffer);
}

char *text_format(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	return n < 0 ? NULL : text;
}

int text_set(char **text, const char *value)
{
	char *copy = NULL;

	if (value && !(copy = strdup(value)))
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
	size_t text_length = strlen(text), suffix_length = strlen(suffix);

	return text_length >= suffix_length && strcmp(text + text_length - suffix_length, suffix) == 0;
}

/* Makes room for LENGTH more bytes and the NUL. */
static bool text_buffer_reserve(struct text_buffer *buffer, size_t length)
{
	size_t room = buffer->room ? buffer->room : 64;
	char *larger;

	if (buffer->failed)
		return false;
	if (buffer->length + length < buffer->room)
		return true;
	while (room <= buffer->length + length)
		room *= 2;
	larger = realloc(buffer->data, room);
	if (!larger) {
		buffer->failed = true;
		return false;
	}
	buffer->data = larger;
	buffer->room = room;
	return true;
}

void text_buffer_append_bytes(struct text_buffer *buffer, const char *bytes, size_t length)
{
	if (!text_buffer_reserve(buffer, length))
		return;
	memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
	buffer->data[buffer->length] = '\0';
}

void text_buffer_append(struct text_buffer *buffer, const char *format, ...)
{
	va_list arguments, again;
	int n;

	va_start(arguments, format);
	va_copy(again, arguments);
	n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (n >= 0 && text_buffer_reserve(buffer, (size_t)n)) {
		vsnprintf(buffer->data + buffer->length, (size_t)n + 1, format, again);
		buffer->length += (size_t)n;
	}
	va_end(again);
}

char *text_buffer_finish(struct text_buffer *buffer)
{
	text_buffer_append_bytes(buffer, "", 0);
	if (buffer->failed) {
		text_buffer_free(buffer);
		return NULL;
	}
	buffer->room = buffer->length = 0;
	return TAKE(buffer->data);
}

void text_buffer_free(struct text_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct text_buffer){};
}

/* Optimal string alignment: the rows of the table of Wagner and Fischer, of which a swap needs the last but one
 * as well. */
unsigned text_distance(const char *a, const char *b, unsigned limit)
{
	enum { LONGEST = 64 };
	unsigned rows[3][LONGEST + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > LONGEST || b_length > LONGEST)
		return limit;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned replaced = above[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = MIN_OF(MIN_OF(above[j], row[j - 1]) + 1, replaced);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN_OF(row[j], before[j - 2] + 1);
		}
	}
	return MIN_OF(rows[a_length % 3][b_length], limit);
}
