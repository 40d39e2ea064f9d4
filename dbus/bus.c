/* The life of the bus face: the sockets it listens on, the attempt to be on the system bus, and the one
 * deferred event that ends an iteration of the loop: it sends the signals that were collected and frees
 * connections that have ended. That event is off while there is nothing to do, so an idle bus face costs no
 * wakeup.
 *
 * The system bus is served only by a manager that runs as root in the default runtime directory (or was given
 * $DBUS_SYSTEM_BUS_ADDRESS): a second tree with a directory of its own must not compete for the name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "dbus/parts.h"

#define BUS_RETRY_FIRST (1 * USEC_PER_SEC)
#define BUS_RETRY_LAST	(300 * USEC_PER_SEC)
#define BUS_BACKLOG	128

static int bus_on_flush(_unused_ sd_event_source *source, void *userdata)
{
	struct bus *bus = userdata;

	change_flush(bus);
	connection_bury(bus);
	return 0;
}

int bus_new(sd_event *event, struct bus **ret)
{
	_cleanup_(cleanup_bus_free) struct bus *bus = calloc(1, sizeof *bus);
	int r;

	if (!bus)
		return -ENOMEM;
	bus->event = sd_event_ref(event);
	bus->last_change = &bus->first_change;
	bus->system_retry_delay = BUS_RETRY_FIRST;
	bus->observer = (struct manager_observer){
		.unit_new = change_unit_new,
		.unit_removed = change_unit_removed,
		.unit_changed = change_unit,
		.job_new = change_job_new,
		.job_removed = change_job_removed,
		.reloading = change_reloading,
		.data = bus,
	};
	r = sd_event_add_defer(event, &bus->flush, bus_on_flush, bus);
	if (r >= 0) /* after the manager's own work of the iteration */
		r = sd_event_source_set_priority(bus->flush, SD_EVENT_PRIORITY_NORMAL + 10);
	if (r >= 0)
		r = sd_event_source_set_enabled(bus->flush, SD_EVENT_OFF);
	if (r >= 0)
		r = unit_object_build(bus);
	if (r >= 0)
		r = service_object_build(bus);
	if (r >= 0)
		r = slice_object_build(bus);
	if (r < 0)
		return r;
	*ret = TAKE(bus);
	return 0;
}

static void bus_free_listener(struct listener *listener)
{
	sd_event_source_disable_unref(listener->source);
	fd_close(listener->fd);
	if (listener->path)
		unlink(listener->path);
	free(listener->path);
	free(listener);
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	while (bus->listeners) {
		struct listener *next = bus->listeners->next;

		bus_free_listener(bus->listeners);
		bus->listeners = next;
	}
	cleaning_drop_all(bus);
	execution_abandon_all(bus, NULL);
	while (bus->connections)
		connection_free(bus->connections);
	change_clear(bus);
	sd_event_source_disable_unref(bus->system_retry);
	sd_event_source_disable_unref(bus->flush);
	table_free(&bus->service_rows);
	table_free(&bus->slice_rows);
	table_free(&bus->unit_rows);
	free(bus->service_vtable);
	free(bus->slice_vtable);
	free(bus->unit_vtable);
	text_list_free(bus->made_names);
	sd_event_unref(bus->event);
	free(bus);
	return NULL;
}

const struct manager_observer *bus_observer(struct bus *bus)
{
	return &bus->observer;
}

void bus_wake(struct bus *bus)
{
	sd_event_source_set_enabled(bus->flush, SD_EVENT_ONESHOT);
}

void bus_flush(struct bus *bus)
{
	change_flush(bus);
}

/* --- private sockets --------------------------------------------------------------------------------- */

static int bus_on_client(_unused_ sd_event_source *source, int fd, uint32_t _unused_ events, void *userdata)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	/* A client that cannot be served sees its connection end; there is nobody else to tell. */
	if (client >= 0)
		connection_accept(userdata, client);
	return 0;
}

/* Binds beside PATH and renames, so that a client finds the old socket or the new one, never none. */
static int bus_bind(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof address.sun_path, "%s.new", path);

	if (n >= (int)sizeof address.sun_path)
		return -ENAMETOOLONG;
	if (unlink(address.sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (fchmod(fd, 0600) < 0) /* before bind(2), which makes the node with this mode */
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	if (listen(fd, BUS_BACKLOG) < 0 || rename(address.sun_path, path) < 0) {
		int r = -errno;

		unlink(address.sun_path);
		return r;
	}
	return 0;
}

static int bus_listen(struct bus *bus, const char *path, struct failure *failure)
{
	struct listener *listener = calloc(1, sizeof *listener);
	int r;

	if (!listener)
		return failure_set(failure, -ENOMEM, path, "cannot listen");
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = listener->fd < 0 ? -errno : bus_bind(listener->fd, path);
	if (r >= 0) {
		listener->path = strdup(path);
		r = listener->path ? sd_event_add_io(bus->event, &listener->source, listener->fd, EPOLLIN,
						     bus_on_client, bus)
				   : -ENOMEM;
	}
	if (r < 0) {
		bus_free_listener(listener);
		return failure_set(failure, r, path, "cannot listen for clients");
	}
	listener->next = bus->listeners;
	bus->listeners = listener;
	return 0;
}

/* --- the system bus ---------------------------------------------------------------------------------- */

static int bus_on_retry(_unused_ sd_event_source *source, uint64_t _unused_ now, void *userdata)
{
	struct bus *bus = userdata;
	int r;

	bus->system_retry = sd_event_source_unref(bus->system_retry);
	r = connection_open_system(bus);
	if (r < 0) {
		failure_set(&bus->system_failure, r, "system bus", "cannot connect");
		bus_lost_system(bus);
	}
	return 0;
}

void bus_lost_system(struct bus *bus)
{
	if (!bus->with_system_bus || bus->system_retry)
		return;
	/* Without memory or timers there is no second try; the private socket remains. */
	sd_event_add_time_relative(bus->event, &bus->system_retry, CLOCK_MONOTONIC, bus->system_retry_delay,
				   USEC_PER_SEC, bus_on_retry, bus);
	bus->system_retry_delay = MIN_OF(2 * bus->system_retry_delay, BUS_RETRY_LAST);
}

void bus_on_system(struct bus *bus, const struct failure *failure)
{
	bus->system_failure = failure ? *failure : (struct failure){};
	if (!failure) {
		bus->system_retry_delay = BUS_RETRY_FIRST;
		return;
	}
	bus->with_system_bus = false; /* a refusal will not change by asking again */
	if (bus->system)
		connection_kill(bus->system);
}

const struct failure *bus_system_failure(const struct bus *bus)
{
	return &bus->system_failure;
}

int bus_serve(struct bus *bus, struct host *host, const char *runtime_directory, struct failure *failure)
{
	_cleanup_free_ char *path = text_format("%s/" NAMES_PRIVATE_SOCKET, runtime_directory);
	int r;

	if (!path)
		return failure_set(failure, -ENOMEM, runtime_directory, "cannot listen");
	bus->host = host;
	r = fd_make_directories(runtime_directory, 0755);
	if (r < 0)
		return failure_set(failure, r, runtime_directory, "cannot make the runtime directory");
	r = bus_listen(bus, path, failure);
	if (r < 0)
		return r;
	bus->with_system_bus = geteuid() == 0 && (secure_getenv("DBUS_SYSTEM_BUS_ADDRESS") ||
						  text_equal(runtime_directory, NAMES_DEFAULT_RUNTIME));
	if (!bus->with_system_bus)
		return 0;
	r = connection_open_system(bus);
	if (r < 0) {
		failure_set(&bus->system_failure, r, "system bus", "cannot connect");
		bus_lost_system(bus);
	}
	return 0;
}

int bus_serve_systemd(struct bus *bus, const char *path, struct failure *failure)
{
	int r = bus_listen(bus, path, failure);

	if (r < 0)
		return r;
	bus->systemd_face = true;
	if (bus->system) /* a failure here shows as a failure of the connection, which is tried again */
		connection_request_systemd_name(bus->system);
	return 0;
}
