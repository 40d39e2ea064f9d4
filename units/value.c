/* See value.h: the table of kinds, and what the families share. */
#include <string.h>

#include "units/value.h"
#include "units/word.h"

struct value_type {
	int (*parse)(const struct directive_line *line, void *field, struct failure *failure);
	char *(*print)(const struct directive *directive, const void *field);
	void (*clear)(void *field);	    /* NULL: owns nothing */
	size_t (*count)(const void *field); /* NULL: no list */
	size_t size;
	bool takes_empty;
};

static void value_clear_text(void *field)
{
	free(*(char **)field);
}

static void value_clear_list(void *field)
{
	text_list_free(*(char ***)field);
}

static size_t value_count_list(const void *field)
{
	return text_list_length(*(char *const *const *)field);
}

static void value_clear_environment_files(void *field)
{
	struct spec_environment_file **items = field;
	size_t *n = (size_t *)(items + 1);

	for (size_t i = 0; i < *n; i++)
		free((*items)[i].path);
	free(*items);
}

/* All lists that are no text list are an array and its length, side by side. */
static size_t value_count_array(const void *field)
{
	size_t n;

	memcpy(&n, (const char *)field + sizeof(void *), sizeof n);
	return n;
}

static void value_clear_commands(void *field)
{
	struct exec_commands *commands = field;

	for (size_t i = 0; i < commands->n; i++) {
		free(commands->items[i].path);
		text_list_free(commands->items[i].argv);
	}
	free(commands->items);
}

static void value_clear_system_calls(void *field)
{
	text_list_free(((struct spec_system_calls *)field)->names);
}

static void value_clear_stream(void *field)
{
	free(((struct spec_stream *)field)->path);
}

static void value_clear_mounts(void *field)
{
	spec_mounts_deinit(field);
}

static void value_clear_io_limits(void *field)
{
	struct spec_io_limits *limits = field;

	for (size_t i = 0; i < limits->n; i++)
		free(limits->items[i].path);
	free(limits->items);
}

static void value_clear_id_map(void *field)
{
	free(((struct spec_id_map *)field)->ranges);
}

static_assert(offsetof(struct spec, n_environment_files) ==
		      offsetof(struct spec, environment_files) + sizeof(void *),
	      "value_count_array() counts them");
static_assert(offsetof(struct exec_commands, n) == sizeof(void *), "value_count_array() counts them");
static_assert(offsetof(struct spec_mounts, n) == sizeof(void *), "value_count_array() counts them");
static_assert(offsetof(struct spec_io_limits, n) == sizeof(void *), "value_count_array() counts them");
static_assert(offsetof(struct spec_id_map, n_ranges) == sizeof(void *), "value_count_array() counts them");

#define TYPE(name, ctype) .parse = value_parse_##name, .print = value_print_##name, .size = sizeof(ctype)
#define TYPE_TEXT(name)	  TYPE(name, char *), .clear = value_clear_text
#define TYPE_LIST(name)	  TYPE(name, char **), .clear = value_clear_list, .count = value_count_list

static const struct value_type value_types[VALUE_KIND_MAX_] = {
	[VALUE_TEXT] = {TYPE_TEXT(text)},
	[VALUE_REFUSED] = {.parse = value_parse_refused, .print = value_print_refused},
	[VALUE_BOOL] = {TYPE(bool, bool)},
	[VALUE_INT] = {TYPE(int, int)},
	[VALUE_UNSIGNED] = {TYPE(unsigned, unsigned)},
	[VALUE_USEC] = {TYPE(usec, usec_t)},
	[VALUE_SIZE] = {TYPE(size, uint64_t)},
	[VALUE_LIMIT_SIZE] = {TYPE(limit_size, uint64_t)},
	[VALUE_LIMIT_COUNT] = {TYPE(limit_count, uint64_t)},
	[VALUE_WEIGHT] = {TYPE(weight, uint64_t)},
	[VALUE_CPU_QUOTA] = {TYPE(cpu_quota, uint64_t)},
	[VALUE_PATH] = {TYPE_TEXT(path)},
	[VALUE_PATH_LIST] = {TYPE_LIST(path_list)},
	[VALUE_TEXT_LIST] = {TYPE_LIST(text_list)},
	[VALUE_UNIT_LIST] = {TYPE_LIST(unit_list)},
	[VALUE_ENVIRONMENT] = {TYPE_LIST(environment)},
	[VALUE_ENVIRONMENT_FILES] = {.parse = value_parse_environment_files,
				     .print = value_print_environment_files,
				     .clear = value_clear_environment_files,
				     .count = value_count_array,
				     .size = sizeof(void *) + sizeof(size_t)},
	[VALUE_ENUM] = {TYPE(enum, int)},
	[VALUE_MODE] = {TYPE(mode, mode_t)},
	[VALUE_SIGNAL] = {TYPE(signal, int)},
	[VALUE_EXIT_STATUS_SET] = {TYPE(exit_status_set, struct exit_status_set)},
	[VALUE_COMMANDS] = {TYPE(commands, struct exec_commands), .clear = value_clear_commands,
			    .count = value_count_array},
	[VALUE_CAPABILITIES] = {TYPE(capabilities, uint64_t), .takes_empty = true},
	[VALUE_SYSTEM_CALLS] = {TYPE(system_calls, struct spec_system_calls),
				.clear = value_clear_system_calls, .count = value_count_list},
	[VALUE_ERRNO] = {TYPE(errno, int)},
	[VALUE_NAMESPACE_FLAGS] = {TYPE(namespace_flags, uint64_t)},
	[VALUE_RLIMIT] = {TYPE(rlimit, struct spec_rlimit)},
	[VALUE_STREAM] = {TYPE(stream, struct spec_stream), .clear = value_clear_stream},
	[VALUE_MOUNTS] = {TYPE(mounts, struct spec_mounts), .clear = value_clear_mounts,
			  .count = value_count_array},
	[VALUE_IO_LIMITS] = {TYPE(io_limits, struct spec_io_limits), .clear = value_clear_io_limits,
			     .count = value_count_array},
	[VALUE_ID_MAP] = {TYPE(id_map, struct spec_id_map), .clear = value_clear_id_map,
			  .count = value_count_array},
	[VALUE_USER_NAME] = {TYPE_TEXT(user_name)},
	[VALUE_CONDITION] = {.parse = value_parse_condition,
			     .print = value_print_condition,
			     .takes_empty = true},
	[VALUE_DIRECTORIES] = {TYPE_LIST(directories)},
	[VALUE_CREDENTIALS] = {TYPE_LIST(credentials)},
	[VALUE_TIME_OFFSET] = {TYPE(time_offset, int64_t)},
	[VALUE_RULES] = {.print = value_print_text_list,
			 .clear = value_clear_list,
			 .count = value_count_list,
			 .size = sizeof(char **)},
	[VALUE_SPECIAL] = {.takes_empty = true},
};

static_assert(offsetof(struct spec_system_calls, names) == 0, "value_count_list() counts the names");

int value_parse(const struct directive_line *line, void *field, struct failure *failure)
{
	const struct directive *directive = line->directive;

	if (directive->kind == VALUE_SPECIAL || directive->kind == VALUE_RULES)
		return directive->parse(line, field, failure);
	return value_types[directive->kind].parse(line, field, failure);
}

char *value_print(const struct directive *directive, const void *field)
{
	if (directive->kind == VALUE_SPECIAL)
		return directive->print(field);
	return value_types[directive->kind].print(directive, field);
}

void value_clear(const struct directive *directive, void *field)
{
	const struct value_type *type = &value_types[directive->kind];

	if (type->clear)
		type->clear(field);
	memset(field, 0, type->size);
}

size_t value_count(const struct directive *directive, const void *field)
{
	const struct value_type *type = &value_types[directive->kind];

	return type->count ? type->count(field) : 0;
}

size_t value_size(const struct directive *directive)
{
	return value_types[directive->kind].size;
}

bool value_takes_empty(const struct directive *directive)
{
	return value_types[directive->kind].takes_empty;
}

int value_expand(const struct directive_line *line, const char *text, char **ret, struct failure *failure)
{
	if (line->specifiers && strchr(text, '%'))
		return specifier_expand(line->specifiers, text, ret, failure);
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int value_next_word(const struct directive_line *line, const char **cursor, char **ret,
		    struct failure *failure)
{
	_cleanup_free_ char *word = NULL;
	int r = word_next(cursor, line->lenient ? WORD_RELAXED : 0, &word, NULL, failure);

	if (r <= 0)
		return r;
	r = value_expand(line, word, ret, failure);
	return r < 0 ? r : 1;
}

int value_clean_path(char *text, struct failure *failure)
{
	const char *from = text;
	char *to = text;

	if (text[0] != '/')
		return failure_set(failure, -EINVAL, NULL, "'%s' is not an absolute path", text);
	if (strlen(text) >= 4096)
		return failure_set(failure, -EINVAL, NULL, "the path is longer than 4095 bytes");
	while (*from) {
		size_t length;

		from += strspn(from, "/");
		length = strcspn(from, "/");
		if (length == 2 && from[0] == '.' && from[1] == '.')
			return failure_set(failure, -EINVAL, NULL, "a path may not contain '..'");
		if (length > 0 && !(length == 1 && from[0] == '.')) {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	if (to == text)
		*to++ = '/';
	*to = '\0';
	return 0;
}
