/* The filter is a binary search over ranges of system call numbers that share a fate, so that neither a call
 * nor the kernel's examination of the filter at load time (it tries every number) walks a list: some sixty
 * instructions, seven comparisons deep, where one test per call makes hundreds. libseccomp gives the numbers;
 * it is not asked to generate code because it neither merges ranges nor lets two sources of rules speak about
 * one call.
 *
 * Code is laid down backwards: what is jumped to exists already, its distance is known, and returns are
 * shared. `position` 0 is the last instruction of the filter. */
#include <errno.h>
#include <stddef.h>

#include "engine/seccomp-code.h"

enum { SECCOMP_CODE_REACH = 250, SECCOMP_CODE_RETURNS = 32 };

#define SECCOMP_CODE_X32_BIT 0x40000000u

struct seccomp_code {
	struct sock_filter items[BPF_MAXINSNS]; /* backwards */
	size_t n;
	bool too_long;
	struct {
		uint32_t action;
		size_t position;
	} returns[SECCOMP_CODE_RETURNS]; /* the latest one of each action */
	size_t n_returns;
};

struct seccomp_code_range {
	const struct seccomp_code_table *table; /* and the number in it, for one with rules */
	uint32_t number;
	uint32_t first; /* as the kernel shows it */
	uint32_t action;
	bool has_rules; /* a single number */
};

static size_t seccomp_code_put(struct seccomp_code *code, struct sock_filter instruction)
{
	if (code->n == BPF_MAXINSNS) {
		code->too_long = true;
		return 0;
	}
	code->items[code->n] = instruction;
	return code->n++;
}

/* Instructions between the one that comes next and TARGET. */
static size_t seccomp_code_distance(const struct seccomp_code *code, size_t target)
{
	return code->n - target - 1;
}

static size_t seccomp_code_jump_to(struct seccomp_code *code, size_t target)
{
	return seccomp_code_put(code,
				(struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
							     (uint32_t)seccomp_code_distance(code, target)));
}

/* A conditional jump; either target may be any earlier position. */
static size_t seccomp_code_branch(struct seccomp_code *code, uint16_t comparison, uint32_t k, size_t if_true,
				  size_t if_false)
{
	if (seccomp_code_distance(code, if_true) > SECCOMP_CODE_REACH)
		if_true = seccomp_code_jump_to(code, if_true);
	if (seccomp_code_distance(code, if_false) > SECCOMP_CODE_REACH)
		if_false = seccomp_code_jump_to(code, if_false);
	return seccomp_code_put(code,
				(struct sock_filter)BPF_JUMP(BPF_JMP | comparison | BPF_K, k,
							     (uint8_t)seccomp_code_distance(code, if_true),
							     (uint8_t)seccomp_code_distance(code, if_false)));
}

static size_t seccomp_code_return(struct seccomp_code *code, uint32_t action)
{
	size_t slot = 0;

	while (slot < code->n_returns && code->returns[slot].action != action)
		slot++;
	if (slot < code->n_returns &&
	    seccomp_code_distance(code, code->returns[slot].position) <= SECCOMP_CODE_REACH)
		return code->returns[slot].position;
	if (slot == SECCOMP_CODE_RETURNS)
		slot--;
	code->returns[slot].action = action;
	code->returns[slot].position =
		seccomp_code_put(code, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
	code->n_returns = MAX_OF(code->n_returns, slot + 1);
	return code->returns[slot].position;
}

/* Makes what follows in the filter be POSITION: execution falls through from the next instruction laid down.
 */
static void seccomp_code_fall_to(struct seccomp_code *code, size_t position)
{
	if (position + 1 != code->n)
		seccomp_code_jump_to(code, position);
}

/* Loads the low or high half of an argument. */
static size_t seccomp_code_load(struct seccomp_code *code, unsigned argument, bool high)
{
	uint32_t offset = (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t));

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	high = !high;
#endif
	if (high)
		offset += sizeof(uint32_t);
	return seccomp_code_put(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

static void seccomp_code_and(struct seccomp_code *code, uint32_t mask)
{
	if (mask != UINT32_MAX)
		seccomp_code_put(code, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
}

static size_t seccomp_code_in_set(struct seccomp_code *code, const struct seccomp_code_condition *condition,
				  size_t if_true, size_t if_false)
{
	size_t next = if_false;

	for (size_t i = condition->n_values; i > 0; i--)
		next = seccomp_code_branch(code, BPF_JEQ, condition->values[i - 1], if_true, next);
	seccomp_code_fall_to(code, next);
	seccomp_code_and(code, condition->mask);
	return seccomp_code_load(code, condition->argument, false);
}

/* 64 bits, one half after the other: the high one decides unless it is equal. */
static size_t seccomp_code_compare(struct seccomp_code *code, const struct seccomp_code_condition *condition,
				   size_t if_true, size_t if_false)
{
	uint32_t high = (uint32_t)(condition->wide_value >> 32), low = (uint32_t)condition->wide_value;
	bool equal = condition->test == SECCOMP_CODE_EQUAL;
	uint64_t mask = equal ? condition->wide_mask : UINT64_MAX;
	uint16_t comparison = equal ? BPF_JEQ : condition->test == SECCOMP_CODE_ABOVE ? BPF_JGT : BPF_JGE;
	size_t next;

	seccomp_code_branch(code, comparison, low, if_true, if_false);
	seccomp_code_and(code, (uint32_t)mask);
	next = seccomp_code_load(code, condition->argument, false);
	next = seccomp_code_branch(code, BPF_JEQ, high, next, if_false);
	if (!equal)
		next = seccomp_code_branch(code, BPF_JGT, high, if_true, next);
	seccomp_code_and(code, (uint32_t)(mask >> 32));
	return seccomp_code_load(code, condition->argument, true);
}

static size_t seccomp_code_condition(struct seccomp_code *code,
				     const struct seccomp_code_condition *condition, size_t if_true,
				     size_t if_false)
{
	size_t holds = condition->negate ? if_false : if_true;
	size_t fails = condition->negate ? if_true : if_false;

	return condition->test == SECCOMP_CODE_IN_SET ? seccomp_code_in_set(code, condition, holds, fails)
						      : seccomp_code_compare(code, condition, holds, fails);
}

static size_t seccomp_code_rules(struct seccomp_code *code, const struct seccomp_code_table *table,
				 uint32_t number, bool grants, size_t next)
{
	for (size_t i = table->n_rules; i > 0; i--) {
		const struct seccomp_code_rule *rule = &table->rules[i - 1];
		size_t target;

		if (rule->number != (int)number || rule->grant != grants)
			continue;
		target = seccomp_code_return(code, rule->action);
		for (size_t c = rule->n_conditions; c > 0; c--)
			target = seccomp_code_condition(code, &rule->conditions[c - 1], target, next);
		next = target;
	}
	return next;
}

static size_t seccomp_code_leaf(struct seccomp_code *code, const struct seccomp_code_range *range)
{
	size_t next = seccomp_code_return(code, range->action);

	if (!range->has_rules)
		return next;
	next = seccomp_code_rules(code, range->table, range->number, true, next);
	return seccomp_code_rules(code, range->table, range->number, false, next);
}

static size_t seccomp_code_search(struct seccomp_code *code, const struct seccomp_code_range *ranges,
				  size_t first, size_t last)
{
	size_t middle, above, below;

	if (first == last)
		return seccomp_code_leaf(code, &ranges[first]);
	middle = first + (last - first + 1) / 2;
	above = seccomp_code_search(code, ranges, middle, last);
	below = seccomp_code_search(code, ranges, first, middle - 1);
	return seccomp_code_branch(code, BPF_JGE, ranges[middle].first, above, below);
}

static bool seccomp_code_has_rules(const struct seccomp_code_table *table, uint32_t number)
{
	uint32_t action = table->actions[number];
	bool allowed = action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;

	/* A call that is refused whatever its arguments needs no look at them. */
	for (size_t i = 0; i < table->n_rules; i++)
		if (table->rules[i].number == (int)number &&
		    (table->rules[i].grant ? table->rules[i].action != action : allowed))
			return true;
	return false;
}

/* Appends the ranges of one table's numbers, shown with the bit OFFSET. */
static size_t seccomp_code_ranges(const struct seccomp_code_table *table, uint32_t offset,
				  struct seccomp_code_range *ranges, size_t n)
{
	size_t start = n;

	for (uint32_t number = 0; number < SECCOMP_CODE_NUMBERS; number++) {
		struct seccomp_code_range range = {.table = table,
						   .number = number,
						   .first = offset + number,
						   .action = table->actions[number],
						   .has_rules = seccomp_code_has_rules(table, number)};

		if (n == start || range.has_rules || ranges[n - 1].has_rules ||
		    ranges[n - 1].action != range.action)
			ranges[n++] = range;
	}
	ranges[n++] =
		(struct seccomp_code_range){.first = offset + SECCOMP_CODE_NUMBERS, .action = table->beyond};
	return n;
}

/* RANGES has room for 2 * (SECCOMP_CODE_NUMBERS + 1). */
static size_t seccomp_code_all_ranges(const struct seccomp_code_table *table,
				      const struct seccomp_code_table *x32, uint32_t other,
				      struct seccomp_code_range *ranges)
{
	size_t n = seccomp_code_ranges(table, 0, ranges, 0);

	/* On x86-64 these are calls of the x32 architecture under the same token. */
	if (x32)
		return seccomp_code_ranges(x32, SECCOMP_CODE_X32_BIT, ranges, n);
	ranges[n++] = (struct seccomp_code_range){.first = SECCOMP_CODE_X32_BIT, .action = other};
	return n;
}

static const struct seccomp_code_table *seccomp_code_x32(const struct seccomp_code_table *const *tables,
							 size_t n_tables, uint32_t architecture)
{
	for (size_t i = 0; i < n_tables; i++)
		if (tables[i]->x32 && tables[i]->audit_architecture == architecture)
			return tables[i];
	return NULL;
}

int seccomp_code_assemble(const struct seccomp_code_table *const *tables, size_t n_tables, uint32_t other,
			  struct seccomp_code_filter *ret)
{
	_cleanup_free_ struct seccomp_code *code = calloc(1, sizeof(*code));
	_cleanup_free_ struct seccomp_code_range *ranges =
		calloc(2 * (SECCOMP_CODE_NUMBERS + 1), sizeof(*ranges));
	size_t next;

	if (!code || !ranges)
		return -ENOMEM;
	next = seccomp_code_return(code, other);
	for (size_t i = n_tables; i > 0; i--) {
		const struct seccomp_code_table *table = tables[i - 1];
		size_t n, search;

		if (table->x32)
			continue;
		n = seccomp_code_all_ranges(
			table, seccomp_code_x32(tables, n_tables, table->audit_architecture), other, ranges);
		search = seccomp_code_search(code, ranges, 0, n - 1);
		seccomp_code_fall_to(code, search);
		search = seccomp_code_put(code,
					  (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
								       offsetof(struct seccomp_data, nr)));
		next = seccomp_code_branch(code, BPF_JEQ, table->audit_architecture, search, next);
	}
	seccomp_code_fall_to(code, next);
	seccomp_code_put(code, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							    offsetof(struct seccomp_data, arch)));
	if (code->too_long)
		return -E2BIG;

	ret->instructions = calloc(code->n, sizeof(*ret->instructions));
	if (!ret->instructions)
		return -ENOMEM;
	ret->n = code->n;
	for (size_t i = 0; i < code->n; i++)
		ret->instructions[i] = code->items[code->n - 1 - i];
	return 0;
}
