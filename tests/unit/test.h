/* A unit test is a program that lists its cases and prints TAP.
 *
 *	TEST(table_forgets_removed_keys) { …; EXPECT(table_get(&t, "a") == NULL); }
 *	TEST_MAIN
 *
 * A case that fails says file, line and expression, and goes on with the next case. */
#pragma once

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

struct test_case {
	const char *name;
	void (*run)(void);
	struct test_case *next;
};

static struct test_case *test_first, **test_last = &test_first;
static jmp_buf test_end;
static const char *test_skipped;

#define TEST(case_name)                                                                       \
	static void test_##case_name(void);                                                   \
	__attribute__((constructor)) static void test_register_##case_name(void)              \
	{                                                                                     \
		static struct test_case self = {.name = #case_name, .run = test_##case_name}; \
		*test_last = &self;                                                           \
		test_last = &self.next;                                                       \
	}                                                                                     \
	static void test_##case_name(void)

#define EXPECT(condition)                                                        \
	do {                                                                     \
		if (!(condition)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition); \
			longjmp(test_end, 1);                                    \
		}                                                                \
	} while (0)

#define EXPECT_TEXT(actual, expected)                                                                   \
	do {                                                                                            \
		const char *actual_ = (actual), *expected_ = (expected);                                \
		if (!actual_ || strcmp(actual_, expected_) != 0) {                                      \
			printf("# %s:%d: %s is \"%s\", expected \"%s\"\n", __FILE__, __LINE__, #actual, \
			       actual_ ? actual_ : "(null)", expected_);                                \
			longjmp(test_end, 1);                                                           \
		}                                                                                       \
	} while (0)

/* Ends the case as skipped; REASON is printed and counted. */
#define SKIP(reason)                     \
	do {                             \
		test_skipped = (reason); \
		longjmp(test_end, 2);    \
	} while (0)

/* Runs one case and prints its line; returns 1 if it failed. A function of its own, so that no local of main
 * lives across longjmp. */
static int test_run(const struct test_case *test, unsigned number)
{
	int end = setjmp(test_end);

	if (end == 0)
		test->run();
	if (end == 2)
		printf("ok %u %s # SKIP %s\n", number, test->name, test_skipped ? test_skipped : "");
	else
		printf("%s %u %s\n", end ? "not ok" : "ok", number, test->name);
	return end == 1;
}

#define TEST_MAIN                                                                  \
	int main(void)                                                             \
	{                                                                          \
		unsigned n = 0;                                                    \
		int failed = 0;                                                    \
		setvbuf(stdout, NULL, _IOLBF, 0);                                  \
		for (struct test_case *test = test_first; test; test = test->next) \
			n++;                                                       \
		printf("1..%u\n", n);                                              \
		n = 0;                                                             \
		for (struct test_case *test = test_first; test; test = test->next) \
			failed |= test_run(test, ++n);                             \
		return failed;                                                     \
	}
