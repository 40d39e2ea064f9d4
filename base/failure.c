/* See failure.h. Truncates rather than fails: a cut message is better than none. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"

int failure_set(struct failure *failure, int error, const char *where, const char *format, ...)
{
	va_list arguments;

	assert(error < 0);
	if (!failure)
		return error;
	failure->error = error;
	snprintf(failure->where, sizeof failure->where, "%s", where ? where : "");
	va_start(arguments, format);
	vsnprintf(failure->text, sizeof failure->text, format, arguments);
	va_end(arguments);
	return error;
}

int failure_add_where(struct failure *failure, const char *where)
{
	if (!failure)
		return -EINVAL;
	if (!failure->where[0])
		snprintf(failure->where, sizeof failure->where, "%s", where);
	return failure->error;
}

static struct failure failure_no_memory = {.error = -ENOMEM,
					   .text = "there was no memory left to keep what failed"};

void failure_keep(struct failure **kept, const struct failure *failure)
{
	bool wanted = failure && (failure->error || failure->text[0]);
	struct failure *copy = *kept == &failure_no_memory ? NULL : *kept;

	if (!wanted) {
		free(copy);
		*kept = NULL;
		return;
	}
	if (!copy)
		copy = malloc(sizeof *copy);
	if (copy)
		*copy = *failure;
	*kept = copy ? copy : &failure_no_memory;
}

const struct failure *failure_kept(const struct failure *kept)
{
	static const struct failure none;

	return kept ? kept : &none;
}

const char *failure_print(const struct failure *failure, char *buffer, size_t size)
{
	const char *colon = failure->where[0] ? ": " : "";

	/* The text of a parse or lookup error says it all; "Invalid argument" behind it would only confuse.
	 */
	if (failure->error == -EINVAL || failure->error == 0)
		snprintf(buffer, size, "%s%s%s", failure->where, colon, failure->text);
	else
		snprintf(buffer, size, "%s%s%s: %s", failure->where, colon, failure->text,
			 strerror(-failure->error));
	return buffer;
}
