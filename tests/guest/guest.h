/* The payload of the tests: a static program that looks around where it was started and says what it found.
 *
 *	guest hostname web -- uid 33 -- absent /etc/shadow -- write /data/f text
 *
 * A command line is a row of verbs, each up to the next "--". A check that fails prints one line
 * ("guest: uid: expected 33, found 0"), the rest run all the same, and the exit status is 1 when any failed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/macros.h"

struct guest_verb {
	const char *name;
	int min_words, max_words;	       /* besides the name; -1: any number */
	int (*run)(char **words, int n_words); /* 0, or 1 when it failed and has said so */
	const char *usage;
};

/* Each ends with a row without a name. */
extern const struct guest_verb device_verbs[];
extern const struct guest_verb reach_verbs[];
extern const struct guest_verb process_verbs[];
extern const struct guest_verb attempt_verbs[];
extern const struct guest_verb attributes_verbs[];
extern const struct guest_verb capability_verbs[];
extern const struct guest_verb isolation_verbs[];
extern const struct guest_verb filesystem_verbs[];
extern const struct guest_verb refused_verbs[];
extern const struct guest_verb act_verbs[];
extern const struct guest_verb net_verbs[];
extern const struct guest_verb measure_verbs[];
extern const struct guest_verb hostile_verbs[];
extern const struct guest_verb terminal_verbs[];

/* Prints the line of a failed check and returns 1. */
int guest_failed(const char *check, const char *expected, const char *found_format, ...) _printf_(3, 4);

/* 0 when FOUND is EXPECTED, which may be a pattern as of fnmatch(3); otherwise guest_failed(). */
int guest_expect_text(const char *check, const char *expected, const char *found);

/* EXPECTED is a number (octal with a leading 0), or one behind "<", ">" or "!". */
int guest_expect_number(const char *check, const char *expected, long long found);

/* Runs one row of verbs (which is modified). Returns how many failed. */
int guest_run(char **words, int n_words);

/* Reads a small file. The text is terminated and has no newline at its end. Returns its length or a negative
 * errno. */
ssize_t guest_read(const char *path, char *buffer, size_t size);

/* "TERM", "SIGTERM" or "15"; -1 when there is none. */
int guest_signal(const char *name);
/* "EPERM" or "1"; -1 when there is none. */
int guest_errno(const char *name);
