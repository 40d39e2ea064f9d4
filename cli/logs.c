/* svcctl logs: the manager opens the unit's log and passes the descriptor; reading and following it is done
 * here. How a line of the file looks, manager/host-log.c says at host_log_line(). When the file is put aside because it is
 * full, following goes on in the new one. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/cli.h"

#define LOGS_DEFAULT_LINES 10
#define LOGS_READ	   65536
#define LOGS_LINE_MAX	   (256 * 1024)

static int logs_open(struct cli *cli, const char *unit, sd_bus_error *error)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int fd, r = call_manager(cli, "OpenUnitLog", error, &reply, "s", unit);

	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	if (r < 0)
		return r;
	fd = dup(fd); /* the message closes its own */
	return fd < 0 ? -errno : fd;
}

/* Where the last LINES lines of the file begin. */
static off_t logs_find_tail(int fd, int lines)
{
	char buffer[4096];
	struct stat status;
	off_t end;
	int found = -1; /* the newline at the very end ends a line, it begins none */

	if (fstat(fd, &status) < 0)
		return 0;
	for (end = status.st_size; end > 0;) {
		off_t begin = end > (off_t)sizeof buffer ? end - (off_t)sizeof buffer : 0;
		ssize_t n = pread(fd, buffer, (size_t)(end - begin), begin);

		if (n != end - begin)
			return 0;
		while (n-- > 0)
			if (buffer[n] == '\n' && ++found == lines)
				return begin + n + 1;
		end = begin;
	}
	return 0;
}

/* "[+LENGTH][/IDENTIFIER] " behind the process id. Returns where the text begins. */
static const char *logs_parse_identifier(const char *c, struct json_object *entry, size_t *ret_fields)
{
	char *end = (char *)c;

	*ret_fields = *c == '+' ? strtoul(c + 1, &end, 10) : 0;
	c = end;
	if (*c == '/') {
		size_t length = strcspn(c + 1, " ");

		json_object_object_add(entry, "identifier", json_object_new_string_len(c + 1, (int)length));
		c += 1 + length;
	}
	return c + (*c == ' ');
}

/* The text, and the LENGTH bytes of fields at its end, a 0x1f before each. */
static void logs_parse_fields(const char *text, size_t length, struct json_object *entry)
{
	size_t size = strlen(text), begin = length > 0 && length <= size ? size - length : size;
	_cleanup_free_ char *copy = strndup(text, begin), *rest = strdup(text + begin);
	struct json_object *fields = length > 0 ? json_object_new_object() : NULL;
	char *cursor = rest, *field;

	json_object_object_add(entry, "text", value_text(copy ? copy : ""));
	if (!fields)
		return;
	while ((field = strsep(&cursor, "\x1f"))) {
		char *equals = strchr(field, '=');

		if (!equals)
			continue;
		*equals = '\0';
		json_object_object_add(fields, field, value_text(equals + 1));
	}
	json_object_object_add(entry, "fields", fields);
}

/* One line of the file, or NULL if it is none. */
static struct json_object *logs_parse(const char *line)
{
	struct json_object *entry;
	unsigned long long realtime;
	int priority, pid, text = 0;
	size_t fields;

	if (sscanf(line, "%llu %d %d%n", &realtime, &priority, &pid, &text) < 3 || text == 0)
		return NULL;
	entry = json_object_new_object();
	json_object_object_add(entry, "realtime", json_object_new_uint64(realtime));
	json_object_object_add(entry, "priority", json_object_new_int(priority & LOG_PRIMASK));
	if (priority > LOG_PRIMASK)
		json_object_object_add(entry, "facility", json_object_new_int(LOG_FAC(priority)));
	json_object_object_add(entry, "pid", json_object_new_int(pid));
	line = logs_parse_identifier(line + text, entry, &fields);
	logs_parse_fields(line, fields, entry);
	return entry;
}

static void logs_print_entry(struct cli *cli, struct json_object *entry)
{
	time_t seconds = (time_t)(properties_number(entry, "realtime") / USEC_PER_SEC);
	int64_t priority = properties_integer(entry, "priority"), pid = properties_integer(entry, "pid");
	enum print_colour colour = priority <= LOG_ERR	     ? PRINT_RED
				   : priority == LOG_WARNING ? PRINT_YELLOW
							     : PRINT_PLAIN;
	char time[64];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || strftime(time, sizeof time, "%b %d %H:%M:%S", &tm) == 0)
		snprintf(time, sizeof time, "?");
	printf("%s ", time);
	if (pid > 0) {
		print_safe(properties_text(entry, "identifier"));
		printf("[%" PRIi64 "]: ", pid);
	} else {
		printf("svcd: ");
	}
	fputs(print_colour(cli, colour), stdout);
	print_safe(properties_text(entry, "text"));
	puts(print_colour(cli, PRINT_PLAIN));
}

void logs_print(struct cli *cli, struct json_object *lines)
{
	for (size_t i = 0; i < json_object_array_length(lines); i++)
		logs_print_entry(cli, json_object_array_get_idx(lines, i));
}

/* Whole lines from FD into LIST; what is left of a line stays in REST. */
static int logs_read(int fd, struct text_buffer *rest, struct json_object *list)
{
	char buffer[LOGS_READ];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof buffer)) > 0) {
		char *line, *end;

		for (ssize_t i = 0; i < n; i++)
			if (buffer[i] == '\0')
				buffer[i] = '?';
		text_buffer_append_bytes(rest, buffer, (size_t)n);
		if (rest->failed)
			return -ENOMEM;
		for (line = rest->data; (end = strchr(line, '\n')); line = end + 1) {
			struct json_object *entry;

			*end = '\0';
			entry = logs_parse(line);
			if (entry)
				json_object_array_add(list, entry);
		}
		rest->length = strlen(line);
		memmove(rest->data, line, rest->length + 1);
		if (rest->length > LOGS_LINE_MAX)
			rest->length = 0;
	}
	return n < 0 ? -errno : 0;
}

struct json_object *logs_read_tail(struct cli *cli, const char *unit, int lines)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct json_object *list = json_object_new_array();
	struct text_buffer rest = {};
	_cleanup_fd_ int fd = logs_open(cli, unit, &error);

	if (fd >= 0) {
		lseek(fd, logs_find_tail(fd, lines), SEEK_SET);
		logs_read(fd, &rest, list);
		text_buffer_free(&rest);
	}
	return list;
}

/* As JSON one object to a line, so that it can be followed. */
static void logs_show(struct cli *cli, const char *unit, struct json_object *list)
{
	for (size_t i = 0; cli->json && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		json_object_object_add(entry, "unit", json_object_new_string(unit));
		puts(json_object_to_json_string_ext(entry, JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	if (!cli->json)
		logs_print(cli, list);
	fflush(stdout);
}

/* Watches what FD is open on, by whatever name. */
static int logs_watch(int fd)
{
	_cleanup_fd_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (watch < 0 || inotify_add_watch(watch, path, IN_MODIFY | IN_MOVE_SELF | IN_ATTRIB) < 0)
		return -errno;
	return TAKE_FD(watch);
}

/* Sleeps until the file changed. 1: it was put aside. */
static int logs_wait(int watch)
{
	struct pollfd waiting = {.fd = watch, .events = POLLIN};
	_Alignas(struct inotify_event) char buffer[4096];
	bool moved = false;
	ssize_t n;

	if (poll(&waiting, 1, -1) < 0)
		return -errno;
	while ((n = read(watch, buffer, sizeof buffer)) > 0)
		for (char *p = buffer; p < buffer + n;) {
			const struct inotify_event *event = (const struct inotify_event *)p;

			moved |= event->mask & (IN_MOVE_SELF | IN_IGNORED);
			p += sizeof *event + event->len;
		}
	return moved;
}

static int logs_follow(struct cli *cli, const char *unit, int *fd, struct text_buffer *rest)
{
	_cleanup_fd_ int watch = logs_watch(*fd);
	int r = watch;

	while (r >= 0) {
		struct json_object *list = json_object_new_array();

		r = logs_read(*fd, rest, list);
		logs_show(cli, unit, list);
		json_object_put(list);
		if (r < 0 || (r = logs_wait(watch)) <= 0)
			continue;
		fd_close(*fd);
		fd_close(watch);
		*fd = logs_open(cli, unit, NULL);
		watch = *fd < 0 ? -1 : logs_watch(*fd);
		r = *fd < 0 ? *fd : watch;
	}
	return r;
}

static int logs_of_unit(struct cli *cli, const char *unit)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct json_object *list;
	struct text_buffer rest = {};
	_cleanup_fd_ int fd = logs_open(cli, unit, &error);
	int r;

	if (fd < 0 && sd_bus_error_has_name(&error, SD_BUS_ERROR_FILE_NOT_FOUND) && !cli->follow) {
		if (!cli->quiet && !cli->json)
			fprintf(stderr, "-- No entries --\n");
		return CLI_OK;
	}
	if (fd < 0)
		return call_report(cli, fd, &error, "open the log of %s", unit);
	if (cli->lines >= 0 || cli->follow)
		lseek(fd, logs_find_tail(fd, cli->lines >= 0 ? cli->lines : LOGS_DEFAULT_LINES), SEEK_SET);
	list = json_object_new_array();
	r = logs_read(fd, &rest, list);
	logs_show(cli, unit, list);
	json_object_put(list);
	if (r >= 0 && cli->follow)
		r = logs_follow(cli, unit, &fd, &rest);
	text_buffer_free(&rest);
	return r < 0 ? call_report(cli, r, NULL, "read the log of %s", unit) : CLI_OK;
}

int logs_verb(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	int status = CLI_OK, r = call_expand(cli, arguments, &units);

	if (r < 0)
		return call_report(cli, r, NULL, "find units");
	TEXT_LIST_FOREACH (unit, units)
		status = cli_worse(status, logs_of_unit(cli, *unit));
	return status;
}
