/* Terminals and what is read from standard input. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Standard input is the controlling terminal of the session we lead, and we are in its foreground. */
static int terminal_controlling(char **words _unused_, int n _unused_)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	if (tcgetsid(0) == getsid(0) && getsid(0) == getpid() && tcgetpgrp(0) == getpgrp())
		return 0;
	return guest_failed("controlling-terminal", "standard input", "session %d of it, %d ours, %d our pid",
			    tcgetsid(0), getsid(0), getpid());
}

static int terminal_size(char **words, int n _unused_)
{
	struct winsize size = {};
	char found[32];

	if (ioctl(0, TIOCGWINSZ, &size) < 0)
		return guest_failed("terminal-size", words[0], "%s", strerror(errno));
	snprintf(found, sizeof found, "%dx%d", size.ws_col, size.ws_row);
	return guest_expect_text("terminal-size", words[0], found);
}

/* Whether input is echoed and edited: what a reset brings back. */
static int terminal_cooked(char **words, int n _unused_)
{
	struct termios modes;

	if (tcgetattr(0, &modes) < 0)
		return guest_failed("cooked", words[0], "%s", strerror(errno));
	return guest_expect_number("cooked", words[0], (modes.c_lflag & (ECHO | ICANON)) == (ECHO | ICANON));
}

static int terminal_raw(char **words _unused_, int n _unused_)
{
	struct termios modes;

	if (tcgetattr(0, &modes) < 0)
		return guest_failed("raw", "a terminal", "%s", strerror(errno));
	cfmakeraw(&modes);
	return tcsetattr(0, TCSANOW, &modes) < 0 ? guest_failed("raw", "raw mode", "%s", strerror(errno)) : 0;
}

/* All that standard input yields; newlines are shown as "|". */
static int terminal_input(char **words, int n _unused_)
{
	char found[4096];
	ssize_t length = 0, got;

	while ((got = read(0, found + length, sizeof found - 1 - (size_t)length)) > 0)
		length += got;
	found[length] = '\0';
	for (char *c = found; *c; c++)
		if (*c == '\n')
			*c = '|';
	return guest_expect_text("input", words[0], found);
}

/* sd_listen_fds(3): the variables name us, and the descriptors are open. */
static int terminal_listen(char **words, int n _unused_)
{
	const char *pid = getenv("LISTEN_PID"), *number = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	char found[1024];

	if (!pid || atoi(pid) != getpid())
		return guest_failed("listening", "LISTEN_PID of ours", "%s", pid ? pid : "none");
	for (int i = 0; number && i < atoi(number); i++)
		if (fcntl(3 + i, F_GETFD) != 0)
			return guest_failed("listening", "an open descriptor", "%d: %s", 3 + i,
					    strerror(errno));
	snprintf(found, sizeof found, "%s %s", number ? number : "0", names ? names : "");
	return guest_expect_text("listening", words[0], found);
}

/* FD TEXT: writes it, or reads it when the descriptor is open for nothing else. */
static int terminal_through(char **words, int n _unused_)
{
	int fd = atoi(words[0]), flags = fcntl(fd, F_GETFL);
	char found[1024] = "";

	if (flags < 0)
		return guest_failed("through", "an open descriptor", "%s", strerror(errno));
	if ((flags & O_ACCMODE) != O_RDONLY)
		return write(fd, words[1], strlen(words[1])) < 0
			       ? guest_failed("through", "a write", "%s", strerror(errno))
			       : 0;
	if (read(fd, found, sizeof found - 1) < 0)
		return guest_failed("through", words[1], "%s", strerror(errno));
	found[strcspn(found, "\n")] = '\0';
	return guest_expect_text("through", words[1], found);
}

static int terminal_own_number(char **words, int n_words)
{
	int failed = 0;

	for (int i = 0; i < n_words; i++) {
		const char *value = getenv(words[i]);

		if (!value || atoi(value) != getpid())
			failed = guest_failed(words[i], "our process id", "%s", value ? value : "none");
	}
	return failed;
}

const struct guest_verb terminal_verbs[] = {
	{"controlling-terminal", 0, 0, terminal_controlling, ""},
	{"terminal-size", 1, 1, terminal_size, "COLUMNSxROWS"},
	{"cooked", 1, 1, terminal_cooked, "0|1"},
	{"raw", 0, 0, terminal_raw, ""},
	{"input", 1, 1, terminal_input, "TEXT"},
	{"listening", 1, 1, terminal_listen, "\"COUNT NAMES\""},
	{"through", 2, 2, terminal_through, "DESCRIPTOR TEXT"},
	{"own-number", 1, -1, terminal_own_number, "VARIABLE…"},
	{},
};
