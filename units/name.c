/* Names of units: what is valid, what is a template, what a user may leave out. See load.h. The rules are
 * those of systemd.unit(5). */
#include <ctype.h>
#include <string.h>

#include "units/load.h"

static const char *const name_suffixes[UNIT_KIND_MAX_] = {
	[UNIT_SERVICE] = ".service",
	[UNIT_TARGET] = ".target",
	[UNIT_SLICE] = ".slice",
};

/* Kinds that others have: a dependency may name them. */
static const char *const name_foreign_suffixes[] = {".socket",	  ".timer", ".path",   ".mount",
						    ".automount", ".swap",  ".device", ".scope"};

/* A prefix, perhaps "@" and an instance, then the suffix. */
static bool name_well_formed(const char *name, size_t stem_length)
{
	if (stem_length == 0 || name[0] == '@' || strlen(name) > 255)
		return false;
	for (size_t i = 0; i < stem_length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr(":-_.\\@", name[i]))
			return false;
	return true;
}

bool unit_name_is_slice(const char *name)
{
	return strcmp(name, "-.slice") == 0 ||
	       (text_ends_with(name, ".slice") && *name != '-' && *name != '.' && !strchr(name, '/') &&
		!strchr(name, '@') && !strstr(name, "--") && !strstr(name, "-.slice") && strlen(name) <= 255);
}

char *unit_name_parent_slice(const char *name)
{
	const char *dash = strrchr(name, '-');

	if (strcmp(name, "-.slice") == 0)
		return NULL;
	return dash ? text_format("%.*s.slice", (int)(dash - name), name) : strdup("-.slice");
}

static size_t name_stem_length(const char *name, const char *suffix)
{
	return text_ends_with(name, suffix) ? strlen(name) - strlen(suffix) : 0;
}

int unit_name_parse(const char *name, enum unit_kind *ret_kind, struct failure *failure)
{
	for (int kind = 0; kind < UNIT_KIND_MAX_; kind++)
		if (name_well_formed(name, name_stem_length(name, name_suffixes[kind]))) {
			if (kind == UNIT_SLICE && !unit_name_is_slice(name))
				return failure_set(failure, -EINVAL, NULL,
						   "'%.256s' is no name of a slice (such as 'web.slice')",
						   name);
			if (ret_kind)
				*ret_kind = (enum unit_kind)kind;
			return 0;
		}
	if (unit_name_valid(name))
		return failure_set(failure, -EINVAL, NULL, "units of the kind '%s' are not supported yet",
				   strrchr(name, '.') + 1);
	return failure_set(failure, -EINVAL, NULL, "'%.256s' is no name of a unit", name);
}

bool unit_name_valid(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(name_suffixes); i++)
		if (name_well_formed(name, name_stem_length(name, name_suffixes[i])))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(name_foreign_suffixes); i++)
		if (name_well_formed(name, name_stem_length(name, name_foreign_suffixes[i])))
			return true;
	return false;
}

bool unit_name_is_template(const char *name)
{
	const char *at = strchr(name, '@');

	return at && at[1] == '.' && strrchr(name, '.') == at + 1;
}

char *unit_name_template(const char *name)
{
	const char *at = strchr(name, '@'), *dot = strrchr(name, '.');

	if (!at || !dot || dot <= at + 1)
		return NULL;
	return text_format("%.*s%s", (int)(at + 1 - name), name, dot);
}
