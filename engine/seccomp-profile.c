/* Docker's and Podman's profiles: JSON of the OCI runtime specification (config-linux.md, "Seccomp") with their additions of
 * includes, excludes and archMap, which say for whom an entry counts. The only file of the engine that calls json-c.
 *
 * The file is read once into entries, with everything in it checked, and then laid over the policy of each
 * architecture. What several entries say of one call is settled as libseccomp settles it for the other engines: an entry without
 * arguments beats those with, and of those the first that holds counts. A call that is newer than every name we know
 * fails with ENOSYS where the profile would refuse it with an errno, so that C libraries fall back. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "engine/control.h"
#include "engine/seccomp-profile.h"

enum {
	SECCOMP_PROFILE_SIZE = 1 << 20,
	SECCOMP_PROFILE_DEPTH = 16,
	SECCOMP_PROFILE_ENTRIES = 4096,
	SECCOMP_PROFILE_WHERE = 96,
};

struct seccomp_profile_entry {
	char **names;
	uint32_t action;
	struct seccomp_code_condition conditions[SECCOMP_CODE_CONDITIONS];
	unsigned n_conditions;
};

struct seccomp_profile {
	uint32_t default_action, flags;
	char **architectures;
	struct seccomp_profile_entry *entries;
	size_t n_entries;
};

/* A reading in progress. `where` is the key at hand: "syscalls[3].args[0]". */
struct seccomp_profile_reader {
	struct build *build;
	const char *path;
	char where[SECCOMP_PROFILE_WHERE];
	uint64_t capabilities;
	struct seccomp_profile *profile;
};

static int seccomp_profile_fail(const struct seccomp_profile_reader *reader, const char *key,
				const char *text)
{
	const char *dot = *reader->where && *key ? "." : "";

	return build_fail(reader->build, -EINVAL, "%s: %s%s%s: %s", reader->path, reader->where, dot, key,
			  text);
}

/* --- pieces of JSON -------------------------------------------------------------------------------------- */

/* OBJECT is an object that has no other keys than these. */
static int seccomp_profile_check_keys(const struct seccomp_profile_reader *reader, struct json_object *object,
				      const char *const *keys)
{
	if (!json_object_is_type(object, json_type_object))
		return seccomp_profile_fail(reader, "", "this should be an object");
	json_object_object_foreach(object, key, value)
	{
		size_t i = 0;

		(void)value;
		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (!keys[i])
			return seccomp_profile_fail(reader, key, "this key is not known");
	}
	return 0;
}

/* The member KEY of a type; *RET stays NULL when it is absent or null. */
static int seccomp_profile_get(const struct seccomp_profile_reader *reader, struct json_object *object,
			       const char *key, enum json_type type, struct json_object **ret)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value) || !value)
		return 0;
	if (!json_object_is_type(value, type))
		return seccomp_profile_fail(reader, key,
					    type == json_type_array    ? "this should be a list"
					    : type == json_type_object ? "this should be an object"
					    : type == json_type_string ? "this should be a text"
								       : "this should be a whole number");
	*ret = value;
	return 0;
}

/* A number from 0 to MAX. Returns 1 when it is there. */
static int seccomp_profile_get_number(const struct seccomp_profile_reader *reader, struct json_object *object,
				      const char *key, uint64_t max, uint64_t *ret)
{
	struct json_object *value = NULL;
	int r = seccomp_profile_get(reader, object, key, json_type_int, &value);

	if (r < 0 || !value)
		return r;
	*ret = json_object_get_uint64(value);
	if (json_object_get_int64(value) < 0 || *ret > max)
		return seccomp_profile_fail(reader, key, "the number is out of range");
	return 1;
}

/* Appends a list of texts, or nothing when there is none. */
static int seccomp_profile_get_texts(const struct seccomp_profile_reader *reader, struct json_object *object,
				     const char *key, char ***list)
{
	struct json_object *array = NULL;
	int r = seccomp_profile_get(reader, object, key, json_type_array, &array);

	for (size_t i = 0; r == 0 && array && i < json_object_array_length(array); i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (!json_object_is_type(item, json_type_string))
			return seccomp_profile_fail(reader, key, "this should be a list of texts");
		r = text_list_append(list, json_object_get_string(item));
	}
	return r;
}

/* --- actions --------------------------------------------------------------------------------------------- */

/* The errno of an object: "errnoRet" (or DEFAULT_KEY) as a number, "errno" as Podman adds it by name. */
static int seccomp_profile_get_errno(const struct seccomp_profile_reader *reader, struct json_object *object,
				     const char *number_key, const char *name_key, uint32_t *ret)
{
	struct json_object *name = NULL;
	uint64_t number = EPERM;
	int r = seccomp_profile_get_number(reader, object, number_key, 4095, &number);

	*ret = (uint32_t)number;
	if (r != 0)
		return MIN_OF(r, 0);
	r = seccomp_profile_get(reader, object, name_key, json_type_string, &name);
	if (r < 0 || !name || !*json_object_get_string(name))
		return r;
	for (int i = 1; i <= EHWPOISON; i++)
		if (strerrorname_np(i) && strcmp(strerrorname_np(i), json_object_get_string(name)) == 0) {
			*ret = (uint32_t)i;
			return 0;
		}
	return seccomp_profile_fail(reader, name_key, "this is no name of an error");
}

static int seccomp_profile_get_action(const struct seccomp_profile_reader *reader, struct json_object *object,
				      const char *key, uint32_t error, uint32_t *ret)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
		{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
		{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
		{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
		{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
		{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
	};
	struct json_object *value = NULL;
	int r = seccomp_profile_get(reader, object, key, json_type_string, &value);
	const char *name = value ? json_object_get_string(value) : NULL;

	if (r < 0)
		return r;
	if (!name)
		return seccomp_profile_fail(reader, key, "the key is missing");
	if (strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return seccomp_profile_fail(
			reader, key,
			"SCMP_ACT_NOTIFY needs a program beside the container that answers for the kernel; there is none");
	if (strcmp(name, "SCMP_ACT_TRACE") == 0)
		return seccomp_profile_fail(reader, key,
					    "SCMP_ACT_TRACE needs a tracer of the container; there is none");
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
		if (strcmp(actions[i].name, name) == 0) {
			*ret = actions[i].action | (actions[i].action == SECCOMP_RET_ERRNO ? error : 0);
			return 0;
		}
	return seccomp_profile_fail(reader, key, "this is no SCMP_ACT_* action");
}

/* --- for whom an entry counts ---------------------------------------------------------------------------- */

/* As Docker's files name this machine: the architectures of Go. */
static const char *seccomp_profile_machine(void)
{
#if defined __x86_64__
	return "amd64";
#elif defined __i386__
	return "x86";
#elif defined __aarch64__
	return "arm64";
#elif defined __arm__
	return "arm";
#elif defined __s390x__
	return "s390x";
#elif defined __powerpc64__ && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return "ppc64le";
#elif defined __riscv
	return "riscv64";
#else
	return "unknown";
#endif
}

static bool seccomp_profile_holds(const struct seccomp_profile_reader *reader, const char *name)
{
	unsigned capability;

	/* A capability that this machine does not know is held by nobody. */
	return control_find_capability(name, &capability) &&
	       reader->capabilities & (UINT64_C(1) << capability);
}

/* Whether the kernel is at least VERSION ("4.8"). */
static int seccomp_profile_kernel(const struct seccomp_profile_reader *reader, struct json_object *condition,
				  bool *ret)
{
	unsigned wanted[2] = {}, running[2] = {};
	struct json_object *version = NULL;
	struct utsname names;
	int r = seccomp_profile_get(reader, condition, "minKernel", json_type_string, &version);

	if (r < 0 || !version)
		return r;
	if (sscanf(json_object_get_string(version), "%u.%u", &wanted[0], &wanted[1]) != 2)
		return seccomp_profile_fail(reader, "minKernel", "this is no version (such as 4.8)");
	if (uname(&names) < 0 || sscanf(names.release, "%u.%u", &running[0], &running[1]) != 2)
		return seccomp_profile_fail(reader, "minKernel", "the kernel does not tell its version");
	*ret = running[0] != wanted[0] ? running[0] > wanted[0] : running[1] >= wanted[1];
	return 1;
}

/* Includes must hold all at once: every capability, one of the architectures, the kernel. Of the excludes none may. */
static int seccomp_profile_applies(const struct seccomp_profile_reader *reader, struct json_object *entry,
				   const char *key, bool exclude, bool *applies)
{
	static const char *const keys[] = {"caps", "arches", "minKernel", NULL};
	_cleanup_text_list_ char **capabilities = NULL, **machines = NULL;
	struct json_object *condition = NULL;
	bool kernel = false;
	int r = seccomp_profile_get(reader, entry, key, json_type_object, &condition);

	if (r < 0 || !condition)
		return r;
	r = seccomp_profile_check_keys(reader, condition, keys);
	if (r == 0)
		r = seccomp_profile_get_texts(reader, condition, "caps", &capabilities);
	if (r == 0)
		r = seccomp_profile_get_texts(reader, condition, "arches", &machines);
	if (r == 0)
		r = seccomp_profile_kernel(reader, condition, &kernel);
	if (r < 0)
		return r;
	if (r > 0 && kernel == exclude)
		*applies = false;
	TEXT_LIST_FOREACH (name, capabilities)
		if (seccomp_profile_holds(reader, *name) == exclude)
			*applies = false;
	if (machines && text_list_contains(machines, seccomp_profile_machine()) == exclude)
		*applies = false;
	return 0;
}

/* --- arguments ------------------------------------------------------------------------------------------- */

static int seccomp_profile_read_argument(const struct seccomp_profile_reader *reader,
					 struct json_object *object, struct seccomp_code_condition *condition)
{
	static const char *const keys[] = {"index", "value", "valueTwo", "op", "comment", NULL};
	static const struct {
		const char *name;
		enum seccomp_code_test test;
		bool negate;
	} tests[] = {
		{"SCMP_CMP_EQ", SECCOMP_CODE_EQUAL, false},
		{"SCMP_CMP_NE", SECCOMP_CODE_EQUAL, true},
		{"SCMP_CMP_GT", SECCOMP_CODE_ABOVE, false},
		{"SCMP_CMP_LE", SECCOMP_CODE_ABOVE, true},
		{"SCMP_CMP_GE", SECCOMP_CODE_AT_LEAST, false},
		{"SCMP_CMP_LT", SECCOMP_CODE_AT_LEAST, true},
		{"SCMP_CMP_MASKED_EQ", SECCOMP_CODE_EQUAL, false},
	};
	uint64_t index = 0, value = 0, second = 0;
	struct json_object *operation = NULL;
	int r = seccomp_profile_check_keys(reader, object, keys);

	if (r == 0)
		r = seccomp_profile_get(reader, object, "op", json_type_string, &operation);
	if (r == 0)
		r = MIN_OF(seccomp_profile_get_number(reader, object, "index", 5, &index), 0);
	if (r == 0)
		r = MIN_OF(seccomp_profile_get_number(reader, object, "value", UINT64_MAX, &value), 0);
	if (r == 0)
		r = MIN_OF(seccomp_profile_get_number(reader, object, "valueTwo", UINT64_MAX, &second), 0);
	if (r < 0)
		return r;
	for (size_t i = 0; operation && i < ARRAY_SIZE(tests); i++) {
		bool masked = i == ARRAY_SIZE(tests) - 1;

		if (strcmp(json_object_get_string(operation), tests[i].name) != 0)
			continue;
		/* Of MASKED_EQ the first value is the mask. A bit outside of it can never be equal. */
		*condition = (struct seccomp_code_condition){.argument = (uint8_t)index,
							     .test = tests[i].test,
							     .negate = tests[i].negate,
							     .wide_mask = masked ? value : UINT64_MAX,
							     .wide_value = masked ? second : value};
		return 0;
	}
	return seccomp_profile_fail(reader, "op", "this is no SCMP_CMP_* comparison");
}

/* Conditions on different arguments must hold together. Two on one argument are alternatives, as runc reads them: they become an
 * entry each. Returns whether that is so. */
static bool seccomp_profile_alternatives(const struct seccomp_profile_entry *entry)
{
	for (unsigned i = 0; i < entry->n_conditions; i++)
		for (unsigned j = 0; j < i; j++)
			if (entry->conditions[i].argument == entry->conditions[j].argument)
				return true;
	return false;
}

static int seccomp_profile_read_arguments(struct seccomp_profile_reader *reader, struct json_object *object,
					  struct seccomp_profile_entry *entry)
{
	struct json_object *array = NULL;
	size_t length = strlen(reader->where);
	int r = seccomp_profile_get(reader, object, "args", json_type_array, &array);

	if (r < 0 || !array)
		return r;
	if (json_object_array_length(array) > SECCOMP_CODE_CONDITIONS)
		return seccomp_profile_fail(reader, "args", "a system call has six arguments");
	for (size_t i = 0; i < json_object_array_length(array) && r == 0; i++) {
		snprintf(reader->where + length, sizeof(reader->where) - length, ".args[%zu]", i);
		r = seccomp_profile_read_argument(reader, json_object_array_get_idx(array, i),
						  &entry->conditions[entry->n_conditions++]);
	}
	reader->where[length] = '\0';
	return r;
}

/* --- entries --------------------------------------------------------------------------------------------- */

/* Takes what ENTRY owns. */
static int seccomp_profile_append(struct seccomp_profile *profile, struct seccomp_profile_entry *entry)
{
	struct seccomp_profile_entry *entries =
		reallocarray(profile->entries, profile->n_entries + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	profile->entries = entries;
	entries[profile->n_entries++] = *entry;
	entry->names = NULL;
	return 0;
}

static int seccomp_profile_append_alternatives(struct seccomp_profile *profile,
					       const struct seccomp_profile_entry *entry)
{
	int r = 0;

	for (unsigned i = 0; i < entry->n_conditions && r == 0; i++) {
		struct seccomp_profile_entry one = {
			.action = entry->action, .conditions = {entry->conditions[i]}, .n_conditions = 1};

		r = text_list_copy(entry->names, &one.names);
		if (r == 0)
			r = seccomp_profile_append(profile, &one);
		text_list_free(one.names);
	}
	return r;
}

static int seccomp_profile_read_names(const struct seccomp_profile_reader *reader, struct json_object *object,
				      struct seccomp_profile_entry *entry)
{
	struct json_object *name = NULL;
	int r = seccomp_profile_get(reader, object, "name", json_type_string, &name);

	if (r == 0 && name)
		r = text_list_append(&entry->names, json_object_get_string(name));
	if (r == 0)
		r = seccomp_profile_get_texts(reader, object, "names", &entry->names);
	if (r == 0 && !entry->names)
		return seccomp_profile_fail(reader, "names", "the key is missing");
	TEXT_LIST_FOREACH (item, entry->names)
		if (r == 0 && (!**item || (*item)[strspn(*item, "abcdefghijklmnopqrstuvwxyz0123456789_")]))
			return seccomp_profile_fail(reader, "names",
						    "a name has small letters, digits and '_'");
	return r;
}

static int seccomp_profile_read_entry(struct seccomp_profile_reader *reader, struct json_object *object)
{
	static const char *const keys[] = {"name", "names",   "action",	  "errnoRet", "errno",
					   "args", "comment", "includes", "excludes", NULL};
	struct seccomp_profile_entry entry = {};
	bool applies = true;
	uint32_t error;
	int r = seccomp_profile_check_keys(reader, object, keys);

	if (r == 0)
		r = seccomp_profile_get_errno(reader, object, "errnoRet", "errno", &error);
	if (r == 0)
		r = seccomp_profile_get_action(reader, object, "action", error, &entry.action);
	if (r == 0)
		r = seccomp_profile_read_names(reader, object, &entry);
	if (r == 0)
		r = seccomp_profile_read_arguments(reader, object, &entry);
	if (r == 0)
		r = seccomp_profile_applies(reader, object, "includes", false, &applies);
	if (r == 0)
		r = seccomp_profile_applies(reader, object, "excludes", true, &applies);
	if (r == 0 && applies)
		r = seccomp_profile_alternatives(&entry)
			    ? seccomp_profile_append_alternatives(reader->profile, &entry)
			    : seccomp_profile_append(reader->profile, &entry);
	text_list_free(entry.names);
	return r;
}

static int seccomp_profile_read_entries(struct seccomp_profile_reader *reader, struct json_object *root)
{
	struct json_object *array = NULL;
	int r = seccomp_profile_get(reader, root, "syscalls", json_type_array, &array);

	if (r == 0 && array && json_object_array_length(array) > SECCOMP_PROFILE_ENTRIES)
		return seccomp_profile_fail(reader, "syscalls", "there are too many entries");
	for (size_t i = 0; r == 0 && array && i < json_object_array_length(array); i++) {
		snprintf(reader->where, sizeof(reader->where), "syscalls[%zu]", i);
		r = seccomp_profile_read_entry(reader, json_object_array_get_idx(array, i));
	}
	*reader->where = '\0';
	return r;
}

/* --- the rest of the file -------------------------------------------------------------------------------- */

/* "SCMP_ARCH_X86_64" -> "x86_64", checked. */
static int seccomp_profile_add_architecture(const struct seccomp_profile_reader *reader, const char *key,
					    const char *name)
{
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;
	char lower[32];
	size_t n = 0;
	int r = -EINVAL;

	if (text_starts_with(name, "SCMP_ARCH_"))
		for (name += strlen("SCMP_ARCH_"); *name && n < sizeof(lower) - 1; name++)
			lower[n++] = (char)tolower((unsigned char)*name);
	lower[n] = '\0';
	if (n > 0 && !*name)
		r = seccomp_policy_new(lower, &policy);
	if (r == -EINVAL)
		return seccomp_profile_fail(reader, key, "this is no SCMP_ARCH_* architecture");
	if (r == -EOPNOTSUPP)
		return 0; /* cannot happen here */
	return r < 0 ? r : text_list_append(&reader->profile->architectures, lower);
}

static bool seccomp_profile_is_native(const char *name)
{
#if defined __x86_64__
	return strcmp(name, "SCMP_ARCH_X86_64") == 0;
#elif defined __aarch64__
	return strcmp(name, "SCMP_ARCH_AARCH64") == 0;
#elif defined __s390x__
	return strcmp(name, "SCMP_ARCH_S390X") == 0;
#else
	(void)name;
	return false;
#endif
}

/* "architectures", or the companions of the native one in "archMap". */
static int seccomp_profile_read_architectures(const struct seccomp_profile_reader *reader,
					      struct json_object *root)
{
	static const char *const keys[] = {"architecture", "subArchitectures", NULL};
	_cleanup_text_list_ char **names = NULL;
	struct json_object *map = NULL;
	int r = seccomp_profile_get_texts(reader, root, "architectures", &names);

	if (r == 0)
		r = seccomp_profile_get(reader, root, "archMap", json_type_array, &map);
	for (size_t i = 0; r == 0 && map && i < json_object_array_length(map); i++) {
		struct json_object *entry = json_object_array_get_idx(map, i), *name = NULL;

		r = seccomp_profile_check_keys(reader, entry, keys);
		if (r == 0)
			r = seccomp_profile_get(reader, entry, "architecture", json_type_string, &name);
		if (r == 0 && name && seccomp_profile_is_native(json_object_get_string(name)))
			r = seccomp_profile_get_texts(reader, entry, "subArchitectures", &names);
	}
	TEXT_LIST_FOREACH (name, names)
		if (r == 0)
			r = seccomp_profile_add_architecture(reader, map ? "archMap" : "architectures",
							     *name);
	return r;
}

static int seccomp_profile_read_flags(const struct seccomp_profile_reader *reader, struct json_object *root)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = {
		{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
		{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		/* The process has one thread, and asks nobody. */
		{"SECCOMP_FILTER_FLAG_TSYNC", 0},
		{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0},
	};
	_cleanup_text_list_ char **names = NULL;
	int r = seccomp_profile_get_texts(reader, root, "flags", &names);

	TEXT_LIST_FOREACH (name, names) {
		size_t i = 0;

		while (i < ARRAY_SIZE(flags) && strcmp(flags[i].name, *name) != 0)
			i++;
		if (i == ARRAY_SIZE(flags))
			return seccomp_profile_fail(reader, "flags", "this is no SECCOMP_FILTER_FLAG_*");
		reader->profile->flags |= flags[i].flag;
	}
	return r;
}

static int seccomp_profile_read_root(struct seccomp_profile_reader *reader, struct json_object *root)
{
	static const char *const keys[] = {
		"defaultAction", "defaultErrnoRet", "defaultErrno",	"architectures", "archMap",
		"flags",	 "listenerPath",    "listenerMetadata", "syscalls",	 NULL};
	struct json_object *listener = NULL;
	uint32_t error = EPERM;
	int r = seccomp_profile_check_keys(reader, root, keys);

	if (r == 0)
		r = seccomp_profile_get(reader, root, "listenerPath", json_type_string, &listener);
	if (r == 0 && listener && *json_object_get_string(listener))
		return seccomp_profile_fail(reader, "listenerPath",
					    "only SCMP_ACT_NOTIFY, which cannot be had, has a listener");
	if (r == 0)
		r = seccomp_profile_get_errno(reader, root, "defaultErrnoRet", "defaultErrno", &error);
	if (r == 0)
		r = seccomp_profile_get_action(reader, root, "defaultAction", error,
					       &reader->profile->default_action);
	if (r == 0)
		r = seccomp_profile_read_architectures(reader, root);
	if (r == 0)
		r = seccomp_profile_read_flags(reader, root);
	return r < 0 ? r : seccomp_profile_read_entries(reader, root);
}

static int seccomp_profile_parse(const struct seccomp_profile_reader *reader, const char *text, size_t length,
				 struct json_object **ret)
{
	struct json_tokener *tokener = json_tokener_new_ex(SECCOMP_PROFILE_DEPTH);
	unsigned line = 1;
	size_t end;

	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	*ret = json_tokener_parse_ex(tokener, text, (int)length + 1); /* the NUL ends it */
	end = json_tokener_get_parse_end(tokener);
	for (size_t i = 0; i < MIN_OF(end, length); i++)
		line += text[i] == '\n';
	if (!*ret)
		build_fail(reader->build, -EINVAL, "%s:%u: no valid JSON: %s", reader->path, line,
			   json_tokener_error_desc(json_tokener_get_error(tokener)));
	json_tokener_free(tokener);
	return *ret ? 0 : -EINVAL;
}

int seccomp_profile_read(struct build *build, const char *path, uint64_t capabilities,
			 struct seccomp_profile **ret)
{
	_cleanup_(cleanup_seccomp_profile_free) struct seccomp_profile *profile = calloc(1, sizeof(*profile));
	struct seccomp_profile_reader reader = {
		.build = build, .path = path, .capabilities = capabilities, .profile = profile};
	_cleanup_free_ char *text = NULL;
	struct json_object *root = NULL;
	ssize_t n;
	int r;

	if (!profile)
		return build_fail(build, -ENOMEM, "the seccomp profile could not be read");
	n = fd_read_file_at(AT_FDCWD, path, SECCOMP_PROFILE_SIZE, &text);
	if (n < 0)
		return build_fail(build, (int)n, "the seccomp profile %s cannot be read", path);
	r = seccomp_profile_parse(&reader, text, (size_t)n, &root);
	if (r == 0)
		r = seccomp_profile_read_root(&reader, root);
	json_object_put(root);
	if (r == -ENOMEM)
		return build_fail(build, r, "the seccomp profile could not be read");
	if (r < 0)
		return r;
	*ret = TAKE(profile);
	return 0;
}

struct seccomp_profile *seccomp_profile_free(struct seccomp_profile *profile)
{
	if (!profile)
		return NULL;
	for (size_t i = 0; i < profile->n_entries; i++)
		text_list_free(profile->entries[i].names);
	free(profile->entries);
	text_list_free(profile->architectures);
	free(profile);
	return NULL;
}

char *const *seccomp_profile_architectures(const struct seccomp_profile *profile)
{
	return profile->architectures;
}

uint32_t seccomp_profile_flags(const struct seccomp_profile *profile)
{
	return profile->flags;
}

/* --- the policy ------------------------------------------------------------------------------------------ */

static void seccomp_profile_fill_plain(const struct seccomp_profile *profile, struct seccomp_policy *policy,
				       bool fixed[static SECCOMP_CODE_NUMBERS])
{
	for (size_t i = 0; i < profile->n_entries; i++) {
		const struct seccomp_profile_entry *entry = &profile->entries[i];

		if (entry->n_conditions > 0 || entry->action == profile->default_action)
			continue;
		TEXT_LIST_FOREACH (name, entry->names) {
			int number = seccomp_policy_number(policy, *name);

			if (number < 0 ||
			    (fixed[number] &&
			     seccomp_policy_stricter(policy->table.actions[number], entry->action)))
				continue;
			policy->table.actions[number] = entry->action;
			fixed[number] = true;
		}
	}
}

static void seccomp_profile_fill_conditional(const struct seccomp_profile *profile,
					     struct seccomp_policy *policy,
					     const bool fixed[static SECCOMP_CODE_NUMBERS])
{
	for (size_t i = 0; i < profile->n_entries; i++) {
		const struct seccomp_profile_entry *entry = &profile->entries[i];

		if (entry->n_conditions == 0 || entry->action == profile->default_action)
			continue;
		TEXT_LIST_FOREACH (name, entry->names) {
			int number = seccomp_policy_number(policy, *name);
			struct seccomp_code_rule *rule =
				number >= 0 && !fixed[number]
					? seccomp_policy_rule(policy, *name, entry->action)
					: NULL;

			if (rule)
				rule->grant = true;
			for (unsigned c = 0; rule && c < entry->n_conditions; c++)
				seccomp_policy_compare(rule, &entry->conditions[c]);
		}
	}
}

void seccomp_profile_fill(const struct seccomp_profile *profile, struct seccomp_policy *policy)
{
	bool fixed[SECCOMP_CODE_NUMBERS] = {};
	uint32_t unknown = profile->default_action;

	if ((unknown & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
		unknown = SECCOMP_RET_ERRNO | ENOSYS;
	policy->table.beyond = unknown;
	for (size_t i = 0; i < SECCOMP_CODE_NUMBERS; i++)
		policy->table.actions[i] = unknown;
	seccomp_policy_set(policy, "@known", profile->default_action);
	seccomp_profile_fill_plain(profile, policy, fixed);
	seccomp_profile_fill_conditional(profile, policy, fixed);
}
