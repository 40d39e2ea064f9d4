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
	if (cli->json) {
		show_filter(cli, properties);
		print_json(properties);
		return;
	}
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

int show_verb(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	struct json_object *properties;
	int status = CLI_OK;

	if (!arguments || !arguments[0]) {
		properties = properties_of_manager(cli, &status);
		if (properties)
			show_object(cli, properties, true);
		json_object_put(properties);
		return status;
	}
	if (call_expand(cli, arguments, &units) < 0)
		return CLI_FAILED;
	TEXT_LIST_FOREACH (unit, units) {
		properties = properties_of_unit(cli, *unit, &status);
		if (!properties)
			continue;
		show_object(cli, properties, unit == units);
		json_object_put(properties);
	}
	return status;
}

/* --- cat --------------------------------------------------------------------------------------------- */

static int show_cat_file(const struct cli *cli, const char *path, bool first)
{
	_cleanup_free_ char *text = NULL;
	ssize_t n = fd_read_file_at(AT_FDCWD, path, SHOW_FILE_LIMIT, &text);

	if (n < 0) {
		fprintf(stderr, "Failed to read %s: %s\n", path, strerror((int)-n));
		return CLI_FAILED;
	}
	printf("%s%s# %s%s\n", first ? "" : "\n", print_colour(cli, PRINT_GREY), path,
	       print_colour(cli, PRINT_PLAIN));
	fwrite(text, 1, (size_t)n, stdout);
	if (n > 0 && text[n - 1] != '\n')
		putchar('\n');
	return CLI_OK;
}

static int show_cat_unit(const struct cli *cli, const char *unit, struct json_object *properties, bool first)
{
	const char *fragment = properties_text(properties, "FragmentPath");
	struct json_object *drop_ins = properties_list(properties, "DropInPaths");
	int status;

	if (!fragment[0]) {
		fprintf(stderr, "No files found for %s.\n", unit);
		return CLI_FAILED;
	}
	status = show_cat_file(cli, fragment, first);
	for (size_t i = 0; drop_ins && i < json_object_array_length(drop_ins); i++)
		status = cli_worse(
			status,
			show_cat_file(cli, json_object_get_string(json_object_array_get_idx(drop_ins, i)),
				      false));
	return status;
}

int show_verb_cat(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **units = NULL;
	int status = call_expand(cli, arguments, &units) < 0 ? CLI_FAILED : CLI_OK;

	TEXT_LIST_FOREACH (unit, units) {
		int failed = CLI_OK;
		struct json_object *properties = properties_of_unit(cli, *unit, &failed);

		if (properties)
			failed = show_cat_unit(cli, *unit, properties, unit == units);
		json_object_put(properties);
		status = cli_worse(status, failed);
	}
	return status;
}
