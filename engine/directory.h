/* StateDirectory= and its siblings: directories on the host that are the service's own. The manager makes and opens them for each launch
 * (manager/host-directory.c); the program gives them to the service's user and, where the service has mounts of its own, puts them where
 * it looks for them.
 *
 * On disk they belong to the service's user as the service itself knows him; a user namespace with ids of its own sees them through an
 * id map. */
#pragma once

#include "engine/mountplan.h"

struct directory_kind {
	const char *name;	 /* of the directive: "StateDirectory" */
	const char *environment; /* "STATE_DIRECTORY" */
	int exit_status;	 /* systemd.exec(5), "Process Exit Codes" */
	bool owned;		 /* by the service's user */
};
extern const struct directory_kind directory_kinds[SPEC_DIRECTORY_MAX_];

/* The parts of an entry "PATH[:LINK[:ro]]" of spec.directories. Heap, the caller's; NULL without memory, and directory_link() also when
 * there is none. */
char *directory_path(const char *entry);
char *directory_link(const char *entry);
bool directory_is_read_only(const char *entry);
/* PATH as a link at LINK, both below the same directory, has to name it. Heap; NULL without memory. */
char *directory_relative(const char *path, const char *link);
/* Hidden from everybody but its service below "private", because its user's id may become somebody else's. */
bool directory_is_private(const struct spec *spec, enum spec_directory kind);

/* Does another entry of the same kind hold this one (or its path)? Then that one's link leads to both. */
bool directory_is_inner(const struct spec *spec, enum spec_directory kind, const char *path);

bool directory_any(const struct spec *spec);
/* Whether a mount namespace is needed. */
bool directory_needs_mounts(const struct spec *spec);

/* Before everything else: makes them the user's. */
int directory_emit(struct build *build);
/* KEPT gets the strings that the plan's entries borrow. */
int directory_collect(struct mountplan *plan, struct build *build, char ***kept);
/* Sets STATE_DIRECTORY and its siblings by SET. */
int directory_export(const struct build *build, int (*set)(char ***list, const char *name, const char *value),
		     char ***list);
