/* See terminal.h. Everything is driven by the loop: the socket that brings the master, the master, our standard
 * input, SIGWINCH. What is typed waits in a small buffer while the command does not read; we read no more then. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/terminal.h"

enum { TERMINAL_BUFFER = 4096, TERMINAL_END_MAX = 1 << 20 };

struct terminal {
	bool input;
	int socket_fds[2]; /* ours, and the one that is given away */
	int master;
	struct termios before;
	bool is_raw;
	bool input_ended;
	char typed[TERMINAL_BUFFER]; /* not passed on yet */
	size_t n_typed;
	sd_event_source *arrival, *from_master, *from_input, *resize;
};

int terminal_new(bool input, struct terminal **ret)
{
	struct terminal *terminal = calloc(1, sizeof *terminal);

	if (!terminal)
		return -ENOMEM;
	*terminal = (struct terminal){.input = input, .socket_fds = {-1, -1}, .master = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, terminal->socket_fds) < 0) {
		int r = -errno;

		free(terminal);
		return r;
	}
	*ret = terminal;
	return 0;
}

static void terminal_restore(struct terminal *terminal)
{
	if (terminal->is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
	terminal->is_raw = false;
}

struct terminal *terminal_free(struct terminal *terminal)
{
	if (!terminal)
		return NULL;
	terminal_restore(terminal);
	sd_event_source_disable_unref(terminal->arrival);
	sd_event_source_disable_unref(terminal->from_master);
	sd_event_source_disable_unref(terminal->from_input);
	sd_event_source_disable_unref(terminal->resize);
	fd_close(terminal->socket_fds[0]);
	fd_close(terminal->socket_fds[1]);
	fd_close(terminal->master);
	free(terminal);
	return NULL;
}

int terminal_socket(const struct terminal *terminal)
{
	return terminal->socket_fds[1];
}

void terminal_size(uint16_t *rows, uint16_t *columns)
{
	static const int fds[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};

	for (size_t i = 0; i < 3; i++) {
		struct winsize size;

		if (ioctl(fds[i], TIOCGWINSZ, &size) < 0)
			continue;
		*rows = size.ws_row;
		*columns = size.ws_col;
		return;
	}
}

static int terminal_on_resize(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct terminal *terminal = userdata;
	struct winsize size;

	(void)source, (void)info;
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(terminal->master, TIOCSWINSZ, &size);
	return 0;
}

/* Reads while there is room, writes while there is something. */
static void terminal_choose_events(struct terminal *terminal)
{
	sd_event_source_set_io_events(terminal->from_master, EPOLLIN | (terminal->n_typed ? EPOLLOUT : 0));
	if (terminal->from_input)
		sd_event_source_set_enabled(terminal->from_input, terminal->n_typed || terminal->input_ended
									  ? SD_EVENT_OFF
									  : SD_EVENT_ON);
}

static void terminal_pass_on(struct terminal *terminal)
{
	ssize_t n = write(terminal->master, terminal->typed, terminal->n_typed);

	if (n > 0) {
		terminal->n_typed -= (size_t)n;
		memmove(terminal->typed, terminal->typed + n, terminal->n_typed);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR)
		terminal->n_typed = 0; /* nobody is there any more */
	terminal_choose_events(terminal);
}

static int terminal_on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct terminal *terminal = userdata;
	ssize_t n = read(fd, terminal->typed, sizeof terminal->typed);

	(void)source, (void)events;
	if (n > 0)
		terminal->n_typed = (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		struct termios modes;

		/* The end of a file is what ^D is at a terminal. */
		terminal->input_ended = true;
		terminal->typed[0] = tcgetattr(terminal->master, &modes) == 0 ? (char)modes.c_cc[VEOF] : 4;
		terminal->n_typed = 1;
	}
	terminal_pass_on(terminal);
	return 0;
}

static int terminal_on_file(sd_event_source *source, void *userdata)
{
	return terminal_on_input(source, STDIN_FILENO, EPOLLIN, userdata);
}

/* 1: something came, 0: nothing for now, or a negative errno: -EIO when nobody has the other side open. */
static int terminal_print(struct terminal *terminal)
{
	char buffer[TERMINAL_BUFFER];
	ssize_t n = read(terminal->master, buffer, sizeof buffer);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	r = n > 0 ? fd_write_all(STDOUT_FILENO, buffer, (size_t)n) : -EIO;
	return r < 0 ? r : 1;
}

static int terminal_on_master(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct terminal *terminal = userdata;

	(void)fd;
	if (events & EPOLLOUT)
		terminal_pass_on(terminal);
	/* Nobody has it open: the command's end will be told. */
	if (events & (EPOLLIN | EPOLLHUP) && terminal_print(terminal) < 0)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static int terminal_make_raw(struct terminal *terminal)
{
	struct termios modes;

	if (!terminal->input || tcgetattr(STDIN_FILENO, &terminal->before) < 0)
		return 0;
	modes = terminal->before;
	cfmakeraw(&modes);
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &modes) < 0)
		return -errno;
	terminal->is_raw = true;
	return 0;
}

static int terminal_on_arrival(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct terminal *terminal = userdata;
	sd_event *event = sd_event_source_get_event(source);
	size_t n_fds = 0;
	char byte;
	ssize_t n = fd_receive_message(fd, &byte, 1, &terminal->master, 1, &n_fds);
	int r;

	(void)events;
	sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (n <= 0 || n_fds == 0 || !isatty(terminal->master)) {
		terminal->master = fd_close(terminal->master);
		return 0; /* it failed; the answer to the call says why */
	}
	fcntl(terminal->master, F_SETFL, O_RDWR | O_NONBLOCK);
	r = terminal_make_raw(terminal);
	if (r >= 0)
		r = sd_event_add_io(event, &terminal->from_master, terminal->master, EPOLLIN,
				    terminal_on_master, terminal);
	if (r >= 0 && terminal->input) {
		r = sd_event_add_io(event, &terminal->from_input, STDIN_FILENO, EPOLLIN, terminal_on_input,
				    terminal);
		if (r == -EPERM) /* a file is always ready, and epoll(7) wants none */
			r = sd_event_add_defer(event, &terminal->from_input, terminal_on_file, terminal);
		if (r >= 0)
			r = sd_event_source_set_enabled(terminal->from_input, SD_EVENT_ON);
	}
	if (r >= 0)
		terminal_on_resize(NULL, NULL, terminal);
	return r < 0 ? sd_event_exit(event, r) : 0;
}

int terminal_attach(struct terminal *terminal, sd_event *event)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGWINCH);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r = sd_event_add_signal(event, &terminal->resize, SIGWINCH, terminal_on_resize, terminal);
	if (r < 0)
		return r;
	return sd_event_add_io(event, &terminal->arrival, terminal->socket_fds[0], EPOLLIN,
			       terminal_on_arrival, terminal);
}

void terminal_end(struct terminal *terminal)
{
	size_t printed = 0;

	/* What the command wrote last may still be on its way; a job that it left behind may go on for ever. */
	while (terminal->master >= 0 && printed < TERMINAL_END_MAX && terminal_print(terminal) > 0)
		printed += TERMINAL_BUFFER;
	terminal_restore(terminal);
}
