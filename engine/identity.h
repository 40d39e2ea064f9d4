/* Who the payload is: user, group and supplementary groups by the container's own passwd and group files. */
#pragma once

#include "engine/build.h"

struct identity {
	uint32_t uid, gid;
	uint32_t *groups; /* supplementary */
	size_t n_groups;
	char *name, *home, *shell; /* NULL: the user has no passwd entry */
};

/* Resolves the spec's user and groups; a spec without user yields root. No NSS: the files are read directly.
 * Unknown names fail with -ESRCH and the build's origin at the field. */
int identity_resolve(struct build *build, struct identity **ret);
struct identity *identity_free(struct identity *identity);
DEFINE_CLEANUP(struct identity *, identity_free);

/* GROUPS and the bounding set are appended by their rooms; this appends USER, unless the identity is the
 * manager's own. */
/* OUTSIDE: before the user namespace is entered, for those that it does not map. */
void identity_emit_groups(struct build *build, bool outside);
void identity_emit_user(struct build *build);
