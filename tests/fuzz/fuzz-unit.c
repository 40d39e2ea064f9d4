/* A whole unit file through everything in units/: reader, table, values, specifiers, checks, printing.
 *
 * With clang's -fsanitize=fuzzer this is a fuzz target and -DFUZZ_LIBFUZZER (`directives-doc --dictionary`
 * prints its dictionary). As an ordinary test it runs over the files it is given, and over a bounded number
 * of mutations of each, from a fixed seed, so that a failure repeats. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "units/directive.h"
#include "units/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_all(const struct unit_config *config)
{
	for (size_t i = 0; i < directive_count; i++) {
		char *text = directive_print(&directive_table[i], config);

		if (!text)
			abort();
		free(text);
	}
}

static void load_as(const char *name, const uint8_t *data, size_t size)
{
	static const struct unit_specifiers outside = {
		.hostname = "h", .machine_id = "m", .boot_id = "b", .kernel_release = "6"};
	struct unit_config *config;
	char *text = malloc(size + 1);

	if (!text)
		return;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (unit_load_text(&outside, name, text, size, &config) == 0) {
		/* What could not be loaded must say why. */
		if (config->load_state != UNIT_LOADED && !failure_kept(config->load_failure)->text[0])
			abort();
		if (config->load_state == UNIT_LOADED)
			print_all(config);
		unit_config_free(config);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load_as("fuzz@x-y.service", data, size);
	load_as("fuzz-x.slice", data, size);
	if (size > 0 && data[0] == '[')
		load_as("fuzz.target", data, size);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
enum { MUTATIONS = 2000 };

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)random_state * n >> 32);
}

/* Changes a few bytes, cuts a piece out, or copies one piece over another. */
static size_t mutate(uint8_t *data, size_t size)
{
	static const char interesting[] = "\0\xff\\\"'%:;=[]~-!+|@ \n\t0919";
	size_t from, to, length;

	if (size < 4)
		return size;
	from = random_below((uint32_t)size);
	to = random_below((uint32_t)size);
	length = random_below((uint32_t)MIN_OF(size - MAX_OF(from, to), (size_t)64)) + 1;
	switch (random_below(4)) {
	case 0:
		data[from] ^= (uint8_t)(1 << random_below(8));
		return size;
	case 1:
		data[from] = (uint8_t)interesting[random_below(sizeof interesting)];
		return size;
	case 2:
		memmove(data + from, data + from + length, size - from - length);
		return size - length;
	default:
		memmove(data + to, data + from, length);
		return size;
	}
}

static void run_file(const uint8_t *original, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	LLVMFuzzerTestOneInput(original, size);
	if (!copy)
		return;
	for (unsigned i = 0; i < MUTATIONS; i++) {
		size_t mutated = size;

		memcpy(copy, original, size);
		for (unsigned n = random_below(4) + 1; n > 0; n--)
			mutated = mutate(copy, mutated);
		LLVMFuzzerTestOneInput(copy, mutated);
	}
	free(copy);
}

int main(int argc, char **argv)
{
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		char *text = NULL;
		ssize_t size = fd_read_file_at(AT_FDCWD, argv[i], 1 << 22, &text);

		random_state = 2166136261u;
		if (size >= 0)
			run_file((const uint8_t *)text, (size_t)size);
		printf("%s %d %s\n", size < 0 ? "not ok" : "ok", i,
		       strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i]);
		free(text);
	}
	return 0;
}
#endif
