/* See assign.h. Origins are kept per field, not per directive: two rows that share a field (MemoryMax= and
 * Memory=) share its history. */
#include <string.h>

#include "units/assign.h"

static void assign_forget(struct unit_config *config, uint32_t key)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->n_origins; i++)
		if (directive_key(&directive_table[config->origins[i].directive]) != key)
			config->origins[kept++] = config->origins[i];
	config->n_origins = kept;
}

static int assign_remember(struct unit_config *config, const struct directive *directive,
			   struct assign_place place, size_t item)
{
	struct config_origin *larger = config->origins;
	size_t n = config->n_origins;

	/* Grows at powers of two from eight up, so that the room need not be stored. */
	if (n == 0 || (n >= 8 && (n & (n - 1)) == 0))
		larger = realloc(config->origins, (n == 0 ? 8 : 2 * n) * sizeof *larger);
	if (!larger)
		return -ENOMEM;
	config->origins = larger;
	config->origins[config->n_origins++] = (struct config_origin){
		.directive = (uint16_t)(directive - directive_table),
		.item = (uint16_t)MIN_OF(item, (size_t)UINT16_MAX),
		.file = place.file,
		.line = place.line,
	};
	return 0;
}

/* Brings the default back. */
static int assign_reset(const struct directive_line *line, void *field, struct failure *failure)
{
	const struct directive *directive = line->directive;
	struct directive_line plain = *line;

	value_clear(directive, field);
	if (!directive->default_text) {
		memcpy(field, directive_field(directive, unit_config_prototype()), value_size(directive));
		return 0;
	}
	plain.value = directive->default_text;
	plain.specifiers = NULL;
	return value_parse(&plain, field, failure);
}

static bool assign_starts_anew(const struct directive *directive)
{
	return (directive->kind == VALUE_PATH_LIST || directive->kind == VALUE_TEXT_LIST) &&
	       directive->argument & VALUE_LIST_REPLACES;
}

static int assign_value(const struct directive_line *line, struct assign_place place, void *field,
			struct failure *failure)
{
	const struct directive *directive = line->directive;
	size_t before = value_count(directive, field), after;
	int r;

	r = value_parse(line, field, failure);
	if (r < 0)
		return r;
	if (directive->kind == VALUE_CONDITION)
		return assign_remember(line->config, directive, place, line->config->n_conditions - 1);
	after = value_count(directive, field);
	/* What is no list, or is a list that started anew: nothing that was said before counts any more. */
	if (after == 0 || assign_starts_anew(directive)) {
		assign_forget(line->config, directive_key(directive));
		before = 0;
	}
	if (after == 0)
		return assign_remember(line->config, directive, place, 0);
	for (size_t item = before; item < after && r >= 0; item++)
		r = assign_remember(line->config, directive, place, item);
	return r;
}

int assign_setting(const struct directive_line *line, struct assign_place place, struct failure *failure)
{
	const struct directive *directive = line->directive;
	void *field = directive_make_field(directive, line->config);
	struct failure why = {};
	int r;

	if (!field)
		return -ENOMEM;
	if (!*line->value && directive->kind != VALUE_CAPABILITIES) {
		r = value_takes_empty(directive) ? value_parse(line, field, &why)
						 : assign_reset(line, field, &why);
		if (directive->kind != VALUE_CONDITION)
			assign_forget(line->config, directive_key(directive));
	} else {
		r = assign_value(line, place, field, &why);
	}
	if (r < 0 && r != -ENOMEM)
		failure_set(failure, r, NULL, "%s=: %s", directive->name, why.text);
	return r;
}

bool assign_was_set(const struct unit_config *config, size_t key)
{
	for (size_t i = 0; i < config->n_origins; i++)
		if (directive_key(&directive_table[config->origins[i].directive]) == key)
			return true;
	return false;
}
