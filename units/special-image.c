/* Directives about disk images whose value is like no other's. An empty value comes here too and restores the
 * default. */
#include <string.h>

#include "engine/image-options.h"
#include "engine/image-policy.h"
#include "engine/image-verity.h"
#include "units/special.h"
#include "units/word.h"

static char *special_image_print(const void *field)
{
	const char *text = *(char *const *)field;

	return strdup(text ? text : "");
}

/* Words: OPTIONS, or PARTITION:OPTIONS. They are kept as one text with ':' between all parts. */
int special_parse_image_options(const struct directive_line *line, void *field, struct failure *failure)
{
	struct text_buffer buffer = {};
	_cleanup_free_ char *text = NULL;
	const char *cursor = line->value;
	int r = 1;

	while (r > 0) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r > 0)
			text_buffer_append(&buffer, "%s%s%s", buffer.length ? ":" : "",
					   strchr(word, ':') ? "" : "root:", word);
	}
	text = text_buffer_finish(&buffer);
	if (r == 0 && !text)
		r = -ENOMEM;
	if (r == 0)
		r = image_options_check(text, failure);
	return r < 0 ? r : text_set(field, *text ? text : NULL);
}

char *special_print_image_options(const void *field)
{
	return special_image_print(field);
}

int special_parse_image_policy(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *text = NULL;
	int r = value_expand(line, line->value, &text, failure);

	if (r >= 0)
		r = image_policy_check(text, failure);
	return r < 0 ? r : text_set(field, *line->value ? text : NULL);
}

char *special_print_image_policy(const void *field)
{
	return special_image_print(field);
}

int special_parse_root_hash(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size;
	int r = value_expand(line, line->value, &text, failure);

	if (r >= 0 && *text == '/')
		r = value_clean_path(text, failure);
	else if (r >= 0 && *text && (image_verity_decode_hex(text, &bytes, &size) < 0 || size < 16))
		r = failure_set(failure, -EINVAL, NULL,
				"'%s' is neither a path nor 128 bits or more in hexadecimal", text);
	return r < 0 ? r : text_set(field, *text ? text : NULL);
}

char *special_print_root_hash(const void *field)
{
	return special_image_print(field);
}

int special_parse_root_hash_signature(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size;
	int r = value_expand(line, line->value, &text, failure);

	if (r >= 0 && *text == '/')
		r = value_clean_path(text, failure);
	else if (r >= 0 && *text &&
		 (!text_starts_with(text, "base64:") || image_verity_read_signature(text, &bytes, &size) < 0))
		r = failure_set(failure, -EINVAL, NULL, "'%s' is neither a path nor base64:…", text);
	return r < 0 ? r : text_set(field, *text ? text : NULL);
}

char *special_print_root_hash_signature(const void *field)
{
	return special_image_print(field);
}

/* PATH[:O|:idmap[=…]]. Files of a root of its own are idmapped whenever ids differ, so that idmap asks for nothing more. */
int special_parse_rootfs(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *text = NULL;
	char *option;
	int r = value_expand(line, line->value, &text, failure);

	if (r < 0)
		return r;
	option = strrchr(text, ':');
	if (option)
		*option++ = '\0';
	if (option && strcmp(option, "O") != 0 && !text_starts_with(option, "idmap"))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no option of Rootfs=: O or idmap",
				   option);
	if (*text)
		r = value_clean_path(text, failure);
	if (r < 0)
		return r;
	line->config->spec.root_ephemeral = option && strcmp(option, "O") == 0;
	return text_set(field, *text ? text : NULL);
}

char *special_print_rootfs(const void *field)
{
	return special_image_print(field);
}
