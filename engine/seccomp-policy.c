/* Names to numbers. The only file that calls libseccomp: it knows every architecture's system calls. */
#include <errno.h>
#include <seccomp.h>
#include <string.h>

#include "engine/seccomp-groups.h"
#include "engine/seccomp-policy.h"

enum { SECCOMP_POLICY_NAME_MAX = 64, SECCOMP_POLICY_DEPTH_MAX = 4 };

/* Calls newer than the library. Since Linux 5.1 a new call has one number on nearly every architecture. */
static const struct {
	const char *name;
	int number;
} seccomp_policy_newer[] = {
	{"cachestat", 451},	    {"fchmodat2", 452},	       {"map_shadow_stack", 453},
	{"futex_wake", 454},	    {"futex_wait", 455},       {"futex_requeue", 456},
	{"statmount", 457},	    {"listmount", 458},	       {"lsm_get_self_attr", 459},
	{"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
	{"setxattrat", 463},	    {"getxattrat", 464},       {"listxattrat", 465},
	{"removexattrat", 466},	    {"open_tree_attr", 467},   {"file_getattr", 468},
	{"file_setattr", 469},
#ifdef __x86_64__
	{"uretprobe", 335},	    {"uprobe", 336},
#endif
};

/* The names of ConditionArchitecture= (systemd.unit(5)) that libseccomp spells otherwise, and those it does not know. */
static const struct {
	const char *name, *library;
} seccomp_policy_architectures[] = {
	{"x86-64", "x86_64"},
	{"arm64", "aarch64"},
	{"arm64-be", NULL},
	{"arm-be", NULL},
	{"mips-le", "mipsel"},
	{"mips64-le", "mipsel64"},
	{"mips64-n32", "mips64n32"},
	{"mips64-le-n32", "mipsel64n32"},
	{"ppc-le", NULL},
	{"ppc64-le", "ppc64le"},
	{"parisc", "parisc"},
	{"sparc", NULL},
	{"sparc64", NULL},
	{"ia64", NULL},
	{"alpha", NULL},
	{"sh", NULL},
	{"sh64", NULL},
	{"m68k", NULL},
	{"tilegx", NULL},
	{"cris", NULL},
	{"nios2", NULL},
	{"arc", NULL},
	{"arc-be", NULL},
	{"loongarch64", NULL},
	{"riscv32", NULL},
};

/* Returns 0 with the library's token, 0 with 0 for an architecture whose calls no kernel of this machine runs, or -EINVAL. */
static int seccomp_policy_find_architecture(const char *name, uint32_t *ret)
{
	uint32_t native = seccomp_arch_native(), token;

	*ret = 0;
	if (strcmp(name, "native") == 0) {
		*ret = native;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(seccomp_policy_architectures); i++)
		if (strcmp(seccomp_policy_architectures[i].name, name) == 0) {
			if (!seccomp_policy_architectures[i].library)
				return 0;
			name = seccomp_policy_architectures[i].library;
			break;
		}
	token = seccomp_arch_resolve_name(name);
	if (token == 0)
		return -EINVAL;
	if (token == native ||
	    (native == SCMP_ARCH_X86_64 && (token == SCMP_ARCH_X86 || token == SCMP_ARCH_X32)) ||
	    (native == SCMP_ARCH_AARCH64 && token == SCMP_ARCH_ARM) ||
	    (native == SCMP_ARCH_S390X && token == SCMP_ARCH_S390))
		*ret = token;
	return 0;
}

int seccomp_policy_new(const char *name, struct seccomp_policy **ret)
{
	struct seccomp_policy *policy;
	uint32_t architecture;
	int r = seccomp_policy_find_architecture(name, &architecture);

	if (r < 0)
		return r;
	if (architecture == 0)
		return -EOPNOTSUPP;
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return -ENOMEM;
	policy->architecture = architecture;
	/* libseccomp's tokens are the kernel's but for x32, which has none of its own. */
	policy->table.x32 = architecture == SCMP_ARCH_X32;
	policy->table.audit_architecture = policy->table.x32 ? SCMP_ARCH_X86_64 : architecture;
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

enum { SECCOMP_POLICY_X32_BIT = 0x40000000 };

int seccomp_policy_number(const struct seccomp_policy *policy, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(policy->architecture, name);

	if (policy->table.x32 && number >= SECCOMP_POLICY_X32_BIT)
		number -= SECCOMP_POLICY_X32_BIT;
	if (number >= 0)
		return number < SECCOMP_CODE_NUMBERS ? number : -1;
	for (size_t i = 0; i < ARRAY_SIZE(seccomp_policy_newer); i++)
		if (strcmp(seccomp_policy_newer[i].name, name) == 0)
			/* Those two are only in the table of 64 bits. */
			return seccomp_policy_newer[i].number < 400 && policy->architecture == SCMP_ARCH_X86
				       ? -1
				       : seccomp_policy_newer[i].number;
	return number == __NR_SCMP_ERROR ? -2 : -1;
}

/* Every call that has a name on this architecture. */
static void seccomp_policy_visit_known(struct seccomp_policy *policy,
				       void (*visit)(struct seccomp_policy *policy, int number, void *data),
				       void *data)
{
	int offset = policy->table.x32 ? SECCOMP_POLICY_X32_BIT : 0;

	for (int number = 0; number < SECCOMP_CODE_NUMBERS; number++) {
		_cleanup_free_ char *name =
			seccomp_syscall_resolve_num_arch(policy->architecture, number + offset);

		if (name)
			visit(policy, number, data);
	}
	for (size_t i = 0; i < ARRAY_SIZE(seccomp_policy_newer); i++)
		if (seccomp_policy_number(policy, seccomp_policy_newer[i].name) >= 0)
			visit(policy, seccomp_policy_newer[i].number, data);
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
	case SECCOMP_RET_LOG:
		return 1;
	case SECCOMP_RET_ERRNO:
		return 2;
	case SECCOMP_RET_TRAP:
		return 3;
	default:
		return 4;
	}
}

bool seccomp_policy_stricter(uint32_t a, uint32_t b)
{
	return seccomp_policy_rank(a) >= seccomp_policy_rank(b);
}

void seccomp_policy_restrict(struct seccomp_policy *policy, int number, uint32_t action)
{
	if (seccomp_policy_stricter(action, policy->table.actions[number]))
		policy->table.actions[number] = action;
	for (size_t i = 0; i < policy->table.n_rules; i++)
		if (policy->table.rules[i].number == number && policy->table.rules[i].grant &&
		    seccomp_policy_stricter(action, policy->table.rules[i].action))
			policy->table.rules[i].action = action;
}

static void seccomp_policy_visit_refuse(struct seccomp_policy *policy, int number, void *data)
{
	seccomp_policy_restrict(policy, number, *(const uint32_t *)data);
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

static struct seccomp_code_condition *seccomp_policy_next_condition(struct seccomp_code_rule *rule)
{
	if (!rule)
		return NULL;
	assert(rule->n_conditions < SECCOMP_CODE_CONDITIONS);
	return &rule->conditions[rule->n_conditions++];
}

void seccomp_policy_compare(struct seccomp_code_rule *rule, const struct seccomp_code_condition *condition)
{
	struct seccomp_code_condition *next = seccomp_policy_next_condition(rule);

	if (next)
		*next = *condition;
}

void seccomp_policy_condition(struct seccomp_code_rule *rule, unsigned argument, uint32_t mask, bool negate,
			      const uint32_t *values, size_t n_values)
{
	struct seccomp_code_condition *condition = seccomp_policy_next_condition(rule);

	if (!condition)
		return;
	assert(n_values <= SECCOMP_CODE_VALUES);
	*condition = (struct seccomp_code_condition){.argument = (uint8_t)argument,
						     .negate = negate,
						     .mask = mask,
						     .n_values = (uint32_t)n_values};
	memcpy(condition->values, values, n_values * sizeof(*values));
}
