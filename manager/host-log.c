/* What services print, and what the manager says of them: one file per unit, DIRECTORY/logs/UNIT.log, a line
 * each (see host_log_line()). The pipe's read end is also held by svc-init, so that no output is
 * lost and no writer gets SIGPIPE while the manager restarts. A file that has grown to its limit becomes
 * UNIT.log.old: at most two limits per unit. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "manager/host-private.h"

#define HOST_LOG_SEPARATOR "\x1f"

enum {
	HOST_LOG_FILE_LIMIT = 4 << 20, /* bytes */
	HOST_LOG_LINE_LIMIT = 16384,   /* a longer line is cut in pieces */
	HOST_LOG_READ = 65536,	       /* at a time: a pipe's whole content */
};

/* Somebody may have put a link or a FIFO there. */
#define HOST_LOG_FLAGS (O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

static void host_log_path(const struct host *host, const char *unit, const char *suffix,
			  char path[static PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/logs/%s.log%s", host->runtime_directory, unit, suffix);
}

static int host_log_file(struct host_unit *unit, const struct unit_log *log)
{
	uint64_t limit = log->max_size ? log->max_size : HOST_LOG_FILE_LIMIT;
	char path[PATH_MAX], old[PATH_MAX];
	struct stat status;

	host_log_path(unit->host, unit->name, "", path);
	if (unit->log_fd >= 0 && unit->log_size >= limit) {
		host_log_path(unit->host, unit->name, ".old", old);
		rename(path, old);
		unit->log_fd = fd_close(unit->log_fd);
	}
	if (unit->log_fd < 0) {
		unit->log_fd = open(path, HOST_LOG_FLAGS | O_WRONLY | O_CREAT | O_APPEND, 0640);
		if (unit->log_fd < 0)
			return -errno;
		if (fstat(unit->log_fd, &status) < 0 || !S_ISREG(status.st_mode)) {
			unit->log_fd = fd_close(unit->log_fd);
			return -ENOTSUP;
		}
		unit->log_size = (uint64_t)status.st_size;
	}
	return unit->log_fd;
}

/* "REALTIME PRIORITY PID[+LENGTH][/IDENTIFIER] TEXT": PRIORITY has the facility in it unless that is daemon, LENGTH bytes at the
 * end are the fields of LogExtraFields=, behind a 0x1f each. A full disk loses lines, never the service: the write's failure is
 * not reported anywhere else. */
void host_log_line(struct host_unit *unit, const struct unit_log *log, int level, pid_t pid, const char *text,
		   size_t length)
{
	_cleanup_free_ char *fields = log->fields ? text_list_join(log->fields, HOST_LOG_SEPARATOR) : NULL;
	int facility = log->facility == LOG_FAC(LOG_DAEMON) ? 0 : log->facility << 3,
	    fd = host_log_file(unit, log), n;
	char head[160], size[24] = "";
	struct iovec parts[5] = {};
	ssize_t written;

	if (fd < 0)
		return;
	if (fields)
		snprintf(size, sizeof size, "+%zu", strlen(fields) + 1);
	n = snprintf(head, sizeof head, "%" PRIu64 " %d %d%s%s%s ", time_now(CLOCK_REALTIME),
		     level | facility, (int)pid, size, log->identifier ? "/" : "",
		     log->identifier ? log->identifier : "");
	parts[0] = (struct iovec){head, (size_t)n};
	parts[1] = (struct iovec){(void *)text, length};
	if (fields) {
		parts[2] = (struct iovec){(void *)HOST_LOG_SEPARATOR, 1};
		parts[3] = (struct iovec){fields, strlen(fields)};
	}
	parts[4] = (struct iovec){(void *)"\n", 1};
	written = writev(fd, parts, ARRAY_SIZE(parts));
	if (written > 0)
		unit->log_size += (uint64_t)written;
}

/* --- copies: StandardOutput=kmsg and …+console --------------------------------------------------------- */

static const char *const host_log_names[] = {
	[0] = "log",
	[HOST_LOG_KMSG] = "log+kmsg",
	[HOST_LOG_CONSOLE] = "log+console",
	[HOST_LOG_KMSG | HOST_LOG_CONSOLE] = "log+kmsg+console",
};

const char *host_log_name(unsigned copies)
{
	return host_log_names[copies];
}

/* The copies that NAME stands for; -1 when it is no name of a log. */
static int host_log_find_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_log_names); i++)
		if (strcmp(host_log_names[i], name) == 0)
			return (int)i;
	return -1;
}

bool host_log_is_name(const char *name)
{
	return host_log_find_name(name) >= 0;
}

/* One write(2) that may not block: a console that is stopped loses the line, the log has it. */
static void host_log_copy_to(const char *path, struct iovec parts[static 3])
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && writev(fd, parts, 3) < 0)
		return;
}

static void host_log_copy(const struct host_log *log, int priority, const char *text, size_t length)
{
	char head[LAUNCH_NAME_MAX + 32];
	struct iovec parts[3] = {{}, {(void *)text, length}, {(void *)"\n", 1}};

	if (log->copies & HOST_LOG_KMSG) {
		snprintf(head, sizeof head, "<%d>%.64s[%d]: ", priority, log->unit->name, (int)log->pid);
		parts[0] = (struct iovec){head, strlen(head)};
		host_log_copy_to("/dev/kmsg", parts);
	}
	if (log->copies & HOST_LOG_CONSOLE) {
		snprintf(head, sizeof head, "%.64s[%d]: ", log->unit->name, (int)log->pid);
		parts[0] = (struct iovec){head, strlen(head)};
		host_log_copy_to("/dev/console", parts);
	}
}

/* --- the pipes ----------------------------------------------------------------------------------------- */

/* A line, or a piece of one, has come to its end. */
static void host_log_end_line(struct host_log *log, const char *text, size_t length)
{
	const struct unit_log *settings;
	int level;

	log->partial_length = 0;
	if (!host_log_admit(log->unit, &level, &text, &length, &settings))
		return;
	if (log->copies)
		host_log_copy(log, level | settings->facility << 3, text, length);
	host_log_line(log->unit, settings, level, log->pid, text, length);
}

static void host_log_keep(struct host_log *log, const char *text, size_t length)
{
	char *larger = realloc(log->partial, log->partial_length + length);

	if (!larger)
		return; /* out of memory: this piece of the line is lost */
	memcpy(larger + log->partial_length, text, length);
	log->partial = larger;
	log->partial_length += length;
}

/* Writes the complete lines of TEXT; what is left over waits in log->partial. */
static void host_log_split(struct host_log *log, const char *text, size_t length)
{
	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t line = newline ? (size_t)(newline - text) : length;
		size_t take = MIN_OF(line, (size_t)HOST_LOG_LINE_LIMIT - log->partial_length);
		bool ends = take < line || newline;

		if (ends && log->partial_length == 0)
			host_log_end_line(log, text, take);
		else {
			host_log_keep(log, text, take);
			if (ends)
				host_log_end_line(log, log->partial, log->partial_length);
		}
		if (newline && take == line)
			take++;
		text += take;
		length -= take;
	}
}

/* Reads once. 1: something came, 0: the end, -EAGAIN: nothing for now. */
static int host_log_read(struct host_log *log)
{
	static char buffer[HOST_LOG_READ];
	ssize_t n = read(log->pipe, buffer, sizeof buffer);

	if (n > 0)
		host_log_split(log, buffer, (size_t)n);
	return n > 0 ? 1 : n == 0 ? 0 : -EAGAIN;
}

static void host_log_free(struct host_log *log)
{
	struct host_log **at = &log->unit->logs;

	while (*at != log)
		at = &(*at)->next;
	*at = log->next;
	if (log->partial_length > 0)
		host_log_end_line(log, log->partial, log->partial_length);
	sd_event_source_disable_unref(log->source);
	fd_close(log->pipe);
	free(log->partial);
	free(log);
}

static int host_log_on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t events _unused_,
			  void *data)
{
	struct host_log *log = data;

	if (host_log_read(log) == 0)
		host_log_free(log);
	return 0;
}

int host_log_attach(struct host_unit *unit, const struct launch_id *id, pid_t pid, const char *name,
		    int read_end)
{
	struct host_log *log = calloc(1, sizeof *log);
	int copies = host_log_find_name(name);
	int r;

	if (!log) {
		fd_close(read_end);
		return -ENOMEM;
	}
	fcntl(read_end, F_SETFL, O_NONBLOCK);
	*log = (struct host_log){.unit = unit,
				 .id = *id,
				 .pid = pid,
				 .pipe = read_end,
				 .copies = copies < 0 ? 0 : (unsigned)copies,
				 .next = unit->logs};
	r = sd_event_add_io(unit->host->event, &log->source, read_end, EPOLLIN, host_log_on_io, log);
	/* Exits are told before output is read, or a burst of output would delay restarts; and nothing is read before it
	 * is known whose it is. */
	if (r >= 0)
		r = sd_event_source_set_priority(log->source, SD_EVENT_PRIORITY_IDLE);
	if (r >= 0 && pid == 0)
		r = sd_event_source_set_enabled(log->source, SD_EVENT_OFF);
	if (r < 0) {
		sd_event_source_disable_unref(log->source);
		fd_close(read_end);
		free(log);
		return r;
	}
	unit->logs = log;
	return 0;
}

bool host_log_attached(const struct host_unit *unit, const struct launch_id *id, const char *name)
{
	int copies = host_log_find_name(name);

	for (const struct host_log *log = unit->logs; log; log = log->next)
		if (memcmp(&log->id, id, sizeof *id) == 0 && (int)log->copies == copies)
			return true;
	return false;
}

void host_log_set_pid(struct host_unit *unit, const struct launch_id *id, pid_t pid)
{
	if (pid == 0)
		return;
	for (struct host_log *log = unit->logs; log; log = log->next)
		if (memcmp(&log->id, id, sizeof *id) == 0) {
			log->pid = pid;
			sd_event_source_set_enabled(log->source, SD_EVENT_ON);
		}
}

static void host_log_drain_all(struct host_unit *unit, bool unknown_too)
{
	for (struct host_log *log = unit->logs, *next; log; log = next) {
		int r = 1;

		next = log->next;
		for (int i = 0; i < 64 && r > 0 && (log->pid > 0 || unknown_too); i++)
			r = host_log_read(log);
		if (r == 0)
			host_log_free(log);
	}
}

void host_log_drain(struct host_unit *unit)
{
	host_log_drain_all(unit, false);
}

void host_log_detach(struct host_unit *unit)
{
	host_log_drain_all(unit, true);
	while (unit->logs)
		host_log_free(unit->logs);
	unit->log_fd = fd_close(unit->log_fd);
}

void host_log_message(struct world *world, int priority, const char *unit, const char *text)
{
	struct host *host = host_of_world(world);
	struct host_unit *host_unit = unit ? host_unit_get(host, unit) : NULL;
	const struct unit_config *config;
	const struct unit_log *log;

	if (priority <= host->log_level)
		fprintf(stderr, "<%d>svcd: %s%s%s\n", priority, unit ? unit : "", unit ? ": " : "", text);
	if (!host_unit)
		return;
	log = host_log_settings(host_unit, &config);
	if (log->level_max < 0 || priority <= log->level_max)
		host_log_line(host_unit, log, priority, 0, text, strlen(text));
}

int host_open_log(struct host *host, const char *unit)
{
	_cleanup_fd_ int fd = -1;
	char path[PATH_MAX];
	struct stat status;

	host_log_path(host, unit, "", path);
	fd = open(path, HOST_LOG_FLAGS | O_RDONLY);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? TAKE_FD(fd) : -ENOTSUP;
}
