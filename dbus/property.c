/* A directive's value on D-Bus. The kind of value in the directive's row decides the signature and how the
 * field is appended; a row has no code of its own. Where systemd's property of the same name has another type
 * than the kind would give, property_exception.c has a row for it: clients know systemd's.
 * Numbers nobody set, and "infinity", are UINT64_MAX as with systemd. */
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "dbus/parts.h"
#include "units/value.h"
#include "engine/directory.h"

static const char *const property_signatures[VALUE_KIND_MAX_] = {
	[VALUE_TEXT] = "s",
	[VALUE_BOOL] = "b",
	[VALUE_INT] = "i",
	[VALUE_UNSIGNED] = "u",
	[VALUE_USEC] = "t",
	[VALUE_SIZE] = "t",
	[VALUE_LIMIT_SIZE] = "t",
	[VALUE_LIMIT_COUNT] = "t",
	[VALUE_WEIGHT] = "t",
	[VALUE_CPU_QUOTA] = "t",
	[VALUE_PATH] = "s",
	[VALUE_PATH_LIST] = "as",
	[VALUE_TEXT_LIST] = "as",
	[VALUE_UNIT_LIST] = "as",
	[VALUE_ENVIRONMENT] = "as",
	[VALUE_ENVIRONMENT_FILES] = "a(sb)",
	[VALUE_ENUM] = "s",
	[VALUE_MODE] = "u",
	[VALUE_SIGNAL] = "i",
	[VALUE_EXIT_STATUS_SET] = "(aiai)",
	[VALUE_COMMANDS] = "a(sasbttttuii)",
	[VALUE_CAPABILITIES] = "t",
	[VALUE_SYSTEM_CALLS] = "(bas)",
	[VALUE_ERRNO] = "i",
	[VALUE_NAMESPACE_FLAGS] = "t",
	[VALUE_RLIMIT] = "t",
	[VALUE_STREAM] = "s",
	[VALUE_MOUNTS] = NULL, /* by the sort of mount */
	[VALUE_IO_LIMITS] = "a(st)",
	[VALUE_ID_MAP] = "as",
	[VALUE_USER_NAME] = "s",
	[VALUE_CONDITION] = NULL, /* all together are Unit.Conditions and Unit.Asserts */
	[VALUE_DIRECTORIES] = "as",
	[VALUE_CREDENTIALS] = NULL, /* by the sort of credential */
	[VALUE_TIME_OFFSET] = "x",
	[VALUE_REFUSED] = NULL,
	[VALUE_RULES] = "as",
	[VALUE_SPECIAL] = "s",
};

const char *property_name(const struct directive *directive)
{
	const char *name = directive->property ? directive->property : directive->name;

	bool shown = directive->kind != VALUE_CONDITION && directive->kind != VALUE_REFUSED;

	return shown && strcmp(name, "-") != 0 ? name : NULL;
}

/* BindPaths= and its like carry two paths and flags; lists of places are lists of paths. */
static bool property_is_bind(const struct directive *directive)
{
	return text_equal(property_name(directive), "BindPaths") ||
	       text_equal(property_name(directive), "BindReadOnlyPaths") ||
	       text_equal(property_name(directive), "Volume");
}

const char *property_signature(const struct directive *directive)
{
	const struct property_exception *exception = property_exception_find(directive);

	if (exception)
		return exception->signature;
	if (directive->kind == VALUE_CREDENTIALS)
		return property_credential_signature(directive);
	if (directive->kind == VALUE_MOUNTS)
		return property_is_bind(directive) ? "a(ssbt)" : "as";
	return property_signatures[directive->kind];
}

const char *property_second_suffix(const struct directive *directive)
{
	if (directive->kind == VALUE_CREDENTIALS)
		return directive->argument == SPEC_CREDENTIAL_IMPORT ? "Ex" : NULL;
	if (directive->kind == VALUE_DIRECTORIES)
		return directive->argument == SPEC_DIRECTORY_CONFIGURATION ? NULL : "Symlink";
	if (directive->kind == VALUE_STREAM)
		return "FileDescriptorName";
	return directive->kind == VALUE_RLIMIT ? "Soft" : directive->kind == VALUE_COMMANDS ? "Ex" : NULL;
}

const char *property_second_signature(const struct directive *directive)
{
	return directive->kind == VALUE_RLIMIT	      ? "t"
	       : directive->kind == VALUE_STREAM      ? "s"
	       : directive->kind == VALUE_DIRECTORIES ? "a(sst)"
	       : directive->kind == VALUE_CREDENTIALS ? "a(ss)"
						      : "a(sasasttttuii)";
}

int property_append_list(sd_bus_message *message, char *const *list)
{
	return sd_bus_message_append_strv(message, (char **)list);
}

static int property_append_text(sd_bus_message *message, const char *text)
{
	return sd_bus_message_append_basic(message, 's', text ? text : "");
}

static int property_append_u64(sd_bus_message *message, uint64_t value)
{
	return sd_bus_message_append_basic(message, 't', &value);
}

/* --- structures -------------------------------------------------------------------------------------- */

static int property_append_exit_statuses(sd_bus_message *message, const struct exit_status_set *set)
{
	int32_t statuses[256], signals[64];
	size_t n_statuses = 0, n_signals = 0;
	int r;

	for (int i = 0; i < 256; i++)
		if (set->statuses[i / 64] >> (i % 64) & 1)
			statuses[n_statuses++] = i;
	for (int i = 0; i < 64; i++)
		if (set->signals >> i & 1)
			signals[n_signals++] = i;
	r = sd_bus_message_open_container(message, 'r', "aiai");
	if (r >= 0)
		r = sd_bus_message_append_array(message, 'i', statuses, n_statuses * sizeof *statuses);
	if (r >= 0)
		r = sd_bus_message_append_array(message, 'i', signals, n_signals * sizeof *signals);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int property_append_command_flags(sd_bus_message *message, const struct exec_command *command)
{
	const char *flags[5];
	size_t n = 0;

	if (command->ignore_failure)
		flags[n++] = "ignore-failure";
	if (command->full_privileges)
		flags[n++] = "privileged";
	if (command->no_setuid)
		flags[n++] = "no-setuid";
	if (command->no_environment)
		flags[n++] = "no-env-expand";
	flags[n] = NULL;
	return sd_bus_message_append_strv(message, (char **)flags);
}

/* The run of a command line: start and end (realtime, monotonic each), pid, how it ended (CLD_*) and with
 * what. */
static int property_append_run(sd_bus_message *message, const struct unit_process *process)
{
	static const struct unit_process never;
	int code = 0, status = 0;

	if (!process)
		process = &never;
	property_wait_status(process, &code, &status);
	return sd_bus_message_append(message, "ttttuii", process->started_realtime, process->started_at,
				     process->ended_realtime, process->ended_at, (uint32_t)process->pid, code,
				     status);
}

void property_decode_status(int wait_status, int *ret_code, int *ret_status)
{
	*ret_code = *ret_status = 0;
	if (wait_status == LAUNCH_STATUS_LOST)
		return;
	if (WIFEXITED(wait_status)) {
		*ret_code = CLD_EXITED;
		*ret_status = WEXITSTATUS(wait_status);
	} else {
		*ret_code = WCOREDUMP(wait_status) ? CLD_DUMPED : CLD_KILLED;
		*ret_status = WTERMSIG(wait_status);
	}
}

void property_wait_status(const struct unit_process *process, int *ret_code, int *ret_status)
{
	*ret_code = *ret_status = 0;
	if (process->alive || !process->ended_at)
		return;
	if (process->exit_status < 0) {
		property_decode_status(process->wait_status, ret_code, ret_status);
		return;
	}
	*ret_code = CLD_EXITED; /* it never came to execve(2) */
	*ret_status = process->exit_status;
}

static const struct unit_process *property_process_of(const struct unit *unit, enum service_command command,
						      size_t index)
{
	const struct unit_process *processes[] = {&unit->main, &unit->control};

	for (size_t i = 0; i < ARRAY_SIZE(processes); i++)
		if (processes[i]->pid && processes[i]->command == command && processes[i]->index == index)
			return processes[i];
	return NULL;
}

static int property_append_commands(sd_bus_message *message, const struct unit *unit,
				    const struct exec_commands *commands, bool extended)
{
	enum service_command kind = commands - unit->config->commands;
	int r = sd_bus_message_open_container(message, 'a', extended ? "(sasasttttuii)" : "(sasbttttuii)");

	for (size_t i = 0; r >= 0 && i < commands->n; i++) {
		const struct exec_command *command = &commands->items[i];

		r = sd_bus_message_open_container(message, 'r', extended ? "sasasttttuii" : "sasbttttuii");
		if (r >= 0)
			r = property_append_text(message, command->path);
		if (r >= 0)
			r = property_append_list(message, command->argv);
		if (r >= 0)
			r = extended ? property_append_command_flags(message, command)
				     : sd_bus_message_append(message, "b", (int)command->ignore_failure);
		if (r >= 0)
			r = property_append_run(message, property_process_of(unit, kind, i));
		if (r >= 0)
			r = sd_bus_message_close_container(message);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

int property_append_allow_list(sd_bus_message *message, bool allow_list, char *const *names)
{
	int r = sd_bus_message_open_container(message, 'r', "bas");

	if (r >= 0)
		r = sd_bus_message_append(message, "b", (int)allow_list);
	if (r >= 0)
		r = property_append_list(message, names);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int property_append_environment_files(sd_bus_message *message, const struct unit_config *config)
{
	int r = sd_bus_message_open_container(message, 'a', "(sb)");

	for (size_t i = 0; r >= 0 && i < config->spec.n_environment_files; i++)
		r = sd_bus_message_append(message, "(sb)", config->spec.environment_files[i].path,
					  (int)config->spec.environment_files[i].ignore_missing);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int property_append_io_limits(sd_bus_message *message, const struct spec_io_limits *limits)
{
	int r = sd_bus_message_open_container(message, 'a', "(st)");

	for (size_t i = 0; r >= 0 && i < limits->n; i++)
		r = sd_bus_message_append(message, "(st)", limits->items[i].path, limits->items[i].value);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int property_append_mount(sd_bus_message *message, const struct directive *directive,
				 const struct spec_mount *mount)
{
	_cleanup_free_ char *place = NULL;

	if (property_is_bind(directive))
		return sd_bus_message_append(message, "(ssbt)", mount->source ? mount->source : "",
					     mount->target ?: "", (int)mount->ignore_missing,
					     (uint64_t)(mount->recursive ? 16384 : 0));
	if (text_equal(property_signature(directive), "a(ss)"))
		return sd_bus_message_append(message, "(ss)", mount->target,
					     mount->options ? mount->options : "");
	place = text_format("%s%s%s%s%s", mount->ignore_missing ? "-" : "", mount->in_root ? "+" : "",
			    mount->target ?: mount->source, mount->options ? ":" : "",
			    mount->options ? mount->options : "");
	return place ? sd_bus_message_append_basic(message, 's', place) : -ENOMEM;
}

static int property_append_mounts(sd_bus_message *message, const struct directive *directive,
				  const struct spec_mounts *mounts)
{
	int r = sd_bus_message_open_container(message, 'a', property_signature(directive) + 1);

	for (size_t i = 0; r >= 0 && i < mounts->n; i++)
		r = property_append_mount(message, directive, &mounts->items[i]);
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static int property_append_id_map(sd_bus_message *message, const struct spec_id_map *map)
{
	int r = sd_bus_message_open_container(message, 'a', "s");

	for (size_t i = 0; r >= 0 && i < map->n_ranges; i++) {
		char text[64];

		snprintf(text, sizeof text, "%u:%u:%u", map->ranges[i].inside, map->ranges[i].outside,
			 map->ranges[i].count);
		r = sd_bus_message_append_basic(message, 's', text);
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

/* The paths alone, or with SYMLINKS those that have a link or flags: path, link, 1 for read-only. */
static int property_append_directories(sd_bus_message *message, char *const *entries, bool symlinks)
{
	int r = sd_bus_message_open_container(message, 'a', symlinks ? "(sst)" : "s");

	for (; entries && *entries && r >= 0; entries++) {
		_cleanup_free_ char *path = directory_path(*entries), *link = directory_link(*entries);

		if (!path)
			return -ENOMEM;
		if (!symlinks)
			r = sd_bus_message_append_basic(message, 's', path);
		else if (strchr(*entries, ':'))
			r = sd_bus_message_append(message, "(sst)", path, link ? link : "",
						  (uint64_t)directory_is_read_only(*entries));
	}
	return r < 0 ? r : sd_bus_message_close_container(message);
}

static uint64_t property_rlimit(const struct directive *directive, const struct spec_rlimit *limit, bool soft)
{
	struct rlimit ours = {RLIM_INFINITY, RLIM_INFINITY};
	rlim_t value;

	if (!limit->set)
		getrlimit(directive->argument, &ours); /* what the service inherits */
	value = limit->set ? soft ? limit->soft : limit->hard : soft ? ours.rlim_cur : ours.rlim_max;
	return value == RLIM_INFINITY ? UINT64_MAX : value;
}

/* --- the two entries --------------------------------------------------------------------------------- */

static int property_append_number(sd_bus_message *message, const struct directive *directive,
				  const void *field)
{
	uint64_t value = *(const uint64_t *)field;

	if (directive->kind == VALUE_CAPABILITIES)
		value &= (UINT64_C(1) << (CAP_LAST_CAP + 1)) - 1;
	else if (value == SPEC_LIMIT_MAX)
		value = UINT64_MAX;
	else if (value == SPEC_UNSET && directive->kind == VALUE_LIMIT_SIZE &&
		 directive->argument & VALUE_SIZE_PROTECTS)
		value = 0;
	return property_append_u64(message, value);
}

/* As the user would write it, for what has no type on D-Bus. */
static int property_append_printed(sd_bus_message *message, const struct directive *directive,
				   const struct unit_config *config)
{
	_cleanup_free_ char *text = directive_print(directive, config);

	return text ? sd_bus_message_append_basic(message, 's', text) : -ENOMEM;
}

int property_append(sd_bus_message *message, const struct directive *directive, const struct unit *unit)
{
	const void *field = directive_field(directive, unit->config);
	const struct spec_system_calls *calls = field;

	const struct property_exception *exception = property_exception_find(directive);

	if (exception)
		return exception->append ? exception->append(message, &unit->config->spec)
					 : property_append_mounts(message, directive, field);
	switch (directive->kind) {
	case VALUE_TEXT:
	case VALUE_PATH:
	case VALUE_USER_NAME:
		return property_append_text(message, *(char *const *)field);
	case VALUE_BOOL:
		return sd_bus_message_append(message, "b", (int)*(const bool *)field);
	case VALUE_INT:
	case VALUE_SIGNAL:
	case VALUE_ERRNO:
		return sd_bus_message_append_basic(message, 'i', field);
	case VALUE_UNSIGNED:
	case VALUE_MODE:
		return sd_bus_message_append_basic(message, 'u', field);
	case VALUE_USEC:
	case VALUE_SIZE:
	case VALUE_LIMIT_SIZE:
	case VALUE_LIMIT_COUNT:
	case VALUE_WEIGHT:
	case VALUE_CPU_QUOTA:
	case VALUE_CAPABILITIES:
	case VALUE_NAMESPACE_FLAGS:
		return property_append_number(message, directive, field);
	case VALUE_TIME_OFFSET:
		return sd_bus_message_append_basic(message, 'x', field);
	case VALUE_PATH_LIST:
	case VALUE_TEXT_LIST:
	case VALUE_RULES:
	case VALUE_UNIT_LIST:
	case VALUE_ENVIRONMENT:
		return property_append_list(message, *(char **const *)field);
	case VALUE_CREDENTIALS:
		return property_credential_append(message, directive, *(char **const *)field, false);
	case VALUE_DIRECTORIES:
		return property_append_directories(message, *(char **const *)field, false);
	case VALUE_ENVIRONMENT_FILES:
		return property_append_environment_files(message, unit->config);
	case VALUE_EXIT_STATUS_SET:
		return property_append_exit_statuses(message, field);
	case VALUE_COMMANDS:
		return property_append_commands(message, unit, field, false);
	case VALUE_SYSTEM_CALLS:
		return property_append_allow_list(message, calls->allow_list, calls->names);
	case VALUE_RLIMIT:
		return property_append_u64(message, property_rlimit(directive, field, false));
	case VALUE_MOUNTS:
		return property_append_mounts(message, directive, field);
	case VALUE_IO_LIMITS:
		return property_append_io_limits(message, field);
	case VALUE_ID_MAP:
		return property_append_id_map(message, field);
	case VALUE_ENUM:
	case VALUE_STREAM:
	case VALUE_SPECIAL:
		return property_append_printed(message, directive, unit->config);
	case VALUE_CONDITION:
	case VALUE_REFUSED:
	case VALUE_KIND_MAX_:
		break;
	}
	return -EINVAL;
}

int property_append_second(sd_bus_message *message, const struct directive *directive,
			   const struct unit *unit)
{
	const void *field = directive_field(directive, unit->config);

	if (directive->kind == VALUE_STREAM) {
		const struct spec_stream *stream = field;

		return property_append_text(message, stream->kind == SPEC_STDIO_FD ? stream->path : "");
	}
	if (directive->kind == VALUE_COMMANDS)
		return property_append_commands(message, unit, field, true);
	if (directive->kind == VALUE_DIRECTORIES)
		return property_append_directories(message, *(char **const *)field, true);
	if (directive->kind == VALUE_CREDENTIALS)
		return property_credential_append(message, directive, *(char **const *)field, true);
	return property_append_u64(message, property_rlimit(directive, field, true));
}
