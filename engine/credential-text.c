/* How credentials and secrets are written: names, C escapes, the options of Secret=. Text in, text out. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/credential.h"

/* --- texts ------------------------------------------------------------------------------------------- */

bool credential_name_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > 255 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name == 127 || *name == ':' || *name == '/')
			return false;
	return true;
}

static int credential_digit(char c, int base)
{
	int value = c >= '0' && c <= '9'   ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10
					   : 99;

	return value < base ? value : -1;
}

/* DIGITS digits in BASE. Returns -1 when there are fewer. */
static long credential_number(const char **cursor, int digits, int base)
{
	long value = 0;

	for (; digits > 0; digits--) {
		int digit = credential_digit(**cursor, base);

		if (digit < 0)
			return -1;
		value = value * base + digit;
		(*cursor)++;
	}
	return value;
}

static bool credential_append_rune(char **to, long rune)
{
	char *at = *to;

	if (rune < 0 || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
		return false;
	if (rune < 0x80)
		*at++ = (char)rune;
	else if (rune < 0x800) {
		*at++ = (char)(0xc0 | rune >> 6);
		*at++ = (char)(0x80 | (rune & 63));
	} else if (rune < 0x10000) {
		*at++ = (char)(0xe0 | rune >> 12);
		*at++ = (char)(0x80 | (rune >> 6 & 63));
		*at++ = (char)(0x80 | (rune & 63));
	} else {
		*at++ = (char)(0xf0 | rune >> 18);
		*at++ = (char)(0x80 | (rune >> 12 & 63));
		*at++ = (char)(0x80 | (rune >> 6 & 63));
		*at++ = (char)(0x80 | (rune & 63));
	}
	*to = at;
	return true;
}

/* One escape behind its backslash; what it stands for is never longer than it is. */
static bool credential_unescape_one(const char **cursor, char **to)
{
	static const char letters[] = "abfnrtv\\\"'s", values[] = "\a\b\f\n\r\t\v\\\"' ";
	const char *letter = **cursor ? strchr(letters, **cursor) : NULL;
	long value;

	if (letter) {
		*(*to)++ = values[letter - letters];
		(*cursor)++;
		return true;
	}
	switch (**cursor) {
	case 'x':
		(*cursor)++;
		value = credential_number(cursor, 2, 16);
		break;
	case 'u':
		(*cursor)++;
		return credential_append_rune(to, credential_number(cursor, 4, 16));
	case 'U':
		(*cursor)++;
		return credential_append_rune(to, credential_number(cursor, 8, 16));
	default:
		value = credential_number(cursor, 3, 8);
	}
	if (value < 0 || value > 255)
		return false;
	*(*to)++ = (char)value;
	return true;
}

int credential_unescape(const char *value, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *text = malloc(strlen(value) + 1);
	char *to = text;

	if (!text)
		return -ENOMEM;
	while (*value)
		if (*value != '\\')
			*to++ = *value++;
		else if (value++, !credential_unescape_one(&value, &to))
			return -EINVAL;
	*to = '\0';
	*ret_size = (size_t)(to - text);
	*ret = TAKE(text);
	return 0;
}

/* --- Secret= ----------------------------------------------------------------------------------------- */

void credential_secret_deinit(struct credential_secret *secret)
{
	free(secret->name);
	free(secret->target);
	*secret = (struct credential_secret){};
}

static bool credential_read_id(const char *text, int base, uint32_t max, uint32_t *ret)
{
	char *end;
	unsigned long long value;

	if (!isdigit((unsigned char)*text))
		return false;
	value = strtoull(text, &end, base);
	if (*end || value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* "KEY=VALUE" of a secret. False: it makes no sense. */
static bool credential_read_option(struct credential_secret *secret, const char *option)
{
	const char *value = strchr(option, '=');
	size_t length = value ? (size_t)(value - option) : 0;
	uint32_t mode;

	if (!value++)
		return false;
	if (strncmp(option, "type", length) == 0 && length == 4) {
		secret->environment = strcmp(value, "env") == 0;
		return secret->environment || strcmp(value, "mount") == 0;
	}
	if (strncmp(option, "target", length) == 0 && length == 6)
		return *value && text_set(&secret->target, value) == 0;
	if (strncmp(option, "uid", length) == 0 && length == 3)
		return credential_read_id(value, 10, UINT32_MAX - 1, &secret->uid);
	if (strncmp(option, "gid", length) == 0 && length == 3)
		return credential_read_id(value, 10, UINT32_MAX - 1, &secret->gid);
	if (strncmp(option, "mode", length) != 0 || length != 4 ||
	    !credential_read_id(value, 8, 07777, &mode))
		return false;
	secret->mode = mode;
	return true;
}

static bool credential_variable_valid(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

/* A plain name, or an absolute path without detours. */
static bool credential_target_valid(const char *target)
{
	if (*target != '/')
		return credential_name_valid(target);
	return target[1] && !strstr(target, "//") && !strstr(target, "/../") && !strstr(target, "/./") &&
	       !text_ends_with(target, "/..") && !text_ends_with(target, "/.") &&
	       !text_ends_with(target, "/");
}

int credential_read_secret(const char *text, struct credential_secret *ret, struct failure *failure)
{
	_cleanup_(credential_secret_deinit) struct credential_secret secret = {.mode = 0444};
	_cleanup_free_ char *copy = strdup(text);
	char *cursor = copy, *word = copy ? strsep(&cursor, ",") : NULL;

	if (!copy || text_set(&secret.name, word) < 0)
		return -ENOMEM;
	if (!credential_name_valid(secret.name))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a secret", secret.name);
	while ((word = strsep(&cursor, ",")))
		if (!credential_read_option(&secret, word))
			return failure_set(failure, -EINVAL, NULL, "'%s' is no option of a secret", word);
	if (!secret.target && text_set(&secret.target, secret.name) < 0)
		return -ENOMEM;
	if (secret.environment ? !credential_variable_valid(secret.target)
			       : !credential_target_valid(secret.target))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no %s", secret.target,
				   secret.environment ? "name of a variable" : "place for a secret");
	*ret = secret;
	secret = (struct credential_secret){};
	return 0;
}
