/* Strings: NULL-terminated lists, a growing buffer, and the escaping rules of unit files. */
#pragma once

#include <stdbool.h>
#include <stdarg.h>

#include "base/macros.h"

/* A text list is a heap array of heap strings that ends with NULL; NULL itself is the empty list. */
#define TEXT_LIST_FOREACH(item, list) for (char **item = (list); item && *item; item++)

size_t text_list_length(char *const *list);
/* Appends a copy of ITEM; -ENOMEM leaves the list unchanged. */
int text_list_append(char ***list, const char *item);
/* As above, but takes ITEM over, also on failure (when it is freed). ITEM may be NULL: -ENOMEM. */
int text_list_take(char ***list, char *item);
bool text_list_contains(char *const *list, const char *item);
int text_list_copy(char *const *list, char ***ret);
char **text_list_free(char **list);
DEFINE_CLEANUP(char **, text_list_free);
#define _cleanup_text_list_ _cleanup_(cleanup_text_list_free)

/* Items joined by SEPARATOR, on the heap; "" for the empty list; NULL when out of memory. */
char *text_list_join(char *const *list, const char *separator);

/* printf into a new heap string; NULL when out of memory. */
char *text_format(const char *format, ...) _printf_(1, 2);

/* Replaces *TEXT by a copy of VALUE (NULL: frees it). Returns 0 or -ENOMEM with *TEXT unchanged. */
int text_set(char **text, const char *value);

static inline bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && __builtin_strcmp(a, b) == 0);
}
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);

/* A text that grows. After a failed append `failed` is set and later appends do nothing, so that a caller
 * checks once, at the end. Zero-initialised is empty; the owner frees `data`. */
struct text_buffer {
	char *data; /* NUL-terminated; NULL while empty */
	size_t length, room;
	bool failed;
};
void text_buffer_append(struct text_buffer *buffer, const char *format, ...) _printf_(2, 3);
void text_buffer_append_bytes(struct text_buffer *buffer, const char *bytes, size_t length);
/* The finished string, owned by the caller; NULL when any append failed. "" when nothing was appended. */
char *text_buffer_finish(struct text_buffer *buffer);
void text_buffer_free(struct text_buffer *buffer);

/* Edit distance of two short names, for "did you mean": letters put in, left out, replaced, or two neighbours
 * swapped, each one edit. Stops counting at LIMIT. */
unsigned text_distance(const char *a, const char *b, unsigned limit);
