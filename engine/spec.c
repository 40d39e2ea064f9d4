/* The lifetime of a spec: every field as an unset directive leaves it, and the release of all it owns. */
#include <string.h>

#include "base/text.h"
#include "engine/spec.h"

const struct spec_filters spec_filters_default;
const struct spec_confinement spec_confinement_default;
const struct spec_rlimit spec_rlimits_default[SPEC_N_RLIMITS];

const struct spec_limits spec_limits_default = {
	.memory_accounting = true,
	.tasks_accounting = true,
	.zswap_writeback = true,
	.managed_oom_duration = USEC_INFINITY,
	.pressure_threshold = 200 * USEC_PER_MSEC,
	.cpu_weight = SPEC_UNSET,
	.startup_cpu_weight = SPEC_UNSET,
	.cpu_quota = SPEC_UNSET,
	.cpu_period = SPEC_UNSET,
	.cpu_burst = SPEC_UNSET,
	.memory_min = SPEC_UNSET,
	.memory_low = SPEC_UNSET,
	.startup_memory_low = SPEC_UNSET,
	.default_memory_min = SPEC_UNSET,
	.default_memory_low = SPEC_UNSET,
	.default_startup_memory_low = SPEC_UNSET,
	.memory_high = SPEC_UNSET,
	.startup_memory_high = SPEC_UNSET,
	.memory_max = SPEC_UNSET,
	.startup_memory_max = SPEC_UNSET,
	.memory_swap_max = SPEC_UNSET,
	.startup_memory_swap_max = SPEC_UNSET,
	.memory_zswap_max = SPEC_UNSET,
	.startup_memory_zswap_max = SPEC_UNSET,
	.io_weight = SPEC_UNSET,
	.startup_io_weight = SPEC_UNSET,
	.tasks_max = SPEC_UNSET,
};

void spec_init(struct spec *spec)
{
	*spec = (struct spec){
		.run_init = true,
		.read_only_tmpfs = true,
		.shm_size = SPEC_UNSET,
		.capability_bounding_set = SPEC_CAP_ALL,
		.restrict_namespaces = SPEC_UNSET,
		.umask = 0022,
		.login_environment = -1,
		.directory_modes = {0755, 0755, 0755, 0755, 0755},
		.ignore_sigpipe = true,
		.cpu_policy = -1,
		.cpu_priority = -1,
		.numa_policy = -1,
		.io_priority = -1,
		.personality = -1,
		.coredump_filter = -1,
		.memory_ksm = -1,
		.standard_input.kind = SPEC_STDIO_NULL,
		.standard_output.kind = SPEC_STDIO_LOG,
		.standard_error.kind = SPEC_STDIO_INHERIT,
	};
}

void spec_mounts_deinit(struct spec_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		free(mounts->items[i].source);
		free(mounts->items[i].target);
		free(mounts->items[i].options);
		if (mounts->items[i].ids) {
			free(mounts->items[i].ids->maps[0].ranges);
			free(mounts->items[i].ids->maps[1].ranges);
		}
		free(mounts->items[i].ids);
	}
	free(mounts->items);
	*mounts = (struct spec_mounts){};
}

struct spec_mount *spec_mounts_append(struct spec_mounts *mounts)
{
	struct spec_mount *items = reallocarray(mounts->items, mounts->n + 1, sizeof(*items));

	if (!items)
		return NULL;
	mounts->items = items;
	items[mounts->n] = (struct spec_mount){};
	return &items[mounts->n++];
}

static void spec_io_limits_deinit(struct spec_io_limits *limits)
{
	for (size_t i = 0; i < limits->n; i++)
		free(limits->items[i].path);
	free(limits->items);
}

static void spec_free_limits(struct spec_limits *limits)
{
	if (!limits)
		return;
	free(limits->delegate_subgroup);
	free(limits->allowed_cpus);
	free(limits->startup_allowed_cpus);
	free(limits->allowed_memory_nodes);
	free(limits->startup_allowed_memory_nodes);
	spec_io_limits_deinit(&limits->io_device_weight);
	spec_io_limits_deinit(&limits->io_read_bandwidth);
	spec_io_limits_deinit(&limits->io_write_bandwidth);
	spec_io_limits_deinit(&limits->io_read_iops);
	spec_io_limits_deinit(&limits->io_write_iops);
	spec_io_limits_deinit(&limits->io_latency_target);
	spec_io_limits_deinit(&limits->hugetlb_max);
	spec_io_limits_deinit(&limits->hugetlb_reserved_max);
	spec_io_limits_deinit(&limits->rdma_handles_max);
	spec_io_limits_deinit(&limits->rdma_objects_max);
	spec_io_limits_deinit(&limits->misc_max);
	free(limits);
}

static void spec_free_confinement(struct spec_confinement *confinement)
{
	if (!confinement)
		return;
	free(confinement->apparmor_profile);
	free(confinement->selinux_context);
	free(confinement->smack_label);
	free(confinement->label_type);
	free(confinement->label_level);
	free(confinement->label_file_type);
	text_list_free(confinement->landlock_read);
	text_list_free(confinement->landlock_write);
	text_list_free(confinement->landlock_execute);
	text_list_free(confinement->landlock_ioctl);
	text_list_free(confinement->landlock_bind_tcp);
	text_list_free(confinement->landlock_connect_tcp);
	free(confinement);
}

static void spec_free_filters(struct spec_filters *filters)
{
	if (!filters)
		return;
	text_list_free(filters->device_allow);
	text_list_free(filters->ip_allow);
	text_list_free(filters->ip_deny);
	text_list_free(filters->ip_ingress);
	text_list_free(filters->ip_egress);
	text_list_free(filters->programs);
	text_list_free(filters->bind_allow);
	text_list_free(filters->bind_deny);
	text_list_free(filters->interfaces);
	text_list_free(filters->nft_sets);
	text_list_free(filters->file_systems);
	free(filters);
}

static void spec_deinit_filesystem(struct spec *spec)
{
	struct spec_mounts *const mounts[] = {
		&spec->volumes,
		&spec->bind_paths,
		&spec->bind_read_only_paths,
		&spec->temporary_file_systems,
		&spec->tmpfs,
		&spec->mounts,
		&spec->devices,
		&spec->mount_images,
		&spec->extension_images,
		&spec->extension_directories,
		&spec->read_only_paths,
		&spec->read_write_paths,
		&spec->inaccessible_paths,
		&spec->exec_paths,
		&spec->no_exec_paths,
	};

	free(spec->root_directory);
	free(spec->root_image);
	free(spec->root_image_options);
	free(spec->root_hash);
	free(spec->root_hash_signature);
	free(spec->root_verity);
	free(spec->root_image_policy);
	free(spec->mount_image_policy);
	free(spec->extension_image_policy);
	text_list_free(spec->image_layers);
	free(spec->upper_directory);
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		spec_mounts_deinit(mounts[i]);
	text_list_free(spec->mask);
	text_list_free(spec->unmask);
	for (size_t i = 0; i < ARRAY_SIZE(spec->directories); i++)
		text_list_free(spec->directories[i]);
	for (size_t i = 0; i < ARRAY_SIZE(spec->credentials); i++)
		text_list_free(spec->credentials[i]);
	text_list_free(spec->secrets);
}

void spec_open_files_deinit(struct spec_open_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->items[i].path);
		free(files->items[i].name);
	}
	free(files->items);
	*files = (struct spec_open_files){};
}

static void spec_deinit_process(struct spec *spec)
{
	free(spec->user);
	free(spec->group);
	text_list_free(spec->supplementary_groups);
	free(spec->working_directory);
	free(spec->timezone);
	text_list_free(spec->environment);
	for (size_t i = 0; i < spec->n_environment_files; i++)
		free(spec->environment_files[i].path);
	free(spec->environment_files);
	text_list_free(spec->pass_environment);
	text_list_free(spec->unset_environment);
	text_list_free(spec->exec_search_path);
	free(spec->utmp_identifier);
	free(spec->cpu_affinity);
	free(spec->numa_mask);
	free(spec->standard_input.path);
	free(spec->standard_output.path);
	free(spec->standard_error.path);
	free(spec->standard_input_data.bytes);
	free(spec->tty_path);
	spec_open_files_deinit(&spec->open_files);
}

void spec_deinit(struct spec *spec)
{
	free(spec->uid_map.ranges);
	free(spec->gid_map.ranges);
	free(spec->hostname);
	free(spec->sub_user);
	free(spec->sub_group);
	for (int i = 0; i < SPEC_NAMESPACE_MAX_; i++)
		free(spec->namespace_paths[i]);
	free(spec->network_unit);
	text_list_free(spec->sysctls);
	spec_deinit_filesystem(spec);
	free(spec->seccomp_profile);
	spec_free_confinement(spec->confinement);
	text_list_free(spec->system_call_filter.names);
	text_list_free(spec->system_call_log.names);
	text_list_free(spec->system_call_architectures);
	text_list_free(spec->restrict_address_families);
	spec_free_limits(spec->limits);
	spec_free_filters(spec->filters);
	free(spec->rlimits);
	spec_deinit_process(spec);
	*spec = (struct spec){};
}
