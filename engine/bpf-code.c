/* See bpf-code.h. Until it is finished, a jump's distance is the number of its label. */
#include <errno.h>

#include "engine/bpf-code.h"

/* Distances are 16 bits, so that more labels and instructions than this are of no use. */
enum { BPF_CODE_MAX = 32767 };

static bool bpf_code_grow(struct bpf_code *code, void **items, size_t size, size_t n, size_t *room)
{
	void *larger;

	if (n < *room)
		return true;
	larger = reallocarray(*items, *room ? 2 * *room : 64, size);
	if (!larger) {
		code->failed = true;
		return false;
	}
	*items = larger;
	*room = *room ? 2 * *room : 64;
	return true;
}

void bpf_code_append(struct bpf_code *code, struct bpf_insn insn)
{
	if (bpf_code_grow(code, (void **)&code->insns, sizeof insn, code->n, &code->room))
		code->insns[code->n++] = insn;
}

unsigned bpf_code_label(struct bpf_code *code)
{
	if (!bpf_code_grow(code, (void **)&code->labels, sizeof *code->labels, code->n_labels,
			   &code->labels_room))
		return 0;
	code->labels[code->n_labels] = UINT32_MAX;
	return (unsigned)code->n_labels++;
}

void bpf_code_place(struct bpf_code *code, unsigned label)
{
	if (label < code->n_labels)
		code->labels[label] = (uint32_t)code->n;
}

void bpf_code_jump(struct bpf_code *code, uint8_t condition, uint8_t reg, int32_t value, unsigned label)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_JMP | condition | BPF_K,
						.dst_reg = reg,
						.off = (int16_t)label,
						.imm = value});
}

void bpf_code_jump32(struct bpf_code *code, uint8_t condition, uint8_t reg, uint32_t value, unsigned label)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_JMP32 | condition | BPF_K,
						.dst_reg = reg,
						.off = (int16_t)label,
						.imm = (int32_t)value});
}

void bpf_code_goto(struct bpf_code *code, unsigned label)
{
	bpf_code_jump(code, BPF_JA, 0, 0, label);
}

void bpf_code_set(struct bpf_code *code, uint8_t to, int32_t value)
{
	bpf_code_alu(code, BPF_MOV, to, value);
}

void bpf_code_move(struct bpf_code *code, uint8_t to, uint8_t from)
{
	bpf_code_append(
		code, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = to, .src_reg = from});
}

void bpf_code_alu(struct bpf_code *code, uint8_t operation, uint8_t to, int32_t value)
{
	bpf_code_append(
		code, (struct bpf_insn){.code = BPF_ALU64 | operation | BPF_K, .dst_reg = to, .imm = value});
}

void bpf_code_load(struct bpf_code *code, uint8_t width, uint8_t to, uint8_t base, int16_t offset)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_LDX | width | BPF_MEM,
						.dst_reg = to,
						.src_reg = base,
						.off = offset});
}

void bpf_code_store(struct bpf_code *code, uint8_t width, uint8_t base, int16_t offset, uint8_t from)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_STX | width | BPF_MEM,
						.dst_reg = base,
						.src_reg = from,
						.off = offset});
}

void bpf_code_store_value(struct bpf_code *code, uint8_t width, uint8_t base, int16_t offset, int32_t value)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_ST | width | BPF_MEM,
						.dst_reg = base,
						.off = offset,
						.imm = value});
}

void bpf_code_add_atomic(struct bpf_code *code, uint8_t base, int16_t offset, uint8_t from)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_STX | BPF_DW | BPF_ATOMIC,
						.dst_reg = base,
						.src_reg = from,
						.off = offset,
						.imm = BPF_ADD});
}

void bpf_code_map(struct bpf_code *code, uint8_t to, unsigned number)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_LD | BPF_DW | BPF_IMM,
						.dst_reg = to,
						.src_reg = BPF_PSEUDO_MAP_FD,
						.imm = (int32_t)number});
	bpf_code_append(code, (struct bpf_insn){});
}

void bpf_code_call(struct bpf_code *code, int32_t helper)
{
	bpf_code_append(code, (struct bpf_insn){.code = BPF_JMP | BPF_CALL, .imm = helper});
}

void bpf_code_return(struct bpf_code *code, int32_t value)
{
	bpf_code_set(code, BPF_REG_0, value);
	bpf_code_append(code, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static bool bpf_code_is_jump(const struct bpf_insn *insn)
{
	unsigned class = BPF_CLASS(insn->code), operation = BPF_OP(insn->code);

	return class == BPF_JMP32 || (class == BPF_JMP && operation != BPF_CALL && operation != BPF_EXIT);
}

int bpf_code_finish(struct bpf_code *code)
{
	if (code->failed)
		return -ENOMEM;
	if (code->n > BPF_CODE_MAX || code->n_labels > BPF_CODE_MAX)
		return -E2BIG;
	for (size_t i = 0; i < code->n; i++) {
		struct bpf_insn *insn = &code->insns[i];

		/* The distance counts from the next instruction. */
		if (bpf_code_is_jump(insn))
			insn->off = (int16_t)((int64_t)code->labels[insn->off] - (int64_t)i - 1);
	}
	return 0;
}

void bpf_code_deinit(struct bpf_code *code)
{
	free(code->insns);
	free(code->labels);
	*code = (struct bpf_code){};
}
