/* THE table of directives. A directive lives in exactly one row: its section, name, kind of value, field,
 * default, what applies it, its D-Bus property and one sentence of documentation. Parsing, printing, `svcctl
 * show`, the D-Bus property, the man page, completion and the fuzz dictionary come from the row. */
#pragma once

#include "units/config.h"

/* How a value is written, read, printed and shown on D-Bus. See value.h for what each does. */
enum value_kind {
	VALUE_TEXT,	   /* char *; D-Bus s */
	VALUE_BOOL,	   /* bool; b */
	VALUE_INT,	   /* int; i */
	VALUE_UNSIGNED,	   /* unsigned; u */
	VALUE_USEC,	   /* usec_t: "5min 20s", bare number = seconds, "infinity"; t */
	VALUE_SIZE,	   /* uint64_t bytes: K M G T P E (1024), "infinity"; t */
	VALUE_LIMIT_SIZE,  /* as SIZE, also "N%" of physical memory; "infinity" is SPEC_LIMIT_MAX; t */
	VALUE_LIMIT_COUNT, /* uint64_t, "infinity"; t */
	VALUE_WEIGHT,	   /* uint64_t 1..10000; t */
	VALUE_CPU_QUOTA,   /* "20%": usec per second; t */
	VALUE_PATH,	   /* char *, absolute, cleaned; s */
	VALUE_PATH_LIST,   /* char **; as */
	VALUE_TEXT_LIST, /* char **, space separated and quoted words, repeated lines append, empty resets; as
			  */
	VALUE_UNIT_LIST, /* char **, unit names; as */
	VALUE_ENVIRONMENT,	 /* char ** NAME=VALUE; as */
	VALUE_ENVIRONMENT_FILES, /* a(sb) */
	VALUE_ENUM,		 /* int-sized enum, names in directive.names; s */
	VALUE_MODE,		 /* mode_t, octal; u */
	VALUE_SIGNAL,		 /* int, "SIGTERM", "TERM", "15"; i */
	VALUE_EXIT_STATUS_SET,	 /* (aiai) */
	VALUE_COMMANDS,		 /* struct exec_commands; a(sasbttttuii) */
	VALUE_CAPABILITIES,	 /* uint64_t; t */
	VALUE_SYSTEM_CALLS,	 /* struct spec_system_calls; (bas) */
	VALUE_ERRNO,		 /* int; i */
	VALUE_NAMESPACE_FLAGS,	 /* uint64_t of CLONE_NEW*; t */
	VALUE_RLIMIT,		 /* struct spec_rlimit; t, and NAMESoft t */
	VALUE_STREAM,		 /* struct spec_stream; s */
	VALUE_MOUNTS,	 /* struct spec_mounts; the sort of line is directive.mount_kind; a(ssbt) or as */
	VALUE_IO_LIMITS, /* struct spec_io_limits; a(st) */
	VALUE_ID_MAP,	 /* struct spec_id_map; as */
	VALUE_USER_NAME, /* char *: a valid user or group name, or a number below 2^32-1; s */
	VALUE_CONDITION, /* appended to unit_config.conditions; not shown by itself */
	VALUE_DIRECTORIES, /* char ** "PATH[:LINK[:ro]]"; `argument` is a spec_directory; as, and NAMESymlink a(sst) */
	VALUE_CREDENTIALS, /* char **; `argument` is a spec_credential: a(ss), a(say), as; or SPEC_CREDENTIAL_MAX_ for Secret= */
	VALUE_TIME_OFFSET, /* int64_t nanoseconds; x */
	VALUE_REFUSED, /* known, and cannot be had: only the values in directive.names, which ask for nothing, are
			  taken; the summary says why; not shown on D-Bus */
	VALUE_RULES,   /* char **, each line read by directive.parse into items of a form of their own; as */
	VALUE_SPECIAL, /* a parser of its own: directive.parse; shown by directive.print */
	VALUE_KIND_MAX_,
};

/* Who makes a setting true. */
enum directive_applies {
	APPLIES_MANAGER, /* the state machines */
	APPLIES_ENGINE,	 /* a step of the launch program */
	APPLIES_CGROUP,	 /* a cgroup file */
	APPLIES_INSTALL, /* svcctl enable */
	APPLIES_NEVER,	 /* VALUE_REFUSED: stops the unit */
	APPLIES_NOTHING, /* accepted for compatibility; documentation only */
};

struct directive_line; /* value.h */

/* Fields that few units set stand together in an object on the heap, behind a pointer of struct unit_config that is NULL until one
 * of them is set. */
struct directive_group {
	uint32_t pointer;     /* its offset in struct unit_config */
	size_t size;	      /* of the object */
	const void *defaults; /* an object with every default */
};
extern const struct directive_group directive_group_confinement, directive_group_filters,
	directive_group_limits, directive_group_rlimits, directive_group_log;

struct directive {
	const char *section, *name;
	enum value_kind kind;
	enum directive_applies applies;
	uint32_t offset;	  /* in struct unit_config, or in the object of .group */
	const char *default_text; /* as a user would write it; NULL: zero */
	const char *const
		*names; /* VALUE_ENUM: by value, NULL ends; VALUE_REFUSED: harmless values, may be NULL */
	int (*parse)(const struct directive_line *line, void *field,
		     struct failure *failure); /* VALUE_SPECIAL, VALUE_RULES */
	char *(*print)(const void *field);     /* VALUE_SPECIAL */
	int argument; /* kind-specific: a spec_mount_kind with DIRECTIVE_* flags, an RLIMIT_*, … */
	const struct directive_group *group;
	const char *replaced_by; /* a name of old, which is taken with a warning: the name it has today */
	const char *property;	 /* D-Bus name; NULL: same as name; "-": none */
	const char *summary;	 /* one sentence */
};

extern const struct directive directive_table[];
extern const size_t directive_count;

/* NULL when there is no such directive. [Slice] has no rows of its own: those of [Service] that limit a cgroup are found. A key of [Container] that equals one of [Service] has a row of its
 * own, usually with the same field. */
const struct directive *directive_find(const char *section, const char *name);
/* Is this row of [Service] known in [Slice] too? */
bool directive_in_slice(const struct directive *directive);
/* The nearest name in SECTION, or the section that has NAME; NULL when nothing is near. */
const char *directive_nearest(const char *section, const char *name);
bool directive_section_known(const char *section, enum unit_kind kind);
/* The nearest section that a unit of this KIND has; NULL when nothing is near. */
const char *directive_nearest_section(const char *section, enum unit_kind kind);

/* The value as `svcctl show` prints it; heap, the caller's; NULL when out of memory. */
char *directive_print(const struct directive *directive, const struct unit_config *config);

/* What tells one field from all others: rows with the same key share it. An operation's origin plus offsetof(struct unit_config, spec). */
static inline uint32_t directive_key(const struct directive *directive)
{
	return directive->group ? directive->group->pointer | (directive->offset + 1) << 16
				: directive->offset;
}

/* The field as it is in CONFIG; the default's where its group is not there. */
const void *directive_field(const struct directive *directive, const struct unit_config *config);
/* The field to be written to: makes its group if need be. NULL when out of memory. */
void *directive_make_field(const struct directive *directive, struct unit_config *config);
