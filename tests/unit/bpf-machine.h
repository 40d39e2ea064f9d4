/* The kernel's eBPF machine, as far as filters need it: runs a finished program in this process. Lookups in maps go to the
 * test's own function. */
#pragma once

#include <linux/bpf.h>
#include <sys/mman.h>

#include "engine/bpf-code.h"
#include "tests/unit/test.h"

enum { MACHINE_STACK = 512, MACHINE_STEPS = 100000 };

/* A helper: gets the registers 1 to 5, returns register 0. */
typedef uint64_t (*machine_helper)(int32_t number, const uint64_t arguments[5], void *data);

static bool machine_compare(uint8_t condition, uint64_t a, uint64_t b)
{
	switch (condition) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JA:
		return true;
	default:
		EXPECT(!"a jump that filters are made of");
	}
	return false;
}

static void machine_alu(uint8_t operation, uint64_t *to, uint64_t value)
{
	switch (operation) {
	case BPF_MOV:
		*to = value;
		break;
	case BPF_AND:
		*to &= value;
		break;
	case BPF_ADD:
		*to += value;
		break;
	case BPF_RSH:
		*to >>= value;
		break;
	default:
		EXPECT(!"an operation that filters are made of");
	}
}

static size_t machine_width(uint8_t code)
{
	return BPF_SIZE(code) == BPF_DW ? 8 : BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

static uint64_t machine_run(const struct bpf_code *code, void *context, machine_helper helper, void *data)
{
	uint64_t r[11] = {[1] = (uintptr_t)context};
	char stack[MACHINE_STACK] __attribute__((aligned(8)));
	size_t pc = 0;

	r[10] = (uintptr_t)(stack + sizeof stack);
	for (int step = 0; step < MACHINE_STEPS; step++) {
		const struct bpf_insn *i = &code->insns[pc++];
		uint64_t operand = i->code & BPF_X ? r[i->src_reg] : (uint64_t)(int64_t)i->imm;
		char *address;

		EXPECT(pc <= code->n && i->dst_reg <= 10 && i->src_reg <= 10);
		switch (BPF_CLASS(i->code)) {
		case BPF_ALU64:
			machine_alu(BPF_OP(i->code), &r[i->dst_reg], operand);
			break;
		case BPF_ALU: /* only the turning of 16 bits of network order */
			EXPECT(BPF_OP(i->code) == BPF_END && i->imm == 16);
			r[i->dst_reg] = __builtin_bswap16((uint16_t)r[i->dst_reg]);
			break;
		case BPF_LDX:
			address = (char *)(uintptr_t)r[i->src_reg] + i->off; /* NOLINT */
			r[i->dst_reg] = 0;
			memcpy(&r[i->dst_reg], address, machine_width(i->code));
			break;
		case BPF_ST:
		case BPF_STX:
			address = (char *)(uintptr_t)r[i->dst_reg] + i->off;
			operand = BPF_CLASS(i->code) == BPF_STX ? r[i->src_reg] : (uint64_t)(int64_t)i->imm;
			if (BPF_MODE(i->code) == BPF_ATOMIC)
				operand += *(uint64_t *)address;
			memcpy(address, &operand, machine_width(i->code));
			break;
		case BPF_LD: /* a map: its number stands for it */
			r[i->dst_reg] = (uint64_t)(uint32_t)i->imm;
			pc++;
			break;
		case BPF_JMP32:
			if (machine_compare(BPF_OP(i->code), (uint32_t)r[i->dst_reg], (uint32_t)operand))
				pc += (size_t)(int64_t)i->off;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_EXIT)
				return r[0];
			if (BPF_OP(i->code) == BPF_CALL) {
				EXPECT(helper != NULL);
				r[0] = helper(i->imm, &r[1], data);
			} else if (machine_compare(BPF_OP(i->code), r[i->dst_reg], operand)) {
				pc += (size_t)(int64_t)i->off;
			}
			break;
		default:
			EXPECT(!"an instruction that filters are made of");
		}
	}
	EXPECT(!"the program ends");
	return 0;
}
