/* A small model of the kernel's filter machine: the instructions that seccomp-code.c writes, and no others. What is
 * not understood counts as allowed, for whoever asks wants to know what is certainly refused. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <string.h>

#include "engine/seccomp-ask.h"
#include "engine/seccomp-policy.h"

enum { SECCOMP_ASK_STEPS = BPF_MAXINSNS };

static uint32_t seccomp_ask_run(const struct sock_filter *filter, uint64_t n, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (uint64_t pc = 0, steps = 0; pc < n && steps < SECCOMP_ASK_STEPS; pc++, steps++) {
		const struct sock_filter *i = &filter[pc];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k > sizeof *data - sizeof a)
				return SECCOMP_RET_ALLOW;
			memcpy(&a, (const char *)data + i->k, sizeof a);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			pc += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			pc += a > i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += a & i->k ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k & SECCOMP_RET_ACTION_FULL;
		default:
			return SECCOMP_RET_ALLOW;
		}
	}
	return SECCOMP_RET_ALLOW;
}

/* A call that is only logged goes through. */
static bool seccomp_ask_passes(uint32_t action)
{
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

uint32_t seccomp_ask(const struct program_header *program, const struct seccomp_data *data)
{
	uint32_t strictest = SECCOMP_RET_ALLOW;

	for (uint32_t i = 0; i < program->n_ops; i++) {
		const struct program_op *op = &program_ops(program)[i];
		uint32_t answer;

		if (op->code != PROGRAM_SECCOMP)
			continue;
		answer = seccomp_ask_run((const struct sock_filter *)program_text(program, op->text),
					 op->number, data);
		/* seccomp(2): the action of least value, as a signed number, takes precedence. */
		if ((int32_t)answer < (int32_t)strictest)
			strictest = answer;
	}
	return strictest;
}

struct seccomp_ask_list {
	const struct program_header *program;
	bool any;
};

static void seccomp_ask_visit(struct seccomp_policy *policy, int number, void *data)
{
	struct seccomp_ask_list *list = data;
	struct seccomp_data call = {.nr = number, .arch = policy->table.audit_architecture};

	if (!list->any)
		list->any = seccomp_ask_passes(seccomp_ask(list->program, &call));
}

bool seccomp_ask_any(const struct program_header *program, const char *names)
{
	struct seccomp_ask_list list = {.program = program};
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;

	if (seccomp_policy_new("native", &policy) < 0 ||
	    seccomp_policy_visit(policy, names, seccomp_ask_visit, &list) < 0)
		return true;
	return list.any;
}

bool seccomp_ask_call(const struct program_header *program, const char *name, const uint64_t arguments[6])
{
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;
	struct seccomp_data call = {};

	if (seccomp_policy_new("native", &policy) < 0)
		return true;
	call.nr = seccomp_policy_number(policy, name);
	if (call.nr < 0)
		return false;
	call.arch = policy->table.audit_architecture;
	memcpy(call.args, arguments, sizeof call.args);
	return seccomp_ask_passes(seccomp_ask(program, &call));
}

bool seccomp_ask_foreign(const struct program_header *program)
{
	struct seccomp_data call = {.nr = 1, .arch = AUDIT_ARCH_I386};

#ifdef __i386__
	call.arch = AUDIT_ARCH_X86_64;
#endif
	return seccomp_ask_passes(seccomp_ask(program, &call));
}
