/* The kinds of values: how each is read from a line, printed, emptied and counted. One row per kind in
 * value.c; the functions stand in value-*.c by family. A kind knows its field's type and nothing of the
 * directive but its `argument` and `names`. */
#pragma once

#include "units/directive.h"
#include "units/specifier.h"

/* One assignment to be read. */
struct directive_line {
	const struct directive *directive;
	const char *value; /* as written, without white space around it */
	const struct specifier_context
		*specifiers;	    /* NULL: '%' is an ordinary character (the table's own defaults) */
	struct unit_config *config; /* for the kinds that write two fields */
	bool lenient;		    /* from a distribution's folder: an unknown escape stays as written */
};

/* Flags in directive.argument. */
enum {
	VALUE_USEC_ZERO_IS_INFINITY = 1,   /* VALUE_USEC: "0" switches the timeout off */
	VALUE_CONDITION_ASSERT = 1,	   /* VALUE_CONDITION: the Assert…= form */
	VALUE_COUNT_MINUS_IS_INFINITY = 1, /* VALUE_LIMIT_COUNT: "-1" and "0", as Podman writes them */
	VALUE_COUNT_PERCENT = 2,	   /* also "N%" of the processes that the machine can have */
	VALUE_SIZE_POSITIVE = 1,	   /* VALUE_LIMIT_SIZE: 0 would be no sensible limit */
	VALUE_SIZE_PROTECTS = 4,	   /* not set is 0 on D-Bus: nothing is protected */
	VALUE_SIZE_OF_SWAP = 2,		   /* "N%" is of the swap space */
	VALUE_WEIGHT_IDLE = 1,		   /* VALUE_WEIGHT: also "idle" */

	VALUE_IO_WEIGHT = 1, /* VALUE_IO_LIMITS: DEVICE WEIGHT */
	VALUE_IO_BYTES,	     /* DEVICE BYTES */
	VALUE_IO_OPERATIONS, /* DEVICE COUNT */
	VALUE_IO_LATENCY,    /* DEVICE TIME */
	VALUE_IO_OLD_WEIGHT, /* DEVICE WEIGHT, where 500 is the usual one */
	VALUE_IO_HUGE_PAGES, /* PAGESIZE BYTES */
	VALUE_IO_NAMED,	     /* NAME COUNT */

	VALUE_LIST_COLON = 1 << 0,     /* VALUE_PATH_LIST: ':' separates too */
	VALUE_LIST_REPLACES = 1 << 1,  /* an assignment starts the list anew */
	VALUE_LIST_CONTINUES = 1 << 2, /* only behind an assignment that started the list */
	VALUE_LIST_ALL = 1 << 3,       /* "ALL" instead of a path */
	VALUE_LIST_USERS = 1 << 4,     /* VALUE_TEXT_LIST: names or numbers of users or groups */
	VALUE_LIST_VARIABLES = 1 << 5, /* names of environment variables */

	VALUE_LIST_PORTS = 1 << 8,	    /* numbers below 65536, or "none" */
	VALUE_LIST_OPTIONAL_PATHS = 1 << 9, /* absolute paths, perhaps with '-' before them, or "none" */

	VALUE_CALLS_NO_ERRNO = 1, /* VALUE_SYSTEM_CALLS: names only */

	VALUE_MOUNT_KIND = 0xff,	/* VALUE_MOUNTS: a spec_mount_kind */
	VALUE_MOUNT_READ_ONLY = 1 << 8, /* bind: read-only */
	VALUE_MOUNT_OPTIONS = 1 << 10,	/* type=bind,source=…, one to a line, as Quadlet's Mount= */
	VALUE_MOUNT_DEFAULTS =
		1 << 11, /* tmpfs: noexec, nosuid, nodev and a copy of what is there, as Podman has it */
	VALUE_MOUNT_VOLUME = 1 << 9, /* SRC:DST[:OPTION,…], one to a line, as Quadlet's Volume= */
};

/* Reads LINE into FIELD. An empty value never comes here, except for VALUE_SPECIAL (see value_takes_empty).
 * On -EINVAL FAILURE says what is wrong with the value, without naming the directive; the field is then
 * undefined but can be freed. */
int value_parse(const struct directive_line *line, void *field, struct failure *failure);

/* As `svcctl show` prints it; heap; NULL when out of memory. */
char *value_print(const struct directive *directive, const void *field);

/* Frees what FIELD owns and makes it zero. */
void value_clear(const struct directive *directive, void *field);

/* Items of a list; 0 for what is no list. */
size_t value_count(const struct directive *directive, const void *field);

size_t value_size(const struct directive
			  *directive); /* of the field, in bytes; 0 for VALUE_SPECIAL and VALUE_CONDITION */
bool value_takes_empty(const struct directive *directive); /* "" means something of its own: an empty set */

/* --- shared by the families ---------------------------------------------------------------------------- */

/* TEXT with specifiers expanded; heap. */
int value_expand(const struct directive_line *line, const char *text, char **ret, struct failure *failure);

/* The next word of *CURSOR, unquoted and with specifiers expanded. As word_next(). */
int value_next_word(const struct directive_line *line, const char **cursor, char **ret,
		    struct failure *failure);

/* Checks that TEXT is an absolute path and cleans it in place ("//", "/./", a slash at the end). ".." is
 * refused. */
int value_clean_path(char *text, struct failure *failure);

/* yes/no, true/false, on/off, 1/0, y/n, t/f. */
int value_read_bool(const char *text, bool *ret);
/* "N%" or "N.N%" in parts per ten thousand. */
int value_read_percent(const char *text, uint64_t *ret);
/* All of TEXT as a decimal number of at most MAX; no sign, no space. */
int value_read_number(const char *text, uint64_t max, uint64_t *ret);
/* "5min 20s", "infinity"; a bare number counts UNIT microseconds. */
int value_read_usec(const char *text, usec_t unit, usec_t *ret);
/* "1.5G", K M G T P E in powers of BASE (1024 or 1000). */
int value_read_size(const char *text, unsigned base, uint64_t *ret);
/* "SIGTERM", "TERM", "RTMIN+3", "15". */
int value_read_signal(const char *text, int *ret);
/* A valid user or group name, or an id below 2^32-1 that is not 65535. */
bool value_user_valid(const char *text);
bool value_variable_valid(const char *name, size_t length);
bool value_fd_name_valid(const char *name);
/* Bit mask of a capability with or without "CAP_", in any case; "all" if ALLOW_ALL. */
int value_read_capability(const char *name, bool allow_all, uint64_t *ret);
char *value_format_usec(usec_t usec);
const char *value_signal_name(int signal, char buffer[static 24]);

#define VALUE_DECLARE(name)                                                                              \
	int value_parse_##name(const struct directive_line *line, void *field, struct failure *failure); \
	char *value_print_##name(const struct directive *directive, const void *field);

/* value-number.c */
VALUE_DECLARE(bool)
VALUE_DECLARE(int)
VALUE_DECLARE(unsigned)
VALUE_DECLARE(usec)
VALUE_DECLARE(size)
VALUE_DECLARE(limit_size)
VALUE_DECLARE(limit_count)
VALUE_DECLARE(weight)
VALUE_DECLARE(cpu_quota)
VALUE_DECLARE(mode)
VALUE_DECLARE(time_offset)
VALUE_DECLARE(rlimit)
/* value-name.c */
VALUE_DECLARE(enum)
VALUE_DECLARE(signal)
VALUE_DECLARE(errno)
VALUE_DECLARE(exit_status_set)
VALUE_DECLARE(capabilities)
VALUE_DECLARE(system_calls)
VALUE_DECLARE(namespace_flags)
/* value-text.c */
VALUE_DECLARE(text)
VALUE_DECLARE(refused)
VALUE_DECLARE(path)
VALUE_DECLARE(path_list)
VALUE_DECLARE(text_list)
VALUE_DECLARE(unit_list)
VALUE_DECLARE(environment)
VALUE_DECLARE(environment_files)
VALUE_DECLARE(user_name)
VALUE_DECLARE(stream)
/* value-command.c */
VALUE_DECLARE(commands)
VALUE_DECLARE(condition)
/* value-keep.c */
VALUE_DECLARE(directories)
VALUE_DECLARE(credentials)
/* value-mount.c */
VALUE_DECLARE(mounts)
VALUE_DECLARE(io_limits)
VALUE_DECLARE(id_map)
