/* Which namespaces, made where. Those that hold mounts and processes are cloned with the child. A cgroup
 * namespace is made by the child, because clone3(2) copies the namespaces before it moves the child to its
 * group. Network, IPC and UTS are made inside the user namespace if there is one, so that it owns them: only
 * then may the container's root configure them. */
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "engine/control.h"
#include "engine/idmap.h"
#include "engine/identity.h"
#include "engine/isolation.h"

/* In the order in which they are joined: what it takes to join the later ones is still there. The user namespace
 * is entered after the mounts. */
static const struct {
	enum spec_namespace kind;
	uint32_t flag;
	const char *name;
} isolation_kinds[] = {
	{SPEC_NAMESPACE_NETWORK, CLONE_NEWNET, "network"}, {SPEC_NAMESPACE_IPC, CLONE_NEWIPC, "IPC"},
	{SPEC_NAMESPACE_UTS, CLONE_NEWUTS, "UTS"},	   {SPEC_NAMESPACE_CGROUP, CLONE_NEWCGROUP, "cgroup"},
	{SPEC_NAMESPACE_TIME, CLONE_NEWTIME, "time"},	   {SPEC_NAMESPACE_PID, CLONE_NEWPID, "PID"},
	{SPEC_NAMESPACE_MOUNT, CLONE_NEWNS, "mount"},	   {SPEC_NAMESPACE_USER, CLONE_NEWUSER, "user"},
};
static_assert(ARRAY_SIZE(isolation_kinds) == SPEC_NAMESPACE_MAX_, "a row for each");

/* Namespaces that a user namespace should own. */
#define ISOLATION_OWNED (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)

uint32_t isolation_outside_uid(const struct build *build, uint32_t uid)
{
	return idmap_outside(&build->uid_map, uid);
}

uint32_t isolation_outside_gid(const struct build *build, uint32_t gid)
{
	return idmap_outside(&build->gid_map, gid);
}

/* What the launch brings for all processes that have it in common. */
static bool isolation_shares(const struct build *build, enum spec_namespace kind)
{
	const struct spec *spec = build->spec;

	if (spec->namespace_paths[kind])
		return false;
	if (kind == SPEC_NAMESPACE_NETWORK)
		return spec->private_network && !spec->network_unit && build->context->shared & CLONE_NEWNET;
	return kind == SPEC_NAMESPACE_IPC && spec->private_ipc && build->context->shared & CLONE_NEWIPC;
}

static bool isolation_joins(const struct build *build, enum spec_namespace kind)
{
	return build->spec->namespace_paths[kind] ||
	       (kind == SPEC_NAMESPACE_NETWORK && build->spec->network_unit) || isolation_shares(build, kind);
}

static uint32_t isolation_print_map(struct build *build, const struct spec_id_map *map)
{
	_cleanup_free_ char *text = idmap_print(map);

	if (!text)
		build->failed = true;
	return build_text(build, text);
}

/* Who asked for the user namespace. */
static void isolation_user_origin(struct build *build)
{
	if (isolation_joins(build, SPEC_NAMESPACE_USER))
		build_origin(build, offsetof(struct spec, namespace_paths[SPEC_NAMESPACE_USER]), 0);
	else
		BUILD_ORIGIN(build, user_namespace);
}

static int isolation_check_user(struct build *build)
{
	const struct identity *identity = build->identity;

	isolation_user_origin(build);
	if (isolation_outside_uid(build, 0) == UINT32_MAX || isolation_outside_gid(build, 0) == UINT32_MAX)
		return build_fail(build, -EINVAL, "the user namespace maps no root");
	BUILD_ORIGIN(build, user);
	if (isolation_outside_uid(build, identity->uid) == UINT32_MAX ||
	    isolation_outside_gid(build, identity->gid) == UINT32_MAX)
		return build_fail(build, -EINVAL, "user %u, group %u is not in the user namespace's map",
				  identity->uid, identity->gid);
	/* Where ids are the host's, a group that is not mapped is given before the namespace is entered. */
	for (size_t i = 0; i < identity->n_groups && !idmap_is_identity(&build->gid_map); i++)
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

	if (spec->user_namespace == SPEC_USER_HOST && !isolation_joins(build, SPEC_NAMESPACE_USER))
		return 0;
	r = isolation_check_user(build);
	if (r < 0)
		return r;
	uid = isolation_outside_uid(build, 0);
	gid = isolation_outside_gid(build, 0);
	build->namespaces |= CLONE_NEWUSER;
	build->owner = uid | (uint64_t)gid << 32;
	build->own_ids = !idmap_is_identity(&build->uid_map) || !idmap_is_identity(&build->gid_map);
	isolation_user_origin(build);
	if (build->own_ids && build->root < BUILD_ROOT_DIRECTORY &&
	    !isolation_joins(build, SPEC_NAMESPACE_USER))
		return build_fail(
			build, -EOPNOTSUPP,
			"a user namespace with ids of its own needs a root directory or image of its own");
	return 0;
}

/* "net.ipv4.ip_forward=1": only of a namespace that the container has of its own. One that is shared is others'
 * too. */
static int isolation_check_sysctls(struct build *build)
{
	for (size_t i = 0; i < text_list_length(build->spec->sysctls); i++) {
		const char *name = build->spec->sysctls[i];
		bool net = text_starts_with(name, "net."), uts = text_starts_with(name, "kernel.domainname=");

		if (build->namespaces & (net ? CLONE_NEWNET : uts ? CLONE_NEWUTS : CLONE_NEWIPC))
			continue;
		BUILD_ORIGIN_ITEM(build, sysctls, i);
		return build_fail(build, -EINVAL,
				  "%s would be changed outside: the container has no %s namespace of its own",
				  name,
				  net	? "network"
				  : uts ? "UTS"
					: "IPC");
	}
	return 0;
}

/* A namespace that is joined is not made: the path goes before the switch, as systemd has it. */
int isolation_decide(struct build *build)
{
	const struct spec *spec = build->spec;
	int r;

	if (build->root != BUILD_ROOT_SHARED && !isolation_joins(build, SPEC_NAMESPACE_MOUNT))
		build->namespaces |= CLONE_NEWNS;
	if (spec->private_pids && !isolation_joins(build, SPEC_NAMESPACE_PID))
		build->namespaces |= CLONE_NEWPID;
	if (spec->private_network && !isolation_joins(build, SPEC_NAMESPACE_NETWORK))
		build->namespaces |= CLONE_NEWNET;
	if (spec->private_ipc && !isolation_joins(build, SPEC_NAMESPACE_IPC))
		build->namespaces |= CLONE_NEWIPC;
	if ((spec->private_hostname || spec->protect_hostname || spec->hostname) &&
	    !isolation_joins(build, SPEC_NAMESPACE_UTS))
		build->namespaces |= CLONE_NEWUTS;
	if (spec->control_groups >= SPEC_CONTROL_GROUPS_PRIVATE &&
	    !isolation_joins(build, SPEC_NAMESPACE_CGROUP))
		build->namespaces |= CLONE_NEWCGROUP;
	if ((spec->private_time || spec->time_offset_monotonic || spec->time_offset_boottime) &&
	    !isolation_joins(build, SPEC_NAMESPACE_TIME))
		build->namespaces |= CLONE_NEWTIME;
	if (isolation_joins(build, SPEC_NAMESPACE_MOUNT) && build->root >= BUILD_ROOT_DIRECTORY) {
		build_origin(build, offsetof(struct spec, namespace_paths[SPEC_NAMESPACE_MOUNT]), 0);
		return build_fail(
			build, -EINVAL,
			"a mount namespace to join and a root of the unit's own exclude each other");
	}
	r = isolation_check_sysctls(build);
	return r < 0 ? r : isolation_decide_user(build);
}

/* The descriptor of the namespace to join, as an argument. */
static uint16_t isolation_path_descriptor(struct build *build, size_t row)
{
	enum spec_namespace kind = isolation_kinds[row].kind;
	uint16_t fd;

	if (kind == SPEC_NAMESPACE_NETWORK && build->spec->network_unit) {
		BUILD_ORIGIN(build, private_network);
		return build_descriptor(build, PROGRAM_DESCRIPTOR_UNIT, build->spec->network_unit, false);
	}
	if (isolation_shares(build, kind)) {
		if (kind == SPEC_NAMESPACE_NETWORK)
			BUILD_ORIGIN(build, private_network);
		else
			BUILD_ORIGIN(build, private_ipc);
		fd = build_descriptor(build, PROGRAM_DESCRIPTOR_SHARED, NULL, false);
	} else {
		build_origin(build, offsetof(struct spec, namespace_paths) + sizeof(char *) * kind, 0);
		fd = build_descriptor(build, PROGRAM_DESCRIPTOR_NAMESPACE, build->spec->namespace_paths[kind],
				      false);
	}
	if (fd != PROGRAM_NO_FD)
		build->descriptors[fd - 3].namespace = isolation_kinds[row].flag;
	return fd;
}

/* All but the user namespace. Whoever joined a PID namespace is not in it, only its children are: the rest is
 * done by one, so that it sees the /proc it mounts. The host's tree is changed in a copy of the mount
 * namespace that was joined, never in that itself. */
static void isolation_emit_joins(struct build *build)
{
	for (size_t i = 0; i < ARRAY_SIZE(isolation_kinds); i++) {
		struct program_op *op;
		uint16_t fd;

		if (!isolation_joins(build, isolation_kinds[i].kind) ||
		    isolation_kinds[i].kind == SPEC_NAMESPACE_USER)
			continue;
		fd = isolation_path_descriptor(build, i);
		op = build_op(build, PROGRAM_JOIN);
		op->fd = fd;
		op->flags = isolation_kinds[i].flag;
		if (isolation_kinds[i].kind == SPEC_NAMESPACE_PID)
			build_op(build, PROGRAM_FORK);
		if (isolation_kinds[i].kind == SPEC_NAMESPACE_MOUNT && build->root != BUILD_ROOT_SHARED)
			build_op(build, PROGRAM_UNSHARE)->flags = CLONE_NEWNS;
	}
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
	uint16_t fd = PROGRAM_NO_FD;

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
	isolation_user_origin(build);
	if (isolation_joins(build, SPEC_NAMESPACE_USER)) {
		fd = isolation_path_descriptor(build, ARRAY_SIZE(isolation_kinds) - 1);
		uid_map = gid_map = 0;
	} else {
		uid_map = isolation_print_map(build, &build->uid_map);
		gid_map = isolation_print_map(build, &build->gid_map);
	}
	op = build_op(build, PROGRAM_USER_NAMESPACE);
	op->fd = fd;
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

static void isolation_emit_sysctls(struct build *build)
{
	for (size_t i = 0; i < text_list_length(build->spec->sysctls); i++) {
		_cleanup_free_ char *name = strdup(build->spec->sysctls[i]);
		char *value = name ? strchr(name, '=') : NULL;
		uint32_t text, text2;
		struct program_op *op;

		BUILD_ORIGIN_ITEM(build, sysctls, i);
		if (!value) {
			build->failed = true;
			return;
		}
		*value++ = '\0';
		for (char *c = name; *c; c++)
			if (*c == '.')
				*c = '/';
		text = build_text(build, name);
		text2 = build_text(build, value);
		op = build_op(build, PROGRAM_SYSCTL);
		op->text = text;
		op->text2 = text2;
		op->number = (uint32_t)build->owner;
	}
}

int isolation_emit(struct build *build)
{
	int r;

	isolation_emit_joins(build);
	/* First, as its helper works beside all that follows. */
	isolation_emit_user(build);
	r = idmap_emit_mounts(build);
	if (r < 0)
		return r;
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
	isolation_emit_sysctls(build);
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
	isolation_emit_sysctls(build);
}

void isolation_emit_enter_user(struct build *build)
{
	bool mounts = control_bounding_set(build->spec) & (UINT64_C(1) << CAP_SYS_ADMIN);
	struct program_op *op;

	isolation_emit_owned(build);
	if (!(build->namespaces & CLONE_NEWUSER))
		return;
	isolation_user_origin(build);
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

	for (size_t i = 0; i < ARRAY_SIZE(isolation_kinds); i++)
		if (isolation_joins(build, isolation_kinds[i].kind) && !build->context->join_exactly)
			flags |= isolation_kinds[i].flag;
	if (flags == 0)
		return;
	build_no_origin(build);
	fd = build_descriptor(build, PROGRAM_DESCRIPTOR_JOIN, NULL, false);
	op = build_op(build, PROGRAM_JOIN);
	op->fd = fd;
	op->flags = (uint32_t)flags;
}

int isolation_check_namespace(int fd, uint32_t flag, const char *path, struct failure *failure)
{
	struct statfs status;

	for (size_t i = 0; i < ARRAY_SIZE(isolation_kinds); i++)
		if (isolation_kinds[i].flag == flag &&
		    (fstatfs(fd, &status) < 0 || (uint32_t)status.f_type != NSFS_MAGIC ||
		     ioctl(fd, NS_GET_NSTYPE) != (int)flag))
			return failure_set(failure, -EINVAL, NULL, "%s is not the file of a %s namespace",
					   path, isolation_kinds[i].name);
	return 0;
}
