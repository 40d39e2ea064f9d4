/* svcctl's context and the parts that verbs share. A verb is a function from the context and its arguments to
 * an exit status; it prints its own errors, in systemctl's words. */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include "base/text.h"
#include "base/time.h"
#include "dbus/names.h"

/* LSB's numbers, as systemctl uses them. */
enum {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_RUNNING = 3,	 /* status, is-active */
	CLI_UNKNOWN = 4,	 /* status of a unit that does not exist */
	CLI_NOT_IMPLEMENTED = 3, /* start and its like */
	CLI_NO_PERMISSION = 4,
	CLI_NOT_INSTALLED = 5,
	CLI_NOT_CONFIGURED = 6,
};

struct cli {
	sd_bus *bus;
	bool is_system_bus;

	const char *runtime_directory; /* NULL: $SVCD_RUNTIME_DIR or the default */
	const char *signal, *kill_whom, *job_mode, *user, *directory;
	char **types, **states, **properties, **environment, **what;
	bool once;    /* top: one table, then the end */
	bool runtime; /* set-property: until the machine goes down */
	bool json, wait, no_block, all, quiet, no_legend, value, follow, privileged, full, interactive, tty;
	int lines;     /* -1: the verb's default */
	int threshold; /* security: tenths; -1: none */
	bool colours;
};

/* The exit status of a verb is the worst of its arguments'. */
static inline int cli_worse(int a, int b)
{
	return MAX_OF(a, b);
}

/* --- connect.c --- */

/* Connects, or says why not: 0 or an exit status. */
int connect_manager(struct cli *cli);

/* --- call.c: methods of the manager object --- */

/* A call to Manager.MEMBER with arguments as sd_bus_message_append(). The answer is the caller's to unref;
 * RET may be NULL. */
int call_manager(struct cli *cli, const char *member, sd_bus_error *error, sd_bus_message **ret,
		 const char *types, ...);
/* Prints "Failed to DO: MESSAGE" and yields the exit status for the error. */
int call_report(const struct cli *cli, int r, const sd_bus_error *error, const char *format, ...)
	_printf_(4, 5);
/* "web" -> "web.service"; heap; NULL when out of memory. */
char *call_unit_name(const char *text);
/* Completed names; patterns become the loaded units that match. */
int call_expand(struct cli *cli, char **arguments, char ***ret);
char *call_unit_path(const char *unit);
bool call_is_error(const sd_bus_error *error, const char *name); /* NAMES_ERROR_… */

/* --- value.c: D-Bus values as JSON --- */

/* The next value of MESSAGE. NULL at its end or on an error. */
struct json_object *value_read(sd_bus_message *message);
/* Text that did not come over D-Bus: bytes that are no UTF-8, which JSON cannot hold, become U+FFFD each. */
struct json_object *value_text(const char *text);
/* As systemctl shows it: NAME decides what a number means. Heap. */
char *value_print(const char *name, struct json_object *value);

/* --- properties.c --- */

/* Every property of UNIT, name -> value; NULL after an error was printed, of which *RET_STATUS is the exit
 * status. */
struct json_object *properties_of_unit(struct cli *cli, const char *unit, int *ret_status);
struct json_object *properties_of_manager(struct cli *cli, int *ret_status);
/* Members; "" or 0 when there is none of that type. */
const char *properties_text(struct json_object *properties, const char *name);
uint64_t properties_number(struct json_object *properties, const char *name); /* UINT64_MAX when missing */
int64_t properties_integer(struct json_object *properties, const char *name);
struct json_object *properties_list(struct json_object *properties, const char *name); /* may be NULL */

/* --- print.c --- */

enum print_colour { PRINT_PLAIN, PRINT_GREEN, PRINT_RED, PRINT_YELLOW, PRINT_GREY, PRINT_BOLD };
const char *print_colour(const struct cli *cli, enum print_colour colour);
/* All into BUFFER, which is returned. */
const char *print_time(usec_t realtime, char *buffer, size_t size); /* "Sun 2026-11-22 01:39:16 UTC" */
const char *print_ago(usec_t ago, char *buffer, size_t size);	    /* "5s ago", "2min 3s ago" */
const char *print_span(usec_t span, char *buffer, size_t size);	    /* "1h 2min 3.004s" */
const char *print_bytes(uint64_t bytes, char *buffer, size_t size); /* "12.3M" */
/* Text from a service or a process, safe for a terminal: control characters become '?'. */
void print_safe(const char *text);
void print_json(struct json_object *value);
/* What was found out about each unit (name -> value), as one JSON text: the value alone when ARGUMENTS name one unit,
 * else the whole object, also when a pattern matched only one. Nothing when the one unit has no value: an error was
 * printed. */
void print_json_units(char *const *arguments, struct json_object *answers);

/* A table whose columns are as wide as their widest cell. Rows are added cell by cell; the last column is not
 * padded. */
struct print_table {
	size_t n_columns, n_cells, room;
	size_t widest; /* a longer cell does not widen its column; 0: no such limit */
	char **cells;
	bool failed;
};
void print_table_add(struct print_table *table, const char *cell);
/* Prints and frees the table; an exit status. */
int print_table_end(struct print_table *table);

/* --- security.c --- */

/* What GetUnitSecurity answers; NULL after an error, in ERROR and *RET_ERROR. */
struct json_object *security_read(struct cli *cli, const char *unit, sd_bus_error *error, int *ret_error);
/* What is enforced and what is not, by room. */
void security_print_rooms(const struct cli *cli, struct json_object *answer);
/* The same as JSON: ANSWER itself, changed. */
struct json_object *security_rooms(struct json_object *answer);

/* --- logs.c --- */

/* The last LINES lines of UNIT's log as a JSON list; empty when there is none. */
struct json_object *logs_read_tail(struct cli *cli, const char *unit, int lines);
void logs_print(struct cli *cli, struct json_object *lines);

/* --- verbs --- */

int list_verb_units(struct cli *cli, char **arguments);
int list_verb_unit_files(struct cli *cli, char **arguments);
int list_verb_jobs(struct cli *cli, char **arguments);
int list_verb_dependencies(struct cli *cli, char **arguments);
int state_verb_is_active(struct cli *cli, char **arguments);
int state_verb_is_failed(struct cli *cli, char **arguments);
int state_verb_is_enabled(struct cli *cli, char **arguments);
int state_verb_is_system_running(struct cli *cli, char **arguments);
int status_verb(struct cli *cli, char **arguments);
int show_verb(struct cli *cli, char **arguments);
int show_verb_cat(struct cli *cli, char **arguments);
int jobs_verb_start(struct cli *cli, char **arguments);
int jobs_verb_stop(struct cli *cli, char **arguments);
int jobs_verb_restart(struct cli *cli, char **arguments);
int jobs_verb_try_restart(struct cli *cli, char **arguments);
int jobs_verb_reload(struct cli *cli, char **arguments);
int jobs_verb_reload_or_restart(struct cli *cli, char **arguments);
int jobs_verb_try_reload_or_restart(struct cli *cli, char **arguments);
int manage_verb_kill(struct cli *cli, char **arguments);
int manage_verb_set_property(struct cli *cli, char **arguments);
int manage_verb_freeze(struct cli *cli, char **arguments);
int manage_verb_thaw(struct cli *cli, char **arguments);
int manage_verb_clean(struct cli *cli, char **arguments);
int manage_verb_reset_failed(struct cli *cli, char **arguments);
int manage_verb_daemon_reload(struct cli *cli, char **arguments);
int manage_verb_cancel(struct cli *cli, char **arguments);
int manage_verb_exit(struct cli *cli, char **arguments);
int manage_verb_power_off(struct cli *cli, char **arguments);
int manage_verb_reboot(struct cli *cli, char **arguments);
int manage_verb_halt(struct cli *cli, char **arguments);
int top_verb(struct cli *cli, char **arguments);
int exec_verb(struct cli *cli, char **arguments);
int exec_verb_shell(struct cli *cli, char **arguments);
int logs_verb(struct cli *cli, char **arguments);
int explain_verb(struct cli *cli, char **arguments);
int security_verb(struct cli *cli, char **arguments);
int verify_verb(struct cli *cli, char **arguments);
