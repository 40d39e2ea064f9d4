/* svcctl show and svcctl cat. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "cli/cli.h"

#define SHOW_FILE_LIMIT (1 << 20)

static bool show_wanted(const struct cli *cli, const char *name, struct json_object *value)
{
	if (cli->properties)
		return text_list_contains(cli->properties, name);
	if (cli->all)
		return true;
	/* As systemctl: what is empty says nothing. */
	return !(json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0);
}

static void show_print(const struct cli *cli, const char *name, struct json_object *value)
{
	_cleanup_free_ char *text = value_print(name, value);

	if (!cli->value)
		printf("%s=", name);
	print_safe(text ? text : "");
	putchar('\n');
}

/* --property= decides the order, as users of --value expect. */
static void show_print_chosen(const struct cli *cli, struct json_object *properties)
{
	TEXT_LIST_FOREACH (name, cli->properties) {
		struct json_object *value;

		if (json_object_object_get_ex(properties, *name, &value))
			show_print(cli, *name, value);
	}
}

static void show_filter(const struct cli *cli, struct json_object *properties)
{
	_cleanup_text_list_ char **unwanted = NULL;

	json_object_object_foreach(properties, name, value)
	{
		(void)value;
		if (cli->properties && !text_list_contains(cli->properties, name))
			text_list_append(&unwanted, name);
	}
	TEXT_LIST_FOREACH (key, unwanted)
		json_object_object_del(properties, *key);
}

static void show_object(const struct cli *cli, struct json_object *properties, bool first)
{
	if (!first)
		putchar('\n');
	if (cli->properties) {
		show_print_chosen(cli, properties);
		return;
	}
	json_object_object_foreach(properties, name, value)
	{
		if (show_wanted(cli, name, value))
			show_print(cli, name, value);
	}
}

static int show_manager(struct cli *cli)
{
	int status = CLI_OK;
	struct json_object *properties = properties_of_manager(cli, &status);

	if (!properties)
		return status;
	if (cli->json) {
		show_filter(cli, properties);
		print_json(properties);
	} else {
		show_object(cli, properties, true);
	}
	json_object_put(properties);
	return status;
}

int show_verb(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	struct json_object *answers;
	int status = CLI_OK;

	if (!arguments || !arguments[0])
		return show_manager(cli);
	if (call_expand(cli, arguments, &units) < 0)
		return CLI_FAILED;
	answers = json_object_new_object();
	TEXT_LIST_FOREACH (unit, units) {
		int failed;
		struct json_object *properties = properties_of_unit(cli, *unit, &failed);

		status = cli_worse(status, failed);
		if (!properties)
			continue;
		if (cli->json) {
			show_filter(cli, properties);
			json_object_object_add(answers, *unit, properties);
			continue;
		}
		show_object(cli, properties, unit == units);
		json_object_put(properties);
	}
	if (cli->json)
		print_json_units(arguments, answers);
	json_object_put(answers);
	return status;
}

/* --- cat --------------------------------------------------------------------------------------------- */

/* With --json into FILES: {"path": …, "text": …}. */
static int show_cat_file(const struct cli *cli, const char *path, struct json_object *files)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n = fd_read_file_at(AT_FDCWD, path, SHOW_FILE_LIMIT, &text);

	if (n < 0) {
		fprintf(stderr, "Failed to read %s: %s\n", path, strerror((int)-n));
		return CLI_FAILED;
	}
	if (cli->json) {
		struct json_object *file = json_object_new_object();

		json_object_object_add(file, "path", value_text(path));
		json_object_object_add(file, "text", value_text(text));
		json_object_array_add(files, file);
		return CLI_OK;
	}
	printf("%s# %s%s\n", print_colour(cli, PRINT_GREY), path, print_colour(cli, PRINT_PLAIN));
	fwrite(text, 1, (size_t)n, stdout);
	if (n > 0 && text[n - 1] != '\n')
		putchar('\n');
	return CLI_OK;
}

static int show_cat_unit(const struct cli *cli, const char *unit, struct json_object *properties,
			 struct json_object *files)
{
	const char *fragment = properties_text(properties, "FragmentPath");
	struct json_object *drop_ins = properties_list(properties, "DropInPaths");
	int status = CLI_OK;

	/* A slice needs no file of its own. */
	if (!fragment[0] && !(drop_ins && json_object_array_length(drop_ins) > 0)) {
		fprintf(stderr, "No files found for %s.\n", unit);
		return CLI_FAILED;
	}
	if (fragment[0])
		status = show_cat_file(cli, fragment, files);
	for (size_t i = 0; drop_ins && i < json_object_array_length(drop_ins); i++) {
		if (!cli->json && (i > 0 || fragment[0]))
			putchar('\n');
		status = cli_worse(
			status,
			show_cat_file(cli, json_object_get_string(json_object_array_get_idx(drop_ins, i)),
				      files));
	}
	return status;
}

int show_verb_cat(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	struct json_object *answers;
	int status = call_expand(cli, arguments, &units) < 0 ? CLI_FAILED : CLI_OK;

	answers = json_object_new_object();
	TEXT_LIST_FOREACH (unit, units) {
		int failed = CLI_OK;
		struct json_object *properties = properties_of_unit(cli, *unit, &failed),
				   *files = json_object_new_array();

		if (unit != units && !cli->json)
			putchar('\n');
		if (properties)
			failed = show_cat_unit(cli, *unit, properties, files);
		json_object_put(properties);
		if (json_object_array_length(files) > 0)
			json_object_object_add(answers, *unit, files);
		else
			json_object_put(files);
		status = cli_worse(status, failed);
	}
	if (cli->json)
		print_json_units(arguments, answers);
	json_object_put(answers);
	return status;
}
