/* THE table. See directive.h; a new directive is one row here, a behavioural test, and whatever applies the
 * field.
 *
 * A row says: section, name, kind, who applies it, the field, then by name what is not zero. Fields of the
 * spec get their defaults from spec_init(); `default_text` is for the others. Docs, printing and D-Bus follow
 * from the row. */
#include "units/special.h"

/* clang-format off */

#define AT(member)   offsetof(struct unit_config, member)
#define SPEC(member) offsetof(struct unit_config, spec.member)
#define NAMESPACE(kind) SPEC(namespace_paths[SPEC_NAMESPACE_##kind])
#define LOG_AT(member)   offsetof(struct unit_log, member), .group = &directive_group_log
#define CONFINEMENT_AT(member) offsetof(struct spec_confinement, member), .group = &directive_group_confinement
#define FILTER_AT(member) offsetof(struct spec_filters, member), .group = &directive_group_filters
#define LIMIT_AT(member) offsetof(struct spec_limits, member), .group = &directive_group_limits
#define SPECIAL(name) .parse = special_parse_##name, .print = special_print_##name

#define MANAGER APPLIES_MANAGER
#define ENGINE  APPLIES_ENGINE
#define CGROUP  APPLIES_CGROUP
#define INSTALL APPLIES_INSTALL

static const char *const type_names[] = {"simple", "exec", "forking", "oneshot", "notify", "notify-reload", "idle", NULL};
static const char *const restart_names[] = {"no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always", NULL};
static const char *const notify_access_names[] = {"none", "main", "exec", "all", NULL};
static const char *const kill_mode_names[] = {"control-group", "mixed", "process", "none", NULL};
static const char *const private_users_names[] = {"no", "self", "identity", "-auto", "-map", "full", "-keep-id", "-nomap", "-sub", NULL};
static const char *const control_groups_names[] = {"no", "yes", "private", "strict", NULL};
static const char *const upper_names[] = {"ephemeral", "persistent", "none", NULL};
static const char *const protect_system_names[] = {"no", "yes", "full", "strict", NULL};
static const char *const protect_home_names[] = {"no", "yes", "read-only", "tmpfs", NULL};
static const char *const protect_proc_names[] = {"default", "noaccess", "invisible", "ptraceable", NULL};
static const char *const device_policy_names[] = {"auto", "closed", "strict", NULL};
static_assert(ARRAY_SIZE(device_policy_names) == SPEC_DEVICE_POLICY_MAX_ + 1, "a name for each");
static const char *const cpu_partition_names[] = {"member", "root", "isolated", NULL};
static const char *const oom_policy_names[] = {"-stop", "continue", "stop", "kill", NULL};
static const char *const cgroups_mode_names[] = {"enabled", "disabled", "no-conmon", "split", NULL};
static_assert(ARRAY_SIZE(cgroups_mode_names) == CGROUPS_MODE_MAX_ + 1, "a name for each");
static const char *const pressure_watch_names[] = {"auto", "off", "on", "skip", NULL};
static_assert(ARRAY_SIZE(pressure_watch_names) == SPEC_PRESSURE_WATCH_MAX_ + 1, "a name for each");
static const char *const managed_oom_swap_names[] = {"auto", NULL};
static const char *const managed_oom_names[] = {"auto", "kill", NULL};
static const char *const oom_preference_names[] = {"none", "avoid", "omit", NULL};
static_assert(ARRAY_SIZE(cpu_partition_names) == SPEC_CPU_PARTITION_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(oom_policy_names) == SPEC_OOM_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(managed_oom_names) == SPEC_MANAGED_OOM_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(oom_preference_names) == SPEC_OOM_PREFERENCE_MAX_ + 1, "a name for each");
static const char *const preserve_names[] = {"no", "yes", "restart", NULL};
static_assert(ARRAY_SIZE(preserve_names) == SPEC_PRESERVE_MAX_ + 1, "a name for each");
static const char *const utmp_names[] = {"init", "login", "user", NULL};
static_assert(ARRAY_SIZE(utmp_names) == SPEC_UTMP_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(type_names) == SERVICE_TYPE_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(restart_names) == SERVICE_RESTART_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(notify_access_names) == SERVICE_NOTIFY_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(kill_mode_names) == KILL_MODE_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(private_users_names) == SPEC_USER_NAMESPACE_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(control_groups_names) == SPEC_CONTROL_GROUPS_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(upper_names) == SPEC_UPPER_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(protect_system_names) == SPEC_PROTECT_SYSTEM_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(protect_home_names) == SPEC_PROTECT_HOME_MAX_ + 1, "a name for each");
static_assert(ARRAY_SIZE(protect_proc_names) == SPEC_PROTECT_PROC_MAX_ + 1, "a name for each");

#define CONDITION(name, text) \
	{"Unit", "Condition" name, VALUE_CONDITION, MANAGER, 0, .property = "-", \
	 .summary = "The unit is skipped unless the path " text "; '!' before the path negates, '|' makes it one of several of which one must hold."}, \
	{"Unit", "Assert" name, VALUE_CONDITION, MANAGER, 0, .argument = VALUE_CONDITION_ASSERT, .property = "-", \
	 .summary = "The unit fails to start unless the path " text "; prefixes as with Condition" name "=."}

#define LIMIT(name, text) \
	{"Service", "Limit" #name, VALUE_RLIMIT, ENGINE, sizeof(struct spec_rlimit) * RLIMIT_##name, .group = &directive_group_rlimits, \
	 .argument = RLIMIT_##name, .summary = "Resource limit, SOFT or SOFT:HARD or infinity: " text "."}

#define REFUSED(section, name, harmless, why) {section, name, VALUE_REFUSED, APPLIES_NEVER, 0, .names = harmless, .summary = why}

const struct directive directive_table[] = {
	/* --- [Unit] --- */
	{"Unit", "Description", VALUE_TEXT, APPLIES_NOTHING, AT(description), .summary = "What the unit is, in a few words."},
	{"Unit", "Documentation", VALUE_TEXT_LIST, APPLIES_NOTHING, AT(documentation), .summary = "Addresses of documentation."},
	{"Unit", "Requires", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_REQUIRES]), .summary = "Units started with this one; if one fails to start or is stopped, this one is stopped."},
	{"Unit", "Requisite", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_REQUISITE]), .summary = "Units that must be active already, or this one fails to start."},
	{"Unit", "Wants", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_WANTS]), .summary = "Units started with this one, whatever becomes of them."},
	{"Unit", "BindsTo", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_BINDS_TO]), .summary = "As Requires=, and this unit stops whenever one of them ends for any reason."},
	{"Unit", "PartOf", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_PART_OF]), .summary = "Units with which this one is stopped and restarted."},
	{"Unit", "Upholds", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_UPHOLDS]), .summary = "Units that are started again whenever they are found down while this one is up."},
	{"Unit", "Conflicts", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_CONFLICTS]), .summary = "Units that cannot run together with this one: starting either stops the other."},
	{"Unit", "Before", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_BEFORE]), .summary = "Units that start only once this one has started, and stop before it."},
	{"Unit", "After", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_AFTER]), .summary = "Units that must have started before this one does, and stop after it."},
	{"Unit", "OnFailure", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_ON_FAILURE]), .summary = "Units started when this one fails."},
	{"Unit", "OnSuccess", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_ON_SUCCESS]), .summary = "Units started when this one ends well."},
	{"Unit", "PropagatesReloadTo", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_PROPAGATES_RELOAD_TO]), .summary = "Units reloaded with this one."},
	{"Unit", "PropagatesStopTo", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_PROPAGATES_STOP_TO]), .summary = "Units stopped with this one."},
	{"Unit", "JoinsNamespaceOf", VALUE_UNIT_LIST, MANAGER, AT(dependencies[UNIT_JOINS_NAMESPACE_OF]), .summary = "Units that share with this one, and it with them, what both have of their own: PrivateNetwork=, PrivateIPC=, PrivateTmp=."},
	{"Unit", "DefaultDependencies", VALUE_BOOL, MANAGER, AT(default_dependencies), .default_text = "yes", .summary = "Stops the unit at shutdown: Conflicts= and Before= shutdown.target."},
	{"Unit", "StopWhenUnneeded", VALUE_BOOL, MANAGER, AT(stop_when_unneeded), .default_text = "no", .summary = "Stops the unit when no active unit needs it."},
	{"Unit", "RefuseManualStart", VALUE_BOOL, MANAGER, AT(refuse_manual_start), .default_text = "no", .summary = "The unit starts only as a dependency."},
	{"Unit", "RefuseManualStop", VALUE_BOOL, MANAGER, AT(refuse_manual_stop), .default_text = "no", .summary = "The unit stops only as a dependency."},
	{"Unit", "AllowIsolate", VALUE_BOOL, MANAGER, AT(allow_isolate), .default_text = "no", .summary = "The unit may be the target of isolate."},
	{"Unit", "StartLimitIntervalSec", VALUE_USEC, MANAGER, AT(start_limit_interval), .default_text = "10s", .property = "StartLimitIntervalUSec", .summary = "The time in which StartLimitBurst= starts are allowed; 0 lifts the limit."},
	{"Unit", "StartLimitBurst", VALUE_UNSIGNED, MANAGER, AT(start_limit_burst), .default_text = "5", .summary = "Starts allowed within StartLimitIntervalSec=; one more and the unit fails."},
	{"Unit", "JobTimeoutSec", VALUE_USEC, MANAGER, AT(job_timeout), .default_text = "infinity", .argument = VALUE_USEC_ZERO_IS_INFINITY, .property = "JobTimeoutUSec", .summary = "How long a job of the unit may take before it is given up."},
	CONDITION("PathExists", "exists"),
	CONDITION("PathExistsGlob", "pattern matches something"),
	CONDITION("PathIsDirectory", "is a directory"),
	CONDITION("PathIsSymbolicLink", "is a symbolic link"),
	CONDITION("PathIsReadWrite", "is on a file system mounted read-write"),
	CONDITION("DirectoryNotEmpty", "is a directory with something in it"),
	CONDITION("FileNotEmpty", "is a regular file that is not empty"),
	CONDITION("FileIsExecutable", "is a regular file marked executable"),

	/* --- [Install] --- */
	{"Install", "WantedBy", VALUE_UNIT_LIST, INSTALL, AT(wanted_by), .property = "-", .summary = "Units that get a Wants= on this one when it is enabled."},
	{"Install", "RequiredBy", VALUE_UNIT_LIST, INSTALL, AT(required_by), .property = "-", .summary = "Units that get a Requires= on this one when it is enabled."},
	{"Install", "Also", VALUE_UNIT_LIST, INSTALL, AT(also), .property = "-", .summary = "Units enabled and disabled with this one."},
	{"Install", "Alias", VALUE_UNIT_LIST, INSTALL, AT(alias), .property = "-", .summary = "Other names the unit gets when it is enabled."},
	{"Install", "DefaultInstance", VALUE_TEXT, INSTALL, AT(default_instance), .property = "-", .summary = "The instance that is enabled when a template is enabled without one."},

	/* --- [Service]: what runs --- */
	{"Service", "Type", VALUE_ENUM, MANAGER, AT(type), .names = type_names, .default_text = "simple", .summary = "When the service counts as started: when there is a process (simple, idle), when it runs the command (exec), when it has forked, ended or said so; oneshot when there is no ExecStart=."},
	{"Service", "ExecCondition", VALUE_COMMANDS, MANAGER, AT(commands[SERVICE_EXEC_CONDITION]), .summary = "Commands run first: exit status 1 to 254 skips the service, without failing it."},
	{"Service", "ExecStartPre", VALUE_COMMANDS, MANAGER, AT(commands[SERVICE_EXEC_START_PRE]), .summary = "Commands run before ExecStart=, one after the other."},
	{"Service", "ExecStart", VALUE_COMMANDS, MANAGER, AT(commands[SERVICE_EXEC_START]), .summary = "The service's command line; several only with Type=oneshot."},
	{"Service", "ExecStartPost", VALUE_COMMANDS, MANAGER, AT(commands[SERVICE_EXEC_START_POST]), .summary = "Commands run once the service has started."},
	{"Service", "ExecReload", VALUE_COMMANDS, MANAGER, AT(commands[SERVICE_EXEC_RELOAD]), .summary = "Commands that make the service read its configuration again."},
	{"Service", "ExecStop", VALUE_COMMANDS, MANAGER, AT(commands[SERVICE_EXEC_STOP]), .summary = "Commands that stop the service, before it gets signals."},
	{"Service", "ExecStopPost", VALUE_COMMANDS, MANAGER, AT(commands[SERVICE_EXEC_STOP_POST]), .summary = "Commands run after the service has ended, however it did."},
	{"Service", "RemainAfterExit", VALUE_BOOL, MANAGER, AT(remain_after_exit), .default_text = "no", .summary = "The service stays active after its process has ended well."},
	{"Service", "GuessMainPID", VALUE_BOOL, MANAGER, AT(guess_main_pid), .default_text = "yes", .summary = "With Type=forking and no PIDFile=, the only process left is taken for the main one."},
	{"Service", "PIDFile", VALUE_PATH, MANAGER, AT(pid_file), .summary = "File, by its absolute path, in which a forking service writes its main process's id."},
	{"Service", "NotifyAccess", VALUE_ENUM, MANAGER, AT(notify_access), .names = notify_access_names, .default_text = "none", .summary = "Whose sd_notify(3) messages count; main where Type= needs them."},

	/* --- [Service]: when it ends --- */
	{"Service", "Restart", VALUE_ENUM, MANAGER, AT(restart), .names = restart_names, .default_text = "no", .summary = "After which end the service is started again."},
	{"Service", "RestartSec", VALUE_USEC, MANAGER, AT(restart_delay), .default_text = "100ms", .property = "RestartUSec", .summary = "How long to wait before an automatic restart."},
	{"Service", "RestartMaxDelaySec", VALUE_USEC, MANAGER, AT(restart_delay_max), .default_text = "infinity", .property = "RestartMaxDelayUSec", .summary = "The longest wait before a restart, reached after RestartSteps= restarts."},
	{"Service", "RestartSteps", VALUE_UNSIGNED, MANAGER, AT(restart_steps), .default_text = "0", .summary = "In how many steps the wait grows from RestartSec= to RestartMaxDelaySec=."},
	{"Service", "TimeoutStartSec", VALUE_USEC, MANAGER, AT(timeout_start), .default_text = "90s", .argument = VALUE_USEC_ZERO_IS_INFINITY, .property = "TimeoutStartUSec", .summary = "How long starting may take; infinity for Type=oneshot."},
	{"Service", "TimeoutStopSec", VALUE_USEC, MANAGER, AT(timeout_stop), .default_text = "90s", .argument = VALUE_USEC_ZERO_IS_INFINITY, .property = "TimeoutStopUSec", .summary = "How long each step of stopping may take before SIGKILL."},
	{"Service", "TimeoutAbortSec", VALUE_USEC, MANAGER, AT(timeout_abort), .default_text = "90s", .argument = VALUE_USEC_ZERO_IS_INFINITY, .property = "TimeoutAbortUSec", .summary = "How long a service may take to dump core after a watchdog timeout; TimeoutStopSec= if unset."},
	{"Service", "TimeoutSec", VALUE_SPECIAL, MANAGER, AT(timeout_start), SPECIAL(timeouts), .property = "-", .summary = "TimeoutStartSec= and TimeoutStopSec= at once."},
	{"Service", "RuntimeMaxSec", VALUE_USEC, MANAGER, AT(runtime_max), .default_text = "infinity", .property = "RuntimeMaxUSec", .summary = "How long the service may run before it is ended as failed."},
	{"Service", "WatchdogSec", VALUE_USEC, MANAGER, AT(watchdog), .default_text = "0", .property = "WatchdogUSec", .summary = "How often the service must say WATCHDOG=1 or be taken for hung; 0: never."},
	{"Service", "SuccessExitStatus", VALUE_EXIT_STATUS_SET, MANAGER, AT(success_status), .summary = "Exit statuses and signals that count as a good end besides 0, SIGHUP, SIGINT, SIGTERM and SIGPIPE."},
	{"Service", "RestartPreventExitStatus", VALUE_EXIT_STATUS_SET, MANAGER, AT(restart_prevent_status), .summary = "Exit statuses and signals after which there is no automatic restart."},
	{"Service", "RestartForceExitStatus", VALUE_EXIT_STATUS_SET, MANAGER, AT(restart_force_status), .summary = "Exit statuses and signals after which there is always an automatic restart."},
	{"Service", "KillMode", VALUE_ENUM, MANAGER, AT(kill_mode), .names = kill_mode_names, .default_text = "control-group", .summary = "Which processes get the stop signal: all; the main one and then SIGKILL for all; the main one only; none."},
	{"Service", "KillSignal", VALUE_SIGNAL, MANAGER, AT(kill_signal), .default_text = "SIGTERM", .summary = "The first signal of a stop."},
	{"Service", "RestartKillSignal", VALUE_SIGNAL, MANAGER, AT(restart_kill_signal), .summary = "The first signal of a restart; KillSignal= if unset."},
	{"Service", "FinalKillSignal", VALUE_SIGNAL, MANAGER, AT(final_kill_signal), .default_text = "SIGKILL", .summary = "The signal that ends what has not stopped in time."},
	{"Service", "WatchdogSignal", VALUE_SIGNAL, MANAGER, AT(watchdog_signal), .default_text = "SIGABRT", .summary = "The signal for a service whose watchdog ran out."},
	{"Service", "ReloadSignal", VALUE_SIGNAL, MANAGER, AT(reload_signal), .default_text = "SIGHUP", .summary = "With Type=notify-reload, the signal that asks for a reload."},
	{"Service", "SendSIGKILL", VALUE_BOOL, MANAGER, AT(send_sigkill), .default_text = "yes", .summary = "Ends what has not stopped in time by FinalKillSignal=."},
	{"Service", "SendSIGHUP", VALUE_BOOL, MANAGER, AT(send_sighup), .default_text = "no", .summary = "Sends SIGHUP right after the stop signal."},
	{"Service", "Slice", VALUE_SPECIAL, MANAGER, AT(slice), SPECIAL(slice), .summary = "The group of the cgroup tree in which the service's own is made; default system.slice."},

	/* --- [Service]: isolation --- */
	{"Service", "PrivateMounts", VALUE_BOOL, ENGINE, SPEC(private_mounts), .summary = "A mount namespace of its own: mounts of the service are not seen outside."},
	{"Service", "PrivatePIDs", VALUE_BOOL, ENGINE, SPEC(private_pids), .summary = "A PID namespace of its own, with a small init as PID 1 unless Init=no; implies an own /proc."},
	{"Service", "PrivateNetwork", VALUE_BOOL, ENGINE, SPEC(private_network), .summary = "A network namespace of its own with nothing but the loopback interface."},
	{"Service", "PrivateIPC", VALUE_BOOL, ENGINE, SPEC(private_ipc), .summary = "An IPC namespace of its own."},
	{"Service", "ProtectHostname", VALUE_SPECIAL, ENGINE, SPEC(protect_hostname), SPECIAL(protect_hostname), .summary = "yes: a UTS namespace of its own, whose host and domain name cannot be set; private: they can; yes:NAME and private:NAME also give it a name."},
	{"Service", "PrivateTime", VALUE_BOOL, ENGINE, SPEC(private_time), .summary = "A time namespace of its own."},
	{"Service", "MonotonicOffsetSec", VALUE_TIME_OFFSET, ENGINE, SPEC(time_offset_monotonic), .summary = "Shifts CLOCK_MONOTONIC in the service's time namespace; may be negative."},
	{"Service", "BoottimeOffsetSec", VALUE_TIME_OFFSET, ENGINE, SPEC(time_offset_boottime), .summary = "Shifts CLOCK_BOOTTIME in the service's time namespace; may be negative."},
	{"Service", "Init", VALUE_BOOL, ENGINE, SPEC(run_init), .default_text = "yes", .summary = "With a PID namespace, the command runs below a small init that reaps and forwards signals; no: the command is PID 1 itself."},
	{"Service", "PrivateUsers", VALUE_ENUM, ENGINE, SPEC(user_namespace), .names = private_users_names, .argument = SPEC_USER_SELF, .default_text = "no", .summary = "A user namespace of its own: self (or yes) maps root and the service's user only, identity the ids 0 to 65535, full all ids."},
	{"Service", "ProtectControlGroups", VALUE_ENUM, ENGINE, SPEC(control_groups), .names = control_groups_names, .default_text = "no", .summary = "yes: the cgroup file system is read-only; private: a cgroup namespace of its own; strict: both."},
	{"Service", "NetworkNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(NETWORK), .summary = "Joins the network namespace of this file; PrivateNetwork= has then no effect."},
	{"Service", "IPCNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(IPC), .summary = "Joins the IPC namespace of this file; PrivateIPC= has then no effect."},
	{"Service", "UTSNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(UTS), .summary = "Joins the UTS namespace of this file, which has a host name."},
	{"Service", "UserNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(USER), .summary = "Joins the user namespace of this file; an image is idmapped by it, and PrivateUsers= has no effect."},
	{"Service", "PIDNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(PID), .summary = "Joins the PID namespace of this file, with a /proc of it; PrivatePIDs= has then no effect."},
	{"Service", "MountNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(MOUNT), .summary = "Joins the mount namespace of this file; what else is asked of the file system is done in a copy of it."},
	{"Service", "CgroupNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(CGROUP), .summary = "Joins the cgroup namespace of this file."},
	{"Service", "TimeNamespacePath", VALUE_PATH, ENGINE, NAMESPACE(TIME), .summary = "Joins the time namespace of this file."},
	{"Service", "MountFlags", VALUE_SPECIAL, ENGINE, SPEC(mount_propagation), SPECIAL(mount_flags), .summary = "shared, slave or private: what is mounted later in the service's mount namespace, or outside, is seen in the other; slave if unset."},

	/* --- [Service]: file system --- */
	{"Service", "RootDirectory", VALUE_PATH, ENGINE, SPEC(root_directory), .summary = "The directory that is the service's root."},
	{"Service", "RootImage", VALUE_PATH, ENGINE, SPEC(root_image), .summary = "A disk image that is the service's root: a file system (squashfs, erofs, ext4, xfs, btrfs) or a partition table with a root partition."},
	{"Service", "RootImageOptions", VALUE_SPECIAL, ENGINE, SPEC(root_image_options), SPECIAL(image_options), .summary = "Mount options of RootImage=; PARTITION:OPTIONS for others than the root partition."},
	{"Service", "RootEphemeral", VALUE_BOOL, ENGINE, SPEC(root_ephemeral), .summary = "What the service writes to its RootDirectory= or RootImage= is gone when it stops."},
	{"Service", "RootHash", VALUE_SPECIAL, ENGINE, SPEC(root_hash), SPECIAL(root_hash), .summary = "Root hash that RootImage= is verified against, in hexadecimal, or a file that holds it; beside the image: .roothash."},
	{"Service", "RootHashSignature", VALUE_SPECIAL, ENGINE, SPEC(root_hash_signature), SPECIAL(root_hash_signature), .summary = "Signature of the root hash, base64:… or a file, that the kernel's keys must verify; beside the image: .roothash.p7s."},
	{"Service", "RootVerity", VALUE_PATH, ENGINE, SPEC(root_verity), .summary = "File with the integrity data of RootImage=; beside the image: .verity."},
	{"Service", "RootImagePolicy", VALUE_SPECIAL, ENGINE, SPEC(root_image_policy), SPECIAL(image_policy), .summary = "What the partitions of RootImage= must be: root=verity+signed:home=absent."},
	{"Service", "MountImagePolicy", VALUE_SPECIAL, ENGINE, SPEC(mount_image_policy), SPECIAL(image_policy), .summary = "As RootImagePolicy=, for MountImages=."},
	{"Service", "MountImages", VALUE_MOUNTS, ENGINE, SPEC(mount_images), .argument = SPEC_MOUNT_IMAGE, .summary = "IMAGE:TARGET[:OPTIONS] of disk images mounted in the service; '-' before one: may be missing."},
	{"Service", "ExtensionImages", VALUE_MOUNTS, ENGINE, SPEC(extension_images), .argument = SPEC_MOUNT_EXTENSION, .summary = "IMAGE[:OPTIONS] of disk images that are laid over /usr and /opt, or /etc, if they were made for this system; the last is uppermost."},
	{"Service", "ExtensionDirectories", VALUE_MOUNTS, ENGINE, SPEC(extension_directories), .argument = SPEC_MOUNT_EXTENSION, .summary = "As ExtensionImages=, directories, which come above the images."},
	{"Service", "ExtensionImagePolicy", VALUE_SPECIAL, ENGINE, SPEC(extension_image_policy), SPECIAL(image_policy), .summary = "As RootImagePolicy=, for ExtensionImages=."},
	{"Service", "MountAPIVFS", VALUE_BOOL, ENGINE, SPEC(mount_api_vfs), .summary = "Own /proc, /sys and /run, and the host's /dev, in the service's root; yes with RootDirectory= or RootImage= unless set."},
	{"Service", "BindLogSockets", VALUE_BOOL, ENGINE, SPEC(bind_log_sockets), .summary = "The sockets of the host's logger appear in the service's root; yes with MountAPIVFS= unless set."},
	{"Service", "BindPaths", VALUE_MOUNTS, ENGINE, SPEC(bind_paths), .argument = SPEC_MOUNT_BIND, .summary = "SOURCE[:TARGET[:rbind|norbind]] made visible in the service; '-' before it: may be missing."},
	{"Service", "BindReadOnlyPaths", VALUE_MOUNTS, ENGINE, SPEC(bind_read_only_paths), .argument = SPEC_MOUNT_BIND | VALUE_MOUNT_READ_ONLY, .summary = "As BindPaths=, read-only."},
	{"Service", "TemporaryFileSystem", VALUE_MOUNTS, ENGINE, SPEC(temporary_file_systems), .argument = SPEC_MOUNT_TMPFS, .summary = "PATH[:OPTIONS] that hold an empty tmpfs."},
	{"Service", "ReadOnlyPaths", VALUE_MOUNTS, ENGINE, SPEC(read_only_paths), .argument = SPEC_MOUNT_READ_ONLY, .summary = "Paths that are read-only with all below them; '-' before one: may be missing."},
	{"Service", "ReadWritePaths", VALUE_MOUNTS, ENGINE, SPEC(read_write_paths), .argument = SPEC_MOUNT_READ_WRITE, .summary = "Exceptions from a read-only parent."},
	{"Service", "InaccessiblePaths", VALUE_MOUNTS, ENGINE, SPEC(inaccessible_paths), .argument = SPEC_MOUNT_INACCESSIBLE, .summary = "Paths nobody in the service can open."},
	{"Service", "ExecPaths", VALUE_MOUNTS, ENGINE, SPEC(exec_paths), .argument = SPEC_MOUNT_EXEC, .summary = "Exceptions from NoExecPaths=."},
	{"Service", "NoExecPaths", VALUE_MOUNTS, ENGINE, SPEC(no_exec_paths), .argument = SPEC_MOUNT_NO_EXEC, .summary = "Paths from which nothing can be executed."},
	{"Service", "RuntimeDirectory", VALUE_DIRECTORIES, ENGINE, SPEC(directories[SPEC_DIRECTORY_RUNTIME]), .argument = SPEC_DIRECTORY_RUNTIME, .summary = "PATH[:LINK[:ro]] of directories below /run that belong to the service and go when it stops; $RUNTIME_DIRECTORY names them."},
	{"Service", "RuntimeDirectoryMode", VALUE_MODE, ENGINE, SPEC(directory_modes[SPEC_DIRECTORY_RUNTIME]), .summary = "Their access mode."},
	{"Service", "RuntimeDirectoryPreserve", VALUE_ENUM, MANAGER, SPEC(runtime_preserve), .names = preserve_names, .default_text = "no", .summary = "Whether the runtime directories stay when the service stops, or (restart) when it is only restarted."},
	{"Service", "StateDirectory", VALUE_DIRECTORIES, ENGINE, SPEC(directories[SPEC_DIRECTORY_STATE]), .argument = SPEC_DIRECTORY_STATE, .summary = "PATH[:LINK[:ro]] of directories below /var/lib that belong to the service; $STATE_DIRECTORY names them."},
	{"Service", "StateDirectoryMode", VALUE_MODE, ENGINE, SPEC(directory_modes[SPEC_DIRECTORY_STATE]), .summary = "Their access mode."},
	{"Service", "CacheDirectory", VALUE_DIRECTORIES, ENGINE, SPEC(directories[SPEC_DIRECTORY_CACHE]), .argument = SPEC_DIRECTORY_CACHE, .summary = "The same below /var/cache; $CACHE_DIRECTORY."},
	{"Service", "CacheDirectoryMode", VALUE_MODE, ENGINE, SPEC(directory_modes[SPEC_DIRECTORY_CACHE]), .summary = "Their access mode."},
	{"Service", "LogsDirectory", VALUE_DIRECTORIES, ENGINE, SPEC(directories[SPEC_DIRECTORY_LOGS]), .argument = SPEC_DIRECTORY_LOGS, .summary = "The same below /var/log; $LOGS_DIRECTORY."},
	{"Service", "LogsDirectoryMode", VALUE_MODE, ENGINE, SPEC(directory_modes[SPEC_DIRECTORY_LOGS]), .summary = "Their access mode."},
	{"Service", "ConfigurationDirectory", VALUE_DIRECTORIES, ENGINE, SPEC(directories[SPEC_DIRECTORY_CONFIGURATION]), .argument = SPEC_DIRECTORY_CONFIGURATION, .summary = "Directories below /etc that are made if missing, and stay root's; $CONFIGURATION_DIRECTORY."},
	{"Service", "ConfigurationDirectoryMode", VALUE_MODE, ENGINE, SPEC(directory_modes[SPEC_DIRECTORY_CONFIGURATION]), .summary = "The access mode of those that are made."},
	{"Service", "TimeoutCleanSec", VALUE_USEC, MANAGER, AT(timeout_clean), .default_text = "infinity", .argument = VALUE_USEC_ZERO_IS_INFINITY, .property = "TimeoutCleanUSec", .summary = "How long svcctl clean may take."},
	{"Service", "LoadCredential", VALUE_CREDENTIALS, ENGINE, SPEC(credentials[SPEC_CREDENTIAL_LOAD]), .argument = SPEC_CREDENTIAL_LOAD, .summary = "NAME[:SOURCE] of a secret that the service gets as a file in $CREDENTIALS_DIRECTORY: a file, a directory of files, a socket to read it from, or a name in a credential store."},
	{"Service", "LoadCredentialEncrypted", VALUE_CREDENTIALS, ENGINE, SPEC(credentials[SPEC_CREDENTIAL_LOAD_ENCRYPTED]), .argument = SPEC_CREDENTIAL_LOAD_ENCRYPTED, .summary = "The same, sealed by systemd-creds, which has to be installed to open it."},
	{"Service", "ImportCredential", VALUE_CREDENTIALS, ENGINE, SPEC(credentials[SPEC_CREDENTIAL_IMPORT]), .argument = SPEC_CREDENTIAL_IMPORT, .summary = "NAME or NAME*, [:NEW NAME]: what the credential stores have of these names."},
	{"Service", "SetCredential", VALUE_CREDENTIALS, ENGINE, SPEC(credentials[SPEC_CREDENTIAL_SET]), .argument = SPEC_CREDENTIAL_SET, .summary = "NAME:VALUE, with C escapes; what is loaded under the same name comes first."},
	{"Service", "SetCredentialEncrypted", VALUE_CREDENTIALS, ENGINE, SPEC(credentials[SPEC_CREDENTIAL_SET_ENCRYPTED]), .argument = SPEC_CREDENTIAL_SET_ENCRYPTED, .summary = "NAME:VALUE, sealed by systemd-creds, in Base64."},
	{"Service", "PrivateTmp", VALUE_SPECIAL, ENGINE, SPEC(private_tmp), SPECIAL(private_tmp), .summary = "Own /tmp and /var/tmp, the same for all commands of the service and gone when it stops; disconnected: on file systems of their own, for each command."},
	{"Service", "PrivateDevices", VALUE_BOOL, ENGINE, SPEC(private_devices), .summary = "An own /dev without devices of the machine."},
	{"Service", "ProtectSystem", VALUE_ENUM, ENGINE, SPEC(protect_system), .names = protect_system_names, .default_text = "no", .summary = "Read-only: yes /usr and /boot, full also /etc, strict everything but /dev, /proc and /sys."},
	{"Service", "ProtectHome", VALUE_ENUM, ENGINE, SPEC(protect_home), .names = protect_home_names, .default_text = "no", .summary = "/home, /root and /run/user are inaccessible, read-only or empty."},
	{"Service", "ProtectProc", VALUE_ENUM, ENGINE, SPEC(protect_proc), .names = protect_proc_names, .default_text = "default", .summary = "Which processes of other users /proc shows: the hidepid= mount option."},
	{"Service", "ProcSubset", VALUE_SPECIAL, ENGINE, SPEC(process_subset_pid), SPECIAL(process_subset), .summary = "pid: /proc shows processes only."},
	{"Service", "ProtectKernelTunables", VALUE_BOOL, ENGINE, SPEC(protect_kernel_tunables), .summary = "Kernel variables in /proc and /sys are read-only."},
	{"Service", "ProtectKernelModules", VALUE_BOOL, ENGINE, SPEC(protect_kernel_modules), .summary = "No loading and unloading of kernel modules."},
	{"Service", "ProtectKernelLogs", VALUE_BOOL, ENGINE, SPEC(protect_kernel_logs), .summary = "No access to the kernel's log."},
	{"Service", "ProtectClock", VALUE_BOOL, ENGINE, SPEC(protect_clock), .summary = "No setting of the clocks."},

	/* --- [Service]: operation control --- */
	{"Service", "CapabilityBoundingSet", VALUE_CAPABILITIES, ENGINE, SPEC(capability_bounding_set), .summary = "Capabilities that the service can have at most; '~' before the list: all but these."},
	{"Service", "AmbientCapabilities", VALUE_CAPABILITIES, ENGINE, SPEC(ambient_capabilities), .argument = 1, .summary = "Capabilities that a service with User= keeps."},
	{"Service", "SecureBits", VALUE_SPECIAL, ENGINE, SPEC(secure_bits), SPECIAL(secure_bits), .summary = "keep-caps, no-setuid-fixup, noroot, each also with -locked: how the kernel treats user 0 and changes of user (capabilities(7))."},
	{"Service", "NoNewPrivileges", VALUE_BOOL, ENGINE, SPEC(no_new_privileges), .summary = "Nothing the service executes gains privileges."},
	{"Service", "SystemCallFilter", VALUE_SYSTEM_CALLS, ENGINE, SPEC(system_call_filter), .summary = "System calls and @groups the service may make; '~' before the first: those it may not; NAME:ERROR chooses what a refused one returns."},
	{"Service", "SystemCallErrorNumber", VALUE_ERRNO, ENGINE, SPEC(system_call_errno), .default_text = "kill", .summary = "What a refused system call returns; kill: the process is killed."},
	{"Service", "SystemCallLog", VALUE_SYSTEM_CALLS, ENGINE, SPEC(system_call_log), .argument = VALUE_CALLS_NO_ERRNO, .summary = "System calls and @groups that the kernel logs; '~' before the first: all but these."},
	{"Service", "SystemCallArchitectures", VALUE_TEXT_LIST, ENGINE, SPEC(system_call_architectures), .summary = "Architectures whose system calls may be made besides native ones, such as x86 or x32; native: no others. A unit with any system call filter can make others only if they are listed."},
	{"Service", "RestrictRealtime", VALUE_BOOL, ENGINE, SPEC(restrict_realtime), .summary = "No realtime scheduling."},
	{"Service", "RestrictSUIDSGID", VALUE_BOOL, ENGINE, SPEC(restrict_suid_sgid), .summary = "No set-user-id and set-group-id bits on files."},
	{"Service", "LockPersonality", VALUE_BOOL, ENGINE, SPEC(lock_personality), .summary = "No change of the execution domain."},
	{"Service", "MemoryDenyWriteExecute", VALUE_BOOL, ENGINE, SPEC(memory_deny_write_execute), .summary = "No memory that is writable and executable."},
	{"Service", "RestrictNamespaces", VALUE_NAMESPACE_FLAGS, ENGINE, SPEC(restrict_namespaces), .summary = "yes: no namespaces can be made or joined; a list: only these; '~' before it: all but these."},
	{"Service", "RestrictAddressFamilies", VALUE_SPECIAL, ENGINE, SPEC(restrict_address_families), SPECIAL(address_families), .summary = "Families of sockets that can be made; '~' before the list: all but these; none: no sockets."},

	{"Service", "AppArmorProfile", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(apparmor_profile), SPECIAL(label), .summary = "The loaded AppArmor profile the service runs under; '-' before it: errors do not matter."},
	{"Service", "SELinuxContext", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(selinux_context), SPECIAL(label), .summary = "The SELinux context the service runs in; '-' before it: errors do not matter."},
	{"Service", "SmackProcessLabel", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(smack_label), SPECIAL(label), .summary = "The Smack label the service runs under; '-' before it: errors do not matter."},
	{"Service", "LandlockRead", VALUE_TEXT_LIST, ENGINE, CONFINEMENT_AT(landlock_read), .argument = VALUE_LIST_OPTIONAL_PATHS, .summary = "Files and directories that can be read, with all below them: no others can (landlock(7)); '-' before a path: may be missing; none: nothing."},
	{"Service", "LandlockWrite", VALUE_TEXT_LIST, ENGINE, CONFINEMENT_AT(landlock_write), .argument = VALUE_LIST_OPTIONAL_PATHS, .summary = "Files and directories that can be written, made and removed, and read: no others can be written (Linux 6.2); none: nothing."},
	{"Service", "LandlockExecute", VALUE_TEXT_LIST, ENGINE, CONFINEMENT_AT(landlock_execute), .argument = VALUE_LIST_OPTIONAL_PATHS, .summary = "Files and directories that can be executed, and read: no others can be executed; the service's own command has to be among them."},
	{"Service", "LandlockIoctl", VALUE_TEXT_LIST, ENGINE, CONFINEMENT_AT(landlock_ioctl), .argument = VALUE_LIST_OPTIONAL_PATHS, .summary = "Devices on which ioctl(2) can be used: on no others it can, if they are opened by the service (Linux 6.10); none: no device."},
	{"Service", "LandlockBindTCP", VALUE_TEXT_LIST, ENGINE, CONFINEMENT_AT(landlock_bind_tcp), .argument = VALUE_LIST_PORTS, .summary = "TCP ports the service can bind to: no others (Linux 6.7); none: no port."},
	{"Service", "LandlockConnectTCP", VALUE_TEXT_LIST, ENGINE, CONFINEMENT_AT(landlock_connect_tcp), .argument = VALUE_LIST_PORTS, .summary = "TCP ports the service can connect to: no others (Linux 6.7); none: no port."},
	{"Service", "LandlockScope", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(landlock_scope), SPECIAL(landlock_scope), .summary = "abstract-unix-socket: no connections to abstract sockets made outside of the service; signal: no signals to processes outside of it (Linux 6.12)."},

	/* --- [Service]: resources --- */
	{"Service", "CPUAccounting", VALUE_BOOL, CGROUP, LIMIT_AT(cpu_accounting), .default_text = "no", .summary = "Counts the service's CPU time; the kernel does so anyway where there are cgroups."},
	{"Service", "CPUWeight", VALUE_WEIGHT, CGROUP, LIMIT_AT(cpu_weight), .argument = VALUE_WEIGHT_IDLE, .summary = "Share of the CPU under load, 1 to 10000; the kernel's default is 100; idle: only what nobody else wants."},
	{"Service", "StartupCPUWeight", VALUE_WEIGHT, CGROUP, LIMIT_AT(startup_cpu_weight), .argument = VALUE_WEIGHT_IDLE, .summary = "CPUWeight= while the system starts or stops."},
	{"Service", "CPUQuota", VALUE_CPU_QUOTA, CGROUP, LIMIT_AT(cpu_quota), .property = "CPUQuotaPerSecUSec", .summary = "CPU time at most, as a share of one CPU's: 20%, 150%."},
	{"Service", "CPUQuotaPeriodSec", VALUE_USEC, CGROUP, LIMIT_AT(cpu_period), .property = "CPUQuotaPeriodUSec", .summary = "The period over which CPUQuota= is measured, 1ms to 1s; 100ms if unset."},
	{"Service", "CPUQuotaBurstSec", VALUE_USEC, CGROUP, LIMIT_AT(cpu_burst), .property = "CPUQuotaBurstUSec", .summary = "CPU time that may be saved up from idle periods and spent beyond CPUQuota=."},
	{"Service", "AllowedCPUs", VALUE_SPECIAL, CGROUP, LIMIT_AT(allowed_cpus), SPECIAL(cpu_list), .summary = "CPUs the service may run on: 0-3,8."},
	{"Service", "StartupAllowedCPUs", VALUE_SPECIAL, CGROUP, LIMIT_AT(startup_allowed_cpus), SPECIAL(cpu_list), .summary = "AllowedCPUs= while the system starts or stops."},
	{"Service", "AllowedMemoryNodes", VALUE_SPECIAL, CGROUP, LIMIT_AT(allowed_memory_nodes), SPECIAL(cpu_list), .summary = "Memory nodes the service may use."},
	{"Service", "StartupAllowedMemoryNodes", VALUE_SPECIAL, CGROUP, LIMIT_AT(startup_allowed_memory_nodes), SPECIAL(cpu_list), .summary = "AllowedMemoryNodes= while the system starts or stops."},
	{"Service", "CPUSetPartition", VALUE_ENUM, CGROUP, LIMIT_AT(cpu_partition), .names = cpu_partition_names, .default_text = "member", .summary = "root or isolated: the AllowedCPUs= are nobody else's, with isolated without load balancing."},
	{"Service", "MemoryAccounting", VALUE_BOOL, CGROUP, LIMIT_AT(memory_accounting), .default_text = "yes", .summary = "Counts the service's memory, where the kernel can."},
	{"Service", "MemoryMin", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_min), .argument = VALUE_SIZE_PROTECTS, .summary = "Memory that is not reclaimed from the service."},
	{"Service", "MemoryLow", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_low), .argument = VALUE_SIZE_PROTECTS, .summary = "Memory that is reclaimed only when nothing else can be."},
	{"Service", "StartupMemoryLow", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(startup_memory_low), .argument = VALUE_SIZE_PROTECTS, .summary = "MemoryLow= while the system starts or stops."},
	{"Service", "DefaultMemoryMin", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(default_memory_min), .argument = VALUE_SIZE_PROTECTS, .summary = "MemoryMin= of the units in a slice that have none."},
	{"Service", "DefaultMemoryLow", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(default_memory_low), .argument = VALUE_SIZE_PROTECTS, .summary = "MemoryLow= of the units in a slice that have none."},
	{"Service", "DefaultStartupMemoryLow", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(default_startup_memory_low), .argument = VALUE_SIZE_PROTECTS, .summary = "DefaultMemoryLow= while the system starts or stops."},
	{"Service", "MemoryHigh", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_high), .argument = VALUE_SIZE_POSITIVE, .summary = "Memory beyond which the service is slowed down."},
	{"Service", "StartupMemoryHigh", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(startup_memory_high), .argument = VALUE_SIZE_POSITIVE, .summary = "MemoryHigh= while the system starts or stops."},
	{"Service", "MemoryMax", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_max), .argument = VALUE_SIZE_POSITIVE, .summary = "Memory the service can use at most, in bytes or with K, M, G, T, or in percent of the machine's."},
	{"Service", "StartupMemoryMax", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(startup_memory_max), .argument = VALUE_SIZE_POSITIVE, .summary = "MemoryMax= while the system starts or stops."},
	{"Service", "MemorySwapMax", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_swap_max), .argument = VALUE_SIZE_OF_SWAP, .summary = "Swap space the service can use at most; percent are of the machine's swap space."},
	{"Service", "StartupMemorySwapMax", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(startup_memory_swap_max), .argument = VALUE_SIZE_OF_SWAP, .summary = "MemorySwapMax= while the system starts or stops."},
	{"Service", "MemoryZSwapMax", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_zswap_max), .summary = "Compressed swap in memory the service can use at most."},
	{"Service", "StartupMemoryZSwapMax", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(startup_memory_zswap_max), .summary = "MemoryZSwapMax= while the system starts or stops."},
	{"Service", "MemoryZSwapWriteback", VALUE_BOOL, CGROUP, LIMIT_AT(zswap_writeback), .default_text = "yes", .summary = "no: what is in compressed swap is not written on to a disk."},
	{"Service", "OOMPolicy", VALUE_ENUM, MANAGER, LIMIT_AT(oom_policy), .names = oom_policy_names, .default_text = "stop", .summary = "When the kernel kills a process for want of memory: continue, the others go on; stop: the service is stopped; kill: all its processes are killed together. Default with Delegate=: continue."},
	{"Service", "MemoryPressureWatch", VALUE_ENUM, MANAGER, LIMIT_AT(pressure_watch), .names = pressure_watch_names, .argument = SPEC_PRESSURE_WATCH_ON, .default_text = "auto", .summary = "Whether the service is told by $MEMORY_PRESSURE_WATCH and $MEMORY_PRESSURE_WRITE how to hear of memory pressure: on; auto: where a setting limits or protects its memory; off: it is not to; skip: nothing is said."},
	{"Service", "MemoryPressureThresholdSec", VALUE_USEC, MANAGER, LIMIT_AT(pressure_threshold), .property = "MemoryPressureThresholdUSec", .default_text = "200ms", .summary = "How long it may wait for memory within two seconds before it hears of it."},
	{"Service", "IOAccounting", VALUE_BOOL, CGROUP, LIMIT_AT(io_accounting), .default_text = "no", .summary = "Counts what the service reads and writes."},
	{"Service", "IOWeight", VALUE_WEIGHT, CGROUP, LIMIT_AT(io_weight), .summary = "Share of the block devices under load, 1 to 10000."},
	{"Service", "StartupIOWeight", VALUE_WEIGHT, CGROUP, LIMIT_AT(startup_io_weight), .summary = "IOWeight= while the system starts or stops."},
	{"Service", "IODeviceWeight", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_device_weight), .argument = VALUE_IO_WEIGHT, .summary = "DEVICE WEIGHT: IOWeight= for one device."},
	{"Service", "IOReadBandwidthMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_read_bandwidth), .argument = VALUE_IO_BYTES, .summary = "DEVICE BYTES: bytes read per second at most (K, M, G are powers of 1000)."},
	{"Service", "IOWriteBandwidthMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_write_bandwidth), .argument = VALUE_IO_BYTES, .summary = "DEVICE BYTES: bytes written per second at most."},
	{"Service", "IOReadIOPSMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_read_iops), .argument = VALUE_IO_OPERATIONS, .summary = "DEVICE COUNT: reads per second at most."},
	{"Service", "IOWriteIOPSMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_write_iops), .argument = VALUE_IO_OPERATIONS, .summary = "DEVICE COUNT: writes per second at most."},
	{"Service", "IODeviceLatencyTargetSec", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_latency_target), .argument = VALUE_IO_LATENCY, .property = "IODeviceLatencyTargetUSec", .summary = "DEVICE TIME: how long a request may take before others are held back."},
	{"Service", "TasksAccounting", VALUE_BOOL, CGROUP, LIMIT_AT(tasks_accounting), .default_text = "yes", .summary = "Counts the service's processes and threads, where the kernel can."},
	{"Service", "TasksMax", VALUE_LIMIT_COUNT, CGROUP, LIMIT_AT(tasks_max), .argument = VALUE_COUNT_PERCENT, .summary = "Processes and threads at most; a number, or percent of what the machine can have."},
	{"Service", "HugeTLBMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(hugetlb_max), .argument = VALUE_IO_HUGE_PAGES, .summary = "PAGESIZE BYTES: memory in huge pages of this size at most: 2M 64M."},
	{"Service", "HugeTLBReservedMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(hugetlb_reserved_max), .argument = VALUE_IO_HUGE_PAGES, .summary = "PAGESIZE BYTES: huge pages reserved at most, which mmap(2) fails beyond instead of a fault."},
	{"Service", "RDMAHandlesMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(rdma_handles_max), .argument = VALUE_IO_NAMED, .summary = "DEVICE COUNT: handles of an RDMA device at most."},
	{"Service", "RDMAObjectsMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(rdma_objects_max), .argument = VALUE_IO_NAMED, .summary = "DEVICE COUNT: objects of an RDMA device at most."},
	{"Service", "MiscMax", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(misc_max), .argument = VALUE_IO_NAMED, .summary = "RESOURCE COUNT: what cgroup misc.capacity lists, such as sev, at most."},
	{"Service", "Delegate", VALUE_SPECIAL, MANAGER, LIMIT_AT(delegate), SPECIAL(delegate), .default_text = "no", .summary = "The service may make cgroups below its own: yes with every controller there is, or a list of controllers that it gets for sure."},
	{"Service", "DelegateSubgroup", VALUE_SPECIAL, MANAGER, LIMIT_AT(delegate_subgroup), SPECIAL(subgroup), .summary = "The cgroup below a delegated one in which the service's processes begin."},
	{"Service", "DisableControllers", VALUE_SPECIAL, CGROUP, LIMIT_AT(disable_controllers), SPECIAL(disable_controllers), .summary = "Controllers that no unit below a slice can have."},
	{"Service", "CoredumpReceive", VALUE_BOOL, CGROUP, LIMIT_AT(coredump_receive), .default_text = "no", .summary = "Core dumps of processes in the container may be handed to it: sets user.coredump_receive on its cgroup."},
	{"Service", "ManagedOOMMemoryPressure", VALUE_ENUM, CGROUP, LIMIT_AT(managed_oom_pressure), .names = managed_oom_names, .default_text = "auto", .summary = "kill: when processes of the unit, or of the units in a slice, have to wait for memory too much for too long, the service that uses most is ended with the result oom-kill."},
	{"Service", "ManagedOOMMemoryPressureLimit", VALUE_SPECIAL, CGROUP, LIMIT_AT(managed_oom_limit), SPECIAL(pressure_limit), .default_text = "0%", .summary = "How much of the time all of them may wait for memory; 0%: 60%."},
	{"Service", "ManagedOOMMemoryPressureDurationSec", VALUE_USEC, CGROUP, LIMIT_AT(managed_oom_duration), .property = "ManagedOOMMemoryPressureDurationUSec", .default_text = "infinity", .summary = "For how long they may, a second at least; infinity: 30s."},
	{"Service", "ManagedOOMPreference", VALUE_ENUM, CGROUP, LIMIT_AT(oom_preference), .names = oom_preference_names, .default_text = "none", .summary = "avoid, omit: whom ManagedOOMMemoryPressure=kill of a slice above ends last, or never."},
	{"Service", "CPUShares", VALUE_SPECIAL, CGROUP, LIMIT_AT(cpu_weight), SPECIAL(cpu_shares), .replaced_by = "CPUWeight", .property = "-", .summary = "Old: CPUWeight=, where 1024 is the usual share."},
	{"Service", "StartupCPUShares", VALUE_SPECIAL, CGROUP, LIMIT_AT(startup_cpu_weight), SPECIAL(cpu_shares), .replaced_by = "StartupCPUWeight", .property = "-", .summary = "Old: StartupCPUWeight=."},
	{"Service", "MemoryLimit", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_max), .argument = VALUE_SIZE_POSITIVE, .replaced_by = "MemoryMax", .property = "-", .summary = "Old: MemoryMax=."},
	{"Service", "BlockIOAccounting", VALUE_BOOL, CGROUP, LIMIT_AT(io_accounting), .default_text = "no", .replaced_by = "IOAccounting", .property = "-", .summary = "Old: IOAccounting=."},
	{"Service", "BlockIOWeight", VALUE_SPECIAL, CGROUP, LIMIT_AT(io_weight), SPECIAL(block_weight), .replaced_by = "IOWeight", .property = "-", .summary = "Old: IOWeight=, where 500 is the usual weight."},
	{"Service", "StartupBlockIOWeight", VALUE_SPECIAL, CGROUP, LIMIT_AT(startup_io_weight), SPECIAL(block_weight), .replaced_by = "StartupIOWeight", .property = "-", .summary = "Old: StartupIOWeight=."},
	{"Service", "BlockIODeviceWeight", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_device_weight), .argument = VALUE_IO_OLD_WEIGHT, .replaced_by = "IODeviceWeight", .property = "-", .summary = "Old: IODeviceWeight=, where 500 is the usual weight."},
	{"Service", "BlockIOReadBandwidth", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_read_bandwidth), .argument = VALUE_IO_BYTES, .replaced_by = "IOReadBandwidthMax", .property = "-", .summary = "Old: IOReadBandwidthMax=."},
	{"Service", "BlockIOWriteBandwidth", VALUE_IO_LIMITS, CGROUP, LIMIT_AT(io_write_bandwidth), .argument = VALUE_IO_BYTES, .replaced_by = "IOWriteBandwidthMax", .property = "-", .summary = "Old: IOWriteBandwidthMax=."},

	/* --- [Service]: filters of the cgroup --- */
	{"Service", "DevicePolicy", VALUE_ENUM, CGROUP, SPEC(device_policy), .names = device_policy_names, .default_text = "auto", .summary = "strict: no device but those of DeviceAllow=; closed: these and null, zero, full, random, urandom, tty, ptmx and pts; auto: as closed when DeviceAllow= is given, else all. Containers are closed unless it is set."},
	{"Service", "DeviceAllow", VALUE_RULES, CGROUP, FILTER_AT(device_allow), .parse = special_parse_device_allow, .summary = "DEVICE [ACCESS]: a path below /dev, or char-GROUP or block-GROUP of /proc/devices with wildcards, that may be read (r), written (w) and made (m); rwm if not said."},
	{"Service", "IPAccounting", VALUE_BOOL, CGROUP, FILTER_AT(ip_accounting), .default_text = "no", .summary = "Counts the packets and bytes that the unit's sockets send and receive."},
	{"Service", "IPAddressAllow", VALUE_RULES, CGROUP, FILTER_AT(ip_allow), .parse = special_parse_ip_prefixes, .summary = "Addresses (10.0.0.0/8, ::1, any, localhost, link-local, multicast) with which packets are exchanged although IPAddressDeny= denies them; the lists of the unit's slices count too."},
	{"Service", "IPAddressDeny", VALUE_RULES, CGROUP, FILTER_AT(ip_deny), .parse = special_parse_ip_prefixes, .summary = "Addresses with which no packets are exchanged unless IPAddressAllow= has them; the lists of the unit's slices count too."},
	{"Service", "IPIngressFilterPath", VALUE_PATH_LIST, CGROUP, FILTER_AT(ip_ingress), .summary = "A pinned eBPF program, by its path, that judges the packets the unit receives."},
	{"Service", "IPEgressFilterPath", VALUE_PATH_LIST, CGROUP, FILTER_AT(ip_egress), .summary = "A pinned eBPF program, by its path, that judges the packets the unit sends."},
	{"Service", "BPFProgram", VALUE_RULES, CGROUP, FILTER_AT(programs), .parse = special_parse_bpf_programs, .summary = "TYPE:PATH of a pinned eBPF program that is attached to the unit's cgroup: egress, ingress, sock_create, sock_ops, device, bind4, bind6, connect4, connect6, post_bind4, post_bind6, sendmsg4, sendmsg6, sysctl, recvmsg4, recvmsg6, getsockopt, setsockopt."},
	{"Service", "SocketBindAllow", VALUE_RULES, CGROUP, FILTER_AT(bind_allow), .parse = special_parse_bind_rules, .summary = "[ipv4:|ipv6:][tcp:|udp:]PORT[-PORT], or any: what sockets may be bound to although SocketBindDeny= denies it."},
	{"Service", "SocketBindDeny", VALUE_RULES, CGROUP, FILTER_AT(bind_deny), .parse = special_parse_bind_rules, .summary = "[ipv4:|ipv6:][tcp:|udp:]PORT[-PORT], or any: what sockets may not be bound to."},
	{"Service", "RestrictNetworkInterfaces", VALUE_RULES, CGROUP, FILTER_AT(interfaces), .parse = special_parse_interfaces, .summary = "Interfaces, lo included, through which packets may go; '~' before the list: all but these."},
	{"Service", "NFTSet", VALUE_RULES, CGROUP, FILTER_AT(nft_sets), .parse = special_parse_nft_sets, .summary = "SOURCE:FAMILY:TABLE:SET: a set of the packet filter that holds the unit's cgroup, user or group (SOURCE) while the unit is up."},
	{"Service", "RestrictFileSystems", VALUE_RULES, ENGINE, FILTER_AT(file_systems), .parse = special_parse_file_systems, .summary = "File systems (ext4, tmpfs, …) and groups of them (@basic-api, @anonymous, @application, @auxiliary-api, @common-block, @historical-block, @network, @privileged-api, @security, @temporary, @known) on which files may be opened; '~' before the list: all but these. Needs the kernel's BPF LSM."},

	/* --- [Service]: the process --- */
	{"Service", "DynamicUser", VALUE_BOOL, ENGINE, SPEC(dynamic_user), .summary = "The service's user and group exist while it runs; User= may name them, else the unit's name does. Implies what keeps their traces together: ProtectSystem=strict, ProtectHome=read-only, PrivateTmp=, NoNewPrivileges=, RestrictSUIDSGID= and private directories."},
	{"Service", "User", VALUE_USER_NAME, ENGINE, SPEC(user), .summary = "Name or id of the user the service runs as."},
	{"Service", "Group", VALUE_USER_NAME, ENGINE, SPEC(group), .summary = "Name or id of the group the service runs as; the user's own if unset."},
	{"Service", "RemoveIPC", VALUE_BOOL, MANAGER, AT(remove_ipc), .default_text = "no", .summary = "Removes the System V and POSIX IPC objects of the service's user and group when it stops; with User= or Group=, never root's."},
	{"Service", "SetLoginEnvironment", VALUE_SPECIAL, ENGINE, SPEC(login_environment), SPECIAL(login_environment), .summary = "Sets HOME, LOGNAME, USER and SHELL; if unset, with User= only."},
	{"Service", "SupplementaryGroups", VALUE_TEXT_LIST, ENGINE, SPEC(supplementary_groups), .argument = VALUE_LIST_USERS, .summary = "Further groups of the service."},
	{"Service", "UMask", VALUE_MODE, ENGINE, SPEC(umask), .default_text = "0022", .summary = "Permissions that new files do not get."},
	{"Service", "WorkingDirectory", VALUE_SPECIAL, ENGINE, SPEC(working_directory), SPECIAL(working_directory), .summary = "Where the service starts; '~' is the user's home, '-' before it: may be missing."},
	{"Service", "ExecSearchPath", VALUE_PATH_LIST, ENGINE, SPEC(exec_search_path), .argument = VALUE_LIST_COLON, .summary = "Directories, joined by ':', in which a command without a slash is looked for; also PATH, unless the unit sets that."},
	{"Service", "Environment", VALUE_ENVIRONMENT, ENGINE, SPEC(environment), .summary = "Variables of the service: NAME=VALUE."},
	{"Service", "EnvironmentFile", VALUE_ENVIRONMENT_FILES, ENGINE, SPEC(environment_files), .property = "EnvironmentFiles", .summary = "A file of NAME=VALUE lines; '-' before it: may be missing."},
	{"Service", "PassEnvironment", VALUE_TEXT_LIST, ENGINE, SPEC(pass_environment), .argument = VALUE_LIST_VARIABLES, .summary = "Variables passed on from the manager's own environment."},
	{"Service", "UnsetEnvironment", VALUE_TEXT_LIST, ENGINE, SPEC(unset_environment), .argument = VALUE_LIST_VARIABLES, .summary = "Variables, or NAME=VALUE, that the service does not get in the end."},
	LIMIT(CPU, "CPU time"),
	LIMIT(FSIZE, "size of a file"),
	LIMIT(DATA, "data segment"),
	LIMIT(STACK, "stack"),
	LIMIT(CORE, "core dump"),
	LIMIT(RSS, "resident memory; without effect in today's kernels"),
	LIMIT(NOFILE, "open descriptors"),
	LIMIT(AS, "address space"),
	LIMIT(NPROC, "processes of the user"),
	LIMIT(MEMLOCK, "locked memory"),
	LIMIT(LOCKS, "file locks; without effect in today's kernels"),
	LIMIT(SIGPENDING, "signals waiting"),
	LIMIT(MSGQUEUE, "bytes in message queues"),
	LIMIT(NICE, "highest priority, as nice level with a sign"),
	LIMIT(RTPRIO, "highest realtime priority"),
	LIMIT(RTTIME, "realtime CPU time without sleeping"),
	{"Service", "Nice", VALUE_SPECIAL, ENGINE, SPEC(nice), SPECIAL(nice), .summary = "Nice level, -20 to 19."},
	{"Service", "OOMScoreAdjust", VALUE_INT, ENGINE, SPEC(oom_score_adjust), .argument = 1000, .summary = "How eagerly the kernel picks the service when memory runs out, -1000 to 1000."},
	{"Service", "TimerSlackNSec", VALUE_SPECIAL, ENGINE, SPEC(timer_slack_nsec), SPECIAL(timer_slack), .summary = "How inexact the service's timers may be."},
	{"Service", "CPUSchedulingPolicy", VALUE_SPECIAL, ENGINE, SPEC(cpu_policy), SPECIAL(cpu_policy), .summary = "other, batch, idle, fifo or rr."},
	{"Service", "CPUSchedulingPriority", VALUE_SPECIAL, ENGINE, SPEC(cpu_priority), SPECIAL(cpu_priority), .summary = "1 (lowest) to 99 with CPUSchedulingPolicy=fifo or rr; 0 else."},
	{"Service", "CPUSchedulingResetOnFork", VALUE_BOOL, ENGINE, SPEC(cpu_reset_on_fork), .summary = "Children do not inherit raised priorities and realtime policies."},
	{"Service", "CPUAffinity", VALUE_SPECIAL, ENGINE, SPEC(cpu_affinity), SPECIAL(cpu_affinity), .summary = "CPUs the service starts on (0-3,8), or numa: those of NUMAMask=."},
	{"Service", "NUMAPolicy", VALUE_SPECIAL, ENGINE, SPEC(numa_policy), SPECIAL(numa_policy), .summary = "default, preferred, bind, interleave or local: where memory comes from (set_mempolicy(2))."},
	{"Service", "NUMAMask", VALUE_SPECIAL, ENGINE, SPEC(numa_mask), SPECIAL(numa_mask), .summary = "Memory nodes of NUMAPolicy= and CPUAffinity=numa: a list, or all."},
	{"Service", "IOSchedulingClass", VALUE_SPECIAL, ENGINE, SPEC(io_priority), SPECIAL(io_class), .summary = "none, realtime, best-effort or idle, or 0 to 3."},
	{"Service", "IOSchedulingPriority", VALUE_SPECIAL, ENGINE, SPEC(io_priority), SPECIAL(io_level), .summary = "0 (highest) to 7 within IOSchedulingClass=, which is best-effort if not set; 4 if unset."},
	{"Service", "Personality", VALUE_SPECIAL, ENGINE, SPEC(personality), SPECIAL(personality), .summary = "The architecture uname(2) reports: the machine's own or its 32-bit companion, such as x86."},
	{"Service", "CoredumpFilter", VALUE_SPECIAL, ENGINE, SPEC(coredump_filter), SPECIAL(coredump_filter), .summary = "Mappings that core dumps hold: private-anonymous, shared-anonymous, private-file-backed, shared-file-backed, elf-headers, private-huge, shared-huge, private-dax, shared-dax, all, default, or a hexadecimal mask."},
	{"Service", "MemoryKSM", VALUE_SPECIAL, ENGINE, SPEC(memory_ksm), SPECIAL(memory_ksm), .summary = "Equal pages of memory are merged by the kernel (Linux 6.4)."},
	{"Service", "UtmpIdentifier", VALUE_TEXT, ENGINE, SPEC(utmp_identifier), .summary = "The identifier, of which the last four characters count, of the service's records in utmp and wtmp; without one there are none."},
	{"Service", "UtmpMode", VALUE_ENUM, ENGINE, SPEC(utmp_mode), .names = utmp_names, .default_text = "init", .summary = "Which records UtmpIdentifier= makes: init, for a getty that makes the others; login; user."},
	{"Service", "KeyringMode", VALUE_SPECIAL, ENGINE, SPEC(keyring), SPECIAL(keyring), .summary = "private, the default: a session keyring of the service's own; shared: with the user's keyring linked to it; inherit: none of its own."},
	{"Service", "IgnoreSIGPIPE", VALUE_BOOL, ENGINE, SPEC(ignore_sigpipe), .default_text = "yes", .summary = "The service starts with SIGPIPE ignored."},
	{"Service", "StandardInput", VALUE_STREAM, ENGINE, SPEC(standard_input), .argument = 0, .default_text = "null", .summary = "null; tty, tty-force or tty-fail (TTYPath= becomes the controlling terminal: when it is free, taken from whom has it, or not at all); data, file:PATH, socket or fd:NAME."},
	{"Service", "StandardOutput", VALUE_STREAM, ENGINE, SPEC(standard_output), .argument = 1, .default_text = "journal", .summary = "journal (the unit's log), kmsg (the kernel's too), either with +console (the console too), null, inherit (as standard input), tty, file:PATH, append:PATH, truncate:PATH, socket or fd:NAME; inherit when the input is a terminal, a socket or fd:."},
	{"Service", "StandardError", VALUE_STREAM, ENGINE, SPEC(standard_error), .argument = 1, .default_text = "inherit", .summary = "As StandardOutput=; inherit: the same as standard output."},
	{"Service", "SyslogIdentifier", VALUE_SPECIAL, MANAGER, LOG_AT(identifier), SPECIAL(syslog_identifier), .summary = "A name that stands before each line of the log."},
	{"Service", "SyslogFacility", VALUE_SPECIAL, MANAGER, LOG_AT(facility), SPECIAL(syslog_facility), .default_text = "daemon", .summary = "The syslog(3) facility of the lines."},
	{"Service", "SyslogLevel", VALUE_SPECIAL, MANAGER, LOG_AT(level), SPECIAL(syslog_level), .default_text = "info", .summary = "The syslog(3) level of lines that do not say theirs."},
	{"Service", "SyslogLevelPrefix", VALUE_BOOL, MANAGER, LOG_AT(level_prefix), .default_text = "yes", .summary = "A line that begins with <3> and the like says its level by that (sd-daemon(3))."},
	{"Service", "LogLevelMax", VALUE_SPECIAL, MANAGER, LOG_AT(level_max), SPECIAL(log_level_max), .summary = "Lines of less importance are dropped, the manager's own too: emerg, alert, crit, err, warning, notice, info, debug."},
	{"Service", "LogExtraFields", VALUE_SPECIAL, MANAGER, LOG_AT(fields), SPECIAL(log_fields), .summary = "FIELD=VALUE kept with every line; `svcctl logs --json` shows them."},
	{"Service", "LogRateLimitIntervalSec", VALUE_USEC, MANAGER, LOG_AT(rate_interval), .default_text = "0", .property = "LogRateLimitIntervalUSec", .summary = "The time in which LogRateLimitBurst= lines are taken; what is dropped is counted."},
	{"Service", "LogRateLimitBurst", VALUE_UNSIGNED, MANAGER, LOG_AT(rate_burst), .default_text = "0", .summary = "Lines taken in LogRateLimitIntervalSec=."},
	{"Service", "LogFilterPatterns", VALUE_SPECIAL, MANAGER, LOG_AT(patterns), SPECIAL(log_patterns), .summary = "An extended regular expression (regex(7)) that a line must match to be kept; behind '~', one that it may not match; several add up."},
	{"Service", "StandardInputText", VALUE_SPECIAL, ENGINE, SPEC(standard_input_data), SPECIAL(input_text), .property = "-", .summary = "A line that StandardInput=data yields, with C escapes; several add up."},
	{"Service", "StandardInputData", VALUE_SPECIAL, ENGINE, SPEC(standard_input_data), SPECIAL(input_data), .summary = "Bytes in Base64 that StandardInput=data yields; several add up."},
	{"Service", "TTYPath", VALUE_PATH, ENGINE, SPEC(tty_path), .summary = "The terminal of StandardInput=tty and its like; /dev/console if unset."},
	{"Service", "TTYReset", VALUE_BOOL, ENGINE, SPEC(tty_reset), .summary = "Resets the terminal before and after."},
	{"Service", "TTYVHangup", VALUE_BOOL, ENGINE, SPEC(tty_vhangup), .summary = "Disconnects all who have the terminal open, before and after."},
	{"Service", "TTYVTDisallocate", VALUE_BOOL, ENGINE, SPEC(tty_disallocate), .summary = "Clears a virtual console and its scrollback, before and after."},
	{"Service", "TTYRows", VALUE_SPECIAL, ENGINE, SPEC(tty_rows), SPECIAL(tty_size), .summary = "Rows of the terminal, set before the service starts."},
	{"Service", "TTYColumns", VALUE_SPECIAL, ENGINE, SPEC(tty_columns), SPECIAL(tty_size), .summary = "Columns of the terminal, set before the service starts."},
	{"Service", "OpenFile", VALUE_SPECIAL, ENGINE, SPEC(open_files), SPECIAL(open_file), .summary = "PATH[:NAME[:read-only|append|truncate,graceful]]: a file, or a socket to connect to, passed to the main process as sd_listen_fds_with_names(3) has it; graceful: may be missing."},

	/* --- [Service]: what cannot be had. The list is kept short: each row is a promise broken. --- */
	REFUSED("Service", "ManagedOOMSwap", managed_oom_swap_names, "No event of the kernel's tells how full the swap space is, and nothing here looks again and again; MemorySwapMax= limits it, ManagedOOMMemoryPressure= acts on what it leads to."),
	REFUSED("Service", "PAMName", NULL, "A PAM session is held by a process that runs its modules beside the service for as long as it lives; services here have no such process, and logind, for which most of these sessions are, is a part of systemd."),
	REFUSED("Service", "LogNamespace", NULL, "Journal namespaces are a part of systemd-journald itself."),

	/* --- [Container]: Quadlet's names. A key that [Service] has under another name points to the same field. --- */
	{"Container", "Image", VALUE_PATH_LIST, ENGINE, SPEC(image_layers), .argument = VALUE_LIST_COLON | VALUE_LIST_REPLACES, .summary = "The directory that is the container's root, / included; several joined by ':', uppermost first, become an overlay."},
	{"Container", "Layer", VALUE_PATH_LIST, ENGINE, SPEC(image_layers), .argument = VALUE_LIST_CONTINUES, .property = "-", .summary = "A further layer below Image= and the Layer= lines before it."},
	{"Container", "Upper", VALUE_ENUM, ENGINE, SPEC(upper), .names = upper_names, .default_text = "ephemeral", .summary = "What becomes of writes to the root: gone at stop, kept in UpperDirectory=, or refused."},
	{"Container", "UpperDirectory", VALUE_PATH, ENGINE, SPEC(upper_directory), .summary = "Where a persistent upper layer is kept; implies Upper=persistent."},
	{"Container", "Exec", VALUE_TEXT_LIST, MANAGER, AT(container.exec), .argument = VALUE_LIST_REPLACES, .property = "-", .summary = "The command line, or behind Entrypoint= its arguments."},
	{"Container", "Entrypoint", VALUE_TEXT_LIST, MANAGER, AT(container.entrypoint), .argument = VALUE_LIST_REPLACES, .property = "-", .summary = "The command before Exec=."},
	{"Container", "Volume", VALUE_MOUNTS, ENGINE, SPEC(volumes), .argument = SPEC_MOUNT_BIND | VALUE_MOUNT_VOLUME, .summary = "[SOURCE:]TARGET[:OPTIONS] of a directory or file of the host that must exist, or of a volume kept under this name; O: what is written is gone at the end; idmap: ids on disk are those inside, as they are anyway but with UserNS=keep-id and nomap; noidmap: they are the host's, as Podman has it; idmap=uids=DISK-HOST-COUNT[#…];gids=…: mapped so ('@' before the first: DISK-INSIDE-COUNT); U: what is there becomes the container's user's."},
	{"Container", "Mount", VALUE_MOUNTS, ENGINE, SPEC(mounts), .argument = VALUE_MOUNT_OPTIONS, .property = "-", .summary = "type=bind|volume|tmpfs|ramfs|devpts|image|glob,source=…,destination=…: one mount, in podman's words."},
	{"Container", "AddDevice", VALUE_MOUNTS, ENGINE, SPEC(devices), .argument = SPEC_MOUNT_DEVICE, .property = "-", .summary = "HOST[:CONTAINER][:rwm]: a device, or a directory of them, that the container may use; '-' before it: may be missing."},
	{"Container", "Tmpfs", VALUE_MOUNTS, ENGINE, SPEC(tmpfs), .argument = SPEC_MOUNT_TMPFS | VALUE_MOUNT_DEFAULTS, .summary = "PATH[:OPTIONS] that holds an empty tmpfs."},
	{"Container", "Mask", VALUE_PATH_LIST, ENGINE, SPEC(mask), .argument = VALUE_LIST_COLON, .summary = "Paths, joined by ':', hidden in addition to the usual ones."},
	{"Container", "Unmask", VALUE_PATH_LIST, ENGINE, SPEC(unmask), .argument = VALUE_LIST_COLON | VALUE_LIST_ALL, .summary = "Paths, joined by ':', that are not hidden although usual; ALL: none is."},
	{"Container", "ReadOnly", VALUE_BOOL, ENGINE, SPEC(read_only_root), .summary = "The root is read-only; /dev, /run, /tmp and /var/tmp are not, unless ReadOnlyTmpfs=no."},
	{"Container", "ReadOnlyTmpfs", VALUE_BOOL, ENGINE, SPEC(read_only_tmpfs), .summary = "With ReadOnly=: /dev, /run, /tmp and /var/tmp can be written to, in memory; yes unless set."},
	{"Container", "Rootfs", VALUE_SPECIAL, ENGINE, SPEC(root_directory), SPECIAL(rootfs), .property = "-", .summary = "A directory that is the container's root and keeps what is written to it; with :O that is gone at the end, with :idmap its files belong to the container's ids."},
	{"Container", "Network", VALUE_SPECIAL, ENGINE, SPEC(private_network), SPECIAL(network), .property = "-", .summary = "none or private: an own network namespace with loopback only, which is the default; host: the host's; container:UNIT or UNIT.container: that of another unit, which is then required; ns:/PATH: the one of this file."},
	{"Container", "UserNS", VALUE_SPECIAL, ENGINE, SPEC(user_namespace), SPECIAL(user_ns), .property = "-", .summary = "host: the host's user namespace; auto[:size=N,uidmapping=INSIDE:OUTSIDE:COUNT,gidmapping=…]: ids of a range chosen for the unit; keep-id[:uid=N,gid=N,size=N]: the manager's user has this id inside; nomap: as auto, and no file of the host's is mapped; ns:/PATH: the one of this file."},
	{"Container", "SubUIDMap", VALUE_USER_NAME, ENGINE, SPEC(sub_user), .summary = "A user namespace with the ranges that /etc/subuid has for this name; for groups too without SubGIDMap=."},
	{"Container", "SubGIDMap", VALUE_USER_NAME, ENGINE, SPEC(sub_group), .summary = "A user namespace with the ranges that /etc/subgid has for this name; for users too without SubUIDMap=."},
	{"Container", "UIDMap", VALUE_ID_MAP, ENGINE, SPEC(uid_map), .summary = "INSIDE:OUTSIDE:COUNT: user ids of an own user namespace; for groups too without GIDMap=."},
	{"Container", "GIDMap", VALUE_ID_MAP, ENGINE, SPEC(gid_map), .summary = "INSIDE:OUTSIDE:COUNT: group ids of an own user namespace; for users too without UIDMap=."},
	{"Container", "HostName", VALUE_SPECIAL, ENGINE, SPEC(hostname), SPECIAL(hostname), .summary = "The container's host name; the unit's name without suffix if unset."},
	{"Container", "User", VALUE_USER_NAME, ENGINE, SPEC(user), .property = "-", .summary = "As [Service] User=."},
	{"Container", "Group", VALUE_USER_NAME, ENGINE, SPEC(group), .property = "-", .summary = "As [Service] Group=."},
	{"Container", "ContainerName", VALUE_SPECIAL, MANAGER, AT(container_name), SPECIAL(container_name), .summary = "Another name of the container, by which Network=container:NAME finds it too."},
	{"Container", "GroupAdd", VALUE_SPECIAL, ENGINE, SPEC(supplementary_groups), SPECIAL(group_add), .property = "-", .summary = "As [Service] SupplementaryGroups=."},
	{"Container", "Sysctl", VALUE_SPECIAL, ENGINE, SPEC(sysctls), SPECIAL(sysctl), .summary = "NAME=VALUE of kernel variables that the container's network, IPC or UTS namespace has of its own."},
	{"Container", "Timezone", VALUE_SPECIAL, ENGINE, SPEC(timezone), SPECIAL(timezone), .summary = "The container's /etc/localtime: an area such as Europe/Vienna of the host's /usr/share/zoneinfo, or local: as the host has it."},
	{"Container", "AddCapability", VALUE_SPECIAL, ENGINE, AT(container.add_capabilities), SPECIAL(container_capabilities), .property = "-", .summary = "Capabilities beyond the usual ones, or all; with User= they are ambient too."},
	{"Container", "DropCapability", VALUE_SPECIAL, ENGINE, AT(container.drop_capabilities), SPECIAL(container_capabilities), .property = "-", .summary = "Capabilities the container does not get, or all; AddCapability= counts after it."},
	{"Container", "NoNewPrivileges", VALUE_BOOL, ENGINE, SPEC(no_new_privileges), .property = "-", .summary = "As [Service] NoNewPrivileges=."},
	{"Container", "AppArmor", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(apparmor_profile), SPECIAL(label), .property = "-", .summary = "As [Service] AppArmorProfile=."},
	{"Container", "SecurityLabelDisable", VALUE_BOOL, ENGINE, CONFINEMENT_AT(label_disable), .summary = "No SELinux context of the container's own, whatever the keys below say."},
	{"Container", "SecurityLabelType", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(label_type), SPECIAL(label), .summary = "The type in the container's SELinux context; container_t if only the level is set."},
	{"Container", "SecurityLabelLevel", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(label_level), SPECIAL(label), .summary = "The level in the container's SELinux context; s0 if only the type is set."},
	{"Container", "SecurityLabelFileType", VALUE_SPECIAL, ENGINE, CONFINEMENT_AT(label_file_type), SPECIAL(label), .summary = "The SELinux type of the files in the container's root."},
	{"Container", "SecurityLabelNested", VALUE_BOOL, ENGINE, CONFINEMENT_AT(label_nested), .summary = "The kernel's SELinux file system is visible in the container, so that it can label containers of its own."},
	{"Container", "SeccompProfile", VALUE_SPECIAL, ENGINE, SPEC(seccomp_profile), SPECIAL(seccomp_profile), .summary = "The path of a JSON profile as Docker and Podman have them, instead of the container's usual filter; unconfined: no filter; default: the usual one."},
	{"Container", "Secret", VALUE_CREDENTIALS, ENGINE, SPEC(secrets), .argument = SPEC_CREDENTIAL_MAX_, .property = "-", .summary = "NAME[,type=mount|env][,target=…][,uid=…][,gid=…][,mode=…] of a secret, from secrets/ in the state directory or a credential store: a file in /run/secrets or at target, or a variable."},
	{"Container", "ShmSize", VALUE_SIZE, ENGINE, SPEC(shm_size), .summary = "Size of /dev/shm."},
	{"Container", "WorkingDir", VALUE_SPECIAL, ENGINE, SPEC(working_directory), SPECIAL(working_directory), .property = "-", .summary = "As [Service] WorkingDirectory=."},
	{"Container", "Environment", VALUE_ENVIRONMENT, ENGINE, SPEC(environment), .property = "-", .summary = "As [Service] Environment=."},
	{"Container", "EnvironmentFile", VALUE_ENVIRONMENT_FILES, ENGINE, SPEC(environment_files), .property = "-", .summary = "As [Service] EnvironmentFile=."},
	{"Container", "Ulimit", VALUE_SPECIAL, ENGINE, 0, SPECIAL(ulimit), .group = &directive_group_rlimits, .property = "-", .summary = "NAME=SOFT[:HARD]: a resource limit, as [Service] LimitNOFILE= and its like."},
	{"Container", "PidsLimit", VALUE_LIMIT_COUNT, CGROUP, LIMIT_AT(tasks_max), .argument = VALUE_COUNT_MINUS_IS_INFINITY, .property = "-", .summary = "Processes and threads at most; -1: any number."},
	{"Container", "Memory", VALUE_LIMIT_SIZE, CGROUP, LIMIT_AT(memory_max), .argument = VALUE_SIZE_POSITIVE, .property = "-", .summary = "As [Service] MemoryMax=."},
	{"Container", "CgroupsMode", VALUE_ENUM, MANAGER, AT(container.cgroups_mode), .names = cgroups_mode_names, .default_text = "split", .property = "-", .summary = "enabled, no-conmon, split: a control group of its own, as there is no conmon; disabled: it sees the host's groups, and takes no limits."},
	{"Container", "StopSignal", VALUE_SIGNAL, MANAGER, AT(kill_signal), .default_text = "SIGTERM", .property = "-", .summary = "As [Service] KillSignal=."},
	{"Container", "StopTimeout", VALUE_USEC, MANAGER, AT(timeout_stop), .default_text = "90s", .property = "-", .summary = "As [Service] TimeoutStopSec=."},
	{"Container", "Notify", VALUE_SPECIAL, MANAGER, AT(container.notify), SPECIAL(notify), .property = "-", .summary = "yes: the container says when it is ready, as Type=notify."},
	{"Container", "LogDriver", VALUE_SPECIAL, MANAGER, LOG_AT(driver), SPECIAL(log_driver), .default_text = "journald", .property = "-", .summary = "journald: the unit's log; k8s-file or json-file: that, or LogOpt=path= as it is printed; none; passthrough: as [Service] StandardOutput= and StandardError= say."},
	{"Container", "LogOpt", VALUE_SPECIAL, MANAGER, LOG_AT(identifier), SPECIAL(log_option), .property = "-", .summary = "path=PATH (LogDriver=k8s-file); max-size=SIZE, at which the log is put aside; tag=NAME, as SyslogIdentifier=."},
	{"Container", "EnvironmentHost", VALUE_BOOL, ENGINE, SPEC(environment_host), .summary = "The manager's own environment is passed on, below everything else."},
	{"Container", "RunInit", VALUE_BOOL, ENGINE, SPEC(run_init), .default_text = "yes", .property = "-", .summary = "As [Service] Init=."},
};

const size_t directive_count = ARRAY_SIZE(directive_table);
