/* From a name to a config. See load.h: finds the files (fragment.h), reads each line by line (reader.h) into
 * the fields that the table names (assign.h), then completes and checks the whole (finish.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "units/assign.h"
#include "units/container.h"
#include "units/finish.h"
#include "units/fragment.h"
#include "units/reader.h"

/* One file being read. */
struct load {
	struct unit_config *config;
	struct specifier_context specifiers;
	const char *path;
	bool lenient;
	bool skip_section; /* "[X-…]", or unknown in a lenient file */
};

/* What is unknown stops a strict file and leaves a warning from a lenient one. */
static int load_unknown(struct load *load, uint32_t line, struct failure *failure, const char *text)
{
	if (!load->lenient)
		return failure_set(failure, -EINVAL, NULL, "%s", text);
	return text_list_take(&load->config->warnings, text_format("%s:%u: %s", load->path, line, text));
}

/* Of the file being read, in config->files. */
static uint16_t load_file_index(const struct load *load)
{
	return (uint16_t)MIN_OF(text_list_length(load->config->files) - 1, (size_t)UINT16_MAX);
}

static int load_heading(struct load *load, const struct reader_line *line, struct failure *failure)
{
	struct unit_config *config = load->config;
	const char *near;
	char text[256];

	load->skip_section = text_starts_with(line->section, "X-");
	if (load->skip_section)
		return 0;
	if (directive_section_known(line->section, config->kind)) {
		if (strcmp(line->section, "Container") == 0 && !config->is_container) {
			config->is_container = true;
			config->container_file = load_file_index(load);
			config->container_line = line->line;
		}
		return 0;
	}
	load->skip_section = true;
	near = directive_nearest_section(line->section, config->kind);
	snprintf(text, sizeof text, "unknown section [%s] in a %s%s%s%s", line->section,
		 strrchr(config->name, '.') + 1, near ? "; did you mean [" : "", near ? near : "",
		 near ? "]?" : "");
	return load_unknown(load, line->line, failure, text);
}

static int load_unknown_key(struct load *load, const struct reader_line *line, struct failure *failure)
{
	const char *near = directive_nearest(line->section, line->key);
	char text[512];

	if (!near)
		snprintf(text, sizeof text, "unknown key '%.128s=' in [%s]", line->key, line->section);
	else if (directive_find(near, line->key))
		snprintf(text, sizeof text, "unknown key '%.128s=' in [%s]: it belongs to [%s]", line->key,
			 line->section, near);
	else
		snprintf(text, sizeof text, "unknown key '%.128s=' in [%s]; did you mean '%s='?", line->key,
			 line->section, near);
	return load_unknown(load, line->line, failure, text);
}

static int load_line(void *data, const struct reader_line *line, struct failure *failure)
{
	struct load *load = data;
	struct directive_line assignment = {
		.value = line->value,
		.specifiers = &load->specifiers,
		.config = load->config,
		.lenient = load->lenient,
	};

	if (!line->key)
		return load_heading(load, line, failure);
	if (!*line->section)
		return failure_set(failure, -EINVAL, NULL, "'%.128s=' stands before the first section",
				   line->key);
	if (load->skip_section || text_starts_with(line->key, "X-"))
		return 0;
	assignment.directive = directive_find(line->section, line->key);
	if (!assignment.directive)
		return load_unknown_key(load, line, failure);
	if (assignment.directive->replaced_by &&
	    text_list_take(&load->config->warnings,
			   text_format("%s:%u: %s= is an old name: write %s=", load->path, line->line,
				       line->key, assignment.directive->replaced_by)) < 0)
		return -ENOMEM;
	return assign_setting(&assignment,
			      (struct assign_place){.file = load_file_index(load), .line = line->line},
			      failure);
}

/* Sets the state of a config that cannot be used. -ENOMEM stays an error of the caller's. */
static int load_fail(struct unit_config *config, enum unit_load_state state, const struct failure *failure)
{
	if (failure->error == -ENOMEM)
		return -ENOMEM;
	config->load_state = state;
	failure_keep(&config->load_failure, failure);
	return 1;
}

/* Reads TEXT, which came from PATH, into the config. Returns 0, 1 when the config could not be loaded and
 * says why, or -ENOMEM. */
static int load_text(struct unit_config *config, const struct specifier_context *specifiers,
		     const struct fragment_file *file, const char *text, size_t length)
{
	struct load load = {
		.config = config, .specifiers = *specifiers, .path = file->path, .lenient = file->lenient};
	struct failure failure = {};
	char where[256];
	uint32_t line;
	int r;

	r = reader_parse(text, length, load_line, &load, &line, &failure);
	if (r >= 0)
		return 0;
	if (r == -ENOMEM)
		return r;
	snprintf(where, sizeof where, "%s:%u", file->path, line);
	failure_add_where(&failure, where);
	return load_fail(config, UNIT_BAD_SETTING, &failure);
}

/* Reads FILE. As load_text(). */
static int load_file(struct unit_config *config, const struct specifier_context *specifiers,
		     const struct fragment_file *file)
{
	_cleanup_free_ char *text = NULL;
	struct failure failure = {};
	struct stat status;
	ssize_t length;
	int r;

	r = text_list_append(&config->files, file->path);
	if (r < 0)
		return r;
	/* To open a FIFO would wait for a writer; /dev/null is a drop-in's mask. */
	if (stat(file->path, &status) < 0)
		length = -errno;
	else if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
		length = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	else
		length = fd_read_file_at(AT_FDCWD, file->path, READER_MAX_FILE, &text);
	if (length < 0) {
		/* What -ENOENT says to others is that there is no such unit; the text says why. */
		failure_set(&failure, (int)length, file->path, "%s",
			    length == -ENOENT ? "the link leads to no file" : "the file cannot be read");
		return load_fail(config, UNIT_ERROR, &failure);
	}
	return load_text(config, specifiers, file, text, (size_t)length);
}

static int load_finish(struct unit_config *config)
{
	struct failure failure = {};
	int r = finish_config(config, &failure);

	if (r >= 0)
		return 0;
	if (r == -ENOMEM)
		return r;
	return load_fail(config, UNIT_BAD_SETTING, &failure);
}

/* Links in .wants/ and .requires/ folders declare dependencies too. */
static int load_links(struct unit_config *config, const struct fragment *fragment)
{
	const struct {
		enum unit_dependency kind;
		char **names;
	} lists[] = {{UNIT_WANTS, fragment->wants}, {UNIT_REQUIRES, fragment->requires}};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		TEXT_LIST_FOREACH (name, lists[i].names)
			if (!text_list_contains(config->dependencies[lists[i].kind], *name) &&
			    text_list_append(&config->dependencies[lists[i].kind], *name) < 0)
				return -ENOMEM;
	return 0;
}

/* The name that specifiers are made of. A template is read only to be shown, enabled or verified: as if it
 * were an instance, because without one "dev-%i.device" would be no name. Heap; NULL when out of memory. */
static char *load_specifier_name(const char *name)
{
	if (!unit_name_is_template(name))
		return strdup(name);
	return text_format("%.*s@instance%s", (int)strcspn(name, "@"), name, strrchr(name, '.'));
}

/* A text that is read after the files. */
struct load_extra {
	const char *origin, *text;
	size_t length;
};

static int load_extra(struct unit_config *config, const struct specifier_context *specifiers,
		      const struct load_extra *extra)
{
	int r = text_list_append(&config->files, extra->origin);

	return r < 0 ? r
		     : load_text(config, specifiers,
				 &(struct fragment_file){
					 .path = config->files[text_list_length(config->files) - 1]},
				 extra->text, extra->length);
}

static int load_fragment(struct unit_config *config, const struct unit_specifiers *outside,
			 const struct fragment *fragment, const struct load_extra *extra)
{
	_cleanup_free_ char *name = load_specifier_name(config->name);
	struct specifier_context specifiers = {.name = name, .fragment = fragment->path, .outside = outside};
	const struct fragment_file main_file = {.path = fragment->path, .lenient = fragment->lenient};
	struct failure failure = {};
	int r;

	if (!name)
		return -ENOMEM;
	if (!fragment->path && config->kind != UNIT_SLICE) {
		failure_set(&failure, -ENOENT, config->name, "no file of the search path defines this unit");
		return load_fail(config, UNIT_NOT_FOUND, &failure);
	}
	if (fragment->masked) {
		failure_set(&failure, -EINVAL, fragment->path, "the unit is masked");
		r = text_list_append(&config->files, fragment->path);
		return r < 0 ? r : load_fail(config, UNIT_MASKED, &failure);
	}
	if (fragment->path)
		r = load_file(config, &specifiers, &main_file);
	else /* a slice needs no file; its drop-ins stand behind the place for one */
		r = fragment->n_dropins ? text_list_append(&config->files, "") : 0;
	for (size_t i = 0; i < fragment->n_dropins && r == 0; i++)
		r = load_file(config, &specifiers, &fragment->dropins[i]);
	if (r == 0 && extra)
		r = load_extra(config, &specifiers, extra);
	if (r == 0)
		r = load_links(config, fragment);
	if (r == 0)
		r = load_finish(config);
	if (r == 0 && unit_name_is_template(config->name)) {
		failure_set(&failure, -EINVAL, fragment->path,
			    "a template cannot run: name an instance, such as %.*sNAME%s",
			    (int)strcspn(config->name, "@") + 1, config->name, strrchr(config->name, '.'));
		r = load_fail(config, UNIT_BAD_SETTING, &failure);
	}
	return r;
}

/* A config for a name that is none, so that there is something to show. */
static int load_bad_name(const char *name, const struct failure *failure, struct unit_config **ret)
{
	struct unit_config *config = unit_config_new(name, UNIT_SERVICE);

	if (!config)
		return -ENOMEM;
	load_fail(config, UNIT_BAD_SETTING, failure);
	*ret = config;
	return 0;
}

static int load_named(const struct unit_search_path *path, const struct unit_specifiers *specifiers,
		      const char *name, const struct load_extra *extra, struct unit_config **ret)
{
	_cleanup_(fragment_deinit) struct fragment fragment = {};
	_cleanup_(cleanup_unit_config_free) struct unit_config *config = NULL;
	struct failure failure = {};
	enum unit_kind kind;
	int r;

	if (unit_name_parse(name, &kind, &failure) < 0)
		return load_bad_name(name, &failure, ret);
	r = fragment_find(path, name, &fragment, &failure);
	if (r == -ELOOP)
		return load_bad_name(name, &failure, ret);
	if (r < 0)
		return r;
	config = unit_config_new(fragment.name, kind);
	if (!config)
		return -ENOMEM;
	config->fingerprint =
		fragment_fingerprint(&fragment); /* before the files are read: a change meanwhile counts */
	r = load_fragment(config, specifiers, &fragment, extra);
	if (r == 0)
		r = container_resolve(path, config);
	if (r < 0)
		return r;
	*ret = TAKE(config);
	return 0;
}

int unit_load(const struct unit_search_path *path, const struct unit_specifiers *specifiers, const char *name,
	      struct unit_config **ret)
{
	return load_named(path, specifiers, name, NULL, ret);
}

int unit_load_with(const struct unit_search_path *path, const struct unit_specifiers *specifiers,
		   const char *name, const char *origin, const char *text, size_t length,
		   struct unit_config **ret)
{
	return load_named(path, specifiers, name,
			  &(struct load_extra){.origin = origin, .text = text, .length = length}, ret);
}

/* FILE as an absolute path; its last part is not followed if it is a link, for the name counts. */
static char *load_absolute(const char *file)
{
	const char *slash = strrchr(file, '/');
	_cleanup_free_ char *directory =
		strndup(slash ? file : ".", slash ? MAX_OF((size_t)(slash - file), (size_t)1) : 1);
	_cleanup_free_ char *real = directory ? realpath(directory, NULL) : NULL;

	if (!real)
		return directory && errno != ENOMEM ? strdup(file) : NULL;
	return text_format("%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : file);
}

int unit_load_file(const struct unit_specifiers *specifiers, const char *file, struct unit_config **ret)
{
	_cleanup_(cleanup_unit_config_free) struct unit_config *config = NULL;
	_cleanup_free_ char *path = load_absolute(file), *name = NULL, *specifier_name = NULL;
	struct specifier_context context = {.fragment = path, .outside = specifiers};
	struct failure failure = {};
	enum unit_kind kind;
	int r;

	if (!path)
		return -ENOMEM;
	name = fragment_unit_name(strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	if (!name) {
		failure_set(&failure, -EINVAL, file, "the file's name is no name of a unit");
		return load_bad_name(file, &failure, ret);
	}
	unit_name_parse(name, &kind, NULL);
	config = unit_config_new(name, kind);
	context.name = specifier_name = load_specifier_name(name);
	if (!config || !specifier_name)
		return -ENOMEM;
	r = load_file(config, &context, &(struct fragment_file){.path = path});
	if (r == 0)
		r = load_finish(config);
	if (r < 0)
		return r;
	*ret = TAKE(config);
	return 0;
}

int unit_load_text(const struct unit_specifiers *specifiers, const char *name, const char *text,
		   size_t length, struct unit_config **ret)
{
	_cleanup_(cleanup_unit_config_free) struct unit_config *config = NULL;
	_cleanup_free_ char *path = text_format("/%s", name);
	struct specifier_context context = {.name = name, .fragment = path, .outside = specifiers};
	enum unit_kind kind;
	int r;

	if (!path)
		return -ENOMEM;
	r = unit_name_parse(name, &kind, NULL);
	if (r < 0)
		return r;
	config = unit_config_new(name, kind);
	if (!config)
		return -ENOMEM;
	r = text_list_append(&config->files, path);
	if (r >= 0)
		r = load_text(config, &context, &(struct fragment_file){.path = path}, text, length);
	if (r == 0)
		r = load_finish(config);
	if (r < 0)
		return r;
	*ret = TAKE(config);
	return 0;
}
