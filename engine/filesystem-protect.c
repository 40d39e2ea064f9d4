/* Tables of paths: what each word stands for. All are implied and optional: a path that the system has not
 * needs no protection. */
#include <fnmatch.h>
#include <string.h>

#include "engine/filesystem.h"
#include "engine/filesystem-api.h"
#include "engine/filesystem-protect.h"

#define FILESYSTEM_PROTECT_SAFE (PROGRAM_MOUNT_NO_SUID | PROGRAM_MOUNT_NO_DEV)

/* What a container gets to see of the kernel: the paths that Docker and Podman mask, and make read-only, by
 * default. */
static const char *const filesystem_protect_masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/dev/block",
	"/sys/firmware",
	"/sys/fs/selinux",
	"/sys/devices/virtual/powercap",
	NULL,
};
static const char *const filesystem_protect_read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

static const char *const filesystem_protect_system[] = {"/boot", "/efi", "/usr", NULL};
static const char *const filesystem_protect_etc[] = {"/etc", NULL};
static const char *const filesystem_protect_all[] = {"/", NULL};
static const char *const filesystem_protect_api[] = {"/dev", "/proc", "/sys", NULL};
static const char *const filesystem_protect_homes[] = {"/home", "/root", "/run/user", NULL};
static const char *const filesystem_protect_tunables[] = {
	"/proc/acpi",	       "/proc/apm",	      "/proc/asound", "/proc/bus",  "/proc/fs",
	"/proc/irq",	       "/proc/latency_stats", "/proc/mtrr",   "/proc/scsi", "/proc/sys",
	"/proc/sysrq-trigger", "/proc/timer_stats",   NULL,
};
static const char *const filesystem_protect_sysfs[] = {"/sys", NULL};
/* These have controls of their own. */
static const char *const filesystem_protect_not_tunables[] = {"/sys/fs/cgroup", "/sys/fs/selinux", NULL};
static const char *const filesystem_protect_kernel_memory[] = {
	"/proc/kallsyms", "/proc/kcore", "/sys/kernel/debug", "/sys/kernel/tracing", NULL};
static const char *const filesystem_protect_modules[] = {"/lib/modules", "/usr/lib/modules", NULL};
static const char *const filesystem_protect_hostname[] = {"/proc/sys/kernel/domainname",
							  "/proc/sys/kernel/hostname", NULL};
static const char *const filesystem_protect_logs[] = {"/dev/kmsg", "/proc/kmsg", NULL};

bool filesystem_protect_wanted(const struct spec *spec)
{
	return spec->private_tmp || spec->private_devices || spec->protect_system || spec->protect_home ||
	       spec->protect_proc || spec->process_subset_pid || spec->protect_kernel_tunables ||
	       spec->protect_kernel_modules || spec->protect_kernel_logs || spec->protect_hostname;
}

static void filesystem_protect_add(struct mountplan *plan, struct build *build, enum mountplan_kind kind,
				   const char *const *paths)
{
	for (; *paths; paths++) {
		struct mountplan_entry *entry = mountplan_add(plan, build, kind, *paths);

		entry->implied = true;
		entry->flags = PROGRAM_OPTIONAL;
	}
}

/* Paths that nobody may open. What a container's masks hide from it may be read, as nothing. */
static void filesystem_protect_add_inaccessible(struct mountplan *plan, struct build *build,
						const char *const *paths)
{
	size_t before = plan->n;

	filesystem_protect_add(plan, build, MOUNTPLAN_MASK, paths);
	for (size_t i = before; i < plan->n; i++)
		plan->entries[i].flags |= PROGRAM_MASK_NO_ACCESS;
}

static void filesystem_protect_collect_system(struct mountplan *plan, struct build *build)
{
	const struct spec *spec = build->spec;

	BUILD_ORIGIN(build, protect_system);
	if (spec->protect_system == SPEC_PROTECT_SYSTEM_STRICT) {
		filesystem_protect_add(plan, build, MOUNTPLAN_READ_ONLY, filesystem_protect_all);
		filesystem_protect_add(plan, build, MOUNTPLAN_READ_WRITE, filesystem_protect_api);
		return;
	}
	if (spec->protect_system >= SPEC_PROTECT_SYSTEM_YES)
		filesystem_protect_add(plan, build, MOUNTPLAN_READ_ONLY, filesystem_protect_system);
	if (spec->protect_system == SPEC_PROTECT_SYSTEM_FULL)
		filesystem_protect_add(plan, build, MOUNTPLAN_READ_ONLY, filesystem_protect_etc);
}

static void filesystem_protect_collect_home(struct mountplan *plan, struct build *build)
{
	BUILD_ORIGIN(build, protect_home);
	switch (build->spec->protect_home) {
	case SPEC_PROTECT_HOME_YES:
		filesystem_protect_add_inaccessible(plan, build, filesystem_protect_homes);
		break;
	case SPEC_PROTECT_HOME_READ_ONLY:
		filesystem_protect_add(plan, build, MOUNTPLAN_READ_ONLY, filesystem_protect_homes);
		break;
	case SPEC_PROTECT_HOME_TMPFS:
		for (const char *const *path = filesystem_protect_homes; *path; path++) {
			struct mountplan_entry *entry = mountplan_add(plan, build, MOUNTPLAN_TMPFS, *path);

			entry->implied = true;
			entry->options = "mode=0755";
			entry->flags = FILESYSTEM_PROTECT_SAFE | PROGRAM_OPTIONAL;
			mountplan_add(plan, build, MOUNTPLAN_READ_ONLY, *path)->flags = PROGRAM_OPTIONAL;
		}
		break;
	case SPEC_PROTECT_HOME_NO:
	case SPEC_PROTECT_HOME_MAX_:
		break;
	}
}

static void filesystem_protect_collect_kernel(struct mountplan *plan, struct build *build)
{
	const struct spec *spec = build->spec;

	if (spec->protect_kernel_tunables) {
		BUILD_ORIGIN(build, protect_kernel_tunables);
		filesystem_protect_add(plan, build, MOUNTPLAN_READ_ONLY, filesystem_protect_tunables);
		/* A /sys of its own is born read-only, and what is mounted in it stays as it is. */
		if (!filesystem_api_wants_sysfs(build)) {
			filesystem_protect_add(plan, build, MOUNTPLAN_READ_ONLY, filesystem_protect_sysfs);
			filesystem_protect_add(plan, build, MOUNTPLAN_READ_WRITE,
					       filesystem_protect_not_tunables);
		}
		filesystem_protect_add_inaccessible(plan, build, filesystem_protect_kernel_memory);
	}
	if (spec->protect_hostname) {
		BUILD_ORIGIN(build, protect_hostname);
		filesystem_protect_add(plan, build, MOUNTPLAN_READ_ONLY, filesystem_protect_hostname);
	}
	if (spec->protect_kernel_modules) {
		BUILD_ORIGIN(build, protect_kernel_modules);
		filesystem_protect_add_inaccessible(plan, build, filesystem_protect_modules);
	}
	if (spec->protect_kernel_logs) {
		BUILD_ORIGIN(build, protect_kernel_logs);
		filesystem_protect_add_inaccessible(plan, build, filesystem_protect_logs);
	}
}

static void filesystem_protect_collect_tmp(struct mountplan *plan, struct build *build)
{
	static const char *const targets[] = {"/tmp", "/var/tmp"};

	if (!build->spec->private_tmp)
		return;
	BUILD_ORIGIN(build, private_tmp);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		bool shared = build->context->shared_tmp && build->spec->private_tmp == SPEC_PRIVATE_TMP_YES;
		struct mountplan_entry *entry =
			mountplan_add(plan, build, shared ? MOUNTPLAN_BIND : MOUNTPLAN_TMPFS, targets[i]);

		entry->implied = true;
		entry->options = "mode=1777";
		entry->flags = FILESYSTEM_PROTECT_SAFE;
		entry->shared = shared ? (uint8_t)(i + 1) : 0;
	}
}

/* Unmask=: "ALL", or paths of the default list, that stay visible (and writable, where they were read-only).
 */
static bool filesystem_protect_is_unmasked(const struct spec *spec, const char *path)
{
	if (text_list_contains(spec->unmask, "ALL"))
		return true;
	TEXT_LIST_FOREACH (unmasked, spec->unmask)
		if (mountplan_is_below(path, *unmasked) || fnmatch(*unmasked, path, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static void filesystem_protect_collect_container(struct mountplan *plan, struct build *build)
{
	static const struct {
		enum mountplan_kind kind;
		const char *const *paths;
	} defaults[] = {
		{MOUNTPLAN_MASK, filesystem_protect_masked},
		{MOUNTPLAN_READ_ONLY, filesystem_protect_read_only},
	};
	const struct spec *spec = build->spec;

	BUILD_ORIGIN(build, mask);
	for (size_t i = 0; i < ARRAY_SIZE(defaults) && filesystem_is_container(spec); i++)
		for (const char *const *path = defaults[i].paths; *path; path++) {
			const char *const one[] = {*path, NULL};

			if (!filesystem_protect_is_unmasked(spec, *path))
				filesystem_protect_add(plan, build, defaults[i].kind, one);
		}
	for (size_t i = 0; i < text_list_length(spec->mask); i++) {
		BUILD_ORIGIN_ITEM(build, mask, i);
		mountplan_add(plan, build, MOUNTPLAN_MASK, spec->mask[i])->flags = PROGRAM_OPTIONAL;
	}
}

void filesystem_protect_collect(struct mountplan *plan, struct build *build)
{
	filesystem_protect_collect_system(plan, build);
	filesystem_protect_collect_home(plan, build);
	filesystem_protect_collect_kernel(plan, build);
	filesystem_protect_collect_tmp(plan, build);
	filesystem_protect_collect_container(plan, build);
}
