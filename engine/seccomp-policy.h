/* One architecture's policy while it is put together: names instead of numbers. */
#pragma once

#include "engine/seccomp-code.h"

struct seccomp_policy {
	uint32_t architecture; /* SCMP_ARCH_* */
	bool failed;	       /* out of memory, or a list of ours names no group */
	struct seccomp_code_table table;
};

/* Starts a policy that allows everything on the architecture NAME: "native", or as systemd.exec(5) names
 * them. Returns 0, -EINVAL for an unknown name, -EOPNOTSUPP for one whose calls cannot happen on this machine,
 * -ENOMEM. */
int seccomp_policy_new(const char *name, struct seccomp_policy **ret);
struct seccomp_policy *seccomp_policy_free(struct seccomp_policy *policy);
DEFINE_CLEANUP(struct seccomp_policy *, seccomp_policy_free);

/* The number of a call on the policy's architecture; -1: it has none there; -2: no architecture has that
 * name. */
int seccomp_policy_number(const struct seccomp_policy *policy, const char *name);

/* Calls VISIT for every name of LIST ("read @aio"), groups resolved, with its number on this architecture.
 * Names it has not are passed over. Returns 0, or -EINVAL when a group is unknown. */
int seccomp_policy_visit(struct seccomp_policy *policy, const char *list,
			 void (*visit)(struct seccomp_policy *policy, int number, void *data), void *data);

/* Refuses every call of LIST with ACTION, unless it is refused in a stricter way already. */
void seccomp_policy_refuse(struct seccomp_policy *policy, const char *list, uint32_t action);
/* The same for one number, whatever its arguments: rules that would grant it become as strict. */
void seccomp_policy_restrict(struct seccomp_policy *policy, int number, uint32_t action);
/* Gives every call of LIST this fate, whatever it was. */
void seccomp_policy_set(struct seccomp_policy *policy, const char *list, uint32_t action);

/* Refuses one call where (argument & mask) is one of VALUES (or with NEGATE none of them). Returns the rule,
 * for a second condition; NULL when the architecture has no such call. */
struct seccomp_code_rule *seccomp_policy_rule(struct seccomp_policy *policy, const char *name,
					      uint32_t action);
void seccomp_policy_condition(struct seccomp_code_rule *rule, unsigned argument, uint32_t mask, bool negate,
			      const uint32_t *values, size_t n_values);
/* Adds a condition as it is. */
void seccomp_policy_compare(struct seccomp_code_rule *rule, const struct seccomp_code_condition *condition);

/* The default of containers for a payload that has CAPABILITIES; see seccomp-container.c. The table must be
 * fresh. */
void seccomp_container_fill(struct seccomp_policy *policy, uint64_t capabilities);

/* True when A is at least as strict as B. */
bool seccomp_policy_stricter(uint32_t a, uint32_t b);
