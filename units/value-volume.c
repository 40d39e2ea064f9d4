/* Podman's ways to write mounts: Volume=SOURCE:TARGET:OPTIONS, Mount=type=…,source=…,…, AddDevice=HOST:CONTAINER:rwm. Meaning and
 * defaults are those of podman-run(1): what comes from the host has no devices and no set-user-ID programs unless the options
 * say so. */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "units/value.h"
#include "units/value-volume.h"

/* --- options ----------------------------------------------------------------------------------------- */

enum value_volume_effect { /* what a word does to the mount */
			   VOLUME_READ_ONLY,
			   VOLUME_NO_EXEC,
			   VOLUME_NO_SUID,
			   VOLUME_NO_DEV,
			   VOLUME_RECURSIVE,
			   VOLUME_COPY,
			   VOLUME_OVERLAY,
			   VOLUME_PROPAGATION,
			   VOLUME_RELABEL,
			   VOLUME_NOTHING,
};

static const struct value_volume_word {
	const char *name;
	enum value_volume_effect effect;
	int value;
} value_volume_words[] = {
	{"ro", VOLUME_READ_ONLY, true},
	{"readonly", VOLUME_READ_ONLY, true},
	{"rw", VOLUME_READ_ONLY, false},
	{"noexec", VOLUME_NO_EXEC, true},
	{"exec", VOLUME_NO_EXEC, false},
	{"nosuid", VOLUME_NO_SUID, true},
	{"suid", VOLUME_NO_SUID, false},
	{"nodev", VOLUME_NO_DEV, true},
	{"dev", VOLUME_NO_DEV, false},
	{"rbind", VOLUME_RECURSIVE, true},
	{"bind", VOLUME_RECURSIVE, false},
	{"norbind", VOLUME_RECURSIVE, false},
	{"bind-nonrecursive", VOLUME_RECURSIVE, false},
	{"copy", VOLUME_COPY, true},
	{"nocopy", VOLUME_COPY, false},
	{"tmpcopyup", VOLUME_COPY, true},
	{"notmpcopyup", VOLUME_COPY, false},
	{"O", VOLUME_OVERLAY, true},
	{"shared", VOLUME_PROPAGATION, SPEC_PROPAGATION_SHARED},
	{"rshared", VOLUME_PROPAGATION, SPEC_PROPAGATION_SHARED},
	{"slave", VOLUME_PROPAGATION, SPEC_PROPAGATION_SLAVE},
	{"rslave", VOLUME_PROPAGATION, SPEC_PROPAGATION_SLAVE},
	{"private", VOLUME_PROPAGATION, SPEC_PROPAGATION_PRIVATE},
	{"rprivate", VOLUME_PROPAGATION, SPEC_PROPAGATION_PRIVATE},
	{"unbindable", VOLUME_PROPAGATION, SPEC_PROPAGATION_PRIVATE},
	{"runbindable", VOLUME_PROPAGATION, SPEC_PROPAGATION_PRIVATE},
	{"z", VOLUME_RELABEL, 0},
	{"Z", VOLUME_RELABEL, 0},
	{"relabel", VOLUME_RELABEL, 0},
	{"defaults", VOLUME_NOTHING, 0},
};

static int value_volume_apply(struct spec_mount *mount, const struct value_volume_word *word, bool on,
			      struct failure *failure)
{
	bool value = on ? word->value : !word->value;

	switch (word->effect) {
	case VOLUME_READ_ONLY:
		mount->read_only = value;
		break;
	case VOLUME_NO_EXEC:
		mount->no_exec = value;
		break;
	case VOLUME_NO_SUID:
		mount->no_suid = value;
		break;
	case VOLUME_NO_DEV:
		mount->no_dev = value;
		break;
	case VOLUME_RECURSIVE:
		mount->recursive = value;
		break;
	case VOLUME_COPY:
		mount->copy_up = value;
		break;
	case VOLUME_OVERLAY:
		mount->overlay = value;
		break;
	case VOLUME_PROPAGATION:
		mount->propagation = (enum spec_propagation)word->value;
		break;
	case VOLUME_RELABEL:
		/* Relabelling is nothing where there are no labels; where there are, it must not be left out
		 * silently. */
		if (access("/sys/fs/selinux/enforce", F_OK) == 0)
			return failure_set(
				failure, -EINVAL, NULL,
				"the option '%s' relabels files for SELinux, which svcd does not do",
				word->name);
		break;
	case VOLUME_NOTHING:
		break;
	}
	return 0;
}

int value_volume_option(struct spec_mount *mount, const char *option, struct failure *failure)
{
	size_t length = strcspn(option, "=");
	bool on = true;

	for (size_t i = 0; i < ARRAY_SIZE(value_volume_words); i++) {
		const struct value_volume_word *word = &value_volume_words[i];

		if (strlen(word->name) != length || strncmp(word->name, option, length) != 0)
			continue;
		/* "ro=false"; relabel= has values of its own */
		if (option[length] && word->effect != VOLUME_RELABEL &&
		    value_read_bool(option + length + 1, &on) < 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' is neither true nor false",
					   option + length + 1);
		return value_volume_apply(mount, word, on, failure);
	}
	return 1;
}

/* --- Volume= ----------------------------------------------------------------------------------------- */

static bool value_volume_name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return *name && !strchr("_.-", *name) && strspn(name, letters) == strlen(name) && strlen(name) < 200;
}

/* A path of the host, or the name of a volume that is kept for the container; of a Quadlet volume unit, by its file's name. */
static int value_volume_source(const struct directive_line *line, const char *text, struct spec_mount *mount,
			       struct failure *failure)
{
	_cleanup_free_ char *source = NULL;
	int r = value_expand(line, text, &source, failure);

	if (r < 0)
		return r;
	if (*source == '/') {
		r = value_clean_path(source, failure);
	} else {
		if (text_ends_with(source, ".volume")) {
			char *longer = text_format("systemd-%.*s", (int)(strlen(source) - strlen(".volume")),
						   source);

			if (!longer)
				return -ENOMEM;
			free(source);
			source = longer;
		}
		mount->kind = SPEC_MOUNT_VOLUME;
		mount->copy_up = true;
		if (!value_volume_name_valid(source))
			r = failure_set(failure, -EINVAL, NULL,
					"'%s' is neither an absolute path nor the name of a volume", text);
	}
	if (r >= 0)
		mount->source = TAKE(source);
	return r;
}

static int value_volume_target(const struct directive_line *line, const char *text, struct spec_mount *mount,
			       struct failure *failure)
{
	_cleanup_free_ char *target = NULL;
	int r = value_expand(line, text, &target, failure);

	if (r >= 0)
		r = value_clean_path(target, failure);
	if (r >= 0) {
		free(mount->target);
		mount->target = TAKE(target);
	}
	return r;
}

static int value_volume_words_of(struct spec_mount *mount, const char *text, struct failure *failure)
{
	while (*text) {
		_cleanup_free_ char *option = strndup(text, strcspn(text, ","));
		int r = option ? value_volume_option(mount, option, failure) : -ENOMEM;

		if (r > 0)
			r = value_mount_ids(mount, option, failure);
		if (r > 0)
			r = failure_set(failure, -EINVAL, NULL, "'%s' is no option of a volume", option);
		if (r < 0)
			return r;
		text += strlen(option);
		text += *text == ',';
	}
	return 0;
}

int value_volume_read(const struct directive_line *line, char *const *parts, size_t n,
		      struct spec_mount *mount, struct failure *failure)
{
	const char *source = parts[0];
	int r = 0;

	mount->recursive = mount->no_suid = mount->no_dev = true;
	/* Without a source it is empty, and gone with the container. */
	if (n == 1) {
		mount->kind = SPEC_MOUNT_TMPFS;
		mount->copy_up = true;
		return value_volume_target(line, parts[0], mount, failure);
	}
	mount->ignore_missing = *source == '-';
	r = value_volume_source(line, source + mount->ignore_missing, mount, failure);
	if (r >= 0)
		r = value_volume_target(line, parts[1], mount, failure);
	return r < 0 || n < 3 ? r : value_volume_words_of(mount, parts[2], failure);
}

/* --- Mount= ------------------------------------------------------------------------------------------ */

/* Appends "NAME=VALUE" (or VALUE alone) to the file system's options. */
static int value_volume_add(struct spec_mount *mount, const char *name, const char *value)
{
	char *joined = text_format("%s%s%s%s", mount->options ?: "", mount->options ? "," : "", name, value);

	if (!joined)
		return -ENOMEM;
	free(mount->options);
	mount->options = joined;
	return 0;
}

static int value_volume_type(struct spec_mount *mount, const char *type, struct failure *failure)
{
	static const struct {
		const char *name;
		enum spec_mount_kind kind;
	} types[] = {
		{"bind", SPEC_MOUNT_BIND},   {"volume", SPEC_MOUNT_VOLUME}, {"tmpfs", SPEC_MOUNT_TMPFS},
		{"ramfs", SPEC_MOUNT_RAMFS}, {"devpts", SPEC_MOUNT_DEVPTS}, {"image", SPEC_MOUNT_IMAGE},
		{"glob", SPEC_MOUNT_GLOB},
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, type) == 0) {
			mount->kind = types[i].kind;
			mount->copy_up = mount->kind == SPEC_MOUNT_VOLUME || mount->kind == SPEC_MOUNT_TMPFS;
			mount->read_only = mount->kind == SPEC_MOUNT_IMAGE;
			mount->no_exec = mount->kind == SPEC_MOUNT_DEVPTS;
			return 0;
		}
	return failure_set(failure, -EINVAL, NULL,
			   "'%s' is none of: bind, volume, tmpfs, ramfs, devpts, image, glob", type);
}

/* Options of one kind of mount only. 1: not one of them. */
static int value_volume_special(struct spec_mount *mount, const char *name, const char *value)
{
	static const struct {
		enum spec_mount_kind kind;
		const char *name, *option;
	} known[] = {
		{SPEC_MOUNT_TMPFS, "tmpfs-size", "size="}, {SPEC_MOUNT_TMPFS, "tmpfs-mode", "mode="},
		{SPEC_MOUNT_TMPFS, "size", "size="},	   {SPEC_MOUNT_TMPFS, "mode", "mode="},
		{SPEC_MOUNT_TMPFS, "uid", "uid="},	   {SPEC_MOUNT_TMPFS, "gid", "gid="},
		{SPEC_MOUNT_RAMFS, "ramfs-mode", "mode="}, {SPEC_MOUNT_RAMFS, "mode", "mode="},
		{SPEC_MOUNT_RAMFS, "tmpfs-mode", "mode="}, {SPEC_MOUNT_DEVPTS, "uid", "uid="},
		{SPEC_MOUNT_DEVPTS, "gid", "gid="},	   {SPEC_MOUNT_DEVPTS, "mode", "mode="},
		{SPEC_MOUNT_DEVPTS, "max", "max="},	   {SPEC_MOUNT_DEVPTS, "ptmxmode", "ptmxmode="},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].kind == mount->kind && strcmp(known[i].name, name) == 0)
			return value_volume_add(mount, known[i].option, value);
	/* A ramfs has no size that could be limited. */
	return mount->kind == SPEC_MOUNT_RAMFS &&
			       (strcmp(name, "ramfs-size") == 0 || strcmp(name, "tmpfs-size") == 0)
		       ? 0
		       : 1;
}

static int value_volume_pair(const struct directive_line *line, struct spec_mount *mount, const char *name,
			     const char *value, const char *option, struct failure *failure)
{
	int r;

	if (strcmp(name, "type") == 0)
		return 0;
	if (strcmp(name, "source") == 0 || strcmp(name, "src") == 0) {
		if (mount->kind == SPEC_MOUNT_VOLUME || mount->kind == SPEC_MOUNT_BIND) {
			r = value_volume_source(line, value, mount, failure);
			return r;
		}
		r = value_expand(line, value, &mount->source, failure);
		return r < 0 ? r : value_clean_path(mount->source, failure);
	}
	if (strcmp(name, "destination") == 0 || strcmp(name, "dst") == 0 || strcmp(name, "target") == 0)
		return value_volume_target(line, value, mount, failure);
	if (strcmp(name, "bind-propagation") == 0)
		return value_volume_option(mount, value, failure);
	r = value_volume_special(mount, name, value);
	if (r > 0)
		r = value_volume_option(mount, option, failure);
	return r > 0 ? value_mount_ids(mount, strcmp(option, "U=true") == 0 ? "U" : option, failure) : r;
}

static int value_volume_pairs(const struct directive_line *line, struct spec_mount *mount, bool types,
			      struct failure *failure)
{
	const char *text = line->value;

	while (*text) {
		_cleanup_free_ char *option = strndup(text, strcspn(text, ",")), *name = NULL;
		const char *value;
		int r = 0;

		if (!option || !(name = strndup(option, strcspn(option, "="))))
			return -ENOMEM;
		value = option + strlen(name);
		value += *value == '=';
		if (types && strcmp(name, "type") == 0)
			r = value_volume_type(mount, value, failure);
		else if (!types)
			r = value_volume_pair(line, mount, name, value, option, failure);
		if (r > 0)
			r = failure_set(failure, -EINVAL, NULL, "'%s' is no option of this mount", option);
		if (r < 0)
			return r;
		text += strlen(option);
		text += *text == ',';
	}
	return 0;
}

static bool value_volume_needs_source(enum spec_mount_kind kind)
{
	return kind == SPEC_MOUNT_BIND || kind == SPEC_MOUNT_IMAGE || kind == SPEC_MOUNT_GLOB ||
	       kind == SPEC_MOUNT_VOLUME;
}

int value_volume_read_options(const struct directive_line *line, struct spec_mount *mount,
			      struct failure *failure)
{
	int r;

	mount->kind = SPEC_MOUNT_VOLUME;
	mount->recursive = mount->no_suid = mount->no_dev = mount->copy_up = true;
	r = value_volume_pairs(line, mount, true, failure);
	if (r >= 0)
		r = value_volume_pairs(line, mount, false, failure);
	if (r < 0)
		return r;
	if (value_volume_needs_source(mount->kind) && !mount->source)
		return failure_set(failure, -EINVAL, NULL, "this mount needs source=");
	if (!mount->target && mount->kind == SPEC_MOUNT_GLOB)
		return (mount->target = strdup("/")) ? 0 : -ENOMEM;
	return mount->target ? 0 : failure_set(failure, -EINVAL, NULL, "this mount needs destination=");
}

/* --- AddDevice= -------------------------------------------------------------------------------------- */

int value_volume_read_device(const struct directive_line *line, char *const *parts, size_t n,
			     struct spec_mount *mount, struct failure *failure)
{
	const char *source = parts[0], *access_letters = n > 2 ? parts[2] : "rwm";
	bool only_letters = n == 2 && *parts[1] && strspn(parts[1], "rwm") == strlen(parts[1]);
	int r;

	if (only_letters)
		access_letters = parts[1];
	if (!*access_letters || strspn(access_letters, "rwm") != strlen(access_letters))
		return failure_set(failure, -EINVAL, NULL, "'%s' is no access of r, w and m", access_letters);
	mount->kind = SPEC_MOUNT_DEVICE;
	mount->recursive = mount->no_suid = mount->no_exec = true;
	mount->ignore_missing = *source == '-';
	r = value_expand(line, source + mount->ignore_missing, &mount->source, failure);
	if (r >= 0)
		r = value_clean_path(mount->source, failure);
	if (r >= 0)
		r = value_volume_target(line, n > 1 && !only_letters && *parts[1] ? parts[1] : mount->source,
					mount, failure);
	if (r >= 0 && !(mount->options = strdup(access_letters)))
		r = -ENOMEM;
	return r;
}

/* --- as text ----------------------------------------------------------------------------------------- */

void value_volume_print_device(struct text_buffer *buffer, const struct spec_mount *mount)
{
	text_buffer_append(buffer, "%s%s:%s:%s", mount->ignore_missing ? "-" : "", mount->source,
			   mount->target, mount->options);
}

void value_volume_print_options(struct text_buffer *buffer, const struct spec_mount *mount)
{
	static const char *const types[SPEC_MOUNT_KIND_MAX_] = {
		[SPEC_MOUNT_BIND] = "bind",   [SPEC_MOUNT_VOLUME] = "volume", [SPEC_MOUNT_TMPFS] = "tmpfs",
		[SPEC_MOUNT_RAMFS] = "ramfs", [SPEC_MOUNT_DEVPTS] = "devpts", [SPEC_MOUNT_IMAGE] = "image",
		[SPEC_MOUNT_GLOB] = "glob",
	};

	text_buffer_append(buffer, "type=%s", types[mount->kind] ?: "bind");
	if (mount->source)
		text_buffer_append(buffer, ",source=%s", mount->source);
	text_buffer_append(buffer, ",destination=%s", mount->target);
	if (mount->options)
		text_buffer_append(buffer, ",%s", mount->options);
	text_buffer_append(buffer, "%s%s%s%s%s", mount->read_only ? ",ro" : "",
			   mount->no_exec ? ",noexec" : "", mount->no_suid ? "" : ",suid",
			   mount->no_dev ? "" : ",dev", mount->overlay ? ",O" : "");
}
