/* The link to svc-init: requests out, records in. A request that does not fit the socket waits in a queue and
 * goes when the socket is writable again, so that nothing here blocks and nothing is lost. When the socket
 * ends, svc-init is gone or wants us gone: the loop exits. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "manager/host-private.h"

enum { HOST_INIT_HELLO_MSEC = 10000 };

void host_init_key(const struct launch_id *id, char key[static 33])
{
	for (size_t i = 0; i < sizeof id->bytes; i++)
		snprintf(key + 2 * i, 3, "%02x", id->bytes[i]);
}

struct host_launch *host_launch_find(const struct host *host, const struct launch_id *id)
{
	char key[33];

	host_init_key(id, key);
	return table_get(&host->launches, key);
}

struct host_launch *host_launch_new(struct host *host, const struct launch_id *id, struct host_unit *unit)
{
	struct host_launch *launch = calloc(1, sizeof *launch);

	if (!launch)
		return NULL;
	*launch = (struct host_launch){.id = *id, .host = host, .unit = unit};
	host_init_key(id, launch->key);
	if (table_put(&host->launches, launch->key, launch) < 0) {
		free(launch);
		return NULL;
	}
	if (unit)
		unit->n_unnamed++;
	return launch;
}

static void host_launch_set_named(struct host_launch *launch)
{
	if (launch->named || !launch->unit)
		return;
	launch->named = true;
	if (--launch->unit->n_unnamed == 0 && launch->unit->notify_source)
		sd_event_source_set_enabled(launch->unit->notify_source, SD_EVENT_ON);
}

struct host_launch *host_launch_free(struct host_launch *launch)
{
	if (!launch)
		return NULL;
	table_remove(&launch->host->launches, launch->key);
	host_launch_set_named(launch);
	host_program_unref(launch->program);
	sd_event_source_disable_unref(launch->exec_timer);
	free(launch);
	return NULL;
}

/* --- requests ------------------------------------------------------------------------------------------ */

static struct host_message *host_message_free(struct host_message *message)
{
	for (size_t i = 0; i < message->n_fds; i++)
		fd_close(message->fds[i]);
	free(message);
	return NULL;
}

static int host_init_enqueue(struct host *host, const void *data, size_t size, const int *fds, size_t n_fds)
{
	struct host_message *message = malloc(sizeof *message + size);

	if (!message)
		return -ENOMEM;
	*message = (struct host_message){.size = size, .n_fds = n_fds};
	memcpy(message->data, data, size);
	if (n_fds)
		memcpy(message->fds, fds, n_fds * sizeof *fds);
	*host->queue_end = message;
	host->queue_end = &message->next;
	if (host->init_source) /* if that fails, the next message that comes in flushes the queue too */
		sd_event_source_set_io_events(host->init_source, EPOLLIN | EPOLLOUT);
	return 0;
}

int host_init_send(struct host *host, const void *data, size_t size, int *fds, size_t n_fds)
{
	int r = -EAGAIN;

	if (!host->queue)
		r = fd_send_message(host->init_fd, data, size, fds, n_fds);
	if (r == -EAGAIN) {
		r = host_init_enqueue(host, data, size, fds, n_fds);
		if (r == 0)
			return 0;
	}
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = fd_close(fds[i]);
	return r;
}

static void host_init_on_record(struct host *host, const struct launch_record *record, int *fds,
				size_t n_fds);

/* A request that can never be sent. A launch has failed then, which only we can tell the manager. */
static void host_init_drop(struct host *host, const struct host_message *message, int error)
{
	struct launch_record record = {.state = LAUNCH_STATE_FAILED,
				       .failed_op = LAUNCH_OP_PROTOCOL,
				       .failed_errno = -error,
				       .ended_at = time_now(CLOCK_MONOTONIC)};
	char text[128];

	snprintf(text, sizeof text, "a request to svc-init could not be sent: %s", strerror(-error));
	host_log_message(&host->world, LOG_ERR, NULL, text);
	memcpy(&record.head, message->data, sizeof record.head);
	if (record.head.type == LAUNCH_SPAWN)
		host_init_on_record(host, &record, NULL, 0);
}

/* Sends what waits, as far as the socket takes it. */
static void host_init_flush(struct host *host)
{
	while (host->queue) {
		struct host_message *message = host->queue;
		int r = fd_send_message(host->init_fd, message->data, message->size, message->fds,
					message->n_fds);

		if (r == -EAGAIN)
			return;
		host->queue = message->next;
		if (!host->queue)
			host->queue_end = &host->queue;
		if (r < 0)
			host_init_drop(host, message, r);
		host_message_free(message);
	}
	if (host->init_source)
		sd_event_source_set_io_events(host->init_source, EPOLLIN);
}

static struct launch_request host_init_head(enum launch_type type, const struct launch_id *id)
{
	return (struct launch_request){
		.type = type, .version = LAUNCH_VERSION, .id = id ? *id : (struct launch_id){}};
}

static int host_init_request_kill(struct host *host, const struct launch_id *id, int signal, uint32_t flags)
{
	struct launch_kill request = {
		.head = host_init_head(LAUNCH_KILL, id), .signal = signal, .flags = flags};

	return host_init_send(host, &request, sizeof request, NULL, 0);
}

int host_init_kill(struct world *world, const struct launch_id *id, int signal)
{
	return host_init_request_kill(host_of_world(world), id, signal, LAUNCH_KILL_PAYLOAD);
}

void host_init_kill_child(struct host *host, const struct launch_id *id, int signal)
{
	host_init_request_kill(host, id, signal, LAUNCH_KILL_CHILD);
}

void host_init_hold(struct host *host, const struct launch_id *id, const char *name, int fd)
{
	struct launch_hold request = {.head = host_init_head(LAUNCH_HOLD, id)};
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	snprintf(request.name, sizeof request.name, "%s", name);
	if (copy >= 0)
		host_init_send(host, &request, sizeof request, &copy, 1);
}

void host_init_kill_group(struct host *host, const struct launch_id *id, int signal)
{
	host_init_request_kill(host, id, signal, LAUNCH_KILL_GROUP);
}

int host_init_adopt(struct world *world, const char *unit, const struct launch_id *id, pid_t pid)
{
	struct host *host = host_of_world(world);
	struct launch_adopt request = {.head = host_init_head(LAUNCH_ADOPT, id), .pid = pid};
	struct host_unit *host_unit = host_unit_get(host, unit);
	struct host_launch *launch;
	int pidfd, r;

	if (!host_unit)
		return -ENOMEM;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -errno;
	launch = host_launch_new(host, id, host_unit);
	if (!launch) {
		fd_close(pidfd);
		return -ENOMEM;
	}
	snprintf(request.label, sizeof request.label, "%s/main", unit);
	r = host_init_send(host, &request, sizeof request, &pidfd, 1);
	if (r < 0) {
		host_launch_free(launch);
		return r;
	}
	host_unit->tell_empty = true;
	/* The daemon writes to the pipe of the process that started it, whose record is about to be
	 * forgotten. */
	for (const struct host_log *log = host_unit->logs; log; log = log->next)
		host_init_hold(host, id, host_log_name(log->copies), log->pipe);
	return 0;
}

void host_init_forget(struct world *world, const struct launch_id *id)
{
	struct host *host = host_of_world(world);
	struct launch_request request = host_init_head(LAUNCH_FORGET, id);

	host_launch_free(host_launch_find(host, id));
	host_init_send(host, &request, sizeof request, NULL, 0);
}

void host_init_finished(struct world *world, uint32_t action, int exit_status)
{
	struct host *host = host_of_world(world);
	struct launch_shutdown request = {
		.head = host_init_head(LAUNCH_SHUTDOWN, NULL), .action = action, .exit_status = exit_status};

	host->finishing = true;
	host_cgroup_finish(host);
	host_removal_finish(host);
	host_init_send(host, &request, sizeof request, NULL, 0);
}

/* --- records ------------------------------------------------------------------------------------------- */

/* The unit whose store has this launch: for names too long for a label. */
static const char *host_init_stored_unit(const struct host *host, const struct launch_id *id)
{
	TABLE_FOREACH (slot, &host->manager->units) {
		const struct unit *unit = slot->value;

		if (memcmp(&unit->main.id, id, sizeof *id) == 0 ||
		    memcmp(&unit->control.id, id, sizeof *id) == 0)
			return unit->name;
	}
	return NULL;
}

/* The unit that a record's label names: "web.service/ExecStart". */
static struct host_unit *host_init_labelled_unit(struct host *host, const struct launch_record *record)
{
	char label[sizeof record->label];
	const char *name = label;
	char *slash;

	memcpy(label, record->label, sizeof label);
	if (label[sizeof label - 1]) /* no room was left for its NUL */
		name = host_init_stored_unit(host, &record->head.id);
	else if ((slash = strrchr(label, '/')))
		*slash = '\0';
	return name ? host_unit_get(host, name) : NULL;
}

/* Takes back what svc-init held while no manager ran. */
static void host_init_take_held(struct host_launch *launch, const struct launch_record *record, int *fds,
				size_t n_fds)
{
	for (size_t i = 0; i < n_fds && i < ARRAY_SIZE(record->held_names); i++) {
		const char *name = record->held_names[i];

		if (!launch->unit)
			continue;
		if (host_log_is_name(name) && !host_log_attached(launch->unit, &launch->id, name))
			host_log_attach(launch->unit, &launch->id, record->payload_pid, name,
					TAKE_FD(fds[i]));
		else if (strncmp(name, "notify", LAUNCH_NAME_MAX) == 0 && launch->unit->notify_fd < 0)
			host_notify_attach(launch->unit, TAKE_FD(fds[i]));
	}
}

/* After a restart of the manager: the unit's processes are where they were. */
static bool host_init_rejoin(struct host_unit *unit)
{
	const struct unit *managed = manager_get_unit(unit->host->manager, unit->name);

	if (managed)
		host_cgroup_attach(unit, managed->config);
	return managed;
}

static void host_init_exec_ended(struct host_launch *launch, const struct launch_record *record)
{
	struct failure failure = {};
	struct host *host = launch->host;
	struct launch_id id = launch->id;
	bool failed = record->state == LAUNCH_STATE_FAILED;
	int exit_status = 0;

	if (failed)
		host_launch_describe(&host->world, launch->unit ? launch->unit->name : "", record, &failure,
				     &exit_status);
	if (failed && exit_status == 203) /* not its whole environment */
		failure_set(&failure, failure.error, launch->unit ? launch->unit->name : "",
			    failure.error == -ENOENT ? "there is no such command in it"
						     : "cannot execute the command");
	launch->exec_done(launch->exec_data, record->wait_status, failed ? &failure : NULL, exit_status);
	host_init_forget(&host->world, &id);
}

/* Tells the record, and in their places what the process printed and said: as long as it runs after the record that names it, before
 * the record of its end. */
static void host_init_tell_manager(struct host_launch *launch, const struct launch_record *record,
				   bool was_named)
{
	struct manager *manager = launch->host->manager;
	bool ended = record->state == LAUNCH_STATE_EXITED || record->state == LAUNCH_STATE_FAILED;

	if (!was_named && record->state == LAUNCH_STATE_EXITED) {
		/* Its pid and its end are learnt at once; what it said, it said while it ran. */
		struct launch_record before = *record;

		before.state = LAUNCH_STATE_RUNNING;
		before.ended_at = 0;
		manager_on_record(manager, &before);
	}
	if (ended && launch->unit) {
		host_log_drain(launch->unit);
		host_notify_drain(launch->unit);
	}
	manager_on_record(manager, record);
}

/* Without a cgroup the unit's processes are found by the sessions that its launches lead. Without memory for one, its processes are
 * still found as descendants of the others. */
static void host_init_note_session(struct host_unit *unit, pid_t session)
{
	pid_t *larger;

	for (size_t i = 0; i < unit->n_sessions; i++)
		if (unit->sessions[i] == session)
			return;
	larger = realloc(unit->sessions, (unit->n_sessions + 1) * sizeof *larger);
	if (!larger)
		return;
	unit->sessions = larger;
	unit->sessions[unit->n_sessions++] = session;
}

static void host_init_on_record(struct host *host, const struct launch_record *record, int *fds, size_t n_fds)
{
	struct host_launch *launch = host_launch_find(host, &record->head.id);
	bool ended = record->state == LAUNCH_STATE_EXITED || record->state == LAUNCH_STATE_FAILED;
	struct host_unit *unit;
	bool was_named, is_managed = true;

	if (record->state == LAUNCH_STATE_HOLDING) {
		host_share_take(host, record, fds, n_fds);
		return;
	}
	if (!launch) {
		launch = host_launch_new(host, &record->head.id, host_init_labelled_unit(host, record));
		if (!launch)
			return; /* out of memory: svc-init keeps the record, the next manager sees it */
		if (launch->unit)
			launch->unit->tell_empty = true;
	}
	unit = launch->unit;
	was_named = launch->named;
	if (record->payload_pid > 0 || ended)
		host_launch_set_named(launch);
	launch->pid = record->payload_pid;
	launch->child_alive = !ended;
	host_init_take_held(launch, record, fds, n_fds);
	if (unit && !host->synchronized)
		is_managed = host_init_rejoin(unit);
	if (unit && record->payload_pid > 0 && host->cgroups.root_fd < 0)
		host_init_note_session(unit, record->payload_pid);
	if (!launch->exec_done && !ended && host_exec_is_label(record))
		host_exec_end(launch); /* whoever waited for it was the client of a manager that is no more */
	if (launch->exec_done) {
		if (ended)
			host_init_exec_ended(launch, record);
		return;
	}
	if (unit)
		host_log_set_pid(unit, &launch->id, launch->pid);
	host_init_tell_manager(launch, record, was_named);
	if (unit && !is_managed)
		host_init_rejoin(unit); /* the manager may have remembered it by that */
	if (ended && unit)
		host_cgroup_check_empty(unit);
}

static void host_init_on_signal(struct host *host, const struct launch_signal *signal)
{
	char text[64];

	snprintf(text, sizeof text, "svc-init got signal %d", signal->signal);
	host_log_message(&host->world, LOG_INFO, NULL, text);
	if (signal->signal == SIGHUP) {
		manager_reload(host->manager, NULL);
		return;
	}
	if (host->init_mode != LAUNCH_MODE_MACHINE) {
		manager_shutdown(host->manager, LAUNCH_EXIT, 0);
		return;
	}
	/* As systemd(1) has them; SIGINT is Ctrl-Alt-Del. SIGTERM would end the machine by a mistyped kill(1): it is only logged. */
	if (signal->signal == SIGINT || signal->signal == SIGRTMIN + 5)
		manager_shutdown(host->manager, LAUNCH_REBOOT, 0);
	else if (signal->signal == SIGPWR || signal->signal == SIGRTMIN + 4)
		manager_shutdown(host->manager, LAUNCH_POWER_OFF, 0);
	else if (signal->signal == SIGRTMIN + 3)
		manager_shutdown(host->manager, LAUNCH_HALT, 0);
}

/* One message. Returns 1, 0 at the end of the connection, -EAGAIN when there is none. */
static int host_init_receive(struct host *host)
{
	union {
		struct launch_request head;
		struct launch_welcome welcome;
		struct launch_record record;
		struct launch_signal signal;
	} message = {};
	int fds[LAUNCH_MAX_HELD];
	size_t n_fds = 0;
	ssize_t n = fd_receive_message(host->init_fd, &message, sizeof message, fds, ARRAY_SIZE(fds), &n_fds);

	if (n <= 0)
		return (int)n;
	if ((size_t)n < sizeof message.head || message.head.version != LAUNCH_VERSION)
		host_log_message(&host->world, LOG_ERR, NULL, "svc-init speaks another version");
	else if (message.head.type == LAUNCH_WELCOME && (size_t)n >= sizeof message.welcome) {
		host->init_mode = message.welcome.mode;
		host->manager_starts = message.welcome.manager_starts;
		host->init_pid = message.welcome.pid;
		host->welcomed = true;
	} else if (message.head.type == LAUNCH_RECORD && (size_t)n >= sizeof message.record)
		host_init_on_record(host, &message.record, fds, n_fds);
	else if (message.head.type == LAUNCH_TABLE_END)
		host->synchronized = true;
	else if (message.head.type == LAUNCH_SIGNAL && (size_t)n >= sizeof message.signal)
		host_init_on_signal(host, &message.signal);
	for (size_t i = 0; i < n_fds; i++)
		fd_close(fds[i]);
	return 1;
}

static int host_init_on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t events, void *data)
{
	struct host *host = data;
	int r = 1;

	if (host->queue)
		host_init_flush(host);
	/* Bounded, so that a storm of exits cannot starve the bus. */
	for (int i = 0; i < 256 && r > 0; i++)
		r = host_init_receive(host);
	if (r == 0 || (r < 0 && r != -EAGAIN) || (events & (EPOLLHUP | EPOLLERR) && r <= 0))
		sd_event_exit(host->event, host->finishing ? 0 : 1);
	host_wake(host);
	return 0;
}

/* Receives until *DONE turns true, which a message does. */
static int host_init_await(struct host *host, const bool *done, struct failure *failure)
{
	struct pollfd poll_fd = {.fd = host->init_fd, .events = POLLIN};

	while (!*done) {
		int r = host_init_receive(host);

		if (r == 0)
			return failure_set(failure, -ECONNRESET, NULL, "svc-init closed the connection");
		if (r < 0 && r != -EAGAIN)
			return failure_set(failure, r, NULL, "cannot read svc-init's table");
		if (r > 0)
			continue;
		r = poll(&poll_fd, 1, HOST_INIT_HELLO_MSEC);
		if (r == 0)
			return failure_set(failure, -ETIMEDOUT, NULL, "svc-init does not answer");
		if (r < 0 && errno != EINTR)
			return failure_set(failure, -errno, NULL, "cannot wait for svc-init");
	}
	return 0;
}

int host_init_connect(struct host *host, struct failure *failure)
{
	struct launch_hello hello = {.head = host_init_head(LAUNCH_HELLO, NULL)};
	int r = fd_send_message(host->init_fd, &hello, sizeof hello, NULL, 0);

	if (r < 0)
		return failure_set(failure, r, NULL, "cannot greet svc-init");
	return host_init_await(host, &host->welcomed, failure);
}

int host_init_synchronize(struct host *host, struct failure *failure)
{
	int r = host_init_await(host, &host->synchronized, failure);

	if (r < 0)
		return r;
	r = sd_event_add_io(host->event, &host->init_source, host->init_fd, EPOLLIN, host_init_on_io, host);
	if (r >= 0 && host->queue)
		r = sd_event_source_set_io_events(host->init_source, EPOLLIN | EPOLLOUT);
	return r < 0 ? failure_set(failure, r, NULL, "cannot watch svc-init's socket") : 0;
}

void host_init_disconnect(struct host *host)
{
	host->init_source = sd_event_source_disable_unref(host->init_source);
	while (host->queue) {
		struct host_message *next = host->queue->next;

		host_message_free(host->queue);
		host->queue = next;
	}
	host->queue_end = &host->queue;
	host->init_fd = fd_close(host->init_fd);
}
