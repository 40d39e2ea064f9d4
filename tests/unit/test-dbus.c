/* dbus/: names and signatures against systemd's, and a real client against a fake manager over a private
 * socket. */
#include <netinet/in.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "dbus/parts.h"
#include "tests/unit/fake-manager.h"
#include "tests/unit/test.h"

#define FACTS "tests/data/systemd1-signatures.txt"

/* --- names and signatures ---------------------------------------------------------------------------- */

/* The line "INTERFACE KIND NAME …" of the facts: its two last fields. False when systemd has no such member.
 */
static bool fact_find(const char *facts, const char *interface, char kind, const char *name, char *signature,
		      char *extra)
{
	_cleanup_free_ char *head = text_format("\n%s %c %s ", interface, kind, name);
	const char *line = strstr(facts, head);

	return line && sscanf(line + strlen(head), "%127s %127s", signature, extra) == 2;
}

static bool same_signature(const char *ours, const char *theirs)
{
	return strcmp(ours && *ours ? ours : "-", theirs) == 0;
}

static const char *emits(uint64_t flags)
{
	return flags & SD_BUS_VTABLE_PROPERTY_CONST		   ? "const"
	       : flags & SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION ? "invalidates"
	       : flags & SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE	   ? "true"
								   : "false";
}

/* How many members of the vtable differ from systemd's namesakes; OURS, NULL-terminated, need none. */
static int count_differences(const char *interface, const sd_bus_vtable *vtable, const char *const *ours)
{
	_cleanup_free_ char *facts = NULL;
	int differences = fd_read_file_at(-100 /* AT_FDCWD */, FACTS, 1 << 20, &facts) <= 0;

	for (const sd_bus_vtable *row = vtable; facts && row->type != _SD_BUS_VTABLE_END; row++) {
		bool is_method = row->type == _SD_BUS_VTABLE_METHOD,
		     is_signal = row->type == _SD_BUS_VTABLE_SIGNAL;
		const char *name = is_method   ? row->x.method.member
				   : is_signal ? row->x.signal.member
					       : row->x.property.member;
		const char *mine = is_method   ? row->x.method.signature
				   : is_signal ? row->x.signal.signature
					       : row->x.property.signature;
		char signature[128], extra[128];

		if (row->type == _SD_BUS_VTABLE_START)
			continue;
		if (!fact_find(facts, interface,
			       is_method   ? 'M'
			       : is_signal ? 'S'
					   : 'P',
			       name, signature, extra)) {
			bool known = false;

			for (const char *const *own = ours; own && *own; own++)
				known |= strcmp(*own, name) == 0;
			if (!known && ours)
				printf("# %s.%s is neither systemd's nor listed as ours\n", interface, name);
			differences += !known && ours;
			continue;
		}
		if (!same_signature(mine, signature) ||
		    (is_method && !same_signature(row->x.method.result, extra)) ||
		    (!is_method && !is_signal && strcmp(extra, "-") != 0 &&
		     strcmp(extra, emits(row->flags)) != 0)) {
			printf("# %s.%s: %s, %s; systemd has %s, %s\n", interface, name, mine ? mine : "-",
			       is_method ? row->x.method.result : emits(row->flags), signature, extra);
			differences++;
		}
	}
	return differences;
}

TEST(members_of_manager_and_job_are_systemds)
{
	static const char *const ours[] = {"ExplainUnit",     "ExecUnit",  "OpenUnitLog",
					   "GetUnitSecurity", "ListUsage", NULL},
				 *const none[] = {NULL};

	EXPECT(count_differences("Manager", manager_object_vtable, ours) == 0);
	EXPECT(count_differences("Job", job_object_vtable, none) == 0);
}

/* Built with the directive table: a row whose kind gives another type than systemd's property has must be an
 * exception in property.c. */
TEST(members_of_unit_and_service_have_systemds_types)
{
	static const char *const none[] = {NULL};
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(cleanup_bus_free) struct bus *bus = NULL;

	EXPECT(sd_event_new(&event) == 0);
	EXPECT(bus_new(event, &bus) == 0);
	EXPECT(count_differences("Unit", bus->unit_vtable, none) == 0);
	EXPECT(count_differences("Service", bus->service_vtable, NULL) == 0);
	EXPECT(count_differences("Slice", bus->slice_vtable, NULL) == 0);
}

TEST(paths_are_escaped_as_systemds)
{
	_cleanup_free_ char *path = face_unit_path(&face_table[FACE_SVCD], "1-web@a.service");
	_cleanup_free_ char *other = face_unit_path(&face_table[FACE_SYSTEMD], "web.service");

	EXPECT_TEXT(path, "/org/svcd1/unit/_31_2dweb_40a_2eservice");
	EXPECT_TEXT(other, "/org/freedesktop/systemd1/unit/web_2eservice");
}

static bool process_ended(const struct unit_process *process, int expected_code, int expected_status)
{
	int code, status;

	property_wait_status(process, &code, &status);
	return code == expected_code && status == expected_status;
}

TEST(an_end_that_nobody_saw_is_no_exit_status)
{
	struct unit_process process = {.exit_status = -1, .ended_at = 1};

	process.wait_status = W_EXITCODE(3, 0);
	EXPECT(process_ended(&process, CLD_EXITED, 3));
	process.wait_status = SIGKILL;
	EXPECT(process_ended(&process, CLD_KILLED, SIGKILL));
	process.wait_status = LAUNCH_STATUS_LOST;
	EXPECT(process_ended(&process, 0, 0));
	process.exit_status = 226;
	EXPECT(process_ended(&process, CLD_EXITED, 226));
	process.alive = true;
	EXPECT(process_ended(&process, 0, 0));
}

/* --- a client ---------------------------------------------------------------------------------------- */

static char directory[64];

static void serve(const char *where)
{
	sd_event *event = NULL;
	struct bus *bus = NULL;
	struct host *host;
	struct failure failure = {};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sd_event_new(&event) < 0 || bus_new(event, &bus) < 0)
		_exit(1);
	host = fake_manager_new(event, bus_observer(bus));
	if (bus_serve(bus, host, where, &failure) < 0)
		_exit(2);
	alarm(60);
	sd_event_loop(event);
	_exit(3);
}

struct client {
	pid_t server;
	sd_bus *bus;
};

static void client_close(struct client *client)
{
	sd_bus_close_unref(client->bus);
	if (client->server > 0) {
		kill(client->server, SIGKILL);
		waitpid(client->server, NULL, 0);
	}
	if (directory[0]) {
		char path[96];

		snprintf(path, sizeof path, "%s/bus", directory);
		unlink(path);
		rmdir(directory);
	}
}
#define _cleanup_client_ __attribute__((cleanup(client_close)))

static int client_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/bus", directory);
	for (int i = 0; i < 500; i++) {
		if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return fd;
		usleep(10000);
	}
	close(fd);
	return -1;
}

static bool client_open(struct client *client, bool with_hello)
{
	int fd;

	snprintf(directory, sizeof directory, "/tmp/test-dbus.XXXXXX");
	if (!mkdtemp(directory))
		return false;
	client->server = fork();
	if (client->server == 0)
		serve(directory);
	fd = client_socket();
	return fd >= 0 && sd_bus_new(&client->bus) >= 0 && sd_bus_set_fd(client->bus, fd, fd) >= 0 &&
	       sd_bus_set_bus_client(client->bus, with_hello) >= 0 &&
	       sd_bus_negotiate_fds(client->bus, true) >= 0 && sd_bus_start(client->bus) >= 0;
}

static int call(struct client *client, const char *member, sd_bus_error *error, sd_bus_message **ret,
		const char *argument)
{
	return sd_bus_call_method(client->bus, NAMES_SERVICE, NAMES_PATH, NAMES_MANAGER, member, error, ret,
				  argument ? "s" : NULL, argument);
}

/* sd-bus refuses to build an answer whose values do not fit the signatures, so GetAll tests every getter. */
TEST(all_properties_of_all_interfaces_can_be_read)
{
	for (int i = 0; i < FACE_MAX_; i++) {
		_cleanup_client_ struct client client = {};
		sd_bus_message *_cleanup_(sd_bus_message_unrefp) manager = NULL,
								 *_cleanup_(sd_bus_message_unrefp) unit =
									 NULL;
		_cleanup_free_ char *path = face_unit_path(&face_table[i], "web.service");

		EXPECT(client_open(&client, false));
		EXPECT(sd_bus_call_method(client.bus, NULL, face_table[i].path,
					  "org.freedesktop.DBus.Properties", "GetAll", NULL, &manager, "s",
					  "") >= 0);
		EXPECT(sd_bus_call_method(client.bus, NULL, path, "org.freedesktop.DBus.Properties", "GetAll",
					  NULL, &unit, "s", "") >= 0);
	}
}

TEST(a_client_that_says_hello_works)
{
	_cleanup_client_ struct client client = {};
	_cleanup_free_ char *state = NULL;

	EXPECT(client_open(&client, true));
	EXPECT(sd_bus_get_property_string(client.bus, NAMES_SERVICE, NAMES_PATH, NAMES_MANAGER, "SystemState",
					  NULL, &state) >= 0);
	EXPECT_TEXT(state, "running");
}

static int on_removed(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	const char *path, *unit, *result;
	uint32_t id;

	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0)
		snprintf(userdata, 256, "%s %s %s", path, unit, result);
	return 0;
}

TEST(whoever_starts_a_unit_hears_of_the_end)
{
	_cleanup_client_ struct client client = {};
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	char heard[256] = "", expected[256];
	const char *path;

	EXPECT(client_open(&client, false));
	EXPECT(sd_bus_match_signal(client.bus, NULL, NULL, NAMES_PATH, NAMES_MANAGER, "JobRemoved",
				   on_removed, heard) >= 0);
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH, NAMES_MANAGER, "StopUnit", NULL, &reply, "ss",
				  "web.service", "replace") >= 0);
	EXPECT(sd_bus_message_read(reply, "o", &path) >= 0);
	for (int i = 0; i < 100 && !heard[0]; i++)
		if (sd_bus_process(client.bus, NULL) == 0)
			sd_bus_wait(client.bus, 100000);
	snprintf(expected, sizeof expected, "%s web.service done", path);
	EXPECT_TEXT(heard, expected);
}

/* What the manager was asked to set by one property of this TYPE, as lines of a unit file; or the error's name. */
#define SETTING(name, type, ...)                                                                             \
	({                                                                                                   \
		sd_bus_error_free(&error);                                                                   \
		sd_bus_call_method(client.bus, NULL, NAMES_PATH, NAMES_MANAGER, "SetUnitProperties", &error, \
				   NULL, "sba(sv)", "web.service", false, 1, name, type, __VA_ARGS__);       \
		error.message;                                                                               \
	})

TEST(rules_are_set_by_systemds_types)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_client_ struct client client = {};

	EXPECT(client_open(&client, false));
	EXPECT(text_starts_with(SETTING("DeviceAllow", "a(ss)", 2, "/dev/null", "r", "char-pts", "rw"),
				"DeviceAllow=/dev/null r;DeviceAllow=char-pts rw;"));
	EXPECT(text_starts_with(SETTING("DeviceAllow", "a(ss)", 0), "DeviceAllow=;"));
	EXPECT(text_starts_with(SETTING("DevicePolicy", "s", "strict"), "DevicePolicy=strict;"));
	EXPECT(text_starts_with(SETTING("BPFProgram", "a(ss)", 1, "egress", "/sys/fs/bpf/x"),
				"BPFProgram=egress:/sys/fs/bpf/x;"));
	EXPECT(text_starts_with(
		SETTING("SocketBindDeny", "a(iiqq)", 2, AF_INET, IPPROTO_TCP, 2, 80, 0, 0, 0, 0),
		"SocketBindDeny=ipv4:tcp:80-81;SocketBindDeny=any;"));
	EXPECT(text_starts_with(SETTING("RestrictNetworkInterfaces", "(bas)", false, 2, "lo", "eth0"),
				"RestrictNetworkInterfaces=;RestrictNetworkInterfaces=~lo eth0;"));
	EXPECT(text_starts_with(SETTING("NFTSet", "a(iiss)", 1, 3, 1, "t", "s"), "NFTSet=cgroup:inet:t:s;"));
	EXPECT(text_starts_with(SETTING("NFTSet", "a(iiss)", 1, 99, 1, "t", "s"), "NFTSet=:inet:t:s;"));
	EXPECT(text_starts_with(SETTING("IPAddressDeny", "s", "any"), "IPAddressDeny=any;"));
	EXPECT_TEXT(SETTING("SocketBindDeny", "a(ss)", 1, "a", "b"),
		    "A value of type a(ss) does not suit property SocketBindDeny.");
	EXPECT_TEXT(SETTING("DeviceAllow", "as", 1, "a"),
		    "A value of type as does not suit property DeviceAllow.");
}

TEST(properties_are_set_by_systemds_types)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_client_ struct client client = {};
	_cleanup_free_ char *path = NULL;
	const char *const refused = "A value of type %s does not suit property %s.";
	char text[128];

	EXPECT(client_open(&client, false));
	EXPECT(text_starts_with(SETTING("MemoryMax", "t", UINT64_C(4096)), "MemoryMax=4096;"));
	EXPECT(text_starts_with(SETTING("MemoryMax", "t", UINT64_MAX), "MemoryMax=infinity;"));
	EXPECT(text_starts_with(SETTING("MemoryMax", "s", "64M"), "MemoryMax=64M;"));
	EXPECT(text_starts_with(SETTING("MemoryMaxScale", "u", UINT32_MAX / 2), "MemoryMax=50.00%;"));
	EXPECT(text_starts_with(SETTING("TasksMax", "t", UINT64_C(7)), "TasksMax=7;"));
	EXPECT(text_starts_with(SETTING("CPUWeight", "t", UINT64_C(0)), "CPUWeight=idle;"));
	EXPECT(text_starts_with(SETTING("CPUWeight", "t", UINT64_MAX), "CPUWeight=;"));
	EXPECT(text_starts_with(SETTING("CPUQuotaPerSecUSec", "t", UINT64_C(205000)), "CPUQuota=20.50%;"));
	EXPECT(text_starts_with(SETTING("CPUQuotaPerSecUSec", "t", UINT64_MAX), "CPUQuota=;"));
	EXPECT(text_starts_with(SETTING("CPUQuota", "s", "20%"), "CPUQuota=20%;"));
	EXPECT(text_starts_with(SETTING("CPUQuotaPeriodUSec", "t", UINT64_C(10000)),
				"CPUQuotaPeriodSec=10000us;"));
	EXPECT(text_starts_with(SETTING("AllowedCPUs", "ay", 2, 0x0f, 0x81),
				"AllowedCPUs=;AllowedCPUs=0-3,8,15;"));
	EXPECT(text_starts_with(SETTING("AllowedCPUs", "s", "1"), "AllowedCPUs=;AllowedCPUs=1;"));
	EXPECT(text_starts_with(SETTING("IOAccounting", "b", true), "IOAccounting=yes;"));
	EXPECT(text_starts_with(SETTING("DisableControllers", "as", 2, "cpu", "io"),
				"DisableControllers=;DisableControllers=cpu io;"));
	EXPECT(text_starts_with(
		SETTING("IOReadBandwidthMax", "a(st)", 2, "/dev/a", UINT64_C(5), "/dev/b", UINT64_MAX),
		"IOReadBandwidthMax=;IOReadBandwidthMax=/dev/a 5;IOReadBandwidthMax=/dev/b infinity;"));
	EXPECT(text_starts_with(SETTING("IODeviceLatencyTargetUSec", "a(st)", 1, "/dev/a", UINT64_C(25)),
				"IODeviceLatencyTargetSec=;IODeviceLatencyTargetSec=/dev/a 25us;"));
	EXPECT(text_starts_with(SETTING("IOReadBandwidthMax", "a(st)", 0), "IOReadBandwidthMax=;"));
	snprintf(text, sizeof text, refused, "d", "MemoryMax");
	EXPECT_TEXT(SETTING("MemoryMax", "d", 1.5), text);
	EXPECT_TEXT(SETTING("Description", "s", "x"),
		    "Cannot set property Description, or unknown property.");
	EXPECT_TEXT(SETTING("ExecStart", "s", "x"), "Cannot set property ExecStart, or unknown property.");
	EXPECT(sd_bus_error_has_name(&error, SD_BUS_ERROR_PROPERTY_READ_ONLY));
	/* A unit's own method says the same. */
	path = face_unit_path(&face_table[FACE_SVCD], "web.service");
	sd_bus_error_free(&error);
	EXPECT(sd_bus_call_method(client.bus, NULL, path, NAMES_UNIT, "SetProperties", &error, NULL, "ba(sv)",
				  true, 2, "MemoryMax", "t", UINT64_C(4096), "TasksMax", "s", "10%") < 0);
	EXPECT(text_starts_with(error.message, "runtime: MemoryMax=4096;TasksMax=10%;"));
}

TEST(errors_have_the_names_of_the_interface_that_was_called)
{
	_cleanup_client_ struct client client = {};
	_cleanup_(sd_bus_error_free) sd_bus_error ours = SD_BUS_ERROR_NULL, theirs = SD_BUS_ERROR_NULL,
						  name = SD_BUS_ERROR_NULL;

	EXPECT(client_open(&client, false));
	EXPECT(call(&client, "GetUnit", &ours, NULL, "gone.service") < 0);
	EXPECT_TEXT(ours.name, "org.svcd1.NoSuchUnit");
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_SYSTEMD_PATH, NAMES_SYSTEMD_SERVICE ".Manager",
				  "StartUnit", &theirs, NULL, "ss", "gone.service", "replace") < 0);
	EXPECT_TEXT(theirs.name, "org.freedesktop.systemd1.NoSuchUnit");
	EXPECT_TEXT(theirs.message, "Unit gone.service not found.");
	EXPECT(call(&client, "LoadUnit", &name, NULL, "../x") < 0);
	EXPECT_TEXT(name.name, SD_BUS_ERROR_INVALID_ARGS);
}

TEST(a_path_nobody_loaded_is_loaded_and_a_bad_one_is_no_object)
{
	_cleanup_client_ struct client client = {};
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *state = NULL, *none = NULL;

	EXPECT(client_open(&client, false));
	EXPECT(sd_bus_get_property_string(client.bus, NULL, NAMES_PATH "/unit/gone_2eservice", NAMES_UNIT,
					  "LoadState", NULL, &state) >= 0);
	EXPECT_TEXT(state, "not-found");
	EXPECT(sd_bus_get_property_string(client.bus, NULL, NAMES_PATH "/unit/_2e_2e_2fx", NAMES_UNIT, "Id",
					  &error, &none) < 0);
	EXPECT_TEXT(error.name, SD_BUS_ERROR_UNKNOWN_OBJECT);
}

static bool freezer_is(struct client *client, const char *expected)
{
	_cleanup_free_ char *state = NULL;

	return sd_bus_get_property_string(client->bus, NULL, NAMES_PATH "/unit/web_2eservice", NAMES_UNIT,
					  "FreezerState", NULL, &state) >= 0 &&
	       strcmp(state, expected) == 0;
}

TEST(freeze_is_answered_when_it_is_so)
{
	_cleanup_client_ struct client client = {};
	_cleanup_(sd_bus_error_free) sd_bus_error target = SD_BUS_ERROR_NULL, gone = SD_BUS_ERROR_NULL;

	EXPECT(client_open(&client, false));
	EXPECT(freezer_is(&client, "running"));
	EXPECT(call(&client, "FreezeUnit", NULL, NULL, "web.service") >= 0);
	EXPECT(freezer_is(&client, "frozen"));
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH "/unit/web_2eservice", NAMES_UNIT, "Thaw",
				  NULL, NULL, NULL) >= 0);
	EXPECT(freezer_is(&client, "running"));
	EXPECT(call(&client, "LoadUnit", NULL, NULL, "web.target") >= 0);
	EXPECT(call(&client, "FreezeUnit", &target, NULL, "web.target") < 0);
	EXPECT_TEXT(target.name, SD_BUS_ERROR_NOT_SUPPORTED);
	EXPECT(call(&client, "ThawUnit", &gone, NULL, "gone.service") < 0);
	EXPECT_TEXT(gone.name, "org.svcd1.NoSuchUnit");
}

static int clean(struct client *client, const char *unit, const char *what, sd_bus_error *error)
{
	return sd_bus_call_method(client->bus, NULL, NAMES_PATH, NAMES_MANAGER, "CleanUnit", error, NULL,
				  "sas", unit, 1, what);
}

TEST(clean_is_answered_when_all_is_gone)
{
	_cleanup_client_ struct client client = {};
	_cleanup_(sd_bus_error_free) sd_bus_error late = SD_BUS_ERROR_NULL, none = SD_BUS_ERROR_NULL,
						  bad = SD_BUS_ERROR_NULL;

	EXPECT(client_open(&client, false));
	EXPECT(clean(&client, "web.service", "runtime", NULL) >= 0);
	EXPECT(clean(&client, "web.service", "state", &late) == -ETIMEDOUT);
	EXPECT(clean(&client, "web.service", "logs", &none) < 0);
	EXPECT_TEXT(none.name, "org.svcd1.NothingToClean");
	EXPECT(clean(&client, "web.service", "dust", &bad) < 0);
	EXPECT_TEXT(bad.name, SD_BUS_ERROR_INVALID_ARGS);
}

TEST(dynamic_users_are_found)
{
	_cleanup_client_ struct client client = {};
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) by_name = NULL, *_cleanup_(sd_bus_message_unrefp)
										 by_uid = NULL;
	uint32_t uid = 0;
	const char *name = "";

	EXPECT(client_open(&client, false));
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH, NAMES_MANAGER, "LookupDynamicUserByName",
				  NULL, &by_name, "s", "cache") >= 0);
	EXPECT(sd_bus_message_read(by_name, "u", &uid) > 0 && uid == 61999);
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH, NAMES_MANAGER, "LookupDynamicUserByUID", NULL,
				  &by_uid, "u", 61184) >= 0);
	EXPECT(sd_bus_message_read(by_uid, "s", &name) > 0);
	EXPECT_TEXT(name, "web");
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH, NAMES_MANAGER, "LookupDynamicUserByUID",
				  &error, NULL, "u", 1) < 0);
	EXPECT_TEXT(error.name, "org.svcd1.NoSuchDynamicUser");
}

static int on_freeze(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	const sd_bus_error *refused = sd_bus_message_get_error(message);

	snprintf(userdata, 64, "%s", refused ? refused->name : "frozen");
	return 0;
}

TEST(a_freeze_that_does_not_come_is_ended_by_a_thaw)
{
	_cleanup_client_ struct client client = {};
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	char heard[64] = "";
	int fd;

	EXPECT(client_open(&client, false));
	EXPECT(call(&client, "LoadUnit", NULL, NULL, "web-busy.service") >= 0);
	EXPECT(sd_bus_call_method_async(client.bus, NULL, NULL, NAMES_PATH, NAMES_MANAGER, "FreezeUnit",
					on_freeze, heard, "s", "web-busy.service") >= 0);
	EXPECT(freezer_is(&client, "freezing"));
	EXPECT(call(&client, "FreezeUnit", &error, NULL, "web-busy.service") < 0);
	EXPECT_TEXT(error.name, "org.svcd1.UnitBusy");
	EXPECT_TEXT(heard, "");
	EXPECT(sd_bus_call_method_async(client.bus, NULL, NULL, NAMES_PATH, NAMES_MANAGER, "ThawUnit", NULL,
					NULL, "s", "web-busy.service") >= 0);
	for (int i = 0; i < 100 && !heard[0]; i++)
		if (sd_bus_process(client.bus, NULL) == 0)
			sd_bus_wait(client.bus, 100000);
	EXPECT_TEXT(heard, "org.svcd1.UnitBusy");
	/* The client goes while it waits: nobody is answered, the server lives. */
	client.bus = sd_bus_close_unref(client.bus);
	fd = client_socket();
	EXPECT(fd >= 0 && sd_bus_new(&client.bus) >= 0 && sd_bus_set_fd(client.bus, fd, fd) >= 0 &&
	       sd_bus_start(client.bus) >= 0);
	EXPECT(freezer_is(&client, "thawing"));
}

TEST(exec_passes_streams_and_answers_with_the_end)
{
	_cleanup_client_ struct client client = {};
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	char text[16] = "";
	int pipe_fds[2], code, status;

	EXPECT(client_open(&client, false));
	EXPECT(pipe(pipe_fds) == 0);
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH, NAMES_MANAGER, "ExecUnit", NULL, &reply,
				  "sasa{sv}hhh", "web.service", 2, "exit", "7", 1, "user", "s", "www",
				  pipe_fds[0], pipe_fds[1], pipe_fds[1]) >= 0);
	EXPECT(sd_bus_message_read(reply, "ii", &code, &status) >= 0);
	EXPECT(code == CLD_EXITED && status == 7);
	EXPECT(read(pipe_fds[0], text, sizeof text - 1) == 6);
	EXPECT_TEXT(text, "hello\n");
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH, NAMES_MANAGER, "ExecUnit", &error, NULL,
				  "sasa{sv}hhh", "web.service", 1, "missing", 0, pipe_fds[0], pipe_fds[1],
				  pipe_fds[1]) < 0);
	EXPECT_TEXT(error.message, "missing: no such command");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

TEST(introspection_shows_units_and_interfaces)
{
	_cleanup_client_ struct client client = {};
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL, *_cleanup_(sd_bus_message_unrefp)
									       nodes = NULL;
	const char *xml;

	EXPECT(client_open(&client, false));
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH "/unit/web_2eservice",
				  "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &reply,
				  NULL) >= 0);
	EXPECT(sd_bus_message_read(reply, "s", &xml) >= 0);
	EXPECT(strstr(xml, "org.svcd1.Service") && strstr(xml, "MainPID") &&
	       !strstr(xml, "org.svcd1.Target"));
	EXPECT(sd_bus_call_method(client.bus, NULL, NAMES_PATH "/unit", "org.freedesktop.DBus.Introspectable",
				  "Introspect", NULL, &nodes, NULL) >= 0);
	EXPECT(sd_bus_message_read(nodes, "s", &xml) >= 0);
	EXPECT(strstr(xml, "web_2eservice"));
}

/* Whatever a client writes, the next one is served. */
TEST(garbage_and_silence_harm_only_who_sends_them)
{
	static const char garbage[] =
		"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\nl\1\0\1\377\377\377\377\377\377\377\377\377\377";
	_cleanup_client_ struct client client = {};
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int fds[300];

	EXPECT(client_open(&client, false));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = client_socket();
		if (fds[i] >= 0)
			(void)!send(fds[i], garbage, i % sizeof garbage, MSG_NOSIGNAL);
	}
	EXPECT(call(&client, "ListUnits", NULL, &reply, NULL) >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fd_close(fds[i]);
	EXPECT(kill(client.server, 0) == 0);
}

/* More calls than anyone waits for, and no answer read: the connection ends, the server lives. */
static int on_answer(_unused_ sd_bus_message *message, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
	return 0;
}

TEST(a_client_that_never_reads_is_dropped)
{
	_cleanup_client_ struct client client = {}, other = {};
	struct pollfd hangup;
	int fd, r = 0;

	EXPECT(client_open(&client, false));
	for (int i = 0; i < 4000 && r >= 0; i++)
		r = sd_bus_call_method_async(client.bus, NULL, NULL, NAMES_PATH "/unit/web_2eservice",
					     "org.freedesktop.DBus.Properties", "GetAll", on_answer, NULL,
					     "s", "");
	hangup = (struct pollfd){.fd = sd_bus_get_fd(client.bus), .events = POLLRDHUP};
	fd = client_socket();
	EXPECT(fd >= 0);
	EXPECT(sd_bus_new(&other.bus) >= 0 && sd_bus_set_fd(other.bus, fd, fd) >= 0 &&
	       sd_bus_start(other.bus) >= 0);
	EXPECT(sd_bus_flush(client.bus) >= 0); /* the socket takes in that much */
	EXPECT(poll(&hangup, 1, 30000) == 1);
	EXPECT(call(&other, "ListUnits", NULL, NULL, NULL) >= 0);
	other.bus = sd_bus_close_unref(other.bus);
	EXPECT(kill(client.server, 0) == 0);
}

TEST_MAIN
