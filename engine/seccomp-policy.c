/* Names to numbers. The only file that calls libseccomp: it knows every architecture's system calls. */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "engine/seccomp-groups.h"
#include "engine/seccomp-policy.h"

enum { SECCOMP_POLICY_NAME_MAX = 64, SECCOMP_POLICY_DEPTH_MAX = 4 };

int seccomp_policy_new(const char *name, struct seccomp_policy **ret)
{
	uint32_t native = seccomp_arch_native();
	uint32_t architecture = native;
	struct seccomp_policy *policy;

	if (strcmp(name, "native") != 0) {
		/* The manual page writes "x86-64", the library "x86_64". */
		architecture =
			strcmp(name, "x86-64") == 0 ? SCMP_ARCH_X86_64 : seccomp_arch_resolve_name(name);
		if (architecture == 0)
			return -EINVAL;
		/* x32 has no token of its own, other processors' calls cannot happen. */
		if (architecture != native && !(native == SCMP_ARCH_X86_64 && architecture == SCMP_ARCH_X86))
			return -EOPNOTSUPP;
	}
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return -ENOMEM;
	policy->architecture = architecture;
	policy->table.audit_architecture =
		architecture; /* libseccomp's tokens are the kernel's but for x32 */
	policy->table.beyond = SECCOMP_RET_ALLOW;
	for (size_t i = 0; i < SECCOMP_CODE_NUMBERS; i++)
		policy->table.actions[i] = SECCOMP_RET_ALLOW;
	*ret = policy;
	return 0;
}

struct seccomp_policy *seccomp_policy_free(struct seccomp_policy *policy)
{
	if (!policy)
		return NULL;
	free(policy->table.rules);
	free(policy);
	return NULL;
}

int seccomp_policy_number(const struct seccomp_policy *policy, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(policy->architecture, name);

	if (number == __NR_SCMP_ERROR)
		return -2;
	return number < 0 || number >= SECCOMP_CODE_NUMBERS ? -1 : number;
}

/* Every call the library can name on this architecture. */
static void seccomp_policy_visit_known(struct seccomp_policy *policy,
				       void (*visit)(struct seccomp_policy *policy, int number, void *data),
				       void *data)
{
	for (int number = 0; number < SECCOMP_CODE_NUMBERS; number++) {
		_cleanup_free_ char *name = seccomp_syscall_resolve_num_arch(policy->architecture, number);

		if (name)
			visit(policy, number, data);
	}
}

static int seccomp_policy_visit_nested(struct seccomp_policy *policy, const char *list, unsigned depth,
				       void (*visit)(struct seccomp_policy *policy, int number, void *data),
				       void *data)
{
	while (*list) {
		size_t length = strcspn(list, " ");
		char name[SECCOMP_POLICY_NAME_MAX];
		const struct seccomp_group *group;
		int r = 0;

		if (length >= sizeof(name) || depth > SECCOMP_POLICY_DEPTH_MAX)
			return -EINVAL;
		memcpy(name, list, length);
		name[length] = '\0';
		list += length;
		list += strspn(list, " ");
		if (name[0] != '@') {
			int number = seccomp_policy_number(policy, name);

			if (number >= 0)
				visit(policy, number, data);
		} else if (strcmp(name, "@known") == 0) {
			seccomp_policy_visit_known(policy, visit, data);
		} else {
			group = seccomp_groups_find(name);
			r = group ? seccomp_policy_visit_nested(policy, group->members, depth + 1, visit,
								data)
				  : -EINVAL;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int seccomp_policy_visit(struct seccomp_policy *policy, const char *list,
			 void (*visit)(struct seccomp_policy *policy, int number, void *data), void *data)
{
	return seccomp_policy_visit_nested(policy, list, 0, visit, data);
}

static unsigned seccomp_policy_rank(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return 0;
	case SECCOMP_RET_ERRNO:
		return 1;
	default:
		return 2;
	}
}

bool seccomp_policy_stricter(uint32_t a, uint32_t b)
{
	return seccomp_policy_rank(a) >= seccomp_policy_rank(b);
}

static void seccomp_policy_visit_refuse(struct seccomp_policy *policy, int number, void *data)
{
	uint32_t action = *(const uint32_t *)data;

	if (seccomp_policy_stricter(action, policy->table.actions[number]))
		policy->table.actions[number] = action;
}

static void seccomp_policy_visit_set(struct seccomp_policy *policy, int number, void *data)
{
	policy->table.actions[number] = *(const uint32_t *)data;
}

void seccomp_policy_refuse(struct seccomp_policy *policy, const char *list, uint32_t action)
{
	if (seccomp_policy_visit(policy, list, seccomp_policy_visit_refuse, &action) < 0)
		policy->failed = true;
}

void seccomp_policy_set(struct seccomp_policy *policy, const char *list, uint32_t action)
{
	if (seccomp_policy_visit(policy, list, seccomp_policy_visit_set, &action) < 0)
		policy->failed = true;
}

struct seccomp_code_rule *seccomp_policy_rule(struct seccomp_policy *policy, const char *name,
					      uint32_t action)
{
	int number = seccomp_policy_number(policy, name);
	struct seccomp_code_rule *rules;

	if (number < 0)
		return NULL;
	rules = reallocarray(policy->table.rules, policy->table.n_rules + 1, sizeof(*rules));
	if (!rules) {
		policy->failed = true;
		return NULL;
	}
	policy->table.rules = rules;
	rules[policy->table.n_rules] = (struct seccomp_code_rule){.number = number, .action = action};
	return &rules[policy->table.n_rules++];
}

void seccomp_policy_condition(struct seccomp_code_rule *rule, unsigned argument, uint32_t mask, bool negate,
			      const uint32_t *values, size_t n_values)
{
	struct seccomp_code_condition *condition;

	if (!rule)
		return;
	assert(rule->n_conditions < SECCOMP_CODE_CONDITIONS && n_values <= SECCOMP_CODE_VALUES);
	condition = &rule->conditions[rule->n_conditions++];
	*condition = (struct seccomp_code_condition){.argument = (uint8_t)argument,
						     .negate = negate,
						     .mask = mask,
						     .n_values = (uint32_t)n_values};
	memcpy(condition->values, values, n_values * sizeof(*values));
}
