/* Command lines and conditions. See value.h; the rules are those of systemd.service(5), "Command Lines", and
 * systemd.unit(5), "Conditions and Asserts". */
#include <string.h>

#include "units/value.h"
#include "units/word.h"

/* What the characters before a command's path ask for. */
struct value_prefixes {
	bool separate_argv0, shell;
};

/* Reads the prefixes of *TEXT into COMMAND and moves *TEXT behind them. */
static int value_take_prefixes(const char **text, struct exec_command *command,
			       struct value_prefixes *prefixes, struct failure *failure)
{
	for (;; (*text)++) {
		bool *flag = **text == '-'   ? &command->ignore_failure
			     : **text == '@' ? &prefixes->separate_argv0
			     : **text == ':' ? &command->no_environment
			     : **text == '+' ? &command->full_privileges
			     : **text == '!' ? &command->no_setuid
			     : **text == '|' ? &prefixes->shell
					     : NULL;

		if (!flag)
			break;
		if (**text == '!' && (*text)[1] == '!' && !*flag)
			(*text)++;
		if (*flag)
			return failure_set(failure, -EINVAL, NULL,
					   "the prefix '%c' stands twice before the command", **text);
		*flag = true;
	}
	if (command->full_privileges && command->no_setuid)
		return failure_set(failure, -EINVAL, NULL, "the prefixes '+' and '!' exclude each other");
	if (prefixes->shell && prefixes->separate_argv0)
		return failure_set(failure, -EINVAL, NULL, "the prefixes '|' and '@' exclude each other");
	return 0;
}

/* The next word of a command. Returns 1, 0 at the end of this command (a ';' on its own, or the end of the
 * line). */
static int value_command_word(const struct directive_line *line, const char **cursor, char **ret,
			      struct failure *failure)
{
	const char *at = *cursor + strspn(*cursor, " \t");

	if (at[0] == ';' && strchr(" \t", at[1])) {
		*cursor = at;
		return 0;
	}
	if (at[0] == '\\' && at[1] == ';' && strchr(" \t", at[2])) {
		*cursor = at + 2;
		*ret = strdup(";");
		return *ret ? 1 : -ENOMEM;
	}
	return value_next_word(line, cursor, ret, failure);
}

static int value_command_arguments(const struct directive_line *line, const char **cursor, char ***argv,
				   struct failure *failure)
{
	for (;;) {
		char *word;
		int r = value_command_word(line, cursor, &word, failure);

		if (r <= 0)
			return r;
		r = text_list_take(argv, word);
		if (r < 0)
			return r;
	}
}

/* A name without a slash is looked up in the container's PATH at each start. */
static int value_check_executable(char *path, struct failure *failure)
{
	if (!*path)
		return failure_set(failure, -EINVAL, NULL, "the command's path is empty");
	if (!strchr(path, '/'))
		return 0;
	return value_clean_path(path, failure);
}

/* "|": the words become one line for /bin/sh. */
static int value_command_shell(struct exec_command *command)
{
	_cleanup_free_ char *text = text_list_join(command->argv, " ");

	command->argv = text_list_free(command->argv);
	if (!text || text_set(&command->path, "/bin/sh") < 0 || text_list_append(&command->argv, "sh") < 0 ||
	    text_list_append(&command->argv, "-c") < 0)
		return -ENOMEM;
	return text_list_take(&command->argv, TAKE(text));
}

static int value_parse_command(const struct directive_line *line, const char **cursor,
			       struct exec_command *command, struct failure *failure)
{
	struct value_prefixes prefixes = {};
	_cleanup_free_ char *first = NULL;
	const char *path;
	int r;

	r = value_command_word(line, cursor, &first, failure);
	if (r < 0)
		return r;
	if (r == 0)
		return failure_set(failure, -EINVAL, NULL, "there is no command before ';'");
	path = first;
	r = value_take_prefixes(&path, command, &prefixes, failure);
	if (r < 0)
		return r;
	if (prefixes.shell) {
		if (*path)
			r = text_list_append(&command->argv, path);
		if (r >= 0)
			r = value_command_arguments(line, cursor, &command->argv, failure);
		if (r >= 0 && !command->argv)
			r = failure_set(failure, -EINVAL, NULL, "there is no command behind '|'");
		return r < 0 ? r : value_command_shell(command);
	}
	command->path = strdup(path);
	if (!command->path)
		return -ENOMEM;
	r = value_check_executable(command->path, failure);
	if (r >= 0 && !prefixes.separate_argv0)
		r = text_list_append(&command->argv, command->path);
	if (r >= 0)
		r = value_command_arguments(line, cursor, &command->argv, failure);
	if (r >= 0 && !command->argv)
		r = failure_set(failure, -EINVAL, NULL, "'@' needs the program's own name behind its path");
	return r < 0 ? r : 0;
}

int value_parse_commands(const struct directive_line *line, void *field, struct failure *failure)
{
	struct exec_commands *commands = field;
	const char *cursor = line->value;
	int r;

	do {
		struct exec_command *larger = realloc(commands->items, (commands->n + 1) * sizeof *larger);

		if (!larger)
			return -ENOMEM;
		commands->items = larger;
		commands->items[commands->n] = (struct exec_command){};
		r = value_parse_command(line, &cursor, &commands->items[commands->n++], failure);
		if (r < 0)
			return r;
		/* Behind a command stands the end of the line or a ';', and behind that may stand the end
		 * too. */
		cursor += strspn(cursor, "; \t");
	} while (*cursor);
	return 0;
}

char *value_print_commands(const struct directive *directive _unused_, const void *field)
{
	const struct exec_commands *commands = field;
	struct text_buffer buffer = {};

	for (size_t i = 0; i < commands->n; i++) {
		const struct exec_command *command = &commands->items[i];
		_cleanup_free_ char *argv = text_list_join(command->argv, " ");

		text_buffer_append(&buffer, "%s{ path=%s ; argv[]=%s ; ignore_errors=%s }", i ? "\n" : "",
				   command->path, argv ? argv : "", command->ignore_failure ? "yes" : "no");
		buffer.failed |= !argv;
	}
	return text_buffer_finish(&buffer);
}

/* --- conditions -------------------------------------------------------------------------------------------
 */

/* An empty assignment forgets every condition of the same sort, whichever directive it stands at. */
static void value_forget_conditions(struct unit_config *config, bool is_assert)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->n_conditions; i++) {
		if (config->conditions[i].is_assert == is_assert)
			free(config->conditions[i].parameter);
		else
			config->conditions[kept++] = config->conditions[i];
	}
	config->n_conditions = kept;
}

int value_parse_condition(const struct directive_line *line, void *field _unused_, struct failure *failure)
{
	bool is_assert = line->directive->argument & VALUE_CONDITION_ASSERT;
	struct unit_config *config = line->config;
	struct unit_condition condition = {.is_assert = is_assert}, *larger;
	const char *value = line->value;
	_cleanup_free_ char *parameter = NULL;
	int r;

	if (!*value) {
		value_forget_conditions(config, is_assert);
		return 0;
	}
	condition.trigger = *value == '|';
	value += condition.trigger;
	condition.negate = *value == '!';
	value += condition.negate;
	value += strspn(value, " \t");
	r = value_expand(line, value, &parameter, failure);
	if (r >= 0)
		r = value_clean_path(parameter, failure);
	if (r < 0)
		return r;
	larger = realloc(config->conditions, (config->n_conditions + 1) * sizeof *larger);
	if (!larger)
		return -ENOMEM;
	config->conditions = larger;
	condition.directive = (uint16_t)(line->directive - directive_table);
	condition.parameter = TAKE(parameter);
	config->conditions[config->n_conditions++] = condition;
	return 0;
}

char *value_print_condition(const struct directive *directive _unused_, const void *field _unused_)
{
	return strdup("");
}
