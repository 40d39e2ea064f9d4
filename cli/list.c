/* svcctl list-units, list-unit-files, list-jobs, list-dependencies. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* A row of ListUnits. */
enum { LIST_NAME, LIST_DESCRIPTION, LIST_LOAD, LIST_ACTIVE, LIST_SUB };

enum { LIST_DEEPEST = 64 }; /* bytes of indentation */

static const char *list_text(struct json_object *row, size_t i)
{
	return json_object_get_string(json_object_array_get_idx(row, i));
}

static int list_compare(const void *a, const void *b)
{
	struct json_object *const *left = a, *const *right = b;

	return strcmp(list_text(*left, 0), list_text(*right, 0));
}

static bool list_has_type(const struct cli *cli, const char *name)
{
	const char *dot = strrchr(name, '.');

	return !cli->types || (dot && text_list_contains(cli->types, dot + 1));
}

/* As systemctl: what is of no interest now (not active, not failed, no job) is shown with --all, --state or
 * by name. */
static bool list_wanted(const struct cli *cli, struct json_object *row, bool by_name)
{
	bool idle = strcmp(list_text(row, LIST_ACTIVE), "inactive") == 0 &&
		    json_object_get_int64(json_object_array_get_idx(row, 7)) == 0;

	return list_has_type(cli, list_text(row, LIST_NAME)) && (!idle || cli->all || cli->states || by_name);
}

/* Calls MEMBER(states, patterns) and yields its sorted rows. */
static struct json_object *list_call(struct cli *cli, const char *member, char **patterns, int *ret_status)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) message = NULL, *_cleanup_(sd_bus_message_unrefp)
										 reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct json_object *rows = NULL;
	int r = sd_bus_message_new_method_call(cli->bus, &message, NAMES_SERVICE, NAMES_PATH, NAMES_MANAGER,
					       member);

	if (r >= 0)
		r = sd_bus_message_append_strv(message, cli->states);
	if (r >= 0)
		r = sd_bus_message_append_strv(message, patterns);
	if (r >= 0)
		r = sd_bus_call(cli->bus, message, 90 * USEC_PER_SEC, &error, &reply);
	if (r >= 0)
		rows = value_read(reply);
	if (rows)
		json_object_array_sort(rows, list_compare);
	else
		*ret_status = call_report(cli, r, &error, "list units");
	return rows;
}

/* Patterns without a suffix are names: "web" is "web.service", "web*" stays. */
static int list_patterns(char **arguments, char ***ret)
{
	_cleanup_text_list_ char **patterns = NULL;

	TEXT_LIST_FOREACH (argument, arguments) {
		int r = strpbrk(*argument, "*?[") ? text_list_append(&patterns, *argument)
						  : text_list_take(&patterns, call_unit_name(*argument));

		if (r < 0)
			return r;
	}
	*ret = TAKE(patterns);
	return 0;
}

static void list_print_units_json(struct json_object *rows)
{
	static const char *const names[] = {"unit", "description", "load", "active", "sub"};
	static const size_t order[] = {LIST_NAME, LIST_LOAD, LIST_ACTIVE, LIST_SUB, LIST_DESCRIPTION};
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i),
				   *entry = json_object_new_object();

		for (size_t j = 0; j < ARRAY_SIZE(order); j++)
			json_object_object_add(entry, names[order[j]],
					       json_object_get(json_object_array_get_idx(row, order[j])));
		json_object_array_add(list, entry);
	}
	print_json(list);
	json_object_put(list);
}

static const char *list_mark(struct json_object *row)
{
	if (strcmp(list_text(row, LIST_ACTIVE), "failed") == 0)
		return "●";
	if (strcmp(list_text(row, LIST_LOAD), "loaded") != 0)
		return "○";
	return " ";
}

static int list_print_units(const struct cli *cli, struct json_object *rows)
{
	struct print_table table = {.n_columns = 6};
	static const char *const header[] = {" ", "UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"};
	size_t n = json_object_array_length(rows);

	for (size_t i = 0; !cli->no_legend && n > 0 && i < ARRAY_SIZE(header); i++)
		print_table_add(&table, header[i]);
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		print_table_add(&table, list_mark(row));
		print_table_add(&table, list_text(row, LIST_NAME));
		print_table_add(&table, list_text(row, LIST_LOAD));
		print_table_add(&table, list_text(row, LIST_ACTIVE));
		print_table_add(&table, list_text(row, LIST_SUB));
		print_table_add(&table, list_text(row, LIST_DESCRIPTION));
	}
	if (print_table_end(&table) != CLI_OK)
		return CLI_FAILED;
	if (!cli->no_legend)
		printf("\n%s%zu loaded units listed.%s%s\n", print_colour(cli, PRINT_BOLD), n,
		       print_colour(cli, PRINT_PLAIN),
		       cli->all ? "" : " Pass --all to see loaded but inactive units, too.");
	return CLI_OK;
}

int list_verb_units(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **patterns = NULL;
	struct json_object *all, *rows;
	int status = list_patterns(arguments, &patterns) < 0 ? CLI_FAILED : CLI_OK;

	all = status == CLI_OK ? list_call(cli, "ListUnitsByPatterns", patterns, &status) : NULL;
	if (!all)
		return status;
	rows = json_object_new_array();
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *row = json_object_array_get_idx(all, i);

		if (list_wanted(cli, row, patterns != NULL))
			json_object_array_add(rows, json_object_get(row));
	}
	if (cli->json)
		list_print_units_json(rows);
	else
		status = list_print_units(cli, rows);
	json_object_put(rows);
	json_object_put(all);
	return status;
}

/* --- unit files -------------------------------------------------------------------------------------- */

static int list_print_files(const struct cli *cli, struct json_object *rows)
{
	struct print_table table = {.n_columns = 2};
	struct json_object *list = json_object_new_array();
	size_t n = 0;

	if (!cli->no_legend) {
		print_table_add(&table, "UNIT FILE");
		print_table_add(&table, "STATE");
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i), *entry;
		const char *slash = strrchr(list_text(row, 0), '/'),
			   *name = slash ? slash + 1 : list_text(row, 0);

		if (!list_has_type(cli, name))
			continue;
		n++;
		print_table_add(&table, name);
		print_table_add(&table, list_text(row, 1));
		entry = json_object_new_object();
		json_object_object_add(entry, "unit_file", json_object_new_string(name));
		json_object_object_add(entry, "path", json_object_new_string(list_text(row, 0)));
		json_object_object_add(entry, "state", json_object_new_string(list_text(row, 1)));
		json_object_array_add(list, entry);
	}
	if (cli->json) {
		print_json(list);
		json_object_put(list);
		table.failed = true; /* only to be freed */
		print_table_end(&table);
		return CLI_OK;
	}
	json_object_put(list);
	if (print_table_end(&table) != CLI_OK)
		return CLI_FAILED;
	if (!cli->no_legend)
		printf("\n%zu unit files listed.\n", n);
	return CLI_OK;
}

int list_verb_unit_files(struct cli *cli, char **arguments)
{
	_cleanup_text_list_ char **patterns = NULL;
	struct json_object *rows;
	int status = list_patterns(arguments, &patterns) < 0 ? CLI_FAILED : CLI_OK;

	rows = status == CLI_OK ? list_call(cli, "ListUnitFilesByPatterns", patterns, &status) : NULL;
	if (!rows)
		return status;
	status = list_print_files(cli, rows);
	json_object_put(rows);
	return status;
}

/* --- jobs -------------------------------------------------------------------------------------------- */

static int list_print_jobs(const struct cli *cli, struct json_object *rows)
{
	static const char *const names[] = {"job", "unit", "type", "state"}, *const header[] = {"JOB", "UNIT",
												"TYPE",
												"STATE"};
	struct print_table table = {.n_columns = 4};
	size_t n = json_object_array_length(rows);

	if (cli->json) {
		struct json_object *list = json_object_new_array();

		for (size_t i = 0; i < n; i++) {
			struct json_object *entry = json_object_new_object();

			for (size_t j = 0; j < ARRAY_SIZE(names); j++)
				json_object_object_add(entry, names[j],
						       json_object_get(json_object_array_get_idx(
							       json_object_array_get_idx(rows, i), j)));
			json_object_array_add(list, entry);
		}
		print_json(list);
		json_object_put(list);
		return CLI_OK;
	}
	if (n == 0) {
		if (!cli->no_legend)
			puts("No jobs running.");
		return CLI_OK;
	}
	for (size_t i = 0; !cli->no_legend && i < ARRAY_SIZE(header); i++)
		print_table_add(&table, header[i]);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			print_table_add(&table, list_text(json_object_array_get_idx(rows, i), j));
	if (print_table_end(&table) != CLI_OK)
		return CLI_FAILED;
	if (!cli->no_legend)
		printf("\n%zu jobs listed.\n", n);
	return CLI_OK;
}

int list_verb_jobs(struct cli *cli, _unused_ char **arguments)
{
	sd_bus_message *_cleanup_(sd_bus_message_unrefp) reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct json_object *rows;
	int status, r = call_manager(cli, "ListJobs", &error, &reply, NULL);

	if (r < 0)
		return call_report(cli, r, &error, "list jobs");
	rows = value_read(reply);
	if (!rows)
		return CLI_FAILED;
	status = list_print_jobs(cli, rows);
	json_object_put(rows);
	return status;
}

/* --- dependencies ------------------------------------------------------------------------------------ */

/* What starting UNIT pulls in directly, in the kinds systemctl shows. */
static int list_dependencies_of(struct cli *cli, const char *unit, char ***names)
{
	static const char *const kinds[] = {"Requires", "Requisite", "Wants",
					    "BindsTo",	"Upholds",   "ConsistsOf"};
	int status;
	struct json_object *properties = properties_of_unit(cli, unit, &status);

	if (!properties)
		return status;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct json_object *list = properties_list(properties, kinds[i]);

		for (size_t j = 0; list && j < json_object_array_length(list); j++) {
			const char *name = json_object_get_string(json_object_array_get_idx(list, j));

			if (!text_list_contains(*names, name) && text_list_append(names, name) < 0)
				status = CLI_FAILED;
		}
	}
	json_object_put(properties);
	return status;
}

/* Prints the tree below UNIT, or with --json fills TREE: unit -> tree. Depth is bounded and each unit is opened once, so
 * a cycle ends. */
static int list_dependencies_below(struct cli *cli, const char *unit, char ***seen, const char *indent,
				   struct json_object *tree)
{
	_cleanup_text_list_ char **names = NULL;
	int status = list_dependencies_of(cli, unit, &names);

	for (size_t i = 0; names && names[i]; i++) {
		_cleanup_free_ char *deeper = text_format("%s%s", indent, names[i + 1] ? "│ " : "  ");
		struct json_object *branch = json_object_new_object();

		json_object_object_add(tree, names[i], branch);
		if (!cli->json)
			printf("%s%s%s\n", indent, names[i + 1] ? "├─" : "└─", names[i]);
		if (!deeper || strlen(indent) >= LIST_DEEPEST || text_list_contains(*seen, names[i]) ||
		    text_list_append(seen, names[i]) < 0)
			continue;
		status = cli_worse(status, list_dependencies_below(cli, names[i], seen, deeper, branch));
	}
	return status;
}

int list_verb_dependencies(struct cli *cli, char **arguments)
{
	struct json_object *answers = json_object_new_object();
	int status = CLI_OK;

	TEXT_LIST_FOREACH (argument, arguments) {
		_cleanup_free_ char *unit = call_unit_name(*argument);
		_cleanup_text_list_ char **seen = NULL;
		struct json_object *tree = json_object_new_object();

		if (!cli->json)
			puts(unit ? unit : *argument);
		status = cli_worse(status,
				   unit ? list_dependencies_below(cli, unit, &seen, "", tree) : CLI_FAILED);
		json_object_object_add(answers, unit ? unit : *argument, tree);
	}
	if (cli->json)
		print_json_units(arguments, answers);
	json_object_put(answers);
	return status;
}
