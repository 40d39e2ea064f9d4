/* From a table of system calls to a BPF filter. */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

#include "base/macros.h"

enum {
	SECCOMP_CODE_NUMBERS = 1024,
	SECCOMP_CODE_VALUES = 56,
	SECCOMP_CODE_CONDITIONS = 6, /* as many as a system call has arguments */
	SECCOMP_CODE_ARCHITECTURES = 3
};

enum seccomp_code_test {
	SECCOMP_CODE_IN_SET, /* (argument & mask) is one of the values; only the low 32 bits of an argument are looked at, as
				  the kernel does for the int and unsigned arguments this is used for */
	SECCOMP_CODE_EQUAL,    /* (argument & wide_mask) is wide_value, all 64 bits; so the rest */
	SECCOMP_CODE_ABOVE,    /* argument > wide_value */
	SECCOMP_CODE_AT_LEAST, /* argument >= wide_value */
};

/* With `negate` it holds when the test does not. */
struct seccomp_code_condition {
	uint8_t argument;
	bool negate;
	enum seccomp_code_test test;
	uint32_t mask;
	uint32_t n_values;
	uint32_t values[SECCOMP_CODE_VALUES];
	uint64_t wide_mask, wide_value;
};

/* Where all conditions hold, the call ends in `action`; else the next rule of that number is asked, and last
 * the table. Rules that refuse what else would be allowed come first, then those that `grant` what the table refuses. */
struct seccomp_code_rule {
	int number;
	bool grant;
	uint32_t action; /* SECCOMP_RET_* with its data */
	unsigned n_conditions;
	struct seccomp_code_condition conditions[SECCOMP_CODE_CONDITIONS];
};

/* What one architecture may call. */
struct seccomp_code_table {
	uint32_t audit_architecture; /* AUDIT_ARCH_* */
	bool x32;		     /* calls of x86-64 with the x32 bit, which the numbers below lack */
	uint32_t actions[SECCOMP_CODE_NUMBERS];
	uint32_t beyond; /* for higher numbers */
	struct seccomp_code_rule *rules;
	size_t n_rules;
};

struct seccomp_code_filter {
	struct sock_filter *instructions; /* heap */
	size_t n;
	uint32_t flags; /* for seccomp(2) */
};

/* Assembles one filter for all TABLES (at most SECCOMP_CODE_ARCHITECTURES, an x32 one never without x86-64's); calls by another
 * architecture end in OTHER. Returns 0, -ENOMEM, or -E2BIG when the filter would be longer than the kernel takes. */
int seccomp_code_assemble(const struct seccomp_code_table *const *tables, size_t n_tables, uint32_t other,
			  struct seccomp_code_filter *ret);
