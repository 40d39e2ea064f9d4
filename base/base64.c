/* See base64.h. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/macros.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_decode(const char *text, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *bytes = malloc(strlen(text) / 4 * 3 + 4);
	size_t size = 0, n = 0, padding = 0;
	uint32_t bits = 0;

	if (!bytes)
		return -ENOMEM;
	for (; *text; text++) {
		const char *digit = strchr(base64_digits, *text);

		if (strchr(" \t\n\r", *text))
			continue;
		padding += *text == '=';
		if (padding > 2 || (padding > 0 && *text != '=') || (!digit && *text != '='))
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(digit ? digit - base64_digits : 0);
		if (++n % 4 > 0)
			continue;
		for (size_t i = 0; i < 3 - padding; i++)
			bytes[size++] = (char)(bits >> (16 - 8 * i));
		if (padding == 0)
			bits = 0;
	}
	if (n % 4 != 0 || (padding > 0 && bits & ((1u << 8 * padding) - 1)))
		return -EINVAL;
	bytes[size] = '\0';
	*ret_size = size;
	*ret = TAKE(bytes);
	return 0;
}

char *base64_encode(const void *bytes, size_t size)
{
	const unsigned char *from = bytes;
	char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;

	for (size_t i = 0; text && i < size; i += 3) {
		size_t n = MIN_OF(size - i, (size_t)3);
		uint32_t bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (j < n ? from[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			*to++ = j <= n ? base64_digits[bits >> (18 - 6 * j) & 63] : '=';
	}
	if (text)
		*to = '\0';
	return text;
}
