/* How an environment is put together, and how it enters a command line. */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/credential.h"
#include "engine/directory.h"
#include "engine/environment.h"
#include "engine/filesystem.h"
#include "engine/identity.h"

#define ENVIRONMENT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

enum { ENVIRONMENT_FILE_MAX = 1 << 20 };

static size_t environment_name_length(const char *text)
{
	size_t length = 0;

	if (!isalpha((unsigned char)*text) && *text != '_')
		return 0;
	while (isalnum((unsigned char)text[length]) || text[length] == '_')
		length++;
	return length;
}

/* Sets an assignment "NAME=VALUE", which replaces an earlier one of that name. */
static int environment_set(char ***list, const char *assignment)
{
	size_t length = strcspn(assignment, "=") + 1;

	TEXT_LIST_FOREACH (item, *list)
		if (strncmp(*item, assignment, length) == 0)
			return text_set(item, assignment);
	return text_list_append(list, assignment);
}

static int environment_set_value(char ***list, const char *name, const char *value)
{
	_cleanup_free_ char *assignment = text_format("%s=%s", name, value);

	return assignment ? environment_set(list, assignment) : -ENOMEM;
}

static int environment_set_all(char ***list, char *const *from)
{
	int r = 0;

	for (size_t i = 0; from && from[i] && r == 0; i++)
		r = environment_set(list, from[i]);
	return r;
}

/* Removes what UNWANTED names: "NAME", or "NAME=VALUE" when it has just that value. */
static void environment_unset(char **list, char *const *unwanted)
{
	char **to = list;

	TEXT_LIST_FOREACH (item, list) {
		bool remove = false;

		for (size_t i = 0; unwanted && unwanted[i] && !remove; i++) {
			size_t length = strlen(unwanted[i]);

			remove = strchr(unwanted[i], '=')
					 ? strcmp(*item, unwanted[i]) == 0
					 : !strncmp(*item, unwanted[i], length) && (*item)[length] == '=';
		}
		if (remove)
			free(*item);
		else
			*to++ = *item;
	}
	if (to)
		*to = NULL;
}

const char *environment_get(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; environment && environment[i]; i++)
		if (!strncmp(environment[i], name, length) && environment[i][length] == '=')
			return environment[i] + length + 1;
	return NULL;
}

/* --- environment files ------------------------------------------------------------------------------- */

/* Reads one value from *CURSOR up to the end of its line. Quoted parts may span lines; a backslash before a
 * newline joins lines; trailing blanks outside quotes are dropped. Leaves *CURSOR at the newline or the end.
 */
static int environment_parse_value(const char **cursor, unsigned *line, struct text_buffer *value)
{
	const char *c = *cursor;
	size_t keep = 0;
	char quote = '\0';

	for (; *c && (quote || *c != '\n'); c++) {
		if (*c == '\n')
			(*line)++;
		if (!quote && (*c == '"' || *c == '\'')) {
			quote = *c;
		} else if (quote && *c == quote) {
			quote = '\0';
			keep = value->length;
			continue;
		} else if (*c == '\\' && quote != '\'' && c[1]) {
			/* In double quotes a backslash only escapes what is special there. */
			c++;
			if (*c == '\n') {
				(*line)++;
				continue;
			}
			if (quote == '"' && !strchr("\"\\`$", *c))
				text_buffer_append_bytes(value, "\\", 1);
			text_buffer_append_bytes(value, c, 1);
			keep = value->length;
			continue;
		} else {
			text_buffer_append_bytes(value, c, 1);
		}
		if (quote || !isspace((unsigned char)*c))
			keep = value->length;
	}
	*cursor = c;
	if (quote)
		return -EINVAL;
	if (value->data && !value->failed) {
		value->length = keep;
		value->data[keep] = '\0';
	}
	return value->failed ? -ENOMEM : 0;
}

static const char *environment_skip_comment(const char *c, unsigned *line)
{
	for (; *c && *c != '\n'; c++)
		if (*c == '\\' && c[1] == '\n') {
			(*line)++;
			c++;
		}
	return c;
}

int environment_parse_file(const char *text, char ***list, unsigned *ret_line)
{
	const char *c = text;
	unsigned line = 1;

	for (;;) {
		struct text_buffer value = {};
		_cleanup_free_ char *name = NULL, *finished = NULL;
		size_t length;
		int r;

		for (; isspace((unsigned char)*c); c++)
			line += *c == '\n';
		if (!*c)
			return 0;
		if (*c == '#' || *c == ';') {
			c = environment_skip_comment(c, &line);
			continue;
		}
		*ret_line = line;
		length = environment_name_length(c);
		name = strndup(c, length);
		for (c += length; *c == ' ' || *c == '\t';)
			c++;
		if (length == 0 || *c++ != '=')
			return -EINVAL;
		while (*c == ' ' || *c == '\t')
			c++;
		r = environment_parse_value(&c, &line, &value);
		if (r < 0) {
			text_buffer_free(&value);
			return r;
		}
		finished = text_buffer_finish(&value);
		if (!name || !finished || environment_set_value(list, name, finished) < 0)
			return -ENOMEM;
	}
}

static int environment_read_files(struct build *build, char ***list)
{
	const struct spec *spec = build->spec;

	for (size_t i = 0; i < spec->n_environment_files; i++) {
		const struct spec_environment_file *file = &spec->environment_files[i];
		_cleanup_free_ char *text = NULL;
		unsigned line = 1;
		ssize_t n;
		int r;

		BUILD_ORIGIN_ITEM(build, environment_files, i);
		n = fd_read_file_at(AT_FDCWD, file->path, ENVIRONMENT_FILE_MAX, &text);
		if (n == -ENOENT && file->ignore_missing)
			continue;
		if (n < 0)
			return build_fail(build, (int)n, "environment file %s cannot be read", file->path);
		r = environment_parse_file(text, list, &line);
		if (r < 0)
			return build_fail(build, r, "environment file %s: line %u is no assignment",
					  file->path, line);
	}
	return 0;
}

/* --- assembling -------------------------------------------------------------------------------------- */

static int environment_set_defaults(struct build *build, char ***list)
{
	const struct identity *identity = build->identity;
	bool container = build->root == BUILD_ROOT_OVERLAY;
	_cleanup_free_ char *searched =
		build->spec->exec_search_path ? text_list_join(build->spec->exec_search_path, ":") : NULL;
	bool login = build->spec->login_environment < 0 ? build->spec->user || container
							: build->spec->login_environment;
	int r = environment_set_value(list, "PATH", searched ?: ENVIRONMENT_PATH);

	if (r == 0 && identity && identity->name && login) {
		const char *shell = *identity->shell ? identity->shell : "/bin/sh";

		r = environment_set_value(list, "HOME", *identity->home ? identity->home : "/");
		if (r == 0)
			r = environment_set_value(list, "LOGNAME", identity->name);
		if (r == 0)
			r = environment_set_value(list, "USER", identity->name);
		if (r == 0)
			r = environment_set_value(list, "SHELL", shell);
	}
	if (r == 0 && container)
		r = environment_set_value(list, "container", "svcd");
	if (r == 0)
		r = directory_export(build, environment_set_value, list);
	if (r == 0)
		r = credential_export(build, environment_set_value, list);
	return r;
}

static bool environment_is_place(const char *value)
{
	return text_equal(value, PROGRAM_PID_PLACE) || text_equal(value, PROGRAM_INVOCATION_PLACE);
}

bool environment_has_places(char *const *environment)
{
	for (; environment && *environment; environment++) {
		const char *value = strchr(*environment, '=');

		if (value && environment_is_place(value + 1))
			return true;
	}
	return false;
}

/* sd_listen_fds_with_names(3). */
static int environment_set_descriptors(const struct build *build, char ***list)
{
	const struct compile_context *context = build->context;
	struct text_buffer names = {};
	_cleanup_free_ char *text = NULL, *number = NULL;
	int r;

	if (context->n_passed == 0)
		return 0;
	for (unsigned i = 0; i < context->n_passed; i++)
		text_buffer_append(&names, "%s%s", i ? ":" : "",
				   context->passed_names ? context->passed_names[i] : "unknown");
	text = text_buffer_finish(&names);
	number = text_format("%u", context->n_passed);
	if (!text || !number)
		return -ENOMEM;
	r = environment_set_value(list, "LISTEN_PID", PROGRAM_PID_PLACE);
	if (r == 0)
		r = environment_set_value(list, "LISTEN_FDS", number);
	return r < 0 ? r : environment_set_value(list, "LISTEN_FDNAMES", text);
}

/* As systemd: a virtual console is a "linux", the console what our own is said to be, all else the least. */
static const char *environment_terminal_type(const char *path)
{
	static const char console[] = "/dev/tty";
	const char *ours = getenv("TERM");

	if (path && text_starts_with(path, console) && isdigit((unsigned char)path[sizeof console - 1]))
		return "linux";
	return ours && *ours && (!path || strcmp(path, COMPILE_TTY_PATH) == 0) ? ours : "vt220";
}

/* What the process knows only of itself, and what the launch brings: systemd.exec(5), "Environment Variables
 * Set on the Main Service Process". */
static int environment_set_own(const struct build *build, char ***list)
{
	const struct spec *spec = build->spec;
	bool terminal = spec_stream_is_terminal(&spec->standard_input) ||
			spec->standard_output.kind == SPEC_STDIO_TTY ||
			spec->standard_error.kind == SPEC_STDIO_TTY;
	int r = environment_set_value(list, "INVOCATION_ID", PROGRAM_INVOCATION_PLACE);

	if (r == 0)
		r = environment_set_value(list, "SYSTEMD_EXEC_PID", PROGRAM_PID_PLACE);
	if (r == 0)
		r = environment_set_descriptors(build, list);
	if (r == 0 && terminal)
		r = environment_set_value(list, "TERM", environment_terminal_type(spec->tty_path));
	return r;
}

/* What the manager has of its own is about itself: its socket, its notifications. */
static int environment_set_host(char ***list)
{
	static const char *const own[] = {"NOTIFY_SOCKET",	   "LISTEN_PID",       "LISTEN_FDS",
					  "LISTEN_FDNAMES",	   "WATCHDOG_PID",     "WATCHDOG_USEC",
					  "INVOCATION_ID",	   "SYSTEMD_EXEC_PID", "PATH",
					  "CREDENTIALS_DIRECTORY", "SVCD_RUNTIME_DIR"};
	int r = 0;

	for (char **variable = environ; variable && *variable && r == 0; variable++) {
		size_t length = strcspn(*variable, "=");
		bool skip = !(*variable)[length];

		for (size_t i = 0; i < ARRAY_SIZE(own) && !skip; i++)
			skip = strlen(own[i]) == length && strncmp(own[i], *variable, length) == 0;
		if (!skip)
			r = environment_set(list, *variable);
	}
	return r;
}

static int environment_set_passed(struct build *build, char ***list)
{
	int r = 0;

	if (build->spec->environment_host)
		r = environment_set_host(list);
	TEXT_LIST_FOREACH (name, build->spec->pass_environment) {
		const char *value = getenv(*name);

		if (value && r == 0)
			r = environment_set_value(list, *name, value);
	}
	return r;
}

int environment_join(char *const *list, char *const *more, char ***ret)
{
	_cleanup_text_list_ char **joined = NULL;
	int r = 0;

	for (; list && *list && r == 0; list++) {
		_cleanup_free_ char *name = strndup(*list, strcspn(*list, "="));

		if (!name)
			return -ENOMEM;
		if (!environment_get(more, name))
			r = text_list_append(&joined, *list);
	}
	for (; more && *more && r == 0; more++)
		r = text_list_append(&joined, *more);
	if (r == 0)
		*ret = TAKE(joined);
	return r;
}

int environment_assemble(struct build *build, char ***ret)
{
	const struct spec *spec = build->spec;
	_cleanup_text_list_ char **list = NULL;
	bool mounted = build->root != BUILD_ROOT_SHARED && !build->command->full_privileges;
	int r;

	build_no_origin(build);
	r = environment_set_defaults(build, &list);
	if (r == 0)
		r = environment_set_own(build, &list);
	if (r == 0)
		r = environment_set_passed(build, &list);
	if (r == 0)
		r = environment_set_all(&list, spec->environment);
	if (r < 0)
		return build_fail(build, r, "the environment could not be assembled");
	r = environment_read_files(build, &list);
	if (r < 0)
		return r;
	build_no_origin(build);
	if (build->context->notify_socket)
		r = environment_set_value(&list, "NOTIFY_SOCKET",
					  mounted ? filesystem_notify_path(build)
						  : build->context->notify_socket);
	if (r == 0 && build->context->memory_pressure)
		r = environment_set_value(&list, "MEMORY_PRESSURE_WATCH",
					  mounted ? filesystem_pressure_path(build)
						  : build->context->memory_pressure);
	if (r == 0)
		r = environment_set_all(&list, build->context->environment);
	if (r < 0)
		return build_fail(build, r, "the environment could not be assembled");
	environment_unset(list, spec->unset_environment);
	*ret = TAKE(list);
	return 0;
}

/* --- expansion --------------------------------------------------------------------------------------- */

/* The value of the name of LENGTH bytes at NAME; "" when it is unset. */
static const char *environment_value(char *const *environment, const char *name, size_t length)
{
	for (size_t i = 0; environment && environment[i]; i++)
		if (!strncmp(environment[i], name, length) && environment[i][length] == '=')
			return environment_is_place(environment[i] + length + 1)
				       ? ""
				       : environment[i] + length + 1;
	return "";
}

/* Splits VALUE at blanks; quotes group and are removed. */
static int environment_expand_words(const char *value, char ***list)
{
	const char *c = value;
	int r = 0;

	while (r == 0) {
		struct text_buffer word = {};
		char quote = '\0';

		while (isspace((unsigned char)*c))
			c++;
		if (!*c)
			break;
		for (; *c && (quote || !isspace((unsigned char)*c)); c++) {
			if (quote ? *c == quote : (*c == '"' || *c == '\''))
				quote = quote ? '\0' : *c;
			else
				text_buffer_append_bytes(&word, c, 1);
		}
		r = text_list_take(list, text_buffer_finish(&word));
	}
	return r;
}

static char *environment_expand_text(const char *text, char *const *environment)
{
	struct text_buffer buffer = {};
	const char *c = text;

	while (*c) {
		size_t plain = strcspn(c, "$");
		size_t length;

		text_buffer_append_bytes(&buffer, c, plain);
		c += plain;
		if (c[0] == '$' && c[1] == '$') {
			text_buffer_append_bytes(&buffer, "$", 1);
			c += 2;
		} else if (c[0] == '$' && c[1] == '{' && (length = environment_name_length(c + 2)) > 0 &&
			   c[2 + length] == '}') {
			text_buffer_append(&buffer, "%s", environment_value(environment, c + 2, length));
			c += length + 3;
		} else if (*c) {
			text_buffer_append_bytes(&buffer, c++, 1);
		}
	}
	return text_buffer_finish(&buffer);
}

int environment_expand(char *const *words, char *const *environment, char ***ret)
{
	_cleanup_text_list_ char **list = NULL;
	int r = 0;

	for (size_t i = 0; words && words[i] && r == 0; i++) {
		const char *word = words[i];
		size_t length = *word == '$' ? environment_name_length(word + 1) : 0;

		if (i == 0)
			r = text_list_append(&list, word);
		else if (length > 0 && word[1 + length] == '\0')
			r = environment_expand_words(environment_value(environment, word + 1, length), &list);
		else
			r = text_list_take(&list, environment_expand_text(word, environment));
	}
	if (r < 0)
		return r;
	*ret = TAKE(list);
	return 0;
}
