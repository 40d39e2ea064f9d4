/* The other two of bench/start's three: with the protocol of floor.c (a byte in; before, payload, after out),
 *starts
 *
 *	starter unit SOCKET UNIT FILE	a unit of svcd's, by StartUnit on its private socket, until
 *JobRemoved; its payload appends to FILE starter command COMMAND ARG…	a command (crun) whose standard output
 *is the payload's */
#include <errno.h>
#include <stdbool.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "dbus/names.h"

static uint64_t starter_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void starter_die(const char *what, int error)
{
	fprintf(stderr, "starter: %s: %s\n", what, strerror(error < 0 ? -error : error));
	exit(1);
}

static void starter_answer(const uint64_t times[3])
{
	if (write(1, times, 3 * sizeof *times) != 3 * (ssize_t)sizeof *times)
		starter_die("answer", errno);
}

/* --- a unit -------------------------------------------------------------------------------------------- */

struct starter_job {
	char path[256]; /* of the job that is awaited */
	bool done;
	char result[32];
};

static int starter_on_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
	struct starter_job *job = data;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 &&
	    (!job->path[0] || strcmp(path, job->path) == 0)) {
		job->done = true;
		snprintf(job->result, sizeof job->result, "%s", result);
	}
	return 0;
}

static sd_bus *starter_connect(const char *socket, struct starter_job *job)
{
	char address[300];
	sd_bus *bus;
	int r = sd_bus_new(&bus);

	snprintf(address, sizeof address, "unix:path=%s", socket);
	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_start(bus);
	/* No bus daemon is there to tell which signals are wanted: Subscribe() asks for all. */
	if (r >= 0)
		r = sd_bus_add_filter(bus, NULL, starter_on_removed, job);
	if (r >= 0)
		r = sd_bus_call_method(bus, NULL, NAMES_PATH, NAMES_MANAGER, "Subscribe", NULL, NULL, "");
	if (r < 0)
		starter_die(socket, r);
	return bus;
}

static int starter_unit(const char *socket, const char *unit, const char *file)
{
	struct starter_job job = {};
	sd_bus *bus = starter_connect(socket, &job);
	char byte;

	while (read(0, &byte, 1) == 1) {
		sd_bus_message *reply = NULL;
		const char *path;
		uint64_t times[3];
		int fd, r;

		job = (struct starter_job){};
		times[0] = starter_now();
		r = sd_bus_call_method(bus, NULL, NAMES_PATH, NAMES_MANAGER, "StartUnit", NULL, &reply, "ss",
				       unit, "replace");
		if (r < 0 || sd_bus_message_read(reply, "o", &path) < 0)
			starter_die(unit, r);
		snprintf(job.path, sizeof job.path, "%s", path);
		while (!job.done)
			if ((r = sd_bus_process(bus, NULL)) == 0)
				r = sd_bus_wait(bus, 10000000);
		times[2] = starter_now();
		sd_bus_message_unref(reply);
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (strcmp(job.result, "done") != 0 || fd < 0 || lseek(fd, -8, SEEK_END) < 0 ||
		    read(fd, &times[1], 8) != 8)
			starter_die(job.result, errno);
		close(fd);
		starter_answer(times);
	}
	sd_bus_unref(bus);
	return 0;
}

/* --- a command ----------------------------------------------------------------------------------------- */

static int starter_command(char **argv)
{
	char byte;

	while (read(0, &byte, 1) == 1) {
		posix_spawn_file_actions_t actions;
		uint64_t times[3];
		int output[2], status;
		pid_t pid;

		if (pipe2(output, O_CLOEXEC) < 0)
			starter_die("pipe", errno);
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_adddup2(&actions, output[1], 1);
		times[0] = starter_now();
		if (posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
			starter_die(argv[0], errno);
		waitpid(pid, &status, 0);
		times[2] = starter_now();
		close(output[1]);
		if (status != 0 || read(output[0], &times[1], 8) != 8)
			starter_die(argv[0], EPROTO);
		close(output[0]);
		posix_spawn_file_actions_destroy(&actions);
		starter_answer(times);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "unit") == 0)
		return starter_unit(argv[2], argv[3], argv[4]);
	if (argc >= 3 && strcmp(argv[1], "command") == 0)
		return starter_command(argv + 2);
	fprintf(stderr, "usage: starter unit SOCKET UNIT FILE | starter command COMMAND ARG…\n");
	return 2;
}
