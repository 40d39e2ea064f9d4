/* The row of verbs: finds each in the tables of the other files, runs it, counts what failed. */
#include "guest.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One on a line, so that two people can add one. */
/* clang-format off */
static const struct guest_verb *const guest_tables[] = {
	device_verbs,
	reach_verbs,
	process_verbs,
	attributes_verbs,
	attempt_verbs,
	capability_verbs,
	isolation_verbs,
	filesystem_verbs,
	refused_verbs,
	act_verbs,
	net_verbs,
	measure_verbs,
	hostile_verbs,
	terminal_verbs,
};
/* clang-format on */

int guest_failed(const char *check, const char *expected, const char *found_format, ...)
{
	char found[4096];
	va_list args;

	va_start(args, found_format);
	vsnprintf(found, sizeof found, found_format, args);
	va_end(args);
	dprintf(STDERR_FILENO, "guest: %s: expected %s, found %s\n", check, expected, found);
	return 1;
}

int guest_expect_text(const char *check, const char *expected, const char *found)
{
	if (strcmp(expected, found) == 0 || fnmatch(expected, found, 0) == 0)
		return 0;
	return guest_failed(check, expected, "%s", found);
}

int guest_expect_number(const char *check, const char *expected, long long found)
{
	const char *digits = strchr("<>!", *expected) ? expected + 1 : expected;
	char *end;
	long long number = strtoll(digits, &end, 0);
	bool right;

	if (!*digits || *end)
		return guest_failed(check, expected, "that this is not a number");
	switch (*expected) {
	case '<':
		right = found < number;
		break;
	case '>':
		right = found > number;
		break;
	case '!':
		right = found != number;
		break;
	default:
		right = found == number;
	}
	if (right)
		return 0;
	return *digits == '0' && digits[1] ? guest_failed(check, expected, "0%llo", found)
					   : guest_failed(check, expected, "%lld", found);
}

ssize_t guest_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
	size_t length = 0;

	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		ssize_t n = read(fd, buffer + length, size - 1 - length);

		if (n < 0)
			error = errno;
		if (n <= 0)
			break;
		length += n;
	}
	close(fd);
	if (error)
		return -error;
	while (length > 0 && buffer[length - 1] == '\n')
		length--;
	buffer[length] = 0;
	return length;
}

int guest_signal(const char *name)
{
	if (isdigit((unsigned char)*name))
		return atoi(name);
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; i < 32; i++)
		if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), name) == 0)
			return i;
	return -1;
}

int guest_errno(const char *name)
{
	if (isdigit((unsigned char)*name))
		return atoi(name);
	for (int i = 1; i < 140; i++)
		if (strerrorname_np(i) && strcmp(strerrorname_np(i), name) == 0)
			return i;
	return -1;
}

static const struct guest_verb *guest_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(guest_tables); i++)
		for (const struct guest_verb *verb = guest_tables[i]; verb->name; verb++)
			if (strcmp(verb->name, name) == 0)
				return verb;
	return NULL;
}

static int guest_run_one(char **words, int n_words)
{
	const struct guest_verb *verb = guest_find(words[0]);

	if (!verb)
		return guest_failed(words[0], "a verb", "none of this name");
	n_words--;
	if (n_words < verb->min_words || (verb->max_words >= 0 && n_words > verb->max_words))
		return guest_failed(words[0], verb->usage, "%d words", n_words);
	return verb->run(words + 1, n_words);
}

int guest_run(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words;) {
		int end = i;

		while (end < n_words && strcmp(words[end], "--") != 0)
			end++;
		if (end > i)
			failed += guest_run_one(words + i, end - i);
		i = end + 1;
	}
	return failed;
}

static void guest_help(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(guest_tables); i++)
		for (const struct guest_verb *verb = guest_tables[i]; verb->name; verb++)
			printf("%s %s\n", verb->name, verb->usage);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		guest_help();
		return 2;
	}
	return guest_run(argv + 1, argc - 1) ? 1 : 0;
}
