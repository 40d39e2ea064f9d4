/* From a unit's name to its config: search path, templates, drop-ins, specifiers. */
#pragma once

#include "units/config.h"

struct unit_directory {
	char *path;
	bool lenient; /* a distribution's systemd folder: unknown keys warn */
};

struct unit_index;

struct unit_search_path {
	struct unit_directory *items;
	size_t n;
	struct unit_index
		*index; /* what the directories hold, read again when they change; private to units/ */
};

/* TEXT is "DIR:DIR…" (NULL: the default path; WITH_SYSTEMD adds systemd's and Quadlet's folders, lenient). */
int unit_search_path_parse(const char *text, bool with_systemd, struct unit_search_path *ret);
/* Puts a directory, which need not be there yet, before all others. */
int unit_search_path_prepend(struct unit_search_path *path, const char *directory);
void unit_search_path_free(struct unit_search_path *path);

/* Values of specifiers that come from outside; zeroed members are looked up by unit_load(). Tests fill all.
 */
struct unit_specifiers {
	const char *hostname, *machine_id, *boot_id, *kernel_release;
	const char *runtime_directory, *state_directory, *cache_directory, *logs_directory,
		*configuration_directory; /* %t %S %C %L %E; NULL: /run, /var/lib, …, as systemd has them */
	const char *credentials_directory; /* %d, without the unit's name; NULL: /run/credentials */
};

/* "web.service" is valid, "../x" and "web" are not. *RET_KIND may be NULL. Returns 0 or -EINVAL. */
int unit_name_parse(const char *name, enum unit_kind *ret_kind, struct failure *failure);
/* As unit_name_parse(), but for any kind of unit that systemd knows: what a dependency may name
 * ("dbus.socket"). */
bool unit_name_valid(const char *name);
/* "a-b.slice" lies in "a.slice", so that no part between dashes may be empty; "-.slice" is the root (systemd.slice(5)). */
bool unit_name_is_slice(const char *name);
/* The slice that the slice NAME lies in; heap; NULL for "-.slice" (or out of memory). */
char *unit_name_parent_slice(const char *name);
bool unit_name_is_template(const char *name); /* "web@.service" */
/* "web@1.service" -> "web@.service"; NULL when it is no instance or out of memory. */
char *unit_name_template(const char *name);

/* Loads NAME; an alias (a link to another unit of the path) yields the unit it leads to: look at
 * config->name. A template yields a config that is read but cannot run (UNIT_BAD_SETTING). Always yields a
 * config unless out of memory (-ENOMEM): one that could not be loaded has its load_state and load_failure
 * set, with file and line. */
int unit_load(const struct unit_search_path *path, const struct unit_specifiers *specifiers, const char *name,
	      struct unit_config **ret);

/* As unit_load(), with TEXT (LENGTH bytes and a NUL) read after everything else, as if it were one more drop-in called ORIGIN. */
int unit_load_with(const struct unit_search_path *path, const struct unit_specifiers *specifiers,
		   const char *name, const char *origin, const char *text, size_t length,
		   struct unit_config **ret);

/* Loads one file by path as if it stood in a strict unit directory, with no drop-ins: svcctl verify. */
int unit_load_file(const struct unit_specifiers *specifiers, const char *file, struct unit_config **ret);

/* Loads TEXT (LENGTH bytes and a NUL) as if it were a file of this NAME: for tests and fuzzing. */
int unit_load_text(const struct unit_specifiers *specifiers, const char *name, const char *text,
		   size_t length, struct unit_config **ret);

/* Every unit file of the search path: name -> path of the fragment that wins. Heap lists of equal length. */
int unit_list_files(const struct unit_search_path *path, char ***ret_names, char ***ret_paths);

/* "enabled", "disabled", "static", "masked", "linked"…: as systemctl's column. Reads .wants/ and .requires/
 * of the path. */
const char *unit_file_state(const struct unit_search_path *path, const struct unit_config *config);

/* A fingerprint of everything read for the unit (files, sizes, mtimes): another value means NeedDaemonReload.
 */
uint64_t unit_fingerprint(const struct unit_search_path *path, const char *name);
