/* From a launch program to a running process: prepare the cgroup, open what the program needs, send it all to
 * svc-init. A start whose program is cached costs a pipe, a few descriptors and one message. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/isolation.h"
#include "manager/host-filter.h"

void host_bag_close(struct host_bag *bag)
{
	while (bag->n > 0)
		fd_close(bag->fds[--bag->n]);
}

int host_bag_put(struct host_bag *bag, int fd)
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

int host_bag_put_copy(struct host_bag *bag, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return host_bag_put(bag, copy < 0 ? -errno : copy);
}

static int host_launch_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

/* Anything may have that path: a pipe must not block us. */
static int host_launch_namespace(struct host_bag *bag, const struct program_descriptor *descriptor,
				 struct failure *failure)
{
	int fd = host_launch_open(descriptor->path, O_RDONLY | O_NONBLOCK);
	int r = fd < 0 ? fd : isolation_check_namespace(fd, descriptor->namespace, descriptor->path, failure);

	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	return host_bag_put(bag, fd);
}

/* A pidfd of the main process of another unit, whose namespace is to be joined. */
static int host_launch_other_unit(const struct host *host, struct host_bag *bag, const char *name,
				  struct failure *failure)
{
	const struct unit *unit = manager_get_unit(host->manager, name);
	int fd;

	if (!unit || !unit->main.alive || unit->main.pid <= 0)
		return failure_set(failure, -ESRCH, NULL,
				   "%s, whose namespace is to be joined, is not running", name);
	fd = (int)syscall(SYS_pidfd_open, unit->main.pid, 0);
	return fd < 0 ? failure_set(failure, -errno, NULL, "cannot open the main process of %s", name)
		      : host_bag_put(bag, fd);
}

/* The descriptors that the program lists. PIDFD: for "join"; -1. */
int host_launch_descriptors(const struct host_unit *unit, struct host_bag *bag, const struct program *program,
			    int pidfd, const struct host_passed *passed, const struct unit_config *config,
			    struct failure *failure, int *ret_exit_status)
{
	for (size_t i = 0; i < program->n_descriptors; i++) {
		const struct program_descriptor *d = &program->descriptors[i];
		int r;

		*failure = (struct failure){};

		if (d->kind == PROGRAM_DESCRIPTOR_JOIN)
			r = host_bag_put_copy(bag, pidfd);
		else if (d->kind == PROGRAM_DESCRIPTOR_FILTER)
			r = host_bag_put_copy(bag, host_filter_launching(unit));
		else if (d->kind == PROGRAM_DESCRIPTOR_DIRECTORY)
			r = host_bag_put(bag, host_directory_open(unit->host, &config->spec, d, failure));
		else if (d->kind == PROGRAM_DESCRIPTOR_SHARED)
			r = host_bag_put(bag, host_share_descriptor(unit->host, unit->name, d));
		else if (d->kind == PROGRAM_DESCRIPTOR_UNIT)
			r = host_launch_other_unit(unit->host, bag, d->path, failure);
		else if (d->kind == PROGRAM_DESCRIPTOR_PASSED || d->kind == PROGRAM_DESCRIPTOR_TERMINAL)
			r = host_bag_put_copy(bag, passed->fds[d->index]);
		else if (d->kind == PROGRAM_DESCRIPTOR_NAMESPACE)
			r = host_launch_namespace(bag, d, failure);
		else if (d->kind == PROGRAM_DESCRIPTOR_IMAGE)
			r = host_bag_put(bag, host_launch_open(d->path, (d->writable ? O_RDWR : O_RDONLY) |
										O_NONBLOCK));
		else
			r = host_bag_put(bag, host_launch_open(d->path, O_PATH));
		if (r == -ENOENT && d->optional)
			r = host_bag_put(bag, host_launch_open("/dev/null", O_PATH));
		if (r < 0) {
			if (!failure->error)
				failure_set(failure, r, NULL, "cannot open %s",
					    d->path ? d->path : "the process to join");
			*ret_exit_status = compile_exit_status(d->origin);
			return host_launch_blame(config, d->origin, d->origin_item, failure);
		}
	}
	return 0;
}

/* --- the launch --- */

void host_launch_head(struct launch_spawn *spawn, const struct launch_id *id, const struct host_unit *unit,
		      const struct program *program, const char *command)
{
	int n;

	*spawn = (struct launch_spawn){
		.head = {.type = LAUNCH_SPAWN, .version = LAUNCH_VERSION, .id = *id},
		.clone_flags = program->block->clone_flags,
		.flags = unit->cgroup_fd >= 0 ? LAUNCH_IN_CGROUP : 0,
		.n_descriptors = program->block->n_descriptors,
	};
	n = snprintf(spawn->label, sizeof spawn->label, "%s/%s", unit->name, command);
	if (n >=
	    (int)sizeof spawn->label) /* a label that fills its field says: ask the store (host-init.c) */
		memset(spawn->label, '/', sizeof spawn->label);
}

static void host_launch_hold(struct launch_spawn *spawn, const char *name)
{
	snprintf(spawn->held_names[spawn->n_held++], LAUNCH_NAME_MAX, "%s", name);
}

/* One launch in the making. */
struct host_launching {
	struct host_unit *unit;
	const struct world_launch *request;
	struct host_program *program;
	struct host_join join;
	struct host_passed passed;
	struct host_streams streams;
	struct host_bag bag;
	struct launch_spawn spawn;
};

/* The log's pipes and the notify socket outlive this manager. */
static int host_launch_hold_all(struct host_launching *launching)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(launching->streams.pipes) && r == 0; i++)
		if (launching->streams.pipes[i].read_end >= 0) {
			r = host_bag_put_copy(&launching->bag, launching->streams.pipes[i].read_end);
			host_launch_hold(&launching->spawn,
					 host_log_name(launching->streams.pipes[i].copies));
		}
	if (r == 0 && launching->unit->notify_fd >= 0) {
		r = host_bag_put_copy(&launching->bag, launching->unit->notify_fd);
		host_launch_hold(&launching->spawn, "notify");
	}
	return r;
}

/* What the program takes from among what several launches have in common. */
static int host_launch_share(struct host_unit *unit, const struct world_launch *request,
			     const struct program *program, struct failure *failure, int *ret_exit_status)
{
	for (size_t i = 0; i < program->n_descriptors; i++) {
		const struct program_descriptor *d = &program->descriptors[i];
		int r;

		if (d->kind != PROGRAM_DESCRIPTOR_SHARED)
			continue;
		r = host_share_acquire(unit->host, unit->name,
				       host_share_wanted(unit->host, unit->name, request->config), failure);
		if (r < 0) {
			*ret_exit_status =
				d->namespace == CLONE_NEWNET ? HOST_EXIT_NETWORK : HOST_EXIT_NAMESPACE;
			return host_launch_blame(request->config, d->origin, d->origin_item, failure);
		}
		return 0;
	}
	return 0;
}

/* Everything but the message itself: fills the bag, in the order launch.h demands. */
static int host_launch_fill(struct host_launching *launching, struct failure *failure, int *ret_exit_status)
{
	const struct world_launch *request = launching->request;
	struct host_unit *unit = launching->unit;
	struct host_bag *bag = &launching->bag;
	int r = 0;

	if (host_launch_wants_notify(request->config))
		r = host_notify_open(unit); /* before the descriptors: its path is one of them */
	if (r == 0)
		r = host_bag_put_copy(bag, launching->program->memfd);
	if (r == 0 && unit->cgroup_fd >= 0)
		r = host_bag_put_copy(bag, unit->cgroup_fd);
	if (r < 0)
		return failure_set(failure, r, unit->name, "no descriptor for the launch");
	r = host_streams_open_all(unit->host, bag, request->config,
				  host_command_no_terminal(request->command), &launching->passed,
				  &launching->streams, failure, ret_exit_status);
	if (r == 0)
		r = host_launch_share(unit, request, launching->program->program, failure, ret_exit_status);
	if (r == 0)
		r = host_launch_descriptors(unit, bag, launching->program->program, launching->join.pidfd,
					    &launching->passed, request->config, failure, ret_exit_status);
	if (r < 0)
		return r;
	r = host_launch_hold_all(launching);
	return r < 0 ? failure_set(failure, r, unit->name, "cannot prepare the launch") : 0;
}

/* Remembers the launch and sends it. The bag is consumed. */
static int host_launch_send(struct host_launching *launching, struct failure *failure)
{
	const struct world_launch *request = launching->request;
	struct host_unit *unit = launching->unit;
	struct host_launch *launch = host_launch_new(unit->host, &request->id, unit);
	int r;

	if (!launch)
		return failure_set(failure, -ENOMEM, unit->name, "cannot prepare the launch");
	launch->command = (uint8_t)request->command;
	launch->index = (uint16_t)request->index;
	launch->program = launching->program;
	launching->program->references++;
	for (size_t i = 0; i < ARRAY_SIZE(launching->streams.pipes); i++) {
		struct host_log_pipe *pipe = &launching->streams.pipes[i];

		if (pipe->read_end >= 0)
			host_log_attach(unit, &request->id, 0, host_log_name(pipe->copies),
					TAKE_FD(pipe->read_end));
	}
	if (request->command == SERVICE_EXEC_START && unit->started != request->config) {
		unit_config_free(unit->started);
		unit->started = unit_config_hold(request->config);
	}
	unit->tell_empty = true;
	r = host_init_send(unit->host, &launching->spawn, sizeof launching->spawn, launching->bag.fds,
			   launching->bag.n);
	launching->bag.n = 0;
	if (r < 0) {
		host_launch_free(launch);
		return failure_set(failure, r, unit->name, "cannot reach svc-init");
	}
	return 0;
}

static int host_launch_make(struct host_launching *launching, struct failure *failure, int *ret_exit_status)
{
	const struct world_launch *request = launching->request;
	struct host_unit *unit = launching->unit;
	uint32_t origin = PROGRAM_NO_ORIGIN;
	uint16_t item = 0;
	int r;

	r = host_user_acquire(unit->host, request->unit, &request->config->spec, failure);
	if (r < 0) {
		*ret_exit_status = HOST_EXIT_USER;
		return host_launch_blame(request->config, offsetof(struct spec, dynamic_user), 0, failure);
	}
	if (request->command == SERVICE_EXEC_START)
		r = host_passed_open(request->config, &launching->passed, failure);
	if (r == 0)
		r = host_launch_program(unit, request, launching->join, &launching->passed,
					&launching->program, failure, ret_exit_status);
	if (r < 0)
		return r;
	unit->uid = launching->program->program->uid;
	unit->gid = launching->program->program->gid;
	r = host_cgroup_prepare(unit, request->config, unit->uid, failure, &origin, &item);
	if (r < 0) {
		*ret_exit_status =
			origin == SPEC_FILTERS_ORIGIN(file_systems) ? HOST_EXIT_BPF : HOST_EXIT_CGROUP;
		return host_launch_blame(request->config, origin, item, failure);
	}
	host_launch_head(&launching->spawn, &request->id, unit, launching->program->program,
			 host_command_names[request->command]);
	memcpy(launching->spawn.invocation_id, request->invocation_id, sizeof launching->spawn.invocation_id);
	r = host_launch_fill(launching, failure, ret_exit_status);
	return r < 0 ? r : host_launch_send(launching, failure);
}

int host_launch_start(struct world *world, const struct world_launch *request, struct failure *failure,
		      int *ret_exit_status)
{
	struct host *host = host_of_world(world);
	struct host_launching launching = {
		.unit = host_unit_get(host, request->unit),
		.request = request,
		.join = {.pidfd = -1},
		.streams.pipes = {{-1, -1, 0}, {-1, -1, 0}},
	};
	int r;

	*ret_exit_status = HOST_EXIT_FDS;
	if (!launching.unit)
		return failure_set(failure, -ENOMEM, request->unit, "cannot launch");
	launching.join = host_launch_join(host, request);
	r = host_launch_make(&launching, failure, ret_exit_status);
	host_streams_close(&launching.streams);
	host_passed_close(&launching.passed);
	host_bag_close(&launching.bag);
	host_program_unref(launching.program);
	fd_close(launching.join.pidfd);
	return r;
}
