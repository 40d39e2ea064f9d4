/* What went wrong, for a user to read. Needs no heap, so that running out of memory can be reported too.
 *
 * A function that fails fills the failure and returns its negative errno; the caller decides whether to
 * log it, answer with it or give it more context. Text never ends in a newline or a full stop. */
#pragma once

#include <errno.h>

#include "base/macros.h"

struct failure {
	int error;	 /* negative errno; 0 when nothing failed */
	char where[256]; /* what it concerns: "web.service:14", a path, a directive; may be empty */
	char text[512];	 /* what failed, in one sentence, without the errno's own words */
};

/* Fills FAILURE (which may be NULL) and returns ERROR, which must be a negative errno. WHERE may be NULL. */
int failure_set(struct failure *failure, int error, const char *where, const char *format, ...)
	_printf_(4, 5);

/* Puts WHERE in front when the failure names no place yet. Returns the failure's error. */
int failure_add_where(struct failure *failure, const char *where);

/* For a failure that is told later: *KEPT, NULL or the owner's, becomes a copy of FAILURE, or NULL when that is NULL or no
 * failure. Most objects never fail, and a failure is 800 bytes. Out of memory, what is kept says so. */
void failure_keep(struct failure **kept, const struct failure *failure);
/* What is kept; an empty failure when nothing is. Never NULL; the owner's. */
const struct failure *failure_kept(const struct failure *kept);

/* Writes "where: text: strerror" into BUFFER (always terminated) and returns BUFFER. */
const char *failure_print(const struct failure *failure, char *buffer, size_t size);
