/* The other half of libc.c: the string functions that svc-init and the interpreter use, and those that a
 * compiler may call by itself (memcpy, memset, memcmp). Short rather than fast: they see paths and options.
 */
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((char *)to)[i] = ((const char *)from)[i];
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((char *)to)[i] = (char)byte;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];

		if (difference)
			return difference;
	}
	return 0;
}

size_t strlen(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

int strncmp(const char *a, const char *b, size_t limit)
{
	for (size_t i = 0; i < limit; i++) {
		if (a[i] != b[i])
			return (unsigned char)a[i] - (unsigned char)b[i];
		if (!a[i])
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchrnul(const char *text, int c)
{
	while (*text && *text != (char)c)
		text++;
	return (char *)text;
}

char *strchr(const char *text, int c)
{
	char *found = strchrnul(text, c);

	return *found == (char)c ? found : NULL;
}

char *strrchr(const char *text, int c)
{
	const char *found = NULL;

	for (;; text++) {
		if (*text == (char)c)
			found = text;
		if (!*text)
			return (char *)found;
	}
}

size_t strspn(const char *text, const char *set)
{
	size_t n = 0;

	while (text[n] && strchr(set, text[n]))
		n++;
	return n;
}

size_t strcspn(const char *text, const char *set)
{
	size_t n = 0;

	while (text[n] && !strchr(set, text[n]))
		n++;
	return n;
}

char *strstr(const char *text, const char *wanted)
{
	size_t length = strlen(wanted);

	for (; *text; text++)
		if (strncmp(text, wanted, length) == 0)
			return (char *)text;
	return NULL;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	memcpy(to, from, strlen(from) + 1);
	return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
	strcpy(to + strlen(to), from);
	return to;
}
