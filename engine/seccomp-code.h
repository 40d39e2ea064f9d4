/* From a table of system calls to a BPF filter. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

#include "base/macros.h"

enum {
	SECCOMP_CODE_NUMBERS = 1024,
	SECCOMP_CODE_VALUES = 56,
	SECCOMP_CODE_CONDITIONS = 2,
	SECCOMP_CODE_ARCHITECTURES = 3
};

/* Holds when (argument & mask) is one of the values; with `negate`, when it is none of them. Only the low 32
 * bits of an argument are looked at, as the kernel does for the int and unsigned arguments this is used for.
 */
struct seccomp_code_condition {
	uint8_t argument;
	bool negate;
	uint32_t mask;
	uint32_t n_values;
	uint32_t values[SECCOMP_CODE_VALUES];
};

/* Where all conditions hold, the call ends in `action`; else the next rule of that number is asked, and last
 * the table. */
struct seccomp_code_rule {
	int number;
	uint32_t action; /* SECCOMP_RET_* with its data */
	unsigned n_conditions;
	struct seccomp_code_condition conditions[SECCOMP_CODE_CONDITIONS];
};

/* What one architecture may call. */
struct seccomp_code_table {
	uint32_t audit_architecture; /* AUDIT_ARCH_* */
	uint32_t actions[SECCOMP_CODE_NUMBERS];
	uint32_t beyond; /* for higher numbers */
	struct seccomp_code_rule *rules;
	size_t n_rules;
};

struct seccomp_code_filter {
	struct sock_filter *instructions; /* heap */
	size_t n;
};

/* Assembles one filter for all TABLES (at most SECCOMP_CODE_ARCHITECTURES); calls by another architecture end
 * in OTHER. Returns 0, -ENOMEM, or -E2BIG when the filter would be longer than the kernel takes. */
int seccomp_code_assemble(const struct seccomp_code_table *const *tables, size_t n_tables, uint32_t other,
			  struct seccomp_code_filter *ret);
