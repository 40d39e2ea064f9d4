/* program_validate() over a good block and over every kind of bad one, and the table of operations. */
#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <stdlib.h>

#include "engine/launch.h"
#include "engine/program.h"
#include "tests/unit/test.h"

enum { MAX_OPS = 8, DATA_SIZE = 256 };

/* A block in one piece, with room to spoil any part of it. Data: "" at 0, "text" at 4, a vector {4, 0} at 12,
 * an empty vector at 20, a filter at 24, two ids at 32. */
struct block {
	struct program_header header;
	struct program_op ops[MAX_OPS];
	union {
		char bytes[DATA_SIZE];
		uint32_t words[DATA_SIZE / 4];
	} data;
};
enum { TEXT_AT = 4, VECTOR_AT = 12, EMPTY_AT = 20, FILTER_AT = 24, IDS_AT = 32 };

static struct program_op *add(struct block *block, enum program_code code)
{
	struct program_op *op = &block->ops[block->header.n_ops++];

	*op = (struct program_op){.code = (uint16_t)code,
				  .fd = PROGRAM_NO_FD,
				  .slot = PROGRAM_SLOT_NONE,
				  .slot2 = PROGRAM_SLOT_NONE,
				  .origin = PROGRAM_NO_ORIGIN};
	return op;
}

static void add_exec(struct block *block)
{
	struct program_op *op = add(block, PROGRAM_EXEC);

	op->text = TEXT_AT;
	op->text2 = VECTOR_AT;
	op->number = EMPTY_AT;
}

static void start(struct block *block)
{
	*block = (struct block){
		.header = {.magic = PROGRAM_MAGIC,
			   .size = sizeof *block,
			   .ops_offset = offsetof(struct block, ops),
			   .data_size = DATA_SIZE,
			   .data_offset = offsetof(struct block, data),
			   .n_descriptors = 4},
	};
	strcpy(block->data.bytes + TEXT_AT, "text");
	block->data.words[VECTOR_AT / 4] = TEXT_AT;
}

static int validate(const struct block *block)
{
	return program_validate(block, sizeof *block);
}

/* Is a program of OP and EXEC valid? */
static int with(struct program_op op)
{
	struct block block;

	start(&block);
	block.header.n_ops = 1;
	block.ops[0] = op;
	add_exec(&block);
	return validate(&block);
}

TEST(every_operation_is_named)
{
	for (size_t i = 0; i < PROGRAM_CODE_MAX_; i++) {
		EXPECT(program_op_info[i].name);
		EXPECT(program_op_info[i].exit_status >= 200);
		for (size_t j = 0; j < i; j++)
			EXPECT(strcmp(program_op_info[i].name, program_op_info[j].name) != 0);
	}
}

TEST(a_good_program)
{
	struct block block;
	struct program_op *op;

	start(&block);
	block.header.clone_flags = CLONE_NEWNS | CLONE_NEWPID;
	add(&block, PROGRAM_SESSION);
	op = add(&block, PROGRAM_TREE);
	op->text = TEXT_AT;
	op->number = PROGRAM_SLOT_NONE;
	op->slot2 = 3;
	op = add(&block, PROGRAM_BIND);
	op->text = TEXT_AT;
	op->fd = 3;
	op->slot = 3;
	op->number = PROGRAM_SLOT_NONE;
	op = add(&block, PROGRAM_SECCOMP);
	op->text = FILTER_AT;
	op->number = 1;
	add_exec(&block);
	EXPECT(validate(&block) == 0);
}

TEST(a_bad_header)
{
	static const struct {
		size_t offset;
		uint32_t value;
	} cases[] = {
		{offsetof(struct program_header, magic), 1},
		{offsetof(struct program_header, size), sizeof(struct block) - 1},
		{offsetof(struct program_header, size), sizeof(struct block) + 1},
		{offsetof(struct program_header, n_ops), 0},
		{offsetof(struct program_header, n_ops), UINT32_MAX},
		{offsetof(struct program_header, n_ops), PROGRAM_MAX_OPS + 1},
		{offsetof(struct program_header, ops_offset), 0},
		{offsetof(struct program_header, ops_offset), 44},
		{offsetof(struct program_header, ops_offset), UINT32_MAX - 7},
		{offsetof(struct program_header, ops_offset), sizeof(struct block)},
		{offsetof(struct program_header, data_size), 0},
		{offsetof(struct program_header, data_size), DATA_SIZE + 1},
		{offsetof(struct program_header, data_size), UINT32_MAX},
		{offsetof(struct program_header, data_offset), 8},
		{offsetof(struct program_header, data_offset), offsetof(struct block, data) + 4},
		{offsetof(struct program_header, data_offset), UINT32_MAX - 7},
		{offsetof(struct program_header, n_descriptors), 2},
		{offsetof(struct program_header, n_descriptors), LAUNCH_MAX_DESCRIPTORS + 1},
		{offsetof(struct program_header, clone_flags), CLONE_VM},
		{offsetof(struct program_header, clone_flags), CLONE_NEWCGROUP},
		{offsetof(struct program_header, clone_flags), CLONE_NEWUSER},
	};
	struct block block;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		start(&block);
		add_exec(&block);
		EXPECT(validate(&block) == 0);
		memcpy((char *)&block.header + cases[i].offset, &cases[i].value, sizeof cases[i].value);
		EXPECT(validate(&block) == -EBADMSG);
	}
}

TEST(a_block_that_is_cut_or_crooked)
{
	struct block block;
	_cleanup_free_ char *copy = malloc(sizeof block + 8);

	start(&block);
	add_exec(&block);
	for (size_t size = 0; size < sizeof block; size++)
		EXPECT(program_validate(&block, size) == -EBADMSG);
	EXPECT(copy);
	memcpy(copy + 4, &block, sizeof block);
	EXPECT(program_validate(copy + 4, sizeof block) == -EBADMSG);
}

TEST(data_that_do_not_end)
{
	struct block block;

	start(&block);
	add_exec(&block);
	block.data.bytes[DATA_SIZE - 1] = 'x';
	EXPECT(validate(&block) == -EBADMSG);
	block.data.bytes[DATA_SIZE - 1] = '\0';
	block.data.bytes[0] = 'x';
	EXPECT(validate(&block) == -EBADMSG);
}

TEST(exec_is_last_and_alone)
{
	struct block block;

	start(&block);
	add(&block, PROGRAM_SESSION);
	EXPECT(validate(&block) == -EBADMSG);
	start(&block);
	add_exec(&block);
	add_exec(&block);
	EXPECT(validate(&block) == -EBADMSG);
	EXPECT(with((struct program_op){.code = PROGRAM_CODE_MAX_}) == -EBADMSG);
	EXPECT(with((struct program_op){.code = UINT16_MAX}) == -EBADMSG);
}

TEST(one_fork)
{
	struct block block;

	start(&block);
	add(&block, PROGRAM_FORK);
	add_exec(&block);
	EXPECT(validate(&block) == 0);
	start(&block);
	add(&block, PROGRAM_FORK);
	add(&block, PROGRAM_FORK);
	add_exec(&block);
	EXPECT(validate(&block) == -EBADMSG);
}

TEST(texts_and_vectors)
{
	struct block block;

	EXPECT(with((struct program_op){.code = PROGRAM_HOSTNAME, .text = DATA_SIZE - 1}) == 0);
	EXPECT(with((struct program_op){.code = PROGRAM_HOSTNAME, .text = DATA_SIZE}) == -EBADMSG);
	EXPECT(with((struct program_op){.code = PROGRAM_HOSTNAME, .text = UINT32_MAX}) == -EBADMSG);

	for (int i = 0; i < 6; i++) {
		start(&block);
		add_exec(&block);
		if (i == 0) /* no arguments at all */
			block.ops[0].text2 = EMPTY_AT;
		if (i == 1) /* crooked */
			block.ops[0].text2 = VECTOR_AT + 1;
		if (i == 2) /* outside */
			block.ops[0].number = DATA_SIZE;
		if (i == 3)
			block.ops[0].number = 1ull << 32 | EMPTY_AT;
		if (i == 4) /* an argument outside */
			block.data.words[VECTOR_AT / 4] = DATA_SIZE;
		if (i == 5) { /* no end */
			for (size_t word = VECTOR_AT / 4; word < DATA_SIZE / 4; word++)
				block.data.words[word] = TEXT_AT;
			block.data.bytes[DATA_SIZE - 1] = '\0';
		}
		EXPECT(validate(&block) == -EBADMSG);
	}
}

TEST(filters_and_ids)
{
	struct program_op seccomp = {.code = PROGRAM_SECCOMP, .text = FILTER_AT, .number = 1};
	struct program_op groups = {.code = PROGRAM_GROUPS, .text = IDS_AT, .number = 2};

	EXPECT(with(seccomp) == 0);
	seccomp.number = 0;
	EXPECT(with(seccomp) == -EBADMSG);
	seccomp.number = (DATA_SIZE - FILTER_AT) / sizeof(struct sock_filter) + 1;
	EXPECT(with(seccomp) == -EBADMSG);
	seccomp.number = 1ull << 61;
	EXPECT(with(seccomp) == -EBADMSG);
	seccomp = (struct program_op){.code = PROGRAM_SECCOMP, .text = FILTER_AT + 4, .number = 1};
	EXPECT(with(seccomp) == -EBADMSG);
	EXPECT(with(groups) == 0);
	groups.number = 0;
	EXPECT(with(groups) == 0);
	groups.number = DATA_SIZE;
	EXPECT(with(groups) == -EBADMSG);
	groups.text = IDS_AT + 2;
	groups.number = 1;
	EXPECT(with(groups) == -EBADMSG);
}

TEST(descriptors_and_slots)
{
	struct program_op join = {.code = PROGRAM_JOIN, .fd = 3, .flags = CLONE_NEWNET};
	struct program_op pass = {.code = PROGRAM_PASS_FD, .fd = 3, .number = 3};
	struct program_op tree = {
		.code = PROGRAM_TREE, .slot = PROGRAM_SLOT_NONE, .number = PROGRAM_SLOT_NONE};

	EXPECT(with(join) == 0);
	join.fd = 4;
	EXPECT(with(join) == -EBADMSG);
	join.fd = PROGRAM_NO_FD;
	EXPECT(with(join) == -EBADMSG);
	join.fd = 3;
	join.flags = CLONE_VM;
	EXPECT(with(join) == -EBADMSG);
	EXPECT(with(pass) == 0);
	pass.number = 2;
	EXPECT(with(pass) == -EBADMSG);
	pass.number = 1000;
	EXPECT(with(pass) == -EBADMSG);
	EXPECT(with(tree) == 0);
	tree.slot2 = PROGRAM_N_SLOTS;
	EXPECT(with(tree) == -EBADMSG);
	tree.slot2 = 0;
	tree.slot = 0; /* read before it was written */
	EXPECT(with(tree) == -EBADMSG);
	tree.slot = PROGRAM_SLOT_NONE;
	tree.number = 5;
	EXPECT(with(tree) == -EBADMSG);
	EXPECT(with((struct program_op){.code = PROGRAM_MQUEUE, .slot = 0}) == -EBADMSG);
	EXPECT(with((struct program_op){.code = PROGRAM_MQUEUE, .slot = PROGRAM_SLOT_NONE}) == -EBADMSG);
	EXPECT(with((struct program_op){.code = PROGRAM_RLIMIT, .flags = 16}) == -EBADMSG);
}

TEST(pass_before_seccomp)
{
	struct block block;
	struct program_op *op;

	start(&block);
	op = add(&block, PROGRAM_SECCOMP);
	op->text = FILTER_AT;
	op->number = 1;
	op = add(&block, PROGRAM_PASS_FD);
	op->fd = op->number = 3;
	add_exec(&block);
	EXPECT(validate(&block) == -EBADMSG);
}

TEST(the_old_root_must_go)
{
	struct block block;
	struct program_op *op;

	for (int dropped = 0; dropped < 2; dropped++) {
		start(&block);
		op = add(&block, PROGRAM_TREE);
		op->number = PROGRAM_SLOT_NONE;
		op->slot2 = 1;
		op = add(&block, PROGRAM_ATTACH_ROOT);
		op->slot = 1;
		op->slot2 = 2;
		if (dropped)
			add(&block, PROGRAM_DROP_OLD_ROOT)->slot = 2;
		add_exec(&block);
		EXPECT(validate(&block) == (dropped ? 0 : -EBADMSG));
	}
}

TEST_MAIN
