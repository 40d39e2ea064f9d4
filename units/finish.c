/* See finish.h. */
#include <ctype.h>
#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "units/finish.h"

#define CAP_BIT(name) (UINT64_C(1) << CAP_##name)

/* What Podman gives a container by default: enough for a server that starts as root and drops to a user. */
#define FINISH_CONTAINER_CAPABILITIES                                                                 \
	(CAP_BIT(CHOWN) | CAP_BIT(DAC_OVERRIDE) | CAP_BIT(FOWNER) | CAP_BIT(FSETID) | CAP_BIT(KILL) | \
	 CAP_BIT(NET_BIND_SERVICE) | CAP_BIT(SETFCAP) | CAP_BIT(SETGID) | CAP_BIT(SETPCAP) |          \
	 CAP_BIT(SETUID) | CAP_BIT(SYS_CHROOT))

/* A failure at the line that set the field with this key (is_container: the heading of [Container]), or at the unit's
 * file. */
static int finish_fail(const struct unit_config *config, size_t key, struct failure *failure,
		       const char *text)
{
	const struct config_origin heading = {.file = config->container_file, .line = config->container_line},
				   *place = NULL;
	char where[256];

	if (key == offsetof(struct unit_config, is_container) && config->is_container)
		place = &heading;
	for (size_t i = 0; i < config->n_origins; i++)
		if (directive_key(&directive_table[config->origins[i].directive]) == key)
			place = &config->origins[i];
	if (place)
		snprintf(where, sizeof where, "%s:%u", config->files[place->file], place->line);
	else
		snprintf(where, sizeof where, "%s", config->files ? config->files[0] : config->name);
	return failure_set(failure, -EINVAL, where, "%s", text);
}
#define FINISH_FAIL(member, text) finish_fail(config, offsetof(struct unit_config, member), failure, (text))

/* --- [Container]
 * ------------------------------------------------------------------------------------------------- */

/* Entrypoint= and Exec= become ExecStart=. */
static int finish_container_command(struct unit_config *config, struct failure *failure)
{
	struct exec_commands *start = &config->commands[SERVICE_EXEC_START];
	_cleanup_text_list_ char **argv = NULL;
	int r = 0;

	if (!config->container.exec && !config->container.entrypoint)
		return 0;
	if (start->n > 0)
		return FINISH_FAIL(commands[SERVICE_EXEC_START],
				   "ExecStart= and [Container] Exec= or Entrypoint= exclude each other");
	TEXT_LIST_FOREACH (word, config->container.entrypoint)
		if (r >= 0)
			r = text_list_append(&argv, *word);
	TEXT_LIST_FOREACH (word, config->container.exec)
		if (r >= 0)
			r = text_list_append(&argv, *word);
	if (r < 0)
		return r;
	if (argv[0][0] != '/' && (!argv[0][0] || strchr(argv[0], '/')))
		return config->container.entrypoint
			       ? FINISH_FAIL(container.entrypoint,
					     "the command is neither an absolute path nor a plain name")
			       : FINISH_FAIL(container.exec,
					     "the command is neither an absolute path nor a plain name");
	start->items = calloc(1, sizeof *start->items);
	if (!start->items)
		return -ENOMEM;
	start->n = 1;
	start->items[0].path = strdup(argv[0]);
	start->items[0].argv = TAKE(argv);
	return start->items[0].path ? 0 : -ENOMEM;
}

static void finish_container_capabilities(struct unit_config *config)
{
	struct spec *spec = &config->spec;
	uint64_t add = config->container.add_capabilities;

	if (!ASSIGN_WAS_SET(config, spec.capability_bounding_set))
		spec->capability_bounding_set = FINISH_CONTAINER_CAPABILITIES;
	spec->capability_bounding_set &= ~config->container.drop_capabilities;
	spec->capability_bounding_set |= add;
	/* Without this, what was added would be lost at the change of user. */
	if (spec->user && strcmp(spec->user, "root") != 0 && strcmp(spec->user, "0") != 0 &&
	    add != SPEC_CAP_ALL)
		spec->ambient_capabilities |= add;
}

/* The id maps of Podman: one given stands for both. */
static int finish_container_ids(struct unit_config *config, struct failure *failure)
{
	struct spec *spec = &config->spec;
	bool maps = ASSIGN_WAS_SET(config, spec.uid_map) || ASSIGN_WAS_SET(config, spec.gid_map);
	struct spec_id_map *given = spec->uid_map.n_ranges ? &spec->uid_map : &spec->gid_map;
	struct spec_id_map *missing = spec->uid_map.n_ranges ? &spec->gid_map : &spec->uid_map;

	if (ASSIGN_WAS_SET(config, spec.user_namespace) && (maps || spec->sub_user || spec->sub_group))
		return FINISH_FAIL(
			spec.user_namespace,
			"UIDMap=, GIDMap=, SubUIDMap= and SubGIDMap= exclude UserNS= and PrivateUsers=");
	if (maps && (spec->sub_user || spec->sub_group))
		return FINISH_FAIL(spec.uid_map, "UIDMap= and GIDMap= exclude SubUIDMap= and SubGIDMap=");
	if (spec->sub_user || spec->sub_group)
		spec->user_namespace = SPEC_USER_SUB;
	if (!maps)
		return 0;
	spec->user_namespace = SPEC_USER_MAP;
	if (missing->n_ranges > 0)
		return 0;
	missing->ranges = calloc(given->n_ranges, sizeof *missing->ranges);
	if (!missing->ranges)
		return -ENOMEM;
	memcpy(missing->ranges, given->ranges, given->n_ranges * sizeof *missing->ranges);
	missing->n_ranges = given->n_ranges;
	return 0;
}

/* podman-run(1), --userns: with keep-id the container runs as the id that is kept, unless told otherwise. */
static int finish_container_kept(struct unit_config *config)
{
	struct spec *spec = &config->spec;

	if (spec->user_namespace != SPEC_USER_KEEP_ID || spec->user || spec->dynamic_user ||
	    (!spec->keep_uid && !spec->keep_gid))
		return 0;
	spec->user = text_format("%u", spec->keep_uid);
	if (!spec->group)
		spec->group = text_format("%u", spec->keep_gid);
	return spec->user && spec->group ? 0 : -ENOMEM;
}

/* The unit whose network is used must be there first: Quadlet's Network=NAME.container. */
static int finish_container_network(struct unit_config *config, struct failure *failure)
{
	static const enum unit_dependency kinds[] = {UNIT_REQUIRES, UNIT_AFTER};
	const char *unit = config->spec.network_unit;

	if (!unit)
		return 0;
	if (strcmp(unit, config->name) == 0)
		return FINISH_FAIL(spec.private_network, "the container cannot join its own network");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!text_list_contains(config->dependencies[kinds[i]], unit) &&
		    text_list_append(&config->dependencies[kinds[i]], unit) < 0)
			return -ENOMEM;
	return 0;
}

/* The unit's name without suffix, with what no host name may hold turned to dashes. */
static int finish_container_hostname(struct unit_config *config)
{
	char *name;

	if (config->spec.hostname)
		return 0;
	name = strndup(config->name, MIN_OF((size_t)(strrchr(config->name, '.') - config->name), (size_t)63));
	if (!name)
		return -ENOMEM;
	for (char *c = name; *c; c++)
		if (strchr("@:\\_", *c))
			*c = '-';
	config->spec.hostname = name;
	return 0;
}

#define FINISH_DEFAULT(member, value)                \
	do {                                         \
		if (!ASSIGN_WAS_SET(config, member)) \
			config->member = (value);    \
	} while (0)

/* SecurityLabelNested=: what runs in the container finds SELinux's own file system. */
static int finish_container_labels(struct unit_config *config, struct failure *failure)
{
	static const char path[] = "/sys/fs/selinux";
	const struct spec_confinement *labels = spec_confinement(&config->spec);
	struct spec *spec = &config->spec;
	struct spec_mount *mount;

	if (labels->label_disable && (labels->label_type || labels->label_level || labels->label_file_type))
		return finish_fail(
			config,
			offsetof(struct unit_config, spec) +
				SPEC_CONFINEMENT_ORIGIN(offsetof(struct spec_confinement, label_disable)),
			failure, "SecurityLabelDisable=yes excludes the other SecurityLabel keys");
	if (!labels->label_nested)
		return 0;
	mount = spec_mounts_append(&spec->volumes);
	if (!mount)
		return -ENOMEM;
	mount->kind = SPEC_MOUNT_BIND;
	mount->recursive = true;
	mount->source = strdup(path);
	mount->target = strdup(path);
	return mount->source && mount->target ? 0 : -ENOMEM;
}

/* LogDriver= and LogOpt= say what [Service] StandardOutput= and StandardError= would. */
static int finish_container_log(struct unit_config *config, struct failure *failure)
{
	const struct unit_log *log = unit_config_log(config);
	struct spec *spec = &config->spec;

	if (log->path && log->driver != UNIT_LOG_FILE)
		return finish_fail(config, (uint32_t)offsetof(struct unit_config, log) | 1u << 16, failure,
				   "LogOpt=path= is only of use with LogDriver=k8s-file");
	if (!log->path && log->driver != UNIT_LOG_NONE)
		return 0;
	if (ASSIGN_WAS_SET(config, spec.standard_output) || ASSIGN_WAS_SET(config, spec.standard_error))
		return FINISH_FAIL(
			spec.standard_output,
			"StandardOutput= and StandardError= exclude LogDriver=none and LogOpt=path=");
	spec->standard_output.kind = log->path ? SPEC_STDIO_APPEND : SPEC_STDIO_NULL;
	return log->path ? text_set(&spec->standard_output.path, log->path) : 0;
}

static int finish_container(struct unit_config *config, struct failure *failure)
{
	int r = finish_container_log(config, failure);

	if (r < 0)
		return r;

	FINISH_DEFAULT(spec.private_mounts, true);
	FINISH_DEFAULT(spec.private_pids, true);
	FINISH_DEFAULT(spec.private_ipc, true);
	FINISH_DEFAULT(spec.private_hostname, true);
	FINISH_DEFAULT(spec.private_network, true);
	if (config->container.cgroups_mode == CGROUPS_MODE_DISABLED && config->spec.limits)
		return FINISH_FAIL(container.cgroups_mode,
				   "CgroupsMode=disabled excludes limits on memory, CPU and the like");
	FINISH_DEFAULT(spec.control_groups, config->container.cgroups_mode == CGROUPS_MODE_DISABLED
						    ? SPEC_CONTROL_GROUPS_HOST
						    : SPEC_CONTROL_GROUPS_PRIVATE);
	FINISH_DEFAULT(spec.mount_api_vfs, true);
	FINISH_DEFAULT(spec.bind_log_sockets, false);
	config->spec.container_mounts = true;
	FINISH_DEFAULT(spec.shm_size, UINT64_C(64) << 20); /* podman-run(1), --shm-size */
	if (!ASSIGN_WAS_SET(config, spec.seccomp_profile))
		config->spec.seccomp_default = SPEC_SECCOMP_CONTAINER;
	config->spec.device_policy_implied = !ASSIGN_WAS_SET(config, spec.device_policy);
	FINISH_DEFAULT(spec.device_policy, SPEC_DEVICE_CLOSED);
	FINISH_DEFAULT(type, config->container.notify ? SERVICE_NOTIFY : SERVICE_EXEC);
	if (config->spec.upper_directory)
		FINISH_DEFAULT(spec.upper, SPEC_UPPER_PERSISTENT);
	if (config->container.notify && config->type != SERVICE_NOTIFY &&
	    config->type != SERVICE_NOTIFY_RELOAD)
		return FINISH_FAIL(type, "[Container] Notify=yes needs Type=notify");
	if (config->spec.upper_directory && config->spec.upper != SPEC_UPPER_PERSISTENT)
		return FINISH_FAIL(spec.upper, "UpperDirectory= is only of use with Upper=persistent");
	if (!config->spec.image_layers && !config->spec.root_directory && !config->spec.root_image)
		return FINISH_FAIL(is_container, "the [Container] section needs Image=");
	if (config->spec.image_layers && config->spec.root_directory)
		return FINISH_FAIL(spec.root_directory, "Image= and RootDirectory= exclude each other");
	r = finish_container_network(config, failure);
	if (r == 0)
		r = finish_container_kept(config);
	if (r < 0)
		return r;
	finish_container_capabilities(config);
	r = finish_container_command(config, failure);
	if (r >= 0)
		r = finish_container_ids(config, failure);
	if (r >= 0)
		r = finish_container_labels(config, failure);
	return r < 0 ? r : finish_container_hostname(config);
}

/* --- defaults that depend on others
 * ------------------------------------------------------------------------------ */

/* A root of its own has the API file systems, and the logger, unless told otherwise (systemd.exec(5)). */
static void finish_root_defaults(struct unit_config *config)
{
	struct spec *spec = &config->spec;
	bool own = spec->root_image || (spec->root_directory && strcmp(spec->root_directory, "/") != 0);

	if (config->is_container)
		return;
	/* For a /sys of that network. */
	if ((spec->private_network || spec->namespace_paths[SPEC_NAMESPACE_NETWORK]) &&
	    !spec->namespace_paths[SPEC_NAMESPACE_MOUNT])
		FINISH_DEFAULT(spec.private_mounts, true);
	FINISH_DEFAULT(spec.mount_api_vfs, own);
	FINISH_DEFAULT(spec.bind_log_sockets, spec->mount_api_vfs || (own && spec->private_devices));
}

/* A terminal or a socket is written to as it is read from, unless the user says otherwise; any other input is
 * nothing to write to, and "inherit" is then what the default is. */
static void finish_streams(struct unit_config *config)
{
	struct spec *spec = &config->spec;

	if (spec->standard_input.kind == SPEC_STDIO_NULL && spec->standard_input_data.size > 0)
		spec->standard_input.kind = SPEC_STDIO_DATA;
	if (!spec_stream_is_both_ways(&spec->standard_input)) {
		if (spec->standard_output.kind == SPEC_STDIO_INHERIT)
			spec->standard_output.kind = SPEC_STDIO_LOG;
	} else if (!ASSIGN_WAS_SET(config, spec.standard_output))
		spec->standard_output.kind = SPEC_STDIO_INHERIT;
}

static void finish_service_defaults(struct unit_config *config)
{
	finish_root_defaults(config);
	finish_streams(config);
	config->timeout_start_set = ASSIGN_WAS_SET(config, timeout_start);
	config->notify_access_set = ASSIGN_WAS_SET(config, notify_access);
	config->spec.nice_set = ASSIGN_WAS_SET(config, spec.nice);
	config->spec.oom_score_adjust_set = ASSIGN_WAS_SET(config, spec.oom_score_adjust);
	config->spec.timer_slack_set = ASSIGN_WAS_SET(config, spec.timer_slack_nsec);

	/* Without ExecStart= there is only what the other commands do. */
	if (!ASSIGN_WAS_SET(config, type) && config->commands[SERVICE_EXEC_START].n == 0)
		config->type = SERVICE_ONESHOT;
	if (config->type == SERVICE_ONESHOT && !config->timeout_start_set)
		config->timeout_start = USEC_INFINITY;
	FINISH_DEFAULT(timeout_abort, config->timeout_stop);
	if (config->restart_kill_signal == 0)
		config->restart_kill_signal = config->kill_signal;
	/* These types wait for messages, and so does the watchdog. */
	if (config->notify_access == SERVICE_NOTIFY_NONE &&
	    (config->type == SERVICE_NOTIFY || config->type == SERVICE_NOTIFY_RELOAD || config->watchdog > 0))
		config->notify_access = SERVICE_NOTIFY_MAIN;
}

/* DefaultDependencies=: units are down before the shutdown target is up. systemd adds After=basic.target and
 * Requires=sysinit.target too; here nothing waits for a machine to be set up, for in a container there is
 * none, and on a machine those who need it say so. */
static int finish_default_dependencies(struct unit_config *config)
{
	static const char shutdown[] = "shutdown.target";
	static const enum unit_dependency kinds[] = {UNIT_CONFLICTS, UNIT_BEFORE};

	/* A slice goes when nothing is left in it. */
	if (config->kind == UNIT_SLICE || !config->default_dependencies ||
	    strcmp(config->name, shutdown) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!text_list_contains(config->dependencies[kinds[i]], shutdown) &&
		    text_list_append(&config->dependencies[kinds[i]], shutdown) < 0)
			return -ENOMEM;
	return 0;
}

/* --- does it make sense?
 * ------------------------------------------------------------------------------------------- */

static int finish_check_commands(const struct unit_config *config, struct failure *failure)
{
	size_t n = config->commands[SERVICE_EXEC_START].n;

	if (n == 0 && config->commands[SERVICE_EXEC_STOP].n == 0 && !config->is_container)
		return FINISH_FAIL(is_container, "the service has neither ExecStart= nor ExecStop=");
	if (n == 0 && config->is_container)
		return FINISH_FAIL(is_container, "the [Container] section needs Exec= or Entrypoint=");
	if (n == 0 && config->type != SERVICE_ONESHOT)
		return FINISH_FAIL(type, "only a service with Type=oneshot can do without ExecStart=");
	if (n == 0 && !config->remain_after_exit)
		return FINISH_FAIL(remain_after_exit,
				   "a service without ExecStart= needs RemainAfterExit=yes");
	if (n > 1 && config->type != SERVICE_ONESHOT)
		return FINISH_FAIL(commands[SERVICE_EXEC_START],
				   "only a service with Type=oneshot can have several ExecStart= commands");
	return 0;
}

#define FINISH_FAIL_LIMIT(field, text) \
	finish_fail(config, offsetof(struct unit_config, spec) + SPEC_LIMITS_ORIGIN(field), failure, (text))

static int finish_check_limits(struct unit_config *config, struct failure *failure)
{
	const struct spec_limits *limits = spec_limits(&config->spec);

	if (limits->delegate && limits->oom_policy == SPEC_OOM_DEFAULT)
		config->spec.limits->oom_policy = SPEC_OOM_CONTINUE;
	if (limits->memory_min < SPEC_LIMIT_MAX && limits->memory_max < SPEC_LIMIT_MAX &&
	    limits->memory_min > limits->memory_max)
		return FINISH_FAIL_LIMIT(memory_min, "MemoryMin= is more than MemoryMax=");
	if (limits->cpu_burst != SPEC_UNSET && limits->cpu_quota >= SPEC_LIMIT_MAX)
		return FINISH_FAIL_LIMIT(cpu_burst, "CPUQuotaBurstSec= is of no use without CPUQuota=");
	if (limits->delegate_subgroup && !limits->delegate)
		return FINISH_FAIL_LIMIT(delegate_subgroup, "DelegateSubgroup= needs Delegate=");
	return 0;
}

static int finish_check_service(const struct unit_config *config, struct failure *failure)
{
	const struct spec *spec = &config->spec;
	bool realtime;
	int r = finish_check_commands(config, failure);

	if (r < 0)
		return r;
	if (config->type == SERVICE_ONESHOT &&
	    (config->restart == SERVICE_RESTART_ALWAYS || config->restart == SERVICE_RESTART_ON_SUCCESS))
		return FINISH_FAIL(
			restart,
			"Type=oneshot cannot have Restart=always or on-success: its good end is its aim");
	realtime = spec->cpu_policy == SCHED_FIFO || spec->cpu_policy == SCHED_RR;
	if (spec->cpu_priority >= 0 && (spec->cpu_priority > 0) != realtime)
		return FINISH_FAIL(
			spec.cpu_priority,
			"CPUSchedulingPriority= is 1 to 99 with CPUSchedulingPolicy=fifo or rr, and 0 else");
	if (spec->numa_policy > MPOL_DEFAULT && spec->numa_policy != MPOL_LOCAL &&
	    spec->numa_policy != MPOL_PREFERRED && !spec->numa_mask)
		return FINISH_FAIL(spec.numa_policy, "this NUMAPolicy= needs NUMAMask=");
	if (config->type == SERVICE_FORKING &&
	    (spec->private_pids || spec->namespace_paths[SPEC_NAMESPACE_PID]))
		return FINISH_FAIL(
			type,
			"Type=forking needs PrivatePIDs=no: which process stays behind cannot be told from outside");
	if (config->restart_delay_max != USEC_INFINITY && config->restart_delay_max < config->restart_delay)
		return FINISH_FAIL(restart_delay_max, "RestartMaxDelaySec= is less than RestartSec=");
	return 0;
}

/* A unit that needs, orders or excludes itself could never start; systemd drops such a line, we say so. */
static int finish_check_dependencies(const struct unit_config *config, struct failure *failure)
{
	for (int i = 0; i < UNIT_DEPENDENCY_MAX_; i++)
		if (i != UNIT_ON_FAILURE && i != UNIT_ON_SUCCESS && i != UNIT_UPHOLDS &&
		    text_list_contains(config->dependencies[i], config->name)) {
			char text[128];

			snprintf(text, sizeof text, "%s= names the unit itself", unit_dependency_names[i]);
			return finish_fail(config, offsetof(struct unit_config, dependencies[i]), failure,
					   text);
		}
	return 0;
}

/* A name that a user can have, made of the unit's; of a digest of it when it cannot be used. */
static char *finish_user_name(const char *unit)
{
	_cleanup_free_ char *name = strndup(unit, strcspn(unit, "@"));
	uint64_t hash = UINT64_C(14695981039346656037);

	if (!name)
		return NULL;
	if (name[strlen(name) - 1] != '\0' && strlen(name) == strlen(unit))
		*strrchr(name, '.') = '\0';
	if (value_user_valid(name) && !isdigit((unsigned char)*name) && !strchr(name, '.'))
		return TAKE(name);
	for (const char *c = unit; *c; c++)
		hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
	return text_format("_du%016llx", (unsigned long long)hash);
}

/* What systemd.exec(5) says that DynamicUser= implies: nothing of the service may be left that a later owner of the id could take up. */
static int finish_dynamic_user(struct unit_config *config, struct failure *failure)
{
	struct spec *spec = &config->spec;

	if (!spec->dynamic_user)
		return 0;
	if (!spec->user && !(spec->user = finish_user_name(config->name)))
		return -ENOMEM;
	if (isdigit((unsigned char)*spec->user))
		return FINISH_FAIL(spec.user, "a dynamic user needs a name, not a number");
	if (spec->private_tmp == SPEC_PRIVATE_TMP_NO)
		spec->private_tmp = SPEC_PRIVATE_TMP_DISCONNECTED;
	spec->protect_system = SPEC_PROTECT_SYSTEM_STRICT;
	if (spec->protect_home == SPEC_PROTECT_HOME_NO)
		spec->protect_home = SPEC_PROTECT_HOME_READ_ONLY;
	spec->no_new_privileges = true;
	spec->restrict_suid_sgid = true;
	config->remove_ipc = true;
	return 0;
}

int finish_config(struct unit_config *config, struct failure *failure)
{
	int r = 0;

	if (config->is_container)
		r = finish_container(config, failure);
	if (r >= 0)
		r = finish_check_dependencies(config, failure);
	if (r >= 0)
		r = finish_dynamic_user(config, failure);
	if (r >= 0 && config->kind == UNIT_SERVICE) {
		finish_service_defaults(config);
		r = finish_check_service(config, failure);
	}
	if (r >= 0)
		r = finish_check_limits(config, failure);
	return r < 0 ? r : finish_default_dependencies(config);
}
