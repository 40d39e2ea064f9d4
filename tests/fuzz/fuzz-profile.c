/* A seccomp profile from its JSON to the filter. What is refused must say why; what is not must be a filter that the kernel
 * could run: every jump stays inside, and it ends in a return. See fuzz-unit.c for how it is run. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_filter(const struct seccomp_code_filter *filter)
{
	if (filter->n == 0 || filter->n > BPF_MAXINSNS)
		abort();
	for (size_t i = 0; i < filter->n; i++) {
		const struct sock_filter *instruction = &filter->instructions[i];
		size_t room = filter->n - i - 1;

		if (BPF_CLASS(instruction->code) != BPF_JMP) {
			if (room == 0 && BPF_CLASS(instruction->code) != BPF_RET)
				abort();
		} else if (BPF_OP(instruction->code) == BPF_JA) {
			if (instruction->k >= room)
				abort();
		} else if (instruction->jt >= room || instruction->jf >= room) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct compile_command command;
	static struct compile_context context;
	_cleanup_fd_ int fd = memfd_create("profile", MFD_CLOEXEC);
	struct seccomp_code_filter filter = {};
	struct failure failure = {};
	struct spec spec;
	struct build build = {.spec = &spec, .command = &command, .context = &context, .failure = &failure};

	if (fd < 0 || fd_write_all(fd, data, size) < 0)
		return 0;
	spec_init(&spec);
	spec.seccomp_default = SPEC_SECCOMP_PROFILE;
	spec.restrict_suid_sgid = spec.restrict_realtime = true;
	spec.seccomp_profile = text_format("/proc/self/fd/%d", fd);
	if (spec.seccomp_profile) {
		if (seccomp_compile(&build, size * UINT64_C(0x9e3779b97f4a7c15), &filter) == 0)
			check_filter(&filter);
		else if (!failure.text[0])
			abort();
	}
	free(filter.instructions);
	build_deinit(&build);
	spec_deinit(&spec);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
enum { MUTATIONS = 2000 };

static uint32_t random_state = 2166136261u;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)random_state * n >> 32);
}

/* Mostly what keeps it JSON: digits and letters that change, words that move. */
static void mutate(uint8_t *data, size_t size)
{
	size_t at = random_below((uint32_t)size), from = random_below((uint32_t)size);
	size_t length = random_below((uint32_t)MIN_OF(size - MAX_OF(at, from), (size_t)24));

	switch (random_below(4)) {
	case 0:
		data[at] ^= (uint8_t)(1 << random_below(8));
		break;
	case 1:
		data[at] = (uint8_t)('0' + random_below(10));
		break;
	case 2:
		data[at] = (uint8_t) "{}[],:\" -e."[random_below(11)];
		break;
	default:
		memmove(data + at, data + from, length);
	}
}

static void run_file(const char *original, size_t size)
{
	uint8_t *copy = malloc(size);

	LLVMFuzzerTestOneInput((const uint8_t *)original, size);
	for (unsigned i = 0; copy && i < MUTATIONS; i++) {
		memcpy(copy, original, size);
		for (unsigned n = random_below(3) + 1; n > 0; n--)
			mutate(copy, size);
		LLVMFuzzerTestOneInput(copy, size);
	}
	free(copy);
}

int main(int argc, char **argv)
{
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		_cleanup_free_ char *text = NULL;
		ssize_t size = fd_read_file_at(AT_FDCWD, argv[i], 1 << 20, &text);

		if (size > 0)
			run_file(text, (size_t)size);
		printf("%s %d %s\n", size > 0 ? "ok" : "not ok", i, strrchr(argv[i], '/') + 1);
	}
	return 0;
}
#endif
