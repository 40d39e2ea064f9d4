/* An assembler for eBPF: instructions are appended, jumps go to labels that are placed later, and finishing
 * turns labels into distances. Running out of memory is remembered and reported once, by bpf_code_finish(). */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#include "base/macros.h"

struct bpf_code {
	struct bpf_insn *insns; /* heap */
	size_t n, room;
	uint32_t *labels; /* where each is; heap */
	size_t n_labels, labels_room;
	bool failed;
};

void bpf_code_append(struct bpf_code *code, struct bpf_insn insn);

/* A label that jumps may name before it is placed. */
unsigned bpf_code_label(struct bpf_code *code);
/* The label is here. */
void bpf_code_place(struct bpf_code *code, unsigned label);
/* To LABEL if the register REG stands in relation CONDITION (BPF_JEQ, BPF_JNE, BPF_JGT, …) to VALUE. */
void bpf_code_jump(struct bpf_code *code, uint8_t condition, uint8_t reg, int32_t value, unsigned label);
/* The same for the lower half of the register. */
void bpf_code_jump32(struct bpf_code *code, uint8_t condition, uint8_t reg, uint32_t value, unsigned label);
void bpf_code_goto(struct bpf_code *code, unsigned label);

void bpf_code_set(struct bpf_code *code, uint8_t to, int32_t value);
void bpf_code_move(struct bpf_code *code, uint8_t to, uint8_t from);
/* TO = TO OPERATION VALUE: BPF_AND, BPF_ADD, BPF_RSH, … of 64 bits. */
void bpf_code_alu(struct bpf_code *code, uint8_t operation, uint8_t to, int32_t value);
/* WIDTH is BPF_B, BPF_H, BPF_W or BPF_DW. */
void bpf_code_load(struct bpf_code *code, uint8_t width, uint8_t to, uint8_t base, int16_t offset);
void bpf_code_store(struct bpf_code *code, uint8_t width, uint8_t base, int16_t offset, uint8_t from);
void bpf_code_store_value(struct bpf_code *code, uint8_t width, uint8_t base, int16_t offset, int32_t value);
/* *(u64 *)(BASE + OFFSET) += FROM, in one piece. */
void bpf_code_add_atomic(struct bpf_code *code, uint8_t base, int16_t offset, uint8_t from);
/* TO = the map of this number; who loads the program puts the map's descriptor there (bpf_load()). */
void bpf_code_map(struct bpf_code *code, uint8_t to, unsigned number);
void bpf_code_call(struct bpf_code *code, int32_t helper);
/* return VALUE */
void bpf_code_return(struct bpf_code *code, int32_t value);

/* Resolves the labels, once. Returns 0, -ENOMEM, or -E2BIG for a jump too far. */
int bpf_code_finish(struct bpf_code *code);
void bpf_code_deinit(struct bpf_code *code);
