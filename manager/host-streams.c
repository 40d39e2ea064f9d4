/* The standard streams of a launch, and the files it is passed: opened here, before any isolation, so that a path
 * is the host's. Nothing may block the manager: a FIFO is opened without waiting for its other end, a socket is
 * not waited for, and the terminal of standard input is the launch program's own business. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/terminal.h"
#include "manager/host-private.h"

/* systemd's EXIT_* (systemd.exec(5)). */
enum { HOST_EXIT_STDIN = 208, HOST_EXIT_STDOUT = 209, HOST_EXIT_STDERR = 222 };

/* --- files --------------------------------------------------------------------------------------------- */

static int host_streams_connect(const char *path)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r = -ENAMETOOLONG;

	if (strlen(path) >= sizeof address.sun_path)
		return r;
	strcpy(address.sun_path, path);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_fd_ int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			return -errno;
		if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return fcntl(fd, F_SETFL, 0) < 0 ? -errno : TAKE_FD(fd);
		r = -errno;
		if (errno != EPROTOTYPE)
			return r;
	}
	return r;
}

/* A FIFO that nobody reads yet is opened for both ways: that waits for nobody. */
static int host_streams_open_anyway(const char *path, int flags)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (S_ISSOCK(status.st_mode))
		return host_streams_connect(path);
	return S_ISFIFO(status.st_mode) ? open(path, (flags & ~O_ACCMODE) | O_RDWR) : -ENXIO;
}

/* FLAGS as open(2); what is made gets MODE. */
static int host_streams_open(const char *path, int flags, mode_t mode)
{
	mode_t before = umask(0);
	_cleanup_fd_ int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
	int error = errno;

	umask(before);
	if (fd < 0 && error == ENXIO)
		return host_streams_open_anyway(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -error;
	return fcntl(fd, F_SETFL, flags & O_APPEND) < 0 ? -errno : TAKE_FD(fd);
}

static int host_streams_open_file(const struct spec_open_file *file)
{
	int flags = file->flags & SPEC_OPEN_READ_ONLY  ? O_RDONLY
		    : file->flags & SPEC_OPEN_APPEND   ? O_RDWR | O_APPEND
		    : file->flags & SPEC_OPEN_TRUNCATE ? O_RDWR | O_TRUNC
						       : O_RDWR;
	struct stat status;

	if (stat(file->path, &status) < 0)
		return -errno;
	return S_ISSOCK(status.st_mode) ? host_streams_connect(file->path)
					: host_streams_open(file->path, flags, 0);
}

void host_passed_close(struct host_passed *passed)
{
	while (passed->n > 0)
		fd_close(passed->fds[--passed->n]);
}

int host_passed_open(const struct unit_config *config, struct host_passed *passed, struct failure *failure)
{
	const struct spec_open_files *files = &config->spec.open_files;

	for (size_t i = 0; i < files->n; i++) {
		int fd = passed->n < HOST_PASSED_MAX ? host_streams_open_file(&files->items[i]) : -E2BIG;

		if (fd < 0 && files->items[i].flags & SPEC_OPEN_GRACEFUL)
			continue;
		if (fd < 0) {
			failure_set(failure, fd, NULL, "cannot open %s", files->items[i].path);
			return host_launch_blame(config, offsetof(struct spec, open_files), (unsigned)i,
						 failure);
		}
		passed->names[passed->n] = files->items[i].name;
		passed->fds[passed->n++] = fd;
	}
	return 0;
}

/* --- the log's pipes ----------------------------------------------------------------------------------- */

static unsigned host_streams_log_copies(const struct spec_stream *stream)
{
	return (stream->kind == SPEC_STDIO_LOG_KMSG || stream->kind == SPEC_STDIO_LOG_KMSG_CONSOLE
			? HOST_LOG_KMSG
			: 0) |
	       (stream->kind == SPEC_STDIO_LOG_CONSOLE || stream->kind == SPEC_STDIO_LOG_KMSG_CONSOLE
			? HOST_LOG_CONSOLE
			: 0);
}

/* Output and error share a pipe, so that their lines keep their order, unless they are copied to different
 * places. */
static int host_streams_log(struct host_streams *streams, const struct spec_stream *stream)
{
	unsigned copies = host_streams_log_copies(stream);
	struct host_log_pipe *pipe = streams->pipes;
	int ends[2];

	while (pipe->read_end >= 0 && pipe->copies != copies)
		pipe++;
	if (pipe->read_end < 0) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return -errno;
		*pipe = (struct host_log_pipe){.read_end = ends[0], .write_end = ends[1], .copies = copies};
	}
	return fcntl(pipe->write_end, F_DUPFD_CLOEXEC, 3);
}

void host_streams_close(struct host_streams *streams)
{
	for (size_t i = 0; i < ARRAY_SIZE(streams->pipes); i++) {
		fd_close(streams->pipes[i].read_end);
		fd_close(streams->pipes[i].write_end);
	}
}

/* --- the three ----------------------------------------------------------------------------------------- */

struct host_stream {
	const struct spec *spec;
	const struct spec_stream *stream;
	int number;		      /* 0, 1, 2 */
	int input, output;	      /* what has been opened for 0 and 1; -1 */
	bool same_input, same_output; /* the same is meant as there: it is not opened a second time */
	struct host *host;
	struct host_streams *streams;
	const struct host_passed *passed;
};

static int host_stream_copy(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

static int host_stream_null(const struct host_stream *open)
{
	return host_stream_copy(open->host->null_fd);
}

/* systemd.exec(5): "file:". A file for input and output is opened once, for both. */
static int host_stream_file(const struct host_stream *open, int more)
{
	mode_t mode = 0666 & ~open->spec->umask;

	if (open->number == 0)
		return host_streams_open(open->stream->path, open->same_output ? O_RDWR | O_CREAT : O_RDONLY,
					 mode);
	return host_streams_open(open->stream->path, O_WRONLY | O_CREAT | more, mode);
}

static int host_stream_terminal(const struct host_stream *open)
{
	int fd = terminal_open(open->spec->tty_path ?: COMPILE_TTY_PATH,
			       open->number == 0 ? O_RDONLY : O_WRONLY);

	if (fd >= 0)
		terminal_set_size(fd, open->spec->tty_rows, open->spec->tty_columns);
	return fd;
}

static int host_stream_data(const struct host_stream *open)
{
	const struct spec_data *data = &open->spec->standard_input_data;
	_cleanup_fd_ int fd = memfd_create("standard-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, data->bytes, data->size);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int host_stream_passed(const struct host_stream *open)
{
	const struct host_passed *passed = open->passed;
	struct stat status;
	int found = -1;

	for (size_t i = 0; i < passed->n; i++) {
		if (open->stream->kind == SPEC_STDIO_FD) {
			if (strcmp(passed->names[i], open->stream->path) != 0)
				continue;
			return host_stream_copy(passed->fds[i]);
		}
		if (fstat(passed->fds[i], &status) < 0 || !S_ISSOCK(status.st_mode))
			continue;
		if (found >= 0)
			return -EINVAL; /* systemd.exec(5): there may be only one */
		found = passed->fds[i];
	}
	return found < 0 ? -ENOENT : host_stream_copy(found);
}

static int host_stream_open(const struct host_stream *open)
{
	if (open->same_input)
		return host_stream_copy(open->input);
	if (open->number == 2 && open->same_output)
		return host_stream_copy(open->output);
	switch (open->stream->kind) {
	case SPEC_STDIO_LOG:
	case SPEC_STDIO_LOG_KMSG:
	case SPEC_STDIO_LOG_CONSOLE:
	case SPEC_STDIO_LOG_KMSG_CONSOLE:
		return host_streams_log(open->streams, open->stream);
	case SPEC_STDIO_FILE:
		return host_stream_file(open, 0);
	case SPEC_STDIO_APPEND:
		return host_stream_file(open, O_APPEND);
	case SPEC_STDIO_TRUNCATE:
		return host_stream_file(open, O_TRUNC);
	case SPEC_STDIO_TTY:
	case SPEC_STDIO_TTY_FORCE:
	case SPEC_STDIO_TTY_FAIL:
		return host_stream_terminal(open);
	case SPEC_STDIO_DATA:
		return host_stream_data(open);
	case SPEC_STDIO_SOCKET:
	case SPEC_STDIO_FD:
		return host_stream_passed(open);
	case SPEC_STDIO_INHERIT:
	case SPEC_STDIO_NULL:
	case SPEC_STDIO_MAX_:
		break;
	}
	return host_stream_null(open);
}

static bool host_stream_is_file(const struct spec_stream *stream)
{
	return stream->kind == SPEC_STDIO_FILE;
}

static bool host_stream_equal(const struct spec_stream *a, const struct spec_stream *b)
{
	return a->kind == b->kind && text_equal(a->path, b->path) && !spec_stream_is_log(a);
}

/* What follows for one of the three from what the others are. */
static int host_stream_decide(struct host_stream *open, bool no_terminal)
{
	const struct spec *spec = open->spec;
	const struct spec_stream *input = &spec->standard_input, *output = &spec->standard_output,
				 *error = &spec->standard_error;
	const struct spec_stream *stream = open->stream;

	if (open->number == 0) {
		open->same_output = host_stream_is_file(input) &&
				    (host_stream_equal(input, output) || host_stream_equal(input, error));
		return no_terminal && spec_stream_is_terminal(input) ? host_stream_null(open)
								     : host_stream_open(open);
	}
	open->same_input = host_stream_is_file(input) && host_stream_equal(input, stream);
	if (open->number == 2)
		open->same_output = stream->kind == SPEC_STDIO_INHERIT || host_stream_equal(output, stream);
	/* "inherit" follows an input that can be written to; a terminal that this command does not read from is
	 * written to all the same. */
	if (open->number == 1 && stream->kind == SPEC_STDIO_INHERIT && spec_stream_is_terminal(input))
		return host_stream_terminal(open);
	if (open->number == 1 && stream->kind == SPEC_STDIO_INHERIT)
		open->same_input = spec_stream_is_both_ways(input) || host_stream_is_file(input);
	return host_stream_open(open);
}

int host_streams_open_all(struct host *host, struct host_bag *bag, const struct unit_config *config,
			  bool no_terminal, const struct host_passed *passed, struct host_streams *streams,
			  struct failure *failure, int *ret_exit_status)
{
	const struct spec *spec = &config->spec;
	const struct {
		const struct spec_stream *stream;
		uint32_t origin;
		int exit_status;
	} rows[] = {
		{&spec->standard_input, offsetof(struct spec, standard_input), HOST_EXIT_STDIN},
		{&spec->standard_output, offsetof(struct spec, standard_output), HOST_EXIT_STDOUT},
		{&spec->standard_error, offsetof(struct spec, standard_error), HOST_EXIT_STDERR},
	};
	unsigned by_program = compile_terminal_streams(spec, no_terminal);

	for (int i = 0; i < 3; i++) {
		struct host_stream open = {
			.spec = spec,
			.stream = rows[i].stream,
			.number = i,
			.input = i > 0 ? bag->fds[bag->n - (size_t)i] : -1,
			.output = i > 1 ? bag->fds[bag->n - 1] : -1,
			.host = host,
			.streams = streams,
			.passed = passed,
		};
		int r = host_bag_put(bag, by_program & 1u << i ? host_stream_null(&open)
							       : host_stream_decide(&open, no_terminal));

		if (r < 0) {
			const char *path = rows[i].stream->path;

			if (r == -ENOENT && rows[i].stream->kind == SPEC_STDIO_SOCKET)
				failure_set(failure, r, NULL, "no socket is passed to the service");
			else if (r == -ENOENT && rows[i].stream->kind == SPEC_STDIO_FD)
				failure_set(failure, r, NULL,
					    "no descriptor named %s is passed to the service", path);
			else
				failure_set(failure, r, NULL, "cannot open %s",
					    path	     ? path
					    : spec->tty_path ? spec->tty_path
							     : "the stream");
			*ret_exit_status = rows[i].exit_status;
			return host_launch_blame(config, rows[i].origin, 0, failure);
		}
	}
	return 0;
}

void host_streams_release(const struct spec *spec)
{
	unsigned what = (spec->tty_reset ? TERMINAL_RESET : 0) | (spec->tty_vhangup ? TERMINAL_HANGUP : 0) |
			(spec->tty_disallocate ? TERMINAL_CLEAR : 0);

	if (what)
		terminal_prepare(spec->tty_path ?: COMPILE_TTY_PATH, what);
}
