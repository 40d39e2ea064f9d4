/* See failure.h. Truncates rather than fails: a cut message is better than none. */
#include <stdarg.h>
#include <stdio.h>
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
