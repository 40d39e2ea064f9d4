/* Values that name places: mounts, devices with a limit, id maps. See value.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/image-options.h"
#include "units/value.h"
#include "units/value-volume.h"
#include "units/word.h"

/* Reads a path with its prefixes: "-" (may be missing) and "+" (below the container's root, which is where
 * all of them are). */
static int value_take_path(const struct directive_line *line, const char *text, bool *ret_ignore_missing,
			   char **ret, struct failure *failure)
{
	_cleanup_free_ char *path = NULL;
	int r;

	*ret_ignore_missing = *text == '-';
	text += *text == '-';
	text += *text == '+';
	r = value_expand(line, text, &path, failure);
	if (r >= 0)
		r = value_clean_path(path, failure);
	if (r < 0)
		return r;
	*ret = TAKE(path);
	return 0;
}

static bool value_mount_is_image(const struct spec_mount *mount)
{
	return mount->kind == SPEC_MOUNT_IMAGE || mount->kind == SPEC_MOUNT_EXTENSION;
}

static int value_read_id_range(const char *word, struct spec_id_range *range);
static int value_append_id_range(struct spec_id_map *map, const struct spec_id_range *range,
				 struct failure *failure);

/* "0-1000-10#10-2000-5": ids on disk, what they are on the host ('@': in the container), how many. */
static int value_bind_ids(struct spec_mount *mount, bool gid, const char *text, struct failure *failure)
{
	struct spec_id_map *map;

	if (!mount->ids && !(mount->ids = calloc(1, sizeof *mount->ids)))
		return -ENOMEM;
	map = &mount->ids->maps[gid];
	mount->ids->relative[gid] = *text == '@';
	for (text += *text == '@'; *text;) {
		size_t length = strcspn(text, "#");
		_cleanup_free_ char *word = strndup(text, length);
		struct spec_id_range range;
		int r;

		if (!word)
			return -ENOMEM;
		for (char *c = word; *c; c++)
			if (*c == '-' || *c == ':')
				*c = *c == '-' ? ':' : '-';
		if (value_read_id_range(word, &range) < 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' is no ON-DISK-HOST-COUNT", text);
		r = value_append_id_range(map, &range, failure);
		if (r < 0)
			return r;
		text += length + (text[length] == '#');
	}
	return map->n_ranges ? 0 : failure_set(failure, -EINVAL, NULL, "an id map is empty");
}

/* "idmap": by the container's user namespace; "idmap=uids=…;gids=…": by a map of its own. */
static int value_bind_idmap(struct spec_mount *mount, const char *text, struct failure *failure)
{
	int r = 0;

	if (!*text) {
		mount->id_mapped = true;
		return 0;
	}
	for (text++; *text && r >= 0;) {
		_cleanup_free_ char *part = strndup(text, strcspn(text, ";"));

		if (!part)
			return -ENOMEM;
		text += strlen(part);
		text += *text == ';';
		if (!text_starts_with(part, "uids=") && !text_starts_with(part, "gids="))
			return failure_set(failure, -EINVAL, NULL, "'%s' is neither uids= nor gids=", part);
		r = value_bind_ids(mount, *part == 'g', part + strlen("uids="), failure);
	}
	if (r >= 0 && (!mount->ids || !mount->ids->maps[0].n_ranges || !mount->ids->maps[1].n_ranges))
		return failure_set(failure, -EINVAL, NULL, "idmap= needs both uids= and gids=");
	return r;
}

int value_mount_ids(struct spec_mount *mount, const char *option, struct failure *failure)
{
	if (text_starts_with(option, "idmap") && (!option[5] || option[5] == '='))
		return value_bind_idmap(mount, option + strlen("idmap"), failure);
	if (strcmp(option, "noidmap") == 0) {
		mount->not_mapped = true;
		return 0;
	}
	if (strcmp(option, "U") != 0)
		return 1;
	mount->owned = true;
	return 0;
}

static int value_bind_option(struct spec_mount *mount, const char *option, struct failure *failure)
{
	int r = value_volume_option(mount, option, failure);

	if (r > 0)
		r = value_mount_ids(mount, option, failure);
	return r > 0 ? failure_set(failure, -EINVAL, NULL, "'%s' is no option of a bind mount", option) : r;
}

static int value_tmpfs_option(struct spec_mount *mount, const char *option, struct failure *failure)
{
	static const char *const known[] = {
		"size=", "nr_blocks=", "nr_inodes=", "mode=", "uid=", "gid=", "huge="};
	char *joined;
	int r = value_volume_option(mount, option, failure);

	if (r <= 0 || strcmp(option, "strictatime") == 0 || strcmp(option, "noatime") == 0)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (text_starts_with(option, known[i])) {
			joined = mount->options ? text_format("%s,%s", mount->options, option)
						: strdup(option);
			if (!joined)
				return -ENOMEM;
			free(mount->options);
			mount->options = joined;
			return 0;
		}
	return failure_set(failure, -EINVAL, NULL, "'%s' is no option of a tmpfs", option);
}

/* Options joined by ','. */
static int value_mount_options(struct spec_mount *mount, const char *text, struct failure *failure)
{
	while (*text) {
		_cleanup_free_ char *option = strndup(text, strcspn(text, ","));
		int r;

		if (!option)
			return -ENOMEM;
		r = mount->kind == SPEC_MOUNT_TMPFS ? value_tmpfs_option(mount, option, failure)
						    : value_bind_option(mount, option, failure);
		if (r < 0)
			return r;
		text += strlen(option);
		text += *text == ',';
	}
	return 0;
}

/* Splits "A:B:REST" at the colons that no backslash escapes; REST keeps its own. The parts are owned by the
 * caller. */
static int value_split_colons(const char *text, char *parts[static 3], size_t *ret_n)
{
	size_t n = 0;

	*ret_n = 0;
	do {
		struct text_buffer part = {};

		for (; *text && (n == 2 || *text != ':'); text++) {
			if (text[0] == '\\' && text[1] == ':')
				text++;
			text_buffer_append_bytes(&part, text, 1);
		}
		parts[n] = text_buffer_finish(&part);
		if (!parts[n])
			return -ENOMEM;
		*ret_n = ++n;
	} while (*text++ == ':' && n < 3);
	return 0;
}

/* SRC[:DST[:OPTIONS]] */
static int value_read_bind(const struct directive_line *line, char *const *parts, size_t n,
			   struct spec_mount *mount, struct failure *failure)
{
	const char *source = parts[0] + strspn(parts[0], "-+");
	bool optional;
	int r;

	if (line->directive->argument & VALUE_MOUNT_VOLUME)
		return value_volume_read(line, parts, n, mount, failure);
	mount->recursive = true;
	mount->read_only = line->directive->argument & VALUE_MOUNT_READ_ONLY;
	r = value_take_path(line, parts[0], &mount->ignore_missing, &mount->source, failure);
	if (r < 0)
		return r;
	r = value_take_path(line, n > 1 && *parts[1] ? parts[1] : source, &optional, &mount->target, failure);
	if (r < 0)
		return r;
	return n > 2 ? value_mount_options(mount, parts[2], failure) : 0;
}

/* SOURCE:TARGET[:OPTIONS], an extension SOURCE[:OPTIONS]; OPTIONS may name partitions: "root:ro:home:nodev". */
static int value_read_image(const struct directive_line *line, char *const *parts, size_t n,
			    struct spec_mount *mount, struct failure *failure)
{
	size_t options = mount->kind == SPEC_MOUNT_IMAGE ? 2 : 1;
	bool optional;
	int r;

	if (n < options)
		return failure_set(failure, -EINVAL, NULL, "'%s' is not /IMAGE:/TARGET[:OPTIONS]", parts[0]);
	r = value_take_path(line, parts[0], &mount->ignore_missing, &mount->source, failure);
	if (r >= 0 && options == 2)
		r = value_take_path(line, parts[1], &optional, &mount->target, failure);
	if (r < 0 || n <= options)
		return r;
	mount->options =
		n == 3 && options == 1 ? text_format("%s:%s", parts[1], parts[2]) : strdup(parts[options]);
	return mount->options ? image_options_check(mount->options, failure) : -ENOMEM;
}

/* PATH[:OPTIONS] */
static int value_read_tmpfs(const struct directive_line *line, char *const *parts, size_t n,
			    struct spec_mount *mount, struct failure *failure)
{
	_cleanup_free_ char *options = NULL;
	int r;

	if (line->directive->argument & VALUE_MOUNT_DEFAULTS)
		mount->no_exec = mount->no_suid = mount->no_dev = mount->copy_up = true;
	r = value_take_path(line, parts[0], &mount->ignore_missing, &mount->target, failure);
	if (r < 0 || n < 2)
		return r;
	/* Only a third part can follow, and only because an option of tmpfs may have a colon in its value. */
	options = n > 2 ? text_format("%s:%s", parts[1], parts[2]) : strdup(parts[1]);
	return options ? value_mount_options(mount, options, failure) : -ENOMEM;
}

/* [-][+]PATH */
static int value_take_access(const struct directive_line *line, const char *word, struct spec_mount *mount,
			     struct failure *failure)
{
	mount->in_root = word[*word == '-'] == '+';
	return value_take_path(line, word, &mount->ignore_missing, &mount->target, failure);
}

static int value_read_mount(const struct directive_line *line, const char *word, struct spec_mount *mount,
			    struct failure *failure)
{
	char *parts[3] = {};
	size_t n;
	int r;

	mount->kind = (enum spec_mount_kind)(line->directive->argument & VALUE_MOUNT_KIND);
	if (mount->kind != SPEC_MOUNT_BIND && mount->kind != SPEC_MOUNT_TMPFS &&
	    mount->kind != SPEC_MOUNT_DEVICE && !value_mount_is_image(mount))
		return value_take_access(line, word, mount, failure);
	r = value_split_colons(word, parts, &n);
	if (r >= 0 && mount->kind == SPEC_MOUNT_DEVICE)
		r = value_volume_read_device(line, parts, n, mount, failure);
	else if (r >= 0 && value_mount_is_image(mount))
		r = value_read_image(line, parts, n, mount, failure);
	else if (r >= 0)
		r = mount->kind == SPEC_MOUNT_BIND ? value_read_bind(line, parts, n, mount, failure)
						   : value_read_tmpfs(line, parts, n, mount, failure);
	for (size_t i = 0; i < n; i++)
		free(parts[i]);
	return r;
}

int value_parse_mounts(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	struct spec_mount *mount;
	int r;

	if (line->directive->argument & VALUE_MOUNT_OPTIONS) {
		mount = spec_mounts_append(field);
		return mount ? value_volume_read_options(line, mount, failure) : -ENOMEM;
	}
	for (;;) {
		_cleanup_free_ char *word = NULL;

		/* "\:" belongs to the split into parts, so that backslash must survive the split into words.
		 */
		r = word_next(&cursor, WORD_RELAXED, &word, NULL, failure);
		if (r <= 0)
			return r;
		mount = spec_mounts_append(field);
		if (!mount)
			return -ENOMEM;
		r = value_read_mount(line, word, mount, failure);
		if (r < 0)
			return r;
	}
}

static void value_print_ids(struct text_buffer *buffer, const struct spec_mount_ids *ids)
{
	for (int gid = 0; gid < 2; gid++) {
		text_buffer_append(buffer, "%s%s",
				   gid ? ";gids=" : ",idmap=uids=", ids->relative[gid] ? "@" : "");
		for (size_t i = 0; i < ids->maps[gid].n_ranges; i++)
			text_buffer_append(buffer, "%s%u-%u-%u", i ? "#" : "",
					   ids->maps[gid].ranges[i].inside, ids->maps[gid].ranges[i].outside,
					   ids->maps[gid].ranges[i].count);
	}
}

char *value_print_mounts(const struct directive *directive, const void *field)
{
	const struct spec_mounts *mounts = field;
	struct text_buffer buffer = {};

	for (size_t i = 0; i < mounts->n; i++) {
		const struct spec_mount *mount = &mounts->items[i];
		bool bind = mount->kind == SPEC_MOUNT_BIND || mount->kind == SPEC_MOUNT_VOLUME;

		if (directive->argument & VALUE_MOUNT_OPTIONS || mount->kind == SPEC_MOUNT_DEVICE) {
			text_buffer_append(&buffer, "%s", i ? " " : "");
			(mount->kind == SPEC_MOUNT_DEVICE ? value_volume_print_device
							  : value_volume_print_options)(&buffer, mount);
			continue;
		}
		if (value_mount_is_image(mount)) {
			text_buffer_append(&buffer, "%s%s%s%s%s%s%s", i ? " " : "",
					   mount->ignore_missing ? "-" : "", mount->source,
					   mount->target ? ":" : "", mount->target ?: "",
					   mount->options ? ":" : "", mount->options ?: "");
			continue;
		}
		text_buffer_append(&buffer, "%s%s%s%s%s%s", i ? " " : "", mount->ignore_missing ? "-" : "",
				   mount->in_root ? "+" : "", bind ? mount->source : "", bind ? ":" : "",
				   mount->target);
		if (bind)
			text_buffer_append(&buffer, ":%sbind", mount->recursive ? "r" : "");
		else if (mount->options || mount->read_only || mount->no_exec || mount->no_suid ||
			 mount->no_dev)
			text_buffer_append(&buffer, ":%s", mount->options ? mount->options : "rw");
		text_buffer_append(&buffer, "%s%s%s%s",
				   mount->read_only && (bind || mount->kind == SPEC_MOUNT_TMPFS) ? ",ro" : "",
				   mount->no_exec ? ",noexec" : "", mount->no_suid ? ",nosuid" : "",
				   mount->no_dev ? ",nodev" : "");
		text_buffer_append(&buffer, "%s%s", mount->owned ? ",U" : "",
				   mount->not_mapped  ? ",noidmap"
				   : mount->id_mapped ? ",idmap"
						      : "");
		if (mount->ids)
			value_print_ids(&buffer, mount->ids);
	}
	return text_buffer_finish(&buffer);
}

/* --- "DEVICE VALUE" and "NAME VALUE" ----------------------------------------------------------------- */

/* The number that a line of each sort takes, by VALUE_IO_…; NULL: it is none. */
static int value_read_io_limit(const char *text, int sort, uint64_t *ret)
{
	if (sort == VALUE_IO_WEIGHT)
		return value_read_number(text, 10000, ret) < 0 || *ret == 0 ? -EINVAL : 0;
	if (sort == VALUE_IO_OLD_WEIGHT) {
		if (value_read_number(text, 1000, ret) < 0 || *ret < 10)
			return -EINVAL;
		*ret = *ret * 100 / 500;
		return 0;
	}
	if (sort == VALUE_IO_LATENCY)
		return value_read_usec(text, USEC_PER_SEC, ret) < 0 || *ret == 0 || *ret == USEC_INFINITY
			       ? -EINVAL
			       : 0;
	if (strcmp(text, "infinity") == 0) {
		*ret = SPEC_LIMIT_MAX;
		return 0;
	}
	if (sort == VALUE_IO_HUGE_PAGES)
		return value_read_size(text, 1024, ret);
	if (sort == VALUE_IO_NAMED)
		return value_read_number(text, INT64_MAX, ret);
	return value_read_size(text, 1000, ret) < 0 || *ret == 0 ? -EINVAL : 0;
}

/* "2M" and "2MB" are "2MB", as in the name of the kernel's file; other names may hold what those of devices and resources do. */
static int value_clean_resource(char **name, bool pages)
{
	size_t digits = strspn(*name, "0123456789");
	char *full;

	if (!pages)
		return **name &&
				       strspn(*name,
					      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-") ==
					       strlen(*name) &&
				       strlen(*name) < 256
			       ? 0
			       : -EINVAL;
	if (digits == 0 || digits > 8 || !strchr("KMG", (*name)[digits]) || !(*name)[digits] ||
	    ((*name)[digits + 1] && strcmp(*name + digits + 1, "B") != 0))
		return -EINVAL;
	full = text_format("%.*sB", (int)digits + 1, *name);
	if (!full)
		return -ENOMEM;
	free(*name);
	*name = full;
	return 0;
}

int value_parse_io_limits(const struct directive_line *line, void *field, struct failure *failure)
{
	static const char *const wanted[] = {
		[VALUE_IO_WEIGHT] = "/DEVICE and weight from 1 to 10000",
		[VALUE_IO_BYTES] = "/DEVICE and limit above 0",
		[VALUE_IO_OPERATIONS] = "/DEVICE and limit above 0",
		[VALUE_IO_LATENCY] = "/DEVICE and time span",
		[VALUE_IO_OLD_WEIGHT] = "/DEVICE and weight from 10 to 1000",
		[VALUE_IO_HUGE_PAGES] = "page size and limit (such as '2M 64M')",
		[VALUE_IO_NAMED] = "name and limit",
	};
	int sort = line->directive->argument, r;
	bool named = sort == VALUE_IO_HUGE_PAGES || sort == VALUE_IO_NAMED;
	struct spec_io_limits *limits = field;
	const char *cursor = line->value;
	_cleanup_free_ char *path = NULL, *number = NULL, *rest = NULL;
	struct spec_io_limit *larger;
	uint64_t value;

	r = value_next_word(line, &cursor, &path, failure);
	if (r > 0)
		r = value_next_word(line, &cursor, &number, failure);
	if (r < 0)
		return r;
	if (r == 0 || value_next_word(line, &cursor, &rest, failure) != 0 ||
	    value_read_io_limit(number, sort, &value) < 0)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no %s", line->value, wanted[sort]);
	r = named ? value_clean_resource(&path, sort == VALUE_IO_HUGE_PAGES)
		  : value_clean_path(path, failure);
	if (r == -EINVAL && named)
		return failure_set(failure, -EINVAL, NULL, "'%s' is no %s", line->value, wanted[sort]);
	if (r < 0)
		return r;
	larger = realloc(limits->items, (limits->n + 1) * sizeof *larger);
	if (!larger)
		return -ENOMEM;
	limits->items = larger;
	limits->items[limits->n++] = (struct spec_io_limit){.path = TAKE(path), .value = value};
	return 0;
}

char *value_print_io_limits(const struct directive *directive _unused_, const void *field)
{
	const struct spec_io_limits *limits = field;
	struct text_buffer buffer = {};

	for (size_t i = 0; i < limits->n; i++) {
		text_buffer_append(&buffer, "%s%s ", i ? " " : "", limits->items[i].path);
		if (limits->items[i].value == SPEC_LIMIT_MAX)
			text_buffer_append(&buffer, "infinity");
		else
			text_buffer_append(&buffer, "%" PRIu64, limits->items[i].value);
	}
	return text_buffer_finish(&buffer);
}

/* --- id maps: "INSIDE:OUTSIDE:COUNT"
 * ---------------------------------------------------------------------------------- */

static int value_read_id_range(const char *word, struct spec_id_range *range)
{
	uint32_t *const numbers[] = {&range->inside, &range->outside, &range->count};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char digits[11];
		size_t length = strcspn(word, ":");
		uint64_t value;

		if (length >= sizeof digits)
			return -EINVAL;
		memcpy(digits, word, length);
		digits[length] = '\0';
		if (value_read_number(digits, UINT32_MAX - 1, &value) < 0)
			return -EINVAL;
		*numbers[i] = (uint32_t)value;
		word += length;
		if (i < 2 && *word++ != ':')
			return -EINVAL;
	}
	return *word || range->count == 0 || (uint64_t)range->inside + range->count > UINT32_MAX ||
			       (uint64_t)range->outside + range->count > UINT32_MAX
		       ? -EINVAL
		       : 0;
}

static bool value_ranges_meet(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return (uint64_t)a < (uint64_t)b + b_count && (uint64_t)b < (uint64_t)a + a_count;
}

static int value_append_id_range(struct spec_id_map *map, const struct spec_id_range *range,
				 struct failure *failure)
{
	struct spec_id_range *larger;

	for (size_t i = 0; i < map->n_ranges; i++)
		if (value_ranges_meet(range->inside, range->count, map->ranges[i].inside,
				      map->ranges[i].count) ||
		    value_ranges_meet(range->outside, range->count, map->ranges[i].outside,
				      map->ranges[i].count))
			return failure_set(failure, -EINVAL, NULL,
					   "the range %u:%u:%u overlaps one before it", range->inside,
					   range->outside, range->count);
	if (map->n_ranges >= 340) /* user_namespaces(7) */
		return failure_set(failure, -EINVAL, NULL, "the kernel takes 340 ranges at most");
	larger = realloc(map->ranges, (map->n_ranges + 1) * sizeof *larger);
	if (!larger)
		return -ENOMEM;
	map->ranges = larger;
	map->ranges[map->n_ranges++] = *range;
	return 0;
}

int value_parse_id_map(const struct directive_line *line, void *field, struct failure *failure)
{
	const char *cursor = line->value;
	struct spec_id_range range;
	int r;

	for (;;) {
		_cleanup_free_ char *word = NULL;

		r = value_next_word(line, &cursor, &word, failure);
		if (r <= 0)
			return r;
		if (value_read_id_range(word, &range) < 0)
			return failure_set(failure, -EINVAL, NULL, "'%s' is no INSIDE:OUTSIDE:COUNT", word);
		r = value_append_id_range(field, &range, failure);
		if (r < 0)
			return r;
	}
}

char *value_print_id_map(const struct directive *directive _unused_, const void *field)
{
	const struct spec_id_map *map = field;
	struct text_buffer buffer = {};

	for (size_t i = 0; i < map->n_ranges; i++)
		text_buffer_append(&buffer, "%s%u:%u:%u", i ? " " : "", map->ranges[i].inside,
				   map->ranges[i].outside, map->ranges[i].count);
	return text_buffer_finish(&buffer);
}
