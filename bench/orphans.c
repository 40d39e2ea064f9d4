/* orphans N: makes N processes that lose their parent and end, waits until PID 1 has reaped them all, and
 * prints what that cost PID 1 and what it weighs: "RSS_KIB PSS_KIB PID1_NANOSECONDS ELAPSED_NANOSECONDS".
 * Runs below an init in a PID namespace of its own, with its /proc. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAMILY = 100 };

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, size - 1);

	if (fd >= 0)
		close(fd);
	buffer[n > 0 ? n : 0] = '\0';
	return n;
}

static long long number_after(const char *path, const char *key)
{
	char text[8192];
	const char *found;

	if (read_file(path, text, sizeof text) <= 0)
		return -1;
	found = strstr(text, key);
	return found ? atoll(found + strlen(key)) : -1;
}

/* One process whose FAMILY children outlive it by a moment. */
static void make_family(void)
{
	pid_t parent = fork();

	if (parent < 0)
		exit(1);
	if (parent == 0) {
		for (int i = 0; i < FAMILY; i++) {
			pid_t child = fork();

			if (child < 0)
				_exit(1);
			if (child == 0)
				_exit(0);
		}
		_exit(0);
	}
	waitpid(parent, NULL, 0);
}

/* PID 1 has no child left but us. Looks rarely: the looking must not be what is measured. */
static void wait_until_reaped(void)
{
	const struct timespec pause = {.tv_nsec = 200000};
	char text[64], us[32];

	snprintf(us, sizeof us, "%d ", (int)getpid());
	while (read_file("/proc/1/task/1/children", text, sizeof text) > 0 && strcmp(text, us) != 0)
		nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
	long long n = argc > 1 ? atoll(argv[1]) : 100000, start, busy;
	long long rss = number_after("/proc/1/status", "VmRSS:"),
		  pss = number_after("/proc/1/smaps_rollup", "Pss:");

	busy = number_after("/proc/1/schedstat", "");
	start = now();
	for (long long i = 0; i < n; i += FAMILY)
		make_family();
	wait_until_reaped();
	printf("%lld %lld %lld %lld\n", rss, pss, number_after("/proc/1/schedstat", "") - busy,
	       now() - start);
	return 0;
}
