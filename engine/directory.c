/* See directory.h. */
#include <string.h>
#include <unistd.h>

#include "engine/directory.h"
#include "engine/identity.h"

const struct directory_kind directory_kinds[SPEC_DIRECTORY_MAX_] = {
	[SPEC_DIRECTORY_RUNTIME] = {"RuntimeDirectory", "RUNTIME_DIRECTORY", 233, true},
	[SPEC_DIRECTORY_STATE] = {"StateDirectory", "STATE_DIRECTORY", 238, true},
	[SPEC_DIRECTORY_CACHE] = {"CacheDirectory", "CACHE_DIRECTORY", 239, true},
	[SPEC_DIRECTORY_LOGS] = {"LogsDirectory", "LOGS_DIRECTORY", 240, true},
	[SPEC_DIRECTORY_CONFIGURATION] = {"ConfigurationDirectory", "CONFIGURATION_DIRECTORY", 241, false},
};

/* --- entries ----------------------------------------------------------------------------------------- */

char *directory_path(const char *entry)
{
	return strndup(entry, strcspn(entry, ":"));
}

char *directory_link(const char *entry)
{
	const char *link = entry + strcspn(entry, ":");

	link += *link == ':';
	return *link && *link != ':' ? strndup(link, strcspn(link, ":")) : NULL;
}

bool directory_is_read_only(const char *entry)
{
	return text_ends_with(entry, ":ro");
}

bool directory_is_private(const struct spec *spec, enum spec_directory kind)
{
	if (!spec->dynamic_user || kind == SPEC_DIRECTORY_CONFIGURATION)
		return false;
	return kind != SPEC_DIRECTORY_RUNTIME || spec->runtime_preserve != SPEC_PRESERVE_NO;
}

bool directory_is_inner(const struct spec *spec, enum spec_directory kind, const char *path)
{
	TEXT_LIST_FOREACH (entry, spec->directories[kind]) {
		size_t length = strcspn(*entry, ":");

		if (strncmp(path, *entry, length) == 0 && path[length] == '/')
			return true;
	}
	return false;
}

bool directory_any(const struct spec *spec)
{
	for (size_t kind = 0; kind < SPEC_DIRECTORY_MAX_; kind++)
		if (spec->directories[kind])
			return true;
	return false;
}

bool directory_needs_mounts(const struct spec *spec)
{
	for (enum spec_directory kind = 0; kind < SPEC_DIRECTORY_MAX_; kind++)
		TEXT_LIST_FOREACH (entry, spec->directories[kind])
			if (directory_is_read_only(*entry) || directory_is_private(spec, kind))
				return true;
	return false;
}

static uint32_t directory_origin(enum spec_directory kind)
{
	return (uint32_t)(offsetof(struct spec, directories) + kind * sizeof(char **));
}

static bool directory_in_own_root(const struct build *build)
{
	return build->root == BUILD_ROOT_DIRECTORY || build->root == BUILD_ROOT_OVERLAY;
}

/* Where the directory is on the host. */
static char *directory_host_path(const struct build *build, enum spec_directory kind, const char *entry)
{
	return text_format("%s/%s%.*s", build->context->directories[kind],
			   directory_is_private(build->spec, kind) ? "private/" : "",
			   (int)strcspn(entry, ":"), entry);
}

/* --- the program ------------------------------------------------------------------------------------- */

/* Who shall own them. Without a user of its own a service runs as svcd does, who may be nobody special. */
static uint64_t directory_owner(const struct build *build)
{
	const struct identity *identity = build->identity;
	const struct spec *spec = build->spec;

	if (spec->user || spec->group || build->root == BUILD_ROOT_OVERLAY ||
	    spec->user_namespace != SPEC_USER_HOST)
		return identity->uid | (uint64_t)identity->gid << 32;
	return geteuid() | (uint64_t)getegid() << 32;
}

static int directory_emit_one(struct build *build, enum spec_directory kind, const char *entry)
{
	_cleanup_free_ char *path = directory_host_path(build, kind, entry);
	uint16_t fd;
	struct program_op *op;
	uint32_t text;

	if (!path)
		return build_fail(build, -ENOMEM, "the directory's path could not be made");
	fd = build_descriptor(build, PROGRAM_DESCRIPTOR_DIRECTORY, path, false);
	if (!directory_kinds[kind].owned)
		return 0;
	text = build_text(build, path);
	op = build_op(build, PROGRAM_OWN);
	op->fd = fd;
	op->text = text;
	op->number = directory_owner(build);
	op->flags = PROGRAM_EXIT_STATUS(directory_kinds[kind].exit_status);
	return 0;
}

int directory_emit(struct build *build)
{
	int r = 0;

	for (enum spec_directory kind = 0; kind < SPEC_DIRECTORY_MAX_; kind++)
		for (size_t i = 0; i < text_list_length(build->spec->directories[kind]) && r == 0; i++) {
			build_origin(build, directory_origin(kind), i);
			if (!build->context->directories)
				return build_fail(build, -EOPNOTSUPP, "there is no place for it here");
			r = directory_emit_one(build, kind, build->spec->directories[kind][i]);
		}
	return r;
}

/* --- mounts ------------------------------------------------------------------------------------------ */

/* "lib/web" as seen from the directory in which "a/b" is made: "../lib/web". */
char *directory_relative(const char *path, const char *link)
{
	struct text_buffer buffer = {};

	for (const char *slash = strchr(link, '/'); slash; slash = strchr(slash + 1, '/'))
		text_buffer_append(&buffer, "../");
	text_buffer_append(&buffer, "%s", path);
	return text_buffer_finish(&buffer);
}

/* A link at LINK to REAL, both below the base. On the host's tree the manager has made it, unless something covers the place. Takes
 * REAL and LINK over, which may be NULL for want of memory. */
static int directory_collect_link(struct mountplan *plan, struct build *build, enum spec_directory kind,
				  char *real, char *link, char ***kept)
{
	char *to = real && link ? directory_relative(real, link) : NULL,
	     *at = link ? text_format("%s/%s", build->context->directories[kind], link) : NULL;
	int r = text_list_take(kept, to), s = text_list_take(kept, at);

	free(real);
	free(link);
	if (r < 0 || s < 0)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	mountplan_add(plan, build, MOUNTPLAN_SYMLINK, at)->source = to;
	return 0;
}

/* Where the service finds the directory, below the base. */
static char *directory_real(const struct build *build, enum spec_directory kind, const char *entry)
{
	bool private = directory_is_private(build->spec, kind) && !directory_in_own_root(build);

	return text_format("%s%.*s", private ? "private/" : "", (int)strcspn(entry, ":"), entry);
}

static int directory_collect_links(struct mountplan *plan, struct build *build, enum spec_directory kind,
				   const char *entry, char ***kept)
{
	size_t length = strcspn(entry, ":");
	bool linked = entry[length] && entry[length + 1] && entry[length + 1] != ':';
	int r = 0;

	if (directory_is_private(build->spec, kind) && !directory_in_own_root(build) &&
	    !directory_is_inner(build->spec, kind, entry))
		r = directory_collect_link(plan, build, kind, directory_real(build, kind, entry),
					   directory_path(entry), kept);
	if (r == 0 && linked)
		r = directory_collect_link(plan, build, kind, directory_real(build, kind, entry),
					   directory_link(entry), kept);
	return r;
}

/* The way to the private directories is closed to users; this one gets there, and finds nobody else's. */
static int directory_hide_others(struct mountplan *plan, struct build *build, enum spec_directory kind,
				 char ***kept)
{
	char *path = text_format("%s/private", build->context->directories[kind]);
	struct mountplan_entry *mount;

	if (text_list_take(kept, path) < 0)
		return -ENOMEM;
	mount = mountplan_add(plan, build, MOUNTPLAN_TMPFS, path);
	mount->options = "mode=0755,size=64k";
	mount->flags = PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV | PROGRAM_MOUNT_NO_EXEC;
	mountplan_add(plan, build, MOUNTPLAN_READ_ONLY, path);
	return 0;
}

static int directory_collect_one(struct mountplan *plan, struct build *build, enum spec_directory kind,
				 const char *entry, char ***kept)
{
	char *source = directory_host_path(build, kind, entry);
	char *target = directory_in_own_root(build)
			       ? text_format("%s/%.*s", build->context->directories[kind],
					     (int)strcspn(entry, ":"), entry)
			       : (source ? strdup(source) : NULL);
	struct mountplan_entry *mount;
	int r = text_list_take(kept, source), s = text_list_take(kept, target);

	if (r < 0 || s < 0)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	if (!directory_in_own_root(build) && directory_is_private(build->spec, kind) &&
	    directory_hide_others(plan, build, kind, kept) < 0)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	mount = mountplan_add(plan, build, MOUNTPLAN_BIND, target);
	mount->source = source;
	mount->managed = true;
	mount->flags =
		PROGRAM_MOUNT_RECURSIVE | (directory_is_read_only(entry) ? PROGRAM_MOUNT_READ_ONLY : 0);
	mount->id_mapped = build->own_ids;
	/* Mounts below the directory cannot all be idmapped. */
	if (mount->id_mapped)
		mount->flags &= ~(uint32_t)PROGRAM_MOUNT_RECURSIVE;
	return directory_collect_links(plan, build, kind, entry, kept);
}

int directory_collect(struct mountplan *plan, struct build *build, char ***kept)
{
	int r = 0;

	for (enum spec_directory kind = 0; kind < SPEC_DIRECTORY_MAX_; kind++)
		for (size_t i = 0; i < text_list_length(build->spec->directories[kind]) && r == 0; i++) {
			build_origin(build, directory_origin(kind), i);
			r = directory_collect_one(plan, build, kind, build->spec->directories[kind][i], kept);
		}
	return r;
}

/* --- environment ------------------------------------------------------------------------------------- */

int directory_export(const struct build *build, int (*set)(char ***list, const char *name, const char *value),
		     char ***list)
{
	int r = 0;

	for (enum spec_directory kind = 0; kind < SPEC_DIRECTORY_MAX_ && r == 0; kind++) {
		struct text_buffer buffer = {};
		_cleanup_free_ char *value = NULL;

		if (!build->spec->directories[kind] || !build->context->directories)
			continue;
		TEXT_LIST_FOREACH (entry, build->spec->directories[kind])
			text_buffer_append(&buffer, "%s%s/%.*s", buffer.length ? ":" : "",
					   build->context->directories[kind], (int)strcspn(*entry, ":"),
					   *entry);
		value = text_buffer_finish(&buffer);
		r = value ? set(list, directory_kinds[kind].environment, value) : -ENOMEM;
	}
	return r;
}
