/* Directives whose value is like no other's: their parsers and printers, named in their rows of the table. */
#pragma once

#include "units/value.h"

#define SPECIAL_DECLARE(name)                                                                              \
	int special_parse_##name(const struct directive_line *line, void *field, struct failure *failure); \
	char *special_print_##name(const void *field);

SPECIAL_DECLARE(timeouts) /* TimeoutSec=: start and stop */
SPECIAL_DECLARE(nice)
SPECIAL_DECLARE(timer_slack)
SPECIAL_DECLARE(working_directory) /* "~", "-" */
SPECIAL_DECLARE(process_subset)	   /* ProcSubset= */
SPECIAL_DECLARE(image_options)	   /* RootImageOptions= */
SPECIAL_DECLARE(image_policy)	   /* RootImagePolicy= and its like */
SPECIAL_DECLARE(root_hash)
SPECIAL_DECLARE(root_hash_signature)
SPECIAL_DECLARE(rootfs)	     /* [Container] Rootfs= */
SPECIAL_DECLARE(private_tmp) /* also "disconnected" */
SPECIAL_DECLARE(cpu_list)    /* AllowedCPUs=, AllowedMemoryNodes= */
SPECIAL_DECLARE(disable_controllers)
SPECIAL_DECLARE(delegate)
SPECIAL_DECLARE(subgroup)
SPECIAL_DECLARE(pressure_limit)
SPECIAL_DECLARE(cpu_shares)
SPECIAL_DECLARE(block_weight)
SPECIAL_DECLARE(address_families)
SPECIAL_DECLARE(slice)
SPECIAL_DECLARE(hostname)
SPECIAL_DECLARE(network)	  /* [Container] Network= */
SPECIAL_DECLARE(protect_hostname) /* "private", ":NAME" */
SPECIAL_DECLARE(container_name)
SPECIAL_DECLARE(user_ns) /* [Container] UserNS= */
SPECIAL_DECLARE(mount_flags)
SPECIAL_DECLARE(login_environment) /* yes, no, or what User= says */
SPECIAL_DECLARE(group_add)	   /* [Container] GroupAdd= */
SPECIAL_DECLARE(sysctl)
SPECIAL_DECLARE(timezone)
SPECIAL_DECLARE(container_capabilities) /* AddCapability=, DropCapability= */
SPECIAL_DECLARE(ulimit)
SPECIAL_DECLARE(cpu_policy) /* special-process.c */
SPECIAL_DECLARE(cpu_priority)
SPECIAL_DECLARE(cpu_affinity) /* a list, or "numa" */
SPECIAL_DECLARE(numa_policy)
SPECIAL_DECLARE(numa_mask) /* a list, or "all" */
SPECIAL_DECLARE(io_class)
SPECIAL_DECLARE(io_level)
SPECIAL_DECLARE(personality)
SPECIAL_DECLARE(coredump_filter)
SPECIAL_DECLARE(memory_ksm)
SPECIAL_DECLARE(secure_bits)
SPECIAL_DECLARE(keyring)
SPECIAL_DECLARE(label) /* of a security module, "-" before it */
SPECIAL_DECLARE(landlock_scope)
SPECIAL_DECLARE(seccomp_profile) /* special-control.c */
SPECIAL_DECLARE(notify)		 /* [Container] Notify= */

/* VALUE_RULES: rule.c */
#define SPECIAL_DECLARE_RULES(name) \
	int special_parse_##name(const struct directive_line *line, void *field, struct failure *failure);
SPECIAL_DECLARE_RULES(device_allow)
SPECIAL_DECLARE_RULES(ip_prefixes)
SPECIAL_DECLARE_RULES(bind_rules)
SPECIAL_DECLARE_RULES(interfaces)
SPECIAL_DECLARE_RULES(bpf_programs)
SPECIAL_DECLARE_RULES(nft_sets)
SPECIAL_DECLARE_RULES(file_systems)
/* special-log.c */
SPECIAL_DECLARE(syslog_level)
SPECIAL_DECLARE(syslog_facility)
SPECIAL_DECLARE(syslog_identifier)
SPECIAL_DECLARE(log_level_max)
SPECIAL_DECLARE(log_fields)
SPECIAL_DECLARE(log_patterns)
SPECIAL_DECLARE(log_driver) /* [Container] LogDriver=, LogOpt= */
SPECIAL_DECLARE(log_option)
/* special-stdio.c */
SPECIAL_DECLARE(input_text) /* StandardInputText= */
SPECIAL_DECLARE(input_data) /* StandardInputData= */
SPECIAL_DECLARE(tty_size)   /* TTYRows=, TTYColumns= */
SPECIAL_DECLARE(open_file)  /* OpenFile= */
