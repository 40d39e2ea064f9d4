/* Users that exist for as long as a service runs: DynamicUser=.
 *
 * An id is that of a name, which several units may share; which one it is follows from the name, unless it is taken, so that a service mostly
 * gets the same again. What is given out is written to RUNTIME/dynamic-users before it is used and read by the next manager: an id
 * never belongs to two. The service sees its user by passwd and group files of its own, which are those it would have seen with
 * one line more; nobody else needs to know him, and whoever wants to asks on D-Bus. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "engine/view.h"
#include "manager/host-private.h"

/* Those that systemd reserves for this purpose (systemd's "Users, Groups, UIDs and GIDs on systemd systems"). */
enum { HOST_USER_FIRST = 61184, HOST_USER_LAST = 65519, HOST_USER_FILE_MAX = 1 << 20 };

/* --- the table ----------------------------------------------------------------------------------------- */

static struct host_user *host_user_by_name(const struct host *host, const char *name)
{
	for (struct host_user *user = host->users; user; user = user->next)
		if (strcmp(user->name, name) == 0)
			return user;
	return NULL;
}

static struct host_user *host_user_by_unit(const struct host *host, const char *unit)
{
	for (struct host_user *user = host->users; user; user = user->next)
		if (text_list_contains(user->units, unit))
			return user;
	return NULL;
}

static void host_user_unlink(struct host *host, struct host_user *user)
{
	struct host_user **link = &host->users;

	while (*link != user)
		link = &(*link)->next;
	*link = user->next;
	free(user->name);
	text_list_free(user->units);
	free(user);
}

static struct host_user *host_user_new(struct host *host, const char *name, uid_t uid)
{
	struct host_user *user = malloc(sizeof *user);

	if (!user)
		return NULL;
	*user = (struct host_user){.name = strdup(name), .uid = uid, .next = host->users};
	if (!user->name) {
		free(user);
		return NULL;
	}
	host->users = user;
	return user;
}

static char *host_user_path(const struct host *host)
{
	return text_format("%s/dynamic-users", host->runtime_directory);
}

/* "UID NAME UNIT…" a line. */
static int host_user_write(const struct host *host)
{
	_cleanup_free_ char *path = host_user_path(host), *text = NULL;
	struct text_buffer buffer = {};

	for (const struct host_user *user = host->users; user; user = user->next) {
		text_buffer_append(&buffer, "%u %s", (unsigned)user->uid, user->name);
		TEXT_LIST_FOREACH (unit, user->units)
			text_buffer_append(&buffer, " %s", *unit);
		text_buffer_append(&buffer, "\n");
	}
	text = text_buffer_finish(&buffer);
	if (!path || !text)
		return -ENOMEM;
	return fd_replace_file_at(AT_FDCWD, path, text, strlen(text), 0644);
}

static int host_user_read_line(struct host *host, char *line)
{
	char *word = strsep(&line, " "), *name = line ? strsep(&line, " ") : NULL;
	struct host_user *user = name ? host_user_new(host, name, (uid_t)strtoul(word, NULL, 10)) : NULL;

	if (!name)
		return 0;
	if (!user)
		return -ENOMEM;
	while ((word = strsep(&line, " ")))
		if (text_list_append(&user->units, word) < 0)
			return -ENOMEM;
	return 0;
}

int host_user_read(struct host *host)
{
	_cleanup_free_ char *path = host_user_path(host), *text = NULL;
	char *cursor, *line;
	ssize_t n;
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (host_first_start(host)) { /* what another svc-init's manager left behind */
		unlink(path);
		return 0;
	}
	n = fd_read_file_at(AT_FDCWD, path, HOST_USER_FILE_MAX, &text);
	if (n < 0)
		return n == -ENOENT ? 0 : (int)n;
	for (cursor = text; r == 0 && (line = strsep(&cursor, "\n"));)
		r = host_user_read_line(host, line);
	return r;
}

void host_user_free_all(struct host *host)
{
	while (host->users)
		host_user_unlink(host, host->users);
}

/* --- choosing ------------------------------------------------------------------------------------------ */

/* Field NUMBER, from 0, of a line of passwd or group that begins at LINE. */
static const char *host_user_field(const char *line, int number, size_t *ret_length)
{
	for (; number > 0; number--) {
		line += strcspn(line, ":\n");
		if (*line++ != ':')
			return NULL;
	}
	*ret_length = strcspn(line, ":\n");
	return line;
}

/* Whether a line of TEXT has WANTED in field NUMBER. */
static bool host_user_in_file(const char *text, int number, const char *wanted)
{
	while (text && *text) {
		size_t length;
		const char *field = host_user_field(text, number, &length);

		if (field && length == strlen(wanted) && strncmp(field, wanted, length) == 0)
			return true;
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return false;
}

static bool host_user_is_taken(const struct host *host, uid_t uid, const char *passwd, const char *group)
{
	char number[16], path[64];

	for (const struct host_user *user = host->users; user; user = user->next)
		if (user->uid == uid)
			return true;
	snprintf(number, sizeof number, "%u", (unsigned)uid);
	/* A systemd beside us gives out the same ids, and says so. */
	snprintf(path, sizeof path, "/run/systemd/dynamic-uid/%u", (unsigned)uid);
	return host_user_in_file(passwd, 2, number) || host_user_in_file(group, 2, number) ||
	       access(path, F_OK) == 0;
}

/* FNV-1a: the same at every start, on every machine. */
static uint32_t host_user_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash;
}

static uid_t host_user_choose(const struct host *host, const char *name)
{
	const unsigned n = HOST_USER_LAST - HOST_USER_FIRST + 1;
	_cleanup_free_ char *passwd = NULL, *group = NULL;
	unsigned start = host_user_hash(name) % n;

	fd_read_file_at(AT_FDCWD, "/etc/passwd", HOST_USER_FILE_MAX, &passwd);
	fd_read_file_at(AT_FDCWD, "/etc/group", HOST_USER_FILE_MAX, &group);
	for (unsigned i = 0; i < n; i++) {
		uid_t uid = HOST_USER_FIRST + (start + i) % n;

		if (!host_user_is_taken(host, uid, passwd, group))
			return uid;
	}
	return 0;
}

/* --- what the service sees ------------------------------------------------------------------------------ */

char *host_user_file(const struct host *host, const char *unit, const char *which)
{
	return text_format("%s/users/%s.%s", host->runtime_directory, unit, which);
}

/* A disk image cannot be looked into from here. */
static int host_user_view(const struct spec *spec, const char *path, const char *instead, char **ret)
{
	ssize_t n = spec->root_image ? -ENOENT : view_read(spec, path, HOST_USER_FILE_MAX, ret);

	if (n != -ENOENT && n != -ENOTDIR)
		return n < 0 ? (int)n : 0;
	*ret = strdup(instead);
	return *ret ? 0 : -ENOMEM;
}

static int host_user_write_file(const struct host *host, const char *unit, const char *which,
				const char *before, const char *line)
{
	_cleanup_free_ char *path = host_user_file(host, unit, which);
	size_t length = strlen(before);
	_cleanup_free_ char *text =
		text_format("%s%s%s", before, length && before[length - 1] != '\n' ? "\n" : "", line);

	if (!path || !text)
		return -ENOMEM;
	return fd_replace_file_at(AT_FDCWD, path, text, strlen(text), 0644);
}

static int host_user_write_files(const struct host *host, const char *unit, const struct spec *spec,
				 const struct host_user *user)
{
	static const char passwd_instead[] = "root:x:0:0:root:/root:/bin/sh\n"
					     "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
			  group_instead[] = "root:x:0:\nnogroup:x:65534:\n";
	_cleanup_free_ char *passwd = NULL, *group = NULL;
	_cleanup_free_ char *user_line = text_format("%s:x:%u:%u:Dynamic User:/:/usr/sbin/nologin\n",
						     user->name, (unsigned)user->uid, (unsigned)user->uid);
	bool named = spec->group && !isdigit((unsigned char)*spec->group);
	_cleanup_free_ char *group_line =
		text_format("%s:x:%u:\n", named ? spec->group : user->name, (unsigned)user->uid);
	int r = user_line && group_line ? host_user_view(spec, "/etc/passwd", passwd_instead, &passwd)
					: -ENOMEM;

	if (r == 0)
		r = host_user_view(spec, "/etc/group", group_instead, &group);
	if (r == 0)
		r = host_user_write_file(host, unit, "passwd", passwd, user_line);
	/* A group that is there already is used as it is. */
	if (r == 0)
		r = host_user_write_file(
			host, unit, "group", group,
			spec->group && host_user_in_file(group, 0, spec->group) ? "" : group_line);
	return r;
}

static void host_user_remove_files(const struct host *host, const char *unit)
{
	static const char *const files[] = {"passwd", "group"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = host_user_file(host, unit, files[i]);

		if (path)
			unlink(path);
	}
}

/* --- giving and taking ---------------------------------------------------------------------------------- */

/* A user of that name who is there anyhow is taken as he is. */
static bool host_user_is_static(const struct spec *spec)
{
	_cleanup_free_ char *passwd = NULL;

	return !spec->root_image && view_read(spec, "/etc/passwd", HOST_USER_FILE_MAX, &passwd) >= 0 &&
	       host_user_in_file(passwd, 0, spec->user);
}

static int host_user_take(struct host *host, const char *unit, const struct spec *spec,
			  struct host_user **ret, struct failure *failure)
{
	struct host_user *user = host_user_by_name(host, spec->user);
	bool is_new = !user;
	uid_t uid;
	int r;

	if (user && text_list_contains(user->units, unit)) {
		*ret = user;
		return 0;
	}
	uid = user ? user->uid : host_user_choose(host, spec->user);
	if (uid == 0)
		return failure_set(failure, -EUSERS, NULL, "no id is left for a dynamic user");
	if (!user && !(user = host_user_new(host, spec->user, uid)))
		return failure_set(failure, -ENOMEM, NULL, "cannot make the user");
	r = text_list_append(&user->units, unit);
	if (r == 0) /* before it is used: two units must never share an id by accident */
		r = host_user_write(host);
	if (r < 0) {
		if (is_new)
			host_user_unlink(host, user);
		return failure_set(failure, r, NULL, "cannot remember the dynamic user");
	}
	*ret = user;
	return 0;
}

int host_user_acquire(struct host *host, const char *unit, const struct spec *spec, struct failure *failure)
{
	struct host_user *user = NULL, *former;
	int r;

	if (!spec->dynamic_user || host_user_is_static(spec))
		return 0;
	if (!host->may_mount)
		return failure_set(failure, -EPERM, NULL, "only root can make users");
	former = host_user_by_unit(host, unit);
	if (former && strcmp(former->name, spec->user) != 0)
		host_user_release(host, unit);
	r = host_user_take(host, unit, spec, &user, failure);
	if (r < 0)
		return r;
	r = host_user_write_files(host, unit, spec, user);
	return r < 0 ? failure_set(failure, r, NULL, "the files that name the user cannot be made") : 0;
}

void host_user_release(struct host *host, const char *unit)
{
	struct host_user *user = host_user_by_unit(host, unit);
	char **to;

	if (!user)
		return;
	host_user_remove_files(host, unit);
	to = user->units;
	TEXT_LIST_FOREACH (item, user->units) {
		if (strcmp(*item, unit) == 0)
			free(*item);
		else
			*to++ = *item;
	}
	*to = NULL;
	if (!user->units[0])
		host_user_unlink(host, user);
	if (host_user_write(host) < 0)
		host_log_message(&host->world, LOG_WARNING, unit, "Its dynamic user stays taken");
}

uid_t host_user_of(const struct host *host, const char *unit, const struct spec *spec)
{
	const struct host_user *user = spec->dynamic_user ? host_user_by_unit(host, unit) : NULL;

	if (user || !spec->dynamic_user || host_user_is_static(spec))
		return user ? user->uid : 0;
	user = host_user_by_name(host, spec->user);
	return user ? user->uid : host_user_choose(host, spec->user);
}

/* Drops those of units that went down while no manager ran; the others' processes are theirs still. */
void host_user_purge(struct host *host)
{
	bool again = true;

	for (const struct host_user *user = host->users; user; user = user->next)
		TEXT_LIST_FOREACH (name, user->units) {
			struct host_unit *unit = host_unit_get(host, *name);

			if (unit)
				unit->uid = unit->gid = user->uid;
		}

	while (again) {
		again = false;
		for (struct host_user *user = host->users; user && !again; user = user->next)
			TEXT_LIST_FOREACH (name, user->units) {
				const struct unit *unit = manager_get_unit(host->manager, *name);
				enum unit_active_state state = unit ? unit_active_state(unit) : UNIT_INACTIVE;

				again = state == UNIT_INACTIVE || state == UNIT_FAILED;
				if (again) {
					_cleanup_free_ char *copy = strdup(*name);

					if (!copy)
						return;
					host_user_release(host, copy);
					break;
				}
			}
	}
}

/* --- for others ----------------------------------------------------------------------------------------- */

const struct host_user *host_users(const struct host *host)
{
	return host->users;
}
