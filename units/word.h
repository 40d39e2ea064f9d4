/* Words of a value: white space separates, quotes join, a backslash starts a C escape. */
#pragma once

#include <stdbool.h>

#include "base/failure.h"

enum {
	WORD_RELAXED = 1 << 0, /* an unknown escape stays as written instead of being an error */
	WORD_COLON = 1 << 1,   /* ':' separates too, and empty words count as none */
};

/* Takes the next word off *CURSOR. Returns 1 with *RET_WORD (heap, the caller's) and whether any of it was
 * quoted or escaped (RET_QUOTED may be NULL), 0 at the end, -EINVAL with FAILURE on a quote that is not
 * closed or an escape that does not exist, or -ENOMEM. */
int word_next(const char **cursor, unsigned flags, char **ret_word, bool *ret_quoted,
	      struct failure *failure);

/* TEXT with its C escapes replaced, quotes being ordinary characters; heap. -EINVAL for an escape that does not
 * exist. */
int word_unescape(const char *text, char **ret, struct failure *failure);

/* WORD in double quotes if word_next() would otherwise not give it back; heap; NULL when out of memory. */
char *word_quote(const char *word);
