/* svcctl status: what a person wants to know of a unit, on one screen. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define STATUS_LINES 10

static void status_label(const char *label)
{
	printf("%11s: ", label);
}

static const char *status_text_at(struct json_object *list, size_t i)
{
	return json_object_get_string(json_object_array_get_idx(list, i));
}

static enum print_colour status_state_colour(const char *state)
{
	if (strcmp(state, "failed") == 0)
		return PRINT_RED;
	if (strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0)
		return PRINT_GREEN;
	if (strcmp(state, "activating") == 0 || strcmp(state, "deactivating") == 0)
		return PRINT_YELLOW;
	return PRINT_PLAIN;
}

static void status_print_loaded(struct json_object *unit)
{
	const char *load = properties_text(unit, "LoadState"), *path = properties_text(unit, "FragmentPath"),
		   *file = properties_text(unit, "UnitFileState");
	struct json_object *error = properties_list(unit, "LoadError"),
			   *drop_ins = properties_list(unit, "DropInPaths");

	status_label("Loaded");
	printf("%s", load);
	if (error && json_object_array_length(error) == 2 && status_text_at(error, 1)[0]) {
		printf(" (Reason: ");
		print_safe(status_text_at(error, 1));
		puts(")");
	} else if (path[0]) {
		printf(" (%s%s%s)\n", path, file[0] ? "; " : "", file);
	} else {
		putchar('\n');
	}
	for (size_t i = 0; drop_ins && i < json_object_array_length(drop_ins); i++) {
		if (i == 0)
			status_label("Drop-In");
		else
			printf("%13s", "");
		puts(status_text_at(drop_ins, i));
	}
}

/* When the unit came into its present state. */
static usec_t status_since(struct json_object *unit, const char *state)
{
	const char *name = "StateChangeTimestamp";

	if (strcmp(state, "active") == 0 || strcmp(state, "reloading") == 0)
		name = "ActiveEnterTimestamp";
	else if (strcmp(state, "inactive") == 0 || strcmp(state, "failed") == 0)
		name = "InactiveEnterTimestamp";
	else if (strcmp(state, "activating") == 0)
		name = "InactiveExitTimestamp";
	else if (strcmp(state, "deactivating") == 0)
		name = "ActiveExitTimestamp";
	return properties_number(unit, name);
}

static void status_print_since(usec_t since)
{
	usec_t now = time_now(CLOCK_REALTIME);
	char time[64], ago[64];

	if (since == 0 || since == USEC_INFINITY)
		return;
	printf(" since %s; %s", print_time(since, time, sizeof time),
	       print_ago(now > since ? now - since : 0, ago, sizeof ago));
}

static void status_print_active(const struct cli *cli, struct json_object *unit)
{
	const char *state = properties_text(unit, "ActiveState"), *result = properties_text(unit, "Result"),
		   *freezer = properties_text(unit, "FreezerState");

	status_label("Active");
	printf("%s%s (%s)%s", print_colour(cli, status_state_colour(state)), state,
	       properties_text(unit, "SubState"), print_colour(cli, PRINT_PLAIN));
	if (result[0] && strcmp(result, "success") != 0)
		printf(" (Result: %s)", result);
	if (freezer[0] && strcmp(freezer, "running") != 0)
		printf(" (%s%s%s)", print_colour(cli, PRINT_YELLOW), freezer, print_colour(cli, PRINT_PLAIN));
	status_print_since(status_since(unit, state));
	putchar('\n');
}

static void status_print_documentation(struct json_object *unit)
{
	struct json_object *documents = properties_list(unit, "Documentation");

	for (size_t i = 0; documents && i < json_object_array_length(documents); i++) {
		if (i == 0)
			status_label("Docs");
		else
			printf("%13s", "");
		print_safe(status_text_at(documents, i));
		putchar('\n');
	}
}

/* "code=exited, status=3" of the main process, when it has ended. */
static void status_print_exit(struct json_object *unit)
{
	int64_t code = properties_integer(unit, "ExecMainCode"),
		status = properties_integer(unit, "ExecMainStatus");

	if (code == CLD_EXITED)
		printf(" (code=exited, status=%" PRIi64 ")", status);
	else if (code == CLD_KILLED || code == CLD_DUMPED)
		printf(" (code=%s, signal=%s)", code == CLD_KILLED ? "killed" : "dumped",
		       sigabbrev_np((int)status) ? sigabbrev_np((int)status) : "?");
	else if (code == 0 && properties_integer(unit, "ExecMainExitTimestamp") > 0)
		printf(" (lost)"); /* somebody else reaped it, or it ended while nobody looked */
}

static const char *status_command_of(struct json_object *processes, uint64_t pid)
{
	for (size_t i = 0; processes && i < json_object_array_length(processes); i++) {
		struct json_object *process = json_object_array_get_idx(processes, i);

		if (json_object_get_uint64(json_object_array_get_idx(process, 1)) == pid)
			return status_text_at(process, 2);
	}
	return "";
}

static void status_print_main(struct json_object *unit, struct json_object *processes)
{
	uint64_t pid = properties_number(unit, "MainPID"), last = properties_number(unit, "ExecMainPID");

	if (pid > 0 && pid != UINT64_MAX) {
		const char *command = status_command_of(processes, pid), *slash;
		size_t length = strcspn(command, " :");

		slash = memrchr(command, '/', length);
		if (slash) {
			length -= (size_t)(slash + 1 - command);
			command = slash + 1;
		}
		status_label("Main PID");
		printf("%" PRIu64 "%s%.*s%s\n", pid, length ? " (" : "", (int)length, command,
		       length ? ")" : "");
	} else if (last > 0 && last != UINT64_MAX) {
		status_label("Main PID");
		printf("%" PRIu64, last);
		status_print_exit(unit);
		putchar('\n');
	}
	if (properties_text(unit, "StatusText")[0]) {
		status_label("Status");
		putchar('"');
		print_safe(properties_text(unit, "StatusText"));
		puts("\"");
	}
}

/* LastFailure without the unit's own name, which stands above. */
static const char *status_cause(struct json_object *unit)
{
	const char *failure = properties_text(unit, "LastFailure"), *id = properties_text(unit, "Id");
	size_t length = strlen(id);

	return length > 0 && strncmp(failure, id, length) == 0 && strncmp(failure + length, ": ", 2) == 0
		       ? failure + length + 2
		       : failure;
}

/* Is the last failure why it does not run now? If not, it is why it was started again. */
static bool status_is_down_by_failure(struct json_object *unit, uint64_t restarts)
{
	const char *state = properties_text(unit, "ActiveState");

	if (strcmp(state, "failed") == 0 || strcmp(properties_text(unit, "SubState"), "auto-restart") == 0)
		return true;
	return restarts == 0 && strcmp(state, "active") != 0 && strcmp(state, "reloading") != 0;
}

/* Why it does not run; how often it had to be started again, the last time why and when. */
static void status_print_failure(const struct cli *cli, struct json_object *unit)
{
	uint64_t restarts = properties_number(unit, "NRestarts");
	const char *cause = status_cause(unit);
	usec_t started = properties_number(unit, "ExecMainStartTimestamp"), now = time_now(CLOCK_REALTIME);
	bool down;
	char ago[64];

	if (restarts == UINT64_MAX) /* not a service */
		restarts = 0;
	down = status_is_down_by_failure(unit, restarts);
	if (restarts > 0) {
		status_label("Restarts");
		printf("%" PRIu64 " (last: ", restarts);
		if (cause[0] && !down) {
			print_safe(cause);
			printf(", ");
		}
		printf("%s)\n", print_ago(started && started < now ? now - started : 0, ago, sizeof ago));
	}
	if (cause[0] && down) {
		status_label("Failure");
		fputs(print_colour(cli, PRINT_RED), stdout);
		print_safe(cause);
		puts(print_colour(cli, PRINT_PLAIN));
	}
}

/* "(high: 48M, max: 64M, peak: 1.5M)": what is set or can be told of NAMES. */
static void status_print_bounds(struct json_object *unit, const char *const (*names)[2], size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t value = properties_number(unit, names[i][0]);
		bool protects = strcmp(names[i][1], "min") == 0 || strcmp(names[i][1], "low") == 0 ||
				strstr(names[i][1], "swap peak") || strcmp(names[i][1], "swap") == 0 ||
				strcmp(names[i][1], "zswap") == 0;
		char text[32];

		if (value == UINT64_MAX || (protects && value == 0))
			continue;
		printf("%s%s: %s", any ? ", " : " (", names[i][1], print_bytes(value, text, sizeof text));
		any = true;
	}
	puts(any ? ")" : "");
}

static void status_print_memory(struct json_object *unit)
{
	static const char *const bounds[][2] = {
		{"MemoryMin", "min"},
		{"MemoryLow", "low"},
		{"MemoryHigh", "high"},
		{"MemoryMax", "max"},
		{"MemorySwapMax", "swap max"},
		{"MemoryZSwapMax", "zswap max"},
		{"MemoryAvailable", "available"},
		{"MemoryPeak", "peak"},
		{"MemorySwapCurrent", "swap"},
		{"MemorySwapPeak", "swap peak"},
		{"MemoryZSwapCurrent", "zswap"},
	};
	uint64_t memory = properties_number(unit, "MemoryCurrent");
	char text[64];

	if (memory == UINT64_MAX)
		return;
	status_label("Memory");
	printf("%s", print_bytes(memory, text, sizeof text));
	status_print_bounds(unit, bounds, ARRAY_SIZE(bounds));
}

/* The shares of the last ten seconds that some of its processes waited, where they did. */
static void status_print_pressure(struct json_object *unit)
{
	static const char *const names[][2] = {
		{"CPUPressure", "cpu"}, {"MemoryPressure", "memory"}, {"IOPressure", "io"}};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct json_object *lines = properties_list(unit, names[i][0]), *some;
		double share;

		if (!lines || json_object_array_length(lines) == 0)
			continue;
		some = json_object_array_get_idx(lines, 0);
		share = json_object_get_double(json_object_array_get_idx(some, 1));
		if (share < 1)
			continue;
		if (!any)
			status_label("Pressure");
		printf("%s%s %.0f%%", any ? ", " : "", names[i][1], share);
		any = true;
	}
	if (any)
		putchar('\n');
}

static void status_print_traffic(struct json_object *unit)
{
	uint64_t received = properties_number(unit, "IPIngressBytes"),
		 sent = properties_number(unit, "IPEgressBytes");
	char text[64];

	if (received == UINT64_MAX || sent == UINT64_MAX)
		return;
	status_label("IP");
	printf("%s in, ", print_bytes(received, text, sizeof text));
	printf("%s out\n", print_bytes(sent, text, sizeof text));
}

static void status_print_usage(struct json_object *unit)
{
	uint64_t tasks = properties_number(unit, "TasksCurrent"),
		 cpu = properties_number(unit, "CPUUsageNSec"),
		 tasks_max = properties_number(unit, "EffectiveTasksMax"),
		 read = properties_number(unit, "IOReadBytes"),
		 written = properties_number(unit, "IOWriteBytes");
	char text[64];

	status_print_traffic(unit);
	if (read != UINT64_MAX && written != UINT64_MAX) {
		status_label("IO");
		printf("%s read, ", print_bytes(read, text, sizeof text));
		printf("%s written\n", print_bytes(written, text, sizeof text));
	}
	if (tasks != UINT64_MAX) {
		status_label("Tasks");
		printf("%" PRIu64, tasks);
		if (tasks_max != UINT64_MAX)
			printf(" (limit: %" PRIu64 ")", tasks_max);
		putchar('\n');
	}
	status_print_memory(unit);
	if (cpu != UINT64_MAX) {
		status_label("CPU");
		puts(print_span(cpu / 1000, text, sizeof text));
	}
	status_print_pressure(unit);
}

static void status_print_processes(struct json_object *unit, struct json_object *processes)
{
	size_t n = processes ? json_object_array_length(processes) : 0;

	if (n == 0)
		return;
	status_label("CGroup");
	puts(properties_text(unit, "ControlGroup")[0] ? properties_text(unit, "ControlGroup")
						      : "(no cgroup)");
	for (size_t i = 0; i < n; i++) {
		struct json_object *process = json_object_array_get_idx(processes, i);

		printf("%13s%s%" PRIu64 " ", "", i + 1 < n ? "├─" : "└─",
		       json_object_get_uint64(json_object_array_get_idx(process, 1)));
		print_safe(status_text_at(process, 2));
		putchar('\n');
	}
}

/* Is this fact no isolation at all? */
static bool status_is_plain(const char *fact, const char *value)
{
	static const char *const plain[] = {"host", "no", "all", ""};

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (strcmp(value, plain[i]) == 0)
			return true;
	return strcmp(fact, "uid=0") == 0;
}

/* "pid=private": what is as on the host is not said, what is the unit's own is gathered, the rest is told as
 * it is. */
static void status_print_isolation(struct json_object *unit)
{
	struct json_object *facts = properties_list(unit, "Isolation");
	struct text_buffer own = {}, rest = {};

	if (!facts)
		return;
	for (size_t i = 0; i < json_object_array_length(facts); i++) {
		const char *fact = status_text_at(facts, i), *value = strchr(fact, '=');

		if (!value || status_is_plain(fact, value + 1))
			continue;
		if (strcmp(value + 1, "private") == 0)
			text_buffer_append(&own, "%s%.*s", own.length ? ", " : "", (int)(value - fact), fact);
		else
			text_buffer_append(&rest, "%s%s", rest.length ? ", " : "", fact);
	}
	if (!own.length && !rest.length) {
		status_label("Isolated");
		puts("no");
	}
	if (own.length && !own.failed) {
		status_label("Isolated");
		printf("own %s\n", own.data);
	}
	if (rest.length && !rest.failed) {
		if (own.length)
			printf("%13s", "");
		else
			status_label("Isolated");
		puts(rest.data);
	}
	text_buffer_free(&own);
	text_buffer_free(&rest);
}

static struct json_object *status_processes(struct cli *cli, const char *unit)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;

	return call_manager(cli, "GetUnitProcesses", NULL, &reply, "s", unit) < 0 ? NULL : value_read(reply);
}

static void status_print_unit(struct cli *cli, const char *name, struct json_object *unit,
			      struct json_object *processes, struct json_object *lines)
{
	const char *state = properties_text(unit, "ActiveState");
	enum print_colour colour = status_state_colour(state);

	printf("%s%s%s %s", print_colour(cli, colour),
	       strcmp(state, "inactive") == 0 ? "○"
	       : strcmp(state, "failed") == 0 ? "×"
					      : "●",
	       print_colour(cli, PRINT_PLAIN), name);
	if (strcmp(properties_text(unit, "Description"), name) != 0) {
		printf(" - ");
		print_safe(properties_text(unit, "Description"));
	}
	putchar('\n');
	if (json_object_get_boolean(json_object_object_get(unit, "NeedDaemonReload")))
		puts("    Warning: its files have changed since they were read; svcctl daemon-reload reads them");
	status_print_loaded(unit);
	status_print_active(cli, unit);
	status_print_documentation(unit);
	status_print_main(unit, processes);
	status_print_failure(cli, unit);
	status_print_usage(unit);
	status_print_processes(unit, processes);
	status_print_isolation(unit);
	if (json_object_array_length(lines) > 0)
		putchar('\n');
	logs_print(cli, lines);
}

/* LSB: 0 runs, 3 does not, 4 is not known. */
static int status_exit(struct json_object *unit)
{
	const char *state = properties_text(unit, "ActiveState");

	return strcmp(state, "inactive") == 0 || strcmp(state, "failed") == 0 ? CLI_NOT_RUNNING : CLI_OK;
}

/* With --json into ANSWERS, else to the screen. */
static int status_of_unit(struct cli *cli, const char *name, struct json_object *answers)
{
	int status = CLI_FAILED;
	struct json_object *unit = properties_of_unit(cli, name, &status), *processes, *lines;

	if (!unit)
		return status;
	status = status_exit(unit);
	if (strcmp(properties_text(unit, "LoadState"), "not-found") == 0 && status != CLI_OK) {
		if (!cli->quiet)
			fprintf(stderr, "Unit %s could not be found.\n", name);
		json_object_put(unit);
		return CLI_UNKNOWN;
	}
	processes = status_processes(cli, name);
	lines = logs_read_tail(cli, name, cli->lines >= 0 ? cli->lines : STATUS_LINES);
	if (cli->json) {
		json_object_object_add(unit, "Processes", processes);
		json_object_object_add(unit, "Log", lines);
		json_object_object_add(answers, name, unit);
		return status;
	}
	status_print_unit(cli, name, unit, processes, lines);
	json_object_put(lines);
	json_object_put(processes);
	json_object_put(unit);
	return status;
}

static int status_of_manager(struct cli *cli)
{
	int status = CLI_OK;
	struct json_object *manager = properties_of_manager(cli, &status);
	const char *state;
	usec_t since;

	if (!manager)
		return status;
	if (cli->json) {
		print_json(manager);
		json_object_put(manager);
		return CLI_OK;
	}
	state = properties_text(manager, "SystemState");
	since = properties_number(manager, "UserspaceTimestamp");
	printf("%s●%s svcd %s\n", print_colour(cli, strcmp(state, "running") == 0 ? PRINT_GREEN : PRINT_RED),
	       print_colour(cli, PRINT_PLAIN), properties_text(manager, "Version"));
	status_label("State");
	puts(state);
	status_label("Units");
	printf("%" PRIu64 " loaded, %" PRIu64 " failed\n", properties_number(manager, "NNames"),
	       properties_number(manager, "NFailedUnits"));
	status_label("Jobs");
	printf("%" PRIu64 " queued\n", properties_number(manager, "NJobs"));
	status_label("Since");
	printf("manager");
	status_print_since(since);
	putchar('\n');
	json_object_put(manager);
	return CLI_OK;
}

int status_verb(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	struct json_object *answers;
	int status = CLI_OK;

	if (!arguments || !arguments[0])
		return status_of_manager(cli);
	if (call_expand(cli, arguments, &units) < 0)
		return CLI_FAILED;
	answers = json_object_new_object();
	TEXT_LIST_FOREACH (unit, units) {
		if (unit != units && !cli->json)
			putchar('\n');
		status = cli_worse(status, status_of_unit(cli, *unit, answers));
	}
	if (cli->json)
		print_json_units(arguments, answers);
	json_object_put(answers);
	return status;
}
