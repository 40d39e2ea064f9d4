/* A launch request becomes a process: clone3(2), and in the child the program is mapped, checked and
 * interpreted.
 *
 * CLONE_NEWNS is left to the interpreter, which first copies the mounts that it was sent descriptors of: that
 * works only in the mount namespace they are from. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/interpret.h"
#include "init/init.h"
#include "init/say.h"

#define SPAWN_NAMESPACES (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET)

/* The message's descriptors by their role; -1 when absent. */
struct spawn_parts {
	int program, cgroup;
	int *passed, *held;
};

static bool spawn_split(const struct launch_spawn *request, int *descriptors, size_t n,
			struct spawn_parts *ret)
{
	size_t first = request->flags & LAUNCH_IN_CGROUP ? 2 : 1;

	if (request->n_descriptors > LAUNCH_MAX_DESCRIPTORS || request->n_held > LAUNCH_MAX_HELD ||
	    n != first + request->n_descriptors + request->n_held ||
	    request->clone_flags & ~(uint64_t)SPAWN_NAMESPACES)
		return false;
	*ret = (struct spawn_parts){.program = descriptors[0],
				    .cgroup = first == 2 ? descriptors[1] : -1,
				    .passed = descriptors + first,
				    .held = descriptors + first + request->n_descriptors};
	return true;
}

void spawn_clean_child(const struct init *init)
{
	sigset_t none;

	setrlimit(RLIMIT_NOFILE, &init->files);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void spawn_refuse(int report_fd, int error)
{
	struct launch_report report = {
		.type = LAUNCH_REPORT_FAILED, .op = LAUNCH_OP_PROTOCOL, .error = error};

	_exit(write(report_fd, &report, sizeof report) < 0 ? 2 : 1);
}

/* "svc-init: web.service" for the copy of us that stays as a container's PID 1. */
static void spawn_set_title(const struct init *init, const struct launch_spawn *request)
{
	static const char head[] = "svc-init: ";
	size_t n = 0;

	while (n < sizeof request->label && request->label[n] && request->label[n] != '/')
		n++;
	if (init->title_size < sizeof head + n)
		return;
	memset(init->title, 0, init->title_size);
	memcpy(init->title, head, sizeof head - 1);
	memcpy(init->title + sizeof head - 1, request->label, n);
}

static _Noreturn void spawn_child(const struct init *init, const struct launch_spawn *request,
				  const struct spawn_parts *parts, int report_fd)
{
	const struct program_header *program;
	struct stat status;

	if (request->clone_flags & CLONE_NEWPID)
		spawn_set_title(init, request);
	if (fstat(parts->program, &status) < 0)
		spawn_refuse(report_fd, errno);
	program = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, parts->program, 0);
	if (program == MAP_FAILED)
		spawn_refuse(report_fd, errno);
	if (program_validate(program, (size_t)status.st_size) < 0 ||
	    program->n_descriptors != request->n_descriptors || program->clone_flags != request->clone_flags)
		spawn_refuse(report_fd, EBADMSG);
	interpret(&(struct interpreter){.program = program,
					.descriptors = parts->passed,
					.invocation_id = request->invocation_id,
					.report_fd = report_fd,
					.files = &init->files});
}

static int spawn_clone(struct init *init, struct child *child, const struct launch_spawn *request,
		       const struct spawn_parts *parts, int report_fd)
{
	struct clone_args arguments = {
		.flags = CLONE_PIDFD | (request->clone_flags & ~(uint64_t)CLONE_NEWNS) |
			 (parts->cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uint64_t)(uintptr_t)&child->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = parts->cgroup >= 0 ? (uint64_t)parts->cgroup : 0,
	};
	long pid = syscall(SYS_clone3, &arguments, sizeof arguments);

	if (pid == 0)
		spawn_child(init, request, parts, report_fd);
	if (pid < 0)
		return -errno;
	children_set_pid(&init->children, child, (pid_t)pid);
	child->payload_pid = (pid_t)pid;
	child->is_init = request->clone_flags & CLONE_NEWPID;
	child->state = LAUNCH_STATE_STARTING;
	return 0;
}

/* The report socket, then the child. Whatever was made before a failure goes with the record. */
static int spawn_start(struct init *init, struct child *child, const struct launch_spawn *request,
		       const struct spawn_parts *parts)
{
	int pair[2], one = 1, r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child->report_fd = pair[0];
	/* So that the kernel tells which process of ours a payload in another PID namespace is. */
	r = setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one) < 0 ? -errno : 0;
	if (r == 0)
		r = init_watch(init, pair[0], EPOLLIN,
			       INIT_EVENT_CHILD + children_index(&init->children, child));
	if (r == 0)
		r = spawn_clone(init, child, request, parts, pair[1]);
	close(pair[1]);
	return r;
}

void spawn(struct init *init, const struct launch_spawn *request, int *descriptors, size_t n_descriptors)
{
	struct child *child = children_add(&init->children, &request->head.id);
	struct spawn_parts parts;
	int r;

	if (!child) {
		if (errno != EEXIST)
			tell_refusal(init, request, errno);
		else
			say("the manager used a launch id twice", NULL);
		goto end;
	}
	memcpy(child->label, request->label, sizeof child->label);
	child->started_at = time_now(CLOCK_MONOTONIC);
	if (!spawn_split(request, descriptors, n_descriptors, &parts)) {
		child->failed_op = LAUNCH_OP_PROTOCOL;
		r = -EBADMSG;
	} else {
		for (uint32_t i = 0; i < request->n_held; i++)
			children_hold(&init->children, child, TAKE_FD(parts.held[i]), request->held_names[i]);
		child->failed_op = LAUNCH_OP_CLONE;
		r = init->shutdown.stage == SHUTDOWN_NONE ? spawn_start(init, child, request, &parts)
							  : -ESHUTDOWN;
	}
	if (r < 0) {
		child->state = LAUNCH_STATE_FAILED;
		child->failed_errno = -r;
		child->ended_at = child->started_at;
		if (child->report_fd >= 0) {
			init_unwatch(init, child->report_fd);
			child->report_fd = fd_close(child->report_fd);
		}
		children_mark_changed(&init->children, child);
	} else
		child->failed_op =
			0; /* told when it has executed or failed: until then there is nothing new to know */
end:
	for (size_t i = 0; i < n_descriptors; i++)
		fd_close(descriptors[i]);
}
