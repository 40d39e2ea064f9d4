/* Each way to ask for a user namespace ends as two lists of ranges. All numbers are known when the program is
 * compiled: files that the launch makes get their owner's id on the host. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/idmap.h"
#include "engine/identity.h"

enum { IDMAP_IDS = 65536, IDMAP_FILE_MAX = 1 << 20, IDMAP_RANGES_MAX = 340 /* user_namespaces(7) */ };

uint32_t idmap_outside(const struct spec_id_map *map, uint32_t id)
{
	if (map->n_ranges == 0)
		return id;
	for (size_t i = 0; i < map->n_ranges; i++)
		if (id >= map->ranges[i].inside && id - map->ranges[i].inside < map->ranges[i].count)
			return map->ranges[i].outside + (id - map->ranges[i].inside);
	return UINT32_MAX;
}

uint32_t idmap_inside(const struct spec_id_map *map, uint32_t id)
{
	if (map->n_ranges == 0)
		return id;
	for (size_t i = 0; i < map->n_ranges; i++)
		if (id >= map->ranges[i].outside && id - map->ranges[i].outside < map->ranges[i].count)
			return map->ranges[i].inside + (id - map->ranges[i].outside);
	return UINT32_MAX;
}

bool idmap_is_identity(const struct spec_id_map *map)
{
	for (size_t i = 0; i < map->n_ranges; i++)
		if (map->ranges[i].inside != map->ranges[i].outside)
			return false;
	return true;
}

char *idmap_print(const struct spec_id_map *map)
{
	struct text_buffer buffer = {};

	for (size_t i = 0; i < map->n_ranges; i++)
		text_buffer_append(&buffer, "%u %u %u\n", map->ranges[i].inside, map->ranges[i].outside,
				   map->ranges[i].count);
	return text_buffer_finish(&buffer);
}

int idmap_append(struct spec_id_map *map, uint32_t inside, uint32_t outside, uint32_t count)
{
	struct spec_id_range *larger;

	if (count == 0)
		return 0;
	larger = reallocarray(map->ranges, map->n_ranges + 1, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	map->ranges = larger;
	larger[map->n_ranges++] = (struct spec_id_range){inside, outside, count};
	return 0;
}

/* What a mount is idmapped by, with host ids outside: resolves what is relative to the user namespace. RET's ranges
 * are the caller's. */
static int idmap_of_mount(const struct build *build, const struct spec_mount_ids *ids, bool gid,
			  struct spec_id_map *ret)
{
	const struct spec_id_map *container = gid ? &build->gid_map : &build->uid_map;

	*ret = (struct spec_id_map){};
	for (size_t i = 0; i < ids->maps[gid].n_ranges; i++) {
		struct spec_id_range range = ids->maps[gid].ranges[i];

		/* A range of ours may lie in several of the namespace's. */
		while (range.count > 0) {
			uint32_t outside = ids->relative[gid] ? idmap_outside(container, range.outside)
							      : range.outside,
				 n = 1;

			while (ids->relative[gid] && n < range.count &&
			       idmap_outside(container, range.outside + n) == outside + n)
				n++;
			n = ids->relative[gid] ? n : range.count;
			if (outside == UINT32_MAX)
				return -ERANGE;
			if (ret->n_ranges == IDMAP_RANGES_MAX)
				return -E2BIG;
			if (idmap_append(ret, range.inside, outside, n) < 0)
				return -ENOMEM;
			range.inside += n;
			range.outside += n;
			range.count -= n;
		}
	}
	return 0;
}

static int idmap_copy(struct spec_id_map *map, const struct spec_id_map *from)
{
	int r = 0;

	for (size_t i = 0; i < from->n_ranges && r == 0; i++)
		r = idmap_append(map, from->ranges[i].inside, from->ranges[i].outside, from->ranges[i].count);
	return r;
}

static uint32_t idmap_size(const struct spec *spec)
{
	return spec->user_namespace_size ?: IDMAP_IDS;
}

/* The whole of a range of the unit's own, but for the ids that are mapped otherwise. */
static int idmap_make_auto(const struct build *build, const struct spec_id_map *besides,
			   struct spec_id_map *map)
{
	uint32_t size = idmap_size(build->spec), id = 0;
	int r = idmap_copy(map, besides);

	while (id < size && r == 0) {
		uint32_t end = size;
		bool taken = false;

		for (size_t i = 0; i < besides->n_ranges; i++) {
			const struct spec_id_range *range = &besides->ranges[i];

			if (id >= range->inside && id - range->inside < range->count) {
				id = range->inside + range->count;
				taken = true;
				break;
			}
			if (range->inside > id)
				end = MIN_OF(end, range->inside);
		}
		if (taken)
			continue;
		r = idmap_append(map, id, build->context->auto_range + id, end - id);
		id = end;
	}
	return r;
}

/* The manager's own id is KEPT inside; the ids after it outside fill up the rest. */
static int idmap_make_kept(const struct spec *spec, uint32_t own, uint32_t kept, struct spec_id_map *map)
{
	uint32_t size = idmap_size(spec);
	int r;

	if (kept == 0)
		return idmap_append(map, 0, own, size);
	r = idmap_append(map, 0, own + 1, kept);
	if (r == 0)
		r = idmap_append(map, kept, own, 1);
	if (r == 0 && size > kept + 1)
		r = idmap_append(map, kept + 1, own + kept + 1, size - kept - 1);
	return r;
}

/* subuid(5): "NAME:FIRST:COUNT" */
static int idmap_make_sub(struct build *build, const char *path, const char *name, struct spec_id_map *map)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n = fd_read_file_at(AT_FDCWD, path, IDMAP_FILE_MAX, &text);
	size_t length = strlen(name);
	uint32_t inside = 0;

	if (n < 0)
		return build_fail(build, (int)n, "%s cannot be read", path);
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));) {
		unsigned first, count;

		if (strncmp(line, name, length) != 0 ||
		    sscanf(line + length, ":%10u:%10u", &first, &count) != 2 ||
		    (uint64_t)first + count > UINT32_MAX || (uint64_t)inside + count > UINT32_MAX)
			continue;
		if (map->n_ranges == IDMAP_RANGES_MAX)
			return build_fail(build, -E2BIG,
					  "%s has more ranges for \"%s\" than the kernel takes", path, name);
		if (idmap_append(map, inside, first, count) < 0)
			return -ENOMEM;
		inside += count;
	}
	return map->n_ranges ? 0 : build_fail(build, -ESRCH, "%s has no range for \"%s\"", path, name);
}

/* --- of a namespace that is joined --------------------------------------------------------------------- */

/* The map can be read of a process only: one that enters and stays until it has been looked at. */
static _Noreturn void idmap_stand_in(int namespace_fd, int told, int gate)
{
	int r = setns(namespace_fd, CLONE_NEWUSER) < 0 ? -errno : 0;
	char byte;

	if (write(told, &r, sizeof r) == sizeof r)
		r = (int)read(gate, &byte, 1);
	_exit(r != 0);
}

static int idmap_read(pid_t pid, const char *name, struct spec_id_map *map)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	n = fd_read_file_at(AT_FDCWD, path, IDMAP_FILE_MAX, &text);
	if (n < 0)
		return (int)n;
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));) {
		unsigned inside, outside, count;

		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 &&
		    idmap_append(map, inside, outside, count) < 0)
			return -ENOMEM;
	}
	return map->n_ranges ? 0 : -EINVAL;
}

static int idmap_look_at(int namespace_fd, struct build *build)
{
	int told[2], gate[2], result = -ECHILD, r;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(gate, O_CLOEXEC) < 0) {
		r = -errno;
		close(told[0]);
		close(told[1]);
		return r;
	}
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		idmap_stand_in(namespace_fd, told[1], gate[0]);
	}
	r = pid < 0 ? -errno : 0;
	close(told[1]);
	close(gate[0]);
	if (r == 0 && fd_read_all(told[0], &result, sizeof result) == sizeof result)
		r = result;
	if (r == 0)
		r = idmap_read(pid, "uid_map", &build->uid_map);
	if (r == 0)
		r = idmap_read(pid, "gid_map", &build->gid_map);
	close(told[0]);
	close(gate[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

static int idmap_make_joined(struct build *build, const char *path)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r;

	build_origin(build, offsetof(struct spec, namespace_paths[SPEC_NAMESPACE_USER]), 0);
	if (fd < 0)
		return build_fail(build, -errno, "cannot open %s", path);
	r = idmap_look_at(fd, build);
	return r < 0 ? build_fail(build, r, "%s is no user namespace that can be joined", path) : 0;
}

/* --- all of them --------------------------------------------------------------------------------------- */

static int idmap_make_one(struct build *build, bool gid, struct spec_id_map *map)
{
	const struct spec *spec = build->spec;
	const struct spec_id_map *explicit = gid ? &spec->gid_map : &spec->uid_map;
	uint32_t id = gid ? build->identity->gid : build->identity->uid;
	int r;

	switch (spec->user_namespace) {
	case SPEC_USER_SELF:
		r = idmap_append(map, 0, 0, 1);
		return r == 0 && id != 0 ? idmap_append(map, id, id, 1) : r;
	case SPEC_USER_IDENTITY:
		return idmap_append(map, 0, 0, IDMAP_IDS);
	case SPEC_USER_FULL: /* in two ranges, so that it can be told from the first user namespace */
		r = idmap_append(map, 0, 0, 1);
		return r == 0 ? idmap_append(map, 1, 1, UINT32_MAX - 1) : r;
	case SPEC_USER_AUTO:
	case SPEC_USER_NO_MAP:
		return idmap_make_auto(build, explicit, map);
	case SPEC_USER_MAP:
		return idmap_copy(map, explicit);
	case SPEC_USER_KEEP_ID:
		return idmap_make_kept(spec, gid ? getegid() : geteuid(),
				       gid ? spec->keep_gid : spec->keep_uid, map);
	case SPEC_USER_SUB:
		return gid ? idmap_make_sub(build, "/etc/subgid", spec->sub_group ?: spec->sub_user, map)
			   : idmap_make_sub(build, "/etc/subuid", spec->sub_user ?: spec->sub_group, map);
	case SPEC_USER_HOST:
	case SPEC_USER_NAMESPACE_MAX_:
		break;
	}
	return 0;
}

int idmap_make(struct build *build)
{
	const struct spec *spec = build->spec;
	int r;

	if (spec->namespace_paths[SPEC_NAMESPACE_USER])
		return idmap_make_joined(build, spec->namespace_paths[SPEC_NAMESPACE_USER]);
	BUILD_ORIGIN(build, user_namespace);
	if ((spec->user_namespace == SPEC_USER_AUTO || spec->user_namespace == SPEC_USER_NO_MAP) &&
	    build->context->auto_range == 0)
		return build_fail(build, -EUSERS, "no range of ids is left for a user namespace");
	if (spec->user_namespace == SPEC_USER_MAP &&
	    (spec->uid_map.n_ranges == 0 || spec->gid_map.n_ranges == 0))
		return build_fail(build, -EINVAL, "the user namespace has no id map");
	r = idmap_make_one(build, false, &build->uid_map);
	if (r == 0)
		r = idmap_make_one(build, true, &build->gid_map);
	return r == -ENOMEM ? build_fail(build, r, "the id map could not be made") : r;
}

/* --- of mounts ----------------------------------------------------------------------------------------- */

static int idmap_emit_mount(struct build *build, const struct spec_mount *mount)
{
	struct build_mount_ids *entry = &build->mount_ids[build->n_mount_ids];
	uint32_t texts[2] = {};
	struct program_op *op;
	int r = build->n_mount_ids < ARRAY_SIZE(build->mount_ids) ? 0 : -E2BIG;

	for (int gid = 0; gid < 2 && r == 0; gid++) {
		struct spec_id_map map = {};
		_cleanup_free_ char *text = NULL;

		r = idmap_of_mount(build, mount->ids, gid, &map);
		if (r == 0 && !(text = idmap_print(&map)))
			r = -ENOMEM;
		texts[gid] = build_text(build, text);
		free(map.ranges);
	}
	if (r == -ERANGE)
		return build_fail(build, r, "mount source %s: its id map is not within the user namespace's",
				  mount->source);
	if (r < 0)
		return build_fail(build, r, "mount source %s: no room for its id map", mount->source);
	*entry = (struct build_mount_ids){mount->ids, build_slot_take(build)};
	if (entry->slot == PROGRAM_SLOT_NONE)
		return build_fail(build, -E2BIG, "mount source %s: no room for its id map", mount->source);
	build->n_mount_ids++;
	op = build_op(build, PROGRAM_USER_NAMESPACE);
	op->text = texts[0];
	op->text2 = texts[1];
	op->slot2 = entry->slot;
	return 0;
}

int idmap_emit_mounts(struct build *build)
{
	static const uint32_t lists[] = {offsetof(struct spec, volumes), offsetof(struct spec, mounts),
					 offsetof(struct spec, bind_paths),
					 offsetof(struct spec, bind_read_only_paths)};

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const struct spec_mounts *mounts =
			(const struct spec_mounts *)((const char *)build->spec + lists[l]);

		for (size_t i = 0; i < mounts->n; i++) {
			int r;

			if (!mounts->items[i].ids)
				continue;
			build_origin(build, lists[l], i);
			r = idmap_emit_mount(build, &mounts->items[i]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

uint8_t idmap_slot(const struct build *build, const struct spec_mount_ids *ids)
{
	for (size_t i = 0; i < build->n_mount_ids; i++)
		if (build->mount_ids[i].ids == ids)
			return build->mount_ids[i].slot;
	return PROGRAM_SLOT_NONE;
}

int idmap_on_disk(const struct build *build, const struct spec_mount_ids *ids, uint32_t *uid, uint32_t *gid)
{
	uint32_t *const numbers[] = {uid, gid};
	const struct spec_id_map *const maps[] = {&build->uid_map, &build->gid_map};

	for (int i = 0; i < 2; i++) {
		struct spec_id_map map = {};
		int r = ids ? idmap_of_mount(build, ids, i, &map) : 0;

		if (r < 0)
			return r;
		*numbers[i] = idmap_inside(&map, idmap_outside(maps[i], *numbers[i]));
		free(map.ranges);
		if (*numbers[i] == UINT32_MAX)
			return -ERANGE;
	}
	return 0;
}
