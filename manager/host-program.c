/* The launch programs of a unit's command lines: compiled once, kept for the next start, named when a step of
 * them failed, told by `svcctl explain`. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/credential.h"
#include "manager/host-filter.h"

const char *const host_command_names[SERVICE_COMMAND_MAX_] = {
	[SERVICE_EXEC_CONDITION] = "ExecCondition", [SERVICE_EXEC_START_PRE] = "ExecStartPre",
	[SERVICE_EXEC_START] = "ExecStart",	    [SERVICE_EXEC_START_POST] = "ExecStartPost",
	[SERVICE_EXEC_RELOAD] = "ExecReload",	    [SERVICE_EXEC_STOP] = "ExecStop",
	[SERVICE_EXEC_STOP_POST] = "ExecStopPost",
};

bool host_command_no_terminal(enum service_command command)
{
	return command == SERVICE_EXEC_START_POST || command == SERVICE_EXEC_RELOAD ||
	       command == SERVICE_EXEC_STOP;
}

/* The same of a line of the config's. */
static bool host_line_no_terminal(const struct unit_config *config, const struct exec_command *line)
{
	for (int i = 0; i < SERVICE_COMMAND_MAX_; i++)
		if (host_command_no_terminal((enum service_command)i) && config->commands[i].n > 0 &&
		    line >= config->commands[i].items &&
		    line < config->commands[i].items + config->commands[i].n)
			return true;
	return false;
}

struct host_program *host_program_unref(struct host_program *program)
{
	if (!program || --program->references > 0)
		return NULL;
	program_free(program->program);
	fd_close(program->memfd);
	free(program);
	return NULL;
}

void host_launch_forget_programs(struct host_unit *unit)
{
	for (size_t i = 0; i < unit->n_programs; i++)
		host_program_unref(unit->programs[i]);
	free(unit->programs);
	unit->programs = NULL;
	unit->n_programs = 0;
}

/* Puts the place and the directive that asked for it in front of a message of the engine's. */
int host_launch_blame(const struct unit_config *config, uint32_t origin, unsigned item,
		      struct failure *failure)
{
	const char *directive = NULL;
	char text[sizeof failure->text];

	if (!config || origin == PROGRAM_NO_ORIGIN ||
	    !unit_config_origin(config, origin, item, failure->where, sizeof failure->where, &directive))
		return failure_add_where(failure, config ? config->name : "");
	snprintf(text, sizeof text, "%s=: %.400s", directive, failure->text);
	memcpy(failure->text, text, sizeof text);
	return failure->error;
}

/* --- compiling and keeping --- */

/* Changes when a file changes by which users and groups are resolved: the cached programs hold numbers. */
static uint64_t host_launch_add_file(uint64_t generation, const char *path)
{
	struct stat status = {};

	stat(path, &status);
	return generation * 1000003u ^ ((uint64_t)status.st_mtim.tv_sec * 1000000000u +
					(uint64_t)status.st_mtim.tv_nsec + (uint64_t)status.st_ino);
}

/* What a disk image looks like is compiled into the program, too. A start of a unit without images reads none. */
static uint64_t host_launch_add_images(uint64_t generation, const struct spec *spec)
{
	const struct spec_mounts *const lists[] = {&spec->mount_images, &spec->extension_images};
	const char *const paths[] = {spec->root_image, spec->root_hash, spec->root_verity,
				     spec->root_hash_signature};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (paths[i])
			generation = host_launch_add_file(generation, paths[i]);
	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			generation = host_launch_add_file(generation, lists[l]->items[i].source);
	TEXT_LIST_FOREACH (layer, spec->image_layers) {
		struct stat status;

		if (stat(*layer, &status) == 0 && !S_ISDIR(status.st_mode))
			generation = host_launch_add_file(generation, *layer);
	}
	return generation;
}

static uint64_t host_launch_generation(const struct spec *spec)
{
	static const char *const files[] = {"etc/passwd", "etc/group"};
	const char *root = spec->image_layers ? spec->image_layers[0] : spec->root_directory;
	uint64_t generation = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[4096];

		snprintf(path, sizeof path, "%s/%s", root && strcmp(root, "/") != 0 ? root : "", files[i]);
		generation = host_launch_add_file(generation, path);
	}
	return host_launch_add_images(generation, spec);
}

bool host_launch_wants_notify(const struct unit_config *config)
{
	return config->type == SERVICE_NOTIFY || config->type == SERVICE_NOTIFY_RELOAD ||
	       config->notify_access != SERVICE_NOTIFY_NONE || config->watchdog > 0;
}

int host_launch_prepare(const struct host *host, const char *unit, const struct spec *spec,
			struct compile_context *context, char ***kept)
{
	char *passwd, *group;
	int r = host_credential_prepare(host, unit, spec, context, kept);

	context->dynamic_uid = host_user_of(host, unit, spec);
	if (r < 0 || context->dynamic_uid == 0)
		return r;
	passwd = host_user_file(host, unit, "passwd");
	group = host_user_file(host, unit, "group");
	context->dynamic_passwd = passwd;
	context->dynamic_group = group;
	r = text_list_take(kept, passwd);
	return r < 0 ? r : text_list_take(kept, group);
}

/* Compiles one command line. *RET_ORIGIN and *RET_ITEM as compile(). */
static int host_launch_compile(struct host *host, const char *unit, const struct unit_config *config,
			       const struct exec_command *line, char *const *environment,
			       struct host_join join, const struct host_passed *passed, struct program **ret,
			       struct failure *failure, uint32_t *ret_origin, uint16_t *ret_item)
{
	_cleanup_free_ char *notify = NULL, *pressure = NULL, *point = NULL, *name = strdup(unit);
	_cleanup_text_list_ char **own = NULL;
	struct compile_command command = {
		.path = line->path,
		.argv = line->argv,
		.full_privileges = line->full_privileges,
		.no_setuid = line->no_setuid,
		.no_terminal = host_line_no_terminal(config, line),
		.expand = !line->no_environment,
	};
	struct compile_context context = {
		.state_directory = host->container_directory,
		.volume_directory = host->volume_directory,
		.directories = (const char *const *)host->directories,
		.in_cgroup = host->cgroups.root_fd >= 0,
		.n_passed = passed ? (unsigned)passed->n : 0,
		.passed_names = passed ? passed->names : NULL,
		.join_exactly = join.pidfd >= 0,
		.join_pidfd = join.pidfd,
		.join_namespaces = join.namespaces,
	};
	_cleanup_text_list_ char **kept = NULL;
	struct host_shared shared;
	int r = text_list_copy(environment, &own);

	if (r == 0)
		r = host_launch_prepare(host, unit, &config->spec, &context, &kept);
	if (r == 0 && config->watchdog > 0 && config->watchdog != USEC_INFINITY)
		r = text_list_take(&own, text_format("WATCHDOG_USEC=%" PRIu64, config->watchdog));
	if (r == 0 && config->watchdog > 0 && config->watchdog != USEC_INFINITY)
		r = text_list_append(&own, "WATCHDOG_PID=" PROGRAM_PID_PLACE);
	if (r == 0 && config->pid_file)
		r = text_list_take(&own, text_format("PIDFILE=%s", config->pid_file));
	if (r == 0 && config->spec.limits)
		r = host_oom_add_environment(host, unit, config, &own, &pressure);
	if (r == 0 && pressure && !(point = text_format("%s/memory-pressure", host->runtime_directory)))
		r = -ENOMEM;
	if (r == 0 && host_launch_wants_notify(config) && !(notify = host_notify_path(host, unit)))
		r = -ENOMEM;
	if (r < 0 || !name)
		return failure_set(failure, -ENOMEM, unit, "cannot compile");
	if (strrchr(name, '.'))
		*strrchr(name, '.') = '\0';
	shared = host_share_wanted(host, unit, config);
	context.shared = shared.namespaces;
	context.shared_tmp = shared.tmp;
	context.name = name;
	context.environment = own;
	context.notify_socket = notify;
	context.memory_pressure = pressure;
	context.pressure_point = point;
	if (config->spec.user_namespace == SPEC_USER_AUTO || config->spec.user_namespace == SPEC_USER_NO_MAP)
		context.auto_range = host_memory_id_range(host, unit, config->spec.user_namespace_size);
	return compile(&config->spec, &command, &context, ret, failure, ret_origin, ret_item);
}

static bool host_launch_cachable(const struct world_launch *launch)
{
	const struct spec *spec = &launch->config->spec;

	/* Files and namespaces that may be others next time. */
	return text_list_length(launch->environment) == 0 && spec->n_environment_files == 0 &&
	       spec->open_files.n == 0 && !spec->seccomp_profile && spec->user_namespace != SPEC_USER_SUB &&
	       !credential_varies(spec) && !spec->namespace_paths[SPEC_NAMESPACE_USER];
}

/* ExecStartPost, ExecReload and ExecStop act on a running container, so they run inside it, in the namespaces that its
 * main process really has: the unit file may have changed. Otherwise the command gets the isolation that its own
 * program makes. */
struct host_join host_launch_join(struct host *host, const struct world_launch *launch)
{
	const struct unit *unit = manager_get_unit(host->manager, launch->unit);
	struct host_join join = {.pidfd = -1};

	if (launch->command != SERVICE_EXEC_START_POST && launch->command != SERVICE_EXEC_RELOAD &&
	    launch->command != SERVICE_EXEC_STOP)
		return join;
	if (!unit || !unit->main.alive || unit->main.pid <= 0 ||
	    host_exec_namespaces(unit->main.pid, &join.namespaces) < 0)
		return join;
	if (launch->config->is_container || launch->config->spec.private_pids ||
	    join.namespaces & CLONE_NEWPID)
		join.pidfd = (int)syscall(SYS_pidfd_open, unit->main.pid, 0);
	return join;
}

/* $MAINPID inside a container is the number its main process has there. */
static int host_launch_inner_environment(const struct world_launch *launch, char ***ret)
{
	_cleanup_text_list_ char **list = NULL;

	for (char *const *item = launch->environment; item && *item; item++) {
		_cleanup_free_ char *status = NULL;
		char path[64], *line, *last;

		if (text_starts_with(*item, "MAINPID=")) {
			snprintf(path, sizeof path, "/proc/%.20s/status", *item + strlen("MAINPID="));
			if (fd_read_file_at(AT_FDCWD, path, 65536, &status) < 0 ||
			    !(line = strstr(status, "\nNSpid:")))
				continue;
			line[strcspn(line + 1, "\n") + 1] = '\0';
			last = strrchr(line, '\t');
			if (text_list_take(&list, text_format("MAINPID=%s", last ? last + 1 : "")) < 0)
				return -ENOMEM;
		} else if (text_list_append(&list, *item) < 0)
			return -ENOMEM;
	}
	*ret = TAKE(list);
	return 0;
}

static struct host_program *host_program_new(unsigned command, unsigned index)
{
	struct host_program *program = malloc(sizeof *program);

	if (program)
		*program = (struct host_program){
			.references = 1, .memfd = -1, .command = (uint8_t)command, .index = (uint16_t)index};
	return program;
}

static struct host_program *host_program_cached(const struct host_unit *unit, unsigned command,
						unsigned index)
{
	for (size_t i = 0; i < unit->n_programs; i++)
		if (unit->programs[i]->command == command && unit->programs[i]->index == index) {
			unit->programs[i]->references++;
			return unit->programs[i];
		}
	return NULL;
}

/* Without memory it is simply not kept. */
static void host_program_keep(struct host_unit *unit, struct host_program *program)
{
	struct host_program **larger = realloc(unit->programs, (unit->n_programs + 1) * sizeof *larger);

	if (!larger)
		return;
	unit->programs = larger;
	unit->programs[unit->n_programs++] = program;
	program->references++;
}

/* Compiles for one launch, into a sealed memfd. */
static int host_program_make(struct host_unit *unit, const struct world_launch *launch, struct host_join join,
			     const struct host_passed *passed, struct host_program *program,
			     struct failure *failure, int *ret_exit_status)
{
	const struct exec_command *line = &launch->config->commands[launch->command].items[launch->index];
	_cleanup_text_list_ char **inner = NULL;
	char *const *environment = launch->environment;
	uint32_t origin = PROGRAM_NO_ORIGIN;
	uint16_t item = 0;
	int r = 0;

	if (join.pidfd >= 0) {
		r = host_launch_inner_environment(launch, &inner);
		environment = inner;
	}
	if (r == 0)
		r = host_launch_compile(unit->host, unit->name, launch->config, line, environment, join,
					passed, &program->program, failure, &origin, &item);
	else
		failure_set(failure, r, unit->name, "cannot compile");
	if (r == 0 && (program->memfd = program_seal(program->program)) < 0)
		r = failure_set(failure, program->memfd, unit->name,
				"cannot keep the launch program in a memfd");
	if (r < 0) {
		*ret_exit_status = compile_exit_status(origin);
		host_launch_blame(launch->config, origin, item, failure);
	}
	return r;
}

int host_launch_program(struct host_unit *unit, const struct world_launch *launch, struct host_join join,
			const struct host_passed *passed, struct host_program **ret, struct failure *failure,
			int *ret_exit_status)
{
	struct host_shared shared = host_share_wanted(unit->host, unit->name, launch->config);
	uint64_t generation = host_launch_generation(&launch->config->spec) ^ shared.namespaces ^ shared.tmp ^
			      (uint64_t)host_user_of(unit->host, unit->name, &launch->config->spec) << 32;
	bool cachable = host_launch_cachable(launch) && join.pidfd < 0;
	struct host_program *program;
	int r;

	if (unit->generation != generation) {
		host_launch_forget_programs(unit);
		unit->generation = generation;
	}
	program = cachable ? host_program_cached(unit, launch->command, launch->index) : NULL;
	if (program) {
		*ret = program;
		return 0;
	}
	program = host_program_new(launch->command, launch->index);
	if (!program)
		return failure_set(failure, -ENOMEM, unit->name, "cannot compile");
	r = host_program_make(unit, launch, join, passed, program, failure, ret_exit_status);
	if (r < 0) {
		host_program_unref(program);
		return r;
	}
	if (cachable)
		host_program_keep(unit, program);
	*ret = program;
	return 0;
}

/* --- what failed --- */

/* Compiled for looking at, not for running. NULL when it does not compile. */
static struct host_program *host_launch_compile_again(struct host *host, const char *unit,
						      const struct unit_config *config, unsigned command,
						      unsigned index)
{
	struct host_program *program = host_program_new(command, index);

	if (!program)
		return NULL;
	if (host_launch_compile(host, unit, config, &config->commands[command].items[index], NULL,
				(struct host_join){.pidfd = -1}, NULL, &program->program, NULL, NULL,
				NULL) < 0)
		return host_program_unref(program);
	return program;
}

struct host_program *host_launch_main_program(struct host *host, const struct unit *unit)
{
	struct host_unit *host_unit = host_unit_find(host, unit->name);
	struct host_program *cached =
		host_unit ? host_program_cached(host_unit, SERVICE_EXEC_START, 0) : NULL;

	if (cached)
		return cached;
	if (unit->config->commands[SERVICE_EXEC_START].n == 0)
		return NULL;
	return host_launch_compile_again(host, unit->name, unit->config, SERVICE_EXEC_START, 0);
}

void host_launch_learn_ids(struct host_unit *unit)
{
	const struct unit *managed = manager_get_unit(unit->host->manager, unit->name);
	struct host_program *program;

	if (unit->uid != (uid_t)-1 || !managed)
		return;
	program = host_launch_main_program(unit->host, managed);
	if (program) {
		unit->uid = program->program->uid;
		unit->gid = program->program->gid;
	}
	host_program_unref(program);
}

/* The program a failed record ran: the launch's own, or compiled again after a restart of the manager. */
static struct host_program *host_launch_find_program(struct host *host, const struct unit_config *config,
						     const struct launch_record *record)
{
	struct host_launch *launch = host_launch_find(host, &record->head.id);

	if (launch && launch->program) {
		launch->program->references++;
		return launch->program;
	}
	if (!launch || !config || launch->index >= config->commands[launch->command].n)
		return NULL;
	return host_launch_compile_again(host, launch->unit ? launch->unit->name : config->name, config,
					 launch->command, launch->index);
}

/* The first line of the user's that needs a mount or PID namespace: clone3(2) does not say which it refused. */
static uint32_t host_program_first_namespace(const struct unit_config *config)
{
	static const uint32_t fields[] = {
		offsetof(struct spec, private_pids),
		offsetof(struct spec, private_network),
		offsetof(struct spec, namespace_paths[SPEC_NAMESPACE_NETWORK]),
		offsetof(struct spec, private_ipc),
		offsetof(struct spec, mount_propagation),
		offsetof(struct spec, image_layers),
		offsetof(struct spec, root_directory),
		offsetof(struct spec, root_image),
		offsetof(struct spec, private_mounts),
		offsetof(struct spec, private_tmp),
		offsetof(struct spec, private_devices),
		offsetof(struct spec, protect_system),
		offsetof(struct spec, protect_home),
		offsetof(struct spec, protect_proc),
		offsetof(struct spec, process_subset_pid),
		offsetof(struct spec, protect_kernel_tunables),
		offsetof(struct spec, protect_kernel_modules),
		offsetof(struct spec, protect_kernel_logs),
		offsetof(struct spec, control_groups),
		offsetof(struct spec, mount_api_vfs),
		offsetof(struct spec, bind_paths),
		offsetof(struct spec, bind_read_only_paths),
		offsetof(struct spec, temporary_file_systems),
		offsetof(struct spec, read_only_paths),
		offsetof(struct spec, read_write_paths),
		offsetof(struct spec, inaccessible_paths),
		offsetof(struct spec, exec_paths),
		offsetof(struct spec, no_exec_paths),
		offsetof(struct spec, volumes),
		offsetof(struct spec, tmpfs),
	};
	const char *directive;
	char where[256];

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (unit_config_origin(config, fields[i], 0, where, sizeof where, &directive))
			return fields[i];
	return PROGRAM_NO_ORIGIN;
}

/* What the errno does not say. */
static const char *host_program_hint(const struct program_op *op, int error)
{
	bool mapped =
		(op->code == PROGRAM_OVERLAY && op->slot != PROGRAM_SLOT_NONE) ||
		((op->code == PROGRAM_BIND || op->code == PROGRAM_TREE) && op->number != PROGRAM_SLOT_NONE);

	/* mount_setattr(2), MOUNT_ATTR_IDMAP */
	return mapped && error == -EINVAL ? " (the file system, or this kernel, cannot map ids)" : "";
}

/* The line to blame for a step: where a default asked for it, the one that asked for a mount namespace at all. */
static uint32_t host_program_origin(const struct unit_config *config, const struct program_op *op)
{
	const char *directive;
	char where[256];

	if (!config || program_exit_status(op) != HOST_EXIT_NAMESPACE ||
	    (op->origin != PROGRAM_NO_ORIGIN &&
	     unit_config_origin(config, op->origin, op->origin_item, where, sizeof where, &directive)))
		return op->origin;
	return host_program_first_namespace(config);
}

void host_launch_describe(struct world *world, const char *name, const struct launch_record *record,
			  struct failure *failure, int *ret_exit_status)
{
	struct host *host = host_of_world(world);
	const struct unit *unit = manager_get_unit(host->manager, name);
	const struct unit_config *config = unit ? unit->config : NULL;
	struct host_program *program = NULL;
	int error = record->failed_errno ? -record->failed_errno : -EIO;

	*ret_exit_status = HOST_EXIT_FDS;
	if (record->failed_op == LAUNCH_OP_CLONE) {
		failure_set(failure, error, NULL,
			    "cannot create a process with the namespaces that this needs");
		*ret_exit_status = HOST_EXIT_NAMESPACE;
		host_launch_blame(config, config ? host_program_first_namespace(config) : PROGRAM_NO_ORIGIN,
				  0, failure);
		failure_add_where(failure, name);
		return;
	}
	if (record->failed_op == LAUNCH_OP_PROTOCOL) {
		failure_set(failure, error, name, "the launch could not be handed to svc-init");
		return;
	}
	program = host_launch_find_program(host, config, record);
	if (!program || record->failed_op >= program->program->block->n_ops)
		failure_set(failure, error, name, "step %u of the launch failed", record->failed_op);
	else {
		const struct program_op *op = &program_ops(program->program->block)[record->failed_op];
		_cleanup_free_ char *text = program_print_op(program->program->block, record->failed_op);

		failure_set(failure, error, NULL, "%.400s%s", text ? text : program_op_info[op->code].name,
			    host_program_hint(op, error));
		host_launch_blame(config, host_program_origin(config, op), op->origin_item, failure);
		*ret_exit_status = program_exit_status(op);
	}
	host_program_unref(program);
}

/* --- explain --- */

void host_steps_free(struct host_steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		free(steps->items[i].command);
		free(steps->items[i].operation);
		free(steps->items[i].where);
		free(steps->items[i].directive);
	}
	free(steps->items);
	*steps = (struct host_steps){};
}

static int host_steps_append(struct host_steps *steps, const struct unit_config *config, const char *command,
			     const struct program *program, uint32_t index)
{
	const struct program_op *op = &program_ops(program->block)[index];
	const char *directive = "";
	char where[256] = "";
	struct host_step *larger = realloc(steps->items, (steps->n + 1) * sizeof *larger), *step;

	if (!larger)
		return -ENOMEM;
	steps->items = larger;
	if (op->origin == PROGRAM_NO_ORIGIN ||
	    !unit_config_origin(config, op->origin, op->origin_item, where, sizeof where, &directive)) {
		where[0] = '\0';
		directive = "";
	}
	step = &steps->items[steps->n++];
	*step = (struct host_step){.command = strdup(command),
				   .operation = program_print_op(program->block, index),
				   .where = strdup(where),
				   .directive = strdup(directive)};
	return step->command && step->operation && step->where && step->directive ? 0 : -ENOMEM;
}

int host_explain(struct host *host, struct unit *unit, struct host_steps *ret, struct failure *failure)
{
	const struct unit_config *config = unit->config;
	struct host_steps steps = {};
	int filtered = host_filter_explain(host, config, &steps, failure);

	if (filtered >= 0 && host_limits_explain(host, unit, &steps) < 0)
		filtered = failure_set(failure, -ENOMEM, unit->name, "cannot tell its limits");
	if (filtered < 0) {
		host_steps_free(&steps);
		return filtered;
	}
	for (int command = 0; command < SERVICE_COMMAND_MAX_; command++)
		for (size_t i = 0; i < config->commands[command].n; i++) {
			_cleanup_(cleanup_program_free) struct program *program = NULL;
			uint32_t origin = PROGRAM_NO_ORIGIN;
			uint16_t item = 0;
			int r = host_launch_compile(
				host, unit->name, config, &config->commands[command].items[i], NULL,
				(struct host_join){.pidfd = -1}, NULL, &program, failure, &origin, &item);

			if (r < 0)
				host_launch_blame(config, origin, item, failure);
			for (uint32_t op = 0; r == 0 && op < program->block->n_ops; op++)
				r = host_steps_append(&steps, config, host_command_names[command], program,
						      op);
			if (r < 0) {
				host_steps_free(&steps);
				return r;
			}
		}
	*ret = steps;
	return 0;
}
