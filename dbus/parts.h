/* What the files of dbus/ know of each other.
 *
 * A *face* is one set of names (service, path prefix, interface prefix) for the same objects; there are two,
 * our own and systemd's. A *connection* is one client on a private socket, or the system bus. On a connection
 * each face has a *view*, which is the userdata of the face's vtables; the vtables of a face are registered
 * when a client first speaks to it, because most speak only to one.
 *
 * A callback gets what it is about as its userdata (struct unit *, struct job *, or the view itself for the
 * manager object) and its view by connection_view(). Nothing here outlives its connection but struct
 * execution, which knows when the bus is gone. */
#pragma once

#include <systemd/sd-bus.h>

#include "base/table.h"
#include "base/text.h"
#include "dbus/bus.h"
#include "dbus/names.h"
#include "units/directive.h"

/* --- names ------------------------------------------------------------------------------------------- */

enum face_kind { FACE_SVCD, FACE_SYSTEMD, FACE_MAX_ };

struct face {
	const char *service, *path, *unit_path, *job_path;
	const char *manager, *unit, *service_interface, *target, *slice, *job;
	const char *error_prefix; /* "org.svcd1." */
};
extern const struct face face_table[FACE_MAX_];

/* "/org/svcd1/unit/web_2eservice"; heap, NULL when out of memory. */
char *face_unit_path(const struct face *face, const char *unit);
char *face_job_path(const struct face *face, uint32_t id);

/* --- connections ------------------------------------------------------------------------------------- */

enum {
	CONNECTION_MAX = 256,		/* clients on private sockets */
	CONNECTION_MAX_QUEUED = 1024,	/* answers that a client may leave unread and still call */
	CONNECTION_MAX_SIGNALS = 16384, /* messages that a client may leave unread and still get signals */
	CONNECTION_MAX_CALLERS = 64,	/* users of system bus clients that are remembered */
	CONNECTION_MAX_PENDING = 256,	/* calls from the system bus whose caller is being looked up */
};

struct connection;

struct view {
	struct connection *connection;
	const struct face *face;
	bool registered;
};

struct caller {
	char name[32]; /* ":1.42"; longer names are not cached */
	uid_t uid;
};

struct connection {
	struct bus *owner;
	sd_bus *bus;
	struct connection *next, **link;
	struct view views[FACE_MAX_];
	sd_bus_slot *filter;
	sd_event_source *first_look; /* at what a client sent together with the end of its authentication */
	bool is_system;		     /* the system bus: many callers, of any user */
	uid_t uid;		     /* of the client of a private connection */
	bool is_dead;		     /* to be freed by connection_bury() */

	/* Whom signals go to. A private connection is one client; on the system bus clients are tracked by
	 * name. */
	bool subscribed, queued_jobs;
	sd_bus_track *subscribers, *job_clients;

	/* The system bus only: who calls. */
	struct caller callers[CONNECTION_MAX_CALLERS];
	unsigned next_caller, n_pending;
	struct connection_lookup *lookups;
	bool caller_trusted; /* of the message that is being dispatched */
};

/* Serves the client behind FD, which is taken over, also on failure. -EPERM: neither root nor our own user.
 * -EUSERS: too many. */
int connection_accept(struct bus *bus, int fd);
/* Begins to serve the system bus; what becomes of it is told by bus_on_system(). */
int connection_open_system(struct bus *bus);
int connection_request_systemd_name(struct connection *connection);
struct connection *connection_free(struct connection *connection);
/* Marks the connection for being freed at the end of the loop's iteration, when none of its callbacks runs.
 */
void connection_kill(struct connection *connection);
void connection_bury(struct bus *bus);

/* The view a vtable callback was called for. */
struct view *connection_view(sd_bus *bus);
/* The client of MESSAGE wants all signals (0, or -EALREADY), or (-ENOENT when it had not) none. */
int connection_subscribe(struct connection *connection, sd_bus_message *message);
int connection_unsubscribe(struct connection *connection, sd_bus_message *message);
/* The client of MESSAGE has put in a job: it hears of the job's end. */
int connection_follow_jobs(struct connection *connection, sd_bus_message *message);
/* Is the sender of MESSAGE, which has been authorized, uid 0? */
bool connection_is_root(const struct connection *connection, sd_bus_message *message);
bool connection_wants_changes(const struct connection *connection);
bool connection_wants_jobs(const struct connection *connection);

/* --- the bus ----------------------------------------------------------------------------------------- */

struct listener {
	struct listener *next;
	int fd;
	char *path;
	sd_event_source *source;
};

struct bus {
	struct host *host;
	sd_event *event;
	struct manager_observer observer;
	struct listener *listeners;
	struct connection *connections;
	unsigned n_connections;
	struct execution *executions;
	struct freezing *freezings;
	struct cleaning *cleanings;

	struct connection *system;
	struct failure system_failure;
	sd_event_source *system_retry;
	usec_t system_retry_delay;
	bool with_system_bus;
	bool systemd_face; /* serve systemd's name on the system bus too */
	uint8_t exit_code;

	/* change.c */
	sd_event_source *flush;
	struct table changed; /* unit name -> struct unit * */
	struct change *first_change, **last_change;
	unsigned n_failed; /* as last told to clients */
	bool failed_changed;

	/* made by vtable_make() */
	sd_bus_vtable *service_vtable, *unit_vtable, *slice_vtable;
	struct table service_rows, unit_rows, slice_rows; /* property -> struct directive * */
	char **made_names;

	/* What a unit's cgroup has used, read once for all properties of one answer. */
	struct cgroup_usage usage;
	const struct unit *usage_of;
	uint64_t usage_iteration;
};

static inline struct manager *bus_manager(const struct bus *bus)
{
	return host_manager(bus->host);
}

/* The system bus accepted us, or not: FAILURE is NULL, or says why. */
void bus_on_system(struct bus *bus, const struct failure *failure);
/* The system bus went away: tries again later. */
void bus_lost_system(struct bus *bus);
/* The loop's iteration must end with change_flush() and connection_bury(). */
void bus_wake(struct bus *bus);

/* --- change.c: signals ------------------------------------------------------------------------------- */

void change_unit_new(void *data, struct unit *unit);
void change_unit_removed(void *data, struct unit *unit);
void change_unit(void *data, struct unit *unit);
void change_job_new(void *data, struct job *job);
void change_job_removed(void *data, struct job *job, enum job_result result);
void change_reloading(void *data, bool active);
/* Sends what has been collected, each unit's properties once. */
void change_flush(struct bus *bus);
void change_clear(struct bus *bus);

/* --- reply.c: errors --------------------------------------------------------------------------------- */

/* Fills ERROR from FAILURE with the face's error name; returns what a method handler returns. FAILURE may be
 * NULL or empty. */
int reply_error(sd_bus_error *error, const struct face *face, int code, const struct failure *failure);
int reply_no_such_unit(sd_bus_error *error, const struct face *face, const char *name);
int reply_invalid(sd_bus_error *error, const char *what, const char *value);
/* The D-Bus error name for a negative errno, without prefix; NULL when there is no special one. */
const char *reply_error_name(int code);
const char *reply_load_error_name(enum unit_load_state state);

/* --- property.c: values of directives ---------------------------------------------------------------- */

/* The property's name; NULL when the directive has none. */
const char *property_name(const struct directive *directive);
const char *property_signature(const struct directive *directive);
/* The second property of some kinds: NAME + "Soft" of a resource limit, NAME + "Ex" of command lines. NULL:
 * none. */
const char *property_second_suffix(const struct directive *directive);
const char *property_second_signature(const struct directive *directive);
int property_append(sd_bus_message *message, const struct directive *directive, const struct unit *unit);
int property_append_second(sd_bus_message *message, const struct directive *directive,
			   const struct unit *unit);
/* The list, NULL as empty. */
int property_append_list(sd_bus_message *message, char *const *list);
int property_append_allow_list(sd_bus_message *message, bool allow_list, char *const *names);
/* property_rules.c: what the rules of filters are on D-Bus. */
int property_rules_devices(sd_bus_message *message, const struct spec *spec);
int property_rules_ip_allow(sd_bus_message *message, const struct spec *spec);
int property_rules_ip_deny(sd_bus_message *message, const struct spec *spec);
int property_rules_programs(sd_bus_message *message, const struct spec *spec);
int property_rules_bind_allow(sd_bus_message *message, const struct spec *spec);
int property_rules_bind_deny(sd_bus_message *message, const struct spec *spec);
int property_rules_interfaces(sd_bus_message *message, const struct spec *spec);
int property_rules_sets(sd_bus_message *message, const struct spec *spec);
int property_rules_file_systems(sd_bus_message *message, const struct spec *spec);
/* "0-3,8" as bytes of bits. */
int property_append_set(sd_bus_message *message, const char *list);
/* The names of the CGROUP_* bits. */
int property_append_controllers(sd_bus_message *message, unsigned controllers);
/* property_credential.c: LoadCredential= and its siblings; EXTENDED: ImportCredentialEx */
const char *property_credential_signature(const struct directive *directive);
int property_credential_append(sd_bus_message *message, const struct directive *directive,
			       char *const *entries, bool extended);
/* Lines of a unit file from a value of such a TYPE that a client has sent for the directive NAME; -ENOTSUP: no type of rules. */
int property_rules_read(sd_bus_message *message, const char *type, const char *name, char ***ret);
/* property_exception.c: systemd's type for what would have another one by its kind. */
struct property_exception {
	const char *name, *signature;
	int (*append)(sd_bus_message *message,
		      const struct spec *spec); /* NULL: as its kind does, by the signature */
};
const struct property_exception *property_exception_find(const struct directive *directive);
/* property_image.c: those of disk images. */
int property_image_options(sd_bus_message *message, const struct spec *spec);
int property_image_hash(sd_bus_message *message, const struct spec *spec);
int property_image_signature(sd_bus_message *message, const struct spec *spec);
int property_image_mounts(sd_bus_message *message, const struct spec *spec);
int property_image_extensions(sd_bus_message *message, const struct spec *spec);
/* A raw wait status as SIGCHLD tells it: CLD_EXITED and a status, CLD_KILLED or CLD_DUMPED and a signal; zeros for
 * LAUNCH_STATUS_LOST. */
void property_decode_status(int wait_status, int *ret_code, int *ret_status);
/* How a process ended, in the same way; zeros while it runs, too. */
void property_wait_status(const struct unit_process *process, int *ret_code, int *ret_status);

/* --- vtable.c: vtables from the directive table ------------------------------------------------------ */

/* Appends to TEMPLATE, which ends with SD_BUS_VTABLE_END, one property per directive of the SECTIONS (NULL
 * ends) whose name is not in TEMPLATE yet. The vtable is the caller's to free; ROWS gets property ->
 * directive; MADE_NAMES owns names made here. */
struct vtable_request {
	const sd_bus_vtable *template;
	const char *const *sections;
	sd_bus_property_get_t get, get_second;
	struct table *rows;
	char ***made_names;
};
int vtable_make(const struct vtable_request *request, sd_bus_vtable **ret);

/* --- resource.c: what units with a cgroup have in common ------------------------------------------------ */

#define RESOURCE_DECLARE(name)                                                               \
	int name(sd_bus *bus, const char *path, const char *interface, const char *property, \
		 sd_bus_message *reply, void *userdata, sd_bus_error *error);
RESOURCE_DECLARE(resource_get_control_group)
RESOURCE_DECLARE(resource_get_id)
RESOURCE_DECLARE(resource_get_usage)
RESOURCE_DECLARE(resource_get_traffic)
RESOURCE_DECLARE(resource_get_effective)
RESOURCE_DECLARE(resource_get_set)
RESOURCE_DECLARE(resource_get_delegate_controllers)
RESOURCE_DECLARE(resource_get_pressure)
int resource_list(sd_bus_message *message, void *userdata, sd_bus_error *error);

#define RESOURCE_USAGE(name)	 SD_BUS_PROPERTY(name, "t", resource_get_usage, 0, 0)
#define RESOURCE_TRAFFIC(name)	 SD_BUS_PROPERTY(name, "t", resource_get_traffic, 0, 0)
#define RESOURCE_EFFECTIVE(name) SD_BUS_PROPERTY(name, "t", resource_get_effective, 0, 0)
#define RESOURCE_PRESSURE(name)	 SD_BUS_PROPERTY(name, "a(sdddt)", resource_get_pressure, 0, 0)
#define RESOURCE_PROPERTIES                                                                            \
	SD_BUS_PROPERTY("ControlGroup", "s", resource_get_control_group, 0, 0),                        \
		SD_BUS_PROPERTY("ControlGroupId", "t", resource_get_id, 0, 0),                         \
		RESOURCE_USAGE("MemoryCurrent"), RESOURCE_USAGE("MemoryPeak"),                         \
		RESOURCE_USAGE("MemorySwapCurrent"), RESOURCE_USAGE("MemorySwapPeak"),                 \
		RESOURCE_USAGE("MemoryZSwapCurrent"), RESOURCE_EFFECTIVE("MemoryAvailable"),           \
		RESOURCE_EFFECTIVE("EffectiveMemoryMax"), RESOURCE_EFFECTIVE("EffectiveMemoryHigh"),   \
		RESOURCE_USAGE("CPUUsageNSec"),                                                        \
		SD_BUS_PROPERTY("EffectiveCPUs", "ay", resource_get_set, 0, 0),                        \
		SD_BUS_PROPERTY("EffectiveMemoryNodes", "ay", resource_get_set, 0, 0),                 \
		RESOURCE_USAGE("TasksCurrent"), RESOURCE_EFFECTIVE("EffectiveTasksMax"),               \
		RESOURCE_TRAFFIC("IPIngressBytes"), RESOURCE_TRAFFIC("IPIngressPackets"),              \
		RESOURCE_TRAFFIC("IPEgressBytes"), RESOURCE_TRAFFIC("IPEgressPackets"),                \
		RESOURCE_USAGE("IOReadBytes"), RESOURCE_USAGE("IOReadOperations"),                     \
		RESOURCE_USAGE("IOWriteBytes"), RESOURCE_USAGE("IOWriteOperations"),                   \
		SD_BUS_PROPERTY("DelegateControllers", "as", resource_get_delegate_controllers, 0, 0), \
		RESOURCE_PRESSURE("CPUPressure"), RESOURCE_PRESSURE("MemoryPressure"),                 \
		RESOURCE_PRESSURE("IOPressure")

/* --- objects ----------------------------------------------------------------------------------------- */

extern const sd_bus_vtable manager_object_vtable[], unit_object_vtable[], service_object_vtable[],
	target_object_vtable[], slice_object_vtable[], job_object_vtable[];

/* Registers all objects of the view's face on its connection. */
int unit_object_register(struct view *view);
int job_object_register(struct view *view);
int manager_object_register(struct view *view);
/* Builds the vtables that come from the directive table. */
int unit_object_build(struct bus *bus);
int service_object_build(struct bus *bus);
int slice_object_build(struct bus *bus);
/* The unit a path names; loads it if need be. 0: none, 1: *RET. */
int unit_object_find(struct view *view, const char *path, struct unit **ret);

/* "/system.slice/web.service" as the cgroup filesystem has it, "" when the unit has none; without UNIT that
 * of the tree. Heap. */
char *unit_object_cgroup(const struct bus *bus, const struct unit *unit);
const char *unit_object_load_state(const struct unit *unit);
const char *unit_object_description(const struct unit *unit);
int unit_object_append_job(sd_bus_message *message, const struct face *face, const struct unit *unit);

/* Puts a job in and answers MESSAGE with its path. VERB is the method's name without "Unit": "Start",
 * "ReloadOrRestart". */
int unit_method_enqueue(struct view *view, sd_bus_message *message, struct unit *unit, const char *verb,
			const char *mode, sd_bus_error *error);
int unit_method_kill(struct view *view, sd_bus_message *message, struct unit *unit, const char *who,
		     int signal, sd_bus_error *error);
int unit_method_on_job(sd_bus_message *message, void *userdata, sd_bus_error *error);
int unit_method_on_kill(sd_bus_message *message, void *userdata, sd_bus_error *error);
int unit_method_on_reset_failed(sd_bus_message *message, void *userdata, sd_bus_error *error);

int job_object_append(sd_bus_message *message, const struct face *face, const struct job *job);

int listing_units(sd_bus_message *message, void *userdata, sd_bus_error *error);
int listing_units_filtered(sd_bus_message *message, void *userdata, sd_bus_error *error);
int listing_units_by_patterns(sd_bus_message *message, void *userdata, sd_bus_error *error);
int listing_units_by_names(sd_bus_message *message, void *userdata, sd_bus_error *error);
int listing_unit_files(sd_bus_message *message, void *userdata, sd_bus_error *error);
int listing_unit_files_by_patterns(sd_bus_message *message, void *userdata, sd_bus_error *error);
int listing_unit_file_state(sd_bus_message *message, void *userdata, sd_bus_error *error);
int listing_jobs(sd_bus_message *message, void *userdata, sd_bus_error *error);

int processes_of_object(sd_bus_message *message, void *userdata, sd_bus_error *error);
int processes_of_unit(sd_bus_message *message, void *userdata, sd_bus_error *error);
/* The loaded unit a process belongs to, NULL if none. */
struct unit *processes_find_unit(struct bus *bus, pid_t pid);

/* Manager.GetUnitSecurity */
int security_method(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* setting.c: SetProperties() of a unit, SetUnitProperties() of the manager. */
int setting_method(sd_bus_message *message, void *userdata, sd_bus_error *error);
int setting_method_of_manager(sd_bus_message *message, void *userdata, sd_bus_error *error);
/* Manager.ExecUnit: the answer comes when the command ends. */
int execution_method(sd_bus_message *message, void *userdata, sd_bus_error *error);
/* freezing.c: Freeze() and Thaw() of a unit, FreezeUnit() and ThawUnit() of the manager: answered when it is so. */
int freezing_method(sd_bus_message *message, void *userdata, sd_bus_error *error);
int freezing_method_of_manager(sd_bus_message *message, void *userdata, sd_bus_error *error);
/* Something has changed about the unit: answers who waits for that. */
void freezing_check(struct bus *bus, const struct unit *unit);
/* The client goes away: nobody waits any more. */
void freezing_drop(const struct connection *connection);

/* cleaning.c: Clean() of a unit, CleanUnit() of the manager; a unit's CanClean */
int cleaning_method(sd_bus_message *message, void *userdata, sd_bus_error *error);
int cleaning_method_of_manager(sd_bus_message *message, void *userdata, sd_bus_error *error);
int cleaning_append_kinds(sd_bus_message *message, const struct unit *unit);
/* The client, or the whole bus, goes away: nobody waits any more. */
void cleaning_drop(const struct connection *connection);
void cleaning_drop_all(struct bus *bus);

/* users.c: who exists while his service runs */
int users_method_by_name(sd_bus_message *message, void *userdata, sd_bus_error *error);
int users_method_by_uid(sd_bus_message *message, void *userdata, sd_bus_error *error);
int users_method_list(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* The client of CONNECTION, or the bus (NULL), goes away: the commands it waits for are ended. */
void execution_abandon_all(struct bus *bus, const sd_bus *connection);
