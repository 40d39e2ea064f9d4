/* See say.h. The C library's strerror(3) and printf(3) bring locales and a heap with them, so the few words
 * that an init needs are here. */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "init/say.h"

void say(const char *text, ...)
{
	char line[512] = "svc-init: ";
	size_t length = strlen(line);
	va_list more;

	va_start(more, text);
	for (; text; text = va_arg(more, const char *)) {
		size_t n = MIN_OF(strlen(text), sizeof line - 1 - length);

		memcpy(line + length, text, n);
		length += n;
	}
	va_end(more);
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0)
		return; /* nobody to tell */
}

static char *say_digits(char buffer[static 32], unsigned long value)
{
	char *digit = buffer + 31;

	*digit = '\0';
	do
		*--digit = (char)('0' + value % 10);
	while (value /= 10);
	return digit;
}

const char *say_number(unsigned long value)
{
	static char buffer[32];

	return say_digits(buffer, value);
}

const char *say_error(int error)
{
	static const struct {
		int error;
		const char *text;
	} known[] = {
		{EPERM, "operation not permitted"}, {ENOENT, "no such file or directory"},
		{EACCES, "permission denied"},	    {ENOEXEC, "not an executable"},
		{ENOMEM, "out of memory"},	    {ENOTDIR, "not a directory"},
		{EAGAIN, "too many processes"},	    {ENFILE, "too many open files"},
		{EMFILE, "too many open files"},    {ENOSYS, "not supported by this kernel"},
		{EINVAL, "invalid argument"},	    {EBUSY, "busy"},
	};
	static char buffer[32 + 8] = "error ";
	char digits[32];

	if (error < 0)
		error = -error;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].error == error)
			return known[i].text;
	strcpy(buffer + strlen("error "), say_digits(digits, (unsigned long)error));
	return buffer;
}
