/* Which processes a unit has, and which unit a process belongs to: by what the manager knows of main and
 * control processes, and by cgroup. A process is named by number here because D-Bus's interface does; nothing
 * is done to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "dbus/parts.h"

#define PROCESSES_COMMAND_MAX 4096

/* The command line as one text; a process without one (a kernel thread, a zombie) shows its name in brackets.
 */
static char *processes_command(pid_t pid)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	n = fd_read_file_at(AT_FDCWD, path, PROCESSES_COMMAND_MAX, &text);
	if (n == -EFBIG)
		return strdup("[command line too long]");
	if (n > 0) {
		while (n > 0 && text[n - 1] == '\0')
			n--;
		for (ssize_t i = 0; i < n; i++)
			if ((unsigned char)text[i] < ' ' ||
			    (unsigned char)text[i] >= 0x7f) /* D-Bus wants UTF-8 */
				text[i] = text[i] == '\0' ? ' ' : '?';
		if (n > 0)
			return TAKE(text);
	}
	free(TAKE(text));
	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	n = fd_read_file_at(AT_FDCWD, path, PROCESSES_COMMAND_MAX, &text);
	if (n <= 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = '?';
	return text_format("[%s]", text);
}

/* A process that has ended meanwhile is left out. */
static int processes_append(sd_bus_message *reply, const char *group, pid_t pid)
{
	_cleanup_free_ char *command = processes_command(pid);

	return command ? sd_bus_message_append(reply, "(sus)", group, (uint32_t)pid, command) : 0;
}

/* Without a cgroup all that is known are the processes the manager started. */
static int processes_append_known(sd_bus_message *reply, const struct unit *unit)
{
	const struct unit_process *known[] = {&unit->main, &unit->control};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(known); i++)
		if (known[i]->alive && known[i]->pid > 0)
			r = processes_append(reply, "", known[i]->pid);
	return r;
}

static int processes_append_group(sd_bus_message *reply, const struct bus *bus, const struct unit *unit)
{
	const struct cgroup_tree *tree = host_cgroup_tree(bus->host);
	_cleanup_free_ char *path = NULL, *group = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int r = 0;

	if (unit->kind == UNIT_TARGET)
		return 0;
	if (!tree || tree->root_fd < 0)
		return processes_append_known(reply, unit);
	path = unit_cgroup_path(unit->name, unit->config);
	group = unit_object_cgroup(bus, unit);
	if (!path || !group)
		return -ENOMEM;
	if (cgroup_processes(tree, path, &pids, &n) < 0)
		return 0; /* no such group: nothing runs */
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = processes_append(reply, group, pids[i]);
	return r;
}

static int processes_answer(sd_bus_message *message, const struct bus *bus, const struct unit *unit)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	int r = sd_bus_message_new_method_return(message, &reply);

	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(sus)");
	if (r >= 0)
		r = processes_append_group(reply, bus, unit);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int processes_of_object(sd_bus_message *message, void *userdata, _unused_ sd_bus_error *error)
{
	return processes_answer(message, connection_view(sd_bus_message_get_bus(message))->connection->owner,
				userdata);
}

int processes_of_unit(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	const struct view *view = userdata;
	struct unit *unit;
	const char *name;
	int r = sd_bus_message_read(message, "s", &name);

	if (r < 0)
		return r;
	unit = manager_get_unit(bus_manager(view->connection->owner), name);
	return unit ? processes_answer(message, view->connection->owner, unit)
		    : reply_no_such_unit(error, view->face, name);
}

/* The cgroup's path names the unit: "…/system.slice/web.service/payload". */
static struct unit *processes_find_by_group(struct manager *manager, char *line)
{
	struct unit *found = NULL;
	char *state = NULL;

	for (char *part = strtok_r(line, "/", &state); part; part = strtok_r(NULL, "/", &state)) {
		struct unit *unit = manager_get_unit(manager, part);

		if (unit && unit->kind == UNIT_SERVICE)
			found = unit;
	}
	return found;
}

struct unit *processes_find_unit(struct bus *bus, pid_t pid)
{
	struct manager *manager = bus_manager(bus);
	_cleanup_free_ char *groups = NULL;
	char path[64], *line, *state = NULL;

	TABLE_FOREACH (slot, &manager->units) {
		struct unit *unit = slot->value;

		if ((unit->main.alive && unit->main.pid == pid) ||
		    (unit->control.alive && unit->control.pid == pid))
			return unit;
	}
	snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	if (fd_read_file_at(AT_FDCWD, path, 64 * 1024, &groups) <= 0)
		return NULL;
	for (line = strtok_r(groups, "\n", &state); line; line = strtok_r(NULL, "\n", &state))
		if (text_starts_with(line, "0::"))
			return processes_find_by_group(manager, line + 3);
	return NULL;
}
