/* Directives of namespaces and identity whose value is like no other's. See special.h. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>

#include "units/special.h"

static const char *special_text(const char *text)
{
	return text ? text : "";
}

/* --- host name ----------------------------------------------------------------------------------------- */

/* yes: the names cannot be set; private: they can, by who has CAP_SYS_ADMIN. ":NAME" behind either gives a name. */
int special_parse_protect_hostname(const struct directive_line *line, void *field, struct failure *failure)
{
	struct spec *spec = &line->config->spec;
	size_t length = strcspn(line->value, ":");
	_cleanup_free_ char *word = strndup(line->value, length);
	struct directive_line name = *line;
	bool protect = false, private = false;

	if (!word)
		return -ENOMEM;
	private = strcmp(word, "private") == 0;
	if (!private && *word && value_read_bool(word, &protect) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is none of: yes, no, private", word);
	if (line->value[length] && !private && !protect)
		return failure_set(failure, -EINVAL, NULL,
				   "a host name needs a namespace of its own: yes or private before ':'");
	name.value = line->value[length] ? line->value + length + 1 : "";
	if (line->value[length] && !*name.value)
		return failure_set(failure, -EINVAL, NULL, "there is no host name behind ':'");
	*(bool *)field = protect;
	spec->private_hostname = private;
	return *name.value ? special_parse_hostname(&name, &spec->hostname, failure) : 0;
}

char *special_print_protect_hostname(const void *field)
{
	const struct spec *spec =
		(const struct spec *)((const char *)field - offsetof(struct spec, protect_hostname));
	const char *word = spec->protect_hostname ? "yes" : spec->private_hostname ? "private" : "no";

	return strcmp(word, "no") != 0 && spec->hostname ? text_format("%s:%s", word, spec->hostname)
							 : strdup(word);
}

int special_parse_container_name(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *name = NULL;
	int r;

	if (!*line->value)
		return text_set(field, NULL);
	r = value_expand(line, line->value, &name, failure);
	if (r < 0)
		return r;
	if (!isalnum((unsigned char)*name) || strlen(name) > 128 ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no container name: a letter or digit, then these and _ . -",
				   name);
	free(*(char **)field);
	*(char **)field = TAKE(name);
	return 0;
}

char *special_print_container_name(const void *field)
{
	return strdup(special_text(*(char *const *)field));
}

/* --- network ------------------------------------------------------------------------------------------- */

/* "web", "web.container", "web.service" and Quadlet's default container name "systemd-web" all mean web.service. */
static char *special_container_unit(const char *name)
{
	size_t length = strlen(name);

	if (text_ends_with(name, ".service"))
		return strdup(name);
	if (text_ends_with(name, ".container"))
		length -= strlen(".container");
	if (text_starts_with(name, "systemd-"))
		return text_format("%.*s.service", (int)(length - 8), name + 8);
	return text_format("%.*s.service", (int)length, name);
}

static int special_network_container(const struct directive_line *line, const char *name,
				     struct failure *failure)
{
	_cleanup_free_ char *expanded = NULL;
	int r = value_expand(line, name, &expanded, failure);

	if (r < 0)
		return r;
	if (!*expanded || strchr(expanded, '/') || strchr(expanded, ' '))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no name of a unit", expanded);
	line->config->spec.network_unit = special_container_unit(expanded);
	return line->config->spec.network_unit ? 0 : -ENOMEM;
}

static int special_network_path(const struct directive_line *line, const char *text, struct failure *failure)
{
	_cleanup_free_ char *path = NULL;
	int r = value_expand(line, text, &path, failure);

	if (r >= 0)
		r = value_clean_path(path, failure);
	if (r < 0)
		return r;
	line->config->spec.namespace_paths[SPEC_NAMESPACE_NETWORK] = TAKE(path);
	return 0;
}

int special_parse_network(const struct directive_line *line, void *field, struct failure *failure)
{
	struct spec *spec = &line->config->spec;
	const char *value = line->value;

	*(bool *)field = false;
	text_set(&spec->network_unit, NULL);
	text_set(&spec->namespace_paths[SPEC_NAMESPACE_NETWORK], NULL);
	if (!*value || strcmp(value, "none") == 0 || strcmp(value, "private") == 0) {
		*(bool *)field = true;
		return 0;
	}
	if (strcmp(value, "host") == 0)
		return 0;
	if (text_starts_with(value, "ns:"))
		return special_network_path(line, value + strlen("ns:"), failure);
	if (text_starts_with(value, "container:"))
		return special_network_container(line, value + strlen("container:"), failure);
	if (text_ends_with(value, ".container"))
		return special_network_container(line, value, failure);
	return failure_set(failure, -EINVAL, NULL,
			   "'%s' is none of: none, host, private, container:UNIT, UNIT.container, ns:/PATH",
			   value);
}

char *special_print_network(const void *field)
{
	const struct spec *spec =
		(const struct spec *)((const char *)field - offsetof(struct spec, private_network));

	if (spec->network_unit)
		return text_format("container:%s", spec->network_unit);
	if (spec->namespace_paths[SPEC_NAMESPACE_NETWORK])
		return text_format("ns:%s", spec->namespace_paths[SPEC_NAMESPACE_NETWORK]);
	return strdup(spec->private_network ? "private" : "host");
}

/* --- user namespace ------------------------------------------------------------------------------------ */

enum { SPECIAL_IDS_MAX = 16 * 65536 };

/* One OPTION=VALUE of auto and keep-id. */
static int special_user_option(const struct directive_line *line, const char *name, const char *value,
			       struct failure *failure)
{
	struct spec *spec = &line->config->spec;
	bool keeps = spec->user_namespace == SPEC_USER_KEEP_ID;
	struct directive_line range = *line;
	uint64_t number;

	if (strcmp(name, "size") == 0) {
		if (value_read_number(value, SPECIAL_IDS_MAX, &number) < 0 || number == 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' is no size from 1 to %u", value,
					   SPECIAL_IDS_MAX);
		spec->user_namespace_size = (uint32_t)number;
		return 0;
	}
	if (keeps && (strcmp(name, "uid") == 0 || strcmp(name, "gid") == 0)) {
		if (!value_user_valid(value) || value_read_number(value, UINT32_MAX - 1, &number) < 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' is no id", value);
		*(*name == 'u' ? &spec->keep_uid : &spec->keep_gid) = (uint32_t)number;
		return 0;
	}
	range.value = value;
	if (!keeps && strcmp(name, "uidmapping") == 0)
		return value_parse_id_map(&range, &spec->uid_map, failure);
	if (!keeps && strcmp(name, "gidmapping") == 0)
		return value_parse_id_map(&range, &spec->gid_map, failure);
	return failure_set(failure, -EINVAL, NULL, "'%s' is none of: size, %s", name,
			   keeps ? "uid, gid" : "uidmapping, gidmapping");
}

static int special_user_options(const struct directive_line *line, const char *text, struct failure *failure)
{
	struct spec *spec = &line->config->spec;
	uint32_t size;

	while (*text) {
		_cleanup_free_ char *option = strndup(text, strcspn(text, ","));
		char *value = option ? strchr(option, '=') : NULL;
		int r;

		if (!option)
			return -ENOMEM;
		text += strlen(option);
		text += *text == ',';
		if (!value)
			return failure_set(failure, -EINVAL, NULL, "'%s' is no OPTION=VALUE", option);
		*value++ = '\0';
		r = special_user_option(line, option, value, failure);
		if (r < 0)
			return r;
	}
	size = spec->user_namespace_size ? spec->user_namespace_size : 65536;
	if (spec->user_namespace == SPEC_USER_KEEP_ID && (spec->keep_uid >= size || spec->keep_gid >= size))
		return failure_set(failure, -EINVAL, NULL,
				   "the namespace has %u ids: uid and gid must be less", size);
	return 0;
}

static void special_user_reset(struct spec *spec)
{
	struct spec_id_map *const maps[] = {&spec->uid_map, &spec->gid_map};

	/* Only what an assignment before this one has made. */
	for (size_t i = 0; i < ARRAY_SIZE(maps) && spec->user_namespace == SPEC_USER_AUTO; i++) {
		free(maps[i]->ranges);
		*maps[i] = (struct spec_id_map){};
	}
	spec->user_namespace = SPEC_USER_HOST;
	spec->user_namespace_size = spec->keep_uid = spec->keep_gid = 0;
	text_set(&spec->namespace_paths[SPEC_NAMESPACE_USER], NULL);
}

int special_parse_user_ns(const struct directive_line *line, void *field _unused_, struct failure *failure)
{
	static const struct {
		const char *name;
		enum spec_user_namespace value;
		bool options;
	} modes[] = {
		{"host", SPEC_USER_HOST, false},
		{"auto", SPEC_USER_AUTO, true},
		{"keep-id", SPEC_USER_KEEP_ID, true},
		{"nomap", SPEC_USER_NO_MAP, false},
	};
	struct spec *spec = &line->config->spec;
	size_t length = strcspn(line->value, ":");
	_cleanup_free_ char *path = NULL;

	special_user_reset(spec);
	if (!*line->value)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strlen(modes[i].name) == length && strncmp(modes[i].name, line->value, length) == 0 &&
		    (modes[i].options || !line->value[length])) {
			spec->user_namespace = modes[i].value;
			return line->value[length]
				       ? special_user_options(line, line->value + length + 1, failure)
				       : 0;
		}
	if (text_starts_with(line->value, "ns:")) {
		int r = value_expand(line, line->value + strlen("ns:"), &path, failure);

		if (r >= 0)
			r = value_clean_path(path, failure);
		if (r >= 0)
			spec->namespace_paths[SPEC_NAMESPACE_USER] = TAKE(path);
		return r;
	}
	return failure_set(failure, -EINVAL, NULL,
			   "'%s' is none of: host, auto[:OPTIONS], keep-id[:OPTIONS], nomap, ns:/PATH",
			   line->value);
}

static void special_print_ranges(struct text_buffer *buffer, const char *name, const struct spec_id_map *map)
{
	for (size_t i = 0; i < map->n_ranges; i++)
		text_buffer_append(buffer, "%c%s=%u:%u:%u", buffer->length > 4 ? ',' : ':', name,
				   map->ranges[i].inside, map->ranges[i].outside, map->ranges[i].count);
}

char *special_print_user_ns(const void *field)
{
	const struct spec *spec =
		(const struct spec *)((const char *)field - offsetof(struct spec, user_namespace));
	struct text_buffer buffer = {};

	if (spec->namespace_paths[SPEC_NAMESPACE_USER])
		return text_format("ns:%s", spec->namespace_paths[SPEC_NAMESPACE_USER]);
	if (spec->user_namespace == SPEC_USER_NO_MAP)
		return strdup("nomap");
	if (spec->user_namespace == SPEC_USER_KEEP_ID)
		return text_format("keep-id:uid=%u,gid=%u,size=%u", spec->keep_uid, spec->keep_gid,
				   spec->user_namespace_size ? spec->user_namespace_size : 65536);
	if (spec->user_namespace != SPEC_USER_AUTO)
		return strdup(spec->user_namespace == SPEC_USER_HOST ? "host" : "");
	text_buffer_append(&buffer, "auto");
	if (spec->user_namespace_size)
		text_buffer_append(&buffer, ":size=%u", spec->user_namespace_size);
	special_print_ranges(&buffer, "uidmapping", &spec->uid_map);
	special_print_ranges(&buffer, "gidmapping", &spec->gid_map);
	return text_buffer_finish(&buffer);
}

/* --- mounts -------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t value;
} special_propagations[] = {{"", 0}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"private", MS_PRIVATE}};

int special_parse_mount_flags(const struct directive_line *line, void *field, struct failure *failure)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_propagations); i++)
		if (strcmp(special_propagations[i].name, line->value) == 0) {
			*(uint32_t *)field = special_propagations[i].value;
			return 0;
		}
	return failure_set(failure, -EINVAL, NULL, "'%s' is none of: shared, slave, private", line->value);
}

char *special_print_mount_flags(const void *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(special_propagations); i++)
		if (*(const uint32_t *)field == special_propagations[i].value)
			return strdup(special_propagations[i].name);
	return strdup("");
}

/* --- the rest ------------------------------------------------------------------------------------------ */

int special_parse_login_environment(const struct directive_line *line, void *field, struct failure *failure)
{
	bool value;

	if (!*line->value) {
		*(int *)field = -1;
		return 0;
	}
	if (value_read_bool(line->value, &value) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is neither yes nor no", line->value);
	*(int *)field = value;
	return 0;
}

char *special_print_login_environment(const void *field)
{
	int value = *(const int *)field;

	return strdup(value < 0 ? "" : value ? "yes" : "no");
}

int special_parse_group_add(const struct directive_line *line, void *field, struct failure *failure)
{
	struct directive plain = *line->directive;
	struct directive_line words = *line;

	if (!*line->value) {
		*(char ***)field = text_list_free(*(char ***)field);
		return 0;
	}
	if (strcmp(line->value, "keep-groups") == 0)
		return failure_set(
			failure, -EINVAL, NULL,
			"keep-groups would keep the groups of whoever starts the container, and that is "
			"the manager: name the groups");
	plain.argument = VALUE_LIST_USERS;
	words.directive = &plain;
	return value_parse_text_list(&words, field, failure);
}

char *special_print_group_add(const void *field)
{
	return text_list_join(*(char *const *const *)field, " ");
}

/* Kernel variables that each IPC, UTS or network namespace has of its own: the kernel's Documentation/admin-guide/sysctl. */
static bool special_sysctl_namespaced(const char *name)
{
	static const char *const prefixes[] = {
		"net.",		  "fs.mqueue.",		"kernel.msgmax=",	   "kernel.msgmnb=",
		"kernel.msgmni=", "kernel.sem=",	"kernel.shmall=",	   "kernel.shmmax=",
		"kernel.shmmni=", "kernel.domainname=", "kernel.shm_rmid_forced=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (text_starts_with(name, prefixes[i]))
			return true;
	return false;
}

static int special_check_sysctl(const char *word, struct failure *failure)
{
	const char *dots = strstr(word, ".."), *slash = strchr(word, '/');
	size_t length = strcspn(word, "=");

	if (!word[length] || length == 0 || (dots && dots < word + length) ||
	    (slash && slash < word + length) || word[0] == '.' || word[length - 1] == '.')
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no NAME=VALUE (such as 'net.ipv4.ip_forward=1')", word);
	if (text_starts_with(word, "kernel.hostname="))
		return failure_set(failure, -EINVAL, NULL, "the host name is set by HostName=");
	if (!special_sysctl_namespaced(word))
		return failure_set(
			failure, -EINVAL, NULL,
			"%.*s belongs to the whole machine: only net.*, fs.mqueue.* and the IPC limits of "
			"kernel.* are a container's own",
			(int)length, word);
	return 0;
}

int special_parse_sysctl(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	int r;

	if (!*line->value) {
		*(char ***)field = text_list_free(*(char ***)field);
		return 0;
	}
	for (;;) {
		char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		r = special_check_sysctl(word, failure);
		if (r < 0) {
			free(word);
			return r;
		}
		r = text_list_take(field, word);
		if (r < 0)
			return r;
	}
}

char *special_print_sysctl(const void *field)
{
	return text_list_join(*(char *const *const *)field, " ");
}

int special_parse_timezone(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *zone = NULL;
	int r;

	if (!*line->value)
		return text_set(field, NULL);
	r = value_expand(line, line->value, &zone, failure);
	if (r < 0)
		return r;
	if (!isalpha((unsigned char)*zone) || strstr(zone, "//") || text_ends_with(zone, "/") ||
	    zone[strspn(zone, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/")])
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no time zone (such as 'Europe/Vienna', or 'local')", zone);
	free(*(char **)field);
	*(char **)field = TAKE(zone);
	return 0;
}

char *special_print_timezone(const void *field)
{
	return strdup(special_text(*(char *const *)field));
}
