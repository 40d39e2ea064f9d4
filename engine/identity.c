/* Users and groups from the container's /etc/passwd and /etc/group, read with a size bound and never through
 * NSS: a name service may block, and it would answer for the host, not for the container. A numeric user
 * needs no entry; it then has group 0, as container engines have it. */
#include <sched.h>
#include <string.h>

#include "engine/identity.h"
#include "engine/isolation.h"
#include "engine/view.h"

enum { IDENTITY_FILE_MAX = 1 << 20, IDENTITY_FIELDS_MAX = 7 };

/* A number below 2^32-1 (which means "unchanged" to the kernel). */
static bool identity_parse_number(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value >= UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* Reads PATH of the container; a missing file is an empty one, for a numeric user needs none. */
static int identity_read(struct build *build, const char *path, char **ret)
{
	ssize_t n = view_read(build->spec, path, IDENTITY_FILE_MAX, ret);

	if (n == -ENOENT || n == -ENOTDIR) {
		*ret = strdup("");
		return *ret ? 0 : -ENOMEM;
	}
	return n < 0 ? build_fail(build, (int)n, "the container's %s cannot be read", path) : 0;
}

/* Splits the next line of *CURSOR at ':' into FIELDS (missing ones are ""). Modifies the text. False at the
 * end. */
static bool identity_next_line(char **cursor, const char *fields[IDENTITY_FIELDS_MAX])
{
	char *line = strsep(cursor, "\n");

	if (!line)
		return false;
	for (int i = 0; i < IDENTITY_FIELDS_MAX; i++)
		fields[i] = line ? strsep(&line, ":") : "";
	return true;
}

static int identity_find_user(struct identity *identity, const char *wanted, char *passwd, bool *ret_found)
{
	const char *fields[IDENTITY_FIELDS_MAX];
	uint32_t number = 0, uid, gid;
	bool is_number = identity_parse_number(wanted, &number);

	*ret_found = false;
	while (identity_next_line(&passwd, fields)) {
		if (!identity_parse_number(fields[2], &uid) || !identity_parse_number(fields[3], &gid))
			continue;
		if (is_number ? uid != number : strcmp(fields[0], wanted) != 0)
			continue;
		identity->uid = uid;
		identity->gid = gid;
		*ret_found = true;
		if (text_set(&identity->name, fields[0]) < 0 || text_set(&identity->home, fields[5]) < 0 ||
		    text_set(&identity->shell, fields[6]) < 0)
			return -ENOMEM;
		return 0;
	}
	if (is_number) {
		identity->uid = number;
		*ret_found = true;
	}
	return 0;
}

static bool identity_find_group(const char *wanted, char *group, uint32_t *ret_gid)
{
	const char *fields[IDENTITY_FIELDS_MAX];

	if (identity_parse_number(wanted, ret_gid))
		return true;
	while (identity_next_line(&group, fields))
		if (strcmp(fields[0], wanted) == 0 && identity_parse_number(fields[2], ret_gid))
			return true;
	return false;
}

static int identity_add_group(struct identity *identity, uint32_t gid)
{
	uint32_t *groups;

	for (size_t i = 0; i < identity->n_groups; i++)
		if (identity->groups[i] == gid)
			return 0;
	groups = reallocarray(identity->groups, identity->n_groups + 1, sizeof(*groups));
	if (!groups)
		return -ENOMEM;
	identity->groups = groups;
	groups[identity->n_groups++] = gid;
	return 0;
}

/* The groups whose member lists name the user, as initgroups(3). */
static int identity_add_memberships(struct identity *identity, char *group)
{
	const char *fields[IDENTITY_FIELDS_MAX];
	uint32_t gid;
	int r = identity_add_group(identity, identity->gid);

	while (r == 0 && identity_next_line(&group, fields)) {
		char *members = (char *)fields[3], *member;

		if (!identity_parse_number(fields[2], &gid))
			continue;
		while (*fields[3] && (member = strsep(&members, ",")))
			if (strcmp(member, identity->name) == 0)
				r = identity_add_group(identity, gid);
	}
	return r;
}

static int identity_set_dynamic(struct build *build, struct identity *identity)
{
	BUILD_ORIGIN(build, dynamic_user);
	identity->uid = identity->gid = build->context->dynamic_uid;
	if (text_set(&identity->name, build->spec->user) < 0 || text_set(&identity->home, "/") < 0 ||
	    text_set(&identity->shell, "/usr/sbin/nologin") < 0)
		return build_fail(build, -ENOMEM, "the user could not be set");
	return 0;
}

static int identity_resolve_user(struct build *build, struct identity *identity)
{
	_cleanup_free_ char *passwd = NULL;
	const char *wanted = build->spec->user ?: "0";
	bool found;
	int r;

	if (build->context->dynamic_uid)
		return identity_set_dynamic(build, identity);
	BUILD_ORIGIN(build, user);
	r = identity_read(build, "/etc/passwd", &passwd);
	if (r < 0)
		return r;
	r = identity_find_user(identity, wanted, passwd, &found);
	if (r < 0)
		return build_fail(build, r, "user \"%s\" could not be looked up", wanted);
	if (!found)
		return build_fail(build, -ESRCH, "user \"%s\" not found in /etc/passwd", wanted);
	return 0;
}

/* The group file is parsed in place, so each look-up gets a copy of its own. */
static int identity_lookup_group(struct build *build, const char *file, const char *wanted, uint32_t *ret)
{
	_cleanup_free_ char *copy = strdup(file);

	if (!copy)
		return build_fail(build, -ENOMEM, "group \"%s\" could not be looked up", wanted);
	if (!identity_find_group(wanted, copy, ret))
		return build_fail(build, -ESRCH, "group \"%s\" not found in /etc/group", wanted);
	return 0;
}

static int identity_resolve_groups(struct build *build, struct identity *identity)
{
	const struct spec *spec = build->spec;
	_cleanup_free_ char *file = NULL;
	uint32_t gid;
	int r;

	BUILD_ORIGIN(build, group);
	r = identity_read(build, "/etc/group", &file);
	if (r < 0)
		return r;
	if (spec->group) {
		r = identity_lookup_group(build, file, spec->group, &identity->gid);
		if (r < 0 && r == -ESRCH && build->context->dynamic_uid) {
			*build->failure = (struct failure){}; /* it is as dynamic as the user */
			r = 0;
		}
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < text_list_length(spec->supplementary_groups); i++) {
		BUILD_ORIGIN_ITEM(build, supplementary_groups, i);
		r = identity_lookup_group(build, file, spec->supplementary_groups[i], &gid);
		if (r == 0)
			r = identity_add_group(identity, gid);
		if (r < 0)
			return r;
	}
	BUILD_ORIGIN(build, user);
	if (spec->user && identity->name && identity_add_memberships(identity, file) < 0)
		return build_fail(build, -ENOMEM, "the groups of \"%s\" could not be looked up", spec->user);
	return 0;
}

int identity_resolve(struct build *build, struct identity **ret)
{
	_cleanup_(cleanup_identity_free) struct identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity)
		return build_fail(build, -ENOMEM, "the user could not be looked up");
	r = identity_resolve_user(build, identity);
	if (r == 0)
		r = identity_resolve_groups(build, identity);
	if (r < 0)
		return r;
	*ret = TAKE(identity);
	return 0;
}

struct identity *identity_free(struct identity *identity)
{
	if (!identity)
		return NULL;
	free(identity->groups);
	free(identity->name);
	free(identity->home);
	free(identity->shell);
	free(identity);
	return NULL;
}

/* A process in a user namespace or an image is always given its ids: it would else keep ones from outside. */
static bool identity_changes(const struct build *build)
{
	const struct spec *spec = build->spec;

	if (build->command->full_privileges)
		return false;
	if ((build->namespaces & CLONE_NEWUSER) || build->root == BUILD_ROOT_OVERLAY)
		return true;
	return !build->command->no_setuid && (spec->user || spec->group || spec->supplementary_groups);
}

/* Groups that the user namespace has no number for: nobody can take them on inside, but they stay. */
static bool identity_has_outer_groups(const struct build *build)
{
	const struct identity *identity = build->identity;

	for (size_t i = 0; i < identity->n_groups; i++)
		if (isolation_outside_gid(build, identity->groups[i]) == UINT32_MAX)
			return !build->own_ids && build->namespaces & CLONE_NEWUSER;
	return false;
}

void identity_emit_groups(struct build *build, bool outside)
{
	const struct identity *identity = build->identity;
	bool root = build->command->no_setuid;
	struct program_op *op;
	uint32_t groups;

	if (!identity_changes(build) || identity_has_outer_groups(build) != outside)
		return;
	if (build->spec->supplementary_groups)
		BUILD_ORIGIN(build, supplementary_groups);
	else
		BUILD_ORIGIN(build, user);
	groups = root ? 0
		      : build_bytes(build, identity->groups, identity->n_groups * sizeof(*identity->groups),
				    4);
	op = build_op(build, PROGRAM_GROUPS);
	op->text = groups;
	op->number = root ? 0 : identity->n_groups;
}

void identity_emit_user(struct build *build)
{
	struct program_op *op;

	if (!identity_changes(build))
		return;
	BUILD_ORIGIN(build, user);
	op = build_op(build, PROGRAM_USER);
	if (!build->command->no_setuid) {
		op->number = build->identity->uid;
		op->number2 = build->identity->gid;
	}
}
