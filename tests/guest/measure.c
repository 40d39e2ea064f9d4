/* What only shows over time: how fast something goes, whether it goes on. Each measures for a while that the caller
 * chooses, and the expected number is wide enough for an emulated machine, yet not for a limit that is not there. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MEASURE_SECONDS_MAX = 60, MEASURE_BLOCK = 65536 };

static double measure_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void measure_wait(double seconds)
{
	double end = measure_now() + MIN_OF(seconds, (double)MEASURE_SECONDS_MAX);

	while (measure_now() < end)
		usleep(10000);
}

/* The number behind KEY in a file of "KEY NUMBER" lines, or with KEY "" the file's only number; -1. */
static long long measure_read(const char *path, const char *key)
{
	char text[8192];
	size_t length = strlen(key);

	if (guest_read(path, text, sizeof text) < 0)
		return -1;
	if (length == 0)
		return strtoll(text, NULL, 0);
	for (char *lines = text, *line; (line = strsep(&lines, "\n"));)
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoll(line + length + 1, NULL, 0);
	return -1;
}

/* "cpu-share CGROUP 3 <30": the share of one CPU, in percent, that a cgroup used during three seconds, by its cpu.stat. */
static int measure_cpu_share(char **words, int n _unused_)
{
	char path[4096];
	double began = measure_now();
	long long before, after;

	snprintf(path, sizeof path, "%s/cpu.stat", words[0]);
	before = measure_read(path, "usage_usec");
	measure_wait(atof(words[1]));
	after = measure_read(path, "usage_usec");
	if (before < 0 || after < 0)
		return guest_failed("cpu-share", words[2], "no usage_usec in %s", path);
	return guest_expect_number("cpu-share", words[2],
				   (long long)((double)(after - before) / (measure_now() - began) / 1e4));
}

/* "key-value FILE KEY >0": a line of a file such as memory.events. */
static int measure_key_value(char **words, int n _unused_)
{
	return guest_expect_number(words[1], words[2], measure_read(words[0], words[1]));
}

/* Counts in a file, a hundred times a second, until it is ended. */
static int measure_count(char **words, int n _unused_)
{
	int fd = open(words[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return guest_failed("count", words[0], "%s", strerror(errno));
	for (long long i = 1;; i++) {
		char text[32];
		int length = snprintf(text, sizeof text, "%lld\n", i);

		if (pwrite(fd, text, (size_t)length, 0) < 0)
			return guest_failed("count", words[0], "%s", strerror(errno));
		usleep(10000);
	}
}

/* "counts FILE 1 >10": how far "count" gets in a second. */
static int measure_counts(char **words, int n _unused_)
{
	long long before = measure_read(words[0], "");

	measure_wait(atof(words[1]));
	return guest_expect_number("counts", words[2], measure_read(words[0], "") - before);
}

/* Reads or writes from the start of a device, past the page cache. */
static int measure_transfer(const char *path, bool writes, long long bytes)
{
	int fd = open(path, (writes ? O_WRONLY : O_RDONLY) | O_DIRECT | O_CLOEXEC);
	void *block = NULL;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (posix_memalign(&block, 4096, MEASURE_BLOCK) != 0)
		error = ENOMEM;
	else
		memset(block, 0, MEASURE_BLOCK);
	for (long long done = 0; !error && done < bytes;) {
		ssize_t n = writes ? write(fd, block, MEASURE_BLOCK) : read(fd, block, MEASURE_BLOCK);

		if (n <= 0)
			error = n < 0 ? errno : ENOSPC;
		else
			done += n;
	}
	free(block);
	close(fd);
	return -error;
}

/* "disk-rate read /dev/vda 4000000 <2500000": bytes per second. */
static int measure_disk_rate(char **words, int n _unused_)
{
	bool writes = strcmp(words[0], "write") == 0;
	long long bytes = MIN_OF(strtoll(words[2], NULL, 0), 1LL << 30);
	double began = measure_now();
	int error = measure_transfer(words[1], writes, bytes);
	long long rate = (long long)((double)bytes / (measure_now() - began));

	if (error)
		return guest_failed("disk-rate", words[3], "%s: %s", words[1], strerror(-error));
	printf("%s: %lld bytes per second\n", words[0], rate);
	fflush(stdout);
	return guest_expect_number("disk-rate", words[3], rate);
}

const struct guest_verb measure_verbs[] = {
	{"cpu-share", 3, 3, measure_cpu_share, "CGROUP SECONDS PERCENT"},
	{"key-value", 3, 3, measure_key_value, "FILE KEY NUMBER"},
	{"count", 1, 1, measure_count, "FILE"},
	{"counts", 3, 3, measure_counts, "FILE SECONDS NUMBER"},
	{"disk-rate", 4, 4, measure_disk_rate, "read|write DEVICE BYTES NUMBER"},
	{},
};
