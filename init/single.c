/* `svc-init -- CMD ARG…`: the init of a container with one command. The command gets the terminal and the
 * signals, zombies are reaped, and its end is ours: its exit status, or 128 + signal. */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/interpret.h"
#include "init/init.h"
#include "init/say.h"
#include "init/shutdown.h"

enum { SINGLE_NOT_EXECUTABLE = 126, SINGLE_NOT_FOUND = 127 }; /* as a shell has it */
enum { SINGLE_KILL_TRIES = 1000 };

static const char *single_environment(const char *name)
{
	size_t length = strlen(name);

	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
			return *variable + length + 1;
	return NULL;
}

/* execvp(3) without its heap. Returns the errno that tells most. */
static int single_exec(char *const *argv)
{
	const char *path = single_environment("PATH");
	int error = ENOENT;

	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, environ);
		return errno;
	}
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *path; path += strspn(path, ":")) {
		size_t length = strcspn(path, ":");
		char file[4096];

		if (length + strlen(argv[0]) + 2 <= sizeof file) {
			memcpy(file, path, length);
			file[length] = '/';
			strcpy(file + length + 1, argv[0]);
			execve(file, argv, environ);
			if (errno != ENOENT && errno != ENOTDIR)
				error = errno;
		}
		path += length;
	}
	return error;
}

static _Noreturn void single_child(char *const *argv)
{
	pid_t group = getpid();
	sigset_t none;
	int error;

	/* A process group of its own, in the foreground of the terminal if there is one: Ctrl-C reaches it
	 * once. */
	setpgid(0, 0);
	ioctl(STDIN_FILENO, TIOCSPGRP, &group);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	error = single_exec(argv);
	say("cannot run ", argv[0], ": ", say_error(error), NULL);
	_exit(error == ENOENT ? SINGLE_NOT_FOUND : SINGLE_NOT_EXECUTABLE);
}

/* Not PID 1: what the command left behind has become ours, and ends with us. */
static void single_kill_rest(void)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < SINGLE_KILL_TRIES; i++) {
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 || shutdown_kill_children() < 0)
			return;
		nanosleep(&pause, NULL);
	}
}

int single_run(char *const *argv, bool subreaper)
{
	struct clone_args arguments = {.exit_signal = SIGCHLD};
	long pid;
	int status;

	if (subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		say("cannot adopt orphans: ", say_error(errno), NULL);
	pid = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (pid == 0)
		single_child(argv);
	if (pid < 0) {
		say("cannot start a process: ", say_error(errno), NULL);
		return SINGLE_NOT_EXECUTABLE;
	}
	status = interpret_wait_as_init((int)pid);
	if (subreaper)
		single_kill_rest();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
