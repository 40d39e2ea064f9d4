/* Which namespaces, made where. Those that hold mounts and processes are cloned with the child. A cgroup
 * namespace is made by the child, because clone3(2) copies the namespaces before it moves the child to its
 * group. Network, IPC and UTS are made inside the user namespace if there is one, so that it owns them: only
 * then may the container's root configure them. */
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>

#include "engine/control.h"
#include "engine/identity.h"
#include "engine/isolation.h"

enum { ISOLATION_IDS = 65536 };

/* Namespaces that a user namespace should own. */
#define ISOLATION_OWNED (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

/* The map as ranges, whatever way it was asked for. At most two ranges are made up; MAP's are the spec's. */
struct isolation_map {
	struct spec_id_range own[2];
	const struct spec_id_range *ranges;
	size_t n;
};

static void isolation_get_map(const struct build *build, bool gid, struct isolation_map *ret)
{
	const struct spec *spec = build->spec;
	uint32_t id = !build->identity ? 0 : gid ? build->identity->gid : build->identity->uid;
	const struct spec_id_map *explicit = gid ? &spec->gid_map : &spec->uid_map;

	*ret = (struct isolation_map){.n = 1};
	switch (spec->user_namespace) {
	case SPEC_USER_SELF:
		ret->own[0] = (struct spec_id_range){0, 0, 1};
		if (id != 0)
			ret->own[ret->n++] = (struct spec_id_range){id, id, 1};
		break;
	case SPEC_USER_IDENTITY:
		ret->own[0] = (struct spec_id_range){0, 0, ISOLATION_IDS};
		break;
	case SPEC_USER_AUTO:
		ret->own[0] = (struct spec_id_range){0, build->context->auto_range, ISOLATION_IDS};
		break;
	case SPEC_USER_MAP:
		ret->ranges = explicit->ranges;
		ret->n = explicit->n_ranges;
		return;
	case SPEC_USER_HOST:
	case SPEC_USER_NAMESPACE_MAX_:
		ret->own[0] = (struct spec_id_range){0, 0, UINT32_MAX};
		break;
	}
	ret->ranges = ret->own;
}

static uint32_t isolation_outside(const struct build *build, bool gid, uint32_t id)
{
	struct isolation_map map;

	isolation_get_map(build, gid, &map);
	for (size_t i = 0; i < map.n; i++) {
		const struct spec_id_range *range = map.ranges == map.own ? &map.own[i] : &map.ranges[i];

		if (id >= range->inside && id - range->inside < range->count)
			return range->outside + (id - range->inside);
	}
	return UINT32_MAX;
}

uint32_t isolation_outside_uid(const struct build *build, uint32_t uid)
{
	return isolation_outside(build, false, uid);
}

uint32_t isolation_outside_gid(const struct build *build, uint32_t gid)
{
	return isolation_outside(build, true, gid);
}

static uint32_t isolation_print_map(struct build *build, bool gid)
{
	struct text_buffer buffer = {};
	_cleanup_free_ char *text = NULL;
	struct isolation_map map;

	isolation_get_map(build, gid, &map);
	for (size_t i = 0; i < map.n; i++) {
		const struct spec_id_range *range = map.ranges == map.own ? &map.own[i] : &map.ranges[i];

		text_buffer_append(&buffer, "%u %u %u\n", range->inside, range->outside, range->count);
	}
	text = text_buffer_finish(&buffer);
	if (!text)
		build->failed = true;
	return build_text(build, text);
}

static int isolation_check_user(struct build *build)
{
	const struct spec *spec = build->spec;
	const struct identity *identity = build->identity;

	BUILD_ORIGIN(build, user_namespace);
	if (spec->user_namespace == SPEC_USER_AUTO && build->context->auto_range == 0)
		return build_fail(build, -EUSERS, "no range of ids is left for a user namespace");
	if (spec->user_namespace == SPEC_USER_MAP &&
	    (spec->uid_map.n_ranges == 0 || spec->gid_map.n_ranges == 0))
		return build_fail(build, -EINVAL, "the user namespace has no id map");
	if (isolation_outside_uid(build, 0) == UINT32_MAX || isolation_outside_gid(build, 0) == UINT32_MAX)
		return build_fail(build, -EINVAL, "the user namespace maps no root");
	BUILD_ORIGIN(build, user);
	if (isolation_outside_uid(build, identity->uid) == UINT32_MAX ||
	    isolation_outside_gid(build, identity->gid) == UINT32_MAX)
		return build_fail(build, -EINVAL, "user %u, group %u is not in the user namespace's map",
				  identity->uid, identity->gid);
	for (size_t i = 0; i < identity->n_groups; i++)
		if (isolation_outside_gid(build, identity->groups[i]) == UINT32_MAX)
			return build_fail(build, -EINVAL, "group %u is not in the user namespace's map",
					  identity->groups[i]);
	return 0;
}

static int isolation_decide_user(struct build *build)
{
	const struct spec *spec = build->spec;
	uint32_t uid, gid;
	int r;

	if (spec->user_namespace == SPEC_USER_HOST)
		return 0;
	r = isolation_check_user(build);
	if (r < 0)
		return r;
	uid = isolation_outside_uid(build, 0);
	gid = isolation_outside_gid(build, 0);
	build->namespaces |= CLONE_NEWUSER;
	build->owner = uid | (uint64_t)gid << 32;
	build->own_ids = spec->user_namespace == SPEC_USER_AUTO ||
			 (spec->user_namespace == SPEC_USER_MAP && build->owner != 0);
	BUILD_ORIGIN(build, user_namespace);
	if (build->own_ids && build->root < BUILD_ROOT_DIRECTORY)
		return build_fail(
			build, -EOPNOTSUPP,
			"a user namespace with ids of its own needs a root directory or image of its own");
	return 0;
}

int isolation_decide(struct build *build)
{
	const struct spec *spec = build->spec;

	if (build->root != BUILD_ROOT_SHARED)
		build->namespaces |= CLONE_NEWNS;
	if (spec->private_pids)
		build->namespaces |= CLONE_NEWPID;
	if (spec->private_network && !spec->network_namespace_path)
		build->namespaces |= CLONE_NEWNET;
	if (spec->private_ipc && !spec->ipc_namespace_path)
		build->namespaces |= CLONE_NEWIPC;
	if (spec->private_hostname || spec->protect_hostname || spec->hostname)
		build->namespaces |= CLONE_NEWUTS;
	if (spec->control_groups == SPEC_CONTROL_GROUPS_PRIVATE ||
	    spec->control_groups == SPEC_CONTROL_GROUPS_STRICT)
		build->namespaces |= CLONE_NEWCGROUP;
	if (spec->private_time || spec->time_offset_monotonic || spec->time_offset_boottime)
		build->namespaces |= CLONE_NEWTIME;
	return isolation_decide_user(build);
}

static void isolation_emit_join_path(struct build *build, const char *path, uint32_t flag)
{
	uint16_t fd = build_descriptor(build, PROGRAM_DESCRIPTOR_NAMESPACE, path, false);
	struct program_op *op = build_op(build, PROGRAM_JOIN);

	op->fd = fd;
	op->flags = flag;
}

static void isolation_append_offset(struct text_buffer *buffer, const char *clock, int64_t nanoseconds)
{
	int64_t seconds = nanoseconds / 1000000000, rest = nanoseconds % 1000000000;

	if (nanoseconds == 0)
		return;
	/* The kernel wants nanoseconds between 0 and 999,999,999, also for a negative offset. */
	if (rest < 0) {
		rest += 1000000000;
		seconds--;
	}
	text_buffer_append(buffer, "%s %lld %lld\n", clock, (long long)seconds, (long long)rest);
}

static void isolation_emit_time(struct build *build)
{
	const struct spec *spec = build->spec;
	struct text_buffer buffer = {};
	_cleanup_free_ char *text = NULL;
	struct program_op *op;

	if (spec->time_offset_monotonic)
		BUILD_ORIGIN(build, time_offset_monotonic);
	else if (spec->time_offset_boottime)
		BUILD_ORIGIN(build, time_offset_boottime);
	else
		BUILD_ORIGIN(build, private_time);
	isolation_append_offset(&buffer, "monotonic", spec->time_offset_monotonic);
	isolation_append_offset(&buffer, "boottime", spec->time_offset_boottime);
	text = text_buffer_finish(&buffer);
	if (!text)
		build->failed = true;
	uint32_t offset = build_text(build, text);
	op = build_op(build, PROGRAM_TIME_NAMESPACE);
	op->text = offset;
}

static void isolation_emit_unshare(struct build *build, uint64_t flag)
{
	if (flag)
		build_op(build, PROGRAM_UNSHARE)->flags = (uint32_t)flag;
}

/* The user namespace, whose helper goes on to make those that it shall own; or just those. svc-init's
 * clone3(2) makes only what must come with the process: a network namespace takes the kernel most of a
 * millisecond, in which svc-init could not reap. */
static void isolation_emit_user(struct build *build)
{
	uint64_t owned = build->namespaces & ISOLATION_OWNED;
	uint32_t uid_map, gid_map;
	struct program_op *op;

	build->clone_flags |= build->namespaces & (CLONE_NEWNS | CLONE_NEWPID);
	if (!(build->namespaces & CLONE_NEWUSER)) {
		BUILD_ORIGIN(build, private_network);
		isolation_emit_unshare(build, owned & CLONE_NEWNET);
		BUILD_ORIGIN(build, private_ipc);
		isolation_emit_unshare(build, owned & CLONE_NEWIPC);
		BUILD_ORIGIN(build, private_hostname);
		isolation_emit_unshare(build, owned & CLONE_NEWUTS);
		return;
	}
	BUILD_ORIGIN(build, user_namespace);
	uid_map = isolation_print_map(build, false);
	gid_map = isolation_print_map(build, true);
	op = build_op(build, PROGRAM_USER_NAMESPACE);
	op->text = uid_map;
	op->text2 = gid_map;
	op->slot2 = BUILD_SLOT_USER;
	op->flags = (uint32_t)owned;
	build->owned_pending = owned != 0;
}

/* A container is called as it was named; any other service with a UTS namespace keeps the host's name. */
static void isolation_emit_hostname(struct build *build)
{
	const struct spec *spec = build->spec;
	_cleanup_free_ char *name = NULL;
	struct program_op *op;
	uint32_t text;

	if (!(build->namespaces & CLONE_NEWUTS) ||
	    (!spec->hostname && (!spec->image_layers || !build->context->name)))
		return;
	if (spec->hostname)
		BUILD_ORIGIN(build, hostname);
	else
		BUILD_ORIGIN(build, private_hostname);
	name = strdup(spec->hostname ?: build->context->name);
	if (!name) {
		build->failed = true;
		return;
	}
	if (!spec->hostname)
		name[strcspn(name, ".")] = '\0';
	text = build_text(build, name);
	op = build_op(build, PROGRAM_HOSTNAME);
	op->text = text;
}

int isolation_emit(struct build *build)
{
	const struct spec *spec = build->spec;

	if (spec->network_namespace_path) {
		BUILD_ORIGIN(build, network_namespace_path);
		isolation_emit_join_path(build, spec->network_namespace_path, CLONE_NEWNET);
	}
	if (spec->ipc_namespace_path) {
		BUILD_ORIGIN(build, ipc_namespace_path);
		isolation_emit_join_path(build, spec->ipc_namespace_path, CLONE_NEWIPC);
	}
	/* First, as its helper works beside all that follows. */
	isolation_emit_user(build);
	if (build->namespaces & CLONE_NEWCGROUP) {
		BUILD_ORIGIN(build, control_groups);
		build_op(build, PROGRAM_UNSHARE)->flags = CLONE_NEWCGROUP;
	}
	if (build->namespaces & CLONE_NEWTIME)
		isolation_emit_time(build);
	if (build->namespaces & CLONE_NEWUSER)
		return 0;
	isolation_emit_hostname(build);
	if (build->namespaces & CLONE_NEWNET) {
		BUILD_ORIGIN(build, private_network);
		build_op(build, PROGRAM_LOOPBACK_UP);
	}
	return 0;
}

void isolation_emit_owned(struct build *build)
{
	if (!build->owned_pending)
		return;
	build->owned_pending = false;
	BUILD_ORIGIN(build, user_namespace);
	build_op(build, PROGRAM_JOIN_OWNED)->flags = (uint32_t)(build->namespaces & ISOLATION_OWNED);
	isolation_emit_hostname(build);
}

void isolation_emit_enter_user(struct build *build)
{
	bool mounts = control_bounding_set(build->spec) & (UINT64_C(1) << CAP_SYS_ADMIN);
	struct program_op *op;

	isolation_emit_owned(build);
	if (!(build->namespaces & CLONE_NEWUSER))
		return;
	BUILD_ORIGIN(build, user_namespace);
	op = build_op(build, PROGRAM_ENTER_USER);
	op->slot = BUILD_SLOT_USER;
	/* A container that may mount needs a mount namespace that its user namespace owns. */
	if (mounts && (build->namespaces & CLONE_NEWNS))
		op->flags = CLONE_NEWNS;
}

void isolation_emit_join(struct build *build)
{
	uint16_t fd;
	struct program_op *op;
	uint64_t flags = build->namespaces;

	if (build->spec->network_namespace_path)
		flags |= CLONE_NEWNET;
	if (build->spec->ipc_namespace_path)
		flags |= CLONE_NEWIPC;
	if (flags == 0)
		return;
	build_no_origin(build);
	fd = build_descriptor(build, PROGRAM_DESCRIPTOR_JOIN, NULL, false);
	op = build_op(build, PROGRAM_JOIN);
	op->fd = fd;
	op->flags = (uint32_t)flags;
}
