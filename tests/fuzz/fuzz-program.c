/* program_validate() over arbitrary blocks. A block that it accepts is then read the way the interpreter
 * reads it, each string, vector and array to its end, so that a sanitizer sees a wrong acceptance.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address -DFUZZ_LIBFUZZER. Else a program whose arguments are corpus
 * files: each is tried as it is, cut at every length, and with mutations from a fixed seed. It prints TAP. */
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "engine/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t fuzz_sink;

static void fuzz_read_text(const struct program_header *program, uint64_t offset)
{
	fuzz_sink += strlen(program_text(program, (uint32_t)offset));
}

static void fuzz_read_vector(const struct program_header *program, uint64_t offset)
{
	const uint32_t *items = (const uint32_t *)program_text(program, (uint32_t)offset);

	for (; *items; items++)
		fuzz_read_text(program, *items);
}

static void fuzz_read_bytes(const struct program_header *program, uint64_t offset, uint64_t size)
{
	const char *bytes = program_text(program, (uint32_t)offset);

	for (uint64_t i = 0; i < size; i++)
		fuzz_sink += (uint8_t)bytes[i];
}

static void fuzz_read_op(const struct program_header *program, const struct program_op *op)
{
	switch (op->code) {
	case PROGRAM_EXEC:
		fuzz_read_text(program, op->text);
		fuzz_read_vector(program, op->text2);
		fuzz_read_vector(program, op->number);
		break;
	case PROGRAM_SECCOMP:
		fuzz_read_bytes(program, op->text, op->number * sizeof(struct sock_filter));
		break;
	case PROGRAM_GROUPS:
		fuzz_read_bytes(program, op->text, op->number * sizeof(uint32_t));
		break;
	case PROGRAM_OVERLAY:
	case PROGRAM_BIND:
	case PROGRAM_TMPFS:
	case PROGRAM_DEV:
	case PROGRAM_SYMLINK:
	case PROGRAM_USER_NAMESPACE:
		fuzz_read_text(program, op->text2);
		fuzz_read_text(program, op->text);
		break;
	case PROGRAM_TERMINAL:
	case PROGRAM_HOSTNAME:
	case PROGRAM_TREE:
	case PROGRAM_MAKE_DIRECTORY:
	case PROGRAM_MASK:
	case PROGRAM_WORKING_DIRECTORY:
		fuzz_read_text(program, op->text);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A heap copy of exactly this size: aligned as mmap(2) would have it, and a sanitizer guards its end.
	 */
	_cleanup_free_ char *block = malloc(size ? size : 1);
	const struct program_header *program = (const struct program_header *)block;

	if (!block)
		return 0;
	memcpy(block, data, size);
	if (program_validate(block, size) < 0)
		return 0;
	for (uint32_t i = 0; i < program->n_ops; i++)
		fuzz_read_op(program, &program_ops(program)[i]);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
enum { FUZZ_MUTATIONS = 100000 };

static uint64_t fuzz_random(void)
{
	static uint64_t state = 88172645463325252u; /* xorshift64 */

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void fuzz_mutate(uint8_t *block, size_t size)
{
	static const uint32_t edges[] = {0,	     1,		 255,	     0xffff,
					 0x7fffffff, 0x80000000, 0xffffffff, PROGRAM_MAX_SIZE};

	for (unsigned n = 1 + fuzz_random() % 4; n > 0; n--) {
		size_t at = fuzz_random() % size;
		uint32_t edge = edges[fuzz_random() % ARRAY_SIZE(edges)];

		if (fuzz_random() % 2)
			block[at] = (uint8_t)fuzz_random();
		else
			memcpy(block + at, &edge, MIN_OF(sizeof edge, size - at));
	}
}

static int fuzz_file(const char *path)
{
	_cleanup_free_ char *text = NULL;
	ssize_t size = fd_read_file_at(AT_FDCWD, path, PROGRAM_MAX_SIZE, &text);
	_cleanup_free_ uint8_t *block = size > 0 ? malloc((size_t)size) : NULL;

	if (!block)
		return -1;
	for (ssize_t cut = 0; cut <= size; cut++)
		LLVMFuzzerTestOneInput((uint8_t *)text, (size_t)cut);
	for (unsigned i = 0; i < FUZZ_MUTATIONS; i++) {
		memcpy(block, text, (size_t)size);
		fuzz_mutate(block, (size_t)size);
		LLVMFuzzerTestOneInput(block, (size_t)size);
	}
	return program_validate(text, (size_t)size);
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int r = fuzz_file(argv[i]);

		printf("%s %d %s\n", r == 0 ? "ok" : "not ok", i, argv[i]);
		failed |= r != 0;
	}
	return failed;
}
#endif
