/* One sd-bus connection: a client on a private socket, or the system bus.
 *
 * Everything that comes in passes connection_filter() first. There the names of a face are registered when
 * they are first spoken to, a client that does not read its answers is dropped, and on the system bus the
 * caller's user is looked up: without blocking, by asking the bus and putting the call back into the queue
 * when the answer is there. On a private socket the peer's user is checked once, when it connects. Whoever is
 * neither root nor our own user may only read: call the methods marked SD_BUS_VTABLE_UNPRIVILEGED. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "dbus/parts.h"

#define CONNECTION_DAEMON	  "org.freedesktop.DBus"
#define CONNECTION_LOOKUP_TIMEOUT (5 * USEC_PER_SEC)
#define CONNECTION_SYSTEM_ADDRESS "unix:path=/run/dbus/system_bus_socket"

/* A call from the system bus that waits for the answer to "who is that?". */
struct connection_lookup {
	struct connection *connection;
	struct connection_lookup *next, **link;
	sd_bus_slot *slot;
	sd_bus_message *message;
};

static struct connection_lookup *connection_lookup_free(struct connection_lookup *lookup)
{
	if (!lookup)
		return NULL;
	*lookup->link = lookup->next;
	if (lookup->next)
		lookup->next->link = lookup->link;
	lookup->connection->n_pending--;
	sd_bus_slot_unref(lookup->slot);
	sd_bus_message_unref(lookup->message);
	free(lookup);
	return NULL;
}

struct connection *connection_free(struct connection *connection)
{
	if (!connection)
		return NULL;
	while (connection->lookups)
		connection_lookup_free(connection->lookups);
	sd_bus_track_unref(connection->subscribers);
	sd_bus_track_unref(connection->job_clients);
	sd_bus_slot_unref(connection->filter);
	sd_event_source_disable_unref(connection->first_look);
	execution_abandon_all(connection->owner, connection->bus);
	freezing_drop(connection);
	cleaning_drop(connection);
	if (connection->bus)
		sd_bus_detach_event(connection->bus);
	sd_bus_close_unref(connection->bus);
	if (connection->link) {
		*connection->link = connection->next;
		if (connection->next)
			connection->next->link = connection->link;
		connection->owner->n_connections--;
	}
	if (connection->owner->system == connection)
		connection->owner->system = NULL;
	free(connection);
	return NULL;
}
DEFINE_CLEANUP(struct connection *, connection_free);

void connection_kill(struct connection *connection)
{
	connection->is_dead = true;
	bus_wake(connection->owner);
}

void connection_bury(struct bus *bus)
{
	struct connection *next;

	for (struct connection *connection = bus->connections; connection; connection = next) {
		bool was_system = connection->is_system;

		next = connection->next;
		if (!connection->is_dead)
			continue;
		connection_free(connection);
		if (was_system)
			bus_lost_system(bus);
	}
}

struct view *connection_view(sd_bus *bus)
{
	return sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));
}

/* --- what passes the filter -------------------------------------------------------------------------- */

static bool connection_path_below(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(path, prefix, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Introspection of "/" and "/org" shows both trees, so it registers both. */
static int connection_register_face(struct connection *connection, const char *path)
{
	for (int i = 0; i < FACE_MAX_; i++) {
		struct view *view = &connection->views[i];
		int r;

		if (view->registered || !path)
			continue;
		if (!connection_path_below(path, view->face->path) &&
		    !connection_path_below(view->face->path, path) && strcmp(path, "/") != 0)
			continue;
		view->registered = true;
		if ((r = manager_object_register(view)) < 0 || (r = unit_object_register(view)) < 0 ||
		    (r = job_object_register(view)) < 0)
			return r;
	}
	return 0;
}

static bool connection_vtable_allows(const sd_bus_vtable *vtable, const char *member)
{
	for (const sd_bus_vtable *row = vtable; row->type != _SD_BUS_VTABLE_END; row++)
		if (row->type == _SD_BUS_VTABLE_METHOD && strcmp(row->x.method.member, member) == 0)
			return row->flags & SD_BUS_VTABLE_UNPRIVILEGED;
	return true; /* there is no such method; sd-bus will say so */
}

/* May anyone call this? What sd-bus itself answers only reads: no property is writable. An interface that nobody thought of here is
 * root's. */
static bool connection_is_for_all(sd_bus_message *message)
{
	const char *interface = sd_bus_message_get_interface(message),
		   *member = sd_bus_message_get_member(message);

	if (!interface || !member)
		return false; /* a call without interface reaches whatever has the member */
	for (int i = 0; i < FACE_MAX_; i++) {
		const struct face *face = &face_table[i];

		if (text_equal(interface, face->manager))
			return connection_vtable_allows(manager_object_vtable, member);
		if (text_equal(interface, face->unit))
			return connection_vtable_allows(unit_object_vtable, member);
		if (text_equal(interface, face->slice))
			return connection_vtable_allows(slice_object_vtable, member);
		if (text_equal(interface, face->service_interface))
			return connection_vtable_allows(service_object_vtable, member);
		if (text_equal(interface, face->job))
			return connection_vtable_allows(job_object_vtable, member);
	}
	return text_starts_with(interface, "org.freedesktop.DBus.");
}

static int connection_deny(sd_bus_message *message)
{
	sd_bus_reply_method_errorf(message, SD_BUS_ERROR_ACCESS_DENIED, "Only root may do this");
	return 1;
}

static int connection_on_caller(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	struct connection_lookup *lookup = userdata;
	struct connection *connection = lookup->connection;
	const char *sender = sd_bus_message_get_sender(lookup->message);
	uint32_t uid;

	if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "u", &uid) < 0) {
		connection_deny(lookup->message);
	} else if (strlen(sender) < sizeof connection->callers[0].name) {
		struct caller *caller =
			&connection->callers[connection->next_caller++ % CONNECTION_MAX_CALLERS];

		snprintf(caller->name, sizeof caller->name, "%s", sender);
		caller->uid = uid;
		if (sd_bus_enqueue_for_read(connection->bus, lookup->message) < 0)
			connection_deny(lookup->message);
	}
	connection_lookup_free(lookup);
	return 0;
}

static int connection_look_up(struct connection *connection, sd_bus_message *message, const char *sender)
{
	struct connection_lookup *lookup;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) question = NULL;
	int r;

	if (connection->n_pending >= CONNECTION_MAX_PENDING ||
	    strlen(sender) >= sizeof connection->callers[0].name)
		return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_LIMITS_EXCEEDED,
						  "Too many calls are waiting");
	lookup = calloc(1, sizeof *lookup);
	if (!lookup)
		return -ENOMEM;
	*lookup = (struct connection_lookup){
		.connection = connection,
		.next = connection->lookups,
		.link = &connection->lookups,
		.message = sd_bus_message_ref(message),
	};
	if (lookup->next)
		lookup->next->link = &lookup->next;
	connection->lookups = lookup;
	connection->n_pending++;
	r = sd_bus_message_new_method_call(connection->bus, &question, CONNECTION_DAEMON,
					   "/org/freedesktop/DBus", CONNECTION_DAEMON,
					   "GetConnectionUnixUser");
	if (r >= 0)
		r = sd_bus_message_append(question, "s", sender);
	if (r >= 0)
		r = sd_bus_call_async(connection->bus, &lookup->slot, question, connection_on_caller, lookup,
				      CONNECTION_LOOKUP_TIMEOUT);
	if (r < 0)
		connection_lookup_free(lookup);
	return r < 0 ? r : 1;
}

/* 0: go on, 1: dealt with (the caller is being looked up, or refused). */
static int connection_authorize(struct connection *connection, sd_bus_message *message)
{
	const char *sender = sd_bus_message_get_sender(message);

	if (!connection->is_system) {
		connection->caller_trusted = true;
		return 0;
	}
	if (!sender)
		return connection_deny(message);
	for (size_t i = 0; i < CONNECTION_MAX_CALLERS; i++) {
		const struct caller *caller = &connection->callers[i];

		if (strcmp(caller->name, sender) != 0)
			continue;
		connection->caller_trusted = caller->uid == 0 || caller->uid == geteuid();
		return connection->caller_trusted || connection_is_for_all(message)
			       ? 0
			       : connection_deny(message);
	}
	return connection_look_up(connection, message, sender);
}

/* A client that takes us for a bus says Hello and installs matches; it gets what it expects and all signals.
 */
static int connection_answer_daemon(sd_bus_message *message)
{
	const char *member = sd_bus_message_get_member(message);

	if (text_equal(member, "Hello"))
		return sd_bus_reply_method_return(message, "s", ":1.1");
	if (text_equal(member, "AddMatch") || text_equal(member, "RemoveMatch"))
		return sd_bus_reply_method_return(message, NULL);
	return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_METHOD, "This is no message bus");
}

/* sd-bus has read it already and would wait for more to come. What goes wrong here goes wrong again in its own turn. */
static int connection_on_first_look(_unused_ sd_event_source *source, void *userdata)
{
	struct connection *connection = userdata;

	while (!connection->is_dead && sd_bus_process(connection->bus, NULL) > 0)
		;
	return 0;
}

static int connection_filter(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	struct connection *connection = userdata;
	const char *interface = sd_bus_message_get_interface(message);
	uint64_t queued = 0;
	uint8_t type;
	int r;

	if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected")) {
		connection_kill(connection);
		return 0;
	}
	if (connection->first_look &&
	    sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Connected"))
		return sd_event_source_set_enabled(connection->first_look, SD_EVENT_ONESHOT);
	if (connection->is_dead)
		return 1;
	if (sd_bus_message_get_type(message, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
		return 0;
	if (!connection->is_system && sd_bus_get_n_queued_write(connection->bus, &queued) >= 0 &&
	    queued > CONNECTION_MAX_QUEUED) {
		connection_kill(connection);
		return 1;
	}
	if (!connection->is_system && text_equal(interface, CONNECTION_DAEMON)) {
		r = connection_answer_daemon(message);
		return r < 0 ? r : 1;
	}
	r = connection_authorize(connection, message);
	if (r != 0)
		return r;
	return connection_register_face(connection, sd_bus_message_get_path(message));
}

/* --- making one -------------------------------------------------------------------------------------- */

static int connection_new(struct bus *bus, bool is_system, struct connection **ret)
{
	_cleanup_(cleanup_connection_free) struct connection *connection = calloc(1, sizeof *connection);
	int r;

	if (!connection)
		return -ENOMEM;
	connection->owner = bus;
	connection->is_system = is_system;
	for (int i = 0; i < FACE_MAX_; i++)
		connection->views[i] = (struct view){.connection = connection, .face = &face_table[i]};
	r = sd_bus_new(&connection->bus);
	if (r >=
	    0) /* who may do what is decided in connection_filter(), without asking the bus and waiting */
		r = sd_bus_set_trusted(connection->bus, true);
	if (r >= 0)
		r = sd_bus_negotiate_fds(connection->bus, true);
	if (r < 0)
		return r;
	connection->next = bus->connections;
	connection->link = &bus->connections;
	if (connection->next)
		connection->next->link = &connection->next;
	bus->connections = connection;
	bus->n_connections++;
	*ret = TAKE(connection);
	return 0;
}

static int connection_start(struct connection *connection)
{
	int r = sd_bus_add_filter(connection->bus, &connection->filter, connection_filter, connection);

	if (r >= 0)
		r = sd_bus_start(connection->bus);
	if (r >= 0)
		r = sd_bus_attach_event(connection->bus, connection->owner->event, SD_EVENT_PRIORITY_NORMAL);
	return r < 0 ? r : 0;
}

int connection_accept(struct bus *bus, int fd)
{
	_cleanup_fd_ int owned = fd;
	_cleanup_(cleanup_connection_free) struct connection *connection = NULL;
	struct ucred peer;
	socklen_t size = sizeof peer;
	sd_id128_t id;
	int r;

	if (bus->n_connections >= CONNECTION_MAX)
		return -EUSERS;
	if (getsockopt(owned, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	if (peer.uid != 0 && peer.uid != geteuid())
		return -EPERM;
	r = connection_new(bus, false, &connection);
	if (r < 0)
		return r;
	connection->uid = peer.uid;
	r = sd_bus_set_fd(connection->bus, owned, owned);
	if (r < 0)
		return r;
	(void)TAKE_FD(owned);
	r = sd_id128_randomize(&id);
	if (r >= 0)
		r = sd_bus_set_server(connection->bus, 1, id);
	/* Who it is has been checked above. sd-bus itself would refuse a client outside our PID namespace,
	 * whose credentials have a pid of 0, unless it needs none. */
	if (r >= 0)
		r = sd_bus_set_anonymous(connection->bus, true);
	if (r >= 0)
		r = sd_bus_set_connected_signal(connection->bus, true);
	if (r >= 0)
		r = sd_event_add_defer(bus->event, &connection->first_look, connection_on_first_look,
				       connection);
	if (r >= 0)
		r = sd_event_source_set_enabled(connection->first_look, SD_EVENT_OFF);
	if (r >= 0)
		r = connection_start(connection);
	if (r < 0)
		return r;
	(void)TAKE(connection);
	return 0;
}

static int connection_on_name(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	struct connection *connection = userdata;
	const sd_bus_error *problem = sd_bus_message_get_error(reply);
	struct failure failure = {};
	uint32_t outcome = 0;

	if (problem)
		failure_set(&failure, -sd_bus_error_get_errno(problem), NAMES_SERVICE, "%s",
			    problem->message);
	else if (sd_bus_message_read(reply, "u", &outcome) < 0 || (outcome != 1 && outcome != 4))
		failure_set(&failure, -EEXIST, NAMES_SERVICE, "somebody else has the name");
	bus_on_system(connection->owner, failure.error ? &failure : NULL);
	return 0;
}

/* systemd's own name is extra: on a host with systemd it is taken, and that is how it should be. */
static int connection_on_systemd_name(_unused_ sd_bus_message *reply, _unused_ void *userdata,
				      _unused_ sd_bus_error *error)
{
	return 0;
}

int connection_request_systemd_name(struct connection *connection)
{
	return sd_bus_request_name_async(connection->bus, NULL, NAMES_SYSTEMD_SERVICE, 0,
					 connection_on_systemd_name, connection);
}

int connection_open_system(struct bus *bus)
{
	_cleanup_(cleanup_connection_free) struct connection *connection = NULL;
	const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
	int r;

	r = connection_new(bus, true, &connection);
	if (r < 0)
		return r;
	r = sd_bus_set_address(connection->bus, address ? address : CONNECTION_SYSTEM_ADDRESS);
	if (r >= 0)
		r = sd_bus_set_bus_client(connection->bus, true);
	if (r >= 0) /* inotify tells when the bus is there */
		r = sd_bus_set_watch_bind(connection->bus, true);
	if (r >= 0)
		r = connection_start(connection);
	if (r >= 0)
		r = sd_bus_track_new(connection->bus, &connection->subscribers, NULL, NULL);
	if (r >= 0)
		r = sd_bus_track_new(connection->bus, &connection->job_clients, NULL, NULL);
	if (r >= 0)
		r = sd_bus_request_name_async(connection->bus, NULL, NAMES_SERVICE, 0, connection_on_name,
					      connection);
	if (r >= 0 && bus->systemd_face)
		r = connection_request_systemd_name(connection);
	if (r < 0)
		return r;
	bus->system = TAKE(connection);
	return 0;
}

/* --- who hears signals ------------------------------------------------------------------------------- */

int connection_subscribe(struct connection *connection, sd_bus_message *message)
{
	int r;

	if (connection->is_system) {
		r = sd_bus_track_add_sender(connection->subscribers, message);
		return r < 0 ? r : r == 0 ? -EALREADY : 0;
	}
	if (connection->subscribed)
		return -EALREADY;
	connection->subscribed = true;
	return 0;
}

int connection_unsubscribe(struct connection *connection, sd_bus_message *message)
{
	int r;

	if (connection->is_system) {
		r = sd_bus_track_remove_sender(connection->subscribers, message);
		return r < 0 ? r : r == 0 ? -ENOENT : 0;
	}
	if (!connection->subscribed)
		return -ENOENT;
	connection->subscribed = false;
	return 0;
}

int connection_follow_jobs(struct connection *connection, sd_bus_message *message)
{
	int r;

	if (!connection->is_system) {
		connection->queued_jobs = true;
		return 0;
	}
	r = sd_bus_track_add_sender(connection->job_clients, message);
	return r < 0 ? r : 0;
}

bool connection_is_root(const struct connection *connection, sd_bus_message *message)
{
	const char *sender = sd_bus_message_get_sender(message);

	if (!connection->is_system)
		return connection->uid == 0;
	for (size_t i = 0; sender && i < CONNECTION_MAX_CALLERS; i++)
		if (strcmp(connection->callers[i].name, sender) == 0)
			return connection->callers[i].uid == 0;
	return false;
}

bool connection_wants_changes(const struct connection *connection)
{
	if (connection->is_dead)
		return false;
	return connection->is_system ? sd_bus_track_count(connection->subscribers) > 0
				     : connection->subscribed;
}

bool connection_wants_jobs(const struct connection *connection)
{
	if (connection->is_dead)
		return false;
	if (connection->is_system && sd_bus_track_count(connection->job_clients) > 0)
		return true;
	return connection->queued_jobs || connection_wants_changes(connection);
}
