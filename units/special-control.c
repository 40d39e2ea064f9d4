/* Directives about what the payload may do, whose values are like no others'. See special.h: an empty value restores the
 * default. */
#include <string.h>

#include "units/special.h"

int special_parse_seccomp_profile(const struct directive_line *line, void *field, struct failure *failure)
{
	struct spec *spec = &line->config->spec;
	_cleanup_free_ char *path = NULL;
	int r;

	free(spec->seccomp_profile);
	spec->seccomp_profile = NULL;
	spec->seccomp_default = *line->value ? SPEC_SECCOMP_CONTAINER : SPEC_SECCOMP_NONE;
	if (!*line->value || strcmp(line->value, "default") == 0)
		return 0;
	if (strcmp(line->value, "unconfined") == 0) {
		spec->seccomp_default = SPEC_SECCOMP_NONE;
		return 0;
	}
	r = value_expand(line, line->value, &path, failure);
	if (r >= 0)
		r = value_clean_path(path, failure);
	if (r < 0)
		return r;
	*(char **)field = TAKE(path);
	spec->seccomp_default = SPEC_SECCOMP_PROFILE;
	return 0;
}

char *special_print_seccomp_profile(const void *field)
{
	const struct spec *spec =
		(const struct spec *)((const char *)field - offsetof(struct spec, seccomp_profile));

	return strdup(spec->seccomp_profile				? spec->seccomp_profile
		      : spec->seccomp_default == SPEC_SECCOMP_CONTAINER ? "default"
									: "unconfined");
}

/* LANDLOCK_SCOPE_*, by bit */
static const char *const special_scopes[] = {"abstract-unix-socket", "signal"};

int special_parse_landlock_scope(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	uint32_t *scope = field;

	if (!*line->value)
		*scope = 0;
	for (;;) {
		_cleanup_free_ char *word = NULL;
		int r = value_next_word(line, &cursor, &word, failure);
		size_t i = 0;

		if (r <= 0)
			return r;
		while (i < ARRAY_SIZE(special_scopes) && strcmp(special_scopes[i], word) != 0)
			i++;
		if (i == ARRAY_SIZE(special_scopes))
			return failure_set(failure, -EINVAL, NULL,
					   "'%s' is none of: abstract-unix-socket, signal", word);
		*scope |= 1u << i;
	}
}

char *special_print_landlock_scope(const void *field)
{
	struct text_buffer buffer = {};

	for (size_t i = 0; i < ARRAY_SIZE(special_scopes); i++)
		if (*(const uint32_t *)field >> i & 1)
			text_buffer_append(&buffer, "%s%s", buffer.length ? " " : "", special_scopes[i]);
	return text_buffer_finish(&buffer);
}

/* No control characters: it is written to a file of the kernel's in one piece. */
int special_parse_label(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *label = NULL;
	int r;

	if (!*line->value)
		return text_set(field, NULL);
	r = value_expand(line, line->value, &label, failure);
	if (r < 0)
		return r;
	if (!label[*label == '-'] || strlen(label) > 1024 || strpbrk(label, " \t\"\\"))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no label of a security module", label);
	free(*(char **)field);
	*(char **)field = TAKE(label);
	return 0;
}

char *special_print_label(const void *field)
{
	const char *label = *(char *const *)field;

	return strdup(label ? label : "");
}
