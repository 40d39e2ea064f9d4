/* What the kernel and the machine show of themselves in a root: /proc, /sys, /dev, /run, control groups, the logger's
 * sockets. A container has all of them of its own; a service in a root of its own has those that MountAPIVFS= names, with the
 * host's /dev; one on the host's tree keeps the host's but for what it asked to be private. */
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/cgroup.h"
#include "engine/filesystem.h"
#include "engine/filesystem-api.h"
#include "engine/isolation.h"
#include "engine/view.h"

#define FILESYSTEM_API_SAFE (PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV)

enum { FILESYSTEM_API_TTY_GROUP = 5 };

/* Of a PID namespace that is joined; unless a mount namespace is too, which has it. */
bool filesystem_api_wants_proc(const struct spec *spec)
{
	return spec->namespace_paths[SPEC_NAMESPACE_PID] && !spec->namespace_paths[SPEC_NAMESPACE_MOUNT];
}

/* The message queues of an IPC namespace are seen in a file system mounted from inside it: systemd.exec(5),
 * PrivateIPC=. */
bool filesystem_api_wants_mqueue(const struct spec *spec)
{
	return spec->private_ipc ||
	       (spec->namespace_paths[SPEC_NAMESPACE_IPC] && !spec->namespace_paths[SPEC_NAMESPACE_MOUNT]);
}

void filesystem_api_deinit_texts(struct filesystem_api_texts *texts)
{
	free(texts->proc);
	free(texts->devpts);
	free(texts->run);
	free(texts->shm);
	free(texts->cgroup);
	text_list_free(texts->kept);
}

int filesystem_api_make_texts(struct build *build, struct filesystem_api_texts *texts)
{
	static const char *const hidepid[SPEC_PROTECT_PROC_MAX_] = {
		[SPEC_PROTECT_PROC_DEFAULT] = "",
		[SPEC_PROTECT_PROC_NO_ACCESS] = "hidepid=noaccess",
		[SPEC_PROTECT_PROC_INVISIBLE] = "hidepid=invisible",
		[SPEC_PROTECT_PROC_PTRACEABLE] = "hidepid=ptraceable",
	};
	const struct spec *spec = build->spec;
	const char *hide = hidepid[spec->protect_proc],
		   *subset = spec->process_subset_pid ? "subset=pid" : "";
	uint32_t tty = isolation_outside_gid(build, FILESYSTEM_API_TTY_GROUP);

	texts->proc = text_format("%s%s%s", hide, *hide && *subset ? "," : "", subset);
	texts->devpts = text_format("newinstance,ptmxmode=0666,mode=0620,gid=%u",
				    tty == UINT32_MAX ? (uint32_t)(build->owner >> 32) : tty);
	texts->run = text_format("mode=0755,uid=%u,gid=%u", (uint32_t)build->owner,
				 (uint32_t)(build->owner >> 32));
	texts->shm = spec->shm_size == SPEC_UNSET ? strdup("")
						  : text_format("%llu", (unsigned long long)spec->shm_size);
	if (!texts->proc || !texts->devpts || !texts->run || !texts->shm)
		return build_fail(build, -ENOMEM, "the mounts could not be planned");
	/* A mount of the hierarchy from its first namespace sets the options of all: it has to repeat them. */
	if (spec->mount_api_vfs && spec->control_groups < SPEC_CONTROL_GROUPS_PRIVATE &&
	    build->context->in_cgroup) {
		int r = cgroup_find_options(&texts->cgroup);

		if (r < 0)
			return build_fail(build, r, "the options of the cgroup hierarchy");
	}
	return 0;
}

static void filesystem_api_add(struct mountplan *plan, struct build *build, enum mountplan_kind kind,
			       const char *target, const char *options, uint32_t flags)
{
	struct mountplan_entry *entry = mountplan_add(plan, build, kind, target);

	entry->options = options;
	entry->flags = flags;
	entry->implied = true;
}

static void filesystem_api_add_cgroups(struct mountplan *plan, struct build *build,
				       const struct filesystem_api_texts *texts, bool own)
{
	const struct spec *spec = build->spec;
	bool namespace = spec->control_groups >= SPEC_CONTROL_GROUPS_PRIVATE;
	bool read_only = spec->control_groups == SPEC_CONTROL_GROUPS_READ_ONLY ||
			 spec->control_groups == SPEC_CONTROL_GROUPS_STRICT ||
			 (own && !spec_limits(spec)->delegate);

	BUILD_ORIGIN(build, control_groups);
	/* Without a group of its own the container would see its manager's. */
	if ((own || namespace) && build->context->in_cgroup) {
		filesystem_api_add(plan, build, MOUNTPLAN_CGROUP_FS, "/sys/fs/cgroup", texts->cgroup,
				   FILESYSTEM_API_SAFE | PROGRAM_MOUNT_NO_EXEC |
					   (read_only ? PROGRAM_MOUNT_READ_ONLY : 0));
	} else if (!own && read_only) {
		struct mountplan_entry *entry =
			mountplan_add(plan, build, MOUNTPLAN_READ_ONLY, "/sys/fs/cgroup");

		entry->flags = PROGRAM_OPTIONAL;
		entry->implied = true;
	}
}

/* Something of the host's, if it is there, in the same place. PATH is a constant. */
static void filesystem_api_add_host(struct mountplan *plan, struct build *build, const char *path,
				    bool is_directory)
{
	struct mountplan_entry *entry;

	if (access(path, F_OK) < 0)
		return;
	entry = mountplan_add(plan, build, MOUNTPLAN_BIND, path);
	entry->source = path;
	entry->flags = PROGRAM_MOUNT_RECURSIVE | PROGRAM_OPTIONAL;
	entry->is_directory = is_directory;
	entry->implied = true;
}

/* The sockets of the host's logger. /dev/log is one of them, or a link to one. */
void filesystem_api_add_log_sockets(struct mountplan *plan, struct build *build)
{
	static const char *const sockets[] = {"/run/systemd/journal/dev-log", "/run/systemd/journal/socket",
					      "/run/systemd/journal/stdout"};
	struct stat status;

	if (!build->spec->bind_log_sockets || build->root == BUILD_ROOT_IN_PLACE)
		return;
	BUILD_ORIGIN(build, bind_log_sockets);
	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
		filesystem_api_add_host(plan, build, sockets[i], false);
	if (lstat("/dev/log", &status) == 0 && S_ISSOCK(status.st_mode))
		filesystem_api_add_host(plan, build, "/dev/log", false);
}

/* /dev of its own. A service on the host's tree keeps the host's shared memory, with which it talks to
 * others. */
static void filesystem_api_add_dev(struct mountplan *plan, struct build *build,
				   const struct filesystem_api_texts *texts, bool own)
{
	if (own)
		BUILD_ORIGIN(build, mount_api_vfs);
	else
		BUILD_ORIGIN(build, private_devices);
	filesystem_api_add(plan, build, MOUNTPLAN_DEV, "/dev", texts->shm,
			   PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_EXEC);
	filesystem_api_add(plan, build, MOUNTPLAN_DEVPTS, "/dev/pts", texts->devpts,
			   PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_EXEC);
	filesystem_api_add(plan, build, MOUNTPLAN_MQUEUE, "/dev/mqueue", NULL,
			   FILESYSTEM_API_SAFE | PROGRAM_MOUNT_NO_EXEC);
	if (own || build->namespaces & CLONE_NEWIPC)
		return;
	if (build->root == BUILD_ROOT_IN_PLACE)
		filesystem_api_add(plan, build, MOUNTPLAN_KEEP, "/dev/shm", NULL, PROGRAM_OPTIONAL);
	else
		filesystem_api_add_host(plan, build, "/dev/shm", true);
}

/* What may be mounted in /sys. A new one has none of it. */
static const char *const filesystem_api_sysfs_mounts[] = {
	"/sys/firmware/efi/efivars", "/sys/fs/bpf",	    "/sys/fs/cgroup",
	"/sys/fs/fuse/connections",  "/sys/fs/pstore",	    "/sys/fs/selinux",
	"/sys/fs/smackfs",	     "/sys/kernel/config",  "/sys/kernel/debug",
	"/sys/kernel/security",	     "/sys/kernel/tracing",
};

/* sysfs shows the network namespace that it was mounted in: systemd.exec(5), PrivateNetwork=. */
bool filesystem_api_wants_sysfs(const struct build *build)
{
	const struct spec *spec = build->spec;

	return build->root == BUILD_ROOT_IN_PLACE && !spec->namespace_paths[SPEC_NAMESPACE_MOUNT] &&
	       (spec->private_network || spec->namespace_paths[SPEC_NAMESPACE_NETWORK]);
}

static void filesystem_api_add_sysfs(struct mountplan *plan, struct build *build)
{
	struct statx status;

	BUILD_ORIGIN(build, private_network);
	filesystem_api_add(plan, build, MOUNTPLAN_SYSFS, "/sys", NULL,
			   FILESYSTEM_API_SAFE | PROGRAM_MOUNT_NO_EXEC | PROGRAM_OPTIONAL |
				   (build->spec->protect_kernel_tunables ? PROGRAM_MOUNT_READ_ONLY : 0));
	for (size_t i = 0; i < ARRAY_SIZE(filesystem_api_sysfs_mounts); i++)
		if (statx(AT_FDCWD, filesystem_api_sysfs_mounts[i], AT_SYMLINK_NOFOLLOW, 0, &status) == 0 &&
		    status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
			filesystem_api_add(plan, build, MOUNTPLAN_KEEP, filesystem_api_sysfs_mounts[i], NULL,
					   PROGRAM_OPTIONAL);
}

/* What can be written to all the same in a container whose root is read-only, or else cannot either. */
static void filesystem_api_add_read_only_tmpfs(struct mountplan *plan, struct build *build)
{
	static const char *const places[] = {"/dev", "/run", "/tmp"};

	BUILD_ORIGIN(build, read_only_tmpfs);
	if (build->spec->read_only_tmpfs) {
		if (!build->spec->private_tmp) /* which has one too */
			filesystem_api_add(plan, build, MOUNTPLAN_TMPFS, "/var/tmp", "mode=1777",
					   FILESYSTEM_API_SAFE | PROGRAM_OPTIONAL);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		filesystem_api_add(plan, build, MOUNTPLAN_READ_ONLY, places[i], NULL, 0);
}

void filesystem_api_collect(struct mountplan *plan, struct build *build,
			    const struct filesystem_api_texts *texts)
{
	const struct spec *spec = build->spec;
	bool container = filesystem_is_container(build->spec),
	     own = container || (spec->mount_api_vfs && build->root != BUILD_ROOT_IN_PLACE);

	if (own)
		BUILD_ORIGIN(build, mount_api_vfs);
	else if (spec->private_pids)
		BUILD_ORIGIN(build, private_pids);
	else if (filesystem_api_wants_proc(spec))
		build_origin(build, offsetof(struct spec, namespace_paths[SPEC_NAMESPACE_PID]), 0);
	else
		BUILD_ORIGIN(build, protect_proc);
	if (own || spec->private_pids || filesystem_api_wants_proc(spec) || *texts->proc)
		filesystem_api_add(plan, build, MOUNTPLAN_PROC, "/proc", texts->proc,
				   FILESYSTEM_API_SAFE | PROGRAM_MOUNT_NO_EXEC);
	if (own) {
		filesystem_api_add(plan, build, MOUNTPLAN_SYSFS, "/sys", NULL,
				   FILESYSTEM_API_SAFE | PROGRAM_MOUNT_NO_EXEC |
					   (container ? PROGRAM_MOUNT_READ_ONLY : 0));
		filesystem_api_add(plan, build, MOUNTPLAN_TMPFS, "/run", texts->run, FILESYSTEM_API_SAFE);
	} else if (filesystem_api_wants_sysfs(build)) {
		filesystem_api_add_sysfs(plan, build);
	}
	if (container && !spec->private_tmp) /* which is another's, too, if the units are tied */
		filesystem_api_add(plan, build, MOUNTPLAN_TMPFS, "/tmp", "mode=1777", FILESYSTEM_API_SAFE);
	if (container && spec->read_only_root)
		filesystem_api_add_read_only_tmpfs(plan, build);
	filesystem_api_add_cgroups(plan, build, texts, own);
	if (container || spec->private_devices) {
		filesystem_api_add_dev(plan, build, texts, container);
		return;
	}
	if (own)
		filesystem_api_add_host(plan, build, "/dev", true);
	if (filesystem_api_wants_mqueue(spec)) {
		BUILD_ORIGIN(build, private_ipc);
		filesystem_api_add(plan, build, MOUNTPLAN_MQUEUE, "/dev/mqueue", NULL,
				   FILESYSTEM_API_SAFE | PROGRAM_MOUNT_NO_EXEC | PROGRAM_OPTIONAL);
	}
}
