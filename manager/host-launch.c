/* From a unit's command line to a running process: compile (or take the cached program), prepare the cgroup,
 * open what the program needs, send it all to svc-init. A cached start costs the cgroup, a pipe and one
 * message. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "manager/host-private.h"

static const char *const host_command_names[SERVICE_COMMAND_MAX_] = {
	[SERVICE_EXEC_CONDITION] = "ExecCondition", [SERVICE_EXEC_START_PRE] = "ExecStartPre",
	[SERVICE_EXEC_START] = "ExecStart",	    [SERVICE_EXEC_START_POST] = "ExecStartPost",
	[SERVICE_EXEC_RELOAD] = "ExecReload",	    [SERVICE_EXEC_STOP] = "ExecStop",
	[SERVICE_EXEC_STOP_POST] = "ExecStopPost",
};

/* systemd's EXIT_* for what fails outside the launch program (systemd.exec(5)). */
enum { HOST_EXIT_FDS = 202, HOST_EXIT_STDIN = 208, HOST_EXIT_STDOUT = 209, HOST_EXIT_CGROUP = 219 };

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
static int host_launch_blame(const struct unit_config *config, uint32_t origin, unsigned item,
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

/* --- programs ------------------------------------------------------------------------------------------ */

/* Changes when a file changes by which users and groups are resolved: the cached programs hold numbers. */
static uint64_t host_launch_generation(const struct spec *spec)
{
	static const char *const files[] = {"etc/passwd", "etc/group"};
	const char *root = spec->image_layers ? spec->image_layers[0] : spec->root_directory;
	uint64_t generation = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[4096];
		struct stat status = {};

		snprintf(path, sizeof path, "%s/%s", root && strcmp(root, "/") != 0 ? root : "", files[i]);
		stat(path, &status);
		generation =
			generation * 1000003u ^ ((uint64_t)status.st_mtim.tv_sec * 1000000000u +
						 (uint64_t)status.st_mtim.tv_nsec + (uint64_t)status.st_ino);
	}
	return generation;
}

static bool host_launch_wants_notify(const struct unit_config *config)
{
	return config->type == SERVICE_NOTIFY || config->type == SERVICE_NOTIFY_RELOAD ||
	       config->notify_access != SERVICE_NOTIFY_NONE || config->watchdog > 0;
}

/* Compiles one command line. *RET_ORIGIN and *RET_ITEM as compile(). */
static int host_launch_compile(struct host *host, const char *unit, const struct unit_config *config,
			       const struct exec_command *line, char *const *environment,
			       struct program **ret, struct failure *failure, uint32_t *ret_origin,
			       uint16_t *ret_item)
{
	_cleanup_free_ char *notify = NULL, *name = strdup(unit);
	_cleanup_text_list_ char **own = NULL;
	struct compile_command command = {
		.path = line->path,
		.argv = line->argv,
		.full_privileges = line->full_privileges,
		.no_setuid = line->no_setuid,
		.expand = !line->no_environment,
	};
	struct compile_context context = {
		.state_directory = host->state_directory,
		.in_cgroup = host->cgroups.root_fd >= 0,
		.join_pidfd = -1,
	};
	int r = text_list_copy(environment, &own);

	if (r == 0 && config->watchdog > 0 && config->watchdog != USEC_INFINITY)
		r = text_list_take(&own, text_format("WATCHDOG_USEC=%" PRIu64, config->watchdog));
	if (r == 0 && host_launch_wants_notify(config) && !(notify = host_notify_path(host, unit)))
		r = -ENOMEM;
	if (r < 0 || !name)
		return failure_set(failure, -ENOMEM, unit, "cannot compile");
	if (strrchr(name, '.'))
		*strrchr(name, '.') = '\0';
	context.name = name;
	context.environment = own;
	context.notify_socket = notify;
	if (config->spec.user_namespace == SPEC_USER_AUTO)
		context.auto_range = host_memory_id_range(host, unit);
	return compile(&config->spec, &command, &context, ret, failure, ret_origin, ret_item);
}

static bool host_launch_cachable(const struct world_launch *launch)
{
	return text_list_length(launch->environment) == 0 && launch->config->spec.n_environment_files == 0;
}

/* The program for a launch, with a reference for the caller. */
static int host_launch_program(struct host_unit *unit, const struct world_launch *launch,
			       struct host_program **ret, struct failure *failure, int *ret_exit_status)
{
	uint64_t generation = host_launch_generation(&launch->config->spec);
	struct host_program *made, **larger;
	uint32_t origin = PROGRAM_NO_ORIGIN;
	uint16_t item = 0;
	int r;

	if (unit->compiled_from != launch->config || unit->generation != generation) {
		host_launch_forget_programs(unit);
		unit->compiled_from = launch->config;
		unit->generation = generation;
	}
	for (size_t i = 0; i < unit->n_programs && host_launch_cachable(launch); i++)
		if (unit->programs[i]->command == launch->command &&
		    unit->programs[i]->index == launch->index) {
			unit->programs[i]->references++;
			*ret = unit->programs[i];
			return 0;
		}

	made = malloc(sizeof *made);
	if (!made)
		return failure_set(failure, -ENOMEM, unit->name, "cannot compile");
	*made = (struct host_program){.references = 1,
				      .memfd = -1,
				      .command = (uint8_t)launch->command,
				      .index = (uint8_t)launch->index};
	r = host_launch_compile(unit->host, unit->name, launch->config,
				&launch->config->commands[launch->command].items[launch->index],
				launch->environment, &made->program, failure, &origin, &item);
	if (r == 0 && (made->memfd = program_seal(made->program)) < 0)
		r = failure_set(failure, made->memfd, unit->name,
				"cannot keep the launch program in a memfd");
	if (r < 0) {
		*ret_exit_status = compile_exit_status(origin);
		host_launch_blame(launch->config, origin, item, failure);
		host_program_unref(made);
		return r;
	}
	if (host_launch_cachable(launch)) {
		larger = realloc(unit->programs, (unit->n_programs + 1) * sizeof *larger);
		if (larger) { /* without memory it is simply not cached */
			unit->programs = larger;
			unit->programs[unit->n_programs++] = made;
			made->references++;
		}
	}
	*ret = made;
	return 0;
}

/* --- descriptors --------------------------------------------------------------------------------------- */

/* Everything that goes along with LAUNCH_SPAWN, in its order; closed by host_bag_close() or consumed by the
 * send. */
struct host_bag {
	int fds[FD_MESSAGE_MAX];
	size_t n;
};

static void host_bag_close(struct host_bag *bag)
{
	while (bag->n > 0)
		fd_close(bag->fds[--bag->n]);
}

/* Takes FD over (a negative errno is passed on). */
static int host_bag_put(struct host_bag *bag, int fd)
{
	if (fd < 0)
		return fd;
	if (bag->n == ARRAY_SIZE(bag->fds)) {
		fd_close(fd);
		return -E2BIG;
	}
	bag->fds[bag->n++] = fd;
	return 0;
}

static int host_bag_put_copy(struct host_bag *bag, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return host_bag_put(bag, copy < 0 ? -errno : copy);
}

static int host_launch_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0644);

	return fd < 0 ? -errno : fd;
}

/* One of the three streams. LOG_FD is the pipe's write end. OUTPUT is what standard error inherits; -1 for
 * the others. */
static int host_launch_stream(struct host *host, struct host_bag *bag, const struct spec_stream *stream,
			      bool input, int log_fd, int output)
{
	const char *path = stream->path ? stream->path : "/dev/console";
	int direction = input ? O_RDONLY : O_WRONLY;

	switch (stream->kind) {
	case SPEC_STDIO_LOG:
		return host_bag_put_copy(bag, log_fd);
	case SPEC_STDIO_INHERIT:
		return host_bag_put_copy(bag, input || output < 0 ? host->null_fd : output);
	case SPEC_STDIO_FILE:
		return host_bag_put(bag, host_launch_open(path, input ? O_RDONLY : O_WRONLY | O_CREAT));
	case SPEC_STDIO_APPEND:
		return host_bag_put(bag, host_launch_open(path, direction | O_CREAT | O_APPEND));
	case SPEC_STDIO_TRUNCATE:
		return host_bag_put(bag, host_launch_open(path, direction | O_CREAT | O_TRUNC));
	case SPEC_STDIO_TTY:
		return host_bag_put(bag, host_launch_open(path, O_RDWR));
	case SPEC_STDIO_NULL:
	case SPEC_STDIO_MAX_:
	default:
		return host_bag_put_copy(bag, host->null_fd);
	}
}

static int host_launch_streams(struct host *host, struct host_bag *bag, const struct unit_config *config,
			       int log_fd, struct failure *failure, int *ret_exit_status)
{
	const struct spec *spec = &config->spec;
	const struct {
		const struct spec_stream *stream;
		uint32_t origin;
		int exit_status;
	} streams[] = {
		{&spec->standard_input, offsetof(struct spec, standard_input), HOST_EXIT_STDIN},
		{&spec->standard_output, offsetof(struct spec, standard_output), HOST_EXIT_STDOUT},
		{&spec->standard_error, offsetof(struct spec, standard_error), HOST_EXIT_STDOUT + 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		int output = i == 2 ? bag->fds[bag->n - 1] : -1;
		int r = host_launch_stream(host, bag, streams[i].stream, i == 0, log_fd, output);

		if (r < 0) {
			failure_set(failure, r, NULL, "cannot open %s",
				    streams[i].stream->path ? streams[i].stream->path : "the stream");
			*ret_exit_status = streams[i].exit_status;
			return host_launch_blame(config, streams[i].origin, 0, failure);
		}
	}
	return 0;
}

/* The descriptors that the program lists. PIDFD: for "join"; -1. */
static int host_launch_descriptors(struct host_bag *bag, const struct program *program, int pidfd,
				   const struct unit_config *config, struct failure *failure,
				   int *ret_exit_status)
{
	for (size_t i = 0; i < program->n_descriptors; i++) {
		const struct program_descriptor *d = &program->descriptors[i];
		int r;

		if (d->kind == PROGRAM_DESCRIPTOR_JOIN)
			r = host_bag_put_copy(bag, pidfd);
		else if (d->kind == PROGRAM_DESCRIPTOR_NAMESPACE)
			r = host_bag_put(bag, host_launch_open(d->path, O_RDONLY));
		else
			r = host_bag_put(bag, host_launch_open(d->path, O_PATH));
		if (r == -ENOENT && d->kind == PROGRAM_DESCRIPTOR_PATH && d->make_directory) {
			r = fd_make_directories(d->path, 0755);
			if (r == 0)
				r = host_bag_put(bag, host_launch_open(d->path, O_PATH));
		}
		if (r == -ENOENT && d->optional)
			r = host_bag_put(bag, host_launch_open("/dev/null", O_PATH));
		if (r < 0) {
			failure_set(failure, r, NULL, "cannot open %s",
				    d->path ? d->path : "the process to join");
			*ret_exit_status = compile_exit_status(d->origin);
			return host_launch_blame(config, d->origin, d->origin_item, failure);
		}
	}
	return 0;
}

/* --- the launch ---------------------------------------------------------------------------------------- */

static void host_launch_head(struct launch_spawn *spawn, const struct launch_id *id,
			     const struct host_unit *unit, const struct program *program, const char *command)
{
	*spawn = (struct launch_spawn){
		.head = {.type = LAUNCH_SPAWN, .version = LAUNCH_VERSION, .id = *id},
		.clone_flags = program->block->clone_flags,
		.flags = unit->cgroup_fd >= 0 ? LAUNCH_IN_CGROUP : 0,
		.n_descriptors = program->block->n_descriptors,
	};
	if (strlen(unit->name) + strlen(command) + 1 < sizeof spawn->label)
		snprintf(spawn->label, sizeof spawn->label, "%s/%s", unit->name, command);
	else /* a label that fills its field says: ask the store (host-init.c) */
		memcpy(spawn->label, unit->name, MIN_OF(strlen(unit->name), sizeof spawn->label));
}

static void host_launch_hold(struct launch_spawn *spawn, const char *name)
{
	snprintf(spawn->held_names[spawn->n_held++], LAUNCH_NAME_MAX, "%s", name);
}

/* The pipe that stdout and stderr share, unless neither goes to the log. */
static int host_launch_log_pipe(const struct spec *spec, int ret_pipe[2])
{
	if (spec->standard_output.kind != SPEC_STDIO_LOG && spec->standard_error.kind != SPEC_STDIO_LOG)
		return 0;
	return pipe2(ret_pipe, O_CLOEXEC) < 0 ? -errno : 0;
}

int host_launch_start(struct world *world, const struct world_launch *request, struct failure *failure,
		      int *ret_exit_status)
{
	struct host *host = host_of_world(world);
	struct host_unit *unit = host_unit_get(host, request->unit);
	struct host_program *program = NULL;
	struct host_launch *launch = NULL;
	struct launch_spawn spawn;
	struct host_bag bag = {};
	int log_pipe[2] = {-1, -1}, r;
	uint32_t origin = PROGRAM_NO_ORIGIN;

	*ret_exit_status = HOST_EXIT_FDS;
	if (!unit)
		return failure_set(failure, -ENOMEM, request->unit, "cannot launch");
	r = host_launch_program(unit, request, &program, failure, ret_exit_status);
	if (r < 0)
		return r;
	host_launch_head(&spawn, &request->id, unit, program->program, host_command_names[request->command]);

	r = host_cgroup_prepare(unit, request->config, failure, &origin);
	if (r < 0) {
		*ret_exit_status = HOST_EXIT_CGROUP;
		r = host_launch_blame(request->config, origin, 0, failure);
		goto out;
	}
	if (unit->cgroup_fd >= 0)
		spawn.flags |= LAUNCH_IN_CGROUP;
	r = host_launch_log_pipe(&request->config->spec, log_pipe);
	if (r == 0)
		r = host_bag_put_copy(&bag, program->memfd);
	if (r == 0 && unit->cgroup_fd >= 0)
		r = host_bag_put_copy(&bag, unit->cgroup_fd);
	if (r < 0) {
		r = failure_set(failure, r, unit->name, "no descriptor for the launch");
		goto out;
	}
	*ret_exit_status = HOST_EXIT_FDS;
	r = host_launch_streams(host, &bag, request->config, log_pipe[1], failure, ret_exit_status);
	if (r == 0)
		r = host_launch_descriptors(&bag, program->program, -1, request->config, failure,
					    ret_exit_status);
	if (r < 0)
		goto out;
	if (log_pipe[0] >= 0 && (r = host_bag_put_copy(&bag, log_pipe[0])) == 0)
		host_launch_hold(&spawn, "log");
	if (r == 0 && host_launch_wants_notify(request->config) && (r = host_notify_open(unit)) == 0 &&
	    (r = host_bag_put_copy(&bag, unit->notify_fd)) == 0)
		host_launch_hold(&spawn, "notify");
	if (r < 0 || !(launch = host_launch_new(host, &request->id, unit))) {
		r = failure_set(failure, r < 0 ? r : -ENOMEM, unit->name, "cannot prepare the launch");
		goto out;
	}
	launch->command = (uint8_t)request->command;
	launch->index = (uint8_t)request->index;
	launch->program = program;
	program->references++;
	if (log_pipe[0] >= 0)
		host_log_attach(unit, &request->id, 0, TAKE_FD(log_pipe[0]));
	unit->tell_empty = true;
	r = host_init_send(host, &spawn, sizeof spawn, bag.fds, bag.n);
	bag.n = 0;
	if (r < 0) {
		host_launch_free(launch);
		failure_set(failure, r, unit->name, "cannot reach svc-init");
	}
out:
	fd_close(log_pipe[0]);
	fd_close(log_pipe[1]);
	host_bag_close(&bag);
	host_program_unref(program);
	return r;
}

/* --- what failed --------------------------------------------------------------------------------------- */

/* Compiled for looking at, not for running. NULL when it does not compile. */
static struct host_program *host_launch_compile_again(struct host *host, const char *unit,
						      const struct unit_config *config, unsigned command,
						      unsigned index)
{
	struct host_program *program = malloc(sizeof *program);

	if (!program)
		return NULL;
	*program = (struct host_program){.references = 1, .memfd = -1};
	if (host_launch_compile(host, unit, config, &config->commands[command].items[index], NULL,
				&program->program, NULL, NULL, NULL) < 0)
		return host_program_unref(program);
	return program;
}

struct host_program *host_launch_main_program(struct host *host, const struct unit *unit)
{
	struct host_unit *host_unit = host_unit_find(host, unit->name);

	for (size_t i = 0; host_unit && i < host_unit->n_programs; i++)
		if (host_unit->programs[i]->command == SERVICE_EXEC_START) {
			host_unit->programs[i]->references++;
			return host_unit->programs[i];
		}
	if (unit->config->commands[SERVICE_EXEC_START].n == 0)
		return NULL;
	return host_launch_compile_again(host, unit->name, unit->config, SERVICE_EXEC_START, 0);
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

/* Fills FAILURE with the step that failed and who asked for it. Returns the exit status this counts as. */
int host_launch_describe(struct world *world, const char *unit, const struct unit_config *config,
			 const struct launch_record *record, struct failure *failure)
{
	struct host_program *program = NULL;
	const struct program_op *op;
	int error = record->failed_errno ? -record->failed_errno : -EIO, exit_status;

	if (record->failed_op == LAUNCH_OP_CLONE) {
		failure_set(failure, error, unit, "cannot create a process with its namespaces (clone3)");
		return HOST_EXIT_CGROUP;
	}
	if (record->failed_op == LAUNCH_OP_PROTOCOL ||
	    !(program = host_launch_find_program(host_of_world(world), config, record)) ||
	    record->failed_op >= program->program->block->n_ops) {
		failure_set(failure, error, unit, "step %u of the launch failed", record->failed_op);
		exit_status = HOST_EXIT_FDS;
	} else {
		_cleanup_free_ char *text = program_print_op(program->program->block, record->failed_op);

		op = &program_ops(program->program->block)[record->failed_op];
		failure_set(failure, error, NULL, "%.400s", text ? text : program_op_info[op->code].name);
		host_launch_blame(config, op->origin, op->origin_item, failure);
		exit_status = program_op_info[op->code].exit_status;
	}
	host_program_unref(program);
	return exit_status;
}

/* --- explain ------------------------------------------------------------------------------------------- */

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

	for (int command = 0; command < SERVICE_COMMAND_MAX_; command++)
		for (size_t i = 0; i < config->commands[command].n; i++) {
			_cleanup_(cleanup_program_free) struct program *program = NULL;
			uint32_t origin = PROGRAM_NO_ORIGIN;
			uint16_t item = 0;
			int r = host_launch_compile(host, unit->name, config,
						    &config->commands[command].items[i], NULL, &program,
						    failure, &origin, &item);

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

/* --- exec ---------------------------------------------------------------------------------------------- */

/* The spec of a command inside the running unit: what the service has, with what the caller may change. The
 * strings stay whose they are: this copy is never deinitialised. */
static struct spec host_exec_spec(const struct unit_config *config, const struct host_exec *exec)
{
	struct spec spec = config->spec;

	if (exec->user) {
		spec.user = (char *)exec->user;
		spec.group = NULL;
		spec.supplementary_groups = NULL;
	}
	if (exec->working_directory) {
		spec.working_directory = (char *)exec->working_directory;
		spec.working_directory_optional = false;
	}
	if (exec->privileged) {
		spec.capability_bounding_set = SPEC_CAP_ALL;
		spec.ambient_capabilities = 0;
		spec.no_new_privileges = false;
		spec.seccomp_default = SPEC_SECCOMP_NONE;
		spec.system_call_filter = (struct spec_system_calls){};
		spec.system_call_architectures = NULL;
		spec.restrict_realtime = spec.restrict_suid_sgid = spec.lock_personality = false;
		spec.memory_deny_write_execute = false;
		spec.restrict_namespaces = SPEC_UNSET;
		spec.restrict_address_families = NULL;
	}
	return spec;
}

static int host_exec_send(struct host *host, struct host_unit *unit, const struct unit_config *config,
			  struct host_program *program, int pidfd, const struct host_exec *exec,
			  struct failure *failure)
{
	struct host_bag bag = {};
	struct host_launch *launch;
	struct launch_spawn spawn;
	struct launch_id id;
	int ignored, r;

	host->world.ops->random(&host->world, &id, sizeof id);
	host_launch_head(&spawn, &id, unit, program->program, "exec");
	r = host_bag_put_copy(&bag, program->memfd);
	if (r == 0 && unit->cgroup_fd >= 0)
		r = host_bag_put_copy(&bag, unit->cgroup_fd);
	for (size_t i = 0; i < 3 && r == 0; i++)
		r = host_bag_put_copy(&bag, exec->stdio[i]);
	if (r < 0)
		failure_set(failure, r, unit->name, "no descriptor for the command");
	else
		r = host_launch_descriptors(&bag, program->program, pidfd, config, failure, &ignored);
	launch = r < 0 ? NULL : host_launch_new(host, &id, unit);
	if (!launch) {
		host_bag_close(&bag);
		return r < 0 ? r : failure_set(failure, -ENOMEM, unit->name, "cannot execute");
	}
	launch->exec_done = exec->done;
	launch->exec_data = exec->data;
	launch->program = program;
	program->references++;
	unit->tell_empty = true;
	r = host_init_send(host, &spawn, sizeof spawn, bag.fds, bag.n);
	if (r < 0) {
		host_launch_free(launch);
		return failure_set(failure, r, unit->name, "cannot reach svc-init");
	}
	return 0;
}

int host_exec(struct host *host, struct unit *unit, const struct host_exec *exec, struct failure *failure)
{
	struct host_unit *host_unit = host_unit_get(host, unit->name);
	struct spec spec = host_exec_spec(unit->config, exec);
	struct compile_command command = {.path = exec->argv[0], .argv = exec->argv};
	struct compile_context context = {
		.name = unit->name,
		.environment = exec->environment,
		.state_directory = host->state_directory,
		.in_cgroup = host_unit && host_unit->cgroup_fd >= 0,
	};
	struct host_program *program;
	_cleanup_fd_ int pidfd = -1;
	int r;

	if (!unit->main.alive || unit->main.pid <= 0)
		return failure_set(failure, -ESRCH, unit->name, "is not running");
	pidfd = (int)syscall(SYS_pidfd_open, unit->main.pid, 0);
	if (pidfd < 0)
		return failure_set(failure, -errno, unit->name, "cannot open its main process %d",
				   (int)unit->main.pid);
	program = host_unit ? calloc(1, sizeof *program) : NULL;
	if (!program)
		return failure_set(failure, -ENOMEM, unit->name, "cannot execute");
	*program = (struct host_program){.references = 1, .memfd = -1};
	context.join_pidfd = pidfd;
	r = compile(&spec, &command, &context, &program->program, failure, NULL, NULL);
	if (r == 0 && (program->memfd = program_seal(program->program)) < 0)
		r = failure_set(failure, program->memfd, unit->name,
				"cannot keep the launch program in a memfd");
	if (r == 0)
		r = host_exec_send(host, host_unit, unit->config, program, pidfd, exec, failure);
	else
		failure_add_where(failure, unit->name);
	host_program_unref(program);
	return r;
}
